"""Settings that the fifth blind trial of the pre-flight missed; see "A blind trial" in docs/preflight.md."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from spoilt import CB7, HYDRATION, ROOT, WATER, Inputs, assert_told, b2, middle, shape, t4l, xylene

from bindfe.campaign.preflight_settings import settings_findings
from bindfe.campaign.preflight_site import axis_findings, path_findings
from bindfe.chem.ligand import read_ligands
from bindfe.chem.receptor import read_receptor
from bindfe.protocol import load_protocol

IMPLICIT = {"solvent": {"model": "obc2"}}
PATH = {"unbound": [["12 A", "15 A"]], "low": "-2 A", "high": "16 A"}
RAMP = [1.0, 0.75, 0.5, 0.25, 0.0]


def axis_of_a_ball(files: Inputs) -> None:
    files.ligands, files.receptor = [shape("C1C2CC3CC1CC(C2)C3", "adamantane")], str(CB7)
    files.settings = IMPLICIT | {"alchemy": {"method": "transfer"}, "restraint": {"kind": "axial"}}


def path_whose_ball_is_aligned(files: Inputs) -> None:
    axis_of_a_ball(files)
    files.settings = IMPLICIT | {
        "road": "umbrella",
        "path": PATH | {"bound": ["-2 A", "4 A"], "axis_spring": "5 kcal/mol"},
    }


def bound_in_nanometres(files: Inputs) -> None:
    along = np.asarray(read_receptor(CB7).positions)
    axis = np.linalg.eigh(np.cov((along - along.mean(axis=0)).T))[1][:, 0]
    files.ligands, files.receptor = [shape("C1CCCC1O", at=10 * along.mean(axis=0) + 1.5 * axis)], str(CB7)
    files.settings = IMPLICIT | {"road": "umbrella", "path": PATH | {"bound": ["-0.6 A", "0.6 A"]}}


def anchors_across_the_protein(files: Inputs) -> None:
    lines = [line for line in t4l().splitlines() if line.startswith("ATOM")]
    away = [np.linalg.norm([float(line[k : k + 8]) for k in (30, 38, 46)] - middle(xylene())) for line in lines]
    far = sorted((i for i, line in enumerate(lines) if line[12:16].strip() == "CA"), key=lambda i: away[i])[-3:]
    files.ligands, files.receptor = [xylene()], t4l()
    files.settings = WATER | {"restraint": {"kind": "boresch", "receptor_atoms": far, "ligand_atoms": [0, 2, 3]}}


def ff19sb_in_tip3p(files: Inputs) -> None:
    files.ligands, files.receptor = [xylene()], t4l()
    files.settings = WATER | {"forcefield": {"protein": "ff19SB"}}


def no_frames(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = IMPLICIT | {"sampling": {"length": "40 ps", "cycle_time": "0.5 ps", "frames_every": 100}}


def no_frames_for_the_committee(files: Inputs) -> None:
    no_frames(files)
    files.settings |= {"committee": {"model": "ani2x"}}


def held_when_it_is_gone(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    rows = {"electrostatics": RAMP + [0.0] * 4, "sterics": [1.0] * 4 + RAMP}
    complex_ = {"restraints": [0.0] * 8 + [1.0], **rows}
    files.settings = HYDRATION | {"schedule": {"complex": complex_, "solvent": rows}}


def held_when_its_charges_are_gone(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    rows = {"electrostatics": RAMP + [0.0] * 4, "sterics": [1.0] * 4 + RAMP}
    complex_ = {"restraints": [0.0] * 5 + [1.0] * 4, **rows}
    files.settings = HYDRATION | {"schedule": {"complex": complex_, "solvent": rows}}


MISSED: list[tuple[Callable[[Inputs], None], str, str, str]] = [
    (axis_of_a_ball, "restraint-kind", "fail", "restraint.kind: axial: the ligand (10 heavy atoms) is too round"),
    (path_whose_ball_is_aligned, "restraint-kind", "fail", "path.axis_spring: the ligand (10 heavy atoms) is too"),
    (bound_in_nanometres, "path-bound", "fail", "of the path, and path.bound is -0.6 to 0.6 A"),
    (anchors_across_the_protein, "restraint-atoms", "fail", "A apart, and 5 to 15 A are usual"),
    (ff19sb_in_tip3p, "water-model", "warn", "ff19SB with solvent.model: tip3p"),
    (no_frames, "stored-frames", "warn", "is 100 cycles of a run of 80"),
    (no_frames_for_the_committee, "stored-frames", "fail", "is 100 cycles of a run of 80"),
    (
        held_when_it_is_gone,
        "schedule-restraint",
        "fail",
        "in state 7 Lennard-Jones terms are at 0.25 and",
    ),
    (held_when_its_charges_are_gone, "schedule-restraint", "warn", "in state 4 charges are at 0 and restraints at 0"),
]


@pytest.mark.parametrize(("spoil", "check", "level", "words"), MISSED, ids=[each[0].__name__ for each in MISSED])
def test_what_was_missed_is_caught(tmp_path, spoil, check, level, words) -> None:
    assert_told(tmp_path, spoil, check, level, words)


@pytest.mark.parametrize("name", ["quickstart", "umbrella", "metadynamics", "alpha-cyclodextrin"])
def test_shipped_hosts_and_guests_have_their_axes_and_lie_in_their_sites(name) -> None:
    protocol = load_protocol(ROOT / "protocols" / f"{name}.yaml")
    host = read_receptor(protocol.receptor.file)
    for ligand in read_ligands(protocol.ligands.file):
        for look in (axis_findings, path_findings):
            assert look(protocol, ligand, receptor=host.positions, elements=host.elements) == ()


@pytest.mark.parametrize("path", sorted(ROOT.glob("protocols/*.yaml")), ids=lambda path: path.stem)
def test_shipped_protocols_hold_their_ligands_and_store_frames(path) -> None:
    checks = {each.check for each in settings_findings(load_protocol(path))}
    assert not checks & {"schedule-restraint", "stored-frames", "water-model"}
