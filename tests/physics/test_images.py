"""A neutral ligand whose charges are annihilated leaves no term of its periodic images worth a correction."""

from __future__ import annotations

from pathlib import Path

import openmm as mm
import pytest
from openmm import app, unit

from bindfe.build.forcefield import nonbonded_force, parametrise
from bindfe.chem.ligand import read_ligands
from bindfe.protocol import parse_protocol

SYSTEMS = Path(__file__).resolve().parents[2] / "systems"
PROTOCOL = "solvent: {model: tip3p, padding: 20 A, cutoff: 10 A}\nligands: {file: x.sdf}\n"


def coulomb(system: mm.System, positions, *, width: float | None) -> float:
    """Coulomb energy [kcal/mol] of the charges without exceptions: in the open, or with images in a cube [nm]."""
    source, copy = nonbonded_force(system), mm.System()
    force = mm.NonbondedForce()
    for index in range(system.getNumParticles()):
        copy.addParticle(1.0)
        force.addParticle(source.getParticleParameters(index)[0], 0.1, 0.0)
    if width is None:
        force.setNonbondedMethod(mm.NonbondedForce.NoCutoff)
    else:
        force.setNonbondedMethod(mm.NonbondedForce.Ewald)
        force.setCutoffDistance(1.0)
        force.setEwaldErrorTolerance(1e-6)
        copy.setDefaultPeriodicBoxVectors(*(width * unit.nanometer * axis for axis in map(mm.Vec3, *_AXES)))
    copy.addForce(force)
    context = mm.Context(copy, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions)
    return context.getState(energy=True).getPotentialEnergy().value_in_unit(unit.kilocalorie_per_mole)


_AXES = ((1, 0, 0), (0, 1, 0), (0, 0, 1))


@pytest.mark.parametrize(
    ("system", "name"),
    [("t4-lysozyme-l99a", "indole"), ("sars-cov-2-mpro", "ADA-UCB-6c2cb422-1"), ("cb7", "b2")],
)
def test_the_images_of_a_neutral_ligand_are_below_a_twentieth_of_a_kcal_in_the_least_box(system, name):
    """The box of a solvent leg is the smaller one; the complex's differs from it by less than this."""
    file = SYSTEMS / system / ("guests.sdf" if system == "cb7" else "ligands.sdf")
    (ligand,) = read_ligands(file, names=(name,))
    force_field, molecules = parametrise(None, ligand, parse_protocol(PROTOCOL))
    alone = force_field.createSystem(molecules.topology, nonbondedMethod=app.NoCutoff)
    open_air = coulomb(alone, molecules.positions, width=None)
    images = [coulomb(alone, molecules.positions, width=width) - open_air for width in (4.0, 8.0)]
    assert abs(images[0]) < 0.05
    assert images[1] == pytest.approx(images[0] / 8, abs=2e-3)  # dipoles: as the inverse of the volume
