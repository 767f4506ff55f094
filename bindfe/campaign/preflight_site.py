"""Whether the restraint's atoms, and the bulk that a ligand is carried to, are where they must be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bindfe.chem.findings import Finding, failed, warned
from bindfe.errors import RestraintError
from bindfe.protocol import Protocol
from bindfe.results import Floats
from bindfe.states import BoreschRestraint, LegKind

if TYPE_CHECKING:
    from bindfe.chem.ligand import Ligand

_CLEAR_NM, _TOUCH_NM = 2.0, 1.0
"""Distance of a ligand in bulk from the receptor below which it still feels it, and below which it is no bulk [nm]."""

_LINE_DEG = 20.0
"""An angle of a Boresch restraint nearer than this to 0 or 180 has a dihedral that is not defined when it moves."""


def anchor_findings(
    protocol: Protocol, ligand: Ligand, *, receptor: Floats, elements: Sequence[str]
) -> tuple[Finding, ...]:
    """Whether anchors given by hand exist, are heavy, and make a restraint on the ligand's pose.

    Args:
        protocol: Its section ``restraint``.
        ligand: A ligand in its pose.
        receptor: All atoms of the receptor as it is simulated [nm], (N, 3), in the order that anchors count.
        elements: Their elements, (N,).
    """
    settings = protocol.restraint
    if not (settings.receptor_atoms or settings.ligand_atoms):
        return ()
    from bindfe.build.restraint import choose_restraint

    symbols, x = [*elements, *ligand.elements], np.concatenate([receptor, ligand.positions])
    try:
        restraint = choose_restraint(
            settings,
            positions=x,
            receptor_atoms=range(len(elements)),
            ligand_atoms=range(len(elements), len(symbols)),
            heavy={index for index, symbol in enumerate(symbols) if symbol != "H"},
        )
    except RestraintError as error:
        message, _, advice = str(error).partition("; ")
        return (failed("restraint-atoms", message, advice=advice or _ADVICE, ligand=ligand.name),)
    light = [f"{key} {i}" for key, i, symbol in _anchors(protocol, ligand, elements) if symbol == "H"]
    found = []
    if light:
        words = f"anchors that are hydrogens: {', '.join(light[:6])}"
        found.append(
            warned("restraint-atoms", words, advice="take heavy atoms of rings or backbone", ligand=ligand.name)
        )
    if isinstance(restraint, BoreschRestraint):
        found += _lines(restraint, x, ligand.name)
    return tuple(found)


_ADVICE = "atoms are counted from 0 in each molecule; leave the keys out and anchors are chosen"


def _anchors(protocol: Protocol, ligand: Ligand, elements: Sequence[str]) -> list[tuple[str, int, str]]:
    settings = protocol.restraint
    return [
        *(("receptor", i, elements[i]) for i in settings.receptor_atoms),
        *(("ligand", i, ligand.elements[i]) for i in settings.ligand_atoms),
    ]


def _lines(restraint: BoreschRestraint, x: Floats, name: str) -> list[Finding]:
    """Angles along the given anchors c-b-a-A-B-C that are nearly straight: dihedrals over them turn freely."""
    chain = [x[i] for i in (*reversed(restraint.receptor_atoms), *restraint.ligand_atoms)]
    angles = [_angle(*chain[k : k + 3]) for k in range(4)]
    flat = [angle for angle in angles if not _LINE_DEG <= angle <= 180 - _LINE_DEG]
    if not flat:
        return []
    words = f"the anchors make an angle of {flat[0]:.0f} deg, and 20 to 160 deg are needed"
    return [failed("restraint-atoms", words, advice=_ADVICE, ligand=name)]


def _angle(a: Floats, b: Floats, c: Floats) -> float:
    """Angle at b [deg]."""
    u, v = a - b, c - b
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(u, v)), np.dot(u, v))))


def bulk_findings(protocol: Protocol, ligand: Ligand, *, receptor: Floats) -> tuple[Finding, ...]:
    """Whether the bulk that a transfer carries the ligand to, along x, is away from the receptor.

    Args:
        protocol: Its ``alchemy.displacement``.
        ligand: A ligand in its pose.
        receptor: All atoms of the receptor [nm], (N, 3).
    """
    if not {LegKind.TRANSFER, LegKind.RELATIVE} & set(protocol.leg_kinds):
        return ()
    from scipy.spatial import cKDTree

    there = ligand.positions + np.array([protocol.alchemy.displacement, 0.0, 0.0])
    gap = float(np.min(cKDTree(receptor).query(there)[0]))
    if gap >= _CLEAR_NM:
        return ()
    make = failed if gap < _TOUCH_NM or LegKind.RELATIVE in protocol.leg_kinds else warned
    return (
        make(
            "bulk",
            f"{10 * protocol.alchemy.displacement:g} A from the site it is {10 * gap:.1f} A from the receptor, which "
            "is no bulk",
            advice="raise alchemy.displacement; 100 A is usual",
            ligand=ligand.name,
        ),
    )
