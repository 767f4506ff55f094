"""Absolute values: nothing from differences, a shift only from measured ligands of the same target."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bindfe.errors import InputError
from bindfe.results import Affinity, Calculation, Component, Prediction, UncertaintyBudget
from bindfe.uncertainty.calibrate import Calibrator, calibrate_absolute, load_calibrator


def prediction(sampling: float = 0.5) -> Prediction:
    part = Component(kind="sampling", standard_error_kcal_mol=sampling, degrees_of_freedom=5.0, explanation="")
    return Prediction(
        ligand="b2",
        target="cb7",
        raw_kcal_mol=-14.0,
        location_kcal_mol=-14.0,
        scale_kcal_mol=0.4,
        degrees_of_freedom=5.0,
        budget=UncertaintyBudget(components=(part,)),
    )


def test_without_an_absolute_set_the_slope_is_one_and_the_model_error_wide_and_stated() -> None:
    found = calibrate_absolute(prediction())
    assert found.location_kcal_mol == -14.0
    assert not found.calibrated
    assert found.standard_error_kcal_mol == pytest.approx(np.sqrt(0.5**2 + 2.0**2 + 0.6**2))
    assert found.budget.standard_error_kcal_mol == pytest.approx(found.standard_error_kcal_mol)
    assert "a model error of 2 kcal/mol is assumed" in found.guarantee


def test_the_shipped_prior_says_the_same() -> None:
    assert calibrate_absolute(prediction(), load_calibrator("absolute-prior")) == calibrate_absolute(prediction())


def test_a_relative_calibrator_is_refused() -> None:
    with pytest.raises(InputError, match=r"calibrator of relative values cannot calibrate an absolute"):
        calibrate_absolute(prediction(), load_calibrator("default"))


def test_two_measured_ligands_are_needed_to_shift_a_mean() -> None:
    prior = Calibrator.absolute_prior()
    given = [Calculation(ligand=f"l{i}", target="t", quantity="absolute", value_kcal_mol=-8.0 - i) for i in range(4)]
    known = [
        Affinity(ligand=f"l{i}", target="t", delta_g_kcal_mol=-6.0 - i, standard_error_kcal_mol=0.1, temperature=298.15)
        for i in range(2)
    ]
    assert prior.predict(given, known=known[:1]).location == pytest.approx([-8, -9, -10, -11])
    assert prior.predict(given, known=known).location == pytest.approx([-6, -7, -8, -9])


@pytest.mark.data
def test_freesolv_halves_predict_each_other(data_directory: Path) -> None:
    with (data_directory / "experimental" / "freesolv_hydration.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    all_of_them = [
        Calculation(
            ligand=r["id"],
            target="water",
            quantity="absolute",
            value_kcal_mol=float(r["gaff_calc_kcal_mol"]),
            standard_error_kcal_mol=float(r["gaff_calc_unc"]),
            measured_kcal_mol=float(r["dG_kcal_mol"]),
        )
        for r in rows
    ]
    covered, errors = [], []
    for seed in range(6):
        order = np.random.default_rng(seed).permutation(len(all_of_them))
        train, test = ([all_of_them[i] for i in half] for half in np.array_split(order, 2))
        found = Calibrator(assay_error=0.6).fit(train).predict(test)
        y = np.array([c.measured_kcal_mol for c in test])
        covered.append([np.mean(np.abs(y - found.location) <= found.half_width(c)) for c in (0.5, 0.68, 0.9, 0.95)])
        errors.append([np.sqrt(np.mean((y - x) ** 2)) for x in (found.raw, found.location)])
    assert np.mean(covered, axis=0) == pytest.approx([0.5, 0.68, 0.9, 0.95], abs=0.08)
    raw, calibrated = np.mean(errors, axis=0)
    assert calibrated < raw
    unknown = [replace(c, target="octanol") for c in all_of_them[:3]]
    other = Calibrator(assay_error=0.6).fit(all_of_them).predict(unknown)
    assert other.location == pytest.approx(other.raw)
    assert not other.calibrated
