"""Mistakes of every kind that a sceptical user's files had, and costs that nobody can have meant."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import numpy as np
import pytest
from spoilt import CB7, HYDRATION, WATER, Inputs, b2, middle, moved, residue_number, shape, t4l, without, xylene

from bindfe.campaign.preflight_cost import Cost, Worker
from bindfe.campaign.preflight_limits import Limits, cost_findings
from bindfe.chem.findings_catalogue import CHECKS
from bindfe.protocol import parse_protocol

PROTOCOL = parse_protocol("ligands: {file: series.sdf}\nsampling: {length: 5000 ns}\n")


def cost(*, days: float = 1.0, gigabytes: float = 1.0) -> Cost:
    return Cost(hours=24 * days, gigabytes=gigabytes, nanoseconds=100.0, device="words")


# Time and disk that nobody can have meant


@pytest.mark.parametrize(
    ("estimate", "gpu", "check", "words"),
    [
        (cost(days=31), True, "wall-time", "about 31 days on words, and more than 30 days is hardly meant"),
        (cost(days=29), True, "", ""),
        (cost(days=300), False, "", ""),
        (cost(days=3650), False, "wall-time", "about 10 years on words, and more than a year is hardly meant"),
        (cost(gigabytes=1500), True, "disk", "about 1.5 TB of disk, and more than 1 TB is hardly meant"),
        (cost(gigabytes=900), True, "", ""),
    ],
)
def test_an_absurd_cost_is_told_though_no_limit_was_given(estimate: Cost, gpu: bool, check: str, words: str) -> None:
    worker = Worker(number=1, gpu=gpu)
    told = [f for f in cost_findings(estimate, PROTOCOL, limits=Limits(), worker=worker) if f.level != "pass"]
    assert [(each.check, each.level) for each in told] == ([(check, "warn")] if check else [])
    for each in told:
        assert each.message == words
        assert CHECKS[check].matches(each.message)
        assert "sampling.length" in each.advice
        assert "5000 ns" in each.advice


def test_a_limit_of_ones_own_is_the_only_one() -> None:
    worker = Worker(number=1, gpu=True)
    limits = Limits(hours=24 * 60, gigabytes=5000)
    (told,) = cost_findings(cost(days=50, gigabytes=2000), PROTOCOL, limits=limits, worker=worker)
    assert told.level == "pass"
    assert "50 days" in told.message


def microseconds(files: Inputs) -> None:
    files.ligands, files.receptor = [b2()], str(CB7)
    files.settings = WATER | {"sampling": {"length": "5 us"}}


def two_copies_of_one_name(files: Inputs) -> None:
    """An assembly whose second chain has the first one's id and numbers: it was left out without a word."""
    lines = [line for line in t4l().splitlines() if line.startswith("ATOM")]
    again = [f"{line[:30]}{float(line[30:38]) + 60:8.3f}{line[38:]}" for line in lines]
    files.ligands, files.receptor, files.settings = [xylene()], "\n".join([*lines, *again]) + "\n", WATER


def a_mirror_image(files: Inputs) -> None:
    """x has changed its sign, in the protein and in the ligand."""
    lines = [line for line in t4l().splitlines() if line.startswith("ATOM")]
    mol = xylene()
    x = np.asarray(mol.GetConformer().GetPositions())
    mol.GetConformer().SetPositions(x * np.array([-1.0, 1.0, 1.0]))
    files.receptor = "\n".join(f"{line[:30]}{-float(line[30:38]):8.3f}{line[38:]}" for line in lines) + "\n"
    files.ligands, files.settings = [mol], WATER


def side_chain_without_density(files: Inputs) -> None:
    gone = ("N", "CA", "C", "O", "CB")
    files.receptor = "\n".join(
        f"{line[:54]}  0.00{line[60:]}"
        if line.startswith("ATOM") and residue_number(line) == 153 and line[12:16].strip() not in gone
        else line
        for line in t4l().splitlines()
    )
    files.ligands, files.settings = [xylene()], WATER


def acrylamide_at_a_cysteine(files: Inputs) -> None:
    """Val111 of the cavity becomes a cysteine whose sulfur is 3.5 A from the CH2 of an acrylamide."""
    names, lines = ("N", "CA", "C", "O", "CB", "H", "HA"), []
    for line in t4l().splitlines():
        mine = line.startswith("ATOM") and residue_number(line) == 111
        if mine and line[12:16].strip() == "CG1":
            sulfur = np.array([float(line[30 + 8 * k : 38 + 8 * k]) for k in range(3)])
            lines.append(f"{line[:12]} SG  CYS{line[20:]}")
        elif not mine or line[12:16].strip() in names:
            lines.append(line.replace("VAL", "CYS") if mine else line)
    mol = shape("C=CC(=O)Nc1ccccc1", "acrylamide")
    x = np.asarray(mol.GetConformer().GetPositions())
    towards = middle(xylene()) - sulfur
    moved(mol, tuple(sulfur + 3.5 * towards / np.linalg.norm(towards) - x[0]))
    files.ligands, files.receptor, files.settings = [mol], "\n".join(lines) + "\n", WATER


