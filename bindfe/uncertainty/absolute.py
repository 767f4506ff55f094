"""Absolute delta_g: no slope from differences, a shift only from measured ligands of the same target.

A calibrator of absolute values keeps, for each target that it was fitted on (or that has known ligands), an
anchor: the mean raw and the mean measured value of n ligands. There::

    y = y_mean + s (p - p_mean) + e,   Var(e) gains Var_model / n

Without an anchor of at least two ligands the slope is 1, nothing is shifted, and the model error is the stated
prior of :data:`PRIOR_MODEL_ERROR`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bindfe.errors import InputError
from bindfe.results import Calculation, Component, Floats, Prediction, UncertaintyBudget
from bindfe.uncertainty.kinds import BetweenProteins, FittedKind, widened_tail
from bindfe.uncertainty.scale import ScaleModel

if TYPE_CHECKING:
    from bindfe.uncertainty.calibrate import Calibrator

PRIOR_MODEL_ERROR = 2.0
"""Standard deviation of the model error of an absolute delta_g of an unknown target [kcal/mol]; stated, not fitted."""

ASSAY_TO_ASSAY_ERROR = 0.6
"""Scatter of a measured delta_g between assays [kcal/mol]: 0.85/sqrt(2), Ross et al., Commun. Chem. 6, 222 (2023)."""

FEWEST_ANCHORS = 2
"""Measured ligands of a target from which its mean may be shifted."""

_PRIOR_TAIL = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """Where a target's measured values lie relative to the computed ones."""

    raw: float
    """Mean raw value [kcal/mol]."""
    measured: float
    """Mean measured value [kcal/mol]."""
    n: int
    """Ligands."""


