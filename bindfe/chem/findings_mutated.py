"""Residues beside a ligand that the file itself says to be mutated: the measured values may be of the wild type."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from bindfe.chem.differences import Difference, read_differences, says_mutant
from bindfe.chem.findings import Finding, passed, warned
from bindfe.chem.findings_near import NEAR_NM
from bindfe.chem.findings_overlap import simulated_atoms
from bindfe.chem.ligand import Ligand
from bindfe.chem.protein import AMINO_ACIDS
from bindfe.chem.proteinfile import Residue
from bindfe.chem.proteinnames import standard_name
from bindfe.chem.receptor import Receptor

Floats = NDArray[np.float64]

_ENGINEERED_NM = 0.8
"""Distance from a ligand within which a mutation is in or beside the site [nm]."""

_MOST = 6
"""Residues that a note lists."""

_OF_A_CONSTRUCT = ("tag", "cloning", "artifact", "linker", "initiating", "leader")
"""Words of residues that belong to the construct and not to the protein."""


def mutation_findings(receptor: Receptor, ligands: Sequence[Ligand], *, drop: Sequence[str] = ()) -> list[Finding]:
    """Residues near a ligand that SEQADV, ``_struct_ref_seq_dif`` or the title say to differ from the wild type.

    A mutation is told within 8 A of a ligand, a conflict, a variant or a residue of a tag within 6 A, a deletion
    where it joins residues within 8 A. Those farther away are a note. Where the file has the wild type again
    nothing is said, and a mutation that stands in the receptor's name is taken as meant.

    Args:
        receptor: A protein as read.
        ligands: Ligands in their poses.
        drop: Residues that are left out, by name or label.
    """
    differences = read_differences(receptor.pdb)
    if not differences:
        return _somewhere(receptor)
    atoms = simulated_atoms(receptor.structure, drop=drop)
    residues = [tuple(group) for _, group in groupby(atoms, key=lambda atom: (atom.site, atom.residue))]
    peptides = [residue for residue in residues if residue[0].residue in AMINO_ACIDS]
    found, far = list[Finding](), list[str]()
    for each in differences:
        for residue in _places(each, peptides):
            apart, words = _nearest(residue, ligands)
            if apart < (_ENGINEERED_NM if _is_mutation(each) else NEAR_NM):
                found.append(_told(each, residue, words, named=each.short in receptor.name.upper()))
            elif _is_mutation(each):
                far.append(f"{residue[0].label} ({each.short})")
    found += _deletions([each for each in differences if not each.residue], peptides, ligands)
    if far:
        some = ", ".join(far[:_MOST]) + (f" and {len(far) - _MOST} more" if len(far) > _MOST else "")
        found.append(passed("mutated-residue", f"mutated, and farther than 8 A from every ligand: {some}"))
    return found


def _somewhere(receptor: Receptor) -> list[Finding]:
    """A file that calls its protein a mutant and does not say where."""
    if not says_mutant(receptor.pdb):
        return []
    return [
        warned(
            "mutated-residue",
            "the file says that the protein is mutated, and not where",
            advice="look up SEQADV in the deposited file: were the values measured with this mutant?",
        )
    ]


def _is_mutation(each: Difference) -> bool:
    return not each.kind or any(word in each.kind for word in ("engineered", "mutation", "insertion"))


def _places(each: Difference, peptides: Sequence[Residue]) -> list[Residue]:
    """Residues at the place of a difference that are not the wild type's.

    A title names no chain: there the residue has to be the mutated one. The same holds where the file has one chain
    and it goes by another name.
    """
    chain, *place = each.site
    here = [r for r in peptides if [*r[0].site[1:]] == place and (r[0].chain == chain or _alone(chain, peptides))]
    if not each.residue:
        return []
    if not chain or each.residue not in AMINO_ACIDS:
        return [r for r in here if _name(r) == each.residue]
    return [r for r in here if _name(r) != each.wild_type]


def _alone(chain: str, peptides: Sequence[Residue]) -> bool:
    """Whether a chain's name tells nothing: the file names none, or has one chain under another name."""
    chains = {residue[0].chain for residue in peptides}
    return not chain or (len(chains) == 1 and chain not in chains)


def _name(residue: Residue) -> str:
    return standard_name(residue[0].residue)


def _nearest(residue: Residue, ligands: Sequence[Ligand]) -> tuple[float, str]:
    """Distance to the nearest ligand's heavy atoms [nm], and that in words; infinite without ligands."""
    x = np.array([atom.position for atom in residue], dtype=float)
    apart = {
        ligand.name: float(np.min(cKDTree(ligand.positions[[e != "H" for e in ligand.elements]]).query(x)[0]))
        for ligand in ligands
    }
    if not apart:
        return float("inf"), ""
    name = min(apart, key=apart.__getitem__)
    return apart[name], f"{10 * apart[name]:.1f} A from {name}"


def _told(each: Difference, residue: Residue, where: str, *, named: bool) -> Finding:
    label, was = residue[0].label, each.wild_type or "nothing"
    if _name(residue) != each.residue:
        return warned(
            "mutated-residue",
            f"{residue[0].label}, {where}, is {each.residue} by {each.source} ({was} in the wild type)",
            advice="it was changed or renumbered: see that it is the protein that was assayed",
        )
    if named:
        return passed("mutated-residue", f"{label} is mutated ({each.short}), {where}, as the receptor's name says")
    words = f"{label} is {_kind(each)} ({was} in the wild type, {each.source}), {where}"
    if any(word in each.kind for word in _OF_A_CONSTRUCT):
        advice = f"did the assay have it? Else leave it out: receptor.drop: ['{label}']"
    else:
        back = f"applyMutations(['{each.residue}-{each.site[1]}-{was}'], '{residue[0].chain}')"
        advice = (
            f"revert it (PDBFixer's {back}), unless the values were measured with it: say so in receptor.name, as "
            f"{each.short}"
            if each.wild_type
            else "see that the protein that was assayed has it"
        )
    return warned("mutated-residue", words, advice=advice)


def _kind(each: Difference) -> str:
    """A difference with its article; a mutation that the file does not name as something else."""
    kind = each.kind or "mutation"
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _deletions(deleted: Sequence[Difference], peptides: Sequence[Residue], ligands: Sequence[Ligand]) -> list[Finding]:
    """Residues of the wild type that the construct lacks, told where the chain goes on beside a ligand."""
    joints: dict[tuple[str, str], tuple[Residue, Residue, list[str]]] = {}
    for each in deleted:
        chain, number, _ = each.site
        mine = [r for r in peptides if r[0].chain == chain or _alone(chain, peptides)]
        before = [r for r in mine if r[0].number < number]
        after = [r for r in mine if r[0].number > number]
        if before and after and number not in {r[0].number for r in mine}:
            ends = max(before, key=lambda r: r[0].number), min(after, key=lambda r: r[0].number)
            joint = joints.setdefault((ends[0][0].label, ends[1][0].label), (*ends, []))
            joint[2].append(f"{each.wild_type}{number}")
    found = []
    for (first, second), (before_, after_, gone) in joints.items():
        apart, where = min(_nearest(before_, ligands), _nearest(after_, ligands))
        if apart < _ENGINEERED_NM:
            some = f"{gone[0]} to {gone[-1]}" if len(gone) > 1 else gone[0]
            found.append(
                warned(
                    "mutated-residue",
                    f"{some} of the wild type, deleted in the construct, lay between {first} and {second}, {where}",
                    advice="see that the protein that was assayed lacks them too",
                )
            )
    return found
