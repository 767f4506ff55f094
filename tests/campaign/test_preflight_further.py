"""Twenty further failures, made after the checks were written and from their documentation alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolTransforms
from spoilt import CB7, HYDRATION, WATER, Inputs, atom_line, b2, middle, residue_number, shape, t4l, without, xylene


def all_zero(files: Inputs) -> None:
    mol = shape("CCO")
    mol.GetConformer().SetPositions(np.zeros((mol.GetNumAtoms(), 3)))
    files.ligands, files.receptor = [mol], str(CB7)


def nanometres(files: Inputs) -> None:
    mol = b2()
    mol.GetConformer().SetPositions(0.1 * np.asarray(mol.GetConformer().GetPositions()))
    files.ligands, files.receptor = [mol], str(CB7)


def racemate(files: Inputs) -> None:
    files.ligand_file, files.settings = ".smi\nC[C@H](O)c1ccccc1 |&1:1| racemic\n", HYDRATION


def open_double_bond(files: Inputs) -> None:
    files.ligand_file, files.settings = ".csv\nname,smiles\nstilbene,c1ccccc1C=Cc1ccccc1\n", HYDRATION


def same_molecule_twice(files: Inputs) -> None:
    files.ligand_file, files.settings = ".smi\nc1ccccc1O phenol\nOc1ccccc1 carbolic-acid\n", HYDRATION


def tautomer_twice(files: Inputs) -> None:
    files.ligand_file, files.settings = ".smi\nOc1ccccn1 hydroxypyridine\nO=c1cccc[nH]1 pyridone\n", HYDRATION


def five_bonds(files: Inputs) -> None:
    files.ligand_file, files.settings = ".smi\nCC(C)(C)(C)C wrong\nCCO right\n", HYDRATION


def boron(files: Inputs) -> None:
    files.ligands, files.settings = [shape("OB(O)c1ccccc1")], HYDRATION


def covalent(files: Inputs) -> None:
    """A methyl at bonding distance from a side chain."""
    x = np.asarray(xylene().GetConformer().GetPositions())
    lines = [line for line in t4l().splitlines() if line[12:16].strip() == "CG2" and residue_number(line) == 111]
    place = np.array([float(lines[0][30 + 8 * k : 38 + 8 * k]) for k in range(3)])
    mol = xylene()
    nearest = min(
        (a.GetIdx() for a in mol.GetAtoms() if a.GetAtomicNum() > 1), key=lambda i: np.linalg.norm(x[i] - place)
    )
    along = (x[nearest] - place) / np.linalg.norm(x[nearest] - place)
    mol.GetConformer().SetPositions(x + (place + 1.6 * along - x[nearest]))
    files.ligands, files.receptor = [mol], t4l()


def alpha_carbons_only(files: Inputs) -> None:
    files.ligands, files.receptor = [xylene()], without(t4l(), lambda line: line[12:16].strip() != "CA")


def crystal_ligand_is_still_there(files: Inputs) -> None:
    x = np.asarray(xylene().GetConformer().GetPositions())[:8]
    extra = [atom_line(f"C{k}", "PXY", 300, place + 0.2, "C") for k, place in enumerate(x)]
    files.ligands, files.receptor = [xylene()], t4l() + "\n".join(extra) + "\n"


def selenomethionine(files: Inputs) -> None:
    text = without(t4l(), lambda line: residue_number(line) == 102 and line[12:16].strip().startswith("H"))
    lines = [
        line.replace("MET", "MSE").replace(" SD ", "SE  ")
        if line.startswith("ATOM") and residue_number(line) == 102
        else line
        for line in text.splitlines()
    ]
    files.ligands, files.receptor = [xylene()], "\n".join(lines) + "\n"


def nmr_models(files: Inputs) -> None:
    atoms = "\n".join(line for line in t4l().splitlines() if line.startswith("ATOM"))
    files.ligands = [xylene()]
    files.receptor = f"MODEL        1\n{atoms}\nENDMDL\nMODEL        2\n{atoms}\nENDMDL\n"


def water_in_the_protein(files: Inputs) -> None:
    carbon = next(line for line in t4l().splitlines() if line[12:16].strip() == "CB" and residue_number(line) == 20)
    place = np.array([float(carbon[30 + 8 * k : 38 + 8 * k]) for k in range(3)])
    water = atom_line("O", "HOH", 501, place + np.array([0.0, 0.0, 1.0]), "O")
    files.ligands, files.receptor, files.settings = [xylene()], t4l() + water + "\n", WATER


def neutral_acid_beside_a_carboxylate(files: Inputs) -> None:
    mol = shape("OC(=O)c1ccccc1")
    mol.SetProp("smiles", "[O-]C(=O)c1ccccc1")
    files.ligands, files.settings = [mol], HYDRATION


def flipped(files: Inputs) -> None:
    """A ligand laid end to end the wrong way round, against the crystal's."""
    mol = shape("Cc1ccc(CCO)cc1", "flipped", at=middle(xylene()))
    crystal = Chem.Mol(mol)
    x = np.asarray(mol.GetConformer().GetPositions())
    mol.GetConformer().SetPositions(2 * x.mean(axis=0) - x)  # an inversion of a flat molecule is a turn
    files.ligands, files.reference, files.receptor = [mol], crystal, t4l()


