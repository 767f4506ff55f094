"""Energies of a committee, and of the force field, on frames that something else sampled.

A committee is data about energies: it does not drive anything here. Offsets (atomisation energies,
6e5 kJ/mol for benzene) are subtracted before anything is stored, the same constants in every
environment, so that they cancel from every free energy difference exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bindfe.errors import EstimateError
from bindfe.mlip.committee import Committee
from bindfe.results import CommitteeEnergies
from bindfe.units import thermal_energy

Floats = NDArray[np.float64]


class MolecularEnergy(Protocol):
    """Anything that gives the energy of one molecule on frames, as ``mlip.internal.InternalEnergy``."""

    def energies(self, positions_nm: ArrayLike) -> Floats:
        """Energies [kJ/mol], (F,), on frames (F, N, 3) [nm]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offsets:
    """Mean energies over one reference set of frames: the zero of each potential.

    One record for a ligand, stored, and used in the bound and the free environment alike.
    """

    members_kj_mol: tuple[float, ...]
    """Mean energy of each member [kJ/mol], (M,)."""
    mm_kj_mol: float
    """Mean internal energy of the force field [kJ/mol]."""

    @property
    def mean_gap_kj_mol(self) -> float:
        """Mean of (committee mean - force field) [kJ/mol]: less it, the two potentials share a scale."""
        return float(np.mean(self.members_kj_mol)) - self.mm_kj_mol

    def gap_kj_mol(self, member: int) -> float:
        """Mean of (one member - force field) [kJ/mol]."""
        return self.members_kj_mol[member] - self.mm_kj_mol


def reference_offsets(frames: ArrayLike, *, committee: Committee, internal: MolecularEnergy) -> Offsets:
    """Choose the zeros of the potentials: their means over some frames of the ligand.

    Any frames will do, because a constant cancels; those of the free ligand make the stored numbers small.

    Args:
        frames: Positions of the ligand [nm], (F, N, 3); a dozen are enough.
        committee: Potentials of the ligand.
        internal: The force field's internal energy of the ligand.

    Raises:
        EstimateError: An energy is not finite.
    """
    members, mm = _finite(committee.energies(frames), "committee"), _finite(internal.energies(frames), "force field")
    return Offsets(members_kj_mol=tuple(members.mean(axis=1).tolist()), mm_kj_mol=float(mm.mean()))


def rescore(
    frames: ArrayLike,
    *,
    committee: Committee,
    internal: MolecularEnergy,
    offsets: Offsets,
    temperature: float,
    environment: str,
    driver: str = "mm",
) -> CommitteeEnergies:
    """Evaluate every member and the force field on stored frames of the ligand.

    Args:
        frames: Positions of the ligand's atoms [nm], (F, N, 3), whole (not wrapped into a box).
        committee: Potentials of the ligand.
        internal: The force field's internal energy of the ligand.
        offsets: Zeros of the potentials; the same in every environment.
        temperature: Temperature of the frames [K].
        environment: ``bound`` or ``free``.
        driver: What sampled the frames: ``mm``, ``mean`` or a member's name.

    Returns:
        Reduced energies less the offsets, frames in the given order.

    Raises:
        EstimateError: An energy is not finite.
        InputError: The frames do not fit the committee's molecule.
    """
    kt = thermal_energy(temperature)
    members = _finite(committee.energies(frames), "committee")
    mm = _finite(internal.energies(frames), "force field")
    return CommitteeEnergies(
        u_mn=(members - np.array(offsets.members_kj_mol)[:, None]) / kt,
        u_mm=(mm - offsets.mm_kj_mol) / kt,
        members=committee.members,
        environment=environment,
        driver=driver,
    )


def _finite(energies: Floats, source: str) -> Floats:
    bad = np.nonzero(~np.isfinite(energies).reshape(-1, energies.shape[-1]).all(axis=0))[0]
    if len(bad):
        raise EstimateError(f"the {source}'s energy of frame {bad[0]} is not finite ({len(bad)} frames in all)")
    return energies
