"""What is wrong with where a ligand lies, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bindfe.chem.checks import name_atom
from bindfe.chem.findings import Finding, failed, passed, warned
from bindfe.chem.ligand import Ligand
from bindfe.chem.pose import PlacedLigand, PoseQuality, pose_rmsd
from bindfe.chem.pose_contact import Clash, Pocket
from bindfe.chem.pose_core import common_core
from bindfe.errors import InputError

Floats = NDArray[np.float64]

INSIDE_PART = 0.3
"""Part of a ligand's heavy atoms that overlap with the receptor's above which it is not in a pocket but in the wall."""

WORST_NM = 0.2
"""Distance of heavy atoms of two molecules below which no minimisation finds the way back, or there is a bond."""

BURIED_PART = 0.4
"""Part of a ligand's heavy atoms that touch the receptor, below which it is hardly bound."""

_AROUND, _ONE_SIDED = 10.0, 0.4
"""Reach [A] within which a cavity's wall is looked for, and the mean of unit vectors to its atoms that no cavity has:
half a sphere of them has 0.5."""

STRAIN_WARNED, STRAIN_FAILED = 10.0, 35.0
"""Strain [kcal/mol] that is looked at, and that only a wrong structure has. The hand-made poses of the Tyk2 and
hif2a sets of the public benchmark have 2 to 7."""

_MEETS = 5.0
"""Distance of heavy atoms [A] above which a placed ligand and the receptor do not meet; contact is at 3.5 to 4."""

APART_NM = 0.8
"""Distance of a ligand's centre from those of its series above which it lies in another place."""

CORE_APART_NM = 0.2
"""Distance of a ligand's core from the reference's above which it binds in another way."""


def pose_findings(ligand: Ligand, quality: PoseQuality, pocket: Pocket) -> tuple[Finding, ...]:
    """Outside, inside, clashing or strained; one that passed if nothing is wrong."""
    found = [*_place(ligand, quality, pocket), *_strain(ligand.name, quality.strain)]
    fine = f"touches the receptor with {quality.buried:.0%} of its heavy atoms, strain {quality.strain:.1f} kcal/mol"
    return tuple(found) or (passed("pose", fine, ligand=ligand.name),)


def _place(ligand: Ligand, quality: PoseQuality, pocket: Pocket) -> list[Finding]:
    if quality.buried == 0.0 and not _surrounded(ligand, pocket):
        return [_outside(ligand, pocket)]
    overlapping = {clash.ligand_atom for clash in quality.clashes}
    heavy = sum(atom.GetAtomicNum() > 1 for atom in ligand.mol.GetAtoms())
    if len(overlapping) > 1 and len(overlapping) > INSIDE_PART * heavy:
        return [
            failed(
                "inside-receptor",
                f"{len(overlapping)} of {heavy} heavy atoms lie in the receptor ({_worst(ligand, quality.clashes)})",
                advice="the pose belongs to another structure or frame: superpose them, or place it from a reference",
                ligand=ligand.name,
            )
        ]
    found = _clashes(ligand, quality.clashes)
    if quality.buried < BURIED_PART:
        found.append(
            warned(
                "outside-pocket",
                f"only {quality.buried:.0%} of its heavy atoms touch the receptor",
                advice="look at the pose: a ligand on the surface leaves as soon as it may",
                ligand=ligand.name,
            )
        )
    return found


def frame_findings(ligand: Ligand, pocket: Pocket) -> tuple[Finding, ...]:
    """Whether a ligand that was placed on a reference met the receptor at all: a reference may be of another frame."""
    heavy = [atom.GetIdx() for atom in ligand.mol.GetAtoms() if atom.GetAtomicNum() > 1]
    apart = np.linalg.norm(10 * ligand.positions[heavy][:, None] - pocket.positions[None], axis=-1)
    if (apart.size and apart.min() < _MEETS) or _surrounded(ligand, pocket):
        return ()
    advice = "superpose the reference's structure on the receptor: the ligand was placed where the reference lies"
    return (replace(_outside(ligand, pocket), advice=advice),)


def _surrounded(ligand: Ligand, pocket: Pocket) -> bool:
    """Whether receptor atoms lie on all sides of a ligand's centre, as in a cavity too wide for it to touch the wall.

    The unit vectors to the atoms within 1 nm add up to little there; from outside they point one way.
    """
    away = pocket.positions - 10.0 * ligand.positions.mean(axis=0)
    distance = np.linalg.norm(away, axis=1)
    near = (distance < _AROUND) & (distance > 0)
    if not near.any():
        return False
    return bool(np.linalg.norm((away[near] / distance[near, None]).mean(axis=0)) < _ONE_SIDED)


def _outside(ligand: Ligand, pocket: Pocket) -> Finding:
    heavy = [atom.GetIdx() for atom in ligand.mol.GetAtoms() if atom.GetAtomicNum() > 1]
    apart = np.linalg.norm(10 * ligand.positions[heavy][:, None] - pocket.positions[None], axis=-1)
    near = f"its nearest atom is {apart.min():.1f} A away" if apart.size else "nothing of it is near"
    return failed(
        "outside-pocket",
        f"lies outside the receptor: {near}",
        advice="give the pose in the receptor's frame, or place it from a reference",
        ligand=ligand.name,
    )


