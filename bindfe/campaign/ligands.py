"""The ligands of a run: read once, made ready, placed where they have no pose, and the same in every leg.

``bindfe run``, ``prepare`` and ``check`` read a series alike. The run directory keeps what is calculated
(``ligands.sdf``) and what was done, found and refused on the way (``ligands.json``).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bindfe.campaign.placing import (
    MadeLigands,
    SeriesRecord,
    Tell,
    note_of,
    place_all,
    place_in_pocket,
    read_reference,
)
from bindfe.campaign.posecounts import title_findings
from bindfe.chem.findings import EVERYTHING, Finding, failed, require, sentence
from bindfe.errors import InputError
from bindfe.protocol import Protocol
from bindfe.store import Run, checksum, read_record, write_record, write_text

if TYPE_CHECKING:
    from bindfe.chem.intake import Series
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.receptor import Receptor

__all__ = [
    "RunLigands",
    "coverage_findings",
    "place_in_pocket",
    "read_protocol_series",
    "read_reference",
    "run_ligands",
    "stored_ligands",
]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RunLigands:
    """The ligands of a run."""

    ligands: tuple[Ligand, ...]
    """Those that are calculated."""
    record: SeriesRecord
    """Where they are from and what was done."""

    @property
    def refused(self) -> dict[str, InputError]:
        """Why each ligand that cannot be used is left out: name -> error."""
        bad = [finding for finding in self.record.findings if finding.level == "fail"]
        return {
            name: InputError("\n".join(f"{name}: {sentence(finding)}" for finding in bad if finding.ligand == name))
            for name in dict.fromkeys(finding.ligand for finding in bad)
        }


def read_protocol_series(protocol: Protocol) -> Series:
    """A protocol's ligands, made ready as its section ``ligands`` says.

    Raises:
        InputError: The file cannot be read, or a name is not in it. What is wrong with one ligand is a finding.
        MissingDependency: A pH is given and Dimorphite-DL is not installed.
    """
    from bindfe.chem.intake import read_series

    settings = protocol.ligands
    return read_series(
        settings.file,
        ph=settings.ph,
        names=settings.names,
        stereo=settings.stereo,
        strip_salts=settings.salts == "strip",
        templates=settings.templates,
    )


def coverage_findings(protocol: Protocol, ligand: Ligand) -> tuple[Finding, ...]:
    """Whether the protocol's committee knows the ligand; empty if it does, or there is none."""
    from bindfe.mlip.catalogue import check_covers

    if protocol.committee.model == "none":
        return ()
    numbers = [atom.GetAtomicNum() for atom in ligand.mol.GetAtoms()]
    try:
        check_covers(protocol.committee.model, numbers, charge=ligand.formal_charge)
    except InputError as error:
        message, _, advice = str(error).rpartition(": ")
        return (failed("model-coverage", message, advice=advice, ligand=ligand.name),)
    return ()


def run_ligands(run: Run, protocol: Protocol, receptor: Receptor | None, *, tell: Tell | None = None) -> RunLigands:
    """The ligands of a run; they are read at the first call, and read back from the run directory later.

    A file to which ligands were added, or in which a refused one was mended, is read again; a ligand that the run
    directory has may not change.

    Args:
        run: The run directory.
        protocol: Its section ``ligands``.
        receptor: A host or a completed protein; None for hydration, which needs no pose.
        tell: Called with a few words on what was done.

    Raises:
        InputError: The file cannot be read at all, or a ligand is not the one that the run was begun with.
        MissingDependency: A pH is given and Dimorphite-DL is not installed.
    """
    digest, earlier = _digest(protocol), None
    if (run.root / "ligands.json").exists():
        earlier = stored_ligands(run)
        if (earlier.record.digest, earlier.record.names) == (digest, protocol.ligands.names):
            return earlier
    made = _make(protocol, receptor, tell or logger.debug)
    if earlier is not None:
        _refuse_changes(run, earlier.ligands, made.ligands)
    _keep(run, made, protocol, digest=digest)
    _say(made, tell or logger.info)
    return stored_ligands(run)


