"""Constants of binding as people write them: ``Ki 2.5 nM``, ``pIC50 = 6.1``, ``Kd > 10 µM``, ``log Ka 9.5``.

What cannot be understood without doubt is left out: it is better to say nothing of a text than to misread it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from bindfe.units import kt_to_kcal

Relation = Literal["=", "<", ">"]
Measure = Literal["affinity", "ic50", "ec50"]

_FLIPPED: dict[Relation, Relation] = {"=": "=", "<": ">", ">": "<"}
_PREFIXES = {"": 0, "m": -3, "u": -6, "μ": -6, "mc": -6, "n": -9, "p": -12, "f": -15}
_LONG = {"milli": "m", "micro": "u", "nano": "n", "pico": "p", "femto": "f"}

_NAME = re.compile(
    r"(?<![A-Za-z])(?P<log>log\s*_?(?:10)?[\s_]*\(?)?(?P<p>p)?(?P<name>K_?[dia]|K|IC[ _]?50|EC[ _]?50)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"(?:(?P<short>mc|[munpfμ])?(?:M|mol\s*/\s*l|mol\s*l\^?-1|mol\s*dm\^?-3)|(?P<long>milli|micro|nano|pico|femto)?molar)"
    r"(?![A-Za-z0-9^-])",
    re.IGNORECASE,
)
_PER_MOLAR = re.compile(
    r"(?:1?/\s*M|M\s?\^?\(?-1\)?|l\s?/\s?mol)(?![A-Za-z0-9])(?![\s/.*·()]*(?:s|sec|min)\b)", re.IGNORECASE
)
_SIGN = re.compile(
    r"(?P<more>>+\s*=?|=\s*>|≥|≧|⩾|(?:greater|more|higher|larger|weaker) than|above|over|at least)"
    r"|(?P<less><+\s*=?|=\s*<|≤|≦|⩽|(?:less|lower|smaller|stronger) than|below|under|at most)",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?P<number>-?(?:\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?|\.\d+))"
    r"(?:\s*[x*·]\s*10\s*\^?\s*(?P<ten>[-+]?\d{1,2})(?!\d)|e(?P<e>[-+]?\d{1,2})(?!\d))?"
    r"(?!\d|[.,]\d|e[-+]?\d|\s*[x*·]\s*10)",
    re.IGNORECASE,
)
_REMARK = re.compile(r"\)?\s*(?:\([^()]{0,40}\))?\s*(?:values?\b)?\s*(?:is\b|was\b|of\b|about\b)?\s*[:=~≈]?\s*")
_ERROR = re.compile(r"\s*(?:(?:±|\+/-|\+-)\s*[\d.,]+|\(\s*(?:±|\+/-|\+-)?\s*[\d.,]+\))?\s*")
_RANGE = re.compile(r"\s*(?:-|to\b)\s*\d")
_POSSIBLE = (-18.0, 0.5)
"""log10 of a constant in mol/L: tighter than any known, and weaker than a solvent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenConstant:
    """A constant of binding that stands in a text."""

    text: str
    """As it is written."""
    measure: Measure
    """An IC50 or EC50 is only near a dissociation constant."""
    log10: float
    """log10 of the dissociation constant in mol/L."""
    relation: Relation
    """``>``: the dissociation constant is only known to be larger, so that the ligand binds weaker."""

    def delta_g_kcal_mol(self, temperature: float) -> float:
        """RT ln K, at 1 mol/L [kcal/mol].

        Args:
            temperature: Temperature of the measurement [K].
        """
        return kt_to_kcal(self.log10 * math.log(10.0), temperature)


@dataclass(slots=True)
class _Scan:
    """A text that is read from left to right."""

    text: str
    at: int

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def space(self) -> None:
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1


def written_constants(text: str) -> tuple[WrittenConstant, ...]:
    """The constants in a text, in order: Kd, Ki, IC50, EC50 with a unit, their p (-log10), Ka in 1/M and log Ka.

    Args:
        text: Such as ``fluorescence, IC50 0.078 uM, pH 7.4``; a ``pKa``, a range, and a number whose unit is not there
            give none.
    """
    plain = _plain(text)
    found = (_constant(plain, match) for match in _NAME.finditer(plain))
    return tuple(each for each in found if each is not None)


