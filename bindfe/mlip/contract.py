"""What a committee must keep to before it may drive anything: one public check, and the measures it is made of.

Every check compares the committee with its own energies, so that no reference is needed: forces with
differences of energies, energies with those of a turned, shifted or renumbered molecule, the mean with the
members. It takes some hundred energies of one small molecule.
"""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bindfe.errors import InputError
from bindfe.mlip.committee import Committee, DescribesAtoms, DividesCommittee

Floats = NDArray[np.float64]
Energies = Callable[[Floats], Floats]
"""Energies [kJ/mol], (K,), of geometries (K, N, 3) [nm]."""

STEP_NM = 1e-3
"""Displacement of finite differences along a direction of unit length in 3N dimensions [nm]."""
FORCE_TOLERANCE = 1e-3
"""Difference of a force from the gradient, in units of the size of a force component."""
ENERGY_TOLERANCE_KJ_MOL = 1e-3
"""Difference of energies that symmetry says are equal [kJ/mol]."""
RESOLUTION_KJ_MOL = 0.002
"""Roughness of an energy along a smooth path [kJ/mol]; total energies in single precision have 0.005 to
0.05, a network in single precision with sums in double 0.0003."""
HANDLE_BYTES = 50_000
"""Size of a pickled committee; it rides in the XML of every System."""
STIFFEST_BOND_KJ_MOL_NM2 = (2e5, 3e6)
"""Force constant of a molecule's stiffest bond [kJ/mol/nm^2]: C-H has 2.8e5, C#N 1.1e6. kcal/mol, eV and
Hartree taken for kJ/mol, or Angstrom for nm, fall outside."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One claim about a committee, and what was found."""

    name: str
    """The claim."""
    found: float
    """What was measured."""
    limits: tuple[float, float]
    """Smallest and largest value that passes."""
    unit: str
    """Unit of both."""
    remark: str = ""
    """What a failure most likely means."""

    @property
    def passed(self) -> bool:
        """Whether the claim holds; a number that is not finite never does."""
        return bool(self.limits[0] <= self.found <= self.limits[1])

    def __str__(self) -> str:
        """One line."""
        low, high = self.limits
        wanted = f"at most {high:g}" if low == 0.0 else f"{low:g} to {high:g}"
        text = f"{'ok    ' if self.passed else 'FAILED'} {self.name}: {self.found:.3g} {self.unit}".rstrip()
        text += f" ({wanted})"
        return text if self.passed or not self.remark else f"{text}; {self.remark}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ContractReport:
    """What :func:`check_potential` found."""

    model: str
    """Name of the committee."""
    checks: tuple[Check, ...]
    """Every claim that was tested."""

    @property
    def passed(self) -> bool:
        """Whether all claims hold."""
        return all(check.passed for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The claims that do not hold."""
        return tuple(check for check in self.checks if not check.passed)

    def __str__(self) -> str:
        """One line for each claim."""
        return "\n".join([self.model, *map(str, self.checks)])

    def require(self) -> None:
        """Refuse a committee that broke the contract.

        Raises:
            InputError: The message lists what does not hold.
        """
        if not self.passed:
            lines = "; ".join(str(check).removeprefix("FAILED ") for check in self.failures)
            raise InputError(f"{self.model} does not keep the contract of a potential: {lines}")


def check_potential(
    committee: Committee, positions_nm: ArrayLike, *, numbers: Sequence[int], seed: int = 0
) -> ContractReport:
    """Run a committee, ours or anybody's, through the contract that sampling relies on.

    Args:
        committee: The potential, for the molecule below.
        positions_nm: A geometry near a minimum [nm], (N, 3), at least two atoms.
        numbers: Atomic number of each atom, (N,).
        seed: Of the directions, rotations and displacements that are drawn.

    Returns:
        Every claim with what was found; ``report.require()`` raises if one does not hold.

    Raises:
        InputError: The geometry does not have the shape of the molecule.
    """
    positions = np.array(positions_nm, dtype=float)
    if positions.shape != (len(numbers), 3) or len(numbers) < 2:
        raise InputError(f"positions of shape ({len(numbers)}, 3), two atoms or more, are needed: {positions.shape}")
    shapes = _check_shapes(committee, positions)
    if not all(check.passed for check in shapes):
        return ContractReport(model=committee.name, checks=shapes)
    rng = np.random.default_rng(seed)
    checks = [*shapes, *_check_members(committee, positions, rng), *_check_forces(committee, positions, rng)]
    checks += _check_symmetry(committee, positions, numbers, rng)
    checks += [_check_units(committee, positions), *_check_handle(committee, positions)]
    if isinstance(committee, DescribesAtoms):
        checks.append(_check_atoms(committee.energies, committee.atomic_energies, positions, rng))
    return ContractReport(model=committee.name, checks=tuple(checks))


# Measures


def force_error(
    energies: Energies, forces: Floats, positions_nm: Floats, *, rng: np.random.Generator, n_directions: int = 8
) -> tuple[float, float]:
    """How far forces are from minus the gradient of the energy, along random directions of all atoms.

    Each derivative takes four energies, so its error is of fourth order in the step::

        dE/dh = [ 8 (E(h) - E(-h)) - (E(2h) - E(-2h)) ] / 12 h

    One wrong atom, sign or factor shows in nearly every direction, at 4 energies each instead of 6N.

    Args:
        energies: Energy of geometries.
        forces: The forces in question [kJ/mol/nm], (N, 3).
        positions_nm: Where [nm], (N, 3).
        rng: Draws the directions.
        n_directions: How many.

    Returns:
        The largest difference in units of the root mean square force component, and the factor between
        forces and minus the gradient (1 if they agree, 0.1 if Angstrom were taken for nm).
    """
    directions = rng.normal(size=(n_directions, *positions_nm.shape))
    directions /= np.linalg.norm(directions, axis=(1, 2), keepdims=True)
    steps = STEP_NM * np.array([-2.0, -1.0, 1.0, 2.0])
    moved = positions_nm + steps[None, :, None, None] * directions[:, None]
    found = np.asarray(energies(moved.reshape(-1, *positions_nm.shape))).reshape(n_directions, 4)
    gradients = (found - found.mean(axis=1, keepdims=True)) @ np.array([1.0, -8.0, 8.0, -1.0]) / (12.0 * STEP_NM)
    along = np.einsum("kij,ij->k", directions, forces)
    size = max(float(np.sqrt(np.mean(gradients**2))), float(np.sqrt(np.mean(forces**2))), 1e-12)
    factor = float(-(along @ gradients) / max(float(gradients @ gradients), 1e-30))
    return float(np.abs(along + gradients).max() / size), factor


def energy_resolution(energies: Energies, positions_nm: Floats, *, direction: Floats) -> float:
    """Roughness of the energy along a straight path of 0.002 nm [kJ/mol]: rms about a fit of fourth order.

    Args:
        energies: Energy of geometries.
        positions_nm: Middle of the path [nm], (N, 3).
        direction: The path's direction, (N, 3): the force's, so that the energy changes.
    """
    where = np.linspace(-1.0, 1.0, 24)
    unit = direction / max(float(np.linalg.norm(direction)), 1e-12)
    found = np.asarray(energies(positions_nm + 1e-3 * where[:, None, None] * unit), dtype=float)
    found = found - found.mean()
    fit = np.polynomial.polynomial.polyfit(where, found, 4)
    return float(np.sqrt(np.mean((found - np.polynomial.polynomial.polyval(where, fit)) ** 2)))


def random_rotation(rng: np.random.Generator) -> Floats:
    """A rotation matrix (3, 3), uniform over all rotations."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return np.asarray(q * np.linalg.det(q), dtype=float)


def swaps_of_equal_atoms(numbers: Sequence[int], *, most: int = 6) -> Iterator[NDArray[np.int64]]:
    """Orders of the atoms (N,) in which two of the same element have changed places."""
    pairs = ((i, j) for i, j in itertools.combinations(range(len(numbers)), 2) if numbers[i] == numbers[j])
    for i, j in itertools.islice(pairs, most):
        order = np.arange(len(numbers))
        order[[i, j]] = order[[j, i]]
        yield order


# Claims


def _mean(committee: Committee) -> Energies:
    return lambda frames: np.asarray(committee.energies(frames), dtype=float).mean(axis=0)


def _check_shapes(committee: Committee, positions: Floats) -> tuple[Check, ...]:
    frames = np.stack([positions, positions])
    energies = np.asarray(committee.energies(frames))
    energy, forces = committee.mean_energy_and_forces(positions)
    right = {
        "energies have the shape (members, frames)": energies.shape == (len(committee.members), 2),
        "forces have the shape (atoms, 3)": np.shape(forces) == positions.shape,
        "energies and forces are finite": bool(
            np.isfinite(energies).all() and np.isfinite(energy) and np.isfinite(np.asarray(forces)).all()
        ),
        "energies and forces are in double precision": energies.dtype == np.asarray(forces).dtype == np.float64,
    }
    return tuple(Check(name=name, found=float(holds), limits=(1.0, 1.0), unit="") for name, holds in right.items())


def _check_members(committee: Committee, positions: Floats, rng: np.random.Generator) -> list[Check]:
    frames = np.stack([positions, positions + rng.normal(scale=0.001, size=positions.shape), positions])
    energies = committee.energies(frames)
    alone = np.concatenate([committee.energies(frame[None]) for frame in frames], axis=1)
    first, second = committee.mean_energy_and_forces(positions), committee.mean_energy_and_forces(positions)
    checks = [
        _small("the same frame has the same energy twice", max(abs(energies[:, 0] - energies[:, 2]))),
        _small("frames do not know of each other", float(np.abs(energies - alone).max())),
        _small("the mean energy is the members' mean", abs(first[0] - energies[:, 0].mean())),
        _small("the same call gives the same energy", abs(first[0] - second[0])),
        _small("the same call gives the same forces", float(np.abs(first[1] - second[1]).max()), unit="kJ/mol/nm"),
    ]
    if isinstance(committee, DividesCommittee):
        last = len(committee.members) - 1
        part = committee.subset([last]).energies(frames)
        checks.append(_small("a member alone has the energy it has in the committee", abs(part[0] - energies[last])))
    return checks


def _check_forces(committee: Committee, positions: Floats, rng: np.random.Generator) -> list[Check]:
    where = positions + rng.normal(scale=0.003, size=positions.shape)
    _, forces = committee.mean_energy_and_forces(where)
    error, factor = force_error(_mean(committee), forces, where, rng=rng)
    roughness = energy_resolution(_mean(committee), where, direction=forces)
    return [
        Check(
            name="forces are minus the gradient of the mean energy",
            found=error,
            limits=(0.0, FORCE_TOLERANCE),
            unit="of a force component",
            remark=f"they are {factor:.3g} times it",
        ),
        Check(
            name="the energy is smooth",
            found=roughness,
            limits=(0.0, RESOLUTION_KJ_MOL),
            unit="kJ/mol",
            remark="large self energies in single precision do this",
        ),
        _small(
            "forces add up to nothing",
            float(np.abs(forces.sum(axis=0)).max() / (1.0 + np.abs(forces).max())),
            unit="(relative)",
        ),
    ]


def _check_symmetry(
    committee: Committee, positions: Floats, numbers: Sequence[int], rng: np.random.Generator
) -> list[Check]:
    where = positions + rng.normal(scale=0.003, size=positions.shape)
    energy, forces = committee.mean_energy_and_forces(where)
    turn, shift = random_rotation(rng), rng.normal(size=3)
    turned, turned_forces = committee.mean_energy_and_forces(where @ turn.T + shift)
    scale = 1.0 + float(np.abs(forces).max())
    checks = [
        _small("turning and shifting leave the energy as it is", abs(turned - energy)),
        _small(
            "turning turns the forces", float(np.abs(turned_forces - forces @ turn.T).max() / scale), unit="(relative)"
        ),
    ]
    swapped = [where[order] for order in swaps_of_equal_atoms(numbers)]
    if swapped:
        found = committee.energies(np.stack([where, *swapped]))
        worst = float(np.abs(found[:, 1:] - found[:, :1]).max())
        checks.append(_small("equal atoms that change places leave the energy as it is", worst))
    return checks


def _check_units(committee: Committee, positions: Floats) -> Check:
    """The stiffest of up to eight atoms, moved along the line to its neighbour, is a bond."""
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=2) + 1e3 * np.eye(len(positions))
    atoms = np.argsort(distances.min(axis=1))[:8]
    step = 5e-4
    moved = []
    for atom in atoms:
        away = positions[atom] - positions[distances[atom].argmin()]
        for sign in (1.0, -1.0):
            moved.append(positions.copy())
            moved[-1][atom] += sign * step * away / np.linalg.norm(away)
    found = _mean(committee)(np.stack([positions, *moved]))
    stiffest = float((found[1::2] + found[2::2] - 2.0 * found[0]).max() / step**2)
    return Check(
        name="the stiffest bond is one",
        found=stiffest,
        limits=STIFFEST_BOND_KJ_MOL_NM2,
        unit="kJ/mol/nm^2",
        remark="energies are due in kJ/mol, positions in nm",
    )


