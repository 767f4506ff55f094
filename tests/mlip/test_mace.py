"""MACE files: what mace-torch's own calculator says, opened only for who vouches for them."""

from __future__ import annotations

import os
import pickle
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bindfe.errors import InputError, MissingDependency
from bindfe.mlip import check_potential, open_committee
from tests.mlip.conftest import METHANOL_NM, NUMBERS

if TYPE_CHECKING:
    from bindfe.mlip.mace import MaceCommittee

pytest.importorskip("matscipy")  # comes with mace-torch, which is slow to import
pytestmark = [pytest.mark.mlip, pytest.mark.data]

SHA256 = "d94e6dfd1a6ac1b769dbdb07677034d45b37921bd5fab8d7821f6ccb0af676f1"
KJ_PER_EV = 96.48533212331


@pytest.fixture(scope="module")
def file(data_directory: Path) -> Path:
    """A small model of dipeptides: it runs the code, and is good for nothing else."""
    return data_directory / "models" / "mace_dipep" / "mace-r-4.5-l-0" / "dipep_train_stagetwo.model"


@pytest.fixture(scope="module")
def pair(file: Path) -> MaceCommittee:
    text = f"mace:{file}#sha256={SHA256}"
    return open_committee([text, text], numbers=NUMBERS)  # type: ignore[return-value]


def test_energies_and_forces_are_those_of_its_own_calculator(
    pair: MaceCommittee, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ase import Atoms

    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # mace-torch sets it, and here it is taken back
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mace.calculators import MACECalculator

        calculator = MACECalculator(model_paths=str(file), device="cpu", default_dtype="float64")
    atoms = Atoms(NUMBERS, METHANOL_NM * 10.0, calculator=calculator)
    energy, forces = pair.mean_energy_and_forces(METHANOL_NM)
    assert energy == pytest.approx(atoms.get_potential_energy() * KJ_PER_EV, abs=1e-6)
    np.testing.assert_allclose(forces, atoms.get_forces() * KJ_PER_EV * 10.0, atol=1e-5)


def test_it_keeps_the_contract(pair: MaceCommittee) -> None:
    check_potential(pair, METHANOL_NM, numbers=NUMBERS).require()


def test_its_total_energy_does_not_drift(pair: MaceCommittee) -> None:
    from tests.mlip.test_contract import drift

    one = pair.subset([0])
    assert abs(drift(one.mean_energy_and_forces, picoseconds=0.25, step_ps=5e-4)) < 1.0


def test_features_do_not_turn_with_the_molecule(pair: MaceCommittee) -> None:
    turned = METHANOL_NM[:, [1, 2, 0]] + 0.3
    features = pair.features(np.stack([METHANOL_NM, turned]))
    assert features.shape[:2] == (2, 6)
    np.testing.assert_allclose(features[0], features[1], atol=1e-6)


def test_loading_a_model_leaves_torch_as_careful_as_it_was(pair: MaceCommittee) -> None:
    assert "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD" not in os.environ


def test_it_pickles_without_the_weights(pair: MaceCommittee) -> None:
    assert len(pickle.dumps(pair)) < 2000


def test_an_element_that_the_file_does_not_know_is_refused(file: Path) -> None:
    with pytest.raises(InputError, match=r"knows H, C, N, O; the molecule has S \(atom 0\)"):
        open_committee(f"mace:{file}#sha256={SHA256}", numbers=(16, 1, 1))


def test_a_charge_is_refused(file: Path) -> None:
    with pytest.raises(InputError, match=r"charge \+1 and multiplicity 1: choose aimnet2"):
        open_committee(f"mace:{file}#sha256={SHA256}", numbers=(7, 1, 1, 1, 1), charge=1)


def test_a_file_without_its_checksum_is_not_opened(file: Path) -> None:
    for model in (f"mace:{file}", [file]):
        with pytest.raises(InputError, match=f"#sha256={SHA256}"):
            open_committee(model, numbers=NUMBERS)


def test_another_file_than_the_one_that_was_meant_is_not_opened(file: Path) -> None:
    with pytest.raises(MissingDependency, match=f"its sha256 is {SHA256}, not 000000"):
        open_committee(f"mace:{file}#sha256={'0' * 64}", numbers=NUMBERS)


@pytest.mark.parametrize("content", [b"not a model", b"\x80\x02]q\x00."])
def test_a_file_that_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    from bindfe.mlip.weights import sha256_of

    path = tmp_path / "some.model"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"some\.model is not a MACE model"):
        open_committee(f"mace:{path}#sha256={sha256_of(path)}", numbers=NUMBERS)


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be read"):
        open_committee("mace:/nowhere/some.model#sha256=" + "0" * 64, numbers=NUMBERS)
