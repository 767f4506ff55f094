"""A protein's structure made ready for repair: which atoms are kept, where the chain is broken, what is not known.

Everything here is text and coordinates; atoms and hydrogens that are missing are added where OpenMM is at hand.
Whatever is changed is said, as a :class:`~bindfe.chem.findings.Finding`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from bindfe.chem.findings import Finding, passed, warned
from bindfe.chem.proteincaps import acetyl_cap, methylamide_cap
from bindfe.chem.proteinchains import TWO_CHAINS_ADVICE, two_chains, why_two_chains
from bindfe.chem.proteinfile import ProteinAtom, ProteinStructure, Residue, Site
from bindfe.chem.proteinnames import STANDARD_NAMES
from bindfe.errors import InputError

_NAMES = (
    "ALA ARG ASN ASP ASH CYS CYX CYM GLN GLU GLH GLY HIS HID HIE HIP ILE LEU LYS LYN MET PHE PRO SER THR TRP TYR VAL"
)
AMINO_ACIDS = frozenset(_NAMES.split(" "))
"""Residues that the protein force fields have, under their names of protonation states."""

CAPS = frozenset({"ACE", "NME", "NMA", "NH2"})
"""Ends of a chain that are no amino acids."""

WATER = frozenset({"HOH", "WAT", "H2O", "SOL", "TIP", "TIP3", "TP3", "DOD", "OPC"})
"""Names of water."""

_ODD_WATER = frozenset({"DOD", "OPC"})  # names that OpenMM does not take for water

_ION_NAMES = "LI NA K RB CS MG CA SR BA MN FE FE2 CO NI CU ZN CD HG CL BR IOD F"
IONS = frozenset(_ION_NAMES.split(" "))
"""Monatomic ions that come with the water models."""

_BROKEN_NM = 0.20  # a peptide bond has 0.133
_DISULFIDE_NM = 0.25  # a disulfide bond has 0.205
_GIVEN_SHARE = 0.5  # hydrogens for each heavy atom, above which the file is taken to have them; all are about 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ProteinParts:
    """A structure sorted into what the builder treats differently."""

    chains: tuple[tuple[Residue, ...], ...]
    """Peptide chains, each without a break, caps included."""
    ions: tuple[Residue, ...]
    """Monatomic ions, one atom a residue."""
    water: tuple[Residue, ...]
    """Water of the file."""
    findings: tuple[Finding, ...]
    """What was chosen, dropped, capped."""

    @property
    def has_hydrogens(self) -> bool:
        """Whether the file brings most of the chains' hydrogens."""
        atoms = [atom for chain in self.chains for residue in chain for atom in residue]
        hydrogens = sum(atom.element == "H" for atom in atoms)
        return hydrogens >= _GIVEN_SHARE * (len(atoms) - hydrogens)


def sort_structure(
    structure: ProteinStructure,
    *,
    drop: Sequence[str],
    keep_water: bool,
    gaps: str,
    beside: NDArray[np.float64],
    replaceable: Set[str] = frozenset(),
) -> ProteinParts:
    """Choose alternate locations, leave out what is to be left out, and split chains where they are broken.

    Args:
        structure: The file's atoms.
        drop: Residues to leave out, by name (``EDO``) or label (``A:HOH301``), and chains (``B:``).
        keep_water: Whether the file's water is kept.
        gaps: ``cap`` puts ACE and NME on both sides of a break, ``refuse`` raises, ``build`` leaves the chain whole.
        beside: Heavy atoms of cofactors [nm], (N, 3): residues on which they lie are replaced by them.
        replaceable: Modified residues that will be replaced by standard ones.

    Raises:
        InputError: A residue has no parameters and is not to be dropped, a name to drop is not there, or a chain is
            broken under ``gaps: refuse``.
    """
    findings: list[Finding] = []
    if structure.n_models > 1:
        findings.append(
            warned("protein-models", f"the file holds {structure.n_models} models; the first is taken", advice="")
        )
    atoms = choose_alternates(structure.atoms, findings)
    residues = _without(_residues(atoms), drop, structure.source, findings)
    residues = _without_cofactors(residues, beside, findings)
    _check_known([residue for residue in residues if residue[0].residue not in replaceable], structure.source)
    water = tuple(_plain_water(residue) for residue in residues if residue[0].residue in WATER)
    if water and not keep_water:
        findings.append(passed("protein-water", f"{len(water)} waters of the file are left out"))
    chains = _chains([r for r in residues if _is_peptide(r) or r[0].residue in replaceable])
    if not chains:
        raise InputError(f"{structure.source}: holds no amino acids; a host is given as SDF or MOL2")
    chains = _part(chains, findings)
    if gaps != "build":
        chains = _split(chains, structure, gaps, findings)
    return ProteinParts(
        chains=chains,
        ions=tuple(residue for residue in residues if residue[0].residue in IONS),
        water=water if keep_water else (),
        findings=tuple(findings),
    )


