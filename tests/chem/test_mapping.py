from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdMolAlign, rdMolTransforms

from bindfe.chem.draw_map import draw_map
from bindfe.chem.ligand import Ligand, read_ligands
from bindfe.chem.mapping import alignment_pairs, check_map, map_atoms
from bindfe.errors import InputError


def ligand(smiles: str, name: str = "x", *, onto: Ligand | None = None, pairs=()) -> Ligand:
    """Embedded, and laid on another ligand by pairs of its own and the other's atoms."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(mol, randomSeed=3)
    if onto is not None:
        rdMolAlign.AlignMol(mol, onto.mol, atomMap=[(j, i) for i, j in pairs])
    return Ligand(name=name, mol=mol, source="test")


def permuted(a: Ligand, seed: int) -> tuple[Ligand, np.ndarray]:
    """The same atoms in the same places in another order, with the old number of each."""
    order = np.random.default_rng(seed).permutation(a.n_atoms)
    return Ligand(name="y", mol=Chem.RenumberAtoms(a.mol, [int(i) for i in order]), source="test"), order


@pytest.mark.parametrize("smiles", ["Cc1ccccc1", "OCC12CCC(CO)(CC1)CC2", "C[C@H](O)c1ccc(F)cc1", "FC(F)(F)c1ccncc1"])
def test_a_ligand_maps_onto_itself_atom_by_atom_however_its_atoms_are_numbered(smiles):
    # A symmetric molecule has many graph matches; only one leaves every atom where it is.
    a = ligand(smiles)
    b, order = permuted(a, seed=5)
    found = map_atoms(a, b)
    assert {i: int(order[j]) for i, j in found.pairs} == {i: i for i in range(a.n_atoms)}
    assert (found.score, found.findings) == (1.0, ())
    assert found.rmsd_nm == pytest.approx(0.0, abs=1e-9)


def test_the_way_back_is_the_same_map():
    a = ligand("Cc1ccccc1O")
    b = ligand("Clc1ccccc1OC", onto=a, pairs=[(i, i) for i in range(8)])
    there, back = map_atoms(a, b), map_atoms(b, a)
    assert there.inverse().core == back.core
    assert there.score == back.score


def test_of_two_symmetric_places_the_one_in_space_is_taken():
    # 2-fluorotoluene on toluene: the fluorine's carbon may be either ortho carbon of the graph.
    a = ligand("Cc1ccccc1")
    b = ligand("Cc1ccccc1F", onto=a, pairs=[(0, 0), (1, 1), (2, 6), (6, 2), (4, 4)])
    assert set(map_atoms(a, b).core) == {(0, 0), (1, 1), (2, 6), (3, 5), (4, 4), (5, 3), (6, 2)}


def test_a_centre_of_the_other_hand_is_said_though_its_atoms_lie_too_far_apart_for_the_core():
    # The rings of chlorocyclopropane lie on opposite sides: no pair of theirs is within the limit.
    a = ligand("O=C(c1ccccc1)N[C@@H]1C[C@@H]1Cl", "a")
    b = ligand("O=C(c1ccccc1)N[C@H]1C[C@H]1Cl", "b", onto=a, pairs=[(i, i) for i in range(9)])
    found = map_atoms(a, b, farthest_nm=0.08)
    assert len(found.core) < 12
    assert "map-chirality" in {finding.check for finding in found.findings}
    same = ligand("O=C(c1ccccc1)N[C@@H]1C[C@@H]1Cl", "same", onto=a, pairs=[(i, i) for i in range(9)])
    turned = Chem.Mol(same.mol)
    rdMolTransforms.SetDihedralDeg(turned.GetConformer(), 1, 8, 9, 10, 30.0)
    turned = Ligand(name="turned", mol=turned, source="test")
    assert "map-chirality" not in {finding.check for finding in map_atoms(a, turned, farthest_nm=0.08).findings}


def test_an_inverted_centre_is_left_out_of_the_core_and_said():
    a = ligand("CC[C@H](O)c1ccccc1")
    b = ligand("CC[C@@H](O)c1ccccc1", onto=a, pairs=[(i, i) for i in range(1, 10)])
    found = map_atoms(a, b, farthest_nm=0.3)
    assert (2, 2) not in found.core or (3, 3) not in found.core
    assert "map-chirality" in {finding.check for finding in found.findings}
    assert {finding.check for finding in check_map(a, b, [(i, i) for i in range(10)])} == {"map-chirality"}


@pytest.mark.parametrize(
    ("first", "second", "pairs", "rule"),
    [
        ("C1CCCCC1c1ccccc1", "CCCCCCc1ccccc1", [(i, i) for i in range(12)], "map-ring-broken"),
        ("C1CCCC1c1ccccc1", "C1CCCCC1c1ccccc1", [(i, i) for i in range(4)], "map-ring-size"),
        ("CC#C", "CC=C", [(0, 0), (1, 1), (2, 2)], "map-linear-to-bent"),
    ],
)
def test_a_given_map_that_breaks_a_rule_is_refused_with_the_atoms(first, second, pairs, rule):
    a, b = ligand(first, "a"), ligand(second, "b")
    found = check_map(a, b, pairs)
    assert rule in {finding.check for finding in found}
    assert all(finding.level == "fail" and finding.ligand == "a~b" for finding in found)
    assert re.search(r"C\d+/C\d+", found[0].message)


@pytest.mark.parametrize(
    ("first", "second", "core"),
    [
        ("C1CCCCC1c1ccccc1", "CCCCCCc1ccccc1", 6),  # a ring is not opened
        ("C1CCCC1c1ccccc1", "C1CCCCC1c1ccccc1", 6),  # nor grown
        ("c1ccc2ccccc2c1C", "c1ccccc1C", 7),  # but a fused ring may be left out
        ("CC(=O)Nc1ccccc1", "CC(C)Nc1ccccc1", 7),  # sp2 does not become sp3
    ],
)
def test_rings_and_hybridisation_stay_what_they_are(first, second, core):
    a, b = ligand(first), ligand(second)
    assert len(map_atoms(a, b, farthest_nm=10.0).core) == core


def test_poses_that_lie_apart_share_nothing():
    a = ligand("Cc1ccccc1", "a")
    b, _ = permuted(a, seed=1)
    b.mol.GetConformer().SetPositions(a.mol.GetConformer().GetPositions() + 30.0)
    found = map_atoms(a, b)
    assert (found.core, found.score) == ((), 0.0)
    assert [finding.check for finding in found.findings] == ["no-common-core"]


def test_a_change_of_charge_costs_nine_tenths_of_the_score():
    a = ligand("Cc1ccccc1O")
    b = ligand("Cc1ccccc1[O-]", onto=a, pairs=[(i, i) for i in range(8)])
    found = map_atoms(a, b)
    assert found.score == pytest.approx(0.1)
    assert "map-charge" in {finding.check for finding in found.findings}


def test_alignment_atoms_are_rigid_and_off_a_line():
    a = ligand("CCCCc1ccccc1CCC")
    three = alignment_pairs(a, a, map_atoms(a, a))
    x = a.positions[[i for i, _ in three]]
    assert all(a.mol.GetAtomWithIdx(i).IsInRing() for i, _ in three)
    assert np.linalg.norm(np.cross(x[1] - x[0], x[2] - x[0])) > 0.02


def test_a_map_with_an_atom_that_is_not_there_is_refused():
    a = ligand("CCO", "a")
    with pytest.raises(InputError, match=r"a: no atom 40; it has 0 to 8"):
        check_map(a, a, [(40, 0)])


def test_the_drawing_colours_every_heavy_atom_and_numbers_the_core_alike():
    a = ligand("Cc1ccccc1O", "a")
    b = ligand("Cc1ccccc1F", "b", onto=a, pairs=[(i, i) for i in range(8)])
    found = map_atoms(a, b)
    svg = draw_map(a, b, found)
    assert svg.count("<ellipse") == 16
    assert len(found.core) == 8


@pytest.mark.data
@pytest.mark.parametrize("mapper", ["lomap", "kartograf"])
def test_cores_of_tyk2_are_those_of_the_public_networks(data_directory: Path, mapper):
    # Two mappers that share no code with ours.
    series = {each.name: each for each in read_ligands(data_directory / "plb/tyk2/02_ligands/ligands.sdf")}
    text = (data_directory / f"plb/tyk2/03_edges/{mapper}_mapper_lomap_network.yml").read_text()
    edges = yaml.safe_load(text)["edges"].values()
    for edge in edges:
        a, b = series[edge["ligand_a"]], series[edge["ligand_b"]]
        public = {
            (i, j)
            for i, j in edge["atom mapping"].items()
            if a.mol.GetAtomWithIdx(i).GetAtomicNum() > 1 < b.mol.GetAtomWithIdx(j).GetAtomicNum()
        }
        assert set(map_atoms(a, b).core) == public
