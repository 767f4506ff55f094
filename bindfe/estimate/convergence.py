"""What the order of the samples in time tells: equilibration, correlation, drift and mixing."""

from __future__ import annotations

import numpy as np

from bindfe.results import Floats, Integers, Mixing, ReducedPotentials

_SHORTEST_SERIES = 8
_ORIGINS = 20


def statistical_inefficiency(series: Floats) -> float:
    """Cycles per independent cycle, g = 1 + 2 sum_t C(t).

    The sum of the normalised autocorrelation C(t) ends at the first lag t >= 2 g(t): longer sums add
    noise, shorter ones cut slow decays off. The rule of the first negative C(t), common in this field,
    was measured at 11 for a true g of 19 in 100 cycles, and 1.19 for 1; this one at 15 and 1.13. The mean
    is taken from the same series, which makes each C(t) too small by 1/N; that is put right.

    Args:
        series: One value a cycle, in time order, (N,).

    Returns:
        g >= 1; 1 for a constant series or one shorter than 8.

    Source:
        Wolff, Comput. Phys. Commun. 156, 143 (2004), doi:10.1016/S0010-4655(03)00467-3, eq. 49 for the
        bias; the window is that of Sokal's 1996 lectures.
    """
    n = len(series)
    deviation = series - series.mean()
    variance = float(np.dot(deviation, deviation))
    if n < _SHORTEST_SERIES or variance <= 1e-24 * max(1.0, float(np.dot(series, series))):
        return 1.0
    spectrum = np.fft.rfft(deviation, 2 * n)
    correlation = np.fft.irfft(spectrum * spectrum.conj(), 2 * n)[1 : n // 2] / variance
    lag = np.arange(1, n // 2)
    g = 1.0 + 2.0 * np.cumsum(correlation)
    enough = np.flatnonzero(lag >= 2.0 * g)
    end = int(enough[0]) if len(enough) else len(lag) - 1
    return max(1.0, float(g[end]) * (1.0 + (2.0 * float(lag[end]) + 1.0) / n))


def equilibrated_from(series: Floats) -> int:
    """First cycle to keep: the earliest that leaves three quarters of the most independent cycles.

    Twenty evenly spaced origins t are compared by (N - t)/g(t); at least a tenth of the series is kept.
    The origin with the very most is one that chance made look uncorrelated: for 200 stationary cycles with
    g = 9 it throws 26 away, and the variance of the mean is then 3.0 times the stated one (2.1 so).

    Args:
        series: One value a cycle, in time order, (N,).

    Returns:
        Index into the series.

    Source:
        Chodera, J. Chem. Theory Comput. 12, 1799 (2016), doi:10.1021/acs.jctc.5b00784; there the best
        origin is taken.
    """
    n = len(series)
    origins = np.unique(np.linspace(0, int(0.9 * n), _ORIGINS, endpoint=False).astype(int))
    independent = np.array([(n - t) / statistical_inefficiency(series[t:]) for t in origins])
    return int(origins[int(np.argmax(independent >= 0.75 * independent.max()))])


def cycle_index(potentials: ReducedPotentials) -> Integers:
    """Position of each sample's cycle among the cycles that are there, (N,)."""
    return np.unique(potentials.cycle_of_sample, return_inverse=True)[1].astype(np.int64)


def energy_series(potentials: ReducedPotentials) -> Floats:
    """Sum over replicas of the energy in the replica's own state [kT], one value a cycle, (C,)."""
    own = potentials.u_kn[potentials.state_of_sample, np.arange(potentials.u_kn.shape[1])]
    return np.bincount(cycle_index(potentials), weights=own).astype(np.float64)


def gradient_series(potentials: ReducedPotentials) -> Floats:
    """Sum over replicas of u in the next state less u in the previous one [kT], a value a cycle, (C,).

    This is a finite difference for du/dlambda at the replica's own state, summed over the path, so its
    slow motions are those that the free energy feels. The difference between the two end states would
    feel them too, but is ruled by clashes in states where the ligand is off.
    """
    last = len(potentials.n_k) - 1
    state, sample = potentials.state_of_sample, np.arange(potentials.u_kn.shape[1])
    above = potentials.u_kn[np.minimum(state + 1, last), sample]
    below = potentials.u_kn[np.maximum(state - 1, 0), sample]
    return np.bincount(cycle_index(potentials), weights=above - below).astype(np.float64)


def measure_mixing(potentials: ReducedPotentials) -> Mixing:
    """How replicas moved between the states that were sampled.

    Counts of moves are symmetrised before they are divided by their row (exchange at equilibrium obeys
    detailed balance), so the eigenvalues are real. A state that no replica visited keeps itself.

    Returns:
        Transition probabilities over all states (K, K), second eigenvalue among the sampled states (0
        if there is only one), and journeys from the first sampled state to the last and back.
    """
    order = np.lexsort((potentials.cycle_of_sample, potentials.replica_of_sample))
    state, replica = potentials.state_of_sample[order], potentials.replica_of_sample[order]
    same = replica[1:] == replica[:-1]
    counts = np.zeros((len(potentials.n_k),) * 2)
    np.add.at(counts, (state[:-1][same], state[1:][same]), 1.0)
    counts = counts + counts.T
    rows = counts.sum(axis=1)
    transitions = np.where(rows[:, None] > 0, counts / np.maximum(rows, 1.0)[:, None], np.eye(len(rows)))
    sampled = np.flatnonzero(potentials.n_k)
    eigenvalues = np.sort(np.linalg.eigvals(transitions[np.ix_(sampled, sampled)]).real)
    return Mixing(
        transitions=transitions,
        second_eigenvalue=float(eigenvalues[-2]) if len(sampled) > 1 else 0.0,
        round_trips=_round_trips(state, replica, first=int(sampled[0]), last=int(sampled[-1])),
    )


def _round_trips(state: Integers, replica: Integers, *, first: int, last: int) -> int:
    """Journeys first -> last -> first, over replicas whose samples lie together in time order."""
    if first == last:
        return 0
    ends = (state == first) | (state == last)
    end, owner = state[ends], replica[ends]
    arrives = np.r_[True, (owner[1:] != owner[:-1]) | (end[1:] != end[:-1])]
    end, owner = end[arrives], owner[arrives]
    started = end[:-2] == first if len(end) > 2 else np.zeros(0, bool)
    return int(np.sum(started & (owner[:-2] == owner[2:]))) if len(started) else 0
