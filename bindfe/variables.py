"""Collective variables and the restraints along them, as records: what they are, and their value by numpy.

OpenMM and PLUMED write the same records in their own words (``sample.openmmwords``, ``sample.plumedwords``); the
values here are a third derivation, which checks starts and tests the other two.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bindfe.errors import RestraintError

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Distance:
    """Distance between the centroids of two groups of atoms [nm]."""

    name: str
    """Letters, digits and underscores; the column in every file."""
    first: tuple[int, ...]
    """Atoms of one group, 0-based."""
    second: tuple[int, ...]
    """Atoms of the other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Torsion:
    """Dihedral angle of four atoms [rad], -pi to pi."""

    name: str
    """Letters, digits and underscores; the column in every file."""
    atoms: tuple[int, int, int, int]
    """The atoms, 0-based."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AxisPosition:
    """Height of the ligand's centroid along the receptor's axis, from the middle of its ends [nm].

    ::

        z = (c - (a + b)/2) . u,   u = (a - b)/|a - b|,   rho^2 = |c - (a + b)/2|^2 - z^2

    OpenMM and PLUMED compute it from the three distances between a, b and c, each to its nearest image, so the box
    must be wider than twice the longest of them.
    """

    name: str
    """Letters, digits and underscores; the column in every file."""
    top: tuple[int, ...]
    """Atoms whose centroid is a, towards which z grows."""
    bottom: tuple[int, ...]
    """Atoms whose centroid is b."""
    ligand: tuple[int, ...]
    """Atoms whose centroid is c."""


Variable = Distance | Torsion | AxisPosition
"""A variable that can be biased."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BiasedVariable:
    """A variable with the range and the resolution of its bias."""

    variable: Variable
    """What it measures."""
    low: float
    """Lowest value that is sampled [nm or rad]."""
    high: float
    """Highest value that is sampled [nm or rad]; a restraint must hold it there."""
    width: float
    """Standard deviation of the Gaussians [nm or rad]."""

    def __post_init__(self) -> None:
        if not (self.low < self.high and 0 < self.width < self.high - self.low):
            raise RestraintError(
                f"variable {self.variable.name} runs from {self.low:g} to {self.high:g} with Gaussians {self.width:g} "
                "wide: low must be below high, and the width positive and below the range"
            )

    @property
    def period(self) -> float | None:
        """2 pi for a torsion, None otherwise."""
        return 2 * math.pi if isinstance(self.variable, Torsion) else None

    @property
    def label(self) -> str:
        """Name and unit."""
        return f"{self.variable.name} [{'rad' if isinstance(self.variable, Torsion) else 'nm'}]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sphere:
    """A wall about the site: U = k/2 max(0, r - R)^2."""

    distance: Distance
    """r, between the site's centroid and the ligand's."""
    radius: float
    """R [nm]."""
    spring: float
    """k [kJ/mol/nm^2]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Funnel:
    """A wall about the receptor's axis: wide at the site, a cylinder in bulk, closed at the ends.

    ::

        U = k/2 max(0, rho - R(z))^2 + k/2 max(0, z - z_high)^2 + k/2 max(0, z_low - z)^2
        R(z) = R_cylinder + slope max(0, z_cone - z);   with |z| for a funnel on both sides
    """

    position: AxisPosition
    """z and rho."""
    radius: float
    """R_cylinder [nm]."""
    cone_until: float
    """z_cone: where the cone ends and the cylinder begins [nm]."""
    slope: float
    """Growth of the radius per nm towards the site; 0 for a cylinder throughout."""
    low: float
    """z_low [nm]."""
    high: float
    """z_high [nm]."""
    spring: float
    """k of all walls [kJ/mol/nm^2]."""
    both_sides: bool = False
    """Whether the funnel opens on both sides of the site."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Alignment:
    """A spring between the receptor's axis and the ligand's: U = K sin^2(theta); either end may lead."""

    receptor_ends: tuple[tuple[int, ...], tuple[int, ...]]
    """Atoms at both ends of the receptor's axis."""
    ligand_ends: tuple[tuple[int, ...], tuple[int, ...]]
    """Atoms at both ends of the ligand's axis."""
    spring: float
    """K [kJ/mol]."""


Hold = Sphere | Funnel | Alignment
"""A restraint that acts in bulk, and is let go in the site by reweighting."""


