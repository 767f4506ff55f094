"""A pose drawn among its receptor's atoms: the contacts are those of the coordinates, the drawing is one SVG."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from rdkit import Chem

from bindfe.chem.draw_site import POLAR, TIGHT, TOUCH, draw_site, draw_sites, site_contacts
from bindfe.chem.ligand import read_ligands
from bindfe.chem.receptor import read_receptor
from tests.build.peptides import outside, peptide, write_ligand


@pytest.fixture
def site(tmp_path):
    text = peptide("GAHAGSAK")
    (tmp_path / "p.pdb").write_text(text)
    write_ligand(tmp_path / "l.sdf", "OCc1ccccc1", at=outside(text, gap=4.0))
    return text, read_ligands(tmp_path / "l.sdf")[0], read_receptor(tmp_path / "p.pdb")


def test_each_residue_has_the_contact_that_all_distances_give(site):
    """Against every distance, from coordinates that RDKit reads."""
    text, ligand, receptor = site
    mol = Chem.MolFromPDBBlock(text, sanitize=False)
    heavy = [i for i, symbol in enumerate(ligand.elements) if symbol != "H"]
    apart = np.linalg.norm(mol.GetConformer().GetPositions()[:, None] - 10 * ligand.positions[heavy][None], axis=-1)
    nearest: dict[str, float] = {}
    for atom, row in zip(mol.GetAtoms(), apart, strict=True):
        info = atom.GetPDBResidueInfo()
        label = f"{info.GetResidueName().strip()}{info.GetResidueNumber()}"
        nearest[label] = min(nearest.get(label, np.inf), float(row.min()))
    found = {contact.residue.split(":")[-1]: contact for contact in site_contacts(ligand, receptor)}
    assert set(found) == {label for label, distance in nearest.items() if distance < TOUCH}
    for label, contact in found.items():
        assert contact.distance >= nearest[label] - 1e-3
        assert contact.kind == "polar" or contact.distance == pytest.approx(nearest[label], abs=2e-3)
        assert contact.kind != "polar" or contact.distance <= POLAR


def test_a_ligand_that_lies_in_the_wall_is_drawn_red(site):
    _, ligand, receptor = site
    atom = receptor.structure.atoms[5]
    mol = Chem.Mol(ligand.mol)
    mol.GetConformer().SetPositions(
        np.ascontiguousarray(mol.GetConformer().GetPositions() + 10 * (np.array(atom.position) - ligand.positions[1]))
    )
    moved = replace(ligand, mol=mol)
    tight = [contact for contact in site_contacts(moved, receptor) if contact.kind == "tight"]
    assert tight
    assert all(contact.distance < TIGHT for contact in tight)
    assert "#c0392b" in draw_site(moved, receptor)


def test_a_drawing_names_every_residue_and_is_one_svg_of_its_own(site, root):
    _, ligand, receptor = site
    svg = draw_site(ligand, receptor)
    names = [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]
    assert len(names) == min(16, len(site_contacts(ligand, receptor)))
    host = read_receptor(root / "systems/cb7/cb7.sdf")
    (guest,) = read_ligands(root / "systems/cb7/b2.sdf")
    drawn = ElementTree.fromstring(draw_site(guest, host))
    lines = [element for element in drawn.iter() if element.tag.endswith("line")]
    bonds = sum(1 for mol in (host.host, guest.mol) for bond in Chem.RemoveHs(mol).GetBonds())
    assert len(lines) == bonds
    assert all(0 <= float(line.get(key)) <= 620 for line in lines for key in ("x1", "x2"))


def test_the_poses_of_an_edge_are_one_drawing_with_both_names(site):
    _, ligand, receptor = site
    other = replace(ligand, name="other <one>")
    drawing = ElementTree.fromstring(draw_sites([ligand, other], receptor))
    texts = [element.text for element in drawing.iter() if element.tag.endswith("text")]
    assert {ligand.name, "other <one>"} <= set(texts)
    assert len(texts) == 2 + 2 * len(site_contacts(ligand, receptor))
