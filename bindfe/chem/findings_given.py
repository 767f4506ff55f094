"""States of protonation that a protein's file brings with its hydrogens, beside those of its pKa."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from bindfe.chem.findings import Finding, warned
from bindfe.chem.findings_backbone import METALS
from bindfe.chem.findings_near import GAP_NM, distance_to
from bindfe.chem.ligand import Ligand
from bindfe.chem.proteinfile import ProteinAtom, ProteinStructure, Residue, Site
from bindfe.chem.proteinstates import ResiduePka

Floats = NDArray[np.float64]

_CLEAR = 1.0
"""pKa this far from the pH: one state is populated by more than 90 %, if the pKa is right."""

_RARE = 0.5
"""The same for a state that water at pH 7 does not show (ASH, GLH, HIP, LYN, CYM): it needs a pKa that says so."""

_SURE = 2.0
"""The same for residues far from the ligands, of which only what is beyond doubt is told."""

_TITRATED = {
    "ASP": (("OD1", "OD2"), 1),
    "GLU": (("OE1", "OE2"), 1),
    "HIS": (("ND1", "NE2"), 2),
    "LYS": (("NZ",), 3),
    "CYS": (("SG",), 1),
}
"""Atoms that carry the proton, and how many protons they have in the protonated state."""

_STATES = {
    "ASP": ("ASP", "ASH"),
    "GLU": ("GLU", "GLH"),
    "HIS": ("HIE", "HIP"),
    "LYS": ("LYN", "LYS"),
    "CYS": ("CYM", "CYS"),
}
"""The deprotonated and the protonated state; of histidine's two neutral ones the more frequent."""

_RARE_STATES = frozenset({"ASH", "GLH", "HIP", "LYN", "CYM"})

_ACIDS = frozenset({"ASP", "GLU", "CYS"})

_BOND_NM = 0.15
"""Longest bond to hydrogen, of sulfur, with room [nm]."""

_HELD_NM = 0.30
"""Distance of a metal ion within which it decides on an atom's proton [nm]."""

_MOST = 6
"""Residues that one message lists."""


def given_state_findings(
    structure: ProteinStructure,
    pkas: Sequence[ResiduePka],
    ligands: Sequence[Ligand],
    *,
    ph: float,
    by_hand: Collection[Site] = (),
) -> list[Finding]:
    """Residues whose given state is not the one that their pKa has at the pH.

    Within 10 A of a ligand a residue is told if its pKa is more than 1 from the pH, or more than 0.5 if its state is
    one that a free residue does not have at pH 7; farther away if it is more than 2, all of those in one finding.
    What holds a metal ion, and disulfides, are left alone.

    Args:
        structure: The completed protein with its hydrogens.
        pkas: What propka says of it, without the ligands.
        ligands: Ligands in their poses.
        ph: pH of the measurement.
        by_hand: Residues whose state the protocol gives: they are meant.
    """
    heavy = [ligand.positions[[element != "H" for element in ligand.elements]] for ligand in ligands]
    near = cKDTree(np.concatenate(heavy)) if heavy else None
    residues = {r[0].site: r for r in map(tuple, _grouped(structure))}
    metals = np.array([a.position for a in structure.atoms if a.residue in METALS], dtype=float).reshape(-1, 3)
    found, far = list[Finding](), list[str]()
    for each in pkas:
        residue = residues.get(each.site, ())
        protonated = None if each.site in by_hand else _is_protonated(each.residue, residue, metals)
        if protonated is None or protonated == (each.pka > ph):
            continue
        apart = distance_to(near, residue)
        rare = _STATES[each.residue][protonated] in _RARE_STATES
        if apart < GAP_NM and abs(each.pka - ph) >= (_RARE if rare else _CLEAR):
            found.append(_told(each, protonated=protonated, apart=apart, ph=ph))
        elif apart >= GAP_NM and abs(each.pka - ph) >= _SURE:
            far.append(f"{each.label} {_STATES[each.residue][protonated]}, pKa {each.pka:.1f}")
    return [*found, *_far(far, ph=ph)]


def _grouped(structure: ProteinStructure) -> list[list[ProteinAtom]]:
    groups: dict[Site, list[ProteinAtom]] = {}
    for atom in structure.atoms:
        groups.setdefault(atom.site, []).append(atom)
    return list(groups.values())


def _is_protonated(name: str, residue: Residue, metals: Floats) -> bool | None:
    """Whether a residue has the proton that its pKa is about; None for what is not titrated, or holds a metal."""
    donors, number = _TITRATED.get(name, ((), 0))
    places = np.array([atom.position for atom in residue if atom.name in donors], dtype=float).reshape(-1, 3)
    hydrogens = np.array([atom.position for atom in residue if atom.element == "H"], dtype=float).reshape(-1, 3)
    if not len(places) or not len(hydrogens) or cdist(places, metals).min(initial=np.inf) < _HELD_NM:
        return None
    return int(np.sum(cdist(places, hydrogens) < _BOND_NM)) >= number


def _told(each: ResiduePka, *, protonated: bool, apart: float, ph: float) -> Finding:
    given, other = ("protonated", "deprotonated") if protonated else ("deprotonated", "protonated")
    charged = protonated == (each.residue in _ACIDS)
    state = _STATES[each.residue][not protonated] + (" or HID" if each.residue == "HIS" and protonated else "")
    return warned(
        "given-state",
        f"{each.label}, {10 * apart:.1f} A from a ligand, is {given} by its hydrogens in the file "
        f"({_STATES[each.residue][protonated]}), and propka says pKa {each.pka:.1f}: at pH {ph:g} it is "
        f"{'mostly ' * (abs(each.pka - ph) < _CLEAR)}{other} and {'charged' if charged else 'neutral'}",
        advice=f"unless the ligand or a neighbour holds it so: receptor.states: ['{each.label}=...'] with {state}",
    )


def _far(labels: Sequence[str], *, ph: float) -> list[Finding]:
    if not labels:
        return []
    some = ", ".join(labels[:_MOST]) + (f" and {len(labels) - _MOST} more" if len(labels) > _MOST else "")
    return [
        warned(
            "given-state",
            f"far from the ligands {len(labels)} have the hydrogens of a state that their pKa excludes at pH {ph:g} "
            f"({some})",
            advice="was the file prepared at another pH? receptor.protonation: propka makes the states anew",
        )
    ]
