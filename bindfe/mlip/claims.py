"""What an audit claims of a mixed System, one function a claim or two; :mod:`bindfe.mlip.audit` puts them together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit

from bindfe.mlip.committee import Committee
from bindfe.mlip.contract import Check, energy_resolution, force_error, random_rotation, swaps_of_equal_atoms
from bindfe.mlip.hybrid import LAMBDA_MLIP
from bindfe.mlip.internal import InternalEnergy, internal_terms
from bindfe.mlip.probe import Probe
from bindfe.mlip.region import Region

Floats = NDArray[np.float64]

ENERGY_KJ_MOL = 5e-3
"""Difference of energies that should be equal [kJ/mol]."""
FORCE_RELATIVE = 3e-3
"""Difference of forces that should be equal, in units of the size of a component."""
RESOLUTION_KJ_MOL = 3e-3
"""Roughness of the energy on a smooth path [kJ/mol], rms; single precision gives 0.009 from 3e5 kJ/mol on."""
CONSERVATION = 0.02
"""Standard deviation of the total energy over that of the kinetic one, without a thermostat."""
STIFFNESS = (0.33, 3.0)
"""Curvature of the potential over the force field's; kcal/mol, eV or Hartree taken for kJ/mol fall outside."""
CHARGE_E = 0.05
"""Difference of the region's charge from the potential's [e]."""
XML_BYTES = 50_000
"""What the potential may add to the System's XML."""

_NVE_STEPS = 60
_NVE_STEP_PS = 0.25e-3
NOISE_NM = 0.003


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What is audited, and what it is compared with."""

    mixed: Probe
    plain: Probe
    region: Region
    committee: Committee
    numbers: tuple[int, ...]
    charge: int | None
    offset: float
    where: Floats
    """A distorted geometry of the region's particles [nm], (P, 3)."""
    rng: np.random.Generator

    @property
    def particles(self) -> tuple[int, ...]:
        """Atoms that the potential acts on, (P,)."""
        return self.region.particles

    def energies(self, frames: Floats) -> Floats:
        """Energies out of the Context [kJ/mol], (K,), at (K, P, 3) [nm]."""
        return self.mixed.energies(self.particles, frames)

    def forces(self, where: Floats) -> Floats:
        """Forces out of the Context on the region's particles [kJ/mol/nm], (P, 3)."""
        return self.mixed.forces(moved=(self.particles, where))[list(self.particles)]

    def direct(self, frames: Floats) -> Floats:
        """Mean of the committee's energies less the offset [kJ/mol], (K,), at (K, P, 3) [nm]."""
        placement = self.region.placement()
        capped = np.array([placement.with_caps(frame) for frame in frames])
        return np.asarray(self.committee.energies(capped).mean(axis=0) - self.offset, dtype=float)


# Claims about what the Systems are made of


def structure(mixed: openmm.System, plain: openmm.System, region: Region) -> Iterator[Check]:
    """Particles, constraints and masses are the force field's, and one small force holds the potential."""
    more = mixed.getNumParticles() - plain.getNumParticles()
    yield _count("no particle was added or lost", abs(more), remark="both ends need the same degrees of freedom")
    ends = [_constraints(system) for system in (plain, mixed)]
    yield _count(
        "constraints are those of the force field",
        len(ends[0] ^ ends[1]),
        remark="the ends' ensembles differ in dimension: removeConstraints=False",
    )
    n = min(mixed.getNumParticles(), plain.getNumParticles())
    masses = [[_plain(system.getParticleMass(atom)) for atom in range(n)] for system in (plain, mixed)]
    yield _count("masses are those of the force field", sum(a != b for a, b in zip(*masses, strict=True)))
    potentials = [force for force in mixed.getForces() if isinstance(force, openmm.PythonForce)]
    yield _count("there is one potential", abs(len(potentials) - 1))
    for force in potentials:
        found = tuple(force.getParticles()) or tuple(range(mixed.getNumParticles()))
        wrong = sum(a != b for a, b in zip(found, region.particles, strict=False))
        yield _count("the potential acts on the region, in its order", wrong + abs(len(found) - len(region.particles)))
        yield Check(
            name="its XML is a handle",
            found=float(len(openmm.XmlSerializer.serialize(force))),
            limits=(0.0, XML_BYTES),
            unit="bytes",
            remark="keep the name of the weights, not the weights",
        )


