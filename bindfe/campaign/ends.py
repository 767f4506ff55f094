"""The physical ends of a calculation's cycle: where they are, their Systems, and what was stored of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bindfe.errors import InputError
from bindfe.protocol import Protocol
from bindfe.results import Floats
from bindfe.states import LegKind
from bindfe.store import Run

if TYPE_CHECKING:
    from bindfe.build.legfiles import Environment, PlainSystem


def environments(protocol: Protocol) -> tuple[Environment, Environment]:
    """Where the ligand is at both ends; delta_g is the first's free energy less the second's."""
    return ("water", "gas") if protocol.hydration else ("bound", "free")


def leg_of(protocol: Protocol, environment: Environment) -> tuple[LegKind, str]:
    """The leg whose end is this environment, and which end: ``first`` or ``last`` state."""
    if protocol.hydration:
        return (LegKind.SOLVENT if environment == "water" else LegKind.VACUUM), "first"
    if protocol.alchemy.method == "transfer":
        return LegKind.TRANSFER, "last" if environment == "bound" else "first"
    return (LegKind.COMPLEX if environment == "bound" else LegKind.SOLVENT), "first"


def plain_end(run: Run, protocol: Protocol, name: str, environment: Environment) -> PlainSystem:
    """The physical System of an environment."""
    from bindfe.build.legfiles import load_plain

    return load_plain(run.prepared(name, leg_of(protocol, environment)[0]), environment)


def ligand_frames(run: Run, protocol: Protocol, name: str, environment: Environment, repeat: int) -> Floats:
    """Stored coordinates of the ligand [nm], (F, n_ligand, 3): the last atoms of each frame."""
    count = len(plain_end(run, protocol, name, environment).ligand_atoms)
    frames: Floats = _solute_frames(run, protocol, name, environment, repeat)[:, -count:]
    return frames


def end_frames(
    run: Run, protocol: Protocol, name: str, environment: Environment, repeat: int
) -> tuple[Floats, Floats | None]:
    """Stored coordinates of all atoms of an environment's physical System, and its boxes.

    Returns:
        Coordinates [nm], (F, n_atoms, 3), and box vectors [nm], (F, 3, 3), or None without a box.

    Raises:
        InputError: None were stored, which a run without ``committee.correction: switching`` does not do.
        StoreError: Nothing is stored, or a chunk is damaged.
    """
    plain = plain_end(run, protocol, name, environment)
    if plain.box is None:
        frames: Floats = _solute_frames(run, protocol, name, environment, repeat)
        return frames[:, -plain.system.getNumParticles() :], None
    from bindfe.sample.exchange import read_whole_frames

    whole, boxes = read_whole_frames(run.repeat(name, leg_of(protocol, environment)[0], repeat))
    if len(whole) == 0:
        raise InputError(
            f"{name} ({environment}), repeat {repeat}: no frames of all atoms were stored to start switches from. "
            "Set committee.switching.frames_every below the number of cycles, and sample with "
            "committee.correction: switching"
        )
    return whole, boxes


def _solute_frames(run: Run, protocol: Protocol, name: str, environment: Environment, repeat: int) -> Floats:
    """Stored coordinates of receptor and ligand [nm], (F, atoms, 3)."""
    from bindfe.sample.exchange import read_frames

    kind, end = leg_of(protocol, environment)
    return read_frames(run.repeat(name, kind, repeat), end=end)
