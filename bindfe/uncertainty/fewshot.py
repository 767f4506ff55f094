"""What known ligands of a new protein change: its slope, its width, and with them every interval.

A protein has its own log width k ~ N(-tau^2, tau^2) and slope s ~ N(s0, sd^2). Known calculations of it give the
posterior on a grid of both; predictions take its means. Known ligands count either through edges whose two
ends are known, or through the ligands of the network, whichever are more.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bindfe.results import Affinity, Calculation, Floats
from bindfe.uncertainty.kinds import FittedKind, Kind, grid, kind_of, log_likelihood_by_protein
from bindfe.uncertainty.ligands import ligands_of, with_measured

if TYPE_CHECKING:
    from bindfe.uncertainty.calibrate import Calibrator

FEWEST_KNOWN = 3
"""Known calculations of a target from which it is updated."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """The posterior of one target, relative to an average protein."""

    slope: float
    """Mean slope over the average protein's."""
    slope_variance: float
    """Variance of that ratio."""
    width: float
    """Mean square width over the average protein's."""
    n_known: int
    """Known calculations."""

    @property
    def guarantee(self) -> str:
        """What an updated interval promises."""
        return f"model-based, updated with {self.n_known} known values of this target; no finite-sample guarantee"

    def apply(self, value: Floats, location: Floats, variance: Floats, fitted: FittedKind) -> tuple[Floats, Floats]:
        """Location and predictive variance with the posterior in the place of the average protein.

        Args:
            value: Raw values [kcal/mol], (N,).
            location: Locations of an average protein [kcal/mol], (N,).
            variance: Predictive variances of an average protein [kcal^2/mol^2], (N,).
            fitted: The kind that they belong to.
        """
        between = (fitted.between.slope_sd * value) ** 2
        within = np.maximum(variance - between, 0.25 * variance)
        return self.slope * location, within * self.width + self.slope_variance * (fitted.model.slope * value) ** 2


def posterior(log_likelihood: Floats, fitted: FittedKind) -> Update:
    """Posterior of one protein.

    Args:
        log_likelihood: Of its known calculations on the grid of :func:`~bindfe.uncertainty.kinds.grid`, (G, K).
        fitted: The kind that they belong to.
    """
    log_width, slope, weight = grid(fitted.model, fitted.between)
    log_posterior = np.log(weight) + log_likelihood.sum(axis=1)
    probability = np.exp(log_posterior - log_posterior.max())
    probability /= probability.sum()
    ratio = slope / fitted.model.slope
    mean = float(probability @ ratio)
    return Update(
        slope=mean,
        slope_variance=float(probability @ (ratio - mean) ** 2),
        width=float(probability @ np.exp(2 * log_width)),
        n_known=log_likelihood.shape[1],
    )


def update_from_known(
    calibrator: Calibrator, calculations: Sequence[Calculation], known: Sequence[Affinity | Calculation]
) -> dict[str, Update]:
    """Posterior of every target with enough known values.

    Args:
        calibrator: A fitted calibrator.
        calculations: Without measured values.
        known: Measured values of some ligands, or calculations of the targets with their measured value.
    """
    affinities = [one for one in known if isinstance(one, Affinity)]
    direct = [one for one in known if isinstance(one, Calculation) and math.isfinite(one.measured_kcal_mol)]
    if affinities:
        direct += [c for c in with_measured(calculations, affinities) if math.isfinite(c.measured_kcal_mol)]
    by_target = _grouped(direct)
    if affinities and "ligand" in calibrator.kinds_:
        for target, members in _grouped(_known_ligands(calibrator, calculations, affinities)).items():
            if len(members) - 1 > len(by_target.get(target, ())):
                by_target[target] = members
    return {
        target: update_target(calibrator, members)
        for target, members in by_target.items()
        if len(members) >= FEWEST_KNOWN
    }


def _grouped(calculations: Sequence[Calculation]) -> dict[str, list[Calculation]]:
    found: dict[str, list[Calculation]] = defaultdict(list)
    for one in calculations:
        found[one.target].append(one)
    return dict(found)


def _known_ligands(
    calibrator: Calibrator, calculations: Sequence[Calculation], affinities: Sequence[Affinity]
) -> list[Calculation]:
    """Known ligands of each network as deviations from the mean over the known ones, raw and measured."""
    edges = [c for c in calculations if kind_of(c) == "edge"]
    filled = with_measured(ligands_of(edges, calibrator.repeat_prior_), affinities) if edges else []
    known = [c for c in filled if math.isfinite(c.measured_kcal_mol)]
    shift: Mapping[str, float] = {
        target: float(np.mean([c.value_kcal_mol for c in members])) for target, members in _grouped(known).items()
    }
    return [_shifted(c, shift[c.target]) for c in known]


def _shifted(one: Calculation, by: float) -> Calculation:
    from dataclasses import replace

    return replace(one, value_kcal_mol=one.value_kcal_mol - by)


def update_target(calibrator: Calibrator, labelled: Sequence[Calculation]) -> Update:
    """Posterior of one target from its labelled calculations, of the kind that most of them are."""
    kinds: dict[Kind, list[Calculation]] = defaultdict(list)
    for one in labelled:
        kinds[kind_of(one)].append(one)
    kind = max(kinds, key=lambda name: len(kinds[name]))
    fitted = calibrator.kinds_[kind]
    table, *_ = log_likelihood_by_protein(calibrator.observe(kinds[kind]), fitted.model, fitted.between)
    return posterior(table, fitted)


def rows_of(target: str, calculations: Sequence[Calculation]) -> NDArray[np.int64]:
    """Places of a target's calculations."""
    return np.flatnonzero([c.target == target for c in calculations])
