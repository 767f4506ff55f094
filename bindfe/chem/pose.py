"""A series placed from one crystal ligand, and how good a pose is, placed or given.

Common core over all symmetry matches -> conformers laid on it -> strain and contacts relaxed with the core
held -> ranked; what scores nearly as well and lies elsewhere is another binding mode, and is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdMolAlign

from bindfe.chem.ligand import Ligand
from bindfe.chem.pose_contact import Clash, Contacts, Pocket
from bindfe.chem.pose_core import Core, Overlay, common_core
from bindfe.chem.pose_relax import (
    STRAIN_WEIGHT,
    Relaxed,
    free_minimum,
    lay_conformers,
    pose_energy,
    relax_in_pocket,
)

Floats = NDArray[np.float64]

MODES_WITHIN = 1.0
"""Difference of scores [kcal/mol] below which contacts and strain cannot tell two binding modes apart."""

MODES_APART = 1.0
"""RMSD of heavy atoms [A], symmetric atoms exchanged, from which two poses are two binding modes."""

_CONFORMERS = 12
"""Conformers tried for each overlay of one or a few, and at least 4 for each of many."""

_RELAXED = 8
"""Starts that are relaxed, the best overall and each overlay's best among them."""

_MOST_RELAXED = 16


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PlacedLigand:
    """A ligand in one binding mode."""

    ligand: Ligand
    """The molecule, its conformer in the receptor's frame."""
    mode: int
    """0 is the best; others score nearly as well."""
    core: tuple[tuple[int, int], ...]
    """Heavy atoms that it shares with the reference: (its atom, the reference's atom)."""
    core_rmsd: float
    """Distance of the core from the reference's, root mean square [nm]."""
    contact: float
    """Vina's contact energy with the receptor [kcal/mol]; negative is good."""
    strain: float
    """MMFF94 energy above the ligand's free minimum, in water's dielectric [kcal/mol]."""
    clashes: tuple[Clash, ...]
    """Pairs of heavy atoms in one place, the worst first."""

    @property
    def score(self) -> float:
        """What poses of one ligand are ranked by: contact + 0.2 strain [kcal/mol]; lower is better."""
        return self.contact + STRAIN_WEIGHT * self.strain


@dataclass(frozen=True, kw_only=True, slots=True)
class PoseQuality:
    """What can be said of a pose that somebody gave."""

    contact: float
    """Vina's contact energy with the receptor [kcal/mol]; negative is good."""
    strain: float
    """MMFF94 energy above the ligand's free minimum, in water's dielectric [kcal/mol]."""
    clashes: tuple[Clash, ...]
    """Pairs of heavy atoms in one place, the worst first."""
    buried: float
    """Part of its heavy atoms that touch the receptor, 0 to 1."""


def place_series(
    ligands: Sequence[Ligand], reference: Ligand, pocket: Pocket, *, seed: int = 2026
) -> tuple[PlacedLigand, ...]:
    """Every ligand in every binding mode that its core and the receptor leave open, in the ligands' order.

    Args:
        ligands: Molecules with stereo set; where they lie now does not matter.
        reference: A ligand of the series in its bound pose, as in a crystal structure.
        pocket: The receptor about it.
        seed: Of RDKit's conformers.

    Raises:
        InputError: A ligand shares no core with the reference, cannot be embedded, or has no MMFF94 parameters.
    """
    return tuple(placed for ligand in ligands for placed in place_ligand(ligand, reference, pocket, seed=seed))


