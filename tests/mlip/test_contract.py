"""The contract of a potential: a sound one passes, and each way of breaking it is caught by the claim it breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bindfe.errors import InputError
from bindfe.mlip import check_potential
from bindfe.mlip.contract import energy_resolution, force_error, random_rotation
from tests.mlip.conftest import METHANOL_NM, NUMBERS
from tests.mlip.plugs import Morse

KCAL, EV = 4.184, 96.485


class Broken:
    """Morse wells with one thing wrong. A fault takes (committee, positions, energy, forces) to (energy, forces)."""

    name = "broken"

    def __init__(self, fault: str) -> None:
        self.sound = Morse(NUMBERS)
        self.fault = fault
        self.members = self.sound.members
        self.calls = 0

    def energies(self, positions_nm: Any) -> np.ndarray:
        frames = np.asarray(positions_nm)
        energies = self.sound.energies(frames)
        if self.fault == "single precision":
            return energies.astype(np.float32).astype(float)
        if self.fault == "single precision arrays":
            return energies.astype(np.float32)
        if self.fault == "kcal/mol":
            return energies / KCAL
        if self.fault == "eV":
            return energies / EV
        if self.fault == "frames by members":
            return energies.T
        if self.fault == "depends on the laboratory":
            return energies + 5.0 * frames[:, 0, 2]
        if self.fault == "knows atoms by number":
            return energies + 5.0 * np.linalg.norm(frames[:, 2] - frames[:, 0], axis=1)
        if self.fault == "frames know of each other":
            return energies + 0.01 * len(frames)
        if self.fault == "a step in the energy":
            return energies + 0.1 * (np.linalg.norm(frames[:, 2] - frames[:, 1], axis=1) % 1e-4 > 5e-5)
        return energies

    def mean_energy_and_forces(self, positions_nm: Any) -> tuple[float, np.ndarray]:
        self.calls += 1
        x = np.asarray(positions_nm)
        energy = float(self.energies(x[None]).mean())
        _, forces = self.sound.mean_energy_and_forces(x)
        return {
            "forces a tenth": lambda: (energy, 0.1 * forces),
            "forces of the other sign": lambda: (energy, -forces),
            "forces of two atoms exchanged": lambda: (energy, forces[[0, 1, 3, 2, 4, 5]]),
            "one atom without force": lambda: (energy, forces * (np.arange(6) != 5)[:, None]),
            "forces of the first member": lambda: (energy, forces * 380.0 / np.mean(self.sound.depths)),
            "energy of the first member": lambda: (float(self.energies(x[None])[0, 0]), forces),
            "remembers its calls": lambda: (energy + 0.01 * self.calls, forces),
            "not a number": lambda: (energy, forces * np.nan),
        }.get(self.fault, lambda: (energy, forces))()


FAULTS = {
    "forces a tenth": "minus the gradient",
    "forces of the other sign": "minus the gradient",
    "forces of two atoms exchanged": "minus the gradient",
    "one atom without force": "minus the gradient",
    "forces of the first member": "minus the gradient",
    "energy of the first member": "the mean energy is the members' mean",
    "remembers its calls": "the same call gives the same energy",
    "not a number": "finite",
    "single precision": "smooth",
    "single precision arrays": "double precision",
    "a step in the energy": "smooth",
    "kcal/mol": "stiffest bond",
    "eV": "stiffest bond",
    "frames by members": "shape",
    "depends on the laboratory": "turning and shifting",
    "knows atoms by number": "change places",
    "frames know of each other": "frames do not know",
}


def test_a_sound_potential_passes_and_says_so_line_by_line() -> None:
    report = check_potential(Morse(NUMBERS), METHANOL_NM, numbers=NUMBERS)
    assert report.passed, str(report)
    report.require()
    assert str(report).count("\nok ") == len(report.checks)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_potential_is_caught_by_the_claim_that_it_breaks(fault: str) -> None:
    report = check_potential(Broken(fault), METHANOL_NM, numbers=NUMBERS)
    assert any(FAULTS[fault] in check.name for check in report.failures), str(report)
    with pytest.raises(InputError, match=f"does not keep the contract of a potential.*{FAULTS[fault]}"):
        report.require()


def test_forces_that_are_too_small_are_reported_with_their_factor() -> None:
    report = check_potential(Broken("forces a tenth"), METHANOL_NM, numbers=NUMBERS)
    assert "they are 0.1 times it" in str(report)


class Heavy(Morse):
    """Carries its weights along when it is pickled."""

    def __reduce__(self) -> Any:
        return type(self), (self.numbers,), {"weights": np.zeros(50_000)}


class Local(Morse):
    """Holds something that cannot be pickled."""

    def __reduce__(self) -> Any:
        return (lambda: None), ()


def test_a_potential_that_carries_its_weights_or_does_not_pickle_is_caught() -> None:
    heavy = check_potential(Heavy(NUMBERS), METHANOL_NM, numbers=NUMBERS)
    assert [check.name for check in heavy.failures] == ["it pickles as a handle"]
    local = check_potential(Local(NUMBERS), METHANOL_NM, numbers=NUMBERS)
    assert [check.name for check in local.failures] == ["it pickles"]


class Shuffled(Morse):
    """Gives another member than the one that was asked for."""

    def subset(self, members: Any) -> Morse:
        return Morse(self.numbers, depths=(self.depths[0],))


def test_a_dropped_member_is_caught() -> None:
    report = check_potential(Shuffled(NUMBERS), METHANOL_NM, numbers=NUMBERS)
    assert [check.name for check in report.failures] == ["a member alone has the energy it has in the committee"]


def test_positions_of_another_molecule_are_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(6, 3\)"):
        check_potential(Morse(NUMBERS), METHANOL_NM[:5], numbers=NUMBERS)


# The measures, against functions whose derivatives are known


def quartic(frames: np.ndarray) -> np.ndarray:
    return np.asarray((1e4 * frames**2 + 3e5 * frames**3 + 2e6 * frames**4).sum(axis=(1, 2)))


def test_finite_differences_are_exact_for_a_polynomial_of_fourth_order() -> None:
    x = np.random.default_rng(3).normal(scale=0.1, size=(7, 3))
    forces = -(2e4 * x + 9e5 * x**2 + 8e6 * x**3)
    error, factor = force_error(quartic, forces, x, rng=np.random.default_rng(1))
    assert error < 1e-8
    assert factor == pytest.approx(1.0, abs=1e-9)
    assert force_error(quartic, 0.3 * forces, x, rng=np.random.default_rng(1))[1] == pytest.approx(0.3)


@pytest.mark.parametrize("quantum", [0.0, 0.05])
def test_resolution_is_that_of_a_rounded_energy(quantum: float) -> None:
    def rounded(frames: np.ndarray) -> np.ndarray:
        return quantum * np.round(quartic(frames) / quantum) if quantum else quartic(frames)

    x = np.random.default_rng(3).normal(scale=0.1, size=(7, 3))
    found = energy_resolution(rounded, x, direction=np.ones((7, 3)))
    if quantum:
        assert found == pytest.approx(quantum / np.sqrt(12), rel=0.4)  # of 24 points
    else:
        assert found < 1e-6


def test_rotations_are_proper_and_spread_over_the_sphere() -> None:
    rng = np.random.default_rng(5)
    turns = np.array([random_rotation(rng) for _ in range(4000)])
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.tile(np.eye(3), (4000, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(turns), 1.0)
    mean = turns[:, :, 0].mean(axis=0)
    assert np.abs(mean).max() < 4 / np.sqrt(3 * 4000)  # four standard errors


# Total energy along trajectories: forces that are not a gradient, or are rough, make it drift


def drift(evaluate: Callable[[np.ndarray], tuple[float, np.ndarray]], *, picoseconds: float, step_ps: float) -> float:
    """Drift of the total energy [kJ/mol/ps]: the slope of a line through it, velocity Verlet at 300 K."""
    masses = np.array([{1: 1.008, 6: 12.011, 8: 15.999}[z] for z in NUMBERS])
    rng = np.random.default_rng(11)
    x = METHANOL_NM.copy()
    v = rng.normal(size=x.shape) * np.sqrt(8.314e-3 * 300.0 / masses)[:, None]
    v -= (masses[:, None] * v).sum(axis=0) / masses.sum()
    energy, forces = evaluate(x)
    totals = []
    for _ in range(round(picoseconds / step_ps)):
        v = v + 0.5 * step_ps * forces / masses[:, None]
        x = x + step_ps * v
        energy, forces = evaluate(x)
        v = v + 0.5 * step_ps * forces / masses[:, None]
        totals.append(energy + 0.5 * float((masses[:, None] * v**2).sum()))
    times = step_ps * np.arange(len(totals))
    return float(np.polyfit(times, np.array(totals) - totals[0], 1)[0])


BACKENDS = {"ani2x": [0], "aimnet2": [0], "gfn2-xtb": None}


@pytest.mark.mlip
@pytest.mark.parametrize("model", BACKENDS)
def test_the_total_energy_drifts_by_less_than_1_kj_mol_in_1_ps(model: str) -> None:
    from bindfe.mlip import open_committee

    if model == "gfn2-xtb":
        pytest.importorskip("tblite")
    committee = open_committee(model, numbers=NUMBERS, members=BACKENDS[model])
    assert abs(drift(committee.mean_energy_and_forces, picoseconds=1.0, step_ps=1e-3)) < 1.0


def test_a_drift_is_seen_where_forces_are_not_a_gradient() -> None:
    sound = Morse(NUMBERS).mean_energy_and_forces

    def swirling(x: np.ndarray) -> tuple[float, np.ndarray]:
        energy, forces = sound(x)
        return energy, forces + 300.0 * np.cross([0.0, 0.0, 1.0], x - x.mean(axis=0))

    assert abs(drift(sound, picoseconds=1.0, step_ps=2.5e-4)) < 1.0
    assert abs(drift(swirling, picoseconds=1.0, step_ps=2.5e-4)) > 1.0
