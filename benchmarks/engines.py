"""What an alchemical step costs: plain dynamics, alchemical transfer and double decoupling, side by side.

    python benchmarks/engines.py

CB7 with B2 in OBC2, one CPU core. The three take turns in one process, so that whatever else the machine does
hits all of them; the medians of their rates and their ratios are printed.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openmm as mm

from bindfe.build.leg import prepare_leg
from bindfe.build.legfiles import LoadedLeg, load_leg, load_plain
from bindfe.chem.ligand import read_ligands
from bindfe.chem.receptor import read_receptor
from bindfe.protocol import ComputeSettings, Protocol, load_protocol
from bindfe.sample.dynamics import choose_platform
from bindfe.states import LegKind

ROOT = Path(__file__).resolve().parents[1]
ROUNDS, STEPS = 9, 200


def stepper(system: mm.System, leg: LoadedLeg, state: int) -> Callable[[], float]:
    """A function that takes ``STEPS`` steps of 4 fs in one state and returns its rate [steps/s]."""
    integrator = mm.LangevinMiddleIntegrator(298.15, 1.0, 0.004)
    integrator.setRandomNumberSeed(1)
    platform, properties = choose_platform(ComputeSettings(platform="CPU"))
    context = mm.Context(system, integrator, platform, properties)
    context.setPositions(leg.positions)
    there = set(context.getParameters())
    for name, value in leg.record.parameters[state].items():
        if name in there:
            context.setParameter(name, value)
    mm.LocalEnergyMinimizer.minimize(context, 10.0, 100)
    context.setVelocitiesToTemperature(298.15, 1)
    integrator.step(STEPS)

    def run() -> float:
        began = time.perf_counter()
        context.getIntegrator().step(STEPS)  # through the Context, which must outlive this function's caller
        return STEPS / (time.perf_counter() - began)

    return run


def prepared(protocol: Protocol, kind: LegKind, directory: Path) -> LoadedLeg:
    """The leg of CB7 with B2."""
    (ligand,) = read_ligands(ROOT / "systems/cb7/b2.sdf")
    prepare_leg(read_receptor(ROOT / "systems/cb7/cb7.sdf"), ligand, kind, protocol, directory, fingerprint="benchmark")
    return load_leg(directory)


def main() -> None:
    """Prepare, take turns, print."""
    protocol = load_protocol(ROOT / "protocols/quickstart.yaml")
    decouple = protocol.model_copy(update={"alchemy": protocol.alchemy.model_copy(update={"method": "decouple"})})
    with tempfile.TemporaryDirectory() as scratch:
        transfer = prepared(protocol, LegKind.TRANSFER, Path(scratch) / "transfer")
        complex_leg = prepared(decouple, LegKind.COMPLEX, Path(scratch) / "complex")
        plain = load_plain(Path(scratch) / "transfer", "bound")
        runs = {
            "plain": stepper(plain.system, transfer, transfer.record.start_state),
            "transfer (ATMForce)": stepper(transfer.system, transfer, transfer.record.start_state),
            "decouple (openmmtools)": stepper(complex_leg.system, complex_leg, complex_leg.record.start_state),
        }
        rates = {name: [] for name in runs}
        for _ in range(ROUNDS):
            for name, run in runs.items():
                rates[name].append(run())
    best = float(np.median(rates["plain"]))
    print(f"{'engine':24s} {'steps/s':>8s} {'ns/day':>8s} {'cost':>6s}")
    for name, values in rates.items():
        rate = float(np.median(values))
        print(f"{name:24s} {rate:8.0f} {rate * 4e-6 * 86400:8.1f} {best / rate:5.1f}x")


if __name__ == "__main__":
    main()
