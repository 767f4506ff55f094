"""The receptor of a run: a protein is completed once, kept in the run directory, and the same in every leg."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bindfe.chem.findings import Finding
from bindfe.errors import InputError
from bindfe.protocol import Protocol
from bindfe.store import Run, checksum, read_record, write_record, write_text

if TYPE_CHECKING:
    from bindfe.chem.receptor import Receptor

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class CompletedReceptor:
    """What ``receptor.json`` says of ``receptor.cif``."""

    source: str
    """File that it was made of."""
    digest: str
    """SHA-256 of that file's content, cofactors included."""
    checksums: Mapping[str, str]
    """SHA-256 of ``receptor.cif``."""
    findings: tuple[Finding, ...]
    """Every change and every choice."""


def completed_receptor(run: Run, protocol: Protocol) -> Receptor | None:
    """Read a run's receptor; a protein is completed at the first call and read back later.

    Returns:
        A host, a completed protein, or None where the protocol asks for hydration.

    Raises:
        InputError: The file cannot be used, or is not the one that the run was begun with.
        MissingDependency: A protein needs a package that is not installed.
    """
    from bindfe.chem.receptor import read_receptor

    if protocol.hydration:
        return None
    settings = protocol.receptor
    receptor = read_receptor(
        settings.file, name=settings.name, cofactors=settings.cofactors, templates=settings.templates
    )
    if receptor.kind == "host":
        return receptor
    digest = hashlib.sha256(receptor.content()).hexdigest()
    if not (run.root / "receptor.json").exists():
        return _complete(run, protocol, receptor, digest)
    record = completed_record(run)
    if record.digest != digest:
        raise InputError(
            f"{settings.file}: is not the structure that {run.root} was begun with; restore the file, or choose "
            "another directory with --out"
        )
    text = (run.root / "receptor.cif").read_text(encoding="utf-8")
    return replace(receptor, pdb=text, prepared=True, read_as=receptor.pdb)


def completed_record(run: Run) -> CompletedReceptor:
    """What was done to a run's protein.

    Raises:
        StoreError: There is no ``receptor.json``, or ``receptor.cif`` is not the file that it describes.
        InputError: ``receptor.cif`` was changed.
    """
    record = read_record(run.root / "receptor.json", CompletedReceptor)
    if checksum(run.root / "receptor.cif") != record.checksums["receptor.cif"]:
        raise InputError(
            f"{run.root / 'receptor.cif'}: was changed after it was made; restore it, or choose another directory"
        )
    return record


def _complete(run: Run, protocol: Protocol, receptor: Receptor, digest: str) -> Receptor:
    from bindfe.build.protein import prepare_receptor

    done = prepare_receptor(receptor, protocol)
    for finding in done.findings:
        logger.log(logging.INFO if finding.level == "pass" else logging.WARNING, "%s", finding)
    write_text(run.root / "receptor.cif", done.receptor.pdb)
    record = CompletedReceptor(
        source=receptor.source,
        digest=digest,
        checksums={"receptor.cif": checksum(run.root / "receptor.cif")},
        findings=done.findings,
    )
    write_record(run.root / "receptor.json", record)
    return done.receptor
