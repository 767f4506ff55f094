"""``bindfe compare`` on two whole runs of the harmonic model."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from bindfe.campaign.compare import compare_runs
from bindfe.campaign.pipeline import run
from bindfe.cli import app
from bindfe.errors import InputError
from bindfe.protocol import load_protocol


@pytest.fixture(scope="module")
def runs(root, tmp_path_factory):
    base = load_protocol(root / "protocols" / "harmonic.yaml")
    made = []
    for seed in (1, 2):
        directory = tmp_path_factory.mktemp(f"seed-{seed}")
        protocol = base.model_copy(
            update={
                "name": f"harmonic-{seed}",
                "repeats": base.repeats.model_copy(update={"seed": seed}),
                "output": base.output.model_copy(update={"report": False}),
            }
        )
        run(protocol, directory=directory)
        made.append(directory)
    return made


def test_two_runs_of_one_model_agree_and_the_page_says_so(runs, tmp_path):
    page = tmp_path / "compare.html"
    result = CliRunner().invoke(app, ["compare", str(runs[0]), str(runs[1]), "--out", str(page)])
    assert result.exit_code == 0, result.output
    assert "within the combined 95 % interval" in result.output
    text = page.read_text(encoding="utf-8")
    assert "harmonic-1" in text
    assert "harmonic-2" in text
    assert "http" not in text.replace("http://www.w3.org", "").replace("http-equiv", "").replace("http://purl.org", "")
    assert compare_runs(*runs).comparisons[0].agrees


def test_comparing_leaves_both_runs_as_they_are(runs):
    before = {path: path.read_bytes() for each in runs for path in each.rglob("*.json")}
    compare_runs(*runs)
    assert before == {path: path.read_bytes() for each in runs for path in each.rglob("*.json")}


def test_a_directory_without_results_is_named(runs, tmp_path):
    (tmp_path / "protocol.yaml").write_bytes((runs[0] / "protocol.yaml").read_bytes())
    with pytest.raises(InputError, match=r"nothing is estimated yet"):
        compare_runs(runs[0], tmp_path)
