"""Ligands with more shapes than a calculation of the usual length sees."""

from __future__ import annotations

from rdkit.Chem import rdMolDescriptors

from bindfe.chem.findings import Finding, warned
from bindfe.chem.ligand import Ligand

_BONDS = 15
"""Bonds that turn, above which repeats from one pose agree with each other and not with the truth."""

_RING = 12
"""Atoms of the smallest macrocycle."""

_HEAVY = 100
"""Heavy atoms of a ligand that is rather a protein."""


def flexible_findings(ligand: Ligand) -> tuple[Finding, ...]:
    """A warning for chains, macrocycles and peptides whose shapes do not interconvert within a run."""
    bonds = rdMolDescriptors.CalcNumRotatableBonds(ligand.mol)
    heavy = ligand.mol.GetNumHeavyAtoms()
    ring = max((len(each) for each in ligand.mol.GetRingInfo().AtomRings()), default=0)
    words = [
        f"{bonds} bonds that turn" if bonds > _BONDS else "",
        f"a ring of {ring} atoms" if ring >= _RING else "",
        f"{heavy} heavy atoms" if heavy > _HEAVY else "",
    ]
    if not any(words):
        return ()
    return (
        warned(
            "flexible-ligand",
            f"has {', '.join(filter(None, words))}: more shapes than a run of the usual length sees",
            advice="lengthen sampling.length, begin from several poses (records of one file), and distrust repeats "
            "that agree",
            ligand=ligand.name,
        ),
    )
