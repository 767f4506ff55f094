"""Variables and their restraints as OpenMM forces."""

from __future__ import annotations

import openmm as mm

from bindfe.variables import Distance, Funnel, Hold, Sphere, Torsion, Variable

_AXIS = (  # a, b, c: top, bottom, ligand. Distances only, so that the nearest images are taken
    "rho=sqrt(max(0,(ac^2+bc^2)/2-ab^2/4-z^2)); z=(bc^2-ac^2)/(2*ab);"
    "ab=distance(g1,g2); ac=distance(g1,g3); bc=distance(g2,g3)"
)


def variable_force(variable: Variable, *, periodic: bool) -> mm.Force:
    """A force whose energy is the variable's value [nm or rad]; for a CustomCVForce."""
    if isinstance(variable, Torsion):
        force = mm.CustomTorsionForce("theta")
        force.addTorsion(*variable.atoms)
        force.setUsesPeriodicBoundaryConditions(periodic)
        return force
    if isinstance(variable, Distance):
        return _centroids("distance(g1,g2)", (variable.first, variable.second), periodic=periodic)
    return _centroids(f"z;{_AXIS}", (variable.top, variable.bottom, variable.ligand), periodic=periodic)


def hold_force(hold: Hold, *, periodic: bool) -> mm.Force:
    """A force that is the restraint."""
    if isinstance(hold, Sphere):
        energy = f"{hold.spring / 2!r}*max(0,distance(g1,g2)-{hold.radius!r})^2"
        return _centroids(energy, (hold.distance.first, hold.distance.second), periodic=periodic)
    if isinstance(hold, Funnel):
        groups = (hold.position.top, hold.position.bottom, hold.position.ligand)
        return _centroids(f"{funnel_words(hold)};{_AXIS}", groups, periodic=periodic)
    energy = (
        f"{hold.spring!r}*(1-c^2); c=(ad^2+bc^2-ac^2-bd^2)/(2*ab*cd);"
        "ab=distance(g1,g2); cd=distance(g3,g4); ac=distance(g1,g3); ad=distance(g1,g4);"
        "bc=distance(g2,g3); bd=distance(g2,g4)"
    )
    return _centroids(energy, (*hold.receptor_ends, *hold.ligand_ends), periodic=periodic)


def funnel_words(hold: Funnel) -> str:
    """The funnel's energy in z and rho, in words that OpenMM and PLUMED share."""
    height = "abs(z)" if hold.both_sides else "z"
    radius = f"{hold.radius!r}+{hold.slope!r}*max(0,{hold.cone_until!r}-{height})"
    return f"{hold.spring / 2!r}*(max(0,rho-({radius}))^2+max(0,z-{hold.high!r})^2+max(0,{hold.low!r}-z)^2)"


def _centroids(energy: str, groups: tuple[tuple[int, ...], ...], *, periodic: bool) -> mm.CustomCentroidBondForce:
    force = mm.CustomCentroidBondForce(len(groups), energy)
    for group in groups:
        force.addGroup(list(group), [1.0] * len(group))
    force.addBond(list(range(len(groups))))
    force.setUsesPeriodicBoundaryConditions(periodic)
    return force
