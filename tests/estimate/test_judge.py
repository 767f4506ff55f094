"""The gates, each failed alone by samples made to fail it."""

from __future__ import annotations

import numpy as np
import pytest

from bindfe.estimate.judge import conclude, judge
from bindfe.results import BindingEstimate, Convergence, NotConverged, SurfaceEstimate

T = 300.0
FRACTION = np.linspace(0.1, 1.0, 10)


def estimate(
    value: float,
    *,
    repeat: int = 0,
    trips: int = 12,
    error: float = 0.2,
    drift_kt: float = 0.0,
    sides: tuple[float, ...] = (),
) -> SurfaceEstimate:
    forward = value + drift_kt * np.maximum(0.0, 1.0 - FRACTION)
    return SurfaceEstimate(
        repeat=repeat,
        delta_g_kcal_mol=value,
        bootstrap_error_kcal_mol=error,
        surface_kcal_mol=value,
        release_kcal_mol=0.0,
        standard_state_kcal_mol=0.0,
        symmetry_kcal_mol=0.0,
        sides_kcal_mol=np.array(sides or (value,)),
        side_errors_kcal_mol=np.full(len(sides or (value,)), error),
        round_trips=trips,
        n_effective=100.0,
        simulated_ps=1000.0,
        convergence=Convergence(
            fraction=FRACTION,
            forward=forward,
            forward_error=np.full(10, 0.1),
            reverse=forward,
            reverse_error=np.full(10, 0.1),
        ),
    )


def verdict(*estimates: SurfaceEstimate) -> dict[str, bool]:
    judgement = judge(estimates, temperature=T, half_width_kcal_mol=0.5)
    return {gate.name: gate.passed for gate in judgement.gates}


def test_runs_that_agree_and_went_to_and_fro_pass() -> None:
    assert verdict(estimate(-5.0), estimate(-5.2, repeat=1)) == {"round trips": True, "agreement": True, "drift": True}


def test_few_round_trips_fail_and_the_time_needed_follows_from_their_rate() -> None:
    judgement = judge([estimate(-5.0, trips=2), estimate(-5.1, trips=2)], temperature=T, half_width_kcal_mol=0.5)
    assert [gate.passed for gate in judgement.gates] == [False, True, True]
    assert judgement.time_needed_ps == pytest.approx(2000 * 10 / 2)


def test_a_repeat_that_was_crossed_often_does_not_vouch_for_one_that_was_not() -> None:
    """Two short runs with ten journeys between them passed every other gate and were wrong by 1 kcal/mol."""
    assert verdict(estimate(-5.0, trips=60), estimate(-5.1, trips=9))["round trips"] is False


def test_runs_apart_by_more_than_their_errors_fail() -> None:
    assert verdict(estimate(-5.0), estimate(-8.0))["agreement"] is False


def test_a_small_block_error_that_is_wrong_by_19_is_caught() -> None:
    """CB7:B2: 7 crossings, block error 0.69, wrong by 19 kcal/mol."""
    found = conclude(
        [wrong := estimate(5.6, trips=3, error=0.69), estimate(-13.4, trips=0, error=0.69)],
        judge([wrong, estimate(-13.4, trips=0, error=0.69)], temperature=T, half_width_kcal_mol=1.4),
        ligand="b2",
        temperature=T,
    )
    assert isinstance(found, NotConverged)
    assert "b2: not converged. round trips: 3" in found.text
    assert "differ by up to 19.00" in found.text


def test_one_run_is_compared_by_its_two_sides_and_without_them_with_nothing() -> None:
    assert verdict(estimate(-5.0, trips=12, sides=(-4.9, -5.1)))["agreement"] is True
    assert verdict(estimate(-5.0, trips=12, sides=(-3.0, -7.0)))["agreement"] is False
    assert verdict(estimate(-5.0, trips=12, sides=(-5.0, float("inf"))))["agreement"] is False
    assert verdict(estimate(-5.0, trips=12))["agreement"] is False


def test_a_value_that_still_moves_fails() -> None:
    """4 kT from start to end is 2 kT over the last half, 1.2 kcal/mol against a half-width of 0.5."""
    assert verdict(*(estimate(-5.0, drift_kt=4.0) for _ in range(2)))["drift"] is False


def test_a_region_first_seen_in_the_last_half_is_a_drift() -> None:
    assert verdict(*(estimate(-5.0, drift_kt=float("nan")) for _ in range(2)))["drift"] is False


def test_no_round_trip_says_that_the_time_is_unknown() -> None:
    judgement = judge([estimate(-5.0, trips=0)] * 2, temperature=T, half_width_kcal_mol=0.5)
    assert judgement.time_needed_ps == float("inf")


def test_a_converged_calculation_gives_the_same_record_as_an_alchemical_one() -> None:
    runs = [estimate(-5.0), estimate(-5.2, repeat=1)]
    found = conclude(runs, judge(runs, temperature=T, half_width_kcal_mol=0.5), ligand="x", temperature=T)
    assert isinstance(found, BindingEstimate)
    assert found.delta_g_kcal_mol == pytest.approx(-5.1)
