"""delta_g from regions against closed forms, and its error against many draws."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bindfe.errors import EstimateError
from bindfe.estimate.regions import combine_repeats, estimate_binding, region_difference, round_trips
from bindfe.estimate.volume import aligned_fraction, cylinder_volume, shell_volume
from bindfe.results import BiasedSamples, BindingRegions, Region

T = 300.0
KT = 8.31446261815324e-3 * T
KCAL = KT / 4.184
V0 = 1.6605390671738466
BOUND = Region(name="bound", low=[0.0], high=[0.5])
BULK = Region(name="bulk", low=[0.6], high=[0.9])


def series(x: np.ndarray, *, bias: np.ndarray | None = None, hold: np.ndarray | None = None) -> BiasedSamples:
    zero = np.zeros(len(x))
    return BiasedSamples(
        names=("r [nm]",),
        cv=np.asarray(x, dtype=float)[:, None],
        bias=zero if bias is None else bias,
        hold=zero if hold is None else hold,
        time=np.arange(len(x), dtype=float),
        walker=zero.astype(int),
        temperature=T,
    )


def two_state(seed: int, *, n: int, stay: float) -> np.ndarray:
    """A chain that is bound or in bulk half of the time each, and stays with a given chance."""
    flips = np.random.default_rng(seed).random(n) > stay
    return np.where(np.cumsum(flips) % 2 == 0, 0.2, 0.7)


def test_the_free_energy_of_free_particles_in_a_ball_is_that_of_their_volumes() -> None:
    """Nothing binds: delta_g = -kT ln(volume of the site / 1661 A^3), by a shell that sees only bulk."""
    r = 0.9 * np.random.default_rng(1).random(200_000) ** (1 / 3)
    regions = BindingRegions(bound=BOUND, unbound=(BULK,), volumes_nm3=(shell_volume(inner=0.6, outer=0.9),))
    found = estimate_binding(series(r), regions, repeat=0, discard=0.0)
    exact = -KCAL * math.log(4 / 3 * math.pi * 0.5**3 / V0)
    assert found.delta_g_kcal_mol == pytest.approx(exact, abs=4 * found.bootstrap_error_kcal_mol)
    assert found.bootstrap_error_kcal_mol < 0.005


def test_a_cylinder_with_a_soft_wall_has_the_volume_that_quadrature_gives() -> None:
    r = np.linspace(0, 0.5, 200_001)
    for radius, spring in ((0.1, 35_100.0), (0.05, 2_000.0), (0.0, 500.0)):
        u = 0.5 * spring * np.maximum(0, r - radius) ** 2
        area = np.trapezoid(2 * np.pi * r * np.exp(-u / KT), r)
        assert cylinder_volume(length=0.7, radius=radius, spring=spring, kt=KT) == pytest.approx(0.7 * area, rel=1e-6)


def test_a_spring_between_axes_leaves_everything_when_it_is_off_and_a_cone_when_it_is_stiff() -> None:
    assert aligned_fraction(axis_spring=0.0, kt=KT) == pytest.approx(1.0)
    assert aligned_fraction(axis_spring=100 * KT, kt=KT) == pytest.approx(1 / 200, rel=0.01)


def test_restraints_that_act_in_the_site_are_let_go() -> None:
    """A well of stiffness 250 kT sampled with 150 kT of restraint: -kT ln of the ratio of the widths."""
    rng = np.random.default_rng(2)
    x = np.abs(rng.normal(0, 1 / math.sqrt(400.0), 100_000))
    site = np.where(np.arange(len(x)) % 2 == 0, x, 0.75)
    hold = np.where(site == 0.75, 0.0, 0.5 * 150.0 * site**2)
    regions = BindingRegions(bound=BOUND, unbound=(BULK,), volumes_nm3=(V0,))
    found = estimate_binding(series(site, hold=hold), regions, repeat=0, discard=0.0)
    assert found.release_kcal_mol == pytest.approx(-KCAL * math.log(math.sqrt(400 / 250)), abs=0.01)
    assert found.delta_g_kcal_mol == pytest.approx(
        found.surface_kcal_mol + found.release_kcal_mol + found.standard_state_kcal_mol
    )


def test_two_equivalent_sites_bind_better_by_kt_ln_2() -> None:
    x = two_state(0, n=1000, stay=0.9)
    values = [
        estimate_binding(
            series(x), BindingRegions(bound=BOUND, unbound=(BULK,), volumes_nm3=(1.0,), n_equivalent=n), repeat=0
        ).delta_g_kcal_mol
        for n in (1, 2)
    ]
    assert values[1] - values[0] == pytest.approx(-KCAL * math.log(2))


def test_both_sides_of_a_barrel_together_lie_between_each_alone() -> None:
    x = np.where(np.random.default_rng(5).random(4000) < 0.3, -0.7, two_state(1, n=4000, stay=0.9))
    below = Region(name="below", low=[-0.9], high=[-0.6])
    site = Region(name="bound", low=[-0.5], high=[0.5])
    found = estimate_binding(
        series(x), BindingRegions(bound=site, unbound=(BULK, below), volumes_nm3=(0.3, 0.3)), repeat=0
    )
    assert found.sides_kcal_mol.min() < found.delta_g_kcal_mol < found.sides_kcal_mol.max()


def test_the_error_of_a_slow_two_state_chain_is_that_of_many_chains() -> None:
    differences = [region_difference(series(two_state(seed, n=4000, stay=0.98)), BOUND, BULK) for seed in range(200)]
    spread = np.std([d.delta_kt for d in differences])
    assert np.mean([d.standard_error_kt for d in differences]) == pytest.approx(spread, rel=0.15)  # 3 sigma of 200


def test_recrossing_the_edge_is_no_round_trip() -> None:
    x = np.array([0.2, 0.55, 0.49, 0.55, 0.49, 0.55, 0.7, 0.59, 0.61, 0.55, 0.2, 0.7])
    assert round_trips(series(x), BOUND, [BULK]) == 1


def test_terms_sum_to_delta_g_and_the_fewest_round_trips_count() -> None:
    regions = BindingRegions(bound=BOUND, unbound=(BULK,), volumes_nm3=(0.4,), n_equivalent=2)
    repeats = [estimate_binding(series(two_state(r, n=2000, stay=0.9)), regions, repeat=r) for r in range(3)]
    binding = combine_repeats(repeats, ligand="x", temperature=T)
    assert sum(term.delta_g_kcal_mol for term in binding.terms) == pytest.approx(binding.delta_g_kcal_mol)
    assert binding.round_trips == min(r.round_trips for r in repeats)


def test_a_region_that_was_never_visited_is_named_with_what_was_seen() -> None:
    regions = BindingRegions(bound=BOUND, unbound=(BULK,), volumes_nm3=(1.0,))
    with pytest.raises(EstimateError, match=r"'bulk'.*r \[nm\] 0.1 to 0.3"):
        estimate_binding(series(np.linspace(0.1, 0.3, 50)), regions, repeat=0, discard=0.0)
