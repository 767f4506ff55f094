"""Host-guest binding free energy by umbrella sampling along the host's axis: plain OpenMM and pymbar.

An independent route to the number of a prepared transfer or complex leg. It reads the leg's physical
System (``plain.xml``) and coordinates, and shares no sampling or estimating code with bindfe (it
imports nothing of it). The guest's centroid is led out along the axis through the host's two rims, inside
a harmonic cylinder and with its long axis held along the host's; windows exchange with their neighbours::

    delta_g = -kT ln[ c0 (2 pi kT / k_c) A int_site exp(-(W(z) - W(bulk))/kT) dz ] - kT ln < exp(U_h/kT) >_site
    A       = int_0^1 exp(-K (1 - x^2)/kT) dx

with W the potential of mean force under U_h = k_c/2 rho^2 + K sin^2(theta), and c0 = 1 mol/L. The guest
leaves on one side; the site's integral covers both halves of the host. Without the alignment a bulky
guest tilts in the portal and stays so: at 40 ps a window the value was 2 kcal/mol off and still drifting.

    python benchmarks/umbrella.py RUN/LIGAND/transfer/prepared --seed 1 --ps 60 --out umbrella-1.npz
    python benchmarks/umbrella.py --analyse umbrella-*.npz
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from pathlib import Path

import numpy as np

T = 298.15
KT = 0.00831446261815324 * T  # kJ/mol
KCAL = 4.184
K_CYLINDER = 1.0 * KCAL * 100  # kJ/mol/nm^2
K_AXIS = 10.0 * KCAL  # kJ/mol
SITE, BULK = 0.45, (1.75, 1.95)  # nm: |z| of the site; where the PMF is flat
INNER = [(z, 12.0 * KCAL * 100) for z in np.arange(0.0, 0.81, 0.04)]
OUTER = [(z, 3.0 * KCAL * 100) for z in np.arange(0.87, 2.0, 0.075)]
WINDOWS = np.array(INNER + OUTER)  # centre [nm], spring [kJ/mol/nm^2]
CYCLE = 125  # steps of 4 fs between exchanges

AXIS = (
    "ux = (x1-x2)/d; uy = (y1-y2)/d; uz = (z1-z2)/d; d = distance(g1, g2);"
    "cx = x3 - (x1+x2)/2; cy = y3 - (y1+y2)/2; cz = z3 - (z1+z2)/2"
)


def rims(positions, receptor):
    """The host's atoms above and below its mid plane, farthest seventh each."""
    x = positions[receptor] - positions[receptor].mean(axis=0)
    axis = np.linalg.eigh(np.cov(x.T))[1][:, 0]
    height = x @ axis
    count = len(receptor) // 9
    order = np.argsort(height)
    return [int(receptor[i]) for i in order[-count:]], [int(receptor[i]) for i in order[:count]]


def ends(positions, ligand):
    """The guest's heavy atoms at both ends of its long axis."""
    x = positions[ligand] - positions[ligand].mean(axis=0)
    height = x @ np.linalg.eigh(np.cov(x.T))[1][:, 2]
    order = np.argsort(height)
    return [int(ligand[i]) for i in order[-2:]], [int(ligand[i]) for i in order[:2]]


def sample(prepared, *, seed, picoseconds, out):
    """Windows with neighbour exchange; stores z and the holding energy U_h of every window and cycle."""
    import openmm as mm
    from openmm import unit

    leg = json.loads((prepared / "leg.json").read_text())
    system = mm.XmlSerializer.deserialize((prepared / "plain.xml").read_text())
    state = mm.XmlSerializer.deserialize((prepared / "state.xml").read_text())
    positions = np.array(state.getPositions().value_in_unit(unit.nanometer))
    masses = [system.getParticleMass(i).value_in_unit(unit.dalton) for i in range(system.getNumParticles())]
    receptor = np.array([i for i in leg["receptor_atoms"] if masses[i] > 8])
    ligand = [i for i in leg["ligand_atoms"] if masses[i] > 8]
    top, bottom = rims(positions, receptor)
    groups = [top, bottom, ligand, *ends(positions, np.array(ligand))]

    def centroid_force(energy):
        force = mm.CustomCentroidBondForce(5, energy + AXIS)
        for group in groups:
            force.addGroup(group, [1.0] * len(group))
        return force

    bias = centroid_force("0.5*k*(z-z0)^2; z = cx*ux + cy*uy + cz*uz;")
    for name in ("k", "z0"):
        bias.addGlobalParameter(name, 0.0)
    bias.addBond([0, 1, 2, 3, 4])
    cylinder = centroid_force(
        "0.5*kc*(cx^2 + cy^2 + cz^2 - z^2) + ka*(1 - c^2); z = cx*ux + cy*uy + cz*uz;"
        "c = ((x4-x5)*ux + (y4-y5)*uy + (z4-z5)*uz)/distance(g4, g5);"
    )
    cylinder.addGlobalParameter("kc", K_CYLINDER)
    cylinder.addGlobalParameter("ka", K_AXIS)
    cylinder.addBond([0, 1, 2, 3, 4])
    system.addForce(bias)
    system.addForce(cylinder)

    def coordinates(x):
        a, b, g, p, q = (x[group].mean(axis=0) for group in groups)
        u = (a - b) / np.linalg.norm(a - b)
        d = g - (a + b) / 2
        z, cosine = float(d @ u), float((p - q) @ u / np.linalg.norm(p - q))
        return z, 0.5 * K_CYLINDER * float(d @ d - z * z) + K_AXIS * (1 - cosine**2)

    integrator = mm.LangevinMiddleIntegrator(T, 1.0, 0.004)
    integrator.setRandomNumberSeed(seed)
    platform = mm.Platform.getPlatformByName("CPU")
    context = mm.Context(system, integrator, platform, {"Threads": "1"})
    rng = np.random.default_rng(seed)

    def move(x, v, window, steps):
        context.setPositions(x)
        context.setVelocities(v)
        context.setParameter("z0", WINDOWS[window, 0])
        context.setParameter("k", WINDOWS[window, 1])
        integrator.step(steps)
        after = context.getState(getPositions=True, getVelocities=True)
        return after.getPositions(asNumpy=True)._value.copy(), after.getVelocities(asNumpy=True)._value.copy()

    context.setPositions(positions)
    context.setParameter("k", WINDOWS[0, 1])
    mm.LocalEnergyMinimizer.minimize(context, 5.0, 500)
    context.setVelocitiesToTemperature(T, seed)
    start = context.getState(getPositions=True, getVelocities=True)
    x, v = start.getPositions(asNumpy=True)._value, start.getVelocities(asNumpy=True)._value
    x, v = move(x, v, 0, 2500)
    walkers = []
    for window in range(len(WINDOWS)):  # led out slowly; never pushed in
        x, v = move(x, v, window, 1250)
        walkers.append((x, v))
    replica_of = list(range(len(WINDOWS)))  # walker in each window
    records, began = [], time.perf_counter()
    cycles = round(picoseconds / (CYCLE * 0.004))
    for cycle in range(cycles):
        now = np.empty((len(WINDOWS), 3))
        for window, walker in enumerate(replica_of):
            walkers[walker] = move(*walkers[walker], window, CYCLE)
            now[window] = (*coordinates(walkers[walker][0]), walker)
        records.append(now)
        for a in range(cycle % 2, len(WINDOWS) - 1, 2):
            u = lambda window, z: 0.5 * WINDOWS[window, 1] * (z - WINDOWS[window, 0]) ** 2 / KT  # noqa: E731
            change = u(a, now[a + 1, 0]) + u(a + 1, now[a, 0]) - u(a, now[a, 0]) - u(a + 1, now[a + 1, 0])
            if change <= 0 or rng.random() < np.exp(-change):
                replica_of[a], replica_of[a + 1] = replica_of[a + 1], replica_of[a]
        if cycle % 20 == 19:
            np.savez(out, samples=np.array(records), windows=WINDOWS)
            rate = (cycle + 1) * len(WINDOWS) * CYCLE / (time.perf_counter() - began)
            print(f"cycle {cycle + 1}/{cycles}, {rate:.0f} steps/s", flush=True)
    np.savez(out, samples=np.array(records), windows=WINDOWS)