def _constraints(system: openmm.System) -> set[tuple[int, int, float]]:
    found = (system.getConstraintParameters(index) for index in range(system.getNumConstraints()))
    return {(min(i, j), max(i, j), _plain(length)) for i, j, length in found}


def _plain(quantity: unit.Quantity) -> float:
    return float(quantity.value_in_unit_system(unit.md_unit_system))


# Claims about energies and forces


def _model(subject: Subject) -> list[Check]:
    """The molecule is the committee's, and the energy that of all its members."""
    own = tuple(getattr(subject.committee, "numbers", subject.numbers))
    wrong = sum(a != b for a, b in zip(own, subject.numbers, strict=False)) + abs(len(own) - len(subject.numbers))
    where = subject.where
    there = where + subject.rng.normal(scale=NOISE_NM, size=where.shape)
    frames = np.stack([where, there])
    found, expected = subject.energies(frames), subject.direct(frames)
    return [
        _count("the committee knows the region's elements", wrong, remark="atoms are in another order, or others"),
        Check(
            name="the potential has the region's charge",
            found=abs(getattr(subject.committee, "charge", 0) - _charge(subject)),
            limits=(0.0, CHARGE_E),
            unit="e",
            remark="open the committee with the molecule's charge",
        ),
        small(
            "energies are the mean of all members",
            abs((found[1] - found[0]) - (expected[1] - expected[0])),
            remark="a member, an atom or a unit is another one",
        ),
        small(
            "the offset is the one that was asked for",
            abs(found[0] - expected[0]),
            remark="without it, or with another, legs do not cancel",
        ),
    ]


def _charge(subject: Subject) -> float:
    """Charge of the region [e]: what the caller says, or the force field's for whole molecules."""
    if subject.charge is not None or subject.region.links:
        return float(subject.charge or 0)
    for force in subject.plain.system.getForces():
        if isinstance(force, openmm.NonbondedForce):
            return sum(_plain(force.getParticleParameters(atom)[0]) for atom in subject.region.atoms)
    return 0.0


def _ends(subject: Subject) -> list[Check]:
    """At 0 it is the force field; at 1 only the internal energy is exchanged, and nothing else is touched."""
    energy, forces = subject.plain.total()
    resolution = max(subject.plain.resolution, subject.mixed.resolution)
    allowed = ENERGY_KJ_MOL + resolution * float(np.abs(forces).sum()) * 0.01 + resolution * abs(energy)
    scale = _size(forces) * max(1.0, resolution / 1e-6)
    checks = []
    if subject.mixed.switched:
        at_0, forces_at_0 = subject.mixed.total(value=0.0)
        checks += [
            small("at 0 the energy is the force field's", abs(at_0 - energy), limit=allowed),
            _relative("at 0 the forces are the force field's", forces_at_0 - forces, scale),
        ]
    exchanged, forces_exchanged, others = _exchanged(subject)
    at_1, forces_at_1 = subject.mixed.total(value=1.0)
    changes = forces_at_1 - forces
    checks += [
        small(
            "at 1 the internal energy is the potential's, once",
            abs(at_1 - energy - exchanged),
            limit=allowed,
            remark="a force field term was left in, or lost",
        ),
        _relative("at 1 the internal forces are the potential's, once", changes - forces_exchanged, scale),
        _relative("at 1 atoms outside the region feel what they felt", changes[others], scale),
    ]
    return checks


def _exchanged(subject: Subject) -> tuple[float, Floats, list[int]]:
    """What the potential should change at 1: energy [kJ/mol], forces (n, 3), and the atoms that should not notice."""
    terms = internal_terms(subject.plain.system, subject.region)
    placement = subject.region.placement()
    where = subject.plain.positions[list(subject.particles)]
    energy, forces = InternalEnergy.summing(terms).energy_and_forces(where)
    potential, pulls = subject.committee.mean_energy_and_forces(placement.with_caps(where))
    changes = np.zeros((subject.plain.system.getNumParticles(), 3))
    np.add.at(changes, list(terms.atoms), placement.spread(pulls) - forces)
    others = sorted(set(range(len(changes))) - set(terms.atoms))
    return potential - subject.offset - energy, changes, others


