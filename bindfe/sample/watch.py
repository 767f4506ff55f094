"""A short run of a physical System: how its molecules move before anything is held or switched."""

from __future__ import annotations

import copy

import numpy as np
import openmm as mm
from openmm import unit

from bindfe.build.legfiles import PlainSystem
from bindfe.errors import SamplingError
from bindfe.protocol import Protocol
from bindfe.results import Floats
from bindfe.sample.dynamics import choose_platform

_SETTLE = 0.25
"""First part of the time that is not looked at."""

_FRAMES = 40


def watch_system(plain: PlainSystem, protocol: Protocol, *, seed: int) -> Floats:
    """Minimise a System, run it at constant volume for ``restraint.watch_time`` and take 40 frames of the rest.

    Args:
        plain: The physical complex.
        protocol: Its sections restraint, equilibration, sampling and compute.
        seed: Seed of velocities and thermostat.

    Returns:
        Coordinates [nm], (F, N, 3), without the first quarter of the time; molecules are whole.

    Raises:
        SamplingError: Dynamics failed.
    """
    system = copy.deepcopy(plain.system)
    for index in reversed(range(system.getNumForces())):
        if "Barostat" in type(system.getForce(index)).__name__:
            system.removeForce(index)
    settings = protocol.sampling
    integrator = mm.LangevinMiddleIntegrator(settings.temperature, settings.friction, settings.time_step)
    integrator.setRandomNumberSeed(seed % (2**31 - 1) + 1)
    platform, properties = choose_platform(protocol.compute)
    context = mm.Context(system, integrator, platform, properties)
    if plain.box is not None:
        context.setPeriodicBoxVectors(*(plain.box * unit.nanometer))
    context.setPositions(plain.positions * unit.nanometer)
    mm.LocalEnergyMinimizer.minimize(context, 10.0, protocol.equilibration.minimise_iterations)
    context.setVelocitiesToTemperature(settings.temperature, seed % (2**31 - 1) + 1)
    steps = max(_FRAMES, round(protocol.restraint.watch_time / settings.time_step))
    frames = []
    try:
        integrator.step(round(_SETTLE * steps))
        for _ in range(_FRAMES):
            integrator.step(max(1, round((1 - _SETTLE) * steps / _FRAMES)))
            state = context.getState(positions=True, enforcePeriodicBox=False)
            frames.append(np.asarray(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer), dtype=float))
    except mm.OpenMMException as error:
        raise SamplingError(
            f"the short run from which anchors are chosen failed ({error}): look at the input coordinates, use a "
            "shorter sampling.time_step, or restraint.watch_time: 0 ps"
        ) from error
    return np.array(frames)
