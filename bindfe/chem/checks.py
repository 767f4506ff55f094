"""What a molecule must be before a force field can be asked about it; each check is one sentence to a user.

Every check takes the molecule and ``place``, the words with which an error names it, and raises
:class:`~bindfe.errors.InputError`.
"""

from __future__ import annotations

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from bindfe.chem.molecule import CHARGES_FIELD, assign_stereo, partial_charges_of, positions_nm
from bindfe.errors import InputError

SUPPORTED_ELEMENTS = frozenset({"H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I"})
"""Elements with parameters in OpenFF Sage (its monatomic ions are not ligands)."""

CLASH_NM = 0.04
"""No two nuclei of a real molecule are closer [nm]: H2, the shortest bond, has 0.074."""

_SHORTEST, _LONGEST = 0.6, 1.5
"""Median length of a molecule's bonds over the sum of the covalent radii: within 0.1 of 1 for coordinates in A, 0.1 for
a file in nm and 1.9 for one in bohr."""

_BOHR_AT_MOST = 2.5
"""Above this part of a bond's length it is no file in bohr either."""

_TORN, _CRUSHED = 2.5, 0.55
"""One bond's length over the sum of the covalent radii; 0.8 to 1.2 in crystals and docked poses. Strain tells less."""

_TORN_HYDROGEN = 1.6
"""The same for hydrogen, which is relaxed before a pose is judged."""

_FLAT_NM = 1e-4

_SAME_PLACE_NM = 1e-4

_CHARGE_APART = 0.5
"""Partial charges whose sum is farther from the formal charge [e] are of another molecule; rounding makes 0.01."""


def check_molecule(mol: Chem.Mol, *, place: str) -> None:
    """Run every check, the most telling first."""
    check_one_molecule(mol, place=place)
    check_elements(mol, place=place)
    check_coordinates(mol, place=place)
    check_hydrogens(mol, place=place)
    check_radicals(mol, place=place)
    check_stereo(mol, place=place)
    check_charges(mol, place=place)


def check_one_molecule(mol: Chem.Mol, *, place: str) -> None:
    """A record is one molecule: salts and waters are somebody's decision, not the reader's."""
    parts = Chem.GetMolFrags(mol, asMols=True, sanitizeFrags=False)
    if len(parts) > 1:
        formulas = ", ".join(rdMolDescriptors.CalcMolFormula(part) for part in parts)
        raise InputError(
            f"{place}: holds {len(parts)} molecules ({formulas}); keep one, without counter-ions and solvent"
        )


def check_elements(mol: Chem.Mol, *, place: str) -> None:
    """Every atom has parameters in the force field."""
    wrong = [name_atom(atom) for atom in mol.GetAtoms() if atom.GetSymbol() not in SUPPORTED_ELEMENTS]
    if wrong:
        raise InputError(
            f"{place}: no force-field parameters for {_list(wrong)} (atoms counted from 0); "
            "supported are H, C, N, O, F, P, S, Cl, Br and I"
        )


def check_coordinates(mol: Chem.Mol, *, place: str) -> None:
    """There is one 3D structure: finite, not flat by drawing, no two atoms in one place."""
    advice = "make a 3D structure, placed in the receptor"
    if mol.GetNumConformers() == 0:
        raise InputError(f"{place}: has no coordinates; {advice}")
    x = positions_nm(mol)
    if not np.all(np.isfinite(x)):
        raise InputError(f"{place}: has coordinates that are not numbers; {advice}")
    if len(x) > 1 and not np.any(x):
        raise InputError(f"{place}: all coordinates are zero; {advice}")
    if is_drawing(mol, x):
        raise InputError(f"{place}: has the 2D coordinates of a drawing; {advice}")
    distance = np.linalg.norm(x[:, None] - x[None], axis=-1) + np.eye(len(x))
    _check_places(mol, distance, place=place)
    _check_unit(mol, x, place=place)
    i, j = (int(k) for k in np.unravel_index(np.argmin(distance), distance.shape))
    if distance[i, j] < CLASH_NM:
        raise InputError(f"{place}: atoms {i} and {j} (from 0) are {10 * distance[i, j]:.2f} A apart; {advice}")
    _check_bonds(mol, x, place=place)


