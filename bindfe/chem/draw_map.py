"""Drawings of edges and networks: two ligands side by side with their common core, a series as a graph."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D
from rdkit.Geometry import Point2D

from bindfe.chem.ligand import Ligand
from bindfe.chem.mapping import AtomMap
from bindfe.chem.molecule import drop_bridgehead_tags
from bindfe.chem.network import EdgeNetwork

Colour = tuple[float, float, float]

_CORE: Colour = (0.72, 0.86, 0.98)
_CHANGED: Colour = (1.0, 0.85, 0.55)
_OUTSIDE: Colour = (0.97, 0.72, 0.70)
_NODE = 34.0  # radius of a ligand in the graph [px]


def draw_map(
    a: Ligand, b: Ligand, atom_map: AtomMap, *, panel: tuple[int, int] = (360, 320), stacked: bool = False
) -> str:
    """Draw an edge as SVG: the core blue, core atoms that change their element amber, the rest red.

    Core atoms carry the same number in both drawings and lie in the same place.

    Args:
        a: First ligand, on the left or on top.
        b: Second ligand.
        atom_map: Their map.
        panel: Width and height of each ligand's drawing [px].
        stacked: One below the other instead of side by side.
    """
    flat = _flat(a.mol), _flat(b.mol)
    _lay_alike(flat[0], flat[1], dict(atom_map.core))
    for side, mol in enumerate(flat):
        order = {pair[side]: number for number, pair in enumerate(atom_map.core, 1)}
        for atom in mol.GetAtoms():
            own = atom.GetIntProp("own")
            if own in order:
                atom.SetProp("atomNote", str(order[own]))
    whole = (panel[0], 2 * panel[1]) if stacked else (2 * panel[0], panel[1])
    drawer = rdMolDraw2D.MolDraw2DSVG(*whole, *panel)
    options: Any = drawer.drawOptions()  # RDKit's stubs type every option as the options
    options.padding = 0.06
    options.annotationFontScale = 0.55
    options.legendFontSize = 18
    colours = [_colours(mol, side, a, b, atom_map) for side, mol in enumerate(flat)]
    drawer.DrawMolecules(
        list(flat),
        legends=[a.name, f"{b.name}   (score {atom_map.score:.2f})"],
        highlightAtoms=[list(colour) for colour in colours],
        highlightAtomColors=colours,
        highlightBonds=[[], []],
    )
    drawer.FinishDrawing()
    svg = str(drawer.GetDrawingText())
    return svg[svg.index("<svg") :]  # without XML prologue: a page holds it inline


def _flat(mol: Chem.Mol) -> Chem.Mol:
    copy = Chem.Mol(mol)
    for atom in copy.GetAtoms():
        atom.SetIntProp("own", atom.GetIdx())
    heavy = Chem.RemoveAllHs(copy)
    drop_bridgehead_tags(heavy)
    rdDepictor.Compute2DCoords(heavy, clearConfs=True, useRingTemplates=True)
    return heavy


def _lay_alike(first: Chem.Mol, second: Chem.Mol, core: Mapping[int, int]) -> None:
    """Give the second drawing's core the places of the first's."""
    if not core:
        return
    place = {atom.GetIntProp("own"): atom.GetIdx() for atom in second.GetAtoms()}
    fixed = {}
    for atom in first.GetAtoms():
        own = atom.GetIntProp("own")
        if own in core:
            spot = first.GetConformer().GetAtomPosition(atom.GetIdx())
            fixed[place[core[own]]] = Point2D(spot.x, spot.y)
    rdDepictor.Compute2DCoords(second, clearConfs=True, coordMap=fixed)


def _colours(mol: Chem.Mol, side: int, a: Ligand, b: Ligand, atom_map: AtomMap) -> dict[int, Colour]:
    kinds = {pair[side]: _kind(a, b, pair) for pair in atom_map.core}
    return {atom.GetIdx(): kinds.get(atom.GetIntProp("own"), _OUTSIDE) for atom in mol.GetAtoms()}


def _kind(a: Ligand, b: Ligand, pair: tuple[int, int]) -> Colour:
    same = a.mol.GetAtomWithIdx(pair[0]).GetAtomicNum() == b.mol.GetAtomWithIdx(pair[1]).GetAtomicNum()
    return _CORE if same else _CHANGED


def draw_network(network: EdgeNetwork, *, size: int = 760) -> str:
    """Draw a network as SVG: edges thicker and darker with their score, those in no cycle dashed.

    Ligands lie so that their distances in the drawing are close to the number of edges between them.

    Args:
        network: The network.
        size: Width and height [px].
    """
    place = _places(network, size)
    scored = zip(network.edges, network.scores, strict=True)
    lines = [_line(place, edge, score, edge in network.bridges) for edge, score in scored]
    nodes = [_node(name, *place[name]) for name in network.ligands]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 {size} {size}">'
    return "\n".join((head, *lines, *nodes, "</svg>")) + "\n"


def _places(network: EdgeNetwork, size: int) -> dict[str, NDArray[np.float64]]:
    """Stress majorisation of the graph distances, started on a circle."""
    target = _graph_distances(network.ligands, network.edges)
    count = len(target)
    angle = 2 * math.pi * np.arange(count) / count
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1) * target.max() / 2
    weight = 1.0 / np.maximum(target, 1.0) ** 2
    np.fill_diagonal(weight, 0.0)
    laplacian = np.linalg.pinv(np.diag(weight.sum(axis=1)) - weight)
    for _ in range(300):
        distance = np.linalg.norm(x[:, None] - x[None], axis=-1)
        pull = -weight * np.divide(target, distance, out=np.zeros_like(target), where=distance > 1e-9)
        np.fill_diagonal(pull, -pull.sum(axis=1))
        x = laplacian @ pull @ x
    low, high = x.min(axis=0), x.max(axis=0)
    scaled = (x - (low + high) / 2) * (size - 4 * _NODE) / max(float((high - low).max()), 1e-9) + size / 2
    return dict(zip(network.ligands, scaled, strict=True))


def _graph_distances(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    """Edges on the shortest way between two ligands, (L, L); two more than the longest where there is none."""
    place = {name: number for number, name in enumerate(names)}
    steps = np.full((len(names), len(names)), np.inf)
    np.fill_diagonal(steps, 0.0)
    for a, b in edges:
        steps[place[a], place[b]] = steps[place[b], place[a]] = 1.0
    for k in range(len(names)):
        steps = np.minimum(steps, steps[:, k, None] + steps[None, k])
    longest = float(steps[np.isfinite(steps)].max())
    return np.where(np.isfinite(steps), steps, longest + 2.0)


def _line(place: Mapping[str, NDArray[np.float64]], edge: tuple[str, str], score: float, bridge: bool) -> str:
    (x1, y1), (x2, y2) = place[edge[0]], place[edge[1]]
    grey = round(190 - 150 * score)
    dash = ' stroke-dasharray="7 4"' if bridge else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="rgb({grey},{grey},{grey})" '
        f'stroke-width="{1 + 4 * score:.1f}"{dash}/>'
        f'<text x="{(x1 + x2) / 2:.1f}" y="{(y1 + y2) / 2 - 5:.1f}" font-family="sans-serif" font-size="12" '
        f'fill="#a04000" stroke="white" stroke-width="3" paint-order="stroke" text-anchor="middle">{score:.2f}</text>'
    )


def _node(name: str, x: float, y: float) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_NODE:g}" fill="#eef4fb" stroke="#35618f" stroke-width="1.5"/>'
        f'<text x="{x:.1f}" y="{y + 4:.1f}" font-family="sans-serif" font-size="{_font(name):.1f}" '
        f'text-anchor="middle">{escape(name)}</text>'
    )


def _font(name: str) -> float:
    return min(12.0, 2 * _NODE / (0.58 * max(len(name), 1)))
