"""Whether frames that one potential drove can say what another potential's free energy is.

A one-sided estimate fails silently: the frames that it lacks are the ones that would show it. These gates ask
what the frames can answer: how wide the energy difference is, how many independent frames carry the average,
and whether the distribution is normal enough for two cumulants. A mode that no frame visited passes all of
them, so a one-sided value is flagged whatever they say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import logsumexp

from bindfe.errors import EstimateError
from bindfe.estimate.convergence import statistical_inefficiency
from bindfe.results import Floats

Route = Literal["exponential", "second cumulant"]

WIDEST_SPREAD_KT = 1.5
"""Largest sd of an energy difference, two standard errors included, that an exponential average bears [kT]."""
FEWEST_EFFECTIVE = 100.0
"""Effective frames, (sum w)^2 / sum w^2 / g, that an exponential average needs."""
LARGEST_THIRD_KT = 0.1
"""Largest third term |k3|/6, two standard errors included, that may be left out after two cumulants [kT]."""
LARGEST_ERROR_KT = 0.2
"""Largest standard error of a member's free energy in one environment [kT], by whatever route. A larger one is
found where few frames are independent or a run drifts, and there the error of the error is as large."""
_FEWEST_FRAMES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What frames say about reweighting to each of M potentials; arrays are (M,)."""

    spread_kt: Floats
    """sd of the energy difference h [kT]."""
    spread_error_kt: Floats
    """Its standard error [kT]."""
    n_effective: Floats
    """Effective independent frames of the exponential average."""
    third_kt: Floats
    """|k3|/6, the third term of the cumulant expansion [kT]."""
    third_error_kt: Floats
    """Its standard error [kT]."""


def weigh_evidence(h: Floats) -> Evidence:
    """Measure what the gates judge by.

    Args:
        h: Reduced energy of each potential less that of the one that drove the frames [kT], (M, N), frames
            in time order, repeats one after the other.

    Raises:
        EstimateError: Fewer than 10 frames, or an energy that is not finite.
    """
    check_differences(h)
    g = inefficiencies(h)
    d = h - h.mean(axis=1, keepdims=True)
    square, independent = d * d, h.shape[1] / g
    variance, third = square.mean(axis=1), (square * d).mean(axis=1)
    spread = np.sqrt(variance)
    variance_error = np.sqrt(np.maximum((square * square).mean(axis=1) - variance**2, 0.0) / independent)
    third_influence = (square - 3 * variance[:, None]) * d - third[:, None]
    return Evidence(
        spread_kt=spread,
        spread_error_kt=variance_error / np.maximum(2 * spread, 1e-12),
        n_effective=np.exp(2 * logsumexp(-h, axis=1) - logsumexp(-2 * h, axis=1)) / g,
        third_kt=np.abs(third) / 6,
        third_error_kt=np.sqrt((third_influence**2).mean(axis=1) / independent) / 6,
    )


def check_differences(h: Floats) -> None:
    """Refuse too few frames and energies that are not finite.

    Raises:
        EstimateError: One of them.
    """
    if h.ndim != 2 or h.shape[1] < _FEWEST_FRAMES:
        raise EstimateError(
            f"energy differences of shape {h.shape}: {_FEWEST_FRAMES} frames or more of each member are needed"
        )
    bad = np.argwhere(~np.isfinite(h))
    if len(bad):
        raise EstimateError(f"the energy difference of member {bad[0][0]} on frame {bad[0][1]} is not finite")


def inefficiencies(series: Floats) -> Floats:
    """Frames per independent frame of each row, (M,)."""
    return np.array([statistical_inefficiency(row) for row in series])


def objection(evidence: Evidence, route: Route, *, names: tuple[str, ...] = ()) -> str:
    """Why a one-sided route must not be taken; empty if nothing that the frames show speaks against it.

    The exponential average needs a spread below ``WIDEST_SPREAD_KT`` and ``FEWEST_EFFECTIVE`` frames. Both,
    because the effective number is estimated on the frames that it judges: with a spread of 2 kT, 54 % of
    the samples of 1,000 frames keep 50, and those are biased by 0.12 kT. Two cumulants need a third one below
    ``LARGEST_THIRD_KT`` with two standard errors; they are exact where the difference is normal.

    Args:
        evidence: From :func:`weigh_evidence`.
        route: ``exponential`` average or ``second cumulant``.
        names: Names of the potentials for the message, (M,).

    Returns:
        The objection to the worst potential.
    """
    if route == "second cumulant":
        third = evidence.third_kt + 2 * evidence.third_error_kt
        worst = int(np.argmax(third))
        if third[worst] < LARGEST_THIRD_KT:
            return ""
        return (
            f"{_name(names, worst)}: a third cumulant of up to {third[worst]:.2f} kT is left out "
            f"({LARGEST_THIRD_KT:g} kT allowed)"
        )
    spread = evidence.spread_kt + 2 * evidence.spread_error_kt
    worst = int(np.argmax(spread))
    if spread[worst] > WIDEST_SPREAD_KT:
        return (
            f"{_name(names, worst)}: the energy difference spreads over {evidence.spread_kt[worst]:.1f} kT, with its "
            f"error up to {spread[worst]:.1f} ({WIDEST_SPREAD_KT:g} kT allowed)"
        )
    worst = int(np.argmin(evidence.n_effective))
    if evidence.n_effective[worst] < FEWEST_EFFECTIVE:
        return (
            f"{_name(names, worst)}: {evidence.n_effective[worst]:.0f} independent frames carry the average "
            f"({FEWEST_EFFECTIVE:.0f} needed)"
        )
    return ""


def _name(names: tuple[str, ...], member: int) -> str:
    return names[member] if names else f"member {member}"
