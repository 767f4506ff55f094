"""Reading a plumed.dat: its statements with their lines, and what PLUMED says of them before anything runs."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bindfe.errors import InputError
from bindfe.sample.plumed.kernel import Kernel, KernelError

_NEEDS_GRID = ("METAD", "PBMETAD")
_REMEMBERS = ("ABMD",)  # its minimum follows every calculation
_WHERE_IN_PLUMED = re.compile(r"^\(\w[^\n]*:\d+\)[^\n]*\n", re.MULTILINE)
_BACKUP = re.compile(r"bck\.\d+\.")
_SIBLING = re.compile(r"(?<![./\w])\.\./(?!\.)([^/\s,=]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One action of a script as it stands there, continuation lines and comments included."""

    line: int
    """Number of its first line, from 1."""
    text: str
    """Its lines, joined by line ends."""
    words: tuple[str, ...]
    """Its words without comments, label and continuation dots."""

    @property
    def action(self) -> str:
        """Name of the action in capitals, for example METAD."""
        return self.words[0].upper() if self.words else ""

    def value(self, key: str) -> str | None:
        """What stands after ``KEY=``; None where the key is absent."""
        for word in self.words[1:]:
            name, equals, value = word.partition("=")
            if equals and name.upper() == key:
                return value
        return None


def read_statements(script: str) -> tuple[Statement, ...]:
    """Split a script into its statements; what stands after ENDPLUMED is not read.

    Raises:
        InputError: A continuation (``...``) is not closed.
    """
    statements: list[Statement] = []
    pending: list[str] = []
    words: list[str] = []
    first, inside = 0, False
    for number, line in enumerate(script.splitlines(), start=1):
        found = line.split("#", 1)[0].split()
        if not inside:
            if not found:
                continue
            if found[0].upper() == "ENDPLUMED":
                break
            pending, words, first = [], [], number
        pending.append(line)
        closes = inside and bool(found) and found[0] == "..."
        inside = not closes if inside else found[-1] == "..."
        words += [] if closes else [word for word in found if word != "..."]
        if not inside:
            statements.append(Statement(line=first, text="\n".join(pending) + "\n", words=_unlabelled(words)))
    if inside:
        raise InputError(
            f"plumed.dat, line {first}: the continuation that begins here is not closed by a line with '...'"
        )
    return tuple(statements)


def with_included(statements: tuple[Statement, ...], directory: Path) -> tuple[Statement, ...]:
    """Statements, and after each INCLUDE those of its file, where that can be read."""
    found: list[Statement] = []
    for statement in statements:
        found.append(statement)
        path = directory / (statement.value("FILE") or "")
        if statement.action == "INCLUDE" and path.is_file():
            found += with_included(read_statements(path.read_text()), directory)
    return tuple(found)


def _unlabelled(words: list[str]) -> tuple[str, ...]:
    return tuple(words[1:] if words and words[0].endswith(":") else words)


def read_into(kernel: Kernel, statements: tuple[Statement, ...]) -> None:
    """Give a script to a kernel, statement by statement.

    Raises:
        InputError: PLUMED refuses a statement: its line and PLUMED's own message.
    """
    for statement in statements:
        try:
            kernel.read(statement.text)
        except KernelError as error:
            raise InputError(f"plumed.dat, line {statement.line}: {_explained(str(error), kernel)}") from error


def plain_message(message: str) -> str:
    """PLUMED's message on one line, without the place in its source."""
    return " ".join(_WHERE_IN_PLUMED.sub("", message.strip() + "\n").split())


def _explained(message: str, kernel: Kernel) -> str:
    """PLUMED's message, and what to do about a module that is not there."""
    text = plain_message(message)
    if "is not known" in text or "I cannot understand line" in text:
        text += (
            f" (kernel {kernel.library}; another kernel may have the module: set PLUMED_KERNEL to one that was "
            "configured with --enable-modules=all)"
        )
    return f"PLUMED says: {text}"


