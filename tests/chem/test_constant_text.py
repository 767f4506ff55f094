"""Constants of binding in the spellings of papers, tables and people."""

from __future__ import annotations

import math

import pytest

from bindfe.chem.constant_text import bare_bound, written_constants

SAME = [  # 96 nM
    "Ki 96 nM",
    "Ki=96nM",
    "Ki: 0.096 uM",
    "K_i 0.096 µM",
    "Ki 0.096 \N{GREEK SMALL LETTER MU}M",
    "SPR, Kd = 96 ± 29 nM, 25 C",
    "KD (SPR) 96(29) nM",
    "Kd of 9.6e-8 M",
    "Kd 9.6 x 10^-8 M",
    "Kd 9.6\N{MULTIPLICATION SIGN}10⁻⁸ M",
    "IC₅₀ 0,096 uM",
    "IC50 96,000 pM",
    "EC50 (n=3): 96 nmol/L",
    "Ki is 96 nanomolar",
    "Ki_nM 96",
    "Ki (nM) 96",
    "pKi 7.018",
    "fluorescence, IC50, pIC50 = 7.018",
    "Ka 1.0417e7 M-1",
    "K = 1.0417\N{MULTIPLICATION SIGN}10⁷ M⁻¹",
    "log Ka 7.018",
    "log Kd -7.018",
    "log IC50 (uM) -1.018",
    "log Ki (nM): 1.982",
    "log Ka (M-1) 7.018",
]

NONE = [
    "ITC, water, pH 7.0",
    "NMR, 0.01 M borate, pH 9.2",
    "pKa 9.5",
    "302 K, 5 M",
    "25 kDa",
    "Km 5 uM",
    "ka 1e5 M-1 s-1, kd 1e-3 s-1",
    "ka 1e5 M⁻¹·s⁻¹",
    "ka (M-1)(s-1) 1e5",
    "Ki 5-10 nM",
    "pKi 7.2-7.5",
    "Ki = 2.5",
    "Ki 5 m",
    "IC50 n.d.",
    "Ki 1e999 nM",
    "Ki 1 x 10^99999 nM",
    "Ki_nM 1e999",
    "Ki_nM 1.2.3",
    "Ki_nM 1 x 10^99999",
    "doi:10.1021/ja109904u",
]


@pytest.mark.parametrize("text", SAME)
def test_one_constant_in_all_its_spellings(text) -> None:
    (found,) = written_constants(text)
    assert found.relation == "="
    assert found.delta_g_kcal_mol(298.15) == pytest.approx(1.987204e-3 * 298.15 * math.log(96e-9), abs=2e-3)


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_constant_or_not_surely_one_is_left_out(text) -> None:
    assert written_constants(text) == ()


@pytest.mark.parametrize(
    ("text", "relation"),
    [
        ("IC50 > 10 uM", ">"),
        ("IC50 ≥30µM", ">"),
        ("Ki was greater than 100 micromolar", ">"),
        ("Kd < 1 nM", "<"),
        ("pKi < 5", ">"),
        ("pKi > 9", "<"),
        ("Ka < 1e3 M-1", ">"),
        ("Ki ~ 3 nM", "="),
    ],
)
def test_a_bound_is_told_as_one_of_the_dissociation_constant(text, relation) -> None:
    assert [each.relation for each in written_constants(text)] == [relation]


@pytest.mark.parametrize(
    ("text", "relation"),
    [("> 10 uM", ">"), ("≤ 1 nM", "<"), ("10 uM", None), ("> 95 %", None), ("purity > 95 %", None), ("", None)],
)
def test_a_bound_without_a_name_is_one_of_a_concentration(text, relation) -> None:
    assert bare_bound(text) == relation
