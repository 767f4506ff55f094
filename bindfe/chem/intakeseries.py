"""What only a series shows: one molecule twice, a tautomer of another, a charge that is not the others'."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from rdkit import Chem, rdBase
from rdkit.Chem import rdMolDescriptors
from rdkit.Chem.MolStandardize import rdMolStandardize

from bindfe.chem.findings import Finding, passed, warned
from bindfe.chem.intakegraph import without_hydrogens
from bindfe.chem.ligand import Ligand, safe_names

_MOST_TAUTOMERS = 100
"""States that are looked at to find a molecule's canonical tautomer; a drug has up to some 50."""

_USUAL_PART = 0.6
"""Part of a series that has one charge, below which no charge is the usual one."""


def unique_names(titles: Sequence[str]) -> tuple[str, ...]:
    """A name for each title, safe for a file system and unlike every other: ``x``, ``x-2`` where two are equal."""
    taken = set(titles)
    seen: Counter[str] = Counter()
    distinct = []
    for title in titles:
        seen[title] += 1
        new = title
        while seen[title] > 1 and new in taken:
            new = f"{title}-{seen[title]}"
            seen[title] += new in taken
        taken.add(new)
        distinct.append(new)
    return safe_names(distinct)


def series_findings(ligands: Sequence[Ligand]) -> tuple[Finding, ...]:
    """Duplicates, tautomers, states of charge of one molecule, and ligands whose charge is not the others'."""
    return (*_twins(ligands), *_odd_charges(ligands))


def _odd_charges(ligands: Sequence[Ligand]) -> tuple[Finding, ...]:
    counts = Counter(ligand.formal_charge for ligand in ligands)
    if len(counts) < 2:
        return ()
    usual = min(counts, key=lambda charge: (-counts[charge], abs(charge)))
    if counts[usual] < _USUAL_PART * len(ligands):
        charges = ", ".join(f"{counts[charge]} with {charge}" for charge in sorted(counts))
        return (passed("net-charge", f"the ligands have several charges: {charges}"),)
    return tuple(
        warned(
            "net-charge",
            f"has the charge {ligand.formal_charge}, and {counts[usual]} of {len(ligands)} ligands have {usual}",
            advice="check its protonation; if it is meant, no relative edge joins it to the others without a "
            "correction for the charge",
            ligand=ligand.name,
        )
        for ligand in ligands
        if ligand.formal_charge != usual
    )


def _twins(ligands: Sequence[Ligand]) -> tuple[Finding, ...]:
    """One finding for each ligand that is an earlier one in the same or in another state."""
    found = []
    heavy = [without_hydrogens(ligand.mol) for ligand in ligands]
    for first, second, check, words in _pairs(ligands, heavy):
        found.append(
            warned(
                check,
                f"is {words} {ligands[first].name}",
                advice="keep one of them, unless both are meant",
                ligand=ligands[second].name,
            )
        )
    return tuple(found)


def _pairs(ligands: Sequence[Ligand], heavy: Sequence[Chem.Mol]) -> list[tuple[int, int, str, str]]:
    pairs: list[tuple[int, int, str, str]] = []
    told: set[int] = set()
    for check, words, key in _LIKENESS:
        groups: dict[str, list[int]] = defaultdict(list)
        for index, mol in enumerate(heavy):
            groups[_skeleton_formula(mol)].append(index)
        for group in groups.values():
            first: dict[str, int] = {}
            for index in group if len(group) > 1 else ():
                owner = first.setdefault(key(heavy[index]), index)
                if owner != index and index not in told:
                    told.add(index)
                    pairs.append((owner, index, check, words))
    return sorted(pairs, key=lambda pair: pair[1])


def _skeleton_formula(mol: Chem.Mol) -> str:
    """Heavy atoms, by element: what no proton changes."""
    return " ".join(sorted(atom.GetSymbol() for atom in mol.GetAtoms()))


def _stereo_smiles(mol: Chem.Mol) -> str:
    return str(Chem.MolToSmiles(mol))


def _tautomer(mol: Chem.Mol) -> str:
    """Canonical tautomer with the stereo that no tautomer loses."""
    with rdBase.BlockLogs():
        enumerator = rdMolStandardize.TautomerEnumerator()
        enumerator.SetMaxTautomers(_MOST_TAUTOMERS)
        enumerator.SetMaxTransforms(_MOST_TAUTOMERS)
        enumerator.SetRemoveSp3Stereo(False)
        enumerator.SetRemoveBondStereo(False)
        return f"{Chem.MolToSmiles(enumerator.Canonicalize(mol))} {rdMolDescriptors.CalcMolFormula(mol)}"


def _uncharged(mol: Chem.Mol) -> str:
    with rdBase.BlockLogs():
        return str(Chem.MolToSmiles(rdMolStandardize.Uncharger(canonicalOrder=True).uncharge(mol)))


_LIKENESS: tuple[tuple[str, str, Callable[[Chem.Mol], str]], ...] = (
    ("duplicate", "the same molecule as", _stereo_smiles),
    ("tautomer", "a tautomer of", _tautomer),
    ("protomer", "another state of charge of", _uncharged),
)
