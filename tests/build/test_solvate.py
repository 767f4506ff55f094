from __future__ import annotations

import numpy as np
import openmm as mm
import pytest
from openmm.app.internal.customgbforces import GBSAOBC2Force

from bindfe.build import load_leg, load_plain, prepare_leg
from bindfe.build.forcefield import nonbonded_force, parametrise
from bindfe.build.solvate import solvate
from bindfe.chem.ligand import read_ligands
from bindfe.states import LegKind
from tests.build.peptides import write_ligand


@pytest.mark.parametrize("dielectrics", [(78.5, 1.0), (35.0, 2.0)])
def test_obc2_is_that_of_openmms_other_implementation(guest, protocol, evaluate, dielectrics):
    # OpenMM has the model twice: GBSAOBCForce in C++, and as expressions of a CustomGBForce.
    solvent, solute = dielectrics
    settings = protocol(f"solvent: {{solvent_dielectric: {solvent}, solute_dielectric: {solute}}}")
    system, assembly = solvate(*parametrise(None, guest, settings), settings)
    (ours,) = (i for i in range(system.getNumForces()) if isinstance(system.getForce(i), mm.GBSAOBCForce))
    other = GBSAOBC2Force(solventDielectric=solvent, soluteDielectric=solute, SA="ACE")
    nonbonded = nonbonded_force(system)
    for i, parameters in enumerate(GBSAOBC2Force.getStandardParameters(assembly.topology)):
        other.addParticle([nonbonded.getParticleParameters(i)[0], *parameters])
    other.finalize()
    expected_system = mm.XmlSerializer.deserialize(mm.XmlSerializer.serialize(system))
    expected_system.removeForce(ours)
    expected_system.addForce(other)
    found, expected = evaluate(system, assembly.positions), evaluate(expected_system, assembly.positions)
    assert found.energy == pytest.approx(expected.energy, abs=1e-3)
    assert np.abs(found.forces - expected.forces).max() < 1e-5 * np.abs(expected.forces).max()


def test_vacuum_is_the_molecules_alone(guest, protocol):
    settings = protocol("solvent: {model: vacuum}")
    system, assembly = solvate(*parametrise(None, guest, settings), settings)
    assert not system.usesPeriodicBoundaryConditions()
    assert not [force for force in system.getForces() if isinstance(force, mm.GBSAOBCForce)]
    assert system.getNumParticles() == len(assembly.positions) == guest.n_atoms


@pytest.fixture(scope="module")
def water(tmp_path_factory, guest, protocol):
    directory = tmp_path_factory.mktemp("water")
    text = "solvent: {model: tip3p, padding: 15 A, cutoff: 9 A, ionic_strength: 0.5 M}"
    record = prepare_leg(None, guest, LegKind.SOLVENT, protocol(text), directory, fingerprint="f")
    return record, load_leg(directory), load_plain(directory, "free")


def test_the_box_has_waters_density_and_the_salt_that_was_asked_for(water):
    _, leg, _ = water
    names = [residue.name for residue in leg.topology.residues()]
    n_water, n_sodium, n_chloride = (names.count(name) for name in ("HOH", "NA", "CL"))
    assert n_sodium == n_chloride == pytest.approx(0.5 * n_water / 55.4, abs=1)
    assert 29 < n_water / np.linalg.det(leg.box) < 34  # 33.4 nm^-3 without the guest
    assert leg.record.ligand_atoms == tuple(range(30))


def test_explicit_solvent_has_ewald_a_tail_and_a_barostat(water):
    record, leg, plain = water
    force = nonbonded_force(plain.system)
    assert force.getNonbondedMethod() == mm.NonbondedForce.PME
    assert force.getUseDispersionCorrection()
    assert force.getCutoffDistance()._value == pytest.approx(0.9)
    charges = [force.getParticleParameters(i)[0]._value for i in range(plain.system.getNumParticles())]
    assert sum(charges) == pytest.approx(0.0, abs=1e-5)
    for system in (leg.system, plain.system):
        assert sum(isinstance(each, mm.MonteCarloBarostat) for each in system.getForces()) == 1
    assert record.thermodynamic_state.pressure == pytest.approx(1.01325)


def test_the_restraint_of_an_explicit_complex_knows_the_box(host, guest, protocol, tmp_path):
    settings = protocol(
        "solvent: {model: tip3p, padding: 12 A, cutoff: 8 A, ionic_strength: 0 M}\nsampling: {pressure: null}"
    )
    record = prepare_leg(host, guest, LegKind.COMPLEX, settings, tmp_path, fingerprint="f")
    leg = load_leg(tmp_path)
    (restraint,) = (force for force in leg.system.getForces() if force.getName() == "restraint")
    assert restraint.usesPeriodicBoundaryConditions()
    assert record.thermodynamic_state.pressure is None
    assert not [force for force in leg.system.getForces() if isinstance(force, mm.MonteCarloBarostat)]
    assert np.allclose(leg.topology.getPeriodicBoxVectors()._value, leg.box)