def anchors_of(calculations: Sequence[Calculation]) -> dict[str, Anchor]:
    """Anchor of each target with at least two measured ligands."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in calculations:
        if math.isfinite(one.measured_kcal_mol) and one.measured_relation == "=":
            found[one.target].append((one.value_kcal_mol, one.measured_kcal_mol))
    return {
        target: Anchor(raw=float(np.mean([p for p, _ in v])), measured=float(np.mean([y for _, y in v])), n=len(v))
        for target, v in found.items()
        if len(v) >= FEWEST_ANCHORS
    }


def centred(calculations: Sequence[Calculation], anchors: dict[str, Anchor]) -> list[Calculation]:
    """Deviations from the anchors of calculations that have one, in raw and measured value."""
    return [
        replace(
            c,
            value_kcal_mol=c.value_kcal_mol - anchors[c.target].raw,
            measured_kcal_mol=c.measured_kcal_mol - anchors[c.target].measured,
        )
        for c in calculations
        if c.target in anchors
    ]


def prior_kind(n_features: int) -> FittedKind:
    """The stated prior: slope 1, a model error of 2 kcal/mol, tails of a t with 5 degrees."""
    model = ScaleModel(
        slope=1.0,
        log_width=math.log(PRIOR_MODEL_ERROR),
        coefficients=np.zeros(n_features),
        centre=np.zeros(n_features),
        spread=np.full(n_features, np.inf),
        tail=_PRIOR_TAIL,
    )
    return FittedKind(
        model=model,
        between=BetweenProteins(),
        n_calculations=0,
        n_proteins=0,
        pooled=(),
        hierarchical=(),
        coverage_out_of_fold=(),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class AbsoluteParts:
    """What an absolute prediction of one target is made of."""

    slope: float
    """s; 1 without an anchor."""
    shift: float
    """What is added to s times the raw value [kcal/mol]."""
    extra_variance: float
    """Variance of the anchor, or of the prior less the fitted model error [kcal^2/mol^2]."""
    anchored: bool
    """Whether at least two measured ligands of the target are known."""
    promise: str
    """What the interval promises."""


def parts_of(fitted: FittedKind, anchor: Anchor | None, typical_variance: float) -> AbsoluteParts:
    """Slope, shift and variance for one target.

    Args:
        fitted: Of kind ``absolute``.
        anchor: Of the target, or None.
        typical_variance: Model variance of one of its calculations [kcal^2/mol^2].
    """
    if anchor is None:
        return AbsoluteParts(
            slope=1.0,
            shift=0.0,
            extra_variance=max(PRIOR_MODEL_ERROR**2 - typical_variance, 0.0),
            anchored=False,
            promise=f"not calibrated: no two measured ligands of this target; a model error of "
            f"{PRIOR_MODEL_ERROR:g} kcal/mol is assumed",
        )
    slope = fitted.model.slope
    known = f"mean shifted by {anchor.n} measured ligands of this target"
    origin = (
        f"model-based: fitted on {fitted.n_calculations} calculations of {fitted.n_proteins} targets"
        if fitted.n_calculations
        else f"not calibrated: a model error of {PRIOR_MODEL_ERROR:g} kcal/mol is assumed"
    )
    return AbsoluteParts(
        slope=slope,
        shift=anchor.measured - slope * anchor.raw,
        extra_variance=typical_variance / anchor.n,
        anchored=True,
        promise=f"{origin}; {known}",
    )


def calibrate_absolute(prediction: Prediction, calibrator: Calibrator | None = None) -> Prediction:
    """The calibrated form of one absolute prediction, with a budget that sums to its standard error.

    Args:
        prediction: Absolute, uncalibrated, with its own budget (sampling, committee, analytic).
        calibrator: Of absolute values; None for the stated prior.

    Returns:
        A prediction with lines for sampling, committee, model and assay. ``calibrated`` is True only if the
        calibrator was tested on targets that it was not fitted on and this target has measured ligands. A
        unidirectional prediction is never ``calibrated`` and keeps its own word on what it promises.

    Raises:
        InputError: A relative prediction, or a calibrator of relative values.
    """
    from bindfe.uncertainty.calibrate import Calibrator as Plain

    used = Plain.absolute_prior() if calibrator is None else calibrator
    if prediction.quantity != "absolute" or used.quantity_ != "absolute":
        raise InputError(
            f"{prediction.ligand}: a calibrator of {used.quantity_} values cannot calibrate an {prediction.quantity} "
            "delta_g: a slope learned on differences says nothing about it. Use calibration file "
            "'absolute-prior', or fit one on absolute values"
        )
    fitted = used.kinds_["absolute"]
    model_variance = math.exp(2 * fitted.model.log_width)
    parts = parts_of(fitted, used.anchors_.get(prediction.target), model_variance)
    lines = _lines(prediction, parts, used, model_variance + parts.extra_variance)
    budget = UncertaintyBudget(components=lines)
    tail, factor = widened_tail(fitted.model.tail, fitted.log_width_error)
    scale = factor * budget.standard_error_kcal_mol * math.sqrt((fitted.model.tail - 2) / fitted.model.tail)
    total = scale * math.sqrt(tail / (tail - 2))
    return replace(
        prediction,
        location_kcal_mol=parts.slope * prediction.raw_kcal_mol + parts.shift,
        scale_kcal_mol=scale,
        degrees_of_freedom=tail,
        conformal=(),
        calibrated=parts.anchored and fitted.n_proteins > 2 and not prediction.unidirectional,
        guarantee=prediction.guarantee if prediction.unidirectional else parts.promise,
        budget=UncertaintyBudget(components=_summing_to(lines, total)),
    )


def _lines(
    prediction: Prediction, parts: AbsoluteParts, calibrator: Calibrator, model_variance: float
) -> tuple[Component, ...]:
    kept = []
    for kind, factor in (("sampling", 1.0), ("committee", calibrator.committee_scale), ("analytic", 1.0)):
        own = prediction.budget.component(kind)  # type: ignore[arg-type]
        if own is not None:
            kept.append(replace(own, standard_error_kcal_mol=parts.slope * factor * own.standard_error_kcal_mol))
    model = Component(
        kind="model",
        standard_error_kcal_mol=math.sqrt(model_variance),
        degrees_of_freedom=calibrator.kinds_["absolute"].model.tail,
        explanation=parts.promise,
    )
    assay = Component(
        kind="assay",
        standard_error_kcal_mol=calibrator.assay_error,
        degrees_of_freedom=float("inf"),
        explanation="scatter of a measured value between assays",
    )
    return (*kept, model, assay)


def _summing_to(lines: tuple[Component, ...], total: float) -> tuple[Component, ...]:
    """The lines with the model's changed so that the squares sum to ``total`` squared."""
    others = sum(c.standard_error_kcal_mol**2 for c in lines if c.kind != "model")
    model = math.sqrt(max(total**2 - others, 0.0))
    return tuple(replace(c, standard_error_kcal_mol=model) if c.kind == "model" else c for c in lines)


def absolute_arrays(
    calculations: Sequence[Calculation], fitted: FittedKind, anchors: dict[str, Anchor], model_variance: Floats
) -> tuple[Floats, Floats, Floats, list[str]]:
    """Slope, shift, extra variance and promise of each calculation, (N,) each."""
    found = [
        parts_of(fitted, anchors.get(c.target), float(v)) for c, v in zip(calculations, model_variance, strict=True)
    ]
    return (
        np.array([p.slope for p in found]),
        np.array([p.shift for p in found]),
        np.array([p.extra_variance for p in found]),
        [p.promise for p in found],
    )
