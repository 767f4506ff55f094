"""Every system that is shipped: its files, its measured values with units and sources, its protocol, its structures."""

from __future__ import annotations

import csv
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import openmm as mm
import pytest
from rdkit import Chem
from rdkit.Chem import rdDetermineBonds, rdMolTransforms
from scipy.spatial.distance import cdist

from bindfe.build import load_leg, load_plain
from bindfe.build.forcefield import nonbonded_force, parametrise
from bindfe.build.protein import prepare_receptor
from bindfe.build.solvate import solvate
from bindfe.campaign.pipeline import open_run, prepare_run
from bindfe.chem.affinity import read_affinities
from bindfe.chem.ligand import Ligand, read_ligands
from bindfe.chem.pocket import cut_pocket
from bindfe.chem.pose import pose_rmsd
from bindfe.chem.receptor import read_receptor
from bindfe.protocol import load_protocol
from bindfe.protocol.read import parse_protocol
from bindfe.states import LegKind
from bindfe.store import Run

ROOT = Path(__file__).resolve().parents[2]
SYSTEMS = ROOT / "systems"

HOSTS = {"cb7": 7, "alpha-cyclodextrin": 3}
PROTEINS = {"t4-lysozyme-l99a": 16, "tyk2": 13, "hif2a": 37, "sars-cov-2-mpro": 4}
"""Systems with measured binding free energies, and how many."""
OTHERS = ("hydration", "pocket", "suzuki")
PUBLIC = ("tyk2", "hif2a", "sars-cov-2-mpro")
"""Systems whose protein comes through `bindfe fetch` or BINDFE_DATA."""
IN_FILES = ("cb7", "t4-lysozyme-l99a", "sars-cov-2-mpro")


def _ligands_of(name: str) -> tuple[Ligand, ...]:
    return read_ligands(SYSTEMS / name / ("guests.sdf" if name == "cb7" else "ligands.sdf"))


def _smiles(text: str) -> str:
    return str(Chem.MolToSmiles(Chem.MolFromSmiles(text)))


def test_every_system_is_known_here_and_explained():
    assert {path.name for path in SYSTEMS.iterdir() if path.is_dir()} == {*HOSTS, *PROTEINS, *OTHERS}
    for path in SYSTEMS.iterdir():
        assert (path / "README.md").read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize(("name", "number"), [*HOSTS.items(), *PROTEINS.items()])
def test_measured_values_have_a_unit_a_temperature_an_assay_and_a_source(name, number):
    affinities = read_affinities(SYSTEMS / name / "affinities.csv")
    assert len(affinities) == number
    for affinity in affinities:
        assert -20.0 < affinity.delta_g_kcal_mol < -2.0
        assert 0.0 < affinity.standard_error_kcal_mol < 1.0
        assert 298.0 <= affinity.temperature <= 302.0
        assert affinity.assay
        assert affinity.source.startswith(("doi:", "github.com/"))
    readme = (SYSTEMS / name / "README.md").read_text(encoding="utf-8")
    assert all(affinity.source.removeprefix("doi:") in readme for affinity in affinities)


