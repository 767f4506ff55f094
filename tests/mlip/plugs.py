"""Potentials for tests, without a network; they pickle, and a test may spoil them."""

from __future__ import annotations

from typing import Any

import numpy as np


class Springs:
    """A committee: every atom is tied to every other by a spring (no bonds, no network)."""

    name = "springs"

    def __init__(self, stiffness: tuple[float, ...] = (300.0,), *, base: float = -3e5) -> None:
        self.stiffness = np.array(stiffness)
        self.base = base
        self.calls = 0

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(f"springs-{index}" for index in range(len(self.stiffness)))

    def subset(self, members: Any) -> Springs:
        return Springs(tuple(self.stiffness[list(members)]), base=self.base)

    def energies(self, positions_nm: Any) -> np.ndarray:
        x = np.asarray(positions_nm)
        squares = ((x[:, :, None] - x[:, None]) ** 2).sum(axis=(1, 2, 3))
        return self.stiffness[:, None] / 4 * squares + self.base

    def mean_energy_and_forces(self, positions_nm: Any) -> tuple[float, np.ndarray]:
        self.calls += 1
        x = np.asarray(positions_nm)
        forces = -self.stiffness.mean() * (x[:, None] - x[None]).sum(axis=1)
        return float(self.energies(x[None]).mean()), forces


LENGTHS_NM = {(1, 1): 0.178, (1, 6): 0.109, (1, 8): 0.096, (6, 6): 0.153, (6, 8): 0.142, (8, 8): 0.28}


class Morse:
    """A committee: Morse wells between all pairs, by element, deeper from member to member, plus a constant."""

    name = "morse"

    def __init__(self, numbers: tuple[int, ...], *, depths: tuple[float, ...] = (380.0, 400.0, 440.0)) -> None:
        self.numbers = numbers
        self.depths = depths
        self.charge = 0
        self.base = -3.0e5
        self._at = np.triu_indices(len(numbers), 1)
        pairs = [tuple(sorted((numbers[i], numbers[j]))) for i, j in zip(*self._at, strict=True)]
        self._lengths = np.array([LENGTHS_NM[pair] for pair in pairs])

    def __reduce__(self) -> Any:
        return type(self), (self.numbers,), {"depths": self.depths, "charge": self.charge, "base": self.base}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    @property
    def members(self) -> tuple[str, ...]:
        return tuple(f"morse-{depth}" for depth in self.depths)

    def subset(self, members: Any) -> Morse:
        return type(self)(self.numbers, depths=tuple(self.depths[member] for member in members))

    def energies(self, positions_nm: Any) -> np.ndarray:
        shapes = np.array([self._shape(frame)[0] for frame in np.asarray(positions_nm)])
        return np.array(self.depths)[:, None] * shapes + self.base

    def mean_energy_and_forces(self, positions_nm: Any) -> tuple[float, np.ndarray]:
        shape, forces = self._shape(np.asarray(positions_nm))
        depth = float(np.mean(self.depths))
        return depth * shape + self.base, depth * forces

    def _shape(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        i, j = self._at
        steps = x[i] - x[j]
        distances = np.linalg.norm(steps, axis=1)
        decay = np.exp(-18.5 * (distances - self._lengths))
        slopes = 2 * 18.5 * (1 - decay) * decay
        forces = np.zeros_like(x)
        pulls = (slopes / distances)[:, None] * steps
        np.add.at(forces, i, -pulls)
        np.add.at(forces, j, pulls)
        return float(((1 - decay) ** 2).sum()), forces
