"""Drawings and charges that the sixth blind trial of the pre-flight missed: tautomers, states, charges of other models.

See "A blind trial" in docs/preflight.md.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem, rdBase
from rdkit.Chem import rdPartialCharges
from spoilt import CB7, HYDRATION, ROOT, T4L, WATER, Inputs, assert_told, b2, middle, shape, t4l, write, xylene

from bindfe.chem.findings_charges import charge_findings
from bindfe.chem.findings_states import receptor_state_findings
from bindfe.chem.findings_tautomer import receptor_tautomer_findings, tautomer_findings
from bindfe.chem.ligand import Ligand, read_ligands
from bindfe.chem.receptor import read_receptor

TOLUENE = [-0.0398, -0.0511, -0.0593, -0.0620, -0.0622, -0.0620, -0.0593, *[0.0280] * 3, 0.0625, *[0.0623] * 3, 0.0625]
"""Gasteiger's charges of Open Babel [e], for Cc1ccccc1 and its hydrogens."""

FILE = {"forcefield": {"charges": "file"}}


def lactim(files: Inputs) -> None:
    files.ligands, files.settings = [shape("Cc1ccc(O)nc1")], HYDRATION


def cofactor(smiles: str, files: Inputs) -> None:
    at = middle(xylene()) + np.array([60.0, 0.0, 0.0])
    path = write(files.folder / "cofactor.sdf", [shape(smiles, "G3P", at=at)])
    files.ligands, files.receptor = [xylene()], t4l()
    files.settings = WATER | {"receptor": {"cofactors": [str(path)]}}


def phosphoric_cofactor(files: Inputs) -> None:
    cofactor("OC[C@@H](O)COP(O)(O)=O", files)


def lactim_cofactor(files: Inputs) -> None:
    cofactor("Oc1ccncc1", files)


def acids_of_a_host(files: Inputs) -> None:
    host = write(files.folder / "host.sdf", [shape("OC(=O)c1cc(C(O)=O)cc(c1)C(O)=O", "trimesic-acid")])
    files.ligands, files.receptor = [b2()], str(host)
    files.settings = {"solvent": {"model": "obc2"}, "alchemy": {"method": "transfer"}}


def am1bcc(kind: str) -> str:
    """MOL2 of p-xylene with antechamber's AM1-BCC charges under a charge type."""
    antechamber = (T4L / "ligand.mol2").read_text().splitlines()
    lines = (T4L / "ligand.tripos.mol2").read_text().replace("NO_CHARGES", kind).splitlines()
    charges = {words[1]: words[8] for words in map(str.split, antechamber) if len(words) == 9}
    return "\n".join(line[:-6] + charges[line.split()[1]] if "TMP1" in line else line for line in lines) + "\n"


def charge_type_of_a_mol2(files: Inputs) -> None:
    files.ligand_file, files.settings = f".mol2\n{am1bcc('GASTEIGER')}", HYDRATION | FILE


def gasteiger_in_an_sdf(files: Inputs) -> None:
    toluene = shape("Cc1ccccc1", "toluene")
    toluene.SetProp("atom.dprop.PartialCharge", " ".join(map(str, TOLUENE)))
    files.ligands, files.settings = [toluene], HYDRATION | FILE


MISSED: list[tuple[Callable[[Inputs], None], str, str]] = [
    (lactim, "tautomer", "is given as a lactim (2-hydroxypyridine and its like) (O5-N6, atoms counted from 0)"),
    (lactim_cofactor, "tautomer", "the cofactor G3P is given as a 4-hydroxypyridine"),
    (phosphoric_cofactor, "protonation", "the cofactor G3P is given with charge +0, and at pH 7 it has -2 (2 protons"),
    (acids_of_a_host, "protonation", "with charge +0, and at pH 7 it has -3 (3 protons fewer on O)"),
    (charge_type_of_a_mol2, "partial-charges", "are GASTEIGER charges (as its charge type says), and Sage"),
    (gasteiger_in_an_sdf, "partial-charges", "are Gasteiger charges (each within 0.01 e), and Sage"),
]


@pytest.mark.parametrize(("spoil", "check", "words"), MISSED, ids=[each[0].__name__ for each in MISSED])
def test_what_was_missed_is_caught(tmp_path, spoil, check, words) -> None:
    assert_told(tmp_path, spoil, check, "warn", words)


