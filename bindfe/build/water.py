"""A box filled with water and ions as OpenMM's Modeller fills it, in a twentieth of its time and the same each time."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openmm import app, unit
from scipy.spatial import cKDTree

from bindfe.errors import InputError
from bindfe.results import Floats

RADIUS_OF_SIGMA = 0.5612310241546864907
"""Half the distance of the Lennard-Jones minimum, by sigma: 2^(1/6)/2."""

_WATER_SIGMA = {"tip3p": 0.31507524065751241, "tip4pew": 0.315365}
"""Of oxygen [nm], by equilibrated box."""

_ION_GAP_NM = 0.5
"""Least distance of two ions that are put in [nm]."""

_PURE_WATER = 55.4
"""Waters for each ion pair in a solution of 1 mol/l."""

_SEED = 2026
"""Of the choice of the waters that become ions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Filling:
    """What was put around the solutes."""

    vectors: Floats
    """Box vectors as rows [nm], (3, 3)."""
    water: Floats
    """Sites of each water [nm], (W, sites, 3)."""
    positive: Floats
    """Sodium ions [nm], (P, 3)."""
    negative: Floats
    """Chloride ions [nm], (Q, 3)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaterBox:
    """OpenMM's equilibrated box of one water model."""

    width: float
    """Of the cube [nm]."""
    sites: Floats
    """Coordinates [nm], oxygen first, (n, sites, 3)."""
    names: tuple[str, ...]
    """Names of the sites."""
    radius: float
    """Half the distance at which two waters touch [nm]."""


def read_water_box(name: str) -> WaterBox:
    """Read a box of water that comes with OpenMM.

    Args:
        name: ``tip3p``, or ``tip4pew`` for water with a fourth site.
    """
    text = (files("openmm.app") / "data" / f"{name}.pdb").read_text(encoding="utf-8")
    pdb = app.PDBFile(io.StringIO(text))
    names = tuple(atom.name for atom in next(pdb.topology.residues()).atoms())
    positions = np.array(pdb.getPositions(asNumpy=True).value_in_unit(unit.nanometer), dtype=float)
    return WaterBox(
        width=float(pdb.topology.getUnitCellDimensions()[0].value_in_unit(unit.nanometer)),
        sites=positions.reshape(-1, len(names), 3),
        names=names,
        radius=_WATER_SIGMA[name] * RADIUS_OF_SIGMA,
    )


def box_vectors(positions: Floats, *, padding: float, shape: str) -> Floats:
    """Vectors of a box about solutes: as wide as their sphere and the padding, or as two paddings [nm], (3, 3).

    Args:
        positions: Coordinates [nm], (N, 3).
        padding: Least distance to the next image [nm].
        shape: ``cube``, ``dodecahedron`` or ``octahedron``.
    """
    centre = 0.5 * (positions.min(axis=0) + positions.max(axis=0))
    radius = float(np.linalg.norm(positions - centre, axis=1).max())
    width = max(2 * radius + padding, 2 * padding)
    unit_box = {
        "cube": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        "dodecahedron": [[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0.5 * math.sqrt(2)]],
        "octahedron": [[1, 0, 0], [1 / 3, 2 * math.sqrt(2) / 3, 0], [-1 / 3, math.sqrt(2) / 3, math.sqrt(6) / 3]],
    }[shape]
    return width * np.array(unit_box)


def fill(
    positions: Floats, sigma: Floats, *, vectors: Floats, box: WaterBox, charge: int, concentration: float
) -> Filling:
    """Fill a box with water and ions.

    Waters of the equilibrated box are laid over the cell; one whose oxygen touches an atom of a solute, or a water of
    the next cell, is left out. Ions replace waters: as many as neutralise the solutes, and pairs for the
    concentration, drawn with a fixed seed and 5 A from each other at least.

    Args:
        positions: The solutes [nm], (N, 3).
        sigma: Lennard-Jones sigma of each atom [nm], 0 for one without such a term, (N,).
        vectors: Box vectors as rows [nm], (3, 3).
        box: The water.
        charge: Net charge of the solutes [e].
        concentration: Of the salt [mol/l].

    Raises:
        InputError: There are fewer waters than ions.
    """
    centre = 0.5 * (positions.min(axis=0) + positions.max(axis=0))
    kinds, oxygens = lay_water(box, vectors, centre)
    free = free_of_solutes(oxygens, positions, box.radius + sigma * RADIUS_OF_SIGMA, vectors)
    kinds, oxygens = kinds[free], oxygens[free]
    free = _free_of_images(oxygens, box.radius, vectors, centre)
    kinds, oxygens = kinds[free], oxygens[free]
    water = box.sites[kinds] - box.sites[kinds][:, :1] + oxygens[:, None]
    positive, negative = ion_numbers(len(water), charge, concentration)
    chosen = choose_ions(oxygens, positive + negative)
    return Filling(
        vectors=vectors,
        water=np.delete(water, chosen, axis=0),
        positive=oxygens[chosen[:positive]],
        negative=oxygens[chosen[positive:]],
    )


