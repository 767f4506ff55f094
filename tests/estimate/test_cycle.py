"""The cycle: signs, sums and refusals, on legs made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from bindfe.errors import EstimateError
from bindfe.estimate.correction import standard_state_correction
from bindfe.estimate.cycle import Correction, close_cycle
from bindfe.results import Convergence, LegEstimate, Mixing
from bindfe.states import CentroidRestraint, LegKind

T = 300.0
KT = 8.31446261815324e-3 * T / 4.184
SPRING = CentroidRestraint(receptor_atoms=(0,), ligand_atoms=(1,), spring=1000.0)


def leg(kind: LegKind, repeat: int, delta_f: float, error: float = 0.3, warnings: tuple[str, ...] = ()) -> LegEstimate:
    one = np.ones(1)
    return LegEstimate(
        kind=kind,
        repeat=repeat,
        f_k=np.array([0.0, delta_f]),
        covariance=np.diag([0.0, error**2]),
        bootstrap_error=error,
        overlap=np.full((2, 2), 0.5),
        n_effective=np.array([50.0, 50.0]),
        equilibrated_from=0,
        n_cycles=50,
        statistical_inefficiency=1.0,
        convergence=Convergence(fraction=one, forward=one, forward_error=one, reverse=one, reverse_error=one),
        mixing=Mixing(transitions=np.eye(2), second_eigenvalue=1.0, round_trips=0),
        warnings=warnings,
    )


def decoupled_legs() -> list[LegEstimate]:
    return [leg(LegKind.COMPLEX, r, 30.0 + r) for r in (1, 0, 2)] + [leg(LegKind.SOLVENT, r, 10.0) for r in (0, 1, 2)]


def test_terms_sum_to_delta_g_and_repeats_average_to_it() -> None:
    extra = Correction(
        name="ML/MM", explanation="x", delta_g_kcal_mol=(0.5,), standard_errors_kcal_mol=(0.1,), members_kcal_mol=()
    )
    binding = close_cycle(
        decoupled_legs(),
        ligand="a",
        temperature=T,
        method="decouple",
        restraint=SPRING,
        n_equivalent=2,
        corrections=[extra],
    )
    assert sum(term.delta_g_kcal_mol for term in binding.terms) == pytest.approx(binding.delta_g_kcal_mol, abs=1e-12)
    assert binding.delta_g_repeats.mean() == pytest.approx(binding.delta_g_kcal_mol, abs=1e-12)
    assert [term.name for term in binding.terms] == ["solvent", "complex", "ML/MM", "standard state", "symmetry"]


def test_a_ligand_that_is_harder_to_decouple_from_the_site_binds() -> None:
    binding = close_cycle(decoupled_legs(), ligand="a", temperature=T, method="decouple", restraint=None)
    assert binding.delta_g_kcal_mol == pytest.approx(KT * (10.0 - 31.0))
    np.testing.assert_allclose(binding.delta_g_repeats, KT * (10.0 - np.array([30.0, 31.0, 32.0])))
    np.testing.assert_allclose(binding.bootstrap_errors, KT * 0.3 * np.sqrt(2))


def test_an_ideal_gas_bound_by_a_harmonic_well_has_the_binding_free_energy_of_the_well() -> None:
    """The site is a spring with bottom -w, the restraint the same spring with bottom 0.

    Decoupling swaps one for the other, so the complex leg is exactly w/kT and the solvent leg 0. The
    answer is -kT ln(Z/V0) with Z = e^(w/kT) (2 pi kT/k)^(3/2), written without the package.
    """
    depth = 12.0
    legs = [leg(LegKind.COMPLEX, 0, depth), leg(LegKind.SOLVENT, 0, 0.0)]
    binding = close_cycle(legs, ligand="a", temperature=T, method="decouple", restraint=SPRING)
    gas = (2 * np.pi * KT * 4.184 / SPRING.spring) ** 1.5
    assert binding.delta_g_kcal_mol == pytest.approx(-KT * (depth + np.log(gas * 0.602214076)), abs=1e-9)


def test_both_methods_agree_on_the_same_physics() -> None:
    legs = [leg(LegKind.COMPLEX, 0, 12.0), leg(LegKind.SOLVENT, 0, 3.0)]
    apart = close_cycle(legs, ligand="a", temperature=T, method="decouple", restraint=SPRING)
    moved = close_cycle(
        [leg(LegKind.TRANSFER, 0, 3.0 - 12.0)], ligand="a", temperature=T, method="transfer", restraint=SPRING
    )
    assert moved.delta_g_kcal_mol == pytest.approx(apart.delta_g_kcal_mol)


def test_imposing_the_restraint_costs_what_releasing_it_gains() -> None:
    binding = close_cycle(
        [leg(LegKind.TRANSFER, 0, -9.0)], ligand="a", temperature=T, method="transfer", restraint=SPRING
    )
    (term,) = (term for term in binding.terms if term.name == "standard state")
    assert term.delta_g_kcal_mol == pytest.approx(-standard_state_correction(SPRING, temperature=T) / 4.184)
    assert term.delta_g_kcal_mol > 0


def test_members_shift_delta_g_by_their_own_correction() -> None:
    extra = Correction(
        name="ML/MM",
        explanation="x",
        delta_g_kcal_mol=(1.0, 2.0, 3.0),
        standard_errors_kcal_mol=(0.1, 0.1, 0.1),
        members_kcal_mol=(1.5, 2.5),
        member_errors_kcal_mol=(0.05, 0.05),
    )
    binding = close_cycle(
        decoupled_legs(), ligand="a", temperature=T, method="decouple", restraint=None, corrections=[extra]
    )
    np.testing.assert_allclose(binding.delta_g_members, binding.delta_g_kcal_mol + np.array([-0.5, 0.5]))


def test_the_error_of_a_shared_correction_is_not_averaged_away() -> None:
    extra = Correction(name="x", explanation="x", delta_g_kcal_mol=(1.0,), standard_errors_kcal_mol=(0.4,))
    legs = [leg(LegKind.TRANSFER, r, -9.0, error=0.0) for r in range(4)]
    binding = close_cycle(legs, ligand="a", temperature=T, method="transfer", restraint=None, corrections=[extra])
    assert np.sqrt(np.mean(binding.bootstrap_errors**2) / 4) == pytest.approx(0.4)
    assert binding.terms[1].standard_error_kcal_mol == pytest.approx(0.4)


def test_warnings_of_all_legs_are_kept_once() -> None:
    legs = [leg(LegKind.TRANSFER, r, -9.0, warnings=("same", f"own {r}")) for r in range(2)]
    binding = close_cycle(legs, ligand="a", temperature=T, method="transfer", restraint=None)
    assert binding.warnings == ("same", "own 0", "own 1")


@pytest.mark.parametrize(
    "legs",
    [
        [],
        [leg(LegKind.COMPLEX, 0, 1.0)],
        [leg(LegKind.COMPLEX, 0, 1.0), leg(LegKind.SOLVENT, 1, 1.0)],
        [leg(LegKind.COMPLEX, 0, 1.0), leg(LegKind.SOLVENT, 0, 1.0), leg(LegKind.SOLVENT, 0, 1.0)],
        [leg(LegKind.TRANSFER, 0, 1.0)],
    ],
)
def test_a_cycle_that_does_not_close_is_refused(legs: list[LegEstimate]) -> None:
    with pytest.raises(EstimateError, match="needs one solvent and complex leg for each repeat"):
        close_cycle(legs, ligand="a", temperature=T, method="decouple", restraint=None)
