"""When a free energy along a biased variable may be reported as a value.

Block errors lie where the slow variable was not crossed: 7 crossings of CB7 by a strong guest gave a block error of
0.69 kcal/mol and a value that was wrong by 19.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bindfe.estimate.regions import combine_repeats
from bindfe.results import BindingEstimate, Floats, Gate, Judgement, NotConverged, SurfaceEstimate
from bindfe.units import kt_to_kcal


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What the gates ask for."""

    round_trips: int = 10
    """Journeys between bound and unbound and back in each repeat, all its walkers together."""
    agreement: float = 0.95
    """Chance that runs which agree pass the gate of agreement."""
    error_degrees: float = 4.0
    """Degrees of freedom that a block error is worth, as in the budget."""


def judge(
    estimates: Sequence[SurfaceEstimate],
    *,
    temperature: float,
    half_width_kcal_mol: float,
    limits: Limits | None = None,
) -> Judgement:
    """Put a calculation through three gates: round trips, agreement, drift.

    Args:
        estimates: Each repeat.
        temperature: Temperature [K].
        half_width_kcal_mol: Half-width of the 95 % interval that would be reported [kcal/mol].
        limits: What is asked for; None for the defaults.

    Returns:
        The gates, and an estimate of the time that all of them need.
    """
    asked = limits or Limits()
    gates = (
        _round_trips(estimates, asked),
        _agreement(estimates, asked),
        _drift(estimates, temperature=temperature, half_width=half_width_kcal_mol),
    )
    return Judgement(gates=gates, time_needed_ps=_time_needed(estimates, gates, asked))


def conclude(
    estimates: Sequence[SurfaceEstimate],
    judgement: Judgement,
    *,
    ligand: str,
    temperature: float,
    members: tuple[Floats, Floats] | None = None,
) -> BindingEstimate | NotConverged:
    """A binding free energy if every gate was passed, and otherwise what was seen without calling it a result.

    Args:
        estimates: Each repeat.
        judgement: What the gates say of them.
        ligand: Name of the ligand.
        temperature: Temperature [K].
        members: See :func:`bindfe.estimate.regions.combine_repeats`.
    """
    binding = combine_repeats(estimates, ligand=ligand, temperature=temperature, members=members)
    if judgement.converged:
        return binding
    return NotConverged(ligand=ligand, judgement=judgement, seen=binding)


def _round_trips(estimates: Sequence[SurfaceEstimate], limits: Limits) -> Gate:
    trips = [e.round_trips for e in estimates]
    return Gate(
        name="round trips",
        passed=min(trips) >= limits.round_trips,
        seen=f"{', '.join(map(str, trips))} between bound and unbound and back in each repeat",
        needed=f"at least {limits.round_trips} in each",
    )


def _agreement(estimates: Sequence[SurfaceEstimate], limits: Limits) -> Gate:
    """Every two independent runs (or the sides of a single one) differ by no more than their errors allow.

    A pair's difference over its error follows a t with the degrees that block errors are worth; the quantile
    is corrected for the number of pairs (Bonferroni).
    """
    values = [(e.delta_g_kcal_mol, e.bootstrap_error_kcal_mol) for e in estimates]
    what = f"{len(values)} repeats"
    if len(values) == 1:
        (only,) = estimates
        values = list(zip(only.sides_kcal_mol.tolist(), only.side_errors_kcal_mol.tolist(), strict=True))
        what = f"{len(values)} sides"
    if len(values) == 1:
        return Gate(
            name="agreement",
            passed=False,
            seen="one run with one unbound side: nothing to compare it with",
            needed="two repeats, or unbound regions on two sides",
        )
    pairs = [_pair(a, b) for a, b in itertools.combinations(values, 2)]
    factor = float(stats.t.ppf(1 - (1 - limits.agreement) / 2 / len(pairs), limits.error_degrees))
    apart, error = max(pairs, key=lambda pair: pair[0] / max(pair[1], 1e-12))
    return Gate(
        name="agreement",
        passed=bool(apart <= factor * error),
        seen=f"{what} differ by up to {apart:.2f} kcal/mol",
        needed=f"at most {factor * error:.2f} kcal/mol, which their errors allow",
    )


def _pair(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    """How far two values are apart, and the standard error of that; a side that was never visited is far."""
    if not np.isfinite([*a, *b]).all():
        return float("inf"), 1.0
    return abs(a[0] - b[0]), float(np.hypot(a[1], b[1]))


def _drift(estimates: Sequence[SurfaceEstimate], *, temperature: float, half_width: float) -> Gate:
    """The mean over repeats, as it grew over the last half of the time, stays inside the final interval."""
    forward = np.mean([e.convergence.forward for e in estimates], axis=0)
    late = forward[estimates[0].convergence.fraction >= 0.5 - 1e-9]
    moved = float(np.max(np.abs(late - late[-1]))) if np.isfinite(late).all() else float("inf")
    drift = kt_to_kcal(moved, temperature)
    return Gate(
        name="drift",
        passed=bool(drift <= half_width),
        seen=f"the value moved by {drift:.2f} kcal/mol over the last half",
        needed=f"at most {half_width:.2f} kcal/mol, the interval's half-width",
    )


def _time_needed(estimates: Sequence[SurfaceEstimate], gates: tuple[Gate, ...], limits: Limits) -> float:
    """Time of all repeats for enough round trips at the slowest rate, twice the present if another gate failed [ps]."""
    done = sum(e.simulated_ps for e in estimates)
    fewest = min(e.round_trips for e in estimates)
    if fewest == 0:
        return float("inf")
    by_trips = done * max(1.0, limits.round_trips / fewest)
    others_passed = all(gate.passed for gate in gates if gate.name != "round trips")
    return by_trips if others_passed else max(by_trips, 2 * done)
