"""Driving a System along one global parameter, and the work that it takes."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import openmm
from openmm import unit

from bindfe.errors import SamplingError
from bindfe.mlip.hybrid import LAMBDA_MLIP, MLIP_GROUP
from bindfe.protocol import ComputeSettings
from bindfe.results import Floats
from bindfe.sample.dynamics import Replica, choose_platform
from bindfe.units import thermal_energy

BAROSTAT_STEPS = 25
"""Steps between two changes of the volume that a barostat tries, OpenMM's default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Driver:
    """Moves a System whose energy depends on one global parameter, at a value or along it.

    A barostat in the System works in :meth:`sample` and rests in :meth:`switch`: both ends are then sampled
    at constant pressure, and each switch keeps the volume that it begins with, which Crooks' relation allows.
    """

    system: openmm.System
    """Has the parameter; constraints and masses do not depend on it."""
    temperature: float
    """Temperature [K]."""
    friction: float
    """Friction of the thermostat [1/ps]."""
    time_step: float
    """Time step [ps]."""
    compute: ComputeSettings
    """Platform."""
    parameter: str = LAMBDA_MLIP
    """Global parameter that is driven between 0 and 1."""
    group: int = MLIP_GROUP
    """Force group that holds every term that depends on it."""

    def switch(self, start: Replica, *, forward: bool, steps: int, seed: int) -> float:
        """Drive the parameter from one end to the other and return the protocol work.

        The parameter changes ``steps`` times by 1/steps at fixed positions, with one time step between
        two changes; work is the sum of the energy changes, so forward and reverse are mirror images::

            w = sum_i [ U(x_i; l_i+1) - U(x_i; l_i) ] / kT

        Args:
            start: Positions of an equilibrium sample at the end where the switch begins; its velocities
                are not used but drawn from the thermal distribution.
            forward: From 0 to 1, or from 1 to 0.
            steps: Number of changes, at least 1.
            seed: Seed of velocities and thermostat.

        Returns:
            Work done on the system [kT].

        Raises:
            SamplingError: Coordinates or work are not finite.

        Source:
            Crooks, J. Stat. Phys. 90, 1481 (1998); protocol work without the integrator's shadow work.
        """
        ladder = np.linspace(0.0, 1.0, steps + 1) if forward else np.linspace(1.0, 0.0, steps + 1)
        context = self._context(start, value=float(ladder[0]), seed=seed, thermalise=True, hold_volume=True)
        work = 0.0
        for index, value in enumerate(ladder[1:]):
            if index:
                self._step(context, 1)
            before = self._driven_energy(context)
            context.setParameter(self.parameter, float(value))
            work += self._driven_energy(context) - before
        if not np.isfinite(work):
            raise SamplingError(f"the work of a {'forward' if forward else 'reverse'} switch (seed {seed}) is {work}")
        return work / thermal_energy(self.temperature)

    def sample(
        self, start: Replica, *, value: float, steps: int, n_frames: int, seed: int, thermalise: bool = False
    ) -> list[Replica]:
        """Run at one value of the parameter and return a replica after every ``steps`` steps.

        Args:
            start: Where to begin.
            value: Value of the parameter.
            steps: Time steps between two returned replicas.
            n_frames: How many replicas to return.
            seed: Seed of the thermostat, and of velocities.
            thermalise: Draw velocities instead of taking those of ``start``.

        Raises:
            SamplingError: Coordinates are not finite.
        """
        context = self._context(start, value=value, seed=seed, thermalise=thermalise)
        frames = []
        for _ in range(n_frames):
            self._step(context, steps)
            state = context.getState(positions=True, velocities=True)
            frames.append(
                Replica(
                    positions=np.array(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)),
                    velocities=np.array(
                        state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond)
                    ),
                    box=None if start.box is None else _box(state),
                )
            )
        return frames

    def _context(
        self, start: Replica, *, value: float, seed: int, thermalise: bool, hold_volume: bool = False
    ) -> openmm.Context:
        self._set_barostats(frequency=0 if hold_volume else BAROSTAT_STEPS, seed=seed)
        integrator = openmm.LangevinMiddleIntegrator(self.temperature, self.friction, self.time_step)
        integrator.setRandomNumberSeed(seed)
        context = openmm.Context(self.system, integrator, *choose_platform(self.compute))
        if start.box is not None:
            context.setPeriodicBoxVectors(*(start.box * unit.nanometer))
        context.setPositions(start.positions)
        context.applyConstraints(integrator.getConstraintTolerance())  # stored frames are single precision
        if thermalise:
            context.setVelocitiesToTemperature(self.temperature, seed)
        else:
            context.setVelocities(start.velocities)
        context.setParameter(self.parameter, value)
        return context

    def _set_barostats(self, *, frequency: int, seed: int) -> None:
        """Before a Context is made; a barostat of frequency 0 does nothing."""
        for force in self.system.getForces():
            if isinstance(force, (openmm.MonteCarloBarostat, openmm.MonteCarloMembraneBarostat)):
                force.setFrequency(frequency)
                force.setRandomNumberSeed(seed)

    def _step(self, context: openmm.Context, steps: int) -> None:
        try:
            context.getIntegrator().step(steps)
        except openmm.OpenMMException as error:
            raise SamplingError(f"at {self.parameter} = {context.getParameter(self.parameter):g}: {error}") from error

    def _driven_energy(self, context: openmm.Context) -> float:
        state = context.getState(energy=True, groups={self.group})
        return float(state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole))


def _box(state: openmm.State) -> Floats:
    return np.array(state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.nanometer))


def derived_seed(seed: int, environment: str, repeat: int, what: str, number: int = 0) -> int:
    """A seed of its own for each thing that draws: 1 to 2^31 - 1 (OpenMM takes 0 for "from the clock")."""
    words = (seed, zlib.crc32(environment.encode()), repeat, zlib.crc32(what.encode()), number)
    return int(np.random.SeedSequence(words).generate_state(1, np.uint32)[0]) % (2**31 - 1) + 1
