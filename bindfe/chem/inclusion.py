"""Guests put into hosts whose cavity is the z axis: a start for minimisation, not a crystal structure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from bindfe.errors import InputError

Floats = NDArray[np.float64]

_CONFORMERS = 50
_SEED = 7
_TURNS = 180


def embed_guest(name: str, smiles: str) -> Chem.Mol:
    """The guest's conformer of lowest MMFF94 energy among 50.

    Raises:
        InputError: RDKit can neither read nor embed the SMILES.
    """
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise InputError(f"{name}: '{smiles}' is not a SMILES")
    mol = Chem.AddHs(mol)
    if not rdDistGeom.EmbedMultipleConfs(mol, _CONFORMERS, randomSeed=_SEED):
        raise InputError(f"{name}: RDKit cannot embed {smiles}")
    energies = [energy for _, energy in rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(mol, maxIters=2000)]
    best = Chem.Mol(mol, confId=int(np.argmin(energies)))
    best.SetProp("_Name", name)
    return best


def place_on_axis(guest: Chem.Mol, host: Chem.Mol, *, heights: Sequence[float] = (0.0,)) -> None:
    """Put the guest's heavy atoms on the host's axis, long axis along z, where they are farthest from the host.

    Args:
        guest: Its conformer is moved.
        host: Its cavity is along z, its centre at the origin.
        heights: Heights of the guest's centre along z that are tried [A]; the cavity's middle by default. With
            more than one height, both ends of the guest are tried as well.
    """
    x = np.asarray(guest.GetConformer().GetPositions())
    heavy = heavy_atoms(guest)
    wall = np.asarray(host.GetConformer().GetPositions())[heavy_atoms(host)]
    centred = x - x[heavy].mean(axis=0)
    axes = np.linalg.svd(centred[heavy], full_matrices=False)[2]
    upright = centred @ np.array([axes[1], np.cross(axes[0], axes[1]), axes[0]]).T
    flip = np.diag([1.0, -1.0, -1.0])
    ends = (upright,) if len(heights) == 1 else (upright, upright @ flip)
    placed = [
        end @ turn(angle).T + np.array([0.0, 0.0, height])
        for height in heights
        for end in ends
        for angle in np.linspace(0.0, 2 * np.pi, _TURNS, endpoint=False)
    ]
    gaps = [nearest(y[heavy], wall) for y in placed]
    guest.GetConformer().SetPositions(placed[int(np.argmax(gaps))])


def heavy_atoms(mol: Chem.Mol) -> list[int]:
    """Indices of all atoms but hydrogens."""
    return [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1]


def nearest(x: Floats, y: Floats) -> float:
    """Smallest distance between two sets of points."""
    return float(np.linalg.norm(x[:, None] - y[None], axis=-1).min())


def turn(angle: float) -> Floats:
    """Rotation about z [rad], (3, 3)."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [0.0, 0.0, 1.0]])


def write_sdf(mols: Chem.Mol | Sequence[Chem.Mol], path: Path) -> None:
    """Write one molecule, or several, a record each."""
    records = [mols] if isinstance(mols, Chem.Mol) else mols
    path.write_text("".join(Chem.MolToMolBlock(mol) + "$$$$\n" for mol in records), encoding="utf-8")
