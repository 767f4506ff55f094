"""A symmetric ligand whose springs hold one of its equal poses: a number that says nothing of it is too weak."""

from __future__ import annotations

import math

from bindfe.protocol import Protocol
from bindfe.results import PreparedLeg
from bindfe.states import BoreschRestraint
from bindfe.store import Run
from bindfe.units import kt_to_kcal


def symmetry_warning(run: Run, protocol: Protocol, leg: PreparedLeg) -> str:
    """What is to be said of the ligand's equivalent poses; empty if there is nothing.

    Args:
        run: The run directory; one without ``ligands.sdf`` is not looked at.
        protocol: Its protocol.
        leg: The complex leg.
    """
    from bindfe.campaign.ligands import stored_ligands
    from bindfe.chem.symmetry import equivalent_poses

    restraint = leg.restraint
    if not isinstance(restraint, BoreschRestraint) or protocol.ligands.equivalent_poses > 1:
        return ""
    if not (run.root / "ligands.json").exists():
        return ""
    for ligand in stored_ligands(run).ligands:
        if ligand.name == leg.ligand and ligand.n_atoms == len(leg.ligand_atoms):
            number = equivalent_poses(ligand, [leg.ligand_atoms.index(atom) for atom in restraint.ligand_atoms])
            missing = kt_to_kcal(math.log(number), protocol.sampling.temperature)
            return _words(number, missing) if number > 1 else ""
    return ""


def _words(number: int, missing: float) -> str:
    return (
        f"the springs hold one of {number} poses that differ only in which of the ligand's equal atoms are which: the "
        f"value is up to {missing:.2f} kcal/mol too weak, unless the ligand turned while they were off; set "
        f"ligands.equivalent_poses to {number} if it did not"
    )
