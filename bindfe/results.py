"""The records that one stage hands to the next: frozen, keyword-only, shapes checked once.

Reduced quantities are in kT of the leg's temperature; free energies that a user sees are in
kcal/mol and their names say so. Arrays are set read-only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bindfe.errors import EstimateError
from bindfe.states import LambdaSchedule, LegKind, Restraint, ThermodynamicState

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def _freeze(record: object, name: str, shape: tuple[int | None, ...], dtype: type = float) -> None:
    """Store ``record.name`` as a read-only array after checking its shape (None is any length)."""
    array: NDArray[Any] = np.array(getattr(record, name), dtype=dtype)
    if array.ndim != len(shape) or any(want not in (None, have) for want, have in zip(shape, array.shape, strict=True)):
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise EstimateError(f"{type(record).__name__}.{name} has shape {array.shape}, ({wanted}) is needed")
    array.setflags(write=False)
    object.__setattr__(record, name, array)


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedLeg:
    """One leg, ready to be sampled on any node that has OpenMM; its files lie beside ``leg.json``.

    ``system.xml`` is the alchemical System with its restraint, ``topology.cif`` and ``state.xml`` the
    atoms, coordinates and box of ``start_state``. ``plain.xml`` is the physical System of the
    interacting end (no alchemy, no restraint); a transfer leg also has ``free.xml``, the ligand alone
    in the same solvent.
    """

    kind: LegKind
    """Which leg."""
    ligand: str
    """Name of the ligand."""
    thermodynamic_state: ThermodynamicState
    """Temperature and pressure."""
    schedule: LambdaSchedule
    """The alchemical states as lambdas, (K,)."""
    parameters: tuple[Mapping[str, float], ...]
    """The OpenMM global parameters of each state, (K,)."""
    linear_parameters: tuple[str, ...]
    """Parameters in which the energy is linear and whose derivative the System reports."""
    start_state: int
    """The state that the coordinates belong to: the interacting end, from which the others are reached."""
    n_atoms: int
    """Atoms of the System."""
    receptor_atoms: tuple[int, ...]
    """Atoms of the receptor; empty in a leg without it."""
    ligand_atoms: tuple[int, ...]
    """Atoms of the ligand: those that alchemy and a potential act on."""
    restraint: Restraint | None
    """What holds the ligand where it does not interact, atoms as in the System; None without a receptor."""
    checksums: Mapping[str, str]
    """SHA-256 of each file beside the record."""
    fingerprint: str
    """Identity of the calculation that the leg belongs to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReducedPotentials:
    """Energies of stored samples in every state of a leg, from one repeat."""

    u_kn: Floats
    """Reduced potential of sample n in state k [kT], (K, N), samples in time order."""
    n_k: Integers
    """Samples drawn from each state, (K,); 0 for a state that drove nothing."""
    state_of_sample: Integers
    """State that sample n was drawn from, (N,)."""
    replica_of_sample: Integers
    """Replica that sample n belongs to, (N,)."""
    cycle_of_sample: Integers
    """Exchange cycle in which sample n was taken, (N,); not decreasing."""
    seed: int
    """Seed of the repeat."""

    def __post_init__(self) -> None:
        _freeze(self, "u_kn", (None, None))
        states, samples = self.u_kn.shape
        _freeze(self, "n_k", (states,), int)
        for name in ("state_of_sample", "replica_of_sample", "cycle_of_sample"):
            _freeze(self, name, (samples,), int)
        counted = [np.count_nonzero(self.state_of_sample == state) for state in range(states)]
        if not np.array_equal(counted, self.n_k) or self.n_k.sum() != samples:
            raise EstimateError("ReducedPotentials.n_k does not count state_of_sample")
        if np.any(np.diff(self.cycle_of_sample) < 0):
            raise EstimateError("ReducedPotentials.cycle_of_sample decreases: samples must stand in time order")


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchingWork:
    """Work of driving a system from state 0 to 1 (forward) and back (reverse)."""

    forward: Floats
    """Work of each forward switch [kT], (N,)."""
    reverse: Floats
    """Work of each reverse switch [kT], (M,), positive when done on the system."""

    def __post_init__(self) -> None:
        _freeze(self, "forward", (None,))
        _freeze(self, "reverse", (None,))


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitteeEnergies:
    """Energies of every committee member, and of the force field, on stored frames."""

    u_mn: Floats
    """Reduced potential of member m on frame n, less that member's reference offset [kT], (M, N)."""
    u_mm: Floats
    """Reduced potential of the force field's same part on frame n, less its reference [kT], (N,)."""
    members: tuple[str, ...]
    """Names of the members, (M,)."""
    environment: str
    """Where the frames come from: ``bound`` or ``free``."""
    driver: str
    """What sampled the frames: ``mm``, ``mean`` or a member's name."""

    def __post_init__(self) -> None:
        _freeze(self, "u_mn", (len(self.members), None))
        _freeze(self, "u_mm", (self.u_mn.shape[1],))


@dataclass(frozen=True, kw_only=True, slots=True)
class Convergence:
    """The estimate from growing parts of the samples, from the start and from the end."""

    fraction: Floats
    """Part of the samples used, (F,)."""
    forward: Floats
    """Estimate from the first part [kT], (F,)."""
    forward_error: Floats
    """Its standard error [kT], (F,)."""
    reverse: Floats
    """Estimate from the last part [kT], (F,)."""
    reverse_error: Floats
    """Its standard error [kT], (F,)."""

    def __post_init__(self) -> None:
        _freeze(self, "fraction", (None,))
        for name in ("forward", "forward_error", "reverse", "reverse_error"):
            _freeze(self, name, self.fraction.shape)


