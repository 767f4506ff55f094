"""The records that one stage hands to the next: frozen, keyword-only, shapes checked once.

Reduced quantities are in kT of the leg's temperature; free energies that a user sees are in
kcal/mol and their names say so. Arrays are set read-only.
"""

from __future__ import annotations

from bindfe.results.arrays import Floats, Integers
from bindfe.results.estimates import BindingEstimate, CommitteeReport, Convergence, LegEstimate, Mixing, Term
from bindfe.results.predictions import Affinity, Calculation, Component, ComponentKind, Prediction, UncertaintyBudget
from bindfe.results.samples import CommitteeEnergies, PreparedLeg, ReducedPotentials, SwitchingWork

__all__ = [
    "Affinity",
    "BindingEstimate",
    "Calculation",
    "CommitteeEnergies",
    "CommitteeReport",
    "Component",
    "ComponentKind",
    "Convergence",
    "Floats",
    "Integers",
    "LegEstimate",
    "Mixing",
    "Prediction",
    "PreparedLeg",
    "ReducedPotentials",
    "SwitchingWork",
    "Term",
    "UncertaintyBudget",
]
