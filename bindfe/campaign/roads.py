"""The roads along a path: what a worker samples of one repeat, and what all repeats say together.

Files, in ``RUN/LIGAND``: ``path/repeat-R/`` (of several walkers ``path/repeat-R/walker-W/``) with PLUMED's own
``plumed.dat``, ``COLVAR`` and ``HILLS`` or with chunks of umbrella windows, ``progress.json`` beside them, and
``path.json``, the estimates and gates.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bindfe.campaign.biased import estimate_walkers, sample_walkers
from bindfe.campaign.plan import Task, task_seed
from bindfe.campaign.symmetry import equivalent_count
from bindfe.campaign.windows import estimate_windows, sample_windows, windows_alone
from bindfe.errors import EstimateError
from bindfe.estimate.judge import Limits, judge
from bindfe.estimate.path import barrier_rates
from bindfe.estimate.regions import combine_repeats
from bindfe.estimate.surface import pool_surfaces
from bindfe.estimate.umbrella import judge_umbrella
from bindfe.protocol import Protocol
from bindfe.results import (
    BarrierRates,
    BindingEstimate,
    Floats,
    Judgement,
    LegEstimate,
    PathResult,
    Surface,
    SurfaceEstimate,
)
from bindfe.states import LegKind
from bindfe.store import Run, read_record, write_record, write_records
from bindfe.uncertainty.budget import budget, predict
from bindfe.variables import BiasedVariable

if TYPE_CHECKING:
    from bindfe.build.path import LigandPath
    from bindfe.sample.metadynamics import Walker

_CELLS = 80
"""Cells of the surface along the path."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PathProgress:
    """How far one repeat is."""

    done_ps: float = 0.0
    """Time that each walker or window has [ps]."""
    wall_seconds: float = 0.0
    """Wall time that all of it took [s]."""
    n_walkers: int = 0
    """Walkers, or windows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Repeat:
    """What one repeat says."""

    estimate: SurfaceEstimate
    surface: Surface
    leg: LegEstimate | None
    """The windows as states of a leg (umbrella)."""


def sample_path(run: Run, protocol: Protocol, task: Task) -> None:
    """Sample one repeat until it holds ``sampling.length``; what is there already is kept.

    Raises:
        SamplingError: The bias blew up, or a coordinate is not a number.
        InputError: The repeat holds another calculation, or the script cannot be read.
        EstimateError: A pull did not reach bulk (umbrella).
        MissingDependency: There is no PLUMED kernel.
    """
    path, walkers = _path(run, protocol, task.ligand), _walkers(run, protocol, task.ligand, task.repeat)
    directory = run.repeat(task.ligand, task.kind, task.repeat)
    before, begun = path_progress(directory), time.perf_counter()

    def stored(done: float, number: int) -> None:
        seconds = before.wall_seconds + time.perf_counter() - begun
        write_record(directory / "progress.json", PathProgress(done_ps=done, wall_seconds=seconds, n_walkers=number))

    if protocol.road == "umbrella":
        (walker,) = walkers
        sample_windows(
            walker, path, protocol, repeat=task.repeat, directory=directory, done=before.done_ps, stored=stored
        )
    else:
        sample_walkers(walkers, path, protocol, directory=directory, done=before.done_ps, stored=stored)


def path_progress(directory: Path) -> PathProgress:
    """How far a repeat is; zeros before its first piece."""
    path = directory / "progress.json"
    return read_record(path, PathProgress) if path.exists() else PathProgress()


def _path(run: Run, protocol: Protocol, name: str) -> LigandPath:
    from bindfe.build.legfiles import load_plain
    from bindfe.build.path import ligand_path

    plain = load_plain(run.prepared(name, LegKind.PATH), "bound")
    return ligand_path(plain, protocol, n_equivalent=equivalent_count(run, protocol, name, None))


def _walkers(run: Run, protocol: Protocol, name: str, repeat: int) -> tuple[Walker, ...]:
    from bindfe.build.legfiles import load_plain
    from bindfe.sample.metadynamics import Walker

    plain = load_plain(run.prepared(name, LegKind.PATH), "bound")
    seed = task_seed(protocol, name, LegKind.PATH, repeat)
    number = protocol.metadynamics.walkers if protocol.road == "metadynamics" else 1
    return tuple(
        Walker(
            system=plain.system,
            positions=plain.positions,
            box=plain.box,
            time_step=protocol.sampling.time_step,
            friction=protocol.sampling.friction,
            compute=protocol.compute,
            seed=int(each),
            number=which,
        )
        for which, each in enumerate(np.random.SeedSequence(seed).generate_state(number))
    )


def estimate_path(run: Run, protocol: Protocol, name: str) -> PathResult:
    """Every repeat's free energy along the path, and whether the gates let it pass.

    Writes ``path.json``, and for umbrella sampling the windows as a leg in ``estimate.json``.

    Raises:
        EstimateError: Nothing is stored yet, or a repeat never was in the site or in bulk.
    """
    path = _path(run, protocol, name)
    repeats = _estimate_repeats(run, protocol, name, path, n_bootstrap=protocol.estimator.bootstrap)
    estimates, surface = tuple(each.estimate for each in repeats), pool_surfaces([each.surface for each in repeats])
    legs = tuple(each.leg for each in repeats if each.leg is not None)
    result = PathResult(
        ligand=name,
        road=protocol.road,
        estimates=estimates,
        judgement=Judgement(gates=(), time_needed_ps=0.0),
        regions=path.regions,
        surface=surface,
    )
    binding = path_binding(result, temperature=protocol.sampling.temperature)
    half_width = predict(binding, budget(binding)).half_width(0.95)
    result = replace(
        result,
        judgement=_judge(protocol, estimates, legs, half_width=half_width),
        rates=_rates(surface, path, binding.delta_g_kcal_mol),
    )
    write_records(run.ligand(name) / "estimate.json", tuple(windows_alone(leg) for leg in legs))
    write_record(run.ligand(name) / "path.json", result)
    return result


def path_binding(result: PathResult, *, temperature: float) -> BindingEstimate:
    """The repeats as a closed cycle, whatever the gates say.

    Windows need no journeys of replicas from end to end, so umbrella sampling's bootstrap is not taken larger for
    want of them: repeats that were pulled apart from one another show what it misses.
    """
    binding = combine_repeats(result.estimates, ligand=result.ligand, temperature=temperature)
    return replace(binding, round_trips=None) if result.road == "umbrella" else binding


def _judge(
    protocol: Protocol, estimates: Sequence[SurfaceEstimate], legs: Sequence[LegEstimate], *, half_width: float
) -> Judgement:
    judged = judge(
        estimates,
        temperature=protocol.sampling.temperature,
        half_width_kcal_mol=half_width,
        limits=Limits(round_trips=protocol.gates.round_trips, agreement=protocol.gates.agreement),
    )
    if protocol.road != "umbrella":
        return judged
    return judge_umbrella(estimates, legs, judged, minimum_overlap=protocol.estimator.minimum_overlap)


def _estimate_repeats(
    run: Run, protocol: Protocol, name: str, path: LigandPath, *, n_bootstrap: int
) -> tuple[_Repeat, ...]:
    """Every repeat that has a whole piece."""
    numbers = range(protocol.repeats.number)
    places = {repeat: run.repeat(name, LegKind.PATH, repeat) for repeat in numbers}
    found = []
    for repeat, place in places.items():
        if path_progress(place).done_ps <= 0:
            continue
        seed, grid = task_seed(protocol, name, LegKind.PATH, repeat), _grid(path.variable)
        if protocol.road == "umbrella":
            (walker,) = _walkers(run, protocol, name, repeat)
            windows = estimate_windows(
                walker, path, protocol, repeat=repeat, directory=place, seed=seed, grid=grid, n_bootstrap=n_bootstrap
            )
            found.append(_Repeat(estimate=windows[0], surface=windows[1], leg=windows[2]))
        else:
            walked = estimate_walkers(
                path, protocol, repeat=repeat, directory=place, seed=seed, grid=grid, n_bootstrap=n_bootstrap
            )
            found.append(_Repeat(estimate=walked[0], surface=walked[1], leg=None))
    if not found:
        raise EstimateError(f"{name}: no repeat has samples yet")
    return tuple(found)


def provisional_path(run: Run, protocol: Protocol, name: str) -> tuple[float, float]:
    """delta_g and its standard error from what is stored so far [kcal/mol], no gate asked; nothing is written.

    Raises:
        EstimateError: Nothing is stored yet, or a repeat never was in the site or in bulk.
    """
    found = _estimate_repeats(run, protocol, name, _path(run, protocol, name), n_bootstrap=20)
    errors = [each.estimate.bootstrap_error_kcal_mol for each in found]
    value = float(np.mean([each.estimate.delta_g_kcal_mol for each in found]))
    return value, float(np.sqrt(np.mean(np.square(errors)) / len(errors)))


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
