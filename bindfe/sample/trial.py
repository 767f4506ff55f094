"""A metal complex in its surroundings shown to be stable: an energy that can be lowered, and some steps of dynamics."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openmm as mm
from openmm import unit

from bindfe.chem.metal import MetalComplex, check_coordination
from bindfe.errors import SamplingError
from bindfe.protocol import ComputeSettings, SamplingSettings
from bindfe.results import Floats
from bindfe.sample.dynamics import choose_platform
from bindfe.sample.relax import relax
from bindfe.store import Arrays, read_arrays, write_arrays
from bindfe.units import thermal_energy

_BLOCK = 10  # steps between looks at the complex
_CHUNK = 50  # steps that a killed trial loses at most
_HOTTEST = 1.25  # times the bath's temperature: what is hotter gains energy from its time step


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What some steps of dynamics did to a complex."""

    steps: int
    """Steps."""
    time_step: float
    """Of each [ps]."""
    temperature: float
    """Of all atoms, mean over the second half [K]."""
    potential_energy: float
    """At the end [kJ/mol]."""
    lengths: tuple[float, ...]
    """Metal to donor at the end [nm], (D,)."""
    mean_lengths: tuple[float, ...]
    """Metal to donor, mean over the second half [nm], (D,)."""
    longest: tuple[float, ...]
    """Metal to donor where each was longest [nm], (D,)."""
    least_across: float
    """Smallest angle that was seen between donors across from each other [rad]."""
    seconds: float
    """Wall time [s]."""


def minimised_energy(system: mm.System, positions: Floats, *, what: str, compute: ComputeSettings, steps: int) -> float:
    """Energy after some steps downhill [kJ/mol]; see :func:`bindfe.sample.relax.relax`.

    Raises:
        SamplingError: It is not finite, or the potential gave none.
    """
    try:
        return relax(system, positions, None, what=what, compute=compute, steps=steps).energy
    except mm.OpenMMException as error:
        raise SamplingError(f"{what}: the energy cannot be lowered ({error}): take another repeats.seed") from error


def run_trial(
    found: MetalComplex,
    system: mm.System,
    positions: Floats,
    *,
    steps: int,
    sampling: SamplingSettings,
    compute: ComputeSettings,
    seed: int,
    store: Path,
) -> Trial:
    """Run some steps at constant volume from velocities of the bath, and look at the metal all along.

    Every 50 steps go into a file and begin with a seed of their own, so that a killed trial goes on from there and
    ends where it would have ended, and one that is too short is lengthened.

    Args:
        found: The complex; its atoms are the System's first.
        system: Complex and surroundings.
        positions: Where it starts [nm], (N, 3).
        steps: How many; at least 1.
        sampling: Temperature, time step and friction.
        compute: Platform.
        seed: Of velocities and thermostat.
        store: File of looks and of the latest coordinates [nm] and velocities [nm/ps]; what it holds is kept.

    Raises:
        InputError: The arrangement about the metal was lost; the angles are named.
        SamplingError: A coordinate is not finite, or the temperature is a quarter above the bath's. A complex
            without water starts from its minimum, so that its temperature is about half of the bath's at first.
        StoreError: The file cannot be written.
    """
    done = read_arrays(store) if store.exists() else _nothing(found, positions)
    while (now := int(done["steps"])) < steps:
        number = min(_CHUNK, steps - now)
        done = _chunk(found, system, done, steps=number, sampling=sampling, compute=compute, seed=seed + now)
        write_arrays(store, done)
    trial = _seen(done, sampling)
    _check_temperature(trial, sampling, name=found.name)
    return trial


def _nothing(found: MetalComplex, positions: Floats) -> Arrays:
    """Before the first step; velocities that are not there are drawn."""
    return {
        "positions": positions,
        "velocities": np.empty((0, 3)),
        "temperatures": np.empty(0),
        "lengths": np.empty((0, len(found.donors))),
        "across": np.empty(0),
        "energy": np.array(np.nan),
        "steps": np.array(0),
        "seconds": np.array(0.0),
    }


