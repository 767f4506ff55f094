"""The audit of a mixed System: no potential drives anything before its forces and its surroundings are right.

Everything is asked of the System's Context, as dynamics will, and compared with what shares no code with
what built it: forces with differences of energies, the ends with the force field's own System, energies with
those of the committee beside it, a long history with a fresh copy. One run takes some hundred energies of
the potential, under a second for a ligand.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import openmm
from numpy.typing import ArrayLike, NDArray

from bindfe.errors import InputError
from bindfe.mlip import claims, ends
from bindfe.mlip.committee import Committee
from bindfe.mlip.contract import Check
from bindfe.mlip.probe import Probe
from bindfe.mlip.region import Region
from bindfe.mlip.subject import Subject, small

Floats = NDArray[np.float64]

_PARTS = (
    ends.model,
    ends.ends,
    ends.switch,
    claims.gradient,
    claims.symmetry,
    claims.images,
    claims.history,
    claims.stiffness,
)
_NOISE_NM = 0.003  # on the geometry that is audited, so that it is no minimum


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditReport:
    """What an audit found."""

    model: str
    """Name of the committee."""
    n_atoms: int
    """Atoms that the potential describes, caps not counted."""
    checks: tuple[Check, ...]
    """Every claim that was tested."""
    seconds: float
    """Time that it took [s]."""

    @property
    def passed(self) -> bool:
        """Whether all claims hold."""
        return all(check.passed for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """The claims that do not hold."""
        return tuple(check for check in self.checks if not check.passed)

    def __str__(self) -> str:
        """One line for each claim."""
        verdict = "passed" if self.passed else f"FAILED ({len(self.failures)} of {len(self.checks)} checks)"
        head = f"audit of {self.model} on {self.n_atoms} atoms: {verdict} in {self.seconds:.2f} s"
        return "\n".join([head, *map(str, self.checks)])

    def require(self) -> None:
        """Refuse a System that failed.

        Raises:
            InputError: The message lists what does not hold.
        """
        if not self.passed:
            lines = "; ".join(str(check).removeprefix("FAILED ") for check in self.failures)
            raise InputError(
                f"the mixed System of {self.model} failed its audit, so nothing is simulated with it: {lines}. "
                "`bindfe audit` shows every check"
            )


def audit_system(
    mixed: openmm.System,
    *,
    plain: openmm.System,
    region: Region | Sequence[int],
    positions_nm: ArrayLike,
    committee: Committee,
    offset: float,
    numbers: Sequence[int],
    charge: int | None = None,
    box_nm: ArrayLike | None = None,
    temperature: float = 300.0,
    seed: int = 0,
) -> AuditReport:
    """Audit a mixed System, ours or one of openmm-ml; the potential's force is in group ``MLIP_GROUP``.

    Args:
        mixed: What would be simulated.
        plain: The physical System that it was made of.
        region: Atoms of the potential, in the committee's order, (N,); with caps, see
            :func:`bindfe.mlip.region.cut_region`.
        positions_nm: Positions of all atoms [nm], (n, 3), molecules whole.
        committee: The committee that the System is meant to have, opened apart from it.
        offset: Constant c that is meant to be subtracted [kJ/mol]; the same in every environment.
        numbers: Atomic numbers of the region's atoms, and 1 for each cap, (N + L,).
        charge: Charge of the region [e]; by default that of the force field's charges for whole molecules.
        box_nm: Box vectors as rows [nm], (3, 3); the System's own by default.
        temperature: Of the velocities without a thermostat [K].
        seed: Of the displacements, directions and rotations that are drawn.

    Returns:
        Every claim with what was found; ``report.require()`` raises if one does not hold.

    Raises:
        InputError: Positions or region do not fit the Systems.
    """
    start = time.perf_counter()
    region = region if isinstance(region, Region) else Region(atoms=tuple(region))
    checks = list(ends.structure(mixed, plain, region))
    if checks[0].passed:
        box, rng = None if box_nm is None else np.asarray(box_nm, dtype=float), np.random.default_rng(seed)
        settled = _settled(plain, region, np.asarray(positions_nm, dtype=float), box=box, rng=rng)
        subject = Subject(
            mixed=Probe(mixed, settled, box_nm=box),
            plain=Probe(plain, settled, box_nm=box),
            region=region,
            committee=committee,
            numbers=tuple(numbers),
            charge=charge,
            offset=offset,
            where=settled[list(region.particles)],
            rng=rng,
        )
        for part in _PARTS:
            checks += part(subject)
        checks.append(claims.conservation(subject, temperature=temperature, seed=seed))
    return AuditReport(
        model=committee.name, n_atoms=len(region.atoms), checks=tuple(checks), seconds=time.perf_counter() - start
    )


def same_in_both(
    first: openmm.System,
    second: openmm.System,
    *,
    first_region: Region | Sequence[int],
    second_region: Region | Sequence[int],
    positions_nm: ArrayLike,
    second_positions_nm: ArrayLike,
) -> Check:
    """Compare the potential in two environments, at one geometry: model, members, offset and internal terms.

    What is the same cancels from a difference of free energies; an offset that is missing in one leg is
    1e6 kJ/mol, one that is a little off is not seen in any other way.

    Args:
        first: Mixed System of one environment.
        second: Mixed System of the other.
        first_region: Its atoms in the first.
        second_region: The same atoms in the second.
        positions_nm: Positions in the first [nm], (n, 3); those of the region are used in both.
        second_positions_nm: Positions in the second [nm], (n', 3).
    """
    particles = [
        (each if isinstance(each, Region) else Region(atoms=tuple(each))).particles
        for each in (first_region, second_region)
    ]
    probes = [Probe(first, np.asarray(positions_nm)), Probe(second, np.asarray(second_positions_nm))]
    where = probes[0].positions[list(particles[0])]
    found = [
        [probe.energy(value=value, moved=(atoms, where)) for value in (0.0, 1.0)]
        for probe, atoms in zip(probes, particles, strict=True)
    ]
    return small("both environments have the same potential and offset", np.array(found[0]) - np.array(found[1]))


def _settled(
    plain: openmm.System, region: Region, positions: Floats, *, box: Floats | None, rng: np.random.Generator
) -> Floats:
    """Positions [nm] with noise on the region, so that they are no minimum, and constraints that hold."""
    moved = Probe(plain, positions, box_nm=box).positions.copy()
    moved[list(region.particles)] += rng.normal(scale=_NOISE_NM, size=(len(region.particles), 3))
    return Probe(plain, moved, box_nm=box).constrained() if plain.getNumConstraints() else moved
