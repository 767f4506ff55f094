"""A protocol's few lines say what its settings say."""

from __future__ import annotations

from typing import get_args

import pytest

from bindfe.protocol import RestraintSettings, parse_protocol
from bindfe.report.summary import summarise

MOLECULES = "receptor: {file: a.sdf}\nligands: {file: b.sdf}\n"


def test_defaults_are_told_in_words_with_units() -> None:
    lines = summarise(parse_protocol(MOLECULES + "sampling: {length: 250 ps, temperature: 310 K}\n"))
    assert lines["Method"] == "double decoupling, in the complex and in solvent"
    assert lines["Sampling"] == "3 repeats of 0.25 ns for each replica; states: complex 19, solvent 15"
    assert lines["Temperature"] == "310 K"
    assert "Committee" not in lines


def test_a_committee_says_whether_it_changes_the_number() -> None:
    reported = summarise(parse_protocol(MOLECULES + "committee: {model: ani2x}\n"))["Committee"]
    corrected = summarise(parse_protocol(MOLECULES + "committee: {model: ani2x, correction: switching}\n"))["Committee"]
    assert reported == "ANI-2x: its energies on stored frames, reported only"
    assert corrected == "ANI-2x: correction by switching both ways"


def test_an_analytic_model_names_no_force_field() -> None:
    lines = summarise(parse_protocol("analytic: {depth: 5 kcal/mol}\n"))
    assert "exact answer" in lines["Model"]
    assert "Force field" not in lines


@pytest.mark.parametrize("kind", get_args(RestraintSettings.model_fields["kind"].annotation))
def test_every_restraint_has_words(kind: str) -> None:
    lines = summarise(parse_protocol(MOLECULES + f"restraint: {{kind: {kind}}}\n"))
    assert any("spring" in text or "well" in text for text in lines.values())
