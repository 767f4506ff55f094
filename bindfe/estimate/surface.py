"""Free-energy surfaces from weighted samples, with errors from blocks of time and from repeats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bindfe.errors import EstimateError
from bindfe.results import BiasedSamples, Floats, Integers, Surface
from bindfe.units import kt_to_kcal

_BLOCKS = 25
"""Blocks of time of a run behind an error band: fewer cannot show it, more cut slow motions."""


def surface_from_samples(
    samples: BiasedSamples,
    axes: Sequence[Floats],
    *,
    periods: tuple[float | None, ...],
    columns: tuple[int, ...] | None = None,
    n_bootstrap: int = 200,
    seed: int,
) -> Surface:
    """The free energy along one or two variables, by weighting the samples.

    ::

        F(s) = -kT ln sum_n w_n [s_n in the cell of s],   w_n = e^(bias_n)

    Sums are taken over logarithms, because weights span many orders of magnitude. Errors are those of a
    bootstrap over 25 blocks of time of each walker, and so are right if a block is longer than the slowest motion.

    Args:
        samples: With their weights.
        axes: Centres of the cells of each variable, evenly spaced.
        periods: Period of each of these variables; None for an open one.
        columns: Which variables of the samples; None for the first ones.
        n_bootstrap: Resamples.
        seed: Seed of the bootstrap.

    Returns:
        The surface; infinite where no sample fell, its error then not a number.

    Raises:
        EstimateError: No sample is on the grid, or one has no finite weight.
    """
    chosen = tuple(range(len(axes))) if columns is None else columns
    cell, inside = _cells(samples.cv[:, chosen], axes, periods)
    if not np.isfinite(samples.bias[inside]).all() or not inside.any():
        raise EstimateError(
            f"{int(inside.sum())} of {len(inside)} samples lie on the grid, with weights that are "
            f"{'finite' if np.isfinite(samples.bias[inside]).all() else 'not finite'}: choose a grid that holds them"
        )
    shape = tuple(len(axis) for axis in axes)
    block = blocks_of(samples, _BLOCKS)
    log_sums = _log_sums(block, cell, samples.bias, inside, n_cells=int(np.prod(shape)))
    free, error = _free_energy(log_sums, n_bootstrap, np.random.default_rng(seed))
    return Surface(
        names=tuple(samples.names[c] for c in chosen),
        axes=tuple(axes),
        periods=periods,
        free_energy_kcal_mol=kt_to_kcal(1.0, samples.temperature) * (free - free.min()).reshape(shape),
        standard_error_kcal_mol=kt_to_kcal(1.0, samples.temperature) * error.reshape(shape),
        temperature=samples.temperature,
    )


def _cells(cv: Floats, axes: Sequence[Floats], periods: Sequence[float | None]) -> tuple[Integers, NDArray[np.bool_]]:
    """Number of the cell that each sample is in, and whether it is on the grid at all."""
    cell, inside = np.zeros(len(cv), dtype=np.int64), np.ones(len(cv), dtype=bool)
    for d, (axis, period) in enumerate(zip(axes, periods, strict=True)):
        start, step = axis[0] - 0.5 * (axis[1] - axis[0]), axis[1] - axis[0]
        from_start = cv[:, d] - start if period is None else np.mod(cv[:, d] - start, period)
        index = np.floor(from_start / step).astype(np.int64)
        inside &= (index >= 0) & (index < len(axis))
        cell = cell * len(axis) + np.clip(index, 0, len(axis) - 1)
    return cell, inside


def blocks_of(samples: BiasedSamples, n_blocks: int) -> Integers:
    """Number of the block of time that each sample belongs to, counted over all walkers, (N,)."""
    block = np.zeros(len(samples.time), dtype=np.int64)
    for number, walker in enumerate(np.unique(samples.walker)):
        mine = np.flatnonzero(samples.walker == walker)
        block[mine] = number * n_blocks + np.arange(len(mine)) * n_blocks // len(mine)
    return block


def _log_sums(block: Integers, cell: Integers, bias: Floats, inside: NDArray[np.bool_], *, n_cells: int) -> Floats:
    """Log of the weight of each block in each cell, (B, G); minus infinity where there is none."""
    key = block * n_cells + cell
    size = (int(block.max()) + 1) * n_cells
    top = np.full(size, -np.inf)
    np.maximum.at(top, key[inside], bias[inside])
    shifted = np.exp(bias[inside] - top[key[inside]])
    sums = np.bincount(key[inside], weights=shifted, minlength=size)
    log_sums = np.full(size, -np.inf)
    filled = sums > 0
    log_sums[filled] = np.log(sums[filled]) + top[filled]
    return log_sums.reshape(-1, n_cells)


def _free_energy(log_sums: Floats, n_bootstrap: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """F of each cell relative to the whole [kT] and its bootstrap error, both (G,)."""
    top = log_sums.max(axis=0)
    seen = np.isfinite(top)
    weights = np.exp(log_sums[:, seen] - top[seen])
    whole = np.exp(log_sums - top.max()).sum(axis=1)
    blocks = len(log_sums)
    counts = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=n_bootstrap).astype(float)
    with np.errstate(divide="ignore"):
        drawn = -np.log(counts @ weights) + np.log(counts @ whole)[:, None]
    free, error = np.full(len(top), np.inf), np.full(len(top), np.nan)
    free[seen] = -np.log(weights.sum(axis=0)) - top[seen]
    finite = np.isfinite(drawn).all(axis=0)
    error[np.flatnonzero(seen)[finite]] = drawn[:, finite].std(axis=0, ddof=1)
    return free, error


def pool_surfaces(surfaces: Sequence[Surface]) -> Surface:
    """The mean of repeats' surfaces, with the larger of their spread and their own errors.

    Each surface is known up to a constant; it is fixed by giving all the same total weight. A cell counts where
    every repeat saw it.

    Raises:
        EstimateError: The surfaces are on different grids.
    """
    first = surfaces[0]
    if any(
        s.names != first.names or any(not np.array_equal(a, b) for a, b in zip(s.axes, first.axes, strict=True))
        for s in surfaces
    ):
        raise EstimateError("surfaces on different variables or grids cannot be pooled: make them on one grid")
    unit = kt_to_kcal(1.0, first.temperature)
    free = np.array([s.free_energy_kcal_mol for s in surfaces])
    free = np.array([f + unit * np.log(np.exp(-f / unit).sum()) for f in free])
    mean, number = free.mean(axis=0), len(surfaces)
    with np.errstate(invalid="ignore"):
        spread = free.std(axis=0, ddof=1) if number > 1 else np.zeros(mean.shape)
        own = np.sqrt(np.mean([s.standard_error_kcal_mol**2 for s in surfaces], axis=0))
    return Surface(
        names=first.names,
        axes=first.axes,
        periods=first.periods,
        free_energy_kcal_mol=mean - mean.min(),
        standard_error_kcal_mol=np.fmax(spread, own) / np.sqrt(number),
        temperature=first.temperature,
    )


def basin_free_energy(surface: Surface, inside: NDArray[np.bool_]) -> float:
    """-kT ln of a basin's part of all weight on the grid [kcal/mol].

    Args:
        surface: Any surface.
        inside: Cells of the basin, the shape of the surface.
    """
    unit = kt_to_kcal(1.0, surface.temperature)
    weight = np.exp(-surface.free_energy_kcal_mol / unit)
    return float(-unit * np.log(weight[inside].sum() / weight.sum()))
