"""Whether ligands, hosts and cofactors are in the state of charge that their groups have at the pH."""

from __future__ import annotations

from collections.abc import Iterator

from rdkit import Chem

from bindfe.chem.findings import Finding, passed, warned
from bindfe.chem.intakestates import Protonation, parse_state, protonate
from bindfe.chem.ligand import Ligand
from bindfe.chem.receptor import Receptor
from bindfe.errors import InputError, MissingDependency

_KNOWN = frozenset({6, 15})
"""Carbon and phosphorus: the rules are those of their groups, and take sulfate for an acid that keeps its proton."""


def state_findings(ligand: Ligand, *, ph: float) -> tuple[Finding, ...]:
    """A warning if the groups' pKa exclude the state that the ligand was given in; see :func:`protonate`.

    A state that one standard deviation of the pKa allows beside another is taken as meant. The ligand itself
    stays as it is.
    """
    try:
        state = _other_state(ligand.mol, ph=ph, place=ligand.name)
    except MissingDependency as error:
        return (passed("protonation", f"not looked at: {error}", ligand=ligand.name),)
    if state is None:
        return ()
    return (
        warned(
            "protonation",
            f"is given as {ligand.smiles}, and {state.changed}",
            advice="give the state that binds; it is taken as given",
            ligand=ligand.name,
        ),
    )


def receptor_state_findings(receptor: Receptor, *, ph: float) -> tuple[Finding, ...]:
    """The same of a host and of a protein's cofactors; see :func:`state_findings`.

    Args:
        receptor: As its file has it; a protein's own residues are looked at where it is completed.
        ph: pH of the measurement.
    """
    try:
        return tuple(
            warned(
                "protonation",
                f"{whose} is given with charge {Chem.GetFormalCharge(mol):+d}, and at pH {ph:g} it has "
                f"{Chem.GetFormalCharge(state.mol):+d} ({_protons(mol, state.mol)})",
                advice="give the state that binds in its file, or the measurement's pH as receptor.ph; it is taken as "
                "given",
            )
            for whose, mol in molecules_of(receptor)
            if (state := _other_state(mol, ph=ph, place=whose)) is not None
        )
    except MissingDependency as error:
        return (passed("protonation", f"not looked at: {error}"),)


def molecules_of(receptor: Receptor) -> Iterator[tuple[str, Chem.Mol]]:
    """A host and a protein's cofactors, with how a finding names them."""
    if receptor.mol is not None:
        yield f"the host {receptor.name}", receptor.mol
    for cofactor in receptor.cofactors:
        yield f"the cofactor {cofactor.name}", cofactor.mol


def _other_state(mol: Chem.Mol, *, ph: float, place: str) -> Protonation | None:
    """The state at the pH, if it excludes the one that was given."""
    if not any(atom.GetAtomicNum() in _KNOWN for atom in mol.GetAtoms()):
        return None
    try:
        state = protonate(mol, ph=ph, place=place)
    except InputError:
        return None  # a molecule that the rules cannot read; other checks speak of it
    if not state.changed:
        return None
    allowed = [state.mol, *(parse_state(smiles, place=place) for smiles in state.others)]
    return None if _flat(mol) in map(_flat, allowed) else state


def _flat(mol: Chem.Mol) -> str:
    """SMILES without stereo: which oxygen of a phosphate has the proton makes a centre of its phosphorus in 3D."""
    return str(Chem.MolToSmiles(Chem.RemoveHs(mol), isomericSmiles=False))


def _protons(before: Chem.Mol, after: Chem.Mol) -> str:
    """What a state has more or fewer of, by element: ``2 protons fewer on O``."""
    counts = [_hydrogens_on(mol) for mol in (before, after)]
    words = []
    for symbol in sorted({*counts[0], *counts[1]}):
        change = counts[1].get(symbol, 0) - counts[0].get(symbol, 0)
        if change:
            more = "more" if change > 0 else "fewer"
            words.append(f"{abs(change)} proton{'s' if abs(change) > 1 else ''} {more} on {symbol}")
    return ", ".join(words) or "elsewhere on the same elements"


def _hydrogens_on(mol: Chem.Mol) -> dict[str, int]:
    counts: dict[str, int] = {}
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() != 1:
            counts[atom.GetSymbol()] = counts.get(atom.GetSymbol(), 0) + atom.GetTotalNumHs(includeNeighbors=True)
    return counts
