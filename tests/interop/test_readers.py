"""Each tool's real layout, a handful of rows at a time; values are checked by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bindfe.errors import InputError
from bindfe.interop import read_calculations


def written(tmp_path: Path, name: str, text: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


BENCHMARK_HEADER = (
    "ligand_A,ligand_B,alchemical_charge_difference,num_heavy_dummy_A,num_heavy_dummy_B,morgan_tanimoto_similarity,"
    "exp DDG (kcal/mol),exp dDDG (kcal/mol),"
    + ",".join(
        f"{leg}_repeat_{k}_{what}"
        for leg in ("solvent", "complex")
        for k in range(3)
        for what in ("DG (kcal/mol)", "dDG (kcal/mol)", "smallest_overlap")
    )
    + ",failed,system group,system name,DDG_bind (kcal/mol),stdev DDG_bind (kcal/mol)\n"
)


def benchmark_row(a: str, b: str, failed: str = "", missing: bool = False) -> str:
    solvent = "10.0,0.1,0.2,10.2,0.1,0.21,9.8,0.1,0.19"
    bound = "9.0,0.3,0.11,9.3,0.3,0.12," + (",,," if missing else "8.7,0.3,0.10,")
    return f"{a},{b},-1,2,3,0.7,-1.5,0.0,{solvent},{bound}{failed},jacs_set,tyk2,-1.0,0.25\n"


def test_benchmark_edges_keep_repeats_errors_descriptors_and_protein(tmp_path: Path) -> None:
    content = read_calculations(written(tmp_path, "edges.csv", BENCHMARK_HEADER + benchmark_row("a", "b")))
    one = content.calculations[0]
    assert (one.reference, one.ligand, one.target, one.protein) == ("a", "b", "jacs_set/tyk2", "TYK2")
    assert one.value_kcal_mol == pytest.approx(-1.0)
    assert one.repeats == pytest.approx((-1.0, -0.9, -1.1))
    assert one.repeat_error_kcal_mol == pytest.approx(np.hypot(0.1, 0.3))
    assert dict(one.features) == pytest.approx(
        {"charge_change": 1.0, "perturbed_heavy_atoms": 5.0, "similarity": 0.7, "smallest_overlap": 0.10}
    )
    assert one.measured_kcal_mol == -1.5


def test_failed_edges_are_counted_and_named(tmp_path: Path) -> None:
    text = BENCHMARK_HEADER + benchmark_row("a", "b", "True") + benchmark_row("b", "c", missing=True)
    content = read_calculations(written(tmp_path, "edges.csv", text))
    assert content.n_failed == 1
    assert content.failed == ("edges.csv:2",)
    assert "1 of 2 rows" in content.notes[-1]
    assert len(content.calculations[0].repeats) == 2


def test_gather_ddg_has_failed_edges_as_error(tmp_path: Path) -> None:
    text = (
        "ligand_i\tligand_j\tDDG(i->j) (kcal/mol)\tuncertainty (kcal/mol)\n"
        "lig_ejm_31\tlig_ejm_42\t0.8\t0.1\nlig_ejm_31\tlig_ejm_46\tError\tError\n"
    )
    content = read_calculations(written(tmp_path, "ddg.tsv", text))
    assert [c.value_kcal_mol for c in content.calculations] == [0.8]
    assert content.calculations[0].standard_error_kcal_mol == 0.1
    assert content.n_failed == 1


def test_gather_raw_pairs_legs_and_repeats(tmp_path: Path) -> None:
    text = "leg\tligand_i\tligand_j\tDG(i->j) (kcal/mol)\tMBAR uncertainty (kcal/mol)\n" + "".join(
        f"{leg}\tA\tB\t{value}\t{error}\n"
        for leg, error, values in (("complex", 0.3, (-14.9, -14.8, -15.1)), ("solvent", 0.4, (-15.7, -15.7, -15.7)))
        for value in values
    )
    one = read_calculations(written(tmp_path, "raw.tsv", text)).calculations[0]
    assert one.value_kcal_mol == pytest.approx(-14.933333 + 15.7, abs=1e-5)
    assert one.repeats == pytest.approx((0.8, 0.9, 0.6))
    assert one.repeat_error_kcal_mol == pytest.approx(0.5)


def test_gather_dg_is_a_relative_series_not_an_absolute_delta_g(tmp_path: Path) -> None:
    text = "ligand\tDG(MLE) (kcal/mol)\tuncertainty (kcal/mol)\nlig_1\t-0.5\t0.1\nlig_2\t1.5\t0.1\n"
    content = read_calculations(written(tmp_path, "dg.tsv", text))
    assert {c.quantity for c in content.calculations} == {"relative"}
    assert [c.value_kcal_mol for c in content.calculations] == pytest.approx([-1.0, 1.0])


def openfe_json(a: str, b: str, protein: bool, values: tuple[float, ...]) -> dict[str, object]:
    quantity = {"unit": "kilocalorie_per_mole", ":is_custom:": True, "pint_unit_registry": "openff_units"}
    units = {
        f"ProtocolUnitResult-{k}": {
            "name": f"{a} to {b} repeat {k} generation 0",
            "inputs": {"stateA": {"__qualname__": "ProteinComponent" if protein else "SolventComponent"}},
            "outputs": {
                "unit_estimate": {"magnitude": v, **quantity},
                "unit_estimate_error": {"magnitude": 0.1, **quantity},
            },
        }
        for k, v in enumerate(values)
    }
    return {"estimate": {"magnitude": float(np.mean(values)), **quantity}, "unit_results": units}


def test_result_json_needs_both_legs(tmp_path: Path) -> None:
    bound, free = openfe_json("l1", "l2", True, (3.0, 3.2)), openfe_json("l1", "l2", False, (5.0, 5.0))
    content = read_calculations(written(tmp_path, "both.json", json.dumps([bound, free])))
    assert content.calculations[0].value_kcal_mol == pytest.approx(-1.9)
    with pytest.raises(InputError, match=r"l1 -> l2 has no solvent leg"):
        read_calculations(written(tmp_path, "one.json", json.dumps(bound)))


def test_a_directory_of_result_json_files_is_one_input(tmp_path: Path) -> None:
    written(tmp_path, "a.json", json.dumps(openfe_json("l1", "l2", True, (3.0,))))
    written(tmp_path, "b.json", json.dumps(openfe_json("l1", "l2", False, (5.0,))))
    assert read_calculations(tmp_path).calculations[0].value_kcal_mol == pytest.approx(-2.0)


def test_fep_plus_edges(tmp_path: Path) -> None:
    text = (
        "Lig 1,Lig 2,Exp. ddG (kcal/mol),Bennett ddG (kcal/mol),Bennett std. error (kcal/mol),CCC ddG (kcal/mol),"
        "CCC std. error (kcal/mol),system group,system name\n"
        "x,y,-0.5,-0.9,0.06,-0.7,0.2,merck,syk\nx,z,0.5,1.1,0.07,,,merck,syk\n"
    )
    first, second = read_calculations(written(tmp_path, "fep.csv", text)).calculations
    assert (first.value_kcal_mol, first.standard_error_kcal_mol, first.repeat_error_kcal_mol) == (-0.7, 0.2, 0.06)
    assert (first.measured_kcal_mol, first.protein) == (-0.5, "SYK")
    assert (second.value_kcal_mol, second.standard_error_kcal_mol) == (1.1, 0.07)


def test_fep_plus_ligands_are_centred_per_series(tmp_path: Path) -> None:
    text = (
        "Ligand name,Exp. dG (kcal/mol),Pred. dG (kcal/mol),Pred. dG std. error (kcal/mol),system name\n"
        "x,-9.0,-9.5,0.3,syk\ny,-7.0,-8.5,0.3,syk\n"
    )
    found = read_calculations(written(tmp_path, "fep.csv", text)).calculations
    assert [c.value_kcal_mol for c in found] == pytest.approx([-0.5, 0.5])
    assert [c.measured_kcal_mol for c in found] == pytest.approx([-1.0, 1.0])


def test_cinnabar_blocks(tmp_path: Path) -> None:
    text = (
        "# Experimental block\n# Ligand, expt_DG, expt_dDG\nCAT-13a,-8.83,0.10\nCAT-17g,-9.73,0.10\n\n"
        "# Calculated block\n# Ligand1,Ligand2, calc_DDG, calc_dDDG(MBAR), calc_dDDG(additional)\n"
        "CAT-13a,CAT-17g,0.36,0.11,0.06\n"
    )
    one = read_calculations(written(tmp_path, "bace.csv", text)).calculations[0]
    assert (one.reference, one.ligand, one.value_kcal_mol) == ("CAT-13a", "CAT-17g", 0.36)
    assert one.measured_kcal_mol == pytest.approx(-0.90)
    assert one.standard_error_kcal_mol == pytest.approx(np.hypot(0.11, 0.06))


def test_atom_edges(tmp_path: Path) -> None:
    text = "ligand1,ligand2,exp_ddG,avg_ddG,std_ddG,MAE\n38,60,-1.83,-1.2,0.3,0.63\n"
    one = read_calculations(written(tmp_path, "atom.csv", text)).calculations[0]
    assert (one.value_kcal_mol, one.standard_error_kcal_mol, one.measured_kcal_mol) == (-1.2, 0.3, -1.83)


def test_plain_table_in_kilojoules(tmp_path: Path) -> None:
    text = "target,ligand_a,ligand_b,delta_delta_g_kj_mol,repeat_0_kj_mol,repeat_1_kj_mol\nt,a,b,4.184,4.0,4.368\n"
    one = read_calculations(written(tmp_path, "plain.csv", text)).calculations[0]
    assert one.value_kcal_mol == pytest.approx(1.0)
    assert one.repeats == pytest.approx((4.0 / 4.184, 4.368 / 4.184))


def test_plain_ligands_with_delta_g_are_absolute(tmp_path: Path) -> None:
    one = read_calculations(written(tmp_path, "p.csv", "ligand,delta_g_kcal_mol\na,-7.5\n")).calculations[0]
    assert (one.quantity, one.reference) == ("absolute", None)


def test_excel_export_with_mark_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    text = "\ufeffligand_a;ligand_b;delta_delta_g_kcal_mol\r\na;b;-1,25\r\n"
    assert read_calculations(written(tmp_path, "excel.csv", text)).calculations[0].value_kcal_mol == -1.25


def test_a_windows_code_page_is_read_and_told(tmp_path: Path) -> None:
    text = "ligand_a,ligand_b,delta_delta_g_kcal_mol\nbêta,é,1.0\n".encode("cp1252")
    content = read_calculations(written(tmp_path, "old.csv", text))
    assert content.calculations[0].reference == "bêta"
    assert "not UTF-8" in content.notes[0]


def test_utf_16_is_read(tmp_path: Path) -> None:
    text = "ligand_a,ligand_b,delta_delta_g_kcal_mol\na,b,1.0\n".encode("utf-16")
    assert read_calculations(written(tmp_path, "wide.csv", text)).calculations[0].value_kcal_mol == 1.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ligand_a,ligand_b,ddg\na,b,1\n", r"line 1, column 'ddg': no unit in the name"),
        ("ligand_a,ligand_b\na,b\n", r"no column delta_delta_g_kcal_mol"),
        ("x,y,z\n1,2,3\n", r"belong to no known format: x, y, z"),
        (
            "ligand_a,ligand_b,delta_delta_g_kcal_mol\na,b,high\n",
            r"line 2, column 'delta_delta_g_kcal_mol': 'high' is not",
        ),
        ("ligand_a,ligand_b,delta_delta_g_kcal_mol\na,b,1,5\n", r"line 2: 4 cells, the header has 3"),
        ("ligand_a,ligand_b,delta_delta_g_kcal_mol,measured_kj_mol\na,b,1,5\n", r"in kcal/mol and in kJ/mol"),
        ("", r"the file is empty"),
        ("only one column\n1\n", r"one column only"),
        ("ligand_a,ligand_b,delta_delta_g_kcal_mol\na,b,nan\n", r"no usable calculation"),
        (b"PK\x03\x04\x00\x00\x00", r"a binary file"),
        ("ligand_i\tligand_j\tDDG(i->j)\tuncertainty\na\tb\t1\t0.1\n", r"the unit \(kcal/mol\) must stand"),
    ],
)
def test_bad_tables_are_refused_with_one_clear_message(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_calculations(written(tmp_path, "bad.csv", text))


def test_bad_json_names_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 1, column 2: not JSON"):
        read_calculations(written(tmp_path, "bad.json", "{nope"))


def test_a_missing_file_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read"):
        read_calculations(tmp_path / "absent.csv")


@pytest.mark.data
def test_the_public_set_has_39_proteins_and_three_failed_edges(data_directory: Path) -> None:
    content = read_calculations(data_directory / "openfe_industry_2024" / "public_edges.csv")
    assert (len(content.calculations), content.n_failed) == (1196, 3)
    assert len({c.protein for c in content.calculations}) == 39
    assert len({c.target for c in content.calculations}) == 58
