"""A committee's spread: its noise taken off, rescaled on a hold-out, shared between ligands."""

from __future__ import annotations

import numpy as np
import pytest

from bindfe.errors import EstimateError, InputError
from bindfe.results import BindingEstimate, CommitteeRoute, Term
from bindfe.uncertainty.budget import budget, predict
from bindfe.uncertainty.committee import (
    committee_covariance,
    excess_variance,
    fit_rescaling,
    predictive_factor,
    rescale,
)


def route(*, alpha: float = 1.0, unidirectional: bool = False) -> CommitteeRoute:
    return CommitteeRoute(route="mbar", trusted=True, unidirectional=unidirectional, alpha=alpha, reason="")


def binding(ligand: str, members: np.ndarray, errors: np.ndarray, committee: CommitteeRoute) -> BindingEstimate:
    term = Term(name="solvent", delta_g_kcal_mol=0.0, standard_error_kcal_mol=0.01, explanation="x")
    return BindingEstimate(
        ligand=ligand,
        temperature=298.15,
        delta_g_kcal_mol=float(members.mean()),
        terms=(term,),
        delta_g_repeats=np.full(3, members.mean()),
        bootstrap_errors=np.full(3, 1e-6),
        delta_g_members=members,
        member_errors=errors,
        committee=committee,
    )


def test_excess_variance_averages_to_the_true_one_because_it_is_not_clipped() -> None:
    rng, noise, spread = np.random.default_rng(1), 0.5, 0.2
    found = []
    for _ in range(4000):
        values = rng.normal(scale=spread, size=5) + rng.normal(scale=noise, size=5)
        found.append(excess_variance(values, np.full(5, noise * np.sqrt(4 / 5))))
    assert np.mean(found) == pytest.approx(spread**2, abs=3 * np.std(found) / np.sqrt(4000))
    assert min(found) < 0


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("members", [4, 8])
def test_alpha_of_a_hold_out_is_the_one_that_was_put_in(alpha: float, members: int) -> None:
    rng = np.random.default_rng(2)
    scale = rng.uniform(0.5, 3.0, size=40_000)  # some values are harder than others
    drawn, truth = rng.normal(size=(members, 40_000)) * scale, alpha * rng.normal(size=40_000) * scale
    # with four members 1/s^2 has no variance: the estimate converges slowly
    assert fit_rescaling(drawn, truth).alpha == pytest.approx(alpha, rel=0.15 if members == 4 else 0.03)


def test_a_mean_that_is_better_than_its_members_say_gives_alpha_1_and_a_warning() -> None:
    rng = np.random.default_rng(3)
    drawn = rng.normal(size=(8, 500))
    found = fit_rescaling(drawn, drawn.mean(axis=0))
    assert found.alpha == 1.0
    assert "alpha 1 is used" in found.warnings[0]


def test_three_members_cannot_be_rescaled() -> None:
    with pytest.raises(InputError, match="at least 4"):
        fit_rescaling(np.zeros((3, 5)), np.zeros(5))


def test_rescaling_keeps_the_mean_and_scales_the_differences() -> None:
    values = np.random.default_rng(4).normal(size=(4, 6))
    found = rescale(values, alpha=1.7)
    np.testing.assert_allclose(found.mean(axis=0), values.mean(axis=0))
    np.testing.assert_allclose(found.std(axis=0), 1.7 * values.std(axis=0))


@pytest.mark.parametrize("alpha", [0.6, 1.0, 2.0])
def test_intervals_of_rescaled_members_hold_a_truth_that_errs_alpha_times_as_far(alpha: float) -> None:
    rng, inside = np.random.default_rng(5), []
    for _ in range(1500):
        members, truth = rng.normal(size=5), alpha * rng.normal()
        case = binding("a", rescale(members, alpha=alpha), np.zeros(5), route(alpha=alpha))
        low, high = predict(case, budget(case)).interval(0.9)
        inside.append(low <= truth <= high)
    assert abs(np.mean(inside) - 0.9) < 3 * np.sqrt(0.09 / 1500)


def test_what_members_share_cancels_from_the_difference_of_two_ligands() -> None:
    rng, differences, stated, alone = np.random.default_rng(6), [], [], []
    for _ in range(3000):
        common, own = rng.normal(size=9), 0.3 * rng.normal(size=(2, 9))
        noise = 0.2 * rng.normal(size=(2, 8))
        values = (common + own)[:, :8] + noise
        pair = [
            binding(name, v, np.full(8, 0.2 * np.sqrt(7 / 8)), route()) for name, v in zip("ab", values, strict=True)
        ]
        covariance = committee_covariance(pair)
        truth = (common + own)[:, 8]
        error = truth - values.mean(axis=1) + noise.mean(axis=1)
        differences.append(error[0] - error[1])
        stated.append(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
        alone.append(covariance[0, 0])
    assert np.mean(stated) == pytest.approx(np.var(differences), rel=0.08)
    assert np.mean(alone) == pytest.approx(1.09 * 9 / 8, rel=0.05)


def test_ligands_of_different_committees_have_no_common_covariance() -> None:
    pair = [binding(str(n), np.arange(float(n)), np.zeros(n), route()) for n in (4, 8)]
    with pytest.raises(EstimateError, match="one committee"):
        committee_covariance(pair)


def test_a_one_sided_committee_takes_the_guarantee_away_and_says_so() -> None:
    case = binding("a", np.array([0.1, -0.1, 0.2, -0.2]), np.zeros(4), route(unidirectional=True))
    prediction = predict(case, budget(case))
    assert prediction.unidirectional
    assert prediction.guarantee.startswith("none: ")
    assert not prediction.calibrated


def test_factor_of_one_more_draw_is_the_textbooks() -> None:
    assert predictive_factor(4) == pytest.approx(1.25)
