"""Other tools' results in, ours out: each file becomes calculations or affinities with units and lines."""

from bindfe.interop.detect import FileContent, read_calculations
from bindfe.interop.measured import read_affinities

__all__ = ["FileContent", "read_affinities", "read_calculations"]
