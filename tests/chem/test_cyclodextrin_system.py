"""The files in systems/alpha-cyclodextrin: read, placed and measured as their README says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bindfe.chem.affinity import read_affinities
from bindfe.chem.ligand import read_ligands
from bindfe.chem.receptor import read_receptor
from bindfe.units import KJ_PER_KCAL

GUESTS = {"cyclobutanol": "OC1CCC1", "cyclopentanol": "OC1CCCC1", "cycloheptanol": "OC1CCCCCC1"}
MEASURED_KJ_MOL = {"cyclobutanol": -8.46, "cyclopentanol": -8.91, "cycloheptanol": -10.5}


@pytest.fixture(scope="module")
def directory(root: Path) -> Path:
    return root / "systems" / "alpha-cyclodextrin"


def test_the_host_is_a_neutral_ring_on_the_axis(directory):
    host = read_receptor(directory / "alpha-cyclodextrin.sdf")
    assert (host.name, host.n_atoms, host.formal_charge) == ("alpha-cyclodextrin", 126, 0)
    assert np.linalg.norm(host.positions[:, :2], axis=1).min() > 0.18


@pytest.mark.parametrize("name", GUESTS)
def test_a_guest_is_the_molecule_that_was_measured_and_lies_in_the_cavity(directory, name):
    host = read_receptor(directory / "alpha-cyclodextrin.sdf")
    guest = read_ligands(directory / f"{name}.sdf")[0]
    assert (guest.name, guest.smiles, guest.formal_charge) == (name, GUESTS[name], 0)
    heavy, wall = (m.positions[[element != "H" for element in m.elements]] for m in (guest, host))
    assert np.linalg.norm(heavy.mean(axis=0)[:2]) < 0.01
    assert abs(heavy.mean(axis=0)[2]) < 0.25
    assert np.linalg.norm(heavy[:, None] - wall[None], axis=-1).min() > 0.28


def test_measured_values_are_those_of_the_paper(directory):
    found = {affinity.ligand: affinity for affinity in read_affinities(directory / "affinities.csv")}
    assert found.keys() == GUESTS.keys()
    for name, value in MEASURED_KJ_MOL.items():
        assert found[name].delta_g_kcal_mol == pytest.approx(value / KJ_PER_KCAL, abs=6e-4)


def test_the_script_builds_these_files(directory, tmp_path, root):
    subprocess.run([sys.executable, directory / "build.py", tmp_path], check=True, cwd=root)
    host = read_receptor(directory / "alpha-cyclodextrin.sdf")
    assert read_receptor(tmp_path / "alpha-cyclodextrin.sdf").positions == pytest.approx(host.positions, abs=2e-4)
    for name in GUESTS:
        assert read_ligands(tmp_path / f"{name}.sdf")[0].smiles == GUESTS[name]
