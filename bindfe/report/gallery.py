"""The figures of a run: PNG files beside the page, and as many as fit inside it."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bindfe.report import style
from bindfe.report.draw_committee import draw_committee
from bindfe.report.draw_leg import (
    draw_convergence,
    draw_growth,
    draw_mixing,
    draw_overlap,
    least_mixed,
    least_overlapping,
)
from bindfe.report.draw_path import draw_profile
from bindfe.report.draw_prediction import draw_budget, draw_cycle, draw_interval
from bindfe.report.material import LigandMaterial, ReportMaterial
from bindfe.results import LegEstimate, PathResult
from bindfe.states import LegKind

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One figure, as a file and as what the page embeds."""

    name: str
    """File name, without directory."""
    title: str
    """What a reader who cannot see it is told."""
    rank: int
    """Pictures of a low rank are embedded first where not all fit."""
    png: bytes
    """The PNG file."""
    embedded: bytes
    """SVG, which stays sharp; the PNG where that is less than half as large."""

    @property
    def data_uri(self) -> str:
        """The picture as an address that needs no file and no network."""
        return as_data_uri(self.embedded)


def as_data_uri(image: bytes) -> str:
    """An SVG or PNG image as an address that holds it; a script in it cannot run there."""
    kind = "png" if image.startswith(b"\x89PNG") else "svg+xml"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode('ascii')}"


def legs_of(material: LigandMaterial) -> dict[LegKind, tuple[LegEstimate, ...]]:
    """The repeats of each leg, in order."""
    kinds = dict.fromkeys(leg.kind for leg in material.legs)
    return {
        kind: tuple(sorted((leg for leg in material.legs if leg.kind is kind), key=lambda leg: leg.repeat))
        for kind in kinds
    }


def draw_ligand(material: LigandMaterial, run: ReportMaterial, *, stem: str) -> dict[str, Picture]:
    """Draw every figure of a ligand.

    Args:
        material: The ligand.
        run: The run that it belongs to, for coverages and thresholds.
        stem: What the names of its files begin with.

    Returns:
        Pictures by role: ``interval``, ``budget``, ``cycle``, ``committee`` if there is one,
        ``surface`` and ``growth`` along a path, ``overlap-LEG``, ``convergence-LEG``, ``mixing-LEG``
        for each leg.
    """
    prediction, binding, measured = material.prediction, material.binding, material.measured
    interval = draw_interval(
        prediction,
        binding,
        coverages=run.coverages,
        force_field=material.force_field,
        measured=measured,
        exact_kcal_mol=material.exact_kcal_mol,
    )
    drawn = {
        "interval": _picture(interval, f"{stem}-interval", 0, f"Predicted value of {prediction.ligand} with intervals"),
        "cycle": _picture(draw_cycle(binding, measured=measured), f"{stem}-cycle", 1, "Terms of the cycle as steps"),
        "budget": _picture(draw_budget(prediction.budget), f"{stem}-budget", 2, "Shares of the variance"),
    }
    if material.path is not None:
        drawn |= draw_path(material.path, stem=stem)
    if material.committee:
        figure = draw_committee(material.committee)
        drawn["committee"] = _picture(figure, f"{stem}-committee", 3, "Members less their mean")
    for kind, legs in legs_of(material).items():
        drawn |= _draw_leg(legs, f"{stem}", kind.value, minimum=run.minimum_overlap, temperature=binding.temperature)
    return drawn


def draw_path(path: PathResult, *, stem: str) -> dict[str, Picture]:
    """Draw the surface along a path and how its free energy grew; by role: ``surface`` and ``growth``."""
    growth = {each.repeat: each.convergence for each in path.estimates}
    surface = draw_profile(path)
    convergence = draw_growth(growth, of="delta_g", temperature=path.surface.temperature)
    return {
        "surface": _picture(surface, f"{stem}-surface", 3, "Free energy along the path"),
        "growth": _picture(convergence, f"{stem}-growth", 4, "Convergence along the path"),
    }


def _draw_leg(
    legs: tuple[LegEstimate, ...], stem: str, leg: str, *, minimum: float, temperature: float
) -> dict[str, Picture]:
    worst = least_overlapping(legs)
    figures: tuple[tuple[str, int, Figure], ...] = (
        ("convergence", 4, draw_convergence(legs, temperature=temperature)),
        ("overlap", 5, draw_overlap(worst, minimum=minimum)),
        ("mixing", 6, draw_mixing(least_mixed(legs))),
    )
    return {
        f"{role}-{leg}": _picture(figure, f"{stem}-{role}-{leg}", rank, f"{role.capitalize()} of the {leg} leg")
        for role, rank, figure in figures
    }


def _picture(figure: Figure, stem: str, rank: int, title: str) -> Picture:
    raster, vector = style.png(figure), style.svg(figure)
    embedded = vector if len(vector) <= 2 * len(raster) else raster
    return Picture(name=f"{stem}.png", title=title, rank=rank, png=raster, embedded=embedded)


def embed_what_fits(pictures: Iterable[Picture], *, room: int) -> dict[str, str]:
    """Choose pictures, low ranks first, whose addresses fit into ``room`` bytes; name to address."""
    chosen: dict[str, str] = {}
    for picture in sorted(pictures, key=lambda each: each.rank):
        address = picture.data_uri
        if len(address) <= room:
            chosen[picture.name] = address
            room -= len(address)
    return chosen
