"""Variances from few repeats."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bindfe.errors import EstimateError
from bindfe.uncertainty.resample import VariancePrior, fit_variance_prior, moderated_variance


def test_moderated_variance_goes_from_the_prior_to_the_spread() -> None:
    values = np.array([1.0, 2.0, 4.0])
    assert moderated_variance(values, 0.7, np.inf) == 0.7
    assert moderated_variance(values[:1], 0.7) == 0.7
    assert moderated_variance(values, 0.7, 1e-12) == pytest.approx(np.var(values, ddof=1))
    assert moderated_variance(values, 0.7, 4.0) == pytest.approx((4 * 0.7 + 2 * np.var(values, ddof=1)) / 6)


def test_two_repeats_hold_the_mean_as_often_as_their_t_interval_says() -> None:
    """True variances drawn from the inverse-gamma prior: the t with d0 + R - 1 degrees is exact."""
    rng, n = np.random.default_rng(0), 4000
    variance = 0.5 * 4 / rng.chisquare(4, n)
    repeats = rng.normal(0.0, np.sqrt(variance)[:, None], (n, 2))
    half = [stats.t.ppf(0.975, 5) * np.sqrt(moderated_variance(row, 0.5) / 2) for row in repeats]
    assert abs(np.mean(np.abs(repeats.mean(axis=1)) < half) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / n)


def test_a_series_gives_back_the_prior_that_made_it() -> None:
    rng, n = np.random.default_rng(1), 6000
    variance = 0.04 * 2.5 * 8 / rng.chisquare(8, n)
    repeats = list(rng.normal(0.0, np.sqrt(variance)[:, None], (n, 3)))
    prior = fit_variance_prior(repeats, [np.full(3, 0.2)] * n)
    assert prior.degrees == pytest.approx(8.0, rel=0.2)
    assert prior.inflation == pytest.approx(2.5, rel=0.08)


def test_a_series_whose_bootstrap_is_exact_is_believed() -> None:
    rng = np.random.default_rng(2)
    prior = fit_variance_prior(list(rng.normal(0.0, 0.2, (3000, 3))), [np.full(3, 0.2)] * 3000)
    assert prior.degrees > 40
    assert prior.inflation == pytest.approx(1.0, abs=0.06)


def test_a_prior_needs_a_series() -> None:
    with pytest.raises(EstimateError, match="at least 8"):
        fit_variance_prior([np.array([1.0, 2.0])] * 7, [np.array([0.1, 0.1])] * 7)


def test_a_prior_without_a_finite_standard_error_is_refused() -> None:
    with pytest.raises(EstimateError, match="at least"):
        VariancePrior(degrees=2.0)
