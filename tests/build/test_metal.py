"""Complexes relaxed and in surroundings: GFN2's geometry, no force field inside, forces that are the energy's."""

from __future__ import annotations

import numpy as np
import openmm as mm
import pytest
from openmm import unit
from rdkit import Chem
from rdkit.Chem import rdForceFieldHelpers

from bindfe.build.metal import LENNARD_JONES, MetalSystem, relax_complex, solvate_complex
from bindfe.build.metalfiles import load_metal_system, write_metal_system
from bindfe.chem.metal import METALS, build_complex, coordination, exchange_phosphines
from bindfe.errors import InputError, StoreError
from bindfe.mlip.gfn import GfnCommittee, gfn2_charges
from bindfe.mlip.handle import read_system
from bindfe.mlip.hybrid import MLIP_GROUP

pytest.importorskip("tblite")
pytest.importorskip("gfnff")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

LINE = "[PH3]->[Pd]<-[PH3]"
TRANS = "Br[Pd@SP2](c1ccccc1)(<-[PH3])<-[PH3]"
CIS = "Br[Pd@SP1](c1ccccc1)(<-[PH3])<-[PH3]"
KT = 0.0083144626  # kJ/mol/K


@pytest.fixture(scope="module")
def line():
    return relax_complex(build_complex(LINE, name="Pd(PH3)2"))


@pytest.fixture(scope="module")
def trans():
    return relax_complex(build_complex(TRANS, name="trans"))


@pytest.fixture(scope="module")
def boxed(line) -> MetalSystem:
    return solvate_complex(line, padding=0.9, cutoff=0.7)


def _context(built: MetalSystem, system: mm.System | None = None, step: float = 0.0005) -> mm.Context:
    integrator = mm.LangevinMiddleIntegrator(298.15, 5.0, step)
    integrator.setRandomNumberSeed(1)
    platform = mm.Platform.getPlatformByName("CPU")
    context = mm.Context(system or built.system, integrator, platform, {"Threads": "1"})
    context.setPositions(built.positions)
    return context


def _energy(context: mm.Context, x: np.ndarray, groups: int = -1) -> float:
    context.setPositions(x)
    state = context.getState(energy=True, groups=groups)
    return float(state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole))


# Geometry


def test_a_line_relaxes_to_a_line_with_the_bonds_of_gfn2(line):
    found = coordination(line)
    assert found.lengths == pytest.approx([0.2257] * 2, abs=5e-4)
    assert np.degrees(found.trans_angles[0]) > 177


def test_a_plane_stays_a_plane_and_what_was_across_stays_across(trans):
    found = coordination(trans)
    lengths = dict(zip(found.symbols, found.lengths, strict=True))
    assert lengths["P"] == pytest.approx(0.225, abs=0.003)
    assert lengths["C"] == pytest.approx(0.200, abs=0.003)
    assert found.kept
    assert found.out_of_plane < 0.02


@pytest.mark.data
def test_the_relaxed_species_are_those_of_an_independent_optimisation(line, trans, data_directory):
    """ASE's optimiser had reached these with the same method; the plane's phenyl may stand otherwise (6 kJ/mol)."""
    from ase.io import read

    known = {
        atoms.info["name"]: atoms for atoms in read(data_directory / "suzuki_pd" / "suzuki_cycle_gfn2.extxyz", ":")
    }
    for built, name, above in ((line, "1_Pd0_L2", 0.5), (trans, "4_PdII_trans_L2_Ph_Br", 8.0)):
        committee = GfnCommittee("gfn2", numbers=built.numbers, reference=built.positions)
        reference = known[name].info["gfn2_energy_eV"] * 96.48533212
        assert -8.0 < committee.reference_energy - reference < above
        x = 0.1 * known[name].positions
        symbols = np.array(known[name].get_chemical_symbols())
        distances = np.linalg.norm(x - x[symbols == "Pd"], axis=1)
        found = coordination(built)
        for symbol in set(found.symbols):
            number = found.symbols.count(symbol)
            nearest = np.sort(distances[symbols == symbol])[:number]
            ours = np.sort(found.lengths[[each == symbol for each in found.symbols]])
            assert ours == pytest.approx(nearest, abs=0.004)


