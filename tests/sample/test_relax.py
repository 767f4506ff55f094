"""The minimisation of ``bindfe prepare``: downhill, on the constraints, and it says when there is no way down."""

from __future__ import annotations

import numpy as np
import openmm as mm
import pytest
from openmm import app, unit

from bindfe.errors import SamplingError
from bindfe.protocol import ComputeSettings
from bindfe.sample.relax import relax

REFERENCE = ComputeSettings(platform="Reference")


def energy_of(system, positions, *, constrain=1e-8):
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions * unit.nanometer)
    context.applyConstraints(constrain)
    return context, context.getState(energy=True).getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)


@pytest.fixture
def water():
    """Waters on a grid that is too tight, as a rule 3 kJ/mol and more above the liquid."""
    force_field = app.ForceField("amber14/tip3p.xml")
    modeller = app.Modeller(app.Topology(), [] * unit.nanometer)
    modeller.addSolvent(force_field, boxSize=mm.Vec3(1.9, 1.9, 1.9))
    system = force_field.createSystem(modeller.topology, nonbondedMethod=app.PME, nonbondedCutoff=0.9, rigidWater=True)
    return system, np.asarray(modeller.positions.value_in_unit(unit.nanometer))


def test_a_spring_comes_to_rest():
    system = mm.System()
    for _ in range(2):
        system.addParticle(12.0)
    bond = mm.HarmonicBondForce()
    bond.addBond(0, 1, 0.15, 2e5)
    system.addForce(bond)
    positions = np.array([[0.0, 0, 0], [0.17, 0, 0]])
    assert energy_of(system, positions)[1] == pytest.approx(40.0)
    assert relax(system, positions, None, what="spring", compute=REFERENCE, steps=60).energy < 1e-4


def test_rigid_water_goes_as_far_down_as_with_openmms_minimiser(water):
    system, positions = water
    box = np.diag([1.9, 1.9, 1.9])
    context, before = energy_of(system, positions)
    mm.LocalEnergyMinimizer.minimize(context, 10.0, 20)
    theirs = context.getState(energy=True).getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)
    relaxed = relax(system, positions, box, what="water", compute=REFERENCE, steps=20)
    ours = relaxed.energy
    assert energy_of(system, relaxed.positions, constrain=1e-5)[1] == pytest.approx(ours, abs=1e-2)
    assert ours < before
    assert ours < theirs + 0.02 * abs(theirs)


def test_more_steps_never_end_higher(water):
    system, positions = water
    box = np.diag([1.9, 1.9, 1.9])
    ends = [relax(system, positions, box, what="w", compute=REFERENCE, steps=n).energy for n in (0, 3, 9, 27)]
    assert ends == sorted(ends, reverse=True)
    assert ends[0] == pytest.approx(energy_of(system, positions)[1], abs=0.1)


def test_atoms_on_each_other_are_told():
    system = mm.System()
    force = mm.CustomNonbondedForce("1/r^12")
    for _ in range(2):
        system.addParticle(12.0)
        force.addParticle([])
    system.addForce(force)
    with pytest.raises(SamplingError, match="pair: no finite energy"):
        relax(system, np.zeros((2, 3)), None, what="pair", compute=REFERENCE, steps=5)


def test_parameters_of_the_state_are_set():
    system = mm.System()
    system.addParticle(12.0)
    force = mm.CustomExternalForce("height + 0*x")
    force.addGlobalParameter("height", 0.0)
    force.addParticle(0, [])
    system.addForce(force)
    found = relax(system, np.zeros((1, 3)), None, what="p", compute=REFERENCE, steps=2, parameters={"height": 7.0})
    assert found.energy == pytest.approx(7.0)
