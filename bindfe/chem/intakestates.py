"""What a ligand is in the tube: without its counter-ions, with natural isotopes, in a state of charge for a pH.

Protonation is by the rules of Dimorphite-DL (Ropp et al., J. Cheminform. 11, 14 (2019),
doi:10.1186/s13321-019-0336-9): each group's pKa is a mean and a spread over measured molecules, and groups do
not feel each other. A state that is near the pH is told, with what else it may be. Tautomers stay as drawn.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from rdkit import Chem, rdBase
from rdkit.Chem import SaltRemover, rdMolDescriptors

from bindfe.chem.checks import name_atom
from bindfe.chem.intakegraph import dress, without_hydrogens
from bindfe.errors import InputError, MissingDependency

_WATERS = ("O", "CO", "CCO", "CC(C)=O", "CS(C)=O", "CC#N", "CN(C)C=O", "C1CCOC1", "ClCCl", "ClC(Cl)Cl")
"""Solvents that come with crystals: water, methanol, ethanol, acetone, DMSO, acetonitrile, DMF, THF, DCM, CHCl3."""


def strip_salt(mol: Chem.Mol, *, place: str) -> tuple[Chem.Mol, str]:
    """Keep the molecule of a salt or solvate, with its atoms where they are.

    Counter-ions are those of RDKit's list and solvents those of crystals. Two copies of one molecule are one;
    where all parts are counter-ions, the largest is the molecule (sodium acetate).

    Returns:
        The molecule and what was left out, in words (empty if nothing was).

    Raises:
        InputError: More than one part may be the molecule.
    """
    parts = list(Chem.GetMolFrags(mol, asMols=True, sanitizeFrags=True))
    if len(parts) < 2:
        return mol, ""
    candidates = [part for part in parts if not _is_counter_ion(part)] or [max(parts, key=_size)]
    if len({Chem.MolToSmiles(without_hydrogens(part)) for part in candidates}) > 1:
        raise InputError(
            f"{place}: holds {len(parts)} molecules ({_formulas(parts)}), of which {len(candidates)} may be the "
            "ligand; keep one"
        )
    kept = candidates[0]
    if kept.GetNumHeavyAtoms() < 2 and all(map(_is_counter_ion, parts)):
        raise InputError(f"{place}: holds nothing but ions and solvent ({_formulas(parts)}); remove the record")
    for name in mol.GetPropNames(includePrivate=True, includeComputed=False):
        kept.SetProp(str(name), str(mol.GetProp(name)))
    left = [part for part in parts if part is not kept]
    return kept, f"left out {_formulas(left)}, kept {_formulas([kept])}"


def _is_counter_ion(part: Chem.Mol) -> bool:
    heavy = without_hydrogens(part)
    if Chem.MolToSmiles(heavy) in _WATERS or heavy.GetNumHeavyAtoms() == 0:
        return True
    remover: Any = SaltRemover  # without types
    with rdBase.BlockLogs():
        return bool(remover.SaltRemover().StripMol(heavy, dontRemoveEverything=False).GetNumAtoms() == 0)


def _size(part: Chem.Mol) -> tuple[int, int, float]:
    carbons = sum(atom.GetAtomicNum() == 6 for atom in part.GetAtoms())
    return int(carbons > 0), int(part.GetNumHeavyAtoms()), float(rdMolDescriptors.CalcExactMolWt(part))


def _formulas(parts: list[Chem.Mol]) -> str:
    formulas = [str(rdMolDescriptors.CalcMolFormula(part)) for part in parts]
    counts = {formula: formulas.count(formula) for formula in formulas}
    return ", ".join(formula if count == 1 else f"{count} {formula}" for formula, count in counts.items())


def natural_isotopes(mol: Chem.Mol) -> tuple[Chem.Mol, str]:
    """Every atom with its element's mass: a mass moves no free energy of classical particles.

    Returns:
        The molecule and which atoms were labelled, in words (empty if none was).
    """
    labelled = [atom for atom in mol.GetAtoms() if atom.GetIsotope()]
    if not labelled:
        return mol, ""
    words = ", ".join(f"{atom.GetIsotope()}-{name_atom(atom)}" for atom in labelled[:8])
    plain = Chem.Mol(mol)
    for atom in plain.GetAtoms():
        atom.SetIsotope(0)
    with rdBase.BlockLogs():
        has_structure = bool(plain.GetNumConformers())
        kept = plain if has_structure else without_hydrogens(plain)
    Chem.AssignStereochemistry(kept, cleanIt=True, force=True)
    return kept, words


@dataclass(frozen=True, kw_only=True, slots=True)
class Protonation:
    """The state of charge at a pH."""

    mol: Chem.Mol
    """In that state: heavy atoms where they were, hydrogens added or left out."""
    changed: str
    """What became of the molecule, in words; empty if it was in that state."""
    others: tuple[str, ...]
    """SMILES of states that a standard deviation of the groups' pKa allows, too."""


