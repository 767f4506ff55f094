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
from bindfe.build.proteinsaid import added_protons, has_disulfide, heavy_pkas, label_of, said_of, site_of
from bindfe.build.residues import STANDARD, has_atoms_of, load_templates, own_templates, template_names
from bindfe.chem.findings import Finding, passed, warned
from bindfe.chem.protein import AMINO_ACIDS, IONS, WATER, ProteinParts, sort_structure
from bindfe.chem.proteinfile import Residue, Site, letters_for, write_pdb
from bindfe.chem.proteinnames import in_amber_names, states_by_name, without_hydrogens
from bindfe.chem.proteinstates import ResiduePka, states_at, states_by_hand
from bindfe.errors import InputError, MissingDependency

if TYPE_CHECKING:
    from bindfe.chem.receptor import Receptor
    from bindfe.protocol import Protocol, ReceptorSettings

_SEED = 2026
"""Modeller draws the first directions of hydrogens from Python's global generator: the same ones each time."""

_AS_OPENMM = {"CYM": "CYX"}
"""States under another name: Modeller leaves the thiol's hydrogen out for CYX, and CYM's template has no S-S bond."""

_SHOWN_SHARE = 0.1
"""Hydrogens among a file's atoms that show states of protonation: polar ones alone are 0.17, all of them 0.5."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedReceptor:
    """A receptor that has parameters for each of its atoms, and what was done to it."""

    receptor: Receptor
    """The receptor; a protein's text is complete mmCIF."""
    findings: tuple[Finding, ...]
    """Every change and every choice; empty for a host."""
    given: bool = False
    """Whether a protein's hydrogens, and with them its states of protonation, are those of the file."""
    by_hand: frozenset[Site] = frozenset()
    """Residues whose state the protocol gives, by the letters of their chains."""


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
    letters = letters_for([residue[0].chain for chain in (*parts.chains, *_apart(parts)) for residue in chain])
    parts = _in_letters(parts, letters)
    by_hand = _by_hand(settings, parts.chains, letters)
    given = settings.protonation == "given" or (settings.protonation == "auto" and parts.has_hydrogens)
    chains = in_amber_names(parts.chains) if given else without_hydrogens(parts.chains)
    chains = without_hydrogens(chains, by_hand)
    known = parts_sequences(receptor) if settings.gaps == "build" else {}
    sequences = {letters[name]: names for name, names in known.items() if name in letters}
    topology, positions, added = _complete((*chains, *_apart(parts)), sequences, receptor.source, own)
    choice = _choose_states(topology, positions, by_hand, ph=settings.ph, shown=parts if given else None)
    topology, positions = _with_hydrogens(topology, positions, choice.states)
    _check_templates(force_field, topology, protocol, receptor.source)
    said = said_of(topology, positions, parts, pkas=choice.pkas, by_hand=by_hand.keys())
    told = (*findings, *added, *choice.findings, *said)
    if given:
        told += added_protons(topology, parts, by_hand=by_hand.keys())
    text = io.StringIO()
    app.PDBxFile.writeFile(topology, positions * unit.nanometer, text, keepIds=True)
    return PreparedReceptor(
        receptor=replace(receptor, pdb=text.getvalue(), prepared=True, read_as=receptor.pdb),
        findings=told,
        given=given,
        by_hand=frozenset(by_hand),
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


def _in_letters(parts: ProteinParts, letters: Mapping[str, str]) -> ProteinParts:
    """The parts with a letter for each chain's name, as the completed protein has them."""

    def named(residue: Residue) -> Residue:
        return tuple(replace(atom, chain=letters[atom.chain]) for atom in residue)

    return replace(
        parts,
        chains=tuple(tuple(map(named, chain)) for chain in parts.chains),
        ions=tuple(map(named, parts.ions)),
        water=tuple(map(named, parts.water)),
    )


def _by_hand(
    settings: ReceptorSettings, chains: Sequence[Sequence[Residue]], letters: Mapping[str, str]
) -> dict[Site, str]:
    names = {r[0].site: r[0].residue for chain in without_hydrogens(chains) for r in chain}
    return states_by_hand(settings.states, names, letters=letters)


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
    fixer = _fixer(write_pdb([[atom for residue in chain for atom in residue] for chain in chains], sequences))
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
        findings.append(warned("protein-missing-atoms", f"{label_of(residue)}: added {names}", advice=""))
    for residue, names in fixer.missingTerminals.items():  # the end of a chain as it was seen is no damage
        findings.append(passed("protein-missing-atoms", f"{label_of(residue)}: added {' '.join(names)}"))
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
            f"{label_of(residue)} was replaced by {standard}",
            advice="if it is at the site, the modification may matter",
        )
    fixer.replaceNonstandardResidues()


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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Choice:
    """States of protonation that were chosen."""

    states: Mapping[Site, str]
    """Those that are not the ones of pH 7 in water, and those by hand."""
    pkas: Mapping[Site, float]
    """PKa of the residues whose state it decided."""
    findings: tuple[Finding, ...]
    """What a user should know."""


def _choose_states(
    topology: app.Topology,
    positions: np.ndarray,
    by_hand: Mapping[Site, str],
    *,
    ph: float,
    shown: ProteinParts | None,
) -> _Choice:
    """Propka's states, unless the file shows them, then those by hand."""
    findings: tuple[Finding, ...]
    pkas: tuple[ResiduePka, ...] = ()
    if shown is not None:
        bonded = {site_of(r) for r in topology.residues() if r.name == "CYS" and has_disulfide(r)}
        named = states_by_name(shown.chains)
        states, findings = {site: state for site, state in named.items() if site not in bonded}, (_shown(shown),)
    else:
        pkas = heavy_pkas(topology, positions * unit.nanometer)
        states, findings = states_at(pkas, ph=ph)
    _check_sulfurs(topology, by_hand)
    decided = {each.site: each.pka for each in pkas if each.site not in by_hand}
    return _Choice(states={**states, **by_hand}, pkas=decided, findings=findings)


def _check_sulfurs(topology: app.Topology, states: Mapping[Site, str]) -> None:
    """Refuse a cysteine's state by hand that its sulfur's bonds contradict."""
    for residue in topology.residues():
        state = states.get(site_of(residue), "") if residue.name in AMINO_ACIDS else ""
        if state in ("CYS", "CYM", "CYX") and (state == "CYX") is not has_disulfide(residue):
            what = "is bonded to another" if state != "CYX" else "has no disulfide bond; a thiolate is CYM"
            raise InputError(f"receptor.states: {label_of(residue)}={state}: its sulfur {what}")


def _with_hydrogens(
    topology: app.Topology, positions: np.ndarray, states: Mapping[Site, str]
) -> tuple[app.Topology, np.ndarray]:
    """Add what hydrogens are missing; those that are there stay."""
    modeller = app.Modeller(topology, positions * unit.nanometer)
    wanted = [states.get(site_of(r), "") if r.name in AMINO_ACIDS else "" for r in modeller.topology.residues()]
    variants = [_AS_OPENMM.get(state, state) or None for state in wanted]
    with _seeded(_SEED):
        modeller.addHydrogens(pH=7.0, variants=variants, platform=mm.Platform.getPlatformByName("CPU"))
    return modeller.topology, np.array(modeller.positions.value_in_unit(unit.nanometer))


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
    return f"{label_of(residue)} (nearest is {nearest}: {', '.join(words) or 'its bonds differ'})"
