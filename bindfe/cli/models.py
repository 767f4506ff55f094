"""``bindfe models``: which machine-learned potentials there are, and which of them can be used here."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bindfe.mlip.catalogue import Model


def models(name: str = typer.Argument("", help="One model, with its files, checksums and source.")) -> None:
    """List the machine-learned potentials, what they cover, and which can be used here."""
    from bindfe.mlip.catalogue import MODELS, model_named

    if name:
        _describe(model_named(name))
        return
    _table(list(MODELS.values()))
    typer.echo("bindfe models NAME says more of one. Your own: mace:FILE#sha256=..., ase:MODULE:FUNCTION.")


def _table(models: list[Model]) -> None:
    from rich.console import Console
    from rich.table import Table

    from bindfe.mlip.catalogue import why_not

    table = Table(box=None, pad_edge=False)
    for heading in ("model", "elements", "charges", "level of theory", "members", "licence", "here"):
        table.add_column(heading, overflow="fold")
    for model in models:
        elements = " ".join(model.symbols) if len(model.symbols) < 15 else f"{len(model.symbols)} elements"
        licence = model.licence.split(" (")[0].split(",")[0]
        missing = why_not(model)
        here = "yes" if not missing else f"no: {missing.split(':')[0]}"
        charges = "yes" if model.charged else "no"
        table.add_row(model.name, elements, charges, model.level, str(model.n_members), licence, here)
    Console().print(table)


def _describe(model: Model) -> None:
    from bindfe.mlip.catalogue import why_not
    from bindfe.mlip.weights import folders, locate

    s66 = "not measured" if model.s66x8_kcal_mol is None else f"{model.s66x8_kcal_mol:.2f} kcal/mol"
    shells = "any multiplicity" if model.open_shells else "closed shells"
    _line("model", f"{model.title}, {model.n_members} member{'s' * (model.n_members > 1)}")
    _line("elements", " ".join(model.symbols))
    _line("charge, spin", f"{'any charge' if model.charged else 'neutral'}, {shells}")
    _line("level of theory", model.level)
    _line("S66x8 error", s66)
    _line("licence", model.licence)
    _line("source", model.source)
    _line("package", f"{model.package} ({model.get})")
    for file in model.files:
        _line(
            "file", str(locate(file) or f"{file.name}, looked for in {' and '.join(map(str, folders(file.kept_in)))}")
        )
        _line("published at", file.url)
        _line("sha256", " or ".join(file.sha256) or "not known to bindfe: give it as #sha256=...")
    _line("usable here", why_not(model) or "yes")


def _line(name: str, text: str) -> None:
    typer.echo(
        textwrap.fill(text, 110, initial_indent=f"{name:16s}", subsequent_indent=" " * 16, break_long_words=False)
    )
