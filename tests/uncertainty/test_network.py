"""Generalised least squares on networks, against exact answers."""

from __future__ import annotations

import numpy as np
import pytest

from bindfe.errors import InputError
from bindfe.uncertainty.network import solve_network

TRIANGLE = [("a", "b"), ("b", "c"), ("a", "c")]


def test_a_chain_gives_back_its_differences() -> None:
    network = solve_network([("a", "b"), ("b", "c")], np.array([1.0, 2.0]), np.array([0.1, 0.2]))
    assert network.difference("a", "c") == pytest.approx((3.0, np.hypot(0.1, 0.2)))
    assert network.value.mean() == pytest.approx(0.0, abs=1e-12)


def test_a_triangle_shares_its_closure_error_equally() -> None:
    network = solve_network(TRIANGLE, np.array([1.0, 1.0, 2.3]), np.full(3, 0.3))
    assert network.residual == pytest.approx([-0.1, -0.1, 0.1])
    assert network.difference("a", "b")[0] == pytest.approx(1.1)
    assert network.difference("a", "b")[1] == pytest.approx(0.3 * np.sqrt(2 / 3))


def test_covariance_is_the_scatter_of_many_draws() -> None:
    rng = np.random.default_rng(0)
    truth, error = np.array([-1.0, 0.0, 1.0]), np.array([0.2, 0.4, 0.3])
    exact = np.array([truth[1] - truth[0], truth[2] - truth[1], truth[2] - truth[0]])
    draws = [solve_network(TRIANGLE, exact + error * rng.normal(size=3), error) for _ in range(4000)]
    assert np.cov([d.value for d in draws], rowvar=False) == pytest.approx(draws[0].covariance, abs=0.006)
    assert np.mean([d.value for d in draws], axis=0) == pytest.approx(truth, abs=0.015)


def test_a_shared_committee_error_cancels_in_no_difference_that_it_is_part_of() -> None:
    alone = solve_network([("a", "b"), ("b", "c")], np.zeros(2), np.full(2, 0.1))
    shared = solve_network([("a", "b"), ("b", "c")], np.zeros(2), np.full(2, 0.1), covariance=np.full((2, 2), 0.25))
    assert shared.difference("a", "c")[1] ** 2 == pytest.approx(alone.difference("a", "c")[1] ** 2 + 4 * 0.25)


def test_a_repeat_of_an_edge_is_data() -> None:
    once = solve_network([("a", "b")], np.array([1.0]), np.array([0.4]))
    twice = solve_network([("a", "b"), ("a", "b")], np.array([0.8, 1.2]), np.array([0.4, 0.4]))
    assert twice.difference("a", "b") == pytest.approx((1.0, once.difference("a", "b")[1] / np.sqrt(2)))


def test_components_are_named() -> None:
    network = solve_network([("a", "b"), ("x", "y")], np.array([1.0, 2.0]), np.full(2, 0.1))
    assert "2 parts" in network.notes[0]
    assert "a, b; x, y" in network.notes[0]
    with pytest.raises(InputError, match=r"no chain of edges connects a and x"):
        network.difference("a", "x")


def test_zero_infinite_and_missing_errors_take_the_median() -> None:
    pairs = [("a", "b"), ("a", "b"), ("a", "b"), ("a", "b")]
    network = solve_network(pairs, np.array([1.0, 1.0, 1.0, 5.0]), np.array([0.0, np.inf, np.nan, 0.2]))
    assert network.difference("a", "b") == pytest.approx((2.0, 0.1))
    assert "3 of 4 edges have no usable error; 0.20" in network.notes[0]


def test_the_robust_option_keeps_one_bad_edge_from_spreading() -> None:
    pairs = [("a", "b"), ("b", "c"), ("a", "c"), ("a", "d"), ("d", "c")]
    values = np.array([1.0, 1.0, 2.0, 1.0, 1.0 + 6.0])
    plain = solve_network(pairs, values, np.full(5, 0.2))
    robust = solve_network(pairs, values, np.full(5, 0.2), robust=True)
    assert abs(plain.difference("a", "c")[0] - 2.0) > 1.0
    assert abs(robust.difference("a", "c")[0] - 2.0) < 0.1


def test_adding_a_constant_to_all_ligands_changes_no_edge_and_order_does_not_count() -> None:
    rng = np.random.default_rng(1)
    ligands = rng.normal(size=6)
    pairs = [(i, j) for i in range(6) for j in range(i + 1, 6)]
    names = [(f"l{i}", f"l{j}") for i, j in pairs]
    values = np.array([ligands[j] - ligands[i] for i, j in pairs])
    shifted = np.array([(ligands[j] + 7) - (ligands[i] + 7) for i, j in pairs])
    assert values == pytest.approx(shifted)
    order = rng.permutation(len(pairs))
    first = solve_network(names, values, np.full(len(pairs), 0.3))
    second = solve_network([names[k] for k in order], values[order], np.full(len(pairs), 0.3))
    assert first.value == pytest.approx(second.value)
    assert first.value == pytest.approx(ligands - ligands.mean())


@pytest.mark.parametrize(("pairs", "message"), [([], r"without edges"), ([("a", "a")], r"from a to itself")])
def test_bad_networks(pairs: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        solve_network(pairs, np.ones(len(pairs)), np.ones(len(pairs)))


@pytest.mark.filterwarnings("ignore")
def test_agrees_with_cinnabar() -> None:
    theirs = pytest.importorskip("cinnabar.stats")
    networkx = pytest.importorskip("networkx")
    rng = np.random.default_rng(2)
    names = [f"l{i}" for i in range(7)]
    pairs = [(names[i], names[j]) for i in range(7) for j in range(i + 1, 7) if rng.random() < 0.6 or j == i + 1]
    values, errors = rng.normal(size=len(pairs)), 0.1 + rng.random(len(pairs))
    graph = networkx.DiGraph()
    graph.add_nodes_from(names)
    for (a, b), value, error in zip(pairs, values, errors, strict=True):
        graph.add_edge(a, b, f_ij=value, f_dij=error)
    value, covariance = theirs.mle(graph, factor="f_ij")
    ours = solve_network(pairs, values, errors)
    assert ours.value == pytest.approx(value - value.mean(), abs=1e-9)
    assert ours.covariance == pytest.approx(covariance, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_a_network_is_weighted_least_squares_by_another_route(seed: int) -> None:
    # numpy on whitened rows with a row that sets the mean to zero, and the inverse of their normal matrix
    rng = np.random.default_rng(seed)
    names = [f"l{i}" for i in range(7)]
    pairs = [(names[i], names[j]) for i in range(7) for j in range(i + 1, 7) if j == i + 1 or rng.random() < 0.4]
    values, errors = rng.normal(size=len(pairs)), rng.uniform(0.1, 0.6, len(pairs))
    rows = np.array([[(b == name) - float(a == name) for name in names] for a, b in pairs]) / errors[:, None]
    design = np.vstack([rows, np.ones(7)])
    expected, *_ = np.linalg.lstsq(design, np.append(values / errors, 0.0), rcond=None)
    network = solve_network(pairs, values, errors)
    assert network.value == pytest.approx(expected)
    contrast = np.array([1.0, 0, 0, 0, 0, 0, -1.0])
    assert network.difference("l6", "l0")[1] ** 2 == pytest.approx(
        contrast @ np.linalg.inv(design.T @ design) @ contrast
    )
