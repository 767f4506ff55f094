"""Each wrong input gives one clear message, its exit code and no traceback."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bindfe.cli import main
from bindfe.store import read_arrays

ROOT = Path(__file__).resolve().parent.parent
SYSTEMS = ROOT / "systems" / "cb7"
HARMONIC = (ROOT / "protocols" / "harmonic.yaml").read_text()
SMOKE = (ROOT / "protocols" / "smoke.yaml").read_text().replace("../systems", str(ROOT / "systems"))
FAST = yaml.safe_dump(
    yaml.safe_load(HARMONIC)
    | {"sampling": {"friction": "5 1/ps", "cycle_time": "0.2 ps", "length": "8 ps", "chunk_cycles": 20}}
    | {"repeats": {"number": 1}, "output": {"report": False}}
)


@pytest.fixture
def bindfe(monkeypatch, capsys, tmp_path):
    """Run the command line in ``tmp_path``; returns exit code and what it wrote to stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["bindfe", *words])
        with pytest.raises(SystemExit) as end:
            main()
        code = end.value.code
        return (int(code) if code else 0), capsys.readouterr().err

    return call


@pytest.fixture
def refused(bindfe, tmp_path):
    """Write a protocol, run it, and check that it is refused with a code and with these words."""

    def check(text: str, *words: str, code: int) -> str:
        path = tmp_path / "protocol.yaml"
        path.write_text(text)
        found, message = bindfe("run", str(path), "--out", str(tmp_path / "run"), "--quiet")
        assert found == code, message
        assert "Traceback" not in message
        for word in words:
            assert word in message
        return message

    return check


def test_unknown_key(refused):
    refused(FAST + "colour: red\n", "colour", "unknown key", "nearest valid key", code=3)


def test_misspelt_key_is_named_with_line_path_and_nearest(refused):
    text = "name: x\nanalytic: {}\nsampling:\n  time_stp: 2 fs\n"
    refused(text, "line 4", "sampling.time_stp", "'sampling.time_step'", code=3)


def test_missing_unit(refused):
    refused(FAST.replace("cycle_time: 0.2 ps", "cycle_time: 0.2"), "sampling.cycle_time", "no unit", code=3)


def test_wrong_dimension(refused):
    refused(FAST.replace("cycle_time: 0.2 ps", "cycle_time: 2 nm"), "sampling.cycle_time", "wrong dimension", code=3)


def test_lambda_outside_0_to_1(refused):
    refused(FAST.replace("0.6", "1.6", 1), "1.6", "outside 0 to 1", code=3)


def test_rows_of_a_schedule_that_differ_in_length(refused):
    text = SMOKE.replace("transfer:   [0.0, 0.01,", "transfer:   [0.0,")
    refused(text, "schedule.transfer", "equally many states", code=3)


def test_not_yaml(refused):
    refused("name: [1, 2\n", "not valid YAML", "line", code=3)


def test_key_that_stands_twice(refused):
    refused("name: a\nname: b\nanalytic: {}\n", "line 2", "'name'", "twice", code=3)


def test_missing_protocol_file(bindfe):
    code, message = bindfe("run", "nowhere.yaml")
    assert code == 3
    assert "nowhere.yaml: no such protocol file" in message


def test_missing_ligand_file(refused):
    refused(SMOKE.replace("b2.sdf", "b3.sdf"), "b3.sdf", code=2)


def test_requested_ligand_that_is_not_in_the_file(refused):
    text = SMOKE.replace("ligands: {", "ligands: {names: [b7], ")
    refused(text, "b7", "b2", code=2)


def _with_ligand(tmp_path: Path, block: str) -> str:
    (tmp_path / "ligand.sdf").write_text(block)
    return SMOKE.replace(str(SYSTEMS / "b2.sdf"), str(tmp_path / "ligand.sdf"))


def _sdf(smiles: str, *, hydrogens: bool = True, embed: bool = True, name: str = "guest") -> str:
    from rdkit import Chem
    from rdkit.Chem import AllChem

    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    if embed:
        AllChem.EmbedMolecule(mol, randomSeed=1)
    if not hydrogens:
        mol = Chem.RemoveHs(mol)
    mol.SetProp("_Name", name)
    return Chem.MolToMolBlock(mol) + "$$$$\n"


def test_ligand_without_hydrogens(refused, tmp_path):
    refused(_with_ligand(tmp_path, _sdf("CCO", hydrogens=False)), "guest", "hydrogens", code=2)


def test_ligand_without_3d_coordinates(refused, tmp_path):
    refused(_with_ligand(tmp_path, _sdf("CCO", embed=False)), "guest", "3D", code=2)


def test_ligand_with_an_unsupported_element(refused, tmp_path):
    refused(_with_ligand(tmp_path, _sdf("C[Si](C)(C)C")), "guest", "Si", code=2)


def test_two_molecules_in_one_record(refused, tmp_path):
    text = _with_ligand(tmp_path, _sdf("CCO.CC"))
    refused(text.replace("ligands: {", "ligands: {salts: refuse, "), "guest", "molecules", code=2)


def test_two_molecules_in_one_record_of_which_none_is_a_salt(refused, tmp_path):
    refused(_with_ligand(tmp_path, _sdf("OCCCCO.CCCCCN")), "guest", "keep one", code=2)


def test_file_without_records(refused, tmp_path):
    refused(_with_ligand(tmp_path, ""), "ligand.sdf", code=2)


