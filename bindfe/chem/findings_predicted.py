"""Receptors that no experiment shows: predicted models, and how sure the prediction is of itself at the ligand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from bindfe.chem.findings import Finding, passed, warned
from bindfe.chem.findings_near import NEAR_NM, distance_to
from bindfe.chem.findings_overlap import simulated_atoms
from bindfe.chem.ligand import Ligand
from bindfe.chem.receptor import Receptor

_SURE = 70.0
"""pLDDT below which a residue's place is of low confidence; below 50 it is mostly disordered. Source: Jumper et al.,
Nature 596 (2021) 583."""

_MOST = 8
"""Residues that a message lists."""

_WORDS = re.compile(
    r"alpha ?fold|colabfold|esmfold|rosettafold|openfold|omegafold|chai-1|boltz-\d|plddt|_ma_qa_metric"
    r"|model confidence|predicted (?:model|structure)",
    re.IGNORECASE,
)
_HEADS = ("HEADER", "TITLE", "COMPND", "SOURCE", "EXPDTA", "REMARK", "JRNL", "KEYWDS")
_MEASURED = re.compile(r"x-ray|diffraction|microscopy|nmr|neutron|scattering", re.IGNORECASE)
_FILE = re.compile(r"^AF-\w+-F\d+|alphafold|esmfold|colabfold|boltz", re.IGNORECASE)


def predicted_findings(receptor: Receptor, ligands: Sequence[Ligand], *, drop: Sequence[str] = ()) -> list[Finding]:
    """Residues within 6 A of a ligand whose place in a predicted model is of low confidence.

    The model is known by its head's words or its file's name; B factors are then the confidence (pLDDT). A structure
    that names an experiment is none, even if a predicted model helped to solve it.

    Args:
        receptor: A protein as read.
        ligands: Ligands in their poses.
        drop: Residues that are left out, by name or label.
    """
    word = _predictor(receptor)
    heavy = [ligand.positions[[element != "H" for element in ligand.elements]] for ligand in ligands]
    if not word or not heavy:
        return []
    near = cKDTree(np.concatenate(heavy))
    atoms = simulated_atoms(receptor.structure, drop=drop)
    residues = [tuple(group) for _, group in groupby(atoms, key=lambda atom: (atom.site, atom.residue))]
    sure = {r[0].label: float(np.mean([a.b_factor for a in r])) for r in residues if distance_to(near, r) < NEAR_NM}
    top = max((atom.b_factor for atom in atoms), default=0.0)
    head = f"the receptor is a predicted model ({word})"
    if not top:
        return [passed("predicted-model", f"{head}, without confidences (pLDDT) as B factors")]
    scale = 100.0 if top <= 1.0 else 1.0
    weak = {label: scale * value for label, value in sure.items() if scale * value < _SURE}
    if not weak:
        return [passed("predicted-model", f"{head} with a confidence (pLDDT) of 70 and more at the ligands")]
    some = ", ".join(f"{label} {value:.0f}" for label, value in list(weak.items())[:_MOST])
    more = f" and {len(weak) - _MOST} more" if len(weak) > _MOST else ""
    return [
        warned(
            "predicted-model",
            f"{head}: {len(weak)} of {len(sure)} residues within 6 A of a ligand have a confidence (pLDDT) below "
            f"{_SURE:.0f}, {np.mean(list(weak.values())):.0f} on average ({some}{more})",
            advice="the pocket is a guess there: take an experimental structure, best one with a ligand like these",
        )
    ]


def _predictor(receptor: Receptor) -> str:
    """The word that tells a predicted model; empty for what is none."""
    head = [line for line in receptor.pdb.splitlines() if line.startswith(_HEADS)]
    method = " ".join(line for line in head if line.startswith("EXPDTA"))
    if "_atom_site." in receptor.pdb:
        head = [line for line in receptor.pdb.splitlines() if not line.startswith(("ATOM", "HETATM"))]
        method = " ".join(line for line in head if line.startswith("_exptl.") or _METHOD.match(line))
    if _MEASURED.search(method):
        return ""
    found = _WORDS.search("\n".join(head)) or _FILE.search(Path(receptor.source).name)
    return _called(found[0]) if found else ""


_METHOD = re.compile(r"^\S+ +'(?:X-RAY|ELECTRON|SOLUTION|SOLID|NEUTRON)[^']*'")
"""A row of ``_exptl`` in a loop."""


def _called(word: str) -> str:
    """How a predictor is called."""
    known = {"alphafold": "AlphaFold", "plddt": "pLDDT", "esmfold": "ESMFold", "_ma_qa_metric": "_ma_qa_metric"}
    plain = word.lower().replace(" ", "")
    return "AlphaFold" if plain.startswith("af-") else known.get(plain, word.lower())
