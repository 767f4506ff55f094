"""The compiled path is torchani's ANI, to 1e-6 Hartree and 1e-6 Hartree/Angstrom; without numba torch takes over."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bindfe.errors import InputError
from bindfe.mlip.catalogue import find_weights
from bindfe.units import KJ_PER_HARTREE

if TYPE_CHECKING:
    from bindfe.mlip.ani import AniCommittee

pytestmark = pytest.mark.mlip

FACTORIES = {"ani2x": "ANI2x", "ani1x": "ANI1x", "ani1ccx": "ANI1ccx"}
ORGANIC = [
    "CO",
    "CC=O",
    "NC=O",
    "C#N",
    "c1ccccc1",
    "C1CCOC1",
    "CC(C)C(=O)N",
    "c1cc[nH]c1",
    "CC(=O)Oc1ccccc1C(=O)O",
    "CN1C=NC2=C1C(=O)N(C)C(=O)N2C",
    "CC(=O)Nc1ccc(O)cc1",
    "OCC(O)CO",
]
WITHOUT_MORE = ["CCN", "C=CC=C", "NCC(=O)O", "c1ccncc1", "CC(C)O", "O=C=O", "N#CC#N", "OC=O"]
WITH_MORE = ["CS", "CCl", "CF", "C1=CSC=C1", "FC(F)(F)Cl", "CS(=O)(=O)N", "Clc1ccccc1F", "S"]
MOLECULES = {"ani2x": ORGANIC + WITH_MORE, "ani1x": ORGANIC + WITHOUT_MORE, "ani1ccx": ORGANIC + WITHOUT_MORE}
CONFORMERS = 10


def conformers(smiles: str) -> tuple[list[int], np.ndarray]:
    """Atomic numbers and ten conformers [nm], shaken by 0.03 Angstrom so that no force vanishes, (10, N, 3)."""
    from rdkit import Chem
    from rdkit.Chem import AllChem

    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMultipleConfs(molecule, CONFORMERS, randomSeed=11)
    found = np.array([conformer.GetPositions() for conformer in molecule.GetConformers()]) * 0.1
    found += np.random.default_rng(len(smiles)).normal(scale=0.003, size=found.shape)
    return [atom.GetAtomicNum() for atom in molecule.GetAtoms()], found


@pytest.fixture
def torchani_model(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """torchani's model by its own factory, in double precision."""
    name = request.param
    weights = find_weights(name)
    if weights is None:
        pytest.skip(f"the weights of {name} are absent")
    (tmp_path / "StateDicts").mkdir()
    (tmp_path / "StateDicts" / weights.name).symlink_to(weights)  # torchani writes locks beside the file
    monkeypatch.setenv("TORCHANI_DATA_DIR", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torchani

        return name, getattr(torchani.models, FACTORIES[name])().double()


def open_ani(model: str, numbers: Any, **options: Any) -> AniCommittee:
    from bindfe.mlip.ani import AniCommittee

    return AniCommittee(model, numbers=numbers, **options)


@pytest.mark.parametrize("torchani_model", FACTORIES, indirect=True)
def test_agrees_with_torchani_on_200_conformers_of_20_molecules(torchani_model: Any) -> None:
    import torch

    name, network = torchani_model
    seen = 0
    for smiles in MOLECULES[name]:
        numbers, frames = conformers(smiles)
        x = torch.tensor(frames * 10.0, requires_grad=True)
        energies = network((torch.tensor([numbers] * len(frames)), x), ensemble_values=True).energies
        (gradient,) = torch.autograd.grad(energies.mean(0).sum(), x)
        ani = open_ani(name, numbers)
        assert ani.compiled
        found = ani.energies(frames) / KJ_PER_HARTREE
        np.testing.assert_allclose(found, energies.detach().numpy(), rtol=0, atol=1e-9, err_msg=smiles)
        for frame, energy, slope in zip(frames, energies.mean(0).tolist(), gradient.numpy(), strict=True):
            mean, forces = ani.mean_energy_and_forces(frame)
            assert mean / KJ_PER_HARTREE == pytest.approx(energy, rel=0, abs=1e-6)
            np.testing.assert_allclose(forces / KJ_PER_HARTREE / 10.0, -slope, rtol=0, atol=1e-6, err_msg=smiles)
        seen += len(frames)
    assert seen == 200


def test_energies_that_drive_resolve_a_thousandth_of_a_kj_mol() -> None:
    numbers, frames = conformers("CC(=O)Oc1ccccc1C(=O)O")
    direction = np.random.default_rng(0).normal(size=frames[0].shape)
    ani = open_ani("ani2x", numbers)
    path = [frames[0] + step * 1e-6 * direction for step in range(200)]
    driving = np.array([ani.mean_energy_and_forces(frame)[0] for frame in path])
    assert np.abs(driving - ani.energies(path).mean(axis=0)).max() < 1e-3


def test_without_numba_torch_gives_the_same(
    numbers: tuple[int, ...],
    geometries: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fast = open_ani("ani2x", numbers)
    monkeypatch.setitem(sys.modules, "numba", None)
    slow = open_ani("ani2x", numbers)
    assert fast.compiled
    assert not slow.compiled
    assert "pip install numba" in caplog.text
    np.testing.assert_allclose(slow.energies(geometries), fast.energies(geometries), rtol=0, atol=1e-6)
    np.testing.assert_allclose(slow.atomic_energies(geometries), fast.atomic_energies(geometries), rtol=0, atol=1e-8)
    np.testing.assert_allclose(slow.features(geometries), fast.features(geometries), rtol=0, atol=1e-12)
    energy, forces = slow.mean_energy_and_forces(geometries[1])
    assert energy == pytest.approx(slow.energies(geometries)[:, 1].mean(), abs=1e-7)
    np.testing.assert_allclose(forces, fast.mean_energy_and_forces(geometries[1])[1], rtol=0, atol=0.01)


@pytest.mark.parametrize("compiled", [True, False])
def test_atoms_parts_sum_to_the_members_energies_up_to_a_constant(
    compiled: bool, numbers: tuple[int, ...], geometries: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        monkeypatch.setitem(sys.modules, "numba", None)
    ani = open_ani("ani2x", numbers, members=(0, 3, 4))
    parts = ani.atomic_energies(geometries)
    assert parts.shape == (3, 5, 6)
    rest = ani.energies(geometries) - parts.sum(axis=2)
    np.testing.assert_allclose(rest, rest[:, :1].repeat(5, axis=1), rtol=0, atol=1e-7)
    assert ani.atomic_energies(np.empty((0, 6, 3))).shape == (3, 0, 6)


def test_the_order_of_atoms_does_not_matter(numbers: tuple[int, ...], geometries: np.ndarray) -> None:
    ani = open_ani("ani2x", numbers)
    order = [5, 3, 0, 1, 4, 2]
    other = open_ani("ani2x", [numbers[atom] for atom in order])
    np.testing.assert_allclose(other.features(geometries[:, order]), ani.features(geometries)[:, order], atol=1e-13)
    energy, forces = ani.mean_energy_and_forces(geometries[0])
    again, permuted = other.mean_energy_and_forces(geometries[0][order])
    assert again == pytest.approx(energy, abs=1e-3)
    np.testing.assert_allclose(permuted, forces[order], rtol=0, atol=0.01)


def test_features_see_only_what_is_near(numbers: tuple[int, ...], geometries: np.ndarray) -> None:
    ani = open_ani("ani2x", numbers)
    moved = geometries.copy()
    moved[:, 5] += 3.0  # the hydroxyl's hydrogen leaves by 3 nm
    features = ani.features(moved)
    assert features.shape == (5, 6, 240)  # 3 elements: 3 x 16 radial, 6 x 32 angular
    np.testing.assert_array_equal(features[:, 5], 0.0)
    assert np.abs(features[:, :5]).max() > 0.1
    assert ani.features(np.empty((0, 6, 3))).shape == (0, 6, 240)


def test_a_molecule_that_folds_up_needs_no_new_committee(numbers: tuple[int, ...], geometries: np.ndarray) -> None:
    ani = open_ani("ani2x", numbers)
    for scale in (4.0, 2.0, 1.0, 0.9):
        energy, forces = ani.mean_energy_and_forces(geometries[0] * scale)
        fresh, expected = open_ani("ani2x", numbers).mean_energy_and_forces(geometries[0] * scale)
        assert energy == pytest.approx(fresh, abs=1e-9)
        np.testing.assert_array_equal(forces, expected)


def test_broken_coordinates_give_no_number(numbers: tuple[int, ...], geometries: np.ndarray) -> None:
    broken = geometries[0].copy()
    broken[2, 1] = np.nan
    ani = open_ani("ani2x", numbers)
    assert np.isnan(ani.mean_energy_and_forces(broken)[0])
    assert np.isnan(ani.energies(broken[None])).all()
    with pytest.raises(InputError, match=r"\(6, 3\) are needed, found \(5, 3\)"):
        ani.mean_energy_and_forces(broken[:5])


def test_exponential_and_logarithm_are_numpys() -> None:
    from bindfe.mlip.compiled import exponential, logarithm

    x = np.random.default_rng(1).uniform(-100.0, 100.0, 2000)
    np.testing.assert_allclose([exponential(each) for each in x], np.exp(x), rtol=1e-13)
    y = np.exp(x)
    np.testing.assert_allclose([logarithm(each) for each in y], x, rtol=1e-15, atol=1e-15)
    assert np.isnan(exponential(np.nan))


def test_compiles_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    from bindfe.mlip.compiled import compiled

    real = numba.njit

    def nowhere(**options: Any) -> Any:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(**options)

    monkeypatch.setattr(numba, "njit", nowhere)

    def double(x: float) -> float:
        return 2.0 * x

    assert compiled(double)(1.5) == 3.0


@pytest.mark.parametrize("precision", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, 2, 3, 4, 7])
def test_products_are_numpys_over_the_columns_that_count(rows: int, precision: Any) -> None:
    from bindfe.mlip.products import gather, spread

    rng = np.random.default_rng(rows)
    narrow, wide = rng.normal(size=(rows, 12)).astype(precision), rng.normal(size=(rows, 33)).astype(precision)
    weights = rng.normal(size=(12, 33)).astype(precision)
    groups = -(-rows // 4)
    quads, n_quads = np.tile([0, 8, -1], (groups, 1)), np.full(groups, 2)
    counts = np.array([0, 1, 2, 3, 8, 9, 10, 11])
    spread_out = np.ones((rows, 33), dtype=precision)
    spread(narrow, weights, quads, n_quads, spread_out)
    np.testing.assert_allclose(spread_out, 1 + narrow[:, counts] @ weights[counts], rtol=2e-5, atol=2e-5)
    gathered = np.zeros((rows, 12), dtype=precision)
    gather(wide, weights, quads, n_quads, gathered)
    np.testing.assert_allclose(gathered[:, counts], wide @ weights[counts].T, rtol=2e-5, atol=2e-5)
    np.testing.assert_array_equal(gathered[:, 4:8], 0.0)
