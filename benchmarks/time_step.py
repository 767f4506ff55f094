"""What a time step of 4 fs costs in accuracy: one ML/MM molecule at 1 and at 4 fs, everything else equal.

    python benchmarks/time_step.py
    python benchmarks/time_step.py CCO --scale 5

Acetone in vacuum unless a SMILES is given, hydrogens of 4 amu, bonds to hydrogen constrained at both ends, one
member of ANI-2x. For each time step the free energy of going from the force field to the potential comes from
equilibrium samples at lambda_mlip 0, 1/2 and 1 (Bennett's acceptance ratio), and two temperatures from the same
samples: the kinetic one, and a configurational one that only positions and forces enter.

Any flow that keeps the constraints tells the configurational temperature. Here it moves the part of the
molecule behind a bond between heavy atoms along that bond, in proportion to how far it is stretched::

    k T = - < (r - r0) F.e > / < 1 + 2 (r - r0)/r >        F: force on that part, e: along the bond

which turns no constrained bond. (A dilation of everything tells it too, with forty times the noise.)
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openmm as mm
from openmm import unit
from rdkit import Chem
from rdkit.Chem import AllChem

from bindfe.build.forcefield import create_system, parametrise
from bindfe.chem.ligand import Ligand, read_ligands
from bindfe.estimate.work import estimate_switching
from bindfe.mlip import open_committee
from bindfe.mlip.hybrid import LAMBDA_MLIP, add_potential
from bindfe.mlip.internal import InternalEnergy
from bindfe.protocol import LigandSettings, Protocol, SolventSettings
from bindfe.results import SwitchingWork
from bindfe.units import BOLTZMANN_KJ_MOL_K, kt_to_kcal, thermal_energy

TEMPERATURE, FRICTION = 298.15, 20.0
LAMBDAS = (0.0, 0.5, 1.0)
BETWEEN_FS = 40
"""Time between samples: the friction forgets a vibration's energy in 50 fs."""
N_SAMPLES = {1.0: 4000, 4.0: 14000}
"""Of each state, by time step [fs]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """What one time step gave, each with its standard error."""

    time_step: float
    """[fs]."""
    delta_g: tuple[float, float]
    """Potential less force field [kcal/mol]."""
    kinetic: tuple[float, float]
    """Temperature from velocities, at the potential [K]."""
    configurational: tuple[float, float]
    """Temperature from positions and forces, over all states [K]."""
    seconds: float
    """Wall time."""


def ligand_of(smiles: str) -> Ligand:
    """A molecule with coordinates."""
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    AllChem.MMFFOptimizeMolecule(molecule)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "molecule.sdf"
        with Chem.SDWriter(str(path)) as writer:
            writer.write(molecule)
        return read_ligands(path)[0]


class Molecule:
    """A molecule in vacuum between its force field and one member of ANI-2x."""

    def __init__(self, smiles: str) -> None:
        protocol = Protocol(ligands=LigandSettings(file="molecule.sdf"), solvent=SolventSettings(model="vacuum"))
        force_field, assembly = parametrise(None, ligand_of(smiles), protocol)
        self.plain = create_system(force_field, assembly.topology, protocol)
        self.start = assembly.positions
        numbers = [atom.element.atomic_number for atom in assembly.topology.atoms()]
        bonds = [(first.index, second.index) for first, second in assembly.topology.bonds()]
        self.stretches = [(i, j) for i, j in bonds if numbers[i] > 1 and numbers[j] > 1]
        self.behind = np.array([behind(bonds, i, j, len(numbers)) for i, j in self.stretches], dtype=float)
        self.degrees = 3 * len(numbers) - self.plain.getNumConstraints()
        self.committee = open_committee("ani2x", numbers=numbers, members=(0,))
        self.internal = InternalEnergy.of(self.plain, assembly.ligand_atoms)
        self.offset = float(self.gaps(self.start[None])[0])
        self.mixed = add_potential(self.plain, assembly.ligand_atoms, committee=self.committee, offset=self.offset)

    def gaps(self, frames: np.ndarray) -> np.ndarray:
        """Potential less force field [kJ/mol], (F,)."""
        return self.committee.energies(frames).mean(axis=0) - self.internal.energies(frames)

    def stretched(self, positions: np.ndarray, forces: np.ndarray) -> np.ndarray:
        """Lengths [nm] and forces along them [kJ/mol/nm] of the bonds between heavy atoms, (B, 2)."""
        begin, end = np.array(self.stretches).T
        vectors = positions[end] - positions[begin]
        lengths = np.linalg.norm(vectors, axis=1)
        along = ((self.behind @ forces) * vectors).sum(axis=1) / lengths
        return np.stack([lengths, along], axis=1)

    def sample(self, *, weight: float, time_step: float, n_samples: int, seed: int) -> tuple[np.ndarray, ...]:
        """Gaps [kT], kinetic and configurational temperatures [K] of one state, (n,) each."""
        integrator = mm.LangevinMiddleIntegrator(TEMPERATURE, FRICTION, time_step * 1e-3)
        integrator.setRandomNumberSeed(seed)
        integrator.setConstraintTolerance(1e-8)
        context = mm.Context(self.mixed, integrator, mm.Platform.getPlatformByName("Reference"))
        context.setPositions(self.start)
        context.setParameter(LAMBDA_MLIP, weight)
        context.setVelocitiesToTemperature(TEMPERATURE, seed)
        steps = round(BETWEEN_FS / time_step)
        integrator.step(50 * steps)
        frames, kinetic, stretched = [], [], []
        for _ in range(n_samples):
            integrator.step(steps)
            state = context.getState(positions=True, forces=True, energy=True)
            positions = np.array(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer))
            forces = state.getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
            energy = state.getKineticEnergy().value_in_unit(unit.kilojoule_per_mole)
            frames.append(positions)
            kinetic.append(2.0 * energy / self.degrees / BOLTZMANN_KJ_MOL_K)
            stretched.append(self.stretched(positions, np.asarray(forces)))
        gaps = (self.gaps(np.array(frames)) - self.offset) / thermal_energy(TEMPERATURE)
        return gaps, np.array(kinetic), configurational(np.array(stretched))


def behind(bonds: list[tuple[int, int]], i: int, j: int, n_atoms: int) -> list[bool]:
    """Which atoms hang on j's side of the bond from i to j; the bond is in no ring."""
    found, new = {j}, [j]
    while new:
        atom = new.pop()
        others = {b if a == atom else a for a, b in bonds if atom in (a, b)} - found - {i}
        found |= others
        new += others
    return [atom in found for atom in range(n_atoms)]


