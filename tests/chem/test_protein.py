from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import numpy as np
import pytest
from openmm import app

from bindfe.chem.findings import Finding
from bindfe.chem.protein import breaks, choose_alternates, sort_structure
from bindfe.chem.proteincaps import acetyl_cap, methylamide_cap
from bindfe.chem.proteinfile import parse_structure, write_pdb
from bindfe.chem.proteinstates import ResiduePka, states_at, states_by_hand
from bindfe.chem.receptor import read_receptor
from bindfe.errors import InputError

LINE = "{:<6}{:>5} {:<4}{:1}{:<3} {:1}{:>4}    {:8.3f}{:8.3f}{:8.3f}{:6.2f}{:6.2f}          {:>2}"
NOTHING = np.empty((0, 3))


def atom(name, residue, number, xyz, *, element=None, alternate="", occupancy=1.0, kind="ATOM", chain="A"):
    padded = f" {name}" if len(name) < 4 else name
    return LINE.format(
        kind, 1, padded, alternate, residue, chain, number, *xyz, occupancy, 0.0, element or name.strip()[0]
    )


BACKBONE = {  # alanine from a helix, A
    "N": (1.458, 0.000, 0.000),
    "CA": (0.000, 0.000, 0.000),
    "C": (-0.551, 1.420, 0.000),
    "O": (0.193, 2.402, 0.000),
    "CB": (-0.529, -0.774, -1.205),
}


def alanine(number, shift=(0.0, 0.0, 0.0), **options):
    return [atom(name, "ALA", number, np.add(xyz, shift), **options) for name, xyz in BACKBONE.items()]


def structure(*lines):
    return parse_structure("\n".join(lines), source="test.pdb", cif=False)


def sort(found, **options):
    defaults = {"drop": (), "keep_water": True, "gaps": "cap", "beside": NOTHING}
    return sort_structure(found, **(defaults | options))


def test_pdb_and_mmcif_of_one_structure_are_the_same_atoms():
    text = "\n".join([*alanine(1), *alanine(2, (3.0, 2.0, 1.0)), "END"])
    pdb = app.PDBFile(io.StringIO(text))
    cif = io.StringIO()
    app.PDBxFile.writeFile(pdb.topology, pdb.positions, cif, keepIds=True)
    ours = structure(*text.splitlines()).atoms
    theirs = parse_structure(cif.getvalue(), source="test.cif", cif=True).atoms
    assert [(a.name, a.residue, a.chain, a.number, a.element) for a in ours] == [
        (a.name, a.residue, a.chain, a.number, a.element) for a in theirs
    ]
    assert np.allclose([a.position for a in ours], [a.position for a in theirs], atol=1e-4)


def test_what_is_written_is_read_back():
    before = structure(*alanine(1), atom("ZN", "ZN", 301, (9, 9, 9), element="ZN", kind="HETATM"))
    after = parse_structure(write_pdb([before.atoms]), source="again", cif=False)
    assert [(a.name, a.element, a.residue) for a in after.atoms] == [
        (a.name, a.element, a.residue) for a in before.atoms
    ]
    assert np.allclose([a.position for a in after.atoms], [a.position for a in before.atoms], atol=1e-6)


def test_quoted_names_and_text_blocks_of_mmcif_are_read():
    text = """data_x
_struct.title
;two words
and a loop_ in text
;
loop_
_atom_site.type_symbol
_atom_site.auth_atom_id
_atom_site.auth_comp_id
_atom_site.auth_asym_id
_atom_site.auth_seq_id
_atom_site.pdbx_PDB_ins_code
_atom_site.Cartn_x
_atom_site.Cartn_y
_atom_site.Cartn_z
C "C1'" DA AA 12 B 1.0 2.0 -3.0
#
"""
    (only,) = parse_structure(text, source="x.cif", cif=True).atoms
    assert (only.name, only.chain, only.number, only.insertion) == ("C1'", "AA", 12, "B")
    assert only.position == pytest.approx((0.1, 0.2, -0.3))


