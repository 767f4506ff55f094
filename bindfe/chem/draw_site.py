"""A ligand in its pose among the atoms of its receptor, drawn as it lies: the plane of the page is the ligand's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from bindfe.chem.ligand import Ligand
from bindfe.chem.protein import WATER
from bindfe.chem.receptor import Receptor

Floats = NDArray[np.float64]

TOUCH = 4.2
"""Heavy atoms as near as this are neighbours [A]: two carbons of 1.9 A and a little."""

POLAR = 3.5
"""N, O or S as near as this may share a hydrogen [A]; angles are not looked at."""

TIGHT = 2.6
"""Heavy atoms nearer than this lie in each other [A], unless they share a hydrogen: then 2.3."""

_SHOWN = 5.0
_WIDTH, _HEIGHT, _MARGIN = 620, 440, 96
_MOST_LABELS = 16
_COLOURS = {"N": "#0b5394", "O": "#c0392b", "S": "#b7950b", "P": "#d35400", "F": "#1e8449", "Cl": "#1e8449"} | {
    "Br": "#7b3f00",
    "I": "#6c3483",
}
_TEXTS = {"tight": "#922b21", "polar": "#0b5394", "touch": "#3e4c59"}
_LINES = {"tight": "#c0392b", "polar": "#0b5394", "touch": "#98a2ad"}


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteContact:
    """The nearest pair of heavy atoms of a ligand and a residue."""

    residue: str
    """Label of the residue: ``A:LEU84``; the name of a host."""
    ligand_atom: int
    """Index in the ligand."""
    receptor_atom: int
    """Index among the receptor's heavy atoms about the ligand, in file order."""
    distance: float
    """Distance [A]."""
    kind: str
    """``touch``, ``polar`` or ``tight``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Atoms:
    """Heavy atoms about a ligand."""

    x: Floats
    symbols: tuple[str, ...]
    residues: tuple[str, ...]


def site_contacts(ligand: Ligand, receptor: Receptor) -> tuple[SiteContact, ...]:
    """Residues that a ligand touches, the nearest first: one contact each, a polar one before a nearer other one."""
    around = _around(ligand, receptor)
    heavy, x = _heavy(ligand)
    found: dict[str, SiteContact] = {}
    for number, (place, symbol, residue) in enumerate(zip(around.x, around.symbols, around.residues, strict=True)):
        apart = np.linalg.norm(x - place, axis=1)
        for k in np.flatnonzero(apart < TOUCH):
            index, distance = heavy[k], float(apart[k])
            kind = _kind(ligand.elements[index], symbol, distance)
            contact = SiteContact(
                residue=residue, ligand_atom=index, receptor_atom=number, distance=distance, kind=kind
            )
            if residue not in found or _rank(contact) < _rank(found[residue]):
                found[residue] = contact
    return tuple(sorted(found.values(), key=lambda contact: contact.distance))


def draw_site(ligand: Ligand, receptor: Receptor, *, seen_as: Ligand | None = None) -> str:
    """Draw a pose as SVG: the ligand bold, the receptor's atoms within 5 A thin, residues named about them.

    Args:
        ligand: In its pose.
        receptor: A host, or a protein with its hydrogens or without.
        seen_as: Another ligand whose plane is the page's, so that two poses can be compared.
    """
    around = _around(ligand, receptor)
    heavy, x = _heavy(ligand)
    plane, middle = _plane(_heavy(seen_as or ligand)[1], around.x), x.mean(axis=0)
    flat, behind = (x - middle) @ plane.T, (around.x - middle) @ plane.T
    scale = _scale(np.concatenate([flat, behind]) if receptor.mol is not None else flat)
    ligand_xy, around_xy = _on_page(flat, scale), _on_page(behind, scale)
    contacts = site_contacts(ligand, receptor)[:_MOST_LABELS] if receptor.mol is None else ()
    where = np.array([around_xy[contact.receptor_atom] for contact in contacts]).reshape(-1, 2)
    row = {index: k for k, index in enumerate(heavy)}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *_sticks(around_xy, _pairs(around.x, around.symbols), around.symbols, colour="#c5ccd3", width=1.6),
        *_labels(contacts, row, ligand_xy, where),
        *_sticks(
            ligand_xy,
            _ligand_bonds(ligand, row),
            [ligand.elements[i] for i in heavy],
            colour="#1f2933",
            width=4.5,
        ),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def draw_sites(ligands: Sequence[Ligand], receptor: Receptor) -> str:
    """Several poses below each other as one SVG, each with its ligand's name, all seen from one side."""
    height = _HEIGHT + 24
    panels = [
        f'<svg y="{k * height}" width="{_WIDTH}" height="{height}"><text x="12" y="18" font-family="sans-serif" '
        f'font-size="15" fill="#1f2933">{escape(ligand.name)}</text>'
        f'<svg y="24">{draw_site(ligand, receptor, seen_as=ligands[0])}</svg></svg>'
        for k, ligand in enumerate(ligands)
    ]
    size = f'viewBox="0 0 {_WIDTH} {len(panels) * height}" width="{_WIDTH}" height="{len(panels) * height}"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', *panels, "</svg>"]) + "\n"


