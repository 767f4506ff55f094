"""Free energies of a committee's members relative to the potential that drove the frames.

To an estimator a member is one more thermodynamic state. Where it drove no frames (n_k = 0) MBAR is the
exponential average over the frames of the one that did::

    f_m - f_d = -ln < exp(-h_m) >_d,      h_m = u_m - u_d
              = < h_m > - Var(h_m)/2 + k3/6 - ...

Errors are linear in the frames' influence, with the autocorrelation of each influence, and keep the
covariance between members: they share frames, so what is common to them cancels from their differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit, logsumexp

from bindfe.errors import EstimateError
from bindfe.estimate.gates import (
    FEWEST_EFFECTIVE,
    LARGEST_ERROR_KT,
    Route,
    check_differences,
    inefficiencies,
    objection,
    weigh_evidence,
)
from bindfe.estimate.mbar import solve_mbar
from bindfe.estimate.work import bennett
from bindfe.results import Floats, ReducedPotentials

MemberRoute = Route | Literal["first cumulant", "mbar", "both ends"]
"""How a member's free energy was found."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberFreeEnergies:
    """f of each member less f of the reference potential in one environment, and how it was found."""

    f_m: Floats
    """Free energies [kT], (M,)."""
    covariance: Floats
    """Their covariance from sampling [kT^2], (M, M)."""
    route: MemberRoute
    """The estimator."""
    trusted: bool
    """False if a gate speaks against every route that the frames allow."""
    unidirectional: bool
    """True if a member drove no frames: then nothing guards against a mode that was not visited."""
    reason: str
    """Why this route, in plain words."""


def exponential_average(h: Floats) -> tuple[Floats, Floats]:
    """-ln <exp(-h)>, and its covariance.

    Args:
        h: Reduced energy of each potential less that of the driver [kT], (M, N), in time order.

    Returns:
        f (M,) [kT] and its covariance (M, M) [kT^2].
    """
    log_mean = logsumexp(-h, axis=1) - np.log(h.shape[1])
    return -log_mean, _covariance(1.0 - np.exp(-h - log_mean[:, None]))


def cumulant_average(h: Floats, *, order: Literal[1, 2]) -> tuple[Floats, Floats]:
    """<h> or <h> - Var(h)/2, and its covariance.

    The first is an upper bound (Gibbs and Bogoliubov); the second is exact if h is normal.

    Args:
        h: Reduced energy of each potential less that of the driver [kT], (M, N), in time order.
        order: Number of cumulants.

    Returns:
        f (M,) [kT] and its covariance (M, M) [kT^2].

    Source:
        Zwanzig, J. Chem. Phys. 22, 1420 (1954), doi:10.1063/1.1740409.
    """
    mean = h.mean(axis=1)
    d = h - mean[:, None]
    if order == 1:
        return mean, _covariance(d)
    variance = (d**2).sum(axis=1) / (h.shape[1] - 1)
    return mean - variance / 2, _covariance(d - (d**2 - (d**2).mean(axis=1, keepdims=True)) / 2)


def _covariance(influence: Floats) -> Floats:
    """Covariance of estimates from the influence of each frame on each of them, (M, M)."""
    n, root = influence.shape[1], np.sqrt(inefficiencies(influence))
    bessel = n / max(n - float(np.max(root**2)), 0.5 * n)
    return np.asarray(influence @ influence.T / n**2 * np.outer(root, root) * bessel)


def from_one_end(h: Floats, *, names: tuple[str, ...] = ()) -> MemberFreeEnergies:
    """Members' free energies from frames of one driver, by the best route that the gates let through.

    The exponential average (MBAR with n_k = 0) first, two cumulants second. If neither may be trusted the
    first cumulant is returned, which is the least noisy and an upper bound, with ``trusted`` False: then
    sample from the members' ends too.

    Args:
        h: Reduced energy of each member less that of the driver [kT], (M, N), in time order, repeats one
            after the other.
        names: Names of the members for the message, (M,).

    Raises:
        EstimateError: Fewer than 10 frames, or an energy that is not finite.
    """
    evidence = weigh_evidence(h)
    against = objection(evidence, "exponential", names=names)
    if not against:
        return _one_sided("exponential", *exponential_average(h), reason="spread and effective frames are in bounds")
    also = objection(evidence, "second cumulant", names=names)
    if not also:
        return _one_sided("second cumulant", *cumulant_average(h, order=2), reason=f"not exponential: {against}")
    reason = f"{against}; {also}: frames from the members' own ends are needed"
    return _one_sided("first cumulant", *cumulant_average(h, order=1), reason=reason, trusted=False)


def _one_sided(
    route: MemberRoute, f_m: Floats, covariance: Floats, *, reason: str, trusted: bool = True
) -> MemberFreeEnergies:
    return MemberFreeEnergies(
        f_m=f_m, covariance=covariance, route=route, trusted=trusted, unidirectional=True, reason=reason
    )


