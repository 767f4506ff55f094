"""The axis of a molecule that has one: a barrel, a ring or a rod."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bindfe.errors import RestraintError
from bindfe.results import Floats

_LEAST_ANISOTROPY = 0.2
_END = 0.35  # an end is what lies beyond this part of the half length


def axis_ends(positions: Floats, atoms: Sequence[int], *, of: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Atoms at both ends of a molecule's unique axis.

    The axis is the principal axis whose variance is farthest from the middle one: the short one of a
    barrel, the long one of a rod. An end is the atoms that lie beyond 0.35 of the half length.

    Args:
        positions: Coordinates [nm], (N, 3).
        atoms: The molecule's heavy atoms.
        of: What to call it in an error.

    Returns:
        The atoms of either end, in the order of ``atoms``.

    Raises:
        RestraintError: The molecule is too round, or too small, to have an axis.
    """
    chosen = np.array(atoms, dtype=int)
    x = positions[chosen] - positions[chosen].mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(x.T)) if len(chosen) > 3 else (np.ones(3), np.eye(3))
    low, middle, high = np.sqrt(np.maximum(variances, 0.0))
    barrel, rod = (middle - low) / high, (high - middle) / high
    if max(barrel, rod) < _LEAST_ANISOTROPY:
        raise RestraintError(
            f"the {of} ({len(chosen)} heavy atoms) is too round to have an axis: its extents along the principal "
            f"axes are {low:.3f}, {middle:.3f} and {high:.3f} nm. Use restraint.kind: harmonic"
        )
    axis = axes[:, 0] if barrel > rod else axes[:, 2]
    height = x @ axis
    threshold = _END * np.abs(height).max()
    upper, lower = chosen[height > threshold], chosen[height < -threshold]
    return tuple(int(i) for i in upper), tuple(int(i) for i in lower)
