"""From given coordinates to a start for every state: minimise, heat, release, walk the ladder."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import openmm as mm
from openmm import unit

from bindfe.build.legfiles import LoadedLeg
from bindfe.errors import SamplingError
from bindfe.protocol import Protocol
from bindfe.sample.dynamics import Propagator, Replica

_HEATING_STEPS = 10
_HOLD = "hold_spring"


def equilibrate_leg(leg: LoadedLeg, protocol: Protocol, *, seed: int) -> tuple[Replica, ...]:
    """Bring a leg from its prepared coordinates to one equilibrated replica a state.

    The interacting end is minimised, heated with heavy atoms held, and released in stages without the
    barostat; then the ladder is walked state by state, each starting where its neighbour ended, so no
    state starts from a clash that its own Hamiltonian never saw.

    Args:
        leg: The prepared leg.
        protocol: Its equilibration, sampling and compute sections.
        seed: Seed of all its dynamics.

    Returns:
        A replica for each state, (K,).

    Raises:
        SamplingError: The energy is not finite after minimisation, or dynamics blew up, with the stage.
    """
    held_seed, free_seed = (int(s) for s in np.random.SeedSequence(seed).generate_state(2))
    warm = _heat_and_release(leg, protocol, seed=held_seed)
    return _walk(leg, warm, protocol, seed=free_seed)


def _steps(time: float, protocol: Protocol) -> int:
    return round(time / protocol.sampling.time_step)


def _heat_and_release(leg: LoadedLeg, protocol: Protocol, *, seed: int) -> Replica:
    settings, record = protocol.equilibration, leg.record
    mover = Propagator(_held_system(leg), record, settings=protocol.sampling, compute=protocol.compute, seed=seed)
    context, springs = mover.context, (*settings.release_springs, 0.0)
    mover.load(
        Replica(positions=leg.positions, velocities=np.zeros_like(leg.positions), box=leg.box), state=record.start_state
    )
    context.setParameter(_HOLD, springs[0])
    mm.LocalEnergyMinimizer.minimize(context, 10.0, settings.minimise_iterations)
    energy = context.getState(getEnergy=True).getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)
    if not np.isfinite(energy):
        raise SamplingError(
            f"the energy is {energy} after minimisation: two atoms lie on each other; look at the input coordinates"
        )
    temperature = record.thermodynamic_state.temperature
    context.setVelocitiesToTemperature(settings.heat_from, seed % (2**31 - 1) + 1)
    with _stage("while it was heated, equilibration.heat_time"):
        for warmth in np.linspace(settings.heat_from, temperature, _HEATING_STEPS):
            mover.integrator.setTemperature(float(warmth))
            mover.step(_steps(settings.heat_time / _HEATING_STEPS, protocol))
        mover.replica()  # coordinates that are no numbers are told here
    mover.integrator.setTemperature(temperature)
    with _stage("while it was released, equilibration.release_time"):
        for spring in springs[:-1]:
            context.setParameter(_HOLD, spring)
            mover.step(_steps(settings.release_time, protocol))
        context.setParameter(_HOLD, 0.0)
        return mover.replica()


@contextmanager
def _stage(words: str) -> Iterator[None]:
    """Say at which stage dynamics failed."""
    try:
        yield
    except SamplingError as error:
        raise SamplingError(f"{words}: {error}") from error


def _held_system(leg: LoadedLeg) -> mm.System:
    """The leg's System without barostat, with a spring on each heavy solute atom."""
    system = copy.deepcopy(leg.system)
    for index in reversed(range(system.getNumForces())):
        if "Barostat" in type(system.getForce(index)).__name__:
            system.removeForce(index)
    periodic = system.usesPeriodicBoundaryConditions()
    distance = "periodicdistance(x, y, z, x0, y0, z0)^2" if periodic else "((x - x0)^2 + (y - y0)^2 + (z - z0)^2)"
    hold = mm.CustomExternalForce(f"0.5 * {_HOLD} * {distance}")
    hold.addGlobalParameter(_HOLD, 0.0)
    for axis in ("x0", "y0", "z0"):
        hold.addPerParticleParameter(axis)
    elements = [atom.element for atom in leg.topology.atoms()]
    for atom in (*leg.record.receptor_atoms, *leg.record.ligand_atoms):
        if elements[atom] is None or elements[atom].atomic_number > 1:
            hold.addParticle(atom, leg.positions[atom].tolist())
    system.addForce(hold)
    return system


def _walk(leg: LoadedLeg, start: Replica, protocol: Protocol, *, seed: int) -> tuple[Replica, ...]:
    """Visit every state from the start state outwards, each from where its neighbour ended."""
    settings, record = protocol.equilibration, leg.record
    mover = Propagator(leg.system, record, settings=protocol.sampling, compute=protocol.compute, seed=seed)
    mover.load(start, state=record.start_state)
    first, last = record.start_state, len(record.parameters) - 1
    with _stage("while it was free in its first state, equilibration.free_time"):
        mover.step(_steps(settings.free_time, protocol))
        replicas: dict[int, Replica] = {first: mover.replica()}
    for path in (range(first + 1, last + 1), range(first - 1, -1, -1)):
        here = replicas[first]
        for state in path:
            mover.load(here, state=state)
            with _stage(f"when state {state} was reached, equilibration.state_time"):
                mover.step(_steps(settings.state_time, protocol))
                here = replicas[state] = mover.replica()
    return tuple(replicas[state] for state in range(last + 1))
