"""Ligands and hosts: what is read is what the file says, and what cannot be simulated is refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDepictor, rdDistGeom
from rdkit.Geometry import Point3D

from bindfe.chem.ligand import read_ligands, write_ligands
from bindfe.chem.receptor import read_receptor
from bindfe.errors import InputError


def _embedded(smiles: str, title: str = "x") -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    mol.SetProp("_Name", title)
    return mol


def _write(path: Path, *mols: Chem.Mol) -> Path:
    path.write_text("".join(Chem.MolToMolBlock(mol, kekulize=True) + "$$$$\n" for mol in mols))
    return path


@pytest.fixture
def sdf(tmp_path: Path) -> Path:
    return tmp_path / "guests.sdf"


# what is written


def test_written_ligands_are_read_again(sdf, tmp_path):
    before = read_ligands(_write(sdf, _embedded("C[C@H](F)/C=C/C(=O)[O-]", "one"), _embedded("NCc1ccccc1", "two")))
    charges = (np.linspace(-0.3, 0.3, before[0].n_atoms) - 1.0 / before[0].n_atoms).round(6)  # of an anion
    before[0].mol.SetProp("atom.dprop.PartialCharge", " ".join(map(str, charges)))
    write_ligands(before, tmp_path / "again.sdf")
    after = read_ligands(tmp_path / "again.sdf")
    assert [(each.name, each.smiles) for each in after] == [(each.name, each.smiles) for each in before]
    for one, other in zip(before, after, strict=True):
        assert other.positions == pytest.approx(one.positions, abs=1e-5)
    assert after[0].partial_charges == pytest.approx(charges)
    assert after[1].partial_charges is None


# what is read


def test_keeps_atoms_order_and_coordinates_of_the_file(sdf):
    mol = _embedded("CC(=O)[O-]", "acetate")
    (ligand,) = read_ligands(_write(sdf, mol))
    assert ligand.name == "acetate"
    assert ligand.elements == tuple("CCOOHHH")
    assert ligand.n_atoms == 7
    assert ligand.formal_charge == -1
    assert ligand.smiles == "CC(=O)[O-]"
    assert ligand.positions == pytest.approx(0.1 * mol.GetConformer().GetPositions(), abs=1e-5)
    assert ligand.source == f"{sdf}, record 1"


def test_reads_records_in_order_and_those_that_are_named(sdf):
    _write(sdf, _embedded("CO", "methanol"), _embedded("CCO", "ethanol"), _embedded("CCCO", "propanol"))
    assert [ligand.smiles for ligand in read_ligands(sdf)] == ["CO", "CCO", "CCCO"]
    assert [ligand.name for ligand in read_ligands(sdf, ["propanol", "methanol"])] == ["methanol", "propanol"]


def test_a_broken_record_that_is_not_asked_for_does_no_harm(sdf):
    _write(sdf, _embedded("CO", "methanol"))
    sdf.write_text(sdf.read_text() + "broken\n\n\nnot a molecule\n$$$$\n")
    assert read_ligands(sdf, ["methanol"])[0].smiles == "CO"


def test_reads_dos_line_ends_and_records_without_a_last_separator(sdf):
    text = _write(sdf, _embedded("CO", "methanol")).read_text().removesuffix("$$$$\n")
    sdf.write_bytes(text.replace("\n", "\r\n").encode())
    assert read_ligands(sdf)[0].smiles == "CO"


MOL2 = """@<TRIPOS>MOLECULE
methylammonium
 8 7 1 0 0
SMALL
USER_CHARGES

@<TRIPOS>ATOM
 1 C1 -0.7440  0.0010 -0.0010 C.3 1 MAM  0.10
 2 N1  0.7640  0.0000  0.0000 N.4 1 MAM -0.30
 3 H1 -1.1070  1.0270  0.0210 H   1 MAM  0.10
 4 H2 -1.1070 -0.4970 -0.8990 H   1 MAM  0.10
 5 H3 -1.1060 -0.5310  0.8780 H   1 MAM  0.10
 6 H4  1.1200  0.4650  0.8400 H   1 MAM  0.30
 7 H5  1.1200 -0.9600 -0.0170 H   1 MAM  0.30
 8 H6  1.1200  0.4950 -0.8230 H   1 MAM  0.30
@<TRIPOS>BOND
 1 1 2 1
 2 1 3 1
 3 1 4 1
 4 1 5 1
 5 2 6 1
 6 2 7 1
 7 2 8 1
