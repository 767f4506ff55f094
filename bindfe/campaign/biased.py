"""Metadynamics in a campaign: the walkers of one repeat, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bindfe.errors import InputError
from bindfe.estimate.regions import after_equilibration, estimate_binding
from bindfe.estimate.surface import surface_from_samples
from bindfe.protocol import Protocol
from bindfe.results import Floats, Surface, SurfaceEstimate

if TYPE_CHECKING:
    from bindfe.build.path import LigandPath
    from bindfe.sample.metadynamics import Walker
    from bindfe.sample.plumedwords import BiasSettings


def sample_walkers(
    walkers: Sequence[Walker],
    path: LigandPath,
    protocol: Protocol,
    *,
    directory: Path,
    done: float,
    stored: Callable[[float, int], None],
) -> None:
    """Sample each walker of one repeat until it holds ``sampling.length``.

    Several take turns, piece by piece, so that each meets the others' hills and a run that was killed goes on as if it
    had not been.

    Args:
        walkers: The walkers.
        path: Variable and restraints.
        protocol: Bias and lengths.
        directory: The repeat's.
        done: Time that each walker has already [ps].
        stored: Called with the time that each walker has [ps] and their number, when a piece is on disk.
    """
    from bindfe.sample.metadynamics import sample_biased

    settings, script, length = bias_settings(path, protocol), _script(protocol), protocol.sampling.length
    piece, number = protocol.sampling.chunk_cycles * protocol.sampling.cycle_time, len(walkers)
    places = walker_directories(directory, protocol)
    while done < length - 1e-9:
        done = min(done + piece, length) if number > 1 else length
        for walker, place in zip(walkers, places, strict=True):
            sample_biased(
                walker,
                settings,
                directory=place,
                length=done,
                piece=piece,
                engine=protocol.metadynamics.engine,
                script=script,
                stored=(lambda time: stored(time, 1)) if number == 1 else None,
            )
        stored(done, number)


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


def _script(protocol: Protocol) -> str | None:
    name = protocol.metadynamics.script
    if not name:
        return None
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"metadynamics.script: {name}: cannot be read as UTF-8 text: {error}") from error


def estimate_walkers(
    path: LigandPath,
    protocol: Protocol,
    *,
    repeat: int,
    directory: Path,
    seed: int,
    grid: Floats,
    n_bootstrap: int,
) -> tuple[SurfaceEstimate, Surface]:
    """One repeat's estimate and its surface.

    Raises:
        EstimateError: A region was never visited, or the hills are of another run.
    """
    from bindfe.sample.biasedfiles import read_biased

    settings = protocol.metadynamics
    samples = read_biased(
        walker_directories(directory, protocol), bias_settings(path, protocol), weighting=settings.weighting
    )
    estimate = estimate_binding(samples, path.regions, repeat=repeat, discard=settings.discard)
    kept = after_equilibration(samples, discard=settings.discard)
    surface = surface_from_samples(kept, [grid], periods=(None,), n_bootstrap=n_bootstrap, seed=seed)
    return estimate, surface
