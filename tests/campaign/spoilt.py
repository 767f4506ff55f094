"""Inputs of a calculation that a test spoils: B2 in CB7 (``systems/``), p-xylene in T4 lysozyme (openmmtools' data)."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdFMCS

from bindfe.campaign.preflight import Preflight, check_protocol
from bindfe.campaign.preflight_cost import Worker
from bindfe.campaign.preflight_limits import Limits
from bindfe.chem.findings_catalogue import CHECKS
from bindfe.chem.pose_relax import lay_conformers
from bindfe.protocol import parse_protocol

ROOT = Path(__file__).resolve().parents[2]
CB7, B2 = ROOT / "systems" / "cb7" / "cb7.sdf", ROOT / "systems" / "cb7" / "b2.sdf"
T4L = Path(str(importlib.util.find_spec("openmmtools").origin)).parent / "data" / "T4-lysozyme-L99A-implicit"
ONE_CORE = Worker(number=1, gpu=False)


@dataclass
class Inputs:
    """The files of a calculation, to be spoilt."""

    folder: Path
    ligands: list[Chem.Mol] = field(default_factory=list)
    receptor: str = ""
    """PDB text, or the path of a host."""
    settings: dict = field(default_factory=dict)
    reference: Chem.Mol | None = None
    limits: Limits = field(default_factory=Limits)
    ligand_file: str = ""
    """Instead of the molecules: text of a file, with its suffix in the first line."""

    def check(self) -> Preflight:
        """Write the files and look at them."""
        protocol = {"ligands": {"file": str(self._ligands())}, **self.settings}
        if self.receptor:
            protocol["receptor"] = {"file": str(self._receptor()), **self.settings.get("receptor", {})}
        reference = self.folder / "crystal.sdf"
        if self.reference is not None:
            write(reference, [self.reference])
        return check_protocol(
            parse_protocol(json.dumps(protocol)),
            reference=reference if self.reference is not None else None,
            limits=self.limits,
            worker=ONE_CORE,
        )

    def _ligands(self) -> Path:
        if self.ligand_file:
            suffix, _, text = self.ligand_file.partition("\n")
            (self.folder / f"ligands{suffix}").write_text(text)
            return self.folder / f"ligands{suffix}"
        return write(self.folder / "ligands.sdf", self.ligands)

    def _receptor(self) -> Path:
        if "\n" not in self.receptor:
            return Path(self.receptor)
        (self.folder / "receptor.pdb").write_text(self.receptor)
        return self.folder / "receptor.pdb"


def assert_told(folder: Path, spoil: Callable[[Inputs], None], check: str, level: str, words: str) -> None:
    """What was spoilt is told by a check at a level, and all that is told stands in the catalogue."""
    files = Inputs(folder=folder)
    spoil(files)
    result = files.check()
    found = [each for each in result.findings if (each.check, each.level) == (check, level)]
    assert any(words in each.message for each in found), [str(each) for each in result.findings]
    for each in result.findings:
        if each.level != "pass":
            assert CHECKS[each.check].matches(each.message), str(each)


def write(path: Path, mols: list[Chem.Mol]) -> Path:
    """SDF of molecules, with their fields."""
    with Chem.SDWriter(str(path)) as writer:
        writer.SetKekulize(False)
        for mol in mols:
            writer.write(mol)
    return path


def shape(smiles: str, name: str = "guest", *, seed: int = 7, at: np.ndarray | None = None) -> Chem.Mol:
    """A 3D molecule from SMILES, with its centre at a place [A]."""
    with rdBase.BlockLogs():
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        assert rdDistGeom.EmbedMolecule(mol, randomSeed=seed) == 0
    x = np.asarray(mol.GetConformer().GetPositions())
    mol.GetConformer().SetPositions(x - x.mean(axis=0) + (np.zeros(3) if at is None else at))
    mol.SetProp("_Name", name)
    return mol


def on(mol: Chem.Mol, reference: Chem.Mol, name: str) -> Chem.Mol:
    """A molecule laid on another by all that their bonds share, rings on chains too."""
    heavy = [Chem.RemoveHs(each) for each in (mol, reference)]
    query = rdFMCS.FindMCS(
        heavy, atomCompare=rdFMCS.AtomCompare.CompareAny, bondCompare=rdFMCS.BondCompare.CompareAny
    ).queryMol
    way = zip(*(each.GetSubstructMatch(query) for each in heavy), strict=True)
    x = np.asarray(reference.GetConformer().GetPositions())  # hydrogens come last in both
    placed = Chem.Mol(mol)
    placed.GetConformer().SetPositions(lay_conformers(mol, {i: x[j] for i, j in way}, number=5, seed=7)[0])
    placed.SetProp("_Name", name)
    return placed


def b2() -> Chem.Mol:
    return next(Chem.SDMolSupplier(str(B2), removeHs=False))


def xylene() -> Chem.Mol:
    mol = Chem.MolFromMol2File(str(T4L / "ligand.tripos.mol2"), removeHs=False)
    mol.SetProp("_Name", "p-xylene")
    return mol


def middle(mol: Chem.Mol) -> np.ndarray:
    return np.asarray(mol.GetConformer().GetPositions()).mean(axis=0)


def moved(mol: Chem.Mol, by: tuple[float, float, float]) -> Chem.Mol:
    mol.GetConformer().SetPositions(np.asarray(mol.GetConformer().GetPositions()) + np.array(by))
    return mol


def t4l() -> str:
    """The receptor's PDB text, with a chain."""
    lines = (T4L / "receptor.pdb").read_text().splitlines()
    return "\n".join(line[:21] + "A" + line[22:] if line.startswith("ATOM") else line for line in lines) + "\n"


def without(text: str, gone: Callable[[str], bool]) -> str:
    return "\n".join(line for line in text.splitlines() if not (line.startswith("ATOM") and gone(line))) + "\n"


def atom_line(name: str, residue: str, number: int, x: np.ndarray, element: str, *, alternate: str = " ") -> str:
    place = "".join(f"{value:8.3f}" for value in x)
    return f"HETATM 9999  {name:<3}{alternate}{residue:<4}A{number:4d}    {place}  1.00  0.00          {element:>2}"


def residue_number(line: str) -> int:
    return int(line[22:26])


WATER = {"solvent": {"model": "tip3p"}, "alchemy": {"method": "decouple"}, "equilibration": {"free_time": "200 ps"}}
HYDRATION = {"solvent": {"model": "obc2"}, "alchemy": {"method": "decouple"}}
EDGES = {
    "solvent": {"model": "obc2"},
    "alchemy": {"method": "transfer"},
    "restraint": {"kind": "flat-bottom"},
    "edges": {"network": "minimum-spanning"},
}
