"""The page says what the records say, alone, safely and always in the same bytes."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from bindfe.errors import EstimateError, InputError
from bindfe.report.page import LARGEST_PAGE, LigandMaterial, ReportMaterial, failure_of, write_report
from bindfe.report.words import file_stems

Ligands = Callable[..., LigandMaterial]
Runs = Callable[..., ReportMaterial]


def _page(run: ReportMaterial, directory: Path) -> str:
    write_report(run, path=directory / "report.html", figures=directory / "figures")
    return (directory / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def whole(
    make_ligand: Ligands, make_run: Runs, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ReportMaterial, Path]:
    """The page of a run with every part, written once."""
    run = make_run(make_ligand())
    directory = tmp_path_factory.mktemp("whole")
    _page(run, directory)
    return run, directory


class _Tags(HTMLParser):
    """Collects what a browser would fetch or run, and whether every element is closed."""

    _VOID = frozenset({"meta", "img", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.names: list[str] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_opens_without_network_script_or_other_file(whole: tuple[ReportMaterial, Path]) -> None:
    text = (whole[1] / "report.html").read_text(encoding="utf-8")
    tags = _Tags(text)
    assert all(address.startswith(("data:image/", "#")) for address in tags.addresses)
    assert not {"script", "link", "iframe", "object", "embed"} & set(tags.names)
    assert "@import" not in text
    assert "url(" not in text
    assert tags.open == []
    assert len(text.encode()) < 3_000_000


def test_shows_every_number_a_chemist_asks_for(whole: tuple[ReportMaterial, Path]) -> None:
    run, directory = whole
    ligand = run.ligands[0]
    words = re.sub(r"\s+", " ", " ".join(_Tags((directory / "report.html").read_text(encoding="utf-8")).text))
    low, high = ligand.prediction.interval(0.95)
    assert f"\N{MINUS SIGN}{-ligand.prediction.location_kcal_mol:.2f} kcal/mol" in words
    assert f"\N{MINUS SIGN}{-low:.2f} to \N{MINUS SIGN}{-high:.2f} kcal/mol, 95 % interval" in words
    for coverage in (0.5, 0.68, 0.9):
        assert f"± {ligand.prediction.half_width(coverage):.2f}" in words
    assert "not calibrated" in words
    assert "\N{MINUS SIGN}13.40 ± 0.10 kcal/mol" in words
    assert "OBC2): water inside the host is not described" in words
    for term in ligand.binding.terms:
        assert term.explanation in words
    assert "+16.05" in words
    assert "88172645463325252" in words
    assert "time_step: 4 fs # <b> & more" in words


def test_writes_a_png_of_each_figure(whole: tuple[ReportMaterial, Path]) -> None:
    expected = {"B2-interval", "B2-budget", "B2-cycle", "B2-committee"}
    expected |= {f"B2-{role}-{leg}" for role in ("overlap", "convergence", "mixing") for leg in ("complex", "solvent")}
    files = sorted((whole[1] / "figures").iterdir())
    assert {file.stem for file in files} == expected
    assert all(file.read_bytes().startswith(b"\x89PNG\r\n") for file in files)


def test_the_same_material_gives_the_same_bytes(make_ligand: Ligands, make_run: Runs, tmp_path: Path) -> None:
    ligand = make_ligand(repeats=1, states=4)
    run = make_run(replace(ligand, legs=ligand.legs[:1]))
    first, second = _page(run, tmp_path / "one"), _page(run, tmp_path / "two")
    assert first == second
    for file in (tmp_path / "one" / "figures").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / "figures" / file.name).read_bytes()


def test_a_hostile_name_stays_text_and_stays_in_the_directory(
    make_ligand: Ligands, make_run: Runs, tmp_path: Path
) -> None:
    name = "../../<script>alert('$\\frac{')</script>"
    plain = replace(make_ligand(name, repeats=1, committee=False), legs=())
    hostile = replace(plain, depiction_svg='<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    text = _page(make_run(hostile), tmp_path / "run")
    tags = _Tags(text)
    assert "script" not in tags.names
    assert name in "".join(tags.text)
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


def test_missing_parts_are_left_out_and_the_rest_stays(make_ligand: Ligands, make_run: Runs, tmp_path: Path) -> None:
    bare = make_ligand(repeats=1, committee=False, states=4)
    leg = bare.legs[0]
    gaps = replace(
        leg.convergence, forward=np.full(10, np.nan), forward_error=np.full(10, np.nan), reverse=np.full(10, np.nan)
    )
    bare = replace(bare, legs=(replace(leg, convergence=gaps),), depiction_svg="", measured=None, timings=())
    words = " ".join(_Tags(_page(make_run(bare), tmp_path)).text)
    assert "A single repeat cannot show" in words
    assert "committee of machine-learned" not in words
    assert "Measured" not in words
    assert "complex leg" in words
    assert "solvent leg" not in words


def test_a_leg_that_overlaps_badly_is_named_above_the_number_and_drawn_worst_first(
    make_ligand: Ligands, make_run: Runs, tmp_path: Path
) -> None:
    ligand = make_ligand(repeats=2, committee=False, states=4)
    good, bad = ligand.legs[:2]
    overlap = np.array([[0.6, 0.4, 0, 0], [0.4, 0.59, 0.01, 0], [0, 0.01, 0.59, 0.4], [0, 0, 0.4, 0.6]])
    bad = replace(bad, overlap=overlap, warnings=("states 1 and 2 share 1 % of their samples",))
    text = _page(make_run(replace(ligand, legs=(good, bad))), tmp_path)
    words = re.sub(r"\s+", " ", " ".join(_Tags(text).text))
    warning = "Complex leg, repeat 2: states 1 and 2 share 1 % of their samples"
    assert words.index(warning) < words.index("kcal/mol, 95 % interval")
    assert "1 % (too low), 1 and 2" in words
    assert "Repeat 2, the one with the weakest link" in words


def test_an_analytic_model_is_compared_with_its_exact_answer(
    make_ligand: Ligands, make_run: Runs, tmp_path: Path
) -> None:
    value = make_ligand().prediction.location_kcal_mol
    model = replace(make_ligand(committee=False), exact_kcal_mol=value - 0.1, measured=None, legs=())
    words = " ".join(_Tags(_page(make_run(model), tmp_path)).text)
    assert (
        f"\N{MINUS SIGN}{0.1 - value:.2f} kcal/mol, inside the 95 % interval; the prediction differs from it by +0.10"
        in words
    )
    assert "dissociation constant" not in words


def test_several_ligands_get_a_table_with_links_and_failures_their_reason(
    make_ligand: Ligands, make_run: Runs, tmp_path: Path
) -> None:
    ligands = [replace(make_ligand(name, repeats=1, committee=False), legs=()) for name in ("A1", "A2")]
    failure = failure_of("A3", EstimateError("states 7 and 8 share 0.4 % of their samples"))
    text = _page(replace(make_run(*ligands), failures=(failure,)), tmp_path)
    tags = _Tags(text)
    anchors = {address[1:] for address in tags.addresses if address.startswith("#")}
    assert anchors == set(re.findall(r'<section class="ligand" id="([^"]+)"', text))
    assert len(anchors) == 2
    assert "estimate_error" in "".join(tags.text)


def test_a_page_with_too_many_figures_links_to_those_that_do_not_fit(
    make_ligand: Ligands, make_run: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(replace(make_ligand(repeats=1, committee=False), legs=()))
    monkeypatch.setattr("bindfe.report.page.LARGEST_PAGE", 130_000)
    text = _page(run, tmp_path)
    links = [address for address in _Tags(text).addresses if address.startswith("figures/")]
    assert 0 < len(links) < 3
    assert all((tmp_path / link).is_file() for link in links)
    assert len(text.encode()) <= 130_000 < LARGEST_PAGE


def test_embedded_pictures_carry_no_date_and_no_version(whole: tuple[ReportMaterial, Path]) -> None:
    text = (whole[1] / "report.html").read_text(encoding="utf-8")
    pictures = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", text)
    vector = [base64.b64decode(picture).decode() for picture in pictures]
    assert vector
    assert not any("<dc:date>" in picture or "Matplotlib v" in picture for picture in vector)


def test_impossible_coverage_is_refused(make_ligand: Ligands, make_run: Runs, tmp_path: Path) -> None:
    run = make_run(make_ligand(repeats=1, states=4))
    with pytest.raises(InputError, match=r"between 0 and 1, found \[95.0\]"):
        _page(replace(run, coverages=(95.0,)), tmp_path)


def test_file_stems_are_safe_and_distinct() -> None:
    assert file_stems(("ejm 31", "ejm/31", "..", "日本", "EJM_31")) == (
        "ejm_31",
        "ejm_31_2",
        "ligand",
        "ligand_2",
        "EJM_31_3",
    )


def test_importing_the_room_imports_no_drawing_library() -> None:
    code = "import sys, bindfe.report.page; print({'matplotlib', 'jinja2', 'scipy.stats', 'openmm'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
