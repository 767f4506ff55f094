"""The shipped calibrator, its table of proteins and the example."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bindfe.interop.proteins import protein_of
from bindfe.results import Calculation
from bindfe.uncertainty.calibrate import load_calibrator


def test_the_default_says_what_it_was_fitted_on_and_where_it_does_not_apply() -> None:
    default = load_calibrator("default")
    assert len(default.proteins_) == 39
    assert default.fitted_on_["calculations"] == 1181
    assert default.scores_["coverage_90"]["value"] == pytest.approx(0.9, abs=0.02)
    assert any("absolute" in line for line in default.does_not_apply_to_)
    assert default.method.startswith("OpenFE")
    assert default.fitted_on_["date"]


def test_the_default_predicts_an_edge_of_which_only_the_value_is_known() -> None:
    one = Calculation(ligand="b", reference="a", target="t", value_kcal_mol=-2.0)
    found = load_calibrator("default").predict([one])
    assert -1.2 < found.location[0] < -0.7
    assert 1.2 < found.half_width(0.9)[0] < 2.5


def test_sets_of_one_protein_stand_together() -> None:
    assert {protein_of(s) for s in ("jacs_set/bace", "janssen_bace/keranen_p2", "scaffold_hopping_set/bace1")} == {
        "BACE1"
    }
    assert protein_of("water_set/hsp90_kung") == protein_of("hsp90_2rings")
    assert protein_of("my own target") == "my own target"


@pytest.mark.data
def test_the_example_runs(data_directory: Path, root: Path) -> None:
    example = root / "examples" / "02_calibrate.py"
    assert len(example.read_text().splitlines()) <= 40
    public = data_directory / "openfe_industry_2024" / "public_edges.csv"
    done = subprocess.run(
        [sys.executable, str(example), str(public)], capture_output=True, text=True, cwd=root, check=True
    )
    assert "90% interval holds" in done.stdout
