"""What the page says about a road along a path: the gates, the surface, every repeat."""

from __future__ import annotations

from typing import Any

import numpy as np

from bindfe.report.words import NOTHING, number, signed, with_error
from bindfe.results import BarrierRates, PathResult, Region, SurfaceEstimate

Row = tuple[str, ...]

_ROADS = {"metadynamics": "metadynamics", "umbrella": "umbrella sampling"}


def path_facts(path: PathResult) -> dict[str, Any]:
    """Everything of one path in words, for the template."""
    time = path.judgement.time_needed_ps
    done = sum(each.simulated_ps for each in path.estimates)
    return {
        "road": _ROADS.get(path.road, path.road),
        "converged": path.judgement.converged,
        "gates": [(gate.passed, gate.name, gate.seen, gate.needed) for gate in path.judgement.gates],
        "needed": f"about {time / 1000:.2g} ns in all" if np.isfinite(time) else "more time than can be said",
        "done": f"{done / 1000:.2g} ns",
        "sides": [region.name for region in path.regions.unbound] if len(path.regions.unbound) > 1 else [],
        "repeats": [_repeat(each, several=len(path.regions.unbound) > 1) for each in path.estimates],
        "bound": _range(path.regions.bound),
        "unbound": " and ".join(_range(each) for each in path.regions.unbound),
        "volume": f"{1000 * sum(path.regions.volumes_nm3):.0f} Å³",
        "rates": _rates(path.rates),
        "warnings": tuple(dict.fromkeys(text for each in path.estimates for text in each.warnings)),
    }


def _repeat(estimate: SurfaceEstimate, *, several: bool) -> Row:
    """One row: value, each side's where there are several, journeys, samples, time."""
    sides = zip(estimate.sides_kcal_mol, estimate.side_errors_kcal_mol, strict=True) if several else ()
    return (
        str(estimate.repeat + 1),
        with_error(estimate.delta_g_kcal_mol, estimate.bootstrap_error_kcal_mol),
        *(with_error(float(value), float(error)) if np.isfinite(value) else NOTHING for value, error in sides),
        signed(estimate.release_kcal_mol),
        str(estimate.round_trips),
        number(estimate.n_effective, 0),
        f"{estimate.simulated_ps / 1000:.3g}",
    )


def _range(region: Region) -> str:
    low, high = (10 * float(end) for end in (region.low[0], region.high[0]))
    return f"{number(low, 1)} to {number(high, 1)} Å"


def _rates(rates: BarrierRates | None) -> str:
    """What the barrier suggests, with what it is worth."""
    if rates is None:
        return ""
    return (
        f"The highest point of the surface on the way out lies {number(rates.barrier_out_kcal_mol)} kcal/mol above "
        f"the site. By {rates.method}'s formula that is a rate of leaving of {rates.off_per_second:.1g} per second "
        f"and of binding of {rates.on_per_molar_second:.1g} per second and mol/L ({rates.label})."
    )
