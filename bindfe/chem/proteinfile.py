"""Protein structures as lists of atoms: PDB and mmCIF read and PDB written, without any chemistry toolkit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bindfe.chem.moleculefile import read_text
from bindfe.errors import InputError

PDB_SUFFIXES = frozenset({".pdb", ".ent"})
"""Files in the PDB format."""

CIF_SUFFIXES = frozenset({".cif", ".mmcif", ".pdbx"})
"""Files in the PDBx/mmCIF format."""

_TOKEN = re.compile(r"""'(?:[^']|'(?=\S))*'|"(?:[^"]|"(?=\S))*"|\S+""")
_CHAIN_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LONGEST_NUMBER = 9999  # four columns of a PDB line
_NO_CELL_A = 1.0  # edges of the cell in files that have none
_SIGN = re.compile(r"\d?[+-]$")
_CHARMM_IONS = {"SOD": "NA", "CLA": "CL", "POT": "K", "CAL": "CA", "CES": "CS", "LIT": "LI", "RUB": "RB"} | {
    **{"BAR": "BA", "CAD": "CD", "ZN2": "ZN"},
    **{"CIP": "NA", "CIM": "CL"},  # Amber's old ones
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ProteinAtom:
    """One atom of a structure file."""

    name: str
    """Its name in the residue: ``CA``."""
    residue: str
    """Name of the residue: ``HIS``."""
    chain: str
    """Name of the chain; may be empty."""
    number: int
    """Number of the residue in the file."""
    insertion: str = ""
    """Insertion code; mostly empty."""
    alternate: str = ""
    """Alternate location; mostly empty."""
    element: str
    """Symbol: ``C``, ``Zn``."""
    position: tuple[float, float, float]
    """Coordinates [nm]."""
    occupancy: float = 1.0
    """Share of the crystal's cells in which the atom is here."""
    b_factor: float = 0.0
    """What stands in the column of B factors [A^2]; in a predicted model its confidence."""

    @property
    def site(self) -> Site:
        """The residue that it belongs to."""
        return (self.chain, self.number, self.insertion)

    @property
    def label(self) -> str:
        """How its residue is named to a user: ``A:HIS31``."""
        return f"{self.chain}:{self.residue}{self.number}{self.insertion}"

    @property
    def called(self) -> frozenset[str]:
        """What ``receptor.drop`` may call it by: its residue's name or label, or its chain as ``A:``."""
        return frozenset((self.residue, self.label, f"{self.chain}:"))


Site = tuple[str, int, str]
"""Chain, number and insertion code of a residue."""

Residue = tuple[ProteinAtom, ...]
"""Atoms of one residue, in the file's order."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProteinStructure:
    """A structure file as atoms, in the file's order."""

    atoms: tuple[ProteinAtom, ...]
    """The first model's atoms."""
    sequences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Residues of each chain as crystallised (SEQRES), by chain; empty if the file does not say."""
    n_models: int = 1
    """Models in the file; only the first is read."""
    source: str = ""
    """The file."""
    cell: tuple[float, ...] = ()
    """Edges a, b, c [nm] and angles alpha, beta, gamma [deg] of the crystal's cell or the box; empty without one."""


def read_structure(path: Path) -> ProteinStructure:
    """Read a PDB or mmCIF file.

    Raises:
        InputError: The file cannot be read, has no atoms, or a line of it is not what the format says.
    """
    return parse_structure(read_text(path), source=str(path), cif=path.suffix.lower() in CIF_SUFFIXES)


def parse_structure(text: str, *, source: str, cif: bool) -> ProteinStructure:
    """Read PDB (or mmCIF) text; see :func:`read_structure`."""
    structure = _parse_cif(text, source) if cif else _parse_pdb(text, source)
    if not structure.atoms:
        form = "_atom_site rows" if cif else "ATOM lines"
        raise InputError(f"{source}: holds no {form}; give the protein as a PDB or mmCIF file")
    return structure


