"""A metal complex in its surroundings as files, ready for any node."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import openmm as mm
from openmm import app, unit

from bindfe.build.metal import MetalSystem
from bindfe.errors import StoreError
from bindfe.mlip.handle import read_system
from bindfe.results import Floats
from bindfe.store import read_arrays, write_arrays, write_text


def write_metal_system(built: MetalSystem, directory: Path) -> None:
    """Write ``system.xml``, ``topology.cif`` and ``start.npz`` (positions [nm], charges [e], atoms, offset [kJ/mol]).

    Raises:
        StoreError: The files cannot be written.
    """
    text = io.StringIO()
    app.PDBxFile.writeFile(built.topology, built.positions * unit.nanometer, text)
    write_text(directory / "system.xml", mm.XmlSerializer.serialize(built.system))
    write_text(directory / "topology.cif", text.getvalue())
    arrays = {"positions": built.positions, "charges": built.charges, "atoms": np.array(built.atoms)}
    write_arrays(directory / "start.npz", {**arrays, "offset": np.array(built.offset)})


def load_metal_system(directory: Path) -> tuple[mm.System, app.Topology, Floats]:
    """Read System, topology and positions [nm], (N, 3), of what :func:`write_metal_system` wrote.

    Raises:
        InputError: The System holds a Python force that is not bindfe's: a committee of yours is built where it is
            used.
        StoreError: A file is missing or was changed.
    """
    try:
        system = read_system((directory / "system.xml").read_text(encoding="utf-8"))
        topology = app.PDBxFile(str(directory / "topology.cif")).topology
    except OSError as error:
        raise StoreError(f"{error.filename}: cannot be read: {error.strerror}") from error
    return system, topology, np.asarray(read_arrays(directory / "start.npz")["positions"], dtype=float)
