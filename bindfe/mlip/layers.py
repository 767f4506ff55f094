"""A committee's networks of one element, compiled: all members, all atoms of the element, forward and back.

A network is three layers of CELU units and a sum::

    h1 = celu(G W1 + b1),  h2 = celu(h1 W2 + b2),  h3 = celu(h2 W3 + b3),  E = h3 w + b
    celu(x) = max(x, 0) + 0.1 (exp(min(x, 0)/0.1) - 1)

One member goes forward and back before the next begins, so that its weights (0.6 MB in single precision)
come from memory once; together eight members' do not fit the cache. Of a description's columns only those
are multiplied that some atom of a group of four fills: in a drug-like molecule a third are exactly zero.
Weights are in one precision, single or double; the sum at the end is in double.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from bindfe.mlip.compiled import compiled, exponential
from bindfe.mlip.products import TOGETHER, Integers, Numbers, gather, spread

Floats = NDArray[np.float64]

ALPHA = 0.1
"""Width of all units' exponential branch."""

_LINE = 64  # bytes
_PADDING = 16  # rows a power of two apart would share a place in the cache


class Layers(NamedTuple):
    """Weights of all members."""

    first: Numbers
    """(M, width, out)."""
    first_bias: Numbers
    """(M, out)."""
    second: Numbers
    """(M, in, out)."""
    second_bias: Numbers
    """(M, out)."""
    third: Numbers
    """(M, in, out)."""
    third_bias: Numbers
    """(M, out)."""
    last: Numbers
    """(M, in)."""
    last_bias: Floats
    """(M,)."""


class Activity(NamedTuple):
    """Room for what passes through the networks of one member."""

    quads: Integers
    """First of each four columns that a group of four rows fills, (groups, width / 4)."""
    n_quads: Integers
    """How many, (groups,)."""
    every: Integers
    """0, 4, 8, ... for each group: for layers whose inputs all count."""
    n_first: Integers
    """Quads of the first layer's units, (groups,)."""
    n_second: Integers
    """Quads of the second layer's units, (groups,)."""
    first: Numbers
    """h1, (rows, out + padding)."""
    second: Numbers
    """h2."""
    third: Numbers
    """h3, then dE/dh3 before the unit."""
    first_slopes: Numbers
    """dE/dh1 before the unit."""
    second_slopes: Numbers
    """dE/dh2 before the unit."""


def layers(weights: Sequence[Floats], biases: Sequence[Floats], *, precision: DTypeLike) -> Layers:
    """Lay members' weights out in one piece of memory, so that large pages can back it.

    Args:
        weights: Of the four layers, (M, in, out) each; out is 1 in the last.
        biases: Of the four layers, (M, out) each.
        precision: Of weights and products.
    """
    sizes = [weight[0].size for weight in weights[:3]]
    members, begins = len(weights[0]), np.cumsum([0, *sizes])
    memory = _aligned(members * sum(sizes), precision)
    parts = [memory[members * a : members * b] for a, b in itertools.pairwise(begins)]
    for part, weight in zip(parts, weights[:3], strict=True):
        part[:] = weight.ravel()
    first, second, third = (part.reshape(weight.shape) for part, weight in zip(parts, weights[:3], strict=True))
    return Layers(
        first=first,
        first_bias=biases[0].astype(precision),
        second=second,
        second_bias=biases[1].astype(precision),
        third=third,
        third_bias=biases[2].astype(precision),
        last=weights[3][:, :, 0].astype(precision),
        last_bias=biases[3][:, 0].astype(float),
    )