@pytest.mark.parametrize("name", IN_FILES)
def test_shipped_ligands_are_those_that_were_measured(name):
    ligands = {ligand.name: ligand for ligand in _ligands_of(name)}
    assert set(ligands) == {affinity.ligand for affinity in read_affinities(SYSTEMS / name / "affinities.csv")}
    with (SYSTEMS / name / "affinities.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if "smiles" in row:
                assert _smiles(row["smiles"]) == _smiles(ligands[row["ligand"]].smiles)


def test_lysozymes_nonbinders_are_other_molecules_without_a_value():
    with (SYSTEMS / "t4-lysozyme-l99a" / "nonbinders.csv").open(encoding="utf-8", newline="") as file:
        table = {row["ligand"]: _smiles(row["smiles"]) for row in csv.DictReader(file)}
    placed = read_ligands(SYSTEMS / "t4-lysozyme-l99a" / "nonbinders.sdf")
    assert {ligand.name: _smiles(ligand.smiles) for ligand in placed} == table
    assert not set(table) & {ligand.name for ligand in _ligands_of("t4-lysozyme-l99a")}


def test_lysozymes_ligands_lie_where_p_xylene_does():
    """The ring of each is within 1 A of p-xylene's in the package's own complex."""
    import openmmtools  # noqa: F401

    data = Path(sys.modules["openmmtools"].__file__).parent / "data" / "T4-lysozyme-L99A-implicit"
    (xylene,) = read_ligands(data / "ligand.tripos.mol2")
    protein = read_receptor(data / "receptor.pdb").structure.atoms
    heavy = np.array([atom.position for atom in protein if atom.element != "H"])
    centre = _ring(xylene)
    for ligand in _ligands_of("t4-lysozyme-l99a"):
        assert np.linalg.norm(_ring(ligand) - centre) < 0.1, ligand.name
        mine = ligand.positions[[element != "H" for element in ligand.elements]]
        assert cdist(mine, heavy).min() > 0.24, ligand.name


def _ring(ligand: Ligand) -> np.ndarray:
    ring = next(ring for ring in ligand.mol.GetRingInfo().AtomRings() if len(ring) == 6)
    return ligand.positions[list(ring)].mean(axis=0)


# Protocols


@pytest.mark.parametrize("path", sorted(SYSTEMS.glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_protocol_of_a_system_is_valid(path):
    protocol = parse_protocol(path.read_text(encoding="utf-8"), source=str(path))
    assert protocol.repeats.number >= 2
    for kind in protocol.leg_kinds:
        assert protocol.schedule_of(kind).n_states >= 10
    affinities = read_affinities(path.parent / "affinities.csv")
    assert abs(protocol.sampling.temperature - affinities[0].temperature) < 0.2


def test_every_measured_protein_and_cb7_has_a_protocol():
    assert {path.parent.name for path in SYSTEMS.glob("*/protocol.yaml")} == {*PROTEINS, "cb7"}


@pytest.mark.parametrize("name", [*HOSTS, *PROTEINS, "hydration", "suzuki"])
def test_the_page_of_a_system_names_a_protocol_that_takes_its_files(name):
    page = (SYSTEMS / name / "README.md").read_text(encoding="utf-8")
    own = [path for path in (SYSTEMS / name).glob("*.yaml") if f"`{path.name}`" in page]
    shared = [path for path in (ROOT / "protocols").glob("*.yaml") if f"`protocols/{path.name}`" in page]
    assert own or any(f"systems/{name}/" in path.read_text(encoding="utf-8") for path in shared)


@pytest.mark.data
@pytest.mark.parametrize("name", PUBLIC)
def test_a_protocol_of_a_public_system_finds_its_files_and_its_ligands_are_the_measured_ones(name):
    protocol = load_protocol(SYSTEMS / name / "protocol.yaml")
    receptor = read_receptor(protocol.receptor.file)
    ligands = read_ligands(protocol.ligands.file)
    assert {ligand.name for ligand in ligands} == {
        affinity.ligand for affinity in read_affinities(protocol.ligands.measured)
    }
    left = [atom for atom in receptor.structure.atoms if atom.residue not in protocol.receptor.drop]
    heavy = np.array([atom.position for atom in left if atom.element != "H"])
    for ligand in ligands:
        mine = ligand.positions[[element != "H" for element in ligand.elements]]
        distance = cdist(mine, heavy)
        assert distance.min() > 0.2, ligand.name
        assert (distance.min(axis=1) < 0.5).mean() > 0.7, ligand.name


@pytest.mark.data
@pytest.mark.parametrize("name", ["tyk2", "hif2a"])
def test_values_are_the_compilations_inhibition_constants(name, data_directory):
    """RT ln K from the compilation's text, read without its parser [kcal/mol]."""
    text = (data_directory / "plb" / name / "00_data" / "ligands.yml").read_text()
    units = {"uM": 1e-6, "nM": 1e-9}
    values = {}
    for entry in text.split("\nlig_"):
        lines = dict(line.strip().split(": ", 1) for line in entry.splitlines() if ": " in line)
        values[lines["name"]] = 0.0019872043 * 298.15 * np.log(float(lines["value"]) * units[lines["unit"]])
    for affinity in read_affinities(SYSTEMS / name / "affinities.csv"):
        assert affinity.delta_g_kcal_mol == pytest.approx(values[affinity.ligand], abs=2e-3)


@pytest.mark.data
def test_the_catalytic_pair_is_near_enough_for_the_proton_that_the_protocol_leaves_free(data_directory):
    atoms = read_receptor(data_directory / "mpro" / "asapdiscovery" / "sars_cov_2_mpro.pdb").structure.atoms
    place = {(atom.chain, atom.number, atom.name): np.array(atom.position) for atom in atoms}
    for chain in "AB":
        assert 0.32 < np.linalg.norm(place[chain, 41, "NE2"] - place[chain, 145, "SG"]) < 0.40


# Builds

BUILDS = {
    "cb7": (SYSTEMS / "cb7" / "protocol.yaml", "b2"),
    "alpha-cyclodextrin": (ROOT / "protocols" / "alpha-cyclodextrin.yaml", "cyclopentanol"),
    "hydration": (ROOT / "protocols" / "hydration.yaml", "ethylparaben"),
    "t4-lysozyme-l99a": (SYSTEMS / "t4-lysozyme-l99a" / "protocol.yaml", "benzene"),
    "tyk2": (SYSTEMS / "tyk2" / "protocol.yaml", "lig_ejm_31"),
    "hif2a": (SYSTEMS / "hif2a" / "protocol.yaml", "lig_1"),
    "sars-cov-2-mpro": (SYSTEMS / "sars-cov-2-mpro" / "protocol.yaml", "ADA-UCB-6c2cb422-1"),
}
"""A protocol of each system with molecules, and the ligand that is built; pocket is a formula (tests/build)."""
ENDS = {LegKind.COMPLEX: "bound", LegKind.SOLVENT: "free", LegKind.VACUUM: "gas", LegKind.TRANSFER: "bound"}
_MARKS = {name: [pytest.mark.heavy, pytest.mark.data] if name in PUBLIC else [pytest.mark.slow] for name in PROTEINS}


@pytest.mark.parametrize("name", [pytest.param(name, marks=_MARKS.get(name, [])) for name in BUILDS])
def test_the_legs_of_a_systems_ligand_are_built_by_its_protocol(name, tmp_path):
    """As `bindfe prepare` does, but without the short run that anchors are chosen from."""
    path, ligand = BUILDS[name]
    protocol = load_protocol(path)
    updates = {"ligands": protocol.ligands.model_copy(update={"names": (ligand,)})}
    if name in PROTEINS:
        updates["restraint"] = protocol.restraint.model_copy(update={"watch_time": 0.0})
    if name == "t4-lysozyme-l99a":  # a checkout has no receptor.pdb before build.py has run
        data = Path(find_spec("openmmtools").origin).parent / "data" / "T4-lysozyme-L99A-implicit"
        updates["receptor"] = protocol.receptor.model_copy(update={"file": str(data / "receptor.pdb")})
    run = Run(root=tmp_path / "run")
    protocol = open_run(run, protocol.model_copy(update=updates))
    assert prepare_run(run, protocol) == ((ligand,), {})
    (molecule,) = read_ligands(protocol.ligands.file, names=(ligand,))
    for kind in protocol.leg_kinds:
        leg, plain = load_leg(run.prepared(ligand, kind)), load_plain(run.prepared(ligand, kind), ENDS[kind])
        assert len(leg.record.parameters) == protocol.schedule_of(kind).n_states
        assert len(leg.record.ligand_atoms) == molecule.n_atoms
        assert (leg.record.restraint is None) == (kind in (LegKind.SOLVENT, LegKind.VACUUM))
        charge = _charge(plain.system)
        assert charge == pytest.approx(0 if leg.box is not None else molecule.formal_charge, abs=5e-3)


def _charge(system):
    force = nonbonded_force(system)
    return sum(force.getParticleParameters(i)[0]._value for i in range(force.getNumParticles()))


PAIRS = (("HID", "CYS"), ("HIP", "CYM"))
"""States of His41 and Cys145: neutral, and ions."""


def _pairs(receptor, protocol, *, chain):
    """Prepared receptor and System in the gas phase with each pair of states of His41 and Cys145."""
    vacuum = protocol.solvent.model_copy(update={"model": "vacuum"})
    place = {(a.residue, a.number): a.label for a in receptor.structure.atoms if a.chain == chain or not chain}
    for histidine, cysteine in PAIRS:
        states = (f"{place['HIS', 41]}={histidine}", f"{place['CYS', 145]}={cysteine}")
        settings = protocol.receptor.model_copy(update={"states": states})
        here = protocol.model_copy(update={"receptor": settings, "solvent": vacuum})
        prepared = prepare_receptor(receptor, here)
        yield prepared, *solvate(*parametrise(prepared.receptor, None, here), here)


@pytest.mark.data
@pytest.mark.parametrize("whole", [False, pytest.param(True, marks=pytest.mark.heavy)], ids=["pocket", "dimer"])
def test_the_proteases_pair_is_built_neutral_and_as_ions(whole):
    """Atoms and charge are the same, as a proton has moved; the energies are finite after a few steps downhill."""
    protocol = load_protocol(SYSTEMS / "sars-cov-2-mpro" / "protocol.yaml")
    receptor = read_receptor(protocol.receptor.file)
    if not whole:
        receptor = cut_pocket(receptor, _ligands_of("sars-cov-2-mpro")[:1], radius_nm=0.6)
    (neutral, system, _), (ionic, ions, assembly) = _pairs(receptor, protocol, chain="A" if whole else "")
    assert ions.getNumParticles() == system.getNumParticles()
    assert _charge(ions) == pytest.approx(_charge(system), abs=1e-3)
    (told,) = [finding.message for finding in ionic.findings if finding.check == "protein-thiolates"]
    assert told.endswith(":CYS145 CYM: a thiolate, no proton on its sulfur (charge -1)")
    assert any(":HIS41 HIP" in f.message for f in ionic.findings if f.check == "protein-histidines")
    assert not [finding for finding in neutral.findings if finding.check == "protein-thiolates"]
    context = mm.Context(ions, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("CPU"))
    context.setPositions(assembly.positions)
    mm.LocalEnergyMinimizer.minimize(context, 10.0, 10)
    assert np.isfinite(context.getState(energy=True).getPotentialEnergy()._value)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        pytest.param("t4-lysozyme-l99a", ("receptor.pdb", "ligands.sdf", "nonbinders.sdf"), marks=pytest.mark.heavy),
        pytest.param("sars-cov-2-mpro", ("ligands.sdf",), marks=[pytest.mark.slow, pytest.mark.data]),
        pytest.param("suzuki", ("species.sdf", "energies.csv"), marks=pytest.mark.slow),
    ],
)
def test_a_script_builds_what_is_shipped(name, made, tmp_path):
    subprocess.run([sys.executable, SYSTEMS / name / "build.py", tmp_path], check=True, cwd=ROOT)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(made)
    for file in made:
        if file in ("ligands.sdf", "nonbinders.sdf"):
            kept = {ligand.name: ligand for ligand in read_ligands(SYSTEMS / name / file)}
            for ligand in read_ligands(tmp_path / file):
                shipped = kept.pop(ligand.name)
                assert ligand.smiles == shipped.smiles
                assert pose_rmsd(ligand.mol, shipped.mol) < 0.5  # A; the same RDKit gives the same file
            assert not kept
        if file == "receptor.pdb":
            residues = {atom.label for atom in read_receptor(tmp_path / file).structure.atoms}
            assert len(residues) == 162
            assert ":ALA99" in residues  # leucine in the wild type
        if file == "energies.csv":
            assert _species(tmp_path / file) == pytest.approx(_species(), abs=0.2)


# The cycle


def _species(path: Path = SYSTEMS / "suzuki" / "energies.csv") -> dict[str, float]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["species"]: float(row["gfn2_energy_kcal_mol"]) for row in csv.DictReader(file)}