def _check_places(mol: Chem.Mol, distance: np.ndarray, *, place: str) -> None:
    """No three atoms in one place, by distances (N, N) [nm]: a program added atoms and did not place them."""
    alike = np.sum(distance < _SAME_PLACE_NM, axis=1)
    i = int(np.argmax(alike))
    if alike[i] < 2:
        return
    together = [i, *(int(k) for k in np.flatnonzero(distance[i] < _SAME_PLACE_NM))]
    names = [name_atom(mol.GetAtomWithIdx(k)) for k in sorted(together)]
    raise InputError(
        f"{place}: {len(names)} atoms lie in one place ({_list(names)}, counted from 0); they were added without "
        "coordinates: add them again, with coordinates"
    )


def _check_unit(mol: Chem.Mol, x: np.ndarray, *, place: str) -> None:
    """Bonds of coordinates x (N, 3) [nm] have the length of bonds; with a wrong unit all of them shrink or grow."""
    lengths, usual = _bond_lengths(mol, x)
    part = float(np.median(np.divide(lengths, usual))) if len(lengths) > 2 else 1.0
    if _SHORTEST < part < _LONGEST:
        return
    advice = "coordinates are in A, and these may be in bohr: multiply them by 0.529"
    if part < _SHORTEST:
        advice = "coordinates are in A, and these may be in nm: multiply them by 10"
    elif part > _BOHR_AT_MOST:
        advice = "atoms are not where their bonds say: export it again, with coordinates in A"
    raise InputError(f"{place}: its bonds are {10 * np.median(lengths):.2f} A long; {advice}")


def _check_bonds(mol: Chem.Mol, x: np.ndarray, *, place: str) -> None:
    """No single bond of coordinates x (N, 3) [nm] is torn or crushed: one atom lies where it does not belong."""
    for bond, length, usual in zip(mol.GetBonds(), *_bond_lengths(mol, x), strict=True):
        light = 1 in (bond.GetBeginAtom().GetAtomicNum(), bond.GetEndAtom().GetAtomicNum())
        if not _CRUSHED < length / usual < (_TORN_HYDROGEN if light else _TORN):
            ends = f"{name_atom(bond.GetBeginAtom())} and {name_atom(bond.GetEndAtom())}"
            raise InputError(
                f"{place}: {ends} (atoms counted from 0) are bonded and {10 * length:.2f} A apart, and "
                f"{10 * usual:.1f} A is usual; one of them is misplaced: export it again, or build it again"
            )


def _bond_lengths(mol: Chem.Mol, x: np.ndarray) -> tuple[list[float], list[float]]:
    """Length of each bond at x (N, 3) [nm], and the sum of its atoms' covalent radii [nm]."""
    radius = Chem.GetPeriodicTable().GetRcovalent
    ends = [(bond.GetBeginAtom(), bond.GetEndAtom()) for bond in mol.GetBonds()]
    lengths = [float(np.linalg.norm(x[a.GetIdx()] - x[b.GetIdx()])) for a, b in ends]
    return lengths, [0.1 * (radius(a.GetAtomicNum()) + radius(b.GetAtomicNum())) for a, b in ends]


def is_drawing(mol: Chem.Mol, x: np.ndarray) -> bool:
    """Whether coordinates x (N, 3) [nm] are flat, and either declared 2D or with an atom that cannot be flat."""
    if np.ptp(x[:, 2]) > _FLAT_NM or len(x) < 4:
        return False
    tetrahedral = any(atom.GetDegree() + atom.GetTotalNumHs() >= 4 for atom in mol.GetAtoms())
    return tetrahedral or not mol.GetConformer().Is3D()


def check_hydrogens(mol: Chem.Mol, *, place: str) -> None:
    """Every hydrogen is an atom with coordinates: adding one means choosing a protonation state."""
    bare = [atom for atom in mol.GetAtoms() if atom.GetTotalNumHs() > 0]
    if not bare:
        return
    count = sum(atom.GetTotalNumHs() for atom in bare)
    present = any(atom.GetAtomicNum() == 1 for atom in mol.GetAtoms())
    found = f"lacks {count} hydrogens" if present else f"has no hydrogens ({count} needed)"
    raise InputError(
        f"{place}: {found}, on {_list([name_atom(atom) for atom in bare])} (atoms counted from 0); add them, "
        "with coordinates, in the protonation state that binds"
    )


