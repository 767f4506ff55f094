"""Poses by docking with AutoDock Vina, for a ligand that shares no core with one in a crystal.

An optional extra: `pip install 'bindfe[vina]'`. Vina searches, meeko says which bonds turn, and what comes back is
relaxed and scored as a pose that was placed is, so that both can be compared.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from bindfe.chem.ligand import Ligand
from bindfe.chem.pose import MODES_APART, MODES_WITHIN, PlacedLigand, pose_rmsd
from bindfe.chem.pose_contact import Contacts, pocket_of
from bindfe.chem.pose_relax import free_conformers, free_minimum, relax_in_pocket
from bindfe.chem.protein import WATER
from bindfe.chem.receptor import Receptor
from bindfe.errors import InputError, MissingDependency

Floats = NDArray[np.float64]

_REACH = 12.0
"""Atoms of the receptor farther than this from the box are not seen [A]; Vina's terms end at 8."""

_TYPES = {"C": "C", "N": "N", "O": "OA", "S": "SA", "P": "P", "F": "F", "Cl": "Cl", "Br": "Br", "I": "I"}
_METALS = {"Mg": "Mg", "Ca": "Ca", "Mn": "Mn", "Fe": "Fe", "Zn": "Zn"}
_OTHER = "Mg"
"""Vina has these types of metal ions alone, all with one radius; any other ion takes magnesium's."""

_KEPT = 8
"""Poses of each conformer that are relaxed, the best by Vina's score."""

_BOND = 1.25
_BOND_TO_SULFUR = 1.45
"""Longest bonds to hydrogen [A]."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Atoms:
    """A receptor's atoms without water."""

    symbols: tuple[str, ...]
    positions: Floats  # [A], (N, 3)
    labels: tuple[str, ...]


def dock(
    ligand: Ligand,
    receptor: Receptor,
    *,
    near: Floats,
    margin: float = 0.6,
    exhaustiveness: int = 8,
    conformers: int = 3,
    seed: int = 2026,
) -> tuple[PlacedLigand, ...]:
    """Binding modes of a ligand by docking, the best first.

    The receptor is rigid and the ligand's bonds turn; its rings and angles stay, so several conformers are docked.
    Each of Vina's poses is relaxed with its heavy atoms held, and ranked by contacts and strain; modes within
    1 kcal/mol of the best that lie 1 A or more from each other are kept. A docked pose is a guess.

    Args:
        ligand: With stereo set; where it lies now does not matter.
        receptor: A host, or a protein with its hydrogens, as ``prepare_receptor`` leaves it. Water is left out.
        near: Points that mark the site [nm], (M, 3): a crystal ligand's atoms, or those of residues about it.
        margin: What the box has beyond them on each side [nm].
        exhaustiveness: Independent searches with each conformer.
        conformers: Conformers of the ligand, by ETKDG: one for a rigid molecule, more for flexible rings.
        seed: Of the search and of RDKit's conformers; the same seed gives the same poses.

    Returns:
        Binding modes; their ``core`` is empty, as there is no reference.

    Raises:
        InputError: The receptor has no hydrogens or no atom near the site, or the ligand is not known to Vina's or
            MMFF94's types.
        MissingDependency: vina or meeko is not installed.

    Source:
        Eberhardt, Santos-Martins, Tillack and Forli, J. Chem. Inf. Model. 61, 3891 (2021),
        doi:10.1021/acs.jcim.1c00203; Trott and Olson, J. Comput. Chem. 31, 455 (2010), doi:10.1002/jcc.21334.
    """
    vina, meeko = _packages()
    points = 10.0 * np.asarray(near, dtype=float)
    low, high = points.min(axis=0) - 10 * margin, points.max(axis=0) + 10 * margin
    atoms = _around(_atoms_of(receptor), low, high, receptor)
    contacts = Contacts(ligand.mol, pocket_of(atoms.symbols, 0.1 * atoms.positions, labels=atoms.labels))
    heavy = [atom.GetIdx() for atom in ligand.mol.GetAtoms() if atom.GetAtomicNum() > 1]
    relaxed = []
    for number, x in enumerate(free_conformers(ligand.mol, number=conformers, seed=seed)):
        start = _moved(ligand, x, receptor)
        text, rows = _ligand_pdbqt(start, meeko)
        found = _search(vina, _receptor_pdbqt(atoms), text, low, high, exhaustiveness, seed + number, ligand.name)
        for pose in _poses(found, rows):
            onto, y = {i: pose[i] for i in heavy}, _with_hydrogens(start.mol, pose)
            relaxed.append(relax_in_pocket(ligand.mol, y, contacts, onto, name=ligand.name))
    lowest = min([free_minimum(ligand.mol, name=ligand.name, seed=seed), *(each.internal for each in relaxed)])
    return _modes(
        [
            PlacedLigand(
                ligand=_moved(ligand, each.positions, receptor),
                mode=0,
                core=(),
                core_rmsd=0.0,
                contact=each.contact,
                strain=each.internal - lowest,
                clashes=contacts.clashes(each.positions),
            )
            for each in relaxed
        ]
    )


