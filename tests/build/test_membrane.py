from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import openmm as mm
import pytest
from openmm import app, unit
from scipy.spatial.distance import cdist

from bindfe.build import bilayer as growing
from bindfe.build import load_leg, load_plain, prepare_leg
from bindfe.build.bilayer import Bilayer, bilayer_box, lipid_molecule, patch_size
from bindfe.build.forcefield import nonbonded_force, parametrise
from bindfe.build.membrane import Occupied, fill_about_bilayer, head_heights, missing_water
from bindfe.build.protein import prepare_receptor
from bindfe.build.rings import small_rings
from bindfe.build.solvate import solvate
from bindfe.build.water import read_water_box
from bindfe.chem.ligand import read_ligands
from bindfe.chem.receptor import read_receptor
from bindfe.errors import InputError, MissingDependency, ProtocolError
from bindfe.protocol import MembraneSettings, parse_protocol
from bindfe.states import LegKind
from tests.build.peptides import helix, write_ligand

GROW = growing._grow
LIPID = "DLPC"
SIDES = np.array([4.6, 4.4, 6.2])  # empty space at the rim of the piece: its lipids were not cut out to fit
SETTINGS = (
    "solvent: {model: tip3p, cutoff: 9 A}\nrestraint: {kind: flat-bottom, flat_radius: 20 A}\n"
    "membrane: {lipid: DLPC, surface_tension: 50 bar*nm}\ncompute: {platform: Reference}\n"
)


def piece(x: np.ndarray) -> Bilayer:
    """Lipids and water of OpenMM's patch about the z axis that leave some atoms [nm] free: nothing was run."""
    pdb = app.PDBFile(str(growing.files("openmm.app") / "data" / f"{LIPID}.pdb"))
    places = np.asarray(pdb.positions.value_in_unit(unit.nanometer))
    places -= 0.5 * (places.min(axis=0) + places.max(axis=0))
    kinds = {True: [], False: []}
    for residue in pdb.topology.residues():
        atoms = places[[atom.index for atom in residue.atoms()]]
        if np.abs(atoms.mean(axis=0)[:2]).max() < 1.3 and cdist(atoms, x).min() > 0.25:
            kinds[residue.name == "HOH"].append(atoms)
    return Bilayer(vectors=np.diag(SIDES), lipids=np.array(kinds[False]), water=np.array(kinds[True]))


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A helix across the membrane and benzene beside it."""
    folder = tmp_path_factory.mktemp("membrane")
    file = folder / "helix.pdb"
    file.write_text(helix("LALALALALALALALAL"))
    sdf = write_ligand(folder / "ligand.sdf", "c1ccccc1", at=np.array([8.5, 0.0, 0.0]))
    ligand = read_ligands(sdf)[0]
    protocol = parse_protocol(f"receptor: {{file: {file}}}\nligands: {{file: {sdf}}}\n{SETTINGS}", source="test")
    return protocol, prepare_receptor(read_receptor(file), protocol).receptor, ligand


@pytest.fixture(scope="module")
def growth(case, tmp_path_factory):
    """Stands for the minutes of Modeller's run: a piece of the patch; what it was asked to lie about is noted."""
    asked, cache = [], tmp_path_factory.mktemp("cache")

    def grow(force_field, topology, positions, protocol):
        asked.append(len(positions))
        return piece(positions)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growing, "cache_folder", lambda: cache)
        patch.setattr(growing, "_grow", grow)
        yield asked


@pytest.fixture(scope="module")
def leg(case, growth, tmp_path_factory):
    protocol, receptor, ligand = case
    directory = tmp_path_factory.mktemp("leg")
    record = prepare_leg(receptor, ligand, LegKind.COMPLEX, protocol, directory, fingerprint="f")
    return record, load_leg(directory), load_plain(directory, "bound")


def residues(leg, name):
    return [residue for residue in leg.topology.residues() if residue.name == name]


