"""Figures of a calibration: made for a chemist first, a statistician second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bindfe.report.style import BLUE, FAINT, GREEN, GREY, INK, INTERVAL_COLOURS, ORANGE, SKY, VERMILLION, blank, styled
from bindfe.results import Floats
from bindfe.uncertainty.score import Score, Scored

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BARS = 400
"""Predictions drawn with their interval; more would be one grey block."""
_LEVELS = np.linspace(0.05, 0.95, 19)


@styled
def draw_predicted_against_measured(seen: Scored, coverage: float = 0.9) -> Figure:
    """Calibrated against measured, with intervals and the 1 and 2 kcal/mol bands."""
    figure, axes = blank(5.2, 5.0)
    half = seen.half[coverage]
    span = np.concatenate([seen.measured, seen.location])
    low, high = float(span.min()) - 0.5, float(span.max()) + 0.5
    line = np.array([low, high])
    axes.fill_between(line, line - 2, line + 2, color=FAINT, linewidth=0, label="within 2 kcal/mol")
    axes.fill_between(line, line - 1, line + 1, color="#CFD4DA", linewidth=0, label="within 1 kcal/mol")
    axes.plot(line, line, color=INK, linewidth=0.8)
    inside = np.abs(seen.measured - seen.location) <= half
    shown = np.random.default_rng(1).permutation(len(half))[:_MOST_BARS]
    for chosen, colour, name in ((inside, BLUE, "holds"), (~inside, VERMILLION, "does not hold")):
        rows = shown[chosen[shown]]
        axes.errorbar(
            seen.measured[rows], seen.location[rows], yerr=half[rows], fmt="o", markersize=2.6, linewidth=0.5,
            color=colour, alpha=0.55, label=f"{coverage:.0%} interval {name} ({int(chosen.sum())})",
        )  # fmt: skip
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_xlabel("measured (kcal/mol)")
    axes.set_ylabel("calibrated (kcal/mol)")
    axes.legend(loc="upper left")
    if len(half) > _MOST_BARS:
        axes.set_title(f"{_MOST_BARS} of {len(half)} predictions, drawn at random")
    return figure


@styled
def draw_reliability(seen: Scored) -> Figure:
    """How often each interval held against how often it said it would, with the old error bar beside it."""
    figure, axes = blank(4.6, 4.2)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8)
    central = np.abs(2 * seen.pit - 1)
    axes.plot(_LEVELS, [np.mean(central <= p) for p in _LEVELS], "o-", color=BLUE, markersize=4, label="calibrated")
    old = _old_coverage(seen, _LEVELS)
    if old is not None:
        axes.plot(_LEVELS, old, "s-", color=VERMILLION, markersize=3.5, label="raw value with the reported error")
    axes.set_xlabel("the interval says")
    axes.set_ylabel("the interval held")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.legend(loc="upper left")
    axes.grid(visible=True)
    return figure


def _old_coverage(seen: Scored, levels: Floats) -> list[float] | None:
    """Coverage of raw value +- normal quantile times the reported standard error, where one was reported."""
    from scipy import special

    known = np.isfinite(seen.reported_error) & (seen.reported_error > 0)
    if known.mean() < 0.5:
        return None
    z = np.abs(seen.measured - seen.raw)[known] / seen.reported_error[known]
    return [float(np.mean(z <= special.ndtri(0.5 + level / 2))) for level in levels]


@styled
def draw_trusted_old_bar(seen: Scored) -> Figure:
    """What would have happened if you had trusted the old error bar: a hundred predictions, held or not."""
    figure, axes = blank(6.0, 2.9)
    held = [float(np.mean(np.abs(seen.measured - seen.location) <= seen.half[c])) for c in (0.5, 0.68, 0.9, 0.95)]
    old = _old_coverage(seen, np.array([0.5, 0.68, 0.9, 0.95]))
    place = np.arange(4)
    if old is not None:
        axes.bar(place - 0.2, [100 * x for x in old], 0.36, color=VERMILLION, label="raw value, old error bar")
    axes.bar(place + (0.2 if old else 0), [100 * x for x in held], 0.36, color=BLUE, label="calibrated")
    for index, nominal in enumerate((50, 68, 90, 95)):
        axes.plot([index - 0.42, index + 0.42], [nominal, nominal], color=INK, linewidth=1.4)
        for value, shift in ((held[index], 0.2 if old else 0.0), *(((old[index], -0.2),) if old else ())):
            axes.text(
                index + shift, 100 * value - 3, f"{100 * value:.0f}", ha="center", va="top", color="white", fontsize=8
            )
    axes.set_xticks(place, ["50 %", "68 %", "90 %", "95 %"])
    axes.set_xlabel("what the interval promised (black line)")
    axes.set_ylabel("of 100 measured\nvalues inside")
    axes.set_ylim(0, 104)
    axes.legend(loc="upper left")
    return figure


@styled
def draw_pit(result: Score) -> Figure:
    """Where in its own distribution each measured value fell; flat if calibrated."""
    figure, axes = blank(4.6, 2.9)
    shares = np.array(result.pit_histogram)
    error = 1.96 * np.sqrt(0.1 * 0.9 / result.n)
    axes.axhspan(0.1 - error, 0.1 + error, color=FAINT)
    axes.bar(np.arange(10) / 10 + 0.05, shares, 0.09, color=SKY)
    axes.axhline(0.1, color=INK, linewidth=0.8)
    axes.set_xlabel("probability given to values below the measured one")
    axes.set_ylabel("share of predictions")
    axes.set_title("flat (within the band) if calibrated")
    return figure


@styled
def draw_sharpness(seen: Scored) -> Figure:
    """How wide the 90 % intervals are."""
    figure, axes = blank(4.6, 2.9)
    half = seen.half[0.9]
    axes.hist(half, bins=30, color=GREEN)
    axes.axvline(float(half.mean()), color=INK, linewidth=1)
    axes.set_xlabel("half-width of the 90 % interval (kcal/mol)")
    axes.set_ylabel("predictions")
    axes.set_title(f"mean {half.mean():.2f} kcal/mol")
    return figure


@styled
def draw_targets(result: Score) -> Figure:
    """Coverage of each protein's 90 % intervals, with what chance alone would allow."""
    from scipy import stats

    judged = [t for t in result.targets if t.n >= 10] or list(result.targets)
    judged = judged[:40]
    figure, axes = blank(6.0, max(2.2, 0.19 * len(judged) + 0.9))
    for row, target in enumerate(reversed(judged)):
        low, high = (float(stats.binom.ppf(p, target.n, 0.9)) / target.n for p in (0.025, 0.975))
        axes.plot([low, high], [row, row], color=FAINT, linewidth=6, solid_capstyle="butt")
        axes.plot(target.coverage_90, row, "o", color=VERMILLION if target.coverage_90 < low else BLUE, markersize=5)
    axes.axvline(0.9, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(judged)), [f"{t.protein} ({t.n})" for t in reversed(judged)], fontsize=7.5)
    axes.set_xlabel("share of measured values inside the 90 % interval")
    axes.set_title("grey: 95 % range by chance if predictions were independent", fontsize=8.5)
    axes.set_xlim(min(0.5, *(t.coverage_90 for t in judged)) - 0.03, 1.02)
    return figure


