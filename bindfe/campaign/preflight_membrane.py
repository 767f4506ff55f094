"""Whether a receptor lies in its bilayer as it should, and whether one that needs a bilayer has none."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from bindfe.chem.findings import Finding, failed, passed, warned
from bindfe.chem.orientation import best_slab, orientation_findings, residue_costs
from bindfe.protocol import MembraneSettings, Protocol
from bindfe.results import Floats

if TYPE_CHECKING:
    from bindfe.chem.receptor import Receptor

_SETTLES_PS = 1000.0
"""Time that a bilayer which was just grown needs at least before samples mean something [ps]."""

_LEAST_PADDING_NM = 0.8
"""Padding with which two lipids lie between a protein and its image [nm]."""

_MELTS = {"DLPC": 271, "DMPC": 297, "DPPC": 314, "POPC": 270, "DOPC": 255, "DLPE": 304, "POPE": 298}
"""Temperature at which each lipid's gel melts to a fluid [K].

Source:
    Koynova and Caffrey, Biochim. Biophys. Acta 1376, 91 (1998), doi:10.1016/S0304-4157(98)00006-9, rounded.
"""

_MANY = 60
"""Residues of an apolar slab that make a membrane protein: three helices that cross it."""


def membrane_findings(protocol: Protocol, receptor: Receptor) -> tuple[Finding, ...]:
    """What is wrong with the bilayer that a protocol asks for, or does not ask for.

    Args:
        protocol: Its sections ``membrane``, ``receptor`` and ``equilibration``.
        receptor: What the file holds.
    """
    if receptor.kind == "host":
        return () if protocol.membrane is None else (_host(),)
    structure, drop = receptor.structure, protocol.receptor.drop
    if protocol.membrane is None:
        return tuple(_forgotten(*residue_costs(structure, drop=drop)))
    atoms = np.array([atom.position for atom in structure.atoms], dtype=float)
    return (
        *orientation_findings(structure, centre=protocol.membrane.centre_z, drop=drop),
        *_box(protocol.membrane, atoms),
        *_short(protocol),
        *_gel(protocol, protocol.membrane),
    )


def _host() -> Finding:
    return failed(
        "membrane",
        "a bilayer is laid about a protein, and the receptor is a host",
        advice="leave the section membrane out",
    )


def _forgotten(places: Floats, costs: Floats) -> Iterable[Finding]:
    if len(places) < _MANY:
        return
    best = best_slab(places, costs)
    if best.residues >= _MANY and best.cost < 0:
        yield warned(
            "membrane",
            f"{best.residues} residues in a layer of 30 A are as apolar as those of a membrane protein "
            f"({best.cost:.0f} kcal/mol from water into octanol), and no membrane is asked for",
            advice="give the section membrane, and coordinates as OPM or PPM has them, unless it is soluble",
        )


def _box(settings: MembraneSettings, atoms: Floats) -> Iterable[Finding]:
    """Whether a little less padding would save a patch of lipids: some 30,000 atoms."""
    from bindfe.build.bilayer import bilayer_box, narrower

    x, y, z = 10 * bilayer_box(atoms, settings)
    words = f"the box of the complex is {x:.0f} x {y:.0f} x {z:.0f} A, about {x * y * z / 10:,.0f} atoms"
    less = narrower(atoms, settings)
    if less < _LEAST_PADDING_NM:
        yield passed("membrane", words)
        return
    yield warned(
        "membrane",
        f"{words}, and with membrane.padding of {math.floor(10 * less)} A it is a patch of lipids narrower",
        advice="set it so, unless the receptor is to be farther from its images",
    )


def _short(protocol: Protocol) -> Iterable[Finding]:
    time = protocol.equilibration.free_time
    if time < _SETTLES_PS:
        yield warned(
            "membrane",
            f"equilibration.free_time is {time:g} ps, and a bilayer that was just grown takes nanoseconds to close and "
            "find its area",
            advice="set it to 5 ns or more, and look at the area per lipid; 1 ns at least",
        )


def _gel(protocol: Protocol, settings: MembraneSettings) -> Iterable[Finding]:
    melts, here = _MELTS[settings.lipid], protocol.sampling.temperature
    if here < melts:
        yield warned(
            "membrane",
            f"a bilayer of {settings.lipid} melts at {melts} K and is a gel at sampling.temperature, {here:g} K",
            advice="take a lipid that is fluid there, such as POPC, or the temperature of the measurement",
        )
