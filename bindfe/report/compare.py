"""Two runs side by side, as one HTML page that opens anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from bindfe.report import style
from bindfe.report.gallery import as_data_uri
from bindfe.report.words import interval, number, percent, signed
from bindfe.results import Affinity
from bindfe.store import write_text
from bindfe.uncertainty.compare import Comparison, sampling_interval

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the two runs."""

    name: str
    """Name of the run."""
    summary: Mapping[str, str]
    """What was calculated; label to text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedRuns:
    """Everything that the page of two runs shows."""

    first: Side
    """The first run."""
    second: Side
    """The second run."""
    comparisons: tuple[Comparison, ...]
    """One for each ligand that both runs have a number for."""
    only_in_one: tuple[str, ...]
    """Ligands that only one of them has a number for."""
    differences: str
    """Physics settings that differ, one a line; empty if none does."""
    measured: Mapping[str, Affinity]
    """Measured values by ligand."""


def write_comparison(runs: ComparedRuns, *, path: Path) -> None:
    """Write the page; the same runs give the same bytes.

    Raises:
        StoreError: The file cannot be written.
    """
    import jinja2

    room = resources.files("bindfe.report")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(room.joinpath("compare.html").read_text(encoding="utf-8"))
    page = template.render(
        runs=runs,
        rows=[_row(each, runs.measured.get(each.first.ligand)) for each in runs.comparisons],
        verdicts=[verdict(each, runs) for each in runs.comparisons],
        figure=as_data_uri(style.svg(draw_comparison(runs))),
        labels=list(dict.fromkeys([*runs.first.summary, *runs.second.summary])),
        coverage=percent(runs.comparisons[0].coverage),
        css=room.joinpath("page.css").read_text(encoding="utf-8"),
    )
    write_text(path, page)


def verdict(comparison: Comparison, runs: ComparedRuns) -> str:
    """One sentence: whether two runs agree on a ligand."""
    ligand, level = comparison.first.ligand, percent(comparison.coverage)
    values = (
        f"{runs.first.name} {number(comparison.first.raw_kcal_mol)}, {runs.second.name} "
        f"{number(comparison.second.raw_kcal_mol)} kcal/mol, "
        f"{number(abs(comparison.difference_kcal_mol))} apart"
    )
    width = number(comparison.half_width_kcal_mol)
    if comparison.agrees:
        return f"{ligand}: {values}: within the combined {level} interval of {width}."
    return f"{ligand}: {values}: outside the combined {level} interval of {width}. One of them, or both, is wrong."


def _row(comparison: Comparison, measured: Affinity | None) -> tuple[str, ...]:
    level = comparison.coverage
    return (
        comparison.first.ligand,
        number(comparison.first.raw_kcal_mol),
        interval(sampling_interval(comparison.first, level)),
        number(comparison.second.raw_kcal_mol),
        interval(sampling_interval(comparison.second, level)),
        signed(comparison.difference_kcal_mol),
        number(comparison.half_width_kcal_mol),
        "yes" if comparison.agrees else "no",
        number(measured.delta_g_kcal_mol if measured else None),
    )


@style.styled
def draw_comparison(runs: ComparedRuns) -> Figure:
    """Both values of each ligand with the intervals of their sampling errors, and what was measured."""
    comparisons: Sequence[Comparison] = runs.comparisons
    figure, axes = style.blank(7.2, 1.1 + 0.62 * len(comparisons))
    for row, each in enumerate(comparisons):
        for shift, prediction, colour in ((0.16, each.first, style.BLUE), (-0.16, each.second, style.ORANGE)):
            low, high = sampling_interval(prediction, each.coverage)
            axes.plot([low, high], [shift - row] * 2, color=colour, linewidth=5, alpha=0.35, solid_capstyle="butt")
            axes.plot([prediction.raw_kcal_mol], [shift - row], "o", color=colour, markersize=5)
        affinity = runs.measured.get(each.first.ligand)
        if affinity is not None:
            axes.plot([affinity.delta_g_kcal_mol] * 2, [-row - 0.34, -row + 0.34], color=style.VERMILLION, linewidth=2)
    for label, colour in ((runs.first.name, style.BLUE), (runs.second.name, style.ORANGE)):
        axes.plot([], [], "o", color=colour, label=label)
    if any(each.first.ligand in runs.measured for each in comparisons):
        axes.plot([], [], color=style.VERMILLION, linewidth=2, label="measured")
    axes.set_yticks([-float(row) for row in range(len(comparisons))], [each.first.ligand for each in comparisons])
    axes.set_ylim(-len(comparisons) + 0.4, 0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.set_xlabel(f"delta_g (kcal/mol), with {percent(comparisons[0].coverage)} intervals of the sampling errors")
    figure.legend(loc="outside upper right", ncols=3, handlelength=1.2)
    return figure
