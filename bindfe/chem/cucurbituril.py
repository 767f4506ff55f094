"""Cucurbit[n]urils built by their symmetry.

A CB[n] barrel has n glycoluril units, each with two methine CH that point outwards on the equator, and
2n CH2 bridges. Distance-geometry embedding gets it wrong: barrels come out collapsed or with units
turned inside out, in minima that a force field cannot leave. So atoms are placed analytically with
D_nh symmetry and only then relaxed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers
from rdkit.Geometry import Point3D

from bindfe.chem.molecule import assign_stereo
from bindfe.errors import InputError

_BOND = 1.45
"""N-CH2 bond [A]."""
_HALF_ANGLE = math.radians(57.5)
"""Half of the N-CH2-N angle."""
_NITROGEN_Y, _NITROGEN_Z = 1.13, 1.20
"""Offset of a nitrogen from its unit's mirror planes [A]."""

_UNIT: tuple[tuple[str, tuple[float, float, float]], ...] = (
    ("C", (0.67, 0.78, 0.00)),  # methine, on the equator
    ("H", (1.65, 1.20, 0.00)),
    ("N", (0.00, _NITROGEN_Y, _NITROGEN_Z)),
    ("C", (-0.23, 0.00, 2.00)),  # carbonyl, at a rim
    ("O", (-0.70, 0.00, 3.11)),
)
"""One of each kind of atom of a glycoluril unit [A]: outwards from its nitrogens, tangential, axial."""

_MOST_ITERATIONS = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Site:
    """An atom by what it is: unit it belongs to, and which side of the unit's mirror planes it is on."""

    label: str
    unit: int
    side: int = 0
    rim: int = 0


def build_cucurbituril(n: int) -> Chem.Mol:
    """CB[n] with its axis along z and its centre at the origin, relaxed with MMFF94.

    The start has D_nh symmetry, hence so have the forces and the result: no conformer is drawn. For n = 5
    and 6 that is MMFF's minimum; for 7 and 8 it is a saddle, 0.15 and 1.04 kcal/mol above the minimum, in
    which the ring is slightly oval. Atoms come unit by unit; coordinates are in Angstrom, as RDKit keeps
    them.

    Args:
        n: Number of glycoluril units, 5 to 8 (smaller rings cannot close; larger ones twist).

    Raises:
        InputError: n is not 5, 6, 7 or 8.

    Source:
        Structure: Kim et al., J. Am. Chem. Soc. 122, 540 (2000), doi:10.1021/ja993376p. MMFF94:
        Halgren, J. Comput. Chem. 17, 490 (1996).
    """
    if n not in range(5, 9):
        raise InputError(f"CB[{n}] cannot be built: n must be 5, 6, 7 or 8")
    sites = _place_sites(n)
    mol = _bond_sites(tuple(sites), n)
    conformer = Chem.Conformer(mol.GetNumAtoms())
    for index, (x, y, z) in enumerate(sites.values()):
        conformer.SetAtomPosition(index, Point3D(x, y, z))
    conformer.Set3D(True)
    mol.AddConformer(conformer)
    relax_mmff(mol)
    assign_stereo(mol)
    mol.SetProp("_Name", f"CB{n}")
    return mol


def relax_mmff(mol: Chem.Mol) -> float:
    """Move the conformer downhill in MMFF94 until no force is left; the energy there [kcal/mol].

    Raises:
        InputError: MMFF has no parameters for an atom, or forces remain.
    """
    properties = rdForceFieldHelpers.MMFFGetMoleculeProperties(mol)
    if properties is None:
        raise InputError(f"MMFF94 has no parameters for {Chem.MolToSmiles(mol)}")
    field = rdForceFieldHelpers.MMFFGetMoleculeForceField(mol, properties)
    field.Initialize()
    if field.Minimize(maxIts=_MOST_ITERATIONS, forceTol=1e-6, energyTol=1e-10) != 0:
        raise InputError(f"MMFF94 finds no minimum of {Chem.MolToSmiles(mol)} in {_MOST_ITERATIONS} steps")
    return float(field.CalcEnergy())


