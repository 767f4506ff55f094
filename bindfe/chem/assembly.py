"""What a structure file says of the biological assembly: which chains are copied, by which operations."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bindfe.chem.proteinfile import cif_tables

Floats = NDArray[np.float64]
Operation = tuple[str, Floats, Floats]
"""Name, rotation (3, 3) and shift [nm], (3,): x becomes R x + t."""

_ROW = re.compile(r"^REMARK 350\s+BIOMT([123])\s+(\d+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s*$")
_CHAINS = re.compile(r"^REMARK 350\s+(?:APPLY THE FOLLOWING TO|AND) CHAINS:(.*)$")
_MOST = 240
"""Operations of one assembly that are read; the shell of a virus has 60."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Copies:
    """Chains and the operations that make an assembly of them."""

    chains: tuple[str, ...]
    """Names of the chains, as the atoms have them."""
    operations: tuple[Operation, ...]
    """The operations, mostly with one that leaves all in place."""
    assembly: str = ""
    """Name of the assembly: chains of one name belong together."""


def read_assemblies(text: str) -> tuple[Copies, ...]:
    """The assemblies of a file, each chain in the first that has it.

    Args:
        text: PDB text with REMARK 350, or mmCIF text with ``_pdbx_struct_assembly_gen`` and
            ``_pdbx_struct_oper_list``.

    Returns:
        Chains with their operations; nothing where the file says nothing, or says it in numbers that are none.
    """
    cif = "_atom_site." in text
    try:
        return tuple(_first_of_each(_of_cif(text) if cif else _of_pdb(text)))
    except (ValueError, KeyError):
        return ()


def _first_of_each(groups: Iterator[tuple[str, Copies]]) -> Iterator[Copies]:
    """Chains in the first assembly that names them; an assembly may have several groups with the same chain."""
    owner: dict[str, str] = {}
    for name, each in groups:
        mine = tuple(chain for chain in each.chains if owner.setdefault(chain, name) == name)
        if mine:
            yield Copies(chains=mine, operations=each.operations, assembly=name)


def _of_pdb(text: str) -> Iterator[tuple[str, Copies]]:
    """Groups of REMARK 350, each with the number of its assembly."""
    name, chains, rows = "", list[str](), dict[str, list[list[float]]]()

    def done() -> Iterator[tuple[str, Copies]]:
        whole = {key: np.array(value) for key, value in rows.items() if len(value) == 3}
        if chains and whole:
            made = tuple((key, value[:, :3], 0.1 * value[:, 3]) for key, value in whole.items())
            yield name, Copies(chains=tuple(chains), operations=made)

    for line in text.splitlines():
        if not line.startswith("REMARK 350"):
            continue
        row, named = _ROW.match(line), _CHAINS.match(line)
        if "BIOMOLECULE:" in line or (named and rows):
            yield from done()
            rows = {}
            chains = []
            name = line.partition("BIOMOLECULE:")[2].strip() or name
        if named:
            chains += [chain.strip() for chain in named[1].split(",") if chain.strip()]
        elif row:
            rows.setdefault(row[2], []).append([float(word) for word in row.groups()[2:]])
    yield from done()


def _of_cif(text: str) -> Iterator[tuple[str, Copies]]:
    """Groups of ``_pdbx_struct_assembly_gen``, each with the id of its assembly."""
    tables = dict(cif_tables(text))
    named = {
        row["label_asym_id"]: row.get("auth_asym_id", row["label_asym_id"])
        for row in tables.get("_atom_site", [])
        if "label_asym_id" in row
    }
    single = {row["id"]: _matrix(row) for row in tables.get("_pdbx_struct_oper_list", [])}
    for row in tables.get("_pdbx_struct_assembly_gen", []):
        chains = dict.fromkeys(named.get(name, "") for name in row["asym_id_list"].split(","))
        made = tuple(_products(row["oper_expression"], single))
        yield row["assembly_id"], Copies(chains=tuple(name for name in chains if name), operations=made)


def _matrix(row: Mapping[str, str]) -> tuple[Floats, Floats]:
    turn = np.array([[float(row[f"matrix[{i}][{j}]"]) for j in (1, 2, 3)] for i in (1, 2, 3)])
    return turn, 0.1 * np.array([float(row[f"vector[{i}]"]) for i in (1, 2, 3)])


def _products(expression: str, single: Mapping[str, tuple[Floats, Floats]]) -> Iterator[Operation]:
    """Operations of an expression as ``1,2`` or ``(X0)(1-60)``, of which the last is applied first."""
    factors = re.findall(r"\(([^()]*)\)", expression) or [expression]
    ways = itertools.product(*(list(_named(factor)) for factor in factors))
    for names in itertools.islice(ways, _MOST):
        turn, shift = np.eye(3), np.zeros(3)
        for name in reversed(names):
            turn, shift = single[name][0] @ turn, single[name][0] @ shift + single[name][1]
        yield " ".join(names), turn, shift


def _named(factor: str) -> Iterator[str]:
    """Names of ``1,2,5-8``."""
    for word in factor.split(","):
        first, dash, last = word.strip().partition("-")
        if dash and first.isdigit() and last.isdigit():
            yield from map(str, range(int(first), int(last) + 1))
        else:
            yield word.strip()
