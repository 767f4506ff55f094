"""cinnabar's CSV: a block of measured ligands and a block of computed edges, headed by comment lines."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from bindfe.errors import InputError
from bindfe.interop.content import FileContent, collect
from bindfe.interop.table import decode
from bindfe.results import Affinity, Calculation

_MARK = "# calculated block"


def is_cinnabar(path: Path) -> bool:
    """Whether the file has cinnabar's block of computed edges."""
    return path.is_file() and _MARK in decode(path)[0].lower().replace('"', "")


def read_cinnabar(path: Path) -> FileContent:
    """Edges with their measured difference where both ligands are in the measured block.

    Raises:
        InputError: A row that is not three numbers and names.
    """
    text, notes = decode(path)
    measured, edges = _blocks(text, path)
    found = []
    for line, cells in edges:
        first, second = cells[0], cells[1]
        value, mbar = _number(cells, 2, path, line), _number(cells, 3, path, line)
        extra = _number(cells, 4, path, line) if len(cells) > 4 else 0.0
        place = f"{path.name}:{line}"
        calculation = Calculation(
            ligand=second,
            reference=first,
            target=path.stem,
            value_kcal_mol=value,
            standard_error_kcal_mol=math.hypot(mbar, 0.0 if math.isnan(extra) else extra),
            repeat_error_kcal_mol=mbar,
            measured_kcal_mol=measured.get(second, math.nan) - measured.get(first, math.nan),
            source=place,
        )
        found.append((place, calculation))
    return collect("cinnabar", found, (*notes, "values without a unit are in kcal/mol in this format"))


def measured_block(path: Path) -> tuple[Affinity, ...]:
    """The measured ligands of a cinnabar file [kcal/mol, 298.15 K]."""
    text, _ = decode(path)
    lines = _split(text)[0]
    return tuple(
        Affinity(
            ligand=cells[0],
            delta_g_kcal_mol=_number(cells, 1, path, line),
            standard_error_kcal_mol=_number(cells, 2, path, line),
            temperature=298.15,
            target=path.stem,
            source=f"{path.name}:{line}",
        )
        for line, cells in lines
    )


def _blocks(text: str, path: Path) -> tuple[dict[str, float], list[tuple[int, list[str]]]]:
    known, edges = _split(text)
    for line, cells in edges:
        if len(cells) < 4:
            raise InputError(f"{path}, line {line}: an edge needs Ligand1, Ligand2, calc_DDG, calc_dDDG(MBAR)")
    return {cells[0]: _number(cells, 1, path, line) for line, cells in known}, edges


def _split(text: str) -> tuple[list[tuple[int, list[str]]], list[tuple[int, list[str]]]]:
    blocks: tuple[list[tuple[int, list[str]]], list[tuple[int, list[str]]]] = ([], [])
    current = 0
    reader = csv.reader(text.splitlines())
    for cells in reader:
        stripped = [cell.strip() for cell in cells]
        if not any(stripped):
            continue
        if stripped[0].startswith("#"):
            current = 1 if stripped[0].lower().startswith(_MARK) else current
        else:
            blocks[current].append((reader.line_num, stripped))
    return blocks


def _number(cells: list[str], place: int, path: Path, line: int) -> float:
    text = cells[place] if place < len(cells) else ""
    if text.lower() in {"", "nan", "none", "error"}:
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{path}, line {line}, cell {place + 1}: '{text}' is not a number") from None
