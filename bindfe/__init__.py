"""Calibrated binding free energies: a value, and an interval that holds as often as it says."""

__version__ = "0.1.0"
