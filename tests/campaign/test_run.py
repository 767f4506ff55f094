"""A whole run, from protocol file to report, on the model whose answer is exact."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import stats

import bindfe
from bindfe.build.analytic import analytic_delta_g
from bindfe.campaign.plan import plan_tasks
from bindfe.results import BindingEstimate
from bindfe.store import read_plain, read_record
from bindfe.uncertainty.budget import budget, predict
from bindfe.uncertainty.resample import VariancePrior, fit_variance_prior

ROOT = Path(__file__).resolve().parents[2]
HARMONIC = ROOT / "protocols" / "harmonic.yaml"


def _protocol(tmp_path: Path, **sections: object) -> Path:
    path = tmp_path / "protocol.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(HARMONIC.read_text()) | sections))
    return path


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return bindfe.run(HARMONIC, directory=tmp_path_factory.mktemp("runs") / "harmonic")


def test_run_leaves_every_file_that_it_promises(done):
    names = {path.name for path in done.directory.iterdir()}
    assert {"prediction.json", "predictions.csv", "report.html", "protocol.yaml", "manifest.json", "figures"} <= names
    assert len(list((done.directory / "figures").glob("*.png"))) >= 5


def test_number_is_the_exact_one_within_its_interval(done):
    exact = analytic_delta_g(bindfe.load_protocol(HARMONIC))
    (prediction,) = done.predictions
    low, high = prediction.interval(0.999)
    assert low < exact < high
    assert prediction.half_width(0.95) < 0.1


def test_estimating_again_gives_the_stored_numbers_bit_for_bit(done):
    files = ["prediction.json", "predictions.csv", "particle/estimate.json", "particle/binding.json"]
    before = [(done.directory / name).read_bytes() for name in files]
    bindfe.reestimate(done.directory)
    assert [(done.directory / name).read_bytes() for name in files] == before


def test_same_protocol_elsewhere_gives_the_same_numbers_and_another_seed_does_not(tmp_path):
    short = {"sampling": {"cycle_time": "0.2 ps", "length": "10 ps"}, "output": {"report": False}}
    results = []
    for directory, seed in (("a", 1), ("b", 1), ("c", 2)):
        path = _protocol(tmp_path, **short, repeats={"number": 2, "seed": seed})
        bindfe.run(path, directory=tmp_path / directory)
        results.append(read_plain(tmp_path / directory / "prediction.json")["predictions"])
    assert results[0] == results[1]
    assert results[0] != results[2]


def test_extended_run_equals_one_that_was_longer_from_the_start(tmp_path):
    sampling = {"cycle_time": "0.2 ps", "chunk_cycles": 20}
    common = {"repeats": {"number": 1}, "output": {"report": False}}
    short = _protocol(tmp_path, sampling=sampling | {"length": "8 ps"}, **common)
    bindfe.run(short, directory=tmp_path / "grown")
    bindfe.extend(tmp_path / "grown", length=16.0)
    long = _protocol(tmp_path, sampling=sampling | {"length": "16 ps"}, **common)
    bindfe.run(long, directory=tmp_path / "long")
    grown, whole = (read_plain(tmp_path / name / "prediction.json") for name in ("grown", "long"))
    assert grown["predictions"] == whole["predictions"]


def test_adding_a_repeat_leaves_the_other_seeds_as_they_were(tmp_path):
    protocol = bindfe.load_protocol(HARMONIC)
    more = protocol.model_copy(update={"repeats": protocol.repeats.model_copy(update={"number": 5})})
    tasks, more_tasks = plan_tasks(protocol, ("particle",)), plan_tasks(more, ("particle",))
    assert more_tasks[: len(tasks)] == tasks
    assert len({task.seed for task in more_tasks}) == len(more_tasks)


def test_example_prints_an_interval(tmp_path):
    path = _protocol(tmp_path, sampling={"cycle_time": "0.2 ps", "length": "10 ps"})
    script = ROOT / "examples" / "01_one_ligand.py"
    shown = subprocess.run(
        [sys.executable, str(script), str(path), str(tmp_path / "run")], capture_output=True, text=True, check=True
    )
    assert "95 % interval" in shown.stdout
    assert "sampling:" in shown.stdout


@pytest.mark.slow
def test_sixty_whole_runs_miss_the_exact_answer_as_far_as_their_errors_say(tmp_path):
    """An error bar is a claim. With what bootstraps are worth learned from the series, chi^2 of z over 60 runs lies in
    its 99 % band; the default, which knows nothing of the series, may be wider but not narrower.
    """
    bindings, exact = [], 0.0
    for seed in range(60):
        path = _protocol(
            tmp_path,
            sampling={"friction": "5 1/ps", "cycle_time": "0.4 ps", "length": "24 ps", "chunk_cycles": 60},
            repeats={"number": 2, "seed": seed},
            output={"report": False},
            compute={"platform": "Reference", "workers": 1},
        )
        exact = analytic_delta_g(bindfe.load_protocol(path))
        result = bindfe.run(path, directory=tmp_path / f"run-{seed}")
        bindings.append(read_record(result.directory / "particle" / "binding.json", BindingEstimate))
    prior = fit_variance_prior([b.delta_g_repeats for b in bindings], [b.bootstrap_errors for b in bindings])
    low, high = stats.chi2.ppf([0.005, 0.995], df=len(bindings))
    assert low < _chi_squared(bindings, exact, prior) < high
    assert _chi_squared(bindings, exact, None) < high


def _chi_squared(bindings: list[BindingEstimate], exact: float, prior: VariancePrior | None) -> float:
    """Sum of z^2, each z the normal quantile of the probability that the prediction gives to less than the truth."""
    chances = [predict(each, budget(each, prior=prior)).cdf(exact) for each in bindings]
    return float(np.sum(stats.norm.ppf(chances) ** 2))


def test_prediction_json_is_plain_json_with_units_in_its_keys(done):
    content = json.loads((done.directory / "prediction.json").read_text())
    entry = content["predictions"][0]
    assert content["schema_version"] == 1
    assert entry["status"] == "ok"
    assert isinstance(entry["delta_g_kcal_mol"], float)
    assert set(entry["intervals_kcal_mol"]) == {"0.5", "0.68", "0.9", "0.95"}


def test_calibrator_adds_model_and_assay_and_says_what_it_promises(done, tmp_path):
    path = _protocol(tmp_path, calibration={"file": "absolute-prior"})
    (before,) = done.predictions
    (after,) = bindfe.run(path, directory=done.directory).predictions
    assert {part.kind for part in after.budget.components} >= {"sampling", "model", "assay"}
    squares = sum(part.standard_error_kcal_mol**2 for part in after.budget.components)
    assert after.standard_error_kcal_mol**2 == pytest.approx(squares)
    assert after.location_kcal_mol == before.raw_kcal_mol  # slope 1: a prior shifts nothing
    assert after.half_width(0.95) > 10 * before.half_width(0.95)
    assert not after.calibrated
    assert "model error" in (done.directory / "report.html").read_text()


def test_calibrator_of_relative_values_is_refused_before_anything_runs(tmp_path):
    path = _protocol(tmp_path, calibration={"file": "default"})
    with pytest.raises(bindfe.BindfeError, match="absolute-prior"):
        bindfe.run(path, directory=tmp_path / "run")
    assert not (tmp_path / "run" / "particle").exists()
