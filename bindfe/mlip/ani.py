"""The ANI committees on a CPU: energies of all members, forces of their mean.

Weights are read by torchani's own assembler; evaluation is ours, compiled where numba is installed.

openmm-ml 1.8 has ANI too; its forces are ten times too small, so it is never used.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from bindfe.errors import InputError
from bindfe.mlip.ani_weights import AniNetworks, ani_networks
from bindfe.mlip.catalogue import check_covers, model_named
from bindfe.units import KJ_PER_HARTREE

logger = logging.getLogger(__name__)

Floats = NDArray[np.float64]

_ANGSTROM_PER_NM = 10.0


class AniCommittee:
    """An ANI committee for one molecule; satisfies :class:`bindfe.mlip.committee.Committee`.

    Pickles as a handle (model, elements, members): the weights are found again where it is opened.
    """

    def __init__(
        self,
        model: str,
        *,
        numbers: Sequence[int],
        charge: int = 0,
        members: Sequence[int] | None = None,
        threads: int = 1,
    ) -> None:
        """Open a committee.

        Args:
            model: ``ani2x``, ``ani1x`` or ``ani1ccx``.
            numbers: Atomic number of each atom of the molecule, (N,).
            charge: Formal charge of the molecule [e].
            members: Which networks to keep; all by default.
            threads: Threads that torch uses in this process from now on. One molecule gains little from
                more than one, results depend on their number in the last bits, and torch's own choice,
                all cores, makes two workers on two cores fight for them.

        Raises:
            InputError: The molecule or a member is outside the model.
            MissingDependency: torchani or the weights are absent or unreadable.
        """
        known = model_named(model)
        check_covers(model, numbers, charge=charge)
        self._members = tuple(range(known.n_members)) if members is None else tuple(members)
        if not self._members or not set(self._members) <= set(range(known.n_members)):
            raise InputError(f"{known.title} has members 0 to {known.n_members - 1}, not {self._members}")
        self.name = model
        self.numbers = tuple(int(number) for number in numbers)
        torch.set_num_threads(threads)
        networks = ani_networks(model, self.numbers, self._members)
        self._self_energy = networks.self_energy
        self._engine = _engine(networks)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the handle, not the 55 MB of weights."""
        return _open_committee, (self.name, self.numbers, self._members)

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the members, (M,)."""
        return tuple(f"{self.name}-{member}" for member in self._members)

    def subset(self, members: Sequence[int]) -> AniCommittee:
        """The same committee with fewer members: one costs a third of eight."""
        return AniCommittee(self.name, numbers=self.numbers, members=[self._members[member] for member in members])

    @property
    def compiled(self) -> bool:
        """Whether numba evaluates it; else torch does, four to six times slower."""
        return type(self._engine).__name__ == "CompiledAni"

    def energies(self, positions_nm: ArrayLike) -> Floats:
        """Energies of all members [kJ/mol], (M, F), on frames (F, N, 3) [nm]; self energies included.

        Raises:
            InputError: The frames have another number of atoms.
        """
        frames = self._frames(positions_nm)
        if not len(frames):
            return np.empty((len(self._members), 0))
        summed: Floats = self._engine.atomic_energies(frames).sum(axis=2)
        return (summed + self._self_energy) * KJ_PER_HARTREE

    def mean_energy_and_forces(self, positions_nm: ArrayLike) -> tuple[float, Floats]:
        """Mean of the members' energies [kJ/mol] and minus its gradient [kJ/mol/nm], (N, 3), at (N, 3) [nm].

        Compiled networks run in single precision here; they differ from ``energies`` by less than 1e-3 kJ/mol.

        Raises:
            InputError: There is another number of atoms.
        """
        positions = np.ascontiguousarray(positions_nm, dtype=float)
        if positions.shape != (len(self.numbers), 3):
            raise InputError(f"positions of shape ({len(self.numbers)}, 3) are needed, found {positions.shape}")
        energy, gradient = self._engine.mean_energy_and_gradient(positions * _ANGSTROM_PER_NM)
        return (energy + self._self_energy) * KJ_PER_HARTREE, gradient * (-KJ_PER_HARTREE * _ANGSTROM_PER_NM)

    def atomic_energies(self, positions_nm: ArrayLike) -> Floats:
        """Atoms' parts of the members' energies [kJ/mol], (M, F, N), on frames (F, N, 3) [nm]; no self energies.

        Raises:
            InputError: The frames have another number of atoms.
        """
        frames = self._frames(positions_nm)
        if not len(frames):
            return np.empty((len(self._members), 0, len(self.numbers)))
        return self._engine.atomic_energies(frames) * KJ_PER_HARTREE

    def features(self, positions_nm: ArrayLike) -> Floats:
        """Atomic environment vectors (F, N, D) on frames (F, N, 3) [nm]: columns of the molecule's elements.

        Raises:
            InputError: The frames have another number of atoms.
        """
        return self._engine.features(self._frames(positions_nm))

    def _frames(self, positions_nm: ArrayLike) -> Floats:
        frames = np.ascontiguousarray(positions_nm, dtype=float)  # torchani cannot read the strides of frames[:, atoms]
        if frames.ndim != 3 or frames.shape[1:] != (len(self.numbers), 3):
            raise InputError(f"frames of shape (any, {len(self.numbers)}, 3) are needed, found {frames.shape}")
        return frames * _ANGSTROM_PER_NM


class _Engine(Protocol):
    """Networks of one molecule in Angstrom and Hartree, without self energies."""

    def atomic_energies(self, frames: Floats) -> Floats: ...

    def mean_energy_and_gradient(self, positions: Floats) -> tuple[float, Floats]: ...

    def features(self, frames: Floats) -> Floats: ...


def _engine(networks: AniNetworks) -> _Engine:
    try:
        import numba  # noqa: F401
    except ImportError as error:
        logger.warning("ANI runs through torch, four to six times slower than compiled: pip install numba (%s)", error)
        from bindfe.mlip.ani_torch import TorchAni

        return TorchAni(networks)
    from bindfe.mlip.ani_compiled import CompiledAni

    return CompiledAni(networks)


def _open_committee(model: str, numbers: tuple[int, ...], members: tuple[int, ...]) -> AniCommittee:
    return AniCommittee(model, numbers=numbers, members=members)
