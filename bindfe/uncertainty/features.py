"""What may tell an easy calculation from a hard one, as numbers that grow with difficulty.

Every feature is oriented so that more of it can only widen an interval: the scale model keeps its
coefficients at zero or above. A feature that a file does not have counts as its mean in the calibration
set, so it neither widens nor narrows.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from bindfe.results import Calculation, Floats
from bindfe.uncertainty.shrink import RepeatPrior, sampling_error

FEATURES = (
    "abs_value",
    "series_spread",
    "repeat_sd",
    "repeat_error",
    "charge_change",
    "perturbed_heavy_atoms",
    "dissimilarity",
    "poor_overlap",
    "domain_distance",
)
"""Names, in the order of the columns of :func:`feature_table`."""

_SERIES_WEIGHT = 3.0
_TYPICAL_SPREAD = 1.5


def feature_table(calculations: Sequence[Calculation], prior: RepeatPrior) -> Floats:
    """Features of N calculations, (N, F); nan where a file does not have one.

    ``series_spread`` is the root mean square of the raw values of the calculation's series (with three
    pseudo-values of 1.5 kcal/mol): it uses the other rows of the table, but no measured value.

    Args:
        calculations: N calculations.
        prior: Of the variance between repeats.
    """
    table = np.full((len(calculations), len(FEATURES)), math.nan)
    value = np.array([c.value_kcal_mol for c in calculations])
    relative = np.array([c.quantity == "relative" for c in calculations])
    table[:, 0] = np.where(relative, np.sqrt(np.abs(value)), math.nan)
    table[:, 1] = np.where(relative, np.log(series_spread(calculations)), math.nan)
    informed = np.array([len(c.repeats) > 1 or 0 < c.standard_error_kcal_mol < math.inf for c in calculations])
    table[:, 2] = np.where(informed, np.log(sampling_error(calculations, prior).scale), math.nan)
    own = np.array([c.repeat_error_kcal_mol for c in calculations])
    usable = np.isfinite(own) & (own > 0)
    table[usable, 3] = np.log(own[usable])
    for index, one in enumerate(calculations):
        table[index, 4:] = _described(one)
    return table


def _described(one: Calculation) -> tuple[float, float, float, float, float]:
    known = one.features
    nan = math.nan
    overlap = known.get("smallest_overlap", nan)
    return (
        min(abs(known.get("charge_change", nan)), 1.0) if "charge_change" in known else nan,
        math.log1p(max(known.get("perturbed_heavy_atoms", nan), 0.0)) if "perturbed_heavy_atoms" in known else nan,
        -known.get("similarity", nan),
        -math.log(max(overlap, 0.0) + 1e-3) if math.isfinite(overlap) else nan,
        known.get("domain_distance", nan),
    )


def series_spread(calculations: Sequence[Calculation]) -> Floats:
    """Root mean square raw value of each calculation's series [kcal/mol], (N,), drawn towards 1.5."""
    squares: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for one in calculations:
        total = squares[one.target]
        total[0] += one.value_kcal_mol**2
        total[1] += 1.0
    prior = _SERIES_WEIGHT * _TYPICAL_SPREAD**2
    return np.array(
        [math.sqrt((squares[c.target][0] + prior) / (squares[c.target][1] + _SERIES_WEIGHT)) for c in calculations]
    )
