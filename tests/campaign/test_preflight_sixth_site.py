"""Receptors that the sixth blind trial of the pre-flight missed; see "A blind trial" in docs/preflight.md."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdMolTransforms
from scipy.spatial.transform import Rotation
from spoilt import ROOT, WATER, Inputs, assert_told, atom_line, middle, on, shape, t4l, write, xylene

from bindfe.build.protein import prepare_receptor
from bindfe.chem.assembly import read_assemblies
from bindfe.chem.findings import Finding
from bindfe.chem.findings_catalogue import CHECKS
from bindfe.chem.findings_edges import edge_findings
from bindfe.chem.findings_facing import facing_findings
from bindfe.chem.ligand import read_ligands
from bindfe.chem.mapping import map_atoms
from bindfe.chem.receptor import read_receptor
from bindfe.protocol import load_protocol

HISTIDINE = 31
"""The one histidine of T4 lysozyme."""


def place_of(line: str) -> np.ndarray:
    return np.array([float(line[k : k + 8]) for k in (30, 38, 46)])


def element_of(line: str) -> str:
    return next(c for c in line[12:16] if c.isalpha())


def moved_to(line: str, x: np.ndarray) -> str:
    return line[:30] + "".join(f"{value:8.3f}" for value in x) + line[54:]


def in_t4l(files: Inputs, receptor: str = "") -> None:
    files.ligands, files.receptor, files.settings = [xylene()], receptor or t4l(), dict(WATER)


def wrapped(lines: list[str], edge: float, *, whole: Callable[[str], object]) -> str:
    """Each atom beyond a plane moved by the box's edge [A]; with others of the same key if it is not None."""
    heads: dict[object, bool] = {}
    plane = 10 + np.median([place_of(line)[0] for line in lines])
    done = []
    for line in lines:
        x = place_of(line)
        if heads.setdefault(whole(line), bool(x[0] > plane)):
            x[0] -= edge
        done.append(moved_to(line, x))
    cryst = f"CRYST1{edge:9.3f}{edge:9.3f}{edge:9.3f}  90.00  90.00  90.00 P 1           1"
    return "\n".join([cryst, *done, ""])


def atoms_of_t4l() -> list[str]:
    return [line for line in t4l().splitlines() if line.startswith("ATOM")]


def wrapped_atom_by_atom(files: Inputs) -> None:
    in_t4l(files, wrapped(atoms_of_t4l(), 72.0, whole=lambda line: line[6:11]))


def wrapped_residue_by_residue(files: Inputs) -> None:
    in_t4l(files, wrapped(atoms_of_t4l(), 72.0, whole=lambda line: line[22:26]))


def assembly(shift: np.ndarray) -> str:
    rows = [
        f"REMARK 350   BIOMT{i + 1}   {n}{''.join(f'{float(i == k):10.6f}' for k in range(3))}{x[i]:15.5f}"
        for n, x in ((1, np.zeros(3)), (2, shift))
        for i in range(3)
    ]
    return "\n".join(["REMARK 350 BIOMOLECULE: 1", "REMARK 350 APPLY THE FOLLOWING TO CHAINS: A", *rows, ""])


def to_the_ligand() -> np.ndarray:
    """What brings the protein's outermost atom to 4 A from the ligand [A]."""
    x = np.array([place_of(line) for line in atoms_of_t4l() if element_of(line) != "H"])
    first = x[np.argmax(x[:, 0])]
    last = np.asarray(xylene().GetConformer().GetPositions())
    last = last[np.argmin(last[:, 0])]
    return last - np.array([4.0, 0.0, 0.0]) - first


def half_of_a_dimer(files: Inputs) -> None:
    in_t4l(files, assembly(to_the_ligand()) + t4l())


def predicted(near: float, *, head: str = "TITLE     ALPHAFOLD MONOMER V2.0 PREDICTION") -> str:
    ligand = np.asarray(xylene().GetConformer().GetPositions())
    close = {
        line[22:26] for line in atoms_of_t4l() if np.linalg.norm(ligand - place_of(line), axis=1).min() < 7
    }  # hydrogens come nearer than heavy atoms
    lines = [f"{line[:54]}  1.00{near if line[22:26] in close else 95.0:6.2f}" for line in atoms_of_t4l()]
    return "\n".join([head, *lines, ""])


def model_unsure_of_the_site(files: Inputs) -> None:
    in_t4l(files, predicted(42.0))


def crystal_of_phenol(files: Inputs) -> None:
    """Phenol in the site, and water half way from its oxygen to N or O of the protein."""
    phenol = shape("Oc1ccccc1", "phenol", at=middle(xylene()))
    x = np.asarray(phenol.GetConformer().GetPositions())
    polar = [place_of(line) for line in atoms_of_t4l() if element_of(line) in "NO"]
    ways = [0.5 * (x[0] + end) for end in polar if 4.0 < np.linalg.norm(end - x[0]) < 6.8]
    water = max(ways, key=lambda place: float(np.linalg.norm(x[:7] - place, axis=1).min()))
    files.ligands, files.receptor = [phenol], t4l() + atom_line("O", "HOH", 301, water, "O") + "\n"
    files.settings = dict(WATER)


