"""Alanine dipeptide in vacuum: C7ax less C7eq by four methods, and their surfaces.

ff96 at 300 K, hydrogens of 4 amu, 4 fs. PLUMED's METAD and OPES and openmm.app.Metadynamics bias phi and psi through
bindfe; the reference is umbrella sampling along phi with exchange between windows, in plain OpenMM and pymbar, and
shares no sampling or estimating code with bindfe. PLUMED needs a kernel, see ``bindfe doctor``.

    python benchmarks/alanine.py --out RUN [--ns 4] [--repeats 2]      about 12 minutes on one core
    python benchmarks/alanine.py --out RUN --figure docs/figures/alanine.png
"""

from __future__ import annotations

import argparse
import logging
import math
import time
from pathlib import Path

import numpy as np

T = 300.0
KT = 0.00831446261815324 * T  # kJ/mol
KCAL = 4.184
PHI, PSI = (4, 6, 8, 14), (6, 8, 14, 16)
AXIAL = (0.0, 2.2)  # rad: C7ax is where phi lies between, C7eq everywhere else
WINDOWS = np.linspace(-math.pi, math.pi, 36, endpoint=False)
SPRING = 60.0  # kJ/mol: U = SPRING (1 - cos(phi - phi0))
METHODS = ("metad", "opes_metad", "openmm")


def molecule():
    """System and coordinates [nm]."""
    from openmm import app, unit
    from openmmtools.testsystems import AlanineDipeptideVacuum

    test = AlanineDipeptideVacuum()
    system = app.ForceField("amber96.xml").createSystem(
        test.topology, nonbondedMethod=app.NoCutoff, constraints=app.HBonds, hydrogenMass=4 * unit.amu
    )
    return system, np.array(test.positions.value_in_unit(unit.nanometer))


def settings(method):
    """What bindfe is asked for."""
    from bindfe.sample.plumedwords import BiasSettings
    from bindfe.variables import BiasedVariable, Torsion

    variables = tuple(
        BiasedVariable(variable=Torsion(name=name, atoms=atoms), low=-math.pi, high=math.pi, width=0.35)
        for name, atoms in (("phi", PHI), ("psi", PSI))
    )
    return BiasSettings(
        variables=variables,
        method="metad" if method == "openmm" else method,
        temperature=T,
        height=1.0,
        bias_factor=8.0,
        barrier=40.0,
        pace=250,
        sample_every=50,
    )


def biased(out, method, repeat, ns):
    """One run through bindfe; what is there is kept."""
    from bindfe.protocol import ComputeSettings
    from bindfe.sample.metadynamics import Walker, sample_biased

    system, positions = molecule()
    walker = Walker(
        system=system,
        positions=positions,
        box=None,
        time_step=0.004,
        friction=2.0,
        compute=ComputeSettings(platform="CPU"),
        seed=10 * repeat + 1,
    )
    engine = "openmm" if method == "openmm" else "plumed"
    sample_biased(
        walker, settings(method), directory=out / f"{method}-{repeat}", length=1000 * ns, piece=500.0, engine=engine
    )


