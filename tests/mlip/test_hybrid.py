"""The mixed System: the force field at one end, openmm-ml's mechanical embedding at the other."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import openmm
import pytest
from openmm import unit

from bindfe.errors import InputError
from bindfe.mlip.hybrid import LAMBDA_MLIP, MLIP_GROUP, add_potential, whole
from bindfe.mlip.internal import InternalEnergy, internal_terms
from tests.mlip.plugs import Springs

REFERENCE = openmm.Platform.getPlatformByName("Reference")


def evaluate(
    system: openmm.System, positions: np.ndarray, weight: float | None = None, *, platform: Any = REFERENCE
) -> tuple[float, np.ndarray]:
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    context.setPositions(positions)
    if weight is not None:
        context.setParameter(LAMBDA_MLIP, weight)
    state = context.getState(energy=True, forces=True)
    return (
        state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole),
        np.array(state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)),
    )


def test_at_0_it_is_the_force_field(in_continuum: Any) -> None:
    mixed = add_potential(in_continuum.system, in_continuum.atoms, committee=Springs(), offset=-3e5)
    energy, forces = evaluate(in_continuum.system, in_continuum.positions)
    mixed_energy, mixed_forces = evaluate(mixed, in_continuum.positions, 0.0)
    assert mixed_energy == pytest.approx(energy, rel=1e-9)
    np.testing.assert_allclose(mixed_forces, forces, rtol=1e-7, atol=1e-6)


def test_at_0_in_a_periodic_box_it_is_the_force_field(in_box: Any) -> None:
    mixed = add_potential(in_box.system, in_box.atoms, committee=Springs(), offset=-3e5)
    energy, forces = evaluate(in_box.system, in_box.positions)
    mixed_energy, mixed_forces = evaluate(mixed, in_box.positions, 0.0)
    assert mixed_energy == pytest.approx(energy, rel=1e-6)
    np.testing.assert_allclose(mixed_forces, forces, rtol=1e-4, atol=1e-2)


def test_at_1_only_the_internal_energy_is_exchanged(in_continuum: Any) -> None:
    mixed = add_potential(in_continuum.system, in_continuum.atoms, committee=Springs(), offset=-3e5)
    ligand = in_continuum.positions[list(in_continuum.atoms)]
    internal = InternalEnergy.of(in_continuum.system, in_continuum.atoms).energies(ligand[None])[0]
    potential, _ = Springs().mean_energy_and_forces(ligand)
    energy, _ = evaluate(in_continuum.system, in_continuum.positions)
    assert evaluate(mixed, in_continuum.positions, 1.0)[0] == pytest.approx(energy - internal + potential + 3e5)


def test_it_is_linear_in_between(in_continuum: Any) -> None:
    mixed = add_potential(in_continuum.system, in_continuum.atoms, committee=Springs(), offset=-3e5)
    energies = [evaluate(mixed, in_continuum.positions, weight)[0] for weight in (0.0, 0.3, 1.0)]
    assert energies[1] == pytest.approx(0.7 * energies[0] + 0.3 * energies[2], abs=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_forces_are_minus_the_gradient(in_continuum: Any, weight: float) -> None:
    mixed = add_potential(in_continuum.system, in_continuum.atoms, committee=Springs(), offset=-3e5)
    check_gradient(mixed, in_continuum.positions, weight)


def check_gradient(system: openmm.System, positions: np.ndarray, weight: float) -> None:
    """Four-point differences: the error is of fourth order, so that the step may be long."""
    _, forces = evaluate(system, positions, weight)
    step = 2e-4
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), REFERENCE)
    gradient = np.empty_like(positions)
    for index in np.ndindex(*positions.shape):
        energies = []
        for shift in (-2, -1, 1, 2):
            moved = positions.copy()
            moved[index] += shift * step
            context.setPositions(moved)
            context.setParameter(LAMBDA_MLIP, weight)
            energies.append(context.getState(energy=True).getPotentialEnergy()._value)
        gradient[index] = np.dot(energies, (1, -8, 8, -1)) / (12 * step)
    np.testing.assert_allclose(forces, -gradient, rtol=1e-4, atol=0.1)


@pytest.mark.mlip
def test_forces_of_the_mixed_system_with_a_network_are_minus_the_gradient(
    in_continuum: Any, numbers: tuple[int, ...]
) -> None:
    from bindfe.mlip.ani import AniCommittee

    committee = AniCommittee("ani2x", numbers=numbers)
    ligand = in_continuum.positions[list(in_continuum.atoms)]
    offset = float(committee.energies(ligand[None]).mean())
    mixed = add_potential(in_continuum.system, in_continuum.atoms, committee=committee, offset=offset)
    check_gradient(mixed, in_continuum.positions, 0.6)


@pytest.mark.mlip
def test_the_mixed_system_travels_as_xml(in_continuum: Any, numbers: tuple[int, ...]) -> None:
    from bindfe.mlip.ani import AniCommittee

    committee = AniCommittee("ani2x", numbers=numbers)
    mixed = add_potential(in_continuum.system, in_continuum.atoms, committee=committee, offset=-3e5)
    text = openmm.XmlSerializer.serialize(mixed)
    assert len(text) < 100_000  # the handle, not 55 MB of weights
    again = openmm.XmlSerializer.deserialize(text)
    assert evaluate(again, in_continuum.positions, 1.0)[0] == evaluate(mixed, in_continuum.positions, 1.0)[0]


@pytest.mark.mlip
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_at_1_it_is_openmm_mls_mechanical_embedding(in_continuum: Any) -> None:
    from openmmml.mlpotential import MLPotential, MLPotentialImpl, MLPotentialImplFactory

    class Implementation(MLPotentialImpl):  # type: ignore[misc]
        def addForces(self, topology: Any, system: Any, atoms: Any, forceGroup: int, **_: Any) -> None:
            bonds = openmm.HarmonicBondForce()  # the same springs, in OpenMM's own words
            for first, i in enumerate(atoms):
                for j in atoms[:first]:
                    bonds.addBond(i, j, 0.0, 300.0)
            system.addForce(bonds)

        def getMLLongRange(self) -> bool:
            return False

    class Factory(MLPotentialImplFactory):  # type: ignore[misc]
        def createImpl(self, name: str, **_: Any) -> Implementation:
            return Implementation()

    MLPotential.registerImplFactory("springs-of-this-test", Factory())
    theirs = MLPotential("springs-of-this-test").createMixedSystem(
        in_continuum.topology, in_continuum.system, list(in_continuum.atoms), removeConstraints=False
    )
    ours = add_potential(in_continuum.system, in_continuum.atoms, committee=Springs(), offset=-3e5)
    energy, forces = evaluate(theirs, in_continuum.positions)
    our_energy, our_forces = evaluate(ours, in_continuum.positions, 1.0)
    assert our_energy == pytest.approx(energy, abs=1e-6)
    np.testing.assert_allclose(our_forces, forces, rtol=1e-7, atol=1e-6)


def test_both_ends_carry_the_same_constraints_and_masses(in_continuum: Any) -> None:
    before = openmm.XmlSerializer.serialize(in_continuum.system)
    mixed = add_potential(in_continuum.system, in_continuum.atoms, committee=Springs(), offset=0.0)
    assert openmm.XmlSerializer.serialize(in_continuum.system) == before
    assert mixed.getNumConstraints() == in_continuum.system.getNumConstraints() == 1
    assert mixed.getConstraintParameters(0) == in_continuum.system.getConstraintParameters(0)
    for atom in range(mixed.getNumParticles()):
        assert mixed.getParticleMass(atom) == in_continuum.system.getParticleMass(atom)


def test_internal_energy_is_that_of_the_molecule_alone_in_vacuum(in_continuum: Any) -> None:
    ligand = in_continuum.positions[list(in_continuum.atoms)]
    alone = copy.deepcopy(in_continuum.system)
    for index in reversed(range(alone.getNumForces())):
        if isinstance(alone.getForce(index), openmm.GBSAOBCForce):
            alone.removeForce(index)
    far = in_continuum.positions.copy()
    others = [atom for atom in range(8) if atom not in in_continuum.atoms]
    far[others] += 1e4 * np.array([[1.0, 0.0, 0.0]])
    pair = evaluate(alone, far)[0]
    internal = InternalEnergy.of(in_continuum.system, in_continuum.atoms).energies(ligand[None])[0]
    rest = InternalEnergy.of(in_continuum.system, others).energies(far[others][None])[0]
    assert pair == pytest.approx(internal + rest, abs=5e-2)  # charges 1e4 nm away: 1e-3 kJ/mol


def test_a_bond_out_of_the_ligand_is_refused(in_continuum: Any) -> None:
    with pytest.raises(InputError, match="only some belong to the ligand"):
        internal_terms(in_continuum.system, in_continuum.atoms[:5])


def test_a_force_of_unknown_kind_is_refused(in_continuum: Any) -> None:
    in_continuum.system.addForce(openmm.RBTorsionForce())
    with pytest.raises(InputError, match="has a RBTorsionForce"):
        internal_terms(in_continuum.system, in_continuum.atoms)


def test_a_molecule_across_a_box_edge_is_made_whole() -> None:
    box = np.array([[3.0, 0.0, 0.0], [0.9, 2.8, 0.0], [-0.5, 1.1, 2.6]])
    rng = np.random.default_rng(1)
    molecule = rng.uniform(-0.4, 0.4, size=(9, 3))
    broken = molecule + rng.integers(-2, 3, size=(9, 3)) @ box
    found = whole(broken, box)
    np.testing.assert_allclose(found - found[0], molecule - molecule[0], atol=1e-12)


def test_a_ligand_across_a_box_edge_has_the_potential_of_the_whole_one(in_box: Any) -> None:
    mixed = add_potential(in_box.system, in_box.atoms, committee=Springs(), offset=-3e5)
    context = openmm.Context(mixed, openmm.VerletIntegrator(0.001), REFERENCE)
    context.setParameter(LAMBDA_MLIP, 1.0)
    broken = in_box.positions.copy()
    broken[in_box.atoms[3]] += (2.5, 0.0, -2.5)
    energies = []
    for positions in (in_box.positions, broken):
        context.setPositions(positions)
        energies.append(context.getState(energy=True, groups={MLIP_GROUP}).getPotentialEnergy()._value)
    assert energies[1] == pytest.approx(energies[0], abs=1e-6)
