"""A toy host with n equal wells around one axis, and a rigid guest of three particles.

The host's energy depends on the six coordinates of the guest in the host's frame, one at a time, so every
configuration integral is a product of one-dimensional ones; each is taken through an OpenMM Context that
holds the host's force and the very restraint force of a leg.
"""

from __future__ import annotations

import math

import numpy as np
import openmm as mm
import pytest

from bindfe.build.restraint import restraint_force
from bindfe.estimate.correction import standard_state_correction, symmetry_correction
from bindfe.states import BoreschRestraint, CentroidRestraint
from bindfe.units import KJ_PER_KCAL, STANDARD_VOLUME_NM3, thermal_energy

TEMPERATURE = 298.15
KT = thermal_energy(TEMPERATURE)
REST = (0.5, 1.4, 1.7, 0.0, -1.0, 0.4)  # r [nm], two angles and three dihedrals [rad] of one well
HOST = np.array([[0.0, 0.0, 0.0], [0.25, 0.05, 0.0], [0.3, 0.3, 0.1]])
CENTROID = CentroidRestraint(receptor_atoms=(0,), ligand_atoms=(3,), spring=200.0, flat_radius=0.4)
BORESCH = BoreschRestraint(
    receptor_atoms=(0, 1, 2),
    ligand_atoms=(3, 4, 5),
    distance=REST[0],
    angles=REST[1:3],
    dihedrals=REST[3:],
    distance_spring=4184.0,
    angle_spring=83.68,
    dihedral_spring=83.68,
)


def place(a, b, c, distance, angle, dihedral):
    u = (a - b) / np.linalg.norm(a - b)
    n = np.cross(b - c, u)
    n /= np.linalg.norm(n)
    m = np.cross(n, u)
    return a + distance * (-math.cos(angle) * u + math.sin(angle) * (math.cos(dihedral) * m + math.sin(dihedral) * n))


def pose(r, t_a, t_b, p_a, p_b, p_c):
    a, b, c = HOST
    A = place(a, b, c, r, t_a, p_a)
    B = place(A, a, b, 0.2, t_b, p_b)
    return np.array([a, b, c, A, B, place(B, A, a, 0.2, 1.9, p_c)])


def toy_host(n_wells: int) -> mm.CustomCompoundBondForce:
    """-D, springs, and 30 kJ/mol (24 kT from valley to top) around the axis, all scaled by lambda_sterics."""
    force = mm.CustomCompoundBondForce(
        6,
        "lambda_sterics*(-60+1500*(distance(p1,p4)-r0)^2+100*((angle(p2,p1,p4)-tA)^2+(angle(p1,p4,p5)-tB)^2)"
        f"+30*(1-cos({n_wells}*(dihedral(p3,p2,p1,p4)-pA)))"
        "+20*(2-cos(dihedral(p2,p1,p4,p5)-pB)-cos(dihedral(p1,p4,p5,p6)-pC)))",
    )
    for name in ("r0", "tA", "tB", "pA", "pB", "pC"):
        force.addPerBondParameter(name)
    force.addGlobalParameter("lambda_sterics", 1.0)
    force.addBond(list(range(6)), list(REST))
    return force


class Toy:
    """Configuration integrals over the guest's position and orientation [nm^3]."""

    def __init__(self, n_wells, restraint):
        system = mm.System()
        for _ in range(6):
            system.addParticle(12.0)
        system.addForce(toy_host(n_wells))
        system.addForce(restraint_force(restraint, periodic=False))
        self.context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))

    def energy(self, coordinates):
        self.context.setPositions(pose(*coordinates))
        return self.context.getState(energy=True).getPotentialEnergy()._value

    def integral(self, *, host: float, restraint: float, first_well_of: int = 1) -> float:
        """First well only: what a run sees that cannot cross the barriers between the wells."""
        self.context.setParameter("lambda_sterics", host)
        self.context.setParameter("lambda_restraints", restraint)
        turn = math.pi / first_well_of
        ranges = [(0.0, 1.2), (0.0, math.pi), (0.0, math.pi), (-turn, turn), (-math.pi, math.pi), (-math.pi, math.pi)]
        jacobians = [lambda r: r * r, math.sin, math.sin, *[lambda _: 1.0] * 3]
        bottom = self.energy(REST)
        volume = math.exp(-bottom / KT)
        for i, (low, high) in enumerate(ranges):
            step = (high - low) / 150
            total = 0.0
            for x in low + (np.arange(150) + 0.5) * step:
                coordinates = [*REST]
                coordinates[i] = x
                total += jacobians[i](x) * math.exp(-(self.energy(coordinates) - bottom) / KT)
            volume *= total * step
        return volume