def _around(ligand: Ligand, receptor: Receptor) -> _Atoms:
    """A host, or what of a protein and its cofactors lies within 5 A of the ligand; no water."""
    if receptor.mol is not None:
        rows = [
            (10 * place, symbol, receptor.name)
            for place, symbol in zip(receptor.positions, receptor.elements, strict=True)
        ]
    else:
        rows = [
            (10 * np.array(atom.position), atom.element, atom.label)
            for atom in receptor.structure.atoms
            if atom.residue not in WATER
        ]
        rows += [
            (10 * place, symbol, cofactor.name)
            for cofactor in receptor.cofactors
            for place, symbol in zip(cofactor.positions, cofactor.elements, strict=True)
        ]
    rows = [row for row in rows if row[1] != "H"]
    x = np.array([row[0] for row in rows], dtype=float).reshape(-1, 3)
    near = np.ones(len(rows), dtype=bool)
    if receptor.mol is None:
        near = np.linalg.norm(x[:, None] - _heavy(ligand)[1][None], axis=-1).min(axis=1) < _SHOWN
    kept = [int(i) for i in np.flatnonzero(near)]
    return _Atoms(x=x[kept], symbols=tuple(rows[i][1] for i in kept), residues=tuple(rows[i][2] for i in kept))


def _heavy(ligand: Ligand) -> tuple[list[int], Floats]:
    heavy = [i for i, symbol in enumerate(ligand.elements) if symbol != "H"]
    return heavy, 10 * ligand.positions[heavy]


def _kind(one: str, other: str, distance: float) -> str:
    polar = {one, other} <= {"N", "O", "S"}
    if distance < (TIGHT - 0.3 if polar else TIGHT):
        return "tight"
    return "polar" if polar and distance <= POLAR else "touch"


def _rank(contact: SiteContact) -> tuple[int, float]:
    return ("tight", "polar", "touch").index(contact.kind), contact.distance


def _plane(x: Floats, around: Floats) -> Floats:
    """Axes to the right and up, (2, 3): the ligand's plane, seen from where fewer atoms of the receptor stand."""
    axes = np.linalg.svd(x - x.mean(axis=0), full_matrices=True)[2]
    front = (around - x.mean(axis=0)) @ axes[2] > 0
    toward = -axes[2] if np.sum(front) > len(around) / 2 else axes[2]
    return np.array([axes[0], np.cross(toward, axes[0])])


def _on_page(flat: Floats, scale: float) -> Floats:
    """Coordinates in the plane [A] as pixels; y of a page points down."""
    return np.asarray(np.array([_WIDTH / 2, _HEIGHT / 2]) + scale * flat * np.array([1.0, -1.0]))


def _scale(flat: Floats) -> float:
    """Pixels for each A, so that everything in ``flat`` is on the page, 44 at most."""
    room = np.array([_WIDTH - 2 * _MARGIN, _HEIGHT - 1.6 * _MARGIN])
    extent = np.maximum(2 * np.abs(flat).max(axis=0), 0.1)
    return float(min(44.0, (room / extent).min()))


