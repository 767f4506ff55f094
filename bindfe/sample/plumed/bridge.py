"""What an ``openmm.PythonForce`` calls: PLUMED's bias, calculated without update, and one update a step.

OpenMM calls a force more often than once a step: for energies only, in minimisation, in a barostat's trial
boxes, after checkpoints. So a call deposits nothing, with one exception: while a Context is armed, the first
call at a new step count issues PLUMED's update, for the configuration of that step. If the update may have
changed the bias, the call calculates again: forces of a step contain its own hill, a barostat's two energies
are of one bias, and a run that is cut into pieces, or restarted from its files, goes on as one run does.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import math
import os
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openmm

from bindfe.errors import InputError, SamplingError
from bindfe.sample.plumed.files import bias_strides, cut, outputs, picoseconds, would_cut
from bindfe.sample.plumed.find import find_kernel
from bindfe.sample.plumed.kernel import Floats, Kernel, KernelError
from bindfe.sample.plumed.script import plain_message, read_into, read_statements, scratch, with_included

_LOG = "plumed.log"
_NEVER = 2**62
_POSITIONS = openmm.State.Positions
# The wrapped methods cost 0.2 to 1 microsecond a call more than the functions that they call.
_step_count = openmm._openmm.State_getStepCount
_parameters = openmm._openmm.State_getParameters
_box_vectors = openmm._openmm.State_getPeriodicBoxVectors
_vectors_into = openmm._openmm.State__getVectorAsNumpy

_libc = ctypes.CDLL(None)

_tokens = itertools.count(1)
_bridges: weakref.WeakValueDictionary[str, Bridge] = weakref.WeakValueDictionary()


@dataclass(frozen=True, kw_only=True, slots=True)
class BiasSpec:
    """All that a bridge is made from, and all of it that is pickled."""

    identity: str
    """Tells one bias from another; copies of a System share it."""
    script: str
    """Text of the plumed.dat."""
    temperature: float
    """Temperature that PLUMED is told [K]."""
    kernel: str | None
    """Path of a kernel; None looks for one in the process that needs it."""
    directory: str
    """Where PLUMED's files lie; absolute."""
    restart: bool
    """Whether PLUMED goes on from its files when the bias is first armed in a process."""
    n_atoms: int
    """Number of atoms of the System."""
    atoms: tuple[int, ...]
    """Atoms that the variables need, ascending, (n,)."""
    masses: tuple[float, ...]
    """Their masses [amu], (n,)."""
    charges: tuple[float, ...]
    """Their charges [e], (n,)."""
    periodic: bool
    """Whether the System has a box."""

    @property
    def parameter(self) -> str:
        """Name of the global parameter by which the armed Context is known."""
        return f"plumed_armed_{self.identity}"


