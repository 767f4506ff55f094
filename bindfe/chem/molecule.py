"""What a molecule is to the physics: coordinates, charges, identity."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

CHARGES_FIELD = "atom.dprop.PartialCharge"
"""SDF field in which OpenFF and RDKit write partial charges."""


def positions_nm(mol: Chem.Mol) -> NDArray[np.float64]:
    """Coordinates of the first conformer [nm], (N, 3)."""
    return 0.1 * np.asarray(mol.GetConformer().GetPositions(), dtype=np.float64)


def assign_stereo(mol: Chem.Mol) -> None:
    """Set chiral tags and double-bond stereo from the conformer.

    The coordinates also decide a C=N-H that the file marks as unknown: RDKit writes that mark for every
    amidine that comes from a SMILES.
    """
    for bond in mol.GetBonds():
        ends = (bond.GetBeginAtom(), bond.GetEndAtom())
        if bond.GetStereo() == Chem.BondStereo.STEREOANY and any(map(_is_imine, ends)):
            bond.SetStereo(Chem.BondStereo.STEREONONE)
            bond.SetBondDir(Chem.BondDir.NONE)
    Chem.AssignStereochemistryFrom3D(mol, replaceExistingTags=True)


def _is_imine(atom: Chem.Atom) -> bool:
    """Nitrogen of =N-H."""
    others = [n for n in atom.GetNeighbors() if n.GetAtomicNum() == 1]
    return bool(atom.GetAtomicNum() == 7 and atom.GetDegree() == 2 and len(others) == 1)


def smiles_of(mol: Chem.Mol) -> str:
    """Canonical isomeric SMILES without hydrogens."""
    heavy = Chem.RemoveHs(mol)
    drop_bridgehead_tags(heavy)
    return str(Chem.MolToSmiles(heavy))


def drop_bridgehead_tags(mol: Chem.Mol) -> None:
    """Remove chiral tags of bridgeheads that are no stereocentres.

    From coordinates RDKit tags both ends of bicyclo[2.2.2]octane and all four of adamantane, which have
    one stereoisomer; drawings would show wedges and SMILES would not be those of the literature.
    """
    bridgeheads: Any = []  # filled by RDKit, whose stub types it wrongly
    rdMolDescriptors.CalcNumBridgeheadAtoms(mol, bridgeheads)
    Chem.AssignStereochemistry(mol, cleanIt=False, force=True)
    for index in bridgeheads:
        atom = mol.GetAtomWithIdx(index)
        if not atom.HasProp("_CIPCode"):
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)


def content_of(mol: Chem.Mol) -> bytes:
    """Atoms in order, bonds, charges and coordinates as bytes: equal for equal physics.

    The V3000 block without title, and the file's partial charges if it has any. The same molecule with
    its atoms in another order is other content, as its coordinates belong to other indices.
    """
    copy = Chem.Mol(mol)
    copy.SetProp("_Name", "")
    charges = partial_charges_of(mol)
    tail = "" if charges is None else "\n".join(f"{charge:.6f}" for charge in charges)
    return (str(Chem.MolToV3KMolBlock(copy)) + tail).encode()


def partial_charges_of(mol: Chem.Mol) -> NDArray[np.float64] | None:
    """Partial charges that came with the file [e], (N,), or None.

    MOL2 has them as a column, SDF in the field ``atom.dprop.PartialCharge``.

    Raises:
        ValueError: One is not a number.
    """
    if all(atom.HasProp("_TriposPartialCharge") for atom in mol.GetAtoms()):
        return np.array([float(atom.GetProp("_TriposPartialCharge")) for atom in mol.GetAtoms()])
    if mol.HasProp(CHARGES_FIELD):
        return np.array([float(text) for text in mol.GetProp(CHARGES_FIELD).split()])
    return None
