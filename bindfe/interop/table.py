"""A delimited text file as rows with line numbers, whatever program exported it.

Spreadsheets add a byte order mark, write semicolons and decimal commas, or save in a Windows code page.
Each of these is recognised, treated, and told in ``notes``.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bindfe.errors import InputError

_EMPTY = {
    "",
    "nan",
    "na",
    "n/a",
    "none",
    "null",
    "-",
    "--",
    "#n/a",
    "inf",
    "-inf",
    "+inf",
    "infinity",
    "error",
    "failed",
}
_DELIMITERS = "\t;,"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table."""

    table: Table
    """The table that the row belongs to."""
    line: int
    """Its line in the file, from 1."""
    cells: tuple[str, ...]
    """Its cells, stripped, as many as the header has."""

    def text(self, column: str, default: str | None = None) -> str:
        """The text in a column; ``default`` if the table has no such column.

        Raises:
            InputError: No such column, and no default.
        """
        place = self.table.place(column)
        if place is None:
            if default is None:
                raise self.table.missing(column)
            return default
        return self.cells[place]

    def number(self, column: str) -> float:
        """The number in a column [as the column says]; nan if the cell is empty, not finite or not there.

        Raises:
            InputError: The cell holds something that is not a number.
        """
        cell = self.text(column, "")
        if cell.lower() in _EMPTY:
            return math.nan
        try:
            return float(cell.replace(",", ".") if self.table.decimal_comma else cell)
        except ValueError:
            raise self.wrong(column, f"'{cell}' is not a number") from None

    def wrong(self, column: str, found: str) -> InputError:
        """An error that names the file, the line and the column."""
        return InputError(f"{self.table.path}, line {self.line}, column '{column}': {found}")

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.table.path.name}:{self.line}"


@dataclass(frozen=True, slots=True)
class Table:
    """A header and rows."""

    path: Path
    """The file."""
    columns: tuple[str, ...]
    """Names of the columns, stripped."""
    lines: tuple[tuple[int, tuple[str, ...]], ...]
    """Line number and cells of each row that is not empty."""
    decimal_comma: bool = False
    """Whether numbers are written as 1,5."""
    notes: tuple[str, ...] = ()
    """What was done to read the file."""
    places: dict[str, int] | None = None
    """Column of each lower-case name."""

    def place(self, column: str) -> int | None:
        """Index of a column; names are compared without case."""
        return (self.places or {}).get(column.lower())

    def has(self, *columns: str) -> bool:
        """Whether all of these columns are there."""
        return all(self.place(column) is not None for column in columns)

    def first(self, columns: Sequence[str]) -> str | None:
        """The first of these columns that is there."""
        return next((column for column in columns if self.place(column) is not None), None)

    def missing(self, column: str) -> InputError:
        """An error that says which column is needed and which there are."""
        return InputError(
            f"{self.path}, line 1: no column '{column}'; the columns are: {', '.join(self.columns) or 'none'}"
        )

    def __iter__(self) -> Iterator[Row]:
        return (Row(self, line, cells) for line, cells in self.lines)

    def __len__(self) -> int:
        return len(self.lines)


def decode(path: Path) -> tuple[str, list[str]]:
    """Read a text file of unknown encoding.

    Returns:
        The text, and a note if it was not UTF-8.

    Raises:
        InputError: The file cannot be read or is not text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16"), [f"{path.name}: read as UTF-16"]
    if b"\x00" in content[:4096]:
        raise InputError(f"{path}: a binary file; a CSV, TSV or JSON text file is needed")
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        note = f"{path.name}: not UTF-8, read as Windows-1252; check names with accents or Greek letters"
        return content.decode("cp1252", errors="replace"), [note]


def read_table(path: Path) -> Table:
    """Read a delimited file: comma, semicolon or tab, with or without byte order mark.

    Raises:
        InputError: Not text, empty, without a header, or a row with more cells than the header.
    """
    text, notes = decode(path)
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    if not first:
        raise InputError(f"{path}: the file is empty; a header line and at least one row are needed")
    delimiter = max(_DELIMITERS, key=first.count)
    if delimiter not in first:
        raise InputError(
            f"{path}, line 1: one column only ('{first[:60]}'); separate columns by comma, semicolon or tab"
        )
    return table_from_text(text, path=path, delimiter=delimiter, notes=notes)


def table_from_text(text: str, *, path: Path, delimiter: str, notes: Sequence[str] = ()) -> Table:
    """Split text into a table; lines that begin with ``#`` and empty lines are left out.

    Raises:
        InputError: No header, a column named twice, or a row with more cells than the header.
    """
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    header: tuple[str, ...] | None = None
    lines: list[tuple[int, tuple[str, ...]]] = []
    try:
        for cells in reader:
            stripped = tuple(cell.strip() for cell in cells)
            if not any(stripped) or (header is None and stripped[0].startswith("#")):
                continue
            if header is None:
                header = stripped
                continue
            lines.append((reader.line_num, _padded(stripped, len(header), path, reader.line_num)))
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}") from error
    if header is None:
        raise InputError(f"{path}: no header line")
    places = {name.lower(): index for index, name in reversed(list(enumerate(header)))}
    return Table(path, header, tuple(lines), delimiter == ";" and "," in text, tuple(notes), places)


def _padded(cells: tuple[str, ...], length: int, path: Path, line: int) -> tuple[str, ...]:
    extra = cells[length:]
    if any(extra):
        raise InputError(
            f"{path}, line {line}: {len(cells)} cells, the header has {length}; quote cells that contain the separator"
        )
    return cells[:length] + ("",) * (length - len(cells))
