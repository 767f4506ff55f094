"""One leg of the cycle, from molecules and protocol to files that can be sampled anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import openmm as mm
from openmm import app, unit

from bindfe.build.alchemy import LAMBDA_ELECTROSTATICS, LAMBDA_STERICS, decoupled_system
from bindfe.build.anchors import stable_boresch
from bindfe.build.bulk import replicate
from bindfe.build.counterion import choose_counterions, discharge, wall_force
from bindfe.build.forcefield import Assembly, parametrise
from bindfe.build.legfiles import LegParts, LoadedLeg, PlainSystem, load_leg, load_plain, write_leg
from bindfe.build.path import ligand_path
from bindfe.build.restraint import LAMBDA_RESTRAINTS, choose_restraint, restraint_force
from bindfe.build.solvate import solvate, without_solvent
from bindfe.build.transfer import LAMBDA_TRANSFER, transfer_system
from bindfe.errors import InputError, ProtocolError, RestraintError
from bindfe.protocol import Protocol
from bindfe.results import Floats, PreparedLeg
from bindfe.states import BoreschRestraint, CentroidRestraint, LambdaSchedule, LegKind, Restraint
from bindfe.units import thermal_energy

if TYPE_CHECKING:
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.receptor import Receptor

__all__ = ["LoadedLeg", "PlainSystem", "Watch", "check_ends", "load_leg", "load_plain", "prepare_leg"]

_ENDS: Mapping[LegKind, tuple[Mapping[str, float], Mapping[str, float]]] = {
    LegKind.TRANSFER: ({"transfer": 0.0, "restraints": 1.0}, {"transfer": 1.0, "restraints": 0.0}),
    LegKind.COMPLEX: (
        {"restraints": 0.0, "electrostatics": 1.0, "sterics": 1.0},
        {"restraints": 1.0, "electrostatics": 0.0, "sterics": 0.0},
    ),
    LegKind.SOLVENT: ({"electrostatics": 1.0, "sterics": 1.0}, {"electrostatics": 0.0, "sterics": 0.0}),
    LegKind.VACUUM: ({"electrostatics": 1.0}, {"electrostatics": 0.0}),
}
"""First and last state of each kind of leg: only between these does the cycle close."""

_MOST_STRAIN = 40.0
"""Restraint energy of the given pose [kT] above which the ligand is not in the site."""

_LOOSE_ENDS = 3
"""Residues at each end of a chain that are no anchors."""

_SITE_NM = 1.0
"""Alpha carbons within this of the ligand make the site of a centroid restraint [nm]."""

Watch = Callable[[PlainSystem], Floats]
"""Runs a physical System for a short while: coordinates of its frames, molecules whole [nm], (F, N, 3)."""

_ROWS = {
    LAMBDA_RESTRAINTS: "restraints",
    LAMBDA_ELECTROSTATICS: "electrostatics",
    LAMBDA_STERICS: "sterics",
    LAMBDA_TRANSFER: "transfer",
}
_PARAMETERS = {
    LegKind.TRANSFER: (LAMBDA_TRANSFER, LAMBDA_RESTRAINTS),
    LegKind.COMPLEX: (LAMBDA_RESTRAINTS, LAMBDA_ELECTROSTATICS, LAMBDA_STERICS),
    LegKind.SOLVENT: (LAMBDA_ELECTROSTATICS, LAMBDA_STERICS),
    LegKind.VACUUM: (LAMBDA_ELECTROSTATICS,),
}
_LINEAR = {
    LegKind.TRANSFER: (LAMBDA_TRANSFER, LAMBDA_RESTRAINTS),
    LegKind.COMPLEX: (LAMBDA_RESTRAINTS,),
    LegKind.SOLVENT: (),
    LegKind.VACUUM: (),
}
_ALONE = (LegKind.SOLVENT, LegKind.VACUUM)
"""Legs without a receptor."""


def prepare_leg(
    receptor: Receptor | None,
    ligand: Ligand,
    kind: LegKind,
    protocol: Protocol,
    directory: Path,
    *,
    fingerprint: str,
    watch: Watch | None = None,
) -> PreparedLeg:
    """Build one leg of one ligand and write it.

    A charged ligand in a box is discharged together with ions of opposite charge, see ``choose_counterions``.

    Args:
        receptor: A host or a completed protein; not used by the solvent and vacuum legs, and may be None there.
        ligand: The ligand, placed in the receptor.
        kind: Transfer, complex, solvent, vacuum or path.
        protocol: Force field, solvent, alchemy, restraint, schedule.
        directory: Where the files are written; ``leg.json`` last, so it is there only if all of them are.
        fingerprint: Identity of the calculation, kept in the record.
        watch: Runs the physical complex of a protein for a short while, so that a Boresch restraint's anchors are
            chosen by how they move; without it they are chosen on the given coordinates.

    Returns:
        The record, as in ``leg.json``.

    Raises:
        InputError: Missing parameters, a ligand outside the receptor, coordinates with a non-finite energy, a
            charged ligand that is hydrated in a periodic box, or a receptor that is missing.
        ProtocolError: The schedule does not join the ends of the cycle.
        RestraintError: No restraint could be made.
        StoreError: The files cannot be written.
    """
    if kind is LegKind.PATH and receptor is not None:
        return _prepare_path(receptor, ligand, protocol, directory, fingerprint=fingerprint)
    schedule = protocol.schedule_of(kind)
    check_ends(kind, schedule)
    _check_charge(ligand, protocol)
    if receptor is None and kind not in _ALONE:
        raise InputError(f"{ligand.name}: a {kind.value} leg needs a receptor")
    surroundings = without_solvent(protocol) if kind is LegKind.VACUUM else protocol
    force_field, molecules = parametrise(None if kind in _ALONE else receptor, ligand, surroundings)
    plain, assembly = solvate(force_field, molecules, surroundings)
    restraint, reason = None, ""
    if receptor is not None and kind not in _ALONE:
        restraint, reason = _restraint(_physical(assembly, plain), protocol, receptor, ligand, watch)
    _check_placed(restraint, assembly, ligand.name, protocol)
    counterions: tuple[int, ...] = ()
    if surroundings.solvent.explicit and ligand.formal_charge != 0:
        counterions = choose_counterions(assembly, ligand.formal_charge, ligand=ligand.name)
    parts = LegParts(
        kind=kind,
        ligand=ligand.name,
        assembly=assembly,
        system=_alchemical(kind, plain, assembly, restraint, surroundings, counterions),
        plain=plain,
        free=_ligand_alone(ligand, protocol) if kind is LegKind.TRANSFER else None,
        parameters=_state_parameters(kind, schedule),
        linear_parameters=_LINEAR[kind],
        restraint=restraint,
        restraint_reason=reason,
        counterions=counterions,
    )
    return write_leg(directory, parts, protocol, fingerprint=fingerprint)


def _prepare_path(
    receptor: Receptor, ligand: Ligand, protocol: Protocol, directory: Path, *, fingerprint: str
) -> PreparedLeg:
    """The physical complex; what leads the ligand out of it is added when it is sampled."""
    force_field, molecules = parametrise(receptor, ligand, protocol)
    plain, assembly = solvate(force_field, molecules, protocol)
    parts = LegParts(
        kind=LegKind.PATH,
        ligand=ligand.name,
        assembly=assembly,
        system=plain,
        plain=plain,
        parameters=({},),
        linear_parameters=(),
        restraint=None,
    )
    ligand_path(_physical(assembly, plain), protocol)  # a path that cannot be is told before anything is written
    return write_leg(directory, parts, protocol, fingerprint=fingerprint)


def _physical(assembly: Assembly, plain: mm.System) -> PlainSystem:
    vectors = assembly.topology.getPeriodicBoxVectors()
    return PlainSystem(
        system=plain,
        topology=assembly.topology,
        positions=assembly.positions,
        box=None if vectors is None else np.array(vectors.value_in_unit(unit.nanometer)),
        receptor_atoms=assembly.receptor_atoms,
        ligand_atoms=assembly.ligand_atoms,
        atoms_in_leg=tuple(range(len(assembly.positions))),
    )


def check_ends(kind: LegKind, schedule: LambdaSchedule) -> None:
    """Refuse a schedule whose first and last states are not the ends that the cycle needs.

    Raises:
        ProtocolError: With the key, the value found and the value needed.
    """
    for index, ends in zip((0, -1), _ENDS[kind], strict=True):
        for row, needed in ends.items():
            found = getattr(schedule, row)[index]
            if found != needed:
                raise ProtocolError(
                    f"schedule.{kind.value}.{row}: the {'first' if index == 0 else 'last'} state is {found:g} and must "
                    f"be {needed:g}: only then does the leg join the ends of the thermodynamic cycle"
                )


def _check_charge(ligand: Ligand, protocol: Protocol) -> None:
    if protocol.solvent.explicit and protocol.hydration and ligand.formal_charge != 0:
        raise InputError(
            f"{ligand.name} has charge {ligand.formal_charge:+d}: its hydration in a periodic box depends on the box's "
            "size, and bindfe does not correct that. Use solvent.model: obc2, or a neutral ligand. (Binding is free of "
            "it: an ion of opposite charge is discharged with the ligand in both legs)"
        )


def _restraint(
    complex_: PlainSystem, protocol: Protocol, receptor: Receptor, ligand: Ligand, watch: Watch | None
) -> tuple[Restraint, str]:
    """The restraint, and for Boresch's why it has these anchors."""
    settings = protocol.restraint
    heavy = {atom.index for atom in complex_.topology.atoms() if atom.element is not app.element.hydrogen}
    rigid = _rigid_atoms(complex_, receptor, ligand)
    by_hand = bool(settings.receptor_atoms and settings.ligand_atoms)
    if receptor.kind == "protein" and settings.kind == "axial":
        raise RestraintError("restraint.kind: axial aligns a guest with a host's axis; use boresch with a protein")
    if receptor.kind == "protein" and settings.kind == "boresch" and not by_hand and watch and settings.watch_time > 0:
        chosen = stable_boresch(
            watch(complex_),
            settings,
            receptor=[i for i in complex_.receptor_atoms if i in heavy],
            ligand=[i for i in complex_.ligand_atoms if i in heavy],
            preferred=rigid,
            temperature=protocol.sampling.temperature,
        )
        return chosen.restraint, chosen.reason
    if receptor.kind == "protein" and settings.kind != "boresch":
        heavy = {i for i in heavy if i in complex_.ligand_atoms} | _around_ligand(complex_)
    restraint = choose_restraint(
        settings,
        positions=complex_.positions,
        receptor_atoms=complex_.receptor_atoms,
        ligand_atoms=complex_.ligand_atoms,
        heavy=heavy,
        preferred=rigid,
    )
    if by_hand:
        return restraint, "the anchors were given"
    return restraint, "chosen on the given coordinates" if isinstance(restraint, BoreschRestraint) else ""


