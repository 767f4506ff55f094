"""Lambda schedules that cannot join the ends of a leg: wrong ends, bare charges, leaps, and rows that turn back."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from bindfe.chem.findings import Finding, failed, warned
from bindfe.errors import ProtocolError
from bindfe.protocol import Protocol
from bindfe.states import LambdaSchedule, LegKind

_LEAPS = {"electrostatics": 0.4, "sterics": 0.2, "transfer": 0.6, "restraints": 0.75}
"""Longest step of each row in which neighbours still share samples. Where the shipped schedules are coarsest they take
0.25 (0.5 in the smoke test), 0.16, 0.55 and 0.75; a leap is not refused, as a monatomic ligand may stand it."""

_SOFT, _SOFT_LEAP = 0.4, 0.16
"""Lennard-Jones coupling below which water enters a ligand, and the longest step that reaches there.

Ethylparaben (12 heavy atoms) in TIP3P, 13 states of 40 ps, by MBAR of two states alone: 1 and 0.7 share 12 % of their
samples, 0.57 and 0.35 8 %; but 0.45 and 0.26 2.4 %, 0.35 and 0.16 0.6 %, 0.26 and 0 1.6 %, where 3 % are needed. Steps
of 0.09 to 0.16 share 15 to 30 % there."""

_FIRST_TRANSFER = 0.05
"""Longest first step of a transfer out of an end in which the coming ligand still clashes, at up to 150 kcal/mol."""

_HALF_CORE = 0.5
"""Lennard-Jones coupling below which charges are refused: above it one may get away with it."""

_LOOSE = 0.2
"""Restraint below which a ligand that has lost part of its interactions is not held."""


def schedule_findings(protocol: Protocol) -> tuple[Finding, ...]:
    """What is wrong with the schedule of each leg that the protocol runs."""
    if protocol.analytic is not None:
        return ()
    kinds = [kind for kind in protocol.leg_kinds if kind is not LegKind.PATH]
    return tuple(finding for kind in kinds for finding in _leg(kind, protocol))


def _leg(kind: LegKind, protocol: Protocol) -> Sequence[Finding]:
    schedule = protocol.schedule_of(kind)
    found = [*_ends(kind, schedule), *_unheld(kind, schedule)]
    if kind in (LegKind.TRANSFER, LegKind.RELATIVE):
        rows: tuple[str, ...] = ("transfer",)
        found += _first_steps(kind, schedule)
    elif kind is LegKind.COMPLEX or protocol.solvent.explicit:
        rows = ("electrostatics", "sterics")
        found += _bare_charges(kind, schedule)
    else:  # a ligand alone: its Lennard-Jones terms meet nothing
        rows = ("electrostatics",)
    if protocol.restraint.kind == "boresch" and kind in (LegKind.COMPLEX, LegKind.TRANSFER):
        rows = (*rows, "restraints")  # six springs hold much more than the one or two of the others
    for row in rows:
        found += _steps(f"schedule.{kind.value}.{row}", row, getattr(schedule, row))
    return found


def _ends(kind: LegKind, schedule: LambdaSchedule) -> list[Finding]:
    from bindfe.build.leg import check_ends
    from bindfe.build.relative import check_relative_ends

    try:
        if kind is LegKind.RELATIVE:
            check_relative_ends(schedule)
        else:
            check_ends(kind, schedule)
    except ProtocolError as error:
        return [failed("schedule", str(error), advice="end the schedule there")]
    return []


def _bare_charges(kind: LegKind, schedule: LambdaSchedule) -> list[Finding]:
    """Charges whose Lennard-Jones core is soft: opposite ones fall into each other, and the energy has no floor."""
    states = [
        (sterics, index)
        for index, (sterics, charges) in enumerate(zip(schedule.sterics, schedule.electrostatics, strict=True))
        if charges > 0 and sterics < 1
    ]
    if not states:
        return []
    sterics, index = min(states)
    make = failed if sterics < _HALF_CORE else warned
    return [
        make(
            "schedule-charges",
            f"schedule.{kind.value}: in state {index} charges are at {schedule.electrostatics[index]:g} and "
            f"Lennard-Jones terms at {sterics:g}",
            advice="take electrostatics to 0 before sterics leaves 1: charges without a core fall into each other",
        )
    ]


def _unheld(kind: LegKind, schedule: LambdaSchedule) -> list[Finding]:
    """States in which a ligand is already let go of by its site and not yet held by the restraint."""
    if kind is LegKind.TRANSFER:
        return _loose(kind, "transfer is", schedule.transfer, schedule.restraints, severe=True)
    if kind is not LegKind.COMPLEX:
        return []
    gone = _loose(kind, "Lennard-Jones terms are", schedule.sterics, schedule.restraints, severe=True)
    return gone or _loose(kind, "charges are", schedule.electrostatics, schedule.restraints, severe=False)


def _loose(kind: LegKind, what: str, coupled: Sequence[float], held: Sequence[float], *, severe: bool) -> list[Finding]:
    states = [k for k in range(len(held)) if coupled[k] < _HALF_CORE and held[k] < _LOOSE]
    if not states:
        return []
    worst = min(states, key=lambda k: coupled[k])
    return [
        (failed if severe else warned)(
            "schedule-restraint",
            f"schedule.{kind.value}: in state {worst} {what} at {coupled[worst]:g} and restraints at {held[worst]:g}",
            advice="take restraints to 1 first: a ligand that is not held leaves the site, and its volume is not known",
        )
    ]


def _first_steps(kind: LegKind, schedule: LambdaSchedule) -> list[Finding]:
    """Steps out of an end in which the coming ligand clashes: 0 of a transfer, both ends of an exchange."""
    row = schedule.transfer
    steps = [(abs(row[1] - row[0]), 0, 1)]
    if kind is LegKind.RELATIVE:
        steps.append((abs(row[-1] - row[-2]), len(row) - 1, len(row) - 2))
    return [
        warned(
            "schedule-leap",
            f"schedule.{kind.value}.transfer: the first step out of state {a} is {step:g}, and {_FIRST_TRANSFER:g} at "
            "most is usual",
            advice=f"add states between {a} and {b}: the ligand that comes clashes there",
        )
        for step, a, b in steps
        if step > _FIRST_TRANSFER
    ]


def _steps(key: str, kind: str, row: Sequence[float]) -> list[Finding]:
    return [*_leaps(key, kind, row), *_turns_back(key, row)]


def _leaps(key: str, kind: str, row: Sequence[float]) -> list[Finding]:
    """The longest step of a row for where it is, the last of several, if it is too long."""
    most = [_longest(kind, min(pair)) for pair in pairwise(row)]
    times = [abs(b - a) / limit for (a, b), limit in zip(pairwise(row), most, strict=True)]
    leaps = [k for k, ratio in enumerate(times) if ratio > 1 + 1e-9]
    if not leaps:
        return []
    worst = max(leaps, key=lambda k: (round(times[k], 9), k))
    soft = f" below {_SOFT:g}, where the soft core changes most" if most[worst] == _SOFT_LEAP else ""
    others = [f"{row[k]:g} and {row[k + 1]:g}" for k in leaps if k != worst]
    also = f", and between {', '.join(others)} as well" if others else ""
    return [
        warned(
            "schedule-leap",
            f"{key}: from {row[worst]:g} to {row[worst + 1]:g} in one step (state {worst} to {worst + 1}), and "
            f"{most[worst]:g} at most is usual{soft}",
            advice=f"add states between them{also}: neighbours that share no samples give no free energy",
        )
    ]


def _longest(kind: str, reached: float) -> float:
    """Longest usual step of a row that reaches down to a coupling."""
    return _SOFT_LEAP if kind == "sterics" and reached < _SOFT else _LEAPS[kind]


def _turns_back(key: str, row: Sequence[float]) -> list[Finding]:
    steps = [b - a for a, b in pairwise(row)]
    ahead = row[-1] >= row[0]
    back = [k for k, step in enumerate(steps) if (step < 0 if ahead else step > 0)]
    if not back:
        return []
    return [
        warned(
            "schedule-leap",
            f"{key}: turns back from {row[back[0]]:g} to {row[back[0] + 1]:g} (state {back[0]} to {back[0] + 1})",
            advice="put the states in order, unless it is meant",
        )
    ]
