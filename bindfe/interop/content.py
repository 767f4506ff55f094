"""What a reader hands on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bindfe.results import Calculation


@dataclass(frozen=True, kw_only=True, slots=True)
class FileContent:
    """The calculations of one file, and what was not usable."""

    format: str
    """Which tool's format it is."""
    calculations: tuple[Calculation, ...]
    """Every calculation that has a value."""
    n_failed: int = 0
    """Rows without a finite value or marked as failed."""
    failed: tuple[str, ...] = ()
    """Where they stand: file and line, at most 20."""
    notes: tuple[str, ...] = ()
    """What a user should know about how the file was read."""


def collect(name: str, found: Iterable[tuple[str, Calculation | None]], notes: tuple[str, ...] = ()) -> FileContent:
    """Count what failed and keep the rest.

    Args:
        name: Which format.
        found: Place in the file and the calculation there, None where it failed.
        notes: What a user should know.
    """
    kept: list[Calculation] = []
    failed: list[str] = []
    for place, calculation in found:
        if calculation is None or not math.isfinite(calculation.value_kcal_mol):
            failed.append(place)
        else:
            kept.append(calculation)
    if failed:
        more = ", ..." if len(failed) > 5 else ""
        said = f"{len(failed)} of {len(failed) + len(kept)} rows failed or have no value: {', '.join(failed[:5])}{more}"
        notes = (*notes, said)
    return FileContent(
        format=name, calculations=tuple(kept), n_failed=len(failed), failed=tuple(failed[:20]), notes=notes
    )
