"""Measured tables, springs and schedules of the eighth blind trial; see "A blind trial" in docs/preflight.md."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from spoilt import CB7, HYDRATION, ROOT, WATER, Inputs, assert_told, b2, t4l, xylene

from bindfe.campaign.preflight_settings import settings_findings
from bindfe.campaign.preflight_springs import spring_findings
from bindfe.chem.affinity import read_affinities
from bindfe.chem.findings_constants import constant_findings
from bindfe.errors import InputError
from bindfe.protocol import load_protocol, parse_protocol

COLUMNS = "ligand,delta_g_kcal_mol,standard_error_kcal_mol,temperature_k"


def _beside(files: Inputs, header: str, cells: str, value: float = -7.64) -> None:
    """p-Xylene in lysozyme with a measured value, and what else is in its line."""
    table = f"{COLUMNS},{header}\np-xylene,{value},0.2,298.15,{cells}\n"
    (files.folder / "measured.csv").write_text(table, encoding="utf-8")
    files.ligands, files.receptor = [xylene()], t4l()
    file = {"file": str(files.folder / "ligands.sdf"), "measured": str(files.folder / "measured.csv")}
    files.settings = WATER | {"ligands": file}


def nanomolar_as_micromolar(files: Inputs) -> None:
    _beside(files, "assay,source", "Ki 2.5 nM,doi:10.1021/jm400266t")


def highest_concentration(files: Inputs) -> None:
    _beside(files, "assay", "IC50 > 10 uM", value=-6.82)


def two_papers(files: Inputs) -> None:
    _beside(files, "assay", "ITC\np-xylene,-4.67,0.1,298.15,fluorescence", value=-7.64)


def _springs(files: Inputs, **springs: str) -> None:
    files.ligands, files.receptor = [xylene()], t4l()
    files.settings = WATER | {"restraint": {"kind": "boresch", **springs}}


def spring_of_square_nanometres(files: Inputs) -> None:
    _springs(files, distance_spring="10 kcal/mol/nm^2")


def spring_of_square_angstroms(files: Inputs) -> None:
    """GROMACS' 4184 kJ/mol/nm^2, per A^2."""
    _springs(files, distance_spring="4184 kJ/mol/A^2")


def spring_that_flies_apart(files: Inputs) -> None:
    _springs(files, angle_spring="20 kcal/mol/deg^2")


def loose_dihedrals(files: Inputs) -> None:
    _springs(files, dihedral_spring="0.5 kcal/mol/rad^2")


