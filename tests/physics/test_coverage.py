"""Do the intervals hold? 1,000 synthetic ligands, the whole chain from u_kn to Prediction.interval.

States are normal or two-well densities with known free energies, sampled exactly, so that the answer is
known and shares no code with the estimate. Each ligand has three repeats and its own seed.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

from bindfe.estimate.cycle import close_cycle
from bindfe.estimate.mbar import estimate_leg
from bindfe.results import BindingEstimate, ReducedPotentials
from bindfe.states import LegKind
from bindfe.uncertainty.budget import budget, predict
from bindfe.uncertainty.resample import VariancePrior, fit_variance_prior

LEVELS = (0.50, 0.68, 0.90, 0.95)
SEEDS = 1000
TEMPERATURE = 298.15
KT = 0.0019872042586408316 * TEMPERATURE  # kcal/mol

SPRINGS = np.array([1.0, 2.0, 4.0, 8.0])
CENTRES = np.array([0.0, 0.4, 0.7, 0.9])
OFFSETS = np.array([0.0, 1.0, -2.0, -6.0])
HARMONIC_TRUTH = KT * (OFFSETS[-1] - OFFSETS[0] + 0.5 * np.log(SPRINGS[-1] / SPRINGS[0]))

LEFT_WEIGHTS = np.array([0.5, 0.4, 0.3, 0.2])
TWO_WELL_TRUTH = 0.0  # normalised densities


def potentials(u_kcn: np.ndarray, seed: int) -> ReducedPotentials:
    """u in state k of the sample that state n drew in cycle c, (K, C, K), as a record."""
    states, cycles, _ = u_kcn.shape
    return ReducedPotentials(
        u_kn=u_kcn.reshape(states, -1),
        n_k=np.full(states, cycles),
        state_of_sample=np.tile(np.arange(states), cycles),
        replica_of_sample=np.tile(np.arange(states), cycles),
        cycle_of_sample=np.repeat(np.arange(cycles), states),
        seed=seed,
    )


def harmonic(seed: int, *, cycles: int, memory: float) -> ReducedPotentials:
    """Samples of each oscillator; those of successive cycles have correlation ``memory`` (AR(1))."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(cycles, len(SPRINGS)))
    for cycle in range(1, cycles):
        x[cycle] = memory * x[cycle - 1] + np.sqrt(1 - memory**2) * x[cycle]
    position = CENTRES + x / np.sqrt(SPRINGS)
    shift = (position - CENTRES[:, None, None]) ** 2
    return potentials(0.5 * SPRINGS[:, None, None] * shift + OFFSETS[:, None, None], seed)


def two_wells(seed: int, *, cycles: int, trapped: bool) -> ReducedPotentials:
    """Two wells 20 widths apart, weights by state; a trapped repeat never leaves the left one."""
    rng = np.random.default_rng(seed)
    right = rng.random((cycles, len(LEFT_WEIGHTS))) > LEFT_WEIGHTS
    position = rng.normal(size=right.shape) + 20.0 * (right & (not trapped))
    left_density = LEFT_WEIGHTS[:, None, None] * np.exp(-0.5 * position**2)
    right_density = (1 - LEFT_WEIGHTS)[:, None, None] * np.exp(-0.5 * (position - 20.0) ** 2)
    return potentials(-np.log(left_density + right_density), seed)


def chain(repeats: list[ReducedPotentials]) -> BindingEstimate:
    legs = [
        estimate_leg(repeat, kind=LegKind.TRANSFER, repeat=r, n_bootstrap=50, seed=r)
        for r, repeat in enumerate(repeats)
    ]
    return close_cycle(legs, ligand="x", temperature=TEMPERATURE, method="transfer", restraint=None)


