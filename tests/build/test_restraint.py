from __future__ import annotations

import itertools
import math

import numpy as np
import openmm as mm
import pytest

from bindfe.build.restraint import LAMBDA_RESTRAINTS, boresch_restraint, choose_restraint, restraint_force
from bindfe.errors import RestraintError
from bindfe.estimate.correction import standard_state_correction
from bindfe.states import AxialRestraint, BoreschRestraint, CentroidRestraint
from bindfe.units import KJ_PER_KCAL, STANDARD_VOLUME_NM3, parse_quantity, thermal_energy

TEMPERATURE = 298.15
KT = thermal_energy(TEMPERATURE)


ALL = ", receptor_atoms: [0, 1, 2], ligand_atoms: [0, 1, 2]"


def system_of(restraint, n_atoms, *, periodic=False, box=3.0):
    """Bare particles and the leg's own restraint force."""
    system = mm.System()
    system.setDefaultPeriodicBoxVectors(*(np.eye(3) * box))
    for _ in range(n_atoms):
        system.addParticle(12.0)
    system.addForce(restraint_force(restraint, periodic=periodic))
    return system


class Energies:
    """Energy of the restraint [kJ/mol] as its force in a Context gives it."""

    def __init__(self, restraint, n_atoms, **settings):
        system = system_of(restraint, n_atoms, **settings)
        self.context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))

    def __call__(self, positions):
        self.context.setPositions(positions)
        return self.context.getState(energy=True).getPotentialEnergy()._value


def place(a, b, c, distance, angle, dihedral):
    """Where an atom is that sees a, b, c at a distance, an angle and a dihedral (IUPAC sign)."""
    u = (a - b) / np.linalg.norm(a - b)
    n = np.cross(b - c, u)
    n /= np.linalg.norm(n)
    m = np.cross(n, u)
    local = [-math.cos(angle), math.sin(angle) * math.cos(dihedral), math.sin(angle) * math.sin(dihedral)]
    return a + distance * (local[0] * u + local[1] * m + local[2] * n)


RECEPTOR = np.array([[0.0, 0.0, 0.0], [0.25, 0.05, 0.0], [0.3, 0.3, 0.1]])


def boresch_pose(r, t_a, t_b, p_a, p_b, p_c):
    a, b, c = RECEPTOR
    A = place(a, b, c, r, t_a, p_a)
    B = place(A, a, b, 0.15, t_b, p_b)
    C = place(B, A, a, 0.15, 1.9, p_c)
    return np.array([a, b, c, A, B, C])


def boresch(**changes):
    values = {
        "receptor_atoms": (0, 1, 2),
        "ligand_atoms": (3, 4, 5),
        "distance": 0.5,
        "angles": (1.2, 1.7),
        "dihedrals": (3.0, -1.0, 0.4),
        "distance_spring": parse_quantity("10 kcal/mol/A^2", "kJ/mol/nm^2"),
        "angle_spring": 83.68,
        "dihedral_spring": 83.68,
    }
    return BoreschRestraint(**{**values, **changes})


@pytest.mark.parametrize(("flat_radius", "site_radius"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.05), (0.3, 0.36), (0.3, 0.2)])
def test_centroid_volume_in_the_context_is_that_of_the_correction(flat_radius, site_radius):
    spring = parse_quantity("5 kcal/mol/A^2", "kJ/mol/nm^2")
    restraint = CentroidRestraint(
        receptor_atoms=(0, 1),
        ligand_atoms=(2, 3, 4),
        spring=spring,
        flat_radius=flat_radius,
        site_radius=site_radius,
    )
    energy = Energies(restraint, 5)
    shape = np.array([[0.1, 0, 0], [-0.1, 0, 0], [0.1, 0, 0], [0, 0.2, 0], [-0.1, -0.2, 0]])  # both centroids at 0
    direction = np.array([0.48, -0.6, 0.64])

    def boltzmann(r):
        positions = shape.copy()
        positions[2:] += r * direction
        return 4 * math.pi * r * r * math.exp(-energy(positions) / KT)

    node, weight = np.polynomial.legendre.leggauss(80)
    volume = 0.0
    kinks = sorted({0.0, flat_radius, site_radius, flat_radius + 0.5})
    for low, high in itertools.pairwise(kinks):
        volume += (
            0.5
            * (high - low)
            * sum(w * boltzmann(0.5 * (high - low) * x + 0.5 * (high + low)) for x, w in zip(node, weight, strict=True))
        )
    expected = -KT * math.log(STANDARD_VOLUME_NM3 / volume)
    assert standard_state_correction(restraint, temperature=TEMPERATURE) == pytest.approx(
        expected, abs=1e-3 * KJ_PER_KCAL
    )


