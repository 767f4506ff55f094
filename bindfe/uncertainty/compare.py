"""Two calculations of one quantity, side by side: do they agree within what both claim of their sampling?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from bindfe.errors import InputError
from bindfe.results import Component, Prediction


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two predictions of one ligand, and their difference."""

    first: Prediction
    """From the first run."""
    second: Prediction
    """From the second run."""
    coverage: float
    """Coverage of the intervals (0 to 1)."""
    difference_kcal_mol: float
    """Second less first, both before calibration [kcal/mol]."""
    standard_error_kcal_mol: float
    """Scale of the t distribution of the difference, from both sampling errors [kcal/mol]."""
    degrees_of_freedom: float
    """Its degrees of freedom (Welch and Satterthwaite)."""

    @property
    def half_width_kcal_mol(self) -> float:
        """Half the width of the interval of the difference [kcal/mol]."""
        quantile = stats.t.ppf(0.5 + self.coverage / 2, self.degrees_of_freedom)
        return float(self.standard_error_kcal_mol * quantile) if self.standard_error_kcal_mol else 0.0

    @property
    def agrees(self) -> bool:
        """Whether no difference at all lies inside the interval of the difference."""
        return abs(self.difference_kcal_mol) <= self.half_width_kcal_mol

    @property
    def probability(self) -> float:
        """Chance of so large a difference if both had one answer (two-sided)."""
        if not self.standard_error_kcal_mol:
            return float(self.difference_kcal_mol == 0)
        z = abs(self.difference_kcal_mol) / self.standard_error_kcal_mol
        return float(2 * stats.t.sf(z, self.degrees_of_freedom))


def compare_predictions(first: Prediction, second: Prediction, *, coverage: float = 0.95) -> Comparison:
    """Compare two predictions of one ligand.

    Only sampling errors count: two runs of one model share what is wrong with it. The difference of two t
    distributed values is taken as a t with the variances of the scales added and Welch's degrees of freedom.

    Args:
        first: Prediction of one run.
        second: Prediction of another run of the same ligand and quantity.
        coverage: Coverage of the intervals (0 to 1).

    Raises:
        InputError: Not the same ligand or quantity, or no sampling error to judge by.

    Source:
        Welch, Biometrika 34, 28 (1947), doi:10.1093/biomet/34.1-2.28.
    """
    for what in ("ligand", "reference", "quantity"):
        a, b = getattr(first, what), getattr(second, what)
        if a != b:
            raise InputError(f"two predictions of another {what} cannot be compared: {a} and {b}")
    parts = [_sampling(each) for each in (first, second)]
    variances = np.array([_scale(part) ** 2 for part in parts])
    degrees = np.array([part.degrees_of_freedom for part in parts])
    total, spread = float(variances.sum()), float(np.sum(variances**2 / degrees))
    return Comparison(
        first=first,
        second=second,
        coverage=coverage,
        difference_kcal_mol=second.raw_kcal_mol - first.raw_kcal_mol,
        standard_error_kcal_mol=float(np.sqrt(total)),
        degrees_of_freedom=total**2 / spread if spread else float("inf"),
    )


def sampling_interval(prediction: Prediction, coverage: float = 0.95) -> tuple[float, float]:
    """Interval of the value before calibration from its sampling error alone [kcal/mol].

    Raises:
        InputError: The prediction has no sampling error.
    """
    part = _sampling(prediction)
    half = float(_scale(part) * stats.t.ppf(0.5 + coverage / 2, part.degrees_of_freedom))
    return prediction.raw_kcal_mol - half, prediction.raw_kcal_mol + half


def _sampling(prediction: Prediction) -> Component:
    part = prediction.budget.component("sampling")
    if part is None:
        raise InputError(f"{prediction.ligand}: the prediction has no sampling error to compare with")
    return part


def _scale(part: Component) -> float:
    """Scale of the t whose standard deviation a component holds."""
    degrees = part.degrees_of_freedom
    return part.standard_error_kcal_mol * (1.0 if np.isinf(degrees) else float(np.sqrt((degrees - 2) / degrees)))
