"""Double decoupling: the ligand loses its charges and its Lennard-Jones meeting with everything else."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import openmm as mm

from bindfe.errors import MissingDependency
from bindfe.protocol import Protocol

LAMBDA_STERICS = "lambda_sterics"
"""Global parameter that couples the ligand's Lennard-Jones interactions to its surroundings."""

LAMBDA_ELECTROSTATICS = "lambda_electrostatics"
"""Global parameter that scales the ligand's charges."""

_FACTORY_COULOMB = "138.935485"  # as openmmtools writes it [kJ nm/mol/e^2]
_OPENMM_COULOMB = "138.93545764438198"  # OpenMM's ONE_4PI_EPS0 (SimTKOpenMMRealType.h, CODATA 2018)


def decoupled_system(plain: mm.System, ligand_atoms: Sequence[int], protocol: Protocol) -> mm.System:
    """Make a System in which the ligand can be switched off.

    Electrostatics are annihilated (its own included), as exact PME asks for, and Lennard-Jones terms are
    decoupled with a soft core (its own stay). Both legs do the same, so its own part cancels between them; for
    hydration the second leg is the same ligand without surroundings, whose Lennard-Jones terms nothing meets.
    GBSAOBCForce becomes a CustomGBForce in which ``lambda_electrostatics`` scales the ligand's charges,
    its descreening and its surface term: right at both ends, and about four times slower.

    Args:
        plain: The physical System; it is not changed.
        ligand_atoms: Atoms that are switched.
        protocol: Its ``alchemy.softcore_alpha`` and ``solvent.dispersion_correction``.

    Returns:
        A new System with ``lambda_sterics`` and ``lambda_electrostatics``, 1 by default.

    Raises:
        MissingDependency: openmmtools is not installed.

    Source:
        openmmtools' AbsoluteAlchemicalFactory; soft core of Beutler et al., Chem. Phys. Lett. 222, 529 (1994),
        doi:10.1016/0009-2614(94)00397-1.
    """
    alchemy = openmmtools_alchemy()
    factory = alchemy.AbsoluteAlchemicalFactory(
        consistent_exceptions=False,
        alchemical_pme_treatment="exact",
        disable_alchemical_dispersion_correction=not protocol.solvent.dispersion_correction,
    )
    region = alchemy.AlchemicalRegion(
        alchemical_atoms=list(ligand_atoms),
        annihilate_electrostatics=True,
        annihilate_sterics=False,
        softcore_alpha=protocol.alchemy.softcore_alpha,
    )
    system = factory.create_alchemical_system(plain, region)
    use_openmm_coulomb_constant(system)
    return system


def use_openmm_coulomb_constant(system: mm.System) -> None:
    """Give the factory's CustomGBForce OpenMM's own constant: CB7 with a guest would be 1.2e-4 kJ/mol off."""
    for force in system.getForces():
        if isinstance(force, mm.CustomGBForce):
            for index in range(force.getNumEnergyTerms()):
                expression, kind = force.getEnergyTermParameters(index)
                force.setEnergyTermParameters(index, expression.replace(_FACTORY_COULOMB, _OPENMM_COULOMB), kind)


def openmmtools_alchemy() -> Any:
    """Import openmmtools without its banners: pymbar's about JAX, and deprecations in what it imports."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from openmmtools import alchemy
    except ImportError as error:
        raise MissingDependency(
            f"alchemy.method: decouple needs openmmtools ({error}): pip install openmmtools, or use method: transfer"
        ) from error
    finally:
        logging.disable(previous)
    return alchemy