def _switch(subject: Subject) -> list[Check]:
    """The parameter scales energies and forces."""
    if not subject.mixed.switched:
        return []
    low, middle, high = (subject.mixed.energy(value=value) for value in (0.0, 0.3, 1.0))
    forces = [subject.mixed.forces(value=value) for value in (0.0, 0.3, 1.0)]
    return [
        small(f"{LAMBDA_MLIP} scales the energy", abs(middle - 0.7 * low - 0.3 * high)),
        _relative(f"{LAMBDA_MLIP} scales the forces", forces[1] - 0.7 * forces[0] - 0.3 * forces[2], _size(forces[2])),
    ]


def _gradient(subject: Subject) -> list[Check]:
    """Forces are minus the gradient of the energy, and that is smooth."""
    forces = subject.forces(subject.where)
    error, factor = force_error(subject.energies, forces, subject.where, rng=subject.rng)
    elsewhere = np.delete(subject.mixed.forces(), list(subject.particles), axis=0)
    return [
        Check(
            name="forces are minus the gradient of the energy",
            found=error,
            limits=(0.0, FORCE_RELATIVE),
            unit="of a force component",
            remark=f"they are {factor:.3g} times it",
        ),
        Check(
            name="the energy is smooth",
            found=energy_resolution(subject.energies, subject.where, direction=forces),
            limits=(0.0, RESOLUTION_KJ_MOL),
            unit="kJ/mol",
            remark="total energies in single precision do this",
        ),
        _relative("the potential pushes no other atom", elsewhere, _size(forces)),
    ]


def _symmetry(subject: Subject) -> list[Check]:
    """Space has no direction, no origin and no images; equal atoms are equal."""
    where, turn = subject.where, random_rotation(subject.rng)
    centre = where.mean(axis=0)
    turned = (where - centre) @ turn.T + centre + 0.1
    energy, forces = subject.energies(where[None])[0], subject.forces(where)
    checks = [
        small("turning and shifting leave the energy as it is", abs(subject.energies(turned[None])[0] - energy)),
        _relative("turning turns the forces", subject.forces(turned) - forces @ turn.T, _size(forces)),
    ]
    orders = _swaps(subject)
    if orders:
        swapped = subject.energies(np.stack([where[order] for order in orders]))
        checks.append(
            small("equal atoms that change places leave the energy as it is", float(np.abs(swapped - energy).max()))
        )
    return checks


