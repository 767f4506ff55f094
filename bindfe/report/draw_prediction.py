"""Figures of the answer: its interval, the budget of its error, the cycle that it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bindfe.report import style
from bindfe.report.words import number, percent, quantity, with_error
from bindfe.results import Affinity, BindingEstimate, Floats, Prediction, UncertaintyBudget

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = 7.2


@style.styled
def draw_interval(
    prediction: Prediction,
    binding: BindingEstimate,
    *,
    coverages: tuple[float, ...],
    force_field: Prediction | None = None,
    measured: Affinity | None = None,
    exact_kcal_mol: float | None = None,
) -> Figure:
    """The predicted value and its intervals above what it is made of and what it can be compared with."""
    rows = ["predicted", "each repeat"]
    rows += ["each committee member"] if len(binding.delta_g_members) else []
    rows += ["force field alone"] if force_field else []
    rows += ["measured"] if measured else []
    rows += ["exact"] if exact_kcal_mol is not None else []
    figure, axes = style.blank(_WIDTH, 0.95 + 0.36 * len(rows))
    height = {name: -float(index) for index, name in enumerate(rows)}
    _nested_intervals(axes, prediction, coverages)
    _points(axes, binding.delta_g_repeats, binding.bootstrap_errors, height["each repeat"], style.BLUE, "o")
    if "each committee member" in height:
        at = height["each committee member"]
        _points(axes, binding.delta_g_members, binding.member_errors, at, style.ORANGE, "D")
    if force_field is not None:
        value, error = np.array([force_field.location_kcal_mol]), np.array([force_field.standard_error_kcal_mol])
        _points(axes, value, error, height["force field alone"], style.GREEN, "^")
    if measured is not None:
        error = np.array([measured.standard_error_kcal_mol])
        _points(axes, np.array([measured.delta_g_kcal_mol]), error, height["measured"], style.VERMILLION, "s")
        axes.axvline(measured.delta_g_kcal_mol, color=style.VERMILLION, linewidth=0.8, linestyle=":", zorder=0)
    if exact_kcal_mol is not None:
        _points(axes, np.array([exact_kcal_mol]), np.zeros(1), height["exact"], style.INK, "|")
        axes.axvline(exact_kcal_mol, color=style.INK, linewidth=0.8, linestyle=":", zorder=0)
    axes.set_yticks([height[name] for name in rows], rows)
    axes.set_ylim(-len(rows) + 0.45, 0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.use_sticky_edges = False
    axes.margins(x=0.05)
    left = "prefers water more" if prediction.quantity == "hydration" else "binds more strongly"
    axes.set_xlabel(f"{quantity(prediction)} (kcal/mol); further left {left}")
    figure.legend(loc="outside upper right", ncols=len(coverages), handlelength=1.2, columnspacing=1.2)
    return figure


def _nested_intervals(axes: Axes, prediction: Prediction, coverages: tuple[float, ...]) -> None:
    ordered = sorted(coverages)
    picks = np.linspace(0, len(style.INTERVAL_COLOURS) - 1, len(ordered)).round().astype(int)
    for rank, coverage in reversed(list(enumerate(ordered))):
        low, high = prediction.interval(coverage)
        colour, label = style.INTERVAL_COLOURS[picks[rank]], f"{percent(coverage)} interval"
        axes.barh(0.0, high - low, left=low, height=0.62, color=colour, label=label)
    axes.plot([prediction.location_kcal_mol] * 2, [-0.31, 0.31], color="white", linewidth=2.0)


def _points(axes: Axes, values: Floats, errors: Floats, height: float, colour: str, marker: str) -> None:
    """Values with their standard errors, spread a little up and down so that none hides another."""
    spread = np.linspace(0.22, -0.22, len(values)) if len(values) > 1 else np.zeros(len(values))
    axes.errorbar(
        values,
        height + spread,
        xerr=np.where(np.isfinite(errors), np.maximum(errors, 0.0), 0.0),
        fmt=marker,
        color=colour,
        markersize=9 if marker == "|" else 4,
        markeredgewidth=2 if marker == "|" else 0.5,
        elinewidth=1.0,
    )


@style.styled
def draw_budget(budget: UncertaintyBudget) -> Figure:
    """Squares of the error's parts, stacked as shares of the variance."""
    figure, axes = style.blank(_WIDTH, 1.25)
    variances = {part.kind: part.standard_error_kcal_mol**2 for part in budget.components}
    total, left = sum(variances.values()), 0.0
    for kind, colour in style.COMPONENT_COLOURS.items():
        if kind not in variances:
            continue
        share = variances[kind] / total if total > 0 else 0.0
        label = f"{kind} {number(variances[kind] ** 0.5)}"
        axes.barh(0, share, left=left, height=0.8, color=colour, edgecolor="white", linewidth=1.2, label=label)
        if share >= 0.07:
            dark = kind in ("sampling", "model")
            colour = "white" if dark else style.INK
            axes.text(left + share / 2, 0, percent(round(share, 2)), ha="center", va="center", color=colour)
        left += share
    if total == 0:
        axes.text(0.5, 0, "no error was recorded", ha="center", va="center", color=style.INK)
    axes.set_xlim(0, 1)
    axes.set_axis_off()
    error = number(budget.standard_error_kcal_mol)
    title = f"standard error {error} kcal/mol; shares of its square, parts in kcal/mol:"
    axes.set_title(title, fontsize=9)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=5, handlelength=1.0, columnspacing=1.4)
    return figure


