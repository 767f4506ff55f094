"""Receptors that the eighth blind trial of the pre-flight missed: mutants, second copies, states that the file gives.

See "A blind trial" in docs/preflight.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from spoilt import ROOT, WATER, Inputs, assert_told, middle, moved, residue_number, t4l, without, write, xylene

from bindfe.chem.differences import read_differences
from bindfe.chem.findings import Finding
from bindfe.chem.findings_catalogue import CHECKS
from bindfe.chem.findings_copies import copy_findings
from bindfe.chem.findings_mutated import mutation_findings
from bindfe.chem.ligand import Ligand, read_ligands
from bindfe.chem.receptor import Receptor, read_receptor
from bindfe.protocol import load_protocol

ASSEMBLY = """REMARK 350 BIOMOLECULE: 1
REMARK 350 APPLY THE FOLLOWING TO CHAINS: {first}
REMARK 350   BIOMT1   1  1.000000  0.000000  0.000000        0.00000
REMARK 350   BIOMT2   1  0.000000  1.000000  0.000000        0.00000
REMARK 350   BIOMT3   1  0.000000  0.000000  1.000000        0.00000
REMARK 350 BIOMOLECULE: 2
REMARK 350 APPLY THE FOLLOWING TO CHAINS: {second}
REMARK 350   BIOMT1   1  1.000000  0.000000  0.000000        0.00000
REMARK 350   BIOMT2   1  0.000000  1.000000  0.000000        0.00000
REMARK 350   BIOMT3   1  0.000000  0.000000  1.000000        0.00000
"""
APART, TOGETHER = ASSEMBLY.format(first="A", second="B"), ASSEMBLY.format(first="A, B", second="C")


def seqadv(residue: str, number: int, wild_type: str, kind: str) -> str:
    """A row by the PDB's columns; a deletion has no residue and no number of its own."""
    own = f"{residue:>3} A {number:4d}" if residue else " " * 10
    return f"SEQADV 181L {own}  UNP  P00720    {wild_type:>3} {number:5d} {kind:<21}\n"


def place_of(line: str) -> np.ndarray:
    return np.array([float(line[k : k + 8]) for k in (30, 38, 46)])


def copied(*, by: float, chain: str = "B") -> str:
    """The protein's atoms once more, shifted along x [A]."""
    return "".join(
        f"{line[:21]}{chain}{line[22:30]}{float(line[30:38]) + by:8.3f}{line[38:]}\n"
        for line in t4l().splitlines()
        if line.startswith("ATOM")
    )


def only_atoms(text: str) -> str:
    return "".join(f"{line}\n" for line in text.splitlines() if line.startswith("ATOM"))


def in_t4l(files: Inputs, receptor: str, **settings: object) -> None:
    files.ligands, files.receptor, files.settings = [xylene()], receptor, WATER | {"receptor": settings}


def protonated(number: int, *, name: str) -> str:
    """A carboxylate of the protein with a proton on its second oxygen, along the bond to it."""
    lines = []
    for line in t4l().splitlines():
        if not line.startswith("ATOM") or residue_number(line) != number:
            lines.append(line)
            continue
        lines.append(f"{line[:17]}{name}{line[20:]}")
        atom = line[12:16].strip()
        if atom in ("CG", "CD"):
            carbon = place_of(line)
        if atom in ("OD2", "OE2"):
            x = place_of(line) + 0.97 * (place_of(line) - carbon) / np.linalg.norm(place_of(line) - carbon)
            place = "".join(f"{value:8.3f}" for value in x)
            lines.append(f"ATOM   9999  H{atom[1:]} {name} A{number:4d}    {place}{line[54:]}")
    return "\n".join(lines) + "\n"


def amine(number: int, *, name: str) -> str:
    """A lysine of the protein without one of its three protons."""
    gone = without(t4l(), lambda line: residue_number(line) == number and "HZ" in line[12:16] and "3" in line[12:16])
    return "".join(
        f"{line[:17]}{name}{line[20:]}\n" if line.startswith("ATOM") and residue_number(line) == number else f"{line}\n"
        for line in gone.splitlines()
    )


def engineered_site(files: Inputs) -> None:
    in_t4l(files, seqadv("ALA", 99, "LEU", "ENGINEERED MUTATION") + t4l())


def second_copy_of_a_crystal(files: Inputs) -> None:
    in_t4l(files, APART + only_atoms(t4l()) + copied(by=70.0))


def acid_of_a_low_ph(files: Inputs) -> None:
    in_t4l(files, protonated(89, name="ASH"))


