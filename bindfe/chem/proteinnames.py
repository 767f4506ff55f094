"""Names of amino acids in their states of protonation, and residues under the names that a builder has for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bindfe.chem.proteinfile import Residue, Site

STANDARD_NAMES = {
    "ASH": "ASP",
    "GLH": "GLU",
    "LYN": "LYS",
    "HID": "HIS",
    "HIE": "HIS",
    "HIP": "HIS",
    "CYX": "CYS",
    "CYM": "CYS",
    "HSD": "HIS",
    "HSE": "HIS",
    "HSP": "HIS",
}
"""The amino acid that a name of a protonation state means."""

_GIVEN_NAMES = {"HSD": "HID", "HSE": "HIE", "HSP": "HIP", "LYN": "LYS", "CYM": "CYS"}
_AMINES = frozenset({"HZ1", "HZ2", "HZ3", "1HZ", "2HZ", "3HZ"})


def without_hydrogens(
    chains: Sequence[Sequence[Residue]], sites: Iterable[Site] | None = None
) -> tuple[tuple[Residue, ...], ...]:
    """Chains without hydrogens, in all residues or in some, under the standard names of their residues."""
    chosen = None if sites is None else set(sites)

    def bare(residue: Residue) -> Residue:
        if chosen is not None and residue[0].site not in chosen:
            return residue
        return tuple(
            replace(atom, residue=STANDARD_NAMES.get(atom.residue, atom.residue))
            for atom in residue
            if atom.element not in ("H", "D")
        )

    return tuple(tuple(bare(residue) for residue in chain) for chain in chains)


def in_amber_names(chains: Sequence[Sequence[Residue]]) -> tuple[tuple[Residue, ...], ...]:
    """Chains whose hydrogens stay, under the names that the builder has for their residues.

    Histidine's states get Amber's names, and LYN and CYM those of lysine and cysteine: what they are is in
    :func:`states_by_name`. The two protons of a neutral lysine become HZ1 and HZ2.
    """

    def named(residue: Residue) -> Residue:
        name = residue[0].residue
        amines = iter(("HZ1", "HZ2", "HZ3"))
        names = [next(amines, a.name) if name == "LYN" and a.name in _AMINES else a.name for a in residue]
        renamed = _GIVEN_NAMES.get(name, name)
        return tuple(replace(atom, residue=renamed, name=n) for atom, n in zip(residue, names, strict=True))

    return tuple(tuple(named(residue) for residue in chain) for chain in chains)


def states_by_name(chains: Sequence[Sequence[Residue]]) -> dict[Site, str]:
    """Neutral lysines and thiolates by their name (LYN, CYM), where their hydrogens agree with it.

    Other states are seen from the hydrogens alone. Residues without any hydrogen are not in it.
    """
    found = {}
    for residue in (residue for chain in chains for residue in chain):
        hydrogens = [atom.name for atom in residue if atom.element == "H"]
        name = residue[0].residue
        neutral = name == "LYN" and sum(h in _AMINES for h in hydrogens) == 2
        if neutral or (name == "CYM" and hydrogens and not {"HG", "HG1"} & set(hydrogens)):
            found[residue[0].site] = name
    return found


def standard_name(residue: str) -> str:
    """The amino acid that a name of a protonation state means: ``HIS`` for ``HIE``; other names as they are."""
    return STANDARD_NAMES.get(residue, residue)
