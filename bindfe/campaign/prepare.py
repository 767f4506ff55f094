"""Every leg of a series as files, without sampling: in parallel, resumable, with what each cost."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bindfe.campaign.execute import Failure, Tick, locked, run_jobs
from bindfe.campaign.ligands import run_ligands, stored_ligands
from bindfe.campaign.pipeline import Stage, open_run, prepare_ligand, prepare_run, protocol_of
from bindfe.campaign.receptor import completed_receptor
from bindfe.errors import BindfeError, InputError
from bindfe.protocol import Protocol, dump_protocol, load_protocol, parse_protocol
from bindfe.results import PreparedLeg
from bindfe.states import LegKind
from bindfe.store import Run, read_record, write_record, write_text

if TYPE_CHECKING:
    from bindfe.build.legfiles import Environment
    from bindfe.campaign.catalysts import PreparedCatalyst

_MINIMISE = 20
"""Steps of the minimisation that shows that a leg's coordinates can be relaxed; the files keep those given."""

_ENDS: dict[LegKind, Environment] = {LegKind.COMPLEX: "bound", LegKind.SOLVENT: "free"}
"""Interacting ends that are minimised as plain Systems: alchemical implicit solvent is many times slower."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preparation:
    """What preparing one leg took."""

    ligand: str
    """Name of the ligand, or of the edge."""
    kind: LegKind
    """Which leg."""
    n_atoms: int
    """Atoms of its System."""
    seconds: float
    """Time of building it [s]; NaN if a call was interrupted between that and this record."""
    cached: bool | None
    """Whether the ligand's parameters were on disk; None for an edge and for a model."""
    energy: float
    """Energy of its interacting end after 20 steps of minimisation [kJ/mol]."""
    kept: bool = False
    """Whether an earlier call had built it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrepareResult:
    """Legs on disk."""

    directory: Path
    """The run directory, from which ``bindfe run`` goes on."""
    legs: tuple[Preparation, ...]
    """Each leg that is there, in the order of the ligands."""
    failures: dict[str, BindfeError]
    """Why a ligand has none: name -> error."""
    catalysts: tuple[PreparedCatalyst, ...] | None = None
    """Metal complexes instead of legs, in the order of their file; None where legs were asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """One ligand's legs."""

    ligand: str

    def __str__(self) -> str:
        return f"{self.ligand}, preparation"


def prepare(
    protocol: Protocol | str | Path,
    *,
    directory: str | Path | None = None,
    receptor: str | Path | None = None,
    ligands: str | Path | None = None,
    reference: str | Path | None = None,
    jobs: int = 0,
    stage: Stage | None = None,
    tick: Callable[[Run], Tick] | None = None,
) -> PrepareResult:
    """Build the legs of every ligand; what is there whole is kept, and one that fails does not stop the others.

    Args:
        protocol: A protocol, or the path of its file.
        directory: Run directory; that of the protocol, or ``runs/NAME``, if None.
        receptor: Structure file to use instead of the protocol's.
        ligands: Ligand file to use instead of the protocol's.
        reference: A crystal ligand instead of the protocol's; ligands without a pose are placed on it.
        jobs: Ligands at a time; 0: one for each core.
        stage: Called with a few words when a stage begins.
        tick: Makes, for a run, a function that is called about twice a second meanwhile.

    Raises:
        BindfeError: Bad input, a run directory of another protocol, or a receptor that cannot be used.
    """
    settings = protocol if isinstance(protocol, Protocol) else load_protocol(protocol)
    settings = _with_files(settings, receptor, ligands, reference)
    run = Run(root=Path(directory or settings.output.directory or Path("runs") / settings.name).absolute())
    busy = f"{run.root}: another bindfe is working in this directory; wait until it has ended"
    with locked(run.root / ".lock", busy=busy, patience=5.0):
        settings = open_run(run, settings)
        result = _prepare(run, settings, jobs, stage or (lambda words: None), tick(run) if tick else None)
        if settings.catalysts is None:
            write_text(run.root / "prepared.csv", preparation_csv(result.legs))
        return result


