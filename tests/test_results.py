"""The shelf: records refuse what is not consistent, and their derived numbers are those of the textbooks."""

from __future__ import annotations

import dataclasses
import inspect

import numpy as np
import pytest
from scipy import integrate, special

from bindfe import results
from bindfe.errors import EstimateError
from bindfe.results import (
    BindingEstimate,
    CommitteeEnergies,
    Component,
    Prediction,
    ReducedPotentials,
    SwitchingWork,
    UncertaintyBudget,
)

RECORDS = [kind for _, kind in inspect.getmembers(results, inspect.isclass) if dataclasses.is_dataclass(kind)]


def potentials(**changes: object) -> ReducedPotentials:
    good: dict[str, object] = {
        "u_kn": np.zeros((2, 3)),
        "n_k": [1, 2],
        "state_of_sample": [1, 0, 1],
        "replica_of_sample": [0, 1, 0],
        "cycle_of_sample": [0, 0, 1],
        "seed": 7,
    }
    return ReducedPotentials(**{**good, **changes})  # type: ignore[arg-type]


def prediction(
    *, location: float = -8.0, scale: float = 0.5, degrees_of_freedom: float = 5.0, **more: object
) -> Prediction:
    return Prediction(
        ligand="b2",
        raw_kcal_mol=location,
        location_kcal_mol=location,
        scale_kcal_mol=scale,
        degrees_of_freedom=degrees_of_freedom,
        budget=UncertaintyBudget(components=()),
        **more,  # type: ignore[arg-type]
    )


def component(kind: str, error: float, degrees_of_freedom: float) -> Component:
    return Component(
        kind=kind,  # type: ignore[arg-type]
        standard_error_kcal_mol=error,
        degrees_of_freedom=degrees_of_freedom,
        explanation="",
    )


# Shape


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
def test_records_are_frozen_keyword_only_slotted_and_say_what_each_field_is(kind: type) -> None:
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    assert all(field.kw_only for field in dataclasses.fields(kind))
    assert "__slots__" in vars(kind)
    lines = inspect.getsource(kind).splitlines()
    for field in dataclasses.fields(kind):
        place = next(n for n, line in enumerate(lines) if line.startswith(f"    {field.name}:"))
        following = next(line for line in lines[place + 1 :] if line.startswith('    """'))
        assert lines.index(following, place) <= place + 3, f"{kind.__name__}.{field.name} has no docstring"


@pytest.mark.parametrize(
    "changes",
    [
        {"u_kn": np.zeros(3)},
        {"n_k": [1, 1, 1]},
        {"n_k": [2, 1]},
        {"state_of_sample": [0, 1]},
        {"state_of_sample": [1, 0, 2]},
        {"state_of_sample": [1, 0, -1]},
        {"replica_of_sample": [[0, 1, 0]]},
        {"cycle_of_sample": [1, 0, 2]},
    ],
)
def test_potentials_whose_parts_disagree_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(EstimateError, match="ReducedPotentials"):
        potentials(**changes)


def test_an_error_names_the_shape_that_was_found_and_the_one_that_is_needed() -> None:
    with pytest.raises(EstimateError, match=r"CommitteeEnergies.u_mn has shape \(3, 4\), \(2, any\) is needed"):
        CommitteeEnergies(u_mn=np.zeros((3, 4)), u_mm=np.zeros(4), members=("a", "b"), environment="bound", driver="mm")


def test_a_state_that_drove_nothing_is_allowed() -> None:
    assert potentials(n_k=[0, 3], state_of_sample=[1, 1, 1]).n_k.tolist() == [0, 3]


