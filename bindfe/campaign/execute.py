"""Tasks on workers: any ``concurrent.futures.Executor``, paths in, files out."""

from __future__ import annotations

import fcntl
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from bindfe.campaign.plan import Task
from bindfe.errors import BindfeError, SamplingError, StoreError
from bindfe.protocol import ComputeSettings, parse_protocol
from bindfe.protocol import Protocol as Settings
from bindfe.states import LegKind
from bindfe.store import Run

logger = logging.getLogger(__name__)

Tick = Callable[[], None]
"""Called about twice a second while tasks run, for a progress display."""


class Job(Protocol):
    """Anything that a worker does at a time: it knows its ligand and says what it is."""

    @property
    def ligand(self) -> str:
        """Name of the ligand."""


J = TypeVar("J", bound=Job)


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A task that did not finish; the others did."""

    task: Job
    """Which one."""
    error: BindfeError
    """Why, in words for the user."""


@contextmanager
def locked(path: Path, *, busy: str, patience: float = 0.0) -> Iterator[None]:
    """Hold an exclusive lock that the system releases when the process dies, however it dies.

    Args:
        path: The lock file.
        busy: Message of the error when somebody else holds it.
        patience: Seconds to wait for it.

    Raises:
        StoreError: Somebody else holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + patience
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() >= deadline:
                    raise StoreError(busy) from None
                time.sleep(0.1)
        yield


def run_tasks(
    run: Run, tasks: tuple[Task, ...], protocol: Settings, *, tick: Tick | None = None
) -> tuple[Failure, ...]:
    """Sample every task; what is stored already is not run again.

    Args:
        run: The run directory, with its protocol and prepared legs.
        tasks: What to do.
        protocol: Its compute section decides how many run at once.
        tick: Called about twice a second from this process.

    Returns:
        The tasks that failed; all others are complete.
    """
    return run_jobs(_attempt, run, tasks, protocol.compute, tick=tick)


def run_jobs(
    attempt: Callable[[Run, J], Failure | None],
    run: Run,
    jobs: tuple[J, ...],
    compute: ComputeSettings,
    *,
    tick: Tick | None = None,
) -> tuple[Failure, ...]:
    """Do jobs on workers, as many at once as ``compute`` allows; one that fails does not stop the others.

    Args:
        attempt: Does one job in a worker; a module's own function.
        run: The run directory.
        jobs: What to do.
        compute: How many at once.
        tick: Called about twice a second from this process.
    """
    workers = min(len(jobs), count_workers(compute))
    if workers <= 1 and tick is None:
        return tuple(failure for job in jobs if (failure := attempt(run, job)) is not None)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_die_with_parent, initargs=(os.getpid(),)
    ) as pool:
        futures = {pool.submit(attempt, run, job): job for job in jobs}
        return _collect(futures, tick)


def _collect(futures: dict[Future[Failure | None], J], tick: Tick | None) -> tuple[Failure, ...]:
    pending = set(futures)
    while pending:
        _, pending = wait(pending, timeout=0.5)
        if tick is not None:
            tick()
    failures = []
    for future, job in futures.items():
        try:
            failure = future.result()
        except BrokenProcessPool:
            failure = Failure(
                task=job,
                error=SamplingError(
                    f"{job}: its worker was killed, which happens when memory runs out; use fewer compute.workers "
                    "and run the same command again: what is stored is kept"
                ),
            )
        if failure is not None:
            failures.append(failure)
    return tuple(failures)


def count_workers(compute: ComputeSettings) -> int:
    """Tasks that run at once: as told, else one for each ``compute.threads`` cores (CPU) or one (GPU)."""
    if compute.workers:
        return compute.workers
    from bindfe.sample.dynamics import choose_platform

    if choose_platform(compute)[0].getName() not in ("CPU", "Reference"):
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // compute.threads)


def _attempt(run: Run, task: Task) -> Failure | None:
    """Run one task; an error that a user can read comes back as a record."""
    try:
        _sample(run, task)
    except BindfeError as error:
        return Failure(task=task, error=error)
    return None


def _sample(run: Run, task: Task) -> None:
    from bindfe.build.legfiles import load_leg
    from bindfe.campaign.roads import sample_path
    from bindfe.sample.exchange import sample_leg

    protocol = parse_protocol(run.protocol.read_text(encoding="utf-8"), source=str(run.protocol))
    directory = run.repeat(task.ligand, task.kind, task.repeat)
    busy = f"{directory}: another process is still sampling here; wait until it has ended"
    with locked(directory / ".lock", busy=busy, patience=60.0):
        if task.kind is LegKind.PATH:
            sample_path(run, protocol, task)
            return
        leg = load_leg(run.prepared(task.ligand, task.kind))
        sample_leg(leg, protocol, directory=directory, repeat=task.repeat, seed=task.seed)


def _die_with_parent(parent: int) -> None:
    """End this worker when the process that started it is gone, so that a killed run has no orphans."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