def _rigid_atoms(complex_: PlainSystem, receptor: Receptor, ligand: Ligand) -> set[int]:
    """Ring atoms of a host and of the ligand; the backbone of a protein without three residues at each end."""
    first = complex_.ligand_atoms[0]
    guest = {first + atom.GetIdx() for atom in ligand.mol.GetAtoms() if atom.IsInRing()}
    if receptor.kind == "host":
        return guest | {atom.GetIdx() for atom in receptor.host.GetAtoms() if atom.IsInRing()}
    backbone = set()
    for chain in complex_.topology.chains():
        for residue in list(chain.residues())[_LOOSE_ENDS:-_LOOSE_ENDS]:
            names = {atom.name: atom.index for atom in residue.atoms()}
            if {"N", "CA", "C", "O"} <= names.keys():
                backbone |= {names["N"], names["CA"], names["C"]}
    return guest | backbone


def _around_ligand(complex_: PlainSystem) -> set[int]:
    """Alpha carbons of a protein within 1 nm of the ligand's centroid: their own centroid is the site."""
    centre = complex_.positions[list(complex_.ligand_atoms)].mean(axis=0)
    own = set(complex_.receptor_atoms)
    carbons = [
        atom.index
        for atom in complex_.topology.atoms()
        if atom.index in own and atom.name == "CA" and atom.element is app.element.carbon
    ]
    distance = {i: float(np.linalg.norm(complex_.positions[i] - centre)) for i in carbons}
    near = {i for i in carbons if distance[i] < _SITE_NM}
    return near or set(sorted(carbons, key=lambda i: distance[i])[:4])