def test_arrays_are_copies_that_cannot_be_written() -> None:
    given = np.zeros(3)
    work = SwitchingWork(forward=given, reverse=[1, 2])  # type: ignore[arg-type]
    given[0] = 9.0
    assert work.forward[0] == 0.0
    assert work.reverse.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        work.forward[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        work.forward = given  # type: ignore[misc]


def test_a_binding_estimate_has_one_error_for_each_repeat_and_member() -> None:
    with pytest.raises(EstimateError, match="bootstrap_errors"):
        BindingEstimate(
            ligand="b2",
            temperature=298.15,
            delta_g_kcal_mol=-1.0,
            terms=(),
            delta_g_repeats=np.zeros(3),
            bootstrap_errors=np.zeros(2),
            delta_g_members=np.zeros(0),
            member_errors=np.zeros(0),
        )


# Budget


def test_the_squares_of_a_budget_add_up() -> None:
    budget = UncertaintyBudget(components=(component("sampling", 0.3, 4.0), component("committee", 0.4, 7.0)))
    assert budget.standard_error_kcal_mol == pytest.approx(0.5)
    assert budget.component("committee") == budget.components[1]
    assert budget.component("assay") is None


def test_degrees_of_freedom_are_those_of_welch_for_two_samples() -> None:
    a, b = np.array([1.0, 2.0, 4.0]), np.array([0.0, 5.0, 7.0, 1.0, 2.0])
    parts = (
        component("sampling", a.std(ddof=1) / np.sqrt(3), 2.0),
        component("assay", b.std(ddof=1) / np.sqrt(5), 4.0),
    )
    from scipy import stats

    welch = stats.ttest_ind(a, b, equal_var=False).df
    assert UncertaintyBudget(components=parts).degrees_of_freedom == pytest.approx(welch)


def test_a_part_that_is_known_exactly_takes_no_degrees_of_freedom() -> None:
    exact = component("analytic", 0.3, np.inf)
    assert UncertaintyBudget(components=(exact,)).degrees_of_freedom == np.inf
    assert UncertaintyBudget(components=()).degrees_of_freedom == np.inf
    assert UncertaintyBudget(components=()).standard_error_kcal_mol == 0.0
    alone = UncertaintyBudget(components=(component("sampling", 0.3, 5.0),)).degrees_of_freedom
    together = UncertaintyBudget(components=(component("sampling", 0.3, 5.0), exact)).degrees_of_freedom
    assert alone == pytest.approx(5.0)
    assert together > alone


# Prediction


def t_density(x: float, nu: float) -> float:
    """Student's density, written out."""
    norm = special.gamma((nu + 1) / 2) / (np.sqrt(nu * np.pi) * special.gamma(nu / 2))
    return float(norm * (1 + x * x / nu) ** (-(nu + 1) / 2))


@pytest.mark.parametrize("coverage", [0.5, 0.68, 0.9, 0.95])
@pytest.mark.parametrize("nu", [2.5, 5.0, 30.0])
def test_an_interval_holds_as_much_of_the_density_as_it_says(coverage: float, nu: float) -> None:
    made = prediction(degrees_of_freedom=nu)
    low, high = made.interval(coverage)
    inside, _ = integrate.quad(lambda y: t_density((y + 8.0) / 0.5, nu) / 0.5, low, high)
    assert inside == pytest.approx(coverage, abs=1e-7)
    assert made.cdf(high) - made.cdf(low) == pytest.approx(coverage, abs=1e-9)
    assert (low + high) / 2 == pytest.approx(-8.0)


def test_many_degrees_of_freedom_give_the_normal_interval() -> None:
    normal = prediction(degrees_of_freedom=np.inf)
    assert normal.half_width(0.95) == pytest.approx(0.5 * 1.959963985)
    assert prediction(degrees_of_freedom=1e7).half_width(0.95) == pytest.approx(normal.half_width(0.95), rel=1e-6)
    assert normal.cdf(-8.0 + 0.5) == pytest.approx(0.841344746)
    assert normal.standard_error_kcal_mol == 0.5


def test_the_standard_error_is_that_of_the_predictive_density_and_not_its_scale() -> None:
    nu = 5.0
    variance, _ = integrate.quad(lambda x: x * x * t_density(x, nu), -np.inf, np.inf)
    assert prediction(degrees_of_freedom=nu).standard_error_kcal_mol == pytest.approx(0.5 * np.sqrt(variance))
    assert prediction(degrees_of_freedom=2.0).standard_error_kcal_mol == np.inf


def test_conformal_widths_replace_the_quantiles_at_their_coverage_only() -> None:
    made = prediction(conformal=((0.9, 1.25),))
    assert made.interval(0.9) == (-9.25, -6.75)
    assert made.half_width(0.95) == prediction().half_width(0.95)


@pytest.mark.parametrize("coverage", [95, 1.0, 0.0, -0.5, float("nan")])
def test_a_coverage_in_per_cent_is_refused_and_not_answered_with_nan(coverage: float) -> None:
    with pytest.raises(EstimateError, match="lies between 0 and 1"):
        prediction().interval(coverage)


def test_a_value_without_error_has_a_step_for_a_distribution() -> None:
    exact = prediction(scale=0.0)
    assert exact.interval(0.95) == (-8.0, -8.0)
    assert [exact.cdf(y) for y in (-8.1, -8.0, -7.9)] == [0.0, 1.0, 1.0]