def macrocycle(files: Inputs) -> None:
    files.ligands, files.settings = [shape("O=C1CCCCCCCCCCCCCCO1", "exaltolide")], HYDRATION


def peptide(files: Inputs) -> None:
    files.ligands = [shape("NCC(=O)N[C@@H](CCCCN)C(=O)NCC(=O)N[C@@H](CCCCN)C(=O)N[C@@H](CCCCN)C(N)=O", "peptide")]
    files.settings = HYDRATION


def time_step_in_picoseconds(files: Inputs) -> None:
    files.ligands, files.settings = [shape("CCO")], HYDRATION | {"sampling": {"time_step": "0.002 fs"}}


def water_is_a_vacuum(files: Inputs) -> None:
    files.ligands = [shape("CCO")]
    files.settings = HYDRATION | {"solvent": {"model": "obc2", "solvent_dielectric": 1.0}}


def hydrogen_across_the_room(files: Inputs) -> None:
    """One hydrogen of p-xylene 14 A from its carbon; all other atoms are where they belong."""
    mol = xylene()
    x = np.asarray(mol.GetConformer().GetPositions())
    x[next(atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 1)] += 8.0
    mol.GetConformer().SetPositions(x)
    files.ligands, files.receptor, files.settings = [mol], str(CB7), WATER


def backbone_alone(files: Inputs) -> None:
    """What PDBFixer would fill up, in a minute."""
    backbone = ("N", "CA", "C", "O", "CB")
    files.receptor = without(t4l(), lambda line: line[12:16].strip() not in backbone)
    files.ligands, files.settings = [xylene()], WATER


def compressed_protein(files: Inputs) -> None:
    path = files.folder / "receptor.pdb.gz"
    path.write_bytes(gzip.compress(t4l().encode()))
    files.ligands, files.receptor, files.settings = [xylene()], str(path), WATER


def acid_of_a_battery(files: Inputs) -> None:
    files.ligands, files.receptor, files.settings = [b2()], str(CB7), WATER | {"receptor": {"ph": 1.0}}


WILD: list[tuple[Callable[[Inputs], None], str, str, str]] = [
    (microseconds, "wall-time", "warn", "more than a year is hardly meant"),
    (two_copies_of_one_name, "doubled-atoms", "fail", "162 residues have atoms that stand twice"),
    (a_mirror_image, "backbone", "fail", "of the wrong hand"),
    (side_chain_without_density, "unseen-atoms", "warn", "A:PHE153 has CG CD1"),
    (acrylamide_at_a_cysteine, "covalent-warhead", "warn", "C0 of a Michael acceptor lies 3.5 A from the sulfur of"),
    (macrocycle, "flexible-ligand", "warn", "a ring of 16 atoms"),
    (peptide, "flexible-ligand", "warn", "bonds that turn"),
    (time_step_in_picoseconds, "unusual-setting", "warn", "sampling.time_step is 0.002 fs"),
    (hydrogen_across_the_room, "coordinates", "fail", "are bonded and 14."),
    (backbone_alone, "receptor", "fail", "residues have no side chain"),
    (compressed_protein, "receptor", "fail", "give a protein as .pdb or .cif"),
    (acid_of_a_battery, "unusual-setting", "warn", "receptor.ph is 1 (4 to 10 is usual)"),
    (water_is_a_vacuum, "unusual-setting", "warn", "solvent.solvent_dielectric is 1 (4 to 120 is usual)"),
]


@pytest.mark.parametrize(("spoil", "check", "level", "words"), WILD, ids=[each.__name__ for each, *_ in WILD])
def test_a_mistake_in_the_wild_is_told(tmp_path, spoil, check, level, words) -> None:
    files = Inputs(folder=tmp_path)
    spoil(files)
    result = files.check()
    found = [finding for finding in result.findings if finding.check == check and finding.level == level]
    assert any(words in finding.message for finding in found), [str(finding) for finding in result.findings]
    for each in result.findings:
        if each.level != "pass":
            assert CHECKS[each.check].matches(each.message), str(each)


@pytest.mark.parametrize("bare", [True, False])
def test_histidines_by_their_names_in_charmm_are_histidines(tmp_path, bare: bool) -> None:
    """HSE was refused as a modified residue by the pre-flight, and in a file with hydrogens by the run."""
    text = t4l().replace("HIE", "HSE")
    if bare:
        text = without(text, lambda line: line[12:16].strip().lstrip("123")[0] == "H").replace("HSE", "HSD")
    result = Inputs(folder=tmp_path, ligands=[xylene()], receptor=text, settings=WATER).check()
    assert not [each for each in result.findings if each.level == "fail"], [str(each) for each in result.findings]
