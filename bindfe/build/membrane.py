"""A receptor with its ligand in a bilayer: lipids as molecules, water where it belongs, ions away from heads."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from openmm import app, unit
from scipy.spatial import cKDTree

from bindfe.build.bilayer import Bilayer, away_in_box, lipid_molecule
from bindfe.build.water import (
    RADIUS_OF_SIGMA,
    Filling,
    WaterBox,
    choose_ions,
    free_of_solutes,
    ion_numbers,
    lay_water,
)
from bindfe.results import Floats

_ION_ROOM_NM = 0.5
"""Least distance of an ion that is put in from lipids, receptor and ligand [nm]."""

_WATER_ROOM_NM = 0.28
"""Least distance of a water that is put into a cavity from those that are there: the first shell's [nm]."""

_SEEN_NM = 1.0
"""How far a water looks for the walls of its cavity [nm]."""

_CONE = np.cos(np.radians(25.0))
"""An atom hides the directions within this of its own."""

_ENCLOSED = 0.75
"""Share of all directions in which a water of a cavity sees the receptor."""

_DIRECTIONS = 96


@dataclass(frozen=True, kw_only=True, slots=True)
class Occupied:
    """Where the solutes are, with which radii."""

    positions: Floats
    """Receptor, ligand, water of the receptor's file, and lipids [nm], (N, 3)."""
    sigma: Floats
    """Lennard-Jones sigma of each [nm], 0 for one without such a term, (N,)."""
    receptor: tuple[int, ...]
    """Atoms of the receptor."""
    ligand: tuple[int, ...]
    """Atoms of the ligand."""


def with_lipids(topology: app.Topology, positions: Floats, bilayer: Bilayer, lipid: str) -> tuple[app.Topology, Floats]:
    """Molecules and, after them, the lipids as a chain of residues with the lipid's name."""
    atoms, bonds = lipid_molecule(lipid)
    whole = copy.deepcopy(topology)
    chain = whole.addChain()
    for number in range(len(bilayer.lipids)):
        residue = whole.addResidue(lipid, chain, str(number + 1))
        added = [whole.addAtom(name, element, residue) for name, element in atoms]
        for a, b in bonds:
            whole.addBond(added[a], added[b])
    whole.setPeriodicBoxVectors(bilayer.vectors * unit.nanometer)
    return whole, np.concatenate([positions, bilayer.lipids.reshape(-1, 3)])


def fill_about_bilayer(
    occupied: Occupied, bilayer: Bilayer, *, lipid: str, box: WaterBox, charge: int, concentration: float
) -> Filling:
    """Water and ions about a receptor in a bilayer.

    The bilayer's own water, but for what lies on the ligand; more where Modeller left none, see :func:`missing_water`;
    and ions by the rule of a box of water, in place of waters that are 5 A from everything.

    Args:
        occupied: Receptor, ligand and lipids.
        bilayer: Lipids and water.
        lipid: What it is of.
        box: The water model.
        charge: Net charge of all that is there [e].
        concentration: Of the salt [mol/l].

    Raises:
        InputError: There is no room for the ions.
    """
    guest, water = list(occupied.ligand), bilayer.water
    if guest:
        reach = box.radius + occupied.sigma[guest] * RADIUS_OF_SIGMA
        water = water[free_of_solutes(water[:, 0], occupied.positions[guest], reach, bilayer.vectors)]
    more = missing_water(occupied, water[:, 0], bilayer.vectors, heads=head_heights(bilayer, lipid), box=box)
    water = np.concatenate([water, more])
    positive, negative = ion_numbers(len(water), charge, concentration)
    room = np.flatnonzero(away_in_box(water[:, 0], occupied.positions, bilayer.vectors) > _ION_ROOM_NM)
    chosen = room[choose_ions(water[room, 0], positive + negative)]
    return Filling(
        vectors=bilayer.vectors,
        water=np.delete(water, chosen, axis=0),
        positive=water[chosen[:positive], 0],
        negative=water[chosen[positive:], 0],
    )


def missing_water(
    occupied: Occupied, oxygens: Floats, vectors: Floats, *, heads: tuple[float, float], box: WaterBox
) -> Floats:
    """Waters that fit where Modeller left none, touching neither atoms nor the water that is there.

    Outside of the membrane everything is filled: there is a seam about the patches, and a hole where the shrunk
    receptor was. Between the heads only cavities are: where the receptor is seen within 10 A in three quarters of all
    directions, so that gaps between receptor and lipids stay empty and close as the bilayer relaxes.

    Args:
        occupied: Receptor, ligand and lipids.
        oxygens: Those of the water that is there [nm], (W, 3).
        vectors: Box vectors as rows [nm], (3, 3).
        heads: Heights of the lower and the upper phosphorus atoms [nm].
        box: The water model, equilibrated.

    Returns:
        Sites of each new water [nm], (C, sites, 3).
    """
    x = occupied.positions[list(occupied.receptor)]
    kinds, places = lay_water(box, vectors, 0.5 * (x.min(axis=0) + x.max(axis=0)))
    free = free_of_solutes(places, occupied.positions, box.radius + occupied.sigma * RADIUS_OF_SIGMA, vectors)
    if len(oxygens):
        free &= away_in_box(places, oxygens, vectors) > _WATER_ROOM_NM
    kinds, places = kinds[free], places[free]
    belongs = _outside(places, heads, float(vectors[2, 2]))
    near = cKDTree(x).query(places)[0] < _SEEN_NM if len(places) else belongs
    for k in np.flatnonzero(near & ~belongs):
        belongs[k] = _enclosed(places[k], x)
    kinds, places = kinds[belongs], places[belongs]
    sites: Floats = box.sites[kinds] - box.sites[kinds][:, :1] + places[:, None]
    return sites


def _outside(places: Floats, heads: tuple[float, float], height: float) -> NDArray[np.bool_]:
    """Whether each place is beyond the heads, above or below, images counted."""
    low, high = heads
    away = places[:, 2] - 0.5 * (low + high)
    beyond: NDArray[np.bool_] = np.abs(away - height * np.round(away / height)) > 0.5 * (high - low)
    return beyond


def head_heights(bilayer: Bilayer, lipid: str) -> tuple[float, float]:
    """Mean heights of the phosphorus atoms of the lower and the upper leaflet [nm]."""
    atoms, _ = lipid_molecule(lipid)
    z = bilayer.lipids[:, next(i for i, (name, _) in enumerate(atoms) if name == "P"), 2]
    above = z > z.mean()
    return float(z[~above].mean()), float(z[above].mean())


def _enclosed(place: Floats, atoms: Floats) -> bool:
    offsets = atoms - place
    away = np.linalg.norm(offsets, axis=1)
    seen = offsets[away < _SEEN_NM] / away[away < _SEEN_NM, None]
    hidden: NDArray[np.bool_] = (_sphere() @ seen.T > _CONE).any(axis=1)
    return bool(hidden.mean() >= _ENCLOSED)


def _sphere() -> Floats:
    """Directions spread evenly over a sphere, along a golden spiral, (D, 3)."""
    index = np.arange(_DIRECTIONS) + 0.5
    height, turn = 1 - 2 * index / _DIRECTIONS, np.pi * (1 + 5**0.5) * index
    radius = np.sqrt(1 - height**2)
    return np.column_stack([radius * np.cos(turn), radius * np.sin(turn), height])
