"""Committees of harmonic potentials: sampled exactly, free energies in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

Floats = np.ndarray


@dataclass(frozen=True, kw_only=True)
class HarmonicCommittee:
    """u_m = sum_d k_md (x_d - a_md)^2 / 2 + c_m; the mean of such potentials is one more of them."""

    springs: Floats
    """k in units of kT over length squared, (M, D)."""
    centres: Floats
    """a, (M, D)."""
    constants: Floats
    """c [kT], (M,)."""

    @property
    def mean(self) -> HarmonicCommittee:
        """The mean of the members' energies, as a committee of one."""
        spring = self.springs.mean(axis=0)
        centre = (self.springs * self.centres).mean(axis=0) / spring
        bottom = 0.5 * np.sum((self.springs * self.centres**2).mean(axis=0) - spring * centre**2)
        return HarmonicCommittee(
            springs=spring[None], centres=centre[None], constants=np.array([self.constants.mean() + bottom])
        )

    def free_energies(self) -> Floats:
        """f of each member [kT], (M,), less the constant that all of this dimension share."""
        return np.asarray(self.constants + 0.5 * np.log(self.springs).sum(axis=1))

    def energies(self, x: Floats) -> Floats:
        """u of each member on frames (N, D) [kT], (M, N)."""
        shift = (x[None] - self.centres[:, None]) ** 2
        return np.asarray(0.5 * np.einsum("mnd,md->mn", shift, self.springs) + self.constants[:, None])

    def sample(self, member: int, n: int, rng: np.random.Generator) -> Floats:
        """Independent frames of one member, (n, D)."""
        return self.centres[member] + rng.normal(size=(n, self.springs.shape[1])) / np.sqrt(self.springs[member])

    def spread(self) -> Floats:
        """sd of u_m less u_mean on the mean's frames [kT], (M,), in closed form."""
        mean = self.mean
        square = (self.springs - mean.springs) / 2
        slope = mean.springs * mean.centres - self.springs * self.centres + 2 * square * mean.centres
        return np.sqrt(np.sum(2 * (square / mean.springs) ** 2 + slope**2 / mean.springs, axis=1))


def draw_committee(
    rng: np.random.Generator, *, members: int, amount: float, dimensions: int = 6, stiffness: float = 0.1
) -> HarmonicCommittee:
    """Members drawn from one distribution: springs and centres about common ones, and constants.

    Args:
        rng: Chance.
        members: How many.
        amount: sd of the centres, in units of the common well's width, and of the constants [kT].
        dimensions: Of the space.
        stiffness: sd of the springs' logarithm, for an amount of 1.
    """
    shape = (members, dimensions)
    return HarmonicCommittee(
        springs=np.exp(amount * stiffness * rng.normal(size=shape)),
        centres=amount * rng.normal(size=shape),
        constants=amount * rng.normal(size=members),
    )


def amount_of(width: float) -> float:
    """The amount for which members lie this far (root mean square sd) from the mean of very many [kT]."""

    def excess(amount: float) -> float:
        drawn = draw_committee(np.random.default_rng(0), members=400, amount=amount)
        return float(np.sqrt(np.mean(drawn.spread() ** 2)) - width)

    return float(brentq(excess, 1e-3, 20.0))


def fixed_committee(*, members: int, width: float, seed: int) -> HarmonicCommittee:
    """A committee each of whose members has exactly this sd from the mean [kT]."""
    drawn = draw_committee(np.random.default_rng(seed), members=members, amount=amount_of(width))
    springs, centres = np.log(drawn.springs), drawn.centres
    for _ in range(200):
        found = HarmonicCommittee(springs=np.exp(springs), centres=centres, constants=drawn.constants)
        factor = np.sqrt(width / found.spread())[:, None]
        springs, centres = springs * factor, centres * factor
    return found
