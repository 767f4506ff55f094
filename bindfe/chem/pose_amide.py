"""Secondary amides of a pose that lie the wrong way round: docking turned what dynamics will not turn back."""

from __future__ import annotations

from rdkit import Chem
from rdkit.Chem import rdMolTransforms

from bindfe.chem.checks import name_atom
from bindfe.chem.findings import Finding, warned
from bindfe.chem.ligand import Ligand

_AMIDE = Chem.MolFromSmarts("[O,S]=[CX3;!$(*[#1])]([#6,#7,#8])-!@[NX3;H1]-[#6]")
"""O=C, what the carbon has beside it, N-H and its carbon; neither formamides nor lactams."""

_CIS_DEG = 120.0
"""Torsion O=C-N-C above which carbon stands opposite of oxygen (E): 0 in the usual form (Z), 180 in the other one."""


def amide_findings(ligand: Ligand) -> tuple[Finding, ...]:
    """A warning for each secondary amide, carbamate or urea of a pose whose N-H is on the side of its C=O.

    Such amides lie 2 to 5 kcal/mol above the others and are a fraction of a percent in solution; the barrier of 15 to
    20 kcal/mol is crossed in seconds, so a calculation from one stays in it.
    """
    shape, found = ligand.mol.GetConformer(), []
    for o, c, _, n, other in ligand.mol.GetSubstructMatches(_AMIDE):
        if abs(rdMolTransforms.GetDihedralDeg(shape, o, c, n, other)) > _CIS_DEG:
            bond = " ".join(name_atom(ligand.mol.GetAtomWithIdx(i)) for i in (o, c, n, other))
            found.append(
                warned(
                    "cis-amide",
                    f"the amide {bond} is cis (E), and no dynamics turns it",
                    advice="look whether docking turned it: the trans (Z) form is 2 to 5 kcal/mol lower",
                    ligand=ligand.name,
                )
            )
    return tuple(found)
