"""GAFF2 parameters of one molecule as OpenMM force field XML.

antechamber gives atom types, parmchk2 the parameters of every term from ``gaff-2.2.20.dat``; this module
only changes units and format. The types carry a prefix of their molecule, so that force fields of several
molecules and of a protein stand side by side.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import re
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bindfe.build.ambertools import run_antechamber, run_program
from bindfe.errors import InputError, MissingDependency
from bindfe.units import KJ_PER_KCAL

_SECTIONS = ("MASS", "BOND", "ANGLE", "DIHE", "IMPROPER", "NONBON")
_WIDTHS = {"BOND": 5, "ANGLE": 8}
"""Columns of the atom types; those of torsions have eleven."""
_DATA = Path("ffxml") / "amber" / "gaff" / "dat"


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """One line of an Amber parameter file."""

    types: tuple[str, ...]
    """Atom types."""
    numbers: tuple[float, ...]
    """What follows, in Amber's units."""


def gaff_parameters(mol: Any, charges: Sequence[float], *, forcefield: str, name: str, prefix: str) -> str:
    """OpenMM force field XML of a molecule with GAFF types and given charges.

    Args:
        mol: RDKit molecule with all hydrogens.
        charges: Partial charges [e], (N,).
        forcefield: ``gaff-2.2.20``.
        name: How an error names it.
        prefix: What makes the molecule's atom types its own.

    Raises:
        InputError: The molecule has an atom type or a term that GAFF does not know.
        MissingDependency: AmberTools or the parameter file is not installed.
    """
    from bindfe.chem.reference import reference_block

    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        charge = sum(atom.GetFormalCharge() for atom in mol.GetAtoms())
        atoms = run_antechamber(
            reference_block(mol, name=name), place, charge=charge, name=name, options=("-at", "gaff2")
        )
        words = ("-i", "out.mol2", "-f", "mol2", "-p", str(parameter_file(forcefield)), "-o", "out.frcmod")
        run_program("parmchk2", (*words, "-s", "2", "-a", "Y"), place, name=name, makes="out.frcmod")
        terms = read_frcmod((place / "out.frcmod").read_text(), name=name)
    published = _published(forcefield)
    for section in ("BOND", "ANGLE"):
        terms[section] = [published.get((section, term.types), term) for term in terms[section]]
    types = [atom.type for atom in atoms]
    unknown = sorted(set(types) - {term.types[0] for term in terms["NONBON"]})
    if unknown:
        raise InputError(f"{name}: {forcefield} has no parameters for atoms of type {', '.join(unknown)}")
    return _xml(mol, types, charges, terms, prefix=prefix)


def parameter_file(forcefield: str) -> Path:
    """The published parameters, which openmmforcefields carries; AmberTools has other versions.

    Raises:
        MissingDependency: It is not installed.
    """
    found = importlib.util.find_spec("openmmforcefields")
    for root in (found.submodule_search_locations or ()) if found is not None else ():
        path = Path(root) / _DATA / f"{forcefield}.dat"
        if path.is_file():
            return path
    raise MissingDependency(
        f"the parameters of {forcefield} come with openmmforcefields: pip install 'bindfe[forcefields]'"
    )


@functools.cache
def _published(forcefield: str) -> dict[tuple[str, tuple[str, ...]], Term]:
    """Bonds and angles as they were published: parmchk2 rounds a length to 0.001 A, which is 0.5 kJ/mol in a bond."""
    blocks = parameter_file(forcefield).read_text(encoding="utf-8", errors="replace").split("\n\n")
    lines = {"BOND": blocks[1].splitlines()[1:], "ANGLE": blocks[2].splitlines()}  # a line of types before bonds
    found = {}
    for section, width in _WIDTHS.items():
        for line in lines.get(section, ()):
            types = tuple(part.strip() for part in line[:width].split("-"))
            term = Term(types=types, numbers=tuple(map(float, line[width:].split()[:2])))
            found[section, types] = found[section, types[::-1]] = term
    return found


def read_frcmod(text: str, *, name: str) -> dict[str, list[Term]]:
    """The terms of an Amber parameter file by section.

    Raises:
        InputError: parmchk2 found nothing alike for a term; the message names it.
    """
    terms: dict[str, list[Term]] = {section: [] for section in _SECTIONS}
    section = ""
    for line in text.splitlines():
        if line.strip() in _SECTIONS:
            section = line.strip()
        elif section and line.strip():
            if "ATTN" in line:
                raise InputError(f"{name}: GAFF has no parameters for '{line[:11].strip()}', and nothing that is alike")
            terms[section].append(_term(line, section))
    return terms


def _term(line: str, section: str) -> Term:
    if section in {"MASS", "NONBON"}:
        label, rest = line.split(maxsplit=1)
        types: tuple[str, ...] = (label,)
    else:
        width = _WIDTHS.get(section, 11)
        types, rest = tuple(part.strip() for part in line[:width].split("-")), line[width:]
    found = re.findall(r"^\s*(?:[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?\s*)+", rest)
    return Term(types=types, numbers=tuple(map(float, found[0].split())) if found else ())


