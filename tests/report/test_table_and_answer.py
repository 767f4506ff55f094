"""The CSV table and the JSON answer hold the prediction's own numbers, in documented columns and keys."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from scipy import stats

from bindfe.errors import MissingDependency
from bindfe.report.answer import answer
from bindfe.report.material import LigandMaterial, failure_of
from bindfe.report.table import predictions_table

COVERAGES = (0.5, 0.68, 0.9, 0.95)


@pytest.fixture
def ligand(make_ligand: Callable[..., LigandMaterial]) -> LigandMaterial:
    return make_ligand()


def test_table_has_the_documented_columns(ligand: LigandMaterial) -> None:
    header = next(csv.reader(io.StringIO(predictions_table([ligand.prediction], COVERAGES))))
    bounds = [f"{side}_{level}_kcal_mol" for level in (50, 68, 90, 95) for side in ("lower", "upper")]
    parts = [f"{kind}_kcal_mol" for kind in ("sampling", "committee", "model", "assay", "analytic")]
    first = ["ligand", "raw_kcal_mol", "calibrated_kcal_mol", "standard_error_kcal_mol"]
    assert header == [*first, *bounds, *parts, "quantity", "guarantee", "warnings"]


def test_table_holds_the_t_interval(ligand: LigandMaterial) -> None:
    prediction = ligand.prediction
    row = next(csv.DictReader(io.StringIO(predictions_table([prediction], COVERAGES))))
    low, high = stats.t(prediction.degrees_of_freedom, prediction.location_kcal_mol, prediction.scale_kcal_mol).ppf(
        [0.025, 0.975]
    )
    assert float(row["lower_95_kcal_mol"]) == pytest.approx(low, abs=1e-4)
    assert float(row["upper_95_kcal_mol"]) == pytest.approx(high, abs=1e-4)
    assert row["calibrated_kcal_mol"] == ""
    assert row["model_kcal_mol"] == ""
    assert float(row["sampling_kcal_mol"]) == 0.36


def test_table_survives_commas_lines_and_formulas(ligand: LigandMaterial) -> None:
    prediction = replace(ligand.prediction, ligand='=1+1,"x"\ny', warnings=("a, b", "c"))
    row = next(csv.DictReader(io.StringIO(predictions_table([prediction], COVERAGES))))
    assert row["ligand"] == "'" + '=1+1,"x"\ny'
    assert row["warnings"] == "a, b | c"


def test_answer_survives_json_and_names_its_units(ligand: LigandMaterial) -> None:
    content = answer([ligand.prediction], protocol="quickstart", fingerprint="abc", estimates={"B2": ligand.binding})
    text = json.dumps(content, allow_nan=False)
    assert json.loads(text) == content
    entry = content["predictions"][0]
    assert content["schema_version"] == 1
    assert entry["status"] == "ok"
    assert entry["reason"] is None
    assert entry["intervals_kcal_mol"]["0.95"] == list(ligand.prediction.interval(0.95))
    assert sum(entry["terms_kcal_mol"].values()) == pytest.approx(entry["raw_kcal_mol"])
    assert entry["repeats_kcal_mol"] == ligand.binding.delta_g_repeats.tolist()
    assert entry["budget_kcal_mol"] == {
        "sampling": 0.36,
        "committee": 0.29,
        "model": None,
        "assay": None,
        "analytic": 0.01,
    }


@pytest.mark.parametrize("coverages", [(0.5,), COVERAGES])
def test_every_answer_has_a_number_or_a_coded_reason(ligand: LigandMaterial, coverages: tuple[float, ...]) -> None:
    broken = replace(ligand.prediction, ligand="B3", location_kcal_mol=float("nan"))
    failure = failure_of("B4", MissingDependency("the weights of ani2x are absent"))
    content = answer(
        [ligand.prediction, broken], protocol="p", fingerprint="f", failures=[failure], coverages=coverages
    )
    entries = {entry["ligand"]: entry for entry in content["predictions"]}
    assert {name: entry["status"] for name, entry in entries.items()} == {"B2": "ok", "B3": "failed", "B4": "failed"}
    assert entries["B3"]["reason"] == "not_finite"
    assert entries["B4"]["reason"] == "missing_dependency"
    assert len({tuple(entry) for entry in entries.values()}) == 1
    json.dumps(content, allow_nan=False)


def test_a_standard_error_that_does_not_exist_is_null_and_the_interval_stays(ligand: LigandMaterial) -> None:
    few = replace(ligand.prediction, degrees_of_freedom=1.0)
    entry = answer([few], protocol="p", fingerprint="f")["predictions"][0]
    assert entry["status"] == "ok"
    assert entry["standard_error_kcal_mol"] is None
    half = ligand.prediction.scale_kcal_mol * stats.t.ppf(0.975, 1.0)
    low, high = entry["intervals_kcal_mol"]["0.95"]
    assert (high - low) / 2 == pytest.approx(half)
