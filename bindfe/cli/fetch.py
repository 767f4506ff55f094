"""``bindfe fetch``: public systems, data and weights from their homes, checked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bindfe.campaign.fetch import Collection


def fetch(
    name: Annotated[str, typer.Argument(help="A public system or a model; none: the list of them.")] = "",
    listed: Annotated[bool, typer.Option("--list", help="Say what there is, and what is here already.")] = False,
    to: Annotated[Path | None, typer.Option("--to", help="Folder that gets the files.")] = None,
) -> None:
    """Bring public systems, data and weights from their homes; says the size first, checks every file."""
    from bindfe.campaign.fetch import bring, collection

    if listed or not name:
        _list()
        return
    wanted = collection(name)
    _say_size(wanted, to)
    for path in bring(wanted, to=to, progress=False):
        typer.echo(str(path))


def _say_size(wanted: Collection, to: Path | None) -> None:
    from bindfe.campaign.fetch import n_bytes

    absent = wanted.absent if to is None else tuple(f for f in wanted.absent if not (to / f.name).is_file())
    typer.echo(f"{wanted.name}: {wanted.title}; licence {wanted.licence}; {wanted.source}")
    if not absent:
        typer.echo(f"all {len(wanted.files)} files are on this machine, nothing is fetched")
        return
    size = n_bytes(absent)
    said = "of a size that no server said" if size is None else f"{size / 1e6:.2f} MB"
    where = to if to is not None else str(absent[0].places[-1]).removesuffix(absent[0].name)
    typer.echo(f"fetching {len(absent)} of {len(wanted.files)} files, {said}, to {where}")


def _list() -> None:
    from rich.console import Console
    from rich.table import Table

    from bindfe.campaign.fetch import collection, names, without_home

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "what", "licence", "files", "MB", "here"):
        table.add_column(heading, overflow="fold", justify="right" if heading in ("files", "MB") else "left")
    for each in map(collection, names()):
        sizes = [file.n_bytes for file in each.files]
        size = "" if None in sizes else f"{sum(filter(None, sizes)) / 1e6:.2f}"
        here = len(each.files) - len(each.absent)
        said = "yes" if here == len(each.files) else f"{here} of {len(each.files)}"
        table.add_row(
            each.name, each.title, each.licence.split(" (")[0].split(",")[0], str(len(each.files)), size, said
        )
    Console().print(table)
    for name, why in without_home().items():
        typer.echo(f"not to be fetched: {name}: {why}")
