"""A lipid bilayer about a protein, as OpenMM's Modeller grows it: made once for a receptor and kept for its series."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import math
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import openmm as mm
from openmm import app, unit
from scipy.spatial import cKDTree

from bindfe.build.forcefield import Assembly, chosen_templates, lipid_file, parametrise
from bindfe.build.rings import piercing_bonds, small_rings
from bindfe.errors import InputError, MissingDependency, StoreError
from bindfe.protocol import MembraneSettings, Protocol
from bindfe.protocol.membrane import membrane_of
from bindfe.protocol.places import cache_folder
from bindfe.results import Floats
from bindfe.store import read_arrays, write_arrays

if TYPE_CHECKING:
    from bindfe.chem.receptor import Receptor

logger = logging.getLogger(__name__)

_OVERLAP_NM = 0.25
"""Heavy atoms of a lipid and of the ligand nearer than this lie on each other [nm]; in liquids they touch at 0.33."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bilayer:
    """Lipids and water about a protein, all molecules whole."""

    vectors: Floats
    """Box vectors as rows [nm], (3, 3); rectangular."""
    lipids: Floats
    """Atoms of each lipid, as in its patch [nm], (L, atoms, 3)."""
    water: Floats
    """Sites of each water, oxygen first [nm], (W, 3, 3)."""


def patch_size(lipid: str) -> tuple[float, float, float]:
    """Sides of OpenMM's equilibrated patch of 128 lipids and its water [nm]."""
    first = next(line for line in _patch_text(lipid).splitlines() if line.startswith("CRYST1"))
    x, y, z = (0.1 * float(first[start : start + 9]) for start in (6, 15, 24))
    return x, y, z


def bilayer_box(positions: Floats, settings: MembraneSettings) -> Floats:
    """Sides of the box that a protein in a bilayer gets [nm], (3,).

    In the plane as many whole patches as give the padding on each side. Across, from the lower of the patch and the
    padded protein to the higher of them: as wide as the patch for one that hardly sticks out.

    Args:
        positions: The protein [nm], (N, 3).
        settings: Lipid, centre and padding.
    """
    x, y, z = patch_size(settings.lipid)
    low, high = positions.min(axis=0) - settings.padding, positions.max(axis=0) + settings.padding
    across = max(high[2], settings.centre_z + z / 2) - min(low[2], settings.centre_z - z / 2)
    return np.array([math.ceil((high[0] - low[0]) / x) * x, math.ceil((high[1] - low[1]) / y) * y, across])


def narrower(positions: Floats, settings: MembraneSettings) -> float:
    """The largest padding with which the box would be a patch narrower [nm]; negative if the protein is too wide."""
    size = np.ptp(positions, axis=0)[:2]
    patch = np.array(patch_size(settings.lipid)[:2])
    fewer = np.ceil((size + 2 * settings.padding) / patch) - 1
    return float(np.max((fewer * patch - size) / 2))


def lipid_molecule(lipid: str) -> tuple[tuple[tuple[str, app.Element], ...], tuple[tuple[int, int], ...]]:
    """Names and elements of a lipid's atoms, and its bonds."""
    residue = next(residue for residue in _patch(lipid).topology.residues() if residue.name != "HOH")
    atoms = list(residue.atoms())
    number = {atom: i for i, atom in enumerate(atoms)}
    bonds = tuple((number[a], number[b]) for a, b in residue.bonds())
    return tuple((atom.name, atom.element) for atom in atoms), bonds


def bilayer_about(force_field: app.ForceField, molecules: Assembly, protocol: Protocol) -> Bilayer:
    """The bilayer about a receptor with a ligand in it.

    It is grown about the receptor alone and kept on disk, so that the ligands of a series share it. Where its lipids
    lie on the ligand (a site that opens to them), another is grown about both.

    Args:
        force_field: Parameters of all molecules, lipids and water.
        molecules: Receptor, ligand and water of the receptor's file.
        protocol: Its sections ``membrane``, ``forcefield`` and ``compute``.

    Raises:
        InputError: No bilayer can be grown about the receptor.
        MissingDependency: The platform that the protocol names is not here.
    """
    shared = receptor_bilayer(force_field, molecules, protocol)
    touched = _touched(shared, molecules, membrane_of(protocol).lipid)
    if touched == 0:
        return shared
    logger.info("%d lipids lie where the ligand is: a bilayer is grown about both", touched)
    return _kept(force_field, molecules.topology, molecules.positions, protocol)


