"""What known ligands of a new protein change: its slope, its width, and with them every interval.

A protein has its own log width k ~ N(-tau^2, tau^2) and slope s ~ N(s0, sd^2). Known calculations of it give the
posterior on a grid of both; predictions take its means.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bindfe.results import Affinity, Calculation, Floats
from bindfe.uncertainty.kinds import Kind, grid, kind_of, log_likelihood_by_protein, observe
from bindfe.uncertainty.ligands import with_measured

if TYPE_CHECKING:
    from bindfe.uncertainty.calibrate import Calibrator

FEWEST_KNOWN = 3
"""Known calculations of a protein from which it is updated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """The posterior of one target."""

    slope: dict[Kind, tuple[float, float]]
    """Mean slope and its variance, for each kind."""
    slope_variance_before: dict[Kind, float]
    """The variance of slopes between proteins, for each kind."""
    width: float
    """Mean square width, relative to an average protein's."""
    n_known: int
    """Known calculations."""

    @property
    def guarantee(self) -> str:
        """What an updated interval promises."""
        return f"model-based, updated with {self.n_known} known calculations of this target; no finite-sample guarantee"

    def apply(
        self,
        rows: NDArray[np.int64],
        blind: Sequence[Calculation],
        location: Floats,
        variance: Floats,
        tail: Floats,
        stretch: Floats,
    ) -> None:
        """Change locations and variances of these rows in place."""
        for row in rows:
            kind = kind_of(blind[row])
            if kind not in self.slope:
                continue
            mean, spread = self.slope[kind]
            value = blind[row].value_kcal_mol
            location[row] = mean * value
            within = max(variance[row] - self.slope_variance_before[kind] * value**2, 0.25 * variance[row])
            variance[row] = within * self.width + spread * value**2


def update_from_known(
    calibrator: Calibrator, calculations: Sequence[Calculation], known: Sequence[Affinity]
) -> dict[str, Update]:
    """Posterior of every target with enough known values.

    Args:
        calibrator: A fitted calibrator.
        calculations: Without measured values.
        known: Measured values of some ligands.
    """
    labelled: dict[str, list[Calculation]] = defaultdict(list)
    for one in with_measured(calculations, known):
        if math.isfinite(one.measured_kcal_mol):
            labelled[one.target].append(one)
    return {t: update(calibrator, members) for t, members in labelled.items() if len(members) >= FEWEST_KNOWN}


def update(calibrator: Calibrator, labelled: Sequence[Calculation]) -> Update:
    """Posterior of one target from its labelled calculations."""
    kinds: dict[Kind, list[Calculation]] = defaultdict(list)
    for one in labelled:
        kinds[kind_of(one)].append(one)
    kind = max(kinds, key=lambda name: len(kinds[name]))
    fitted = calibrator.kinds_[kind]
    seen = observe(
        kinds[kind],
        prior=calibrator.repeat_prior_,
        assay_error=calibrator.assay_error,
        committee_scale=calibrator.committee_scale,
    )
    table, log_width, slope, weight = log_likelihood_by_protein(seen, fitted.model, fitted.between)
    log_posterior = np.log(weight) + table.sum(axis=1)
    posterior = np.exp(log_posterior - log_posterior.max())
    posterior /= posterior.sum()
    width = float(posterior @ np.exp(2 * log_width))
    shift = float(posterior @ slope) / fitted.model.slope
    relative_spread = float(posterior @ (slope / fitted.model.slope - shift) ** 2)
    slopes: dict[Kind, tuple[float, float]] = {}
    before: dict[Kind, float] = {}
    for other, model in calibrator.kinds_.items():
        s = model.model.slope
        slopes[other] = (shift * s, relative_spread * s**2)
        _, nodes, prior = grid(model.model, model.between)
        before[other] = float(prior @ (nodes - s) ** 2)
    return Update(slope=slopes, slope_variance_before=before, width=width, n_known=len(kinds[kind]))


def labelled_copy(one: Calculation, measured: float) -> Calculation:
    """The calculation with a measured value [kcal/mol]."""
    return replace(one, measured_kcal_mol=measured)
