"""Exchange leaves the exact distribution of states over replicas as it is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from bindfe.sample.mixing import mix_all, mix_neighbours


@pytest.mark.parametrize("mix", [mix_all, mix_neighbours])
def test_permutations_come_as_often_as_boltzmann_says(mix):
    rng = np.random.default_rng(7)
    u_kr = rng.normal(scale=1.0, size=(3, 3))
    permutations = list(itertools.permutations(range(3)))
    weights = np.array([np.exp(-sum(u_kr[state, replica] for replica, state in enumerate(p))) for p in permutations])
    states, counts = np.arange(3), dict.fromkeys(permutations, 0)
    sweeps, thin = 20_000, 8  # neighbours decorrelate in a few sweeps
    for sweep in range(sweeps * thin):
        states = mix(u_kr, states, rng=rng)
        if sweep % thin == 0:
            counts[tuple(states.tolist())] += 1
    expected = sweeps * weights / weights.sum()
    assert stats.chisquare(list(counts.values()), expected).pvalue > 0.001


def test_harmonic_replicas_stay_in_their_states_distributions():
    """Oscillators drawn exactly in their state's ensemble keep each state's variance 1/k under exchange."""
    rng = np.random.default_rng(3)
    springs = np.array([1.0, 3.0, 9.0, 27.0])
    states, seen = np.arange(4), np.empty((4000, 4))
    for cycle in range(len(seen)):
        x = rng.normal(size=4) / np.sqrt(springs[states])  # exact draw of each replica in its state
        u_kr = 0.5 * springs[:, None] * x**2
        states = mix_all(u_kr, states, rng=rng)
        seen[cycle, states] = x
    z = (np.mean(seen**2, axis=0) * springs - 1) / np.sqrt(2 / len(seen))
    assert np.all(np.abs(z) < 4)


def test_equal_states_mix_completely_in_one_call():
    rng = np.random.default_rng(5)
    counts = np.zeros((5, 5))
    for _ in range(5000):
        counts[np.arange(5), mix_all(np.zeros((5, 5)), np.arange(5), rng=rng)] += 1
    assert stats.chisquare(counts.ravel()).pvalue > 0.001


def test_a_replica_with_an_energy_that_is_not_a_number_keeps_its_state():
    u_kr = np.zeros((3, 3))
    u_kr[:, 1] = np.nan
    states = mix_all(u_kr, np.arange(3), rng=np.random.default_rng(1))
    assert states[1] == 1
