"""A second committee on the same samples: taken whole, and only where they are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bindfe
from bindfe.errors import StoreError
from bindfe.protocol import Protocol, load_protocol
from bindfe.results import PreparedLeg
from bindfe.states import LegKind
from bindfe.store import Run, read_arrays, read_record

ROOT = Path(__file__).resolve().parents[2]


def changed(protocol: Protocol, section: str, **values: object) -> Protocol:
    return protocol.model_copy(update={section: getattr(protocol, section).model_copy(update=values)})


@pytest.fixture(scope="module")
def short() -> Protocol:
    protocol = changed(load_protocol(ROOT / "protocols" / "harmonic.yaml"), "sampling", length=10.0, chunk_cycles=25)
    return changed(changed(protocol, "output", report=False), "compute", workers=1)


@pytest.fixture(scope="module")
def first(short: Protocol, tmp_path_factory: pytest.TempPathFactory) -> bindfe.RunResult:
    return bindfe.run(short, directory=tmp_path_factory.mktemp("runs") / "first")


def test_samples_are_taken_and_not_made_again(short: Protocol, first: bindfe.RunResult, tmp_path: Path) -> None:
    other = changed(short, "committee", switching=short.committee.switching.model_copy(update={"length": 7.0}))
    second = bindfe.run(other, directory=tmp_path / "second", samples_from=first.directory)
    assert second.predictions[0].raw_kcal_mol == first.predictions[0].raw_kcal_mol
    ours, theirs = (Run(root=each.directory) for each in (second, first))
    for repeat in range(short.repeats.number):
        pairs = zip(
            ours.chunks("particle", LegKind.COMPLEX, repeat),
            theirs.chunks("particle", LegKind.COMPLEX, repeat),
            strict=True,
        )
        for a, b in pairs:
            assert np.array_equal(read_arrays(a)["wall_seconds"], read_arrays(b)["wall_seconds"])


def test_a_run_goes_on_where_the_other_ended(short: Protocol, first: bindfe.RunResult, tmp_path: Path) -> None:
    longer = bindfe.run(
        changed(short, "sampling", length=20.0), directory=tmp_path / "longer", samples_from=first.directory
    )
    whole = bindfe.run(changed(short, "sampling", length=20.0), directory=tmp_path / "whole")
    assert longer.predictions[0].raw_kcal_mol == whole.predictions[0].raw_kcal_mol


def test_samples_of_another_calculation_are_refused(short: Protocol, first: bindfe.RunResult, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="only the committee may differ") as refused:
        bindfe.run(changed(short, "sampling", friction=9.0), directory=tmp_path / "other", samples_from=first.directory)
    assert "sampling.friction" in str(refused.value)


def test_a_directory_without_a_run_is_refused(short: Protocol, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a run directory"):
        bindfe.run(short, directory=tmp_path / "run", samples_from=tmp_path / "nothing")


def test_a_taken_leg_says_which_calculation_it_belongs_to(first: bindfe.RunResult) -> None:
    """The exact model's legs carry no fingerprint; those of molecules do, and are stamped when they are prepared."""
    from dataclasses import replace

    from bindfe.campaign.reuse import UNSTAMPED, stamp_leg
    from bindfe.store import write_record

    prepared = Run(root=first.directory).prepared("particle", LegKind.COMPLEX)
    record = read_record(prepared / "leg.json", PreparedLeg)
    write_record(prepared / "leg.json", replace(record, fingerprint=UNSTAMPED))
    stamp_leg(prepared, fingerprint="mine")
    stamp_leg(prepared, fingerprint="another")
    assert read_record(prepared / "leg.json", PreparedLeg).fingerprint == "mine"