def acid_under_its_usual_name(files: Inputs) -> None:
    in_t4l(files, protonated(89, name="ASP"), protonation="given")


def acid_far_from_the_site(files: Inputs) -> None:
    in_t4l(files, protonated(45, name="GLH"))


def neutral_lysine(files: Inputs) -> None:
    in_t4l(files, amine(85, name="LYN"))


def lysine_that_lost_a_proton(files: Inputs) -> None:
    in_t4l(files, amine(85, name="LYS"))


MISSED: list[tuple[Callable[[Inputs], None], str, str]] = [
    (
        engineered_site,
        "mutated-residue",
        "A:ALA99 is an engineered mutation (LEU in the wild type, SEQADV), 3.1 A from",
    ),
    (second_copy_of_a_crystal, "second-copy", "chain B is a copy of chain A (162 residues)"),
    (acid_of_a_low_ph, "given-state", "A:ASP89, 5.9 A from a ligand, is protonated by its hydrogens in the file (ASH)"),
    (acid_under_its_usual_name, "given-state", "in the file (ASH), and propka says pKa"),
    (
        acid_far_from_the_site,
        "given-state",
        "far from the ligands 1 have the hydrogens of a state",
    ),
    (neutral_lysine, "given-state", "is deprotonated by its hydrogens in the file (LYN), and propka says pKa 10"),
    (lysine_that_lost_a_proton, "protein-protonation", "protons that the file has not are added: A:LYS85 NZ"),
]


@pytest.mark.parametrize(("spoil", "check", "words"), MISSED, ids=[each[0].__name__ for each in MISSED])
def test_what_was_missed_is_caught(tmp_path, spoil, check, words) -> None:
    assert_told(tmp_path, spoil, check, "warn", words)


def test_a_state_by_hand_is_meant(tmp_path) -> None:
    files = Inputs(folder=tmp_path)
    in_t4l(files, t4l(), states=["A:ASP89=ASH"])
    assert "given-state" not in {each.check for each in files.check().findings}


def test_a_chain_that_is_dropped_is_gone_and_costs_nothing(tmp_path) -> None:
    alone, files = Inputs(folder=tmp_path), Inputs(folder=tmp_path)
    in_t4l(alone, t4l())
    expected = alone.check()
    in_t4l(files, APART + only_atoms(t4l()) + copied(by=70.0), drop=["B:"])
    result = files.check()
    assert result.level == expected.level == "pass", [str(each) for each in result.findings]
    assert result.cost == expected.cost


# Mutants


def mutants(folder: Path, head: str, *, name: str = "t4l", at: tuple[float, float, float] = (0, 0, 0)) -> list[Finding]:
    """What is said of a file with a head, and of p-xylene in its site or shifted from it [A]."""
    (folder / "receptor.pdb").write_text(head + t4l())
    ligands = read_ligands(write(folder / "ligand.sdf", [moved(xylene(), at)]))
    found = mutation_findings(read_receptor(folder / "receptor.pdb", name), ligands)
    for each in found:
        assert each.level == "pass" or CHECKS["mutated-residue"].matches(each.message), str(each)
    return found


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (seqadv("ALA", 99, "LEU", "CONFLICT"), "A:ALA99 is a conflict (LEU in the wild type, SEQADV)"),
        (seqadv("LYS", 85, "", "EXPRESSION TAG"), "A:LYS85 is an expression tag (nothing in the wild type, SEQADV)"),
        (seqadv("ALA", 111, "LEU", "ENGINEERED"), "A:VAL111, 3.0 A from p-xylene, is ALA by SEQADV (LEU in the wild"),
        ("TITLE     T4 LYSOZYME MUTANT L99A WITH P-XYLENE\n", "A:ALA99 is a mutation (LEU in the wild type, TITLE)"),
        (
            "COMPND   4 ENGINEERED: YES;\nCOMPND   5 MUTATION: YES\n",
            "the protein is mutated, and not where",
        ),
    ],
)
def test_what_a_head_says_of_the_site_is_told(tmp_path, head, words) -> None:
    (found,) = mutants(tmp_path, head)
    assert found.level == "warn"
    assert words in found.message


@pytest.mark.parametrize(
    "head",
    [
        seqadv("ALA", 111, "VAL", "ENGINEERED MUTATION"),
        seqadv("GLU", 108, "ASP", "CONFLICT"),
        seqadv("MSE", 102, "MET", "MODIFIED RESIDUE"),
        "TITLE     T4 LYSOZYME MUTANT L99C WITH P-XYLENE\nTITLE    2 C5A AND A2A\n",
        "COMPND   4 ENGINEERED: YES\n",
        seqadv("ALA", 99, "LEU", "ENGINEERED MUTATION").replace("  99  UNP", " --9  UNP"),
    ],
    ids=["reverted", "conflict 6.6 A away", "selenomethionine", "another residue", "expressed in a cell", "no number"],
)
def test_what_is_the_wild_type_again_or_lies_farther_is_left_alone(tmp_path, head) -> None:
    assert mutants(tmp_path, head) == []


