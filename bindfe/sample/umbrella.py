"""Umbrella sampling along a typed variable: pulls, windows, exchange, in pieces that a kill cannot harm.

::

    DIRECTORY/
    ├── pull.npz        both pulls: centres, values, coordinates along the way
    ├── windows.npz     centres and springs
    ├── chunk-00000.npz values, restraint energies and replicas of so many cycles
    └── restart.npz     coordinates and velocities in each window after the last whole chunk
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openmm as mm
from openmm import unit

from bindfe.errors import SamplingError, StoreError
from bindfe.estimate.umbrella import place_windows, refine_windows
from bindfe.results import Floats, UmbrellaWindow
from bindfe.sample.drive import derived_seed
from bindfe.sample.dynamics import Replica, choose_platform
from bindfe.sample.metadynamics import Walker
from bindfe.sample.mixing import mix_neighbours
from bindfe.sample.openmmwords import hold_force, variable_force
from bindfe.sample.umbrellafiles import (
    Pulls,
    UmbrellaSettings,
    chunk_paths,
    pack_replicas,
    read_all_pulls,
    read_pulls,
    read_umbrella,
    read_windows,
    samples_of,
    unpack_replicas,
)
from bindfe.store import Arrays, read_arrays, write_arrays
from bindfe.units import thermal_energy
from bindfe.variables import BiasedVariable, Torsion, check_contains, hold_energy, value_of

CENTRE, SPRING = "umbrella_centre", "umbrella_spring"


def sample_umbrella(walker: Walker, settings: UmbrellaSettings, *, directory: Path, length: float) -> None:
    """Pull out and back, place windows, and sample each for ``length``; what is there already is kept.

    Args:
        walker: System, start in the site, and dynamics.
        settings: Variable, restraints, windows.
        directory: Where the files lie.
        length: Time of each window [ps].

    Raises:
        RestraintError: A restraint does not contain the ligand at the start.
        EstimateError: A pull does not reach both ends.
        SamplingError: A coordinate is not a number; with the window and the last good state.
    """
    kt = thermal_energy(settings.temperature)
    for hold in settings.holds:
        check_contains(hold, walker.positions, box=walker.box, kt=kt)
    mover = _Mover(walker, settings)
    pulls = _pulls(mover, directory)
    windows = _windows(mover, pulls, directory)
    goal = max(1, round(length / settings.cycle_time))
    walkers, done = _resume(mover, windows, pulls, directory)
    number = len(chunk_paths(directory))
    while done < goal:
        count = min(settings.chunk_cycles, goal - done)
        walkers, chunk = mover.cycles(windows, walkers, count, seed=_seed(walker, "chunk", number), last_good=directory)
        done += count
        # The chunk goes first: it is written again, the same, where a kill leaves the restart behind it.
        write_arrays(directory / f"chunk-{number:05d}.npz", chunk)
        write_arrays(directory / "restart.npz", {**pack_replicas(walkers), "cycles": np.array(done)})
        number += 1


def _seed(walker: Walker, what: str, number: int = 0) -> int:
    return derived_seed(walker.seed, "umbrella", 0, what, number)


class _Mover:
    """One Context that moves a replica in any window."""

    def __init__(self, walker: Walker, settings: UmbrellaSettings) -> None:
        self.walker, self.settings = walker, settings
        system = copy.deepcopy(walker.system)
        periodic = bool(system.usesPeriodicBoundaryConditions())
        for hold in settings.holds:
            system.addForce(hold_force(hold, periodic=periodic))
        system.addForce(_window_force(settings.variable, periodic=periodic))
        self._system = system
        self.context = self._new(_seed(walker, "pull"))
        self.steps = max(1, round(settings.cycle_time / walker.time_step))

    def _new(self, seed: int) -> mm.Context:
        integrator = mm.LangevinMiddleIntegrator(self.settings.temperature, self.walker.friction, self.walker.time_step)
        integrator.setRandomNumberSeed(seed)
        return mm.Context(self._system, integrator, *choose_platform(self.walker.compute))

    def value(self, replica: Replica) -> float:
        return value_of(self.settings.variable.variable, replica.positions, box=replica.box)

    def hold(self, replica: Replica) -> float:
        kt = thermal_energy(self.settings.temperature)
        return sum(hold_energy(hold, replica.positions, box=replica.box) for hold in self.settings.holds) / kt

    def load(self, replica: Replica) -> None:
        if replica.box is not None:
            self.context.setPeriodicBoxVectors(*(replica.box * unit.nanometer))
        self.context.setPositions(replica.positions)
        self.context.setVelocities(replica.velocities)

    def read(self) -> Replica:
        state = self.context.getState(positions=True, velocities=True)
        positions = np.array(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer))
        velocities = np.array(state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond))
        box = None
        if self.walker.box is not None:
            box = np.array(state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.nanometer))
        return Replica(positions=positions, velocities=velocities, box=box)

    def move(self, window: UmbrellaWindow, steps: int) -> Replica:
        self.context.setParameter(CENTRE, window.centre)
        self.context.setParameter(SPRING, window.spring)
        try:
            self.context.getIntegrator().step(steps)
        except mm.OpenMMException as error:
            raise SamplingError(str(error)) from error
        after = self.read()
        if not np.isfinite(after.positions).all():
            raise SamplingError("a coordinate is not a number")
        return after

    def relaxed(self) -> Replica:
        """The start, minimised and warmed in the first window."""
        settings, walker = self.settings, self.walker
        zero = np.zeros_like(walker.positions)
        self.load(Replica(positions=walker.positions, velocities=zero, box=walker.box))
        first = UmbrellaWindow(centre=settings.variable.low, spring=settings.spring)
        self.context.setParameter(CENTRE, first.centre)
        self.context.setParameter(SPRING, first.spring)
        mm.LocalEnergyMinimizer.minimize(self.context, 10.0, 500)
        self.context.setVelocitiesToTemperature(0.5 * settings.temperature, _seed(walker, "velocities"))
        return self.move(first, round(walker.relax / walker.time_step))

    def pull(self, ladder: Floats) -> tuple[Floats, list[Replica]]:
        """Move the centre along a ladder; the variable's value and the replica at each rung."""
        settings = self.settings
        steps = max(1, round(settings.pull_time / len(ladder) / self.walker.time_step))
        replicas = [self.move(UmbrellaWindow(centre=float(c), spring=settings.pull_spring), steps) for c in ladder]
        return np.array([self.value(replica) for replica in replicas]), replicas

    def cycles(
        self, windows: Sequence[UmbrellaWindow], walkers: list[Replica], count: int, *, seed: int, last_good: Path
    ) -> tuple[list[Replica], Arrays]:
        """Cycles of dynamics and exchange; ``walkers`` stand in the order of the windows.

        Returns:
            The replicas in each window, and ``value``, ``hold`` (K, C), ``replica`` (K, C) by the number that each
            replica had at the chunk's start.
        """
        self.context = self._new(seed)
        rng = np.random.default_rng(seed)
        size = len(windows)
        value, hold, replica = np.empty((size, count)), np.empty((size, count)), np.empty((size, count), dtype=np.int64)
        here, window_of = list(walkers), np.arange(size)
        for cycle in range(count):
            for r in range(size):
                k = int(window_of[r])
                try:
                    self.load(here[r])
                    here[r] = self.move(windows[k], self.steps)
                except SamplingError as error:
                    raise SamplingError(
                        f"window {k} at {windows[k].centre:.3g} {self.settings.variable.label}, cycle {cycle} of its "
                        f"chunk (seed {seed}): {error}. Last good state: {last_good / 'restart.npz'}"
                    ) from error
                value[k, cycle], hold[k, cycle], replica[k, cycle] = self.value(here[r]), self.hold(here[r]), r
            window_of = mix_neighbours(self._energies(windows, value[window_of, cycle]), window_of, rng=rng)
        ordered = [here[int(r)] for r in np.argsort(window_of)]
        arrays = {"value": value, "hold": hold, "replica": replica, "order": np.argsort(window_of)}
        return ordered, arrays

    def _energies(self, windows: Sequence[UmbrellaWindow], values: Floats) -> Floats:
        """Energy of each replica in each window [kT], (K, R)."""
        centres, springs = np.array([[w.centre, w.spring] for w in windows]).T
        apart = values - centres[:, None]
        if (period := self.settings.variable.period) is not None:
            apart = apart - period * np.round(apart / period)
        return np.asarray(0.5 * springs[:, None] * apart**2 / thermal_energy(self.settings.temperature))


