"""A series as it was placed, drawn: the core on the reference's, and which atoms do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D
from rdkit.Geometry import Point2D

from bindfe.chem.ligand import Ligand
from bindfe.chem.molecule import drop_bridgehead_tags
from bindfe.chem.pose import PlacedLigand

Colour = tuple[float, float, float]

_CORE: Colour = (0.72, 0.86, 0.98)
_CLASH: Colour = (0.97, 0.55, 0.50)
_WIDTH, _HEIGHT, _COLUMNS = 300, 260, 4


def draw_poses(placed: Sequence[PlacedLigand], reference: Ligand) -> str:
    """Draw binding modes side by side as SVG: the core blue, atoms that clash with the receptor red.

    Cores lie as in the reference's drawing. Two binding modes of one ligand, which differ in space, show by the
    part of it that lies on the reference's.

    Args:
        placed: Poses, as :func:`bindfe.chem.pose.place_series` returns them; at least one.
        reference: The ligand that they were placed on; drawn first.
    """
    onto = _flat(reference.mol)
    mols, legends, colours = [onto], [f"{reference.name} (reference)"], [_coloured(onto, set(), set())]
    for pose in placed:
        mol = _flat(pose.ligand.mol)
        _lay_on(mol, onto, pose.core)
        mols.append(mol)
        legends.append(_legend(pose))
        colours.append(_coloured(mol, {i for i, _ in pose.core}, {clash.ligand_atom for clash in pose.clashes}))
    return _sheet(mols, legends, colours)


def _legend(pose: PlacedLigand) -> str:
    mode = f", mode {pose.mode + 1}" if pose.mode else ""
    clashes = f", {len(pose.clashes)} clashes" if pose.clashes else ""
    return f"{pose.ligand.name}{mode}: contact {pose.contact:.1f}, strain {pose.strain:.1f}{clashes}"


def _flat(mol: Chem.Mol) -> Chem.Mol:
    copy = Chem.Mol(mol)
    for atom in copy.GetAtoms():
        atom.SetIntProp("own", atom.GetIdx())
    heavy = Chem.RemoveAllHs(copy)
    drop_bridgehead_tags(heavy)
    rdDepictor.Compute2DCoords(heavy, clearConfs=True, useRingTemplates=True)
    return heavy


def _lay_on(mol: Chem.Mol, reference: Chem.Mol, core: Sequence[tuple[int, int]]) -> None:
    """Give the drawing's core the places of the reference's."""
    place = {atom.GetIntProp("own"): atom.GetIdx() for atom in mol.GetAtoms()}
    spots = {
        atom.GetIntProp("own"): reference.GetConformer().GetAtomPosition(atom.GetIdx()) for atom in reference.GetAtoms()
    }
    rdDepictor.Compute2DCoords(
        mol, clearConfs=True, coordMap={place[i]: Point2D(spots[j].x, spots[j].y) for i, j in core}
    )


def _coloured(mol: Chem.Mol, core: set[int], clashing: set[int]) -> dict[int, Colour]:
    own = {atom.GetIdx(): atom.GetIntProp("own") for atom in mol.GetAtoms()}
    blue = {index: _CORE for index, number in own.items() if number in core}
    return blue | {index: _CLASH for index, number in own.items() if number in clashing}


def _sheet(mols: list[Chem.Mol], legends: list[str], colours: list[dict[int, Colour]]) -> str:
    columns = min(_COLUMNS, len(mols))
    rows = -(-len(mols) // columns)
    drawer = rdMolDraw2D.MolDraw2DSVG(columns * _WIDTH, rows * _HEIGHT, _WIDTH, _HEIGHT)
    options: Any = drawer.drawOptions()  # RDKit's stubs type every option as the options
    options.padding = 0.08
    options.legendFontSize = 13
    options.legendFraction = 0.12
    drawer.DrawMolecules(
        mols,
        legends=legends,
        highlightAtoms=[list(colour) for colour in colours],
        highlightAtomColors=colours,
        highlightBonds=[[] for _ in mols],
    )
    drawer.FinishDrawing()
    return str(drawer.GetDrawingText())


def poses_as_sdf(placed: Sequence[PlacedLigand]) -> str:
    """Poses as SDF text, titled by ligand and, from the second on, by mode, with their scores as fields."""
    records = []
    for pose in placed:
        mol = Chem.Mol(pose.ligand.mol)
        mol.SetProp("_Name", pose.ligand.name + (f"-mode{pose.mode + 1}" if pose.mode else ""))
        fields = {
            "contact_kcal_mol": f"{pose.contact:.2f}",
            "strain_kcal_mol": f"{pose.strain:.2f}",
            "core_rmsd_angstrom": f"{10 * pose.core_rmsd:.3f}",
            "clashes": str(len(pose.clashes)),
        }
        lines = "".join(f">  <{key}>\n{value}\n\n" for key, value in fields.items())
        records.append(f"{Chem.MolToMolBlock(mol)}{lines}$$$$\n")
    return "".join(records)
