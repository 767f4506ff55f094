"""The pre-flight catches what costs GPU days: each failure is seeded into real files and found by its own check.

The files are B2 in CB7 (``systems/``) and p-xylene in T4 lysozyme L99A (openmmtools' package data).
"""

from __future__ import annotations

import ast
import importlib.util
import json
from collections.abc import Callable

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDepictor
from spoilt import (
    CB7,
    EDGES,
    HYDRATION,
    ONE_CORE,
    ROOT,
    T4L,
    WATER,
    Inputs,
    atom_line,
    b2,
    middle,
    moved,
    on,
    residue_number,
    shape,
    t4l,
    without,
    write,
    xylene,
)
from typer.testing import CliRunner

from bindfe.campaign.preflight import check_protocol
from bindfe.campaign.preflight_cost import n_atoms
from bindfe.campaign.preflight_limits import Limits
from bindfe.campaign.preflight_settings import BOX_HEIGHT, BOX_VOLUME, box_width
from bindfe.chem.findings_catalogue import CHECKS
from bindfe.chem.ligand import read_ligands
from bindfe.cli import app
from bindfe.protocol import load_protocol, parse_protocol
from bindfe.states import LegKind

# What can be wrong with a ligand


def missing_hydrogens(files: Inputs) -> None:
    files.ligands, files.settings = [Chem.RemoveHs(b2())], HYDRATION


def two_dimensional(files: Inputs) -> None:
    mol = Chem.MolFromSmiles("OCC1CCCCC1")
    rdDepictor.Compute2DCoords(mol)
    mol.SetProp("_Name", "drawn")
    files.ligands, files.receptor = [mol], str(CB7)


def undefined_stereo(files: Inputs) -> None:
    files.ligand_file, files.settings = ".smi\nCC(O)c1ccccc1 open\n", HYDRATION


def inverted_stereo(files: Inputs) -> None:
    mol = shape("C[C@H](O)c1ccccc1")
    mol.SetProp("smiles", "C[C@@H](O)c1ccccc1")
    files.ligands, files.settings = [mol], HYDRATION


def bond_orders(files: Inputs) -> None:
    files.ligand_file = ".pdb\n" + (T4L / "ligand.pdb").read_text()
    files.receptor = t4l()


def bond_orders_beside_a_smiles(files: Inputs) -> None:
    mol = shape("CC1CCC(C)CC1")  # p-xylene read without its double bonds, and hydrogens put on
    mol.SetProp("smiles", "Cc1ccc(C)cc1")
    files.ligands, files.settings = [mol], HYDRATION


def salt(files: Inputs) -> None:
    files.ligands, files.settings = [shape("CC[NH3+].[Cl-]")], HYDRATION


def two_ligands_in_a_record(files: Inputs) -> None:
    files.ligands, files.settings = [shape("c1ccccc1CCN.c1ccncc1CC")], HYDRATION


def radical(files: Inputs) -> None:
    files.ligands, files.settings = [shape("CC[CH2]")], HYDRATION


def isotopes(files: Inputs) -> None:
    files.ligands, files.settings = [shape("[13CH3]CO")], HYDRATION


def element(files: Inputs) -> None:
    files.ligands, files.settings = [shape("C[Si](C)(C)C")], HYDRATION


def charges_differ(files: Inputs) -> None:
    smiles = ["c1ccccc1CN", "c1ccccc1CO", "c1ccccc1C[NH3+]"]
    files.ligands = [shape(each, f"guest{number}") for number, each in enumerate(smiles)]
    files.settings = HYDRATION


def model_coverage(files: Inputs) -> None:
    files.ligands = [shape("CCBr")]
    files.settings = HYDRATION | {"committee": {"model": "ani2x"}}


def model_coverage_of_a_charge(files: Inputs) -> None:
    files.ligands = [shape("CC[NH3+]")]
    files.settings = HYDRATION | {"committee": {"model": "ani2x"}}


# Poses


def outside_the_pocket(files: Inputs) -> None:
    files.ligands, files.receptor = [moved(xylene(), (60.0, 0.0, 0.0))], t4l()


def elsewhere_than_the_series(files: Inputs) -> None:
    files.ligands = [b2(), b2(), moved(b2(), (0.0, 0.0, 11.0))]
    for number, mol in enumerate(files.ligands):
        mol.SetProp("_Name", f"b2-{number}")
    files.receptor = str(CB7)


def inside_the_protein(files: Inputs) -> None:
    carbons = [line for line in t4l().splitlines() if line[12:16].strip() == "CA"]
    place = np.array([float(carbons[60][30 + 8 * k : 38 + 8 * k]) for k in range(3)])
    files.ligands, files.receptor = [shape("Cc1ccc(C)cc1", at=place)], t4l()


