"""Acetyl and methylamide caps on the ends of a gap, placed by ideal geometry."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bindfe.chem.proteinfile import ProteinAtom
from bindfe.errors import InputError

_PHI = tuple(math.radians(degrees) for degrees in range(-180, 180, 15))


def acetyl_cap(residue: Sequence[ProteinAtom], others: NDArray[np.float64]) -> tuple[ProteinAtom, ...]:
    """ACE before a residue, with the backbone dihedral phi that keeps farthest from the other atoms.

    Args:
        residue: Atoms of the residue, N, CA and C among them.
        others: Coordinates of the atoms that are not to be met [nm], (N, 3).

    Returns:
        C, O and CH3 of the cap.

    Source:
        Bond lengths and angles of the peptide bond: Engh and Huber, Acta Cryst. A 47, 392 (1991),
        doi:10.1107/S0108767391001071.
    """
    n, ca, c = (_position(residue, name) for name in ("N", "CA", "C"))
    best: tuple[float, dict[str, NDArray[np.float64]]] | None = None
    for phi in _PHI:
        carbon = _place(c, ca, n, distance=0.1329, angle=121.7, dihedral=phi)
        placed = {
            "C": carbon,
            "O": _place(ca, n, carbon, distance=0.1231, angle=123.0, dihedral=0.0),
            "CH3": _place(ca, n, carbon, distance=0.1510, angle=116.2, dihedral=math.pi),
        }
        room = _room(placed, others)
        if best is None or room > best[0]:
            best = (room, placed)
    return _cap("ACE", residue[0], -1, {} if best is None else best[1])


def methylamide_cap(residue: Sequence[ProteinAtom], others: NDArray[np.float64]) -> tuple[ProteinAtom, ...]:
    """NME after a residue, in the plane of its carbonyl; arguments and source as :func:`acetyl_cap`."""
    n, ca, c = (_position(residue, name) for name in ("N", "CA", "C"))
    oxygen = next((np.array(atom.position) for atom in residue if atom.name in ("O", "OT1")), None)
    psis = _PHI if oxygen is None else (_dihedral(n, ca, c, oxygen) + math.pi,)
    best: tuple[float, dict[str, NDArray[np.float64]]] | None = None
    for psi in psis:
        nitrogen = _place(n, ca, c, distance=0.1329, angle=116.2, dihedral=psi)
        placed = {
            "N": nitrogen,
            "C": _place(ca, c, nitrogen, distance=0.1458, angle=121.7, dihedral=math.pi),
        }
        room = _room(placed, others)
        if best is None or room > best[0]:
            best = (room, placed)
    return _cap("NME", residue[0], 1, {} if best is None else best[1])


def _cap(
    name: str, beside: ProteinAtom, offset: int, placed: dict[str, NDArray[np.float64]]
) -> tuple[ProteinAtom, ...]:
    return tuple(
        ProteinAtom(
            name=atom,
            residue=name,
            chain=beside.chain,
            number=beside.number + offset,
            element=atom[0],
            position=(float(xyz[0]), float(xyz[1]), float(xyz[2])),
        )
        for atom, xyz in placed.items()
    )


def _position(residue: Sequence[ProteinAtom], name: str) -> NDArray[np.float64]:
    for atom in residue:
        if atom.name == name:
            return np.array(atom.position)
    raise InputError(
        f"{residue[0].label}: atom {name} is missing, so no cap can be placed beside the gap; "
        "take the residue out with receptor.drop, or complete it"
    )


def _place(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    c: NDArray[np.float64],
    *,
    distance: float,
    angle: float,
    dihedral: float,
) -> NDArray[np.float64]:
    """The point at a distance [nm] from c, an angle [deg] with c-b and a dihedral [rad] about b-c from a."""
    along = (c - b) / np.linalg.norm(c - b)
    normal = np.cross(b - a, along)
    normal /= np.linalg.norm(normal)
    across = np.cross(normal, along)
    theta = math.radians(angle)
    local = (-math.cos(theta), math.sin(theta) * math.cos(dihedral), math.sin(theta) * math.sin(dihedral))
    found: NDArray[np.float64] = c + distance * (local[0] * along + local[1] * across + local[2] * normal)
    return found


def _dihedral(a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]) -> float:
    u, v, w = b - a, c - b, d - c
    n, m = np.cross(u, v), np.cross(v, w)
    return float(np.arctan2(np.dot(np.cross(n, m), v) / np.linalg.norm(v), np.dot(n, m)))


def _room(placed: dict[str, NDArray[np.float64]], others: NDArray[np.float64]) -> float:
    """Distance [nm] from the cap to the nearest other atom."""
    if len(others) == 0:
        return math.inf
    here = np.array(list(placed.values()))
    return float(np.linalg.norm(here[:, None] - others[None], axis=-1).min())
