"""Public systems, data and weights: looked for on this machine first, then brought from their homes and checked.

What is known of a public file (address, size, SHA-256) is in ``public_data.json``; of weights, in the catalogue of
models. Nothing is ever taken on trust: a file whose checksum is another is refused by name, wherever it lies.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from bindfe.errors import InputError, MissingDependency, StoreError
from bindfe.mlip.catalogue import MODELS
from bindfe.mlip.weights import WeightFile, check_file, folders, sha256_of
from bindfe.protocol.places import data_folders

logger = logging.getLogger(__name__)

_PIN = "#sha256="
_SECONDS = 30  # without a byte from a server before it counts as silent


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicFile:
    """One file that stands somewhere public."""

    name: str
    """Its path below a folder of data; of weights, the file name."""
    url: str
    """Address."""
    places: tuple[Path, ...]
    """Where it may lie on this machine, in the order of looking; it is fetched to the last."""
    sha256: tuple[str, ...] = ()
    """Checksums that are known to be good; none: it cannot be checked."""
    n_bytes: int | None = None
    """Size [bytes]; None: the server is asked."""
    weights: WeightFile | None = None
    """What the catalogue says, if it holds weights."""

    @property
    def found(self) -> Path | None:
        """Where it lies, unread; None if it is absent."""
        return next((place for place in self.places if place.is_file()), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Collection:
    """Files that one name brings."""

    name: str
    """What ``bindfe fetch`` calls it."""
    title: str
    """What it is."""
    licence: str
    """Licence of its files."""
    source: str
    """Home, or publication."""
    files: tuple[PublicFile, ...]
    """The files."""
    pin: str = ""
    """SHA-256 that the user vouches for, of a file that bindfe cannot check."""

    @property
    def absent(self) -> tuple[PublicFile, ...]:
        """Files that are not on this machine."""
        return tuple(file for file in self.files if file.found is None)


def names() -> tuple[str, ...]:
    """What can be fetched: collections of data, then models with files of weights."""
    return (*_public()["sets"], *(name for name, model in MODELS.items() if model.files))


def without_home() -> Mapping[str, str]:
    """Data that was derived and stands nowhere in this form, by name, with where it comes from."""
    return dict(_public()["derived"])


def collection(name: str) -> Collection:
    """Look up what a name brings.

    Args:
        name: A name of :func:`names`; a model's may end in ``#sha256=...``, for weights that bindfe cannot check.

    Raises:
        InputError: The name is unknown, or is that of data without a public home.
    """
    name, _, pin = name.partition(_PIN)
    sets = _public()["sets"]
    if name in sets:
        return _data(name, sets[name])
    if name in MODELS and MODELS[name].files:
        return _weights(name, pin)
    if name in without_home():
        raise InputError(f"{name} cannot be fetched: {without_home()[name]}")
    raise InputError(f"there is nothing called '{name}' to fetch; known: {', '.join(names())}")


def bring(wanted: Collection, *, to: Path | None = None, progress: bool = False) -> tuple[Path, ...]:
    """Have every file of a collection on this machine, checked.

    A file that lies in one of its places is not fetched; with ``to`` it is copied from there.

    Args:
        wanted: The collection.
        to: Folder that gets all files; by default they stay, or go, where bindfe looks for them.
        progress: Whether to draw a bar on the terminal.

    Returns:
        Where each file lies, in the collection's order.

    Raises:
        MissingDependency: A file cannot be had, or is not the one that was published; the message names it.
        StoreError: A folder cannot be written.
    """
    return tuple(_bring_file(file, wanted, to=to, progress=progress) for file in wanted.files)


def n_bytes(wanted: Sequence[PublicFile]) -> int | None:
    """Size of files [bytes], asking servers for what is not known; None if one does not say."""
    sizes = [file.n_bytes if file.n_bytes is not None else _size_at(file.url) for file in wanted]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def _public() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files("bindfe.campaign").joinpath("public_data.json").read_text("utf-8"))
    return found


def _data(name: str, entry: Mapping[str, Any]) -> Collection:
    return Collection(
        name=name,
        title=entry["title"],
        licence=entry["licence"],
        source=entry["source"],
        files=tuple(
            PublicFile(
                name=file["path"],
                url=file["url"],
                places=tuple(folder / file["path"] for folder in data_folders()),
                sha256=(file["sha256"],),
                n_bytes=file["bytes"],
            )
            for file in entry["files"]
        ),
    )


def _weights(name: str, pin: str) -> Collection:
    model = MODELS[name]
    return Collection(
        name=name,
        title=f"weights of {model.title}",
        licence=model.licence,
        source=model.source,
        pin=pin,
        files=tuple(
            PublicFile(
                name=file.name,
                url=file.url,
                places=tuple(folder / file.name for folder in folders(file.kept_in)),
                sha256=file.sha256,
                weights=file,
            )
            for file in model.files
        ),
    )


def _bring_file(file: PublicFile, wanted: Collection, *, to: Path | None, progress: bool) -> Path:
    target = file.places[-1] if to is None else to / file.name
    found = target if target.is_file() else file.found
    if found is not None:
        _check(found, file, wanted)
        if to is None or found == target:
            return found
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.unlink(missing_ok=True)
        if found is not None:
            shutil.copyfile(found, part)
        else:
            _download(file, part, wanted, to=to, progress=progress)
            _check_downloaded(part, file, wanted)
        part.replace(target)
    except OSError as error:
        raise StoreError(f"{target} cannot be written ({error.strerror}): choose a folder with --to") from error
    return target


def _check(path: Path, file: PublicFile, wanted: Collection) -> None:
    """Refuse a file that is not the published one; one that nobody can check is let through with a word."""
    if file.weights is not None and (wanted.pin or not file.weights.pickled):
        known = file.weights
        check_file(
            path,
            known=known.sha256,
            strict=known.all_checksums_known,
            title=wanted.title.removeprefix("weights of "),
            pin=wanted.pin,
            pickled=known.pickled,
        )
    elif not file.sha256:
        logger.warning(
            "%s: bindfe knows no checksum of it. It is a pickle, which can run code when it is opened: if you trust "
            "%s, name the model %s%s%s",
            file.name,
            file.url,
            wanted.name,
            _PIN,
            sha256_of(path),
        )
    elif sha256_of(path) not in file.sha256:
        raise MissingDependency(
            f"{path} is not {file.name} as {wanted.source} published it: its sha256 is {sha256_of(path)}, expected is "
            f"{' or '.join(file.sha256)}; delete it and fetch {wanted.name} again"
        )


def _check_downloaded(path: Path, file: PublicFile, wanted: Collection) -> None:
    try:
        _check(path, file, wanted)
    except MissingDependency as error:
        path.unlink()
        raise MissingDependency(
            f"what {file.url} gave is not {file.name}, and is not kept ({error}); try again later, or from elsewhere"
        ) from error


def _download(file: PublicFile, path: Path, wanted: Collection, *, to: Path | None, progress: bool) -> None:
    import pooch
    import requests

    try:
        downloader = pooch.HTTPDownloader(progressbar=progress, timeout=_SECONDS)
        pooch.get_logger().setLevel(logging.ERROR)  # it would ask to write the checksum of an unchecked file down
        pooch.retrieve(file.url, known_hash=None, fname=path.name, path=path.parent, downloader=downloader)
    except (requests.RequestException, ValueError) as error:
        path.unlink(missing_ok=True)
        target = file.places[-1] if to is None else to / file.name
        looked = " or ".join(map(str, file.places))
        raise MissingDependency(
            f"{file.name} is not at {looked}, and {file.url} cannot be fetched ({error}); on a machine without a "
            f"network, put it at {target} ({_identity(file)}){_others(file, wanted, to)}"
        ) from error


def _identity(file: PublicFile) -> str:
    """Size and checksum in words, so that a file that was carried over can be compared."""
    size = "of a size that is not known" if file.n_bytes is None else f"{file.n_bytes:,} bytes"
    return f"{size}, sha256 {' or '.join(file.sha256)}" if file.sha256 else f"{size}, with no known checksum"


def _others(file: PublicFile, wanted: Collection, to: Path | None) -> str:
    """What else of a collection is absent, a line each: one journey should do."""
    lines = (
        f"{each.url} at {each.places[-1] if to is None else to / each.name} ({_identity(each)})"
        for each in wanted.absent
        if each.name != file.name
    )
    return "".join(f"\nand {line}" for line in lines)


def _size_at(url: str) -> int | None:
    import requests

    try:
        answer = requests.head(url, allow_redirects=True, timeout=_SECONDS)
    except requests.RequestException:
        return None
    length = answer.headers.get("Content-Length")
    return int(length) if answer.ok and length else None
