"""Files of a series as numbered entries: SDF, MOL2, SMILES, CSV with a SMILES column, and a ligand cut from a PDB.

An entry that is not asked for is never parsed. What the file says about the molecule beside its structure
(a SMILES in a field of an SDF) travels with the entry.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rdkit import Chem, rdBase

from bindfe.chem.moleculefile import FileRecord, logged_reason, parse_record, read_file_records, read_text, sanitise
from bindfe.errors import InputError

SMILES_COLUMNS = ("smiles", "isomeric_smiles", "canonical_smiles", "smi")
"""Columns of a table, and fields of an SDF, that hold a SMILES; the first that is there counts, in any case, with
blanks or dashes for underscores."""

_TITLE_COLUMNS = (
    *("name", "ligand", "title", "compound", "molecule", "species"),
    *(f"{what}_name" for what in ("ligand", "compound", "molecule")),
    *("id", "ligand_id", "compound_id", "molecule_id", "mol_id", "molecule_chembl_id"),
)
_LINES = frozenset({".smi", ".smiles", ".ism"})
_TABLES = frozenset({".csv", ".tsv"})
_PDB = frozenset({".pdb", ".ent"})
_WATER = frozenset({"HOH", "WAT", "DOD", "H2O"})
_LONGEST_SMILES = 5000
"""Characters; a ligand of 200 atoms takes some 500."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One molecule of a series, as the file has it."""

    record: FileRecord
    """Its place and its text: a record of an SDF or MOL2, a line of SMILES, or the lines of a PDB."""
    title: str
    """What the file calls it; made from the file's name where it says nothing."""


def read_entries(path: Path) -> tuple[Entry, ...]:
    """Split the file of a series into its entries without parsing them.

    Raises:
        InputError: The file is missing, empty, not text, or of another kind; a table has no SMILES column.
    """
    kind = path.suffix.lower()
    if kind in _LINES:
        records = tuple(_line_records(path))
    elif kind in _TABLES:
        records = tuple(_table_records(path))
    elif kind in _PDB:
        records = (_pdb_record(path),)
    elif kind in {".sdf", ".mol", ".mol2"}:
        records = read_file_records(path)
    else:
        raise InputError(f"{path}: '{path.suffix}' is not read; give ligands as .sdf, .mol2, .smi, .csv or .pdb")
    if not records:
        raise InputError(f"{path}: holds no molecule; write one SMILES a line into it")
    blank = path.stem if len(records) == 1 else path.stem + "-{}"
    return tuple(Entry(record=record, title=record.title or blank.format(record.number)) for record in records)


def parse_entry(entry: Entry) -> Chem.Mol:
    """Turn an entry into a sanitised molecule with the hydrogens, order and coordinates that the file gives.

    Stereochemistry is set from what there is: the structure if it is one, wedges in a drawing, marks in a SMILES.

    Raises:
        InputError: It cannot be read or its chemistry is impossible; the message has the reason.
    """
    if entry.record.kind == "smiles":
        return _parse_smiles(entry.record)
    if entry.record.kind == "pdb":
        return _parse_pdb(entry.record)
    mol = parse_record(entry.record)
    if mol.GetNumConformers() and not mol.GetConformer().Is3D():
        with rdBase.BlockLogs():
            Chem.DetectBondStereochemistry(mol)
            Chem.AssignChiralTypesFromBondDirs(mol)
            Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
    return mol


def given_smiles(mol: Chem.Mol) -> str:
    """The SMILES that an SDF gives beside its structure, as written; empty if it gives none."""
    fields = {_key(str(name)): str(name) for name in mol.GetPropNames()}
    return next((str(mol.GetProp(fields[name])).strip() for name in SMILES_COLUMNS if name in fields), "")


def parse_smiles(smiles: str) -> Chem.Mol | None:
    """A molecule from SMILES, with its CXSMILES extensions and name if it has any; None if it is none."""
    if len(smiles) > _LONGEST_SMILES:
        return None
    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(smiles)


