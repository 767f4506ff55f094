"""``bindfe audit``: does a potential keep to its contract on this molecule, inside OpenMM?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from bindfe.mlip.audit import AuditReport


def audit(
    ligands: Annotated[Path, typer.Argument(metavar="LIGANDS", help="Ligands with hydrogens in 3D (SDF or MOL2).")],
    model: Annotated[str, typer.Option("--model", help="Model of the catalogue, or what it opens.")] = "ani2x",
    name: Annotated[list[str] | None, typer.Option("--name", help="Only this ligand; may be repeated.")] = None,
    multiplicity: Annotated[int, typer.Option("--multiplicity", help="2S + 1.")] = 1,
) -> None:
    """Check a potential's forces, symmetries, images, energies and ends on each ligand; run before each use anyway."""
    from rich.console import Console

    from bindfe.campaign.audit import audit_ligand
    from bindfe.chem.ligand import read_ligands

    console = Console()
    failed = []
    for ligand in read_ligands(ligands, name or ()):
        report = audit_ligand(ligand, model=model, multiplicity=multiplicity)
        _show(console, report, ligand.name)
        if not report.passed:
            failed.append(report)
    if failed:
        failed[0].require()


def _show(console: Console, report: AuditReport, ligand: str) -> None:
    from rich.table import Table

    table = Table(title=f"{report.model} on {ligand}: {report.n_atoms} atoms, {report.seconds:.2f} s")
    for column, right in (("", False), ("check", False), ("found", True), ("passes", True), ("unit", False)):
        table.add_column(column, justify="right" if right else "left")
    for check in report.checks:
        low, high = check.limits
        table.add_row(
            "[green]ok[/green]" if check.passed else "[red]FAILED[/red]",
            check.name if check.passed or not check.remark else f"{check.name}; {check.remark}",
            f"{check.found:.3g}",
            f"{high:g}" if low == 0.0 else f"{low:g} to {high:g}",
            check.unit,
        )
    console.print(table)
