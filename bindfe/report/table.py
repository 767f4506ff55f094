"""One row for each ligand, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from bindfe.report.style import COMPONENT_COLOURS
from bindfe.results import Prediction

_DECIMALS = 4
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def predictions_table(predictions: Sequence[Prediction], coverages: Sequence[float]) -> str:
    """Write predictions as CSV with a header, units in the column names.

    Args:
        predictions: One row each, in this order.
        coverages: Coverages of the intervals (0 to 1); 0.95 gives ``lower_95_kcal_mol``, ``upper_95_kcal_mol``.

    Returns:
        CSV text, lines ended by a line feed. A part that the budget does not have is an empty cell, an
        infinite number is ``inf``. Text that a spreadsheet would run as a formula is led by an apostrophe.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    levels = sorted(coverages)
    bounds = [f"{side}_{100 * level:g}_kcal_mol" for level in levels for side in ("lower", "upper")]
    parts = [f"{kind}_kcal_mol" for kind in COMPONENT_COLOURS]
    values = ["raw_kcal_mol", "calibrated_kcal_mol", "standard_error_kcal_mol"]
    writer.writerow(["ligand", *values, *bounds, *parts, "quantity", "guarantee", "warnings"])
    for prediction in predictions:
        writer.writerow(_row(prediction, levels))
    return buffer.getvalue()


def _row(prediction: Prediction, levels: Sequence[float]) -> list[str]:
    found = [prediction.budget.component(kind) for kind in COMPONENT_COLOURS]
    calibrated = prediction.location_kcal_mol if prediction.calibrated else None
    name = f"{prediction.reference} -> {prediction.ligand}" if prediction.reference else prediction.ligand
    return [
        _text(name),
        _cell(prediction.raw_kcal_mol),
        _cell(calibrated),
        _cell(prediction.standard_error_kcal_mol),
        *(_cell(bound) for level in levels for bound in prediction.interval(level)),
        *(_cell(None if part is None else part.standard_error_kcal_mol) for part in found),
        prediction.quantity,
        _text(prediction.guarantee),
        _text(" | ".join(prediction.warnings)),
    ]


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.{_DECIMALS}f}"


def _text(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA) else text
