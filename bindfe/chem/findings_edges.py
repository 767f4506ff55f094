"""What a map of an edge does not say by itself: a ring that is a chain on the other side, and two binding modes."""

from __future__ import annotations

from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdFMCS

from bindfe.chem.findings import Finding, warned
from bindfe.chem.ligand import Ligand
from bindfe.chem.mapping import FARTHEST_NM, AtomMap
from bindfe.chem.maprules import violations

_SECONDS = 2

_TURNED_NM, _TAIL_NM = 0.2, 0.3
"""An atom of a ring, and any other, that lies farther from where the other ligand has it is in another mode [nm].

Rings turn through 90 degrees with less (0.17), and ends of chains by a torsion's other minimum (0.25).
"""

_FEWEST, _MOST_MATCHES = 3, 1000


def edge_findings(a: Ligand, b: Ligand, atom_map: AtomMap) -> tuple[Finding, ...]:
    """Rings that an edge opens or closes, and shared atoms that lie in two places; arguments as in those."""
    return (*ring_findings(a, b, atom_map), *mode_findings(a, b, atom_map))


def ring_findings(a: Ligand, b: Ligand, atom_map: AtomMap) -> tuple[Finding, ...]:
    """Whether the ligands share more than their map has, were a ring allowed to break.

    The map itself never breaks a ring; that an edge opens or closes one is still worth knowing, as its two ends
    then have different motions to sample.
    """
    heavy = [_heavy(ligand.mol) for ligand in (a, b)]
    found = rdFMCS.FindMCS(
        heavy,
        atomCompare=rdFMCS.AtomCompare.CompareElements,
        bondCompare=rdFMCS.BondCompare.CompareOrder,
        ringMatchesRingOnly=False,
        timeout=_SECONDS,
    )
    if found.numAtoms <= len(atom_map.core) or found.queryMol is None:
        return ()
    way = zip(*(each.GetSubstructMatch(found.queryMol) for each in heavy), strict=True)
    pairs = [(_own(heavy[0], i), _own(heavy[1], j)) for i, j in way]
    broken = [
        each
        for each in violations(a.mol, b.mol, pairs, positions=(a.positions, b.positions))
        if each.rule == "ring-broken"
    ]
    if not broken:
        return ()
    words = ", ".join(dict.fromkeys(pair for each in broken[:4] for pair in each.words.split(", ")))
    return (
        warned(
            "map-ring-broken",
            f"the largest common part would break a ring: {words}; these atoms are left out of the core",
            advice="look at the drawn map, or go through a ligand between the two",
            ligand=atom_map.edge,
        ),
    )


def mode_findings(a: Ligand, b: Ligand, atom_map: AtomMap) -> tuple[Finding, ...]:
    """Whether atoms that are the same in both ligands' graphs lie in different places: a ring that is turned over.

    The largest common part by elements is laid over both in every way that symmetry allows. Nothing is said where
    as large a part lies in place, where less than half of it does, or where a centre is inverted.
    """
    heavy = _heavy(a.mol), _heavy(b.mol)
    shared, in_place = (_shared(heavy, near=near) for near in (None, 10 * FARTHEST_NM))
    inverted = any(finding.check == "map-chirality" for finding in atom_map.findings)
    if shared is None or inverted or (in_place is not None and in_place.GetNumAtoms() >= shared.GetNumAtoms()):
        return ()
    pairs = _nearest_match(a, b, heavy, shared)
    apart = {(i, j): float(np.linalg.norm(a.positions[i] - b.positions[j])) for i, j in pairs}
    away = {
        pair: gap
        for pair, gap in apart.items()
        if gap > (_TURNED_NM if a.mol.GetAtomWithIdx(pair[0]).IsInRing() else _TAIL_NM)
    }
    if not away or sum(gap < FARTHEST_NM for gap in apart.values()) < max(_FEWEST, 0.5 * len(apart)):
        return ()
    (i, j), gap = max(away.items(), key=lambda item: (a.elements[item[0][0]] != "C", item[1]))
    more = f", and {len(away) - 1} more shared atoms too" if len(away) > 1 else ""
    there = next((f"{b.elements[n]}{n}" for m, n in atom_map.core if m == i and n != j), "")
    place = f"; in the place of the first {b.name} has {there}" if there else ""
    return (
        warned(
            "two-modes",
            f"{a.elements[i]}{i} of {a.name} and {b.elements[j]}{j} of {b.name} are the same atom and lie "
            f"{10 * gap:.1f} A apart{more}{place}: two binding modes",
            advice="pose what they share alike, unless what they do not share takes its place; else calculate both "
            "modes: a ring seldom turns in a closed site while it is sampled",
            ligand=atom_map.edge,
        ),
    )


def _shared(heavy: tuple[Chem.Mol, Chem.Mol], *, near: float | None) -> Chem.Mol | None:
    """The largest common part by elements, whatever the bonds' orders, pairs within ``near`` [A]; None if not found."""
    settings: Any = rdFMCS.MCSParameters()  # RDKit's stubs type its members as numbers
    settings.AtomTyper = rdFMCS.AtomCompare.CompareElements
    settings.BondTyper = rdFMCS.BondCompare.CompareAny
    settings.AtomCompareParameters.RingMatchesRingOnly = True
    settings.BondCompareParameters.RingMatchesRingOnly = True
    settings.BondCompareParameters.CompleteRingsOnly = True
    if near is not None:
        settings.AtomCompareParameters.MaxDistance = near
    settings.Timeout = _SECONDS
    found = rdFMCS.FindMCS(list(heavy), settings)
    return None if found.canceled or not found.numAtoms else found.queryMol


def _nearest_match(a: Ligand, b: Ligand, heavy: tuple[Chem.Mol, Chem.Mol], part: Chem.Mol) -> list[tuple[int, int]]:
    """Pairs of a common part, laid over both ligands so that the fewest atoms lie apart, and those the least."""
    ways = []
    for left in heavy[0].GetSubstructMatches(part, uniquify=True, maxMatches=_MOST_MATCHES):
        for right in heavy[1].GetSubstructMatches(part, uniquify=False, maxMatches=_MOST_MATCHES):
            pairs = [(_own(heavy[0], i), _own(heavy[1], j)) for i, j in zip(left, right, strict=True)]
            x, y = (ligand.positions[list(side)] for ligand, side in zip((a, b), zip(*pairs, strict=True), strict=True))
            gaps = np.linalg.norm(x - y, axis=1)
            ways.append((int(np.sum(gaps > FARTHEST_NM)), float(np.sum(gaps**2)), pairs))
    return min(ways, default=(0, 0.0, []))[2]


def _heavy(mol: Chem.Mol) -> Chem.Mol:
    copy = Chem.Mol(mol)
    for atom in copy.GetAtoms():
        atom.SetIntProp("own", atom.GetIdx())
    return Chem.RemoveAllHs(copy)


def _own(mol: Chem.Mol, index: int) -> int:
    return int(mol.GetAtomWithIdx(index).GetIntProp("own"))
