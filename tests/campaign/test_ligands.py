"""The ligands of a run: read once as the protocol says, placed where they have no pose, the same in every leg."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from typer.testing import CliRunner

from bindfe.campaign.ligands import run_ligands, stored_ligands
from bindfe.campaign.preflight import check_protocol
from bindfe.campaign.prepare import prepare
from bindfe.chem.ligand import read_ligands
from bindfe.chem.receptor import read_receptor
from bindfe.cli import app
from bindfe.errors import InputError, ProtocolError, StoreError
from bindfe.protocol import load_protocol, parse_protocol
from bindfe.store import Run
from tests.build.peptides import outside, peptide, write_ligand

HYDRATION = "ligands: {{file: {file}, {more}}}\nsolvent: {{model: obc2}}\ncompute: {{platform: CPU, workers: 1}}\n"


@pytest.fixture
def run(tmp_path):
    return Run(root=tmp_path / "out")


def hydration(tmp_path: Path, text: str, more: str = "ph: null", name: str = "series.csv"):
    (tmp_path / name).write_text(text)
    return parse_protocol(HYDRATION.format(file=tmp_path / name, more=more))


def names_of(found) -> list[str]:
    return [ligand.name for ligand in found.ligands]


def test_a_table_of_smiles_is_calculated_in_the_state_of_charge_that_the_protocol_asks_for(run, tmp_path):
    pytest.importorskip("dimorphite_dl")
    protocol = hydration(tmp_path, "name,smiles\nacid,CC(=O)O\namine,CCN\nalcohol,CCO\n", "ph: 7.4")
    found = run_ligands(run, protocol, None)
    assert {ligand.name: ligand.formal_charge for ligand in found.ligands} == {"acid": -1, "amine": 1, "alcohol": 0}
    assert not any(ligand.placed for ligand in found.ligands)
    assert any("pH 7.4" in words for words in found.record.ligands[0].changes)


@pytest.mark.parametrize(
    ("more", "names"), [("stereo: refuse", ["open"]), ("stereo: enumerate", ["open", "half-R", "half-S"])]
)
def test_what_a_smiles_leaves_open_is_refused_alone_or_every_isomer_is_run(run, tmp_path, more, names):
    found = run_ligands(run, hydration(tmp_path, "name,smiles\nopen,CCO\nhalf,CC(F)Cl\n", more), None)
    assert names_of(found) == names
    assert list(found.refused) == ([] if "half-R" in names else ["half"])


def test_a_salt_is_stripped_and_told_or_refused_as_the_protocol_says(run, tmp_path, caplog):
    text = "name,smiles\nbase,[Na+].[O-]C(=O)c1ccccc1\nfine,CCO\n"
    with caplog.at_level(logging.INFO):
        found = run_ligands(run, hydration(tmp_path, text), None)
    assert found.ligands[0].smiles == "O=C([O-])c1ccccc1"
    assert sum("is a salt or solvate" in record.getMessage() for record in caplog.records) == 1
    other = run_ligands(Run(root=tmp_path / "b"), hydration(tmp_path, text, "salts: refuse"), None)
    assert names_of(other) == ["fine"]
    assert "2 molecules" in str(other.refused["base"])


def test_bond_orders_come_from_a_template_in_the_protocol(run, tmp_path):
    mol = Chem.MolFromMolFile(str(write_ligand(tmp_path / "x.sdf", "C=CC=O", at=np.zeros(3))), removeHs=False)
    (tmp_path / "lig.pdb").write_text(Chem.MolToPDBBlock(mol))
    protocol = parse_protocol(HYDRATION.format(file=tmp_path / "lig.pdb", more="templates: {UNL: C=CC=O}"))
    assert run_ligands(run, protocol, None).ligands[0].smiles == "C=CC=O"


def test_two_records_of_one_title_are_two_ligands_with_names_of_their_own(run, tmp_path):
    assert names_of(run_ligands(run, hydration(tmp_path, "CCO x\nCCC x\n", name="s.smi"), None)) == ["x", "x-2"]


def test_a_ligand_that_the_committee_does_not_know_is_refused_before_anything_runs(run, tmp_path):
    protocol = hydration(tmp_path, "CCO ethanol\nCCI iodide\nCC(=O)[O-] acetate\n", name="s.smi")
    protocol = protocol.model_copy(update={"committee": protocol.committee.model_copy(update={"model": "ani2x"})})
    found = run_ligands(run, protocol, None)
    assert names_of(found) == ["ethanol"]
    assert "ANI-2x knows" in str(found.refused["iodide"])
    assert "charge -1" in str(found.refused["acetate"])


def test_what_is_read_back_is_what_was_read_first_and_no_file_is_opened_again(run, tmp_path, monkeypatch):
    protocol = hydration(tmp_path, "CC(C)(C)c1ccc2occ(CC(=O)Nc3ccccc3F)c2c1 drug\n", name="s.smi")
    first = run_ligands(run, protocol, None)
    monkeypatch.setattr("bindfe.chem.intake.read_series", None)  # it would be called
    second = run_ligands(run, protocol, None)
    assert first.ligands[0].content() == second.ligands[0].content()
    assert np.array_equal(first.ligands[0].positions, second.ligands[0].positions)
    assert first.record == second.record


def test_a_changed_ligand_is_refused_and_an_added_one_is_not(run, tmp_path):
    run_ligands(run, hydration(tmp_path, "CCO a\nC1CC a\n", name="s.smi"), None)
    grown = run_ligands(run, hydration(tmp_path, "CCO a\nC1CC1 a\nCCN b\n", name="s.smi"), None)
    assert names_of(grown) == ["a", "a-2", "b"]  # the second line was mended
    with pytest.raises(InputError, match="a is not the molecule, or not in the pose, that"):
        run_ligands(run, hydration(tmp_path, "CCS a\nC1CC1 a\nCCN b\n", name="s.smi"), None)
    (run.root / "ligands.sdf").write_text("")
    with pytest.raises(InputError, match="was changed after it was made"):
        stored_ligands(run)


def test_a_damaged_record_is_told(run, tmp_path):
    run_ligands(run, hydration(tmp_path, "CCO a\n", name="s.smi"), None)
    (run.root / "ligands.json").write_text("{}")
    with pytest.raises(StoreError, match="not a readable record"):
        stored_ligands(run)


@pytest.fixture
def host(root):
    return read_receptor(root / "systems/cb7/cb7.sdf")


def placing(root: Path, tmp_path: Path, text: str, more: str = ""):
    (tmp_path / "series.smi").write_text(text)
    cb7 = root / "systems/cb7"
    return parse_protocol(
        f"receptor: {{file: {cb7 / 'cb7.sdf'}}}\nligands: {{file: {tmp_path / 'series.smi'}, "
        f"{more or 'reference: ' + str(cb7 / 'b2.sdf')}}}\nsolvent: {{model: obc2}}\nalchemy: {{method: transfer}}\n"
        "compute: {platform: CPU, workers: 1}\n"
    )


def test_a_smiles_is_placed_on_the_crystal_ligand_and_lies_in_the_host(root, run, tmp_path, host):
    found = run_ligands(run, placing(root, tmp_path, "OCC12CCC(CN)(CC1)CC2 amine\n"), host)
    (ligand,), (note,) = found.ligands, found.record.ligands
    (reference,) = read_ligands(root / "systems/cb7/b2.sdf")
    core = [i for i, symbol in enumerate(ligand.elements) if symbol == "C"]
    assert ligand.placed
    assert note.pose.core_atoms >= 9
    assert note.pose.core_rmsd_angstrom < 0.5
    assert np.linalg.norm(ligand.positions[core].mean(axis=0) - reference.positions.mean(axis=0)) < 0.1
    assert Chem.MolFromMolBlock((run.root / "poses.sdf").read_text()) is not None
    assert "<svg" in (run.root / "amine" / "placing.svg").read_text()


@pytest.mark.parametrize("modes", ["best", "all"])
def test_binding_modes_that_cannot_be_told_apart_are_named_and_run_if_asked_for(run, tmp_path, modes):
    """A ring outside of a peptide may lie either way round."""
    text = peptide("GAHAGSAKAGA")
    (tmp_path / "p.pdb").write_text(text)
    write_ligand(tmp_path / "toluene.sdf", "Cc1ccccc1", at=outside(text), name="toluene")
    (tmp_path / "s.smi").write_text("Oc1ccccc1 phenol\nCc1ccccc1O phenol-mode2\n")
    protocol = parse_protocol(
        f"receptor: {{file: {tmp_path / 'p.pdb'}}}\nligands: {{file: {tmp_path / 's.smi'}, modes: {modes}, "
        f"reference: {tmp_path / 'toluene.sdf'}}}\n"
    )
    found = run_ligands(run, protocol, read_receptor(tmp_path / "p.pdb"))
    (finding,) = (f for f in found.record.findings if (f.check, f.ligand) == ("binding-modes", "phenol"))
    number = int(finding.message.split()[0])
    names = [note.name for note in found.record.ligands if note.smiles == "Oc1ccccc1"]
    assert number > 1
    assert len(names) == (number if modes == "all" else 1)
    assert len({ligand.name for ligand in found.ligands}) == len(found.ligands)
    assert ("each is run" in finding.advice) == (modes == "all")
    assert len({ligand.content() for ligand in found.ligands}) == len(found.ligands)


def test_a_ligand_that_shares_no_core_is_refused_alone(root, run, tmp_path, host):
    found = run_ligands(run, placing(root, tmp_path, "OCC12CCC(CO)(CC1)CC2 b2\nc1ccsc1 thiophene\n"), host)
    assert names_of(found) == ["b2"]
    assert "shares only" in str(found.refused["thiophene"])


def test_without_a_reference_a_ligand_without_a_pose_is_refused_with_what_to_do(root, run, tmp_path, host):
    found = run_ligands(run, placing(root, tmp_path, "OCC12CCC(CO)(CC1)CC2 b2\n", "ph: null"), host)
    assert names_of(found) == []
    assert "give a 3D structure in the receptor, or a crystal ligand" in str(found.refused["b2"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("receptor: {file: a.sdf}\nligands: {file: b.sdf, modes: all}", "modes: all needs ligands.reference"),
        ("ligands: {file: b.sdf, reference: c.sdf}", "ligands.reference places ligands in a receptor"),
        ("ligands: {file: b.sdf, ph: 15}", "less than or equal to 14"),
    ],
)
def test_what_cannot_be_is_told_when_the_protocol_is_read(text, message):
    with pytest.raises(ProtocolError, match=message):
        parse_protocol(text)


def test_the_command_prepares_a_table_of_smiles_and_tells_the_ligands_that_it_leaves_out(tmp_path):
    (tmp_path / "series.csv").write_text("name,smiles\nethanol,CCO\nmess,C1CC\n")
    (tmp_path / "p.yaml").write_text(HYDRATION.format(file="series.csv", more="ph: null"))
    result = CliRunner().invoke(app, ["prepare", str(tmp_path / "p.yaml"), "--out", str(tmp_path / "out"), "--quiet"])
    assert result.exit_code == InputError.exit_code
    assert "mess: not prepared" in result.output
    assert (tmp_path / "out" / "ethanol" / "vacuum" / "prepared" / "leg.json").exists()
    said = json.loads((tmp_path / "out" / "ligands.json").read_text())
    assert [note["name"] for note in said["ligands"]] == ["ethanol"]


def test_a_protein_takes_a_series_from_smiles_and_one_crystal_ligand(tmp_path):
    """A peptide with ethanol beside it as the crystal ligand; propanol and ethanol are placed on it."""
    text = peptide("GAHAG")
    (tmp_path / "peptide.pdb").write_text(text)
    write_ligand(tmp_path / "crystal.sdf", "CCO", at=outside(text))
    (tmp_path / "series.smi").write_text("CCO ethanol\nCCCO propanol\n")
    protocol = tmp_path / "p.yaml"
    protocol.write_text(
        "receptor: {file: peptide.pdb}\nligands: {file: series.smi}\nsolvent: {model: obc2}\n"
        "restraint: {kind: flat-bottom, flat_radius: 8 A}\ncompute: {platform: CPU, workers: 1}\n"
    )
    result = prepare(protocol, directory=tmp_path / "out", reference=tmp_path / "crystal.sdf")
    checked = check_protocol(load_protocol(protocol), reference=tmp_path / "crystal.sdf").poses
    looked_at = {pose.ligand.name: pose.ligand.positions for pose in checked if pose.mode == 0}
    for ligand in stored_ligands(Run(root=result.directory)).ligands:
        assert np.allclose(ligand.positions, looked_at[ligand.name], atol=1e-5)
    assert {leg.ligand for leg in result.legs} | set(result.failures) == {"ethanol", "propanol"}
    assert "ethanol" not in result.failures
    assert load_protocol(tmp_path / "out" / "protocol.yaml").ligands.reference == str(tmp_path / "crystal.sdf")
    assert "<svg" in (tmp_path / "out" / "ethanol" / "pose.svg").read_text()


@pytest.mark.heavy
def test_the_example_prepares_four_ligands_of_lysozyme_from_their_smiles(tmp_path, root):
    """A minute of one core."""
    script = root / "examples" / "03_series.py"
    shown = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "run")], capture_output=True, text=True, check=True
    )
    assert shown.stdout.count(" complex: ") == 4
    assert "is left out" not in shown.stdout