def choose_alternates(atoms: Sequence[ProteinAtom], findings: list[Finding]) -> tuple[ProteinAtom, ...]:
    """One location of each atom: in each residue the alternate with the highest occupancy, the first of equals."""
    weights: dict[Site, dict[str, float]] = {}
    for atom in atoms:
        if atom.alternate:
            here = weights.setdefault(atom.site, {})
            here[atom.alternate] = here.get(atom.alternate, 0.0) + atom.occupancy
    chosen = {site: max(here, key=lambda name: (here[name], -ord(name[0]))) for site, here in weights.items()}
    kept, seen = [], set()
    for atom in atoms:
        if atom.alternate and atom.alternate != chosen[atom.site]:
            continue
        if (atom.site, atom.residue, atom.name) not in seen:
            seen.add((atom.site, atom.residue, atom.name))
            kept.append(replace(atom, alternate=""))
    labels = {atom.site: atom.label for atom in kept}
    for site, name in chosen.items():
        shares = ", ".join(f"{each} {share:.2f}" for each, share in _mean_shares(atoms, site).items())
        findings.append(
            warned(
                "protein-alternates",
                f"{labels.get(site, site)} has alternate locations (occupancies {shares}); {name} is taken",
                advice="",
            )
        )
    return tuple(kept)


def _mean_shares(atoms: Sequence[ProteinAtom], site: Site) -> dict[str, float]:
    shares: dict[str, list[float]] = {}
    for atom in atoms:
        if atom.site == site and atom.alternate:
            shares.setdefault(atom.alternate, []).append(atom.occupancy)
    return {name: float(np.mean(values)) for name, values in shares.items()}


def _residues(atoms: Sequence[ProteinAtom]) -> list[Residue]:
    return [tuple(group) for _, group in groupby(atoms, key=lambda atom: (atom.site, atom.residue))]


def _without(residues: list[Residue], drop: Sequence[str], source: str, findings: list[Finding]) -> list[Residue]:
    there = {name for residue in residues for name in residue[0].called}
    for name in drop:
        if name not in there:
            others = ", ".join(sorted({residue[0].residue for residue in residues} - AMINO_ACIDS)) or "none"
            raise InputError(
                f"{source}: receptor.drop names {name}, which is not in the file; beside amino acids it has: {others}"
            )
    dropped = [residue for residue in residues if residue[0].called & set(drop)]
    if dropped:
        findings.append(passed("protein-dropped", f"left out as asked: {_listed(dropped)}"))
    return [residue for residue in residues if not residue[0].called & set(drop)]


