"""Copies of a protein that a crystal has beside the one at the ligand: they double the cost and bind nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

import numpy as np
from scipy.spatial import cKDTree

from bindfe.chem.assembly import read_assemblies
from bindfe.chem.findings import Finding, warned
from bindfe.chem.findings_chain import is_modified
from bindfe.chem.findings_overlap import simulated_atoms
from bindfe.chem.ligand import Ligand
from bindfe.chem.protein import AMINO_ACIDS, CAPS, breaks
from bindfe.chem.proteinchains import why_two_chains
from bindfe.chem.proteinfile import ProteinAtom, Residue
from bindfe.chem.proteinnames import standard_name
from bindfe.chem.receptor import Receptor

_AWAY_NM = 1.2
"""A chain whose nearest atom is farther than this from every ligand is no part of a site [nm]."""

_LEAST = 30
"""Residues below which a chain is a peptide, of which a crystal may hold many on purpose."""

_SAME_SHARE = 0.9
"""Share of the shorter chain's residues that stand in the other in the same order, if they are one protein."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chain:
    """One peptide chain of the file."""

    name: str
    """Its name, as the atoms have it."""
    of: int
    """How many chains the file has under this name."""
    first: str
    """Label of its first residue."""
    last: str
    """Label of its last residue."""
    sequence: tuple[str, ...]
    """Standard names of its amino acids."""
    apart: float
    """Distance of its nearest heavy atom from any ligand's [nm]."""
    n_atoms: int
    """Number of heavy atoms."""

    @property
    def words(self) -> str:
        """How it is called to a user."""
        if self.of > 1:
            return f"{self.first} to {self.last}"
        return f"chain {self.name}" if self.name else "the chain without an id"


def copy_findings(receptor: Receptor, ligands: Sequence[Ligand], *, drop: Sequence[str] = ()) -> list[Finding]:
    """Chains that repeat one nearer to the ligands and lie more than 12 A from all of them.

    Chains that the file's biological assembly has together belong together, whatever the distance. Two chains
    under one name are taken apart first.

    Args:
        receptor: A protein as read.
        ligands: Ligands in their poses.
        drop: Residues that are left out, by name or label.
    """
    if not ligands:
        return []
    heavy = [ligand.positions[[element != "H" for element in ligand.elements]] for ligand in ligands]
    chains = _chains(simulated_atoms(receptor.structure, drop=drop), cKDTree(np.concatenate(heavy)))
    total = sum(chain.n_atoms for chain in chains)
    together = {name: each.assembly for each in read_assemblies(receptor.pdb) for name in each.chains}
    held = {together[chain.name] for chain in chains if chain.apart <= _AWAY_NM and chain.name in together}
    spare = {}
    for chain in chains:
        twin = _nearer_twin(chain, chains)
        belongs = chain.of == 1 and together.get(chain.name) in held
        if twin is not None and chain.apart > _AWAY_NM and not belongs:
            spare[chain] = twin
    if not spare:
        return []
    words = "; ".join(
        f"{chain.words} is a copy of {twin.words} ({len(chain.sequence)} residues), {10 * chain.apart:.0f} A from "
        "the nearest ligand"
        for chain, twin in spare.items()
    )
    share = sum(chain.n_atoms for chain in spare) / total
    known = all(chain.of == 1 and chain.name in together for chain in spare)
    said = "the biological assembly has it apart" if known else "the file names no assembly that has both"
    return [
        warned(
            "second-copy",
            f"{words}: {100 * share:.0f} % of the protein's atoms, no part of the site, and {said}",
            advice=_advice(list(spare)),
        )
    ]


def _advice(spare: Sequence[_Chain]) -> str:
    """What leaves the copies out; a chain that shares its name with another has to get one of its own first."""
    if any(chain.of > 1 for chain in spare):
        return "unless the protein is a dimer that the site needs, delete it from the file"
    names = ", ".join(f"'{chain.name}:'" for chain in spare)
    return f"unless the protein is an oligomer that the site needs, leave it out: receptor.drop: [{names}]"


def _chains(atoms: Sequence[ProteinAtom], near: cKDTree) -> list[_Chain]:
    """The file's chains, those under one name apart; water and ions are in none."""
    residues = [tuple(group) for _, group in groupby(atoms, key=lambda atom: (atom.site, atom.residue))]
    peptides = [r for r in residues if r[0].residue in AMINO_ACIDS | CAPS or is_modified(r)]
    parts: list[list[Residue]] = []
    for name in dict.fromkeys(residue[0].chain for residue in peptides):
        mine = [residue for residue in peptides if residue[0].chain == name]
        begun = 0
        for before, after in breaks(mine):
            end = next(k for k, residue in enumerate(mine) if residue is after)
            if why_two_chains(before, after) or _same(_names(mine[begun:end]), _names(mine[end:])):
                parts.append(mine[begun:end])
                begun = end
        parts.append(mine[begun:])
    names = [part[0][0].chain for part in parts if len(part) >= _LEAST]
    return [
        _Chain(
            name=part[0][0].chain,
            of=names.count(part[0][0].chain),
            first=part[0][0].label,
            last=part[-1][0].label,
            sequence=_names(part),
            apart=float(np.min(near.query(np.array([atom.position for r in part for atom in r]))[0])),
            n_atoms=sum(len(residue) for residue in part),
        )
        for part in parts
    ]


def _names(part: Sequence[Residue]) -> tuple[str, ...]:
    return tuple(standard_name(residue[0].residue) for residue in part if residue[0].residue in AMINO_ACIDS)


def _nearer_twin(chain: _Chain, chains: Sequence[_Chain]) -> _Chain | None:
    """The chain of the same sequence that lies nearest to the ligands, if it is nearer."""
    twins = [other for other in chains if other.apart < chain.apart and _same(chain.sequence, other.sequence)]
    return min(twins, key=lambda other: other.apart, default=None)


def _same(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether two chains are one protein, of which each may lack a few residues."""
    shorter = min(len(first), len(second))
    if shorter < _LEAST or shorter < _SAME_SHARE**2 * max(len(first), len(second)):
        return False
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) >= _SAME_SHARE * shorter
