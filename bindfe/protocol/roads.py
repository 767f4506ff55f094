"""Settings of the two physical roads: the ligand is led along a path, by metadynamics or by umbrella sampling."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from bindfe.protocol.fields import Energy, Length, Position, Section, Spring, Time, quantity, setting
from bindfe.units import parse_quantity


def _range(low: str, high: str) -> tuple[float, float]:
    return parse_quantity(low, "A"), parse_quantity(high, "A")


class PathSettings(Section):
    """The way from the site into bulk, and what holds the ligand on it."""

    variable: Literal["axis", "distance"] = setting(
        "axis", "height of the ligand along the receptor's axis (a host), or distance of the centroids"
    )
    bound: tuple[Position, Position] = setting(_range("-5 A", "5 A"), "range of the variable that is the site")
    unbound: tuple[tuple[Position, Position], ...] = setting(
        (_range("13 A", "16 A"), _range("-16 A", "-13 A")),
        "one or more ranges that are bulk: where the surface is flat, one for each side of a host",
    )
    low: Position = quantity("-16 A", "A", "lowest value, held by a wall (axis)")
    high: Position = quantity("16 A", "A", "highest value, held by a wall")
    radius: Length = quantity("3 A", "A", "radius of the cylinder that holds the ligand near the axis", gt=0)
    cone_until: Length = quantity("0 A", "A", "height below which the cylinder widens to a funnel; 0: nowhere")
    slope: float = setting(0.0, "growth of the funnel's radius with depth, the tangent of its half angle", ge=0)
    spring: Spring = quantity("10 kcal/mol/A^2", "kcal/mol/A^2", "k of all walls, U = k/2 x^2")
    axis_spring: Energy = quantity(
        "0 kcal/mol", "kcal/mol", "K of U = K sin^2(angle between receptor's and ligand's axes); 0: none", ge=0
    )
    receptor_atoms: tuple[int, ...] = setting(
        (), "atoms of the receptor, 0-based, that make its axis or centroid; all heavy atoms if empty"
    )
    ligand_atoms: tuple[int, ...] = setting(
        (), "atoms of the ligand, 0-based, that make its centroid; all heavy atoms if empty"
    )

    @model_validator(mode="after")
    def _check(self) -> PathSettings:
        if not self.unbound:
            raise ValueError("path.unbound needs at least one range of bulk")
        for name, (low, high) in (("bound", self.bound), *(("unbound", each) for each in self.unbound)):
            if not low < high:
                raise ValueError(f"path.{name}: a range runs from its lower to its upper end")
        lowest = min(0.0, self.bound[0]) if self.variable == "distance" else self.low
        inside = (*self.bound, *(end for each in self.unbound for end in each))
        if not (lowest <= min(inside) and max(inside) <= self.high):
            raise ValueError("path.bound and path.unbound must lie between path.low and path.high")
        if any(low < self.bound[1] and high > self.bound[0] for low, high in self.unbound):
            raise ValueError("path.unbound and path.bound overlap: a place is the site or bulk")
        return self


class MetadynamicsSettings(Section):
    """A bias that grows until the ligand comes and goes freely (``sampling.length`` is that of each walker)."""

    engine: Literal["plumed", "openmm"] = setting("plumed", "what builds the bias; openmm: metad with one walker only")
    method: Literal["metad", "opes_metad", "opes_explore"] = setting(
        "metad", "well-tempered metadynamics, or OPES in one of its two forms"
    )
    height: Energy = quantity("0.25 kcal/mol", "kcal/mol", "height of the first Gaussian (metad)", gt=0)
    width: Length = quantity("0.5 A", "A", "standard deviation of the Gaussians along the path", gt=0)
    pace: Time = quantity("1 ps", "ps", "time between Gaussians", gt=0)
    bias_factor: float = setting(10.0, "how much hotter the path is than the rest", gt=1)
    barrier: Energy = quantity("10 kcal/mol", "kcal/mol", "highest barrier to be crossed (OPES)", gt=0)
    sample_every: Time = quantity("0.2 ps", "ps", "time between lines of COLVAR", gt=0)
    walkers: int = setting(1, "walkers of each repeat that share a bias (metad)", ge=1, le=64)
    discard: float = setting(0.2, "first part of the time, in which the bias grows, that is left out", ge=0, lt=1)
    weighting: Literal["tiwary-parrinello", "final"] = setting(
        "tiwary-parrinello", "how samples are weighed (metad): by the bias of their time, or by the last one"
    )
    script: str = setting(
        "",
        "a plumed.dat of your own instead of the one written from these keys: its bias has the label `bias`, and it "
        "prints the columns of the written one to COLVAR",
        physics=False,
    )


class WindowSettings(Section):
    """Umbrella sampling: windows along the path that exchange (``sampling.length`` is that of each window)."""

    spring: Spring = quantity("2.5 kcal/mol/A^2", "kcal/mol/A^2", "least spring of a window; stiffer over barriers")
    pull_spring: Spring = quantity("12 kcal/mol/A^2", "kcal/mol/A^2", "spring that pulls the ligand out and back")
    pull_time: Time = quantity("100 ps", "ps", "time of each of the two pulls, from path.low to path.high", gt=0)
    starts: Literal["both", "out", "in"] = setting(
        "both", "which pull gives the windows' starts: even repeats out of the site and odd ones into it, or one"
    )
    trial_cycles: int = setting(20, "cycles of a first run that shows gaps, in which windows are added", ge=0)
    trial_overlap: float = setting(0.1, "overlap of neighbours below which a window is added", ge=0, le=1)
    discard: float = setting(0.2, "first part of the cycles that is left out", ge=0, lt=1)


class GateSettings(Section):
    """What a free energy along a path must show before it is a value."""

    round_trips: int = setting(10, "journeys between site and bulk and back in each repeat", ge=1, physics=False)
    agreement: float = setting(
        0.95, "chance that repeats that agree pass the gate of agreement", gt=0, lt=1, physics=False
    )
