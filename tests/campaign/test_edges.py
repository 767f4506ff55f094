from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import bindfe
from bindfe.campaign.analysis import measured_differences
from bindfe.campaign.edges import plan_edges
from bindfe.chem.ligand import read_ligands
from bindfe.chem.mapping import AtomMap
from bindfe.errors import InputError, ProtocolError
from bindfe.protocol import Protocol, parse_protocol
from bindfe.results import Affinity
from bindfe.states import LegKind
from bindfe.store import read_record

CB7 = """
receptor: {{file: {root}/systems/cb7/cb7.sdf, name: CB7}}
ligands: {{file: {root}/systems/cb7/guests.sdf, measured: {root}/systems/cb7/affinities.csv, names: [{names}]}}
edges: {{network: {network}}}
restraint: {{kind: flat-bottom, flat_radius: 4 A}}
sampling: {{cycle_time: 20 fs, length: 800 fs, chunk_cycles: 20}}
equilibration: {{minimise_iterations: 50, heat_time: 20 fs, release_springs: [], free_time: 20 fs, state_time: 40 fs}}
repeats: {{number: 1}}
compute: {{platform: CPU, workers: 1}}
"""


def protocol(root: Path, network: str, *names: str) -> Protocol:
    return parse_protocol(CB7.format(root=root, network=network, names=", ".join(names)))


@pytest.fixture(scope="module")
def directory(root, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("edges") / "run"
    bindfe.run(protocol(root, "minimum-spanning", "b2", "adamantanol"), directory=path)
    return path


def test_an_edge_runs_from_its_network_to_a_report(directory):
    (entry,) = json.loads((directory / "prediction.json").read_text())["predictions"]
    assert (entry["name"], entry["reference"], entry["ligand"]) == ("b2~adamantanol", "b2", "adamantanol")
    assert (entry["quantity"], entry["status"]) == ("relative", "ok")
    assert list(entry["terms_kcal_mol"]) == ["relative"]
    assert "b2 → adamantanol" in (directory / "report.html").read_text(encoding="utf-8")
    assert (directory / "predictions.csv").read_text().splitlines()[1].startswith("b2 -> adamantanol,")


def test_the_map_and_the_drawings_lie_beside_the_samples(directory):
    edge = directory / "b2~adamantanol"
    assert read_record(edge / "map.json", AtomMap).edge == "b2~adamantanol"
    assert (edge / "depiction.svg").read_text().startswith("<svg")
    assert (directory / "network.svg").read_text().count("<line") == 1


def test_the_report_sets_the_difference_of_the_measured_values_beside_it(directory):
    # -14.099 less -13.401, from the table of the system
    page = (directory / "report.html").read_text(encoding="utf-8")
    assert page.count("0.70") > 0


def test_estimating_again_gives_the_same_number(directory):
    before = json.loads((directory / "prediction.json").read_text())["predictions"][0]["delta_g_kcal_mol"]
    (again,) = bindfe.reestimate(directory).predictions
    assert again.raw_kcal_mol == before


def test_measured_differences_leave_out_bounds_and_add_errors_in_quadrature():
    affinity = {"standard_error_kcal_mol": 0.3, "temperature": 298.15}
    values = {
        "a": Affinity(ligand="a", delta_g_kcal_mol=-5.0, **affinity),
        "b": Affinity(ligand="b", delta_g_kcal_mol=-7.0, **affinity),
        "c": Affinity(ligand="c", delta_g_kcal_mol=-1.0, relation=">", **affinity),
    }
    found = measured_differences(values)
    assert sorted(found) == ["a~b", "b~a"]
    assert found["a~b"].delta_g_kcal_mol == -2.0
    assert found["a~b"].standard_error_kcal_mol == pytest.approx(0.3 * math.sqrt(2))


def test_a_given_edge_of_a_ligand_that_is_not_there_is_refused(root):
    ligands = read_ligands(root / "systems/cb7/guests.sdf", names=["b2", "adamantanol"])
    with pytest.raises(InputError, match=r"no ligand 'b9'; there are b2, adamantanol"):
        plan_edges(ligands, protocol(root, "given, pairs: [[b2, b9]]", "b2", "adamantanol"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("solvent: {model: gbn2}", "change places in obc2, vacuum, tip3p, tip4pew or opc, not in gbn2"),
        ("edges: {network: star, pocket: 6 A}\nsolvent: {model: tip3p}", "water would fill the place of the protein"),
        ("restraint: {kind: axial}", "set restraint.kind: flat-bottom"),
        ("edges: {network: given}", "edges.pairs and edges.network: given belong together"),
        ("committee: {model: ani2x}", "a committee corrects absolute values only"),
    ],
)
def test_what_an_edge_cannot_do_is_said_when_the_protocol_is_read(text, message):
    base = {"receptor": "receptor: {file: a.sdf}", "ligands": "ligands: {file: b.sdf}"}
    base |= {"edges": "edges: {network: star}", "restraint": "restraint: {kind: flat-bottom}"}
    base[text.split(":")[0]] = text
    with pytest.raises(ProtocolError, match=message):
        parse_protocol("\n".join(base.values()))


def test_a_protocol_with_edges_has_one_leg(root):
    assert protocol(root, "star", "b2").leg_kinds == (LegKind.RELATIVE,)
