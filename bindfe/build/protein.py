"""A protein completed for a force field: atoms that the crystal did not show, hydrogens, protonation states."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import openmm as mm
from openmm import app, unit

from bindfe.build.forcefield import chosen_templates, protein_file, water_file
from bindfe.build.residues import STANDARD, has_atoms_of, load_templates, own_templates, template_names
from bindfe.chem.findings import Finding, passed, warned
from bindfe.chem.protein import (
    AMINO_ACIDS,
    IONS,
    WATER,
    ProteinParts,
    Residue,
    disulfides,
    in_amber_names,
    metal_neighbours,
    sort_structure,
    without_hydrogens,
)
from bindfe.chem.proteinfile import Site, letters_for, write_pdb
from bindfe.chem.proteinstates import predict_pka, states_at, states_by_hand, unlike_names
from bindfe.errors import InputError, MissingDependency

if TYPE_CHECKING:
    from bindfe.chem.receptor import Receptor
    from bindfe.protocol import Protocol, ReceptorSettings

_SEED = 2026
"""Modeller draws the first directions of hydrogens from Python's global generator: the same ones each time."""

_AS_OPENMM = {"CYM": "CYX"}
"""States under another name: Modeller leaves the thiol's hydrogen out for CYX, and CYM's template has no S-S bond."""

_HISTIDINE = {"ND1": "HD1", "NE2": "HE2"}
_METAL_DONORS = {"CYS": {"SG": "HG"}, **dict.fromkeys(("HIS", "HID", "HIE", "HIP"), _HISTIDINE)}
"""Atoms that hold a metal ion only without the proton that they may carry."""

_SHOWN_SHARE = 0.1
"""Hydrogens among a file's atoms that show states of protonation: polar ones alone are 0.17, all of them 0.5."""

_HELD_NM = 0.28
"""Distance of a metal ion within which an atom holds it [nm]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedReceptor:
    """A receptor that has parameters for each of its atoms, and what was done to it."""

    receptor: Receptor
    """The receptor; a protein's text is complete mmCIF."""
    findings: tuple[Finding, ...]
    """Every change and every choice; empty for a host."""


def prepare_receptor(receptor: Receptor, protocol: Protocol) -> PreparedReceptor:
    """Complete a protein: alternate locations, gaps, missing atoms, protonation states, hydrogens.

    Crystallographic coordinates of atoms that are there do not move. A host is returned as it is.

    Args:
        receptor: As read.
        protocol: Its sections ``receptor`` and ``forcefield``.

    Raises:
        InputError: A residue has no parameters (it is named, with the atoms that differ), or a chain is broken and
            may not be capped.
        MissingDependency: PDBFixer or propka is not installed.
    """
    if receptor.kind == "host" or receptor.prepared:
        return PreparedReceptor(receptor=receptor, findings=())
    settings = protocol.receptor
    own = template_names(receptor.templates)
    force_field = app.ForceField(protein_file(protocol), water_file(protocol))
    load_templates(force_field, receptor.templates)
    parts, findings = _sort(receptor, settings, own)
    given = settings.protonation == "given" or (settings.protonation == "auto" and parts.has_hydrogens)
    chains = in_amber_names(parts.chains) if given else without_hydrogens(parts.chains)
    chains = without_hydrogens(chains, _sites_by_hand(settings, chains))
    sequences = parts_sequences(receptor) if settings.gaps == "build" else {}
    topology, positions, added = _complete((*chains, *_apart(parts)), sequences, receptor.source, own)
    states, choices = _states(topology, positions, settings, shown=_shown(parts) if given else None)
    topology, positions, variants = _with_hydrogens(topology, positions, states)
    _check_templates(force_field, topology, protocol, receptor.source)
    told = (*findings, *added, *choices, *_thiolates(topology), *_said(topology, positions, variants, parts))
    text = io.StringIO()
    app.PDBxFile.writeFile(topology, positions * unit.nanometer, text, keepIds=True)
    return PreparedReceptor(
        receptor=replace(receptor, pdb=text.getvalue(), prepared=True, read_as=receptor.pdb), findings=told
    )