def _line_records(path: Path) -> Iterator[FileRecord]:
    """One molecule a line: SMILES, blank, name. Lines with ``#`` and a header are left out."""
    lines = read_text(path).splitlines()
    for number, line in enumerate(lines, start=1):
        words = line.split(maxsplit=1)
        if not words or words[0].startswith("#") or (number == 1 and words[0].lower() in SMILES_COLUMNS):
            continue
        mol = parse_smiles(line)
        title = str(mol.GetProp("_Name")) if mol is not None and mol.HasProp("_Name") else " ".join(words[1:])
        yield FileRecord(path=path, number=number, title=title.strip(), text=line.strip(), kind="smiles")


def _table_records(path: Path) -> Iterator[FileRecord]:
    text = read_text(path)
    header = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        columns = {_key(str(name)): name for name in reader.fieldnames or ()}
        smiles = _column(columns, SMILES_COLUMNS)
        title = _column(columns, _TITLE_COLUMNS)
        if smiles is None:
            found = ", ".join(map(str, reader.fieldnames or ())) or "none"
            raise InputError(f"{path}, line 1: no column 'smiles' (it has {found}); name the column of SMILES so")
        for row in reader:
            text = (row[smiles] or "").strip()
            name = (row[title] or "").strip() if title is not None else ""
            if text or name:
                yield FileRecord(path=path, number=reader.line_num, title=name, text=text, kind="smiles")
    except csv.Error as error:
        raise InputError(
            f"{path}, line {reader.line_num}: not a table ({error}); save it again as CSV in UTF-8"
        ) from error


def _key(name: str) -> str:
    """A column's name as it is looked for: ``Molecule Name`` is ``molecule_name``."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _column(columns: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((columns[name] for name in names if name in columns), None)


def _parse_smiles(record: FileRecord) -> Chem.Mol:
    with rdBase.BlockLogs(), rdBase.CaptureErrorLog() as log:
        mol = Chem.MolFromSmiles(record.text) if len(record.text) <= _LONGEST_SMILES else None
        reason = logged_reason(log)
    if mol is None or mol.GetNumAtoms() == 0:
        shown = record.text if len(record.text) < 60 else record.text[:60] + "..."
        raise InputError(
            f"{record.place}: '{shown}' cannot be read as SMILES ({reason or 'no atoms'}); correct or remove the line"
        )
    return mol


def _pdb_record(path: Path) -> FileRecord:
    """The one residue of a PDB that is not water."""
    lines = [line for line in read_text(path).splitlines() if line.startswith(("ATOM  ", "HETATM", "CONECT"))]
    atoms = [line for line in lines if not line.startswith("CONECT") and line[17:20].strip() not in _WATER]
    residues = list(dict.fromkeys((line[17:20].strip(), line[21:27].strip()) for line in atoms))
    if len(residues) != 1:
        found = ", ".join(" ".join(residue) for residue in residues[:4]) or "no atom"
        raise InputError(
            f"{path}: holds {len(residues)} residues apart from water ({found}); a PDB of a ligand holds the ligand "
            "alone: cut it out"
        )
    marks = sorted({line[16] for line in atoms if line[16:17].strip()})
    if marks:
        raise InputError(
            f"{path}: the ligand has alternate locations {', '.join(marks)}; keep one, and write the other to a file "
            "of its own if both matter"
        )
    text = "\n".join([*atoms, *(line for line in lines if line.startswith("CONECT")), "END", ""])
    return FileRecord(path=path, number=1, title=residues[0][0], text=text, kind="pdb")


def _parse_pdb(record: FileRecord) -> Chem.Mol:
    """Atoms and the bonds that their distances show, all single: the bond orders come from a SMILES."""
    with rdBase.BlockLogs(), rdBase.CaptureErrorLog() as log:
        mol = Chem.MolFromPDBBlock(record.text, sanitize=False, removeHs=False, proximityBonding=True)
        reason = logged_reason(log)
    if mol is None or mol.GetNumAtoms() == 0:
        raise InputError(f"{record.place}: cannot be read as PDB ({reason or 'no atoms'}); write the file again")
    if sanitise(mol):  # single bonds alone may be impossible; the template decides
        mol.UpdatePropertyCache(strict=False)
    return mol