@style.styled
def draw_cycle(binding: BindingEstimate, *, measured: Affinity | None = None) -> Figure:
    """The terms of the cycle as steps from nothing to delta_g, and the sum."""
    count = len(binding.terms)
    figure, axes = style.blank(_WIDTH, 0.9 + 0.36 * (count + 1))
    values = np.array([term.delta_g_kcal_mol for term in binding.terms])
    ends = np.concatenate([[0.0], np.cumsum(values)])
    for row, term in enumerate(binding.terms):
        colour = style.BLUE if term.delta_g_kcal_mol <= 0 else style.ORANGE
        axes.barh(-row, term.delta_g_kcal_mol, left=ends[row], height=0.62, color=colour)
        axes.plot([ends[row + 1]] * 2, [-row - 0.31, -row - 1 + 0.31], color=style.GREY, linewidth=0.8)
        _label_bar(axes, (ends[row], ends[row + 1]), -row, _value(term.delta_g_kcal_mol, term.standard_error_kcal_mol))
    axes.barh(-count, binding.delta_g_kcal_mol, height=0.62, color=style.INK)
    _label_bar(axes, (0.0, binding.delta_g_kcal_mol), -count, number(binding.delta_g_kcal_mol))
    if measured is not None:
        at = measured.delta_g_kcal_mol
        axes.plot([at, at], [-count - 0.45, -count + 0.45], color=style.VERMILLION, linewidth=2.5, label="measured")
        figure.legend(loc="outside upper right", handlelength=1.0)
    axes.axvline(0.0, color=style.GREY, linewidth=0.8, zorder=0)
    axes.set_yticks([-float(row) for row in range(count + 1)], [*(term.name for term in binding.terms), "sum"])
    axes.set_ylim(-count - 0.5, 0.5)
    lowest, highest = min(0.0, float(ends.min())), max(0.0, float(ends.max()))
    span = (highest - lowest) or 1.0
    axes.set_xlim(lowest - 0.04 * span, highest + 0.24 * span)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    process = "hydration" if binding.quantity == "hydration" else "binding"
    axes.set_xlabel(f"free energy (kcal/mol); blue steps favour {process}, orange steps oppose it")
    return figure


def _value(value: float, error: float) -> str:
    return with_error(value, error) if error > 0 else number(value)


def _label_bar(axes: Axes, ends: tuple[float, float], height: float, text: str) -> None:
    axes.annotate(text, (max(ends), height), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8.5)
