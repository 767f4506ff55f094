"""AIMNet2: the energies of the aimnet package, charges that add up, and clear refusals."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from bindfe.errors import InputError, MissingDependency
from bindfe.mlip import check_potential, open_committee
from bindfe.mlip.weights import locate
from tests.mlip.conftest import METHANOL_NM, NUMBERS

if TYPE_CHECKING:
    from bindfe.mlip.aimnet import AimnetCommittee

pytestmark = [pytest.mark.mlip, pytest.mark.data]

KJ_PER_EV = 96.48533212331
_CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0)
_FORMATE = 0.126 * np.array([np.sin(1.134), 0.0, -np.cos(1.134)])
MOLECULES: dict[str, tuple[tuple[int, ...], np.ndarray, int]] = {
    "methanol": (NUMBERS, METHANOL_NM, 0),
    "ammonium": ((7, 1, 1, 1, 1), np.vstack([np.zeros(3), 0.102 * _CORNERS]), 1),
    "iodosilane": ((14, 53, 1, 1, 1), np.vstack([np.zeros(3), 0.244 * _CORNERS[0], 0.148 * _CORNERS[1:]]), 0),
    "formate": (
        (6, 8, 8, 1),
        np.vstack([np.zeros(3), _FORMATE, _FORMATE * [-1, 1, 1], [0.0, 0.0, 0.112]]),
        -1,
    ),
}
AIMNET_EV = {  # aimnet 0.2.5, its calculator in single precision, members 0 to 3
    "methanol": (-3150.9377227070067, -3150.939938760181, -3150.9353015919182, -3150.927533253041),
    "ammonium": (-1549.212430979115, -1549.2043177492603, -1549.1964574646863, -1549.205625139926),
    "iodosilane": (-16031.866566876768, -16031.875922266456, -16031.912266328258, -16031.849132173047),
    "formate": (-5151.881061977888, -5151.894717561229, -5151.8919749490115, -5151.9013558722745),
}


def opened(name: str, **options: Any) -> AimnetCommittee:
    from bindfe.mlip.aimnet import AimnetCommittee

    numbers, _, charge = MOLECULES[name]
    return AimnetCommittee("aimnet2", numbers=numbers, charge=charge, **options)


@pytest.mark.parametrize("name", MOLECULES)
def test_members_have_the_energies_of_the_aimnet_package(name: str) -> None:
    found = opened(name).energies(MOLECULES[name][1][None])[:, 0] / KJ_PER_EV
    np.testing.assert_allclose(found, AIMNET_EV[name], atol=2e-5)  # 0.002 kJ/mol; theirs is in single precision


@pytest.mark.parametrize("precision", ["mixed", "double"])
def test_it_keeps_the_contract(precision: str) -> None:
    check_potential(opened("methanol", precision=precision), METHANOL_NM, numbers=NUMBERS).require()


def test_a_charged_molecule_keeps_the_contract() -> None:
    numbers, positions, _ = MOLECULES["formate"]
    check_potential(opened("formate"), positions, numbers=numbers).require()


def test_single_precision_of_the_layers_costs_less_than_a_thousandth_of_a_kj_mol() -> None:
    mixed, double = (opened("methanol", precision=precision) for precision in ("mixed", "double"))
    frames = METHANOL_NM + np.random.default_rng(2).normal(scale=0.004, size=(8, 6, 3))
    np.testing.assert_allclose(mixed.energies(frames), double.energies(frames), atol=1e-3)
    for frame in frames[:2]:
        _, forces = mixed.mean_energy_and_forces(frame)
        np.testing.assert_allclose(forces, double.mean_energy_and_forces(frame)[1], atol=0.05)


@pytest.mark.parametrize("name", MOLECULES)
def test_partial_charges_add_up_to_the_charge(name: str) -> None:
    _, positions, charge = MOLECULES[name]
    assert opened(name).charges(positions[None]).sum(axis=2) == pytest.approx(charge, abs=1e-5)


def test_equal_atoms_have_equal_charges_energies_and_features() -> None:
    _, positions, _ = MOLECULES["ammonium"]
    committee = opened("ammonium")
    for values in (committee.charges(positions[None])[:, 0], committee.atomic_energies(positions[None])[:, 0]):
        np.testing.assert_allclose(values[:, 1:], np.tile(values[:, 1:2], 4), atol=2e-3)
    features = committee.features(positions[None])[0]
    assert features.shape == (5, 256)
    np.testing.assert_allclose(features[1:], np.tile(features[1], (4, 1)), atol=1e-4)


def test_two_molecules_far_apart_have_the_sum_of_their_energies() -> None:
    from bindfe.mlip.aimnet import AimnetCommittee

    both = AimnetCommittee("aimnet2", numbers=NUMBERS * 2, members=[1])
    frame = np.vstack([METHANOL_NM, METHANOL_NM + np.array([4.0, 0.0, 0.0])])
    one = opened("methanol", members=[1]).energies(METHANOL_NM[None])[0, 0]
    assert both.energies(frame[None])[0, 0] == pytest.approx(2 * one, abs=0.5)  # the dipoles' interaction


def test_members_are_chosen_by_number_and_pickle_as_a_handle() -> None:
    committee = opened("methanol")
    part = committee.subset([3, 1])
    assert part.members == ("aimnet2-3", "aimnet2-1")
    content = pickle.dumps(part)
    assert len(content) < 500
    found = pickle.loads(content).energies(METHANOL_NM[None])
    np.testing.assert_allclose(found, committee.energies(METHANOL_NM[None])[[3, 1]], atol=1e-3)


def test_no_frames_give_no_energies_and_frames_of_another_molecule_are_refused() -> None:
    committee = opened("methanol", members=[0])
    assert committee.energies(np.empty((0, 6, 3))).shape == (1, 0)
    with pytest.raises(InputError, match=r"\(any, 6, 3\) are needed, found \(2, 7, 3\)"):
        committee.energies(np.zeros((2, 7, 3)))


def test_a_metal_and_a_member_that_does_not_exist_are_refused() -> None:
    with pytest.raises(InputError, match=r"Pd \(atom 0\)"):
        open_committee("aimnet2", numbers=(46,))
    with pytest.raises(InputError, match="members 0 to 3"):
        opened("methanol", members=[4])


def test_a_damaged_member_is_refused_with_both_checksums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bindfe.mlip.catalogue import model_named

    for file in model_named("aimnet2").files:
        source = locate(file)
        assert source is not None
        content = bytearray(source.read_bytes())
        content[len(content) // 2] ^= 1
        path = tmp_path / "models" / "aimnet2" / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(content))
    monkeypatch.setenv("BINDFE_DATA", str(tmp_path))
    with pytest.raises(
        MissingDependency, match=r"its sha256 is [0-9a-f]{64}, expected is [0-9a-f]{64} or [0-9a-f]{64}"
    ):
        opened("methanol")
