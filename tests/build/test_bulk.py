"""A box that is filled and built in one go is Modeller's box and the System that is built atom by atom."""

from __future__ import annotations

import gzip

import numpy as np
import openmm as mm
import pytest
from openmm import app, unit

from bindfe.build import load_leg, load_plain, prepare_leg
from bindfe.build.alchemy import decoupled_system
from bindfe.build.bulk import replicate
from bindfe.build.forcefield import create_system, nonbonded_force, parametrise
from bindfe.build.legfiles import load_plain_start
from bindfe.build.solvate import solvate
from bindfe.build.water import box_vectors, fill, read_water_box
from bindfe.errors import StoreError
from bindfe.states import LegKind

SALTY = "solvent: {{model: {model}, padding: 12 A, cutoff: 8 A, box_shape: {shape}, ionic_strength: 0.5 M}}"


def by_modeller(force_field, molecules, settings, *, salt=0.0):
    modeller = app.Modeller(molecules.topology, molecules.positions * unit.nanometer)
    modeller.addSolvent(
        force_field,
        model="tip3p" if settings.solvent.model == "tip3p" else "tip4pew",
        padding=settings.solvent.padding * unit.nanometer,
        boxShape=settings.solvent.box_shape,
        ionicStrength=salt * unit.molar,
    )
    return modeller


def in_order(rows):
    rows = np.round(np.asarray(rows), 6) + 0.0
    return rows[np.lexsort(rows.T)]


@pytest.fixture(scope="module")
def parts(host, guest, protocol):
    def make(model, shape):
        settings = protocol(SALTY.format(model=model, shape=shape))
        return settings, *parametrise(host, guest, settings)

    return make


@pytest.mark.parametrize("shape", ["cube", "dodecahedron", "octahedron"])
@pytest.mark.parametrize("model", ["tip3p", "tip4pew"])
def test_water_is_where_modeller_puts_it(parts, model, shape):
    settings, force_field, molecules = parts(model, shape)
    theirs = by_modeller(force_field, molecules, settings)
    n = len(molecules.positions)
    plain = force_field.createSystem(molecules.topology)
    pairs = [nonbonded_force(plain).getParticleParameters(i) for i in range(n)]
    sigma = np.array([s._value if e._value > 0 else 0.0 for _, s, e in pairs])
    vectors = box_vectors(molecules.positions, padding=settings.solvent.padding, shape=shape)
    expected = np.array(theirs.topology.getPeriodicBoxVectors().value_in_unit(unit.nanometer))
    assert vectors == pytest.approx(expected, abs=1e-9)
    ours = fill(molecules.positions, sigma, vectors=vectors, box=read_water_box(model), charge=0, concentration=0.0)
    water = np.array(theirs.positions.value_in_unit(unit.nanometer))[n:]
    assert ours.water.reshape(-1, 3).shape == water.shape
    assert in_order(ours.water.reshape(-1, 3)) == pytest.approx(in_order(water), abs=2e-6)


@pytest.mark.parametrize(("model", "shape"), [("tip3p", "dodecahedron"), ("opc", "cube")])
def test_the_replicated_system_is_the_one_that_is_built_directly(parts, evaluate, model, shape):
    settings, force_field, molecules = parts(model, shape)
    system, assembly = solvate(force_field, molecules, settings)
    direct = create_system(force_field, assembly.topology, settings)
    assert particles(system) == particles(direct)
    assert constraints(system) == constraints(direct)
    box = np.array(assembly.topology.getPeriodicBoxVectors().value_in_unit(unit.nanometer))
    ours, theirs = (evaluate(each, assembly.positions, box=box) for each in (system, direct))
    assert ours.energy == pytest.approx(theirs.energy, abs=1e-6)
    assert np.abs(ours.forces - theirs.forces).max() < 1e-6 * np.abs(theirs.forces).max()


def test_the_replicated_alchemical_system_is_the_one_that_is_made_of_all_atoms(parts, evaluate):
    settings, force_field, molecules = parts("tip3p", "dodecahedron")
    system, assembly = solvate(force_field, molecules, settings)
    direct = decoupled_system(system, assembly.ligand_atoms, settings)
    ours = replicate(decoupled_system(assembly.bulk.seed, assembly.ligand_atoms, settings), assembly.bulk.species)
    assert tables(ours) == tables(direct)
    box = np.array(assembly.topology.getPeriodicBoxVectors().value_in_unit(unit.nanometer))
    state = {"lambda_electrostatics": 0.3, "lambda_sterics": 0.4}
    found, expected = (evaluate(each, assembly.positions, state, box=box) for each in (ours, direct))
    assert found.energy == pytest.approx(expected.energy, abs=1e-6)
    assert np.abs(found.forces - expected.forces).max() < 1e-6 * np.abs(expected.forces).max()


