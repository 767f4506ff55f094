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

_PORTAL_NM = 0.5
"""Distance of heavy atoms of a ligand, at the near end of a path's bulk, from the receptor's below which they meet:
contact is at 0.35 to 0.4 [nm]."""

_LEANS_NM = 0.1
"""Distance from the wall of an edge's site below which a bound ligand leans on it as it moves [nm]."""

_AROUND_NM = 0.8
"""Heavy atoms of the receptor so close to a ligand make the centre of an edge's site [nm]."""

_FAR_NM, _ASTRAY_NM = 1.5, 2.5
"""Distance of Boresch's anchors above which they hold the site loosely, and above which they are of another place."""

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
        found += [*_lines(restraint, x, ligand.name), *_far(restraint, ligand.name)]
    return tuple(found)


def axis_findings(
    protocol: Protocol, ligand: Ligand, *, receptor: Floats, elements: Sequence[str]
) -> tuple[Finding, ...]:
    """Whether host and guest have the axes that an axial restraint, or a path with one, holds together.

    Args:
        protocol: Its sections ``restraint`` and ``path``.
        ligand: A ligand.
        receptor: All atoms of the receptor [nm], (N, 3).
        elements: Their elements, (N,).
    """
    from bindfe.build.axis import axis_ends

    alchemical, restraint, path = protocol.road == "alchemy", protocol.restraint, protocol.path
    aligned = restraint.kind == "axial" and not protocol.relative if alchemical else path.axis_spring > 0
    if not aligned:
        return ()
    key = "restraint.kind: axial" if alchemical else "path.axis_spring"
    given = (
        (restraint.receptor_atoms, restraint.ligand_atoms) if alchemical else (path.receptor_atoms, path.ligand_atoms)
    )
    parts = (("receptor", receptor, elements, given[0]), ("ligand", ligand.positions, ligand.elements, given[1]))
    found = []
    for of, x, symbols, chosen in parts:
        heavy = [i for i, symbol in enumerate(symbols) if symbol != "H"]
        try:
            axis_ends(x, [i for i in chosen if i < len(symbols)] or heavy, of=of)
        except RestraintError as error:
            message, _, _ = str(error).partition(". Use")
            advice = "use restraint.kind: harmonic" if alchemical else "set path.axis_spring to 0"
            found.append(failed("restraint-kind", f"{key}: {message}", advice=advice, ligand=ligand.name))
    return tuple(found)


def _far(restraint: BoreschRestraint, name: str) -> list[Finding]:
    if restraint.distance <= _FAR_NM:
        return []
    make = failed if restraint.distance > _ASTRAY_NM else warned
    words = f"the anchors of receptor and ligand are {10 * restraint.distance:.1f} A apart, and 5 to 15 A are usual"
    advice = "are they numbers of another file? Take anchors beside the site, or leave the keys out"
    return [make("restraint-atoms", words, advice=advice, ligand=name)]


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
    if not {LegKind.TRANSFER, LegKind.RELATIVE} & set(protocol.leg_kinds) or protocol.solvent.explicit:
        return ()  # a box is made so that bulk is clear
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


