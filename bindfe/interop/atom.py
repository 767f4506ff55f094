"""AToM and QuantumBind edge tables (alchemical transfer): one mean and one standard deviation an edge."""

from __future__ import annotations

from bindfe.interop.content import FileContent, collect
from bindfe.interop.table import Table
from bindfe.results import Calculation

COLUMNS = "ligand1, ligand2, avg_ddG, std_ddG [, exp_ddG, MAE, target]; all in kcal/mol"


def is_edges(table: Table) -> bool:
    """Whether this is such a table."""
    return table.has("ligand1", "ligand2", "avg_ddG")


def read_edges(table: Table) -> FileContent:
    """Edges; the columns carry no unit, the format's is kcal/mol."""
    target = table.first(("target", "system", "protein")) or ""
    rows = (
        (
            row.place,
            Calculation(
                ligand=row.text("ligand2"),
                reference=row.text("ligand1"),
                target=row.text(target, ""),
                value_kcal_mol=row.number("avg_ddG"),
                standard_error_kcal_mol=row.number("std_ddG"),
                measured_kcal_mol=row.number("exp_ddG"),
                source=row.place,
            ),
        )
        for row in table
    )
    return collect("AToM / QuantumBind", rows, ("columns without a unit are in kcal/mol in this format",))
