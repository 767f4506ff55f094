"""``bindfe compare``: two runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    first: Annotated[Path, typer.Argument(metavar="RUN_A", help="A run directory.")],
    second: Annotated[Path, typer.Argument(metavar="RUN_B", help="Another one.")],
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("compare.html"),
) -> None:
    """Two runs side by side: do they agree within what both claim of their sampling?"""
    from bindfe.campaign.compare import compare_runs
    from bindfe.report.compare import verdict

    runs = compare_runs(first, second, page=out)
    for comparison in runs.comparisons:
        colour = typer.colors.GREEN if comparison.agrees else typer.colors.RED
        typer.secho(verdict(comparison, runs), fg=colour)
    if runs.only_in_one:
        typer.echo(f"only in one of them: {', '.join(runs.only_in_one)}")
    typer.echo(f"page: {out}")
