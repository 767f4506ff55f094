"""Measured values: read as written, and refused with file, line and column."""

from __future__ import annotations

from pathlib import Path

import pytest

from bindfe.chem.affinity import read_affinities
from bindfe.errors import InputError

HEADER = "ligand,delta_g_kcal_mol,standard_error_kcal_mol,temperature_k,assay,source\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "affinities.csv"


def test_reads_values_in_file_order(table):
    table.write_text(HEADER + 'b,-13.4,0.1,298.15,"ITC, pH 7",doi:1\na,-2,0,300,,\n')
    b, a = read_affinities(table)
    assert (b.ligand, b.delta_g_kcal_mol, b.standard_error_kcal_mol, b.temperature) == ("b", -13.4, 0.1, 298.15)
    assert (b.assay, b.source) == ("ITC, pH 7", "doi:1")
    assert (a.ligand, a.delta_g_kcal_mol, a.assay) == ("a", -2.0, "")


def test_assay_and_source_may_be_left_out_and_other_columns_are_ignored(table):
    table.write_text("note,temperature_k,ligand,standard_error_kcal_mol,delta_g_kcal_mol\nx,298,a,0.1,-5\n")
    assert read_affinities(table)[0].delta_g_kcal_mol == -5.0


def test_a_ligand_may_be_measured_twice(table):
    table.write_text(HEADER + "a,-5,0.1,298,ITC,x\na,-6,0.1,298,NMR,x\n")
    assert [affinity.delta_g_kcal_mol for affinity in read_affinities(table)] == [-5.0, -6.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ("line 1", "no column 'ligand'")),
        (HEADER, ("no lines",)),
        (HEADER.replace("temperature_k", "temperature"), ("line 1", "'temperature_k'", "'temperature' is near")),
        (HEADER + "a,-5,0.1,298,,\n,-5,0.1,298,,\n", ("line 3", "column ligand")),
        (HEADER + "a,-5 kcal/mol,0.1,298,,\n", ("line 2", "column delta_g_kcal_mol", "not a number")),
        (HEADER + "a,,0.1,298,,\n", ("line 2", "column delta_g_kcal_mol", "is empty")),
        (HEADER + "a,nan,0.1,298,,\n", ("column delta_g_kcal_mol", "finite")),
        (HEADER + "a,-56.07,0.4,298,,\n", ("column delta_g_kcal_mol", "divide by 4.184")),
        (HEADER + "a,-5,-0.1,298,,\n", ("column standard_error_kcal_mol", "negative")),
        (HEADER + "a,-5,0.1,25,,\n", ("column temperature_k", "25")),
        (HEADER + "a,-5\n", ("line 2", "column standard_error_kcal_mol", "is empty")),
        (HEADER + "a,-5,0.1,298,ITC,x\na,-6,0.1,298,ITC,x\n", ("line 3", "column ligand", "already")),
    ],
)
def test_refuses_with_file_line_and_column(table, text, words):
    table.write_text(text)
    with pytest.raises(InputError) as caught:
        read_affinities(table)
    for word in (str(table), *words):
        assert word in str(caught.value)


def test_refuses_a_missing_file(table):
    with pytest.raises(InputError, match=r"no such file"):
        read_affinities(table)
