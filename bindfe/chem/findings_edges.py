"""What the common core of an edge leaves out on purpose, said: a ring on one side that is a chain on the other."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem import rdFMCS

from bindfe.chem.findings import Finding, warned
from bindfe.chem.ligand import Ligand
from bindfe.chem.mapping import AtomMap
from bindfe.chem.maprules import violations

_SECONDS = 2


def ring_findings(a: Ligand, b: Ligand, atom_map: AtomMap) -> tuple[Finding, ...]:
    """Whether the ligands share more than their map has, were a ring allowed to break.

    The map itself never breaks a ring; that an edge opens or closes one is still worth knowing, as its two ends
    then have different motions to sample.
    """
    heavy = [_heavy(ligand.mol) for ligand in (a, b)]
    found = rdFMCS.FindMCS(
        heavy,
        atomCompare=rdFMCS.AtomCompare.CompareElements,
        bondCompare=rdFMCS.BondCompare.CompareOrder,
        ringMatchesRingOnly=False,
        timeout=_SECONDS,
    )
    if found.numAtoms <= len(atom_map.core) or found.queryMol is None:
        return ()
    way = zip(*(each.GetSubstructMatch(found.queryMol) for each in heavy), strict=True)
    pairs = [(_own(heavy[0], i), _own(heavy[1], j)) for i, j in way]
    broken = [
        each
        for each in violations(a.mol, b.mol, pairs, positions=(a.positions, b.positions))
        if each.rule == "ring-broken"
    ]
    if not broken:
        return ()
    words = ", ".join(dict.fromkeys(pair for each in broken[:4] for pair in each.words.split(", ")))
    return (
        warned(
            "map-ring-broken",
            f"the largest common part would break a ring: {words}; these atoms are left out of the core",
            advice="look at the drawn map, or go through a ligand between the two",
            ligand=atom_map.edge,
        ),
    )


def _heavy(mol: Chem.Mol) -> Chem.Mol:
    copy = Chem.Mol(mol)
    for atom in copy.GetAtoms():
        atom.SetIntProp("own", atom.GetIdx())
    return Chem.RemoveAllHs(copy)


def _own(mol: Chem.Mol, index: int) -> int:
    return int(mol.GetAtomWithIdx(index).GetIntProp("own"))
