"""Settings that no calculation has, or few: as a rule a unit that slipped."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bindfe.chem.findings import Finding, failed, warned
from bindfe.protocol import Protocol
from bindfe.units import parse_quantity


@dataclass(frozen=True, kw_only=True, slots=True)
class _Usual:
    """What one setting usually is."""

    key: str
    value: Callable[[Protocol], float | None]
    """In the unit; None where the protocol does not use it."""
    unit: str
    usual: tuple[float, float]
    """Outside of it one should look."""
    possible: tuple[float, float]
    """Outside of it the calculation would be wrong."""
    advice: str


def _when(used: bool, value: float | None) -> float | None:
    return value if used else None


_ENERGY, _MOLAR = parse_quantity("1 kcal/mol", "kcal/mol"), parse_quantity("1 M", "M")


def _flat(protocol: Protocol) -> bool:
    return protocol.road == "alchemy" and protocol.restraint.kind == "flat-bottom"


def _gaussians(protocol: Protocol) -> bool:
    return protocol.road == "metadynamics" and protocol.metadynamics.method == "metad"


_USUAL = (
    _Usual(
        key="sampling.temperature",
        value=lambda protocol: protocol.sampling.temperature,
        unit="K",
        usual=(273.0, 373.0),
        possible=(200.0, 500.0),
        advice="is it in degrees Celsius? Write 298.15 K for 25 of them",
    ),
    _Usual(
        key="sampling.time_step",
        value=lambda protocol: 1000 * protocol.sampling.time_step,
        unit="fs",
        usual=(0.25, math.inf),
        possible=(0.0, math.inf),
        advice="is it in ps? 4 fs with heavy hydrogens is usual, and time goes with its inverse",
    ),
    _Usual(
        key="solvent.solvent_dielectric",
        value=lambda protocol: _when(protocol.solvent.model in ("obc2", "gbn2"), protocol.solvent.solvent_dielectric),
        unit="",
        usual=(4.0, 120.0),
        possible=(1.0, math.inf),
        advice="water has 78.5; 1 is a vacuum",
    ),
    _Usual(
        key="solvent.solute_dielectric",
        value=lambda protocol: _when(protocol.solvent.model in ("obc2", "gbn2"), protocol.solvent.solute_dielectric),
        unit="",
        usual=(1.0, 4.0),
        possible=(0.0, math.inf),
        advice="the charges of the force field were made for 1",
    ),
    _Usual(
        key="receptor.ph",
        value=lambda protocol: _when(bool(protocol.receptor.file), protocol.receptor.ph),
        unit="",
        usual=(4.0, 10.0),
        possible=(0.0, 14.0),
        advice="proteins unfold beyond; it must be the pH of the measurement",
    ),
    _Usual(
        key="sampling.pressure",
        value=lambda protocol: _when(protocol.solvent.explicit, protocol.sampling.pressure),
        unit="bar",
        usual=(0.5, 100.0),
        possible=(-1000.0, 10000.0),
        advice="is it in another unit? An atmosphere is 1.01325 bar",
    ),
    _Usual(
        key="solvent.ionic_strength",
        value=lambda protocol: _when(protocol.solvent.explicit, protocol.solvent.ionic_strength / _MOLAR),
        unit="M",
        usual=(0.0, 1.0),
        possible=(0.0, 6.1),
        advice="is it in mM? A cell has 150 mM, and water holds no more than 6.1 M of NaCl",
    ),
    _Usual(
        key="solvent.cutoff",
        value=lambda protocol: _when(protocol.solvent.explicit, 10 * protocol.solvent.cutoff),
        unit="A",
        usual=(8.0, 15.0),
        possible=(6.0, 100.0),
        advice="force fields were fitted with 8 to 12 A",
    ),
    _Usual(
        key="solvent.padding",
        value=lambda protocol: _when(protocol.solvent.explicit, 10 * protocol.solvent.padding),
        unit="A",
        usual=(0.0, 60.0),
        possible=(0.0, math.inf),
        advice="is it in nm? Water grows with its cube: 20 A between images is usual",
    ),
    _Usual(
        key="equilibration.free_time",
        value=lambda protocol: _when(
            protocol.solvent.explicit and protocol.membrane is None and protocol.catalysts is None,
            protocol.equilibration.free_time,
        ),
        unit="ps",
        usual=(20.0, math.inf),
        possible=(0.0, math.inf),
        advice="the default is for a host without water: a box about a protein takes 100 ps or more for its density",
    ),
    _Usual(
        key="restraint.flat_radius",
        value=lambda protocol: _when(_flat(protocol), 10 * protocol.restraint.flat_radius),
        unit="A",
        usual=(0.5, 15.0),
        possible=(0.0, math.inf),
        advice="is it in nm? A ligand anywhere inside counts as bound: 2 A above what it moves in the site",
    ),
    _Usual(
        key="restraint.site_radius",
        value=lambda protocol: _when(
            protocol.road == "alchemy" and protocol.restraint.site_radius > 0, 10 * protocol.restraint.site_radius
        ),
        unit="A",
        usual=(2.0, 20.0),
        possible=(0.0, math.inf),
        advice="is it in nm? A ligand anywhere inside counts as bound: 6 A is usual",
    ),
    _Usual(
        key="edges.clearance",
        value=lambda protocol: _when(protocol.relative and protocol.solvent.explicit, 10 * protocol.edges.clearance),
        unit="A",
        usual=(10.0, 40.0),
        possible=(5.0, 100.0),
        advice="is it in nm? Bulk begins three layers of water from the receptor: 15 A is usual",
    ),
    _Usual(
        key="metadynamics.width",
        value=lambda protocol: _when(_gaussians(protocol), 10 * protocol.metadynamics.width),
        unit="A",
        usual=(0.1, 2.0),
        possible=(0.0, math.inf),
        advice="is it in nm? A Gaussian is narrower than what it fills: 0.5 A is usual",
    ),
    _Usual(
        key="metadynamics.height",
        value=lambda protocol: _when(_gaussians(protocol), protocol.metadynamics.height / _ENERGY),
        unit="kcal/mol",
        usual=(0.002, 1.2),
        possible=(0.0, math.inf),
        advice="is it in another unit? Higher than 2 kT it throws the ligand out: 0.25 kcal/mol is usual",
    ),
    _Usual(
        key="metadynamics.pace",
        value=lambda protocol: _when(_gaussians(protocol), protocol.metadynamics.pace),
        unit="ps",
        usual=(0.05, 50.0),
        possible=(0.0, math.inf),
        advice="is it in steps, or in ns? 1 ps is usual",
    ),
    _Usual(
        key="sampling.length in sampling.cycle_time",
        value=lambda protocol: _when(
            protocol.road != "metadynamics", protocol.sampling.length / protocol.sampling.cycle_time
        ),
        unit="cycles",
        usual=(20.0, math.inf),
        possible=(0.0, math.inf),
        advice="is the length in ns? Lengthen it, or shorten cycle_time: a cycle gives one exchange and one sample, "
        "and fewer than 20 no error that one can trust",
    ),
    _Usual(
        key="sampling.friction",
        value=lambda protocol: protocol.sampling.friction,
        unit="1/ps",
        usual=(0.05, 20.0),
        possible=(0.0, math.inf),
        advice="is it in another unit? 1 1/ps is usual: much less decouples the thermostat, much more stops all motion",
    ),
)


def usual_findings(protocol: Protocol) -> tuple[Finding, ...]:
    """Settings outside of what they usually are, for molecules."""
    if protocol.analytic is not None:
        return ()
    found = []
    for each in _USUAL:
        value = each.value(protocol)
        if value is None or _within(value, each.usual):
            continue
        make = warned if _within(value, each.possible) else failed
        low, high = each.usual
        unit = f" {each.unit}" if each.unit else ""
        range_ = f"{low:g} and more" if math.isinf(high) else f"{low:g} to {high:g}{unit}"
        words = f"{each.key} is {value:g}{unit} ({range_} is usual)"
        found.append(make("unusual-setting", words, advice=each.advice))
    return tuple(found)


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] * (1 - 1e-9) - 1e-12 <= value <= limits[1] * (1 + 1e-9)
