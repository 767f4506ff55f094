"""From a harmonic committee to delta_g: every route against closed forms, over 1,000 trials.

The members' free energies, and that of the mean of their energies, are known exactly; frames are drawn exactly.
Nothing is shared with the estimators.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import pytest
from gate_cases import Case, Ends, Kind, make_cases
from harmonic_committee import HarmonicCommittee, amount_of, draw_committee, fixed_committee

from bindfe.errors import EstimateError
from bindfe.estimate.members import (
    MemberFreeEnergies,
    cumulant_average,
    exponential_average,
    from_both_ends,
    from_one_end,
    from_several_drivers,
)
from bindfe.estimate.shifts import member_shifts
from bindfe.results import BindingEstimate, CommitteeEnergies
from bindfe.uncertainty.budget import budget, predict
from bindfe.units import kt_to_kcal

TRIALS = 1000
FRAMES = 600
MEMBERS = 4
KT = 0.593


def three_sigmas(level: float, trials: int) -> float:
    return 3 * float(np.sqrt(level * (1 - level) / trials))


@functools.cache
def environments(width: float) -> tuple[HarmonicCommittee, HarmonicCommittee]:
    """The same number of members in the site and in bulk, where they differ by four fifths as much."""
    return fixed_committee(members=MEMBERS, width=width, seed=3), fixed_committee(
        members=MEMBERS, width=0.8 * width, seed=4
    )


def exact(committees: tuple[HarmonicCommittee, ...]) -> np.ndarray:
    bound, free = ([*(c.free_energies() - c.mean.free_energies())] for c in committees)
    return np.array(bound) - np.array(free)


def differences(committee: HarmonicCommittee, frames: np.ndarray) -> np.ndarray:
    return committee.energies(frames) - committee.mean.energies(frames)


@dataclass(frozen=True)
class Errors:
    """Actual and reported errors of the members' delta_g [kT], (trials, M) each."""

    actual: np.ndarray
    reported: np.ndarray

    def held(self) -> np.ndarray:
        """Part of the 95 % intervals that hold the exact value, (M,)."""
        return np.asarray((np.abs(self.actual) < 1.96 * self.reported).mean(axis=0))

    def bias(self) -> np.ndarray:
        """Mean error over the reported standard error (its root mean square), (M,)."""
        return np.asarray(self.actual.mean(axis=0) / np.sqrt((self.reported**2).mean(axis=0)))

    def of(self, some: np.ndarray) -> Errors:
        return Errors(self.actual[some], self.reported[some])


def gather(trials: list[tuple[np.ndarray, np.ndarray]]) -> Errors:
    return Errors(*(np.array(side) for side in zip(*trials, strict=True)))


@dataclass(frozen=True)
class Trials:
    """What 1,000 runs of one committee gave."""

    passed: np.ndarray
    gated: Errors
    exponential: Errors
    cumulant: Errors


@functools.cache
def one_sided_trials(width: float) -> Trials:
    committees, rng = environments(width), np.random.default_rng(11)
    truth = exact(committees)
    passed = []
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"gated": [], "exponential": [], "cumulant": []}
    for _ in range(TRIALS):
        h = [differences(committee, committee.mean.sample(0, FRAMES, rng)) for committee in committees]
        ends = [from_one_end(part) for part in h]
        passed.append(all(end.trusted for end in ends))
        found["gated"].append(score(*((end.f_m, end.covariance) for end in ends), truth))
        found["exponential"].append(score(*(exponential_average(part) for part in h), truth))
        found["cumulant"].append(score(*(cumulant_average(part, order=2) for part in h), truth))
    return Trials(passed=np.array(passed), **{name: gather(values) for name, values in found.items()})