def delta_g(n_wells, restraint, *, seen_wells):
    """Bound -> decoupled under the restraint -> released, as bindfe's cycle takes it [kcal/mol], without symmetry."""
    toy = Toy(n_wells, restraint)
    bound = toy.integral(host=1.0, restraint=0.0, first_well_of=n_wells // seen_wells)
    decoupled = toy.integral(host=0.0, restraint=1.0)
    decoupling = -KT * math.log(decoupled / bound)
    return -(decoupling + standard_state_correction(restraint, temperature=TEMPERATURE)) / KJ_PER_KCAL


@pytest.fixture(scope="module", params=[1, 2, 6])
def values(request):
    n = request.param
    return n, delta_g(n, CENTROID, seen_wells=n), delta_g(n, BORESCH, seen_wells=1)


def test_both_restraints_give_one_delta_g_with_the_symmetry_term(values):
    n, centroid, boresch = values
    symmetry = symmetry_correction(n, temperature=TEMPERATURE) / KJ_PER_KCAL
    assert boresch + symmetry == pytest.approx(centroid, abs=1e-3)


def test_without_the_symmetry_term_they_differ_by_kt_ln_n(values):
    n, centroid, boresch = values
    assert boresch - centroid == pytest.approx(KT / KJ_PER_KCAL * math.log(n), abs=1e-3)
    if n > 1:
        assert abs(boresch - centroid) > 0.4


def test_the_centroid_restraint_gives_the_definition_of_delta_g(values):
    n, centroid, _ = values
    bound = Toy(n, CENTROID).integral(host=1.0, restraint=0.0)
    exact = -KT * math.log(bound / (8 * math.pi**2 * STANDARD_VOLUME_NM3)) / KJ_PER_KCAL
    assert centroid == pytest.approx(exact, abs=1e-3)


def test_dynamics_see_one_well_when_bound_and_all_when_decoupled_under_the_centroid_restraint():
    """The premise of the term, in 100 ps each: barriers hold a bound guest, a centroid restraint does not."""
    assert len(visited_wells(3, host=1.0, restraint=0.0)) == 1
    assert len(visited_wells(3, host=0.0, restraint=1.0)) == 3


def visited_wells(n_wells, *, host, restraint):
    system = mm.System()
    for i in range(6):
        system.addParticle(0.0 if i < 3 else 12.0)
    start = pose(*REST)
    for i, j in ((3, 4), (4, 5), (3, 5)):
        system.addConstraint(i, j, float(np.linalg.norm(start[i] - start[j])))
    system.addForce(toy_host(n_wells))
    system.addForce(restraint_force(CENTROID, periodic=False))
    integrator = mm.LangevinMiddleIntegrator(TEMPERATURE, 2.0, 0.004)
    integrator.setRandomNumberSeed(11)
    context = mm.Context(system, integrator, mm.Platform.getPlatformByName("Reference"))
    context.setPositions(start)
    context.setParameter("lambda_sterics", host)
    context.setParameter("lambda_restraints", restraint)
    context.setVelocitiesToTemperature(TEMPERATURE, 11)
    wells = set()
    for _ in range(500):
        integrator.step(50)
        a, b, c, A = context.getState(positions=True).getPositions(asNumpy=True)._value[:4]
        wells.add(round(dihedral(c, b, a, A) * n_wells / (2 * math.pi)) % n_wells)
    return wells


def dihedral(a, b, c, d):
    u, v, w = b - a, c - b, d - c
    n, m = np.cross(u, v), np.cross(v, w)
    return math.atan2(float(np.dot(np.cross(n, m), v / np.linalg.norm(v))), float(np.dot(n, m)))
