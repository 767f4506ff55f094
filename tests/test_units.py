"""Quantities: what is written with a unit is what is computed with, and nothing without a unit gets in."""

from __future__ import annotations

import contextlib
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bindfe.units import (
    BOLTZMANN_KJ_MOL_K,
    KJ_PER_KCAL,
    STANDARD_VOLUME_NM3,
    format_quantity,
    kt_to_kcal,
    parse_quantity,
    parse_unit,
    thermal_energy,
)

UNITS = ("A", "nm", "ps", "fs", "1/ps", "K", "bar", "amu", "M", "kcal/mol", "kcal/mol/A^2", "kcal/mol/rad^2", "deg")


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("10 A", "nm", 1.0),
        ("10 angstrom", "nm", 1.0),
        ("2 fs", "ps", 0.002),
        ("2ns", "ps", 2000.0),
        ("1 kcal/mol", "kJ/mol", 4.184),
        ("1 kcal/mol/A^2", "kJ/mol/nm^2", 418.4),
        ("1 kcal/mol*A^-2", "kJ/mol/nm^2", 418.4),
        ("180 deg", "rad", math.pi),
        ("1 1/ps", "1/ps", 1.0),
        ("1 1/fs", "1/ps", 1000.0),
        ("1 atm", "bar", 1.01325),
        ("-1.5e-1 nm", "nm", -0.15),
    ],
)
def test_reads_what_a_chemist_writes(text: str, unit: str, expected: float) -> None:
    assert parse_quantity(text, unit) == pytest.approx(expected, rel=1e-15)


def test_agrees_with_openmm_on_every_unit_that_both_know() -> None:
    from openmm import unit

    avogadro = unit.AVOGADRO_CONSTANT_NA
    openmm = {
        "A": (1.0 * unit.angstrom).value_in_unit(unit.nanometer),
        "fs": (1.0 * unit.femtosecond).value_in_unit(unit.picosecond),
        "us": (1.0 * unit.microsecond).value_in_unit(unit.picosecond),
        "kcal/mol": (1.0 * unit.kilocalorie_per_mole).value_in_unit(unit.kilojoule_per_mole),
        "atm": (1.0 * unit.atmosphere).value_in_unit(unit.bar),
        "deg": (1.0 * unit.degree).value_in_unit(unit.radian),
        "M": (avogadro * unit.molar).value_in_unit(unit.nanometer**-3),
        "meV": (avogadro * 1.602176634e-22 * unit.joule).value_in_unit(unit.kilojoule_per_mole),
    }
    for text, size in openmm.items():
        assert parse_unit(text).factor == pytest.approx(size, rel=1e-6), text
    gas_constant = unit.MOLAR_GAS_CONSTANT_R.value_in_unit(unit.kilojoule_per_mole / unit.kelvin)
    assert pytest.approx(gas_constant, rel=1e-6) == BOLTZMANN_KJ_MOL_K


def test_constants_are_those_of_the_si() -> None:
    assert BOLTZMANN_KJ_MOL_K == 1.380649e-23 * 6.02214076e23 / 1000
    assert KJ_PER_KCAL == 4.184
    assert pytest.approx(1e24 / 6.02214076e23, rel=1e-15) == STANDARD_VOLUME_NM3  # 1 l is 1e24 nm^3
    assert thermal_energy(298.15) / KJ_PER_KCAL == pytest.approx(0.592484, abs=1e-6)
    assert kt_to_kcal(2.0, 298.15) == pytest.approx(2 * 0.592484, abs=2e-6)


@given(number=st.floats(allow_nan=False, allow_infinity=False), unit=st.sampled_from(UNITS))
def test_what_was_read_from_text_is_written_so_that_it_reads_back_bit_for_bit(number: float, unit: str) -> None:
    value = parse_quantity(f"{number!r} {unit}", unit)
    assume(math.isfinite(value))
    assert parse_quantity(format_quantity(value, unit), unit) == value


@given(value=st.floats(allow_nan=False, allow_infinity=False), unit=st.sampled_from(UNITS))
def test_any_float_survives_whatever_unit_it_was_given_in(value: float, unit: str) -> None:
    assume(math.isfinite(value / parse_unit(unit).factor))
    assert parse_quantity(format_quantity(value, unit), unit) == value


def test_writes_round_numbers_as_round_numbers() -> None:
    assert format_quantity(parse_quantity("3 A", "A"), "A") == "3 A"
    assert format_quantity(parse_quantity("0.3 nm", "A"), "A") == "0.3 nm"
    assert format_quantity(5 * 418.4, "kcal/mol/A^2") == "5 kcal/mol/A^2"


@pytest.mark.parametrize("text", [2, 2.0, True, None, ["2 fs"]])
def test_a_bare_number_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match=r"has no unit; write a time, for example '2 fs'"):
        parse_quantity(text, "fs")


@pytest.mark.parametrize("text", ["2", "2.5e3", " 2 "])
def test_text_without_a_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has no unit; write a time"):
        parse_quantity(text, "fs")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("2 A", "fs"),
        ("2 ps", "1/ps"),
        ("2 kcal/mol", "kcal/mol/A^2"),
        ("2 kcal/mol/A", "kcal/mol/A^2"),
        ("20 kcal/mol", "kcal/mol/rad^2"),
        ("20 kcal/mol/A^2", "kcal/mol/rad^2"),
        ("1 M", "bar"),
    ],
)
def test_a_wrong_dimension_is_refused(text: str, unit: str) -> None:
    with pytest.raises(ValueError, match="has the wrong dimension"):
        parse_quantity(text, unit)


@pytest.mark.parametrize(
    "text",
    ["", "fs", "two fs", "2 parsec", "2 fs/", "2 fs*", "2 fs^", "2 fs^0", "2 1/", "2 ns^400", "2 fs fs", "2,5 fs"],
)
def test_what_is_not_a_quantity_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a (unit|number)"):
        parse_quantity(text, "fs")


@given(text=st.text(max_size=30))
def test_no_text_is_anything_but_a_number_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(parse_quantity(text, "fs"), float)
