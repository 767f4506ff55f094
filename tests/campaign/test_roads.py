"""The roads along a path, from protocol file to report, on a pocket whose answer is exact."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml

import bindfe
from bindfe.build.analytic import analytic_delta_g
from bindfe.campaign.compare import compare_runs
from bindfe.campaign.status import run_status
from bindfe.errors import ConvergenceError, ProtocolError
from bindfe.interop.plumed import read_hills, read_table
from bindfe.protocol import parse_protocol
from bindfe.results import BindingEstimate, PathResult
from bindfe.store import Run, read_plain, read_record

POCKET = {
    "analytic": {"well": "gaussian", "depth": "8 kcal/mol", "spring": "2 kcal/mol/A^2"},
    "path": {"variable": "distance", "bound": ["0 A", "7 A"], "unbound": [["8 A", "12 A"]], "high": "12.5 A"},
    "repeats": {"number": 2, "seed": 1},
    "compute": {"platform": "Reference", "workers": 1},
}
METADYNAMICS = POCKET | {
    "name": "metadynamics",
    "road": "metadynamics",
    "metadynamics": {"engine": "openmm", "pace": "0.4 ps", "bias_factor": 8, "sample_every": "0.2 ps"},
    "sampling": {"friction": "2 1/ps", "cycle_time": "1 ps", "length": "120 ps", "chunk_cycles": 40},
}
KILLED_FILES = [
    f"particle/path/repeat-0/{name}"
    for name in ("walker-0/COLVAR", "walker-1/COLVAR", "hills/HILLS.0", "hills/HILLS.1")
]
UMBRELLA = POCKET | {
    "name": "umbrella",
    "road": "umbrella",
    "umbrella": {"pull_time": "20 ps", "spring": "1 kcal/mol/A^2", "trial_cycles": 25},
    "sampling": {"friction": "2 1/ps", "cycle_time": "0.2 ps", "length": "10 ps", "chunk_cycles": 25},
}


def _write(path, content, **sections):
    merged = dict(content)
    for key, changes in sections.items():
        merged[key] = {**content.get(key, {}), **changes}
    path.write_text(yaml.safe_dump(merged))
    return path


def _content(directory):
    """The numbers of a run's files along the path."""
    return {
        path.name + path.parent.name: path.read_bytes() for path in sorted(directory.glob("particle/path/*/COLVAR"))
    }


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    return tmp_path_factory.mktemp("roads")


@pytest.fixture(scope="module")
def metadynamics(places):
    return bindfe.run(_write(places / "m.yaml", METADYNAMICS), directory=places / "metadynamics")


@pytest.fixture(scope="module")
def umbrella(places):
    return bindfe.run(_write(places / "u.yaml", UMBRELLA), directory=places / "umbrella")


@pytest.mark.parametrize("road", ["metadynamics", "umbrella"])
def test_each_road_finds_the_exact_answer(road, request):
    result = request.getfixturevalue(road)
    exact = analytic_delta_g(bindfe.load_protocol(result.directory / "protocol.yaml"))
    (prediction,) = result.predictions
    low, high = prediction.interval(0.99)
    assert low < exact < high
    assert prediction.half_width(0.95) < 1.5
    binding = read_record(result.directory / "particle" / "binding.json", BindingEstimate)
    assert sum(term.delta_g_kcal_mol for term in binding.terms) == pytest.approx(binding.delta_g_kcal_mol, abs=1e-9)


def test_roads_agree_within_their_combined_interval(metadynamics, umbrella):
    (comparison,) = compare_runs(metadynamics.directory, umbrella.directory).comparisons
    assert comparison.agrees


def test_page_shows_the_gates_and_the_surface(metadynamics, umbrella):
    for result, gate in ((metadynamics, "round trips"), (umbrella, "overlap")):
        page = (result.directory / "report.html").read_text(encoding="utf-8")
        assert all(words in page for words in (gate, "agreement", "drift", "Free energy along the path"))
        assert (result.directory / "figures" / "particle-surface.png").exists()


