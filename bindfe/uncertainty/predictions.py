"""Predictions as a set: arrays for the many, :class:`~bindfe.results.Prediction` for the one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bindfe.errors import InputError
from bindfe.results import Calculation, Component, Floats, Prediction, UncertaintyBudget
from bindfe.uncertainty.student import sd_factor, t_cdf, t_quantile

COMPONENTS = ("sampling", "committee", "model", "assay")
"""Lines of the budget, in the order of the columns of ``PredictionSet.components``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictionSet:
    """N calibrated predictions."""

    calculations: tuple[Calculation, ...]
    """What was predicted from, (N,)."""
    location: Floats
    """Calibrated value [kcal/mol], (N,)."""
    scale: Floats
    """Scale of the predictive t [kcal/mol], (N,)."""
    degrees_of_freedom: Floats
    """Its degrees of freedom, (N,)."""
    raw_standard_error: Floats
    """What the raw value's error is expected to be, shrinkage included [kcal/mol], (N,)."""
    components: Floats
    """Standard error of each part of the budget [kcal/mol], (N, 4); their squares sum to the total's."""
    conformal: tuple[tuple[float, float], ...]
    """Pairs (coverage, multiple of the scale) that replace t quantiles."""
    calibrated: bool
    """Whether the coverage was tested on proteins that were not fitted on."""
    guarantees: tuple[str, ...]
    """What each interval promises, (N,)."""
    warnings: tuple[tuple[str, ...], ...]
    """What a user should know about each, (N,)."""
    levers: tuple[str, ...]
    """What would narrow each interval most, (N,)."""

    def __len__(self) -> int:
        return len(self.calculations)

    def __iter__(self) -> Iterator[Prediction]:
        return (self[index] for index in range(len(self)))

    @property
    def raw(self) -> Floats:
        """Value before calibration [kcal/mol], (N,)."""
        return np.array([c.value_kcal_mol for c in self.calculations])

    @property
    def standard_error(self) -> Floats:
        """Predictive standard deviation [kcal/mol], (N,)."""
        return self.scale * sd_factor(self.degrees_of_freedom)

    def half_width(self, coverage: float) -> Floats:
        """Half the width of the central interval [kcal/mol], (N,).

        Raises:
            InputError: A coverage that is not between 0 and 1.
        """
        if not 0.0 < coverage < 1.0:
            raise InputError(f"a coverage of {coverage:g}: a number between 0 and 1 is needed, for example 0.9")
        for level, multiple in self.conformal:
            if abs(level - coverage) < 1e-9:
                return self.scale * multiple
        return self.scale * t_quantile(0.5 + coverage / 2, self.degrees_of_freedom)

    def predict_interval(self, coverage: float = 0.9) -> Floats:
        """Lower and upper bounds at ``coverage`` [kcal/mol], (N, 2)."""
        half = self.half_width(coverage)
        return np.stack([self.location - half, self.location + half], axis=1)

    def cdf(self, value: Floats | float) -> Floats:
        """Probability that the true value is below ``value`` [kcal/mol], (N,)."""
        return t_cdf((np.asarray(value) - self.location) / self.scale, self.degrees_of_freedom)

    def probability_below(self, delta_g: float) -> Floats:
        """Probability that each is below ``delta_g`` [kcal/mol]: binds better than that, (N,)."""
        return self.cdf(delta_g)

    def p_better(self, a: str, b: str, *, target: str = "") -> float:
        """Probability that ligand ``a`` binds better than ``b``.

        From the edge between them where there is one. Otherwise from the two ligands, whose errors are taken as
        independent: they share part of them, so the probability is then nearer to a half than it should be.

        Args:
            a: Name of a ligand.
            b: Name of another.
            target: Series, if the set has several.

        Raises:
            InputError: No edge between them, and not both are there as ligands.
        """
        rows = [i for i, c in enumerate(self.calculations) if not target or c.target == target]
        for i in rows:
            pair = (self.calculations[i].reference, self.calculations[i].ligand)
            if pair in ((a, b), (b, a)):
                below = float(self.cdf(0.0)[i])
                return below if pair == (b, a) else 1.0 - below
        alone = {
            self.calculations[i].ligand: i for i in rows if self.calculations[i].reference in (None, "series mean")
        }
        if a not in alone or b not in alone:
            raise InputError(f"no edge between {a} and {b}, and not both are predicted as ligands")
        i, j = alone[a], alone[b]
        scale = float(np.hypot(self.scale[i], self.scale[j]))
        degrees = min(self.degrees_of_freedom[i], self.degrees_of_freedom[j])
        return float(t_cdf(np.array((self.location[j] - self.location[i]) / scale), np.array(degrees)))

    def __getitem__(self, index: int) -> Prediction:
        one = self.calculations[index]
        scale = float(self.scale[index])
        return Prediction(
            ligand=one.ligand,
            reference=one.reference,
            target=one.target,
            quantity=one.quantity,
            raw_kcal_mol=one.value_kcal_mol,
            location_kcal_mol=float(self.location[index]),
            scale_kcal_mol=scale,
            degrees_of_freedom=float(self.degrees_of_freedom[index]),
            conformal=tuple((level, multiple * scale) for level, multiple in self.conformal),
            calibrated=self.calibrated,
            guarantee=self.guarantees[index],
            budget=self._budget(index),
            warnings=self.warnings[index],
        )

    def _budget(self, index: int) -> UncertaintyBudget:
        degrees = float(self.degrees_of_freedom[index])
        words = {
            "sampling": "spread of repeats and their own errors, times the slope",
            "committee": "spread over the committee's members, times the slope",
            "model": f"learned from calculations with known answers; largest lever: {self.levers[index]}",
            "assay": "scatter of measured values within one assay",
        }
        return UncertaintyBudget(
            components=tuple(
                Component(
                    kind=kind,  # type: ignore[arg-type]
                    standard_error_kcal_mol=float(error),
                    degrees_of_freedom=degrees if kind == "model" else float("inf"),
                    explanation=words[kind],
                )
                for kind, error in zip(COMPONENTS, self.components[index], strict=True)
            )
        )
