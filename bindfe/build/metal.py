"""A metal complex in its surroundings: internal energy by a potential, everything outside by charges and size.

No force field has parameters for a bond to palladium, and UFF's collapse it. So inside the complex there is no force
field at all::

    U = V(x_complex) - c  +  sum_(i in complex, j in water) [ Lennard-Jones + Coulomb ]  +  U_water

V is GFN2-xTB, GFN-FF or any committee, in an ``openmm.PythonForce``; every exception inside the complex is zero. The
charges are GFN2's in the gas, constant, and the Lennard-Jones terms UFF's but for the metal's radius: the complex is
not polarised by its surroundings. Periodic images of the complex meet by the same terms.

General potentials disagree about reaction energies at palladium by 20 kcal/mol: what is built here is a start for
sampling with one stated potential, not a prediction of an energy of reaction.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import openmm as mm
from openmm import app, unit
from scipy.optimize import minimize

from bindfe.chem.metal import MetalComplex, check_coordination
from bindfe.errors import InputError, SamplingError
from bindfe.mlip.catalogue import check_electrons
from bindfe.mlip.committee import Committee
from bindfe.mlip.gfn import GfnCommittee, Method, gfn2_charges
from bindfe.mlip.hybrid import MLIP_GROUP, PotentialForce
from bindfe.results import Floats

logger = logging.getLogger(__name__)

DOMAIN_WARNING = (
    "reaction energies at palladium of general potentials differ by 20 kcal/mol: this System samples with one of "
    "them, and its energy differences between species are not predictions"
)
"""Said in the log whenever a complex is built, and by the command line and the docs."""

LENNARD_JONES: dict[str, tuple[float, float]] = {
    "H": (2.886, 0.044),
    "B": (4.083, 0.180),
    "C": (3.851, 0.105),
    "N": (3.660, 0.069),
    "O": (3.500, 0.060),
    "F": (3.364, 0.050),
    "Si": (4.295, 0.402),
    "P": (4.147, 0.305),
    "S": (4.035, 0.274),
    "Cl": (3.947, 0.227),
    "Ni": (4.800, 0.015),
    "Br": (4.189, 0.251),
    "Pd": (4.300, 0.048),
    "I": (4.500, 0.339),
    "Pt": (4.580, 0.080),
}
"""Distance of the minimum [A] and depth [kcal/mol] of each element's van der Waals term: UFF's, Rappe et al., J. Am.
Chem. Soc. 114, 10024 (1992), doi:10.1021/ja00051a040, Table I, but for the metals' distances, which are twice the radii
of Alvarez, Dalton Trans. 42, 8617 (2013), doi:10.1039/c3dt50599e. UFF's metals are ions: a hydrogen of TIP3P, which has
no size, fell to 0.13 nm of a palladium of 2.9 A with a charge of -0.8; GFN2 puts it at 0.18, and 4.3 A at 0.20. Between
unlike atoms the rules are the water model's (Lorentz-Berthelot), not UFF's."""

_STEEPEST = 10.0  # kJ/mol/nm: the largest force that is left
_STEP = 0.02  # nm: the first step of a relaxation, all atoms together; ten times this made atoms meet


@dataclass(frozen=True, kw_only=True, slots=True)
class MetalSystem:
    """A complex that can be sampled."""

    complex: MetalComplex
    """The complex, relaxed."""
    system: mm.System
    """Complex and surroundings; no bond of the complex is constrained."""
    topology: app.Topology
    """All atoms, the complex's first."""
    positions: Floats
    """Coordinates [nm], (N, 3)."""
    atoms: tuple[int, ...]
    """Atoms of the complex."""
    charges: Floats
    """Charges of the complex's atoms [e], (len(atoms),)."""
    offset: float
    """c [kJ/mol]: the potential's energy at the relaxed geometry, so that energies start near 0."""
    potential: str
    """Name of the potential inside the complex."""