def test_files_are_plumeds_own(metadynamics):
    place = metadynamics.directory / "particle" / "path" / "repeat-0"
    assert len(read_hills([place / "HILLS"]).time) == 300
    assert read_table(place / "COLVAR").fields[:2] == ("time", "path")


def test_status_counts_what_is_stored(metadynamics, umbrella):
    for result in (metadynamics, umbrella):
        protocol = bindfe.load_protocol(result.directory / "protocol.yaml")
        for status in run_status(Run(root=result.directory), protocol, ("particle",)):
            assert (status.stage, status.cycles) == ("done", status.goal)
            assert status.n_states >= 1
            assert status.seconds_per_cycle > 0


def test_run_that_does_not_pass_a_gate_has_a_reason_and_no_number(places, metadynamics):
    shutil.copytree(metadynamics.directory, places / "short")
    path = _write(places / "short.yaml", METADYNAMICS, gates={"round_trips": 1000})
    with pytest.raises(ConvergenceError, match=r"not converged.*at least 1000 in each needed.*ns in all"):
        bindfe.run(path, directory=places / "short")
    (entry,) = read_plain(places / "short" / "prediction.json")["predictions"]
    assert (entry["status"], entry["reason"], entry["delta_g_kcal_mol"]) == ("failed", "convergence_error", None)
    assert not read_record(places / "short" / "particle" / "path.json", PathResult).judgement.converged
    assert not (places / "short" / "particle" / "binding.json").exists()
    assert "not passed" in (places / "short" / "report.html").read_text(encoding="utf-8")


def test_lengthened_run_equals_one_that_was_longer_from_the_start(places, metadynamics):
    path = _write(places / "grown.yaml", METADYNAMICS, sampling={"length": "80 ps"}, output={"report": False})
    with contextlib.suppress(ConvergenceError):
        bindfe.run(path, directory=places / "grown")
    grown = bindfe.extend(places / "grown", length=120.0)
    assert _content(grown.directory) == _content(metadynamics.directory)


@pytest.mark.plumed
def test_killed_run_continues_to_the_same_files(places):
    sections = {
        "metadynamics": {"engine": "plumed", "walkers": 2},
        "repeats": {"number": 1},
        "gates": {"round_trips": 1},
    }
    path = _write(places / "k.yaml", METADYNAMICS, **sections, sampling={"length": "30 ps", "chunk_cycles": 10})
    command = [sys.executable, "-m", "bindfe.cli", "run", str(path), "--quiet", "--out"]
    subprocess.run([*command, str(places / "whole")], capture_output=True, check=False)
    process = subprocess.Popen([*command, str(places / "killed")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    progress = places / "killed" / "particle" / "path" / "repeat-0" / "progress.json"
    while not progress.exists() and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    subprocess.run([*command, str(places / "killed")], capture_output=True, check=False)
    whole, killed = ([read_table(places / name / file) for file in KILLED_FILES] for name in ("whole", "killed"))
    for one, other in zip(whole, killed, strict=True):
        columns = [n for n, field in enumerate(one.fields) if field != "clock"]
        np.testing.assert_array_equal(one.values[:, columns], other.values[:, columns])
    assert [len(each.values) for each in whole[2:]] == [75, 75]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("road: metadynamics\nligands: {file: a.sdf}", "receptor.file"),
        ("road: umbrella\nreceptor: {file: a.sdf}\nligands: {file: b.sdf}", "one range"),
        ("road: metadynamics\nreceptor: {file: a.sdf}\nligands: {file: b.sdf}\ncommittee: {model: ani2x}", "committee"),
        ("road: metadynamics\nanalytic: {}", "gaussian"),
        ("analytic: {well: gaussian}", "harmonic"),
        ("road: metadynamics\nreceptor: {file: a.sdf}\nligands: {file: b.sdf}\npath: {high: 15 A}", "between"),
        (
            "road: metadynamics\nreceptor: {file: a.sdf}\nligands: {file: b.sdf}\n"
            "metadynamics: {engine: openmm, walkers: 2}",
            "one walker",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_with_what_to_do(text, words):
    with pytest.raises(ProtocolError, match=words):
        parse_protocol(text)