def bare_bound(text: str) -> Relation | None:
    """Whether a text begins with a bound of a concentration, such as ``> 10 µM`` without a name, and which."""
    scan = _Scan(_plain(text), 0)
    relation = _relation(scan.take(_SIGN))
    scan.space()
    if relation == "=" or scan.take(_NUMBER) is None:
        return None
    scan.space()
    return relation if scan.take(_UNIT) else None


def _plain(text: str) -> str:
    """One spelling for what looks alike: micro, minus, times, subscripts and powers."""
    powers = re.sub(r"([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)", r"^\1", text)
    kept = unicodedata.normalize("NFKC", powers)
    return re.sub(r"[\u2010-\u2014\u2212]", "-", kept).replace("\u00d7", "x").strip()


def _relation(match: re.Match[str] | None) -> Relation:
    if match is None:
        return "="
    return ">" if match.group("more") else "<"


def _constant(text: str, name: re.Match[str]) -> WrittenConstant | None:
    scan = _Scan(text, name.end())
    unit = _bracketed(scan)
    scan.take(_REMARK)
    relation = _relation(scan.take(_SIGN))
    scan.space()
    number = scan.take(_NUMBER)
    if number is None:
        return None
    scan.take(_ERROR)
    unit = unit or scan.take(_PER_MOLAR) or scan.take(_UNIT)
    log10 = _log10(name, number, unit)
    if log10 is None or _RANGE.match(text, scan.at) or not _POSSIBLE[0] <= log10 <= _POSSIBLE[1]:
        return None
    called = _called(name)
    turned = bool(name.group("p")) or called in ("ka", "k")  # large ones bind tightly
    return WrittenConstant(
        text=text[name.start() : scan.at].strip(" ,;("),
        measure="ic50" if called == "ic50" else "ec50" if called == "ec50" else "affinity",
        log10=log10,
        relation=_FLIPPED[relation] if turned else relation,
    )


def _bracketed(scan: _Scan) -> re.Match[str] | None:
    """A unit that stands before the number: ``Ki (nM) 2.5``, ``IC50_uM 3``."""
    begun = scan.at
    if scan.take(re.compile(r"\s*[\[(,/_ ]\s*")):
        unit = scan.take(_PER_MOLAR) or scan.take(_UNIT)
        if unit is not None:
            scan.take(re.compile(r"\s*[\])]?"))
            return unit
    scan.at = begun
    return None


def _called(name: re.Match[str]) -> str:
    return re.sub(r"[_ ]", "", name.group("name")).lower()


def _log10(name: re.Match[str], number: re.Match[str], unit: re.Match[str] | None) -> float | None:
    """log10 of the dissociation constant in mol/L; None where name, number and unit do not make one."""
    value, called = _value(number), _called(name)
    associates = called == "ka" or name.group("name") == "K"
    if called == "k" and not associates:
        return None  # a small k is a rate
    if name.group("p"):
        return None if associates or unit is not None else -value  # the pKa of an acid
    log = bool(name.group("log"))
    if log and unit is None:
        return -value if associates else value
    if unit is None or not (log or value > 0):
        return None
    log10, per_molar = value if log else math.log10(value), unit.re is _PER_MOLAR
    if associates or per_molar:
        return -log10 if associates and per_molar else None
    prefix = unit.group("short") or _LONG.get((unit.group("long") or "").lower(), "")
    if not prefix and unit.group(0) == "m":
        return None  # metres, or a slip
    return log10 + _PREFIXES[prefix.lower()]


def _value(number: re.Match[str]) -> float:
    digits = number.group("number")
    thousands = re.fullmatch(r"-?[1-9]\d*(?:,\d{3})+(?:\.\d+)?", digits)
    value = float(digits.replace(",", "" if thousands else "."))
    return value * 10.0 ** int(number.group("ten") or number.group("e") or 0)
