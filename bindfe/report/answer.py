"""The machine's answer: the content of ``prediction.json``, versioned and documented.

Every key that holds a quantity has its unit in its name; see docs/prediction-json.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bindfe.report.material import DEFAULT_COVERAGES, Failure
from bindfe.report.style import COMPONENT_COLOURS
from bindfe.results import BindingEstimate, Prediction

SCHEMA_VERSION = 1
"""Raised when a key is renamed, removed or changes its meaning; a new key does not raise it."""


def answer(
    predictions: Sequence[Prediction],
    *,
    protocol: str,
    fingerprint: str,
    estimates: Mapping[str, BindingEstimate] | None = None,
    force_field: Mapping[str, Prediction | None] | None = None,
    failures: Sequence[Failure] = (),
    coverages: Sequence[float] = DEFAULT_COVERAGES,
) -> dict[str, Any]:
    """Everything that a program wants to know of a run, in JSON's types.

    Args:
        predictions: The ligands that have a number.
        protocol: Name of the protocol.
        fingerprint: Identity of the calculation.
        estimates: The cycle behind each prediction, by ligand; gives terms and repeats.
        force_field: The prediction before a correction to a learned potential, by ligand; None without one.
        failures: The ligands that have none, each with its coded reason.
        coverages: Coverages of the intervals (0 to 1).

    Returns:
        A dictionary that ``json.dumps(..., allow_nan=False)`` takes: null stands for a number that does not
        exist (an infinite standard error or infinite degrees of freedom). A prediction whose value is not
        finite is a failure with the reason ``not_finite``.
    """
    known, before = estimates or {}, force_field or {}
    entries = [_entry(each, known.get(each.name), before.get(each.name), coverages=coverages) for each in predictions]
    return {
        "schema_version": SCHEMA_VERSION,
        "protocol": protocol,
        "fingerprint": fingerprint,
        "predictions": entries + [_failed(each.ligand, each.reason, each.message) for each in failures],
    }


def _entry(
    prediction: Prediction,
    estimate: BindingEstimate | None,
    force_field: Prediction | None,
    *,
    coverages: Sequence[float],
) -> dict[str, Any]:
    intervals = {f"{level:g}": list(prediction.interval(level)) for level in sorted(coverages)}
    numbers = [prediction.location_kcal_mol, *(bound for pair in intervals.values() for bound in pair)]
    if not all(math.isfinite(value) for value in numbers):
        message = f"the value {prediction.location_kcal_mol} or a bound of its intervals is not a finite number"
        return _failed(prediction.name, "not_finite", message, prediction)
    return {
        **_names(prediction.name, prediction),
        "delta_g_kcal_mol": prediction.location_kcal_mol,
        "raw_kcal_mol": _finite(prediction.raw_kcal_mol),
        "standard_error_kcal_mol": _finite(prediction.standard_error_kcal_mol),
        "degrees_of_freedom": _finite(prediction.degrees_of_freedom),
        "intervals_kcal_mol": intervals,
        "calibrated": prediction.calibrated,
        "guarantee": prediction.guarantee,
        "unidirectional": prediction.unidirectional,
        "committee": _committee(estimate),
        "budget_kcal_mol": _budget(prediction),
        "terms_kcal_mol": _terms(estimate),
        "force_field_kcal_mol": _force_field(force_field),
        "repeats_kcal_mol": [_finite(float(value)) for value in estimate.delta_g_repeats] if estimate else [],
        "warnings": list(prediction.warnings),
        "status": "ok",
        "reason": None,
        "message": None,
    }


def _failed(ligand: str, reason: str, message: str, prediction: Prediction | None = None) -> dict[str, Any]:
    """The same keys as a result, so that a reader needs no second schema."""
    return {
        **_names(ligand, prediction),
        "delta_g_kcal_mol": None,
        "raw_kcal_mol": None,
        "standard_error_kcal_mol": None,
        "degrees_of_freedom": None,
        "intervals_kcal_mol": {},
        "calibrated": False,
        "guarantee": "",
        "unidirectional": False,
        "committee": None,
        "budget_kcal_mol": dict.fromkeys(COMPONENT_COLOURS),
        "terms_kcal_mol": {},
        "force_field_kcal_mol": None,
        "repeats_kcal_mol": [],
        "warnings": list(prediction.warnings) if prediction else [],
        "status": "failed",
        "reason": reason,
        "message": message,
    }


def _names(name: str, prediction: Prediction | None) -> dict[str, Any]:
    first, _, last = name.rpartition("~")  # an edge: no ligand's name holds a tilde
    return {
        "name": name,
        "ligand": last,
        "reference": first or None,
        "quantity": prediction.quantity if prediction else ("relative" if first else "absolute"),
    }


def _budget(prediction: Prediction) -> dict[str, float | None]:
    found = {kind: prediction.budget.component(kind) for kind in COMPONENT_COLOURS}
    return {kind: None if part is None else _finite(part.standard_error_kcal_mol) for kind, part in found.items()}


def _terms(estimate: BindingEstimate | None) -> dict[str, float | None]:
    """Terms by name; those of one name are added, as they enter the sum."""
    terms: dict[str, float] = {}
    for term in estimate.terms if estimate else ():
        terms[term.name] = terms.get(term.name, 0.0) + term.delta_g_kcal_mol
    return {name: _finite(value) for name, value in terms.items()}


def _force_field(prediction: Prediction | None) -> dict[str, float | None] | None:
    """The value and its standard error before a correction to a learned potential."""
    if prediction is None:
        return None
    return {
        "delta_g": _finite(prediction.location_kcal_mol),
        "standard_error": _finite(prediction.standard_error_kcal_mol),
    }


def _committee(estimate: BindingEstimate | None) -> dict[str, Any] | None:
    """How the members' delta_g were found, and what they are; ligands' differences need the vector."""
    if estimate is None or estimate.committee is None:
        return None
    route = estimate.committee
    return {
        "route": route.route,
        "trusted": route.trusted,
        "reason": route.reason,
        "alpha": route.alpha,
        "members_kcal_mol": [_finite(float(value)) for value in estimate.delta_g_members],
        "member_errors_kcal_mol": [_finite(float(value)) for value in estimate.member_errors],
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
