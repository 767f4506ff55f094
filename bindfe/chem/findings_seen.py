"""Atoms of a protein's file that stand twice, and atoms that nobody saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from bindfe.chem.findings import Finding, failed, warned
from bindfe.chem.findings_near import NEAR_NM
from bindfe.chem.protein import WATER
from bindfe.chem.proteinfile import Residue

_MOST = 6
"""Residues that a message lists."""


def doubled_findings(residues: Sequence[Residue]) -> list[Finding]:
    """Atoms of one name in one residue of one chain, of which the first alone is taken: as a rule a second copy.

    Args:
        residues: Residues of the file that are simulated.
    """
    atoms = [atom for residue in residues for atom in residue]
    counts = Counter((atom.site, atom.residue, atom.name, atom.alternate) for atom in atoms)
    again = [a for a in atoms if counts[a.site, a.residue, a.name, a.alternate] > 1]
    if not again:
        return []
    labels = list(dict.fromkeys(atom.label for atom in again))
    listed = ", ".join(labels[:_MOST]) + (f" and {len(labels) - _MOST} more" if len(labels) > _MOST else "")
    lost = any(atom.element not in ("H", "D") and atom.residue not in WATER for atom in again)
    make = failed if lost else warned
    return [
        make(
            "doubled-atoms",
            f"{len(labels)} residues have atoms that stand twice under one chain, number and name ({listed}): the "
            "first are taken",
            advice="give a second copy a chain id of its own, or delete it; give each atom a name of its own",
        )
    ]


def unseen_findings(residues: Sequence[Residue], near: cKDTree | None) -> list[Finding]:
    """Heavy atoms of occupancy 0 at a ligand: a model for what the density does not show.

    A file that has it everywhere was written by a program that does not know occupancies.

    Args:
        residues: Residues of the file that are simulated.
        near: Heavy atoms of the ligands; None without any.
    """
    heavy = [atom for residue in residues for atom in residue if atom.element not in ("H", "D")]
    unseen = [atom for atom in heavy if atom.occupancy == 0 and not atom.alternate]
    if near is None or not unseen or 2 * len(unseen) > len(heavy):
        return []
    apart = np.atleast_1d(near.query(np.array([atom.position for atom in unseen]))[0])
    found = []
    for label in dict.fromkeys(atom.label for atom, gap in zip(unseen, apart, strict=True) if gap < NEAR_NM):
        own = [(atom.name, gap) for atom, gap in zip(unseen, apart, strict=True) if atom.label == label]
        words = f"{label} has {' '.join(name for name, _ in own)} at occupancy 0"
        nearest = min(gap for _, gap in own)
        found.append(
            warned(
                "unseen-atoms",
                f"{words}, {10 * nearest:.1f} A from a ligand",
                advice="the crystal does not show them and somebody placed them: look at where, or take another "
                "structure",
            )
        )
    return found
