"""The files of a prepared leg: OpenMM's objects with checksums, written once and read anywhere."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import openmm as mm
from openmm import app, unit

from bindfe.build.forcefield import Assembly
from bindfe.errors import InputError, StoreError
from bindfe.protocol import Protocol
from bindfe.results import Floats, PreparedLeg
from bindfe.states import LambdaSchedule, LegKind, Restraint, ThermodynamicState
from bindfe.store import checksum, read_record, write_bytes, write_record, write_text

Environment = Literal["bound", "free", "water", "gas"]
"""A physical end of a cycle: in the site or in bulk (binding), in water or in the gas (hydration)."""

_LONGEST_NM = 0.6
"""Bonded atoms farther apart than this belong to a damaged file [nm]; a loop that was built may close badly."""

_LONGEST_HYDROGEN_NM = 0.25
"""The same for a bond to hydrogen, whose constraint no solver would meet from there [nm]."""

_LONG = 2_000_000
"""Characters above which a file is compressed: 50,000 atoms are 50 MB as text."""

_PLAIN_FILES: dict[tuple[LegKind, Environment], str] = {
    (LegKind.COMPLEX, "bound"): "plain.xml",
    (LegKind.SOLVENT, "free"): "plain.xml",
    (LegKind.SOLVENT, "water"): "plain.xml",
    (LegKind.VACUUM, "gas"): "plain.xml",
    (LegKind.TRANSFER, "bound"): "plain.xml",
    (LegKind.TRANSFER, "free"): "free.xml",
    (LegKind.PATH, "bound"): "plain.xml",
    (LegKind.RELATIVE, "bound"): "plain.xml",
}
"""Where the physical ends of each kind of leg lie."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LegParts:
    """What a leg is made of, before it is written."""

    kind: LegKind
    """Which leg."""
    ligand: str
    """Name of the ligand."""
    assembly: Assembly
    """All atoms in space."""
    system: mm.System
    """The alchemical System with its restraint."""
    plain: mm.System
    """The physical System of the interacting end."""
    free: mm.System | None = None
    """The ligand alone in the same solvent (transfer); None otherwise."""
    parameters: tuple[Mapping[str, float], ...]
    """The OpenMM global parameters of each state, (K,)."""
    linear_parameters: tuple[str, ...]
    """Parameters in which the energy is linear and whose derivative the System reports."""
    restraint: Restraint | None
    """What holds the ligand where it does not interact."""
    restraint_reason: str = ""
    """Why it has these anchors."""
    counterions: tuple[int, ...] = ()
    """Ions that are discharged with a charged ligand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedLeg:
    """A prepared leg as OpenMM objects."""

    record: PreparedLeg
    """What ``leg.json`` says."""
    system: mm.System
    """The alchemical System with its restraint."""
    topology: app.Topology
    """All atoms."""
    positions: Floats
    """Coordinates of ``record.start_state`` [nm], (N, 3)."""
    box: Floats | None
    """Box vectors as rows [nm], (3, 3); None without a box."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainSystem:
    """A physical end of the cycle, without alchemy or restraint; constraints and masses as in the leg."""

    system: mm.System
    """The physical System."""
    topology: app.Topology
    """Its atoms."""
    positions: Floats
    """Coordinates [nm], (N, 3)."""
    box: Floats | None
    """Box vectors as rows [nm], (3, 3); None without a box."""
    receptor_atoms: tuple[int, ...]
    """Atoms of the receptor; empty where it is absent."""
    ligand_atoms: tuple[int, ...]
    """Atoms of the ligand."""
    atoms_in_leg: tuple[int, ...]
    """Number of each atom in the leg that it belongs to, (N,)."""

    @property
    def ligand_charge(self) -> int:
        """Net charge of the ligand [e], from its partial charges."""
        (force,) = (each for each in self.system.getForces() if isinstance(each, mm.NonbondedForce))
        charges = (force.getParticleParameters(i)[0].value_in_unit(unit.elementary_charge) for i in self.ligand_atoms)
        total: float = sum(charges)
        return round(total)


def interacting_state(kind: LegKind, schedule: LambdaSchedule) -> int:
    """The state in which the ligand is wholly in its surroundings and no restraint acts."""
    return schedule.n_states - 1 if kind is LegKind.TRANSFER else 0


