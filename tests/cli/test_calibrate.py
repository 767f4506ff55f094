"""``bindfe calibrate`` from files to files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bindfe.cli.calibrate import app
from bindfe.errors import InputError


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def table(path: Path, n_targets: int = 6, per_target: int = 14, *, measured: bool = True, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        names = ["target", "ligand_a", "ligand_b", "delta_delta_g_kcal_mol", "repeat_0_kcal_mol", "repeat_1_kcal_mol"]
        writer.writerow([*names, *(["measured_kcal_mol"] if measured else [])])
        for target in range(n_targets):
            truth = rng.normal(0, 1.2, per_target)
            for i in range(per_target):
                j = (i + 1) % per_target
                first, second = (truth[j] - truth[i]) * 1.5 + 0.8 * rng.normal() + 0.2 * rng.normal(size=2)
                row = [f"t{target}", f"l{i}", f"l{j}", (first + second) / 2, first, second]
                writer.writerow([*row, *([truth[j] - truth[i]] if measured else [])])
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    table(tmp_path / "results.csv")
    table(tmp_path / "new.csv", seed=1)
    run("fit", tmp_path / "results.csv", "--out", tmp_path / "calibration.json")
    return tmp_path


def test_fit_apply_score(files: Path) -> None:
    run("apply", files / "calibration.json", files / "new.csv", "--out", files / "predictions.csv")
    run("score", files / "predictions.csv", "--out", files / "score.json", "--html", files / "report.html")
    score = json.loads((files / "score.json").read_text())
    assert score["n"] == 84
    assert set(score["coverage_90"]) == {"value", "lower", "upper"}
    wanted = "ece crps_kcal_mol rmse_raw rmse_calibrated rmse_null spearman_error_sigma worst_target_coverage_90"
    assert set(wanted.split()) < set(score)
    page = (files / "report.html").read_text()
    assert len(page) < 3_000_000
    assert "http" not in page.replace("http-equiv", "")


def test_every_column_has_its_unit_and_the_parts_close(files: Path) -> None:
    run("apply", files / "calibration.json", files / "new.csv", "--out", files / "p.csv", "--coverage", "0.5", "0.9")
    with (files / "p.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"lower_50_kcal_mol", "upper_50_kcal_mol", "lower_90_kcal_mol", "upper_90_kcal_mol"} < set(rows[0])
    assert "lower_95_kcal_mol" not in rows[0]
    parts = [float(rows[0][f"{p}_kcal_mol"]) for p in ("sampling", "committee", "model", "assay")]
    assert np.sqrt(np.sum(np.square(parts))) == pytest.approx(float(rows[0]["standard_error_kcal_mol"]), abs=2e-4)
    assert rows[0]["guarantee"].startswith("model-based")


def test_apply_does_not_look_at_measured_values(files: Path) -> None:
    table(files / "blind.csv", seed=1, measured=False)
    for name in ("new", "blind"):
        run("apply", files / "calibration.json", files / f"{name}.csv", "--out", files / f"{name}-p.csv")
    columns = ("calibrated_kcal_mol", "lower_90_kcal_mol", "upper_90_kcal_mol")
    seen = [[[row[c] for c in columns] for row in rows_of(files / f"{name}-p.csv")] for name in ("new", "blind")]
    assert seen[0] == seen[1]


def test_known_values_update_their_target_only(files: Path) -> None:
    (files / "known.csv").write_text(
        "target,ligand,delta_g_kcal_mol\n" + "".join(f"t0,l{i},{-8 + 2 * (-1) ** i}\n" for i in range(8))
    )
    run(
        "apply", files / "calibration.json", files / "new.csv", "--out", files / "p.csv", "--known", files / "known.csv"
    )
    rows = rows_of(files / "p.csv")
    assert all(("updated" in row["guarantee"]) == (row["target"] == "t0") for row in rows)


def test_affinities_serve_fit_and_score(files: Path) -> None:
    table(files / "blind.csv", seed=1, measured=False)
    text = "target,ligand,delta_g_kcal_mol\n" + "".join(
        f"t{t},l{i},{-9 + 0.2 * i}\n" for t in range(6) for i in range(14)
    )
    (files / "measured.csv").write_text(text)
    run("fit", files / "blind.csv", "--affinities", files / "measured.csv", "--out", files / "c.json")
    run("apply", "default", files / "blind.csv", "--out", files / "p.csv")
    assert "n_proteins" in json.loads(_scored(files))


def _scored(files: Path) -> str:
    run("score", files / "p.csv", "--affinities", files / "measured.csv", "--out", files / "s.json")
    return (files / "s.json").read_text()


def test_ligands_of_the_network(files: Path) -> None:
    run("apply", files / "calibration.json", files / "new.csv", "--out", files / "l.csv", "--ligands")
    rows = rows_of(files / "l.csv")
    assert "ligand" in rows[0]
    assert len(rows) == 84
    run("score", files / "l.csv", "--out", files / "s.json")


def test_own_predictions_can_be_calibrated_again(files: Path) -> None:
    run("apply", files / "calibration.json", files / "new.csv", "--out", files / "p.csv")
    said = run("apply", "default", files / "p.csv", "--out", files / "q.csv")
    assert "transferred" in said
    raw = [[row["raw_kcal_mol"] for row in rows_of(files / f)] for f in ("p.csv", "q.csv")]
    assert raw[0] == raw[1]


def test_a_coverage_in_percent_is_refused(files: Path) -> None:
    with pytest.raises(InputError, match=r"--coverage 90: a number between 0 and 1"):
        run("apply", files / "calibration.json", files / "new.csv", "--out", files / "p.csv", "--coverage", "90")


@pytest.mark.data
def test_the_three_commands_on_the_public_set(tmp_path: Path, data_directory: Path) -> None:
    public = data_directory / "openfe_industry_2024" / "public_edges.csv"
    said = run("fit", public, "--out", tmp_path / "c.json")
    assert "3 of 1199 rows failed" in said
    run("apply", "default", public, "--out", tmp_path / "p.csv")
    run("score", tmp_path / "p.csv", "--out", tmp_path / "s.json", "--html", tmp_path / "r.html")
    score = json.loads((tmp_path / "s.json").read_text())
    assert score["coverage_90"]["value"] == pytest.approx(0.9, abs=0.02)
    assert score["rmse_calibrated"]["value"] < score["rmse_null"]["value"] < score["rmse_raw"]["value"]


IN_A_PROCESS_OF_ITS_OWN = """
import re, sys, time
from bindfe.cli import app
directory, start = sys.argv[1], time.process_time()
for words in (["fit", "big.csv", "--out", "c.json"], ["apply", "c.json", "big.csv", "--out", "p.csv"]):
    app(["calibrate", *(f"{directory}/{word}" if "." in word else word for word in words)], standalone_mode=False)
most = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())
print(time.process_time() - start, most.group(1))
"""
"""Other tests in this process may have loaded anything, and getrusage hands their peak on to a child."""


@pytest.mark.slow
def test_a_hundred_thousand_edges_take_under_a_minute_and_a_gigabyte(tmp_path: Path) -> None:
    table(tmp_path / "big.csv", n_targets=500, per_target=200)
    command = [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN, str(tmp_path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, kilobytes = (float(word) for word in said.splitlines()[-1].split())
    assert seconds < 60
    assert kilobytes < 1e6
