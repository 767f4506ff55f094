"""Windows from pulls, and umbrella sampling of a pocket whose answer is exact."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bindfe.build.models import GaussianPocket, model_delta_g, model_system
from bindfe.errors import EstimateError, RestraintError
from bindfe.estimate.judge import judge
from bindfe.estimate.surface import surface_from_samples
from bindfe.estimate.umbrella import (
    estimate_umbrella,
    hysteresis,
    judge_umbrella,
    place_windows,
    refine_windows,
    weigh_umbrella,
)
from bindfe.estimate.volume import binding_regions
from bindfe.protocol import ComputeSettings
from bindfe.results import PullingTrace, UmbrellaSamples, UmbrellaWindow
from bindfe.sample.metadynamics import Walker
from bindfe.sample.umbrella import UmbrellaSettings, read_pulls, read_umbrella, read_windows, sample_umbrella
from bindfe.store import read_arrays
from bindfe.variables import BiasedVariable, Distance, Sphere

T = 300.0
KT = 8.31446261815324e-3 * T
POCKET = GaussianPocket(depth=45.0, width=0.12)
R = Distance(name="r", first=(0,), second=(1,))
SETTINGS = UmbrellaSettings(
    variable=BiasedVariable(variable=R, low=0.05, high=0.85, width=0.05),
    holds=(Sphere(distance=R, radius=0.95, spring=5000.0),),
    temperature=T,
    spring=1000.0,
    pull_time=50.0,
)


def walker(seed: int) -> Walker:
    return Walker(
        system=model_system(POCKET),
        positions=np.array([[0.0, 0, 0], [0.1, 0, 0]]),
        box=None,
        time_step=0.01,
        friction=2.0,
        compute=ComputeSettings(platform="Reference"),
        seed=seed,
    )


def pull(free: np.ndarray, at: np.ndarray, *, spring: float) -> PullingTrace:
    """A pull that is in equilibrium everywhere: its extension is the slope of F over the spring."""
    return PullingTrace(centre=at + np.gradient(free, at) / spring, value=at, spring=spring)


def test_a_flat_surface_gets_evenly_spaced_soft_windows() -> None:
    at = np.linspace(0, 1, 400)
    windows = place_windows([pull(0 * at, at, spring=5000.0)], low=0.0, high=1.0, temperature=T, spring=1000.0)
    gaps = np.diff([w.centre for w in windows])
    assert {w.spring for w in windows} == {1000.0}
    assert gaps[:-1] == pytest.approx(1.6 * np.sqrt(KT / 1000.0), rel=1e-6)
    assert (windows[0].centre, windows[-1].centre) == (0.0, 1.0)


def test_a_barrier_gets_stiffer_and_denser_windows_at_its_top() -> None:
    """Every window keeps one minimum: spring plus curvature is positive where the windows stand."""
    at = np.linspace(0, 1, 2000)
    free = 40 * np.exp(-((at - 0.5) ** 2) / 0.02)
    windows = place_windows([pull(free, at, spring=9000.0)], low=0.0, high=1.0, temperature=T, spring=500.0)
    top = min(windows, key=lambda w: abs(w.centre - 0.5))
    assert top.spring > 2 * 40 * 2 / 0.02 * 0.7  # F'' = -4000 at the top, less what the bins smooth away
    for window in windows:
        bend = np.interp(window.centre, at, np.gradient(np.gradient(free, at), at))
        assert window.spring + bend > 0
    centres = np.array([w.centre for w in windows])
    assert np.diff(centres)[np.abs(centres[:-1] - 0.5) < 0.08].max() < np.diff(centres).max()


def test_a_pull_that_never_left_is_refused() -> None:
    stuck = PullingTrace(centre=np.linspace(0, 1, 100), value=np.full(100, 0.1), spring=10.0)
    with pytest.raises(EstimateError, match=r"saw values from 0\.1 to 0\.1 only"):
        place_windows([stuck], low=0.0, high=1.0, temperature=T, spring=1000.0)


def test_hysteresis_is_the_heat_of_both_pulls() -> None:
    at = np.linspace(0, 1, 500)
    out = PullingTrace(centre=at, value=at - 0.01, spring=1000.0)
    back = PullingTrace(centre=at[::-1], value=at[::-1] + 0.01, spring=1000.0)
    assert hysteresis(out, back) == pytest.approx(20.0)


def test_a_gap_in_what_windows_saw_gets_a_window() -> None:
    rng = np.random.default_rng(0)
    windows = [UmbrellaWindow(centre=c, spring=1000.0 * (i + 1)) for i, c in enumerate((0.0, 0.1, 0.5))]
    samples = UmbrellaSamples(
        name="r [nm]",
        centre=np.array([w.centre for w in windows]),
        spring=np.array([w.spring for w in windows]),
        period=None,
        value=np.array([rng.normal(w.centre, 0.05, 300) for w in windows]),
        hold=np.zeros((3, 300)),
        replica=np.repeat(np.arange(3)[:, None], 300, axis=1),
        cycle_ps=1.0,
        temperature=T,
        seed=0,
    )
    refined = refine_windows(windows, samples, minimum_overlap=0.1)
    assert [w.centre for w in refined] == pytest.approx([0.0, 0.1, 0.3, 0.5])
    assert refined[2].spring == 3000.0


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two repeats, one from the pull outwards and one from the pull inwards."""
    places = [tmp_path_factory.mktemp("umbrella") / way for way in ("out", "in")]
    for seed, place in enumerate(places):
        settings = replace(SETTINGS, start_from=place.name)
        sample_umbrella(walker(seed + 1), settings, directory=place, length=60.0)
    return places


