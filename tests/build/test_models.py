"""Model complexes: their exact answers against another integration, and what their page says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import openmm as mm
import pytest

from bindfe.build.models import GaussianPocket, Model, MorseDimer, model_delta_g, model_system

T = 300.0
MODELS: dict[str, tuple[Model, float]] = {
    "pocket": (GaussianPocket(), 0.5),
    "strong pocket": (GaussianPocket(depth=45.0), 0.5),
    "Morse dimer": (MorseDimer(), 0.6),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_page_says_what_a_trapezoid_gives(name: str, root: Path) -> None:
    model, radius = MODELS[name]
    r, kt = np.linspace(0, radius, 100_001), 8.31446261815324e-3 * T
    u = np.array([model.energy(x) for x in r])
    trapezoid = -kt / 4.184 * np.log(np.trapezoid(4 * np.pi * r**2 * np.exp(-u / kt), r) * 0.602214076)
    assert model_delta_g(model, bound_radius=radius, temperature=T) == pytest.approx(trapezoid, abs=1e-6)
    page = (root / "systems" / "pocket" / "README.md").read_text(encoding="utf-8")
    (stated,) = re.findall(rf"^\| {name} \|.*\| (-[\d.]+) \|$", page, flags=re.MULTILINE)
    assert float(stated) == pytest.approx(trapezoid, abs=6e-4)


@pytest.mark.parametrize("name", MODELS)
def test_openmm_and_numpy_have_the_same_energy(name: str) -> None:
    model, _ = MODELS[name]
    context = mm.Context(model_system(model), mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    for r in (0.2, 0.31, 0.5):
        context.setPositions([[0, 0, 0], [0, r, 0]])
        energy = context.getState(energy=True).getPotentialEnergy()._value
        assert energy == pytest.approx(model.energy(r), rel=1e-9)
