"""``bindfe doctor``: what is there and what is not, each with how to get it."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from bindfe.build import ambertools
from bindfe.cli import app
from bindfe.errors import MissingDependency


def printed() -> dict[str, str]:
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0
    rows = [line.split(maxsplit=2) for line in result.stdout.splitlines() if line.startswith(("ok ", "missing "))]
    return {row[1]: f"{row[0]} {row[2]}" for row in rows}


def test_ambertools_is_named_with_what_it_brings() -> None:
    try:
        there = ambertools.find_program("sqm").is_file()
    except MissingDependency:
        there = False
    line = printed()["AmberTools"]
    assert line.startswith("ok" if there else "missing")
    assert "GAFF2 parameters, AM1-BCC charges" in line


def test_what_is_missing_comes_with_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ambertools.shutil, "which", lambda name: None)
    monkeypatch.setattr(ambertools.sys, "executable", "/nowhere/python")
    line = printed()["AmberTools"]
    assert line.startswith("missing")
    assert "pip install 'bindfe[ambertools]'" in line
    assert "Sage and NAGL do without" in line
