"""Whether a protein lies in a membrane as it should: apolar residues in the slab, its normal along z."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from bindfe.chem.findings import Finding, failed, passed, warned
from bindfe.chem.protein import AMINO_ACIDS
from bindfe.chem.proteinfile import ProteinStructure
from bindfe.results import Floats

CHECK = "membrane-orientation"

_HALF_NM = 1.5
"""Half the thickness of the hydrocarbon core of a bilayer [nm]: 1.4 to 1.6 for the usual lipids."""

_POLAR = 0.1
"""Mean cost of a residue in the core [kcal/mol] above which a protein is too polar for a membrane as it lies.

Bacteriorhodopsin's seven helices have -0.25; the most apolar slabs of six soluble proteins 0.15 to 0.8."""

_BETTER = 5.0
"""What another slab must be better by in all [kcal/mol] to be told."""

_NEAR_NM = 0.4
"""Slabs with middles this near are the same: OPM's own thickness is known to 2 A or so [nm]."""

_STEP_NM = 0.1

_OCTANOL = {
    **{"ALA": 0.50, "ARG": 1.81, "ASN": 0.85, "ASP": 3.64, "CYS": -0.02, "GLN": 0.77, "GLU": 3.63, "GLY": 1.15},
    **{"HIS": 0.11, "ILE": -1.12, "LEU": -1.25, "LYS": 2.80, "MET": -0.67, "PHE": -1.71, "PRO": 0.14, "SER": 0.46},
    **{"THR": 0.25, "TRP": -2.09, "TYR": -0.71, "VAL": -0.46},
}
"""Free energy of a residue of a peptide from water into octanol [kcal/mol]; histidine neutral.

Source: Wimley, Creamer and White, Biochemistry 35, 5109 (1996), doi:10.1021/bi9600153."""

_SAME_AS = {
    "HID": "HIS",
    "HIE": "HIS",
    "HIP": "HIS",
    "CYX": "CYS",
    "CYM": "CYS",
    "ASH": "ASP",
    "GLH": "GLU",
    "LYN": "LYS",
}
_AXES = ("x", "y", "z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Slab:
    """A layer of a protein as thick as the core of a membrane."""

    axis: int
    """Its normal: 0, 1 or 2 for x, y or z."""
    centre: float
    """Where its middle is along that [nm]."""
    residues: int
    """Residues in it."""
    cost: float
    """Their free energies from water into octanol in all [kcal/mol]; negative where apolar."""


def slab_of(places: Floats, costs: Floats, *, axis: int, centre: float) -> Slab:
    """The slab at a place.

    Args:
        places: Alpha carbon of each residue [nm], (R, 3).
        costs: Each residue's free energy from water into octanol [kcal/mol], (R,).
        axis: Its normal.
        centre: Its middle [nm].
    """
    inside = np.abs(places[:, axis] - centre) < _HALF_NM
    return Slab(axis=axis, centre=centre, residues=int(inside.sum()), cost=float(costs[inside].sum()))


def best_slab(places: Floats, costs: Floats) -> Slab:
    """The slab whose residues are the most apolar in all, along z or an axis that sticks out of it.

    The arguments are those of :func:`slab_of`.
    """
    axes = [axis for axis in (0, 1) if np.ptp(places[:, axis]) > 2 * _HALF_NM]
    return min(
        (
            slab_of(places, costs, axis=axis, centre=float(centre))
            for axis in (2, *axes)
            for centre in np.arange(places[:, axis].min(), places[:, axis].max() + _STEP_NM, _STEP_NM)
        ),
        key=lambda slab: slab.cost,
    )


def residue_costs(structure: ProteinStructure, *, drop: Sequence[str] = ()) -> tuple[Floats, Floats]:
    """Alpha carbons [nm], (R, 3), and free energies from water into octanol [kcal/mol], (R,), of amino acids."""
    places, costs = [], []
    for _, group in groupby(structure.atoms, key=lambda atom: (atom.site, atom.residue)):
        atoms = {atom.name: atom for atom in group}
        carbon = atoms.get("CA")
        if carbon is None or carbon.residue not in AMINO_ACIDS or carbon.called & set(drop):
            continue
        name = _SAME_AS.get(carbon.residue, carbon.residue)
        if name in _OCTANOL:
            places.append(carbon.position)
            costs.append(_OCTANOL[name])
    return np.array(places, dtype=float).reshape(-1, 3), np.array(costs, dtype=float)


def orientation_findings(
    structure: ProteinStructure, *, centre: float, drop: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """Whether the residues between z = centre - 15 A and centre + 15 A are those that a membrane takes.

    Args:
        structure: The protein's atoms.
        centre: Height of the membrane's middle plane [nm].
        drop: Residues that are left out, by name or label.
    """
    places, costs = residue_costs(structure, drop=drop)
    if not len(places):
        return ()
    here, best = slab_of(places, costs, axis=2, centre=centre), best_slab(places, costs)
    low, high = 10 * places[:, 2].min(), 10 * places[:, 2].max()
    where = f"the membrane's core from {10 * (centre - _HALF_NM):.0f} to {10 * (centre + _HALF_NM):.0f} A along z"
    if here.residues == 0:
        words = f"{where} holds no residue of the receptor, which lies from {low:.0f} to {high:.0f} A"
        return (failed(CHECK, words, advice=_advice(best)),)
    words = f"{where} holds {here.residues} residues that cost {here.cost:.0f} kcal/mol there"
    if here.cost > _POLAR * here.residues:
        return (warned(CHECK, f"{words}: they are too polar for a membrane", advice=_advice(best)),)
    moved = best.axis != here.axis or abs(best.centre - here.centre) > _NEAR_NM
    if moved and best.cost < here.cost - max(_BETTER, 0.25 * abs(best.cost)):
        words = f"{words}; about {_AXES[best.axis]} = {10 * best.centre:.0f} A it would be {best.cost:.0f}"
        return (warned(CHECK, words, advice=_advice(best)),)
    return (passed(CHECK, words),)


def _advice(best: Slab) -> str:
    orient = "take the coordinates of OPM, or let PPM turn yours: the normal along z"
    if best.axis != 2 or best.cost >= 0:
        return f"{orient}; ligands move with the receptor"
    return f"set membrane.centre_z (the most apolar slab is at {10 * best.centre:.0f} A), or {orient}"
