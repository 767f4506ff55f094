"""What a committee covers, where its weights are and whether they are whole: said before torch is touched."""

from __future__ import annotations

import logging
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bindfe.cli import app
from bindfe.errors import InputError, MissingDependency
from bindfe.mlip import open_committee
from bindfe.mlip.catalogue import (
    MODELS,
    MOST_ATOMS,
    check_covers,
    find_weights,
    model_named,
    weight_paths,
    why_not,
)
from bindfe.mlip.weights import check_file, required_file, sha256_of

WATER = (8, 1, 1)
AMMONIUM = (7, 1, 1, 1, 1)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any weights; returns the folder that BINDFE_DATA names."""
    for name in ("BINDFE_DATA", "TORCHANI_DATA_DIR", "AIMNET_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path / "BINDFE_DATA"


def archive(path: Path, content: bytes = b"0123456789" * 40) -> Path:
    """A file as torch writes it: a zip archive whose records are stored as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data/0", content)
    return path


# Molecules


def test_a_bromine_is_named_with_its_atom() -> None:
    with pytest.raises(InputError, match=r"ANI-2x knows H, C, N, O, S, F, Cl; the molecule has Br \(atom 1\)"):
        check_covers("ani2x", (6, 35, 1, 1, 1))


def test_sulfur_is_foreign_to_the_smaller_committees_only() -> None:
    check_covers("ani2x", (16, 1, 1))
    for name in ("ani1x", "ani1ccx"):
        with pytest.raises(InputError, match=r"S \(atom 0\)"):
            check_covers(name, (16, 1, 1))


def test_iodine_and_silicon_are_covered_by_aimnet2_and_a_metal_by_gfn2_alone() -> None:
    check_covers("aimnet2", (53, 14, 1, 1, 1))
    check_covers("gfn2-xtb", (46,))
    with pytest.raises(InputError, match=r"Pd \(atom 0\)"):
        check_covers("aimnet2", (46,))


def test_a_charge_is_refused_where_the_model_knows_neutral_molecules() -> None:
    for name in ("ani2x", "mace-off23-small"):
        with pytest.raises(InputError, match=r"charge \+1: choose a model that takes charges, such as aimnet2"):
            check_covers(name, AMMONIUM, charge=1)
    check_covers("aimnet2", AMMONIUM, charge=1)


def test_an_odd_number_of_electrons_is_refused() -> None:
    with pytest.raises(InputError, match="9 electrons, an odd number"):
        check_covers("ani2x", (6, 1, 1, 1))
    with pytest.raises(InputError, match="11 electrons, an odd number"):
        check_covers("aimnet2", AMMONIUM, charge=0)
    with pytest.raises(InputError, match="asked for a closed shell of 9 electrons"):
        check_covers("gfn2-xtb", (6, 1, 1, 1))


def test_an_open_shell_is_left_to_the_model_that_has_them() -> None:
    check_covers("gfn2-xtb", (6, 1, 1, 1), multiplicity=2)
    with pytest.raises(InputError, match="has multiplicity 3: use gfn2-xtb"):
        check_covers("aimnet2", (8, 8), multiplicity=3)
    with pytest.raises(InputError, match="10 electrons cannot have multiplicity 2"):
        check_covers("gfn2-xtb", WATER, multiplicity=2)


def test_a_molecule_that_is_a_protein_is_refused_by_its_size() -> None:
    with pytest.raises(InputError, match=f"1 to {MOST_ATOMS} atoms; the molecule has {MOST_ATOMS + 2}"):
        check_covers("ani2x", (1,) * (MOST_ATOMS + 2))


# Names


def test_an_unknown_committee_is_answered_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="known: ani2x, ani1x, ani1ccx, aimnet2"):
        check_covers("ani3x", WATER)


def test_a_file_without_its_kind_and_a_mixture_are_answered_with_how_to_write_it() -> None:
    with pytest.raises(InputError, match=r"written mace:models/mine\.model#sha256="):
        open_committee("models/mine.model", numbers=WATER)
    with pytest.raises(InputError, match="is not one committee"):
        open_committee("ani2x,ani1x", numbers=WATER)


def test_every_committee_says_its_licence_source_and_level() -> None:
    assert all(model.licence and "doi" in model.source and model.level for model in MODELS.values())


