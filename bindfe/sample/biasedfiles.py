"""From the files of a biased run to weighted samples; nothing is simulated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bindfe.errors import InputError, SamplingError
from bindfe.estimate.hills import Weighting, bias_along, weigh
from bindfe.interop.plumed import read_hills, read_samples, read_table
from bindfe.results import BiasedSamples, Floats, Hills
from bindfe.sample.plumedwords import HOLD, BiasSettings
from bindfe.variables import BiasedVariable


def read_biased(
    directories: Sequence[Path], settings: BiasSettings, *, weighting: Weighting = "tiwary-parrinello"
) -> BiasedSamples:
    """All walkers of a repeat as weighted samples; nothing is simulated.

    Args:
        directories: One for each walker.
        settings: What was run.
        weighting: How metadynamics' samples are weighed; those of OPES weigh e^(bias/kT).

    Returns:
        The samples with their weights.

    Raises:
        InputError: A file is missing or of another run.
        EstimateError: The hills do not belong to the samples.
        SamplingError: The walkers did not see one another's hills.
    """
    samples = read_samples(
        [directory / "COLVAR" for directory in directories],
        variables=[each.variable.name for each in settings.variables],
        labels=[each.label for each in settings.variables],
        bias=None if settings.method == "metad" else "bias.bias",
        hold=HOLD if settings.holds else None,
        temperature=settings.temperature,
    )
    if settings.method != "metad":
        return samples
    hills = read_walkers_hills(directories, settings)
    if len(directories) > 1:
        check_walkers(directories, samples, hills)
    return weigh(samples, hills, [_axis(each) for each in settings.variables], method=weighting)


def read_walkers_hills(directories: Sequence[Path], settings: BiasSettings) -> Hills:
    """The hills of all walkers, in the order of time.

    Raises:
        InputError: A walker's file is missing.
    """
    if settings.walkers == 1:
        return read_hills([directory / "HILLS" for directory in directories])
    paths = [directory.parent / "hills" / f"HILLS.{number}" for number, directory in enumerate(directories)]
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise InputError(f"{missing[0]}: a walker's hills are missing: its process died or wrote elsewhere")
    return read_hills(paths)


def check_walkers(directories: Sequence[Path], samples: BiasedSamples, hills: Hills) -> None:
    """Refuse walkers whose bias, as PLUMED printed it, is that of their own hills alone.

    Walkers read one another's hills now and then, so the bias of the last tenth of the time lies between the sum of
    all hills and that of the walker's own; it must be nearer to the first.

    Raises:
        SamplingError: With the walker and its directory.
    """
    for number, directory in enumerate(directories):
        table = read_table(directory / "COLVAR")
        mine = np.flatnonzero(samples.walker == number)
        late = mine[len(mine) - max(1, len(mine) // 10) :]
        printed = dict(zip(table.column("time"), table.column("bias.bias"), strict=True))
        seen = np.array([printed[time] for time in samples.time[late]])
        shared = bias_along(hills, samples.cv[late], samples.time[late])
        own = bias_along(
            read_hills([directory.parent / "hills" / f"HILLS.{number}"]), samples.cv[late], samples.time[late]
        )
        if np.mean(np.abs(seen - own)) < np.mean(np.abs(seen - shared)) and np.mean(np.abs(shared - own)) > 0.1:
            raise SamplingError(
                f"walker {number} ({directory}) did not see the hills of the others: its bias is that of its own. "
                "All walkers need one directory that they can write to and read from at the same time"
            )


def _axis(each: BiasedVariable) -> Floats:
    """Grid for the offset of the bias: the sampled range, a quarter of a Gaussian apart."""
    low, high = (-math.pi, math.pi) if each.period is not None else (each.low, each.high)
    count = math.ceil(4 * (high - low) / each.width)
    step = (high - low) / count
    return np.asarray(low + step * (np.arange(count) + 0.5))
