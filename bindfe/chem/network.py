"""Which pairs of a series to compute: a network of edges that connects every ligand, or says why not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from bindfe.chem.findings import Finding, failed, warned
from bindfe.errors import InputError

Edge = tuple[str, str]
"""First and second ligand; the value is delta_g(second) - delta_g(first)."""

NetworkKind = Literal["minimum-spanning", "redundant", "star", "given"]

_WEAK = 0.2  # score below which an edge is told: sixteen heavy atoms that are not shared


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeNetwork:
    """Edges between the ligands of a series."""

    ligands: tuple[str, ...]
    """All ligands, in the given order."""
    edges: tuple[Edge, ...]
    """The edges, by the ligands' order."""
    scores: tuple[float, ...]
    """Score of each edge, 0 to 1, (E,)."""
    kind: NetworkKind
    """How they were chosen."""
    parts: tuple[tuple[str, ...], ...]
    """Ligands that edges connect; one part if the network is connected."""
    bridges: tuple[Edge, ...]
    """Edges in no cycle: nothing checks their values."""
    findings: tuple[Finding, ...]
    """What a pre-flight should say of it."""

    @property
    def connected(self) -> bool:
        """Whether every ligand can be compared with every other."""
        return len(self.parts) == 1

    @property
    def score(self) -> float:
        """Geometric mean of the edges' scores; 0 without edges."""
        if not self.scores or min(self.scores) <= 0:
            return 0.0
        return math.exp(sum(math.log(score) for score in self.scores) / len(self.scores))


def plan_network(
    ligands: Sequence[str],
    scores: Mapping[Edge, float],
    kind: NetworkKind = "minimum-spanning",
    *,
    centre: str | None = None,
    edges: Sequence[Edge] = (),
    minimum_score: float = 0.0,
) -> EdgeNetwork:
    """Choose the edges of a series.

    ``minimum-spanning``: the tree whose worst edges are the best that any tree has. ``redundant``: two such trees
    without a common edge (as far as there are edges), so that an edge as a rule is in a cycle that checks it.
    ``star``: every ligand to one centre. ``given``: as they are given.

    Args:
        ligands: Names of the ligands; an edge points from the earlier to the later one.
        scores: Score of each pair that could be an edge, 0 to 1, either way round; see ``mapping.scores_of``.
        kind: How to choose.
        centre: Centre of a star; the ligand with the largest product of scores if None.
        edges: The edges of a given network.
        minimum_score: Pairs whose score is not above this are no edges (star, trees).

    Returns:
        The network. One that is not connected has a finding of level ``fail`` that names its parts and the best
        pairs that were refused between them.

    Raises:
        InputError: A name twice, fewer than two ligands, or an edge or centre that is not in the series.
    """
    names = _checked(ligands, edges, centre)
    known = _in_order(scores, names)
    usable = {pair: score for pair, score in known.items() if score > minimum_score}
    if kind == "given":
        if not edges:
            raise InputError("a given network needs edges")
        chosen = list(dict.fromkeys((str(a), str(b)) for a, b in edges))
    elif kind == "star":
        hub = centre if centre is not None else _hub(names, usable)
        chosen = [pair for pair in usable if hub in pair]
    else:
        chosen = spanning_forest(names, usable)
        if kind == "redundant":
            chosen += spanning_forest(names, {pair: s for pair, s in usable.items() if pair not in chosen})
    if kind != "given":
        place = {name: number for number, name in enumerate(names)}
        chosen = sorted(chosen, key=lambda pair: (place[pair[0]], place[pair[1]]))
    return _network(names, chosen, known, kind)


def spanning_forest(ligands: Sequence[str], scores: Mapping[Edge, float]) -> list[Edge]:
    """Kruskal's tree of best scores in each connected part; of equal scores the first."""
    part = {name: name for name in ligands}
    chosen = []
    for pair in sorted(scores, key=lambda pair: -scores[pair]):
        first, second = (_root(part, name) for name in pair)
        if first != second:
            part[first] = second
            chosen.append(pair)
    return chosen


