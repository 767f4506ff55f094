"""The room that restraints leave in bulk, and a funnel on both sides of a pocket whose answer is exact."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import openmm as mm
import pytest

from bindfe.build.models import GaussianPocket, model_delta_g
from bindfe.errors import RestraintError
from bindfe.estimate.regions import estimate_binding
from bindfe.estimate.volume import binding_regions
from bindfe.protocol import ComputeSettings
from bindfe.sample.biasedfiles import read_biased
from bindfe.sample.metadynamics import Walker, sample_biased
from bindfe.sample.plumedwords import BiasSettings
from bindfe.variables import Alignment, AxisPosition, BiasedVariable, Distance, Funnel, Torsion

T = 300.0
KT = 8.31446261815324e-3 * T
Z = AxisPosition(name="z", top=(0,), bottom=(1,), ligand=(2,))
FUNNEL = Funnel(position=Z, radius=0.1, cone_until=0.5, slope=0.6, low=-0.95, high=0.95, spring=3000.0, both_sides=True)
ALONG = BiasedVariable(variable=Z, low=-1.0, high=1.0, width=0.05)
SIDES = [(0.6, 0.9), (-0.9, -0.6)]


def test_bulk_in_a_funnel_is_a_soft_cylinder_by_monte_carlo() -> None:
    rng = np.random.default_rng(0)
    rho2 = np.sum(rng.uniform(-0.25, 0.25, (400_000, 2)) ** 2, axis=1)
    area = 0.25 * np.mean(np.exp(-1500 * np.maximum(0, np.sqrt(rho2) - 0.1) ** 2 / KT))
    regions = binding_regions(ALONG, [FUNNEL], bound=(-0.5, 0.5), unbound=SIDES, temperature=T)
    assert regions.volumes_nm3 == pytest.approx([0.3 * area] * 2, rel=0.01)
    assert [region.name for region in regions.unbound] == ["bulk 1", "bulk 2"]


def test_aligned_axes_leave_less_room() -> None:
    spring = Alignment(receptor_ends=((0,), (1,)), ligand_ends=((2,), (3,)), spring=40.0)
    volumes = [
        binding_regions(ALONG, holds, bound=(-0.5, 0.5), unbound=SIDES, temperature=T).volumes_nm3[0]
        for holds in ([FUNNEL], [FUNNEL, spring])
    ]
    cosine = np.random.default_rng(1).uniform(-1, 1, 400_000)
    assert volumes[1] / volumes[0] == pytest.approx(np.mean(np.exp(-40.0 * (1 - cosine**2) / KT)), rel=0.02)


@pytest.mark.parametrize(
    ("variable", "holds", "unbound", "words"),
    [
        (ALONG, [FUNNEL], [(0.4, 0.9)], "overlaps the site"),
        (ALONG, [FUNNEL], [(0.9, 0.6)], "is empty"),
        (ALONG, [FUNNEL], [(0.6, 1.2)], "leaves the funnel's cylinder"),
        (ALONG, [replace(FUNNEL, cone_until=0.7)], [(0.6, 0.9)], "leaves the funnel's cylinder"),
        (ALONG, [], [(0.6, 0.9)], "needs one funnel"),
        (
            replace(ALONG, variable=Distance(name="r", first=(0,), second=(1,))),
            [FUNNEL],
            [(0.6, 0.9)],
            "not a whole shell",
        ),
        (replace(ALONG, variable=Torsion(name="t", atoms=(0, 1, 2, 3))), [], [(0.6, 0.9)], "is an angle"),
    ],
)
def test_bulk_that_has_no_volume_is_refused(
    variable: BiasedVariable, holds: list[Funnel], unbound: list[tuple[float, float]], words: str
) -> None:
    with pytest.raises(RestraintError, match=words):
        binding_regions(variable, holds, bound=(-0.5, 0.5), unbound=unbound, temperature=T)


def test_a_pocket_in_a_funnel_with_two_sides_has_its_exact_delta_g(tmp_path: Path) -> None:
    """Metadynamics along the axis of two fixed particles, about a Gaussian well between them."""
    pocket, well = GaussianPocket(depth=32.0), mm.CustomExternalForce("-32*exp(-(x^2+y^2+z^2)/0.0288)")
    well.addParticle(2)
    system = mm.System()
    for mass in (0.0, 0.0, 12.0):
        system.addParticle(mass)
    system.addForce(well)
    walker = Walker(
        system=system,
        positions=np.array([[0, 0, 0.2], [0, 0, -0.2], [0.02, 0, 0.01]]),
        box=None,
        time_step=0.02,
        friction=2.0,
        compute=ComputeSettings(platform="Reference"),
        seed=5,
        relax=1.0,
    )
    settings = BiasSettings(
        variables=(ALONG,),
        holds=(FUNNEL,),
        temperature=T,
        height=0.5,
        bias_factor=8.0,
        pace=100,
        sample_every=20,
    )
    sample_biased(walker, settings, directory=tmp_path, length=1500.0, piece=1500.0, engine="openmm")
    regions = binding_regions(ALONG, [FUNNEL], bound=(-0.45, 0.45), unbound=SIDES, temperature=T)
    found = estimate_binding(read_biased([tmp_path], settings), regions, repeat=0)
    exact = model_delta_g(pocket, bound_radius=0.45, temperature=T)
    assert found.round_trips >= 10
    assert found.bootstrap_error_kcal_mol < 0.35
    assert math.isclose(found.delta_g_kcal_mol, exact, abs_tol=3 * found.bootstrap_error_kcal_mol)
    assert abs(np.diff(found.sides_kcal_mol)[0]) < 3 * np.hypot(*found.side_errors_kcal_mol)