def test_the_alternate_with_the_higher_occupancy_is_taken_for_the_whole_residue():
    lines = [
        *alanine(1)[:4],
        atom("CB", "ALA", 1, (1, 1, 1), alternate="A", occupancy=0.4),
        atom("CB", "ALA", 1, (2, 2, 2), alternate="B", occupancy=0.6),
    ]
    findings: list[Finding] = []
    kept = choose_alternates(structure(*lines).atoms, findings)
    assert [a.position for a in kept if a.name == "CB"] == [pytest.approx((0.2, 0.2, 0.2))]
    assert "A:ALA1" in findings[0].message
    assert "A 0.40, B 0.60" in findings[0].message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (atom("C1", "BNZ", 200, (9, 9, 9), kind="HETATM"), r"A:BNZ200.*receptor\.drop: \[BNZ\].*receptor\.cofactors"),
        (atom("CA", "MSE", 2, (9, 9, 9)), "A:MSE2"),
    ],
)
def test_what_has_no_parameters_is_refused_by_name(line, message):
    with pytest.raises(InputError, match=message):
        sort(structure(*alanine(1), line))


@pytest.mark.parametrize(
    ("name", "element", "usual"),
    [
        *[("SOD", "NA", "NA"), ("Na+", "NA", "NA"), ("CLA", "CL", "CL"), ("ZN2", "ZN", "ZN"), ("CAL", "CA", "CA")],
        *[("POT", " ", "K"), ("IOD", "I", "IOD"), ("FE2", "FE", "FE2")],  # without a symbol; the PDB's own names
    ],
)
def test_ions_are_known_by_their_names_in_other_programs(name, element, usual):
    line = atom(name, name, 401, (9, 9, 9), kind="HETATM", element=element)
    (ion,) = sort(structure(*alanine(1), line)).ions
    assert (ion[0].residue, ion[0].element.upper()) == (usual, usual[:2] if usual != "IOD" else "I")


def test_chlorophyll_is_no_chloride():
    with pytest.raises(InputError, match="A:CLA401 are no amino acids"):
        sort(structure(*alanine(1), atom("C1", "CLA", 401, (9, 9, 9), kind="HETATM")))


@pytest.mark.parametrize(
    ("name", "sites"), [("DOD", "O D1 D2"), ("SOL", "OW HW1 HW2 MW"), ("OPC", "O H1 H2 EPW"), ("HOH", "O H1 H2")]
)
def test_heavy_water_and_water_of_four_sites_get_their_hydrogens_anew(name, sites):
    lines = [atom(site, name, 301, (9, 9, k), kind="HETATM") for k, site in enumerate(sites.split())]
    (water,) = sort(structure(*alanine(1), *lines)).water
    assert [each.name for each in water] == (sites.split() if name == "HOH" else ["O"])
    assert {each.residue for each in water} == {"HOH"}
    assert water[0].position == pytest.approx((0.9, 0.9, 0.0))


def test_a_modified_residue_is_told_with_its_atoms():
    lines = [line.replace("ALA", "SEP") for line in alanine(2)]
    with pytest.raises(InputError, match=r"A:SEP2 has N CA C O CB.*receptor\.modified: replace"):
        sort(structure(*alanine(1), *lines))


def test_residues_are_dropped_by_name_or_label_and_a_wrong_name_is_told():
    water = [atom("O", "HOH", n, (9, 9, n), kind="HETATM") for n in (301, 302)]
    parts = sort(structure(*alanine(1), *water), drop=("A:HOH301",))
    assert [residue[0].number for residue in parts.water] == [302]
    with pytest.raises(InputError, match=r"names EDO, which is not in the file; beside amino acids it has: HOH"):
        sort(structure(*alanine(1), *water), drop=("EDO",))


def test_a_residue_on_a_given_cofactor_is_described_by_it():
    cofactor = [atom(f"C{i}", "BNZ", 200, (9, 9, i), kind="HETATM") for i in range(3)]
    parts = sort(structure(*alanine(1), *cofactor), beside=0.1 * np.array([[9, 9, i] for i in range(3)]))
    assert any("A:BNZ200 is described by the given cofactor" in f.message for f in parts.findings)


def test_a_broken_chain_is_capped_refused_or_left_to_be_built():
    broken = structure(*alanine(1), *alanine(5, (12.0, 0.0, 0.0)))
    capped = sort(broken)
    names = [[residue[0].residue for residue in chain] for chain in capped.chains]
    assert names == [["ALA", "NME"], ["ACE", "ALA"]]
    assert any("3 residues are missing between A:ALA1 and A:ALA5" in f.message for f in capped.findings)
    with pytest.raises(InputError, match="broken at A:ALA1 to A:ALA5"):
        sort(broken, gaps="refuse")
    assert len(sort(broken, gaps="build").chains) == 1
    assert len(breaks(sort(broken, gaps="build").chains[0])) == 1


