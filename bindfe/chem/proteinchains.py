"""Whether neighbours in a file are residues of one chain, of which some may be missing, or the ends of two."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bindfe.chem.proteinfile import ProteinAtom

STEP_NM = 0.38
"""Distance of neighbouring alpha carbons [nm]: n missing residues span n + 1 of them and no more."""

_SLACK_NM = 0.4
"""What a bad model may add to that [nm]."""

_ENDS, _BEGINS = frozenset({"OXT", "OT2"}), frozenset({"H2", "H3"})
"""Atoms that only the last residue of a chain has, and only the first."""


def why_two_chains(before: Sequence[ProteinAtom], after: Sequence[ProteinAtom]) -> str:
    """What shows that one residue ends a chain and the next, of the same chain id, begins another.

    Args:
        before: A residue that no peptide bond joins to the next.
        after: The next.

    Returns:
        The reason in words; empty if residues may be missing between them, or a bond is broken.
    """
    missing = after[0].number - before[0].number - 1
    if missing < -1:
        return "the numbers begin again"
    if apart_nm(before, after) > STEP_NM * max(1, missing + 1) + _SLACK_NM:
        return f"{missing} residues cannot span that" if missing > 0 else "no bond can span that"
    if missing <= 0 and _ENDS & _names(before):
        return f"{before[0].label} has OXT"
    if missing <= 0 and _names(after) >= _BEGINS:
        return f"{after[0].label} has the hydrogens of a first residue"
    return ""


def two_chains(before: Sequence[ProteinAtom], after: Sequence[ProteinAtom], *, why: str) -> str:
    """What was found there, as a sentence; arguments as in :func:`why_two_chains`."""
    return (
        f"two chains are called '{before[0].chain or ' '}': {before[0].label} ends one and {after[0].label}, "
        f"{10 * apart_nm(before, after):.0f} A away, begins the other ({why})"
    )


TWO_CHAINS_ADVICE = (
    "each gets ends of its own: give each chain an id of its own to say so, or, if residues are missing here after "
    "all, correct their numbers"
)
"""What to do about it."""


def has_end(residue: Sequence[ProteinAtom]) -> bool:
    """Whether a residue has the second oxygen of a chain's last one."""
    return bool(_ENDS & _names(residue))


def apart_nm(before: Sequence[ProteinAtom], after: Sequence[ProteinAtom]) -> float:
    """Distance of two residues' alpha carbons, or of their first atoms [nm]."""
    first, second = (next((a for a in r if a.name == "CA"), r[0]) for r in (before, after))
    return float(np.linalg.norm(np.subtract(first.position, second.position)))


def _names(residue: Sequence[ProteinAtom]) -> frozenset[str]:
    return frozenset(atom.name for atom in residue)
