"""The safety mode: the committee where it agrees, the force field where it does not, and forces in between."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import openmm
import pytest

from bindfe.errors import InputError
from bindfe.mlip.hybrid import add_potential
from bindfe.mlip.internal import InternalEnergy, internal_terms
from bindfe.mlip.safety import SafePotential
from tests.mlip.conftest import NUMBERS, build
from tests.mlip.plugs import Morse, Springs
from tests.mlip.test_hybrid import check_gradient, evaluate

METHANOL = build(method=openmm.NonbondedForce.NoCutoff, continuum=True, first=2)
TERMS = internal_terms(METHANOL.system, METHANOL.atoms)


def safe(spread: float, *, depths: tuple[float, ...] = (380.0, 400.0, 440.0), **changed: Any) -> SafePotential:
    options: dict[str, Any] = {"terms": TERMS, "offsets_kj_mol": (-3.0e5,) * len(depths), "spread_kj_mol": spread}
    return SafePotential(Morse(NUMBERS, depths=depths), **{**options, **changed})


def test_members_that_agree_are_believed(geometries: np.ndarray) -> None:
    potential = safe(1.0, depths=(400.0, 400.0))
    np.testing.assert_allclose(potential.weights(geometries), 1.0)
    expected = Morse(NUMBERS, depths=(400.0,)).energies(geometries)[0] + 3.0e5
    np.testing.assert_allclose(potential.energies(geometries)[0], expected, atol=1e-9)


def test_members_that_disagree_leave_the_force_field(geometries: np.ndarray) -> None:
    potential = safe(1e-6)
    assert potential.weights(geometries).max() < 1e-8
    expected = InternalEnergy.of(METHANOL.system, METHANOL.atoms).energies(geometries)
    np.testing.assert_allclose(potential.energies(geometries)[0], expected, atol=1e-4)


def test_at_the_spread_that_is_set_both_weigh_the_same(geometries: np.ndarray) -> None:
    above = Morse(NUMBERS).energies(geometries[:1]) + 3.0e5
    assert safe(float(above.std(ddof=1))).weights(geometries[:1])[0] == pytest.approx(0.5)


@pytest.mark.parametrize("spread", [0.3, 3.0, 30.0])
def test_forces_contain_the_gradient_of_the_weight(geometries: np.ndarray, spread: float) -> None:
    potential = safe(spread)
    energy, forces = potential.mean_energy_and_forces(geometries[0])
    assert energy == pytest.approx(potential.energies(geometries[:1])[0, 0])
    step = 1e-5
    for index in np.ndindex(6, 3):
        moved = np.stack([geometries[0], geometries[0]])
        moved[0][index] += step
        moved[1][index] -= step
        ahead, behind = potential.energies(moved)[0]
        assert forces[index] == pytest.approx((behind - ahead) / (2 * step), abs=2e-3, rel=1e-5)


def test_members_without_common_forces_are_taken_one_by_one(geometries: np.ndarray) -> None:
    class Together(Morse):
        def energies_and_forces(self, positions_nm: Any) -> Any:
            found = [self.subset([member]).mean_energy_and_forces(positions_nm) for member in range(len(self.depths))]
            return np.array([energy for energy, _ in found]), np.array([forces for _, forces in found])

        def subset(self, members: Any) -> Morse:
            return Morse(self.numbers, depths=tuple(self.depths[member] for member in members))

    options: dict[str, Any] = {"terms": TERMS, "offsets_kj_mol": (-3.0e5,) * 3, "spread_kj_mol": 3.0}
    ours, theirs = SafePotential(Morse(NUMBERS), **options), SafePotential(Together(NUMBERS), **options)
    one, other = ours.mean_energy_and_forces(geometries[1]), theirs.mean_energy_and_forces(geometries[1])
    assert one[0] == pytest.approx(other[0])
    np.testing.assert_allclose(one[1], other[1], atol=1e-9)


def test_a_members_own_zero_is_no_disagreement(geometries: np.ndarray) -> None:
    class Shifted(Morse):
        def energies(self, positions_nm: Any) -> np.ndarray:
            return super().energies(positions_nm) + np.array([0.0, 500.0, -900.0])[:, None]

    potential = SafePotential(
        Shifted(NUMBERS, depths=(400.0,) * 3),
        terms=TERMS,
        offsets_kj_mol=(-3.0e5, -3.0e5 + 500.0, -3.0e5 - 900.0),
        spread_kj_mol=1.0,
    )
    np.testing.assert_allclose(potential.weights(geometries), 1.0, atol=1e-9)


def test_it_drives_a_mixed_system_from_the_force_field_to_itself() -> None:
    mixed = add_potential(METHANOL.system, METHANOL.atoms, committee=safe(3.0), offset=0.0)
    check_gradient(mixed, METHANOL.positions, 1.0)
    nearly_off = add_potential(METHANOL.system, METHANOL.atoms, committee=safe(1e-6), offset=0.0)
    plain = evaluate(METHANOL.system, METHANOL.positions)[0]
    assert evaluate(nearly_off, METHANOL.positions, 1.0)[0] == pytest.approx(plain, abs=1e-4)


def test_it_pickles_small(geometries: np.ndarray) -> None:
    potential = safe(3.0)
    content = pickle.dumps(potential)
    assert len(content) < 3_000
    np.testing.assert_array_equal(pickle.loads(content).energies(geometries), potential.energies(geometries))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"depths": (400.0,)}, "two members or more"),
        ({"offsets_kj_mol": (0.0, 0.0)}, "3 members need as many offsets, not 2"),
        ({"spread": 0.0}, "must be positive, not 0"),
        ({"spread": float("nan")}, "must be positive"),
    ],
)
def test_wrong_settings_are_refused(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        safe(**{"spread": 1.0, **changed})


def test_members_that_cannot_be_had_alone_are_refused() -> None:
    class Closed:
        name, members = "closed", ("a", "b")
        energies = mean_energy_and_forces = Springs.energies

    with pytest.raises(InputError, match="no forces of single members"):
        SafePotential(Closed(), terms=TERMS, offsets_kj_mol=(0.0, 0.0), spread_kj_mol=1.0)  # type: ignore[arg-type]
