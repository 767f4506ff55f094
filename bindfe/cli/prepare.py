"""``bindfe prepare``: legs as files, ready for any node."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from bindfe.campaign.prepare import PrepareResult
    from bindfe.store import Run


def prepare(
    protocol: Annotated[Path, typer.Argument(metavar="PROTOCOL", help="Protocol file (YAML).")],
    receptor: Annotated[
        Path | None, typer.Option("--receptor", metavar="FILE", help="Structure instead of the protocol's.")
    ] = None,
    ligands: Annotated[
        Path | None, typer.Option("--ligands", metavar="FILE", help="Ligands instead of the protocol's.")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option("--reference", metavar="FILE", help="A crystal ligand; ligands without a pose are placed on it."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Run directory; runs/NAME by default.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=0, help="Ligands at a time; 0: one for each core.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No live progress.")] = False,
) -> None:
    """Build every leg as files, without sampling; what is there whole is kept."""
    from rich.console import Console

    from bindfe.campaign.prepare import prepare as prepare_legs
    from bindfe.cli.catalysts import catalyst_table
    from bindfe.cli.progress import LiveProgress

    with LiveProgress(quiet=quiet) as live:
        result = prepare_legs(
            protocol,
            directory=out,
            receptor=receptor,
            ligands=ligands,
            reference=reference,
            jobs=jobs,
            stage=live.stage,
            tick=None if quiet else _counter,
        )
    Console().print(preparation_table(result) if result.catalysts is None else catalyst_table(result.catalysts))
    for line in _said(result):
        typer.echo(line)
    for name, error in result.failures.items():
        typer.secho(f"{name}: not prepared: {error}", fg=typer.colors.RED, err=True)
    typer.echo(f"run directory: {result.directory} (this table: prepared.csv)")
    if result.catalysts is None:
        typer.echo(f"go on with: bindfe run {result.directory / 'protocol.yaml'} --out {result.directory}")
    if result.failures:
        raise typer.Exit(next(iter(result.failures.values())).exit_code)


def _counter(run: Run) -> Callable[[], None]:
    """Say how many legs are whole, whenever there is one more."""
    seen = 0

    def tick() -> None:
        nonlocal seen
        whole = len(list(run.root.glob("*/*/prepared/preparation.json")))
        if whole > seen:
            seen = whole
            typer.echo(f"{whole} legs are whole", err=True)

    return tick


def preparation_table(result: PrepareResult) -> Table:
    """Ligand, leg, atoms, seconds, where the parameters came from, energy after minimisation."""
    from rich.table import Table

    from bindfe.campaign.prepare import parameters_of

    table = Table(box=None, header_style="bold")
    for title in ("ligand", "leg", "atoms", "seconds", "parameters", "minimised kJ/mol"):
        table.add_column(title, justify="left" if title in ("ligand", "leg", "parameters") else "right")
    for leg in result.legs:
        seconds = "" if math.isnan(leg.seconds) else f"{leg.seconds:.1f}"
        table.add_row(
            leg.ligand,
            leg.kind.value,
            str(leg.n_atoms),
            f"{seconds} kept".strip() if leg.kept else seconds,
            parameters_of(leg),
            f"{leg.energy:.0f}",
        )
    return table


def _said(result: PrepareResult) -> list[str]:
    """What was done to a protein, warnings only; all of it is in receptor.json."""
    from bindfe.campaign.receptor import completed_record
    from bindfe.store import Run

    run = Run(root=result.directory)
    if not (run.root / "receptor.json").exists():
        return []
    return [f"receptor: {finding.message}" for finding in completed_record(run).findings if finding.level != "pass"]