def umbrella(path, repeat, ns):
    """Windows along phi with neighbour exchange: plain OpenMM. Stores phi of every window and cycle."""
    import openmm as mm

    system, positions = molecule()
    bias = mm.CustomTorsionForce("k*(1-cos(theta-phi0))")
    bias.addGlobalParameter("k", SPRING)
    bias.addGlobalParameter("phi0", 0.0)
    bias.addTorsion(*PHI)
    bias.setForceGroup(31)
    system.addForce(bias)
    integrator = mm.LangevinMiddleIntegrator(T, 2.0, 0.004)
    integrator.setRandomNumberSeed(100 + repeat)
    context = mm.Context(system, integrator, mm.Platform.getPlatformByName("CPU"), {"Threads": "1"})
    context.setPositions(positions)
    context.setVelocitiesToTemperature(T, repeat + 1)
    states = []
    for centre in WINDOWS:
        context.setParameter("phi0", centre)
        integrator.step(2500)
        states.append(context.getState(getPositions=True, getVelocities=True))
    rng = np.random.default_rng(repeat)
    cycles, steps = round(1000 * ns / len(WINDOWS)), 250  # 1 ps a cycle
    samples = np.empty((cycles, len(WINDOWS)))
    for cycle in range(cycles):
        for window, centre in enumerate(WINDOWS):
            context.setState(states[window])
            context.setParameter("phi0", centre)
            integrator.step(steps)
            states[window] = context.getState(getPositions=True, getVelocities=True)
            samples[cycle, window] = dihedral(states[window].getPositions(asNumpy=True)._value[list(PHI)])
        for a in range(cycle % 2, len(WINDOWS), 2):
            b = (a + 1) % len(WINDOWS)
            u = -SPRING / KT * np.cos(samples[cycle, [a, b]][:, None] - WINDOWS[[a, b]])
            if rng.random() < math.exp(min(0.0, u[0, 0] + u[1, 1] - u[0, 1] - u[1, 0])):
                states[a], states[b] = states[b], states[a]
    np.save(path, samples)


def dihedral(x):
    """Dihedral angle of four points [rad]."""
    a, b, c = x[1] - x[0], x[2] - x[1], x[3] - x[2]
    n, m = np.cross(a, b), np.cross(b, c)
    return math.atan2(np.linalg.norm(b) * (a @ m), n @ m)


def umbrella_weights(samples):
    """Dihedral phi of all samples, and their unbiased weights."""
    logging.disable(logging.CRITICAL)
    import pymbar

    phi = samples.T.ravel()
    u = SPRING / KT * (1 - np.cos(phi - WINDOWS[:, None]))
    f = pymbar.MBAR(u, np.full(len(WINDOWS), len(samples)), solver_protocol="robust").f_k
    log_w = -np.log(np.sum(np.exp(f[:, None] - u), axis=0))
    return phi, np.exp(log_w - log_w.max())


def umbrella_difference(samples):
    """C7ax less C7eq [kcal/mol]."""
    phi, w = umbrella_weights(samples)
    axial = (phi > AXIAL[0]) & (phi < AXIAL[1])
    return -KT / KCAL * math.log(w[axial].sum() / w[~axial].sum())


def difference(out, method, repeat):
    """C7ax less C7eq and its standard error [kcal/mol], by bindfe from stored files."""
    from bindfe.estimate.regions import after_equilibration, region_difference
    from bindfe.results import Region
    from bindfe.sample.biasedfiles import read_biased

    samples = after_equilibration(read_biased([out / f"{method}-{repeat}"], settings(method)), discard=0.2)
    everywhere = [-math.inf, math.inf]
    axial = Region(name="C7ax", low=[AXIAL[0], everywhere[0]], high=[AXIAL[1], everywhere[1]])
    equatorial = Region(name="C7eq", low=[AXIAL[1], everywhere[0]], high=[AXIAL[0], everywhere[1]])
    found = region_difference(samples, axial, equatorial)
    return KT / KCAL * found.delta_kt, KT / KCAL * found.standard_error_kt, samples


