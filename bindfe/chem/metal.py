"""Complexes of a transition metal from SMILES: square planes and lines, their shape, and exchange of phosphines.

The graph says the arrangement: ``[Pd@SP1]``, ``@SP2`` and ``@SP3`` are the three square planes of four donors in
the order of their bonds (across from the first lies the third, second or fourth), and a metal with two donors is a
line. Datives are written ``P(C)(C)C->[Pd]``. The start is ideal about the metal and is relaxed elsewhere by a
potential that knows the metal (:mod:`bindfe.build.metal`); UFF and MMFF94 never see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom

from bindfe.chem.molecule import positions_nm
from bindfe.errors import InputError

Floats = NDArray[np.float64]

METALS = frozenset({"Ni", "Pd", "Pt"})
"""Metals that are built: d8 square planes and d10 lines of group 10."""

PHOSPHINES: Mapping[str, str] = {
    "PH3": "P",
    "PMe3": "CP(C)C",
    "PEt3": "CCP(CC)CC",
    "PPh3": "c1ccccc1P(c1ccccc1)c1ccccc1",
    "PCy3": "C1CCCCC1P(C1CCCCC1)C1CCCCC1",
    "PtBu3": "CC(C)(C)P(C(C)(C)C)C(C)(C)C",
    "SPhos": "COc1cccc(OC)c1-c1ccccc1P(C1CCCCC1)C1CCCCC1",
    "XPhos": "CC(C)c1cc(C(C)C)c(-c2ccccc2P(C2CCCCC2)C2CCCCC2)c(C(C)C)c1",
}
"""Phosphines by name, as SMILES; each has one phosphorus, its donor."""

_LENGTHS_NM: Mapping[str, float] = {"H": 0.158, "C": 0.201, "N": 0.210, "O": 0.205, "F": 0.195, "P": 0.230} | {
    "S": 0.232,
    "Cl": 0.236,
    "Br": 0.248,
    "I": 0.265,
}
"""Bond lengths from which the shell about the metal starts [nm]; a potential relaxes them."""

_TRANS = np.radians(140.0)  # donors across from each other have a larger angle at the metal
_SEEDS = 5
_TURNS = 24


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MetalComplex:
    """A molecule with one metal, and where its atoms are."""

    name: str
    """Name in results."""
    mol: Chem.Mol
    """RDKit molecule: every hydrogen an atom, one conformer; not to be changed."""
    donors: tuple[int, ...]
    """Atoms bound to the metal, in the order of their bonds."""
    trans: tuple[tuple[int, int], ...]
    """Donors that the graph puts across from each other: one pair in a line, two in a square plane."""

    @property
    def metal(self) -> int:
        """Number of the metal atom."""
        return _metal_of(self.mol, self.name)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Atomic number of each atom, (N,)."""
        return tuple(atom.GetAtomicNum() for atom in self.mol.GetAtoms())

    @property
    def charge(self) -> int:
        """Total charge [e]."""
        return int(Chem.GetFormalCharge(self.mol))

    @property
    def positions(self) -> Floats:
        """Coordinates [nm], (N, 3)."""
        return positions_nm(self.mol)

    @property
    def smiles(self) -> str:
        """Canonical SMILES with the arrangement, without hydrogens."""
        return str(Chem.MolToSmiles(Chem.RemoveHs(self.mol)))

    @property
    def sdf(self) -> str:
        """Record of an SDF file (V3000, datives to the metal kept)."""
        mol = Chem.Mol(self.mol)
        mol.SetProp("_Name", self.name)
        return str(Chem.MolToV3KMolBlock(mol)) + "$$$$\n"

    def at(self, positions_nm: Floats) -> MetalComplex:
        """The same complex at other coordinates [nm], (N, 3)."""
        mol = Chem.Mol(self.mol)
        mol.GetConformer().SetPositions(10.0 * np.asarray(positions_nm, dtype=float))
        return replace(self, mol=mol)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Coordination:
    """What the neighbourhood of the metal looks like."""

    symbols: tuple[str, ...]
    """Element of each donor, (D,)."""
    lengths: Floats
    """Metal to donor [nm], (D,)."""
    angles: Floats
    """Angle at the metal between donors [rad], (D, D)."""
    out_of_plane: float
    """Largest distance of metal or donor from their best plane [nm]; 0 for two donors."""
    trans_angles: Floats
    """Angles of the pairs that the graph puts across from each other [rad], (D // 2,)."""

    @property
    def kept(self) -> bool:
        """Whether every pair that should be across from each other is, and no other."""
        across = int((self.angles[np.triu_indices(len(self.lengths), 1)] > _TRANS).sum())
        return bool(np.all(self.trans_angles > _TRANS)) and across == len(self.trans_angles)


