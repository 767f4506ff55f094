"""A committee's band on a surface and on its delta_g, by weighing stored frames to each member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bindfe.errors import EstimateError
from bindfe.estimate.convergence import statistical_inefficiency
from bindfe.estimate.surface import surface_from_samples
from bindfe.results import BiasedSamples, BindingRegions, Floats, Surface
from bindfe.units import kt_to_kcal


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberShift:
    """What each member changes in a difference between two regions."""

    shift_kcal_mol: Floats
    """Member's difference less that of the driver [kcal/mol], (M,)."""
    standard_error_kcal_mol: Floats
    """Standard error of the member's shift less the mean of all shifts [kcal/mol], (M,)."""
    n_effective: Floats
    """Samples that weighing to the member leaves, the fewer of both regions, (M,)."""
    trusted: bool
    """False if a member keeps fewer than 100 effective samples in a region: the shift may be off by any amount."""


_FEWEST = 100.0


def to_member(samples: BiasedSamples, u_member: Floats, u_driver: Floats) -> BiasedSamples:
    """Samples weighed to a member's potential: the log weight grows by u_driver - u_member.

    Args:
        samples: Stored frames with the weights that undo the bias.
        u_member: The member's reduced energy, less its reference offset [kT], (N,).
        u_driver: That of the potential that moved the frames [kT], (N,).

    Raises:
        EstimateError: The numbers of energies and samples differ.
    """
    if not len(u_member) == len(u_driver) == len(samples.bias):
        raise EstimateError(
            f"{len(u_member)} and {len(u_driver)} energies for {len(samples.bias)} samples: evaluate the same frames"
        )
    return replace(samples, bias=samples.bias + u_driver - u_member)


def member_surfaces(
    samples: BiasedSamples, u_mn: Floats, u_driver: Floats, axes: Sequence[Floats], *, periods: tuple[float | None, ...]
) -> tuple[Surface, ...]:
    """The surface under each member.

    Args:
        samples: Stored frames with the weights that undo the bias.
        u_mn: Reduced energy of each member on each frame, less its reference offset [kT], (M, N).
        u_driver: That of the potential that moved the frames [kT], (N,).
        axes: Grid.
        periods: Period of each variable.
    """
    return tuple(
        surface_from_samples(to_member(samples, u, u_driver), axes, periods=periods, n_bootstrap=20, seed=0)
        for u in u_mn
    )


def committee_band(surfaces: Sequence[Surface]) -> Surface:
    """Mean of the members' surfaces, with their standard deviation in place of the error.

    Each is put at equal weight over the whole grid before.

    Raises:
        EstimateError: Fewer than two members.
    """
    if len(surfaces) < 2:
        raise EstimateError("a committee's band needs at least two members")
    unit = kt_to_kcal(1.0, surfaces[0].temperature)
    free = np.array([s.free_energy_kcal_mol for s in surfaces])
    free = np.array([f + unit * np.log(np.exp(-f / unit).sum()) for f in free])
    mean = free.mean(axis=0)
    with np.errstate(invalid="ignore"):
        spread = free.std(axis=0, ddof=1)
    return replace(surfaces[0], free_energy_kcal_mol=mean - mean.min(), standard_error_kcal_mol=spread)


def member_shifts(samples: BiasedSamples, u_mn: Floats, u_driver: Floats, regions: BindingRegions) -> MemberShift:
    """How delta_g moves from the potential that drove the frames to each member.

    ::

        shift_m = -kT ln <e^(u_d - u_m)>_bound + kT ln <e^(u_d - u_m)>_unbound

    with averages over the weighed frames; what a member adds everywhere cancels. Errors are those of the shift less
    the mean of all members' shifts: they share frames, and what is common to them is in the sampling line.

    Args:
        samples: Stored frames with the weights that undo the bias.
        u_mn: Reduced energy of each member on each frame, less its reference offset [kT], (M, N).
        u_driver: That of the potential that moved the frames [kT], (N,).
        regions: Bound and unbound.

    Returns:
        The shifts; add them to delta_g for each member's value.

    Raises:
        EstimateError: A region holds no frame.
    """
    unit = kt_to_kcal(1.0, samples.temperature)
    bulk = np.any([region.contains(samples.cv) for region in regions.unbound], axis=0)
    parts = (regions.bound.contains(samples.cv), bulk)
    if not all(part.any() for part in parts):
        raise EstimateError("no stored frame lies in the site, or none in bulk: store frames more often")
    influence = np.zeros((len(u_mn), len(samples.bias)))
    shift, effective = np.zeros(len(u_mn)), np.full(len(u_mn), np.inf)
    for sign, inside in ((1.0, parts[0]), (-1.0, parts[1])):
        base = samples.bias[inside] + (samples.hold[inside] if sign > 0 else 0.0)
        weight = np.exp(base - base.max())
        weight /= weight.sum()
        for m, u in enumerate(u_mn):
            log_ratio = (u_driver - u)[inside]
            top = float(log_ratio.max())
            ratio = weight * np.exp(log_ratio - top)
            shift[m] += sign * -(np.log(ratio.sum()) + top)
            influence[m, inside] += sign * (weight - ratio / ratio.sum())
            effective[m] = min(effective[m], ratio.sum() ** 2 / float(np.sum(ratio**2)))
    influence -= influence.mean(axis=0)
    error = np.array([_error(samples, row) for row in influence])
    return MemberShift(
        shift_kcal_mol=unit * shift,
        standard_error_kcal_mol=unit * error,
        n_effective=effective,
        trusted=bool(effective.min() >= _FEWEST),
    )


def _error(samples: BiasedSamples, influence: Floats) -> float:
    variance = 0.0
    for walker in np.unique(samples.walker):
        series = influence[samples.walker == walker]
        variance += statistical_inefficiency(series) * float(np.sum(series**2))
    return float(np.sqrt(variance))
