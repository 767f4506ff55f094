"""Scores against closed forms and against packages that share no code."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bindfe.errors import InputError
from bindfe.uncertainty.conformal import fold_of_groups, groups_needed, hierarchical_quantile, pooled_quantile
from bindfe.uncertainty.score import Scored, score


def scored(
    n: int = 600, *, seed: int = 0, proteins: int = 12, sigma_error: float = 1.0, tail: float = np.inf
) -> Scored:
    rng = np.random.default_rng(seed)
    group = np.array([f"p{i % proteins}" for i in range(n)])
    location = rng.normal(0, 1.0, n)
    scale = 0.5 + rng.random(n)
    noise = rng.normal(size=n) if np.isinf(tail) else rng.standard_t(tail, n)
    return Scored(
        target=group,
        protein=group,
        first=np.array([f"a{i}" for i in range(n)]),
        second=np.array([f"b{i}" for i in range(n)]),
        measured=location + sigma_error * scale * noise,
        raw=2 * location,
        location=location,
        scale=scale,
        degrees=np.full(n, tail),
        raw_error=scale,
        reported_error=0.2 * scale,
        half_widths={},
    )


def test_an_exact_model_scores_as_one() -> None:
    found = score(scored(6000)).measures
    for nominal in (50, 68, 90, 95):
        assert found[f"coverage_{nominal}"].value == pytest.approx(nominal / 100, abs=0.02)
    assert found["ece"].value < 0.012
    assert found["z_variance"].value == pytest.approx(1.0, abs=0.06)
    assert found["spearman_error_sigma"].value == pytest.approx(found["spearman_error_sigma_if_exact"].value, abs=0.04)


def test_error_bars_that_are_half_of_what_they_should_be_are_found_out() -> None:
    found = score(scored(3000, sigma_error=2.0)).measures
    assert found["coverage_90"].value == pytest.approx(2 * stats.norm.cdf(1.645 / 2) - 1, abs=0.03)
    assert found["coverage_90"].upper < 0.9


def test_the_cluster_bootstrap_has_the_spread_of_protein_means() -> None:
    rng = np.random.default_rng(3)
    seen = scored(400, proteins=20)
    shift = dict(zip(np.unique(seen.protein), rng.normal(0, 1.5, 20), strict=True))
    shifted = Scored(
        **{n: getattr(seen, n) for n in seen.__slots__} | {"measured": seen.measured + [shift[p] for p in seen.protein]}
    )
    clustered, plain = score(shifted).measures["coverage_90"], score(seen).measures["coverage_90"]
    assert clustered.upper - clustered.lower > 2 * (plain.upper - plain.lower)


def test_one_protein_gives_no_interval_and_says_so() -> None:
    found = score(scored(50, proteins=1))
    assert np.isnan(found.measures["coverage_90"].lower)
    assert "one protein only" in found.notes[0]


def test_a_protein_whose_intervals_fail_is_named_first_and_significant() -> None:
    seen = scored(600)
    bad = seen.protein == "p3"
    broken = Scored(
        **{n: getattr(seen, n) for n in seen.__slots__} | {"measured": seen.measured + np.where(bad, 5.0, 0.0)}
    )
    worst = score(broken).targets[0]
    assert worst.protein == "p3"
    assert worst.p_holm < 0.001
    assert score(seen).targets[0].p_holm > 0.05


def test_which_of_two_binds_better_is_right_as_often_as_said() -> None:
    for said, seen, number in score(scored(6000)).pairs:
        assert abs(said - seen) < 4 * np.sqrt(0.25 / number)


def test_predictions_without_a_measured_value_are_counted() -> None:
    seen = scored(30)
    seen.measured[:28] = np.nan
    assert "28 predictions without a measured value" in score(seen).notes[0]
    seen.measured[:] = np.nan
    with pytest.raises(InputError, match=r"give --affinities"):
        score(seen)


def test_crps_nll_and_sharpness_agree_with_uncertainty_toolbox() -> None:
    toolbox = pytest.importorskip("uncertainty_toolbox")
    seen = scored(800)
    found = score(seen).measures
    args = (seen.location, seen.scale, seen.measured)
    assert found["crps_kcal_mol"].value == pytest.approx(toolbox.metrics_scoring_rule.crps_gaussian(*args), rel=1e-4)
    assert found["nll"].value == pytest.approx(toolbox.metrics_scoring_rule.nll_gaussian(*args), rel=1e-4)
    their = toolbox.metrics_calibration.mean_absolute_calibration_error(*args, num_bins=19)
    assert found["ece_central"].value == pytest.approx(their, abs=0.006)


def test_pooled_quantiles_give_the_intervals_of_crepes() -> None:
    crepes = pytest.importorskip("crepes")
    rng = np.random.default_rng(0)
    residuals, sigmas = rng.standard_t(5, 500), 0.5 + rng.random(500)
    regressor = crepes.ConformalRegressor()
    regressor.fit(residuals=residuals, sigmas=sigmas)
    theirs = regressor.predict_int(y_hat=np.zeros(3), sigmas=np.array([1.0, 2.0, 0.5]), confidence=0.9)
    ours = pooled_quantile(np.abs(residuals) / sigmas, 0.9)
    assert theirs[:, 1] == pytest.approx(ours * np.array([1.0, 2.0, 0.5]), rel=0.01)


def test_pooled_quantiles_give_the_width_of_mapie() -> None:
    pytest.importorskip("mapie")
    from mapie.regression import SplitConformalRegressor
    from sklearn.linear_model import LinearRegression

    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, 1))
    y = 0.5 * x[:, 0] + rng.standard_t(4, 600)
    model = LinearRegression().fit(x[:200], y[:200])
    theirs = SplitConformalRegressor(model, confidence_level=0.9, prefit=True).conformalize(x[200:], y[200:])
    _, bounds = theirs.predict_interval(np.zeros((1, 1)))
    half = (bounds[0, 1, 0] - bounds[0, 0, 0]) / 2
    assert half == pytest.approx(pooled_quantile(np.abs(y[200:] - model.predict(x[200:])), 0.9), rel=1e-6)


def test_hierarchical_quantiles_need_nine_proteins_for_ninety_percent() -> None:
    assert (groups_needed(0.9), groups_needed(0.95)) == (9, 19)
    scores = np.linspace(0, 1, 80)
    assert np.isinf(hierarchical_quantile(scores, np.repeat([f"p{i}" for i in range(8)], 10), 0.9))
    assert np.isfinite(hierarchical_quantile(np.linspace(0, 1, 90), np.repeat([f"p{i}" for i in range(9)], 10), 0.9))


def test_hierarchical_quantiles_cover_a_new_group_where_pooled_ones_do_not() -> None:
    rng = np.random.default_rng(2)
    kept = {"pooled": [], "hierarchical": []}
    for _ in range(400):
        sizes = np.where(rng.random(12) < 0.3, 80, 5)  # large groups are the easy ones
        width = np.where(sizes == 80, 0.5, 1.5)
        groups = np.repeat([f"p{i}" for i in range(12)], sizes)
        scores = np.abs(rng.normal(size=sizes.sum())) * np.repeat(width, sizes)
        new = abs(rng.normal()) * (0.5 if rng.random() < 0.3 else 1.5)
        kept["pooled"].append(new <= pooled_quantile(scores, 0.9))
        kept["hierarchical"].append(new <= hierarchical_quantile(scores, groups, 0.9))
    assert np.mean(kept["hierarchical"]) > 0.88
    assert np.mean(kept["pooled"]) < 0.85


def test_folds_hold_whole_proteins_and_do_not_depend_on_order() -> None:
    groups = np.array([f"p{i}" for i in [0] * 30 + [1] * 5 + [2] * 5 + [3] * 12])
    fold = fold_of_groups(groups.tolist(), 3)
    assert all(len(set(fold[groups == g])) == 1 for g in np.unique(groups))
    order = np.random.default_rng(0).permutation(len(groups))
    assert np.array_equal(fold_of_groups(groups[order].tolist(), 3), fold[order])
