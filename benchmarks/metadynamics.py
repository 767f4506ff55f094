"""What a PLUMED bias costs a step, side by side: no bias, the bridge, PLUMED's own part of it, OpenMM's own bias.

    python benchmarks/metadynamics.py

One CPU core. Ways take turns in one process, and it is CPU time that is counted, so that whatever else the machine
does hits none of them more than the others; medians are printed. "bridge alone" is the bridge with PLUMED's commands
replaced by calls of a C function that does nothing: what it takes more than no bias is what the bridge adds, and the
rest is what the kernel itself takes. ``PLUMED_KERNEL`` chooses the kernel.
"""

from __future__ import annotations

import copy
import ctypes
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

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
    """CPU microseconds a step of each way, (ROUNDS,)."""


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
    """Microseconds of CPU time a step of one turn."""
    began = time.process_time()
    turn()
    return (time.process_time() - began) / steps * 1e6


def biased(case: Case, directory: Path, *, alone: bool) -> Callable[[], None]:
    """Turns with the bias; ``alone`` takes PLUMED itself away after it was started."""
    directory.mkdir()
    system = copy.deepcopy(case.system)
    bias = PlumedBias(case.script, temperature=TEMPERATURE, directory=directory)
    bias.add_to(system)
    context = context_of(case, system)
    bias.step(context, case.steps)
    if alone:
        bridge = bias._bridged()
        kernel = bridge.kernel
        nothing = type(kernel.table.cmd_safe_nothrow)(("labs", ctypes.PyDLL(None)))
        kernel.table = SimpleNamespace(cmd_safe_nothrow=nothing)
        bridge._calculate = kernel._calculator(b"prepareCalc", b"performCalcNoUpdate")
        bridge._advance = kernel._calculator(b"calc")
    return lambda: bias.step(context, case.steps)


def run(case: Case, directory: Path) -> None:
    """Take turns."""
    plain = context_of(case, case.system)
    turns: dict[str, Callable[[], None]] = {
        "no bias": lambda: plain.getIntegrator().step(case.steps),
        "bridge": biased(case, directory / "whole", alone=False),
        "bridge alone": biased(case, directory / "alone", alone=True),
    }
    if case.native:
        turns["openmm.app"] = native_metadynamics(case, copy.deepcopy(case.system))
    for turn in turns.values():
        turn()
    for _ in range(ROUNDS):
        for name, turn in turns.items():
            case.times.setdefault(name, []).append(timed(turn, case.steps))


def between(host: Sequence[int], guest: Sequence[int]) -> str:
    """Metadynamics of the distance between two groups of atoms, counted from 0."""
    first, second = (",".join(str(atom + 1) for atom in atoms) for atoms in (host, guest))
    return (
        f"h: COM ATOMS={first} NOPBC\ng: COM ATOMS={second} NOPBC\nd: DISTANCE ATOMS=h,g NOPBC\n"
        "UPPER_WALLS ARG=d AT=1.5 KAPPA=1000\n"
        "METAD ARG=d PACE=500 HEIGHT=1.2 SIGMA=0.05 BIASFACTOR=10 GRID_MIN=0 GRID_MAX=4\n"
    )


def cases(scratch: Path) -> list[Case]:
    """Alanine dipeptide in vacuum and in water, and CB7 with B2 in implicit solvent."""
    vacuum, water = testsystems.AlanineDipeptideVacuum(), testsystems.AlanineDipeptideExplicit()
    protocol = load_protocol(ROOT / "protocols/quickstart.yaml")
    (ligand,) = read_ligands(ROOT / "systems/cb7/b2.sdf")
    receptor = read_receptor(ROOT / "systems/cb7/cb7.sdf")
    prepare_leg(receptor, ligand, LegKind.TRANSFER, protocol, scratch, fingerprint="benchmark")
    leg, plain = load_leg(scratch), load_plain(scratch, "bound")
    host, guest = plain.receptor_atoms, plain.ligand_atoms
    return [
        Case("alanine dipeptide, vacuum", vacuum.system, vacuum.positions, TORSIONS, 0.002, 1000, native=True),
        Case("CB7:B2 OBC2, all atoms", plain.system, leg.positions, between(host, guest), 0.004, 200),
        Case("CB7:B2 OBC2, 22 atoms", plain.system, leg.positions, between(host[::9], guest[::4]), 0.004, 200),
        Case("alanine dipeptide, water", water.system, water.positions, TORSIONS, 0.002, 50),
    ]


def main() -> None:
    """Run each case and print a row for each way."""
    print(f"kernel: {find_kernel().name}; CPU microseconds a step, one core, medians of {ROUNDS} turns")
    columns = ("no bias", "bridge", "ratio", "adds", "kernel", "openmm.app", "ratio")
    print(f"{'system':26s}" + "".join(f"{column:>11s}" for column in columns))
    with tempfile.TemporaryDirectory() as scratch:
        for number, case in enumerate(cases(Path(scratch) / "leg")):
            directory = Path(scratch) / f"plumed{number}"
            directory.mkdir()
            run(case, directory)
            median = {name: float(np.median(values)) for name, values in case.times.items()}
            none, whole, alone = median["no bias"], median["bridge"], median["bridge alone"]
            numbers = [none, whole, whole / none, alone - none, whole - alone]
            if case.native:
                numbers += [median["openmm.app"], median["openmm.app"] / none]
            row = f"{case.name:26s}" + "".join(f"{number:11.3f}" for number in numbers)
            print(row, flush=True)


if __name__ == "__main__":
    main()