def test_caps_have_the_geometry_of_a_trans_peptide_bond():
    residue = structure(*alanine(4)).atoms
    place = {a.name: np.array(a.position) for a in residue}
    before = {a.name: np.array(a.position) for a in acetyl_cap(residue, NOTHING)}
    after = {a.name: np.array(a.position) for a in methylamide_cap(residue, NOTHING)}
    assert np.linalg.norm(before["C"] - place["N"]) == pytest.approx(0.1329)
    assert np.linalg.norm(after["N"] - place["C"]) == pytest.approx(0.1329)
    for four in (
        (before["CH3"], before["C"], place["N"], place["CA"]),
        (place["CA"], place["C"], after["N"], after["C"]),
    ):
        assert abs(torsion(*four)) == pytest.approx(180.0, abs=0.01)
    assert abs(torsion(before["O"], before["C"], place["N"], place["CA"])) == pytest.approx(0.0, abs=0.01)
    # N, O and CA about the carbonyl carbon lie in one plane
    assert abs(torsion(place["O"], place["C"], after["N"], after["C"])) == pytest.approx(0.0, abs=0.01)


def torsion(a, b, c, d):
    """By projections on the plane across the bond, degrees."""
    axis = (c - b) / np.linalg.norm(c - b)
    u, w = (v - np.dot(v, axis) * axis for v in (a - b, d - c))
    return np.degrees(np.arctan2(np.dot(np.cross(axis, u), w), np.dot(u, w)))


def test_states_follow_the_pka_and_say_when_it_is_near():
    pkas = [
        ResiduePka(site=("A", 1, ""), residue="HIS", pka=7.4),
        ResiduePka(site=("A", 2, ""), residue="ASP", pka=3.0),
        ResiduePka(site=("A", 3, ""), residue="GLU", pka=9.0),
        ResiduePka(site=("A", 4, ""), residue="LYS", pka=5.0),
    ]
    states, findings = states_at(pkas, ph=7.0)
    assert states == {("A", 1, ""): "HIP", ("A", 3, ""): "GLH", ("A", 4, ""): "LYN"}
    assert [f.message for f in findings if f.level == "warn"] == [
        "A:HIS1 has pKa 7.4 at pH 7: both of its states are populated"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("HIS31", "cannot be read"),
        ("A:HIS32=HIE", "the protein has no residue at A:32"),
        ("A:HIS31=ASH", "the states of HIS are HID, HIE, HIP"),
    ],
)
def test_a_state_by_hand_that_cannot_be_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        states_by_hand([text], {("A", 31, ""): "HIS"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("REMARK nothing\n", "holds no ATOM lines"),
        ("ATOM      1  N   ALA A   x      1.0     2.0     3.0\n", "line 1: residue number, coordinates"),
    ],
)
def test_a_file_that_is_no_protein_is_refused(tmp_path: Path, text, message):
    path = tmp_path / "bad.pdb"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_receptor(path)


def test_two_chains_of_one_name_get_ends_of_their_own_and_no_caps():
    """The second goes on counting where the first ends with OXT, 60 A away; a break within a chain is still capped."""
    data = Path(str(importlib.util.find_spec("openmmtools").origin)).parent / "data" / "T4-lysozyme-L99A-implicit"
    lines = [line for line in (data / "receptor.pdb").read_text().splitlines() if line.startswith("ATOM")]
    again = [
        f"{line[:22]}{int(line[22:26]) + 162:4d}{line[26:30]}{float(line[30:38]) + 60:8.3f}{line[38:]}"
        for line in lines
    ]
    gapped = [line for line in again if not 200 <= int(line[22:26]) <= 205]
    for gaps, pieces in (("cap", 3), ("build", 2)):
        parts = sort_structure(
            parse_structure("\n".join([*lines, *gapped]), source="two.pdb", cif=False),
            drop=(),
            keep_water=True,
            gaps=gaps,
            beside=np.empty((0, 3)),
        )
        assert len(parts.chains) == pieces
        ends = [(chain[0][0].residue, chain[-1][0].residue) for chain in parts.chains]
        assert ends[0] == ("MET", "LYS")
        assert ends[1][0] == "MET"
        assert [each.check for each in parts.findings if each.check != "protein-gap"] == ["merged-chains"]
