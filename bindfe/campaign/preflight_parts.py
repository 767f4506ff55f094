"""What a protocol asks for and its files, its receptor or its committee do not have."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from bindfe.campaign.posecounts import given_counts, poses_asked
from bindfe.chem.findings import EVERYTHING, Finding, failed, passed, warned
from bindfe.errors import InputError
from bindfe.protocol import Protocol
from bindfe.units import kt_to_kcal

if TYPE_CHECKING:
    from rdkit import Chem

    from bindfe.chem.ligand import Ligand
    from bindfe.chem.receptor import Receptor

_ANCHORS = 3
"""Heavy atoms of each molecule that a Boresch restraint holds."""


def parts_findings(protocol: Protocol, receptor: Receptor | None, ligands: Sequence[Ligand]) -> tuple[Finding, ...]:
    """What is asked for and is not there (charges, anchors, members, calibrators), and what molecules are drawn as.

    Args:
        protocol: What would be run.
        receptor: As read; None for hydration, or if it cannot be read.
        ligands: Those that can be simulated.
    """
    from bindfe.chem.findings_flexible import flexible_findings
    from bindfe.chem.findings_tautomer import tautomer_findings

    return (
        *_charges(protocol, receptor, ligands),
        *_restraint(protocol, receptor, ligands),
        *_member(protocol),
        *_calibrator(protocol),
        *(finding for ligand in ligands for finding in flexible_findings(ligand)),
        *(finding for ligand in ligands for finding in tautomer_findings(ligand)),
        *(_drawn(protocol, receptor) if receptor is not None else ()),
    )


def _drawn(protocol: Protocol, receptor: Receptor) -> Iterable[Finding]:
    """A host or cofactors in a state of charge that the pH does not have, or drawn as rare tautomers."""
    from bindfe.chem.findings_states import receptor_state_findings
    from bindfe.chem.findings_tautomer import receptor_tautomer_findings

    yield from receptor_state_findings(receptor, ph=protocol.receptor.ph)
    yield from receptor_tautomer_findings(receptor)


def _charges(protocol: Protocol, receptor: Receptor | None, ligands: Sequence[Ligand]) -> Iterable[Finding]:
    """Molecules without partial charges in their file, where the file's are to be taken."""
    if protocol.forcefield.charges != "file":
        return
    from bindfe.chem.findings_charges import charge_findings
    from bindfe.chem.molecule import partial_charges_of

    molecules: list[tuple[str, Chem.Mol]] = [(ligand.name, ligand.mol) for ligand in ligands]
    if receptor is not None:
        molecules += [(EVERYTHING, molecule.mol) for molecule in receptor.cofactors]
        molecules += [(EVERYTHING, receptor.mol)] if receptor.mol is not None else []
    for name, mol in molecules:
        charges = partial_charges_of(mol)
        if charges is not None:
            yield from charge_findings(mol, charges, ligand=name)
        else:
            yield failed(
                "partial-charges",
                f"{'has' if name else 'the receptor or a cofactor has'} no partial charges in its file, and "
                "forcefield.charges is file",
                advice="take nagl or am1bcc, or give a MOL2, or an SDF with the field atom.dprop.PartialCharge",
                ligand=name,
            )


def _restraint(protocol: Protocol, receptor: Receptor | None, ligands: Sequence[Ligand]) -> Iterable[Finding]:
    """A kind of restraint that the molecules cannot have, and equivalent poses that it does not exclude."""
    settings = protocol.restraint
    if receptor is None or protocol.road != "alchemy":
        return
    if settings.kind == "axial" and receptor.kind == "protein":
        yield failed(
            "restraint-kind",
            "restraint.kind: axial aligns a guest with a host's axis, and the receptor is a protein",
            advice="use boresch",
        )
    if settings.kind == "boresch":
        for ligand in ligands:
            heavy = sum(element != "H" for element in ligand.elements)
            if heavy < _ANCHORS:
                yield failed(
                    "restraint-kind",
                    f"restraint.kind: boresch holds three heavy atoms, and the ligand has {heavy}",
                    advice="use harmonic",
                    ligand=ligand.name,
                )
            else:
                yield from _equivalent(protocol, ligand)
    elif (most := max(given_counts(protocol), default=1)) > 1:
        yield warned(
            "restraint-kind",
            f"ligands.equivalent_poses is {most}, and restraint.kind: {settings.kind} excludes no pose",
            advice="leave it at 1: kT ln of the number is added for nothing where the ligand may turn",
        )


def _equivalent(protocol: Protocol, ligand: Ligand) -> Iterable[Finding]:
    """A ligand that Boresch's springs hold in one of several equal poses, and nothing says so."""
    from bindfe.chem.symmetry import equivalent_poses, fewest_equivalent_poses

    anchors = protocol.restraint.ligand_atoms
    asked = poses_asked(protocol, ligand.name)
    if asked not in (1, "auto") or any(atom >= ligand.n_atoms for atom in anchors):
        return
    number = equivalent_poses(ligand, anchors) if anchors else fewest_equivalent_poses(ligand)
    if number == 1:
        return
    missing = kt_to_kcal(math.log(number), protocol.sampling.temperature)
    if asked == "auto":
        yield passed(
            "equivalent-poses",
            f"fits in {number} ways{'' if anchors else ' or more'}, for which -{missing:.2f} kcal/mol are added (auto)",
            ligand=ligand.name,
        )
    else:
        yield warned(
            "equivalent-poses",
            f"fits in {number} ways that differ only in which of its equal atoms are which; Boresch's springs hold "
            f"one, which is up to {missing:.2f} kcal/mol too weak",
            advice=f"set ligands.equivalent_poses to {{{ligand.name}: {number}}}, or to auto for every ligand, unless "
            "it turns often while the springs are off",
            ligand=ligand.name,
        )


def _member(protocol: Protocol) -> Iterable[Finding]:
    settings = protocol.committee
    if settings.model == "none" or settings.driver != "one-member":
        return
    from bindfe.mlip.catalogue import model_named

    number = model_named(settings.model).n_members
    if settings.member >= number:
        yield failed(
            "committee-member",
            f"committee.member is {settings.member}, and {settings.model} has 0 to {number - 1}",
            advice="choose one of these",
        )


def _calibrator(protocol: Protocol) -> Iterable[Finding]:
    if protocol.calibration.file is None:
        return
    from bindfe.campaign.analysis import absolute_calibrator

    try:
        absolute_calibrator(protocol.calibration.file)
    except InputError as error:
        message, _, advice = str(error).partition("; ")
        yield failed("calibration", message, advice=advice)
