"""Where public data lies on this machine: the user's own folder, then what ``bindfe fetch`` brought."""

from __future__ import annotations

import os
from pathlib import Path

from bindfe.errors import ProtocolError

_NAMED = "$BINDFE_DATA/"


def data_folders() -> tuple[Path, ...]:
    """Folders in which public data is looked for, in this order.

    ``$BINDFE_DATA`` is only read. The last one is where ``bindfe fetch`` puts files: ``data`` in ``BINDFE_CACHE``,
    or in ``~/.cache/bindfe``.
    """
    named = os.environ.get("BINDFE_DATA")
    return (*([Path(named)] if named else []), cache_folder() / "data")


def cache_folder() -> Path:
    """Where what can be made again is kept: ``BINDFE_CACHE``, or ``~/.cache/bindfe``; it may be deleted at any time."""
    return Path(os.environ.get("BINDFE_CACHE") or Path.home() / ".cache" / "bindfe")


def input_path(text: str, directory: Path) -> Path:
    """The file that a protocol names, absolute.

    Args:
        text: A path, or ``$BINDFE_DATA/`` and the rest of one for a public file.
        directory: What a relative path is relative to.

    Raises:
        ProtocolError: A public file is in none of the folders; the message names them and what to do.
    """
    if not text.startswith(_NAMED):
        return (directory / text).resolve()
    places = [folder / text.removeprefix(_NAMED) for folder in data_folders()]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise ProtocolError(
            f"{text} is not at {' or '.join(map(str, places))}: `bindfe fetch --list` says what can be fetched, and "
            "`bindfe fetch NAME` brings it"
        )
    return found.resolve()
