"""Switching work against distributions that obey Crooks exactly, and against pymbar's own BAR."""

from __future__ import annotations

import numpy as np
import pytest

from bindfe.errors import EstimateError
from bindfe.estimate.work import estimate_switching
from bindfe.results import SwitchingWork


def gaussian_work(seed: int, *, delta_f: float, width: float, n: int, m: int) -> SwitchingWork:
    """Normal work with variance width^2: Crooks then fixes the means at width^2/2 +- df."""
    rng = np.random.default_rng(seed)
    dissipated = width**2 / 2
    return SwitchingWork(
        forward=rng.normal(dissipated + delta_f, width, n), reverse=rng.normal(dissipated - delta_f, width, m)
    )


def test_error_bars_hold_over_many_seeds() -> None:
    found = [
        estimate_switching(gaussian_work(s, delta_f=5.0, width=2.0, n=80, m=120), seed=s, n_bootstrap=100)
        for s in range(300)
    ]
    z = np.array([(e.delta_f - 5.0) / e.standard_error for e in found])
    assert abs(z.mean()) < 3 / np.sqrt(300)
    assert 0.8 < z.var() < 1.25


def test_agrees_with_pymbar() -> None:
    other_estimators = pytest.importorskip("pymbar.other_estimators")
    work = gaussian_work(1, delta_f=-3.0, width=2.5, n=50, m=90)
    theirs = other_estimators.bar(work.forward, work.reverse, uncertainty_method="BAR", relative_tolerance=1e-12)
    ours = estimate_switching(work, seed=0)
    assert ours.delta_f == pytest.approx(theirs["Delta_f"], abs=1e-6)
    assert ours.standard_error == pytest.approx(theirs["dDelta_f"], rel=0.25)


def test_turning_the_direction_round_turns_the_sign() -> None:
    work = gaussian_work(4, delta_f=2.0, width=1.5, n=60, m=60)
    turned = SwitchingWork(forward=work.reverse, reverse=work.forward)
    there, back = estimate_switching(work, seed=0), estimate_switching(turned, seed=0)
    assert there.delta_f == pytest.approx(-back.delta_f, abs=1e-9)
    assert there.hysteresis == pytest.approx(back.hysteresis, abs=1e-9)


def test_gaussian_crossing_finds_the_answer_for_gaussian_work() -> None:
    estimate = estimate_switching(gaussian_work(2, delta_f=7.0, width=2.0, n=4000, m=4000), seed=0)
    assert estimate.gaussian == pytest.approx(7.0, abs=0.1)
    assert estimate.delta_f == pytest.approx(7.0, abs=0.1)
    assert estimate.warnings == ()


def test_fast_switches_show_their_hysteresis() -> None:
    estimate = estimate_switching(gaussian_work(3, delta_f=0.0, width=3.4, n=200, m=200), seed=0)
    assert estimate.hysteresis > 0.5
    assert min(estimate.n_effective) < 20


def test_work_that_does_not_overlap_is_not_estimated() -> None:
    with pytest.raises(EstimateError, match=r"share 0\.\d% .* Switch more slowly"):
        estimate_switching(gaussian_work(5, delta_f=0.0, width=7.0, n=200, m=200), seed=0)


def test_one_direction_is_refused_unless_asked_for_and_then_flagged() -> None:
    narrow = SwitchingWork(forward=gaussian_work(6, delta_f=1.0, width=0.7, n=400, m=1).forward, reverse=np.zeros(0))
    with pytest.raises(EstimateError, match="both ends"):
        estimate_switching(narrow, seed=0)
    estimate = estimate_switching(narrow, seed=0, one_sided=True)
    assert estimate.unidirectional
    assert "no guarantee" in estimate.warnings[0]
    assert abs(estimate.delta_f - 1.0) < 3 * estimate.standard_error


def test_one_reverse_direction_keeps_its_sign() -> None:
    narrow = SwitchingWork(forward=np.zeros(0), reverse=gaussian_work(6, delta_f=1.0, width=0.7, n=1, m=400).reverse)
    estimate = estimate_switching(narrow, seed=0, one_sided=True)
    assert abs(estimate.delta_f - 1.0) < 3 * estimate.standard_error


def test_one_wide_direction_is_refused_even_when_asked_for() -> None:
    wide = SwitchingWork(forward=gaussian_work(6, delta_f=1.0, width=2.5, n=1000, m=1).forward, reverse=np.zeros(0))
    with pytest.raises(EstimateError, match="switch from both ends"):
        estimate_switching(wide, seed=0, one_sided=True)


def test_the_same_seed_gives_the_same_error() -> None:
    work = gaussian_work(8, delta_f=0.0, width=1.0, n=50, m=50)
    assert estimate_switching(work, seed=3) == estimate_switching(work, seed=3)
