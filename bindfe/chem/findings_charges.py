"""Partial charges of a file that no charge model makes, or that one makes which no force field here goes with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers, rdPartialCharges

from bindfe.chem.checks import name_atom
from bindfe.chem.findings import EVERYTHING, Finding, failed, warned

Floats = NDArray[np.float64]

_ZERO = 1e-6
"""Charges below this are none [e]: files give four digits and more."""

_LARGE = 2.0
"""Largest charge of an atom in any model [e]: phosphorus and sulfur with four oxygens have up to 1.6."""

_UNEQUAL = 0.2
"""Difference of atoms that the bonds make equal [e]; charges fitted to one structure differ by up to 0.1."""

_NEGATIVE = -0.05
"""Hydrogens on nitrogen and oxygen have +0.2 to +0.5 e in every model."""

_ALIKE = 0.01
"""Charges within this of a model's at every atom are its [e]; AM1-BCC's differ from those by 0.03 even in methane."""

_OTHER_KINDS = frozenset({"GASTEIGER", "GAST_HUCK", "GAS", "DEL_RE", "HUCKEL", "PULLMAN", "MMFF94_CHARGES", "MMFF94"})
"""Charge types of a MOL2 that polarise less than AM1-BCC, or belong to another force field; GAS is antechamber's."""


def charge_findings(mol: Chem.Mol, charges: Floats, *, ligand: str = EVERYTHING) -> tuple[Finding, ...]:
    """What shows that the partial charges of a file are none, or are of other atoms.

    Args:
        mol: The molecule, every hydrogen an atom.
        charges: Partial charges of its file [e], (N,).
        ligand: Name of the ligand; empty for a receptor or its cofactor.

    Returns:
        One finding, the most telling; empty for what may be charges.
    """
    if len(charges) < 2:
        return ()
    whose = "its file" if ligand else "the file of the receptor or a cofactor"
    for what, advice, certain in _wrongs(mol, charges):
        make = failed if certain else warned
        return (make("partial-charges", f"the partial charges of {whose} {what}", advice=advice, ligand=ligand),)
    return ()


_EXPORT = "export them again with charges, or set forcefield.charges to nagl or am1bcc"


def _wrongs(mol: Chem.Mol, charges: Floats) -> Iterator[tuple[str, str, bool]]:
    """What is wrong, what to do, and whether it is certain; the most telling first."""
    if np.max(np.abs(charges)) < _ZERO:
        yield "are all zero: no charges were exported", _EXPORT, True
    elif np.ptp(charges) < _ZERO:
        yield f"are all equal ({charges[0]:+.4f} e): the formal charge was spread over the atoms", _EXPORT, True
    elif np.max(np.abs(charges - np.round(charges))) < _ZERO:
        yield "are whole numbers: formal charges", _EXPORT, True
    hydrogens = [atom for atom in mol.GetAtoms() if atom.GetAtomicNum() == 1]
    polar = [h for h in hydrogens if any(n.GetSymbol() in ("N", "O") for n in h.GetNeighbors())]
    bare = [h for h in polar if abs(charges[h.GetIdx()]) < _ZERO]
    if bare:
        yield f"are zero at {_named(bare)}: united atoms, or formal charges", _EXPORT, True
    wrong = [h for h in polar if charges[h.GetIdx()] < _NEGATIVE]
    if wrong:
        yield f"are negative at {_named(wrong)}", f"the atoms are in another order: {_EXPORT}", True
    yield from _other_kind(mol, charges)
    if len(hydrogens) > 2 and all(abs(charges[h.GetIdx()]) < _ZERO for h in hydrogens):
        yield "are zero at all hydrogens: united atoms, formal charges, or MMFF94's", _EXPORT, False
    large = [atom for atom in mol.GetAtoms() if abs(charges[atom.GetIdx()]) > _LARGE]
    if large:
        yield f"are beyond {_LARGE:g} e at {_named(large)}", f"no model that fits has such: {_EXPORT}", False
    yield from _unequal(mol, charges)


def _other_kind(mol: Chem.Mol, charges: Floats) -> Iterator[tuple[str, str, bool]]:
    """Charges that Sage and GAFF do not go with: the file says so, or they are what that model gives."""
    advice = "take nagl or am1bcc, or export AM1-BCC or RESP charges"
    stated = mol.GetProp("_TriposChargeType").strip() if mol.HasProp("_TriposChargeType") else ""
    kind = stated if stated.upper() in _OTHER_KINDS else ""
    source = "as its charge type says"
    for name, values in () if kind else (("Gasteiger", _gasteiger(mol)), ("MMFF94", _mmff94(mol))):
        if values is not None and np.max(np.abs(values - charges)) < _ALIKE:  # not if a value is no number
            kind, source = name, f"each within {_ALIKE:g} e"
    if kind:
        yield f"are {kind} charges ({source}), and Sage and GAFF go with AM1-BCC", advice, False


def _gasteiger(mol: Chem.Mol) -> Floats:
    """Gasteiger's charges [e], (N,); not numbers for elements that it does not know."""
    copy = Chem.Mol(mol)
    rdPartialCharges.ComputeGasteigerCharges(copy)
    return np.array([atom.GetDoubleProp("_GasteigerCharge") for atom in copy.GetAtoms()])


def _mmff94(mol: Chem.Mol) -> Floats | None:
    """MMFF94's charges [e], (N,); None for atoms that it does not know."""
    known = rdForceFieldHelpers.MMFFGetMoleculeProperties(Chem.Mol(mol))
    if known is None:
        return None
    return np.array([known.GetMMFFPartialCharge(index) for index in range(mol.GetNumAtoms())])


def _unequal(mol: Chem.Mol, charges: Floats) -> Iterator[tuple[str, str, bool]]:
    """Atoms that the bonds make equal and that have other charges."""
    ranks = np.array(list(Chem.CanonicalRankAtoms(mol, breakTies=False, includeChirality=False)))
    for rank in np.unique(ranks):
        same = np.flatnonzero(ranks == rank)
        low, high = same[np.argmin(charges[same])], same[np.argmax(charges[same])]
        if charges[high] - charges[low] > _UNEQUAL:
            atoms = _named([mol.GetAtomWithIdx(int(i)) for i in (low, high)])
            words = f"are {charges[low]:+.2f} and {charges[high]:+.2f} e at {atoms}, which are equivalent"
            yield words, "the atoms may be in another order; average those of equivalent atoms", False
            return


def _named(atoms: Sequence[Chem.Atom]) -> str:
    """Some of the atoms, counted from 0."""
    more = f" and {len(atoms) - 4} more" if len(atoms) > 4 else ""
    return ", ".join(name_atom(atom) for atom in atoms[:4]) + more
