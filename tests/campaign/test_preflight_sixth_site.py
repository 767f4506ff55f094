"""Receptors that the sixth blind trial of the pre-flight missed; see "A blind trial" in docs/preflight.md."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from spoilt import WATER, Inputs, t4l, xylene

from bindfe.chem.findings_catalogue import CHECKS


def place_of(line: str) -> np.ndarray:
    return np.array([float(line[k : k + 8]) for k in (30, 38, 46)])


def moved_to(line: str, x: np.ndarray) -> str:
    return line[:30] + "".join(f"{value:8.3f}" for value in x) + line[54:]


def in_t4l(files: Inputs, receptor: str = "") -> None:
    files.ligands, files.receptor, files.settings = [xylene()], receptor or t4l(), dict(WATER)


def wrapped(lines: list[str], edge: float, *, whole: Callable[[str], object]) -> str:
    """Each atom beyond a plane moved by the box's edge [A]; with others of the same key if it is not None."""
    heads: dict[object, bool] = {}
    plane = 10 + np.median([place_of(line)[0] for line in lines])
    done = []
    for line in lines:
        x = place_of(line)
        if heads.setdefault(whole(line), bool(x[0] > plane)):
            x[0] -= edge
        done.append(moved_to(line, x))
    cryst = f"CRYST1{edge:9.3f}{edge:9.3f}{edge:9.3f}  90.00  90.00  90.00 P 1           1"
    return "\n".join([cryst, *done, ""])


def atoms_of_t4l() -> list[str]:
    return [line for line in t4l().splitlines() if line.startswith("ATOM")]


def wrapped_atom_by_atom(files: Inputs) -> None:
    in_t4l(files, wrapped(atoms_of_t4l(), 72.0, whole=lambda line: line[6:11]))


def wrapped_residue_by_residue(files: Inputs) -> None:
    in_t4l(files, wrapped(atoms_of_t4l(), 72.0, whole=lambda line: line[22:26]))


MISSED: list[tuple[Callable[[Inputs], None], str, str, str]] = [
    (wrapped_atom_by_atom, "torn-residues", "fail", "about the width of the box in CRYST1 (72 A)"),
    (wrapped_residue_by_residue, "torn-residues", "fail", "about the width of the box in CRYST1 (72 A)"),
]


@pytest.mark.parametrize(("spoil", "check", "level", "words"), MISSED, ids=[each[0].__name__ for each in MISSED])
def test_what_was_missed_is_caught(tmp_path, spoil, check, level, words) -> None:
    files = Inputs(folder=tmp_path)
    spoil(files)
    result = files.check()
    found = [each for each in result.findings if (each.check, each.level) == (check, level)]
    assert any(words in each.message for each in found), [str(each) for each in result.findings]
    for each in result.findings:
        if each.level != "pass":
            assert CHECKS[each.check].matches(each.message), str(each)


def test_torn_residues_are_not_said_to_end_chains(tmp_path) -> None:
    files = Inputs(folder=tmp_path)
    wrapped_residue_by_residue(files)
    assert not {"merged-chains", "missing-residues"} & {each.check for each in files.check().findings}


def test_a_whole_protein_in_a_box_says_nothing_new(tmp_path) -> None:
    files = Inputs(folder=tmp_path)
    in_t4l(files, wrapped(atoms_of_t4l(), 72.0, whole=lambda line: None))
    assert "torn-residues" not in {each.check for each in files.check().findings}
