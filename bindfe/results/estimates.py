"""Free energies: of a leg, of a closed cycle, and what a committee says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from bindfe.results.arrays import Floats, freeze
from bindfe.states import LegKind


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
        freeze(self, "fraction", (None,))
        for name in ("forward", "forward_error", "reverse", "reverse_error"):
            freeze(self, name, self.fraction.shape)


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
        freeze(self, "transitions", (None, None))


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
        freeze(self, "f_k", (None,))
        states = len(self.f_k)
        freeze(self, "covariance", (states, states))
        freeze(self, "overlap", (states, states))
        freeze(self, "n_effective", (states,))

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
class CommitteeRoute:
    """How the free energies of a committee's members were found."""

    route: str
    """The estimator: ``exponential``, ``second cumulant``, ``first cumulant``, ``mbar`` or ``both ends``."""
    trusted: bool
    """False if a gate speaks against every route that the frames allow."""
    unidirectional: bool
    """True if a member drove no frames: a mode that was not visited would not show, and nothing is promised."""
    alpha: float
    """Rescaling of the members about their mean."""
    reason: str
    """Why this route, in plain words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BindingEstimate:
    """A binding or hydration free energy, or a difference of two, from a closed cycle with every term named.

    Binding: bound less unbound at 1 mol/L, negative binds. Hydration: in water less in the gas, both at
    1 mol/L, negative dissolves.
    """

    ligand: str
    """Name of the ligand, or of the pair: ``first~second``."""
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
    """Standard error of each member's difference from the mean of all [kcal/mol], (M,)."""
    committee: CommitteeRoute | None = None
    """How the members' delta_g were found; None without them."""
    quantity: Literal["absolute", "relative", "hydration"] = "absolute"
    """Binding of a ligand to a receptor, of a second ligand less a first, or hydration of a ligand."""
    round_trips: int | None = None
    """Fewest end-to-end journeys of any leg and repeat; None where replicas were not exchanged."""
    warnings: tuple[str, ...] = ()
    """What a user should know, in plain words."""

    def __post_init__(self) -> None:
        freeze(self, "delta_g_repeats", (None,))
        freeze(self, "bootstrap_errors", self.delta_g_repeats.shape)
        freeze(self, "delta_g_members", (None,))
        freeze(self, "member_errors", self.delta_g_members.shape)


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
        freeze(self, "spread_kt", (len(self.members),))
        freeze(self, "offset_kt", (len(self.members),))


@dataclass(frozen=True, kw_only=True, slots=True)
class Departure:
    """A frame of the potential's end on which an atom left the domain of the reference frames."""

    environment: str
    """Where."""
    repeat: int
    """Which repeat."""
    time_ps: float
    """Time since the run at the potential's end began [ps]."""
    atoms: tuple[int, ...]
    """Atoms outside, numbered in the ligand from 0."""
    distance: float
    """Largest distance in feature space over its limit; above 1 is outside."""
    disagreement: float
    """Largest disagreement of the members about an atom over its limit; above 1 is outside."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AtomReport:
    """What a committee says atom by atom."""

    disagreement_kcal_mol: Floats
    """sd over members of each atom's part of the free energy difference, to first order [kcal/mol], (N,);
    hydrogens' parts are with the heavy atom that they stand at."""
    n_reference: int
    """Frames of the force field's ends that the domain was learned from."""
    n_frames: int
    """Frames of the potential's ends that were judged."""
    departures: tuple[Departure, ...] = ()
    """Those that left the domain, in the order of environment, repeat and time."""

    def __post_init__(self) -> None:
        freeze(self, "disagreement_kcal_mol", (None,))
