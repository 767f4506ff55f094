"""openmm-ml finds bindfe, and what it builds with it is right, small, and works elsewhere."""

from __future__ import annotations

import copy
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import openmm
import pytest

from bindfe.errors import InputError
from bindfe.mlip import plugin
from bindfe.mlip.hybrid import LAMBDA_MLIP, MLIP_GROUP, add_potential, embed_potential
from bindfe.mlip.internal import InternalEnergy
from tests.mlip.conftest import NUMBERS, build
from tests.mlip.plugs import Morse, Springs
from tests.mlip.test_hybrid import evaluate

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def _registered() -> None:
    plugin.register()


def potential(**options: Any) -> Any:
    from openmmml.mlpotential import MLPotential

    return MLPotential("bindfe-committee", **options)


def test_an_installed_bindfe_declares_itself_to_openmm_ml(root: Path) -> None:
    import tomllib

    declared = tomllib.loads((root / "pyproject.toml").read_text())["project"]["entry-points"]
    assert set(declared) == {"openmmml.potentials", "openmmml.embeddings"}
    for group, names in declared.items():
        for name, value in names.items():
            module, _, attribute = value.partition(":")
            assert hasattr(sys.modules.get(module) or __import__(module, fromlist=[attribute]), attribute)
            installed = [point.value for point in entry_points(group=group) if point.name == name]
            assert installed in ([], [value])  # a checkout that is not installed has none


def test_a_whole_molecule_in_vacuum(numbers: tuple[int, ...], geometries: np.ndarray) -> None:
    from openmm import app

    topology = app.Topology()
    residue = topology.addResidue("MOL", topology.addChain())
    for number in numbers:
        topology.addAtom("X", app.Element.getByAtomicNumber(number), residue)
    system = potential(committee=Springs()).createSystem(topology)
    energy, forces = evaluate(system, geometries[0])
    expected, expected_forces = Springs().mean_energy_and_forces(geometries[0])
    assert energy == pytest.approx(expected)
    np.testing.assert_allclose(forces, expected_forces, rtol=1e-10, atol=1e-8)


def test_a_periodic_box_of_its_own_is_refused(in_box: Any) -> None:
    topology = copy.deepcopy(in_box.topology)
    topology.setPeriodicBoxVectors(np.eye(3) * 2.5)
    with pytest.raises(InputError, match="one molecule or cluster"):
        potential(committee=Springs()).createSystem(topology)


@pytest.mark.parametrize("build_it", ["in_continuum_first", "in_continuum_last", "in_box"])
def test_openmm_mls_own_embedding_gives_our_potentials_end(build_it: str) -> None:
    where = {
        "in_continuum_first": {"method": openmm.NonbondedForce.NoCutoff, "continuum": True, "first": 0},
        "in_continuum_last": {"method": openmm.NonbondedForce.NoCutoff, "continuum": True, "first": 2},
        "in_box": {"method": openmm.NonbondedForce.PME, "continuum": False, "first": 2},
    }[build_it]
    methanol = build(**where)
    theirs = potential(committee=Springs()).createMixedSystem(
        methanol.topology, methanol.system, list(methanol.atoms), removeConstraints=False, offset=-3e5
    )
    ours = add_potential(methanol.system, methanol.atoms, committee=Springs(), offset=-3e5)
    assert LAMBDA_MLIP not in openmm.Context(theirs, openmm.VerletIntegrator(0.001)).getParameters()
    energy, forces = evaluate(theirs, methanol.positions)
    our_energy, our_forces = evaluate(ours, methanol.positions, 1.0)
    assert our_energy == pytest.approx(energy, abs=1e-6)
    np.testing.assert_allclose(our_forces, forces, rtol=1e-7, atol=1e-5)