def build_complex(smiles: str, *, name: str = "", seed: int = 7) -> MetalComplex:
    """Build a square-planar or linear complex with an ideal start about the metal.

    The ligands are embedded with the metal by distance geometry, which keeps the arrangement of ``@SP``; then each
    is moved as a whole to where its donor stands at the ideal angle and a usual length, and turned about that bond
    to where it touches the others least.

    Args:
        smiles: One metal of :data:`METALS` with two donors, or with four and an ``@SP`` tag; closed shell.
        name: Name in results; the SMILES if empty.
        seed: Of the embedding.

    Raises:
        InputError: The SMILES cannot be read or embedded, has no metal or several, has another number of donors, a
            square plane without a tag, or unpaired electrons.
    """
    name = name or smiles
    mol = _read(smiles, name)
    return _place(mol, name=name, seed=seed)


def exchange_phosphines(
    found: MetalComplex, phosphine: str, *, donors: Sequence[int] = (), seed: int = 7
) -> MetalComplex:
    """The same complex with other phosphines: the arrangement stays, the ligands are built anew.

    Args:
        found: A complex with phosphorus donors.
        phosphine: A name of :data:`PHOSPHINES`, or a SMILES with one phosphorus.
        donors: Which phosphorus atoms of ``found`` to exchange; all that are bound to the metal if empty.
        seed: Of the embedding.

    Raises:
        InputError: There is no such phosphine or donor, or the ligand cannot be taken off alone.
    """
    bound = [atom for atom in found.donors if found.numbers[atom] == 15]
    chosen = list(donors) or bound
    if not chosen or not set(chosen) <= set(bound):
        raise InputError(
            f"{found.name}: atoms {list(donors) or 'none'} are not phosphorus donors of the metal; it has "
            f"{bound or 'none'} (atoms counted from 0)"
        )
    mol = Chem.RWMol(found.mol)
    for atom in chosen:
        mol.GetAtomWithIdx(atom).SetIntProp("exchanged", 1)
    for _ in chosen:
        _exchange_one(mol, found, phosphine)
    fresh = mol.GetMol()
    fresh.RemoveAllConformers()
    Chem.SanitizeMol(fresh)
    return _place(Chem.AddHs(fresh), name=f"{found.name} with {phosphine}", seed=seed)


def coordination(found: MetalComplex, positions: Floats | None = None) -> Coordination:
    """Measure the shell about the metal at given coordinates [nm], (N, 3), or at the complex's own."""
    x = found.positions if positions is None else np.asarray(positions, dtype=float)
    arms = x[list(found.donors)] - x[found.metal]
    lengths = np.linalg.norm(arms, axis=1)
    unit = arms / lengths[:, None]
    angles = np.arccos(np.clip(unit @ unit.T, -1.0, 1.0))
    order = {atom: index for index, atom in enumerate(found.donors)}
    shell = np.vstack([np.zeros(3), arms])
    flat = shell - shell.mean(axis=0)
    normal = np.linalg.svd(flat)[2][2]
    return Coordination(
        symbols=tuple(found.mol.GetAtomWithIdx(atom).GetSymbol() for atom in found.donors),
        lengths=lengths,
        angles=angles,
        out_of_plane=float(np.abs(flat @ normal).max()) if len(lengths) > 2 else 0.0,
        trans_angles=np.array([angles[order[i], order[j]] for i, j in found.trans]),
    )


def check_coordination(found: MetalComplex, positions: Floats | None = None) -> Coordination:
    """Measure the shell and refuse one that is no longer what the graph says.

    Raises:
        InputError: Donors that should be across from each other are not, or others are; the angles are named.
    """
    measured = coordination(found, positions)
    if not measured.kept:
        angles = ", ".join(
            f"{measured.symbols[i]}-{measured.symbols[j]} {np.degrees(measured.angles[i, j]):.0f}"
            for i, j in zip(*np.triu_indices(len(measured.lengths), 1), strict=True)
        )
        wanted = " and ".join(
            "-".join(found.mol.GetAtomWithIdx(atom).GetSymbol() for atom in pair) for pair in found.trans
        )
        raise InputError(
            f"{found.name}: the arrangement about the metal was lost: {wanted} should be across from each other, and "
            f"the angles are {angles} deg. Relax it with gfn2, which keeps planes and lines that gfnff may bend"
        )
    return measured


