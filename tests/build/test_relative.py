from __future__ import annotations

from pathlib import Path

import numpy as np
import openmm as mm
import pytest

from bindfe.build import LoadedLeg, load_leg, load_plain
from bindfe.build.forcefield import parametrise
from bindfe.build.relative import prepare_edge
from bindfe.build.solvate import solvate
from bindfe.build.tworegions import overlaid_system, region_parameters, two_region_system
from bindfe.chem.ligand import Ligand, read_ligands
from bindfe.chem.mapping import alignment_pairs, map_atoms
from bindfe.errors import InputError, ProtocolError, RestraintError
from bindfe.sample.dynamics import Propagator, Replica
from bindfe.units import KJ_PER_KCAL

EDGES = "edges: {network: given, pairs: [[b2, adamantanol]]}\nrestraint: {kind: flat-bottom, flat_radius: 4 A}\n"


@pytest.fixture(scope="module")
def ligands(root) -> tuple[Ligand, Ligand]:
    return tuple(read_ligands(root / "systems" / "cb7" / f"{name}.sdf")[0] for name in ("b2", "adamantanol"))


@pytest.fixture(scope="module")
def three(ligands):
    pairs = alignment_pairs(*ligands, map_atoms(*ligands))
    return [i for i, _ in pairs], [j for _, j in pairs]


@pytest.fixture(scope="module")
def directory(tmp_path_factory, host, ligands, three, protocol) -> Path:
    path = tmp_path_factory.mktemp("edge")
    prepare_edge(host, *ligands, protocol(EDGES), path, alignment=three, fingerprint="f")
    return path


@pytest.fixture(scope="module")
def leg(directory) -> LoadedLeg:
    return load_leg(directory)


def swapped(leg: LoadedLeg, positions: np.ndarray, n_first: int, away: float) -> np.ndarray:
    """The first ligand moved into bulk and the second into the site, by hand."""
    moved = positions.copy()
    moved[list(leg.record.ligand_atoms[:n_first]), 0] += away
    moved[list(leg.record.ligand_atoms[n_first:]), 0] -= away
    return moved


def held(leg: LoadedLeg, positions: np.ndarray, parameters, evaluate) -> float:
    """Energy of the alignment and of the sites alone [kJ/mol]."""
    bare = mm.System()
    for _ in range(leg.system.getNumParticles()):
        bare.addParticle(1.0)
    for force in leg.system.getForces():
        if force.getName() in ("alignment", "lambda_first_site", "lambda_second_site"):
            bare.addForce(mm.XmlSerializer.clone(force))
    names = {"lambda_alignment", "lambda_first_site", "lambda_second_site"}
    return evaluate(bare, positions, {name: parameters[name] for name in names}).energy


def test_with_the_first_ligand_in_the_site_it_is_the_plain_system(directory, leg, evaluate, shaken):
    plain = load_plain(directory, "bound").system
    positions, parameters = shaken(plain, leg.positions, seed=1), leg.record.parameters[0]
    there, physical = evaluate(leg.system, positions, parameters), evaluate(plain, positions)
    assert there.energy - held(leg, positions, parameters, evaluate) == pytest.approx(physical.energy, abs=1e-4)


def test_with_the_second_ligand_in_the_site_it_is_the_plain_system_with_both_moved(
    directory, leg, ligands, evaluate, shaken, protocol
):
    plain, away = load_plain(directory, "bound").system, protocol(EDGES).alchemy.displacement
    n_first = ligands[0].n_atoms
    other = shaken(plain, swapped(leg, leg.positions, n_first, away), seed=2)  # second ligand relaxed in the site
    positions, parameters = swapped(leg, other, n_first, -away), leg.record.parameters[-1]
    there, physical = evaluate(leg.system, positions, parameters), evaluate(plain, other)
    assert there.energy - held(leg, positions, parameters, evaluate) == pytest.approx(physical.energy, abs=1e-4)


def test_the_plain_system_is_the_complex_and_the_other_ligand_alone(
    directory, leg, host, ligands, protocol, evaluate, shaken
):
    settings, plain = protocol(EDGES), load_plain(directory, "bound").system
    positions = shaken(plain, leg.positions, seed=3)
    n_complex = len(leg.record.receptor_atoms) + ligands[0].n_atoms
    bound, _ = solvate(*parametrise(host, ligands[0], settings), settings)
    free, _ = solvate(*parametrise(None, ligands[1], settings), settings)
    apart = evaluate(bound, positions[:n_complex]).energy + evaluate(free, positions[n_complex:]).energy
    assert abs(evaluate(plain, positions).energy - apart) / KJ_PER_KCAL < 2e-3


