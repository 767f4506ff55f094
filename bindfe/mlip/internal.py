"""A force field's own energy of a molecule: the terms that a potential takes the place of.

Bonds, angles, torsions and nonbonded pairs whose atoms all belong to the molecule. Solvation
(generalised Born) and everything between the molecule and its surroundings are not internal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import openmm
from numpy.typing import ArrayLike, NDArray

from bindfe.errors import InputError

Floats = NDArray[np.float64]

COULOMB_KJ_NM = 138.93545764438198
"""1/(4 pi eps0) [kJ/mol nm/e^2], the value that OpenMM's NonbondedForce has (CODATA 2018)."""

_PAIR = f"{COULOMB_KJ_NM}*charge_product/r + 4*epsilon*((sigma/r)^12 - (sigma/r)^6)"
_WITHOUT_INTERNAL_TERMS = (
    openmm.GBSAOBCForce,
    openmm.CustomGBForce,
    openmm.CMMotionRemover,
    openmm.MonteCarloBarostat,
    openmm.CustomExternalForce,
    openmm.CustomCentroidBondForce,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class InternalTerms:
    """The internal terms of a molecule, with the atoms' numbers in its System."""

    atoms: tuple[int, ...]
    """Atoms of the molecule, (N,)."""
    bonds: tuple[tuple[tuple[int, int], tuple[float, float]], ...]
    """Atoms; length [nm], k [kJ/mol/nm^2] of k/2 (r - length)^2."""
    angles: tuple[tuple[tuple[int, int, int], tuple[float, float]], ...]
    """Atoms; angle [rad], k [kJ/mol/rad^2]."""
    torsions: tuple[tuple[tuple[int, int, int, int], tuple[float, float, float]], ...]
    """Atoms; periodicity, phase [rad], k [kJ/mol] of k (1 + cos(n p - phase))."""
    pairs: tuple[tuple[tuple[int, int], tuple[float, float, float]], ...]
    """Atoms; product of charges [e^2], sigma [nm], epsilon [kJ/mol]; excluded pairs are left out."""

    def renumbered(self) -> InternalTerms:
        """The same terms for the molecule alone, atoms 0 to N - 1."""
        number = {atom: index for index, atom in enumerate(self.atoms)}

        def of(terms: tuple[tuple[Any, Any], ...]) -> Any:
            return tuple((tuple(number[atom] for atom in atoms), values) for atoms, values in terms)

        return InternalTerms(
            atoms=tuple(range(len(self.atoms))),
            bonds=of(self.bonds),
            angles=of(self.angles),
            torsions=of(self.torsions),
            pairs=of(self.pairs),
        )

    def forces(self, *, weight: str = "1") -> tuple[openmm.Force, ...]:
        """OpenMM forces whose energy is ``weight`` times the internal energy.

        Args:
            weight: An expression of global parameters, which the caller adds to each force.
        """
        bond = openmm.CustomBondForce(f"({weight})*k/2*(r-length)^2")
        angle = openmm.CustomAngleForce(f"({weight})*k/2*(theta-angle)^2")
        torsion = openmm.CustomTorsionForce(f"({weight})*k*(1+cos(periodicity*theta-phase))")
        pair = openmm.CustomBondForce(f"({weight})*({_PAIR})")
        _fill(bond.addPerBondParameter, bond.addBond, ("length", "k"), self.bonds)
        _fill(angle.addPerAngleParameter, angle.addAngle, ("angle", "k"), self.angles)
        _fill(torsion.addPerTorsionParameter, torsion.addTorsion, ("periodicity", "phase", "k"), self.torsions)
        _fill(pair.addPerBondParameter, pair.addBond, ("charge_product", "sigma", "epsilon"), self.pairs)
        return bond, angle, torsion, pair


def _fill(declare: Any, add: Any, parameters: Sequence[str], terms: Sequence[tuple[Any, Any]]) -> None:
    for name in parameters:
        declare(name)
    for atoms, values in terms:
        add(*atoms, values)


def internal_terms(system: openmm.System, atoms: Sequence[int]) -> InternalTerms:
    """Find the internal terms of a molecule in a System; nothing is changed.

    Args:
        system: A System of harmonic bonds and angles, periodic torsions and one NonbondedForce.
        atoms: Atoms of the molecule, (N,); covalently bonded to nothing else.

    Raises:
        InputError: Terms tie the molecule to other atoms, or are of a kind that is not known here.
    """
    inside = set(atoms)
    found: dict[str, list[Any]] = {"bonds": [], "angles": [], "torsions": [], "pairs": []}
    for force in system.getForces():
        if isinstance(force, openmm.HarmonicBondForce):
            found["bonds"] += _bonded(force.getNumBonds(), force.getBondParameters, 2, inside)
        elif isinstance(force, openmm.HarmonicAngleForce):
            found["angles"] += _bonded(force.getNumAngles(), force.getAngleParameters, 3, inside)
        elif isinstance(force, openmm.PeriodicTorsionForce):
            found["torsions"] += _bonded(force.getNumTorsions(), force.getTorsionParameters, 4, inside)
        elif isinstance(force, openmm.NonbondedForce):
            found["pairs"] += _pairs(force, atoms)
        elif not isinstance(force, _WITHOUT_INTERNAL_TERMS):
            raise InputError(
                f"the System has a {force.__class__.__name__}: bindfe cannot tell which part of it is internal to "
                "the ligand; build the System without it"
            )
    return InternalTerms(atoms=tuple(atoms), **{name: tuple(terms) for name, terms in found.items()})


def _bonded(number: int, parameters: Any, n_atoms: int, inside: set[int]) -> list[Any]:
    terms = []
    for index in range(number):
        values = parameters(index)
        atoms = tuple(values[:n_atoms])
        if inside.issuperset(atoms):
            terms.append((atoms, tuple(_plain(value) for value in values[n_atoms:])))
        elif inside.intersection(atoms):
            raise InputError(f"a force field term joins atoms {atoms}, of which only some belong to the ligand")
    return terms


def _pairs(force: openmm.NonbondedForce, atoms: Sequence[int]) -> list[Any]:
    own = {atom: tuple(_plain(value) for value in force.getParticleParameters(atom)) for atom in atoms}
    special = exceptions_inside(force, atoms)
    pairs = []
    for first, i in enumerate(atoms):
        for j in atoms[:first]:
            (qi, si, ei), (qj, sj, ej) = own[i], own[j]
            mixed = (qi * qj, 0.5 * (si + sj), float(np.sqrt(ei * ej)))
            values = special[min(i, j), max(i, j)][1] if (min(i, j), max(i, j)) in special else mixed
            if values[0] or values[2]:
                pairs.append(((i, j), values))
    return pairs


def exceptions_inside(
    force: openmm.NonbondedForce, atoms: Sequence[int]
) -> dict[tuple[int, int], tuple[int, tuple[float, float, float]]]:
    """Exceptions between atoms of a molecule: (i, j) with i < j -> number, (charges, sigma, epsilon)."""
    inside = set(atoms)
    found = {}
    for index in range(force.getNumExceptions()):
        i, j, *values = force.getExceptionParameters(index)
        if i in inside and j in inside:
            charges, sigma, epsilon = (_plain(value) for value in values)
            found[min(i, j), max(i, j)] = (index, (charges, sigma, epsilon))
    return found


def _plain(value: Any) -> float:
    """A number in OpenMM's own units."""
    return float(value.value_in_unit_system(openmm.unit.md_unit_system) if hasattr(value, "unit") else value)


@dataclass(frozen=True, kw_only=True, slots=True)
class InternalEnergy:
    """The force field's energy of a molecule in vacuum, on frames, in double precision."""

    terms: InternalTerms
    """What is summed."""
    _context: openmm.Context = field(repr=False)

    @classmethod
    def of(cls, system: openmm.System, atoms: Sequence[int]) -> InternalEnergy:
        """Prepare the internal energy of a molecule in a System; see :func:`internal_terms`."""
        terms = internal_terms(system, atoms).renumbered()
        alone = openmm.System()
        for atom in atoms:
            alone.addParticle(system.getParticleMass(atom))
        for force in terms.forces():
            alone.addForce(force)
        platform = openmm.Platform.getPlatformByName("Reference")
        return cls(terms=terms, _context=openmm.Context(alone, openmm.VerletIntegrator(0.001), platform))

    def energies(self, positions_nm: ArrayLike) -> Floats:
        """Energies [kJ/mol], (F,), on frames (F, N, 3) [nm] of the molecule."""
        return np.array([self._energy(frame) for frame in np.asarray(positions_nm, dtype=float)])

    def _energy(self, frame: Floats) -> float:
        self._context.setPositions(frame)
        return _plain(self._context.getState(energy=True).getPotentialEnergy())