def parts_sequences(receptor: Receptor) -> Mapping[str, tuple[str, ...]]:
    """The sequence of each chain as crystallised, which loops are built by.

    Raises:
        InputError: The file does not have it.
    """
    sequences = receptor.structure.sequences
    if not sequences:
        raise InputError(
            f"{receptor.source}: receptor.gaps: build needs the sequence (SEQRES, or _pdbx_poly_seq_scheme), which the "
            "file does not have; take the deposited file, or receptor.gaps: cap"
        )
    return sequences


def _sort(receptor: Receptor, settings: ReceptorSettings, own: Set[str]) -> tuple[ProteinParts, tuple[Finding, ...]]:
    beside = [c.positions[[e != "H" for e in c.elements]] for c in receptor.cofactors]
    replaceable = frozenset(_substitutions()) - AMINO_ACIDS if settings.modified == "replace" else frozenset[str]()
    parts = sort_structure(
        receptor.structure,
        drop=settings.drop,
        keep_water=settings.waters == "keep",
        gaps=settings.gaps,
        beside=np.concatenate(beside) if beside else np.empty((0, 3)),
        replaceable=replaceable | own,
    )
    return parts, parts.findings


def _sites_by_hand(settings: ReceptorSettings, chains: Sequence[Sequence[Residue]]) -> frozenset[Site]:
    names = {r[0].site: r[0].residue for chain in without_hydrogens(chains) for r in chain}
    return frozenset(states_by_hand(settings.states, names))


def _apart(parts: ProteinParts) -> tuple[tuple[Residue, ...], ...]:
    """Ions and water, each chain of them by itself."""
    groups: dict[tuple[str, bool], list[Residue]] = {}
    for residue in (*parts.ions, *parts.water):
        groups.setdefault((residue[0].chain, residue[0].residue in WATER), []).append(residue)
    return tuple(tuple(group) for group in groups.values())


def _complete(
    chains: Sequence[Sequence[Residue]], sequences: Mapping[str, tuple[str, ...]], source: str, own: Set[str]
) -> tuple[app.Topology, np.ndarray, tuple[Finding, ...]]:
    """Add heavy atoms (and loops, where sequences are given) that are not in the file, by PDBFixer."""
    letters = letters_for([residue[0].chain for chain in chains for residue in chain])
    atoms = [[replace(a, chain=letters[a.chain]) for residue in chain for a in residue] for chain in chains]
    text = write_pdb(atoms, {letters[name]: names for name, names in sequences.items() if name in letters})
    fixer = _fixer(text)
    findings = []
    fixer.findMissingResidues()
    lengths = {chain.index: len(list(chain.residues())) for chain in fixer.topology.chains()}
    fixer.missingResidues = {
        place: names for place, names in fixer.missingResidues.items() if 0 < place[1] < lengths[place[0]]
    }
    for (index, _), names in fixer.missingResidues.items():
        chain = list(fixer.topology.chains())[index]
        findings.append(
            warned(
                "protein-loop",
                f"{len(names)} missing residues of chain {chain.id} were built: {' '.join(names)}",
                advice="a built loop is a guess: relax it for long before it is trusted, or cap the gap",
            )
        )
    findings.extend(_replace_modified(fixer, own))
    fixer.findMissingAtoms()
    for residue, missing in fixer.missingAtoms.items():
        names = " ".join(atom.name for atom in missing)
        findings.append(warned("protein-missing-atoms", f"{_label(residue)}: added {names}", advice=""))
    for residue, names in fixer.missingTerminals.items():  # the end of a chain as it was seen is no damage
        findings.append(passed("protein-missing-atoms", f"{_label(residue)}: added {' '.join(names)}"))
    try:
        fixer.addMissingAtoms(seed=_SEED)
    except (ValueError, KeyError, mm.OpenMMException) as error:
        raise InputError(f"{source}: atoms that are missing could not be added: {error}") from error
    positions = np.array(fixer.positions.value_in_unit(unit.nanometer))
    return fixer.topology, positions, tuple(findings)


def _fixer(text: str) -> Any:
    try:
        from pdbfixer import PDBFixer
    except ImportError as error:
        raise MissingDependency(f"a protein needs PDBFixer ({error}): pip install 'bindfe[protein]'") from error
    return PDBFixer(pdbfile=io.StringIO(text))


