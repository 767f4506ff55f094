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
from bindfe.mlip.region import Region

Floats = NDArray[np.float64]

COULOMB_KJ_NM = 138.93545764438198
"""1/(4 pi eps0) [kJ/mol nm/e^2], the value that OpenMM's NonbondedForce has (CODATA 2018)."""

_PAIR = f"{COULOMB_KJ_NM}*charge_product/r + 4*epsilon*((sigma/r)^12 - (sigma/r)^6)"
_WITHOUT_INTERNAL_TERMS = (
    openmm.GBSAOBCForce,
    openmm.CustomGBForce,
    openmm.CMMotionRemover,
    openmm.MonteCarloBarostat,
    openmm.MonteCarloMembraneBarostat,
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


def internal_terms(system: openmm.System, region: Region | Sequence[int]) -> InternalTerms:
    """Find the internal terms of a molecule, or of a region cut out of one, in a System; nothing is changed.

    Beside a cut, a term counts as internal if the capped region has it too: an angle whose middle atom is
    inside, a torsion whose middle bond is inside, an improper whose centre is. This is openmm-ml's rule.

    Args:
        system: A System of harmonic bonds and angles, periodic torsions and one NonbondedForce.
        region: Atoms of the molecule, (N,), covalently bonded to nothing else; or a region with caps.

    Raises:
        InputError: Terms tie the molecule to other atoms, or are of a kind that is not known here.
    """
    region = region if isinstance(region, Region) else Region(atoms=tuple(region))
    belongs = _Membership.of(region)
    found: dict[str, list[Any]] = {"bonds": [], "angles": [], "torsions": [], "pairs": []}
    for force in system.getForces():
        if isinstance(force, openmm.HarmonicBondForce):
            found["bonds"] += _bonded(force.getNumBonds(), force.getBondParameters, 2, belongs)
        elif isinstance(force, openmm.HarmonicAngleForce):
            found["angles"] += _bonded(force.getNumAngles(), force.getAngleParameters, 3, belongs)
        elif isinstance(force, openmm.PeriodicTorsionForce):
            found["torsions"] += _bonded(force.getNumTorsions(), force.getTorsionParameters, 4, belongs)
        elif isinstance(force, openmm.NonbondedForce):
            found["pairs"] += _pairs(force, region.atoms)
        elif isinstance(force, openmm.CMAPTorsionForce):
            _check_maps(force, belongs)
        elif not isinstance(force, _WITHOUT_INTERNAL_TERMS):
            raise InputError(
                f"the System has a {force.__class__.__name__}: bindfe cannot tell which part of it is internal to "
                "the ligand; build the System without it"
            )
    return InternalTerms(atoms=region.particles, **{name: tuple(terms) for name, terms in found.items()})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Membership:
    """Says which bonded terms are a region's own."""

    inside: frozenset[int]
    reached: frozenset[int]
    bonds: frozenset[tuple[int, int]]

    @classmethod
    def of(cls, region: Region) -> _Membership:
        both = (pair for i, j in region.bonds for pair in ((i, j), (j, i)))
        return cls(inside=frozenset(region.atoms), reached=frozenset(region.particles), bonds=frozenset(both))

    def __call__(self, atoms: tuple[int, ...]) -> bool:
        """Whether a term is the region's.

        Raises:
            InputError: It ties a molecule that was not cut there to other atoms.
        """
        if self.inside.issuperset(atoms):
            return True
        if not self.inside.intersection(atoms):
            return False
        if self.inside == self.reached:
            raise InputError(f"a force field term joins atoms {atoms}, of which only some belong to the ligand")
        return len(atoms) > 2 and self.inside.issuperset(self._middle(atoms))

    def _middle(self, atoms: tuple[int, ...]) -> tuple[int, ...]:
        """Atoms that decide: an angle's middle, a torsion's middle bond, an improper's centre."""
        if len(atoms) == 3:
            return atoms[1:2]
        a, b, c, d = atoms
        chain = {(a, b), (b, c), (c, d)} <= self.bonds
        return (b, c) if chain else self._centre(atoms) or (b, c)

    def _centre(self, atoms: tuple[int, ...]) -> tuple[int, ...]:
        for atom in atoms:
            if all((atom, other) in self.bonds for other in atoms if other != atom):
                return (atom,)
        return ()


def _bonded(number: int, parameters: Any, n_atoms: int, belongs: _Membership) -> list[Any]:
    terms = []
    for index in range(number):
        values = parameters(index)
        if belongs(tuple(values[:n_atoms])):
            terms.append((tuple(values[:n_atoms]), tuple(_plain(value) for value in values[n_atoms:])))
    return terms


def _check_maps(force: openmm.CMAPTorsionForce, belongs: _Membership) -> None:
    """Refuse a correction map of the region itself: it cannot be faded; those beside a cut stay."""
    for index in range(force.getNumTorsions()):
        _, *atoms = force.getTorsionParameters(index)
        if belongs.inside.issuperset((*atoms[1:3], *atoms[5:7])):
            raise InputError(
                f"the force field has a correction map of the backbone (CMAP) on ML atoms {tuple(atoms)}, which cannot "
                "be faded: take side chains only, or a force field without CMAP such as ff14SB"
            )


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
    def of(cls, system: openmm.System, region: Region | Sequence[int]) -> InternalEnergy:
        """Prepare the internal energy of a molecule in a System; see :func:`internal_terms`."""
        return cls.summing(internal_terms(system, region))

    @classmethod
    def summing(cls, terms: InternalTerms) -> InternalEnergy:
        """Prepare the energy of given terms; frames have the atoms ``terms.atoms``, in that order."""
        terms = terms.renumbered()
        alone = openmm.System()
        for _ in terms.atoms:
            alone.addParticle(1.0)
        for force in terms.forces():
            alone.addForce(force)
        platform = openmm.Platform.getPlatformByName("Reference")
        return cls(terms=terms, _context=openmm.Context(alone, openmm.VerletIntegrator(0.001), platform))

    def energies(self, positions_nm: ArrayLike) -> Floats:
        """Energies [kJ/mol], (F,), on frames (F, N, 3) [nm] of the molecule."""
        return np.array([self._energy(frame) for frame in np.asarray(positions_nm, dtype=float)])

    def energy_and_forces(self, positions_nm: ArrayLike) -> tuple[float, Floats]:
        """Energy [kJ/mol] and forces [kJ/mol/nm], (N, 3), at (N, 3) [nm]."""
        self._context.setPositions(np.asarray(positions_nm, dtype=float))
        state = self._context.getState(energy=True, forces=True)
        forces = state.getForces(asNumpy=True).value_in_unit_system(openmm.unit.md_unit_system)
        return _plain(state.getPotentialEnergy()), np.array(forces, dtype=float)

    def _energy(self, frame: Floats) -> float:
        self._context.setPositions(frame)
        return _plain(self._context.getState(energy=True).getPotentialEnergy())
