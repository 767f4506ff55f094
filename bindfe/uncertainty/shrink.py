"""Sampling honesty: what three repeats, or one, really say about the scatter between repeats.

Two or three repeats have one or two degrees of freedom, so their own standard deviation is nearly noise: an
interval of 1.96 of it holds the next repeat half to two thirds of the time. Over many calculations the
variances have a distribution, and each is shrunk towards it (empirical Bayes).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from bindfe.results import Calculation, Floats

_REPORTED_DEGREES = 2.0
"""Degrees of freedom that a standard error without its repeats is worth: it usually stands for three."""
_FEWEST = 20
"""Calculations with repeats from which the prior is learned; with fewer the default stands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RepeatPrior:
    """How the variance between repeats is distributed over calculations.

    ``v ~ v0 / (chi^2_d0 / d0)`` with ``v0 = factor * b^(2 power)``, b the repeat's own (MBAR) standard error, or
    ``v0 = pooled`` where that is not known.
    """

    factor: float = 0.5
    """v0 of a repeat whose own standard error is 1 kcal/mol [kcal^2/mol^2]."""
    power: float = 0.5
    """How v0 follows the repeat's own variance."""
    degrees: float = 3.0
    """d0: repeats' degrees of freedom that the prior is worth."""
    pooled: float = 0.1
    """v0 without an own standard error [kcal^2/mol^2]."""
    pooled_degrees: float = 3.0
    """d0 then."""

    def variance(self, own_error: Floats) -> tuple[Floats, Floats]:
        """Prior variance between repeats [kcal^2/mol^2] and its degrees of freedom, (N,) each.

        Args:
            own_error: Standard error of one repeat [kcal/mol], (N,); nan, 0 or infinite if unknown.
        """
        known = np.isfinite(own_error) & (own_error > 0)
        own = np.where(known, own_error, 1.0)
        return (
            np.where(known, self.factor * own ** (2 * self.power), self.pooled),
            np.where(known, self.degrees, self.pooled_degrees),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingError:
    """Error of the mean over repeats of N calculations."""

    scale: Floats
    """Scale of the t of the mean [kcal/mol], (N,)."""
    degrees: Floats
    """Its degrees of freedom, (N,), more than 2."""

    @property
    def standard_error(self) -> Floats:
        """Predictive standard deviation [kcal/mol], (N,)."""
        return self.scale * np.sqrt(self.degrees / (self.degrees - 2))


def fit_repeat_prior(calculations: Sequence[Calculation]) -> RepeatPrior:
    """Learn how repeat variances are distributed, by maximum likelihood.

    ``s^2 / v0`` of a calculation with d degrees follows F(d, d0).

    Args:
        calculations: Those with at least two repeats are used.

    Returns:
        The prior; the default with fewer than 20 such calculations.

    Source:
        Smyth, Stat. Appl. Genet. Mol. Biol. 3, 3 (2004), doi:10.2202/1544-6115.1027, sections 4 and 6.
    """
    used = [c for c in calculations if len(c.repeats) >= 2 and np.var(c.repeats) > 0]
    if len(used) < _FEWEST:
        return RepeatPrior()
    variance = np.array([np.var(c.repeats, ddof=1) for c in used])
    degrees = np.array([len(c.repeats) - 1.0 for c in used])
    own = np.array([c.repeat_error_kcal_mol for c in used])
    plain = _fit(np.log(variance), degrees, np.zeros(len(used)))
    known = np.isfinite(own) & (own > 0)
    if known.sum() < _FEWEST:
        return RepeatPrior(pooled=math.exp(plain[0]), pooled_degrees=plain[2])
    best = _fit(np.log(variance[known]), degrees[known], 2 * np.log(own[known]))
    return RepeatPrior(
        factor=math.exp(best[0]), power=best[1], degrees=best[2], pooled=math.exp(plain[0]), pooled_degrees=plain[2]
    )


def _fit(log_variance: Floats, degrees: Floats, log_own: Floats) -> tuple[float, float, float]:
    """Log factor, power and prior degrees by maximum likelihood of the F distribution."""

    def loss(theta: Floats) -> float:
        prior_degrees = 2.2 + math.exp(theta[2])
        shift = log_variance - theta[0] - theta[1] * log_own
        likelihood = float(np.sum(stats.f.logpdf(np.exp(shift), degrees, prior_degrees) + shift))
        return -likelihood + 0.5 * (float(theta[2]) / 2) ** 2

    start = np.array([float(np.mean(log_variance)), 0.5 if np.any(log_own) else 0.0, 0.0])
    bounds = [(None, None), (0.0, 1.5) if np.any(log_own) else (0.0, 0.0), (-4.0, 5.0)]
    found = optimize.minimize(loss, start, method="L-BFGS-B", bounds=bounds).x
    return float(found[0]), float(found[1]), 2.2 + math.exp(float(found[2]))


def sampling_error(calculations: Sequence[Calculation], prior: RepeatPrior) -> SamplingError:
    """Error of each mean over repeats: moderated repeat variance, or the repeats' own error where that is larger.

    ::

        v     = (d0 v0 + (R - 1) s^2) / (d0 + R - 1)
        scale = sqrt(max(v, b^2) / R),  nu = d0 + R - 1

    A standard error reported without its repeats counts as that of three; a zero, infinite or missing one as
    no information.

    Args:
        calculations: N calculations.
        prior: From :func:`fit_repeat_prior`.
    """
    count = len(calculations)
    number, spread, degrees = np.ones(count), np.zeros(count), np.zeros(count)
    own = np.array([c.repeat_error_kcal_mol for c in calculations], dtype=float)
    for index, one in enumerate(calculations):
        if len(one.repeats) >= 2:
            number[index], degrees[index] = len(one.repeats), len(one.repeats) - 1
            mean = sum(one.repeats) / len(one.repeats)
            spread[index] = sum((r - mean) ** 2 for r in one.repeats) / (len(one.repeats) - 1)
        elif math.isfinite(one.standard_error_kcal_mol) and one.standard_error_kcal_mol > 0:
            number[index], degrees[index] = 1 + _REPORTED_DEGREES, _REPORTED_DEGREES
            spread[index] = number[index] * one.standard_error_kcal_mol**2
    variance, prior_degrees = prior.variance(own)
    moderated = (prior_degrees * variance + degrees * spread) / (prior_degrees + degrees)
    floor = np.where(np.isfinite(own), own, 0.0) ** 2
    return SamplingError(scale=np.sqrt(np.maximum(moderated, floor) / number), degrees=prior_degrees + degrees)


def next_repeat_interval(
    repeats: Sequence[float], *, own_error: float, prior: RepeatPrior, coverage: float = 0.95
) -> tuple[float, float]:
    """Interval in which one more, independent repeat falls.

    Args:
        repeats: One value a repeat [kcal/mol], at least one.
        own_error: Standard error of one repeat by MBAR [kcal/mol]; nan if unknown.
        prior: From :func:`fit_repeat_prior`.
        coverage: Between 0 and 1.

    Returns:
        Lower and upper bound [kcal/mol].
    """
    values = np.asarray(repeats, dtype=float)
    number = len(values)
    variance, degrees = prior.variance(np.array([own_error]))
    spread = float(np.var(values, ddof=1)) if number > 1 else 0.0
    total = float(degrees[0]) + number - 1
    moderated = (float(degrees[0] * variance[0]) + (number - 1) * spread) / total
    half = float(stats.t.ppf(0.5 + coverage / 2, total)) * math.sqrt(moderated * (1 + 1 / number))
    return float(values.mean()) - half, float(values.mean()) + half
