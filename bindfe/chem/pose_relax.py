"""Conformers laid on a core, relaxed among the receptor's atoms, and what the ligand pays for its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers, rdMolAlign
from rdkit.Geometry import Point3D

from bindfe.chem.pose_contact import Contacts
from bindfe.errors import InputError

Floats = NDArray[np.float64]

STRAIN_WEIGHT = 0.2
"""What 1 kcal/mol of MMFF strain counts beside 1 kcal/mol of contact: MMFF is stiff, Vina's terms are soft."""

_DIELECTRIC = 80.0
"""Charges are as in water; in vacuum a free ligand would fold onto itself, and every pose would look strained."""

_FREE_CONFORMERS = 24
_CORE_SPRING, _CORE_SLACK = 20.0, 0.2
"""Spring of a core atom [kcal/mol/A^2] beyond a distance from where it is wanted [A]."""

_POSE_SPRING, _POSE_SLACK = 100.0, 0.15
"""The same for every heavy atom of a given pose: bond lengths of another force field are no strain."""

_MOST_STEPS = 200


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Relaxed:
    """A ligand relaxed in a pocket."""

    positions: Floats
    """Coordinates [A], (N, 3)."""
    contact: float
    """Vina's contact energy [kcal/mol]."""
    internal: float
    """MMFF94 energy of the ligand [kcal/mol]."""


def mmff(mol: Chem.Mol, *, name: str) -> Any:
    """MMFF94's view of a molecule, with water's dielectric constant.

    Raises:
        InputError: It has no parameters for an atom.
    """
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol)
    if properties is None:
        raise InputError(f"{name}: MMFF94 has no parameters for {Chem.MolToSmiles(Chem.RemoveHs(mol))}; give its pose")
    properties.SetMMFFDielectricConstant(_DIELECTRIC)
    return properties


def free_minimum(mol: Chem.Mol, *, name: str, seed: int) -> float:
    """Lowest MMFF94 energy of the ligand alone that 24 conformers and the given one reach [kcal/mol]."""
    copy = Chem.Mol(mol)
    properties = mmff(copy, name=name)
    with_own = Chem.Mol(copy)
    lowest = np.inf
    if with_own.GetNumConformers():
        lowest = _minimise(with_own, properties, 0)
    for conformer in _embed(copy, _FREE_CONFORMERS, seed=seed):
        lowest = min(lowest, _minimise(copy, properties, conformer))
    if not np.isfinite(lowest):
        raise InputError(f"{name}: RDKit finds no conformer of {Chem.MolToSmiles(Chem.RemoveHs(mol))}")
    return float(lowest)


def _minimise(mol: Chem.Mol, properties: Any, conformer: int) -> float:
    field = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties, confId=conformer)
    field.Initialize()
    field.Minimize(maxIts=_MOST_STEPS)
    return float(field.CalcEnergy())


def _embed(mol: Chem.Mol, number: int, *, seed: int, onto: Mapping[int, Point3D] | None = None) -> list[int]:
    parameters: Any = rdDistGeom.ETKDGv3()  # RDKit's stubs type every parameter as the parameters
    parameters.randomSeed = seed
    parameters.maxIterations = 20
    if onto:
        parameters.SetCoordMap(dict(onto))
        parameters.useRandomCoords = True
    return [int(i) for i in rdDistGeom.EmbedMultipleConfs(mol, number, parameters)]


def free_conformers(mol: Chem.Mol, *, number: int, seed: int) -> list[Floats]:
    """Conformers of a molecule alone by ETKDG [A], (N, 3) each; its own where none is found."""
    copy = Chem.Mol(mol)
    found = _embed(copy, number, seed=seed)
    own = np.asarray(mol.GetConformer().GetPositions(), dtype=float)
    return [np.asarray(copy.GetConformer(i).GetPositions(), dtype=float) for i in found] or [own]