def test_openmm_mls_ase_potential_gives_our_potentials_end(in_continuum: Any) -> None:
    """openmm-ml's ASE path hands over right forces; eV and Angstrom on their side, kJ/mol and nm on ours."""
    ase = pytest.importorskip("ase")
    from ase.calculators.calculator import Calculator, all_changes
    from openmmml.mlpotential import MLPotential

    class MorseCalculator(Calculator):
        implemented_properties = ("energy", "forces")

        def calculate(
            self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes
        ) -> None:
            super().calculate(atoms, properties, system_changes)
            energy, forces = Morse(NUMBERS).mean_energy_and_forces(atoms.positions / 10)
            ev = ase.units.kJ / ase.units.mol
            self.results = {"energy": (energy + 3e5) * ev, "forces": forces * ev / 10}

    theirs = MLPotential("ase").createMixedSystem(
        in_continuum.topology,
        in_continuum.system,
        list(in_continuum.atoms),
        removeConstraints=False,
        calculator=MorseCalculator(),
    )
    ours = add_potential(in_continuum.system, in_continuum.atoms, committee=Morse(NUMBERS), offset=-3e5)
    energy, forces = evaluate(theirs, in_continuum.positions)
    our_energy, our_forces = evaluate(ours, in_continuum.positions, 1.0)
    assert our_energy == pytest.approx(energy, abs=1e-5)
    np.testing.assert_allclose(our_forces, forces, rtol=1e-6, atol=1e-4)


