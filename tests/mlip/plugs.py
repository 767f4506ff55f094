"""Potentials for tests: springs between atoms, with as many members as a test wants; they pickle."""

from __future__ import annotations

from typing import Any

import numpy as np


class Springs:
    """A committee: every atom is tied to every other by a spring (no bonds, no network)."""

    name = "springs"

    def __init__(self, stiffness: tuple[float, ...] = (300.0,), *, base: float = -3e5, calls: list[int] | None = None):
        self.stiffness = np.array(stiffness)
        self.base = base
        self.calls = [] if calls is None else calls

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(f"springs-{index}" for index in range(len(self.stiffness)))

    def subset(self, members: Any) -> Springs:
        return Springs(tuple(self.stiffness[list(members)]), base=self.base)

    def energies(self, positions_nm: Any) -> np.ndarray:
        x = np.asarray(positions_nm)
        squares = ((x[:, :, None] - x[:, None]) ** 2).sum(axis=(1, 2, 3))
        return self.stiffness[:, None] / 4 * squares + self.base

    def energies_and_forces(self, positions_nm: Any) -> tuple[np.ndarray, np.ndarray]:
        x = np.asarray(positions_nm)
        unit_forces = -(x[:, None] - x[None]).sum(axis=1)
        return self.energies(x[None])[:, 0], self.stiffness[:, None, None] * unit_forces

    def mean_energy_and_forces(self, positions_nm: Any) -> tuple[float, np.ndarray]:
        self.calls.append(1)
        energies, forces = self.energies_and_forces(positions_nm)
        return float(energies.mean()), forces.mean(axis=0)
