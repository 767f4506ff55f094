"""How well a ligand's heavy atoms sit among a receptor's: the contact terms of AutoDock Vina, and clashes.

No charges and no parameters are needed, so it can be asked of any structure before a force field has
seen it. It ranks poses of one ligand; it is no binding free energy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_RADII = {"C": 1.9, "N": 1.8, "O": 1.7, "F": 1.5, "P": 2.1, "S": 2.0, "Cl": 1.8, "Br": 2.0, "I": 2.2}
_OTHER_RADIUS = 1.2
"""Vina's radii of atoms [A]; a metal ion has 1.2."""

_GAUSS_NEAR, _GAUSS_FAR, _REPULSION, _HYDROPHOBIC, _HYDROGEN_BOND = -0.035579, -0.005156, 0.840245, -0.035069, -0.587439
"""Weights of Vina's terms [kcal/mol], of the repulsion per A^2."""

_FARTHEST = 8.0
"""Distance beyond which atoms do not see each other [A]."""

CLASH = 1.2
"""Overlap of two of these spheres that no complex has [A]: two carbons at 2.6, a nitrogen and an oxygen at 2.3."""

_HYDROPHOBIC_SYMBOLS = frozenset({"C", "F", "Cl", "Br", "I"})
_POLAR = frozenset({"N", "O"})


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Pocket:
    """Heavy atoms of a receptor, as a ligand's heavy atoms meet them."""

    positions: Floats
    """Coordinates [A], (N, 3)."""
    radii: Floats
    """Radii [A], (N,)."""
    hydrophobic: Flags
    """Carbon without a heteroatom neighbour, or halogen, (N,)."""
    donors: Flags
    """N or O with a hydrogen, or that may have one, (N,)."""
    acceptors: Flags
    """O, or N without a hydrogen, (N,)."""
    labels: tuple[str, ...]
    """How a message names each atom."""


def pocket_of(
    symbols: Sequence[str],
    positions: Floats,
    *,
    labels: Sequence[str],
    near: Floats | None = None,
    reach: float = 1.5,
) -> Pocket:
    """Heavy atoms of a receptor within reach of a place.

    Whether a carbon is hydrophobic and a nitrogen donates is read off distances, so a structure needs no bonds.
    Without a single hydrogen in it every nitrogen and oxygen counts as donor and as acceptor.

    Args:
        symbols: Element of each atom, (N,).
        positions: Coordinates [nm], (N, 3).
        labels: How a message names each atom, (N,).
        near: Points [nm], (M, 3); everything is kept if None.
        reach: Distance from the nearest of them [nm].
    """
    x = 10.0 * np.asarray(positions, dtype=float)
    if near is not None:
        kept = _within(x, 10.0 * np.asarray(near, dtype=float), 10.0 * reach)
        symbols, labels, x = [symbols[i] for i in kept], [labels[i] for i in kept], x[kept]
    heavy = np.array([i for i, symbol in enumerate(symbols) if symbol != "H"], dtype=int)
    hydrogens = np.array([i for i, symbol in enumerate(symbols) if symbol == "H"], dtype=int)
    names = [symbols[i] for i in heavy]
    hetero = np.array([name not in ("C", "H") for name in names], dtype=bool)
    beside_hetero = _any_within(x[heavy], x[heavy][hetero], 1.9)
    polar = np.array([name in _POLAR for name in names], dtype=bool)
    carries = _any_within(x[heavy], x[hydrogens], 1.25) if len(hydrogens) else polar
    oxygen = np.array([name == "O" for name in names], dtype=bool)
    greasy = np.array([name in _HYDROPHOBIC_SYMBOLS for name in names], dtype=bool)
    halogen = np.array([name in _HYDROPHOBIC_SYMBOLS and name != "C" for name in names], dtype=bool)
    return Pocket(
        positions=x[heavy],
        radii=_radii(names),
        hydrophobic=greasy & (halogen | ~beside_hetero),
        donors=polar & carries,
        acceptors=polar & (oxygen | ~carries | (len(hydrogens) == 0)),
        labels=tuple(labels[i] for i in heavy),
    )


def pocket_of_molecule(mol: Chem.Mol, *, name: str) -> Pocket:
    """A host as a pocket."""
    symbols = [atom.GetSymbol() for atom in mol.GetAtoms()]
    labels = [f"{name} {symbol}{index}" for index, symbol in enumerate(symbols)]
    return pocket_of(symbols, 0.1 * np.asarray(mol.GetConformer().GetPositions()), labels=labels)


def _within(x: Floats, near: Floats, reach: float) -> NDArray[np.int64]:
    """Indices of the points within reach of another set's."""
    return np.asarray(np.flatnonzero(_nearest(x, near) < reach), dtype=np.int64)


def _any_within(x: Floats, others: Floats, reach: float) -> Flags:
    """Whether another point, not itself, is within reach of each."""
    return np.asarray(_nearest(x, others) < reach)


def _nearest(x: Floats, others: Floats) -> Floats:
    """Distance from each point to the nearest other one; infinite if there is none."""
    from scipy.spatial import cKDTree

    if len(others) == 0 or len(x) == 0:
        return np.full(len(x), np.inf)
    distance, _ = cKDTree(others).query(x, k=min(2, len(others)))
    table = np.asarray(distance, dtype=float).reshape(len(x), -1)
    return np.where(table[:, 0] > 1e-6, table[:, 0], table[:, 1] if table.shape[1] > 1 else np.inf)


