"""The whole correction with a real committee: against instantaneous energies, and from a protocol in water."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openmm
import pytest
import yaml

import bindfe
from bindfe.chem.inclusion import embed_guest, write_sdf
from bindfe.estimate.work import estimate_switching
from bindfe.mlip import open_committee
from bindfe.mlip.internal import InternalEnergy
from bindfe.protocol import Protocol, parse_protocol
from bindfe.results import SwitchingWork
from bindfe.sample.exchange import read_whole_frames
from bindfe.sample.rescore import reference_offsets, rescore
from bindfe.sample.switching import ForceFieldEnd, correct_environment
from tests.mlip.conftest import NUMBERS, Methanol, build

pytestmark = pytest.mark.mlip

PROTOCOL = Protocol.model_validate(
    {
        "analytic": {},
        "sampling": {"friction": "20 1/ps"},
        "committee": {
            "model": "ani2x",
            "correction": "switching",
            "switching": {
                "number": 16,
                "length": "0.03 ps",
                "equilibration": "0.2 ps",
                "spacing": "0.05 ps",
                "time_step": "1 fs",
            },
        },
        "compute": {"platform": "Reference"},
    }
)


def force_field_frames(methanol: Methanol, number: int) -> np.ndarray:
    """Samples of the force field's end [nm], (number, n_atoms, 3)."""
    sampling = PROTOCOL.sampling
    integrator = openmm.LangevinMiddleIntegrator(sampling.temperature, sampling.friction, 0.001)
    integrator.setRandomNumberSeed(3)
    context = openmm.Context(methanol.system, integrator, openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(methanol.positions)
    openmm.LocalEnergyMinimizer.minimize(context)
    context.setVelocitiesToTemperature(sampling.temperature, 4)
    integrator.step(2000)
    frames = []
    for _ in range(number):
        integrator.step(100)
        frames.append(np.array(context.getState(positions=True).getPositions(asNumpy=True)._value))
    return np.array(frames)


def test_switching_agrees_with_instantaneous_energies_of_both_ends(tmp_path: Path) -> None:
    methanol = build(method=openmm.NonbondedForce.NoCutoff, continuum=True)
    frames = force_field_frames(methanol, 200)
    committee = open_committee("ani2x", numbers=NUMBERS)
    internal = InternalEnergy.of(methanol.system, methanol.atoms)
    ligand = frames[:, list(methanol.atoms)]
    offsets = reference_offsets(ligand[:20], committee=committee, internal=internal)
    end = ForceFieldEnd(
        system=methanol.system,
        ligand_atoms=methanol.atoms,
        frames=frames,
        environment="free",
        repeat=0,
        seed=5,
    )
    found = correct_environment(end, PROTOCOL, committee=committee, offsets=offsets, directory=tmp_path)
    start = rescore(
        ligand,
        committee=committee,
        internal=internal,
        offsets=offsets,
        temperature=PROTOCOL.sampling.temperature,
        environment="free",
    )
    instant = SwitchingWork(
        forward=start.u_mn.mean(axis=0) - start.u_mm,
        reverse=found.committee.u_mm - found.committee.u_mn.mean(axis=0),
    )
    slow, fast = (estimate_switching(work, seed=1) for work in (found.work, instant))
    assert abs(slow.delta_f - fast.delta_f) < 3 * np.hypot(slow.standard_error, fast.standard_error)
    assert slow.standard_error < 0.4
    assert np.std(found.work.forward) < np.std(instant.forward)


@pytest.fixture(scope="module")
def hydrated(tmp_path_factory: pytest.TempPathFactory) -> bindfe.RunResult:
    """Methanol in 85 waters, every stage of hydration with a committee, far too short for a number."""
    directory = tmp_path_factory.mktemp("hydration")
    write_sdf(embed_guest("methanol", "CO"), directory / "methanol.sdf")
    steps = {"number": 10, "length": "0.02 ps", "equilibration": "0.04 ps", "spacing": "0.02 ps", "frames_every": 5}
    protocol = {
        "ligands": {"file": str(directory / "methanol.sdf")},
        "solvent": {"model": "tip3p", "padding": "7 A", "box_shape": "cube", "cutoff": "6 A", "ionic_strength": "0 M"},
        "schedule": {
            "solvent": {"electrostatics": [1, 0.5, 0, 0, 0, 0, 0], "sterics": [1, 1, 1, 0.75, 0.5, 0.25, 0]},
            "vacuum": {"electrostatics": [1, 0.5, 0]},
        },
        "equilibration": {
            "heat_time": "0.2 ps",
            "release_time": "0.1 ps",
            "free_time": "0.2 ps",
            "state_time": "0.1 ps",
        },
        "sampling": {"time_step": "2 fs", "cycle_time": "0.05 ps", "length": "1.5 ps", "chunk_cycles": 10},
        "repeats": {"number": 1},
        "committee": {"model": "ani2x", "correction": "switching", "frames": 5, "switching": steps},
        "estimator": {"bootstrap": 20, "minimum_overlap": 0.001},
        "compute": {"platform": "CPU", "workers": 1},
    }
    return bindfe.run(parse_protocol(yaml.safe_dump(protocol)), directory=directory / "run")


def test_hydration_in_water_with_a_committee_runs_from_a_protocol(hydrated: bindfe.RunResult) -> None:
    (entry,) = json.loads((hydrated.directory / "prediction.json").read_text())["predictions"]
    assert entry["quantity"] == "hydration"
    assert {"solvent", "vacuum", "ML/MM"} <= set(entry["terms_kcal_mol"])
    assert entry["budget_kcal_mol"]["committee"] is not None
    legs = entry["terms_kcal_mol"]["solvent"] + entry["terms_kcal_mol"]["vacuum"]
    assert entry["force_field_kcal_mol"]["delta_g"] == pytest.approx(legs)
    page = (hydrated.directory / "report.html").read_text().partition("Provenance")[0]
    assert "Hydration free energy" in page
    assert "The force field alone" in page
    assert "bind" not in page.replace("bindfe", "")


def test_switches_start_from_frames_of_all_atoms_with_their_boxes(hydrated: bindfe.RunResult) -> None:
    frames, boxes = read_whole_frames(hydrated.directory / "methanol/solvent/repeat-0")
    assert frames.shape[0] == boxes.shape[0] == 6
    assert frames.shape[1] > 100
    assert len({float(np.linalg.det(box)) for box in boxes}) > 1  # constant pressure
    assert read_whole_frames(hydrated.directory / "methanol/vacuum/repeat-0")[0].size == 0