def test_a_leg_in_a_bilayer_is_the_system_that_openmm_makes_of_its_topology(leg, evaluate):
    # Not from one water and copies of it, nor by bindfe's create_system: OpenMM's ForceField on all atoms at once.
    _, loaded, plain = leg
    force_field = app.ForceField("amber14/protein.ff14SB.xml", "amber14/tip3p.xml", "amber14/lipid17.xml")
    modeller = app.Modeller(loaded.topology, loaded.positions * unit.nanometer)
    modeller.delete(residues(loaded, "LIG"))
    expected = force_field.createSystem(
        modeller.topology,
        nonbondedMethod=app.PME,
        nonbondedCutoff=0.9,
        constraints=app.HBonds,
        hydrogenMass=4.0,
        removeCMMotion=False,
    )
    rest = [i for i in range(loaded.record.n_atoms) if i not in set(loaded.record.ligand_atoms)]
    ours = without(plain.system, loaded.record.ligand_atoms)
    found = evaluate(ours, plain.positions[rest], box=plain.box)
    told = evaluate(expected, plain.positions[rest], box=plain.box)
    assert expected.getNumConstraints() == ours.getNumConstraints()
    assert found.energy == pytest.approx(told.energy, abs=1e-4)
    assert np.abs(found.forces - told.forces).max() < 1e-6 * np.abs(told.forces).max()


@pytest.mark.heavy
def test_lipid21_goes_with_ff19sb_and_keeps_its_own_scaling_of_pairs(case, growth, evaluate):
    # Lipid21's file rescales some 1-4 pairs in a script of its own, which must survive the copies of water.
    protocol, receptor, _ = case
    forcefield = protocol.forcefield.model_copy(update={"protein": "ff19SB"})
    settings = protocol.model_copy(update={"forcefield": forcefield})
    system, assembly = solvate(*parametrise(receptor, None, settings), settings)
    files = ("protein.ff19SB", "tip3p", "lipid21")
    expected = app.ForceField(*(f"amber19/{name}.xml" for name in files)).createSystem(
        assembly.topology, nonbondedMethod=app.PME, nonbondedCutoff=0.9, constraints=app.HBonds, removeCMMotion=False
    )
    box = SIDES * np.eye(3)
    found, told = (evaluate(each, assembly.positions, box=box).energy for each in (system, expected))
    assert found == pytest.approx(told, abs=1e-4)


def without(system, atoms):
    """A System's particles and forces but for some atoms, which lie between others; barostat left out."""
    gone = set(atoms)
    number, small = {}, mm.System()
    for i in range(system.getNumParticles()):
        if i not in gone:
            number[i] = small.addParticle(system.getParticleMass(i))
    for k in range(system.getNumConstraints()):
        i, j, length = system.getConstraintParameters(k)
        if not {i, j} & gone:
            small.addConstraint(number[i], number[j], length)
    for force in system.getForces():
        copied = kept(force, number)
        if copied is not None:
            small.addForce(copied)
    small.setDefaultPeriodicBoxVectors(*system.getDefaultPeriodicBoxVectors())
    return small


def kept(force, number):
    counts = {
        mm.HarmonicBondForce: ("Bond", 2),
        mm.HarmonicAngleForce: ("Angle", 3),
        mm.PeriodicTorsionForce: ("Torsion", 4),
    }
    if isinstance(force, mm.NonbondedForce):
        copied = mm.NonbondedForce()
        copied.setNonbondedMethod(force.getNonbondedMethod())
        copied.setCutoffDistance(force.getCutoffDistance())
        copied.setUseDispersionCorrection(force.getUseDispersionCorrection())
        for i in number:
            copied.addParticle(*force.getParticleParameters(i))
        for k in range(force.getNumExceptions()):
            i, j, *values = force.getExceptionParameters(k)
            if i in number and j in number:
                copied.addException(number[i], number[j], *values)
        return copied
    if type(force) not in counts:
        return None
    word, size = counts[type(force)]
    copied = type(force)()
    for k in range(getattr(force, f"getNum{word}s")()):
        values = getattr(force, f"get{word}Parameters")(k)
        if all(i in number for i in values[:size]):
            getattr(copied, f"add{word}")(*(number[i] for i in values[:size]), *values[size:])
    return copied


def test_with_the_ligand_on_the_alchemical_leg_is_the_plain_one(leg, evaluate):
    record, loaded, plain = leg
    found = evaluate(loaded.system, loaded.positions, record.parameters[0], box=loaded.box)
    assert found.energy == pytest.approx(evaluate(plain.system, plain.positions, box=plain.box).energy, abs=1e-3)


