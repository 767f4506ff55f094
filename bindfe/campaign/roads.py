"""The roads along a path: what a worker samples of one repeat, and what all repeats say together.

Files, in ``RUN/LIGAND``: ``path/repeat-R/`` (of several walkers ``path/repeat-R/walker-W/``) with PLUMED's own
``plumed.dat``, ``COLVAR`` and ``HILLS``, ``progress.json`` beside them, and ``path.json``, the estimates and gates.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bindfe.campaign.plan import Task, task_seed
from bindfe.errors import EstimateError, InputError
from bindfe.estimate.judge import Limits, judge
from bindfe.estimate.path import barrier_rates
from bindfe.estimate.regions import combine_repeats, estimate_binding
from bindfe.estimate.surface import pool_surfaces, surface_from_samples
from bindfe.protocol import Protocol
from bindfe.results import BarrierRates, BiasedSamples, Floats, PathResult, Surface, SurfaceEstimate
from bindfe.states import LegKind
from bindfe.store import Run, read_plain, write_record
from bindfe.uncertainty.budget import budget, predict
from bindfe.variables import BiasedVariable

if TYPE_CHECKING:
    from bindfe.build.path import LigandPath
    from bindfe.sample.metadynamics import Walker
    from bindfe.sample.plumedwords import BiasSettings

_CELLS = 80
"""Cells of the surface along the path."""


def sample_path(run: Run, protocol: Protocol, task: Task) -> None:
    """Sample one repeat until it holds ``sampling.length``; what is there already is kept.

    The walkers of a repeat take turns, piece by piece, so a run that was killed goes on as if it had not been.

    Raises:
        SamplingError: The bias blew up.
        InputError: The repeat holds another calculation, or the script cannot be read.
        MissingDependency: There is no PLUMED kernel.
    """
    from bindfe.sample.metadynamics import sample_biased

    path, walkers = _path(run, protocol, task.ligand), _walkers(run, protocol, task)
    settings, script = bias_settings(path, protocol), _script(protocol)
    directory = run.repeat(task.ligand, task.kind, task.repeat)
    piece, length = _piece(protocol), protocol.sampling.length
    done, seconds = path_progress(directory)
    while done < length - 1e-9:
        begun, done = time.perf_counter(), min(done + piece, length)
        for number, (walker, place) in enumerate(zip(walkers, walker_directories(directory, protocol), strict=True)):
            sample_biased(
                walker,
                settings,
                directory=place,
                length=done,
                piece=piece,
                number=number,
                engine=protocol.metadynamics.engine,
                script=script,
            )
        seconds += time.perf_counter() - begun
        write_record(directory / "progress.json", {"done_ps": done, "wall_seconds": seconds})


def path_progress(directory: Path) -> tuple[float, float]:
    """Time that each walker of a repeat has [ps], and the wall time that it took [s]; zeros before the first piece."""
    if not (directory / "progress.json").exists():
        return 0.0, 0.0
    plain = read_plain(directory / "progress.json")
    return float(plain["done_ps"]), float(plain["wall_seconds"])


def walker_directories(directory: Path, protocol: Protocol) -> tuple[Path, ...]:
    """Where the walkers of a repeat keep their files."""
    number = protocol.metadynamics.walkers
    return (directory,) if number == 1 else tuple(directory / f"walker-{walker}" for walker in range(number))


def bias_settings(path: LigandPath, protocol: Protocol) -> BiasSettings:
    """The protocol's bias, in steps."""
    from bindfe.sample.plumedwords import BiasSettings

    settings, step = protocol.metadynamics, protocol.sampling.time_step
    return BiasSettings(
        variables=(path.variable,),
        holds=path.holds,
        method=settings.method,
        temperature=protocol.sampling.temperature,
        height=settings.height,
        bias_factor=settings.bias_factor,
        barrier=settings.barrier,
        pace=max(1, round(settings.pace / step)),
        sample_every=max(1, round(settings.sample_every / step)),
        walkers=settings.walkers,
    )


def _piece(protocol: Protocol) -> float:
    """Time between two checkpoints [ps]."""
    return protocol.sampling.chunk_cycles * protocol.sampling.cycle_time


def _path(run: Run, protocol: Protocol, name: str) -> LigandPath:
    from bindfe.build.legfiles import load_plain
    from bindfe.build.path import ligand_path

    return ligand_path(load_plain(run.prepared(name, LegKind.PATH), "bound"), protocol)


def _walkers(run: Run, protocol: Protocol, task: Task) -> tuple[Walker, ...]:
    from bindfe.build.legfiles import load_plain
    from bindfe.sample.metadynamics import Walker

    plain = load_plain(run.prepared(task.ligand, task.kind), "bound")
    seeds = np.random.SeedSequence(task.seed).generate_state(protocol.metadynamics.walkers)
    return tuple(
        Walker(
            system=plain.system,
            positions=plain.positions,
            box=plain.box,
            time_step=protocol.sampling.time_step,
            friction=protocol.sampling.friction,
            compute=protocol.compute,
            seed=int(seed),
        )
        for seed in seeds
    )


