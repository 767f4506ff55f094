"""Free energy differences from the work of switching a system from both ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logsumexp

from bindfe.errors import EstimateError
from bindfe.estimate.gates import FEWEST_EFFECTIVE, WIDEST_SPREAD_KT
from bindfe.results import Floats, SwitchingWork

_FEWEST_SWITCHES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchingEstimate:
    """Free energy of state 1 less state 0 from switching work, with what tells whether to believe it."""

    delta_f: float
    """f of state 1 less f of state 0 [kT]."""
    standard_error: float
    """Its standard error by bootstrap over switches [kT]."""
    forward_exponential: float
    """Estimate from the forward switches alone [kT]; nan without them."""
    reverse_exponential: float
    """Estimate from the reverse switches alone [kT]; nan without them."""
    hysteresis: float
    """Forward less reverse exponential estimate [kT]; 0 when both ends agree, nan if one is missing."""
    gaussian: float
    """Where Gaussians through both work distributions cross [kT]: a check; nan if one is missing."""
    overlap: float
    """Part of their samples that the two directions share, 0 to 0.5; nan if one is missing."""
    n_effective: tuple[float, float]
    """Switches that the exponential averages really rest on, forward and reverse."""
    unidirectional: bool
    """True if one direction is missing: then nothing guards against a missed mode."""
    seed: int
    """Seed of the bootstrap."""
    warnings: tuple[str, ...] = ()
    """What a user should know, in plain words."""


def estimate_switching(
    work: SwitchingWork,
    *,
    n_bootstrap: int = 200,
    seed: int,
    one_sided: bool = False,
    minimum_overlap: float = 0.03,
) -> SwitchingEstimate:
    """Free energy difference from forward and reverse work, by Bennett's acceptance ratio.

    ::

        sum_F 1/(1 + n_F/n_R e^(w - df)) = sum_R 1/(1 + n_R/n_F e^(w + df))

    It is the maximum-likelihood value under Crooks' theorem. One direction alone fails silently in 6 % of
    published cases (Karwounopoulos 2024), so it is refused unless asked for, and then flagged.

    Args:
        work: Work of independent switches whose starting frames are independent too.
        n_bootstrap: Bootstrap resamples behind the standard error.
        seed: Seed of the bootstrap.
        one_sided: Accept work of one direction only, by its exponential average. Even then its spread must
            be below 1.5 kT and 100 switches effective; the number of effective samples alone selects
            lucky ones.
        minimum_overlap: Least part of their samples that the directions must share (0 to 0.5).

    Returns:
        The estimate, with its warnings in plain words.

    Raises:
        EstimateError: Fewer than 10 switches in a direction that is needed, work that is not finite,
            too little overlap, or a single direction that is too wide.

    Source:
        Bennett, J. Comput. Phys. 22, 245 (1976); Shirts et al., Phys. Rev. Lett. 91, 140601 (2003),
        doi:10.1103/PhysRevLett.91.140601.
    """
    if not (np.isfinite(work.forward).all() and np.isfinite(work.reverse).all()):
        raise EstimateError(
            "some work values are not finite: look for switches that blew up, and shorten the time step"
        )
    counts = len(work.forward), len(work.reverse)
    if min(counts) >= _FEWEST_SWITCHES:
        return _both_ways(work, n_bootstrap=n_bootstrap, seed=seed, minimum_overlap=minimum_overlap)
    if not one_sided or max(counts) < _FEWEST_SWITCHES or min(counts) > 0:
        raise EstimateError(
            f"{counts[0]} forward and {counts[1]} reverse switches: {_FEWEST_SWITCHES} of each are needed. Switch from "
            "both ends; work from one end fails without a sign of it"
        )
    return _one_way(work, n_bootstrap=n_bootstrap, seed=seed)


def _both_ways(work: SwitchingWork, *, n_bootstrap: int, seed: int, minimum_overlap: float) -> SwitchingEstimate:
    forward, reverse = work.forward[None], work.reverse[None]
    delta_f = float(bennett(forward, reverse)[0])
    overlap = _overlap(work, delta_f)
    if overlap < minimum_overlap:
        raise EstimateError(
            f"forward and reverse switches share {overlap:.1%} of their values ({minimum_overlap:.0%} needed): the "
            "estimate is not reported. Switch more slowly; more switches help less"
        )
    rng = np.random.default_rng(seed)
    forward_boot = _resample(work.forward, n_bootstrap, rng)
    reverse_boot = _resample(work.reverse, n_bootstrap, rng)
    jumps = _exponential(forward_boot) + _exponential(reverse_boot)
    estimate = SwitchingEstimate(
        delta_f=delta_f,
        standard_error=float(np.std(bennett(forward_boot, reverse_boot), ddof=1)),
        forward_exponential=float(_exponential(forward)[0]),
        reverse_exponential=-float(_exponential(reverse)[0]),
        hysteresis=float(_exponential(forward)[0] + _exponential(reverse)[0]),
        gaussian=_gaussian_crossing(work),
        overlap=overlap,
        n_effective=(_kish(work.forward), _kish(work.reverse)),
        unidirectional=False,
        seed=seed,
    )
    return _with_warnings(estimate, _both_ways_warnings(estimate, float(np.std(jumps, ddof=1))))


def _both_ways_warnings(estimate: SwitchingEstimate, hysteresis_error: float) -> Iterator[str]:
    if abs(estimate.hysteresis) > 2 * hysteresis_error:
        yield (
            f"forward and reverse exponential averages differ by {estimate.hysteresis:.2f} kT "
            f"(error {hysteresis_error:.2f}): the switches are too fast for them, look at the overlap"
        )
    if abs(estimate.gaussian - estimate.delta_f) > max(1.0, 4 * estimate.standard_error):
        yield (
            f"Gaussians through the work cross at {estimate.gaussian:.2f} kT, not at {estimate.delta_f:.2f}: the work "
            "has a tail or a second mode"
        )


def _one_way(work: SwitchingWork, *, n_bootstrap: int, seed: int) -> SwitchingEstimate:
    """Jarzynski's average of the direction that is there."""
    forward_given = len(work.forward) > 0
    values, sign = (work.forward, 1.0) if forward_given else (work.reverse, -1.0)
    effective, width = _kish(values), float(np.std(values, ddof=1))
    if width > WIDEST_SPREAD_KT or effective < FEWEST_EFFECTIVE:
        raise EstimateError(
            f"one-directional work with a spread of {width:.1f} kT and {effective:.0f} effective switches "
            f"({WIDEST_SPREAD_KT} kT at most and {FEWEST_EFFECTIVE:.0f} needed) has no reliable average: "
            "switch from both ends"
        )
    boot = _exponential(_resample(values, n_bootstrap, np.random.default_rng(seed)))
    delta_f = sign * float(_exponential(values[None])[0])
    return SwitchingEstimate(
        delta_f=delta_f,
        standard_error=float(np.std(boot, ddof=1)),
        forward_exponential=delta_f if forward_given else float("nan"),
        reverse_exponential=float("nan") if forward_given else delta_f,
        hysteresis=float("nan"),
        gaussian=float("nan"),
        overlap=float("nan"),
        n_effective=(effective, 0.0) if forward_given else (0.0, effective),
        unidirectional=True,
        seed=seed,
        warnings=("switched from one end only: a mode that was not visited would not show; no guarantee is given",),
    )


