"""What sampling along a path leaves behind: every repeat, the gates, and the surface."""

from __future__ import annotations

from dataclasses import dataclass

from bindfe.results.surfaces import BarrierRates, BindingRegions, Judgement, Surface, SurfaceEstimate


@dataclass(frozen=True, kw_only=True, slots=True)
class PathResult:
    """One ligand's way out of its site, whether or not its free energy may be told."""

    ligand: str
    """Name of the ligand."""
    road: str
    """``metadynamics`` or ``umbrella``."""
    estimates: tuple[SurfaceEstimate, ...]
    """Each repeat, (R,)."""
    judgement: Judgement
    """The gates."""
    regions: BindingRegions
    """The site and bulk."""
    surface: Surface
    """Free energy along the path, restraints on, pooled over repeats; its lowest point is 0."""
    rates: BarrierRates | None = None
    """What its barrier suggests about rates; None where the surface does not reach from site to bulk."""