def loose_centroid(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = HYDRATION | {"restraint": {"kind": "flat-bottom", "spring": "10 kcal/mol/nm^2"}}


def loose_axis(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = HYDRATION | {"restraint": {"kind": "axial", "axis_spring": "1 kJ/mol"}}


def _sterics(files: Inputs, row: list[float]) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    charges = [1.0, 0.75, 0.5, 0.25, *[0.0] * len(row)]
    files.settings = WATER | {
        "restraint": {"kind": "axial"},
        "schedule": {"solvent": {"electrostatics": charges, "sterics": [1.0] * 4 + row}},
    }


def quarters(files: Inputs) -> None:
    _sterics(files, [1.0, 0.75, 0.5, 0.25, 0.0])


def fifths(files: Inputs) -> None:
    """Fine above, and too long where water enters."""
    _sterics(files, [1.0, 0.8, 0.6, 0.4, 0.2, 0.0])


def six_springs_at_once(files: Inputs) -> None:
    files.ligands, files.receptor = [xylene()], t4l()
    row = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]
    charges = [0.75, 0.5, 0.25, 0.0]
    rows = {
        "restraints": [0.0, *[1.0] * 15],
        "electrostatics": [1.0, 1.0, *charges, *[0.0] * 10],
        "sterics": [*[1.0] * 6, *row],
    }
    files.settings = WATER | {"restraint": {"kind": "boresch"}, "schedule": {"complex": rows}}


MISSED: list[tuple[Callable[[Inputs], None], str, str, str]] = [
    (nanomolar_as_micromolar, "measured-constant", "warn", "are 4.1 kcal/mol apart, a factor of 1000"),
    (highest_concentration, "measured-bound", "warn", "'IC50 > 10 uM', which is a bound: it binds weaker"),
    (two_papers, "measured", "warn", "has 2 lines in the table of measured values, from -7.64 to -4.67 kcal/mol"),
    (spring_of_square_nanometres, "unusual-setting", "warn", "it lets the ligand move by 2.4 A"),
    (spring_of_square_angstroms, "time-step", "warn", "restraint.distance_spring lets its anchors swing in 24 fs"),
    (spring_that_flies_apart, "time-step", "fail", "restraint.angle_spring lets its anchors swing in 4.4 fs"),
    (loose_dihedrals, "unusual-setting", "warn", "it lets the dihedrals move by 62 deg"),
    (loose_centroid, "unusual-setting", "warn", "at 298.15 K it lets the ligand go beyond the wall by 2.4 A"),
    (loose_axis, "unusual-setting", "warn", "restraint.axis_spring is 0.239006 kcal/mol"),
    (quarters, "schedule-leap", "warn", "schedule.solvent.sterics: from 0.25 to 0 in one step (state 7 to 8)"),
    (fifths, "schedule-leap", "warn", "schedule.solvent.sterics: from 0.2 to 0 in one step (state 8 to 9), and 0.16"),
    (six_springs_at_once, "schedule-leap", "warn", "schedule.complex.restraints: from 0 to 1 in one step"),
]


@pytest.mark.parametrize(("spoil", "check", "level", "words"), MISSED, ids=[each[0].__name__ for each in MISSED])
def test_what_was_missed_is_caught(tmp_path, spoil, check, level, words) -> None:
    assert_told(tmp_path, spoil, check, level, words)


USUAL = [
    {"kind": "boresch", "distance_spring": "1000 kJ/mol/nm^2", "angle_spring": "41.84 kJ/mol/rad^2"},
    {"kind": "boresch", "distance_spring": "10 kcal/mol/A^2", "dihedral_spring": "500 kcal/mol/rad^2"},
    {"kind": "harmonic", "spring": "0.2 kcal/mol/A^2"},
    {"kind": "flat-bottom", "spring": "100 kJ/mol/nm^2"},
]


@pytest.mark.parametrize("restraint", USUAL, ids=lambda each: " ".join(each.values()))
def test_springs_of_other_programs_are_usual(restraint) -> None:
    text = json.dumps({"ligands": {"file": "a.sdf"}, "receptor": {"file": "a.pdb"}, "restraint": restraint})
    assert spring_findings(parse_protocol(text)) == ()


def _told(folder, header: str, cells: str, value: float = -9.574) -> list[str]:
    """Checks and advice for one line of a table."""
    path = folder / "measured.csv"
    path.write_text(f"{COLUMNS},{header}\na,{value},0.2,298.15,{cells}\n", encoding="utf-8")
    return [f"{each.check}: {each.message}; {each.advice}" for each in constant_findings(path, ["a"])]


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Ki_nM", "96"),
        ("Ki [uM],n", "0.096,3"),
        ("pKi", "7.018"),
        ("Ki,unit", "96,nM"),
        ("Standard Type,Standard Relation,Standard Value,Standard Units", "Ki,'=',96,nM"),
        ("assay", "IC50 0.5 uM"),  # Ki is IC50 by 1 + [S]/Km
        ("assay", '"Ki 96 nM, IC50 20 uM"'),
        ("assay", '"ITC, error n.d."'),
        ("assay,purity", "Ki 96 nM,> 95 %"),
        ("assay,hERG_IC50_uM", "ITC,> 30"),
        ("assay,comment", 'ITC,"cellular EC50 > 50 uM"'),
        ("assay,solubility", "ITC,> 100 uM"),
        ("assay,comment", 'ITC,"solubility, > 100 uM"'),
        ("assay,protein_state", "ITC,inactive"),
        ("assay,IC50 SD (nM)", "FP,8"),
        ("assay,log IC50 (uM)", "FP,-1.0"),
    ],
)
def test_a_value_that_its_line_agrees_with_is_left_alone(tmp_path, header, cells) -> None:
    assert _told(tmp_path, header, cells) == []


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (-5.48, "was nM taken for uM?"),
        (-13.67, "was nM taken for pM?"),
        (9.57, "its sign is turned"),
        (-4.158, "log10 was taken for ln"),
        (-7.018, "log10 of the constant"),
        (7.018, "that is its p"),
        (-16.16, "that is ln of the constant"),
        (-8.2, "see which of the two"),
    ],
)
def test_the_slip_is_named(tmp_path, value, advice) -> None:
    (told,) = _told(tmp_path, "Ki_nM", "96", value)
    assert told.startswith("measured-constant")
    assert advice in told


@pytest.mark.parametrize(
    ("cells", "value", "advice"),
    [
        ("Ki 0.096 µM", -1.39, "was uM taken for M?"),
        ("Ki 0.096uM", -5.48, "was uM taken for mM?"),
        ("pKi 7.018", -5.48, "was nM taken for uM?"),
    ],
)
def test_the_unit_that_slipped_is_the_one_that_is_written(tmp_path, cells, value, advice) -> None:
    (told,) = _told(tmp_path, "assay", cells, value)
    assert advice in told


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("assay", "> 10 µM"),
        ("IC50_uM", ">10"),
        ("relation", ">"),
        ("Standard Type,Standard Relation,Standard Value,Standard Units", "IC50,'>',10,uM"),
        ("pIC50", "<5"),
        ("comment", "inactive"),
        ("assay", "no binding up to 100 uM"),
        ("assay", '"IC50 n.d., fluorescence"'),
        ("activity", "not determined"),
        ("assay", "no rise of the melting temperature"),
    ],
)
def test_a_bound_is_no_value(tmp_path, header, cells) -> None:
    (told,) = _told(tmp_path, header, cells)
    assert told.startswith("measured-bound")


def test_a_bound_in_place_of_a_value_is_refused_as_one(tmp_path) -> None:
    (tmp_path / "measured.csv").write_text(f"{COLUMNS}\na,> -6.82,0.2,298.15\n")
    with pytest.raises(InputError, match=r"'> -6\.82' is a bound; leave the line out"):
        read_affinities(tmp_path / "measured.csv")


@pytest.mark.parametrize("table", sorted(ROOT.glob("systems/*/affinities.csv")), ids=lambda path: path.parent.name)
def test_shipped_values_agree_with_their_constants(table) -> None:
    names = [each.ligand for each in read_affinities(table)]
    assert constant_findings(table, names) == ()


@pytest.mark.parametrize(
    "path",
    sorted([*ROOT.glob("protocols/*.yaml"), *ROOT.glob("systems/*/protocol.yaml")]),
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_shipped_springs_and_schedules_are_usual(path) -> None:
    assert {each.check for each in settings_findings(load_protocol(path))} <= {"protocol", "one-repeat"}
