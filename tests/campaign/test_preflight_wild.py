"""Mistakes of every kind that a sceptical user's files had, and costs that nobody can have meant."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from spoilt import CB7, WATER, Inputs, b2

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


WILD: list[tuple[Callable[[Inputs], None], str, str, str]] = [
    (microseconds, "wall-time", "warn", "more than a year is hardly meant"),
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
