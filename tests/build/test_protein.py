from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import openmm as mm
import pytest
import yaml
from openmm import app
from rdkit import Chem

from bindfe.build import load_leg, load_plain, prepare_leg
from bindfe.build.forcefield import create_system, nonbonded_force, parametrise
from bindfe.build.protein import prepare_receptor
from bindfe.build.solvate import solvate
from bindfe.chem.ligand import read_ligands
from bindfe.chem.proteinfile import parse_structure, write_pdb
from bindfe.chem.receptor import read_receptor
from bindfe.errors import InputError, RestraintError
from bindfe.sample.watch import watch_system
from bindfe.states import BoreschRestraint, LegKind
from tests.build.peptides import outside, peptide, write_ligand

SEQUENCE = "GCHDKEAG"
BOX = "solvent: {model: %s, box_shape: cube, padding: 8 A, cutoff: 7 A, dispersion_correction: false}\n"
QUICK = "equilibration: {minimise_iterations: 100}\nsampling: {time_step: 2 fs}\n"


@pytest.fixture(scope="module")
def text():
    return peptide(SEQUENCE)


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    def read(text, *, suffix=".pdb", cofactors=()):
        path = tmp_path_factory.mktemp("receptor") / f"peptide{suffix}"
        path.write_text(text)
        return read_receptor(path, cofactors=cofactors)

    return read


