from __future__ import annotations

import numpy as np
import openmm as mm
import pytest
from openmm.app.internal.customgbforces import GBSAOBC2Force

from bindfe.build import load_leg, load_plain, prepare_leg
from bindfe.build.forcefield import nonbonded_force, parametrise
from bindfe.build.solvate import solvate
from bindfe.states import LegKind


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
