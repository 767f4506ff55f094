"""What a leg is made of: its kind, thermodynamic state, lambda schedule and restraint.

All lambdas follow openmmtools: 1 is fully interacting (or fully restrained), 0 is off.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from bindfe.errors import InputError


class LegKind(StrEnum):
    """One side of the thermodynamic cycle in one environment."""

    COMPLEX = "complex"
    """The ligand is decoupled from the receptor's site (and from the solvent around both)."""
    SOLVENT = "solvent"
    """The ligand is decoupled from the solvent alone."""
    VACUUM = "vacuum"
    """The ligand's own charges are annihilated without surroundings (hydration)."""
    TRANSFER = "transfer"
    """The ligand is carried from bulk solvent into the site in one leg (alchemical transfer)."""
    PATH = "path"
    """The physical complex, whose ligand is led along a path from the site into bulk (no alchemy)."""
    RELATIVE = "relative"
    """One ligand of an edge leaves the site for bulk while the other takes its place (alchemical transfer)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThermodynamicState:
    """Temperature and, at constant pressure, pressure."""

    temperature: float
    """Temperature [K]."""
    pressure: float | None = None
    """Pressure [bar]; None at constant volume or without a box."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LambdaSchedule:
    """The alchemical states of a leg, as one value a state for each thing that is switched.

    All arrays have shape (K,) with K >= 2; 1 is fully on. A leg reads the ones that it needs.
    """

    sterics: tuple[float, ...]
    """Lennard-Jones coupling of the ligand to its surroundings, (K,)."""
    electrostatics: tuple[float, ...]
    """Charge coupling of the ligand, (K,)."""
    restraints: tuple[float, ...]
    """Strength of the restraint, (K,)."""
    transfer: tuple[float, ...]
    """Weight of the site against the bulk in an alchemical transfer, (K,)."""

    def __post_init__(self) -> None:
        lengths = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(lengths.values())) != 1 or min(lengths.values()) < 2:
            raise InputError(f"a lambda schedule needs equally many states (at least 2) in each row, found {lengths}")
        for field in fields(self):
            row = getattr(self, field.name)
            outside = [value for value in row if not 0.0 <= value <= 1.0]
            if outside:
                raise InputError(f"lambda {field.name} = {outside[0]:g} is outside 0 to 1")

    @property
    def n_states(self) -> int:
        """Number of states K."""
        return len(self.sterics)


@dataclass(frozen=True, kw_only=True, slots=True)
class CentroidRestraint:
    """A spring or a flat-bottomed well between the centroids of two groups of atoms, and the edge of the site.

    ``U = lambda k/2 max(0, r - r0)^2 + k/2 max(0, r - r_site)^2``; with ``flat_radius`` 0 it is a harmonic
    spring. The second term is there if ``site_radius`` is given and is never released: it says what bound means
    for a ligand that leaves when nothing holds it.
    """

    receptor_atoms: tuple[int, ...]
    """Atoms of the receptor whose unweighted centroid is one end."""
    ligand_atoms: tuple[int, ...]
    """Atoms of the ligand whose unweighted centroid is the other end."""
    spring: float
    """k [kJ/mol/nm^2]."""
    flat_radius: float = 0.0
    """r0 [nm]; no force inside."""
    site_radius: float = 0.0
    """r_site [nm]; 0: no edge."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BoreschRestraint:
    """Six springs that hold a ligand's position and orientation in the receptor's frame.

    With receptor atoms a, b, c and ligand atoms A, B, C::

        U = k_r/2 (r - r0)^2                        r       = |aA|
          + k_t/2 [(tA - tA0)^2 + (tB - tB0)^2]     tA, tB  = angles b-a-A and a-A-B
          + k_p/2 sum over A, B, C of d(p, p0)^2    pA, pB, pC = dihedrals c-b-a-A, b-a-A-B, a-A-B-C

    where d is the periodic difference of two angles.
    """

    receptor_atoms: tuple[int, int, int]
    """a, b, c."""
    ligand_atoms: tuple[int, int, int]
    """A, B, C."""
    distance: float
    """r0 [nm]."""
    angles: tuple[float, float]
    """tA0, tB0 [rad]."""
    dihedrals: tuple[float, float, float]
    """pA0, pB0, pC0 [rad]."""
    distance_spring: float
    """k_r [kJ/mol/nm^2]."""
    angle_spring: float
    """k_t [kJ/mol/rad^2]."""
    dihedral_spring: float
    """k_p [kJ/mol/rad^2]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AxialRestraint:
    """A spring between centroids, and another between a receptor's axis and a ligand's.

    ``U = k/2 r^2 + K sin^2(theta)``, with r between the centroids and theta between the axes: for a long
    guest in a barrel. Both ends of the guest are equally welcome, so it excludes no pose that turning
    the guest over makes.
    """

    receptor_atoms: tuple[int, ...]
    """Atoms of the receptor whose unweighted centroid is one end of the spring."""
    ligand_atoms: tuple[int, ...]
    """Atoms of the ligand whose unweighted centroid is the other end."""
    receptor_ends: tuple[tuple[int, ...], tuple[int, ...]]
    """Atoms at both ends of the receptor's axis; it joins their centroids."""
    ligand_ends: tuple[tuple[int, ...], tuple[int, ...]]
    """Atoms at both ends of the ligand's axis."""
    spring: float
    """k [kJ/mol/nm^2]."""
    axis_spring: float
    """K [kJ/mol]."""


Restraint = CentroidRestraint | BoreschRestraint | AxialRestraint
"""Any restraint between a receptor and a ligand."""
