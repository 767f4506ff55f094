"""A ligand's committee and its zeros, the same in every environment of a calculation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bindfe.campaign.ends import environments, ligand_frames, plain_end
from bindfe.protocol import Protocol
from bindfe.results import Floats
from bindfe.store import Run, read_record, write_record

if TYPE_CHECKING:
    from bindfe.build.legfiles import PlainSystem
    from bindfe.mlip.committee import Committee
    from bindfe.sample.rescore import Offsets

_REFERENCE_FRAMES = 20


def committee_directory(run: Run, name: str) -> Path:
    """Where what the committee says of a ligand lies."""
    return run.ligand(name) / "committee"


def committee_of(protocol: Protocol, plain: PlainSystem) -> Committee:
    """The protocol's committee for the ligand of a System.

    Raises:
        InputError: The model does not cover the ligand; the message names the atoms.
        MissingDependency: The package or the weights are absent.
    """
    from bindfe.mlip import open_committee

    atoms = list(plain.topology.atoms())
    numbers = [atoms[i].element.atomic_number for i in plain.ligand_atoms]
    return open_committee(protocol.committee.model, numbers=numbers, charge=plain.ligand_charge)


def offsets_of(run: Run, protocol: Protocol, name: str, committee: Committee) -> Offsets:
    """The zeros of the potentials, from the free ligand's frames of the first repeat; chosen once and stored."""
    from bindfe.mlip.internal import InternalEnergy
    from bindfe.sample.rescore import Offsets, reference_offsets

    path = committee_directory(run, name) / "offsets.json"
    if not path.exists():
        frames = thin(ligand_frames(run, protocol, name, environments(protocol)[1], 0), _REFERENCE_FRAMES)
        plain = plain_end(run, protocol, name, environments(protocol)[1])
        internal = InternalEnergy.of(plain.system, plain.ligand_atoms)
        write_record(path, reference_offsets(frames, committee=committee, internal=internal))
    return read_record(path, Offsets)


def thin(frames: Floats, most: int) -> Floats:
    """At most so many frames, evenly spaced."""
    kept: Floats = frames[np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).astype(int))]
    return kept
