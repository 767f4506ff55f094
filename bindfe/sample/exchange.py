"""Hamiltonian replica exchange of one leg, in stored chunks that a killed run continues from.

openmmtools' sampler seeds neither its integrators nor its velocities and keeps its samples in one
netCDF file that a kill can corrupt, so the loop is ours: dynamics by OpenMM, energies of every replica in
every state, exchange by :mod:`bindfe.sample.mixing`, and after each chunk one file that holds both the
samples and all that the next chunk starts from. Each chunk's seeds follow from (seed, chunk), so an
interrupted run and an uninterrupted one are the same.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bindfe.build.legfiles import LoadedLeg
from bindfe.errors import SamplingError, StoreError
from bindfe.protocol import Protocol
from bindfe.results import Floats, Integers, ReducedPotentials
from bindfe.sample.dynamics import Propagator, Replica
from bindfe.sample.equilibrate import equilibrate_leg
from bindfe.sample.mixing import mix_all, mix_neighbours
from bindfe.sample.reproducer import write_reproducer
from bindfe.store import Arrays, read_arrays, write_arrays

_MIXERS = {"all": mix_all, "neighbours": mix_neighbours}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ensemble:
    """All replicas of a leg between two cycles."""

    replicas: tuple[Replica, ...]
    """The walkers, (K,)."""
    states: Integers
    """State of each replica, (K,)."""
    cycle: int
    """Cycles done so far."""


def sample_leg(leg: LoadedLeg, protocol: Protocol, *, directory: Path, repeat: int, seed: int) -> None:
    """Sample a leg by replica exchange until its directory holds ``protocol.sampling.length``.

    What is already there is kept: chunks are read, not run again.

    Args:
        leg: The prepared leg.
        protocol: Its equilibration, sampling and compute sections.
        directory: Where ``start.npz`` and the chunks lie.
        repeat: Which repeat; named in errors.
        seed: Seed of the repeat, from which all others follow.

    Raises:
        SamplingError: A chunk failed as often as ``sampling.retries`` allows; the message names the
            directory of a runnable reproducer. Chunks already stored stay valid.
        StoreError: The disk is full, or a stored file is damaged.
    """
    goal = cycles_in(protocol)
    ensemble = _resume(leg, protocol, directory=directory, repeat=repeat, seed=seed)
    while ensemble.cycle < goal:
        count = min(protocol.sampling.chunk_cycles, goal - ensemble.cycle)
        ensemble = _store_chunk(leg, ensemble, protocol, count=count, directory=directory, repeat=repeat, seed=seed)


def cycles_in(protocol: Protocol) -> int:
    """Exchange cycles in ``sampling.length``; at least 1."""
    return max(1, round(protocol.sampling.length / protocol.sampling.cycle_time))


def chunk_paths(directory: Path) -> tuple[Path, ...]:
    """The stored chunks of a repeat, in order."""
    return tuple(sorted(directory.glob("chunk-*.npz")))


def _resume(leg: LoadedLeg, protocol: Protocol, *, directory: Path, repeat: int, seed: int) -> Ensemble:
    """The ensemble after the last stored chunk, or a newly equilibrated one."""
    stored = len(chunk_paths(directory))
    if stored:
        return _unpack(read_arrays(_restart_path(directory, stored - 1)))
    start = directory / "start.npz"
    if not start.exists():
        replicas = _equilibrated(leg, protocol, repeat=repeat, seed=seed)
        write_arrays(start, _pack(Ensemble(replicas=replicas, states=np.arange(len(replicas)), cycle=0)))
    return _unpack(read_arrays(start))


def _equilibrated(leg: LoadedLeg, protocol: Protocol, *, repeat: int, seed: int) -> tuple[Replica, ...]:
    """A replica for each state, (K,); again with another seed if dynamics fails on the way."""
    for attempt in range(protocol.sampling.retries + 1):
        own = _seed(seed, 0, attempt)
        try:
            return equilibrate_leg(leg, protocol, seed=own)
        except SamplingError as error:
            failure = error
    raise SamplingError(
        f"{leg.record.ligand}/{leg.record.kind.value}, repeat {repeat}: equilibration failed "
        f"{protocol.sampling.retries + 1} times, the last time with seed {own} ({failure}); a longer stage, "
        "another one before it or a shorter sampling.time_step often helps"
    ) from failure


def _restart_path(directory: Path, chunk: int) -> Path:
    return directory / f"restart-{chunk:05d}.npz"


def _seed(seed: int, stage: int, attempt: int) -> int:
    return int(np.random.SeedSequence([seed, stage, attempt]).generate_state(1)[0])


def _store_chunk(
    leg: LoadedLeg, ensemble: Ensemble, protocol: Protocol, *, count: int, directory: Path, repeat: int, seed: int
) -> Ensemble:
    """Run the next chunk, again with another seed if it fails, and store it."""
    number = len(chunk_paths(directory))
    for attempt in range(protocol.sampling.retries + 1):
        chunk_seed = _seed(seed, number + 1, attempt)
        begun = time.perf_counter()
        try:
            after, samples = run_cycles(leg, ensemble, protocol, count=count, seed=chunk_seed)
        except SamplingError as error:
            failure = error
            continue
        # The restart goes first: a chunk that exists can always be continued from. The one before is
        # deleted last, so that disk use does not grow with coordinates of solvent.
        write_arrays(_restart_path(directory, number), _pack(after))
        samples |= {"cycle": np.array(after.cycle), "attempt": np.array(attempt), "chunk_seed": np.array(chunk_seed)}
        samples["wall_seconds"] = np.array(time.perf_counter() - begun)
        write_arrays(directory / f"chunk-{number:05d}.npz", samples)
        _restart_path(directory, number - 1).unlink(missing_ok=True)
        return after
    where = write_reproducer(leg, ensemble, protocol, directory=directory / "failure", seed=chunk_seed)
    raise SamplingError(
        f"{leg.record.ligand}/{leg.record.kind.value}, repeat {repeat}: dynamics failed "
        f"{protocol.sampling.retries + 1} times between cycles {ensemble.cycle} and {ensemble.cycle + count}, "
        f"the last time with seed {chunk_seed} ({failure}). "
        f"Run `python {where / 'reproduce.py'}` to see it again; a shorter sampling.time_step or a longer "
        "equilibration often helps. What was stored before stays valid"
    ) from failure


def run_cycles(
    leg: LoadedLeg, ensemble: Ensemble, protocol: Protocol, *, count: int, seed: int
) -> tuple[Ensemble, Arrays]:
    """Run ``count`` cycles of dynamics and exchange.

    Returns:
        The ensemble afterwards, and the samples: ``u_crk`` (count, K, K) energy of replica r in state k
        [kT], ``states_cr`` (count, K) the state in which replica r moved, ``first_frames`` and
        ``last_frames`` (F, atoms, 3) [nm] coordinates of receptor and ligand in the first and the last
        state, ``frame_cycles`` (F,). In a box, where switches will start from the interacting end,
        ``whole_frames`` (W, n_atoms, 3) and ``whole_boxes`` (W, 3, 3) [nm] too.

    Raises:
        SamplingError: A coordinate, velocity or energy is not finite.
    """
    settings, record = protocol.sampling, leg.record
    dynamics_seed, swap_seed = (int(s) for s in np.random.SeedSequence(seed).generate_state(2))
    mover = Propagator(leg.system, record, settings=settings, compute=protocol.compute, seed=dynamics_seed)
    rng = np.random.default_rng(swap_seed)
    replicas, states = list(ensemble.replicas), ensemble.states
    steps, n_states = max(1, round(settings.cycle_time / settings.time_step)), len(record.parameters)
    u_crk, states_cr = np.empty((count, n_states, n_states)), np.empty((count, n_states), dtype=np.int64)
    frames, whole = _Frames(leg, every=settings.frames_every), _WholeFrames(leg, protocol)
    for cycle in range(count):
        for r in range(n_states):
            replicas[r], u_crk[cycle, r] = _move(mover, replicas[r], state=int(states[r]), steps=steps)
        states_cr[cycle] = states
        for collector in (frames, whole):
            collector.keep(replicas, states, cycle=ensemble.cycle + cycle)
        if settings.swap != "none":
            states = _MIXERS[settings.swap](u_crk[cycle].T, states, rng=rng)
    after = Ensemble(replicas=tuple(replicas), states=states, cycle=ensemble.cycle + count)
    return after, {"u_crk": u_crk, "states_cr": states_cr, **frames.arrays(), **whole.arrays()}


def _move(mover: Propagator, replica: Replica, *, state: int, steps: int) -> tuple[Replica, Floats]:
    try:
        mover.load(replica, state=state)
        mover.step(steps)
        return mover.replica(), mover.energies()
    except SamplingError as error:
        raise SamplingError(f"state {state}: {error}") from error


class _Frames:
    """Collects coordinates of the solute at both ends of the ladder."""

    def __init__(self, leg: LoadedLeg, *, every: int) -> None:
        self._atoms = np.array([*leg.record.receptor_atoms, *leg.record.ligand_atoms], dtype=int)
        self._last = len(leg.record.parameters) - 1
        self._every = every
        self._kept: dict[str, list[Floats]] = {"first_frames": [], "last_frames": []}
        self._cycles: list[int] = []

    def keep(self, replicas: list[Replica], states: Integers, *, cycle: int) -> None:
        if (cycle + 1) % self._every:
            return
        replica_of = np.argsort(states)
        for name, state in (("first_frames", 0), ("last_frames", self._last)):
            self._kept[name].append(replicas[replica_of[state]].positions[self._atoms].astype(np.float32))
        self._cycles.append(cycle)

    def arrays(self) -> Arrays:
        empty = np.empty((0, len(self._atoms), 3), dtype=np.float32)
        stacked = {name: np.array(frames) if frames else empty for name, frames in self._kept.items()}
        return {**stacked, "frame_cycles": np.array(self._cycles, dtype=np.int64)}


class _WholeFrames:
    """Collects coordinates of all atoms, and boxes, at the interacting end, if switches will start from them."""

    def __init__(self, leg: LoadedLeg, protocol: Protocol) -> None:
        self._wanted = leg.box is not None and protocol.committee.correction == "switching"
        self._state = leg.record.start_state
        self._every = protocol.committee.switching.frames_every
        self._kept: list[Replica] = []

    def keep(self, replicas: list[Replica], states: Integers, *, cycle: int) -> None:
        if self._wanted and (cycle + 1) % self._every == 0:
            self._kept.append(replicas[int(np.argmax(states == self._state))])

    def arrays(self) -> Arrays:
        if not self._kept:
            return {}
        return {
            "whole_frames": np.array([replica.positions for replica in self._kept], dtype=np.float32),
            "whole_boxes": np.array([replica.box for replica in self._kept]),
        }


def _pack(ensemble: Ensemble) -> Arrays:
    arrays: Arrays = {
        "positions": np.array([replica.positions for replica in ensemble.replicas]),
        "velocities": np.array([replica.velocities for replica in ensemble.replicas]),
        "states": ensemble.states,
        "cycle": np.array(ensemble.cycle),
    }
    if ensemble.replicas[0].box is not None:
        arrays["boxes"] = np.array([replica.box for replica in ensemble.replicas])
    return arrays


def _unpack(arrays: Arrays) -> Ensemble:
    boxes = arrays.get("boxes")
    replicas = tuple(
        Replica(
            positions=arrays["positions"][r],
            velocities=arrays["velocities"][r],
            box=None if boxes is None else boxes[r],
        )
        for r in range(len(arrays["states"]))
    )
    return Ensemble(replicas=replicas, states=arrays["states"], cycle=int(arrays["cycle"]))


def read_potentials(directory: Path, *, seed: int) -> ReducedPotentials:
    """All stored samples of one repeat, in time order.

    Raises:
        StoreError: Nothing is stored, or a chunk is damaged.
    """
    paths = chunk_paths(directory)
    if not paths:
        raise StoreError(f"{directory}: no samples are stored yet")
    chunks = [read_arrays(path) for path in paths]
    u_crk = np.concatenate([chunk["u_crk"] for chunk in chunks])
    states_cr = np.concatenate([chunk["states_cr"] for chunk in chunks])
    cycles, n_states = states_cr.shape
    return ReducedPotentials(
        u_kn=u_crk.reshape(cycles * n_states, n_states).T,
        n_k=np.full(n_states, cycles),
        state_of_sample=states_cr.ravel(),
        replica_of_sample=np.tile(np.arange(n_states), cycles),
        cycle_of_sample=np.repeat(np.arange(cycles), n_states),
        seed=seed,
    )


def read_whole_frames(directory: Path) -> tuple[Floats, Floats]:
    """Stored coordinates of all atoms at the interacting end and their boxes [nm], (W, n_atoms, 3), (W, 3, 3).

    Empty where a run did not ask for them.
    """
    chunks = [chunk for path in chunk_paths(directory) if "whole_frames" in (chunk := read_arrays(path))]
    if not chunks:
        return np.empty((0, 0, 3)), np.empty((0, 3, 3))
    frames = np.concatenate([chunk["whole_frames"] for chunk in chunks]).astype(float)
    return frames, np.concatenate([chunk["whole_boxes"] for chunk in chunks]).astype(float)


def read_frames(directory: Path, *, end: str) -> Floats:
    """Stored coordinates of receptor and ligand at the ``first`` or ``last`` state [nm], (F, atoms, 3)."""
    frames = [read_arrays(path)[f"{end}_frames"] for path in chunk_paths(directory)]
    if not frames:
        raise StoreError(f"{directory}: no samples are stored yet")
    return np.concatenate(frames).astype(float)
