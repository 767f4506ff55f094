"""Analytic ends of the cycle: the standard state and equivalent poses."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.integrate import quad

from bindfe.errors import RestraintError
from bindfe.results import Floats
from bindfe.states import AxialRestraint, BoreschRestraint, CentroidRestraint, Restraint
from bindfe.units import STANDARD_VOLUME_NM3, thermal_energy

COLLINEAR_BARRIER = 5.0
"""Least restraint energy of a linear angle [kT]; e^-5 of the density at the well's bottom lies there."""

_REACH = 40.0
"""Energy above the bottom [kT] at which integrals end; what is left out is e^-40."""


def standard_state_correction(restraint: Restraint, *, temperature: float) -> float:
    """Free energy of letting a restrained, non-interacting ligand go into 1 mol/L.

    With Z the configuration integral of the restraint over the ligand's position and orientation::

        dG = -kT ln(V / Z),   V = V0 for a centroid restraint, 4 pi V0 with aligned axes,
                                  8 pi^2 V0 for Boresch's six springs

    where V0 = 1.661 nm^3 is the volume of one molecule at 1 mol/L.

    Args:
        restraint: What holds the ligand in the decoupled state, fully on.
        temperature: Temperature of the decoupled state [K].

    Returns:
        dG of release [kJ/mol]. Negative where the ligand gains freedom. Imposing the restraint on a ligand
        from 1 mol/L costs the opposite.

    Raises:
        RestraintError: A spring is not positive, or an angle could become linear.
    """
    if isinstance(restraint, BoreschRestraint):
        return boresch_standard_state_correction(restraint, temperature=temperature)
    if isinstance(restraint, AxialRestraint):
        return axial_standard_state_correction(restraint, temperature=temperature)
    return centroid_standard_state_correction(restraint, temperature=temperature)


def centroid_standard_state_correction(restraint: CentroidRestraint, *, temperature: float) -> float:
    """Free energy of letting a ligand go from a harmonic or flat-bottomed well into 1 mol/L.

    ::

        dG = -kT ln(V0 / Z)
        Z  = int 4 pi r^2 e^(-U(r)/kT) dr

    by quadrature outside the flat bottom, the site's edge included. Orientations are free in both states and
    cancel.

    Args:
        restraint: The well; its box must be larger than the well (not checked here).
        temperature: Temperature of the decoupled state [K].

    Returns:
        dG of release [kJ/mol].

    Raises:
        RestraintError: The spring is not positive or the flat radius is negative.
    """
    if restraint.spring <= 0 or restraint.flat_radius < 0 or restraint.site_radius < 0:
        raise RestraintError(
            f"spring {restraint.spring:g} kJ/mol/nm^2 with flat radius {restraint.flat_radius:g} nm holds nothing: "
            "a positive spring and a radius of at least 0 are needed"
        )
    kt = thermal_energy(temperature)
    width = math.sqrt(kt / restraint.spring)
    site = restraint.site_radius or math.inf
    edge = min(restraint.flat_radius, site)

    def outside(t: float) -> float:
        r = edge + t * width
        inner, outer = (max(0.0, r - radius) / width for radius in (restraint.flat_radius, site))
        return r**2 * math.exp(-(inner**2 + outer**2) / 2)

    reach = math.sqrt(2 * _REACH)
    kinks = [(radius - edge) / width for radius in (restraint.flat_radius, site)]
    inside = [t for t in kinks if 0.0 < t < reach] or None
    wall, _ = quad(outside, 0.0, reach, points=inside, epsabs=0.0, epsrel=1e-10)
    volume = 4 * math.pi * (edge**3 / 3 + width * wall)
    return -kt * math.log(STANDARD_VOLUME_NM3 / volume)


def axial_standard_state_correction(restraint: AxialRestraint, *, temperature: float) -> float:
    """Free energy of letting a ligand go from a spring with aligned axes into 1 mol/L.

    Turning the ligand about its centroid moves its axis and not the centroid, so the integral is that of the
    spring times that of the directions::

        dG = -kT ln(4 pi V0 / (Z_r Z_axis)),   Z_axis = 2 pi int sin(t) e^(-K sin^2(t)/kT) dt, t = 0 .. pi

    Args:
        restraint: The two springs.
        temperature: Temperature of the decoupled state [K].

    Returns:
        dG of release [kJ/mol].

    Raises:
        RestraintError: A spring is not positive.
    """
    if restraint.axis_spring <= 0:
        raise RestraintError(f"axis spring {restraint.axis_spring:g} kJ/mol aligns nothing: it must be positive")
    kt = thermal_energy(temperature)
    spring = CentroidRestraint(
        receptor_atoms=restraint.receptor_atoms, ligand_atoms=restraint.ligand_atoms, spring=restraint.spring
    )
    stiffness = restraint.axis_spring / kt
    # x = 1 - cos(t) counts from the aligned axis; half of the directions, the other half is its mirror image
    half, _ = quad(lambda x: math.exp(-stiffness * x * (2 - x)), 0.0, min(1.0, _REACH / stiffness), epsrel=1e-10)
    return centroid_standard_state_correction(spring, temperature=temperature) + kt * math.log(half)


