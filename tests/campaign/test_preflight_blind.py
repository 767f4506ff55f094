"""What the pre-flight missed in a blind trial, and has to catch now; see "A blind trial" in docs/preflight.md."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolTransforms
from spoilt import (
    B2,
    CB7,
    EDGES,
    HYDRATION,
    ROOT,
    WATER,
    Inputs,
    assert_told,
    atom_line,
    b2,
    middle,
    moved,
    residue_number,
    shape,
    t4l,
    without,
    write,
    xylene,
)

from bindfe.campaign.preflight_measured import measured_findings
from bindfe.campaign.preflight_schedule import schedule_findings
from bindfe.campaign.preflight_site import path_findings
from bindfe.chem.findings_catalogue import CHECKS
from bindfe.chem.findings_table import table_findings
from bindfe.chem.ligand import read_ligands
from bindfe.chem.pose_amide import amide_findings
from bindfe.chem.pose_bonds import bond_order_findings
from bindfe.chem.receptor import read_receptor
from bindfe.errors import ProtocolError
from bindfe.protocol import Protocol, load_protocol, parse_protocol

TRANSFER = {"solvent": {"model": "obc2"}, "alchemy": {"method": "transfer"}}
COLUMNS = "ligand,delta_g_kcal_mol,standard_error_kcal_mol,temperature_k\n"


def bond_orders_lost(files: Inputs) -> None:
    """p-Xylene by a converter that knows no double bonds and fills up with hydrogens."""
    mol = Chem.RWMol(Chem.RemoveHs(xylene()))
    for bond in mol.GetBonds():
        bond.SetBondType(Chem.BondType.SINGLE)
        bond.SetIsAromatic(False)
    for atom in mol.GetAtoms():
        atom.SetIsAromatic(False)
        atom.SetNoImplicit(False)
    Chem.SanitizeMol(mol)
    whole = Chem.AddHs(mol.GetMol(), addCoords=True)
    whole.SetProp("_Name", "p-xylene")
    files.ligands, files.receptor, files.settings = [whole], t4l(), WATER


def amide_became_an_aminal(files: Inputs) -> None:
    """The same to a chain: C=O and C-N of an amide, drawn as single bonds of a saturated carbon."""
    mol = Chem.RWMol(Chem.RemoveHs(shape("CC(=O)NCC(=O)N")))
    for bond in mol.GetBonds():
        bond.SetBondType(Chem.BondType.SINGLE)
    for atom in mol.GetAtoms():
        atom.SetNoImplicit(False)
    Chem.SanitizeMol(mol)
    files.ligands, files.receptor, files.settings = [Chem.AddHs(mol.GetMol(), addCoords=True)], str(CB7), TRANSFER


def anchors_of_the_complex(files: Inputs) -> None:
    anchors = {"receptor_atoms": [1588, 1602, 1625], "ligand_atoms": [2603, 2604, 2605]}
    files.ligands, files.receptor = [xylene()], t4l()
    files.settings = WATER | {"restraint": {"kind": "boresch", **anchors}}


def anchors_on_hydrogens(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    hydrogens = [atom.GetIdx() for atom in b2().GetAtoms() if atom.GetAtomicNum() == 1][:3]
    files.settings = TRANSFER | {"restraint": {"kind": "harmonic", "ligand_atoms": hydrogens}}


def anchors_on_a_line(files: Inputs) -> None:
    """A substituent of benzene, its carbon and the carbon across are on one line."""
    files.ligands, files.receptor = [b2()], str(CB7)
    axis = b2().GetSubstructMatch(Chem.MolFromSmarts("[CX4]([OX2])C1CCC(C[OX2])CC1"))  # CH2 and the two bridgeheads
    files.settings = HYDRATION | {
        "restraint": {"kind": "boresch", "receptor_atoms": [0, 20, 40], "ligand_atoms": [axis[0], axis[2], axis[5]]}
    }


def sterics_before_charges(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    ramp = [1.0, 0.75, 0.5, 0.25, 0.0]
    rows = {"electrostatics": [1.0] * 4 + ramp, "sterics": [*ramp, 0.0, 0.0, 0.0, 0.0]}
    complex_ = {"restraints": [0.0] + [1.0] * 8, **rows}
    files.settings = HYDRATION | {"schedule": {"complex": complex_, "solvent": rows}}


def three_states(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    rows = {"electrostatics": [1.0, 1.0, 0.0], "sterics": [1.0, 1.0, 0.0]}
    files.settings = HYDRATION | {"schedule": {"complex": {"restraints": [0.0, 1.0, 1.0], **rows}, "solvent": rows}}


def states_out_of_order(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    rows = {"electrostatics": [1.0, 0.5, 0.75, 0.25, 0.0], "sterics": [1.0] * 5}
    ends = {"electrostatics": [*rows["electrostatics"], 0.0, 0.0, 0.0], "sterics": [*rows["sterics"], 0.6, 0.3, 0.0]}
    files.settings = HYDRATION | {"schedule": {"solvent": ends}}


def transfer_leaps_into_the_clash(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    rows = {"transfer": [0.0, 0.25, 0.5, 1.0, 1.0], "restraints": [1.0, 1.0, 1.0, 1.0, 0.0]}
    files.settings = TRANSFER | {"schedule": {"transfer": rows}}


def exchange_that_ends_halfway(files: Inputs) -> None:
    first, second = b2(), b2()
    second.SetProp("_Name", "again")
    files.ligands, files.receptor = [first, second], str(CB7)
    files.settings = EDGES | {"schedule": {"relative": {"transfer": [0.0, 0.01, 0.1, 0.3, 0.5]}}}


def celsius(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = TRANSFER | {"sampling": {"temperature": "25 K"}}


def molar_salt(files: Inputs) -> None:
    files.ligands, files.receptor = [xylene()], t4l()
    files.settings = WATER | {"solvent": {"model": "tip3p", "ionic_strength": "150 M"}}


def bulk_in_the_host(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = {"solvent": {"model": "obc2"}, "alchemy": {"method": "transfer", "displacement": "10 A"}}


def ligand_is_a_cofactor(files: Inputs) -> None:
    cofactor = xylene()
    cofactor.SetProp("_Name", "cofactor")
    write(files.folder / "cofactor.sdf", [cofactor])
    files.ligands, files.receptor = [xylene()], t4l()
    files.settings = WATER | {"receptor": {"cofactors": [str(files.folder / "cofactor.sdf")]}}


def zinc_on_a_protonated_nitrogen(files: Inputs) -> None:
    lines = [line for line in t4l().splitlines() if line.startswith("ATOM") and residue_number(line) == 31]
    at = {line[12:16].strip(): np.array([float(line[30 + 8 * k : 38 + 8 * k]) for k in range(3)]) for line in lines}
    along = at["NE2"] - at["CG"]
    zinc = at["NE2"] + 2.1 * along / np.linalg.norm(along)
    files.ligands, files.receptor = [xylene()], t4l() + atom_line("ZN", "ZN", 301, zinc, "ZN") + "\n"
    files.settings = WATER


def dropped_by_another_name(files: Inputs) -> None:
    files.ligands, files.receptor = [xylene()], t4l()
    files.settings = WATER | {"receptor": {"drop": ["LIG"]}}


def misspelt_edge(files: Inputs) -> None:
    first, second = b2(), b2()
    second.SetProp("_Name", "again")
    files.ligands, files.receptor = [first, second], str(CB7)
    files.settings = EDGES | {"edges": {"network": "given", "pairs": [["b2", "agian"]]}}


def in_nanometres(files: Inputs) -> None:
    mol = b2()
    mol.GetConformer().SetPositions(0.1 * np.asarray(mol.GetConformer().GetPositions()))
    files.ligands, files.receptor, files.settings = [mol], str(CB7), TRANSFER


def in_bohr(files: Inputs) -> None:
    mol = b2()
    mol.GetConformer().SetPositions(1.8897 * np.asarray(mol.GetConformer().GetPositions()))
    files.ligands, files.receptor, files.settings = [mol], str(CB7), TRANSFER


def axial_in_a_protein(files: Inputs) -> None:
    files.ligands, files.receptor, files.settings = [xylene()], t4l(), HYDRATION | {"restraint": {"kind": "axial"}}


def charges_that_the_file_has_not(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = TRANSFER | {"forcefield": {"charges": "file"}}


def boresch_on_methane(files: Inputs) -> None:
    files.ligands, files.receptor = [shape("C")], str(CB7)
    files.settings = HYDRATION | {"restraint": {"kind": "boresch"}}


def member_12_of_8(files: Inputs) -> None:
    committee = {"model": "ani2x", "correction": "switching", "driver": "one-member", "member": 12}
    files.ligands, files.receptor, files.settings = [b2()], str(CB7), TRANSFER | {"committee": committee}


def calibrator_that_is_not_there(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = TRANSFER | {"calibration": {"file": str(files.folder / "calibration.json")}}


def one_cycle(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = TRANSFER | {"sampling": {"cycle_time": "1 ns", "length": "1 ns"}}


def equivalent_poses_of_a_centroid(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = TRANSFER | {"ligands": {"file": str(B2), "equivalent_poses": 2}}


def host_as_pdb(files: Inputs) -> None:
    Chem.MolToPDBFile(next(Chem.SDMolSupplier(str(CB7), removeHs=False)), str(files.folder / "cb7.pdb"))
    files.ligands, files.receptor, files.settings = [b2()], str(files.folder / "cb7.pdb"), TRANSFER


def protein_in_nanometres(files: Inputs) -> None:
    lines = []
    for line in t4l().splitlines():
        place = "".join(f"{float(line[30 + 8 * k : 38 + 8 * k]) / 10:8.3f}" for k in range(3)) if "ATOM" in line else ""
        lines.append(line[:30] + place + line[54:] if place else line)
    files.ligands, files.receptor, files.settings = [xylene()], "\n".join(lines) + "\n", WATER


def residue_of_the_wrong_hand(files: Inputs) -> None:
    """CB and HA of Val111, beside the cavity, with swapped places: a D-amino acid, its side chain left where it was."""
    lines = t4l().splitlines()
    mine = {
        line[12:16].strip(): k for k, line in enumerate(lines) if line[:4] == "ATOM" and residue_number(line) == 111
    }
    a, b = mine["CB"], mine["HA"]
    lines[a], lines[b] = (
        lines[a][:30] + lines[b][30:54] + lines[a][54:],
        lines[b][:30] + lines[a][30:54] + lines[b][54:],
    )
    files.ligands, files.receptor, files.settings = [xylene()], "\n".join(lines) + "\n", WATER


def ligand_on_a_zinc(files: Inputs) -> None:
    mol = shape("NS(=O)(=O)c1ccccc1", "sulfonamide", at=middle(xylene()))
    x = np.asarray(mol.GetConformer().GetPositions())
    zinc = x[0] + 2.0 * (x[0] - x[1]) / np.linalg.norm(x[0] - x[1])
    files.ligands, files.receptor = [mol], t4l() + atom_line("ZN", "ZN", 301, zinc, "ZN") + "\n"
    files.settings = WATER


def amide_turned_by_docking(files: Inputs) -> None:
    mol = shape("CC(=O)Nc1ccccc1")
    _, carbon, o, n, ring = mol.GetSubstructMatch(Chem.MolFromSmarts("[CH3]C(=O)Nc"))
    rdMolTransforms.SetDihedralDeg(mol.GetConformer(), o, carbon, n, ring, 180.0)
    files.ligands, files.receptor, files.settings = [mol], str(CB7), TRANSFER


def padding_in_nanometres(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = WATER | {"solvent": {"model": "tip3p", "padding": "20 nm"}}


def bulk_in_the_portal(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    path = {"bound": ["-1.5 A", "4.5 A"], "unbound": [["6 A", "7.5 A"]], "low": "-1.5 A", "high": "8 A"}
    files.settings = {"solvent": {"model": "obc2"}, "road": "umbrella", "path": path}


def site_of_half_an_angstrom(files: Inputs) -> None:
    first, second = b2(), moved(b2(), (0.0, 0.0, 0.8))
    second.SetProp("_Name", "again")
    files.ligands, files.receptor = [first, second], str(CB7)
    files.settings = EDGES | {"restraint": {"kind": "flat-bottom", "flat_radius": "0.5 A"}}


def reference_of_another_frame(files: Inputs) -> None:
    """A crystal ligand of an entry that nobody superposed."""
    files.ligand_file = ".smi\nCc1ccccc1 toluene\n"
    files.receptor, files.settings, files.reference = t4l(), WATER, moved(xylene(), (-40.0, 25.0, 20.0))


def ion_without_salt(files: Inputs) -> None:
    files.ligands, files.receptor = [shape("C[NH3+]")], str(CB7)
    files.settings = WATER | {"solvent": {"model": "tip3p", "ionic_strength": "0 M"}}


def receptor_stripped_of_hydrogens(files: Inputs) -> None:
    """A crystal structure whose states of protonation are said to be the file's."""
    files.receptor = without(t4l(), lambda line: line[12:16].strip().lstrip("123")[0] == "H")
    files.ligands, files.settings = [xylene()], WATER | {"receptor": {"protonation": "given"}}