def test_a_strong_pocket_is_exact_within_its_errors_from_both_directions(runs: list[Path]) -> None:
    regions = binding_regions(SETTINGS.variable, SETTINGS.holds, bound=(0.0, 0.5), unbound=[(0.6, 0.9)], temperature=T)
    exact = model_delta_g(POCKET, bound_radius=0.5, temperature=T)
    estimates, legs = [], []
    for repeat, place in enumerate(runs):
        samples = read_umbrella(walker(repeat + 1), SETTINGS, place)
        estimate, leg = estimate_umbrella(samples, regions, repeat=repeat, seed=repeat, n_bootstrap=100)
        assert estimate.bootstrap_error_kcal_mol < 0.4
        assert estimate.delta_g_kcal_mol == pytest.approx(exact, abs=3.5 * estimate.bootstrap_error_kcal_mol)
        estimates.append(estimate)
        legs.append(leg)
    judged = judge(estimates, temperature=T, half_width_kcal_mol=0.5)
    verdict = judge_umbrella(estimates, legs, judged)
    assert [gate.name for gate in verdict.gates] == ["overlap", "agreement", "drift"]
    assert verdict.converged, verdict.lines


def test_the_surface_of_the_windows_is_the_wells(runs: list[Path]) -> None:
    """F(r) = U(r) - 2 kT ln r, where it was sampled well."""
    samples = weigh_umbrella(read_umbrella(walker(1), SETTINGS, runs[0]))
    axis = np.linspace(0.08, 0.8, 25)
    surface = surface_from_samples(samples, [axis], periods=(None,), seed=1)
    exact = (np.array([POCKET.energy(r) for r in axis]) - 2 * KT * np.log(axis)) / 4.184
    assert surface.free_energy_kcal_mol - surface.free_energy_kcal_mol[12] == pytest.approx(exact - exact[12], abs=0.6)


def test_pulls_and_windows_are_kept_for_the_report(runs: list[Path]) -> None:
    out, back = read_pulls(SETTINGS, runs[0])
    assert out.centre[0] == back.centre[-1] == 0.05
    assert np.all(np.diff([w.centre for w in read_windows(runs[0])]) > 0)


def test_a_killed_run_goes_on_as_if_it_had_not_been(runs: list[Path], tmp_path: Path) -> None:
    """Killed between a chunk and its restart: the chunk is made again, the same."""
    for length in (20.0, 30.0):
        restart = (tmp_path / "restart.npz").read_bytes() if length == 30.0 else b""
        sample_umbrella(walker(1), replace(SETTINGS, start_from="out"), directory=tmp_path, length=length)
        if restart:
            (tmp_path / "restart.npz").write_bytes(restart)
    sample_umbrella(walker(1), replace(SETTINGS, start_from="out"), directory=tmp_path, length=60.0)
    chunks = sorted(path.name for path in tmp_path.glob("chunk-*.npz"))
    assert chunks == sorted(path.name for path in runs[0].glob("chunk-*.npz"))
    for name in chunks:
        mine, whole = read_arrays(tmp_path / name), read_arrays(runs[0] / name)
        assert all(np.array_equal(mine[key], whole[key]) for key in whole)


def test_a_region_that_no_window_reaches_is_named(runs: list[Path]) -> None:
    regions = binding_regions(
        SETTINGS.variable, SETTINGS.holds, bound=(0.0, 0.5), unbound=[(0.93, 0.95)], temperature=T
    )
    samples = read_umbrella(walker(1), SETTINGS, runs[0])
    short = replace(samples, value=np.minimum(samples.value, 0.9))
    with pytest.raises(EstimateError, match="no window reaches region 'bulk'"):
        estimate_umbrella(short, regions, repeat=0, seed=0)


def test_bulk_outside_of_the_sphere_is_refused() -> None:
    with pytest.raises(RestraintError, match="is not a whole shell"):
        binding_regions(SETTINGS.variable, SETTINGS.holds, bound=(0, 0.5), unbound=[(0.6, 0.99)], temperature=T)
