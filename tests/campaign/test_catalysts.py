"""``bindfe prepare`` on metal complexes: files, a table, what is whole is kept, and one that fails stops no other."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from typer.testing import CliRunner

from bindfe.build.metalfiles import load_metal_system
from bindfe.campaign.catalysts import read_species
from bindfe.campaign.preflight import check_protocol
from bindfe.campaign.prepare import prepare
from bindfe.chem.findings_catalogue import CHECKS
from bindfe.cli import app
from bindfe.errors import InputError, MissingDependency, ProtocolError, StoreError
from bindfe.mlip import gfn
from bindfe.protocol import load_protocol, parse_protocol
from bindfe.store import read_arrays

pytest.importorskip("tblite")
pytest.importorskip("gfnff")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

SPECIES = """\
species,smiles
line,[PH3]->[Pd]<-[PH3]
plane,Br[Pd@SP2](Br)(<-[PH3])<-[PH3]
untagged,Br[Pd](Br)(<-[PH3])<-[PH3]
"""
PROTOCOL = """\
name: few
catalysts: {file: species.csv, steps: 20}
solvent: {model: vacuum}
sampling: {time_step: 0.5 fs}
compute: {platform: CPU, workers: 1}
"""


@pytest.fixture
def inputs(tmp_path) -> Path:
    (tmp_path / "species.csv").write_text(SPECIES)
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)
    return tmp_path / "protocol.yaml"


def _with(inputs: Path, **changes: str) -> Path:
    text = inputs.read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    inputs.write_text(text)
    return inputs


def _stamps(directory: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in directory.rglob("prepared/*")}


def test_the_command_prepares_what_it_can_tells_the_rest_and_keeps_what_is_whole(inputs, tmp_path):
    command = ["prepare", str(inputs), "--out", str(tmp_path / "out"), "--quiet"]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == InputError.exit_code
    assert "untagged: not prepared: untagged: four donors need an arrangement" in first.output
    assert "bindfe run" not in first.output
    with (tmp_path / "out" / "prepared.csv").open() as file:
        rows = {row["catalyst"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["line", "plane"]
    assert (rows["line"]["complex_atoms"], rows["line"]["atoms"], rows["line"]["steps"]) == ("9", "9", "20")
    bonds = [float(bond.removeprefix("P=")) for bond in rows["line"]["relaxed_bonds_angstrom"].split()]
    assert bonds == pytest.approx([2.257] * 2, abs=5e-3)
    assert abs(float(rows["plane"]["minimised_kj_mol"])) < 1.0
    before = _stamps(tmp_path / "out")
    second = CliRunner().invoke(app, command)
    assert second.output.count("kept") == 2
    assert _stamps(tmp_path / "out") == before


def test_the_files_are_a_system_that_opens_elsewhere_and_a_record_of_the_complex(inputs, tmp_path):
    prepare(_with(inputs, **{"steps: 20": "steps: 0, names: [plane]"}), directory=tmp_path / "out")
    directory = tmp_path / "out" / "plane" / "catalyst" / "prepared"
    system, topology, positions = load_metal_system(directory)
    assert system.getNumParticles() == topology.getNumAtoms() == len(positions) == 11
    mol = Chem.MolFromMolFile(str(directory / "complex.sdf"), removeHs=False, sanitize=False)
    assert np.asarray(mol.GetConformer().GetPositions()) == pytest.approx(10 * positions, abs=1e-3)
    assert sum(bond.GetBondType() == Chem.BondType.DATIVE for bond in mol.GetBonds()) == 2
    assert not (directory / "trial.json").exists()


def test_a_killed_call_is_continued_and_what_was_relaxed_is_not_relaxed_again(inputs, tmp_path):
    _with(inputs, **{"steps: 20": "steps: 100000, names: [line]"})
    code = f"from bindfe.campaign.prepare import prepare; prepare({str(inputs)!r}, directory={str(tmp_path / 'out')!r})"
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], env={**os.environ, "OMP_NUM_THREADS": "1"})
    directory = tmp_path / "out" / "line" / "catalyst" / "prepared"
    deadline = time.monotonic() + 60
    while not (directory / "catalyst.json").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    relaxed = read_arrays(directory / "relaxed.npz")["positions"]
    before = {path: stamp for path, stamp in _stamps(tmp_path / "out").items() if path.name != "trial.npz"}
    (directory / "trial.npz").unlink(missing_ok=True)
    _with(inputs, **{"steps: 100000": "steps: 10"})
    result = prepare(inputs, directory=tmp_path / "out")
    assert result.catalysts[0].trial.steps == 10
    assert not result.catalysts[0].kept
    after = _stamps(tmp_path / "out")
    assert {path: after[path] for path in before} == before
    assert (read_arrays(directory / "relaxed.npz")["positions"] == relaxed).all()


def test_steps_that_are_added_end_where_a_longer_trial_ends(inputs, tmp_path):
    """What is stored after 50 steps is all that the next ones depend on, so a kill between them changes nothing."""
    _with(inputs, **{"steps: 20": "steps: 50, names: [line]"})
    prepare(inputs, directory=tmp_path / "parts")
    _with(inputs, **{"steps: 50": "steps: 100"})
    ends = [prepare(inputs, directory=tmp_path / name).catalysts[0].trial for name in ("parts", "whole")]
    assert ends[0].steps == 100
    assert ends[0].lengths == pytest.approx(ends[1].lengths, abs=1e-6)
    assert ends[0].temperature == pytest.approx(ends[1].temperature, rel=1e-3)


def test_another_structure_of_the_same_name_and_other_physics_are_refused(inputs, tmp_path):
    _with(inputs, **{"steps: 20": "steps: 0, names: [line]"})
    prepare(inputs, directory=tmp_path / "out")
    table = inputs.with_name("species.csv")
    table.write_text(SPECIES.replace("line,[PH3]->[Pd]", "line,CP(C)(C)->[Pd]"))
    failures = prepare(inputs, directory=tmp_path / "out").failures
    assert "the catalyst's structure is not the one" in str(failures["line"])
    table.write_text(SPECIES)
    with pytest.raises(StoreError, match=r"catalysts\.relax: gfn2 -> gfnff"):
        prepare(_with(inputs, **{"steps: 0": "steps: 0, relax: gfnff"}), directory=tmp_path / "out")


def test_phosphines_are_exchanged_by_name_and_the_complexes_named_after_them(inputs):
    _with(inputs, **{"steps: 20": "phosphines: [PMe3, XPhos], names: [line-PMe3, plane-XPhos]"})
    species = read_species(load_protocol(inputs))
    assert [each.name for each in species] == ["line-PMe3", "plane-XPhos"]
    found = species[0].build(seed=1)
    assert (found.name, len(found.numbers)) == ("line-PMe3", 27)
    assert Chem.MolFromSmiles(found.smiles).HasSubstructMatch(Chem.MolFromSmiles("CP(C)(C)->[Pd]<-P(C)(C)C"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("steps: 20", "phosphines: [PMx3]", r"catalysts\.phosphines: 'PMx3' is not known by name; known: PH3, PMe3"),
        ("steps: 20", "names: [lines]", r"species\.csv gives no 'lines'; it gives line, plane, untagged"),
        ("species.csv", "species.sdf", r"'\.sdf' is not read; give catalysts as SMILES in \.csv"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_there_is(inputs, old, new, words):
    with pytest.raises(InputError, match=words):
        read_species(load_protocol(_with(inputs, **{old: new})))


@pytest.mark.parametrize("names", ["a/b,C\n", "a,C\nA,C\n"])
def test_names_that_are_no_folders_or_meet_are_refused(inputs, names):
    inputs.with_name("species.csv").write_text("name,smiles\n" + names)
    with pytest.raises(InputError, match=r"cannot be a folder's name|two catalysts are called"):
        read_species(load_protocol(inputs))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("solvent: {model: obc2}", "solvent.model is tip3p or vacuum, not obc2"),
        ("solvent: {model: tip3p}", "set solvent.box_shape: cube and solvent.ionic_strength: 0 M"),
        ("solvent: {model: vacuum}\nsampling: {time_step: 2 fs}", "set sampling.time_step: 0.5 fs"),
        ("ligands: {file: a.sdf}", "catalysts are prepared alone"),
        ("committee: {model: ani2x}", "catalysts.potential says what acts"),
    ],
)
def test_settings_that_a_complex_has_no_use_for_are_refused(lines, words):
    with pytest.raises(ProtocolError, match=words):
        parse_protocol("catalysts: {file: a.csv}\n" + lines)
    with pytest.raises(ProtocolError, match=r"catalysts\.file is needed"):
        parse_protocol("catalysts: {steps: 3}")


def test_a_run_of_catalysts_is_refused_because_there_is_no_free_energy(inputs, tmp_path):
    command = ["run", str(inputs), "--out", str(tmp_path / "out")]
    found = CliRunner().invoke(app, command)
    assert isinstance(found.exception, ProtocolError)
    assert "no free energy is calculated of them: `bindfe prepare` builds them" in str(found.exception)
    assert not (tmp_path / "out").exists()


def test_a_missing_package_is_told_before_anything_is_built(inputs, tmp_path, monkeypatch):
    found = gfn.find_spec
    monkeypatch.setattr(gfn, "find_spec", lambda name: None if name == "tblite" else found(name))
    with pytest.raises(MissingDependency, match=r"need tblite, which is not installed: pip install 'bindfe\[metal\]'"):
        prepare(inputs, directory=tmp_path / "out")


def test_the_pre_flight_says_what_cannot_be_built_and_what_is_there(inputs):
    """Each failure has a message of the catalogue, from which the page of checks is made."""
    inputs.with_name("species.csv").write_text(
        SPECIES + "organic,Brc1ccccc1\nthree,[PH3]->[Pd](Br)<-[PH3]\nradical,C[Pd]<-[PH3]\narsine,[AsH3]->[Pd]<-[PH3]\n"
    )
    _with(inputs, **{"{model: vacuum}": "{model: tip3p, box_shape: cube, ionic_strength: 0 M}"})
    result = check_protocol(load_protocol(inputs))
    told = {finding.ligand: finding for finding in result.findings}
    assert [name for name, finding in told.items() if finding.level == "pass"] == ["line", "plane"]
    assert told["line"].message == "9 atoms, a line of P P, charge 0"
    assert told["plane"].message == "11 atoms, a square plane of Br Br P P, charge 0"
    for name, words in {
        "untagged": "four donors need an arrangement",
        "organic": "one atom of Ni, Pd, Pt is needed, found none",
        "three": "the metal has 3 donors",
        "radical": "electrons",
        "arsine": "no size is known for As",
    }.items():
        assert words in told[name].message, told[name]
        assert CHECKS[told[name].check].matches(told[name].message)
    assert result.level == "fail"
    assert set(result.subjects) == set(told)


def test_the_pre_flight_names_a_line_that_gfn_ff_would_bend_and_a_phosphine_that_is_not_there(inputs):
    _with(inputs, **{"steps: 20": "potential: gfnff, names: [line]"})
    (finding,) = check_protocol(load_protocol(inputs)).findings
    assert "GFN-FF bends a line" in finding.message
    inputs.with_name("species.csv").write_text("name,smiles\nline,C[Pd]C\n")
    _with(inputs, **{"potential: gfnff, names: [line]": "phosphines: [PMe3]"})
    (finding,) = check_protocol(load_protocol(inputs)).findings
    assert finding.ligand == "line-PMe3"
    assert "are not phosphorus donors of the metal; it has none" in finding.message


def test_the_pre_flight_names_the_extra_that_is_missing(inputs, monkeypatch):
    found = gfn.find_spec
    monkeypatch.setattr(gfn, "find_spec", lambda name: None if name == "gfnff" else found(name))
    (finding,) = (each for each in check_protocol(load_protocol(inputs)).findings if each.check == "catalyst-package")
    assert "need gfnff, which is not installed: pip install 'bindfe[metal]'" in finding.message