def from_both_ends(
    at_driver: Floats, at_member: Sequence[Floats], *, minimum_overlap: float = 0.03
) -> MemberFreeEnergies:
    """Members' free energies from frames of the driver and of each member, by Bennett's acceptance ratio.

    A hidden mode of the driver's ensemble is visited from the member's end.

    Args:
        at_driver: h of each member on the driver's frames [kT], (M, N), in time order.
        at_member: h_m on the frames that member m drove [kT], (M, N_m).
        minimum_overlap: Least part of their samples that both ends must share (0 to 0.5).

    Raises:
        EstimateError: Too few frames, energies that are not finite, or ends that do not overlap.
    """
    check_differences(at_driver)
    for h in at_member:
        check_differences(h[None])
    if len(at_member) != len(at_driver):
        raise EstimateError(f"{len(at_driver)} members at the driver's end, {len(at_member)} at their own")
    ends = [_Ends.meet(forward, -own) for forward, own in zip(at_driver, at_member, strict=True)]
    worst = min(ends, key=lambda end: end.overlap)
    if worst.overlap < minimum_overlap:
        raise EstimateError(
            f"the driver and member {ends.index(worst)} share {worst.overlap:.1%} of their samples "
            f"({minimum_overlap:.0%} needed): the member's free energy is not reported; switch slowly between them"
        )
    covariance = _covariance(np.array([end.forward for end in ends]))
    covariance[np.diag_indices(len(ends))] += [float(_covariance(end.reverse[None])[0, 0]) for end in ends]
    noise = _noise(covariance)
    return MemberFreeEnergies(
        f_m=np.array([end.delta_f for end in ends]),
        covariance=covariance,
        route="both ends",
        trusted=not noise,
        unidirectional=False,
        reason=noise or f"the ends share {worst.overlap:.0%} of their samples or more",
    )


def _noise(covariance: Floats) -> str:
    """Why the errors are too large to rely on; empty if they are not."""
    error = float(np.sqrt(np.max(np.diag(covariance))))
    return f"a member's error is {error:.2f} kT ({LARGEST_ERROR_KT} allowed)" if error > LARGEST_ERROR_KT else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ends:
    """Bennett's df of one member, and the influence of each end's frames on it, scaled so that they average."""

    delta_f: float
    forward: Floats
    reverse: Floats
    overlap: float

    @classmethod
    def meet(cls, forward: Floats, reverse: Floats) -> _Ends:
        """From h on the driver's frames and -h on the member's."""
        delta_f = float(bennett(forward[None], reverse[None])[0])
        offset = np.log(len(forward) / len(reverse))
        ahead, back = expit(delta_f - offset - forward), expit(offset - reverse - delta_f)
        curvature = float(np.sum(ahead * (1 - ahead)) + np.sum(back * (1 - back)))
        return cls(
            delta_f=delta_f,
            forward=-(ahead - ahead.mean()) * len(forward) / curvature,
            reverse=(back - back.mean()) * len(reverse) / curvature,
            overlap=curvature / max(len(forward), len(reverse)),
        )


def from_several_drivers(u_mn: Floats, driver_of_frame: Sequence[int], *, alpha: float = 1.0) -> MemberFreeEnergies:
    """Members' free energies relative to their mean's from frames that several of them drove, by MBAR.

    States are the M members, their mean (state M) and the members rescaled about it by alpha; those that drove
    frames have n_k > 0. The covariance is MBAR's asymptotic one times the statistical inefficiency, which is
    measured within the frames of each driver: between drivers h steps, and a step is no slow motion.

    Args:
        u_mn: Reduced energy of each member on every frame [kT], (M, N); frames of one repeat together.
        driver_of_frame: Member that drove each frame, M for the mean, (N,).
        alpha: Rescaling of the members about their mean.

    Raises:
        EstimateError: Drivers that do not overlap, or energies that are not finite.
    """
    check_differences(u_mn)
    members, state = len(u_mn), np.asarray(driver_of_frame, dtype=np.int64)
    h = u_mn - u_mn.mean(axis=0)
    solution = solve_mbar(
        ReducedPotentials(
            u_kn=np.vstack([h, np.zeros_like(h[:1]), alpha * h]),
            n_k=np.bincount(state, minlength=2 * members + 1),
            state_of_sample=state,
            replica_of_sample=state,
            cycle_of_sample=np.arange(len(state)),
            seed=0,
        ),
        "the committee",
    )
    g = sum(inefficiencies(h[:, state == driver]) * np.mean(state == driver) for driver in np.unique(state))
    silent = solution.n_k[:members] == 0
    effective = 1.0 / np.sum(solution.weights[:, members + 1 :] ** 2, axis=0) / g
    weakest = float(np.min(effective[silent])) if silent.any() else float("inf")
    contrast = np.hstack([np.zeros((members, members)), -np.ones((members, 1)), np.eye(members)])
    covariance = contrast @ solution.covariance() @ contrast.T * np.sqrt(np.outer(g, g))
    noise = _noise(covariance)
    return MemberFreeEnergies(
        f_m=solution.f_k[members + 1 :] - solution.f_k[members],
        covariance=covariance,
        route="mbar",
        trusted=weakest >= FEWEST_EFFECTIVE and not noise,
        unidirectional=bool(silent.any()),
        reason=(f"{noise}; " if noise else "")
        + f"{members - np.count_nonzero(silent)} of {members} members drove frames"
        + (f"; {weakest:.0f} independent frames carry the weakest of the others" if silent.any() else ""),
    )


def to_mean(u_mn: Floats, *, driver: int) -> tuple[float, float]:
    """Bring a repeat that one member drove to the committee's mean, from that repeat's frames alone.

    Such a repeat is the member's, and the variance between repeats would hold the committee's spread a second
    time. So each is brought to the mean before a variance is taken.

    Args:
        u_mn: Reduced energy of each member on the repeat's frames [kT], (M, N), in time order.
        driver: Number of the member that drove them.

    Returns:
        f of the mean less f of the member, and its standard error [kT].

    Raises:
        EstimateError: The frames do not overlap with the mean's: this driver may not be used.
    """
    step = from_one_end((u_mn.mean(axis=0) - u_mn[driver])[None], names=(f"from member {driver} to the mean",))
    if not step.trusted:
        raise EstimateError(
            f"a repeat that member {driver} drove cannot be brought to the committee's mean ({step.reason}). Its "
            "spread between repeats would count the committee twice: use committee.driver: mean, or sample longer"
        )
    return float(step.f_m[0]), float(np.sqrt(step.covariance[0, 0]))
