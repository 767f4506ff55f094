"""Many copies of a few molecules: a System with one of each becomes one with as many as a box holds.

Matching templates to thousands of equal waters and switching a ligand off among them take most of the time of
building a leg, though every water gets what the first one got.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import openmm as mm
from openmm import unit

_WATER_SITES = mm.ThreeParticleAverageSite


@dataclass(frozen=True, kw_only=True, slots=True)
class Species:
    """A molecule of the solvent: where its one copy is in the seed, and how many there are to be."""

    first: int
    """Its first particle in the seed."""
    sites: int
    """Its particles."""
    copies: int
    """How many there are to be, 0 or more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bulk:
    """What a large System is made of."""

    seed: mm.System
    """The solutes and, after them, one molecule of each species."""
    species: tuple[Species, ...]
    """The species, in the order of the seed; the last one ends it."""

    def system(self) -> mm.System:
        """The System with all copies."""
        return replicate(self.seed, self.species)


def replicate(seed: mm.System, species: Sequence[Species]) -> mm.System:
    """Make the System that has so many copies of each species, one after the other in the order of the seed.

    Copies take masses, constraints, virtual sites, charges, Lennard-Jones and soft-core parameters, exceptions and
    membership of interaction groups from the one in the seed; they have no bonded terms, and neither have rigid
    water and ions. Settings of forces and all that concerns the solutes are the seed's.

    Args:
        seed: The solutes and one molecule of each species; it is not changed.
        species: The species.

    Returns:
        A new System; its particles are those of a System that is built directly, and so is its energy.
    """
    system = copy.deepcopy(seed)
    origin = _origins(seed, species)
    masses = [seed.getParticleMass(i).value_in_unit(unit.amu) for i in range(seed.getNumParticles())]
    for index, source in enumerate(origin):
        if index >= len(masses):
            system.addParticle(masses[source])
        elif index != source:
            system.setParticleMass(index, masses[source])
    _copy_constraints(seed, system, species)
    _copy_sites(seed, system, species)
    for force, own in zip(system.getForces(), seed.getForces(), strict=True):
        if isinstance(own, mm.NonbondedForce):
            _extend_nonbonded(force, own, origin, species)
        elif isinstance(own, mm.CustomNonbondedForce):
            _extend_custom(force, own, origin, species)
    return system


def _origins(seed: mm.System, species: Sequence[Species]) -> list[int]:
    """For each particle of the large System, the one of the seed that it is a copy of."""
    solutes = species[0].first if species else seed.getNumParticles()
    origin = list(range(solutes))
    for each in species:
        origin += list(range(each.first, each.first + each.sites)) * each.copies
    if len(origin) < seed.getNumParticles():
        raise ValueError(f"{len(origin)} particles are fewer than the {seed.getNumParticles()} of the seed")
    return origin


def _shifts(species: Sequence[Species]) -> Iterator[tuple[Species, list[int]]]:
    """Each species, and how far each of its copies is from the one in the seed."""
    begin = species[0].first if species else 0
    for each in species:
        yield each, [begin - each.first + k * each.sites for k in range(each.copies)]
        begin += each.sites * each.copies


def _owner(particles: Sequence[int], species: Sequence[Species]) -> int | None:
    """The number of the species that all of some particles belong to; None for solutes."""
    for number, each in enumerate(species):
        if all(each.first <= i < each.first + each.sites for i in particles):
            return number
    return None


def _copy_constraints(seed: mm.System, system: mm.System, species: Sequence[Species]) -> None:
    shifts = [shift for _, shift in _shifts(species)]
    for index in reversed(range(seed.getNumConstraints())):
        i, j, length = seed.getConstraintParameters(index)
        number = _owner((i, j), species)
        if number is not None:
            system.removeConstraint(index)
            distance = length.value_in_unit(unit.nanometer)
            for shift in shifts[number]:
                system.addConstraint(i + shift, j + shift, distance)


def _copy_sites(seed: mm.System, system: mm.System, species: Sequence[Species]) -> None:
    """Fourth sites of water; those of the seed lie where a copy's hydrogen may be now."""
    for each, shift in _shifts(species):
        for i in range(each.first, each.first + each.sites):
            if not seed.isVirtualSite(i):
                continue
            site = seed.getVirtualSite(i)
            if not isinstance(site, _WATER_SITES):
                raise TypeError(f"a virtual site of kind {type(site).__name__} cannot be copied")
            parents, weights = [site.getParticle(k) for k in range(3)], [site.getWeight(k) for k in range(3)]
            for step in shift:
                system.setVirtualSite(i + step, _WATER_SITES(*(p + step for p in parents), *weights))


def _extend_nonbonded(
    force: mm.NonbondedForce, own: mm.NonbondedForce, origin: Sequence[int], species: Sequence[Species]
) -> None:
    parameters = [_plain(own.getParticleParameters(i)) for i in range(own.getNumParticles())]
    for index, source in enumerate(origin):
        if index >= len(parameters):
            force.addParticle(*parameters[source])
        elif index != source:
            force.setParticleParameters(index, *parameters[source])
    shifts = [shift for _, shift in _shifts(species)]
    for index in range(own.getNumExceptions()):
        i, j, *quantities = own.getExceptionParameters(index)
        number, values = _owner((i, j), species), _plain(quantities)
        if number is not None:
            for shift in shifts[number][1:]:  # the first copy is where it was, as water is the first species
                force.addException(i + shift, j + shift, *values)


def _plain(quantities: Sequence[Any]) -> list[float]:
    """Numbers in OpenMM's units, which are taken three times faster than quantities."""
    return [float(each.value_in_unit_system(unit.md_unit_system)) for each in quantities]


def _extend_custom(
    force: mm.CustomNonbondedForce, own: mm.CustomNonbondedForce, origin: Sequence[int], species: Sequence[Species]
) -> None:
    parameters = [own.getParticleParameters(i) for i in range(own.getNumParticles())]
    for index, source in enumerate(origin):
        if index >= len(parameters):
            force.addParticle(parameters[source])
        elif index != source:
            force.setParticleParameters(index, parameters[source])
    shifts = [shift for _, shift in _shifts(species)]
    for index in range(own.getNumExclusions()):
        i, j = own.getExclusionParticles(index)
        number = _owner((i, j), species)
        if number is not None:
            for shift in shifts[number][1:]:
                force.addExclusion(i + shift, j + shift)
    for index in range(own.getNumInteractionGroups()):
        groups = [_all_copies(group, species) for group in own.getInteractionGroupParameters(index)]
        force.setInteractionGroupParameters(index, *groups)


def _all_copies(group: Sequence[int], species: Sequence[Species]) -> list[int]:
    solutes, members = species[0].first if species else None, set(group)
    found = [i for i in members if solutes is None or i < solutes]
    for each, shift in _shifts(species):
        for i in range(each.first, each.first + each.sites):
            if i in members:
                found += [i + step for step in shift]
    return found
