"""A protocol file to a :class:`Protocol`, and what is wrong with it in words."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import ValidationError

from bindfe.errors import ProtocolError
from bindfe.protocol.describe import all_keys
from bindfe.protocol.places import input_path
from bindfe.protocol.settings import Protocol


def load_protocol(path: str | Path) -> Protocol:
    """Read a protocol file.

    Args:
        path: YAML file; relative paths in it are relative to its directory, and ``$BINDFE_DATA/...`` is a public
            file, looked for there and where ``bindfe fetch`` puts it.

    Returns:
        The protocol, defaults filled in, with absolute input paths.

    Raises:
        ProtocolError: Missing file, bad YAML, unknown key, missing unit or wrong value; the message has
            the file, the line, the full key path and the nearest valid key.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProtocolError(f"{path}: no such protocol file; `bindfe protocol show` prints one to start from") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    protocol = parse_protocol(text, source=str(path))
    return _with_absolute_paths(protocol, path.resolve().parent)


def parse_protocol(text: str, *, source: str = "protocol") -> Protocol:
    """Read a protocol from YAML text; see :func:`load_protocol`."""
    try:
        tree = yaml.safe_load(text)
        lines = dict(_key_lines(yaml.compose(text, Loader=yaml.SafeLoader), (), source))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ProtocolError(f"{source}: line {line}: not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ProtocolError(f"{source}: not valid YAML: {error}") from error
    if not isinstance(tree, dict):
        raise ProtocolError(f"{source}: a protocol is a list of `section:` keys, found {type(tree).__name__}")
    try:
        return Protocol.model_validate(tree)
    except ValidationError as error:
        raise ProtocolError(_explain(error, lines, source)) from None


def _key_lines(node: yaml.Node | None, path: tuple[str, ...], source: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """The line of every key, and an error for a key that stands twice (YAML would take the last)."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        line = key.start_mark.line + 1
        if name in seen:
            raise ProtocolError(f"{source}: line {line}: '{'.'.join((*path, name))}' stands twice")
        seen.add(name)
        yield (*path, name), line
        yield from _key_lines(value, (*path, name), source)


def _explain(error: ValidationError, lines: dict[tuple[str, ...], int], source: str) -> str:
    messages = []
    for problem in error.errors():
        path = tuple(str(part) for part in problem["loc"])
        line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
        where = f"line {line}: " if line else ""
        what = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            what = f"unknown key; the nearest valid key is '{_nearest_key('.'.join(path))}'"
        elif problem["type"] == "model_type":
            what = f"keys of the section are needed here, found {problem['input']!r}"
        messages.append(f"{source}: {where}{'.'.join(path) + ': ' if path else ''}{what}")
    return "\n".join(messages)


def _nearest_key(wrong: str) -> str:
    """The valid key that a wrong one most resembles; its last part counts most, as sections are often forgotten."""

    def resemblance(key: str) -> float:
        last = difflib.SequenceMatcher(None, wrong.rpartition(".")[2].lower(), key.rpartition(".")[2]).ratio()
        return 2 * last + difflib.SequenceMatcher(None, wrong.lower(), key).ratio()

    return max(all_keys(), key=resemblance)


def _with_absolute_paths(protocol: Protocol, directory: Path) -> Protocol:
    def absolute(text: str | None) -> str | None:
        return str(input_path(text, directory)) if text else text

    def calibrator(name: str | None) -> str | None:
        """A shipped calibrator is named without a suffix."""
        return absolute(name) if name and name.endswith(".json") else name

    catalysts = protocol.catalysts
    return protocol.model_copy(
        update={
            "catalysts": catalysts and catalysts.model_copy(update={"file": absolute(catalysts.file)}),
            "receptor": protocol.receptor.model_copy(
                update={
                    "file": absolute(protocol.receptor.file),
                    "cofactors": tuple(absolute(name) for name in protocol.receptor.cofactors),
                    "templates": tuple(absolute(name) for name in protocol.receptor.templates),
                }
            ),
            "ligands": protocol.ligands.model_copy(
                update={key: absolute(getattr(protocol.ligands, key)) for key in ("file", "measured", "reference")}
            ),
            "metadynamics": protocol.metadynamics.model_copy(update={"script": absolute(protocol.metadynamics.script)}),
            "calibration": protocol.calibration.model_copy(update={"file": calibrator(protocol.calibration.file)}),
        }
    )
