"""GFN2-xTB and GFN-FF for molecules with metals: potentials of a whole complex, and the charges of GFN2.

Both are calculators of ASE (:mod:`bindfe.mlip.ase`); here they pickle as a name and numbers, so that a System's XML
that holds one is opened by :mod:`bindfe.mlip.handle`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bindfe.errors import InputError, MissingDependency
from bindfe.mlip.ase import AseCommittee, AseFactory
from bindfe.mlip.catalogue import check_electrons

Floats = NDArray[np.float64]
Method = Literal["gfn2", "gfnff"]

GET = "pip install 'bindfe[metal]'"
"""How to get both methods."""

_FACTORIES: dict[Method, str] = {"gfn2": "bindfe.mlip.ase:gfn2_xtb", "gfnff": "bindfe.mlip.gfn:gfn_ff"}
_TITLES: dict[Method, str] = {"gfn2": "GFN2-xTB", "gfnff": "GFN-FF"}


def gfn_ff(*, charge: int = 0) -> Any:
    """GFN-FF of gfnff; its bonds are those of the first geometry that it meets."""
    try:
        from gfnff import GFNFF
    except ImportError as error:
        raise MissingDependency(f"GFN-FF needs gfnff: {GET} ({error})") from error
    return GFNFF(charge=charge)


def check_methods() -> None:
    """Refuse at once where a package of either method is absent.

    Raises:
        MissingDependency: ASE, tblite or gfnff is absent; the message says how to get them.
    """
    absent = [name for name in ("ase", "tblite", "gfnff") if find_spec(name) is None]
    if absent:
        raise MissingDependency(f"complexes of metals need {' and '.join(absent)}, which is not installed: {GET}")


class GfnCommittee(AseCommittee):
    """One member: a GFN method for one molecule, whatever its elements.

    GFN2-xTB is a quantum method, so bonds may change; its cost grows with the third power of the atoms (0.03 s a
    call for 27 atoms, 0.9 s for 81, one slow core). Threads that share a core wait for each other: 0.6 instead of
    0.03 s a call were seen, so set OMP_NUM_THREADS. GFN-FF is a force field whose bonds are those of ``reference``;
    1-5 ms a call. It does not know that a d10 line is a line, nor holds cis square planes (angles of 126 instead of
    180 and 129 instead of 166 deg were seen): use it for what is far from the metal, or where GFN2 costs too much.

    Source:
        Bannwarth, Ehlert, Grimme, J. Chem. Theory Comput. 15, 1652 (2019), doi:10.1021/acs.jctc.8b01176;
        Spicher, Grimme, Angew. Chem. Int. Ed. 59, 15665 (2020), doi:10.1002/anie.202004239.
    """

    def __init__(self, method: Method, *, numbers: Sequence[int], reference: ArrayLike, charge: int = 0) -> None:
        """Make the calculator and let it meet the reference.

        Args:
            method: ``gfn2`` or ``gfnff``.
            numbers: Atomic number of each atom, (N,).
            reference: A sound geometry [nm], (N, 3).
            charge: Total charge [e]; the shell is closed.

        Raises:
            InputError: No such method, an odd number of electrons, or a reference of another shape.
            MissingDependency: ASE, tblite or gfnff is absent.
            SamplingError: The method gives no energy at the reference.
        """
        if method not in _FACTORIES:
            raise InputError(f"there is no method '{method}' for metals; known: {', '.join(_FACTORIES)}")
        check_electrons(numbers, charge=charge, multiplicity=1, open_shells=False, title=_TITLES[method])
        x = np.asarray(reference, dtype=float)
        super().__init__(
            _TITLES[method],
            [AseFactory(function=_FACTORIES[method], arguments={"charge": charge})],
            numbers=numbers,
        )
        self.method, self.charge = method, charge
        self._reference = tuple(map(tuple, x.tolist()))
        self.reference_energy = float(self.energies(x[None])[0, 0])
        """Energy at the reference [kJ/mol]."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the handle."""
        return _reopen_gfn, (self.method, self.numbers, self._reference, self.charge)


def gfn2_charges(numbers: Sequence[int], positions_nm: ArrayLike, *, charge: int = 0) -> Floats:
    """Mulliken charges of GFN2-xTB [e], (N,), at a geometry [nm], (N, 3); they sum to ``charge``.

    Raises:
        InputError: An odd number of electrons.
        MissingDependency: ASE or tblite is absent.
    """
    check_electrons(numbers, charge=charge, multiplicity=1, open_shells=False, title=_TITLES["gfn2"])
    try:
        from ase import Atoms

        from bindfe.mlip.ase import gfn2_xtb

        calculator = gfn2_xtb(charge=charge)
    except ImportError as error:
        raise MissingDependency(f"charges of GFN2-xTB need tblite and ase: {GET} ({error})") from error
    atoms = Atoms(numbers=numbers, positions=10.0 * np.asarray(positions_nm, dtype=float), calculator=calculator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found = np.asarray(atoms.get_charges(), dtype=float)
    neutral: Floats = found - (found.sum() - charge) / len(found)
    return neutral


def _reopen_gfn(
    method: Method, numbers: tuple[int, ...], reference: tuple[tuple[float, float, float], ...], charge: int
) -> GfnCommittee:
    return GfnCommittee(method, numbers=numbers, reference=reference, charge=charge)