def table(out, repeats):
    """Print and return every method's mean and standard error."""
    found = {}
    for method in METHODS:
        runs = [difference(out, method, r)[:2] for r in range(repeats)]
        values, errors = np.array(runs).T
        error = max(np.std(values, ddof=1), math.sqrt(np.mean(errors**2))) / math.sqrt(repeats)
        found[method] = (values.mean(), error)
        print(f"{method:11s} {values.mean():.2f} +- {error:.2f} kcal/mol; runs "
              + ", ".join(f"{v:.2f} +- {e:.2f}" for v, e in runs))  # fmt: skip
    runs = [np.load(out / f"umbrella-{r}.npy") for r in range(repeats)]
    blocks = [umbrella_difference(half) for s in runs for half in np.array_split(s[len(s) // 10 :], 4)]
    error = np.std(blocks, ddof=1) / math.sqrt(len(blocks))
    found["umbrella"] = (np.mean(blocks), error)
    print(f"umbrella    {np.mean(blocks):.2f} +- {error:.2f} kcal/mol ({len(blocks)} blocks)")
    for method in METHODS:
        apart = found[method][0] - found["umbrella"][0]
        print(f"{method:11s} less umbrella: {apart:+.2f} +- {math.hypot(found[method][1], error):.2f}")
    return found


def figure(out, repeats, path):
    """The map by METAD with both basins and the path, and phi's profile by every method."""
    from bindfe.estimate.hills import surface_from_hills
    from bindfe.estimate.path import minimum_path
    from bindfe.estimate.surface import pool_surfaces, surface_from_samples
    from bindfe.interop.plumed import read_hills
    from bindfe.report.draw_surface import draw_map, draw_profiles
    from bindfe.report.style import png
    from bindfe.results import Region, Surface

    axis = -math.pi + (np.arange(72) + 0.5) * math.pi / 36
    turn = (2 * math.pi,)
    profiles = {}
    for method in METHODS:
        runs = [difference(out, method, r)[2] for r in range(repeats)]
        profiles[method] = pool_surfaces([surface_from_samples(s, [axis], periods=turn, seed=1) for s in runs])
    hills = [read_hills([out / f"metad-{r}" / "HILLS"]) for r in range(repeats)]
    plane = pool_surfaces([surface_from_hills(each, [axis, axis], temperature=T) for each in hills])
    rows = []
    for r in range(repeats):
        samples = np.load(out / f"umbrella-{r}.npy")
        phi, w = umbrella_weights(samples[len(samples) // 10 :])
        cell = np.floor((phi + math.pi) / (math.pi / 36)).astype(int) % 72
        with np.errstate(divide="ignore"):
            rows.append(-KT / KCAL * np.log(np.bincount(cell, weights=w, minlength=72) / w.sum()))
    rows = np.where(np.isfinite(rows), rows, np.nan)
    profiles["umbrella"] = Surface(
        names=("phi [rad]",),
        axes=(axis,),
        periods=turn,
        free_energy_kcal_mol=np.mean(rows, axis=0) - np.nanmin(np.mean(rows, axis=0)),
        standard_error_kcal_mol=np.std(rows, axis=0, ddof=1) / math.sqrt(repeats),
        temperature=T,
    )
    basins = (
        Region(name="C7eq", low=[-2.2, 0.0], high=[-0.9, 2.2]),
        Region(name="C7ax", low=[0.7, -1.8], high=[1.8, 0.2]),
    )
    road = minimum_path(plane, *basins)
    print(f"path from C7eq to C7ax: saddle {road.free_energy_kcal_mol.max():.1f} kcal/mol at "
          f"phi, psi = {np.round(np.degrees(road.points[road.saddle]) + 180) % 360 - 180}")  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(draw_map(plane, regions=basins, path=road)))
    path.with_name(f"{path.stem}-profiles.png").write_bytes(png(draw_profiles(profiles)))


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--ns", type=float, default=4.0, help="of each run; of all windows together")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for repeat in range(arguments.repeats):
        for method in (*METHODS, "umbrella"):
            began = time.process_time()
            if method != "umbrella":
                biased(arguments.out, method, repeat, arguments.ns)
            elif not (arguments.out / f"umbrella-{repeat}.npy").exists():
                umbrella(arguments.out / f"umbrella-{repeat}.npy", repeat, arguments.ns)
            print(f"{method} {repeat}: {time.process_time() - began:.0f} CPU seconds", flush=True)
    table(arguments.out, arguments.repeats)
    if arguments.figure:
        figure(arguments.out, arguments.repeats, arguments.figure)


if __name__ == "__main__":
    main()
