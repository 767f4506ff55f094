"""The mixed System: a ligand's internal energy goes from the force field to a potential with one parameter.

Mechanical embedding::

    U(x; w) = U_MM(x) - w U_internal(x_L) + w [ V(x_L) - c ]        w = lambda_mlip

with U_internal the force field's bonds, angles, torsions and nonbonded pairs inside the ligand, V the
mean of a committee, c a constant. Solvation and everything between ligand and surroundings stay the
force field's, constraints and masses are those of the given System at both ends.

openmm-ml's ``createMixedSystem(interpolate=True)`` builds the same energy (a test compares the two) and
is not used: it evaluates the network inside a CustomCVForce at w = 0 too, twice for every change of w
(here positions that were just evaluated are remembered), and refuses a System with a
CustomNonbondedForce.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit

from bindfe.mlip.committee import Committee
from bindfe.mlip.internal import InternalTerms, internal_terms

Floats = NDArray[np.float64]

LAMBDA_MLIP = "lambda_mlip"
"""Global parameter of the mixed System: 0 is the force field, 1 the potential."""
MLIP_GROUP = 30
"""Force group of every term that depends on it, so that a switch evaluates only these."""


def add_potential(
    plain: openmm.System, ligand_atoms: Sequence[int], *, committee: Committee, offset: float
) -> openmm.System:
    """Build the mixed System of a physical System and a committee.

    Args:
        plain: Physical System: harmonic bonds and angles, periodic torsions, one NonbondedForce, any
            implicit solvent. It is not changed.
        ligand_atoms: Atoms of the ligand, in the order that the committee knows, (N,).
        committee: Its mean replaces the ligand's internal energy.
        offset: c [kJ/mol], so that V - c is of the size of the force field's energies: energies of
            1e6 kJ/mol would leave work values a resolution of 0.1 kJ/mol in single precision. Use
            ``Offsets.mean_gap_kj_mol``, the same in both environments.

    Returns:
        The mixed System; new Contexts start at ``lambda_mlip`` 0. It can be copied and written to XML if
        the committee can be pickled.

    Raises:
        InputError: The internal terms cannot be told from the others.
    """
    terms = internal_terms(plain, ligand_atoms)
    mixed = copy.deepcopy(plain)
    _silence(mixed, ligand_atoms)
    for force in _fading(terms):
        force.setUsesPeriodicBoundaryConditions(False)
        force.setForceGroup(MLIP_GROUP)
        mixed.addForce(force)
    periodic = plain.usesPeriodicBoundaryConditions()
    network = openmm.PythonForce(PotentialForce(committee, offset=offset, periodic=periodic), {LAMBDA_MLIP: 0.0})
    network.setParticles(list(ligand_atoms))
    network.setUsesPeriodicBoundaryConditions(periodic)  # else positions are wrong: openmm issue 5421
    network.setForceGroup(MLIP_GROUP)
    network.setName("PotentialForce")
    mixed.addForce(network)
    return mixed


def _fading(terms: InternalTerms) -> tuple[openmm.Force, ...]:
    """The force field's internal terms, times 1 - lambda_mlip."""
    forces = terms.forces(weight=f"1-{LAMBDA_MLIP}")
    for force in forces:
        force.addGlobalParameter(LAMBDA_MLIP, 0.0)
    return forces


def _silence(system: openmm.System, atoms: Sequence[int]) -> None:
    """Set the force field's terms inside a molecule to zero where they are."""
    inside = set(atoms)
    for force in system.getForces():
        if isinstance(force, openmm.HarmonicBondForce):
            _zero(force.getNumBonds(), force.getBondParameters, force.setBondParameters, 2, inside)
        elif isinstance(force, openmm.HarmonicAngleForce):
            _zero(force.getNumAngles(), force.getAngleParameters, force.setAngleParameters, 3, inside)
        elif isinstance(force, openmm.PeriodicTorsionForce):
            _zero(force.getNumTorsions(), force.getTorsionParameters, force.setTorsionParameters, 4, inside)
        elif isinstance(force, openmm.NonbondedForce):
            for first, i in enumerate(atoms):
                for j in atoms[:first]:
                    force.addException(i, j, 0.0, 1.0, 0.0, True)


def _zero(number: int, get: Any, change: Any, n_atoms: int, inside: set[int]) -> None:
    """Zero the force constant, the last parameter, of the bonded terms inside a molecule."""
    for index in range(number):
        *head, constant = get(index)
        if inside.issuperset(head[:n_atoms]):
            change(index, *head, 0 * constant)


class PotentialForce:
    """What an ``openmm.PythonForce`` calls: the mean of a committee less a constant, times lambda_mlip.

    Energy and forces of the last positions are remembered, so that energies at several values of
    lambda_mlip and the forces of the step that follows cost one evaluation.
    """

    def __init__(self, committee: Committee, *, offset: float, periodic: bool) -> None:
        """Wrap a committee.

        Args:
            committee: Potentials of the particles that the force acts on.
            offset: Constant that is subtracted from the energy [kJ/mol].
            periodic: Whether the particles may lie in different images of a box.
        """
        self.committee = committee
        self.offset = offset
        self.periodic = periodic
        self._last: tuple[Floats, float, Floats] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without what is remembered."""
        return _open_force, (self.committee, self.offset, self.periodic)

    def __call__(self, state: openmm.State) -> tuple[float, Floats]:
        """Energy [kJ/mol] and forces [kJ/mol/nm], (N, 3), at a State of the ligand's atoms."""
        weight = state.getParameters()[LAMBDA_MLIP]
        positions = np.array(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer))
        if weight == 0.0:
            return 0.0, np.zeros_like(positions)
        if self.periodic:
            positions = whole(positions, state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.nanometer))
        if self._last is None or not np.array_equal(self._last[0], positions):
            self._last = (positions, *self.committee.mean_energy_and_forces(positions))
        _, energy, forces = self._last
        return weight * (energy - self.offset), weight * forces


def _open_force(committee: Committee, offset: float, periodic: bool) -> PotentialForce:
    return PotentialForce(committee, offset=offset, periodic=periodic)


def whole(positions: Floats, box: Floats) -> Floats:
    """Move each atom to its image nearest to the first one.

    Args:
        positions: Positions of a molecule [nm], (N, 3); smaller than half the box.
        box: Box vectors as rows, in OpenMM's reduced form [nm], (3, 3).
    """
    shifted = positions - positions[0]
    for axis in (2, 1, 0):
        shifted = shifted - np.round(shifted[:, axis : axis + 1] / box[axis, axis]) * box[axis]
    return np.asarray(positions[0] + shifted, dtype=float)
