"""Statements about a ligand: measured, calculated by others, and predicted with an error budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bindfe.errors import EstimateError

ComponentKind = Literal["sampling", "committee", "model", "assay", "analytic"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Component:
    """One source of error of a prediction."""

    kind: ComponentKind
    """Which source."""
    standard_error_kcal_mol: float
    """Its standard error [kcal/mol]."""
    degrees_of_freedom: float
    """Degrees of freedom behind it; infinite if known exactly."""
    explanation: str
    """One sentence for the report: where the number comes from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UncertaintyBudget:
    """The parts of a prediction's error; their squares sum to the total's."""

    components: tuple[Component, ...]
    """The parts, at most one of each kind."""

    @property
    def standard_error_kcal_mol(self) -> float:
        """Root of the sum of the components' squares [kcal/mol]."""
        return float(np.sqrt(sum(c.standard_error_kcal_mol**2 for c in self.components)))

    @property
    def degrees_of_freedom(self) -> float:
        """Welch-Satterthwaite degrees of freedom of the total."""
        parts = [c for c in self.components if c.standard_error_kcal_mol > 0 and np.isfinite(c.degrees_of_freedom)]
        if not parts:
            return float("inf")
        spread = sum(c.standard_error_kcal_mol**4 / c.degrees_of_freedom for c in parts)
        return float(self.standard_error_kcal_mol**4 / spread)

    def component(self, kind: ComponentKind) -> Component | None:
        """The component of a kind, or None if the budget has no such line."""
        return next((c for c in self.components if c.kind == kind), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """A value and an interval, with the parts of its error and what the interval promises.

    The predictive distribution is a Student t with ``location``, ``scale`` and
    ``degrees_of_freedom``. A t scale is not a standard deviation: ``standard_error_kcal_mol`` is the
    predictive one.
    """

    ligand: str
    """Ligand, or the second ligand of a pair."""
    reference: str | None = None
    """First ligand of a pair; None for an absolute delta_g."""
    target: str = ""
    """Receptor or series."""
    quantity: Literal["absolute", "relative", "hydration"] = "absolute"
    """Whether this is delta_g of binding, delta_delta_g of binding, or delta_g of hydration."""
    raw_kcal_mol: float
    """Value before calibration [kcal/mol]."""
    location_kcal_mol: float
    """Centre of the predictive distribution [kcal/mol]."""
    scale_kcal_mol: float
    """Scale of the predictive t distribution [kcal/mol]."""
    degrees_of_freedom: float
    """Its degrees of freedom; infinite for a normal distribution."""
    conformal: tuple[tuple[float, float], ...] = ()
    """Pairs (coverage, half-width [kcal/mol]) that replace the t quantiles where given."""
    calibrated: bool = False
    """True if the interval's coverage was tested on proteins that it was not fitted on."""
    guarantee: str = ""
    """What the interval promises, in plain words."""
    unidirectional: bool = False
    """True if a part of it rests on frames of one end only; then it never has a guarantee."""
    budget: UncertaintyBudget
    """The parts of the error."""
    fingerprint: str = ""
    """Identity of the calculation behind it."""
    warnings: tuple[str, ...] = ()
    """What a user should know, in plain words."""

    @property
    def name(self) -> str:
        """What was calculated, as its folder is called: the ligand, or ``first~second`` for a pair."""
        return self.ligand if self.reference is None else f"{self.reference}~{self.ligand}"

    @property
    def standard_error_kcal_mol(self) -> float:
        """Standard deviation of the predictive distribution [kcal/mol]; infinite for 2 degrees or fewer."""
        if np.isinf(self.degrees_of_freedom):
            return self.scale_kcal_mol
        if self.degrees_of_freedom <= 2:
            return float("inf")
        return float(self.scale_kcal_mol * np.sqrt(self.degrees_of_freedom / (self.degrees_of_freedom - 2)))

    def half_width(self, coverage: float) -> float:
        """Half the width of the central interval at ``coverage`` (0 to 1) [kcal/mol].

        Raises:
            EstimateError: The coverage is not between 0 and 1.
        """
        if not 0.0 < coverage < 1.0:
            raise EstimateError(f"a coverage of {coverage:g} was asked for; it lies between 0 and 1, for example 0.95")
        for level, width in self.conformal:
            if abs(level - coverage) < 1e-9:
                return width
        return float(self.scale_kcal_mol * _t_quantile(0.5 + coverage / 2, self.degrees_of_freedom))

    def interval(self, coverage: float = 0.95) -> tuple[float, float]:
        """Central interval at ``coverage`` (0 to 1) [kcal/mol]."""
        half = self.half_width(coverage)
        return self.location_kcal_mol - half, self.location_kcal_mol + half

    def cdf(self, delta_g_kcal_mol: float) -> float:
        """Probability that the true value is below ``delta_g_kcal_mol``."""
        if self.scale_kcal_mol == 0:
            return float(delta_g_kcal_mol >= self.location_kcal_mol)
        return _t_cdf((delta_g_kcal_mol - self.location_kcal_mol) / self.scale_kcal_mol, self.degrees_of_freedom)


def _t_quantile(probability: float, degrees_of_freedom: float) -> float:
    from scipy import stats  # 0.3 s to import: `bindfe --help` must not pay for it

    if np.isinf(degrees_of_freedom):
        return float(stats.norm.ppf(probability))
    return float(stats.t.ppf(probability, degrees_of_freedom))


def _t_cdf(z: float, degrees_of_freedom: float) -> float:
    from scipy import stats

    if np.isinf(degrees_of_freedom):
        return float(stats.norm.cdf(z))
    return float(stats.t.cdf(z, degrees_of_freedom))


@dataclass(frozen=True, kw_only=True, slots=True)
class Affinity:
    """A measured binding free energy."""

    ligand: str
    """Name of the ligand."""
    delta_g_kcal_mol: float
    """Measured value at 1 mol/L [kcal/mol]."""
    standard_error_kcal_mol: float
    """Its standard error [kcal/mol]."""
    temperature: float
    """Temperature [K]."""
    assay: str = ""
    """Method, buffer and pH."""
    source: str = ""
    """Where it was published."""
    target: str = ""
    """Receptor or series; empty if the file has only one."""
    measure: Literal["delta_g", "kd", "ki", "ic50", "unknown"] = "delta_g"
    """What was measured; an IC50 is a delta_g only up to a constant of its assay."""
    relation: Literal["=", "<", ">"] = "="
    """``<`` or ``>``: the true delta_g is only known to lie below or above the value (censored)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Calculation:
    """One computed edge or ligand, from bindfe or from another tool, before any calibration."""

    ligand: str
    """Ligand, or the second ligand of an edge."""
    reference: str | None = None
    """First ligand of an edge; ``series mean`` for a ligand of a relative network; None for a delta_g."""
    target: str = ""
    """Series that the ligands belong to."""
    protein: str = ""
    """Protein of the series; series of one protein are never on both sides of a split."""
    quantity: Literal["absolute", "relative"] = "relative"
    """Whether the value is delta_g or a difference of two."""
    value_kcal_mol: float
    """Mean over repeats [kcal/mol]; an edge is delta_g(ligand) - delta_g(reference)."""
    standard_error_kcal_mol: float = float("nan")
    """Standard error that the tool reports for the value [kcal/mol]; nan if it reports none."""
    repeats: tuple[float, ...] = ()
    """The value from each repeat [kcal/mol], where the file has them."""
    repeat_error_kcal_mol: float = float("nan")
    """Root mean square of the single repeats' own (MBAR) standard errors [kcal/mol]."""
    committee_kcal_mol: float = 0.0
    """Standard deviation over the members of a committee of potentials [kcal/mol]."""
    features: Mapping[str, float] = field(default_factory=dict)
    """What may tell an easy calculation from a hard one, by name; absent where unknown."""
    measured_kcal_mol: float = float("nan")
    """Measured value beside it in the file [kcal/mol]; nan if there is none. Never read by a prediction."""
    measured_relation: Literal["=", "<", ">"] = "="
    """``<`` or ``>``: the true value is only known to lie below or above the measured one (censored)."""
    source: str = ""
    """File and line."""
