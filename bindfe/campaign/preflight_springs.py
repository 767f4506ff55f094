"""Springs that hold next to nothing, or more than a time step can follow: as a rule a unit that slipped.

What a spring means is how far it lets go: sqrt(kT/k) is told with each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bindfe.chem.findings import Finding, failed, warned
from bindfe.protocol import Protocol
from bindfe.units import parse_quantity, thermal_energy


@dataclass(frozen=True, kw_only=True, slots=True)
class _Spring:
    """What one spring usually is."""

    key: str
    value: Callable[[Protocol], float | None]
    """In OpenMM's units; None where the protocol does not use it."""
    unit: str
    usual: tuple[float, float]
    """Outside of it one should look, in the unit."""
    curvature: float
    """Second derivative of the energy at the bottom, by the value."""
    moves: Literal["A", "deg"]
    """Unit of what it holds."""
    holds: str
    """What moves, and how that is said."""
    advice: tuple[str, str]
    """Below and above."""


_PER_NM = (
    "is it per nm^2? That is a hundredth of what it is per A^2",
    "is it per A^2? A number per nm^2 is a hundred times as large",
)
_PER_DEGREE = (
    "is it per rad^2? A number per degree^2 is 3283 times smaller",
    "is it per degree^2? That is 3283 times what it is per rad^2",
)
_BARRIER = ("it must be some kT, or the ligand turns over: 10 kcal/mol is usual", "is it in another unit?")


def _length(key: str, value: Callable[[Protocol], float | None], *, usual: tuple[float, float], holds: str) -> _Spring:
    """A spring between places."""
    return _Spring(
        key=key, value=value, unit="kcal/mol/A^2", usual=usual, curvature=1.0, moves="A", holds=holds, advice=_PER_NM
    )


def _turn(key: str, value: Callable[[Protocol], float | None], *, holds: str) -> _Spring:
    """A spring of a Boresch angle or dihedral."""
    return _Spring(
        key=key,
        value=value,
        unit="kcal/mol/rad^2",
        usual=(2.0, 1000.0),
        curvature=1.0,
        moves="deg",
        holds=holds,
        advice=_PER_DEGREE,
    )


def _axis(key: str, value: Callable[[Protocol], float | None], *, curvature: float) -> _Spring:
    """A periodic energy that keeps directions alike, K sin^2 (2 K at the bottom) or K (1 - cos) (K)."""
    return _Spring(
        key=key,
        value=value,
        unit="kcal/mol",
        usual=(2.0, 500.0),
        curvature=curvature,
        moves="deg",
        holds="lets the axis tilt by",
        advice=_BARRIER,
    )


def _when(used: bool, value: float | None) -> float | None:
    return value if used else None


def _held(protocol: Protocol, *kinds: str) -> bool:
    return protocol.road == "alchemy" and not protocol.hydration and protocol.restraint.kind in kinds


_LIGAND, _WALL = "lets the ligand move by", "lets the ligand go beyond the wall by"
_SPRINGS = (
    _length(
        "restraint.spring",
        lambda p: _when(_held(p, "harmonic", "axial"), p.restraint.spring),
        usual=(0.2, 100.0),
        holds=_LIGAND,
    ),
    _length(
        "restraint.spring",
        lambda p: _when(_held(p, "flat-bottom"), p.restraint.spring),
        usual=(0.2, 100.0),
        holds=_WALL,
    ),
    _axis("restraint.axis_spring", lambda p: _when(_held(p, "axial"), p.restraint.axis_spring), curvature=2.0),
    _length(
        "restraint.distance_spring",
        lambda p: _when(_held(p, "boresch"), p.restraint.distance_spring),
        usual=(1.0, 100.0),
        holds=_LIGAND,
    ),
    _turn(
        "restraint.angle_spring",
        lambda p: _when(_held(p, "boresch"), p.restraint.angle_spring),
        holds="lets both angles move by",
    ),
    _turn(
        "restraint.dihedral_spring",
        lambda p: _when(_held(p, "boresch"), p.restraint.dihedral_spring),
        holds="lets the dihedrals move by",
    ),
    _length("path.spring", lambda p: _when(p.road != "alchemy", p.path.spring), usual=(0.2, 100.0), holds=_WALL),
    _axis(
        "path.axis_spring",
        lambda p: _when(p.road != "alchemy" and p.path.axis_spring > 0, p.path.axis_spring),
        curvature=2.0,
    ),
    _length(
        "umbrella.spring",
        lambda p: _when(p.road == "umbrella", p.umbrella.spring),
        usual=(0.2, 100.0),
        holds=_LIGAND,
    ),
    _length(
        "umbrella.pull_spring",
        lambda p: _when(p.road == "umbrella", p.umbrella.pull_spring),
        usual=(0.5, 500.0),
        holds=_LIGAND,
    ),
    _length(
        "edges.position_spring",
        lambda p: _when(p.relative, p.edges.position_spring),
        usual=(0.3, 100.0),
        holds="lets the ligands part by",
    ),
    _axis("edges.direction_spring", lambda p: _when(p.relative, p.edges.direction_spring), curvature=1.0),
    _length(
        "edges.pocket_spring",
        lambda p: _when(p.relative and p.edges.pocket > 0, p.edges.pocket_spring),
        usual=(0.1, 100.0),
        holds="lets a CA atom move by",
    ),
    _length(
        "equilibration.release_springs",
        lambda p: max(p.equilibration.release_springs, default=None),
        usual=(0.2, 1000.0),
        holds="lets each atom move by",
    ),
)


