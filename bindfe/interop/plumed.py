"""PLUMED's own files, COLVAR, HILLS and KERNELS: read for the estimates, written for other people's tools."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bindfe.errors import InputError
from bindfe.results import BiasedSamples, Floats, Hills
from bindfe.store import write_text
from bindfe.units import thermal_energy


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A file of columns as PLUMED writes it."""

    path: Path
    """Where it lies."""
    fields: tuple[str, ...]
    """Names of the columns, (C,)."""
    constants: dict[str, str]
    """What its ``SET`` lines say."""
    values: Floats
    """Numbers, (N, C)."""

    def column(self, name: str) -> Floats:
        """One column, (N,).

        Raises:
            InputError: There is none of that name.
        """
        if name not in self.fields:
            raise InputError(f"{self.path}: has no column '{name}'; it has {', '.join(self.fields)}")
        return np.asarray(self.values[:, self.fields.index(name)])


def read_table(path: Path) -> Table:
    """Read a PLUMED file; a last line that a kill cut short is left out.

    A restarted PLUMED writes its header again, which is allowed where it names the same columns. Words in a column
    (``multivariate``) become not a number.

    Raises:
        InputError: The file is missing, has no header, or lines of different length; with the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    fields: tuple[str, ...] = ()
    constants: dict[str, str] = {}
    rows: list[list[float]] = []
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        if words[0] == "#!":
            fields = _header(path, number, words, fields, constants)
        elif len(words) == len(fields) and line.endswith("\n"):
            rows.append([_number(word) for word in words])
        elif number < len(lines):
            raise InputError(f"{path}, line {number}: {len(words)} values under {len(fields)} columns")
    if not fields:
        raise InputError(f"{path}: no line '#! FIELDS': not a file that PLUMED wrote")
    values = np.array(rows, dtype=float).reshape(len(rows), len(fields))
    return Table(path=path, fields=fields, constants=constants, values=values)


def _header(
    path: Path, number: int, words: list[str], fields: tuple[str, ...], constants: dict[str, str]
) -> tuple[str, ...]:
    if words[1:2] == ["SET"] and len(words) >= 4:
        constants[words[2]] = words[3]
    if words[1:2] != ["FIELDS"]:
        return fields
    found = tuple(words[2:])
    if fields and found != fields:
        raise InputError(
            f"{path}, line {number}: columns change from {' '.join(fields)} to {' '.join(found)}: two runs"
        )
    return found


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return math.nan


def read_hills(paths: Sequence[Path]) -> Hills:
    """Read the HILLS files of all walkers, in the order of time.

    PLUMED writes heights times g/(g - 1), with g the bias factor; that is undone.

    Raises:
        InputError: A file cannot be read, or the files are of different calculations.
    """
    tables = [read_table(path) for path in paths]
    first = tables[0]
    names = tuple(name[len("sigma_") :] for name in first.fields if name.startswith("sigma_"))
    for table in tables:
        if table.fields != first.fields or table.constants != first.constants:
            raise InputError(f"{table.path}: its columns or settings differ from those of {first.path}: another run's")
    if not names or "height" not in first.fields:
        raise InputError(f"{first.path}: has no widths or heights: not a HILLS file")
    values = np.concatenate([table.values for table in tables])
    order = np.argsort(values[:, first.fields.index("time")], kind="stable")
    column = dict(zip(first.fields, values[order].T, strict=True))
    factors = np.unique(column["biasf"]) if "biasf" in column and len(values) else np.array([-1.0])
    gamma = float(factors[0])
    if len(factors) > 1:
        raise InputError(f"{first.path}: bias factors {factors.tolist()} in one run: hills of different runs")
    tempered = gamma > 1.0
    return Hills(
        names=names,
        time=column["time"],
        centre=np.stack([column[name] for name in names], axis=1),
        width=np.stack([column[f"sigma_{name}"] for name in names], axis=1),
        height=column["height"] * ((gamma - 1.0) / gamma if tempered else 1.0),
        bias_factor=gamma if tempered else math.inf,
        periods=tuple(_period(first, name) for name in names),
        stretched=first.constants.get("kerneltype", "stretched-gaussian").startswith("stretched"),
    )


def _period(table: Table, name: str) -> float | None:
    if f"min_{name}" not in table.constants:
        return None
    low, high = (_limit(table.constants[f"{end}_{name}"]) for end in ("min", "max"))
    return high - low


def _limit(text: str) -> float:
    """A number, or pi as PLUMED writes it."""
    sign, word = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
    return sign * (math.pi if word == "pi" else float(word))


def read_samples(
    paths: Sequence[Path],
    *,
    variables: Sequence[str],
    labels: Sequence[str],
    bias: str | None,
    hold: str | None,
    temperature: float,
) -> BiasedSamples:
    """Read the COLVAR files of all walkers.

    Args:
        paths: One file for each walker, (W,).
        variables: Columns of the variables, (D,).
        labels: The same with their units: ``distance [nm]``, (D,).
        bias: Column of a bias that weighs the samples as it stands (OPES) [kJ/mol]; None for zero, where
            :func:`bindfe.estimate.hills.weigh` gives the weights.
        hold: Column of the restraints' energy [kJ/mol]; None without any.
        temperature: Temperature [K].

    Returns:
        The samples; where time was written twice, the later line counts.

    Raises:
        InputError: A file or a column is missing.
    """
    kt = thermal_energy(temperature)
    parts = []
    for walker, path in enumerate(paths):
        table = read_table(path)
        time = table.column("time")
        last = np.sort(len(time) - 1 - np.unique(time[::-1], return_index=True)[1])
        zero = np.zeros(len(last))
        parts.append(
            (
                np.stack([table.column(name)[last] for name in variables], axis=1),
                table.column(bias)[last] / kt if bias else zero,
                table.column(hold)[last] / kt if hold else zero,
                time[last],
                np.full(len(last), walker),
            )
        )
    cv, weight, held, time, number = (np.concatenate(each) for each in zip(*parts, strict=True))
    return BiasedSamples(
        names=tuple(labels), cv=cv, bias=weight, hold=held, time=time, walker=number, temperature=temperature
    )


def write_hills(path: Path, hills: Hills) -> None:
    """Write hills as PLUMED would: ``plumed sum_hills`` and other tools read them."""
    gamma = hills.bias_factor
    scale, factor = (1.0, -1.0) if math.isinf(gamma) else (gamma / (gamma - 1.0), gamma)
    header = ["time", *hills.names, *(f"sigma_{name}" for name in hills.names), "height", "biasf"]
    constants = {"multivariate": "false", "kerneltype": "stretched-gaussian" if hills.stretched else "gaussian"}
    for name, period in zip(hills.names, hills.periods, strict=True):
        if period is not None:
            constants |= {f"min_{name}": f"{-period / 2!r}", f"max_{name}": f"{period / 2!r}"}
    rows = np.column_stack(
        [hills.time, hills.centre, hills.width, hills.height * scale, np.full(len(hills.time), factor)]
    )
    write_table(path, header, rows, constants=constants)


def write_table(path: Path, fields: Sequence[str], rows: Floats, *, constants: dict[str, str] | None = None) -> None:
    """Write columns as PLUMED does, whole or not at all."""
    lines = [f"#! FIELDS {' '.join(fields)}"]
    lines += [f"#! SET {name} {value}" for name, value in (constants or {}).items()]
    lines += [" ".join(f"{value:.15g}" for value in row) for row in rows]
    write_text(path, "\n".join(lines) + "\n")
