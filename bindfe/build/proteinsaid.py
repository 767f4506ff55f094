"""What was made of a protein, in words: states, bonds, ends, ions and water as they are after it was completed."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from openmm import app

from bindfe.chem.findings import Finding, passed, warned
from bindfe.chem.protein import AMINO_ACIDS, ProteinParts, disulfides, metal_neighbours
from bindfe.chem.proteinfile import Residue, Site
from bindfe.chem.proteinstates import ResiduePka, predict_pka, unlike_names

_HISTIDINE = {"ND1": "HD1", "NE2": "HE2"}
_METAL_DONORS = {"CYS": {"SG": "HG"}, **dict.fromkeys(("HIS", "HID", "HIE", "HIP"), _HISTIDINE)}
"""Atoms that hold a metal ion only without the proton that they may carry."""

_PROTON = {
    **{"ASP": ("ASP", "HD2", "ASH"), "GLU": ("GLU", "HE2", "GLH"), "LYS": ("LYS", "HZ3", "LYN")},
    **{"ASH": ("ASP", "HD2", "ASH"), "GLH": ("GLU", "HE2", "GLH"), "LYN": ("LYS", "HZ3", "LYN")},
}
"""Charged state, the hydrogen by which the states differ, and the neutral state."""

_DONORS = {
    **dict.fromkeys(("HIS", "HID", "HIE", "HIP"), frozenset(("ND1", "NE2"))),
    **dict.fromkeys(("CYS", "CYX", "CYM"), frozenset(("SG",))),
    **dict.fromkeys(("LYS", "LYN"), frozenset(("NZ",))),
    **{"TYR": frozenset(("OH",)), "ARG": frozenset(("NE", "NH1", "NH2"))},
}
"""Atoms whose number of protons is a state, by residue."""

_BOND_NM = 0.15
"""Longest bond to hydrogen, of sulfur, with room [nm]."""

_HELD_NM = 0.28
"""Distance of a metal ion within which an atom holds it [nm]."""


def said_of(
    topology: app.Topology,
    positions: np.ndarray,
    parts: ProteinParts,
    *,
    pkas: Mapping[Site, float],
    by_hand: Collection[Site],
) -> Iterator[Finding]:
    """Thiolates, histidines, names that say another state, disulfides, ends of chains, ions and water, as they are now.

    Args:
        topology: The completed protein.
        positions: Coordinates [nm], (N, 3).
        parts: What the file has.
        pkas: PKa of residues whose state it decided.
        by_hand: Residues whose state the protocol gives, whatever their name says.
    """
    yield from _thiolates(topology)
    histidines = [f"{label_of(r)} {state_of(r)}" for r in topology.residues() if r.name in ("HIS", "HID", "HIE", "HIP")]
    if histidines:
        yield passed("protein-histidines", ", ".join(histidines))
    named = {r[0].site: (r[0].residue, r[0].label) for chain in parts.chains for r in chain if r[0].site not in by_hand}
    yield from unlike_names(named, {site_of(r): state_of(r) for r in topology.residues()}, pkas)
    bridges = disulfides(parts.chains)
    if bridges:
        yield passed("protein-disulfides", ", ".join(f"{a} to {b}" for a, b in bridges))
    for chain in topology.chains():
        residues = list(chain.residues())
        if residues[0].name in AMINO_ACIDS | {"ACE"}:
            yield passed("protein-termini", f"{_end(residues[0], '+')} to {_end(residues[-1], '-')}")
    if parts.ions:
        yield passed("protein-ions", ", ".join(ion[0].label for ion in parts.ions))
    for ion, near in metal_neighbours(parts).items():
        yield warned(
            "protein-metal",
            f"{ion} is held by {', '.join(near)} through charges and Lennard-Jones terms alone",
            advice="check the protonation of these residues, and whether the ion stays in place",
        )
    yield from _protons_at_metals(topology, positions, parts)
    if parts.water:
        yield passed("protein-water", f"{len(parts.water)} waters of the file are kept")


def _protons_at_metals(topology: app.Topology, positions: np.ndarray, parts: ProteinParts) -> Iterator[Finding]:
    """Cysteines and histidines that have their proton on the atom that a metal ion is held by."""
    held = metal_neighbours(parts)
    metals = {ion[0].label: np.array(ion[0].position) for ion in parts.ions if ion[0].label in held}
    for residue in topology.residues():
        atoms = {atom.name: atom.index for atom in residue.atoms()}
        for donor, proton in _METAL_DONORS.get(residue.name, {}).items():
            if not {donor, proton} <= set(atoms):
                continue
            for ion, place in metals.items():
                if np.linalg.norm(positions[atoms[donor]] - place) < _HELD_NM:
                    yield warned(
                        "protein-metal",
                        f"{label_of(residue)} {donor} has its proton beside {ion}",
                        advice=f"it cannot hold the ion so: receptor.states: ['{label_of(residue)}=...'], CYM for a "
                        "cysteine, the other of HID and HIE for a histidine",
                    )


def added_protons(topology: app.Topology, parts: ProteinParts, *, by_hand: Collection[Site]) -> tuple[Finding, ...]:
    """Protons that make a state and that a file with hydrogens lacks: on N of Lys, Arg and His, S of Cys, O of Tyr.

    Args:
        topology: The completed protein.
        parts: What the file has, hydrogens included.
        by_hand: Residues whose state the protocol gives.
    """
    given = {r[0].site: r for chain in parts.chains for r in chain if any(atom.element == "H" for atom in r)}
    added = []
    for residue in topology.residues():
        donors = _DONORS.get(residue.name, frozenset[str]())
        there = given.get(site_of(residue), ())
        if not donors or not there or site_of(residue) in by_hand:
            continue
        if _protons_now(residue, donors) > _protons_given(there, donors):
            added.append(f"{label_of(residue)} {' '.join(sorted(donors))}")
    if not added:
        return ()
    return (
        warned(
            "protein-protonation",
            f"protons that the file has not are added: {', '.join(added)}",
            advice="if a state without them is meant, name it in the file (CYM, LYN) or in receptor.states",
        ),
    )


def _protons_now(residue: Any, donors: Collection[str]) -> int:
    """Hydrogens that are bonded to some atoms of a residue."""
    ends = [(bond.atom1, bond.atom2) for bond in residue.internal_bonds()]
    return sum(b.element is app.element.hydrogen and a.name in donors for x, y in ends for a, b in ((x, y), (y, x)))


def _protons_given(residue: Residue, donors: Collection[str]) -> int:
    """The same of a residue of a file, whatever its hydrogens are called."""
    places = [np.array(atom.position) for atom in residue if atom.name in donors]
    hydrogens = [np.array(atom.position) for atom in residue if atom.element == "H"]
    return sum(any(np.linalg.norm(x - place) < _BOND_NM for place in places) for x in hydrogens)


def _thiolates(topology: app.Topology) -> Iterator[Finding]:
    """Cysteines without a proton or a bond on their sulfur, whether asked for or come so in the file."""
    labels = [label_of(residue) for residue in topology.residues() if state_of(residue) == "CYM"]
    if labels:
        yield warned(
            "protein-thiolates",
            f"{', '.join(labels)} CYM: a thiolate, no proton on its sulfur (charge -1)",
            advice="fixed charges do not polarise: see that its ion pair holds, and compare with the neutral state",
        )


def state_of(residue: Any) -> str:
    """A residue's state of protonation by the hydrogens that it has: ``ASH``; its name if it has but one state."""
    names = {atom.name for atom in residue.atoms()}
    if residue.name in ("HIS", "HID", "HIE", "HIP"):
        return {(True, True): "HIP", (True, False): "HID", (False, True): "HIE"}.get(
            ("HD1" in names, "HE2" in names), "HIS"
        )
    if residue.name in ("CYS", "CYX", "CYM"):
        return "CYX" if has_disulfide(residue) else "CYS" if "HG" in names else "CYM"
    acid, proton, neutral = _PROTON.get(residue.name, ("", "", ""))
    return residue.name if not acid else neutral if (proton in names) is (acid != "LYS") else acid