@functools.cache
def bindings(case: str, seeds: int = SEEDS) -> list[BindingEstimate]:
    if case == "independent":
        return [chain([harmonic(3 * i + r, cycles=200, memory=0.0) for r in range(3)]) for i in range(seeds)]
    if case == "correlated":
        return [chain([harmonic(3 * i + r, cycles=200, memory=0.5) for r in range(3)]) for i in range(seeds)]
    return [chain([two_wells(3 * i + r, cycles=100, trapped=r == 0) for r in range(3)]) for i in range(seeds)]


def coverage(case: str, truth: float, prior: VariancePrior | None) -> tuple[np.ndarray, float]:
    """Part of the intervals at each level that hold the truth, and the variance of z."""
    predictions = [predict(binding, budget(binding, prior=prior)) for binding in bindings(case)]
    z = [(p.location_kcal_mol - truth) / p.standard_error_kcal_mol for p in predictions]
    inside = [[low <= truth <= high for low, high in map(p.interval, LEVELS)] for p in predictions]
    return np.mean(inside, axis=0), float(np.var(z))


def three_sigmas(level: float) -> float:
    return 3 * np.sqrt(level * (1 - level) / SEEDS)


def learned(case: str) -> VariancePrior:
    series = bindings(case)
    return fit_variance_prior([b.delta_g_repeats for b in series], [b.bootstrap_errors for b in series])


@pytest.mark.slow
@pytest.mark.parametrize("case", ["independent", "correlated"])
def test_intervals_hold_as_often_as_they_say_with_a_prior_learned_from_the_series(case: str) -> None:
    held, z_variance = coverage(case, HARMONIC_TRUTH, learned(case))
    for level, part in zip(LEVELS, held, strict=True):
        assert abs(part - level) < three_sigmas(level), (case, held)
    assert 0.8 < z_variance < 1.25


@pytest.mark.slow
@pytest.mark.parametrize("case", ["independent", "correlated"])
def test_the_default_prior_errs_on_the_safe_side_by_a_bounded_amount(case: str) -> None:
    """One ligand alone cannot show that its bootstrap is right: 4 degrees make the interval wider."""
    held, z_variance = coverage(case, HARMONIC_TRUTH, None)
    for level, part in zip(LEVELS, held, strict=True):
        assert part > level - three_sigmas(level), (case, held)
    assert 0.4 < z_variance < 1.25


@pytest.mark.slow
def test_intervals_hold_at_least_as_often_as_they_say_when_one_repeat_of_three_is_trapped() -> None:
    """The two free repeats refute the trapped one's small error. If all were trapped alike, nothing could."""
    held, _ = coverage("trapped", TWO_WELL_TRUTH, None)
    for level, part in zip(LEVELS, held, strict=True):
        assert part > level - three_sigmas(level), held


@pytest.mark.slow
def test_a_series_with_trapped_repeats_teaches_an_inflation_that_covers_the_outer_levels() -> None:
    """Each ligand is off by the same third of a well's weight: a bias, which no width makes right at 50 and 68 %."""
    prior = learned("trapped")
    held, _ = coverage("trapped", TWO_WELL_TRUTH, prior)
    assert prior.inflation > 10
    assert np.all(held[2:] > np.array(LEVELS[2:]) - three_sigmas(0.9))


def test_moved_copies_of_one_state_differ_by_zero_within_their_errors() -> None:
    z, centres = [], np.array([-0.5, 0.0, 0.5])
    for seed in range(200):
        position = centres + np.random.default_rng(seed).normal(size=(100, 3))
        null = potentials(0.5 * (position - centres[:, None, None]) ** 2, seed)
        leg = estimate_leg(null, kind=LegKind.SOLVENT, repeat=0, n_bootstrap=100, seed=seed)
        z.append(leg.delta_f / leg.bootstrap_error)
    assert abs(np.mean(z)) < 3 / np.sqrt(len(z))
    assert 0.8 < np.var(z) < 1.25
    assert np.mean(np.abs(z) < 2) > 0.954 - 3 * np.sqrt(0.954 * 0.046 / len(z))
