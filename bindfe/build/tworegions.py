"""The second engine of an edge: both ligands in one place, each with its own couplings, in complex and in solvent."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import openmm as mm

from bindfe.build.alchemy import openmmtools_alchemy, use_openmm_coulomb_constant
from bindfe.build.forcefield import Assembly, nonbonded_force, parametrise
from bindfe.build.solvate import solvate
from bindfe.build.swap import Alignment, alignment_force
from bindfe.errors import ProtocolError
from bindfe.protocol import Protocol

if TYPE_CHECKING:
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.receptor import Receptor

FIRST, SECOND = "A", "B"
"""Names of the regions: the parameters are ``lambda_sterics_A``, ``lambda_electrostatics_A`` and those with B."""

Triple = tuple[int, int, int]


def overlaid_system(
    receptor: Receptor | None, first: Ligand, second: Ligand, protocol: Protocol
) -> tuple[mm.System, Assembly]:
    """The System of both ligands in one place, which do not see each other directly.

    Args:
        receptor: The receptor; None for the solvent leg.
        first: First ligand, in its pose.
        second: Second ligand, in its own pose in the same frame.
        protocol: Force field and solvent.

    Returns:
        The System, in which every pair of atoms of different ligands is an exception without interaction, and its
        atoms: receptor, first ligand, second ligand, solvent.

    Raises:
        InputError: Missing parameters.
        ProtocolError: Implicit solvent, which openmmtools cannot make for two regions.
    """
    if not protocol.solvent.explicit and protocol.solvent.model != "vacuum":
        raise ProtocolError(
            f"solvent.model: {protocol.solvent.model}: two alchemical regions need an explicit solvent, such as tip3p, "
            "or vacuum; the exchange of places (edges) works in implicit solvent"
        )
    force_field, molecules = parametrise(receptor, first, protocol, second=second)
    plain, assembly = solvate(force_field, molecules, protocol)
    force = nonbonded_force(plain)
    ligands = assembly.ligand_atoms[: first.n_atoms], assembly.ligand_atoms[first.n_atoms :]
    for i in ligands[0]:
        for j in ligands[1]:
            force.addException(i, j, 0.0, 0.1, 0.0)
    return plain, assembly


def two_region_system(
    overlaid: mm.System,
    *,
    first_atoms: Sequence[int],
    second_atoms: Sequence[int],
    alignment: tuple[Triple, Triple],
    protocol: Protocol,
) -> mm.System:
    """Give both ligands couplings of their own and keep them alike.

    The first ligand is wholly there with (sterics, electrostatics) of A at 1 and those of B at 0, the second with
    the reverse; both annihilate charges and decouple Lennard-Jones terms as
    :func:`bindfe.build.alchemy.decoupled_system` does. A ligand that is switched off keeps its bonds and its own
    Lennard-Jones terms, and meets nothing but the alignment: both are the same in complex and solvent, so

        delta_delta_g = [G(B on) - G(A on)](complex) - [G(B on) - G(A on)](solvent)

    Args:
        overlaid: From :func:`overlaid_system`; not changed.
        first_atoms: Atoms of the first ligand.
        second_atoms: Atoms of the second ligand.
        alignment: Three atoms of each ligand, numbered in the System.
        protocol: Its sections alchemy, edges and solvent.

    Returns:
        A new System with ``lambda_sterics_A``, ``lambda_electrostatics_A``, the same with B, and
        ``lambda_alignment``, all 1 by default.

    Raises:
        MissingDependency: openmmtools is not installed.
    """
    alchemy = openmmtools_alchemy()
    factory = alchemy.AbsoluteAlchemicalFactory(
        consistent_exceptions=False,
        alchemical_pme_treatment="exact",
        disable_alchemical_dispersion_correction=not protocol.solvent.dispersion_correction,
    )
    regions = [
        alchemy.AlchemicalRegion(
            alchemical_atoms=list(atoms),
            annihilate_electrostatics=True,
            annihilate_sterics=False,
            softcore_alpha=protocol.alchemy.softcore_alpha,
            name=name,
        )
        for atoms, name in ((first_atoms, FIRST), (second_atoms, SECOND))
    ]
    system = factory.create_alchemical_system(copy.deepcopy(overlaid), regions)
    use_openmm_coulomb_constant(system)
    force = alignment_force(
        Alignment(
            first=alignment[0],
            second=alignment[1],
            displacement=(0.0, 0.0, 0.0),
            position_spring=protocol.edges.position_spring,
            direction_spring=protocol.edges.direction_spring,
        ),
        periodic=protocol.solvent.explicit,
    )
    system.addForce(force)
    return system


def region_parameters(*, first: float, second: float) -> Mapping[str, float]:
    """Global parameters with each ligand coupled so far, 0 to 1: charges come last and go first.

    Up to 1/2 only Lennard-Jones terms are switched on, from 1/2 charges, so that no bare charge is met.
    """
    values = {}
    for name, coupling in ((FIRST, first), (SECOND, second)):
        values[f"lambda_sterics_{name}"] = min(1.0, 2.0 * coupling)
        values[f"lambda_electrostatics_{name}"] = max(0.0, 2.0 * coupling - 1.0)
    return values
