"""A walker of a biased run: pieces with checkpoints, in PLUMED's files, that a kill cannot harm.

::

    DIRECTORY/
    ├── plumed.dat    what is done, readable
    ├── COLVAR        variables, energy of the restraints, bias
    ├── HILLS         (or KERNELS) what was added to the bias; of several walkers in ../hills/HILLS.0, HILLS.1 ...
    └── restart.npz   coordinates, velocities and step after the last whole piece

A piece is written by PLUMED first and its checkpoint last. A run that was killed in between has files that reach
beyond its checkpoint; they are cut back to it.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import openmm as mm
from openmm import unit

from bindfe.errors import InputError, SamplingError, StoreError
from bindfe.interop.plumed import read_hills, read_table, write_hills, write_table
from bindfe.protocol import ComputeSettings
from bindfe.results import Floats, Hills
from bindfe.sample.drive import derived_seed
from bindfe.sample.dynamics import choose_platform
from bindfe.sample.native import NativeBias, Piece, hills_record
from bindfe.sample.plumed import PlumedBias
from bindfe.sample.plumedwords import HOLD, BiasSettings, plumed_script
from bindfe.store import read_arrays, write_arrays, write_text
from bindfe.units import thermal_energy
from bindfe.variables import Distance, Torsion, Variable, check_contains, value_of

Engine = Literal["plumed", "openmm"]

_LARGEST_BIAS = 2000.0  # kJ/mol; a strong binder needs 100
_LOOK_EVERY = 2000  # steps between looks at the bias


@dataclass(frozen=True, kw_only=True, slots=True)
class Walker:
    """All that moves one walker, apart from its bias."""

    system: mm.System
    """The physical System; it is not changed."""
    positions: Floats
    """Where it starts [nm], (N, 3)."""
    box: Floats | None
    """Box vectors [nm], (3, 3); None without a box."""
    time_step: float
    """Time step [ps]."""
    friction: float
    """Friction of the thermostat [1/ps]."""
    compute: ComputeSettings
    """Platform."""
    seed: int
    """Seed of the walker, from which that of each piece follows."""
    relax: float = 5.0
    """Dynamics with the restraints and without the bias before the first piece [ps]."""
    number: int = 0
    """Which of several walkers it is."""


def sample_biased(
    walker: Walker,
    settings: BiasSettings,
    *,
    directory: Path,
    length: float,
    piece: float,
    engine: Engine = "plumed",
    script: str | None = None,
    stored: Callable[[float], None] | None = None,
) -> None:
    """Run one walker until its directory holds ``length``; what is there already is kept.

    Args:
        walker: System, start and dynamics.
        settings: Variables, restraints and bias.
        directory: Where the walker's files lie; of several walkers in neighbouring directories.
        length: Time of the walker in all [ps].
        piece: Time between two checkpoints [ps].
        engine: PLUMED, or OpenMM alone where it can (metad, one walker).
        script: A plumed.dat of the user's own instead of the written one; it must print COLVAR.
        stored: Called with the walker's time [ps] when a piece is on disk.

    Raises:
        RestraintError: A restraint does not contain the ligand at the start.
        InputError: An atom does not exist, the directory belongs to another calculation, or PLUMED refuses the script.
        SamplingError: The bias blew up; with the step, the variables and the last good state.
        MissingDependency: There is no PLUMED kernel.
    """
    _check_start(walker, settings)
    text = script or plumed_script(settings, walker=walker.number, directory="../hills")
    digest = _claim(directory, text, engine)
    if settings.walkers > 1:
        (directory.parent / "hills").mkdir(parents=True, exist_ok=True)
    goal, per_piece = round(length / walker.time_step), max(1, round(piece / walker.time_step))
    here = _resume(walker, settings, directory=directory, digest=digest, engine=engine)
    run = _PlumedRun(walker, settings, directory, text, here.step > 0) if engine == "plumed" else None
    while here.step < goal:
        steps = min(per_piece, goal - here.step)
        here = run.piece(here, steps) if run else _native_piece(walker, settings, here, steps, directory)
        _store(directory, here, digest)
        if stored is not None:
            stored(here.step * walker.time_step)
    if run:
        run.close()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Here:
    """A walker between two pieces."""

    positions: Floats
    velocities: Floats
    box: Floats | None
    step: int


def _check_start(walker: Walker, settings: BiasSettings) -> None:
    count, kt = walker.system.getNumParticles(), thermal_energy(settings.temperature)
    for each in settings.variables:
        missing = [atom for atom in atoms_of(each.variable) if not 0 <= atom < count]
        if missing:
            raise InputError(
                f"variable {each.variable.name} names atom {missing[0]}, but the system has atoms 0 to {count - 1}"
            )
    for hold in settings.holds:
        check_contains(hold, walker.positions, box=walker.box, kt=kt)


def atoms_of(variable: Variable) -> tuple[int, ...]:
    """All atoms that a variable depends on."""
    if isinstance(variable, Torsion):
        return variable.atoms
    if isinstance(variable, Distance):
        return (*variable.first, *variable.second)
    return (*variable.top, *variable.bottom, *variable.ligand)


def _claim(directory: Path, text: str, engine: Engine) -> str:
    """Digest of the calculation; refuses a directory that holds another one.

    Raises:
        InputError: With how to go on.
    """
    path, stated = directory / "plumed.dat", f"{text}\n# engine: {engine}\n"
    if path.exists() and path.read_text(encoding="utf-8") != stated:
        raise InputError(
            f"{path}: the HILLS and COLVAR here are of another run, with other settings. Give another directory, or "
            "delete this one to start anew"
        )
    if not path.exists():
        write_text(path, stated)
    return hashlib.sha256(stated.encode()).hexdigest()


def _resume(walker: Walker, settings: BiasSettings, *, directory: Path, digest: str, engine: Engine) -> _Here:
    """The walker after its last checkpoint, or a relaxed one; files of an unfinished first piece are removed."""
    path = directory / "restart.npz"
    if not path.exists():
        own = [directory / name for name in ("COLVAR", "HILLS", "KERNELS")]
        for stale in (*own, directory.parent / "hills" / f"HILLS.{walker.number}"):
            stale.unlink(missing_ok=True)
        return _relax(walker, settings)
    arrays = read_arrays(path)
    if bytes(arrays["digest"]).decode() != digest:
        raise StoreError(f"{path}: belongs to another calculation than plumed.dat; delete {directory} and run again")
    if engine == "plumed" and not (directory / "COLVAR").exists():
        raise StoreError(f"{directory / 'COLVAR'}: is gone, but restart.npz goes on from it; delete the directory")
    if settings.walkers > 1:
        _check_hills_of_all(directory.parent / "hills", settings.walkers, walker.number)
    return _Here(
        positions=arrays["positions"],
        velocities=arrays["velocities"],
        box=arrays.get("box"),
        step=int(arrays["step"]),
    )


def _check_hills_of_all(hills: Path, walkers: int, number: int) -> None:
    """PLUMED goes on from the hills of all walkers, so each must see those of the others.

    Raises:
        InputError: A walker's file is not there.
    """
    missing = [each for each in range(walkers) if not (hills / f"HILLS.{each}").exists()]
    if missing:
        raise InputError(
            f"walker {number} sees no hills of walker {missing[0]} in {hills}: all walkers need one directory that "
            "they can write to and read from at the same time. Start every walker once, or delete this one's directory"
        )


def _store(directory: Path, here: _Here, digest: str) -> None:
    arrays = {
        "positions": here.positions,
        "velocities": here.velocities,
        "step": np.array(here.step),
        "digest": np.frombuffer(digest.encode(), dtype=np.uint8),
    }
    if here.box is not None:
        arrays["box"] = here.box
    write_arrays(directory / "restart.npz", arrays)


def _context(walker: Walker, system: mm.System, here: _Here, *, temperature: float) -> mm.Context:
    """A Context at a checkpoint, seeded by the walker and the step."""
    seed = derived_seed(walker.seed, "biased", 0, "piece", here.step)
    integrator = mm.LangevinMiddleIntegrator(temperature, walker.friction, walker.time_step)
    integrator.setRandomNumberSeed(seed)
    for force in system.getForces():
        if hasattr(force, "setRandomNumberSeed"):
            force.setRandomNumberSeed(seed)
    context = mm.Context(system, integrator, *choose_platform(walker.compute))
    if here.box is not None:
        context.setPeriodicBoxVectors(*(here.box * unit.nanometer))
    context.setPositions(here.positions)
    context.setVelocities(here.velocities)
    context.setStepCount(here.step)
    context.setTime(here.step * walker.time_step)
    return context


def _read(context: mm.Context) -> _Here:
    state = context.getState(positions=True, velocities=True)
    box = None
    if context.getSystem().usesPeriodicBoundaryConditions():
        box = np.array(state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.nanometer))
    return _Here(
        positions=np.array(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)),
        velocities=np.array(state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond)),
        box=box,
        step=int(context.getStepCount()),
    )


def _relax(walker: Walker, settings: BiasSettings) -> _Here:
    """Minimised, warmed and moved with the restraints, without the bias."""
    from bindfe.sample.openmmwords import hold_force

    system = copy.deepcopy(walker.system)
    for hold in settings.holds:
        system.addForce(hold_force(hold, periodic=system.usesPeriodicBoundaryConditions()))
    start = _Here(positions=walker.positions, velocities=np.zeros_like(walker.positions), box=walker.box, step=0)
    context = _context(walker, system, start, temperature=settings.temperature)
    mm.LocalEnergyMinimizer.minimize(context, 10.0, 500)
    seed = derived_seed(walker.seed, "biased", 0, "velocities")
    context.setVelocitiesToTemperature(0.5 * settings.temperature, seed)
    _steps(context, round(walker.relax / walker.time_step), settings, "while relaxing")
    context.setStepCount(0)
    return _read(context)


def _steps(context: mm.Context, steps: int, settings: BiasSettings, last_good: str) -> None:
    try:
        context.getIntegrator().step(steps)
    except mm.OpenMMException as error:
        raise SamplingError(f"step {context.getStepCount()}: {error}; last good state: {last_good}") from error


class _PlumedRun:
    """Pieces of one walker with PLUMED; its kernel lives from piece to piece."""

    def __init__(self, walker: Walker, settings: BiasSettings, directory: Path, text: str, restart: bool) -> None:
        self._walker, self._settings, self._directory = walker, settings, directory
        self._system = copy.deepcopy(walker.system)
        self._bias = PlumedBias(text, temperature=settings.temperature, directory=directory, restart=restart)
        self._group = _free_group(self._system)
        index = self._bias.add_to(self._system)
        self._system.getForce(index).setForceGroup(self._group)

    def piece(self, here: _Here, steps: int) -> _Here:
        context = _context(self._walker, self._system, here, temperature=self._settings.temperature)
        last_good = f"step {here.step} in {self._directory / 'restart.npz'}"
        with self._bias.armed(context):
            for done in range(0, steps, _LOOK_EVERY):
                try:
                    _steps(context, min(_LOOK_EVERY, steps - done), self._settings, last_good)
                    energy = _group_energy(context, self._group)
                except SamplingError as error:
                    raise _blown_up(context, self._settings, str(error), last_good) from error
                if not abs(energy) < _LARGEST_BIAS:
                    raise _blown_up(context, self._settings, f"the bias is {energy:.3g} kJ/mol", last_good)
        after = _read(context)
        if not np.isfinite(after.positions).all():
            raise _blown_up(context, self._settings, "a coordinate is not a number", last_good)
        return after

    def close(self) -> None:
        self._bias.close()


def _native_piece(walker: Walker, settings: BiasSettings, here: _Here, steps: int, directory: Path) -> _Here:
    """A piece with OpenMM's own metadynamics; COLVAR and HILLS are written whole after it."""
    system = copy.deepcopy(walker.system)
    bias = NativeBias(system, settings)
    now = here.step * walker.time_step + 0.5 * walker.time_step
    rows, hills = _native_files(directory, settings, until=now)
    context = _context(walker, system, here, temperature=settings.temperature)
    bias.restore(hills, context)
    last_good = f"step {here.step} in {directory / 'restart.npz'}"
    try:
        made = bias.run(_Steps(context), steps=steps, time_step=walker.time_step)
    except mm.OpenMMException as error:
        raise _blown_up(context, settings, str(error), last_good) from error
    if not (np.isfinite(made.rows).all() and np.abs(made.rows[:, -1]).max() < _LARGEST_BIAS):
        wrong = made.rows[np.argmax(~(np.abs(made.rows[:, -1]) < _LARGEST_BIAS))]
        raise _blown_up(context, settings, f"at {wrong[0]:g} ps the bias was {wrong[-1]:.3g} kJ/mol", last_good)
    _write_native(directory, settings, rows, hills, made)
    return _read(context)


