"""AmberTools' programs, each in a directory of its own: atom types and AM1-BCC charges.

They are GPL and are run as programs, never imported. The pip package puts them beside Python; any other
installation is found on PATH.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bindfe.errors import InputError, MissingDependency

logger = logging.getLogger(__name__)

LONGEST = 3600.0
"""Time of one program [s]. AM1-BCC takes 0.3 s for benzene and six minutes for imatinib."""

_TAIL = 400
_LARGE = 100
"""Atoms beyond which equal atoms are sought within twelve bonds only: on CB[7] (126) the full search took 3.5 GB."""


def find_program(name: str) -> Path:
    """Where a program of AmberTools lies.

    Raises:
        MissingDependency: It is not installed.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise MissingDependency(
            f"AmberTools' program '{name}' was not found: pip install 'bindfe[ambertools]', or put AmberTools on PATH"
        )
    return Path(found)


def am1bcc_charges(molblock: str, *, charge: int, name: str) -> list[float]:
    """AM1-BCC charges as antechamber and sqm make them [e], (N,), summing to the formal charge.

    sqm relaxes the structure that is given to an AM1 minimum and takes Mulliken charges there; bond-charge
    corrections follow. Other conformers give others by some 0.01 e.

    Args:
        molblock: The molecule with all hydrogens and a 3D structure, V2000.
        charge: Its formal charge [e].
        name: How an error names it.

    Raises:
        InputError: AM1 did not converge or a bond has no correction.
        MissingDependency: AmberTools is not installed.
    """
    with tempfile.TemporaryDirectory() as place:
        rows = run_antechamber(molblock, Path(place), charge=charge, name=name, options=("-c", "bcc", "-at", "sybyl"))
    values = [row.charge for row in rows]
    excess = (sum(values) - charge) / len(values)
    if abs(sum(values) - charge) > 0.02:
        raise InputError(f"{name}: antechamber's AM1-BCC charges sum to {sum(values):.3f}, not to {charge}")
    return [value - excess for value in values]


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedAtom:
    """What antechamber says of one atom."""

    type: str
    """Its type in the force field."""
    charge: float
    """Its partial charge [e]; 0 if none were asked for."""


def run_antechamber(
    molblock: str, place: Path, *, charge: int, name: str, options: Sequence[str]
) -> tuple[TypedAtom, ...]:
    """Run antechamber in ``place``, which keeps its ``out.mol2``; the atoms in the order of the molecule."""
    counts = molblock.splitlines()[3]
    if "V3000" in counts:
        raise InputError(f"{name}: antechamber reads molecules up to 999 atoms; use openff-2.3.0 with nagl")
    (place / "in.mdl").write_text(molblock)
    n_atoms = int(counts[:3])
    search = ("-pl", "12") if n_atoms > _LARGE else ()
    words = ("-i", "in.mdl", "-fi", "mdl", "-o", "out.mol2", "-fo", "mol2", "-nc", str(charge), "-s", "0", "-dr", "no")
    run_program("antechamber", (*words, *search, *options), place, name=name, makes="out.mol2")
    lines = (place / "out.mol2").read_text().split("@<TRIPOS>ATOM\n", 1)[-1].split("@<TRIPOS>", 1)[0].splitlines()
    atoms = tuple(TypedAtom(type=words[5], charge=float(words[8])) for words in map(str.split, lines) if words)
    if len(atoms) != n_atoms:
        raise InputError(f"{name}: antechamber returned {len(atoms)} atoms for {n_atoms}")
    return atoms


def run_program(program: str, words: Sequence[str], place: Path, *, name: str, makes: str) -> None:
    """Run a program in ``place`` and see that it made its file.

    Raises:
        InputError: It failed, took longer than :data:`LONGEST`, or made nothing; the message has its last words.
        MissingDependency: It is not installed.
    """
    path = find_program(program)
    environment = {**os.environ, "PATH": f"{path.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    environment.setdefault("OMP_NUM_THREADS", "1")
    logger.debug("running %s for %s", program, name)
    try:
        done = subprocess.run(
            [str(path), *words],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{name}: {program} was not done in {LONGEST / 60:.0f} minutes; use forcefield.charges: nagl, or "
            "charges in the file"
        ) from error
    made = place / makes
    if done.returncode != 0 or not made.is_file() or made.stat().st_size == 0:
        said = " ".join((done.stdout + " " + done.stderr + " " + _sqm_words(place)).split())[-_TAIL:]
        raise InputError(f"{name}: {program} failed: {said}")


def _sqm_words(place: Path) -> str:
    """What sqm wrote last, if it ran."""
    path = place / "sqm.out"
    return path.read_text(errors="replace")[-_TAIL:] if path.is_file() else ""
