"""A ligand on its way into a series: what is decided for all, what was found and done so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from rdkit import Chem

from bindfe.chem import checks
from bindfe.chem.findings import Finding, failed, warned
from bindfe.chem.intakefile import Entry
from bindfe.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """What a force field or a potential can describe."""

    name: str
    """What it is called."""
    elements: frozenset[str]
    """Symbols of the elements that it knows."""
    charges: frozenset[int] | None = None
    """Net charges of molecules that it knows [e]; None: any."""


FORCE_FIELD = Coverage(name="the force field", elements=checks.SUPPORTED_ELEMENTS)
"""OpenFF Sage and GAFF2: organic molecules of any charge."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What the caller decided for a whole series."""

    ph: float | None = None
    """pH whose state of charge is made; None: as the file has it."""
    stereo: Literal["refuse", "enumerate"] = "refuse"
    """What becomes of stereochemistry that is left open."""
    strip_salts: bool = True
    """Whether counter-ions and solvents are left out; otherwise they are an error."""
    covers: tuple[Coverage, ...] = (FORCE_FIELD,)
    """What must be able to describe every ligand."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """SMILES with the right bond orders by title, for structures without (PDB) or with wrong ones."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Draft:
    """A ligand on its way through the steps."""

    entry: Entry
    """Where it is from."""
    name: str
    """Its name in the series."""
    mol: Chem.Mol | None = None
    """The molecule as it is now; None before it was read."""
    placed: bool = True
    """Whether its coordinates are a pose."""
    findings: tuple[Finding, ...] = ()
    """What was found so far."""
    changes: tuple[str, ...] = ()
    """What was done so far, in words."""

    @property
    def place(self) -> str:
        """How an error names it."""
        return self.entry.record.place

    @property
    def refused(self) -> bool:
        """Whether it cannot go on."""
        return any(finding.level == "fail" for finding in self.findings)

    @property
    def molecule(self) -> Chem.Mol:
        """The molecule, once it was read."""
        if self.mol is None:
            raise InputError(f"{self.place}: was not read")
        return self.mol


def warn(draft: Draft, check: str, message: str, *, advice: str) -> Draft:
    """The draft with a warning."""
    return replace(draft, findings=(*draft.findings, warned(check, message, advice=advice, ligand=draft.name)))


def fail(draft: Draft, check: str, message: str, *, advice: str) -> Draft:
    """The draft with a failure, which ends its way."""
    return replace(draft, findings=(*draft.findings, failed(check, message, advice=advice, ligand=draft.name)))


def fail_with(draft: Draft, check: str, error: InputError) -> Draft:
    """The draft with an error as a failure: what was found before the last semicolon, what to do after it."""
    message, _, advice = str(error).removeprefix(draft.place + ": ").rpartition("; ")
    return fail(draft, check, message or advice, advice=advice if message else "")


def done(draft: Draft, mol: Chem.Mol, words: str) -> Draft:
    """The draft with another molecule, and what was done if there are words for it."""
    return replace(draft, mol=mol, changes=(*draft.changes, words)) if words else replace(draft, mol=mol)
