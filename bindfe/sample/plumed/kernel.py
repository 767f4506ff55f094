"""The door to a PLUMED kernel: its symbol table through ctypes, in OpenMM's units.

No Python module of the name ``plumed`` is imported: two distributions own it, and one of them has no kernel.
Functions are called through the table's ``cmd_safe_nothrow``, which hands errors to a handler instead of
throwing C++ exceptions.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bindfe.errors import BindfeError, MissingDependency
from bindfe.sample.plumed.find import THREE_WAYS
from bindfe.units import thermal_energy

Floats = NDArray[np.float64]

_INTEGRAL, _FLOATING = 3, 4
_POINTER, _CONST_POINTER = 2, 3
_PERSISTENT_POINTERS = 10
"""API version from which a kernel keeps the pointers of one step for the next (PLUMED 2.10)."""


class KernelError(BindfeError):
    """PLUMED refused a command; the text is its own. Callers say to what it belongs."""


class _SafePointer(ctypes.Structure):
    _fields_: ClassVar = [
        ("ptr", ctypes.c_void_p),
        ("nelem", ctypes.c_size_t),
        ("shape", ctypes.c_void_p),
        ("flags", ctypes.c_size_t),
        ("opt", ctypes.c_void_p),
    ]


_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)


class _NoThrow(ctypes.Structure):
    _fields_: ClassVar = [("ptr", ctypes.c_void_p), ("handler", _HANDLER)]


# PYFUNCTYPE keeps the interpreter's lock: giving it up and taking it back costs more than most commands.
_COMMAND = ctypes.PYFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, _SafePointer, _NoThrow)
_CREATE = ctypes.PYFUNCTYPE(ctypes.c_void_p)
_FINALIZE = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)


class _SymbolTable(ctypes.Structure):
    _fields_: ClassVar = [
        ("version", ctypes.c_int),
        ("create", _CREATE),
        ("cmd", ctypes.c_void_p),
        ("finalize", _FINALIZE),
        ("cmd_nothrow", ctypes.c_void_p),
        ("cmd_safe", ctypes.c_void_p),
        ("cmd_safe_nothrow", _COMMAND),
    ]


_raised: list[str] = []
"""What the handler heard during the command that is running; the interpreter's lock guards it."""


def _hear(_self: int | None, _code: int, what: bytes | None, _options: int | None) -> None:
    _raised.append((what or b"no message").decode(errors="replace"))


_NOTHROW = _NoThrow(None, _HANDLER(_hear))
_NOTHING = _SafePointer(None, 0, None, 0, None)


@lru_cache
def _symbol_table(path: Path) -> _SymbolTable:
    try:
        table = _SymbolTable.in_dll(ctypes.CDLL(str(path)), "plumed_symbol_table")
    except (OSError, ValueError) as error:
        raise MissingDependency(
            f"{path} cannot be used as a PLUMED kernel: {error}. To get one: {THREE_WAYS}"
        ) from error
    if table.version < 3:
        raise MissingDependency(f"{path} is older than PLUMED 2.8, the oldest that bindfe can call. {THREE_WAYS}")
    return table


