"""The axial restraint: its force, its standard state, and the axis that it finds."""

from __future__ import annotations

import numpy as np
import openmm as mm
import pytest
from openmm import unit
from scipy.spatial.transform import Rotation

from bindfe.build.axis import axis_ends
from bindfe.build.restraint import restraint_force
from bindfe.errors import RestraintError
from bindfe.estimate.correction import standard_state_correction
from bindfe.states import AxialRestraint
from bindfe.units import KJ_PER_KCAL

KT, V0 = 0.00831446261815324 * 298.15, 1.0 / 0.602214076

_RING = np.array([[np.cos(t), np.sin(t), 0.0] for t in np.arange(7) * 2 * np.pi / 7]) * 0.4
BARREL = np.concatenate([_RING + np.array([0.0, 0.0, h]) for h in (-0.3, -0.1, 0.1, 0.3)])
ROD = np.array([[0.0, 0.02, -0.25], [0.03, 0.0, -0.1], [-0.03, -0.02, 0.1], [0.0, 0.0, 0.25]])


def _restraint() -> AxialRestraint:
    positions = np.concatenate([BARREL, ROD])
    barrel, rod = tuple(range(28)), tuple(range(28, 32))
    return AxialRestraint(
        receptor_atoms=barrel,
        ligand_atoms=rod,
        receptor_ends=axis_ends(positions, barrel, of="receptor"),
        ligand_ends=axis_ends(positions, rod, of="ligand"),
        spring=5 * KJ_PER_KCAL * 100,
        axis_spring=10 * KJ_PER_KCAL,
    )


@pytest.fixture(scope="module")
def energy():
    """Energy of the leg's own force [kJ/mol] for given coordinates of the rod."""
    system = mm.System()
    for _ in range(32):
        system.addParticle(12.0)
    system.addForce(restraint_force(_restraint(), periodic=False))
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))

    def evaluate(rod: np.ndarray) -> float:
        context.setPositions(np.concatenate([BARREL, rod]))
        return context.getState(getEnergy=True).getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)

    return evaluate


def test_barrel_and_rod_have_their_ends_along_the_axis():
    restraint = _restraint()
    heights = np.concatenate([BARREL, ROD])[:, 2]
    for ends in (restraint.receptor_ends, restraint.ligand_ends):
        assert {bool(np.all(heights[list(end)] > 0)) for end in ends} == {True, False}
        assert np.ptp(np.sign(heights[list(ends[0])])) == 0


def test_standard_state_is_the_integral_over_the_legs_own_force(energy):
    """Distance and direction are integrated by moving the rod in a Context: no formula is shared."""
    rod, centre = ROD - ROD.mean(axis=0), BARREL.mean(axis=0)
    ends = [ROD[[i - 28 for i in end]].mean(axis=0) for end in _restraint().ligand_ends]
    along = (ends[0] - ends[1]) / np.linalg.norm(ends[0] - ends[1])
    upright = Rotation.align_vectors([[0, 0, 1]], [along])[0].apply(rod)
    r = np.linspace(0.0, 0.45, 401)
    radial = np.array([energy(upright + centre + [x, 0, 0]) for x in r])
    z_r = np.trapezoid(4 * np.pi * r**2 * np.exp(-radial / KT), r)
    t = np.linspace(0.0, np.pi, 1601)
    turned = np.array([energy(Rotation.from_rotvec([a, 0, 0]).apply(upright) + centre) for a in t])
    z_axis = np.trapezoid(2 * np.pi * np.sin(t) * np.exp(-turned / KT), t)
    release = -KT * np.log(4 * np.pi * V0 / (z_r * z_axis))
    found = standard_state_correction(_restraint(), temperature=298.15)
    assert abs(found - release) / KJ_PER_KCAL < 1e-3


def test_turning_the_rod_over_costs_nothing(energy):
    rod = ROD - ROD.mean(axis=0) + BARREL.mean(axis=0)
    flipped = -(ROD - ROD.mean(axis=0)) + BARREL.mean(axis=0)
    assert energy(rod) == pytest.approx(energy(flipped), abs=1e-9)


def test_distance_and_direction_do_not_know_each_other(energy):
    """The energy is a sum of both, so the integral is a product."""
    rod, centre = ROD - ROD.mean(axis=0), BARREL.mean(axis=0)
    turn, shift = Rotation.from_rotvec([0.7, 0.2, 0.1]), np.array([0.05, -0.1, 0.07])
    both = energy(turn.apply(rod) + centre + shift)
    apart = energy(turn.apply(rod) + centre) + energy(rod + centre + shift) - energy(rod + centre)
    assert both == pytest.approx(apart, abs=1e-9)


def test_round_molecule_is_refused():
    sphere = np.random.default_rng(1).normal(size=(400, 3))
    with pytest.raises(RestraintError, match="too round to have an axis"):
        axis_ends(sphere, range(400), of="ligand")
