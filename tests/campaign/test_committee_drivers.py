"""One member per repeat: the committee's spread is counted once, and sampling noise is not taken for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bindfe.campaign.potential import stored_corrections
from bindfe.errors import EstimateError
from bindfe.protocol import AnalyticSettings, CommitteeSettings, Protocol, RepeatSettings
from bindfe.results import BindingEstimate, CommitteeEnergies, SwitchingWork
from bindfe.sample.switching import EnvironmentCorrection
from bindfe.store import Run, write_record
from bindfe.uncertainty.budget import budget
from bindfe.units import kt_to_kcal

KCAL = kt_to_kcal(1.0, 298.15)
MEMBERS = tuple("abcd")


def protocol(driver: str, *, alpha: float = 1.0) -> Protocol:
    return Protocol(
        analytic=AnalyticSettings(),
        repeats=RepeatSettings(number=len(MEMBERS)),
        committee=CommitteeSettings(model="ani2x", driver=driver, alpha=alpha),  # type: ignore[arg-type]
    )


def store_switches(
    run: Run, *, driver: str, shifts: np.ndarray, noise: np.ndarray, width: float, n_frames: int = 100
) -> None:
    """Works without dissipation and frames of the potential's end.

    Args:
        run: Where.
        driver: ``mean`` or ``members``, one in each repeat.
        shifts: f of each member less f of the mean in the site [kT]; 0 in bulk.
        noise: Error of each repeat in the site [kT].
        width: sd of each member less the mean, before their mean is taken off [kT].
        n_frames: Frames of each repeat.
    """
    rng = np.random.default_rng(5)
    for repeat in range(len(MEMBERS)):
        for environment, static in (("bound", shifts), ("free", np.zeros(len(MEMBERS)))):
            h = rng.normal(scale=width, size=(len(MEMBERS), n_frames))
            h -= h.mean(axis=0)
            weights = np.exp(-h[repeat]) if driver == "members" else np.ones(n_frames)
            frames = rng.choice(n_frames, size=n_frames, p=weights / weights.sum())
            u_mn = h[:, frames] + static[:, None] + width**2 / 2 * (1 - 1 / len(MEMBERS))
            end = (static[repeat] if driver == "members" else 0.0) + (noise[repeat] if environment == "bound" else 0.0)
            record = EnvironmentCorrection(
                environment=environment,
                repeat=repeat,
                work=SwitchingWork(forward=np.full(20, end), reverse=np.full(20, -end)),
                committee=CommitteeEnergies(
                    u_mn=u_mn,
                    u_mm=np.zeros(n_frames),
                    members=MEMBERS,
                    environment=environment,
                    driver=MEMBERS[repeat] if driver == "members" else "mean",
                ),
            )
            write_record(run.ligand("x") / "switching" / environment / f"repeat-{repeat}" / "correction.json", record)


def close(run: Run, settings: Protocol) -> BindingEstimate:
    """The corrections alone as a cycle."""
    corrections, _ = stored_corrections(run, settings, "x")
    values = np.sum([np.broadcast_to(each.delta_g_kcal_mol, (4,)) for each in corrections], axis=0)
    errors = np.sqrt(
        np.sum([np.broadcast_to(each.standard_errors_kcal_mol, (4,)) ** 2 for each in corrections], axis=0)
    )
    last = corrections[-1]
    rest = values.mean() - np.mean(last.delta_g_kcal_mol)
    return BindingEstimate(
        ligand="x",
        temperature=298.15,
        delta_g_kcal_mol=float(values.mean()),
        terms=(),
        delta_g_repeats=values,
        bootstrap_errors=errors,
        delta_g_members=rest + np.array(last.members_kcal_mol),
        member_errors=np.array(last.member_errors_kcal_mol),
        committee=last.committee,
    )


def lines(binding: BindingEstimate) -> tuple[float, float]:
    """Scale of the sampling and spread of the committee line [kcal/mol]."""
    parts = budget(binding)
    sampling, committee = parts.component("sampling"), parts.component("committee")
    assert sampling is not None
    assert committee is not None
    return sampling.standard_error_kcal_mol, committee.standard_error_kcal_mol


@pytest.mark.parametrize(("setting", "driver"), [("mean", "mean"), ("member-per-repeat", "members")])
def test_a_committee_that_disagrees_is_not_taken_for_sampling_noise(tmp_path: Path, setting: str, driver: str) -> None:
    shifts = np.array([0.5, -0.5, 0.6, -0.6]) / KCAL  # sd 0.64 kcal/mol
    run = Run(root=tmp_path)
    store_switches(run, driver=driver, shifts=shifts, noise=np.zeros(4), width=0.3)
    binding = close(run, protocol(setting))
    sampling, committee = lines(binding)
    assert sampling < 0.05
    assert committee > 0.5
    np.testing.assert_allclose(binding.delta_g_members, shifts * KCAL, atol=0.1)
    assert abs(binding.delta_g_kcal_mol) < 0.05


@pytest.mark.parametrize(("setting", "driver"), [("mean", "mean"), ("member-per-repeat", "members")])
def test_sampling_noise_is_not_taken_for_a_committee_that_disagrees(tmp_path: Path, setting: str, driver: str) -> None:
    noise = np.array([0.5, -0.5, 0.6, -0.6]) / KCAL
    run = Run(root=tmp_path)
    store_switches(run, driver=driver, shifts=np.zeros(4), noise=noise, width=0.3)
    sampling, committee = lines(close(run, protocol(setting)))
    assert sampling > 0.3
    assert committee < 0.05


def test_repeats_of_all_members_are_not_one_sided_and_those_of_the_mean_are(tmp_path: Path) -> None:
    found = {}
    for driver, setting in (("mean", "mean"), ("members", "member-per-repeat")):
        run = Run(root=tmp_path / driver)
        store_switches(run, driver=driver, shifts=np.zeros(4), noise=np.zeros(4), width=0.3)
        route = close(run, protocol(setting)).committee
        assert route is not None
        found[driver] = (route.route, route.unidirectional)
    assert found == {"mean": ("exponential", True), "members": ("mbar", False)}


def test_alpha_widens_the_committee_line_alone(tmp_path: Path) -> None:
    run = Run(root=tmp_path)
    store_switches(run, driver="mean", shifts=np.array([1.0, -1.0, 0.5, -0.5]), noise=np.zeros(4), width=0.2)
    plain, wide = (lines(close(run, protocol("mean", alpha=alpha))) for alpha in (1.0, 2.0))
    assert wide[0] == pytest.approx(plain[0], abs=0.01)
    assert wide[1] / plain[1] == pytest.approx(2 * np.sqrt((1 + 1 / 16) / (1 + 1 / 4)), rel=0.05)


def test_members_too_far_apart_may_not_drive_repeats(tmp_path: Path) -> None:
    run = Run(root=tmp_path)
    store_switches(run, driver="members", shifts=np.zeros(4), noise=np.zeros(4), width=3.0)
    with pytest.raises(EstimateError, match=r"would count the committee twice: use committee.driver: mean"):
        stored_corrections(run, protocol("member-per-repeat"), "x")
