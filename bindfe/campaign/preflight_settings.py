"""What the settings of a protocol make impossible or pointless, seen before anything is built."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bindfe.campaign.preflight_schedule import schedule_findings
from bindfe.campaign.preflight_springs import spring_findings
from bindfe.campaign.preflight_usual import usual_findings
from bindfe.chem.findings import Finding, failed, passed, warned
from bindfe.protocol import Protocol
from bindfe.results import Floats

if TYPE_CHECKING:
    from bindfe.chem.ligand import Ligand

BOX_HEIGHT = {"cube": 1.0, "dodecahedron": math.sqrt(0.5), "octahedron": math.sqrt(2.0 / 3.0)}
"""Smallest height of a periodic box that is one wide, by OpenMM's vectors for each shape."""

BOX_VOLUME = {"cube": 1.0, "dodecahedron": math.sqrt(0.5), "octahedron": 4.0 / 9.0 * math.sqrt(3.0)}
"""Its volume."""

_HOLE = {"cube": math.sqrt(0.75), "dodecahedron": math.sqrt(0.5), "octahedron": math.sqrt(5.0 / 12.0)}
"""How far from the middle of such a box its lattice has the largest hole."""

_LIGAND_RADIUS_NM = 0.4
"""Of a ligand that stands there, about [nm]."""

SHRINKS_BY = 1.05
"""A box from Modeller's density shrinks by up to 3 % a side when the pressure is on, and 2 % are kept."""

_LIGHT, _HEAVY = 1.5, 4.1
"""Mass of hydrogen [amu] below which it is not repartitioned, and above which a methyl's carbon is lighter than it."""

_STEPS = ((1.5, 2.0), (2.5, 3.0), (_HEAVY, 4.0))
"""Longest time step [fs] with constrained bonds to hydrogen up to each mass of hydrogen [amu]."""

_ML_STEP = 2.0
"""Longest time step [fs] at which the bonds of a potential without constraints are followed."""


def settings_findings(protocol: Protocol) -> tuple[Finding, ...]:
    """What can be said of a protocol without its molecules."""
    found = [
        *_time_step(protocol),
        *_repeats(protocol),
        *_frames(protocol),
        *_water_model(protocol),
        *_volume(protocol),
        *_repeated_edges(protocol),
        *schedule_findings(protocol),
        *usual_findings(protocol),
        *spring_findings(protocol),
    ]
    return tuple(found) or (passed("protocol", "time step, repeats and schedule fit"),)


def _time_step(protocol: Protocol) -> list[Finding]:
    step, mass = 1000 * protocol.sampling.time_step, protocol.forcefield.hydrogen_mass
    found = []
    if mass > _HEAVY:
        found.append(
            failed(
                "time-step",
                f"hydrogens of {mass:g} amu leave a methyl's carbon {12.011 - 3 * (mass - 1.008):.1f} amu",
                advice="set forcefield.hydrogen_mass to 3 or 4 amu",
            )
        )
    longest = next((limit for heaviest, limit in _STEPS if mass <= heaviest), _STEPS[-1][1])
    if step > longest + 1e-9:
        make = failed if step > 1.25 * longest else warned
        found.append(
            make(
                "time-step",
                f"a time step of {step:g} fs with hydrogens of {mass:g} amu: {longest:g} fs at most",
                advice="shorten sampling.time_step, or set forcefield.hydrogen_mass to 4 amu for 4 fs",
            )
        )
    switching = 1000 * protocol.committee.switching.time_step
    if protocol.committee.correction != "none" and switching > _ML_STEP:
        found.append(
            warned(
                "time-step",
                f"switches to the potential with a time step of {switching:g} fs: {_ML_STEP:g} fs at most",
                advice="shorten committee.switching.time_step",
            )
        )
    return found


def _repeats(protocol: Protocol) -> list[Finding]:
    if protocol.repeats.number > 1:
        return []
    return [
        warned(
            "one-repeat",
            "one repeat: nothing shows the error that a second calculation would",
            advice="set repeats.number to 2 at least, 3 for an interval that is worth its name",
        )
    ]


def _frames(protocol: Protocol) -> list[Finding]:
    """Whether any frame is stored that a committee, switches or the report's pictures need."""
    if protocol.road != "alchemy" or protocol.analytic is not None:
        return []
    cycles = round(protocol.sampling.length / protocol.sampling.cycle_time)
    keys = {"sampling.frames_every": protocol.sampling.frames_every}
    if protocol.committee.correction == "switching" and protocol.solvent.explicit:
        keys["committee.switching.frames_every"] = protocol.committee.switching.frames_every
    make = warned if protocol.committee.model == "none" else failed
    return [
        make(
            "stored-frames",
            f"{key} is {every} cycles of a run of {cycles}: no frame of an end state is stored",
            advice="lower it: committee, switches, and whether a ligand left the domain, are seen from these frames",
        )
        for key, every in keys.items()
        if every > cycles
    ]


def _water_model(protocol: Protocol) -> list[Finding]:
    """A protein force field beside a water that it was not made for.

    Source:
        Tian et al., J. Chem. Theory Comput. 16, 528 (2020), doi:10.1021/acs.jctc.9b00591: ff19SB with OPC.
    """
    host = not protocol.receptor.file or Path(protocol.receptor.file).suffix.lower() in (".sdf", ".mol", ".mol2")
    if host or protocol.forcefield.protein != "ff19SB" or protocol.solvent.model != "tip3p":
        return []
    return [
        warned(
            "water-model",
            "forcefield.protein: ff19SB with solvent.model: tip3p, and its authors advise against this water",
            advice="use solvent.model: opc with ff19SB, or ff14SB with tip3p",
        )
    ]


