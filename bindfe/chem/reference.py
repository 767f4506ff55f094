"""The structure of a molecule by which parameters are made: the same, whatever pose it is in."""

from __future__ import annotations

from rdkit import Chem

from bindfe.chem.intakeembed import embed

_LARGEST_RING = 8
"""Atoms. RDKit embeds larger rings in conformers that a relaxation does not leave, cucurbiturils inside out."""


def reference_block(mol: Chem.Mol, *, name: str) -> str:
    """V2000 block of a molecule with its atoms in order and a structure that does not depend on its pose.

    The structure is embedded from the graph and its stereochemistry. A molecule with a ring of more than
    eight atoms keeps the structure that it came with, which is a host's own.

    Raises:
        InputError: No structure with this stereochemistry was found.
    """
    rings = mol.GetRingInfo().AtomRings()
    if any(len(ring) > _LARGEST_RING for ring in rings):
        return str(Chem.MolToMolBlock(mol))
    embedded, _ = embed(mol, place=name)
    return str(Chem.MolToMolBlock(embedded))
