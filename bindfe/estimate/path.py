"""The way between two basins along the valleys of a surface, and what its barrier suggests about rates."""

from __future__ import annotations

import heapq
import math

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline

from bindfe.errors import EstimateError
from bindfe.results import BarrierRates, Floats, Region, Surface, SurfacePath
from bindfe.units import BOLTZMANN_KJ_MOL_K, kt_to_kcal

_PLANCK_KJ_MOL_S = 3.990312712893431e-13
"""Molar Planck constant [kJ s/mol]; h N_A, exact in the SI of 2019."""

_BEADS = 60
_ITERATIONS = 400


def minimum_path(surface: Surface, start: Region, end: Region) -> SurfacePath:
    """The minimum free-energy path between the lowest points of two regions of a two-dimensional surface.

    The route over the lowest saddle is found on the grid (the least highest point, then the shortest), and then
    relaxed on a spline of the surface by the string method: each point goes down the gradient, and points are
    spread evenly again, which removes what moved along the path.

    Args:
        surface: Two variables; cells that nothing visited are impassable.
        start: Region that holds the first basin.
        end: Region that holds the last basin.

    Returns:
        60 points; a path across a periodic border is unwrapped, so its values may leave the grid.

    Raises:
        EstimateError: The surface has another dimension, a region is empty, or nothing connects the two.

    Source:
        E, Ren and Vanden-Eijnden, J. Chem. Phys. 126, 164103 (2007), doi:10.1063/1.2720838 (simplified string).
    """
    if len(surface.axes) != 2:
        raise EstimateError(f"a path needs a surface of two variables, this one has {len(surface.axes)}")
    free = surface.free_energy_kcal_mol
    ends = [_lowest(surface, region) for region in (start, end)]
    cells = _lowest_saddle(free, ends[0], ends[1], periodic=tuple(p is not None for p in surface.periods))
    steps = [axis[1] - axis[0] for axis in surface.axes]
    route = np.array([[surface.axes[d][0] + cell[d] * steps[d] for d in range(2)] for cell in cells])
    points, along = _relax(surface, route, np.array(steps))
    return SurfacePath(points=points, free_energy_kcal_mol=along, saddle=int(np.argmax(along)))


def _lowest(surface: Surface, region: Region) -> tuple[int, int]:
    mesh = np.stack([m.ravel() for m in np.meshgrid(*surface.axes, indexing="ij")], axis=1)
    inside = region.contains(mesh) & np.isfinite(surface.free_energy_kcal_mol.ravel())
    if not inside.any():
        raise EstimateError(f"region '{region.name}' holds no visited cell of the surface: check its limits")
    index = int(np.argmin(np.where(inside, surface.free_energy_kcal_mol.ravel(), np.inf)))
    row, column = np.unravel_index(index, surface.free_energy_kcal_mol.shape)
    return int(row), int(column)


def _lowest_saddle(
    free: NDArray[np.float64], start: tuple[int, int], end: tuple[int, int], *, periodic: tuple[bool, ...]
) -> list[tuple[int, int]]:
    """Cells from start to end whose highest one is as low as possible, then as few as possible; unwrapped."""
    best: dict[tuple[int, int], tuple[float, int]] = {start: (float(free[start]), 0)}
    came: dict[tuple[int, int], tuple[tuple[int, int], tuple[int, int]]] = {}
    queue = [(float(free[start]), 0, start)]
    while queue:
        highest, length, cell = heapq.heappop(queue)
        if cell == end:
            return _unwind(came, start, end)
        if (highest, length) > best[cell]:
            continue
        for step in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            there = _neighbour(cell, step, free.shape, periodic)
            if there is None or not np.isfinite(free[there]):
                continue
            cost = (max(highest, float(free[there])), length + 1)
            if there not in best or cost < best[there]:
                best[there] = cost
                came[there] = (cell, step)
                heapq.heappush(queue, (*cost, there))
    raise EstimateError("no visited cells connect the two basins: the barrier between them was never crossed")


def _neighbour(
    cell: tuple[int, int], step: tuple[int, int], shape: tuple[int, ...], periodic: tuple[bool, ...]
) -> tuple[int, int] | None:
    there = [cell[0] + step[0], cell[1] + step[1]]
    for d in range(2):
        if periodic[d]:
            there[d] %= shape[d]
        elif not 0 <= there[d] < shape[d]:
            return None
    return there[0], there[1]


def _unwind(
    came: dict[tuple[int, int], tuple[tuple[int, int], tuple[int, int]]], start: tuple[int, int], end: tuple[int, int]
) -> list[tuple[int, int]]:
    steps, cell = [], end
    while cell != start:
        cell, step = came[cell]
        steps.append(step)
    path, here = [start], start
    for step in reversed(steps):
        here = (here[0] + step[0], here[1] + step[1])
        path.append(here)
    return path