def test_edge_of_the_site_stays_when_the_spring_is_released():
    restraint = CentroidRestraint(receptor_atoms=(0,), ligand_atoms=(1,), spring=400.0, site_radius=0.6)
    energy = Energies(restraint, 2)
    energy.context.setParameter(LAMBDA_RESTRAINTS, 0.0)
    assert energy(np.array([[0, 0, 0], [0, 0, 0.55]])) == 0.0
    assert energy(np.array([[0, 0, 0], [0, 0, 0.8]])) == pytest.approx(0.5 * 400 * 0.2**2, rel=1e-5)


@pytest.mark.parametrize("stiffness", [2.0, 40.0])
def test_axial_volume_in_the_context_is_that_of_the_correction(stiffness):
    restraint = AxialRestraint(
        receptor_atoms=(0, 1),
        ligand_atoms=(2, 3),
        receptor_ends=((0,), (1,)),
        ligand_ends=((2,), (3,)),
        spring=2092.0,
        axis_spring=stiffness,
    )
    energy = Energies(restraint, 4)
    node, weight = np.polynomial.legendre.leggauss(60)

    def boltzmann(shift, cosine):
        axis = np.array([cosine, 0.0, math.sqrt(1 - cosine**2)])
        centre = shift * np.array([0.6, 0.8, 0.0])
        return math.exp(-energy(np.array([[0.2, 0, 0], [-0.2, 0, 0], centre + 0.3 * axis, centre - 0.3 * axis])) / KT)

    radii = 0.3 * (node + 1)
    space = 0.3 * sum(w * 4 * math.pi * r * r * boltzmann(r, 1.0) for r, w in zip(radii, weight, strict=True))
    turning = 0.5 * sum(w * boltzmann(0.0, c) for c, w in zip(node, weight, strict=True))  # share of all directions
    expected = -KT * math.log(STANDARD_VOLUME_NM3 / (space * turning))
    assert standard_state_correction(restraint, temperature=TEMPERATURE) == pytest.approx(
        expected, abs=1e-3 * KJ_PER_KCAL
    )


def test_boresch_volume_in_the_context_is_that_of_the_correction():
    restraint = boresch()
    energy = Energies(restraint, 6)
    rest = [restraint.distance, *restraint.angles, *restraint.dihedrals]
    jacobians = [lambda r: r * r, math.sin, math.sin, *[lambda _: 1.0] * 3]
    ranges = [(0.2, 0.8), (0.0, math.pi), (0.0, math.pi), *[(-math.pi, math.pi)] * 3]
    volume = 1.0
    for i, (low, high) in enumerate(ranges):
        grid = low + (np.arange(600) + 0.5) * (high - low) / 600  # never on an angle of 0, which has no dihedral
        values = []
        for x in grid:
            pose = [*rest]
            pose[i] = x
            values.append(jacobians[i](x) * math.exp(-energy(boresch_pose(*pose)) / KT))
        volume *= sum(values) * (grid[1] - grid[0])
    expected = -KT * math.log(8 * math.pi**2 * STANDARD_VOLUME_NM3 / volume)
    assert standard_state_correction(restraint, temperature=TEMPERATURE) == pytest.approx(
        expected, abs=1e-3 * KJ_PER_KCAL
    )


