"""One leg of the cycle, from molecules and protocol to files that can be sampled anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openmm as mm
from openmm import app, unit

from bindfe.build.alchemy import LAMBDA_ELECTROSTATICS, LAMBDA_STERICS, decoupled_system
from bindfe.build.forcefield import Assembly, parametrise
from bindfe.build.legfiles import LegParts, LoadedLeg, PlainSystem, load_leg, load_plain, write_leg
from bindfe.build.path import ligand_path
from bindfe.build.restraint import LAMBDA_RESTRAINTS, choose_restraint, restraint_force
from bindfe.build.solvate import solvate, without_solvent
from bindfe.build.transfer import LAMBDA_TRANSFER, transfer_system
from bindfe.errors import InputError, ProtocolError
from bindfe.protocol import Protocol
from bindfe.results import PreparedLeg
from bindfe.states import BoreschRestraint, CentroidRestraint, LambdaSchedule, LegKind, Restraint
from bindfe.units import thermal_energy

if TYPE_CHECKING:
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.receptor import Receptor

__all__ = ["LoadedLeg", "PlainSystem", "check_ends", "load_leg", "load_plain", "prepare_leg"]

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
) -> PreparedLeg:
    """Build one leg of one ligand and write it; nothing is minimised or sampled.

    Args:
        receptor: The host; not used by the solvent and vacuum legs, and may be None there.
        ligand: The ligand, placed in the receptor.
        kind: Transfer, complex, solvent, vacuum or path.
        protocol: Force field, solvent, alchemy, restraint, schedule.
        directory: Where the files are written; ``leg.json`` last, so it is there only if all of them are.
        fingerprint: Identity of the calculation, kept in the record.

    Returns:
        The record, as in ``leg.json``.

    Raises:
        InputError: Missing parameters, a ligand outside the receptor, coordinates with a non-finite energy, a
            charged ligand that is decoupled in a periodic box, or a receptor that is missing.
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
    rigid = _rigid_atoms(receptor, ligand)
    restraint = None if kind in _ALONE else _restraint(assembly, protocol, rigid=rigid)
    _check_placed(restraint, assembly, ligand.name, protocol)
    parts = LegParts(
        kind=kind,
        ligand=ligand.name,
        assembly=assembly,
        system=_alchemical(kind, plain, assembly, restraint, surroundings),
        plain=plain,
        free=_ligand_alone(ligand, protocol) if kind is LegKind.TRANSFER else None,
        parameters=_state_parameters(kind, schedule),
        linear_parameters=_LINEAR[kind],
        restraint=restraint,
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
    if protocol.solvent.model == "tip3p" and ligand.formal_charge != 0:
        raise InputError(
            f"{ligand.name} has charge {ligand.formal_charge:+d}: decoupling it in a periodic box changes the "
            "box's net charge, and bindfe does not correct that. Use solvent.model: obc2, or a neutral ligand"
        )


def _rigid_atoms(receptor: Receptor | None, ligand: Ligand) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Ring atoms of the receptor and of the ligand, each numbered from 0."""
    mols: list[Any] = [None if receptor is None else receptor.host, ligand.mol]
    host, guest = (
        tuple(atom.GetIdx() for atom in mol.GetAtoms() if atom.IsInRing()) if mol is not None else () for mol in mols
    )
    return host, guest


def _restraint(assembly: Assembly, protocol: Protocol, *, rigid: tuple[tuple[int, ...], tuple[int, ...]]) -> Restraint:
    heavy = {atom.index for atom in assembly.topology.atoms() if atom.element is not app.element.hydrogen}
    return choose_restraint(
        protocol.restraint,
        positions=assembly.positions,
        receptor_atoms=assembly.receptor_atoms,
        ligand_atoms=assembly.ligand_atoms,
        heavy=heavy,
        preferred={assembly.receptor_atoms[i] for i in rigid[0]} | {assembly.ligand_atoms[i] for i in rigid[1]},
    )


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
    kind: LegKind, plain: mm.System, assembly: Assembly, restraint: Restraint | None, protocol: Protocol
) -> mm.System:
    if kind is LegKind.TRANSFER:
        system = transfer_system(plain, assembly.ligand_atoms, protocol.alchemy)
    else:
        system = decoupled_system(plain, assembly.ligand_atoms, protocol)
    if restraint is not None:
        system.addForce(restraint_force(restraint, periodic=protocol.solvent.model == "tip3p"))
    return system


def _ligand_alone(ligand: Ligand, protocol: Protocol) -> mm.System:
    force_field, molecule = parametrise(None, ligand, protocol)
    return solvate(force_field, molecule, protocol)[0]


def _state_parameters(kind: LegKind, schedule: LambdaSchedule) -> tuple[Mapping[str, float], ...]:
    names = _PARAMETERS[kind]
    rows = [getattr(schedule, _ROWS[name]) for name in names]
    return tuple(dict(zip(names, values, strict=True)) for values in zip(*rows, strict=True))
