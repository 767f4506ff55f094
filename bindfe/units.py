"""Quantity text to and from floats in OpenMM's units, and constants with their source.

Inside bindfe every quantity is a float in nm, ps, kJ/mol, K, amu, rad or bar; text with a unit
appears only in protocol files, and kcal/mol only in results. A quantity such as ``10 kcal/mol/A^2``
is a number followed by units joined by ``*`` and ``/`` with optional integer powers.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

BOLTZMANN_KJ_MOL_K = 8.31446261815324e-3
"""Molar gas constant [kJ/mol/K]; exact in the SI of 2019 (CODATA 2018)."""

KJ_PER_KCAL = 4.184
"""Thermochemical calorie [kJ/kcal]; exact by definition."""

KJ_PER_HARTREE = 2625.4996394798254
"""Molar Hartree energy [kJ/mol]; E_h of CODATA 2018 (4.3597447222071e-18 J) times Avogadro's constant."""

STANDARD_VOLUME_NM3 = 1.0 / 0.602214076
"""Volume per molecule at 1 mol/L [nm^3]; Avogadro's constant is exact (CODATA 2018)."""

_Dimension = tuple[int, ...]  # powers of length, time, energy, temperature, mass, pressure, angle

_LENGTH: _Dimension = (1, 0, 0, 0, 0, 0, 0)
_TIME: _Dimension = (0, 1, 0, 0, 0, 0, 0)
_ENERGY: _Dimension = (0, 0, 1, 0, 0, 0, 0)
_TEMPERATURE: _Dimension = (0, 0, 0, 1, 0, 0, 0)
_MASS: _Dimension = (0, 0, 0, 0, 1, 0, 0)
_PRESSURE: _Dimension = (0, 0, 0, 0, 0, 1, 0)
_ANGLE: _Dimension = (0, 0, 0, 0, 0, 0, 1)  # counted, so that 20 kcal/mol is not taken for 20 kcal/mol/rad^2
_CONCENTRATION: _Dimension = (-3, 0, 0, 0, 0, 0, 0)

_OWN_UNITS = ("nm", "ps", "kJ/mol", "K", "amu", "bar", "rad")  # OpenMM's, in the order of a dimension's powers

_UNITS: dict[str, tuple[float, _Dimension]] = {
    "nm": (1.0, _LENGTH),
    "A": (0.1, _LENGTH),
    "angstrom": (0.1, _LENGTH),
    "fs": (1e-3, _TIME),
    "ps": (1.0, _TIME),
    "ns": (1e3, _TIME),
    "us": (1e6, _TIME),
    "kJ/mol": (1.0, _ENERGY),
    "kcal/mol": (KJ_PER_KCAL, _ENERGY),
    "meV": (0.0964853321233100, _ENERGY),  # e N_A, CODATA 2018 (exact)
    "K": (1.0, _TEMPERATURE),
    "amu": (1.0, _MASS),
    "Da": (1.0, _MASS),
    "bar": (1.0, _PRESSURE),
    "atm": (1.01325, _PRESSURE),
    "rad": (1.0, _ANGLE),
    "deg": (math.pi / 180.0, _ANGLE),
    "M": (0.602214076, _CONCENTRATION),
    "mM": (0.602214076e-3, _CONCENTRATION),
}

