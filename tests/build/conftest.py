"""CB7 with its guest B2, energies through an OpenMM Context, and a place for cached parameters."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openmm as mm
import pytest

from bindfe.chem.ligand import Ligand, read_ligands
from bindfe.chem.receptor import Receptor, read_receptor
from bindfe.protocol import Protocol, parse_protocol


@dataclass(frozen=True)
class Evaluation:
    energy: float  # kJ/mol
    forces: np.ndarray  # kJ/mol/nm, (N, 3)
    derivatives: Mapping[str, float]  # kJ/mol


Evaluate = Callable[..., Evaluation]


@pytest.fixture(scope="session", autouse=True)
def parameter_cache(root: Path) -> None:
    """Parameters are computed once for a checkout, outside the home directory."""
    os.environ.setdefault("BINDFE_CACHE", str(root / ".cache" / "bindfe"))


@pytest.fixture(scope="session")
def evaluate() -> Evaluate:
    def evaluate(
        system: mm.System,
        positions: np.ndarray,
        parameters: Mapping[str, float] | None = None,
        *,
        box: np.ndarray | None = None,
        platform: str = "Reference",
    ) -> Evaluation:
        context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName(platform))
        if box is not None:
            context.setPeriodicBoxVectors(*box)
        context.setPositions(positions)
        for name, value in (parameters or {}).items():
            context.setParameter(name, value)
        state = context.getState(energy=True, forces=True, parameterDerivatives=True)
        return Evaluation(
            energy=state.getPotentialEnergy()._value,
            forces=state.getForces(asNumpy=True)._value,
            derivatives=dict(state.getEnergyParameterDerivatives()),
        )

    return evaluate


@pytest.fixture(scope="session")
def host(root: Path) -> Receptor:
    return read_receptor(root / "systems" / "cb7" / "cb7.sdf")


@pytest.fixture(scope="session")
def guest(root: Path) -> Ligand:
    return read_ligands(root / "systems" / "cb7" / "b2.sdf")[0]


@pytest.fixture(scope="session")
def protocol() -> Callable[..., Protocol]:
    def make(text: str = "") -> Protocol:
        return parse_protocol("receptor: {file: host.sdf}\nligands: {file: guest.sdf}\n" + text)

    return make


@pytest.fixture(scope="session")
def shaken() -> Callable[..., np.ndarray]:
    """Coordinates after a short minimisation, each atom moved by a seeded Gaussian."""

    def shake(system: mm.System, positions: np.ndarray, *, seed: int, width: float = 0.005) -> np.ndarray:
        context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("CPU"))
        context.setPositions(positions)
        mm.LocalEnergyMinimizer.minimize(context, 10.0, 100)
        relaxed = context.getState(positions=True).getPositions(asNumpy=True)._value
        return relaxed + np.random.default_rng(seed).normal(scale=width, size=relaxed.shape)

    return shake