# The System


def test_sizes_are_those_of_rdkits_own_table():
    """RDKit's parser of UFF's table, for pairs of like atoms; it has no type for a palladium without a charge."""
    pairs = {"C": "CC", "N": "NN", "O": "OO", "F": "FF", "P": "PP", "S": "SS", "Cl": "ClCl", "Br": "BrBr", "I": "II"}
    for symbol, smiles in {**pairs, "B": "BB", "Si": "[SiH3][SiH3]"}.items():
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        assert LENNARD_JONES[symbol] == rdForceFieldHelpers.GetUFFVdWParams(mol, 0, 1)
    methane = Chem.AddHs(Chem.MolFromSmiles("C"))
    assert LENNARD_JONES["H"] == rdForceFieldHelpers.GetUFFVdWParams(methane, 1, 2)


def test_a_metals_size_is_twice_its_van_der_waals_radius():
    """The radii of Alvarez as ASE has them."""
    from ase.data import atomic_numbers
    from ase.data.vdw_alvarez import vdw_radii

    for symbol in METALS:
        assert LENNARD_JONES[symbol][0] == pytest.approx(2 * vdw_radii[atomic_numbers[symbol]])


def test_a_waters_hydrogen_meets_the_metal_where_gfn2_has_it(line):
    """A water comes down onto palladium between the phosphines, a hydrogen first; GFN2 knows all 12 atoms."""
    pointing = _across(line)
    metal, charges = line.positions[line.metal], gfn2_charges(line.numbers, line.positions)
    far = _water(metal, pointing, 0.5)
    whole = GfnCommittee("gfn2", numbers=[*line.numbers, 8, 1, 1], reference=np.vstack([line.positions, far]))
    reach = np.arange(0.13, 0.32, 0.01)
    waters = [_water(metal, pointing, distance) for distance in reach]
    quantum = [whole.energies(np.vstack([line.positions, water])[None])[0, 0] for water in waters]
    classical = [_outside(line, charges, water) for water in waters]
    nearest = reach[int(np.argmin(quantum))]
    assert reach[int(np.argmin(classical))] == pytest.approx(nearest, abs=0.04)
    assert nearest > 0.15
    assert classical[0] > min(classical) + 40.0


def _across(found) -> np.ndarray:
    """The direction across a line in which the other atoms are farthest."""
    axis = found.positions[found.donors[0]] - found.positions[found.metal]
    first = np.cross(axis, [0.1, 1.0, 0.2])
    first /= np.linalg.norm(first)
    second = np.cross(axis / np.linalg.norm(axis), first)
    turns = [np.cos(t) * first + np.sin(t) * second for t in np.linspace(0, 2 * np.pi, 36)]
    others = np.delete(found.positions, found.metal, axis=0)
    place = found.positions[found.metal]
    return max(turns, key=lambda u: np.linalg.norm(place + 0.35 * u - others, axis=1).min())


def _water(metal: np.ndarray, pointing: np.ndarray, distance: float) -> np.ndarray:
    """A TIP3P water (O, H, H) [nm] with its first hydrogen at a distance from the metal and its oxygen behind it."""
    side = np.cross(pointing, [1.0, 0.0, 0.3])
    side /= np.linalg.norm(side)
    oxygen = metal + (distance + 0.09572) * pointing
    angle = np.radians(104.52)
    other = oxygen + 0.09572 * (np.sin(angle) * side - np.cos(angle) * pointing)
    return np.array([oxygen, metal + distance * pointing, other])


def _outside(found, charges, water) -> float:
    """Coulomb and Lennard-Jones between a complex and a TIP3P water by hand [kJ/mol]."""
    total = 0.0
    for symbol, charge, place in zip(
        (atom.GetSymbol() for atom in found.mol.GetAtoms()), charges, found.positions, strict=True
    ):
        r = np.linalg.norm(water - place, axis=1)
        total += float(138.935456 * charge * (np.array([-0.834, 0.417, 0.417]) / r).sum())
        distance, depth = LENNARD_JONES[symbol]
        sigma, epsilon = (0.1 * distance / 2 ** (1 / 6) + 0.315075) / 2, np.sqrt(4.184 * depth * 0.635968)
        total += float(4 * epsilon * ((sigma / r[0]) ** 12 - (sigma / r[0]) ** 6))
    return total