def _read(smiles: str, name: str) -> Chem.Mol:
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise InputError(f"{name}: '{smiles}' is not a SMILES")
    atom = mol.GetAtomWithIdx(_metal_of(mol, name))
    if atom.GetDegree() not in (2, 4):
        raise InputError(
            f"{name}: the metal has {atom.GetDegree()} donors; lines of 2 and square planes of 4 are built: write "
            "each donor bound to the metal, datives as P(C)(C)C->[Pd]"
        )
    if atom.GetDegree() == 4 and atom.GetChiralTag() != Chem.ChiralType.CHI_SQUAREPLANAR:
        raise InputError(
            f"{name}: four donors need an arrangement: write [{atom.GetSymbol()}@SP1] (the first across from the "
            "third), @SP2 (from the second) or @SP3 (from the fourth)"
        )
    if sum(each.GetNumRadicalElectrons() for each in mol.GetAtoms()):
        raise InputError(f"{name}: has unpaired electrons; closed shells are built")
    return Chem.AddHs(mol)


def _metal_of(mol: Chem.Mol, name: str) -> int:
    metals = [atom for atom in mol.GetAtoms() if atom.GetSymbol() in METALS]
    if len(metals) != 1:
        found = ", ".join(f"{atom.GetSymbol()}{atom.GetIdx()}" for atom in metals) or "none"
        raise InputError(f"{name}: one atom of {', '.join(sorted(METALS))} is needed, found {found}")
    return int(metals[0].GetIdx())


def _place(mol: Chem.Mol, *, name: str, seed: int) -> MetalComplex:
    metal = _metal_of(mol, name)
    donors = tuple(int(atom.GetIdx()) for atom in mol.GetAtomWithIdx(metal).GetNeighbors())
    with rdBase.BlockLogs():  # UFF's typer does not know a d8 palladium, and nothing of UFF is used
        conformers = list(rdDistGeom.EmbedMultipleConfs(mol, _SEEDS, randomSeed=seed))
    if not conformers:
        raise InputError(f"{name}: RDKit cannot embed {Chem.MolToSmiles(mol)}")
    built = []
    for conformer in conformers:
        one = Chem.Mol(mol, confId=conformer)
        x = np.asarray(one.GetConformer().GetPositions())
        trans = _pairs_across(x, metal, donors)
        built.append((*_ideal(one, x, metal, donors, trans), trans))
    y, _, trans = max(built, key=lambda each: each[1])
    best = Chem.Mol(mol, confId=conformers[0])
    best.GetConformer().SetPositions(y)
    return MetalComplex(name=name, mol=best, donors=donors, trans=trans)