def check_radicals(mol: Chem.Mol, *, place: str) -> None:
    """No unpaired electrons: the force field has none."""
    radicals = [name_atom(atom) for atom in mol.GetAtoms() if atom.GetNumRadicalElectrons() > 0]
    if radicals:
        raise InputError(
            f"{place}: unpaired electrons on {_list(radicals)} (atoms counted from 0); add the missing hydrogens "
            "or correct the bonds"
        )


def check_stereo(mol: Chem.Mol, *, place: str) -> None:
    """The structure says which stereoisomer it is; tags are set from the coordinates on the way."""
    assign_stereo(mol)
    marked = [
        name_atom(atom)
        for group in mol.GetStereoGroups()
        if group.GetGroupType() != Chem.StereoGroupType.STEREO_ABSOLUTE
        for atom in group.GetAtoms()
    ]
    open_ = []
    for element in stereo_elements(mol):
        if element.specified == Chem.StereoSpecified.Unknown:
            marked.append(name_stereo(mol, element))
        elif element.specified == Chem.StereoSpecified.Unspecified:
            open_.append(name_stereo(mol, element))
    if marked:
        raise InputError(
            f"{place}: the file marks the stereochemistry of {_list(marked)} (atoms counted from 0) as unknown or "
            "mixed; give one stereoisomer, without that mark"
        )
    if open_:
        raise InputError(
            f"{place}: the structure leaves the stereochemistry of {_list(open_)} (atoms counted from 0) undefined; "
            "give one stereoisomer with a relaxed 3D structure"
        )


def check_charges(mol: Chem.Mol, *, place: str) -> None:
    """Partial charges, if the file has any, are one finite number for each atom, and make the molecule's charge.

    A converter that loses a bond order or a formal charge mostly keeps the partial charges, so their sum shows it.
    """
    try:
        charges = partial_charges_of(mol)
    except ValueError as error:
        raise InputError(
            f"{place}: {CHARGES_FIELD} has what is not a number ({error}); correct or remove it"
        ) from error
    if charges is not None and (len(charges) != mol.GetNumAtoms() or not np.all(np.isfinite(charges))):
        raise InputError(
            f"{place}: {CHARGES_FIELD} has {len(charges)} charges for {mol.GetNumAtoms()} atoms; correct or remove it"
        )
    formal = Chem.GetFormalCharge(mol)
    if charges is not None and charges.any() and abs(charges.sum() - formal) > _CHARGE_APART:
        raise InputError(
            f"{place}: its partial charges sum to {charges.sum():+.2f} e, and its bonds and formal charges make "
            f"{formal:+d} e; correct the bond orders, or remove the partial charges"
        )


def name_atom(atom: Chem.Atom) -> str:
    """An atom as errors name it: element and 0-based number."""
    return f"{atom.GetSymbol()}{atom.GetIdx()}"


def stereo_elements(mol: Chem.Mol) -> tuple[Chem.StereoInfo, ...]:
    """Centres and double bonds that can have stereochemistry.

    RDKit counts N=N of an azide and C=C of an allene among them; an atom between two double bonds is linear.
    """
    return tuple(
        element
        for element in Chem.FindPotentialStereo(mol, cleanIt=False, flagPossible=True)
        if element.type == Chem.StereoType.Atom_Tetrahedral
        or not any(_is_cumulated(atom) for atom in _ends(mol, element))
    )


def _ends(mol: Chem.Mol, element: Chem.StereoInfo) -> tuple[Chem.Atom, Chem.Atom]:
    bond = mol.GetBondWithIdx(element.centeredOn)
    return bond.GetBeginAtom(), bond.GetEndAtom()


def _is_cumulated(atom: Chem.Atom) -> bool:
    return sum(bond.GetBondType() == Chem.BondType.DOUBLE for bond in atom.GetBonds()) > 1 and atom.GetDegree() == 2


def name_stereo(mol: Chem.Mol, element: Chem.StereoInfo) -> str:
    """A centre (``C4``) or a double bond (``C2=C3``) as errors name it."""
    if element.type == Chem.StereoType.Atom_Tetrahedral:
        return name_atom(mol.GetAtomWithIdx(element.centeredOn))
    return "=".join(map(name_atom, _ends(mol, element)))


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