def _place_sites(n: int) -> dict[_Site, NDArray[np.float64]]:
    """Every atom's coordinates [A], by the n-fold axis and two mirror planes of each unit."""
    half = math.pi / n
    gap = _BOND * math.sin(_HALF_ANGLE)  # from a nitrogen to the mirror plane between units
    radius = (gap + _NITROGEN_Y * math.cos(half)) / math.sin(half)  # of the nitrogens, along x of the unit
    places: dict[_Site, NDArray[np.float64]] = {}
    for unit in range(n):
        turn = _turn(2 * half * unit)
        for label, (kind, offset) in zip("chnko", _UNIT, strict=True):
            for side in (1, -1) if offset[1] else (0,):
                for rim in (1, -1) if offset[2] else (0,):
                    local = np.array([radius + offset[0], side * offset[1], rim * offset[2]])
                    places[_Site(label=kind + label, unit=unit, side=side, rim=rim)] = turn @ local
        places.update(_place_bridges(unit, radius=radius, half=half))
    return places


def _place_bridges(unit: int, *, radius: float, half: float) -> dict[_Site, NDArray[np.float64]]:
    """The two CH2 between a unit and the next one, in the mirror plane between them."""
    along = _turn(2 * half * unit + half)
    foot = radius * math.cos(half) + _NITROGEN_Y * math.sin(half)
    rise = _BOND * math.cos(_HALF_ANGLE) / math.sqrt(2)
    carbon = np.array([foot + rise, 0.0, _NITROGEN_Z + rise])
    outer, axial = carbon + np.array([1.08, 0.0, -0.20]), carbon + np.array([-0.20, 0.0, 1.08])
    places = {}
    for rim in (1, -1):
        flip = np.array([1.0, 1.0, rim])
        places[_Site(label="Cb", unit=unit, rim=rim)] = along @ (flip * carbon)
        places[_Site(label="Hb", unit=unit, side=1, rim=rim)] = along @ (flip * outer)
        places[_Site(label="Hb", unit=unit, side=-1, rim=rim)] = along @ (flip * axial)
    return places


def _turn(angle: float) -> NDArray[np.float64]:
    """Rotation about z [rad], (3, 3)."""
    return np.array(
        [[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0], [0.0, 0.0, 1.0]]
    )


def _bond_sites(sites: tuple[_Site, ...], n: int) -> Chem.Mol:
    """The molecule without coordinates, atoms in the order of the sites."""
    index = {site: i for i, site in enumerate(sites)}
    mol = Chem.RWMol()
    for site in sites:
        mol.AddAtom(Chem.Atom(site.label[0]))
    for first, second, order in _bonds(n):
        mol.AddBond(index[first], index[second], order)
    Chem.SanitizeMol(mol)
    return mol.GetMol()


def _bonds(n: int) -> list[tuple[_Site, _Site, Chem.BondType]]:
    one, two = Chem.BondType.SINGLE, Chem.BondType.DOUBLE
    bonds = []
    for unit in range(n):
        methine = {side: _Site(label="Cc", unit=unit, side=side) for side in (1, -1)}
        bonds.append((methine[1], methine[-1], one))
        bonds.extend((methine[side], _Site(label="Hh", unit=unit, side=side), one) for side in (1, -1))
        for rim in (1, -1):
            carbonyl, bridge = _Site(label="Ck", unit=unit, rim=rim), _Site(label="Cb", unit=unit, rim=rim)
            bonds.append((carbonyl, _Site(label="Oo", unit=unit, rim=rim), two))
            bonds.extend((bridge, _Site(label="Hb", unit=unit, side=k, rim=rim), one) for k in (1, -1))
            bonds.append((bridge, _Site(label="Nn", unit=(unit + 1) % n, side=-1, rim=rim), one))
            bonds.append((bridge, _Site(label="Nn", unit=unit, side=1, rim=rim), one))
            for side in (1, -1):
                nitrogen = _Site(label="Nn", unit=unit, side=side, rim=rim)
                bonds.extend(((nitrogen, methine[side], one), (nitrogen, carbonyl, one)))
    return bonds
