"""A plumed.dat of the user's own: read as PLUMED reads it, refused with its line, and no file is touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openmm
import pytest
from typer.testing import CliRunner

from bindfe.errors import InputError, MissingDependency
from bindfe.sample.plumed import PlumedBias, check_script, find_kernel, read_statements
from bindfe.sample.plumed.files import bias_strides, cut, outputs, picoseconds
from bindfe.sample.plumed.script import with_included

SCRIPT = """\
# a comment
d: DISTANCE ATOMS=1,3   # another
METAD ...
  ARG=d SIGMA=0.1 HEIGHT=1 # third
  PACE=10 GRID_MIN=0 GRID_MAX=2
... METAD

RESTRAINT ARG=d AT=1
ENDPLUMED
NOT READ
"""


# Reading, without a kernel


def test_statements_carry_their_first_line_and_their_words() -> None:
    first, second, third = read_statements(SCRIPT)
    assert (first.line, first.action, first.value("ATOMS")) == (2, "DISTANCE", "1,3")
    assert (second.line, second.action, second.value("PACE")) == (3, "METAD", "10")
    assert (third.line, third.action, third.value("KAPPA")) == (8, "RESTRAINT", None)


def test_a_labelled_continuation_is_one_statement() -> None:
    (only,) = read_statements("m: METAD ...\n ARG=d\n PACE=3\n...\n")
    assert (only.action, only.value("ARG"), only.value("PACE")) == ("METAD", "d", "3")


def test_a_continuation_that_is_not_closed_is_named_with_its_line() -> None:
    with pytest.raises(InputError, match="line 2: the continuation"):
        read_statements("d: DISTANCE ATOMS=1,2\nMETAD ...\nARG=d\n")


def test_files_and_strides_are_found_in_included_scripts_too(tmp_path: Path) -> None:
    (tmp_path / "more.dat").write_text("OPES_METAD ARG=d PACE=40\nPBMETAD ARG=a,b PACE=6\n")
    script = SCRIPT + "\n"
    script = script.replace("ENDPLUMED", "PRINT ARG=d FILE=COLVAR\nINCLUDE FILE=more.dat\nUNITS TIME=fs\nENDPLUMED")
    statements = with_included(read_statements(script), tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in outputs(statements, tmp_path)]
    assert names == ["HILLS", "COLVAR", "KERNELS", "HILLS.a", "HILLS.b"]
    assert bias_strides(statements) == (6, 10, 40)
    assert picoseconds(statements) == 1e-3


def test_a_walker_has_its_own_file(tmp_path: Path) -> None:
    (walker,) = read_statements("METAD ARG=d PACE=5 WALKERS_ID=2 WALKERS_DIR=../all WALKERS_RSTRIDE=7")
    assert outputs((walker,), tmp_path) == (tmp_path / "../all/HILLS.2",)
    assert bias_strides((walker,)) == (5, 7)


HILLS = "#! FIELDS time d sigma_d height biasf\n#! SET multivariate false\n 1.0 0.3 0.1 1.2 8\n 2.0 0.3 0.1 1.1 8\n"
COLVAR = "#! FIELDS time d\n 0.0 0.3\n 1.0 0.3\n 2.0 0.3\n"


@pytest.mark.parametrize(
    ("text", "kept"), [(HILLS, 3), (HILLS + " 3.0 0.", 3), (COLVAR, 2), (COLVAR + " 2.5 0.31\n", 2)]
)
def test_series_are_cut_at_a_step_and_only_deposits_of_the_step_stay(tmp_path: Path, text: str, kept: int) -> None:
    path = tmp_path / "series"
    path.write_text(text)
    cut(path, time=1.0, time_step=0.002)
    assert path.read_text().splitlines() == text.splitlines()[:kept]


def test_a_file_that_is_no_series_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "grid"
    path.write_text("#! FIELDS d bias\n 0.0 1.0\n")
    assert cut(path, time=0.0, time_step=0.002) == 0
    assert cut(tmp_path / "absent", time=0.0, time_step=0.002) == 0
    path.write_text("#! FIELDS time d\n zero 1.0\n")
    with pytest.raises(InputError, match="not a line of PLUMED's"):
        cut(path, time=0.0, time_step=0.002)


# Finding a kernel


def test_a_kernel_that_is_named_goes_first_and_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "libplumedKernel.so"
    mine.write_bytes(b"")
    monkeypatch.setenv("PLUMED_KERNEL", str(mine))
    assert find_kernel() == mine
    monkeypatch.setenv("PLUMED_KERNEL", str(tmp_path / "absent"))
    with pytest.raises(MissingDependency, match=r"PLUMED_KERNEL is .*absent, which does not exist"):
        find_kernel()
    assert find_kernel(mine) == mine


def test_without_a_kernel_three_ways_to_get_one_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from bindfe.sample.plumed import find

    monkeypatch.delenv("PLUMED_KERNEL", raising=False)
    monkeypatch.setattr(find, "_of_hillclimber", lambda: None)
    monkeypatch.setattr(find, "find_library", lambda _: None)
    monkeypatch.setattr(find.sys, "prefix", "/nowhere")
    with pytest.raises(MissingDependency, match=r"--no-deps hillclimber.*PLUMED_KERNEL.*conda-forge"):
        find_kernel()


def test_a_file_that_is_no_kernel_is_refused(tmp_path: Path) -> None:
    mine = tmp_path / "libplumedKernel.so"
    mine.write_bytes(b"not a library")
    with pytest.raises(MissingDependency, match="cannot be used as a PLUMED kernel"):
        check_script("d: DISTANCE ATOMS=1,2", kernel=mine, masses=np.ones(3), directory=tmp_path)


# What PLUMED says


def refusal(script: str, directory: Path, n_atoms: int = 10) -> str:
    with pytest.raises(InputError) as caught:
        check_script(script, kernel=find_kernel(), masses=np.ones(n_atoms), directory=directory)
    return str(caught.value)


@pytest.mark.plumed
@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("\nd: DISTANCE ATOMS=1,30\n", ("line 2", "atom 30 out of range")),
        ("d: DISTANCE ATOMS=1,2\ne: DISTANCEE ATOMS=1,2\n", ("line 2", "DISTANCEE", "not known")),
        ("d: DISTANCE ATOM=1,2", ("line 1", "Number of specified atoms should be 2")),
        ("d: DISTANCE ATOMS=1,2 NOPB", ("line 1", "cannot understand the following words", "NOPB")),
        ("d: DISTANCE ATOMS=1,2\n\nRESTRAINT ...\n ARG=e AT=1\n...\n", ("line 3", "cannot find action named e")),
        ("r: RMSD REFERENCE=reference.pdb", ("line 1", "reference.pdb")),
        ("e: ENERGY\nRESTRAINT ARG=e AT=0 KAPPA=1\n", ("ENERGY", "does not tell a force")),
        ("d: DISTANCE ATOMS=1,2\nMETAD ARG=d PACE=5 SIGMA=0.1 HEIGHT=1\n", ("line 2", "without a grid", "GRID_MIN")),
        ("d: DISTANCE ATOMS=1,2\nABMD ARG=d TO=2 KAPPA=10\n", ("line 2", "ABMD", "whenever it is calculated")),
        ("# nothing\n", ("no statement",)),
    ],
)
def test_a_wrong_script_is_refused_with_its_line_and_plumeds_words(
    script: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    message = refusal(script, tmp_path)
    assert all(word in message for word in words), message
    assert "core/" not in message
    assert not list(tmp_path.iterdir())


@pytest.mark.plumed
def test_a_module_that_the_kernel_lacks_is_named_with_what_to_do(tmp_path: Path) -> None:
    message = refusal("p: PYTORCH_MODEL FILE=model.ptc ARG=d", tmp_path)
    if "not known" not in message:
        pytest.skip("this kernel has PYTORCH_MODEL")
    assert 'module "pytorch"' in message
    assert "PLUMED_KERNEL" in message
    assert str(find_kernel()) in message


@pytest.mark.plumed
def test_reading_a_script_leaves_an_existing_hills_file_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "HILLS").write_text(HILLS)
    (tmp_path / "reference.dat").write_text("d: DISTANCE ATOMS=1,3\n")
    script = "INCLUDE FILE=reference.dat\nMETAD ARG=d PACE=5 SIGMA=0.1 HEIGHT=1 GRID_MIN=0 GRID_MAX=3\n"
    for backups in (None, "0"):
        if backups is not None:
            monkeypatch.setenv("PLUMED_MAXBACKUP", backups)
        atoms = check_script(script, kernel=find_kernel(), masses=np.ones(5), directory=tmp_path)
        assert atoms == (0, 2)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["HILLS", "reference.dat"]
        assert (tmp_path / "HILLS").read_text() == HILLS


@pytest.mark.plumed
def test_all_atoms_of_a_neighbour_list_are_asked_for(tmp_path: Path) -> None:
    script = "c: COORDINATION GROUPA=1-4 GROUPB=9-12 R_0=0.3 NLIST NL_CUTOFF=0.4 NL_STRIDE=10\nRESTRAINT ARG=c AT=1\n"
    atoms = check_script(script, kernel=find_kernel(), masses=np.ones(20), directory=tmp_path)
    assert atoms == (0, 1, 2, 3, 8, 9, 10, 11)


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a directory"):
        PlumedBias(SCRIPT, temperature=300.0, directory=tmp_path / "absent")


@pytest.mark.plumed
def test_any_openmm_script_runs_a_plumed_dat(tmp_path: Path) -> None:
    """Alanine dipeptide of openmmtools: nothing of bindfe but the bias."""
    testsystems = pytest.importorskip("openmmtools.testsystems")
    model = testsystems.AlanineDipeptideVacuum()
    script = "phi: TORSION ATOMS=5,7,9,15\nOPES_METAD ARG=phi PACE=10 BARRIER=30 SIGMA=0.15\n"
    script += "PRINT ARG=phi FILE=COLVAR STRIDE=5\n"
    bias = PlumedBias(script, temperature=300.0, directory=tmp_path)
    bias.add_to(model.system)
    context = openmm.Context(model.system, openmm.LangevinMiddleIntegrator(300.0, 1.0, 0.002))
    context.setPositions(model.positions)
    openmm.LocalEnergyMinimizer.minimize(context)
    bias.step(context, 50)
    assert bias.atoms == (4, 6, 8, 14)
    assert len(np.loadtxt(tmp_path / "KERNELS")) == 5
    assert len(np.loadtxt(tmp_path / "COLVAR")) == 11


# Doctor


@pytest.mark.plumed
def test_doctor_names_the_kernel() -> None:
    from bindfe.cli import app

    printed = CliRunner().invoke(app, ["doctor"]).stdout
    assert f"ok       PLUMED kernel    {find_kernel()}" in printed


def test_doctor_names_three_ways_to_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    from bindfe.cli import app

    monkeypatch.setenv("PLUMED_KERNEL", "/nowhere/libplumedKernel.so")
    printed = " ".join(CliRunner().invoke(app, ["doctor"]).stdout.split())
    assert "missing PLUMED kernel" in printed
    assert "pip install --no-deps hillclimber" in printed
    assert "conda-forge" in printed
