"""How near a residue is to the ligands, as it is in the file and as it would be with all of its atoms."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping

import numpy as np
from rdkit import Chem
from scipy.spatial import cKDTree

from bindfe.chem.proteinfile import Residue

NEAR_NM = 0.6
"""What is nearer than this to a ligand's heavy atom is at the ligand."""

GAP_NM = 1.0
"""Distance of a broken end, or of atoms that are missing, from a ligand's heavy atom at which they may touch it."""

_BOND_NM, _FIRST_NM = 0.127, 0.02
"""Length that a bond adds to a zigzag of carbons, and what the first adds to that; arginine's NH1 is 0.60 from CB."""

_LETTERS = {
    "ALA": "A", "ARG": "R", "ASN": "N", "ASP": "D", "CYS": "C", "GLN": "Q", "GLU": "E", "GLY": "G", "HIS": "H",
    "ILE": "I", "LEU": "L", "LYS": "K", "MET": "M", "PHE": "F", "PRO": "P", "SER": "S", "THR": "T", "TRP": "W",
    "TYR": "Y", "VAL": "V",
}  # fmt: skip


def distance_to(near: cKDTree | None, residue: Residue) -> float:
    """From a residue's heavy atoms to the nearest ligand [nm]; infinite without ligands."""
    x = np.array([atom.position for atom in residue if atom.element != "H"])
    if near is None or len(x) == 0:
        return float("inf")
    return float(np.min(near.query(x)[0]))


def reach_to(near: cKDTree | None, residue: Residue, name: str, missing: Collection[str]) -> float:
    """The nearest that atoms which are missing may come to a ligand, stretched out towards it [nm].

    Each is at most a zigzag of its bonds away from the nearest atom that is there.

    Args:
        near: Heavy atoms of the ligands; None without any.
        residue: The atoms that are there.
        name: The amino acid that it is, one of :func:`heavy_names`.
        missing: Names of the heavy atoms that it lacks.
    """
    bonds = _bonds_between()[name]
    there = {atom.name: atom.position for atom in residue if atom.name in bonds}
    if near is None or not there:
        return float("inf")
    apart = {anchor: float(near.query(x)[0]) for anchor, x in there.items()}
    return max(0.0, min(_reached(apart, bonds, atom) for atom in missing))


def _reached(apart: Mapping[str, float], bonds: Mapping[str, Mapping[str, int]], atom: str) -> float:
    """Distance of an atom from a ligand at the end of a chain that is stretched towards it [nm]."""
    anchor = min(apart, key=lambda there: bonds[there][atom])
    return apart[anchor] - _FIRST_NM - _BOND_NM * bonds[anchor][atom]


@functools.cache
def heavy_names() -> Mapping[str, frozenset[str]]:
    """Names of the heavy atoms of each amino acid within a chain."""
    return {name: frozenset(bonds) - {"OXT"} for name, bonds in _bonds_between().items()}


@functools.cache
def _bonds_between() -> Mapping[str, Mapping[str, Mapping[str, int]]]:
    """Number of bonds between two atoms of each amino acid, by their names."""
    found = {}
    for name, letter in _LETTERS.items():
        mol = Chem.MolFromSequence(letter)
        names = [atom.GetPDBResidueInfo().GetName().strip() for atom in mol.GetAtoms()]
        bonds = Chem.GetDistanceMatrix(mol)
        found[name] = {a: {b: int(bonds[i, j]) for j, b in enumerate(names)} for i, a in enumerate(names)}
    return found