def test_two_evaluations_give_the_energy_of_every_state(leg, protocol, evaluate):
    settings = protocol(EDGES + "compute: {platform: Reference}\n")
    mover = Propagator(leg.system, leg.record, settings=settings.sampling, compute=settings.compute, seed=1)
    mover.load(Replica(positions=leg.positions, velocities=np.zeros_like(leg.positions)), state=4)
    kt = 0.00831446261815324 * 298.15
    some = (0, 7, 10, 11, 20)  # both sides of the middle
    direct = [evaluate(leg.system, leg.positions, leg.record.parameters[k]).energy / kt for k in some]
    assert mover.energies()[list(some)] == pytest.approx(direct, rel=1e-9)


def test_far_states_of_coordinates_that_were_never_swapped_are_clashes(leg, evaluate, ligands):
    # Why the ladder is walked from the first state: another one starts where its neighbour ended.
    shifted = leg.positions.copy()
    shifted[list(leg.record.ligand_atoms[ligands[0].n_atoms :])] += [0.25, 0.1, 0.0]
    near, far = (evaluate(leg.system, shifted, leg.record.parameters[k]).energy for k in (1, -1))
    assert far > near + 1e4


def test_forces_are_the_gradient_in_the_middle(leg, evaluate):
    rng, state = np.random.default_rng(7), leg.record.parameters[len(leg.record.parameters) // 2 + 1]
    direction = rng.normal(size=leg.positions.shape)
    direction /= np.linalg.norm(direction)
    ahead, behind = (evaluate(leg.system, leg.positions + h * direction, state).energy for h in (1e-5, -1e-5))
    along = float(np.sum(evaluate(leg.system, leg.positions, state).forces * direction))
    assert -(ahead - behind) / 2e-5 == pytest.approx(along, rel=1e-4)


def test_a_learned_potential_of_the_ligand_stays_outside_of_the_exchange(
    directory, leg, ligands, evaluate, shaken, protocol
):
    pytest.importorskip("openmmml")
    from bindfe.build.swap import swap_parameters, swap_system
    from bindfe.mlip.hybrid import LAMBDA_MLIP, add_potential
    from tests.mlip.plugs import Springs

    first = leg.record.ligand_atoms[: ligands[0].n_atoms]
    second = leg.record.ligand_atoms[ligands[0].n_atoms :]
    plain, away = load_plain(directory, "bound").system, protocol(EDGES).alchemy.displacement
    mixed = add_potential(plain, first, committee=Springs(), offset=0.0)
    system = swap_system(
        mixed,
        first_atoms=first,
        second_atoms=second,
        displacement=(away, 0.0, 0.0),
        settings=protocol(EDGES).alchemy,
    )
    other = shaken(plain, swapped(leg, leg.positions, len(first), away), seed=2)
    for end, here, there in ((0.0, leg.positions, leg.positions), (1.0, swapped(leg, other, len(first), -away), other)):
        for learned in (0.0, 1.0):
            named = swap_parameters(swapped=end, alignment=1.0)
            parameters = {name: named[name] for name in ("lambda_side", "lambda_swap")} | {LAMBDA_MLIP: learned}
            exchanged = evaluate(system, here, parameters).energy
            assert exchanged == pytest.approx(evaluate(mixed, there, {LAMBDA_MLIP: learned}).energy, abs=1e-4)


@pytest.mark.parametrize("end", ["first", "second"])
@pytest.mark.parametrize(("receptor", "model"), [("host", "vacuum"), (None, "tip3p")])
def test_in_the_second_engine_the_ligand_that_is_on_has_its_plain_energy(
    receptor, model, end, host, ligands, three, protocol, evaluate
):
    # The other ligand, switched off, keeps its bonds and its own Lennard-Jones terms: the same in both surroundings.
    water = (
        f"solvent: {{model: {model}, ionic_strength: 0 M, padding: 20 A, cutoff: 9 A, dispersion_correction: false}}\n"
    )
    settings = protocol("sampling: {pressure: null}\n" + water)
    overlaid, assembly = overlaid_system(host if receptor else None, *ligands, settings)
    n_first = ligands[0].n_atoms
    atoms = assembly.ligand_atoms[:n_first], assembly.ligand_atoms[n_first:]
    frames = tuple(tuple(atoms[k][i] for i in three[k]) for k in (0, 1))
    system = two_region_system(
        overlaid, first_atoms=atoms[0], second_atoms=atoms[1], alignment=frames, protocol=settings
    )
    on, off = (0, 1) if end == "first" else (1, 0)
    coupled = {**region_parameters(first=float(on == 0), second=float(on == 1)), "lambda_alignment": 0.0}
    vectors = assembly.topology.getPeriodicBoxVectors()
    box = None if vectors is None else np.array(vectors.value_in_unit(mm.unit.nanometer))
    there = evaluate(system, assembly.positions, coupled, box=box).energy
    silent = evaluate(silenced(overlaid, atoms[off]), assembly.positions, box=box).energy
    if box is not None:  # a barostat may put one of the two into another image
        moved = assembly.positions.copy()
        moved[list(atoms[off])] += box[2] - box[0]
        aligned = [
            evaluate(system, x, {**coupled, "lambda_alignment": 1.0}, box=box).energy
            for x in (moved, assembly.positions)
        ]
        assert aligned[0] == pytest.approx(aligned[1], abs=1e-4)
    assert there - silent == pytest.approx(own_lennard_jones(ligands[off], protocol, evaluate), abs=1e-4)


def silenced(overlaid: mm.System, atoms) -> mm.System:
    """A copy in which some atoms have neither charges nor Lennard-Jones terms, their own included."""
    system, dead = mm.XmlSerializer.clone(overlaid), set(atoms)
    (force,) = (each for each in system.getForces() if isinstance(each, mm.NonbondedForce))
    for i in atoms:
        _, sigma, _ = force.getParticleParameters(i)
        force.setParticleParameters(i, 0.0, sigma, 0.0)
    for i in range(force.getNumExceptions()):
        a, b, _, sigma, _ = force.getExceptionParameters(i)
        if {a, b} & dead:
            force.setExceptionParameters(i, a, b, 0.0, sigma, 0.0)
    return system


def own_lennard_jones(ligand: Ligand, protocol, evaluate) -> float:
    """Lennard-Jones terms inside a ligand [kJ/mol]: without charges, less the bonded terms."""
    settings = protocol("solvent: {model: vacuum}\n")
    system, assembly = solvate(*parametrise(None, ligand, settings), settings)
    bonded = evaluate(silenced(system, assembly.ligand_atoms), assembly.positions).energy
    (force,) = (each for each in system.getForces() if isinstance(each, mm.NonbondedForce))
    for i in assembly.ligand_atoms:
        _, sigma, epsilon = force.getParticleParameters(i)
        force.setParticleParameters(i, 0.0, sigma, epsilon)
    for i in range(force.getNumExceptions()):
        a, b, _, sigma, epsilon = force.getExceptionParameters(i)
        force.setExceptionParameters(i, a, b, 0.0, sigma, epsilon)
    return evaluate(system, assembly.positions).energy - bonded


def test_the_second_engine_refuses_implicit_solvent(host, ligands, protocol):
    with pytest.raises(ProtocolError, match=r"two alchemical regions need an explicit solvent"):
        overlaid_system(host, *ligands, protocol(""))


def test_a_schedule_that_does_not_join_the_ends_is_refused(tmp_path, host, ligands, three, protocol):
    wrong = protocol(EDGES + "schedule: {relative: {transfer: [0.0, 0.5, 0.9]}}\n")
    with pytest.raises(ProtocolError, match=r"runs from 0 to 0.9 and must run from 0"):
        prepare_edge(host, *ligands, wrong, tmp_path, alignment=three, fingerprint="f")


def test_a_bulk_that_is_not_clear_of_the_receptor_is_refused(tmp_path, host, ligands, three, protocol):
    near = protocol(EDGES + "alchemy: {displacement: 20 A}\n")
    with pytest.raises(InputError, match=r"raise alchemy.displacement"):
        prepare_edge(host, *ligands, near, tmp_path, alignment=three, fingerprint="f")


def test_a_ligand_outside_the_site_is_refused(tmp_path, host, ligands, three, protocol):
    small = protocol(EDGES.replace("flat_radius: 4 A", "flat_radius: 4 A, receptor_atoms: [0, 1]"))
    with pytest.raises(RestraintError, match=r"raise restraint.flat_radius"):
        prepare_edge(host, *ligands, small, tmp_path, alignment=three, fingerprint="f")
