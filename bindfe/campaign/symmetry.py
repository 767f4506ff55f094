"""Equivalent poses of each ligand of a run: how many its springs shut out, and a warning where nobody says so."""

from __future__ import annotations

import math
from dataclasses import replace

from bindfe.campaign.ligands import stored_ligands
from bindfe.campaign.posecounts import poses_asked, title_findings
from bindfe.chem.findings import require
from bindfe.protocol import Protocol
from bindfe.results import BindingEstimate, PreparedLeg
from bindfe.states import BoreschRestraint
from bindfe.store import Run
from bindfe.units import kt_to_kcal


def equivalent_count(run: Run, protocol: Protocol, name: str, leg: PreparedLeg | None) -> int:
    """Equivalent poses of a ligand that its restraint shuts out, by ``ligands.equivalent_poses``.

    ``auto`` is what the molecule and its anchors give where Boresch's springs hold it, and 1 elsewhere: a centroid
    shuts out none.

    Args:
        run: The run directory.
        protocol: Its protocol.
        name: The ligand, or an edge.
        leg: The leg that the ligand is bound in; None along a path, which has no springs between named atoms.

    Raises:
        InputError: The protocol names a ligand that the run does not have.
    """
    _check_titles(run, protocol)
    asked = poses_asked(protocol, name)
    if asked != "auto":
        return asked
    return 1 if leg is None else counted_poses(run, leg)


def _check_titles(run: Run, protocol: Protocol) -> None:
    """Refuse a title in ``ligands.equivalent_poses`` that no ligand has; the run's protocol may have been changed."""
    if not isinstance(protocol.ligands.equivalent_poses, dict) or not (run.root / "ligands.json").exists():
        return
    series = stored_ligands(run)
    require(title_findings(protocol, {*(ligand.name for ligand in series.ligands), *series.refused}))


def counted_poses(run: Run, leg: PreparedLeg) -> int:
    """Poses of a leg's ligand that its springs tell apart although they are one; 1 without springs or ``ligands.sdf``.

    Args:
        run: The run directory.
        leg: The leg that the ligand is bound in.
    """
    from bindfe.chem.symmetry import equivalent_poses

    restraint = leg.restraint
    if not isinstance(restraint, BoreschRestraint) or not (run.root / "ligands.json").exists():
        return 1
    for ligand in stored_ligands(run).ligands:
        if ligand.name == leg.ligand and ligand.n_atoms == len(leg.ligand_atoms):
            return equivalent_poses(ligand, [leg.ligand_atoms.index(atom) for atom in restraint.ligand_atoms])
    return 1


def say_count(binding: BindingEstimate, protocol: Protocol) -> BindingEstimate:
    """The estimate, with the term of symmetry saying so where the number was counted and not given."""
    if poses_asked(protocol, binding.ligand) != "auto":
        return binding
    counted = "; counted from the molecule and its anchors (ligands.equivalent_poses: auto)"
    terms = (replace(t, explanation=t.explanation + counted) if t.name == "symmetry" else t for t in binding.terms)
    return replace(binding, terms=tuple(terms))


def symmetry_warning(run: Run, protocol: Protocol, leg: PreparedLeg) -> str:
    """What is to be said of the ligand's equivalent poses; empty if there is nothing.

    Args:
        run: The run directory; one without ``ligands.sdf`` is not looked at.
        protocol: Its protocol.
        leg: The complex leg.
    """
    if poses_asked(protocol, leg.ligand) != 1:
        return ""
    number = counted_poses(run, leg)
    if number == 1:
        return ""
    missing = kt_to_kcal(math.log(number), protocol.sampling.temperature)
    return (
        f"the springs hold one of {number} poses that differ only in which of the ligand's equal atoms are which: the "
        f"value is up to {missing:.2f} kcal/mol too weak, unless the ligand turned while they were off; set "
        f"ligands.equivalent_poses to {{{leg.ligand}: {number}}} if it did not"
    )
