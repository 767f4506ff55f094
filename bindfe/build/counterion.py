"""Charged ligands in a periodic box: ions of opposite charge lose their charge together with the ligand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import openmm as mm
from openmm import app, unit

from bindfe.build.alchemy import LAMBDA_ELECTROSTATICS
from bindfe.build.forcefield import Assembly, nonbonded_force
from bindfe.errors import InputError

_IONS = {1: "CL", -1: "NA"}
_WALL_NM = 1.2
"""Nearest that the ions come to the ligand's centroid [nm]; less in a small box."""

_WALL_SPRING = 2092.0  # 5 kcal/mol/A^2 [kJ/mol/nm^2]


def choose_counterions(assembly: Assembly, charge: int, *, ligand: str) -> tuple[int, ...]:
    """Ions of the solvent, of opposite sign and farthest from the solutes, one for each charge of the ligand.

    Discharging them with the ligand keeps the box's charge the same in every state, so that the terms of Ewald
    summation that grow with the square of a net charge never arise. The complex and the solvent leg do the
    same to an ion in bulk water, so its part cancels in delta_g; the ligand's standard state is not touched. What is
    left is the difference of the ion's free energy in two boxes of the same salt, and terms of higher order in 1/L.

    Args:
        assembly: All atoms, with ions of the solvent.
        charge: Net charge of the ligand [e].
        ligand: Its name, for the error.

    Raises:
        InputError: There are too few such ions.

    Source:
        Chen, Deng, Russell, Wu, Abel and Wang, J. Chem. Theory Comput. 14, 6346 (2018), doi:10.1021/acs.jctc.8b00825;
        the terms that are avoided: Rocklin, Mobley, Dill and Huenenberger, J. Chem. Phys. 139, 184103 (2013),
        doi:10.1063/1.4826261.
    """
    name = _IONS[int(np.sign(charge))]
    solutes = (*assembly.receptor_atoms, *assembly.ligand_atoms)
    own = set(solutes)
    ions = [
        next(residue.atoms()).index
        for residue in assembly.topology.residues()
        if residue.name == name and next(residue.atoms()).index not in own
    ]
    if len(ions) < abs(charge):
        raise InputError(
            f"{ligand} has charge {charge:+d}, and {abs(charge)} {name} ions of the box are to be discharged with it, "
            f"of which there are {len(ions)}: raise solvent.ionic_strength (0.15 M) or solvent.padding"
        )
    box = np.array(assembly.topology.getPeriodicBoxVectors().value_in_unit(unit.nanometer))
    rooms = [_nearest(assembly.positions[list(solutes)] - assembly.positions[ion], box) for ion in ions]
    order = np.argsort([-room for room in rooms], kind="stable")[: abs(charge)]
    return tuple(sorted(ions[int(i)] for i in order))


def _nearest(offsets: np.ndarray, box: np.ndarray) -> float:
    """Length [nm] of the shortest of some vectors, images of a reduced box counted."""
    for axis in (2, 1, 0):
        offsets = offsets - np.round(offsets[:, axis] / box[axis, axis])[:, None] * box[axis]
    return float(np.linalg.norm(offsets, axis=1).min())


def discharge(system: mm.System, ions: Sequence[int]) -> None:
    """Scale the charge of ions with ``lambda_electrostatics``, as the ligand's; their Lennard-Jones terms stay."""
    force = nonbonded_force(system)
    for ion in ions:
        charge, sigma, epsilon = force.getParticleParameters(ion)
        force.setParticleParameters(ion, 0.0, sigma, epsilon)
        force.addParticleParameterOffset(LAMBDA_ELECTROSTATICS, ion, charge, 0.0, 0.0)


def wall_force(assembly: Assembly, ions: Sequence[int]) -> mm.CustomCentroidBondForce:
    """Keep ions away from the ligand, in every state alike: U = k/2 max(0, r0 - r)^2 from its centroid.

    Its free energy is that of a small excluded volume at both ends of a leg, so that it cancels within each leg but
    for the pairing of ion and ligand, about 0.05 kcal/mol for two unit charges in a box of 4 nm.
    """
    heavy = [
        atom.index
        for atom in assembly.topology.atoms()
        if atom.index in set(assembly.ligand_atoms) and atom.element is not app.element.hydrogen
    ]
    box = np.array(assembly.topology.getPeriodicBoxVectors().value_in_unit(unit.nanometer))
    centre = assembly.positions[heavy].mean(axis=0)
    force = mm.CustomCentroidBondForce(2, "(kw/2)*max(0, rw-distance(g1,g2))^2")
    force.setName("counterions")
    force.addPerBondParameter("kw")
    force.addPerBondParameter("rw")
    force.addGroup(heavy, [1.0] * len(heavy))
    for ion in ions:
        away = _nearest(assembly.positions[[ion]] - centre, box)
        force.addBond([0, force.addGroup([ion], [1.0])], [_WALL_SPRING, min(_WALL_NM, 0.8 * away)])
    force.setUsesPeriodicBoundaryConditions(True)
    return force
