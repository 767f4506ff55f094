"""What a structure file says of its sequence: where the crystallised protein is not that of the database."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bindfe.chem.proteinfile import Site, cif_tables

_THREE = {
    "A": "ALA", "C": "CYS", "D": "ASP", "E": "GLU", "F": "PHE", "G": "GLY", "H": "HIS", "I": "ILE", "K": "LYS",
    "L": "LEU", "M": "MET", "N": "ASN", "P": "PRO", "Q": "GLN", "R": "ARG", "S": "SER", "T": "THR", "V": "VAL",
    "W": "TRP", "Y": "TYR",
}  # fmt: skip
_ONE = {three: one for one, three in _THREE.items()}
_NAMES = "".join(_THREE)
_WORD = re.compile(rf"\b(?:([{_NAMES}])(\d{{2,4}})([{_NAMES}])|({'|'.join(_ONE)})-?(\d{{1,4}})-?({'|'.join(_ONE)}))\b")
_NUMBER = re.compile(r"-?[0-9]+")
_HEADS = ("TITLE ", "COMPND", "KEYWDS")
_CIF_HEADS = (("_struct", "title"), ("_entity", "pdbx_mutation"), ("_entity", "pdbx_description"))
_BY_NAME = frozenset((*(head.strip() for head in _HEADS), *(f"{category}.{key}" for category, key in _CIF_HEADS)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One residue that is another than the database's, or that only one of both has."""

    site: Site
    """Where it is in the file; the chain is empty where the file does not say it."""
    residue: str
    """What the file says to have there; empty for a deletion."""
    wild_type: str
    """What the database has there; empty for a tag or an insertion."""
    kind: str
    """The file's word for it, in lower case: ``engineered mutation``."""
    source: str
    """Where the file says so: ``SEQADV``."""

    @property
    def short(self) -> str:
        """``M978A``; the names in full where one of them has no letter."""
        ends = [_ONE.get(name, name) for name in (self.wild_type, self.residue)]
        return f"{ends[0]}{self.site[1]}{ends[1]}"


def read_differences(text: str) -> tuple[Difference, ...]:
    """Rows of SEQADV, or of ``_struct_ref_seq_dif``, and mutations by name (``T790M``) in a file's title.

    Args:
        text: PDB or mmCIF text.

    Returns:
        Each site once, as it is told first. Rows whose numbers are none are left out.
    """
    rows = tuple(_of_cif(text) if "_atom_site." in text else _of_pdb(text))
    told = tuple(each for each in rows if each.site[0] or each.source not in _BY_NAME)
    known = {each.short for each in told}
    named = {each.short: each for each in rows if each not in told and each.short not in known}
    return (*told, *named.values())


def says_mutant(text: str) -> bool:
    """Whether the file says that a molecule of it is mutated, by a word that does not say where."""
    if "_atom_site." in text:
        rows = dict(cif_tables(text)).get("_entity", [])
        return any(row.get("pdbx_mutation", "?").lower() not in ("?", ".", "", "no", "none") for row in rows)
    heads = " ".join(line[10:].strip() for line in text.splitlines() if line.startswith("COMPND"))
    return re.search(r"\bMUTATION:\s*YES", heads.upper()) is not None


def _of_pdb(text: str) -> Iterator[Difference]:
    heads = []
    for line in text.splitlines():
        if line.startswith("SEQADV"):
            number = line[18:22].strip() or line[43:48].strip()  # a deletion has the database's number alone
            if _NUMBER.fullmatch(number):
                yield Difference(
                    site=(line[16:17].strip(), int(number), line[22:23].strip()),
                    residue=line[12:15].strip(),
                    wild_type=line[39:42].strip(),
                    kind=line[49:70].strip().lower(),
                    source="SEQADV",
                )
        elif line.startswith(_HEADS):
            heads.append(line[:6].strip() + " " + line[10:].strip())
    for head in heads:
        word, _, rest = head.partition(" ")
        yield from _named(rest, source=word)


def _of_cif(text: str) -> Iterator[Difference]:
    tables = dict(cif_tables(text))
    for row in tables.get("_struct_ref_seq_dif", []):
        cell = {key: "" if value in ("?", ".") else value for key, value in row.items()}
        number = cell.get("pdbx_auth_seq_num", "") or cell.get("pdbx_seq_db_seq_num", "")
        if _NUMBER.fullmatch(number):
            yield Difference(
                site=(cell.get("pdbx_pdb_strand_id", ""), int(number), cell.get("pdbx_pdb_ins_code", "")),
                residue=cell.get("mon_id", "").upper(),
                wild_type=cell.get("db_mon_id", "").upper(),
                kind=cell.get("details", "").lower(),
                source="_struct_ref_seq_dif",
            )
    for category, key in _CIF_HEADS:
        for row in tables.get(category, []):
            yield from _named(row.get(key, ""), source=f"{category}.{key}")


def _named(words: str, *, source: str) -> Iterator[Difference]:
    """Mutations that a text names as ``T790M`` or ``MET978ALA``; ``C5A`` and the like are names of proteins."""
    for first, number, second, *long in _WORD.findall(words.upper()):
        before, at, after = (_THREE[first], number, _THREE[second]) if first else long
        if before != after:
            yield Difference(site=("", int(at), ""), residue=after, wild_type=before, kind="mutation", source=source)
