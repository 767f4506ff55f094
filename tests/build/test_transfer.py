from __future__ import annotations

from pathlib import Path

import numpy as np
import openmm as mm
import pytest

from bindfe.build import LoadedLeg, load_leg, load_plain, prepare_leg
from bindfe.build.forcefield import parametrise
from bindfe.build.solvate import solvate
from bindfe.build.transfer import transfer_system
from bindfe.states import LegKind
from bindfe.units import KJ_PER_KCAL

TRANSFER = "alchemy: {method: transfer}\n"


@pytest.fixture(scope="module")
def directory(tmp_path_factory, host, guest, protocol) -> Path:
    path = tmp_path_factory.mktemp("transfer")
    prepare_leg(host, guest, LegKind.TRANSFER, protocol(TRANSFER), path, fingerprint="f")
    return path


@pytest.fixture(scope="module")
def leg(directory) -> LoadedLeg:
    return load_leg(directory)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_at_the_site_energy_and_forces_are_those_of_the_plain_system(directory, leg, evaluate, shaken, seed):
    plain = load_plain(directory, "bound").system
    positions = shaken(plain, leg.positions, seed=seed)
    site = evaluate(leg.system, positions, leg.record.parameters[leg.record.start_state])
    physical = evaluate(plain, positions)
    assert site.energy == pytest.approx(physical.energy, abs=1e-4)
    assert np.abs(site.forces - physical.forces).max() < 1e-4 * np.abs(physical.forces).max()


def test_in_bulk_the_energy_is_that_of_host_and_guest_apart(directory, leg, host, protocol, evaluate, shaken):
    positions = shaken(load_plain(directory, "bound").system, leg.positions, seed=4)
    free = load_plain(directory, "free")
    host_alone, _ = solvate(*parametrise(host, None, protocol(TRANSFER)), protocol(TRANSFER))
    bulk = evaluate(leg.system, positions, {"lambda_transfer": 0.0, "lambda_restraints": 0.0}).energy
    apart = (
        evaluate(host_alone, positions[list(leg.record.receptor_atoms)]).energy
        + evaluate(free.system, positions[list(free.atoms_in_leg)]).energy
    )
    assert abs(bulk - apart) / KJ_PER_KCAL < 1e-3


def test_one_evaluation_gives_the_energy_of_every_state(leg, evaluate):
    # Seen from any state, U of all others follows from the two derivatives, as the sampler assumes.
    everywhere = leg.record.parameters
    seen = evaluate(leg.system, leg.positions, everywhere[5])
    for parameters in everywhere:
        step = sum(seen.derivatives[name] * (parameters[name] - everywhere[5][name]) for name in parameters)
        there = evaluate(leg.system, leg.positions, parameters).energy
        assert there == pytest.approx(seen.energy + step, abs=1e-6)


def test_the_transfer_energy_is_soft_below_its_maximum(leg, protocol, evaluate):
    settings = protocol(TRANSFER).alchemy
    clash = leg.positions.copy()
    clash[list(leg.record.ligand_atoms)] += [0.25, 0.1, 0.0]
    energy = evaluate(leg.system, clash, {"lambda_transfer": 0.0}).derivatives["lambda_transfer"]
    assert settings.softcore_start < energy < settings.softcore_maximum


@pytest.mark.parametrize("shift", [0.0, 0.12])  # below and above the start of the soft core
def test_forces_are_the_gradient_of_the_energy(leg, evaluate, shift):
    rng = np.random.default_rng(7)
    state = {"lambda_transfer": 0.4, "lambda_restraints": 0.5}
    positions = leg.positions.copy()
    positions[list(leg.record.ligand_atoms)] += [shift, 0.0, 0.0]
    direction = rng.normal(size=positions.shape)
    direction /= np.linalg.norm(direction)
    ahead, behind = (evaluate(leg.system, positions + h * direction, state).energy for h in (1e-5, -1e-5))
    along = float(np.sum(evaluate(leg.system, positions, state).forces * direction))
    assert -(ahead - behind) / 2e-5 == pytest.approx(along, rel=1e-5)


def test_the_cpu_platform_agrees_to_a_millionth_of_the_energy(leg, evaluate, shaken, directory):
    positions = shaken(load_plain(directory, "bound").system, leg.positions, seed=5)
    for parameters in (leg.record.parameters[0], leg.record.parameters[-1]):
        exact = evaluate(leg.system, positions, parameters).energy
        assert evaluate(leg.system, positions, parameters, platform="CPU").energy == pytest.approx(exact, rel=1e-6)


def test_two_unit_charges_still_meet_in_bulk_as_documented(protocol, evaluate):
    settings = protocol(TRANSFER).alchemy
    plain, nonbonded, solvent = mm.System(), mm.NonbondedForce(), mm.GBSAOBCForce()
    for _ in range(2):
        plain.addParticle(10.0)
        nonbonded.addParticle(1.0, 0.3, 0.0)
        solvent.addParticle(1.0, 0.15, 0.8)
    solvent.setSolventDielectric(78.5)
    plain.addForce(nonbonded)
    plain.addForce(solvent)
    system = transfer_system(plain, [1], settings)
    alone = transfer_system(plain, [1], settings.model_copy(update={"displacement": 1e5}))
    positions = np.array([[0.0, 0.0, 0.0], [0.1, 0.0, 0.0]])
    meeting = [evaluate(each, positions, {"lambda_transfer": 0.0}).energy / KJ_PER_KCAL for each in (system, alone)]
    assert meeting[0] - meeting[1] == pytest.approx(0.04, abs=0.005)
