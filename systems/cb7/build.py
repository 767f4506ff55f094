"""Builds cucurbit[7]uril and guests inside it: ``python systems/cb7/build.py [DIRECTORY]``.

Nothing is copied from a database: the host is built by its symmetry, guests are embedded from SMILES,
put on the barrel's axis and turned about it to where they touch the host least. The same versions of
RDKit give the same files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from bindfe.chem.cucurbituril import build_cucurbituril

GUESTS = {
    "b2": "OCC12CCC(CO)(CC1)CC2",  # 1,4-bis(hydroxymethyl)bicyclo[2.2.2]octane
    "adamantanol": "OC12CC3CC(C1)CC(C3)C2",  # 1-adamantanol
}
"""Guests by name, as SMILES; each is neutral, achiral and longest along the axis of its bicycle."""

_CONFORMERS = 50
_SEED = 7
_TURNS = 180


def main() -> None:
    """Write the host and its guests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=Path(__file__).parent)
    directory = parser.parse_args().directory
    host = build_cucurbituril(7)
    write_sdf(host, directory / "cb7.sdf")
    for name, smiles in GUESTS.items():
        guest = embed_guest(name, smiles)
        place_on_axis(guest, host)
        write_sdf(guest, directory / f"{name}.sdf")


def embed_guest(name: str, smiles: str) -> Chem.Mol:
    """The guest's conformer of lowest MMFF94 energy."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMultipleConfs(mol, _CONFORMERS, randomSeed=_SEED)
    energies = [energy for _, energy in rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(mol, maxIters=2000)]
    best = Chem.Mol(mol, confId=int(np.argmin(energies)))
    best.SetProp("_Name", name)
    return best


def place_on_axis(guest: Chem.Mol, host: Chem.Mol) -> None:
    """Centre the guest's heavy atoms in the host, their long axis along z, turned to where it is widest."""
    x = np.asarray(guest.GetConformer().GetPositions())
    heavy = heavy_atoms(guest)
    wall = np.asarray(host.GetConformer().GetPositions())[heavy_atoms(host)]
    centred = x - x[heavy].mean(axis=0)
    axes = np.linalg.svd(centred[heavy], full_matrices=False)[2]
    upright = centred @ np.array([axes[1], np.cross(axes[0], axes[1]), axes[0]]).T
    turned = [upright @ turn(angle).T for angle in np.linspace(0.0, 2 * np.pi, _TURNS, endpoint=False)]
    gaps = [nearest(y[heavy], wall) for y in turned]
    guest.GetConformer().SetPositions(turned[int(np.argmax(gaps))])


def heavy_atoms(mol: Chem.Mol) -> list[int]:
    """Indices of all atoms but hydrogens."""
    return [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1]


def nearest(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Smallest distance between two sets of points."""
    return float(np.linalg.norm(x[:, None] - y[None], axis=-1).min())


def turn(angle: float) -> NDArray[np.float64]:
    """Rotation about z [rad], (3, 3)."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def write_sdf(mol: Chem.Mol, path: Path) -> None:
    """Write one record."""
    path.write_text(Chem.MolToMolBlock(mol) + "$$$$\n")


if __name__ == "__main__":
    main()