def _radii(symbols: Sequence[str]) -> Floats:
    return np.array([_RADII.get(symbol, _OTHER_RADIUS) for symbol in symbols], dtype=float)


class Contacts:
    """Vina's contact energy of one ligand in one pocket, as a function of the ligand's coordinates.

    With d the distance of two heavy atoms less their radii [A]::

        E = sum_pairs  -0.0356 e^-(2d)^2 - 0.00516 e^-((d-3)/2)^2 + 0.840 min(d, 0)^2
                       - 0.0351 [both hydrophobic] ramp(0.5..1.5) - 0.587 [hydrogen bond] ramp(-0.7..0)

    Source:
        Trott and Olson, J. Comput. Chem. 31, 455 (2010), doi:10.1002/jcc.21334, table 1. Its division by the
        number of rotatable bonds, and the terms within the ligand, are not in it.
    """

    def __init__(self, ligand: Chem.Mol, pocket: Pocket) -> None:
        """Keep what does not depend on coordinates."""
        self.pocket = pocket
        atoms = [atom for atom in ligand.GetAtoms() if atom.GetAtomicNum() > 1]
        self.heavy = np.array([atom.GetIdx() for atom in atoms], dtype=int)
        self._reach = _radii([atom.GetSymbol() for atom in atoms])[:, None] + pocket.radii[None]
        carries = np.array([any(n.GetAtomicNum() == 1 for n in atom.GetNeighbors()) for atom in atoms], dtype=bool)
        polar = np.array([atom.GetSymbol() in _POLAR for atom in atoms], dtype=bool)
        oxygen = np.array([atom.GetSymbol() == "O" for atom in atoms], dtype=bool)
        accepts = polar & (oxygen | (~carries & np.array([_lone_pair(atom) for atom in atoms], dtype=bool)))
        greasy = np.array([_is_hydrophobic(atom) for atom in atoms], dtype=bool)
        self._greasy = greasy[:, None] & pocket.hydrophobic[None]
        self._bonding = ((polar & carries)[:, None] & pocket.acceptors[None]) | (accepts[:, None] & pocket.donors[None])

    def energy_and_gradient(self, x: Floats) -> tuple[float, Floats]:
        """Energy [kcal/mol] and its gradient by all atoms of the ligand at x [A], (N, 3)."""
        apart = x[self.heavy][:, None] - self.pocket.positions[None]
        r = np.linalg.norm(apart, axis=-1) + 1e-9
        d = r - self._reach
        near, far, below = np.exp(-4 * d**2), np.exp(-((d - 3) ** 2) / 4), np.minimum(d, 0.0)
        grease = np.clip(1.5 - d, 0.0, 1.0) * self._greasy
        bond = np.clip(-d / 0.7, 0.0, 1.0) * self._bonding
        seen = r < _FARTHEST
        energy = (
            _GAUSS_NEAR * near
            + _GAUSS_FAR * far
            + _REPULSION * below**2
            + _HYDROPHOBIC * grease
            + _HYDROGEN_BOND * bond
        )
        slope = (
            -8 * d * _GAUSS_NEAR * near
            - (d - 3) / 2 * _GAUSS_FAR * far
            + 2 * _REPULSION * below
            - _HYDROPHOBIC * ((d > 0.5) & (d < 1.5)) * self._greasy
            - _HYDROGEN_BOND / 0.7 * ((d > -0.7) & (d < 0.0)) * self._bonding
        )
        gradient = np.zeros_like(x)
        gradient[self.heavy] = np.sum((slope * seen / r)[..., None] * apart, axis=1)
        return float(np.sum(energy * seen)), gradient

    def clashes(self, x: Floats) -> tuple[Clash, ...]:
        """Pairs of heavy atoms that overlap by more than :data:`CLASH` at x [A], the worst first."""
        r = np.linalg.norm(x[self.heavy][:, None] - self.pocket.positions[None], axis=-1)
        overlap = self._reach - r
        pairs = [(int(i), int(j)) for i, j in np.argwhere(overlap > CLASH)]
        return tuple(
            Clash(ligand_atom=int(self.heavy[i]), label=self.pocket.labels[j], distance=0.1 * float(r[i, j]))
            for i, j in sorted(pairs, key=lambda pair: -overlap[pair])
        )

    def buried(self, x: Floats) -> float:
        """Part of the ligand's heavy atoms that have an atom of the pocket within 0.45 nm at x [A], 0 to 1."""
        r = np.linalg.norm(x[self.heavy][:, None] - self.pocket.positions[None], axis=-1)
        return float(np.mean(np.any(r < 4.5, axis=1))) if r.size else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Clash:
    """Two atoms in one place."""

    ligand_atom: int
    """Atom of the ligand, from 0."""
    label: str
    """The receptor's atom."""
    distance: float
    """Distance [nm]."""


def _is_hydrophobic(atom: Chem.Atom) -> bool:
    if atom.GetSymbol() != "C":
        return atom.GetSymbol() in _HYDROPHOBIC_SYMBOLS
    return all(neighbour.GetAtomicNum() in (1, 6) for neighbour in atom.GetNeighbors())


def _lone_pair(atom: Chem.Atom) -> bool:
    """Nitrogen that can accept: neither charged nor with three single bonds into a conjugated system."""
    return bool(atom.GetFormalCharge() <= 0 and atom.GetDegree() < 3)
