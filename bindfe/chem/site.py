"""The place where a ligand binds: a receptor's heavy atoms about it, whether it is a host or a protein."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bindfe.chem.pose_contact import Pocket, pocket_of, pocket_of_molecule
from bindfe.chem.protein import WATER, choose_alternates
from bindfe.chem.receptor import Receptor

Floats = NDArray[np.float64]

REACH_NM = 1.2
"""Receptor atoms within this of a ligand make its pocket [nm]."""


def receptor_pocket(receptor: Receptor, guides: Sequence[Floats], *, drop: Sequence[str] = ()) -> Pocket:
    """The receptor about its ligands: in one location, without water, cofactors with it.

    Args:
        receptor: A host, or a protein as read or completed.
        guides: Coordinates of molecules that lie in the pocket [nm], (N, 3) each.
        drop: Residues that are left out, as in ``receptor.drop``.

    Returns:
        Heavy atoms within 1.2 nm of a guide; all of them if none is so near, or there is no guide.
    """
    if receptor.mol is not None:
        return pocket_of_molecule(receptor.host, name=receptor.name)
    gone = WATER | set(drop)
    atoms = [a for a in choose_alternates(receptor.structure.atoms, []) if not a.called & gone]
    symbols, labels = [a.element for a in atoms], [f"{a.label} {a.name}" for a in atoms]
    x = [np.array([a.position for a in atoms], dtype=float).reshape(-1, 3)]
    for molecule in receptor.cofactors:
        symbols += molecule.elements
        labels += [f"{molecule.name} {symbol}{i}" for i, symbol in enumerate(molecule.elements)]
        x.append(molecule.positions)
    near = np.concatenate(guides) if guides else None
    pocket = pocket_of(symbols, np.concatenate(x), labels=labels, near=near, reach=REACH_NM)
    return pocket if pocket.labels else pocket_of(symbols, np.concatenate(x), labels=labels)