def _window_force(variable: BiasedVariable, *, periodic: bool) -> mm.CustomCVForce:
    apart = f"v-{CENTRE}"
    if isinstance(variable.variable, Torsion):
        turn = 2 * math.pi
        apart = f"d-{turn!r}*floor(d/{turn!r}+0.5); d=v-{CENTRE}"
    force = mm.CustomCVForce(f"0.5*{SPRING}*a^2; a={apart}")
    force.addCollectiveVariable("v", variable_force(variable.variable, periodic=periodic))
    force.addGlobalParameter(CENTRE, variable.low)
    force.addGlobalParameter(SPRING, 0.0)
    return force


def _pulls(mover: _Mover, directory: Path) -> Pulls:
    """Both pulls, made once."""
    path, settings = directory / "pull.npz", mover.settings
    if not path.exists():
        rungs = max(50, round(settings.pull_time / 1.0))
        ladder = np.linspace(settings.variable.low, settings.variable.high, rungs)
        arrays: Arrays = {}
        mover.load(mover.relaxed())
        for name, centres in (("out", ladder), ("in", ladder[::-1])):
            value, replicas = mover.pull(centres)
            arrays |= {f"{name}_centre": centres, f"{name}_value": value}
            arrays |= {f"{name}_{key}": array for key, array in pack_replicas(replicas).items()}
        write_arrays(path, arrays)
    return read_all_pulls(settings, directory)


