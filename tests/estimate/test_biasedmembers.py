"""A committee on a surface, against members whose free energies are known."""

from __future__ import annotations

import numpy as np
import pytest

from bindfe.errors import EstimateError
from bindfe.estimate.biasedmembers import committee_band, member_shifts, member_surfaces
from bindfe.results import BiasedSamples, BindingRegions, Region

T = 300.0
KCAL = 8.31446261815324e-3 * T / 4.184
REGIONS = BindingRegions(
    bound=Region(name="bound", low=[0.0], high=[1.0]),
    unbound=(Region(name="bulk", low=[1.0], high=[2.0]),),
    volumes_nm3=(1.0,),
)


def even(n: int, seed: int = 0) -> BiasedSamples:
    x = np.random.default_rng(seed).uniform(0, 2, n)
    zero = np.zeros(n)
    return BiasedSamples(
        names=("r [nm]",),
        cv=x[:, None],
        bias=zero,
        hold=zero,
        time=np.arange(n, dtype=float),
        walker=zero.astype(int),
        temperature=T,
    )


def test_a_member_that_binds_more_strongly_shifts_delta_g_by_just_that() -> None:
    """One kT lower in the site, and a constant of 1,000 kT everywhere that must cancel."""
    samples = even(4000)
    site = samples.cv[:, 0] < 1.0
    u_mn = np.array([1000.0 - 1.0 * site, 1000.0 + 0.5 * site])
    found = member_shifts(samples, u_mn, np.zeros(4000), REGIONS)
    assert found.shift_kcal_mol == pytest.approx([-KCAL, 0.5 * KCAL])
    assert found.standard_error_kcal_mol == pytest.approx(0.0, abs=1e-9)
    assert found.trusted


def test_the_error_of_members_that_differ_by_noise_is_that_of_many_draws() -> None:
    shifts, errors = [], []
    for seed in range(150):
        samples = even(1500, seed)
        u_mn = 0.5 * np.random.default_rng(1000 + seed).normal(size=(3, 1500))
        found = member_shifts(samples, u_mn, np.zeros(1500), REGIONS)
        shifts.append(found.shift_kcal_mol - found.shift_kcal_mol.mean())
        errors.append(found.standard_error_kcal_mol)
    assert np.mean(errors) == pytest.approx(np.std(shifts), rel=0.1)


def test_a_member_that_disagrees_with_the_driver_by_far_is_not_trusted() -> None:
    samples = even(1500)
    u_mn = 4.0 * np.random.default_rng(5).normal(size=(2, 1500))
    assert not member_shifts(samples, u_mn, np.zeros(1500), REGIONS).trusted


def test_the_band_is_wide_where_members_differ() -> None:
    samples = even(8000)
    x = samples.cv[:, 0]
    u_mn = np.array([np.where(x > 1.5, k, 0.0) for k in (-1.0, 0.0, 1.0)])
    surfaces = member_surfaces(samples, u_mn, np.zeros(8000), [np.linspace(0.1, 1.9, 10)], periods=(None,))
    band = committee_band(surfaces)
    difference = np.array([s.free_energy_kcal_mol[9] - s.free_energy_kcal_mol[0] for s in surfaces])
    assert np.diff(difference) == pytest.approx(KCAL, abs=1e-6)
    assert band.standard_error_kcal_mol[9] > 2 * band.standard_error_kcal_mol[0]


def test_energies_of_other_frames_are_refused() -> None:
    with pytest.raises(EstimateError, match="3 and 3 energies for 10 samples"):
        member_surfaces(even(10), np.zeros((2, 3)), np.zeros(3), [np.array([0.5, 1.5])], periods=(None,))
