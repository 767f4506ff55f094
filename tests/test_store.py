"""The run directory: what was written is what is read, bit for bit, and damage is always noticed."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bindfe.errors import StoreError
from bindfe.results import BindingEstimate, Component, LegEstimate, Mixing, Prediction, Term, UncertaintyBudget
from bindfe.states import BoreschRestraint, CentroidRestraint, LegKind, Restraint
from bindfe.store import (
    Run,
    checksum,
    read_arrays,
    read_plain,
    read_record,
    read_records,
    write_arrays,
    write_bytes,
    write_record,
    write_records,
    write_text,
)

FLOATS = st.floats(width=64)
ARRAYS = hnp.arrays(
    dtype=st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_, np.dtype("<U5"), np.dtype(">f8")]),
    shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
HERE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def same(one: object, other: object) -> bool:
    """Equal to the last bit, through records, arrays and tuples; any NaN equals any other, as JSON has one only."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and all(map(same, one.flat, other.flat))
    if isinstance(one, float | np.floating) and isinstance(other, float | np.floating):
        return np.float64(one).tobytes() == np.float64(other).tobytes() or (np.isnan(one) and np.isnan(other))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if hasattr(one, "__dataclass_fields__"):
        return all(same(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))  # type: ignore[arg-type]
    return one == other


# Arrays


@HERE
@given(arrays=st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), ARRAYS, max_size=4))
def test_arrays_read_back_with_type_shape_and_every_bit(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    write_arrays(tmp_path / "a.npz", arrays)
    again = read_arrays(tmp_path / "a.npz")
    assert again.keys() == arrays.keys()
    for name, array in arrays.items():
        assert again[name].dtype == array.dtype
        assert again[name].shape == array.shape
        assert again[name].tobytes() == array.tobytes()  # the payload of a NaN, too


def test_the_file_is_an_archive_that_plain_numpy_reads(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", {"u_kn": np.arange(6.0).reshape(2, 3), "n_k": np.array([1, 2])})
    with np.load(tmp_path / "a.npz") as file:
        assert sorted(file.files) == ["n_k", "u_kn"]
        np.testing.assert_array_equal(file["u_kn"], [[0, 1, 2], [3, 4, 5]])


def test_the_same_arrays_give_the_same_bytes_whenever_they_are_written(tmp_path: Path) -> None:
    arrays = {"b": np.arange(5), "a": np.ones((2, 2))}
    write_arrays(tmp_path / "1.npz", arrays)
    time.sleep(0.01)
    write_arrays(tmp_path / "2.npz", dict(reversed(arrays.items())))
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()
    assert checksum(tmp_path / "1.npz") == checksum(tmp_path / "2.npz")


def test_a_change_of_any_single_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_arrays(path, {"x": np.arange(3.0)})
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
        with pytest.raises(StoreError, match="does not match its checksum; delete it and run again"):
            read_arrays(path)


def test_a_file_cut_short_or_grown_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_arrays(path, {"x": np.arange(3.0)})
    content = path.read_bytes()
    for damaged in [content[:n] for n in range(len(content))] + [content + b"\0"]:
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"a\.npz"):
            read_arrays(path)


def test_an_archive_that_something_else_wrote_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(3))
    with pytest.raises(StoreError, match="does not match its checksum"):
        read_arrays(tmp_path / "a.npz")


@pytest.mark.parametrize("read", [read_arrays, read_plain, checksum])
def test_what_is_missing_or_a_directory_is_said_with_its_path(tmp_path: Path, read: object) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(StoreError, match=str(path)):
            read(path)  # type: ignore[operator]


# Records


