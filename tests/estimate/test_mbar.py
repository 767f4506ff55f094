"""A leg's estimate against exact answers, pymbar's own error bars, and its own promises."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from bindfe.errors import EstimateError
from bindfe.estimate.mbar import estimate_leg, solve_mbar
from bindfe.results import LegEstimate, ReducedPotentials
from bindfe.states import LegKind


def oscillators(
    seed: int,
    *,
    springs: np.ndarray,
    centres: np.ndarray,
    cycles: int,
    memory: float = 0.0,
    exchange: bool = False,
    unsampled: tuple[int, ...] = (),
) -> ReducedPotentials:
    """Exact normal samples of oscillators; f_k = ln(k_k / k_0) / 2."""
    rng = np.random.default_rng(seed)
    sampled = np.array([k for k in range(len(springs)) if k not in unsampled])
    x = rng.normal(size=(cycles, len(sampled)))
    for cycle in range(1, cycles):
        x[cycle] = memory * x[cycle - 1] + np.sqrt(1 - memory**2) * x[cycle]
    position = (centres[sampled] + x / np.sqrt(springs[sampled])).ravel()
    replicas = [rng.permutation(len(sampled)) if exchange else np.arange(len(sampled)) for _ in range(cycles)]
    state = np.tile(sampled, cycles)
    return ReducedPotentials(
        u_kn=0.5 * springs[:, None] * (position - centres[:, None]) ** 2,
        n_k=np.bincount(state, minlength=len(springs)),
        state_of_sample=state,
        replica_of_sample=np.concatenate(replicas),
        cycle_of_sample=np.repeat(np.arange(cycles), len(sampled)),
        seed=seed,
    )


SPRINGS = np.array([1.0, 2.0, 4.0, 8.0])
CENTRES = np.array([0.0, 0.4, 0.7, 0.9])
EXACT = 0.5 * np.log(SPRINGS / SPRINGS[0])


def estimate(potentials: ReducedPotentials, **options: float) -> LegEstimate:
    return estimate_leg(potentials, kind=LegKind.COMPLEX, repeat=1, n_bootstrap=100, seed=5, **options)  # type: ignore[arg-type]


def test_reaches_the_exact_free_energies_of_oscillators() -> None:
    leg = estimate(oscillators(0, springs=SPRINGS, centres=CENTRES, cycles=2000, exchange=True))
    errors = np.sqrt(np.diag(leg.covariance))
    assert np.all(np.abs(leg.f_k - EXACT)[1:] < 3 * errors[1:])
    assert leg.bootstrap_error == pytest.approx(errors[-1], rel=0.25)
    assert leg.warnings == ()


def test_an_unsampled_state_is_reweighted_to() -> None:
    leg = estimate(oscillators(1, springs=SPRINGS, centres=CENTRES, cycles=1500, unsampled=(2, 3)))
    assert leg.n_effective[3] == 0
    assert abs(leg.f_k[2] - EXACT[2]) < 3 * np.sqrt(leg.covariance[2, 2])
    far = estimate(oscillators(1, springs=SPRINGS, centres=np.array([0, 0.4, 0.7, 3.5]), cycles=50, unsampled=(3,)))
    assert any("state 3" in warning and "not sampled" in warning for warning in far.warnings)


@pytest.mark.filterwarnings("ignore:Unknown solver options")
def test_covariance_is_pymbars() -> None:
    pymbar = pytest.importorskip("pymbar")
    potentials = oscillators(2, springs=SPRINGS, centres=CENTRES, cycles=300)
    theirs = pymbar.MBAR(potentials.u_kn, potentials.n_k).compute_free_energy_differences()["dDelta_f"]
    ours = solve_mbar(potentials).covariance()
    np.testing.assert_allclose(np.sqrt(np.diag(ours)), theirs[0], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(np.sqrt(ours[1, 1] + ours[3, 3] - 2 * ours[1, 3]), theirs[1, 3], rtol=1e-5)


@pytest.mark.filterwarnings("ignore:Unknown solver options")
def test_overlap_is_pymbars_and_its_rows_sum_to_one() -> None:
    pymbar = pytest.importorskip("pymbar")
    potentials = oscillators(3, springs=SPRINGS, centres=CENTRES, cycles=200)
    theirs = pymbar.MBAR(potentials.u_kn, potentials.n_k).compute_overlap()["matrix"]
    ours = solve_mbar(potentials).overlap
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    np.testing.assert_allclose(ours.sum(axis=1), 1.0)


def test_a_part_solved_from_the_whole_is_what_pymbar_finds_for_that_part_alone() -> None:
    potentials = oscillators(4, springs=SPRINGS, centres=CENTRES, cycles=60)
    twice_then_none = np.r_[np.full(30, 2.0), np.zeros(30)]
    part = solve_mbar(potentials).solve_parts(twice_then_none[None])[0]
    half = ReducedPotentials(
        u_kn=potentials.u_kn[:, :120],
        n_k=np.full(4, 30),
        state_of_sample=potentials.state_of_sample[:120],
        replica_of_sample=potentials.replica_of_sample[:120],
        cycle_of_sample=potentials.cycle_of_sample[:120],
        seed=0,
    )
    np.testing.assert_allclose(part, solve_mbar(half).f_k, atol=1e-5)


def test_influence_is_the_slope_of_the_estimate_in_a_cycles_weight() -> None:
    solution = solve_mbar(oscillators(5, springs=SPRINGS, centres=CENTRES, cycles=40, unsampled=(1,)))
    more = np.ones((2, 40))
    more[0, 7] += 1e-3
    more[1, 7] -= 1e-3
    f = solution.solve_parts(more)[:, -1]
    assert solution.influence()[7] == pytest.approx((f[0] - f[1]) / 2e-3, rel=1e-3)
    assert solution.influence().sum() == pytest.approx(0.0, abs=1e-6)


def test_the_error_grows_with_correlation_as_theory_says() -> None:
    """AR(1) samples with memory 0.6 carry (1 - 0.6)/(1 + 0.6) = 1/4 of the information in the mean."""
    spread, stated = [], []
    for seed in range(60):
        leg = estimate(oscillators(seed, springs=np.ones(2), centres=np.array([0.0, 0.5]), cycles=400, memory=0.6))
        spread.append(leg.delta_f)
        stated.append(leg.bootstrap_error)
    independent = np.sqrt(
        solve_mbar(oscillators(0, springs=np.ones(2), centres=np.array([0.0, 0.5]), cycles=400)).covariance()[1, 1]
    )
    assert np.mean(stated) == pytest.approx(2 * independent, rel=0.1)
    assert np.sqrt(np.mean(np.square(spread))) == pytest.approx(np.mean(stated), rel=3 / np.sqrt(2 * 60))


def test_states_that_do_not_overlap_are_named_and_not_reported() -> None:
    apart = oscillators(6, springs=np.ones(4), centres=np.array([0.0, 1.0, 6.5, 7.5]), cycles=100)
    with pytest.raises(
        EstimateError, match=r"states 1 and 2 of the complex leg, repeat 1 share 0\.\d% .*3% needed.*not reported"
    ):
        estimate(apart)


def test_an_unequilibrated_start_is_dropped() -> None:
    potentials = oscillators(7, springs=SPRINGS, centres=CENTRES, cycles=300)
    decay = 40.0 * np.exp(-potentials.cycle_of_sample / 15.0)
    moved = replace(potentials, u_kn=potentials.u_kn + decay)
    assert 15 <= estimate(moved).equilibrated_from <= 120
    assert estimate(potentials).equilibrated_from <= 45
    assert estimate(moved, equilibrated_after=3).equilibrated_from == 3


def test_a_drift_between_the_halves_is_said() -> None:
    rng = np.random.default_rng(8)
    position = rng.normal(size=(200, 2)) + np.array([0.0, 1.0])
    step = np.repeat([0.0, 1.0], 100)[:, None, None] * np.array([0.0, 1.0])
    u = 0.5 * (position[:, :, None] - np.array([0.0, 1.0])) ** 2 + step
    potentials = ReducedPotentials(
        u_kn=u.reshape(-1, 2).T,
        n_k=np.array([200, 200]),
        state_of_sample=np.tile([0, 1], 200),
        replica_of_sample=np.tile([0, 1], 200),
        cycle_of_sample=np.repeat(np.arange(200), 2),
        seed=8,
    )
    leg = estimate(potentials, equilibrated_after=0)
    assert leg.convergence.forward[4] == pytest.approx(0.0, abs=0.4)
    assert leg.convergence.reverse[4] == pytest.approx(1.0, abs=0.4)


def test_replicas_that_never_move_are_said() -> None:
    still = estimate(oscillators(9, springs=SPRINGS, centres=CENTRES, cycles=50))
    assert any("no replica" in warning for warning in still.warnings)
    assert still.mixing.second_eigenvalue == pytest.approx(1.0)


def test_both_directions_of_time_end_in_the_whole_estimate() -> None:
    leg = estimate(oscillators(10, springs=SPRINGS, centres=CENTRES, cycles=100))
    assert leg.convergence.forward[-1] == pytest.approx(leg.delta_f, abs=1e-6)
    assert leg.convergence.reverse[-1] == pytest.approx(leg.delta_f, abs=1e-6)


def test_the_same_seed_gives_the_same_error_and_leaves_the_global_generator_alone() -> None:
    potentials = oscillators(11, springs=SPRINGS, centres=CENTRES, cycles=60)
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the global generator is what is tested
    first, second = estimate(potentials), estimate(potentials)
    assert first.bootstrap_error == second.bootstrap_error
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_energies_that_are_not_finite_are_named() -> None:
    potentials = oscillators(12, springs=SPRINGS, centres=CENTRES, cycles=20)
    u_kn = potentials.u_kn.copy()
    u_kn[2, 7] = np.nan
    with pytest.raises(EstimateError, match="sample 7 in state 2"):
        estimate(replace(potentials, u_kn=u_kn))


def test_too_few_cycles_are_refused() -> None:
    with pytest.raises(EstimateError, match="sample longer"):
        estimate(oscillators(13, springs=SPRINGS, centres=CENTRES, cycles=5))


def test_sixteen_states_of_300_cycles_take_seconds() -> None:
    grid = np.linspace(0, 3, 16)
    potentials = oscillators(14, springs=1 + grid, centres=grid, cycles=300)
    solve_mbar(potentials)  # pymbar is imported
    start = time.process_time()
    estimate_leg(potentials, kind=LegKind.COMPLEX, repeat=0, n_bootstrap=200, seed=0)
    assert time.process_time() - start < 10


def test_pymbar_is_imported_late_and_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    code = "import bindfe.estimate.mbar, sys; assert 'pymbar' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    with caplog.at_level(logging.WARNING):
        solve_mbar(oscillators(15, springs=SPRINGS, centres=CENTRES, cycles=30))
    assert caplog.records == []