def test_lipids_are_no_part_of_the_receptor_and_the_box_has_no_charge(leg, case):
    record, loaded, plain = leg
    names = {atom.residue.name for atom in loaded.topology.atoms() if atom.index in set(record.receptor_atoms)}
    assert names == {"ACE", "LEU", "ALA", "NME"}
    lipids = residues(loaded, LIPID)
    assert len(lipids) > 2
    assert {len(list(residue.atoms())) for residue in lipids} == {len(lipid_molecule(LIPID)[0])}
    force = nonbonded_force(plain.system)
    charges = [force.getParticleParameters(i)[0]._value for i in range(record.n_atoms)]
    assert sum(charges) == pytest.approx(0.0, abs=1e-4)
    assert np.diag(loaded.box) == pytest.approx(SIDES)


def test_the_complex_has_the_barostat_of_a_membrane_and_the_solvent_leg_that_of_water(leg, case, tmp_path):
    protocol, _, ligand = case
    _, loaded, plain = leg
    for system in (loaded.system, plain.system):
        (barostat,) = (force for force in system.getForces() if "Barostat" in type(force).__name__)
        assert isinstance(barostat, mm.MonteCarloMembraneBarostat)
        assert barostat.getXYMode() == barostat.XYIsotropic
        assert barostat.getZMode() == barostat.ZFree
        assert barostat.getDefaultSurfaceTension()._value == pytest.approx(50.0)
        assert barostat.getDefaultPressure()._value == pytest.approx(1.01325)
    prepare_leg(None, ligand, LegKind.SOLVENT, protocol, tmp_path, fingerprint="f")
    alone = load_leg(tmp_path)
    assert not residues(alone, LIPID)
    assert [type(f) for f in alone.system.getForces() if "Barostat" in type(f).__name__] == [mm.MonteCarloBarostat]


def test_width_and_breadth_keep_their_ratio_and_the_height_goes_its_own_way(leg):
    # the leg's own barostat, in an ideal gas that is at its pressure in the leg's box
    _, _, plain = leg
    (barostat,) = (force for force in plain.system.getForces() if "Barostat" in type(force).__name__)
    barostat = copy.deepcopy(barostat)
    barostat.setFrequency(1)
    barostat.setRandomNumberSeed(3)
    gas, nothing = mm.System(), mm.NonbondedForce()
    nothing.setNonbondedMethod(mm.NonbondedForce.CutoffPeriodic)
    nothing.setCutoffDistance(0.1)
    for _ in range(50):
        gas.addParticle(18.0)
        nothing.addParticle(0.0, 0.1, 0.0)
    barostat.setDefaultPressure(50 * 8.314e-3 * 298.15 / SIDES.prod() / 0.0602214)  # bar
    for force in (nothing, barostat):
        gas.addForce(force)
    context = mm.Context(gas, mm.VerletIntegrator(1e-4), mm.Platform.getPlatformByName("Reference"))
    context.setPeriodicBoxVectors(*plain.box)
    context.setPositions(np.random.default_rng(1).random((50, 3)) * SIDES)
    course = [SIDES]
    for _ in range(60):
        context.getIntegrator().step(1)
        course.append(np.diag(context.getState().getPeriodicBoxVectors(asNumpy=True)._value))
    scales = np.array(course) / SIDES
    assert scales[:, 0] == pytest.approx(scales[:, 1], rel=1e-6)
    in_plane, across = (np.abs(np.diff(scales[:, axis])) > 1e-6 for axis in (0, 2))
    assert (in_plane & ~across).any()
    assert (across & ~in_plane).any()


def test_a_bilayer_is_grown_once_for_a_receptor_and_again_about_a_ligand_that_lies_in_it(case, leg, growth, tmp_path):
    protocol, receptor, _ = case
    n_receptor = len(leg[0].receptor_atoms)
    assert set(growth) == {n_receptor, n_receptor + 12} or set(growth) == {n_receptor}
    before = list(growth)
    carbon = next(atom for atom in residues(leg[1], LIPID)[0].atoms() if atom.name == "C36")
    at = 10 * leg[1].positions[carbon.index]
    far = read_ligands(write_ligand(tmp_path / "on.sdf", "c1ccccc1", at=at))[0]
    prepare_leg(receptor, far, LegKind.COMPLEX, protocol, tmp_path / "leg", fingerprint="f")
    assert growth[len(before) :] == [n_receptor + 12]
    again = growing.bilayer_about(*parametrise(receptor, far, protocol), protocol)
    assert len(growth) == len(before) + 1
    leg = load_leg(tmp_path / "leg")
    assert len(again.lipids) == len(residues(leg, LIPID))
    (file,) = (path for path in growing.cache_folder().glob("bilayers/*.npz") if path.stem == growth_key(far, case))
    file.write_bytes(file.read_bytes()[:-100])
    growing.bilayer_about(*parametrise(receptor, far, protocol), protocol)
    assert len(growth) == len(before) + 2
    lipids = [atom.index for residue in residues(leg, LIPID) for atom in residue.atoms()]
    assert cdist(leg.positions[lipids], leg.positions[list(leg.record.ligand_atoms)]).min() > 0.2