def boresch_standard_state_correction(restraint: BoreschRestraint, *, temperature: float) -> float:
    """Free energy of letting a ligand go from Boresch's six springs into 1 mol/L.

    Nothing but the restraint acts on the ligand, so its configuration integral is a product of six
    one-dimensional ones::

        dG = -kT ln(8 pi^2 V0 / Z)
        Z  = int r^2 e^(-U/kT) dr  *  prod_2 int sin(a) e^(-U/kT) da  *  prod_3 int e^(-U/kT) dp

    They are integrated numerically. The closed form in the paper takes r^2 sin(a) as constant over
    a well, which is 0.02 kcal/mol off for springs of 20 kcal/mol/A^2 and 20 kcal/mol/rad^2.

    Args:
        restraint: The springs; the dihedrals' equilibrium values do not matter.
        temperature: Temperature of the decoupled state [K].

    Returns:
        dG of release [kJ/mol]. Negative: the ligand gains freedom. Add it after the leg that decouples
        the ligand with the restraint on.

    Raises:
        RestraintError: A spring or the distance is not positive, or an angle could become linear (a
            barrier below ``COLLINEAR_BARRIER``): two dihedrals are not defined there.

    Source:
        Boresch et al., J. Phys. Chem. B 107, 9535 (2003), doi:10.1021/jp0217839, eq. 32 and the
        integrals it approximates. Symmetry of the ligand is not included.
    """
    kt = thermal_energy(temperature)
    _check_boresch(restraint, kt)
    volume = _well(lambda r: r * r, restraint.distance, restraint.distance_spring / kt, 0.0, math.inf)
    for angle in restraint.angles:
        volume *= _well(np.sin, angle, restraint.angle_spring / kt, 0.0, math.pi)
    volume *= _well(np.ones_like, 0.0, restraint.dihedral_spring / kt, -math.pi, math.pi) ** 3
    return -kt * math.log(8 * math.pi**2 * STANDARD_VOLUME_NM3 / volume)


def _well(jacobian: Callable[[Floats], Floats], centre: float, spring: float, low: float, high: float) -> float:
    """Integral of ``jacobian(x) exp(-spring (x - centre)^2 / 2)`` between ``low`` and ``high``.

    Gauss-Legendre with 200 nodes over the part of the range that is within ``_REACH`` of the bottom.
    """
    reach = math.sqrt(2 * _REACH / spring)
    start, end = max(low, centre - reach), min(high, centre + reach)
    node, weight = np.polynomial.legendre.leggauss(200)
    x = 0.5 * (end - start) * node + 0.5 * (end + start)
    return float(0.5 * (end - start) * np.sum(weight * jacobian(x) * np.exp(-0.5 * spring * (x - centre) ** 2)))


def _check_boresch(restraint: BoreschRestraint, kt: float) -> None:
    springs = (restraint.distance_spring, restraint.angle_spring, restraint.dihedral_spring)
    if min(springs) <= 0 or restraint.distance <= 0:
        raise RestraintError(f"springs {springs} at {restraint.distance:g} nm: all of them must be positive")
    for angle in restraint.angles:
        barrier = 0.5 * restraint.angle_spring * min(angle, math.pi - angle) ** 2 / kt
        if not 0 < angle < math.pi or barrier < COLLINEAR_BARRIER:
            raise RestraintError(
                f"an angle restrained at {math.degrees(angle):.0f} deg meets a linear one at {barrier:.1f} kT "
                f"({COLLINEAR_BARRIER:g} kT needed): choose other anchor atoms or a stiffer spring"
            )


def symmetry_correction(n_equivalent: int, *, temperature: float) -> float:
    """Free energy of the equivalent poses that the restraint shut out: -kT ln n.

    Count the poses that look the same after relabelling equal atoms, that the bound ligand really has,
    and that it could not reach while it was restrained: 2 for benzene's faces under Boresch's springs times
    6 for its turns, 1 under a centroid restraint that lets it turn. The unbound ligand is not counted: it
    turns freely.

    Args:
        n_equivalent: Number of equivalent poses, the sampled one included.
        temperature: Temperature [K].

    Returns:
        What to add to delta_g [kJ/mol]; 0 or negative, as more poses bind better.

    Raises:
        RestraintError: Fewer than one pose.

    Source:
        Mobley, Chodera and Dill, J. Chem. Phys. 125, 084902 (2006), doi:10.1063/1.2221683.
    """
    if n_equivalent < 1:
        raise RestraintError(f"{n_equivalent} equivalent poses: at least 1, the sampled one, is needed")
    return -thermal_energy(temperature) * math.log(n_equivalent)
