"""Residues that a periodic box has torn: a frame of a trajectory in which each atom was wrapped by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist

from bindfe.chem.findings import Finding, failed
from bindfe.chem.findings_chain import is_modified
from bindfe.chem.findings_near import heavy_names
from bindfe.chem.protein import AMINO_ACIDS, CAPS, choose_alternates
from bindfe.chem.proteinfile import ProteinStructure, Residue

Floats = NDArray[np.float64]

_BOND_NM, _REACH_NM = 0.3, 0.8
"""Farthest that an atom of a whole residue lies from the rest of it, and of one that may lack atoms [nm]."""

_PEPTIDE_NM = 0.2
"""Longest C-N bond of a peptide [nm]; it has 0.133."""

_APART_NM = 1.0
"""Ends of a bond that are farther apart than this, and meet through the box, were torn by it [nm]."""

_FLAT = 0.05
"""Height of a cell by its edge c below which its angles are none."""

_MOST = 6
"""Residues that a message lists."""


def torn_residues(structure: ProteinStructure, *, drop: Sequence[str] = ()) -> dict[str, tuple[float, str]]:
    """Residues whose atoms, or whose bond to the next one, a wrapped box has parted.

    A residue falls apart if one bond's length does not bring each of its atoms to another; up to 8 A are allowed
    where atoms may be missing between. A peptide bond is torn if its ends meet only through the box.

    Args:
        structure: The file's atoms, and its box if it has one.
        drop: Residues that are left out, by name or label.

    Returns:
        By label: how far the parts lie from each other [nm], and which they are in words.
    """
    atoms = [a for a in choose_alternates(structure.atoms, []) if not a.called & set(drop)]
    residues = [tuple(group) for _, group in groupby(atoms, key=lambda atom: (atom.site, atom.residue))]
    torn = {}
    for residue in residues:
        gap = _gap(np.array([atom.position for atom in residue], dtype=float))
        if gap > (_BOND_NM if _is_whole(residue) else _REACH_NM):
            torn[residue[0].label] = (gap, f"atoms of {residue[0].label}")
    box = _vectors(structure.cell)
    for before, after in pairwise(r for r in residues if r[0].residue in AMINO_ACIDS | CAPS or is_modified(r)):
        ends = [next((a.position for a in r if a.name == n), None) for r, n in ((before, "C"), (after, "N"))]
        if box is None or ends[0] is None or ends[1] is None:
            continue
        step = np.subtract(ends[1], ends[0])
        apart = float(np.linalg.norm(step))
        if apart > _APART_NM and np.linalg.norm(step - np.round(step @ np.linalg.inv(box)) @ box) < _PEPTIDE_NM:
            torn.setdefault(before[0].label, (apart, f"{before[0].label} C and {after[0].label} N"))
            torn.setdefault(after[0].label, (apart, f"{before[0].label} C and {after[0].label} N"))
    return torn


def torn_findings(torn: Mapping[str, tuple[float, str]], cell: Sequence[float]) -> list[Finding]:
    """One failure for all residues of :func:`torn_residues`."""
    if not torn:
        return []
    gap, what = max(torn.values())
    widths = [edge for edge in cell[:3] if abs(edge - gap) < 0.1 * edge]
    box = f", about the width of the box in CRYST1 ({10 * widths[0]:.0f} A)" if widths else ""
    more = " ..." if len(torn) > _MOST else ""
    wrapped = "atoms were wrapped into the periodic box one by one: make molecules whole before the frame is written"
    advice = f"{wrapped} (gmx trjconv -pbc mol, cpptraj autoimage)" if widths or gap > _APART_NM else "correct the file"
    return [
        failed(
            "torn-residues",
            f"{len(torn)} residue{'s are' if len(torn) > 1 else ' is'} torn ({', '.join(list(torn)[:_MOST])}{more}): "
            f"{what} lie {10 * gap:.0f} A apart{box}",
            advice=advice,
        )
    ]


def _gap(x: Floats) -> float:
    """The longest step that joins points (N, 3) [nm] into one, each by the shortest [nm]."""
    if len(x) < 2 or float(np.ptp(x, axis=0).max()) <= _BOND_NM:
        return 0.0
    return float(minimum_spanning_tree(cdist(x, x)).toarray().max())


def _is_whole(residue: Residue) -> bool:
    """Whether an amino acid has all of its heavy atoms."""
    return heavy_names().get(residue[0].residue, frozenset({""})) <= {atom.name for atom in residue}


def _vectors(cell: Sequence[float]) -> Floats | None:
    """Edges of a cell as rows [nm], (3, 3); None without one."""
    if not cell:
        return None
    cos_a, cos_b, cos_c = np.cos(np.radians(cell[3:]))
    sin_c = float(np.sin(np.radians(cell[5])))
    y = (cos_a - cos_b * cos_c) / sin_c
    height = float(np.sqrt(max(0.0, 1.0 - cos_b**2 - y**2)))
    if height < _FLAT:
        return None
    rows: Floats = np.array([[1.0, 0.0, 0.0], [cos_c, sin_c, 0.0], [cos_b, y, height]])
    edges: Floats = np.array(cell[:3], dtype=float)[:, None]
    vectors: Floats = edges * rows
    return vectors
