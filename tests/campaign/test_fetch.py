"""``bindfe fetch`` against a server of its own: what is here is not fetched, and what is wrong is refused by name."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bindfe.campaign.fetch import Collection, PublicFile, bring, collection, n_bytes, names, without_home
from bindfe.cli import app
from bindfe.errors import InputError, MissingDependency, ProtocolError, StoreError
from bindfe.mlip.catalogue import MODELS
from bindfe.mlip.weights import WeightFile
from bindfe.protocol import load_protocol

CONTENT = b"HETATM 1 C LIG\n" * 40
GOOD = hashlib.sha256(CONTENT).hexdigest()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        self.server.asked.append(f"{self.command} {self.path}")  # type: ignore[attr-defined]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    """A home for two files; ``server.asked`` is what was asked of it."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "ligand.pdb").write_bytes(CONTENT)
    (home / "spoilt.pdb").write_bytes(CONTENT[:-1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(home)))
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _file(server: ThreadingHTTPServer, folder: Path, name: str = "ligand.pdb", **given: object) -> PublicFile:
    known: dict[str, object] = {
        "name": name,
        "url": f"http://127.0.0.1:{server.server_port}/{name}",
        "places": (folder / "shared" / name, folder / "own" / name),
        "sha256": (GOOD,),
        "n_bytes": len(CONTENT),
    }
    return PublicFile(**{**known, **given})  # type: ignore[arg-type]


def _collection(*files: PublicFile, pin: str = "") -> Collection:
    return Collection(name="test", title="a test", licence="MIT", source="here", files=files, pin=pin)


def test_what_is_absent_is_fetched_once_to_the_last_place(server, tmp_path):
    wanted = _collection(_file(server, tmp_path))
    assert len(wanted.absent) == 1
    assert bring(wanted) == (tmp_path / "own" / "ligand.pdb",)
    assert (tmp_path / "own" / "ligand.pdb").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "own").iterdir()] == ["ligand.pdb"]
    bring(wanted)
    assert server.asked == ["GET /ligand.pdb"]


def test_what_lies_in_the_first_place_is_not_fetched_and_is_copied_where_it_is_asked_for(server, tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "ligand.pdb").write_bytes(CONTENT)
    wanted = _collection(_file(server, tmp_path))
    assert bring(wanted) == (tmp_path / "shared" / "ligand.pdb",)
    assert bring(wanted, to=tmp_path / "here") == (tmp_path / "here" / "ligand.pdb",)
    assert (tmp_path / "here" / "ligand.pdb").read_bytes() == CONTENT
    assert server.asked == []


def test_a_corrupted_file_on_this_machine_is_refused_by_name_and_left_alone(server, tmp_path):
    (tmp_path / "shared").mkdir()
    spoilt = tmp_path / "shared" / "ligand.pdb"
    spoilt.write_bytes(CONTENT.replace(b"C", b"N", 1))
    with pytest.raises(MissingDependency, match=rf"shared/ligand\.pdb is not ligand\.pdb .*expected is {GOOD}"):
        bring(_collection(_file(server, tmp_path)))
    assert spoilt.is_file()
    assert server.asked == []


def test_a_file_that_arrives_corrupted_is_refused_by_name_and_not_kept(server, tmp_path):
    wanted = _collection(_file(server, tmp_path, "spoilt.pdb"))
    with pytest.raises(MissingDependency, match=r"what http://.*/spoilt\.pdb gave is not spoilt\.pdb"):
        bring(wanted)
    assert list((tmp_path / "own").iterdir()) == []


def test_an_address_that_has_gone_says_where_to_put_the_file_by_hand(server, tmp_path):
    with pytest.raises(MissingDependency, match=r"(?s)gone\.pdb cannot be fetched .*put it at .*own/gone\.pdb"):
        bring(_collection(_file(server, tmp_path, "gone.pdb")))


def test_without_a_network_every_absent_file_is_named_with_address_size_checksum_and_place(tmp_path):
    """One message is enough to carry all files over by hand."""
    nowhere = "http://127.0.0.1:9"
    here, *absent = (
        PublicFile(
            name=name,
            url=f"{nowhere}/{name}",
            places=(tmp_path / name,),
            sha256=(digit * 64,),
            n_bytes=int(digit) * 1000,
        )
        for name, digit in (("zero", "0"), ("one", "1"), ("two", "2"))
    )
    here.places[0].write_bytes(b"")
    with pytest.raises(MissingDependency) as raised:
        bring(_collection(*absent, here))
    for file in absent:
        words = f"{file.places[0]} ({file.n_bytes:,} bytes, sha256 {file.sha256[0]})"
        assert words in str(raised.value)
        assert file.url in str(raised.value)
    assert here.url not in str(raised.value)


def test_a_folder_that_cannot_be_written_is_said(server, tmp_path):
    (tmp_path / "own").write_text("a file where a folder is needed")
    with pytest.raises(StoreError, match="choose a folder with --to"):
        bring(_collection(_file(server, tmp_path)))