def _prepare(run: Run, protocol: Protocol, jobs: int, tell: Stage, tick: Tick | None) -> PrepareResult:
    tell("reading the structures")
    if protocol.catalysts is not None:
        return _catalysts(run, protocol, jobs, tell, tick)
    if protocol.analytic is not None or protocol.relative:
        return _in_one_go(run, protocol, tell)
    return _series(run, protocol, jobs, tell, tick)


def preparation_csv(legs: tuple[Preparation, ...]) -> str:
    """``prepared.csv``: one row a leg, units in the column names; what is not known is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("ligand", "leg", "atoms", "seconds", "parameters", "minimised_kj_mol"))
    for leg in legs:
        seconds = "" if math.isnan(leg.seconds) else f"{leg.seconds:.2f}"
        writer.writerow((leg.ligand, leg.kind.value, leg.n_atoms, seconds, parameters_of(leg), f"{leg.energy:.1f}"))
    return text.getvalue()


def parameters_of(leg: Preparation) -> str:
    """Where a leg's parameters came from: ``cached``, ``new``, or nothing where that is not known."""
    return "" if leg.cached is None else "cached" if leg.cached else "new"


def _catalysts(run: Run, protocol: Protocol, jobs: int, tell: Stage, tick: Tick | None) -> PrepareResult:
    from bindfe.campaign.catalysts import prepare_catalysts

    tell("building the complexes")
    found, failures = prepare_catalysts(run, protocol, jobs=jobs, tick=tick)
    return PrepareResult(directory=run.root, legs=(), failures=failures, catalysts=found)


_OF_OTHERS: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("receptor", "file"): {"name": ""},
    ("ligands", "file"): {"names": (), "measured": ""},
}
"""What a protocol says of its own file alone, and nothing of another one."""


def _with_files(
    protocol: Protocol,
    receptor: str | Path | None,
    ligands: str | Path | None,
    reference: str | Path | None,
) -> Protocol:
    """The protocol with other input files, absolute; checked again, as a receptor changes what is asked for."""
    named = {("receptor", "file"): receptor, ("ligands", "file"): ligands, ("ligands", "reference"): reference}
    updates: dict[str, Any] = {}
    for (section, key), file in named.items():
        if file is not None:
            if not Path(file).is_file():
                raise InputError(f"{file}: no such file; check --{key if key == 'reference' else section}")
            before = updates.get(section, getattr(protocol, section))
            others = _OF_OTHERS.get((section, key), {})
            updates[section] = before.model_copy(update={key: str(Path(file).resolve()), **others})
    return parse_protocol(dump_protocol(protocol.model_copy(update=updates))) if updates else protocol


def _in_one_go(run: Run, protocol: Protocol, tell: Stage) -> PrepareResult:
    """A model, or the edges of a network, one after the other."""
    tell("preparing the legs")
    earlier = {path.parents[2].name for path in run.root.glob("*/*/prepared/preparation.json")}

    def built(name: str, kind: LegKind, seconds: float) -> None:
        _note(run, protocol, name, kind, seconds=seconds, cached=None)

    names, failures = prepare_run(run, protocol, tell=tell, built=built)
    for name in names:
        _note_rest(run, protocol, name, cached=None)
    return PrepareResult(
        directory=run.root,
        legs=_stored(run, protocol, names, earlier=frozenset(earlier)),
        failures=failures,
    )


