"""Two ligands change places: one leaves the site for bulk while the other comes from bulk into the site.

The System holds receptor and both ligands, the first in the site and the second in bulk, one displacement away.
Nothing about a ligand is changed, so any potential serves, a learned one included.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import openmm as mm

from bindfe.protocol import AlchemySettings

LAMBDA_SIDE = "lambda_side"
"""Global parameter: 0 where the first ligand is in the site, 1 where the second is."""
LAMBDA_SWAP = "lambda_swap"
"""Global parameter: how much of the swap is felt, 0 to 1/2, seen from the side that the System is on."""
LAMBDA_FIRST_SITE = "lambda_first_site"
"""Global parameter that scales the first ligand's restraint to the site."""
LAMBDA_SECOND_SITE = "lambda_second_site"
"""Global parameter that scales the second ligand's restraint to the site."""
LAMBDA_ALIGNMENT = "lambda_alignment"
"""Global parameter that scales what keeps the two ligands alike."""

SWAP_LINEAR = (LAMBDA_SWAP, LAMBDA_FIRST_SITE, LAMBDA_SECOND_SITE, LAMBDA_ALIGNMENT)
"""Those in which the energy is linear and whose derivative the System reports; ``lambda_side`` is 0 or 1."""

_MOVED = (mm.NonbondedForce, mm.GBSAOBCForce, mm.CustomGBForce, mm.CustomNonbondedForce)
_ACORE = 1.0 / 16.0  # OpenMM's own soft-core exponent
_MOST = 1e7  # kJ/mol; larger differences count as this, so that a clash has a number in every state


