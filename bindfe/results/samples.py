"""From a prepared leg to what sampling leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bindfe.errors import EstimateError
from bindfe.results.arrays import Floats, Integers, freeze
from bindfe.states import LambdaSchedule, LegKind, Restraint, ThermodynamicState


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedLeg:
    """One leg, ready to be sampled on any node that has OpenMM; its files lie beside ``leg.json``.

    ``system.xml`` is the alchemical System with its restraint, ``topology.cif`` and ``state.xml`` the
    atoms, coordinates and box of ``start_state``. ``plain.xml`` is the physical System of the
    interacting end (no alchemy, no restraint); a transfer leg also has ``free.xml``, the ligand alone
    in the same solvent. Files of more than two million characters are compressed, with ``.gz`` behind their names.
    """

    kind: LegKind
    """Which leg."""
    ligand: str
    """Name of the ligand."""
    thermodynamic_state: ThermodynamicState
    """Temperature and pressure."""
    schedule: LambdaSchedule | None
    """The alchemical states as lambdas, (K,); None where nothing is alchemical."""
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
    restraint_reason: str = ""
    """Why a Boresch restraint has these anchors; empty for other restraints."""
    counterions: tuple[int, ...] = ()
    """Ions of the solvent that are discharged together with a charged ligand."""


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
        freeze(self, "u_kn", (None, None))
        states, samples = self.u_kn.shape
        freeze(self, "n_k", (states,), int)
        for name in ("state_of_sample", "replica_of_sample", "cycle_of_sample"):
            freeze(self, name, (samples,), int)
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
        freeze(self, "forward", (None,))
        freeze(self, "reverse", (None,))


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
        freeze(self, "u_mn", (len(self.members), None))
        freeze(self, "u_mm", (self.u_mn.shape[1],))


@dataclass(frozen=True, kw_only=True, slots=True)
class BiasedSamples:
    """Collective variables along a biased run, and what each sample weighs."""

    names: tuple[str, ...]
    """The variables, with their units: ``distance [nm]``, (D,)."""
    cv: Floats
    """Variables of sample n, (N, D), walkers one after the other or interleaved, each in time order."""
    bias: Floats
    """Bias on sample n, less the offset that grows with time [kT], (N,): the log of its weight."""
    hold: Floats
    """Energy of the restraints (funnel, walls) on sample n [kT], (N,); they are on in bulk and off in the site."""
    time: Floats
    """Time of sample n in its walker [ps], (N,)."""
    walker: Integers
    """Walker that sample n belongs to, (N,)."""
    temperature: float
    """Temperature [K]."""

    def __post_init__(self) -> None:
        freeze(self, "cv", (None, len(self.names)))
        for name in ("bias", "hold", "time"):
            freeze(self, name, (len(self.cv),))
        freeze(self, "walker", (len(self.cv),), int)

    @property
    def simulated_ps(self) -> float:
        """Time simulated, over all walkers [ps]."""
        return float(sum(np.ptp(self.time[self.walker == each]) for each in np.unique(self.walker)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Hills:
    """Gaussians that metadynamics added to its bias, in the order of their time.

    The bias is their sum. (PLUMED's files hold heights times gamma/(gamma - 1), which give minus the free
    energy; they are undone on reading.)
    """

    names: tuple[str, ...]
    """The variables, (D,)."""
    time: Floats
    """When each was added [ps], (H,)."""
    centre: Floats
    """Where, in the variables' units, (H, D)."""
    width: Floats
    """Standard deviations, (H, D)."""
    height: Floats
    """Heights in the bias [kJ/mol], (H,)."""
    bias_factor: float
    """gamma; infinite for hills of constant height."""
    periods: tuple[float | None, ...]
    """Period of each variable; None for an open one, (D,)."""
    stretched: bool = False
    """Whether each Gaussian is cut where it is e^-6.25 and stretched to end at zero, as PLUMED's are."""

    def __post_init__(self) -> None:
        freeze(self, "time", (None,))
        freeze(self, "height", self.time.shape)
        for name in ("centre", "width"):
            freeze(self, name, (len(self.time), len(self.names)))
        if len(self.periods) != len(self.names):
            raise EstimateError(f"hills on {self.names} have periods {self.periods}: one for each is needed")


@dataclass(frozen=True, kw_only=True, slots=True)
class UmbrellaWindow:
    """A harmonic well along a variable: U = k/2 (s - c)^2."""

    centre: float
    """c [unit of the variable]."""
    spring: float
    """k [kJ/mol/unit^2]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PullingTrace:
    """A variable while a spring's centre moved from one end of its range to the other."""

    centre: Floats
    """Centre of the spring, (N,)."""
    value: Floats
    """The variable, (N,)."""
    spring: float
    """k [kJ/mol/unit^2]."""

    def __post_init__(self) -> None:
        freeze(self, "centre", (None,))
        freeze(self, "value", self.centre.shape)


@dataclass(frozen=True, kw_only=True, slots=True)
class UmbrellaSamples:
    """Values of a variable in all windows, from one repeat."""

    name: str
    """The variable, with its unit."""
    centre: Floats
    """Centre of each window, (K,)."""
    spring: Floats
    """Spring of each window [kJ/mol/unit^2], (K,)."""
    period: float | None
    """Period of the variable; None for an open one."""
    value: Floats
    """The variable in window k at cycle c, (K, C)."""
    hold: Floats
    """Energy of the restraints there [kT], (K, C)."""
    replica: Integers
    """Replica that was in the window, (K, C)."""
    cycle_ps: float
    """Time between two cycles [ps]."""
    temperature: float
    """Temperature [K]."""
    seed: int
    """Seed of the repeat."""

    def __post_init__(self) -> None:
        freeze(self, "centre", (None,))
        freeze(self, "spring", self.centre.shape)
        freeze(self, "value", (len(self.centre), None))
        freeze(self, "hold", self.value.shape)
        freeze(self, "replica", self.value.shape, int)
