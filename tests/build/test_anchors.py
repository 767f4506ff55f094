"""Anchors of a Boresch restraint from frames whose motions are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bindfe.build.anchors import stable_boresch
from bindfe.errors import RestraintError
from bindfe.protocol import RestraintSettings
from bindfe.units import thermal_energy

SETTINGS = RestraintSettings(kind="boresch")
RECEPTOR = np.array(
    [[0.0, 0.0, 0.0], [0.15, 0.0, 0.0], [0.15, 0.15, 0.0], [0.0, 0.15, 0.1], [0.1, 0.3, 0.1], [0.3, 0.3, 0.0]]
)
LIGAND = np.array([[0.1, 0.1, 0.55], [0.24, 0.12, 0.58], [0.28, 0.25, 0.6], [0.16, 0.28, 0.5]])


def run(noise, *, n_frames=400, seed=5):
    """Frames of a complex that tumbles as a whole, each atom with its own Gaussian noise [nm]."""
    rng = np.random.default_rng(seed)
    pose = np.vstack([RECEPTOR, LIGAND])
    frames = pose + rng.normal(size=(n_frames, *pose.shape)) * np.asarray(noise)[None, :, None]
    turned = []
    for frame in frames:
        q, r = np.linalg.qr(rng.normal(size=(3, 3)))
        q *= np.sign(np.diag(r))
        q[:, 0] *= np.sign(np.linalg.det(q))
        turned.append(frame @ q.T + rng.normal(size=3))
    return np.array(turned)


def choose(frames, **options):
    atoms = {"receptor": range(6), "ligand": range(6, 10), "preferred": frozenset(range(10))}
    return stable_boresch(frames, SETTINGS, temperature=300.0, **(atoms | options))


def test_calm_atoms_are_chosen_over_loose_ones():
    noise = np.full(10, 0.005)
    noise[[1, 4]] = 0.05
    noise[9] = 0.05
    restraint = choose(run(noise)).restraint
    assert not {1, 4} & set(restraint.receptor_atoms)
    assert 9 not in restraint.ligand_atoms


def test_springs_rest_where_the_pose_is_whatever_way_the_complex_turns():
    pose = np.vstack([RECEPTOR, LIGAND])
    restraint = choose(run(np.full(10, 0.003))).restraint
    a, b, c = (pose[i] for i in restraint.receptor_atoms)
    A, B, C = (pose[i] for i in restraint.ligand_atoms)
    assert restraint.distance == pytest.approx(np.linalg.norm(A - a), abs=0.002)
    for found, (left, middle, right) in zip(restraint.angles, [(b, a, A), (a, A, B)], strict=True):
        u, v = left - middle, right - middle
        assert math.cos(found) == pytest.approx(u @ v / np.linalg.norm(u) / np.linalg.norm(v), abs=0.02)
        assert math.pi / 4 <= found <= 3 * math.pi / 4
    for found, four in zip(restraint.dihedrals, [(c, b, a, A), (b, a, A, B), (a, A, B, C)], strict=True):
        assert math.cos(found - torsion(*four)) == pytest.approx(1.0, abs=1e-3)


def torsion(a, b, c, d):
    """By projections on the plane across the bond."""
    axis = (c - b) / np.linalg.norm(c - b)
    u, w = (v - np.dot(v, axis) * axis for v in (a - b, d - c))
    return np.arctan2(np.dot(np.cross(axis, u), w), np.dot(u, w))


def test_the_cost_that_is_told_is_the_mean_energy_of_the_springs():
    frames = run(np.full(10, 0.01))
    chosen = choose(frames)
    r = chosen.restraint
    a, b, c, A, B, C = (frames[:, i] for i in (*r.receptor_atoms, *r.ligand_atoms))
    energy = 0.5 * r.distance_spring * (np.linalg.norm(A - a, axis=1) - r.distance) ** 2
    for rest, (x, y, z) in zip(r.angles, [(b, a, A), (a, A, B)], strict=True):
        u, v = x - y, z - y
        angle = np.arccos((u * v).sum(1) / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1))
        energy += 0.5 * r.angle_spring * (angle - rest) ** 2
    for rest, four in zip(r.dihedrals, [(c, b, a, A), (b, a, A, B), (a, A, B, C)], strict=True):
        turn = np.array([torsion(*points) for points in zip(*four, strict=True)])
        energy += 0.5 * r.dihedral_spring * ((turn - rest + np.pi) % (2 * np.pi) - np.pi) ** 2
    told = float(chosen.reason.split(" kT on average")[0].split()[-1])
    assert told == pytest.approx(energy.mean() / thermal_energy(300.0), abs=0.06)


def test_a_complex_on_a_line_has_no_anchors():
    line = np.zeros((20, 10, 3))
    line[:, :, 2] = np.arange(10) * 0.15
    frames = line + np.random.default_rng(1).normal(scale=0.001, size=line.shape)
    with pytest.raises(RestraintError, match="keep their angles clear of a line"):
        choose(frames)
