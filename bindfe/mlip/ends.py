"""What an audit claims of a System's making: what it is made of, whose energy it is, and its two ends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit

from bindfe.mlip.catalogue import MODELS
from bindfe.mlip.contract import Check
from bindfe.mlip.hybrid import LAMBDA_MLIP
from bindfe.mlip.internal import InternalEnergy, internal_terms
from bindfe.mlip.region import Region
from bindfe.mlip.subject import ENERGY_KJ_MOL, Subject, count, relative, size, small

Floats = NDArray[np.float64]

CHARGE_E = 0.05
"""Difference of the region's charge from the potential's [e]."""
XML_BYTES = 50_000
"""What the potential may add to the System's XML."""
_NOISE_NM = 0.003  # between the two geometries whose energies are compared with the committee's


def structure(mixed: openmm.System, plain: openmm.System, region: Region) -> Iterator[Check]:
    """Particles, constraints and masses are the force field's, and one small force holds the potential."""
    more = mixed.getNumParticles() - plain.getNumParticles()
    yield count("no particle was added or lost", abs(more), remark="both ends need the same degrees of freedom")
    ends = [_constraints(system) for system in (plain, mixed)]
    yield count(
        "constraints are those of the force field",
        len(ends[0] ^ ends[1]),
        remark="the ends' ensembles differ in dimension: removeConstraints=False",
    )
    n = min(mixed.getNumParticles(), plain.getNumParticles())
    masses = [[_plain(system.getParticleMass(atom)) for atom in range(n)] for system in (plain, mixed)]
    yield count("masses are those of the force field", sum(a != b for a, b in zip(*masses, strict=True)))
    potentials = [force for force in mixed.getForces() if isinstance(force, openmm.PythonForce)]
    yield count("there is one potential", abs(len(potentials) - 1))
    for force in potentials:
        found = tuple(force.getParticles()) or tuple(range(mixed.getNumParticles()))
        wrong = sum(a != b for a, b in zip(found, region.particles, strict=False))
        yield count("the potential acts on the region, in its order", wrong + abs(len(found) - len(region.particles)))
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


def model(subject: Subject) -> list[Check]:
    """The molecule is the committee's, and the energy that of all its members."""
    own = tuple(getattr(subject.committee, "numbers", subject.numbers))
    wrong = sum(a != b for a, b in zip(own, subject.numbers, strict=False)) + abs(len(own) - len(subject.numbers))
    where = subject.where
    there = where + subject.rng.normal(scale=_NOISE_NM, size=where.shape)
    frames = np.stack([where, there])
    found, expected = subject.energies(frames), subject.direct(frames)
    return [
        count("the committee knows the region's elements", wrong, remark="atoms are in another order, or others"),
        *_charges(subject),
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


def _charges(subject: Subject) -> list[Check]:
    """A claim about charges, unless nobody knows the committee's."""
    name = subject.committee.name
    neutral = name in MODELS and not MODELS[name].charged
    charge = getattr(subject.committee, "charge", 0 if neutral else None)
    if charge is None:
        return []
    return [
        Check(
            name="the potential has the region's charge",
            found=abs(charge - _charge(subject)),
            limits=(0.0, CHARGE_E),
            unit="e",
            remark="open the committee with the molecule's charge",
        )
    ]


def _charge(subject: Subject) -> float:
    """Charge of the region [e]: what the caller says, or the force field's for whole molecules."""
    if subject.charge is not None or subject.region.links:
        return float(subject.charge or 0)
    for force in subject.plain.system.getForces():
        if isinstance(force, openmm.NonbondedForce):
            return sum(_plain(force.getParticleParameters(atom)[0]) for atom in subject.region.atoms)
    return 0.0


def ends(subject: Subject) -> list[Check]:
    """At 0 it is the force field; at 1 only the internal energy is exchanged, and nothing else is touched."""
    energy, forces = subject.plain.total()
    resolution = max(subject.plain.resolution, subject.mixed.resolution)
    allowed = ENERGY_KJ_MOL + resolution * float(np.abs(forces).sum()) * 0.01 + resolution * abs(energy)
    scale = size(forces) * max(1.0, resolution / 1e-6)
    checks = []
    if subject.mixed.switched:
        at_0, forces_at_0 = subject.mixed.total(value=0.0)
        checks += [
            small("at 0 the energy is the force field's", abs(at_0 - energy), limit=allowed),
            relative("at 0 the forces are the force field's", forces_at_0 - forces, scale),
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
        relative("at 1 the internal forces are the potential's, once", changes - forces_exchanged, scale),
        relative("at 1 atoms outside the region feel what they felt", changes[others], scale),
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


def switch(subject: Subject) -> list[Check]:
    """The parameter scales energies and forces."""
    if not subject.mixed.switched:
        return []
    low, middle, high = (subject.mixed.energy(value=value) for value in (0.0, 0.3, 1.0))
    forces = [subject.mixed.forces(value=value) for value in (0.0, 0.3, 1.0)]
    return [
        small(f"{LAMBDA_MLIP} scales the energy", abs(middle - 0.7 * low - 0.3 * high)),
        relative(f"{LAMBDA_MLIP} scales the forces", forces[1] - 0.7 * forces[0] - 0.3 * forces[2], size(forces[2])),
    ]
