"""Bidirectional switching between a force field and a potential, in one environment.

Forward switches start from stored frames of the force field's end, reverse switches from a run at the
potential's end. One-sided reweighting between the two fails for molecules of 30 atoms (sd of the energy
difference 4 to 5 kT, 7 effective frames of 100), and one-directional switching fails silently in some
cases; from both ends it is checked by the two directions.

In a box the run at the potential's end keeps the pressure, and switches keep the volume that they begin with.

Everything that draws has a seed derived from (seed, environment, repeat, what, number), and every batch
starts new Contexts from stored coordinates, so that a run that was killed continues to the same numbers.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openmm
from numpy.typing import NDArray

from bindfe.errors import InputError, SamplingError
from bindfe.mlip.committee import Committee, DividesCommittee
from bindfe.mlip.hybrid import add_potential
from bindfe.mlip.internal import InternalEnergy
from bindfe.protocol import Protocol, SwitchingSettings
from bindfe.results import CommitteeEnergies, SwitchingWork
from bindfe.sample.drive import Driver, derived_seed
from bindfe.sample.dynamics import Replica
from bindfe.sample.rescore import Offsets, rescore
from bindfe.store import Arrays, read_arrays, write_arrays

logger = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with (switch pairs done, switch pairs in all) after each stored batch."""

BATCH = 2
"""Pairs of switches in one stored file: what a kill can cost."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ForceFieldEnd:
    """The force field's end in one environment and repeat: what was sampled, and where switches start."""

    system: openmm.System
    """Physical System of the environment (``build.load_plain``)."""
    ligand_atoms: tuple[int, ...]
    """Atoms of the ligand in it, (n_ligand,)."""
    frames: NDArray[np.floating]
    """Equilibrium samples of it [nm], (F, n_atoms, 3), any number; decorrelated ones are worth most."""
    boxes: NDArray[np.floating] | None = None
    """Box vectors of each frame [nm], (F, 3, 3), in a periodic System; None otherwise."""
    environment: str
    """``bound`` or ``free``, ``water`` or ``gas``."""
    repeat: int
    """Which repeat."""
    seed: int
    """Seed of the run, from which every other one follows."""

    def __post_init__(self) -> None:
        n_atoms = self.system.getNumParticles()
        if len(self.frames) == 0 or self.frames.shape[1:] != (n_atoms, 3):
            raise InputError(
                f"{self.environment}: frames of shape (1 or more, {n_atoms}, 3) are needed, found {self.frames.shape}"
            )

    def starts(self) -> list[Replica]:
        """The frames as starts of forward switches, in a seeded order."""
        rng = np.random.default_rng(self.seed_of("order"))
        return [
            Replica(
                positions=np.asarray(self.frames[index], dtype=float),
                velocities=np.zeros(self.frames.shape[1:]),
                box=None if self.boxes is None else np.asarray(self.boxes[index], dtype=float),
            )
            for index in rng.permutation(len(self.frames))
        ]

    def seed_of(self, what: str, number: int = 0) -> int:
        """The seed of one thing that draws."""
        return derived_seed(self.seed, self.environment, self.repeat, what, number)


@dataclass(frozen=True, kw_only=True, slots=True)
class EnvironmentCorrection:
    """What switching in one environment and repeat gave."""

    environment: str
    """``bound`` or ``free``, ``water`` or ``gas``."""
    repeat: int
    """Which repeat."""
    work: SwitchingWork
    """From the force field (0) to the potential less its offset (1) and back [kT]."""
    committee: CommitteeEnergies
    """Energies of the members on the frames of the potential's end; their driver (the mean or a member) is the
    potential that the work goes to; frames in time order."""


