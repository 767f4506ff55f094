"""Synthetic cases for the committee's gates: 50 bad, 50 good, and 20 with a hidden mode apart.

Written, with their seeds, before the gates that they judge. A case holds what a run leaves behind: reduced
differences h = u_member - u_mean on frames that the mean drove, in two environments, and on frames that each
member drove itself, which only the route from both ends sees. Laws of h have exact free energies,
-ln <exp(-h)>, and exact laws on the member's own frames (density times exp(-h)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from scipy import signal, stats

Kind = Literal["good", "bad", "hidden"]
Floats = np.ndarray


class Law(Protocol):
    """A distribution of h on frames that the mean drove."""

    def draw(self, rng: np.random.Generator, n: int, memory: float) -> Floats:
        """Values in time order; successive ones have correlation ``memory`` before the law's shape is put on."""

    def free_energy(self) -> float:
        """-ln <exp(-h)> [kT]."""

    def tilted(self) -> Law:
        """The law of h on the member's own frames."""


def correlated_normals(rng: np.random.Generator, n: int, memory: float) -> Floats:
    """A stationary AR(1) series of variance 1."""
    noise = rng.normal(size=n) * np.sqrt(1 - memory**2)
    noise[0] = rng.normal()
    return np.asarray(signal.lfilter([1.0], [1.0, -memory], noise))


@dataclass(frozen=True)
class Normal:
    mean: float
    sd: float

    def draw(self, rng: np.random.Generator, n: int, memory: float) -> Floats:
        return self.mean + self.sd * correlated_normals(rng, n, memory)

    def free_energy(self) -> float:
        return self.mean - self.sd**2 / 2

    def tilted(self) -> Normal:
        return Normal(self.mean - self.sd**2, self.sd)


@dataclass(frozen=True)
class Gamma:
    """h = mean + sign (G - shape scale): a harmonic committee whose members differ in stiffness."""

    mean: float
    shape: float
    scale: float
    sign: int

    def draw(self, rng: np.random.Generator, n: int, memory: float) -> Floats:
        uniform = stats.norm.cdf(correlated_normals(rng, n, memory))
        value = stats.gamma.ppf(uniform, self.shape, scale=self.scale)
        return np.asarray(self.mean + self.sign * (value - self.shape * self.scale))

    def free_energy(self) -> float:
        start = self.mean - self.sign * self.shape * self.scale
        return start + self.shape * float(np.log1p(self.sign * self.scale))

    def tilted(self) -> Gamma:
        scale = self.scale / (1 + self.sign * self.scale)
        start = self.mean - self.sign * self.shape * self.scale
        return Gamma(start + self.sign * self.shape * scale, self.shape, scale, self.sign)


@dataclass(frozen=True)
class Modes:
    """A share of the frames lies in a second mode, whose h is another law's."""

    share: float
    first: Normal
    second: Normal

    def draw(self, rng: np.random.Generator, n: int, memory: float) -> Floats:
        inside = correlated_normals(rng, n, memory) < stats.norm.ppf(self.share)
        return np.where(inside, self.second.draw(rng, n, 0.0), self.first.draw(rng, n, 0.0))

    def free_energy(self) -> float:
        first, second = self.first.free_energy(), self.second.free_energy()
        return float(-np.log((1 - self.share) * np.exp(-first) + self.share * np.exp(-second)))

    def tilted(self) -> Modes:
        share = self.share * np.exp(-self.second.free_energy() + self.free_energy())
        return Modes(float(share), self.first.tilted(), self.second.tilted())


@dataclass(frozen=True, kw_only=True)
class Ends:
    """One environment's frames and exact answers."""

    at_mean: Floats
    """h of each member on the frames that the mean drove [kT], (M, N)."""
    at_member: Floats
    """h_m on frames that member m drove [kT], (M, N); no other route may look at it."""
    exact: Floats
    """f of the member less f of the mean [kT], (M,)."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What one run leaves behind."""

    name: str
    kind: Kind
    bound: Ends
    free: Ends

    @property
    def exact(self) -> Floats:
        """delta_g of the member less delta_g of the mean [kT], (M,)."""
        return self.bound.exact - self.free.exact


