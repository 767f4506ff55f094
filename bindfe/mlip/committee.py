"""What a committee of potentials offers to sampling, whoever made it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


class Committee(Protocol):
    """Several potentials of one molecule; the mean of their energies can drive dynamics.

    Anything with these members can: a network, or a force field in an OpenMM Context (the tests'
    plug). It pickles as a handle, because it rides in a System's XML.
    """

    @property
    def name(self) -> str:
        """Name of the model, for example ``ani2x``."""

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the members, (M,)."""

    def energies(self, positions_nm: ArrayLike) -> Floats:
        """Energies of all members [kJ/mol], (M, F), on frames (F, N, 3) [nm]."""

    def mean_energy_and_forces(self, positions_nm: ArrayLike) -> tuple[float, Floats]:
        """Mean of the members' energies [kJ/mol] and its forces [kJ/mol/nm], (N, 3), at (N, 3) [nm]."""


@runtime_checkable
class DividesCommittee(Protocol):
    """A committee whose members can be taken alone: one of them drives at the cost of one."""

    def subset(self, members: Sequence[int]) -> Committee:
        """The same committee with these members, by number, in this order."""


@runtime_checkable
class GivesMemberForces(Protocol):
    """A committee that gives the forces of each member at once, as a weight that depends on them needs."""

    def energies_and_forces(self, positions_nm: ArrayLike) -> tuple[Floats, Floats]:
        """Energies (M,) [kJ/mol] and forces (M, N, 3) [kJ/mol/nm] of all members at (N, 3) [nm]."""


@runtime_checkable
class DescribesAtoms(Protocol):
    """A committee that also says what each atom contributes and how it sees its surroundings.

    What a disagreement is laid on, atom by atom, and what a distance from the known is measured in.
    """

    def atomic_energies(self, positions_nm: ArrayLike) -> Floats:
        """Atoms' parts of the members' energies [kJ/mol], (M, F, N), on frames (F, N, 3) [nm].

        They sum over atoms to ``energies`` up to a constant of each member.
        """

    def features(self, positions_nm: ArrayLike) -> Floats:
        """Descriptors of the atoms' surroundings (F, N, D), no unit, on frames (F, N, 3) [nm]."""
