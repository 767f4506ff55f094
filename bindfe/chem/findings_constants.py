"""Measured values beside the constants that they were made from: a wrong unit, and a bound taken for a value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from bindfe.chem.affinity import affinity_rows
from bindfe.chem.constant_text import Measure, Relation, WrittenConstant, bare_bound, written_constants
from bindfe.chem.findings import Finding, warned
from bindfe.results import Affinity
from bindfe.units import KJ_PER_KCAL, kt_to_kcal

_AGREES: dict[Measure, tuple[float, float]] = {"affinity": (0.5, 0.5), "ic50": (1.5, 0.5), "ec50": (2.7, 2.7)}
"""By how much a value may lie below and above RT ln of its constant [kcal/mol].

In the shipped tables, and the public ones of TYK2, HIF-2 alpha and the main protease, the two are at most 0.01 apart.
0.5 is left for another temperature of the assay (0.48 from 298 to 310 K, at -12) and for means of several. An IC50 is
the Ki times 1 + [S]/Km (Cheng and Prusoff, Biochem. Pharmacol. 22, 3099 (1973), doi:10.1016/0006-2952(73)90196-2), so
that it is never smaller, and a factor of 12 is left; an EC50 of cells may be off either way, by a factor of 100. A
thousand is 4.1."""

_NO_TEXT = ("ligand", "smiles", "delta_g_kcal_mol", "standard_error_kcal_mol", "temperature_k")
_ELSEWHERE = re.compile(
    r"herg|cyp\d|cyto|toxic|off.?target|counter.?screen|selectiv|mutant|\bcell|solub|aggregat|permeab|\bcc50|\bcmc\b",
    re.IGNORECASE,
)
"""Words of a constant that is another protein's, or no binding at all."""

_ASIDE = re.compile(
    r"(?<![a-z])(?:sd|sem|se|std|stdev|err|error|ci|lod|loq|state|conformation|conformer)(?![a-z])", re.IGNORECASE
)
"""Words in a header of an error of a constant, of the limit of an assay, or of a protein's (in)active state."""

_NONE_SEEN = re.compile(
    r"(?:no|without)\s+(?:measurable|detectable|significant|specific|observable)?\s*"
    r"(?:binding|activity|inhibition|affinity|effect)(?:\s+(?:was\s+)?(?:observed|detected|measured|seen|found))?"
    r"(?:\s+(?:at|up to|below)\s.*)?"
    r"|no (?:rise|shift|change)\b.*"
    r"|(?:is\s+|was\s+)?(?:inactive|not active|non-?binder|non-?binding|not? bind(?:er|s|ing)?|does not bind|"
    r"not measurable|not reached|below (?:the )?(?:detection )?limit(?: of detection)?)(?:\s+(?:at|up to)\s.*)?",
    re.IGNORECASE,
)
_NOT_MEASURED = re.compile(
    r"n\.?\s?d\.?|n\.?\s?b\.?|n\.\s?i\.?|not (?:determined|detected|measured|tested)", re.IGNORECASE
)
_OF_VALUE = re.compile(r"assay|activity|affinity|binding|inhib|result|value|K_?[dia]|IC_?50|EC_?50", re.IGNORECASE)
_NAMED = re.compile(
    r"^\W*p?(?:K_?[dia]|IC[ _]?50|EC[ _]?50|delta[ _]?g|dg|value|activity|assay)\b[\s:=]*", re.IGNORECASE
)
_SIGNS: dict[str, Relation] = {">": ">", ">=": ">", "≥": ">", ">>": ">", "<": "<", "<=": "<", "≤": "<", "<<": "<"}


def constant_findings(path: Path | str, names: Sequence[str]) -> tuple[Finding, ...]:
    """Values that disagree with a constant in their own line, and values that are bounds.

    Any column of the line may have the constant, its name in the cell or in the header: ``assay`` with ``Ki 2.5 nM``,
    or ``IC50_uM`` with ``> 10``.

    Args:
        path: A table that can be read.
        names: The ligands that are calculated; other lines are not looked at.

    Raises:
        InputError: The table cannot be read.
    """
    rows = [(affinity, _cells(row)) for affinity, row in affinity_rows(path) if affinity.ligand in names]
    return tuple(finding for affinity, cells in rows for finding in _of_row(affinity, cells))


def _of_row(affinity: Affinity, cells: Mapping[str, str]) -> Iterable[Finding]:
    constants = [each for header, cell in cells.items() for each in constants_of(header, cell)]
    bound = _bound(cells, constants)
    if bound is not None:
        yield _bounded(affinity, *bound)
        return
    if constants and not any(agree(affinity, each) for each in constants):
        yield _apart(affinity, min(constants, key=lambda each: abs(_above(affinity, each))))


def _cells(row: Mapping[str, str]) -> Mapping[str, str]:
    """Cells that may say something of the constant, by header; type, relation, value and unit of ChEMBL as one."""
    plain = {re.sub(r"^standard|[\s_]", "", name.lower()): text.strip("'\" ") for name, text in row.items()}
    told = {name: text for name, text in row.items() if text and name.lower() not in _NO_TEXT}
    told = {name: text for name, text in told.items() if not _ASIDE.search(name)}
    cells = {name: text for name, text in told.items() if not _ELSEWHERE.search(f"{name} {text}")}
    unit = plain.get("unit") or plain.get("units") or ""
    split = [plain.get(name, "") for name in ("type", "relation", "value")]
    if unit and split[0] and split[2]:
        return {**cells, "": " ".join([*split, unit])}
    return {name: f"{text} {unit}" if unit and _is_number(text) else text for name, text in cells.items()}


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[<>≤≥=~]*\s*[\d.,]+(?:e[-+]?\d+)?", text, re.IGNORECASE) is not None