def growth_key(ligand, case) -> str:
    protocol, receptor, _ = case
    _, molecules = parametrise(receptor, ligand, protocol)
    return growing._key(molecules.topology, molecules.positions, protocol)


def test_ions_keep_away_from_the_heads_and_are_as_many_as_the_salt_asks_for():
    x = np.zeros((1, 3))
    layers = piece(x)
    low, high = head_heights(layers, LIPID)
    assert high - low == pytest.approx(3.1, abs=0.3)
    atoms = layers.lipids.reshape(-1, 3)
    occupied = Occupied(
        positions=np.concatenate([x, atoms]), sigma=np.full(len(atoms) + 1, 0.3), receptor=(0,), ligand=()
    )
    box = read_water_box("tip3p")
    filling = fill_about_bilayer(occupied, layers, lipid=LIPID, box=box, charge=3, concentration=0.6)
    ions = len(filling.positive) + len(filling.negative)
    pairs = round((len(filling.water) + ions - 3) * 0.6 / 55.4)
    assert (len(filling.positive), len(filling.negative)) == (pairs, pairs + 3)
    assert cdist(np.concatenate([filling.positive, filling.negative]), atoms).min() > 0.5
    with pytest.raises(InputError, match="room"):
        fill_about_bilayer(occupied, layers, lipid=LIPID, box=box, charge=3, concentration=20.0)


def hollow(*, open_above: bool) -> Occupied:
    """A ball of 0.9 nm radius with a wall of atoms, and perhaps a hole above."""
    turn = np.pi * (1 + 5**0.5) * (np.arange(400) + 0.5)
    height = 1 - 2 * (np.arange(400) + 0.5) / 400
    wide = np.sqrt(1 - height**2)
    wall = 0.9 * np.column_stack([wide * np.cos(turn), wide * np.sin(turn), height])
    wall = wall[wall[:, 2] < 0.75] if open_above else wall
    return Occupied(positions=wall, sigma=np.full(len(wall), 0.3), receptor=tuple(range(len(wall))), ligand=())


@pytest.mark.parametrize("open_above", [False, True])
def test_a_hollow_protein_is_filled_with_water_and_the_membrane_beside_it_is_not(open_above):
    occupied, vectors, box = hollow(open_above=open_above), 6.0 * np.eye(3), read_water_box("tip3p")
    none = np.empty((0, 3))
    dry = missing_water(occupied, none, vectors, heads=(-3.0, 3.0), box=box)
    assert 18 <= len(dry) <= 33  # oxygens have a ball of 0.9 - 0.35 nm, in which bulk water has 23, and the hole
    assert np.linalg.norm(dry[:, 0], axis=1).max() < (1.1 if open_above else 0.6)
    assert np.linalg.norm(dry[:, 0] - dry[:, 1], axis=1) == pytest.approx(0.09572, abs=1e-3)
    assert len(missing_water(occupied, dry[:, 0], vectors, heads=(-3.0, 3.0), box=box)) == 0


def test_outside_of_the_membrane_what_was_left_dry_is_filled_to_the_density_of_water():
    occupied, vectors, box = hollow(open_above=False), 6.0 * np.eye(3), read_water_box("tip3p")
    found = missing_water(occupied, np.empty((0, 3)), vectors, heads=(-1.5, 1.5), box=box)[:, 0]
    outside = np.abs(found[:, 2]) > 1.5
    assert 31 < outside.sum() / (6 * 6 * 3) < 34.5  # nm^-3
    assert np.linalg.norm(found[~outside], axis=1).max() < 0.6
    kept = found[found[:, 0] < 0]
    more = missing_water(occupied, kept, vectors, heads=(-1.5, 1.5), box=box)[:, 0]
    assert len(kept) + len(more) == pytest.approx(len(found), rel=0.05)  # the cut leaves a seam
    assert cdist(kept, more).min() > 0.28


