"""Rescoring stored frames: offsets cancel, units are kT, and energies that are not finite are not stored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bindfe.errors import EstimateError
from bindfe.sample.rescore import Offsets, reference_offsets, rescore
from bindfe.units import thermal_energy


class Quadratic:
    """Members with springs on the distance from the origin, on top of atomisation energies."""

    name = "quadratic"
    members = ("soft", "stiff")

    def __init__(self, *, constants: tuple[float, float] = (-6e5, -7e5)) -> None:
        self.constants = np.array(constants)

    def energies(self, positions_nm: Any) -> np.ndarray:
        square = (np.asarray(positions_nm) ** 2).sum(axis=(1, 2))
        return self.constants[:, None] + np.array([[500.0], [800.0]]) * square

    def mean_energy_and_forces(self, positions_nm: Any) -> tuple[float, np.ndarray]:
        raise NotImplementedError


class Flat:
    """A force field without internal energy differences."""

    def energies(self, positions_nm: Any) -> np.ndarray:
        return np.full(len(positions_nm), 12.0)


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(1).normal(scale=0.05, size=(40, 5, 3))


def test_energies_are_reduced_and_less_their_offsets(frames: np.ndarray) -> None:
    offsets = reference_offsets(frames, committee=Quadratic(), internal=Flat())
    found = rescore(
        frames,
        committee=Quadratic(),
        internal=Flat(),
        offsets=offsets,
        temperature=298.15,
        environment="free",
    )
    square = (frames**2).sum(axis=(1, 2))
    np.testing.assert_allclose(found.u_mn[1], 800.0 * (square - square.mean()) / thermal_energy(298.15), atol=1e-6)
    np.testing.assert_allclose(found.u_mm, 0.0, atol=1e-12)
    assert found.members == ("soft", "stiff")
    assert found.driver == "mm"


def test_atomisation_energies_leave_no_trace(frames: np.ndarray) -> None:
    found = [
        rescore(
            frames,
            committee=committee,
            internal=Flat(),
            offsets=reference_offsets(frames[:8], committee=committee, internal=Flat()),
            temperature=298.15,
            environment="bound",
        )
        for committee in (Quadratic(), Quadratic(constants=(0.0, 0.0)))
    ]
    np.testing.assert_allclose(found[0].u_mn, found[1].u_mn, atol=1e-7)


def test_the_mean_gap_puts_both_potentials_on_one_scale() -> None:
    assert Offsets(members_kj_mol=(-6e5, -7e5), mm_kj_mol=100.0).mean_gap_kj_mol == pytest.approx(-650100.0)


def test_an_energy_that_is_not_finite_is_refused_with_its_frame(frames: np.ndarray) -> None:
    broken = frames.copy()
    broken[7, 0, 0] = np.nan
    with pytest.raises(EstimateError, match="committee's energy of frame 7 is not finite"):
        reference_offsets(broken, committee=Quadratic(), internal=Flat())
