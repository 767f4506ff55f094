"""Where a protein's chains are broken, and where two chains go by one name."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from scipy.spatial import cKDTree

from bindfe.chem.findings import Finding, failed, warned
from bindfe.chem.findings_near import GAP_NM, NEAR_NM, distance_to
from bindfe.chem.protein import AMINO_ACIDS, CAPS, Residue, breaks

_STEP_NM = 0.38
"""Distance of neighbouring alpha carbons [nm]: n missing residues span n + 1 of them and no more."""

_SLACK_NM = 0.4
"""What a bad model may add to that [nm]."""

_ENDS, _BEGINS = frozenset({"OXT", "OT2"}), frozenset({"H2", "H3"})
"""Atoms that only the last residue of a chain has, and only the first."""


def chain_findings(residues: Sequence[Residue], near: cKDTree | None, *, joined: bool) -> list[Finding]:
    """Missing residues, broken bonds, and chains that meet under one name.

    Args:
        residues: Residues of the file that are simulated.
        near: Heavy atoms of the ligands; None without any.
        joined: Whether what breaks is built (``receptor.gaps: build``) and not capped.
    """
    peptides = [r for r in residues if r[0].residue in AMINO_ACIDS | CAPS or is_modified(r)]
    found = []
    for _, chain in groupby(peptides, key=lambda residue: residue[0].chain):
        for before, after in breaks(list(chain)):
            why = _why_two(before, after)
            make = _two_chains(before, after, near, why=why, joined=joined) if why else _gap(before, after, near)
            found.append(make)
    return found


def is_modified(residue: Residue) -> bool:
    """Whether a residue has the backbone of an amino acid."""
    return {"N", "CA", "C"} <= {atom.name for atom in residue}


def _why_two(before: Residue, after: Residue) -> str:
    """What shows that one residue ends a chain and the next begins another; empty if residues may be missing."""
    missing = after[0].number - before[0].number - 1
    if missing < -1:
        return "the numbers begin again"
    longest = _STEP_NM * (missing + 1) + _SLACK_NM
    if _apart(before, after) > max(longest, _STEP_NM + _SLACK_NM):
        return f"{missing} residues cannot span that" if missing > 0 else "no bond can span that"
    if missing <= 0 and _ENDS & _names(before):
        return f"{before[0].label} has OXT"
    if missing <= 0 and _names(after) >= _BEGINS:
        return f"{after[0].label} has the hydrogens of a first residue"
    return ""


def _names(residue: Residue) -> frozenset[str]:
    return frozenset(atom.name for atom in residue)


def _apart(before: Residue, after: Residue) -> float:
    """Distance of two residues' alpha carbons, or of their first atoms [nm]."""
    first, second = (next((a for a in r if a.name == "CA"), r[0]) for r in (before, after))
    return float(np.linalg.norm(np.subtract(first.position, second.position)))


def _two_chains(before: Residue, after: Residue, near: cKDTree | None, *, why: str, joined: bool) -> Finding:
    apart = min(distance_to(near, before), distance_to(near, after))
    words = (
        f"two chains are called '{before[0].chain or ' '}': {before[0].label} ends one and {after[0].label}, "
        f"{10 * _apart(before, after):.0f} A away, begins the other ({why})"
    )
    where = f", {10 * apart:.1f} A from a ligand" if apart < GAP_NM else ""
    done = "receptor.gaps: build bonds them to each other" if joined else "NME and ACE caps are put on these ends"
    make = failed if joined or apart < GAP_NM else warned
    advice = f"nothing is missing: give each chain an id of its own in the file; as it is, {done}"
    return make("merged-chains", words + where, advice=advice)


def _gap(before: Residue, after: Residue, near: cKDTree | None) -> Finding:
    missing = after[0].number - before[0].number - 1
    apart = min(distance_to(near, before), distance_to(near, after))
    what = f"{missing} residues are missing" if missing > 0 else "the chain is broken"
    words = f"{what} between {before[0].label} and {after[0].label}"
    ended = ""
    if _ENDS & _names(before):
        ended = f"; if {before[0].label}, which has OXT, ends a chain, give the next one an id of its own"
    if apart < GAP_NM:
        advice = f"build the loop (receptor.gaps: build) or take another structure{ended}"
        return failed("missing-residues", f"{words}, {10 * apart:.1f} A from a ligand", advice=advice)
    advice = "the ends are capped; check that they are far away"
    if _may_touch(before, after, near):
        words += ", which may reach a ligand"
        advice = "the ends are capped: look at another structure that shows them, or build them (receptor.gaps: build)"
    return warned("missing-residues", words, advice=advice + ended)


def _may_touch(before: Residue, after: Residue, near: cKDTree | None) -> bool:
    """Whether a few missing residues, stretched out, are long enough to go by a ligand on their way."""
    missing = after[0].number - before[0].number - 1
    if near is None or not 0 < missing <= _FEW:
        return False
    ways = distance_to(near, before) + distance_to(near, after)
    return ways < _STEP_NM * (missing + 1) + 2 * NEAR_NM


_FEW = 8
"""Missing residues whose reach says something: more of them reach everything and are mostly coiled elsewhere."""
