"""Measured affinities, against RT ln K by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from bindfe.errors import InputError
from bindfe.interop import read_affinities

RT = 1.987204259e-3 * 298.15


def affinities(tmp_path: Path, text: str):
    path = tmp_path / "measured.csv"
    path.write_text(text)
    return read_affinities(path)


@pytest.mark.parametrize(
    ("header", "value", "expected", "measure"),
    [
        ("Kd_nM", "10", RT * math.log(1e-8), "kd"),
        ("Ki (uM)", "1", RT * math.log(1e-6), "ki"),
        ("IC50_nM", "100", RT * math.log(1e-7), "ic50"),
        ("pIC50", "7", -RT * math.log(10) * 7, "ic50"),
        ("pKd", "9", -RT * math.log(10) * 9, "kd"),
        ("delta_g_kcal_mol", "-9.1", -9.1, "delta_g"),
        ("delta_g_kj_mol", "-41.84", -10.0, "delta_g"),
    ],
)
def test_every_measure_becomes_delta_g(tmp_path: Path, header: str, value: str, expected: float, measure: str) -> None:
    one = affinities(tmp_path, f"ligand,{header}\na,{value}\n")[0]
    assert one.delta_g_kcal_mol == pytest.approx(expected, rel=1e-6)
    assert one.measure == measure


def test_temperature_counts(tmp_path: Path) -> None:
    one = affinities(tmp_path, "ligand,Kd_nM,temperature_K\na,10,310\n")[0]
    assert one.delta_g_kcal_mol == pytest.approx(RT * 310 / 298.15 * math.log(1e-8), rel=1e-6)


def test_censored_values_turn_with_the_sign_of_the_logarithm(tmp_path: Path) -> None:
    assert affinities(tmp_path, "ligand,Kd_nM\na,>1000\n")[0].relation == ">"
    assert affinities(tmp_path, "ligand,pIC50\na,<5\n")[0].relation == ">"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ligand,Kd\na,10\n", r"column 'Kd': no unit in the name"),
        ("ligand,potency\na,10\n", r"no measured value"),
        ("ligand,Kd_nM\na,strong\n", r"line 2, column 'Kd_nM': 'strong' is not a number"),
        ("ligand,Kd_nM\na,-3\n", r"not a concentration"),
        ("ligand,delta_g_kcal_mol\na,-410\n", r"is the unit in the column's name right"),
        ("ligand,delta_g_kcal_mol\na,\n", r"no measured value in column"),
        ("ligand,delta_g_kcal_mol\na,-5\na,-9\n", r"a is -5.00 .* and -9.00"),
        ("name_of,Kd_nM\na,1\n", r"no column 'ligand'"),
    ],
)
def test_bad_affinities_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        affinities(tmp_path, text)
