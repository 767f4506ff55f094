"""Analytic ends of the cycle against Monte Carlo, closed forms and limits."""

from __future__ import annotations

from dataclasses import replace
from math import log, pi, sqrt

import numpy as np
import pytest
from scipy import integrate

from bindfe.errors import RestraintError
from bindfe.estimate.correction import standard_state_correction, symmetry_correction
from bindfe.states import BoreschRestraint, CentroidRestraint

TEMPERATURE = 298.15
KT = 8.31446261815324e-3 * TEMPERATURE
KCAL = 4.184
LITRE_PER_MOL = 1.6605390671738466  # nm^3
BORESCH = BoreschRestraint(
    receptor_atoms=(0, 1, 2),
    ligand_atoms=(3, 4, 5),
    distance=0.6,
    angles=(pi / 3, pi / 2),
    dihedrals=(0.3, -1.0, 2.0),
    distance_spring=20 * KCAL * 100,
    angle_spring=20 * KCAL,
    dihedral_spring=20 * KCAL,
)


def centroid(spring: float, radius: float) -> CentroidRestraint:
    return CentroidRestraint(receptor_atoms=(0,), ligand_atoms=(1,), spring=spring, flat_radius=radius)


def boresch_eq_32(restraint: BoreschRestraint) -> float:
    """The closed form of the paper, written from it, as release [kJ/mol]."""
    sines = np.sin(restraint.angles[0]) * np.sin(restraint.angles[1])
    springs = restraint.distance_spring * restraint.angle_spring**2 * restraint.dihedral_spring**3
    return -KT * log(8 * pi**2 * LITRE_PER_MOL * sqrt(springs) / (restraint.distance**2 * sines * (2 * pi * KT) ** 3))


def test_boresch_at_springs_of_20_is_minus_7_949_and_the_closed_form_minus_7_932() -> None:
    assert standard_state_correction(BORESCH, temperature=TEMPERATURE) / KCAL == pytest.approx(-7.949, abs=5e-4)
    assert boresch_eq_32(BORESCH) / KCAL == pytest.approx(-7.932, abs=5e-4)


def test_boresch_reaches_the_closed_form_as_the_springs_stiffen() -> None:
    gaps = []
    for factor in (1, 10, 100):
        stiff = replace(
            BORESCH,
            distance_spring=BORESCH.distance_spring * factor,
            angle_spring=BORESCH.angle_spring * factor,
            dihedral_spring=BORESCH.dihedral_spring * factor,
        )
        gaps.append(abs(standard_state_correction(stiff, temperature=TEMPERATURE) - boresch_eq_32(stiff)))
    assert gaps[0] > 8 * gaps[1] > 64 * gaps[2]


def test_boresch_dihedral_values_do_not_matter() -> None:
    turned = replace(BORESCH, dihedrals=(0.0, 0.0, 0.0))
    assert standard_state_correction(turned, temperature=TEMPERATURE) == standard_state_correction(
        BORESCH, temperature=TEMPERATURE
    )


def test_boresch_agrees_with_monte_carlo_over_positions_and_orientations() -> None:
    """Uniform points in a ball for the position, uniform rotations for the orientation."""
    soft = replace(BORESCH, distance_spring=1000.0, angle_spring=25.0, dihedral_spring=8.0, angles=(1.4, 1.6))
    rng, n, ball = np.random.default_rng(3), 2_000_000, 1.1
    position = rng.uniform(-ball, ball, size=(n, 3))
    inside = (position**2).sum(axis=1) < ball**2
    position = position[inside]
    n = len(position)
    distance = np.linalg.norm(position, axis=1)
    theta_a = np.arccos(position[:, 2] / distance)  # b lies on +z of a
    phi_a = np.arctan2(position[:, 1], position[:, 0])
    theta_b = np.arccos(rng.uniform(-1, 1, n))  # the direction A-B in the frame of b-a-A
    phi_b, phi_c = rng.uniform(-pi, pi, (2, n))

    def apart(a: np.ndarray, b: float) -> np.ndarray:
        return (a - b + pi) % (2 * pi) - pi

    energy = 0.5 * soft.distance_spring * (distance - soft.distance) ** 2
    energy += 0.5 * soft.angle_spring * ((theta_a - soft.angles[0]) ** 2 + (theta_b - soft.angles[1]) ** 2)
    for angle, centre in zip((phi_a, phi_b, phi_c), soft.dihedrals, strict=True):
        energy += 0.5 * soft.dihedral_spring * apart(angle, centre) ** 2
    boltzmann = np.exp(-energy / KT)
    volume = boltzmann.mean() * 4 / 3 * pi * ball**3  # the rotations' 8 pi^2 cancels
    relative_error = boltzmann.std() / boltzmann.mean() / sqrt(n)
    expected = -KT * log(LITRE_PER_MOL / volume)
    assert relative_error < 0.05
    assert abs(standard_state_correction(soft, temperature=TEMPERATURE) - expected) < 3 * KT * relative_error