class Kernel:
    """One PLUMED instance in OpenMM's units (nm, ps, kJ/mol, amu, e).

    Arrays that PLUMED reads and writes belong to the instance and stay where they are: ``positions`` and
    ``forces`` (n_atoms, 3), ``box`` and ``virial`` (3, 3). Rows of atoms that no variable needs are neither
    read nor written.
    """

    def __init__(
        self,
        library: Path,
        *,
        masses: Floats,
        charges: Floats,
        temperature: float,
        time_step: float,
        restart: bool,
        virial: bool,
        log: Path | str,
    ) -> None:
        """Make an instance that is ready to read input.

        Args:
            library: The kernel, see :func:`bindfe.sample.plumed.find.find_kernel`.
            masses: Masses [amu], (n_atoms,).
            charges: Charges [e], (n_atoms,).
            temperature: Temperature that the script's biases are told [K].
            time_step: Time between two steps [ps], for the clock in PLUMED's files.
            restart: Whether PLUMED appends to its files and reads its hills.
            virial: Whether ``virial`` is calculated, too; it is added to what stands there.
            log: File for PLUMED's log, relative to the working directory.

        Raises:
            MissingDependency: The library is no kernel.
        """
        self.table = _symbol_table(library)
        self.library = library
        self.n_atoms = len(masses)
        self.masses, self.charges = np.array(masses, dtype=float), np.array(charges, dtype=float)
        self.positions = np.zeros((self.n_atoms, 3))
        self.forces = np.zeros((self.n_atoms, 3))
        self.box = np.zeros((3, 3))
        self.virial = np.zeros((3, 3))
        self.step = ctypes.c_int64(0)
        self.bias = ctypes.c_double(0.0)
        self._instance = ctypes.c_void_p(self.table.create())
        self.close = weakref.finalize(self, self.table.finalize, self._instance)
        self._tell("setRealPrecision", 8)
        for unit in ("Length", "Time", "Energy", "Mass", "Charge"):
            self._tell(f"setMD{unit}Units", 1.0)
        self._tell("setMDEngine", "OpenMM")
        self._tell("setNatoms", self.n_atoms)
        self._tell("setTimestep", time_step)
        self._tell("setKbT", thermal_energy(temperature))
        self._tell("setRestart", int(restart))
        self._tell("setLogFile", str(log))
        if not virial:
            self.command("setNoVirial")
        self.command("init")
        self.api = self.ask("getApiVersion")
        self.calculate = self._calculator(b"prepareCalc", b"performCalcNoUpdate")
        self.advance = self._calculator(b"calc")

    def read(self, text: str) -> None:
        """Read lines of a script.

        Raises:
            KernelError: PLUMED's own message.
        """
        self._tell("readInputLines", text)

    def knows(self, action: str) -> bool:
        """Whether the kernel was built with an action."""
        return bool(self.ask(f"checkAction {action}"))

    def command(self, name: str) -> None:
        """Issue a command without arguments.

        Raises:
            KernelError: PLUMED's own message.
        """
        self._issue(name, _NOTHING)

    def ask(self, name: str) -> int:
        """Issue a command that answers with a whole number."""
        answer = ctypes.c_int(0)
        self._issue(name, _pointer(answer, 4, _INTEGRAL))
        return answer.value

    def flush_at_updates(self, wanted: bool) -> None:
        """Whether an update also writes every file's buffer to disk, and what a script writes at checkpoints."""
        self._tell("doCheckPoint", int(wanted))

    def needed_atoms(self) -> list[int]:
        """Atoms that the script's variables need, in ascending order.

        PLUMED knows them after its first calculation only, for which any positions do: what that calculation
        says is not used, and an error in it (a variable outside of its grid) belongs to those positions.
        """
        spread = max(1.0, self.n_atoms ** (1 / 3) / 4)
        self.positions[:] = np.random.default_rng(0).random((self.n_atoms, 3)) * spread
        try:
            self.calculate(0)
        except KernelError:
            _raised.clear()
        count = self.ask("createFullList")
        listed = ctypes.POINTER(ctypes.c_int)()
        self._issue("getFullList", _SafePointer(ctypes.addressof(listed), 0, None, 0, None))  # unchecked
        atoms = sorted(listed[i] for i in range(count))
        self.command("clearFullList")
        return atoms

    def _calculator(self, *commands: bytes) -> Callable[[int], float]:
        """A function of the step that adds forces and virial to what stands there, and returns the bias [kJ/mol].

        ``calculate`` updates nothing; ``advance`` also deposits and prints, and its bias is that before the
        update. Everything that does not change from call to call is bound once.
        """
        issue, instance, step, bias = self.table.cmd_safe_nothrow, self._instance, self.step, self.bias
        at_step = _pointer(step, 8, _INTEGRAL)
        at_bias = _pointer(bias, 8, _FLOATING)
        arrays = [
            (name, _SafePointer(array.ctypes.data, 0, None, _flags(8, _FLOATING, _POINTER), None))
            for name, array in (
                (b"setPositions", self.positions),
                (b"setMasses", self.masses),
                (b"setCharges", self.charges),
                (b"setBox", self.box),
                (b"setForces", self.forces),
                (b"setVirial", self.virial),
            )
        ]
        set_always = () if self.api >= _PERSISTENT_POINTERS else arrays
        started = False

        def calculate(number: int) -> float:
            nonlocal started
            step.value = number
            issue(instance, b"setStepLong", at_step, _NOTHROW)
            for name, array in set_always if started else arrays:
                issue(instance, name, array, _NOTHROW)
            started = True
            for command in commands:
                issue(instance, command, _NOTHING, _NOTHROW)
            issue(instance, b"getBias", at_bias, _NOTHROW)
            if _raised:
                raise _error()
            return bias.value

        return calculate

    def _tell(self, name: str, value: int | float | str) -> None:
        if isinstance(value, str):
            text = ctypes.create_string_buffer(value.encode())
            pointer = _SafePointer(ctypes.addressof(text), len(text), None, _flags(1, _INTEGRAL, _CONST_POINTER), None)
        elif isinstance(value, int):
            pointer = _pointer(ctypes.c_int(value), 4, _INTEGRAL)
        else:
            pointer = _pointer(ctypes.c_double(value), 8, _FLOATING)
        self._issue(name, pointer)

    def _issue(self, name: str, pointer: _SafePointer) -> None:
        _raised.clear()
        self.table.cmd_safe_nothrow(self._instance, name.encode(), pointer, _NOTHROW)
        if _raised:
            raise _error()


def _flags(size: int, kind: int, pointer: int) -> int:
    """How PLUMED's type checks are told what is passed (plumed_safeptr in Plumed.h)."""
    return size | kind << 16 | pointer << 25


def _pointer(value: Any, size: int, kind: int) -> _SafePointer:
    pointer = _SafePointer(ctypes.addressof(value), 1, None, _flags(size, kind, _POINTER), None)
    pointer.value = value  # keeps it alive as long as the pointer
    return pointer


def _error() -> KernelError:
    text = " ".join(_raised)
    _raised.clear()
    return KernelError(text)
