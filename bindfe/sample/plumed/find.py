"""Where a PLUMED kernel lies on this machine, and three ways to get one."""

from __future__ import annotations

import os
import sys
from ctypes.util import find_library
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from bindfe.errors import MissingDependency

_SUFFIX = "dylib" if sys.platform == "darwin" else "so"
_NAME = f"libplumedKernel.{_SUFFIX}"

THREE_WAYS = (
    "pip install --no-deps hillclimber (brings a kernel; never without --no-deps), "
    "or set PLUMED_KERNEL to the libplumedKernel of a PLUMED that you compiled or that a module provides, "
    "or run in a conda environment that has plumed from conda-forge"
)
"""The ways to get a kernel, fastest to install first and fastest to run last."""


def find_kernel(named: Path | str | None = None) -> Path:
    """The kernel library to load: the one that is named, then PLUMED_KERNEL, then what is installed.

    A kernel that the user points to goes first because those of packages may be slower: hillclimber 0.1.8
    compiles its own without optimisation.

    Args:
        named: Path of a kernel; None looks for one.

    Raises:
        MissingDependency: There is none, or the one that is named does not exist.
    """
    if named is not None:
        return _existing(Path(named), "the kernel that was asked for")
    if os.environ.get("PLUMED_KERNEL"):
        return _existing(Path(os.environ["PLUMED_KERNEL"]), "PLUMED_KERNEL")
    for candidate in (_of_hillclimber(), Path(sys.prefix) / "lib" / _NAME):
        if candidate is not None and candidate.is_file():
            return candidate
    library = find_library("plumedKernel")
    if library is not None:
        return Path(library)
    raise MissingDependency(f"there is no PLUMED kernel ({_NAME}) on this machine: {THREE_WAYS}")


def has_openmm_plumed() -> bool:
    """Whether the compiled plugin openmm-plumed is installed; bindfe does not use it.

    Its PlumedForce deposits hills whenever anybody asks for an energy (openmm-plumed 2.1).
    """
    return find_spec("openmmplumed") is not None


def _existing(path: Path, source: str) -> Path:
    if not path.is_file():
        raise MissingDependency(f"{source} is {path}, which does not exist. To get a PLUMED kernel: {THREE_WAYS}")
    return path


def _of_hillclimber() -> Path | None:
    try:
        found = distribution("hillclimber").locate_file(f"plumed/_lib/lib/{_NAME}")
    except PackageNotFoundError:
        return None
    return Path(str(found))
