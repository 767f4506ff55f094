"""What an audit is about: a mixed System, the plain one that it came from, and how far apart things may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bindfe.mlip.committee import Committee
from bindfe.mlip.contract import Check
from bindfe.mlip.probe import Probe
from bindfe.mlip.region import Region

Floats = NDArray[np.float64]

ENERGY_KJ_MOL = 5e-3
"""Difference of energies that should be equal [kJ/mol]."""
FORCE_RELATIVE = 3e-3
"""Difference of forces that should be equal, in units of the size of a component."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is audited, and what it is compared with."""

    mixed: Probe
    plain: Probe
    region: Region
    committee: Committee
    numbers: tuple[int, ...]
    charge: int | None
    offset: float
    where: Floats
    """A distorted geometry of the region's particles [nm], (P, 3)."""
    rng: np.random.Generator

    @property
    def particles(self) -> tuple[int, ...]:
        """Atoms that the potential acts on, (P,)."""
        return self.region.particles

    def energies(self, frames: Floats) -> Floats:
        """Energies out of the Context [kJ/mol], (K,), at (K, P, 3) [nm]."""
        return self.mixed.energies(self.particles, frames)

    def forces(self, where: Floats) -> Floats:
        """Forces out of the Context on the region's particles [kJ/mol/nm], (P, 3)."""
        return self.mixed.forces(moved=(self.particles, where))[list(self.particles)]

    def direct(self, frames: Floats) -> Floats:
        """Mean of the committee's energies less the offset [kJ/mol], (K,), at (K, P, 3) [nm]."""
        placement = self.region.placement()
        capped = np.array([placement.with_caps(frame) for frame in frames])
        return np.asarray(self.committee.energies(capped).mean(axis=0) - self.offset, dtype=float)


def size(forces: Floats) -> float:
    """Size of a force component [kJ/mol/nm], rms, not quite 0."""
    return float(np.sqrt(np.mean(forces**2))) + 1e-9


def count(name: str, found: int, *, remark: str = "") -> Check:
    """A claim that nothing is wrong, or how many things are."""
    return Check(name=name, found=float(found), limits=(0.0, 0.0), unit="", remark=remark)


def small(name: str, found: float | Floats, *, limit: float = ENERGY_KJ_MOL, remark: str = "") -> Check:
    """A claim that an energy, or each of some, is nothing [kJ/mol]."""
    return Check(name=name, found=float(np.max(np.abs(found))), limits=(0.0, limit), unit="kJ/mol", remark=remark)


def relative(name: str, difference: Floats, scale: float) -> Check:
    """A claim that forces are equal, in units of the size of a component."""
    found = float(np.abs(difference).max()) / scale if difference.size else 0.0
    return Check(name=name, found=found, limits=(0.0, FORCE_RELATIVE), unit="of a force component")