def place_ligand(ligand: Ligand, reference: Ligand, pocket: Pocket, *, seed: int = 2026) -> tuple[PlacedLigand, ...]:
    """One ligand's binding modes, the best first; see :func:`place_series`."""
    core = common_core(ligand.mol, reference.mol, name=ligand.name)
    contacts = Contacts(ligand.mol, pocket)
    lowest = free_minimum(ligand.mol, name=ligand.name, seed=seed)
    found = _all_overlays(ligand, reference, core, contacts, seed=seed)
    lowest = min([lowest, *(relaxed.internal for relaxed, _ in found)])
    found.sort(key=lambda pair: pair[0].contact + STRAIN_WEIGHT * pair[0].internal)
    placed: list[PlacedLigand] = []
    for relaxed, overlay in found:
        candidate = _placed(ligand, reference, relaxed, overlay, contacts, lowest=lowest, mode=len(placed))
        if placed and candidate.score - placed[0].score > MODES_WITHIN:
            break
        if all(pose_rmsd(candidate.ligand.mol, other.ligand.mol) > MODES_APART for other in placed):
            placed.append(candidate)
    return tuple(placed)


def _all_overlays(
    ligand: Ligand, reference: Ligand, core: Core, contacts: Contacts, *, seed: int
) -> list[tuple[Relaxed, Overlay]]:
    """The most promising starts of all overlays, relaxed."""
    x = np.asarray(reference.mol.GetConformer().GetPositions(), dtype=float)
    number = max(4, min(_CONFORMERS, 4 * _CONFORMERS // len(core.overlays)))
    starts: list[tuple[float, int, Floats, Overlay]] = []
    for overlay in core.overlays:
        laid = lay_conformers(ligand.mol, {i: x[j] for i, j in overlay}, number=number, seed=seed)
        scored = sorted((contacts.energy_and_gradient(y)[0], k) for k, y in enumerate(laid))
        starts += [(energy, rank, laid[k], overlay) for rank, (energy, k) in enumerate(scored)]
    starts.sort(key=lambda start: (start[1] > 0, start[0]))  # each overlay's best before the others
    best = len({overlay for _, _, _, overlay in starts})
    chosen = starts[: min(_MOST_RELAXED, max(_RELAXED, best))]
    return [
        (relax_in_pocket(ligand.mol, y, contacts, {i: x[j] for i, j in overlay}, name=ligand.name), overlay)
        for _, _, y, overlay in chosen
    ]


def _placed(
    ligand: Ligand,
    reference: Ligand,
    relaxed: Relaxed,
    overlay: Overlay,
    contacts: Contacts,
    *,
    lowest: float,
    mode: int,
) -> PlacedLigand:
    mol = Chem.Mol(ligand.mol)
    mol.GetConformer().SetPositions(np.ascontiguousarray(relaxed.positions))
    x = np.asarray(reference.mol.GetConformer().GetPositions(), dtype=float)
    apart = relaxed.positions[[i for i, _ in overlay]] - x[[j for _, j in overlay]]
    return PlacedLigand(
        ligand=Ligand(name=ligand.name, mol=mol, source=f"{ligand.source}, placed on {reference.name}"),
        mode=mode,
        core=tuple(sorted(overlay)),
        core_rmsd=0.1 * float(np.sqrt(np.mean(np.sum(apart**2, axis=1)))),
        contact=relaxed.contact,
        strain=relaxed.internal - lowest,
        clashes=contacts.clashes(relaxed.positions),
    )


def judge_pose(ligand: Ligand, pocket: Pocket, *, seed: int = 2026) -> PoseQuality:
    """Contacts, clashes, burial and strain of the pose that a ligand came with.

    Raises:
        InputError: The ligand has no MMFF94 parameters or cannot be embedded.
    """
    contacts = Contacts(ligand.mol, pocket)
    x = np.asarray(ligand.mol.GetConformer().GetPositions(), dtype=float)
    here = pose_energy(ligand.mol, name=ligand.name)
    return PoseQuality(
        contact=contacts.energy_and_gradient(x)[0],
        strain=here - min(here, free_minimum(ligand.mol, name=ligand.name, seed=seed)),
        clashes=contacts.clashes(x),
        buried=contacts.buried(x),
    )


def pose_rmsd(first: Chem.Mol, second: Chem.Mol) -> float:
    """RMSD of the heavy atoms of one molecule in two poses [A], as they lie, symmetric atoms exchanged."""
    one, other = Chem.RemoveHs(first), Chem.RemoveHs(second)
    return float(rdMolAlign.CalcRMS(one, other, maxMatches=5000))
