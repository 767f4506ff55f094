"""Backbone that no ribosome makes, and ligands that hold a metal: what a file can have without any atom missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from bindfe.chem.findings import Finding, failed, warned
from bindfe.chem.ligand import Ligand
from bindfe.chem.protein import AMINO_ACIDS, IONS
from bindfe.chem.proteinfile import ProteinStructure

Floats = NDArray[np.float64]

_PEPTIDE_NM = 0.16
"""Longest C-N bond of a peptide [nm]; it has 0.133."""

_CIS_DEG = 40.0
"""Dihedral CA-C-N-CA below which a peptide bond is cis; 3 in 10,000 are, before another residue than proline."""

_HELD_NM = 0.26
"""Distance of N, O or S to a metal ion within which they are bound [nm]."""

METALS = IONS - {"CL", "BR", "IOD", "F"}
"""Names of metal ions."""


def backbone_findings(structure: ProteinStructure, *, drop: Sequence[str] = ()) -> tuple[Finding, ...]:
    """Residues of the wrong hand, and cis peptide bonds that are not before a proline.

    Args:
        structure: The file's atoms.
        drop: Residues that are left out, by name or label.
    """
    residues = [
        (group[0].label, group[0].residue, {a.name: np.array(a.position) for a in reversed(group)})
        for group in (tuple(g) for _, g in groupby(structure.atoms, key=lambda atom: (atom.site, atom.residue)))
        if group[0].residue in AMINO_ACIDS and not group[0].called & set(drop)
    ]
    handed = [(label, _handed(at)) for label, _, at in residues if {"N", "CA", "C", "CB"} <= set(at)]
    wrong = [label for label, volume in handed if volume < 0]
    cis = [
        f"{first}-{second}"
        for (first, _, a), (second, name, b) in pairwise(residues)
        if name != "PRO" and _is_peptide(a, b) and abs(_dihedral(a["CA"], a["C"], b["N"], b["CA"])) < _CIS_DEG
    ]
    found = []
    if wrong:
        some = ", ".join(wrong[:6])
        if 2 * len(wrong) > len(handed):
            words = f"{len(wrong)} of {len(handed)} residues ({some} ...) of the wrong hand (D) at CA"
            advice = "the file is a mirror image: an axis has changed its sign"
            found.append(failed("backbone", words, advice=advice))
        else:
            words = f"{some} of the wrong hand (D) at CA"
            advice = "look at the model: a mirror image, or atoms with swapped names"
            found.append(warned("backbone", words, advice=advice))
    if cis:
        words = f"{', '.join(cis[:6])}: a cis peptide bond that is not before a proline"
        found.append(
            warned("backbone", words, advice="look at the density: mostly it is a misfit, which stays in a run")
        )
    return tuple(found)


def _handed(at: Mapping[str, Floats]) -> float:
    """Signed volume at CA of N, C and CB; positive for the amino acids of proteins."""
    n, c, cb = (at[name] - at["CA"] for name in ("N", "C", "CB"))
    return float(np.dot(n, np.cross(c, cb)))


def _is_peptide(first: Mapping[str, Floats], second: Mapping[str, Floats]) -> bool:
    if not ({"CA", "C"} <= set(first) and {"N", "CA"} <= set(second)):
        return False
    return bool(np.linalg.norm(first["C"] - second["N"]) < _PEPTIDE_NM)


def _dihedral(a: Floats, b: Floats, c: Floats, d: Floats) -> float:
    """Dihedral angle [deg]."""
    u, v, w = b - a, c - b, d - c
    n, m = np.cross(u, v), np.cross(v, w)
    return float(np.degrees(np.arctan2(np.dot(np.cross(n, m), v) / np.linalg.norm(v), np.dot(n, m))))


def metal_findings(
    structure: ProteinStructure, ligands: Sequence[Ligand], *, drop: Sequence[str] = ()
) -> list[Finding]:
    """Ligands that lie with N, O or S at a metal ion of the protein.

    Args:
        structure: The file's atoms.
        ligands: Ligands in their poses.
        drop: Residues that are left out, by name or label.
    """
    metals = [atom for atom in structure.atoms if atom.residue in METALS and not atom.called & set(drop)]
    found = []
    for ligand in ligands:
        for ion in metals:
            apart = np.linalg.norm(ligand.positions - np.array(ion.position), axis=1)
            held = [
                f"{element}{i}"
                for i, (element, distance) in enumerate(zip(ligand.elements, apart, strict=True))
                if element in ("N", "O", "S") and distance < _HELD_NM
            ]
            if held:
                found.append(
                    warned(
                        "ligand-metal",
                        f"{', '.join(held)} lies at {ion.label}, {10 * float(apart.min()):.1f} A away",
                        advice="charges and Lennard-Jones terms alone hold it there: check its charge, and do not "
                        "trust differences between groups that bind the metal",
                        ligand=ligand.name,
                    )
                )
    return found
