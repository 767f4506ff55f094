"""A series as the chemist has it, made ready: each ligand one 3D molecule, and words for all that was done to it.

Nothing is guessed in silence. What can be read with a decision that the caller made (a pH, enumeration of
stereoisomers, stripping of salts) is read, and the decision's effect is told; what cannot is left out of the
series with a finding that says why. Coordinates of a placed structure are never moved.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bindfe.chem.findings import Finding, warned
from bindfe.chem.intakedraft import FORCE_FIELD, Choices, Coverage, Draft
from bindfe.chem.intakefile import Entry, read_entries
from bindfe.chem.intakeseries import series_findings, unique_names
from bindfe.chem.intakesteps import prepare
from bindfe.chem.ligand import Ligand
from bindfe.errors import InputError

__all__ = ["FORCE_FIELD", "Change", "Coverage", "Series", "read_series"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Something that was done to a ligand."""

    ligand: str
    """Its name."""
    words: str
    """What was done."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Series:
    """Ligands made ready, with what was found and done on the way."""

    source: Path
    """File that they are from."""
    ligands: tuple[Ligand, ...]
    """Those that can be simulated, in file order; ``ligand.placed`` says which have a pose."""
    findings: tuple[Finding, ...]
    """Warnings, and a failure for each ligand that was left out, in file order; then those on the series."""
    changes: tuple[Change, ...]
    """What was done, in file order."""

    @property
    def refused(self) -> tuple[str, ...]:
        """Names of ligands that were left out."""
        return tuple(dict.fromkeys(finding.ligand for finding in self.findings if finding.level == "fail"))


def read_series(
    path: Path | str,
    *,
    ph: float | None = None,
    names: Sequence[str] = (),
    stereo: Literal["refuse", "enumerate"] = "refuse",
    strip_salts: bool = True,
    covers: Collection[Coverage] = (FORCE_FIELD,),
    templates: Mapping[str, str] | None = None,
) -> Series:
    """Read the ligands of a file and make each one ready, or say why it cannot be.

    Args:
        path: SDF (V2000, V3000), MOL2, SMILES (.smi), CSV or TSV with a column ``smiles``, or a ligand's PDB.
            A 3D structure stays where it is. A drawing or a SMILES gets a 3D structure that is no pose.
        ph: Bring each ligand into its state of charge at this pH, and add missing hydrogens for it. None: the
            file has the right state and all hydrogens.
        names: Titles (or the names made from them) of the entries to read; all if empty. Others are not parsed.
        stereo: ``enumerate`` makes every isomer of what a drawing or SMILES leaves open, ``name-R``, ``name-S``.
        strip_salts: Leave out counter-ions and solvents; they are a failure otherwise.
        covers: Force fields and potentials that must know every element and charge.
        templates: SMILES by title. Bond orders, charges and hydrogens of that entry are taken from it, which a
            PDB needs.

    Raises:
        InputError: The file cannot be read, or a name is not in it. What is wrong with one ligand is a finding.
        MissingDependency: A pH is given and Dimorphite-DL is not installed.
    """
    path = Path(path)
    entries = read_entries(path)
    labels = unique_names([entry.title for entry in entries])
    wanted = _chosen(path, entries, labels, names)
    choices = Choices(
        ph=ph, stereo=stereo, strip_salts=strip_salts, covers=tuple(covers), templates=dict(templates or {})
    )
    drafts = [draft for k in wanted for draft in prepare(Draft(entry=entries[k], name=labels[k]), choices, labels)]
    ligands = tuple(_ligand(draft) for draft in drafts if not draft.refused)
    repeated = _repeated_titles([entries[k] for k in wanted], [labels[k] for k in wanted])
    return Series(
        source=path,
        ligands=ligands,
        findings=(*(f for draft in drafts for f in draft.findings), *repeated, *series_findings(ligands)),
        changes=tuple(Change(ligand=draft.name, words=words) for draft in drafts for words in draft.changes),
    )


def names_in(path: Path | str) -> tuple[str, ...]:
    """The name of each entry of a file, as a series has it.

    Raises:
        InputError: The file cannot be read.
    """
    return unique_names([entry.title for entry in read_entries(Path(path))])


def _chosen(path: Path, entries: Sequence[Entry], labels: Sequence[str], names: Sequence[str]) -> list[int]:
    for name in names:
        if not any(name in (entry.title, label) for entry, label in zip(entries, labels, strict=True)):
            raise InputError(f"{path}: no ligand '{name}' in it; it holds {', '.join(labels)}")
    return [k for k, entry in enumerate(entries) if not names or entry.title in names or labels[k] in names]


def _repeated_titles(entries: Sequence[Entry], labels: Sequence[str]) -> tuple[Finding, ...]:
    first: dict[str, str] = {}
    return tuple(
        warned(
            "repeated-title",
            f"record {entry.record.number} is called '{entry.title}' like an earlier one, and '{label}' from here on",
            advice="give each its own title",
            ligand=label,
        )
        for entry, label in zip(entries, labels, strict=True)
        if first.setdefault(entry.title, label) != label
    )


def _ligand(draft: Draft) -> Ligand:
    record = draft.entry.record
    source = f"{record.path}, {'line' if record.kind == 'smiles' else 'record'} {record.number}"
    return Ligand(name=draft.name, mol=draft.molecule, source=source, placed=draft.placed)