def _packages() -> tuple[Any, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import meeko
            import vina
    except ImportError as error:
        raise MissingDependency(f"docking needs Vina and meeko ({error}): pip install 'bindfe[vina]'") from error
    return vina, meeko


def _atoms_of(receptor: Receptor) -> _Atoms:
    """Atoms of a host or of a protein with its cofactors, without water [A]."""
    parts = [(c.name, c.mol) for c in receptor.cofactors] if receptor.mol is None else [(receptor.name, receptor.mol)]
    symbols = [atom.GetSymbol() for _, mol in parts for atom in mol.GetAtoms()]
    labels = [f"{name} {atom.GetSymbol()}{atom.GetIdx()}" for name, mol in parts for atom in mol.GetAtoms()]
    xyz = [x for _, mol in parts for x in np.asarray(mol.GetConformer().GetPositions(), dtype=float)]
    if receptor.mol is None:
        own = [atom for atom in receptor.structure.atoms if atom.residue not in WATER]
        symbols += [atom.element.capitalize() for atom in own]
        labels += [f"{atom.label} {atom.name}" for atom in own]
        xyz += [10.0 * np.asarray(atom.position) for atom in own]
    return _Atoms(symbols=tuple(symbols), positions=np.array(xyz, dtype=float).reshape(-1, 3), labels=tuple(labels))


def _around(atoms: _Atoms, low: Floats, high: Floats, receptor: Receptor) -> _Atoms:
    inside = np.all((atoms.positions > low - _REACH) & (atoms.positions < high + _REACH), axis=1)
    kept = np.flatnonzero(inside)
    if not any(atoms.symbols[i] != "H" for i in kept):
        raise InputError(f"{receptor.source}: no atom lies near the site; give it in the receptor's frame, in nm")
    if not any(atoms.symbols[i] == "H" for i in kept):
        raise InputError(f"{receptor.source}: has no hydrogens; complete it with bindfe.build.protein.prepare_receptor")
    return _Atoms(
        symbols=tuple(atoms.symbols[i] for i in kept),
        positions=atoms.positions[kept],
        labels=tuple(atoms.labels[i] for i in kept),
    )


def _receptor_pdbqt(atoms: _Atoms) -> str:
    """A rigid receptor as Vina reads it: polar hydrogens, and which nitrogens accept."""
    rows = []
    for serial, (index, kind) in enumerate(_types(atoms), start=1):
        x, y, z = atoms.positions[index]
        place = f"{x:8.3f}{y:8.3f}{z:8.3f}"
        rows.append(f"ATOM  {serial:5d}  {kind:<3s} REC A   1    {place}  1.00  0.00    +0.000 {kind:<2s}")
    return "\n".join(rows) + "\n"


def _types(atoms: _Atoms) -> Iterator[tuple[int, str]]:
    """Atoms that Vina sees and their types; a nitrogen without hydrogen and with two neighbours or fewer accepts."""
    from scipy.spatial import cKDTree

    near: list[list[int]] = [[] for _ in atoms.symbols]
    for i, j in cKDTree(atoms.positions).query_pairs(1.9, output_type="ndarray").tolist():
        near[i].append(j)
        near[j].append(i)
    for index, symbol in enumerate(atoms.symbols):
        others = [(j, float(np.linalg.norm(atoms.positions[j] - atoms.positions[index]))) for j in near[index]]
        carried = [
            j
            for j, r in others
            if (atoms.symbols[j] == "H") != (symbol == "H")
            and r < (_BOND_TO_SULFUR if "S" in (symbol, atoms.symbols[j]) else _BOND)
        ]
        if symbol == "H":
            if any(atoms.symbols[j] in ("N", "O", "S") for j in carried):
                yield index, "HD"
        elif symbol == "N":
            bonded = sum(atoms.symbols[j] != "H" and r < 1.75 for j, r in others)
            yield index, "NA" if not carried and bonded < 3 else "N"
        else:
            yield index, _TYPES.get(symbol) or _METALS.get(symbol, _OTHER)


def _ligand_pdbqt(ligand: Ligand, meeko: Any) -> tuple[str, dict[int, int]]:
    """The ligand as Vina reads it, and the ligand's atom of each row of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        setups = meeko.MoleculePreparation().prepare(ligand.mol)
        text, fine, problem = meeko.PDBQTWriterLegacy.write_string(setups[0], add_index_map=True)
    if not fine:
        raise InputError(f"{ligand.name}: meeko cannot describe it for Vina: {' '.join(str(problem).split())}")
    numbers = [
        int(word)
        for line in text.splitlines()
        if line.startswith("REMARK INDEX MAP")
        for word in line.removeprefix("REMARK INDEX MAP").split()
    ]
    return text, {serial: atom - 1 for atom, serial in list(pairwise(numbers))[::2]}


def _search(
    vina: Any, receptor: str, ligand: str, low: Floats, high: Floats, exhaustiveness: int, seed: int, name: str
) -> str:
    """Vina's poses as PDBQT text, one model each."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "receptor.pdbqt"
        path.write_text(receptor, encoding="ascii")
        try:
            engine = vina.Vina(sf_name="vina", cpu=1, seed=seed, verbosity=0)
            engine.set_receptor(str(path))
            engine.set_ligand_from_string(ligand)
            engine.compute_vina_maps(center=(0.5 * (low + high)).tolist(), box_size=(high - low).tolist())
            engine.dock(exhaustiveness=exhaustiveness, n_poses=_KEPT)
            return str(engine.poses(n_poses=_KEPT, energy_range=5.0))
        except (RuntimeError, TypeError, ValueError) as error:
            raise InputError(f"{name}: Vina cannot dock it: {' '.join(str(error).split())}") from error


def _poses(text: str, rows: dict[int, int]) -> Iterator[dict[int, Floats]]:
    """Coordinates of the ligand's atoms that Vina moved [A], of each model."""
    for model in text.split("MODEL")[1:]:
        yield {
            rows[int(line[6:11])]: np.array([float(line[k : k + 8]) for k in (30, 38, 46)])
            for line in model.splitlines()
            if line.startswith(("ATOM", "HETATM")) and int(line[6:11]) in rows
        }


def _with_hydrogens(mol: Chem.Mol, pose: dict[int, Floats]) -> Floats:
    """All atoms [A], (N, 3): hydrogens that Vina does not see go with the atoms about theirs."""
    before = np.asarray(mol.GetConformer().GetPositions(), dtype=float)
    x = before.copy()
    for index, point in pose.items():
        x[index] = point
    for atom in mol.GetAtoms():
        if atom.GetIdx() in pose:
            continue
        (parent,) = atom.GetNeighbors()
        about = [parent.GetIdx(), *(each.GetIdx() for each in parent.GetNeighbors() if each.GetIdx() in pose)]
        if len(about) < 3:
            further = (each.GetIdx() for i in about[1:] for each in mol.GetAtomWithIdx(i).GetNeighbors())
            about = list(dict.fromkeys([*about, *(i for i in further if i in pose)]))
        x[atom.GetIdx()] = _carried(before[atom.GetIdx()], before[about], x[about])
    return x


def _carried(point: Floats, before: Floats, after: Floats) -> Floats:
    """Where a point goes with the rotation and translation that bring some points nearest to others."""
    centre, target = before.mean(axis=0), after.mean(axis=0)
    left, _, right = np.linalg.svd((before - centre).T @ (after - target))
    sign = np.sign(np.linalg.det(left @ right))
    rotation = left @ np.diag([1.0, 1.0, sign]) @ right
    return np.asarray((point - centre) @ rotation + target)


def _moved(ligand: Ligand, x: Floats, receptor: Receptor) -> Ligand:
    mol = Chem.Mol(ligand.mol)
    mol.GetConformer().SetPositions(np.ascontiguousarray(x))
    return Ligand(name=ligand.name, mol=mol, source=f"{ligand.source}, docked into {receptor.name} by Vina")


def _modes(poses: Sequence[PlacedLigand]) -> tuple[PlacedLigand, ...]:
    """The best pose, and others that score nearly as well and lie elsewhere."""
    kept: list[PlacedLigand] = []
    for pose in sorted(poses, key=lambda each: each.score):
        if kept and pose.score - kept[0].score > MODES_WITHIN:
            break
        if all(pose_rmsd(pose.ligand.mol, other.ligand.mol) > MODES_APART for other in kept):
            kept.append(replace(pose, mode=len(kept)))
    return tuple(kept)