def estimate(numbers: st.SearchStrategy[float] = FLOATS) -> st.SearchStrategy[BindingEstimate]:
    lists = st.lists(numbers, min_size=1, max_size=4)
    terms = st.builds(
        Term,
        name=st.text(),
        delta_g_kcal_mol=numbers,
        standard_error_kcal_mol=numbers,
        explanation=st.text(),
    )
    return lists.flatmap(
        lambda repeats: st.builds(
            BindingEstimate,
            ligand=st.text(),
            temperature=numbers,
            delta_g_kcal_mol=numbers,
            terms=st.lists(terms, max_size=3).map(tuple),
            delta_g_repeats=st.just(np.array(repeats)),
            bootstrap_errors=st.just(np.array(repeats[::-1])),
            delta_g_members=st.just(np.array([])),
            member_errors=st.just(np.array([])),
            warnings=st.lists(st.text(), max_size=2).map(tuple),
        )
    )


@HERE
@given(record=estimate())
def test_a_record_reads_back_with_every_bit(tmp_path: Path, record: BindingEstimate) -> None:
    write_record(tmp_path / "r.json", record)
    again = read_record(tmp_path / "r.json", BindingEstimate)
    assert same(again, record)
    write_record(tmp_path / "again.json", again)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "r.json").read_bytes()


def prediction() -> Prediction:
    budget = UncertaintyBudget(
        components=(
            Component(kind="sampling", standard_error_kcal_mol=0.1 + 0.2, degrees_of_freedom=6.0, explanation="π±"),
            Component(kind="analytic", standard_error_kcal_mol=0.0, degrees_of_freedom=np.inf, explanation=""),
        )
    )
    return Prediction(
        ligand="b2",
        raw_kcal_mol=-13.4,
        location_kcal_mol=-1.0 / 3.0,
        scale_kcal_mol=5e-324,
        degrees_of_freedom=np.inf,
        conformal=((0.5, 0.3), (0.95, 1.1)),
        budget=budget,
    )


def test_infinite_degrees_of_freedom_and_nested_tuples_survive_as_valid_json(tmp_path: Path) -> None:
    write_record(tmp_path / "p.json", prediction())
    json.loads((tmp_path / "p.json").read_text(), parse_constant=pytest.fail)  # Infinity is not JSON
    assert read_record(tmp_path / "p.json", Prediction) == prediction()


