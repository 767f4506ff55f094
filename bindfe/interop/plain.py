"""bindfe's own tables: the documented plain CSV that any tool can write, and predictions read back."""

from __future__ import annotations

import math
import re

from bindfe.errors import InputError
from bindfe.interop.content import FileContent, collect
from bindfe.interop.table import Row, Table
from bindfe.results import Calculation
from bindfe.units import KJ_PER_KCAL

COLUMNS = (
    "ligand_a, ligand_b, delta_delta_g_kcal_mol (or ligand, delta_g_kcal_mol) "
    "[, target, protein, standard_error_kcal_mol, repeat_0_kcal_mol ..., repeat_error_kcal_mol, committee_kcal_mol, "
    "measured_kcal_mol, charge_change, perturbed_heavy_atoms, similarity, smallest_overlap, domain_distance]"
)
PREDICTION_COLUMNS = "raw_kcal_mol, calibrated_kcal_mol, standard_error_kcal_mol and ligand_a, ligand_b or ligand"
FEATURES = ("charge_change", "perturbed_heavy_atoms", "similarity", "smallest_overlap", "domain_distance")
_UNITS = {"kcal_mol": 1.0, "kj_mol": 1 / KJ_PER_KCAL}
_REPEAT = re.compile(r"repeat_\d+_(kcal|kj)_mol$")


def is_predictions(table: Table) -> bool:
    """Whether this is a ``predictions.csv`` of bindfe."""
    return table.has("raw_kcal_mol", "standard_error_kcal_mol") and table.has("calibrated_kcal_mol")


def read_predictions(table: Table) -> FileContent:
    """The raw values of bindfe's predictions, to be calibrated (again); intervals are left behind."""
    return collect("bindfe predictions", ((row.place, _row(row, "raw_kcal_mol", 1.0)) for row in table))


def is_plain(table: Table) -> bool:
    """Whether this is the documented plain table."""
    names = table.has("ligand_a", "ligand_b") or table.has("ligand")
    return names and _value(table) is not None


def read_plain(table: Table) -> FileContent:
    """The documented plain table; see ``COLUMNS``."""
    found = _value(table)
    if found is None:
        raise table.missing("delta_delta_g_kcal_mol")
    column, factor = found
    _refuse_mixed_units(table)
    return collect("plain", ((row.place, _row(row, column, factor)) for row in table))


def explain(table: Table) -> None:
    """Say what is wrong with a table that is nearly plain: ligands but no value with a unit.

    Raises:
        InputError: A column of values without a unit, or ligand names without a value.
    """
    if not (table.has("ligand_a", "ligand_b") or table.has("ligand")):
        return
    bare = [c for c in table.columns if c.lower() in {"ddg", "dg", "delta_g", "delta_delta_g", "value", "pred"}]
    if bare:
        raise InputError(
            f"{table.path}, line 1, column '{bare[0]}': no unit in the name; write delta_delta_g_kcal_mol, "
            "delta_g_kcal_mol, delta_delta_g_kj_mol or delta_g_kj_mol"
        )
    raise InputError(
        f"{table.path}, line 1: ligands but no column delta_delta_g_kcal_mol or delta_g_kcal_mol. Plain: {COLUMNS}"
    )


def _value(table: Table) -> tuple[str, float] | None:
    names = ("delta_delta_g", "delta_g") if table.has("ligand_a", "ligand_b") else ("delta_g", "delta_delta_g")
    for name in names:
        for unit, factor in _UNITS.items():
            if table.has(f"{name}_{unit}"):
                return f"{name}_{unit}", factor
    return None


def _refuse_mixed_units(table: Table) -> None:
    found = {unit for unit in _UNITS for column in table.columns if column.lower().endswith(unit)}
    if len(found) > 1:
        raise InputError(f"{table.path}, line 1: columns in kcal/mol and in kJ/mol; use one unit in a file")


def _row(row: Row, column: str, factor: float) -> Calculation:
    table = row.table
    repeats = [row.number(c) * factor for c in table.columns if _REPEAT.match(c.lower())]
    paired = table.has("ligand_a", "ligand_b") and row.text("ligand_a") != ""
    if row.text("quantity", "") == "hydration":
        raise InputError(
            f"{row.place}: is a free energy of hydration, about which binding free energies say nothing; "
            "leave it out of a calibration"
        )
    relative = paired or "delta_delta" in column or row.text("quantity", "") == "relative"
    value = row.number(column) * factor
    repeats = [r for r in repeats if math.isfinite(r)]
    return Calculation(
        ligand=row.text("ligand_b") if paired else row.text("ligand", row.text("ligand_b", "")),
        reference=row.text("ligand_a") if paired else "series mean" if relative else None,
        target=row.text("target", ""),
        protein=row.text("protein", ""),
        quantity="relative" if relative else "absolute",
        value_kcal_mol=value,
        standard_error_kcal_mol=_any_unit(row, "standard_error") if column != "raw_kcal_mol" else _sampling(row),
        repeats=tuple(repeats),
        repeat_error_kcal_mol=_any_unit(row, "repeat_error"),
        committee_kcal_mol=_zero_if_unknown(_any_unit(row, "committee")),
        features={name: row.number(name) for name in FEATURES if math.isfinite(row.number(name))},
        measured_kcal_mol=_any_unit(row, "measured"),
        source=row.place,
    )


def _sampling(row: Row) -> float:
    own = "reported_standard_error_kcal_mol"  # a run's own table lacks it: its sampling line is that of the raw value
    return row.number(own if row.table.has(own) else "sampling_kcal_mol")


def _any_unit(row: Row, name: str) -> float:
    for unit, factor in _UNITS.items():
        value = row.number(f"{name}_{unit}")
        if math.isfinite(value):
            return value * factor
    return math.nan


def _zero_if_unknown(value: float) -> float:
    return value if math.isfinite(value) else 0.0
