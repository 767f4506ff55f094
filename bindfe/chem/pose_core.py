"""The common core of two molecules, and every way in which one can lie on the other."""

from __future__ import annotations

from dataclasses import dataclass

from rdkit import Chem
from rdkit.Chem import rdFMCS

from bindfe.errors import InputError

SMALLEST_CORE = 4
"""Heavy atoms that a core must have: three decide where a rigid body lies, and one more on which side."""

SMALLEST_PART = 0.3
"""Part of the smaller molecule's heavy atoms that a core must have."""

_MOST_OVERLAYS = 24
_SECONDS = 10


Overlay = tuple[tuple[int, int], ...]
"""A way to lay one molecule on another: pairs (atom of the ligand, atom of the reference)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Core:
    """What two molecules share."""

    smarts: str
    """The shared pattern."""
    overlays: tuple[Overlay, ...]
    """Each way to lay one on the other, by heavy atoms."""

    @property
    def n_atoms(self) -> int:
        """Heavy atoms of the core."""
        return len(self.overlays[0])


def common_core(ligand: Chem.Mol, reference: Chem.Mol, *, name: str) -> Core:
    """The largest common core of heavy atoms, with all its symmetry matches.

    Elements and bond orders agree; ring atoms lie on ring atoms and rings are whole, so that a ring is never
    half a core. Overlays that differ by a symmetry of the ligand alone are one.

    Args:
        ligand: The molecule that is laid.
        reference: The molecule that it is laid on.
        name: The ligand's name, for messages.

    Raises:
        InputError: They share fewer than 4 heavy atoms, or less than 30 % of the smaller one.
    """
    first, second = _heavy(ligand), _heavy(reference)
    found = rdFMCS.FindMCS(
        [first, second],
        atomCompare=rdFMCS.AtomCompare.CompareElements,
        bondCompare=rdFMCS.BondCompare.CompareOrder,
        ringMatchesRingOnly=True,
        completeRingsOnly=True,
        timeout=_SECONDS,
    )
    smaller = min(first.GetNumAtoms(), second.GetNumAtoms())
    if found.numAtoms < min(SMALLEST_CORE, smaller) or found.numAtoms < SMALLEST_PART * smaller:
        raise InputError(
            f"{name}: shares only {found.numAtoms} of {smaller} heavy atoms with the reference "
            f"({Chem.MolToSmiles(second)}): give it a pose of its own, or a reference of its own series"
        )
    overlays = _overlays(first, second, found.queryMol)
    return Core(smarts=found.smartsString, overlays=overlays)


def _heavy(mol: Chem.Mol) -> Chem.Mol:
    """Without hydrogens, each atom knowing its index."""
    copy = Chem.Mol(mol)
    for atom in copy.GetAtoms():
        atom.SetIntProp("bindfe_index", atom.GetIdx())
    return Chem.RemoveAllHs(copy)


def _overlays(first: Chem.Mol, second: Chem.Mol, query: Chem.Mol) -> tuple[Overlay, ...]:
    ranks = list(Chem.CanonicalRankAtoms(first, breakTies=False))
    onto = second.GetSubstructMatch(query)
    kept: dict[tuple[int, ...], Overlay] = {}
    for match in first.GetSubstructMatches(query, uniquify=False, maxMatches=1000):
        classes = tuple(ranks[i] for i in match)
        if classes not in kept and len(kept) < _MOST_OVERLAYS:
            kept[classes] = tuple((_index(first, i), _index(second, j)) for i, j in zip(match, onto, strict=True))
    return tuple(kept.values())


def _index(mol: Chem.Mol, atom: int) -> int:
    return int(mol.GetAtomWithIdx(atom).GetIntProp("bindfe_index"))
