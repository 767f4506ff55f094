"""Chemistry to OpenMM Systems: what is simulated in each leg, with its alchemy and its restraint."""

from __future__ import annotations

from bindfe.build.analytic import analytic_delta_g, prepare_analytic_leg
from bindfe.build.leg import prepare_leg
from bindfe.build.legfiles import LoadedLeg, PlainSystem, load_leg, load_plain

__all__ = [
    "LoadedLeg",
    "PlainSystem",
    "analytic_delta_g",
    "load_leg",
    "load_plain",
    "prepare_analytic_leg",
    "prepare_leg",
]