def clash(files: Inputs) -> None:
    files.ligands, files.receptor = [moved(b2(), (1.3, 0.0, 0.0))], str(CB7)


def strained(files: Inputs) -> None:
    mol = b2()
    bond = next(b for b in mol.GetBonds() if b.GetBeginAtom().GetSymbol() == b.GetEndAtom().GetSymbol() == "C")
    ends = bond.GetBeginAtom(), bond.GetEndAtom()
    side = next(n for n in ends[1].GetNeighbors() if n.GetSymbol() == "O" or n.GetIdx() != ends[0].GetIdx())
    x = np.asarray(mol.GetConformer().GetPositions())
    x[side.GetIdx()] += 1.1 * (x[side.GetIdx()] - x[ends[1].GetIdx()])
    mol.GetConformer().SetPositions(x)
    files.ligands, files.receptor = [mol], str(CB7)


def two_binding_modes(files: Inputs) -> None:
    files.receptor, files.reference = t4l(), xylene()
    files.ligand_file = ".smi\nCc1cccc(C)c1 m-xylene\n"


def no_common_core(files: Inputs) -> None:
    files.receptor, files.reference = t4l(), xylene()
    files.ligand_file = ".smi\nCCCCCCBr hexyl-bromide\n"


# Networks and maps


def disconnected(files: Inputs) -> None:
    files.ligands = [shape("c1ccccc1", "benzene"), shape("CCO", "ethanol", at=np.array([0.0, 0.0, 7.0]))]
    files.receptor, files.settings = str(CB7), EDGES


def edge(files: Inputs, first: str, second: str) -> None:
    one = shape(first, "first")
    files.ligands = [one, on(shape(second, "second"), one, "second")]
    files.receptor = str(CB7)
    files.settings = EDGES | {"edges": {"network": "given", "pairs": [["first", "second"]]}}


def ring_is_broken(files: Inputs) -> None:
    edge(files, "C1CCCCC1c1ccccc1", "CCCCCCc1ccccc1")


def ring_size_changes(files: Inputs) -> None:
    edge(files, "c1ccccc1C1CCCC1", "c1ccccc1C1CCCCC1")


def linear_becomes_bent(files: Inputs) -> None:
    edge(files, "N#Cc1ccccc1O", "CCc1ccccc1O")


def chirality_is_inverted(files: Inputs) -> None:
    edge(files, "C[C@H](O)c1ccccc1", "C[C@@H](O)c1ccccc1")


# Receptors


def missing_residues(files: Inputs) -> None:
    files.ligands = [xylene()]
    files.receptor = without(t4l(), lambda line: 103 <= residue_number(line) <= 108)


def alternate_locations(files: Inputs) -> None:
    lines = []
    for line in t4l().splitlines():
        if line.startswith("ATOM") and residue_number(line) == 111 and line[12:16].strip() in ("CG1", "CG2"):
            shifted = f"{float(line[30:38]) + 0.7:8.3f}"
            lines.append(line[:16] + "A" + line[17:54] + "  0.60  0.00"[0:6])
            lines.append(line[:16] + "B" + line[17:30] + shifted + line[38:54] + "  0.40  0.00"[0:6])
        else:
            lines.append(line)
    files.ligands, files.receptor = [xylene()], "\n".join(lines) + "\n"


def unknown_residue(files: Inputs) -> None:
    place = middle(xylene()) + 25.0
    extra = [atom_line(f"C{k + 1}", "EDO", 400, place + np.array([1.5 * k, 0.0, 0.0]), "C") for k in range(2)]
    files.ligands, files.receptor = [xylene()], t4l() + "\n".join(extra) + "\n"


def water_in_the_ligand(files: Inputs) -> None:
    water = atom_line("O", "HOH", 500, np.asarray(xylene().GetConformer().GetPositions())[0] + 0.8, "O")
    files.ligands, files.receptor, files.settings = [xylene()], t4l() + water + "\n", WATER


def no_template(files: Inputs) -> None:
    lines = t4l().splitlines()
    number = next(residue_number(line) for line in lines if line[17:20] == "SER")
    lines = [
        line.replace("SER", "SEP") if line.startswith("ATOM") and residue_number(line) == number else line
        for line in lines
    ]
    og = next(line for line in lines if line[12:16].strip() == "OG" and residue_number(line) == number)
    x = np.array([float(og[30 + 8 * k : 38 + 8 * k]) for k in range(3)])
    at = lines.index(og) + 1
    extra = [("P", 1.6, "P"), ("O1P", 2.6, "O"), ("O2P", 3.0, "O"), ("O3P", 3.3, "O")]
    lines[at:at] = [
        atom_line(n, "SEP", number, x + np.array([d, 0.0, 0.0]), e).replace("HETATM", "ATOM  ") for n, d, e in extra
    ]
    files.ligands, files.receptor = [xylene()], "\n".join(lines) + "\n"


