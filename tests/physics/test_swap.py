"""Two rigid ligands and a receptor whose wells are known: the whole relative leg against an integral.

The receptor is one fixed particle that holds atom 1 of either ligand in a Gaussian well; the ligands are rigid
triangles, so everything but the place of that atom cancels and delta_delta_g is a ratio of two radial integrals.
"""

from __future__ import annotations

import math

import numpy as np
import openmm as mm
import pytest

from bindfe.build.legfiles import LoadedLeg
from bindfe.build.swap import (
    LAMBDA_FIRST_SITE,
    LAMBDA_SECOND_SITE,
    SWAP_LINEAR,
    Alignment,
    Site,
    alignment_force,
    site_force,
    swap_parameters,
    swap_system,
)
from bindfe.estimate.mbar import estimate_leg
from bindfe.protocol import parse_protocol
from bindfe.results import PreparedLeg
from bindfe.sample.exchange import read_potentials, sample_leg
from bindfe.states import LegKind, ThermodynamicState
from bindfe.units import thermal_energy

TEMPERATURE = 298.15
KT = thermal_energy(TEMPERATURE)
AWAY = (4.0, 0.5, 0.0)
RADIUS, SPRING = 0.35, 4000.0
DEPTHS = {"shallow": 14.0, "deep": 22.0}  # kJ/mol
WIDTHS = {"shallow": 0.12, "deep": 0.09}  # nm
LADDER = (0.0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0)
PROTOCOL = parse_protocol(
    """
receptor: {file: host.sdf}
ligands: {file: guest.sdf}
alchemy: {method: transfer}
equilibration: {minimise_iterations: 0, heat_time: 1 ps, release_springs: [], free_time: 1 ps, state_time: 1 ps}
sampling: {time_step: 10 fs, friction: 5 1/ps, cycle_time: 0.5 ps, length: 80 ps, chunk_cycles: 200, frames_every: 100}
compute: {platform: Reference}
"""
)


def wells(first: str, second: str) -> mm.CustomNonbondedForce:
    """The site: -D exp(-r^2 / 2 w^2) between the receptor and atom 1 of each ligand."""
    site = mm.CustomNonbondedForce("-D*exp(-r^2/(2*w^2));D=D1+D2;w=w1+w2")
    site.addPerParticleParameter("D")
    site.addPerParticleParameter("w")
    site.addParticle([0.0, 0.0])
    for name in (first, second):
        site.addParticle([DEPTHS[name], WIDTHS[name]])
        for _ in range(2):
            site.addParticle([0.0, 1.0])
    site.addInteractionGroup([0], [1, 4])
    return site


def plain_system(first: str, second: str) -> mm.System:
    system = mm.System()
    for mass in (0.0, *[40.0] * 6):
        system.addParticle(mass)
    for start in (1, 4):
        for i, j, distance in ((0, 1, 0.3), (0, 2, 0.3), (1, 2, 0.4)):
            system.addConstraint(start + i, start + j, distance)
    system.addForce(wells(first, second))
    return system


def toy_leg(first: str, second: str) -> LoadedLeg:
    system = swap_system(
        plain_system(first, second),
        first_atoms=[1, 2, 3],
        second_atoms=[4, 5, 6],
        displacement=AWAY,
        settings=PROTOCOL.alchemy,
    )
    system.addForce(
        alignment_force(
            Alignment(
                first=(1, 2, 3), second=(4, 5, 6), displacement=AWAY, position_spring=3000.0, direction_spring=60.0
            )
        )
    )
    for atom, away, name in ((1, (0.0, 0.0, 0.0), LAMBDA_FIRST_SITE), (4, AWAY, LAMBDA_SECOND_SITE)):
        site = Site(receptor_atoms=(0,), ligand_atoms=(atom,), displacement=away, spring=SPRING, flat_radius=RADIUS)
        system.addForce(site_force(site, name))
    triangle = np.array([[0.0, 0.0, 0.0], [0.3, 0.0, 0.0], [0.0, 0.0, 0.0]])
    cosine = 1 - 0.4**2 / (2 * 0.3**2)
    triangle[2] = 0.3 * np.array([cosine, math.sqrt(1 - cosine**2), 0.0])
    record = PreparedLeg(
        kind=LegKind.RELATIVE,
        ligand="first~second",
        thermodynamic_state=ThermodynamicState(temperature=TEMPERATURE),
        schedule=None,
        parameters=tuple(swap_parameters(swapped=swapped, alignment=1.0) for swapped in LADDER),
        linear_parameters=SWAP_LINEAR,
        start_state=0,
        n_atoms=7,
        receptor_atoms=(0,),
        ligand_atoms=(1, 2, 3, 4, 5, 6),
        restraint=None,
        checksums={},
        fingerprint="",
    )
    positions = np.concatenate([np.zeros((1, 3)), triangle, triangle + AWAY])
    topology = mm.app.Topology()
    residue = topology.addResidue("TOY", topology.addChain())
    for _ in range(7):
        topology.addAtom("C", mm.app.element.carbon, residue)
    return LoadedLeg(record=record, system=system, topology=topology, positions=positions, box=None)