def _pairs(x: Floats, symbols: Sequence[str]) -> list[tuple[int, int]]:
    """Bonds by distance."""
    apart = np.linalg.norm(x[:, None] - x[None], axis=-1)
    large = np.array([symbol in ("S", "P", "Cl", "Br", "I") for symbol in symbols])
    limit = np.where(large[:, None] | large[None], 2.25, 1.95)
    return [(int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(apart < limit, 1)), strict=True)]


def _ligand_bonds(ligand: Ligand, row: Mapping[int, int]) -> list[tuple[int, int]]:
    ends = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in ligand.mol.GetBonds()]
    return [(row[i], row[j]) for i, j in ends if i in row and j in row]


def _sticks(
    xy: Floats, bonds: Sequence[tuple[int, int]], symbols: Sequence[str], *, colour: str, width: float
) -> list[str]:
    """Bonds as lines, then every atom that is no carbon as a disc of its colour."""
    lines = [_line(xy[i], xy[j], f'stroke="{colour}" stroke-width="{width}" stroke-linecap="round"') for i, j in bonds]
    discs = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{1.1 * width + 1:.1f}" fill="{_COLOURS.get(symbol, colour)}"/>'
        for (x, y), symbol in zip(xy, symbols, strict=True)
        if symbol != "C"
    ]
    return [*lines, *discs]


def _line(start: Floats, end: Floats, style: str) -> str:
    return f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" {style}/>'


def _labels(contacts: Sequence[SiteContact], row: Mapping[int, int], xy: Floats, where: Floats) -> list[str]:
    """Residues about the ligand, each with a line to the atom that it touches.

    Args:
        contacts: What is named.
        row: Row of ``xy`` by atom of the ligand.
        xy: Places of the ligand's heavy atoms [px], (N, 2).
        where: Place of the residue's atom of each contact [px], (M, 2).
    """
    centre = np.array([_WIDTH / 2, _HEIGHT / 2])
    wanted = np.arctan2(*(where - centre).T[::-1])
    order = np.argsort(wanted)
    angles = _spread(wanted[order])
    lines, boxes, texts = [], [], []
    for angle, k in zip(angles, order, strict=True):
        contact = contacts[int(k)]
        spot = centre + np.array([(_WIDTH / 2 - 62) * np.cos(angle), (_HEIGHT / 2 - 24) * np.sin(angle)])
        words = f"{escape(contact.residue.lstrip(':'))} {contact.distance:.1f}"
        half = 4.0 + 3.7 * len(words)
        style = f'stroke="{_LINES[contact.kind]}" stroke-width="1.4" stroke-dasharray="5 4"'
        lines.append(_line(xy[row[contact.ligand_atom]], spot, style))
        boxes.append(
            f'<rect x="{spot[0] - half:.1f}" y="{spot[1] - 12:.1f}" width="{2 * half:.1f}" height="22" fill="#ffffff"/>'
        )
        texts.append(
            f'<text x="{spot[0]:.1f}" y="{spot[1] + 4:.1f}" text-anchor="middle" '
            f'fill="{_TEXTS[contact.kind]}">{words}</text>'
        )
    return [*lines, *boxes, *texts]


def _spread(angles: Floats) -> Floats:
    """Angles in rising order, moved apart until no two labels lie on each other, as far as there is room."""
    if len(angles) < 2:
        return angles
    moved = angles.copy()
    for _ in range(300):
        between = np.abs(np.sin(moved + 0.5 * (np.roll(moved, -1) - moved)))
        gap = 0.13 + 0.37 * between  # labels are wider than high: at the top and bottom they need more
        after = np.roll(moved, -1)
        after[-1] += 2 * np.pi
        lacking = np.maximum(gap - (after - moved), 0.0)
        if lacking.max() < 1e-3:
            break
        moved += 0.5 * (np.roll(lacking, 1) - lacking)
    return moved
