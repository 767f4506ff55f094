"""Whether a leg's coordinates can be relaxed: the energy after a short minimisation."""

from __future__ import annotations

import math

import openmm as mm
from openmm import unit

from bindfe.build.legfiles import LoadedLeg
from bindfe.errors import SamplingError
from bindfe.protocol import ComputeSettings
from bindfe.sample.dynamics import choose_platform


def relaxed_energy(
    leg: LoadedLeg, compute: ComputeSettings, *, iterations: int, system: mm.System | None = None
) -> float:
    """Energy of a leg's start state after a minimisation [kJ/mol]; the leg's files keep their coordinates.

    ``system`` is the plain System of that state, many times faster for a protein in implicit solvent.

    Raises:
        SamplingError: It is not finite.
    """
    platform, properties = choose_platform(compute)
    context = mm.Context(system or leg.system, mm.VerletIntegrator(0.001), platform, properties)
    if leg.box is not None:
        context.setPeriodicBoxVectors(*(leg.box * unit.nanometer))
    context.setPositions(leg.positions * unit.nanometer)
    for name, value in leg.record.parameters[leg.record.start_state].items() if system is None else ():
        context.setParameter(name, value)
    mm.LocalEnergyMinimizer.minimize(context, 10.0, iterations)
    energy = float(context.getState(energy=True).getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole))
    if not math.isfinite(energy):
        raise SamplingError(
            f"{leg.record.ligand}/{leg.record.kind.value}: the energy is {energy} after {iterations} iterations of "
            "minimisation: atoms lie on each other; look at the input coordinates"
        )
    return energy
