"""Rules that a common core of two ligands keeps, each told with the atoms that break it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from bindfe.chem.checks import name_atom

Floats = NDArray[np.float64]
Pair = tuple[int, int]
"""An atom of the first ligand and the atom of the second that it is."""

Rule = Literal["ring-broken", "ring-size", "linear-to-bent", "chirality", "hybridisation", "element"]

_LEAST_VOLUME = 2e-4
"""Triple product of three bonds [nm^3] below which a centre is flat; 2.6e-3 for carbon with three C-C bonds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Violation:
    """A rule that a map breaks."""

    rule: Rule
    """Which."""
    pairs: tuple[Pair, ...]
    """The pairs without which it would keep it."""
    words: str
    """The atoms, by element and number, of both ligands."""
    centre: Pair | None = None
    """The centre that would be inverted; None for another rule."""


def violations(
    a: Chem.Mol, b: Chem.Mol, pairs: Sequence[Pair], *, positions: tuple[Floats, Floats]
) -> tuple[Violation, ...]:
    """Every rule that a map of heavy atoms breaks; hydrogens in it are not looked at.

    Args:
        a: First ligand.
        b: Second ligand.
        pairs: The map.
        positions: Coordinates of both [nm], (N, 3) and (M, 3).
    """
    heavy = [(i, j) for i, j in pairs if a.GetAtomWithIdx(i).GetAtomicNum() > 1 < b.GetAtomWithIdx(j).GetAtomicNum()]
    return (
        *_atoms(a, b, heavy),
        *_rings(a, b, heavy),
        *_chirality(a, b, heavy, positions),
    )


def keep_connected(a: Chem.Mol, b: Chem.Mol, pairs: Iterable[Pair]) -> list[Pair]:
    """The largest part of a map that is connected by bonds in both ligands."""
    rest, best = set(pairs), set[Pair]()
    while rest:
        part, edge = set[Pair](), [min(rest)]
        while edge:
            pair = edge.pop()
            if pair in part:
                continue
            part.add(pair)
            near = _neighbours(a, pair[0]), _neighbours(b, pair[1])
            edge += [other for other in rest if other[0] in near[0] and other[1] in near[1]]
        rest -= part
        if len(part) > len(best):
            best = part
    return sorted(best)


def _neighbours(mol: Chem.Mol, index: int) -> set[int]:
    return {atom.GetIdx() for atom in mol.GetAtomWithIdx(index).GetNeighbors()}


def _name(a: Chem.Mol, b: Chem.Mol, pair: Pair) -> str:
    return f"{name_atom(a.GetAtomWithIdx(pair[0]))}/{name_atom(b.GetAtomWithIdx(pair[1]))}"


def _names(a: Chem.Mol, b: Chem.Mol, pairs: Iterable[Pair]) -> str:
    return ", ".join(_name(a, b, pair) for pair in pairs)


def _atoms(a: Chem.Mol, b: Chem.Mol, pairs: Sequence[Pair]) -> list[Violation]:
    """What two atoms alone tell: element, linearity, hybridisation, ring membership and ring sizes."""
    found = []
    for pair in pairs:
        x, y = a.GetAtomWithIdx(pair[0]), b.GetAtomWithIdx(pair[1])
        hybrid = x.GetHybridization(), y.GetHybridization()
        rule: Rule | None = None
        if x.IsInRing() != y.IsInRing():
            rule = "ring-broken"
        elif not _ring_sizes(a, pair[0]) & _ring_sizes(b, pair[1]) and x.IsInRing():
            rule = "ring-size"
        elif (Chem.HybridizationType.SP in hybrid) and hybrid[0] != hybrid[1]:
            rule = "linear-to-bent"
        elif _has_pi_bond(x) != _has_pi_bond(y):
            rule = "hybridisation"
        elif x.GetAtomicNum() != y.GetAtomicNum():
            rule = "element"
        if rule is not None:
            found.append(Violation(rule=rule, pairs=(pair,), words=_name(a, b, pair)))
    return found


