"""The free energy along a path, with the site and bulk marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bindfe.report import style
from bindfe.results import PathResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ANGSTROM = 10.0


@style.styled
def draw_profile(path: PathResult) -> Figure:
    """The surface along one variable with its 95 % band, the site and bulk as shaded ranges."""
    figure, axes = style.blank(7.2, 3.4)
    surface = path.surface
    along, free = _ANGSTROM * surface.axes[0], surface.free_energy_kcal_mol
    half = 1.96 * np.nan_to_num(surface.standard_error_kcal_mol)
    seen = np.isfinite(free)
    axes.fill_between(
        along, free - half, free + half, where=seen, color=style.SKY, alpha=0.35, linewidth=0, label="95 % band"
    )
    axes.plot(along, np.where(seen, free, np.nan), color=style.BLUE, linewidth=1.6, label="free energy")
    regions = (
        (path.regions.bound, style.GREEN, "site"),
        *((region, style.ORANGE, "bulk") for region in path.regions.unbound),
    )
    for region, colour, name in regions:
        low, high = (_ANGSTROM * float(end) for end in (region.low[0], region.high[0]))
        axes.axvspan(max(low, along[0]), min(high, along[-1]), color=colour, alpha=0.13, linewidth=0, zorder=0)
        axes.text((low + high) / 2, 1.0, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom")
    axes.set_xlim(along[0], along[-1])
    axes.set_ylim(bottom=-0.5)
    axes.set_xlabel("along the path (Å)")
    axes.set_ylabel("free energy (kcal/mol)")
    axes.grid(axis="y")
    figure.legend(loc="outside upper right", ncols=2, handlelength=1.4)
    return figure