def test_the_same_molecules_get_the_same_box_with_the_salt_that_was_asked_for(parts):
    settings, force_field, molecules = parts("tip3p", "dodecahedron")
    (_, first), (_, second) = (solvate(force_field, molecules, settings) for _ in range(2))
    assert np.array_equal(first.positions, second.positions)
    names = [residue.name for residue in first.topology.residues()]
    theirs = by_modeller(force_field, molecules, settings, salt=0.5).topology
    expected = [residue.name for residue in theirs.residues()]
    assert [names.count(n) for n in ("HOH", "NA", "CL")] == [expected.count(n) for n in ("HOH", "NA", "CL")]
    ions = [a.index for a in first.topology.atoms() if a.residue.name in ("NA", "CL")]
    gaps = np.linalg.norm(first.positions[ions][:, None] - first.positions[ions], axis=-1)
    assert gaps[np.triu_indices(len(ions), 1)].min() > 0.5


@pytest.mark.parametrize(("charge", "expected"), [(-3, (5, 2)), (0, (2, 2)), (2, (2, 4))])
def test_ions_neutralise_and_pairs_make_the_concentration(charge, expected):
    filling = fill(
        np.zeros((1, 3)),
        np.array([0.3]),
        vectors=3.0 * np.eye(3),
        box=read_water_box("tip3p"),
        charge=charge,
        concentration=0.15,
    )
    assert (len(filling.positive), len(filling.negative)) == expected
    total = len(filling.water) + sum(expected)
    assert expected[0] + min(0, charge) == pytest.approx((total - abs(charge)) * 0.15 / 55.4, abs=0.5)


def test_long_files_are_compressed_and_checked_like_the_others(guest, protocol, tmp_path):
    settings = protocol("solvent: {model: tip3p, padding: 26 A, cutoff: 9 A, box_shape: cube, ionic_strength: 0 M}")
    directories = tmp_path / "a", tmp_path / "b"
    first, second = (prepare_leg(None, guest, LegKind.SOLVENT, settings, d, fingerprint="f") for d in directories)
    assert first == second  # checksums as well: nothing in the archive tells the time
    assert sorted(first.checksums) == ["plain.xml.gz", "state.xml", "system.xml.gz", "topology.cif"]
    leg = load_leg(directories[0])
    text = gzip.decompress((directories[0] / "system.xml.gz").read_bytes()).decode()
    assert mm.XmlSerializer.serialize(leg.system) == text
    assert (directories[0] / "system.xml.gz").stat().st_size < 0.1 * len(text)
    system, positions, box = load_plain_start(directories[0], "free")
    plain = load_plain(directories[0], "free")
    assert mm.XmlSerializer.serialize(system) == mm.XmlSerializer.serialize(plain.system)
    assert np.array_equal(positions, plain.positions)
    assert np.array_equal(box, plain.box)
    (directories[0] / "system.xml.gz").write_bytes(gzip.compress(text.encode() + b" "))
    with pytest.raises(StoreError, match=r"system\.xml\.gz: is not the file"):
        load_leg(directories[0])


def particles(system):
    force = nonbonded_force(system)
    rows = [(system.getParticleMass(i)._value, system.isVirtualSite(i)) for i in range(system.getNumParticles())]
    return rows, [tuple(v._value for v in force.getParticleParameters(i)) for i in range(force.getNumParticles())]


def constraints(system):
    found = (system.getConstraintParameters(i) for i in range(system.getNumConstraints()))
    return sorted((min(i, j), max(i, j), round(length._value, 9)) for i, j, length in found)


def tables(system):
    """Exceptions, exclusions, interaction groups and parameters of every nonbonded force."""
    found = []
    for force in system.getForces():
        if isinstance(force, mm.NonbondedForce):
            rows = [force.getExceptionParameters(i) for i in range(force.getNumExceptions())]
            found.append(sorted((i, j, *(v._value for v in values)) for i, j, *values in rows))
            found.append([force.getParticleParameterOffset(i) for i in range(force.getNumParticleParameterOffsets())])
            found.append([force.getExceptionParameterOffset(i) for i in range(force.getNumExceptionParameterOffsets())])
        elif isinstance(force, mm.CustomNonbondedForce):
            found.append(force.getEnergyFunction())
            found.append([force.getParticleParameters(i) for i in range(force.getNumParticles())])
            found.append(sorted(tuple(sorted(force.getExclusionParticles(i))) for i in range(force.getNumExclusions())))
            groups = [force.getInteractionGroupParameters(i) for i in range(force.getNumInteractionGroups())]
            found.append([[sorted(group) for group in pair] for pair in groups])
        else:
            found.append(type(force).__name__)
    return found
