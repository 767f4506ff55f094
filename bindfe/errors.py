"""The exception tree of bindfe: everything a user can meet derives from one class.

::

    BindfeError
    ├── InputError            a file, ligand or table cannot be used as it is
    │   └── ProtocolError     the protocol file: key path, line, nearest valid key
    ├── RestraintError        a restraint has no well-defined free energy
    ├── SamplingError         dynamics failed: leg, state, step, seed and where the reproducer lies
    ├── EstimateError         samples do not determine the free energy (which states do not overlap)
    │   └── ConvergenceError  a gate was not passed: what was seen, and the time that is needed
    ├── StoreError            a run directory is unreadable, full or belongs to another protocol
    └── MissingDependency     an optional package or model weight is absent, and how to get it

Each class carries the exit code that the command line returns for it.
"""

from __future__ import annotations


class BindfeError(Exception):
    """Base of all errors that bindfe raises on purpose."""

    exit_code: int = 1


class InputError(BindfeError):
    """A file, ligand or table cannot be used as it is; the message names it and says what to do."""

    exit_code = 2


class ProtocolError(InputError):
    """The protocol file is wrong; the message has the line, the key path and the nearest valid key."""

    exit_code = 3


class RestraintError(BindfeError):
    """A restraint has no well-defined free energy, or no anchors could be found."""

    exit_code = 4


class SamplingError(BindfeError):
    """Dynamics failed; the message names leg, state, step and seed, and where the reproducer lies."""

    exit_code = 5


class EstimateError(BindfeError):
    """The samples do not determine the free energy that was asked for."""

    exit_code = 6


class ConvergenceError(EstimateError):
    """A gate was not passed, so no value is reported; the message says what was seen and the time needed."""


class StoreError(BindfeError):
    """A run directory cannot be read, cannot be written, or belongs to another protocol."""

    exit_code = 7


class MissingDependency(BindfeError):
    """An optional package or a model's weights are absent; the message says how to get them."""

    exit_code = 8
