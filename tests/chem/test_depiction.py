"""Drawings: every drawn atom can be found by its index in the ligand, and nothing is loaded."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from bindfe.chem.depiction import depict
from bindfe.chem.ligand import Ligand, read_ligands

SVG = "{http://www.w3.org/2000/svg}"


def _ligand(smiles: str, order: str = "") -> Ligand:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    if order == "hydrogens first":
        mol = Chem.RenumberAtoms(mol, list(reversed(range(mol.GetNumAtoms()))))
    return Ligand(name="guest", mol=mol, source="")


def _numbers(classes: str) -> list[int]:
    return [int(number) for number in re.findall(r"\batom-(\d+)\b", classes)]


@pytest.mark.parametrize("order", ["", "hydrogens first"])
def test_every_heavy_atom_has_a_disc_and_a_drawing_under_its_own_index(order):
    ligand = _ligand("OCC(=O)Nc1ccccc1", order)
    heavy = {i for i, element in enumerate(ligand.elements) if element != "H"}
    drawing = ElementTree.fromstring(depict(ligand))
    discs = drawing.findall(f"{SVG}circle")
    assert {disc.get("id") for disc in discs} == {f"guest-atom-{i}" for i in heavy}
    assert {i for path in drawing.findall(f"{SVG}path") for i in _numbers(path.get("class", ""))} == heavy


@pytest.mark.parametrize("order", ["", "hydrogens first"])
def test_bonds_join_the_atoms_that_are_bonded(order):
    ligand = _ligand("OCC(=O)Nc1ccccc1", order)
    drawing = ElementTree.fromstring(depict(ligand))
    drawn = {
        tuple(sorted(_numbers(path.get("class", ""))))
        for path in drawing.findall(f"{SVG}path")
        if "bond-" in path.get("class", "")
    }
    bonds = {
        tuple(sorted((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())))
        for bond in ligand.mol.GetBonds()
        if "H" not in (bond.GetBeginAtom().GetSymbol(), bond.GetEndAtom().GetSymbol())
    }
    assert drawn == bonds


def test_is_one_transparent_element_that_loads_nothing(root: Path):
    (ligand,) = read_ligands(root / "systems/cb7/b2.sdf")
    svg = depict(ligand)
    assert svg.startswith("<svg")
    assert "<rect" not in svg
    assert "#000000" not in svg
    assert "currentColor" in svg
    assert set(re.findall(r"https?://[^'\"]+", svg)) == {"http://www.w3.org/2000/svg"}


def test_a_bicycle_without_stereoisomers_has_no_wedges(root: Path):
    (ligand,) = read_ligands(root / "systems/cb7/b2.sdf")
    wedges = [p for p in ElementTree.fromstring(depict(ligand)).findall(f"{SVG}path") if "Z" in p.get("d", "")]
    assert [p for p in wedges if "bond-" in p.get("class", "")] == []