def _without_cofactors(residues: list[Residue], beside: NDArray[np.float64], findings: list[Finding]) -> list[Residue]:
    """Leave out residues that a given cofactor describes: most of their heavy atoms lie on its."""
    kept = []
    for residue in residues:
        heavy = np.array([atom.position for atom in residue if atom.element != "H"])
        known = _is_peptide(residue) or residue[0].residue in WATER | IONS
        if not known and len(beside) and len(heavy):
            distance = np.linalg.norm(heavy[:, None] - beside[None], axis=-1).min(axis=1)
            if np.mean(distance < 0.05) > 0.5:
                findings.append(passed("protein-cofactor", f"{residue[0].label} is described by the given cofactor"))
                continue
        kept.append(residue)
    return kept


def _plain_water(residue: Residue) -> Residue:
    """Water as it is; heavy water, and water with more sites than atoms, as an oxygen that gets its hydrogens anew."""
    if residue[0].residue not in _ODD_WATER and all(atom.element in ("O", "H") for atom in residue):
        return residue
    return tuple(replace(atom, residue="HOH", name="O") for atom in residue if atom.element == "O")


def _is_peptide(residue: Residue) -> bool:
    return residue[0].residue in AMINO_ACIDS | CAPS | STANDARD_NAMES.keys()


def _no_water(elements: Sequence[str]) -> bool:
    """Whether a residue has more than one oxygen, or carbon and the like; sites of a model have other names."""
    return elements.count("O") > 1 or bool({"C", "N", "S", "P"} & set(elements))


def _check_known(residues: Iterable[Residue], source: str) -> None:
    """Refuse what no protein force field, water model or given cofactor describes."""
    residues = tuple(residues)
    crowded = [r for r in residues if r[0].residue in IONS and len(r) > 1]
    if crowded:
        raise InputError(
            f"{source}: {_listed(crowded)} has the name of an ion and {len(crowded[0])} atoms: correct its name in the "
            "file, give each ion a number of its own, or leave it out with receptor.drop"
        )
    false = [r for r in residues if r[0].residue in WATER and _no_water([atom.element for atom in r])]
    if false:
        raise InputError(
            f"{source}: {_listed(false)} has the name of water and atoms that water has not: correct its name in the "
            "file, give each water a number of its own, or leave it out with receptor.drop"
        )
    unknown = [r for r in residues if not (_is_peptide(r) or r[0].residue in WATER | IONS)]
    if not unknown:
        return
    modified = [r for r in unknown if {"N", "CA", "C"} <= {atom.name for atom in r}]
    others = [r for r in unknown if r not in modified]
    words = []
    if modified:
        atoms = "; ".join(f"{r[0].label} has {' '.join(a.name for a in r if a.element != 'H')}" for r in modified[:3])
        words.append(
            f"modified residues {_listed(modified)} ({atoms}) have no parameters: set receptor.modified: replace to "
            "take the amino acid that each comes from, give their force field files in receptor.templates, or change "
            "them in the file"
        )
    if others:
        words.append(
            f"{_listed(others)} are no amino acids, water or ions: leave them out with receptor.drop: "
            f"[{', '.join(sorted({r[0].residue for r in others}))}], or give a cofactor with its hydrogens as SDF in "
            "receptor.cofactors"
        )
    raise InputError(f"{source}: " + "; ".join(words))


def _listed(residues: Sequence[Residue]) -> str:
    labels = [residue[0].label for residue in residues]
    return ", ".join(labels[:8]) + (f" and {len(labels) - 8} more" if len(labels) > 8 else "")


def _chains(residues: list[Residue]) -> tuple[tuple[Residue, ...], ...]:
    return tuple(tuple(group) for _, group in groupby(residues, key=lambda residue: residue[0].chain))


def breaks(chain: Sequence[Residue]) -> list[tuple[Residue, Residue]]:
    """Neighbours in a chain that no peptide bond joins: C and N farther apart than 2 A, or one of them missing."""
    found = []
    for before, after in pairwise(chain):
        ends = _atom(before, "C"), _atom(after, "N")
        if before[0].residue == "ACE" or after[0].residue in ("NME", "NMA", "NH2"):
            continue
        if ends[0] is None or ends[1] is None or _apart(ends[0], ends[1]) > _BROKEN_NM:
            found.append((before, after))
    return found


