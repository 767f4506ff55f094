"""The force field's samples of one run, taken for another that differs in its committee alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from bindfe.errors import StoreError
from bindfe.protocol import Protocol, parse_protocol, protocol_difference
from bindfe.results import PreparedLeg
from bindfe.states import LegKind
from bindfe.store import Run, read_record, write_record

UNSTAMPED = ""
"""Fingerprint of a leg that was taken and does not belong to its new calculation yet."""


def take_samples(run: Run, protocol: Protocol, source: Run) -> None:
    """Copy prepared legs and samples from another run; what is here already is kept.

    The committee drives nothing while legs are sampled, so a second one needs no second sampling.

    Args:
        run: The run that is beginning.
        protocol: Its protocol.
        source: A run of the same protocol with another section ``committee``.

    Raises:
        StoreError: The source is no run, differs in more than its committee, or has no frames of all atoms that
            switches in explicit solvent begin from.
    """
    if not source.protocol.exists():
        raise StoreError(f"{source.root}: not a run directory: it has no protocol.yaml to take samples of")
    theirs = parse_protocol(source.protocol.read_text(encoding="utf-8"), source=str(source.protocol))
    difference = protocol_difference(theirs, protocol.model_copy(update={"committee": theirs.committee}))
    if difference:
        raise StoreError(
            f"{source.root}: its samples are those of another calculation, of which only the committee may differ:\n"
            f"{difference}"
        )
    _check_frames(protocol, theirs, source)
    for leg in sorted(source.root.glob("*/*/prepared/leg.json")):
        _take_leg(run, source, name=leg.parents[2].name, kind=LegKind(leg.parents[1].name))


def _check_frames(protocol: Protocol, theirs: Protocol, source: Run) -> None:
    wanted = protocol.solvent.explicit and protocol.committee.correction == "switching"
    if wanted and theirs.committee.correction != "switching":
        raise StoreError(
            f"{source.root}: was sampled without committee.correction: switching, so it has no frames of all atoms to "
            "start switches from; leave out --samples-from"
        )


def _take_leg(run: Run, source: Run, *, name: str, kind: LegKind) -> None:
    """A leg appears whole or not at all: its copy is renamed when it is complete."""
    target = run.leg(name, kind)
    if target.exists():
        return
    partial: Path = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        shutil.copytree(source.leg(name, kind), partial, ignore=shutil.ignore_patterns(".lock"))
        ours, theirs = (each.ligand(name) / "inputs.json" for each in (run, source))
        if theirs.exists() and not ours.exists():  # the structures, against which the protocol's files are held
            shutil.copyfile(theirs, ours)
        record = partial / "prepared" / "leg.json"
        write_record(record, replace(read_record(record, PreparedLeg), fingerprint=UNSTAMPED))
        partial.rename(target)
    except OSError as error:
        raise StoreError(f"{run.root}: the samples of {source.root} cannot be copied here: {error}") from error


def stamp_leg(prepared: Path, *, fingerprint: str) -> None:
    """Say which calculation a leg that was taken belongs to now."""
    record = read_record(prepared / "leg.json", PreparedLeg)
    if record.fingerprint == UNSTAMPED:
        write_record(prepared / "leg.json", replace(record, fingerprint=fingerprint))