def twisted_amide(files: Inputs) -> None:
    mol = shape("CC(=O)NC", at=middle(xylene()))
    rdMolTransforms.SetDihedralDeg(mol.GetConformer(), 0, 1, 3, 4, 90.0)
    files.ligands, files.receptor = [mol], t4l()


def histidine_lost_a_hydrogen(files: Inputs) -> None:
    files.ligands = [xylene()]
    files.receptor = without(t4l(), lambda line: line[17:20] == "HIE" and line[12:16].strip() == "HE2")


def neutral_amine(files: Inputs) -> None:
    """Benzylamine has pKa 9.3 and is an ion at pH 7."""
    files.ligands, files.settings = [shape("NCc1ccccc1")], HYDRATION


def five_femtoseconds(files: Inputs) -> None:
    files.ligands, files.settings = [shape("CCO")], HYDRATION | {"sampling": {"time_step": "5 fs"}}


FURTHER: list[tuple[Callable[[Inputs], None], set[str]]] = [
    (all_zero, {"coordinates", "no-pose"}),
    (nanometres, {"coordinates"}),
    (racemate, {"undefined-stereo"}),
    (open_double_bond, {"undefined-stereo"}),
    (same_molecule_twice, {"duplicate"}),
    (tautomer_twice, {"tautomer"}),
    (five_bonds, {"unreadable"}),
    (boron, {"element"}),
    (covalent, {"clash", "inside-receptor"}),
    (alpha_carbons_only, {"residue-template", "receptor", "missing-residues"}),
    (crystal_ligand_is_still_there, {"unknown-residue", "inside-receptor"}),
    (selenomethionine, {"residue-template"}),
    (nmr_models, {"protein-models"}),
    (water_in_the_protein, {"water-clash"}),
    (neutral_acid_beside_a_carboxylate, {"given-smiles"}),
    (flipped, {"binding-modes"}),
    (twisted_amide, {"strained-pose"}),
    (histidine_lost_a_hydrogen, {"receptor", "residue-template"}),
    (neutral_amine, {"protonation"}),
    (five_femtoseconds, {"time-step"}),
]


@pytest.mark.parametrize(("spoil", "checks"), FURTHER, ids=[each.__name__ for each, _ in FURTHER])
def test_a_further_failure_is_caught(tmp_path, spoil, checks) -> None:
    files = Inputs(folder=tmp_path)
    spoil(files)
    result = files.check()
    found = {finding.check for finding in result.findings if finding.level != "pass"}
    assert found & checks, [str(finding) for finding in result.findings]
