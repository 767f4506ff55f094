"""Which tool wrote a file is read from its header, so that a user never has to say."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bindfe.errors import InputError
from bindfe.interop import atom, cinnabar, fepplus, openfe, plain
from bindfe.interop.content import FileContent
from bindfe.interop.proteins import protein_of
from bindfe.interop.table import Table, decode, read_table

__all__ = ["FileContent", "read_calculations"]


@dataclass(frozen=True, slots=True)
class _Format:
    name: str
    recognises: Callable[[Table], bool]
    read: Callable[[Table], FileContent]
    columns: str


_FORMATS = (
    _Format("OpenFE industry benchmark, edges", openfe.is_benchmark, openfe.read_benchmark, openfe.BENCHMARK_COLUMNS),
    _Format("OpenFE benchmark, ligands", openfe.is_ligands, openfe.read_ligands, openfe.LIGAND_COLUMNS),
    _Format("OpenFE gather", openfe.is_gather, openfe.read_gather, openfe.GATHER_COLUMNS),
    _Format("FEP+ edges", fepplus.is_edges, fepplus.read_edges, fepplus.EDGE_COLUMNS),
    _Format("FEP+ ligands", fepplus.is_ligands, fepplus.read_ligands, fepplus.LIGAND_COLUMNS),
    _Format("AToM / QuantumBind", atom.is_edges, atom.read_edges, atom.COLUMNS),
    _Format("bindfe predictions", plain.is_predictions, plain.read_predictions, plain.PREDICTION_COLUMNS),
    _Format("plain", plain.is_plain, plain.read_plain, plain.COLUMNS),
)


def read_calculations(path: Path) -> FileContent:
    """Read the results of any supported tool.

    Args:
        path: A CSV, TSV or JSON file, or a directory of OpenFE result JSON files.

    Returns:
        Its calculations, how many edges had failed, and notes on how it was read.

    Raises:
        InputError: The file cannot be read or no format is recognised; names file, line and column.
    """
    if path.is_dir():
        content = openfe.read_json([_json(file) for file in sorted(path.glob("*.json"))], path)
    elif path.suffix.lower() == ".json":
        content = openfe.read_json(_json(path), path)
    elif cinnabar.is_cinnabar(path):
        content = cinnabar.read_cinnabar(path)
    else:
        content = _from_table(read_table(path))
    if not content.calculations:
        raise InputError(f"{path}: no usable calculation in {content.format} ({content.n_failed} failed or empty)")
    named = tuple(c if c.protein else replace(c, protein=protein_of(c.target)) for c in content.calculations)
    return replace(content, calculations=named)


def _from_table(table: Table) -> FileContent:
    for known in _FORMATS:
        if known.recognises(table):
            content = known.read(table)
            return replace(content, notes=(*table.notes, *content.notes))
    plain.explain(table)
    wanted = "\n".join(f"  {known.name}: {known.columns}" for known in _FORMATS)
    raise InputError(
        f"{table.path}, line 1: these columns belong to no known format: {', '.join(table.columns)}. "
        f"Known formats:\n{wanted}"
    )


def _json(path: Path) -> object:
    text, _ = decode(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from error
