"""Calibrate anybody's results: read, fit, predict with intervals, score.

    python examples/02_calibrate.py results.csv

``results.csv`` is any table that bindfe reads (OpenFE, FEP+, cinnabar, AToM, plain) with measured values.
"""

import sys
from pathlib import Path

import numpy as np

from bindfe import Calibrator, read_calculations

calculations = [c for c in read_calculations(Path(sys.argv[1])).calculations if np.isfinite(c.measured_kcal_mol)]
held_out = sorted({c.protein for c in calculations})[::3]  # whole proteins, never single edges
train = [c for c in calculations if c.protein not in held_out]
test = [c for c in calculations if c.protein in held_out]

calibrator = Calibrator().fit(train)
predictions = calibrator.predict(test)  # measured values are not looked at

measured = np.array([c.measured_kcal_mol for c in test])
for coverage in (0.5, 0.68, 0.9, 0.95):
    low, high = predictions.predict_interval(coverage).T
    print(f"{coverage:.0%} interval holds {np.mean((low <= measured) & (measured <= high)):.1%}")

one = predictions[0]
low, high = one.interval(0.9)
print(f"{one.reference} -> {one.ligand}: {one.location_kcal_mol:.2f} kcal/mol, 90 % {low:.2f} to {high:.2f}")
print(f"  {one.guarantee}")
for part in one.budget.components:
    print(f"  {part.kind:9s} {part.standard_error_kcal_mol:.2f}  {part.explanation}")