def binding(samples):
    """delta_g [kcal/mol] from (cycles, windows, [z, U_h, walker]); and the smallest neighbour overlap."""
    logging.disable(logging.CRITICAL)
    import pymbar

    z, held = samples[:, :, 0].T.ravel(), samples[:, :, 1].T.ravel()
    u_kn = 0.5 * WINDOWS[:, 1, None] * (z - WINDOWS[:, 0, None]) ** 2 / KT
    mbar = pymbar.MBAR(u_kn, np.full(len(WINDOWS), len(samples)), solver_protocol="robust")
    log_w = -np.log(np.sum(np.exp(mbar.f_k[:, None] - u_kn), axis=0))  # weights of the state without bias
    w = np.exp(log_w - log_w.max())
    site = np.abs(z) < SITE
    bulk = (z > BULK[0]) & (z < BULK[1])
    # Only one half of the host leads out, but windows near 0 see both; fold |z| and count both halves.
    inside = np.where(z >= 0, 2.0, 0.0) * site
    ratio = np.sum(w * inside) / (np.sum(w * bulk) / (BULK[1] - BULK[0]))  # nm
    x = np.linspace(0.0, 1.0, 20001)
    area = 2 * np.pi * KT / K_CYLINDER * np.trapezoid(np.exp(-K_AXIS * (1 - x**2) / KT), x)
    release = -np.log(np.sum(w * site * np.exp(held / KT)) / np.sum(w * site))
    overlap = mbar.compute_overlap()["matrix"]
    value = KT / KCAL * (-np.log(0.602214076 * area * ratio) + release)
    return value, KT / KCAL * release, min(overlap[i, i + 1] for i in range(len(WINDOWS) - 1))


def analyse(paths):
    """Each run, its halves, and the mean with the standard error over blocks of all runs."""
    blocks = []
    for path in paths:
        samples = np.load(path)["samples"]
        samples = samples[len(samples) // 3 :]
        value, release, overlap = binding(samples)
        halves = [binding(half)[0] for half in np.array_split(samples, 2)]
        blocks += halves
        print(
            f"{path}: {value:.2f} kcal/mol (halves {halves[0]:.2f} {halves[1]:.2f}), release {release:.2f}, "
            f"smallest neighbour overlap {overlap:.3f}, {len(samples) * CYCLE * 0.004:.0f} ps a window"
        )
        left = [samples[:, w, 0].mean() - WINDOWS[w, 0] for w in range(len(WINDOWS))]
        print("  largest shift of a window's mean from its centre [nm]:", round(float(np.max(np.abs(left))), 3))
    error = np.std(blocks, ddof=1) / np.sqrt(len(blocks))
    print(f"umbrella: {np.mean(blocks):.2f} +- {error:.2f} kcal/mol (standard error of {len(blocks)} blocks)")


def main():
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prepared", nargs="?", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ps", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=Path("umbrella.npz"))
    parser.add_argument("--analyse", nargs="+", type=Path)
    arguments = parser.parse_args()
    if arguments.analyse:
        analyse(arguments.analyse)
    else:
        sample(arguments.prepared, seed=arguments.seed, picoseconds=arguments.ps, out=arguments.out)


if __name__ == "__main__":
    main()
