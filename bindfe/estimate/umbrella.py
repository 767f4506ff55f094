"""Umbrella sampling: where windows go, and the free energy that they give by MBAR."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bindfe.errors import EstimateError
from bindfe.estimate.correction import symmetry_correction
from bindfe.estimate.mbar import MbarSolution, estimate_leg, solve_mbar
from bindfe.results import (
    BiasedSamples,
    BindingRegions,
    Convergence,
    Floats,
    Gate,
    Judgement,
    LegEstimate,
    PullingTrace,
    ReducedPotentials,
    SurfaceEstimate,
    UmbrellaSamples,
    UmbrellaWindow,
)
from bindfe.states import LegKind
from bindfe.units import KJ_PER_KCAL, STANDARD_VOLUME_NM3, kt_to_kcal, thermal_energy

_OUTSIDE = 1e3
"""Reduced energy outside of a region [kT]; e^-1000 weighs nothing."""

_SPACING = 1.6
"""Distance of neighbours in widths of their distributions; two normal ones then share a fifth of their samples."""

_BINS = 24


def place_windows(
    traces: Sequence[PullingTrace], *, low: float, high: float, temperature: float, spring: float
) -> tuple[UmbrellaWindow, ...]:
    """Windows between two values of a variable, stiffer and denser where the pulling met a barrier's flank.

    The pulling spring's mean extension is the force, and the slope of the force the curvature of the free energy.
    Where that is negative a soft window would fall off the barrier to either side, so with k0 the given spring::

        k = k0 + 2 max(0, -F''),    spacing = 1.6 sqrt(kT/(k + F''))

    The curvature is that of 24 bins of the range, which is coarse: overlap is checked afterwards, and
    :func:`refine_windows` mends what it missed.

    Args:
        traces: Pulls through the whole range, in one or both directions.
        low: First value.
        high: Last value.
        temperature: Temperature [K].
        spring: Least spring of a window [kJ/mol/unit^2].

    Returns:
        The windows, in order; the first at ``low`` and the last at ``high``.

    Raises:
        EstimateError: A pull does not reach both ends.
    """
    kt = thermal_energy(temperature)
    middle, curvature = _curvature(traces, low, high)
    windows, at = [], low
    while True:
        bend = float(np.interp(at, middle, curvature))
        stiff = spring + 2 * max(0.0, -bend)
        windows.append(UmbrellaWindow(centre=at, spring=stiff))
        if at >= high:
            return tuple(windows)
        step = _SPACING * math.sqrt(kt / (stiff + max(bend, -0.5 * stiff)))
        at = high if at + 1.4 * step >= high else at + step


def _curvature(traces: Sequence[PullingTrace], low: float, high: float) -> tuple[Floats, Floats]:
    """Middles of the bins and the second derivative of the free energy there."""
    edges = np.linspace(low, high, _BINS + 1)
    forces = []
    for trace in traces:
        bin_of = np.digitize(trace.value, edges[1:-1])
        pull = trace.spring * (trace.centre - trace.value)
        if len(np.unique(bin_of)) < _BINS // 2:
            raise EstimateError(
                f"a pull from {trace.centre[0]:.3g} to {trace.centre[-1]:.3g} saw values from "
                f"{trace.value.min():.3g} to {trace.value.max():.3g} only: use a stiffer spring, or pull more slowly"
            )
        count = np.bincount(bin_of, minlength=_BINS)
        mean = np.bincount(bin_of, weights=pull, minlength=_BINS) / np.maximum(count, 1)
        seen = np.flatnonzero(count)
        forces.append(np.interp(np.arange(_BINS), seen, mean[seen]))
    force = np.mean(forces, axis=0)
    smooth = np.convolve(np.pad(force, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    return 0.5 * (edges[1:] + edges[:-1]), np.gradient(smooth, edges[1] - edges[0])


def hysteresis(outward: PullingTrace, inward: PullingTrace) -> float:
    """Work of pulling out less what pulling back gave, the heat of both [kJ/mol]; small where the pull was slow."""
    return _work(outward) + _work(inward)


def _work(trace: PullingTrace) -> float:
    force = trace.spring * (trace.centre - trace.value)
    return float(np.trapezoid(force, trace.centre))


def refine_windows(
    windows: Sequence[UmbrellaWindow], samples: UmbrellaSamples, *, minimum_overlap: float
) -> tuple[UmbrellaWindow, ...]:
    """The same windows with another one, as stiff as the stiffer neighbour, in each gap of too little overlap.

    The overlap of two neighbours is that of their samples' histograms, so samples that stayed on one side of a barrier
    show a gap whatever the springs say.

    Args:
        windows: In order.
        samples: A short run of them.
        minimum_overlap: Part of their samples that neighbours must share (0 to 1).
    """
    made = [windows[0]]
    for k in range(len(windows) - 1):
        a, b = windows[k], windows[k + 1]
        if histogram_overlap(samples.value[k], samples.value[k + 1]) < minimum_overlap:
            made.append(UmbrellaWindow(centre=0.5 * (a.centre + b.centre), spring=max(a.spring, b.spring)))
        made.append(b)
    return tuple(made)


def histogram_overlap(a: Floats, b: Floats) -> float:
    """Common area of two distributions, by histograms of twenty bins over both."""
    edges = np.linspace(min(a.min(), b.min()), max(a.max(), b.max()), 21)
    shares = [np.histogram(x, edges)[0] / len(x) for x in (a, b)]
    return float(np.minimum(*shares).sum())


def umbrella_potentials(samples: UmbrellaSamples, regions: BindingRegions | None = None) -> ReducedPotentials:
    """Energies of all samples in all windows, between two states that nothing sampled: bound and unbound.

    The bound state lets the restraints go; outside of a region the energy is 1,000 kT.

    Args:
        samples: All windows.
        regions: Bound and unbound; None for the windows alone.

    Returns:
        u_kn with a row for each window, or the bound state, the windows, and the unbound state.
    """
    kt = thermal_energy(samples.temperature)
    value, hold = samples.value.T.ravel(), samples.hold.T.ravel()  # cycle by cycle
    apart = value - samples.centre[:, None]
    if samples.period is not None:
        apart = apart - samples.period * np.round(apart / samples.period)
    u_kn = 0.5 * samples.spring[:, None] * apart**2 / kt
    windows, cycles = samples.value.shape
    n_k, first = np.full(windows, cycles), 0
    if regions is not None:
        bound = np.where(regions.bound.contains(value[:, None]), -hold, _OUTSIDE)
        bulk = np.any([region.contains(value[:, None]) for region in regions.unbound], axis=0)
        u_kn = np.vstack([bound, u_kn, np.where(bulk, 0.0, _OUTSIDE)])
        n_k, first = np.r_[0, n_k, 0], 1
    return ReducedPotentials(
        u_kn=u_kn,
        n_k=n_k,
        state_of_sample=np.tile(np.arange(windows) + first, cycles),
        replica_of_sample=samples.replica.T.ravel(),
        cycle_of_sample=np.repeat(np.arange(cycles), windows),
        seed=samples.seed,
    )


def estimate_umbrella(
    samples: UmbrellaSamples,
    regions: BindingRegions,
    *,
    repeat: int,
    seed: int,
    n_bootstrap: int = 200,
    minimum_overlap: float = 0.03,
    discard: float = 0.2,
) -> tuple[SurfaceEstimate, LegEstimate]:
    """Standard binding free energy from one repeat of umbrella sampling.

    Bound and unbound are two more states of MBAR that drove nothing, so the error (a bootstrap over blocks of cycles),
    the check of overlap and the convergence are those of an alchemical leg.

    Args:
        samples: All windows of the repeat.
        regions: Bound and unbound along the variable, and the volume of unbound.
        repeat: Which repeat.
        seed: Seed of the bootstrap.
        n_bootstrap: Resamples.
        minimum_overlap: Least overlap of the states (0 to 1).
        discard: First part of the cycles (0 to 1) that is not used.

    Returns:
        The estimate, and the leg behind it with its overlap matrix.

    Raises:
        EstimateError: Windows do not overlap, or none reaches a region.
    """
    cycles = samples.value.shape[1]
    leg = estimate_leg(
        umbrella_potentials(_reaching(samples, regions), regions),
        kind=LegKind.PATH,
        repeat=repeat,
        n_bootstrap=n_bootstrap,
        seed=seed,
        minimum_overlap=minimum_overlap,
        equilibrated_after=int(discard * cycles),
    )
    unit = kt_to_kcal(1.0, samples.temperature)
    standard = -math.log(sum(regions.volumes_nm3) / STANDARD_VOLUME_NM3)
    symmetry = symmetry_correction(regions.n_equivalent, temperature=samples.temperature) / KJ_PER_KCAL / unit
    release = _release(weigh_umbrella(samples, discard=discard), regions)
    value = -leg.delta_f + standard + symmetry
    return SurfaceEstimate(
        repeat=repeat,
        delta_g_kcal_mol=unit * value,
        bootstrap_error_kcal_mol=unit * leg.bootstrap_error,
        surface_kcal_mol=unit * (-leg.delta_f - release),
        release_kcal_mol=unit * release,
        standard_state_kcal_mol=unit * standard,
        symmetry_kcal_mol=unit * symmetry,
        sides_kcal_mol=np.array([unit * value]),
        side_errors_kcal_mol=np.array([unit * leg.bootstrap_error]),
        round_trips=leg.mixing.round_trips,
        n_effective=float(leg.n_effective.sum()),
        simulated_ps=samples.cycle_ps * samples.value.size,
        convergence=_mirrored(leg.convergence, standard + symmetry),
        warnings=leg.warnings,
    ), leg


def _reaching(samples: UmbrellaSamples, regions: BindingRegions) -> UmbrellaSamples:
    value = samples.value.ravel()[:, None]
    for region in (regions.bound, *regions.unbound):
        if not region.contains(value).any():
            raise EstimateError(
                f"no window reaches region '{region.name}': values go from {value.min():.3g} to {value.max():.3g}. "
                "Pull further, or check the region's limits"
            )
    return samples


def _mirrored(leg: Convergence, offset: float) -> Convergence:
    return replace(leg, forward=offset - leg.forward, reverse=offset - leg.reverse)


def _release(samples: BiasedSamples, regions: BindingRegions) -> float:
    """-ln <e^(hold)> over the bound samples [kT]."""
    inside = regions.bound.contains(samples.cv)
    top = samples.bias[inside].max()
    w = np.exp(samples.bias[inside] - top)
    return -math.log(float(np.sum(w * np.exp(samples.hold[inside])) / w.sum()))


def weigh_umbrella(samples: UmbrellaSamples, *, discard: float = 0.2) -> BiasedSamples:
    """All windows' samples with the weights of the state without windows, for surfaces.

    Args:
        samples: All windows.
        discard: First part of the cycles (0 to 1) that is not used.
    """
    first = int(discard * samples.value.shape[1])
    kept = replace(
        samples, value=samples.value[:, first:], hold=samples.hold[:, first:], replica=samples.replica[:, first:]
    )
    potentials = umbrella_potentials(kept)
    solution: MbarSolution = solve_mbar(potentials, "the windows")
    log_weight = -np.log(np.exp(solution.f_k[:, None] - potentials.u_kn).sum(axis=0))
    return BiasedSamples(
        names=(samples.name,),
        cv=kept.value.T.ravel()[:, None],
        bias=log_weight,
        hold=kept.hold.T.ravel(),
        time=np.asarray(potentials.cycle_of_sample * samples.cycle_ps, dtype=float),
        walker=potentials.state_of_sample,
        temperature=samples.temperature,
    )


def judge_umbrella(
    estimates: Sequence[SurfaceEstimate],
    legs: Sequence[LegEstimate],
    judged: Judgement,
    *,
    minimum_overlap: float = 0.03,
) -> Judgement:
    """The gates of umbrella sampling: overlap in place of round trips, which windows do not need.

    Args:
        estimates: Each repeat; repeats that began from pulls in both directions show what pulling left behind.
        legs: The leg behind each.
        judged: What :func:`bindfe.estimate.judge.judge` says of agreement and drift.
        minimum_overlap: Least overlap of neighbouring windows (0 to 1).
    """
    least = min(_neighbours(leg) for leg in legs)
    gate = Gate(
        name="overlap",
        passed=least >= minimum_overlap,
        seen=f"neighbouring windows share at least {least:.1%} of their samples",
        needed=f"at least {minimum_overlap:.0%}",
    )
    gates = (gate, *(each for each in judged.gates if each.name != "round trips"))
    done = sum(e.simulated_ps for e in estimates)
    needed = done if all(each.passed for each in gates) else 2 * done
    return Judgement(gates=gates, time_needed_ps=needed)


def _neighbours(leg: LegEstimate) -> float:
    inner = leg.overlap[1:-1, 1:-1]
    return float(np.minimum(np.diagonal(inner, 1), np.diagonal(inner, -1)).min())
