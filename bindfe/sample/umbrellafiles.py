"""What umbrella sampling is asked for, and its files: nothing is simulated here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bindfe.errors import StoreError
from bindfe.results import Floats, Integers, PullingTrace, UmbrellaSamples, UmbrellaWindow
from bindfe.sample.dynamics import Replica
from bindfe.sample.metadynamics import Walker
from bindfe.store import Arrays, read_arrays
from bindfe.variables import BiasedVariable, Hold

Direction = Literal["out", "in"]


@dataclass(frozen=True, kw_only=True, slots=True)
class UmbrellaSettings:
    """How windows are placed and sampled."""

    variable: BiasedVariable
    """The variable, from the site (``low``) to bulk (``high``); ``width`` is not used."""
    holds: tuple[Hold, ...] = ()
    """Restraints that act in all windows."""
    temperature: float = 298.15
    """Temperature [K]."""
    spring: float = 1000.0
    """Least spring of a window [kJ/mol/unit^2]."""
    pull_spring: float = 5000.0
    """Spring of the pulls [kJ/mol/unit^2]."""
    pull_time: float = 100.0
    """Time of each pull [ps]."""
    cycle_time: float = 0.5
    """Dynamics of each window between exchanges [ps]."""
    chunk_cycles: int = 20
    """Cycles in each stored chunk."""
    trial_cycles: int = 20
    """Cycles after which overlap is checked and windows are added."""
    minimum_overlap: float = 0.1
    """Overlap of neighbours below which a window is added (0 to 1)."""
    start_from: Direction = "out"
    """Which pull gives the windows' starts: a guest that is pushed in may jam at the portal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulls:
    """A pull from the site to bulk, the pull back, and coordinates along both."""

    outward: PullingTrace
    """From ``low`` to ``high``."""
    inward: PullingTrace
    """From ``high`` to ``low``."""
    positions: dict[Direction, Floats]
    """Coordinates at each rung [nm], (N, atoms, 3)."""
    velocities: dict[Direction, Floats]
    """Velocities at each rung [nm/ps], (N, atoms, 3)."""
    boxes: dict[Direction, Floats] | None
    """Boxes at each rung [nm], (N, 3, 3); None without a box."""


def read_all_pulls(settings: UmbrellaSettings, directory: Path) -> Pulls:
    """Both pulls of a run with the coordinates along them."""
    arrays = read_arrays(directory / "pull.npz")
    ways: tuple[Direction, Direction] = ("out", "in")
    outward, inward = read_pulls(settings, directory)
    return Pulls(
        outward=outward,
        inward=inward,
        positions={way: arrays[f"{way}_positions"] for way in ways},
        velocities={way: arrays[f"{way}_velocities"] for way in ways},
        boxes={way: arrays[f"{way}_box"] for way in ways} if "out_box" in arrays else None,
    )


def chunk_paths(directory: Path) -> tuple[Path, ...]:
    """The stored chunks of a run, in order."""
    return tuple(sorted(directory.glob("chunk-*.npz")))


def read_windows(directory: Path) -> tuple[UmbrellaWindow, ...]:
    """The windows of a run."""
    arrays = read_arrays(directory / "windows.npz")
    pairs = zip(arrays["centre"], arrays["spring"], strict=True)
    return tuple(UmbrellaWindow(centre=float(c), spring=float(k)) for c, k in pairs)


def pack_replicas(replicas: Sequence[Replica]) -> Arrays:
    """Replicas as arrays to be stored."""
    arrays: Arrays = {
        "positions": np.array([replica.positions for replica in replicas]),
        "velocities": np.array([replica.velocities for replica in replicas]),
    }
    if replicas[0].box is not None:
        arrays["box"] = np.array([replica.box for replica in replicas])
    return arrays


def unpack_replicas(arrays: Arrays) -> list[Replica]:
    """Replicas from stored arrays."""
    boxes = arrays.get("box")
    return [
        Replica(positions=p, velocities=v, box=None if boxes is None else boxes[i])
        for i, (p, v) in enumerate(zip(arrays["positions"], arrays["velocities"], strict=True))
    ]


def read_umbrella(walker: Walker, settings: UmbrellaSettings, directory: Path) -> UmbrellaSamples:
    """All stored cycles of a run; nothing is simulated.

    Raises:
        StoreError: Nothing is stored, or a file is damaged.
    """
    paths = chunk_paths(directory)
    if not paths:
        raise StoreError(f"{directory}: no samples are stored yet")
    return samples_of(settings, read_windows(directory), [read_arrays(path) for path in paths], seed=walker.seed)


def read_pulls(settings: UmbrellaSettings, directory: Path) -> tuple[PullingTrace, PullingTrace]:
    """Both pulls of a run, outward and inward."""
    arrays = read_arrays(directory / "pull.npz")
    out, back = (
        PullingTrace(centre=arrays[f"{way}_centre"], value=arrays[f"{way}_value"], spring=settings.pull_spring)
        for way in ("out", "in")
    )
    return out, back


def samples_of(
    settings: UmbrellaSettings, windows: Sequence[UmbrellaWindow], chunks: Sequence[Arrays], *, seed: int
) -> UmbrellaSamples:
    """Chunks one after the other; a replica keeps its number from chunk to chunk."""
    name_of: Integers = np.arange(len(windows))
    replicas = []
    for chunk in chunks:
        replicas.append(name_of[chunk["replica"]])
        name_of = name_of[chunk["order"]]
    return UmbrellaSamples(
        name=settings.variable.label,
        centre=np.array([w.centre for w in windows]),
        spring=np.array([w.spring for w in windows]),
        period=settings.variable.period,
        value=np.concatenate([chunk["value"] for chunk in chunks], axis=1),
        hold=np.concatenate([chunk["hold"] for chunk in chunks], axis=1),
        replica=np.concatenate(replicas, axis=1),
        cycle_ps=settings.cycle_time,
        temperature=settings.temperature,
        seed=seed,
    )
