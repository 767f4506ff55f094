"""What holds the ligand in the site: choice of atoms, and the OpenMM force."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence, Set

import numpy as np
import openmm as mm
from numpy.typing import NDArray

from bindfe.build.axis import axis_ends
from bindfe.errors import RestraintError
from bindfe.protocol import RestraintSettings
from bindfe.results import Floats
from bindfe.states import AxialRestraint, BoreschRestraint, CentroidRestraint, Restraint

LAMBDA_RESTRAINTS = "lambda_restraints"
"""Global parameter that scales a restraint's energy; 1 is fully on."""

_NEAREST, _FARTHEST = 0.3, 1.5  # distance between anchors a and A [nm]
_LEAST_ANGLE = math.radians(45.0)  # anchors' angles keep this far from 0 and 180 deg
_MOST_CANDIDATES = 40  # receptor atoms tried as anchors, nearest first: 40 * 39 * 38 triples


def choose_restraint(
    settings: RestraintSettings,
    *,
    positions: Floats,
    receptor_atoms: Sequence[int],
    ligand_atoms: Sequence[int],
    heavy: Set[int],
    preferred: Set[int] = frozenset(),
) -> Restraint:
    """Choose the restraint that the protocol asks for on given coordinates.

    Args:
        settings: Kind and springs; anchors by number, 0-based in each molecule, or empty.
        positions: Coordinates of the bound pose [nm], (N, 3).
        receptor_atoms: All atoms of the receptor, in the order of its file.
        ligand_atoms: All atoms of the ligand, in the order of its file.
        heavy: Which atoms are heavier than hydrogen; only they are chosen.
        preferred: Rigid atoms (rings, backbone), taken as Boresch anchors where possible.

    Returns:
        The restraint, fully on, with equilibrium values from the coordinates.

    Raises:
        RestraintError: No anchors make a well-defined restraint, or given ones are not in the molecule.
    """
    given = (
        _given(settings.receptor_atoms, receptor_atoms, "receptor_atoms"),
        _given(settings.ligand_atoms, ligand_atoms, "ligand_atoms"),
    )
    receptor, ligand = ([i for i in atoms if i in heavy] for atoms in (receptor_atoms, ligand_atoms))
    if settings.kind == "axial":
        return AxialRestraint(
            receptor_atoms=given[0] or tuple(receptor),
            ligand_atoms=given[1] or tuple(ligand),
            receptor_ends=axis_ends(positions, given[0] or receptor, of="receptor"),
            ligand_ends=axis_ends(positions, given[1] or ligand, of="ligand"),
            spring=settings.spring,
            axis_spring=settings.axis_spring,
        )
    if settings.kind != "boresch":
        return CentroidRestraint(
            receptor_atoms=given[0] or tuple(receptor),
            ligand_atoms=given[1] or tuple(ligand),
            spring=settings.spring,
            flat_radius=settings.flat_radius if settings.kind == "flat-bottom" else 0.0,
            site_radius=settings.site_radius,
        )
    triples = _triple(given[0], "receptor_atoms"), _triple(given[1], "ligand_atoms")
    if triples[0] and triples[1]:
        return boresch_restraint(settings, positions=positions, receptor_atoms=triples[0], ligand_atoms=triples[1])
    for pool in (preferred, heavy):
        anchors = _boresch_anchors(
            positions,
            [i for i in receptor if i in pool],
            [i for i in ligand if i in pool],
            given_receptor=triples[0],
            given_ligand=triples[1],
        )
        if anchors is not None:
            return boresch_restraint(settings, positions=positions, receptor_atoms=anchors[0], ligand_atoms=anchors[1])
    raise RestraintError(
        f"no three heavy atoms of the receptor (of {len(receptor)}) and of the ligand (of {len(ligand)}) "
        f"make a Boresch restraint: anchors must be {_NEAREST} to {_FARTHEST} nm apart and their angles between 45 and "
        "135 deg. Use restraint.kind: harmonic, or give restraint.receptor_atoms and restraint.ligand_atoms"
    )


def boresch_restraint(
    settings: RestraintSettings,
    *,
    positions: Floats,
    receptor_atoms: tuple[int, int, int],
    ligand_atoms: tuple[int, int, int],
) -> BoreschRestraint:
    """Boresch's springs between given anchors, at rest on the given coordinates [nm], (N, 3)."""
    a, b, c = (positions[i] for i in receptor_atoms)
    A, B, C = (positions[i] for i in ligand_atoms)
    return BoreschRestraint(
        receptor_atoms=receptor_atoms,
        ligand_atoms=ligand_atoms,
        distance=float(np.linalg.norm(A - a)),
        angles=(_angle(b, a, A), _angle(a, A, B)),
        dihedrals=(_dihedral(c, b, a, A), _dihedral(b, a, A, B), _dihedral(a, A, B, C)),
        distance_spring=settings.distance_spring,
        angle_spring=settings.angle_spring,
        dihedral_spring=settings.dihedral_spring,
    )


