"""Metadynamics by OpenMM alone, for variables that OpenMM can write, with PLUMED's files."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import openmm as mm
from openmm import app, unit

from bindfe.errors import ProtocolError
from bindfe.results import Floats, Hills
from bindfe.sample.openmmwords import hold_force, variable_force
from bindfe.sample.plumedwords import BiasSettings, grid_of

HOLD_GROUP = 29
"""Force group of the restraints; the bias takes the highest that is free."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """What a piece of a run adds to its files."""

    rows: Floats
    """COLVAR: time [ps], each variable, hold [kJ/mol], bias [kJ/mol], (N, D + 3)."""
    hills: Hills
    """The Gaussians that were added."""


class NativeBias(app.Metadynamics):  # type: ignore[misc]
    """OpenMM's metadynamics that also remembers its hills, so that a run can be cut into pieces and read again."""

    def __init__(self, system: mm.System, settings: BiasSettings) -> None:
        """Add the bias and the restraints to ``system``.

        Raises:
            ProtocolError: Not well-tempered metadynamics by one walker, or periodic and open variables together.
        """
        if settings.method != "metad" or settings.walkers > 1:
            raise ProtocolError(
                f"OpenMM alone does metad with one walker, not {settings.method} with {settings.walkers}: use PLUMED"
            )
        if len({each.period for each in settings.variables}) > 1:
            raise ProtocolError("OpenMM alone cannot mix torsions with open variables in one bias: use PLUMED")
        periodic = bool(system.usesPeriodicBoundaryConditions())
        for hold in settings.holds:
            force = hold_force(hold, periodic=periodic)
            force.setForceGroup(HOLD_GROUP)
            system.addForce(force)
        variables = []
        for each in settings.variables:
            low, high, cells = grid_of(each)
            force = variable_force(each.variable, periodic=periodic)
            variables.append(app.BiasVariable(force, low, high, each.width, each.period is not None, cells + 1))
        super().__init__(
            system,
            variables,
            settings.temperature * unit.kelvin,
            settings.bias_factor,
            settings.height * unit.kilojoules_per_mole,
            settings.pace,
        )
        self._settings = settings
        self._added: list[tuple[Floats, float]] = []

    @property
    def group(self) -> int:
        """Force group of the bias."""
        return int(self._force.getForceGroup())

    def restore(self, hills: Hills, context: mm.Context) -> None:
        """Add the hills of earlier pieces again."""
        for centre, height in zip(hills.centre, hills.height, strict=True):
            super()._addGaussian(centre, float(height) * unit.kilojoules_per_mole, context)

    def _addGaussian(self, position: Sequence[float], height: Any, context: mm.Context) -> None:
        """Add a hill and remember it; called by ``step``."""
        super()._addGaussian(position, height, context)
        self._added.append((np.array(position, dtype=float), float(height.value_in_unit(unit.kilojoules_per_mole))))

    def run(self, simulation: app.Simulation, *, steps: int, time_step: float) -> Piece:
        """Run so many steps and return what they add to COLVAR and HILLS."""
        rows, hills = [], []
        every = self._settings.sample_every
        for done in range(0, steps, every):
            self.step(simulation, min(every, steps - done))
            now = simulation.currentStep * time_step
            bias = _energy(simulation.context, self.group)
            if self._added and simulation.currentStep % self._settings.pace == 0:
                bias -= self._added[-1][1]  # as PLUMED prints it: before the hill of this very step
            hold = _energy(simulation.context, HOLD_GROUP) if self._settings.holds else 0.0
            rows.append([now, *self.getCollectiveVariables(simulation), hold, bias])
        first = simulation.currentStep - steps
        paces = [s for s in range(first + 1, simulation.currentStep + 1) if s % self._settings.pace == 0]
        for step, (centre, height) in zip(paces, self._added, strict=True):
            hills.append([step * time_step, *centre, height])
        self._added.clear()
        size = len(self._settings.variables)
        return Piece(
            rows=np.array(rows).reshape(-1, size + 3),
            hills=hills_record(self._settings, np.array(hills).reshape(-1, size + 2)),
        )


def hills_record(settings: BiasSettings, rows: Floats) -> Hills:
    """Hills from rows of time, centre and height, (H, D + 2)."""
    widths = np.array([each.width for each in settings.variables])
    return Hills(
        names=tuple(each.variable.name for each in settings.variables),
        time=rows[:, 0],
        centre=rows[:, 1:-1],
        width=np.tile(widths, (len(rows), 1)),
        height=rows[:, -1],
        bias_factor=settings.bias_factor,
        periods=tuple(each.period for each in settings.variables),
    )


def _energy(context: mm.Context, group: int) -> float:
    state = context.getState(energy=True, groups={group})
    return float(state.getPotentialEnergy().value_in_unit(unit.kilojoules_per_mole))


def biased_copy(system: mm.System) -> mm.System:
    """A copy that forces may be added to."""
    return copy.deepcopy(system)