def side_chain_is_cut(files: Inputs) -> None:
    files.ligands = [xylene()]
    files.receptor = without(
        t4l(), lambda line: residue_number(line) == 153 and line[12:16].strip() not in ("N", "CA", "C", "O", "CB")
    )


# Settings


def box_too_small(files: Inputs) -> None:
    files.ligands = [shape("CCO")]
    files.settings = {"solvent": {"model": "tip3p", "padding": "10 A", "cutoff": "10 A"}}


def box_is_charged(files: Inputs) -> None:
    files.ligands, files.settings = [shape("CC[NH3+]")], {"solvent": {"model": "tip3p"}}


def time_step(files: Inputs) -> None:
    files.ligands = [shape("CCO")]
    files.settings = HYDRATION | {"sampling": {"time_step": "4 fs"}, "forcefield": {"hydrogen_mass": "1.008 amu"}}


def one_repeat(files: Inputs) -> None:
    files.ligands, files.settings = [shape("CCO")], HYDRATION | {"repeats": {"number": 1}}


def too_long(files: Inputs) -> None:
    files.ligands, files.settings, files.limits = [shape("CCO")], {"solvent": {"model": "tip3p"}}, Limits(hours=1.0)


def too_large(files: Inputs) -> None:
    files.ligands, files.limits = [shape("CCO")], Limits(gigabytes=0.05)
    files.settings = {"solvent": {"model": "tip3p"}, "sampling": {"length": "100 ns"}}


SEEDED: list[tuple[Callable[[Inputs], None], str, str, str]] = [
    (missing_hydrogens, "missing-hydrogens", "fail", "has no hydrogens (18 needed)"),
    (two_dimensional, "two-dimensional", "warn", "coordinates of a drawing"),
    (two_dimensional, "no-pose", "fail", "has no pose"),
    (undefined_stereo, "undefined-stereo", "fail", "C1"),
    (inverted_stereo, "inverted-stereo", "fail", "is S and R in the SMILES"),
    (bond_orders, "bond-orders", "fail", "a PDB has no bond orders"),
    (bond_orders_beside_a_smiles, "bond-orders", "fail", "Cc1ccc(C)cc1"),
    (salt, "salt", "warn", "left out Cl-"),
    (two_ligands_in_a_record, "salt", "fail", "holds 2 molecules"),
    (radical, "radical", "fail", "C2"),
    (isotopes, "isotopes", "warn", "13-C0"),
    (element, "element", "fail", "Si1"),
    (charges_differ, "net-charge", "warn", "and 2 of 3 ligands have"),
    (model_coverage, "model-coverage", "fail", "Br (atom 2)"),
    (model_coverage_of_a_charge, "model-coverage", "fail", "charge +1"),
    (outside_the_pocket, "outside-pocket", "fail", "A away"),
    (elsewhere_than_the_series, "outside-pocket", "fail", "those of most of the series"),
    (inside_the_protein, "inside-receptor", "fail", "of 8 heavy atoms"),
    (clash, "clash", "warn", "CB7"),
    (strained, "strained-pose", "fail", "kcal/mol above"),
    (two_binding_modes, "binding-modes", "warn", "binding modes fit"),
    (no_common_core, "no-common-core", "fail", "heavy atoms with the reference"),
    (disconnected, "disconnected-network", "fail", ""),
    (ring_is_broken, "map-ring-broken", "warn", "C"),
    (ring_size_changes, "map-ring-size", "warn", "C"),
    (linear_becomes_bent, "map-linear-to-bent", "warn", "C"),
    (chirality_is_inverted, "map-chirality", "warn", "C"),
    (missing_residues, "missing-residues", "fail", "6 residues are missing between A:MET102 and A:THR109"),
    (alternate_locations, "alternate-locations", "warn", "A:VAL111"),
    (unknown_residue, "unknown-residue", "fail", "A:EDO400"),
    (water_in_the_ligand, "water-clash", "fail", "1 crystal water in a ligand: A:HOH500"),
    (no_template, "residue-template", "fail", "more than SER: O1P O2P O3P P"),
    (side_chain_is_cut, "residue-template", "warn", "A:PHE153"),
    (box_too_small, "box-cutoff", "fail", "solvent leg"),
    (box_is_charged, "box-charge", "fail", "+1"),
    (time_step, "time-step", "fail", "4 fs with hydrogens of 1.008 amu"),
    (one_repeat, "one-repeat", "warn", "one repeat"),
    (too_long, "wall-time", "fail", "the limit is 1 h"),
    (too_large, "disk", "fail", "the limit is 50 MB"),
]


