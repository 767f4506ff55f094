"""Regions: caps whose forces conserve energy, molecules made whole, and cuts that chemistry forbids."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
import openmm
import pytest
from openmm import app, unit

from bindfe.errors import InputError
from bindfe.mlip.hybrid import LAMBDA_MLIP, add_potential
from bindfe.mlip.internal import internal_terms
from bindfe.mlip.region import Placement, Region, check_overlap, cut_region, topology_of
from tests.mlip.plugs import Springs

REFERENCE = openmm.Platform.getPlatformByName("Reference")


def molecule(elements: str, bonds: list[tuple[int, int]]) -> app.Topology:
    """A topology of one residue from element symbols of one letter."""
    topology = app.Topology()
    residue = topology.addResidue("MOL", topology.addChain())
    atoms = [
        topology.addAtom(f"{symbol}{index}", app.Element.getBySymbol(symbol), residue)
        for index, symbol in enumerate(elements)
    ]
    for i, j in bonds:
        topology.addBond(atoms[i], atoms[j])
    return topology


TOLUENE = molecule(
    "CCCCCCCHHHHHHHH",
    [
        (0, 1),
        (1, 2),
        (2, 3),
        (3, 4),
        (4, 5),
        (5, 0),
        (0, 6),
        *((i, i + 6) for i in range(1, 6)),
        (6, 12),
        (6, 13),
        (6, 14),
    ],
)
CYCLOHEXANE = molecule(
    "CCCCCC" + 12 * "H", [*((i, (i + 1) % 6) for i in range(6)), *((i // 2, 6 + i) for i in range(12))]
)
BUTADIENE = molecule("CCCCHHHHHH", [(0, 1), (1, 2), (2, 3), (0, 4), (0, 5), (1, 6), (2, 7), (3, 8), (3, 9)])
ETHANOL = molecule("CCOHHHHHH", [(0, 1), (1, 2), (0, 3), (0, 4), (0, 5), (1, 6), (1, 7), (2, 8)])
NEOPENTANE = molecule("CCCCC" + 12 * "H", [*((0, i) for i in range(1, 5)), *((1 + i // 3, 5 + i) for i in range(12))])


def test_a_whole_molecule_has_no_caps() -> None:
    region = cut_region(ETHANOL, range(9))
    assert region.links == ()
    assert region.particles == tuple(range(9))


def test_a_single_bond_between_carbons_is_capped() -> None:
    region = cut_region(TOLUENE, [6, 12, 13, 14])
    assert [(link.inside, link.outside) for link in region.links] == [(6, 0)]
    assert region.links[0].ratio == pytest.approx(0.1090 / 0.1526)
    assert region.particles == (6, 12, 13, 14, 0)


@pytest.mark.parametrize(
    ("topology", "atoms", "says"),
    [
        (TOLUENE, [0, 1, 7, 6, 12, 13, 14], r"C1 of MOL 1 \(atom 1\).*an aromatic ring of 6 atoms"),
        (CYCLOHEXANE, [0, 6, 7, 1, 8, 9], "a ring of 6 atoms"),
        (BUTADIENE, [0, 4, 5, 1, 6], "double or conjugated"),
        (ETHANOL, [2, 8], r"C1 of MOL 1 \(atom 1\).*only single bonds between carbons"),
        (ETHANOL, [0, 1, 2, 8, 3, 4, 5, 6], "only single bonds between carbons"),
        (NEOPENTANE, [1, 2, *range(5, 11)], r"two cut bonds meet at C0 of MOL 1 \(atom 0\)"),
        (ETHANOL, [], "no atoms"),
        (ETHANOL, [0, 0, 1], "named twice"),
        (ETHANOL, [0, 9], r"names atoms \[9\]; the System has atoms 0 to 8"),
    ],
)
def test_what_cannot_be_cut_is_refused_with_the_names_of_its_atoms(
    topology: app.Topology, atoms: list[int], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        cut_region(topology, atoms)


def test_a_bond_order_that_is_known_is_believed() -> None:
    topology = molecule("CCCCHHHHHH", [(0, 1), (2, 3), (0, 4), (0, 5), (1, 6), (2, 7), (3, 8), (3, 9)])
    atoms = list(topology.atoms())
    topology.addBond(atoms[1], atoms[2], order=1)
    assert len(cut_region(topology, [0, 1, 4, 5, 6]).links) == 1


def test_a_cycle_as_large_as_a_disulfide_closes_may_be_cut() -> None:
    n = 14
    bonds = [*((i, (i + 1) % n) for i in range(n)), *((i // 2, n + i) for i in range(2 * n))]
    ring = molecule("C" * n + "H" * 2 * n, bonds)
    assert len(cut_region(ring, [0, 14, 15]).links) == 2


@pytest.mark.parametrize("switched", [(0, 1, 2, 3), (4, 5), ()])
def test_alchemy_takes_the_whole_region_or_none_of_it(switched: tuple[int, ...]) -> None:
    check_overlap(Region(atoms=(0, 1, 2)), switched)


def test_a_region_of_which_alchemy_takes_a_part_is_refused() -> None:
    with pytest.raises(InputError, match=r"2 of the 3 atoms .* atoms \[0\] are not"):
        check_overlap(Region(atoms=(0, 1, 2)), (1, 2, 3))


def test_bonds_are_found_in_a_system(in_continuum: Any) -> None:
    found = {tuple(sorted((bond.atom1.index, bond.atom2.index))) for bond in topology_of(in_continuum.system).bonds()}
    expected = {tuple(sorted((bond.atom1.index, bond.atom2.index))) for bond in in_continuum.topology.bonds()}
    others = tuple(sorted(set(range(8)) - set(in_continuum.atoms)))
    assert found == expected | {others}  # the spring between the two atoms beside methanol


def test_a_molecule_longer_than_half_the_box_is_made_whole() -> None:
    box = np.array([[3.0, 0.0, 0.0], [0.9, 2.8, 0.0], [-0.5, 1.1, 2.6]])
    rng = np.random.default_rng(4)
    chain = np.cumsum(rng.normal(loc=(0.05, 0.02, 0.0), scale=0.08, size=(60, 3)), axis=0)
    assert np.linalg.norm(chain[-1] - chain[0]) > 2.6
    broken = chain + rng.integers(-2, 3, size=(60, 3)) @ box
    bonds = [(i, i + 1) for i in range(59)]
    found = Region(atoms=tuple(range(60)), bonds=tuple(bonds)).placement().whole(broken, box)
    np.testing.assert_allclose(found - found[0], chain - chain[0], atol=1e-12)


def test_parts_that_are_not_bonded_come_next_to_the_first() -> None:
    placement = Region(atoms=(0, 1, 2, 3), bonds=((0, 1), (2, 3))).placement()
    box = 2.0 * np.eye(3)
    where = np.array([[0.1, 0, 0], [1.9, 0, 0], [1.8, 0, 0], [0.05, 0, 0]])
    np.testing.assert_allclose(placement.whole(where, box)[:, 0], [0.1, -0.1, -0.2, 0.05], atol=1e-12)


def test_the_force_on_a_cap_is_that_of_the_chain_rule() -> None:
    placement = Placement(parents=(-1, 0, 0), n_atoms=2, links=((0, 2, 0.7),))
    rng = np.random.default_rng(0)
    where, forces = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    step = 1e-6
    for index in np.ndindex(3, 3):
        moved = [where.copy(), where.copy()]
        moved[0][index] += step
        moved[1][index] -= step
        work = [(placement.with_caps(each) * forces).sum() for each in moved]
        assert placement.spread(forces)[index] == pytest.approx((work[0] - work[1]) / (2 * step), abs=1e-8)


def test_it_travels_small() -> None:
    placement = Region(atoms=tuple(range(60)), bonds=tuple((i, i + 1) for i in range(59))).placement()
    content = pickle.dumps(placement)
    assert len(content) < 400
    assert pickle.loads(content).parents == placement.parents


# A side chain of alanine dipeptide


@pytest.fixture(scope="module")
def dipeptide() -> Any:
    from openmmtools.testsystems import AlanineDipeptideVacuum

    return AlanineDipeptideVacuum(constraints=app.HBonds)


def side_chain(system: Any) -> list[int]:
    names = {atom.name: atom.index for atom in system.topology.atoms() if atom.residue.name == "ALA"}
    return [names[name] for name in ("CB", "HB1", "HB2", "HB3")]


def evaluate(system: openmm.System, positions: np.ndarray, value: float | None) -> tuple[float, np.ndarray]:
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), REFERENCE)
    context.setPositions(positions)
    if value is not None:
        context.setParameter(LAMBDA_MLIP, value)
    state = context.getState(energy=True, forces=True)
    return state.getPotentialEnergy()._value, np.array(state.getForces(asNumpy=True)._value)


def positions_of(system: Any) -> np.ndarray:
    return np.array(system.positions.value_in_unit(unit.nanometer))


def test_a_side_chain_at_0_is_the_force_field(dipeptide: Any) -> None:
    where = positions_of(dipeptide)
    mixed = add_potential(
        dipeptide.system, side_chain(dipeptide), committee=Springs(), offset=0.0, topology=dipeptide.topology
    )
    assert mixed.getNumParticles() == dipeptide.system.getNumParticles()
    energy, forces = evaluate(dipeptide.system, where, None)
    found, found_forces = evaluate(mixed, where, 0.0)
    assert found == pytest.approx(energy, abs=1e-6)
    np.testing.assert_allclose(found_forces, forces, atol=1e-5)


@pytest.mark.parametrize("value", [0.4, 1.0])
def test_a_side_chains_forces_are_minus_the_gradient(dipeptide: Any, value: float) -> None:
    where = positions_of(dipeptide)
    mixed = add_potential(
        dipeptide.system, side_chain(dipeptide), committee=Springs(), offset=0.0, topology=dipeptide.topology
    )
    _, forces = evaluate(mixed, where, value)
    context = openmm.Context(mixed, openmm.VerletIntegrator(0.001), REFERENCE)
    step = 1e-5
    for atom in [*side_chain(dipeptide), 8, 6, 14]:  # the side chain, its C-alpha, N and C
        for axis in range(3):
            energies = []
            for sign in (1, -1):
                moved = where.copy()
                moved[atom, axis] += sign * step
                context.setPositions(moved)
                context.setParameter(LAMBDA_MLIP, value)
                energies.append(context.getState(energy=True).getPotentialEnergy()._value)
            assert forces[atom, axis] == pytest.approx((energies[1] - energies[0]) / (2 * step), abs=0.05)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_side_chain_has_the_energy_that_openmm_ml_gives_it(dipeptide: Any) -> None:
    """openmm-ml caps with a particle of its own at a fixed distance; at equal distances energies agree."""
    from openmmml.mlpotential import MLPotential

    from bindfe.mlip import plugin

    plugin.register()
    atoms, where = side_chain(dipeptide), positions_of(dipeptide)
    ours = add_potential(dipeptide.system, atoms, committee=Springs(), offset=0.0, topology=dipeptide.topology)
    (link,) = cut_region(dipeptide.topology, atoms, system=dipeptide.system).links
    distance = link.ratio * float(np.linalg.norm(where[link.outside] - where[link.inside]))
    theirs = MLPotential("bindfe-committee", committee=Springs()).createMixedSystem(
        dipeptide.topology,
        dipeptide.system,
        atoms,
        removeConstraints=False,
        linkAtomDistances=[(link.inside, link.outside, distance * unit.nanometer)],
    )
    context = openmm.Context(theirs, openmm.VerletIntegrator(0.001), REFERENCE)
    context.setPositions(np.concatenate([where, np.zeros((1, 3))]))
    context.computeVirtualSites()
    energy = context.getState(energy=True).getPotentialEnergy()._value
    assert evaluate(ours, where, 1.0)[0] == pytest.approx(energy, abs=1e-6)


def test_beside_a_cut_the_terms_of_the_capped_region_are_its_own(dipeptide: Any) -> None:
    atoms = side_chain(dipeptide)
    region = cut_region(dipeptide.topology, atoms, system=dipeptide.system)
    terms = internal_terms(dipeptide.system, region)
    carrier = region.links[0].outside
    assert sorted(each for each, _ in terms.angles if carrier in each)  # H-CB-CA: the cap has H-CB-H
    assert all(each[1] == atoms[0] for each, _ in terms.angles)
    assert terms.torsions == ()  # about CB-CA: the cap has none


def test_a_map_of_the_backbone_is_refused_inside_and_left_alone_outside(dipeptide: Any) -> None:
    system = openmm.XmlSerializer.deserialize(openmm.XmlSerializer.serialize(dipeptide.system))
    maps = openmm.CMAPTorsionForce()
    maps.addMap(2, [0.0, 1.0, 2.0, 3.0])
    maps.addTorsion(0, 4, 6, 8, 14, 6, 8, 14, 16)
    system.addForce(maps)
    add_potential(system, side_chain(dipeptide), committee=Springs(), offset=0.0, topology=dipeptide.topology)
    with pytest.raises(InputError, match="CMAP"):
        add_potential(system, range(22), committee=Springs(), offset=0.0, topology=dipeptide.topology)


# His41 and Cys145 of the main protease of SARS-CoV-2


def fragment(path: Any, *, first: int, last: int) -> str:
    """Residues of chain A as PDB; the nitrogen after the last one becomes the chain's second oxygen."""
    kept: list[str] = []
    for line in path.read_text().splitlines():
        if line.startswith("ATOM") and line[21] == "A":
            number = int(line[22:26])
            if first <= number <= last:
                kept.append(line)
            elif number == last + 1 and line[12:16].strip() == "N":
                kept.append(f"{line[:12]} OXT{line[16]}{kept[-1][17:26]}{line[26:76]} O")
    return "\n".join([*kept, "END\n"])


