"""Figures of surfaces hold what they are given and are the same bytes from the same input."""

from __future__ import annotations

import math

import numpy as np

from bindfe.report.draw_surface import draw_map, draw_profiles
from bindfe.report.style import png
from bindfe.results import Region, Surface, SurfacePath


def plane() -> Surface:
    axes = (np.linspace(-math.pi, math.pi, 40, endpoint=False), np.linspace(-1, 1, 30))
    x, y = np.meshgrid(*axes, indexing="ij")
    free = 3 * (1 + np.cos(x)) + 8 * y**2
    free[:3, :3] = np.inf
    return Surface(
        names=("phi [rad]", "z [nm]"),
        axes=axes,
        periods=(2 * math.pi, None),
        free_energy_kcal_mol=free - free.min(),
        standard_error_kcal_mol=np.zeros_like(free),
        temperature=300.0,
    )


def profile(shift: float) -> Surface:
    x = np.linspace(0, 1, 30)
    free = (x - shift) ** 2
    free[-1] = np.inf
    return Surface(
        names=("r [nm]",),
        axes=(x,),
        periods=(None,),
        free_energy_kcal_mol=free - free.min(),
        standard_error_kcal_mol=np.where(x > 0.5, np.nan, 0.1),
        temperature=300.0,
    )


def test_a_map_frames_its_basins_and_breaks_its_path_at_a_periodic_border() -> None:
    path = SurfacePath(
        points=np.column_stack([np.linspace(2.5, 3.8, 40), np.zeros(40)]), free_energy_kcal_mol=np.zeros(40), saddle=20
    )
    figure = draw_map(plane(), regions=[Region(name="site", low=[2.2, -0.5], high=[3.0, math.inf])], path=path)
    axes = figure.axes[0]
    assert "site" in [text.get_text() for text in axes.texts]
    (line,) = [line for line in axes.lines if line.get_label() == "path"]
    assert np.isnan(line.get_xdata()).sum() == 1
    assert np.nanmax(np.abs(line.get_xdata())) < math.pi + 0.08  # half a cell
    assert axes.get_xlabel() == "phi (rad)"


def test_profiles_are_named_and_the_same_twice() -> None:
    pair = {"metadynamics": profile(0.2), "umbrella": profile(0.3)}
    figure = draw_profiles(pair, regions=[Region(name="site", low=[0.1], high=[0.3])])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(pair)
    assert png(figure) == png(draw_profiles(pair, regions=[Region(name="site", low=[0.1], high=[0.3])]))
