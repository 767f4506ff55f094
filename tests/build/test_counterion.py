"""A charged ligand in a box: what is discharged with it, and what a net charge would have cost."""

from __future__ import annotations

import numpy as np
import openmm as mm
import pytest

from bindfe.build import load_leg, load_plain, prepare_leg
from bindfe.build.counterion import choose_counterions, discharge
from bindfe.build.forcefield import Assembly, nonbonded_force
from bindfe.chem.ligand import read_ligands
from bindfe.errors import InputError
from bindfe.protocol import parse_protocol
from bindfe.states import LegKind
from tests.build.peptides import write_ligand

BOX = "solvent: {model: tip3p, box_shape: cube, padding: 13 A, cutoff: 7 A, dispersion_correction: false, %s}\n"
COULOMB = 138.93545764438198  # kJ/mol nm / e^2
WIGNER = 2.837297  # energy of a unit charge in its neutralising cubic lattice, -WIGNER/2L in units of COULOMB


@pytest.fixture(scope="module")
def ammonium(tmp_path_factory):
    path = tmp_path_factory.mktemp("ammonium") / "ammonium.sdf"
    return read_ligands(write_ligand(path, "[NH4+]", at=np.zeros(3), name="ammonium"))[0]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, ammonium, protocol):
    directory = tmp_path_factory.mktemp("leg")
    settings = protocol(BOX % "ionic_strength: 0.3 M")
    prepare_leg(None, ammonium, LegKind.SOLVENT, settings, directory, fingerprint="f")
    return load_leg(directory), load_plain(directory, "free")


def net_charge(leg, parameters):
    """Charge of the box in a state [e]: base charges and what parameters add to them."""
    force = nonbonded_force(leg.system)
    names = [force.getGlobalParameterName(i) for i in range(force.getNumGlobalParameters())]
    total = sum(force.getParticleParameters(i)[0]._value for i in range(force.getNumParticles()))
    for i in range(force.getNumParticleParameterOffsets()):
        name, _, charge, _, _ = force.getParticleParameterOffset(i)
        assert name in names
        total += parameters[name] * charge
    return total


def test_a_chloride_goes_with_an_ammonium_and_the_box_is_neutral_in_every_state(prepared):
    leg, _ = prepared
    (ion,) = leg.record.counterions
    assert list(leg.topology.atoms())[ion].residue.name == "CL"
    for state in leg.record.parameters:
        assert net_charge(leg, state) == pytest.approx(0.0, abs=1e-5)


def test_the_interacting_end_is_the_plain_system(prepared, evaluate):
    leg, plain = prepared
    ours = evaluate(leg.system, leg.positions, leg.record.parameters[0], box=leg.box)
    theirs = evaluate(plain.system, plain.positions, box=plain.box)
    assert ours.energy == pytest.approx(theirs.energy, abs=1e-4)
    assert np.abs(ours.forces - theirs.forces).max() < 1e-4 * np.abs(theirs.forces).max()


def test_the_wall_is_the_same_in_every_state_and_keeps_the_ion_away(prepared, evaluate):
    leg, _ = prepared
    (ion,) = leg.record.counterions
    near = leg.positions.copy()
    near[ion] = near[leg.record.ligand_atoms[0]] + [0.5, 0.0, 0.0]
    (wall,) = (force for force in leg.system.getForces() if force.getName() == "counterions")
    alone = mm.System()
    for _ in range(leg.system.getNumParticles()):
        alone.addParticle(1.0)
    alone.addForce(mm.XmlSerializer.deserialize(mm.XmlSerializer.serialize(wall)))
    _, (spring, radius) = wall.getBondParameters(0)
    assert wall.getNumGlobalParameters() == 0
    assert evaluate(alone, leg.positions, box=leg.box).energy == 0.0
    assert evaluate(alone, near, box=leg.box).energy == pytest.approx(0.5 * spring * (radius - 0.5) ** 2, rel=1e-6)


@pytest.mark.parametrize("edge", [4.0, 5.0])
def test_discharging_a_pair_is_free_of_the_term_that_a_lone_charge_has(evaluate, edge):
    # In an empty box a lone charge has -WIGNER/2L of Coulomb's energy, wherever it is; a pair has -1/r.
    def work(charges, places):
        system = mm.System()
        force = mm.NonbondedForce()
        force.setNonbondedMethod(mm.NonbondedForce.PME)
        force.setCutoffDistance(1.2)
        force.setEwaldErrorTolerance(1e-5)
        force.addGlobalParameter("lambda_electrostatics", 1.0)
        for charge in charges:
            system.addParticle(1.0)
            force.addParticle(charge, 0.3, 0.0)
        system.addForce(force)
        discharge(system, range(len(charges)))
        box = np.eye(3) * edge
        system.setDefaultPeriodicBoxVectors(*box)
        on, off = (evaluate(system, places, {"lambda_electrostatics": x}, box=box).energy for x in (1.0, 0.0))
        return on - off

    distance = 0.5
    places = np.array([[0.0, 0.0, 0.0], [distance, 0.0, 0.0]])
    dipole_in_images = COULOMB * 2 * np.pi / 3 * distance**2 / edge**3  # tin-foil boundary, leading order
    assert work([1.0, -1.0], places) == pytest.approx(-COULOMB / distance - dipole_in_images, abs=0.05)
    assert work([1.0], places[:1]) == pytest.approx(-COULOMB * WIGNER / (2 * edge), rel=1e-3)


def test_too_few_ions_is_told_with_what_to_do(ammonium, protocol, tmp_path):
    settings = protocol("solvent: {model: tip3p, padding: 13 A, cutoff: 7 A, ionic_strength: 0 M}\n")
    record = prepare_leg(None, ammonium, LegKind.SOLVENT, settings, tmp_path, fingerprint="f")
    assert len(record.counterions) == 1  # the ion that neutralises the box
    leg = load_leg(tmp_path)
    assembly = Assembly(
        topology=leg.topology, positions=leg.positions, receptor_atoms=(), ligand_atoms=leg.record.ligand_atoms
    )
    with pytest.raises(InputError, match=r"3 CL ions of the box .* there are 1: raise solvent\.ionic_strength"):
        choose_counterions(assembly, 3, ligand="x")


def test_hydration_of_an_ion_in_a_box_is_refused_with_a_route(ammonium, protocol, tmp_path):
    settings = parse_protocol("ligands: {file: x.sdf}\n" + BOX % "ionic_strength: 0 M")
    with pytest.raises(InputError, match=r"hydration in a periodic box.*solvent\.model: obc2"):
        prepare_leg(None, ammonium, LegKind.SOLVENT, settings, tmp_path, fingerprint="f")
