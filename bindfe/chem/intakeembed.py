"""A 3D structure where the file has none: ETKDG and MMFF94s, never a pose."""

from __future__ import annotations

from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from bindfe.chem.intakegraph import agreement, without_hydrogens
from bindfe.chem.molecule import assign_stereo, smiles_of
from bindfe.errors import InputError

SEED = 2026
"""Of the embedding, so that a series read again is the same."""

_ATTEMPTS = 3
_SECONDS = 15
"""Time of each attempt; a drug takes less than one second."""
_RELAXATION_STEPS = 2000


def embed(mol: Chem.Mol, *, place: str) -> tuple[Chem.Mol, str]:
    """Give a molecule without a structure its hydrogens and one relaxed conformer.

    Args:
        mol: Sanitised; what coordinates it has are dropped.
        place: How an error names it.

    Returns:
        The molecule and how it was made, in words.

    Raises:
        InputError: No structure with this stereochemistry was found.
    """
    with rdBase.BlockLogs():
        bare = Chem.Mol(mol)
        bare.RemoveAllConformers()
        full = Chem.AddHs(bare)
        wanted = without_hydrogens(bare)
        for attempt in range(_ATTEMPTS):
            if _place_atoms(full, seed=SEED + attempt, random=attempt > 0):
                method = _relax(full)
                assign_stereo(full)
                if agreement(full, wanted) == "same":
                    return full, f"3D structure made by ETKDG{method} (not a pose)"
    raise InputError(
        f"{place}: no 3D structure of {smiles_of(bare)} was found in {_ATTEMPTS} attempts; check its stereochemistry, "
        "or give a 3D structure"
    )


def embedded_smiles(mol: Chem.Mol) -> str:
    """Isomeric SMILES that a quick 3D structure of a molecule has; empty if there is none with its stereochemistry."""
    with rdBase.BlockLogs():
        full = Chem.AddHs(mol)
        for attempt in range(2):
            if _place_atoms(full, seed=SEED + attempt, random=attempt > 0, iterations=10):
                assign_stereo(full)
                return smiles_of(full)
    return ""


def _place_atoms(mol: Chem.Mol, *, seed: int, random: bool, iterations: int = 0) -> bool:
    parameters: Any = rdDistGeom.ETKDGv3()  # RDKit's stubs have its fields wrong
    parameters.randomSeed = seed
    parameters.useRandomCoords = random
    parameters.timeout = _SECONDS
    parameters.maxIterations = iterations  # 0: RDKit's own, ten for each atom
    return bool(rdDistGeom.EmbedMolecule(mol, parameters) == 0)


def _relax(mol: Chem.Mol) -> str:
    if not rdForceFieldHelpers.MMFFHasAllMoleculeParams(mol):
        return ", not relaxed: MMFF94 lacks parameters"
    rdForceFieldHelpers.MMFFOptimizeMolecule(mol, mmffVariant="MMFF94s", maxIters=_RELAXATION_STEPS)
    return " and relaxed by MMFF94s"
