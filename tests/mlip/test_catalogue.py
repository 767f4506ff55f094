"""What a committee covers is checked before torch is touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bindfe.errors import InputError
from bindfe.mlip.catalogue import MODELS, check_covers, find_weights, weight_paths

WATER = (8, 1, 1)


def test_a_bromine_is_named_with_its_atom() -> None:
    with pytest.raises(InputError, match=r"ANI-2x knows H, C, N, O, S, F, Cl; the molecule has Br \(atom 1\)"):
        check_covers("ani2x", (6, 35, 1, 1, 1))


def test_sulfur_is_foreign_to_the_smaller_committees_only() -> None:
    check_covers("ani2x", (16, 1, 1))
    for name in ("ani1x", "ani1ccx"):
        with pytest.raises(InputError, match=r"S \(atom 0\)"):
            check_covers(name, (16, 1, 1))


def test_a_charge_is_refused() -> None:
    with pytest.raises(InputError, match=r"charge \+1"):
        check_covers("ani2x", (7, 1, 1, 1, 1), charge=1)


def test_an_odd_number_of_electrons_is_refused() -> None:
    with pytest.raises(InputError, match="9 electrons, an odd number"):
        check_covers("ani2x", (6, 1, 1, 1))


def test_an_unknown_committee_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="known: ani2x, ani1x, ani1ccx"):
        check_covers("ani3x", WATER)


def test_weights_are_looked_for_under_the_data_directory_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINDFE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TORCHANI_DATA_DIR", str(tmp_path / "own"))
    first, second = weight_paths("ani1x")
    assert find_weights("ani1x") is None
    for path in (second, first):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"")
        assert find_weights("ani1x") == path


def test_the_catalogue_imports_no_torch() -> None:
    code = "import sys, bindfe.mlip.catalogue; sys.exit('torch' in sys.modules or 'openmm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_committee_says_its_licence_and_source() -> None:
    assert all(model.licence and "doi" in model.source for model in MODELS.values())