def score(
    bound: tuple[np.ndarray, np.ndarray], free: tuple[np.ndarray, np.ndarray], truth: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Actual and reported error of each member's delta_g [kT], (M,) each."""
    return bound[0] - free[0] - truth, np.sqrt(np.diag(bound[1]) + np.diag(free[1]))


@pytest.mark.parametrize("width", [0.5, 1.0])
def test_sampling_intervals_of_members_within_reach_hold_their_exact_values(width: float) -> None:
    """(i) Fixed members: the gates let through, and each member's 95 % interval holds its exact delta_g."""
    trials = one_sided_trials(width)
    assert trials.passed.mean() > 0.95
    errors = trials.gated.of(trials.passed)
    np.testing.assert_allclose(errors.held(), 0.95, atol=three_sigmas(0.95, len(errors.actual)))
    assert np.abs(errors.bias()).max() < 0.1


@pytest.mark.parametrize("width", [2.0, 3.0])
def test_gates_say_no_to_members_out_of_reach_whose_averages_are_biased(width: float) -> None:
    trials = one_sided_trials(width)
    assert trials.passed.mean() < 0.01
    for route in (trials.exponential, trials.cumulant):
        assert np.abs(route.bias()).max() > 0.1
        assert route.held().min() < 0.95 - three_sigmas(0.95, TRIALS)


@pytest.mark.parametrize("width", [0.5, 1.0, 2.0, 3.0])
def test_from_both_ends_the_interval_holds_at_any_width(width: float) -> None:
    committees, rng, found = environments(width), np.random.default_rng(12), []
    for _ in range(TRIALS):
        ends = []
        for committee in committees:
            own = [differences(committee, committee.sample(m, 200, rng))[m] for m in range(MEMBERS)]
            at_mean = differences(committee, committee.mean.sample(0, 200, rng))
            ends.append(from_both_ends(at_mean, own))
        found.append(score(*((end.f_m, end.covariance) for end in ends), exact(committees)))
    assert not ends[0].unidirectional
    errors = gather(found)
    np.testing.assert_allclose(errors.held(), 0.95, atol=three_sigmas(0.95, TRIALS))
    assert np.abs(errors.bias()).max() < 0.1


@pytest.mark.parametrize("width", [0.5, 1.0, 2.0])
def test_mbar_over_repeats_that_each_member_drove_holds_the_exact_values(width: float) -> None:
    committees, rng, found = environments(width), np.random.default_rng(13), []
    drivers = np.repeat(np.arange(MEMBERS), 200)
    for _ in range(TRIALS):
        ends = []
        for committee in committees:
            frames = np.concatenate([committee.sample(m, 200, rng) for m in range(MEMBERS)])
            ends.append(from_several_drivers(committee.energies(frames), drivers.tolist()))
        found.append(score(*((end.f_m, end.covariance) for end in ends), exact(committees)))
    assert not ends[0].unidirectional
    errors = gather(found)
    assert errors.held().min() > 0.95 - three_sigmas(0.95, TRIALS)
    assert errors.held().max() < 0.98  # a little wide: g of 200 frames without memory is found to be above 1
    assert np.abs(errors.bias()).max() < 0.1


def test_members_share_frames_so_their_differences_are_known_better_than_each_of_them() -> None:
    """The covariance that is reported is the one that 1,000 trials show."""
    committee, rng = environments(1.0)[0], np.random.default_rng(14)
    found, stated = [], []
    for _ in range(TRIALS):
        f_m, covariance = exponential_average(differences(committee, committee.mean.sample(0, FRAMES, rng)))
        found.append(f_m)
        stated.append(covariance)
    np.testing.assert_allclose(np.mean(stated, axis=0), np.cov(np.transpose(found)), atol=6e-4)


def test_constants_of_members_cancel_between_identical_legs() -> None:
    committee, rng = environments(0.5)[0], np.random.default_rng(15)
    h = [differences(committee, committee.mean.sample(0, 200, rng)) for _ in range(2)]
    constants = np.array([[0.0], [1e3], [-2e3], [50.0]])
    plain, moved = ([from_one_end(part + shift).f_m for part in h] for shift in (0.0, constants))
    np.testing.assert_allclose(moved[0] - moved[1], plain[0] - plain[1], atol=1e-9)


# Members and truth from one distribution: the whole chain from frames to the interval


@dataclass(frozen=True)
class Drawn:
    """One committee with its truth, which is the last of M + 1 draws."""

    everyone: HarmonicCommittee

    @property
    def members(self) -> HarmonicCommittee:
        e = self.everyone
        return HarmonicCommittee(springs=e.springs[:-1], centres=e.centres[:-1], constants=e.constants[:-1])

    @property
    def mean(self) -> float:
        return float(self.members.mean.free_energies()[0])

    @property
    def truth(self) -> float:
        return float(self.everyone.free_energies()[-1])


def energies_of(drawn: Drawn, environment: str, rng: np.random.Generator, frames: int) -> CommitteeEnergies:
    u_mn = drawn.members.energies(drawn.members.mean.sample(0, frames, rng))
    names = tuple(f"m{member}" for member in range(len(u_mn)))
    return CommitteeEnergies(u_mn=u_mn, u_mm=np.zeros(frames), members=names, environment=environment, driver="mean")


@functools.cache
def total_intervals(members: int, width: float) -> tuple[float, float, float, float]:
    """Part of the 1,000 trials that the gates let through, coverage at 95 and 68 %, and mean bias over the error."""
    rng, amounts = np.random.default_rng([21, members]), (amount_of(width), amount_of(0.7 * width))
    passed, inside, z = 0, [], []
    for _ in range(TRIALS):
        bound, free = (Drawn(draw_committee(rng, members=members + 1, amount=amount)) for amount in amounts)
        shifts = member_shifts(
            [energies_of(bound, "bound", rng, FRAMES)],
            [energies_of(free, "free", rng, FRAMES)],
            temperature=300.0,
        )
        if not shifts.route.trusted:
            continue
        passed += 1
        kcal, repeats = kt_to_kcal(1.0, 300.0), rng.normal(scale=0.05, size=3)
        values = (bound.mean - free.mean) * kcal + repeats + shifts.average_kcal_mol
        binding = BindingEstimate(
            ligand="x",
            temperature=300.0,
            delta_g_kcal_mol=float(values.mean()),
            terms=(),
            delta_g_repeats=values,
            bootstrap_errors=np.full(3, np.hypot(0.05, np.sqrt(3) * shifts.average_error_kcal_mol)),
            delta_g_members=values.mean() - shifts.average_kcal_mol + shifts.delta_g_kcal_mol,
            member_errors=shifts.standard_errors_kcal_mol,
            committee=shifts.route,
        )
        prediction = predict(binding, budget(binding))
        truth = (bound.truth - free.truth) * kcal
        inside.append([low <= truth <= high for low, high in map(prediction.interval, (0.95, 0.68))])
        z.append((prediction.location_kcal_mol - truth) / prediction.standard_error_kcal_mol)
    held = np.mean(inside, axis=0)
    return passed / TRIALS, float(held[0]), float(held[1]), float(np.mean(z))


@pytest.mark.parametrize("width", [0.5, 1.0])
@pytest.mark.parametrize("members", [4, 8])
def test_total_intervals_hold_the_truth_that_is_one_more_draw(members: int, width: float) -> None:
    """(ii) t with M - 1 degrees and the factor sqrt(1 + 1/M), whatever of the trials the gates let through."""
    passed, at_95, at_68, bias = total_intervals(members, width)
    trials = int(passed * TRIALS)
    assert passed > (0.9 if width < 1.0 else 0.2)
    assert abs(at_95 - 0.95) < three_sigmas(0.95, trials)
    assert abs(at_68 - 0.68) < three_sigmas(0.68, trials)
    assert abs(bias) < 0.1


def test_the_mean_potentials_own_free_energy_is_biased_where_members_differ_more_in_one_environment() -> None:
    """Why the value is the mean of the members' free energies: f of the mean potential lies above it."""
    rng, gap = np.random.default_rng(22), []
    for _ in range(300):
        bound, free = (Drawn(draw_committee(rng, members=5, amount=amount_of_width)) for amount_of_width in (0.6, 0.2))
        gap.append((bound.mean - free.mean) - (bound.members.free_energies() - free.members.free_energies()).mean())
    half_variance = 0.5 * 6 * (0.6**2 - 0.2**2) * (1 - 1 / 4)
    assert np.mean(gap) == pytest.approx(half_variance, rel=0.1)


# The gates, judged by cases that were written before them


def one_sided(ends: Ends) -> MemberFreeEnergies:
    return from_one_end(ends.at_mean)


def wrong_kcal(case: Case, bound: np.ndarray, free: np.ndarray) -> float:
    """Largest error of a member's delta_g [kcal/mol]."""
    return float(np.abs(bound - free - case.exact).max()) * KT


def naive_error(case: Case) -> float:
    """Error of the exponential average that nobody judged."""
    return wrong_kcal(case, *(exponential_average(ends.at_mean)[0] for ends in (case.bound, case.free)))


@functools.cache
def verdicts(kind: Kind) -> list[tuple[float, bool, float]]:
    """(error of the plain average, whether the gates refuse, error of the value that they let through)."""
    found = []
    for case in make_cases(kind):
        ends = [one_sided(side) for side in (case.bound, case.free)]
        refused = not all(end.trusted for end in ends)
        found.append((naive_error(case), refused, wrong_kcal(case, ends[0].f_m, ends[1].f_m)))
    return found


def test_gates_catch_the_bad_cases_and_let_the_good_ones_through() -> None:
    wrong = [(refused, error) for plain, refused, error in verdicts("bad") if plain > 0.3]
    caught = [refused or error < 0.3 for refused, error in wrong]
    assert len(wrong) >= 25
    assert np.mean(caught) >= 0.9
    alarms = [refused for plain, refused, _ in verdicts("good") if plain <= 0.3]
    assert len(alarms) >= 45
    assert np.mean(alarms) <= 0.1


def test_hidden_modes_pass_one_sided_gates_and_the_value_says_that_it_is_one_sided() -> None:
    passed = [error for _, refused, error in verdicts("hidden") if not refused]
    assert passed
    assert max(passed) > 0.3
    assert all(one_sided(side).unidirectional for case in make_cases("hidden") for side in (case.bound, case.free))


def from_ends(kind: Kind) -> list[tuple[bool, float]]:
    """(whether the route from both ends refuses or does not trust its value, error of its value)."""
    found = []
    for case in make_cases(kind):
        try:
            ends = [from_both_ends(side.at_mean, side.at_member) for side in (case.bound, case.free)]
        except EstimateError:
            found.append((True, np.inf))
            continue
        refused = not all(end.trusted for end in ends)
        found.append((refused, wrong_kcal(case, ends[0].f_m, ends[1].f_m)))
    return found


@pytest.mark.parametrize("kind", ["hidden", "bad"])
def test_both_ends_get_right_or_refuse_what_one_end_gets_wrong(kind: Kind) -> None:
    caught = [refused or error < 0.3 for refused, error in from_ends(kind)]
    assert np.mean(caught) >= 0.9


def test_both_ends_let_the_good_cases_through() -> None:
    verdict = from_ends("good")
    assert np.mean([refused for refused, _ in verdict]) <= 0.1
    assert max(error for refused, error in verdict if not refused) < 0.3