def lay_conformers(mol: Chem.Mol, onto: Mapping[int, Floats], *, number: int, seed: int) -> list[Floats]:
    """Conformers whose core lies where it is wanted, by ETKDG with the core's distances.

    Args:
        mol: Every hydrogen an atom, stereo set.
        onto: Where each core atom goes: index -> coordinates [A], (3,).
        number: Conformers to try; fewer may be returned.
        seed: Of RDKit's generator.

    Returns:
        Coordinates [A] of each, (N, 3), the one whose core fits best first. Distances do not tell a core from its
        mirror image, so a core with the other hand is tried without them, and fits as well as it can.
    """
    copy = Chem.Mol(mol)
    copy.RemoveAllConformers()
    wanted = {i: Point3D(*map(float, x)) for i, x in onto.items()}
    conformers = _embed(copy, number, seed=seed, onto=wanted) or _embed(copy, number, seed=seed)
    anchor = Chem.Mol(copy, confId=-1)
    anchor.RemoveAllConformers()
    target = Chem.Conformer(copy.GetNumAtoms())
    for index, point in wanted.items():
        target.SetAtomPosition(index, point)
    anchor.AddConformer(target)
    pairs = [(i, i) for i in onto]
    fits = [(rdMolAlign.AlignMol(copy, anchor, prbCid=i, atomMap=pairs), i) for i in conformers]
    return [np.asarray(copy.GetConformer(i).GetPositions(), dtype=float) for _, i in sorted(fits)]


def relax_in_pocket(
    mol: Chem.Mol, start: Floats, contacts: Contacts, onto: Mapping[int, Floats], *, name: str
) -> Relaxed:
    """Walk downhill on strain, contacts and springs that hold the core.

    Args:
        mol: The ligand.
        start: Coordinates [A], (N, 3).
        contacts: The ligand in its pocket.
        onto: Where each core atom is wanted: index -> coordinates [A], (3,).
        name: For messages.
    """
    from scipy.optimize import minimize

    field = _field(mol, start, name=name)
    held = np.array(list(onto), dtype=int)
    wanted = np.array([onto[i] for i in held], dtype=float).reshape(-1, 3)

    def score(flat: Floats) -> tuple[float, Floats]:
        x = flat.reshape(-1, 3)
        internal, pull = _internal(field, flat)
        contact, gradient = contacts.energy_and_gradient(x)
        spring, hold = _springs(x[held], wanted, spring=_CORE_SPRING, slack=_CORE_SLACK)
        gradient = gradient + STRAIN_WEIGHT * pull.reshape(-1, 3)
        gradient[held] += STRAIN_WEIGHT * hold
        return contact + STRAIN_WEIGHT * (internal + spring), gradient.ravel()

    found = minimize(score, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _MOST_STEPS})
    x = np.asarray(found.x, dtype=float)
    return Relaxed(
        positions=x.reshape(-1, 3),
        contact=contacts.energy_and_gradient(x.reshape(-1, 3))[0],
        internal=_internal(field, x)[0],
    )


def pose_energy(mol: Chem.Mol, *, name: str) -> float:
    """MMFF94 energy of a given pose [kcal/mol], each heavy atom free to move by 0.015 nm and hydrogens at will.

    Beyond that a spring holds the atom, whose energy counts: a stretched bond does not heal for nothing.
    """
    from scipy.optimize import minimize

    start = np.asarray(mol.GetConformer().GetPositions(), dtype=float)
    field = _field(mol, start, name=name)
    held = np.array([atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() > 1], dtype=int)

    def score(flat: Floats) -> tuple[float, Floats]:
        internal, pull = _internal(field, flat)
        spring, hold = _springs(flat.reshape(-1, 3)[held], start[held], spring=_POSE_SPRING, slack=_POSE_SLACK)
        gradient = pull.reshape(-1, 3).copy()
        gradient[held] += hold
        return internal + spring, gradient.ravel()

    found = minimize(score, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 2 * _MOST_STEPS})
    return float(found.fun)


def _field(mol: Chem.Mol, x: Floats, *, name: str) -> Any:
    copy = Chem.Mol(mol)
    conformer = Chem.Conformer(copy.GetNumAtoms())
    conformer.SetPositions(np.ascontiguousarray(x))
    copy.RemoveAllConformers()
    copy.AddConformer(conformer)
    field = rdForceFieldHelpers.MMFFGetMoleculeForceField(copy, mmff(copy, name=name))
    field.Initialize()
    return field


def _internal(field: Any, flat: Floats) -> tuple[float, Floats]:
    points = flat.tolist()
    return float(field.CalcEnergy(points)), np.asarray(field.CalcGrad(points), dtype=float)


def _springs(x: Floats, wanted: Floats, *, spring: float, slack: float) -> tuple[float, Floats]:
    """k/2 (|x - wanted| - slack)^2 outside the slack, and its gradient."""
    apart = x - wanted
    r = np.linalg.norm(apart, axis=-1, keepdims=True) + 1e-12
    beyond = np.maximum(r - slack, 0.0)
    return float(0.5 * spring * np.sum(beyond**2)), spring * beyond * apart / r
