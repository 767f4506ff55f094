"""The door to numba, and two functions that it turns into vector instructions.

``math.exp`` in a compiled loop is a call for each number; the ones here have no branch and no call, so eight
numbers go at once: 0.6 ns instead of 5 ns each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])

_LOG2_E = 1.0 / math.log(2.0)
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10  # n times the first is exact
_LN2 = math.log(2.0)
_BITS_OF_ROOT_HALF = 0x3FE6A09E667F3BCD
_BITS_OF_FRACTION, _BIAS = 52, 1023


def compiled(function: Function) -> Function:
    """Compile a function of numbers and arrays when it is first called; the result is kept on disk.

    Sums may be reordered, which vector instructions need; not-a-number stays not-a-number.
    """
    options: dict[str, Any] = {"error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz", "arcp"}}
    try:
        return cast(Function, numba.njit(cache=True, **options)(function))
    except RuntimeError:  # no directory that can be written: compiled again in every process
        return cast(Function, numba.njit(**options)(function))


def _reinterpret(source: Any, target: Any, kind: Any) -> Any:
    def declare(_: Any, value: Any) -> Any:
        def generate(__: Any, builder: Any, ___: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], kind)

        return target(source), generate

    return intrinsic(declare)


_float_of = _reinterpret(numba.int64, numba.float64, ir.DoubleType())
_bits_of = _reinterpret(numba.float64, numba.int64, ir.IntType(64))


@compiled
def exponential(x: float) -> float:
    """e^x for -700 < x < 700, to 1e-13 of its value: 2^n times a Taylor series within ln(2)/2 of zero."""
    n = np.floor(x * _LOG2_E + 0.5)
    f = (x - n * _LN2_HIGH) - n * _LN2_LOW
    series = 1.0 / 479001600.0 + f * (1.0 / 6227020800.0)
    series = 1.0 / 3628800.0 + f * (1.0 / 39916800.0 + f * series)
    series = 1.0 / 40320.0 + f * (1.0 / 362880.0 + f * series)
    series = 1.0 / 720.0 + f * (1.0 / 5040.0 + f * series)
    series = 1.0 / 24.0 + f * (1.0 / 120.0 + f * series)
    series = 0.5 + f * (1.0 / 6.0 + f * series)
    power: float = _float_of((np.int64(n) + _BIAS) << _BITS_OF_FRACTION)
    value: float = (1.0 + f * (1.0 + f * series)) * power
    return value


@compiled
def logarithm(x: float) -> float:
    """ln(x) of a positive, normal number: the exponent's, and 2 artanh of a fraction between 0.7 and 1.4."""
    bits = _bits_of(x)
    exponent: int = (bits - _BITS_OF_ROOT_HALF) >> _BITS_OF_FRACTION
    fraction: float = _float_of(bits - (exponent << _BITS_OF_FRACTION))
    s = (fraction - 1.0) / (fraction + 1.0)
    z = s * s
    series = 1.0 / 19.0 + z * (1.0 / 21.0 + z * (1.0 / 23.0))
    series = 1.0 / 13.0 + z * (1.0 / 15.0 + z * (1.0 / 17.0 + z * series))
    series = 1.0 / 7.0 + z * (1.0 / 9.0 + z * (1.0 / 11.0 + z * series))
    series = 1.0 + z * (1.0 / 3.0 + z * (1.0 / 5.0 + z * series))
    return exponent * _LN2 + 2.0 * s * series
