"""``bindfe calibrate``: fit, apply and score calibrators on anybody's results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bindfe.interop.content import FileContent
    from bindfe.interop.predictions import PredictedRows
    from bindfe.results import Affinity, Calculation, Floats
    from bindfe.uncertainty.score import Score, Scored

app = typer.Typer(help="Error bars that hold as often as they say, for any tool's results.", no_args_is_help=True)

_Results = Annotated[
    list[Path],
    typer.Argument(metavar="RESULTS...", help="Results of OpenFE, FEP+, cinnabar, AToM, bindfe, or plain CSV."),
]
_Affinities = Annotated[Path | None, typer.Option("--affinities", help="Measured values, if the file lacks them.")]


@app.command()
def fit(
    results: _Results,
    out: Annotated[Path, typer.Option("--out", help="Calibrator to write, for example calibration.json.")],
    affinities: _Affinities = None,
    method: Annotated[str, typer.Option("--method", help="Method class; the file's format by default.")] = "",
) -> None:
    """Learn from results with known answers."""
    from bindfe.uncertainty.calibrate import Calibrator

    contents = _read(results)
    calculations = [c for content in contents for c in content.calculations]
    name = method or ", ".join(dict.fromkeys(content.format for content in contents))
    calibrator = Calibrator(method=name).fit(calculations, _affinities(affinities))
    calibrator.fitted_on_["files"] = [path.name for path in results]
    calibrator.save(out)
    for kind, fitted in calibrator.kinds_.items():
        seen = ", ".join(f"{nominal:.0%} held {held:.1%}" for nominal, held in fitted.coverage_out_of_fold)
        typer.echo(
            f"{kind}: {fitted.n_calculations} of {fitted.n_proteins} proteins; slope {fitted.model.slope:.2f}, "
            f"tail {fitted.model.tail:.1f}; on left-out proteins {seen or 'not tested: one protein'}"
        )
    typer.echo(f"wrote {out}")


@app.command()
def apply(
    calibrator: Annotated[str, typer.Argument(metavar="CALIBRATION", help="calibration.json, or 'default'.")],
    results: _Results,
    out: Annotated[Path, typer.Option("--out", help="Predictions to write, for example predictions.csv.")],
    known: Annotated[Path | None, typer.Option("--known", help="Measured values that may be used (few-shot).")] = None,
    coverage: Annotated[list[float] | None, typer.Option("--coverage", help="Coverages of the intervals.")] = None,
    ligands: Annotated[bool, typer.Option("--ligands", help="From edges to the ligands of their networks.")] = False,
) -> None:
    """Predict with intervals; measured values in RESULTS are copied and never used."""
    from bindfe.report.calibration_table import predictions_csv
    from bindfe.store import write_text
    from bindfe.uncertainty.calibrate import load_calibrator
    from bindfe.uncertainty.kinds import COVERAGES
    from bindfe.uncertainty.ligands import ligands_of

    files, levels = _coverages(results, coverage or [])
    loaded = load_calibrator(calibrator)
    contents = _read(files)
    calculations: list[Calculation] = [c for content in contents for c in content.calculations]
    if ligands:
        calculations = ligands_of(calculations, loaded.repeat_prior_)
    own = calibrator == "default" and any(content.format == "bindfe predictions" for content in contents)
    other = calibrator == "default" and not all(content.format.startswith("OpenFE") for content in contents)
    predictions = loaded.predict(
        calculations, _known(known), transferred="bindfe" if own else contents[0].format if other else ""
    )
    write_text(out, predictions_csv(predictions, levels or COVERAGES))
    typer.echo(f"{len(predictions)} predictions; {predictions.guarantees[0]}")
    typer.echo(f"wrote {out}")


@app.command()
def score(
    predictions: Annotated[Path, typer.Argument(metavar="PREDICTIONS", help="As written by apply.")],
    out: Annotated[Path, typer.Option("--out", help="Scores to write, for example score.json.")],
    affinities: _Affinities = None,
    html: Annotated[Path | None, typer.Option("--html", help="One page with figures.")] = None,
) -> None:
    """Does the interval hold as often as it says."""
    from bindfe.store import write_record
    from bindfe.uncertainty.score import score as score_predictions

    seen = scored_rows(predictions, _affinities(affinities))
    result = score_predictions(seen)
    write_record(out, plain_score(result))
    if html is not None:
        from bindfe.report.calibration import write_calibration_report

        write_calibration_report(seen, result, path=html, title=predictions.name)
    m = result.measures
    typer.echo(f"{result.n} predictions of {result.n_proteins} proteins")
    for level in (50, 68, 90, 95):
        typer.echo(f"the {level} % interval holds {100 * m[f'coverage_{level}'].value:.1f} %")
    typer.echo(
        f"RMSE raw {m['rmse_raw'].value:.2f}, calibrated {m['rmse_calibrated'].value:.2f}, "
        f"predicting no difference {m['rmse_null'].value:.2f} kcal/mol"
    )
    for note in result.notes:
        typer.echo(note)
    typer.echo(f"wrote {out}" + (f" and {html}" if html else ""))


def _read(paths: list[Path]) -> list[FileContent]:
    from bindfe.interop import read_calculations

    contents = [read_calculations(path) for path in paths]
    for path, content in zip(paths, contents, strict=True):
        typer.echo(f"{path.name}: {content.format}, {len(content.calculations)} calculations")
        for note in content.notes:
            typer.echo(f"  {note}")
    return contents


def _coverages(results: list[Path], given: list[float]) -> tuple[list[Path], list[float]]:
    """Files and coverages of ``FILES --coverage 0.5 0.9``: the numbers that follow the first look like files.

    Raises:
        InputError: A coverage that is not between 0 and 1.
    """
    from bindfe.errors import InputError

    numbers = [path for path in results if given and path.name.replace(".", "", 1).isdigit() and not path.exists()]
    levels = [*given, *(float(str(path)) for path in numbers)]
    wrong = [level for level in levels if not 0 < level < 1]
    if wrong:
        raise InputError(f"--coverage {wrong[0]:g}: a number between 0 and 1 is needed, for example 0.9")
    return [path for path in results if path not in numbers], levels


def _known(path: Path | None) -> tuple[Affinity | Calculation, ...]:
    """Known values: ligands, or calculations that carry a measured value (a file of edges)."""
    from bindfe.errors import InputError
    from bindfe.interop import read_affinities, read_calculations

    if path is None:
        return ()
    try:
        return read_affinities(path)
    except InputError as error:
        try:
            content = read_calculations(path)
        except InputError:
            raise error from None
        return tuple(c for c in content.calculations if c.measured_kcal_mol == c.measured_kcal_mol)


def _affinities(path: Path | None) -> tuple[Affinity, ...]:
    from bindfe.interop import read_affinities

    return read_affinities(path) if path is not None else ()


def scored_rows(path: Path, affinities: tuple[Affinity, ...]) -> Scored:
    """Predictions beside measured values: those in the file, or those of the affinities."""
    import numpy as np

    from bindfe.interop.predictions import read_predictions
    from bindfe.uncertainty.score import Scored

    rows = read_predictions(path)
    measured = _measured(rows, affinities) if affinities else rows.measured
    return Scored(
        target=rows.target,
        protein=rows.protein,
        first=rows.first,
        second=rows.second,
        measured=np.where(np.isfinite(measured), measured, rows.measured),
        raw=np.where(np.isfinite(rows.raw), rows.raw, rows.location),
        location=rows.location,
        scale=rows.scale,
        degrees=rows.degrees,
        raw_error=rows.raw_error,
        reported_error=rows.reported_error,
        half_widths=rows.half_widths,
    )


def _measured(rows: PredictedRows, affinities: tuple[Affinity, ...]) -> Floats:
    """Measured value of each row: a difference for an edge, less the series' mean for a ligand of a network."""
    import numpy as np

    from bindfe.uncertainty.ligands import look_up, measured_table

    table = measured_table(affinities)
    second = np.array([look_up(table, t, b) for t, b in zip(rows.target, rows.second, strict=True)])
    first = np.array([look_up(table, t, a) if a else 0.0 for t, a in zip(rows.target, rows.first, strict=True)])
    values = second - first
    for target in np.unique(rows.target):
        chosen = (rows.target == target) & rows.relative & (rows.first == "") & np.isfinite(values)
        values[chosen] -= values[chosen].mean() if chosen.any() else 0.0
    return np.asarray(values, dtype=float)


def plain_score(result: Score) -> dict[str, Any]:
    """The scores as JSON: each measure by its name, with its 95 % interval."""
    from bindfe.store import to_plain

    measures = {name: to_plain(measure) for name, measure in result.measures.items()}
    details = {
        "reliability": to_plain(result.reliability),
        "pit_histogram": to_plain(result.pit_histogram),
        "per_target": to_plain(result.targets),
        "p_better": to_plain(result.pairs),
        "notes": to_plain(result.notes),
    }
    return {"version": 1, "n": result.n, "n_proteins": result.n_proteins, **measures, **details}