def value_of(variable: Variable, positions: Floats, *, box: Floats | None = None) -> float:
    """The variable's value.

    Args:
        variable: What to measure.
        positions: Coordinates [nm], (N, 3); a molecule is not cut by the box.
        box: Box vectors in OpenMM's reduced form [nm], (3, 3); None without a box.

    Returns:
        nm or rad.
    """
    if isinstance(variable, Distance):
        return float(
            np.linalg.norm(_apart(_centroid(positions, variable.second), _centroid(positions, variable.first), box))
        )
    if isinstance(variable, Torsion):
        return _dihedral(positions[list(variable.atoms)], box)
    return axis_coordinates(variable, positions, box=box)[0]


def axis_coordinates(variable: AxisPosition, positions: Floats, *, box: Floats | None = None) -> tuple[float, float]:
    """Height along the axis and distance from it, z and rho [nm]."""
    top, bottom = _centroid(positions, variable.top), _centroid(positions, variable.bottom)
    along = _apart(top, bottom, box)
    d = _apart(_centroid(positions, variable.ligand), bottom + 0.5 * along, box)
    z = float(d @ along / np.linalg.norm(along))
    return z, math.sqrt(max(0.0, float(d @ d) - z * z))


def hold_energy(hold: Hold, positions: Floats, *, box: Floats | None = None) -> float:
    """Energy of a restraint [kJ/mol]; arguments as in :func:`value_of`."""
    if isinstance(hold, Sphere):
        return 0.5 * hold.spring * max(0.0, value_of(hold.distance, positions, box=box) - hold.radius) ** 2
    if isinstance(hold, Funnel):
        z, rho = axis_coordinates(hold.position, positions, box=box)
        wall = max(0.0, rho - funnel_radius(hold, z)) ** 2
        return 0.5 * hold.spring * (wall + max(0.0, z - hold.high) ** 2 + max(0.0, hold.low - z) ** 2)
    axes = [
        _apart(_centroid(positions, a), _centroid(positions, b), box) for a, b in (hold.receptor_ends, hold.ligand_ends)
    ]
    cosine = float(axes[0] @ axes[1]) / float(np.linalg.norm(axes[0]) * np.linalg.norm(axes[1]))
    return hold.spring * (1.0 - cosine**2)


def funnel_radius(funnel: Funnel, z: float) -> float:
    """Radius of the free space at height z [nm]."""
    height = abs(z) if funnel.both_sides else z
    return funnel.radius + funnel.slope * max(0.0, funnel.cone_until - height)


def check_contains(hold: Hold, positions: Floats, *, box: Floats | None = None, kt: float) -> None:
    """Refuse a restraint that already pulls hard at the bound ligand: it would be torn out of the site.

    Raises:
        RestraintError: The energy at the given coordinates is above 5 kT; with what it met and how to mend it.
    """
    energy = hold_energy(hold, positions, box=box)
    if energy <= 5.0 * kt:
        return
    if isinstance(hold, Funnel):
        z, rho = axis_coordinates(hold.position, positions, box=box)
        raise RestraintError(
            f"the funnel does not contain the ligand: it is at z = {z:.3f} nm and {rho:.3f} nm from the axis, where "
            f"the funnel is {funnel_radius(hold, z):.3f} nm wide and runs from {hold.low:g} to {hold.high:g} nm. Widen "
            "the funnel, or choose the axis through the site"
        )
    if isinstance(hold, Sphere):
        r = value_of(hold.distance, positions, box=box)
        raise RestraintError(
            f"the sphere does not contain the ligand: it is {r:.3f} nm from the site's centroid and the wall stands at "
            f"{hold.radius:g} nm. Widen the sphere, or choose the site's atoms around the ligand"
        )
    raise RestraintError(
        f"the axes are not aligned at the start: K sin^2 = {energy:.1f} kJ/mol ({energy / kt:.0f} kT). Choose the "
        "ends of the ligand's long axis, or no alignment"
    )


def _centroid(positions: Floats, atoms: tuple[int, ...]) -> Floats:
    return np.asarray(positions[list(atoms)].mean(axis=0), dtype=float)


def _apart(a: Floats, b: Floats, box: Floats | None) -> Floats:
    """From b to a, to the nearest image."""
    d = np.array(a - b)
    if box is not None:
        for i in (2, 1, 0):
            d -= box[i] * np.round(d[i] / box[i, i])
    return d


def _dihedral(x: Floats, box: Floats | None) -> float:
    b0, b1, b2 = _apart(x[0], x[1], box), _apart(x[2], x[1], box), _apart(x[3], x[2], box)
    unit = b1 / np.linalg.norm(b1)
    v, w = b0 - (b0 @ unit) * unit, b2 - (b2 @ unit) * unit
    return math.atan2(float(np.cross(unit, v) @ w), float(v @ w))
