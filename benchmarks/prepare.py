"""Whether the legs of prepared series are right: finite, stable for 500 steps, and the plain System at their end.

    bindfe prepare systems/tyk2/protocol.yaml --out runs/tyk2
    python benchmarks/prepare.py runs/tyk2 runs/hif2a

For every leg of a run directory its energy after minimisation is read from ``preparation.json``. For three
ligands, the first, the middle and the last of the series, the complex leg is taken further:

- energy of the alchemical System at its interacting end against that of the plain one, on the Reference platform and
  with the dispersion correction off, which an alchemical System has for the ligand's share only where it is coupled;
- a descent of 50 steps, velocities at the protocol's temperature, and 500 steps of the alchemical System with the
  protocol's integrator, pressure and time step.

A directory's line is printed when it is done; the exit code is 1 if anything failed. On one core a complex of
50,000 atoms takes about five minutes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openmm as mm
from openmm import unit

from bindfe.build.legfiles import LoadedLeg, PlainSystem, load_leg, load_plain
from bindfe.campaign.pipeline import protocol_of
from bindfe.campaign.prepare import Preparation
from bindfe.protocol import Protocol
from bindfe.results import Floats
from bindfe.sample.dynamics import choose_platform
from bindfe.sample.relax import relax
from bindfe.states import LegKind
from bindfe.store import Run, read_record
from bindfe.units import BOLTZMANN_KJ_MOL_K

DESCENT = 50
"""Steps of minimisation before velocities are drawn."""

MOST_APART = 1e-4
"""Energies of the two Systems may differ by this [kJ/mol]."""

SANE = (0.4, 1.25)
"""Temperature over the last 100 steps by that of the thermostat, which has had a picosecond or two to heat it."""


BOUND = (LegKind.COMPLEX, LegKind.TRANSFER)
"""Legs that hold the receptor with its ligand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What one complex leg did."""

    ligand: str
    """Its name."""
    n_atoms: int
    """Atoms."""
    solvent: tuple[int, int, int]
    """Waters, sodium and chloride ions."""
    charge: float
    """Net charge of the box [e]."""
    apart: float
    """Alchemical less plain energy [kJ/mol]."""
    energies: tuple[float, float]
    """Potential energy before and after the steps [kJ/mol]."""
    temperature: float
    """Mean over the last 100 steps [K]."""
    seconds: tuple[float, float]
    """Of the steps, and of both energies on the Reference platform."""

    def is_right(self, protocol: Protocol) -> bool:
        """Whether all is finite, the ends agree and the temperature is sane."""
        ratio = self.temperature / protocol.sampling.temperature
        sane = SANE[0] < ratio < SANE[1] and (not protocol.solvent.explicit or abs(self.charge) < 1e-3)
        return bool(np.all(np.isfinite(self.energies)) and self.apart <= MOST_APART and sane)


def end_energy(system: mm.System, positions: Floats, box: Floats | None, parameters: dict[str, float]) -> float:
    """Energy on the Reference platform without dispersion corrections [kJ/mol]."""
    for force in system.getForces():
        if isinstance(force, mm.NonbondedForce):
            force.setUseDispersionCorrection(False)
        elif isinstance(force, mm.CustomNonbondedForce):
            force.setUseLongRangeCorrection(False)
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    if box is not None:
        context.setPeriodicBoxVectors(*(box * unit.nanometer))
    context.setPositions(positions * unit.nanometer)
    for name, value in parameters.items():
        context.setParameter(name, value)
    return float(context.getState(energy=True).getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole))


def ends_apart(leg: LoadedLeg, plain: PlainSystem) -> float:
    """Energy of a leg's interacting end less the plain System's [kJ/mol], absolute; both lose their correction."""
    ours = end_energy(leg.system, leg.positions, leg.box, dict(leg.record.parameters[leg.record.start_state]))
    return abs(ours - end_energy(plain.system, plain.positions, plain.box, {}))


def temperatures(leg: LoadedLeg, start: Floats, protocol: Protocol, steps: int) -> Iterator[tuple[float, float]]:
    """Potential energy [kJ/mol] and temperature [K] after every tenth step; at the start first."""
    sampling = protocol.sampling
    integrator = mm.LangevinMiddleIntegrator(sampling.temperature, sampling.friction, sampling.time_step)
    integrator.setRandomNumberSeed(2026)
    context = mm.Context(leg.system, integrator, *choose_platform(protocol.compute))
    if leg.box is not None:
        context.setPeriodicBoxVectors(*(leg.box * unit.nanometer))
    context.setPositions(start * unit.nanometer)
    for name, value in leg.record.parameters[leg.record.start_state].items():
        context.setParameter(name, value)
    context.setVelocitiesToTemperature(sampling.temperature, 2026)
    degrees = sum(3 for i in range(leg.system.getNumParticles()) if leg.system.getParticleMass(i) > 0 * unit.amu)
    degrees -= leg.system.getNumConstraints()
    for _ in range(steps // 10 + 1):
        state = context.getState(energy=True)
        kinetic = state.getKineticEnergy().value_in_unit(unit.kilojoule_per_mole)
        yield (
            state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole),
            2 * kinetic / (degrees * BOLTZMANN_KJ_MOL_K),
        )
        integrator.step(10)


def try_leg(run: Run, ligand: str, protocol: Protocol, steps: int) -> Trial:
    """Compare the ends of a complex leg, minimise it and run it."""
    directory = next(at for kind in BOUND if (at := run.prepared(ligand, kind)).exists())
    leg, plain = load_leg(directory), load_plain(directory, "bound")
    relaxed = relax(plain.system, plain.positions, plain.box, what=ligand, compute=protocol.compute, steps=DESCENT)
    names = Counter(residue.name for residue in leg.topology.residues())
    began = time.perf_counter()
    course = np.array(list(temperatures(leg, relaxed.positions, protocol, steps)))
    ran = time.perf_counter()
    return Trial(
        ligand=ligand,
        n_atoms=leg.record.n_atoms,
        solvent=(names["HOH"], names["NA"], names["CL"]),
        charge=net_charge(plain.system),
        apart=ends_apart(leg, plain),
        energies=(float(course[0, 0]), float(course[-1, 0])),
        temperature=float(course[-10:, 1].mean()),
        seconds=(ran - began, time.perf_counter() - ran),
    )


def net_charge(system: mm.System) -> float:
    """Sum of the charges of a plain System [e]."""
    (force,) = (each for each in system.getForces() if isinstance(each, mm.NonbondedForce))
    charges = (force.getParticleParameters(i)[0] for i in range(force.getNumParticles()))
    return float(sum(charge.value_in_unit(unit.elementary_charge) for charge in charges))


def notes_of(run: Run) -> list[Preparation]:
    """What ``bindfe prepare`` noted of each leg."""
    return [read_record(path, Preparation) for path in sorted(run.root.glob("*/*/prepared/preparation.json"))]


def spread(values: list[float]) -> str:
    """Median and range."""
    known = [value for value in values if np.isfinite(value)] or [float("nan")]
    return f"{np.median(known):.0f} ({min(known):.0f} to {max(known):.0f})"


def summary(run: Run, notes: list[Preparation]) -> str:
    """Ligands, atoms, seconds, cached parameters, energies and size on disk."""
    names = {note.ligand for note in notes}
    complexes = [note for note in notes if note.kind in BOUND]
    seconds = [sum(note.seconds for note in notes if note.ligand == name) for name in names]
    size = [sum(f.stat().st_size for f in run.prepared(n.ligand, n.kind).iterdir()) / 1e6 for n in complexes]
    cached = sum(bool(note.cached) for note in complexes)
    finite = sum(bool(np.isfinite(note.energy)) for note in notes)
    return (
        f"{run.root.name}: {len(names)} ligands, {spread([float(n.n_atoms) for n in complexes])} atoms in the complex, "
        f"{spread(seconds)} s a ligand, parameters of {cached} cached, {finite} of {len(notes)} legs minimised to a "
        f"finite energy, {spread(size)} MB a complex leg"
    )


def line(trial: Trial, protocol: Protocol, steps: int) -> str:
    """What one complex leg did, in words."""
    return (
        f"{trial.ligand}: {trial.n_atoms} atoms ({'{} waters, {} Na, {} Cl'.format(*trial.solvent)}, charge "
        f"{trial.charge:.0e}), {steps} steps of {1000 * protocol.sampling.time_step:g} fs: "
        f"{trial.energies[0]:.0f} to {trial.energies[1]:.0f} kJ/mol, {trial.temperature:.0f} K "
        f"({trial.seconds[0]:.0f} s), ends {trial.apart:.1e} kJ/mol apart ({trial.seconds[1]:.0f} s)"
    )


def main() -> int:
    """Check each run directory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="directories of bindfe prepare")
    parser.add_argument("--ligands", type=int, default=3, help="complex legs to run")
    parser.add_argument("--names", nargs="*", default=(), help="these ligands instead")
    parser.add_argument("--steps", type=int, default=500, help="steps to run each")
    asked = parser.parse_args()
    wrong = 0
    for root in asked.runs:
        run = Run(root=root.absolute())
        protocol, notes = protocol_of(run), notes_of(run)
        print(summary(run, notes), flush=True)
        wrong += sum(not np.isfinite(note.energy) for note in notes)
        names = sorted({note.ligand for note in notes if note.kind in BOUND})
        places = np.unique(np.linspace(0, len(names) - 1, asked.ligands).round().astype(int))
        for name in asked.names or [names[i] for i in places]:
            trial = try_leg(run, name, protocol, asked.steps)
            right = trial.is_right(protocol)
            wrong += not right
            print(f"  {line(trial, protocol, asked.steps)}: {'right' if right else 'WRONG'}", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