@pytest.fixture(scope="module", params=["tip4pew", "opc"])
def four_sites(request, tmp_path_factory, protocol):
    """Ethanol in a small box of four-site water, hydrogens of 3 amu."""
    directory = tmp_path_factory.mktemp(request.param)
    ethanol = read_ligands(write_ligand(directory / "ethanol.sdf", "CCO", at=np.zeros(3)))[0]
    settings = protocol(
        f"forcefield: {{hydrogen_mass: 3 amu}}\nsolvent: {{model: {request.param}, padding: 9 A, cutoff: 7 A, "
        "box_shape: cube, ionic_strength: 0 M, dispersion_correction: false}\n"
    )
    prepare_leg(None, ethanol, LegKind.SOLVENT, settings, directory / "leg", fingerprint="f")
    return request.param, load_leg(directory / "leg"), load_plain(directory / "leg", "free")


WATERS = {"tip4pew": (-1.04844, 0.0125, 3.16435, 0.680946), "opc": (-1.3582, 0.01594, 3.16655, 0.89036)}
"""Charge of the fourth site [e], its distance from the oxygen [nm], sigma [A] and epsilon [kJ/mol] of the oxygen.

Horn et al., J. Chem. Phys. 120, 9665 (2004); Izadi, Anandakrishnan and Onufriev, J. Phys. Chem. Lett. 5, 3863 (2014).
"""


def rigid(plain):
    """Coordinates with water as rigid as the model: OPC's comes from a box of TIP4P-Ew [nm]."""
    context = mm.Context(plain.system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    context.setPeriodicBoxVectors(*plain.box)
    context.setPositions(plain.positions)
    context.applyConstraints(1e-8)
    context.computeVirtualSites()
    return context.getState(positions=True).getPositions(asNumpy=True)._value


def test_four_site_waters_are_the_published_ones_and_their_fourth_site_has_no_mass(four_sites):
    name, _, plain = four_sites
    charge, distance, sigma, epsilon = WATERS[name]
    waters = [list(residue.atoms()) for residue in plain.topology.residues() if residue.name == "HOH"]
    assert len(waters) > 100
    force = nonbonded_force(plain.system)
    x = rigid(plain)
    for oxygen, *_, site in waters[:3]:
        assert plain.system.isVirtualSite(site.index)
        assert plain.system.getParticleMass(site.index)._value == 0.0
        assert force.getParticleParameters(site.index)[0]._value == pytest.approx(charge, abs=1e-4)
        apart = np.linalg.norm(x[site.index] - x[oxygen.index])
        assert apart == pytest.approx(distance, abs=2e-5)
        _, found_sigma, found_epsilon = force.getParticleParameters(oxygen.index)
        assert found_sigma._value == pytest.approx(0.1 * sigma, abs=1e-5)
        assert found_epsilon._value == pytest.approx(epsilon, abs=2e-3)
    mass = sum(plain.system.getParticleMass(i)._value for i in range(plain.system.getNumParticles()))
    assert mass == pytest.approx(46.07 + 18.015 * len(waters), rel=1e-3)  # heavier hydrogens take it from oxygens


def test_ends_are_equal_with_virtual_sites_and_heavy_hydrogens(four_sites, evaluate):
    _, leg, plain = four_sites
    parameters = leg.record.parameters[leg.record.start_state]
    ours = evaluate(leg.system, leg.positions, parameters, box=leg.box)
    theirs = evaluate(plain.system, plain.positions, box=plain.box)
    assert ours.energy == pytest.approx(theirs.energy, abs=1e-4)
    assert np.abs(ours.forces - theirs.forces).max() < 1e-5 * np.abs(theirs.forces).max()


def test_500_steps_of_4_fs_are_stable_at_both_ends_with_virtual_sites(four_sites):
    """Kinetic energy within 5 sigma of equipartition, and constraints are kept."""
    _, leg, _ = four_sites
    system = leg.system
    for parameters in (leg.record.parameters[0], leg.record.parameters[-1]):
        integrator = mm.LangevinMiddleIntegrator(300, 5, 0.004)
        integrator.setRandomNumberSeed(3)
        context = mm.Context(system, integrator, mm.Platform.getPlatformByName("CPU"))
        context.setPeriodicBoxVectors(*leg.box)
        context.setPositions(leg.positions)
        for name, value in parameters.items():
            context.setParameter(name, value)
        mm.LocalEnergyMinimizer.minimize(context, 10.0, 50)
        context.setVelocitiesToTemperature(300, 3)
        integrator.step(500)
        state = context.getState(energy=True, positions=True)
        moving = sum(system.getParticleMass(i)._value > 0 for i in range(system.getNumParticles()))
        freedom = 3 * moving - system.getNumConstraints()
        temperature = 2 * state.getKineticEnergy()._value / (freedom * 8.31446e-3)
        assert abs(temperature - 300) < 5 * 300 * np.sqrt(2 / freedom)
        x = state.getPositions(asNumpy=True)._value
        for i in range(0, system.getNumConstraints(), 50):
            a, b, length = system.getConstraintParameters(i)
            assert np.linalg.norm(x[a] - x[b]) == pytest.approx(length._value, abs=1e-4)