def restraint_force(restraint: Restraint, *, periodic: bool) -> mm.Force:
    """The OpenMM force of a restraint, scaled by ``lambda_restraints`` and reporting its derivative.

    Args:
        restraint: The springs.
        periodic: Whether distances are taken to the nearest image of the box.
    """
    if isinstance(restraint, BoreschRestraint):
        force: mm.CustomCompoundBondForce | mm.CustomCentroidBondForce = _boresch_force(restraint)
    elif isinstance(restraint, AxialRestraint):
        force = _axial_force(restraint)
    else:
        force = _centroid_force(restraint)
    force.setName("restraint")
    force.setUsesPeriodicBoundaryConditions(periodic)
    force.addGlobalParameter(LAMBDA_RESTRAINTS, 1.0)
    force.addEnergyParameterDerivative(LAMBDA_RESTRAINTS)
    return force


def _centroid_force(restraint: CentroidRestraint) -> mm.CustomCentroidBondForce:
    edge = "+(k/2)*max(0, distance(g1,g2)-rs)^2" if restraint.site_radius else ""
    force = mm.CustomCentroidBondForce(2, f"{LAMBDA_RESTRAINTS}*(k/2)*max(0, distance(g1,g2)-r0)^2{edge}")
    values = {"k": restraint.spring, "r0": restraint.flat_radius}
    if edge:
        values["rs"] = restraint.site_radius
    for name in values:
        force.addPerBondParameter(name)
    for atoms in (restraint.receptor_atoms, restraint.ligand_atoms):
        force.addGroup(list(atoms), [1.0] * len(atoms))
    force.addBond([0, 1], list(values.values()))
    return force


def _axial_force(restraint: AxialRestraint) -> mm.CustomCentroidBondForce:
    """Groups 1 and 2 are the centroids, 3 and 4 the receptor's ends, 5 and 6 the ligand's."""
    force = mm.CustomCentroidBondForce(
        6,
        f"{LAMBDA_RESTRAINTS}*((k/2)*distance(g1,g2)^2+K*(1-c^2));"
        "c=((x4-x3)*(x6-x5)+(y4-y3)*(y6-y5)+(z4-z3)*(z6-z5))/(distance(g3,g4)*distance(g5,g6))",
    )
    for name in ("k", "K"):
        force.addPerBondParameter(name)
    for atoms in (restraint.receptor_atoms, restraint.ligand_atoms, *restraint.receptor_ends, *restraint.ligand_ends):
        force.addGroup(list(atoms), [1.0] * len(atoms))
    force.addBond(list(range(6)), [restraint.spring, restraint.axis_spring])
    return force


def _boresch_force(restraint: BoreschRestraint) -> mm.CustomCompoundBondForce:
    """Particles 1 to 3 are a, b, c and 4 to 6 are A, B, C of :class:`BoreschRestraint`."""
    force = mm.CustomCompoundBondForce(
        6,
        f"{LAMBDA_RESTRAINTS}/2*(kr*(distance(p1,p4)-r0)^2"
        "+kt*((angle(p2,p1,p4)-tA0)^2+(angle(p1,p4,p5)-tB0)^2)"
        "+kp*(dA^2+dB^2+dC^2));"
        "dA=eA-twopi*floor(eA/twopi+0.5); eA=dihedral(p3,p2,p1,p4)-pA0;"
        "dB=eB-twopi*floor(eB/twopi+0.5); eB=dihedral(p2,p1,p4,p5)-pB0;"
        "dC=eC-twopi*floor(eC/twopi+0.5); eC=dihedral(p1,p4,p5,p6)-pC0;"
        f"twopi={2 * math.pi!r}",
    )
    values = {
        "r0": restraint.distance,
        "tA0": restraint.angles[0],
        "tB0": restraint.angles[1],
        "pA0": restraint.dihedrals[0],
        "pB0": restraint.dihedrals[1],
        "pC0": restraint.dihedrals[2],
        "kr": restraint.distance_spring,
        "kt": restraint.angle_spring,
        "kp": restraint.dihedral_spring,
    }
    for name in values:
        force.addPerBondParameter(name)
    force.addBond([*restraint.receptor_atoms, *restraint.ligand_atoms], list(values.values()))
    return force


