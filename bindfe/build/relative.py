"""The leg of an edge: receptor, one ligand in the site, the other in bulk, and what makes them change places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import openmm as mm
from openmm import app
from scipy.spatial.distance import cdist

from bindfe.build.bulkplace import BulkPlace, find_bulk
from bindfe.build.forcefield import Assembly, parametrise
from bindfe.build.legfiles import LegParts, write_leg
from bindfe.build.solvate import check_padding, solvate
from bindfe.build.swap import (
    LAMBDA_FIRST_SITE,
    LAMBDA_SECOND_SITE,
    SWAP_LINEAR,
    Alignment,
    Site,
    alignment_force,
    site_force,
    swap_parameters,
    swap_system,
)
from bindfe.errors import InputError, ProtocolError, RestraintError
from bindfe.protocol import Protocol
from bindfe.results import Floats, PreparedLeg
from bindfe.states import LambdaSchedule, LegKind

if TYPE_CHECKING:
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.receptor import Receptor

Triple = tuple[int, int, int]
Vector = tuple[float, float, float]

_AROUND_NM = 0.8  # heavy atoms of the receptor this close to a ligand make the site's centroid
_CLEAR_NM = 2.0  # the ligand in bulk is at least so far from the receptor without a box


def prepare_edge(
    receptor: Receptor,
    first: Ligand,
    second: Ligand,
    protocol: Protocol,
    directory: Path,
    *,
    alignment: tuple[Sequence[int], Sequence[int]],
    fingerprint: str,
) -> PreparedLeg:
    """Build the alchemical transfer of an edge and write it; nothing is minimised or sampled.

    Args:
        receptor: The receptor.
        first: The ligand that is in the site at lambda 0, in its bound pose.
        second: The ligand that is in the site at lambda 1, in its own bound pose, in the same frame.
        protocol: Force field, solvent, alchemy, restraint (the site), edges (the alignment), schedule.
        directory: Where the files are written; ``leg.json`` last.
        alignment: Three atoms of each ligand, numbered in the ligand, whose frames are kept alike; see
            :func:`bindfe.chem.mapping.alignment_pairs`.
        fingerprint: Identity of the calculation, kept in the record.

    Returns:
        The record, as in ``leg.json``. Its ligand is the edge ``first~second``; its ligand atoms are those of the
        first and then of the second ligand. The coordinates are those of lambda 0.

    Raises:
        InputError: Missing parameters, a ligand in bulk that meets the receptor, or a non-finite energy.
        ProtocolError: The schedule does not run from 0 to 1.
        RestraintError: A ligand lies outside the site.
        StoreError: The files cannot be written.
    """
    schedule = protocol.schedule_of(LegKind.RELATIVE)
    check_relative_ends(schedule)
    plain, assembly, displacement = edge_system(receptor, first, second, protocol)
    ligands = _split(assembly, first.n_atoms)
    system = swap_system(
        plain,
        first_atoms=ligands[0],
        second_atoms=ligands[1],
        displacement=displacement,
        settings=protocol.alchemy,
    )
    frames = [_triple(atoms, chosen) for atoms, chosen in zip(ligands, alignment, strict=True)]
    for force in holding_forces(assembly, ligands, frames, displacement, protocol):
        system.addForce(force)
    parts = LegParts(
        kind=LegKind.RELATIVE,
        ligand=f"{first.name}~{second.name}",
        assembly=assembly,
        system=system,
        plain=plain,
        parameters=tuple(
            swap_parameters(swapped=swapped, alignment=held)
            for swapped, held in zip(schedule.transfer, schedule.restraints, strict=True)
        ),
        linear_parameters=SWAP_LINEAR,
        restraint=None,
    )
    return write_leg(directory, parts, protocol, fingerprint=fingerprint)


def edge_system(
    receptor: Receptor, first: Ligand, second: Ligand, protocol: Protocol
) -> tuple[mm.System, Assembly, Vector]:
    """The physical System of receptor, first ligand in the site and second ligand in bulk, and its displacement [nm].

    Without a box, bulk is ``alchemy.displacement`` along x. In a box it is the largest hole between the images of the
    complex, and the box is wider than that of the complex alone only where ``edges.clearance`` asks for it. Water
    fills what both ligands leave free. What the one that is not there would fill at the other's place is left to the
    ladder, which softens the ligand that is coming.

    A barostat acts at all lambdas. AToM-OpenMM turns it off after equilibration; here each state has the same pV at
    a volume, so that the difference at constant pressure is what is wanted and is sampled.

    Raises:
        InputError: Missing parameters, a ligand in bulk that meets the receptor, or a box of too many atoms.

    Source:
        The volume kept fixed: ``rbfe_structprep.py`` of github.com/Gallicchio-Lab/AToM-OpenMM (``setFrequency(0)``
        before the ladder is walked).
    """
    force_field, molecules = parametrise(receptor, first, protocol, second=second)
    ligands = _split(molecules, first.n_atoms)
    place = _place(molecules, protocol, edge=f"{first.name}~{second.name}")
    positions = molecules.positions.copy()
    positions[list(ligands[1])] += place.displacement
    vectors = place.vectors if protocol.solvent.explicit else None
    plain, assembly = solvate(force_field, replace(molecules, positions=positions), protocol, vectors=vectors)
    if protocol.edges.pocket > 0 and receptor.kind == "protein":
        plain.addForce(_hold(assembly, protocol.edges.pocket_spring))
    return plain, assembly, place.displacement


def _place(molecules: Assembly, protocol: Protocol, *, edge: str) -> BulkPlace:
    ligands = molecules.positions[list(molecules.ligand_atoms)]
    if protocol.solvent.explicit:
        check_padding(molecules.positions, protocol)
        return find_bulk(
            molecules.positions,
            ligands,
            padding=protocol.solvent.padding,
            shape=protocol.solvent.box_shape,
            clearance=protocol.edges.clearance,
        )
    displacement = (protocol.alchemy.displacement, 0.0, 0.0)
    gap = float(cdist(ligands + displacement, molecules.positions[list(molecules.receptor_atoms)]).min())
    if gap < _CLEAR_NM:
        raise InputError(
            f"{edge}: a ligand in bulk is {10 * gap:.1f} A from the receptor and must be {10 * _CLEAR_NM:g} A away at "
            "least: raise alchemy.displacement"
        )
    return BulkPlace(displacement=displacement, vectors=np.zeros((3, 3)), gap=gap)


def _hold(assembly: Assembly, spring: float) -> mm.CustomExternalForce:
    """Springs on the CA atoms of a cut pocket, where they are: what the missing protein would do to its shape."""
    force = mm.CustomExternalForce("pocket_spring/2*((x-x0)^2+(y-y0)^2+(z-z0)^2)")
    force.setName("pocket")
    force.addGlobalParameter("pocket_spring", spring)
    for axis in ("x0", "y0", "z0"):
        force.addPerParticleParameter(axis)
    inside = set(assembly.receptor_atoms)
    for atom in assembly.topology.atoms():
        if atom.index in inside and atom.name == "CA":
            force.addParticle(atom.index, assembly.positions[atom.index].tolist())
    return force


def holding_forces(
    assembly: Assembly,
    ligands: tuple[tuple[int, ...], tuple[int, ...]],
    frames: Sequence[Triple],
    displacement: Vector,
    protocol: Protocol,
) -> tuple[mm.Force, mm.Force, mm.Force]:
    """The alignment of the ligands and each one's site.

    Raises:
        RestraintError: A ligand lies outside the site.
    """
    settings = protocol.edges
    align = alignment_force(
        Alignment(
            first=frames[0],
            second=frames[1],
            displacement=displacement,
            position_spring=settings.position_spring,
            direction_spring=settings.direction_spring,
        ),
        periodic=protocol.solvent.explicit,
    )
    here, sites = (0.0, 0.0, 0.0), []
    around = _site_atoms(assembly, ligands, displacement, protocol)
    for atoms, away, parameter in zip(
        ligands, (here, displacement), (LAMBDA_FIRST_SITE, LAMBDA_SECOND_SITE), strict=True
    ):
        heavy = tuple(atom for atom in atoms if atom in _heavy(assembly))
        site = Site(
            receptor_atoms=around,
            ligand_atoms=heavy,
            displacement=away,
            spring=protocol.restraint.spring,
            flat_radius=protocol.restraint.flat_radius,
        )
        _check_inside(site, assembly.positions)
        sites.append(site_force(site, parameter, periodic=protocol.solvent.explicit))
    return align, sites[0], sites[1]


def check_relative_ends(schedule: LambdaSchedule) -> None:
    """Refuse a schedule that does not lead from one ligand in the site to the other.

    Raises:
        ProtocolError: With the key, the values found and those needed.
    """
    if (schedule.transfer[0], schedule.transfer[-1]) != (0.0, 1.0):
        raise ProtocolError(
            f"schedule.relative.transfer: runs from {schedule.transfer[0]:g} to {schedule.transfer[-1]:g} and must run "
            "from 0 (first ligand in the site) to 1 (second)"
        )
    if {schedule.restraints[0], schedule.restraints[-1]} != {1.0}:
        raise ProtocolError("schedule.relative.restraints: the alignment must be 1 in the first and the last state")


def _split(assembly: Assembly, n_first: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return assembly.ligand_atoms[:n_first], assembly.ligand_atoms[n_first:]


def _triple(atoms: Sequence[int], chosen: Sequence[int]) -> Triple:
    if len(set(chosen)) != 3:
        raise RestraintError(f"an alignment needs three different atoms of each ligand, found {list(chosen)}")
    return atoms[chosen[0]], atoms[chosen[1]], atoms[chosen[2]]


def _heavy(assembly: Assembly) -> set[int]:
    return {atom.index for atom in assembly.topology.atoms() if atom.element is not app.element.hydrogen}


def _site_atoms(
    assembly: Assembly,
    ligands: tuple[tuple[int, ...], tuple[int, ...]],
    displacement: Vector,
    protocol: Protocol,
) -> tuple[int, ...]:
    """Heavy atoms of the receptor around both poses, or those that the protocol gives."""
    receptor = assembly.receptor_atoms
    if protocol.restraint.receptor_atoms:
        outside = [i for i in protocol.restraint.receptor_atoms if not 0 <= i < len(receptor)]
        if outside:
            raise RestraintError(f"restraint.receptor_atoms: no atom {outside[0]}; there are 0 to {len(receptor) - 1}")
        return tuple(receptor[i] for i in protocol.restraint.receptor_atoms)
    heavy = _heavy(assembly)
    walls = [atom for atom in receptor if atom in heavy]
    posed: Floats = np.concatenate(
        [assembly.positions[list(ligands[0])], assembly.positions[list(ligands[1])] - np.array(displacement)]
    )
    near = cdist(assembly.positions[walls], posed).min(axis=1) < _AROUND_NM
    chosen = tuple(atom for atom, close in zip(walls, near, strict=True) if close)
    if not chosen:
        raise RestraintError(
            f"no heavy atom of the receptor is within {10 * _AROUND_NM:g} A of a ligand: give the ligands in their "
            "bound poses, in the receptor's frame"
        )
    return chosen


def _check_inside(site: Site, positions: Floats) -> None:
    ends = [positions[list(atoms)].mean(axis=0) for atoms in (site.receptor_atoms, site.ligand_atoms)]
    distance = float(np.linalg.norm(ends[1] - ends[0] - np.array(site.displacement)))
    if distance > site.flat_radius:
        raise RestraintError(
            f"a ligand's centroid is {10 * distance:.1f} A from that of the {len(site.receptor_atoms)} receptor atoms "
            f"around it, and the site's radius is {10 * site.flat_radius:.1f} A: raise restraint.flat_radius to 2 A "
            "above the distance, or give restraint.receptor_atoms"
        )