def integral(name: str) -> float:
    """int r^2 e^(-U/kT) dr over the site, its wall included [nm^3]."""
    r = np.linspace(0.0, 1.0, 20001)
    energy = -DEPTHS[name] * np.exp(-(r**2) / (2 * WIDTHS[name] ** 2))
    energy += 0.5 * SPRING * np.maximum(0.0, r - RADIUS) ** 2
    return float(np.trapezoid(r**2 * np.exp(-energy / KT), r))


def sampled(first: str, second: str, tmp_path, seed: int):
    leg = toy_leg(first, second)
    sample_leg(leg, PROTOCOL, directory=tmp_path, repeat=0, seed=seed)
    return estimate_leg(
        read_potentials(tmp_path, seed=seed), kind=LegKind.RELATIVE, repeat=0, n_bootstrap=100, seed=seed
    )


@pytest.mark.parametrize(("first", "second"), [("shallow", "deep"), ("deep", "shallow")])
def test_a_relative_leg_gives_the_ratio_of_the_wells_integrals(first, second, tmp_path):
    exact = -math.log(integral(second) / integral(first))  # kT
    found = sampled(first, second, tmp_path, seed=7)
    assert found.bootstrap_error < 0.08
    assert abs(found.delta_f - exact) < 3 * found.bootstrap_error
    assert abs(exact) > 1.0


def clash(apart: float) -> tuple[mm.System, np.ndarray, float]:
    """One ligand of one atom in the site, another in bulk that would come to lie ``apart`` [nm] from the receptor.

    Also the energy of the second in the site less that of the first there [kJ/mol].
    """
    plain, nonbonded = mm.System(), mm.NonbondedForce()
    for _ in range(3):
        plain.addParticle(12.0)
        nonbonded.addParticle(0.0, 0.3, 0.5)
    plain.addForce(nonbonded)
    settings = PROTOCOL.alchemy
    system = swap_system(plain, first_atoms=[1], second_atoms=[2], displacement=AWAY, settings=settings)
    positions = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.35], [0.0, 0.0, apart]]) + np.outer([0, 0, 1], AWAY)

    def jones(r: float) -> float:
        return 4 * 0.5 * ((0.3 / r) ** 12 - (0.3 / r) ** 6)

    return system, positions, jones(apart) - jones(0.35)


@pytest.mark.parametrize("apart", [0.12, 0.09, 0.08, 0.07, 0.05, 0.02])
def test_a_clash_of_the_coming_ligand_never_lowers_the_energy_of_a_state(apart):
    # 1e5 to 1e14 kJ/mol. At 3e7 and more a replica with such a clash was once taken into the states above 1/2.
    system, positions, difference = clash(apart)
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions)
    energies = {}
    for swapped in (0.0, 0.1, 0.5, 0.6, 0.8, 1.0):
        for name, value in swap_parameters(swapped=swapped, alignment=0.0).items():
            if name in context.getParameters():
                context.setParameter(name, value)
        energies[swapped] = context.getState(energy=True).getPotentialEnergy()._value
    assert difference > 1e5
    for swapped in (0.6, 0.8, 1.0):  # the clash counts by its share, up to 1e7 kJ/mol
        expected = swapped * min(difference, 1e7)
        assert energies[swapped] - energies[0.0] == pytest.approx(expected, rel=1e-6)
    most = PROTOCOL.alchemy.softcore_maximum
    assert 0.0 < energies[0.1] - energies[0.0] < 0.1 * most  # below 1/2 it is softened
    assert 0.0 < energies[0.5] - energies[0.0] < 0.5 * most


def test_the_alignment_cancels_whatever_the_frames_are():
    # Its integral over the second frame's place and orientation, for two first frames of other shape and pose, by
    # the same draws: the energy may depend on the relative frame alone.
    rng = np.random.default_rng(1)
    values = []
    for shape in ([[0, 0, 0], [0.3, 0, 0], [0.1, 0.3, 0]], [[0, 0, 0], [0.14, 0, 0], [-0.05, 0.12, 0]]):
        frame = np.array(shape, dtype=float)
        turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        turn *= np.linalg.det(turn)
        values.append([alignment_energy(frame @ turn.T + 0.2, pose, turn) for pose in range(12)])
    assert np.allclose(values[0], values[1], rtol=1e-8)
    assert np.ptp(values[0]) > 10.0


def alignment_energy(first: np.ndarray, pose: int, turn: np.ndarray) -> float:
    """Energy with the second ligand a fixed triangle, posed relative to the first frame by the pose's own draw."""
    rng = np.random.default_rng(pose)
    relative = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    relative *= np.linalg.det(relative)
    triangle = np.array([[0.0, 0.0, 0.0], [0.2, 0.0, 0.0], [0.05, 0.2, 0.0]])
    shift = rng.normal(size=3) * 0.1
    second = triangle @ relative.T @ turn.T + first[0] + shift @ turn.T + np.array(AWAY)
    system = mm.System()
    for _ in range(6):
        system.addParticle(1.0)
    alignment = Alignment(
        first=(0, 1, 2), second=(3, 4, 5), displacement=AWAY, position_spring=3000.0, direction_spring=60.0
    )
    system.addForce(alignment_force(alignment))
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    context.setPositions(np.concatenate([first, second]))
    return context.getState(energy=True).getPotentialEnergy()._value
