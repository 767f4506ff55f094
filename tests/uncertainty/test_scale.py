"""The Student-t scale model: gradients, limits, and what a bound is worth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from bindfe.errors import InputError
from bindfe.uncertainty.kinds import widened_tail
from bindfe.uncertainty.scale import Observations, _loss, fit_scale_model
from bindfe.uncertainty.student import t_cdf, t_crps, t_logpdf, t_quantile


def drawn(
    rng: np.random.Generator, n: int, *, slope: float = 0.5, width: float = 0.9, tail: float = 6.0
) -> Observations:
    value = rng.normal(0, 1.5, n)
    z = rng.normal(0, 1, (n, 2))
    scale = width * np.exp(0.3 * z[:, 0]) * np.sqrt((tail - 2) / tail)
    return Observations(
        value=value,
        measured=slope * value + scale * rng.standard_t(tail, n),
        variance=np.full(n, 1e-4),
        assay=np.zeros(n),
        features=z,
        side=np.zeros(n),
    )


@pytest.mark.parametrize("censored", [False, True])
def test_the_gradient_is_that_of_finite_differences(censored: bool) -> None:
    rng = np.random.default_rng(0)
    seen = drawn(rng, 60)
    if censored:
        seen.side[:20], seen.side[20:25] = 1.0, -1.0
    theta = np.array([0.4, -0.1, 1.2, 0.1, 0.05])
    seen.variance[:] = 0.2
    _, gradient = _loss(theta, seen, seen.features)
    numeric = optimize.approx_fprime(theta, lambda t: _loss(t, seen, seen.features)[0], 1e-6)
    assert gradient == pytest.approx(numeric, rel=2e-4, abs=2e-4)


def test_finds_the_truth_that_the_data_were_drawn_from() -> None:
    model = fit_scale_model(drawn(np.random.default_rng(1), 20_000))
    assert model.slope == pytest.approx(0.5, abs=0.02)
    assert model.tail == pytest.approx(6.0, abs=0.8)
    assert model.coefficients[0] == pytest.approx(0.3, abs=0.02)
    assert model.coefficients[1] == pytest.approx(0.0, abs=0.02)


def test_a_feature_that_narrows_intervals_is_not_learned() -> None:
    seen = drawn(np.random.default_rng(2), 2000)
    seen.features[:, 0] *= -1
    assert fit_scale_model(seen).coefficients[0] == 0.0


def test_an_unknown_feature_counts_as_average() -> None:
    model = fit_scale_model(drawn(np.random.default_rng(3), 500))
    assert model.model_variance(np.array([[np.nan, np.nan]])) == pytest.approx(
        model.model_variance(model.centre[None, :])
    )


def test_bounds_recover_the_slope_that_dropping_them_loses() -> None:
    slopes = []
    for seed in range(8):
        seen = drawn(np.random.default_rng(seed), 1500)
        above = seen.measured > 0.8
        seen.measured[above], seen.side[above] = 0.8, -1.0
        slopes.append((fit_scale_model(seen).slope, fit_scale_model(seen.take(~above)).slope))
    with_bounds, dropped = np.mean(slopes, axis=0)
    assert with_bounds == pytest.approx(0.5, abs=0.02)
    assert dropped < 0.45


def test_five_values_are_needed() -> None:
    with pytest.raises(InputError, match=r"at least 5 are needed"):
        fit_scale_model(drawn(np.random.default_rng(0), 4))


def test_fitting_again_gives_the_same_bits() -> None:
    first, second = (fit_scale_model(drawn(np.random.default_rng(4), 300)) for _ in range(2))
    assert (first.slope, first.tail) == (second.slope, second.tail)


@pytest.mark.parametrize("tail", [3.0, 8.0, np.inf])
def test_t_functions_agree_with_scipy(tail: float) -> None:
    z = np.linspace(-5, 5, 41)
    other = stats.norm() if np.isinf(tail) else stats.t(tail)
    nu = np.full(41, tail)
    assert t_cdf(z, nu) == pytest.approx(other.cdf(z), abs=1e-10)
    assert t_quantile(0.9, nu) == pytest.approx(other.ppf(0.9), rel=1e-9)
    assert t_logpdf(z, nu) == pytest.approx(other.logpdf(z), abs=0.02)


def test_crps_is_the_integral_that_defines_it() -> None:
    grid = np.linspace(-400, 400, 800_001)
    for z, nu in ((0.0, 5.0), (1.7, 5.0), (-3.0, 20.0)):
        integral = np.trapezoid((stats.t(nu).cdf(grid) - (grid >= z)) ** 2, grid)
        assert t_crps(np.array([z]), np.array([nu]))[0] == pytest.approx(integral, abs=1e-3)


def test_a_widened_tail_has_the_quantiles_of_the_mixture() -> None:
    rng = np.random.default_rng(5)
    draws = rng.standard_t(8, 400_000) * np.exp(0.3 * rng.normal(size=400_000))
    tail, factor = widened_tail(8.0, 0.3)
    for p in (0.75, 0.95, 0.975):
        assert factor * stats.t(tail).ppf(p) == pytest.approx(np.quantile(draws, p), rel=0.015)
