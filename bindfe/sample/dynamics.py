"""One OpenMM Context that moves any replica in any state and tells its energies in all states."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import openmm as mm
from openmm import unit

from bindfe.errors import MissingDependency, SamplingError
from bindfe.protocol import ComputeSettings, SamplingSettings
from bindfe.results import Floats, PreparedLeg
from bindfe.units import thermal_energy

_FASTEST_FIRST = ("CUDA", "HIP", "OpenCL", "CPU", "Reference")


@dataclass(frozen=True, kw_only=True, slots=True)
class Replica:
    """A walker: where it is, how fast, in which box."""

    positions: Floats
    """Coordinates [nm], (n_atoms, 3)."""
    velocities: Floats
    """Velocities [nm/ps], (n_atoms, 3)."""
    box: Floats | None = None
    """Periodic box vectors [nm], (3, 3); None without periodicity."""


def platforms() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of OpenMM's platforms here, and why plugins could not be loaded."""
    names = tuple(mm.Platform.getPlatform(i).getName() for i in range(mm.Platform.getNumPlatforms()))
    return names, tuple(mm.Platform.getPluginLoadFailures())


def choose_platform(compute: ComputeSettings) -> tuple[mm.Platform, dict[str, str]]:
    """The OpenMM platform that a protocol asks for, and its properties.

    Raises:
        MissingDependency: The platform is not there; the message names those that are.
    """
    there, _ = platforms()
    name: str = compute.platform
    if name == "auto":
        name = next(each for each in _FASTEST_FIRST if each in there)
    if name not in there:
        raise MissingDependency(
            f"compute.platform: {name} is not available here; there is {', '.join(there)}. "
            "GPUs need the package openmm-cuda-13 (or openmm-cuda-12) of the same version as openmm"
        )
    properties: dict[str, str] = {}
    if name == "CPU":
        properties = {"Threads": str(compute.threads), "DeterministicForces": str(compute.deterministic).lower()}
    elif name in ("CUDA", "OpenCL", "HIP"):
        properties = {"Precision": compute.precision}
    platform = mm.Platform.getPlatformByName(name)
    for key, value in properties.items():
        # ATMForce and CustomCVForce make Contexts of their own, which take the platform's defaults and not ours:
        # two workers would use four threads on two cores, with forces that are not deterministic.
        platform.setPropertyDefaultValue(key, value)
    return platform, properties


class Propagator:
    """Moves replicas of one leg.

    One Context serves all replicas: coordinates and velocities go in and out in double precision, which
    costs 0.1 ms a replica and cycle. Seeds are set when it is made, so a run that makes a new one for
    every stored chunk is the same whether or not it was interrupted between two of them.
    """

    def __init__(
        self, system: mm.System, leg: PreparedLeg, *, settings: SamplingSettings, compute: ComputeSettings, seed: int
    ) -> None:
        """Make a Context for ``system``, seeded for integrator and barostat.

        Args:
            system: The leg's System, with every global parameter of ``leg.parameters``.
            leg: The leg: its states, temperature and linear parameters.
            settings: Time step and friction.
            compute: Platform.
            seed: Seed of the thermostat and the barostat; 0 to 2^31 - 1.
        """
        self._leg = leg
        self._kt = thermal_energy(leg.thermodynamic_state.temperature)
        self._system = system
        for force in system.getForces():
            if hasattr(force, "setRandomNumberSeed"):
                force.setRandomNumberSeed(seed % (2**31 - 1) + 1)
        self.integrator = mm.LangevinMiddleIntegrator(
            leg.thermodynamic_state.temperature, settings.friction, settings.time_step
        )
        self.integrator.setRandomNumberSeed(seed % (2**31 - 1) + 1)  # 0 would mean "from the clock"
        platform, properties = choose_platform(compute)
        self.context = mm.Context(system, self.integrator, platform, properties)
        self._periodic = system.usesPeriodicBoundaryConditions()
        self._volume_term = leg.thermodynamic_state.pressure if self._periodic else None

    def load(self, replica: Replica, *, state: int) -> None:
        """Put a replica into the Context, in a state."""
        if self._periodic and replica.box is not None:
            self.context.setPeriodicBoxVectors(*(replica.box * unit.nanometer))
        self.context.setPositions(replica.positions * unit.nanometer)
        self.context.setVelocities(replica.velocities * (unit.nanometer / unit.picosecond))
        self.set_state(state)

    def set_state(self, state: int) -> None:
        """Set the global parameters of a state."""
        for name, value in self._leg.parameters[state].items():
            self.context.setParameter(name, value)

    def replica(self) -> Replica:
        """Take the replica out of the Context.

        Raises:
            SamplingError: A coordinate or velocity is not finite.
        """
        state = self.context.getState(getPositions=True, getVelocities=True)
        positions = np.asarray(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer), dtype=float)
        velocities = np.asarray(
            state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond), dtype=float
        )
        if not (np.isfinite(positions).all() and np.isfinite(velocities).all()):
            raise SamplingError("a coordinate or velocity is not a number")
        box = None
        if self._periodic:
            box = np.asarray(state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.nanometer), dtype=float)
        return Replica(positions=positions, velocities=velocities, box=box)

    def step(self, steps: int) -> None:
        """Move the loaded replica.

        Raises:
            SamplingError: OpenMM met a coordinate that is not a number.
        """
        try:
            self.integrator.step(steps)
        except mm.OpenMMException as error:
            raise SamplingError(str(error)) from error

    def energies(self) -> Floats:
        """Reduced potential of the loaded replica in every state of the leg [kT], (K,).

        States that differ only in parameters in which the energy is linear need one evaluation
        together: ``U(b) = U(a) + dU/dlambda (b - a)``. At constant pressure pV is included.

        Raises:
            SamplingError: An energy is not finite.
        """
        leg, before = self._leg, dict(self.context.getParameters())
        energies = np.empty(len(leg.parameters))
        groups: dict[tuple[tuple[str, float], ...], list[int]] = {}
        for k, values in enumerate(leg.parameters):
            key = tuple(sorted((n, v) for n, v in values.items() if n not in leg.linear_parameters))
            groups.setdefault(key, []).append(k)
        for members in groups.values():
            self._fill(energies, members)
        for name in leg.parameters[0]:
            self.context.setParameter(name, before[name])
        if not np.isfinite(energies).all():
            raise SamplingError("an energy is not a number")
        return energies / self._kt + self._reduced_pv()

    def _fill(self, energies: Floats, members: list[int]) -> None:
        leg = self._leg
        at = leg.parameters[members[0]]
        for name, value in at.items():
            self.context.setParameter(name, value)
        linear = bool(leg.linear_parameters) and len(members) > 1
        state = self.context.getState(getEnergy=True, getParameterDerivatives=linear)
        energy = state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)
        slopes = dict(state.getEnergyParameterDerivatives()) if linear else {}
        for k in members:
            change = sum(slopes[n] * (leg.parameters[k][n] - at[n]) for n in leg.linear_parameters) if linear else 0.0
            energies[k] = energy + change

    def _reduced_pv(self) -> float:
        """Pressure times volume [kT]; the same in all states, so only absolute values depend on it."""
        if self._volume_term is None:
            return 0.0
        volume = self.context.getState().getPeriodicBoxVolume().value_in_unit(unit.nanometer**3)
        bar_nm3_in_kj_mol = 0.0602214076  # 1 bar nm^3 N_A, exact
        return float(self._volume_term * volume * bar_nm3_in_kj_mol / self._kt)