def test_the_species_of_the_cycle_are_complete_and_their_planes_and_lines_are_kept():
    from bindfe.chem.metal import METALS

    mols = list(Chem.SDMolSupplier(str(SYSTEMS / "suzuki" / "species.sdf"), removeHs=False))
    with (SYSTEMS / "suzuki" / "species.csv").open(encoding="utf-8", newline="") as file:
        table = {row["species"]: row["smiles"] for row in csv.DictReader(file)}
    assert [mol.GetProp("_Name") for mol in mols] == list(table)
    assert set(_species()) == set(table)
    for mol in mols:
        metals = [atom for atom in mol.GetAtoms() if atom.GetSymbol() in METALS]
        for metal in metals:
            x = np.asarray(mol.GetConformer().GetPositions())
            arms = x[[atom.GetIdx() for atom in metal.GetNeighbors()]] - x[metal.GetIdx()]
            arms /= np.linalg.norm(arms, axis=1)[:, None]
            cosines = np.sort((arms @ arms.T)[np.triu_indices(len(arms), 1)])
            assert np.all(cosines[: len(arms) // 2] < np.cos(np.radians(150)))
            assert np.abs(np.linalg.svd(arms)[1][-1]) < 0.6 or len(arms) == 2


@pytest.mark.data
def test_energies_are_those_of_an_independent_optimisation_or_below(data_directory):
    """ASE's optimiser, from other starts [kcal/mol]; of phenylboronic acid it has another conformer, see below."""
    ase_io = pytest.importorskip("ase.io")
    path = data_directory / "suzuki_pd" / "suzuki_cycle_gfn2.extxyz"
    known = {a.info["name"]: a.info["gfn2_energy_eV"] * 23.0605478 for a in ase_io.read(path, ":")}
    pairs = {
        "Pd0-L2": "1_Pd0_L2",
        "PhBr": "2_PhBr",
        "cis-Ph-Br": "3_PdII_cis_L2_Ph_Br",
        "trans-Ph-Br": "4_PdII_trans_L2_Ph_Br",
        "trans-Ph-OH": "5_PdII_trans_L2_Ph_OH",
        "PhBOH2": "6_PhB(OH)2",
        "cis-Ph-Ph": "7_PdII_cis_L2_Ph2",
        "biphenyl": "8_biphenyl",
        "BOH3": "9_B(OH)3",
        "PH3": "10_PH3",
    }
    found = _species()
    for ours, theirs in pairs.items():
        assert found[ours] < known[theirs] + 0.1, ours
        assert found[ours] > known[theirs] - (6.0 if ours == "PhBOH2" else 0.5), ours


def _torsions_of_hydroxyls(mol: Chem.Mol, x: np.ndarray) -> list[float]:
    """C-B-O-H of phenylboronic acid [deg], 0 to 180: 0 is a hydrogen that points to the ring."""
    (match, *rest) = mol.GetSubstructMatches(Chem.MolFromSmarts("c-B-O-[H]"))
    conformer = Chem.Conformer(mol.GetNumAtoms())
    conformer.SetPositions(x)
    return sorted(abs(rdMolTransforms.GetDihedralDeg(conformer, *each)) for each in (match, *rest))


@pytest.mark.data
def test_phenylboronic_acid_is_another_conformer_than_the_references_which_is_a_minimum_too(data_directory):
    """The reference points both hydrogens at a ring that is turned by 90 deg: 5.6 kcal/mol above what is shipped.

    Started there, the minimum is the reference's to 0.1 kcal/mol, so that the two relaxations agree.
    """
    ase_io = pytest.importorskip("ase.io")
    pytest.importorskip("tblite")
    from bindfe.build.metal import relaxed_positions
    from bindfe.mlip.gfn import GfnCommittee

    (known,) = (
        atoms
        for atoms in ase_io.read(data_directory / "suzuki_pd" / "suzuki_cycle_gfn2.extxyz", ":")
        if atoms.info["name"] == "6_PhB(OH)2"
    )
    (shipped,) = (
        mol
        for mol in Chem.SDMolSupplier(str(SYSTEMS / "suzuki" / "species.sdf"), removeHs=False)
        if mol.GetProp("_Name") == "PhBOH2"
    )
    theirs = Chem.MolFromXYZBlock(
        f"{len(known)}\n\n"
        + "\n".join(
            f"{symbol} {x} {y} {z}"
            for symbol, (x, y, z) in zip(known.get_chemical_symbols(), known.positions, strict=True)
        )
    )
    rdDetermineBonds.DetermineBonds(theirs)
    assert _torsions_of_hydroxyls(theirs, known.positions) == pytest.approx([0.0, 0.0], abs=3.0)
    ours = np.asarray(shipped.GetConformer().GetPositions())
    assert _torsions_of_hydroxyls(shipped, ours) == pytest.approx([0.0, 180.0], abs=3.0)
    start = 0.1 * known.positions
    committee = GfnCommittee("gfn2", numbers=known.numbers.tolist(), reference=start)
    relaxed = relaxed_positions(committee, start, name="PhB(OH)2")
    reference = known.info["gfn2_energy_eV"] * 96.48533212
    assert committee.energies(relaxed[None])[0, 0] == pytest.approx(reference, abs=0.4)
    assert _torsions_of_hydroxyls(theirs, 10.0 * relaxed) == pytest.approx([0.0, 0.0], abs=3.0)
    assert _species()["PhBOH2"] - reference / 4.184 == pytest.approx(-5.64, abs=0.1)