def stored_ligands(run: Run) -> RunLigands:
    """The ligands that a run directory keeps.

    Raises:
        StoreError: There is no ``ligands.json``, or it is damaged.
        InputError: ``ligands.sdf`` was changed after it was written.
    """
    from bindfe.chem.ligand import read_ligands

    path = run.root / "ligands.sdf"
    record = read_record(run.root / "ligands.json", SeriesRecord)
    if checksum(path) != record.checksums["ligands.sdf"]:
        raise InputError(f"{path}: was changed after it was made; restore it, or choose another directory")
    read = read_ligands(path) if record.ligands else ()
    ligands = tuple(replace(ligand, placed=note.placed) for ligand, note in zip(read, record.ligands, strict=True))
    return RunLigands(ligands=ligands, record=record)


def _digest(protocol: Protocol) -> str:
    files = [name for name in (protocol.ligands.file, protocol.ligands.reference) if name]
    missing = [name for name in files if not Path(name).is_file()]
    if missing:
        raise InputError(f"{missing[0]}: no such file")
    return hashlib.sha256(b"".join(Path(name).read_bytes() for name in files)).hexdigest()


def _make(protocol: Protocol, receptor: Receptor | None, tell: Tell) -> MadeLigands:
    series = read_protocol_series(protocol)
    findings = [*series.findings, *(f for ligand in series.ligands for f in coverage_findings(protocol, ligand))]
    require(title_findings(protocol, [*(ligand.name for ligand in series.ligands), *series.refused]))
    bad = {finding.ligand for finding in findings if finding.level == "fail"}
    wanted = tuple(ligand for ligand in series.ligands if ligand.name not in bad)
    changes: dict[str, tuple[str, ...]] = {}
    for change in series.changes:
        changes[change.ligand] = (*changes.get(change.ligand, ()), change.words)
    if receptor is None or all(ligand.placed for ligand in wanted):
        notes = tuple(note_of(ligand, changes.get(ligand.name, ()), None) for ligand in wanted)
        return MadeLigands(ligands=wanted, notes=notes, findings=tuple(findings), poses=(), reference=None)
    return place_all(protocol, receptor, wanted, changes, findings, tell)


def _refuse_changes(run: Run, before: Sequence[Ligand], now: Sequence[Ligand]) -> None:
    contents = {ligand.name: ligand.content() for ligand in now}
    for ligand in before:
        if contents.get(ligand.name, ligand.content()) != ligand.content():
            raise InputError(
                f"{ligand.source}: {ligand.name} is not the molecule, or not in the pose, that {run.root} was begun "
                "with; restore the ligands' file and the reference, or choose another directory with --out"
            )


def _keep(run: Run, made: MadeLigands, protocol: Protocol, *, digest: str) -> None:
    """Write the ligands, the poses that were made with their drawings, and what is to be known of them."""
    from bindfe.chem.ligand import write_ligands

    write_ligands(made.ligands, run.root / "ligands.sdf")
    if made.poses and made.reference is not None:
        from bindfe.chem.pose_draw import draw_poses, poses_as_sdf

        write_text(run.root / "poses.sdf", poses_as_sdf(made.poses))
        for name in dict.fromkeys(pose.ligand.name for pose in made.poses):
            modes = [pose for pose in made.poses if pose.ligand.name == name]
            write_text(run.ligand(name) / "placing.svg", draw_poses(modes, made.reference))
    record = SeriesRecord(
        source=protocol.ligands.file,
        digest=digest,
        names=protocol.ligands.names,
        checksums={"ligands.sdf": checksum(run.root / "ligands.sdf")},
        ligands=made.notes,
        findings=made.findings,
    )
    write_record(run.root / "ligands.json", record)


def _say(made: MadeLigands, tell: Tell) -> None:
    """Tell warnings once; a ligand that is refused is told with the failures."""
    for finding in made.findings:
        if finding.level == "warn":
            logger.warning("%s", finding)
    for note in made.notes:
        for words in note.changes:
            logger.info("%s: %s", note.name, words)
    refused = {finding.ligand for finding in made.findings if finding.level == "fail"} - {EVERYTHING}
    changed = sum(bool(note.changes) for note in made.notes)
    parts = [f"{len(made.notes)} ligands", f"{changed} changed" if changed else ""]
    tell(", ".join([*filter(None, parts), *([f"{len(refused)} refused"] if refused else [])]) + "; see ligands.json")
