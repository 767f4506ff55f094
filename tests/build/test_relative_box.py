"""The exchange of two ligands in a box of water: its ends, its images, and the place of the one in bulk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openmm as mm
import pytest
from scipy.spatial.distance import cdist

from bindfe.build import LoadedLeg, load_leg, load_plain
from bindfe.build.bulkplace import find_bulk
from bindfe.build.relative import prepare_edge
from bindfe.build.swap import Alignment, alignment_force, swap_parameters, swap_system
from bindfe.build.water import box_vectors
from bindfe.chem.ligand import Ligand, read_ligands
from bindfe.chem.mapping import alignment_pairs, map_atoms
from bindfe.errors import InputError
from bindfe.protocol import AlchemySettings
from bindfe.sample.dynamics import Propagator, Replica

SMALL = (
    "solvent: {{model: {model}, padding: 10 A, cutoff: 7 A, ionic_strength: 0 M, box_shape: {shape}, "
    "dispersion_correction: false}}\n"
    "edges: {{network: given, pairs: [[b2, adamantanol]], clearance: 8 A}}\n"
    "restraint: {{kind: flat-bottom, flat_radius: 4 A}}\n"
)
BOXES = {"tip3p": "dodecahedron", "tip4pew": "octahedron"}


@pytest.fixture(scope="module")
def ligands(root) -> tuple[Ligand, Ligand]:
    return tuple(read_ligands(root / "systems" / "cb7" / f"{name}.sdf")[0] for name in ("b2", "adamantanol"))


@pytest.fixture(scope="module")
def small(protocol):
    return {model: protocol(SMALL.format(model=model, shape=shape)) for model, shape in BOXES.items()}


@pytest.fixture(scope="module")
def directories(tmp_path_factory, host, ligands, small) -> dict[str, Path]:
    pairs = alignment_pairs(*ligands, map_atoms(*ligands))
    three = [i for i, _ in pairs], [j for _, j in pairs]
    paths = {}
    for model, settings in small.items():
        paths[model] = tmp_path_factory.mktemp(f"edge-{model}")
        prepare_edge(host, *ligands, settings, paths[model], alignment=three, fingerprint="f")
    return paths


@pytest.fixture(scope="module")
def legs(directories) -> dict[str, LoadedLeg]:
    return {model: load_leg(directory) for model, directory in directories.items()}


@pytest.fixture(scope="module")
def split(legs, ligands) -> tuple[list[int], list[int]]:
    atoms = legs["tip3p"].record.ligand_atoms
    return list(atoms[: ligands[0].n_atoms]), list(atoms[ligands[0].n_atoms :])


def displacement(leg: LoadedLeg) -> np.ndarray:
    (force,) = (each for each in leg.system.getForces() if each.getName() == "alignment")
    return np.array(force.getBondParameters(0)[1][:3])


def changed(positions: np.ndarray, split, away: np.ndarray) -> np.ndarray:
    """The first ligand moved into bulk and the second into the site, by hand."""
    moved = positions.copy()
    moved[split[0]] += away
    moved[split[1]] -= away
    return moved


def relaxed(system: mm.System, positions: np.ndarray, box: np.ndarray) -> np.ndarray:
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("CPU"))
    context.setPeriodicBoxVectors(*box)
    context.setPositions(positions)
    mm.LocalEnergyMinimizer.minimize(context, 10.0, 60)
    return np.array(context.getState(positions=True).getPositions(asNumpy=True)._value)


def without_holds(leg: LoadedLeg) -> mm.System:
    """A copy without the alignment and the sites, whose energies are another test's."""
    system = mm.XmlSerializer.clone(leg.system)
    for index in reversed(range(system.getNumForces())):
        if system.getForce(index).getName() in ("alignment", "lambda_first_site", "lambda_second_site"):
            system.removeForce(index)
    return system


def ladder(leg: LoadedLeg, state: int) -> dict[str, float]:
    return {name: leg.record.parameters[state][name] for name in ("lambda_side", "lambda_swap")}


@pytest.mark.parametrize(
    ("model", "scale"),
    [("tip3p", 1.0), ("tip3p", 1.01), ("tip4pew", 1.0)],  # 1.01: as a barostat asks
)
def test_at_both_ends_it_is_the_plain_system(model, scale, directories, legs, split, evaluate):
    leg, plain = legs[model], load_plain(directories[model], "bound").system
    box, away, system = scale * leg.box, displacement(leg), without_holds(leg)
    for end, moved in ((0, leg.positions), (-1, changed(leg.positions, split, away))):
        there = relaxed(plain, moved, box)
        here = there if end == 0 else changed(there, split, -away)
        physical = evaluate(plain, there, box=box)
        exchanged = evaluate(system, here, ladder(leg, end), box=box)
        assert exchanged.energy == pytest.approx(physical.energy, abs=1e-4)
        assert np.abs(exchanged.forces - physical.forces).max() < 1e-6 * np.abs(physical.forces).max()


