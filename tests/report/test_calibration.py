"""The page of calibration scores: whole, self-contained, the same bytes from the same scores."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from bindfe.report.calibration import write_calibration_report
from bindfe.uncertainty.score import Scored, score


def scored(n: int = 120) -> Scored:
    rng = np.random.default_rng(0)
    location = rng.normal(0, 1, n)
    group = np.array([f"<p{i % 6}>" for i in range(n)])
    measured = location + rng.standard_t(8, n)
    measured[0] = np.nan
    return Scored(
        target=group,
        protein=group,
        first=np.array([f"a{i}" for i in range(n)]),
        second=np.array([f"b{i}" for i in range(n)]),
        measured=measured,
        raw=2 * location,
        location=location,
        scale=np.ones(n),
        degrees=np.full(n, 8.0),
        raw_error=np.ones(n),
        reported_error=np.full(n, 0.2),
        half_widths={},
    )


def test_the_page_stands_alone_and_is_reproducible(tmp_path: Path) -> None:
    seen = scored()
    for name in ("first.html", "second.html"):
        write_calibration_report(seen, score(seen), path=tmp_path / name, title="results <of> a & b")
    page = (tmp_path / "first.html").read_text()
    assert page == (tmp_path / "second.html").read_text()
    assert len(page) < 3_000_000
    sources = re.findall(r"(?:src|href)=\"([^\"]{0,30})", page)
    assert sources
    assert all(s.startswith("data:image/png;base64,") for s in sources)
    assert "results &lt;of&gt; a &amp; b" in page
    assert "&lt;p3&gt;" in page
    assert "<script" not in page


def test_the_headline_counts_what_held_and_what_the_old_bar_would_have_held(tmp_path: Path) -> None:
    seen = scored()
    result = score(seen)
    write_calibration_report(seen, result, path=tmp_path / "page.html", title="x")
    page = (tmp_path / "page.html").read_text()
    assert f"{100 * result.measures['coverage_90'].value:.0f}<span> of 100 measured values lie inside" in page
    old = np.mean(np.abs(seen.measured - seen.raw)[1:] <= 1.6449 * 0.2)
    assert f"{100 * old:.0f}<span> of 100 would have" in page


def test_without_reported_errors_no_old_bar_is_invented(tmp_path: Path) -> None:
    seen = scored()
    seen.reported_error[:] = np.nan
    write_calibration_report(seen, score(seen), path=tmp_path / "page.html", title="x")
    assert "had you trusted" not in (tmp_path / "page.html").read_text()
