"""Dispersion of one molecule: D3 with Becke-Johnson damping, from the library of its authors.

Source:
    Grimme, Ehrlich, Goerigk, J. Comput. Chem. 32, 1456 (2011), doi:10.1002/jcc.21759.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bindfe.errors import MissingDependency
from bindfe.units import KJ_PER_HARTREE

Floats = NDArray[np.float64]

_NM_PER_BOHR = 0.0529177210903  # CODATA 2018


class Dispersion:
    """D3(BJ) energy and forces of one molecule, two-body terms, from the library of its authors."""

    def __init__(self, numbers: Sequence[int], *, s6: float, s8: float, a1: float, a2: float) -> None:
        try:
            from dftd3.interface import DispersionModel, RationalDampingParam
        except ImportError as error:
            raise MissingDependency(f"AIMNet2 needs dftd3: pip install 'bindfe[mlip]' ({error})") from error
        where = np.arange(3.0 * len(numbers)).reshape(-1, 3)
        self._model = DispersionModel(np.array(numbers), where)
        damping: Any = RationalDampingParam
        self._damping = damping(s6=s6, s8=s8, s9=0.0, a1=a1, a2=a2)

    def energy(self, positions_nm: Floats) -> float:
        """Energy [kJ/mol] at (N, 3) [nm]."""
        self._model.update(positions_nm / _NM_PER_BOHR)
        return float(self._model.get_dispersion(self._damping, grad=False)["energy"]) * KJ_PER_HARTREE

    def energy_and_forces(self, positions_nm: Floats) -> tuple[float, Floats]:
        """Energy [kJ/mol] and forces [kJ/mol/nm], (N, 3), at (N, 3) [nm]."""
        self._model.update(positions_nm / _NM_PER_BOHR)
        result = self._model.get_dispersion(self._damping, grad=True)
        forces = np.asarray(result["gradient"], dtype=float) * (-KJ_PER_HARTREE / _NM_PER_BOHR)
        return float(result["energy"]) * KJ_PER_HARTREE, forces

    def of_atoms(self, positions_nm: Floats) -> Floats:
        """Atoms' halves of the pairs' energies [kJ/mol], (N,), at (N, 3) [nm]."""
        self._model.update(positions_nm / _NM_PER_BOHR)
        pairs = self._model.get_pairwise_dispersion(self._damping)["additive pairwise energy"]
        parts: Floats = np.asarray(pairs, dtype=float).sum(axis=1) * KJ_PER_HARTREE
        return parts
