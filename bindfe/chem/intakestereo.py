"""Stereochemistry that a drawing or a SMILES leaves open: refused by name, or every isomer made."""

from __future__ import annotations

from typing import Any

from rdkit import Chem
from rdkit.Chem import EnumerateStereoisomers, rdMolDescriptors

from bindfe.chem.checks import name_atom, name_stereo, stereo_elements
from bindfe.chem.intakeembed import embedded_smiles
from bindfe.errors import InputError

MOST_ISOMERS = 16
"""Isomers of one entry that are made at most: four open centres."""

MOST_CANDIDATES = 64
"""Of a cage, from which the possible ones are sought."""


def open_elements(mol: Chem.Mol) -> tuple[str, ...]:
    """Centres and double bonds whose stereochemistry nothing says, or that are marked as mixed, in words."""
    mixed = {
        name_atom(atom)
        for group in mol.GetStereoGroups()
        if group.GetGroupType() != Chem.StereoGroupType.STEREO_ABSOLUTE
        for atom in group.GetAtoms()
    }
    found = [
        name_stereo(mol, element)
        for element in stereo_elements(Chem.Mol(mol))
        if element.specified != Chem.StereoSpecified.Specified and not _is_imine_hydrogen(mol, element)
    ]
    return tuple(dict.fromkeys([*sorted(mixed), *found]))


def is_caged(mol: Chem.Mol) -> bool:
    """Whether a bridgehead is among what looks open: rings may leave it no choice (adamantane, camphor)."""
    bridgeheads: Any = []
    rdMolDescriptors.CalcNumBridgeheadAtoms(mol, bridgeheads)
    return bool(bridgeheads)


def isomers(mol: Chem.Mol, *, place: str) -> tuple[tuple[str, Chem.Mol], ...]:
    """Every stereoisomer that is left open and can be built, with its labels (``RS``, ``E``) in the atoms' order.

    Bicycles have bridgeheads that look like stereocentres and are not, or not each on its own: an isomer
    counts if it has a 3D structure, and isomers count once if their structures are alike.

    Raises:
        InputError: There are more than :data:`MOST_ISOMERS`.
    """
    plain = _without_mixtures(mol)
    caged = is_caged(plain)
    enumeration: Any = EnumerateStereoisomers  # without types
    options = enumeration.StereoEnumerationOptions(onlyUnassigned=True, unique=True, maxIsomers=0)
    count = enumeration.GetStereoisomerCount(plain, options)
    if count > (MOST_CANDIDATES if caged else MOST_ISOMERS):
        raise InputError(
            f"{place}: {', '.join(open_elements(mol))} leave {count} stereoisomers open, and {MOST_ISOMERS} are made "
            "at most; say which one it is"
        )
    found = [Chem.Mol(isomer) for isomer in enumeration.EnumerateStereoisomers(plain, options)]
    if caged:
        found = _possible(found)
    labels = [_labels(plain, isomer) for isomer in found]
    alike = len(set(labels)) < len(labels) or "" in labels
    return tuple(
        (str(number) if alike else label, isomer)
        for number, (label, isomer) in enumerate(zip(labels, found, strict=True), start=1)
    )


def _without_mixtures(mol: Chem.Mol) -> Chem.Mol:
    """Centres that are marked as racemic or unknown, unmarked and open."""
    if not mol.GetStereoGroups():
        return mol
    centres = [
        atom.GetIdx()
        for group in mol.GetStereoGroups()
        if group.GetGroupType() != Chem.StereoGroupType.STEREO_ABSOLUTE
        for atom in group.GetAtoms()
    ]
    editable = Chem.RWMol(mol)
    editable.SetStereoGroups([])
    for index in centres:
        editable.GetAtomWithIdx(index).SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    return editable.GetMol()


def _possible(candidates: list[Chem.Mol]) -> list[Chem.Mol]:
    """Those of which a 3D structure exists, one of each kind by its structure."""
    kinds: dict[str, Chem.Mol] = {}
    for isomer in candidates:
        kind = embedded_smiles(isomer)
        if kind:
            kinds.setdefault(kind, isomer)
    return list(kinds.values())


def _labels(before: Chem.Mol, isomer: Chem.Mol) -> str:
    """CIP labels of what was open."""
    Chem.AssignStereochemistry(isomer, cleanIt=True, force=True)
    atoms = [
        atom.GetProp("_CIPCode")
        for atom in isomer.GetAtoms()
        if atom.HasProp("_CIPCode")
        and before.GetAtomWithIdx(atom.GetIdx()).GetChiralTag() == Chem.ChiralType.CHI_UNSPECIFIED
    ]
    bonds = [
        str(bond.GetStereo()).removeprefix("STEREO")
        for bond in isomer.GetBonds()
        if bond.GetStereo() in {Chem.BondStereo.STEREOE, Chem.BondStereo.STEREOZ}
        and before.GetBondWithIdx(bond.GetIdx()).GetStereo() in {Chem.BondStereo.STEREONONE, Chem.BondStereo.STEREOANY}
    ]
    return "".join([*atoms, *bonds])


def _is_imine_hydrogen(mol: Chem.Mol, element: Chem.StereoInfo) -> bool:
    """Whether it is C=N-H, whose hydrogen finds its side in a moment."""
    if element.type == Chem.StereoType.Atom_Tetrahedral:
        return False
    bond = mol.GetBondWithIdx(element.centeredOn)
    return any(
        atom.GetAtomicNum() == 7 and sum(other.GetAtomicNum() != 1 for other in atom.GetNeighbors()) == 1
        for atom in (bond.GetBeginAtom(), bond.GetEndAtom())
    )
