"""Anchors of a Boresch restraint from a short run: those whose springs the bound ligand strains least."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bindfe.errors import RestraintError
from bindfe.protocol import RestraintSettings
from bindfe.results import Floats
from bindfe.states import BoreschRestraint
from bindfe.units import thermal_energy

_NEAREST, _FARTHEST = 0.3, 1.5  # from anchor a to anchor A [nm]
_LEAST_ANGLE = math.radians(45.0)  # mean angles keep this far from 0 and 180 deg
_LEAST_EVER = math.radians(20.0)  # and so far in every frame
_RECEPTOR_ATOMS = 20  # the calmest within reach: 20 * 19 * 18 triples
_LIGAND_TRIPLES = 12
_REACH = 1.0  # from the ligand's centre to receptor anchors [nm]


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenRestraint:
    """A Boresch restraint and why it is this one."""

    restraint: BoreschRestraint
    """Springs at rest at the run's means."""
    reason: str
    """What was seen, in words."""


def stable_boresch(
    frames: Floats,
    settings: RestraintSettings,
    *,
    receptor: Sequence[int],
    ligand: Sequence[int],
    preferred: Set[int],
    temperature: float,
) -> ChosenRestraint:
    """Choose the six anchors whose distance, angles and dihedrals move least, weighed by their springs.

    With q each of the six coordinates, k its spring and the bound complex free of restraint, the mean energy that the
    restraint would cost is ``sum k/2 var(q)``: what it costs to switch on, to first order. The least costly of
    the sets whose mean angles lie between 45 and 135 deg, and never come within 20 deg of a line, is taken.
    Springs are at rest at the (circular) means.

    Args:
        frames: Coordinates of a run of the bound complex, each molecule whole and near the other [nm], (F, N, 3).
        settings: Springs.
        receptor: Heavy atoms of the receptor that may be anchors.
        ligand: Heavy atoms of the ligand.
        preferred: Rigid atoms (backbone, rings): others are taken only if these make no restraint.
        temperature: Temperature [K].

    Raises:
        RestraintError: No six atoms make a restraint that keeps clear of a line.
    """
    kt = thermal_energy(temperature)
    for pool in (preferred, frozenset(receptor) | frozenset(ligand)):
        calm, moves = _calm_atoms(frames, [i for i in receptor if i in pool], ligand)
        triples = _ligand_triples(frames, [i for i in ligand if i in pool])
        best: tuple[float, tuple[int, ...]] | None = None
        for guest in triples:
            found = _cheapest(frames, calm, guest, settings)
            if found is not None and (best is None or found[0] < best[0]):
                best = found
        if best is not None:
            restraint = _at_rest(frames, best[1], settings)
            return ChosenRestraint(restraint=restraint, reason=_reason(frames, restraint, best[0] / kt, moves))
    raise RestraintError(
        f"no three of {len(receptor)} receptor atoms and {len(ligand)} ligand atoms keep their angles clear of a line "
        "in the short run: give restraint.receptor_atoms and restraint.ligand_atoms, or use restraint.kind: harmonic"
    )


def _calm_atoms(frames: Floats, atoms: Sequence[int], ligand: Sequence[int]) -> tuple[list[int], dict[int, float]]:
    """Atoms within reach of the ligand that move least once frames are laid over each other, and how much [nm]."""
    if not atoms:
        return [], {}
    own = frames[:, list(atoms)]
    mean = own[0]
    for _ in range(2):
        laid = np.array([_overlay(frame, mean) for frame in own])
        mean = laid.mean(axis=0)
    moves = np.sqrt(((laid - mean) ** 2).sum(axis=-1).mean(axis=0))
    centre = frames[:, list(ligand)].mean(axis=1)
    away = np.linalg.norm(own - centre[:, None], axis=-1).mean(axis=0)
    near = [i for i in np.argsort(moves) if away[i] < _REACH][:_RECEPTOR_ATOMS]
    return [atoms[i] for i in near], {atoms[i]: float(moves[i]) for i in near}


def _overlay(frame: Floats, onto: Floats) -> Floats:
    """A frame turned and moved onto another by least squares, (N, 3)."""
    a, b = frame - frame.mean(axis=0), onto - onto.mean(axis=0)
    u, _, vt = np.linalg.svd(a.T @ b)
    turn = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
    laid: Floats = a @ turn + onto.mean(axis=0)
    return laid