def _volume(protocol: Protocol) -> list[Finding]:
    if not protocol.solvent.explicit or protocol.sampling.pressure is not None:
        return []
    return [
        warned(
            "box-pressure",
            "sampling.pressure is null: a box that was filled by geometry keeps its density, which may be 5 % too low",
            advice="set it to 1.01325 bar",
        )
    ]


def _repeated_edges(protocol: Protocol) -> list[Finding]:
    """Pairs of ligands that a given network holds more than once, in either direction."""
    if protocol.edges.network != "given":
        return []
    times = Counter(frozenset(pair) for pair in protocol.edges.pairs)
    again = ["~".join(sorted(pair)) for pair, number in times.items() if number > 1]
    if not again:
        return []
    return [
        warned(
            "repeated-edge",
            f"edges.pairs has {len(again)} of its edges twice or in both directions: {', '.join(again[:5])}",
            advice="keep one of each: an edge backwards is the same calculation again, and no check of a cycle",
        )
    ]


def box_width(protocol: Protocol, positions: Floats) -> float:
    """Width of the box that water is put into about some atoms [nm], as OpenMM's Modeller chooses it.

    Twice the radius of a sphere about the middle of the atoms, more the padding, and at least twice the padding. That
    of an edge has a hole between the images of that sphere in which a ligand is clear of it.

    Args:
        protocol: Its solvent's padding, and the clearance of edges.
        positions: All atoms of the solute [nm], (N, 3).
    """
    x = np.asarray(positions, dtype=float)
    middle = 0.5 * (x.min(axis=0) + x.max(axis=0))
    radius = float(np.linalg.norm(x - middle, axis=1).max())
    width = max(2 * radius + protocol.solvent.padding, 2 * protocol.solvent.padding)
    if protocol.relative:
        hole = radius + protocol.edges.clearance + _LIGAND_RADIUS_NM
        width = max(width, hole / _HOLE[protocol.solvent.box_shape])
    return width


def box_findings(protocol: Protocol, ligand: Ligand, *, receptor: Floats | None) -> tuple[Finding, ...]:
    """Whether the cutoff fits into the box of each leg, and whether the box of a leg would change its charge.

    Args:
        protocol: With a periodic solvent; another has no box.
        ligand: One ligand.
        receptor: All atoms of the receptor [nm], (N, 3); None without a receptor.
    """
    if not protocol.solvent.explicit:
        return ()
    if protocol.relative and receptor is not None:  # both ligands are there in every state: no charge comes or goes
        return tuple(_too_small(protocol, ligand.name, {"relative": np.concatenate([receptor, ligand.positions])}))
    solutes = {"solvent": ligand.positions}
    if receptor is not None:
        solutes = {"complex": np.concatenate([receptor, ligand.positions]), **solutes}
    return (*_too_small(protocol, ligand.name, solutes), *_charged_box(protocol, ligand))


def _too_small(protocol: Protocol, name: str, solutes: dict[str, Floats]) -> Sequence[Finding]:
    needed = 2 * SHRINKS_BY * protocol.solvent.cutoff
    found = []
    for leg, x in solutes.items():
        if protocol.membrane is not None and leg == "complex":
            continue  # no patch of lipids is as narrow as two cutoffs
        height = BOX_HEIGHT[protocol.solvent.box_shape] * box_width(protocol, x)
        if height < needed:
            missing = math.ceil(10 * (needed - height) / BOX_HEIGHT[protocol.solvent.box_shape])
            found.append(
                failed(
                    "box-cutoff",
                    f"the box of the {leg} leg is {10 * height:.1f} A wide, and a cutoff of "
                    f"{10 * protocol.solvent.cutoff:g} A needs {10 * needed:.1f} A",
                    advice=f"raise solvent.padding by {missing} A, or lower solvent.cutoff",
                    ligand=name,
                )
            )
    return found


def _charged_box(protocol: Protocol, ligand: Ligand) -> Sequence[Finding]:
    if ligand.formal_charge == 0 or protocol.alchemy.method != "decouple":
        return ()
    if protocol.hydration:
        return (
            failed(
                "box-charge",
                f"a ligand of charge {ligand.formal_charge:+d} that is taken out of a periodic box leaves it charged",
                advice="use solvent.model: obc2, or the neutral form",
                ligand=ligand.name,
            ),
        )
    salt: tuple[Finding, ...] = ()
    if protocol.solvent.ionic_strength == 0:
        salt = (
            warned(
                "box-charge",
                f"has the charge {ligand.formal_charge:+d}, and solvent.ionic_strength is 0 M: the ion that is "
                "discharged with it may be missing, and is in another salt in each leg",
                advice="set solvent.ionic_strength, 0.15 M for example, or use solvent.model: obc2",
                ligand=ligand.name,
            ),
        )
    return (
        *salt,
        warned(
            "box-charge",
            f"has the charge {ligand.formal_charge:+d}; an ion of opposite charge is discharged with it in both legs",
            advice="expect a larger error, and look at the distance of that ion from the site",
            ligand=ligand.name,
        ),
    )