def hydrogens_at_the_origin(files: Inputs) -> None:
    """Hydrogens that a program added and did not place."""
    mol = xylene()
    x = np.asarray(mol.GetConformer().GetPositions())
    x[[atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 1]] = 0.0
    mol.GetConformer().SetPositions(x)
    files.ligands, files.receptor, files.settings = [mol], str(CB7), TRANSFER


def springs_per_square_nanometre(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = HYDRATION | {"restraint": {"kind": "boresch", "distance_spring": "10 kJ/mol/nm^2"}}


def springs_per_square_degree(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = HYDRATION | {"restraint": {"kind": "boresch", "dihedral_spring": "20 kcal/mol/deg^2"}}


def gaussians_of_half_a_nanometre(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = {"solvent": {"model": "obc2"}, "road": "metadynamics", "metadynamics": {"width": "0.5 nm"}}


def gaussians_of_kilocalories(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = {"solvent": {"model": "obc2"}, "road": "metadynamics", "metadynamics": {"height": "25 kcal/mol"}}


MISSED: list[tuple[Callable[[Inputs], None], str, str, str]] = [
    (bond_orders_lost, "bond-orders", "fail", "saturated ring"),
    (amide_became_an_aminal, "bond-orders", "warn", "single bonds of saturated carbon"),
    (anchors_of_the_complex, "restraint-atoms", "fail", "no atom 2603"),
    (anchors_on_hydrogens, "restraint-atoms", "warn", "hydrogens: ligand"),
    (anchors_on_a_line, "restraint-atoms", "fail", "deg"),
    (sterics_before_charges, "schedule-charges", "fail", "Lennard-Jones terms at 0"),
    (three_states, "schedule-leap", "warn", "schedule.complex.sterics: from 1 to 0 in one step"),
    (states_out_of_order, "schedule-leap", "warn", "turns back from 0.5 to 0.75"),
    (transfer_leaps_into_the_clash, "schedule-leap", "warn", "the first step out of state 0 is 0.25"),
    (exchange_that_ends_halfway, "schedule", "fail", "runs from 0 to 0.5"),
    (celsius, "unusual-setting", "fail", "25 K"),
    (molar_salt, "unusual-setting", "fail", "150 M"),
    (bulk_in_the_host, "bulk", "fail", "no bulk"),
    (ligand_is_a_cofactor, "inside-receptor", "fail", "cofactor C"),
    (zinc_on_a_protonated_nitrogen, "protein-metal", "warn", "A:HIS31 NE2 has its proton beside A:ZN301"),
    (dropped_by_another_name, "receptor-drop", "warn", "LIG is not in the file"),
    (misspelt_edge, "network", "fail", "agian"),
    (in_nanometres, "coordinates", "fail", "bonds are 0.1"),
    (in_bohr, "coordinates", "fail", "bonds are 2."),
    (residue_of_the_wrong_hand, "backbone", "warn", "A:VAL111 of the wrong hand"),
    (ligand_on_a_zinc, "ligand-metal", "warn", "N0 lies at A:ZN301, 2.0 A away"),
    (axial_in_a_protein, "restraint-kind", "fail", "the receptor is a protein"),
    (charges_that_the_file_has_not, "partial-charges", "fail", "no partial charges in its file"),
    (boresch_on_methane, "restraint-kind", "fail", "the ligand has 1"),
    (member_12_of_8, "committee-member", "fail", "ani2x has 0 to 7"),
    (calibrator_that_is_not_there, "calibration", "fail", "calibration.json"),
    (one_cycle, "unusual-setting", "warn", "is 1 cycles"),
    (equivalent_poses_of_a_centroid, "restraint-kind", "warn", "excludes no pose"),
    (host_as_pdb, "unknown-residue", "fail", "no amino acid"),
    (amide_turned_by_docking, "cis-amide", "warn", "is cis (E)"),
    (padding_in_nanometres, "unusual-setting", "warn", "solvent.padding is 200 A"),
    (bulk_in_the_portal, "bulk", "fail", "path.unbound begins at 6 A"),
    (site_of_half_an_angstrom, "site-radius", "fail", "restraint.flat_radius is 0.5 A"),
    (reference_of_another_frame, "outside-pocket", "fail", "lies outside the receptor"),
    (ion_without_salt, "box-charge", "warn", "solvent.ionic_strength is 0 M"),
    (receptor_stripped_of_hydrogens, "protein-protonation", "warn", "the file has 0 hydrogens for"),
    (hydrogens_at_the_origin, "coordinates", "fail", "10 atoms lie in one place"),
    (springs_per_square_nanometre, "unusual-setting", "warn", "restraint.distance_spring is 0.0239"),
    (springs_per_square_degree, "unusual-setting", "warn", "restraint.dihedral_spring is 65656.1"),
    (gaussians_of_half_a_nanometre, "unusual-setting", "warn", "metadynamics.width is 5 A"),
    (gaussians_of_kilocalories, "unusual-setting", "warn", "metadynamics.height is 25 kcal/mol"),
    (protein_in_nanometres, "receptor", "fail", "from the nearest other one"),
]


@pytest.mark.parametrize(("spoil", "check", "level", "words"), MISSED, ids=[each[0].__name__ for each in MISSED])
def test_what_was_missed_is_caught(tmp_path, spoil, check, level, words) -> None:
    assert_told(tmp_path, spoil, check, level, words)


# Measured values


def measured(folder, table: str, **settings) -> tuple[str, ...]:
    (folder / "measured.csv").write_text(COLUMNS + table)
    protocol = load_protocol(ROOT / "protocols" / "quickstart.yaml")
    ligands = protocol.ligands.model_copy(update={"measured": str(folder / "measured.csv")})
    protocol = protocol.model_copy(update={"ligands": ligands, **settings})
    findings = measured_findings(protocol, ["lig_ejm_31", "lig_ejm_42"])
    for each in findings:
        if each.level != "pass":
            assert CHECKS["measured"].matches(each.message), str(each)
    return tuple(f"{each.level}: {each.ligand}: {each.message}" for each in findings)


def test_inhibition_constants_are_no_binding_free_energies(tmp_path) -> None:
    (found,) = measured(tmp_path, "lig_ejm_31,96,20,298.15\n")
    assert found.startswith("fail")
    assert "96 kcal/mol is beyond any known complex" in found
    (found,) = measured(tmp_path, "lig_ejm_31,7.02,0.2,298.15\nlig_ejm_42,-9.8,0.2,298.15\n")  # a pKi
    assert "delta_g of lig_ejm_31 is positive" in found


def test_names_that_are_nearly_those_of_the_ligands_are_told(tmp_path) -> None:
    found = measured(tmp_path, "ejm_31,-9.574,0.179,298.15\nEJM-42,-9.814,0.176,298.15\n")
    assert [each.split(": ")[1] for each in found] == ["lig_ejm_31", "lig_ejm_42"]
    (found,) = measured(tmp_path, "benzene,-5.19,0.16,298.15\n")
    assert "none of the 2 ligands is in the table" in found


def test_a_table_that_lacks_a_ligand_or_has_others_is_fine(tmp_path) -> None:
    (found,) = measured(tmp_path, "lig_ejm_31,-9.574,0.179,298.15\nlig_jmc_23,-9.8,0.2,298.15\n")
    assert found == "pass: : 1 of 2 ligands have a measured value"


@pytest.mark.parametrize(
    ("smiles", "words"),
    [
        ("OCC12CCC(CO)(CC1)CC2", ""),
        ("OCC1CCC(CO)CC1", "another molecule than"),
        ("[O-]CC12CCC(CO)(CC1)CC2", "another state of charge than"),
        ("", ""),
        ("no SMILES", ""),
    ],
)
def test_a_table_that_means_another_molecule_is_told(tmp_path, smiles, words) -> None:
    (tmp_path / "measured.csv").write_text(f"ligand,smiles\nb2,{smiles}\n")
    found = table_findings(tmp_path / "measured.csv", read_ligands(B2))
    assert [words in each.message for each in found] == ([True] if words else [])
    assert all(CHECKS["measured"].matches(each.message) for each in found)


@pytest.mark.parametrize("name", ["t4-lysozyme-l99a", "sars-cov-2-mpro"])
def test_shipped_tables_mean_the_shipped_ligands(name) -> None:
    folder = ROOT / "systems" / name
    assert table_findings(folder / "affinities.csv", read_ligands(folder / "ligands.sdf")) == ()


def test_another_temperature_is_told(tmp_path) -> None:
    (found,) = measured(tmp_path, "lig_ejm_31,-9.574,0.179,310\n")
    assert "measured at 310 K" in found


# What is right is left alone


@pytest.mark.parametrize(
    "file",
    ["cb7/guests.sdf", "sars-cov-2-mpro/ligands.sdf", "t4-lysozyme-l99a/ligands.sdf", "hydration/ethylparaben.sdf"],
)
def test_shipped_ligands_have_the_bond_lengths_of_their_bond_orders(file) -> None:
    for ligand in read_ligands(ROOT / "systems" / file):
        assert bond_order_findings(ligand) == ()


@pytest.mark.parametrize("smiles", ["C1CCCCC1", "C1CC1C", "C1CCC1", "FC(F)(F)OC", "OC1OCCCC1", "N1CCNCC1", "C1=CCCCC1"])
def test_small_rings_and_short_single_bonds_are_no_lost_bond_orders(tmp_path, smiles) -> None:
    (ligand,) = read_ligands(write(tmp_path / "one.sdf", [shape(smiles)]))
    assert bond_order_findings(ligand) == ()


def test_a_small_ligand_in_a_wide_cavity_is_not_outside(tmp_path) -> None:
    result = Inputs(folder=tmp_path, ligands=[shape("C")], receptor=str(CB7), settings=TRANSFER).check()
    assert "outside-pocket" not in {each.check for each in result.findings if each.level == "fail"}
    aside = shape("C", at=np.array([12.0, 0.0, 0.0]))
    result = Inputs(folder=tmp_path, ligands=[aside], receptor=str(CB7), settings=TRANSFER).check()
    assert "outside-pocket" in {each.check for each in result.findings if each.level == "fail"}


def test_bulk_that_is_the_site_is_refused() -> None:
    path = {"bound": ["-5 A", "5 A"], "unbound": [["4 A", "6 A"]]}
    settings = {"ligands": {"file": "a.sdf"}, "receptor": {"file": "b.sdf"}, "road": "umbrella", "path": path}
    with pytest.raises(ProtocolError, match=r"path\.unbound and path\.bound overlap"):
        parse_protocol(repr(settings))


@pytest.mark.parametrize("smiles", ["CC(=O)Nc1ccccc1", "O=C1CCCN1", "O=CNC", "CN(C)C(C)=O", "CNC(=O)OC", "CNC(=O)NC"])
def test_usual_amides_lactams_and_tertiary_amides_are_not_cis(tmp_path, smiles) -> None:
    (ligand,) = read_ligands(write(tmp_path / "one.sdf", [shape(smiles)]))
    assert amide_findings(ligand) == ()


@pytest.mark.parametrize("name", ["umbrella", "metadynamics"])
def test_the_bulk_of_shipped_paths_is_bulk(name) -> None:
    protocol = load_protocol(ROOT / "protocols" / f"{name}.yaml")
    host = read_receptor(protocol.receptor.file)
    (ligand,) = read_ligands(protocol.ligands.file)
    assert path_findings(protocol, ligand, receptor=host.positions, elements=host.elements) == ()


def test_default_schedules_have_nothing_to_say() -> None:
    ligands, receptor = {"file": str(B2)}, {"file": str(CB7)}
    for settings in (TRANSFER, HYDRATION, EDGES):
        protocol: Protocol = parse_protocol(repr({"ligands": ligands, "receptor": receptor, **settings}))
        assert schedule_findings(protocol) == ()