def told(smiles: str) -> tuple[str, ...]:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    return tuple(each.message for each in tautomer_findings(Ligand(name="a", mol=mol, source="")))


RARE = [
    ("Oc1ccc2ccccc2n1", "lactim"),
    ("Oc1nccc2ccccc12", "lactim"),
    ("Oc1cccnn1", "lactim"),
    ("Oc1ccncn1", "lactim"),
    ("Oc1ncnc2[nH]cnc12", "lactim"),  # hypoxanthine
    ("Oc1nc(N)nc2[nH]cnc12", "lactim"),  # guanine
    ("Oc1ccnc2ccccc12", "4-hydroxypyridine"),
    ("Oc1nc2ccccc2[nH]1", "2-hydroxyazole"),
    ("Sc1ccccn1", "thiol"),
    ("Sc1ncc[nH]1", "thiol"),
    ("CC(O)=NC", "imidic acid"),
    ("NC(S)=N", "imidothiol"),
    ("CC(O)=C", "enol"),
    ("OC=C", "enol"),
    ("O=C1CC=CC=C1", "keto form of a phenol"),
    ("N=c1cccc[nH]1", "imine"),
    ("N=c1cc[nH]c(=O)[nH]1", "imine"),  # cytosine
    ("CCN=O", "nitroso"),
    ("C1C=Nc2ccccc12", "3H-indole"),
]

COMMON = {
    "2-pyridone": "Cc1ccc(=O)[nH]c1",
    "phenol": "Oc1ccccc1",
    "3-hydroxypyridine": "Oc1cccnc1",
    "8-hydroxyquinoline": "Oc1cccc2cccnc12",
    "6-chloro-2-pyridinol": "Oc1cccc(Cl)n1",
    "3-hydroxyisoquinoline": "Oc1cc2ccccc2cn1",
    "4-hydroxy-2-pyridone": "O=c1cc(O)cc[nH]1",
    "acetylacetone, enol": "CC(O)=CC(C)=O",
    "warfarin": "CC(=O)CC(c1ccccc1)C1=C(O)c2ccccc2OC1=O",
    "vitamin C": "OC[C@H](O)C1OC(=O)C(O)=C1O",
    "hydroxamic acid": "CC(O)=NO",
    "hydrazide": "CC(=O)NN",
    "amidoxime": "ON=C(N)c1ccccc1",
    "benzamidine": "NC(=N)c1ccccc1",
    "isoxazol-3-ol": "Oc1cc(C)on1",
    "pyrazol-3-ol": "Oc1cc(C)[nH]n1",
    "azo dye": "Oc1ccc(N=Nc2ccccc2)cc1",
    "4-nitrosophenol": "O=Nc1ccc(O)cc1",
    "2-methyl-2-nitrosopropane": "CC(C)(C)N=O",
    "N-nitrosodimethylamine": "CN(C)N=O",
    "clonidine": "Clc1cccc(Cl)c1N=C1NCCN1",
    "N4-hydroxycytosine": "ON=c1cc[nH]c(=O)[nH]1",
    "thiophenol": "Sc1ccccc1",
    "quinone": "O=C1C=CC(=O)C=C1",
    "anthrone": "O=C1c2ccccc2Cc2ccccc12",
    "3,3-dimethyl-3H-indole": "CC1(C)C=Nc2ccccc12",
    "guanine": "Nc1nc2[nH]cnc2c(=O)[nH]1",
}


@pytest.mark.parametrize(("smiles", "words"), RARE)
def test_rare_tautomers_are_told_by_name(smiles, words) -> None:
    (message,) = told(smiles)
    assert words in message.partition("atoms counted")[0]


@pytest.mark.parametrize("name", COMMON)
def test_usual_forms_and_those_that_a_substituent_decides_pass(name) -> None:
    assert told(COMMON[name]) == ()


def test_each_proton_is_told_of_once_with_a_nitrogen_of_its_own() -> None:
    (uracil,) = told("Oc1ccnc(O)n1")
    assert "(O0-N7, O6-N4," in uracil