def _script(protocol: Protocol) -> str | None:
    name = protocol.metadynamics.script
    if not name:
        return None
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"metadynamics.script: {name}: cannot be read as UTF-8 text: {error}") from error


def estimate_path(run: Run, protocol: Protocol, name: str) -> PathResult:
    """Every repeat's free energy along the path, and whether the gates let it pass; writes ``path.json``.

    Raises:
        EstimateError: Nothing is stored yet, or a repeat never was in the site or in bulk.
    """
    path, repeats = _path(run, protocol, name), sampled_repeats(run, protocol, name)
    if not repeats:
        raise EstimateError(f"{name}: no repeat has samples yet")
    found = [_estimate_repeat(run, protocol, name, path, repeat) for repeat in repeats]
    estimates, surface = tuple(each[0] for each in found), pool_surfaces([each[1] for each in found])
    temperature = protocol.sampling.temperature
    combined = combine_repeats(estimates, ligand=name, temperature=temperature)
    judgement = judge(
        estimates,
        temperature=temperature,
        half_width_kcal_mol=predict(combined, budget(combined)).half_width(0.95),
        limits=Limits(round_trips=protocol.gates.round_trips, agreement=protocol.gates.agreement),
    )
    result = PathResult(
        ligand=name,
        road=protocol.road,
        estimates=estimates,
        judgement=judgement,
        regions=path.regions,
        surface=surface,
        rates=_rates(surface, path, combined.delta_g_kcal_mol),
    )
    write_record(run.ligand(name) / "path.json", result)
    return result


def provisional_path(run: Run, protocol: Protocol, name: str) -> tuple[float, float]:
    """delta_g and its standard error from what is stored so far [kcal/mol], no gate asked; nothing is written.

    Raises:
        EstimateError: Nothing is stored yet, or a repeat never was in the site or in bulk.
    """
    path = _path(run, protocol, name)
    found = [
        estimate_binding(
            read_path(run, protocol, name, repeat, path),
            path.regions,
            repeat=repeat,
            discard=protocol.metadynamics.discard,
        )
        for repeat in sampled_repeats(run, protocol, name)
    ]
    if not found:
        raise EstimateError(f"{name}: no repeat has samples yet")
    values, errors = (
        [getattr(each, key) for each in found] for key in ("delta_g_kcal_mol", "bootstrap_error_kcal_mol")
    )
    return float(np.mean(values)), float(np.sqrt(np.mean(np.square(errors)) / len(errors)))


def sampled_repeats(run: Run, protocol: Protocol, name: str) -> tuple[int, ...]:
    """Repeats that have at least one whole piece."""
    return tuple(
        repeat
        for repeat in range(protocol.repeats.number)
        if path_progress(run.repeat(name, LegKind.PATH, repeat))[0] > 0
    )


def read_path(run: Run, protocol: Protocol, name: str, repeat: int, path: LigandPath) -> BiasedSamples:
    """The weighted samples of one repeat."""
    from bindfe.sample.biasedfiles import read_biased

    directories = walker_directories(run.repeat(name, LegKind.PATH, repeat), protocol)
    return read_biased(directories, bias_settings(path, protocol), weighting=protocol.metadynamics.weighting)


def _estimate_repeat(
    run: Run, protocol: Protocol, name: str, path: LigandPath, repeat: int
) -> tuple[SurfaceEstimate, Surface]:
    samples = read_path(run, protocol, name, repeat, path)
    estimate = estimate_binding(samples, path.regions, repeat=repeat, discard=protocol.metadynamics.discard)
    surface = surface_from_samples(
        samples,
        [_grid(path.variable)],
        periods=(None,),
        n_bootstrap=protocol.estimator.bootstrap,
        seed=task_seed(protocol, name, LegKind.PATH, repeat),
    )
    return estimate, surface


def _grid(variable: BiasedVariable) -> Floats:
    """Centres of the surface's cells."""
    edges = np.linspace(variable.low, variable.high, _CELLS + 1)
    centres: Floats = 0.5 * (edges[1:] + edges[:-1])
    return centres


def _rates(surface: Surface, path: LigandPath, delta_g: float) -> BarrierRates | None:
    """The rates over the lowest of the ways out; None where the surface does not reach bulk."""
    found = []
    for bulk in path.regions.unbound:
        try:
            found.append(barrier_rates(surface, path.regions.bound, bulk, delta_g_kcal_mol=delta_g))
        except EstimateError:  # this side was never reached, which the gates say
            continue
    return min(found, key=lambda each: each.barrier_out_kcal_mol, default=None)
