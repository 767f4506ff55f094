"""Hydration: the cycle against one step of perturbation, its null, and the state in which its two legs meet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openmm as mm
import pytest
import yaml
from openmm import unit

import bindfe
from bindfe.build import load_leg, load_plain, prepare_leg
from bindfe.campaign.pipeline import RunResult
from bindfe.chem.inclusion import embed_guest, write_sdf
from bindfe.chem.ligand import read_ligands
from bindfe.protocol import parse_protocol
from bindfe.states import LegKind
from bindfe.units import KJ_PER_KCAL, thermal_energy

KT = thermal_energy(298.15)
REFERENCE = mm.Platform.getPlatformByName("Reference")
SHORT = {
    "equilibration": {"heat_time": "1 ps", "release_time": "0.2 ps", "free_time": "1 ps", "state_time": "0.4 ps"},
    "repeats": {"number": 2, "seed": 5},
    "schedule": {
        "solvent": {"electrostatics": [1.0, 0.5, 0.0, 0.0], "sterics": [1.0, 1.0, 1.0, 0.0]},
        "vacuum": {"electrostatics": [1.0, 0.5, 0.0]},
    },
    "sampling": {"friction": "5 1/ps", "cycle_time": "0.1 ps", "length": "12 ps"},
    "compute": {"platform": "CPU", "workers": 1},
    "output": {"report": False},
}


@pytest.fixture(scope="module")
def methanol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ligand") / "methanol.sdf"
    write_sdf(embed_guest("methanol", "CO"), path)
    return path


def hydrate(methanol: Path, directory: Path, solvent: dict[str, object]) -> RunResult:
    protocol = {"name": "hydration", "ligands": {"file": str(methanol)}, "solvent": solvent, **SHORT}
    return bindfe.run(parse_protocol(yaml.safe_dump(protocol)), directory=directory)


@pytest.fixture(scope="module")
def continuum(methanol: Path, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    return hydrate(methanol, tmp_path_factory.mktemp("runs") / "obc2", {"model": "obc2"})


def gaps(system: mm.System, other: mm.System, positions: np.ndarray, *, seed: int) -> np.ndarray:
    """Energy of ``other`` less that of ``system`` [kT] on 1,000 samples of ``system``."""
    contexts = []
    for each in (system, other):
        integrator = mm.LangevinMiddleIntegrator(298.15, 5.0, 0.002)
        integrator.setRandomNumberSeed(seed)
        contexts.append(mm.Context(each, integrator, REFERENCE))
    contexts[0].setPositions(positions)
    mm.LocalEnergyMinimizer.minimize(contexts[0])
    contexts[0].setVelocitiesToTemperature(298.15, seed)
    contexts[0].getIntegrator().step(1000)
    found = []
    for _ in range(1000):
        contexts[0].getIntegrator().step(25)
        contexts[1].setPositions(contexts[0].getState(positions=True).getPositions())
        first, second = (c.getState(energy=True).getPotentialEnergy()._value for c in contexts)
        found.append((second - first) / KT)
    return np.array(found)


def test_hydration_in_a_continuum_is_one_step_of_perturbation_between_the_physical_systems(
    continuum: RunResult,
) -> None:
    """No charge is switched off on that way: the generalised Born energy is switched on at once, from both ends."""
    from pymbar.other_estimators import bar

    legs = continuum.directory / "methanol"
    water, gas = load_plain(legs / "solvent/prepared", "water"), load_plain(legs / "vacuum/prepared", "gas")
    into = gaps(gas.system, water.system, gas.positions, seed=1)
    out = gaps(water.system, gas.system, gas.positions, seed=2)
    expected = bar(into, out)
    (prediction,) = continuum.predictions
    error = np.hypot(prediction.budget.standard_error_kcal_mol, expected["dDelta_f"] * KT / KJ_PER_KCAL)
    assert error < 0.3
    assert abs(prediction.location_kcal_mol - expected["Delta_f"] * KT / KJ_PER_KCAL) < 3 * error
    assert prediction.location_kcal_mol < -2.0  # methanol prefers water: -5.1 measured


def test_it_is_called_hydration_and_has_no_standard_state_term(continuum: RunResult) -> None:
    import json

    (entry,) = json.loads((continuum.directory / "prediction.json").read_text())["predictions"]
    assert entry["quantity"] == "hydration"
    assert set(entry["terms_kcal_mol"]) == {"vacuum", "solvent"}
    assert sum(entry["terms_kcal_mol"].values()) == pytest.approx(entry["delta_g_kcal_mol"])


def test_from_the_gas_into_the_gas_costs_nothing(methanol: Path, tmp_path: Path) -> None:
    (prediction,) = hydrate(methanol, tmp_path / "null", {"model": "vacuum"}).predictions
    assert abs(prediction.location_kcal_mol) < 3 * prediction.budget.standard_error_kcal_mol
    assert prediction.budget.standard_error_kcal_mol < 0.2


@pytest.fixture(scope="module")
def box(methanol: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("box")
    solvent = {"model": "tip3p", "padding": "7 A", "cutoff": "6 A", "ionic_strength": "0 M", "box_shape": "cube"}
    solvent |= {"dispersion_correction": False}  # numeric in one System and analytic in the other
    protocol = parse_protocol(yaml.safe_dump({"ligands": {"file": str(methanol)}, "solvent": solvent}))
    (ligand,) = read_ligands(methanol)
    for kind in (LegKind.SOLVENT, LegKind.VACUUM):
        prepare_leg(None, ligand, kind, protocol, directory / kind.value, fingerprint="f")
    return directory


def energies(directory: Path, state: int, all_positions: list[np.ndarray]) -> np.ndarray:
    """Energies of a leg's state [kJ/mol] on configurations."""
    leg = load_leg(directory)
    context = mm.Context(leg.system, mm.VerletIntegrator(0.001), REFERENCE)
    if leg.box is not None:
        context.setPeriodicBoxVectors(*(leg.box * unit.nanometer))
    for name, value in leg.record.parameters[state].items():
        context.setParameter(name, value)
    found = []
    for positions in all_positions:
        context.setPositions(positions)
        found.append(context.getState(energy=True).getPotentialEnergy()._value)
    return np.array(found)


