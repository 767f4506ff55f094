"""From raw values to intervals that hold as often as they say.

    >>> calibrator = Calibrator().fit(calculations)
    >>> calibrator.predict(others).predict_interval(coverage=0.9)

The model is in ``scale``, its finite-sample layer in ``conformal``; what known ligands of a new protein change
is in ``fewshot``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bindfe.errors import InputError
from bindfe.results import Affinity, Calculation, Floats
from bindfe.uncertainty.absolute import (
    ASSAY_TO_ASSAY_ERROR,
    Anchor,
    absolute_arrays,
    anchors_of,
    calibrate_absolute,
    centred,
    prior_kind,
)
from bindfe.uncertainty.calibrator_file import read_calibrator, save_calibrator
from bindfe.uncertainty.conformal import groups_needed
from bindfe.uncertainty.features import FEATURES
from bindfe.uncertainty.fewshot import Update, update_from_known
from bindfe.uncertainty.kinds import (
    FittedKind,
    Kind,
    fit_kind,
    kind_of,
    observe,
    widened_tail,
)
from bindfe.uncertainty.ligands import ligands_of, with_measured
from bindfe.uncertainty.predictions import PredictionSet
from bindfe.uncertainty.scale import Observations
from bindfe.uncertainty.shrink import RepeatPrior, fit_repeat_prior

__all__ = ["Calibrator", "calibrate_absolute", "load_calibrator"]

Layer = Literal["auto", "model", "pooled", "hierarchical"]

ASSAY_ERROR = 0.3
"""Scatter of one measured value within one assay [kcal/mol]; 0.6 between assays is refuted inside the public series."""

FEWEST_FOR_LAYER = 9
"""Proteins from which intervals stand on out-of-fold quantiles; with fewer on the t model."""

TRANSFER_WIDENING = 1.25
"""Factor on the scale when a calibrator of another method is applied to bindfe's own results; a stated choice."""