@pytest.mark.parametrize(
    ("spoil", "check", "level", "words"), SEEDED, ids=[f"{s.__name__}:{c}" for s, c, _, _ in SEEDED]
)
def test_a_seeded_failure_is_caught_by_its_check_with_its_message(tmp_path, spoil, check, level, words) -> None:
    files = Inputs(folder=tmp_path)
    spoil(files)
    result = files.check()
    found = [finding for finding in result.findings if finding.check == check and finding.level == level]
    assert found, [str(finding) for finding in result.findings]
    assert any(words in finding.message for finding in found), [str(finding) for finding in found]
    for finding in result.findings:
        if finding.level != "pass":
            assert CHECKS[finding.check].matches(finding.message), str(finding)
            assert not finding.message.endswith((".", ";"))
    if level == "fail":
        assert result.level == "fail"


# What is right is left alone


@pytest.mark.parametrize(
    "name",
    [
        "quickstart",
        "quickstart-boresch",
        "quickstart-mlmm",
        "abfe-cb7",
        "alpha-cyclodextrin",
        "hydration",
        "metadynamics",
    ],
)
def test_a_shipped_protocol_passes(name) -> None:
    result = check_protocol(load_protocol(ROOT / "protocols" / f"{name}.yaml"), worker=ONE_CORE)
    assert result.level == "pass", [str(finding) for finding in result.findings]
    assert result.cost is not None
    assert result.cost.hours > 0


def test_the_protocol_for_ones_own_takes_a_protein_and_a_series(tmp_path) -> None:
    """As the command line is meant to be used: a structure and a series beside a shipped protocol."""
    (tmp_path / "protein.pdb").write_text(t4l())
    with Chem.SDWriter(str(tmp_path / "series.sdf")) as writer:
        writer.write(xylene())
    files = ["--receptor", str(tmp_path / "protein.pdb"), "--ligands", str(tmp_path / "series.sdf")]
    result = CliRunner().invoke(app, ["check", str(ROOT / "protocols" / "abfe.yaml"), *files, "--json"])
    found = json.loads(result.stdout)["findings"]
    assert result.exit_code == 0, found
    assert {each["check"] for each in found if each["level"] != "pass"} == {"equivalent-poses"}  # p-xylene's four


def test_a_protein_with_its_ligand_passes(tmp_path) -> None:
    result = Inputs(folder=tmp_path, ligands=[xylene()], receptor=t4l(), settings=WATER).check()
    assert result.level == "pass", [str(finding) for finding in result.findings]


def test_a_crystal_ligand_that_is_dropped_is_in_nobodys_way(tmp_path) -> None:
    x = np.asarray(xylene().GetConformer().GetPositions())[:8]
    extra = [atom_line(f"C{k}", "PXY", 300, place + 0.2, "C") for k, place in enumerate(x)]
    files = Inputs(folder=tmp_path, ligands=[xylene()], receptor=t4l() + "\n".join(extra) + "\n")
    files.settings = WATER | {"receptor": {"drop": ["PXY"]}}
    result = files.check()
    assert result.level == "pass", [str(finding) for finding in result.findings]


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize("target", ["tyk2", "hif2a"])
def test_a_series_of_the_public_benchmark_has_no_failure(data_directory, target) -> None:
    folder = data_directory / "plb" / target
    files = {
        "receptor": folder / "01_protein" / "crd" / "protein.pdb",
        "ligands": folder / "02_ligands" / "ligands.sdf",
    }
    protocol = parse_protocol(json.dumps(WATER | {key: {"file": str(path)} for key, path in files.items()}))
    result = check_protocol(protocol, worker=ONE_CORE)
    assert result.level != "fail", [str(finding) for finding in result.findings if finding.level == "fail"]
    assert len(result.subjects) == {"tyk2": 13, "hif2a": 37}[target]


# What it estimates