def test_no_water_lies_on_the_metal_of_a_solvated_complex(boxed):
    metal = boxed.positions[boxed.complex.metal]
    assert np.linalg.norm(boxed.positions[len(boxed.atoms) :] - metal, axis=1).min() > 0.16


def test_no_force_field_acts_inside_the_complex(boxed):
    (nonbonded,) = (force for force in boxed.system.getForces() if isinstance(force, mm.NonbondedForce))
    inside = set(boxed.atoms)
    pairs = {}
    for index in range(nonbonded.getNumExceptions()):
        i, j, charge, _, epsilon = nonbonded.getExceptionParameters(index)
        if {i, j} <= inside:
            pairs[frozenset((i, j))] = (charge._value, epsilon._value)
    assert len(pairs) == len(inside) * (len(inside) - 1) // 2
    assert set(pairs.values()) == {(0.0, 0.0)}
    for force in boxed.system.getForces():
        if isinstance(force, mm.HarmonicBondForce):
            ends = [set(force.getBondParameters(index)[:2]) for index in range(force.getNumBonds())]
            assert not any(pair & inside for pair in ends)


def test_alone_the_energy_is_the_potentials_and_starts_at_zero(line):
    alone = solvate_complex(line, padding=None)
    context = _context(alone)
    committee = GfnCommittee("gfn2", numbers=line.numbers, reference=line.positions)
    assert _energy(context, line.positions) == pytest.approx(0.0, abs=1e-6)
    moved = line.positions + np.random.default_rng(3).normal(0.0, 0.003, line.positions.shape)
    expected = committee.energies(moved[None])[0, 0] - committee.reference_energy
    assert _energy(context, moved) == pytest.approx(expected, abs=1e-3)