def spring_findings(protocol: Protocol) -> tuple[Finding, ...]:
    """Springs outside of what they usually are, with the amplitude that they allow, and those too stiff to follow."""
    if protocol.analytic is not None:
        return ()
    found = [_unusual(spring, protocol) for spring in _SPRINGS]
    return (*(each for each in found if each is not None), *_too_stiff(protocol))


def _unusual(spring: _Spring, protocol: Protocol) -> Finding | None:
    value = spring.value(protocol)
    if value is None:
        return None
    low, high = spring.usual
    shown = value / parse_quantity(f"1 {spring.unit}", spring.unit)
    if low * (1 - 1e-9) <= shown <= high * (1 + 1e-9):
        return None
    words = f"{spring.key} is {shown:g} {spring.unit} ({low:g} to {high:g} {spring.unit} is usual)"
    if value > 0:
        kelvins = protocol.sampling.temperature
        words += f": at {kelvins:g} K it {spring.holds} {_amplitude(spring, value, kelvins)}"
    return warned("unusual-setting", words, advice=spring.advice[shown > high])


def _amplitude(spring: _Spring, value: float, temperature: float) -> str:
    """sqrt(kT/k) of one coordinate."""
    spread = math.sqrt(thermal_energy(temperature) / (spring.curvature * value))
    if spring.moves == "A":
        return f"{10 * spread:.2g} A"
    degrees = math.degrees(spread)
    return f"{degrees:.2g} deg" if degrees < 90 else "any angle"


_ANCHOR_MASS = 6.0
"""Reduced mass of two carbon atoms [amu]: anchors are single atoms."""

_ARM = 0.15
"""Of an anchor about the next, a bond [nm]: a spring of an angle pulls at an atom with its k over the square of it."""

_SLOWEST, _STABLE = 10.0, 2.5
"""Steps in a period that follow a vibration, and below which the positions grow without bound: at pi of them (omega dt
of 2), less a fifth, as anchors may be heavier than carbon."""


def _too_stiff(protocol: Protocol) -> list[Finding]:
    """Boresch's springs whose atoms swing faster than the time step follows."""
    if not _held(protocol, "boresch"):
        return []
    settings, step = protocol.restraint, 1000 * protocol.sampling.time_step
    pulls = {
        "restraint.distance_spring": settings.distance_spring,
        "restraint.angle_spring": settings.angle_spring / _ARM**2,
        "restraint.dihedral_spring": settings.dihedral_spring / _ARM**2,
    }
    found = []
    for key, pull in pulls.items():
        period = 1000 * 2 * math.pi * math.sqrt(_ANCHOR_MASS / pull) if pull > 0 else math.inf
        if period >= _SLOWEST * step:
            continue
        make = failed if period < _STABLE * step else warned
        found.append(
            make(
                "time-step",
                f"{key} lets its anchors swing in {period:.2g} fs, and a time step of {step:g} fs needs "
                f"{_SLOWEST * step:g} fs at least",
                advice="soften it: is its unit right?",
            )
        )
    return found