_NAMES = {
    _LENGTH: "a length, for example '10 A'",
    _TIME: "a time, for example '2 fs'",
    _ENERGY: "an energy, for example '5 kcal/mol'",
    _TEMPERATURE: "a temperature, for example '298.15 K'",
    _MASS: "a mass, for example '3 amu'",
    _PRESSURE: "a pressure, for example '1 bar'",
    _ANGLE: "an angle, for example '90 deg'",
    _CONCENTRATION: "a concentration, for example '0.15 M'",
    (0, -1, 0, 0, 0, 0, 0): "a rate, for example '1 1/ps'",
    (-2, 0, 1, 0, 0, 0, 0): "a force constant, for example '5 kcal/mol/A^2'",
    (0, 0, 1, 0, 0, 0, -2): "a force constant, for example '20 kcal/mol/rad^2'",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Unit:
    """A unit as the code counts it: its text, its dimension and its size."""

    text: str
    """How the unit is written, for example ``kcal/mol/A^2``."""
    factor: float
    """Size of the unit in OpenMM's units."""
    dimension: _Dimension
    """Powers of length, time, energy, temperature, mass, pressure and angle."""


_TOKEN = re.compile(r"(kJ/mol|kcal/mol|[A-Za-z]+)(?:\^(-?[1-9]))?")


def parse_unit(text: str) -> Unit:
    """Read a unit expression such as ``kcal/mol/A^2`` or ``1/ps``.

    Raises:
        ValueError: The text is not a product of known units.
    """
    rest, factor, dimension, sign = text.replace(" ", ""), 1.0, [0] * len(_LENGTH), 1
    if rest.startswith("1/"):
        rest, sign = rest[2:], -1
    while True:
        match = _TOKEN.match(rest)
        if match is None or match.group(1) not in _UNITS:
            raise ValueError(f"'{text}' is not a unit that bindfe knows; known: {', '.join(_UNITS)}")
        power = sign * int(match.group(2) or 1)
        size, base = _UNITS[match.group(1)]
        factor *= size**power
        dimension = [d + power * b for d, b in zip(dimension, base, strict=True)]
        rest = rest[match.end() :]
        if not rest:
            return Unit(text=text, factor=factor, dimension=tuple(dimension))
        if rest[0] not in "*/" or len(rest) == 1:
            raise ValueError(f"'{text}' is not a unit: join units with * or /, with powers such as ^2 or ^-1")
        sign, rest = (-1 if rest[0] == "/" else 1), rest[1:]


_QUANTITY = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*$")


def parse_quantity(text: object, unit: str) -> float:
    """Turn ``'10 kcal/mol/A^2'`` into a float in OpenMM's units.

    Args:
        text: Number and unit, as written in a protocol.
        unit: Any unit of the dimension that is due here.

    Returns:
        The value in OpenMM's units (nm, ps, kJ/mol, K, amu, rad, bar).

    Raises:
        ValueError: No number, no unit, an unknown unit, or one of another dimension.
    """
    due = parse_unit(unit)
    wanted = _NAMES.get(due.dimension, f"a quantity in units like '{unit}'")
    if isinstance(text, bool) or not isinstance(text, str):
        raise ValueError(f"a bare {text!r} has no unit; write {wanted}")
    match = _QUANTITY.match(text)
    if match is None:
        raise ValueError(f"'{text}' is not a number with a unit; write {wanted}")
    if not match.group(2):
        raise ValueError(f"'{text}' has no unit; write {wanted}")
    found = parse_unit(match.group(2))
    if found.dimension != due.dimension:
        raise ValueError(f"'{text}' has the wrong dimension; write {wanted}")
    return float(match.group(1)) * found.factor


def format_quantity(value: float, unit: str) -> str:
    """Write a float in OpenMM's units as text that :func:`parse_quantity` reads back bit for bit.

    The text is in ``unit`` where 12 digits of it are exact, and in OpenMM's own unit otherwise, so a protocol that
    was written and read again has the fingerprint that it had.
    """
    text = f"{value / parse_unit(unit).factor:.12g} {unit}"
    if parse_quantity(text, unit) == value:
        return text
    powers = zip(_OWN_UNITS, parse_unit(unit).dimension, strict=True)
    own = "*".join(name if power == 1 else f"{name}^{power}" for name, power in powers if power)
    return f"{value!r} {own}"


def thermal_energy(temperature: float) -> float:
    """Thermal energy kT [kJ/mol] at ``temperature`` [K]."""
    return BOLTZMANN_KJ_MOL_K * temperature


def kt_to_kcal(value: float, temperature: float) -> float:
    """Turn a reduced energy [kT] at ``temperature`` [K] into kcal/mol."""
    return value * thermal_energy(temperature) / KJ_PER_KCAL