def relax_complex(found: MetalComplex, *, method: Method = "gfn2", steps: int = 500) -> MetalComplex:
    """Relax a complex with GFN2-xTB or GFN-FF to a largest force of 10 kJ/mol/nm.

    With ``gfn2`` the ligands are first relaxed by GFN-FF with the shell about the metal held, which costs nothing
    and saves most of GFN2's steps.

    Args:
        found: The complex with its ideal start.
        method: ``gfn2``, or ``gfnff`` with the shell held throughout: GFN-FF bends lines and cis planes.
        steps: Iterations at most.

    Raises:
        InputError: The arrangement about the metal was lost on the way.
        MissingDependency: tblite or gfnff is absent.
        SamplingError: The forces did not fall, or the method gave no energy.
    """
    shell = [found.metal, *found.donors]
    first = _relaxed(found, "gfnff", held=shell, steps=steps)
    relaxed = first if method == "gfnff" else _relaxed(first, method, held=(), steps=steps)
    check_coordination(relaxed)
    return relaxed


def check_buildable(found: MetalComplex, *, potential: Method, in_water: bool) -> None:
    """Refuse a complex that :func:`solvate_complex` would, before anything is spent on it.

    Args:
        found: The complex with its ideal start.
        potential: Of the System.
        in_water: Whether it will be surrounded, for which each element needs a size.

    Raises:
        InputError: An element without size, an odd number of electrons, or an arrangement that GFN-FF would lose.
        MissingDependency: GFN-FF is asked for and gfnff is absent.
    """
    check_electrons(found.numbers, charge=found.charge, multiplicity=1, open_shells=False, title=f"{found.name}: GFN2")
    if in_water:
        for atom, number in enumerate(found.numbers):
            _size(found, atom, app.Element.getByAtomicNumber(number).symbol)
    if potential == "gfnff":
        _check_held(found)


def solvate_complex(
    found: MetalComplex,
    *,
    potential: Committee | Method = "gfn2",
    padding: float | None = 1.2,
    cutoff: float = 0.8,
    seed: int = 2026,
) -> MetalSystem:
    """Build the System of a relaxed complex in a box of TIP3P water, or alone.

    Args:
        found: The complex, relaxed with the potential or one near it.
        potential: ``gfn2``, ``gfnff``, or a committee of this molecule's atoms in their order.
        padding: Gap between periodic images of the complex [nm], and half of the smallest width of the box; None:
            no surroundings.
        cutoff: Of nonbonded terms in the box [nm].
        seed: Of the relaxation of the water.

    Returns:
        The System, its water relaxed about the complex; a charged complex is neutralised by Na+ or Cl-. Time steps
        of 0.5 to 1 fs suit it: bonds to hydrogen are free. Its XML is opened by ``bindfe.mlip.handle.read_system``
        for GFN2 and GFN-FF.

    Raises:
        InputError: An element without size, an arrangement that was lost or that GFN-FF would lose, or a box that
            is too small for the cutoff.
        MissingDependency: The potential's package is absent; tblite for the charges in a box.
    """
    check_coordination(found)
    if potential == "gfnff":
        _check_held(found)
    committee = _committee(found, potential)
    charges = (
        np.zeros(len(found.numbers))
        if padding is None
        else gfn2_charges(found.numbers, found.positions, charge=found.charge)
    )
    system, topology, positions = _surround(found, charges, padding=padding, cutoff=cutoff)
    atoms = tuple(range(len(found.numbers)))
    _without_internal_terms(system, atoms)
    if padding is not None:
        positions = _relax_water(system, positions, atoms, seed=seed)
    energy, _ = committee.mean_energy_and_forces(found.positions)
    _add_potential(system, atoms, committee, offset=energy)
    logger.warning("%s: %s", found.name, DOMAIN_WARNING)
    return MetalSystem(
        complex=found,
        system=system,
        topology=topology,
        positions=positions,
        atoms=atoms,
        charges=charges,
        offset=energy,
        potential=committee.name,
    )


