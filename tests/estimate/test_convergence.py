"""Time series and replica walks with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from bindfe.estimate.convergence import equilibrated_from, measure_mixing, statistical_inefficiency
from bindfe.results import ReducedPotentials


def remembering(seed: int, n: int, memory: float) -> np.ndarray:
    x = np.random.default_rng(seed).normal(size=n)
    for t in range(1, n):
        x[t] = memory * x[t - 1] + np.sqrt(1 - memory**2) * x[t]
    return x


def walk(states: np.ndarray, n_states: int) -> ReducedPotentials:
    """Replicas (C, R) that visit states."""
    cycles, replicas = states.shape
    return ReducedPotentials(
        u_kn=np.zeros((n_states, states.size)),
        n_k=np.bincount(states.ravel(), minlength=n_states),
        state_of_sample=states.ravel(),
        replica_of_sample=np.tile(np.arange(replicas), cycles),
        cycle_of_sample=np.repeat(np.arange(cycles), replicas),
        seed=0,
    )


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.8, 0.95])
def test_statistical_inefficiency_of_an_exponential_decay_is_its_closed_form(memory: float) -> None:
    found = np.mean([statistical_inefficiency(remembering(seed, 4000, memory)) for seed in range(20)])
    assert found == pytest.approx((1 + memory) / (1 - memory), rel=0.08)


def test_statistical_inefficiency_of_a_constant_is_one() -> None:
    assert statistical_inefficiency(np.full(100, 3.7)) == 1.0


def test_agrees_with_pymbar_where_the_series_is_long() -> None:
    timeseries = pytest.importorskip("pymbar.timeseries")
    series = remembering(1, 20000, 0.7)
    assert statistical_inefficiency(series) == pytest.approx(timeseries.statistical_inefficiency(series), rel=0.1)


def test_a_stationary_series_loses_little_and_a_decay_is_dropped() -> None:
    lost = [equilibrated_from(remembering(seed, 300, 0.5)) for seed in range(50)]
    assert np.mean(lost) < 15
    decay = 8 * np.exp(-np.arange(300) / 20)
    kept = [equilibrated_from(remembering(seed, 300, 0.5) + decay) for seed in range(50)]
    assert 20 < np.mean(kept) < 120


def test_one_replica_that_goes_up_and_down_makes_a_round_trip() -> None:
    assert measure_mixing(walk(np.array([[0], [1], [2], [1], [0], [1], [2]]), 3)).round_trips == 1
    assert measure_mixing(walk(np.array([[0], [1], [2], [1], [0], [1], [2], [1], [0]]), 3)).round_trips == 2
    assert measure_mixing(walk(np.array([[2], [1], [0], [1], [2]]), 3)).round_trips == 0
    assert measure_mixing(walk(np.array([[0, 2], [1, 2], [0, 2]]), 3)).round_trips == 0


def test_journeys_of_different_replicas_are_not_joined() -> None:
    assert measure_mixing(walk(np.array([[0, 2], [1, 1], [2, 0]]), 3)).round_trips == 0


def test_second_eigenvalue_of_a_known_walk() -> None:
    """Two states, changed with chance p: eigenvalues 1 and 1 - 2p."""
    jumps = np.random.default_rng(0).random(40000) < 0.1
    mixing = measure_mixing(walk((np.cumsum(jumps) % 2)[:, None], 2))
    assert mixing.second_eigenvalue == pytest.approx(0.8, abs=0.01)
    np.testing.assert_allclose(mixing.transitions.sum(axis=1), 1.0)
