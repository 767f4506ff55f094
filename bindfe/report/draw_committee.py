"""Figure of a committee: how far its members differ from their mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bindfe.report import style
from bindfe.results import CommitteeReport

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = {"bound": style.BLUE, "water": style.BLUE, "free": style.ORANGE, "gas": style.ORANGE}


@style.styled
def draw_committee(reports: tuple[CommitteeReport, ...]) -> Figure:
    """Offset (dot) and spread over frames (line, one standard deviation) of every member, a colour a place."""
    members = max((report.members for report in reports), key=len)
    figure, axes = style.blank(7.2, 0.95 + 0.27 * len(members))
    for index, report in enumerate(reports):
        height = -np.arange(len(report.members)) - 0.24 * (index - (len(reports) - 1) / 2)
        colour = _COLOURS.get(report.environment, style.GREEN)
        marker = "os^"[index % 3]
        bars = axes.errorbar(report.offset_kt, height, xerr=report.spread_kt, fmt=marker, color=colour, markersize=4)
        bars.set_label(report.environment)
    axes.set_yticks(-np.arange(len(members)), members)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.axvline(0.0, color=style.GREY, linewidth=0.8, zorder=0)
    axes.grid(axis="x")
    axes.set_xlabel("member less committee mean (kT): mean (symbol) and standard deviation over frames (line)")
    figure.legend(loc="outside upper right", ncols=len(reports), handlelength=1.2)
    return figure
