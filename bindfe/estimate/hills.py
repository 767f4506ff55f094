"""Metadynamics' bias from its hills: its value anywhere, its offset in time, and what samples weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from bindfe.errors import EstimateError
from bindfe.results import BiasedSamples, Floats, Hills, Surface
from bindfe.units import KJ_PER_KCAL, thermal_energy

_CUT = 6.25
"""(s - s0)^2 / 2 sigma^2 beyond which PLUMED's kernels are zero."""

_AT_ONCE = 2_000_000
"""Products of points and hills in memory at once (16 MB each)."""

Weighting = Literal["tiwary-parrinello", "final"]


def bias_at(hills: Hills, points: Floats) -> Floats:
    """The bias after all hills, V(s) = sum_i h_i exp(-sum_d (s_d - s_id)^2 / 2 sigma_id^2).

    Args:
        hills: The Gaussians.
        points: Where, (N, D).

    Returns:
        V [kJ/mol], (N,).
    """
    total = np.zeros(len(points))
    step = max(1, _AT_ONCE // max(1, len(points)))
    for first in range(0, len(hills.time), step):
        total += _kernels(hills, points, slice(first, first + step)) @ hills.height[first : first + step]
    return total


def bias_along(hills: Hills, points: Floats, time: Floats) -> Floats:
    """The bias that acted at ``time``: only hills that had been added before it.

    Args:
        hills: The Gaussians.
        points: Where, (N, D).
        time: When [ps], (N,).

    Returns:
        V [kJ/mol], (N,).
    """
    total = np.zeros(len(points))
    step = max(1, _AT_ONCE // max(1, len(points)))
    for first in range(0, len(hills.time), step):
        some = slice(first, first + step)
        there = hills.time[some] < time[:, None]
        total += np.where(there, _kernels(hills, points, some), 0.0) @ hills.height[some]
    return total


def _kernels(hills: Hills, points: Floats, some: slice) -> Floats:
    """Each hill's shape at each point, (N, H)."""
    half = np.zeros((len(points), len(hills.time[some])))
    for d, period in enumerate(hills.periods):
        apart = points[:, d, None] - hills.centre[some, d]
        if period is not None:
            apart -= period * np.round(apart / period)
        half += 0.5 * (apart / hills.width[some, d]) ** 2
    shape = np.exp(-half)
    if not hills.stretched:
        return shape
    edge = np.exp(-_CUT)
    return np.where(half < _CUT, (shape - edge) / (1 - edge), 0.0)


def time_offset(hills: Hills, axes: Sequence[Floats], *, temperature: float) -> Floats:
    """The offset c(t) of the bias, by which samples of different times are compared.

    ::

        c(t) = kT ln [ int e^(g/(g-1) V(s,t)/kT) ds / int e^(V(s,t)/(g-1)kT) ds ]

    on a grid, with g the bias factor; for hills of constant height g is infinite and the second integral is
    that of 1.

    Args:
        hills: The Gaussians.
        axes: Grid of each variable, evenly spaced, and wide enough to hold all that was visited.
        temperature: Temperature [K].

    Returns:
        c after 0, 1, ..., H hills [kJ/mol], (H + 1,).

    Source:
        Tiwary and Parrinello, J. Phys. Chem. B 119, 736 (2015), doi:10.1021/jp504920s, eq. 12.
    """
    kt, gamma = thermal_energy(temperature), hills.bias_factor
    above, below = (1.0, 0.0) if np.isinf(gamma) else (gamma / (gamma - 1), 1 / (gamma - 1))
    points = grid_points(axes)
    v, offset = np.zeros(len(points)), np.zeros(len(hills.time) + 1)
    step = max(1, _AT_ONCE // len(points))
    for first in range(0, len(hills.time), step):
        kernels = _kernels(hills, points, slice(first, first + step))
        for i in range(kernels.shape[1]):
            v += hills.height[first + i] * kernels[:, i]
            offset[first + i + 1] = kt * (logsumexp(above * v / kt) - logsumexp(below * v / kt))
    return offset


def grid_points(axes: Sequence[Floats]) -> Floats:
    """All points of a grid, the last axis fastest, (G1 G2, D)."""
    return np.stack([each.ravel() for each in np.meshgrid(*axes, indexing="ij")], axis=1)


def weigh(
    samples: BiasedSamples, hills: Hills, axes: Sequence[Floats], *, method: Weighting = "tiwary-parrinello"
) -> BiasedSamples:
    """Give samples of a metadynamics run the weights that undo its bias.

    ``tiwary-parrinello``: e^((V(s, t) - c(t))/kT), the bias that acted when the sample was taken. ``final``:
    e^(V(s, end)/kT), as if the last bias had acted all along: smoother, and right where the bias had stopped
    growing.

    Args:
        samples: Variables and times of all walkers; their ``bias`` is not read.
        hills: Gaussians of all walkers.
        axes: Grid for c(t), see :func:`time_offset`.
        method: Which weights.

    Returns:
        The samples with ``bias`` replaced [kT].

    Raises:
        EstimateError: The hills are on other variables, or end before the samples begin: another run's.

    Source:
        Tiwary and Parrinello (2015) for the first; Branduardi, Bussi and Parrinello, J. Chem. Theory Comput. 8, 2247
        (2012), doi:10.1021/ct3002464 for the second.
    """
    check_same_run(samples, hills)
    kt = thermal_energy(samples.temperature)
    if method == "final":
        return replace(samples, bias=bias_at(hills, samples.cv) / kt)
    offset = time_offset(hills, axes, temperature=samples.temperature)
    added = np.searchsorted(hills.time, samples.time, side="left")
    return replace(samples, bias=(bias_along(hills, samples.cv, samples.time) - offset[added]) / kt)


def check_same_run(samples: BiasedSamples, hills: Hills) -> None:
    """Refuse hills of another run: other variables, other times, or where the samples never were.

    Every hill stands where a walker was, so the range of hills cannot leave that of the samples by more than a
    walker travels between two of its samples; half of the samples' own range is allowed.

    Raises:
        EstimateError: With what differs.
    """
    mine, theirs = [name.split(" [")[0] for name in samples.names], [name.split(" [")[0] for name in hills.names]
    if mine != theirs:
        raise EstimateError(f"the hills are on {', '.join(theirs)} and the samples on {', '.join(mine)}: another run's")
    if not len(hills.time) or not len(samples.time):
        raise EstimateError(f"{len(hills.time)} hills and {len(samples.time)} samples: nothing to weigh; run longer")
    if hills.time[0] > samples.time.max() or hills.time[-1] < samples.time.min():
        raise EstimateError(
            f"the hills are from {hills.time[0]:g} to {hills.time[-1]:g} ps and the samples from "
            f"{samples.time.min():g} to {samples.time.max():g} ps: another run's; delete the directory and run again"
        )
    low, high = samples.cv.min(axis=0), samples.cv.max(axis=0)
    room = 0.5 * (high - low) + 3 * hills.width.max(axis=0)
    for d, name in enumerate(samples.names):
        outside = np.mean((hills.centre[:, d] < low[d] - room[d]) | (hills.centre[:, d] > high[d] + room[d]))
        if hills.periods[d] is None and outside > 0.05:
            raise EstimateError(
                f"{outside:.0%} of the hills stand where {name} never was ({low[d]:.3g} to {high[d]:.3g} in the "
                "samples): they are another run's"
            )


def surface_from_hills(hills: Hills, axes: Sequence[Floats], *, temperature: float) -> Surface:
    """The free energy that a metadynamics bias has converged to, F = -g/(g-1) V.

    Args:
        hills: The Gaussians.
        axes: Grid of each variable.
        temperature: Temperature [K].

    Returns:
        The surface; its errors are not known from one set of hills.
    """
    gamma = hills.bias_factor
    scale = 1.0 if np.isinf(gamma) else gamma / (gamma - 1)
    free = -scale * bias_at(hills, grid_points(axes)).reshape([len(axis) for axis in axes]) / KJ_PER_KCAL
    unknown: NDArray[np.float64] = np.full(free.shape, np.nan)
    return Surface(
        names=hills.names,
        axes=tuple(axes),
        periods=hills.periods,
        free_energy_kcal_mol=free - free.min(),
        standard_error_kcal_mol=unknown,
        temperature=temperature,
    )
