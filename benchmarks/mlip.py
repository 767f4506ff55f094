"""What a committee of potentials costs, beside openmm-ml in the same run.

    python benchmarks/mlip.py [--quick] [--rows ani stored water others step]

One thread, CPU time. What is compared takes turns in one process, so that whatever else the machine does hits all
of it, and the fastest tenth counts, because that can only add. A row whose packages or weights are absent says so.
openmm-ml's ANI runs here for its time only: its forces are ten times too small.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openmm as mm
from openmm import app
from time_step import ligand_of
from time_step import main as time_steps

from bindfe.build.forcefield import parametrise
from bindfe.build.solvate import solvate
from bindfe.errors import BindfeError
from bindfe.mlip import open_committee
from bindfe.mlip.catalogue import find_weights
from bindfe.mlip.hybrid import LAMBDA_MLIP, add_potential
from bindfe.protocol import LigandSettings, Protocol, SamplingSettings, SolventSettings

MOLECULES = {
    "benzene": "c1ccccc1",
    "paracetamol": "CC(=O)Nc1ccc(O)cc1",
    "ibuprofen": "CC(C)Cc1ccc(cc1)C(C)C(=O)O",
    "haloperidol": "OC1(CCN(CCCC(=O)c2ccc(F)cc2)CC1)c1ccc(Cl)cc1",
}
DRIVEN = "ibuprofen"
"""33 atoms: the ligand of the rows in water and of the sparse committee."""


def take_turns(runs: dict[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """CPU time of each [ms], the fastest tenth; the first two rounds are not counted."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 2):
        for name, run in runs.items():
            began = time.process_time()
            run()
            if turn > 1:
                times[name].append(1e3 * (time.process_time() - began))
    return {name: float(np.quantile(values, 0.1)) for name, values in times.items()}


def state_of(positions_nm: np.ndarray) -> mm.State:
    """A State with these positions, as a PythonForce gets one."""
    system = mm.System()
    for _ in positions_nm:
        system.addParticle(1.0)
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions_nm)
    return context.getState(positions=True)


def openmmml_ani(numbers: list[int], member: int | None) -> Callable[[mm.State], object]:
    """What openmm-ml's PythonForce calls, for one member or for all."""
    import torch
    import torchani
    from openmmml.models.anipotential import _computeANI

    model = torchani.models.ANI2x(periodic_table_index=True)
    if member is not None:
        model = model[member]
    return functools.partial(_computeANI, model=model, species=torch.tensor([numbers]), pbc=None)


def in_vacuum(rounds: int) -> None:
    """Energies of all members and forces of their mean, one molecule at a time."""
    print("\nANI-2x: energies and forces, ms")
    print(
        f"{'molecule':14s}{'atoms':>6s}{'bindfe, 8':>11s}{'bindfe, 1':>11s}{'openmm-ml, 1':>14s}{'openmm-ml, 8':>14s}",
        end="",
    )
    print(f"{'8 : its 1':>11s}{'8 : its 8':>11s}")
    for name, smiles in MOLECULES.items():
        numbers, positions = atoms_of(smiles)
        ours, state = open_committee("ani2x", numbers=numbers), state_of(positions)
        one, its_one, its_all = ours.subset((0,)), openmmml_ani(numbers, 0), openmmml_ani(numbers, None)
        runs = {
            "8": functools.partial(ours.mean_energy_and_forces, positions),
            "1": functools.partial(one.mean_energy_and_forces, positions),
            "its 1": functools.partial(its_one, state),
            "its 8": functools.partial(its_all, state),
        }
        took = take_turns(runs, rounds=rounds)
        print(f"{name:14s}{len(numbers):6d}{took['8']:11.2f}{took['1']:11.2f}{took['its 1']:14.2f}", end="")
        print(f"{took['its 8']:14.2f}{took['8'] / took['its 1']:10.2f}x{took['8'] / took['its 8']:10.2f}x")