def _ends(laws: list[Law], rng: np.random.Generator, n: int, memory: float, drift: float = 0.0) -> Ends:
    """Frames of all members; ``drift`` [kT] is how far h starts from equilibrium, gone after a third of them."""
    relaxing = drift * np.exp(-np.arange(n) / (0.3 * n))
    return Ends(
        at_mean=np.array([law.draw(rng, n, memory) for law in laws]) + relaxing,
        at_member=np.array([law.tilted().draw(rng, n, memory) for law in laws]) + relaxing,
        exact=np.array([law.free_energy() for law in laws]),
    )


Draw = Callable[[np.random.Generator], tuple[Ends, Ends]]


def _alike(
    rng: np.random.Generator,
    law: Callable[[], Law],
    *,
    n: int,
    memory: float = 0.0,
    members: int = 4,
    drift: float = 0.0,
    free: Callable[[], Law] | None = None,
) -> tuple[Ends, Ends]:
    """Both environments; members' laws are drawn one by one."""
    laws = [law() for _ in range(members)]
    others = [(free or law)() for _ in range(members)]
    return _ends(laws, rng, n, memory, drift), _ends(others, rng, n, memory)


def _wide(rng: np.random.Generator) -> tuple[Ends, Ends]:
    return _alike(rng, lambda: Normal(rng.normal(), rng.uniform(2, 3)), n=int(rng.integers(300, 1000)))


def _very_wide(rng: np.random.Generator) -> tuple[Ends, Ends]:
    return _alike(rng, lambda: Normal(rng.normal(), rng.uniform(3, 5)), n=500, members=8)


def _heavy_tail(rng: np.random.Generator) -> tuple[Ends, Ends]:
    n = int(rng.integers(300, 1000))
    return _alike(rng, lambda: Gamma(rng.normal(), rng.uniform(1, 3), rng.uniform(0.55, 0.85), -1), n=n)


def _skewed(rng: np.random.Generator) -> tuple[Ends, Ends]:
    return _alike(rng, lambda: Gamma(rng.normal(), rng.uniform(4, 10), rng.uniform(0.3, 0.5), -1), n=400)


def _few_independent(rng: np.random.Generator) -> tuple[Ends, Ends]:
    return _alike(rng, lambda: Normal(rng.normal(), rng.uniform(1.2, 2)), n=300, memory=rng.uniform(0.97, 0.99))


def _second_mode(rng: np.random.Generator) -> tuple[Ends, Ends]:
    def law() -> Law:
        return Modes(rng.uniform(0.02, 0.08), Normal(0, 0.5), Normal(rng.uniform(-5, -3), 0.5))

    return _alike(rng, law, n=int(rng.integers(300, 600)), memory=rng.uniform(0.9, 0.95))


def _rare_mode(rng: np.random.Generator) -> tuple[Ends, Ends]:
    def law() -> Law:
        return Modes(rng.uniform(0.005, 0.01), Normal(0, 0.5), Normal(rng.uniform(-7, -6), 0.5))

    return _alike(rng, law, n=400, free=lambda: Normal(0, 0.5))


def _few_frames(rng: np.random.Generator) -> tuple[Ends, Ends]:
    return _alike(rng, lambda: Normal(rng.normal(), rng.uniform(1.2, 1.8)), n=int(rng.integers(20, 40)))


def _drifting(rng: np.random.Generator) -> tuple[Ends, Ends]:
    drift = rng.uniform(3, 5)
    return _alike(rng, lambda: Normal(rng.normal(), rng.uniform(0.4, 0.8)), n=500, memory=0.5, drift=drift)


def _one_far_member(rng: np.random.Generator) -> tuple[Ends, Ends]:
    widths = iter([0.5] * 7 + [rng.uniform(2.5, 3.5)] + [0.5] * 7 + [rng.uniform(2.5, 3.5)])
    return _alike(rng, lambda: Normal(rng.normal(), next(widths)), n=500, members=8)


def _hidden(rng: np.random.Generator) -> tuple[Ends, Ends]:
    def law() -> Law:
        return Modes(rng.uniform(2e-4, 1e-3), Normal(0, 0.5), Normal(rng.uniform(-10, -8), 0.5))

    return _alike(rng, law, n=int(rng.integers(300, 1000)), free=lambda: Normal(0, 0.5))


