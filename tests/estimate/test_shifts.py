"""Committee summaries against Gaussian committees whose free energies are known exactly."""

from __future__ import annotations

import numpy as np
import pytest

from bindfe.errors import EstimateError
from bindfe.estimate.committee import describe
from bindfe.estimate.shifts import member_shifts
from bindfe.results import CommitteeEnergies
from bindfe.units import kt_to_kcal

TEMPERATURE = 298.15
MEMBERS = ("a", "b", "c", "d")


def energies(
    u_mn: np.ndarray, u_mm: np.ndarray, *, environment: str = "bound", driver: str = "mean"
) -> CommitteeEnergies:
    return CommitteeEnergies(u_mn=u_mn, u_mm=u_mm, members=MEMBERS, environment=environment, driver=driver)


def gaussian_committee(
    rng: np.random.Generator, *, shifts: np.ndarray, width: float, n_frames: int, environment: str
) -> CommitteeEnergies:
    """Members u_mean + h_m with h_m normal under the mean: f_m - f_mean = shift - width^2/2 exactly.

    The h_m sum to zero, as differences from a mean do; with M members of spread s before the mean is
    taken off, each has variance s^2 (1 - 1/M).
    """
    h = rng.normal(scale=width, size=(len(MEMBERS), n_frames))
    h -= h.mean(axis=0)
    mean = rng.normal(size=n_frames)
    return energies(mean + (shifts - shifts.mean())[:, None] + h, mean, environment=environment)


def test_spread_and_offset_of_members_are_those_that_were_put_in() -> None:
    rng = np.random.default_rng(1)
    shifts = np.array([1.0, -1.0, 0.5, -0.5])
    report = describe(gaussian_committee(rng, shifts=shifts, width=0.8, n_frames=4000, environment="free"))
    np.testing.assert_allclose(report.offset_kt, shifts, atol=0.05)
    np.testing.assert_allclose(report.spread_kt, 0.8 * np.sqrt(0.75), atol=0.03)


def test_a_wide_gap_leaves_few_frames_and_says_that_switching_is_needed() -> None:
    rng = np.random.default_rng(2)
    mm = np.zeros(500)
    u = np.broadcast_to(rng.normal(scale=4.0, size=500), (4, 500))
    report = describe(energies(u, mm, driver="mm"))
    assert report.gap_spread_kt == pytest.approx(4.0, abs=0.3)
    assert report.n_effective < 30
    assert any("switching from both ends" in note for note in report.notes)


def test_a_narrow_gap_keeps_the_share_of_frames_that_theory_gives() -> None:
    rng = np.random.default_rng(3)
    u = np.broadcast_to(rng.normal(scale=0.7, size=20000), (4, 20000))
    report = describe(energies(u, np.zeros(20000), driver="mm"))
    assert report.n_effective / 20000 == pytest.approx(np.exp(-(0.7**2)), rel=0.05)  # log-normal weights
    assert any("can be reweighted" in note for note in report.notes)


def test_members_free_energies_and_errors_are_right_over_seeds() -> None:
    width, bound, free = 0.8, np.array([1.0, -1.0, 0.5, -0.5]), np.array([0.2, 0.1, -0.1, -0.2])
    exact = (bound - free) * kt_to_kcal(1.0, TEMPERATURE)  # the widths are equal and cancel
    z, routes = [], set()
    for seed in range(200):
        rng = np.random.default_rng(seed)
        records = [
            [gaussian_committee(rng, shifts=shift, width=width, n_frames=60, environment=environment) for _ in range(3)]
            for shift, environment in ((bound, "bound"), (free, "free"))
        ]
        found = member_shifts(*records, temperature=TEMPERATURE)
        z.append((found.delta_g_kcal_mol - exact) / np.sqrt(np.diag(found.covariance)))
        routes.add(found.route.route)
    assert routes <= {"exponential", "second cumulant", "first cumulant"}
    assert abs(np.mean(z)) < 0.15
    assert 0.75 < np.var(z) < 1.2