def _xml(mol: Any, types: Sequence[str], charges: Sequence[float], terms: dict[str, list[Term]], *, prefix: str) -> str:
    root = ET.Element("ForceField")
    _add_types(root, mol, types, terms, prefix)
    _add_residue(root, mol, types, charges, prefix)
    _add_terms(ET.SubElement(root, "HarmonicBondForce"), "Bond", _bonds(terms["BOND"]), prefix)
    _add_terms(ET.SubElement(root, "HarmonicAngleForce"), "Angle", _angles(terms["ANGLE"]), prefix)
    torsions = ET.SubElement(root, "PeriodicTorsionForce", ordering="amber")
    _add_terms(torsions, "Proper", _propers(terms["DIHE"]), prefix)
    _add_terms(torsions, "Improper", _impropers(terms["IMPROPER"]), prefix)
    scale = {"coulomb14scale": "0.8333333333333334", "lj14scale": "0.5"}
    nonbonded = ET.SubElement(root, "NonbondedForce", scale)
    ET.SubElement(nonbonded, "UseAttributeFromResidue", name="charge")
    _add_terms(nonbonded, "Atom", _lennard_jones(terms["NONBON"]), prefix, key="type")
    return ET.tostring(root, encoding="unicode")


def _add_types(root: ET.Element, mol: Any, types: Sequence[str], terms: dict[str, list[Term]], prefix: str) -> None:
    parent = ET.SubElement(root, "AtomTypes")
    masses = {term.types[0]: term.numbers[0] for term in terms["MASS"]}
    elements = dict(zip(types, (atom.GetSymbol() for atom in mol.GetAtoms()), strict=True))
    for label in dict.fromkeys(types):
        full = f"{prefix}-{label}"
        attributes = {"name": full, "class": full, "element": elements[label], "mass": repr(masses[label])}
        ET.SubElement(parent, "Type", attributes)


def _add_residue(root: ET.Element, mol: Any, types: Sequence[str], charges: Sequence[float], prefix: str) -> None:
    residue = ET.SubElement(ET.SubElement(root, "Residues"), "Residue", name=prefix)
    for index, (label, charge) in enumerate(zip(types, charges, strict=True)):
        attributes = {"name": f"A{index}", "type": f"{prefix}-{label}", "charge": repr(float(charge))}
        ET.SubElement(residue, "Atom", attributes)
    for bond in mol.GetBonds():
        ends = {"atomName1": f"A{bond.GetBeginAtomIdx()}", "atomName2": f"A{bond.GetEndAtomIdx()}"}
        ET.SubElement(residue, "Bond", ends)


_Line = tuple[tuple[str, ...], dict[str, float]]


def _add_terms(parent: ET.Element, tag: str, lines: Iterator[_Line], prefix: str, *, key: str = "class") -> None:
    for types, values in lines:
        labels = {
            f"{key}{number}" if len(types) > 1 else key: f"{prefix}-{label}"
            for number, label in enumerate(types, start=1)
        }
        texts = {name: repr(int(value)) if name.startswith("period") else repr(value) for name, value in values.items()}
        ET.SubElement(parent, tag, {**labels, **texts})


def _bonds(terms: Sequence[Term]) -> Iterator[_Line]:
    """Amber's K (r - r0)^2 [kcal/mol/A^2, A] as k/2 (r - r0)^2 [kJ/mol/nm^2, nm]."""
    for term in terms:
        k, r = term.numbers[:2]
        yield term.types, {"k": 2 * k * KJ_PER_KCAL * 100, "length": 0.1 * r}


def _angles(terms: Sequence[Term]) -> Iterator[_Line]:
    """Amber's K (a - a0)^2 [kcal/mol/rad^2, degrees] as k/2 (a - a0)^2 [kJ/mol/rad^2, rad]."""
    for term in terms:
        k, degrees = term.numbers[:2]
        yield term.types, {"k": 2 * k * KJ_PER_KCAL, "angle": math.radians(degrees)}


def _propers(terms: Sequence[Term]) -> Iterator[_Line]:
    """Fourier series of one torsion: lines of the same types, each barrier divided by its number of paths."""
    series: dict[tuple[str, ...], dict[str, float]] = {}
    for term in terms:
        values = series.setdefault(term.types, {})
        paths, barrier, phase, period = term.numbers[:4]
        values.update(_fourier(len(values) // 3 + 1, barrier / paths, phase, period))
    yield from series.items()


def _impropers(terms: Sequence[Term]) -> Iterator[_Line]:
    """Amber has the central atom third, OpenMM first."""
    for term in terms:
        first, second, centre, fourth = term.types
        barrier, phase, period = term.numbers[:3]
        yield (centre, first, second, fourth), _fourier(1, barrier, phase, period)


def _fourier(number: int, barrier: float, phase: float, period: float) -> dict[str, float]:
    return {
        f"periodicity{number}": abs(period),
        f"phase{number}": math.radians(phase),
        f"k{number}": barrier * KJ_PER_KCAL,
    }


def _lennard_jones(terms: Sequence[Term]) -> Iterator[_Line]:
    """Amber's half of r at the minimum and depth [A, kcal/mol] as sigma and epsilon [nm, kJ/mol]."""
    for term in terms:
        half, depth = term.numbers[:2]
        yield term.types, {"sigma": 0.2 * half / 2 ** (1 / 6), "epsilon": depth * KJ_PER_KCAL}
