"""Data drawn from a known truth: intervals must hold as often as they say, whatever the number of proteins.

Each case fits on some proteins and counts on 30 others; the tolerance is 3 standard errors of the mean over
seeds, so a bias that is larger than the Monte Carlo error fails.
"""

from __future__ import annotations

import numpy as np
import pytest

from bindfe.results import Calculation
from bindfe.uncertainty.calibrate import Calibrator

COVERAGES = (0.5, 0.68, 0.9, 0.95)


def world(
    rng: np.random.Generator,
    n_targets: int,
    *,
    per_target: int = 20,
    tail: float = 8.0,
    width: float = 0.9,
    between: float = 0.2,
    shift: float = 0.0,
    prefix: str = "t",
) -> list[Calculation]:
    """Edges of ``n_targets`` proteins whose widths differ by ``between`` in their logarithm."""
    found = []
    for target in range(n_targets):
        k = np.exp(between * rng.normal() - between**2 + shift)
        raw = rng.normal(0, 1.5, per_target)
        noise = width * k * rng.standard_t(tail, per_target) * np.sqrt((tail - 2) / tail)
        repeats = raw[:, None] + 0.2 * rng.normal(size=(per_target, 3))
        for i in range(per_target):
            found.append(
                Calculation(
                    ligand=f"b{i}",
                    reference=f"a{i}",
                    target=f"{prefix}{target}",
                    protein=f"{prefix}{target}",
                    value_kcal_mol=float(repeats[i].mean()),
                    repeats=tuple(repeats[i].tolist()),
                    measured_kcal_mol=float(0.5 * raw[i] + noise[i]),
                )
            )
    return found


def coverage(
    seeds: int, n_targets: int, *, test: dict[str, float] | None = None, layer: str = "model", **truth: float
) -> np.ndarray:
    """Coverage at each level for every seed, (seeds, 4)."""
    seen = []
    for seed in range(seeds):
        rng = np.random.default_rng(1000 * n_targets + seed)
        calibrator = Calibrator(layer=layer).fit(world(rng, n_targets, **truth))  # type: ignore[arg-type]
        others = world(rng, 30, prefix="new", **(truth | (test or {})))  # type: ignore[arg-type]
        found = calibrator.predict(others)
        y = np.array([c.measured_kcal_mol for c in others])
        bounds = [found.predict_interval(c) for c in COVERAGES]
        seen.append([np.mean((y >= b[:, 0]) & (y <= b[:, 1])) for b in bounds])
    return np.array(seen)


def holds(seen: np.ndarray, *, systematic: float = 0.0) -> None:
    mean, error = seen.mean(axis=0), seen.std(axis=0, ddof=1) / np.sqrt(len(seen))
    assert np.all(np.abs(mean - COVERAGES) <= 3 * error + systematic), (mean, error)


@pytest.mark.parametrize(("n_targets", "seeds"), [(3, 30), (8, 20), (15, 12), (30, 8)])
def test_coverage_is_nominal_from_three_to_thirty_proteins(n_targets: int, seeds: int) -> None:
    holds(coverage(seeds, n_targets))


@pytest.mark.parametrize(("tail", "between"), [(3.5, 0.2), (50.0, 0.0), (8.0, 0.4)])
def test_coverage_is_nominal_for_heavy_tails_and_unequal_scales(tail: float, between: float) -> None:
    holds(coverage(12, 15, tail=tail, between=between), systematic=0.01)


def test_the_hierarchical_layer_covers_new_proteins_at_least_as_often_as_it_says() -> None:
    seen = coverage(10, 20, layer="hierarchical").mean(axis=0)
    assert np.all(seen >= np.array(COVERAGES) - 0.015)


def test_intervals_fail_where_new_proteins_are_harder_than_any_seen() -> None:
    seen = coverage(6, 15, test={"shift": 0.7})  # widths twice those fitted on: exchangeability is broken
    assert seen.mean(axis=0)[2] < 0.75


def test_wide_noise_is_not_hidden_by_the_width_of_the_prior() -> None:
    assert coverage(4, 10, width=3.0).mean(axis=0)[2] == pytest.approx(0.9, abs=0.04)
