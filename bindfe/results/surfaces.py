"""Free energies along collective variables: regions, surfaces, estimates, and whether they may be told."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bindfe.errors import EstimateError
from bindfe.results.arrays import Floats, freeze
from bindfe.results.estimates import BindingEstimate, Convergence


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """A box in the space of the variables: bound, unbound, or a conformational basin."""

    name: str
    """For example ``bound``, ``above``, ``C7ax``."""
    low: Floats
    """Lower limits in the variables' units, (D,); minus infinity for none."""
    high: Floats
    """Upper limits, (D,); a limit below ``low`` wraps around a periodic variable."""

    def __post_init__(self) -> None:
        freeze(self, "low", (None,))
        freeze(self, "high", self.low.shape)

    def contains(self, cv: Floats) -> NDArray[np.bool_]:
        """Which points (N, D) lie inside, (N,); the lower limit belongs to the region."""
        if cv.ndim != 2 or cv.shape[1] != len(self.low):
            raise EstimateError(
                f"region '{self.name}' has {len(self.low)} variables and the points have shape {cv.shape}: "
                "give limits for each variable, infinite ones where it does not matter"
            )
        above, below = cv >= self.low, cv < self.high
        return np.asarray(np.all(np.where(self.low <= self.high, above & below, above | below), axis=1))