"""


def test_reads_mol2_with_its_charges(tmp_path):
    path = tmp_path / "guest.mol2"
    path.write_text(MOL2)
    (ligand,) = read_ligands(path)
    assert (ligand.name, ligand.smiles, ligand.formal_charge) == ("methylammonium", "C[NH3+]", 1)
    assert ligand.partial_charges == pytest.approx([0.1, -0.3, 0.1, 0.1, 0.1, 0.3, 0.3, 0.3])


def test_reads_charges_from_the_sdf_field_that_openff_writes(sdf):
    text = _write(sdf, _embedded("CO")).read_text()
    assert read_ligands(sdf)[0].partial_charges is None
    charges = "0.1 -0.6 0.0 0.0 0.1 0.4"
    sdf.write_text(text.replace("$$$$", f">  <atom.dprop.PartialCharge>\n{charges}\n\n$$$$"))
    assert read_ligands(sdf)[0].partial_charges == pytest.approx([float(q) for q in charges.split()])


def test_refuses_charges_that_do_not_match_the_atoms(sdf):
    text = _write(sdf, _embedded("CO")).read_text()
    sdf.write_text(text.replace("$$$$", ">  <atom.dprop.PartialCharge>\n0.1 0.2\n\n$$$$"))
    _refused(sdf, "atom.dprop.PartialCharge", "6")


@pytest.mark.parametrize("smiles", ["F[C@H](Cl)Br", "F[C@@H](Cl)Br", r"F/C=C/Cl", r"F/C=C\Cl", "O[C@H]1CC[C@@H](O)CC1"])
def test_takes_stereochemistry_from_the_structure(sdf, smiles):
    mol = _embedded(smiles)
    for atom in mol.GetAtoms():
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    assert read_ligands(_write(sdf, mol))[0].smiles == Chem.CanonSmiles(smiles)


@pytest.mark.parametrize("smiles", ["OCC12CCC(CO)(CC1)CC2", "OC12CC3CC(CC(C3)C1)C2", "C1CC2CCC1N2", "CCN(C)C"])
def test_bridgeheads_and_amines_are_no_stereocentres(sdf, smiles):
    assert read_ligands(_write(sdf, _embedded(smiles)))[0].smiles == Chem.CanonSmiles(smiles)


# identity


def test_content_is_that_of_the_physics(sdf):
    mol = _embedded("CCO", "a")
    content = read_ligands(_write(sdf, mol))[0].content()
    mol.SetProp("_Name", "b")
    assert read_ligands(_write(sdf, mol))[0].content() == content
    moved = Chem.Mol(mol)
    moved.GetConformer().SetAtomPosition(0, Point3D(*(moved.GetConformer().GetPositions()[0] + 0.01)))
    assert read_ligands(_write(sdf, moved))[0].content() != content
    turned = Chem.RenumberAtoms(mol, [1, 0, *range(2, mol.GetNumAtoms())])
    assert read_ligands(_write(sdf, turned))[0].content() != content


def test_names_are_safe_and_never_alike(sdf):
    titles = ["a/b", "a b", "../../etc", "Figures", "x" * 300, "N,N-dimethyl", "benzene", "Benzene", "naïve"]
    ligands = read_ligands(_write(sdf, *(_embedded("CO", title) for title in titles)))
    names = [ligand.name for ligand in ligands]
    assert len({name.lower() for name in names}) == len(titles)
    for name in names:
        assert Path(name).name == name
        assert not name.startswith((".", "-"))
        assert len(name) <= 64
        assert name.isascii()
    assert names[5] == "N_N-dimethyl"
    assert "figures" not in [name.lower() for name in names]
    assert read_ligands(sdf, ["a/b"])[0].name == names[0]


def test_a_record_without_title_is_called_after_the_file(sdf):
    assert read_ligands(_write(sdf, _embedded("CO", "")))[0].name == "guests"
    names = [ligand.name for ligand in read_ligands(_write(sdf, _embedded("CO", ""), _embedded("CCO", "")))]
    assert names == ["guests-1", "guests-2"]


# what is refused


def _refused(path: Path, *words: str, names: tuple[str, ...] = ()) -> None:
    """The file is refused with one line that names it and has the words."""
    with pytest.raises(InputError) as caught:
        read_ligands(path, names)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    for word in words:
        assert word in message


def test_refuses_a_missing_file(tmp_path):
    _refused(tmp_path / "none.sdf", "no such file")


def test_refuses_a_directory(tmp_path):
    (tmp_path / "a.sdf").mkdir()
    _refused(tmp_path / "a.sdf", "cannot be read")


@pytest.mark.parametrize("text", ["", "\n\n", "$$$$\n"])
def test_refuses_an_empty_file(sdf, text):
    sdf.write_text(text)
    _refused(sdf, "holds no molecule")


def test_refuses_a_file_that_is_not_text(sdf):
    sdf.write_bytes(b"\x1f\x8b\x08\x00\xff\xfe")
    _refused(sdf, "not a text file")


def test_refuses_another_kind_of_file(tmp_path):
    path = tmp_path / "guest.xyz"
    path.write_text("1\n\nC 0 0 0\n")
    _refused(path, ".xyz", ".sdf or .mol2")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("V2000", "V9000", "V9000"),
        (" C  ", " Qq ", "Element 'Qq' not found"),
        ("M  END", "", "record 2 (bad)"),
    ],
)
def test_refuses_an_unreadable_record_with_rdkits_reason_and_prints_nothing(sdf, capfd, old, new, reason):
    good, bad = (Chem.MolToMolBlock(_embedded("CO", title)) for title in ("good", "bad"))
    sdf.write_text(f"{good}$$$$\n{bad.replace(old, new, 1)}$$$$\n")
    _refused(sdf, "record 2 (bad)", reason)
    assert capfd.readouterr() == ("", "")


def test_refuses_a_record_cut_short(sdf):
    text = _write(sdf, _embedded("CCO", "ethanol")).read_text()
    for end in range(0, len(text) - 20, 37):
        sdf.write_text(text[:end])
        _refused(sdf)


def test_refuses_mol2_with_amber_atom_types(tmp_path):
    path = tmp_path / "guest.mol2"
    path.write_text(MOL2.replace("C.3", "c3 "))
    _refused(path, "c3", "SYBYL")


def test_refuses_impossible_valence(sdf):
    mol = Chem.RWMol(_embedded("C[NH3+]", "amine"))
    for atom in mol.GetAtoms():
        atom.SetFormalCharge(0)
    _refused(_write(sdf, mol), "record 1 (amine)", "N", "formal charges")


def test_refuses_a_bond_that_makes_sense_only_until_valences_are_counted(sdf, root):
    """RDKit's list of problems is empty for this line; only its sanitisation objects."""
    text = (root / "systems/cb7/b2.sdf").read_text()
    sdf.write_text(text.replace("\n  2 14  1  0\n", "\n 9 2 14  1  0\n"))
    _refused(sdf, "(b2)", "impossible chemistry", "atom # 8 C")