def _pairs_across(x: Floats, metal: int, donors: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The embedding knows which donors are across from each other: its largest angles."""
    unit = x[list(donors)] - x[metal]
    unit /= np.linalg.norm(unit, axis=1)[:, None]
    cosines = unit @ unit.T
    first = int(np.argmin(cosines[0]))
    rest = [index for index in range(len(donors)) if index not in (0, first)]
    pairs = [(0, first), *([(rest[0], rest[1])] if rest else [])]
    return tuple((donors[i], donors[j]) for i, j in pairs)


def _ideal(
    mol: Chem.Mol, x: Floats, metal: int, donors: Sequence[int], trans: Sequence[tuple[int, int]]
) -> tuple[Floats, float]:
    """Move each ligand so that its donor stands ideally; return coordinates [A] and the nearest contact [A]."""
    x = x - x[metal]
    ligands = _ligands(mol, metal)
    targets = _directions(x, trans)
    placed: list[int] = []
    y = x.copy()
    for donor in donors:
        atoms = next(ligand for ligand in ligands if donor in ligand)
        if len(set(atoms) & set(donors)) > 1:
            placed.extend(atoms)  # a chelate keeps its bite
            continue
        length = 10.0 * _LENGTHS_NM.get(mol.GetAtomWithIdx(donor).GetSymbol(), 0.22)
        moved = _onto(x[atoms], x[donor], targets[donor]) + targets[donor] * (length - np.linalg.norm(x[donor]))
        y[atoms] = _turned(moved, targets[donor], y[placed]) if placed else moved
        placed.extend(atoms)
    return y, _nearest(y, ligands)


def _ligands(mol: Chem.Mol, metal: int) -> list[list[int]]:
    """Atoms of each ligand: what stays together without the metal."""
    bare = Chem.RWMol(mol)
    for neighbour in [atom.GetIdx() for atom in mol.GetAtomWithIdx(metal).GetNeighbors()]:
        bare.RemoveBond(metal, neighbour)
    parts = Chem.GetMolFrags(bare, sanitizeFrags=False)
    return [list(part) for part in parts if metal not in part]


def _directions(x: Floats, trans: Sequence[tuple[int, int]]) -> dict[int, Floats]:
    """Ideal unit vectors of donors from the embedded ones: pairs opposite, two pairs at right angles."""
    axes = [x[i] / np.linalg.norm(x[i]) - x[j] / np.linalg.norm(x[j]) for i, j in trans]
    axes[0] = axes[0] / np.linalg.norm(axes[0])
    if len(axes) > 1:
        second = axes[1] - (axes[1] @ axes[0]) * axes[0]
        axes[1] = second / np.linalg.norm(second)
    directions = {}
    for axis, (first, other) in zip(axes, trans, strict=True):
        directions[first], directions[other] = axis, -axis
    return directions


def _onto(x: Floats, old: Floats, new: Floats) -> Floats:
    """Rotate points about the origin by the smallest rotation that takes the direction ``old`` to ``new``."""
    a = old / np.linalg.norm(old)
    axis, cosine = np.cross(a, new), float(a @ new)
    if np.linalg.norm(axis) < 1e-9:
        return x if cosine > 0 else -x
    cross = np.cross(np.eye(3), axis)
    rotation = np.eye(3) + cross + cross @ cross / (1.0 + cosine)
    return np.asarray(x @ rotation.T, dtype=float)


def _turned(x: Floats, axis: Floats, others: Floats) -> Floats:
    """Turn points about an axis through the origin to where they are farthest from the others."""
    along = np.outer(x @ axis, axis)
    across = x - along
    side = np.cross(axis, across)
    turned = [
        along + np.cos(t) * across + np.sin(t) * side for t in np.linspace(0.0, 2 * np.pi, _TURNS, endpoint=False)
    ]
    return max(turned, key=lambda y: float(np.linalg.norm(y[:, None] - others[None], axis=-1).min()))


def _nearest(y: Floats, ligands: Sequence[Sequence[int]]) -> float:
    """Smallest distance between atoms of different ligands [A]."""
    pairs = [(a, b) for index, a in enumerate(ligands) for b in ligands[:index]]
    return min(float(np.linalg.norm(y[list(a)][:, None] - y[list(b)][None], axis=-1).min()) for a, b in pairs)


def _exchange_one(mol: Chem.RWMol, found: MetalComplex, phosphine: str) -> None:
    """Replace what hangs on the next marked phosphorus; its bond to the metal, and so the arrangement, stays."""
    donor = next(atom for atom in mol.GetAtoms() if atom.HasProp("exchanged"))
    donor.ClearProp("exchanged")
    metal, index = _metal_of(mol, found.name), donor.GetIdx()
    old = next(part for part in _ligands(mol, metal) if index in part)
    if sum(mol.GetBondBetweenAtoms(metal, atom) is not None for atom in old) > 1:
        raise InputError(f"{found.name}: the phosphorus {index} is part of a chelate, and is not taken off alone")
    fresh, new_donor = _phosphine(phosphine)
    offset = mol.GetNumAtoms()
    arms = [neighbour.GetIdx() for neighbour in fresh.GetAtomWithIdx(new_donor).GetNeighbors()]
    mol.InsertMol(fresh)
    for arm in arms:
        mol.AddBond(index, offset + arm, Chem.BondType.SINGLE)
    mol.GetAtomWithIdx(index).SetNoImplicit(False)
    for atom in sorted([*(a for a in old if a != index), offset + new_donor], reverse=True):
        mol.RemoveAtom(atom)


def _phosphine(name: str) -> tuple[Chem.Mol, int]:
    mol = Chem.MolFromSmiles(PHOSPHINES.get(name, name))
    if mol is None:
        raise InputError(f"'{name}' is neither a phosphine nor a SMILES; known: {', '.join(PHOSPHINES)}")
    donors = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 15]
    if len(donors) != 1:
        raise InputError(f"{name}: one phosphorus is needed, found {len(donors)}")
    mol = Chem.AddHs(mol)
    return mol, int(donors[0])