def test_shipped_ligands_and_hosts_are_drawn_as_they_are_in_water() -> None:
    for path in sorted(ROOT.glob("systems/*/*.sdf")):
        if path.parent.name != "suzuki":
            assert [f for ligand in read_ligands(path) for f in tautomer_findings(ligand)] == [], path
    for path in (CB7, ROOT / "systems" / "alpha-cyclodextrin" / "alpha-cyclodextrin.sdf"):
        host = read_receptor(path)
        assert receptor_state_findings(host, ph=7.0) == receptor_tautomer_findings(host) == ()


@pytest.mark.data
def test_ligands_of_benchmarks_are_drawn_as_they_are_in_water(data_directory: Path) -> None:
    found = {}
    for path in [
        data_directory / f"experimental/{name}.csv" for name in ("freesolv_hydration", "mpro_moonshot", "t4l_l99a")
    ]:
        with path.open() as file, rdBase.BlockLogs():
            found |= {row["smiles"]: told(row["smiles"]) for row in csv.DictReader(file)}
    for path in sorted(data_directory.glob("plb/*/02_ligands/ligands.sdf")):
        found |= {f"{path} {each.name}": tautomer_findings(each) for each in read_ligands(path)}
    assert len(found) > 350
    assert {name: messages for name, messages in found.items() if messages} == {}


COFACTORS = {
    "ATP, -4": "Nc1ncnc2c1ncn2C1OC(COP([O-])(=O)OP([O-])(=O)OP([O-])([O-])=O)C(O)C1O",
    "ATP, -3": "Nc1ncnc2c1ncn2C1OC(COP([O-])(=O)OP([O-])(=O)OP(O)([O-])=O)C(O)C1O",
    "NAD+": "NC(=O)c1ccc[n+](c1)C1OC(COP([O-])(=O)OP([O-])(=O)OCC2OC(C(O)C2O)n2cnc3c(N)ncnc32)C(O)C1O",
    "FMN": "Cc1cc2nc3c(=O)[nH]c(=O)nc-3n(CC(O)C(O)C(O)COP([O-])([O-])=O)c2cc1C",
    "SAM": "C[S+](CCC([NH3+])C([O-])=O)CC1OC(C(O)C1O)n1cnc2c(N)ncnc21",
    "thiamine diphosphate": "Cc1c(CCOP([O-])(=O)OP([O-])([O-])=O)sc[n+]1Cc1cnc(C)nc1N",
    "PLP": "Cc1ncc(COP([O-])([O-])=O)c(C=O)c1O",
    "folate": "Nc1nc2ncc(CNc3ccc(cc3)C(=O)NC(CCC([O-])=O)C([O-])=O)nc2c(=O)[nH]1",
    "sulfate": "[O-]S([O-])(=O)=O",
    "glycerol": "OCC(O)CO",
}


@pytest.mark.parametrize("name", COFACTORS)
def test_cofactors_as_they_are_at_ph_7_pass(tmp_path, name) -> None:
    mol = shape(COFACTORS[name])
    for atom in mol.GetAtoms():
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    path = write(tmp_path / "cofactor.sdf", [mol])
    receptor = read_receptor(T4L / "receptor.pdb", cofactors=[path])
    assert receptor_state_findings(receptor, ph=7.0) == receptor_tautomer_findings(receptor) == ()


@pytest.mark.parametrize("kind", ["bcc", "USER_CHARGES", "NO_CHARGES"])
def test_charges_of_am1bcc_pass_unless_their_file_says_otherwise(kind) -> None:
    mol = Chem.MolFromMol2Block(am1bcc(kind), removeHs=False)
    charges = np.array([float(atom.GetProp("_TriposPartialCharge")) for atom in mol.GetAtoms()])
    assert charge_findings(mol, charges, ligand="a") == ()


def test_charges_that_only_resemble_gasteigers_pass() -> None:
    mol = shape("CCO")
    rdPartialCharges.ComputeGasteigerCharges(mol)
    charges = np.array([atom.GetDoubleProp("_GasteigerCharge") for atom in mol.GetAtoms()])
    (told_of,) = charge_findings(mol, charges, ligand="a")
    assert "Gasteiger charges" in told_of.message
    assert charge_findings(mol, 1.5 * charges, ligand="a") == ()