@pytest.mark.parametrize("angle", [0.2, pi - 0.2])
def test_boresch_refuses_an_angle_that_could_become_linear(angle: float) -> None:
    with pytest.raises(RestraintError, match="linear"):
        standard_state_correction(replace(BORESCH, angles=(angle, 1.5)), temperature=TEMPERATURE)


def test_harmonic_spring_has_the_closed_form_of_a_gaussian() -> None:
    spring = 1000.0
    expected = -KT * log(LITRE_PER_MOL / (2 * pi * KT / spring) ** 1.5)
    assert standard_state_correction(centroid(spring, 0.0), temperature=TEMPERATURE) == pytest.approx(
        expected, abs=1e-8
    )


def test_flat_bottom_agrees_with_an_integral_over_cartesian_slices() -> None:
    spring, radius = 800.0, 0.4

    def slice_area(z: float) -> float:
        def ring(s: float) -> float:  # s is the square of the distance from the axis
            beyond = max(0.0, sqrt(s + z * z) - radius)
            return pi * np.exp(-0.5 * spring * beyond**2 / KT)

        kink = max(0.0, radius**2 - z * z)
        return integrate.quad(ring, 0, 1.5, points=[kink], limit=200)[0]

    volume = 2 * integrate.quad(slice_area, 0, 1.2, points=[radius], limit=200)[0]
    expected = -KT * log(LITRE_PER_MOL / volume)
    assert standard_state_correction(centroid(spring, radius), temperature=TEMPERATURE) == pytest.approx(
        expected, abs=1e-5
    )


def test_flat_bottom_agrees_with_monte_carlo_in_three_dimensions() -> None:
    spring, radius, box = 500.0, 0.3, 1.0
    points = np.random.default_rng(7).uniform(-box, box, size=(400_000, 3))
    boltzmann = np.exp(-0.5 * spring * np.maximum(0, np.linalg.norm(points, axis=1) - radius) ** 2 / KT)
    expected = -KT * log(LITRE_PER_MOL / (8 * box**3 * boltzmann.mean()))
    error = KT * boltzmann.std() / boltzmann.mean() / sqrt(len(points))
    assert abs(standard_state_correction(centroid(spring, radius), temperature=TEMPERATURE) - expected) < 3 * error


def test_a_hard_wall_leaves_the_volume_of_its_ball() -> None:
    expected = -KT * log(LITRE_PER_MOL / (4 / 3 * pi * 0.5**3))
    assert standard_state_correction(centroid(1e12, 0.5), temperature=TEMPERATURE) == pytest.approx(expected, abs=1e-3)


def test_a_well_of_the_standard_volume_costs_nothing() -> None:
    radius = (3 * LITRE_PER_MOL / (4 * pi)) ** (1 / 3)
    assert standard_state_correction(centroid(1e12, radius), temperature=TEMPERATURE) == pytest.approx(0.0, abs=1e-3)


def test_a_restraint_that_holds_nothing_is_refused() -> None:
    with pytest.raises(RestraintError, match="positive spring"):
        standard_state_correction(centroid(0.0, 0.5), temperature=TEMPERATURE)


def test_two_equivalent_poses_bind_better_by_kt_ln_2() -> None:
    assert symmetry_correction(2, temperature=TEMPERATURE) == pytest.approx(-KT * log(2))
    assert symmetry_correction(1, temperature=TEMPERATURE) == 0
    with pytest.raises(RestraintError, match="at least 1"):
        symmetry_correction(0, temperature=TEMPERATURE)
