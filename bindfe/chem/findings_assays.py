"""Measured values of one series that were not measured alike: constants of an enzyme beside those of cells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from bindfe.chem.affinity import affinity_rows
from bindfe.chem.constant_text import Measure, WrittenConstant
from bindfe.chem.findings import Finding, warned
from bindfe.chem.findings_constants import agree, constants_of
from bindfe.results import Affinity

Kind = Literal["Ki or Kd", "IC50", "EC50 or cells"]

_CELLS = re.compile(r"\bcell(?!\s*-?\s*free)|\bEC[ _]?50\b|whole[ -]blood", re.IGNORECASE)
_KINDS: Mapping[Measure, Kind] = {"affinity": "Ki or Kd", "ic50": "IC50", "ec50": "EC50 or cells"}
_MOST = 3
"""Ligands of a kind that a message lists."""


def assay_findings(path: Path | str, names: Sequence[str]) -> tuple[Finding, ...]:
    """A series whose values stand beside constants of more than one kind.

    An IC50 is a Ki times a factor of the assay, and cells have membranes, competing ATP and serum: within one kind
    most of it cancels between two ligands, between two kinds none does.

    Args:
        path: A table that can be read.
        names: The ligands that are calculated; other lines are not looked at, nor those without a constant.

    Raises:
        InputError: The table cannot be read.
    """
    kinds: dict[Kind, list[str]] = {}
    for affinity, row in affinity_rows(path):
        kind = _kind(affinity, row) if affinity.ligand in names else None
        if kind is not None and affinity.ligand not in kinds.setdefault(kind, []):
            kinds[kind].append(affinity.ligand)
    if len(kinds) < 2:
        return ()
    told = "; ".join(f"{kind} of {_listed(ligands)}" for kind, ligands in kinds.items())
    return (
        warned(
            "mixed-assays",
            f"measured values of {len(kinds)} kinds stand in one series: {told}",
            advice="keep one kind: a difference between ligands of two is also one between two assays",
        ),
    )


def _kind(affinity: Affinity, row: Mapping[str, str]) -> Kind | None:
    """That of the constant in the line that the value comes from, the nearest; None if it comes from none."""
    nearest: tuple[float, Kind] | None = None
    for header, cell in row.items():
        for constant, words in _parts(header, cell):
            if not agree(affinity, constant):
                continue
            apart = abs(affinity.delta_g_kcal_mol - constant.delta_g_kcal_mol(affinity.temperature))
            kind = "EC50 or cells" if _CELLS.search(f"{header} {words}") else _KINDS[constant.measure]
            if nearest is None or apart < nearest[0]:
                nearest = (apart, kind)
    return None if nearest is None else nearest[1]


def _parts(header: str, cell: str) -> list[tuple[WrittenConstant, str]]:
    """Constants of a cell, each with the words around it: one part names the assay, another its constant."""
    parts = re.split(r";\s*", cell)
    return [(constant, part) for part in parts for constant in constants_of(header, part)]


def _listed(ligands: Sequence[str]) -> str:
    more = f" and {len(ligands) - _MOST} more" if len(ligands) > _MOST else ""
    return ", ".join(ligands[:_MOST]) + more
