"""Cyclodextrins built by their symmetry.

Rings of n alpha-1,4-linked D-glucoses. Distance-geometry embedding collapses them or turns glucoses inside
out, far above the round cone in energy. So one glucose in its chair is placed on the n-fold axis, with its
two bridging oxygens on neighbouring corners of a regular polygon; the turn about the line through both is
the one freedom left, and it is searched.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers
from rdkit.Geometry import Point3D

from bindfe.chem.cucurbituril import relax_mmff
from bindfe.chem.molecule import assign_stereo
from bindfe.errors import InputError

_GLUCOSE = "O[C@H]1O[C@H](CO)[C@@H](O)[C@H](O)[C@H]1O"
"""alpha-D-glucopyranose: the first atom is O1, the eighth O4."""
_O1, _C1, _C4, _O4 = 0, 1, 6, 7
_BRIDGE_ANGLE = math.radians(118.0)
"""C1-O-C4 at the bridging oxygens."""
_ANGLE_WINDOW = math.radians(8.0)
_TURNS = 240
_MOST_STARTS = 4
_CONFORMERS = 12
_SEED = 7
_CLOSEST = 1.9
"""Least distance between atoms of two glucoses that are not bonded [A] for a start to be relaxed."""

Floats = NDArray[np.float64]


def build_cyclodextrin(n: int) -> Chem.Mol:
    """Cyclodextrin of n glucoses, its axis along z (the wide rim of O2 and O3 at z > 0), relaxed with MMFF94.

    The centre of the bridging oxygens is the origin. Atoms come glucose by glucose; coordinates are in
    Angstrom, as RDKit keeps them.

    Args:
        n: Number of glucoses: 6 (alpha), 7 (beta) or 8 (gamma).

    Raises:
        InputError: n is not 6, 7 or 8.

    Source:
        Saenger et al., Chem. Rev. 98, 1787 (1998), doi:10.1021/cr9700181. MMFF94: Halgren, J. Comput. Chem.
        17, 490 (1996).
    """
    if n not in (6, 7, 8):
        raise InputError(f"a cyclodextrin of {n} glucoses cannot be built: n must be 6, 7 or 8")
    starts = list(_starts(n))
    spread = np.unique(np.linspace(0, len(starts) - 1, _MOST_STARTS).round().astype(int))
    ring: Chem.Mol = min((starts[i] for i in spread), key=relax_mmff)
    _put_upright(ring)
    assign_stereo(ring)
    ring.SetProp("_Name", {6: "alpha", 7: "beta", 8: "gamma"}[n] + "-cyclodextrin")
    return ring


def _starts(n: int) -> Iterator[Chem.Mol]:
    """Symmetric rings without clashes whose bridges have about the right angle."""
    for glucose in _glucoses():
        kept = [atom for atom in range(glucose.GetNumAtoms()) if atom not in _lost(glucose)]
        ring = _link(glucose, kept, n)
        for unit in _placements(np.asarray(glucose.GetConformer().GetPositions()), kept, n):
            yield _with_positions(ring, np.concatenate([unit @ _turn(2 * math.pi * i / n).T for i in range(n)]))


def _glucoses() -> list[Chem.Mol]:
    """The two glucoses of lowest energy whose 6-hydroxymethyl groups point differently."""
    mol = Chem.AddHs(Chem.MolFromSmiles(_GLUCOSE))
    conformers = list(rdDistGeom.EmbedMultipleConfs(mol, _CONFORMERS, randomSeed=_SEED))
    energies = [energy for _, energy in rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(mol, maxIters=2000)]
    best = sorted(conformers, key=lambda conformer: energies[conformer])[:2]
    return [Chem.Mol(mol, confId=conformer) for conformer in best]


def _lost(glucose: Chem.Mol) -> set[int]:
    """What a glucose gives up in the ring: O4 with its hydrogen, and the hydrogen of O1."""
    hydrogens = [
        neighbour.GetIdx()
        for oxygen in (_O1, _O4)
        for neighbour in glucose.GetAtomWithIdx(oxygen).GetNeighbors()
        if neighbour.GetAtomicNum() == 1
    ]
    return {_O4, *hydrogens}


def _link(glucose: Chem.Mol, kept: Sequence[int], n: int) -> Chem.Mol:
    """N glucoses without coordinates, O1 of each bonded to C4 of the next one."""
    place = {atom: index for index, atom in enumerate(kept)}
    ring = Chem.RWMol()
    for _ in range(n):
        for atom in kept:
            ring.AddAtom(Chem.Atom(glucose.GetAtomWithIdx(atom).GetAtomicNum()))
    for unit in range(n):
        shift, following = unit * len(kept), (unit + 1) % n * len(kept)
        for bond in glucose.GetBonds():
            ends = (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
            if place.keys() >= set(ends):
                ring.AddBond(shift + place[ends[0]], shift + place[ends[1]], Chem.BondType.SINGLE)
        ring.AddBond(shift + place[_O1], following + place[_C4], Chem.BondType.SINGLE)
    Chem.SanitizeMol(ring)
    return ring.GetMol()


def _placements(glucose: Floats, kept: Sequence[int], n: int) -> Iterator[Floats]:
    """Positions [A] of the kept atoms of the first glucose, for each turn that gives a sound ring.

    O4 lies on a corner of the polygon and O1 on the next one. The other way round is the same ring upside down.
    """
    span = float(np.linalg.norm(glucose[_O1] - glucose[_O4]))
    corner = np.array([span / (2 * math.sin(math.pi / n)), 0.0, 0.0])
    step = _turn(2 * math.pi / n)
    for placed in _turned(glucose, corner, step @ corner):
        if _is_sound(placed[list(kept)], placed, step):
            yield placed[list(kept)]


def _turned(glucose: Floats, start: Floats, end: Floats) -> Iterator[Floats]:
    """The glucose with O4 at the start and O1 at the end, turned about the line through both."""
    source = _frame(glucose[_O1] - glucose[_O4], glucose[_C4] - glucose[_O4])
    for angle in np.linspace(0.0, 2 * math.pi, _TURNS, endpoint=False):
        target = _frame(end - start, np.array([0.0, 0.0, 1.0])) @ _turn(angle).T
        yield (glucose - glucose[_O4]) @ source @ target.T + start


def _frame(along: Floats, beside: Floats) -> Floats:
    """Unit vectors as columns, the third along a direction, (3, 3)."""
    z = along / np.linalg.norm(along)
    y = np.cross(z, beside)
    y /= np.linalg.norm(y)
    return np.column_stack([np.cross(y, z), y, z])


def _is_sound(unit: Floats, glucose: Floats, step: Floats) -> bool:
    """Whether the bridge to the next glucose has about the right angle, and nothing else comes too close."""
    one, bridge, four = glucose[_C1] - glucose[_O1], glucose[_O1], step @ glucose[_C4]
    other = four - bridge
    angle = math.acos(float(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))
    if abs(angle - _BRIDGE_ANGLE) > _ANGLE_WINDOW:
        return False
    gaps = np.linalg.norm(unit[:, None] - (unit @ step.T)[None], axis=-1)
    return int((gaps < _CLOSEST).sum()) <= 2  # the bridge, and the hydrogen of C4 that sees it


def _with_positions(mol: Chem.Mol, positions: Floats) -> Chem.Mol:
    copy = Chem.Mol(mol)
    conformer = Chem.Conformer(mol.GetNumAtoms())
    for index, (x, y, z) in enumerate(positions):
        conformer.SetAtomPosition(index, Point3D(x, y, z))
    conformer.Set3D(True)
    copy.AddConformer(conformer, assignId=True)
    return copy


def _put_upright(mol: Chem.Mol) -> None:
    """The bridging oxygens' centre at the origin, their plane across z, the secondary rim at z > 0."""
    x = np.asarray(mol.GetConformer().GetPositions())
    bridges = [atom.GetIdx() for atom in mol.GetAtoms() if is_bridge(atom)]
    centred = x - x[bridges].mean(axis=0)
    axis = np.linalg.svd(centred[bridges])[2][2]
    primary = [match[0] for match in mol.GetSubstructMatches(Chem.MolFromSmarts("[OX2H]-[CX4;H2]"))]
    if float(centred[primary].mean(axis=0) @ axis) > 0:
        axis = -axis
    mol.GetConformer().SetPositions(centred @ _frame(axis, np.array([0.0, 1.0, 0.0])))


def is_bridge(atom: Chem.Atom) -> bool:
    """Whether an atom is an oxygen between two glucoses: in the large ring alone."""
    return bool(atom.GetAtomicNum() == 8 and atom.IsInRing() and not atom.IsInRingSize(6))


def _turn(angle: float) -> Floats:
    """Rotation about z [rad], (3, 3)."""
    return np.array(
        [[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0], [0.0, 0.0, 1.0]]
    )