def _parse_pdb(text: str, source: str) -> ProteinStructure:
    atoms, sequences, models = [], dict[str, list[str]](), 0
    cell: tuple[float, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        kind = line[:6].strip()
        if kind == "MODEL":
            models += 1
        elif kind == "SEQRES":
            sequences.setdefault(line[11:12].strip(), []).extend(line[19:].split())
        elif kind == "CRYST1":
            cell = _cell([line[i : i + n] for i, n in ((6, 9), (15, 9), (24, 9), (33, 7), (40, 7), (47, 7))])
        elif kind in ("ATOM", "HETATM") and models <= 1:
            atoms.append(_pdb_atom(line, f"{source}, line {number}"))
    return ProteinStructure(
        atoms=tuple(atoms),
        sequences={chain: tuple(names) for chain, names in sequences.items()},
        n_models=max(1, models),
        source=source,
        cell=cell,
    )


def _cell(words: Sequence[str]) -> tuple[float, ...]:
    """Edges [nm] and angles [deg] from six words [A, deg]; empty if they are not all numbers, or mean no cell."""
    numbers = [_number(word) for word in words]
    if min(numbers, default=0.0) <= _NO_CELL_A:
        return ()
    return (*(0.1 * edge for edge in numbers[:3]), *numbers[3:])


def _number(word: str) -> float:
    """A number; 0 if it is none."""
    try:
        return float(word)
    except ValueError:
        return 0.0


def _pdb_atom(line: str, place: str) -> ProteinAtom:
    try:
        x, y, z = (0.1 * float(line[start : start + 8]) for start in (30, 38, 46))
        number = int(line[22:26])
        occupancy = float(line[54:60].strip() or 1.0)
    except ValueError:
        raise InputError(
            f"{place}: residue number, coordinates or occupancy are not numbers in the columns of the PDB format: "
            f"'{line.rstrip()}'; export the file again, or as mmCIF"
        ) from None
    name, residue = line[12:16].strip(), line[17:21].strip()
    element = _element(line[76:78].strip(), line[12:16], residue)
    return ProteinAtom(
        name=name,
        residue=_usual_ion(residue, element),
        chain=line[21:22].strip(),
        number=number,
        insertion=line[26:27].strip(),
        alternate=line[16:17].strip(),
        element=element,
        position=(x, y, z),
        occupancy=occupancy,
        b_factor=_number(line[60:66]),
    )


def _usual_ion(residue: str, element: str) -> str:
    """The PDB's name of an ion that another program calls ``SOD``, ``Na+`` or ``ZN2``; any other name as it is."""
    name = _CHARMM_IONS.get(residue, _SIGN.sub("", residue).upper())
    return name if name == element.upper() else residue


def _element(given: str, columns: str, residue: str) -> str:
    """Symbol from its own columns, else from where the name begins: two letters start one column earlier."""
    if given.isalpha():
        return given.capitalize()
    letters = "".join(c for c in columns if c.isalpha())
    if columns.strip() == residue and residue in _CHARMM_IONS:
        return _CHARMM_IONS[residue].capitalize()
    two = columns[:2].strip().capitalize()
    if len(two) == 2 and two.isalpha() and columns.strip().upper() == residue.upper():
        return two  # an ion is named after its element: CA of residue CA is calcium
    return letters[:1].upper() or "X"


def _parse_cif(text: str, source: str) -> ProteinStructure:
    tables = dict(cif_tables(text))
    rows = tables.get("_atom_site", [])
    models = list(dict.fromkeys(row.get("pdbx_PDB_model_num", "1") for row in rows))
    atoms = tuple(
        _cif_atom(row, f"{source}, _atom_site row {number}")
        for number, row in enumerate(rows, start=1)
        if row.get("pdbx_PDB_model_num", "1") == models[0]
    )
    sequences: dict[str, list[str]] = {}
    for row in tables.get("_pdbx_poly_seq_scheme", []):
        sequences.setdefault(_blank(row.get("pdb_strand_id", "")), []).append(row.get("mon_id", ""))
    return ProteinStructure(
        atoms=atoms,
        sequences={chain: tuple(names) for chain, names in sequences.items()},
        n_models=max(1, len(models)),
        source=source,
        cell=_cell([tables.get("_cell", [{}])[0].get(key, "") for key in _CELL_KEYS]),
    )


_CELL_KEYS = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")


def _cif_atom(row: Mapping[str, str], place: str) -> ProteinAtom:
    def author(key: str) -> str:
        return _blank(row.get(f"auth_{key}", "")) or _blank(row.get(f"label_{key}", ""))

    try:
        x, y, z = (0.1 * float(row[f"Cartn_{axis}"]) for axis in "xyz")
        number = int(author("seq_id"))
        occupancy = float(_blank(row.get("occupancy", "")) or 1.0)
        element = row["type_symbol"].capitalize()
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{place}: {error}: coordinates, residue number and type_symbol are needed; export the file again"
        ) from None
    return ProteinAtom(
        name=author("atom_id"),
        residue=_usual_ion(author("comp_id"), element),
        chain=author("asym_id"),
        number=number,
        insertion=_blank(row.get("pdbx_PDB_ins_code", "")),
        alternate=_blank(row.get("label_alt_id", "")),
        element=element,
        position=(x, y, z),
        occupancy=occupancy,
        b_factor=_number(row.get("B_iso_or_equiv", "")),
    )


