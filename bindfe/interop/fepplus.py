"""FEP+ edge and ligand tables, as published with Ross et al., Commun. Chem. (2023), doi:10.1038/s42004-023-01019-9."""

from __future__ import annotations

import math

from bindfe.interop.content import FileContent, collect
from bindfe.interop.openfe import series
from bindfe.interop.table import Row, Table
from bindfe.results import Calculation

EDGE_COLUMNS = (
    "Lig 1, Lig 2, Bennett ddG (kcal/mol) [, Bennett std. error, CCC ddG, CCC std. error, Exp. ddG, system name]"
)
LIGAND_COLUMNS = "Ligand name, Pred. dG (kcal/mol) [, Pred. dG std. error (kcal/mol), Exp. dG (kcal/mol), system name]"
_VALUES = ("CCC ddG (kcal/mol)", "Bennett ddG (kcal/mol)")
_NAMES = ("Ligand name", "Ligand", "Lig")
_PREDICTED = ("Pred. dG (kcal/mol)", "Predicted dG (kcal/mol)", "FEP dG (kcal/mol)")


def is_edges(table: Table) -> bool:
    """Whether this is an FEP+ edge table."""
    return table.has("Lig 1", "Lig 2") and table.first(_VALUES) is not None


def read_edges(table: Table) -> FileContent:
    """Edges; the cycle-corrected value where there is one, Bennett's where not."""
    return collect("FEP+ edges", ((row.place, _edge(row)) for row in table))


def _edge(row: Row) -> Calculation:
    corrected, bennett = row.number("CCC ddG (kcal/mol)"), row.number("Bennett ddG (kcal/mol)")
    closed = math.isfinite(corrected)
    error = row.number("Bennett std. error (kcal/mol)")
    return Calculation(
        ligand=row.text("Lig 2"),
        reference=row.text("Lig 1"),
        target=_target(row),
        value_kcal_mol=corrected if closed else bennett,
        standard_error_kcal_mol=row.number("CCC std. error (kcal/mol)") if closed else error,
        repeat_error_kcal_mol=error,
        measured_kcal_mol=row.number("Exp. ddG (kcal/mol)"),
        source=row.place,
    )


def is_ligands(table: Table) -> bool:
    """Whether this is an FEP+ ligand table."""
    return table.first(_NAMES) is not None and table.first(_PREDICTED) is not None


def read_ligands(table: Table) -> FileContent:
    """Ligands, as deviations from their series' mean: FEP+ shifts each series onto its measured mean."""
    name, value = table.first(_NAMES) or "", table.first(_PREDICTED) or ""
    error = next((c for c in table.columns if c.lower().startswith("pred. dg std. error")), "")
    rows = (
        (
            row.place,
            row.text(name),
            _target(row),
            row.number(value),
            row.number(error),
            row.number("Exp. dG (kcal/mol)"),
        )
        for row in table
    )
    return series("FEP+ ligands", rows)


def _target(row: Row) -> str:
    return "/".join(part for part in (row.text("system group", ""), row.text("system name", "")) if part)
