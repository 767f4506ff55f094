"""Settings that the sixth blind trial of the pre-flight missed; see "A blind trial" in docs/preflight.md."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from spoilt import CB7, EDGES, ROOT, WATER, Inputs, assert_told, b2, moved, t4l, xylene

from bindfe.campaign.preflight_measured import strength_findings
from bindfe.campaign.preflight_membrane import membrane_findings
from bindfe.chem.ligand import read_ligands
from bindfe.chem.receptor import read_receptor
from bindfe.protocol import load_protocol, parse_protocol

TABLE = "ligand,delta_g_kcal_mol,standard_error_kcal_mol,temperature_k\n"


def kilojoules(files: Inputs) -> None:
    """p-Xylene in lysozyme has -4.67 kcal/mol."""
    (files.folder / "measured.csv").write_text(TABLE + "p-xylene,-19.5,0.3,302\n")
    files.ligands, files.receptor = [xylene()], t4l()
    file = {"file": str(files.folder / "ligands.sdf"), "measured": str(files.folder / "measured.csv")}
    files.settings = WATER | {"ligands": file, "sampling": {"temperature": "302 K"}}


def equilibration_is_forgotten(files: Inputs) -> None:
    files.ligands, files.receptor, files.settings = [xylene()], t4l(), WATER | {"equilibration": {}}


def constant_volume(files: Inputs) -> None:
    files.ligands, files.receptor = [xylene()], t4l()
    files.settings = WATER | {"sampling": {"pressure": None}}


def three_nanometres(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = {"solvent": {"model": "obc2"}, "restraint": {"kind": "flat-bottom", "flat_radius": "3 nm"}}


def edges_both_ways(files: Inputs) -> None:
    first, second = b2(), moved(b2(), (0.0, 0.0, 0.8))
    second.SetProp("_Name", "again")
    files.ligands, files.receptor = [first, second], str(CB7)
    files.settings = EDGES | {"edges": {"network": "given", "pairs": [["b2", "again"], ["again", "b2"]]}}


MISSED: list[tuple[Callable[[Inputs], None], str, str, str]] = [
    (kilojoules, "measured", "warn", "-19.5 kcal/mol is 2.4 for each of its 8 heavy atoms"),
    (equilibration_is_forgotten, "unusual-setting", "warn", "equilibration.free_time is 2 ps"),
    (constant_volume, "box-pressure", "warn", "keeps its density"),
    (three_nanometres, "unusual-setting", "warn", "restraint.flat_radius is 30 A"),
    (edges_both_ways, "repeated-edge", "warn", "again~b2"),
]


@pytest.mark.parametrize(("spoil", "check", "level", "words"), MISSED, ids=[each[0].__name__ for each in MISSED])
def test_what_was_missed_is_caught(tmp_path, spoil, check, level, words) -> None:
    assert_told(tmp_path, spoil, check, level, words)


@pytest.mark.parametrize(
    ("lipid", "kelvins", "gel"), [("DPPC", 298.15, True), ("DPPC", 323, False), ("POPC", 298.15, False)]
)
def test_a_bilayer_below_the_melting_of_its_gel_is_told(tmp_path, lipid, kelvins, gel) -> None:
    (tmp_path / "receptor.pdb").write_text(t4l())
    ligands, receptor = {"file": "a.sdf"}, {"file": str(tmp_path / "receptor.pdb")}
    settings = WATER | {"membrane": {"lipid": lipid}, "sampling": {"temperature": f"{kelvins} K"}}
    protocol = parse_protocol(repr({"ligands": ligands, "receptor": receptor, **settings}))
    found = membrane_findings(protocol, read_receptor(protocol.receptor.file))
    assert any("is a gel" in each.message for each in found) is gel


@pytest.mark.parametrize("name", ["cb7", "t4-lysozyme-l99a", "sars-cov-2-mpro"])
def test_shipped_values_are_of_a_strength_that_exists(name) -> None:
    protocol = load_protocol(ROOT / "systems" / name / "protocol.yaml")
    ligands = read_ligands(protocol.ligands.file)
    assert strength_findings(protocol, ligands, host=name == "cb7") == ()
