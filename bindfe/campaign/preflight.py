"""The pre-flight: everything that would cost GPU days, found in minutes and without molecular dynamics.

The checks live where the chemistry does; here they are asked, in the order in which a calculation would meet
them, and nothing that one of them finds keeps the next from being made.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bindfe.campaign.ligands import coverage_findings, place_in_pocket, read_protocol_series, read_reference
from bindfe.campaign.posecounts import title_findings
from bindfe.campaign.preflight_cost import Cost, Worker, estimate_cost, workers_here
from bindfe.campaign.preflight_limits import Limits, cost_findings
from bindfe.campaign.preflight_measured import measured_findings, strength_findings
from bindfe.campaign.preflight_membrane import membrane_findings
from bindfe.campaign.preflight_parts import parts_findings
from bindfe.campaign.preflight_receptor import complete_receptor, look_at_site
from bindfe.campaign.preflight_settings import box_findings, settings_findings
from bindfe.campaign.preflight_site import (
    anchor_findings,
    axis_findings,
    bulk_findings,
    path_findings,
    well_findings,
)
from bindfe.chem.findings import (
    EVERYTHING,
    Finding,
    Level,
    failed,
    findings_of,
    passed,
    worst_level,
)
from bindfe.errors import InputError, MissingDependency
from bindfe.protocol import Protocol
from bindfe.results import Floats

if TYPE_CHECKING:
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.pose import PlacedLigand
    from bindfe.chem.pose_contact import Pocket
    from bindfe.chem.receptor import Receptor


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Preflight:
    """What the pre-flight found."""

    protocol: str
    """Name of the protocol."""
    subjects: tuple[str, ...]
    """Ligands and edges, in the order of the series; those that cannot be read as well."""
    findings: tuple[Finding, ...]
    """All findings."""
    cost: Cost | None
    """What the calculation will take; None if nothing can run."""
    poses: tuple[PlacedLigand, ...]
    """Poses that were made from a reference."""
    seconds: float
    """Wall time of the pre-flight [s]."""

    @property
    def level(self) -> Level:
        """The worst of all findings."""
        return worst_level(self.findings)

    def about(self, subject: str) -> tuple[Finding, ...]:
        """Findings about a ligand or an edge, the worst first; about the whole for ``EVERYTHING``."""
        return findings_of(self.findings, ligand=subject)


def check_protocol(
    protocol: Protocol,
    *,
    reference: str | Path | None = None,
    limits: Limits | None = None,
    worker: Worker | None = None,
) -> Preflight:
    """Check inputs and settings of a calculation before any molecular dynamics.

    Args:
        protocol: What would be run.
        reference: SDF, MOL2 or MOL file of one crystal ligand; ligands without a pose are placed on it. The
            protocol's if None.
        limits: What it may cost; nothing is limited if None.
        worker: What would run it; this machine if None.

    Raises:
        InputError: The reference cannot be read. What is wrong with the calculation itself is a finding.
    """
    begun = time.perf_counter()
    if protocol.catalysts is not None:
        return _check_catalysts(protocol, begun)
    reference = reference or protocol.ligands.reference
    crystal = read_reference(Path(reference)) if reference else None
    findings = list(settings_findings(protocol))
    ligands: tuple[Ligand, ...] = ()
    receptor: Receptor | None = None
    poses: tuple[PlacedLigand, ...] = ()
    if protocol.analytic is None:
        from bindfe.chem.findings_states import state_findings

        ligands, read = _read_ligands(protocol)
        receptor, about = _read_receptor(protocol)
        findings += [*read, *about]
        if receptor is not None:
            ligands, poses, placed = _look_at_poses(protocol, ligands, receptor, crystal)
            complete, found = look_at_site(protocol, receptor, ligands)
            findings += membrane_findings(protocol, receptor)
            findings += [*placed, *found, *_look_at_restraint(protocol, complete, ligands)]
        findings += _look_at_boxes(protocol, ligands, receptor)
        findings += _look_at_measured(protocol, ligands, receptor)
        findings += parts_findings(protocol, receptor, ligands)
        findings += [finding for ligand in ligands for finding in coverage_findings(protocol, ligand)]
        findings += [f for ligand in ligands for f in state_findings(ligand, ph=protocol.receptor.ph)]
        findings += _look_at_edges(protocol, ligands)
    cost = None
    if ligands:
        worker = worker or workers_here(protocol)
        cost = estimate_cost(protocol, ligands, _atoms_of(receptor, protocol.receptor.drop), worker)
        findings += cost_findings(cost, protocol, limits=limits or Limits(), worker=worker)
    subjects = dict.fromkeys([finding.ligand for finding in findings if finding.ligand != EVERYTHING])
    return Preflight(
        protocol=protocol.name,
        subjects=tuple(subjects),
        findings=tuple(findings),
        cost=cost,
        poses=poses,
        seconds=time.perf_counter() - begun,
    )


def _read_ligands(protocol: Protocol) -> tuple[tuple[Ligand, ...], tuple[Finding, ...]]:
    """Ligands that can be simulated, and what is wrong with the others."""
    try:
        series = read_protocol_series(protocol)
    except (InputError, MissingDependency) as error:
        return (), (failed("unreadable", str(error), advice=""),)
    fine = [passed("ligand", _formula(ligand), ligand=ligand.name) for ligand in series.ligands]
    titles = title_findings(protocol, [*(ligand.name for ligand in series.ligands), *series.refused])
    return series.ligands, (*series.findings, *titles, *fine)


def _formula(ligand: Ligand) -> str:
    return f"{ligand.n_atoms} atoms, charge {ligand.formal_charge:+d}, {ligand.smiles}"


def _read_receptor(protocol: Protocol) -> tuple[Receptor | None, tuple[Finding, ...]]:
    from bindfe.chem.receptor import read_receptor

    if protocol.hydration:
        return None, ()
    try:
        settings = protocol.receptor
        receptor = read_receptor(
            settings.file, name=settings.name, cofactors=settings.cofactors, templates=settings.templates
        )
    except InputError as error:
        return None, (failed("receptor", str(error), advice=""),)
    return receptor, ()


def _atoms_of(receptor: Receptor | None, drop: Sequence[str]) -> Floats | None:
    """All atoms of a receptor that stay [nm], (N, 3); those of a protein as if it had its hydrogens."""
    if receptor is None:
        return None
    if receptor.kind == "host":
        return receptor.positions
    atoms = [atom for atom in receptor.structure.atoms if not atom.called & set(drop)]
    x = np.array([atom.position for atom in atoms], dtype=float).reshape(-1, 3)
    if not atoms:
        return None
    bare = not any(atom.element == "H" for atom in atoms)
    return np.concatenate([x, x]) if bare else x  # proteins have about as many hydrogens as heavy atoms


def _look_at_poses(
    protocol: Protocol, ligands: Sequence[Ligand], receptor: Receptor, crystal: Ligand | None
) -> tuple[tuple[Ligand, ...], tuple[PlacedLigand, ...], list[Finding]]:
    """The ligands in their poses, those poses that were made, and what is wrong with any."""
    from bindfe.chem.pose_findings import no_pose, scattered_findings
    from bindfe.chem.site import receptor_pocket

    there = [ligand for ligand in ligands if ligand.placed]
    guides = [ligand.positions for ligand in (*there, *([crystal] if crystal else []))]
    placing = crystal is not None and len(there) < len(ligands)
    completed = complete_receptor(protocol, receptor)[0] if placing else None
    shown = completed.receptor if completed else receptor  # poses as a run makes them
    pocket = receptor_pocket(shown, guides, drop=protocol.receptor.drop)
    kept: list[Ligand] = []
    poses: list[PlacedLigand] = []
    centre = None if crystal is None else crystal.positions.mean(axis=0)
    findings = list(scattered_findings(there, centre))
    for ligand in ligands:
        if ligand.placed:
            kept.append(ligand)
            findings += _given_pose(ligand, pocket, crystal)
        elif crystal is None:
            findings.append(no_pose(ligand))
        else:
            modes, found = place_in_pocket(ligand, crystal, pocket)
            findings += found
            poses += modes
            kept += [mode.ligand for mode in modes[:1]]
    return tuple(kept), tuple(poses), findings


def _check_catalysts(protocol: Protocol, begun: float) -> Preflight:
    """Metal complexes are built and nothing is calculated of them, so that only their structures can be wrong."""
    from bindfe.campaign.catalysts import catalyst_findings

    findings = catalyst_findings(protocol)
    return Preflight(
        protocol=protocol.name,
        subjects=tuple(dict.fromkeys(finding.ligand for finding in findings if finding.ligand != EVERYTHING)),
        findings=findings,
        cost=None,
        poses=(),
        seconds=time.perf_counter() - begun,
    )


def _given_pose(ligand: Ligand, pocket: Pocket, crystal: Ligand | None) -> list[Finding]:
    from bindfe.chem.pose import judge_pose
    from bindfe.chem.pose_amide import amide_findings
    from bindfe.chem.pose_bonds import bond_order_findings
    from bindfe.chem.pose_findings import pose_findings, reference_findings

    found = [
        *bond_order_findings(ligand),
        *amide_findings(ligand),
        *(reference_findings(ligand, crystal) if crystal else ()),
    ]
    try:
        return [*found, *pose_findings(ligand, judge_pose(ligand, pocket), pocket)]
    except InputError as error:
        return [*found, _failure("pose", ligand.name, error)]


def _failure(check: str, ligand: str, error: InputError) -> Finding:
    message, _, advice = str(error).removeprefix(f"{ligand}: ").partition("; ")
    return failed(check, message, advice=advice, ligand=ligand)


def _look_at_restraint(protocol: Protocol, receptor: Receptor | None, ligands: Sequence[Ligand]) -> Sequence[Finding]:
    """Anchors that were given, and the bulk that a ligand is carried to."""
    if receptor is None:
        return ()
    if receptor.mol is not None:
        x, symbols = receptor.positions, list(receptor.elements)
    else:
        x = np.array([atom.position for atom in receptor.structure.atoms], dtype=float)
        symbols = [atom.element for atom in receptor.structure.atoms]
        for molecule in receptor.cofactors:
            x, symbols = np.concatenate([x, molecule.positions]), [*symbols, *molecule.elements]
    alchemical = protocol.road == "alchemy"
    return [
        finding
        for ligand in ligands
        for finding in (
            *(anchor_findings(protocol, ligand, receptor=x, elements=symbols) if alchemical else ()),
            *(axis_findings(protocol, ligand, receptor=x, elements=symbols) if receptor.mol is not None else ()),
            *bulk_findings(protocol, ligand, receptor=x),
            *path_findings(protocol, ligand, receptor=x, elements=symbols),
            *well_findings(protocol, ligand, receptor=x, elements=symbols),
        )
    ]


def _look_at_boxes(protocol: Protocol, ligands: Sequence[Ligand], receptor: Receptor | None) -> list[Finding]:
    atoms = _atoms_of(receptor, protocol.receptor.drop)
    return [finding for ligand in ligands for finding in box_findings(protocol, ligand, receptor=atoms)]


def _look_at_measured(protocol: Protocol, ligands: Sequence[Ligand], receptor: Receptor | None) -> Sequence[Finding]:
    """The table of measured values, and whether it means these molecules."""
    from bindfe.chem.findings_table import table_findings

    found = measured_findings(protocol, [ligand.name for ligand in ligands])
    if not found or worst_level(found) == "fail":
        return found
    strong = () if receptor is None else strength_findings(protocol, ligands, host=receptor.mol is not None)
    return (*found, *strong, *table_findings(protocol.ligands.measured, ligands))


def _look_at_edges(protocol: Protocol, ligands: Sequence[Ligand]) -> Sequence[Finding]:
    """Maps and network of a relative calculation."""
    from bindfe.campaign.edges import plan_edges
    from bindfe.chem.findings_edges import edge_findings

    if not protocol.relative or not ligands:
        return ()
    try:
        network, maps = plan_edges(tuple(ligands), protocol)
    except InputError as error:
        message, _, advice = str(error).partition("; ")
        check = "disconnected-network" if "share a core" in message else "network"
        return (failed(check, message, advice=advice),)
    named = {ligand.name: ligand for ligand in ligands}
    looked = [finding for (a, b), each in maps.items() for finding in edge_findings(named[a], named[b], each)]
    found = [*(finding for each in maps.values() for finding in each.findings), *looked, *network.findings]
    return tuple(found) or (passed("edges", f"{len(network.edges)} edges connect {len(ligands)} ligands"),)


def preflight_record(result: Preflight) -> Mapping[str, Any]:
    """The pre-flight as JSON can hold it."""
    from bindfe.store import to_plain

    return {
        "version": 1,
        "protocol": result.protocol,
        "level": result.level,
        "seconds": round(result.seconds, 1),
        "subjects": [{"name": name, "level": worst_level(result.about(name))} for name in result.subjects],
        "cost": None if result.cost is None else to_plain(result.cost),
        "findings": [to_plain(finding) for finding in result.findings],
    }


def write_poses(result: Preflight, reference: str | Path, folder: Path) -> None:
    """Write the poses that were made: ``poses.sdf``, the best mode of each ligand first, and ``poses.svg``.

    Raises:
        InputError: Nothing was placed.
    """
    from bindfe.chem.pose_draw import draw_poses, poses_as_sdf
    from bindfe.store import write_text

    if not result.poses:
        raise InputError("no ligand was placed: those that have a pose keep it")
    write_text(folder / "poses.sdf", poses_as_sdf(result.poses))
    write_text(folder / "poses.svg", draw_poses(result.poses, read_reference(Path(reference))))