def test_several_records_keep_their_order(tmp_path: Path) -> None:
    terms = tuple(
        Term(name=name, delta_g_kcal_mol=1.5, standard_error_kcal_mol=0.0, explanation="") for name in ("b", "a", "c")
    )
    write_records(tmp_path / "t.json", terms)
    assert read_records(tmp_path / "t.json", Term) == terms


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A record with the kinds of fields that the shelf has: an enumeration, a mapping, a union, arrays in records."""

    kind: LegKind
    restraint: Restraint | None
    parameters: tuple[Mapping[str, float], ...]
    mixing: Mixing | None


@pytest.mark.parametrize(
    "restraint",
    [
        None,
        CentroidRestraint(receptor_atoms=(0, 1), ligand_atoms=(2,), spring=2092.0),
        BoreschRestraint(
            receptor_atoms=(0, 1, 2),
            ligand_atoms=(3, 4, 5),
            distance=0.6,
            angles=(1.0, 1.1),
            dihedrals=(0.1, -3.0, 2.0),
            distance_spring=4184.0,
            angle_spring=83.68,
            dihedral_spring=83.68,
        ),
    ],
)
def test_unions_enumerations_and_mappings_come_back_as_what_they_were(
    tmp_path: Path, restraint: Restraint | None
) -> None:
    held = Held(
        kind=LegKind.SOLVENT,
        restraint=restraint,
        parameters=({"lambda_sterics": 1.0}, {"lambda_sterics": 0.1 + 0.2}),
        mixing=Mixing(transitions=np.eye(2), second_eigenvalue=1.0, round_trips=0),
    )
    write_record(tmp_path / "h.json", held)
    again = read_record(tmp_path / "h.json", Held)
    assert again.kind is LegKind.SOLVENT
    assert again.restraint == restraint
    assert again.parameters == held.parameters
    assert same(again.mixing, held.mixing)


def test_a_changed_digit_in_a_record_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    write_record(path, prediction())
    path.write_text(path.read_text().replace("-13.4", "-13.5"))
    with pytest.raises(StoreError, match="does not match its checksum"):
        read_record(path, Prediction)


def test_a_record_cut_short_anywhere_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    write_record(path, prediction())
    text = path.read_text().rstrip("\n")
    for length in range(len(text)):
        path.write_text(text[:length])
        with pytest.raises(StoreError, match=r"p\.json"):
            read_record(path, Prediction)


@pytest.mark.parametrize("text", ["[1, 2]", '"text"', "3", "null", "{}", "[" * 100_000, "\ud800"])
def test_json_that_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(StoreError, match="not a readable record"):
        read_plain(tmp_path / "p.json")


def test_a_record_of_another_type_or_version_is_refused_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    write_record(path, {"ligand": "b2"})
    with pytest.raises(StoreError, match=r"p\.json: holds no Prediction that this version of bindfe reads"):
        read_record(path, Prediction)
    with pytest.raises(StoreError, match="holds no LegEstimate"):
        read_records(path, LegEstimate)
    write_record(path, {"kind": "solution", "restraint": None, "parameters": [], "mixing": None})
    with pytest.raises(StoreError, match="holds no Held"):
        read_record(path, Held)


def test_a_field_that_a_newer_version_added_is_ignored(tmp_path: Path) -> None:
    write_record(
        tmp_path / "t.json",
        {"name": "n", "delta_g_kcal_mol": 1.0, "standard_error_kcal_mol": 0.0, "explanation": "", "newer": 3},
    )
    assert read_record(tmp_path / "t.json", Term).name == "n"


# Writing


def test_a_full_disk_leaves_the_old_file_and_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "f", "old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"the disk is full; nothing finished is lost"):
        write_text(tmp_path / "f", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_text() == "old"


def test_a_real_write_that_the_system_stops_midway_leaves_the_old_file(tmp_path: Path) -> None:
    write_text(tmp_path / "f", "old")
    limited = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from bindfe.errors import StoreError; from bindfe.store import write_bytes\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9))\n"
        "try:\n    write_bytes(Path(sys.argv[1]), bytes(100_000))\n"
        "except StoreError as error:\n    sys.exit('cannot be written' not in str(error))\n"
        "sys.exit(2)"
    )
    assert subprocess.run([sys.executable, "-c", limited, str(tmp_path / "f")], check=False).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_text() == "old"


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "x")
    (tmp_path / "directory").mkdir()
    for path in (tmp_path / "file" / "below", tmp_path / "directory", tmp_path / ("long" * 100)):
        with pytest.raises(StoreError, match="cannot be written"):
            write_text(path, "y")


def test_a_killed_writer_leaves_a_whole_file_each_time(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_arrays(path, {"x": np.zeros(20_000)})
    endless = (
        "import itertools, sys; import numpy as np; from pathlib import Path\n"
        "from bindfe.store import write_arrays; print('begun', flush=True)\n"
        "for n in itertools.count(1): write_arrays(Path(sys.argv[1]), {'x': np.full(20_000, float(n))})"
    )
    for delay in np.random.default_rng(1).uniform(0.02, 0.15, size=5):
        writer = subprocess.Popen([sys.executable, "-c", endless, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(delay)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        x = read_arrays(path)["x"]
        assert x.shape == (20_000,)
        assert np.all(x == x[0])


def test_folders_are_made_and_the_old_content_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.txt"
    write_bytes(path, b"one")
    write_text(path, "zwölf")
    assert path.read_bytes() == "zwölf".encode()


def test_chunks_are_found_in_the_order_in_which_they_were_sampled(tmp_path: Path) -> None:
    run = Run(root=tmp_path)
    folder = run.repeat("b2", LegKind.COMPLEX, 1)
    assert folder == tmp_path / "b2" / "complex" / "repeat-1"
    for number in (10, 2, 0):
        write_arrays(folder / f"chunk-{number:05d}.npz", {"x": np.array([number])})
    write_text(folder / ".chunk-00011.npz.7.part", "unfinished")
    found = [int(read_arrays(path)["x"][0]) for path in run.chunks("b2", LegKind.COMPLEX, 1)]
    assert found == [0, 2, 10]