def _swaps(subject: Subject) -> list[NDArray[np.int64]]:
    """Orders of the particles (P,) in which two equal atoms have changed places.

    An atom that carries a cap is not equal to others. A potential that has bonds (the safety mode's force field)
    is asked only for those that its bonds allow.
    """
    n, carriers = len(subject.region.atoms), {link.inside for link in subject.region.links}
    orders = []
    for order in swaps_of_equal_atoms(subject.numbers[:n], most=400):
        moved = np.flatnonzero(order != np.arange(n))
        if carriers.isdisjoint(subject.region.atoms[index] for index in moved):
            orders.append(np.concatenate([order, np.arange(n, len(subject.particles))]))
    if getattr(subject.committee, "has_bonds", False):
        internal = InternalEnergy.summing(internal_terms(subject.plain.system, subject.region))
        energy = internal.energies(subject.where[None])[0]
        orders = [order for order in orders if abs(internal.energies(subject.where[order][None])[0] - energy) < 1e-6]
    return orders[:: max(1, len(orders) // 4)][:4]


def _images(subject: Subject) -> list[Check]:
    """A molecule is the same in every image, whole or in parts."""
    if not subject.mixed.periodic:
        return []
    where, box = subject.where, subject.mixed.box
    energy, forces = subject.energies(where[None])[0], subject.forces(where)
    whole = where + box[0] - 2 * box[2]
    parts = where + subject.rng.integers(-1, 2, size=(len(where), 3)) @ box
    checks = []
    for name, moved in (("the whole molecule", whole), ("single atoms", parts)):
        checks += [
            small(f"{name} may lie in any image", abs(subject.energies(moved[None])[0] - energy)),
            _relative(f"{name} in another image feel the same forces", subject.forces(moved) - forces, _size(forces)),
        ]
    return checks


def _history(subject: Subject) -> list[Check]:
    """What was evaluated before does not matter, nor that the System was written and read."""
    where = subject.where
    centre = where.mean(axis=0)
    frames = np.stack([where, centre + 1.15 * (where - centre), centre + 0.9 * (where - centre), where])
    walked = subject.energies(frames)
    text = openmm.XmlSerializer.serialize(subject.mixed.system)
    fresh = Probe(openmm.XmlSerializer.deserialize(text), subject.mixed.positions, box_nm=subject.mixed.box)
    alone = fresh.energies(subject.particles, frames[2:0:-1])[::-1]
    forces = subject.forces(where) - fresh.forces(moved=(subject.particles, where))[list(subject.particles)]
    return [
        small("coming back gives the same energy", abs(walked[3] - walked[0])),
        small(
            "a copy that saw nothing else gives the same energies",
            float(np.abs(walked[1:3] - alone).max()),
            limit=ENERGY_KJ_MOL + 1e-6 * float(np.abs(walked).max()),
            remark="something of older positions is kept, or the XML lost something",
        ),
        _relative("a copy that saw nothing else gives the same forces", forces, _size(subject.forces(where))),
    ]


def _stiffness(subject: Subject) -> list[Check]:
    """Units: along random directions the potential is about as stiff as the force field.

    Directions keep the lengths of constraints and cut bonds, where the force field has no springs of its own.
    """
    terms = internal_terms(subject.plain.system, subject.region)
    internal = InternalEnergy.summing(terms)
    where = subject.where
    steps = _directions(subject, number=12) * 2e-3
    frames = np.concatenate([where + steps, where - steps, where[None]])
    curvatures = []
    for energies in (subject.direct(frames), internal.energies(frames)):
        n = len(steps)
        curvatures.append(float((energies[:n] + energies[n : 2 * n] - 2 * energies[-1]).sum()))
    if curvatures[1] <= 1e-6:  # nothing can move: a methyl group whose bonds are constrained
        return []
    return [
        Check(
            name="the potential is as stiff as a molecule",
            found=curvatures[0] / curvatures[1],
            limits=STIFFNESS,
            unit="of the force field's curvature",
            remark="energies are due in kJ/mol, positions in nm",
        )
    ]


def _directions(subject: Subject, *, number: int) -> Floats:
    """Random displacements of the particles, (K, P, 3), that move the ends of a constraint or cut alike; unit size."""
    at = {atom: index for index, atom in enumerate(subject.particles)}
    moves = subject.rng.normal(size=(number, len(at), 3))
    system = subject.plain.system
    stiff = [tuple(system.getConstraintParameters(index)[:2]) for index in range(system.getNumConstraints())]
    for i, j in [*stiff, *((link.inside, link.outside) for link in subject.region.links)]:
        if i in at and j in at:
            moves[:, at[j]] = moves[:, at[i]]
    return np.asarray(moves / np.sqrt(np.mean(moves**2, axis=(1, 2), keepdims=True)))


def conservation(subject: Subject, *, temperature: float, seed: int) -> Check:
    """Without a thermostat, under the potential alone, what leaves one form of energy enters the other."""
    kinetic, potential = subject.mixed.run(
        steps=_NVE_STEPS, time_step=_NVE_STEP_PS, temperature=temperature, seed=seed + 1
    )
    total = kinetic + potential
    return Check(
        name="energy is conserved",
        found=float(np.std(total)) / max(float(np.std(kinetic)), 1e-12),
        limits=(0.0, CONSERVATION),
        unit="of the kinetic energy's fluctuation",
        remark="forces and energy, or one step and the next, do not belong together",
    )


CLAIMS: tuple[Callable[[Subject], list[Check]], ...] = (
    _model,
    _ends,
    _switch,
    _gradient,
    _symmetry,
    _images,
    _history,
    _stiffness,
)


def _size(forces: Floats) -> float:
    return float(np.sqrt(np.mean(forces**2))) + 1e-9


def _count(name: str, found: int, *, remark: str = "") -> Check:
    return Check(name=name, found=float(found), limits=(0.0, 0.0), unit="", remark=remark)


def small(name: str, found: float | Floats, *, limit: float = ENERGY_KJ_MOL, remark: str = "") -> Check:
    """A claim that an energy, or each of some, is nothing [kJ/mol]."""
    return Check(name=name, found=float(np.max(np.abs(found))), limits=(0.0, limit), unit="kJ/mol", remark=remark)


def _relative(name: str, difference: Floats, size: float) -> Check:
    found = float(np.abs(difference).max()) / size if difference.size else 0.0
    return Check(name=name, found=found, limits=(0.0, FORCE_RELATIVE), unit="of a force component")
