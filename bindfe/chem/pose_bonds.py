"""Bond orders that the bond lengths contradict: what is left of an aromatic ring whose double bonds a file lost.

A PDB, or a converter without a template, gives single bonds only; filled up with hydrogens they are a whole and
wrong molecule, to which a force field has no objection.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from bindfe.chem.checks import name_atom
from bindfe.chem.findings import Finding, failed, warned
from bindfe.chem.ligand import Ligand

Floats = NDArray[np.float64]

_SHORT = {"C": 1.43, "N": 1.36, "O": 1.30}
"""Length [A] below which no single bond of a saturated carbon is, to C, N and O. The shortest known are 1.47 (in
cyclopropane), 1.42 and 1.32 (in OCF3); aromatic C-C has 1.39, C=N 1.28, an amide's C-N 1.33, C=O 1.22."""

_LONG_AROMATIC = 1.47
"""Mean length [A] of an aromatic ring's bonds between C and N above which it is none; benzene has 1.39."""

_FLAT = 0.1
"""Farthest atom from the mean plane of a ring [A] below which it is flat. A chair has 0.25, a boat and an envelope
more than 0.2."""

_FEW = 2
"""Bonds that a poor structure may have too short without being another molecule."""


def bond_order_findings(ligand: Ligand) -> tuple[Finding, ...]:
    """Whether a pose has the bond lengths of its bond orders.

    Failed where a saturated six-membered ring is flat, or more than two single bonds of saturated carbon are as
    short as double ones; warned of fewer, and of aromatic rings with single bonds' lengths.
    """
    x = 10.0 * ligand.positions
    short = [bond for bond in ligand.mol.GetBonds() if _is_short(bond, x)]
    flat = [ring for ring in ligand.mol.GetRingInfo().AtomRings() if _is_flat_and_saturated(ligand.mol, ring, x)]
    if flat or short:
        make = failed if flat or len(short) > _FEW else warned
        words = f"{len(short)} single bonds of saturated carbon are as short as double ones ({_bonds(short)})"
        if flat:
            atoms = " ".join(name_atom(ligand.mol.GetAtomWithIdx(i)) for i in flat[0])
            words = f"the saturated ring {atoms} is flat, as only an unsaturated one is"
        return (make("bond-orders", words, advice=_ADVICE, ligand=ligand.name),)
    loose = [ring for ring in ligand.mol.GetRingInfo().AtomRings() if _is_loose(ligand.mol, ring, x)]
    if not loose:
        return ()
    atoms = " ".join(name_atom(ligand.mol.GetAtomWithIdx(i)) for i in loose[0])
    words = f"the aromatic ring {atoms} has bonds as long as single ones"
    return (warned("bond-orders", words, advice=_ADVICE, ligand=ligand.name),)


_ADVICE = "look whether a conversion lost or guessed bond orders: take them from the ligand's SMILES"


def _is_saturated(atom: Chem.Atom) -> bool:
    return bool(atom.GetSymbol() == "C" and atom.GetTotalDegree() == 4)


def _length(bond: Chem.Bond, x: Floats) -> float:
    return float(np.linalg.norm(x[bond.GetBeginAtomIdx()] - x[bond.GetEndAtomIdx()]))


def _is_short(bond: Chem.Bond, x: Floats) -> bool:
    """A single bond of saturated carbon that is too short; among C-C both must be saturated."""
    ends = (bond.GetBeginAtom(), bond.GetEndAtom())
    for one, other in (ends, ends[::-1]):
        limit = _SHORT.get(other.GetSymbol())
        if limit is None or not _is_saturated(one) or (other.GetSymbol() == "C" and not _is_saturated(other)):
            continue
        return _length(bond, x) < limit
    return False


def _is_flat_and_saturated(mol: Chem.Mol, ring: tuple[int, ...], x: Floats) -> bool:
    """Six atoms in a plane of which four carbons at least are saturated."""
    saturated = sum(_is_saturated(mol.GetAtomWithIdx(i)) for i in ring)
    return len(ring) == 6 and saturated >= 4 and _off_plane(x[list(ring)]) < _FLAT


def _off_plane(x: Floats) -> float:
    """Distance of the farthest point (N, 3) from the mean plane."""
    centred = x - x.mean(axis=0)
    normal = np.linalg.svd(centred)[2][-1]
    return float(np.abs(centred @ normal).max())


def _is_loose(mol: Chem.Mol, ring: tuple[int, ...], x: Floats) -> bool:
    """An aromatic ring of C and N whose bonds are as long as single ones."""
    atoms = [mol.GetAtomWithIdx(i) for i in ring]
    if not all(atom.GetIsAromatic() and atom.GetSymbol() in ("C", "N") for atom in atoms):
        return False
    pairs = zip(ring, (*ring[1:], ring[0]), strict=True)
    return float(np.mean([np.linalg.norm(x[i] - x[j]) for i, j in pairs])) > _LONG_AROMATIC


def _bonds(bonds: list[Chem.Bond]) -> str:
    shown = [f"{name_atom(b.GetBeginAtom())}-{name_atom(b.GetEndAtom())}" for b in bonds[:4]]
    return ", ".join(shown) + (" and more" if len(bonds) > 4 else "")
