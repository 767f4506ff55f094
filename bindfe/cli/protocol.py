"""``bindfe protocol``: print protocols and their defaults."""

from __future__ import annotations

from pathlib import Path

import typer

app = typer.Typer(help="Print protocol files and every default.", no_args_is_help=True)


@app.command()
def show(
    name: str = typer.Argument("", help="A protocol file; without it, all defaults are printed."),
) -> None:
    """Print a protocol with every setting, its unit and one comment line."""
    from bindfe.protocol import LigandSettings, Protocol, ReceptorSettings, dump_protocol, load_protocol

    if name:
        protocol = load_protocol(_find(name))
    else:
        protocol = Protocol(receptor=ReceptorSettings(file="receptor.sdf"), ligands=LigandSettings(file="ligands.sdf"))
    typer.echo(dump_protocol(protocol), nl=False)


def _find(name: str) -> Path:
    """A path, or a name such as ``quickstart`` in ``protocols/``."""
    path = Path(name)
    if path.suffix or path.exists():
        return path
    return Path("protocols") / f"{name}.yaml"
