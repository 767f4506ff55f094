"""Residues of a protein that lie in each other: a wrong symmetry copy, or a model that runs through itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from scipy.spatial import cKDTree

from bindfe.chem.findings import Finding, failed, warned
from bindfe.chem.findings_chain import is_modified
from bindfe.chem.protein import AMINO_ACIDS, CAPS, IONS, choose_alternates
from bindfe.chem.proteinfile import ProteinAtom, ProteinStructure

OVERLAP_NM = 0.2
"""Heavy atoms of different residues that no bond joins are never nearer: the shortest hydrogen bonds have 0.24."""

_ION_NM = 0.15
"""The same for metal ions, which bind at 0.18 and more."""

_DISULFIDE_NM = 0.17
"""Two sulfurs that are farther apart than this make a bond, of 0.205."""

_FEW = 5
"""Pairs of atoms that a poor model may have, and that minimisation may part."""

_MOST = 4
"""Pairs of residues that a message lists."""

_BACKBONE = frozenset({"N", "CA", "C", "O", "CH3"})


def overlap_findings(structure: ProteinStructure, *, drop: Sequence[str] = ()) -> tuple[Finding, ...]:
    """Heavy atoms of the protein and its ions that lie in each other and are not bonded.

    Left alone are peptide bonds and disulfides, metals with what holds them, atoms that share one place by
    alternate locations of other names or by occupancies that make 1 together, water, and given cofactors.

    Args:
        structure: The file's atoms.
        drop: Residues that are left out, by name or label.

    Returns:
        One finding for all: a failure for more than 5 pairs of atoms within 2 A.
    """
    atoms = simulated_atoms(structure, drop=drop)
    if len(atoms) < 2:
        return ()
    x = np.array([atom.position for atom in atoms], dtype=float)
    number = np.array(_numbered(atoms))
    pairs = cKDTree(x).query_pairs(OVERLAP_NM, output_type="ndarray")
    pairs = pairs[number[pairs[:, 0]] != number[pairs[:, 1]]]
    names = _alternates(structure)
    met: list[tuple[float, ProteinAtom, ProteinAtom]] = []
    for i, j in pairs.tolist():
        a, b, apart = atoms[i], atoms[j], float(np.linalg.norm(x[i] - x[j]))
        beside = a.chain == b.chain and abs(int(number[i]) - int(number[j])) == 1
        if a.site != b.site and not _allowed(a, b, apart, beside=beside) and not _shared(a, b, names):
            met.append((apart, a, b))
    return _told(sorted(met, key=lambda pair: pair[0]))


def simulated_atoms(structure: ProteinStructure, *, drop: Sequence[str] = ()) -> list[ProteinAtom]:
    """Heavy atoms of the peptides and ions that stay, each in one location."""
    kept = []
    atoms = [a for a in structure.atoms if not a.called & set(drop)]
    for _, group in groupby(choose_alternates(atoms, []), key=lambda atom: (atom.site, atom.residue)):
        residue = tuple(group)
        if residue[0].residue in AMINO_ACIDS | CAPS | IONS or is_modified(residue):
            kept += [atom for atom in residue if atom.element not in ("H", "D")]
    return kept


def _numbered(atoms: Sequence[ProteinAtom]) -> list[int]:
    """Number of each atom's residue, in the file's order, (N,)."""
    numbers, last, here = [], None, -1
    for atom in atoms:
        here += atom.site != last
        last = atom.site
        numbers.append(here)
    return numbers


def _alternates(structure: ProteinStructure) -> dict[tuple[object, ...], str]:
    """The alternate location of each atom that has one, by residue, name and place."""
    return {(a.site, a.residue, a.name, a.position): a.alternate for a in structure.atoms if a.alternate}


def _allowed(a: ProteinAtom, b: ProteinAtom, apart: float, *, beside: bool) -> bool:
    """Whether a bond, or an ion's coordination, brings two atoms so near."""
    if beside and {a.name, b.name} <= _BACKBONE:
        return True
    if a.element == b.element == "S":
        return apart > _DISULFIDE_NM
    return bool({a.residue, b.residue} & IONS) and apart > _ION_NM


def _shared(a: ProteinAtom, b: ProteinAtom, names: dict[tuple[object, ...], str]) -> bool:
    """Whether two atoms are never there together: other alternate locations, or occupancies that make 1."""
    first, second = (names.get((each.site, each.residue, each.name, each.position), "") for each in (a, b))
    if first and second and first != second:
        return True
    return min(a.occupancy, b.occupancy) > 0 and a.occupancy + b.occupancy <= 1


def _told(met: Sequence[tuple[float, ProteinAtom, ProteinAtom]]) -> tuple[Finding, ...]:
    """One finding for pairs of atoms with their distances [nm], the nearest first."""
    if not met:
        return ()
    nearest: dict[tuple[str, str], str] = {}
    for apart, a, b in met:
        words = f"{a.label} {a.name} and {b.label} {b.name} at {10 * apart:.1f} A"
        nearest.setdefault((a.label, b.label), words)
    counts = Counter((a.chain, b.chain) for _, a, b in met)
    (first, second), _ = counts.most_common(1)[0]
    where = f"within chain {first or repr(' ')}" if first == second else f"of chains {first} and {second}"
    more = "" if len(counts) == 1 else " and others"
    words = (
        f"{len(met)} pair{'s' * (len(met) > 1)} of heavy atoms {where}{more} lie in each other, unbonded and within "
        f"2 A ({', '.join(list(nearest.values())[:_MOST])})"
    )
    if len(met) <= _FEW:
        advice = "look at the model there: minimisation parts them as it can; if a bond is meant, none is made"
        return (warned("protein-overlap", words, advice=advice),)
    if first != second:
        advice = "one chain is a copy that no crystal has: make it again by the right operation, or leave it out"
        return (failed("protein-overlap", words, advice=advice),)
    return (
        failed("protein-overlap", words, advice="the model runs through itself, or holds a chain twice: rebuild it"),
    )
