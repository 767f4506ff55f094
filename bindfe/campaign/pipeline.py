"""One calculation from protocol to report, continued from wherever it stopped."""

from __future__ import annotations

import hashlib
import logging
import platform as machine
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bindfe.campaign.analysis import absolute_calibrator, estimate_run, force_field_prediction, measured_values
from bindfe.campaign.execute import Tick, count_workers, locked, run_tasks
from bindfe.campaign.memory import check_memory
from bindfe.campaign.plan import plan_tasks, task_seed
from bindfe.campaign.potential import apply_committee
from bindfe.campaign.reuse import stamp_leg, take_samples
from bindfe.errors import BindfeError, InputError, ProtocolError, StoreError
from bindfe.protocol import Protocol, dump_protocol, load_protocol, parse_protocol, protocol_difference
from bindfe.results import Affinity, BindingEstimate, Prediction, PreparedLeg
from bindfe.states import LegKind
from bindfe.store import Run, read_plain, read_record, write_record, write_text

if TYPE_CHECKING:
    from bindfe.build.leg import Watch
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.receptor import Receptor

logger = logging.getLogger(__name__)

ANALYTIC_LIGAND = "particle"
"""Name of the ligand of a protocol with the section ``analytic``."""

_PACKAGES = ("bindfe", "openmm", "openmmtools", "pymbar", "rdkit", "numpy", "scipy", "torch", "torchani", "openmmml")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunResult:
    """What a calculation leaves behind."""

    directory: Path
    """The run directory."""
    predictions: tuple[Prediction, ...]
    """One for each ligand that has a number."""
    failures: dict[str, BindfeError]
    """Why a ligand has none: name -> error."""
    force_field: dict[str, Prediction]
    """The prediction before a correction to a learned potential, by ligand; ligands without one are not in it."""
    measured: dict[str, Affinity]
    """Measured values, by ligand, of those that have one."""


Stage = Callable[[str], None]
"""Called with a few words when a stage begins."""


def run(
    protocol: Protocol | str | Path,
    *,
    directory: str | Path | None = None,
    samples_from: str | Path | None = None,
    stage: Stage | None = None,
    tick: Callable[[Run], Tick] | None = None,
) -> RunResult:
    """Calculate what a protocol asks for, or continue where an earlier call stopped.

    Args:
        protocol: A protocol, or the path of its file.
        directory: Run directory; ``output.directory`` of the protocol, or ``runs/NAME``, if None.
        samples_from: Another run directory, of a protocol that differs in its committee alone: its samples of the
            force field are copied and not made again.
        stage: Called with a few words when a stage begins.
        tick: Makes, for a run, a function that is called about twice a second while sampling goes on.

    Returns:
        A prediction for each ligand, and the reason for each that has none.

    Raises:
        BindfeError: Bad input, a run directory of another protocol, or every ligand failed.
    """
    tell = stage or logger.info
    settings = protocol if isinstance(protocol, Protocol) else load_protocol(protocol)
    if settings.catalysts is not None:
        raise ProtocolError(
            f"{settings.name}: the section 'catalysts' asks for complexes as files, and no free energy is calculated "
            "of them: `bindfe prepare` builds them"
        )
    run_directory = Run(root=Path(directory or settings.output.directory or Path("runs") / settings.name).absolute())
    busy = f"{run_directory.root}: another bindfe is working in this directory; wait until it has ended"
    with locked(run_directory.root / ".lock", busy=busy, patience=5.0):
        settings = open_run(run_directory, settings)
        if samples_from is not None:
            take_samples(run_directory, settings, Run(root=Path(samples_from).absolute()))
        return _all_stages(run_directory, settings, tell, tick(run_directory) if tick else None)


def _all_stages(run_directory: Run, protocol: Protocol, tell: Stage, tick: Tick | None) -> RunResult:
    if protocol.calibration.file is not None:
        absolute_calibrator(protocol.calibration.file)  # a wrong one is told before anything runs
    tell("preparing the legs")
    names, failures = prepare_run(run_directory, protocol, tell=tell)
    tell("sampling")
    tasks = plan_tasks(protocol, names)
    legs = [read_record(run_directory.prepared(task.ligand, task.kind) / "leg.json", PreparedLeg) for task in tasks]
    check_memory(protocol, tuple(legs), workers=min(len(tasks), count_workers(protocol.compute)))
    for failure in run_tasks(run_directory, tasks, protocol, tick=tick):
        failures.setdefault(failure.task.ligand, failure.error)
    finished = tuple(name for name in names if name not in failures)
    if protocol.committee.model != "none":
        tell("evaluating the committee")
        failures |= apply_committee(run_directory, protocol, finished, tick=tick)
        finished = tuple(name for name in finished if name not in failures)
    tell("estimating")
    predictions, failures = estimate_run(run_directory, protocol, finished, failures)
    if protocol.output.report:
        tell("writing the report")
        from bindfe.campaign.material import write_run_report

        write_run_report(run_directory)
    if not predictions:  # of those that could be prepared rather than of one that could not be read
        raise next((failures[name] for name in names if name in failures), next(iter(failures.values())))
    return _result(run_directory, protocol, predictions, failures)


