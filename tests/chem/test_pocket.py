from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from openmm import app, unit

from bindfe.chem.ligand import read_ligands
from bindfe.chem.pocket import cut_pocket
from bindfe.chem.receptor import read_receptor
from bindfe.errors import InputError

pytestmark = pytest.mark.data
CAPS = {"ACE", "NME"}


@pytest.fixture(scope="module")
def protein_file(data_directory: Path) -> Path:
    return data_directory / "plb/tyk2/01_protein/crd/protein.pdb"


@pytest.fixture(scope="module")
def ligands(data_directory: Path):
    return read_ligands(data_directory / "plb/tyk2/02_ligands/ligands.sdf", names=["lig_ejm_31", "lig_ejm_42"])


def near(path: Path, ligands, radius: float) -> set[int]:
    """Numbers of the residues close to a ligand, by OpenMM's reader."""
    pdb = app.PDBFile(str(path))
    x = np.array(pdb.positions.value_in_unit(unit.nanometer))
    space = np.concatenate([ligand.positions for ligand in ligands])
    found = set()
    for residue in pdb.topology.residues():
        atoms = [atom.index for atom in residue.atoms()]
        if residue.name not in {"HOH", *CAPS} and np.linalg.norm(x[atoms][:, None] - space, axis=-1).min() < radius:
            found.add(int(residue.id))
    return found


@pytest.mark.parametrize("radius", [0.4, 0.6])
def test_residues_near_a_ligand_stay_where_they_are_with_capped_ends(protein_file, ligands, radius):
    whole = read_receptor(protein_file).structure
    cut = cut_pocket(read_receptor(protein_file), ligands, radius_nm=radius).structure
    kept = {atom.number for atom in cut.atoms if atom.residue not in CAPS}
    assert near(protein_file, ligands, radius) <= kept
    assert len(kept) < 60
    places = {(atom.number, atom.name): atom.position for atom in whole.atoms}
    moved = [atom for atom in cut.atoms if atom.residue not in CAPS and places[atom.number, atom.name] != atom.position]
    assert not moved
    for chain in {atom.chain for atom in cut.atoms}:
        names = [atom.residue for atom in cut.atoms if atom.chain == chain]
        assert (names[0], names[-1]) == ("ACE", "NME")


def test_a_large_radius_keeps_every_residue(protein_file, ligands):
    cut = cut_pocket(read_receptor(protein_file), ligands, radius_nm=20.0).structure
    assert len({atom.chain for atom in cut.atoms}) == 1
    assert sum(atom.name == "CA" for atom in cut.atoms) == 288


def test_a_frame_without_the_ligand_is_refused(protein_file, ligands):
    with pytest.raises(InputError, match=r"no residue is within 0.1 A of a ligand"):
        cut_pocket(read_receptor(protein_file), ligands, radius_nm=0.01)