def constants_of(header: str, cell: str) -> tuple[WrittenConstant, ...]:
    """Those in the cell; with the header's name in front of it, if it is a number."""
    return written_constants(cell) or (written_constants(f"{header} {cell}") if _is_number(cell.split(" ")[0]) else ())


def _bound(cells: Mapping[str, str], constants: Sequence[WrittenConstant]) -> tuple[str, Relation | None] | None:
    """What says that a value is a bound, and which; None if nothing does, or a constant is given as well."""
    if any(each.relation == "=" for each in constants):
        return None
    for each in constants:
        return each.text, each.relation
    for header, cell in cells.items():
        sign = _SIGNS.get(cell.strip("'\" "))
        if sign is not None:
            return f"{header} {cell}", sign
        for part in (_NAMED.sub("", each.strip(" .")) for each in re.split(r"[,;()]", cell)):
            relation = bare_bound(part)
            silent = _NOT_MEASURED.fullmatch(part) and _OF_VALUE.match(header)
            if relation is not None or silent or _NONE_SEEN.fullmatch(part):
                return part, relation
    return None


def _bounded(affinity: Affinity, text: str, relation: Relation | None) -> Finding:
    value = f"{affinity.delta_g_kcal_mol:g} kcal/mol"
    way = {">": "weaker", "<": "stronger"}.get(relation or "")
    means = f"a bound: it binds {way} than that, by any amount" if way else "no measurement of a constant"
    return warned(
        "measured-bound",
        f"its measured value of {value} stands beside '{text}', which is {means}",
        advice="leave its line out of ligands.measured, as of the non-binders of systems/t4-lysozyme-l99a; the tables "
        f"of bindfe calibrate take a bound, '{relation or '>'} {affinity.delta_g_kcal_mol:g}', in place of a value",
        ligand=affinity.ligand,
    )


def _above(affinity: Affinity, constant: WrittenConstant) -> float:
    """How much weaker the value is than its constant [kcal/mol]."""
    return affinity.delta_g_kcal_mol - constant.delta_g_kcal_mol(affinity.temperature)


def agree(affinity: Affinity, constant: WrittenConstant) -> bool:
    """Whether a value may come from a constant, by the kind of it."""
    below, above = _AGREES[constant.measure]
    return -below <= _above(affinity, constant) <= above


def _apart(affinity: Affinity, constant: WrittenConstant) -> Finding:
    expected, above = constant.delta_g_kcal_mol(affinity.temperature), _above(affinity, constant)
    decades = abs(above) / _decade(affinity)
    return warned(
        "measured-constant",
        f"its measured value of {affinity.delta_g_kcal_mol:g} kcal/mol and '{constant.text}' in the same line, which "
        f"is {expected:.2f} kcal/mol at {affinity.temperature:g} K, are {abs(above):.1f} kcal/mol apart, a factor of "
        f"{float(f'{10**decades:.2g}'):g}",
        advice=_advice(affinity, constant),
        ligand=affinity.ligand,
    )


def _decade(affinity: Affinity) -> float:
    """RT ln 10 [kcal/mol]."""
    return kt_to_kcal(math.log(10.0), affinity.temperature)


_SLIPS: tuple[tuple[Callable[[float, float, float], float], str], ...] = (
    (lambda expected, log10, decade: -expected, "its sign is turned: negative binds"),
    (lambda expected, log10, decade: expected * KJ_PER_KCAL, "it is in kJ/mol: divide by 4.184"),
    (lambda expected, log10, decade: expected / math.log(10.0), "log10 was taken for ln: multiply by 2.303"),
    (lambda expected, log10, decade: log10, "that is log10 of the constant: multiply by RT ln 10"),
    (lambda expected, log10, decade: -log10, "that is its p, -log10: multiply by -RT ln 10"),
    (lambda expected, log10, decade: log10 * math.log(10.0), "that is ln of the constant: multiply by RT"),
)


_LADDER = ("M", "mM", "uM", "nM", "pM", "fM", "aM")


def _unit_of(constant: WrittenConstant) -> str:
    """The unit that a constant is written in, by a thousand each; nM where it has none that is one of them."""
    found = re.search(r"(?<![A-Za-z])([mu\u03bcnpf])M(?![A-Za-z])", constant.text)
    return f"{found.group(1)}M".replace("\u03bc", "u") if found else "nM"


def _advice(affinity: Affinity, constant: WrittenConstant) -> str:
    """What may have happened."""
    value, decade = affinity.delta_g_kcal_mol, _decade(affinity)
    expected = constant.delta_g_kcal_mol(affinity.temperature)
    thousands = _above(affinity, constant) / (3 * decade)
    if abs(thousands - round(thousands)) < 0.05 and 1 <= abs(round(thousands)) <= 3:
        written = _LADDER.index(_unit_of(constant))
        taken = _LADDER[max(0, min(written - round(thousands), len(_LADDER) - 1))]
        return f"was {_LADDER[written]} taken for {taken}? RT ln of the constant in mol/L is needed"
    for slip, words in _SLIPS:
        if abs(value - slip(expected, constant.log10, decade)) < 0.1:
            return words
    return "see which of the two was measured of this ligand: RT ln of the constant in mol/L is needed"
