"""Numbers and verdicts as a chemist reads them: two decimals, a proper minus sign, a unit."""

from __future__ import annotations

import math
import re

from bindfe.errors import InputError
from bindfe.results import Affinity, Prediction
from bindfe.units import KJ_PER_KCAL, thermal_energy

MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EM DASH}"
_PREFIXES = ((1.0, "M"), (1e-3, "mM"), (1e-6, "µM"), (1e-9, "nM"), (1e-12, "pM"), (1e-15, "fM"))


def number(value: float | None, decimals: int = 2) -> str:
    """A number with a proper minus sign; a dash if there is none, and never ``-0.00``."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else MINUS + "∞"
    text = f"{abs(value):.{decimals}f}"
    return MINUS + text if value < 0 and float(text) else text


def signed(value: float, decimals: int = 2) -> str:
    """A difference: :func:`number` with a plus sign where it is positive."""
    text = number(value, decimals)
    return "+" + text if value > 0 and float(text) else text


def with_error(value: float, error: float, decimals: int = 2) -> str:
    """``value ± error``."""
    return f"{number(value, decimals)} ± {number(error, decimals)}"


def percent(fraction: float) -> str:
    """A fraction in percent: whole numbers above 1 %, one digit more for 0.975 and the like."""
    value = 100.0 * fraction
    return f"{value:.0f} %" if abs(value - round(value)) < 0.05 else f"{value:.1f} %"


def interval(bounds: tuple[float, float]) -> str:
    """``lower to upper``; "to" because a dash between negative numbers is misread."""
    return f"{number(bounds[0])} to {number(bounds[1])}"


def dissociation_constant(delta_g_kcal_mol: float, *, temperature: float) -> str:
    """Kd = c0 exp(delta_g/RT) with c0 = 1 mol/L, in the unit that reads best.

    Args:
        delta_g_kcal_mol: Binding free energy [kcal/mol], negative binds.
        temperature: Temperature [K].

    Returns:
        Two digits and a unit; ``above 1 M`` or ``below 1 fM`` outside what can be called binding or measured.
    """
    exponent = delta_g_kcal_mol * KJ_PER_KCAL / thermal_energy(temperature)
    if exponent > 0:
        return "above 1 M"
    if exponent < math.log(1e-15):
        return "below 1 fM"
    molar = math.exp(exponent)
    size, unit = next(pair for pair in _PREFIXES if float(f"{molar / pair[0]:.2g}") >= 1.0)
    return f"{float(f'{molar / size:.2g}'):g} {unit}"


def duration(seconds: float) -> str:
    """A wall-clock time as ``41 s``, ``7 min 05 s`` or ``3 h 12 min``."""
    if not math.isfinite(seconds):
        return NOTHING
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def headline_coverage(coverages: tuple[float, ...]) -> float:
    """The coverage that is shown large: 95 % if it was asked for, else the largest.

    Raises:
        InputError: No coverage, or one outside 0 to 1.
    """
    bad = [value for value in coverages if not 0.0 < value < 1.0]
    if bad or not coverages:
        raise InputError(f"coverages of intervals lie between 0 and 1, found {bad or 'none'}; for example 0.95")
    return 0.95 if 0.95 in coverages else max(coverages)


def promise(prediction: Prediction) -> str:
    """What the interval promises: the prediction's own words, or what its lack of a calibrator means."""
    if prediction.guarantee:
        return prediction.guarantee
    if prediction.calibrated:
        return "The coverage of this interval was tested on proteins that the calibration was not fitted on."
    return (
        "Model-based: the interval follows from the errors that this calculation can see in itself. "
        "It was not compared with measured values, so an error of the force field is not in it."
    )


def quantity(prediction: Prediction) -> str:
    """What the number is, in words."""
    names = {
        "absolute": "binding free energy",
        "relative": "relative binding free energy",
        "hydration": "hydration free energy",
    }
    return names[prediction.quantity]


def convention(prediction: Prediction, *, temperature: float) -> str:
    """Which difference the number is, and what its sign means."""
    ways = {
        "absolute": ("bound less unbound at 1 mol/L", "negative binds"),
        "relative": ("second ligand less first", "negative: the second binds better"),
        "hydration": ("in water less in the gas, both at 1 mol/L", "negative: it prefers water"),
    }
    difference, sign = ways[prediction.quantity]
    return f"{difference}, {temperature:g} K; {sign}"


def comparison(prediction: Prediction, measured: Affinity, coverage: float) -> str:
    """One sentence: how far the prediction is from the measured value, and whether the interval holds it."""
    difference = prediction.location_kcal_mol - measured.delta_g_kcal_mol
    low, high = prediction.interval(coverage)
    where = "inside" if low <= measured.delta_g_kcal_mol <= high else "outside"
    sides = ("stronger", "weaker") if prediction.quantity != "hydration" else ("more negative", "less negative")
    side = sides[difference >= 0]
    amount = number(abs(difference))
    apart = "equal to" if float(amount) == 0 else f"{amount} kcal/mol {side} than"
    return f"The prediction is {apart} the measured value, which lies {where} the {percent(coverage)} interval."


def file_stems(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names as safe, distinct file stems: letters, digits, ``._-`` only, never a path."""
    stems: list[str] = []
    for name in names:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[:80] or "ligand"
        taken = {existing.lower() for existing in stems}
        number_ = 2
        distinct = stem
        while distinct.lower() in taken:
            distinct, number_ = f"{stem}_{number_}", number_ + 1
        stems.append(distinct)
    return tuple(stems)