def on_stored_frames(rounds: int) -> None:
    """One member drives, all members look at every hundredth frame."""
    numbers, positions = atoms_of(MOLECULES[DRIVEN])
    ours = open_committee("ani2x", numbers=numbers)
    one = ours.subset((0,))
    frames = positions + np.random.default_rng(1).normal(scale=0.002, size=(16, *positions.shape))
    runs = {
        "one": functools.partial(one.mean_energy_and_forces, positions),
        "all, one frame": functools.partial(ours.energies, frames[:1]),
        "all, 16 frames": functools.partial(ours.energies, frames),
    }
    took = take_turns(runs, rounds=rounds)
    print(f"\nall members every 100 steps while one drives, {DRIVEN}")
    print(f"one member {took['one']:.2f} ms a step; all on a frame {took['all, one frame']:.2f} ms", end="")
    print(f", {took['all, 16 frames'] / 16:.2f} ms in a batch of 16")
    for name, cost in (("at once", took["all, one frame"]), ("in batches", took["all, 16 frames"] / 16)):
        print(f"{name:14s}{1 + cost / (100 * took['one']):6.3f}x one member")


def in_water(rounds: int, steps: int) -> None:
    """A step of molecular dynamics of a ligand in about 2,100 atoms."""
    import torch
    from openmmml import MLPotential

    torch.set_num_threads(1)
    protocol = Protocol(
        ligands=LigandSettings(file="ligand.sdf"),
        solvent=SolventSettings(model="tip3p", padding="16 A", ionic_strength="0 M", cutoff="9 A"),
        sampling=SamplingSettings(pressure=None),
    )
    plain, assembly = solvate(*parametrise(None, ligand_of(MOLECULES[DRIVEN]), protocol), protocol)
    atoms = assembly.ligand_atoms
    named = list(assembly.topology.atoms())
    ours = open_committee("ani2x", numbers=[named[atom].element.atomic_number for atom in atoms])
    offset = float(ours.energies(assembly.positions[list(atoms)][None]).mean())
    mixed = add_potential(plain, atoms, committee=ours, offset=offset)
    single = add_potential(plain, atoms, committee=ours.subset((0,)), offset=offset)
    potential = MLPotential("ani2x")

    def theirs(**options: Any) -> mm.System:
        return potential.createMixedSystem(
            assembly.topology, plain, list(atoms), removeConstraints=False, device="cpu", **options
        )

    runs = {
        "force field": stepper(plain, assembly.topology, assembly.positions, steps=steps),
        "bindfe, lambda_mlip 0": stepper(mixed, assembly.topology, assembly.positions, steps=steps, weight=0.0),
        "bindfe, one member": stepper(single, assembly.topology, assembly.positions, steps=steps, weight=1.0),
        "bindfe, eight members": stepper(mixed, assembly.topology, assembly.positions, steps=steps, weight=1.0),
        "openmm-ml, one member": stepper(theirs(modelIndex=0), assembly.topology, assembly.positions, steps=steps),
        "openmm-ml, eight members": stepper(theirs(), assembly.topology, assembly.positions, steps=steps),
    }
    took = take_turns(runs, rounds=rounds)
    print(f"\na step of {DRIVEN} ({len(atoms)} atoms) in TIP3P, {plain.getNumParticles()} atoms, CPU platform")
    for name, cost in took.items():
        print(f"{name:26s}{cost / steps:8.2f} ms{cost / took['force field']:8.2f}x")


def stepper(
    system: mm.System, topology: app.Topology, positions: np.ndarray, *, steps: int, weight: float | None = None
) -> Callable[[], None]:
    """A function that takes some steps of 1 fs."""
    context = mm.Context(
        system,
        mm.LangevinMiddleIntegrator(298.15, 1.0, 0.001),
        mm.Platform.getPlatformByName("CPU"),
        {"Threads": "1"},
    )
    context.setPeriodicBoxVectors(*topology.getPeriodicBoxVectors())
    context.setPositions(positions)
    if weight is not None:
        context.setParameter(LAMBDA_MLIP, weight)
    mm.LocalEnergyMinimizer.minimize(context, 100.0, 20)
    context.setVelocitiesToTemperature(298.15, 1)
    return lambda: context.getIntegrator().step(steps)


