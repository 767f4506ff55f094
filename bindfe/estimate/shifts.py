"""How far each member's delta_g lies from that of the committee's mean, and on what that rests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bindfe.errors import EstimateError
from bindfe.estimate.gates import objection, weigh_evidence
from bindfe.estimate.members import (
    MemberFreeEnergies,
    cumulant_average,
    from_one_end,
    from_several_drivers,
)
from bindfe.results import CommitteeEnergies, CommitteeRoute, Floats
from bindfe.units import kt_to_kcal


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberShifts:
    """How far each member's delta_g lies from that of the committee's mean."""

    members: tuple[str, ...]
    """Names of the members, (M,)."""
    delta_g_kcal_mol: Floats
    """delta_g of the member less delta_g of the mean potential [kcal/mol], (M,)."""
    covariance: Floats
    """Their covariance from sampling [kcal^2/mol^2], (M, M)."""
    route: CommitteeRoute
    """How they were found."""
    warnings: tuple[str, ...]
    """What a user should know, in plain words."""

    @property
    def average_kcal_mol(self) -> float:
        """Mean over members: delta_g averaged over the committee less delta_g of its mean potential."""
        return float(self.delta_g_kcal_mol.mean())

    @property
    def average_error_kcal_mol(self) -> float:
        """Standard error of the average [kcal/mol]."""
        return float(np.sqrt(np.maximum(self.covariance.mean(), 0.0)))

    @property
    def standard_errors_kcal_mol(self) -> Floats:
        """Standard error of each member's difference from the average [kcal/mol], (M,)."""
        n = len(self.members)
        centre = np.eye(n) - 1.0 / n
        return np.sqrt(np.maximum(np.diag(centre @ self.covariance @ centre), 0.0))


def member_shifts(
    bound: Sequence[CommitteeEnergies],
    free: Sequence[CommitteeEnergies],
    *,
    temperature: float,
    alpha: float = 1.0,
) -> MemberShifts:
    """Free energy of each member relative to the mean, from frames of the potential's end.

    ::

        V'_m           = Vm + alpha (V_m - Vm)
        delta_g_m - .. = kT [ (f_m - f_mean)(bound) - (f_m - f_mean)(free) ]

    Members' offsets cancel between the two environments, which are treated by one route. Where the mean drove
    all frames, the route is the first that the gates let through (``from_one_end``); where members drove
    repeats, it is MBAR over all of them.

    Args:
        bound: Energies on frames of the potential's end in the site, one record for each repeat.
        free: The same in bulk.
        temperature: Temperature [K].
        alpha: Rescaling of the members about their mean, from a hold-out; applied before anything else.

    Returns:
        Shifts with their covariance; a warning where they may not be trusted.

    Raises:
        EstimateError: Too few frames, other members, or frames that the force field drove.
    """
    _check(bound, free)
    names = bound[0].members
    if all(record.driver == "mean" for record in (*bound, *free)):
        ends = _one_driver(alpha * _differences(bound), alpha * _differences(free), names)
    else:
        first, second = (_several_drivers(records, alpha=alpha) for records in (bound, free))
        ends = first, second
    kcal = kt_to_kcal(1.0, temperature)
    route = _route(ends, alpha, tuple(records[0].environment for records in (bound, free)))
    return MemberShifts(
        members=names,
        delta_g_kcal_mol=(ends[0].f_m - ends[1].f_m) * kcal,
        covariance=(ends[0].covariance + ends[1].covariance) * kcal**2,
        route=route,
        warnings=() if route.trusted else (f"the members' delta_g may be wrong ({route.route}): {route.reason}",),
    )


def _check(bound: Sequence[CommitteeEnergies], free: Sequence[CommitteeEnergies]) -> None:
    records = [*bound, *free]
    if len({record.environment for record in records}) != 2 or any(not len(record.u_mm) for record in records):
        raise EstimateError("members' free energies need frames of the potential's end in both environments")
    if len({record.members for record in records}) != 1:
        raise EstimateError("the two environments were evaluated with different committees")
    strange = [record.driver for record in records if record.driver not in ("mean", *record.members)]
    if strange:
        raise EstimateError(f"members' free energies need frames that the mean or a member drove, found '{strange[0]}'")


def _differences(records: Sequence[CommitteeEnergies]) -> Floats:
    """Members less their mean on all repeats' frames [kT], (M, N)."""
    return np.concatenate([record.u_mn - record.u_mn.mean(axis=0) for record in records], axis=1)


def _one_driver(bound: Floats, free: Floats, names: tuple[str, ...]) -> tuple[MemberFreeEnergies, MemberFreeEnergies]:
    """Both environments by one route where one serves both: what it leaves out is alike and cancels."""
    ends = from_one_end(bound, names=names), from_one_end(free, names=names)
    if ends[0].route == ends[1].route:
        return ends
    if not (ends[0].trusted and ends[1].trusted):
        return _first_cumulants(bound, ends[0]), _first_cumulants(free, ends[1])
    if any(objection(weigh_evidence(h), "second cumulant") for h in (bound, free)):
        return ends
    return _second_cumulants(bound, ends[0]), _second_cumulants(free, ends[1])


def _first_cumulants(h: Floats, end: MemberFreeEnergies) -> MemberFreeEnergies:
    f_m, covariance = cumulant_average(h, order=1)
    reason = "" if end.trusted else end.reason
    return replace(end, f_m=f_m, covariance=covariance, route="first cumulant", trusted=False, reason=reason)


def _second_cumulants(h: Floats, end: MemberFreeEnergies) -> MemberFreeEnergies:
    f_m, covariance = cumulant_average(h, order=2)
    reason = end.reason if end.route == "second cumulant" else ""
    return replace(end, f_m=f_m, covariance=covariance, route="second cumulant", reason=reason)


def _several_drivers(records: Sequence[CommitteeEnergies], *, alpha: float) -> MemberFreeEnergies:
    names = (*records[0].members, "mean")
    drivers = [names.index(record.driver) for record in records for _ in record.u_mm]
    u_mn = np.concatenate([record.u_mn for record in records], axis=1)
    return from_several_drivers(u_mn, drivers, alpha=alpha)


def _route(
    ends: tuple[MemberFreeEnergies, MemberFreeEnergies], alpha: float, environments: tuple[str, ...]
) -> CommitteeRoute:
    routes = dict.fromkeys(end.route for end in ends)
    reasons = dict.fromkeys(
        f"{where}: {end.reason}" for where, end in zip(environments, ends, strict=True) if end.reason
    )
    return CommitteeRoute(
        route=" and ".join(routes),
        trusted=all(end.trusted for end in ends),
        unidirectional=any(end.unidirectional for end in ends),
        alpha=alpha,
        reason="; ".join(reasons),
    )
