"""A series is read as it is, made ready as asked, and every change and every doubt is told by name."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDepictor, rdDistGeom, rdForceFieldHelpers

from bindfe.chem.intake import Coverage, Series, read_series
from bindfe.chem.ligand import read_ligands
from bindfe.errors import InputError

needs_rules = pytest.mark.skipif(find_spec("dimorphite_dl") is None, reason="dimorphite-dl is not installed")

NAPROXEN = "COc1ccc2cc(ccc2c1)[C@H](C)C(=O)O"


def _structure(smiles: str, title: str = "x") -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    mol.SetProp("_Name", title)
    return mol


def _sdf(path: Path, *mols: Chem.Mol, v3000: bool = False) -> Path:
    with Chem.SDWriter(str(path)) as writer:
        writer.SetForceV3000(v3000)
        for mol in mols:
            writer.write(mol)
    return path


def _smiles_of(series: Series) -> list[str]:
    return [ligand.smiles for ligand in series.ligands]


def _found(series: Series, level: str = "") -> list[tuple[str, str]]:
    return [(f.ligand, f.check) for f in series.findings if not level or f.level == level]


@pytest.fixture
def smi(tmp_path):
    """Write lines of SMILES and read them."""

    def read(*lines: str, **choices) -> Series:
        path = tmp_path / "series.smi"
        path.write_text("\n".join(lines) + "\n")
        return read_series(path, **choices)

    return read


# files


@pytest.mark.parametrize("v3000", [False, True])
def test_placed_structures_stay_where_they_are(tmp_path, v3000):
    mols = [_structure("CC(=O)[O-]", "acetate"), _structure(NAPROXEN, "naproxen")]
    series = read_series(_sdf(tmp_path / "two.sdf", *mols, v3000=v3000))
    assert [ligand.name for ligand in series.ligands] == ["acetate", "naproxen"]
    for ligand, mol in zip(series.ligands, mols, strict=True):
        assert ligand.placed
        assert ligand.positions == pytest.approx(0.1 * mol.GetConformer().GetPositions(), abs=1e-5)
    assert series.changes == ()


def test_agrees_with_the_reader_of_single_ligands(tmp_path):
    path = _sdf(tmp_path / "one.sdf", _structure(NAPROXEN))
    assert read_series(path).ligands[0].content() == read_ligands(path)[0].content()


def test_several_mol2_records_keep_their_charges(tmp_path):
    block = (
        "@<TRIPOS>MOLECULE\n{}\n2 1 0 0 0\nSMALL\nUSER_CHARGES\n@<TRIPOS>ATOM\n"
        "1 F1 0.0 0.0 0.0 F 1 LIG -0.2\n2 H1 0.92 0.0 0.0 H 1 LIG 0.2\n@<TRIPOS>BOND\n1 1 2 1\n"
    )
    path = tmp_path / "two.mol2"
    path.write_text(block.format("one") + block.format("two"))
    series = read_series(path)
    assert [list(ligand.partial_charges) for ligand in series.ligands] == [[-0.2, 0.2]] * 2
    assert ("two", "duplicate") in _found(series)


def test_partial_charges_of_another_charge_than_the_bonds_make_are_refused(tmp_path):
    """antechamber writes a nitro group with two single bonds, which are those of a dianion; the charges know."""
    atoms = [
        "C1 0.0 0.0 0.0 C.3 .1",
        "N1 1.5 0.0 0.0 N.pl3 .1",
        "O1 2.1 1.1 0.0 O.2 -.175",
        "O2 2.1 -1.1 0.0 O.2 -.175",
    ]
    atoms += [f"H{i} {xyz} H .05" for i, xyz in enumerate(("-.4 1.0 0.0", "-.4 -.5 .9", "-.4 -.5 -.9"), start=1)]
    lines = [" ".join([str(i), *words[:5], "1 LIG", words[5]]) for i, words in enumerate(map(str.split, atoms), 1)]
    bonds = ["1 1 2 1", "2 2 3 {}", "3 2 4 1", "4 1 5 1", "5 1 6 1", "6 1 7 1"]
    head = ["@<TRIPOS>MOLECULE", "nitromethane", "7 6 1 0 0", "SMALL", "USER_CHARGES", "@<TRIPOS>ATOM"]
    text = "\n".join([*head, *lines, "@<TRIPOS>BOND", *bonds, ""])
    (tmp_path / "right.mol2").write_text(text.format(2))
    assert [ligand.smiles for ligand in read_series(tmp_path / "right.mol2").ligands] == ["C[N+](=O)[O-]"]
    (tmp_path / "wrong.mol2").write_text(text.format(1))
    (finding,) = (f for f in read_series(tmp_path / "wrong.mol2").findings if f.level == "fail")
    assert finding.check == "partial-charges"
    assert "partial charges sum to +0.00 e, and its bonds and formal charges make -2 e" in finding.message


def test_smiles_become_structures_that_are_no_poses(smi):
    series = smi("SMILES name", "CCO ethanol", "# a comment", "", f"{NAPROXEN} (S)-naproxen")
    assert [ligand.name for ligand in series.ligands] == ["ethanol", "_S_-naproxen"]
    assert _smiles_of(series)[1] == Chem.CanonSmiles(NAPROXEN)
    assert not any(ligand.placed for ligand in series.ligands)
    assert all("not a pose" in change.words for change in series.changes)


def test_an_embedded_structure_is_relaxed_and_the_same_each_time(smi):
    first, second = (smi("CCCCO butanol").ligands[0] for _ in range(2))
    assert np.array_equal(first.positions, second.positions)
    forces = rdForceFieldHelpers.MMFFGetMoleculeForceField(
        first.mol, rdForceFieldHelpers.MMFFGetMoleculeProperties(first.mol, mmffVariant="MMFF94s")
    )
    assert np.max(np.abs(forces.CalcGrad())) < 0.1  # kcal/mol/A


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_gives_smiles_and_names(tmp_path, delimiter):
    path = tmp_path / "table.csv"
    rows = [["assay", "Name", "SMILES"], ["1", "methanol", "CO"], ["2", "ethanol", "CCO"]]
    path.write_text("\n".join(delimiter.join(row) for row in rows) + "\n")
    series = read_series(path, names=["ethanol"])
    assert [(ligand.name, ligand.smiles) for ligand in series.ligands] == [("ethanol", "CCO")]
    assert series.ligands[0].source == f"{path}, line 3"


@pytest.mark.parametrize(
    "header", ["Compound_ID,SMILES", "Molecule Name,Canonical SMILES", "Ligand-ID,smiles", "Molecule ChEMBL ID,Smiles"]
)
def test_usual_names_of_columns_are_known(tmp_path, header):
    path = tmp_path / "table.csv"
    path.write_text(f"{header}\nx1,CCO\nx2,\n")
    series = read_series(path)
    assert [ligand.name for ligand in series.ligands] == ["x1"]
    assert series.refused == ("x2",)  # a row without a SMILES is told, not lost


def test_a_table_without_smiles_says_which_columns_it_has(tmp_path):
    (tmp_path / "t.csv").write_text("name,formula\nx,CH4\n")
    with pytest.raises(InputError, match=r"no column 'smiles' \(it has name, formula\)"):
        read_series(tmp_path / "t.csv")


def test_a_name_that_is_not_there_is_an_error(smi):
    with pytest.raises(InputError, match="no ligand 'b' in it; it holds a"):
        smi("CO a", names=["b"])


def test_another_kind_of_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"'\.docx' is not read"):
        read_series(tmp_path / "series.docx")


def test_a_broken_entry_leaves_the_others(smi):
    series = smi("C1CC broken", "CO methanol", "C[CH2] radical", "[B-](F)(F)(F)F boron")
    assert _smiles_of(series) == ["CO"]
    assert _found(series) == [("broken", "unreadable"), ("radical", "radical"), ("boron", "element")]
    assert series.refused == ("broken", "radical", "boron")


# names


def test_names_are_safe_and_unlike_each_other(smi):
    series = smi("CO a/b", "CCO a:b", "CCCO x", "CCCCO x", "CC(C)O X", "CCCCCO x-2")
    names = [ligand.name for ligand in series.ligands]
    assert len({name.lower() for name in names}) == 6
    assert all("/" not in name and ":" not in name for name in names)
    assert names[5] == "x-2"
    assert [check for _, check in _found(series)].count("repeated-title") == 1


# salts, isotopes


def test_salts_are_stripped_and_said(smi):
    series = smi("CC(=O)[O-].[Na+] acetate", "C[NH+](C)C.[Cl-] amine", "O.CCCO hydrate", "CCCN.CCCN.OS(=O)(=O)O hemi")
    assert _smiles_of(series) == ["CC(=O)[O-]", "C[NH+](C)C", "CCCO", "CCCN"]
    assert [check for _, check in _found(series, "warn")].count("salt") == 4
    assert series.changes[0].words == "left out Na+, kept C2H3O2-"


def test_a_placed_molecule_keeps_its_place_without_its_counter_ion(tmp_path):
    mol = Chem.CombineMols(_structure("C[NH+](C)C"), _structure("[Cl-]"))
    ligand = read_series(_sdf(tmp_path / "salt.sdf", mol)).ligands[0]
    assert ligand.placed
    assert ligand.positions == pytest.approx(0.1 * mol.GetConformer().GetPositions()[:-1], abs=1e-5)


def test_salts_are_a_failure_where_they_are_not_to_be_stripped(smi):
    assert _found(smi("CC(=O)[O-].[Na+] s", strip_salts=False)) == [("s", "salt")]


def test_two_molecules_that_may_both_be_the_ligand_are_refused(smi):
    series = smi("c1ccccc1CCN.c1ccncc1CCC mixture", "[Na+].[Cl-] salt")
    assert _found(series) == [("mixture", "salt"), ("salt", "salt")]
    assert series.ligands == ()


def test_isotopes_are_dropped_with_a_word(smi):
    series = smi("[2H]C([2H])([2H])O d3", "[13CH3]CO c13")
    assert _smiles_of(series) == ["CO", "CCO"]
    assert _found(series, "warn")[:2] == [("d3", "isotopes"), ("c13", "isotopes")]
    assert series.ligands[0].n_atoms == 6


# what a model covers


def test_elements_and_charges_are_those_of_every_model(smi):
    ani = Coverage(name="ani2x", elements=frozenset("HCNOSF") | {"Cl"}, charges=frozenset({0}))
    series = smi("CBr bromide", "C[NH3+] amine", "CO methanol", covers=[ani])
    assert _smiles_of(series) == ["CO"]
    assert _found(series) == [("bromide", "element"), ("amine", "charge")]
    assert "ani2x does not know molecules of charge +1; it knows 0" in series.findings[1].message


# stereochemistry


def test_open_stereo_is_refused_by_name(smi):
    series = smi("CC(O)F centre", "CC=CF bond", "C[C@H](F)Cl |&1:1| racemate")
    assert _found(series, "fail") == [(name, "undefined-stereo") for name in ("centre", "bond", "racemate")]
    assert "C1=C2" in series.findings[1].message


def test_open_stereo_is_enumerated_on_demand(smi):
    series = smi("CC(O)F centre", "FC=CC(O)Cl both", "C[C@H](F)Cl |&1:1| racemate", stereo="enumerate")
    assert [ligand.name for ligand in series.ligands][:2] == ["centre-R", "centre-S"]
    assert sorted(_smiles_of(series)[:2]) == sorted(map(Chem.CanonSmiles, ["C[C@H](O)F", "C[C@@H](O)F"]))
    assert len({ligand.smiles for ligand in series.ligands}) == 2 + 4 + 2


def test_too_many_isomers_are_refused(smi):
    series = smi("OC(F)C(O)C(Cl)C(Br)C(F)CO many", stereo="enumerate")
    assert _found(series) == [("many", "undefined-stereo")]
    assert "32 stereoisomers" in series.findings[0].message


def test_bridgeheads_azides_and_imines_are_no_open_stereo(smi):
    series = smi(
        "OC12CC3CC(CC(C3)C1)C2 adamantanol",
        "OCC12CCC(CC1)(CC2)CO bicyclooctane",
        "c1ccccc1N=[N+]=[N-] azide",
        "N=C(N)c1ccccc1 amidine",
    )
    assert series.findings == ()
    assert len(series.ligands) == 4


def test_a_cage_has_as_many_isomers_as_can_be_built(smi):
    """Camphor has two centres and two isomers; the other two would have a bridge inside out."""
    assert len(smi("O=C1CC2CCC1(C)C2(C)C camphor", stereo="enumerate").ligands) == 2


def test_a_drawing_keeps_its_wedges_and_double_bonds(tmp_path):
    flat = Chem.MolFromSmiles("C[C@H](F)/C=C/Cl")
    rdDepictor.Compute2DCoords(flat)
    flat.SetProp("_Name", "flat")
    series = read_series(_sdf(tmp_path / "flat.sdf", flat))
    assert _smiles_of(series) == [Chem.CanonSmiles("C[C@H](F)/C=C/Cl")]
    assert _found(series) == [("flat", "two-dimensional")]
    assert not series.ligands[0].placed


# the SMILES beside a structure


@pytest.mark.parametrize(
    ("smiles", "level", "check"),
    [
        (NAPROXEN, "", ""),
        (NAPROXEN.replace("@", ""), "", ""),
        (NAPROXEN.replace("@H", "@@H"), "fail", "inverted-stereo"),
        ("COc1ccc2cc(ccc2c1)[C@H](C)C(=O)[O-].[Na+]", "warn", "given-smiles"),
        ("COC1CCC2CC(CCC2C1)C(C)C(=O)O", "fail", "bond-orders"),
        ("CCO", "fail", "given-smiles"),
        ("not smiles", "warn", "given-smiles"),
    ],
)
def test_a_structure_is_compared_with_the_smiles_in_its_file(tmp_path, smiles, level, check):
    mol = _structure(NAPROXEN)
    mol.SetProp("SMILES", smiles)
    series = read_series(_sdf(tmp_path / "given.sdf", mol))
    assert [(f.level, f.check) for f in series.findings] == ([(level, check)] if level else [])


def test_an_inverted_centre_is_named(tmp_path):
    mol = _structure("C[C@H](O)c1ccccc1")
    mol.SetProp("smiles", "C[C@@H](O)c1ccccc1")
    (finding,) = read_series(_sdf(tmp_path / "given.sdf", mol)).findings
    assert "C1 is R and S in the SMILES" in finding.message or "C1 is S and R in the SMILES" in finding.message


# bond orders and hydrogens


def test_missing_hydrogens_are_refused_unless_a_template_says_which(tmp_path):
    mol = _structure(NAPROXEN)
    bare = Chem.RemoveHs(mol)
    path = _sdf(tmp_path / "bare.sdf", bare)
    assert _found(read_series(path)) == [("x", "missing-hydrogens")]
    anion = "COc1ccc2cc(ccc2c1)[C@H](C)C(=O)[O-]"
    ligand = read_series(path, templates={"x": anion}).ligands[0]
    assert ligand.smiles == Chem.CanonSmiles(anion)
    heavy = 0.1 * bare.GetConformer().GetPositions()
    assert ligand.positions[: len(heavy)] == pytest.approx(heavy, abs=1e-5)


def test_a_pdb_gets_its_bond_orders_from_a_template(tmp_path):
    mol = _structure("NC(=O)c1ccc(C#N)cc1")
    path = tmp_path / "lig.pdb"
    path.write_text(Chem.MolToPDBBlock(mol, flavor=2 | 8))  # no CONECT, as in the PDB
    assert _found(read_series(path)) == [("UNL", "bond-orders")]
    series = read_series(path, templates={"UNL": "NC(=O)c1ccc(C#N)cc1"})
    (ligand,) = series.ligands
    assert ligand.smiles == Chem.CanonSmiles("NC(=O)c1ccc(C#N)cc1")
    assert ligand.positions == pytest.approx(0.1 * mol.GetConformer().GetPositions(), abs=1e-4)
    assert "taken from NC(=O)c1ccc(C#N)cc1" in series.changes[0].words


def test_a_template_of_another_molecule_says_what_differs(tmp_path):
    path = tmp_path / "lig.pdb"
    path.write_text(Chem.MolToPDBBlock(_structure("c1ccccc1C"), flavor=2 | 8))
    (finding,) = read_series(path, templates={"UNL": "c1ccccc1O"}).findings
    assert "has the heavy atoms C7, and its SMILES C6 O1" in finding.message
    (finding,) = read_series(path, templates={"UNL": "CC1=CC=CC1=C"}).findings
    assert "bonded to others" in finding.message


def test_a_pdb_with_a_protein_or_two_places_is_an_error(tmp_path):
    path = tmp_path / "lig.pdb"
    block = Chem.MolToPDBBlock(_structure("CO"), flavor=2 | 8)
    path.write_text(block + block.replace("UNL     1", "ALA     2"))
    with pytest.raises(InputError, match=r"holds 2 residues apart from water"):
        read_series(path)
    path.write_text(block.replace(" UNL", "AUNL"))
    with pytest.raises(InputError, match=r"alternate locations A"):
        read_series(path)


# protonation


@needs_rules
@pytest.mark.parametrize(
    ("neutral", "at_seven"),
    [  # measured pKa: 4.76, 9.33, 5.23, 9.99, 4.87, 11.6 (CRC Handbook of Chemistry and Physics)
        ("CC(=O)O", "CC(=O)[O-]"),
        ("NCc1ccccc1", "[NH3+]Cc1ccccc1"),
        ("c1ccncc1", "c1ccncc1"),
        ("Oc1ccccc1", "Oc1ccccc1"),
        ("Nc1ccccc1", "Nc1ccccc1"),
        ("NC(=N)c1ccccc1", "NC(=[NH2+])c1ccccc1"),
    ],
)
def test_the_state_of_charge_at_a_ph_is_the_measured_one(smi, neutral, at_seven):
    series = smi(f"{neutral} x", ph=7.0)
    assert _smiles_of(series) == [Chem.CanonSmiles(at_seven)]


@needs_rules
def test_protonation_moves_no_atom_that_stays(tmp_path):
    mol = _structure("NCCC(=O)O")
    ligand = read_series(_sdf(tmp_path / "acid.sdf", mol), ph=7.0).ligands[0]
    assert ligand.smiles == "[NH3+]CCC(=O)[O-]"
    assert ligand.placed
    x, before = 10 * ligand.positions, mol.GetConformer().GetPositions()
    assert x[:6] == pytest.approx(before[:6], abs=1e-4)
    kept = [min(np.linalg.norm(before - y, axis=1)) < 1e-3 for y in x]
    assert sum(kept) == 12  # all but the acid's proton, and one new one on nitrogen
    distance = np.linalg.norm(x[:, None] - x[None], axis=-1) + 9 * np.eye(len(x))
    assert distance.min() > 0.9


@needs_rules
def test_a_ph_adds_the_hydrogens_that_a_crystal_lacks(tmp_path):
    bare = Chem.RemoveHs(_structure("c1ccccc1CCN"))
    ligand = read_series(_sdf(tmp_path / "bare.sdf", bare), ph=7.4).ligands[0]
    assert ligand.formal_charge == 1
    assert ligand.n_atoms == 21


@needs_rules
def test_a_state_that_is_near_the_ph_is_told(smi):
    series = smi("CN1CCOCC1 n-methylmorpholine", ph=7.4)  # pKa 7.4
    (finding,) = series.findings
    assert (finding.check, finding.level) == ("protonation", "warn")
    assert "CN1CCOCC1" in finding.message


@needs_rules
def test_the_ph_keeps_stereochemistry(smi):
    assert _smiles_of(smi(f"{NAPROXEN} s", ph=7.4)) == [Chem.CanonSmiles(NAPROXEN.replace("C(=O)O", "C(=O)[O-]"))]


# the series


def test_duplicates_tautomers_and_states_of_one_molecule_are_found(smi):
    series = smi(
        "OCCC propanol", "CCCO again", "Oc1ccccn1 enol", "O=c1cccc[nH]1 oxo", "CC(=O)O acid", "CC(=O)[O-] anion"
    )
    found = [(f.ligand, f.check) for f in series.findings]
    assert found[:3] == [("again", "duplicate"), ("oxo", "tautomer"), ("anion", "protomer")]


def test_enantiomers_are_no_duplicates(smi):
    assert smi("C[C@H](O)F r", "C[C@@H](O)F s").findings == ()


def test_a_charge_that_is_not_the_others_is_found(smi):
    series = smi("CO a", "CCO b", "CCC[NH3+] c")
    assert _found(series) == [("c", "net-charge")]


# real series


@pytest.mark.data
@pytest.mark.parametrize(("target", "number"), [("tyk2", 13), ("hif2a", 37)])
def test_benchmark_series_are_read_without_a_false_alarm(data_directory, target, number):
    path = data_directory / "plb" / target / "02_ligands" / "ligands.sdf"
    series = read_series(path)
    assert series.findings == ()
    assert series.changes == ()
    assert [ligand.content() for ligand in series.ligands] == [ligand.content() for ligand in read_ligands(path)]
    assert len(series.ligands) == number


@pytest.mark.data
def test_guests_of_two_hosts_are_read_without_a_false_alarm(data_directory):
    paths = sorted((data_directory / "taproom").glob("*/*/*.sdf"))
    assert len(paths) > 30
    assert [path.name for path in paths if read_series(path).findings] == []


@needs_rules
@pytest.mark.data
def test_crystal_ligands_of_lysozyme_are_completed(data_directory):
    """396 heavy-atom ligands from the PDB, checked against the InChIKey that the archive gives each of them."""
    path = next((data_directory / "t4l_l99a").rglob("Ligands_noHydrogens*.sdf"))
    series = read_series(path, ph=7.0)
    assert len(series.ligands) > 350
    assert {f.check for f in series.findings if f.level == "fail"} == {"element"}
    neutral = [ligand for ligand in series.ligands if ligand.formal_charge == 0]
    wrong = [
        ligand.name
        for ligand in neutral
        if Chem.MolToInchiKey(ligand.mol)[:14] != ligand.mol.GetProp("InChIKey").split("-")[0]
    ]
    assert wrong == []
