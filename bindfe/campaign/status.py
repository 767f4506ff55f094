"""How far a run is, read from its files while it runs or afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from bindfe.campaign.plan import Task, plan_tasks
from bindfe.campaign.roads import path_progress
from bindfe.protocol import Protocol
from bindfe.sample.exchange import chunk_paths, cycles_in
from bindfe.states import LegKind
from bindfe.store import Run, read_arrays


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskStatus:
    """How far one task is."""

    task: Task
    """Which one."""
    stage: str
    """``waiting``, ``equilibrating``, ``sampling`` or ``done``."""
    cycles: int
    """Exchange cycles stored."""
    goal: int
    """Exchange cycles asked for."""
    n_states: int
    """States of its ladder; 0 while unknown."""
    seconds_per_cycle: float | None
    """Wall time of a cycle, from the age of the stored chunks; None while unknown."""

    def ns_per_day(self, protocol: Protocol) -> float | None:
        """Dynamics of all replicas together [ns/day]."""
        if not self.seconds_per_cycle:
            return None
        return self.n_states * protocol.sampling.cycle_time * 1e-3 * 86400 / self.seconds_per_cycle

    @property
    def seconds_left(self) -> float | None:
        """Wall time until the task is done; None while unknown."""
        if self.seconds_per_cycle is None:
            return None
        return (self.goal - self.cycles) * self.seconds_per_cycle


def run_status(run: Run, protocol: Protocol, names: tuple[str, ...]) -> tuple[TaskStatus, ...]:
    """The status of every task of a run.

    Only the newest chunk of each task is opened, so this takes milliseconds.

    Raises:
        StoreError: A stored file is damaged.
    """
    return tuple(_status(run, protocol, task) for task in plan_tasks(protocol, names))


def _status(run: Run, protocol: Protocol, task: Task) -> TaskStatus:
    if task.kind is LegKind.PATH:
        return _path_status(run, protocol, task)
    directory, goal = run.repeat(task.ligand, task.kind, task.repeat), cycles_in(protocol)
    paths = chunk_paths(directory)
    if not paths:
        started = directory.exists()
        sampling = (directory / "start.npz").exists()
        stage = "sampling" if sampling else "equilibrating" if started else "waiting"
        return TaskStatus(task=task, stage=stage, cycles=0, goal=goal, n_states=0, seconds_per_cycle=None)
    newest = read_arrays(paths[-1])
    cycles, in_chunk = int(newest["cycle"]), len(newest["states_cr"])
    return TaskStatus(
        task=task,
        stage="done" if cycles >= goal else "sampling",
        cycles=cycles,
        goal=goal,
        n_states=newest["states_cr"].shape[1],
        seconds_per_cycle=float(newest["wall_seconds"]) / in_chunk,
    )


def _path_status(run: Run, protocol: Protocol, task: Task) -> TaskStatus:
    """A repeat along a path, counted in the same cycles; its states are its walkers or windows."""
    directory, goal = run.repeat(task.ligand, task.kind, task.repeat), cycles_in(protocol)
    here = path_progress(directory)
    cycles = min(goal, round(here.done_ps / protocol.sampling.cycle_time))
    stage = "done" if cycles >= goal else "sampling" if directory.exists() else "waiting"
    return TaskStatus(
        task=task,
        stage=stage,
        cycles=cycles,
        goal=goal,
        n_states=here.n_walkers,
        seconds_per_cycle=here.wall_seconds / cycles if cycles else None,
    )