class Bridge:
    """A bias between OpenMM and one PLUMED instance. Pickles as its specification."""

    def __init__(self, spec: BiasSpec) -> None:
        """Make a bridge; the kernel is started when it is first needed."""
        self.spec = spec
        self._periodic, self._parameter = spec.periodic, spec.parameter
        self._kernel: Kernel | None = None
        self._live = False
        self._time_step = 0.0
        self._context: openmm.Context | None = None
        self._token = 0.0
        self._seen = -1
        self._exclusive = False
        self._home = Path.cwd()

    def __reduce__(self) -> tuple[Any, ...]:
        return open_bridge, (self.spec,)

    def __call__(self, state: openmm.State) -> tuple[float, Floats]:
        """Bias [kJ/mol] and forces [kJ/mol/nm], (n, 3), at a State of the needed atoms.

        Raises:
            SamplingError: The step count of the armed Context went back, or the bias is not finite.
        """
        step = _step_count(state)
        advances = step != self._seen and self._context is not None and self._advances(state, step)
        if self._kernel is None:
            self._start_probe()
        _vectors_into(state, _POSITIONS, self._positions)
        if self._scattered:
            self._all_positions[self._rows] = self._flat_positions
        if self._periodic:
            box = self._box
            (box[0], _, _), (box[3], box[4], _), (box[6], box[7], box[8]) = _box_vectors(state)
        try:
            if advances:
                energy = self._evaluate(step, self._advance)
                self._seen = step
            if not advances or step % self._stride == 0:
                energy = self._evaluate(step, self._calculate)
        except KernelError as error:
            raise SamplingError(f"step {step}: PLUMED says: {plain_message(str(error))}") from error
        if not math.isfinite(energy):
            raise SamplingError(
                f"step {step}: PLUMED's bias is {energy}; its variables are in COLVAR, if it is printed"
            )
        if self._scattered:
            self._all_forces.take(self._rows, 0, self._flat_forces, "clip")
        return energy, self._forces

    @property
    def kernel(self) -> Kernel | None:
        """The PLUMED instance, where there is one."""
        return self._kernel

    def arm(self, context: openmm.Context, *, exclusive: bool) -> None:
        """From the next step on, this Context deposits, and the process works in PLUMED's directory.

        Args:
            context: The Context.
            exclusive: No other Context is evaluated until it is disarmed. To tell them apart costs
                2.5 microseconds a step.

        Raises:
            SamplingError: Another Context is armed, its step count went back, or its time step changed.
        """
        if self._context is not None:
            raise SamplingError("the bias is armed already; a second Context needs a PlumedBias of its own")
        step, time_step = context.getStepCount(), _time_step(context)
        if self._live and step < self._seen:
            raise SamplingError(_went_back(self._seen, step))
        if self._live and time_step != self._time_step:
            raise SamplingError(
                f"the time step is {time_step} ps, but PLUMED counts its time in steps of {self._time_step} ps: make a "
                "new PlumedBias, with restart=True to keep the hills"
            )
        if not self._live:
            self._refuse_to_forget(step, time_step)
            self._start(step=step, time_step=time_step, restart=self.spec.restart)
        self._token = float(next(_tokens))
        context.setParameter(self.spec.parameter, self._token)
        self._home = Path.cwd()
        os.chdir(self.spec.directory)  # an update may open files; to change back and forth costs 15 microseconds
        self._context, self._exclusive = context, exclusive

    def disarm(self, *, commit: bool) -> None:
        """The armed Context deposits no more.

        Args:
            commit: Issue the update for the last configuration, and write all buffers to disk.

        Raises:
            SamplingError: A checkpoint or State was loaded while the Context was armed.
        """
        context = self._context
        if context is None:
            return
        try:
            if commit:
                self._finish(context)
        finally:
            self._context = None
            os.chdir(self._home)
            _libc.fflush(None)  # PLUMED flushes in an update only, and this step's may be over

    def restart_at(self, context: openmm.Context) -> None:
        """Start PLUMED again from its files, cut back to the step of a Context."""
        if self._context is not None:
            raise SamplingError("the bias is armed; restart PLUMED before the Context is armed, not while it is")
        self._start(step=context.getStepCount(), time_step=_time_step(context), restart=True)

    def close(self) -> None:
        """Free the PLUMED instance; its files are complete afterwards."""
        if self._kernel is not None:
            self._kernel.close()
        self._kernel, self._live = None, False

    def _advances(self, state: openmm.State, step: int) -> bool:
        """Whether this is the armed Context, at a step that it was not yet seen at."""
        if not self._exclusive and _parameters(state)[self._parameter] != self._token:
            return False  # another Context of the same System
        if step < self._seen:
            raise SamplingError(_went_back(self._seen, step))
        return True

    def _finish(self, context: openmm.Context) -> None:
        if context.getParameter(self.spec.parameter) != self._token:
            raise SamplingError(
                "a checkpoint or State was loaded into the Context while its bias was armed, and what followed was not "
                "deposited: load before the Context is armed, and call restart_at(context) if its step count went back"
            )
        kernel = self._kernel
        if context.getStepCount() != self._seen and kernel is not None:
            kernel.flush_at_updates(True)
            context.getState(energy=True, groups={self._group(context)})
            kernel.flush_at_updates(False)

    def _group(self, context: openmm.Context) -> int:
        for force in context.getSystem().getForces():
            if isinstance(force, openmm.PythonForce) and self.spec.parameter in force.getGlobalParameters():
                return int(force.getForceGroup())
        raise SamplingError("the System of the armed Context has no PlumedBias: call add_to(system) before it is made")

    def _evaluate(self, step: int, evaluate: Callable[[int], float]) -> float:
        if self._scattered:
            self._all_forces[self._rows] = 0.0
        else:
            self._forces.fill(0.0)
        return evaluate(step)

    def _refuse_to_forget(self, step: int, time_step: float) -> None:
        """A new Context counts from 0, and cutting there would throw all hills away."""
        if step > 0 or not self.spec.restart:
            return
        directory = Path(self.spec.directory)
        statements = with_included(read_statements(self.spec.script), directory)
        tick = time_step / picoseconds(statements)
        for path in outputs(statements, directory):
            lost = would_cut(path, time=0.0, time_step=tick)
            if lost:
                raise InputError(
                    f"restart=True, but the Context is at step 0 and {path} has {lost} lines of later steps, which "
                    "would be cut off: load the checkpoint that belongs to them or call context.setStepCount, or make "
                    "the PlumedBias without restart to begin anew"
                )

    def _start(self, *, step: int, time_step: float, restart: bool) -> None:
        """Start PLUMED in its directory, after its files were cut back to a step."""
        self.close()
        directory = Path(self.spec.directory)
        statements = with_included(read_statements(self.spec.script), directory)
        if restart:
            tick = time_step / picoseconds(statements)
            for path in outputs(statements, directory):
                cut(path, time=step * tick, time_step=tick)
        with contextlib.chdir(directory):
            self._bind(self._new_kernel(time_step, restart=restart))
        self._live, self._time_step, self._seen = True, time_step, -1

    def _start_probe(self) -> None:
        """Start PLUMED for energies and forces alone, where it cannot touch the files of a run."""
        with scratch(Path(self.spec.directory), script=self.spec.script):
            self._bind(self._new_kernel(0.001, restart=self.spec.restart))

    def _new_kernel(self, time_step: float, *, restart: bool) -> Kernel:
        spec = self.spec
        masses, charges = np.ones(spec.n_atoms), np.zeros(spec.n_atoms)
        masses[list(spec.atoms)], charges[list(spec.atoms)] = spec.masses, spec.charges
        kernel = Kernel(
            find_kernel(spec.kernel),
            masses=masses,
            charges=charges,
            temperature=spec.temperature,
            time_step=time_step,
            restart=restart,
            virial=False,
            log=_LOG,
        )
        read_into(kernel, read_statements(spec.script))
        return kernel

    def _bind(self, kernel: Kernel) -> None:
        """Lay views on the kernel's arrays, so that a call allocates nothing."""
        atoms = np.array(self.spec.atoms, dtype=np.int64)
        self._kernel, self._calculate, self._advance = kernel, kernel.calculate, kernel.advance
        strides = bias_strides(with_included(read_statements(self.spec.script), Path(self.spec.directory)))
        self._stride = math.gcd(*strides) or _NEVER
        self._box = (ctypes.c_double * 9).from_address(kernel.box.ctypes.data)
        self._scattered = bool(atoms[-1] - atoms[0] + 1 != len(atoms))
        self._all_positions, self._all_forces = kernel.positions.reshape(-1), kernel.forces.reshape(-1)
        self._rows = (3 * atoms[:, None] + np.arange(3)).reshape(-1)
        if self._scattered:
            self._positions, self._forces = np.zeros((len(atoms), 3)), np.zeros((len(atoms), 3))
        else:
            rows = slice(int(atoms[0]), int(atoms[-1]) + 1)
            self._positions, self._forces = kernel.positions[rows], kernel.forces[rows]
        self._flat_positions, self._flat_forces = self._positions.reshape(-1), self._forces.reshape(-1)


def open_bridge(spec: BiasSpec) -> Bridge:
    """The bridge of a specification in this process; copies of a System share one."""
    bridge = _bridges.get(spec.identity)
    if bridge is None:
        bridge = _bridges[spec.identity] = Bridge(spec)
    return bridge


def _time_step(context: openmm.Context) -> float:
    return float(context.getIntegrator().getStepSize().value_in_unit(openmm.unit.picosecond))


def _went_back(before: int, now: int) -> str:
    return (
        f"the Context is at step {now}, but PLUMED has deposited up to step {before}: after loading an earlier "
        "checkpoint call restart_at(context), which cuts HILLS and COLVAR back and starts PLUMED again from them"
    )
