"""Free energies of a leg's states from samples of all of them, by MBAR."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from bindfe.errors import EstimateError
from bindfe.estimate.convergence import (
    cycle_index,
    energy_series,
    equilibrated_from,
    gradient_series,
    measure_mixing,
    statistical_inefficiency,
)
from bindfe.estimate.mbarwords import (
    check_overlap,
    mixing_warnings,
    overlap_warnings,
    reweighting_warnings,
    time_warnings,
)
from bindfe.results import Convergence, Floats, Integers, LegEstimate, ReducedPotentials
from bindfe.states import LegKind

_FRACTIONS = np.linspace(0.1, 1.0, 10)
_FEWEST_CYCLES = 10
_NEWTON_STEPS = 60
_MBAR_ITERATIONS = 200
_NEWTON_TOLERANCE = 1e-7
_LEAST_LINK = 1e-6
"""Second eigenvalue of a part's curvature, as a part of its smallest number of samples, below which some of its
states share no sample with the others: then MBAR has no answer, and Newton's method runs away."""
_MOST_APART = 0.05
"""Part of the resamples that may fall apart like that."""


def estimate_leg(
    potentials: ReducedPotentials,
    *,
    kind: LegKind,
    repeat: int,
    n_bootstrap: int = 200,
    seed: int,
    minimum_overlap: float = 0.03,
    equilibrated_after: int | None = None,
) -> LegEstimate:
    """Free energies of all states of one leg from one repeat, with their errors.

    Cycles before equilibration are dropped, MBAR is solved on all samples of the rest, and its error
    is that of a bootstrap over blocks of cycles. All replicas of a cycle stay together, because exchange
    correlates them. Subsampling instead would cost a third of the precision at g = 2.

    Where the time series come from: the first cycle to keep is the later one of those that the energies
    (``energy_series``) and du/dlambda (``gradient_series``) ask for. Cycles per independent cycle, g, is
    the larger one of that of the energies and that of the influence of each cycle on the free
    energy difference. The second one sees a slow change of replicas or conformations that the total
    energy hides in its noise.

    Args:
        potentials: Energies of the samples in all states; a state with ``n_k`` 0 is reweighted to.
        kind: Which leg.
        repeat: Which repeat.
        n_bootstrap: Bootstrap resamples behind the standard error.
        seed: Seed of the bootstrap.
        minimum_overlap: Least part of their samples that states must share (0 to 1). 0.03 is the
            field's rule (Klimovich et al., J. Comput. Aided Mol. Des. 29, 397 (2015)).
        equilibrated_after: Cycles to drop; None to detect them.

    Returns:
        The estimate, with its warnings in plain words.

    Raises:
        EstimateError: Fewer than 10 cycles, energies that are not finite, an MBAR that does not
            converge, or states that do not overlap, with their numbers.

    Source:
        Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008), doi:10.1063/1.2978177.
    """
    where = f"the {kind.value} leg, repeat {repeat}"
    _check(potentials, where)
    n_cycles = int(cycle_index(potentials)[-1]) + 1
    first = _first_cycle(potentials) if equilibrated_after is None else equilibrated_after
    kept = _drop_cycles(potentials, first, where)
    solution = solve_mbar(kept, where)
    check_overlap(solution.overlap, kept.n_k, minimum_overlap, where)
    error, g_influence = _difference_error(solution, n_bootstrap=n_bootstrap, seed=seed)
    g = max(statistical_inefficiency(energy_series(kept)), g_influence)
    mixing = measure_mixing(kept)
    return LegEstimate(
        kind=kind,
        repeat=repeat,
        f_k=solution.f_k,
        covariance=solution.covariance() * g,
        bootstrap_error=error,
        overlap=solution.overlap,
        n_effective=kept.n_k / g,
        equilibrated_from=first,
        n_cycles=n_cycles,
        statistical_inefficiency=g,
        convergence=_convergence(solution, error),
        mixing=mixing,
        warnings=(
            *overlap_warnings(solution.overlap, kept.n_k, minimum_overlap, where),
            *reweighting_warnings(solution, g, where),
            *time_warnings(solution, error, first, n_cycles, where),
            *mixing_warnings(mixing, kept.n_k, where),
        ),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class MbarSolution:
    """MBAR's free energies and weights, and what is needed to solve for other parts of the samples."""

    f_k: Floats
    """Reduced free energies relative to state 0 [kT], (K,)."""
    weights: Floats
    """Weight of sample n in state k, (N, K); columns sum to 1."""
    n_k: Integers
    """Samples drawn from each state, (K,)."""
    state: Integers
    """State that sample n was drawn from, (N,)."""
    cycle: Integers
    """Cycle of sample n, counted from 0 without gaps, (N,)."""

    @property
    def n_cycles(self) -> int:
        """Number of cycles C."""
        return int(self.cycle[-1]) + 1

    @property
    def overlap(self) -> Floats:
        """Overlap matrix (K, K); element ij is the chance that a sample of state i belongs to j."""
        return (self.weights.T @ self.weights) * self.n_k

    def influence(self) -> Floats:
        """First-order change of the last state's f less the first's as a cycle's weight grows [kT], (C,).

        Implicit differentiation of the MBAR equations: (1 - W^T W N) df = W^T W e - w for a sample
        with weights w from a state with unit vector e. Its sum over cycles is zero. Its variance, times g
        and the number of cycles, is that of the free energy difference.
        """
        gram = self.weights.T @ self.weights
        response = np.linalg.pinv(np.eye(len(self.n_k)) - gram * self.n_k, rcond=1e-10)
        row = response[-1] - response[0]
        per_sample = (row @ gram)[self.state] - self.weights @ row
        return np.bincount(self.cycle, weights=per_sample).astype(np.float64)

    def covariance(self) -> Floats:
        """Asymptotic covariance of f_k relative to state 0 for independent samples [kT^2], (K, K).

        With W = U S V^T the covariance is V S (1 - S V^T N V S)^+ S V^T.

        Source:
            Shirts and Chodera (2008), eq. D9.
        """
        square, right = np.linalg.eigh(self.weights.T @ self.weights)
        scaled = right * np.sqrt(np.maximum(square, 0.0))
        inner = np.eye(len(self.n_k)) - scaled.T @ (self.n_k[:, None] * scaled)
        theta = scaled @ np.linalg.pinv(inner, rcond=1e-10, hermitian=True) @ scaled.T
        return np.asarray(theta - theta[:1] - theta[:, :1] + theta[0, 0])

    def solve_parts(self, multiplicity: Floats) -> Floats:
        """MBAR on the same cycles, each counted as often as ``multiplicity`` says.

        Newton's method for all rows together, from the full solution. Relative to it the equations hold
        only the weights, so each step is a few matrix products (200 resamples of 16 states with 300 cycles:
        about one second; starting pymbar anew for each takes over 20).

        Args:
            multiplicity: How often each cycle counts, one row for each problem, (B, C).

        Returns:
            Free energies relative to state 0 [kT], (B, K); NaN where a part has no answer because its states
            share no samples.
        """
        per_state = np.zeros((self.n_cycles, len(self.n_k)))
        np.add.at(per_state, (self.cycle, self.state), 1.0)
        sampled = np.flatnonzero(self.n_k)
        counts, times = (multiplicity @ per_state)[:, sampled], multiplicity[:, self.cycle]
        denominator = _newton(self.weights[:, sampled], counts, times)
        f = self.f_k - np.log((times / denominator) @ self.weights)
        return np.asarray(f - f[:, :1])

    def bootstrap(self, *, block: float, n_bootstrap: int, rng: np.random.Generator) -> Floats:
        """Free energies of resampled blocks of cycles relative to state 0 [kT], (B, K).

        Raises:
            EstimateError: More than one in twenty of the resamples has states that share no samples.
        """
        f = self.solve_parts(_block_counts(self.n_cycles, block, n_bootstrap, rng))
        whole = np.isfinite(f).all(axis=1)
        if np.mean(~whole) > _MOST_APART:
            raise EstimateError(
                f"{np.count_nonzero(~whole)} of {n_bootstrap} resamples have states that share no samples: the error "
                "is not known. Add states between them, or sample longer"
            )
        return np.asarray(f[whole])


def _newton(weights: Floats, counts: Floats, times: Floats) -> Floats:
    """Denominators of MBAR, (B, N), for B problems that count samples ``times`` (B, N) over; NaN without answer."""
    shift, linked, moved = np.zeros_like(counts), np.full(len(counts), True), np.zeros(len(counts))
    flat = np.full((counts.shape[1],) * 2, 1.0 / counts.shape[1])
    for _ in range(_NEWTON_STEPS):
        scaled = counts * np.exp(shift)
        denominator = scaled @ weights.T
        ratio = times / denominator
        expected = scaled * (ratio @ weights)
        curvature = np.stack([-(weights.T * row) @ weights for row in ratio / denominator])
        curvature *= scaled[:, :, None] * scaled[:, None, :]
        diagonal = np.arange(counts.shape[1])
        curvature[:, diagonal, diagonal] += np.where(counts > 0, expected, 1.0)
        curvature += flat * counts.sum(axis=1)[:, None, None]
        linked &= np.linalg.eigvalsh(curvature)[:, 0] > _LEAST_LINK * counts.min(
            axis=1, initial=np.inf, where=counts > 0
        )
        curvature[~linked] = np.eye(counts.shape[1])
        step = np.linalg.solve(curvature, (counts - expected)[:, :, None])[:, :, 0]
        shift = shift + np.where(linked[:, None], np.clip(step, -1.0, 1.0), 0.0)
        moved = np.abs(step).max(axis=1) * linked
        if moved.max() < _NEWTON_TOLERANCE:
            break
    solved = linked & (moved < _NEWTON_TOLERANCE)
    return np.where(solved[:, None], (counts * np.exp(shift)) @ weights.T, np.nan)


def _block_counts(n_cycles: int, block: float, n_bootstrap: int, rng: np.random.Generator) -> Floats:
    """How often each cycle is drawn when blocks are drawn with replacement around a circle, (B, C)."""
    length = min(max(1, int(np.ceil(block))), n_cycles)
    starts = rng.integers(n_cycles, size=(n_bootstrap, -(-n_cycles // length)))
    drawn = (starts[:, :, None] + np.arange(length)).reshape(n_bootstrap, -1) % n_cycles
    rows = np.repeat(np.arange(n_bootstrap), drawn.shape[1])
    counts = np.bincount(rows * n_cycles + drawn.ravel(), minlength=n_bootstrap * n_cycles)
    return counts.reshape(n_bootstrap, n_cycles).astype(np.float64)


def _difference_error(solution: MbarSolution, *, n_bootstrap: int, seed: int) -> tuple[float, float]:
    """Standard error of the last state's f less the first's [kT], and g of the influence behind it.

    The bootstrap draws blocks of length g, and blocks cut the correlation at their ends: for an
    exponential decay with g = 3 a third of the variance is lost. The linear part of the error is known
    both ways, so the loss is too: C g <phi^2> without blocks, the mean square of circular block sums with
    them. n/(n - g) is Bessel's correction for correlated samples.
    """
    influence = solution.influence()
    n, g = len(influence), statistical_inefficiency(influence)
    f_boot = solution.bootstrap(block=g, n_bootstrap=n_bootstrap, rng=np.random.default_rng(seed))
    error = float(np.std(f_boot[:, -1] - f_boot[:, 0], ddof=1))
    length = min(int(np.ceil(g)), n)
    ends = np.cumsum(np.r_[influence, influence])
    drawn = length * -(-n // length)  # whole blocks hold a few more cycles than there are
    within = float(np.mean((ends[length : length + n] - ends[:n]) ** 2)) / length * n / drawn
    whole = g * float(np.mean(influence**2)) * n / max(n - g, 0.5 * n)
    return (error * float(np.sqrt(whole / within)) if within > 0 else error), g


def solve_mbar(potentials: ReducedPotentials, where: str = "the leg") -> MbarSolution:
    """Solve MBAR with pymbar on all samples.

    Args:
        potentials: Energies of the samples in all states.
        where: How an error message names the leg.

    Raises:
        EstimateError: The equations are not solved to 1e-5.
    """
    with _quiet_pymbar():
        from pymbar import MBAR

        # rseed keeps pymbar from seeding numpy's global generator; nothing is drawn. Its tolerance is relative
        # to each f, which an f near zero never meets: 10,000 vain iterations, so they are cut and W is checked.
        mbar = MBAR(
            potentials.u_kn,
            potentials.n_k,
            maximum_iterations=_MBAR_ITERATIONS,
            solver_protocol=({"method": "adaptive"},),
            rseed=0,
        )
    weights = np.asarray(mbar.W_nk, dtype=float)
    if not np.all(np.abs(weights.sum(axis=0) - 1.0)[potentials.n_k > 0] < 1e-5):
        raise EstimateError(f"MBAR does not converge for {where}: some states hardly overlap; add states between them")
    return MbarSolution(
        f_k=np.asarray(mbar.f_k, dtype=float) - float(mbar.f_k[0]),
        weights=weights / weights.sum(axis=0),
        n_k=potentials.n_k,
        state=potentials.state_of_sample,
        cycle=cycle_index(potentials),
    )


@contextmanager
def _quiet_pymbar() -> Iterator[None]:
    """Keep pymbar's banner about JAX out of the log; it is logged as a warning at import."""
    logger = logging.getLogger("pymbar")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _check(potentials: ReducedPotentials, where: str) -> None:
    if len(np.unique(potentials.cycle_of_sample)) < _FEWEST_CYCLES:
        raise EstimateError(f"{where} has fewer than {_FEWEST_CYCLES} cycles: sample longer")
    wrong = np.argwhere(~np.isfinite(potentials.u_kn))
    if len(wrong):
        k, n = wrong[0]
        raise EstimateError(
            f"energy of sample {n} in state {k} of {where} is not finite: look at that frame for a clash"
        )


def _first_cycle(potentials: ReducedPotentials) -> int:
    """First cycle to keep, at most half way: a run that relaxes all along is warned of, not cut to its tail."""
    found = max(equilibrated_from(energy_series(potentials)), equilibrated_from(gradient_series(potentials)))
    return min(found, (int(cycle_index(potentials)[-1]) + 1) // 2)


def _drop_cycles(potentials: ReducedPotentials, first: int, where: str) -> ReducedPotentials:
    """The samples from cycle ``first`` on."""
    keep = cycle_index(potentials) >= first
    state = potentials.state_of_sample[keep]
    if len(np.unique(potentials.cycle_of_sample[keep])) < _FEWEST_CYCLES:
        raise EstimateError(f"{where} keeps fewer than {_FEWEST_CYCLES} cycles after {first}: sample longer")
    return ReducedPotentials(
        u_kn=potentials.u_kn[:, keep],
        n_k=np.bincount(state, minlength=len(potentials.n_k)),
        state_of_sample=state,
        replica_of_sample=potentials.replica_of_sample[keep],
        cycle_of_sample=potentials.cycle_of_sample[keep],
        seed=potentials.seed,
    )


def _convergence(solution: MbarSolution, error: float) -> Convergence:
    """The estimate from growing parts; errors are the whole's, grown as one over the root of the part."""
    used = np.maximum(1, np.round(_FRACTIONS * solution.n_cycles))[:, None]
    cycle = np.arange(solution.n_cycles)
    f = solution.solve_parts(np.concatenate([cycle < used, cycle >= solution.n_cycles - used]).astype(float))
    delta = f[:, -1] - f[:, 0]
    part_error = error / np.sqrt(_FRACTIONS)
    return Convergence(
        fraction=_FRACTIONS,
        forward=delta[: len(used)],
        forward_error=part_error,
        reverse=delta[len(used) :],
        reverse_error=part_error,
    )