def protonate(mol: Chem.Mol, *, ph: float, place: str) -> Protonation:
    """Bring a molecule into the state of charge that its groups have at a pH.

    Args:
        mol: With or without a 3D structure, with or without hydrogens.
        ph: pH of the measurement.
        place: How an error names it.

    Raises:
        InputError: No state was found, or it is not this molecule.
        MissingDependency: Dimorphite-DL is not installed.
    """
    heavy = without_hydrogens(mol)
    before = Chem.MolToSmiles(heavy)
    sure = _states(before, ph=ph, spread=0.0, place=place)
    state = parse_state(sure[0], place=place)
    others = tuple(s for s in _states(before, ph=ph, spread=1.0, place=place) if s != sure[0])
    after = str(Chem.MolToSmiles(state))
    complete = mol.GetNumConformers() == 0 or not any(atom.GetTotalNumHs() for atom in mol.GetAtoms())
    if after == Chem.MolToSmiles(parse_state(before, place=place)) and complete:
        return Protonation(mol=mol, changed="", others=others)
    new = dress(state, mol, place=place) if mol.GetNumConformers() else _with_name(state, mol)
    charges = (Chem.GetFormalCharge(mol), Chem.GetFormalCharge(new))
    charged = f", of charge {charges[1]}, not {charges[0]}" if charges[0] != charges[1] else ""
    words = f"at pH {ph:g} it is {after}{charged}"
    return Protonation(mol=new, changed=words, others=others)


def parse_state(smiles: str, *, place: str) -> Chem.Mol:
    """A molecule from the SMILES that a tool wrote.

    Raises:
        InputError: It is none.
    """
    with rdBase.BlockLogs():
        mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise InputError(f"{place}: its state of charge, '{smiles}', is no molecule; give the state that binds")
    return mol


def _with_name(state: Chem.Mol, mol: Chem.Mol) -> Chem.Mol:
    for name in mol.GetPropNames(includePrivate=False, includeComputed=False):
        state.SetProp(str(name), str(mol.GetProp(name)))
    return state


def _states(smiles: str, *, ph: float, spread: float, place: str) -> tuple[str, ...]:
    rules = _dimorphite()
    with rdBase.BlockLogs():
        try:
            found = rules.protonate_smiles(smiles, ph_min=ph, ph_max=ph, precision=spread)
        except (ValueError, RuntimeError, KeyError, IndexError) as error:
            raise InputError(
                f"{place}: no state of charge at pH {ph:g} was found ({error}); give the state that binds, and no pH"
            ) from error
    if not found:
        raise InputError(f"{place}: no state of charge at pH {ph:g} was found; give the state that binds, and no pH")
    return tuple(str(Chem.MolToSmiles(parse_state(text, place=place))) for text in found)


def _dimorphite() -> Any:
    """The rules, silent: they log through loguru, which writes to stderr unless told otherwise."""
    try:
        return importlib.import_module("dimorphite_dl")
    except ImportError as error:
        raise MissingDependency(
            "a state of charge at a pH needs Dimorphite-DL: pip install 'bindfe[protonation]'"
        ) from error
