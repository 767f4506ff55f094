"""What a PLUMED bias costs a step, side by side: no bias, the bridge, PLUMED's own part of it, OpenMM's own bias.

    python benchmarks/metadynamics.py

One CPU core. Systems take turns in one process, so that whatever else the machine does hits all of them; medians are
printed. What the kernel takes is PLUMED's own count, from the table that it writes when it ends: the time of its
six stages, in the run that is timed and not in a loop of its own, where caches would be warm. What the bridge adds is
what is left of the difference. ``PLUMED_KERNEL`` chooses the kernel.
"""

from __future__ import annotations

import copy
import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import openmm as mm
from openmm import app
from openmmtools import testsystems

from bindfe.build.leg import prepare_leg
from bindfe.build.legfiles import load_leg, load_plain
from bindfe.chem.ligand import read_ligands
from bindfe.chem.receptor import read_receptor
from bindfe.protocol import ComputeSettings, load_protocol
from bindfe.sample.dynamics import choose_platform
from bindfe.sample.plumed import PlumedBias, find_kernel
from bindfe.states import LegKind

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 9
TEMPERATURE = 298.15
PHI, PSI = (4, 6, 8, 14), (6, 8, 14, 16)
TORSIONS = """\
phi: TORSION ATOMS=5,7,9,15
psi: TORSION ATOMS=7,9,15,17
METAD ARG=phi,psi PACE=500 HEIGHT=1.2 SIGMA=0.35,0.35 BIASFACTOR=8 GRID_MIN=-pi,-pi GRID_MAX=pi,pi
"""
_STAGE = re.compile(r"^PLUMED: [1-6] [A-Z][\w ()]*?\s+(\d+)\s+([\d.]+)", re.MULTILINE)


@dataclass
class Case:
    """A system, its bias, and what its steps took."""

    name: str
    system: mm.System
    positions: np.ndarray
    """Coordinates [nm], (n_atoms, 3)."""
    script: str
    time_step: float
    """[ps]."""
    steps: int
    """Steps in one turn."""
    native: bool = False
    """Whether ``openmm.app.Metadynamics`` runs beside it, on the torsions of alanine dipeptide."""
    times: dict[str, list[float]] = field(default_factory=dict)
    """Microseconds a step of each way, (ROUNDS,)."""


def context_of(case: Case, system: mm.System) -> mm.Context:
    """A Context after minimisation and a few steps."""
    integrator = mm.LangevinMiddleIntegrator(TEMPERATURE, 1.0, case.time_step)
    integrator.setRandomNumberSeed(1)
    platform, properties = choose_platform(ComputeSettings(platform="CPU"))
    context = mm.Context(system, integrator, platform, properties)
    context.setPositions(case.positions)
    mm.LocalEnergyMinimizer.minimize(context, 10.0, 100)
    context.setVelocitiesToTemperature(TEMPERATURE, 1)
    integrator.step(100)
    return context


def native_metadynamics(case: Case, system: mm.System) -> Callable[[], None]:
    """Turns of ``openmm.app.Metadynamics`` with the hills of ``TORSIONS``."""
    variables = []
    for atoms in (PHI, PSI):
        torsion = mm.CustomTorsionForce("theta")
        torsion.addTorsion(*atoms)
        variables.append(app.BiasVariable(torsion, -np.pi, np.pi, 0.35, True, 90))
    metadynamics = app.Metadynamics(system, variables, TEMPERATURE, 8, 1.2, 500)
    topology = testsystems.AlanineDipeptideVacuum().topology
    integrator = mm.LangevinMiddleIntegrator(TEMPERATURE, 1.0, case.time_step)
    platform, properties = choose_platform(ComputeSettings(platform="CPU"))
    simulation = app.Simulation(topology, system, integrator, platform, properties)
    simulation.context.setPositions(case.positions)
    simulation.minimizeEnergy(maxIterations=100)
    return lambda: metadynamics.step(simulation, case.steps)


