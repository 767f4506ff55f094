"""Two run directories side by side."""

from __future__ import annotations

from pathlib import Path

from bindfe.campaign.analysis import predict_ligand
from bindfe.campaign.pipeline import protocol_of
from bindfe.errors import InputError
from bindfe.protocol import Protocol, protocol_difference
from bindfe.report.compare import ComparedRuns, Side, write_comparison
from bindfe.report.summary import summarise
from bindfe.results import Affinity, BindingEstimate, Prediction
from bindfe.store import Run, read_plain, read_record
from bindfe.uncertainty.compare import compare_predictions


def compare_runs(
    first: str | Path, second: str | Path, *, coverage: float = 0.95, page: str | Path | None = None
) -> ComparedRuns:
    """Compare two finished runs ligand by ligand; nothing in them is changed.

    Args:
        first: A run directory.
        second: Another one, by another road or with other settings.
        coverage: Coverage of the intervals (0 to 1).
        page: HTML page to write; None for no page.

    Returns:
        The comparison of every ligand that both have a number for.

    Raises:
        InputError: No ligand is in both.
        StoreError: Not a run directory, nothing estimated yet, or a damaged file.
    """
    runs = [Run(root=Path(each).absolute()) for each in (first, second)]
    protocols = [protocol_of(run) for run in runs]
    found = [_predictions(run, protocol) for run, protocol in zip(runs, protocols, strict=True)]
    common = [name for name in found[0] if name in found[1]]
    if not common:
        have = " and ".join(", ".join(each) or "nothing" for each in found)
        raise InputError(f"{first} and {second} have no ligand in common: they have numbers for {have}")
    names = [protocol.name for protocol in protocols]
    if names[0] == names[1]:
        names = [run.root.name for run in runs] if runs[0].root.name != runs[1].root.name else ["first", "second"]
    sides = [Side(name=name, summary=summarise(each)) for name, each in zip(names, protocols, strict=True)]
    compared = ComparedRuns(
        first=sides[0],
        second=sides[1],
        comparisons=tuple(compare_predictions(found[0][name], found[1][name], coverage=coverage) for name in common),
        only_in_one=tuple(sorted(found[0].keys() ^ found[1].keys())),
        differences=protocol_difference(*protocols),
        measured=_measured(protocols, common),
    )
    if page is not None:
        write_comparison(compared, path=Path(page))
    return compared


def _predictions(run: Run, protocol: Protocol) -> dict[str, Prediction]:
    """Every ligand with a number, by name."""
    if not run.prediction.exists():
        raise InputError(f"{run.root}: nothing is estimated yet; `bindfe run` or `bindfe estimate` does it")
    names = [entry["ligand"] for entry in read_plain(run.prediction)["predictions"] if entry["status"] == "ok"]
    return {
        name: predict_ligand(run, protocol, read_record(run.ligand(name) / "binding.json", BindingEstimate))
        for name in names
    }


def _measured(protocols: list[Protocol], names: list[str]) -> dict[str, Affinity]:
    from bindfe.chem.affinity import read_affinities

    for protocol in protocols:
        path = protocol.ligands.measured
        if path and Path(path).exists():
            return {each.ligand: each for each in read_affinities(path) if each.ligand in names}
    return {}