def test_a_mutation_far_from_the_site_is_a_note(tmp_path) -> None:
    (found,) = mutants(tmp_path, seqadv("THR", 54, "CYS", "ENGINEERED MUTATION"))
    assert found.level == "pass"
    assert found.message.endswith("farther than 8 A from every ligand: A:THR54 (C54T)")


def test_a_mutation_in_the_receptors_name_is_meant(tmp_path) -> None:
    (found,) = mutants(tmp_path, seqadv("ALA", 99, "LEU", "ENGINEERED MUTATION"), name="t4l-l99a")
    assert found.level == "pass"


def test_residues_deleted_beside_a_ligand_are_told_by_their_neighbours(tmp_path) -> None:
    """Numbers that leave two out, after Ala99, and the rows that say so."""
    shifted = "".join(
        f"{line[:22]}{residue_number(line) + 2 * (residue_number(line) > 99):4d}{line[26:]}\n"
        for line in t4l().splitlines()
        if line.startswith("ATOM")
    )
    rows = seqadv("", 100, "GLY", "DELETION") + seqadv("", 101, "SER", "DELETION")
    (tmp_path / "receptor.pdb").write_text(rows + shifted)
    ligands = read_ligands(write(tmp_path / "ligand.sdf", [xylene()]))
    (found,) = mutation_findings(read_receptor(tmp_path / "receptor.pdb"), ligands)
    assert "GLY100 to SER101 of the wild type, deleted in the construct, lay" in found.message
    assert "lay between A:ALA99 and A:ILE102, " in found.message
    assert CHECKS["mutated-residue"].matches(found.message)


def test_differences_of_an_mmcif_are_those_of_the_pdb() -> None:
    keys = "mon_id pdbx_pdb_strand_id pdbx_pdb_ins_code db_mon_id pdbx_seq_db_seq_num details pdbx_auth_seq_num"
    rows = ["ALA A ? LEU 99 'engineered mutation' 99", "? A ? GLY 100 deletion ?", "GLY A ? ? ? 'expression tag' -1"]
    text = "\n".join(["data_x", "_atom_site.id 1", "loop_", *(f"_struct_ref_seq_dif.{k}" for k in keys.split()), *rows])
    lines = [seqadv("ALA", 99, "LEU", "ENGINEERED MUTATION"), seqadv("", 100, "GLY", "DELETION")]
    pdb = "".join(lines).replace("A   99", "A   99") + seqadv("GLY", -1, "", "EXPRESSION TAG")
    cif, columns = read_differences(text), read_differences(pdb)
    assert [(d.residue, d.site[1], d.wild_type, d.kind) for d in cif] == [
        (d.residue, d.site[1], d.wild_type, d.kind) for d in columns
    ]
    assert [d.short for d in cif] == ["L99A", "G100", "-1G"]
    (named,) = read_differences("data_x\n_atom_site.id 1\n_entity.pdbx_mutation 'Met978Ala'\n")
    assert (named.short, named.source) == ("M978A", "_entity.pdbx_mutation")


def deposited(name: str) -> Receptor:
    """A file of the Protein Data Bank, as it comes with PDBFixer's tests."""
    package = Path(pytest.importorskip("pdbfixer").__file__).parent
    return read_receptor(package / "tests" / "data" / f"{name}.pdb")


def methane_at(receptor: Receptor, label: str) -> Ligand:
    """A carbon on the first atom of a residue."""
    mol = Chem.MolFromSmiles("C")
    mol.AddConformer(Chem.Conformer(1))
    place = next(atom.position for atom in receptor.structure.atoms if atom.label == label)
    mol.GetConformer().SetAtomPosition(0, tuple(10 * x for x in place))
    return Ligand(name="methane", mol=mol, source="")


def test_a_deposited_integrase_has_its_engineered_histidine_and_cacodylated_cysteines() -> None:
    receptor = deposited("1BHL")
    assert [each.short for each in read_differences(receptor.pdb)] == ["C65CAS", "C130CAS", "F185H"]
    (found,) = mutation_findings(receptor, [methane_at(receptor, "A:HIS185")])
    assert found.level == "warn"
    assert "A:HIS185 is an engineered mutation (PHE in the wild type" in found.message
    (found,) = mutation_findings(receptor, [methane_at(receptor, "A:CAS65")])
    assert found.level == "pass"