def path_findings(
    protocol: Protocol, ligand: Ligand, *, receptor: Floats, elements: Sequence[str]
) -> tuple[Finding, ...]:
    """Whether the bulk at the end of a path along the receptor's axis is out of the receptor's reach.

    The ligand, as it lies in its pose, is laid on the axis with its centroid at the near end of each range.

    Args:
        protocol: Its section ``path``.
        ligand: A ligand in its pose.
        receptor: All atoms of the receptor [nm], (N, 3).
        elements: Their elements, (N,).
    """
    settings = protocol.path
    if protocol.road == "alchemy" or settings.variable != "axis":
        return ()
    from scipy.spatial.distance import cdist

    from bindfe.build.axis import axis_ends

    heavy = [i for i, symbol in enumerate(elements) if symbol != "H"]
    try:
        ends = axis_ends(receptor, [i for i in settings.receptor_atoms if i < len(elements)] or heavy, of="receptor")
    except RestraintError as error:
        message, _, _ = str(error).partition(". ")
        return (
            failed(
                "restraint-kind",
                f"path.variable: axis: {message}",
                advice="use path.variable: distance",
                ligand=ligand.name,
            ),
        )
    found = _bound_findings(protocol, ligand, receptor=receptor, ends=ends)
    top, bottom = (receptor[list(end)].mean(axis=0) for end in ends)
    along = (top - bottom) / np.linalg.norm(top - bottom)
    x = ligand.positions[[i for i, symbol in enumerate(ligand.elements) if symbol != "H"]]
    for near in (min(each, key=abs) for each in settings.unbound):
        there = x - x.mean(axis=0) + 0.5 * (top + bottom) + near * along
        gap = float(cdist(there, receptor[heavy]).min())
        if gap < _PORTAL_NM:
            words = f"path.unbound begins at {10 * near:g} A, where the ligand is {10 * gap:.1f} A from the receptor"
            advice = "move it outwards, to where the surface is flat, and path.high with it"
            found.append(failed("bulk", f"{words}, which is no bulk", advice=advice, ligand=ligand.name))
    return tuple(found)


def _bound_findings(
    protocol: Protocol, ligand: Ligand, *, receptor: Floats, ends: tuple[tuple[int, ...], tuple[int, ...]]
) -> list[Finding]:
    """Whether the pose lies where the path calls the ligand bound."""
    from bindfe.variables import AxisPosition, value_of

    heavy = [i for i, symbol in enumerate(ligand.elements) if symbol != "H"]
    chosen = [i for i in protocol.path.ligand_atoms if i < len(ligand.elements)] or heavy
    atoms = tuple(len(receptor) + i for i in chosen)
    variable = AxisPosition(name="path", top=ends[0], bottom=ends[1], ligand=atoms)
    value, (low, high) = value_of(variable, np.concatenate([receptor, ligand.positions])), protocol.path.bound
    if low <= value < high:
        return []
    words = f"is given at {10 * value:.1f} A of the path, and path.bound is {10 * low:g} to {10 * high:g} A"
    advice = "give it in its bound pose, or choose path.bound around it: is it in nm?"
    return [failed("path-bound", words, advice=advice, ligand=ligand.name)]


def well_findings(
    protocol: Protocol, ligand: Ligand, *, receptor: Floats, elements: Sequence[str]
) -> tuple[Finding, ...]:
    """Whether a bound ligand of an edge lies in the flat part of its site, away from the wall.

    Args:
        protocol: Its ``restraint.flat_radius``.
        ligand: A ligand in its pose.
        receptor: All atoms of the receptor [nm], (N, 3).
        elements: Their elements, (N,).
    """
    if not protocol.relative:
        return ()
    from scipy.spatial import cKDTree

    x = ligand.positions[[i for i, symbol in enumerate(ligand.elements) if symbol != "H"]]
    walls = receptor[[i for i, symbol in enumerate(elements) if symbol != "H"]]
    chosen = protocol.restraint.receptor_atoms
    around = walls[cKDTree(ligand.positions).query(walls)[0] < _AROUND_NM]
    if chosen and max(chosen) < len(receptor):
        around = receptor[list(chosen)]
    if not len(around):
        return ()
    distance = float(np.linalg.norm(around.mean(axis=0) - x.mean(axis=0)))
    radius = protocol.restraint.flat_radius
    if distance < radius - _LEANS_NM + 1e-9:
        return ()
    make = failed if distance > radius else warned
    return (
        make(
            "site-radius",
            f"its centroid is {10 * distance:.1f} A from that of the receptor atoms around it, and "
            f"restraint.flat_radius is {10 * radius:g} A",
            advice="raise restraint.flat_radius to 2 A above the distance: a bound ligand must not touch the wall",
            ligand=ligand.name,
        ),
    )
