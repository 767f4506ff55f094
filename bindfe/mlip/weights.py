"""Files of weights: where they lie, whether they are what they claim to be, and whether they may be opened.

A file of plain tensors is opened with torch's ``weights_only``, which runs nothing. A pickled model can run
anything, so it is opened only if its SHA-256 was given by whoever names it.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

from bindfe.errors import InputError, MissingDependency

logger = logging.getLogger(__name__)

_SHORTEST_PIN = 16  # hexadecimal digits: 64 bits


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightFile:
    """One published file of weights."""

    name: str
    """File name."""
    kept_in: str
    """Package whose cache it lies in: ``torchani``, ``aimnet`` or ``mace``."""
    sha256: tuple[str, ...]
    """Checksums that are known to be good."""
    url: str
    """Where it is published."""
    all_checksums_known: bool = True
    """Whether a file with another checksum is wrong; else it may be a version that bindfe has not seen."""
    pickled: bool = False
    """Whether opening it can run code."""


def folders(package: str) -> tuple[Path, ...]:
    """Where files of a package are looked for, in this order; they are only read."""
    home = Path.home()
    data = os.environ.get("BINDFE_DATA")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    if package == "torchani":
        shared, own = "torchani/StateDicts", Path(os.environ.get("TORCHANI_DATA_DIR") or home / ".local/share/Torchani")
        own = own / "StateDicts"
    elif package == "aimnet":
        shared, own = "aimnet2", Path(os.environ.get("AIMNET_CACHE_DIR") or home / ".cache" / "aimnet")
    else:
        shared, own = "mace", cache / "mace"
    return (*([Path(data, "models", shared)] if data else []), own)


def locate(file: WeightFile) -> Path | None:
    """Where a file lies on this machine, unread; None if it is absent."""
    return next((folder / file.name for folder in folders(file.kept_in) if (folder / file.name).is_file()), None)


def checked_file(file: WeightFile, *, title: str, pin: str = "") -> Path | None:
    """Where a file lies, if it is what it claims to be; None if it is absent.

    Args:
        file: The file.
        title: Name of the model in sentences.
        pin: Checksum, or its first 16 digits or more, that the user vouches for.

    Raises:
        MissingDependency: It is damaged, or it is another model's.
        InputError: It is pickled and nobody vouched for it.
    """
    path = locate(file)
    if path is not None:
        check_file(path, known=file.sha256, strict=file.all_checksums_known, title=title, pin=pin, pickled=file.pickled)
    return path


def required_file(file: WeightFile, *, title: str, pin: str = "") -> Path:
    """As :func:`checked_file`, for a file that must be there.

    Raises:
        MissingDependency: It is absent as well; the message says where it was looked for and where it comes from.
    """
    path = checked_file(file, title=title, pin=pin)
    if path is None:
        looked = " and ".join(str(folder / file.name) for folder in folders(file.kept_in))
        raise MissingDependency(
            f"the weights of {title} are not at {looked}; they are published at {file.url}: put {file.name} there, "
            "or set BINDFE_DATA to a directory whose models folder has them"
        )
    return path


def check_file(path: Path, *, known: tuple[str, ...], strict: bool, title: str, pin: str, pickled: bool) -> None:
    """Compare a file with the checksums that are known or vouched for.

    Args:
        path: The file.
        known: Checksums that are known to be good.
        strict: Whether another checksum is an error even where the file is whole.
        title: Name of the model in sentences.
        pin: Checksum that the user vouches for; empty: none.
        pickled: Whether opening the file can run code.

    Raises:
        MissingDependency: The checksum is wrong, or the file is damaged.
        InputError: It is pickled and nobody vouched for it, or the pin is not a checksum.
    """
    found = sha256_of(path)
    if pin:
        if not _is_pin(pin):
            raise InputError(
                f"'sha256={pin}' is not a checksum: {_SHORTEST_PIN} to 64 hexadecimal digits are needed; "
                f"that of {path} is {found}"
            )
        if not found.startswith(pin.lower()):
            raise MissingDependency(f"{path} is not the file that was meant: its sha256 is {found}, not {pin}")
        return
    if found in known:
        return
    if pickled:
        raise InputError(
            f"{path} is a pickled model: opening it can run any code that is in it, and bindfe does not know its "
            f"checksum. If you trust where it comes from, say so by adding #sha256={found}"
        )
    if strict:
        raise MissingDependency(
            f"{path} does not hold the weights of {title} that were published: its sha256 is {found}, expected is "
            f"{' or '.join(known)}; copy it again"
        )
    _check_whole(path, title=title, found=found, known=known)


def _is_pin(pin: str) -> bool:
    return _SHORTEST_PIN <= len(pin) <= 64 and all(digit in "0123456789abcdefABCDEF" for digit in pin)


def _check_whole(path: Path, *, title: str, found: str, known: tuple[str, ...]) -> None:
    """An unknown version is taken if its own check sums hold: torch's files are zip archives with CRC-32."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        broken = str(error)
    if broken is not None:
        raise MissingDependency(
            f"{path} does not hold the weights of {title}: it is damaged ({broken}), its sha256 is {found}, expected "
            f"is {' or '.join(known)}; delete it and fetch it again, or copy it again"
        )
    logger.warning("%s is a version of %s that bindfe was not tested with: its sha256 is %s", path, title, found)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal.

    Raises:
        InputError: It cannot be read.
    """
    try:
        stamp = path.stat()
        return _sha256(path, stamp.st_size, stamp.st_mtime_ns)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error})") from error


@functools.lru_cache(maxsize=64)
def _sha256(path: Path, _size: int, _modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