def other_models(rounds: int) -> None:
    """AIMNet2 and MACE beside openmm-ml's."""
    print("\nother potentials, energies and forces of paracetamol, ms")
    numbers, positions = atoms_of(MOLECULES["paracetamol"])
    data = os.environ.get("BINDFE_DATA", "")
    mace = next(iter(sorted(Path(data, "models", "mace_dipep").rglob("*.model"))), None) if data else None
    pinned = f"mace:{mace}#sha256={hashlib.sha256(mace.read_bytes()).hexdigest()}" if mace else "mace-off23-small"
    for name, model, kind, path in (
        ("AIMNet2, 4 members", "aimnet2", "aimnet", find_weights("aimnet2")),
        ("MACE, 1 member", pinned, "mace", mace),
    ):
        try:
            ours = open_committee(model, numbers=numbers)
        except BindfeError as error:
            print(f"{name:20s} not here: {str(error)[:90]}")
            continue
        runs: dict[str, Callable[[], object]] = {
            "all": functools.partial(ours.mean_energy_and_forces, positions),
            "one": functools.partial(ours.subset((0,)).mean_energy_and_forces, positions),
        }
        try:
            runs["its"] = openmmml_step(kind, path, numbers, positions)
        except (ImportError, ValueError, RuntimeError) as error:
            print(f"{name:20s} openmm-ml's own is not here: {str(error).splitlines()[0][:70]}")
        took = take_turns(runs, rounds=rounds)
        print(f"{name:20s} all {took['all']:.1f}, one {took['one']:.1f}", end="")
        print(f", openmm-ml's one {took['its']:.1f}: {took['all'] / took['its']:.2f}x" if "its" in took else "")


def openmmml_step(kind: str, path: Path | None, numbers: list[int], positions: np.ndarray) -> Callable[[], object]:
    """Energies and forces through openmm-ml in a Context of its own."""
    from openmmml import MLPotential

    topology = app.Topology()
    residue = topology.addResidue("MOL", topology.addChain())
    for number in numbers:
        topology.addAtom("X", app.Element.getByAtomicNumber(number), residue)
    system = MLPotential(kind, modelPath=str(path)).createSystem(topology, charge=0)
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))

    def run() -> object:
        context.setPositions(positions)
        return context.getState(energy=True, forces=True)

    run()
    return run


@functools.cache
def atoms_of(smiles: str) -> tuple[list[int], np.ndarray]:
    """Atomic numbers and positions [nm] of a molecule."""
    molecule = ligand_of(smiles).mol
    return [atom.GetAtomicNum() for atom in molecule.GetAtoms()], molecule.GetConformer().GetPositions() * 0.1


def main() -> None:
    """All rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds, shorter time-step row")
    names = ("ani", "stored", "water", "others", "step")
    parser.add_argument("--rows", nargs="+", choices=names, default=names, help="which parts")
    arguments = parser.parse_args()
    quick, rows = arguments.quick, arguments.rows
    warnings.simplefilter("ignore")
    weights = find_weights("ani2x")
    if weights is None:
        raise SystemExit("the weights of ANI-2x are absent: see `bindfe models`")
    with tempfile.TemporaryDirectory() as scratch:  # torchani writes locks beside the weights
        folder = Path(scratch) / "StateDicts"
        folder.mkdir()
        (folder / weights.name).symlink_to(weights)
        os.environ["TORCHANI_DATA_DIR"] = scratch
        if "ani" in rows:
            in_vacuum(rounds=15 if quick else 60)
        if "stored" in rows:
            on_stored_frames(rounds=20 if quick else 80)
        if "water" in rows:
            in_water(rounds=5 if quick else 15, steps=5 if quick else 15)
        if "others" in rows:
            other_models(rounds=5 if quick else 15)
    if "step" in rows:
        print("\nlonger time steps: acetone, one member")
        time_steps(scale=0.1 if quick else 1.0)


if __name__ == "__main__":
    main()
