"""What a calculation will cost in time and disk, before anything is built.

Speeds are those of one CPU core of a 2020s server, measured on this project's systems, and scaled: with the
number of atoms in explicit solvent, with its square in implicit solvent. They are right within a factor of
two or three, which is enough to see a month coming.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np

from bindfe.campaign.preflight_settings import BOX_VOLUME, box_width
from bindfe.chem.ligand import Ligand
from bindfe.errors import MissingDependency
from bindfe.protocol import Protocol
from bindfe.results import Floats
from bindfe.states import LegKind

_EXPLICIT = 8.5e4
"""Plain molecular dynamics at 4 fs on a core, times atoms [ns/day]: 25,315 atoms, 3.4 ns/day."""

_IMPLICIT = 1.29e7
"""The same in OBC2 without a cutoff, times atoms squared [ns/day]: CB7 and a guest, 156 atoms, 530 ns/day."""

_VACUUM_FACTOR = 3.1
"""Vacuum against OBC2."""

_SLOWER = {"explicit": 1.3, "transfer": 1.85, "decouple": 6.8, "plain": 1.1, "swap": 2.2}
"""Alchemical dynamics with exchange against plain: explicit decoupling, OBC2 by each method, and edges anywhere."""

_GPU = 150.0
"""One data centre GPU against one core. Not measured by this project."""

_ATOMS_PER_NM3 = {"tip3p": 100.0, "tip4pew": 134.0, "opc": 134.0}

_WINDOWS = 30
"""Umbrella windows along a path; how many there will be shows a first run."""

_DOUBLE, _SINGLE = 8.0, 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a calculation will take."""

    hours: float
    """Wall time on this machine [h], the committee's switches not counted."""
    gigabytes: float
    """Disk [GB]."""
    nanoseconds: float
    """Dynamics of all replicas together [ns]."""
    device: str
    """What the time is for, in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """What runs the tasks."""

    number: int
    """Tasks at once."""
    gpu: bool
    """Whether each has a GPU; a core otherwise."""

    @property
    def words(self) -> str:
        """For messages: ``2 CPU cores``."""
        return f"{self.number} {'GPU' if self.gpu else 'CPU core'}{'s' * (self.number > 1)}"


def workers_here(protocol: Protocol) -> Worker:
    """What this machine runs a protocol with; one GPU where the protocol asks for a platform that is not here."""
    from bindfe.campaign.execute import count_workers
    from bindfe.sample.dynamics import choose_platform

    try:
        gpu = choose_platform(protocol.compute)[0].getName() not in ("CPU", "Reference")
    except MissingDependency:
        return Worker(number=protocol.compute.workers or 1, gpu=True)
    return Worker(number=count_workers(protocol.compute), gpu=gpu)


def estimate_cost(protocol: Protocol, ligands: Sequence[Ligand], receptor: Floats | None, worker: Worker) -> Cost:
    """Time and disk of a whole calculation.

    Args:
        protocol: What is asked for.
        ligands: Ligands that would run.
        receptor: All atoms of the receptor [nm], (N, 3); None without one.
        worker: What runs it.
    """
    named = islice(cycle(ligands), _n_edges(protocol, len(ligands))) if protocol.relative else ligands
    tasks = [(kind, ligand) for ligand in named for kind in protocol.leg_kinds]
    repeats = protocol.repeats.number
    days = sum(_days(protocol, kind, ligand, receptor) for kind, ligand in tasks) * repeats
    size = sum(_bytes(protocol, kind, ligand, receptor) for kind, ligand in tasks) * repeats
    total = sum(_nanoseconds(protocol, kind) for kind, _ in tasks) * repeats
    side_by_side = min(worker.number, max(1, len(tasks) * repeats))
    return Cost(
        hours=24.0 * days / side_by_side / (_GPU if worker.gpu else 1.0),
        gigabytes=size / 1e9,
        nanoseconds=total,
        device=worker.words,
    )


def _n_edges(protocol: Protocol, n_ligands: int) -> int:
    """Legs of a network of ligands that all share a core."""
    tree, pairs = max(0, n_ligands - 1), n_ligands * (n_ligands - 1) // 2
    if protocol.edges.network == "given":
        return len(protocol.edges.pairs) if n_ligands else 0
    return min(2 * tree, pairs) if protocol.edges.network == "redundant" else tree


def _n_states(protocol: Protocol, kind: LegKind) -> int:
    if kind is not LegKind.PATH:
        return protocol.schedule_of(kind).n_states
    return protocol.metadynamics.walkers if protocol.road == "metadynamics" else _WINDOWS


def _nanoseconds(protocol: Protocol, kind: LegKind) -> float:
    return _n_states(protocol, kind) * protocol.sampling.length * 1e-3


def _solute(kind: LegKind, ligand: Ligand, receptor: Floats | None) -> Floats:
    alone = receptor is None or kind in (LegKind.SOLVENT, LegKind.VACUUM)
    both = 2 if kind is LegKind.RELATIVE else 1
    return ligand.positions if alone or receptor is None else np.concatenate([receptor, *both * [ligand.positions]])


def n_atoms(protocol: Protocol, kind: LegKind, ligand: Ligand, receptor: Floats | None) -> int:
    """Atoms of a leg, water included."""
    x = _solute(kind, ligand, receptor)
    if not protocol.solvent.explicit or kind is LegKind.VACUUM:
        return len(x)
    if protocol.membrane is not None and kind is LegKind.COMPLEX:
        from bindfe.build.bilayer import bilayer_box

        volume = float(np.prod(bilayer_box(x, protocol.membrane)))
    else:
        volume = BOX_VOLUME[protocol.solvent.box_shape] * box_width(protocol, x) ** 3
    density = _ATOMS_PER_NM3[protocol.solvent.model]
    return len(x) + math.floor(density * max(0.0, volume - 0.01 * len(x)))


def _days(protocol: Protocol, kind: LegKind, ligand: Ligand, receptor: Floats | None) -> float:
    """Days of one core for one repeat of a leg."""
    atoms = n_atoms(protocol, kind, ligand, receptor)
    step = protocol.sampling.time_step / 0.004
    known = {LegKind.PATH: "plain", LegKind.RELATIVE: "swap"}
    if protocol.solvent.explicit and kind is not LegKind.VACUUM:
        speed = _EXPLICIT / atoms / _SLOWER[known.get(kind, "explicit")]
    else:
        method = known.get(kind, protocol.alchemy.method)
        bare = kind is LegKind.VACUUM or protocol.solvent.model == "vacuum"
        speed = min(_IMPLICIT / atoms**2, 1000.0) * (_VACUUM_FACTOR if bare else 1.0) / _SLOWER[method]
    return _nanoseconds(protocol, kind) / (speed * step)


def _bytes(protocol: Protocol, kind: LegKind, ligand: Ligand, receptor: Floats | None) -> float:
    """Of one repeat of a leg: energies of every replica in every state, frames of the ends, and a restart."""
    states, atoms = _n_states(protocol, kind), n_atoms(protocol, kind, ligand, receptor)
    cycles = protocol.sampling.length / protocol.sampling.cycle_time
    energies = cycles * states * (states + 1) * _DOUBLE
    frames = 2 * cycles / protocol.sampling.frames_every * len(_solute(kind, ligand, receptor)) * 3 * _SINGLE
    switching = protocol.committee.switching.frames_every if protocol.committee.correction != "none" else 0
    whole = cycles / switching * atoms * 3 * _SINGLE if switching and protocol.solvent.explicit else 0.0
    return energies + frames + whole + 2 * states * atoms * 6 * _DOUBLE
