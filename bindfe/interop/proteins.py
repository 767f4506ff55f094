"""Which protein a named set is about: sets of one protein may never stand on both sides of a split."""

from __future__ import annotations

import csv
import functools
from importlib import resources


def protein_of(target: str) -> str:
    """Protein of a set, from the table kept beside this module; the set itself if it is not there.

    Args:
        target: ``group/name`` or ``name`` of a set; compared without case.
    """
    table = _table()
    name = target.lower()
    return table.get(name) or table.get(name.rsplit("/", 1)[-1]) or target


@functools.cache
def _table() -> dict[str, str]:
    text = resources.files("bindfe.interop").joinpath("data", "proteins.csv").read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    found: dict[str, str] = {}
    for row in rows:
        found[f"{row['system group']}/{row['system name']}".lower()] = row["protein"]
        found.setdefault(row["system name"].lower(), row["protein"])
    return found