def bridge_dropped(files: Inputs) -> None:
    crystal_of_phenol(files)
    files.settings |= {"receptor": {"waters": "drop"}}


def bridge_dropped_by_its_name(files: Inputs) -> None:
    crystal_of_phenol(files)
    files.settings |= {"receptor": {"drop": ["HOH"]}}


def at_a_histidine(files: Inputs, smiles: str, name: str, *, apart: float) -> None:
    """A ring whose first atom lies in front of a nitrogen of His31, its ring in line with it."""
    ring = {line[12:16].strip(): place_of(line) for line in atoms_of_t4l() if int(line[22:26]) == HISTIDINE}
    outward = ring[name] - np.mean([ring[each] for each in ("CG", "ND1", "CD2", "CE1", "NE2")], axis=0)
    outward /= np.linalg.norm(outward)
    ligand = shape(smiles, "ring")
    x = np.asarray(ligand.GetConformer().GetPositions())
    heavy = [atom.GetIdx() for atom in ligand.GetAtoms() if atom.GetAtomicNum() > 1]
    inward = x[heavy].mean(axis=0) - x[0]
    turn, _ = Rotation.align_vectors(outward[None], inward[None])
    ligand.GetConformer().SetPositions(turn.apply(x - x[0]) + ring[name] + apart * outward)
    files.ligands, files.receptor, files.settings = [ligand], t4l(), dict(WATER)
    files.settings["receptor"] = {"protonation": "propka", "states": [f"A:HIS{HISTIDINE}=HID"]}


def pyridine_at_a_bare_nitrogen(files: Inputs) -> None:
    at_a_histidine(files, "n1ccccc1", "NE2", apart=2.9)


def pyrrole_at_a_proton(files: Inputs) -> None:
    at_a_histidine(files, "[nH]1cccc1", "ND1", apart=2.9)


MISSED: list[tuple[Callable[[Inputs], None], str, str, str]] = [
    (wrapped_atom_by_atom, "torn-residues", "fail", "about the width of the box in CRYST1 (72 A)"),
    (wrapped_residue_by_residue, "torn-residues", "fail", "about the width of the box in CRYST1 (72 A)"),
    (half_of_a_dimer, "missing-assembly", "warn", "the biological assembly has 2 chains, the file has 1"),
    (model_unsure_of_the_site, "predicted-model", "warn", "below 70, 42 on average"),
    (bridge_dropped, "dropped-water", "warn", "receptor.waters: drop leaves out 1 water of the file"),
    (bridge_dropped_by_its_name, "dropped-water", "warn", "receptor.drop: [HOH] leaves out 1 water of the file"),
    (pyridine_at_a_bare_nitrogen, "facing-histidine", "warn", "A:HIS31 NE2 has no proton and faces N0, 2.9 A away"),
    (pyrrole_at_a_proton, "facing-histidine", "warn", "A from that of N0: donor meets donor"),
]


@pytest.mark.parametrize(("spoil", "check", "level", "words"), MISSED, ids=[each[0].__name__ for each in MISSED])
def test_what_was_missed_is_caught(tmp_path, spoil, check, level, words) -> None:
    assert_told(tmp_path, spoil, check, level, words)


def edge_of_ethers(files: Inputs, *, turned: bool) -> list[Finding]:
    """Two ethers of one phenol, which in the other is turned over about its bond to oxygen if asked for."""
    core = shape("Cc1ccc(Oc2cc(F)cc(Cl)c2)cc1", "first")
    other = on(shape("CCc1ccc(Oc2cc(F)cc(Cl)c2)cc1", "second"), core, "second")
    if turned:
        conformer = other.GetConformer()
        way = other.GetSubstructMatch(Chem.MolFromSmarts("cO-[$(c1cc(F)cc(Cl)c1)]c"))
        angle = rdMolTransforms.GetDihedralDeg(conformer, *way)
        rdMolTransforms.SetDihedralDeg(conformer, *way, angle + 180)
    path = write(files.folder / "pair.sdf", [core, other])
    a, b = read_ligands(path)
    return [each for each in edge_findings(a, b, map_atoms(a, b)) if each.check == "two-modes"]


def test_a_ring_that_is_turned_over_along_an_edge_is_two_modes(tmp_path) -> None:
    (found,) = edge_of_ethers(Inputs(folder=tmp_path), turned=True)
    assert found.level == "warn"
    assert found.ligand == "first~second"
    assert "of second are the same atom" in found.message
    assert "second has F" in found.message
    assert CHECKS["two-modes"].matches(found.message)


