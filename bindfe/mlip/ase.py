"""Calculators of ASE as a committee: semiempirical methods, and any potential that comes as a calculator.

A calculator is named by an importable function and its arguments, so that the committee pickles as a handle.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bindfe.errors import InputError, MissingDependency, SamplingError

Floats = NDArray[np.float64]

_ANGSTROM_PER_NM = 10.0
_KJ_PER_EV = 96.48533212331  # e N_A, CODATA 2018 (exact)


@dataclass(frozen=True, kw_only=True, slots=True)
class AseFactory:
    """A function that makes an ASE calculator, by name."""

    function: str
    """``module:function``, importable where the committee is opened; a class is a function too."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments: the charge belongs here if the calculator takes one."""

    def make(self) -> Any:
        """Make the calculator.

        Raises:
            InputError: There is no such function, or it does not take the arguments.
            MissingDependency: Its module, or one that it needs, is absent.
        """
        module, _, name = self.function.partition(":")
        try:
            made = getattr(importlib.import_module(module), name)
        except (ImportError, ValueError) as error:
            raise MissingDependency(f"the calculator {self.function} cannot be imported ({error})") from error
        except AttributeError as error:
            raise InputError(f"{self.function} names no calculator: {module} has no '{name}'") from error
        try:
            return made(**self.arguments)
        except ImportError as error:
            raise MissingDependency(f"the calculator {self.function} needs a package ({error})") from error
        except TypeError as error:
            raise InputError(f"{self.function} does not take {dict(self.arguments)} ({error})") from error


class AseCommittee:
    """ASE calculators of one molecule, each a member; satisfies ``Committee`` and ``DividesCommittee``.

    Energies are in whatever precision the calculator has; :func:`~bindfe.mlip.contract.check_potential` says
    whether that is enough.
    """

    def __init__(self, name: str, factories: Sequence[AseFactory], *, numbers: Sequence[int]) -> None:
        """Make the calculators.

        Args:
            name: What the committee is called.
            factories: One member each.
            numbers: Atomic number of each atom of the molecule, (N,).

        Raises:
            InputError: A factory does not name a calculator, or there is none.
            MissingDependency: ASE or a calculator's package is absent.
        """
        if not factories:
            raise InputError(f"{name} needs one calculator at least")
        self.name = name
        self.numbers = tuple(int(number) for number in numbers)
        self._factories = tuple(factories)
        self._atoms = [_molecule(self.numbers, factory.make()) for factory in self._factories]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the handle."""
        return _reopen, (self.name, self._factories, self.numbers)

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the members, (M,)."""
        return tuple(f"{self.name}-{member}" for member in range(len(self._factories)))

    def subset(self, members: Sequence[int]) -> AseCommittee:
        """The same committee with these members, by number, in this order; their names start at 0 again."""
        return _reopen(self.name, tuple(self._factories[member] for member in members), self.numbers)

    def energies(self, positions_nm: ArrayLike) -> Floats:
        """Energies of all members [kJ/mol], (M, F), on frames (F, N, 3) [nm], one by one.

        Raises:
            InputError: The frames have another number of atoms.
            SamplingError: A calculator failed.
        """
        frames = np.asarray(positions_nm, dtype=float)
        if frames.ndim != 3 or frames.shape[1:] != (len(self.numbers), 3):
            raise InputError(f"frames of shape (any, {len(self.numbers)}, 3) are needed, found {frames.shape}")
        energies = [[self._calculate(atoms, frame, forces=False)[0] for frame in frames] for atoms in self._atoms]
        return np.array(energies, dtype=float).reshape(len(self._atoms), len(frames))

    def mean_energy_and_forces(self, positions_nm: ArrayLike) -> tuple[float, Floats]:
        """Mean of the members' energies [kJ/mol] and of their forces [kJ/mol/nm], (N, 3), at (N, 3) [nm]."""
        frame = np.asarray(positions_nm, dtype=float)
        results = [self._calculate(atoms, frame, forces=True) for atoms in self._atoms]
        return float(np.mean([energy for energy, _ in results])), np.mean([forces for _, forces in results], axis=0)

    def _calculate(self, atoms: Any, frame: Floats, *, forces: bool) -> tuple[float, Floats]:
        from ase.calculators.calculator import CalculatorError

        atoms.positions = frame * _ANGSTROM_PER_NM
        try:
            found = atoms.get_forces() * (_KJ_PER_EV * _ANGSTROM_PER_NM) if forces else np.empty((0, 3))
            return float(atoms.get_potential_energy()) * _KJ_PER_EV, np.asarray(found, dtype=float)
        except (CalculatorError, RuntimeError, ValueError) as error:
            raise SamplingError(
                f"{self.name} gave no energy ({error}); the geometry may be far from any molecule"
            ) from error


def gfn2_xtb(*, charge: int = 0, multiplicity: int = 1) -> Any:
    """GFN2-xTB of tblite, each point from its own start, so that an energy depends on the positions alone."""
    from tblite.ase import TBLite

    return TBLite(
        method="GFN2-xTB", charge=charge, multiplicity=multiplicity, accuracy=0.01, cache_api=False, verbosity=0
    )


def _molecule(numbers: Sequence[int], calculator: Any) -> Any:
    try:
        from ase import Atoms
        from ase.calculators.abc import GetPropertiesMixin
    except ImportError as error:
        raise MissingDependency(f"ASE calculators need ase: pip install 'bindfe[xtb]' ({error})") from error
    if not isinstance(calculator, GetPropertiesMixin):
        raise InputError(f"a {type(calculator).__name__} is not an ASE calculator")
    return Atoms(numbers=numbers, positions=np.zeros((len(numbers), 3)), calculator=calculator)


def _reopen(name: str, factories: tuple[AseFactory, ...], numbers: tuple[int, ...]) -> AseCommittee:
    return AseCommittee(name, factories, numbers=numbers)
