"""Water of the crystal that holds a ligand and is left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bindfe.chem.findings import Finding, warned
from bindfe.chem.findings_overlap import simulated_atoms
from bindfe.chem.findings_water import WATER_CLASH_NM
from bindfe.chem.ligand import Ligand
from bindfe.chem.protein import WATER, choose_alternates
from bindfe.chem.proteinfile import ProteinAtom, ProteinStructure

Floats = NDArray[np.float64]

_BOND_NM = 0.35
"""Farthest that the heavy atoms of a hydrogen bond are apart [nm]."""

_MOST = 3
"""Waters that a message lists."""

_POLAR = frozenset({"N", "O"})


def dropped_water_findings(
    structure: ProteinStructure, ligands: Sequence[Ligand], *, drop: Sequence[str], all_waters: bool
) -> list[Finding]:
    """Waters of the file that are left out and lie within 3.5 A of N or O of both a ligand and the protein.

    A water that lies in one of the ligands (2 A) is left out for a reason, and so is one that is named by its label.

    Args:
        structure: The file's atoms.
        ligands: Ligands in their poses.
        drop: Residues that are left out, by name or label.
        all_waters: Whether all water is left out; else those of names in ``drop``.
    """
    gone = WATER if all_waters else WATER & set(drop)
    chains = {name for name in drop if name.endswith(":")}
    waters = [
        atom
        for atom in choose_alternates(structure.atoms, [])
        if atom.element == "O" and atom.residue in WATER and atom.label not in drop
        if atom.called & (gone | chains)
    ]
    if not waters or not ligands:
        return []
    solid = [atom for atom in simulated_atoms(structure, drop=drop) if atom.element in _POLAR]
    place = np.array([atom.position for atom in solid], dtype=float).reshape(-1, 3)
    told = {}
    for water in waters:
        held = _held(np.array(water.position), ligands)
        apart = np.linalg.norm(place - np.array(water.position), axis=1)
        if held and apart.min(initial=1.0) < _BOND_NM:
            told[water.label] = _words(water, held, solid[int(apart.argmin())], float(apart.min()))
    if not told:
        return []
    setting = "receptor.waters: drop" if all_waters else f"receptor.drop: [{', '.join(sorted(gone | chains))}]"
    many = len(told) > 1
    more = f" and {len(told) - _MOST} more" if len(told) > _MOST else ""
    return [
        warned(
            "dropped-water",
            f"{setting} leaves out {len(told)} water{'s' * many} of the file that bridge{'s' * (not many)} ligand and "
            f"protein: {'; '.join(list(told.values())[:_MOST])}{more}",
            advice="keep water (receptor.waters: keep): the solvent finds a closed site late or never, and a ligand "
            "without its water may leave its pose",
        )
    ]


def _held(oxygen: Floats, ligands: Sequence[Ligand]) -> Mapping[str, tuple[str, float]]:
    """By ligand that the water may bind: the nearest N or O, and its distance [nm]; none where it lies in a ligand."""
    found = {}
    for ligand in ligands:
        apart = np.linalg.norm(ligand.positions - oxygen, axis=1)
        heavy = [i for i, element in enumerate(ligand.elements) if element != "H"]
        if apart[heavy].min(initial=1.0) < WATER_CLASH_NM:
            return {}
        polar = [i for i in heavy if ligand.elements[i] in _POLAR and apart[i] < _BOND_NM]
        if polar:
            nearest = min(polar, key=lambda i: float(apart[i]))
            found[ligand.name] = (f"{ligand.elements[nearest]}{nearest}", float(apart[nearest]))
    return found


def _words(water: ProteinAtom, held: Mapping[str, tuple[str, float]], other: ProteinAtom, apart: float) -> str:
    name, (atom, gap) = min(held.items(), key=lambda item: item[1][1])
    others = f" and {len(held) - 1} other ligand{'s' * (len(held) > 2)}" if len(held) > 1 else ""
    return (
        f"{water.label} between {atom} of {name}{others} ({10 * gap:.1f} A) and {other.label} {other.name} "
        f"({10 * apart:.1f} A)"
    )
