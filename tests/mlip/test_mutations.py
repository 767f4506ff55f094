"""Every fault that we could think of is put into a mixed System, and the audit names what is wrong with it.

The subject is methanol in a box, whose potential is a committee of Morse wells: no network is needed. A
mutation changes the System, the force that OpenMM calls, or the committee inside it; the audit keeps the right
committee beside it, as it does at build time.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import openmm
import pytest
from openmm import unit

from bindfe.mlip.audit import AuditReport, audit_system, same_in_both
from bindfe.mlip.hybrid import LAMBDA_MLIP, MLIP_GROUP, PotentialForce, add_potential
from bindfe.mlip.internal import internal_terms
from bindfe.mlip.region import Placement, cut_region
from bindfe.mlip.safety import SafePotential
from tests.mlip.conftest import NUMBERS, Methanol, build
from tests.mlip.plugs import Morse


@dataclass(frozen=True)
class Subject:
    """A right System, and what it was made of."""

    plain: openmm.System
    mixed: openmm.System
    committee: Any
    methanol: Methanol

    def audit(self, mixed: openmm.System | None = None, **changed: Any) -> AuditReport:
        options: dict[str, Any] = {
            "plain": self.plain,
            "region": self.methanol.atoms,
            "positions_nm": self.methanol.positions,
            "committee": self.committee,
            "offset": -3.0e5,
            "numbers": NUMBERS,
        }
        return audit_system(self.mixed if mixed is None else mixed, **{**options, **changed})


@pytest.fixture(scope="module")
def subject() -> Subject:
    methanol = build(method=openmm.NonbondedForce.PME, continuum=False, first=2)
    committee = Morse(NUMBERS)
    mixed = add_potential(methanol.system, methanol.atoms, committee=committee, offset=-3.0e5)
    return Subject(plain=methanol.system, mixed=mixed, committee=committee, methanol=methanol)


def test_the_system_without_a_fault_passes(subject: Subject) -> None:
    report = subject.audit()
    assert report.passed, str(report)
    report.require()


# Faults of the force that OpenMM calls


class Wrong(PotentialForce):
    """The force, with something done to positions, energies or forces."""

    fault = ""

    def __reduce__(self) -> Any:
        _, arguments = super().__reduce__()
        return _wrong, (self.fault, *arguments)

    def __call__(self, state: openmm.State) -> tuple[float, np.ndarray]:
        energy, forces = super().__call__(state)
        return getattr(self, "_" + self.fault)(state, energy, np.array(forces))

    def _forces_per_angstrom(self, state: Any, energy: float, forces: np.ndarray) -> Any:
        return energy, 0.1 * forces

    def _sign(self, state: Any, energy: float, forces: np.ndarray) -> Any:
        return energy, -forces

    def _one_atom_without_force(self, state: Any, energy: float, forces: np.ndarray) -> Any:
        forces[3] = 0.0
        return energy, forces

    def _two_atoms_forces_swapped(self, state: Any, energy: float, forces: np.ndarray) -> Any:
        return energy, forces[[0, 1, 3, 2, 4, 5]]

    def _forces_in_another_frame(self, state: Any, energy: float, forces: np.ndarray) -> Any:
        return energy, forces[:, [1, 2, 0]]

    def _forces_without_lambda(self, state: Any, energy: float, forces: np.ndarray) -> Any:
        value = state.getParameters()[LAMBDA_MLIP]
        return energy, forces / value if value else forces

    def _energy_without_lambda(self, state: Any, energy: float, forces: np.ndarray) -> Any:
        value = state.getParameters()[LAMBDA_MLIP]
        return (energy / value, forces) if value else (energy, forces)

    def _a_field_from_outside(self, state: Any, energy: float, forces: np.ndarray) -> Any:
        value = state.getParameters()[LAMBDA_MLIP]
        where = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        forces[0, 2] -= 50.0 * value
        return energy + 50.0 * value * where[0, 2], forces

    def _energy_of_the_step_before(self, state: Any, energy: float, forces: np.ndarray) -> Any:
        before = getattr(self, "_before", energy)
        self._before = energy
        return before, forces

    def _friction(self, state: Any, energy: float, forces: np.ndarray) -> Any:
        where = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        before = getattr(self, "_where", where)
        self._where = np.array(where)
        return energy, forces - 2e6 * np.clip(where - before, -1e-3, 1e-3)

    def _single_precision_totals(self, state: Any, energy: float, forces: np.ndarray) -> Any:
        value = state.getParameters()[LAMBDA_MLIP]
        return value * (float(np.float32(energy / value + self.offset)) - self.offset) if value else 0.0, forces


def _wrong(fault: str, *arguments: Any) -> Wrong:
    committee, offset, periodic, placement, switched = arguments
    force = Wrong(committee, offset=offset, periodic=periodic, placement=placement, switched=switched)
    force.fault = fault
    return force


# Faults of the committee inside it


class Spoilt(Morse):
    """The committee, spoilt."""

    fault = ""

    def __reduce__(self) -> Any:
        kind, arguments, state = super().__reduce__()
        return kind, arguments, {**state, "fault": self.fault}

    def energies(self, positions_nm: Any) -> np.ndarray:
        energies = super().energies(positions_nm)
        return self.base + (energies - self.base) / 4.184 if self.fault == "kcal everywhere" else energies

    def mean_energy_and_forces(self, positions_nm: Any) -> tuple[float, np.ndarray]:
        where = np.array(positions_nm)
        if self.fault == "swapped":
            energy, forces = super().mean_energy_and_forces(where[[1, 0, 2, 3, 4, 5]])
            return energy, forces[[1, 0, 2, 3, 4, 5]]
        if self.fault == "stale":
            return self._stale(where)
        energy, forces = super().mean_energy_and_forces(where)
        if self.fault in ("kcal", "kcal everywhere"):
            return self.base + (energy - self.base) / 4.184, forces / 4.184
        if self.fault == "not turned":
            return energy + 30.0 * (where[0, 0] - where[1, 0]), forces + np.outer([-1, 1, 0, 0, 0, 0], [30.0, 0, 0])
        if self.fault == "one of two equal atoms":
            pull = 400.0 * (where[3] - where[0])
            energy += 200.0 * float(((where[3] - where[0]) ** 2).sum())
            return energy, forces + np.array([pull, 0 * pull, 0 * pull, -pull, 0 * pull, 0 * pull])
        return energy, forces

    def _stale(self, where: np.ndarray) -> tuple[float, np.ndarray]:
        """Pairs that are near when first seen, kept for good."""
        distance = np.linalg.norm(where[:, None] - where[None], axis=2) + np.eye(6)
        if not hasattr(self, "_near"):
            self._near = distance < 0.21
        difference = where[:, None] - where[None]
        energy, forces = super().mean_energy_and_forces(where)
        pull = np.where(self._near & (distance < 0.9), 1.0, 0.0)
        return energy + 25.0 * float((pull * distance**2).sum()), forces - 100.0 * (pull[..., None] * difference).sum(1)


def spoilt(subject: Subject, fault: str) -> Spoilt:
    committee = Spoilt(NUMBERS)
    committee.fault = fault
    return committee


Mutation = Callable[[Subject], openmm.System]


def with_force(fault: str, **options: Any) -> Mutation:
    return lambda subject: replaced(subject.mixed, _wrong(fault, *arguments(subject, **options)))


def with_options(**options: Any) -> Mutation:
    def mutate(subject: Subject) -> openmm.System:
        committee, offset, periodic, placement, switched = arguments(subject, **options)
        force = PotentialForce(committee, offset=offset, periodic=periodic, placement=placement, switched=switched)
        return replaced(subject.mixed, force)

    return mutate


def with_committee(make: Callable[[Subject], Any]) -> Mutation:
    return lambda subject: with_options(committee=make(subject))(subject)


def arguments(subject: Subject, **options: Any) -> tuple[Any, ...]:
    region = cut_region(subject.methanol.topology, subject.methanol.atoms)
    default = {
        "committee": subject.committee,
        "offset": -3.0e5,
        "periodic": True,
        "placement": region.placement(),
        "switched": True,
    }
    return tuple({**default, **options}.values())


def replaced(system: openmm.System, call: Any, *, particles: list[int] | None = None) -> openmm.System:
    """A System whose potential is another one."""
    changed = copy.deepcopy(system)
    (index,) = (i for i, force in enumerate(changed.getForces()) if isinstance(force, openmm.PythonForce))
    old = changed.getForce(index)
    particles = list(old.getParticles()) if particles is None else particles
    force = openmm.PythonForce(call, {LAMBDA_MLIP: 0.0})
    force.setParticles(particles)
    force.setUsesPeriodicBoundaryConditions(old.usesPeriodicBoundaryConditions())
    force.setForceGroup(MLIP_GROUP)
    changed.removeForce(index)
    changed.addForce(force)
    return changed


def changed(edit: Callable[[openmm.System], None]) -> Mutation:
    def mutate(subject: Subject) -> openmm.System:
        system = copy.deepcopy(subject.mixed)
        edit(system)
        return system

    return mutate


def force_of(system: openmm.System, kind: type, *, group: int = 0) -> Any:
    return next(f for f in system.getForces() if isinstance(f, kind) and f.getForceGroup() == group)


def leave_in_a_bond(system: openmm.System) -> None:
    bonds = openmm.HarmonicBondForce()
    bonds.addBond(2, 3, 0.145, 2.7e5)
    system.addForce(bonds)


def lose_the_angles(system: openmm.System) -> None:
    angles = force_of(system, openmm.CustomAngleForce, group=MLIP_GROUP)
    for index in range(angles.getNumAngles()):
        i, j, k, (angle, _) = angles.getAngleParameters(index)
        angles.setAngleParameters(index, i, j, k, (angle, 0.0))


def lose_a_pair(system: openmm.System) -> None:
    pairs = [f for f in system.getForces() if isinstance(f, openmm.CustomBondForce)][1]
    for index in range(pairs.getNumBonds()):
        i, j, (charges, sigma, epsilon) = pairs.getBondParameters(index)
        if charges:
            pairs.setBondParameters(index, i, j, (0.0, sigma, epsilon))
            return


def leave_in_the_pairs(system: openmm.System) -> None:
    nonbonded = force_of(system, openmm.NonbondedForce)
    for index in range(nonbonded.getNumExceptions()):
        i, j, *_ = nonbonded.getExceptionParameters(index)
        nonbonded.setExceptionParameters(index, i, j, 0.05, 0.3, 0.1)


def change_charges_outside(system: openmm.System) -> None:
    nonbonded = force_of(system, openmm.NonbondedForce)
    for atom, charge in ((0, -0.7), (1, 0.68)):
        _, sigma, epsilon = nonbonded.getParticleParameters(atom)
        nonbonded.setParticleParameters(atom, charge, sigma, epsilon)


def change_charges_at_the_potentials_end(system: openmm.System) -> None:
    nonbonded = force_of(system, openmm.NonbondedForce)
    nonbonded.addGlobalParameter(LAMBDA_MLIP, 0.0)
    nonbonded.addParticleParameterOffset(LAMBDA_MLIP, 0, 0.2, 0.0, 0.0)


def push_an_outside_atom(system: openmm.System) -> None:
    push = openmm.CustomExternalForce(f"{LAMBDA_MLIP}*20*x")
    push.addGlobalParameter(LAMBDA_MLIP, 0.0)
    push.addParticle(0)
    push.setForceGroup(MLIP_GROUP)
    system.addForce(push)


def lose_the_exchange_of_images(system: openmm.System) -> None:
    for force in system.getForces():
        if isinstance(force, openmm.PythonForce):
            force.setUsesPeriodicBoundaryConditions(False)


def reorder(subject: Subject) -> openmm.System:
    order = list(subject.methanol.atoms)
    order[0], order[1] = order[1], order[0]
    return replaced(
        subject.mixed, PotentialForce(*arguments(subject)[:1], offset=-3.0e5, periodic=True), particles=order
    )


def keep_the_torsions(system: openmm.System) -> None:
    torsions = force_of(system, openmm.CustomTorsionForce, group=MLIP_GROUP)
    torsions.setEnergyFunction(torsions.getEnergyFunction().replace(f"1-{LAMBDA_MLIP}", "1"))


def twice(system: openmm.System) -> None:
    system.addForce(copy.deepcopy(next(f for f in system.getForces() if isinstance(f, openmm.PythonForce))))


def heavy_handle(subject: Subject) -> openmm.System:
    committee = copy.copy(subject.committee)
    committee.depths = tuple(np.full(30_000, np.mean(committee.depths)))
    return with_options(committee=committee)(subject)


MUTATIONS: dict[str, tuple[Mutation, str]] = {
    "forces in kJ/mol/Angstrom": (with_force("forces_per_angstrom"), "forces are minus the gradient"),
    "sign of the forces": (with_force("sign"), "forces are minus the gradient"),
    "one atom without force": (with_force("one_atom_without_force"), "forces are minus the gradient"),
    "forces of two atoms swapped": (with_force("two_atoms_forces_swapped"), "forces are minus the gradient"),
    "forces in another frame": (with_force("forces_in_another_frame"), "turning turns the forces"),
    "forces not scaled by lambda": (with_force("forces_without_lambda"), "lambda_mlip scales the forces"),
    "energy not scaled by lambda": (with_force("energy_without_lambda"), "lambda_mlip scales the energy"),
    "a field from outside": (with_force("a_field_from_outside"), "turning and shifting leave the energy"),
    "energy of the step before": (with_force("energy_of_the_step_before"), "coming back gives the same energy"),
    "friction in the forces": (with_force("friction"), "energy is conserved"),
    "total energies in single precision": (with_force("single_precision_totals"), "the energy is smooth"),
    "missing image": (with_options(periodic=False), "single atoms may lie in any image"),
    "offset of one leg missing": (with_options(offset=0.0), "the offset is the one that was asked for"),
    "offset a little off": (with_options(offset=-3.0e5 + 0.5), "the offset is the one that was asked for"),
    "a member dropped": (with_committee(lambda s: s.committee.subset([0, 1])), "energies are the mean of all members"),
    "a member twice": (
        with_committee(lambda s: s.committee.subset([0, 1, 2, 2])),
        "energies are the mean of all members",
    ),
    "atoms swapped in the committee": (with_committee(lambda s: spoilt(s, "swapped")), "energies are the mean of all"),
    "atoms swapped in the force": (reorder, "the potential acts on the region, in its order"),
    "stale neighbour list": (with_committee(lambda s: spoilt(s, "stale")), "a copy that saw nothing else"),
    "energy in kcal/mol": (with_committee(lambda s: spoilt(s, "kcal")), "energies are the mean of all members"),
    "space has a direction": (with_committee(lambda s: spoilt(s, "not turned")), "turning and shifting leave"),
    "equal atoms are not equal": (
        with_committee(lambda s: spoilt(s, "one of two equal atoms")),
        "equal atoms that change places",
    ),
    "weights in the XML": (heavy_handle, "its XML is a handle"),
    "a bond left in": (changed(leave_in_a_bond), "at 1 the internal energy is the potential's, once"),
    "pairs left in": (changed(leave_in_the_pairs), "at 1 the internal energy is the potential's, once"),
    "torsions not faded": (changed(keep_the_torsions), "at 1 the internal energy is the potential's, once"),
    "angles lost": (changed(lose_the_angles), "at 0 the energy is the force field's"),
    "a pair lost": (changed(lose_a_pair), "at 0 the energy is the force field's"),
    "charges outside changed": (changed(change_charges_outside), "at 1 atoms outside the region feel what they felt"),
    "charges outside changed at one end": (
        changed(change_charges_at_the_potentials_end),
        "at 1 atoms outside the region feel what they felt",
    ),
    "an atom outside is pushed": (changed(push_an_outside_atom), "the potential pushes no other atom"),
    "constraint removed": (changed(lambda s: s.removeConstraint(0)), "constraints are those of the force field"),
    "constraint of another length": (
        changed(lambda s: s.setConstraintParameters(0, *s.getConstraintParameters(0)[:2], 0.1)),
        "constraints are those of the force field",
    ),
    "mass changed": (changed(lambda s: s.setParticleMass(4, 1.0)), "masses are those of the force field"),
    "a particle too many": (changed(lambda s: s.addParticle(1.0)), "no particle was added or lost"),
    "potential twice": (changed(twice), "there is one potential"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_audit_catches(name: str, subject: Subject) -> None:
    mutate, expected = MUTATIONS[name]
    report = subject.audit(mutate(subject))
    assert any(check.name.startswith(expected) for check in report.failures), str(report)


# Faults that committee and System share, so that the molecule and its force field have to tell


def test_a_unit_that_is_wrong_everywhere_shows_in_the_stiffness(subject: Subject) -> None:
    committee = spoilt(subject, "kcal everywhere")
    mixed = add_potential(subject.plain, subject.methanol.atoms, committee=committee, offset=-3.0e5)
    report = subject.audit(mixed, committee=committee)
    assert [check.name for check in report.failures] == ["the potential is as stiff as a molecule"]


def test_a_wrong_charge_is_caught(subject: Subject) -> None:
    committee = Morse(NUMBERS)
    committee.charge = -1
    mixed = add_potential(subject.plain, subject.methanol.atoms, committee=committee, offset=-3.0e5)
    report = subject.audit(mixed, committee=committee)
    assert [check.name for check in report.failures] == ["the potential has the region's charge"]


def test_elements_in_another_order_are_caught(subject: Subject) -> None:
    committee = Morse((8, 6, 1, 1, 1, 1))
    mixed = add_potential(subject.plain, subject.methanol.atoms, committee=committee, offset=-3.0e5)
    report = subject.audit(mixed, committee=committee)
    assert report.failures[0].name == "the committee knows the region's elements"


@pytest.mark.parametrize("offset", [0.0, -3.0e5 + 0.05])
def test_an_offset_that_differs_between_the_legs_is_caught(subject: Subject, offset: float) -> None:
    other = build(method=openmm.NonbondedForce.NoCutoff, continuum=True, first=0)
    for value, same in ((-3.0e5, True), (offset, False)):
        mixed = add_potential(other.system, other.atoms, committee=subject.committee, offset=value)
        check = same_in_both(
            subject.mixed,
            mixed,
            first_region=subject.methanol.atoms,
            second_region=other.atoms,
            positions_nm=subject.methanol.positions,
            second_positions_nm=other.positions,
        )
        assert check.passed is same, str(check)


# The safety mode


class WithoutTheGradientOfTheWeight(SafePotential):
    """Forces of fixed weights."""

    def mean_energy_and_forces(self, positions_nm: Any) -> tuple[float, np.ndarray]:
        energy, _ = super().mean_energy_and_forces(positions_nm)
        weight = self.weights(np.asarray(positions_nm)[None])[0]
        _, mm_forces = self._internal.energy_and_forces(positions_nm)
        _, forces = self.committee.mean_energy_and_forces(positions_nm)
        return energy, (1 - weight) * mm_forces + weight * forces


@pytest.mark.parametrize(("kind", "right"), [(SafePotential, True), (WithoutTheGradientOfTheWeight, False)])
def test_a_missing_gradient_of_the_safety_weight_is_caught(subject: Subject, kind: type, right: bool) -> None:
    terms = internal_terms(subject.plain, subject.methanol.atoms)
    safe = kind(subject.committee, terms=terms, offsets_kj_mol=(-3.0e5,) * 3, spread_kj_mol=3.0)
    mixed = add_potential(subject.plain, subject.methanol.atoms, committee=safe, offset=0.0)
    report = subject.audit(mixed, committee=safe, offset=0.0)
    assert report.passed is right, str(report)
    if not right:
        assert "forces are minus the gradient of the energy" in {check.name for check in report.failures}


# Caps


class CapForcesDropped(Placement):
    """Forces on caps go nowhere."""

    def spread(self, forces: np.ndarray) -> np.ndarray:
        kept = np.array(forces)
        kept[self.n_atoms :] = 0.0
        return super().spread(kept)


class CapForcesInsideOnly(Placement):
    """Forces on caps go to the atom inside alone."""

    def spread(self, forces: np.ndarray) -> np.ndarray:
        spread = np.zeros((len(self.parents), 3))
        spread[: self.n_atoms] = forces[: self.n_atoms]
        np.add.at(spread, self._inside, forces[self.n_atoms :])
        return spread


class CapsAtTheOtherAtom(Placement):
    """Caps lie where the atoms outside do."""

    def with_caps(self, particles: np.ndarray) -> np.ndarray:
        return particles


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (Placement, None),
        (CapForcesDropped, "forces are minus the gradient of the energy"),
        (CapForcesInsideOnly, "forces are minus the gradient of the energy"),
        (CapsAtTheOtherAtom, "energies are the mean of all members"),
    ],
)
def test_a_cap_that_is_wrong_is_caught(kind: type[Placement], says: str | None) -> None:
    from openmmtools.testsystems import AlanineDipeptideVacuum

    dipeptide = AlanineDipeptideVacuum()
    names = {atom.name: atom.index for atom in dipeptide.topology.atoms() if atom.residue.name == "ALA"}
    region = cut_region(
        dipeptide.topology, [names[name] for name in ("CB", "HB1", "HB2", "HB3")], system=dipeptide.system
    )
    committee = Morse((6, 1, 1, 1, 1))
    mixed = add_potential(
        dipeptide.system, region.atoms, committee=committee, offset=-3.0e5, topology=dipeptide.topology
    )
    placement = region.placement()
    wrong = kind(parents=placement.parents, n_atoms=placement.n_atoms, links=placement.links)
    force = PotentialForce(committee, offset=-3.0e5, periodic=False, placement=wrong)
    report = audit_system(
        replaced(mixed, force),
        plain=dipeptide.system,
        region=region,
        positions_nm=np.array(dipeptide.positions.value_in_unit(unit.nanometer)),
        committee=committee,
        offset=-3.0e5,
        numbers=committee.numbers,
    )
    assert report.passed is (says is None), str(report)
    assert says is None or says in {check.name for check in report.failures}, str(report)
