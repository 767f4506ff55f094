"""A protein cut to the residues around its ligands: a smaller model, for machines without a GPU."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
from scipy.spatial.distance import cdist

from bindfe.chem.ligand import Ligand
from bindfe.chem.proteinfile import ProteinAtom, write_pdb
from bindfe.chem.receptor import Receptor
from bindfe.errors import InputError

Residue = tuple[ProteinAtom, ...]

_FILL = 2
"""Gaps of so many residues are kept: the caps on both sides would be made of the same atoms."""
_BOND_NM = 0.2  # C-N between residues is 0.133
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_ACETYL = {"CA": "CH3", "C": "C", "O": "O"}
_METHYLAMIDE = {"N": "N", "CA": "C"}


def cut_pocket(receptor: Receptor, ligands: Iterable[Ligand], *, radius_nm: float) -> Receptor:
    """Keep the residues of a protein that have an atom within a radius of any ligand.

    Each stretch of residues that is kept becomes a chain, capped by the acetyl and the methylamide that the
    atoms of its neighbours make; gaps of one or two residues are kept. Water and ions go. The rest of the protein
    is missing from the energy: what it does to the pocket's shape has to be replaced by holding the backbone, and
    its electrostatics are lost.

    Args:
        receptor: A protein, as read or completed.
        ligands: Ligands in its frame.
        radius_nm: How far around them residues are kept [nm].

    Returns:
        The smaller protein, not yet completed with hydrogens.

    Raises:
        InputError: Not a protein, or no residue is so close.
    """
    if receptor.kind != "protein":
        raise InputError(f"{receptor.source}: is a host; a pocket is cut from a protein")
    structure = receptor.structure
    space = np.concatenate([ligand.positions for ligand in ligands])
    segments = []
    for chain in _chains(structure.atoms):
        near = [bool(cdist([atom.position for atom in residue], space).min() < radius_nm) for residue in chain]
        segments += [_capped(chain, first, last) for first, last in _stretches(chain, near)]
    if not segments:
        raise InputError(
            f"{receptor.source}: no residue is within {10 * radius_nm:g} A of a ligand; give the ligands in the "
            "receptor's frame, or a larger radius"
        )
    if len(segments) > len(_LETTERS):
        raise InputError(
            f"{receptor.source}: the pocket has {len(segments)} stretches of chain; choose a larger radius"
        )
    named = [
        tuple(replace(atom, chain=letter) for residue in segment for atom in residue)
        for letter, segment in zip(_LETTERS, segments, strict=False)
    ]
    return replace(receptor, pdb=write_pdb(named), prepared=False, read_as="")


def _chains(atoms: Sequence[ProteinAtom]) -> list[list[Residue]]:
    """Stretches of residues that peptide bonds join, in the file's order; water and the like are left out."""
    chains: list[list[Residue]] = []
    for _, group in groupby(atoms, key=lambda atom: (atom.site, atom.residue)):
        residue = tuple(group)
        if not {"C", "N"} & {atom.name for atom in residue} or len(residue) == 1:
            continue
        if chains and _joined(chains[-1][-1], residue):
            chains[-1].append(residue)
        else:
            chains.append([residue])
    return chains


def _joined(before: Residue, after: Residue) -> bool:
    carbon = [atom.position for atom in before if atom.name == "C"]
    nitrogen = [atom.position for atom in after if atom.name == "N"]
    return bool(carbon and nitrogen and np.linalg.norm(np.subtract(carbon[0], nitrogen[0])) < _BOND_NM)


def _stretches(chain: Sequence[Residue], near: Sequence[bool]) -> list[tuple[int, int]]:
    """First and last residue of each stretch that is kept, with small gaps filled and caps' places left."""
    found: list[list[int]] = []
    for index, close in enumerate(near):
        if not close:
            continue
        if found and index - found[-1][1] <= _FILL + 1:
            found[-1][1] = index
        else:
            found.append([index, index])
    return [(first, last) for first, last in found]


def _capped(chain: Sequence[Residue], first: int, last: int) -> list[Residue]:
    kept = list(chain[first : last + 1])
    if first > 0:
        kept.insert(0, _cap(chain[first - 1], "ACE", _ACETYL))
    if last + 1 < len(chain):
        kept.append(_cap(chain[last + 1], "NME", _METHYLAMIDE))
    return kept


def _cap(residue: Residue, name: str, atoms: dict[str, str]) -> Residue:
    """A cap of a neighbour's backbone; a neighbour that is a cap itself stays as it is."""
    if residue[0].residue == name:
        return residue
    return tuple(replace(atom, name=atoms[atom.name], residue=name) for atom in residue if atom.name in atoms)