def test_a_ring_that_both_have_in_place_is_one_mode(tmp_path) -> None:
    assert edge_of_ethers(Inputs(folder=tmp_path), turned=False) == []


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("state", "warned"), [("HIE", False), ("HID", True)])
def test_histidine_163_of_the_shipped_protease_gives_its_proton_to_the_ligands(state, warned) -> None:
    protocol = load_protocol(ROOT / "systems" / "sars-cov-2-mpro" / "protocol.yaml")
    states = tuple(each if "163" not in each else each[:-3] + state for each in protocol.receptor.states)
    protocol = protocol.model_copy(update={"receptor": protocol.receptor.model_copy(update={"states": states})})
    receptor = read_receptor(protocol.receptor.file)
    ligands = read_ligands(protocol.ligands.file)
    found = facing_findings(prepare_receptor(receptor, protocol).receptor.structure, ligands)
    assert {each.ligand for each in found} == ({ligand.name for ligand in ligands} if warned else set())


def test_torn_residues_are_not_said_to_end_chains(tmp_path) -> None:
    files = Inputs(folder=tmp_path)
    wrapped_residue_by_residue(files)
    assert not {"merged-chains", "missing-residues"} & {each.check for each in files.check().findings}


def test_a_whole_protein_in_a_box_says_nothing_new(tmp_path) -> None:
    files = Inputs(folder=tmp_path)
    in_t4l(files, wrapped(atoms_of_t4l(), 72.0, whole=lambda line: None))
    assert "torn-residues" not in {each.check for each in files.check().findings}


def dimer_far_away(files: Inputs) -> None:
    in_t4l(files, assembly(np.array([120.0, 0.0, 0.0])) + t4l())


def dimer_that_is_there(files: Inputs) -> None:
    shift = np.array([60.0, 0.0, 0.0]) + to_the_ligand() * [0, 1, 1]  # far enough to be no part of the first
    other = [moved_to(line[:21] + "B" + line[22:], place_of(line) + shift) for line in atoms_of_t4l()]
    in_t4l(files, assembly(shift) + t4l() + "TER\n" + "\n".join([*other, ""]))


def model_sure_of_the_site(files: Inputs) -> None:
    in_t4l(files, predicted(88.0))


def crystal_solved_with_a_model(files: Inputs) -> None:
    head = "EXPDTA    X-RAY DIFFRACTION\nREMARK   3 STARTING MODEL: ALPHAFOLD"
    in_t4l(files, predicted(42.0, head=head))


def bridge_in_implicit_solvent(files: Inputs) -> None:
    bridge_dropped(files)
    files.settings |= {"solvent": {"model": "obc2"}}


def pyridine_at_a_proton(files: Inputs) -> None:
    at_a_histidine(files, "n1ccccc1", "ND1", apart=2.9)


def pyrrole_at_a_bare_nitrogen(files: Inputs) -> None:
    at_a_histidine(files, "[nH]1cccc1", "NE2", apart=2.9)


RIGHT: list[tuple[Callable[[Inputs], None], str]] = [
    (dimer_far_away, "missing-assembly"),
    (dimer_that_is_there, "missing-assembly"),
    (model_sure_of_the_site, "predicted-model"),
    (crystal_solved_with_a_model, "predicted-model"),
    (crystal_of_phenol, "dropped-water"),
    (bridge_in_implicit_solvent, "dropped-water"),
    (pyridine_at_a_proton, "facing-histidine"),
    (pyrrole_at_a_bare_nitrogen, "facing-histidine"),
]


@pytest.mark.parametrize(("make", "check"), RIGHT, ids=[each[0].__name__ for each in RIGHT])
def test_what_is_right_is_left_alone(tmp_path, make, check) -> None:
    files = Inputs(folder=tmp_path)
    make(files)
    assert check not in {each.check for each in files.check().findings if each.level != "pass"}


def test_operations_of_an_mmcif_are_applied_from_the_last() -> None:
    """Shift along x after a turn by 180 deg about z, by hand."""
    rows = {
        "P": "1 0 0 10 0 1 0 0 0 0 1 0",
        "2": "-1 0 0 0 0 -1 0 0 0 0 1 0",
        "3": "1 0 0 0 0 1 0 0 0 0 1 7",
    }
    keys = [key for i in (1, 2, 3) for key in (*(f"matrix[{i}][{k}]" for k in (1, 2, 3)), f"vector[{i}]")]
    text = "\n".join(
        [
            "data_x",
            "loop_",
            *(f"_atom_site.{key}" for key in ("label_asym_id", "auth_asym_id")),
            "A H",
            "loop_",
            *(f"_pdbx_struct_assembly_gen.{key}" for key in ("assembly_id", "oper_expression", "asym_id_list")),
            "1 '(P)(2-3)' A",
            "loop_",
            *(f"_pdbx_struct_oper_list.{key}" for key in ("id", *keys)),
            *(f"{name} {row}" for name, row in rows.items()),
        ]
    )
    (copies,) = read_assemblies(text)
    assert copies.chains == ("H",)
    at = {name: turn @ np.array([0.1, 0.2, 0.3]) + shift for name, turn, shift in copies.operations}
    assert at["P 2"] == pytest.approx([0.9, -0.2, 0.3])
    assert at["P 3"] == pytest.approx([1.1, 0.2, 1.0])