@dataclass(frozen=True, kw_only=True, slots=True)
class BindingRegions:
    """Where a ligand counts as bound, where as free, and how much room it has there."""

    bound: Region
    """The site."""
    unbound: tuple[Region, ...]
    """Bulk, in one or more places (the two sides of a barrel), (S,)."""
    volumes_nm3: tuple[float, ...]
    """Effective volume of each place under the restraints that act there [nm^3], (S,)."""
    n_equivalent: int = 1
    """Equivalent sites or poses that the run could not reach, the sampled one included."""

    def __post_init__(self) -> None:
        if not self.unbound or len(self.unbound) != len(self.volumes_nm3) or min(self.volumes_nm3) <= 0:
            raise EstimateError(
                f"{len(self.unbound)} unbound regions with volumes {self.volumes_nm3}: at least one region, and one "
                "positive volume for each, are needed"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Surface:
    """A free energy on a grid of one or two variables; its lowest point is 0."""

    names: tuple[str, ...]
    """The variables, with their units, (D,)."""
    axes: tuple[Floats, ...]
    """Grid of each variable, (G1,), (G2,); evenly spaced."""
    periods: tuple[float | None, ...]
    """Period of each variable; None for an open one, (D,)."""
    free_energy_kcal_mol: NDArray[np.float64]
    """F(s) [kcal/mol], (G1,) or (G1, G2); infinite where nothing was seen."""
    standard_error_kcal_mol: NDArray[np.float64]
    """Standard error of F(s) [kcal/mol], the same shape; not a number where it is unknown."""
    temperature: float
    """Temperature [K]."""

    def __post_init__(self) -> None:
        axes = tuple(np.array(axis, dtype=float) for axis in self.axes)
        for axis in axes:
            axis.setflags(write=False)
        object.__setattr__(self, "axes", axes)
        shape = tuple(len(axis) for axis in axes)
        freeze(self, "free_energy_kcal_mol", shape)
        freeze(self, "standard_error_kcal_mol", shape)
        if not len(self.names) == len(self.periods) == len(axes):
            raise EstimateError(f"a surface of {len(axes)} axes has names {self.names} and periods {self.periods}")


@dataclass(frozen=True, kw_only=True, slots=True)
class SurfaceEstimate:
    """A binding free energy from one repeat along a biased variable."""

    repeat: int
    """Which repeat."""
    delta_g_kcal_mol: float
    """Bound less unbound at 1 mol/L [kcal/mol]; negative binds."""
    bootstrap_error_kcal_mol: float
    """Standard error within the repeat [kcal/mol]; it lies where the slow variable was not crossed."""
    surface_kcal_mol: float
    """-kT ln of the bound over the unbound weight, restraints on [kcal/mol]."""
    release_kcal_mol: float
    """Free energy of letting the bound ligand's restraints go [kcal/mol]; 0 or negative."""
    standard_state_kcal_mol: float
    """-kT ln of the unbound volume over that at 1 mol/L [kcal/mol]."""
    symmetry_kcal_mol: float
    """-kT ln of the number of equivalent poses [kcal/mol]."""
    sides_kcal_mol: Floats
    """delta_g from each unbound place alone [kcal/mol], (S,)."""
    side_errors_kcal_mol: Floats
    """Their standard errors [kcal/mol], (S,)."""
    round_trips: int
    """Journeys from bound to unbound and back, over all walkers."""
    n_effective: float
    """Independent samples that weighting and correlation leave."""
    simulated_ps: float
    """Time simulated, over all walkers [ps]."""
    convergence: Convergence
    """delta_g from growing parts of the samples [kT]."""
    warnings: tuple[str, ...] = ()
    """What a user should know, in plain words."""

    def __post_init__(self) -> None:
        freeze(self, "sides_kcal_mol", (None,))
        freeze(self, "side_errors_kcal_mol", self.sides_kcal_mol.shape)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gate:
    """One condition that a number must meet before it is reported."""

    name: str
    """``round trips``, ``agreement``, ``drift`` or ``overlap``."""
    passed: bool
    """Whether it is met."""
    seen: str
    """What was found."""
    needed: str
    """What is needed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Whether a free energy along a biased variable may be reported as a value."""

    gates: tuple[Gate, ...]
    """Each condition."""
    time_needed_ps: float
    """Estimate of the time that all gates need, over all walkers and repeats [ps]; infinite if unknown."""

    @property
    def converged(self) -> bool:
        """All gates are passed."""
        return all(gate.passed for gate in self.gates)

    @property
    def lines(self) -> tuple[str, ...]:
        """Each gate as a line of text."""
        return tuple(
            f"{'passed' if gate.passed else 'FAILED'}  {gate.name}: {gate.seen} (needed: {gate.needed})"
            for gate in self.gates
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class NotConverged:
    """What a biased calculation gives instead of a value when a gate is not passed."""

    ligand: str
    """Name of the ligand."""
    judgement: Judgement
    """The gates."""
    seen: BindingEstimate
    """What the samples say so far. It is not a result."""

    @property
    def text(self) -> str:
        """One sentence for the report."""
        failed = "; ".join(f"{g.name}: {g.seen} ({g.needed} needed)" for g in self.judgement.gates if not g.passed)
        time = self.judgement.time_needed_ps
        more = f"about {time / 1000:.2g} ns in all are needed" if np.isfinite(time) else "more time than can be said"
        return f"{self.ligand}: not converged. {failed}; {more} (an estimate)"


@dataclass(frozen=True, kw_only=True, slots=True)
class SurfacePath:
    """A way from one basin to another along the bottom of the valleys of a surface."""

    points: Floats
    """Points along the path in the variables' units, (P, D)."""
    free_energy_kcal_mol: Floats
    """F along it [kcal/mol], (P,)."""
    saddle: int
    """Index of its highest point."""

    def __post_init__(self) -> None:
        freeze(self, "points", (None, None))
        freeze(self, "free_energy_kcal_mol", (len(self.points),))


@dataclass(frozen=True, kw_only=True, slots=True)
class BarrierRates:
    """What the barrier of a one-dimensional profile suggests about rates: an estimate, not a measurement."""

    barrier_out_kcal_mol: float
    """Height of the barrier above the bound minimum [kcal/mol]."""
    barrier_in_kcal_mol: float
    """Height of the barrier above the unbound plateau [kcal/mol]; 0 where there is none."""
    off_per_second: float
    """Rate of leaving [1/s]."""
    on_per_molar_second: float
    """Rate of binding [1/(mol/L)/s], from leaving and delta_g."""
    residence_seconds: float
    """Mean time bound [s]."""
    method: str
    """``Eyring`` (an upper bound) or ``Smoluchowski`` (with a diffusion coefficient)."""
    label: str = field(default="estimate from the barrier of a surface; not a measured or simulated rate")
    """What it is worth."""
