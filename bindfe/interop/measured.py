"""Measured affinities: Kd, Ki, IC50, pX or delta_g with units, to delta_g at 1 mol/L."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Literal

from bindfe.errors import InputError
from bindfe.interop.cinnabar import is_cinnabar, measured_block
from bindfe.interop.table import Row, Table, read_table
from bindfe.results import Affinity
from bindfe.units import KJ_PER_KCAL, kt_to_kcal

_ROOM = 298.15
_LARGEST_DELTA_G = 40.0
_CONCENTRATIONS = {"m": 1.0, "mm": 1e-3, "um": 1e-6, "µm": 1e-6, "μm": 1e-6, "nm": 1e-9, "pm": 1e-12}
_ENERGIES = {"kcal_mol": 1.0, "kj_mol": 1 / KJ_PER_KCAL}
_COLUMN = re.compile(r"^(kd|ki|ic50|pkd|pki|pic50)(?:[_ (]*([a-zµμ]*)\)?)?$")
_DELTA_G = ("delta_g", "dg", "measured", "exp_dg", "delta_delta_g")
_NAMES = ("ligand", "name", "ligand_b", "ligand name", "id")
Measure = Literal["delta_g", "kd", "ki", "ic50", "unknown"]
Relation = Literal["=", "<", ">"]


def read_affinities(path: Path) -> tuple[Affinity, ...]:
    """Read measured affinities.

    Columns: ``ligand`` (or ``ligand_a, ligand_b`` for a measured difference), optional ``target``,
    ``temperature_K`` and ``measured_error_kcal_mol``, and one value column whose name has its unit:
    ``delta_g_kcal_mol``, ``delta_g_kj_mol``, ``Kd_nM``, ``Ki_uM``, ``IC50_nM``, ``pKd``, ``pKi`` or ``pIC50``.
    A value may begin with ``<`` or ``>``.

    Args:
        path: A CSV, or a cinnabar file (its measured block).

    Returns:
        One affinity a row that has a value.

    Raises:
        InputError: No such columns, a unit that is missing, or a value that is not a number.
    """
    if is_cinnabar(path):
        return measured_block(path)
    table = read_table(path)
    name = table.first(_NAMES)
    if name is None:
        raise table.missing("ligand")
    column, measure, factor = _value_column(table)
    found = [_affinity(row, name, column, measure, factor) for row in table]
    kept = tuple(affinity for affinity in found if affinity is not None)
    if not kept:
        raise InputError(f"{path}: no measured value in column '{column}'")
    _refuse_contradictions(kept, path)
    return kept


def _value_column(table: Table) -> tuple[str, str, float]:
    for column in table.columns:
        low = column.lower().replace(" (kcal/mol)", "_kcal_mol").replace(" (kj/mol)", "_kj_mol").replace(" ", "_")
        for unit, factor in _ENERGIES.items():
            if low in {f"{start}_{unit}" for start in _DELTA_G}:
                return column, "delta_g", factor
        match = _COLUMN.match(column.lower())
        if match:
            return column, match.group(1), _concentration(table, column, match)
    raise InputError(
        f"{table.path}, line 1: no measured value; columns that are known: delta_g_kcal_mol, delta_g_kj_mol, Kd_nM, "
        f"Ki_nM, IC50_nM (M, mM, uM, nM, pM), pKd, pKi, pIC50. Found: {', '.join(table.columns)}"
    )


def _concentration(table: Table, column: str, match: re.Match[str]) -> float:
    if match.group(1).startswith("p"):
        return 1.0
    unit = match.group(2) or ""
    if unit not in _CONCENTRATIONS:
        raise InputError(
            f"{table.path}, line 1, column '{column}': no unit in the name; write "
            f"{match.group(1)}_nM or another of M, mM, uM, pM"
        )
    return _CONCENTRATIONS[unit]


def _affinity(row: Row, name: str, column: str, measure: str, factor: float) -> Affinity | None:
    text = row.text(column).replace("≥", ">").replace("≤", "<")
    sign: Relation = "<" if text.startswith("<") else ">" if text.startswith(">") else "="
    value = _number(row, column, text.lstrip("<>= ~"))
    if math.isnan(value):
        return None
    warm = row.number("temperature_K")
    temperature = warm if math.isfinite(warm) else _ROOM
    delta_g, relation = _delta_g(row, column, measure, value * factor, sign, temperature)
    error = row.number("measured_error_kcal_mol")
    kind: Measure = (
        "delta_g" if measure == "delta_g" else "ic50" if "ic50" in measure else "kd" if "kd" in measure else "ki"
    )
    return Affinity(
        ligand=row.text(name),
        delta_g_kcal_mol=delta_g,
        standard_error_kcal_mol=error,
        temperature=temperature,
        assay=row.text("assay", ""),
        source=row.place,
        target=row.text("target", ""),
        measure=kind,
        relation=relation,
    )


def _number(row: Row, column: str, text: str) -> float:
    if text.lower() in {"", "nan", "na", "n/a", "none"}:
        return math.nan
    try:
        return float(text.replace(",", ".") if row.table.decimal_comma else text)
    except ValueError:
        raise row.wrong(column, f"'{text}' is not a number") from None


def _delta_g(
    row: Row, column: str, measure: str, value: float, sign: Relation, temperature: float
) -> tuple[float, Relation]:
    """Delta_g [kcal/mol] and the relation for it: Kd > x means delta_g > RT ln x; pKd > x means delta_g < ..."""
    flipped: dict[Relation, Relation] = {"<": ">", ">": "<", "=": "="}
    if measure == "delta_g":
        found, relation = value, sign
    elif measure.startswith("p"):
        found, relation = -kt_to_kcal(value * math.log(10), temperature), flipped[sign]
    elif value <= 0:
        raise row.wrong(column, f"{value:g} M is not a concentration")
    else:
        found, relation = kt_to_kcal(math.log(value), temperature), sign
    if abs(found) > _LARGEST_DELTA_G:
        raise row.wrong(column, f"delta_g would be {found:.0f} kcal/mol; is the unit in the column's name right?")
    return found, relation


def _refuse_contradictions(affinities: tuple[Affinity, ...], path: Path) -> None:
    seen: dict[tuple[str, str], Affinity] = {}
    for one in affinities:
        other = seen.setdefault((one.target, one.ligand), one)
        if other is not one and abs(other.delta_g_kcal_mol - one.delta_g_kcal_mol) > 3.0:
            raise InputError(
                f"{path}: {one.ligand} is {other.delta_g_kcal_mol:.2f} ({other.source}) and "
                f"{one.delta_g_kcal_mol:.2f} kcal/mol ({one.source}); keep one, or name different targets"
            )
