"""Crystal water where there is no room for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from bindfe.chem.findings import Finding, failed
from bindfe.chem.protein import IONS, WATER
from bindfe.chem.proteinfile import Residue

Floats = NDArray[np.float64]

WATER_CLASH_NM = 0.2
"""No oxygen of water is nearer to another heavy atom; hydrogen bonds have 0.25 and more, metals 0.2."""

_MOST = 6
"""Waters that a message lists."""

_MOST_LIGANDS = 3
"""Ligands that it names for each."""


def water_findings(residues: Sequence[Residue], ligands: Mapping[str, Floats]) -> list[Finding]:
    """Water within :data:`WATER_CLASH_NM` of a ligand, which is named, or of the protein.

    Args:
        residues: Residues of the file that are simulated.
        ligands: Heavy atoms of each ligand that has a pose [nm], (N, 3), by name.
    """
    waters = (residue for residue in residues if residue[0].residue in WATER)
    oxygens = {r[0].label: next((a.position for a in r if a.element == "O"), None) for r in waters}
    oxygens = {label: position for label, position in oxygens.items() if position is not None}
    if not oxygens:
        return []
    labels, x = list(oxygens), np.array(list(oxygens.values()))
    solid = np.array(
        [a.position for r in residues if r[0].residue not in WATER | IONS for a in r if a.element not in ("H", "D")]
    ).reshape(-1, 3)
    apart = {name: dict(zip(labels, _nearest(x, heavy), strict=True)) for name, heavy in ligands.items()}
    met = {label: [name for name in apart if apart[name][label] < WATER_CLASH_NM] for label in labels}
    in_ligands = [
        f"{label} at {10 * min(apart[name][label] for name in names):.1f} A ({_some(names)})"
        for label, names in met.items()
        if names
    ]
    in_protein = [
        f"{label} at {10 * gap:.1f} A"
        for label, gap in zip(labels, _nearest(x, solid), strict=True)
        if gap < WATER_CLASH_NM
    ]
    whose = {name for names in met.values() for name in names}
    alone = "" if whose == set(ligands) else f", or calculate {_some(sorted(whose))} with a receptor of their own"
    return [
        *_told(in_ligands, "a ligand", f"delete them, or leave all water out (receptor.waters: drop){alone}"),
        *_told(in_protein, "the protein", "delete them, or leave all water out (receptor.waters: drop)"),
    ]


def _nearest(x: Floats, others: Floats) -> Floats:
    """Distance of each point from the nearest of others [nm], (N,); infinite without any."""
    if not len(others):
        return np.full(len(x), np.inf)
    return np.asarray(cKDTree(others).query(x)[0], dtype=float)


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_LIGANDS
    return ", ".join(names[:_MOST_LIGANDS]) + (f" and {more} more" if more > 0 else "")


def _told(clashes: Sequence[str], what: str, advice: str) -> list[Finding]:
    if not clashes:
        return []
    words = f"{len(clashes)} crystal water{'s' * (len(clashes) > 1)} in {what}: {', '.join(clashes[:_MOST])}"
    return [failed("water-clash", words, advice=advice)]