@pytest.fixture(scope="module")
def protease(data_directory: Any) -> tuple[app.Topology, np.ndarray, openmm.System]:
    """Residues 38 to 148, which hold the catalytic dyad, with hydrogens, in vacuum; both neutral."""
    path = data_directory / "mpro" / "asapdiscovery" / "sars_cov_2_mpro.pdb"
    pdb = app.PDBFile(io.StringIO(fragment(path, first=38, last=148)))
    modeller = app.Modeller(pdb.topology, pdb.positions)
    force_field = app.ForceField("amber14/protein.ff14SB.xml")
    variants = ["HID" if r.id == "41" else "CYS" if r.id == "145" else None for r in modeller.topology.residues()]
    modeller.addHydrogens(force_field, variants=variants, platform=REFERENCE)
    system = force_field.createSystem(modeller.topology, constraints=app.HBonds)
    return modeller.topology, np.array(modeller.positions.value_in_unit(unit.nanometer)), system


def residues(topology: app.Topology, *numbers: str) -> dict[str, dict[str, int]]:
    return {r.id: {atom.name: atom.index for atom in r.atoms()} for r in topology.residues() if r.id in numbers}


def side_chains(topology: app.Topology) -> list[int]:
    backbone = {"N", "H", "CA", "HA", "C", "O"}
    return [
        index
        for names in residues(topology, "41", "145").values()
        for name, index in names.items()
        if name not in backbone
    ]


