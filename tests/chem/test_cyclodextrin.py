"""Cyclodextrins against their composition, stereochemistry, geometry and an independent structure."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from bindfe.chem.cucurbituril import relax_mmff
from bindfe.chem.cyclodextrin import build_cyclodextrin, is_bridge
from bindfe.errors import InputError

RINGS = {n: build_cyclodextrin(n) for n in (6, 7, 8)}
SIZES = tuple(RINGS)


def _positions(mol: Chem.Mol) -> np.ndarray:
    return np.asarray(mol.GetConformer().GetPositions())


def _matches(mol: Chem.Mol, smarts: str) -> list[int]:
    return [match[0] for match in mol.GetSubstructMatches(Chem.MolFromSmarts(smarts))]


def _from_geometry(mol: Chem.Mol) -> str:
    copy = Chem.Mol(mol)
    Chem.AssignStereochemistryFrom3D(copy)
    return Chem.MolToSmiles(Chem.RemoveHs(copy))


@pytest.mark.parametrize("n", SIZES)
def test_has_the_composition_of_n_anhydroglucoses(n):
    assert rdMolDescriptors.CalcMolFormula(RINGS[n]) == f"C{6 * n}H{10 * n}O{5 * n}"


@pytest.mark.parametrize("n", SIZES)
def test_every_glucose_has_the_stereocentres_of_alpha_1_4_linked_d_glucose(n):
    centres = [label for _, label in Chem.FindMolChiralCenters(RINGS[n], useLegacyImplementation=False)]
    assert sorted(centres) == ["R"] * 4 * n + ["S"] * n


@pytest.mark.data
def test_alpha_cyclodextrin_is_the_molecule_of_the_host_guest_benchmarks_and_lies_deeper():
    theirs = Path(os.environ.get("BINDFE_DATA", "")) / "taproom/acd/acd.sdf"
    if not theirs.is_file():
        pytest.skip("BINDFE_DATA has no taproom/acd")
    reference = Chem.MolFromMolFile(str(theirs), removeHs=False)
    assert _from_geometry(RINGS[6]) == _from_geometry(reference)
    assert relax_mmff(Chem.Mol(RINGS[6])) < relax_mmff(reference)


@pytest.mark.parametrize("n", SIZES)
def test_the_ring_is_round_and_the_cavity_open(n):
    x = _positions(RINGS[n])
    bridges = [atom.GetIdx() for atom in RINGS[n].GetAtoms() if is_bridge(atom)]
    radii = np.linalg.norm(x[bridges, :2], axis=1)
    assert len(bridges) == n
    assert np.ptp(radii) < 0.3
    assert np.abs(x[bridges, 2]).max() < 0.6
    # crystal structures: 4.23, 5.03 and 5.82 A (Saenger et al. 1998)
    assert radii.mean() == pytest.approx({6: 4.23, 7: 5.03, 8: 5.82}[n], abs=0.2)
    assert np.linalg.norm(x[:, :2], axis=1).min() > 1.8


@pytest.mark.parametrize("n", SIZES)
def test_the_wide_rim_of_secondary_hydroxyls_is_at_positive_z(n):
    x = _positions(RINGS[n])
    primary = _matches(RINGS[n], "[OX2H]-[CX4;H2]")
    secondary = _matches(RINGS[n], "[OX2H]-[CX4;H1]")
    assert (len(primary), len(secondary)) == (n, 2 * n)
    assert x[secondary, 2].min() > 0 > x[primary, 2].max()


@pytest.mark.parametrize("n", SIZES)
def test_every_glucose_is_a_chair_with_its_substituents_equatorial(n):
    mol, x = RINGS[n], _positions(RINGS[n])
    pattern = Chem.MolFromSmarts("[CX4;r6;H1]([OX2;!r6])([OX2;r6])[CX4;r6]([OX2H])[CX4;r6]([OX2H])[CX4;r6]")
    found = mol.GetSubstructMatches(pattern)
    assert len(found) == n
    for match in found:
        c2, o2, c3, o3 = match[3], match[4], match[5], match[6]
        assert abs(_dihedral(x[[o2, c2, c3, o3]])) == pytest.approx(60, abs=15)  # equatorial next to equatorial


def _dihedral(x: np.ndarray) -> float:
    a, b, c = np.diff(x, axis=0)
    return float(np.degrees(np.arctan2(np.linalg.norm(b) * a @ np.cross(b, c), np.cross(a, b) @ np.cross(b, c))))


@pytest.mark.parametrize("n", [5, 9])
def test_other_sizes_are_refused(n):
    with pytest.raises(InputError, match="6, 7 or 8"):
        build_cyclodextrin(n)
