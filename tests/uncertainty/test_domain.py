"""The domain's alarm: quiet at home, loud away from it, also where the members agree."""

from __future__ import annotations

import numpy as np
import pytest

from bindfe.errors import EstimateError
from bindfe.uncertainty.domain import atomic_spread, difference_by_atom, learn_domain, spread_limit

ATOMS, FEATURES = 6, 40
MIXING = np.random.default_rng(0).normal(size=(ATOMS, 5, FEATURES))


def frames(rng: np.random.Generator, number: int, *, shift: float = 0.0) -> np.ndarray:
    """Forty features of each atom that five hidden motions move; the last ten never move at all."""
    hidden = rng.normal(size=(number, ATOMS, 5))
    hidden[:, 2, 0] += shift
    found = np.einsum("fnk,nkd->fnd", hidden, MIXING)
    found[:, :, 30:] = 0.3
    return found


def test_new_frames_of_the_same_law_are_inside() -> None:
    rng = np.random.default_rng(1)
    distance = learn_domain(frames(rng, 80)).distances(frames(rng, 500))
    assert (distance > 1).mean() < 1e-3


def test_the_atom_that_leaves_is_named_and_the_others_are_not() -> None:
    rng = np.random.default_rng(2)
    distance = learn_domain(frames(rng, 80)).distances(frames(rng, 100, shift=15.0))
    outside = (distance > 1).mean(axis=0)
    assert outside[2] > 0.95
    assert np.delete(outside, 2).max() < 0.02


def test_a_column_that_never_moved_raises_the_alarm_but_no_infinity() -> None:
    rng = np.random.default_rng(3)
    domain, moved = learn_domain(frames(rng, 80)), frames(rng, 5)
    moved[:, 4, 35] += 3.0
    distance = domain.distances(moved)
    assert np.all(distance[:, 4] > 1)
    assert np.isfinite(distance).all()


def test_a_domain_needs_more_than_a_handful_of_frames() -> None:
    with pytest.raises(EstimateError, match="16 reference frames"):
        learn_domain(np.zeros((8, 3, 4)))


def test_disagreement_forgets_members_constants_and_finds_the_atom() -> None:
    rng = np.random.default_rng(4)
    constants = 1e5 * rng.normal(size=(4, 1, 3))
    reference, new = (constants + rng.normal(size=(4, n, 3)) for n in (200, 50))
    new[:, :, 1] += 8.0 * np.array([1.0, -1.0, 1.0, -1.0])[:, None]
    outside = (atomic_spread(new, reference) > spread_limit(reference)).mean(axis=0)
    assert outside[1] == 1.0
    assert outside[[0, 2]].max() <= 0.02


def test_where_members_agree_far_away_the_distance_still_speaks() -> None:
    """The plateau: equal extrapolations have no spread."""
    rng = np.random.default_rng(5)
    reference = rng.normal(size=(4, 100, ATOMS))
    agreeing = np.repeat(rng.normal(size=(1, 20, ATOMS)), 4, axis=0) + reference.mean(axis=1, keepdims=True)
    assert not np.any(atomic_spread(agreeing, reference) > spread_limit(reference))
    assert np.all(learn_domain(frames(rng, 80)).distances(frames(rng, 20, shift=30.0))[:, 2] > 1)


def test_what_members_say_of_an_atom_in_both_environments_cancels() -> None:
    rng = np.random.default_rng(6)
    static = rng.normal(size=(4, 1, 3))
    first = np.repeat(static, 30, axis=1)
    second = first.copy()
    second[:, :, 0] += np.array([1.0, -1.0, 1.0, -1.0])[:, None]
    np.testing.assert_allclose(difference_by_atom(first, second), [np.std([1, -1, 1, -1], ddof=1), 0, 0], atol=1e-12)