def _windows(mover: _Mover, pulls: Pulls, directory: Path) -> tuple[UmbrellaWindow, ...]:
    """Windows from the pulls, with others in what a short run of them shows to be gaps; made once."""
    path, settings = directory / "windows.npz", mover.settings
    if not path.exists():
        traces = [pulls.outward, pulls.inward] if settings.start_from == "in" else [pulls.outward]
        windows = place_windows(
            traces,
            low=settings.variable.low,
            high=settings.variable.high,
            temperature=settings.temperature,
            spring=settings.spring,
        )
        if settings.trial_cycles:
            walkers = _starts(windows, pulls, settings)
            seed = _seed(mover.walker, "trial")
            _, trial = mover.cycles(windows, walkers, settings.trial_cycles, seed=seed, last_good=directory)
            samples = samples_of(settings, windows, [trial], seed=seed)
            windows = refine_windows(windows, samples, minimum_overlap=settings.minimum_overlap)
        rows = np.array([[w.centre, w.spring] for w in windows])
        write_arrays(path, {"centre": rows[:, 0], "spring": rows[:, 1]})
    return read_windows(directory)


def _starts(windows: Sequence[UmbrellaWindow], pulls: Pulls, settings: UmbrellaSettings) -> list[Replica]:
    """For each window the rung of the pull whose value is nearest to its centre."""
    way = settings.start_from
    value = (pulls.outward if way == "out" else pulls.inward).value
    rungs = [int(np.argmin(np.abs(value - window.centre))) for window in windows]
    return [
        Replica(
            positions=pulls.positions[way][i],
            velocities=pulls.velocities[way][i],
            box=None if pulls.boxes is None else pulls.boxes[way][i],
        )
        for i in rungs
    ]


def _resume(
    mover: _Mover, windows: Sequence[UmbrellaWindow], pulls: Pulls, directory: Path
) -> tuple[list[Replica], int]:
    """Replicas in the order of the windows, and cycles done; a chunk without its restart is removed."""
    path, chunks = directory / "restart.npz", chunk_paths(directory)
    done = int(read_arrays(path)["cycles"]) if path.exists() else 0
    stored = 0
    for chunk in chunks:
        if stored >= done:
            chunk.unlink()
        else:
            stored += read_arrays(chunk)["value"].shape[1]
    if stored != done:
        raise StoreError(f"{directory}: {done} cycles were done and {stored} are stored; delete it and run again")
    return (unpack_replicas(read_arrays(path)), done) if done else (_starts(windows, pulls, mover.settings), 0)


__all__ = ["UmbrellaSettings", "read_pulls", "read_umbrella", "read_windows", "sample_umbrella"]