def write_leg(directory: Path, leg: LegParts, protocol: Protocol, *, fingerprint: str) -> PreparedLeg:
    """Write the files of a leg and, last, its record.

    Raises:
        InputError: The energy of the coordinates is not finite, or bonded atoms are far apart.
        StoreError: The files cannot be written.
    """
    _check_bonds(leg)
    schedule = None if leg.kind is LegKind.PATH else protocol.schedule_of(leg.kind)
    start = 0 if schedule is None else interacting_state(leg.kind, schedule)
    _check_finite(leg, start=start)
    files = {
        "system.xml": mm.XmlSerializer.serialize(leg.system),
        "plain.xml": mm.XmlSerializer.serialize(leg.plain),
        "topology.cif": _topology_text(leg.assembly),
        "state.xml": _state_text(leg.assembly),
    }
    if leg.free is not None:
        files["free.xml"] = mm.XmlSerializer.serialize(leg.free)
    checksums = _write_texts(directory, files)
    periodic = leg.system.usesPeriodicBoundaryConditions()
    record = PreparedLeg(
        kind=leg.kind,
        ligand=leg.ligand,
        thermodynamic_state=ThermodynamicState(
            temperature=protocol.sampling.temperature, pressure=protocol.sampling.pressure if periodic else None
        ),
        schedule=schedule,
        parameters=leg.parameters,
        linear_parameters=leg.linear_parameters,
        start_state=start,
        n_atoms=leg.system.getNumParticles(),
        receptor_atoms=leg.assembly.receptor_atoms,
        ligand_atoms=leg.assembly.ligand_atoms,
        restraint=leg.restraint,
        restraint_reason=leg.restraint_reason,
        counterions=leg.counterions,
        checksums=checksums,
        fingerprint=fingerprint,
    )
    write_record(directory / "leg.json", record)
    return record


def _write_texts(directory: Path, files: Mapping[str, str]) -> dict[str, str]:
    """Write files, long ones compressed as ``NAME.gz``; their names as written and their checksums."""
    checksums = {}
    for name, text in files.items():
        path = directory / name
        if len(text) > _LONG:
            path = directory / f"{name}.gz"
            write_bytes(path, gzip.compress(text.encode(), compresslevel=1, mtime=0))
        else:
            write_text(path, text)
        checksums[path.name] = checksum(path)
    return checksums


def _check_bonds(leg: LegParts) -> None:
    """Refuse coordinates that do not belong to their atoms."""
    x = leg.assembly.positions
    for a, b in leg.assembly.topology.bonds():
        length = float(np.linalg.norm(x[a.index] - x[b.index]))
        light = app.element.hydrogen in (a.element, b.element)
        if length > (_LONGEST_HYDROGEN_NM if light else _LONGEST_NM):
            names = " and ".join(f"{atom.residue.name}{atom.residue.id}:{atom.name}" for atom in (a, b))
            raise InputError(
                f"{leg.ligand}: {names} are bonded and {10 * length:.1f} A apart: the coordinates do not belong to "
                "these atoms. Correct the structure"
            )


def _check_finite(leg: LegParts, *, start: int) -> None:
    context = mm.Context(leg.system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName(_any_fast_platform()))
    _set_box(context, leg.assembly.topology)
    context.setPositions(leg.assembly.positions)
    for name, value in leg.parameters[start].items():
        context.setParameter(name, value)
    energy = context.getState(energy=True).getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)
    if not np.isfinite(energy):
        raise InputError(
            f"{leg.ligand}: the energy of the given coordinates is {energy}: atoms lie on top of each other. "
            "Place the ligand in the receptor's site without overlap"
        )


def _any_fast_platform() -> str:
    names = {mm.Platform.getPlatform(i).getName() for i in range(mm.Platform.getNumPlatforms())}
    return "CPU" if "CPU" in names else "Reference"


def _set_box(context: mm.Context, topology: app.Topology) -> None:
    vectors = topology.getPeriodicBoxVectors()
    if vectors is not None:
        context.setPeriodicBoxVectors(*vectors)


def _topology_text(assembly: Assembly) -> str:
    text = io.StringIO()
    app.PDBxFile.writeFile(assembly.topology, assembly.positions * unit.nanometer, text, keepIds=True)
    return text.getvalue()


def _state_text(assembly: Assembly) -> str:
    """Coordinates and box as an OpenMM State, made with a System of bare particles."""
    system = mm.System()
    for _ in range(len(assembly.positions)):
        system.addParticle(1.0)
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    _set_box(context, assembly.topology)
    context.setPositions(assembly.positions)
    return str(mm.XmlSerializer.serialize(context.getState(positions=True)))


