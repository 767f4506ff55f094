"""What is wrong with a protein where a ligand binds, before anything is repaired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from bindfe.chem.findings import Finding, failed, passed, warned
from bindfe.chem.findings_chain import chain_findings, is_modified
from bindfe.chem.findings_near import GAP_NM, NEAR_NM, distance_to, heavy_names, reach_to
from bindfe.chem.findings_seen import doubled_findings, unseen_findings
from bindfe.chem.findings_torn import torn_findings
from bindfe.chem.findings_water import water_findings
from bindfe.chem.protein import AMINO_ACIDS, CAPS, IONS, WATER
from bindfe.chem.proteinfile import ProteinStructure, Residue, Site

Floats = NDArray[np.float64]

_LEAST_APART_NM = 0.05
"""Median distance of an atom to the nearest other one, in nm, that no molecule has: with hydrogens it is 0.1."""

_STATES = {
    "ASH": "ASP",
    "CYM": "CYS",
    "CYX": "CYS",
    "GLH": "GLU",
    "HID": "HIS",
    "HIE": "HIS",
    "HIP": "HIS",
    "HSD": "HIS",
    "HSE": "HIS",
    "HSP": "HIS",
    "LYN": "LYS",
}
_TELLING: dict[str, tuple[set[str], set[str]]] = {
    "ASH": ({"HD2"}, set()),
    "GLH": ({"HE2"}, set()),
    "HID": ({"HD1"}, {"HE2"}),
    "HIE": ({"HE2"}, {"HD1"}),
    "HIP": ({"HD1", "HE2"}, set()),
    "HSD": ({"HD1"}, {"HE2"}),
    "HSE": ({"HE2"}, {"HD1"}),
    "HSP": ({"HD1", "HE2"}, set()),
}
"""Hydrogens that a residue in a named state of protonation must have, and must not have."""

_PARENTS = {"MSE": "MET", "SEP": "SER", "TPO": "THR", "PTR": "TYR", "CSO": "CYS", "CME": "CYS", "KCX": "LYS"}
"""Amino acids that common modified ones come from; for others the nearest is looked for."""


_BACKBONE = frozenset({"N", "CA", "C", "O", "CB", "OXT"})

_BARE_SHARE = 0.3
"""Share of residues without a side chain above which the file is a model of the backbone."""


def protein_findings(
    structure: ProteinStructure,
    ligands: Mapping[str, Floats],
    *,
    drop: Sequence[str] = (),
    keep_water: bool = True,
    replace_modified: bool = False,
    cofactors: Floats,
    described: Set[str] = frozenset(),
    torn: Mapping[str, tuple[float, str]] | None = None,
) -> tuple[Finding, ...]:
    """Everything about a protein that somebody should know before it is repaired and simulated.

    Args:
        structure: The file's atoms.
        ligands: Heavy atoms of each ligand that has a pose [nm], (N, 3), by name; may be empty.
        drop: Residues that are left out, by name or label.
        keep_water: Whether the file's water stays.
        replace_modified: Whether modified amino acids become those that they come from.
        cofactors: Heavy atoms of given cofactors [nm], (M, 3); may be empty.
        described: Modified residues that have a template.
        torn: Residues that a periodic box has torn, of :func:`~bindfe.chem.findings_torn.torn_residues`.
    """
    residues = [tuple(group) for _, group in groupby(structure.atoms, key=lambda atom: (atom.site, atom.residue))]
    there = {name for residue in residues for name in residue[0].called}
    residues = [r for r in residues if not r[0].called & set(drop)]
    near = cKDTree(np.concatenate(list(ligands.values()))) if ligands else None
    found = [
        *_crowded(structure),
        *_not_there(drop, there),
        *_alternates(residues, near),
        *doubled_findings(residues),
        *unseen_findings(residues, near),
        *torn_findings(torn or {}, structure.cell),
        *chain_findings(_firsts(residues), near, torn=torn or {}),
        *_unknown(residues, cofactors),
        *_bare(residues),
        *_templates([r for r in residues if r[0].residue not in described], near, replace_modified=replace_modified),
        *(water_findings(residues, ligands) if keep_water else ()),
    ]
    fine = passed("receptor", f"{len(residues)} residues, nothing missing, doubled or unknown")
    return tuple(found) or (fine,)


def _firsts(residues: Sequence[Residue]) -> list[Residue]:
    """Each residue where it stands first; what stands again is not taken."""
    firsts: dict[tuple[Site, str], Residue] = {}
    for residue in residues:
        firsts.setdefault((residue[0].site, residue[0].residue), residue)
    return list(firsts.values())


def _crowded(structure: ProteinStructure) -> list[Finding]:
    """A file in another unit: its atoms lie on each other."""
    x = np.array([atom.position for atom in structure.atoms if not atom.alternate], dtype=float)
    if len(x) < 2:
        return []
    apart = float(np.median(np.asarray(cKDTree(x).query(x, k=2)[0])[:, 1]))
    if apart > _LEAST_APART_NM:
        return []
    return [
        failed(
            "receptor",
            f"its atoms are {10 * apart:.2f} A from the nearest other one",
            advice="coordinates are in A: if these are in nm, multiply them by 10",
        )
    ]


def _not_there(drop: Sequence[str], there: set[str]) -> list[Finding]:
    missing = [name for name in drop if name not in there]
    if not missing:
        return []
    return [
        warned(
            "receptor-drop",
            f"receptor.drop: {', '.join(missing)} is not in the file",
            advice="correct the name, or leave it out: what was meant by it may still be there",
        )
    ]


def _alternates(residues: Sequence[Residue], near: cKDTree | None) -> list[Finding]:
    found = []
    for residue in residues:
        names = sorted({atom.alternate for atom in residue if atom.alternate})
        apart = distance_to(near, residue)
        if len(names) > 1 and apart < NEAR_NM:
            shares = ", ".join(f"{n} {np.mean([a.occupancy for a in residue if a.alternate == n]):.2f}" for n in names)
            found.append(
                warned(
                    "alternate-locations",
                    f"{residue[0].label} has alternate locations (occupancies {shares}), {10 * apart:.1f} A "
                    "from a ligand",
                    advice="delete the one that does not go with the ligand; else the most occupied is taken",
                )
            )
    return found


def _unknown(residues: Sequence[Residue], cofactors: Floats) -> list[Finding]:
    known = AMINO_ACIDS | CAPS | WATER | IONS
    others = [r for r in residues if r[0].residue not in known and not is_modified(r) and not _described(r, cofactors)]
    host = "" if any(r[0].residue in AMINO_ACIDS for r in residues) else "; a host comes as SDF or MOL2"
    return [
        failed(
            "unknown-residue",
            f"{', '.join(dict.fromkeys(r[0].label for r in group))}: no amino acid, water or ion",
            advice=f"leave it out with receptor.drop: [{name}], or give it with hydrogens in receptor.cofactors{host}",
        )
        for name, group in _by_name(others)
    ]


def _described(residue: Residue, cofactors: Floats) -> bool:
    """Whether most of a residue's heavy atoms lie on a given cofactor's."""
    heavy = np.array([atom.position for atom in residue if atom.element != "H"])
    if not len(cofactors) or not len(heavy):
        return False
    return bool(np.mean(cKDTree(cofactors).query(heavy)[0] < 0.05) > 0.5)


def _by_name(residues: Sequence[Residue]) -> list[tuple[str, list[Residue]]]:
    groups: dict[str, list[Residue]] = {}
    for residue in residues:
        groups.setdefault(residue[0].residue, []).append(residue)
    return list(groups.items())


def _bare(residues: Sequence[Residue]) -> list[Finding]:
    """A model of the backbone, to which a program would add all that binds."""
    wanted = [r for r in residues if r[0].residue in heavy_names() and r[0].residue not in ("ALA", "GLY")]
    bare = [r for r in wanted if not {atom.name for atom in r} - _BACKBONE - {a.name for a in r if a.element == "H"}]
    if len(bare) <= _BARE_SHARE * len(wanted) or not bare:
        return []
    return [
        failed(
            "receptor",
            f"{len(bare)} of {len(wanted)} residues have no side chain",
            advice="take a structure with side chains, or build and relax them with a program for that",
        )
    ]


def _templates(residues: Sequence[Residue], near: cKDTree | None, *, replace_modified: bool) -> list[Finding]:
    """Residues whose heavy atoms are not those of their template, with the atoms that differ."""
    found = []
    for residue in residues:
        name = _STATES.get(residue[0].residue, residue[0].residue)
        here = frozenset(atom.name for atom in residue if atom.element not in ("H", "D")) - {"OXT", "OT1", "OT2"}
        if "OT1" in {atom.name for atom in residue}:  # CHARMM's name of it at the end of a chain
            here |= {"O"}
        found += _hydrogens(residue)
        if name in heavy_names():
            found += _against(residue, name, here, near)
        elif name not in AMINO_ACIDS | CAPS | WATER | IONS and is_modified(residue):
            found.append(_modified(residue, here, replaced=replace_modified))
    return found


def _against(residue: Residue, name: str, here: frozenset[str], near: cKDTree | None) -> list[Finding]:
    wanted = heavy_names()[name]
    if residue[0].residue == "ILE":  # GROMACS and CHARMM call it CD
        here = frozenset("CD1" if atom == "CD" else atom for atom in here)
    label, extra, missing = residue[0].label, sorted(here - wanted), sorted(wanted - here)
    if extra:
        return [
            failed(
                "residue-template",
                f"{label} has atoms that no {residue[0].residue} has: {' '.join(extra)}",
                advice="name the residue after what it is, or delete these atoms",
            )
        ]
    if not missing:
        return []
    apart, reach = distance_to(near, residue), reach_to(near, residue, name, missing)
    advice = "they are built; look at where they were put"
    if apart < GAP_NM:  # what is missing may have been nearer
        words = f"{label}, {10 * apart:.1f} A from a ligand, lacks {' '.join(missing)}"
    elif reach < GAP_NM:
        words = f"{label} lacks {' '.join(missing)}, which may reach to within {10 * reach:.1f} A of a ligand"
    else:
        return []
    return [warned("residue-template", words, advice=advice)]


def _hydrogens(residue: Residue) -> list[Finding]:
    """A state of protonation in the name that the hydrogens contradict."""
    name, here = residue[0].residue, {atom.name for atom in residue if atom.element == "H"}
    needed, barred = _TELLING.get(name, (set[str](), set[str]()))
    wrong = [f"{atom} is missing" for atom in sorted(needed - here)] + [f"{a} is there" for a in sorted(barred & here)]
    if not wrong or not here:
        return []
    return [
        failed(
            "residue-template",
            f"{residue[0].label} is called {name} and its hydrogens are not: {', '.join(wrong)}",
            advice="correct the name or the hydrogens, or set receptor.states",
        )
    ]


def _modified(residue: Residue, here: frozenset[str], *, replaced: bool) -> Finding:
    templates = heavy_names()
    name = residue[0].residue
    parent = _PARENTS.get(name) or min(sorted(templates), key=lambda key: len(templates[key] ^ here))
    more, less = sorted(here - templates[parent]), sorted(templates[parent] - here)
    words = [f"more than {parent}: {' '.join(more)}" if more else "", f"less: {' '.join(less)}" if less else ""]
    atoms = "; ".join(filter(None, words)) or f"heavy atoms of {parent}"
    if replaced and name in _PARENTS:
        advice = "check that the modification is far from the site"
        return warned("residue-template", f"{residue[0].label} is modified ({atoms}); {parent} is taken", advice=advice)
    return failed(
        "residue-template",
        f"{residue[0].label} has no template ({atoms})",
        advice=f"take {parent} (receptor.modified: replace), or change it in the file",
    )
