"""How far a few repeats and a bootstrap can be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from bindfe.errors import EstimateError
from bindfe.results import Floats

_FEWEST_DEGREES = 3.0
_MOST_DEGREES = 1e4
_AS_GOOD_AS_EXACT = 1e3


@dataclass(frozen=True, kw_only=True, slots=True)
class VariancePrior:
    """What the bootstrap variance of a repeat says about the variance between repeats.

    The true variance is ``inflation`` times the bootstrap's, divided by a chi-square with ``degrees``
    over its degrees. The defaults are cautious: published bootstrap errors of binding free energies
    are often too small (their 95 % interval held another repeat 54 % of the time), so an unknown system's is
    worth four repeats' spread and no more. ``fit_variance_prior`` learns both from a series.
    """

    degrees: float = 4.0
    """Degrees of freedom that the bootstrap variance is worth; infinite if it is exact. At least 3."""
    inflation: float = 1.0
    """True variance over the bootstrap's, typically. At least 1."""

    def __post_init__(self) -> None:
        if not (self.degrees >= _FEWEST_DEGREES and self.inflation >= 1.0):
            raise EstimateError(
                f"a variance prior with {self.degrees:g} degrees and inflation {self.inflation:g}: at least "
                f"{_FEWEST_DEGREES:g} degrees (for a finite standard error) and inflation 1 are needed"
            )


def moderated_variance(values: Floats, prior_variance: float, prior_degrees: float = 4.0) -> float:
    """Variance between repeats, shrunk towards a prior value.

    The posterior mode's scale of a normal variance under an inverse-gamma prior (scaled inverse
    chi-square)::

        (d0 v0 + (R - 1) s^2) / (d0 + R - 1)

    so that (mean - truth) / sqrt(this / R) follows a t with d0 + R - 1 degrees. Two or three repeats alone
    would give one or two degrees, and the naive 1.96 s held 64.5 % where 95 % was meant.

    Args:
        values: One value for each repeat, (R,), R >= 1.
        prior_variance: v0, in the square of the values' unit.
        prior_degrees: d0; infinite to ignore the repeats' spread.

    Returns:
        The variance of one repeat, in the square of the values' unit.

    Source:
        Smyth, Stat. Appl. Genet. Mol. Biol. 3, 3 (2004), doi:10.2202/1544-6115.1027, eq. for s-tilde^2.
    """
    degrees = len(values) - 1
    if np.isinf(prior_degrees) or degrees == 0:
        return prior_variance
    spread = float(np.sum((values - np.mean(values)) ** 2))
    return (prior_degrees * prior_variance + spread) / (prior_degrees + degrees)


def fit_variance_prior(repeats: list[Floats], bootstrap_errors: list[Floats]) -> VariancePrior:
    """Learn from a series of ligands what their bootstrap variances are worth.

    The ratio of each ligand's repeat variance to its mean bootstrap variance follows ``inflation`` times
    an F distribution with (R - 1, ``degrees``); both are those of greatest likelihood. Moments of the logarithm, as
    in Smyth (2004), are too noisy for two repeats: a chi-square with one degree has most of its log-variance near zero.

    Args:
        repeats: delta_g of the repeats of each ligand, (R,) each with R >= 2.
        bootstrap_errors: Bootstrap standard error of each, the same shapes and unit.

    Returns:
        The prior, within its limits (degrees at least 3, inflation at least 1).

    Raises:
        EstimateError: Fewer than 8 ligands have two repeats that differ.

    Source:
        The model of Smyth, Stat. Appl. Genet. Mol. Biol. 3, 3 (2004), doi:10.2202/1544-6115.1027, section 6.
    """
    pairs = [(v, e) for v, e in zip(repeats, bootstrap_errors, strict=True) if len(v) > 1 and np.ptp(v) > 0]
    if len(pairs) < 8:
        raise EstimateError(f"{len(pairs)} ligands with two or more repeats: at least 8 are needed to fit a prior")
    degrees = np.array([len(v) - 1 for v, _ in pairs])
    ratio = np.array([np.var(v, ddof=1) / np.mean(e**2) for v, e in pairs])

    def loss(parameters: Floats) -> float:
        worth, inflation = np.exp(parameters)
        return float(-np.sum(stats.f.logpdf(ratio / inflation, degrees, worth) - np.log(inflation)))

    limits = [(np.log(_FEWEST_DEGREES), np.log(_MOST_DEGREES)), (0.0, np.log(1e3))]
    starts = [np.log([worth, max(1.0, float(np.median(ratio)))]) for worth in (4.0, 30.0, 3000.0)]
    fits = [optimize.minimize(loss, start, bounds=limits, method="L-BFGS-B") for start in starts]
    worth, inflation = np.exp(min(fits, key=lambda fit: float(fit.fun)).x)
    exact = worth > _AS_GOOD_AS_EXACT
    return VariancePrior(degrees=float("inf") if exact else float(worth), inflation=float(inflation))