@dataclass(frozen=True, kw_only=True, slots=True)
class Mixing:
    """How well replicas moved between states."""

    transitions: Floats
    """Probability that a replica in state i is in state j one cycle later, (K, K); rows sum to 1."""
    second_eigenvalue: float
    """Second largest eigenvalue of the transitions; 1 means that replicas never mix."""
    round_trips: int
    """Journeys from the first state to the last and back, over all replicas."""

    def __post_init__(self) -> None:
        _freeze(self, "transitions", (None, None))


@dataclass(frozen=True, kw_only=True, slots=True)
class LegEstimate:
    """Free energies of the states of one leg from one repeat."""

    kind: LegKind
    """Which leg."""
    repeat: int
    """Which repeat."""
    f_k: Floats
    """Reduced free energies relative to state 0 [kT], (K,)."""
    covariance: Floats
    """Covariance of f_k [kT^2], (K, K)."""
    bootstrap_error: float
    """Standard error of f_k[-1] - f_k[0] by block bootstrap [kT]."""
    overlap: Floats
    """MBAR overlap matrix, (K, K); rows sum to 1."""
    n_effective: Floats
    """Effective (decorrelated) samples drawn from each state, (K,)."""
    equilibrated_from: int
    """First cycle that was used."""
    n_cycles: int
    """Cycles that the repeat has."""
    statistical_inefficiency: float
    """Cycles per independent cycle, g >= 1."""
    convergence: Convergence
    """The same difference from parts of the samples."""
    mixing: Mixing
    """How replicas moved."""
    warnings: tuple[str, ...] = ()
    """What a user should know, in plain words."""

    def __post_init__(self) -> None:
        _freeze(self, "f_k", (None,))
        states = len(self.f_k)
        _freeze(self, "covariance", (states, states))
        _freeze(self, "overlap", (states, states))
        _freeze(self, "n_effective", (states,))

    @property
    def delta_f(self) -> float:
        """Free energy of the last state less that of the first [kT]."""
        return float(self.f_k[-1] - self.f_k[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One edge of the thermodynamic cycle, with the sign with which it enters delta_g."""

    name: str
    """For example ``transfer``, ``restraint release``, ``standard state``, ``symmetry``, ``ML/MM``."""
    delta_g_kcal_mol: float
    """Contribution to delta_g [kcal/mol]."""
    standard_error_kcal_mol: float
    """Statistical standard error [kcal/mol]; 0 for an analytic term."""
    explanation: str
    """One sentence for the report."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BindingEstimate:
    """A binding free energy from a closed cycle, with every term named.

    Bound less unbound at 1 mol/L: negative binds.
    """

    ligand: str
    """Name of the ligand."""
    temperature: float
    """Temperature [K]."""
    delta_g_kcal_mol: float
    """Sum of the terms [kcal/mol]."""
    terms: tuple[Term, ...]
    """The edges of the cycle, averaged over repeats; they sum to delta_g."""
    delta_g_repeats: Floats
    """delta_g of each repeat [kcal/mol], (R,)."""
    bootstrap_errors: Floats
    """Bootstrap standard error of each repeat [kcal/mol], (R,)."""
    delta_g_members: Floats
    """delta_g under each committee member [kcal/mol], (M,); empty without a committee correction."""
    member_errors: Floats
    """Standard error of each member's difference from the mean [kcal/mol], (M,)."""
    round_trips: int | None = None
    """Fewest end-to-end journeys of any leg and repeat; None where replicas were not exchanged."""
    warnings: tuple[str, ...] = ()
    """What a user should know, in plain words."""

    def __post_init__(self) -> None:
        _freeze(self, "delta_g_repeats", (None,))
        _freeze(self, "bootstrap_errors", self.delta_g_repeats.shape)
        _freeze(self, "delta_g_members", (None,))
        _freeze(self, "member_errors", self.delta_g_members.shape)


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
    quantity: Literal["absolute", "relative"] = "absolute"
    """Whether this is delta_g or delta_delta_g."""
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
    budget: UncertaintyBudget
    """The parts of the error."""
    fingerprint: str = ""
    """Identity of the calculation behind it."""
    warnings: tuple[str, ...] = ()
    """What a user should know, in plain words."""

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


@dataclass(frozen=True, kw_only=True, slots=True)
class CommitteeReport:
    """What a committee's energies say about one environment, without having driven anything."""

    environment: str
    """``bound`` or ``free``."""
    members: tuple[str, ...]
    """Names of the members, (M,)."""
    n_frames: int
    """Frames evaluated."""
    spread_kt: Floats
    """sd over frames of (member - committee mean) [kT], (M,)."""
    offset_kt: Floats
    """Mean over frames of (member - committee mean) [kT], (M,)."""
    gap_spread_kt: float
    """sd over frames of (committee mean - force field) [kT]: how far the potential is from what sampled."""
    n_effective: float
    """Frames left after reweighting from the force field to the committee's mean."""
    notes: tuple[str, ...] = field(default=())
    """Plain words for the report."""

    def __post_init__(self) -> None:
        _freeze(self, "spread_kt", (len(self.members),))
        _freeze(self, "offset_kt", (len(self.members),))