class Calibrator:
    """Learns how raw values relate to measured ones, and says how well a new one will do.

    Attributes:
        kinds_: What was learned about each kind of calculation (edge, ligand, absolute).
        repeat_prior_: How the variance between repeats is distributed.
        quantity_: ``relative`` or ``absolute``.
        proteins_: Names of the proteins fitted on.
        n_left_out_: Calculations without a measured value, not used.
        fitted_on_: What it was fitted on, date, method class: plain facts for the file.
        scores_: Scores on proteins that were not fitted on, where they were measured.
    """

    def __init__(
        self,
        *,
        layer: Layer = "auto",
        assay_error: float = ASSAY_ERROR,
        committee_scale: float = 1.0,
        method: str = "",
        chemistry: str = "congeneric small molecules in proteins",
    ) -> None:
        """Store the choices.

        Args:
            layer: What the intervals stand on: the t model, or out-of-fold quantiles (pooled, hierarchical);
                ``auto`` is pooled from 9 proteins and the model with fewer.
            assay_error: Standard error of one measured value within an assay [kcal/mol].
            committee_scale: alpha, from a hold-out set, on the spread of a committee.
            method: Method class of the calculations, for example ``OpenFE 1.0 RBFE``.
            chemistry: What kind of systems it is for.
        """
        self.layer = layer
        self.assay_error = assay_error
        self.committee_scale = committee_scale
        self.method = method
        self.chemistry = chemistry
        self.kinds_: dict[Kind, FittedKind] = {}
        self.repeat_prior_ = RepeatPrior()
        self.quantity_: Literal["relative", "absolute"] = "relative"
        self.proteins_: tuple[str, ...] = ()
        self.n_left_out_ = 0
        self.fitted_on_: dict[str, Any] = {}
        self.scores_: dict[str, Any] = {}
        self.does_not_apply_to_: tuple[str, ...] = ()
        self.anchors_: dict[str, Anchor] = {}

    @classmethod
    def absolute_prior(cls) -> Calibrator:
        """A calibrator of absolute values that has seen nothing: slope 1 and a wide, stated model error."""
        prior = cls(assay_error=ASSAY_TO_ASSAY_ERROR, method="any", chemistry="any")
        prior.quantity_, prior.kinds_ = "absolute", {"absolute": prior_kind(len(FEATURES))}
        prior.fitted_on_ = {"calculations": 0, "proteins": [], "note": "a stated prior, not fitted"}
        return prior

    def fit(self, calculations: Sequence[Calculation], affinities: Sequence[Affinity] = ()) -> Calibrator:
        """Learn from calculations with measured values.

        Edges also give the ligands of their networks (generalised least squares), which are fitted beside them.

        Args:
            calculations: All of one quantity.
            affinities: Measured values by ligand (and target); they replace those in the calculations.

        Raises:
            InputError: Both quantities, no measured value, or fewer than 5.
        """
        self.quantity_ = _one_quantity(calculations)
        filled = with_measured(calculations, affinities)
        known = [c for c in filled if math.isfinite(c.measured_kcal_mol)]
        self.n_left_out_ = len(filled) - len(known)
        if not known:
            raise InputError(
                "no calculation has a measured value; give --affinities, or a file with a column of measured values"
            )
        self.repeat_prior_ = fit_repeat_prior(known)
        self.proteins_ = tuple(sorted({c.protein or c.target for c in known}))
        by_kind: dict[Kind, list[Calculation]] = {}
        for one in known:
            by_kind.setdefault(kind_of(one), []).append(one)
        if "edge" in by_kind and "ligand" not in by_kind:
            by_kind["ligand"] = [
                c for c in ligands_of(filled, self.repeat_prior_) if math.isfinite(c.measured_kcal_mol)
            ]
        if "absolute" in by_kind:
            self.anchors_ = anchors_of(known)
            by_kind["absolute"] = centred(known, self.anchors_)
        self.kinds_ = {kind: self._fit_kind(members) for kind, members in by_kind.items() if len(members) >= 5}
        if not self.kinds_:
            raise InputError(f"{len(known)} calculations with a measured value; at least 5 of one kind are needed")
        self.fitted_on_ = self._facts(known)
        return self

    def _fit_kind(self, members: Sequence[Calculation]) -> FittedKind:
        proteins = np.array([c.protein or c.target for c in members])
        return fit_kind(self.observe(members), proteins)

    def observe(self, members: Sequence[Calculation]) -> Observations:
        """Arrays of calculations of one kind, with this calibrator's prior and assay error."""
        return observe(
            members, prior=self.repeat_prior_, assay_error=self.assay_error, committee_scale=self.committee_scale
        )

    def _facts(self, known: Sequence[Calculation]) -> dict[str, Any]:
        return {
            "calculations": len(known),
            "left_out_without_measured_value": self.n_left_out_,
            "sets": dict(sorted(Counter(c.target for c in known).items())),
            "proteins": list(self.proteins_),
            "date": date.today().isoformat(),
        }

    def predict(
        self,
        calculations: Sequence[Calculation],
        known: Sequence[Affinity | Calculation] = (),
        *,
        transferred: str = "",
    ) -> PredictionSet:
        """Calibrated predictions; measured values in the calculations are never looked at.

        Args:
            calculations: Of the quantity that was fitted.
            known: Measured values of some ligands of the targets: those targets' slope and width are updated.
            transferred: If the calculations come from another method than those fitted on, which; the result says so.

        Raises:
            InputError: Not fitted, an absolute value given to a relative calibrator or the reverse, or a kind that
                was not fitted.
        """
        if not self.kinds_:
            raise InputError("the calibrator has not been fitted; call fit, or load a file")
        quantity = _one_quantity(calculations)
        if quantity != self.quantity_:
            raise InputError(
                f"a calibrator of {self.quantity_} values was given {quantity} ones: a slope learned on differences "
                "says nothing about an absolute delta_g. Fit one on absolute values, or use 'absolute-prior'"
            )
        blind = [replace(c, measured_kcal_mol=math.nan, measured_relation="=") for c in calculations]
        if quantity == "absolute":
            anchors = self.anchors_ | _known_anchors(blind, known)
            return self._assemble(tuple(calculations), blind, {}, transferred, anchors)
        updates = update_from_known(self, blind, known) if known else {}
        return self._assemble(tuple(calculations), blind, updates, transferred, {})

    def predict_interval(self, calculations: Sequence[Calculation], coverage: float = 0.9) -> Floats:
        """Lower and upper bounds [kcal/mol], (N, 2)."""
        return self.predict(calculations).predict_interval(coverage)

    def _assemble(
        self,
        calculations: tuple[Calculation, ...],
        blind: Sequence[Calculation],
        updates: Mapping[str, Update],
        transferred: str,
        anchors: dict[str, Anchor],
    ) -> PredictionSet:
        promises: list[str] = []
        kinds = np.array([kind_of(c) for c in blind])
        count = len(blind)
        location, variance, tail, slope = np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count)
        stretch, parts = np.ones(count), np.zeros((count, 4))
        for kind in dict.fromkeys(kinds.tolist()):
            fitted = self._kind(kind)
            rows = np.flatnonzero(kinds == kind)
            members = [blind[int(i)] for i in rows]
            seen = self.observe(members)
            slope[rows] = fitted.model.slope
            location[rows] = fitted.model.slope * seen.value
            variance[rows] = fitted.model.variance(seen)
            if kind == "absolute":
                model = fitted.model.model_variance(seen.features)
                slope[rows], shift, extra, promises = absolute_arrays(calculations, fitted, anchors, model)
                location[rows] = slope[rows] * seen.value + shift
                variance[rows] = model + extra + slope[rows] ** 2 * seen.variance + seen.assay
            tail[rows], factor = widened_tail(fitted.model.tail, fitted.log_width_error)
            stretch[rows] = factor * math.sqrt((fitted.model.tail - 2) / fitted.model.tail)
            parts[rows] = self._parts(seen, members, slope[rows])
        for target, change in updates.items():
            for kind in dict.fromkeys(kinds.tolist()):
                rows = np.flatnonzero([c.target == target and kind_of(c) == kind for c in blind])
                value = np.array([blind[int(i)].value_kcal_mol for i in rows])
                location[rows], variance[rows] = change.apply(value, location[rows], variance[rows], self._kind(kind))
                slope[rows] *= change.slope
        scale = stretch * np.sqrt(variance)
        if transferred == "bindfe":
            scale = scale * TRANSFER_WIDENING
        degrees = tail
        total = scale * np.sqrt(degrees / (degrees - 2))
        components = _close_budget(parts, total)
        raw_error = np.sqrt(((1 - slope) * np.array([c.value_kcal_mol for c in blind])) ** 2 + total**2)
        conformal, promise = self._layer(kinds, transferred)
        return PredictionSet(
            calculations=calculations,
            location=location,
            scale=scale,
            degrees_of_freedom=degrees,
            raw_standard_error=raw_error,
            components=components,
            conformal=conformal,
            calibrated=_calibrated(
                transferred, len(self.proteins_), self.quantity_, all(c.target in anchors for c in blind)
            ),
            guarantees=tuple(promises)
            or tuple(updates[c.target].guarantee if c.target in updates else promise for c in blind),
            warnings=tuple(self._warnings(c, c.target in updates) for c in blind),
            levers=tuple(_lever(c, row, c.target in updates) for c, row in zip(blind, components, strict=True)),
        )

    def _kind(self, kind: Kind) -> FittedKind:
        if kind not in self.kinds_:
            raise InputError(f"the calibrator was not fitted on this kind ({kind}); it knows: {', '.join(self.kinds_)}")
        return self.kinds_[kind]

    def _parts(self, seen: Observations, members: Sequence[Calculation], slope: Floats) -> Floats:
        committee = slope * self.committee_scale * np.array([c.committee_kcal_mol for c in members])
        sampling = np.sqrt(np.maximum(slope**2 * seen.variance - committee**2, 0.0))
        return np.stack([sampling, committee, np.zeros(len(members)), np.sqrt(seen.assay)], axis=1)

    def _layer(self, kinds: Any, transferred: str) -> tuple[tuple[tuple[float, float], ...], str]:
        present = list(dict.fromkeys(kinds.tolist()))
        fitted = self._kind(present[0])
        where = f"fitted on {fitted.n_calculations} calculations of {fitted.n_proteins} proteins"
        layer = self.layer
        if layer == "auto":
            layer = "pooled" if fitted.n_proteins >= FEWEST_FOR_LAYER else "model"
        if layer == "model" or len(present) > 1:
            pairs: tuple[tuple[float, float], ...] = ()
        else:
            pairs = fitted.pooled if layer == "pooled" else fitted.hierarchical
        finite = tuple((c, q) for c, q in pairs if math.isfinite(q))
        if transferred:
            wider = f"; scale widened by {TRANSFER_WIDENING:g}" if transferred == "bindfe" else ""
            return finite, f"transferred: {where} by another method ({self.method or 'unknown'}), untested here{wider}"
        if not pairs:
            return (), _model_promise(fitted, where)
        return finite, f"{_LAYER_WORDS[layer]}; {_model_promise(fitted, where, '')}{_fallback(pairs)}"

    def _warnings(self, one: Calculation, updated: bool) -> tuple[str, ...]:
        found = []
        if len(one.repeats) == 1 or (not one.repeats and not 0 < one.standard_error_kcal_mol < math.inf):
            found.append("no repeats: the sampling line is that of a typical calculation")
        if abs(one.features.get("charge_change", 0.0)) > 0:
            found.append("the net charge changes: such edges are few in the calibration set")
        if one.quantity == "relative" and abs(one.value_kcal_mol) > 6.0:
            found.append("an unusually large raw value: check the poses")
        return tuple(found)

    def save(self, path: Path) -> None:
        """Write the calibrator as checksummed JSON."""
        save_calibrator(self, path)


