"""A model complex whose binding free energy is known exactly: a particle in a harmonic or a Gaussian well."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import openmm as mm
from openmm import app

from bindfe.build.forcefield import Assembly
from bindfe.build.leg import check_ends
from bindfe.build.legfiles import LegParts, write_leg
from bindfe.build.restraint import LAMBDA_RESTRAINTS, restraint_force
from bindfe.errors import ProtocolError
from bindfe.protocol import AnalyticSettings, Protocol
from bindfe.results import PreparedLeg
from bindfe.states import CentroidRestraint, LegKind
from bindfe.units import KJ_PER_KCAL, STANDARD_VOLUME_NM3, thermal_energy

LAMBDA_STERICS = "lambda_sterics"
"""Global parameter that scales the well; the name that decoupled legs use."""

_RECEPTOR_TIMES_HEAVIER = 10.0  # any value gives the same answer


def analytic_delta_g(protocol: Protocol) -> float:
    """Exact standard binding free energy of the model complex.

    The bound state is everywhere in the well, so with V0 the volume at 1 mol/L::

        delta_g = -kT ln[ int e^(-(-D + k r^2/2)/kT) dr / V0 ] = -D - kT ln[ (2 pi kT/k)^(3/2) / V0 ]

    In a Gaussian well it is the sphere r < b that the path calls the site, by quadrature::

        delta_g = -kT ln[ int_0^b 4 pi r^2 e^(D exp(-k r^2/2D)/kT) dr / V0 ]

    Returns:
        delta_g [kcal/mol]; negative binds.

    Raises:
        ProtocolError: The protocol has no section ``analytic``.
    """
    model, kt = _model(protocol), thermal_energy(protocol.sampling.temperature)
    if model.well == "gaussian":
        node, weight = np.polynomial.legendre.leggauss(400)
        r = 0.5 * protocol.path.bound[1] * (node + 1)
        boltzmann = np.exp(model.depth * np.exp(-model.spring * r**2 / (2 * model.depth)) / kt)
        inside = 0.5 * protocol.path.bound[1] * float(np.sum(weight * 4 * math.pi * r**2 * boltzmann))
        return -kt * math.log(inside / STANDARD_VOLUME_NM3) / KJ_PER_KCAL
    volume = (2 * math.pi * kt / model.spring) ** 1.5
    return (-model.depth - kt * math.log(volume / STANDARD_VOLUME_NM3)) / KJ_PER_KCAL


def prepare_analytic_leg(protocol: Protocol, directory: Path, *, fingerprint: str = "") -> PreparedLeg:
    """Write the complex leg of the model: two free particles, no box, nothing else.

    ::

        U = lambda_sterics (-D + k r^2/2) + lambda_restraints k_r max(0, r - r0)^2/2

    Both terms are linear in their parameter. The leg decouples: delta_g is minus its free energy and minus
    the release of the restraint.

    Args:
        protocol: With a section ``analytic``; the restraint is its ``restraint`` between the particles.
        directory: Where the files are written.
        fingerprint: Identity of the calculation.

    Raises:
        ProtocolError: No section ``analytic``, a restraint that turns, or a schedule with wrong ends.
        StoreError: The files cannot be written.
    """
    model = _model(protocol)
    if protocol.road != "alchemy":
        return _prepare_path(model, protocol, directory, fingerprint=fingerprint)
    schedule = protocol.schedule_of(LegKind.COMPLEX)
    check_ends(LegKind.COMPLEX, schedule)
    restraint = _restraint(protocol)
    plain = _particles(model)
    system = _particles(model)
    plain.addForce(_well(model, scaled=False))
    system.addForce(_well(model, scaled=True))
    system.addForce(restraint_force(restraint, periodic=False))
    rows = zip(schedule.sterics, schedule.restraints, strict=True)
    parts = LegParts(
        kind=LegKind.COMPLEX,
        ligand="particle",
        assembly=_assembly(model),
        system=system,
        plain=plain,
        parameters=tuple({LAMBDA_STERICS: sterics, LAMBDA_RESTRAINTS: held} for sterics, held in rows),
        linear_parameters=(LAMBDA_STERICS, LAMBDA_RESTRAINTS),
        restraint=restraint,
    )
    return write_leg(directory, parts, protocol, fingerprint=fingerprint)


def _prepare_path(model: AnalyticSettings, protocol: Protocol, directory: Path, *, fingerprint: str) -> PreparedLeg:
    """The two particles with their well, as they are."""
    plain = _particles(model)
    plain.addForce(_well(model, scaled=False))
    parts = LegParts(
        kind=LegKind.PATH,
        ligand="particle",
        assembly=_assembly(model),
        system=plain,
        plain=plain,
        parameters=({},),
        linear_parameters=(),
        restraint=None,
    )
    return write_leg(directory, parts, protocol, fingerprint=fingerprint)


def _model(protocol: Protocol) -> AnalyticSettings:
    if protocol.analytic is None:
        raise ProtocolError("the protocol has no section 'analytic': there is no exact answer to give")
    return protocol.analytic


def _restraint(protocol: Protocol) -> CentroidRestraint:
    settings = protocol.restraint
    if settings.kind not in ("harmonic", "flat-bottom"):
        raise ProtocolError(f"restraint.kind: two particles need harmonic or flat-bottom, found {settings.kind}")
    radius = settings.flat_radius if settings.kind == "flat-bottom" else 0.0
    return CentroidRestraint(receptor_atoms=(0,), ligand_atoms=(1,), spring=settings.spring, flat_radius=radius)


def _particles(model: AnalyticSettings) -> mm.System:
    system = mm.System()
    for mass in (_RECEPTOR_TIMES_HEAVIER * model.mass, model.mass):
        system.addParticle(mass)
    return system


def _well(model: AnalyticSettings, *, scaled: bool) -> mm.CustomBondForce:
    shape = "(k*r^2/2-D)" if model.well == "harmonic" else "(-D*exp(-k*r^2/(2*D)))"
    force = mm.CustomBondForce(("" if not scaled else f"{LAMBDA_STERICS}*") + shape)
    force.setName("well")
    for name in ("k", "D"):
        force.addPerBondParameter(name)
    force.addBond(0, 1, [model.spring, model.depth])
    if scaled:
        force.addGlobalParameter(LAMBDA_STERICS, 1.0)
        force.addEnergyParameterDerivative(LAMBDA_STERICS)
    return force


def _assembly(model: AnalyticSettings) -> Assembly:
    topology = app.Topology()
    for name in ("HST", "LIG"):
        topology.addAtom("X1", None, topology.addResidue(name, topology.addChain()))
    positions = np.zeros((2, 3))
    positions[1, 0] = 0.05
    return Assembly(topology=topology, positions=positions, receptor_atoms=(0,), ligand_atoms=(1,))