@pytest.mark.data
@pytest.mark.mlip
def test_his41_and_cys145_of_the_main_protease_pass_the_audit(protease: Any) -> None:
    from bindfe.mlip import open_committee
    from bindfe.mlip.audit import audit_system
    from bindfe.mlip.internal import InternalEnergy

    topology, where, system = protease
    atoms = side_chains(topology)
    region = cut_region(topology, atoms, system=system)
    named = list(topology.atoms())
    assert [(named[link.inside].name, named[link.outside].name) for link in region.links] == [("CB", "CA")] * 2
    numbers = [named[atom].element.atomic_number for atom in atoms] + [1, 1]
    committee = open_committee("ani2x", numbers=numbers)  # methylimidazole and methanethiol: neutral, closed shells
    capped = region.placement().with_caps(where[list(region.particles)])
    caps = capped[len(atoms) :] - where[[link.inside for link in region.links]]
    assert np.linalg.norm(caps, axis=1) == pytest.approx([0.109, 0.109], abs=0.004)
    internal = InternalEnergy.of(system, region).energies(where[list(region.particles)][None])[0]
    offset = float(committee.energies(capped[None]).mean() - internal)
    mixed = add_potential(system, atoms, committee=committee, offset=offset, topology=topology)
    report = audit_system(
        mixed,
        plain=system,
        region=region,
        positions_nm=where,
        committee=committee,
        offset=offset,
        numbers=numbers,
    )
    assert report.passed, str(report)


@pytest.mark.data
def test_a_cut_through_a_residue_of_the_main_protease_is_refused_by_name(protease: Any) -> None:
    topology, _, system = protease
    names = residues(topology, "41", "145")
    with pytest.raises(InputError, match=r"of HIS 41 .* and N.. of HIS 41 .*only single bonds between carbons"):
        cut_region(topology, [names["41"][name] for name in ("CB", "HB2", "HB3", "CG", "CD2", "HD2")], system=system)
    ring = [names["41"][name] for name in ("CB", "HB2", "HB3", "CG", "ND1", "HD1", "CE1", "HE1", "NE2")]
    with pytest.raises(InputError, match=r"between CG of HIS 41 .* and CD2 of HIS 41 .*an aromatic ring of 5 atoms"):
        cut_region(topology, ring, system=system)
    with pytest.raises(InputError, match=r"SG of CYS 145"):
        cut_region(topology, [names["145"]["SG"], names["145"]["HG"]], system=system)
