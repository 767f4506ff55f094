"""Free energies between regions of collective variables, and from there to delta_g."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from bindfe.errors import EstimateError
from bindfe.estimate.convergence import statistical_inefficiency
from bindfe.estimate.correction import symmetry_correction
from bindfe.results import (
    BiasedSamples,
    BindingEstimate,
    BindingRegions,
    Convergence,
    Floats,
    Region,
    SurfaceEstimate,
    Term,
)
from bindfe.units import KJ_PER_KCAL, STANDARD_VOLUME_NM3, kt_to_kcal

_FRACTIONS = np.linspace(0.1, 1.0, 10)


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A free energy difference between two regions, and how well the samples know it."""

    delta_kt: float
    """-kT ln of the first region's weight over the second's [kT]."""
    standard_error_kt: float
    """Standard error from the correlation in time [kT]."""
    n_effective: float
    """Independent samples behind it."""


def region_difference(samples: BiasedSamples, first: Region, second: Region) -> Difference:
    """Free energy of the first region less that of the second, as the samples weigh them.

    ::

        delta = -ln(A/B),  A = sum_n w_n [n in first],  B = sum_n w_n [n in second]

    The error is that of the linearised ratio. Its influence series, w_n [first]/A - w_n [second]/B, jumps when
    the walker goes from one region to the other, so its correlation time is the time that this takes.

    Args:
        samples: With their weights.
        first: One region.
        second: The other.

    Returns:
        The difference; positive if the second region is the more stable.

    Raises:
        EstimateError: No sample lies in one of the regions.
    """
    log_a = np.where(first.contains(samples.cv), samples.bias, -np.inf)
    log_b = np.where(second.contains(samples.cv), samples.bias, -np.inf)
    for name, log_weight in ((first.name, log_a), (second.name, log_b)):
        if not np.isfinite(log_weight).any():
            raise EstimateError(
                f"no sample lies in region '{name}': the run never went there. Sample longer, or check the region's "
                f"limits against what was seen: {_ranges(samples)}"
            )
    return _ratio(samples, log_a, log_b)


def _ranges(samples: BiasedSamples) -> str:
    low, high = samples.cv.min(axis=0), samples.cv.max(axis=0)
    return ", ".join(f"{n} {a:.3g} to {b:.3g}" for n, a, b in zip(samples.names, low, high, strict=True))


def _ratio(samples: BiasedSamples, log_a: Floats, log_b: Floats) -> Difference:
    """-ln of the sum of one weight over that of the other, with its error; minus infinite logs weigh nothing."""
    total_a, total_b = float(logsumexp(log_a)), float(logsumexp(log_b))
    influence = np.exp(log_a - total_a) - np.exp(log_b - total_b)
    variance, effective = 0.0, 0.0
    for walker in np.unique(samples.walker):
        series = influence[samples.walker == walker]
        g, n = statistical_inefficiency(series), len(series)
        variance += g * float(np.sum(series**2)) * n / max(n - g, 0.5 * n)
        effective += n / g
    shared = np.logaddexp(log_a - total_a, log_b - total_b)
    kish = float(np.exp(2 * logsumexp(shared) - logsumexp(2 * shared))) / len(shared)
    return Difference(delta_kt=total_b - total_a, standard_error_kt=math.sqrt(variance), n_effective=effective * kish)


def after_equilibration(samples: BiasedSamples, *, discard: float) -> BiasedSamples:
    """Without the first part (0 to 1) of each walker's time, in which the bias was being built."""
    keep = np.zeros(len(samples.time), dtype=bool)
    for walker in np.unique(samples.walker):
        mine = samples.walker == walker
        start, end = samples.time[mine].min(), samples.time[mine].max()
        keep |= mine & (samples.time >= start + discard * (end - start))
    return subset(samples, keep)


def subset(samples: BiasedSamples, keep: NDArray[np.bool_]) -> BiasedSamples:
    """Some of the samples."""
    return BiasedSamples(
        names=samples.names,
        cv=samples.cv[keep],
        bias=samples.bias[keep],
        hold=samples.hold[keep],
        time=samples.time[keep],
        walker=samples.walker[keep],
        temperature=samples.temperature,
    )


