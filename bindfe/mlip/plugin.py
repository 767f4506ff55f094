"""Our committees in openmm-ml: a potential and an embedding, found through its entry points.

::

    MLPotential("bindfe-committee", model="ani2x").createMixedSystem(topology, system, atoms)

works from a plain openmm-ml script, with every embedding that openmm-ml knows. Its own mechanical embedding
evaluates the network at every value of its parameter when it interpolates, and adds a particle for each
cap. The embedding ``bindfe-mechanical`` removes the same terms (openmm-ml's own rule), fades them back in
with ``1 - lambda_mlip``, and leaves particles, constraints and masses alone.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import openmm
from openmm import app
from openmmml.embeddings import utilities
from openmmml.mlpotential import Embedding, MLPotential, MLPotentialImpl

from bindfe.errors import InputError
from bindfe.mlip.committee import Committee
from bindfe.mlip.entrypoints import CommitteeFactory, SwitchedFactory
from bindfe.mlip.hybrid import LAMBDA_MLIP, MLIP_GROUP, PotentialForce
from bindfe.mlip.internal import InternalTerms, internal_terms
from bindfe.mlip.region import Region, check_overlap, cut_region

POTENTIAL = "bindfe-committee"
"""Name of the potential in ``MLPotential(...)``."""
EMBEDDING = "bindfe-mechanical"
"""Name of the embedding in ``createMixedSystem(embedding=...)``."""

_BONDED = (openmm.HarmonicBondForce, openmm.HarmonicAngleForce, openmm.PeriodicTorsionForce)
_ALCHEMICAL = ("lambda_sterics", "lambda_electrostatics", "Lambda1")


def register() -> None:
    """Make both names known to openmm-ml; an installed bindfe is found without this."""
    MLPotential.registerImplFactory(POTENTIAL, CommitteeFactory())
    MLPotential.registerEmbeddingFactory(EMBEDDING, SwitchedFactory())


class CommitteePotential(MLPotentialImpl):  # type: ignore[misc]
    """A committee's mean as an openmm-ml potential."""

    def __init__(self, *, model: str | None = None, committee: Committee | None = None, **options: Any) -> None:
        unknown = set(options) - {"charge", "multiplicity", "members", "threads"}
        if unknown:
            raise InputError(f"{POTENTIAL} takes no {', '.join(sorted(unknown))}; see bindfe.mlip.open_committee")
        if (model is None) == (committee is None):
            raise InputError(f'{POTENTIAL} needs one of model and committee: MLPotential("{POTENTIAL}", model="ani2x")')
        self._model, self._committee, self._options = model, committee, options

    def committee(self, topology: app.Topology, atoms: Sequence[int], *, caps: int = 0) -> Committee:
        """The committee for some atoms of a topology and so many hydrogens after them."""
        if self._committee is not None:
            return self._committee
        from bindfe.mlip import open_committee

        named = list(topology.atoms())
        numbers = [named[atom].element.atomic_number for atom in atoms] + [1] * caps
        return open_committee(str(self._model), numbers=numbers, **self._options)

    def addForces(
        self,
        topology: app.Topology,
        system: openmm.System,
        atoms: Iterable[int] | None,
        forceGroup: int,
        *,
        offset: float = 0.0,
        **_: Any,
    ) -> None:
        """Add the committee's mean less a constant, without a switch; openmm-ml calls this.

        Args:
            topology: All atoms; elements are needed.
            system: What the force is added to.
            atoms: Atoms of one molecule or cluster; None for all.
            forceGroup: Group of the force.
            offset: Constant that is subtracted [kJ/mol]. By default the energy is the model's total one,
                which single precision resolves to 0.1 kJ/mol.

        Raises:
            InputError: All of a periodic System: a committee describes a molecule, not a liquid.
        """
        if atoms is None and (topology.getPeriodicBoxVectors() is not None or system.usesPeriodicBoundaryConditions()):
            raise InputError(
                f"{POTENTIAL} describes one molecule or cluster, not a periodic box of its own: "
                "use createMixedSystem, or a topology without box vectors"
            )
        chosen = list(range(topology.getNumAtoms())) if atoms is None else list(atoms)
        region = Region(
            atoms=tuple(chosen), bonds=tuple((bond.atom1.index, bond.atom2.index) for bond in topology.bonds())
        )
        committee = self.committee(topology, chosen)
        system.addForce(potential_force(system, region, committee=committee, offset=offset, group=forceGroup))

    def getMLLongRange(self) -> bool:
        """A molecule is described whole and alone: no images."""
        return False