def _check_handle(committee: Committee, positions: Floats) -> list[Check]:
    try:
        content = pickle.dumps(committee)
        again = pickle.loads(content)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        return [
            Check(name="it pickles", found=0.0, limits=(1.0, 1.0), unit="", remark=f"{error}; classes of a module do")
        ]
    difference = np.abs(again.energies(positions[None]) - committee.energies(positions[None])).max()
    return [
        Check(
            name="it pickles as a handle",
            found=float(len(content)),
            limits=(0.0, HANDLE_BYTES),
            unit="bytes",
            remark="keep the name of the weights, not the weights",
        ),
        _small("opened again it has the same energies", float(difference)),
    ]


def _check_atoms(
    energies: Callable[[Floats], Floats],
    atomic_energies: Callable[[Floats], Floats],
    positions: Floats,
    rng: np.random.Generator,
) -> Check:
    frames = positions + rng.normal(scale=0.002, size=(3, *positions.shape))
    rest = energies(frames) - atomic_energies(frames).sum(axis=2)
    spread = float(np.abs(rest - rest[:, :1]).max())
    return _small("the atoms' parts add up to the energy, but for a constant", spread)


def _small(name: str, found: float | Floats, *, unit: str = "kJ/mol") -> Check:
    return Check(name=name, found=float(np.max(found)), limits=(0.0, ENERGY_TOLERANCE_KJ_MOL), unit=unit)
