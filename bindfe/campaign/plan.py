"""What a calculation will do, before anything has run: printable and countable."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from bindfe.protocol import Protocol
from bindfe.states import LegKind

_LEG_NUMBER = {kind: number for number, kind in enumerate(LegKind)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One repeat of one leg of one ligand: what a worker does at a time."""

    ligand: str
    """Name of the ligand."""
    kind: LegKind
    """Which leg."""
    repeat: int
    """Which repeat."""
    seed: int
    """Seed from which every seed of the task follows."""

    def __str__(self) -> str:
        return f"{self.ligand}/{self.kind.value}, repeat {self.repeat}"


def plan_tasks(protocol: Protocol, ligands: tuple[str, ...]) -> tuple[Task, ...]:
    """The tasks of a calculation: every repeat of every leg of every ligand.

    A task's seed depends on the protocol's seed, the ligand's name, the leg and the repeat alone, so
    adding a ligand or a repeat leaves all others as they were. Repeats come last in the order: after the
    first pass there is a number, and its error bar follows.
    """
    return tuple(
        Task(ligand=ligand, kind=kind, repeat=repeat, seed=task_seed(protocol, ligand, kind, repeat))
        for repeat in range(protocol.repeats.number)
        for ligand in ligands
        for kind in protocol.leg_kinds
    )


def task_seed(protocol: Protocol, ligand: str, kind: LegKind, repeat: int) -> int:
    """Seed of a task, 0 to 2^32 - 1."""
    words = [protocol.repeats.seed, zlib.crc32(ligand.encode()), _LEG_NUMBER[kind], repeat]
    return int(np.random.SeedSequence(words).generate_state(1)[0])