def _substitutions() -> Mapping[str, str]:
    """Modified residues and the amino acid that each comes from."""
    try:
        from pdbfixer.pdbfixer import substitutions
    except ImportError as error:
        raise MissingDependency(f"a protein needs PDBFixer ({error}): pip install 'bindfe[protein]'") from error
    found: Mapping[str, str] = substitutions
    return found


def _replace_modified(fixer: Any, own: Set[str]) -> Iterator[Finding]:
    fixer.findNonstandardResidues()
    kept = AMINO_ACIDS | own
    fixer.nonstandardResidues = [pair for pair in fixer.nonstandardResidues if pair[0].name not in kept]
    for residue, standard in fixer.nonstandardResidues:
        yield warned(
            "protein-modified",
            f"{_label(residue)} was replaced by {standard}",
            advice="if it is at the site, the modification may matter",
        )
    fixer.replaceNonstandardResidues()


def _label(residue: Any) -> str:
    return f"{residue.chain.id}:{residue.name}{residue.id}{residue.insertionCode.strip()}"


def _site(residue: Any) -> Site:
    return (residue.chain.id.strip(), int(residue.id), residue.insertionCode.strip())


def _shown(parts: ProteinParts) -> Finding:
    """Whether a file whose protonation is taken has hydrogens that show it."""
    atoms = [atom for chain in parts.chains for residue in chain for atom in residue]
    hydrogens = sum(atom.element == "H" for atom in atoms)
    if hydrogens >= _SHOWN_SHARE * len(atoms):
        return passed("protein-protonation", "hydrogens and protonation states are those of the file")
    return warned(
        "protein-protonation",
        f"receptor.protonation is given, and the file has {hydrogens} hydrogens for {len(atoms) - hydrogens} heavy "
        "atoms",
        advice="residues get their usual states, whatever their pKa: take propka, or give a file with hydrogens",
    )


def _states(
    topology: app.Topology, positions: np.ndarray, settings: ReceptorSettings, *, shown: Finding | None
) -> tuple[dict[Site, str], tuple[Finding, ...]]:
    """Protonation states that are not those of pH 7 in water: propka's unless the file shows them, then by hand."""
    states, findings = dict[Site, str](), tuple[Finding, ...]()
    if shown is not None:
        findings = (shown,)
    else:
        text = io.StringIO()
        app.PDBFile.writeFile(topology, positions * unit.nanometer, text, keepIds=True)
        bonded = {_site(r) for r in topology.residues() if r.name == "CYS" and _has_disulfide(r)}
        pkas = [each for each in predict_pka(text.getvalue()) if each.site not in bonded]
        states, findings = states_at(pkas, ph=settings.ph)
    names = {_site(residue): residue.name for residue in topology.residues() if residue.name in AMINO_ACIDS}
    by_hand = states_by_hand(settings.states, names)
    _check_sulfurs(topology, by_hand)
    return states | by_hand, findings


def _check_sulfurs(topology: app.Topology, states: Mapping[Site, str]) -> None:
    """Refuse a cysteine's state by hand that its sulfur's bonds contradict."""
    for residue in topology.residues():
        state = states.get(_site(residue), "") if residue.name in AMINO_ACIDS else ""
        if state in ("CYS", "CYM", "CYX") and (state == "CYX") is not _has_disulfide(residue):
            what = "is bonded to another" if state != "CYX" else "has no disulfide bond; a thiolate is CYM"
            raise InputError(f"receptor.states: {_label(residue)}={state}: its sulfur {what}")


def _has_disulfide(residue: Any) -> bool:
    return any(bond.atom1.name == bond.atom2.name == "SG" for bond in residue.external_bonds())


def _with_hydrogens(
    topology: app.Topology, positions: np.ndarray, states: Mapping[Site, str]
) -> tuple[app.Topology, np.ndarray, list[str | None]]:
    """Add what hydrogens are missing; those that are there stay. Also the state of each residue."""
    modeller = app.Modeller(topology, positions * unit.nanometer)
    wanted = [states.get(_site(r), "") if r.name in AMINO_ACIDS else "" for r in modeller.topology.residues()]
    variants = [_AS_OPENMM.get(state, state) or None for state in wanted]
    with _seeded(_SEED):
        chosen = modeller.addHydrogens(pH=7.0, variants=variants, platform=mm.Platform.getPlatformByName("CPU"))
    return modeller.topology, np.array(modeller.positions.value_in_unit(unit.nanometer)), list(chosen)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


