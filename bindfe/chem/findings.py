"""What a look at the chemistry found: one record, whoever looked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bindfe.errors import InputError

Level = Literal["pass", "warn", "fail"]
"""``pass``: nothing to do. ``warn``: read it before spending GPU days. ``fail``: the calculation would be wrong."""

_RANK: dict[Level, int] = {"pass": 0, "warn": 1, "fail": 2}

EVERYTHING = ""
"""The ligand of a finding that is about the receptor, the protocol or the whole series."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that a check saw, with what to do about it."""

    check: str
    """Which check, in kebab case: ``two-dimensional``."""
    level: Level
    """How bad it is."""
    ligand: str
    """Name of the ligand, of the edge (``a~b``), or :data:`EVERYTHING`."""
    message: str
    """What was found and what was needed, with the atoms, residues and numbers."""
    advice: str
    """What to do; empty if there is nothing to do."""

    def __str__(self) -> str:
        """One line: ``fail: ligand: message; advice [check]``."""
        return ": ".join(filter(None, (self.level, self.ligand, sentence(self)))) + f" [{self.check}]"


def passed(check: str, message: str, *, ligand: str = EVERYTHING) -> Finding:
    """A check that was made and saw nothing wrong."""
    return Finding(check=check, level="pass", ligand=ligand, message=message, advice="")


def warned(check: str, message: str, *, advice: str, ligand: str = EVERYTHING) -> Finding:
    """Something that may be meant, and that somebody should look at."""
    return Finding(check=check, level="warn", ligand=ligand, message=message, advice=advice)


def failed(check: str, message: str, *, advice: str, ligand: str = EVERYTHING) -> Finding:
    """Something with which the calculation cannot be right."""
    return Finding(check=check, level="fail", ligand=ligand, message=message, advice=advice)


def sentence(finding: Finding) -> str:
    """Message and advice as one sentence."""
    return "; ".join(filter(None, (finding.message, finding.advice)))


def worst_level(findings: Iterable[Finding]) -> Level:
    """The worst level among them; ``pass`` if there are none."""
    return max((finding.level for finding in findings), key=_RANK.__getitem__, default="pass")


def findings_of(findings: Iterable[Finding], *, ligand: str = EVERYTHING) -> tuple[Finding, ...]:
    """Those about one ligand, or those about the whole, the worst first and otherwise in their order."""
    chosen = [finding for finding in findings if finding.ligand == ligand]
    return tuple(sorted(chosen, key=lambda finding: -_RANK[finding.level]))


def above_pass(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Warnings and failures, the failures first."""
    return tuple(sorted((f for f in findings if f.level != "pass"), key=lambda finding: -_RANK[finding.level]))


def require(findings: Iterable[Finding]) -> None:
    """Go on unless one failed.

    Raises:
        InputError: At least one failed; the message has each of them on a line.
    """
    bad = [finding for finding in findings if finding.level == "fail"]
    if bad:
        raise InputError("\n".join(": ".join(filter(None, (f.ligand, sentence(f)))) for f in bad))
