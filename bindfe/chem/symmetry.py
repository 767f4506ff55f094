"""Poses of a ligand that differ only in which of its equal atoms are which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from rdkit import Chem

from bindfe.chem.ligand import Ligand
from bindfe.results import Floats

_MOST = 10_000
"""Symmetry operations that are looked at; a molecule with more has branches that turn by themselves."""

_STRAIGHT = 0.95
"""Cosine of an angle above which three anchors lie on a line."""


def equivalent_poses(ligand: Ligand, anchors: Sequence[int]) -> int:
    """Count the poses that springs on three atoms tell apart although they are one pose with equal atoms exchanged.

    Benzene fits its site in twelve ways. Springs between named atoms hold one of them, so the bound state that they
    define is a twelfth of the real one, unless the ligand turns by itself while they are off: -kT ln 12 is missing
    (``ligands.equivalent_poses``). Exchanges that would turn a tetrahedral centre inside out, or a double bond round,
    are not counted, because no motion makes them. Two oxygens of a carboxylate count as different. A hydrogen that is
    held counts as the atom that it is bonded to: those of a methyl change places without any help.

    Args:
        ligand: A ligand with coordinates.
        anchors: Atoms that are held, 0-based.

    Returns:
        The number of poses, the one that is held included: 1 for a ligand without symmetry at its anchors.
    """
    held = [_heavy_atom(ligand.mol, atom) for atom in anchors]
    return len({tuple(image[atom] for atom in held) for image in _exchanges(ligand)})


def _heavy_atom(mol: Chem.Mol, index: int) -> int:
    """The atom, or the heavy one that it is bonded to if it is a hydrogen."""
    atom = mol.GetAtomWithIdx(int(index))
    return int(index) if atom.GetAtomicNum() > 1 else int(atom.GetNeighbors()[0].GetIdx())


def fewest_equivalent_poses(ligand: Ligand) -> int:
    """The least that :func:`equivalent_poses` gives for any three heavy atoms that are not in line.

    Above 1 no choice of anchors avoids the symmetry, as in benzene; 1 where some anchors do.
    """
    exchanges = list(_exchanges(ligand))
    heavy = [atom.GetIdx() for atom in ligand.mol.GetAtoms() if atom.GetAtomicNum() > 1]
    fewest = len(exchanges)
    for three in combinations(heavy, 3):
        if fewest == 1:
            break
        if not _in_line(ligand.positions[list(three)]):
            fewest = min(fewest, len({tuple(image[atom] for atom in three) for image in exchanges}))
    return fewest


def _in_line(points: Floats) -> bool:
    """Whether three points [nm], (3, 3), are nearly on one line."""
    first, second = points[1] - points[0], points[2] - points[0]
    return bool(abs(first @ second) > _STRAIGHT * np.linalg.norm(first) * np.linalg.norm(second))


def _exchanges(ligand: Ligand) -> Iterator[dict[int, int]]:
    """Each way to rename heavy atoms that leaves the molecule what it is: atom -> the atom in whose place it goes."""
    mol = Chem.RemoveAllHs(ligand.mol, sanitize=False)
    names = [atom.GetIdx() for atom in ligand.mol.GetAtoms() if atom.GetAtomicNum() > 1]
    positions = ligand.positions[names]
    query = Chem.Mol(mol)
    for match in mol.GetSubstructMatches(query, uniquify=False, useChirality=False, maxMatches=_MOST):
        if _keeps_centres(mol, positions, match) and _keeps_double_bonds(mol, positions, match):
            yield {names[i]: names[j] for i, j in enumerate(match)}


def _keeps_centres(mol: Chem.Mol, positions: Floats, match: Sequence[int]) -> bool:
    """Whether each tetrahedral centre with three heavy neighbours keeps its hand."""
    for atom in mol.GetAtoms():
        around = [neighbour.GetIdx() for neighbour in atom.GetNeighbors()]
        inverts = atom.GetAtomicNum() == 7 and len(around) < 4
        if atom.GetHybridization() == Chem.HybridizationType.SP3 and len(around) >= 3 and not inverts:
            here, there = atom.GetIdx(), match[atom.GetIdx()]
            if _hand(positions, here, around) != _hand(positions, there, [match[i] for i in around]):
                return False
    return True


def _hand(positions: Floats, centre: int, around: Sequence[int]) -> float:
    """Sign of the volume that the first three neighbours span as seen from a centre."""
    return float(np.sign(np.linalg.det(positions[list(around[:3])] - positions[centre])))


def _keeps_double_bonds(mol: Chem.Mol, positions: Floats, match: Sequence[int]) -> bool:
    """Whether what is cis at a double bond stays cis."""
    for bond in mol.GetBonds():
        if bond.GetBondType() == Chem.BondType.DOUBLE:
            a, b = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
            for i in (n.GetIdx() for n in bond.GetBeginAtom().GetNeighbors() if n.GetIdx() != b):
                for j in (n.GetIdx() for n in bond.GetEndAtom().GetNeighbors() if n.GetIdx() != a):
                    images = match[i], match[a], match[b], match[j]
                    if _is_cis(positions[[i, a, b, j]]) != _is_cis(positions[list(images)]):
                        return False
    return True


def _is_cis(four: Floats) -> bool:
    """Whether the ends of a chain of four atoms [nm], (4, 3), lie on one side of its middle bond."""
    axis = (four[2] - four[1]) / np.linalg.norm(four[2] - four[1])
    first, last = four[0] - four[1], four[3] - four[2]
    return bool((first - (first @ axis) * axis) @ (last - (last @ axis) * axis) > 0)
