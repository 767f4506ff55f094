"""Umbrella sampling in a campaign: the windows of one repeat, and what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bindfe.estimate.surface import surface_from_samples
from bindfe.estimate.umbrella import estimate_umbrella, weigh_umbrella
from bindfe.protocol import Protocol
from bindfe.results import Floats, LegEstimate, Surface, SurfaceEstimate

if TYPE_CHECKING:
    from bindfe.build.path import LigandPath
    from bindfe.sample.metadynamics import Walker
    from bindfe.sample.umbrella import UmbrellaSettings


def sample_windows(
    walker: Walker,
    path: LigandPath,
    protocol: Protocol,
    *,
    repeat: int,
    directory: Path,
    done: float,
    stored: Callable[[float, int], None],
) -> None:
    """Sample each window of one repeat until it holds ``sampling.length``.

    Args:
        walker: System, start and dynamics.
        path: Variable and restraints.
        protocol: Windows and lengths.
        repeat: Which repeat.
        directory: The repeat's.
        done: Time that each window has already [ps].
        stored: Called with the time that each window has [ps] and their number, when a chunk is on disk.
    """
    from bindfe.sample.umbrella import read_windows, sample_umbrella

    settings, length = umbrella_settings(path, protocol, repeat=repeat), protocol.sampling.length
    while done < length - 1e-9:
        done = min(done + settings.chunk_cycles * settings.cycle_time, length)
        sample_umbrella(walker, settings, directory=directory, length=done)
        stored(done, len(read_windows(directory)))


def umbrella_settings(path: LigandPath, protocol: Protocol, *, repeat: int) -> UmbrellaSettings:
    """The protocol's windows; where both pulls give starts, even repeats take the one out of the site."""
    from bindfe.sample.umbrella import UmbrellaSettings

    settings, sampling = protocol.umbrella, protocol.sampling
    inward = settings.starts == "in" or (settings.starts == "both" and repeat % 2 == 1)
    return UmbrellaSettings(
        variable=path.variable,
        holds=path.holds,
        temperature=sampling.temperature,
        spring=settings.spring,
        pull_spring=settings.pull_spring,
        pull_time=settings.pull_time,
        cycle_time=sampling.cycle_time,
        chunk_cycles=sampling.chunk_cycles,
        trial_cycles=settings.trial_cycles,
        minimum_overlap=settings.trial_overlap,
        start_from="in" if inward else "out",
    )


def estimate_windows(
    walker: Walker,
    path: LigandPath,
    protocol: Protocol,
    *,
    repeat: int,
    directory: Path,
    seed: int,
    grid: Floats,
    n_bootstrap: int,
) -> tuple[SurfaceEstimate, Surface, LegEstimate]:
    """One repeat's estimate, its surface, and the windows as the states of a leg.

    Raises:
        EstimateError: Windows do not overlap, or none reaches a region.
    """
    from bindfe.sample.umbrella import read_umbrella

    samples = read_umbrella(walker, umbrella_settings(path, protocol, repeat=repeat), directory)
    estimate, leg = estimate_umbrella(
        samples,
        path.regions,
        repeat=repeat,
        seed=seed,
        n_bootstrap=n_bootstrap,
        minimum_overlap=protocol.estimator.minimum_overlap,
        discard=protocol.umbrella.discard,
    )
    weighed = weigh_umbrella(samples, discard=protocol.umbrella.discard)
    surface = surface_from_samples(weighed, [grid], periods=(None,), n_bootstrap=n_bootstrap, seed=seed)
    return estimate, surface, leg


def windows_alone(leg: LegEstimate) -> LegEstimate:
    """The leg without its first and last state, bound and unbound, which nothing sampled: what the page shows."""
    inner = slice(1, -1)
    return replace(
        leg,
        f_k=leg.f_k[inner],
        covariance=leg.covariance[inner, inner],
        overlap=leg.overlap[inner, inner],
        n_effective=leg.n_effective[inner],
        mixing=replace(leg.mixing, transitions=leg.mixing.transitions[inner, inner]),
    )
