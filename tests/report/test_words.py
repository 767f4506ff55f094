"""Numbers read as a chemist expects."""

from __future__ import annotations

import math

import pytest

from bindfe.report.words import (
    comparison,
    convention,
    dissociation_constant,
    duration,
    number,
    percent,
    quantity,
    signed,
)
from bindfe.results import Affinity, Component, Prediction, UncertaintyBudget


def test_numbers_have_a_proper_minus_and_no_negative_zero() -> None:
    assert number(-7.946) == "\N{MINUS SIGN}7.95"
    assert number(-0.001) == "0.00"
    assert number(math.nan) == number(None) == "—"
    assert number(-math.inf) == "\N{MINUS SIGN}∞"
    assert signed(0.004) == "0.00"
    assert signed(3.6) == "+3.60"


def test_ten_micromolar_is_minus_6_82_kcal_mol_at_25_c() -> None:
    """RT ln(1e-5) at 298.15 K with R = 1.98720 cal/mol/K is -6.821 kcal/mol."""
    assert dissociation_constant(-6.821, temperature=298.15) == "10 µM"
    assert dissociation_constant(-6.821 / 5 * 9, temperature=298.15) == "1 nM"
    assert dissociation_constant(0.5, temperature=298.15) == "above 1 M"
    assert dissociation_constant(-40.0, temperature=298.15) == "below 1 fM"


@pytest.mark.parametrize("exponent", range(1, 15))
def test_constants_read_in_a_unit_that_keeps_them_between_1_and_1000(exponent: int) -> None:
    value, unit = dissociation_constant(-exponent * 1.36418, temperature=298.15).split()
    assert 1.0 <= float(value) < 1000.0
    size = {"M": 1.0, "mM": 1e-3, "µM": 1e-6, "nM": 1e-9, "pM": 1e-12, "fM": 1e-15}[unit]
    assert float(value) * size == pytest.approx(10.0**-exponent, rel=0.02)


def test_durations_and_percentages() -> None:
    assert duration(41.2) == "41 s"
    assert duration(425) == "7 min 05 s"
    assert duration(11520) == "3 h 12 min"
    assert percent(0.95) == "95 %"
    assert percent(0.975) == "97.5 %"


def test_a_hydration_free_energy_does_not_bind() -> None:
    budget = UncertaintyBudget(
        components=(Component(kind="sampling", standard_error_kcal_mol=0.2, degrees_of_freedom=9.0, explanation=""),)
    )
    prediction = Prediction(
        ligand="ethylparaben",
        quantity="hydration",
        raw_kcal_mol=-9.6,
        location_kcal_mol=-9.6,
        scale_kcal_mol=0.2,
        degrees_of_freedom=9.0,
        budget=budget,
    )
    measured = Affinity(ligand="ethylparaben", delta_g_kcal_mol=-9.2, standard_error_kcal_mol=0.3, temperature=298.15)
    texts = (
        quantity(prediction),
        convention(prediction, temperature=298.15),
        comparison(prediction, measured, 0.95),
    )
    assert texts[0] == "hydration free energy"
    assert texts[1] == "in water less in the gas, both at 1 mol/L, 298.15 K; negative: it prefers water"
    assert "0.40 kcal/mol more negative than the measured value" in texts[2]
    assert not any(word in " ".join(texts) for word in ("bind", "bound", "strong", "weak"))
