"""``bindfe run`` and the verbs that work on a run directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bindfe.campaign.pipeline import RunResult
    from bindfe.results import Prediction

_RunDirectory = Annotated[Path, typer.Argument(metavar="RUN", help="A run directory.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No live progress.")]


def run(
    protocol: Annotated[Path, typer.Argument(metavar="PROTOCOL", help="Protocol file (YAML).")],
    out: Annotated[Path | None, typer.Option("--out", help="Run directory; runs/NAME by default.")] = None,
    samples_from: Annotated[
        Path | None,
        typer.Option(
            "--samples-from", metavar="RUN", help="Take the force field's samples of a run with another committee."
        ),
    ] = None,
    quiet: _Quiet = False,
) -> None:
    """Calculate what a protocol asks for, or continue a run that was stopped."""
    from bindfe.campaign.pipeline import run as run_protocol

    _show(
        _with_progress(
            quiet, lambda **display: run_protocol(protocol, directory=out, samples_from=samples_from, **display)
        )
    )


def extend(
    directory: _RunDirectory,
    to: Annotated[str, typer.Option("--to", help="New length of each replica, for example 2ns.")],
    quiet: _Quiet = False,
) -> None:
    """Lengthen a finished run; everything stored is kept."""
    from bindfe.campaign.pipeline import extend as extend_run
    from bindfe.errors import InputError
    from bindfe.units import parse_quantity

    try:
        length = parse_quantity(to, "ps")
    except ValueError as error:
        raise InputError(f"--to: {error}") from None
    _show(_with_progress(quiet, lambda **display: extend_run(directory, length=length, **display)))


def estimate(directory: _RunDirectory) -> None:
    """Estimate again from stored samples; no simulation."""
    from bindfe.campaign.pipeline import reestimate

    _show(reestimate(directory))


def status(directory: _RunDirectory) -> None:
    """How far each leg and repeat is."""
    from rich.console import Console

    from bindfe.campaign.pipeline import ligands_of, protocol_of
    from bindfe.campaign.status import run_status
    from bindfe.cli.progress import status_table
    from bindfe.store import Run

    found = Run(root=directory.absolute())
    protocol = protocol_of(found)
    Console().print(status_table(run_status(found, protocol, ligands_of(found)), protocol))


def report(directory: _RunDirectory) -> None:
    """Write report.html and the figures again from stored results."""
    from bindfe.campaign.material import write_run_report
    from bindfe.campaign.pipeline import protocol_of
    from bindfe.store import Run

    found = Run(root=directory.absolute())
    protocol_of(found)
    write_run_report(found)
    typer.echo(f"report: {found.report}")


def _with_progress(quiet: bool, work: Callable[..., RunResult]) -> RunResult:
    from bindfe.cli.progress import LiveProgress

    with LiveProgress(quiet=quiet) as live:
        return work(stage=live.stage, tick=live.ticker)


def _show(result: RunResult) -> None:
    for prediction in result.predictions:
        typer.echo(_line(prediction))
        for line in _beside(prediction, result):
            typer.echo(f"  {line}")
        for warning in prediction.warnings:
            typer.secho(f"  warning: {warning}", fg=typer.colors.YELLOW)
    for name, error in result.failures.items():
        typer.secho(f"{name}: no number: {error}", fg=typer.colors.RED, err=True)
    typer.echo(f"run directory: {result.directory}")
    if (result.directory / "report.html").exists():
        typer.echo(f"report: {result.directory / 'report.html'}")
    if result.failures:
        raise typer.Exit(next(iter(result.failures.values())).exit_code)


def _line(prediction: Prediction) -> str:
    low, high = prediction.interval(0.95)
    calibrated = "calibrated" if prediction.calibrated else "not calibrated"
    what = {"hydration": "hydration delta_g", "relative": "delta_delta_g"}.get(prediction.quantity, "delta_g")
    return (
        f"{prediction.name}: {what} = {prediction.location_kcal_mol:.2f} kcal/mol, "
        f"95 % interval {low:.2f} to {high:.2f} ({calibrated}: {prediction.guarantee.removeprefix(calibrated + ': ')})"
    )


def _beside(prediction: Prediction, result: RunResult) -> list[str]:
    """What stands beside a corrected number: the force field's own, the committee's part of the error, the measured."""
    before, measured = result.force_field.get(prediction.name), result.measured.get(prediction.name)
    if before is None:
        return []
    committee = prediction.budget.component("committee")
    lines = [f"the force field alone: {before.location_kcal_mol:.2f} +- {before.standard_error_kcal_mol:.2f}"]
    if committee is not None:
        lines.append(f"the committee's line of the budget: {committee.standard_error_kcal_mol:.2f}")
    if measured is not None:
        lines.append(f"measured: {measured.delta_g_kcal_mol:.2f} +- {measured.standard_error_kcal_mol:.2f}")
    return lines