def test_boresch_energy_is_the_sum_of_six_springs_over_the_circle():
    restraint = boresch()
    energy = Energies(restraint, 6)
    rng = np.random.default_rng(3)
    for _ in range(20):
        r, t_a, t_b = rng.uniform(0.4, 0.6), *rng.uniform(0.8, 2.2, 2)
        dihedrals = rng.uniform(-math.pi, math.pi, 3)
        turns = [math.remainder(p - p0, 2 * math.pi) for p, p0 in zip(dihedrals, restraint.dihedrals, strict=True)]
        expected = 0.5 * restraint.distance_spring * (r - 0.5) ** 2
        expected += 0.5 * restraint.angle_spring * ((t_a - 1.2) ** 2 + (t_b - 1.7) ** 2)
        expected += 0.5 * restraint.dihedral_spring * sum(turn**2 for turn in turns)
        assert energy(boresch_pose(r, t_a, t_b, *dihedrals)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kind", ["harmonic", "boresch"])
def test_the_derivative_is_the_energy_of_the_full_restraint(kind, evaluate, settings):
    positions = boresch_pose(0.5, 1.2, 1.7, 0.3, -1.0, 0.4)
    restraint = choose(settings(kind, ALL), positions)
    moved = positions + np.random.default_rng(0).normal(scale=0.02, size=positions.shape)
    off, half, full = (evaluate(system_of(restraint, 6), moved, {"lambda_restraints": x}) for x in (0.0, 0.5, 1.0))
    assert off.energy == 0.0
    assert half.energy == pytest.approx(full.energy / 2)
    for each in (off, half, full):
        assert each.derivatives["lambda_restraints"] == pytest.approx(full.energy)


@pytest.mark.parametrize("kind", ["harmonic", "boresch"])
def test_in_a_box_the_nearest_image_is_held(kind, settings):
    positions = boresch_pose(0.5, 1.2, 1.7, 0.3, -1.0, 0.4)
    restraint = choose(settings(kind, ALL), positions)
    image = positions.copy()
    image[3:] += [3.0, 0.0, -3.0]
    moved = Energies(restraint, 6, periodic=True, box=3.0)(image)
    assert moved == pytest.approx(Energies(restraint, 6)(positions), abs=1e-6)


@pytest.fixture
def settings(protocol):
    return lambda kind, more="": protocol(f"restraint: {{kind: {kind}{more}}}").restraint


def choose(settings, positions, **changes):
    arguments = {
        "positions": positions,
        "receptor_atoms": range(3),
        "ligand_atoms": range(3, 6),
        "heavy": set(range(6)),
    }
    return choose_restraint(settings, **{**arguments, **changes})


def test_the_restraint_is_at_rest_on_the_coordinates_that_it_was_made_from(settings):
    pose = boresch_pose(0.5, 1.2, 1.7, 3.0, -1.0, 0.4)
    made = boresch_restraint(settings("boresch"), positions=pose, receptor_atoms=(0, 1, 2), ligand_atoms=(3, 4, 5))
    assert made.distance == pytest.approx(0.5)
    assert made.angles == pytest.approx((1.2, 1.7))
    assert made.dihedrals == pytest.approx((3.0, -1.0, 0.4))


def test_anchors_of_a_host_are_far_from_a_line_and_always_the_same(host, guest, settings):
    n_host, n_guest = host.n_atoms, guest.n_atoms
    elements = (*host.elements, *guest.elements)
    arguments = {
        "positions": np.vstack([host.positions, guest.positions]),
        "receptor_atoms": range(n_host),
        "ligand_atoms": range(n_host, n_host + n_guest),
        "heavy": {i for i, element in enumerate(elements) if element != "H"},
    }
    made = choose(settings("boresch"), **arguments)
    assert made == choose(settings("boresch"), **arguments)
    assert all(elements[i] != "H" for i in (*made.receptor_atoms, *made.ligand_atoms))
    assert 0.3 <= made.distance <= 1.5
    assert all(math.radians(45) <= angle <= math.radians(135) for angle in made.angles)
    assert np.isfinite(standard_state_correction(made, temperature=TEMPERATURE))


def test_centroids_are_of_heavy_atoms_and_anchors_can_be_given(settings):
    positions = boresch_pose(0.5, 1.2, 1.7, 3.0, -1.0, 0.4)
    made = choose(settings("flat-bottom"), positions, heavy={0, 2, 3, 4})
    assert (made.receptor_atoms, made.ligand_atoms, made.flat_radius) == ((0, 2), (3, 4), pytest.approx(0.3))
    given = choose(settings("harmonic", ", receptor_atoms: [1], ligand_atoms: [0, 2]"), positions)
    assert (given.receptor_atoms, given.ligand_atoms, given.flat_radius) == ((1,), (3, 5), 0.0)


def test_impossible_anchors_are_refused_with_advice(settings):
    line = np.zeros((6, 3))
    line[:, 0] = np.arange(6) * 0.15
    with pytest.raises(RestraintError, match=r"Use restraint\.kind: harmonic"):
        choose(settings("boresch"), line)
    with pytest.raises(RestraintError, match=r"of the ligand \(of 1\)"):
        choose(settings("boresch"), boresch_pose(0.5, 1.2, 1.7, 3.0, -1.0, 0.4), heavy={0, 1, 2, 3})
    with pytest.raises(RestraintError, match="no atom 3; the molecule has 0 to 2"):
        choose(settings("harmonic", ", ligand_atoms: [3]"), line)
    with pytest.raises(RestraintError, match="needs 3 different atoms"):
        choose(settings("boresch", ", ligand_atoms: [0, 1]"), line)
