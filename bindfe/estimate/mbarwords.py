"""What makes an estimate by MBAR doubtful, in words, and what makes it none: overlap, halves, journeys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import connected_components

from bindfe.errors import EstimateError
from bindfe.results import Floats, Integers, Mixing

if TYPE_CHECKING:
    from bindfe.estimate.mbar import MbarSolution


def _shared(overlap: Floats, n_k: Integers) -> tuple[Integers, Floats]:
    """Sampled states (S,), and the smaller of the two overlaps of each pair of them, (S, S)."""
    sampled = np.flatnonzero(n_k)
    part = overlap[np.ix_(sampled, sampled)]
    return sampled, np.minimum(part, part.T)


def check_overlap(overlap: Floats, n_k: Integers, minimum: float, where: str) -> None:
    """Refuse an estimate whose states fall into groups that share too little.

    Raises:
        EstimateError: With the states between which the groups part.
    """
    sampled, shared = _shared(overlap, n_k)
    groups, label = connected_components(shared >= minimum, directed=False)
    if groups == 1:
        return
    apart = np.flatnonzero(label[1:] != label[:-1])
    gap = int(apart[np.argmin([shared[i, i + 1] for i in apart])])
    raise EstimateError(
        f"states {sampled[gap]} and {sampled[gap + 1]} of {where} share {shared[gap, gap + 1]:.1%} of their samples "
        f"({minimum:.0%} needed): the estimate is not reported. Add a state between them, or sample longer."
    )


def overlap_warnings(overlap: Floats, n_k: Integers, minimum: float, where: str) -> Iterator[str]:
    """Neighbours that share little and are connected through others."""
    sampled, shared = _shared(overlap, n_k)
    for i in range(len(sampled) - 1):
        if shared[i, i + 1] < minimum:
            yield (
                f"states {sampled[i]} and {sampled[i + 1]} of {where} share only {shared[i, i + 1]:.1%} of their "
                f"samples ({minimum:.0%} wanted); they are connected through other states"
            )


def reweighting_warnings(solution: MbarSolution, g: float, where: str) -> Iterator[str]:
    """A state that drove nothing needs many samples that matter to it."""
    for k in np.flatnonzero(solution.n_k == 0):
        effective = 1.0 / float(np.sum(solution.weights[:, k] ** 2)) / g
        if effective < 100:
            yield (
                f"state {k} of {where} was not sampled and rests on {effective:.0f} effective samples (100 wanted): "
                "its free energy may be off by more than its error"
            )


def time_warnings(solution: MbarSolution, error: float, first: int, n_cycles: int, where: str) -> Iterator[str]:
    """Late equilibration, and halves that disagree: each half has twice the variance of the whole."""
    if first and first >= n_cycles // 2:
        yield f"{where} took half of its {n_cycles} cycles or more to equilibrate: sample longer"
    early = np.arange(solution.n_cycles) < solution.n_cycles / 2
    f = solution.solve_parts(np.array([early, ~early], dtype=float))
    drift = float((f[1, -1] - f[1, 0]) - (f[0, -1] - f[0, 0]))
    if np.isnan(drift):
        yield f"{where}: one half of its cycles has states that share no samples: slow motions were seen once or never"
    elif abs(drift) > 2 * 2 * error:
        yield f"{where} drifts: its second half gives {drift:+.2f} kT more than its first (error {2 * error:.2f} kT)"


def mixing_warnings(mixing: Mixing, n_k: Integers, where: str) -> Iterator[str]:
    """No journey from end to end."""
    if np.count_nonzero(n_k) > 1 and mixing.round_trips == 0:
        yield f"no replica of {where} went from the first state to the last and back: slow motions may be missed"
