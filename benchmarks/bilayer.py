"""Whether a complex leg lies in a bilayer that is one: area, thickness, water in its core, and a picture.

    bindfe prepare protocol.yaml --out runs/channel
    python benchmarks/bilayer.py runs/channel/LIGAND/complex/prepared --steps 5000 --figure bilayer.png

Area and thickness of the coordinates as they were prepared, and after each tenth of the steps of the plain System
at the time step and temperature given, begun by 100 iterations of the minimiser. The area is the box's by the
lipids of one leaflet: the receptor's share is in it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openmm as mm
from openmm import app, unit

from bindfe.build.legfiles import PlainSystem, load_plain
from bindfe.results import Floats

CORE = 0.6
"""Half the thickness of the layer in which no water is looked for [nm]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """A bilayer at one time."""

    leaflets: tuple[int, int]
    """Lipids below and above."""
    box: Floats
    """Sides [nm], (3,)."""
    area: float
    """The box's area by the lipids of a leaflet [nm^2]."""
    thickness: float
    """From the phosphorus atoms below to those above [nm]."""
    in_core: int
    """Waters within 0.6 nm of the middle."""

    def __str__(self) -> str:
        sides = " x ".join(f"{side:.3f}" for side in self.box)
        return (
            f"box {sides} nm, lipids {self.leaflets[0]} + {self.leaflets[1]}, {self.area:.3f} nm^2 a lipid, "
            f"P to P {self.thickness:.2f} nm, waters in the core {self.in_core}"
        )


def atoms_of(topology: app.Topology, symbol: str) -> list[int]:
    """Atoms of an element; of oxygen, those of water."""
    found = (atom for atom in topology.atoms() if atom.element is not None and atom.element.symbol == symbol)
    return [atom.index for atom in found if symbol != "O" or atom.residue.name == "HOH"]


def look(topology: app.Topology, positions: Floats, sides: Floats) -> Look:
    """Area, thickness and water of a bilayer in the plane of x and y."""
    heads = positions[atoms_of(topology, "P"), 2]
    above = heads > heads.mean()
    water = positions[atoms_of(topology, "O"), 2] - heads.mean()
    water -= sides[2] * np.round(water / sides[2])
    return Look(
        leaflets=(int((~above).sum()), int(above.sum())),
        box=sides,
        area=float(2 * sides[0] * sides[1] / len(heads)),
        thickness=float(heads[above].mean() - heads[~above].mean()),
        in_core=int((np.abs(water) < CORE).sum()),
    )


def run(plain: PlainSystem, *, steps: int, step_fs: float, temperature: float) -> tuple[Floats, Floats]:
    """Print a look after each tenth of the steps; the last coordinates and sides [nm]."""
    integrator = mm.LangevinMiddleIntegrator(temperature, 1.0, 0.001 * step_fs)
    integrator.setRandomNumberSeed(2026)
    context = mm.Context(plain.system, integrator)
    context.setPeriodicBoxVectors(*(plain.box * unit.nanometer))
    context.setPositions(plain.positions)
    mm.LocalEnergyMinimizer.minimize(context, 10.0, 100)
    context.setVelocitiesToTemperature(temperature, 2026)
    for number in range(1, 11):
        integrator.step(max(1, steps // 10))
        state = context.getState(positions=True, energy=True)
        x = np.asarray(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer), dtype=float)
        sides = np.diag(state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.nanometer))
        energy = state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)
        time = number * (steps // 10) * step_fs / 1000
        print(f"{time:8.2f} ps: {look(plain.topology, x, sides)}, {energy:.0f} kJ/mol", flush=True)
    return x, sides


def draw(plain: PlainSystem, positions: Floats, sides: Floats, path: Path) -> None:
    """Phosphorus, carbons of lipids, water, receptor and ligand, seen along y, in a slice of 2 nm about the ligand."""
    import matplotlib.pyplot as plt

    middle = positions[list(plain.ligand_atoms)].mean(axis=0)
    x = positions - middle * [1, 1, 0]
    x[:, :2] -= sides[:2] * np.round(x[:, :2] / sides[:2])
    heads = x[atoms_of(plain.topology, "P"), 2].mean()
    water = atoms_of(plain.topology, "O")
    x[water, 2] -= sides[2] * np.round((x[water, 2] - heads) / sides[2])
    solute = {*plain.receptor_atoms, *plain.ligand_atoms}
    tails = [i for i in atoms_of(plain.topology, "C") if i not in solute]
    figure, axes = plt.subplots(figsize=(7.2, 4.2), layout="constrained")
    layers: list[tuple[Any, dict[str, Any]]] = [
        (water, {"s": 4, "c": "#9ecae1", "label": "water"}),
        (tails, {"s": 4, "c": "#bdbdbd", "label": "lipid carbon"}),
        (atoms_of(plain.topology, "P"), {"s": 40, "c": "#e6862a", "label": "phosphorus"}),
        (list(plain.receptor_atoms), {"s": 7, "c": "#3c6e47", "label": "receptor"}),
        (list(plain.ligand_atoms), {"s": 22, "c": "#b2182b", "label": "ligand"}),
    ]
    for atoms, style in layers:
        near = [i for i in atoms if i in solute or abs(x[i, 1]) < 1.0]
        axes.scatter(x[near, 0], x[near, 2], linewidths=0, **style)
    axes.set(xlabel="x from the ligand [nm]", ylabel="z [nm]", aspect="equal")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, markerscale=1.5)
    figure.savefig(path, dpi=110, bbox_inches="tight")


def main() -> None:
    """Look at a prepared leg."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("leg", type=Path, help="directory of a prepared complex leg")
    parser.add_argument("--steps", type=int, default=0, help="steps of the plain System to run")
    parser.add_argument("--step", type=float, default=4.0, help="time step [fs]")
    parser.add_argument("--temperature", type=float, default=298.15, help="of the thermostat [K]")
    parser.add_argument("--figure", type=Path, help="where the picture goes")
    asked = parser.parse_args()
    plain = load_plain(asked.leg, "bound")
    x, sides = plain.positions, np.diag(plain.box)
    print(f"prepared: {look(plain.topology, x, sides)}", flush=True)
    if asked.steps:
        x, sides = run(plain, steps=asked.steps, step_fs=asked.step, temperature=asked.temperature)
    if asked.figure:
        draw(plain, x, sides, asked.figure)


if __name__ == "__main__":
    main()
