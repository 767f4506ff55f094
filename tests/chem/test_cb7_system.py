"""The files in systems/cb7: read, placed and measured as their README says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from bindfe.chem.affinity import read_affinities
from bindfe.chem.ligand import Ligand, read_ligands
from bindfe.chem.receptor import Receptor, read_receptor
from bindfe.units import KJ_PER_KCAL

GUESTS = {
    "b2": "OCC12CCC(CO)(CC1)CC2",
    "adamantanol": "OC12CC3CC(C1)CC(C3)C2",
    "1-adamantylammonium": "[NH3+]C12CC3CC(C1)CC(C3)C2",
    "2-adamantylammonium": "[NH3+]C1C2CC3CC(C2)CC1C3",
    "b5": "[NH3+]CC12CCC(C[NH3+])(CC1)CC2",
    "cycloheptylammonium": "[NH3+]C1CCCCCC1",
    "cyclooctylammonium": "[NH3+]C1CCCCCCC1",
}
ALONE = ("b2", "adamantanol")


@pytest.fixture(scope="module")
def directory(root: Path) -> Path:
    return root / "systems" / "cb7"


@pytest.fixture(scope="module")
def host(directory: Path) -> Receptor:
    return read_receptor(directory / "cb7.sdf")


def _heavy(molecule: Ligand | Receptor) -> np.ndarray:
    return molecule.positions[[element != "H" for element in molecule.elements]]


def _without_stereo(smiles: str) -> str:
    """Adamantanes have no stereocentres; RDKit's canonical text tags one now and then."""
    return str(Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False))


def _guest(directory: Path, name: str) -> Ligand:
    return read_ligands(directory / "guests.sdf", [name])[0]


def test_the_host_is_a_neutral_barrel_on_the_axis(host):
    assert (host.name, host.n_atoms, host.formal_charge) == ("CB7", 126, 0)
    assert np.abs(host.positions.mean(axis=0)).max() < 1e-4
    radius = np.linalg.norm(_heavy(host)[:, :2], axis=1)
    assert radius.min() > 0.4


@pytest.mark.parametrize("name", GUESTS)
def test_a_guest_is_the_molecule_that_was_measured(directory, name):
    guest, meant = _guest(directory, name), Chem.MolFromSmiles(GUESTS[name])
    assert guest.name == name
    assert guest.formal_charge == Chem.GetFormalCharge(meant)
    assert _without_stereo(guest.smiles) == _without_stereo(GUESTS[name])


@pytest.mark.parametrize("name", ALONE)
def test_a_guest_in_a_file_of_its_own_is_the_same(directory, name):
    (alone,) = read_ligands(directory / f"{name}.sdf")
    assert np.array_equal(alone.positions, _guest(directory, name).positions)
    assert alone.smiles == _guest(directory, name).smiles


@pytest.mark.data
def test_the_compilation_has_these_molecules_and_values(directory, data_directory):
    """Molecules and values in taproom's files, by their keys there."""
    keys = dict(zip(GUESTS, ("b02", "adh", "adn", "ad2", "b05", "c7m", "c8m"), strict=True))
    measured = {affinity.ligand: affinity for affinity in read_affinities(directory / "affinities.csv")}
    for name, key in keys.items():
        text = (data_directory / "taproom" / "cb7" / key / "measurement.yaml").read_text()
        value, error = re.findall(r"delta_G(?:_uncertainty)?: (\S+) kJ/mol", text)
        assert measured[name].delta_g_kcal_mol == pytest.approx(float(value) / KJ_PER_KCAL, abs=1e-3)
        assert measured[name].standard_error_kcal_mol == pytest.approx(float(error) / KJ_PER_KCAL, abs=1e-3)
        assert _without_stereo(re.findall(r'SMILES: "(.*)"', text)[0]) == _without_stereo(GUESTS[name])


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
    """Moghaddam et al., J. Am. Chem. Soc. 133, 3570 (2011), Table S1, and SAMPL4, its Table 1 [kJ/mol, K]."""
    published = {
        "b2": (-56.07, 0.42, 298.15),
        "adamantanol": (-58.99, 0.84, 298.15),
        "1-adamantylammonium": (-81.17, 0.42, 298.15),
        "2-adamantylammonium": (-79.91, 0.84, 298.15),
        "b5": (-81.59, 0.84, 298.15),
        "cycloheptylammonium": (-49.37, 0.42, 298.0),
        "cyclooctylammonium": (-52.72, 0.42, 298.0),
    }
    affinities = read_affinities(directory / "affinities.csv")
    assert {affinity.ligand for affinity in affinities} == set(GUESTS)
    for affinity in affinities:
        value, error, temperature = published[affinity.ligand]
        assert affinity.delta_g_kcal_mol == pytest.approx(value / KJ_PER_KCAL, abs=1e-3)
        assert affinity.standard_error_kcal_mol == pytest.approx(error / KJ_PER_KCAL, abs=1e-3)
        assert affinity.temperature == temperature


def test_the_script_builds_these_files(directory, host, tmp_path, root):
    subprocess.run([sys.executable, directory / "build.py", tmp_path], check=True, cwd=root)
    assert read_receptor(tmp_path / "cb7.sdf").positions == pytest.approx(host.positions, abs=2e-4)
    for name in GUESTS:
        # a guest's conformer depends on RDKit's version, its place does not
        built, kept = _guest(tmp_path, name), _guest(directory, name)
        assert built.smiles == kept.smiles
        assert _heavy(built).mean(axis=0) == pytest.approx(_heavy(kept).mean(axis=0), abs=1e-3)
