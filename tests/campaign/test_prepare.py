"""``bindfe prepare``: legs as files, each once, and one that fails leaves the others alone."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from typer.testing import CliRunner

from bindfe.campaign.pipeline import prepare_run
from bindfe.campaign.prepare import prepare
from bindfe.campaign.receptor import completed_receptor, completed_record
from bindfe.cli import app
from bindfe.errors import InputError
from bindfe.protocol import load_protocol
from bindfe.store import Run
from tests.build.peptides import outside, peptide, write_ligand

PROTOCOL = """
name: peptide
receptor: {{file: {receptor}}}
ligands: {{file: {ligands}}}
solvent: {{model: obc2}}
restraint: {{kind: flat-bottom, flat_radius: 8 A}}
compute: {{platform: CPU, workers: 1}}
"""


@pytest.fixture(scope="module", autouse=True)
def cache(root: Path) -> None:
    os.environ.setdefault("BINDFE_CACHE", str(root / ".cache" / "bindfe"))


@pytest.fixture
def inputs(tmp_path):
    """A peptide, ethanol beside it, and ethanol on top of one of its atoms."""
    text = peptide("GAHAG")
    (tmp_path / "peptide.pdb").write_text(text)
    place = outside(text)
    good = Chem.MolFromMolFile(str(write_ligand(tmp_path / "a.sdf", "CCO", at=place)), removeHs=False)
    good.SetProp("_Name", "beside")
    far = Chem.MolFromMolFile(str(write_ligand(tmp_path / "b.sdf", "CCO", at=place + 60.0)), removeHs=False)
    far.SetProp("_Name", "far")
    with Chem.SDWriter(str(tmp_path / "series.sdf")) as writer:
        writer.write(good)
        writer.write(far)
    protocol = tmp_path / "protocol.yaml"
    protocol.write_text(PROTOCOL.format(receptor="peptide.pdb", ligands="series.sdf"))
    return protocol


def table_of(directory):
    return list(csv.DictReader((directory / "prepared.csv").read_text().splitlines()))


def stamps(directory):
    return {path: path.stat().st_mtime_ns for path in directory.rglob("*.xml")}


def test_the_command_builds_what_can_be_built_tells_the_rest_and_keeps_what_is_whole(inputs, tmp_path):
    out = tmp_path / "out"
    command = ["prepare", str(inputs), "--out", str(out), "--quiet"]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == InputError.exit_code
    assert re.search(r"beside +complex +\d+ +[\d.]+ +(cached|new) +-?\d+", first.output)
    assert re.search(r"beside +solvent +9 ", first.output)
    assert "far: not prepared: far: its centroid is" in first.output
    before = stamps(out)
    assert len(stamps(out / "beside")) == 6  # system, plain, state of two legs
    second = CliRunner().invoke(app, command)
    assert re.search(r"beside +complex +\d+ +[\d.]+ kept", second.output)
    assert {path: before[path] for path in before} == stamps(out)


def test_a_run_goes_on_from_the_prepared_directory(inputs, tmp_path):
    result = prepare(inputs, directory=tmp_path / "out")
    run = Run(root=result.directory)
    before = stamps(result.directory)
    ready, failures = prepare_run(run, load_protocol(inputs))
    assert (ready, tuple(failures)) == (("beside",), ("far",))
    assert stamps(result.directory) == before
    assert all(np.isfinite(leg.energy) and not leg.kept for leg in result.legs)


def test_the_table_is_kept_and_a_leg_whose_time_was_lost_has_none(inputs, tmp_path):
    result = prepare(inputs, directory=tmp_path / "out")
    rows = table_of(tmp_path / "out")
    assert [(row["ligand"], row["leg"]) for row in rows] == [("beside", "complex"), ("beside", "solvent")]
    for row, leg in zip(rows, result.legs, strict=True):
        assert int(row["atoms"]) == leg.n_atoms
        assert float(row["seconds"]) == pytest.approx(leg.seconds, abs=0.01)
        assert float(row["minimised_kj_mol"]) == pytest.approx(leg.energy, abs=0.1)
        assert row["parameters"] in ("new", "cached")
    note = tmp_path / "out" / "beside" / "complex" / "prepared" / "preparation.json"
    note.unlink()  # as if it had been killed after the leg and before its note
    before = stamps(tmp_path / "out")
    again = prepare(inputs, directory=tmp_path / "out").legs[0]
    assert stamps(tmp_path / "out") == before
    assert np.isnan(again.seconds)
    assert again.energy == pytest.approx(result.legs[0].energy, rel=1e-6)
    assert table_of(tmp_path / "out")[0]["seconds"] == ""


def test_a_model_is_timed_as_well(tmp_path):
    (tmp_path / "model.yaml").write_text("{name: model, analytic: {}, compute: {platform: Reference}}")
    (leg,) = prepare(tmp_path / "model.yaml", directory=tmp_path / "out").legs
    assert 0.0 < leg.seconds < 60.0
    assert leg.cached is None


def test_a_protein_is_completed_once_and_a_changed_file_is_refused(inputs, tmp_path):
    run = Run(root=tmp_path / "out")
    run.root.mkdir()
    protocol = load_protocol(inputs)
    first, second = completed_receptor(run, protocol), completed_receptor(run, protocol)
    assert first.pdb == second.pdb
    assert first.content() == second.content()
    assert any(finding.check == "protein-histidines" for finding in completed_record(run).findings)
    (tmp_path / "peptide.pdb").write_text(peptide("GAHAG", seed=11))
    with pytest.raises(InputError, match="is not the structure that"):
        completed_receptor(run, protocol)


def test_files_can_be_named_on_the_command_line(inputs, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "protocol.yaml"
    moved.write_text(PROTOCOL.format(receptor="absent.pdb, name: another", ligands="absent.sdf, names: [another]"))
    result = prepare(
        moved, directory=tmp_path / "out", receptor=tmp_path / "peptide.pdb", ligands=tmp_path / "series.sdf"
    )
    assert {leg.ligand for leg in result.legs} == {"beside"}
    assert load_protocol(tmp_path / "out" / "protocol.yaml").receptor.name == ""  # another file's name is not kept
    with pytest.raises(InputError, match="check --receptor"):
        prepare(moved, directory=tmp_path / "other", receptor=tmp_path / "none.pdb")