def _end(residue: Any, sign: str) -> str:
    what = "capped" if residue.name in ("ACE", "NME", "NMA", "NH2") else f"charged {sign}"
    return f"{label_of(residue)} ({what})"


def label_of(residue: Any) -> str:
    """How a residue is named to a user: ``A:HIS31``."""
    return f"{residue.chain.id}:{residue.name}{residue.id}{residue.insertionCode.strip()}"


def site_of(residue: Any) -> Site:
    """Chain, number and insertion code."""
    return (residue.chain.id.strip(), int(residue.id), residue.insertionCode.strip())


def has_disulfide(residue: Any) -> bool:
    """Whether the sulfur is bonded to another residue's."""
    return any(bond.atom1.name == bond.atom2.name == "SG" for bond in residue.external_bonds())


def pkas_of(completed: str) -> tuple[ResiduePka, ...]:
    """PKa, by propka, of a completed protein's residues, its hydrogens left out; disulfides are in none.

    Args:
        completed: mmCIF text of the protein.

    Raises:
        InputError: propka fails with this structure.
        MissingDependency: propka is not installed.
    """
    file = app.PDBxFile(io.StringIO(completed))
    modeller = app.Modeller(file.topology, file.positions)
    modeller.delete([atom for atom in modeller.topology.atoms() if atom.element is app.element.hydrogen])
    return heavy_pkas(modeller.topology, modeller.positions)


def heavy_pkas(topology: app.Topology, positions: Any) -> tuple[ResiduePka, ...]:
    """The same of a protein without hydrogens; positions with their unit."""
    text = io.StringIO()
    app.PDBFile.writeFile(topology, positions, text, keepIds=True)
    bonded = {site_of(r) for r in topology.residues() if r.name == "CYS" and has_disulfide(r)}
    return tuple(each for each in predict_pka(text.getvalue()) if each.site not in bonded)
