"""Opening a System's XML without running somebody else's program.

OpenMM stores a PythonForce as a pickle and unpickles it when the XML is read, and a pickle may call anything.
Here it is first unpickled with dummies in place of everything that it would import, which tells the names and
runs nothing.
"""

from __future__ import annotations

import io
import pickle
import re
from importlib import import_module
from typing import Any

import openmm

from bindfe.errors import InputError

_PICKLE = re.compile(r"""<Force\b[^>]*?\bfunction=["']([^"']*)["']""")
_OURS = frozenset(f"bindfe.mlip.{name}" for name in ("hybrid", "region", "safety", "ani", "aimnet", "gfn"))
"""Modules that open nothing but weights with known checksums. An ASE calculator is a program of its user's
choice, and a MACE file a pickle: a System with one of them is built where it is used."""


def read_system(text: str) -> openmm.System:
    """Read a System from XML whose Python forces, if it has any, are bindfe's.

    Args:
        text: What ``openmm.XmlSerializer.serialize`` wrote.

    Raises:
        InputError: A force would import anything but bindfe's own ANI and AIMNet2, or cannot be read.
    """
    for content in _PICKLE.findall(text):
        foreign = [name for name in dict.fromkeys(_names(content)) if not _is_ours(name)]
        if foreign:
            raise InputError(
                f"the System's XML holds a Python force that would import {', '.join(foreign)}; only bindfe's own "
                "potentials are opened: build the System again from its inputs"
            )
    return openmm.XmlSerializer.deserialize(text)


class _Dummy:
    """Takes everything and does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass

    def __setitem__(self, _: Any, __: Any) -> None:
        pass

    def append(self, _: Any) -> None:
        pass

    def extend(self, _: Any) -> None:
        pass


class _Looker(pickle.Unpickler):
    """Notes names and imports nothing."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
        self.names: list[str] = []

    def find_class(self, module: str, name: str) -> Any:
        self.names.append(f"{module}:{name}")
        return _Dummy

    def persistent_load(self, _: Any) -> Any:
        raise pickle.UnpicklingError("it refers to something outside itself")


def _names(content: str) -> list[str]:
    looker = _Looker(b"")
    try:
        looker = _Looker(bytes.fromhex(content))
        looker.load()
    except (ValueError, EOFError, TypeError, IndexError, AttributeError, KeyError, pickle.UnpicklingError) as error:
        raise InputError(f"the System's XML holds a Python force that cannot be read ({error})") from error
    return looker.names


def _is_ours(name: str) -> bool:
    """Whether a name is a function or class that bindfe's own modules define, not one that they import."""
    module, _, attribute = name.partition(":")
    if module not in _OURS:
        return False
    found = getattr(import_module(module), attribute, None)
    return getattr(found, "__module__", "") == module and getattr(found, "__name__", "") == attribute