def relaxed_positions(
    committee: Committee, start: Floats, *, name: str, held: Sequence[int] = (), steps: int = 500
) -> Floats:
    """Follow a committee downhill to a largest force of 10 kJ/mol/nm.

    Args:
        committee: Potential of all atoms.
        start: Coordinates [nm], (N, 3).
        name: What a message calls the molecule.
        held: Atoms that stay.
        steps: Iterations at most.

    Returns:
        Coordinates of the minimum [nm], (N, 3).

    Raises:
        SamplingError: A force of more than 100 kJ/mol/nm is left, or the potential gave no energy on the way.
    """
    free = np.array([atom not in held for atom in range(len(start))])
    zero, _ = committee.mean_energy_and_forces(start)

    def placed(moved: Floats) -> Floats:
        x = np.array(start, dtype=float)
        x[free] += _STEP * moved.reshape(-1, 3)
        return x

    def energy_and_gradient(moved: Floats) -> tuple[float, Floats]:
        energy, forces = committee.mean_energy_and_forces(placed(moved))
        return energy - zero, -_STEP * forces[free].ravel()

    result = minimize(
        energy_and_gradient,
        np.zeros(3 * int(free.sum())),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": steps, "maxfun": 2 * steps, "gtol": _STEP * _STEEPEST, "ftol": 0.0, "maxcor": 20},
    )
    steepest = float(np.abs(result.jac).max()) / _STEP
    if steepest > 10 * _STEEPEST:
        raise SamplingError(
            f"{name}: after {result.nit} steps of {committee.name} a force of {steepest:.0f} kJ/mol/nm is left "
            f"({_STEEPEST:g} wanted): its ligands may stand in each other; build it with another seed"
        )
    logger.info("%s: %s lowered the energy by %.1f kJ/mol in %d calls", name, committee.name, -result.fun, result.nfev)
    return placed(result.x)


def _relaxed(found: MetalComplex, method: Method, *, held: Sequence[int], steps: int) -> MetalComplex:
    committee = GfnCommittee(method, numbers=found.numbers, reference=found.positions, charge=found.charge)
    return found.at(relaxed_positions(committee, found.positions, name=found.name, held=held, steps=steps))


def _check_held(found: MetalComplex) -> None:
    """Refuse GFN-FF where it would lose the arrangement: in lines always, in planes if its minimum is another."""
    if len(found.donors) == 2:
        raise InputError(
            f"{found.name}: GFN-FF bends a line at a d10 metal (126 deg were seen): take potential gfn2, or a committee"
        )
    check_coordination(_relaxed(found, "gfnff", held=(), steps=500))


def _committee(found: MetalComplex, potential: Committee | Method) -> Committee:
    if isinstance(potential, str):
        return GfnCommittee(potential, numbers=found.numbers, reference=found.positions, charge=found.charge)
    return potential


def _surround(
    found: MetalComplex, charges: Floats, *, padding: float | None, cutoff: float
) -> tuple[mm.System, app.Topology, Floats]:
    topology = _topology(found)
    force_field = app.ForceField(*(["amber14/tip3p.xml"] if padding is not None else []))
    force_field.loadFile(io.StringIO(_parameters(found, charges)))
    if padding is None:
        return force_field.createSystem(topology, nonbondedMethod=app.NoCutoff), topology, found.positions
    modeller = app.Modeller(topology, found.positions * unit.nanometer)
    modeller.addSolvent(force_field, model="tip3p", padding=padding * unit.nanometer, neutralize=True)
    width = min(modeller.topology.getPeriodicBoxVectors()[i][i].value_in_unit(unit.nanometer) for i in range(3))
    size = float(np.linalg.norm(found.positions[:, None] - found.positions[None], axis=-1).max())
    if width < max(2.05 * cutoff, size + 0.5):
        raise InputError(
            f"{found.name}: the box is {width:.2f} nm wide; a cutoff of {cutoff:g} nm and a complex of {size:.2f} nm "
            f"need {max(2.05 * cutoff, size + 0.5):.2f} nm: raise padding"
        )
    system = force_field.createSystem(
        modeller.topology, nonbondedMethod=app.PME, nonbondedCutoff=cutoff * unit.nanometer, removeCMMotion=False
    )
    return system, modeller.topology, np.asarray(modeller.positions.value_in_unit(unit.nanometer), dtype=float)


