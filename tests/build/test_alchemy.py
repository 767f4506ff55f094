from __future__ import annotations

import numpy as np
import pytest

from bindfe.build import load_leg, load_plain, prepare_leg
from bindfe.build.alchemy import decoupled_system
from bindfe.chem.ligand import read_ligands
from bindfe.errors import InputError
from bindfe.states import LegKind

METHANOL = """methanol
     made by hand

  6  5  0  0  0  0  0  0  0  0999 V2000
   -0.0187    1.5256    0.0104 C   0  0  0  0  0  0
    0.0021   -0.0041    0.0020 O   0  0  0  0  0  0
   -1.0434    1.8904    0.0083 H   0  0  0  0  0  0
    0.4841    1.8953   -0.8820 H   0  0  0  0  0  0
    0.4994    1.8860    0.8996 H   0  0  0  0  0  0
    0.9000   -0.3500    0.0100 H   0  0  0  0  0  0
  1  2  1  0
  1  3  1  0
  1  4  1  0
  1  5  1  0
  2  6  1  0
M  END
$$$$
"""
# A cube: OpenMM 8.6.1's Reference platform misses neighbours in triclinic boxes.
WATER = """
sampling: {pressure: null}
solvent: {model: tip3p, box_shape: cube, padding: 13 A, cutoff: 6 A, ionic_strength: 0 M, dispersion_correction: %s}
"""


@pytest.fixture(scope="module")
def methanol(tmp_path_factory):
    path = tmp_path_factory.mktemp("methanol") / "methanol.sdf"
    path.write_text(METHANOL)
    return read_ligands(path)[0]


@pytest.fixture(scope="module", params=[LegKind.COMPLEX, LegKind.SOLVENT])
def implicit(request, tmp_path_factory, host, guest, protocol):
    directory = tmp_path_factory.mktemp("implicit")
    prepare_leg(host, guest, request.param, protocol(), directory, fingerprint="f")
    environment = "bound" if request.param is LegKind.COMPLEX else "free"
    return load_leg(directory), load_plain(directory, environment)


def test_coupled_energy_and_forces_are_those_of_the_plain_system_in_obc2(implicit, evaluate, shaken):
    leg, plain = implicit
    for seed in (1, 2):
        positions = shaken(plain.system, leg.positions, seed=seed)
        coupled = evaluate(leg.system, positions, leg.record.parameters[leg.record.start_state])
        physical = evaluate(plain.system, positions)
        assert coupled.energy == pytest.approx(physical.energy, abs=1e-4)
        assert np.abs(coupled.forces - physical.forces).max() < 1e-4 * np.abs(physical.forces).max()


def test_decoupled_energy_does_not_know_where_the_guest_is_in_obc2(implicit, evaluate):
    leg, _ = implicit
    ligand = list(leg.record.ligand_atoms)
    off = {**leg.record.parameters[-1], **({"lambda_restraints": 0.0} if leg.record.restraint else {})}
    here = evaluate(leg.system, leg.positions, off).energy
    for shift in (0.1, 0.4, 5.0):
        moved = leg.positions.copy()
        moved[ligand] += [shift, 0.5 * shift, 0.0]
        assert evaluate(leg.system, moved, off).energy == pytest.approx(here, abs=1e-6)


def test_the_cpu_platform_agrees_to_a_millionth_of_the_energy_in_obc2(implicit, evaluate, shaken):
    leg, plain = implicit
    positions = shaken(plain.system, leg.positions, seed=3)
    total = abs(evaluate(leg.system, positions, leg.record.parameters[0]).energy)
    for parameters in leg.record.parameters[:: len(leg.record.parameters) // 3]:
        exact = evaluate(leg.system, positions, parameters).energy
        cpu = evaluate(leg.system, positions, parameters, platform="CPU").energy
        assert abs(cpu - exact) < max(1e-6 * total, 2e-3)


@pytest.fixture(scope="module")
def in_water(tmp_path_factory, methanol, protocol):
    def prepare(dispersion_correction: bool):
        directory = tmp_path_factory.mktemp("water")
        settings = protocol(WATER % str(dispersion_correction).lower())
        prepare_leg(None, methanol, LegKind.SOLVENT, settings, directory, fingerprint="f")
        return load_leg(directory), load_plain(directory, "free")

    return prepare


def test_coupled_energy_and_forces_are_those_of_the_plain_system_in_water(in_water, evaluate):
    leg, plain = in_water(False)
    coupled = evaluate(leg.system, leg.positions, leg.record.parameters[0], box=leg.box)
    physical = evaluate(plain.system, leg.positions, box=leg.box)
    assert coupled.energy == pytest.approx(physical.energy, abs=1e-4)
    assert np.abs(coupled.forces - physical.forces).max() < 1e-4 * np.abs(physical.forces).max()


def test_the_tail_correction_differs_by_a_small_constant(in_water, evaluate):
    # The factory's tail is integrated numerically, NonbondedForce's is analytic.
    leg, plain = in_water(True)
    differences = []
    for seed in (0, 1):
        positions = leg.positions + np.random.default_rng(seed).normal(scale=0.003, size=leg.positions.shape)
        coupled = evaluate(leg.system, positions, leg.record.parameters[0], box=leg.box).energy
        differences.append(coupled - evaluate(plain.system, positions, box=leg.box).energy)
    assert abs(differences[0]) < 1e-2
    assert differences[1] == pytest.approx(differences[0], abs=1e-6)


def test_decoupled_energy_does_not_know_where_the_guest_is_in_water(in_water, evaluate):
    leg, _ = in_water(False)
    moved = leg.positions.copy()
    moved[list(leg.record.ligand_atoms)] += [0.3, -0.2, 0.7]
    here, there = (
        evaluate(leg.system, x, leg.record.parameters[-1], box=leg.box).energy for x in (leg.positions, moved)
    )
    assert there == pytest.approx(here, abs=1e-4)


def test_a_box_too_small_for_its_cutoff_is_refused(methanol, protocol, tmp_path):
    small = protocol("solvent: {model: tip3p, padding: 9 A, cutoff: 9 A, box_shape: cube}")
    with pytest.raises(InputError, match=r"raise solvent\.padding"):
        prepare_leg(None, methanol, LegKind.SOLVENT, small, tmp_path, fingerprint="f")


def test_the_plain_system_is_left_as_it_was(implicit, protocol):
    _, plain = implicit
    before = [type(force).__name__ for force in plain.system.getForces()]
    decoupled_system(plain.system, plain.ligand_atoms, protocol())
    assert [type(force).__name__ for force in plain.system.getForces()] == before
