"""Peptides as PDB text from their sequence, and small ligands beside them, by RDKit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from rdkit import Chem
from rdkit.Chem import AllChem


def peptide(sequence: str, *, disulfide: bool = False, seed: int = 7) -> str:
    """Heavy atoms of a peptide in one embedded conformation; its two cysteines joined if asked for."""
    mol = Chem.MolFromSequence(sequence)
    if disulfide:
        sulfurs = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetSymbol() == "S"]
        editable = Chem.RWMol(mol)
        editable.AddBond(sulfurs[0], sulfurs[1], Chem.BondType.SINGLE)
        mol = editable.GetMol()
        Chem.SanitizeMol(mol)
    mol = Chem.AddHs(mol, addResidueInfo=True)
    assert AllChem.EmbedMolecule(mol, randomSeed=seed) == 0
    AllChem.MMFFOptimizeMolecule(mol, maxIters=300)
    return Chem.MolToPDBBlock(Chem.RemoveHs(mol), flavor=2)


def write_ligand(path: Path, smiles: str, *, at: np.ndarray, name: str = "ligand") -> Path:
    """A molecule with its centroid at a point [A]."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert AllChem.EmbedMolecule(mol, randomSeed=3) == 0
    conformer = mol.GetConformer()
    xyz = conformer.GetPositions()
    for index, point in enumerate(xyz - xyz.mean(axis=0) + at):
        conformer.SetAtomPosition(index, point.tolist())
    mol.SetProp("_Name", name)
    with Chem.SDWriter(str(path)) as writer:
        writer.write(mol)
    return path


def coordinates(pdb: str) -> np.ndarray:
    """Coordinates of all atoms of PDB text [A], (N, 3)."""
    rows = [line for line in pdb.splitlines() if line.startswith(("ATOM", "HETATM"))]
    return np.array([[float(row[start : start + 8]) for start in (30, 38, 46)] for row in rows])


def outside(pdb: str, *, gap: float = 4.0) -> np.ndarray:
    """A point [A] beside the middle of a peptide, this far from its nearest atom."""
    xyz = coordinates(pdb)
    for distance in np.arange(0.0, 40.0, 0.25):
        for direction in np.vstack([np.eye(3), -np.eye(3)]):
            point = xyz[len(xyz) // 2] + distance * direction
            if np.linalg.norm(xyz - point, axis=1).min() > gap:
                return point
    raise AssertionError("there is always a place outside")
