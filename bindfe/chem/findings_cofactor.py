"""Cofactors that are not where the receptor holds them: in another frame, or in its atoms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from bindfe.chem.checks import name_atom
from bindfe.chem.findings import Finding, failed, warned
from bindfe.chem.findings_overlap import simulated_atoms
from bindfe.chem.ligand import Ligand
from bindfe.chem.pose_contact import Clash, Contacts, pocket_of
from bindfe.chem.proteinfile import ProteinStructure

Floats = NDArray[np.float64]

_TOUCH_NM, _AWAY_NM = 0.5, 1.0
"""Distance of heavy atoms beyond which there is no contact, and beyond which not even a water joins them [nm]."""

_REACH_NM = 0.6
"""Atoms of the receptor so near to a cofactor's may clash with it [nm]."""

_INSIDE_PART = 0.3
"""Part of a cofactor's heavy atoms in the receptor's above which it is of another frame, as for ligands."""

_WORST_NM = 0.2
"""Atoms that are not bonded are never so near [nm]."""


def cofactor_findings(
    structure: ProteinStructure,
    cofactors: Sequence[Ligand],
    ligands: Mapping[str, Floats],
    *,
    drop: Sequence[str] = (),
) -> tuple[Finding, ...]:
    """Cofactors that touch nothing, or that lie in the protein or in each other.

    One that lies in a ligand is told of that ligand, whose pocket it belongs to.

    Args:
        structure: The file's atoms.
        cofactors: Molecules of ``receptor.cofactors``.
        ligands: Heavy atoms of each ligand that has a pose [nm], (N, 3), by name; may be empty.
        drop: Residues that are left out, by name or label.
    """
    if not cofactors:
        return ()
    atoms = simulated_atoms(structure, drop=drop)
    symbols, labels = [a.element for a in atoms], [f"{a.label} {a.name}" for a in atoms]
    x = np.array([a.position for a in atoms], dtype=float).reshape(-1, 3)
    found: list[Finding] = []
    for cofactor in cofactors:
        own = cofactor.positions[[i for i, element in enumerate(cofactor.elements) if element != "H"]]
        apart = _apart(own, np.concatenate([x, *ligands.values()]))
        pocket = pocket_of(symbols, x, labels=labels, near=own, reach=_REACH_NM)
        clashes = Contacts(cofactor.mol, pocket).clashes(10.0 * cofactor.positions)
        found += _away(cofactor, apart) if apart > _TOUCH_NM else _inside(cofactor, clashes, len(own))
        symbols += [element for element in cofactor.elements if element != "H"]
        labels += [f"{cofactor.name} {e}{i}" for i, e in enumerate(cofactor.elements) if e != "H"]
        x = np.concatenate([x, own])
    return tuple(found)


def _apart(own: Floats, others: Floats) -> float:
    """Least distance of two sets of atoms [nm]; infinite if one is empty."""
    return float(np.min(cKDTree(others).query(own)[0])) if len(own) and len(others) else float("inf")


def _away(cofactor: Ligand, apart: float) -> list[Finding]:
    words = f"the cofactor {cofactor.name} does not touch the receptor: its nearest atom is {10 * apart:.1f} A away"
    if apart > _AWAY_NM:
        advice = "it is in another frame: superpose the structure that it comes from on the receptor"
        return [failed("cofactor-place", words, advice=advice)]
    return [warned("cofactor-place", words, advice="look at it: it will drift away; leave it out if nothing holds it")]


def _inside(cofactor: Ligand, clashes: Sequence[Clash], heavy: int) -> list[Finding]:
    if not clashes:
        return []
    number = len({clash.ligand_atom for clash in clashes})
    worst = ", ".join(
        f"{name_atom(cofactor.mol.GetAtomWithIdx(c.ligand_atom))} and {c.label} at {10 * c.distance:.1f} A"
        for c in clashes[:3]
    )
    words = f"{number} of {heavy} heavy atoms of the cofactor {cofactor.name} lie in the receptor ({worst})"
    if number > 1 and number > _INSIDE_PART * heavy:
        advice = "it is of another structure or frame: superpose them, or leave out what it replaces (receptor.drop)"
        return [failed("cofactor-place", words, advice=advice)]
    if clashes[0].distance < _WORST_NM:
        advice = "correct its place; a bond to the protein is not supported"
        return [failed("cofactor-place", words, advice=advice)]
    return [warned("cofactor-place", words, advice="look at it; minimisation may put it right")]
