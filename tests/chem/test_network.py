from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest

from bindfe.chem.draw_map import draw_network
from bindfe.chem.network import plan_network
from bindfe.errors import InputError


def series(count: int, seed: int, *, missing: float = 0.0):
    rng = np.random.default_rng(seed)
    names = [f"l{i}" for i in range(count)]
    pairs = [pair for pair in combinations(names, 2) if rng.random() >= missing]
    return names, {pair: float(rng.uniform(0.05, 1.0)) for pair in pairs}


@pytest.mark.parametrize("seed", range(5))
def test_the_tree_is_networkx_s_maximum_spanning_tree(seed):
    names, scores = series(12, seed)
    graph = nx.Graph()
    graph.add_weighted_edges_from((a, b, score) for (a, b), score in scores.items())
    expected = {frozenset(edge) for edge in nx.maximum_spanning_tree(graph).edges}
    assert {frozenset(edge) for edge in plan_network(names, scores).edges} == expected


@pytest.mark.parametrize("seed", range(5))
def test_bridges_and_parts_are_networkx_s(seed):
    names, scores = series(14, seed, missing=0.85)
    network = plan_network(names, scores, "redundant")
    graph = nx.Graph()
    graph.add_nodes_from(names)
    graph.add_edges_from(network.edges)
    assert {frozenset(e) for e in network.bridges} == {frozenset(e) for e in nx.bridges(graph)}
    assert {frozenset(p) for p in network.parts} == {frozenset(p) for p in nx.connected_components(graph)}
    assert network.connected == nx.is_connected(graph)


def test_a_redundant_network_of_a_full_series_survives_the_loss_of_any_edge():
    names, scores = series(10, 3)
    network = plan_network(names, scores, "redundant")
    assert network.bridges == ()
    assert len(network.edges) == 2 * (len(names) - 1)


def test_a_star_has_the_ligand_with_the_best_scores_in_its_centre():
    names = ["a", "b", "c"]
    network = plan_network(names, {("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): 0.1}, "star")
    assert network.edges == (("a", "b"), ("b", "c"))
    chosen = plan_network(names, {("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): 0.1}, "star", centre="c")
    assert chosen.edges == (("a", "c"), ("b", "c"))
    assert [finding.check for finding in chosen.findings] == ["weak-edge"]


def test_a_disconnected_network_names_its_parts_and_the_best_pair_between_them():
    scores = {("a", "b"): 0.9, ("c", "d"): 0.8, ("b", "c"): 0.04}
    network = plan_network(["a", "b", "c", "d"], scores, minimum_score=0.05)
    (finding,) = network.findings
    assert (network.connected, finding.level, finding.check) == (False, "fail", "disconnected-network")
    assert "a, b; c, d" in finding.message
    assert "the best pair between them, b and c, scores 0.04" in finding.message


def test_given_edges_stay_as_they_are():
    network = plan_network(["a", "b", "c"], {("a", "b"): 0.5}, "given", edges=[("c", "a"), ("b", "a"), ("c", "a")])
    assert network.edges == (("c", "a"), ("b", "a"))
    assert network.scores == (0.0, 0.5)


@pytest.mark.parametrize(
    ("names", "edges", "message"),
    [
        (["a", "a"], [], "at least two ligands with different names"),
        (["a", "b"], [("a", "z")], "'z' is not in the series"),
        (["a", "b"], [("a", "a")], "an edge from a to itself"),
        (["a", "b"], [], "a given network needs edges"),
    ],
)
def test_what_cannot_be_a_network_is_refused(names, edges, message):
    with pytest.raises(InputError, match=message):
        plan_network(names, {}, "given", edges=edges)


def test_the_drawing_shows_every_ligand_edge_and_bridge_inside_its_frame():
    names, scores = series(9, 2)
    network = plan_network(names, scores)
    svg = draw_network(network, size=500)
    assert svg.count("<circle") == 9
    assert svg.count("stroke-dasharray") == 8
    places = [float(text.split('"')[0]) for text in svg.split('cx="')[1:]]
    assert 0 < min(places) <= max(places) < 500
