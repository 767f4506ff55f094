"""What a committee says atom by atom, and whether its own run left the frames that the force field knows.

Files, in ``RUN/LIGAND/committee``: ``atoms.json`` (:class:`bindfe.results.AtomReport`) and, if a frame left the
domain, ``departures.xyz``: those frames as extended XYZ, to look at or to label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bindfe.campaign.ends import environments, ligand_frames, plain_end
from bindfe.mlip.committee import Committee, DescribesAtoms
from bindfe.protocol import Protocol
from bindfe.results import AtomReport, Departure, Floats
from bindfe.store import Run, read_arrays, read_record, write_record, write_text
from bindfe.uncertainty.domain import (
    FEWEST_REFERENCE_FRAMES,
    atomic_spread,
    difference_by_atom,
    learn_domain,
    spread_limit,
)
from bindfe.units import KJ_PER_KCAL


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    """Frames of the ligand at the potential's end of one environment, (F, N, 3), and where each comes from."""

    environment: str
    frames: Floats
    repeats: tuple[int, ...]
    times_ps: tuple[float, ...]


def stored_atoms(run: Run, name: str) -> AtomReport | None:
    """The atom report of a ligand; None if there is none."""
    path = run.ligand(name) / "committee" / "atoms.json"
    return read_record(path, AtomReport) if path.exists() else None


def watch_domain(run: Run, protocol: Protocol, name: str, committee: Committee) -> AtomReport | None:
    """Judge the frames of the potential's ends by those of the force field's ends, and write what was found.

    Args:
        run: The run directory.
        protocol: Its protocol.
        name: The ligand; its switches must be complete.
        committee: Its potentials.

    Returns:
        The report; None if the committee has no atoms' parts, or there are too few frames to learn from.
    """
    known = np.concatenate([_force_field_frames(run, protocol, name, where) for where in environments(protocol)])
    if not isinstance(committee, DescribesAtoms) or len(known) < FEWEST_REFERENCE_FRAMES:
        return None
    ends = [_potential_frames(run, protocol, name, where) for where in environments(protocol)]
    symbols = _symbols(run, protocol, name)
    parts = [committee.atomic_energies(end.frames) for end in ends]
    reference = committee.atomic_energies(known)
    domain, limit = learn_domain(committee.features(known)), spread_limit(reference)
    owner = _heavy_owner(known[0], symbols)
    departures, outside = [], []
    for end, energies in zip(ends, parts, strict=True):
        distance = domain.distances(committee.features(end.frames))
        spread = atomic_spread(energies, reference) / np.maximum(limit, 1e-12)
        departures += _departures(end, distance, spread)
        outside.append(end.frames[np.any((distance > 1) | (spread > 1), axis=1)])
    report = AtomReport(
        disagreement_kcal_mol=difference_by_atom(*(_with_owner(part, owner) for part in parts)) / KJ_PER_KCAL,
        n_reference=len(known),
        n_frames=sum(len(end.frames) for end in ends),
        departures=tuple(departures),
    )
    directory = run.ligand(name) / "committee"
    if departures:
        write_text(directory / "departures.xyz", extended_xyz(np.concatenate(outside), symbols, departures))
    write_record(directory / "atoms.json", report)
    return report


def _force_field_frames(run: Run, protocol: Protocol, name: str, environment: str) -> Floats:
    """At most ``committee.frames`` of each repeat, evenly spaced."""
    parts = []
    for repeat in range(protocol.repeats.number):
        frames = ligand_frames(run, protocol, name, environment, repeat)  # type: ignore[arg-type]
        kept = np.unique(np.linspace(0, len(frames) - 1, min(protocol.committee.frames, len(frames))).astype(int))
        parts.append(frames[kept])
    return np.concatenate(parts)


def _potential_frames(run: Run, protocol: Protocol, name: str, environment: str) -> _Stored:
    frames, repeats, times = [], [], []
    settings = protocol.committee.switching
    for repeat in range(protocol.repeats.number):
        directory = run.ligand(name) / "switching" / environment / f"repeat-{repeat}"
        stored = [read_arrays(path)["ligand"] for path in sorted(directory.glob("batch-*.npz"))]
        own = np.concatenate(stored)[: settings.number]
        frames.append(own)
        repeats += [repeat] * len(own)
        times += (settings.equilibration + settings.spacing * np.arange(1, len(own) + 1)).tolist()
    return _Stored(
        environment=environment, frames=np.concatenate(frames), repeats=tuple(repeats), times_ps=tuple(times)
    )


def _symbols(run: Run, protocol: Protocol, name: str) -> tuple[str, ...]:
    plain = plain_end(run, protocol, name, environments(protocol)[1])
    atoms = list(plain.topology.atoms())
    return tuple(str(atoms[i].element.symbol) for i in plain.ligand_atoms)


def _departures(end: _Stored, distance: Floats, spread: Floats) -> list[Departure]:
    outside = (distance > 1) | (spread > 1)
    return [
        Departure(
            environment=end.environment,
            repeat=end.repeats[frame],
            time_ps=end.times_ps[frame],
            atoms=tuple(np.flatnonzero(outside[frame]).tolist()),
            distance=float(distance[frame].max()),
            disagreement=float(spread[frame].max()),
        )
        for frame in np.flatnonzero(outside.any(axis=1))
    ]


def _heavy_owner(positions: Floats, symbols: Sequence[str]) -> list[int]:
    """The atom itself, or the heavy atom that a hydrogen stands at, (N,)."""
    heavy = np.flatnonzero(np.array(symbols) != "H")
    if not len(heavy):
        return list(range(len(symbols)))
    apart = np.linalg.norm(positions[:, None] - positions[None, heavy], axis=2)
    return [int(heavy[row.argmin()]) for row in apart]


def _with_owner(parts: Floats, owner: list[int]) -> Floats:
    """Parts (M, F, N) with each hydrogen's added to its heavy atom's."""
    summed = np.zeros_like(parts)
    for atom, place in enumerate(owner):
        summed[..., place] += parts[..., atom]
    return summed


def extended_xyz(frames: Floats, symbols: Sequence[str], departures: Sequence[Departure]) -> str:
    """Frames as extended XYZ [Angstrom], each with where and when it was met and which atoms were outside.

    Args:
        frames: Positions [nm], (F, N, 3).
        symbols: Chemical symbols, (N,).
        departures: One for each frame, (F,).
    """
    lines = []
    for positions, departure in zip(frames * 10.0, departures, strict=True):
        lines += [
            str(len(symbols)),
            "Properties=species:S:1:pos:R:3:outside:L:1 "
            f"environment={departure.environment} repeat={departure.repeat} time_ps={departure.time_ps:g} "
            f'distance={departure.distance:.3f} disagreement={departure.disagreement:.3f} pbc="F F F"',
        ]
        for atom, (symbol, place) in enumerate(zip(symbols, positions, strict=True)):
            x, y, z = (f"{value:14.8f}" for value in place)
            lines.append(f"{symbol:<2} {x} {y} {z} {'T' if atom in departure.atoms else 'F'}")
    return "\n".join(lines) + "\n"