def test_two_copies_of_a_deposited_complex_are_told_as_a_whole() -> None:
    """mTOR with mLST8: chains B and D make one assembly, A and C the other, by REMARK 350."""
    receptor = deposited("4JSV")
    chain = next(atom.label for atom in receptor.structure.atoms if atom.chain == "B")
    (found,) = copy_findings(receptor, [methane_at(receptor, chain)])
    assert "chain A is a copy of chain B" in found.message
    assert "chain C is a copy of chain D" in found.message
    assert found.advice.endswith("receptor.drop: ['A:', 'C:']")


# Copies


def copies(folder: Path, text: str, *, drop: Sequence[str] = ()) -> list[Finding]:
    (folder / "receptor.pdb").write_text(text)
    ligands = read_ligands(write(folder / "ligand.sdf", [xylene()]))
    found = copy_findings(read_receptor(folder / "receptor.pdb"), ligands, drop=drop)
    assert all(CHECKS["second-copy"].matches(each.message) for each in found)
    return found


def test_a_copy_that_no_assembly_joins_is_told_with_the_setting_that_leaves_it_out(tmp_path) -> None:
    for head, said in (
        (APART, "the biological assembly has it apart"),
        ("", "the file names no assembly that has"),
    ):
        (found,) = copies(tmp_path, head + only_atoms(t4l()) + copied(by=70.0))
        assert f"50 % of the protein's atoms, no part of the site, and {said}" in found.message
        assert found.advice.endswith("leave it out: receptor.drop: ['B:']")


@pytest.mark.parametrize("by", [162, 500], ids=["numbers go on", "numbers leap"])
def test_a_copy_under_the_same_chain_id_is_told(tmp_path, by) -> None:
    lines = copied(by=70.0, chain="A").splitlines(keepends=True)
    second = "".join(f"{line[:22]}{residue_number(line) + by:4d}{line[26:]}" for line in lines)
    (found,) = copies(tmp_path, only_atoms(t4l()) + second)
    assert f"A:MET{by + 1} to A:LYS{by + 162} is a copy of A:MET1 to A:LYS162" in found.message
    assert "delete it from the file" in found.advice


def test_a_copy_of_which_a_few_residues_were_not_seen_is_told(tmp_path) -> None:
    whole = copied(by=70.0).splitlines(keepends=True)
    (found,) = copies(tmp_path, only_atoms(t4l()) + "".join(x for x in whole if not 30 <= residue_number(x) <= 38))
    assert "chain B is a copy of chain A (153 residues)" in found.message


def test_a_copy_without_a_chain_id_is_told_and_can_be_left_out(tmp_path) -> None:
    text = only_atoms(t4l()) + copied(by=70.0, chain=" ")
    (found,) = copies(tmp_path, text)
    assert "the chain without an id is a copy of chain A" in found.message
    assert found.advice.endswith("receptor.drop: [':']")
    assert copies(tmp_path, text, drop=[":"]) == []


def reach() -> float:
    """What brings the copy's outermost atom to 8 A from the ligand, along x [A]."""
    x = [place_of(line)[0] for line in t4l().splitlines() if line.startswith("ATOM")]
    return float(middle(xylene())[0] + 8.0 - min(x))


RIGHT = [
    (TOGETHER + only_atoms(t4l()) + copied(by=70.0), ()),
    (only_atoms(t4l()) + copied(by=70.0), ("B:",)),
    (only_atoms(t4l()) + copied(by=reach()), ()),
    (only_atoms(t4l()) + "".join(x for x in copied(by=70.0).splitlines(keepends=True) if residue_number(x) < 60), ()),
    (only_atoms(t4l()), ()),
]


@pytest.mark.parametrize(
    ("text", "drop"), RIGHT, ids=["assembly", "dropped", "reaches the site", "another length", "alone"]
)
def test_what_belongs_together_is_left_alone(tmp_path, text, drop) -> None:
    assert copies(tmp_path, text, drop=drop) == []


@pytest.mark.data
def test_the_second_chain_of_the_shipped_protease_reaches_the_site() -> None:
    protocol = load_protocol(ROOT / "systems" / "sars-cov-2-mpro" / "protocol.yaml")
    receptor = read_receptor(protocol.receptor.file)
    ligands = read_ligands(protocol.ligands.file)
    assert copy_findings(receptor, ligands, drop=protocol.receptor.drop) == []
