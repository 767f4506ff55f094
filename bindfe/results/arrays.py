"""Arrays of a record: their shape is checked once, and then they are read-only."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bindfe.errors import EstimateError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def freeze(record: object, name: str, shape: tuple[int | None, ...], dtype: type = float) -> None:
    """Store ``record.name`` as a read-only array after checking its shape (None is any length)."""
    array: NDArray[Any] = np.array(getattr(record, name), dtype=dtype)
    if array.ndim != len(shape) or any(want not in (None, have) for want, have in zip(shape, array.shape, strict=True)):
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise EstimateError(f"{type(record).__name__}.{name} has shape {array.shape}, ({wanted}) is needed")
    array.setflags(write=False)
    object.__setattr__(record, name, array)
