"""One molecule's chemistry on another's coordinates: bond orders from a SMILES, hydrogens for a charge state.

Heavy atoms are matched by element and neighbours alone, so that wrong bond orders, charges and hydrogens do
not stand in the way; no atom of the file is moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem.MolStandardize import rdMolStandardize
from rdkit.Geometry import Point3D

from bindfe.chem.checks import name_atom
from bindfe.chem.molecule import CHARGES_FIELD, assign_stereo
from bindfe.errors import InputError

Agreement = Literal["same", "stereo", "charge", "tautomer", "bonds", "other"]
"""How a structure and its SMILES differ, the least first; ``other``: not even the same atoms and neighbours."""

_MOST_MATCHES = 2000


def without_hydrogens(mol: Chem.Mol) -> Chem.Mol:
    """The heavy atoms in their order, hydrogens as counts, also that of C=N-H. H2 stays as it is."""
    parameters: Any = Chem.RemoveHsParameters()  # RDKit's stubs have its fields wrong
    parameters.removeDefiningBondStereo = True
    with rdBase.BlockLogs():
        return Chem.RemoveHs(mol, parameters)


def skeleton(mol: Chem.Mol) -> Chem.Mol:
    """Elements and neighbours of the heavy atoms: no bond orders, charges, hydrogens or stereo."""
    bare = Chem.RWMol()
    heavy = [atom for atom in mol.GetAtoms() if atom.GetAtomicNum() != 1]
    index = {atom.GetIdx(): bare.AddAtom(Chem.Atom(atom.GetAtomicNum())) for atom in heavy}
    for bond in mol.GetBonds():
        ends = (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
        if all(end in index for end in ends):
            bare.AddBond(index[ends[0]], index[ends[1]], Chem.BondType.SINGLE)
    for atom in bare.GetAtoms():
        atom.SetNoImplicit(True)
    plain = bare.GetMol()
    plain.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(plain)
    return plain


def match_heavy(template: Chem.Mol, mol: Chem.Mol) -> tuple[int, ...] | None:
    """Heavy atom of ``mol`` for each heavy atom of ``template``, with the fewest differences; None if there is none.

    Both without hydrogens. Of all ways that fit elements and neighbours, the one with the fewest atoms whose
    charge or hydrogens differ and the fewest bonds whose order does: so a carboxylate keeps its own oxygen.
    """
    if template.GetNumAtoms() != mol.GetNumAtoms() or template.GetNumBonds() != mol.GetNumBonds():
        return None
    ways: Sequence[tuple[int, ...]] = skeleton(mol).GetSubstructMatches(
        skeleton(template), uniquify=False, maxMatches=_MOST_MATCHES
    )
    return min(ways, key=lambda way: _differences(template, mol, way), default=None)


def _differences(template: Chem.Mol, mol: Chem.Mol, way: tuple[int, ...]) -> int:
    atoms = sum(_state(atom) != _state(mol.GetAtomWithIdx(way[atom.GetIdx()])) for atom in template.GetAtoms())
    bonds = 0
    for bond in template.GetBonds():
        other = mol.GetBondBetweenAtoms(way[bond.GetBeginAtomIdx()], way[bond.GetEndAtomIdx()])
        bonds += other.GetBondType() != bond.GetBondType()
    return atoms + bonds


def _state(atom: Chem.Atom) -> tuple[int, int]:
    return atom.GetFormalCharge(), atom.GetTotalNumHs()


def agreement(mol: Chem.Mol, reference: Chem.Mol) -> Agreement:
    """How far a structure is the molecule that its SMILES says. What a SMILES leaves open is no difference."""
    heavy = without_hydrogens(mol)
    if _plain(heavy) == _plain(reference):
        return "same" if heavy.HasSubstructMatch(reference, useChirality=True) else "stereo"
    if skeleton(heavy).GetNumAtoms() != skeleton(reference).GetNumAtoms() or match_heavy(reference, heavy) is None:
        return "other"
    with rdBase.BlockLogs():
        neutral = [
            _plain(rdMolStandardize.Uncharger(canonicalOrder=True).uncharge(part)) for part in (heavy, reference)
        ]
    if neutral[0] == neutral[1]:
        return "charge"
    return "tautomer" if _hydrogens(heavy) == _hydrogens(reference) else "bonds"


def _plain(mol: Chem.Mol) -> str:
    return str(Chem.MolToSmiles(mol, isomericSmiles=False))


def _hydrogens(mol: Chem.Mol) -> int:
    return sum(atom.GetTotalNumHs() for atom in mol.GetAtoms())


def inverted_centres(mol: Chem.Mol, reference: Chem.Mol) -> str:
    """Where a structure and its SMILES are mirror images, in words: ``C4 is R and S in the SMILES``."""
    heavy, reference = Chem.Mol(without_hydrogens(mol)), Chem.Mol(reference)
    ways = heavy.GetSubstructMatches(reference, uniquify=False, useChirality=False, maxMatches=200)
    for part in (heavy, reference):
        Chem.AssignStereochemistry(part, cleanIt=True, force=True)
    told = sorted((_told(heavy, reference, way) for way in ways), key=len)
    return ", ".join(next((words for words in told if words), ["a centre"]))


def _told(mol: Chem.Mol, reference: Chem.Mol, way: tuple[int, ...]) -> list[str]:
    words = []
    for atom in reference.GetAtoms():
        other = mol.GetAtomWithIdx(way[atom.GetIdx()])
        labels = [part.GetProp("_CIPCode") if part.HasProp("_CIPCode") else "" for part in (other, atom)]
        if labels[1] and labels[0] != labels[1]:
            words.append(f"{name_atom(other)} is {labels[0] or 'no centre'} and {labels[1]} in the SMILES")
    for bond in reference.GetBonds():
        ends = (way[bond.GetBeginAtomIdx()], way[bond.GetEndAtomIdx()])
        other = mol.GetBondBetweenAtoms(*ends)
        marks = [str(part.GetStereo()).removeprefix("STEREO") for part in (other, bond)]
        if marks[1] in {"E", "Z", "CIS", "TRANS"} and marks[0] != marks[1]:
            names = "=".join(name_atom(mol.GetAtomWithIdx(end)) for end in ends)
            words.append(f"{names} is {marks[0]} and {marks[1]} in the SMILES")
    return words


def dress(template: Chem.Mol, mol: Chem.Mol, *, place: str) -> Chem.Mol:
    """The template's bonds, charges and hydrogens on the heavy atoms of a structure, where they are.

    Hydrogens that the structure has are kept where the template has them, too; others are left out, and
    missing ones are added with ideal bond lengths and angles.

    Args:
        template: From SMILES, hydrogens as counts.
        mol: One 3D structure; its bond orders, charges and hydrogens may be wrong.
        place: How an error names it.

    Returns:
        Heavy atoms in the order of ``mol``, then hydrogens; its properties, without partial charges.

    Raises:
        InputError: The heavy atoms or their neighbours are not those of the template.
    """
    x = np.asarray(mol.GetConformer().GetPositions())
    heavy = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() != 1]
    way = match_heavy(template, _bare(mol))
    if way is None:
        raise InputError(f"{place}: {_disagreement(template, mol)}; give the SMILES of this molecule")
    new = Chem.RWMol(Chem.RenumberAtoms(template, [int(k) for k in np.argsort(way)]))
    kept = _add_hydrogens_of(mol, new, heavy)
    conformer = Chem.Conformer(new.GetNumAtoms())
    conformer.Set3D(True)
    for row, source in enumerate([*heavy, *kept]):
        conformer.SetAtomPosition(row, Point3D(*map(float, x[source])))
    new.RemoveAllConformers()
    new.AddConformer(conformer, assignId=True)
    Chem.SanitizeMol(new)
    dressed = Chem.AddHs(new.GetMol(), addCoords=True)
    assign_stereo(dressed)
    for name in mol.GetPropNames(includePrivate=True, includeComputed=False):
        if name not in {CHARGES_FIELD, "_StereochemDone"}:
            dressed.SetProp(str(name), str(mol.GetProp(name)))
    return dressed


def _bare(mol: Chem.Mol) -> Chem.Mol:
    """Heavy atoms in their order with charges and counts of hydrogens; bonds as the structure has them."""
    bare = Chem.RWMol(mol)
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() != 1:
            count = sum(other.GetAtomicNum() == 1 for other in atom.GetNeighbors())
            bare.GetAtomWithIdx(atom.GetIdx()).SetNumExplicitHs(count)
            bare.GetAtomWithIdx(atom.GetIdx()).SetNoImplicit(True)
    for atom in reversed([atom for atom in mol.GetAtoms() if atom.GetAtomicNum() == 1]):
        bare.RemoveAtom(atom.GetIdx())
    plain = bare.GetMol()
    plain.UpdatePropertyCache(strict=False)
    return plain


def _add_hydrogens_of(mol: Chem.Mol, new: Chem.RWMol, heavy: Sequence[int]) -> list[int]:
    """Add to ``new`` those hydrogens of the structure that it has, too; their indices in the structure."""
    kept = []
    for row, index in enumerate(heavy):
        atom = new.GetAtomWithIdx(row)
        present = [other.GetIdx() for other in mol.GetAtomWithIdx(index).GetNeighbors() if other.GetAtomicNum() == 1]
        explicit, room = atom.GetNumExplicitHs(), atom.GetTotalNumHs()
        for hydrogen in present[:room]:
            new.AddBond(row, new.AddAtom(Chem.Atom(1)), Chem.BondType.SINGLE)
            kept.append(hydrogen)
        atom.SetNumExplicitHs(max(explicit - len(present[:room]), 0))
    return kept


def _disagreement(template: Chem.Mol, mol: Chem.Mol) -> str:
    """Why a template does not fit, in words."""
    counts = [_elements(part) for part in (mol, template)]
    if counts[0] != counts[1]:
        return f"has the heavy atoms {counts[0]}, and its SMILES {counts[1]}"
    return f"its atoms ({counts[0]}) are bonded to others than in its SMILES"


def _elements(mol: Chem.Mol) -> str:
    symbols = [atom.GetSymbol() for atom in mol.GetAtoms() if atom.GetAtomicNum() != 1]
    return " ".join(f"{symbol}{symbols.count(symbol)}" for symbol in sorted(set(symbols)))
