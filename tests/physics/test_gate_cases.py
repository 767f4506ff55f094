"""The cases that judge the committee's gates have the exact answers that they claim."""

from __future__ import annotations

import numpy as np
import pytest
from gate_cases import Gamma, Law, Modes, Normal, make_cases


@pytest.mark.parametrize(
    "law",
    [Normal(0.3, 0.8), Gamma(0.1, 3.0, 0.3, -1), Gamma(-0.2, 3.0, 0.4, 1), Modes(0.2, Normal(0, 0.4), Normal(-1, 0.5))],
)
def test_free_energy_and_law_on_the_members_frames_follow_from_reweighting(law: Law) -> None:
    h = law.draw(np.random.default_rng(1), 400_000, 0.0)
    weight = np.exp(-h)
    assert -np.log(weight.mean()) == pytest.approx(law.free_energy(), abs=0.01)
    own = law.tilted().draw(np.random.default_rng(2), 400_000, 0.0)
    assert own.mean() == pytest.approx(np.average(h, weights=weight), abs=0.015)
    assert own.std() == pytest.approx(np.sqrt(np.cov(h, aweights=weight)), abs=0.015)


def test_there_are_50_bad_50_good_and_20_hidden_and_seeds_fix_them() -> None:
    assert [len(make_cases(kind)) for kind in ("bad", "good", "hidden")] == [50, 50, 20]
    first, again = make_cases("bad")[7], make_cases("bad")[7]
    np.testing.assert_array_equal(first.bound.at_mean, again.bound.at_mean)
