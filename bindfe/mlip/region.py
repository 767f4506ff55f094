"""Which atoms a potential describes: a whole molecule, or residues cut out with link atoms.

A cut bond is capped with a hydrogen on the line of the bond, at a constant part g of it::

    r_link = r_in + g (r_out - r_in),    g = 0.1090 nm / (length of the bond)

Linear in the two atoms, so the chain rule hands its force on exactly: (1 - g) to the atom inside, g to the
one outside, and energy is conserved. A cap has no degrees of freedom, and the System gets no particle.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from bindfe.errors import InputError

Floats = NDArray[np.float64]

CAP_LENGTH_NM = 0.1090
"""C-H bond of a capped carbon [nm]: amber14's for CT-HC."""

_CARBON_LENGTH_NM = 0.1526  # C-C bond of sp3 carbons where the force field has no spring for it (amber14)
_LARGEST_RING = 12  # atoms; a larger cycle, such as one closed by a disulfide bridge, may be cut like a chain
_SATURATED = 4  # neighbours of a carbon that has no double bond


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkAtom:
    """A hydrogen in place of the rest of the molecule."""

    inside: int
    """Atom of the region."""
    outside: int
    """Atom that it was bonded to, outside the region."""
    ratio: float
    """g, distance of the cap over length of the bond."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Region:
    """Atoms of a System that a potential describes, and the caps of the bonds that leave them."""

    atoms: tuple[int, ...]
    """Atoms, in the order that the committee knows, (N,)."""
    links: tuple[LinkAtom, ...] = ()
    """Caps, (L,), after the atoms in the committee's order."""
    bonds: tuple[tuple[int, int], ...] = ()
    """Bonds inside the region and out of it, with the numbers of the System."""

    @property
    def particles(self) -> tuple[int, ...]:
        """Atoms whose positions the potential depends on: the region's, then those that carry a cap, (P,)."""
        return (*self.atoms, *dict.fromkeys(link.outside for link in self.links))

    def placement(self) -> Placement:
        """How the potential's positions follow from those of ``particles``."""
        number = {atom: index for index, atom in enumerate(self.particles)}
        bonds = [(number[i], number[j]) for i, j in self.bonds if i in number and j in number]
        return Placement(
            parents=_parents(len(number), bonds),
            n_atoms=len(self.atoms),
            links=tuple((number[link.inside], number[link.outside], link.ratio) for link in self.links),
        )


class Placement:
    """Positions of a potential's atoms from those of the System's, and the way back for forces."""

    def __init__(self, *, parents: Sequence[int], n_atoms: int, links: Sequence[tuple[int, int, float]] = ()) -> None:
        """Prepare what does not depend on positions.

        Args:
            parents: A bonded neighbour of each particle, nearer to the first one; -1 for the first, (P,).
            n_atoms: Particles that are atoms of the region, N.
            links: Particle inside, particle outside, g of each cap, (L,).
        """
        self.parents = tuple(parents)
        self.n_atoms = n_atoms
        self.links = tuple(links)
        self._nearer = np.maximum(self.parents, 0)
        self._lineage = np.zeros((len(self.parents), len(self.parents)))
        for index in range(len(self.parents)):
            at = index
            while at >= 0:
                self._lineage[index, at] = 1.0
                at = self.parents[at]
        self._inside = np.array([link[0] for link in self.links], dtype=int)
        self._outside = np.array([link[1] for link in self.links], dtype=int)
        self._ratio = np.array([[link[2]] for link in self.links])

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without what is prepared."""
        return _placement, (type(self), self.parents, self.n_atoms, self.links)

    def whole(self, particles: Floats, box: Floats) -> Floats:
        """Put each particle into its image next to its bonded neighbour, [nm], (P, 3).

        A molecule may be longer than half the box; parts that are not bonded are put nearest to the first
        particle.

        Args:
            particles: Positions [nm], (P, 3), in any images.
            box: Box vectors as rows, in OpenMM's reduced form [nm], (3, 3).
        """
        steps = particles - particles[self._nearer]
        images = np.zeros_like(steps)
        for axis in (2, 1, 0):
            images[:, axis] = np.rint(steps[:, axis] / box[axis, axis])
            if images[:, axis].any():
                steps = steps - images[:, axis : axis + 1] * box[axis]
        if not images.any():
            return particles
        return np.asarray(particles - self._lineage @ images @ box, dtype=float)

    def with_caps(self, particles: Floats) -> Floats:
        """Positions of the region's atoms and its caps [nm], (N + L, 3), from whole particles (P, 3)."""
        if not self.links:
            return particles
        caps = particles[self._inside] + self._ratio * (particles[self._outside] - particles[self._inside])
        return np.concatenate([particles[: self.n_atoms], caps])

    def spread(self, forces: Floats) -> Floats:
        """Forces on the particles (P, 3) from those on atoms and caps (N + L, 3) [kJ/mol/nm]."""
        if not self.links:
            return forces
        spread = np.zeros((len(self.parents), 3))
        spread[: self.n_atoms] = forces[: self.n_atoms]
        np.add.at(spread, self._inside, (1 - self._ratio) * forces[self.n_atoms :])
        np.add.at(spread, self._outside, self._ratio * forces[self.n_atoms :])
        return spread


