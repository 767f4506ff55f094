"""Ligands that may make a bond to the protein, which no force field of this project does."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

import numpy as np
from rdkit import Chem

from bindfe.chem.findings import Finding, warned
from bindfe.chem.ligand import Ligand
from bindfe.chem.proteinfile import ProteinStructure

_REACH_NM = 0.42
"""Distance of sulfur from a carbon that it may attack; they touch at 0.36 [nm]."""

_BONDED_NM = 0.25
"""Distance of two sulfurs in a disulfide bond, at most [nm]."""

_WARHEADS = {
    "Michael acceptor": "[CX3;H1,H2;!R]=[CX3]-[$(C=O),$(C#N),$(S(=O)=O)]",
    "alkynamide": "[CX2]#[CX2]-C(=O)N",
    "haloacetamide": "[CX4;H1,H2]([F,Cl,Br,I])-C(=O)N",
    "epoxide or aziridine": "[CX4;r3][O,N;r3]",
    "aldehyde": "[CX3;H1](=O)[#6]",
    "ketoamide": "[CX3](=O)([#6])C(=O)N",
    "nitrile": "[CX2](#N)[#6]",
}
"""Groups that a thiolate adds to or displaces something of; the first atom is the one that it attacks."""


def warhead_findings(
    structure: ProteinStructure, ligands: Sequence[Ligand], *, drop: Sequence[str] = ()
) -> list[Finding]:
    """Electrophilic carbons of ligands that lie at the sulfur of a free cysteine.

    Args:
        structure: The file's atoms.
        ligands: Ligands in their poses.
        drop: Residues that are left out, by name or label.
    """
    sulfurs = [
        atom
        for atom in structure.atoms
        if atom.name == "SG" and atom.residue in ("CYS", "CYM") and not atom.called & set(drop)
    ]
    x = np.array([atom.position for atom in sulfurs], dtype=float).reshape(-1, 3)
    apart = np.linalg.norm(x[:, None] - x[None], axis=-1) + np.eye(len(x))
    free = [k for k in range(len(x)) if apart[k].min(initial=1.0) > _BONDED_NM]
    found = []
    for ligand in ligands:
        for kind, atom in _electrophiles(ligand.mol):
            gaps = np.linalg.norm(x[free] - ligand.positions[atom], axis=1)
            if len(gaps) and gaps.min() < _REACH_NM:
                cysteine = sulfurs[free[int(gaps.argmin())]].label
                found.append(
                    warned(
                        "covalent-warhead",
                        f"C{atom} of a {kind} lies {10 * gaps.min():.1f} A from the sulfur of {cysteine}",
                        advice="if it bonds to it, what is measured is no free energy of binding without a bond, which "
                        "is what is calculated",
                        ligand=ligand.name,
                    )
                )
    return found


def _electrophiles(mol: Chem.Mol) -> Iterable[tuple[str, int]]:
    """Kind and carbon of each group of :data:`_WARHEADS`, each carbon once."""
    seen = set()
    for kind, query in _queries().items():
        for match in mol.GetSubstructMatches(query):
            if match[0] not in seen:
                seen.add(match[0])
                yield kind, match[0]


@functools.cache
def _queries() -> dict[str, Chem.Mol]:
    return {kind: Chem.MolFromSmarts(smarts) for kind, smarts in _WARHEADS.items()}
