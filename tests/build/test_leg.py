from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import openmm as mm
import pytest

from bindfe.build import load_leg, load_plain, prepare_leg
from bindfe.build.forcefield import create_system, nonbonded_force, parametrise
from bindfe.chem.ligand import read_ligands
from bindfe.errors import InputError, ProtocolError, StoreError
from bindfe.states import LegKind

TRANSFER = "alchemy: {method: transfer}\n"
AMMONIUM = """ammonium
     made by hand

  5  4  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 N   0  3  0  0  0  0
    0.5900    0.5900    0.5900 H   0  0  0  0  0  0
   -0.5900   -0.5900    0.5900 H   0  0  0  0  0  0
   -0.5900    0.5900   -0.5900 H   0  0  0  0  0  0
    0.5900   -0.5900   -0.5900 H   0  0  0  0  0  0
  1  2  1  0
  1  3  1  0
  1  4  1  0
  1  5  1  0
M  CHG  1   1   1
M  END
$$$$
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, host, guest, protocol):
    directory = tmp_path_factory.mktemp("leg")
    return directory, prepare_leg(host, guest, LegKind.TRANSFER, protocol(TRANSFER), directory, fingerprint="abc")


@pytest.fixture(scope="module")
def ammonium(tmp_path_factory):
    path = tmp_path_factory.mktemp("ammonium") / "ammonium.sdf"
    path.write_text(AMMONIUM)
    return read_ligands(path)[0]


def test_a_leg_is_read_back_as_it_was_written(prepared, host, guest):
    directory, record = prepared
    leg = load_leg(directory)
    assert leg.record == record
    assert leg.box is None
    assert np.array_equal(leg.positions, np.vstack([host.positions, guest.positions]))
    assert [atom.element.symbol for atom in leg.topology.atoms()] == [*host.elements, *guest.elements]
    assert leg.topology.getNumBonds() == host.mol.GetNumBonds() + guest.mol.GetNumBonds()
    assert leg.system.getNumParticles() == record.n_atoms == host.n_atoms + guest.n_atoms
    again = mm.XmlSerializer.deserialize(mm.XmlSerializer.serialize(leg.system))
    assert mm.XmlSerializer.serialize(again) == (directory / "system.xml").read_text()


def test_the_start_state_is_the_bound_pose_without_restraint(prepared):
    _, record = prepared
    assert record.parameters[record.start_state] == {"lambda_transfer": 1.0, "lambda_restraints": 0.0}


def test_preparing_twice_gives_the_same_files(prepared, host, guest, protocol, tmp_path):
    _, record = prepared
    again = prepare_leg(host, guest, LegKind.TRANSFER, protocol(TRANSFER), tmp_path, fingerprint="abc")
    assert again == record


@pytest.mark.parametrize("name", ["system.xml", "state.xml", "topology.cif"])
def test_a_changed_file_is_refused(prepared, tmp_path, name):
    directory, _ = prepared
    for file in directory.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / name).write_text((tmp_path / name).read_text() + " ")
    with pytest.raises(StoreError, match=f"{name}: is not the file that"):
        load_leg(tmp_path)


def test_the_free_end_is_the_guest_alone_with_the_same_masses_and_constraints(prepared, guest):
    directory, record = prepared
    bound, free = load_plain(directory, "bound"), load_plain(directory, "free")
    assert free.atoms_in_leg == record.ligand_atoms
    assert [atom.element.symbol for atom in free.topology.atoms()] == list(guest.elements)
    masses = [bound.system.getParticleMass(i) for i in record.ligand_atoms]
    assert [free.system.getParticleMass(i) for i in range(len(masses))] == masses
    lengths = [constraints(bound.system, record.ligand_atoms), constraints(free.system, free.ligand_atoms)]
    assert lengths[0] == lengths[1]
    assert len(lengths[0]) == guest.elements.count("H")


def constraints(system, atoms):
    found = [system.getConstraintParameters(i) for i in range(system.getNumConstraints())]
    first = min(atoms)
    return sorted((i - first, j - first, length._value) for i, j, length in found if i in atoms)


def test_an_end_that_a_leg_does_not_have_is_refused(host, guest, protocol, tmp_path):
    prepare_leg(None, guest, LegKind.SOLVENT, protocol(), tmp_path, fingerprint="f")
    with pytest.raises(StoreError, match="no physical end called 'bound'"):
        load_plain(tmp_path, "bound")


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("transfer", "transfer: {transfer: [0, 0.5, 0.9], restraints: [1, 1, 0]}", "last state is 0.9 and must be 1"),
        ("transfer", "transfer: {transfer: [0, 1]}", "restraints: the last state is 1 and must be 0"),
        ("complex", "complex: {sterics: [1, 0], electrostatics: [1, 0]}", "restraints: the first state is 1"),
        ("solvent", "solvent: {sterics: [1, 0], electrostatics: [0, 0]}", "electrostatics: the first state is 0"),
    ],
)
def test_a_schedule_that_does_not_close_the_cycle_is_refused(host, guest, protocol, tmp_path, kind, text, message):
    settings = protocol(f"schedule:\n  {text}\n")
    with pytest.raises(ProtocolError, match=message):
        prepare_leg(host, guest, LegKind(kind), settings, tmp_path, fingerprint="f")


def test_a_charged_ligand_is_welcome_in_obc2(host, ammonium, protocol, tmp_path):
    record = prepare_leg(None, ammonium, LegKind.SOLVENT, protocol(), tmp_path, fingerprint="f")
    plain = load_plain(tmp_path, "free")
    assert plain.ligand_charge == 1
    nonbonded = nonbonded_force(plain.system)
    charges = [nonbonded.getParticleParameters(i)[0]._value for i in range(record.n_atoms)]
    assert sum(charges) == pytest.approx(1.0, abs=1e-6)


def test_atoms_on_top_of_each_other_are_refused(host, guest, protocol, tmp_path):
    mol = type(guest.mol)(guest.mol)
    conformer = mol.GetConformer()
    gaps = host.positions[:, None] - guest.positions
    nearest = np.unravel_index(np.linalg.norm(gaps, axis=-1).argmin(), gaps.shape[:2])
    for i, position in enumerate(10 * (guest.positions + gaps[nearest])):
        conformer.SetAtomPosition(i, [float(x) for x in position])
    with pytest.raises(InputError, match="lie on top of each other"):
        prepare_leg(host, replace(guest, mol=mol), LegKind.TRANSFER, protocol(TRANSFER), tmp_path, fingerprint="f")


def test_a_ligand_in_another_frame_is_refused(host, guest, protocol, tmp_path):
    mol = type(guest.mol)(guest.mol)
    conformer = mol.GetConformer()
    for i, position in enumerate(10 * guest.positions + [15.0, 0.0, 0.0]):
        conformer.SetAtomPosition(i, [float(x) for x in position])
    with pytest.raises(InputError, match=r"b2: its centroid is 1\d\.\d A from the receptor's"):
        prepare_leg(host, replace(guest, mol=mol), LegKind.TRANSFER, protocol(TRANSFER), tmp_path, fingerprint="f")


def test_heavy_hydrogens_keep_the_molecules_mass(guest, protocol):
    settings = protocol("forcefield: {hydrogen_mass: 3 amu}")
    force_field, molecule = parametrise(None, guest, settings)
    system = create_system(force_field, molecule.topology, settings)
    masses = [system.getParticleMass(i)._value for i in range(system.getNumParticles())]
    assert {round(m, 6) for m, e in zip(masses, guest.elements, strict=True) if e == "H"} == {3.0}
    assert sum(masses) == pytest.approx(170.252, abs=0.01)  # C10H18O2


def test_charges_of_the_file_are_taken_or_missed(guest, protocol):
    settings = protocol("forcefield: {charges: file}")
    with pytest.raises(InputError, match="gives 0 partial charges for 30 atoms"):
        parametrise(None, guest, settings)
    mol = type(guest.mol)(guest.mol)
    charges = np.round(np.linspace(-0.2, 0.2, guest.n_atoms), 4)
    mol.SetProp("atom.dprop.PartialCharge", " ".join(str(q) for q in charges))
    force_field, molecule = parametrise(None, replace(guest, mol=mol), settings)
    system = create_system(force_field, molecule.topology, settings)
    nonbonded = nonbonded_force(system)
    found = [nonbonded.getParticleParameters(i)[0]._value for i in range(guest.n_atoms)]
    assert found == pytest.approx(charges, abs=1e-6)


def test_cached_parameters_need_no_openff(prepared, root):
    # `prepared` has filled the cache; a new process must build the same leg without the toolkit.
    script = (
        "import sys, tempfile, pathlib\n"
        "from bindfe.build import prepare_leg\n"
        "from bindfe.chem.ligand import read_ligands\n"
        "from bindfe.chem.receptor import read_receptor\n"
        "from bindfe.protocol import parse_protocol\n"
        "from bindfe.states import LegKind\n"
        "settings = parse_protocol('receptor: {file: a}\\nligands: {file: b}\\nalchemy: {method: transfer}')\n"
        "host, guest = read_receptor('systems/cb7/cb7.sdf'), read_ligands('systems/cb7/b2.sdf')[0]\n"
        "out = pathlib.Path(tempfile.mkdtemp())\n"
        "prepare_leg(host, guest, LegKind.TRANSFER, settings, out, fingerprint='f')\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('openff', 'torch', 'openmmtools')])\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
