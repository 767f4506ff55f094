"""What there is to know about a protein where ligands bind: what holds them, and what is not there to hold them."""

from __future__ import annotations

from collections.abc import Sequence

from bindfe.chem.findings import Finding
from bindfe.chem.findings_assembly import assembly_findings
from bindfe.chem.findings_backbone import metal_findings
from bindfe.chem.findings_bridge import dropped_water_findings
from bindfe.chem.findings_copies import copy_findings
from bindfe.chem.findings_dropped import dropped_findings
from bindfe.chem.findings_mutated import mutation_findings
from bindfe.chem.findings_predicted import predicted_findings
from bindfe.chem.findings_warhead import warhead_findings
from bindfe.chem.ligand import Ligand
from bindfe.chem.receptor import Receptor


def site_findings(
    receptor: Receptor, ligands: Sequence[Ligand], *, drop: Sequence[str], all_waters: bool | None
) -> tuple[Finding, ...]:
    """Metals and cysteines that a ligand meets; chains too few or too many; residues that are guessed or left out.

    Args:
        receptor: A protein as read.
        ligands: Ligands in their poses.
        drop: Residues that are left out, by name or label.
        all_waters: Whether all water of the file is left out; None where the solvent is implicit, which has none.
    """
    water = all_waters is not None
    return (
        *metal_findings(receptor.structure, ligands, drop=drop),
        *warhead_findings(receptor.structure, ligands, drop=drop),
        *assembly_findings(receptor, ligands, drop=drop),
        *copy_findings(receptor, ligands, drop=drop),
        *dropped_findings(receptor.structure, ligands, drop=drop),
        *mutation_findings(receptor, ligands, drop=drop),
        *predicted_findings(receptor, ligands, drop=drop),
        *(dropped_water_findings(receptor.structure, ligands, drop=drop, all_waters=bool(all_waters)) if water else ()),
    )
