"""OpenFE: ``openfe gather`` tables, result JSON, and the tables of its 2024 industry benchmark."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bindfe.errors import InputError
from bindfe.interop.content import FileContent, collect
from bindfe.interop.table import Row, Table
from bindfe.results import Calculation

BENCHMARK_COLUMNS = "ligand_A, ligand_B, system name, complex_repeat_0_DG (kcal/mol), solvent_repeat_0_DG (kcal/mol)"
LIGAND_COLUMNS = "ligand name, DG (kcal/mol), uncertainty (kcal/mol)"
GATHER_COLUMNS = (
    "ligand_i, ligand_j, DDG(i->j) (kcal/mol) | leg, ligand_i, ligand_j, DG(i->j) (kcal/mol) "
    "| ligand, DG(MLE) (kcal/mol)"
)
_LEGS = ("complex", "solvent")
_MOST_REPEATS = 20
_NAME = re.compile(r"(.+?)(?: to | )(\S+) repeat \d+")


def is_benchmark(table: Table) -> bool:
    """Whether this is an edge table of the industry benchmark."""
    return table.has("ligand_A", "ligand_B", "complex_repeat_0_DG (kcal/mol)", "solvent_repeat_0_DG (kcal/mol)")


def read_benchmark(table: Table) -> FileContent:
    """Edges with each repeat of each leg, MBAR errors, overlaps, descriptors and measured differences."""
    n_repeats = sum(table.has(f"complex_repeat_{k}_DG (kcal/mol)") for k in range(_MOST_REPEATS))
    return collect("OpenFE industry benchmark, edges", ((row.place, _edge(row, range(n_repeats))) for row in table))


def _edge(row: Row, places: range) -> Calculation | None:
    if row.text("failed", "").lower() in {"true", "1", "yes"}:
        return None
    legs = {leg: [row.number(f"{leg}_repeat_{k}_DG (kcal/mol)") for k in places] for leg in _LEGS}
    errors = {leg: [row.number(f"{leg}_repeat_{k}_dDG (kcal/mol)") for k in places] for leg in _LEGS}
    repeats = _paired(legs["complex"], legs["solvent"])
    if not repeats:
        return None
    square = sum(_mean_square(errors[leg]) for leg in _LEGS)
    return Calculation(
        ligand=row.text("ligand_B"),
        reference=row.text("ligand_A"),
        target=_target(row),
        value_kcal_mol=float(np.nanmean(legs["complex"]) - np.nanmean(legs["solvent"])),
        standard_error_kcal_mol=row.number("stdev DDG_bind (kcal/mol)"),
        repeats=repeats,
        repeat_error_kcal_mol=math.sqrt(square),
        features=_descriptors(row, places),
        measured_kcal_mol=row.number("exp DDG (kcal/mol)"),
        source=row.place,
    )


def _paired(bound: list[float], free: list[float]) -> tuple[float, ...]:
    pairs = zip([x for x in bound if math.isfinite(x)], [x for x in free if math.isfinite(x)], strict=False)
    return tuple(b - f for b, f in pairs)


def _mean_square(errors: list[float]) -> float:
    known = [error * error for error in errors if math.isfinite(error)]
    return sum(known) / len(known) if known else math.nan


def _target(row: Row) -> str:
    group, name = row.text("system group", ""), row.text("system name", "")
    return "/".join(part for part in (group, name) if part)


def _descriptors(row: Row, places: range) -> dict[str, float]:
    overlaps = [row.number(f"{leg}_repeat_{k}_smallest_overlap") for leg in _LEGS for k in places]
    known = [overlap for overlap in overlaps if math.isfinite(overlap)]
    found = {
        "charge_change": abs(row.number("alchemical_charge_difference")),
        "perturbed_heavy_atoms": row.number("num_heavy_dummy_A") + row.number("num_heavy_dummy_B"),
        "similarity": row.number("morgan_tanimoto_similarity"),
        "smallest_overlap": min(known) if known else math.nan,
    }
    return {name: value for name, value in found.items() if math.isfinite(value)}


def is_ligands(table: Table) -> bool:
    """Whether this is a ligand table of the industry benchmark."""
    return table.has("ligand name", "DG (kcal/mol)", "uncertainty (kcal/mol)")


def read_ligands(table: Table) -> FileContent:
    """Ligands of relative networks: only differences within a set mean something, so each set is centred."""
    rows = [
        (
            row,
            _target(row),
            row.number("DG (kcal/mol)"),
            row.number("uncertainty (kcal/mol)"),
            row.number("Exp DG (kcal/mol)"),
        )
        for row in table
    ]
    return series(
        "OpenFE benchmark, ligands",
        (
            (r.place, r.text("ligand name"), target, value, error, measured)
            for r, target, value, error, measured in rows
        ),
    )


def series(name: str, rows: Iterator[tuple[str, str, str, float, float, float]]) -> FileContent:
    """Ligand values of relative networks, as deviations from each series' mean.

    Args:
        name: Which format.
        rows: Place, ligand, target, value, standard error and measured value [kcal/mol, nan if unknown].
    """
    found = list(rows)
    by_target: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(found):
        if math.isfinite(row[3]):
            by_target[row[2]].append(index)
    computed, measured = np.full(len(found), math.nan), np.full(len(found), math.nan)
    for members in by_target.values():
        values = np.array([found[i][3] for i in members])
        known = np.array([found[i][5] for i in members])
        both = np.isfinite(known)
        computed[members] = values - (values[both].mean() if both.any() else values.mean())
        measured[members] = known - (known[both].mean() if both.any() else 0.0)
    calculations = (
        (
            place,
            Calculation(
                ligand=ligand,
                reference="series mean",
                target=target,
                value_kcal_mol=float(computed[i]),
                standard_error_kcal_mol=error,
                measured_kcal_mol=float(measured[i]),
                source=place,
            ),
        )
        for i, (place, ligand, target, _, error, _) in enumerate(found)
    )
    note = "ligand values of a relative network are read as deviations from their series' mean"
    return collect(name, calculations, (note,))


def is_gather(table: Table) -> bool:
    """Whether this is a table of ``openfe gather``: ``dg``, ``ddg`` or ``raw``."""
    return _gather_kind(table) is not None


def _gather_kind(table: Table) -> str | None:
    columns = [column.lower() for column in table.columns]
    if table.has("ligand_i", "ligand_j") and any(c.startswith("ddg") for c in columns):
        return "ddg"
    if table.has("leg", "ligand_i", "ligand_j") and any(c.startswith("dg") for c in columns):
        return "raw"
    if any(c.startswith("dg(mle)") for c in columns) and table.has("ligand"):
        return "dg"
    return None


def read_gather(table: Table) -> FileContent:
    """``openfe gather --report dg | ddg | raw``."""
    kind = _gather_kind(table)
    if kind == "ddg":
        return collect("OpenFE gather, ddg", ((row.place, _gather_edge(row)) for row in table))
    if kind == "raw":
        return collect("OpenFE gather, raw", _gather_raw(table))
    value, error = _column(table, "dg(mle)"), _column(table, "uncertainty")
    rows = ((row.place, row.text("ligand"), "", row.number(value), row.number(error), math.nan) for row in table)
    return series("OpenFE gather, dg", rows)


def _column(table: Table, start: str) -> str:
    found = next((column for column in table.columns if column.lower().startswith(start)), None)
    if found is None:
        raise table.missing(start)
    if "kcal/mol" not in found:
        raise InputError(f"{table.path}, line 1, column '{found}': the unit (kcal/mol) must stand in the column's name")
    return found


def _gather_edge(row: Row) -> Calculation:
    return Calculation(
        ligand=row.text("ligand_j"),
        reference=row.text("ligand_i"),
        value_kcal_mol=row.number(_column(row.table, "ddg")),
        standard_error_kcal_mol=row.number(_column(row.table, "uncertainty")),
        source=row.place,
    )


def _gather_raw(table: Table) -> Iterator[tuple[str, Calculation | None]]:
    value, error = _column(table, "dg"), _mbar(table)
    legs: dict[tuple[str, str], dict[str, list[tuple[float, float, str]]]] = defaultdict(lambda: defaultdict(list))
    for row in table:
        pair = (row.text("ligand_i"), row.text("ligand_j"))
        legs[pair][row.text("leg").lower()].append(
            (row.number(value), row.number(error) if error else math.nan, row.place)
        )
    for (first, second), found in legs.items():
        place = next(iter(found.values()))[0][2]
        unknown = set(found) - set(_LEGS)
        if unknown:
            raise InputError(
                f"{table.path}: leg '{unknown.pop()}' of {first} -> {second}; complex and solvent are needed"
            )
        yield place, _edge_from_legs(first, second, found, place)


def _mbar(table: Table) -> str | None:
    return next((c for c in table.columns if c.lower().startswith(("mbar", "uncertainty"))), None)


def _edge_from_legs(
    first: str, second: str, legs: Mapping[str, list[tuple[float, float, str]]], place: str
) -> Calculation | None:
    values = {leg: [v for v, _, _ in legs.get(leg, []) if math.isfinite(v)] for leg in _LEGS}
    if not all(values.values()):
        return None
    square = sum(_mean_square([e for _, e, _ in legs[leg]]) for leg in _LEGS)
    return Calculation(
        ligand=second,
        reference=first,
        value_kcal_mol=float(np.mean(values["complex"]) - np.mean(values["solvent"])),
        repeats=_paired(values["complex"], values["solvent"]),
        repeat_error_kcal_mol=math.sqrt(square),
        source=place,
    )


def read_json(content: object, path: Path) -> FileContent:
    """A result JSON of ``openfe quickrun``: one leg of one edge; it needs its partner to be a difference.

    Several results may stand in one JSON list. Legs are paired by the ligands' names, found in the names
    ``rbfe_A_complex_B_solvent`` that ``openfe plan-rbfe-network`` gives.

    Raises:
        InputError: No estimate in it, or a leg without its partner.
    """
    results = content if isinstance(content, list) else [content]
    legs: dict[tuple[str, str], dict[str, list[tuple[float, float, str]]]] = defaultdict(lambda: defaultdict(list))
    for number, result in enumerate(results):
        first, second, leg = _names(result, path)
        for value, error in _units(result, path):
            legs[first, second][leg].append((value, error, f"{path.name}[{number}]"))
    calculations = []
    for (first, second), found in legs.items():
        missing = set(_LEGS) - set(found)
        if missing:
            raise InputError(
                f"{path}: {first} -> {second} has no {missing.pop()} leg; put the results of both legs in one "
                "directory or one JSON list, or use `openfe gather --report raw`"
            )
        place = next(iter(found.values()))[0][2]
        calculations.append((place, _edge_from_legs(first, second, found, place)))
    return collect("OpenFE result JSON", calculations)


def _names(result: Any, path: Path) -> tuple[str, str, str]:
    if not isinstance(result, dict) or "estimate" not in result:
        raise InputError(f"{path}: no key 'estimate'; an OpenFE result JSON is needed")
    for unit in (result.get("unit_results") or {}).values():
        match = _NAME.match(str(unit.get("name", "")))
        if match:
            return match.group(1), match.group(2), "complex" if _has_protein(result) else "solvent"
    raise InputError(f"{path}: unit_results name no ligands; use `openfe gather --report raw`")


def _has_protein(result: Any) -> bool:
    text = repr(result.get("unit_results")) + repr(result.get("protocol_result", {}).get("name", ""))
    return "ProteinComponent" in text or "complex" in text


def _units(result: Any, path: Path) -> list[tuple[float, float]]:
    found = []
    for unit in (result.get("unit_results") or {}).values():
        outputs = unit.get("outputs") or {}
        estimate = outputs.get("unit_estimate")
        if estimate is not None:
            error = outputs.get("unit_estimate_error")
            found.append((_kcal(estimate, path), _kcal(error, path) if error is not None else math.nan))
    return found


def _kcal(quantity: Any, path: Path) -> float:
    unit = str(quantity.get("unit", "")) if isinstance(quantity, dict) else ""
    factor = {
        "kilocalorie_per_mole": 1.0,
        "kilocalorie / mole": 1.0,
        "kilojoule_per_mole": 1 / 4.184,
        "kilojoule / mole": 1 / 4.184,
    }.get(unit)
    if factor is None:
        raise InputError(f"{path}: '{quantity}' has no unit of energy per mole that bindfe knows")
    return float(quantity["magnitude"]) * factor