def test_the_box_is_whole_patches_wide_and_reaches_over_all_of_a_protein():
    x, y, z = patch_size("POPC")
    assert (x, y, z) == pytest.approx((6.3701, 6.6874, 7.3136))
    assert 2 * x * y / 128 == pytest.approx(0.666, abs=0.002)  # nm^2 for a lipid; 0.64 to 0.68 are measured
    settings = MembraneSettings(lipid="POPC", padding="10 A")
    thin = np.array([[-0.5, -0.5, -1.5], [0.5, 0.5, 1.5]])
    assert bilayer_box(thin, settings) == pytest.approx([x, y, z])
    tall = np.array([[-2.5, -2.0, -1.5], [2.5, 2.0, 9.0]])
    assert bilayer_box(tall, settings) == pytest.approx([2 * x, y, 10.0 + z / 2])


def test_a_lipid_that_runs_through_a_ring_is_taken_out(tmp_path):
    # benzene threaded on the middle of a tail's bond, across it; beside it, it is left alone
    whole = piece(np.full((1, 3), 9.0))
    atoms, bonds = lipid_molecule(LIPID)
    names = [name for name, _ in atoms]
    i, j = names.index("C36"), names.index("C37")
    assert (i, j) in bonds or (j, i) in bonds
    a, b = whole.lipids[0][i], whole.lipids[0][j]
    ring = read_ligands(write_ligand(tmp_path / "ring.sdf", "c1ccccc1", at=np.zeros(3)))[0]
    topology = app.Topology()
    residue = topology.addResidue("LIG", topology.addChain())
    made = [topology.addAtom(e, app.Element.getBySymbol(e), residue) for e in ring.elements]
    for bond in ring.mol.GetBonds():
        topology.addBond(made[bond.GetBeginAtomIdx()], made[bond.GetEndAtomIdx()])
    normal = np.linalg.svd(ring.positions[:6])[2][2]
    threaded = ring.positions @ turned(normal, (b - a) / np.linalg.norm(b - a)).T + 0.5 * (a + b)
    assert len(growing.without_threads(whole, topology, threaded, LIPID).lipids) == len(whole.lipids) - 1
    image = threaded + SIDES * [1, -1, 2]
    assert len(growing.without_threads(whole, topology, image, LIPID).lipids) == len(whole.lipids) - 1
    away = threaded + np.array([0.0, 0.0, 3.5])
    assert len(growing.without_threads(whole, topology, away, LIPID).lipids) == len(whole.lipids)


def turned(a: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """The rotation that turns one unit vector onto another."""
    axis, cosine = np.cross(a, onto), float(a @ onto)
    cross = np.cross(np.eye(3), axis)
    return np.eye(3) - cross + cross @ cross / (1 + cosine)


def test_rings_are_found_once_and_without_the_larger_ones_that_they_make():
    topology = app.Topology()
    residue = topology.addResidue("IND", topology.addChain())
    atoms = [topology.addAtom(f"C{i}", app.element.carbon, residue) for i in range(9)]
    for i, j in [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 0), (4, 6), (6, 7), (7, 8), (8, 5)]:  # indane
        topology.addBond(atoms[i], atoms[j])
    assert {frozenset(ring) for ring in small_rings(topology, range(9))} == {
        frozenset({0, 1, 2, 3, 4, 5}),
        frozenset({4, 5, 6, 7, 8}),
    }


def test_the_middle_of_the_heads_goes_to_the_given_height():
    settings = MembraneSettings(lipid=LIPID, centre_z="12 A")
    pdb = growing._patch(LIPID)
    z = np.asarray(pdb.positions.value_in_unit(unit.nanometer))[:, 2]
    moved = z - 0.5 * (z.min() + z.max()) + growing._patch_centre(settings)  # as Modeller lays it
    heads = np.sort(moved[[atom.index for atom in pdb.topology.atoms() if atom.element is app.element.phosphorus]])
    assert 0.5 * (heads[:64].mean() + heads[64:].mean()) == pytest.approx(1.2, abs=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("solvent: {model: obc2}", "set solvent.model: tip3p"),
        ("solvent: {model: opc}", "set solvent.model: tip3p"),
        ("solvent: {model: tip3p}\nsampling: {pressure: null}", "sampling.pressure"),
        ("solvent: {model: tip3p}\nroad: umbrella", "not road: umbrella"),
        ("solvent: {model: tip3p}\nedges: {network: star}\nrestraint: {kind: flat-bottom}", "not edges"),
    ],
)
def test_what_does_not_go_with_a_bilayer_is_refused(text, words):
    with pytest.raises(ProtocolError, match=words):
        parse_protocol(f"receptor: {{file: a.pdb}}\nligands: {{file: b.sdf}}\nmembrane: {{lipid: POPC}}\n{text}")


