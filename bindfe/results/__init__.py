"""The records that one stage hands to the next: frozen, keyword-only, shapes checked once.

Reduced quantities are in kT of the leg's temperature; free energies that a user sees are in
kcal/mol and their names say so. Arrays are set read-only.
"""

from __future__ import annotations

from bindfe.results.arrays import Floats, Integers
from bindfe.results.estimates import (
    BindingEstimate,
    CommitteeReport,
    CommitteeRoute,
    Convergence,
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
    ReducedPotentials,
    SwitchingWork,
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
    "ReducedPotentials",
    "Region",
    "Surface",
    "SurfaceEstimate",
    "SurfacePath",
    "SwitchingWork",
    "Term",
    "UncertaintyBudget",
]
