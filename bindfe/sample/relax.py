"""Whether a leg's coordinates can be relaxed: the energy after some steps of constrained steepest descent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import openmm as mm
from openmm import unit

from bindfe.errors import SamplingError
from bindfe.protocol import ComputeSettings
from bindfe.results import Floats
from bindfe.sample.dynamics import choose_platform

_FIRST = 1e-6
"""First step along the forces [nm^2 mol/kJ]; the stiffest bonds let twice this pass."""

_MASS = 12.0
"""Mass [amu] that moves by the plain step: constraints are kept by displacements of 1/mass, and forces so weighed are
what they project downhill."""

_LONGEST_NM = 0.01
"""What a coordinate moves in one step at most, so that overlapping atoms do not fly apart [nm]."""

_NEVER = 1e300
"""Energy before any finite one was seen [kJ/mol]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Relaxed:
    """The lowest point of a descent."""

    energy: float
    """Its energy [kJ/mol]."""
    positions: Floats
    """Its coordinates [nm], (N, 3); virtual sites are where they were given."""


def relax(
    system: mm.System,
    positions: Floats,
    box: Floats | None,
    *,
    what: str,
    compute: ComputeSettings,
    steps: int,
    parameters: Mapping[str, float] | None = None,
) -> Relaxed:
    """Steepest descent that keeps constraints, one evaluation of the forces a step.

    OpenMM's own minimiser makes springs of the constraints and begins again with stiffer ones until they hold, six
    times in a box of rigid water, each with as many iterations as were asked for: ten times longer for as much.

    Args:
        system: A System; it is not changed.
        positions: Its coordinates [nm], (N, 3).
        box: Box vectors as rows [nm], (3, 3); None without a box.
        what: Name for the error.
        compute: The platform.
        steps: Steps to take.
        parameters: Global parameters of the state; those of the System if None.

    Raises:
        SamplingError: No finite energy was met.
    """
    platform, properties = choose_platform(compute)
    descent = _descent()
    context = mm.Context(system, descent, platform, properties)
    if box is not None:
        context.setPeriodicBoxVectors(*(box * unit.nanometer))
    context.setPositions(positions * unit.nanometer)
    context.applyConstraints(1e-5)
    context.computeVirtualSites()
    for name, value in (parameters or {}).items():
        context.setParameter(name, value)
    descent.step(steps + 1)  # the first one only finds out where it stands
    energy = float(descent.getGlobalVariableByName("lowest"))
    if not math.isfinite(energy) or energy >= _NEVER:
        raise SamplingError(
            f"{what}: no finite energy in {steps} steps of minimisation: atoms lie on each other; look at the input "
            "coordinates"
        )
    return Relaxed(energy=energy, positions=_lowest(descent, positions))


def _lowest(descent: mm.CustomIntegrator, positions: Floats) -> Floats:
    """Coordinates of the lowest point [nm], (N, 3); a particle without mass does not move."""
    found = np.array([tuple(each) for each in descent.getPerDofVariableByName("best")])
    moved = np.any(found != 0.0, axis=1)
    return np.where(moved[:, None], found, positions)


def _descent() -> mm.CustomIntegrator:
    """Steps along the forces of the lowest point so far: longer after one that led down, half as long after another.

    The forces of the lowest point are kept, so that a step back costs nothing. An energy that is no number leads
    back as well.
    """
    descent = mm.CustomIntegrator(1.0)
    descent.addGlobalVariable("size", _FIRST)
    descent.addGlobalVariable("lowest", _NEVER)
    descent.addGlobalVariable("down", 0.0)
    for name in ("best", "slope"):
        descent.addPerDofVariable(name, 0.0)
    descent.addComputeGlobal("down", "step(lowest-energy)")
    descent.beginIfBlock("down > 0")
    descent.addComputePerDof("best", "x")
    descent.addComputePerDof("slope", "f")
    descent.addComputeGlobal("lowest", "energy")
    descent.addComputeGlobal("size", "1.2*size")
    descent.endBlock()
    descent.beginIfBlock("down < 1")
    descent.addComputeGlobal("size", "0.5*size")
    descent.endBlock()
    descent.addComputePerDof("x", f"best+max(-{_LONGEST_NM}, min({_LONGEST_NM}, size*slope*{_MASS}/m))")
    descent.addConstrainPositions()
    return descent