def test_rescaled_members_spread_alpha_times_as_far_about_the_mean() -> None:
    rng = np.random.default_rng(8)
    shifts = np.array([1.0, -1.0, 0.5, -0.5])
    records = [
        [gaussian_committee(rng, shifts=s, width=0.05, n_frames=200, environment=where)]
        for s, where in ((shifts, "bound"), (0 * shifts, "free"))
    ]
    found = [member_shifts(*records, temperature=TEMPERATURE, alpha=alpha) for alpha in (1.0, 2.0)]
    np.testing.assert_allclose(found[1].delta_g_kcal_mol, 2 * found[0].delta_g_kcal_mol, atol=0.01)
    assert found[1].route.alpha == 2.0


def test_repeats_that_members_drove_are_pooled_and_those_of_all_members_see_both_ends() -> None:
    rng = np.random.default_rng(9)
    shifts, width = np.array([0.6, -0.6, 0.3, -0.3]), 0.5

    def driven(member: int, environment: str, shift: np.ndarray) -> CommitteeEnergies:
        """Frames of one member: each h_m is tilted by exp(-h) of the driver, by rejection."""
        drawn = gaussian_committee(rng, shifts=shift, width=width, n_frames=4000, environment=environment)
        h = drawn.u_mn[member] - drawn.u_mn.mean(axis=0)
        keep = np.flatnonzero(rng.random(4000) < np.exp(-h + h.min()))[:150]
        return energies(drawn.u_mn[:, keep], drawn.u_mm[keep], environment=environment, driver=MEMBERS[member])

    records = [
        [driven(member, where, s) for member in range(4)] for where, s in (("bound", shifts), ("free", 0 * shifts))
    ]
    found = member_shifts(*records, temperature=TEMPERATURE)
    exact = shifts * kt_to_kcal(1.0, TEMPERATURE)
    assert (found.route.route, found.route.unidirectional) == ("mbar", False)
    assert np.all(np.abs(found.delta_g_kcal_mol - exact) < 4 * np.sqrt(np.diag(found.covariance)))
    some = member_shifts(records[0][:3], records[1][:3], temperature=TEMPERATURE)
    assert some.route.unidirectional


def test_members_offsets_cancel_between_environments() -> None:
    rng = np.random.default_rng(4)
    shifts = np.zeros(4)
    bound = gaussian_committee(rng, shifts=shifts, width=0.5, n_frames=50, environment="bound")
    free = gaussian_committee(rng, shifts=shifts, width=0.5, n_frames=50, environment="free")
    constants = np.array([0.0, 300.0, -500.0, 20.0])[:, None]
    moved = [energies(record.u_mn + constants, record.u_mm, environment=record.environment) for record in (bound, free)]
    plain = member_shifts([bound], [free], temperature=TEMPERATURE)
    shifted = member_shifts([moved[0]], [moved[1]], temperature=TEMPERATURE)
    np.testing.assert_allclose(shifted.delta_g_kcal_mol, plain.delta_g_kcal_mol, atol=1e-9)


def test_members_too_far_apart_are_not_trusted_and_a_warning_says_which_and_why() -> None:
    rng = np.random.default_rng(5)
    records = [
        gaussian_committee(rng, shifts=np.zeros(4), width=3.0, n_frames=50, environment=environment)
        for environment in ("bound", "free")
    ]
    found = member_shifts([records[0]], [records[1]], temperature=TEMPERATURE)
    assert not found.route.trusted
    assert found.route.route == "first cumulant"
    assert any("own ends are needed" in warning for warning in found.warnings)


def test_frames_of_the_force_field_cannot_give_members_free_energies() -> None:
    u = np.zeros((4, 10))
    records = [energies(u, u[0], environment=environment, driver="mm") for environment in ("bound", "free")]
    with pytest.raises(EstimateError, match="the mean or a member drove, found 'mm'"):
        member_shifts([records[0]], [records[1]], temperature=TEMPERATURE)