def _check_placed(restraint: Restraint | None, assembly: Assembly, ligand: str, protocol: Protocol) -> None:
    """Refuse a ligand that lies outside the receptor, in another frame as a rule: its pose is not the bound one."""
    if restraint is None or isinstance(restraint, BoreschRestraint):
        return
    ends = (
        assembly.positions[list(atoms)].mean(axis=0) for atoms in (restraint.receptor_atoms, restraint.ligand_atoms)
    )
    distance = float(np.linalg.norm(np.subtract(*ends)))
    radius = restraint.flat_radius if isinstance(restraint, CentroidRestraint) else 0.0
    cost = 0.5 * restraint.spring * max(0.0, distance - radius) ** 2 / thermal_energy(protocol.sampling.temperature)
    if cost > _MOST_STRAIN:
        raise InputError(
            f"{ligand}: its centroid is {10 * distance:.1f} A from the receptor's, where the restraint costs "
            f"{cost:.0f} kT ({_MOST_STRAIN:g} at most): give the ligand in its bound pose, in the receptor's frame, "
            "or set a wider restraint"
        )


def _alchemical(
    kind: LegKind,
    plain: mm.System,
    assembly: Assembly,
    restraint: Restraint | None,
    protocol: Protocol,
    counterions: tuple[int, ...],
) -> mm.System:
    if kind is LegKind.TRANSFER:
        system = transfer_system(plain, assembly.ligand_atoms, protocol.alchemy)
    elif assembly.bulk is not None:  # all waters meet a ligand that is switched off as the first one does
        seed = decoupled_system(assembly.bulk.seed, assembly.ligand_atoms, protocol)
        system = replicate(seed, assembly.bulk.species)
    else:
        system = decoupled_system(plain, assembly.ligand_atoms, protocol)
    if counterions:
        discharge(system, counterions)
        system.addForce(wall_force(assembly, counterions))
    if restraint is not None:
        system.addForce(restraint_force(restraint, periodic=protocol.solvent.explicit))
    return system


def _ligand_alone(ligand: Ligand, protocol: Protocol) -> mm.System:
    force_field, molecule = parametrise(None, ligand, protocol)
    return solvate(force_field, molecule, protocol)[0]


def _state_parameters(kind: LegKind, schedule: LambdaSchedule) -> tuple[Mapping[str, float], ...]:
    names = _PARAMETERS[kind]
    rows = [getattr(schedule, _ROWS[name]) for name in names]
    return tuple(dict(zip(names, values, strict=True)) for values in zip(*rows, strict=True))
