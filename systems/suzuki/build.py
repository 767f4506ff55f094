"""Builds the stable species of a Suzuki-Miyaura cycle at palladium: ``python systems/suzuki/build.py [DIRECTORY]``.

Each species is built from its SMILES and relaxed with GFN2-xTB; the complexes by ``bindfe.chem.metal``, whose
arrangement about the metal is checked after it. ``--phosphine PMe3`` takes another phosphine than PH3. The energies
are GFN2's, and only that: general potentials disagree about reaction energies at palladium by 20 kcal/mol.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
from rdkit import Chem

from bindfe.build.metal import relax_complex, relaxed_positions
from bindfe.chem.inclusion import embed_guest, write_sdf
from bindfe.chem.metal import MetalComplex, build_complex, coordination, exchange_phosphines
from bindfe.mlip.gfn import GfnCommittee
from bindfe.units import KJ_PER_KCAL

HERE = Path(__file__).parent
SEEDS = (7, 9)
"""Starts of each complex; the lowest is kept. The phenyl of trans-Ph-Br has minima 1.3 kcal/mol apart."""


def main() -> None:
    """Write every species, its geometry and its energy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=HERE)
    parser.add_argument("--phosphine", default="PH3", help="Name or SMILES of the phosphine on palladium.")
    arguments = parser.parse_args()
    with (HERE / "species.csv").open(encoding="utf-8", newline="") as file:
        species = list(csv.DictReader(file))
    mols, energies = [], []
    for row in species:
        mol, energy, shell = _species(row["species"], row["smiles"], arguments.phosphine)
        mols.append(mol)
        energies.append((row["species"], f"{energy / KJ_PER_KCAL:.2f}", shell))
    write_sdf(mols, arguments.directory / "species.sdf")
    with (arguments.directory / "energies.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("species", "gfn2_energy_kcal_mol", "shell"))
        table.writerows(energies)


def _species(name: str, smiles: str, phosphine: str) -> tuple[Chem.Mol, float, str]:
    """One species: molecule, GFN2 energy [kJ/mol], and its bonds at the metal in words."""
    if "Pd" not in smiles:
        mol = embed_guest(name, smiles)
        x = 0.1 * np.asarray(mol.GetConformer().GetPositions())
        numbers = [atom.GetAtomicNum() for atom in mol.GetAtoms()]
        committee = GfnCommittee("gfn2", numbers=numbers, reference=x)
        x = relaxed_positions(committee, x, name=name)
        mol.GetConformer().SetPositions(10.0 * x)
        return mol, float(committee.energies(x[None])[0, 0]), ""
    found, energy = min((_relaxed(name, smiles, phosphine, seed) for seed in SEEDS), key=lambda pair: pair[1])
    found.mol.SetProp("_Name", name)
    shell = coordination(found)
    words = " ".join(f"{symbol}={10 * length:.3f}" for symbol, length in zip(shell.symbols, shell.lengths, strict=True))
    return found.mol, energy, words


def _relaxed(name: str, smiles: str, phosphine: str, seed: int) -> tuple[MetalComplex, float]:
    found = build_complex(smiles, name=name, seed=seed)
    if phosphine != "PH3":
        found = exchange_phosphines(found, phosphine, seed=seed)
    found = relax_complex(found)
    committee = GfnCommittee("gfn2", numbers=found.numbers, reference=found.positions)
    return found, committee.reference_energy


if __name__ == "__main__":
    main()
