"""Ligands as the chemist drew and placed them: one molecule, every hydrogen, one 3D structure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from bindfe.chem.checks import check_molecule
from bindfe.chem.molecule import CHARGES_FIELD, content_of, partial_charges_of, positions_nm, smiles_of
from bindfe.chem.moleculefile import FileRecord, parse_record, read_file_records
from bindfe.errors import InputError
from bindfe.store import write_text

_LONGEST_NAME = 64
_RESERVED = frozenset({"figures", "protocol.yaml", "manifest.json", "prediction.json", "predictions.csv"}) | {
    "report.html",
    "events.jsonl",
    "receptor.cif",
    "receptor.json",
    "ligands.json",
    "ligands.sdf",
    "poses.sdf",
    "network.json",
    "network.svg",
}
"""Names that a run directory uses itself, beside one folder for each ligand."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Ligand:
    """A molecule that binds, in the frame of its receptor."""

    name: str
    """Its title, made safe for a file name."""
    mol: Chem.Mol
    """RDKit molecule: every hydrogen an atom, one 3D conformer, stereo set from it; not to be changed."""
    source: str
    """File and record that it was read from."""
    placed: bool = True
    """Whether the coordinates are somebody's pose; False for a structure that was made from a drawing or a SMILES."""

    @property
    def n_atoms(self) -> int:
        """Number of atoms, with hydrogens."""
        return int(self.mol.GetNumAtoms())

    @property
    def elements(self) -> tuple[str, ...]:
        """Element symbol of each atom, (N,)."""
        return tuple(atom.GetSymbol() for atom in self.mol.GetAtoms())

    @property
    def formal_charge(self) -> int:
        """Total charge [e]."""
        return int(Chem.GetFormalCharge(self.mol))

    @property
    def positions(self) -> NDArray[np.float64]:
        """Coordinates [nm], (N, 3)."""
        return positions_nm(self.mol)

    @property
    def partial_charges(self) -> NDArray[np.float64] | None:
        """Charges that the file gives [e], (N,); None if it gives none. See :func:`partial_charges_of`."""
        return partial_charges_of(self.mol)

    @property
    def smiles(self) -> str:
        """Canonical isomeric SMILES without hydrogens."""
        return smiles_of(self.mol)

    def content(self) -> bytes:
        """What the physics depends on, for fingerprints; see :func:`content_of`."""
        return content_of(self.mol)


def read_ligands(path: Path | str, names: Sequence[str] = ()) -> tuple[Ligand, ...]:
    """Read ligands from an SDF or MOL2 file, in file order, and refuse what cannot be simulated.

    Only the records that are asked for are parsed. A record without a title is called after the file.

    Args:
        path: SDF or MOL2 file; each record one molecule with hydrogens, placed in the receptor.
        names: Titles (or the names made from them) of the records to read; all if empty.

    Raises:
        InputError: The file cannot be read, a name is not in it or twice in it, or a molecule has
            missing hydrogens, no 3D structure, several fragments, unsupported elements, radicals or
            undefined stereochemistry. The message names the record and what to do.
    """
    records = read_file_records(Path(path))
    labels = _labels(records)
    _check_names(records, labels, names)
    return tuple(
        _read_ligand(record, label)
        for record, label in zip(records, labels, strict=True)
        if not names or _is_in(record, label, names)
    )


def write_ligands(ligands: Sequence[Ligand], path: Path | str) -> None:
    """Write ligands as an SDF that :func:`read_ligands` reads back: names, coordinates (0.0001 A), partial charges.

    Raises:
        StoreError: The file cannot be written.
    """
    write_text(Path(path), "".join(map(_record, ligands)))


def _record(ligand: Ligand) -> str:
    mol = Chem.Mol(ligand.mol)
    mol.SetProp("_Name", ligand.name)
    charges = ligand.partial_charges
    values = "" if charges is None else " ".join(f"{charge:.6f}" for charge in charges)
    field = f">  <{CHARGES_FIELD}>\n{values}\n\n" if values else ""
    for atom in mol.GetAtoms():  # the coordinates say it; a wedge would turn its bond's ends round
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    return f"{Chem.MolToV3KMolBlock(mol)}{field}$$$$\n"


def _read_ligand(record: FileRecord, name: str) -> Ligand:
    mol = parse_record(record)
    check_molecule(mol, place=record.place)
    return Ligand(name=name, mol=mol, source=f"{record.path}, record {record.number}")


def _is_in(record: FileRecord, label: str, names: Sequence[str]) -> bool:
    return record.title in names or label in names


def _check_names(records: Sequence[FileRecord], labels: Sequence[str], names: Sequence[str]) -> None:
    path = records[0].path
    for name in names:
        if not any(_is_in(record, label, (name,)) for record, label in zip(records, labels, strict=True)):
            raise InputError(f"{path}: no ligand '{name}' in it; it holds {', '.join(labels)}")


def _labels(records: Sequence[FileRecord]) -> tuple[str, ...]:
    """One name for each record: safe as a folder's name, and no two alike on any file system."""
    path = records[0].path
    blank = path.stem if len(records) == 1 else path.stem + "-{}"
    titles = [record.title or blank.format(record.number) for record in records]
    twice = [title for title, count in Counter(titles).items() if count > 1]
    if twice:
        numbers = [str(record.number) for record, title in zip(records, titles, strict=True) if title == twice[0]]
        raise InputError(f"{path}: records {', '.join(numbers)} are all called '{twice[0]}'; give each its own title")
    return safe_names(titles)


def safe_names(titles: Sequence[str]) -> tuple[str, ...]:
    """Titles, no two equal, as file names of which no two are alike on any file system, capitals apart or not."""
    safe = [safe_name(title) for title in titles]
    alike = Counter(name.lower() for name in safe)
    return tuple(
        name if alike[name.lower()] == 1 else _with_digest(name, title)
        for name, title in zip(safe, titles, strict=True)
    )


def safe_name(title: str) -> str:
    """A title as a file name: letters, digits, ``._+-``, at most 64, none that a run directory uses."""
    name = re.sub(r"[^A-Za-z0-9._+-]+", "_", title).lstrip(".-") or "ligand"
    return _with_digest(name, title) if len(name) > _LONGEST_NAME or name.lower() in _RESERVED else name


def possible_names(title: str) -> tuple[str, ...]:
    """What a ligand of a title may be called: the title, its file name, and that where another is alike."""
    return title, safe_name(title), _with_digest(safe_name(title), title)


def _with_digest(name: str, title: str) -> str:
    return f"{name[: _LONGEST_NAME - 9]}-{hashlib.sha256(title.encode()).hexdigest()[:8]}"
