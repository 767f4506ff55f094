"""When dynamics fails for good: a directory that shows it again with nothing but OpenMM."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import openmm as mm
from openmm import app, unit

from bindfe.protocol import Protocol
from bindfe.store import write_arrays, write_text

if TYPE_CHECKING:
    from bindfe.build.legfiles import LoadedLeg
    from bindfe.sample.exchange import Ensemble

_SCRIPT = '''"""Runs every replica from where a chunk began until a coordinate is not a number."""

import json
import pathlib

import numpy as np
import openmm as mm

here = pathlib.Path(__file__).parent
settings = json.loads((here / "settings.json").read_text())
arrays = np.load(here / "replicas.npz")
for replica, state in enumerate(arrays["states"]):
    system = mm.XmlSerializer.deserialize((here / "system.xml").read_text())
    integrator = mm.LangevinMiddleIntegrator(settings["temperature"], settings["friction"], settings["time_step"])
    integrator.setRandomNumberSeed(settings["seed"])
    context = mm.Context(system, integrator, mm.Platform.getPlatformByName(settings["platform"]))
    if "boxes" in arrays:
        context.setPeriodicBoxVectors(*arrays["boxes"][replica])
    context.setPositions(arrays["positions"][replica])
    context.setVelocities(arrays["velocities"][replica])
    for name, value in settings["parameters"][state].items():
        context.setParameter(name, value)
    for step in range(settings["steps"]):
        try:
            integrator.step(1)
        except mm.OpenMMException as error:
            print(f"replica {replica}, state {state}: {error} at step {step}")
            break
        energy = context.getState(getEnergy=True).getPotentialEnergy()._value
        if not np.isfinite(energy):
            print(f"replica {replica}, state {state}: the energy is {energy} at step {step}")
            break
    else:
        print(f"replica {replica}, state {state}: {settings['steps']} steps without failure")
'''


def write_reproducer(leg: LoadedLeg, ensemble: Ensemble, protocol: Protocol, *, directory: Path, seed: int) -> Path:
    """Write System, replicas, PDB (with solvent), settings and a script that runs them.

    Returns:
        The directory; ``python reproduce.py`` in it needs only OpenMM and numpy.
    """
    import json

    from bindfe.sample.dynamics import choose_platform

    settings = protocol.sampling
    write_text(directory / "system.xml", mm.XmlSerializer.serialize(leg.system))
    arrays = {
        "positions": np.array([replica.positions for replica in ensemble.replicas]),
        "velocities": np.array([replica.velocities for replica in ensemble.replicas]),
        "states": ensemble.states,
    }
    if ensemble.replicas[0].box is not None:
        arrays["boxes"] = np.array([replica.box for replica in ensemble.replicas])
    write_arrays(directory / "replicas.npz", arrays)
    facts = {
        "temperature": settings.temperature,
        "friction": settings.friction,
        "time_step": settings.time_step,
        "steps": round(settings.cycle_time / settings.time_step) * settings.chunk_cycles,
        "seed": seed % (2**31 - 1) + 1,
        "platform": choose_platform(protocol.compute)[0].getName(),
        "parameters": [dict(values) for values in leg.record.parameters],
        "cycle": ensemble.cycle,
    }
    write_text(directory / "settings.json", json.dumps(facts, indent=1))
    _write_pdb(leg, ensemble, directory / "start.pdb")
    write_text(directory / "reproduce.py", _SCRIPT)
    return directory


def _write_pdb(leg: LoadedLeg, ensemble: Ensemble, path: Path) -> None:
    import io

    text = io.StringIO()
    replica = ensemble.replicas[int(np.argmax(ensemble.states == leg.record.start_state))]
    app.PDBFile.writeFile(leg.topology, replica.positions * unit.nanometer, text, keepIds=True)
    write_text(path, text.getvalue())