def _result(
    run: Run, protocol: Protocol, predictions: tuple[Prediction, ...], failures: dict[str, BindfeError]
) -> RunResult:
    bindings = [read_record(run.ligand(each.name) / "binding.json", BindingEstimate) for each in predictions]
    before = {binding.ligand: force_field_prediction(run, protocol, binding) for binding in bindings}
    return RunResult(
        directory=run.root,
        predictions=predictions,
        failures=failures,
        force_field={name: prediction for name, prediction in before.items() if prediction is not None},
        measured=measured_values(protocol),
    )


def open_run(run: Run, protocol: Protocol) -> Protocol:
    """Begin a run directory, or check that an existing one is of this protocol.

    Returns:
        The protocol to go on with: as given, but never shorter than what the directory already has.

    Raises:
        StoreError: The directory holds something else, or a run of another protocol (with the difference).
    """
    if run.protocol.exists():
        protocol = _continue(run, protocol)
    elif run.root.exists() and any(entry.name != ".lock" for entry in run.root.iterdir()):
        raise StoreError(f"{run.root}: not empty and not a run directory; choose another with --out")
    write_text(run.protocol, dump_protocol(protocol))
    if not run.manifest.exists():
        write_record(run.manifest, {"started": _now(), "versions": versions(), "machine": machine.platform()})
    return protocol


def _continue(run: Run, protocol: Protocol) -> Protocol:
    before = parse_protocol(run.protocol.read_text(encoding="utf-8"), source=str(run.protocol))
    difference = protocol_difference(before, protocol)
    if difference:
        raise StoreError(
            f"{run.root}: holds a run of another protocol:\n{difference}\n"
            "choose another directory with --out, or restore these settings"
        )
    _warn_of_versions(run)
    if before.sampling.length > protocol.sampling.length:
        sampling = protocol.sampling.model_copy(update={"length": before.sampling.length})
        protocol = protocol.model_copy(update={"sampling": sampling})
    return protocol


def _warn_of_versions(run: Run) -> None:
    before, now = read_plain(run.manifest).get("versions", {}), versions()
    changed = [f"{name} {before[name]} -> {now.get(name)}" for name in before if before[name] != now.get(name)]
    if changed:
        logger.warning("%s: continued with other versions: %s", run.root, ", ".join(changed))


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that make the numbers."""
    found = {"python": machine.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def prepare_run(
    run: Run,
    protocol: Protocol,
    *,
    tell: Stage | None = None,
    built: Callable[[str, LegKind, float], None] | None = None,
) -> tuple[tuple[str, ...], dict[str, BindfeError]]:
    """Prepare every leg of every ligand; legs that are there already are kept.

    Args:
        run: The run directory.
        protocol: Its protocol.
        tell: Called with a few words on what was done to the ligands.
        built: Called with the name of each ligand or edge and the leg that was built, and the seconds that it took.

    Returns:
        Names of the ligands whose legs are ready, and why the others are not.

    Raises:
        InputError: The receptor or the ligand file cannot be used at all.
    """
    if protocol.analytic is not None:
        from bindfe.build.analytic import prepare_analytic_leg

        directory = run.prepared(ANALYTIC_LIGAND, protocol.leg_kinds[0])
        if not (directory / "leg.json").exists():
            began = time.perf_counter()
            prepare_analytic_leg(protocol, directory)
            if built is not None:
                built(ANALYTIC_LIGAND, protocol.leg_kinds[0], time.perf_counter() - began)
        return (ANALYTIC_LIGAND,), {}
    from bindfe.campaign.ligands import run_ligands
    from bindfe.campaign.receptor import completed_receptor

    measured_values(protocol)  # only the report needs them, at the end: a typo is told now
    receptor = completed_receptor(run, protocol)
    if protocol.relative and receptor is not None:
        from bindfe.campaign.edges import prepare_edges

        return prepare_edges(run, protocol, receptor, run_ligands(run, protocol, receptor, tell=tell), built=built)
    series = run_ligands(run, protocol, receptor, tell=tell)
    ready: list[str] = []
    failures: dict[str, BindfeError] = dict(series.refused)
    for ligand in series.ligands:
        try:
            prepare_ligand(run, protocol, receptor, ligand, built=built and partial(built, ligand.name))
        except BindfeError as error:
            failures[ligand.name] = error
        else:
            ready.append(ligand.name)
    if not ready:
        raise next(iter(failures.values()))
    return tuple(ready), failures


def prepare_ligand(
    run: Run,
    protocol: Protocol,
    receptor: Receptor | None,
    ligand: Ligand,
    *,
    built: Callable[[LegKind, float], None] | None = None,
) -> None:
    """Prepare the legs of one ligand; those that are there already are kept.

    Args:
        run: The run directory.
        protocol: Its protocol.
        receptor: A host or a completed protein; None for hydration.
        ligand: The ligand.
        built: Called with each leg that was built, and the seconds that it took.

    Raises:
        BindfeError: A leg cannot be built.
    """
    inputs = {} if receptor is None else {"receptor": receptor.content()}
    inputs["ligand"] = ligand.content()
    check_inputs(run, ligand.name, inputs)
    fingerprint = protocol.fingerprint(*inputs.values())
    for kind in reversed(protocol.leg_kinds):  # small ones first: what is wrong with the ligand or its box costs little
        directory = run.prepared(ligand.name, kind)
        if not (directory / "leg.json").exists():
            from bindfe.build.leg import prepare_leg

            began = time.perf_counter()
            watch = _watch(protocol, ligand.name)
            prepare_leg(receptor, ligand, kind, protocol, directory, fingerprint=fingerprint, watch=watch)
            if built is not None:
                built(kind, time.perf_counter() - began)
        stamp_leg(directory, fingerprint=fingerprint)
    depiction = run.ligand(ligand.name) / "depiction.svg"
    if not depiction.exists():
        from bindfe.chem.depiction import depict

        write_text(depiction, depict(ligand))
    pose = run.ligand(ligand.name) / "pose.svg"
    if receptor is not None and not pose.exists():
        from bindfe.chem.draw_site import draw_site

        write_text(pose, draw_site(ligand, receptor))


def _watch(protocol: Protocol, name: str) -> Watch:
    """A short run of a complex, seeded by the ligand's name."""
    from bindfe.sample.watch import watch_system

    return lambda plain: watch_system(plain, protocol, seed=task_seed(protocol, name, LegKind.COMPLEX, 0))


