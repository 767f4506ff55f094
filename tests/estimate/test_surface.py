"""Surfaces and paths against densities and saddles that are known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import optimize

from bindfe.errors import EstimateError
from bindfe.estimate.path import barrier_rates, minimum_path
from bindfe.estimate.surface import basin_free_energy, pool_surfaces, surface_from_samples
from bindfe.results import BiasedSamples, Region, Surface

T = 300.0
KCAL = 8.31446261815324e-3 * T / 4.184


def drawn(x: np.ndarray, bias: np.ndarray) -> BiasedSamples:
    zero = np.zeros(len(x))
    return BiasedSamples(
        names=tuple("xy"[: x.shape[1]]),
        cv=x,
        bias=bias,
        hold=zero,
        time=np.arange(len(x), dtype=float),
        walker=zero.astype(int),
        temperature=T,
    )


def test_an_even_sample_weighs_back_to_a_parabola_within_its_errors() -> None:
    rng = np.random.default_rng(1)
    axis = np.linspace(-0.95, 0.95, 20)
    z = []
    for seed in range(20):
        x = rng.uniform(-1, 1, (4000, 1))
        surface = surface_from_samples(drawn(x, -10 * x[:, 0] ** 2), [axis], periods=(None,), seed=seed)
        edges = np.linspace(-1, 1, 21)
        fine = np.linspace(0, 1, 2001)
        cell = [np.mean(np.exp(-10 * (a + fine * (b - a)) ** 2)) for a, b in itertools.pairwise(edges)]
        exact = -KCAL * np.log(cell)
        # relative to the total weight, as the errors are
        shift = KCAL * np.log(np.exp(-surface.free_energy_kcal_mol / KCAL).sum())
        z.append(
            (surface.free_energy_kcal_mol + shift - exact - KCAL * np.log(np.sum(cell)))
            / surface.standard_error_kcal_mol
        )
    assert abs(np.mean(z)) < 0.25
    assert np.std(z) == pytest.approx(1.0, abs=0.2)


def test_weights_that_span_a_thousand_kt_do_not_overflow() -> None:
    x = np.linspace(-1, 1, 1000)[:, None]
    surface = surface_from_samples(drawn(x, 1000 * x[:, 0]), [np.array([-0.5, 0.5])], periods=(None,), seed=1)
    assert surface.free_energy_kcal_mol == pytest.approx([1000 * KCAL, 0.0], rel=0.01)


def test_samples_across_a_periodic_border_fall_into_the_same_cells() -> None:
    axis = -math.pi + (np.arange(12) + 0.5) * math.pi / 6
    x = np.random.default_rng(0).uniform(-math.pi, math.pi, (500, 1))
    a, b = (
        surface_from_samples(drawn(x + turn, np.zeros(500)), [axis], periods=(2 * math.pi,), seed=1)
        for turn in (0.0, 2 * math.pi)
    )
    assert np.array_equal(a.free_energy_kcal_mol, b.free_energy_kcal_mol)


def test_a_cell_that_nothing_visited_is_infinite() -> None:
    surface = surface_from_samples(
        drawn(np.full((9, 1), 0.1), np.zeros(9)), [np.array([0.0, 1.0])], periods=(None,), seed=1
    )
    assert np.isinf(surface.free_energy_kcal_mol[1])
    assert np.isnan(surface.standard_error_kcal_mol[1])


def test_repeats_that_disagree_widen_the_band() -> None:
    axis = np.array([0.0, 1.0])
    pair = [
        surface_from_samples(
            drawn((np.arange(1000)[:, None] % 10 < k).astype(float), np.zeros(1000)), [axis], periods=(None,), seed=1
        )
        for k in (2, 6)
    ]
    pooled = pool_surfaces(pair)
    assert pooled.standard_error_kcal_mol[1] > 3 * max(s.standard_error_kcal_mol[1] for s in pair)


def muller_brown(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Muller and Brown, Theor. Chim. Acta 53, 75 (1979), doi:10.1007/BF00547608, scaled to kcal/mol by 0.1."""
    rows = [
        (-200, -1, 0, -10, 1, 0),
        (-100, -1, 0, -10, 0, 0.5),
        (-170, -6.5, 11, -6.5, -0.5, 1.5),
        (15, 0.7, 0.6, 0.7, -1, 1),
    ]
    return 0.1 * sum(
        k * np.exp(a * (x - p) ** 2 + b * (x - p) * (y - q) + c * (y - q) ** 2) for k, a, b, c, p, q in rows
    )


