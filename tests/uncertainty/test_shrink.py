"""What one, two or three repeats say about another one."""

from __future__ import annotations

import numpy as np
import pytest

from bindfe.results import Calculation
from bindfe.uncertainty.shrink import RepeatPrior, fit_repeat_prior, next_repeat_interval, sampling_error


def calculations(
    n: int, *, degrees: float = 6.0, seed: int = 0, repeats: int = 3
) -> tuple[list[Calculation], np.ndarray]:
    rng = np.random.default_rng(seed)
    own = np.exp(rng.normal(-2, 0.5, n))
    sd = np.sqrt(4 * own**2 * degrees / rng.chisquare(degrees, n))
    values = sd[:, None] * rng.normal(size=(n, repeats + 1))
    found = [
        Calculation(
            ligand="b",
            reference="a",
            value_kcal_mol=float(v[:-1].mean()),
            repeats=tuple(v[:-1]),
            repeat_error_kcal_mol=float(e),
        )
        for v, e in zip(values, own, strict=True)
    ]
    return found, values[:, -1]


def test_finds_the_prior_that_variances_were_drawn_from() -> None:
    prior = fit_repeat_prior(calculations(4000)[0])
    assert prior.degrees == pytest.approx(6.0, rel=0.25)
    assert prior.power == pytest.approx(1.0, abs=0.08)
    assert prior.factor == pytest.approx(4.0, rel=0.35)


@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_the_interval_of_n_repeats_covers_another_one(repeats: int) -> None:
    train, _ = calculations(1000)
    prior = fit_repeat_prior(train)
    test, another = calculations(4000, seed=1, repeats=repeats)
    hits = [
        low <= x <= high
        for c, x in zip(test, another, strict=True)
        for low, high in [next_repeat_interval(c.repeats, own_error=c.repeat_error_kcal_mol, prior=prior)]
    ]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.012)


def test_one_repeat_is_wide_and_not_zero() -> None:
    low, high = next_repeat_interval([1.0], own_error=float("nan"), prior=RepeatPrior())
    assert high - low > 1.0


def test_agreeing_repeats_do_not_give_a_zero_error() -> None:
    same = Calculation(
        ligand="b", reference="a", value_kcal_mol=1.0, repeats=(1.0, 1.0, 1.0), repeat_error_kcal_mol=0.1
    )
    assert sampling_error([same], RepeatPrior()).scale[0] > 0.05


@pytest.mark.data
def test_two_public_repeats_cover_the_third(data_directory) -> None:
    from bindfe.interop import read_calculations

    found = read_calculations(data_directory / "openfe_industry_2024" / "public_edges.csv").calculations
    train, test = found[::2], [c for c in found[1::2] if len(c.repeats) == 3]
    prior = fit_repeat_prior(train)
    hits = [
        low <= c.repeats[2] <= high
        for c in test
        for low, high in [next_repeat_interval(c.repeats[:2], own_error=c.repeat_error_kcal_mol, prior=prior)]
    ]
    assert 0.93 <= np.mean(hits) <= 0.97
