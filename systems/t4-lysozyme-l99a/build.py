"""Builds T4 lysozyme L99A with ligands in its cavity: ``python systems/t4-lysozyme-l99a/build.py [DIRECTORY]``.

The receptor and p-xylene in it (PDB entry 181L's cavity) are data of the package openmmtools, which is installed with
bindfe; the receptor is copied from there. Every other ligand is made from its SMILES in ``affinities.csv`` or
``nonbinders.csv`` and laid on p-xylene's ring. The same version of RDKit gives the same files.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from importlib.util import find_spec
from pathlib import Path

from bindfe.chem.inclusion import write_sdf
from bindfe.chem.intake import read_series
from bindfe.chem.ligand import read_ligands
from bindfe.chem.pose import place_series
from bindfe.chem.pose_contact import pocket_of
from bindfe.chem.receptor import read_receptor

HERE = Path(__file__).parent


def main() -> None:
    """Write the receptor and its ligands."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=HERE)
    directory = parser.parse_args().directory
    data = _openmmtools() / "data" / "T4-lysozyme-L99A-implicit"
    shutil.copyfile(data / "receptor.pdb", directory / "receptor.pdb")
    (xylene,) = read_ligands(data / "ligand.tripos.mol2")
    atoms = read_receptor(directory / "receptor.pdb").structure.atoms
    pocket = pocket_of(
        [atom.element for atom in atoms],
        [atom.position for atom in atoms],
        labels=[f"{atom.label} {atom.name}" for atom in atoms],
        near=xylene.positions,
    )
    for table, name in (("affinities.csv", "ligands.sdf"), ("nonbinders.csv", "nonbinders.sdf")):
        series = read_series(_smiles(HERE / table, directory / "series.smi"))
        placed = place_series(series.ligands, xylene, pocket)
        write_sdf([pose.ligand.mol for pose in placed if pose.mode == 0], directory / name)
        (directory / "series.smi").unlink()


def _openmmtools() -> Path:
    """Where the package lies; it is not imported."""
    found = find_spec("openmmtools")
    if found is None or found.origin is None:
        raise SystemExit("openmmtools is not installed: pip install openmmtools")
    return Path(found.origin).parent


def _smiles(table: Path, path: Path) -> Path:
    """The molecules of a table as a file of SMILES."""
    with table.open(encoding="utf-8", newline="") as file:
        lines = [f"{row['smiles']} {row['ligand']}\n" for row in csv.DictReader(file)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
