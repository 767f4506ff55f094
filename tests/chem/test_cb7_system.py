"""The files in systems/cb7: read, placed and measured as their README says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bindfe.chem.affinity import read_affinities
from bindfe.chem.ligand import Ligand, read_ligands
from bindfe.chem.receptor import Receptor, read_receptor
from bindfe.units import KJ_PER_KCAL

GUESTS = {"b2": "OCC12CCC(CO)(CC1)CC2", "adamantanol": "OC12CC3CC(CC(C3)C1)C2"}


@pytest.fixture(scope="module")
def directory(root: Path) -> Path:
    return root / "systems" / "cb7"


@pytest.fixture(scope="module")
def host(directory: Path) -> Receptor:
    return read_receptor(directory / "cb7.sdf")


def _heavy(molecule: Ligand | Receptor) -> np.ndarray:
    return molecule.positions[[element != "H" for element in molecule.elements]]


def _guest(directory: Path, name: str) -> Ligand:
    return read_ligands(directory / f"{name}.sdf")[0]


def test_the_host_is_a_neutral_barrel_on_the_axis(host):
    assert (host.name, host.n_atoms, host.formal_charge) == ("CB7", 126, 0)
    assert np.abs(host.positions.mean(axis=0)).max() < 1e-4
    radius = np.linalg.norm(_heavy(host)[:, :2], axis=1)
    assert radius.min() > 0.4


@pytest.mark.parametrize("name", GUESTS)
def test_a_guest_is_the_molecule_that_was_measured(directory, name):
    guest = _guest(directory, name)
    assert (guest.name, guest.smiles, guest.formal_charge) == (name, GUESTS[name], 0)


@pytest.mark.parametrize("name", GUESTS)
def test_a_guest_stands_in_the_cavity_without_clashes(directory, host, name):
    guest = _guest(directory, name)
    x = _heavy(guest)
    assert np.abs(x.mean(axis=0)).max() < 1e-3
    long_axis = np.linalg.svd(x - x.mean(axis=0))[2][0]
    assert abs(long_axis[2]) > 0.999
    assert np.linalg.norm(x[:, None] - _heavy(host)[None], axis=-1).min() > 0.33
    assert np.linalg.norm(guest.positions[:, None] - host.positions[None], axis=-1).min() > 0.2


def test_affinities_are_the_published_ones(directory):
    """Moghaddam et al., J. Am. Chem. Soc. 133, 3570 (2011), Table S1 [kJ/mol]."""
    published = {"b2": (-56.07, 0.42), "adamantanol": (-58.99, 0.84)}
    affinities = read_affinities(directory / "affinities.csv")
    assert {affinity.ligand for affinity in affinities} == set(GUESTS)
    for affinity in affinities:
        value, error = published[affinity.ligand]
        assert affinity.delta_g_kcal_mol == pytest.approx(value / KJ_PER_KCAL, abs=1e-3)
        assert affinity.standard_error_kcal_mol == pytest.approx(error / KJ_PER_KCAL, abs=1e-3)
        assert affinity.temperature == 298.15


def test_the_script_builds_these_files(directory, host, tmp_path, root):
    subprocess.run([sys.executable, directory / "build.py", tmp_path], check=True, cwd=root)
    assert read_receptor(tmp_path / "cb7.sdf").positions == pytest.approx(host.positions, abs=2e-4)
    for name in GUESTS:
        # a guest's conformer depends on RDKit's version, its place does not
        built, kept = _guest(tmp_path, name), _guest(directory, name)
        assert built.smiles == kept.smiles
        assert _heavy(built).mean(axis=0) == pytest.approx(_heavy(kept).mean(axis=0), abs=1e-3)
