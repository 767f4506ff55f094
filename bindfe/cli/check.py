"""``bindfe check``: what would go wrong, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from bindfe.campaign.preflight import Preflight
    from bindfe.chem.findings import Finding
    from bindfe.protocol import Protocol

_COLOUR = {"pass": "green", "warn": "yellow", "fail": "red"}


def check(
    protocol: Annotated[Path, typer.Argument(metavar="PROTOCOL", help="Protocol file (YAML).")],
    receptor: Annotated[Path | None, typer.Option("--receptor", help="Instead of the protocol's receptor.")] = None,
    ligands: Annotated[Path | None, typer.Option("--ligands", help="Instead of the protocol's ligands.")] = None,
    reference: Annotated[
        Path | None, typer.Option("--reference", help="A crystal ligand; ligands without a pose are placed on it.")
    ] = None,
    limit_hours: Annotated[float | None, typer.Option("--limit-hours", help="Fail above this wall time.")] = None,
    limit_disk: Annotated[float | None, typer.Option("--limit-disk", help="Fail above this disk use [GB].")] = None,
    poses: Annotated[
        Path | None, typer.Option("--poses", help="Folder for placed poses (SDF) and their drawing.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Look at inputs and settings before any molecular dynamics; exit code 1 if something would go wrong."""
    import json

    from bindfe.campaign.preflight import check_protocol, preflight_record
    from bindfe.campaign.preflight_limits import Limits

    settings = _protocol(protocol, receptor, ligands)
    reference = reference or (Path(settings.ligands.reference) if settings.ligands.reference else None)
    result = check_protocol(
        settings,
        reference=reference,
        limits=Limits(hours=limit_hours, gigabytes=limit_disk),
    )
    if as_json:
        typer.echo(json.dumps(preflight_record(result), indent=1))
    else:
        _show(result)
    if poses is not None:
        _write_poses(result, reference, poses)
    if result.level == "fail":
        raise typer.Exit(1)


def _protocol(path: Path, receptor: Path | None, ligands: Path | None) -> Protocol:
    """The protocol with other inputs than it names."""
    from bindfe.protocol import load_protocol

    protocol = load_protocol(path)
    update: dict[str, object] = {}
    if receptor is not None:
        update["receptor"] = protocol.receptor.model_copy(update={"file": str(receptor.absolute()), "name": ""})
    if ligands is not None:
        other = {"file": str(ligands.absolute()), "names": (), "measured": ""}
        update["ligands"] = protocol.ligands.model_copy(update=other)
    return protocol.model_copy(update=update)


def _show(result: Preflight) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from bindfe.chem.findings import EVERYTHING, worst_level

    console = Console()
    table = Table(title=f"pre-flight of {result.protocol}", show_lines=True)
    for column in ("", "ligand", "found", "to do"):
        table.add_column(column, overflow="fold")
    for subject in (EVERYTHING, *result.subjects):
        findings = result.about(subject)
        shown = [finding for finding in findings if finding.level != "pass"] or findings[-1:]
        level = worst_level(findings)
        table.add_row(
            f"[{_COLOUR[level]}]{level}[/]",
            escape(subject) or "all",
            "\n".join(_found(finding) for finding in shown),
            "\n".join(escape(finding.advice) for finding in shown if finding.advice),
        )
    console.print(table)
    _summary(console, result)


def _found(finding: Finding) -> str:
    from rich.markup import escape

    return escape(finding.message) + (f" [dim]({finding.check})[/]" if finding.level != "pass" else "")


def _summary(console: Console, result: Preflight) -> None:
    from bindfe.chem.findings import EVERYTHING, worst_level

    levels = [worst_level(result.about(subject)) for subject in result.subjects]
    counts = ", ".join(f"{levels.count(level)} {level}" for level in ("pass", "warn", "fail") if level in levels)
    whole = worst_level(result.about(EVERYTHING))
    console.print(
        f"{len(levels)} ligands and edges: {counts or 'none'}; receptor, network and settings: {whole}; looked at in "
        f"{result.seconds:.0f} s"
    )


def _write_poses(result: Preflight, reference: Path | None, folder: Path) -> None:
    from bindfe.campaign.preflight import write_poses

    if reference is None or not result.poses:
        why = "no --reference" if reference is None else "no ligand was placed, and those that have a pose keep it"
        typer.echo(f"poses: none written: {why}", err=True)
        return
    write_poses(result, reference, folder)
    typer.echo(f"poses: {folder}", err=True)
