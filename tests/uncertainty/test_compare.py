"""Two runs side by side: the interval of their difference holds as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bindfe.errors import InputError
from bindfe.results import Component, Prediction, UncertaintyBudget
from bindfe.uncertainty.compare import compare_predictions, sampling_interval


def _prediction(value: float, *, scale: float, degrees: float, ligand: str = "a", quantity: str = "absolute"):
    deviation = scale if np.isinf(degrees) else scale * np.sqrt(degrees / (degrees - 2))
    part = Component(
        kind="sampling", standard_error_kcal_mol=float(deviation), degrees_of_freedom=degrees, explanation=""
    )
    return Prediction(
        ligand=ligand,
        quantity=quantity,
        raw_kcal_mol=value,
        location_kcal_mol=value + 3.0,  # calibrated elsewhere: a comparison is of raw values
        scale_kcal_mol=scale,
        degrees_of_freedom=degrees,
        budget=UncertaintyBudget(components=(part,)),
    )


def test_the_interval_of_one_run_is_the_t_interval():
    low, high = sampling_interval(_prediction(-5.0, scale=0.4, degrees=6.0))
    assert (low, high) == pytest.approx(stats.t.interval(0.95, 6.0, loc=-5.0, scale=0.4))


def test_normal_errors_give_the_two_sample_z_test():
    compared = compare_predictions(
        _prediction(-5.0, scale=0.3, degrees=np.inf), _prediction(-4.0, scale=0.4, degrees=np.inf)
    )
    assert compared.half_width_kcal_mol == pytest.approx(1.959964 * 0.5, rel=1e-5)
    assert compared.probability == pytest.approx(2 * stats.norm.sf(2.0))
    assert not compared.agrees


def test_repeats_of_both_runs_give_welchs_test():
    """scipy's own Welch test on the repeats is the reference."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(0.0, 0.5, 4), rng.normal(0.4, 1.2, 7)
    compared = compare_predictions(
        *(_prediction(x.mean(), scale=x.std(ddof=1) / np.sqrt(len(x)), degrees=len(x) - 1.0) for x in (a, b))
    )
    assert compared.probability == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)


@pytest.mark.parametrize(("n_first", "n_second"), [(4, 4), (4, 12)])
def test_two_runs_with_one_answer_agree_as_often_as_the_interval_says(n_first, n_second):
    rng, trials, agreed = np.random.default_rng(11), 2000, 0
    for _ in range(trials):
        first, second = rng.normal(0.0, 0.4, n_first), rng.normal(0.0, 0.9, n_second)
        agreed += compare_predictions(
            *(
                _prediction(x.mean(), scale=x.std(ddof=1) / np.sqrt(len(x)), degrees=len(x) - 1.0)
                for x in (first, second)
            )
        ).agrees
    assert agreed / trials == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / trials) + 0.005)


def test_other_ligands_or_quantities_are_not_compared():
    first = _prediction(-5.0, scale=0.3, degrees=6.0)
    with pytest.raises(InputError, match="another ligand"):
        compare_predictions(first, _prediction(-5.0, scale=0.3, degrees=6.0, ligand="b"))
    with pytest.raises(InputError, match="another quantity"):
        compare_predictions(first, _prediction(-5.0, scale=0.3, degrees=6.0, quantity="relative"))


def test_without_a_sampling_error_there_is_no_verdict():
    first = _prediction(-5.0, scale=0.3, degrees=6.0)
    bare = Prediction(
        ligand="a",
        raw_kcal_mol=0.0,
        location_kcal_mol=0.0,
        scale_kcal_mol=1.0,
        degrees_of_freedom=5.0,
        budget=UncertaintyBudget(components=()),
    )
    with pytest.raises(InputError, match="no sampling error"):
        compare_predictions(first, bare)
