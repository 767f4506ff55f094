"""A ligand alone in an empty periodic box: the smallest System in which bonds, pairs and images all count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from openmm import unit

from bindfe.build.forcefield import create_system, parametrise
from bindfe.build.legfiles import PlainSystem
from bindfe.protocol import LigandSettings, Protocol, SolventSettings

if TYPE_CHECKING:
    from bindfe.chem.ligand import Ligand

_EMPTY_NM = 1.2  # from the ligand to the faces of its box, which must be wider than two cutoffs of 1 nm


def ligand_alone(ligand: Ligand) -> PlainSystem:
    """A ligand in an empty box with bindfe's default parameters, particle-mesh Ewald and constraints.

    Raises:
        InputError: There are no parameters for the ligand.
        MissingDependency: Parameters are not cached and OpenFF is not installed.
    """
    protocol = Protocol(ligands=LigandSettings(file=ligand.source), solvent=SolventSettings(model="tip3p"))
    force_field, assembly = parametrise(None, ligand, protocol)
    edge = float(np.ptp(assembly.positions, axis=0).max()) + 2 * _EMPTY_NM
    box = np.eye(3) * edge
    assembly.topology.setPeriodicBoxVectors(box * unit.nanometer)
    return PlainSystem(
        system=create_system(force_field, assembly.topology, protocol),
        topology=assembly.topology,
        positions=assembly.positions,
        box=box,
        receptor_atoms=(),
        ligand_atoms=assembly.ligand_atoms,
        atoms_in_leg=assembly.ligand_atoms,
    )
