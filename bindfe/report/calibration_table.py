"""``predictions.csv``: one row an edge or ligand, units in the column names."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from bindfe.uncertainty.predictions import COMPONENTS, PredictionSet

_DECIMALS = 4
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def predictions_csv(predictions: PredictionSet, coverages: Sequence[float]) -> str:
    """Write predictions as CSV.

    Args:
        predictions: One row each, in this order.
        coverages: 0.95 gives ``lower_95_kcal_mol`` and ``upper_95_kcal_mol``.

    Returns:
        CSV text. Measured values that the input carried are copied to ``measured_kcal_mol``; nothing used them.
    """
    edges = any(c.reference not in (None, "series mean") for c in predictions.calculations)
    names = ["ligand_a", "ligand_b"] if edges else ["ligand"]
    levels = sorted(set(coverages))
    bounds = [f"{side}_{100 * level:g}_kcal_mol" for level in levels for side in ("lower", "upper")]
    columns = [
        predictions.raw,
        predictions.location,
        predictions.standard_error,
        *(column for level in levels for column in predictions.predict_interval(level).T),
        *predictions.components.T,
        predictions.scale,
        predictions.degrees_of_freedom,
        predictions.raw_standard_error,
        np.array([c.standard_error_kcal_mol for c in predictions.calculations]),
        np.array([c.measured_kcal_mol for c in predictions.calculations]),
    ]
    header = ["raw_kcal_mol", "calibrated_kcal_mol", "standard_error_kcal_mol", *bounds]
    header += [*(f"{part}_kcal_mol" for part in COMPONENTS), "scale_kcal_mol", "degrees_of_freedom"]
    header += ["raw_standard_error_kcal_mol", "reported_standard_error_kcal_mol", "measured_kcal_mol"]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["target", *names, "quantity", *header, "protein", "largest_lever", "guarantee", "warnings"])
    numbers = np.stack(columns, axis=1)
    for index, (one, row) in enumerate(zip(predictions.calculations, numbers, strict=True)):
        pair = [one.reference or "", one.ligand] if edges else [one.ligand]
        words = [
            one.protein,
            predictions.levers[index],
            predictions.guarantees[index],
            " | ".join(predictions.warnings[index]),
        ]
        cells = ["" if value != value else f"{value:.{_DECIMALS}f}" for value in row.tolist()]
        writer.writerow([_safe(one.target), *map(_safe, pair), one.quantity, *cells, *map(_safe, words)])
    return buffer.getvalue()


def _safe(text: str) -> str:
    """Text that a spreadsheet would run as a formula is led by an apostrophe."""
    return "'" + text if text.startswith(_FORMULA) and not text[1:2].isdigit() else text