def _given(numbers: Sequence[int], atoms: Sequence[int], key: str) -> tuple[int, ...]:
    """Atoms of the System from a protocol's 0-based numbers in the molecule."""
    outside = [number for number in numbers if not 0 <= number < len(atoms)]
    if outside:
        raise RestraintError(f"restraint.{key}: no atom {outside[0]}; the molecule has 0 to {len(atoms) - 1}")
    return tuple(atoms[number] for number in numbers)


def _triple(atoms: tuple[int, ...], key: str) -> tuple[int, int, int] | None:
    if not atoms:
        return None
    if len(atoms) != 3 or len(set(atoms)) != 3:
        raise RestraintError(f"restraint.{key}: a Boresch restraint needs 3 different atoms, found {len(set(atoms))}")
    return (atoms[0], atoms[1], atoms[2])


def _boresch_anchors(
    positions: Floats,
    receptor: Sequence[int],
    ligand: Sequence[int],
    *,
    given_receptor: tuple[int, int, int] | None,
    given_ligand: tuple[int, int, int] | None,
) -> tuple[tuple[int, int, int], tuple[int, int, int]] | None:
    """The anchors whose four angles are farthest from a line; always the same ones, None if there are none."""
    for anchors in [given_ligand] if given_ligand else _ligand_triples(positions, ligand):
        near = sorted(receptor, key=lambda i: (float(np.linalg.norm(positions[i] - positions[anchors[0]])), i))
        triples = [given_receptor] if given_receptor else itertools.permutations(near[:_MOST_CANDIDATES], 3)
        found = _best_receptor_triple(positions, np.array(list(triples)).reshape(-1, 3), anchors)
        if found is not None:
            return found, anchors
    return None


def _ligand_triples(positions: Floats, atoms: Sequence[int]) -> list[tuple[int, int, int]]:
    """Candidates A, B, C: A near the ligand's centre, the angle at B far from a line, wide ones first."""
    if len(atoms) < 3:
        return []
    centre = positions[list(atoms)].mean(axis=0)
    near = sorted(atoms, key=lambda i: (float(np.linalg.norm(positions[i] - centre)), i))[:12]
    first = near[: max(1, len(near) // 3)]
    triples = np.array([t for t in itertools.permutations(near, 3) if t[0] in first])
    A, B, C = (positions[triples[:, i]] for i in range(3))
    angle, area = _angles(A, B, C), np.linalg.norm(np.cross(B - A, C - A), axis=1)
    good = np.minimum(angle, math.pi - angle) >= _LEAST_ANGLE
    order = np.lexsort((*triples[good].T[::-1], -np.round(area[good], 6)))
    return [(int(a), int(b), int(c)) for a, b, c in triples[good][order]]


def _best_receptor_triple(
    positions: Floats, triples: NDArray[np.int64], ligand: tuple[int, int, int]
) -> tuple[int, int, int] | None:
    """Of the triples a, b, c (T, 3) the one whose angles c-b-a, b-a-A and a-A-B are farthest from a line."""
    if len(triples) == 0:
        return None
    a, b, c = (positions[triples[:, i]] for i in range(3))
    A, B = (np.broadcast_to(positions[i], a.shape) for i in ligand[:2])
    angles = np.array([_angles(c, b, a), _angles(b, a, A), _angles(a, A, B)])
    margin = np.minimum(angles, math.pi - angles).min(axis=0)
    distance = np.linalg.norm(A - a, axis=1)
    margin[(distance < _NEAREST) | (distance > _FARTHEST)] = 0.0
    best = int(np.argmax(np.round(margin, 6)))
    if margin[best] < _LEAST_ANGLE:
        return None
    return (int(triples[best, 0]), int(triples[best, 1]), int(triples[best, 2]))


def _angles(a: Floats, b: Floats, c: Floats) -> Floats:
    """Angles at b [rad], (T,), between rows of coordinates (T, 3); pi where two atoms coincide."""
    u, v = a - b, c - b
    length = np.linalg.norm(u, axis=1) * np.linalg.norm(v, axis=1)
    cosine = np.divide((u * v).sum(axis=1), length, out=-np.ones(len(u)), where=length > 0)
    angles: Floats = np.arccos(np.clip(cosine, -1.0, 1.0))
    return angles


def _angle(a: Floats, b: Floats, c: Floats) -> float:
    return float(_angles(a[None], b[None], c[None])[0])


def _dihedral(a: Floats, b: Floats, c: Floats, d: Floats) -> float:
    """Dihedral angle [rad] with the sign of OpenMM and IUPAC."""
    u, v, w = b - a, c - b, d - c
    n, m = np.cross(u, v), np.cross(v, w)
    return float(np.arctan2(np.dot(np.cross(n, m), v) / np.linalg.norm(v), np.dot(n, m)))
