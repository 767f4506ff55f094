"""Histidines that face a ligand with the wrong nitrogen: acceptor to acceptor, or proton to proton."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from bindfe.chem.findings import Finding, warned
from bindfe.chem.findings_backbone import METALS
from bindfe.chem.ligand import Ligand
from bindfe.chem.proteinfile import ProteinAtom, ProteinStructure

Floats = NDArray[np.float64]

_FACING_NM = 0.32
"""Two heavy atoms that are nearer than this make a hydrogen bond or should not be there [nm]."""

_METAL_NM = 0.28
"""Distance of a metal ion that a nitrogen holds without a proton [nm]."""

_PROTONS_NM = 0.20
"""Two protons of N-H groups that are nearer than this repel each other; they touch at 0.24 [nm]."""

_OUTWARD = 0.6
"""Cosine of the angle between a nitrogen's lone pair and the other atom above which it faces it: 53 degrees."""

_BOUND_NM = 0.13
"""Longest bond of a hydrogen [nm]."""

_RING = ("CG", "ND1", "CD2", "CE1", "NE2")

_OTHER = {"ND1": "HID", "NE2": "HIE"}
"""The state that has its proton on a nitrogen."""


def facing_findings(structure: ProteinStructure, ligands: Sequence[Ligand]) -> list[Finding]:
    """Nitrogens of histidines that meet an atom of a ligand with which they make no hydrogen bond.

    Without a proton they are looked at against N and O that have a lone pair and no hydrogen, unless a metal ion is
    held there; with one, against N-H groups that cannot turn.

    Args:
        structure: The protein with its hydrogens, as it is simulated.
        ligands: Ligands in their poses.
    """
    found = []
    metals = np.array([a.position for a in structure.atoms if a.residue in METALS], dtype=float).reshape(-1, 3)
    for residue in _histidines(structure):
        at = {atom.name: np.array(atom.position) for atom in residue if atom.element != "H"}
        if not set(_RING) <= set(at):
            continue
        middle = np.mean([at[name] for name in _RING], axis=0)
        for name in _OTHER:
            protons = [
                np.array(a.position)
                for a in residue
                if a.element == "H" and np.linalg.norm(np.subtract(a.position, at[name])) < _BOUND_NM
            ]
            held = np.linalg.norm(metals - at[name], axis=1).min(initial=1.0) < _METAL_NM
            for ligand in ligands:
                if protons:
                    found += _donors(residue[0].label, name, protons[0], ligand)
                elif not held:
                    found += _acceptors(residue[0].label, name, at[name], at[name] - middle, ligand)
    return found


def _histidines(structure: ProteinStructure) -> Iterator[tuple[ProteinAtom, ...]]:
    for _, group in groupby(structure.atoms, key=lambda atom: (atom.site, atom.residue)):
        residue = tuple(group)
        if residue[0].residue in ("HIS", "HID", "HIE", "HIP"):
            yield residue


def _acceptors(label: str, name: str, here: Floats, outward: Floats, ligand: Ligand) -> list[Finding]:
    """The nearest acceptor of a ligand that a nitrogen without a proton points at."""
    outward = outward / np.linalg.norm(outward)
    facing: Mapping[int, float] = {
        i: gap
        for i in _lone_pairs(ligand.mol)
        if (gap := float(np.linalg.norm(ligand.positions[i] - here))) < _FACING_NM
        and float((ligand.positions[i] - here) @ outward) > _OUTWARD * gap
    }
    if not facing:
        return []
    i, gap = min(facing.items(), key=lambda item: item[1])
    return [
        warned(
            "facing-histidine",
            f"{label} {name} has no proton and faces {ligand.elements[i]}{i}, {10 * gap:.1f} A away, which has none "
            "either: acceptor meets acceptor",
            advice=f"receptor.states: ['{_plain(label)}={_OTHER[name]}'] puts its proton there (HIP both), unless "
            "another tautomer of the ligand is meant",
            ligand=ligand.name,
        )
    ]


def _donors(label: str, name: str, proton: Floats, ligand: Ligand) -> list[Finding]:
    """An N-H of a ligand that cannot turn away and whose proton meets that of a histidine."""
    for i, hydrogen in _stiff_protons(ligand.mol):
        gap = float(np.linalg.norm(ligand.positions[hydrogen] - proton))
        if gap < _PROTONS_NM:
            other = next(state for atom, state in _OTHER.items() if atom != name)
            return [
                warned(
                    "facing-histidine",
                    f"{label} {name} has a proton {10 * gap:.1f} A from that of N{i}: donor meets donor",
                    advice=f"receptor.states: ['{_plain(label)}={other}'] puts it on the other nitrogen, unless "
                    "another tautomer of the ligand is meant",
                    ligand=ligand.name,
                )
            ]
    return []


def _plain(label: str) -> str:
    """A residue's label as ``receptor.states`` takes it: HIS, whatever its state."""
    chain, _, residue = label.partition(":")
    return f"{chain}:HIS{residue[3:]}"


def _lone_pairs(mol: Chem.Mol) -> Iterator[int]:
    """N and O without hydrogens that have a lone pair to give: not of amides, nor of rings that need it."""
    for atom in mol.GetAtoms():
        if atom.GetSymbol() not in ("N", "O") or atom.GetFormalCharge() > 0 or _protons(atom):
            continue
        if atom.GetSymbol() == "N" and atom.GetDegree() > 2:
            continue
        yield int(atom.GetIdx())


def _stiff_protons(mol: Chem.Mol) -> Iterator[tuple[int, int]]:
    """N and H of each N-H of an amide, a ring or a charged group that is not sp3, which no turn of a bond moves."""
    for atom in mol.GetAtoms():
        if atom.GetSymbol() == "N" and atom.GetHybridization() == Chem.HybridizationType.SP2:
            yield from ((int(atom.GetIdx()), hydrogen) for hydrogen in _protons(atom))


def _protons(atom: Chem.Atom) -> list[int]:
    return [int(n.GetIdx()) for n in atom.GetNeighbors() if n.GetAtomicNum() == 1]