def _relax(surface: Surface, route: Floats, steps: Floats) -> tuple[Floats, Floats]:
    """Points of the relaxed string and F along it [kcal/mol]."""
    free = surface.free_energy_kcal_mol
    ceiling = float(free[np.isfinite(free)].max()) + 1.0
    spline = _spline(surface, np.where(np.isfinite(free), free, ceiling))
    origin = np.array([axis[0] for axis in surface.axes])
    cells = _spread((route - origin) / steps)  # in cells, so that both variables count alike
    for _ in range(_ITERATIONS):
        gradient = np.stack([spline(*_wrap(cells, surface), dx=1 - d, dy=d, grid=False) for d in range(2)], axis=1)
        gradient[0] = gradient[-1] = 0.0
        size = np.linalg.norm(gradient, axis=1, keepdims=True)
        cells = _spread(cells - 0.1 * gradient / np.maximum(size, 0.2))
    along = spline(*_wrap(cells, surface), grid=False)
    return origin + cells * steps, np.asarray(along)


def _spline(surface: Surface, free: NDArray[np.float64]) -> RectBivariateSpline:
    """Cubic spline over cell numbers; a periodic surface is continued by a quarter on each side."""
    pad = [(n // 4 if p is not None else 0) for n, p in zip(free.shape, surface.periods, strict=True)]
    index = [np.arange(-w, n + w) for w, n in zip(pad, free.shape, strict=True)]
    whole = free[np.ix_(*(i % n for i, n in zip(index, free.shape, strict=True)))]
    return RectBivariateSpline(index[0].astype(float), index[1].astype(float), whole)


def _wrap(cells: Floats, surface: Surface) -> tuple[Floats, Floats]:
    x = [cells[:, 0], cells[:, 1]]
    for d, period in enumerate(surface.periods):
        last = len(surface.axes[d])
        x[d] = np.mod(x[d], last) if period is not None else np.clip(x[d], 0, last - 1)
    return x[0], x[1]


def _spread(points: Floats) -> Floats:
    """The same curve with evenly spaced points."""
    length = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    at = np.linspace(0.0, length[-1], _BEADS)
    return np.stack([np.interp(at, length, points[:, d]) for d in range(2)], axis=1)


def barrier_rates(
    surface: Surface,
    bound: Region,
    unbound: Region,
    *,
    delta_g_kcal_mol: float,
    diffusion: float | None = None,
) -> BarrierRates:
    """What the highest point between bound and unbound suggests about the rates. An estimate, and labelled so.

    Without a diffusion coefficient the Eyring rate, an upper bound, from the free energy of the bound basin::

        k_off = (kT/h) e^(-(F_top - F_bound)/kT)

    and with one Smoluchowski's mean first-passage time over the profile::

        1/k_off = int_basin e^(-F/kT) ds  int_barrier e^(F/kT) ds / D

    Args:
        surface: One variable.
        bound: The site.
        unbound: Bulk.
        delta_g_kcal_mol: Bound less unbound at 1 mol/L [kcal/mol]; k_on = k_off e^(-delta_g/kT).
        diffusion: D along the variable, constant [unit^2/ps]; None if unknown.

    Returns:
        The rates.

    Raises:
        EstimateError: The surface has two variables, or a region holds no visited cell.

    Source:
        Hanggi, Talkner and Borkovec, Rev. Mod. Phys. 62, 251 (1990), doi:10.1103/RevModPhys.62.251, section VII.
    """
    if len(surface.axes) != 1:
        raise EstimateError(f"rates need a profile along one variable, this surface has {len(surface.axes)}")
    axis, kt = surface.axes[0], kt_to_kcal(1.0, surface.temperature)
    free = surface.free_energy_kcal_mol / kt
    a, b = (int(np.argmin(np.where(_inside(axis, region), free, np.inf))) for region in (bound, unbound))
    if not np.isfinite(free[[a, b]]).all():
        raise EstimateError("the profile does not reach both regions: sample longer, or widen the grid")
    low, high = min(a, b), max(a, b)
    top = low + int(np.argmax(np.where(np.isfinite(free[low : high + 1]), free[low : high + 1], -np.inf)))
    out = free[top] - free[a]
    if diffusion is None:
        prefactor = BOLTZMANN_KJ_MOL_K * surface.temperature / _PLANCK_KJ_MOL_S
        off, method = prefactor * math.exp(-out), "Eyring"
    else:
        off, method = _smoluchowski(axis, free, bound, low, high) * diffusion * 1e12, "Smoluchowski"
    plateau = float(np.mean(free[_inside(axis, unbound) & np.isfinite(free)]))
    return BarrierRates(
        barrier_out_kcal_mol=float(out * kt),
        barrier_in_kcal_mol=float(max(0.0, free[top] - plateau) * kt),
        off_per_second=off,
        on_per_molar_second=off * math.exp(-delta_g_kcal_mol / kt),
        residence_seconds=1.0 / off,
        method=method,
    )


def _inside(axis: Floats, region: Region) -> NDArray[np.bool_]:
    return region.contains(axis[:, None])


def _smoluchowski(axis: Floats, free: Floats, bound: Region, low: int, high: int) -> float:
    """k/D of leaving the bound basin [1/unit^2]."""
    step = float(axis[1] - axis[0])
    bottom = float(free[_inside(axis, bound)].min())
    basin = np.exp(-(free[_inside(axis, bound)] - bottom)).sum() * step
    between = free[low : high + 1]
    barrier = np.exp(between[np.isfinite(between)] - bottom).sum() * step
    return float(1.0 / (basin * barrier))
