"""Equivalent poses are the rotations of a molecule's point group, and the turns of its branches; nothing else is."""

import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from bindfe.chem.ligand import Ligand
from bindfe.chem.symmetry import equivalent_poses, fewest_equivalent_poses


def ligand(smiles: str) -> Ligand:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(mol, randomSeed=7)
    return Ligand(name="x", mol=mol, source="made")


@pytest.mark.parametrize(
    ("smiles", "rotations"),
    [
        ("c1ccccc1", 12),  # D6h
        ("Cc1ccccc1", 2),  # C2v
        ("Cc1ccc(C)cc1", 4),  # D2h
        ("Cc1cc(C)cc(C)c1", 6),  # D3h
        ("CC(C)(C)C", 12),  # Td
        ("C1C2CC3CC1CC(C2)C3", 12),  # Td, adamantane
        ("C1CC2CCC1CC2", 6),  # D3h, bicyclo[2.2.2]octane
        ("C/C=C/C", 2),  # C2h
        ("C/C=C\\C", 2),  # C2v
        ("c1ccc2ccccc2c1", 4),  # D2h
        ("c1ccc2[nH]ccc2c1", 1),
        ("C[C@H](N)C(=O)OC", 1),
        ("CC(C)C(=O)N", 1),  # two methyls that only an inversion would exchange
        ("CC(C)=CCl", 1),  # two methyls that only a turn of a double bond would exchange
    ],
)
def test_a_rigid_molecule_has_as_many_as_proper_rotations(smiles: str, rotations: int) -> None:
    molecule = ligand(smiles)
    everything = [atom.GetIdx() for atom in molecule.mol.GetAtoms() if atom.GetAtomicNum() > 1]
    assert equivalent_poses(molecule, everything) == rotations


def test_what_the_anchors_do_not_hold_turns_freely() -> None:
    chlorobenzyl = ligand("OC(=O)C(N)Cc1ccc(Cl)cc1")
    acid, ring = (4, 3, 1), (7, 8, 6)
    assert equivalent_poses(chlorobenzyl, acid) == 1
    assert equivalent_poses(chlorobenzyl, ring) == 2
    assert fewest_equivalent_poses(chlorobenzyl) == 1
    assert equivalent_poses(ligand("CC(C)(C)c1ccccc1"), (0, 1, 4)) == 3  # one methyl of tert-butyl is held


@pytest.mark.parametrize(("smiles", "fewest"), [("c1ccccc1", 12), ("Cc1ccccc1", 2), ("c1ccc2[nH]ccc2c1", 1)])
def test_anchors_cannot_avoid_the_symmetry_of_the_whole_molecule(smiles: str, fewest: int) -> None:
    assert fewest_equivalent_poses(ligand(smiles)) == fewest
