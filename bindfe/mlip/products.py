"""Products of few rows with large matrices, compiled: the work of a network on one molecule.

Four rows meet four rows or columns of the weights at a time: sixteen sums or factors stay in registers, and a
weight that was fetched serves four atoms. For rows as few as a molecule's atoms this is faster than a BLAS,
which copies its operands first: 80 instead of 50 Gflop/s for 18 x 240 x 2048 in single precision.

Columns come in fours ("quads"); which of them count is a list, so that zeros of a description are skipped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bindfe.mlip.compiled import compiled

Integers = NDArray[np.int64]
Numbers = NDArray[Any]
"""An array in single or double precision."""

TOGETHER = 4
"""Rows of a group, and columns of a quad."""


@compiled
def gather(a: Numbers, b: Numbers, quads: Integers, n_quads: Integers, out: Numbers) -> None:
    """Sums along rows: out[i, p] += sum_j a[i, j] b[p, j].

    Args:
        a: (rows, J or more).
        b: (P, J).
        quads: First of each four p that count, for each group of four rows, (groups, P / 4 or less).
        n_quads: How many of them there are, (groups,).
        out: (rows, P or more).
    """
    for i in range(0, len(a) - 3, TOGETHER):
        _gather_four(a, i, b, quads[i // TOGETHER, : n_quads[i // TOGETHER]], out)
    i = len(a) // TOGETHER * TOGETHER
    if len(a) > i:
        rest = quads[i // TOGETHER, : n_quads[i // TOGETHER]]
        if len(a) - i >= 2:
            _gather_two(a, i, b, rest, out)
            i += 2
        if len(a) - i >= 1:
            _gather_one(a, i, b, rest, out)


@compiled
def spread(a: Numbers, b: Numbers, quads: Integers, n_quads: Integers, out: Numbers) -> None:
    """Sums over rows: out[i, j] += sum_p a[i, p] b[p, j].

    Args:
        a: (rows, P or more).
        b: (P, J).
        quads: First of each four p that count, for each group of four rows, (groups, P / 4 or less).
        n_quads: How many of them there are, (groups,).
        out: (rows, J or more).
    """
    for i in range(0, len(a) - 3, TOGETHER):
        _spread_four(a, i, b, quads[i // TOGETHER, : n_quads[i // TOGETHER]], out)
    i = len(a) // TOGETHER * TOGETHER
    if len(a) > i:
        rest = quads[i // TOGETHER, : n_quads[i // TOGETHER]]
        if len(a) - i >= 2:
            _spread_two(a, i, b, rest, out)
            i += 2
        if len(a) - i >= 1:
            _spread_one(a, i, b, rest, out)


@compiled
def _gather_four(a: Numbers, i: int, b: Numbers, quads: Integers, out: Numbers) -> None:
    n = b.shape[1]
    ra, rb, rc, rd = a[i, :n], a[i + 1, :n], a[i + 2, :n], a[i + 3, :n]
    for p in quads:
        b0, b1, b2, b3 = b[p, :n], b[p + 1, :n], b[p + 2, :n], b[p + 3, :n]
        s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = b.dtype.type(0)
        s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = b.dtype.type(0)
        for j in range(n):
            s00 += ra[j] * b0[j]
            s01 += ra[j] * b1[j]
            s02 += ra[j] * b2[j]
            s03 += ra[j] * b3[j]
            s10 += rb[j] * b0[j]
            s11 += rb[j] * b1[j]
            s12 += rb[j] * b2[j]
            s13 += rb[j] * b3[j]
            s20 += rc[j] * b0[j]
            s21 += rc[j] * b1[j]
            s22 += rc[j] * b2[j]
            s23 += rc[j] * b3[j]
            s30 += rd[j] * b0[j]
            s31 += rd[j] * b1[j]
            s32 += rd[j] * b2[j]
            s33 += rd[j] * b3[j]
        out[i, p] += s00
        out[i, p + 1] += s01
        out[i, p + 2] += s02
        out[i, p + 3] += s03
        out[i + 1, p] += s10
        out[i + 1, p + 1] += s11
        out[i + 1, p + 2] += s12
        out[i + 1, p + 3] += s13
        out[i + 2, p] += s20
        out[i + 2, p + 1] += s21
        out[i + 2, p + 2] += s22
        out[i + 2, p + 3] += s23
        out[i + 3, p] += s30
        out[i + 3, p + 1] += s31
        out[i + 3, p + 2] += s32
        out[i + 3, p + 3] += s33


@compiled
def _gather_two(a: Numbers, i: int, b: Numbers, quads: Integers, out: Numbers) -> None:
    n = b.shape[1]
    ra, rb = a[i, :n], a[i + 1, :n]
    for p in quads:
        b0, b1, b2, b3 = b[p, :n], b[p + 1, :n], b[p + 2, :n], b[p + 3, :n]
        s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = b.dtype.type(0)
        for j in range(n):
            s00 += ra[j] * b0[j]
            s01 += ra[j] * b1[j]
            s02 += ra[j] * b2[j]
            s03 += ra[j] * b3[j]
            s10 += rb[j] * b0[j]
            s11 += rb[j] * b1[j]
            s12 += rb[j] * b2[j]
            s13 += rb[j] * b3[j]
        out[i, p] += s00
        out[i, p + 1] += s01
        out[i, p + 2] += s02
        out[i, p + 3] += s03
        out[i + 1, p] += s10
        out[i + 1, p + 1] += s11
        out[i + 1, p + 2] += s12
        out[i + 1, p + 3] += s13


@compiled
def _gather_one(a: Numbers, i: int, b: Numbers, quads: Integers, out: Numbers) -> None:
    n = b.shape[1]
    row = a[i, :n]
    for p in quads:
        b0, b1, b2, b3 = b[p, :n], b[p + 1, :n], b[p + 2, :n], b[p + 3, :n]
        s0 = s1 = s2 = s3 = b.dtype.type(0)
        for j in range(n):
            s0 += row[j] * b0[j]
            s1 += row[j] * b1[j]
            s2 += row[j] * b2[j]
            s3 += row[j] * b3[j]
        out[i, p] += s0
        out[i, p + 1] += s1
        out[i, p + 2] += s2
        out[i, p + 3] += s3


@compiled
def _spread_four(a: Numbers, i: int, b: Numbers, quads: Integers, out: Numbers) -> None:
    n = b.shape[1]
    o0, o1, o2, o3 = out[i, :n], out[i + 1, :n], out[i + 2, :n], out[i + 3, :n]
    for p in quads:
        b0, b1, b2, b3 = b[p, :n], b[p + 1, :n], b[p + 2, :n], b[p + 3, :n]
        a00, a01, a02, a03 = a[i, p], a[i, p + 1], a[i, p + 2], a[i, p + 3]
        a10, a11, a12, a13 = a[i + 1, p], a[i + 1, p + 1], a[i + 1, p + 2], a[i + 1, p + 3]
        a20, a21, a22, a23 = a[i + 2, p], a[i + 2, p + 1], a[i + 2, p + 2], a[i + 2, p + 3]
        a30, a31, a32, a33 = a[i + 3, p], a[i + 3, p + 1], a[i + 3, p + 2], a[i + 3, p + 3]
        for j in range(n):
            o0[j] += a00 * b0[j] + a01 * b1[j] + a02 * b2[j] + a03 * b3[j]
            o1[j] += a10 * b0[j] + a11 * b1[j] + a12 * b2[j] + a13 * b3[j]
            o2[j] += a20 * b0[j] + a21 * b1[j] + a22 * b2[j] + a23 * b3[j]
            o3[j] += a30 * b0[j] + a31 * b1[j] + a32 * b2[j] + a33 * b3[j]


@compiled
def _spread_two(a: Numbers, i: int, b: Numbers, quads: Integers, out: Numbers) -> None:
    n = b.shape[1]
    o0, o1 = out[i, :n], out[i + 1, :n]
    for p in quads:
        b0, b1, b2, b3 = b[p, :n], b[p + 1, :n], b[p + 2, :n], b[p + 3, :n]
        a00, a01, a02, a03 = a[i, p], a[i, p + 1], a[i, p + 2], a[i, p + 3]
        a10, a11, a12, a13 = a[i + 1, p], a[i + 1, p + 1], a[i + 1, p + 2], a[i + 1, p + 3]
        for j in range(n):
            o0[j] += a00 * b0[j] + a01 * b1[j] + a02 * b2[j] + a03 * b3[j]
            o1[j] += a10 * b0[j] + a11 * b1[j] + a12 * b2[j] + a13 * b3[j]


@compiled
def _spread_one(a: Numbers, i: int, b: Numbers, quads: Integers, out: Numbers) -> None:
    n = b.shape[1]
    row = out[i, :n]
    for p in quads:
        b0, b1, b2, b3 = b[p, :n], b[p + 1, :n], b[p + 2, :n], b[p + 3, :n]
        a0, a1, a2, a3 = a[i, p], a[i, p + 1], a[i, p + 2], a[i, p + 3]
        for j in range(n):
            row[j] += a0 * b0[j] + a1 * b1[j] + a2 * b2[j] + a3 * b3[j]