def test_refuses_a_molecule_without_hydrogens(sdf):
    _refused(_write(sdf, Chem.RemoveHs(_embedded("CCO", "ethanol"))), "ethanol", "no hydrogens", "6 needed")


def test_refuses_a_molecule_that_lacks_one_hydrogen(sdf):
    mol = Chem.RWMol(_embedded("CCO", "ethanol"))
    mol.RemoveAtom(mol.GetNumAtoms() - 1)
    mol.GetAtomWithIdx(2).SetNoImplicit(False)
    _refused(_write(sdf, mol), "lacks 1 hydrogens", "O2")


def test_refuses_a_drawing(sdf):
    mol = _embedded("CCO", "ethanol")
    rdDepictor.Compute2DCoords(mol)
    _refused(_write(sdf, mol), "ethanol", "2D")
    mol.GetConformer().Set3D(True)
    _refused(_write(sdf, mol), "2D")


def test_accepts_a_flat_molecule_that_is_flat(sdf):
    mol = _embedded("c1ccccc1")
    flat = mol.GetConformer().GetPositions()
    axes = np.linalg.svd(flat - flat.mean(axis=0))[2]
    flat = (flat - flat.mean(axis=0)) @ axes.T * [1, 1, 0]
    mol.GetConformer().SetPositions(flat)
    assert read_ligands(_write(sdf, mol))[0].smiles == "c1ccccc1"


def test_refuses_coordinates_that_are_all_zero(sdf):
    mol = _embedded("CCO")
    mol.GetConformer().SetPositions(np.zeros((mol.GetNumAtoms(), 3)))
    _refused(_write(sdf, mol), "zero")


