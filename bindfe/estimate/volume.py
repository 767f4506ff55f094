"""How much room a ligand has in bulk under the restraints that act there."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bindfe.errors import RestraintError
from bindfe.results import BindingRegions, Region
from bindfe.units import thermal_energy
from bindfe.variables import Alignment, BiasedVariable, Distance, Funnel, Hold, Sphere, Torsion


def binding_regions(
    variable: BiasedVariable,
    holds: Sequence[Hold],
    *,
    bound: tuple[float, float],
    unbound: Sequence[tuple[float, float]],
    temperature: float,
    n_equivalent: int = 1,
    extra_variables: int = 0,
) -> BindingRegions:
    """Bound and unbound along a distance or an axis, with the volumes that the restraints leave.

    A distance needs no restraint but a wall beyond the shell; a height along an axis needs a funnel, whose cylinder
    holds the unbound ranges.

    Args:
        variable: The first biased variable.
        holds: The restraints that acted.
        bound: Range of the site [nm].
        unbound: One or more ranges of bulk [nm].
        temperature: Temperature [K].
        n_equivalent: Equivalent sites or poses that the run cannot reach.
        extra_variables: Number of further biased variables, which are not limited.

    Returns:
        The regions.

    Raises:
        RestraintError: A range is empty, overlaps the site, or reaches where a restraint is not a plain cylinder or
            sphere.
    """
    kt, open_ends = thermal_energy(temperature), [math.inf] * extra_variables
    for low, high in (bound, *unbound):
        if not low < high:
            raise RestraintError(f"the range {low:g} to {high:g} nm is empty: its first limit must be below its second")
    for low, high in unbound:
        if low < bound[1] and bound[0] < high:
            raise RestraintError(f"bulk ({low:g} to {high:g} nm) overlaps the site ({bound[0]:g} to {bound[1]:g} nm)")
    volumes = tuple(_volume(variable, holds, low, high, kt) for low, high in unbound)
    names = ("bulk",) if len(volumes) == 1 else tuple(f"bulk {i + 1}" for i in range(len(volumes)))
    lows = [-x for x in open_ends]
    return BindingRegions(
        bound=Region(name="bound", low=np.array([bound[0], *lows]), high=np.array([bound[1], *open_ends])),
        unbound=tuple(
            Region(name=name, low=np.array([low, *lows]), high=np.array([high, *open_ends]))
            for name, (low, high) in zip(names, unbound, strict=True)
        ),
        volumes_nm3=volumes,
        n_equivalent=n_equivalent,
    )


def _volume(variable: BiasedVariable, holds: Sequence[Hold], low: float, high: float, kt: float) -> float:
    """Effective volume of one range [nm^3]."""
    measured = variable.variable
    turned = math.prod(
        aligned_fraction(axis_spring=hold.spring, kt=kt) for hold in holds if isinstance(hold, Alignment)
    )
    if isinstance(measured, Torsion):
        raise RestraintError(f"{measured.name} is an angle: nothing is unbound along it")
    if isinstance(measured, Distance):
        for hold in holds:
            if isinstance(hold, Funnel) or (isinstance(hold, Sphere) and hold.radius < high):
                raise RestraintError(
                    f"bulk from {low:g} to {high:g} nm of {measured.name} is not a whole shell: it needs a sphere of "
                    "at least that radius and no funnel"
                )
        return turned * shell_volume(inner=low, outer=high)
    funnels = [hold for hold in holds if isinstance(hold, Funnel)]
    if len(funnels) != 1 or any(isinstance(hold, Sphere) for hold in holds):
        raise RestraintError(f"{measured.name} needs one funnel (and no sphere) to limit bulk, found {len(funnels)}")
    (funnel,) = funnels
    nearest = min(abs(low), abs(high)) if funnel.both_sides and low * high > 0 else low
    if nearest < funnel.cone_until or low < funnel.low or high > funnel.high:
        raise RestraintError(
            f"bulk from {low:g} to {high:g} nm leaves the funnel's cylinder, which goes from {funnel.cone_until:g} to "
            f"{funnel.high:g} nm (and to {funnel.low:g} nm on the other side, if it opens there)"
        )
    return turned * cylinder_volume(length=high - low, radius=funnel.radius, spring=funnel.spring, kt=kt)


def shell_volume(*, inner: float, outer: float) -> float:
    """Volume between two spheres about the site [nm^3], from radii [nm]."""
    return 4 / 3 * math.pi * (outer**3 - inner**3)


def cylinder_volume(*, length: float, radius: float, spring: float, kt: float) -> float:
    """Effective volume of a cylinder with a harmonic wall.

    ::

        V = L int_0^inf 2 pi r e^(-k max(0, r - R)^2 / 2kT) dr = pi L (R^2 + 2 R s sqrt(pi/2) + 2 s^2),  s^2 = kT/k

    A hard wall at R would be 18 % too small for R = 0.1 nm and k = 35,100 kJ/mol/nm^2.

    Args:
        length: L, along the axis [nm].
        radius: R, where the wall begins [nm].
        spring: k of the wall [kJ/mol/nm^2].
        kt: Thermal energy [kJ/mol].

    Returns:
        V [nm^3].

    Source:
        Limongelli, Bonomi and Parrinello, PNAS 110, 6358 (2013), doi:10.1073/pnas.1303186110, eq. 2, where the wall
        is hard.
    """
    width = math.sqrt(kt / spring)
    return math.pi * length * (radius**2 + 2 * radius * width * math.sqrt(math.pi / 2) + 2 * width**2)


def aligned_fraction(*, axis_spring: float, kt: float) -> float:
    """Part of all directions that a spring K sin^2(theta) between two axes leaves in bulk.

    It is int_0^1 e^(-K(1 - x^2)/kT) dx. Multiply the volume of bulk by it where such a spring acts.
    """
    node, weight = np.polynomial.legendre.leggauss(400)
    x = 0.5 * (node + 1)
    return float(0.5 * np.sum(weight * np.exp(-axis_spring * (1 - x * x) / kt)))
