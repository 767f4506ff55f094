"""A run directory: where each record lies, and how it is written so that a kill cannot harm it.

Every file is written beside its place, flushed to disk and renamed, so a reader sees the old file, the
new one or none. Every file carries its own SHA-256: arrays (``.npz``) in the archive's comment, of all
bytes before it; records (``.json``) under the key ``sha256``. Nothing is ever appended to: samples grow
by whole chunks.

::

    RUN/
    ├── protocol.yaml               the resolved protocol
    ├── manifest.json               versions, fingerprint, when it began
    ├── ligands.json  ligands.sdf   the ligands as they are calculated, and what was done to them
    ├── poses.sdf                   binding modes of those that were placed on a reference
    ├── receptor.json  receptor.cif a protein, completed, and what was done to it
    ├── LIGAND/
    │   ├── LEG/                    complex, solvent, transfer ...
    │   │   ├── prepared/           system.xml  topology.cif  state.xml  leg.json
    │   │   └── repeat-0/
    │   │       ├── start.npz       each replica's coordinates before the first cycle
    │   │       ├── chunk-00000.npz energies, replica map and end-state frames of so many cycles
    │   │       └── restart-00000.npz what the next chunk starts from; only the latest is kept
    │   ├── committee/              energies of the members on stored frames
    │   ├── switching/              work values, one file for each switch batch
    │   ├── inputs.json  depiction.svg  pose.svg  placing.svg
    │   └── estimate.json  binding.json
    ├── prediction.json  predictions.csv
    └── figures/  report.html
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import io
import json
import os
import types
import typing
import zipfile
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bindfe.errors import StoreError
from bindfe.states import LegKind

_DIGITS = 64  # of a SHA-256 in text

T = TypeVar("T")
Arrays = dict[str, NDArray[Any]]


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all.

    Raises:
        StoreError: The disk is full or the directory cannot be written; nothing was changed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreError(
                f"{path}: the disk is full; nothing finished is lost: free some space and run the same command again"
            ) from error
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from error


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file; see :func:`write_bytes`."""
    write_bytes(path, text.encode())


def checksum(path: Path) -> str:
    """SHA-256 of a file's content."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from error


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as a checksummed, compressed ``.npz`` that numpy can read.

    The same arrays give the same bytes: the archive's time stamps are fixed.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in sorted(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asanyarray(arrays[name]), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, member.getvalue())
        archive.comment = b"0" * _DIGITS
    content = buffer.getvalue()[:-_DIGITS]
    write_bytes(path, content + hashlib.sha256(content).hexdigest().encode())


def read_arrays(path: Path) -> Arrays:
    """Read what :func:`write_arrays` wrote.

    Raises:
        StoreError: Missing, cut short, or not what was written.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: not a readable record ({error}); delete it and run again") from error
    if content[-_DIGITS:] != hashlib.sha256(content[:-_DIGITS]).hexdigest().encode():
        raise StoreError(f"{path}: its content does not match its checksum; delete it and run again")
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def write_record(path: Path, record: object) -> None:
    """Write a record (a dataclass of numbers, text, arrays and records) as checksummed JSON."""
    plain = to_plain(record)
    payload = plain if isinstance(plain, dict) else {"items": plain}
    write_text(path, json.dumps({**payload, "sha256": _digest_of_plain(payload)}, indent=1) + "\n")


def read_plain(path: Path) -> dict[str, Any]:
    """Read a checksummed JSON file as plain values.

    Raises:
        StoreError: Missing, cut short, or not what was written.
    """
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        stated = plain.pop("sha256")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise StoreError(f"{path}: not a readable record ({error}); delete it and run again") from error
    if stated != _digest_of_plain(plain):
        raise StoreError(f"{path}: its content does not match its checksum; delete it and run again")
    return dict(plain)


def read_record(path: Path, kind: type[T]) -> T:
    """Read one record of a known type; see :func:`write_record`."""
    with _naming(path, kind):
        return typing.cast("T", from_plain(read_plain(path), kind))


def write_records(path: Path, records: tuple[object, ...]) -> None:
    """Write several records into one checksummed JSON file."""
    write_record(path, records)