def _with_warnings(estimate: SwitchingEstimate, warnings: Iterator[str]) -> SwitchingEstimate:
    return replace(estimate, warnings=tuple(warnings))


def _resample(values: Floats, n_bootstrap: int, rng: np.random.Generator) -> Floats:
    """Values drawn with replacement, (B, N)."""
    return np.asarray(values[rng.integers(len(values), size=(n_bootstrap, len(values)))])


def bennett(forward: Floats, reverse: Floats) -> Floats:
    """Bennett's df [kT] for each row of forward (B, N) and reverse (B, M) work, by bisection, (B,).

    The two sums differ by a function that only rises with df; it changes sign between the smallest and
    the largest value of w_F and -w_R, widened by the logarithm of the counts.
    """
    offset = np.log(forward.shape[1] / reverse.shape[1])
    ends = np.concatenate([forward, -reverse], axis=1)
    room = abs(offset) + np.log(forward.shape[1] + reverse.shape[1])
    low, high = ends.min(axis=1) - room, ends.max(axis=1) + room
    for _ in range(60):
        middle = 0.5 * (low + high)
        left = expit(middle[:, None] - offset - forward).sum(axis=1)
        right = expit(offset - reverse - middle[:, None]).sum(axis=1)
        low, high = np.where(left < right, middle, low), np.where(left < right, high, middle)
    return np.asarray(0.5 * (low + high))


def _exponential(work: Floats) -> Floats:
    """-ln <exp(-w)> of each row [kT], (B,)."""
    return np.asarray(np.log(work.shape[1]) - logsumexp(-work, axis=1))


def _kish(work: Floats) -> float:
    """Effective number of switches in an exponential average, (sum x)^2 / sum x^2."""
    return float(np.exp(2 * logsumexp(-work) - logsumexp(-2 * work)))


def _overlap(work: SwitchingWork, delta_f: float) -> float:
    """Off-diagonal element of the two-state MBAR overlap matrix, the smaller one of the two."""
    offset = np.log(len(work.forward) / len(work.reverse))
    belongs = expit(np.concatenate([work.forward, -work.reverse]) - delta_f + offset)
    return float(np.sum(belongs * (1 - belongs)) / max(len(work.forward), len(work.reverse)))


def _gaussian_crossing(work: SwitchingWork) -> float:
    """Where normal densities with the moments of w_F and of -w_R are equal, nearest to their midpoint [kT].

    Source:
        Goette and Grubmueller, J. Comput. Chem. 30, 447 (2009), doi:10.1002/jcc.21073.
    """
    first, second = float(np.mean(work.forward)), -float(np.mean(work.reverse))
    a, b = float(np.var(work.forward, ddof=1)), float(np.var(work.reverse, ddof=1))
    middle = 0.5 * (first + second)
    if min(a, b) == 0.0:  # switches without dissipation: one potential and itself
        return middle
    roots = np.roots([1 / b - 1 / a, 2 * (first / a - second / b), second**2 / b - first**2 / a - np.log(a / b)])
    real = roots[np.abs(roots.imag) < 1e-9].real
    return float(real[np.argmin(np.abs(real - middle))]) if len(real) else middle
