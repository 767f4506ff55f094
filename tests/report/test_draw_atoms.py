"""Colours of atoms say which one the members differ about."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bindfe.campaign.domain import extended_xyz
from bindfe.report.draw_atoms import colour_atoms
from bindfe.results import Departure

DRAWING = (
    "<svg>"
    + "".join(
        f'<circle class="atom-disc atom-{i}" id="x-atom-{i}" cx="1.0" cy="2.0" r="9.0" fill="none"/>' for i in (0, 2)
    )
    + "</svg>"
)


def test_the_strongest_colour_is_behind_the_atom_with_the_largest_value() -> None:
    found = colour_atoms(DRAWING, [0.1, 9.0, 0.2])
    strength = {int(a): float(o) for a, o in re.findall(r'atom-(\d+)" id=.*?fill-opacity="([\d.]+)"', found)}
    assert set(strength) == {0, 2}  # atom 1 is a hydrogen that is not drawn
    assert strength[2] > strength[0] > 0


def test_a_committee_that_agrees_colours_nothing() -> None:
    assert colour_atoms(DRAWING, [0.0, 0.0, 0.0]) == DRAWING


def test_frames_that_left_the_domain_are_read_back_by_another_program(tmp_path: Path) -> None:
    io = pytest.importorskip("ase.io")
    departures = [
        Departure(environment="free", repeat=1, time_ps=4.5, atoms=(1,), distance=1.5, disagreement=0.5)
        for _ in range(2)
    ]
    frames = np.random.default_rng(1).normal(size=(2, 3, 3))
    path = tmp_path / "departures.xyz"
    path.write_text(extended_xyz(frames, ("C", "H", "Cl"), departures))
    read = io.read(path, index=":")
    assert len(read) == 2
    assert read[1].get_chemical_symbols() == ["C", "H", "Cl"]
    np.testing.assert_allclose(read[1].positions, 10 * frames[1], atol=1e-7)
    assert read[0].info["time_ps"] == 4.5
    assert read[0].arrays["outside"].tolist() == [False, True, False]
