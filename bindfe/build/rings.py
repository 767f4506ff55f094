"""Lipids that run through a ring: no force draws them out again, and the energy hardly shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from openmm import app
from scipy.spatial import cKDTree

from bindfe.results import Floats

_LARGEST = 6
_REACH_NM = 0.25
"""A bond through a ring has its middle this near the ring's centre [nm]."""


def small_rings(topology: app.Topology, atoms: Iterable[int]) -> tuple[tuple[int, ...], ...]:
    """Rings of five and six atoms among some atoms of a topology, each in the order of its bonds."""
    own = set(atoms)
    neighbours: dict[int, list[int]] = {i: [] for i in own}
    for a, b in topology.bonds():
        if a.index in own and b.index in own:
            neighbours[a.index].append(b.index)
            neighbours[b.index].append(a.index)
    found: dict[frozenset[int], tuple[int, ...]] = {}
    for start in own:
        for path in _closed(neighbours, start):
            found.setdefault(frozenset(path), path)
    return tuple(ring for key, ring in found.items() if not any(other < key for other in found))


def _closed(neighbours: dict[int, list[int]], start: int) -> Iterable[tuple[int, ...]]:
    """Walks that come back to an atom, which is the lowest of them, after five or six bonds."""
    walks: list[tuple[int, ...]] = [(start,)]
    while walks:
        walk = walks.pop()
        for atom in neighbours[walk[-1]]:
            if atom == start and 4 < len(walk) <= _LARGEST:
                yield walk
            elif atom > start and atom not in walk and len(walk) < _LARGEST:
                walks.append((*walk, atom))


def piercing_bonds(positions: Floats, rings: Sequence[tuple[int, ...]], ends: Floats, *, sides: Floats) -> set[int]:
    """Numbers of the bonds that run through a ring.

    Args:
        positions: The atoms that the rings are of [nm], (N, 3).
        rings: Atoms of each ring in the order of its bonds.
        ends: The two atoms of each bond of other molecules [nm], (B, 2, 3).
        sides: Of the rectangular box [nm], (3,).
    """
    if not rings or not len(ends):
        return set()
    middles = ends.mean(axis=1)
    wrapped = np.mod(middles, sides)
    tree = cKDTree(np.where(wrapped < sides, wrapped, 0.0), boxsize=sides)
    found = set()
    for ring in rings:
        corners = positions[list(ring)]
        centre = corners.mean(axis=0)
        for k in tree.query_ball_point(np.mod(centre, sides), _REACH_NM):
            shift = np.round((middles[k] - centre) / sides) * sides
            if _crosses(ends[k] - shift, corners):
                found.add(int(k))
    return found


def _crosses(bond: Floats, corners: Floats) -> bool:
    """Whether a line between two points, (2, 3), goes through the fan of triangles about a ring's centre."""
    centre = corners.mean(axis=0)
    return any(
        _hits(bond, np.array([centre, a, b])) for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)
    )


def _hits(bond: Floats, triangle: Floats) -> bool:
    """Whether a line between two points meets a triangle: p + t d = a + u (b - a) + v (c - a)."""
    a, b, c = triangle
    matrix = np.column_stack([b - a, c - a, bond[0] - bond[1]])
    if abs(np.linalg.det(matrix)) < 1e-12:
        return False
    u, v, t = np.linalg.solve(matrix, bond[0] - a)
    return bool(u >= 0 and v >= 0 and u + v <= 1 and 0 <= t <= 1)