def configurational(stretched: np.ndarray) -> np.ndarray:
    """Configurational temperature of each sample [K], (n,), from lengths and forces, (n, B, 2)."""
    lengths, along = stretched[..., 0], stretched[..., 1]
    stretch = lengths - lengths.mean(axis=0)
    expected = (1.0 + 2.0 * stretch / lengths).mean(axis=0)
    return np.asarray((-stretch * along / expected).mean(axis=1) / BOLTZMANN_KJ_MOL_K)


def with_error(*series: np.ndarray, blocks: int = 20) -> tuple[float, float]:
    """Mean of several states' averages, and its standard error from blocks of consecutive samples."""
    means = np.array([[block.mean() for block in np.array_split(each, blocks)] for each in series])
    errors = means.std(axis=1, ddof=1) / np.sqrt(blocks)
    return float(means.mean()), float(np.sqrt((errors**2).sum()) / len(series))


def free_energy(gaps: list[np.ndarray], blocks: int = 20) -> tuple[float, float]:
    """Free energy along the states [kcal/mol], its standard error from blocks of consecutive samples."""

    def along(parts: list[np.ndarray]) -> float:
        pairs = zip(LAMBDAS, LAMBDAS[1:], parts, parts[1:], strict=False)
        works = [SwitchingWork(forward=(b - a) * up, reverse=(a - b) * down) for a, b, up, down in pairs]
        return sum(estimate_switching(work, seed=1, n_bootstrap=2).delta_f for work in works)

    rng = np.random.default_rng(5)
    cut = [np.array(each[: len(each) // blocks * blocks]).reshape(blocks, -1) for each in gaps]
    again = [along([each[rng.integers(blocks, size=blocks)].ravel() for each in cut]) for _ in range(60)]
    return kt_to_kcal(along(gaps), TEMPERATURE), kt_to_kcal(float(np.std(again, ddof=1)), TEMPERATURE)


def study(molecule: Molecule, *, time_step: float, scale: float = 1.0) -> Study:
    """Sample all states with one time step [fs]."""
    began = time.perf_counter()
    n_samples = round(N_SAMPLES[time_step] * scale)
    states = [
        molecule.sample(weight=weight, time_step=time_step, n_samples=n_samples, seed=11 + index)
        for index, weight in enumerate(LAMBDAS)
    ]
    return Study(
        time_step=time_step,
        delta_g=free_energy([gaps for gaps, _, _ in states]),
        kinetic=with_error(*(kinetic for _, kinetic, _ in states)),
        configurational=with_error(*(configurational for _, _, configurational in states)),
        seconds=time.perf_counter() - began,
    )


def main(smiles: str = "CC(C)=O", *, scale: float = 1.0) -> None:
    """Both time steps, side by side."""
    molecule = Molecule(smiles)
    print(
        f"{'step':>6s} {'MM to ML, kcal/mol':>20s} {'kinetic T, K':>16s} {'configurational T, K':>22s} {'wall, s':>8s}"
    )
    found = [study(molecule, time_step=time_step, scale=scale) for time_step in N_SAMPLES]
    for each in found:
        (g, g_error), (k, k_error), (c, c_error) = each.delta_g, each.kinetic, each.configurational
        print(
            f"{each.time_step:4.0f}fs {g:12.3f} +- {g_error:.3f} {k:9.1f} +- {k_error:.1f} {c:15.1f} +- {c_error:.1f} "
            f"{each.seconds:8.0f}"
        )
    short, long = found
    print(f"difference {long.delta_g[0] - short.delta_g[0]:+.3f} kcal/mol")
    for each in found:
        print(f"{each.time_step:.0f} fs: kinetic/configurational {each.kinetic[0] / each.configurational[0]:.4f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("smiles", nargs="?", default="CC(C)=O", help="molecule without rings")
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the number of samples")
    arguments = parser.parse_args()
    main(arguments.smiles, scale=arguments.scale)
