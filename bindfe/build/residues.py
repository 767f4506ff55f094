"""Residues that a user's own force field files describe: modified amino acids, with the bonds and hydrogens they have.

OpenMM keeps what it knows of bonds and hydrogens by the name of a residue, for the whole process. A template says both,
so a modified residue is read, protonated and simulated as the standard ones are.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from openmm import app

from bindfe.chem.protein import AMINO_ACIDS, CAPS, IONS, WATER
from bindfe.errors import InputError

STANDARD = AMINO_ACIDS | CAPS | WATER | IONS
"""Names of residues that the protein and water force fields describe."""


def template_names(templates: Sequence[str]) -> frozenset[str]:
    """Residues that the texts of force field files describe.

    Raises:
        InputError: One is no force field file, describes no residue, or one that has parameters already.
    """
    found: set[str] = set()
    for number, text in enumerate(templates, start=1):
        place = f"receptor.templates, file {number}"
        try:
            residues = ElementTree.fromstring(text).findall("Residues/Residue")
        except ElementTree.ParseError as error:
            raise InputError(f"{place}: is not XML: {error}; give an OpenMM force field file") from error
        names = {str(residue.get("name")) for residue in residues}
        if not names:
            raise InputError(f"{place}: has no <Residues><Residue name='...'>; give an OpenMM force field file")
        if names & STANDARD:
            raise InputError(
                f"{place}: describes {', '.join(sorted(names & STANDARD))}, which the protein force field has: give "
                "the modified residue a name of its own, here and in the structure"
            )
        found |= names
    return frozenset(found)


def load_templates(force_field: app.ForceField, templates: Sequence[str]) -> None:
    """Add the texts of force field files to a force field, and tell OpenMM the bonds and hydrogens of their residues.

    Raises:
        InputError: A file uses a type of atom that neither it nor the protein force field has, or is not complete.
    """
    names = template_names(templates)
    for number, text in enumerate(templates, start=1):
        try:
            force_field.loadFile(io.StringIO(text))
        except (KeyError, ValueError, TypeError) as error:
            raise InputError(
                f"receptor.templates, file {number}: OpenMM cannot use it: {type(error).__name__} {error}. Types of "
                "atoms are those of the protein force field (as protein-CT), or are defined in the file"
            ) from error
    known = {name: force_field._templates[name] for name in sorted(names)}
    for same in force_field._templateSignatures.values():  # by name alone: a standard residue may have the same graph
        same[:] = [template for template in same if template.name not in names]
    app.Topology.loadBondDefinitions(io.StringIO(_definitions(known, _bonds)))
    app.Modeller.loadHydrogenDefinitions(io.StringIO(_definitions(known, _hydrogens)))


def own_templates(force_field: app.ForceField, topology: app.Topology) -> dict[Any, str]:
    """Residues whose template is that of their name, though another may have the same graph."""
    known = force_field._templates
    return {r: r.name for r in topology.residues() if r.name in known and r.name not in STANDARD}


def has_atoms_of(force_field: app.ForceField, residue: Any, name: str) -> bool:
    """Whether a residue has the atoms of a template, by name."""
    return sorted(a.name for a in residue.atoms()) == sorted(a.name for a in force_field._templates[name].atoms)


def _definitions(known: Mapping[str, Any], rows: Any) -> str:
    root = ElementTree.Element("Residues")
    for name, template in known.items():
        residue = ElementTree.SubElement(root, "Residue", name=name)
        for tag, attributes in rows(template):
            ElementTree.SubElement(residue, tag, attributes)
    return ElementTree.tostring(root, encoding="unicode")


def _bonds(template: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """Its own bonds, and the peptide bond to the residue before."""
    for a, b in template.bonds:
        yield "Bond", {"from": template.atoms[a].name, "to": template.atoms[b].name}
    if any(template.atoms[i].name == "N" for i in template.externalBonds):
        yield "Bond", {"from": "-C", "to": "N"}


def _hydrogens(template: Any) -> Iterator[tuple[str, dict[str, str]]]:
    for a, b in template.bonds:
        pair = sorted((template.atoms[a], template.atoms[b]), key=lambda atom: atom.element is app.element.hydrogen)
        if pair[1].element is app.element.hydrogen:
            yield "H", {"name": pair[1].name, "parent": pair[0].name}