def test_a_host_has_no_bilayer(host, guest, case, tmp_path):
    protocol, _, _ = case
    with pytest.raises(InputError, match="is a host"):
        prepare_leg(host, guest, LegKind.COMPLEX, protocol, tmp_path, fingerprint="f")


def test_a_membrane_without_a_receptor_is_refused():
    with pytest.raises(ProtocolError, match=r"give receptor\.file"):
        parse_protocol("ligands: {file: b.sdf}\nsolvent: {model: tip3p}\nmembrane: {lipid: POPC}\n")


def test_where_modeller_cannot_grow_a_bilayer_it_is_told(case, tmp_path, monkeypatch):
    protocol, receptor, _ = case
    monkeypatch.setattr(growing, "cache_folder", lambda: tmp_path)

    def fails(self, *args, **kwargs):
        raise mm.OpenMMException("Particle coordinate is NaN")

    monkeypatch.setattr(app.Modeller, "addMembrane", fails)
    monkeypatch.setattr(growing, "_grow", GROW)
    other = protocol.model_copy(update={"membrane": MembraneSettings(lipid=LIPID, padding="11 A")})
    with pytest.raises(InputError, match=r"no bilayer of DLPC.*membrane\.centre_z"):
        growing._kept(*_molecules(receptor, other), other)


def test_a_platform_that_is_not_here_is_told_before_anything_is_run(case, monkeypatch, tmp_path):
    protocol, receptor, _ = case
    monkeypatch.setattr(growing, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(growing, "_grow", GROW)
    compute = protocol.compute.model_copy(update={"platform": "HIP"})
    with pytest.raises(MissingDependency, match="HIP is not available"):
        growing.grow_bilayer(receptor, protocol.model_copy(update={"compute": compute}))


def _molecules(receptor, protocol):
    force_field, molecules = parametrise(receptor, None, protocol)
    return force_field, molecules.topology, replace(molecules).positions


@pytest.mark.heavy
def test_a_bilayer_that_is_grown_is_one_and_holds_for_500_steps(case, tmp_path, monkeypatch):
    # Modeller's own run about the helix, a minute or two of a core, and 2 ps of 24,000 atoms.
    protocol, receptor, ligand = case
    monkeypatch.setattr(growing, "_grow", GROW)
    monkeypatch.setattr(growing, "cache_folder", lambda: tmp_path)
    protocol = protocol.model_copy(update={"compute": protocol.compute.model_copy(update={"platform": "CPU"})})
    prepare_leg(receptor, ligand, LegKind.COMPLEX, protocol, tmp_path / "leg", fingerprint="f")
    leg = load_leg(tmp_path / "leg")
    heads = leg.positions[[atom.index for atom in leg.topology.atoms() if atom.name == "P"]]
    oxygens = leg.positions[[next(r.atoms()).index for r in residues(leg, "HOH")]]
    above = heads[:, 2] > 0
    assert heads[above, 2].mean() + heads[~above, 2].mean() == pytest.approx(0.0, abs=0.1)
    assert heads[above, 2].mean() - heads[~above, 2].mean() == pytest.approx(3.1, abs=0.3)
    assert above.sum() == (~above).sum() == pytest.approx(58, abs=3)
    area = (leg.box[0, 0] * leg.box[1, 1] - 1.5) / above.sum()  # a helix takes 1.5 nm^2
    assert 0.60 < area < 0.72
    assert (np.abs(oxygens[:, 2] - leg.box[2, 2] * np.round(oxygens[:, 2] / leg.box[2, 2])) < 0.5).sum() < 20
    integrator = mm.LangevinMiddleIntegrator(298.15, 1.0, 0.004)
    context = mm.Context(leg.system, integrator, mm.Platform.getPlatformByName("CPU"))
    context.setPeriodicBoxVectors(*leg.box)
    context.setPositions(leg.positions)
    mm.LocalEnergyMinimizer.minimize(context, 10.0, 100)
    context.setVelocitiesToTemperature(298.15, 1)
    integrator.step(500)
    state = context.getState(energy=True)
    degrees = 3 * leg.record.n_atoms - leg.system.getNumConstraints()
    assert 150 < 2 * state.getKineticEnergy()._value / (degrees * 8.314e-3) < 330
