"""The mixed System: a ligand's internal energy goes from the force field to a potential with one parameter.

Mechanical embedding::

    U(x; w) = U_MM(x) - w U_internal(x_L) + w [ V(x_L) - c ]        w = lambda_mlip

with U_internal the force field's bonds, angles, torsions and nonbonded pairs inside the ligand, V the
mean of a committee, c a constant. Solvation and everything between ligand and surroundings stay the
force field's, constraints and masses are those of the given System at both ends.

openmm-ml's ``createMixedSystem`` builds it, with the potential and the embedding of :mod:`bindfe.mlip.plugin`:
its own ``interpolate=True`` (a test compares the two) evaluates the network inside a CustomCVForce at
w = 0 too, twice for every change of w, where here positions that were just evaluated are remembered.
The mixed System comes first and alchemy after it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from bindfe.errors import InputError, MissingDependency
from bindfe.mlip.committee import Committee
from bindfe.mlip.region import Placement, topology_of

Floats = NDArray[np.float64]

LAMBDA_MLIP = "lambda_mlip"
"""Global parameter of the mixed System: 0 is the force field, 1 the potential."""
MLIP_GROUP = 30
"""Force group of every term that depends on it, so that a switch evaluates only these."""
EMBEDDINGS = {"mechanical": "bindfe-mechanical"}
"""Embeddings that bindfe can switch, and their names in openmm-ml."""


def add_potential(
    plain: openmm.System,
    ligand_atoms: Sequence[int],
    *,
    committee: Committee,
    offset: float,
    topology: app.Topology | None = None,
    alchemical_atoms: Sequence[int] = (),
) -> openmm.System:
    """Build the mixed System of a physical System and a committee; mechanical embedding, switchable.

    Args:
        plain: Physical System: harmonic bonds and angles, periodic torsions, one NonbondedForce, any
            implicit solvent. It is not changed.
        ligand_atoms: Atoms of the ML region, in the order that the committee knows, (N,): whole molecules, or
            parts cut at single C-C bonds, each capped by a hydrogen that the committee knows after the atoms,
            in ascending order of the cut bonds' inner atoms.
        committee: Its mean replaces the region's internal energy.
        offset: c [kJ/mol], so that V - c is of the size of the force field's energies: energies of
            1e6 kJ/mol would leave work values a resolution of 0.1 kJ/mol in single precision. Use
            ``Offsets.mean_gap_kj_mol``, the same in both environments.
        topology: Atoms and bonds; needed with elements where a bond is cut. By default the bonds are the
            System's springs and constraints.
        alchemical_atoms: Atoms that an alchemical factory will switch afterwards.

    Returns:
        The mixed System; new Contexts start at ``lambda_mlip`` 0. It can be copied and written to XML if
        the committee can be pickled.

    Raises:
        InputError: The internal terms cannot be told from the others, the region cannot be cut there, or
            the System is alchemical already.
        MissingDependency: openmm-ml is not installed.
    """
    return _create_mixed(
        plain,
        list(ligand_atoms),
        topology=topology if topology is not None else topology_of(plain),
        embedding=EMBEDDINGS["mechanical"],
        committee=committee,
        offset=offset,
        alchemical_atoms=tuple(alchemical_atoms),
    )


def embed_potential(
    plain: openmm.System,
    ligand_atoms: Sequence[int],
    *,
    committee: Committee,
    offset: float,
    topology: app.Topology,
    embedding: str,
) -> openmm.System:
    """Build a mixed System with an embedding that openmm-ml's plug-ins offer, always at the potential's end.

    Args:
        plain: Physical System; it is not changed.
        ligand_atoms: Atoms of the ML region, in the order that the committee knows, (N,).
        committee: Its mean replaces the region's internal energy.
        offset: Constant that is subtracted from it [kJ/mol].
        topology: All atoms with their bonds and elements.
        embedding: A name in openmm-ml's group of entry points ``openmmml.embeddings``. With another one
            than ``mechanical`` the System has no ``lambda_mlip``: bindfe cannot know how to fade it.

    Raises:
        InputError: openmm-ml knows no such embedding.
        MissingDependency: openmm-ml is not installed.
    """
    return _create_mixed(
        plain,
        list(ligand_atoms),
        topology=topology,
        embedding=EMBEDDINGS.get(embedding, embedding),
        committee=committee,
        offset=offset,
    )


def _create_mixed(
    plain: openmm.System,
    atoms: list[int],
    *,
    topology: app.Topology,
    embedding: str,
    committee: Committee,
    **options: Any,
) -> openmm.System:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # packages that openmm-ml's models import
            from openmmml.mlpotential import MLPotential

            from bindfe.mlip import plugin
    except ImportError as error:
        raise MissingDependency(f"mixed Systems need openmm-ml ({error}): pip install 'bindfe[mlip]'") from error
    plugin.register()
    potential = MLPotential(plugin.POTENTIAL, committee=committee)
    known = potential.getSupportedEmbeddings()
    if embedding not in known:
        raise InputError(f"openmm-ml knows no embedding '{embedding}'; known: {', '.join(known)}")
    return potential.createMixedSystem(
        topology,
        plain,
        atoms,
        removeConstraints=False,  # it is True by default, and the ends' ensembles would differ in dimension
        forceGroup=MLIP_GROUP,
        interpolate=False,
        embedding=embedding,
        **options,
    )


class PotentialForce:
    """What an ``openmm.PythonForce`` calls: the mean of a committee less a constant, times lambda_mlip.

    Energy and forces of the last positions are remembered, so that energies at several values of
    lambda_mlip and the forces of the step that follows cost one evaluation.
    """

    def __init__(
        self,
        committee: Committee,
        *,
        offset: float,
        periodic: bool,
        placement: Placement | None = None,
        switched: bool = True,
    ) -> None:
        """Wrap a committee.

        Args:
            committee: Potentials of the particles that the force acts on.
            offset: Constant that is subtracted from the energy [kJ/mol].
            periodic: Whether the particles may lie in different images of a box.
            placement: How the particles belong together, and caps; by default, all next to the first.
            switched: Whether the System has ``lambda_mlip``; if not, the force is always on.
        """
        self.committee = committee
        self.offset = offset
        self.periodic = periodic
        self.placement = placement
        self.switched = switched
        self._last: tuple[Floats, float, Floats] | None = None
        self._nothing: Floats | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without what is remembered."""
        return _open_force, (self.committee, self.offset, self.periodic, self.placement, self.switched)

    def __call__(self, state: openmm.State) -> tuple[float, Floats]:
        """Energy [kJ/mol] and forces [kJ/mol/nm], (P, 3), at a State of the region's particles."""
        weight = state.getParameters()[LAMBDA_MLIP] if self.switched else 1.0
        if weight == 0.0 and self._nothing is not None:
            return 0.0, self._nothing
        particles = np.array(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer))
        if weight == 0.0:
            self._nothing = np.zeros_like(particles)
            return 0.0, self._nothing
        if self.periodic:
            particles = self._whole(particles, state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.nanometer))
        if self._last is None or not np.array_equal(self._last[0], particles):
            self._last = (particles, *self._evaluate(particles))
        _, energy, forces = self._last
        return weight * (energy - self.offset), weight * forces

    def _whole(self, particles: Floats, box: Floats) -> Floats:
        return whole(particles, box) if self.placement is None else self.placement.whole(particles, box)

    def _evaluate(self, particles: Floats) -> tuple[float, Floats]:
        if self.placement is None or not self.placement.links:
            return self.committee.mean_energy_and_forces(particles)
        energy, forces = self.committee.mean_energy_and_forces(self.placement.with_caps(particles))
        return energy, self.placement.spread(forces)


def _open_force(
    committee: Committee, offset: float, periodic: bool, placement: Placement | None, switched: bool
) -> PotentialForce:
    return PotentialForce(committee, offset=offset, periodic=periodic, placement=placement, switched=switched)


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
