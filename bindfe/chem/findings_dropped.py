"""Parts of a site that the settings leave out: the other chain of a dimer, a metal ion, a cofactor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from scipy.spatial import cKDTree

from bindfe.chem.findings import Finding, warned
from bindfe.chem.findings_backbone import METALS
from bindfe.chem.findings_chain import is_modified
from bindfe.chem.ligand import Ligand
from bindfe.chem.protein import AMINO_ACIDS, WATER, choose_alternates
from bindfe.chem.proteinfile import ProteinAtom, ProteinStructure, Residue

_NEAR_NM = 0.5
"""Heavy atoms nearer than this to a ligand's touch it [nm]."""

_IN_NM = 0.2
"""A part that comes nearer than this lies in the ligand: it is what the ligand replaces [nm]."""

_LARGE = 20
"""Heavy atoms of a cofactor; what is smaller is buffer or glycerol as a rule."""

_MOST = 3
"""Parts that a message lists."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """Something left out that touches a ligand."""

    words: str
    """What it is, to a user."""
    apart: float
    """Distance of the nearest heavy atoms [nm]."""
    atom: ProteinAtom
    """That one of the part."""
    ligand: str
    """Name of the ligand."""


def dropped_findings(structure: ProteinStructure, ligands: Sequence[Ligand], *, drop: Sequence[str]) -> list[Finding]:
    """Amino acids, metal ions and cofactors of 20 heavy atoms and more that ``drop`` leaves out within 5 A of a ligand.

    What lies in a ligand (2 A), its whole chain of amino acids included, is the ligand of the crystal and is left out
    for a reason; so is a residue that is named by its label.

    Args:
        structure: The file's atoms.
        ligands: Ligands in their poses.
        drop: Residues and chains that are left out, by name or label.
    """
    gone = [
        atom
        for atom in choose_alternates(structure.atoms, [])
        if atom.called & set(drop) and atom.element not in ("H", "D") and atom.residue not in WATER
        if atom.label not in drop
    ]
    parts = [part for words, atoms in _parts(gone) if (part := _touching(words, atoms, ligands)) is not None]
    if not parts:
        return []
    parts.sort(key=lambda part: part.apart)
    more = f" and {len(parts) - _MOST} more" if len(parts) > _MOST else ""
    told = "; ".join(
        f"{part.words} ({part.atom.label} {part.atom.name}, {10 * part.apart:.1f} A from {part.ligand})"
        for part in parts[:_MOST]
    )
    return [
        warned(
            "dropped-part",
            f"receptor.drop leaves out what touches a ligand: {told}{more}",
            advice="it is a part of the site: keep it, unless the assay's protein lacks it",
        )
    ]


def _parts(gone: Sequence[ProteinAtom]) -> list[tuple[str, list[ProteinAtom]]]:
    """Chains of amino acids, metal ions and large cofactors, each with what it is called."""
    residues: list[Residue] = [tuple(group) for _, group in groupby(gone, key=lambda atom: (atom.site, atom.residue))]
    chains: dict[str, list[ProteinAtom]] = {}
    others: list[tuple[str, list[ProteinAtom]]] = []
    for residue in residues:
        first = residue[0]
        if first.residue in AMINO_ACIDS or is_modified(residue):
            chains.setdefault(first.chain, []).extend(residue)
        elif first.residue in METALS or len(residue) >= _LARGE:
            others.append((first.residue, list(residue)))
    return [(f"amino acids of chain {name or ' '}", atoms) for name, atoms in chains.items()] + others


def _touching(words: str, atoms: Sequence[ProteinAtom], ligands: Sequence[Ligand]) -> _Part | None:
    """The part and the ligand that it comes nearest to; None if it touches none, or lies in one."""
    place = cKDTree(np.array([atom.position for atom in atoms], dtype=float))
    nearest: _Part | None = None
    for ligand in ligands:
        heavy = ligand.positions[[element != "H" for element in ligand.elements]]
        apart, which = (np.asarray(each) for each in place.query(heavy))
        k = int(apart.argmin())
        if apart[k] < _IN_NM:
            return None
        if apart[k] < _NEAR_NM and (nearest is None or apart[k] < nearest.apart):
            nearest = _Part(words=words, apart=float(apart[k]), atom=atoms[int(which[k])], ligand=ligand.name)
    return nearest