class SwitchedEmbedding(Embedding):  # type: ignore[misc]
    """Mechanical embedding with a parameter, ``lambda_mlip``, that costs nothing at 0."""

    def createMixedSystem(
        self,
        potential: MLPotentialImpl,
        topology: app.Topology,
        system: openmm.System,
        atoms: list[int],
        forceGroup: int,
        interpolate: bool,
        returnInfo: bool = False,
        *,
        offset: float = 0.0,
        alchemical_atoms: Sequence[int] = (),
        **_: Any,
    ) -> openmm.System:
        """Build the mixed System; openmm-ml calls this.

        Args:
            potential: A ``bindfe-committee``.
            topology: All atoms with their bonds.
            system: Physical System; it is not changed.
            atoms: Atoms of the ML region, in the committee's order.
            forceGroup: Group of every term that depends on ``lambda_mlip``.
            interpolate: Not needed: the System always has ``lambda_mlip``.
            returnInfo: Topology and atoms stay as they are, so that the System says it all.
            offset: Constant that is subtracted from the committee's energy [kJ/mol].
            alchemical_atoms: Atoms that will be made alchemical afterwards, so that a split is refused now.

        Raises:
            InputError: The region cannot be cut there, the System is alchemical already, or its internal
                terms cannot be told from others.
        """
        if not isinstance(potential, CommitteePotential):
            raise InputError(f"the embedding {EMBEDDING} switches {POTENTIAL} only; use embedding='mechanical'")
        if interpolate:
            raise InputError(f"the embedding {EMBEDDING} always has {LAMBDA_MLIP}: leave interpolate=False")
        check_physical(system)
        region = cut_region(topology, atoms, system=system)
        check_overlap(region, alchemical_atoms)
        terms = internal_terms(system, region)
        committee = potential.committee(topology, atoms, caps=len(region.links))
        mixed = without_terms(system, topology, region)
        for force in fading(terms):
            force.setForceGroup(forceGroup)
            mixed.addForce(force)
        mixed.addForce(
            potential_force(system, region, committee=committee, offset=offset, group=forceGroup, switched=True)
        )
        return mixed


def check_physical(system: openmm.System) -> None:
    """Refuse a System that alchemy has been at: the potential comes first, the factory after it.

    Raises:
        InputError: The System has alchemical parameters, a CustomNonbondedForce or a potential already.
    """
    found = []
    for force in system.getForces():
        globals_ = getattr(force, "getNumGlobalParameters", lambda: 0)()
        found += [
            name for name in map(getattr(force, "getGlobalParameterName", str), range(globals_)) if name in _ALCHEMICAL
        ]
        if isinstance(force, openmm.CustomNonbondedForce | openmm.ATMForce):
            found.append(force.__class__.__name__)
        if isinstance(force, openmm.PythonForce) and LAMBDA_MLIP in force.getGlobalParameters():
            raise InputError(f"the System has {LAMBDA_MLIP} already: start from the physical one")
    if found:
        raise InputError(
            f"the System has been made alchemical ({', '.join(dict.fromkeys(found))}): build the mixed System from the "
            "physical one first, and hand it to the alchemical factory after that"
        )


def without_terms(system: openmm.System, topology: app.Topology, region: Region) -> openmm.System:
    """A System without the bonded terms and pairs of a region, by openmm-ml's rule; forces keep their order."""
    bonded = openmm.System()
    for force in system.getForces():
        if isinstance(force, _BONDED):
            bonded.addForce(copy.deepcopy(force))
    try:
        bonded = utilities.removeBonds(bonded, topology, list(region.atoms), True)
    except ValueError as error:
        raise InputError(f"the topology's bonds do not explain the force field's torsions ({error})") from error
    left = iter(bonded.getForces())
    reduced = copy.deepcopy(system)
    while reduced.getNumForces():
        reduced.removeForce(0)
    for force in system.getForces():
        kept = copy.deepcopy(next(left) if isinstance(force, _BONDED) else force)
        if isinstance(kept, openmm.NonbondedForce):
            _exclude(kept, region.atoms)
        reduced.addForce(kept)
    return reduced


def _exclude(force: openmm.NonbondedForce, atoms: Sequence[int]) -> None:
    for first, i in enumerate(atoms):
        for j in atoms[:first]:
            force.addException(i, j, 0.0, 1.0, 0.0, True)


def fading(terms: InternalTerms) -> tuple[openmm.Force, ...]:
    """The force field's internal terms, times 1 - lambda_mlip."""
    forces = terms.forces(weight=f"1-{LAMBDA_MLIP}")
    for force in forces:
        force.addGlobalParameter(LAMBDA_MLIP, 0.0)
        force.setUsesPeriodicBoundaryConditions(False)
    return forces


def potential_force(
    system: openmm.System,
    region: Region,
    *,
    committee: Committee,
    offset: float,
    group: int = MLIP_GROUP,
    switched: bool = False,
) -> openmm.PythonForce:
    """The force of a committee on a region of a System.

    Args:
        system: Whether it is periodic counts.
        region: Atoms, in the committee's order, and caps.
        committee: Its mean is the energy.
        offset: Constant that is subtracted [kJ/mol].
        group: Force group.
        switched: Whether the force has the global parameter ``lambda_mlip``, 0 by default; if not, it is
            always on.
    """
    periodic = system.usesPeriodicBoundaryConditions()
    evaluate = PotentialForce(
        committee, offset=offset, periodic=periodic, placement=region.placement(), switched=switched
    )
    force = openmm.PythonForce(evaluate, {LAMBDA_MLIP: 0.0} if switched else {})
    force.setParticles(list(region.particles))
    force.setUsesPeriodicBoundaryConditions(periodic)  # else positions are wrong: openmm issue 5421
    force.setForceGroup(group)
    force.setName("PotentialForce")
    return force