def receptor_bilayer(force_field: app.ForceField, molecules: Assembly, protocol: Protocol) -> Bilayer:
    """The bilayer about a receptor alone; the arguments are those of :func:`bilayer_about`."""
    modeller = app.Modeller(molecules.topology, molecules.positions * unit.nanometer)
    ligand = set(molecules.ligand_atoms)
    modeller.delete([atom for atom in molecules.topology.atoms() if atom.index in ligand])
    rest = np.delete(molecules.positions, list(molecules.ligand_atoms), axis=0)
    return _kept(force_field, modeller.topology, rest, protocol)


def grow_bilayer(receptor: Receptor, protocol: Protocol) -> Bilayer:
    """The bilayer about a completed protein, so that it is on disk before several ligands ask for it at once.

    Raises:
        InputError: The protein has no parameters, or no bilayer can be grown about it.
    """
    return receptor_bilayer(*parametrise(receptor, None, protocol), protocol)


def _touched(bilayer: Bilayer, molecules: Assembly, lipid: str) -> int:
    """Lipids of which a heavy atom lies on one of the ligand's, images counted."""
    if not molecules.ligand_atoms or len(bilayer.lipids) == 0:
        return 0
    hydrogen = app.element.hydrogen
    ligand = {atom.index for atom in molecules.topology.atoms() if atom.element is not hydrogen}
    guest = molecules.positions[sorted(ligand & set(molecules.ligand_atoms))]
    heavy = [i for i, (_, element) in enumerate(lipid_molecule(lipid)[0]) if element is not hydrogen]
    atoms = bilayer.lipids[:, heavy]
    away = away_in_box(atoms.reshape(-1, 3), guest, bilayer.vectors)
    return int(np.any(away.reshape(len(atoms), -1) < _OVERLAP_NM, axis=1).sum())


def away_in_box(points: Floats, others: Floats, vectors: Floats) -> Floats:
    """Distance of each point from the nearest of others, images of a rectangular box counted [nm], (P,)."""
    sides = np.diag(vectors)
    wrapped = [np.where((inside := np.mod(x, sides)) < sides, inside, 0.0) for x in (others, points)]
    return np.asarray(cKDTree(wrapped[0], boxsize=sides).query(wrapped[1])[0], dtype=float)


def _kept(force_field: app.ForceField, topology: app.Topology, positions: Floats, protocol: Protocol) -> Bilayer:
    """The bilayer about some molecules, from disk if it was grown before."""
    path = cache_folder() / "bilayers" / f"{_key(topology, positions, protocol)}.npz"
    if path.is_file():
        try:
            return Bilayer(**{name: array.astype(float) for name, array in read_arrays(path).items()})
        except StoreError as error:
            logger.warning("another bilayer is grown: %s", error)
    settings = membrane_of(protocol)
    logger.info("growing a bilayer of %s, which takes minutes (kept in %s)", settings.lipid, path.parent)
    grown = _grow(force_field, topology, positions, protocol)
    grown = without_threads(grown, topology, positions, settings.lipid)
    try:
        molecules = {"lipids": grown.lipids.astype(np.float32), "water": grown.water.astype(np.float32)}
        write_arrays(path, {"vectors": grown.vectors, **molecules})
    except StoreError as error:
        logger.warning("the bilayer is not kept for the next ligand: %s", error)
    return grown