def check_inputs(run: Run, name: str, inputs: Mapping[str, bytes]) -> None:
    """Remember the structures that a ligand's legs were made of; refuse others later."""
    path = run.ligand(name) / "inputs.json"
    digests = {what: hashlib.sha256(content).hexdigest() for what, content in inputs.items()}
    if not path.exists():
        write_record(path, digests)
        return
    for what, digest in read_plain(path).items():
        if digest != digests[what]:
            raise InputError(
                f"{name}: the {what}'s structure is not the one that {run.root} was begun with; "
                "restore the file, or choose another directory with --out"
            )


def ligands_of(run: Run) -> tuple[str, ...]:
    """Names of the ligands that a run directory has prepared legs of."""
    return tuple(sorted({path.parents[2].name for path in run.root.glob("*/*/prepared/leg.json")}))


def protocol_of(run: Run) -> Protocol:
    """The resolved protocol of a run directory.

    Raises:
        StoreError: There is none.
    """
    if not run.protocol.exists():
        raise StoreError(f"{run.root}: not a run directory: it has no protocol.yaml")
    return parse_protocol(run.protocol.read_text(encoding="utf-8"), source=str(run.protocol))


def extend(directory: str | Path, *, length: float, **display: Any) -> RunResult:
    """Lengthen a finished calculation; everything stored is kept.

    Args:
        directory: The run directory.
        length: New length of each replica [ps], in all.
        display: ``stage`` and ``tick`` as in :func:`run`.

    Raises:
        InputError: The run is at least as long already.
    """
    run_directory = Run(root=Path(directory).absolute())
    protocol = protocol_of(run_directory)
    if length <= protocol.sampling.length:
        raise InputError(
            f"{directory}: has {protocol.sampling.length:g} ps a replica already; give a longer --to than that"
        )
    sampling = protocol.sampling.model_copy(update={"length": length})
    return run(protocol.model_copy(update={"sampling": sampling}), directory=run_directory.root, **display)


def reestimate(directory: str | Path) -> RunResult:
    """Estimate again from stored samples, and write the answers; no simulation.

    Raises:
        StoreError: Not a run directory, or damaged files.
        BindfeError: No ligand can be estimated.
    """
    run_directory = Run(root=Path(directory).absolute())
    protocol = protocol_of(run_directory)
    predictions, failures = estimate_run(run_directory, protocol, ligands_of(run_directory), {})
    if not predictions:
        raise next(iter(failures.values()), StoreError(f"{directory}: no ligand has been prepared yet"))
    return _result(run_directory, protocol, predictions, failures)
