"""Cutting PLUMED's files back to a step, so that a run that was killed goes on as if it had not been."""

from __future__ import annotations

import os
from pathlib import Path

from bindfe.errors import InputError
from bindfe.sample.plumed.script import Statement

_DEPOSITS_TO = {"METAD": "HILLS", "OPES_METAD": "KERNELS", "OPES_METAD_EXPLORE": "KERNELS"}
_TIME_UNITS = {"fs": 1e-3, "ps": 1.0, "ns": 1e3}  # in ps
_ONLY_READ = ("READ", "EXTERNAL", "INCLUDE")
_CHANGES_BIAS = ("PACE", "WALKERS_RSTRIDE")


def outputs(statements: tuple[Statement, ...], directory: Path) -> tuple[Path, ...]:
    """Files that a script may append to: what stands after FILE=, and the names that PLUMED takes without it."""
    paths: list[Path] = []
    for statement in statements:
        given = statement.value("FILE")
        if statement.action not in _ONLY_READ:
            paths += [directory / name for name in _names(statement, given)]
    return tuple(dict.fromkeys(paths))


def _names(statement: Statement, given: str | None) -> list[str]:
    if statement.action == "PBMETAD" and not given:
        return [f"HILLS.{variable}" for variable in (statement.value("ARG") or "").split(",")]
    names = given.split(",") if given else [_DEPOSITS_TO[statement.action]] if statement.action in _DEPOSITS_TO else []
    walker = statement.value("WALKERS_ID")
    if walker is not None and statement.action == "METAD":
        return [f"{statement.value('WALKERS_DIR') or '.'}/{name}.{walker}" for name in names]
    return names


def bias_strides(statements: tuple[Statement, ...]) -> tuple[int, ...]:
    """Steps between two changes of a bias by deposition: its own, and those of other walkers that it reads."""
    given = {statement.value(key) for statement in statements for key in _CHANGES_BIAS}
    return tuple(sorted(int(value) for value in given if value is not None and value.isdecimal() and int(value)))


def picoseconds(statements: tuple[Statement, ...]) -> float:
    """The unit of time in a script's files [ps]; UNITS TIME= changes it."""
    for statement in statements:
        given = statement.value("TIME") if statement.action == "UNITS" else None
        if given is not None:
            return _TIME_UNITS[given] if given in _TIME_UNITS else float(given)
    return 1.0


def cut(path: Path, *, time: float, time_step: float) -> int:
    """Take out of a time series of PLUMED what lies after a step, and a last line that was not finished.

    Hills and kernels of the step itself stay: PLUMED does not deposit at the first step of a process. Other
    series lose their line of that step: PLUMED prints it again.

    Args:
        path: A file of PLUMED's; one that is absent, or is no time series, is left alone.
        time: Time of the step that the run goes on from, in the file's unit.
        time_step: Time between two steps, in the file's unit.

    Returns:
        Number of lines that were taken out.

    Raises:
        InputError: A line is not a line of numbers.
    """
    kept, removed = _split(path, time=time, time_step=time_step)
    if removed:
        temporary = path.with_name(f"{path.name}.cut")
        temporary.write_text("".join(f"{line}\n" for line in kept))
        os.replace(temporary, path)
    return removed


def would_cut(path: Path, *, time: float, time_step: float) -> int:
    """How many lines :func:`cut` would take out; the file is left as it is."""
    return _split(path, time=time, time_step=time_step)[1]


def _split(path: Path, *, time: float, time_step: float) -> tuple[list[str], int]:
    """Lines that stay, and the number of those that do not."""
    if not path.is_file():
        return [], 0
    lines = path.read_text().split("\n")
    fields = lines[0].split()
    if fields[:3] != ["#!", "FIELDS", "time"]:
        return [], 0
    deposited = any(field.startswith("sigma_") for field in fields)
    limit = time + (0.5 if deposited else -0.5) * time_step
    kept = [line for line in lines[:-1] if line.startswith("#!") or _time(path, line) < limit]
    return kept, len(lines) - 1 - len(kept) + bool(lines[-1])


def _time(path: Path, line: str) -> float:
    try:
        return float(line.split(None, 1)[0])
    except (IndexError, ValueError) as error:
        raise InputError(f"{path}: {line!r} is not a line of PLUMED's; mend or remove the file") from error