def test_it_does_not_matter_in_which_image_a_ligand_is(legs, split, evaluate):
    # After a move of the barostat a molecule may be anywhere; restraints must find the nearest image.
    leg = legs["tip3p"]
    rng = np.random.default_rng(3)
    here = leg.positions.copy()
    for atoms in split:
        here[atoms] += rng.normal(scale=0.05, size=3)
    there = here.copy()
    there[split[0]] += leg.box[0] - leg.box[2]
    there[split[1]] -= leg.box[1]
    for state in (0, 10, 15, 20):
        parameters = leg.record.parameters[state]
        energies = [evaluate(leg.system, each, parameters, box=leg.box).energy for each in (here, there)]
        assert energies[0] == pytest.approx(energies[1], abs=1e-5)


def test_in_one_image_the_alignment_is_that_without_a_box(evaluate):
    rng = np.random.default_rng(5)
    positions, box = rng.normal(size=(6, 3)), 20.0 * np.eye(3)
    alignment = Alignment(
        first=(0, 1, 2), second=(3, 4, 5), displacement=(0.2, 0.1, 0.3), position_spring=900.0, direction_spring=60.0
    )
    energies = []
    for periodic in (False, True):
        system = mm.System()
        for _ in range(6):
            system.addParticle(1.0)
        system.addForce(alignment_force(alignment, periodic=periodic))
        energies.append(evaluate(system, positions, box=box).energy)
    assert energies[1] == pytest.approx(energies[0], rel=1e-12)


