"""A molecule as a drawing that a page can recolour atom by atom."""

from __future__ import annotations

import re
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D
from rdkit.Geometry import Point2D

from bindfe.chem.ligand import Ligand
from bindfe.chem.molecule import drop_bridgehead_tags

_INDEX = "bindfe_index"
_DISC_RADIUS = 9.0


def depict(ligand: Ligand, *, width: int = 320, height: int = 240) -> str:
    """Draw a ligand in 2D as one self-contained SVG element with a transparent background.

    Hydrogens on carbon are not drawn. Carbon and its bonds have the page's text colour. What can be
    recoloured carries classes: each bond and label ``atom-I`` for its atoms, and behind every drawn atom
    there is an invisible disc ``<circle class="atom-disc atom-I" id="NAME-atom-I" fill="none">``, with
    I the atom's index in the ligand.

    Args:
        ligand: The molecule.
        width: Size of the drawing [px].
        height: Size of the drawing [px].
    """
    mol = _flat_copy(ligand.mol)
    drawer = rdMolDraw2D.MolDraw2DSVG(width, height)
    options: Any = drawer.drawOptions()  # RDKit's stubs type every option as the options
    options.clearBackground = False
    options.padding = 0.08
    options.prepareMolsBeforeDrawing = False
    drawer.DrawMolecule(rdMolDraw2D.PrepareMolForDrawing(mol, kekulize=True, addChiralHs=False))
    drawer.FinishDrawing()
    index = [atom.GetIntProp(_INDEX) for atom in mol.GetAtoms()]
    discs = [_disc(ligand.name, index[i], drawer.GetDrawCoords(i)) for i in range(len(index))]
    svg = _renumber(drawer.GetDrawingText(), index)
    return _insert_discs(_as_element(svg), discs)


def _flat_copy(mol: Chem.Mol) -> Chem.Mol:
    """A copy with only the drawn atoms, each knowing its index, laid out in the plane."""
    copy = Chem.Mol(mol)
    for atom in copy.GetAtoms():
        atom.SetIntProp(_INDEX, atom.GetIdx())
    heavy = Chem.RemoveHs(copy)
    drop_bridgehead_tags(heavy)
    rdDepictor.Compute2DCoords(heavy, clearConfs=True, useRingTemplates=True)
    return heavy


def _renumber(svg: str, index: list[int]) -> str:
    """RDKit's class names with the ligand's indices, and black as the page's text colour."""
    numbered = re.sub(r"\batom-(\d+)", lambda found: f"atom-{index[int(found[1])]}", svg)
    return numbered.replace("#000000", "currentColor")


def _as_element(svg: str) -> str:
    """Without XML prologue, RDKit's namespaces and comments: what HTML can hold inline."""
    element = re.sub(r"<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    return re.sub(r"\s+(xmlns:\w+|xml:space)='[^']*'", "", element).strip() + "\n"


def _disc(name: str, index: int, place: Point2D) -> str:
    x, y = float(place.x), float(place.y)
    return (
        f'<circle class="atom-disc atom-{index}" id="{name}-atom-{index}" '
        f'cx="{x:.1f}" cy="{y:.1f}" r="{_DISC_RADIUS}" fill="none"/>'
    )


def _insert_discs(svg: str, discs: list[str]) -> str:
    """Discs right after the opening tag, so that the molecule is drawn over them."""
    end = svg.index(">") + 1
    return svg[:end] + "\n" + "\n".join(discs) + svg[end:]