def round_trips(samples: BiasedSamples, bound: Region, unbound: Sequence[Region]) -> int:
    """Journeys from bound to unbound and back (or the reverse), over all walkers.

    What lies between the regions belongs to the one that was visited last, so recrossing their edge does not count.
    """
    state = np.where(bound.contains(samples.cv), 1, 0)
    for region in unbound:
        state = np.where(region.contains(samples.cv), -1, state)
    trips = 0
    for walker in np.unique(samples.walker):
        visited = state[samples.walker == walker]
        visited = visited[visited != 0]
        trips += int(np.count_nonzero(np.diff(visited))) // 2
    return trips


def estimate_binding(
    samples: BiasedSamples, regions: BindingRegions, *, repeat: int, discard: float = 0.2
) -> SurfaceEstimate:
    """Standard binding free energy from one repeat of a run along a biased variable.

    ::

        delta_g = -kT ln [ n sum_n w_n e^(hold_n/kT) [bound] / sum_n w_n [unbound] * V_unbound / V0 ]

    The restraints (funnel, walls, aligned axes) are off in the site: where they acted there, e^(hold/kT) lets
    them go. They are on in bulk, where their effect is exact and in V_unbound.

    Args:
        samples: All walkers of the repeat, with their weights.
        regions: Bound, unbound, and the volume of unbound.
        repeat: Which repeat.
        discard: First part of the time (0 to 1) that is not used.

    Returns:
        The estimate.

    Raises:
        EstimateError: A region was never visited.
    """
    kept = after_equilibration(samples, discard=discard)
    bound, bulk = (kt_log for kt_log in _log_weights(kept, regions))
    whole = _ratio(kept, bound + kept.hold, bulk)
    held = float(logsumexp(bulk) - logsumexp(bound))
    unit = kt_to_kcal(1.0, samples.temperature)
    standard = -math.log(sum(regions.volumes_nm3) / STANDARD_VOLUME_NM3)
    symmetry = symmetry_correction(regions.n_equivalent, temperature=samples.temperature) / KJ_PER_KCAL / unit
    sides = _sides(kept, regions, bound + kept.hold)
    fixed = standard + symmetry
    return SurfaceEstimate(
        repeat=repeat,
        delta_g_kcal_mol=unit * (whole.delta_kt + fixed),
        bootstrap_error_kcal_mol=unit * whole.standard_error_kt,
        surface_kcal_mol=unit * held,
        release_kcal_mol=unit * (whole.delta_kt - held),
        standard_state_kcal_mol=unit * standard,
        symmetry_kcal_mol=unit * symmetry,
        sides_kcal_mol=unit * (sides[0] + symmetry),
        side_errors_kcal_mol=unit * sides[1],
        round_trips=round_trips(samples, regions.bound, regions.unbound),
        n_effective=whole.n_effective,
        simulated_ps=samples.simulated_ps,
        convergence=convergence_in_time(kept, regions, offset=fixed, error=whole.standard_error_kt),
        warnings=_warnings(kept, regions, repeat),
    )


def _log_weights(samples: BiasedSamples, regions: BindingRegions) -> tuple[Floats, Floats]:
    """Log weight of each sample where it is bound, and where it is in any unbound place."""
    free = np.any([region.contains(samples.cv) for region in regions.unbound], axis=0)
    names = " or ".join(region.name for region in regions.unbound)
    for name, inside in ((regions.bound.name, regions.bound.contains(samples.cv)), (names, free)):
        if not inside.any():
            raise EstimateError(
                f"no sample lies in region '{name}' after equilibration: the ligand never went there. Sample longer, "
                f"or check the region's limits against what was seen: {_ranges(samples)}"
            )
    bound = np.where(regions.bound.contains(samples.cv), samples.bias, -np.inf)
    return bound, np.where(free, samples.bias, -np.inf)


def _sides(samples: BiasedSamples, regions: BindingRegions, bound: Floats) -> tuple[Floats, Floats]:
    """delta_g from each unbound place, its own volume included, and its error [kT]; infinite if never visited."""
    value, error = np.full(len(regions.unbound), np.inf), np.full(len(regions.unbound), np.inf)
    for s, (region, volume) in enumerate(zip(regions.unbound, regions.volumes_nm3, strict=True)):
        inside = region.contains(samples.cv)
        if inside.any():
            one = _ratio(samples, bound, np.where(inside, samples.bias, -np.inf))
            value[s] = one.delta_kt - math.log(volume / STANDARD_VOLUME_NM3)
            error[s] = one.standard_error_kt
    return value, error