@styled
def draw_pairs(result: Score) -> Figure:
    """P(a binds better than b) against how often it did."""
    figure, axes = blank(4.6, 2.9)
    axes.plot([0.5, 1], [0.5, 1], color=INK, linewidth=0.8)
    if result.pairs:
        said, seen, number = (np.array(x, dtype=float) for x in zip(*result.pairs, strict=True))
        error = 1.96 * np.sqrt(said * (1 - said) / number)
        axes.errorbar(said, seen, yerr=error, fmt="o", color=ORANGE, markersize=5, linewidth=1)
        for x, y, n in zip(said, seen, number, strict=True):
            axes.annotate(f"{n:.0f}", (x, y), (4, -9), textcoords="offset points", fontsize=7.5, color=GREY)
    axes.set_xlabel("probability given to the better binder")
    axes.set_ylabel("share that was right")
    axes.set_xlim(0.49, 1.0)
    axes.set_ylim(0.4, 1.02)
    return figure


@styled
def draw_how_to_read(
    *, raw: float, reported: float, location: float, half_widths: dict[float, float], measured: float, name: str
) -> Figure:
    """One prediction: the value, its nested intervals, and what was measured; the raw value above it."""
    figure, axes = blank(7.0, 2.7)
    shades = dict(zip(sorted(half_widths, reverse=True), reversed(INTERVAL_COLOURS), strict=False))
    for level in sorted(half_widths, reverse=True):
        half = half_widths[level]
        axes.barh(0, 2 * half, 0.34, left=location - half, color=shades[level])
        axes.text(location + half, -0.22, f"{level:.0%}", ha="right", va="top", fontsize=8, color=INK)
    axes.plot(location, 0, "o", color="white", markersize=7)
    axes.errorbar(raw, 0.75, xerr=1.96 * reported, fmt="o", color=VERMILLION, markersize=6, capsize=4)
    axes.axvline(measured, color=INK, linewidth=1.2, linestyle="--")
    axes.annotate("measured", (measured, 1.12), (4, 0), textcoords="offset points", va="center", fontsize=8.5)
    axes.set_yticks([0, 0.75], ["calibrated value\nand intervals", "raw value and\nold 95 % error bar"])
    axes.set_ylim(-0.5, 1.25)
    axes.set_xlabel(f"{name} (kcal/mol); negative: the second ligand binds better")
    return figure
