"""The parts of the error: identities, limits and many seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bindfe.results import BindingEstimate, Term
from bindfe.uncertainty.budget import UNMIXED_PRIOR, budget, committee_component, predict, sampling_component
from bindfe.uncertainty.resample import VariancePrior


def binding(
    repeats: list[float],
    errors: list[float],
    members: list[float] | None = None,
    member_errors: list[float] | None = None,
) -> BindingEstimate:
    term = Term(name="standard state", delta_g_kcal_mol=0.0, standard_error_kcal_mol=0.0, explanation="x")
    return BindingEstimate(
        ligand="a",
        temperature=300.0,
        delta_g_kcal_mol=float(np.mean(repeats)),
        terms=(term,),
        delta_g_repeats=np.array(repeats),
        bootstrap_errors=np.array(errors),
        delta_g_members=np.array(members or []),
        member_errors=np.array(member_errors or []),
        warnings=("from the legs",),
    )


def test_squares_of_the_components_sum_to_the_predictive_standard_error() -> None:
    full = binding([-8.0, -8.4, -7.9], [0.2, 0.2, 0.3], [-8.0, -8.8, -7.5, -7.9, -8.3], [0.05] * 5)
    parts = budget(full)
    prediction = predict(full, parts)
    squares = sum(part.standard_error_kcal_mol**2 for part in parts.components)
    assert [part.kind for part in parts.components] == ["sampling", "committee", "analytic"]
    assert prediction.standard_error_kcal_mol**2 == pytest.approx(squares, rel=1e-12)
    assert prediction.degrees_of_freedom == pytest.approx(parts.degrees_of_freedom)


def test_one_component_alone_gives_the_t_interval_of_a_textbook() -> None:
    case = binding([-8.0, -9.0, -8.5], [0.1, 0.1, 0.1])
    prior = VariancePrior(degrees=3.0, inflation=30.0)
    variance = (3.0 * 30.0 * 0.01 + 0.5) / 5
    half = stats.t.ppf(0.975, 5) * np.sqrt(variance / 3)
    low, high = predict(case, budget(case, prior=prior)).interval(0.95)
    assert (low, high) == pytest.approx((-8.5 - half, -8.5 + half))


def test_one_repeat_gives_a_wide_interval_and_says_so() -> None:
    case = binding([-8.0], [0.3])
    prediction = predict(case, budget(case))
    assert prediction.half_width(0.95) == pytest.approx(2.776 * 0.3, rel=1e-3)
    assert any("one repeat" in warning for warning in prediction.warnings)


def test_the_bootstrap_is_taken_where_it_is_larger() -> None:
    case = binding([-8.0, -8.001, -7.999], [0.3, 0.3, 0.3])
    assert predict(case, budget(case)).scale_kcal_mol == pytest.approx(0.3 / np.sqrt(3))


def test_repeats_that_refute_the_bootstrap_stand_alone() -> None:
    case = binding([-8.0, -8.0, -5.0], [0.05, 0.05, 0.05])
    component = sampling_component(case)
    assert component.explanation.endswith("only their spread counts")
    half = stats.t.ppf(0.975, 2) * np.std([-8.0, -8.0, -5.0], ddof=1) / np.sqrt(3)
    assert predict(case, budget(case)).half_width(0.95) == pytest.approx(half)
    assert np.isfinite(component.standard_error_kcal_mol)


def test_an_exact_bootstrap_gives_a_normal_interval() -> None:
    case = binding([-8.0, -8.2, -8.1], [0.3, 0.3, 0.3])
    prediction = predict(case, budget(case, prior=VariancePrior(degrees=np.inf)))
    assert prediction.half_width(0.95) == pytest.approx(1.96 * 0.3 / np.sqrt(3), rel=1e-3)


def test_without_a_committee_there_is_no_committee_line_and_the_guarantee_says_so() -> None:
    case = binding([-8.0, -8.1], [0.2, 0.2])
    prediction = predict(case, budget(case), fingerprint="f", target="t")
    assert prediction.budget.component("committee") is None
    assert not prediction.calibrated
    assert prediction.guarantee.startswith("sampling only: no calibrator was given")
    assert "committee, model and assay error" in prediction.guarantee
    assert prediction.warnings[0] == "from the legs"
    assert (prediction.fingerprint, prediction.target) == ("f", "t")


def test_noise_among_members_is_not_taken_for_disagreement() -> None:
    """Members that are equal but for sampling noise: the unclipped spread averages to zero."""
    rng, squares = np.random.default_rng(2), []
    for _ in range(400):
        noise = rng.normal(0.0, 0.4, 6)
        deviation_error = 0.4 * np.sqrt(5 / 6)
        component = committee_component(binding([-8.0], [0.1], list(-8.0 + noise), [deviation_error] * 6))
        assert component is not None
        squares.append(component.standard_error_kcal_mol**2)
    plain = 0.4**2 * (1 + 1 / 6) * 5 / 3
    assert np.mean(squares) < 0.4 * plain


def test_the_truth_as_one_more_member_lies_in_the_committee_interval() -> None:
    rng, inside = np.random.default_rng(4), []
    for _ in range(2000):
        draws = rng.normal(-8.0, 0.7, 6)
        case = binding([float(draws[:5].mean())], [1e-6], list(draws[:5]), [0.0] * 5)
        low, high = predict(case, budget(case)).interval(0.9)
        inside.append(low <= draws[5] <= high)
    assert abs(np.mean(inside) - 0.9) < 3 * np.sqrt(0.09 / 2000)


@pytest.mark.parametrize("members", [2, 3])
def test_small_committees_keep_the_95_percent_width_of_their_degrees(members: int) -> None:
    values = list(np.linspace(-8.5, -7.5, members))
    case = binding([-8.0], [1e-9], values, [0.0] * members)
    half = stats.t.ppf(0.975, members - 1) * np.std(values, ddof=1) * np.sqrt(1 + 1 / members)
    assert predict(case, budget(case)).half_width(0.95) == pytest.approx(half, rel=1e-6)


def test_a_bootstrap_that_saw_no_round_trip_is_not_believed() -> None:
    """Errors as much too small as MBAR's are between repeats of public edges: 54 % instead of 95 %."""
    mixed = binding([-8.0, -8.1], [0.2, 0.2])
    stuck = replace(mixed, round_trips=0)
    widths = [predict(case, budget(case)).half_width(0.95) for case in (mixed, replace(mixed, round_trips=3), stuck)]
    assert widths[0] == widths[1]
    assert widths[2] > 2 * widths[0]
    assert "no replica went from end to end" in sampling_component(stuck).explanation
    shown = 2 * stats.norm.cdf(1.96 / np.sqrt(UNMIXED_PRIOR.inflation)) - 1
    assert shown == pytest.approx(0.54, abs=0.01)
