"""SIGKILL anywhere: nothing finished is lost, nothing is unreadable, and the result is the same."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def kill_trials(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    sys.modules.pop("kill", None)
    from kill import kill_trials

    return kill_trials


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "kills"), [("harmonic", 3), ("smoke", 1)])
def test_run_killed_at_a_random_moment_and_run_again_gives_the_same_result(kill_trials, protocol, kills):
    trials = kill_trials(ROOT / "protocols" / f"{protocol}.yaml", kills=kills, seed=20)
    assert len(trials) == kills
    assert all(trial.identical for trial in trials)
