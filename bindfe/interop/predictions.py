"""``predictions.csv`` back in, with its intervals, to be scored against measured values."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bindfe.errors import InputError
from bindfe.interop.proteins import protein_of
from bindfe.interop.table import Table, read_table
from bindfe.results import Floats

_LOWER = re.compile(r"^lower_(\d+(?:\.\d+)?)_kcal_mol$")
_SERIES_MEAN = "series mean"


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictedRows:
    """The rows of a predictions file."""

    target: NDArray[np.str_]
    """Series, (N,)."""
    protein: NDArray[np.str_]
    """Protein, (N,)."""
    first: NDArray[np.str_]
    """First ligand of an edge, empty for a ligand, (N,)."""
    second: NDArray[np.str_]
    """Ligand, (N,)."""
    relative: NDArray[np.bool_]
    """Whether the value is a difference, (N,)."""
    measured: Floats
    """Measured value in the file [kcal/mol], (N,); nan if there is none."""
    raw: Floats
    """Raw value [kcal/mol], (N,)."""
    location: Floats
    """Calibrated value [kcal/mol], (N,)."""
    scale: Floats
    """Scale of the predictive t [kcal/mol], (N,)."""
    degrees: Floats
    """Its degrees of freedom, (N,)."""
    raw_error: Floats
    """Standard error of the raw value [kcal/mol], (N,)."""
    reported_error: Floats
    """Standard error that the tool itself reported [kcal/mol], (N,); nan if it did not."""
    half_widths: dict[float, Floats]
    """Half-widths of the stated intervals [kcal/mol], (N,) each."""


def read_predictions(path: Path) -> PredictedRows:
    """Read a predictions file of bindfe, or of any tool that writes the same columns.

    Without ``scale_kcal_mol`` and ``degrees_of_freedom`` the distribution is taken as normal.

    Raises:
        InputError: A column that is needed is missing, or a cell is not a number.
    """
    table = read_table(path)
    for column in ("calibrated_kcal_mol", "standard_error_kcal_mol"):
        if not table.has(column):
            raise table.missing(column)
    if "hydration" in _text(table, "quantity"):
        raise InputError(f"{path}: holds hydration free energies; only predictions of binding are scored")
    edges = table.has("ligand_a", "ligand_b")
    if not edges and not table.has("ligand"):
        raise table.missing("ligand")
    location, error = _column(table, "calibrated_kcal_mol"), _column(table, "standard_error_kcal_mol")
    scale, degrees = _column(table, "scale_kcal_mol"), _column(table, "degrees_of_freedom")
    raw_error = _column(table, "raw_standard_error_kcal_mol")
    first = _text(table, "ligand_a") if edges else np.full(len(table), "", dtype=object)
    target = _text(table, "target")
    protein = _text(table, "protein")
    given = protein != ""
    return PredictedRows(
        target=target.astype(str),
        protein=np.where(given, protein, [protein_of(t) for t in target]).astype(str),
        first=np.where(first == _SERIES_MEAN, "", first).astype(str),
        second=_text(table, "ligand_b" if edges else "ligand").astype(str),
        relative=(first != "") | (_text(table, "quantity") == "relative"),
        measured=_column(table, "measured_kcal_mol"),
        raw=_column(table, "raw_kcal_mol"),
        location=location,
        scale=np.where(np.isfinite(scale), scale, error),
        degrees=np.where(np.isfinite(scale) & np.isfinite(degrees), degrees, np.inf),
        raw_error=np.where(np.isfinite(raw_error), raw_error, error),
        reported_error=_column(table, "reported_standard_error_kcal_mol"),
        half_widths=_half_widths(table, location),
    )


def _column(table: Table, name: str) -> Floats:
    return np.array([row.number(name) for row in table]) if table.has(name) else np.full(len(table), math.nan)


def _text(table: Table, name: str) -> NDArray[np.object_]:
    return np.array([row.text(name, "").removeprefix("'") for row in table], dtype=object)


def _half_widths(table: Table, location: Floats) -> dict[float, Floats]:
    found = {}
    for column in table.columns:
        match = _LOWER.match(column.lower())
        if match:
            level = float(match.group(1)) / 100
            if not table.has(f"upper_{match.group(1)}_kcal_mol"):
                raise InputError(f"{table.path}, line 1: '{column}' without upper_{match.group(1)}_kcal_mol")
            found[level] = location - _column(table, column)
    return found
