"""The bias from its hills against closed forms, and weights against exact averages."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bindfe.errors import EstimateError
from bindfe.estimate.hills import bias_along, bias_at, surface_from_hills, time_offset, weigh
from bindfe.results import BiasedSamples, Hills

T = 300.0
KT = 8.31446261815324e-3 * T


def hills(centre: list[float], *, height: float = 1.0, gamma: float = 10.0, period: float | None = None) -> Hills:
    count = len(centre)
    return Hills(
        names=("x",),
        time=np.arange(1.0, count + 1),
        centre=np.array(centre)[:, None],
        width=np.full((count, 1), 0.1),
        height=np.full(count, height),
        bias_factor=gamma,
        periods=(period,),
    )


def samples(x: np.ndarray, time: np.ndarray) -> BiasedSamples:
    zero = np.zeros(len(x))
    return BiasedSamples(
        names=("x [nm]",), cv=x[:, None], bias=zero, hold=zero, time=time, walker=zero.astype(int), temperature=T
    )


def test_one_hill_is_its_gaussian() -> None:
    x = np.linspace(-0.5, 0.5, 11)[:, None]
    assert bias_at(hills([0.1], height=2.0), x) == pytest.approx(2.0 * np.exp(-((x[:, 0] - 0.1) ** 2) / 0.02))


def test_a_hill_reaches_around_a_periodic_border() -> None:
    here = bias_at(hills([math.pi - 0.02], period=2 * math.pi), np.array([[-math.pi + 0.05]]))
    assert here[0] == pytest.approx(math.exp(-(0.07**2) / 0.02))


def test_a_stretched_hill_has_its_full_height_and_ends_at_zero() -> None:
    cut = replace(hills([0.0]), stretched=True)
    edge = 0.1 * math.sqrt(2 * 6.25)
    assert bias_at(cut, np.array([[0.0], [edge - 1e-9], [edge + 1e-9]])) == pytest.approx([1.0, 0.0, 0.0], abs=1e-9)


def test_only_hills_that_were_there_act() -> None:
    x, time = np.zeros((3, 1)), np.array([0.5, 1.0, 2.5])
    assert bias_along(hills([0.0, 0.0, 0.0]), x, time) == pytest.approx([0.0, 0.0, 2.0])


def test_the_offset_of_a_flat_bias_is_its_height_whatever_the_bias_factor() -> None:
    """Wide hills on a short grid are constant; the offset of V = const is V."""
    for gamma in (5.0, 20.0, math.inf):
        flat = replace(hills([0.0] * 4, gamma=gamma), width=np.full((4, 1), 1e3))
        offset = time_offset(flat, [np.linspace(-1, 1, 51)], temperature=T)
        assert offset == pytest.approx([0, 1, 2, 3, 4], rel=1e-5)


def test_the_offset_is_the_reversible_work_of_adding_a_hill() -> None:
    """For constant heights c(t) = -kT ln(<1>/<e^(V/kT)>) over the flat ensemble: compare with direct quadrature."""
    x = np.linspace(-1, 1, 4001)
    one = replace(hills([0.3], height=5.0), bias_factor=math.inf)
    v = 5.0 * np.exp(-((x - 0.3) ** 2) / 0.02)
    assert time_offset(one, [x], temperature=T)[1] == pytest.approx(KT * np.log(np.mean(np.exp(v / KT))), rel=1e-6)


def test_minus_the_scaled_bias_is_the_free_energy_of_well_tempered_hills() -> None:
    surface = surface_from_hills(hills([0.0], height=1.0, gamma=5.0), [np.array([0.0, 2.0])], temperature=T)
    assert np.ptp(surface.free_energy_kcal_mol) == pytest.approx(1.25 / 4.184)


def test_samples_that_a_static_bias_made_even_weigh_back_to_the_well_they_came_from() -> None:
    """Samples from p e^(-V/kT), drawn exactly; weighing by the final bias must restore the mean of p."""
    rng = np.random.default_rng(3)
    grid = np.linspace(-0.6, 0.6, 24001)
    added = hills(list(rng.normal(0, 0.15, 30)), height=1.5)
    density = np.exp(-50 * grid**2 - bias_at(added, grid[:, None]) / KT)
    x = rng.choice(grid, size=40_000, p=density / density.sum())
    weighed = weigh(samples(x, np.linspace(1, 40, len(x))), added, [grid[::100]], method="final")
    w = np.exp(weighed.bias - weighed.bias.max())
    variance = np.sum(w * x**2) / w.sum()
    assert variance == pytest.approx(0.01, rel=0.04)  # about 3 sigma of 40,000 weighted samples


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"names": ("y",)}, "on y and the samples on x"),
        ({"time": np.array([90.0, 91.0, 92.0])}, "from 90 to 92 ps"),
        ({"centre": np.array([[5.0], [6.0], [7.0]])}, "100% of the hills stand where x"),
    ],
)
def test_hills_of_another_run_are_refused(change: dict[str, object], words: str) -> None:
    mine = samples(np.linspace(-0.2, 0.2, 50), np.linspace(0.0, 4.0, 50))
    with pytest.raises(EstimateError, match=words):
        weigh(mine, replace(hills([0.0, 0.1, -0.1]), **change), [np.linspace(-1, 1, 21)])