def _blank(text: str) -> str:
    return "" if text in ("?", ".") else text


def cif_tables(text: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Each category of a CIF file (``_atom_site``) with its rows; a category without ``loop_`` has one row."""
    tokens = _cif_tokens(text)
    names: list[str] = []
    values: list[str] = []
    single: dict[str, dict[str, str]] = {}
    looping = False
    for token, quoted in tokens:
        word = token.lower()
        if not quoted and (word == "loop_" or word.startswith("data_")):
            yield from _cif_rows(names, values)
            names, values, looping = [], [], word == "loop_"
        elif not quoted and token.startswith("_"):
            if values:  # the loop has ended
                yield from _cif_rows(names, values)
                names, values, looping = [], [], False
            if looping:
                names.append(token)
            else:
                category, _, key = token.partition(".")
                single.setdefault(category, {})[key] = next(tokens, ("", False))[0]
        else:
            values.append(token)
    yield from _cif_rows(names, values)
    for category, row in single.items():
        yield category, [row]


def _cif_rows(names: Sequence[str], values: Sequence[str]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    if names and values:
        keys = [name.partition(".")[2] for name in names]
        n = len(keys)
        yield (
            names[0].partition(".")[0],
            [dict(zip(keys, values[i : i + n], strict=False)) for i in range(0, len(values) - n + 1, n)],
        )


def _cif_tokens(text: str) -> Iterator[tuple[str, bool]]:
    """Words of a CIF file, and whether they were quoted."""
    block: list[str] | None = None
    for line in text.splitlines():
        if line.startswith(";"):
            if block is None:
                block = [line[1:]]
            else:
                yield "\n".join(block), True
                block = None
        elif block is not None:
            block.append(line)
        else:
            for token in _TOKEN.findall(line):
                if token.startswith("#"):
                    break
                quoted = token[0] in "'\"" and len(token) > 1 and token[-1] == token[0]
                yield (token[1:-1] if quoted else token), quoted


def write_pdb(chains: Iterable[Sequence[ProteinAtom]], sequences: Mapping[str, Sequence[str]] | None = None) -> str:
    """Write chains of atoms as PDB text, a TER after each.

    Chains get letters in their order where a name is longer than one; SEQRES lines are written for ``sequences``.

    Raises:
        InputError: A residue's number has more than four digits.
    """
    lines = list(_seqres(sequences or {}))
    serial = 0
    for chain in chains:
        for atom in chain:
            serial += 1
            lines.append(_pdb_line(atom, serial))
        lines.append("TER")
    return "\n".join([*lines, "END", ""])


def _seqres(sequences: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for chain, names in sequences.items():
        for row, start in enumerate(range(0, len(names), 13), start=1):
            yield f"SEQRES {row:>3} {chain or ' '} {len(names):>4}  " + " ".join(
                f"{n:>3}" for n in names[start : start + 13]
            )


def _pdb_line(atom: ProteinAtom, serial: int) -> str:
    if not -999 <= atom.number <= _LONGEST_NUMBER:
        raise InputError(f"{atom.label}: its number does not fit four columns; renumber the residues of the file")
    name = atom.name if len(atom.name) == 4 or len(atom.element) == 2 else f" {atom.name}"
    x, y, z = (10 * value for value in atom.position)
    return (
        f"ATOM  {serial % 100000:>5} {name:<4} {atom.residue:<4}{atom.chain or ' '}{atom.number:>4}"
        f"{atom.insertion or ' '}   {x:8.3f}{y:8.3f}{z:8.3f}{1:6.2f}{0:6.2f}          {atom.element.upper():>2}"
    )


def letters_for(chains: Sequence[str]) -> dict[str, str]:
    """One letter for each chain's name: its own if it has one, else the next that is free.

    Raises:
        InputError: There are more chains than letters.
    """
    taken = {name for name in chains if len(name) == 1}
    free = iter(letter for letter in _CHAIN_LETTERS if letter not in taken)
    found = {}
    for name in dict.fromkeys(chains):
        letter = name if len(name) == 1 else next(free, "")
        if not letter:
            raise InputError(f"the structure has more than {len(_CHAIN_LETTERS)} chains; keep those around the site")
        found[name] = letter
    return found
