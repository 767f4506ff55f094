"""Committees: the energies of torchani itself, forces that are their gradient, and clear refusals."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bindfe.errors import InputError, MissingDependency
from bindfe.mlip.catalogue import find_weights
from bindfe.units import KJ_PER_HARTREE

if TYPE_CHECKING:
    from bindfe.mlip.ani import AniCommittee

pytestmark = pytest.mark.mlip

FACTORIES = {"ani2x": "ANI2x", "ani1x": "ANI1x", "ani1ccx": "ANI1ccx"}


def committee(numbers: tuple[int, ...], model: str = "ani2x", **options: Any) -> AniCommittee:
    from bindfe.mlip.ani import AniCommittee

    return AniCommittee(model, numbers=numbers, **options)


def torchani_energies(model: str, numbers: tuple[int, ...], positions_nm: np.ndarray) -> np.ndarray:
    """What torchani computes by its own factory and its own forward pass [kJ/mol], (M, F)."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torchani

        network = getattr(torchani.models, FACTORIES[model])().double()
    z = torch.tensor([numbers] * len(positions_nm))
    energies = network((z, torch.tensor(positions_nm * 10.0)), ensemble_values=True).energies
    return np.asarray(energies.detach().numpy() * KJ_PER_HARTREE)


@pytest.mark.parametrize("model", list(FACTORIES))
def test_members_energies_are_torchanis(
    model: str, numbers: tuple[int, ...], geometries: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if find_weights(model) is None:
        pytest.skip(f"the weights of {model} are absent")
    found = committee(numbers, model).energies(geometries)
    weights = find_weights(model)
    assert weights is not None
    (tmp_path / "StateDicts").mkdir()
    (tmp_path / "StateDicts" / weights.name).symlink_to(weights)  # torchani writes locks beside the file
    monkeypatch.setenv("TORCHANI_DATA_DIR", str(tmp_path))
    np.testing.assert_allclose(found, torchani_energies(model, numbers, geometries), rtol=0, atol=1e-6)


def test_forces_are_minus_the_gradient_of_the_mean_energy(numbers: tuple[int, ...], geometries: np.ndarray) -> None:
    ani = committee(numbers)
    energy, forces = ani.mean_energy_and_forces(geometries[0])
    assert energy == pytest.approx(ani.energies(geometries[:1]).mean(), abs=1e-3)  # single precision drives
    step = 2e-5
    displaced = np.array(
        [geometries[0] + sign * step * np.eye(18)[axis].reshape(6, 3) for axis in range(18) for sign in (1, -1)]
    )
    means = ani.energies(displaced).mean(axis=0).reshape(18, 2)
    gradient = (means[:, 0] - means[:, 1]) / (2 * step)
    np.testing.assert_allclose(forces.ravel(), -gradient, rtol=1e-5, atol=0.02)
    assert np.abs(forces).max() > 100  # kJ/mol/nm: a factor of ten would show


def test_frames_do_not_know_of_each_other(numbers: tuple[int, ...], geometries: np.ndarray) -> None:
    ani = committee(numbers)
    many = np.concatenate([geometries] * 8)
    one_by_one = np.concatenate([ani.energies(frame[None]) for frame in geometries], axis=1)
    np.testing.assert_allclose(ani.energies(many), np.tile(one_by_one, 8), atol=1e-7)


def test_frames_cut_out_of_larger_ones_are_read_right(numbers: tuple[int, ...], geometries: np.ndarray) -> None:
    ani = committee(numbers)
    larger = np.concatenate([np.zeros((5, 3, 3)), geometries], axis=1)[:, list(range(3, 9))]
    assert not larger.flags.c_contiguous
    np.testing.assert_allclose(ani.energies(larger), ani.energies(geometries), atol=1e-7)
    assert ani.mean_energy_and_forces(larger[2])[0] == pytest.approx(ani.energies(geometries)[:, 2].mean())


def test_a_subset_holds_the_same_members(numbers: tuple[int, ...], geometries: np.ndarray) -> None:
    ani = committee(numbers)
    few = ani.subset((2, 5))
    assert few.members == ("ani2x-2", "ani2x-5")
    np.testing.assert_allclose(few.energies(geometries), ani.energies(geometries)[[2, 5]], atol=1e-7)


def test_a_pickled_committee_is_a_handle(numbers: tuple[int, ...], geometries: np.ndarray) -> None:
    ani = committee(numbers, members=(1, 3))
    content = pickle.dumps(ani)
    assert len(content) < 500
    np.testing.assert_array_equal(pickle.loads(content).energies(geometries), ani.energies(geometries))


def test_no_frames_give_no_energies(numbers: tuple[int, ...]) -> None:
    assert committee(numbers).energies(np.empty((0, 6, 3))).shape == (8, 0)


def test_frames_of_another_molecule_are_refused(numbers: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"\(any, 6, 3\) are needed, found \(2, 7, 3\)"):
        committee(numbers).energies(np.zeros((2, 7, 3)))


def test_elements_outside_the_model_are_refused() -> None:
    with pytest.raises(InputError, match=r"P \(atom 0\)"):
        committee((15, 1, 1, 1))


def test_a_member_that_does_not_exist_is_refused(numbers: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="members 0 to 7"):
        committee(numbers, members=(8,))


def test_absent_weights_say_where_they_were_looked_for(
    numbers: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def no_network(*_: object, **__: object) -> None:
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    monkeypatch.setenv("BINDFE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TORCHANI_DATA_DIR", str(tmp_path / "own"))
    with pytest.raises(MissingDependency, match=r"ANI-2x are not at .*ani2x_state_dict\.pt") as caught:
        committee(numbers)
    assert "BINDFE_DATA" in str(caught.value)


@pytest.mark.parametrize("damage", ["cut", "noise", "another model"])
def test_damaged_weights_are_refused(
    damage: str, numbers: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = find_weights("ani1x" if damage == "another model" else "ani2x")
    if source is None:
        pytest.skip("the weights are absent")
    content = source.read_bytes()
    damaged = {"cut": content[: len(content) // 2], "noise": b"\x80\x02" + bytes(200), "another model": content}
    path = tmp_path / "models" / "torchani" / "StateDicts" / "ani2x_state_dict.pt"
    path.parent.mkdir(parents=True)
    path.write_bytes(damaged[damage])
    monkeypatch.setenv("BINDFE_DATA", str(tmp_path))
    with pytest.raises(MissingDependency, match="does not hold the weights of ANI-2x"):
        committee(numbers)
