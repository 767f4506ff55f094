"""What the ninth blind trial of the pre-flight missed. See "A blind trial" in docs/preflight.md."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from spoilt import ROOT, Inputs, assert_told, b2, t4l, xylene

from bindfe.chem.findings import Finding
from bindfe.chem.findings_assays import assay_findings
from bindfe.chem.findings_dropped import dropped_findings
from bindfe.chem.ligand import Ligand
from bindfe.chem.receptor import read_receptor

HEADER = "ligand,delta_g_kcal_mol,standard_error_kcal_mol,temperature_k,assay"
KI, CELLS, IC50 = "-9.57,0.2,298.15,Ki 0.096 uM", "-7.515,0.2,298.15,'cells EC50 3.1 uM'", "-9.7,0.2,298.15,IC50 78 nM"


def beside_the_ring(apart: float) -> np.ndarray:
    """A place above an atom of p-xylene's ring [A]."""
    mol = xylene()
    x, ring = np.asarray(mol.GetConformer().GetPositions()), list(mol.GetRingInfo().AtomRings()[0])
    normal = np.cross(x[ring[1]] - x[ring[0]], x[ring[2]] - x[ring[0]])
    return np.asarray(x[ring[0]] + apart * normal / np.linalg.norm(normal))


def hetatm(name: str, at: np.ndarray) -> str:
    place = "".join(f"{each:8.3f}" for each in at)
    return f"HETATM 9000 {name:<4} {name:>3} A 900    {place}  1.00  0.00          {name:>2}\n"


def second_chain(at: np.ndarray) -> str:
    """The protein once more as chain B, its first N at a place [A]."""
    lines = [line for line in t4l().splitlines() if line.startswith("ATOM")]
    first = np.array([float(lines[0][k : k + 8]) for k in (30, 38, 46)])
    moved = []
    for line in lines:
        x = np.array([float(line[k : k + 8]) for k in (30, 38, 46)]) - first + at
        moved.append(f"{line[:21]}B{line[22:30]}{''.join(f'{each:8.3f}' for each in x)}{line[54:]}\n")
    return "".join(moved)


def dropped(folder: Path, text: str, drop: Sequence[str]) -> list[Finding]:
    path = folder / "receptor.pdb"
    path.write_text(text)
    ligand = Ligand(name="p-xylene", mol=xylene(), source="test")
    return dropped_findings(read_receptor(path).structure, [ligand], drop=drop)


def test_a_metal_ion_at_the_ligand_is_told_when_it_is_dropped(tmp_path: Path) -> None:
    def spoil(files: Inputs) -> None:
        files.ligands = [xylene()]
        files.receptor = t4l().replace("END\n", "") + hetatm("ZN", beside_the_ring(3.5)) + "END\n"
        files.settings = {"receptor": {"drop": ["ZN"]}}

    assert_told(tmp_path, spoil, "dropped-part", "warn", "ZN (A:ZN900 ZN, 3.5 A from p-xylene)")


def test_the_other_chain_of_a_dimer_is_told_when_it_is_dropped_at_the_site(tmp_path: Path) -> None:
    (found,) = dropped(tmp_path, t4l() + second_chain(beside_the_ring(4.0)), ["B:"])
    assert "amino acids of chain B" in found.message


@pytest.mark.parametrize(
    ("text", "drop"),
    [
        (hetatm("ZN", beside_the_ring(3.5)), []),
        (hetatm("ZN", beside_the_ring(3.5)), ["A:ZN900"]),
        (hetatm("ZN", beside_the_ring(9.0)), ["ZN"]),
        (hetatm("O", beside_the_ring(3.5)).replace("  O A", "GOL A"), ["GOL"]),
        (second_chain(beside_the_ring(60.0)), ["B:"]),
        (second_chain(beside_the_ring(1.0)), ["B:"]),
    ],
    ids=["kept", "named itself", "far", "buffer", "a far chain", "what the ligand replaces"],
)
def test_what_is_rightly_dropped_is_not_told(tmp_path: Path, text: str, drop: list[str]) -> None:
    assert dropped(tmp_path, t4l().replace("END\n", "") + text, drop) == []


def test_anchors_that_are_hydrogens_are_told_and_count_as_the_atoms_that_hold_them(tmp_path: Path) -> None:
    mol = b2()
    hydrogens = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 1][:3]

    def spoil(files: Inputs) -> None:
        files.ligands, files.receptor = [mol], str(ROOT / "systems" / "cb7" / "cb7.sdf")
        files.settings = {"restraint": {"kind": "boresch", "receptor_atoms": [0, 1, 2], "ligand_atoms": hydrogens}}

    assert_told(tmp_path, spoil, "restraint-atoms", "warn", f"ligand {hydrogens[0]}")


def assays(folder: Path, lines: Sequence[str], names: Sequence[str]) -> tuple[Finding, ...]:
    path = folder / "affinities.csv"
    path.write_text("\n".join([HEADER, *(line.replace("'", '"') for line in lines)]) + "\n")
    return assay_findings(path, names)


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (KI, CELLS, "2 kinds stand in one series: Ki or Kd of a; EC50 or cells of b"),
        (KI, IC50, "Ki or Kd of a; IC50 of b"),
        (IC50, CELLS, "IC50 of a; EC50 or cells of b"),
        (KI, IC50.replace("IC50", "cellular IC50 of"), "Ki or Kd of a; EC50 or cells of b"),
    ],
)
def test_a_series_of_two_assays_is_told(tmp_path: Path, one: str, other: str, words: str) -> None:
    (found,) = assays(tmp_path, [f"a,{one}", f"b,{other}"], ["a", "b"])
    assert found.check == "mixed-assays"
    assert words in found.message


def test_the_constant_that_the_value_was_made_from_counts(tmp_path: Path) -> None:
    both = KI.replace("Ki 0.096 uM", "'Ki 0.096 uM; cells EC50 3 uM'")
    assert assays(tmp_path, [f"a,{KI}", f"b,{both}"], ["a", "b"]) == ()


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ([f"a,{KI}", f"b,{KI}"], ["a", "b"]),
        ([f"a,{KI}", f"b,{CELLS}"], ["a"]),
        ([f"a,{KI}", "b,-8,0.2,298.15,ITC"], ["a", "b"]),
        ([f"a,{IC50}", f"b,{IC50.replace('IC50', 'cell-free IC50')}"], ["a", "b"]),
    ],
    ids=["one kind", "not calculated", "no constant", "cell-free"],
)
def test_a_series_of_one_assay_is_not_told(tmp_path: Path, lines: list[str], names: list[str]) -> None:
    assert assays(tmp_path, lines, names) == ()


def test_a_constant_of_another_protein_beside_the_values_makes_no_second_kind(tmp_path: Path) -> None:
    lines = [f"a,{KI},30", "b,-8.0,0.2,298.15,ITC,20"]
    path = tmp_path / "measured.csv"
    path.write_text("\n".join([f"{HEADER},hERG_IC50_uM", *lines]) + "\n")
    assert assay_findings(path, ["a", "b"]) == ()
