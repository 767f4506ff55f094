"""A run directory gathered into the records that its page shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from bindfe.campaign.analysis import force_field_prediction, measured_values, predict_ligand
from bindfe.campaign.domain import stored_atoms
from bindfe.campaign.origins import ROOM_FOR_DRAWINGS, origin_of, receptor_remarks, series_record
from bindfe.campaign.plan import plan_tasks
from bindfe.campaign.potential import committee_reports
from bindfe.campaign.roads import path_progress
from bindfe.errors import StoreError
from bindfe.protocol import Protocol, parse_protocol
from bindfe.report.material import Failure, LigandMaterial, ReportMaterial, Timing
from bindfe.report.page import write_report
from bindfe.report.summary import summarise
from bindfe.results import Affinity, BindingEstimate, LegEstimate, PathResult, PreparedLeg
from bindfe.sample.exchange import chunk_paths
from bindfe.store import Run, checksum, read_arrays, read_plain, read_record, read_records


def write_run_report(run: Run) -> Path:
    """Write ``report.html`` and the PNG figures of a run from what is stored.

    Raises:
        StoreError: The run has no ``prediction.json`` yet, or a file is damaged.
    """
    write_report(load_material(run), path=run.report, figures=run.figures)
    return run.report


def load_material(run: Run) -> ReportMaterial:
    """Everything of a run that its page shows.

    Raises:
        StoreError: The run has no ``prediction.json`` yet, or a file is damaged.
    """
    if not run.prediction.exists():
        raise StoreError(f"{run.root}: nothing is estimated yet; `bindfe run` or `bindfe estimate` does it")
    text = run.protocol.read_text(encoding="utf-8")
    protocol = parse_protocol(text, source=str(run.protocol))
    entries = read_plain(run.prediction)["predictions"]
    measured, series = measured_values(protocol), series_record(run)
    room = ROOM_FOR_DRAWINGS // max(1, len(entries))
    return ReportMaterial(
        name=protocol.name,
        protocol_yaml=text,
        summary=summarise(protocol),
        ligands=tuple(
            replace(
                _ligand(run, protocol, _name(entry), measured),
                origin=origin_of(run, protocol, _name(entry), series, room=room),
            )
            for entry in entries
            if entry["status"] == "ok"
        ),
        failures=tuple(
            Failure(ligand=_name(entry), reason=entry["reason"], message=entry["message"])
            for entry in entries
            if entry["status"] != "ok"
        ),
        unconverged=tuple(
            path
            for entry in entries
            if entry["status"] != "ok" and (path := _path_result(run, protocol, _name(entry))) is not None
        ),
        hydration=protocol.hydration,
        receptor=receptor_remarks(run),
        coverages=protocol.estimator.coverage,
        minimum_overlap=protocol.estimator.minimum_overlap,
        provenance=_provenance(run, protocol, tuple(_name(entry) for entry in entries)),
    )


def _name(entry: dict[str, Any]) -> str:
    """Folder of an entry; files of older versions have no pairs and name the ligand alone."""
    return str(entry.get("name") or entry["ligand"])


def _ligand(run: Run, protocol: Protocol, name: str, measured: dict[str, Affinity]) -> LigandMaterial:
    directory = run.ligand(name)
    binding = read_record(directory / "binding.json", BindingEstimate)
    depiction = directory / "depiction.svg"
    return LigandMaterial(
        prediction=predict_ligand(run, protocol, binding),
        binding=binding,
        force_field=force_field_prediction(run, protocol, binding),
        legs=read_records(directory / "estimate.json", LegEstimate),
        path=_path_result(run, protocol, name),
        committee=committee_reports(run, protocol, name),
        atoms=stored_atoms(run, name),
        depiction_svg=depiction.read_text(encoding="utf-8") if depiction.exists() else "",
        measured=measured.get(name),
        exact_kcal_mol=_exact(protocol),
        timings=_timings(run, protocol, name),
    )


def _path_result(run: Run, protocol: Protocol, name: str) -> PathResult | None:
    """What was seen along a ligand's path; None for alchemy, or where nothing was."""
    path = run.ligand(name) / "path.json"
    return read_record(path, PathResult) if protocol.road != "alchemy" and path.exists() else None


def _exact(protocol: Protocol) -> float | None:
    if protocol.analytic is None:
        return None
    from bindfe.build.analytic import analytic_delta_g

    return analytic_delta_g(protocol)


def _timings(run: Run, protocol: Protocol, name: str) -> tuple[Timing, ...]:
    """Wall time and speed of every repeat of every leg, from its chunks."""
    if protocol.road != "alchemy":
        return _path_timings(run, protocol, name)
    timings = []
    for task in plan_tasks(protocol, (name,)):
        chunks = [read_arrays(path) for path in chunk_paths(run.repeat(name, task.kind, task.repeat))]
        if not chunks:
            continue
        seconds = sum(float(chunk["wall_seconds"]) for chunk in chunks)
        replica_cycles = sum(chunk["states_cr"].size for chunk in chunks)
        nanoseconds = replica_cycles * protocol.sampling.cycle_time * 1e-3
        speed = nanoseconds * 86400 / seconds
        timings.append(Timing(stage=task.kind.value, repeat=task.repeat, ns_per_day=speed, wall_seconds=seconds))
    return tuple(timings)


def _path_timings(run: Run, protocol: Protocol, name: str) -> tuple[Timing, ...]:
    """Wall time and speed of every repeat along a path."""
    timings = []
    for task in plan_tasks(protocol, (name,)):
        here = path_progress(run.repeat(name, task.kind, task.repeat))
        if here.wall_seconds > 0:
            speed = here.done_ps * here.n_walkers * 1e-3 * 86400 / here.wall_seconds
            seconds = here.wall_seconds
            timings.append(Timing(stage=task.kind.value, repeat=task.repeat, ns_per_day=speed, wall_seconds=seconds))
    return tuple(timings)


def _provenance(run: Run, protocol: Protocol, names: tuple[str, ...]) -> dict[str, dict[str, str]]:
    manifest: dict[str, Any] = read_plain(run.manifest)
    fingerprints, files = {}, {}
    for name in names:
        record_path = run.prepared(name, protocol.leg_kinds[0]) / "leg.json"
        if record_path.exists():
            fingerprints[name] = read_record(record_path, PreparedLeg).fingerprint
            files[f"{name}/{protocol.leg_kinds[0].value}/prepared/leg.json"] = checksum(record_path)
    seeds = {str(task): str(task.seed) for task in plan_tasks(protocol, names)}
    return {
        "versions": {name: str(number) for name, number in manifest.get("versions", {}).items()},
        "machine": {"began": str(manifest.get("started", "")), "system": str(manifest.get("machine", ""))},
        "fingerprints": fingerprints,
        "seeds": {"protocol": str(protocol.repeats.seed), **seeds},
        "files (SHA-256)": {**files, "protocol.yaml": checksum(run.protocol)},
    }
