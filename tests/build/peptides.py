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


def helix(sequence: str) -> str:
    """Backbone and CB of an ideal alpha helix along z with its middle at 0, capped, as PDB text.

    Each atom is laid by its bond, angle and dihedral; phi -57 and psi -47 deg, Pauling's helix.
    """
    rows = [("ACE", "CH3", np.zeros(3)), ("ACE", "C", np.array([1.5, 0.0, 0.0]))]
    a, b, c = rows[0][2], rows[1][2], np.array([2.1, -1.19, 0.0])
    rows.append(("ACE", "O", np.array([2.1, 1.07, 0.0])))
    numbers = [0, 0, 0]
    for number, letter in enumerate(sequence, start=1):
        name = _THREE[letter]
        alpha = _laid(a, b, c, bond=1.458, angle=121.7, turn=180.0)
        carbonyl = _laid(b, c, alpha, bond=1.525, angle=111.0, turn=-57.0)
        following = _laid(c, alpha, carbonyl, bond=1.335, angle=116.2, turn=-47.0)
        oxygen = _laid(c, alpha, carbonyl, bond=1.231, angle=120.5, turn=133.0)
        own = [("N", c), ("CA", alpha), ("C", carbonyl), ("O", oxygen)]
        if letter != "G":
            own.append(("CB", _laid(carbonyl, c, alpha, bond=1.53, angle=110.4, turn=-122.5)))
        rows += [(name, atom, x) for atom, x in own]
        numbers += [number] * len(own)
        a, b, c = alpha, carbonyl, following
    rows += [("NME", "N", c), ("NME", "C", _laid(a, b, c, bond=1.45, angle=121.7, turn=180.0))]
    numbers += [len(sequence) + 1] * 2
    return _pdb([row[:2] for row in rows], numbers, _along_z(np.array([row[2] for row in rows])))


_THREE = {"A": "ALA", "E": "GLU", "G": "GLY", "K": "LYS", "L": "LEU", "W": "TRP"}


def _laid(a: np.ndarray, b: np.ndarray, c: np.ndarray, *, bond: float, angle: float, turn: float) -> np.ndarray:
    """The atom bonded to c, at an angle to b and a dihedral to a [A, deg]."""
    angle, turn = np.radians(angle), np.radians(turn)
    along = (c - b) / np.linalg.norm(c - b)
    normal = np.cross(b - a, along) / np.linalg.norm(np.cross(b - a, along))
    across = np.cross(normal, along)
    return c + bond * (
        -np.cos(angle) * along + np.sin(angle) * np.cos(turn) * across + np.sin(angle) * np.sin(turn) * normal
    )


def _along_z(xyz: np.ndarray) -> np.ndarray:
    """Turned so that the longest direction is z, without mirroring."""
    centred = xyz - xyz.mean(axis=0)
    axes = np.linalg.svd(centred)[2][[1, 2, 0]]
    axes[0] *= np.sign(np.linalg.det(axes))
    return centred @ axes.T


def _pdb(names: list[tuple[str, str]], numbers: list[int], xyz: np.ndarray) -> str:
    lines = [
        f"ATOM  {i:5d}  {atom:<3s} {name:3s} A{number:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           {atom[0]}"
        for i, ((name, atom), number, (x, y, z)) in enumerate(zip(names, numbers, xyz, strict=True), start=1)
    ]
    return "\n".join([*lines, "TER", "END", ""])


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
