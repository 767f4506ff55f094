"""The records that one stage hands to the next: frozen, keyword-only, shapes checked once.

Reduced quantities are in kT of the leg's temperature; free energies that a user sees are in
kcal/mol and their names say so. Arrays are set read-only.
"""

from __future__ import annotations

from bindfe.results.arrays import Floats, Integers
from bindfe.results.estimates import (
    AtomReport,
    BindingEstimate,
    CommitteeReport,
    CommitteeRoute,
    Convergence,
    Departure,
    LegEstimate,
    Mixing,
    Term,
)
from bindfe.results.paths import PathResult
from bindfe.results.predictions import Affinity, Calculation, Component, ComponentKind, Prediction, UncertaintyBudget
from bindfe.results.samples import (
    BiasedSamples,
    CommitteeEnergies,
    Hills,
    PreparedLeg,
    PullingTrace,
    ReducedPotentials,
    SwitchingWork,
    UmbrellaSamples,
    UmbrellaWindow,
)
from bindfe.results.surfaces import (
    BarrierRates,
    BindingRegions,
    Gate,
    Judgement,
    NotConverged,
    Region,
    Surface,
    SurfaceEstimate,
    SurfacePath,
)

__all__ = [
    "Affinity",
    "AtomReport",
    "BarrierRates",
    "BiasedSamples",
    "BindingEstimate",
    "BindingRegions",
    "Calculation",
    "CommitteeEnergies",
    "CommitteeReport",
    "CommitteeRoute",
    "Component",
    "ComponentKind",
    "Convergence",
    "Departure",
    "Floats",
    "Gate",
    "Hills",
    "Integers",
    "Judgement",
    "LegEstimate",
    "Mixing",
    "NotConverged",
    "PathResult",
    "Prediction",
    "PreparedLeg",
    "PullingTrace",
    "ReducedPotentials",
    "Region",
    "Surface",
    "SurfaceEstimate",
    "SurfacePath",
    "SwitchingWork",
    "Term",
    "UmbrellaSamples",
    "UmbrellaWindow",
    "UncertaintyBudget",
]