def timed(turn: Callable[[], None], steps: int) -> float:
    """Microseconds a step of one turn."""
    began = time.perf_counter()
    turn()
    return (time.perf_counter() - began) / steps * 1e6


def run(case: Case, directory: Path) -> float:
    """Take turns; the result is PLUMED's own time a step [microseconds]."""
    system = copy.deepcopy(case.system)
    bias = PlumedBias(case.script, temperature=TEMPERATURE, directory=directory)
    bias.add_to(system)
    plain, biased = context_of(case, case.system), context_of(case, system)
    turns: dict[str, Callable[[], None]] = {
        "no bias": lambda: plain.getIntegrator().step(case.steps),
        "bridge": lambda: bias.step(biased, case.steps),
    }
    if case.native:
        turns["openmm.app"] = native_metadynamics(case, copy.deepcopy(case.system))
    for turn in turns.values():
        turn()
    for _ in range(ROUNDS):
        for name, turn in turns.items():
            case.times.setdefault(name, []).append(timed(turn, case.steps))
    bias.close()
    stages = _STAGE.findall((directory / "plumed.log").read_text())
    return sum(float(total) for _, total in stages) / ((ROUNDS + 1) * case.steps) * 1e6


def cases(scratch: Path) -> list[Case]:
    """Alanine dipeptide in vacuum and in water, and CB7 with B2 in implicit solvent."""
    vacuum, water = testsystems.AlanineDipeptideVacuum(), testsystems.AlanineDipeptideExplicit()
    protocol = load_protocol(ROOT / "protocols/quickstart.yaml")
    (ligand,) = read_ligands(ROOT / "systems/cb7/b2.sdf")
    receptor = read_receptor(ROOT / "systems/cb7/cb7.sdf")
    prepare_leg(receptor, ligand, LegKind.TRANSFER, protocol, scratch, fingerprint="benchmark")
    leg, plain = load_leg(scratch), load_plain(scratch, "bound")
    host, guest = (",".join(str(atom + 1) for atom in atoms) for atoms in (plain.receptor_atoms, plain.ligand_atoms))
    distance = (
        f"h: COM ATOMS={host}\ng: COM ATOMS={guest}\nd: DISTANCE ATOMS=h,g\nUPPER_WALLS ARG=d AT=1.5 KAPPA=1000\n"
        "METAD ARG=d PACE=500 HEIGHT=1.2 SIGMA=0.05 BIASFACTOR=10 GRID_MIN=0 GRID_MAX=4\n"
    )
    return [
        Case("alanine dipeptide, vacuum", vacuum.system, vacuum.positions, TORSIONS, 0.002, 2000, native=True),
        Case("CB7 with B2, OBC2", plain.system, leg.positions, distance, 0.004, 300),
        Case("alanine dipeptide, water", water.system, water.positions, TORSIONS, 0.002, 60),
    ]


def main() -> None:
    """Run each case and print a row for each way."""
    print(f"kernel: {find_kernel().name}; microseconds a step, one core, medians of {ROUNDS} turns")
    print(f"{'system':28s} {'way':12s} {'us/step':>9s} {'ratio':>7s} {'kernel':>8s} {'bridge adds':>12s}")
    with tempfile.TemporaryDirectory() as scratch:
        for number, case in enumerate(cases(Path(scratch))):
            directory = Path(scratch) / f"plumed{number}"
            directory.mkdir()
            kernel = run(case, directory)
            medians = {name: float(np.median(values)) for name, values in case.times.items()}
            for name, value in medians.items():
                row = f"{case.name:28s} {name:12s} {value:9.1f} {value / medians['no bias']:7.3f}"
                if name == "bridge":
                    row += f" {kernel:8.1f} {value - medians['no bias'] - kernel:12.1f}"
                print(row)


if __name__ == "__main__":
    main()
