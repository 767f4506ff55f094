"""What an audit claims of a potential inside a System: its forces, symmetries, images, memory and units."""

from __future__ import annotations

import numpy as np
import openmm
from numpy.typing import NDArray

from bindfe.mlip.contract import Check, energy_resolution, force_error, random_rotation, swaps_of_equal_atoms
from bindfe.mlip.internal import InternalEnergy, internal_terms
from bindfe.mlip.probe import Probe
from bindfe.mlip.subject import ENERGY_KJ_MOL, FORCE_RELATIVE, Floats, Subject, relative, size, small

RESOLUTION_KJ_MOL = 3e-3
"""Roughness of the energy on a smooth path [kJ/mol], rms; single precision gives 0.009 from 3e5 kJ/mol on."""
CONSERVATION = 0.02
"""Standard deviation of the total energy over that of the kinetic one, without a thermostat."""
STIFFNESS = (0.33, 3.0)
"""Curvature of the potential over the force field's; kcal/mol, eV or Hartree taken for kJ/mol fall outside."""

_NVE_STEPS = 60
_NVE_STEP_PS = 0.25e-3


def gradient(subject: Subject) -> list[Check]:
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
        relative("the potential pushes no other atom", elsewhere, size(forces)),
    ]


def symmetry(subject: Subject) -> list[Check]:
    """Space has no direction, no origin and no images; equal atoms are equal."""
    where, turn = subject.where, random_rotation(subject.rng)
    centre = where.mean(axis=0)
    turned = (where - centre) @ turn.T + centre + 0.1
    energy, forces = subject.energies(where[None])[0], subject.forces(where)
    checks = [
        small("turning and shifting leave the energy as it is", abs(subject.energies(turned[None])[0] - energy)),
        relative("turning turns the forces", subject.forces(turned) - forces @ turn.T, size(forces)),
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


def images(subject: Subject) -> list[Check]:
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
            relative(f"{name} in another image feel the same forces", subject.forces(moved) - forces, size(forces)),
        ]
    return checks


def history(subject: Subject) -> list[Check]:
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
        relative("a copy that saw nothing else gives the same forces", forces, size(subject.forces(where))),
    ]


def stiffness(subject: Subject) -> list[Check]:
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
