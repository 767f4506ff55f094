"""Builds ligands in the main protease's site: ``python systems/sars-cov-2-mpro/build.py [DIRECTORY]``.

Takes the public files from where ``bindfe fetch sars-cov-2-mpro`` left them, or from ``BINDFE_DATA``. Two measured
ligands were docked by others, in the frame of the structure; the other two are laid on the first of them.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from pathlib import Path

from rdkit import Chem

from bindfe.campaign.fetch import bring, collection
from bindfe.chem.inclusion import write_sdf
from bindfe.chem.intake import read_series
from bindfe.chem.ligand import read_ligands
from bindfe.chem.pose import place_series
from bindfe.chem.pose_contact import pocket_of
from bindfe.chem.receptor import read_receptor

HERE = Path(__file__).parent
DOCKED = {"ADA-UCB-6c2cb422-1_1": "ADA-UCB-6c2cb422-1", "TRY-UNI-714a760b-6_1": "TRY-UNI-714a760b-6"}
"""Titles in the docked set, and what was measured."""


def main() -> None:
    """Write the four ligands."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=HERE)
    directory = parser.parse_args().directory
    structure, docked, _ = bring(collection("sars-cov-2-mpro"))
    mols = _docked(docked)
    write_sdf(mols, directory / "ligands.sdf")
    reference = read_ligands(directory / "ligands.sdf")[0]
    atoms = [atom for atom in read_receptor(structure).structure.atoms if atom.residue != "LIG"]
    pocket = pocket_of(
        [atom.element for atom in atoms],
        [atom.position for atom in atoms],
        labels=[f"{atom.label} {atom.name}" for atom in atoms],
        near=reference.positions,
    )
    drawn = directory / "series.smi"
    with (HERE / "affinities.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["ligand"] not in DOCKED.values()]
    drawn.write_text("".join(f"{row['smiles']} {row['ligand']}\n" for row in rows), encoding="utf-8")
    placed = place_series(read_series(drawn).ligands, reference, pocket)
    drawn.unlink()
    write_sdf([*mols, *(pose.ligand.mol for pose in placed if pose.mode == 0)], directory / "ligands.sdf")


def _docked(path: Path) -> list[Chem.Mol]:
    with gzip.open(path) as file:
        found = {mol.GetProp("_Name"): mol for mol in Chem.ForwardSDMolSupplier(file, removeHs=False) if mol}
    mols = []
    for title, name in DOCKED.items():
        mol = Chem.Mol(found[title])
        mol.SetProp("_Name", name)
        mols.append(mol)
    return mols


if __name__ == "__main__":
    main()
