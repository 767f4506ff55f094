"""Measured binding free energies from a table."""

from __future__ import annotations

import csv
import difflib
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from bindfe.chem.moleculefile import read_text
from bindfe.errors import InputError
from bindfe.results import Affinity

_NEEDED = ("ligand", "delta_g_kcal_mol", "standard_error_kcal_mol", "temperature_k")
_OPTIONAL = ("assay", "source")
_STRONGEST_KCAL_MOL = 30.0
"""No reversible complex binds this strongly. CB[7]'s strongest guest has 7.2e17/M, -24.4 kcal/mol (Cao et al.,
Angew. Chem. Int. Ed. 53, 988 (2014), doi:10.1002/anie.201309635)."""


def read_affinities(path: Path | str) -> tuple[Affinity, ...]:
    """Read a CSV table with one measurement a line, in file order.

    Columns: ``ligand``, ``delta_g_kcal_mol`` (negative binds, at 1 mol/L), ``standard_error_kcal_mol``,
    ``temperature_k``; ``assay`` and ``source`` may be left out, others are ignored. A ligand may be listed
    again with another assay or source.

    Raises:
        InputError: The file cannot be read, a column is missing, or a value is missing, not a number or
            impossible. The message has the file, the line and the column.
    """
    return tuple(affinity for affinity, _ in affinity_rows(path))


def affinity_rows(path: Path | str) -> tuple[tuple[Affinity, Mapping[str, str]], ...]:
    """The measurements of such a table, each with its whole line by column.

    Raises:
        InputError: As of :func:`read_affinities`.
    """
    path = Path(path)
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), skipinitialspace=True)
    _check_columns(path, reader.fieldnames or ())
    rows: list[tuple[Affinity, Mapping[str, str]]] = []
    seen = set()
    for row in reader:
        affinity = _read_row(row, place=f"{path}, line {reader.line_num}")
        if _key(affinity) in seen:
            raise InputError(
                f"{path}, line {reader.line_num}, column ligand: '{affinity.ligand}' is there already with the "
                "same assay and source; keep one of the lines"
            )
        seen.add(_key(affinity))
        rows.append((affinity, {name: (text or "").strip() for name, text in row.items() if name}))
    if not rows:
        raise InputError(f"{path}: has no lines below its header; write one line for each measurement")
    return tuple(rows)


def _key(affinity: Affinity) -> tuple[str, str, str]:
    return affinity.ligand, affinity.assay, affinity.source


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    for name in _NEEDED:
        if name not in columns:
            near = difflib.get_close_matches(name, columns, n=1)
            hint = f"'{near[0]}' is near" if near else f"it has {', '.join(columns) or 'none'}"
            raise InputError(f"{path}, line 1: no column '{name}' ({hint}); needed are {', '.join(_NEEDED)}")


def _read_row(row: Mapping[str, str | None], *, place: str) -> Affinity:
    ligand = (row["ligand"] or "").strip()
    if not ligand:
        raise InputError(f"{place}, column ligand: is empty; write the ligand's name")
    delta_g = _number(row, "delta_g_kcal_mol", place=place)
    if abs(delta_g) > _STRONGEST_KCAL_MOL:
        advice = (
            "if it is in kJ/mol, divide by 4.184" if delta_g < 0 else "if it is Ki or Kd, write RT ln of it in mol/L"
        )
        raise InputError(
            f"{place}, column delta_g_kcal_mol: {delta_g:g} kcal/mol is beyond any known complex; {advice}"
        )
    error = _number(row, "standard_error_kcal_mol", place=place)
    if error < 0:
        raise InputError(f"{place}, column standard_error_kcal_mol: {error:g} is negative; write 0 or more")
    temperature = _number(row, "temperature_k", place=place)
    if not 200 < temperature < 500:
        raise InputError(f"{place}, column temperature_k: {temperature:g} is no temperature in K of a solution")
    assay, source = ((row.get(name) or "").strip() for name in _OPTIONAL)
    return Affinity(
        ligand=ligand,
        delta_g_kcal_mol=delta_g,
        standard_error_kcal_mol=error,
        temperature=temperature,
        assay=assay,
        source=source,
    )


def _number(row: Mapping[str, str | None], column: str, *, place: str) -> float:
    text = (row[column] or "").strip()
    try:
        value = float(text)
    except ValueError as error:
        found, advice = f"'{text}' is not a number" if text else "is empty", "write a number without a unit"
        if text[:1] in ("<", ">", "\u2264", "\u2265"):
            found, advice = f"'{text}' is a bound", "leave the line out: a bound beside calculated values is no value"
        raise InputError(f"{place}, column {column}: {found}; {advice}") from error
    if not math.isfinite(value):
        raise InputError(f"{place}, column {column}: '{text}' is not a finite number")
    return value
