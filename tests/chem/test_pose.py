"""Poses: the core lies on the reference's, the receptor decides the rest, and what it leaves open is kept."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from bindfe.chem.ligand import Ligand, read_ligands
from bindfe.chem.pose import MODES_APART, judge_pose, place_ligand, place_series, pose_rmsd
from bindfe.chem.pose_contact import Contacts, Pocket, pocket_of, pocket_of_molecule
from bindfe.chem.pose_core import common_core
from bindfe.chem.pose_draw import draw_poses
from bindfe.chem.pose_relax import free_minimum, pose_energy
from bindfe.chem.receptor import read_receptor
from bindfe.errors import InputError

SYSTEMS = Path(__file__).resolve().parents[2] / "systems"


def ligand(smiles: str, name: str = "") -> Ligand:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(mol, randomSeed=7)
    rdForceFieldHelpers.MMFFOptimizeMolecule(mol, maxIters=2000)
    return Ligand(name=name or smiles, mol=mol, source="made here")


def pocket(points: np.ndarray, symbol: str = "C") -> Pocket:
    """Atoms of one element at points [A]."""
    return pocket_of([symbol] * len(points), 0.1 * np.asarray(points, dtype=float), labels=["wall"] * len(points))


EMPTY = pocket(np.array([[100.0, 100.0, 100.0]]))


# Contacts


def test_two_carbons_give_the_published_terms() -> None:
    """At a surface distance d each term has a value that can be written down; methane is one heavy atom."""
    methane = ligand("C")
    x = np.asarray(methane.mol.GetConformer().GetPositions()) - methane.mol.GetConformer().GetPositions()[0]
    contacts = Contacts(methane.mol, pocket(np.array([[0.0, 0.0, 0.0], [500.0, 0, 0]])))
    for d, expected in (
        (0.0, -0.035579 - 0.005156 * np.exp(-9 / 4) - 0.035069),
        (1.0, -0.035579 * np.exp(-4.0) - 0.005156 * np.exp(-1.0) - 0.035069 * 0.5),
        (-1.0, -0.035579 * np.exp(-4.0) - 0.005156 * np.exp(-4.0) + 0.840245 - 0.035069),
    ):
        found = contacts.energy_and_gradient(x + np.array([3.8 + d, 0.0, 0.0]))[0]
        assert found == pytest.approx(expected, abs=1e-8)


def test_a_hydrogen_bond_needs_a_donor() -> None:
    """An ether meets an oxygen at 2.8 A: 0.86 of the published -0.587 kcal/mol, if that oxygen has a hydrogen."""
    ether = ligand("COC")
    x = np.asarray(ether.mol.GetConformer().GetPositions())
    x = x - x[1] + np.array([-2.8, 0.0, 0.0])

    def energy(symbols: list[str], places: list[list[float]]) -> float:
        made = pocket_of(symbols, np.array(places), labels=symbols)
        return Contacts(ether.mol, made).energy_and_gradient(x)[0]

    here, near, far = [0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [50.0, 0.0, 0.0]
    hydroxyl, carbonyl = energy(["O", "H"], [here, near]), energy(["O", "H"], [here, far])
    unknown = energy(["O"], [here])
    assert hydroxyl - carbonyl == pytest.approx(-0.587439 * 0.6 / 0.7, abs=1e-6)
    assert unknown == pytest.approx(hydroxyl)  # no hydrogens in the structure: any oxygen may have one


def test_the_gradient_is_the_energys() -> None:
    rng = np.random.default_rng(5)
    phenol = ligand("Oc1ccccc1")
    walls = pocket(rng.normal(scale=4.0, size=(30, 3)), "O")
    contacts = Contacts(phenol.mol, walls)
    x = np.asarray(phenol.mol.GetConformer().GetPositions())
    _, gradient = contacts.energy_and_gradient(x)
    for atom, axis in ((0, 0), (3, 2), (6, 1)):
        step = np.zeros_like(x)
        step[atom, axis] = 1e-5
        numeric = (contacts.energy_and_gradient(x + step)[0] - contacts.energy_and_gradient(x - step)[0]) / 2e-5
        assert numeric == pytest.approx(gradient[atom, axis], abs=2e-4)


def test_a_clash_names_both_atoms_and_the_distance() -> None:
    methane = ligand("C")
    x = np.asarray(methane.mol.GetConformer().GetPositions())
    contacts = Contacts(methane.mol, pocket(x[:1] + np.array([2.0, 0.0, 0.0])))
    (clash,) = contacts.clashes(x)
    assert (clash.ligand_atom, clash.label) == (0, "wall")
    assert clash.distance == pytest.approx(0.2, abs=1e-6)
    assert contacts.buried(x) == 1.0
    assert contacts.buried(x + 20) == 0.0


# Cores


def test_a_core_is_whole_rings_and_the_same_elements() -> None:
    core = common_core(ligand("Cc1ccccc1").mol, ligand("c1ccc2ccccc2c1").mol, name="toluene")
    assert core.n_atoms == 6


def test_every_overlay_that_is_not_a_symmetry_of_the_ligand_is_tried() -> None:
    """Benzene on toluene: six turns and six flips are one; m-chlorotoluene on toluene's ring has more."""
    toluene = ligand("Cc1ccccc1").mol
    assert len(common_core(ligand("c1ccccc1").mol, toluene, name="benzene").overlays) == 1
    assert len(common_core(ligand("Cc1cccc(Cl)c1").mol, toluene, name="meta").overlays) == 2
    assert len(common_core(ligand("Cc1ccc(Cl)cc1").mol, toluene, name="para").overlays) == 1


