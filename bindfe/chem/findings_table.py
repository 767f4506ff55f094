"""Whether a table of measured values means the molecules that are calculated: names of another structure."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from bindfe.chem.findings import Finding, warned
from bindfe.chem.intakefile import parse_smiles
from bindfe.chem.intakegraph import agreement, without_hydrogens
from bindfe.chem.intakestates import natural_isotopes, strip_salt
from bindfe.chem.ligand import Ligand
from bindfe.chem.moleculefile import read_text
from bindfe.errors import InputError

_WORDS = {
    "other": "another molecule than",
    "bonds": "of other bond orders or hydrogens than",
    "stereo": "another stereoisomer than",
    "tautomer": "a tautomer of",
    "charge": "another state of charge than",
}


def table_findings(path: Path | str, ligands: Sequence[Ligand]) -> tuple[Finding, ...]:
    """Ligands that are not the molecule whose SMILES stands beside their name in a CSV table.

    A table without a column ``smiles`` says nothing.

    Args:
        path: CSV with the columns ``ligand`` and ``smiles``.
        ligands: The ligands that are calculated.
    """
    smiles = _smiles_by_name(Path(path))
    return tuple(
        warned(
            "measured",
            f"is {_WORDS[found]} its SMILES in the table of measured values, {smiles[ligand.name]}",
            advice="see which of the two was measured: a value beside another molecule is worse than none",
            ligand=ligand.name,
        )
        for ligand in ligands
        if smiles.get(ligand.name) and (found := _compared(ligand, smiles[ligand.name])) in _WORDS
    )


def _smiles_by_name(path: Path) -> Mapping[str, str]:
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), skipinitialspace=True)
    return {
        (row.get("ligand") or "").strip(): (row.get("smiles") or "").strip()
        for row in reader
        if row.get("ligand") and row.get("smiles")
    }


def _compared(ligand: Ligand, smiles: str) -> str:
    """In what a ligand differs from a SMILES; empty if in nothing, or if the SMILES cannot be read."""
    reference = parse_smiles(smiles)
    if reference is None:
        return ""
    try:
        reference, _ = natural_isotopes(strip_salt(reference, place=ligand.name)[0])
    except InputError:
        return ""  # several molecules: the table names no one of them
    return str(agreement(ligand.mol, without_hydrogens(reference)))