def lay_water(box: WaterBox, vectors: Floats, centre: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Which water of the equilibrated box, and where its oxygen is [nm], for each that lies in the cell's brick."""
    brick = np.diag(vectors)
    cells = np.array(list(np.ndindex(*np.ceil(brick / box.width).astype(int))))
    oxygens = box.sites[:, None, 0] + (cells * box.width)[None]
    inside = np.all(oxygens <= brick, axis=-1)
    return np.nonzero(inside)[0], oxygens[inside] + (centre - brick / 2)


def free_of_solutes(oxygens: Floats, positions: Floats, reach: Floats, vectors: Floats) -> NDArray[np.bool_]:
    """Whether each water keeps the distance ``reach`` [nm] to each atom, images counted."""
    tree, free = cKDTree(oxygens), np.ones(len(oxygens), dtype=bool)
    low, high = oxygens.min(axis=0) - reach.max(), oxygens.max(axis=0) + reach.max()
    for shift in np.array(list(np.ndindex(3, 3, 3))) - 1:
        images = positions + shift @ vectors
        near = np.all((images >= low) & (images <= high), axis=1)
        for found in tree.query_ball_point(images[near], reach[near]) if near.any() else ():
            free[found] = False
    return free


def _free_of_images(oxygens: Floats, radius: float, vectors: Floats, centre: Floats) -> NDArray[np.bool_]:
    """Whether each water at an upper face of the brick keeps a radius to those at the lower faces of the next one."""
    brick = np.diag(vectors)
    lower = oxygens[np.any(oxygens < centre - brick / 2 + radius, axis=1)]
    upper = np.flatnonzero(np.any(oxygens >= centre + brick / 2 - radius, axis=1))
    free = np.ones(len(oxygens), dtype=bool)
    if len(lower) == 0 or len(upper) == 0:
        return free
    tree = cKDTree(oxygens[upper])
    for shift in np.array(list(np.ndindex(3, 3, 3))) - 1:
        if np.any(shift):  # within one brick they are as in the equilibrated box
            for found in tree.query_ball_point(lower + shift @ vectors, radius):
                free[upper[found]] = False
    return free


def ion_numbers(waters: int, charge: int, concentration: float) -> tuple[int, int]:
    """Cations and anions; pairs are counted by the waters that neutralising leaves."""
    pairs = math.floor((waters - abs(charge)) * concentration / _PURE_WATER + 0.5) if concentration > 0 else 0
    return pairs + max(0, -charge), pairs + max(0, charge)


def choose_ions(oxygens: Floats, wanted: int) -> list[int]:
    """Waters that become ions, apart from each other."""
    chosen: list[int] = []
    for index in np.random.default_rng(_SEED).permutation(len(oxygens)):
        if len(chosen) == wanted:
            break
        if not chosen or np.linalg.norm(oxygens[chosen] - oxygens[index], axis=1).min() > _ION_GAP_NM:
            chosen.append(int(index))
    if len(chosen) < wanted:
        raise InputError(
            f"{wanted} ions are to be put into a box of {len(oxygens)} waters, which has room for {len(chosen)}: raise "
            "solvent.padding, or lower solvent.ionic_strength"
        )
    return chosen


def add_solvent(topology: app.Topology, names: Sequence[str], *, water: int, positive: int, negative: int) -> None:
    """Add waters (one chain) and then sodium and chloride ions (another) to a topology."""
    elements = [app.element.oxygen if n == "O" else app.element.hydrogen if n[0] == "H" else None for n in names]
    chain = topology.addChain()
    for _ in range(water):
        residue = topology.addResidue("HOH", chain)
        atoms: list[Any] = [topology.addAtom(n, e, residue) for n, e in zip(names, elements, strict=True)]
        for atom in atoms[1:3]:
            topology.addBond(atoms[0], atom)
    if positive + negative:
        chain = topology.addChain()
    for element, copies in ((app.element.sodium, positive), (app.element.chlorine, negative)):
        for _ in range(copies):
            topology.addAtom(element.symbol, element, topology.addResidue(element.symbol.upper(), chain))
