"""Do the intervals of metadynamics hold? 50 seeds on a pocket whose answer is exact, from samples to interval.

Each seed is a calculation of two repeats by OpenMM's metadynamics through bindfe's own files; the exact answer is a
quadrature and shares no code with the estimate.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bindfe.build.models import GaussianPocket, model_delta_g, model_system
from bindfe.estimate.judge import judge
from bindfe.estimate.regions import combine_repeats, estimate_binding
from bindfe.estimate.volume import binding_regions
from bindfe.protocol import ComputeSettings
from bindfe.results import Judgement, Prediction
from bindfe.sample.biasedfiles import read_biased
from bindfe.sample.metadynamics import Walker, sample_biased
from bindfe.sample.plumedwords import BiasSettings
from bindfe.uncertainty.budget import budget, predict
from bindfe.variables import BiasedVariable, Distance, Sphere

SEEDS, T = 50, 300.0
LEVELS = (0.50, 0.68, 0.90, 0.95)
POCKET = GaussianPocket(depth=25.0, width=0.12)
R = Distance(name="r", first=(0,), second=(1,))
SETTINGS = BiasSettings(
    variables=(BiasedVariable(variable=R, low=0.0, high=1.0, width=0.05),),
    holds=(Sphere(distance=R, radius=0.9, spring=5000.0),),
    temperature=T,
    height=0.3,
    bias_factor=6.0,
    pace=100,
    sample_every=20,
)
REGIONS = binding_regions(SETTINGS.variables[0], SETTINGS.holds, bound=(0.0, 0.5), unbound=[(0.6, 0.9)], temperature=T)
EXACT = model_delta_g(POCKET, bound_radius=0.5, temperature=T)


def calculate(seed: int, root: Path) -> tuple[Prediction, Judgement]:
    estimates = []
    for repeat in range(2):
        directory = root / f"{seed}-{repeat}"
        walker = Walker(
            system=model_system(POCKET),
            positions=np.array([[0.0, 0, 0], [0.1, 0, 0]]),
            box=None,
            time_step=0.02,
            friction=2.0,
            compute=ComputeSettings(platform="Reference"),
            seed=2 * seed + repeat + 1,
            relax=1.0,
        )
        sample_biased(walker, SETTINGS, directory=directory, length=600.0, piece=600.0, engine="openmm")
        estimates.append(estimate_binding(read_biased([directory], SETTINGS), REGIONS, repeat=repeat))
    binding = combine_repeats(estimates, ligand="x", temperature=T)
    prediction = predict(binding, budget(binding))
    low, high = prediction.interval(0.95)
    return prediction, judge(estimates, temperature=T, half_width_kcal_mol=(high - low) / 2)


@pytest.fixture(scope="module")
def calculations(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Prediction, Judgement]]:
    root = tmp_path_factory.mktemp("coverage")
    return [calculate(seed, root) for seed in range(SEEDS)]


def test_intervals_hold_at_least_as_often_as_they_say(calculations: list[tuple[Prediction, Judgement]]) -> None:
    """Within three sigmas of 50 seeds. The default prior is cautious, so inner levels may hold more often."""
    for level in LEVELS:
        inside = [low <= EXACT <= high for low, high in (p.interval(level) for p, _ in calculations)]
        assert np.mean(inside) > level - 3 * np.sqrt(level * (1 - level) / SEEDS), level


def test_they_are_not_wider_than_the_caution_costs(calculations: list[tuple[Prediction, Judgement]]) -> None:
    """z^2 is 1 if errors are right, and 0.6 for the default prior of 4 degrees with exact block errors."""
    z = [(p.location_kcal_mol - EXACT) / p.standard_error_kcal_mol for p, _ in calculations]
    assert 0.3 < np.mean(np.square(z)) < 1.4
    assert abs(np.mean(z)) < 3 / np.sqrt(SEEDS)


def test_most_calculations_pass_the_gates(calculations: list[tuple[Prediction, Judgement]]) -> None:
    """Agreement is asked for at 95 %, and the value was sampled well: some 50 round trips in each repeat."""
    passed = [judgement.converged for _, judgement in calculations]
    assert np.mean(passed) > 0.8
    assert (
        np.mean([low <= EXACT <= high for (p, j) in calculations if j.converged for low, high in [p.interval(0.95)]])
        > 0.85
    )