def convergence_in_time(samples: BiasedSamples, regions: BindingRegions, *, offset: float, error: float) -> Convergence:
    """delta_g from growing parts of each walker's time [kT]; not a number where a region was not yet visited.

    Args:
        samples: With their weights.
        regions: Bound and unbound.
        offset: What is added to the ratio: standard state and symmetry [kT].
        error: Standard error of the whole [kT], grown as one over the root of the part.
    """
    bound, bulk = _log_weights(samples, regions)
    bound = bound + samples.hold
    age = np.zeros(len(samples.time))
    for walker in np.unique(samples.walker):
        mine = samples.walker == walker
        start = samples.time[mine].min()
        age[mine] = (samples.time[mine] - start) / max(float(np.ptp(samples.time[mine])), 1e-12)
    parts = [age <= f for f in _FRACTIONS] + [age >= 1 - f for f in _FRACTIONS]
    value = np.array([_part(bound[part], bulk[part]) for part in parts]) + offset
    grown = error / np.sqrt(_FRACTIONS)
    return Convergence(
        fraction=_FRACTIONS, forward=value[:10], forward_error=grown, reverse=value[10:], reverse_error=grown
    )


def _part(bound: Floats, bulk: Floats) -> float:
    if not (np.isfinite(bound).any() and np.isfinite(bulk).any()):
        return float("nan")
    return float(logsumexp(bulk) - logsumexp(bound))


def _warnings(samples: BiasedSamples, regions: BindingRegions, repeat: int) -> tuple[str, ...]:
    inside = regions.bound.contains(samples.cv)
    held = float(np.quantile(samples.hold[inside], 0.95))
    if held > 1.0:
        return (
            f"repeat {repeat}: the restraints hold 5 % of the bound samples with more than {held:.1f} kT: the funnel "
            "cuts into the site; widen it",
        )
    return ()


def combine_repeats(
    estimates: Sequence[SurfaceEstimate],
    *,
    ligand: str,
    temperature: float,
    members: tuple[Floats, Floats] | None = None,
) -> BindingEstimate:
    """The repeats of a run along a biased variable as a closed cycle, in the same record as an alchemical one.

    Args:
        estimates: One for each repeat.
        ligand: Name of the ligand.
        temperature: Temperature [K].
        members: delta_g under each committee member and its error [kcal/mol], (M,) each; None without a committee.

    Returns:
        The estimate; its terms sum to ``delta_g_kcal_mol``.
    """
    values = np.array([e.delta_g_kcal_mol for e in estimates])
    errors = np.array([e.bootstrap_error_kcal_mol for e in estimates])
    terms = (
        Term(
            name="surface",
            delta_g_kcal_mol=float(np.mean([e.surface_kcal_mol for e in estimates])),
            standard_error_kcal_mol=float(np.sqrt(np.sum(errors**2)) / len(errors)),
            explanation="the ligand goes from bulk to the site along the biased variable, restraints on",
        ),
        Term(
            name="restraint release",
            delta_g_kcal_mol=float(np.mean([e.release_kcal_mol for e in estimates])),
            standard_error_kcal_mol=0.0,
            explanation="what the restraints did to the bound ligand is undone; its error is in the line above",
        ),
        Term(
            name="standard state",
            delta_g_kcal_mol=estimates[0].standard_state_kcal_mol,
            standard_error_kcal_mol=0.0,
            explanation="from 1 mol/L into the volume that the restraints leave in bulk",
        ),
        Term(
            name="symmetry",
            delta_g_kcal_mol=estimates[0].symmetry_kcal_mol,
            standard_error_kcal_mol=0.0,
            explanation="equivalent poses that the run could not reach",
        ),
    )
    return BindingEstimate(
        ligand=ligand,
        temperature=temperature,
        delta_g_kcal_mol=float(values.mean()),
        terms=terms,
        delta_g_repeats=values,
        bootstrap_errors=errors,
        delta_g_members=members[0] if members else np.zeros(0),
        member_errors=members[1] if members else np.zeros(0),
        round_trips=min(e.round_trips for e in estimates),
        warnings=tuple(dict.fromkeys(w for e in estimates for w in e.warnings)),
    )