class _Steps:
    """The part of an ``app.Simulation`` that OpenMM's metadynamics asks for."""

    def __init__(self, context: mm.Context) -> None:
        self.context = context

    @property
    def currentStep(self) -> int:
        return int(self.context.getStepCount())

    def step(self, steps: int) -> None:
        self.context.getIntegrator().step(steps)


def _native_files(directory: Path, settings: BiasSettings, *, until: float) -> tuple[Floats, Hills]:
    """What COLVAR and HILLS hold up to a time."""
    size = len(settings.variables)
    if not (directory / "COLVAR").exists():
        return np.zeros((0, size + 3)), hills_record(settings, np.zeros((0, size + 2)))
    table = read_table(directory / "COLVAR").values
    hills = read_hills([directory / "HILLS"])
    rows = np.column_stack([hills.time, hills.centre, hills.height])
    return table[table[:, 0] < until], hills_record(settings, rows[hills.time < until])


def _write_native(directory: Path, settings: BiasSettings, rows: Floats, hills: Hills, made: Piece) -> None:
    names = [each.variable.name for each in settings.variables]
    both = [np.column_stack([h.time, h.centre, h.height]) for h in (hills, made.hills)]
    write_hills(directory / "HILLS", hills_record(settings, np.concatenate(both)))
    write_table(directory / "COLVAR", ["time", *names, HOLD, "bias.bias"], np.concatenate([rows, made.rows]))


def _free_group(system: mm.System) -> int:
    taken = {force.getForceGroup() for force in system.getForces()}
    return max(set(range(32)) - taken)


def _group_energy(context: mm.Context, group: int) -> float:
    try:
        state = context.getState(energy=True, groups={group})
    except mm.OpenMMException as error:
        raise SamplingError(str(error)) from error
    return float(state.getPotentialEnergy().value_in_unit(unit.kilojoules_per_mole))


def _blown_up(context: mm.Context, settings: BiasSettings, what: str, last_good: str) -> SamplingError:
    """The error of a bias that blew up: step, variables, last good state."""
    here = _read(context)
    seen = ", ".join(
        f"{each.label} = {value_of(each.variable, here.positions, box=here.box):.4g} (sampled from {each.low:g} to "
        f"{each.high:g})"
        for each in settings.variables
    )
    return SamplingError(
        f"{what}. At step {here.step}: {seen}. Last good state: {last_good}. Lower the height of the Gaussians or the "
        "time step, or hold the variable inside its range"
    )
