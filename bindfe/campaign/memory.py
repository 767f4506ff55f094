"""Whether a calculation fits the machine's memory, asked before it starts."""

from __future__ import annotations

import os

from bindfe.errors import InputError
from bindfe.protocol import Protocol
from bindfe.results import PreparedLeg

_BYTES_PER_ATOM = 200
"""Of one replica: coordinates and velocities in double precision, here, in the file and in transit."""

_BYTES_OF_WORKER = 600e6
"""Python, OpenMM, a Context and a chunk of energies, measured on a 25,000-atom System."""


def needed_bytes(leg: PreparedLeg, *, cycles: int) -> float:
    """Memory of one worker that samples a leg [bytes]."""
    states = len(leg.parameters)
    return _BYTES_OF_WORKER + states * leg.n_atoms * _BYTES_PER_ATOM + cycles * states**2 * 8.0


def available_bytes() -> float:
    """Free memory of this machine [bytes]; infinite where the system does not tell."""
    try:
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (ValueError, OSError, AttributeError):
        return float("inf")


def check_memory(protocol: Protocol, legs: tuple[PreparedLeg, ...], *, workers: int) -> None:
    """Refuse a calculation whose replicas do not fit into memory.

    Raises:
        InputError: More is needed than there is; the message says how much, and what makes it less.
    """
    largest = max(legs, key=lambda leg: needed_bytes(leg, cycles=protocol.sampling.chunk_cycles))
    needed = workers * needed_bytes(largest, cycles=protocol.sampling.chunk_cycles)
    free = available_bytes()
    if needed > free:
        raise InputError(
            f"{largest.ligand}/{largest.kind.value}: {len(largest.parameters)} replicas of {largest.n_atoms} atoms on "
            f"{workers} workers need about {needed / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB are free: "
            "use fewer compute.workers, fewer lambda states or a smaller sampling.chunk_cycles"
        )
