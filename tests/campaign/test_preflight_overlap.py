"""Atoms in each other's place, cofactors in no place, and charges that are none; see docs/preflight.md."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdPartialCharges
from rdkit.Chem.rdForceFieldHelpers import MMFFGetMoleculeProperties
from spoilt import CB7, ROOT, WATER, Inputs, assert_told, atom_line, b2, middle, moved, shape, t4l, write, xylene

from bindfe.chem.findings import Finding
from bindfe.chem.findings_charges import charge_findings
from bindfe.chem.findings_overlap import overlap_findings
from bindfe.chem.proteinfile import parse_structure, read_structure

FILE_CHARGES = {"solvent": {"model": "obc2"}, "alchemy": {"method": "transfer"}, "forcefield": {"charges": "file"}}
PERSES = Path(str(importlib.util.find_spec("openmmforcefields").origin)).parent / "data" / "perses_jacs_systems"
ALONG_X = np.array([1.0, 0.0, 0.0])


def place(line: str) -> np.ndarray:
    return np.array([float(line[30 + 8 * k : 38 + 8 * k]) for k in range(3)])


def put(line: str, x: np.ndarray, *, chain: str = "A") -> str:
    return f"{line[:21]}{chain}{line[22:30]}{''.join(f'{value:8.3f}' for value in x)}{line[54:]}"


def atoms() -> list[str]:
    return [line for line in t4l().splitlines() if line.startswith("ATOM")]


def copied(by: float, number: int = 1000) -> list[str]:
    """T4 lysozyme with chain B: the atoms of the first residues, shifted along x [A]."""
    both = atoms()
    return both + [put(line, place(line) + by * ALONG_X, chain="B") for line in both if int(line[22:26]) <= number]


def index(residue: int, name: str) -> int:
    return next(k for k, line in enumerate(atoms()) if (int(line[22:26]), line[12:16].strip()) == (residue, name))


# Through the whole pre-flight


def wrong_symmetry_copy(files: Inputs) -> None:
    """Chain B is chain A turned by 180 deg about an axis that the crystal does not have."""
    far = place(atoms()[index(55, "CA")])
    turned = [put(line, far + (place(line) - far) * [-1.0, -1.0, 1.0], chain="B") for line in atoms()]
    files.receptor, files.ligands, files.settings = "\n".join([*atoms(), *turned]) + "\n", [xylene()], WATER


def side_chains_in_each_other(files: Inputs) -> None:
    """NZ of Lys16 on the backbone of Ala74, far from the site."""
    lines = atoms()
    lines[index(16, "NZ")] = put(lines[index(16, "NZ")], place(lines[index(74, "CB")]) + ALONG_X)
    files.receptor, files.ligands, files.settings = "\n".join(lines) + "\n", [xylene()], WATER


def with_cofactor(files: Inputs, by: tuple[float, float, float]) -> None:
    cofactor = moved(shape("OCCSSCCO", "HED", at=middle(xylene())), by)
    files.ligands, files.receptor = [xylene()], t4l()
    file = write(files.folder / "hed.sdf", [cofactor])
    files.settings = WATER | {"receptor": {"cofactors": [str(file)]}}


def cofactor_of_another_frame(files: Inputs) -> None:
    with_cofactor(files, (-60.0, 20.0, 0.0))


def cofactor_in_the_protein(files: Inputs) -> None:
    with_cofactor(files, (0.0, 0.0, 9.0))


def with_charges(files: Inputs, charges: np.ndarray) -> None:
    mol = b2()
    mol.SetProp("atom.dprop.PartialCharge", " ".join(f"{q:.4f}" for q in charges))
    host = next(Chem.SDMolSupplier(str(CB7), removeHs=False))
    host.SetProp("atom.dprop.PartialCharge", " ".join(f"{q:.4f}" for q in gasteiger(host)))
    files.ligands, files.receptor = [mol], str(write(files.folder / "host.sdf", [host]))
    files.settings = FILE_CHARGES


def gasteiger(mol: Chem.Mol) -> np.ndarray:
    rdPartialCharges.ComputeGasteigerCharges(mol)
    return np.array([atom.GetDoubleProp("_GasteigerCharge") for atom in mol.GetAtoms()])


def no_charges_exported(files: Inputs) -> None:
    with_charges(files, np.zeros(b2().GetNumAtoms()))


def charges_of_atoms_in_another_order(files: Inputs) -> None:
    with_charges(files, gasteiger(b2())[::-1])


MISSED: list[tuple[Callable[[Inputs], None], str, str, str]] = [
    (wrong_symmetry_copy, "protein-overlap", "fail", "of chains A and B lie in each other"),
    (side_chains_in_each_other, "protein-overlap", "warn", "A:LYS16 NZ and A:ALA74 CB at 1.0 A"),
    (cofactor_of_another_frame, "cofactor-place", "fail", "the cofactor HED does not touch the receptor"),
    (cofactor_in_the_protein, "cofactor-place", "fail", "heavy atoms of the cofactor HED lie in the receptor"),
    (no_charges_exported, "partial-charges", "fail", "are all zero: no charges were exported"),
    (charges_of_atoms_in_another_order, "partial-charges", "warn", "which are equivalent"),
]


@pytest.mark.parametrize(("spoil", "check", "level", "words"), MISSED, ids=[each[0].__name__ for each in MISSED])
def test_what_was_missed_is_caught(tmp_path, spoil, check, level, words) -> None:
    assert_told(tmp_path, spoil, check, level, words)


def test_charges_of_a_model_are_told_as_its_own_for_ligand_and_host(tmp_path) -> None:
    files = Inputs(folder=tmp_path)
    with_charges(files, gasteiger(b2()))
    found = [each for each in files.check().findings if each.check == "partial-charges"]
    assert ["are Gasteiger charges" in each.message for each in found] == [True, True]


# Atoms in each other


def overlaps(lines: list[str]) -> tuple[Finding, ...]:
    return overlap_findings(parse_structure("\n".join(lines), source="receptor.pdb", cif=False))


def test_a_copy_beside_the_protein_does_not_lie_in_it() -> None:
    assert overlaps(copied(200.0)) == ()
    (found,) = overlaps(copied(1.0))
    assert found.level == "fail"


def test_the_pairs_are_those_of_a_count_over_all_distances() -> None:
    """Nothing shared with the search by a tree: every pair of atoms of 1 chain with the 20 residues of the other."""
    lines = [line for line in copied(5.0, 20) if line[12:16].strip()[0] not in "H123"]
    a, b = (np.array([place(line) for line in lines if line[21] == chain]) for chain in "AB")
    number = int(np.sum(np.linalg.norm(a[:, None] - b[None], axis=-1) < 2.0))
    (found,) = overlaps(lines)
    assert found.message.startswith(f"{number} pairs of heavy atoms of chains A and B")


def test_bonds_and_coordination_are_no_overlap() -> None:
    held = [("SG", "CYS", 301, 0.0, "S"), ("SG", "CYS", 305, 1.98, "S"), ("ZN", "ZN", 401, -1.9, "ZN")]
    assert overlaps([atom_line(n, r, k, shift * ALONG_X, e) for n, r, k, shift, e in held]) == ()
    (found,) = overlaps([atom_line(n, r, k, 0.5 * shift * ALONG_X, e) for n, r, k, shift, e in held])
    assert found.message.startswith("2 pairs")


def test_atoms_that_are_never_there_together_do_not_overlap() -> None:
    one, other = atom_line("CD", "LYS", 301, np.zeros(3), "C"), atom_line("CD", "GLU", 401, np.ones(3), "C")
    assert len(overlaps([one, other])) == 1
    half = [line.replace("  1.00", "  0.50") for line in (one, other)]
    assert overlaps(half) == ()
    apart = [
        atom_line("CD", "LYS", 301, np.zeros(3), "C", alternate="A"),
        atom_line("CD", "GLU", 401, np.ones(3), "C", alternate="B"),
    ]
    assert overlaps(apart) == ()


def test_what_is_dropped_does_not_overlap() -> None:
    lines = [atom_line("CD", "LYS", 301, np.zeros(3), "C"), atom_line("CD", "GLU", 401, np.ones(3), "C")]
    structure = parse_structure("\n".join(lines), source="receptor.pdb", cif=False)
    assert overlap_findings(structure, drop=["A:GLU401"]) == ()


@pytest.mark.parametrize("file", sorted(PERSES.glob("*/*_protein.pdb")), ids=lambda file: file.stem)
def test_prepared_receptors_have_no_overlap(file) -> None:
    assert overlap_findings(read_structure(file)) == ()


def test_t4_lysozyme_has_no_overlap() -> None:
    assert overlaps(atoms()) == ()


# Charges


_ITS_OWN = (
    "warn: the partial charges of its file are Gasteiger charges (each within 0.01 e), and Sage and GAFF go with "
)
_ITS_OWN += "AM1-BCC"


def told(mol: Chem.Mol, charges: np.ndarray) -> str:
    return " ".join(f"{each.level}: {each.message}" for each in charge_findings(mol, charges, ligand="guest"))


@pytest.mark.parametrize(
    "smiles", ["CC(=O)Nc1ccccc1", "CC(=O)[O-]", "C[NH3+]", "CS(=O)(=O)N", "COP(=O)([O-])[O-]", "C"]
)
def test_charges_of_two_models_are_charges(smiles) -> None:
    mol = shape(smiles)
    assert told(mol, gasteiger(mol)) == _ITS_OWN
    properties = MMFFGetMoleculeProperties(mol)
    charges = np.array([properties.GetMMFFPartialCharge(i) for i in range(mol.GetNumAtoms())])
    if charges.any():
        assert told(mol, charges) == _ITS_OWN.replace("Gasteiger", "MMFF94")


def test_charges_that_no_model_makes_are_told() -> None:
    mol = shape("C[NH3+]")  # C, N, three hydrogens of the methyl, three of the nitrogen
    assert "are all equal (+0.1250 e)" in told(mol, np.full(8, 0.125))
    assert "are whole numbers" in told(mol, np.array([0, 1.0, 0, 0, 0, 0, 0, 0]))
    assert "are zero at H5, H6, H7" in told(mol, np.array([0.4, 0.6, 0, 0, 0, 0, 0, 0]))
    rest = [0.1, 0.1, 0.1, 0.3, 0.3, 0.3]
    assert told(mol, np.array([2.9, -3.1, *rest])).startswith("warn: the partial charges of its file are beyond 2 e")
    uneven = [0.4, -0.1, 0.0, 0.3, 0.3, 0.3]
    assert "-0.10 and +0.40 e at H3, H2, which are equivalent" in told(mol, np.array([0.1, -0.3, *uneven]))
    assert "are negative at H5" in told(mol, np.array([0.9, 0.4, 0.1, 0.1, 0.1, -0.2, -0.2, -0.2]))
    united = [0.0, 0.0, 0.0, 0.3, 0.3, 0.3]
    assert told(mol, np.array([0.3, -0.2, *united])) == ""


def test_hydrogens_on_carbon_without_charges_are_told() -> None:
    mol = shape("CF")
    assert "zero at all hydrogens" in told(mol, np.array([0.3, -0.3, 0, 0, 0]))


@pytest.mark.parametrize("file", ["cb7/guests.sdf", "hydration/ethylparaben.sdf", "sars-cov-2-mpro/ligands.sdf"])
def test_charges_of_shipped_ligands_are_charges(file) -> None:
    for mol in Chem.SDMolSupplier(str(ROOT / "systems" / file), removeHs=False):
        assert told(mol, gasteiger(mol)) == _ITS_OWN