def test_refuses_two_atoms_in_one_place(sdf):
    mol = _embedded("CCO")
    mol.GetConformer().SetAtomPosition(5, mol.GetConformer().GetAtomPosition(0))
    _refused(_write(sdf, mol), "atoms 0 and 5", "0.00 A")


def test_refuses_two_molecules_in_one_record(sdf):
    mol = Chem.CombineMols(_embedded("C[NH3+]"), _embedded("O"))
    _refused(_write(sdf, mol), "2 molecules", "CH6N+", "H2O")


def test_refuses_elements_without_parameters(sdf):
    _refused(_write(sdf, _embedded("C[Si](C)(C)C", "tms")), "tms", "Si1", "Cl, Br and I")


def test_refuses_radicals(sdf):
    mol = Chem.RWMol(_embedded("CCO", "ethoxyl"))
    mol.RemoveAtom(mol.GetNumAtoms() - 1)
    mol.GetAtomWithIdx(2).SetNoImplicit(True)
    mol.GetAtomWithIdx(2).SetNumRadicalElectrons(1)
    mol.UpdatePropertyCache()
    _refused(_write(sdf, mol), "ethoxyl", "unpaired electrons", "O2")


def test_refuses_a_stereocentre_that_the_structure_leaves_open(sdf):
    mol = _embedded("FC(Cl)Br", "halomethane")
    flat = [[1.35, 0, 0], [0, 0, 0], [-0.9, 0, 1.5], [-1.0, 0, -1.6], [0.1, 0, -1.09]]
    mol.GetConformer().SetPositions(np.array(flat, dtype=float))
    _refused(_write(sdf, mol), "halomethane", "structure leaves the stereochemistry", "C1")


def test_refuses_a_double_bond_that_is_marked_as_either(sdf):
    mol = _embedded("F/C=C/Cl", "haloethene")
    Chem.RemoveStereochemistry(mol)
    _refused(_write(sdf, mol), "haloethene", "stereochemistry", "C1=C2", "unknown")


def test_the_structure_decides_an_amidine_that_is_marked_as_either(sdf):
    mol = _embedded("NC(=N)c1ccccc1")
    (ligand,) = read_ligands(_write(sdf, mol))
    assert ligand.smiles in {"[H]/N=C(/N)c1ccccc1", "[H]/N=C(\\N)c1ccccc1"}


def test_refuses_a_mixture_of_enantiomers(sdf):
    mol = Chem.RWMol(_embedded("F[C@H](Cl)Br", "racemate"))
    group = Chem.CreateStereoGroup(Chem.StereoGroupType.STEREO_AND, mol, [1])
    mol.SetStereoGroups([group])
    sdf.write_text(Chem.MolToV3KMolBlock(mol) + "$$$$\n")
    _refused(sdf, "racemate", "stereochemistry", "C1", "mixed")


def test_refuses_two_records_with_one_title(sdf):
    _refused(_write(sdf, _embedded("CO", "same"), _embedded("CCO", "same")), "records 1, 2", "'same'")


def test_refuses_a_name_that_is_not_in_the_file(sdf):
    _write(sdf, _embedded("CO", "methanol"), _embedded("CCO", "ethanol"))
    _refused(sdf, "'propanol'", "methanol, ethanol", names=("ethanol", "propanol"))


# receptors


def test_a_host_is_read_like_a_ligand(sdf):
    receptor = read_receptor(_write(sdf, _embedded("C1COCCOCCOCCOCCOCCO1", "18-crown-6")))
    assert (receptor.name, receptor.kind, receptor.pdb) == ("18-crown-6", "host", "")
    assert (receptor.n_atoms, receptor.formal_charge) == (42, 0)
    assert receptor.smiles == "C1COCCOCCOCCOCCOCCO1"
    assert receptor.positions.shape == (42, 3)
    assert receptor.content() == read_ligands(sdf)[0].content()
    assert read_receptor(sdf, "crown").name == "crown"


def test_a_receptor_file_holds_one_record(sdf):
    _write(sdf, _embedded("CO", "methanol"), _embedded("CCO", "ethanol"))
    with pytest.raises(InputError, match=r"holds 2 records"):
        read_receptor(sdf)


def test_a_host_meets_the_same_checks(sdf):
    with pytest.raises(InputError, match=r"no hydrogens"):
        read_receptor(_write(sdf, Chem.RemoveHs(_embedded("C1COCCOCCO1"))))
