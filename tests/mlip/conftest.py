"""Methanol with hand-made force field terms, beside two atoms, in a continuum or in a box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import openmm
import pytest
from openmm import app

NUMBERS = (6, 8, 1, 1, 1, 1)
METHANOL_NM = 0.1 * np.array(
    [
        [0.00, 0.02, 0.01],
        [1.42, 0.00, -0.02],
        [-0.38, 1.03, 0.05],
        [-0.36, -0.50, 0.90],
        [-0.35, -0.53, -0.88],
        [1.73, 0.55, 0.71],
    ]
)
AROUND_NM = np.array([[0.05, 0.38, 0.1], [0.35, -0.25, 0.2]])
CHARGES = (0.12, -0.6, 0.02, 0.03, 0.03, 0.42, -0.5, 0.48)
SIGMAS = (0.34, 0.307, 0.26, 0.26, 0.26, 0.1, 0.34, 0.3)
EPSILONS = (0.45, 0.88, 0.06, 0.06, 0.06, 0.02, 0.9, 0.7)
BONDS = ((0, 1, 0.142, 2.7e5), (0, 2, 0.109, 2.8e5), (0, 3, 0.109, 2.8e5), (0, 4, 0.109, 2.8e5))
ANGLES = ((1, 0, 2), (1, 0, 3), (1, 0, 4), (2, 0, 3), (2, 0, 4), (3, 0, 4), (0, 1, 5))
TORSIONS = ((2, 0, 1, 5), (3, 0, 1, 5), (4, 0, 1, 5))


@dataclass(frozen=True)
class Methanol:
    """A physical System and where its atoms are."""

    system: openmm.System
    topology: app.Topology
    positions: np.ndarray
    atoms: tuple[int, ...]


def build(*, method: int, continuum: bool, first: int = 0) -> Methanol:
    """Methanol (from atom ``first``: 0 or 2) and two charged atoms; O-H is constrained."""
    order = [*range(6), 6, 7] if first == 0 else [6, 7, *range(6)]
    place = {old: new for new, old in enumerate(order)}
    system = openmm.System()
    bonds, angles = openmm.HarmonicBondForce(), openmm.HarmonicAngleForce()
    torsions, nonbonded = openmm.PeriodicTorsionForce(), openmm.NonbondedForce()
    for old in order:
        system.addParticle((12.0, 16.0, 3.0, 3.0, 3.0, 3.0, 40.0, 40.0)[old])
        nonbonded.addParticle(CHARGES[old], SIGMAS[old], EPSILONS[old])
    system.addConstraint(place[1], place[5], 0.0960)
    for i, j, length, k in BONDS:
        bonds.addBond(place[i], place[j], length, k)
    bonds.addBond(place[6], place[7], 0.7, 500.0)
    for i, j, k in ANGLES:
        angles.addAngle(place[i], place[j], place[k], 1.9, 400.0)
    for atoms in TORSIONS:
        torsions.addTorsion(*(place[atom] for atom in atoms), 3, 0.3, 0.7)
    pairs = [(place[i], place[j]) for i, j in (*((b[0], b[1]) for b in BONDS), (1, 5))]
    nonbonded.createExceptionsFromBonds(pairs, 1 / 1.2, 0.5)
    nonbonded.setNonbondedMethod(method)
    for force in (nonbonded, bonds, angles, torsions):
        system.addForce(force)
    if continuum:
        born = openmm.GBSAOBCForce()
        for old in order:
            born.addParticle(CHARGES[old], 0.15 + 0.01 * old, 0.8)
        system.addForce(born)
    if method != openmm.NonbondedForce.NoCutoff:
        nonbonded.setCutoffDistance(1.0)
        nonbonded.setUseDispersionCorrection(False)
        nonbonded.setEwaldErrorTolerance(1e-6)
        system.setDefaultPeriodicBoxVectors((2.5, 0, 0), (0, 2.5, 0), (0, 0, 2.5))
    positions = np.concatenate([METHANOL_NM, AROUND_NM])[order]
    return Methanol(
        system=system,
        topology=_topology(order, place),
        positions=positions,
        atoms=tuple(place[atom] for atom in range(6)),
    )


def _topology(order: list[int], place: dict[int, int]) -> app.Topology:
    topology = app.Topology()
    chain = topology.addChain()
    residues: dict[bool, Any] = {}
    atoms = {}
    for old in order:
        ligand = old < 6
        if ligand not in residues:
            residues[ligand] = topology.addResidue("LIG" if ligand else "ENV", chain)
        number = NUMBERS[old] if ligand else 18
        element = app.Element.getByAtomicNumber(number)
        atoms[place[old]] = topology.addAtom(f"X{old}", element, residues[ligand])
    for i, j in (*((b[0], b[1]) for b in BONDS), (1, 5)):
        topology.addBond(atoms[place[i]], atoms[place[j]])
    return topology


@pytest.fixture(params=[0, 2], ids=["ligand-first", "ligand-last"])
def in_continuum(request: pytest.FixtureRequest) -> Methanol:
    return build(method=openmm.NonbondedForce.NoCutoff, continuum=True, first=request.param)


@pytest.fixture
def in_box() -> Methanol:
    return build(method=openmm.NonbondedForce.PME, continuum=False, first=2)


@pytest.fixture
def numbers() -> tuple[int, ...]:
    return NUMBERS


@pytest.fixture
def geometries() -> np.ndarray:
    """Five distorted methanols [nm], (5, 6, 3)."""
    rng = np.random.default_rng(7)
    return np.asarray(METHANOL_NM + rng.normal(scale=0.004, size=(5, 6, 3)))
