"""ANI committees compiled with numba: eight members at less than the cost of one through torchani.

Descriptions and their gradient are in double precision. Networks are in double precision on stored frames, and
in single precision where they drive dynamics: sums over the last layer and over atoms are in double, self
energies stay outside, and what is lost is below 1e-6 Hartree and 1e-6 Hartree/Angstrom (tested).
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bindfe.mlip.aev import Molecule, Terms, count_triples, describe, molecule, pull_back, workspace
from bindfe.mlip.ani_weights import AniNetworks, ElementLayers
from bindfe.mlip.layers import Activity, Layers, activity, energies, energies_and_slopes, layers

Floats = NDArray[np.float64]

_FRAMES_AT_ONCE = 8


class CompiledAni:
    """A committee's networks of one molecule; lengths in Angstrom, energies in Hartree without self energies."""

    def __init__(self, networks: AniNetworks) -> None:
        """Read the constants; weights are stacked when they are first needed.

        Atoms are sorted by element in here, so that those of one element are neighbouring rows.
        """
        self._networks = networks
        self._order = np.array([atom for layers in networks.of_elements for atom in layers.atoms])
        self._slices = _slices([len(layers.atoms) for layers in networks.of_elements])
        self._terms = _terms(networks.computer)
        elements = [element for element, atoms in enumerate(self._slices) for _ in range(atoms.start, atoms.stop)]
        self._molecule = molecule(elements, self._terms)
        self._work = workspace(len(elements), self._terms, n_triples=0)
        self._driver: _Driver | None = None

    def atomic_energies(self, frames: Floats) -> Floats:
        """Atoms' parts of the members' energies [Hartree], (M, F, N), on frames (F, N, 3) [Angstrom]."""
        out = np.empty((self._n_members, len(frames), len(self._order)))
        for first in range(0, len(frames), _FRAMES_AT_ONCE):
            last = min(first + _FRAMES_AT_ONCE, len(frames))
            described = self._describe_all(frames[first:last])
            for atoms, weights in zip(self._slices, self._double, strict=True):
                rows = np.ascontiguousarray(described[:, atoms]).reshape(-1, self._molecule.width)
                found = np.empty((len(rows), self._n_members))
                energies(rows, weights, activity(weights, rows=len(rows)), found)
                out[:, first:last, self._order[atoms]] = found.T.reshape(self._n_members, last - first, -1)
        return out

    def mean_energy_and_gradient(self, positions: Floats) -> tuple[float, Floats]:
        """Mean of the members' energies [Hartree] and its gradient [Hartree/Angstrom], (N, 3)."""
        if self._driver is None:
            self._driver = _Driver(self._all_layers(np.float32), self._slices, self._molecule)
        x = positions[self._order]
        driver = self._driver
        self._describe(x, driver.described)
        energy = driver.run()
        pull_back(x, self._molecule, self._terms, self._work, driver.slopes, driver.gradient)
        gradient = np.empty_like(x)
        gradient[self._order] = driver.gradient
        return energy, gradient

    def features(self, frames: Floats) -> Floats:
        """The atoms' descriptions, (F, N, D), on frames (F, N, 3) [Angstrom]."""
        out = np.empty((*frames.shape[:2], self._molecule.width))
        out[:, self._order] = self._describe_all(frames)
        return out

    @property
    def _n_members(self) -> int:
        return len(self._networks.of_elements[0].biases[0])

    @functools.cached_property
    def _double(self) -> list[Layers]:
        return self._all_layers(np.float64)

    def _all_layers(self, precision: DTypeLike) -> list[Layers]:
        return [_layers(of_element, precision) for of_element in self._networks.of_elements]

    def _describe(self, x: Floats, out: Floats) -> None:
        n_triples = count_triples(x, self._terms.angular_cutoff)
        if n_triples > len(self._work.triples):
            self._work = workspace(len(x), self._terms, n_triples=n_triples + n_triples // 4)
        describe(x, self._molecule, self._terms, self._work, out)

    def _describe_all(self, frames: Floats) -> Floats:
        out = np.empty((*frames.shape[:2], self._molecule.width))
        for frame, described in zip(frames, out, strict=True):
            self._describe(frame[self._order], described)
        return out


class _Driver:
    """The networks of the mean energy and its gradient, with room for one frame."""

    def __init__(self, all_layers: list[Layers], slices: list[slice], of: Molecule) -> None:
        n_atoms = len(of.elements)
        self.described = np.empty((n_atoms, of.width))
        self.slopes = np.empty((n_atoms, of.width))
        self.gradient = np.empty((n_atoms, 3))
        self._single = np.empty((n_atoms, of.width), dtype=np.float32)
        self._slopes = np.empty((n_atoms, of.width), dtype=np.float32)
        self._energies = np.empty((n_atoms, len(all_layers[0].last_bias)))
        self._elements: list[tuple[slice, Layers, Activity]] = [
            (atoms, weights, activity(weights, rows=atoms.stop - atoms.start))
            for atoms, weights in zip(slices, all_layers, strict=True)
        ]

    def run(self) -> float:
        """From ``described`` to the mean energy [Hartree] and ``slopes``, its gradient."""
        self._single[:] = self.described
        for atoms, weights, keep in self._elements:
            rows, found, slopes = self._single[atoms], self._energies[atoms], self._slopes[atoms]
            energies_and_slopes(rows, weights, keep, found, slopes)
        self.slopes[:] = self._slopes
        return float(self._energies.sum() / self._energies.shape[1])


def _slices(lengths: list[int]) -> list[slice]:
    ends = np.cumsum(lengths).tolist()
    return [slice(end - length, end) for end, length in zip(ends, lengths, strict=True)]


def _terms(computer: Any) -> Terms:
    radial, angular = computer.radial, computer.angular

    def numbers(tensor: Any) -> Floats:
        return np.asarray(tensor.double().numpy(), dtype=float)

    return Terms(
        radial_cutoff=float(radial.cutoff),
        radial_eta=float(radial.eta),
        radial_shifts=numbers(radial.shifts),
        angular_cutoff=float(angular.cutoff),
        angular_eta=float(angular.eta),
        angular_shifts=numbers(angular.shifts),
        zeta=float(angular.zeta),
        cosines=np.cos(numbers(angular.sections)),
        sines=np.sin(numbers(angular.sections)),
    )


def _layers(of_element: ElementLayers, precision: DTypeLike) -> Layers:
    weights, biases = of_element.weights, of_element.biases
    return layers([each.numpy() for each in weights], [each.numpy() for each in biases], precision=precision)