def _narrow(rng: np.random.Generator) -> tuple[Ends, Ends]:
    return _alike(rng, lambda: Normal(rng.normal(), rng.uniform(0.1, 0.4)), n=int(rng.integers(200, 1000)), members=8)


def _middle(rng: np.random.Generator) -> tuple[Ends, Ends]:
    return _alike(rng, lambda: Normal(rng.normal(), rng.uniform(0.5, 0.8)), n=int(rng.integers(300, 1000)))


def _one_kt(rng: np.random.Generator) -> tuple[Ends, Ends]:
    return _alike(rng, lambda: Normal(rng.normal(), rng.uniform(0.9, 1.2)), n=int(rng.integers(1000, 3000)))


def _many_frames(rng: np.random.Generator) -> tuple[Ends, Ends]:
    return _alike(rng, lambda: Normal(rng.normal(), rng.uniform(1.2, 1.4)), n=int(rng.integers(3000, 5000)))


def _offsets(rng: np.random.Generator) -> tuple[Ends, Ends]:
    constants = rng.normal(scale=50.0, size=4)
    first, second = iter(constants), iter(constants)
    return _alike(rng, lambda: Normal(next(first), 0.5), n=500, free=lambda: Normal(next(second), 0.5))


def _slightly_skewed(rng: np.random.Generator) -> tuple[Ends, Ends]:
    return _alike(rng, lambda: Gamma(rng.normal(), rng.uniform(20, 40), rng.uniform(0.08, 0.12), -1), n=600)


def _short_tail(rng: np.random.Generator) -> tuple[Ends, Ends]:
    return _alike(rng, lambda: Gamma(rng.normal(), rng.uniform(2, 4), rng.uniform(0.3, 0.5), 1), n=800)


def _some_memory(rng: np.random.Generator) -> tuple[Ends, Ends]:
    return _alike(rng, lambda: Normal(rng.normal(), rng.uniform(0.6, 0.9)), n=2000, memory=rng.uniform(0.5, 0.7))


def _two_seen_modes(rng: np.random.Generator) -> tuple[Ends, Ends]:
    def law() -> Law:
        return Modes(rng.uniform(0.3, 0.5), Normal(0, 0.4), Normal(rng.uniform(-1, -0.5), 0.4))

    return _alike(rng, law, n=1000, memory=0.5)


def _unlike_environments(rng: np.random.Generator) -> tuple[Ends, Ends]:
    return _alike(rng, lambda: Normal(rng.normal(), rng.uniform(0.8, 1.0)), n=1000, free=lambda: Normal(0, 0.3))


FAMILIES: dict[Kind, dict[str, Draw]] = {
    "bad": {
        "wide": _wide,
        "very wide": _very_wide,
        "heavy tail": _heavy_tail,
        "skewed": _skewed,
        "few independent frames": _few_independent,
        "second mode": _second_mode,
        "rare mode": _rare_mode,
        "few frames": _few_frames,
        "drifting": _drifting,
        "one far member": _one_far_member,
    },
    "good": {
        "narrow": _narrow,
        "middle": _middle,
        "one kT": _one_kt,
        "many frames": _many_frames,
        "large offsets": _offsets,
        "slightly skewed": _slightly_skewed,
        "short tail": _short_tail,
        "some memory": _some_memory,
        "two seen modes": _two_seen_modes,
        "unlike environments": _unlike_environments,
    },
    "hidden": {"hidden mode": _hidden},
}


def make_cases(kind: Kind, *, seed: int = 2026) -> list[Case]:
    """All cases of a kind: 5 of each family, 20 of the hidden one; another seed gives others of the same laws."""
    cases = []
    number = {"bad": 0, "good": 1, "hidden": 2}[kind]
    for index, (name, draw) in enumerate(FAMILIES[kind].items()):
        for repeat in range(20 if kind == "hidden" else 5):
            bound, free = draw(np.random.default_rng([seed, number, index, repeat]))
            cases.append(Case(name=f"{name} {repeat}", kind=kind, bound=bound, free=free))
    return cases