def without_threads(bilayer: Bilayer, topology: app.Topology, positions: Floats, lipid: str) -> Bilayer:
    """A bilayer without the lipids that run through a ring of the molecules in it, which would stay there.

    Args:
        bilayer: As it was grown.
        topology: The molecules in it.
        positions: Their coordinates [nm], (N, 3).
        lipid: What it is of.
    """
    if not len(bilayer.lipids):
        return bilayer
    atoms, bonds = lipid_molecule(lipid)
    heavy = [pair for pair in bonds if all(atoms[i][1] is not app.element.hydrogen for i in pair)]
    ends = bilayer.lipids[:, np.array(heavy)].reshape(-1, 2, 3)
    rings = small_rings(topology, range(topology.getNumAtoms()))
    threads = piercing_bonds(positions, rings, ends, sides=np.diag(bilayer.vectors))
    gone = sorted({bond // len(heavy) for bond in threads})
    if gone:
        logger.warning("%d lipids ran through rings and were taken out", len(gone))
    return replace(bilayer, lipids=np.delete(bilayer.lipids, gone, axis=0))


def _key(topology: app.Topology, positions: Floats, protocol: Protocol) -> str:
    """Digest of what a bilayer depends on: atoms, where they are to 0.0001 nm, lipid, box and force field."""
    settings = membrane_of(protocol)
    content = {
        "atoms": [(atom.name, atom.residue.name) for atom in topology.atoms()],
        "positions": np.round(positions, 4).tolist(),
        "membrane": [settings.lipid, round(_patch_centre(settings), 6), settings.padding],
        "forcefield": [lipid_file(protocol), protocol.forcefield.small_molecule, protocol.solvent.model],
        "openmm": mm.version.version,
    }
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def _grow(force_field: app.ForceField, topology: app.Topology, positions: Floats, protocol: Protocol) -> Bilayer:
    """Lay patches, leave out lipids on the protein shrunk to half its width, and let it grow among the others.

    Source:
        Modeller.addMembrane of OpenMM, after Wolf, Hoefling, Aponte-Santamaria, Grubmueller and Groenhof, J. Comput.
        Chem. 31, 2169 (2010), doi:10.1002/jcc.21507. Its short run draws random numbers from the clock.
    """
    settings = membrane_of(protocol)
    box = bilayer_box(positions, settings)
    modeller = app.Modeller(topology, positions * unit.nanometer)
    # Modeller takes a cell's height, adds the padding twice, and never makes it lower than the patch's
    modeller.topology.setUnitCellDimensions(mm.Vec3(*(float(side) - 2 * settings.padding for side in box)))
    try:
        modeller.addMembrane(
            force_field,
            lipidType=_patch(settings.lipid),
            membraneCenterZ=_patch_centre(settings) * unit.nanometer,
            minimumPadding=settings.padding * unit.nanometer,
            neutralize=False,
            residueTemplates=chosen_templates(force_field, modeller.topology),
            platform=_platform(protocol),
        )
    except (ValueError, mm.OpenMMException) as error:
        raise InputError(
            f"{protocol.receptor.file}: no bilayer of {settings.lipid} can be grown about it ({error}): look at its "
            "orientation (membrane.centre_z, the normal along z) and for atoms that lie on each other"
        ) from error
    vectors = np.array(modeller.topology.getPeriodicBoxVectors().value_in_unit(unit.nanometer))
    x = np.asarray(modeller.positions.value_in_unit(unit.nanometer), dtype=float)
    lipids, water = _molecules(modeller.topology, first=len(positions))
    return Bilayer(vectors=vectors, lipids=_stored(x[lipids]), water=_stored(x[water]))


def _patch_centre(settings: MembraneSettings) -> float:
    """Where the middle of the patch's extent goes, so that the middle of its heads is at ``centre_z`` [nm]."""
    return settings.centre_z + _lift(settings.lipid)


@functools.lru_cache(maxsize=1)
def _lift(lipid: str) -> float:
    """How far the middle between a patch's outermost atoms is above that between its heads: 0.1 nm for POPC."""
    patch = _patch(lipid)
    z = np.asarray(patch.getPositions(asNumpy=True).value_in_unit(unit.nanometer))[:, 2]
    heads = z[[atom.index for atom in patch.topology.atoms() if atom.name == "P"]]
    above = heads > heads.mean()
    middle = 0.5 * (heads[above].mean() + heads[~above].mean())
    return float(0.5 * (z.min() + z.max()) - middle)


def _stored(positions: Floats) -> Floats:
    """Coordinates as the file has them, so that a bilayer that was just grown is the one that is read later."""
    return positions.astype(np.float32).astype(float)


def _molecules(topology: app.Topology, *, first: int) -> tuple[list[list[int]], list[list[int]]]:
    """Atoms of each lipid, and of each water, that were added after the first ones."""
    groups: tuple[list[list[int]], list[list[int]]] = [], []
    for residue in topology.residues():
        atoms = [atom.index for atom in residue.atoms()]
        if atoms[0] >= first:
            groups[residue.name == "HOH"].append(atoms)
    return groups


def _platform(protocol: Protocol) -> mm.Platform | None:
    """The platform that the protocol names; None, which is OpenMM's fastest, for ``auto``."""
    name = protocol.compute.platform
    if name == "auto":
        return None
    try:
        return mm.Platform.getPlatformByName(name)
    except mm.OpenMMException as error:
        raise MissingDependency(
            f"compute.platform: {name} is not available here, and a bilayer is grown with it ({error}): use auto"
        ) from error


def _patch_text(lipid: str) -> str:
    return (files("openmm.app") / "data" / f"{lipid}.pdb").read_text(encoding="utf-8")


@functools.lru_cache(maxsize=1)
def _patch(lipid: str) -> app.PDBFile:
    return app.PDBFile(str(files("openmm.app") / "data" / f"{lipid}.pdb"))