def _part(chains: tuple[tuple[Residue, ...], ...], findings: list[Finding]) -> tuple[tuple[Residue, ...], ...]:
    """Two chains that go by one name as two, with ends of their own."""
    parted: list[tuple[Residue, ...]] = []
    for chain in chains:
        begun = 0
        for before, after in breaks(chain):
            why = why_two_chains(before, after)
            if why:
                end = next(k for k, residue in enumerate(chain) if residue is after)
                parted.append(chain[begun:end])
                begun = end
                findings.append(warned("merged-chains", two_chains(before, after, why=why), advice=TWO_CHAINS_ADVICE))
        parted.append(chain[begun:])
    return tuple(parted)


def _atom(residue: Residue, name: str) -> ProteinAtom | None:
    return next((atom for atom in residue if atom.name == name), None)


def _apart(a: ProteinAtom, b: ProteinAtom) -> float:
    return float(np.linalg.norm(np.subtract(a.position, b.position)))


def _split(
    chains: tuple[tuple[Residue, ...], ...], structure: ProteinStructure, gaps: str, findings: list[Finding]
) -> tuple[tuple[Residue, ...], ...]:
    everything = np.array([atom.position for chain in chains for residue in chain for atom in residue])
    whole: list[tuple[Residue, ...]] = []
    for chain in chains:
        piece: list[Residue] = []
        broken = breaks(chain)
        if broken and gaps == "refuse":
            places = ", ".join(f"{before[0].label} to {after[0].label}" for before, after in broken)
            raise InputError(
                f"{structure.source}: the chain is broken at {places}; complete it, or set receptor.gaps: cap or build"
            )
        for residue in chain:
            joint = next((pair for pair in broken if pair[1] is residue), None)
            if joint is not None:
                before, after = joint
                piece.append(methylamide_cap(before, _others(everything, before)))
                whole.append(tuple(piece))
                piece = [acetyl_cap(after, _others(everything, after))]
                findings.append(_gap_found(before, after))
            piece.append(residue)
        whole.append(tuple(piece))
    return tuple(whole)


def _others(everything: NDArray[np.float64], residue: Residue) -> NDArray[np.float64]:
    own = {tuple(np.round(atom.position, 6)) for atom in residue}
    return np.array([xyz for xyz in everything if tuple(np.round(xyz, 6)) not in own]).reshape(-1, 3)


def _gap_found(before: Residue, after: Residue) -> Finding:
    missing = after[0].number - before[0].number - 1
    what = f"{missing} residues are missing" if missing > 0 else "the peptide bond is missing"
    return warned(
        "protein-gap",
        f"{what} between {before[0].label} and {after[0].label}: NME and ACE caps were put on both sides",
        advice="if the gap is near the site, build the loop (receptor.gaps: build) or take another structure",
    )


def disulfides(chains: Sequence[Sequence[Residue]]) -> tuple[tuple[str, str], ...]:
    """Labels of cysteines whose sulfurs are within 2.5 A of each other."""
    sulfurs = [atom for chain in chains for residue in chain for atom in residue if atom.name == "SG"]
    return tuple(
        (a.label, b.label) for i, a in enumerate(sulfurs) for b in sulfurs[i + 1 :] if _apart(a, b) < _DISULFIDE_NM
    )


def metal_neighbours(parts: ProteinParts) -> Mapping[str, tuple[str, ...]]:
    """Protein residues with an N, O or S within 2.8 A of each metal ion, by the ion's label."""
    donors = [a for chain in parts.chains for r in chain for a in r if a.element in ("N", "O", "S")]
    found = {}
    for (ion,) in (residue for residue in parts.ions if residue[0].residue not in ("CL", "BR", "IOD", "F")):
        near = tuple(dict.fromkeys(atom.label for atom in donors if _apart(ion, atom) < 0.28))
        if near:
            found[ion.label] = near
    return found