def connected_parts(ligands: Sequence[str], edges: Iterable[Edge]) -> tuple[tuple[str, ...], ...]:
    """Ligands by connected part, the largest first."""
    part = {name: name for name in ligands}
    for a, b in edges:
        part[_root(part, a)] = _root(part, b)
    groups: dict[str, list[str]] = {}
    for name in ligands:
        groups.setdefault(_root(part, name), []).append(name)
    return tuple(sorted((tuple(group) for group in groups.values()), key=len, reverse=True))


def _root(part: dict[str, str], name: str) -> str:
    while part[name] != name:
        part[name] = part[part[name]]
        name = part[name]
    return name


def _checked(ligands: Sequence[str], edges: Sequence[Edge], centre: str | None) -> tuple[str, ...]:
    names = tuple(ligands)
    if len(set(names)) != len(names) or len(names) < 2:
        raise InputError(f"a network needs at least two ligands with different names, found {', '.join(names)}")
    for name in (*(end for edge in edges for end in edge), *([centre] if centre is not None else [])):
        if name not in names:
            raise InputError(f"'{name}' is not in the series; it holds {', '.join(names)}")
    loops = [a for a, b in edges if a == b]
    if loops:
        raise InputError(f"an edge from {loops[0]} to itself; an edge needs two ligands")
    return names


def _in_order(scores: Mapping[Edge, float], names: Sequence[str]) -> dict[Edge, float]:
    """Scores of pairs in the series' order."""
    found = {}
    for pair in combinations(names, 2):
        score = scores.get(pair, scores.get((pair[1], pair[0])))
        if score is not None:
            found[pair] = float(score)
    return found


def _hub(names: Sequence[str], scores: Mapping[Edge, float]) -> str:
    """The ligand that reaches most others, with the largest product of scores."""

    def rank(name: str) -> tuple[int, float]:
        mine = [score for pair, score in scores.items() if name in pair]
        return len(mine), sum(math.log(score) for score in mine)

    return max(names, key=rank)


def _network(names: tuple[str, ...], edges: list[Edge], known: Mapping[Edge, float], kind: NetworkKind) -> EdgeNetwork:
    parts = connected_parts(names, edges)
    scores = tuple(known.get(edge, known.get((edge[1], edge[0]), 0.0)) for edge in edges)
    bridges = tuple(edge for edge in edges if len(connected_parts(names, _without(edges, edge))) > len(parts))
    findings = [*_disconnected(parts, known), *_weak(edges, scores)]
    return EdgeNetwork(
        ligands=names,
        edges=tuple(edges),
        scores=scores,
        kind=kind,
        parts=parts,
        bridges=bridges,
        findings=tuple(findings),
    )


def _without(edges: Sequence[Edge], edge: Edge) -> list[Edge]:
    return [other for other in edges if other != edge]


def _disconnected(parts: tuple[tuple[str, ...], ...], known: Mapping[Edge, float]) -> list[Finding]:
    if len(parts) == 1:
        return []
    words = "; ".join(", ".join(part[:6]) + (" ..." if len(part) > 6 else "") for part in parts)
    where = {name: number for number, part in enumerate(parts) for name in part}
    across = sorted((pair for pair in known if where[pair[0]] != where[pair[1]]), key=lambda pair: -known[pair])
    best = (
        f"the best pair between them, {across[0][0]} and {across[0][1]}, scores {known[across[0]]:.2f}"
        if across
        else ""
    )
    return [
        failed(
            "disconnected-network",
            f"the network falls into {len(parts)} parts that no edge connects: {words}" + (f"; {best}" if best else ""),
            advice="add a ligand between the parts, give edges between them, or run each part's absolute values",
        )
    ]


def _weak(edges: Sequence[Edge], scores: Sequence[float]) -> list[Finding]:
    return [
        warned(
            "weak-edge",
            f"the score is {score:.2f} (at least {_WEAK:g} is usual): the ligands share little",
            advice="add a ligand between the two",
            ligand=f"{a}~{b}",
        )
        for (a, b), score in zip(edges, scores, strict=True)
        if score < _WEAK
    ]