def test_every_published_file_says_where_it_is_published() -> None:
    files = [file for model in MODELS.values() for file in model.files]
    assert all(file.url for file in files)
    assert all(len(checksum) == 64 for file in files for checksum in file.sha256)


def test_the_catalogue_imports_no_torch() -> None:
    code = "import sys, bindfe.mlip.open as door; sys.exit(bool({'torch', 'openmm'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.mlip
def test_the_licence_is_said_once_when_a_model_is_opened(caplog: pytest.LogCaptureFixture) -> None:
    from bindfe.mlip import open as door

    door._say_licence.cache_clear()
    with caplog.at_level(logging.INFO, logger="bindfe.mlip.open"):
        for _ in range(2):
            open_committee("ani1x", numbers=WATER, members=[0])
    assert [record.message.split(";")[0] for record in caplog.records] == ["ANI-1x: licence of the weights MIT"]


# Weights


def test_weights_are_looked_for_under_the_data_directory_first(nowhere: Path) -> None:
    first, second = weight_paths("ani1x")
    assert first.is_relative_to(nowhere)
    assert find_weights("ani1x") is None
    for path in (second, first):
        archive(path)
        assert find_weights("ani1x") == path


def test_a_flipped_byte_is_found_though_the_checksum_was_never_published(nowhere: Path) -> None:
    path = archive(weight_paths("ani1x")[0])
    content = bytearray(path.read_bytes())
    content[content.index(b"0123456789") + 3] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(MissingDependency, match=r"does not hold the weights of ANI-1x: it is damaged .* its sha256 is"):
        find_weights("ani1x")


def test_a_stand_in_under_the_right_name_is_refused_with_both_checksums(nowhere: Path) -> None:
    path = archive(weight_paths("aimnet2")[0])
    with pytest.raises(MissingDependency) as caught:
        find_weights("aimnet2")
    assert sha256_of(path) in str(caught.value)
    assert model_named("aimnet2").files[0].sha256[0] in str(caught.value)


def test_absent_weights_say_where_to_put_them_and_whence(nowhere: Path) -> None:
    model = model_named("aimnet2")
    with pytest.raises(MissingDependency) as caught:
        required_file(model.files[2], title=model.title)
    assert str(nowhere / "models" / "aimnet2" / "aimnet2_wb97m_d3_2.pt") in str(caught.value)
    assert "https://" in str(caught.value)


def test_a_pickled_model_is_opened_only_with_its_checksum(tmp_path: Path) -> None:
    path = archive(tmp_path / "mine.model")
    found = sha256_of(path)
    given = {"known": (), "strict": True, "title": "mine", "pickled": True}
    with pytest.raises(InputError, match=f"can run any code that is in it.*#sha256={found}"):
        check_file(path, pin="", **given)  # type: ignore[arg-type]
    with pytest.raises(MissingDependency, match="is not the file that was meant"):
        check_file(path, pin="0" * 64, **given)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="is not a checksum: 16 to 64 hexadecimal digits"):
        check_file(path, pin=found[:8], **given)  # type: ignore[arg-type]
    check_file(path, pin=found[:16].upper(), **given)  # type: ignore[arg-type]


def test_a_mace_model_of_the_catalogue_needs_the_checksum_too(nowhere: Path) -> None:
    path = archive(weight_paths("mace-off23-small")[0])
    with pytest.raises(InputError, match=f"#sha256={sha256_of(path)}"):
        open_committee("mace-off23-small", numbers=WATER)


def test_what_cannot_be_used_says_why(nowhere: Path) -> None:
    assert "weights absent: put MACE-OFF23_small.model from https://" in why_not(model_named("mace-off23-small"))
    archive(weight_paths("mace-off23-small")[0])
    assert "mace-off23-small#sha256=" in why_not(model_named("mace-off23-small"))


def test_the_command_lists_every_model_and_describes_each(nowhere: Path) -> None:
    runner = CliRunner(env={"COLUMNS": "200"})
    shown = runner.invoke(app, ["models"])
    assert shown.exit_code == 0
    assert all(name in shown.output for name in MODELS)
    for name, model in MODELS.items():
        described = runner.invoke(app, ["models", name]).output
        assert model.licence.split()[0] in described
        assert all(file.name in described for file in model.files)
