"""Figures of free-energy surfaces: profiles with their bands, and a map with basins and path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bindfe.report import style
from bindfe.results import Floats, Region, Surface, SurfacePath

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.VERMILLION, style.PURPLE, style.SKY)
_MOST = 25.0
"""Highest free energy that a map colours [kcal/mol]."""


@style.styled
def draw_profiles(profiles: Mapping[str, Surface], *, regions: Sequence[Region] = ()) -> Figure:
    """Free energies along one variable, each with its band of two standard errors.

    Args:
        profiles: Surfaces of one variable by their name in the legend.
        regions: Ranges that are shaded and named.
    """
    figure, axes = style.blank(7.2, 3.4)
    for (name, surface), colour in zip(profiles.items(), _COLOURS, strict=False):
        free, error = surface.free_energy_kcal_mol, np.nan_to_num(surface.standard_error_kcal_mol)
        seen = np.where(np.isfinite(free), free, np.nan)
        x = surface.axes[0]
        axes.fill_between(x, seen - 2 * error, seen + 2 * error, color=colour, alpha=0.22, linewidth=0)
        axes.plot(x, seen, color=colour, linewidth=1.5, label=name)
    for region in regions:
        axes.axvspan(float(region.low[0]), float(region.high[0]), color=style.FAINT, zorder=0)
        middle = float(region.low[0] + region.high[0]) / 2
        axes.text(middle, 1.0, region.name, transform=axes.get_xaxis_transform(), ha="center", va="bottom")
    first = next(iter(profiles.values()))
    axes.set_xlim(float(first.axes[0][0]), float(first.axes[0][-1]))
    axes.set_xlabel(_named(first.names[0]))
    axes.set_ylabel("free energy (kcal/mol)")
    axes.grid(axis="y")
    figure.legend(loc="outside upper right", ncols=min(len(profiles), 4), handlelength=1.4)
    return figure


def _named(name: str) -> str:
    """``phi [rad]`` as ``phi (rad)``, as other axes have it."""
    return name.replace("[", "(").replace("]", ")")


@style.styled
def draw_map(surface: Surface, *, regions: Sequence[Region] = (), path: SurfacePath | None = None) -> Figure:
    """Free energy over two variables, with basins framed and the path between them; white was never seen.

    Args:
        surface: Two variables.
        regions: Basins, framed and named.
        path: A way between them; its saddle is marked.
    """
    figure, axes = style.blank(5.6, 4.6)
    x, y = surface.axes
    free = np.ma.masked_invalid(surface.free_energy_kcal_mol)
    top = min(_MOST, float(free.max()))
    mesh = axes.pcolormesh(x, y, free.T, cmap="viridis_r", vmin=0.0, vmax=top, shading="nearest", rasterized=True)
    axes.contour(x, y, free.T.filled(np.nan), levels=np.arange(1.0, top, 2.0), colors="white", linewidths=0.5)
    figure.colorbar(mesh, label="free energy (kcal/mol)")
    for region in regions:
        _frame(axes, region, surface)
    if path is not None:
        _path(axes, path, surface)
    axes.set_xlabel(_named(surface.names[0]))
    axes.set_ylabel(_named(surface.names[1]))
    axes.spines[:].set_visible(True)
    return figure


def _frame(axes: Axes, region: Region, surface: Surface) -> None:
    """A rectangle about a basin, as far as the grid goes."""
    from matplotlib.patches import Rectangle

    low = np.array([max(float(v), float(a[0])) for v, a in zip(region.low, surface.axes, strict=True)])
    high = np.array([min(float(v), float(a[-1])) for v, a in zip(region.high, surface.axes, strict=True)])
    size = high - low
    axes.add_patch(
        Rectangle((low[0], low[1]), size[0], size[1], fill=False, edgecolor=style.INK, linewidth=1.1, linestyle="--")
    )
    label = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5}
    axes.text(low[0] + size[0] / 2, high[1], region.name, ha="center", va="bottom", color=style.INK, bbox=label)


def _path(axes: Axes, path: SurfacePath, surface: Surface) -> None:
    """The path, wrapped into the grid and broken where it crosses a border, with its saddle."""
    points = path.points.copy()
    for d, (axis, period) in enumerate(zip(surface.axes, surface.periods, strict=True)):
        if period is not None:
            start = axis[0] - 0.5 * (axis[1] - axis[0])
            points[:, d] = start + np.mod(points[:, d] - start, period)
    saddle = points[path.saddle]
    axes.plot(*_broken(points, surface).T, color=style.VERMILLION, linewidth=1.8, label="path")
    axes.plot(saddle[0], saddle[1], marker="X", color=style.VERMILLION, markeredgecolor="white", markersize=9)


def _broken(points: Floats, surface: Surface) -> Floats:
    """Points with a gap wherever two neighbours are half a grid apart."""
    spans = np.array([axis[-1] - axis[0] for axis in surface.axes])
    jumps = np.flatnonzero(np.any(np.abs(np.diff(points, axis=0)) > spans / 2, axis=1)) + 1
    return np.insert(points, jumps, np.nan, axis=0)
