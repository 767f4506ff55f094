"""Molecule files as numbered records: SDF and MOL2, each record read on its own.

A record that is not asked for is never parsed, so one broken entry does not spoil a library. RDKit's
complaints are caught and returned in the error; nothing is printed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rdkit import Chem, rdBase

from bindfe.errors import InputError

_LOG_NOISE = ("moving", "Stacktrace", "---", "***", "Post-condition", "Pre-condition", "Violation", "Failed Expression")
_STACK_FRAME = re.compile(r"^\d+# ")
_BONDS = frozenset(
    {Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE, Chem.BondType.AROMATIC, Chem.BondType.DATIVE}
)
_MOL2_HEADER = "@<TRIPOS>MOLECULE"


@dataclass(frozen=True, kw_only=True, slots=True)
class FileRecord:
    """The text of one molecule in a file."""

    path: Path
    """File that it is from."""
    number: int
    """Its place in the file, from 1."""
    title: str
    """Its title line; may be empty."""
    text: str
    """The record as written."""
    kind: str
    """``sdf`` or ``mol2``."""

    @property
    def place(self) -> str:
        """How an error names the record."""
        return f"{self.path}, record {self.number}" + (f" ({self.title})" if self.title else "")


def read_file_records(path: Path) -> tuple[FileRecord, ...]:
    """Split an SDF or MOL2 file into its records without parsing them.

    Raises:
        InputError: The file is missing, empty, not text, or of another kind.
    """
    split = {".sdf": _split_sdf, ".mol": _split_sdf, ".mol2": _split_mol2}.get(path.suffix.lower())
    if split is None:
        raise InputError(f"{path}: '{path.suffix}' is not read; give the molecule as .sdf or .mol2")
    kind = "mol2" if path.suffix.lower() == ".mol2" else "sdf"
    texts = split(read_text(path))
    if not texts:
        raise InputError(f"{path}: holds no molecule; write at least one {kind.upper()} record into it")
    return tuple(
        FileRecord(path=path, number=number, title=_title(text, kind), text=text, kind=kind)
        for number, text in enumerate(texts, start=1)
    )


def read_text(path: Path) -> str:
    """The text of an input file.

    Raises:
        InputError: The file is missing, a directory, unreadable or not text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; check the path in the protocol") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file; uncompress it, or save it again as UTF-8 text") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def parse_record(record: FileRecord) -> Chem.Mol:
    """Turn a record into a sanitised molecule with the atoms, order and coordinates of the file.

    Raises:
        InputError: RDKit cannot read it or its chemistry is impossible; the message has the reason.
    """
    with rdBase.BlockLogs(), rdBase.CaptureErrorLog() as log:
        mol = _parse_mol2(record.text) if record.kind == "mol2" else _parse_sdf(record.text)
        reason = logged_reason(log)
    if mol is None:
        types = " with SYBYL atom types" if record.kind == "mol2" else ""
        raise InputError(
            f"{record.place}: cannot be read ({reason or 'not a molecule'}); export the molecule again{types}"
        )
    if mol.GetNumAtoms() == 0:
        raise InputError(f"{record.place}: has no atoms; remove the record or export the molecule again")
    unnamed = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 0 or atom.HasQuery()]
    if unnamed:
        raise InputError(
            f"{record.place}: atoms {', '.join(map(str, unnamed[:8]))} (from 0) are placeholders (R, *, A) and no "
            "elements; give one molecule"
        )
    strange = [bond for bond in mol.GetBonds() if bond.GetBondType() not in _BONDS]
    if strange:
        ends = ", ".join(f"{bond.GetBeginAtomIdx()}-{bond.GetEndAtomIdx()}" for bond in strange[:8])
        raise InputError(
            f"{record.place}: bonds {ends} (atoms counted from 0) are neither single, double, triple nor aromatic; "
            "correct their orders"
        )
    problems = sanitise(mol)
    if problems:
        raise InputError(
            f"{record.place}: impossible chemistry ({'; '.join(problems)}); atoms are counted from 0: "
            "correct bond orders and formal charges"
        )
    return mol


def sanitise(mol: Chem.Mol) -> list[str]:
    """Perceive rings, aromaticity and implicit hydrogens; what stands in the way, if anything does."""
    with rdBase.BlockLogs():
        try:
            problems = [problem.Message() for problem in Chem.DetectChemistryProblems(mol)]
            if not problems:
                Chem.SanitizeMol(mol)
        except Chem.MolSanitizeException as error:  # some valences show only once groups are cleaned up
            return [str(error)]
        except RuntimeError:  # a violated condition inside RDKit, which a broken record can reach
            return ["valences that cannot be worked out"]
    return problems


def _split_sdf(text: str) -> list[str]:
    records, lines = [], []
    for line in text.splitlines():
        lines.append(line)
        if line.startswith("$$$$"):
            records.append(lines)
            lines = []
    records.append(lines)
    return ["\n".join(lines) + "\n" for lines in records if any(line.strip(" $") for line in lines)]


def _split_mol2(text: str) -> list[str]:
    pieces = text.replace("\r\n", "\n").split(_MOL2_HEADER)[1:]
    return [_MOL2_HEADER + piece for piece in pieces]


def _title(text: str, kind: str) -> str:
    lines = text.splitlines()
    line = 1 if kind == "mol2" else 0
    title = lines[line].strip() if line < len(lines) else ""
    return "" if title == "*****" else title


def _parse_sdf(text: str) -> Chem.Mol | None:
    supplier = Chem.SDMolSupplier()
    supplier.SetData(text, sanitize=False, removeHs=False)
    return next(iter(supplier), None)


def _parse_mol2(text: str) -> Chem.Mol | None:
    return Chem.MolFromMol2Block(text, sanitize=False, removeHs=False)


def logged_reason(log: rdBase.CaptureErrorLog) -> str:
    """What RDKit logged, on one line, without time stamps, repetitions and stack traces."""
    try:
        messages = str(log.messages)
    except UnicodeDecodeError:  # RDKit quotes a column's bytes, which may cut a character in two
        return "a character that is not ASCII stands where a number or a symbol is due"
    lines = [re.sub(r"^\[[\d:]+\] *(ERROR:)?", "", line).strip() for line in messages.splitlines()]
    reasons = [line for line in lines if line and not line.startswith(_LOG_NOISE) and not _STACK_FRAME.match(line)]
    return "; ".join(list(dict.fromkeys(reasons))[:3])