def check_script(script: str, *, kernel: Path, masses: np.ndarray, directory: Path) -> tuple[int, ...]:
    """Let PLUMED read a script without leaving a trace, and ask which atoms it needs.

    It reads in a scratch directory of links: ``plumed driver --parse-only`` renames an existing HILLS.

    Args:
        script: Text of a plumed.dat.
        kernel: The kernel library.
        masses: Masses of all atoms [amu], (n_atoms,).
        directory: Where the script's files lie.

    Returns:
        Atoms that the script's variables need, numbered from 0.

    Raises:
        InputError: PLUMED refuses a statement, METAD has no grid, or a variable needs the potential energy.
    """
    statements = read_statements(script)
    if not statements:
        raise InputError("plumed.dat has no statement: give at least a variable and a bias")
    for statement in with_included(statements, directory):
        _refuse_without_grid(statement)
        _refuse_memory(statement)
    with scratch(directory, script=script):
        instance = Kernel(
            kernel,
            masses=masses,
            charges=np.zeros(len(masses)),
            temperature=300.0,
            time_step=0.001,
            restart=False,
            virial=False,
            log="plumed.log",
        )
        try:
            read_into(instance, statements)
            atoms = instance.needed_atoms()
            needs_energy = instance.ask("isEnergyNeeded")
        finally:
            instance.close()
    if needs_energy:
        raise InputError(
            "plumed.dat uses ENERGY: OpenMM does not tell a force the potential energy of the others, so it cannot "
            "be biased here"
        )
    return tuple(atoms)


def _refuse_without_grid(statement: Statement) -> None:
    if statement.action in _NEEDS_GRID and statement.value("GRID_MIN") is None:
        raise InputError(
            f"plumed.dat, line {statement.line}: {statement.action} without a grid sums all hills at every step (5,000 "
            "hills: 557 microseconds a step). Give GRID_MIN and GRID_MAX, for example GRID_MIN=0 GRID_MAX=4 for a "
            "distance in nm, or GRID_MIN=-pi GRID_MAX=pi for a torsion"
        )


def _refuse_memory(statement: Statement) -> None:
    """Refuse what changes whenever it is calculated: a probe of the energy would change it."""
    if statement.action in _REMEMBERS or (statement.action == "METAD" and "ACCELERATION" in statement.words):
        what = "METAD with ACCELERATION" if statement.action == "METAD" else statement.action
        raise InputError(
            f"plumed.dat, line {statement.line}: {what} changes its state whenever it is calculated, and OpenMM "
            "calculates more often than once a step. Pull with MOVINGRESTRAINT; take accelerations from COLVAR"
        )


def _show(source: Path, place: Path) -> None:
    """A directory whose files are links to those of another; or a link to a file."""
    if not source.is_dir():
        if source.exists():
            place.symlink_to(source)
        return
    place.mkdir(exist_ok=True)
    for entry in source.iterdir():
        if not _BACKUP.match(entry.name) and not entry.name.startswith(".plumed-"):
            (place / entry.name).symlink_to(entry)


@contextlib.contextmanager
def scratch(directory: Path, *, script: str) -> Iterator[Path]:
    """Work in a temporary directory that shows the files of another by links.

    PLUMED opens files where it works. It moves an existing file aside before it writes one of the same
    name, which here moves a link only. So do outputs in directories beside, ``../hills/HILLS.0``. One that the script
    names by an absolute path, or by more than one ``../``, is not protected.
    """
    beside = directory.parent if "../" in script else None
    kept = os.environ.get("PLUMED_MAXBACKUP")
    os.environ["PLUMED_MAXBACKUP"] = "100"  # with 0, PLUMED would write through the links
    try:
        with tempfile.TemporaryDirectory(prefix=".plumed-", dir=beside) as name:
            place = Path(name)
            if beside is not None and "../../" not in script:
                place = place / directory.name
                for sibling in set(_SIBLING.findall(script)) - {directory.name}:
                    _show(directory.parent / sibling, Path(name) / sibling)
            _show(directory, place)
            with contextlib.chdir(place):
                yield place
    finally:
        if kept is None:
            del os.environ["PLUMED_MAXBACKUP"]
        else:
            os.environ["PLUMED_MAXBACKUP"] = kept
