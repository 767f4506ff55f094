"""Whether a frame looks like what is known: a distance in feature space, and the members' disagreement.

A committee's spread alone is no alarm: it can level off, or fall, far outside of the training data. So both are
watched, atom by atom, and either one raises the alarm.

Source:
    arXiv:2508.06456 (ensemble spread of learned potentials far from their data).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bindfe.errors import EstimateError

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST_REFERENCE_FRAMES = 16
"""Reference frames below which no domain is learned."""
_SIGMAS = 4.0
_FLOOR = 1e-3
_PER_COMPONENT = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Domain:
    """Surroundings of each atom of one molecule, as reference frames show them."""

    centre: Floats
    """Mean features of each atom, (N, D)."""
    axes: Floats
    """Principal axes of each atom's features, (N, K, D)."""
    variance: Floats
    """Variance along each axis, (N, K), and what is left outside of them as a floor, (N, K + 1) in all."""
    limit: Floats
    """Distance of each atom beyond which it has left the domain, (N,)."""

    def distances(self, features: ArrayLike) -> Floats:
        """Mahalanobis distance of each atom from the reference, over its limit, (F, N); above 1 is outside.

        Args:
            features: Descriptors of the atoms' surroundings, (F, N, D).
        """
        return self._raw(np.asarray(features, dtype=float)) / self.limit

    def _raw(self, features: Floats) -> Floats:
        d = features - self.centre
        along = np.einsum("fnd,nkd->fnk", d, self.axes)
        outside = np.maximum((d**2).sum(axis=2) - (along**2).sum(axis=2), 0.0)
        floor = self.variance[:, -1]
        square = (along**2 / (self.variance[:, :-1] + floor[:, None])).sum(axis=2) + outside / floor
        return np.asarray(np.sqrt(square), dtype=float)


def learn_domain(features: ArrayLike) -> Domain:
    """Learn the domain of each atom from reference frames.

    Features are many and depend on each other, frames are few: the covariance is that of the first principal
    components, at most one for four frames, with a floor for everything outside of them, so that a column that
    never moved does not make its first motion infinitely far. Every other frame is left out and gives the
    limit: e to the mean of ln d plus four of its standard deviations.

    Args:
        features: Descriptors of the atoms' surroundings on reference frames, (F, N, D).

    Raises:
        EstimateError: Fewer than 16 frames, or features that are not finite.
    """
    known = np.asarray(features, dtype=float)
    if known.ndim != 3 or len(known) < FEWEST_REFERENCE_FRAMES:
        raise EstimateError(
            f"features of shape {known.shape}: {FEWEST_REFERENCE_FRAMES} reference frames or more are needed"
        )
    if not np.isfinite(known).all():
        raise EstimateError("features of a reference frame are not finite")
    learned, held_out = known[::2], known[1::2]
    centre = learned.mean(axis=0)
    number = min(len(learned) // _PER_COMPONENT, known.shape[2])
    deviations = np.swapaxes(learned - centre, 0, 1)
    _, size, axes = np.linalg.svd(deviations, full_matrices=False)
    variance = size**2 / (len(learned) - 1)
    total = variance.sum(axis=1, keepdims=True)
    rest = variance[:, number:].sum(axis=1, keepdims=True) / max(1, known.shape[2] - number)
    floor = np.maximum(rest, _FLOOR * total / known.shape[2]) + np.finfo(float).tiny ** 0.25
    plain = Domain(
        centre=centre,
        axes=axes[:, :number],
        variance=np.concatenate([variance[:, :number], floor], axis=1),
        limit=np.ones(known.shape[1]),
    )
    return Domain(centre=centre, axes=plain.axes, variance=plain.variance, limit=_limit(plain._raw(held_out)))


def _limit(values: Floats) -> Floats:
    """e^(mean + four sigmas) of the logarithm over frames, (N,), of positive values (F, N)."""
    log = np.log(np.maximum(values, 1e-12))
    return np.asarray(np.exp(log.mean(axis=0) + _SIGMAS * log.std(axis=0, ddof=1)))


def atomic_spread(atomic: ArrayLike, reference: ArrayLike) -> Floats:
    """Members' disagreement about each atom, (F, N), less their constants [the unit of the energies].

    Args:
        atomic: Atoms' parts of the members' energies, (M, F, N).
        reference: The same on the reference frames, (M, R, N): a member's mean over them is its constant.
    """
    parts, known = np.asarray(atomic, dtype=float), np.asarray(reference, dtype=float)
    if len(parts) < 2:
        return np.zeros(parts.shape[1:])
    return np.asarray((parts - known.mean(axis=1, keepdims=True)).std(axis=0, ddof=1))


def spread_limit(reference: ArrayLike) -> Floats:
    """Disagreement about each atom beyond which it has left the domain, (N,), from reference frames (M, R, N).

    The same rule as for distances, four standard deviations of the logarithm. Four of the spread itself flagged
    16 of 56 frames of a guest's own run at 1.0 to 1.2 times the limit.
    """
    return _limit(atomic_spread(reference, reference))


def difference_by_atom(first: ArrayLike, second: ArrayLike) -> Floats:
    """Where members disagree about a free energy difference: sd over members of each atom's part, (N,).

    To first order delta_g_m - delta_g = sum_a [ <e_ma - e_a>(first) - <e_ma - e_a>(second) ].

    Args:
        first: Atoms' parts of the members' energies on frames of one environment, (M, F, N).
        second: The same in the other, (M, F', N).
    """
    means = [np.asarray(parts, dtype=float).mean(axis=1) for parts in (first, second)]
    change = means[0] - means[1]
    return np.asarray(change.std(axis=0, ddof=1) if len(change) > 1 else np.zeros(change.shape[1]))