@pytest.mark.parametrize("shape_of_box", ["cube", "dodecahedron", "octahedron"])
def test_the_box_is_the_one_that_modeller_makes(shape_of_box) -> None:
    """Width, height and atoms against OpenMM's own box of ethyl paraben in water."""
    import openmm as mm
    from openmm import unit

    from bindfe.build.forcefield import parametrise
    from bindfe.build.solvate import solvate

    protocol = load_protocol(ROOT / "protocols" / "hydration.yaml")
    solvent = protocol.solvent.model_copy(update={"box_shape": shape_of_box, "padding": 1.6})
    protocol = protocol.model_copy(update={"solvent": solvent})
    (ligand,) = read_ligands(protocol.ligands.file)
    system, _ = solvate(*parametrise(None, ligand, protocol), protocol)
    box = np.array([list(v.value_in_unit(unit.nanometer)) for v in system.getDefaultPeriodicBoxVectors()])
    width = box_width(protocol, ligand.positions)
    assert isinstance(system, mm.System)
    assert box[0, 0] == pytest.approx(width, rel=1e-3)
    assert min(np.diag(box)) == pytest.approx(BOX_HEIGHT[shape_of_box] * width, rel=1e-3)
    assert np.linalg.det(box) == pytest.approx(BOX_VOLUME[shape_of_box] * width**3, rel=1e-3)
    assert n_atoms(protocol, LegKind.SOLVENT, ligand, None) == pytest.approx(system.getNumParticles(), rel=0.1)


# What a user sees


def test_the_command_line_prints_a_table_and_ends_with_1_if_something_fails(tmp_path) -> None:
    write(tmp_path / "bare.sdf", [Chem.RemoveHs(b2())])
    words = ["check", str(ROOT / "protocols" / "quickstart.yaml")]
    fine = CliRunner().invoke(app, words, catch_exceptions=False)
    assert fine.exit_code == 0, fine.output
    assert "1 ligands and edges: 1 pass" in fine.output
    bad = CliRunner().invoke(app, [*words, "--ligands", str(tmp_path / "bare.sdf")], catch_exceptions=False)
    assert bad.exit_code == 1
    assert "missing-hydrogens" in bad.output


def test_json_has_every_finding(tmp_path) -> None:
    protocol = str(ROOT / "protocols" / "quickstart.yaml")
    shown = CliRunner().invoke(app, ["check", protocol, "--json", "--limit-hours", "0.001"], catch_exceptions=False)
    record = json.loads(shown.output)
    assert shown.exit_code == 1
    assert record["version"] == 1
    assert record["level"] == "fail"
    assert [f["check"] for f in record["findings"] if f["level"] == "fail"] == ["wall-time"]
    assert record["subjects"] == [{"name": "b2", "level": "pass"}]


def test_placed_poses_are_written_and_drawn(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "series.smi").write_text("Cc1ccccc1 toluene\n")
    write(tmp_path / "crystal.sdf", [xylene()])
    (tmp_path / "t4l.pdb").write_text(t4l())
    (tmp_path / "protocol.yaml").write_text("receptor: {file: t4l.pdb}\nligands: {file: series.smi}\n")
    shown = CliRunner().invoke(
        app,
        ["check", "protocol.yaml", "--reference", "crystal.sdf", "--poses", "poses"],
        catch_exceptions=False,
    )
    assert shown.exit_code == 0, shown.output
    (placed, *_) = read_ligands(tmp_path / "poses" / "poses.sdf")
    assert placed.name == "toluene"
    assert np.linalg.norm(10 * placed.positions.mean(axis=0) - middle(xylene())) < 1.5
    assert "<svg" in (tmp_path / "poses" / "poses.svg").read_text()


# The catalogue is the documentation


def test_where_no_pose_is_made_the_findings_are_told_all_the_same(tmp_path) -> None:
    options = ["--reference", str(CB7.with_name("b2.sdf")), "--poses", str(tmp_path / "poses")]
    result = CliRunner().invoke(app, ["check", str(ROOT / "protocols" / "quickstart.yaml"), *options])
    assert result.exit_code == 0
    assert "pre-flight of quickstart" in result.output
    assert "poses: none written: no ligand was placed, and those that have a pose keep it" in result.output
    assert not (tmp_path / "poses").exists()


def test_every_check_of_the_rooms_is_in_the_catalogue() -> None:
    """Names are read from the source: the first words of each warning and failure that is made anywhere."""
    makers = {"failed", "warned", "fail", "warn", "_failure", "make"}
    made = set()
    for path in (ROOT / "bindfe").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers:
                made |= {a.value for a in node.args if isinstance(a, ast.Constant) and str(a.value).count(" ") == 0}
    unknown = {name for name in made if isinstance(name, str) and name} - set(CHECKS) - {"protein-gap"}
    assert not unknown


def test_the_page_of_checks_is_what_the_catalogue_says() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.PREFLIGHT.read_text(encoding="utf-8") == generate.preflight_page(), "run: python docs/generate.py"
