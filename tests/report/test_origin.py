"""How a ligand was made ready stands in its page: read from real files, safely, and only where it is known."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bindfe.campaign.ligands import run_ligands
from bindfe.campaign.origins import atom_labels, origin_of, receptor_remarks, series_record
from bindfe.campaign.pipeline import prepare_run
from bindfe.campaign.receptor import completed_receptor
from bindfe.protocol import Protocol, load_protocol
from bindfe.report.material import Origin, Remark
from bindfe.report.page import LigandMaterial, ReportMaterial, write_report
from bindfe.results import PreparedLeg
from bindfe.states import LegKind
from bindfe.store import Run, read_record, write_record
from tests.build.peptides import outside, peptide, write_ligand

Ligands = Callable[..., LigandMaterial]
Runs = Callable[..., ReportMaterial]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Protocol]:
    """A peptide with a phenol from SMILES, placed on toluene, held by Boresch's springs."""
    directory = tmp_path_factory.mktemp("peptide")
    text = peptide("GAHAGSAKAGA")
    (directory / "peptide.pdb").write_text(text)
    write_ligand(directory / "toluene.sdf", "Cc1ccccc1", at=outside(text), name="toluene")
    (directory / "series.smi").write_text("Oc1ccccc1 phenol\n")
    (directory / "p.yaml").write_text(
        "receptor: {file: peptide.pdb}\nligands: {file: series.smi, reference: toluene.sdf}\nsolvent: {model: obc2}\n"
        "restraint: {kind: boresch, watch_time: 0 ps}\ncompute: {platform: CPU, workers: 1}\n"
    )
    run, protocol = Run(root=directory / "out"), load_protocol(directory / "p.yaml")
    run.root.mkdir()
    ready, failures = prepare_run(run, protocol)
    assert (ready, failures) == (("phenol",), {})
    return run, protocol


def test_anchors_are_named_as_openmm_names_the_atoms(prepared: tuple[Run, Protocol], tmp_path: Path) -> None:
    from openmm import app

    run, _ = prepared
    topology = run.root / "phenol" / "complex" / "prepared" / "topology.cif"
    atoms = list(app.PDBxFile(str(topology)).topology.atoms())
    expected = [f"{a.residue.chain.id}:{a.residue.name}{a.residue.id} {a.name}" for a in atoms]
    assert atom_labels(topology, range(len(atoms))) == tuple(expected)
    long = tmp_path / "topology.cif.gz"  # as the files of a box are kept
    long.write_bytes(gzip.compress(topology.read_bytes()))
    assert atom_labels(long, (3, 1)) == (expected[3], expected[1])


def test_where_a_ligand_comes_from_is_told_with_its_anchors_and_their_reason(prepared: tuple[Run, Protocol]) -> None:
    run, protocol = prepared
    origin = origin_of(run, protocol, "phenol", series_record(run), room=200_000)
    assert list(origin.rows) == ["read from", "molecule", "changes", "pose", "held by"]
    assert origin.rows["molecule"] == ("Oc1ccccc1",)
    assert origin.rows["pose"][0].startswith("placed on toluene: 6 atoms within")
    held, why = origin.rows["held by"]
    assert held.count("A:") == 3
    assert why == "Why these: chosen on the given coordinates."
    assert origin.pose_svg.startswith("<svg")
    assert origin.placing_svg == (run.root / "phenol" / "placing.svg").read_text()
    small = origin_of(run, protocol, "phenol", series_record(run), room=5)
    assert (small.pose_svg, small.placing_svg) == ("", "")
    assert small.rows["drawn in"] == ("phenol/pose.svg, phenol/placing.svg",)


def test_ions_that_are_discharged_with_the_ligand_are_named(prepared: tuple[Run, Protocol], tmp_path: Path) -> None:
    _, protocol = prepared
    run = Run(root=Path(shutil.copytree(prepared[0].root, tmp_path / "copy")))
    leg = run.prepared("phenol", LegKind.SOLVENT)
    write_record(leg / "leg.json", replace(read_record(leg / "leg.json", PreparedLeg), counterions=(0, 2)))
    rows = origin_of(run, protocol, "phenol", series_record(run), room=0).rows
    first, third = atom_labels(leg / "topology.cif", (0, 2))
    assert rows["counter-ions, solvent leg"][0].startswith(f"{first}, {third} lose their charge together")


def test_changes_of_the_protein_are_told_one_by_one(prepared: tuple[Run, Protocol]) -> None:
    run, protocol = prepared
    remarks = receptor_remarks(run)
    assert {"protein-histidines", "protein-termini"} <= {remark.check for remark in remarks}
    assert run_ligands(run, protocol, completed_receptor(run, protocol)).record == series_record(run)


def test_a_run_directory_without_these_records_has_an_empty_origin(tmp_path: Path) -> None:
    run = Run(root=tmp_path)
    protocol = Protocol(receptor={"file": "a.sdf"}, ligands={"file": "b.sdf"})
    assert receptor_remarks(run) == ()
    assert origin_of(run, protocol, "x", series_record(run), room=100_000) == Origin(rows={})


def test_the_page_shows_it_escaped_and_leaves_it_out_where_nothing_is_known(
    make_ligand: Ligands, make_run: Runs, tmp_path: Path
) -> None:
    ligand = make_ligand()
    origin = Origin(
        rows={"held by": ("six <springs>", "Why these: they are quiet.")},
        remarks=(Remark(level="warn", check="binding-modes", text="two modes", advice="look"),),
        pose_svg="<svg xmlns='http://www.w3.org/2000/svg'/>",
    )
    remark = Remark(level="pass", check="protein-histidines", text="A:HIS31 HIE", advice="")

    def page(run: ReportMaterial, name: str) -> str:
        write_report(run, path=tmp_path / f"{name}.html", figures=tmp_path / "figures")
        return (tmp_path / f"{name}.html").read_text(encoding="utf-8")

    told = page(replace(make_run(replace(ligand, origin=origin)), receptor=(remark,)), "told")
    assert "six &lt;springs&gt;" in told
    assert "Why these: they are quiet." in told
    assert "two modes" in told
    assert "A:HIS31 HIE" in told
    assert "In its pose, before the first step" in told
    assert "What it was placed on" not in told
    silent = page(make_run(ligand), "silent")
    assert "How it was made ready" not in silent
    assert "What was done to the protein" not in silent