def _ligand_triples(frames: Floats, atoms: Sequence[int]) -> list[tuple[int, int, int]]:
    """Triples A, B, C with A near the ligand's centre and a wide triangle, the widest first."""
    if len(atoms) < 3:
        return []
    mean = frames[:, list(atoms)].mean(axis=1, keepdims=True)
    order = np.argsort(np.linalg.norm(frames[:, list(atoms)] - mean, axis=-1).mean(axis=0), kind="stable")
    near = [atoms[i] for i in order[:10]]
    triples = np.array([t for t in itertools.permutations(near, 3) if t[0] in near[: max(3, len(near) // 2)]])
    a, b, c = (frames[:, triples[:, i]] for i in range(3))
    bend = _angles(a, b, c).mean(axis=0)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=-1).mean(axis=0)
    good = np.flatnonzero(np.minimum(bend, math.pi - bend) >= _LEAST_ANGLE)
    widest = good[np.argsort(-np.round(area[good], 6), kind="stable")][:_LIGAND_TRIPLES]
    return [(int(i), int(j), int(k)) for i, j, k in triples[widest]]


def _cheapest(
    frames: Floats, atoms: Sequence[int], guest: tuple[int, int, int], settings: RestraintSettings
) -> tuple[float, tuple[int, ...]] | None:
    """The receptor triple with which a ligand triple is strained least: energy [kJ/mol] and all six atoms."""
    triples = np.array(list(itertools.permutations(atoms, 3))).reshape(-1, 3)
    if len(triples) == 0:
        return None
    a, b, c = (frames[:, triples[:, i]] for i in range(3))
    A, B, C = (np.broadcast_to(frames[:, i][:, None], a.shape) for i in guest)
    distance, bends, turns = _coordinates(a, b, c, A, B, C)
    corner = _angles(c, b, a)
    clear = np.ones(len(triples), dtype=bool)
    for bend in (*bends, corner):
        margin = np.minimum(bend, math.pi - bend)
        clear &= (margin.mean(axis=0) >= _LEAST_ANGLE) & (margin.min(axis=0) >= _LEAST_EVER)
    clear &= (distance.mean(axis=0) >= _NEAREST) & (distance.mean(axis=0) <= _FARTHEST)
    if not clear.any():
        return None
    cost = settings.distance_spring * distance.var(axis=0)
    cost += settings.angle_spring * sum(bend.var(axis=0) for bend in bends)
    cost += settings.dihedral_spring * sum(_circular_variance(turn) for turn in turns)
    cost = np.where(clear, 0.5 * cost, np.inf)
    best = int(np.argmin(np.round(cost, 9)))
    return float(cost[best]), (*(int(i) for i in triples[best]), *guest)


def _coordinates(
    a: Floats, b: Floats, c: Floats, A: Floats, B: Floats, C: Floats
) -> tuple[Floats, tuple[Floats, Floats], tuple[Floats, Floats, Floats]]:
    """Distance, two angles and three dihedrals of :class:`~bindfe.states.BoreschRestraint`."""
    distance: Floats = np.linalg.norm(A - a, axis=-1)
    bends = (_angles(b, a, A), _angles(a, A, B))
    return distance, bends, (_dihedrals(c, b, a, A), _dihedrals(b, a, A, B), _dihedrals(a, A, B, C))


def _at_rest(frames: Floats, anchors: tuple[int, ...], settings: RestraintSettings) -> BoreschRestraint:
    distance, bends, turns = _coordinates(*(frames[:, i] for i in anchors))
    a, b, c, A, B, C = anchors
    return BoreschRestraint(
        receptor_atoms=(a, b, c),
        ligand_atoms=(A, B, C),
        distance=float(distance.mean()),
        angles=(float(bends[0].mean()), float(bends[1].mean())),
        dihedrals=(_circular_mean(turns[0]), _circular_mean(turns[1]), _circular_mean(turns[2])),
        distance_spring=settings.distance_spring,
        angle_spring=settings.angle_spring,
        dihedral_spring=settings.dihedral_spring,
    )


def _reason(frames: Floats, restraint: BoreschRestraint, cost: float, moves: dict[int, float]) -> str:
    bends = np.degrees(restraint.angles)
    calm = max(moves[i] for i in restraint.receptor_atoms)
    return (
        f"of all anchors within {10 * _REACH:g} A of the ligand these strain the springs least in {len(frames)} frames "
        f"of a short run: {cost:.1f} kT on average; the receptor's move by {10 * calm:.2f} A at most, "
        f"the distance is {10 * restraint.distance:.1f} A and the angles are {bends[0]:.0f} and {bends[1]:.0f} deg"
    )


def _circular_mean(angle: NDArray[np.float64]) -> float:
    return float(np.angle(np.exp(1j * angle).mean()))


def _circular_variance(angle: Floats) -> Floats:
    """Mean square deviation from the circular mean [rad^2], over frames."""
    middle = np.angle(np.exp(1j * angle).mean(axis=0))
    off = (angle - middle + math.pi) % (2 * math.pi) - math.pi
    variance: Floats = (off**2).mean(axis=0)
    return variance


def _angles(a: Floats, b: Floats, c: Floats) -> Floats:
    """Angle at b [rad]."""
    u, v = a - b, c - b
    cosine = (u * v).sum(axis=-1) / (np.linalg.norm(u, axis=-1) * np.linalg.norm(v, axis=-1))
    angle: Floats = np.arccos(np.clip(cosine, -1.0, 1.0))
    return angle


def _dihedrals(a: Floats, b: Floats, c: Floats, d: Floats) -> Floats:
    """Dihedral a-b-c-d [rad], signed as in OpenMM."""
    u, v, w = b - a, c - b, d - c
    n, m = np.cross(u, v), np.cross(v, w)
    sine = (np.cross(n, m) * v).sum(axis=-1) / np.linalg.norm(v, axis=-1)
    turn: Floats = np.arctan2(sine, (n * m).sum(axis=-1))
    return turn