def test_without_a_common_core_there_is_no_pose() -> None:
    with pytest.raises(InputError, match=r"shares only \d of .* heavy atoms with the reference"):
        common_core(ligand("CCCCCCBr").mol, ligand("c1ccc2[nH]ccc2c1").mol, name="hexyl bromide")


# Strain


def test_a_minimum_is_not_strained_and_a_bent_molecule_is() -> None:
    butane = ligand("CCCC")
    lowest = free_minimum(butane.mol, name="butane", seed=1)
    assert pose_energy(butane.mol, name="butane") - lowest < 0.9  # anti or gauche
    eclipsed = Chem.Mol(butane.mol)
    from rdkit.Chem import rdMolTransforms

    rdMolTransforms.SetDihedralDeg(eclipsed.GetConformer(), 0, 1, 2, 3, 0.0)
    strain = pose_energy(eclipsed, name="butane") - lowest
    assert 2.5 < strain < 6.5  # 5 kcal/mol less what 0.15 A of freedom relaxes


def test_a_ligand_outside_mmff_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"silane: MMFF94 has no parameters"):
        pose_energy(ligand("C[Se]C", "silane").mol, name="silane")


# Placing


def test_a_ligand_is_put_back_on_itself() -> None:
    phenol = ligand("Oc1ccccc1CC")
    (placed, *_) = place_ligand(phenol, phenol, EMPTY)
    assert placed.core_rmsd < 0.03
    assert pose_rmsd(placed.ligand.mol, phenol.mol) < 0.5
    assert placed.strain < 2.0
    assert not placed.clashes
    assert placed.ligand.mol.GetNumConformers() == 1


def test_a_wall_decides_where_a_substituent_points() -> None:
    """Meta-chlorotoluene on toluene has its chlorine left or right of the methyl; a wall takes one of the sides."""
    toluene, meta = ligand("Cc1ccccc1", "toluene"), ligand("Cc1cccc(Cl)c1", "meta")
    both = place_ligand(meta, toluene, EMPTY)
    assert len(both) == 2
    assert pose_rmsd(both[0].ligand.mol, both[1].ligand.mol) > MODES_APART
    chlorine = next(atom.GetIdx() for atom in meta.mol.GetAtoms() if atom.GetSymbol() == "Cl")
    (carbon,) = meta.mol.GetAtomWithIdx(chlorine).GetNeighbors()
    x = np.asarray(both[0].ligand.mol.GetConformer().GetPositions())
    walled = place_ligand(meta, toluene, pocket((2 * x[chlorine] - x[carbon.GetIdx()])[None]))
    assert len(walled) == 1
    assert pose_rmsd(walled[0].ligand.mol, both[1].ligand.mol) < 0.6


def test_chirality_survives_placing() -> None:
    reference = ligand("C[C@H](O)c1ccccc1", "S")
    other = "C[C@@H](O)c1ccccc1"
    (placed, *_) = place_ligand(ligand(other), reference, EMPTY)
    mol = Chem.Mol(placed.ligand.mol)
    Chem.AssignStereochemistryFrom3D(mol, replaceExistingTags=True)
    assert Chem.MolToSmiles(Chem.RemoveHs(mol)) == Chem.CanonSmiles(other)
    assert placed.core_rmsd > 0.01  # the other hand cannot lie on it


def test_a_guest_in_its_host_is_a_good_pose_and_beside_it_is_not() -> None:
    host = read_receptor(SYSTEMS / "cb7" / "cb7.sdf")
    (guest,) = read_ligands(SYSTEMS / "cb7" / "b2.sdf")
    cavity = pocket_of_molecule(host.host, name="CB7")
    good = judge_pose(guest, cavity)
    assert not good.clashes
    assert good.strain < 5.0
    assert good.buried > 0.8  # the alcohols stick out at the rims
    assert good.contact < -3.0
    moved = Chem.Mol(guest.mol)
    moved.GetConformer().SetPositions(np.asarray(moved.GetConformer().GetPositions()) + np.array([6.0, 0.0, 0.0]))
    assert judge_pose(Ligand(name="in the wall", mol=moved, source=""), cavity).clashes


def test_a_series_is_drawn_with_its_core() -> None:
    toluene, meta = ligand("Cc1ccccc1", "toluene"), ligand("Cc1cccc(Cl)c1", "meta")
    svg = draw_poses(place_series([meta], toluene, EMPTY), toluene)
    ElementTree.fromstring(svg.encode())
    assert len(re.findall(r"#B7DBF9|#B8DBFA", svg)) >= 14  # seven core atoms in each of two modes


# Real series: the poses of the public benchmark, which were made by hand from crystal structures


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("target", "crystal"), [("tyk2", "lig_ejm_31")])
def test_a_series_placed_from_one_ligand_lies_where_the_benchmark_has_it(data_directory, target, crystal) -> None:
    folder = data_directory / "plb" / target
    series = read_ligands(folder / "02_ligands" / "ligands.sdf")
    protein = Chem.MolFromPDBFile(
        str(folder / "01_protein" / "crd" / "protein.pdb"), sanitize=False, removeHs=False, proximityBonding=False
    )
    site = pocket_of(
        [atom.GetSymbol() for atom in protein.GetAtoms()],
        0.1 * np.asarray(protein.GetConformer().GetPositions()),
        labels=[atom.GetPDBResidueInfo().GetResidueName() for atom in protein.GetAtoms()],
        near=np.concatenate([each.positions for each in series]),
        reach=1.0,
    )
    reference = next(each for each in series if each.name == crystal)
    for given in series:
        modes = place_ligand(given, reference, site)
        assert not modes[0].clashes
        assert modes[0].core_rmsd < 0.03
        assert min(pose_rmsd(mode.ligand.mol, given.mol) for mode in modes) < 1.5
