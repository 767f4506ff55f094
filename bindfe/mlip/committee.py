"""What a committee of potentials offers to sampling, whoever made it."""

from __future__ import annotations

from typing import Protocol

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
