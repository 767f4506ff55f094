"""Where a protein's chains are broken, and where two chains go by one name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby

from scipy.spatial import cKDTree

from bindfe.chem.findings import Finding, failed, warned
from bindfe.chem.findings_near import GAP_NM, NEAR_NM, distance_to
from bindfe.chem.protein import AMINO_ACIDS, CAPS, breaks
from bindfe.chem.proteinchains import STEP_NM, TWO_CHAINS_ADVICE, has_end, two_chains, why_two_chains
from bindfe.chem.proteinfile import Residue


def chain_findings(residues: Sequence[Residue], near: cKDTree | None, *, torn: Collection[str] = ()) -> list[Finding]:
    """Missing residues, broken bonds, and chains that meet under one name.

    Args:
        residues: Residues of the file that are simulated.
        near: Heavy atoms of the ligands; None without any.
        torn: Labels of residues that a periodic box has torn; nothing is said of their bonds.
    """
    peptides = [r for r in residues if r[0].residue in AMINO_ACIDS | CAPS or is_modified(r)]
    found = []
    for _, chain in groupby(peptides, key=lambda residue: residue[0].chain):
        for before, after in breaks(list(chain)):
            if {before[0].label, after[0].label} & set(torn):
                continue
            why = why_two_chains(before, after)
            found.append(_two(before, after, near, why=why) if why else _gap(before, after, near))
    return found


def is_modified(residue: Residue) -> bool:
    """Whether a residue has the backbone of an amino acid."""
    return {"N", "CA", "C"} <= {atom.name for atom in residue}


def _two(before: Residue, after: Residue, near: cKDTree | None, *, why: str) -> Finding:
    apart = min(distance_to(near, before), distance_to(near, after))
    where = f", {10 * apart:.1f} A from a ligand" if apart < GAP_NM else ""
    return warned("merged-chains", two_chains(before, after, why=why) + where, advice=TWO_CHAINS_ADVICE)


def _gap(before: Residue, after: Residue, near: cKDTree | None) -> Finding:
    missing = after[0].number - before[0].number - 1
    apart = min(distance_to(near, before), distance_to(near, after))
    what = f"{missing} residues are missing" if missing > 0 else "the chain is broken"
    words = f"{what} between {before[0].label} and {after[0].label}"
    ended = ""
    if has_end(before):
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
    return ways < STEP_NM * (missing + 1) + 2 * NEAR_NM


_FEW = 8
"""Missing residues whose reach says something: more of them reach everything and are mostly coiled elsewhere."""
