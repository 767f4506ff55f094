"""Alchemical transfer: the ligand is carried from bulk solvent into the site without changing it."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import openmm as mm

from bindfe.protocol import AlchemySettings

LAMBDA_TRANSFER = "lambda_transfer"
"""Global parameter: 0 is the ligand in bulk, 1 in the site."""

_MOVED = (mm.NonbondedForce, mm.GBSAOBCForce)  # what differs between site and bulk; bonded terms do not
_ACORE = 1.0 / 16.0  # OpenMM's own soft-core exponent


def transfer_system(plain: mm.System, ligand_atoms: Sequence[int], settings: AlchemySettings) -> mm.System:
    """Put the nonbonded energy of a System under an alchemical transfer of its ligand.

    With u_site and u_bulk the nonbonded (and solvation) energies with the ligand where it is and moved away
    along x by the displacement ``d``::

        U(lambda) = U_bonded + u_bulk + lambda usc(u_site - u_bulk)
        usc(u) = u                                           below softcore_start = u_s
               = u_s + (u_max - u_s) (z^a - 1)/(z^a + 1)     above, with y = (u - u_s)/(u_max - u_s),
                 z = 1 + 2 y/a + 2 (y/a)^2, a = 1/16

    U is linear in lambda and the System reports its derivative, usc, so one evaluation gives the energy of
    every state. At lambda 1 it is the plain energy wherever the ligand fits the site. A ligand in bulk still
    meets the receptor at ``d``. With CB7 at 10 nm that is 6e-5 kcal/mol for a neutral diol and 6e-4 for
    ammonium in OBC2 (3e-4 and 4e-2 in vacuum, where nothing screens), and between two unit charges
    4.2 kcal A/mol/e^2 / d = 0.04 kcal/mol in OBC2.

    Args:
        plain: The physical System without cutoff; it is not changed.
        ligand_atoms: Atoms that are carried.
        settings: Displacement and soft core.

    Returns:
        A new System with the global parameter ``lambda_transfer``, 1 by default.

    Source:
        Wu, Azimi, Khuttan, Deng and Gallicchio, J. Chem. Theory Comput. 17, 3309 (2021),
        doi:10.1021/acs.jctc.1c00266; the soft core is the default expression of OpenMM's ATMForce.
    """
    system = copy.deepcopy(plain)
    force = mm.ATMForce(_energy(settings))
    force.setName("transfer")
    force.addGlobalParameter(LAMBDA_TRANSFER, 1.0)
    force.addEnergyParameterDerivative(LAMBDA_TRANSFER)
    for index in reversed(range(system.getNumForces())):
        if isinstance(system.getForce(index), _MOVED):
            force.addForce(copy.deepcopy(system.getForce(index)))
            system.removeForce(index)
    carried = set(ligand_atoms)
    for atom in range(system.getNumParticles()):
        # a Vec3: a FixedDisplacement made here is owned by Python and gone when the force looks at it
        force.addParticle(mm.Vec3(settings.displacement if atom in carried else 0.0, 0.0, 0.0))
    system.addForce(force)
    return system


def _energy(settings: AlchemySettings) -> str:
    """ATMForce's expression; its u0 is undisplaced (site) and its u1 displaced (bulk)."""
    start, width = settings.softcore_start, settings.softcore_maximum - settings.softcore_start
    return (
        f"u1+{LAMBDA_TRANSFER}*usc;"
        f"usc=select(step(u-{start!r}),{start!r}+{width!r}*(z^{_ACORE!r}-1)/(z^{_ACORE!r}+1),u);"
        f"z=1+2*(y/{_ACORE!r})+2*(y/{_ACORE!r})^2;"
        f"y=(u-{start!r})/{width!r};"
        "u=u0-u1"
    )
