"""Halves of a site that are not in the file: chains that the biological assembly has beside those of a crystal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from bindfe.chem.assembly import Copies, read_assemblies
from bindfe.chem.findings import Finding, warned
from bindfe.chem.findings_overlap import simulated_atoms
from bindfe.chem.ligand import Ligand
from bindfe.chem.proteinfile import ProteinAtom
from bindfe.chem.receptor import Receptor

Floats = NDArray[np.float64]

_NEAR_NM = 0.8
"""Distance of a missing chain from a ligand within which it is a part of the site [nm]."""

_SAME_NM, _SAME_SHARE = 0.15, 0.5
"""A copy is in the file if this share of its atoms lie this near to atoms of the file [nm]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Contact:
    """A copy of a chain that comes near to a ligand."""

    apart: float
    """Distance [nm]."""
    atom: ProteinAtom
    """The copied atom that is nearest."""
    ligand: str
    """Name of the ligand."""
    operation: str
    """Name of the operation in the file."""


def assembly_findings(receptor: Receptor, ligands: Sequence[Ligand], *, drop: Sequence[str] = ()) -> list[Finding]:
    """Chains of the biological assembly that are not in the file and would lie within 8 A of a ligand.

    Each chain is copied as the first assembly says that has it. A copy that lies on atoms of the file is there.

    Args:
        receptor: A protein as read.
        ligands: Ligands in their poses.
        drop: Residues that are left out, by name or label.
    """
    copies = read_assemblies(receptor.pdb)
    if not ligands or not any(len(each.operations) > 1 for each in copies):
        return []
    atoms = simulated_atoms(receptor.structure, drop=drop)
    there = cKDTree(np.array([atom.position for atom in atoms], dtype=float).reshape(-1, 3))
    known = {atom.chain for atom in atoms}
    total, found = 0, list[_Contact]()
    for each in copies:
        mine = [atom for atom in atoms if atom.chain in each.chains]
        chains = len(set(each.chains) & known)
        total += chains * len(each.operations)
        found += _contacts(each, mine, there, ligands) if mine else []
    if not found:
        return []
    nearest = min(found, key=lambda contact: contact.apart)
    near = len({contact.ligand for contact in found})
    others = f" and near {near - 1} more" if near > 1 else ""
    return [
        warned(
            "missing-assembly",
            f"the biological assembly has {total} chains, the file has {len(known)}: {nearest.atom.label} "
            f"{nearest.atom.name} of the copy that operation {nearest.operation} makes would lie "
            f"{10 * nearest.apart:.1f} A from {nearest.ligand}{others}",
            advice="the site has a part that is not in the file: take the deposited assembly, each copy with a chain "
            "id of its own",
        )
    ]


def _contacts(each: Copies, mine: Sequence[ProteinAtom], there: cKDTree, ligands: Sequence[Ligand]) -> list[_Contact]:
    """Ligands that a copy of some chains comes near to, if it is not in the file."""
    x = np.array([atom.position for atom in mine], dtype=float)
    found = []
    for name, turn, shift in each.operations:
        moved = x @ turn.T + shift
        if np.mean(there.query(moved)[0] < _SAME_NM) > _SAME_SHARE:
            continue
        for ligand in ligands:
            heavy = ligand.positions[[element != "H" for element in ligand.elements]]
            apart = np.asarray(cKDTree(heavy).query(moved)[0], dtype=float)
            if apart.min() < _NEAR_NM:
                k = int(apart.argmin())
                found.append(_Contact(apart=float(apart[k]), atom=mine[k], ligand=ligand.name, operation=name))
    return found
