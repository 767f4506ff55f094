"""Figures of one leg: overlap of its states, convergence in time, mixing of its replicas.

Overlap and mixing show the worst repeat, because a mean over repeats would hide it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bindfe.report import style
from bindfe.results import Convergence, Floats, LegEstimate
from bindfe.units import kt_to_kcal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_NUMBERED = 24
_PANELS_PER_ROW = 3


def neighbour_overlap(leg: LegEstimate) -> Floats:
    """Overlap of each state with the next, the smaller of both directions, (K - 1,)."""
    return np.minimum(np.diagonal(leg.overlap, 1), np.diagonal(leg.overlap, -1))


def least_overlapping(legs: tuple[LegEstimate, ...]) -> LegEstimate:
    """The repeat whose worst pair of neighbours overlaps least."""
    return min(legs, key=lambda leg: _smallest(neighbour_overlap(leg)))


def _smallest(values: Floats) -> float:
    return float(np.nanmin(values)) if np.isfinite(values).any() else 0.0


def least_mixed(legs: tuple[LegEstimate, ...]) -> LegEstimate:
    """The repeat with the fewest round trips, and of those the slowest."""
    return min(legs, key=lambda leg: (leg.mixing.round_trips, -np.nan_to_num(leg.mixing.second_eigenvalue, nan=1.0)))


@style.styled
def draw_overlap(leg: LegEstimate, *, minimum: float) -> Figure:
    """The overlap matrix as a heat map with numbers; neighbours below ``minimum`` are framed."""
    figure, axes = _matrix(leg.overlap, "Blues")
    for first in range(len(leg.overlap) - 1):
        for row, column in ((first, first + 1), (first + 1, first)):
            if leg.overlap[row, column] < minimum:
                _frame(axes, row, column)
    axes.set_title(f"{leg.kind.value}, repeat {leg.repeat + 1}: overlap of states")
    axes.set_xlabel("... could as well belong to state")
    axes.set_ylabel("samples of state ...")
    return figure


@style.styled
def draw_mixing(leg: LegEstimate) -> Figure:
    """Probability that a replica in state i is in state j one cycle later."""
    figure, axes = _matrix(leg.mixing.transitions, "Greens")
    axes.set_title(f"{leg.kind.value}, repeat {leg.repeat + 1}: {leg.mixing.round_trips} round trips")
    axes.set_xlabel("state one cycle later")
    axes.set_ylabel("state")
    return figure


def _matrix(matrix: Floats, colours: str) -> tuple[Figure, Axes]:
    states = len(matrix)
    size = min(max(3.4, 0.75 + 0.24 * states), 8.0)
    figure, axes = style.blank(size, size)
    filled = np.nan_to_num(matrix)
    darkest = min(1.0, 1.3 * max(0.4, float(filled.max())))
    axes.imshow(filled, cmap=colours, vmin=0.0, vmax=darkest, interpolation="nearest")
    if states <= _MOST_NUMBERED:
        for row, column in zip(*np.nonzero(filled >= 0.005), strict=True):
            value = float(matrix[row, column])
            text = f"{value:.2f}".lstrip("0") if value < 0.995 else "1"
            colour = "white" if value > 0.62 * darkest else style.INK
            axes.text(column, row, text, ha="center", va="center", fontsize=6.8, color=colour)
    step = 1 if states <= _MOST_NUMBERED else 5
    axes.set_xticks(range(0, states, step))
    axes.set_yticks(range(0, states, step))
    axes.tick_params(length=0, labelsize=7.5)
    axes.spines[:].set_visible(False)
    return figure, axes


def _frame(axes: Axes, row: int, column: int) -> None:
    from matplotlib.patches import Rectangle

    patch = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=style.VERMILLION, linewidth=1.6)
    axes.add_patch(patch)


def draw_convergence(legs: tuple[LegEstimate, ...], *, temperature: float) -> Figure:
    """The leg's free energy from growing parts of its samples, forward and backward, a panel a repeat.

    Args:
        legs: The repeats of one leg.
        temperature: Temperature of the leg [K], which turns kT into kcal/mol.
    """
    series = {leg.repeat: leg.convergence for leg in legs}
    return draw_growth(series, of=f"{legs[0].kind.value} leg", temperature=temperature)


@style.styled
def draw_growth(series: Mapping[int, Convergence], *, of: str, temperature: float) -> Figure:
    """A free energy from growing parts of the samples, forward and backward, a panel a repeat.

    Args:
        series: Each repeat's.
        of: What it is the free energy of.
        temperature: Temperature [K], which turns kT into kcal/mol.
    """
    from matplotlib.figure import Figure

    columns = min(len(series), _PANELS_PER_ROW)
    rows = -(-len(series) // columns)
    figure = Figure(figsize=(7.2, 0.55 + 2.1 * rows))
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, (repeat, convergence) in zip(panels.flat, series.items(), strict=False):
        _draw_both_ways(axes, convergence, kt_to_kcal(1.0, temperature))
        axes.set_title(f"repeat {repeat + 1}", fontsize=9)
    for axes in list(panels.flat)[len(series) :]:
        axes.set_visible(False)
    figure.supylabel(f"{of} (kcal/mol)", fontsize=9)
    figure.supxlabel("part of the samples used (%)", fontsize=9)
    named = {
        label: handle for axes in panels.flat for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(list(named.values()), list(named), loc="outside upper right", ncols=3, handlelength=1.4)
    return figure


def _draw_both_ways(axes: Axes, convergence: Convergence, unit: float) -> None:
    """Both series and their standard errors; a part that gave no estimate leaves a gap."""
    part = 100.0 * convergence.fraction
    series = (
        ("from the start", convergence.forward, convergence.forward_error, style.BLUE, "o"),
        ("from the end", convergence.reverse, convergence.reverse_error, style.ORANGE, "s"),
    )
    if len(part) and np.isfinite(convergence.forward[-1]):
        middle, half = unit * convergence.forward[-1], unit * float(np.nan_to_num(convergence.forward_error[-1]))
        axes.axhspan(middle - half, middle + half, color=style.FAINT, zorder=0, label="all samples ± standard error")
    for name, value, error, colour, marker in series:
        error = np.where(np.isfinite(error), error, 0.0)
        axes.fill_between(part, unit * (value - error), unit * (value + error), color=colour, alpha=0.22, linewidth=0)
        axes.plot(part, unit * value, color=colour, marker=marker, markersize=3, linewidth=1.2, label=name)
    if not np.isfinite([convergence.forward, convergence.reverse]).any():
        axes.text(0.5, 0.5, "too few samples", transform=axes.transAxes, ha="center", va="center")
    axes.set_xlim(0, 104)
    axes.grid(axis="y")