def test_charged_ligand_where_the_protocol_cannot_treat_it(refused, tmp_path):
    (tmp_path / "ligand.sdf").write_text(_sdf("C[NH3+]"))
    text = f"ligands: {{file: {tmp_path / 'ligand.sdf'}}}\nsolvent: {{model: tip3p}}\nalchemy: {{method: decouple}}\n"
    refused(text, "guest", "charge +1", "box's size", "obc2", code=2)


def test_transfer_in_explicit_solvent(refused):
    refused(SMOKE.replace("model: obc2", "model: tip3p"), "alchemy.method", "decouple", code=3)


def test_platform_that_is_not_here(refused, monkeypatch):
    text = FAST.replace("platform: Reference", "platform: HIP")
    refused(text, "compute.platform: HIP", "CPU", code=8)


def test_more_replicas_than_memory(refused, monkeypatch):
    monkeypatch.setattr("bindfe.campaign.memory.available_bytes", lambda: 1e8)
    refused(FAST, "replicas", "GB", "compute.workers", code=2)


def test_directory_that_is_not_a_run(bindfe, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("x")
    (tmp_path / "p.yaml").write_text(FAST)
    code, message = bindfe("run", "p.yaml", "--out", "thesis", "--quiet")
    assert code == 7
    assert "not empty and not a run directory" in message
    assert bindfe("estimate", "thesis")[0] == 7


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ("heat_time", "while it was heated"),
        ("release_time", "while it was released"),
        ("free_time", "while it was free in its first state"),
        ("state_time", "when state 1 was reached"),
    ],
)
def test_nan_in_equilibration_names_ligand_leg_and_stage(refused, stage, words):
    none = dict.fromkeys(("heat_time", "release_time", "free_time", "state_time"), "0 ps")
    changed = {
        "sampling": {"friction": "0.001 1/ps", "cycle_time": "400 ps", "time_step": "1000 fs", "length": "800 ps"},
        "equilibration": none | {stage: "400 ps"},
    }
    text = yaml.safe_dump(yaml.safe_load(FAST) | changed)
    refused(text, "/complex, repeat 0: equilibration failed 3 times", words, f"equilibration.{stage}", "seed", code=5)


def test_nan_gives_a_reproducer_that_runs(refused, tmp_path):
    text = FAST.replace("cycle_time: 0.2 ps", "cycle_time: 200 ps, time_step: 1000 fs").replace("8 ps", "400 ps")
    text = yaml.safe_dump(
        yaml.safe_load(FAST)
        | {"sampling": {"friction": "0.001 1/ps", "cycle_time": "400 ps", "time_step": "1000 fs", "length": "800 ps"}}
        | {"equilibration": {"heat_time": "0 ps", "release_time": "0 ps", "free_time": "0 ps", "state_time": "0 ps"}}
    )
    refused(text, "dynamics failed 3 times", "seed", "reproduce.py", code=5)
    (script,) = (tmp_path / "run").rglob("reproduce.py")
    shown = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert "at step" in shown.stdout
    assert {path.name for path in script.parent.iterdir()} >= {
        "system.xml",
        "replicas.npz",
        "start.pdb",
        "settings.json",
    }


@pytest.fixture
def finished(bindfe, tmp_path) -> Path:
    """A small finished run."""
    (tmp_path / "p.yaml").write_text(FAST)
    assert bindfe("run", "p.yaml", "--out", "done", "--quiet")[0] == 0
    return tmp_path / "done"


def test_run_directory_of_another_protocol_is_refused_with_the_difference(bindfe, finished, tmp_path):
    (tmp_path / "q.yaml").write_text(FAST.replace("6 kcal/mol", "7 kcal/mol"))
    code, message = bindfe("run", "q.yaml", "--out", str(finished), "--quiet")
    assert code == 7
    assert "analytic.depth" in message


def test_extend_to_less_than_there_is(bindfe, finished):
    code, message = bindfe("extend", str(finished), "--to", "1 ps", "--quiet")
    assert code == 2
    assert "longer --to" in message


def test_extend_without_unit(bindfe, finished):
    code, message = bindfe("extend", str(finished), "--to", "100", "--quiet")
    assert code == 2
    assert "--to" in message


def test_damaged_chunk_is_named(bindfe, finished):
    chunk = sorted(finished.rglob("chunk-*.npz"))[0]
    content = bytearray(chunk.read_bytes())
    content[len(content) // 2] ^= 0xFF
    chunk.write_bytes(bytes(content))
    code, message = bindfe("estimate", str(finished))
    assert code == 7
    assert chunk.name in message
    assert "run again" in message


def test_full_disk_loses_nothing_that_was_stored(bindfe, tmp_path, monkeypatch):
    (tmp_path / "p.yaml").write_text(FAST)
    real, calls = os.fsync, []

    def full_after_a_while(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full_after_a_while)
        patched.setattr("bindfe.campaign.execute.count_workers", lambda compute: 1)
        code, message = bindfe("run", "p.yaml", "--out", "full", "--quiet")
    assert code == 7
    assert "the disk is full" in message
    for path in (tmp_path / "full").rglob("*.npz"):
        read_arrays(path)
    assert bindfe("run", "p.yaml", "--out", "full", "--quiet")[0] == 0


def test_unknown_command_and_missing_argument(bindfe):
    assert bindfe("fly")[0] == 2
    assert bindfe("run")[0] == 2
