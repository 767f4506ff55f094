"""Model complexes whose binding free energy along a distance is known by quadrature: a pocket and a Morse dimer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import openmm as mm
from scipy.integrate import quad

from bindfe.units import KJ_PER_KCAL, STANDARD_VOLUME_NM3, thermal_energy


@dataclass(frozen=True, kw_only=True, slots=True)
class GaussianPocket:
    """A particle about a fixed one: U(r) = -D e^(-r^2 / 2 w^2)."""

    depth: float = 25.0
    """D [kJ/mol]."""
    width: float = 0.12
    """w [nm]."""
    mass: float = 12.0
    """Mass of the particle [amu]."""

    @property
    def expression(self) -> str:
        """U in OpenMM's words."""
        return f"-{self.depth!r}*exp(-r^2/{2 * self.width**2!r})"

    def energy(self, r: float) -> float:
        """U(r) [kJ/mol]."""
        return -self.depth * math.exp(-(r**2) / (2 * self.width**2))


@dataclass(frozen=True, kw_only=True, slots=True)
class MorseDimer:
    """A particle about a fixed one: U(r) = D [(1 - e^(-a (r - r0)))^2 - 1]."""

    depth: float = 27.897
    """D [kJ/mol]; delta_g is -4.322 kcal/mol at 300 K within 0.6 nm."""
    stiffness: float = 20.0
    """a [1/nm]."""
    distance: float = 0.3
    """r0 [nm]."""
    mass: float = 12.0
    """Mass of the particle [amu]."""

    @property
    def expression(self) -> str:
        """U in OpenMM's words."""
        return f"{self.depth!r}*((1-exp(-{self.stiffness!r}*(r-{self.distance!r})))^2-1)"

    def energy(self, r: float) -> float:
        """U(r) [kJ/mol]."""
        return self.depth * ((1 - math.exp(-self.stiffness * (r - self.distance))) ** 2 - 1)


Model = GaussianPocket | MorseDimer
"""A model complex: atom 0 is the receptor, atom 1 the ligand."""


def model_system(model: Model) -> mm.System:
    """A fixed particle and a free one, no box."""
    system = mm.System()
    system.addParticle(0.0)
    system.addParticle(model.mass)
    force = mm.CustomBondForce(model.expression)
    force.addBond(0, 1)
    system.addForce(force)
    return system


def model_delta_g(model: Model, *, bound_radius: float, temperature: float) -> float:
    """Exact standard binding free energy [kcal/mol], -kT ln[ int_0^R 4 pi r^2 e^(-U/kT) dr / V0 ].

    Args:
        model: The complex.
        bound_radius: R, within which the ligand counts as bound [nm].
        temperature: Temperature [K].
    """
    kt = thermal_energy(temperature)
    volume, _ = quad(
        lambda r: 4 * math.pi * r * r * math.exp(-model.energy(r) / kt), 0.0, bound_radius, limit=400, epsrel=1e-10
    )
    return -kt * math.log(volume / STANDARD_VOLUME_NM3) / KJ_PER_KCAL
