"""A mixed System as an audit sees it: energies and forces out of its Context, and nothing that built it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit

from bindfe.errors import InputError
from bindfe.mlip.hybrid import LAMBDA_MLIP, MLIP_GROUP

Floats = NDArray[np.float64]

_SMALL = 600  # particles; the Reference platform takes a second for an energy of more
_KJ_NM = unit.kilojoule_per_mole / unit.nanometer


class Probe:
    """Energies and forces of a System, in all or of the potential's force group alone."""

    def __init__(self, system: openmm.System, positions_nm: Floats, *, box_nm: Floats | None = None) -> None:
        """Put a System into a Context.

        Args:
            system: Mixed or plain System.
            positions_nm: Positions of all atoms [nm], (n, 3).
            box_nm: Box vectors as rows [nm], (3, 3); by default the System's own.

        Raises:
            InputError: The positions do not fit the System.
        """
        self.system = _without_barostat(system)
        self.positions = np.array(positions_nm, dtype=float)
        if self.positions.shape != (system.getNumParticles(), 3):
            raise InputError(f"positions of shape ({system.getNumParticles()}, 3) are needed: {self.positions.shape}")
        self.periodic = bool(system.usesPeriodicBoundaryConditions())
        default = [vector.value_in_unit(unit.nanometer) for vector in system.getDefaultPeriodicBoxVectors()]
        self.box = np.array(default if box_nm is None else box_nm, dtype=float)
        self._reference = self._context("Reference")
        self._whole = self._reference if system.getNumParticles() <= _SMALL else self._context("CPU")
        self.switched = LAMBDA_MLIP in self._reference.getParameters()

    def energy(self, *, value: float = 1.0, moved: tuple[Sequence[int], Floats] | None = None) -> float:
        """Energy of the potential's group [kJ/mol], with some atoms (numbers, positions [nm]) moved."""
        return self._state(value, moved, groups={MLIP_GROUP}, energy=True)[0]

    def energies(self, atoms: Sequence[int], frames: Floats) -> Floats:
        """Energies of the potential's group [kJ/mol], (K,), with the atoms at (K, len(atoms), 3) [nm]."""
        return np.array([self.energy(moved=(atoms, frame)) for frame in frames])

    def forces(self, *, value: float = 1.0, moved: tuple[Sequence[int], Floats] | None = None) -> Floats:
        """Forces of the potential's group on all atoms [kJ/mol/nm], (n, 3)."""
        return self._state(value, moved, groups={MLIP_GROUP}, forces=True)[1]

    def total(self, *, value: float = 1.0) -> tuple[float, Floats]:
        """Energy [kJ/mol] and forces [kJ/mol/nm], (n, 3), of the whole System."""
        self._place(self._whole, value, None)
        state = self._whole.getState(energy=True, forces=True)
        return _energy_of(state), _forces_of(state)

    @property
    def resolution(self) -> float:
        """Relative size of differences that the platform of :meth:`total` makes of itself."""
        return 1e-8 if self._whole is self._reference else 1e-5

    def run(self, *, steps: int, time_step: float, temperature: float, seed: int) -> tuple[Floats, Floats]:
        """Kinetic and potential energy [kJ/mol], (steps / 5,) each, of the potential's group alone, no thermostat.

        Energies are asked for after every fifth step only, so that a force that remembers is not put right by
        it; velocities that were just drawn do not keep to the constraints yet.
        """
        integrator = openmm.VerletIntegrator(time_step)
        integrator.setIntegrationForceGroups({MLIP_GROUP})
        integrator.setConstraintTolerance(1e-9)
        context = self._context("Reference", integrator)
        self._place(context, 1.0, None)
        context.applyConstraints(1e-8)
        context.setVelocitiesToTemperature(temperature, seed)
        energies = []
        for _ in range(steps // 5):
            integrator.step(5)
            state = context.getState(energy=True, groups={MLIP_GROUP})
            energies.append((state.getKineticEnergy().value_in_unit(unit.kilojoule_per_mole), _energy_of(state)))
        kinetic, potential = np.array(energies).T
        return kinetic, potential

    def constrained(self) -> Floats:
        """Positions with the System's constraints satisfied [nm], (n, 3)."""
        self._place(self._reference, 0.0, None)
        self._reference.applyConstraints(1e-8)
        state = self._reference.getState(positions=True)
        return np.array(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer))

    def _context(self, platform: str, integrator: openmm.Integrator | None = None) -> openmm.Context:
        properties = {"Threads": "1", "DeterministicForces": "true"} if platform == "CPU" else {}
        return openmm.Context(
            self.system,
            integrator if integrator is not None else openmm.VerletIntegrator(0.001),
            openmm.Platform.getPlatformByName(platform),
            properties,
        )

    def _place(self, context: openmm.Context, value: float, moved: tuple[Sequence[int], Floats] | None) -> None:
        if self.periodic:
            context.setPeriodicBoxVectors(*(self.box * unit.nanometer))
        positions = self.positions
        if moved is not None:
            positions = positions.copy()
            positions[list(moved[0])] = moved[1]
        context.setPositions(positions)
        if LAMBDA_MLIP in context.getParameters():
            context.setParameter(LAMBDA_MLIP, value)

    def _state(self, value: float, moved: tuple[Sequence[int], Floats] | None, **what: Any) -> tuple[float, Floats]:
        self._place(self._reference, value, moved)
        state = self._reference.getState(**what)
        return (
            _energy_of(state) if what.get("energy") else 0.0,
            _forces_of(state) if what.get("forces") else np.empty((0, 3)),
        )


def _without_barostat(system: openmm.System) -> openmm.System:
    """A System whose volume stays; a copy only if it did not."""
    barostats = [index for index, force in enumerate(system.getForces()) if "Barostat" in type(force).__name__]
    if not barostats:
        return system
    still = copy.deepcopy(system)
    for index in reversed(barostats):
        still.removeForce(index)
    return still


def _energy_of(state: openmm.State) -> float:
    return float(state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole))


def _forces_of(state: openmm.State) -> Floats:
    return np.array(state.getForces(asNumpy=True).value_in_unit(_KJ_NM), dtype=float)