def test_receptor_and_ligands_are_moved_as_one_molecule(legs):
    leg = legs["tip3p"]
    context = mm.Context(leg.system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    largest = max(context.getMolecules(), key=len)
    assert set(largest) == {*leg.record.receptor_atoms, *leg.record.ligand_atoms}


@pytest.mark.parametrize("model", ["tip3p", "tip4pew"])
def test_on_the_way_forces_are_those_of_both_ends_by_their_weights(model, directories, legs, ligands, evaluate):
    # Without a soft core U is linear in u0 and u1. A gradient by differences would see pairs cross the cutoff.
    leg, plain = legs[model], load_plain(directories[model], "bound").system
    atoms, away = leg.record.ligand_atoms, displacement(leg)
    parts = atoms[: ligands[0].n_atoms], atoms[ligands[0].n_atoms :]
    hard = AlchemySettings().model_copy(update={"softcore_start": 1e15, "softcore_maximum": 2e15})
    system = swap_system(plain, first_atoms=parts[0], second_atoms=parts[1], displacement=away, settings=hard)
    here, there = (
        evaluate(plain, x, box=leg.box)
        for x in (leg.positions, changed(leg.positions, [list(part) for part in parts], away))
    )
    mixed = evaluate(system, leg.positions, {"lambda_side": 0.0, "lambda_swap": 0.3}, box=leg.box)
    assert mixed.energy == pytest.approx(0.7 * here.energy + 0.3 * there.energy, rel=1e-9)
    assert mixed.forces == pytest.approx(0.7 * here.forces + 0.3 * there.forces, rel=1e-6, abs=1e-3)


def test_two_evaluations_give_the_energy_of_every_state(legs, small, evaluate):
    leg, settings = legs["tip3p"], small["tip3p"]
    compute = settings.compute.model_copy(update={"platform": "Reference"})
    mover = Propagator(leg.system, leg.record, settings=settings.sampling, compute=compute, seed=1)
    still = Replica(positions=leg.positions, velocities=np.zeros_like(leg.positions), box=leg.box)
    mover.load(still, state=4)
    kt, some = 0.00831446261815324 * 298.15, (0, 7, 10, 11, 20)
    direct = [evaluate(leg.system, leg.positions, leg.record.parameters[k], box=leg.box).energy / kt for k in some]
    pv = 1.01325 * abs(float(np.linalg.det(leg.box))) * 0.0602214076 / kt
    assert mover.energies()[list(some)] - pv == pytest.approx(direct, rel=1e-9)


def test_under_pressure_the_ligands_stay_one_displacement_apart(legs, small, split):
    leg, settings = legs["tip3p"], small["tip3p"]
    compute = settings.compute.model_copy(update={"platform": "CPU"})
    system = mm.XmlSerializer.clone(leg.system)
    next(each for each in system.getForces() if isinstance(each, mm.MonteCarloBarostat)).setFrequency(3)
    slow = settings.sampling.model_copy(update={"time_step": 0.002})
    mover = Propagator(system, leg.record, settings=slow, compute=compute, seed=1)
    mover.load(Replica(positions=leg.positions, velocities=np.zeros_like(leg.positions), box=leg.box), state=0)
    mm.LocalEnergyMinimizer.minimize(mover.context, 10.0, 50)
    mover.step(150)
    after = mover.replica()
    assert not np.allclose(after.box, leg.box)
    (force,) = (each for each in system.getForces() if each.getName() == "alignment")
    atoms = force.getBondParameters(0)[0]
    offset = after.positions[atoms[3]] - after.positions[atoms[0]] - displacement(leg)
    for axis in (2, 1, 0):
        offset = offset - np.round(offset[axis] / after.box[axis, axis]) * after.box[axis]
    assert np.linalg.norm(offset) < 0.2  # a spring of 2092 kJ/mol/nm^2: 0.06 nm in three directions


@pytest.mark.parametrize("shape", ["cube", "dodecahedron", "octahedron"])
def test_a_ligand_in_bulk_is_as_clear_as_it_says(shape):
    rng = np.random.default_rng(11)
    receptor = rng.normal(size=(120, 3)) * [0.9, 0.6, 0.5]
    pose = rng.normal(size=(15, 3)) * 0.2
    solutes = np.concatenate([receptor, pose])
    place = find_bulk(solutes, pose, padding=1.0, shape=shape, clearance=1.0)
    images = [solutes + np.array(k) @ place.vectors for k in np.ndindex(7, 7, 7)]
    middle = np.array([3, 3, 3]) @ place.vectors
    gap = cdist(pose + place.displacement + middle, np.concatenate(images)).min()
    assert gap == pytest.approx(place.gap, abs=1e-9)
    assert gap >= 1.0


def test_a_box_that_has_a_hole_is_not_made_wider(host, ligands):
    # CB7 with 20 A of padding: the hole between its images is 28 A away, in a box 40 A wide.
    pose = np.concatenate([each.positions for each in ligands])
    solutes = np.concatenate([host.positions, pose])
    place = find_bulk(solutes, pose, padding=2.0, shape="dodecahedron", clearance=1.5)
    assert place.vectors == pytest.approx(box_vectors(solutes, padding=2.0, shape="dodecahedron"))
    assert np.linalg.norm(place.displacement) == pytest.approx(4.0 / np.sqrt(2), rel=0.02)


def test_a_clearance_that_would_fill_the_memory_is_refused():
    solutes = np.random.default_rng(2).normal(size=(20, 3))
    with pytest.raises(InputError, match=r"edges.clearance: .* 200 A .* more than 1,000,000 atoms"):
        find_bulk(solutes, solutes[:5], padding=1.5, shape="cube", clearance=20.0)


def test_a_learned_potential_of_the_ligand_stays_outside_of_the_exchange(directories, legs, split, small, evaluate):
    pytest.importorskip("openmmml")
    from bindfe.mlip.hybrid import LAMBDA_MLIP, add_potential
    from tests.mlip.plugs import Springs

    leg, plain = legs["tip3p"], load_plain(directories["tip3p"], "bound").system
    away = displacement(leg)
    mixed = add_potential(plain, split[0], committee=Springs(), offset=0.0)
    system = swap_system(
        mixed, first_atoms=split[0], second_atoms=split[1], displacement=away, settings=small["tip3p"].alchemy
    )
    other = relaxed(plain, changed(leg.positions, split, away), leg.box)
    for end, here, there in ((0.0, leg.positions, leg.positions), (1.0, changed(other, split, -away), other)):
        for learned in (0.0, 1.0):
            named = swap_parameters(swapped=end, alignment=1.0)
            parameters = {name: named[name] for name in ("lambda_side", "lambda_swap")} | {LAMBDA_MLIP: learned}
            exchanged = evaluate(system, here, parameters, box=leg.box).energy
            physical = evaluate(mixed, there, {LAMBDA_MLIP: learned}, box=leg.box).energy
            assert exchanged == pytest.approx(physical, abs=1e-4)
