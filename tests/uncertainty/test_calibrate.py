"""The calibrator as a user meets it: what it promises, what it refuses, what it never does."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bindfe.errors import InputError
from bindfe.results import Affinity, Calculation
from bindfe.uncertainty.calibrate import Calibrator, load_calibrator
from bindfe.uncertainty.ligands import ligands_of


def edges(n_targets: int = 6, *, seed: int = 0, per_target: int = 15) -> list[Calculation]:
    rng = np.random.default_rng(seed)
    found = []
    for target in range(n_targets):
        truth = rng.normal(0, 1.2, per_target)
        for i in range(per_target):
            j = (i + 1) % per_target
            raw = (truth[j] - truth[i]) * 1.4 + 0.8 * rng.normal()
            repeats = raw + 0.3 * rng.normal(size=3)
            found.append(
                Calculation(
                    ligand=f"l{j}",
                    reference=f"l{i}",
                    target=f"t{target}",
                    protein=f"p{target}",
                    value_kcal_mol=float(repeats.mean()),
                    repeats=tuple(repeats.tolist()),
                    features={"charge_change": float(i == 0), "similarity": 0.6 + 0.02 * i},
                    measured_kcal_mol=float(truth[j] - truth[i]),
                )
            )
    return found


@pytest.fixture(scope="module")
def calibrator() -> Calibrator:
    return Calibrator(method="test").fit(edges())


def test_the_squares_of_the_parts_sum_to_the_standard_error(calibrator: Calibrator) -> None:
    given = [replace(c, committee_kcal_mol=0.4) for c in edges(2, seed=1)]
    found = calibrator.predict(given)
    assert (found.components**2).sum(axis=1) == pytest.approx(found.standard_error**2)
    one = found[3]
    assert one.budget.standard_error_kcal_mol == pytest.approx(one.standard_error_kcal_mol)
    assert {c.kind for c in one.budget.components} == {"sampling", "committee", "model", "assay"}


def test_a_committee_widens_an_interval_by_its_variance_times_the_slope_squared(calibrator: Calibrator) -> None:
    plain = edges(1, seed=1)
    without, with_it = (
        calibrator.predict(plain),
        calibrator.predict([replace(c, committee_kcal_mol=1.0) for c in plain]),
    )
    slope = calibrator.kinds_["edge"].model.slope
    ratio = (with_it.standard_error**2 - without.standard_error**2) / slope**2
    assert ratio == pytest.approx(np.full(len(plain), ratio[0]), rel=1e-6)
    assert ratio[0] == pytest.approx(1.0, rel=0.05)


def test_measured_values_in_the_input_change_nothing(calibrator: Calibrator) -> None:
    given = edges(2, seed=2)
    lies = [replace(c, measured_kcal_mol=99.0) for c in given]
    first, second = calibrator.predict(given), calibrator.predict(lies)
    assert np.array_equal(first.location, second.location)
    assert np.array_equal(first.scale, second.scale)


def test_reading_an_edge_the_other_way_turns_its_sign_only(calibrator: Calibrator) -> None:
    given = edges(2, seed=2)
    turned = [
        replace(
            c,
            ligand=str(c.reference),
            reference=c.ligand,
            value_kcal_mol=-c.value_kcal_mol,
            repeats=tuple(-r for r in c.repeats),
        )
        for c in given
    ]
    first, second = calibrator.predict(given), calibrator.predict(turned)
    assert second.location == pytest.approx(-first.location)
    assert second.scale == pytest.approx(first.scale)


def test_the_order_of_rows_does_not_count() -> None:
    given = edges()
    shuffled = [given[i] for i in np.random.default_rng(3).permutation(len(given))]
    first, second = Calibrator().fit(given), Calibrator().fit(shuffled)
    assert second.predict(given).scale == pytest.approx(first.predict(given).scale, rel=2e-3)


def test_fitting_again_gives_the_same_bits() -> None:
    first, second = (Calibrator().fit(edges(3)).predict(edges(1, seed=5)) for _ in range(2))
    assert np.array_equal(first.scale, second.scale)


def test_a_file_keeps_every_bit(calibrator: Calibrator, tmp_path: Path) -> None:
    calibrator.save(tmp_path / "c.json")
    again = load_calibrator(str(tmp_path / "c.json"))
    given = edges(1, seed=6)
    assert np.array_equal(again.predict(given).scale, calibrator.predict(given).scale)
    again.save(tmp_path / "d.json")
    assert (tmp_path / "c.json").read_bytes() == (tmp_path / "d.json").read_bytes()


def test_a_damaged_file_is_refused(calibrator: Calibrator, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    calibrator.save(path)
    path.write_text(path.read_text().replace('"slope"', '"slop"', 1))
    with pytest.raises(InputError, match=r"checksum.*fit it again"):
        load_calibrator(str(path))
    with pytest.raises(InputError, match=r"no such calibrator; give a file written by"):
        load_calibrator(str(tmp_path / "absent.json"))


def test_a_relative_calibrator_refuses_an_absolute_delta_g(calibrator: Calibrator) -> None:
    absolute = Calculation(ligand="x", quantity="absolute", value_kcal_mol=-9.0)
    with pytest.raises(InputError, match=r"says nothing about an absolute delta_g"):
        calibrator.predict([absolute])


def test_one_target_only_says_that_nothing_was_tested_on_others() -> None:
    found = Calibrator().fit(edges(1)).predict(edges(1, seed=7))
    assert not found.calibrated
    assert "too few proteins to test" in found.guarantees[0]


def test_too_few_proteins_for_a_guarantee_falls_back_and_says_so() -> None:
    found = Calibrator(layer="hierarchical").fit(edges(6)).predict(edges(1, seed=7))
    assert "model-based at 90%, 95% (9 proteins needed)" in found.guarantees[0]
    assert [level for level, _ in found.conformal] == [0.5, 0.68]


def test_ligands_without_measurement_are_counted() -> None:
    given = [replace(c, measured_kcal_mol=math.nan) if i < 7 else c for i, c in enumerate(edges())]
    assert Calibrator().fit(given).n_left_out_ == 7
    with pytest.raises(InputError, match=r"no calculation has a measured value"):
        Calibrator().fit([replace(c, measured_kcal_mol=math.nan) for c in edges(1)])


def test_duplicate_edges_with_different_values_are_two_calculations_of_one_network(calibrator: Calibrator) -> None:
    given = edges(1, seed=8)
    twice = [*given, replace(given[0], value_kcal_mol=given[0].value_kcal_mol + 3.0)]
    found = calibrator.predict(twice)
    assert len(found) == len(given) + 1
    assert found.location[-1] != found.location[0]


@pytest.mark.parametrize("error", [0.0, math.inf, math.nan])
def test_a_useless_error_gives_a_typical_sampling_line(calibrator: Calibrator, error: float) -> None:
    one = Calculation(
        ligand="b",
        reference="a",
        target="t",
        value_kcal_mol=1.0,
        standard_error_kcal_mol=error,
        repeat_error_kcal_mol=error,
    )
    found = calibrator.predict([one])
    assert np.isfinite(found.scale).all()
    assert found.components[0, 0] > 0.05
    assert "no repeats" in found.warnings[0][0]


def test_affinities_stand_in_for_measured_values() -> None:
    given = [replace(c, measured_kcal_mol=math.nan) for c in edges(4)]
    measured = [
        Affinity(
            ligand=f"l{i}",
            target=f"t{t}",
            delta_g_kcal_mol=-8.0 + 0.1 * i,
            standard_error_kcal_mol=0.1,
            temperature=298.15,
        )
        for t in range(4)
        for i in range(15)
    ]
    assert Calibrator().fit(given, measured).kinds_["edge"].n_calculations == 60
    stranger = replace(measured[0], ligand="nobody", target="")
    with pytest.raises(InputError, match=r"compare the names"):
        Calibrator().fit(given, [stranger])


def test_probabilities_agree_with_intervals(calibrator: Calibrator) -> None:
    found = calibrator.predict(edges(1, seed=9))
    low, high = found.predict_interval(0.9).T
    assert found.cdf(low) == pytest.approx(np.full(len(low), 0.05))
    assert found.cdf(high) == pytest.approx(np.full(len(low), 0.95))
    assert found[0].interval(0.9) == pytest.approx((low[0], high[0]))
    assert found.probability_below(0.0)[0] == pytest.approx(found[0].cdf(0.0))
    with pytest.raises(InputError, match=r"between 0 and 1"):
        found.predict_interval(90)


def test_known_ligands_of_an_easy_target_narrow_its_intervals_and_of_a_hard_one_widen_them(
    calibrator: Calibrator,
) -> None:
    slope = calibrator.kinds_["edge"].model.slope
    given = edges(1, seed=10)
    blind = [replace(c, measured_kcal_mol=math.nan) for c in given]
    before = calibrator.predict(blind).half_width(0.9).mean()
    easy = [replace(c, measured_kcal_mol=slope * c.value_kcal_mol) for c in given[:8]]
    hard = [replace(c, measured_kcal_mol=slope * c.value_kcal_mol + 4.0 * (-1) ** i) for i, c in enumerate(given[:8])]
    assert calibrator.predict(blind, known=easy).half_width(0.9).mean() < before
    found = calibrator.predict(blind, known=hard)
    assert found.half_width(0.9).mean() > before
    assert "updated with 8 known values" in found.guarantees[0]


def test_known_ligands_count_through_the_network_where_no_edge_has_both_ends_known(calibrator: Calibrator) -> None:
    blind = [replace(c, measured_kcal_mol=math.nan) for c in edges(1, seed=10)]
    known = [
        Affinity(ligand=f"l{i}", target="t0", delta_g_kcal_mol=-8.0, standard_error_kcal_mol=0.1, temperature=298.15)
        for i in (0, 2, 4, 6, 8)
    ]
    assert "updated with 5 known values" in calibrator.predict(blind, known=known).guarantees[0]
    assert "updated" not in calibrator.predict(blind, known=known[:2]).guarantees[0]


def test_transferred_predictions_say_so_and_are_wider(calibrator: Calibrator) -> None:
    given = edges(1, seed=11)
    own, moved = calibrator.predict(given), calibrator.predict(given, transferred="bindfe")
    assert not moved.calibrated
    assert moved.guarantees[0].startswith("transferred: ")
    assert moved.scale == pytest.approx(1.25 * own.scale)


def test_which_binds_better_is_told_from_the_edge_or_from_the_ligands(calibrator: Calibrator) -> None:
    found = calibrator.predict(edges(1, seed=12))
    assert found.p_better("l1", "l0") == pytest.approx(found.cdf(0.0)[0])
    assert found.p_better("l0", "l1") == pytest.approx(1 - found.cdf(0.0)[0])
    with pytest.raises(InputError, match=r"no edge between l0 and l7"):
        found.p_better("l0", "l7")
    ligands = calibrator.predict(ligands_of(edges(1, seed=12), calibrator.repeat_prior_))
    best, worst = np.argsort(ligands.location)[[0, -1]]
    names = [c.ligand for c in ligands.calculations]
    assert ligands.p_better(names[best], names[worst]) > 0.9