@pytest.fixture(scope="module")
def ethanol(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("ethanol") / "ethanol.sdf"
    return read_ligands(write_ligand(path, "CCO", at=outside(text), name="ethanol"))[0]


def residue_atoms(receptor, label):
    return {atom.name for atom in receptor.structure.atoms if atom.label == label}


def by_check(prepared, check):
    return [finding.message for finding in prepared.findings if finding.check == check]


def test_heavy_atoms_stay_where_they_were_and_hydrogens_come(read, text, protocol):
    before = read(text)
    done = prepare_receptor(before, protocol()).receptor
    heavy = {(a.label, a.name): a.position for a in done.structure.atoms if a.element != "H"}
    given = {(a.label, a.name): a.position for a in before.structure.atoms}
    assert heavy.keys() == given.keys()
    assert max(np.abs(np.subtract(heavy[key], given[key])).max() for key in given) < 2e-4
    hydrogens = sum(a.element == "H" for a in done.structure.atoms)
    neutral = Chem.AddHs(Chem.MolFromSequence(SEQUENCE))
    # D, E and the carboxyl end lose a proton at pH 7, K and the amino end gain one
    assert hydrogens == sum(atom.GetSymbol() == "H" for atom in neutral.GetAtoms()) - 1
    assert done.content() == before.content()


def test_preparing_twice_gives_the_same_coordinates(read, text, protocol):
    first, second = (prepare_receptor(read(text), protocol()).receptor.structure.atoms for _ in range(2))
    assert [a.position for a in first] == [a.position for a in second]


@pytest.mark.parametrize(
    ("settings", "label", "there", "absent"),
    [
        ("ph: 7.0", "A:ASP4", set(), {"HD2"}),
        ("ph: 1.0", "A:ASP4", {"HD2"}, set()),
        ("ph: 1.0", "A:GLU6", {"HE2"}, set()),
        ("ph: 4.0", "A:HIS3", {"HD1", "HE2"}, set()),
        ("ph: 7.0, states: ['A:HIS3=HIE']", "A:HIS3", {"HE2"}, {"HD1"}),
        ("ph: 7.0, states: ['A:HIS3=HID']", "A:HIS3", {"HD1"}, {"HE2"}),
        ("ph: 7.0, states: ['A:LYS5=LYN']", "A:LYS5", {"HZ1", "HZ2"}, {"HZ3"}),
    ],
)
def test_protonation_follows_the_ph_or_the_hand(read, text, protocol, settings, label, there, absent):
    wanted = protocol()
    wanted = wanted.model_copy(
        update={"receptor": wanted.receptor.model_validate({"file": "x.pdb", **yaml.safe_load("{" + settings + "}")})}
    )
    names = residue_atoms(prepare_receptor(read(text), wanted).receptor, label)
    assert there <= names
    assert not absent & names


@pytest.mark.parametrize(("name", "state"), [("GLH", "GLU"), ("LYN", "LYS"), ("HSP", "HID")])
def test_a_name_that_says_another_state_than_is_built_is_told(read, text, protocol, name, state):
    """A file of heavy atoms whose names say states, of which the pKa knows nothing."""
    standard = {"GLH": "GLU", "LYN": "LYS", "HSP": "HIS"}[name]
    prepared = prepare_receptor(read(text.replace(f" {standard} ", f" {name} ")), protocol())
    assert any(
        name in message and f"is built as {state} (pKa " in message
        for message in by_check(prepared, "protein-protonation")
    )
    assert not any("whatever" in m for m in by_check(prepare_receptor(read(text), protocol()), "protein-protonation"))


def test_given_hydrogens_stay_and_states_by_hand_replace_them(read, text, protocol):
    made = prepare_receptor(read(text), protocol()).receptor
    again = prepare_receptor(read(made.pdb, suffix=".cif"), protocol())
    assert by_check(again, "protein-protonation") == ["hydrogens and protonation states are those of the file"]
    positions = {(a.label, a.name): a.position for a in made.structure.atoms}
    assert {(a.label, a.name) for a in again.receptor.structure.atoms} == positions.keys()
    drift = [np.subtract(a.position, positions[a.label, a.name]) for a in again.receptor.structure.atoms]
    assert np.abs(drift).max() < 2e-4
    other = protocol()
    other = other.model_copy(update={"receptor": other.receptor.model_copy(update={"states": ("A:HIS3=HIP",)})})
    changed = prepare_receptor(read(made.pdb, suffix=".cif"), other).receptor
    assert {"HD1", "HE2"} <= residue_atoms(changed, "A:HIS3")


@pytest.mark.parametrize(
    ("residue", "name", "gone", "protons"),
    [
        ("LYS", "LYN", {"HZ1"}, {"HZ1", "HZ2"}),
        ("LYS", "LYN", {"HZ3"}, {"HZ1", "HZ2"}),
        ("CYS", "CYM", {"HG"}, set()),
        ("LYS", "LYS", {"HZ3"}, {"HZ1", "HZ2", "HZ3"}),
        ("CYS", "CYS", {"HG"}, {"HG"}),
    ],
)
def test_a_state_that_name_and_hydrogens_give_is_kept_and_one_by_hydrogens_alone_is_not(
    read, text, protocol, residue, name, gone, protons
):
    """Neutral lysine and thiolate; without the name the proton that is missing is added, and told."""
    lines = as_pdb(prepare_receptor(read(text), protocol()).receptor).splitlines()
    kept = [line for line in lines if not (line[17:20] == residue and line[12:16].strip() in gone)]
    given = "\n".join(line.replace(f" {residue} ", f" {name} ") for line in kept)
    prepared = prepare_receptor(read(given), protocol())
    assert prepared.given
    label = {"LYS": "A:LYS5", "CYS": "A:CYS2"}[residue]
    assert residue_atoms(prepared.receptor, label) & {"CYS": {"HG"}, "LYS": {"HZ1", "HZ2", "HZ3"}}[residue] == protons
    said = by_check(prepared, "protein-protonation")
    assert not any("whatever its name says" in message for message in said)
    assert any("protons that the file has not are added" in message for message in said) is (name == residue)
    assert bool(by_check(prepared, "protein-thiolates")) is (name == "CYM")


@pytest.mark.parametrize(("state", "label", "proton"), [("ASP4=ASH", "A:ASP4", "HD2"), ("GLU6=GLH", "A:GLU6", "HE2")])
@pytest.mark.parametrize("named", [True, False])
def test_a_protonated_acid_of_the_file_is_built_so_whatever_it_is_called(
    read, text, protocol, state, label, proton, named
):
    settings = with_receptor(protocol, states=(f"A:{state}",))
    given = as_pdb(prepare_receptor(read(text), settings).receptor)
    name = state[-3:]
    prepared = prepare_receptor(read(given.replace(f" {state[:3]} ", f" {name} ") if named else given), protocol())
    assert proton in residue_atoms(prepared.receptor, label)
    assert by_check(prepared, "protein-protonation") == ["hydrogens and protonation states are those of the file"]


@pytest.mark.parametrize("chain", ["", "AA"])
def test_states_by_name_and_by_hand_reach_a_chain_whose_name_is_no_letter(read, text, protocol, chain):
    """Files of Amber's programs have no chain ids, and an mmCIF may have long ones; the completed protein has A."""
    whole = as_pdb(prepare_receptor(read(text), protocol()).receptor).splitlines()
    kept = [line for line in whole if not (line[17:20] == "LYS" and line[12:16].strip() == "HZ1")]
    given = read(in_chain("\n".join(kept).replace(" LYS ", " LYN "), chain), suffix=".cif")
    assert {atom.chain for atom in given.structure.atoms} == {chain}
    neutral = residue_atoms(prepare_receptor(given, protocol()).receptor, "A:LYS5")
    assert neutral & {"HZ1", "HZ2", "HZ3"} == {"HZ1", "HZ2"}
    for name in (chain, "A"):
        by_hand = (f"{name}:LYS5=LYS", f"{name}:ASP4=ASH")
        prepared = prepare_receptor(given, with_receptor(protocol, states=by_hand))
        assert prepared.by_hand == {("A", 5, ""), ("A", 4, "")}
        assert "HZ3" in residue_atoms(prepared.receptor, "A:LYS5")
        assert "HD2" in residue_atoms(prepared.receptor, "A:ASP4")
        assert by_check(prepared, "protein-protonation") == ["hydrogens and protonation states are those of the file"]


def in_chain(pdb, chain):
    """The atoms of a PDB file as mmCIF, in a chain of any name."""
    keys = ("id", "type_symbol", "label_atom_id", "label_comp_id", "auth_asym_id", "label_seq_id", "Cartn_x", "Cartn_y")
    rows = [
        f"{k} {a.element} {a.name} {a.residue} {chain or '.'} {a.number} "
        + " ".join(f"{10 * x:.3f}" for x in a.position)
        for k, a in enumerate(parse_structure(pdb, source="", cif=False).atoms, start=1)
    ]
    return "\n".join(["data_x", "loop_", *(f"_atom_site.{key}" for key in (*keys, "Cartn_z")), *rows, ""])


def as_pdb(receptor):
    """A completed protein as a file with hydrogens."""
    return write_pdb([receptor.structure.atoms])


def test_missing_side_chain_atoms_are_added_and_said(read, text, protocol):
    lines = [line for line in text.splitlines() if not (line[17:20] == "LYS" and line[12:16].strip() in ("CE", "NZ"))]
    prepared = prepare_receptor(read("\n".join(lines)), protocol())
    assert {"CE", "NZ", "HZ1"} <= residue_atoms(prepared.receptor, "A:LYS5")
    assert by_check(prepared, "protein-missing-atoms") == ["A:LYS5: added CE NZ"]


def test_a_gap_is_capped_and_the_nitrogen_lies_where_the_missing_residue_had_it(read, text, protocol):
    lines = [line for line in text.splitlines() if line[22:26].strip() != "4"]
    prepared = prepare_receptor(read("\n".join(lines)), protocol())
    names = [a.residue for a in prepared.receptor.structure.atoms]
    assert {"ACE", "NME"} <= set(names)
    (nitrogen,) = (a.position for a in prepared.receptor.structure.atoms if (a.residue, a.name) == ("NME", "N"))
    (original,) = (a.position for a in read(text).structure.atoms if (a.label, a.name) == ("A:ASP4", "N"))
    assert np.linalg.norm(np.subtract(nitrogen, original)) < 0.02
    termini = by_check(prepared, "protein-termini")
    assert termini == ["A:GLY1 (charged +) to A:NME4 (capped)", "A:ACE4 (capped) to A:GLY8 (charged -)"]


def test_a_loop_is_built_from_the_sequence(read, text, protocol):
    settings = protocol()
    settings = settings.model_copy(update={"receptor": settings.receptor.model_copy(update={"gaps": "build"})})
    lines = [line for line in text.splitlines() if line[22:26].strip() != "4"]
    with pytest.raises(InputError, match="needs the sequence"):
        prepare_receptor(read("\n".join(lines)), settings)
    seqres = "SEQRES   1 A    8  GLY CYS HIS ASP LYS GLU ALA GLY"
    prepared = prepare_receptor(read("\n".join([seqres, *lines])), settings)
    assert any(
        "1 missing residues of chain A were built: ASP" in message for message in by_check(prepared, "protein-loop")
    )
    assert "ASP" in {a.residue for a in prepared.receptor.structure.atoms}


def test_a_modified_residue_is_replaced_if_asked_for(read, text, protocol):
    selenium = text.replace("CYS", "MSE").replace(" SG ", "SE  ")
    settings = protocol()
    settings = settings.model_copy(update={"receptor": settings.receptor.model_copy(update={"modified": "replace"})})
    prepared = prepare_receptor(read(selenium), settings)
    assert by_check(prepared, "protein-modified") == ["A:MSE2 was replaced by MET"]
    assert {"SD", "CE"} <= residue_atoms(prepared.receptor, "A:MET2")


def test_a_disulfide_is_seen(read, protocol):
    prepared = prepare_receptor(read(peptide("GCGGGCG", disulfide=True)), protocol())
    assert by_check(prepared, "protein-disulfides") == ["A:CYS2 to A:CYS6"]
    assert "HG" not in residue_atoms(prepared.receptor, "A:CYS2")


def with_receptor(protocol, **receptor):
    settings = protocol("solvent: {model: vacuum}\n")
    return settings.model_copy(update={"receptor": settings.receptor.model_copy(update=receptor)})


def charge_of(receptor, settings):
    system, assembly = solvate(*parametrise(receptor, None, settings), settings)
    force = nonbonded_force(system)
    charges = [force.getParticleParameters(i)[0]._value for i in range(system.getNumParticles())]
    atoms = {a.name: charges[a.index] for a in assembly.topology.atoms() if a.residue.id == "2"}
    return sum(charges), atoms


def test_an_ion_pair_of_cysteine_and_histidine_has_ambers_thiolate_and_the_neutral_pairs_charge(read, text, protocol):
    pairs = {}
    for states in (("A:HIS3=HID", "A:CYS2=CYS"), ("A:HIS3=HIP", "A:CYS2=CYM")):
        settings = with_receptor(protocol, states=states)
        prepared = prepare_receptor(read(text), settings)
        pairs[states] = prepared, *charge_of(prepared.receptor, settings)
    (neutral, before, thiol), (ionic, after, thiolate) = pairs.values()
    assert after == pytest.approx(before, abs=1e-4)
    assert len(ionic.receptor.structure.atoms) == len(neutral.receptor.structure.atoms)
    assert "HG" in residue_atoms(neutral.receptor, "A:CYS2")
    assert "HG" not in residue_atoms(ionic.receptor, "A:CYS2")
    assert (thiol["SG"], thiolate["SG"]) == pytest.approx((-0.3119, -0.8844))  # Cornell et al. 1995; Amber's CYM
    assert by_check(neutral, "protein-thiolates") == []
    assert by_check(ionic, "protein-thiolates") == ["A:CYS2 CYM: a thiolate, no proton on its sulfur (charge -1)"]


def test_a_cysteines_state_that_its_sulfur_contradicts_is_refused(read, text, protocol):
    with pytest.raises(InputError, match="A:CYS2=CYX: its sulfur has no disulfide bond; a thiolate is CYM"):
        prepare_receptor(read(text), with_receptor(protocol, states=("A:CYS2=CYX",)))
    bridged = read(peptide("GCGGGCG", disulfide=True))
    with pytest.raises(InputError, match="A:CYS2=CYM: its sulfur is bonded to another"):
        prepare_receptor(bridged, with_receptor(protocol, states=("A:CYS2=CYM",)))


def test_a_residue_with_a_wrong_hydrogen_is_refused_with_the_atoms_that_differ(read, text, protocol):
    made = prepare_receptor(read(text), protocol()).receptor.structure
    wrong = [replace(a, name="HX9") if (a.label, a.name) == ("A:ALA7", "HA") else a for a in made.atoms]
    settings = protocol()
    settings = settings.model_copy(update={"receptor": settings.receptor.model_copy(update={"protonation": "given"})})
    with pytest.raises(InputError, match=r"A:ALA7 \(nearest is ALA: atoms HX9"):
        prepare_receptor(read(write_pdb([wrong])), settings)


@pytest.mark.parametrize("name", ["ff14SB", "ff19SB"])
def test_the_energy_is_that_of_openmms_own_files(read, text, protocol, evaluate, name):
    settings = protocol(f"forcefield: {{protein: {name}, hydrogen_mass: 1.008 amu}}\nsolvent: {{model: vacuum}}\n")
    receptor = prepare_receptor(read(text), settings).receptor
    system, assembly = solvate(*parametrise(receptor, None, settings), settings)
    family = {"ff14SB": "amber14", "ff19SB": "amber19"}[name]
    source = app.PDBxFile(io.StringIO(receptor.pdb))
    theirs = app.ForceField(f"{family}/protein.{name}.xml").createSystem(source.topology, constraints=app.HBonds)
    found = evaluate(system, assembly.positions).energy
    assert found == pytest.approx(evaluate(theirs, source.positions).energy, abs=1e-4)
    assert any(isinstance(force, mm.CMAPTorsionForce) for force in system.getForces()) == (name == "ff19SB")


@pytest.fixture(scope="module", params=["tip3p", "opc"])
def boxed(request, tmp_path_factory, read, text, ethanol, protocol):
    water = [
        f"HETATM{900 + i:>5}  O   HOH A{301 + i:>4}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           O"
        for i, (x, y, z) in enumerate(outside(text, gap=gap) * np.array([1, 1, 1]) for gap in (9.0, 13.0))
    ]
    settings = protocol(BOX % request.param + "forcefield: {protein: ff19SB}\nrestraint: {kind: flat-bottom}\n")
    prepared = prepare_receptor(read("\n".join([text.replace("END", ""), *water, "END"])), settings).receptor
    directory = tmp_path_factory.mktemp("boxed")
    prepare_leg(prepared, ethanol, LegKind.COMPLEX, settings, directory, fingerprint="f")
    return request.param, prepared, load_leg(directory), load_plain(directory, "bound")


def test_a_boxed_complex_has_receptor_then_ligand_then_water(boxed, ethanol):
    _, prepared, leg, _ = boxed
    n_protein = sum(a.residue != "HOH" for a in prepared.structure.atoms)
    assert leg.record.receptor_atoms == tuple(range(n_protein))
    assert leg.record.ligand_atoms == tuple(range(n_protein, n_protein + ethanol.n_atoms))
    after = list(leg.topology.atoms())[n_protein + ethanol.n_atoms :]
    assert {atom.residue.name for atom in after} <= {"HOH", "NA", "CL"}
    crystal = [a.position for a in prepared.structure.atoms if a.residue == "HOH" and a.name == "O"]
    oxygens = [atom.index for atom in after if atom.residue.name == "HOH" and atom.name == "O"]
    assert np.allclose(leg.positions[oxygens[:2]], crystal, atol=1e-3)


def test_a_boxed_complex_is_the_plain_system_at_its_interacting_end(boxed, evaluate):
    model, _, leg, plain = boxed
    sites = sum(leg.system.isVirtualSite(i) for i in range(leg.system.getNumParticles()))
    waters = sum(residue.name == "HOH" for residue in leg.topology.residues())
    assert sites == (waters if model == "opc" else 0)
    ours = evaluate(leg.system, leg.positions, leg.record.parameters[leg.record.start_state], box=leg.box)
    theirs = evaluate(plain.system, plain.positions, box=plain.box)
    assert ours.energy == pytest.approx(theirs.energy, abs=1e-4)
    charges = nonbonded_force(plain.system)
    total = sum(charges.getParticleParameters(i)[0]._value for i in range(plain.system.getNumParticles()))
    assert total == pytest.approx(0.0, abs=1e-4)


def test_the_site_of_a_centroid_restraint_is_the_alpha_carbons_about_the_ligand(boxed):
    _, _, leg, _ = boxed
    atoms = list(leg.topology.atoms())
    assert {atoms[i].name for i in leg.record.restraint.receptor_atoms} == {"CA"}


@pytest.mark.parametrize("model", ["obc2", "gbn2"])
def test_ends_are_equal_in_implicit_solvent_and_anchors_come_from_a_run(
    read, text, ethanol, protocol, evaluate, tmp_path, model
):
    settings = protocol(
        f"solvent: {{model: {model}}}\nrestraint: {{kind: boresch, watch_time: 0.08 ps}}\n"
        "compute: {platform: CPU}\n" + QUICK
    )
    receptor = prepare_receptor(read(text), settings).receptor
    record = prepare_leg(
        receptor,
        ethanol,
        LegKind.COMPLEX,
        settings,
        tmp_path,
        fingerprint="f",
        watch=lambda plain: watch_system(plain, settings, seed=1),
    )
    leg, plain = load_leg(tmp_path), load_plain(tmp_path, "bound")
    ours = evaluate(leg.system, leg.positions, record.parameters[record.start_state])
    assert ours.energy == pytest.approx(evaluate(plain.system, plain.positions).energy, abs=1e-4)
    assert isinstance(record.restraint, BoreschRestraint)
    assert "of a short run" in record.restraint_reason
    names = {atom.index: atom.name for atom in leg.topology.atoms()}
    assert {names[i] for i in record.restraint.receptor_atoms} <= {"N", "CA", "C"}


def test_what_a_protein_cannot_have_is_refused(read, text, ethanol, protocol, tmp_path):
    raw = read(text)
    with pytest.raises(InputError, match="the protein is not complete"):
        prepare_leg(raw, ethanol, LegKind.COMPLEX, protocol(), tmp_path, fingerprint="f")
    done = prepare_receptor(raw, protocol()).receptor
    with pytest.raises(RestraintError, match="use boresch with a protein"):
        prepare_leg(done, ethanol, LegKind.COMPLEX, protocol("restraint: {kind: axial}"), tmp_path, fingerprint="f")


@pytest.mark.parametrize(("water", "name", "charge"), [("tip3p", "FE", 3), ("tip3p", "FE2", 2), ("opc", "CU", 2)])
def test_an_ion_whose_element_has_two_charges_has_that_of_its_name(read, text, protocol, water, name, charge):
    x, y, z = outside(text, gap=7.0)
    ion = f"HETATM  900 {name[:2]}   {name:>3} A 401    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {name[:2]:>2}"
    settings = protocol(f"solvent: {{model: {water}}}\n")
    receptor = prepare_receptor(read("\n".join([text.replace("END", ""), ion, "END"])), settings).receptor
    force_field, assembly = parametrise(receptor, None, settings)
    system = create_system(force_field, assembly.topology, protocol("solvent: {model: vacuum}\n"))
    (atom,) = (atom.index for atom in assembly.topology.atoms() if atom.residue.name == name)
    assert nonbonded_force(system).getParticleParameters(atom)[0]._value == charge


def test_a_cofactor_belongs_to_the_receptor(read, text, ethanol, protocol, tmp_path, evaluate):
    place = outside(text, gap=8.0)
    file = write_ligand(tmp_path / "cofactor.sdf", "CO", at=place, name="methanol")
    settings = protocol("solvent: {model: obc2}\nrestraint: {kind: harmonic, spring: 0.1 kcal/mol/A^2}\n")
    receptor = prepare_receptor(read(text, cofactors=[file]), settings).receptor
    record = prepare_leg(receptor, ethanol, LegKind.COMPLEX, settings, tmp_path / "leg", fingerprint="f")
    atoms = parse_structure(receptor.pdb, source="x", cif=True).atoms
    assert len(record.receptor_atoms) == len(atoms) + 6