def load_leg(directory: Path) -> LoadedLeg:
    """Read a prepared leg; only OpenMM is needed.

    Raises:
        StoreError: A file is missing, unreadable or not the one that was written.
    """
    record = read_record(directory / "leg.json", PreparedLeg)
    topology, positions, box = _load_atoms(directory, record)
    system = _load_system(directory, record, "system.xml")
    return LoadedLeg(record=record, system=system, topology=topology, positions=positions, box=box)


def load_plain(directory: Path, environment: Environment) -> PlainSystem:
    """Read the physical System of one end of a leg: ligand and receptor (bound), or the ligand alone.

    Args:
        directory: A prepared leg. Complex legs have ``bound``, solvent legs ``free`` (or ``water``, the same),
            vacuum legs ``gas``, transfer legs ``bound`` and ``free``.
        environment: Which end.

    Raises:
        StoreError: The leg has no such end, or a file is not the one that was written.
    """
    record = read_record(directory / "leg.json", PreparedLeg)
    name = _plain_file(record, environment, directory)
    topology, positions, box = _load_atoms(directory, record)
    system = _load_system(directory, record, name)
    if name == "plain.xml":
        kept, receptor, ligand = tuple(range(record.n_atoms)), record.receptor_atoms, record.ligand_atoms
    else:
        kept, receptor, ligand = record.ligand_atoms, (), tuple(range(len(record.ligand_atoms)))
        topology = _subset(topology, kept)
    return PlainSystem(
        system=system,
        topology=topology,
        positions=positions[list(kept)],
        box=box,
        receptor_atoms=receptor,
        ligand_atoms=ligand,
        atoms_in_leg=kept,
    )


def load_plain_start(directory: Path, environment: Environment) -> tuple[mm.System, Floats, Floats | None]:
    """The System, coordinates [nm] and box [nm] of one end of a leg, without its topology, which is slow to read.

    Raises:
        StoreError: As :func:`load_plain`.
    """
    record = read_record(directory / "leg.json", PreparedLeg)
    name = _plain_file(record, environment, directory)
    positions, box = _load_state(directory, record)
    system = _load_system(directory, record, name)
    kept = slice(None) if name == "plain.xml" else list(record.ligand_atoms)
    return system, positions[kept], box if system.usesPeriodicBoundaryConditions() else None


def _load_state(directory: Path, record: PreparedLeg) -> tuple[Floats, Floats]:
    """Coordinates and box vectors [nm]; the vectors say nothing where there is no box."""
    state = mm.XmlSerializer.deserialize(_checked(directory, record, "state.xml"))
    positions = np.asarray(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer), dtype=float)
    return positions, np.asarray(state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.nanometer))


def _plain_file(record: PreparedLeg, environment: Environment, directory: Path) -> str:
    try:
        return _PLAIN_FILES[record.kind, environment]
    except KeyError:
        raise StoreError(f"{directory}: a {record.kind.value} leg has no physical end called '{environment}'") from None


def _load_system(directory: Path, record: PreparedLeg, name: str) -> mm.System:
    return mm.XmlSerializer.deserialize(_checked(directory, record, name))


def _load_atoms(directory: Path, record: PreparedLeg) -> tuple[app.Topology, Floats, Floats | None]:
    topology = app.PDBxFile(io.StringIO(_checked(directory, record, "topology.cif"))).topology
    positions, vectors = _load_state(directory, record)
    if topology.getPeriodicBoxVectors() is None:
        return topology, positions, None
    # the file has lengths and angles, an equal lattice of other vectors
    topology.setPeriodicBoxVectors(vectors * unit.nanometer)
    return topology, positions, vectors


def _checked(directory: Path, record: PreparedLeg, name: str) -> str:
    written = f"{name}.gz" if f"{name}.gz" in record.checksums else name
    path = directory / written
    if checksum(path) != record.checksums.get(written):
        raise StoreError(f"{path}: is not the file that leg.json describes; delete {directory} and run again")
    content = path.read_bytes()
    return (content if written == name else gzip.decompress(content)).decode()


def _subset(topology: app.Topology, atoms: Sequence[int]) -> app.Topology:
    kept = set(atoms)
    modeller = app.Modeller(topology, [mm.Vec3(0, 0, 0)] * topology.getNumAtoms() * unit.nanometer)
    modeller.delete([atom for atom in topology.atoms() if atom.index not in kept])
    return modeller.topology