def test_a_size_that_nobody_wrote_down_is_asked_of_the_server(server, tmp_path):
    assert n_bytes([_file(server, tmp_path, n_bytes=None)]) == len(CONTENT)
    assert n_bytes([_file(server, tmp_path, "gone.pdb", n_bytes=None)]) is None
    assert n_bytes([_file(server, tmp_path), _file(server, tmp_path)]) == 2 * len(CONTENT)


def test_a_pickle_without_a_checksum_is_brought_with_a_warning_and_checked_where_the_user_vouches(
    server, tmp_path, caplog
):
    model = WeightFile(name="ligand.pdb", kept_in="mace", sha256=(), url="", pickled=True)
    one = _file(server, tmp_path, sha256=(), weights=model)
    bring(_collection(one))
    assert f"#sha256={GOOD}" in caplog.text
    bring(_collection(one, pin=GOOD[:20]))
    with pytest.raises(MissingDependency, match="not the file that was meant"):
        bring(_collection(one, pin="0" * 20))


# What bindfe knows


def test_every_collection_has_what_is_needed_to_fetch_and_check_it():
    for each in map(collection, names()):
        assert each.files
        assert each.licence
        for file in each.files:
            assert file.url.startswith("https://")
            assert all(len(digest) == 64 for digest in file.sha256)
            assert file.sha256 or file.weights is not None
            assert len(file.places) in (1, 2)
    assert {"tyk2", "hif2a", "cb7", "t4-lysozyme-l99a", "sars-cov-2-mpro", "aimnet2", "ani2x"} <= set(names())


def test_a_name_that_is_unknown_or_has_no_home_says_what_to_do():
    with pytest.raises(InputError, match=r"nothing called 'tyk3' to fetch; known: tyk2, hif2a"):
        collection("tyk3")
    for name in without_home():
        with pytest.raises(InputError, match=f"{name} cannot be fetched: "):
            collection(name)


def test_the_weights_are_those_of_the_catalogue():
    assert [file.name for file in collection("aimnet2").files] == [file.name for file in MODELS["aimnet2"].files]
    assert collection("mace-off23-small#sha256=abcd").pin == "abcd"


@pytest.mark.data
@pytest.mark.parametrize("name", [n for n in names() if n not in MODELS])
def test_the_data_at_hand_are_the_published_files(name):
    """Sizes and checksums were written down with the repository's commit; the files at hand must be those."""
    known = collection(name)
    assert known.absent == ()
    assert [path.stat().st_size for path in bring(known)] == [file.n_bytes for file in known.files]


# The command


def test_the_command_says_the_size_first_and_works_offline_when_the_files_are_here(tmp_path, monkeypatch):
    monkeypatch.delenv("BINDFE_DATA", raising=False)
    monkeypatch.setenv("BINDFE_CACHE", str(tmp_path))
    listed = CliRunner().invoke(app, ["fetch", "--list"], catch_exceptions=False, env={"COLUMNS": "160"}).output
    assert all(name in listed for name in (*names(), *without_home()))
    known = collection("tyk2")
    for file in known.files:
        file.places[-1].parent.mkdir(parents=True, exist_ok=True)
        file.places[-1].write_bytes(b"not it")
    with pytest.raises(MissingDependency, match=r"ligands\.yml is not plb/tyk2/00_data/ligands\.yml"):
        CliRunner().invoke(app, ["fetch", "tyk2"], catch_exceptions=False)


@pytest.mark.data
def test_the_command_prints_where_the_files_of_bindfe_data_lie(data_directory):
    output = CliRunner().invoke(app, ["fetch", "tyk2"], catch_exceptions=False).output
    assert "all 4 files are on this machine, nothing is fetched" in output
    assert str(data_directory / "plb/tyk2/01_protein/crd/protein.pdb") in output.replace("\n", "")


def test_a_protocol_finds_public_files_in_the_named_folder_or_where_fetch_puts_them(tmp_path, monkeypatch):
    protocol = tmp_path / "p.yaml"
    protocol.write_text("name: p\nreceptor: {file: $BINDFE_DATA/a/host.sdf}\nligands: {file: guest.sdf}\n")
    monkeypatch.delenv("BINDFE_DATA", raising=False)
    monkeypatch.setenv("BINDFE_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ProtocolError, match=r"cache/data/a/host\.sdf: `bindfe fetch --list`"):
        load_protocol(protocol)
    fetched = tmp_path / "cache" / "data" / "a" / "host.sdf"
    fetched.parent.mkdir(parents=True)
    fetched.write_text("here")
    assert load_protocol(protocol).receptor.file == str(fetched)
    named = tmp_path / "named" / "a" / "host.sdf"
    named.parent.mkdir(parents=True)
    named.write_text("here, too")
    monkeypatch.setenv("BINDFE_DATA", str(tmp_path / "named"))
    assert load_protocol(protocol).receptor.file == str(named)
    assert load_protocol(protocol).ligands.file == str(tmp_path / "guest.sdf")
