"""Docking: a crystal's pose is found again by a search that has not seen it, in a protein's cavity and in a host."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from scipy.spatial.distance import cdist

from bindfe.chem import dock as room
from bindfe.chem.dock import dock
from bindfe.chem.inclusion import embed_guest
from bindfe.chem.ligand import Ligand, read_ligands
from bindfe.chem.pose import pose_rmsd
from bindfe.chem.pose_contact import Contacts, pocket_of
from bindfe.chem.receptor import read_receptor
from bindfe.errors import InputError, MissingDependency

SYSTEMS = Path(__file__).resolve().parents[2] / "systems"
there = pytest.mark.skipif(find_spec("vina") is None or find_spec("meeko") is None, reason="vina or meeko is absent")


def fresh(name: str, smiles: str) -> Ligand:
    """A conformer of its own, far from the site."""
    mol = embed_guest(name, smiles)
    mol.GetConformer().SetId(0)
    mol.GetConformer().SetPositions(mol.GetConformer().GetPositions() + 50.0)
    return Ligand(name=name, mol=mol, source="SMILES")


@pytest.fixture(scope="module")
def lysozyme():
    data = Path(find_spec("openmmtools").origin).parent / "data" / "T4-lysozyme-L99A-implicit"
    return read_receptor(data / "receptor.pdb"), read_ligands(data / "ligand.tripos.mol2")[0]


@there
def test_p_xylene_goes_back_to_where_the_crystal_has_it(lysozyme):
    receptor, crystal = lysozyme
    (best, *_) = dock(fresh("p-xylene", "Cc1ccc(C)cc1"), receptor, near=crystal.positions, conformers=1)
    assert pose_rmsd(best.ligand.mol, crystal.mol) < 2.0
    assert best.contact < -3.0
    assert best.clashes == ()
    assert best.mode == 0


@there
def test_vinas_own_score_of_a_pose_is_the_contact_energy_that_poses_are_ranked_by(lysozyme):
    """The contacts are our own code; p-xylene has no torsion, which Vina would divide by."""
    receptor, crystal = lysozyme
    xylene = fresh("p-xylene", "Cc1ccc(C)cc1")
    low, high = 10 * crystal.positions.min(axis=0) - 4, 10 * crystal.positions.max(axis=0) + 4
    atoms = room._around(room._atoms_of(receptor), low, high, receptor)
    contacts = Contacts(xylene.mol, pocket_of(atoms.symbols, 0.1 * atoms.positions, labels=atoms.labels))
    vina, meeko = room._packages()
    text, rows = room._ligand_pdbqt(xylene, meeko)
    found = room._search(vina, room._receptor_pdbqt(atoms), text, low, high, 1, 7, xylene.name)
    scores = [float(line.split()[3]) for line in found.splitlines() if "VINA RESULT" in line]
    poses = list(room._poses(found, rows))
    assert len(poses) == len(scores) >= 2
    for score, pose in zip(scores, poses, strict=True):
        x = room._with_hydrogens(xylene.mol, pose)
        assert contacts.energy_and_gradient(x)[0] == pytest.approx(score, abs=0.02)
        lengths = cdist(x, x), cdist(xylene.positions, xylene.positions) * 10
        assert np.abs(lengths[0] - lengths[1]).max() < 0.01  # nothing turns in it, so it is moved as one body


@there
def test_the_same_seed_gives_the_same_poses(lysozyme):
    receptor, crystal = lysozyme
    benzene = fresh("benzene", "c1ccccc1")
    first, second = (
        dock(benzene, receptor, near=crystal.positions, margin=0.3, exhaustiveness=1, conformers=1) for _ in range(2)
    )
    assert len(first) == len(second)
    assert np.array_equal(first[0].ligand.positions, second[0].ligand.positions)


@there
def test_a_guest_is_docked_into_its_host_with_its_bonds_and_its_hand():
    host = read_receptor(SYSTEMS / "cb7" / "cb7.sdf")
    guest = fresh("guest", "C[C@H](N)C(=O)OCC")
    (best, *_) = dock(guest, host, near=host.positions, margin=0.3, exhaustiveness=1)
    assert np.linalg.norm(best.ligand.positions.mean(axis=0) - host.positions.mean(axis=0)) < 0.4
    mol = Chem.Mol(best.ligand.mol)
    Chem.AssignStereochemistryFrom3D(mol)
    assert Chem.MolToSmiles(Chem.RemoveHs(mol)) == guest.smiles
    before, after = cdist(guest.positions, guest.positions), cdist(best.ligand.positions, best.ligand.positions)
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()]
    assert max(abs(before[pair] - after[pair]) for pair in bonds) < 0.006


def test_a_receptor_is_typed_by_what_is_bonded(lysozyme):
    """Polar hydrogens are kept; nitrogens that accept are those of histidine that carry none."""
    receptor, _ = lysozyme
    atoms = room._atoms_of(receptor)
    kinds = {atoms.labels[index]: kind for index, kind in room._types(atoms)}
    names = {(atom.residue, atom.name): kinds.get(f"{atom.label} {atom.name}") for atom in receptor.structure.atoms}
    assert {kind for (_, name), kind in names.items() if name == "H"} == {"HD"}
    assert {kind for (_, name), kind in names.items() if name == "HA"} == {None}
    assert {kind for (residue, name), kind in names.items() if name == "N"} == {"N"}
    assert names["THR", "OG1"] == "OA"
    assert names["MET", "SD"] == "SA"
    rings = {kinds[label] for label in kinds if label.split()[0].startswith(":HIS") and label.endswith(("ND1", "NE2"))}
    assert rings <= {"N", "NA"}


def test_a_site_far_away_and_a_missing_package_are_told(lysozyme, monkeypatch):
    receptor, crystal = lysozyme
    ligand = fresh("benzene", "c1ccccc1")
    monkeypatch.setitem(sys.modules, "vina", None)
    with pytest.raises(MissingDependency, match=r"pip install 'bindfe\[vina\]'"):
        dock(ligand, receptor, near=crystal.positions)
    monkeypatch.undo()
    if find_spec("vina") is not None and find_spec("meeko") is not None:
        with pytest.raises(InputError, match="no atom lies near the site"):
            dock(ligand, receptor, near=crystal.positions + 100.0)