def correct_environment(
    end: ForceFieldEnd,
    protocol: Protocol,
    *,
    committee: Committee,
    offsets: Offsets,
    directory: Path,
    driver: int | None = None,
    progress: Progress | None = None,
) -> EnvironmentCorrection:
    """Switch between the force field and a committee's mean, or one member, in one environment, or continue to.

    Args:
        end: The force field's end. Switch i starts from frame p(i mod F) of a seeded permutation p.
        protocol: Its ``committee.switching`` (number and length of switches, the run at the potential's end,
            time step), ``sampling`` (temperature and friction) and ``compute``.
        committee: Potentials of the ligand.
        offsets: Zeros of the potentials: the same in both environments.
        directory: Where batches are stored; whole batches in it are not run again.
        driver: The member that drives, at the cost of one; None for the mean of all.
        progress: Called after each batch.

    Returns:
        ``switching.number`` works in each direction and the members' energies at the potential's end.

    Raises:
        InputError: A driver that the committee does not have, or a committee that cannot be divided.
        SamplingError: Dynamics failed; the message names environment, repeat and switch.
    """
    settings, sampling = protocol.committee.switching, protocol.sampling
    driving, offset = _driving(committee, offsets, driver)
    engine = Driver(
        system=add_potential(end.system, end.ligand_atoms, committee=driving, offset=offset),
        temperature=sampling.temperature,
        friction=sampling.friction,
        time_step=settings.time_step,
        compute=protocol.compute,
    )
    campaign = _Campaign(driver=engine, end=end, starts=end.starts(), settings=settings, directory=directory)
    batches = campaign.run(progress)
    ligand = np.concatenate([batch["ligand"] for batch in batches])[: settings.number]
    return EnvironmentCorrection(
        environment=end.environment,
        repeat=end.repeat,
        work=SwitchingWork(
            forward=np.concatenate([batch["forward"] for batch in batches])[: settings.number],
            reverse=np.concatenate([batch["reverse"] for batch in batches])[: settings.number],
        ),
        committee=rescore(
            ligand,
            committee=committee,
            internal=InternalEnergy.of(end.system, end.ligand_atoms),
            offsets=offsets,
            temperature=sampling.temperature,
            environment=end.environment,
            driver="mean" if driver is None else committee.members[driver],
        ),
    )


def _driving(committee: Committee, offsets: Offsets, driver: int | None) -> tuple[Committee, float]:
    """What drives, and the constant that puts it on the force field's scale [kJ/mol]."""
    if driver is None:
        return committee, offsets.mean_gap_kj_mol
    if not isinstance(committee, DividesCommittee) or not 0 <= driver < len(committee.members):
        raise InputError(
            f"member {driver} of {committee.name} cannot drive alone: it has members 0 to {len(committee.members) - 1}"
            f"{'' if isinstance(committee, DividesCommittee) else ', which cannot be taken apart'}; use the mean"
        )
    return committee.subset([driver]), offsets.gap_kj_mol(driver)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Campaign:
    """The switches of one environment and repeat, stored batch by batch."""

    driver: Driver
    end: ForceFieldEnd
    starts: list[Replica]
    settings: SwitchingSettings
    directory: Path

    @property
    def name(self) -> str:
        return f"{self.end.environment}, repeat {self.end.repeat}"

    def run(self, progress: Progress | None) -> list[Arrays]:
        """Do what is not stored yet; return all batches."""
        batches: list[Arrays] = []
        for number in range(math.ceil(self.settings.number / BATCH)):
            path = self.directory / f"batch-{number:05d}.npz"
            if not path.is_file():
                write_arrays(path, self._batch(number, self._resume(batches)))
            batches.append(read_arrays(path))
            if progress is not None:
                progress(min((number + 1) * BATCH, self.settings.number), self.settings.number)
        return batches

    def _resume(self, batches: list[Arrays]) -> Replica:
        """Where the run at the potential's end stands."""
        if batches:
            last = batches[-1]
            return Replica(positions=last["positions"], velocities=last["velocities"], box=last.get("box"))
        logger.info("%s: equilibrating at the potential's end", self.name)
        with _naming(f"{self.name}, equilibration at the potential's end"):
            return self.driver.sample(
                self.starts[0],
                value=1.0,
                steps=self._steps(self.settings.equilibration),
                n_frames=1,
                seed=self.end.seed_of("equilibration", 0),
                thermalise=True,
            )[0]

    def _batch(self, number: int, start: Replica) -> Arrays:
        spacing = self._steps(self.settings.spacing)
        with _naming(f"{self.name}, run at the potential's end, batch {number}"):
            seed = self.end.seed_of("potential", number)
            frames = self.driver.sample(start, value=1.0, steps=spacing, n_frames=BATCH, seed=seed)
        switches = range(number * BATCH, (number + 1) * BATCH)
        arrays: Arrays = {
            "forward": np.array([self._switch(self.starts[n % len(self.starts)], n, forward=True) for n in switches]),
            "reverse": np.array([self._switch(f, n, forward=False) for n, f in zip(switches, frames, strict=True)]),
            "ligand": np.array([frame.positions[list(self.end.ligand_atoms)] for frame in frames]),
            "positions": frames[-1].positions,
            "velocities": frames[-1].velocities,
        }
        if frames[-1].box is not None:
            arrays["box"] = frames[-1].box
        return arrays

    def _switch(self, start: Replica, number: int, *, forward: bool) -> float:
        what = "forward" if forward else "reverse"
        with _naming(f"{self.name}, {what} switch {number}"):
            steps = self._steps(self.settings.length)
            return self.driver.switch(start, forward=forward, steps=steps, seed=self.end.seed_of(what, number))

    def _steps(self, time: float) -> int:
        return max(1, round(time / self.settings.time_step))


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Say in a SamplingError what was being done."""
    try:
        yield
    except SamplingError as error:
        raise SamplingError(f"{what}: {error}") from error
