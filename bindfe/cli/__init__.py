"""The verbs: ``bindfe run``, ``status``, ``estimate``, ``extend``, ``report``, ``protocol``, ``audit``, ``doctor``."""

from __future__ import annotations

import sys

import typer

from bindfe.cli.audit import audit
from bindfe.cli.calibrate import app as calibrate_app
from bindfe.cli.check import check
from bindfe.cli.compare import compare
from bindfe.cli.doctor import doctor
from bindfe.cli.fetch import fetch
from bindfe.cli.models import models
from bindfe.cli.prepare import prepare
from bindfe.cli.protocol import app as protocol_app
from bindfe.cli.run import estimate, extend, report, run, status
from bindfe.errors import BindfeError

app = typer.Typer(
    name="bindfe",
    help="Calibrated binding free energies: a value, and an interval that holds as often as it says.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    epilog="Exit codes: 0 done; 1 unexpected, or a failed check; 2 input; 3 protocol; 4 restraint; 5 sampling; "
    "6 estimate; 7 run directory; 8 missing package or weights; 130 interrupted.",
)


def _version(value: bool) -> None:
    if value:
        from bindfe import __version__

        typer.echo(f"bindfe {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


for _command in (prepare, run, check, status, estimate, extend, report, compare, audit, models, fetch, doctor):
    app.command()(_command)
app.add_typer(protocol_app, name="protocol")
app.add_typer(calibrate_app, name="calibrate")


def main() -> None:
    """Run the command line; an error that bindfe raises on purpose is one message and an exit code."""
    try:
        app()
    except BindfeError as error:
        typer.secho(f"error: {error}", err=True, fg=typer.colors.RED)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.secho("interrupted: what is stored is kept; run the same command again to go on", err=True)
        sys.exit(130)
