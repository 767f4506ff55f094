"""PLUMED's files: what is written is read, and what is wrong is named with its line."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from bindfe.errors import InputError
from bindfe.interop.plumed import read_hills, read_samples, read_table, write_hills
from bindfe.results import Hills

OF_PLUMED = """#! FIELDS time phi sigma_phi height biasf
#! SET multivariate false
#! SET kerneltype stretched-gaussian
#! SET min_phi -pi
#! SET max_phi pi
                      1     -1.309586       0.35     1.333333333333      6
                      2      2.883961       0.35     1.2      6
"""


def test_heights_are_those_in_the_bias_and_a_torsion_is_periodic(tmp_path: Path) -> None:
    """PLUMED multiplies heights by g/(g - 1) = 1.2 on writing."""
    path = tmp_path / "HILLS"
    path.write_text(OF_PLUMED)
    hills = read_hills([path])
    assert hills.height == pytest.approx([1.333333333333 / 1.2, 1.0])
    assert hills.periods == (pytest.approx(2 * math.pi),)
    assert (hills.bias_factor, hills.stretched) == (6.0, True)


@pytest.mark.parametrize("gamma", [7.0, math.inf])
def test_hills_that_were_written_are_read_back(gamma: float, tmp_path: Path) -> None:
    hills = Hills(
        names=("a", "b"),
        time=np.array([1.0, 2.0, 3.0]),
        centre=np.random.default_rng(0).normal(size=(3, 2)),
        width=np.full((3, 2), 0.1),
        height=np.array([1.0, 0.9, 0.7]),
        bias_factor=gamma,
        periods=(2 * math.pi, None),
    )
    write_hills(tmp_path / "HILLS", hills)
    back = read_hills([tmp_path / "HILLS"])
    assert back.centre == pytest.approx(hills.centre, rel=1e-14)
    assert back.height == pytest.approx(hills.height, rel=1e-14)
    assert (back.bias_factor, back.stretched) == (gamma, False)
    assert back.periods[0] == pytest.approx(2 * math.pi)


def test_walkers_are_put_in_the_order_of_time(tmp_path: Path) -> None:
    for number in range(2):
        text = OF_PLUMED.replace("      2      2.88", f"      {2 + number}      2.88")
        (tmp_path / f"HILLS.{number}").write_text(text.replace("      1     -", f"      {1 + 0.5 * number}     -"))
    assert read_hills([tmp_path / "HILLS.0", tmp_path / "HILLS.1"]).time.tolist() == [1.0, 1.5, 2.0, 3.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 2 3\n", "line 1: 3 values under 0 columns"),
        ("#! FIELDS time x\n1 2\n3\n4 5\n", "line 3: 1 values under 2 columns"),
        ("#! FIELDS time x\n1 2\n#! FIELDS time y\n", "line 3: columns change"),
        ("", "no line '#! FIELDS'"),
    ],
)
def test_a_file_that_is_not_plumeds_is_refused_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "COLVAR").write_text(text + ("5 6\n" if text.startswith("1") else ""))
    with pytest.raises(InputError, match=words):
        read_table(tmp_path / "COLVAR")


def test_a_last_line_that_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    for end in ("3", "3 4"):
        (tmp_path / "COLVAR").write_text(f"#! FIELDS time x\n1 2\n{end}")
        assert read_table(tmp_path / "COLVAR").values.tolist() == [[1.0, 2.0]]


def test_hills_of_another_calculation_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(OF_PLUMED)
    (tmp_path / "b").write_text(OF_PLUMED.replace("phi", "psi"))
    with pytest.raises(InputError, match="another run's"):
        read_hills([tmp_path / "a", tmp_path / "b"])
    (tmp_path / "c").write_text(OF_PLUMED.replace("1.2      6", "1.2      9"))
    with pytest.raises(InputError, match="hills of different runs"):
        read_hills([tmp_path / "c"])


def test_samples_take_the_later_line_of_a_time_that_was_written_twice(tmp_path: Path) -> None:
    (tmp_path / "COLVAR").write_text("#! FIELDS time x hold b\n0 1 0 0\n1 2 0 0\n1 3 5 7\n2 4 0 0\n")
    samples = read_samples(
        [tmp_path / "COLVAR"], variables=["x"], labels=["x [nm]"], bias="b", hold="hold", temperature=300.0
    )
    assert samples.cv[:, 0].tolist() == [1.0, 3.0, 4.0]
    assert samples.hold[1] == pytest.approx(5 / (8.31446261815324e-3 * 300))
    with pytest.raises(InputError, match="has no column 'y'; it has time, x, hold, b"):
        read_samples([tmp_path / "COLVAR"], variables=["y"], labels=["y"], bias=None, hold=None, temperature=300.0)