def activity(of: Layers, *, rows: int) -> Activity:
    """Make room for so many rows: atoms of the element, times frames."""
    width, groups = of.first.shape[1], -(-rows // TOGETHER)
    widths = [of.second.shape[1], of.third.shape[1], of.last.shape[1], of.second.shape[1], of.third.shape[1]]
    first, second, third, first_slopes, second_slopes = (
        _aligned(rows * (each + _PADDING), of.first.dtype).reshape(rows, each + _PADDING) for each in widths
    )
    return Activity(
        quads=np.empty((groups, width // TOGETHER), dtype=np.int64),
        n_quads=np.empty(groups, dtype=np.int64),
        every=np.tile(np.arange(0, max(widths), TOGETHER), (groups, 1)),
        n_first=np.full(groups, widths[0] // TOGETHER),
        n_second=np.full(groups, widths[1] // TOGETHER),
        first=first,
        second=second,
        third=third,
        first_slopes=first_slopes,
        second_slopes=second_slopes,
    )


def _aligned(size: int, precision: DTypeLike) -> Numbers:
    """Zeros that begin at a cache line: else every vector straddles two, which costs a third of the speed."""
    memory = np.zeros(size + _LINE, dtype=precision)
    begin = (-memory.ctypes.data % _LINE) // memory.itemsize
    return memory[begin : begin + size]


@compiled
def energies(rows: Numbers, of: Layers, keep: Activity, out: Floats) -> None:
    """Energies of atoms in all members.

    Args:
        rows: Descriptions of atoms of the element, (rows, width), in the precision of the weights.
        of: The weights.
        keep: Room for exactly these rows.
        out: Energies [Hartree], (rows, M); overwritten.
    """
    _find_quads(rows, keep.quads, keep.n_quads)
    for m in range(len(of.last_bias)):
        _forward(rows, of, keep, m)
        _sum(keep.third, of.last[m], of.last_bias[m], out[:, m])


@compiled
def energies_and_slopes(rows: Numbers, of: Layers, keep: Activity, out: Floats, slopes: Numbers) -> None:
    """As :func:`energies`, and the gradient of the members' mean, summed over atoms, by the descriptions.

    Args:
        rows: Descriptions of atoms of the element, (rows, width), in the precision of the weights.
        of: The weights.
        keep: Room for exactly these rows.
        out: Energies [Hartree], (rows, M); overwritten.
        slopes: dE/dG [Hartree], (rows, width); zero where a whole group of rows has G = 0.
    """
    _find_quads(rows, keep.quads, keep.n_quads)
    slopes[:] = 0
    for m in range(len(of.last_bias)):
        _forward(rows, of, keep, m)
        _sum(keep.third, of.last[m], of.last_bias[m], out[:, m])
        _backward(of, keep, m, slopes)


@compiled
def _forward(rows: Numbers, of: Layers, keep: Activity, m: int) -> None:
    _begin(keep.first, of.first_bias[m])
    spread(rows, of.first[m], keep.quads, keep.n_quads, keep.first)
    _activate(keep.first, of.first.shape[2])
    _begin(keep.second, of.second_bias[m])
    spread(keep.first, of.second[m], keep.every, keep.n_first, keep.second)
    _activate(keep.second, of.second.shape[2])
    _begin(keep.third, of.third_bias[m])
    spread(keep.second, of.third[m], keep.every, keep.n_second, keep.third)
    _activate(keep.third, of.third.shape[2])


@compiled
def _backward(of: Layers, keep: Activity, m: int, slopes: Numbers) -> None:
    _last_slopes(keep.third, of.last[m], of.last.dtype.type(1.0 / len(of.last_bias)))
    keep.second_slopes[:] = 0
    gather(keep.third, of.third[m], keep.every, keep.n_second, keep.second_slopes)
    _deactivate(keep.second_slopes, keep.second, of.third.shape[1])
    keep.first_slopes[:] = 0
    gather(keep.second_slopes, of.second[m], keep.every, keep.n_first, keep.first_slopes)
    _deactivate(keep.first_slopes, keep.first, of.second.shape[1])
    gather(keep.first_slopes, of.first[m], keep.quads, keep.n_quads, slopes)


@compiled
def _find_quads(rows: Numbers, quads: Integers, n_quads: Integers) -> None:
    for group in range(len(n_quads)):
        end, n = min((group + 1) * TOGETHER, len(rows)), 0
        for column in range(0, rows.shape[1], TOGETHER):
            filled = False
            for row in range(group * TOGETHER, end):
                for c in range(column, column + TOGETHER):
                    filled |= rows[row, c] != 0
            if filled:
                quads[group, n] = column
                n += 1
        n_quads[group] = n


@compiled
def _begin(values: Numbers, bias: Numbers) -> None:
    for row in range(len(values)):
        for unit in range(len(bias)):
            values[row, unit] = bias[unit]


@compiled
def _activate(values: Numbers, width: int) -> None:
    """Pass the units."""
    for row in range(len(values)):
        for unit in range(width):
            x = np.float64(values[row, unit])
            fall = exponential(max(min(x, 0.0) / ALPHA, -100.0))
            values[row, unit] = max(x, 0.0) + ALPHA * (fall - 1.0)


@compiled
def _slope(value: float) -> float:
    """Slope of a unit from what it gave: exp(x/alpha) = 1 + h/alpha below zero, 1 above."""
    return min(value, 0.0) / ALPHA + 1.0


@compiled
def _deactivate(slopes: Numbers, values: Numbers, width: int) -> None:
    """Times the slope of the units."""
    for row in range(len(values)):
        for unit in range(width):
            slopes[row, unit] *= _slope(values[row, unit])


@compiled
def _last_slopes(values: Numbers, weights: Numbers, share: float) -> None:
    """From h3 to the slope of the mean energy by what enters its units."""
    for row in range(len(values)):
        for unit in range(len(weights)):
            values[row, unit] = share * weights[unit] * _slope(values[row, unit])


@compiled
def _sum(values: Numbers, weights: Numbers, bias: float, out: Floats) -> None:
    """The last layer, in double precision."""
    for row in range(len(values)):
        energy = bias
        for unit in range(len(weights)):
            energy += np.float64(values[row, unit]) * np.float64(weights[unit])
        out[row] = energy
