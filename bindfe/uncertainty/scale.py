"""The Student-t scale model: a slope for the mean, and a width that follows the features.

::

    y_i = s p_i + e_i
    Var(e_i) = exp(2 (b0 + z_i b)) + s^2 u_i + a_i
    e_i / sqrt(Var(e_i) (nu - 2) / nu)  ~  t_nu

A measured bound (``<`` or ``>``) counts with the probability of its side.

p is the raw value, u the variance of its sampling and committee error, a the assay's, z the standardised
features. Priors: b ~ N(0, 0.1^2) kept at zero or above, log(nu - 2) ~ N(1.5, 1), s ~ N(0.7, 0.5^2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from bindfe.errors import InputError
from bindfe.results import Floats
from bindfe.uncertainty.student import t_cdf, t_logpdf

_PRIOR_SLOPE = (0.7, 0.5)
_PRIOR_TAIL = (1.5, 1.0)
_COEFFICIENT_SD = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Observations:
    """Raw and measured values of N calculations, with what their errors may depend on."""

    value: Floats
    """Raw value p [kcal/mol], (N,)."""
    measured: Floats
    """Measured value y [kcal/mol], (N,); nan in a prediction."""
    variance: Floats
    """Sampling and committee variance u of p [kcal^2/mol^2], (N,)."""
    assay: Floats
    """Assay variance a of y [kcal^2/mol^2], (N,)."""
    features: Floats
    """Features, (N, F); nan where unknown."""
    side: Floats
    """0 for a measured value; 1 if the true one is only known to lie below it, -1 above (censored), (N,)."""

    def take(self, index: Floats) -> Observations:
        """The observations at these places (or where a mask is true)."""
        return Observations(
            value=self.value[index],
            measured=self.measured[index],
            variance=self.variance[index],
            assay=self.assay[index],
            features=self.features[index],
            side=self.side[index],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ScaleModel:
    """What was learned: mean, width and tail."""

    slope: float
    """s: how much of a raw difference is real, on average over proteins."""
    log_width: float
    """b0: log of the model error at average features [log kcal/mol]."""
    coefficients: Floats
    """b: change of log width for one standard deviation of each feature, (F,), not negative."""
    centre: Floats
    """Mean of each feature, (F,)."""
    spread: Floats
    """Standard deviation of each feature, (F,); infinite where it was not seen to vary."""
    tail: float
    """nu, more than 2."""

    def model_variance(self, features: Floats) -> Floats:
        """Variance of the model error [kcal^2/mol^2], (N,)."""
        z = _standardised(features, self.centre, self.spread)
        return np.exp(2 * (self.log_width + z @ self.coefficients))

    def variance(self, seen: Observations) -> Floats:
        """Predictive variance about s p [kcal^2/mol^2], (N,)."""
        return self.model_variance(seen.features) + self.slope**2 * seen.variance + seen.assay

    def scale(self, seen: Observations) -> Floats:
        """Scale of the predictive t [kcal/mol], (N,)."""
        return np.sqrt(self.variance(seen) * (self.tail - 2) / self.tail)


def _standardised(features: Floats, centre: Floats, spread: Floats) -> Floats:
    z = (features - centre) / spread
    return np.clip(np.where(np.isfinite(z), z, 0.0), -4.0, 4.0)


def fit_scale_model(seen: Observations, *, start: ScaleModel | None = None) -> ScaleModel:
    """Fit slope, width and tail by penalised maximum likelihood.

    Args:
        seen: Observations with measured values.
        start: A model to start from, for example one fitted on nearly the same data.

    Raises:
        InputError: Fewer than 5 observations, or no variation in the raw values.
    """
    if len(seen.value) < 5:
        raise InputError(
            f"{len(seen.value)} calculations with a measured value; at least 5 are needed to fit a calibrator"
        )
    centre, spread = _centre(seen.features)
    z = _standardised(seen.features, centre, spread)
    used = np.isfinite(spread)
    begin = _start(seen, z.shape[1]) if start is None else _theta(start)
    bounds = [(None, None), (-4.0, 4.0), (-4.0, 6.0)] + [(0.0, 1.0) if u else (0.0, 0.0) for u in used]
    found = optimize.minimize(
        _loss,
        np.clip(begin, [-9, -4, -4] + [0] * len(used), 9),
        args=(seen, z),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
    ).x
    return ScaleModel(
        slope=float(found[0]),
        log_width=float(found[1]),
        coefficients=found[3:],
        centre=centre,
        spread=spread,
        tail=2.05 + math.exp(float(found[2])),
    )


def _theta(model: ScaleModel) -> Floats:
    return np.concatenate([[model.slope, model.log_width, math.log(model.tail - 2.05)], model.coefficients])


def _start(seen: Observations, n_features: int) -> Floats:
    slope = float(seen.value @ seen.measured / max(float(seen.value @ seen.value), 1e-12))
    width = 0.5 * math.log(max(float(np.mean((seen.measured - slope * seen.value) ** 2)), 1e-3)) - 0.2
    return np.concatenate([[slope, width, _PRIOR_TAIL[0]], np.zeros(n_features)])


def _centre(features: Floats) -> tuple[Floats, Floats]:
    centre, spread = np.zeros(features.shape[1]), np.full(features.shape[1], np.inf)
    for column in range(features.shape[1]):
        known = features[np.isfinite(features[:, column]), column]
        if len(known) >= 5 and known.std() > 1e-9:
            centre[column], spread[column] = known.mean(), known.std()
    return centre, spread


def _loss(theta: Floats, seen: Observations, z: Floats) -> tuple[float, Floats]:
    """Negative log posterior and its gradient."""
    slope, excess = theta[0], math.exp(theta[2])
    room = 0.05 + excess  # nu - 2
    tail = 2.0 + room
    width = np.exp(2 * (theta[1] + z @ theta[3:]))
    variance = width + slope**2 * seen.variance + seen.assay
    rest = seen.measured - slope * seen.value
    exact = seen.side == 0
    ratio = np.where(exact, rest**2 / (variance * room), 0.0)
    n = int(exact.sum())
    likelihood = (
        n * (special.gammaln((tail + 1) / 2) - special.gammaln(tail / 2))
        - 0.5 * np.sum(np.log(math.pi * variance[exact] * room))
        - (tail + 1) / 2 * np.sum(np.log1p(ratio))
    )
    by_rest = -(tail + 1) * rest / (variance * room + rest**2)
    by_variance = -0.5 / variance + (tail + 1) / 2 * ratio / ((1 + ratio) * variance)
    if n < len(rest):
        censored = _Censored(rest=rest[~exact], variance=variance[~exact], side=seen.side[~exact])
        likelihood += censored.log_likelihood(tail)
        by_rest[~exact], by_variance[~exact] = censored.gradient(tail)
    by_tail = (
        n * 0.5 * (special.psi((tail + 1) / 2) - special.psi(tail / 2))
        - 0.5 * n / room
        - 0.5 * np.sum(np.log1p(ratio))
        + (tail + 1) / 2 * np.sum(ratio / (1 + ratio)) / room
    )
    if n < len(rest):
        by_tail += (censored.log_likelihood(tail + 1e-4) - censored.log_likelihood(tail - 1e-4)) / 2e-4
    gradient = np.concatenate(
        [
            [np.sum(-by_rest * seen.value) + np.sum(by_variance * 2 * slope * seen.variance)],
            [np.sum(by_variance * 2 * width)],
            [by_tail * excess],
            (by_variance * 2 * width) @ z,
        ]
    )
    penalty, penalty_gradient = _penalty(theta)
    return float(-likelihood + penalty), -gradient + penalty_gradient


@dataclass(frozen=True, kw_only=True, slots=True)
class _Censored:
    """Measured bounds: the likelihood is the probability of the side on which the true value lies."""

    rest: Floats
    variance: Floats
    side: Floats

    def _z(self, tail: float) -> tuple[Floats, Floats]:
        scale = np.sqrt(self.variance * (tail - 2) / tail)
        return self.side * self.rest / scale, scale

    def log_likelihood(self, tail: float) -> float:
        z, _ = self._z(tail)
        return float(np.sum(np.log(np.maximum(t_cdf(z, np.array(tail)), 1e-300))))

    def gradient(self, tail: float) -> tuple[Floats, Floats]:
        """By the residual and by the variance."""
        z, scale = self._z(tail)
        nu = np.array(tail)
        hazard = np.exp(t_logpdf(z, nu)) / np.maximum(t_cdf(z, nu), 1e-300)
        return self.side * hazard / scale, -hazard * z / (2 * self.variance)


def _penalty(theta: Floats) -> tuple[float, Floats]:
    centre = np.zeros_like(theta)
    width = np.full_like(theta, _COEFFICIENT_SD)
    centre[0], width[0] = _PRIOR_SLOPE
    centre[1], width[1] = 0.0, 2.0
    centre[2], width[2] = _PRIOR_TAIL
    z = (theta - centre) / width
    return float(0.5 * z @ z), z / width
