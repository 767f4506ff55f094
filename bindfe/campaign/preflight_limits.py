"""Whether a calculation's time and disk are what the user allows, or what anybody would."""

from __future__ import annotations

from dataclasses import dataclass

from bindfe.campaign.preflight_cost import Cost, Worker
from bindfe.chem.findings import Finding, failed, passed, warned
from bindfe.protocol import Protocol

_LONGEST = {True: (30.0, "30 days"), False: (365.0, "a year")}
"""Wall time on GPUs, and on CPU cores, above which something is wrong although no limit was given [days]."""

_LARGEST_GB = 1000.0
"""Disk above which it is so [GB]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a calculation may cost."""

    hours: float | None = None
    """Wall time [h]."""
    gigabytes: float | None = None
    """Disk [GB]."""


def cost_findings(cost: Cost, protocol: Protocol, *, limits: Limits, worker: Worker) -> tuple[Finding, ...]:
    """Whether time and disk are within what the user gave, or are absurd; the estimate, if they are neither.

    Args:
        cost: The estimate.
        protocol: What was estimated; its lengths are told.
        limits: What it may cost. Without a limit 30 days on GPUs, a year on CPU cores and 1 TB are taken as a slip.
        worker: What the time is for.
    """
    words = f"about {_hours(cost.hours)} on {cost.device} for {cost.nanoseconds:.3g} ns, and {_size(cost.gigabytes)}"
    return (*_time(cost, protocol, limits, worker), *_disk(cost, protocol, limits)) or (passed("cost", words),)


def _time(cost: Cost, protocol: Protocol, limits: Limits, worker: Worker) -> tuple[Finding, ...]:
    about = f"about {_hours(cost.hours)} on {cost.device}"
    if limits.hours is not None:
        if cost.hours <= limits.hours:
            return ()
        advice = "shorten sampling.length, take fewer ligands or repeats, or a GPU node"
        return (failed("wall-time", f"{about}, and the limit is {_hours(limits.hours)}", advice=advice),)
    days, called = _LONGEST[worker.gpu]
    if cost.hours <= 24 * days:
        return ()
    node = "" if worker.gpu else "take a GPU node (a GPU is taken as 150 cores), or "
    return (
        warned(
            "wall-time",
            f"{about}, and more than {called} is hardly meant",
            advice=f"{node}shorten sampling.length ({_length(protocol)} in each state: is the unit right?), "
            f"repeats.number ({protocol.repeats.number}) or ligands.names; --limit-hours sets another limit",
        ),
    )


def _disk(cost: Cost, protocol: Protocol, limits: Limits) -> tuple[Finding, ...]:
    advice = "raise sampling.frames_every or sampling.cycle_time, or shorten sampling.length"
    about = f"about {_size(cost.gigabytes)} of disk"
    if limits.gigabytes is not None:
        if cost.gigabytes <= limits.gigabytes:
            return ()
        return (failed("disk", f"{about}, and the limit is {_size(limits.gigabytes)}", advice=advice),)
    if cost.gigabytes <= _LARGEST_GB:
        return ()
    now = f"sampling.cycle_time is {protocol.sampling.cycle_time:g} ps and sampling.length {_length(protocol)}"
    words = f"{about}, and more than {_size(_LARGEST_GB)} is hardly meant"
    return (warned("disk", words, advice=f"{advice} ({now}); --limit-disk sets another limit"),)


def _length(protocol: Protocol) -> str:
    return f"{protocol.sampling.length / 1000:g} ns"


def _hours(hours: float) -> str:
    if hours > 2 * 365 * 24:
        return f"{hours / 24 / 365:.3g} years"
    return f"{hours / 24:.3g} days" if hours > 48 else f"{hours:.2g} h" if hours >= 1 else f"{60 * hours:.2g} min"


def _size(gigabytes: float) -> str:
    if gigabytes >= 1000:
        return f"{gigabytes / 1000:.3g} TB"
    return f"{gigabytes:.3g} GB" if gigabytes >= 1 else f"{1000 * gigabytes:.2g} MB"