def _topology(found: MetalComplex) -> app.Topology:
    topology = app.Topology()
    residue = topology.addResidue("CAT", topology.addChain())
    atoms = [
        topology.addAtom(f"{app.Element.getByAtomicNumber(z).symbol}{i}", app.Element.getByAtomicNumber(z), residue)
        for i, z in enumerate(found.numbers)
    ]
    for bond in found.mol.GetBonds():
        topology.addBond(atoms[bond.GetBeginAtomIdx()], atoms[bond.GetEndAtomIdx()])
    return topology


def _parameters(found: MetalComplex, charges: Floats) -> str:
    """OpenMM force field XML with an atom type for each atom, and nothing but charge and size."""
    types, residue, terms = [], [], []
    for i, z in enumerate(found.numbers):
        element = app.Element.getByAtomicNumber(z)
        distance, depth = _size(found, i, element.symbol)
        mass = element.mass.value_in_unit(unit.dalton)
        types.append(f'<Type name="cat{i}" class="cat{i}" element="{element.symbol}" mass="{mass!r}"/>')
        residue.append(f'<Atom name="{element.symbol}{i}" type="cat{i}"/>')
        sigma, epsilon = 0.1 * distance / 2 ** (1 / 6), 4.184 * depth
        terms.append(f'<Atom type="cat{i}" charge="{float(charges[i])!r}" sigma="{sigma!r}" epsilon="{epsilon!r}"/>')
    residue += [f'<Bond from="{b.GetBeginAtomIdx()}" to="{b.GetEndAtomIdx()}"/>' for b in found.mol.GetBonds()]
    return (
        f"<ForceField><AtomTypes>{''.join(types)}</AtomTypes>"
        f'<Residues><Residue name="CAT">{"".join(residue)}</Residue></Residues>'
        '<NonbondedForce coulomb14scale="0.8333333333333334" lj14scale="0.5">'
        f"{''.join(terms)}</NonbondedForce></ForceField>"
    )


def _size(found: MetalComplex, atom: int, symbol: str) -> tuple[float, float]:
    """Distance of the minimum [A] and depth [kcal/mol] of an atom's van der Waals term."""
    if symbol not in LENNARD_JONES:
        raise InputError(
            f"{found.name}: no size is known for {symbol} (atom {atom}); known: {', '.join(LENNARD_JONES)}"
        )
    return LENNARD_JONES[symbol]


def _without_internal_terms(system: mm.System, atoms: Sequence[int]) -> None:
    (force,) = (each for each in system.getForces() if isinstance(each, mm.NonbondedForce))
    for first, i in enumerate(atoms):
        for j in atoms[:first]:
            force.addException(i, j, 0.0, 1.0, 0.0, True)


def _relax_water(system: mm.System, positions: Floats, atoms: Sequence[int], *, seed: int) -> Floats:
    """Minimise and warm the water with the complex fixed: its potential is not yet there and not needed."""
    fixed = mm.XmlSerializer.deserialize(mm.XmlSerializer.serialize(system))
    for atom in atoms:
        fixed.setParticleMass(atom, 0.0)
    integrator = mm.LangevinMiddleIntegrator(298.15, 2.0, 0.002)
    integrator.setRandomNumberSeed(seed)
    context = mm.Context(fixed, integrator)
    context.setPositions(positions)
    mm.LocalEnergyMinimizer.minimize(context, 10.0, 500)
    context.setVelocitiesToTemperature(298.15, seed)
    integrator.step(1000)
    relaxed = context.getState(getPositions=True).getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    return np.asarray(relaxed, dtype=float)


def _add_potential(system: mm.System, atoms: Sequence[int], committee: Committee, *, offset: float) -> None:
    periodic = system.usesPeriodicBoundaryConditions()
    force = mm.PythonForce(PotentialForce(committee, offset=offset, periodic=periodic, switched=False))
    force.setParticles(list(atoms))
    force.setUsesPeriodicBoundaryConditions(periodic)
    force.setForceGroup(MLIP_GROUP)
    force.setName("PotentialForce")
    system.addForce(force)