def test_the_legs_meet_where_a_decoupled_ligand_in_water_has_the_energy_of_one_without_charges_in_the_gas(
    box: Path,
) -> None:
    """Wherever it lies in the box, on top of waters too, and whatever its shape."""
    leg = load_leg(box / "solvent")
    ligand = list(leg.record.ligand_atoms)
    rng = np.random.default_rng(3)
    shapes = [leg.positions[ligand] + rng.normal(0.0, 0.01, (len(ligand), 3)) for _ in range(4)]
    in_water = []
    for shape, shift in zip(shapes, rng.uniform(0.0, 1.4, (4, 1, 3)), strict=True):
        positions = leg.positions.copy()
        positions[ligand] = shape + shift
        in_water.append(positions)
    water, gas = energies(box / "solvent", -1, in_water), energies(box / "vacuum", -1, shapes)
    np.testing.assert_allclose(water - water[0], gas - gas[0], atol=1e-3)
    assert np.ptp(gas) > 5.0  # the shapes differ, so the agreement means something


def test_both_legs_begin_at_their_physical_systems(box: Path) -> None:
    for kind, environment in (("solvent", "water"), ("vacuum", "gas")):
        leg, plain = load_leg(box / kind), load_plain(box / kind, environment)
        context = mm.Context(plain.system, mm.VerletIntegrator(0.001), REFERENCE)
        if plain.box is not None:
            context.setPeriodicBoxVectors(*(plain.box * unit.nanometer))
        shaken = leg.positions + np.random.default_rng(1).normal(0.0, 0.002, leg.positions.shape)
        context.setPositions(shaken)
        expected = context.getState(energy=True).getPotentialEnergy()._value
        (found,) = energies(box / kind, 0, [shaken])
        assert found == pytest.approx(expected, abs=1e-3)