def load_calibrator(name: str) -> Calibrator:
    """Read a calibrator from a file, or a shipped one: ``default`` (relative), ``absolute-prior``.

    Raises:
        InputError: No such file, or not a calibrator.
    """
    return read_calibrator(name)


def _known_anchors(blind: Sequence[Calculation], known: Sequence[Affinity | Calculation]) -> dict[str, Anchor]:
    affinities = [one for one in known if isinstance(one, Affinity)]
    labelled = [one for one in known if isinstance(one, Calculation)]
    return anchors_of([*(with_measured(blind, affinities) if affinities else ()), *labelled])


def _calibrated(transferred: str, n_proteins: int, quantity: str, anchored: bool) -> bool:
    return not transferred and n_proteins > 2 and (quantity == "relative" or anchored)


def _one_quantity(calculations: Sequence[Calculation]) -> Literal["relative", "absolute"]:
    found = {c.quantity for c in calculations}
    if len(found) != 1:
        raise InputError("absolute and relative values together, or none; a calibrator is for one quantity")
    return found.pop()


def _close_budget(parts: Floats, total: Floats) -> Floats:
    """Give the model what the other parts leave; where they leave too little, they are scaled down.

    The total is what was measured on left-out proteins; the parts are attributed. The model keeps at least a
    quarter of the variance.
    """
    closed = parts.copy()
    others = (parts**2).sum(axis=1)
    room = 0.75 * total**2
    shrink = np.where(others > room, np.sqrt(room / np.maximum(others, 1e-300)), 1.0)
    closed *= shrink[:, None]
    closed[:, 2] = np.sqrt(np.maximum(total**2 - (closed**2).sum(axis=1), 0.0))
    return closed


_LAYER_WORDS = {
    "pooled": "conformal over calculations of left-out proteins",
    "hierarchical": "conformal over proteins: 1 - alpha for a new exchangeable protein",
}


def _fallback(pairs: tuple[tuple[float, float], ...]) -> str:
    lost = [c for c, q in pairs if not math.isfinite(q)]
    if not lost:
        return ""
    return f"; model-based at {', '.join(f'{c:.0%}' for c in lost)} ({groups_needed(lost[0])} proteins needed)"


def _model_promise(fitted: FittedKind, where: str, kind: str = "model-based: ") -> str:
    seen = dict(fitted.coverage_out_of_fold).get(0.9)
    if fitted.n_proteins < 3 or seen is None:
        return f"{kind}{where}; too few proteins to test the coverage on others"
    return f"{kind}{where}; on left-out proteins the 90 % t interval held {100 * seen:.0f} %"


def _lever(one: Calculation, parts: Floats, updated: bool) -> str:
    sampling, committee, _, _ = parts
    if sampling > 0.5 * math.sqrt(float((parts**2).sum())):
        return "two more repeats"
    if committee > 0.5 * math.sqrt(float((parts**2).sum())):
        return "a better potential (active learning)"
    return "measure three more ligands" if updated else "measure three ligands"