def _check_templates(force_field: app.ForceField, topology: app.Topology, protocol: Protocol, source: str) -> None:
    """Refuse residues without parameters, with the atoms that are too many or too few."""
    modeller = app.Modeller(topology, [mm.Vec3(0, 0, 0)] * topology.getNumAtoms() * unit.nanometer)
    modeller.delete([r for r in modeller.topology.residues() if r.name in WATER])
    named = own_templates(force_field, modeller.topology)
    odd = [r for r, name in named.items() if not has_atoms_of(force_field, r, name)]
    named = {r: name for r, name in chosen_templates(force_field, modeller.topology).items() if r not in odd}
    others = [r for r in force_field.getUnmatchedResidues(modeller.topology, residueTemplates=named) if r not in odd]
    unmatched = [r for r in (*odd, *others) if r.name not in IONS]
    if unmatched:
        words = "; ".join(_difference(force_field, residue) for residue in unmatched[:5])
        raise InputError(
            f"{source}: {protocol.forcefield.protein} has no parameters for {len(unmatched)} residues: {words}. "
            "Correct the file, or let hydrogens be made anew with receptor.protonation: propka"
        )


def _difference(force_field: Any, residue: Any) -> str:
    """The template that comes nearest to a residue, and the atoms that differ."""
    own = {atom.name for atom in residue.atoms()}
    names = {name: {atom.name for atom in t.atoms} for name, t in force_field._templates.items()}
    nearest = (
        residue.name
        if residue.name in names.keys() - STANDARD
        else min(names, key=lambda name: (len(own ^ names[name]), name))
    )
    extra, missing = sorted(own - names[nearest]), sorted(names[nearest] - own)
    words = [f"atoms {' '.join(extra)} are too many"] if extra else []
    words += [f"atoms {' '.join(missing)} are missing"] if missing else []
    return f"{_label(residue)} (nearest is {nearest}: {', '.join(words) or 'its bonds differ'})"


def _said(
    topology: app.Topology, positions: np.ndarray, variants: list[str | None], parts: ProteinParts
) -> Iterator[Finding]:
    """Histidines, disulfides, ends of chains, ions and water, as they are now."""
    histidines = [
        f"{_label(residue)} {variant or _histidine(residue)}"
        for residue, variant in zip(topology.residues(), variants, strict=True)
        if residue.name in ("HIS", "HID", "HIE", "HIP")
    ]
    if histidines:
        yield passed("protein-histidines", ", ".join(histidines))
    named = {r[0].site: (r[0].residue, r[0].label) for chain in parts.chains for r in chain}
    yield from unlike_names(named, {_site(r): v or r.name for r, v in zip(topology.residues(), variants, strict=True)})
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
                        f"{_label(residue)} {donor} has its proton beside {ion}",
                        advice=f"it cannot hold the ion so: receptor.states: ['{_label(residue)}=...'], CYM for a "
                        "cysteine, the other of HID and HIE for a histidine",
                    )


def _thiolates(topology: app.Topology) -> Iterator[Finding]:
    """Cysteines without a proton or a bond on their sulfur, whether asked for or come so in the file."""
    labels = [
        _label(residue)
        for residue in topology.residues()
        if residue.name in ("CYS", "CYX", "CYM")
        and not _has_disulfide(residue)
        and "HG" not in {atom.name for atom in residue.atoms()}
    ]
    if labels:
        yield warned(
            "protein-thiolates",
            f"{', '.join(labels)} CYM: a thiolate, no proton on its sulfur (charge -1)",
            advice="fixed charges do not polarise: see that its ion pair holds, and compare with the neutral state",
        )


def _histidine(residue: Any) -> str:
    names = {atom.name for atom in residue.atoms()}
    return {(True, True): "HIP", (True, False): "HID", (False, True): "HIE"}.get(
        ("HD1" in names, "HE2" in names), "HIS"
    )


def _end(residue: Any, sign: str) -> str:
    what = "capped" if residue.name in ("ACE", "NME", "NMA", "NH2") else f"charged {sign}"
    return f"{_label(residue)} ({what})"