def read_records(path: Path, kind: type[T]) -> tuple[T, ...]:
    """Read several records of one type; see :func:`write_records`."""
    with _naming(path, kind):
        return tuple(from_plain(item, kind) for item in read_plain(path)["items"])


@contextlib.contextmanager
def _naming(path: Path, kind: type) -> Iterator[None]:
    """Name the file whose record another version of bindfe wrote in a form that this one cannot read."""
    try:
        yield
    except (TypeError, ValueError, KeyError) as error:
        raise StoreError(f"{path}: holds no {kind.__name__} that this version of bindfe reads ({error})") from error


def _digest_of_plain(plain: object) -> str:
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def to_plain(value: object) -> Any:
    """Turn a record into JSON's types; floats keep every bit, and non-finite ones become text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return to_plain(value.tolist())
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.generic):
        return to_plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


def from_plain(plain: Any, kind: Any) -> Any:
    """Turn JSON's types into the type that is asked for; the inverse of :func:`to_plain`.

    Raises:
        TypeError, ValueError, KeyError: A field is missing or holds what its type cannot.
    """
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _record_from(plain, kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is np.ndarray:
        return np.array(plain, dtype=typing.get_args(arguments[1])[0])
    if origin is tuple:
        kinds = [arguments[0]] * len(plain) if arguments[-1] is Ellipsis else arguments
        return tuple(from_plain(item, each) for item, each in zip(plain, kinds, strict=True))
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return {key: from_plain(item, arguments[1]) for key, item in plain.items()}
    if origin in (typing.Union, types.UnionType):
        return _any_of(plain, arguments)
    if kind is float and plain is not None:
        return float(plain)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(plain)
    return plain


def _record_from(plain: Mapping[str, Any], kind: type) -> Any:
    hints = typing.get_type_hints(kind)
    known = {field.name for field in dataclasses.fields(kind)}
    return kind(**{name: from_plain(plain[name], hints[name]) for name in plain if name in known})


def _any_of(plain: Any, kinds: tuple[Any, ...]) -> Any:
    """Pick the union's member that fits: None for null, else the record with the most fields in common."""
    if plain is None:
        return None
    choices = [kind for kind in kinds if kind is not type(None)]
    if isinstance(plain, Mapping):
        records = [kind for kind in choices if dataclasses.is_dataclass(kind)]
        fitting = [kind for kind in records if {field.name for field in dataclasses.fields(kind)} == set(plain)]
        choices = fitting or records or choices
    return from_plain(plain, choices[0])


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Where everything lies in a run directory."""

    root: Path
    """The run directory."""

    @property
    def protocol(self) -> Path:
        """The resolved protocol."""
        return self.root / "protocol.yaml"

    @property
    def manifest(self) -> Path:
        """Versions, fingerprint and inputs."""
        return self.root / "manifest.json"

    @property
    def prediction(self) -> Path:
        """The machine's answer."""
        return self.root / "prediction.json"

    @property
    def table(self) -> Path:
        """One row for each ligand."""
        return self.root / "predictions.csv"

    @property
    def report(self) -> Path:
        """The page."""
        return self.root / "report.html"

    @property
    def figures(self) -> Path:
        """PNG figures."""
        return self.root / "figures"

    def ligand(self, name: str) -> Path:
        """Everything of one ligand."""
        return self.root / name

    def leg(self, name: str, kind: LegKind) -> Path:
        """One leg of one ligand."""
        return self.root / name / kind.value

    def prepared(self, name: str, kind: LegKind) -> Path:
        """The OpenMM files of one leg."""
        return self.leg(name, kind) / "prepared"

    def repeat(self, name: str, kind: LegKind, repeat: int) -> Path:
        """The samples of one repeat of one leg."""
        return self.leg(name, kind) / f"repeat-{repeat}"

    def chunks(self, name: str, kind: LegKind, repeat: int) -> tuple[Path, ...]:
        """The stored chunks of one repeat, in order; readable while the run goes on."""
        return tuple(sorted(self.repeat(name, kind, repeat).glob("chunk-*.npz")))