def _has_pi_bond(atom: Chem.Atom) -> bool:
    """Whether its bonds make it planar. RDKit's own label calls an ether's oxygen sp2 beside a carbonyl."""
    return any(bond.GetBondTypeAsDouble() > 1 for bond in atom.GetBonds())


def _ring_sizes(mol: Chem.Mol, index: int) -> set[int]:
    return set(mol.GetRingInfo().AtomRingSizes(index))


def _rings(a: Chem.Mol, b: Chem.Mol, pairs: Sequence[Pair]) -> list[Violation]:
    """Rings of which only a part is in the map, or whose atoms are no ring of the other ligand.

    An atom that also belongs to a ring that is wholly mapped stays: a ring fused to the core may be left out.
    """
    forward, backward = dict(pairs), {j: i for i, j in pairs}
    found = [(ring, forward, False) for ring in _broken(a, b, forward)]
    found += [(ring, backward, True) for ring in _broken(b, a, backward)]
    whole_a = _whole(a, b, forward)
    whole_b = {forward[i] for i in whole_a}
    told = []
    for ring, table, turned in found:
        keep = whole_b if turned else whole_a
        mine = [i for i in ring if i in table and i not in keep]
        wrong = tuple((table[i], i) if turned else (i, table[i]) for i in mine)
        if wrong:
            told.append(Violation(rule="ring-broken", pairs=wrong, words=_names(a, b, wrong)))
    return told


def _broken(mol: Chem.Mol, other: Chem.Mol, table: dict[int, int]) -> list[tuple[int, ...]]:
    rings = {frozenset(ring) for ring in other.GetRingInfo().AtomRings()}
    broken = []
    for ring in mol.GetRingInfo().AtomRings():
        mapped = [i for i in ring if i in table]
        bonds = sum(mol.GetBondBetweenAtoms(i, j) is not None for n, i in enumerate(mapped) for j in mapped[:n])
        if bonds and (len(mapped) < len(ring) or frozenset(table[i] for i in ring) not in rings):
            broken.append(tuple(ring))
    return broken


def _whole(a: Chem.Mol, b: Chem.Mol, table: dict[int, int]) -> set[int]:
    """Atoms of the first ligand in a ring that is wholly mapped onto a ring."""
    rings = {frozenset(ring) for ring in b.GetRingInfo().AtomRings()}
    return {
        i
        for ring in a.GetRingInfo().AtomRings()
        if all(i in table for i in ring) and frozenset(table[i] for i in ring) in rings
        for i in ring
    }


def _chirality(a: Chem.Mol, b: Chem.Mol, pairs: Sequence[Pair], positions: tuple[Floats, Floats]) -> list[Violation]:
    """Centres whose mapped neighbours stand in the mirror image, seen in the coordinates."""
    table, found = dict(pairs), []
    for pair in pairs:
        shared = [n for n in sorted(_neighbours(a, pair[0])) if n in table and table[n] in _neighbours(b, pair[1])]
        if len(shared) < 3 or not (_has_hand(a.GetAtomWithIdx(pair[0])) and _has_hand(b.GetAtomWithIdx(pair[1]))):
            continue
        volumes = (
            _volume(positions[0], pair[0], shared),
            _volume(positions[1], pair[1], [table[n] for n in shared]),
        )
        if min(map(abs, volumes)) > _LEAST_VOLUME and volumes[0] * volumes[1] < 0:
            outer = [(n, table[n]) for n in shared if not a.GetBondBetweenAtoms(pair[0], n).IsInRing()]
            wrong = (pair,) if len(outer) == len(shared) or not outer else tuple(outer)
            found.append(Violation(rule="chirality", pairs=wrong, words=_name(a, b, pair), centre=pair))
    return found


def _has_hand(atom: Chem.Atom) -> bool:
    """Whether an atom keeps its hand: a flat one has none, and a nitrogen with three bonds inverts."""
    inverts = atom.GetAtomicNum() == 7 and atom.GetTotalDegree() < 4
    return atom.GetHybridization() == Chem.HybridizationType.SP3 and not inverts


def _volume(x: Floats, centre: int, around: Sequence[int]) -> float:
    u, v, w = (x[n] - x[centre] for n in around[:3])
    return float(np.dot(np.cross(u, v), w))