def muller_brown_surface() -> Surface:
    axes = (np.linspace(-1.5, 1.2, 136), np.linspace(-0.3, 2.0, 116))
    free = muller_brown(*np.meshgrid(*axes, indexing="ij"))
    return Surface(
        names=("x", "y"),
        axes=axes,
        periods=(None, None),
        free_energy_kcal_mol=free - free.min(),
        standard_error_kcal_mol=np.zeros_like(free),
        temperature=T,
    )


def test_the_path_crosses_muller_and_browns_highest_saddle() -> None:
    surface = muller_brown_surface()
    left = Region(name="left", low=[-1.0, 1.0], high=[0.0, 2.0])
    right = Region(name="right", low=[0.2, -0.3], high=[1.0, 0.4])
    path = minimum_path(surface, left, right)
    saddle = optimize.root(
        lambda p: optimize.approx_fprime(p, lambda q: float(muller_brown(q[0], q[1])), 1e-6), [-0.82, 0.62], tol=1e-8
    ).x
    height = muller_brown(*saddle) - muller_brown(np.array(-0.558), np.array(1.442))
    assert path.points[path.saddle] == pytest.approx(saddle, abs=0.04)
    assert path.free_energy_kcal_mol.max() - path.free_energy_kcal_mol[0] == pytest.approx(height, abs=0.03)


def test_a_path_goes_the_short_way_around_a_periodic_border() -> None:
    axes = (np.linspace(-math.pi, math.pi, 60, endpoint=False), np.linspace(-1, 1, 30))
    x, y = np.meshgrid(*axes, indexing="ij")
    free = 5 * np.exp(-(x**2) / 0.5) + 4 * y**2 + 0.1 * np.cos(2 * x)
    surface = Surface(
        names=("phi", "y"),
        axes=axes,
        periods=(2 * math.pi, None),
        free_energy_kcal_mol=free - free.min(),
        standard_error_kcal_mol=np.zeros_like(free),
        temperature=T,
    )
    path = minimum_path(
        surface, Region(name="a", low=[1.2, -1], high=[2.0, 1]), Region(name="b", low=[-2.0, -1], high=[-1.2, 1])
    )
    assert path.points[:, 0].max() > math.pi
    assert path.free_energy_kcal_mol.max() < 1.0


def test_basins_that_nothing_connects_have_no_path() -> None:
    surface = muller_brown_surface()
    cut = surface.free_energy_kcal_mol.copy()
    cut[60:64] = np.inf
    broken = Surface(
        names=surface.names,
        axes=surface.axes,
        periods=surface.periods,
        free_energy_kcal_mol=cut,
        standard_error_kcal_mol=surface.standard_error_kcal_mol,
        temperature=T,
    )
    with pytest.raises(EstimateError, match="no visited cells connect"):
        minimum_path(
            broken,
            Region(name="l", low=[-1.0, 1.0], high=[-0.6, 2.0]),
            Region(name="r", low=[0.2, -0.3], high=[1, 0.4]),
        )


def profile(barrier: float) -> Surface:
    x = np.linspace(0.0, 1.0, 501)
    free = barrier * 0.5 * (1 - np.cos(4 * np.pi * x))
    return Surface(
        names=("r [nm]",),
        axes=(x,),
        periods=(None,),
        free_energy_kcal_mol=free,
        standard_error_kcal_mol=np.zeros_like(x),
        temperature=T,
    )


def test_rates_over_a_cosine_barrier_are_kramers() -> None:
    """Overdamped Kramers: k = D w_min w_max / (2 pi kT) e^(-barrier/kT), w^2 = 8 pi^2 barrier for this cosine."""
    barrier, diffusion = 6.0, 0.002
    bound, bulk = Region(name="a", low=[0.0], high=[0.25]), Region(name="b", low=[0.3], high=[0.6])
    wide = Region(name="a", low=[-1.0], high=[0.25])
    rates = barrier_rates(profile(barrier), wide, bulk, delta_g_kcal_mol=-5.0, diffusion=diffusion)
    curvature = 8 * math.pi**2 * barrier / KCAL
    full_well = diffusion * curvature / (2 * math.pi) * math.exp(-barrier / KCAL) * 1e12
    assert rates.off_per_second == pytest.approx(2 * full_well, rel=0.1)  # the profile holds half a well, from 0 on
    assert rates.on_per_molar_second / rates.off_per_second == pytest.approx(math.exp(5.0 / KCAL))
    assert barrier_rates(profile(barrier), bound, bulk, delta_g_kcal_mol=-5.0).off_per_second == pytest.approx(
        6.2509e12 * math.exp(-barrier / KCAL), rel=1e-3
    )


def test_the_basins_part_is_its_share_of_the_weight() -> None:
    surface = profile(6.0)
    inside = surface.axes[0] < 0.25
    assert basin_free_energy(surface, inside) == pytest.approx(KCAL * math.log(4), rel=0.02)  # a quarter: 4 half wells