def _clashes(ligand: Ligand, clashes: Sequence[Clash]) -> list[Finding]:
    if not clashes:
        return []
    words = f"{len(clashes)} pair{'s' * (len(clashes) > 1)} of heavy atoms clash ({_worst(ligand, clashes)})"
    if clashes[0].distance < WORST_NM:
        advice = "correct the pose; if a bond is meant, covalent ligands are not supported"
        return [failed("clash", words, advice=advice, ligand=ligand.name)]
    advice = "look at the pose; minimisation may put it right, and may put it elsewhere"
    return [warned("clash", words, advice=advice, ligand=ligand.name)]


def _worst(ligand: Ligand, clashes: Sequence[Clash]) -> str:
    return ", ".join(
        f"{name_atom(ligand.mol.GetAtomWithIdx(clash.ligand_atom))} and {clash.label} at {10 * clash.distance:.1f} A"
        for clash in clashes[:3]
    )


def _strain(name: str, strain: float) -> list[Finding]:
    if strain < STRAIN_WARNED:
        return []
    make = failed if strain > STRAIN_FAILED else warned
    return [
        make(
            "strained-pose",
            f"the pose is {strain:.0f} kcal/mol above the ligand's free minimum (MMFF94; up to 7 is usual)",
            advice="look for a wrong bond length, a cis amide or an eclipsed ring; relax the pose or dock again",
            ligand=name,
        )
    ]


def place_findings(modes: Sequence[PlacedLigand]) -> tuple[Finding, ...]:
    """What a ligand's placing from a reference shows: clashes, strain, and modes that cannot be told apart."""
    best = modes[0]
    found = [*_clashes(best.ligand, best.clashes), *_strain(best.ligand.name, best.strain)]
    if len(modes) > 1:
        apart = max(pose_rmsd(best.ligand.mol, other.ligand.mol) for other in modes[1:])
        scores = ", ".join(f"{mode.score:.1f}" for mode in modes)
        found.append(
            warned(
                "binding-modes",
                f"{len(modes)} binding modes fit the reference and the receptor about equally (scores {scores} "
                f"kcal/mol, {apart:.1f} A apart)",
                advice="run each, or choose by a crystal structure: free energies of the wrong one are wrong",
                ligand=best.ligand.name,
            )
        )
    fine = f"placed on {len(best.core)} atoms of the reference within {10 * best.core_rmsd:.2f} A"
    return tuple(found) or (passed("pose", fine, ligand=best.ligand.name),)


def reference_findings(ligand: Ligand, reference: Ligand) -> tuple[Finding, ...]:
    """Whether a ligand that has a pose lies with its core on the reference's."""
    try:
        core = common_core(ligand.mol, reference.mol, name=ligand.name)
    except InputError as error:
        message, _, advice = str(error).removeprefix(f"{ligand.name}: ").partition(": ")
        return (warned("no-common-core", message, advice=advice, ligand=ligand.name),)
    x, y = ligand.positions, reference.positions
    apart = min(
        float(np.sqrt(np.mean(np.sum((x[[i for i, _ in way]] - y[[j for _, j in way]]) ** 2, axis=1))))
        for way in core.overlays
    )
    if apart < CORE_APART_NM:
        return ()
    return (
        warned(
            "binding-modes",
            f"its core of {core.n_atoms} atoms lies {10 * apart:.1f} A from the reference's: another binding mode, or "
            "another frame",
            advice="look at both; place it from the reference if one mode is meant",
            ligand=ligand.name,
        ),
    )


def scattered_findings(ligands: Sequence[Ligand], centre: Floats | None = None) -> tuple[Finding, ...]:
    """Ligands whose centre lies elsewhere than the reference's, or than those of most of the series.

    Args:
        ligands: Ligands with a pose.
        centre: Centre of the reference [nm], (3,); the median of the series if None, for three ligands or more.
    """
    if centre is None and len(ligands) < 3:
        return ()
    centres = np.array([ligand.positions.mean(axis=0) for ligand in ligands]).reshape(-1, 3)
    middle = np.median(centres, axis=0) if centre is None else centre
    words = "the reference's" if centre is not None else "those of most of the series"
    return tuple(
        failed(
            "outside-pocket",
            f"its centre is {10 * apart:.1f} A from {words}: it is not in their pocket",
            advice="give the pose in the receptor's frame, or place it from a reference",
            ligand=ligand.name,
        )
        for ligand, apart in zip(ligands, np.linalg.norm(centres - middle, axis=1), strict=True)
        if apart > APART_NM
    )


def no_pose(ligand: Ligand) -> Finding:
    """A ligand without a pose, where one is needed."""
    return failed(
        "no-pose",
        "has no pose: its coordinates were made from a drawing or a SMILES",
        advice="give a 3D structure in the receptor, or a crystal ligand as ligands.reference (--reference)",
        ligand=ligand.name,
    )
