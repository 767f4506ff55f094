"""What is said of a protein before it is repaired: T4 lysozyme L99A with p-xylene (openmmtools' data), spoilt."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from bindfe.chem.findings import Finding
from bindfe.chem.findings_catalogue import CHECKS
from bindfe.chem.findings_near import heavy_names, reach_to
from bindfe.chem.findings_protein import protein_findings
from bindfe.chem.proteinfile import ProteinStructure, parse_structure

DATA = Path(str(importlib.util.find_spec("openmmtools").origin)).parent / "data" / "T4-lysozyme-L99A-implicit"
LINES = [
    line[:21] + "A" + line[22:] for line in (DATA / "receptor.pdb").read_text().splitlines() if line.startswith("ATOM")
]
LIGAND = 0.1 * np.asarray(
    Chem.MolFromMol2File(str(DATA / "ligand.tripos.mol2"), removeHs=False).GetConformer().GetPositions()
)
BACKBONE = ("N", "CA", "C", "O")


def structure(lines: Sequence[str]) -> ProteinStructure:
    return parse_structure("\n".join(lines), source="receptor.pdb", cif=False)


def number(line: str) -> int:
    return int(line[22:26])


def name(line: str) -> str:
    return line[12:16].strip()


def changed(lines: Sequence[str], *, by: int = 0, to: float = 0.0, chain: str = "A") -> list[str]:
    """The same atoms with other residue numbers, shifted along x [A], in another chain."""
    return [
        f"{line[:21]}{chain}{number(line) + by:4d}{line[26:30]}{float(line[30:38]) + to:8.3f}{line[38:]}"
        for line in lines
    ]


def found(lines: Sequence[str], ligands: dict[str, np.ndarray] | None = None, **settings: object) -> list[Finding]:
    ligands = {"p-xylene": LIGAND} if ligands is None else ligands
    told = protein_findings(structure(lines), ligands, cofactors=np.empty((0, 3)), **settings)  # type: ignore[arg-type]
    for each in told:
        assert each.level == "pass" or CHECKS[each.check].matches(each.message), str(each)
    return [each for each in told if each.level != "pass"]


# Chains


def last_has_oxt(lines: list[str]) -> list[str]:
    """The second copy goes on counting where the first ends; the first ends with OXT."""
    assert any(name(line) == "OXT" for line in lines)
    return lines + changed(lines, by=number(lines[-1]) - number(lines[0]) + 1, to=3.5)


def numbers_begin_again(lines: list[str]) -> list[str]:
    bare = [line for line in lines if name(line) != "OXT"]
    return changed(bare, by=200) + changed([line for line in bare if number(line) < 100], to=60.0)


def too_far_to_be_a_gap(lines: list[str]) -> list[str]:
    """Two residues cannot span 60 A; neither end shows what it is."""
    bare = [line for line in lines if name(line) not in ("OXT", "H2", "H3")]
    return bare + changed(bare, by=number(bare[-1]) - number(bare[0]) + 3, to=120.0)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (last_has_oxt, "has OXT"),
        (numbers_begin_again, "the numbers begin again"),
        (too_far_to_be_a_gap, "2 residues cannot span that"),
    ],
)
def test_two_chains_of_one_name_are_no_missing_loop(spoil: Callable[[list[str]], list[str]], why: str) -> None:
    told = [each for each in found(spoil(LINES)) if each.check in ("merged-chains", "missing-residues")]
    assert [each.check for each in told] == ["merged-chains"]
    assert told[0].level == "warn"
    assert why in told[0].message
    assert "each gets ends of its own: give each chain an id" in told[0].advice
    assert "build the loop" not in told[0].advice


def test_a_gap_in_one_chain_is_still_a_gap() -> None:
    told = [each for each in found([line for line in LINES if not 103 <= number(line) <= 108])]
    assert [(each.check, each.level) for each in told] == [("missing-residues", "fail")]
    assert "6 residues are missing between A:MET102 and A:THR109" in told[0].message


def test_two_chains_with_their_own_names_are_nothing_to_speak_of() -> None:
    assert not found(LINES + changed(LINES, to=120.0, chain="B"))


# Side chains that are not there


def test_a_reach_is_never_shorter_than_the_side_chain_is() -> None:
    """Each residue of the crystal cut back to CB: its farthest atom, with the ligand there, is within reach of it."""
    from scipy.spatial import cKDTree

    seen = set()
    for residue in {number(line): line[17:20] for line in LINES}.items():
        atoms = [atom for atom in structure(LINES).atoms if atom.number == residue[0] and atom.element != "H"]
        kind = {"HIE": "HIS", "HID": "HIS", "HIP": "HIS"}.get(residue[1], residue[1])
        stub = tuple(atom for atom in atoms if atom.name in (*BACKBONE, "CB"))
        gone = heavy_names()[kind] - {atom.name for atom in stub}
        if gone:
            x = np.array([atom.position for atom in atoms if atom.name in gone])
            assert all(reach_to(cKDTree(place[None]), stub, kind, gone) < 0.05 for place in x), residue
            seen.add(kind)
    assert {"ARG", "LYS", "TRP", "GLU", "MET"} <= seen


def test_arginine_cut_to_cb_is_told_where_its_guanidine_could_come() -> None:
    """The stub is more than 10 A away, and the side chain that it lacks is 6 A long."""
    atoms = [line for line in LINES if line[17:20] == "ARG" and number(line) == 119]
    x = {name(line): 0.1 * np.array([float(line[30 + 8 * k : 38 + 8 * k]) for k in range(3)]) for line in atoms}
    away = (x["CB"] - x["CA"]) / np.linalg.norm(x["CB"] - x["CA"])
    cut = [line for line in LINES if number(line) != 119 or name(line) in (*BACKBONE, "CB")]
    for distance, message in ((1.3, "which may reach to within 6."), (1.8, "")):
        told = [each for each in found(cut, {"ligand": (x["CB"] + distance * away)[None]}) if "ARG119" in each.message]
        assert bool(told) == bool(message)
        assert all(each.check == "residue-template" and message in each.message for each in told)


# Water


def test_a_clashing_water_names_the_ligands_that_it_clashes_with() -> None:
    x = 10 * LIGAND[0] + np.array([0.0, 0.0, 0.5])
    place = "".join(f"{value:8.3f}" for value in x)
    water = f"HETATM 9999  O   HOH A 500    {place}  1.00  0.00           O"
    there, elsewhere = LIGAND, LIGAND + 5.0
    (told,) = found([*LINES, water], {"first": there, "other": elsewhere, "second": there})
    assert told.check == "water-clash"
    assert told.message.endswith("A:HOH500 at 0.5 A (first, second)")
    assert "calculate first, second with a receptor of their own" in told.advice