def _placement(
    kind: type[Placement], parents: tuple[int, ...], n_atoms: int, links: tuple[tuple[int, int, float], ...]
) -> Placement:
    return kind(parents=parents, n_atoms=n_atoms, links=links)


def _parents(number: int, bonds: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Parent of each particle in a breadth-first walk from the first one of each connected part.

    The roots of further parts have the first particle as their parent.
    """
    neighbours: list[list[int]] = [[] for _ in range(number)]
    for i, j in bonds:
        neighbours[i].append(j)
        neighbours[j].append(i)
    parents = [-2] * number
    for root in range(number):
        if parents[root] == -2:
            parents[root] = 0 if root else -1
            queue = deque([root])
            while queue:
                at = queue.popleft()
                for neighbour in neighbours[at]:
                    if parents[neighbour] == -2:
                        parents[neighbour] = at
                        queue.append(neighbour)
    return tuple(parents)


def cut_region(topology: app.Topology, atoms: Sequence[int], *, system: openmm.System | None = None) -> Region:
    """Cut a region out of a topology: whole molecules, or parts capped at single C-C bonds.

    Args:
        topology: All atoms with their bonds; the elements of atoms at a cut are needed.
        atoms: Atoms of the region, in the order that the committee knows, (N,).
        system: Where the lengths of cut bonds are looked up; 0.1526 nm otherwise.

    Raises:
        InputError: No atoms, atoms named twice or not there, or a bond is cut that has no hydrogen in
            its place: one in a ring, an aromatic or double bond, or one that is not between carbons.
    """
    _check_atoms(atoms, topology.getNumAtoms())
    named = list(topology.atoms())
    neighbours: list[set[int]] = [set() for _ in named]
    bonds = [(bond.atom1.index, bond.atom2.index, bond.order) for bond in topology.bonds()]
    for i, j, _ in bonds:
        neighbours[i].add(j)
        neighbours[j].add(i)
    inside = set(atoms)
    links = []
    for i, j, order in bonds:
        if (i in inside) != (j in inside):
            within, outside = (i, j) if i in inside else (j, i)
            _check_cut(named[within], named[outside], neighbours=neighbours, order=order)
            links.append((within, outside))
    _check_apart(links, named)
    return Region(
        atoms=tuple(int(atom) for atom in atoms),
        links=tuple(
            LinkAtom(inside=i, outside=j, ratio=CAP_LENGTH_NM / _length(system, i, j)) for i, j in sorted(links)
        ),
        bonds=tuple((i, j) for i, j, _ in bonds if i in inside or j in inside),
    )


def topology_of(system: openmm.System) -> app.Topology:
    """A topology with a System's atoms, without elements, and its bonds: springs and constraints."""
    topology = app.Topology()
    residue = topology.addResidue("SYS", topology.addChain())
    atoms = [topology.addAtom(f"atom {index}", None, residue) for index in range(system.getNumParticles())]
    bonds = {_ordered(*system.getConstraintParameters(index)[:2]) for index in range(system.getNumConstraints())}
    for force in system.getForces():
        if isinstance(force, openmm.HarmonicBondForce):
            bonds |= {_ordered(*force.getBondParameters(index)[:2]) for index in range(force.getNumBonds())}
    for i, j in sorted(bonds):
        topology.addBond(atoms[i], atoms[j])
    return topology


def check_overlap(region: Region, alchemical_atoms: Iterable[int]) -> None:
    """Refuse an alchemical region that a potential's region lies across.

    The potential is not scaled by alchemy. That is right where it belongs wholly to what is switched (its
    internal energy is the same in every state) or not at all.

    Args:
        region: Atoms of the potential.
        alchemical_atoms: Atoms that alchemy will switch.

    Raises:
        InputError: Only some of the region's atoms, or of those that carry its caps, are switched.
    """
    switched, own = set(alchemical_atoms), set(region.particles)
    if own & switched and not own <= switched:
        missing = sorted(own - switched)
        raise InputError(
            f"{len(own & switched)} of the {len(own)} atoms that the potential depends on are alchemical, and atoms "
            f"{missing[:8]} are not: make all of them alchemical, or none"
        )


def _ordered(i: int, j: int) -> tuple[int, int]:
    return min(i, j), max(i, j)


def _check_atoms(atoms: Sequence[int], number: int) -> None:
    if not atoms:
        raise InputError("the ML region has no atoms")
    if len(set(atoms)) != len(atoms):
        raise InputError("an atom is named twice in the ML region")
    absent = [atom for atom in atoms if not 0 <= atom < number]
    if absent:
        raise InputError(f"the ML region names atoms {absent[:8]}; the System has atoms 0 to {number - 1}")


def _check_cut(within: app.Atom, outside: app.Atom, *, neighbours: list[set[int]], order: int | None) -> None:
    where = f"the bond between {_name(within)} (ML) and {_name(outside)} (MM)"
    if within.element is None or outside.element is None:
        raise InputError(
            f"a bond joins atoms {within.index} and {outside.index}, of which only some belong to the ligand: "
            "name whole molecules, or give a topology with elements so that the bond can be capped"
        )
    if {within.element.symbol, outside.element.symbol} != {"C"}:
        raise InputError(f"{where} cannot be cut: only single bonds between carbons can be capped with a hydrogen")
    unsaturated = all(len(neighbours[atom.index]) < _SATURATED for atom in (within, outside))
    ring = _ring(within.index, outside.index, neighbours)
    if ring:
        kind = "an aromatic ring" if unsaturated else "a ring"
        raise InputError(
            f"{where} cannot be cut: it lies in {kind} of {ring} atoms; take the whole ring, or none of it"
        )
    if (order is not None and order > 1) or (order is None and unsaturated):
        raise InputError(
            f"{where} cannot be cut: both have fewer than four neighbours, so it may be a double or conjugated bond; "
            "cut next to a saturated carbon"
        )


def _check_apart(links: Sequence[tuple[int, int]], named: Sequence[app.Atom]) -> None:
    carriers = [outside for _, outside in links]
    twice = {atom for atom in carriers if carriers.count(atom) > 1}
    if twice:
        names = ", ".join(_name(named[atom]) for atom in sorted(twice))
        raise InputError(f"two cut bonds meet at {names}, and their caps would overlap: take it into the ML region")


def _ring(i: int, j: int, neighbours: list[set[int]]) -> int:
    """Atoms of the smallest ring that a bond lies in; 0 if there is none of a size that counts."""
    distance = {i: 0}
    queue = deque([i])
    while queue:
        at = queue.popleft()
        if distance[at] >= _LARGEST_RING - 1:
            continue
        for neighbour in neighbours[at]:
            if neighbour == j and at != i:
                return distance[at] + 2
            if neighbour not in distance and neighbour != j:
                distance[neighbour] = distance[at] + 1
                queue.append(neighbour)
    return 0


def _length(system: openmm.System | None, i: int, j: int) -> float:
    """Length that the force field's spring gives a bond [nm]."""
    for force in system.getForces() if system is not None else ():
        if isinstance(force, openmm.HarmonicBondForce):
            for index in range(force.getNumBonds()):
                first, second, length, _ = force.getBondParameters(index)
                if {first, second} == {i, j}:
                    return float(length.value_in_unit(unit.nanometer))
    return _CARBON_LENGTH_NM


def _name(atom: app.Atom) -> str:
    return f"{atom.name} of {atom.residue.name} {atom.residue.id} (atom {atom.index})"