def test_openmm_mls_interpolation_goes_the_same_way(in_continuum: Any) -> None:
    theirs = potential(committee=Springs()).createMixedSystem(
        in_continuum.topology,
        in_continuum.system,
        list(in_continuum.atoms),
        removeConstraints=False,
        interpolate=True,
        offset=-3e5,
    )
    context = openmm.Context(theirs, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(in_continuum.positions)
    ours = add_potential(in_continuum.system, in_continuum.atoms, committee=Springs(), offset=-3e5)
    for value in (0.0, 0.35, 1.0):
        context.setParameter("lambda_interpolate", value)
        energy = context.getState(energy=True).getPotentialEnergy()._value
        # openmm-ml writes the Coulomb constant with nine digits: 2e-9 of it
        assert evaluate(ours, in_continuum.positions, value)[0] == pytest.approx(energy, abs=1e-5)


def test_at_0_the_potential_is_not_called(in_box: Any) -> None:
    committee = Springs()
    mixed = add_potential(in_box.system, in_box.atoms, committee=committee, offset=0.0)
    context = openmm.Context(mixed, openmm.VerletIntegrator(0.0005), openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(in_box.positions)
    context.getIntegrator().step(10)
    context.getState(energy=True, forces=True)
    assert committee.calls == 0
    context.setParameter(LAMBDA_MLIP, 0.5)
    context.getIntegrator().step(10)
    assert committee.calls == 10  # one evaluation a step


def test_an_embedding_of_another_package_is_used_without_a_switch(in_continuum: Any) -> None:
    from openmmml.embeddings.mechanicalembedding import MechanicalEmbedding
    from openmmml.mlpotential import EmbeddingFactory, MLPotential

    class Factory(EmbeddingFactory):  # type: ignore[misc]
        def createEmbedding(self, name: str) -> Any:
            return MechanicalEmbedding()

    MLPotential.registerEmbeddingFactory("someones", Factory())
    options: dict[str, Any] = {"committee": Springs(), "offset": -3e5, "topology": in_continuum.topology}
    mixed = embed_potential(in_continuum.system, in_continuum.atoms, embedding="someones", **options)
    ours = embed_potential(in_continuum.system, in_continuum.atoms, embedding="mechanical", **options)
    assert evaluate(mixed, in_continuum.positions)[0] == pytest.approx(
        evaluate(ours, in_continuum.positions, 1.0)[0], abs=1e-6
    )
    with pytest.raises(InputError, match=r"no embedding 'electrostatic'; known: .*, mechanical, someones"):
        embed_potential(in_continuum.system, in_continuum.atoms, embedding="electrostatic", **options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "needs one of model and committee"),
        ({"model": "ani2x", "committee": Springs()}, "needs one of model and committee"),
        ({"model": "ani2x", "device": "cuda"}, "takes no device"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        potential(**options)


def test_our_embedding_switches_our_potential_only(in_continuum: Any) -> None:
    from openmmml.mlpotential import MLPotential

    with pytest.raises(InputError, match="switches bindfe-committee only"):
        MLPotential("ase").createMixedSystem(
            in_continuum.topology, in_continuum.system, list(in_continuum.atoms), embedding="bindfe-mechanical"
        )


# Mixed first, alchemy second


def alchemical(system: openmm.System, atoms: tuple[int, ...], *, exact: bool) -> openmm.System:
    from openmmtools import alchemy

    factory = alchemy.AbsoluteAlchemicalFactory(
        consistent_exceptions=False, alchemical_pme_treatment="exact", disable_alchemical_dispersion_correction=True
    )
    region = alchemy.AlchemicalRegion(
        alchemical_atoms=list(atoms), annihilate_electrostatics=True, annihilate_sterics=False
    )
    return factory.create_alchemical_system(system, region)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_alchemical_factory_leaves_the_potential_unscaled(in_box: Any, value: float) -> None:
    mixed = add_potential(in_box.system, in_box.atoms, committee=Springs(), offset=-3e5, alchemical_atoms=in_box.atoms)
    system = alchemical(mixed, in_box.atoms, exact=True)
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(in_box.positions)
    context.setParameter(LAMBDA_MLIP, value)
    physical = evaluate(mixed, in_box.positions, value)[0]
    assert context.getState(energy=True).getPotentialEnergy()._value == pytest.approx(physical, abs=1e-3)
    group = context.getState(energy=True, groups={MLIP_GROUP}).getPotentialEnergy()._value
    for name in ("lambda_electrostatics", "lambda_sterics"):
        context.setParameter(name, 0.0)
    assert context.getState(energy=True, groups={MLIP_GROUP}).getPotentialEnergy()._value == group
    away = in_box.positions.copy()
    away[list(in_box.atoms)] += (0.1, 1.2, 0.7)  # a decoupled molecule does not notice where it is
    before = context.getState(energy=True).getPotentialEnergy()._value
    context.setPositions(away)
    assert context.getState(energy=True).getPotentialEnergy()._value == pytest.approx(before, abs=2e-3)


@pytest.mark.filterwarnings("ignore")
def test_a_decoupled_molecule_has_the_potential_it_has_in_vacuum(in_box: Any) -> None:
    mixed = add_potential(in_box.system, in_box.atoms, committee=Springs(), offset=-3e5)
    context = openmm.Context(
        alchemical(mixed, in_box.atoms, exact=True),
        openmm.VerletIntegrator(0.001),
        openmm.Platform.getPlatformByName("Reference"),
    )
    for name in ("lambda_electrostatics", "lambda_sterics"):
        context.setParameter(name, 0.0)
    energies = []
    for value in (0.0, 1.0):
        context.setPositions(in_box.positions)
        context.setParameter(LAMBDA_MLIP, value)
        energies.append(context.getState(energy=True).getPotentialEnergy()._value)
    ligand = in_box.positions[list(in_box.atoms)]
    internal = InternalEnergy.of(in_box.system, in_box.atoms).energies(ligand[None])[0]
    potential_energy = Springs().mean_energy_and_forces(ligand)[0] + 3e5
    assert energies[1] - energies[0] == pytest.approx(potential_energy - internal, abs=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_alchemy_first_is_refused(in_box: Any) -> None:
    system = alchemical(in_box.system, in_box.atoms, exact=True)
    with pytest.raises(InputError, match=r"made alchemical \(.*lambda_sterics.*from the physical one first"):
        add_potential(system, in_box.atoms, committee=Springs(), offset=0.0)


def test_a_second_potential_is_refused(in_box: Any) -> None:
    mixed = add_potential(in_box.system, in_box.atoms, committee=Springs(), offset=0.0)
    with pytest.raises(InputError, match="has lambda_mlip already"):
        add_potential(mixed, in_box.atoms, committee=Springs(), offset=0.0)


def test_a_molecule_of_which_alchemy_takes_a_part_is_refused(in_box: Any) -> None:
    with pytest.raises(InputError, match="are alchemical, and atoms"):
        add_potential(in_box.system, in_box.atoms, committee=Springs(), offset=0.0, alchemical_atoms=in_box.atoms[:3])


def test_forces_that_openmm_ml_cannot_read_stay(in_continuum: Any) -> None:
    """Its rule fails on a CustomCentroidBondForce, which bindfe's restraints are; it is not shown them."""
    restraint = openmm.CustomCentroidBondForce(2, "100*distance(g1,g2)^2")
    restraint.addGroup([in_continuum.atoms[0]])
    restraint.addGroup([next(atom for atom in range(8) if atom not in in_continuum.atoms)])
    restraint.addBond([0, 1], [])
    in_continuum.system.addForce(restraint)
    mixed = add_potential(in_continuum.system, in_continuum.atoms, committee=Springs(), offset=-3e5)
    kinds = [type(force) for force in in_continuum.system.getForces()]
    assert [type(force) for force in mixed.getForces()][: len(kinds)] == kinds
    energy, forces = evaluate(in_continuum.system, in_continuum.positions)
    found, found_forces = evaluate(mixed, in_continuum.positions, 0.0)
    assert found == pytest.approx(energy, abs=1e-8)
    np.testing.assert_allclose(found_forces, forces, rtol=1e-7, atol=1e-6)


# XML


@pytest.mark.mlip
def test_the_force_is_a_handle_that_another_process_opens(tmp_path: Path) -> None:
    from bindfe.mlip import open_committee

    methanol = build(method=openmm.NonbondedForce.PME, continuum=False, first=2)
    committee = open_committee("ani2x", numbers=NUMBERS)
    mixed = add_potential(methanol.system, methanol.atoms, committee=committee, offset=-3e5)
    text = openmm.XmlSerializer.serialize(mixed)
    (force,) = (each for each in mixed.getForces() if isinstance(each, openmm.PythonForce))
    assert len(openmm.XmlSerializer.serialize(force)) < 5_000
    (tmp_path / "system.xml").write_text(text)
    np.save(tmp_path / "positions.npy", methanol.positions)
    code = (
        "import sys, numpy, openmm\n"
        "system = openmm.XmlSerializer.deserialize(open(sys.argv[1] + '/system.xml').read())\n"
        "platform = openmm.Platform.getPlatformByName('Reference')\n"
        "context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)\n"
        "context.setPositions(numpy.load(sys.argv[1] + '/positions.npy'))\n"
        "context.setParameter('lambda_mlip', 1.0)\n"
        "print(repr(context.getState(energy=True).getPotentialEnergy()._value))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert float(done.stdout.split()[-1]) == pytest.approx(evaluate(mixed, methanol.positions, 1.0)[0], abs=1e-6)


@pytest.mark.mlip
def test_a_plain_openmm_ml_script_runs_a_model_by_name(in_continuum: Any) -> None:
    mixed = potential(model="ani2x", members=[0, 1]).createMixedSystem(
        in_continuum.topology, in_continuum.system, list(in_continuum.atoms), removeConstraints=False
    )
    from bindfe.mlip import open_committee

    committee = open_committee("ani2x", numbers=NUMBERS, members=[0, 1])
    ours = add_potential(in_continuum.system, in_continuum.atoms, committee=committee, offset=0.0)
    energy, forces = evaluate(mixed, in_continuum.positions)
    our_energy, our_forces = evaluate(ours, in_continuum.positions, 1.0)
    assert our_energy == pytest.approx(energy, abs=1e-4)
    np.testing.assert_allclose(our_forces, forces, atol=1e-3)


@pytest.mark.mlip
def test_a_foreign_element_is_refused_by_name(in_continuum: Any) -> None:
    with pytest.raises(InputError, match="Ar"):
        potential(model="ani2x").createMixedSystem(in_continuum.topology, in_continuum.system, list(range(8)))
