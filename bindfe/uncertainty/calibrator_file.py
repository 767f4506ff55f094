"""A calibrator as a versioned, checksummed JSON file."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bindfe.errors import InputError, StoreError
from bindfe.store import from_plain, read_plain, to_plain, write_record
from bindfe.uncertainty.absolute import Anchor
from bindfe.uncertainty.kinds import FittedKind
from bindfe.uncertainty.shrink import RepeatPrior

if TYPE_CHECKING:
    from bindfe.uncertainty.calibrate import Calibrator

VERSION = 1
"""Version of the file's keys."""

SHIPPED = {"default": "openfe-2024.json", "absolute-prior": "absolute-prior.json"}
"""Names that may stand for a file."""

_CHOICES = ("layer", "assay_error", "committee_scale", "method", "chemistry")


def plain_calibrator(calibrator: Calibrator) -> dict[str, Any]:
    """Everything that a calibrator has learned and was told, as JSON types."""
    return {
        "version": VERSION,
        "quantity": calibrator.quantity_,
        "choices": {name: getattr(calibrator, name) for name in _CHOICES},
        "kinds": {name: to_plain(kind) for name, kind in calibrator.kinds_.items()},
        "anchors": {name: to_plain(anchor) for name, anchor in calibrator.anchors_.items()},
        "repeat_prior": to_plain(calibrator.repeat_prior_),
        "fitted_on": to_plain(calibrator.fitted_on_),
        "scores": to_plain(calibrator.scores_),
        "does_not_apply_to": list(calibrator.does_not_apply_to_),
    }


def save_calibrator(calibrator: Calibrator, path: Path) -> None:
    """Write a calibrator; the same calibrator gives the same bytes.

    Raises:
        InputError: Not fitted.
        StoreError: The file cannot be written.
    """
    if not calibrator.kinds_ and calibrator.quantity_ == "relative":
        raise InputError("the calibrator has not been fitted; call fit before saving")
    write_record(path, plain_calibrator(calibrator))


def read_calibrator(name: str) -> Calibrator:
    """Read a calibrator from a file, or a shipped one by name.

    Raises:
        InputError: No such file, or not a calibrator of this version.
    """
    shipped = SHIPPED.get(name)
    if shipped is not None:
        with resources.as_file(resources.files("bindfe.uncertainty").joinpath("data", shipped)) as path:
            return _read(path)
    path = Path(name)
    if not path.is_file():
        raise InputError(
            f"{name}: no such calibrator; give a file written by `bindfe calibrate fit`, or one of {', '.join(SHIPPED)}"
        )
    return _read(path)


def _read(path: Path) -> Calibrator:
    try:
        plain = read_plain(path)
    except StoreError as error:
        raise InputError(str(error).replace("; delete it and run again", "; fit it again")) from error
    if plain.get("version") != VERSION or "kinds" not in plain:
        raise InputError(f"{path}: not a calibrator of version {VERSION} (found {plain.get('version')}); fit it again")
    try:
        return _from_plain(plain)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{path}: not a calibrator that this version reads ({error}); fit it again") from error


def _from_plain(plain: dict[str, Any]) -> Calibrator:
    from bindfe.uncertainty.calibrate import Calibrator

    calibrator = Calibrator(**plain["choices"])
    calibrator.quantity_ = plain["quantity"]
    calibrator.kinds_ = {name: from_plain(kind, FittedKind) for name, kind in plain["kinds"].items()}
    calibrator.anchors_ = {name: from_plain(anchor, Anchor) for name, anchor in plain["anchors"].items()}
    calibrator.repeat_prior_ = from_plain(plain["repeat_prior"], RepeatPrior)
    calibrator.fitted_on_ = plain["fitted_on"]
    calibrator.proteins_ = tuple(plain["fitted_on"].get("proteins", ()))
    calibrator.scores_ = plain["scores"]
    calibrator.does_not_apply_to_ = tuple(plain["does_not_apply_to"])
    return calibrator