def _series(run: Run, protocol: Protocol, jobs: int, tell: Stage, tick: Tick | None) -> PrepareResult:
    if not protocol.hydration:
        tell("completing the receptor")
    receptor = completed_receptor(run, protocol)
    series = run_ligands(run, protocol, receptor, tell=tell)
    names = tuple(ligand.name for ligand in series.ligands)
    earlier = frozenset(name for name in names if _is_whole(run, protocol, name))
    wanted = tuple(_Job(ligand=name) for name in names if name not in earlier)
    if wanted and receptor is not None and protocol.membrane is not None:
        from bindfe.build.bilayer import grow_bilayer

        tell("growing the bilayer")
        grow_bilayer(receptor, protocol)
    tell("preparing the legs")
    compute = protocol.compute.model_copy(update={"workers": jobs or protocol.compute.workers})
    failed = run_jobs(_attempt, run, wanted, compute, tick=tick) if wanted else ()
    failures = {**series.refused, **{failure.task.ligand: failure.error for failure in failed}}
    ready = tuple(name for name in names if name not in failures)
    return PrepareResult(directory=run.root, legs=_stored(run, protocol, ready, earlier=earlier), failures=failures)


def _is_whole(run: Run, protocol: Protocol, name: str) -> bool:
    return all((run.prepared(name, kind) / "preparation.json").exists() for kind in protocol.leg_kinds)


def _stored(
    run: Run, protocol: Protocol, names: tuple[str, ...], *, earlier: frozenset[str]
) -> tuple[Preparation, ...]:
    records = (
        read_record(run.prepared(name, kind) / "preparation.json", Preparation)
        for name in names
        for kind in protocol.leg_kinds
    )
    return tuple(replace(record, kept=record.ligand in earlier) for record in records)


def _attempt(run: Run, job: _Job) -> Failure | None:
    """Prepare one ligand; an error that a user can read comes back as a record."""
    try:
        _prepare_one(run, job.ligand)
    except BindfeError as error:
        return Failure(task=job, error=error)
    return None


def _prepare_one(run: Run, name: str) -> None:
    from bindfe.build.smallmolecule import is_cached, molecule_key, molecule_of

    protocol = protocol_of(run)
    (ligand,) = (each for each in stored_ligands(run).ligands if each.name == name)
    receptor = completed_receptor(run, protocol)
    cached = is_cached(molecule_key(molecule_of(ligand), protocol))

    def built(kind: LegKind, seconds: float) -> None:
        _note(run, protocol, name, kind, seconds=seconds, cached=cached)

    prepare_ligand(run, protocol, receptor, ligand, built=built)
    _note_rest(run, protocol, name, cached=cached)


def _note_rest(run: Run, protocol: Protocol, name: str, *, cached: bool | None) -> None:
    """Note the legs that are there without a note: an earlier call was interrupted in between."""
    for kind in protocol.leg_kinds:
        if not (run.prepared(name, kind) / "preparation.json").exists():
            _note(run, protocol, name, kind, seconds=math.nan, cached=cached)


def _note(run: Run, protocol: Protocol, name: str, kind: LegKind, *, seconds: float, cached: bool | None) -> None:
    """Write what a leg took; its presence says that the leg is whole and can be relaxed."""
    directory = run.prepared(name, kind)
    record = read_record(directory / "leg.json", PreparedLeg)
    note = Preparation(
        ligand=name,
        kind=kind,
        n_atoms=record.n_atoms,
        seconds=seconds,
        cached=cached,
        energy=_minimised(directory, record, protocol),
    )
    write_record(directory / "preparation.json", note)


def _minimised(directory: Path, record: PreparedLeg, protocol: Protocol) -> float:
    """Energy of a leg's start state after a short minimisation [kJ/mol], from its files."""
    from bindfe.build.legfiles import load_leg, load_plain_start
    from bindfe.sample.relax import relax

    end = _ENDS.get(record.kind) if protocol.analytic is None else None
    if end is None:
        leg = load_leg(directory)
        system, positions, box = leg.system, leg.positions, leg.box
    else:
        system, positions, box = load_plain_start(directory, end)
    return relax(
        system,
        positions,
        box,
        what=f"{record.ligand}/{record.kind.value}",
        compute=protocol.compute,
        steps=_MINIMISE,
        parameters=record.parameters[record.start_state] if end is None else None,
    ).energy
