"""States that a file's hydrogens give beside the pKa of their residues: a few atoms by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from rdkit import Chem

from bindfe.chem.findings import Finding
from bindfe.chem.findings_catalogue import CHECKS
from bindfe.chem.findings_given import given_state_findings
from bindfe.chem.ligand import Ligand
from bindfe.chem.proteinfile import ProteinAtom, ProteinStructure
from bindfe.chem.proteinstates import ResiduePka

DONORS = {"ASP": ("OD1", "OD2"), "GLU": ("OE1", "OE2"), "HIS": ("ND1", "NE2"), "LYS": ("NZ",), "CYS": ("SG",)}
PROTONATED = {"ASP": 1, "GLU": 1, "HIS": 2, "LYS": 3, "CYS": 1}
CHARGED = {"ASP": False, "GLU": False, "HIS": True, "LYS": True, "CYS": False}
"""Whether the protonated state is the charged one."""


def atom(name: str, residue: str, x: tuple[float, float, float]) -> ProteinAtom:
    element = name if residue == "ZN" else name[0]
    return ProteinAtom(name=name, residue=residue, chain="A", number=1, element=element.capitalize(), position=x)


def told(
    residue: str,
    protons: int,
    pka: float,
    *,
    ph: float = 7.0,
    apart: float = 0.4,
    zinc: bool = False,
    by_hand: bool = False,
) -> list[Finding]:
    """Findings for one residue with some protons, and a carbon of a ligand at a distance [nm]."""
    donors = DONORS[residue]
    places = {name: (0.22 * k, 0.0, 0.0) for k, name in enumerate(donors)}
    atoms = [atom(name, residue, x) for name, x in places.items()]
    spread = [(0.0, 0.1, 0.0), (0.0, -0.05, 0.087), (0.0, -0.05, -0.087)]
    for k in range(protons):
        base, shift = places[donors[k % len(donors)]], spread[k // len(donors)]
        atoms.append(atom(f"H{k}", residue, tuple(np.add(base, shift))))
    atoms.append(atom("HB2", residue, (0.1, 0.4, 0.0)))  # a hydrogen of a carbon
    if zinc:
        atoms.append(atom("ZN", "ZN", (0.0, 0.0, -0.22)))
    mol = Chem.MolFromSmiles("C")
    mol.AddConformer(Chem.Conformer(1))
    mol.GetConformer().SetAtomPosition(0, (0.0, -10 * apart, 0.0))
    found = given_state_findings(
        ProteinStructure(atoms=tuple(atoms)),
        [ResiduePka(site=("A", 1, ""), residue=residue, pka=pka)],
        [Ligand(name="methane", mol=mol, source="")],
        ph=ph,
        by_hand=[("A", 1, "")] if by_hand else [],
    )
    assert all(each.level == "warn" and CHECKS[each.check].matches(each.message) for each in found)
    return found


@pytest.mark.parametrize(("residue", "above"), list(product(DONORS, (True, False))))
def test_each_group_is_told_in_the_state_that_its_pka_excludes_and_only_there(residue: str, above: bool) -> None:
    pka = 9.5 if above else 4.5
    full = PROTONATED[residue]
    (found,) = told(residue, full - 1 if above else full, pka)
    assert f"propka says pKa {pka}: at pH 7 it is {'protonated' if above else 'deprotonated'}" in found.message
    assert found.message.endswith("charged" if CHARGED[residue] is above else "neutral")
    assert told(residue, full if above else full - 1, pka) == []


def test_a_pka_near_the_ph_decides_nothing_but_a_rare_state_needs_one() -> None:
    assert told("HIS", 1, 7.9) == []
    assert told("HIS", 1, 8.1) != []
    assert told("HIS", 2, 6.6) == []
    (found,) = told("HIS", 2, 6.4)
    assert found.message.endswith("at pH 7 it is mostly deprotonated and neutral")
    assert told("HIS", 2, 5.9, ph=6.0) == []
    assert told("ASP", 0, 7.9) == []
    assert told("GLU", 1, 6.4) != []


def test_a_histidine_with_one_proton_on_either_nitrogen_is_neutral() -> None:
    (found,) = told("HIS", 1, 8.6)
    assert found.advice.endswith("with HIP")
    assert told("HIS", 1, 4.0) == []


def test_far_from_the_ligands_only_what_is_beyond_doubt_is_told_and_all_in_one() -> None:
    assert told("ASP", 1, 5.5, apart=2.0) == []
    (found,) = told("ASP", 1, 4.0, apart=2.0)
    assert found.message.endswith("excludes at pH 7 (A:ASP1 ASH, pKa 4.0)")


def test_what_holds_a_metal_or_is_given_by_hand_is_left_alone() -> None:
    assert told("CYS", 0, 9.0) != []
    assert told("CYS", 0, 9.0, zinc=True) == []
    assert told("CYS", 0, 9.0, by_hand=True) == []