def _chunk(
    found: MetalComplex,
    system: mm.System,
    done: Arrays,
    *,
    steps: int,
    sampling: SamplingSettings,
    compute: ComputeSettings,
    seed: int,
) -> Arrays:
    """Some steps more, with a look at the metal every 10."""
    begun = time.perf_counter()
    integrator = mm.LangevinMiddleIntegrator(sampling.temperature, sampling.friction, sampling.time_step)
    integrator.setRandomNumberSeed(seed % (2**31 - 1) + 1)
    platform, properties = choose_platform(compute)
    context = mm.Context(system, integrator, platform, properties)
    context.setPositions(done["positions"] * unit.nanometer)
    if len(done["velocities"]):
        context.setVelocities(done["velocities"] * unit.nanometer / unit.picosecond)
    else:
        context.setVelocitiesToTemperature(sampling.temperature, seed % (2**31 - 1) + 1)
    freedom = _freedom(system)
    temperatures, shells = [], []
    for past in range(0, steps, _BLOCK):
        x, temperature = _advance(context, min(_BLOCK, steps - past), freedom, name=found.name)
        temperatures.append(temperature)
        shells.append(check_coordination(found, x[: len(found.numbers)]))
    state = context.getState(velocities=True, energy=True)
    return {
        "positions": x,
        "velocities": state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond),
        "temperatures": np.append(done["temperatures"], temperatures),
        "lengths": np.vstack([done["lengths"], *(shell.lengths for shell in shells)]),
        "across": np.append(done["across"], [shell.trans_angles.min() for shell in shells]),
        "energy": np.array(state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)),
        "steps": done["steps"] + steps,
        "seconds": done["seconds"] + time.perf_counter() - begun,
    }


def _seen(done: Arrays, sampling: SamplingSettings) -> Trial:
    half = len(done["temperatures"]) // 2
    return Trial(
        steps=int(done["steps"]),
        time_step=sampling.time_step,
        temperature=float(done["temperatures"][half:].mean()),
        potential_energy=float(done["energy"]),
        lengths=tuple(map(float, done["lengths"][-1])),
        mean_lengths=tuple(map(float, done["lengths"][half:].mean(axis=0))),
        longest=tuple(map(float, done["lengths"].max(axis=0))),
        least_across=float(done["across"].min()),
        seconds=float(done["seconds"]),
    )


def _check_temperature(trial: Trial, sampling: SamplingSettings, *, name: str) -> None:
    if trial.temperature > _HOTTEST * sampling.temperature:
        raise SamplingError(
            f"{name}: {trial.temperature:.0f} K in a bath of {sampling.temperature:.0f} K over the second half of "
            f"{trial.steps} steps of {1e3 * trial.time_step:g} fs: take a shorter sampling.time_step"
        )


def _freedom(system: mm.System) -> int:
    """Degrees of freedom that have kinetic energy."""
    moving: int = sum(system.getParticleMass(i).value_in_unit(unit.dalton) > 0 for i in range(system.getNumParticles()))
    held = any(isinstance(force, mm.CMMotionRemover) for force in system.getForces())
    constraints: int = system.getNumConstraints()
    return 3 * moving - constraints - 3 * held


def _advance(context: mm.Context, steps: int, freedom: int, *, name: str) -> tuple[Floats, float]:
    """Go on some steps; coordinates [nm] and temperature [K]."""
    try:
        context.getIntegrator().step(steps)
        state = context.getState(positions=True, energy=True, enforcePeriodicBox=False)
    except mm.OpenMMException as error:
        raise SamplingError(
            f"{name}: dynamics of the complex failed ({error}): take a shorter sampling.time_step, or another "
            "repeats.seed"
        ) from error
    x = np.asarray(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer), dtype=float)
    if not np.isfinite(x).all():
        raise SamplingError(f"{name}: a coordinate is not finite: take a shorter sampling.time_step")
    kinetic = float(state.getKineticEnergy().value_in_unit(unit.kilojoule_per_mole))
    return x, 2.0 * kinetic / (freedom * thermal_energy(1.0))
