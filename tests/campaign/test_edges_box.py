"""Edges in a box of water: from a protocol to a report, and what the pre-flight says of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import bindfe
from bindfe.build import load_leg
from bindfe.campaign.preflight_cost import Worker, estimate_cost, n_atoms
from bindfe.campaign.preflight_settings import box_findings
from bindfe.campaign.preflight_site import bulk_findings
from bindfe.campaign.preflight_usual import usual_findings
from bindfe.chem.ligand import Ligand, read_ligands
from bindfe.chem.receptor import read_receptor
from bindfe.protocol import Protocol, parse_protocol
from bindfe.states import LegKind

BOX = """
receptor: {{file: {root}/systems/cb7/cb7.sdf, name: CB7}}
ligands: {{file: {root}/systems/cb7/guests.sdf, names: [b2, adamantanol]}}
edges: {{network: {network}, clearance: {clearance} A}}
restraint: {{kind: flat-bottom, flat_radius: 4 A}}
solvent: {{model: tip3p, padding: {padding} A, cutoff: {cutoff} A, ionic_strength: 0 M}}
schedule: {{relative: {{transfer: [0.0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 1.0]}}}}
sampling: {{time_step: 2 fs, cycle_time: 4 fs, length: 100 fs, chunk_cycles: 25, pressure: {pressure}}}
equilibration: {{minimise_iterations: 30, heat_time: 20 fs, release_springs: [], free_time: 20 fs, state_time: 20 fs}}
repeats: {{number: 1}}
compute: {{platform: CPU, workers: 1}}
"""
SMALL = {"clearance": 8, "padding": 10, "cutoff": 7, "pressure": "1.01325 bar"}
USUAL = {"clearance": 15, "padding": 20, "cutoff": 10, "pressure": "1.01325 bar"}


def protocol(root: Path, network: str, **words: object) -> Protocol:
    return parse_protocol(BOX.format(root=root, network=network, **words))


@pytest.fixture(scope="module")
def ligands(root) -> list[Ligand]:
    return list(read_ligands(root / "systems/cb7/guests.sdf", names=["b2", "adamantanol"]))


@pytest.fixture(scope="module")
def receptor(root) -> np.ndarray:
    return read_receptor(root / "systems/cb7/cb7.sdf").positions


def test_an_edge_in_water_runs_from_its_network_to_a_report(root, tmp_path):
    bindfe.run(protocol(root, "minimum-spanning", **SMALL), directory=tmp_path / "run")
    (entry,) = json.loads((tmp_path / "run" / "prediction.json").read_text())["predictions"]
    assert (entry["name"], entry["quantity"], list(entry["terms_kcal_mol"])) == (
        "b2~adamantanol",
        "relative",
        ["relative"],
    )
    leg = load_leg(tmp_path / "run" / "b2~adamantanol" / "relative" / "prepared")
    assert leg.record.thermodynamic_state.pressure == 1.01325
    assert "b2 → adamantanol" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_the_box_of_an_edge_is_estimated_within_a_tenth(root, ligands, receptor):
    # 4,230 atoms were built, with the default padding and a clearance of 15 A
    guessed = n_atoms(protocol(root, "star", **USUAL), LegKind.RELATIVE, ligands[0], receptor)
    assert guessed == pytest.approx(4230, rel=0.1)


@pytest.mark.parametrize(
    ("network", "legs"),
    [
        ("minimum-spanning", 1),
        ("redundant", 1),
        ("star", 1),
        ("given, pairs: [[b2, adamantanol], [adamantanol, b2]]", 2),
    ],
)
def test_the_cost_counts_edges_and_not_ligands(root, ligands, receptor, network, legs):
    settings = protocol(root, network, **USUAL)
    cost = estimate_cost(settings, ligands, receptor, Worker(number=1, gpu=False))
    assert cost.nanoseconds == pytest.approx(legs * 9 * 100e-6)


def test_a_box_too_small_for_the_cutoff_is_told_before_it_is_built(root, ligands, receptor):
    (found,) = box_findings(protocol(root, "star", **SMALL | {"cutoff": 12}), ligands[0], receptor=receptor)
    assert (found.level, found.check) == ("fail", "box-cutoff")
    assert "relative leg" in found.message


@pytest.mark.parametrize(("clearance", "level"), [(1.5, "fail"), (8, "warn"), (15, None)])
def test_a_clearance_that_is_no_bulk_is_told(root, clearance, level):
    settings = protocol(root, "star", **USUAL | {"clearance": clearance})
    told = [each.level for each in usual_findings(settings) if "edges.clearance" in each.message]
    assert told == ([level] if level else [])


def test_a_ligand_in_bulk_is_clear_in_a_box_whatever_the_displacement(root, ligands, receptor):
    near = protocol(root, "star", **USUAL).model_copy(update={"alchemy": {"displacement": 1.0}})
    assert bulk_findings(near, ligands[0], receptor=receptor) == ()