def test_forces_are_minus_the_gradient_of_the_energy(line, boxed):
    """Central differences of 1e-4 nm on the Reference platform, complex and water."""
    context = mm.Context(boxed.system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    context.setPositions(boxed.positions)
    forces = (
        context.getState(forces=True).getForces(asNumpy=True).value_in_unit(unit.kilojoule_per_mole / unit.nanometer)
    )
    size = 1e-4
    water = len(boxed.atoms)
    for atom, axis in ((line.metal, 0), (line.donors[0], 1), (water, 2)):
        ends = []
        for sign in (1.0, -1.0):
            x = boxed.positions.copy()
            x[atom, axis] += sign * size
            ends.append(_energy(context, x))
        numeric = -(ends[0] - ends[1]) / (2 * size)
        assert forces[atom, axis] == pytest.approx(numeric, abs=max(1.0, 2e-3 * abs(numeric)))


def test_the_potential_sees_a_whole_complex_across_the_box(boxed):
    context = _context(boxed)
    box = boxed.system.getDefaultPeriodicBoxVectors()[0][0].value_in_unit(unit.nanometer)
    inside = _energy(context, boxed.positions, groups=1 << MLIP_GROUP)
    split = boxed.positions.copy()
    split[boxed.atoms[-1], 0] += box
    assert _energy(context, split, groups=1 << MLIP_GROUP) == pytest.approx(inside, abs=1e-2)
    assert inside == pytest.approx(0.0, abs=1e-2)


def test_the_system_travels_as_xml_and_opens_without_foreign_code(boxed):
    text = mm.XmlSerializer.serialize(boxed.system)
    again = read_system(text)
    first, second = _context(boxed), _context(boxed, again)
    x = boxed.positions
    assert _energy(second, x) == pytest.approx(_energy(first, x), abs=1e-2)


def test_it_travels_as_files(boxed, tmp_path):
    write_metal_system(boxed, tmp_path / "line")
    system, topology, positions = load_metal_system(tmp_path / "line")
    assert positions == pytest.approx(boxed.positions, abs=0.0)
    assert [atom.element for atom in topology.atoms()] == [atom.element for atom in boxed.topology.atoms()]
    assert _energy(_context(boxed, system), positions) == pytest.approx(_energy(_context(boxed), positions), abs=1e-2)
    (tmp_path / "line" / "system.xml").unlink()
    with pytest.raises(StoreError, match=r"system\.xml: cannot be read"):
        load_metal_system(tmp_path / "line")


@pytest.mark.parametrize(
    ("smiles", "phosphine", "number"),
    [(TRANS, "PPh3", 2), (CIS, "PPh3", 2), (TRANS, "PCy3", 2), (LINE, "PtBu3", 2), (LINE, "XPhos", 1)],
)
def test_bulky_phosphines_relax_about_an_ideal_shell(smiles, phosphine, number):
    """GFN-FF with metal and donors held: no bond is shorter than O-H's 0.096 nm, and the shell is as it was."""
    start = build_complex(smiles)
    phosphorus = [atom for atom in start.donors if start.numbers[atom] == 15]
    found = relax_complex(exchange_phosphines(start, phosphine, donors=phosphorus[:number]), method="gfnff")
    x = found.positions
    assert (np.linalg.norm(x[:, None] - x[None], axis=-1) + np.eye(len(x))).min() > 0.096
    assert np.degrees(coordination(found).trans_angles) == pytest.approx(180.0, abs=0.5)


def test_a_salt_is_neutralised():
    cation = relax_complex(build_complex("C[Pd@SP1+](<-[PH3])(<-[PH3])<-[PH3]", name="cation"))
    built = solvate_complex(cation, padding=0.9, cutoff=0.7)
    assert built.charges.sum() == pytest.approx(1.0, abs=1e-9)
    assert sum(residue.name == "CL" for residue in built.topology.residues()) == 1


def test_gfn_ff_is_refused_where_it_would_bend_a_line(line):
    with pytest.raises(InputError, match="GFN-FF bends a line"):
        solvate_complex(line, potential="gfnff")


def test_an_element_without_a_size_and_a_box_that_is_too_small_are_refused(line):
    with pytest.raises(InputError, match="no size is known for As"):
        solvate_complex(build_complex("[AsH3]->[Pd]<-[PH3]"), padding=0.9)
    with pytest.raises(InputError, match="raise padding"):
        solvate_complex(line, padding=0.5, cutoff=0.9)


# Dynamics


def _run(built: MetalSystem, *, steps: int, step: float) -> None:
    """The arrangement is kept, the temperature is that of the bath, and nothing is lost."""
    context = _context(built, step=step)
    context.setVelocitiesToTemperature(298.15, 1)
    context.getIntegrator().step(steps)
    state = context.getState(positions=True, energy=True)
    x = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    found = coordination(built.complex, x[list(built.atoms)])
    freedom = 3 * built.system.getNumParticles() - built.system.getNumConstraints()
    temperature = 2 * state.getKineticEnergy().value_in_unit(unit.kilojoule_per_mole) / (freedom * KT)
    assert 230 < temperature < 370
    assert found.kept
    assert np.abs(found.lengths - coordination(built.complex).lengths).max() < 0.04


def test_a_line_is_stable_in_water_for_500_steps(boxed):
    _run(boxed, steps=500, step=0.0005)


def test_a_plane_of_trimethylphosphines_is_stable_with_gfn_ff_for_500_steps():
    smiles = "Br[Pd@SP2](c1ccccc1)(<-P(C)(C)C)<-P(C)(C)C"
    found = relax_complex(build_complex(smiles, name="trans PMe3"), method="gfnff")
    _run(solvate_complex(found, potential="gfnff", padding=1.0, cutoff=0.7), steps=500, step=0.0005)


@pytest.mark.slow
@pytest.mark.parametrize("step", [0.0005, 0.001])
@pytest.mark.parametrize("smiles", [TRANS, CIS], ids=["trans", "cis"])
def test_planes_are_stable_in_water_with_gfn2_for_500_steps(smiles, step):
    found = relax_complex(build_complex(smiles))
    _run(solvate_complex(found, padding=0.9, cutoff=0.7), steps=500, step=step)