@dataclass(frozen=True, kw_only=True, slots=True)
class Alignment:
    """What keeps two ligands alike and one displacement apart, through three atoms of each.

    With u and v the vectors from atom 1 to atoms 2 and 3, e = u/|u| and n = (u x v)/|u x v|::

        U = k/2 |x_1' - x_1 - d|^2 + K (1 - e.e') + K (1 - n.n')

    It depends on nothing but how the second frame lies to the first, so its integral over the place and the
    orientation of a ligand in bulk is one number, the same whichever ligand is there: it cancels.
    """

    first: tuple[int, int, int]
    """Atoms of the first ligand."""
    second: tuple[int, int, int]
    """Atoms of the second ligand."""
    displacement: tuple[float, float, float]
    """d [nm]: zero where both ligands are in one place."""
    position_spring: float
    """k [kJ/mol/nm^2]."""
    direction_spring: float
    """K [kJ/mol]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """A flat-bottomed well between the centroids of receptor and ligand atoms: U = k/2 max(0, r - r0)^2."""

    receptor_atoms: tuple[int, ...]
    """Atoms of the receptor around the site."""
    ligand_atoms: tuple[int, ...]
    """Heavy atoms of the ligand."""
    displacement: tuple[float, float, float]
    """Where the ligand is when it is not in the site [nm]; subtracted from its centroid. Zero for the first ligand."""
    spring: float
    """k [kJ/mol/nm^2]."""
    flat_radius: float
    """r0 [nm]."""


def swap_system(
    plain: mm.System,
    *,
    first_atoms: Sequence[int],
    second_atoms: Sequence[int],
    displacement: Sequence[float],
    settings: AlchemySettings,
) -> mm.System:
    """Put the nonbonded energy of a System under the exchange of two ligands.

    With u0 the nonbonded (and solvation) energy as the atoms lie, first ligand in the site, and u1 that with the
    first ligand moved by ``d`` and the second by ``-d``::

        U = U_bonded + u0 + t usc(u1 - u0)          lambda_side = 0, t = lambda        lambda <= 1/2
        U = U_bonded + u1 + t usc(u0 - u1)          lambda_side = 1, t = 1 - lambda    lambda  > 1/2

    with t the parameter ``lambda_swap`` and usc the soft core of :func:`bindfe.build.transfer.transfer_system`; see
    :func:`swap_parameters`. Either half softens the ligand that is coming, which is why there are two. They meet
    at 1/2, where both are (u0 + u1)/2 unless a soft core is at work. MBAR needs no more than that neighbouring
    states overlap, so nothing is assumed of the middle. U is linear in t and the System reports the derivative, so
    two evaluations, one on each side, give the energy of every state. (With both sides in linear parameters
    one would do, but OpenMM 8.6's ATMForce reports the derivative of its last parameter alone and 0 for the others.)

    States above 1/2 from coordinates that never were swapped have clashes of 1e10 kJ/mol in u1; they are reached
    by walking the ladder from the first state.

    Args:
        plain: The physical System of receptor, first ligand in the site and second ligand in bulk, without
            cutoff or in a periodic box with Ewald sums; it is not changed. Forces other than nonbonded and
            solvation (bonds, learned potentials of a ligand) must not depend on where a ligand is as a whole.
        first_atoms: Atoms of the ligand that is in the site.
        second_atoms: Atoms of the ligand that is in bulk.
        displacement: d, from the site to bulk [nm], (3,).
        settings: The soft core.

    Returns:
        A new System with the global parameters ``lambda_side`` and ``lambda_swap``, both 0 by default.

    Source:
        Azimi, Khuttan, Wu, Pal and Gallicchio, J. Chem. Inf. Model. 62, 309 (2022),
        doi:10.1021/acs.jcim.1c01129. One ladder through both halves instead of two legs is ours.
    """
    system = copy.deepcopy(plain)
    force = mm.ATMForce(_energy(settings))
    force.setName("swap")
    force.addGlobalParameter(LAMBDA_SIDE, 0.0)
    force.addGlobalParameter(LAMBDA_SWAP, 0.0)
    force.addEnergyParameterDerivative(LAMBDA_SWAP)
    for index in reversed(range(system.getNumForces())):
        if isinstance(system.getForce(index), _MOVED):
            force.addForce(copy.deepcopy(system.getForce(index)))
            system.removeForce(index)
    there, back = mm.Vec3(*displacement), -1.0 * mm.Vec3(*displacement)
    moves = {**dict.fromkeys(first_atoms, there), **dict.fromkeys(second_atoms, back)}
    for atom in range(system.getNumParticles()):
        force.addParticle(moves.get(atom, mm.Vec3(0, 0, 0)))
    system.addForce(force)
    return system


def _energy(settings: AlchemySettings) -> str:
    start, width = settings.softcore_start, settings.softcore_maximum - settings.softcore_start
    soft = (
        "{s}=select(step({u}-@),@+#*({z}^$-1)/({z}^$+1),{u});{z}=1+2*({y}/$)+2*({y}/$)^2;{y}=({u}-@)/#;".replace(
            "@", repr(start)
        )
        .replace("#", repr(width))
        .replace("$", repr(_ACORE))
    )
    return (
        f"u0-{LAMBDA_SIDE}*ub+{LAMBDA_SWAP}*(sf+{LAMBDA_SIDE}*(sb-sf));"
        + soft.format(s="sf", u="uf", z="zf", y="yf")
        + soft.format(s="sb", u="ub", z="zb", y="yb")
        + f"uf=u1-u0;ub=max(u0-u1,-{_MOST!r})"  # in both terms of ub: in one alone a clash would lower the energy
    )


def swap_parameters(*, swapped: float, alignment: float) -> Mapping[str, float]:
    """The global parameters of the state at a lambda.

    The restraint to the site goes over from the first ligand to the second with lambda, so that at both ends it
    acts on the bound ligand alone.

    Args:
        swapped: lambda: 0 with the first ligand bound, 1 with the second.
        alignment: Strength of the alignment, 1 as a rule.
    """
    above = swapped > 0.5
    return {
        LAMBDA_SIDE: float(above),
        LAMBDA_SWAP: 1.0 - swapped if above else swapped,
        LAMBDA_FIRST_SITE: 1.0 - swapped,
        LAMBDA_SECOND_SITE: swapped,
        LAMBDA_ALIGNMENT: alignment,
    }


def alignment_force(alignment: Alignment, *, periodic: bool = False) -> mm.CustomCompoundBondForce:
    """The OpenMM force of an alignment, scaled by ``lambda_alignment`` and reporting its derivative.

    Args:
        alignment: Atoms and springs.
        periodic: Whether the ligands may be in different images of a box. A molecule itself is never split.
    """
    apart = "pointdistance(x4-dx,y4-dy,z4-dz,x1,y1,z1)^2" if periodic else "((x4-x1-dx)^2+(y4-y1-dy)^2+(z4-z1-dz)^2)"
    force = mm.CustomCompoundBondForce(
        6,
        f"{LAMBDA_ALIGNMENT}*(k/2*{apart}+K*(2-e-n));"
        "e=(ux*Ux+uy*Uy+uz*Uz)/sqrt((ux^2+uy^2+uz^2)*(Ux^2+Uy^2+Uz^2));"
        "n=(nx*Nx+ny*Ny+nz*Nz)/sqrt((nx^2+ny^2+nz^2)*(Nx^2+Ny^2+Nz^2));"
        "nx=uy*vz-uz*vy;ny=uz*vx-ux*vz;nz=ux*vy-uy*vx;"
        "Nx=Uy*Vz-Uz*Vy;Ny=Uz*Vx-Ux*Vz;Nz=Ux*Vy-Uy*Vx;"
        "ux=x2-x1;uy=y2-y1;uz=z2-z1;vx=x3-x1;vy=y3-y1;vz=z3-z1;"
        "Ux=x5-x4;Uy=y5-y4;Uz=z5-z4;Vx=x6-x4;Vy=y6-y4;Vz=z6-z4",
    )
    force.setName("alignment")
    force.setUsesPeriodicBoundaryConditions(periodic)
    values = dict(zip(("dx", "dy", "dz"), alignment.displacement, strict=True))
    values |= {"k": alignment.position_spring, "K": alignment.direction_spring}
    for name in values:
        force.addPerBondParameter(name)
    force.addBond([*alignment.first, *alignment.second], list(values.values()))
    force.addGlobalParameter(LAMBDA_ALIGNMENT, 1.0)
    force.addEnergyParameterDerivative(LAMBDA_ALIGNMENT)
    return force


def site_force(site: Site, parameter: str, *, periodic: bool = False) -> mm.CustomCentroidBondForce:
    """The OpenMM force of a site, scaled by a global parameter and reporting its derivative.

    In a box, the receptor's atoms and both ligands so become one molecule to OpenMM, which is moved as a whole
    where a barostat scales the box or an image is chosen: a centroid over several chains stays one place.

    Args:
        site: Atoms and well.
        parameter: Name of the global parameter.
        periodic: Whether the distance is taken to the nearest image of a box.
    """
    apart = "pointdistance(x2-dx,y2-dy,z2-dz,x1,y1,z1)"
    if not periodic:
        apart = "sqrt((x2-x1-dx)^2+(y2-y1-dy)^2+(z2-z1-dz)^2+1e-12)"
    force = mm.CustomCentroidBondForce(2, f"{parameter}*(k/2)*max(0,{apart}-r0)^2")
    force.setName(parameter)
    force.setUsesPeriodicBoundaryConditions(periodic)
    values = dict(zip(("dx", "dy", "dz"), site.displacement, strict=True))
    values |= {"k": site.spring, "r0": site.flat_radius}
    for name in values:
        force.addPerBondParameter(name)
    for atoms in (site.receptor_atoms, site.ligand_atoms):
        force.addGroup(list(atoms), [1.0] * len(atoms))
    force.addBond([0, 1], list(values.values()))
    force.addGlobalParameter(parameter, 0.0)
    force.addEnergyParameterDerivative(parameter)
    return force
