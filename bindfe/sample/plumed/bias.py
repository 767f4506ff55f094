"""``PlumedBias(script).add_to(system)``: a plumed.dat as a force of any OpenMM System."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from openmm import unit

from bindfe.errors import InputError, SamplingError
from bindfe.sample.plumed.bridge import BiasSpec, Bridge, open_bridge
from bindfe.sample.plumed.find import find_kernel
from bindfe.sample.plumed.script import check_script, read_statements

_UNSUITABLE = (openmm.RPMDIntegrator, openmm.VariableLangevinIntegrator, openmm.VariableVerletIntegrator)


class PlumedBias:
    """A PLUMED bias for one System.

    ::

        bias = PlumedBias(Path("plumed.dat").read_text(), temperature=300.0)
        bias.add_to(system)
        context = openmm.Context(system, integrator)
        bias.step(context, 500_000)

    Energies and forces include the bias everywhere; hills and printed lines come only from steps that are taken
    in :meth:`step` or :meth:`armed`, once for each step count, the first and the last included. PLUMED works in
    OpenMM's units unless the script says UNITS, and is told the temperature.
    """

    def __init__(
        self,
        script: str,
        *,
        temperature: float,
        kernel: Path | None = None,
        directory: Path | str = ".",
        restart: bool = False,
    ) -> None:
        """Take a script.

        Args:
            script: Text of a plumed.dat, accepted as it is.
            temperature: Temperature of the simulation [K].
            kernel: A kernel library; None takes PLUMED_KERNEL or what is installed.
            directory: Where the script's files lie and PLUMED writes its own; it must exist.
            restart: Go on from the HILLS, KERNELS and COLVAR in ``directory``, cut back to the step count
                of the Context that is armed first. Without it PLUMED moves them aside, as it always does.

        Raises:
            InputError: The directory does not exist, or a continuation in the script is not closed.
        """
        read_statements(script)
        self.script = script
        self.temperature = temperature
        self.kernel = kernel
        self.directory = Path(directory).absolute()
        self.restart = restart
        if not self.directory.is_dir():
            raise InputError(f"{self.directory}, where PLUMED is to work, is not a directory: make it first")
        self._spec: BiasSpec | None = None
        self._bridge: Bridge | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_bridge": None}

    @property
    def atoms(self) -> tuple[int, ...]:
        """Atoms that the script's variables need, (n,); known after :meth:`add_to`."""
        return self._known().atoms

    def add_to(self, system: openmm.System) -> int:
        """Add the bias as a force, after PLUMED has read the script.

        Args:
            system: Any System; it gets one ``openmm.PythonForce`` on the atoms that the variables need.

        Returns:
            Index of the force.

        Raises:
            InputError: PLUMED refuses the script (its line and PLUMED's message), METAD has no grid, or the bias
                belongs to a System already.
            MissingDependency: There is no PLUMED kernel.
        """
        if self._spec is not None:
            raise InputError("this bias belongs to a System already: make another PlumedBias for another System")
        masses = np.array(
            [system.getParticleMass(i).value_in_unit(unit.dalton) for i in range(system.getNumParticles())]
        )
        needed = check_script(self.script, kernel=find_kernel(self.kernel), masses=masses, directory=self.directory)
        atoms = needed or (0,)  # VOLUME needs none, and no particles would mean all
        charges = _charges(system)
        self._spec = BiasSpec(
            identity=uuid.uuid4().hex[:12],
            script=self.script,
            temperature=self.temperature,
            kernel=None if self.kernel is None else str(self.kernel),
            directory=str(self.directory),
            restart=self.restart,
            n_atoms=len(masses),
            atoms=atoms,
            masses=tuple(float(masses[atom]) for atom in atoms),
            charges=tuple(charges[atom] for atom in atoms),
            periodic=system.usesPeriodicBoundaryConditions(),
        )
        force = openmm.PythonForce(self._bridged(), {self._spec.parameter: 0.0})
        force.setParticles(list(atoms))
        force.setUsesPeriodicBoundaryConditions(self._spec.periodic)  # else positions are wrong: openmm issue 5421
        force.setName("PlumedBias")
        return int(system.addForce(force))

    @contextlib.contextmanager
    def armed(self, context: openmm.Context) -> Iterator[None]:
        """Deposit for every step that a Context takes inside of this block, for example by a Simulation.

        The last configuration is deposited for at the end, and PLUMED's files are written to disk: a
        checkpoint that is saved after the block belongs to them. An error inside leaves the last
        configuration out. Inside, the process works in the bias's directory, because PLUMED opens files
        where the process works.

        Raises:
            SamplingError: The step count went back since the last block; see :meth:`restart_at`.
        """
        with self._armed(context, exclusive=False):
            yield

    def step(self, context: openmm.Context, steps: int) -> None:
        """Take time steps, deposit for each and commit the last.

        Raises:
            SamplingError: PLUMED or OpenMM met an error; the message has the step.
        """
        with self._armed(context, exclusive=True):
            try:
                context.getIntegrator().step(steps)
            except openmm.OpenMMException as error:
                raise SamplingError(str(error)) from error

    @contextlib.contextmanager
    def _armed(self, context: openmm.Context, *, exclusive: bool) -> Iterator[None]:
        integrator = context.getIntegrator()
        if isinstance(integrator, _UNSUITABLE):
            raise InputError(f"PLUMED counts equal steps of one system, not those of {type(integrator).__name__}")
        bridge = self._bridged()
        bridge.arm(context, exclusive=exclusive)
        whole = False
        try:
            yield
            whole = True
        finally:
            bridge.disarm(commit=whole)

    def restart_at(self, context: openmm.Context) -> None:
        """Go back with a Context: cut PLUMED's files to its step count and start PLUMED again from them.

        Call it after an earlier checkpoint was loaded into a Context that had been armed.
        """
        self._bridged().restart_at(context)

    def close(self) -> None:
        """Free the PLUMED instance now; it is also freed when the bias and all Systems that have it are gone."""
        if self._bridge is not None:
            self._bridge.close()

    def _known(self) -> BiasSpec:
        if self._spec is None:
            raise InputError("the bias belongs to no System yet: call add_to(system) first")
        return self._spec

    def _bridged(self) -> Bridge:
        if self._bridge is None:
            self._bridge = open_bridge(self._known())
        return self._bridge


def _charges(system: openmm.System) -> list[float]:
    """Charges [e] of all atoms, (n_atoms,); zero where the System has no NonbondedForce."""
    for force in system.getForces():
        if isinstance(force, openmm.NonbondedForce):
            return [
                float(force.getParticleParameters(i)[0].value_in_unit(unit.elementary_charge))
                for i in range(system.getNumParticles())
            ]
    return [0.0] * system.getNumParticles()
