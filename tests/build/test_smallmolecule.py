"""Parameters of small molecules are those of independent routes: the OpenFF toolkit, tleap, and AM1-BCC itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import openmm as mm
import pytest
from openmm import app, unit
from rdkit import Chem

from bindfe.build.ambertools import am1bcc_charges, find_program
from bindfe.build.forcefield import create_system, parametrise
from bindfe.build.gaff import parameter_file, read_frcmod
from bindfe.build.series import parametrise_series
from bindfe.build.smallmolecule import _nagl_charges, _openff_molecule, molecule_of
from bindfe.chem.intake import read_series
from bindfe.chem.ligand import Ligand, write_ligands
from bindfe.chem.receptor import read_receptor
from bindfe.chem.reference import reference_block
from bindfe.errors import InputError, MissingDependency
from bindfe.protocol import Protocol

_BIN = Path(sys.executable).parent
needs_ambertools = pytest.mark.skipif(
    not (_BIN / "antechamber").is_file() and shutil.which("antechamber") is None, reason="AmberTools is not installed"
)
needs_openff = pytest.mark.skipif(find_spec("openff") is None, reason="OpenFF is not installed")

DIVERSE = {
    "paracetamol": "CC(=O)Nc1ccc(O)cc1",
    "butylammonium": "CCCC[NH3+]",
    "sulfonamide": "CS(=O)(=O)Nc1ncccc1Cl",
    "thiophene-ester": "CCOC(=O)c1ccsc1",
    "nitrile-ether": "N#Cc1cc(F)cc(OC)c1",
    "phosphate": "COP(=O)([O-])OC",
    "alkene": "C/C=C/C#CBr",
    "benzamidinium": "NC(=[NH2+])c1ccccc1",
}


def _ligands(tmp_path: Path, **smiles: str) -> tuple[Ligand, ...]:
    path = tmp_path / "series.smi"
    path.write_text("".join(f"{text} {name}\n" for name, text in smiles.items()))
    return read_series(path).ligands


def _protocol(**forcefield: str) -> Protocol:
    return Protocol.model_validate(
        {"ligands": {"file": "x.sdf"}, "forcefield": forcefield, "solvent": {"model": "vacuum"}}
    )


def _terms(system: mm.System, positions: np.ndarray) -> dict[str, float]:
    """Energy of each kind of force [kJ/mol] on the Reference platform."""
    system = mm.XmlSerializer.clone(system)
    for group, force in enumerate(system.getForces()):
        force.setForceGroup(group)
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions)
    energies: dict[str, float] = {}
    for group, force in enumerate(system.getForces()):
        energy = context.getState(getEnergy=True, groups={group}).getPotentialEnergy()
        energies[force.getName()] = energies.get(force.getName(), 0.0) + energy.value_in_unit(unit.kilojoule_per_mole)
    return energies


def _strained(ligand: Ligand) -> np.ndarray:
    """Coordinates off every minimum [nm], so that each term counts."""
    return ligand.positions + np.random.default_rng(3).normal(0.0, 0.005, (ligand.n_atoms, 3))


def _ours(ligand: Ligand, protocol: Protocol) -> mm.System:
    force_field, assembly = parametrise(None, ligand, protocol)
    return create_system(force_field, assembly.topology, protocol)


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache of parameters."""
    monkeypatch.setenv("BINDFE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "parameters"


# against independent routes


@needs_openff
@pytest.mark.parametrize("name", ["paracetamol", "sulfonamide", "benzamidinium"])
def test_sage_energies_are_the_toolkits(tmp_path, cache, name):
    """bindfe goes through a residue template; the toolkit builds the System from the molecule itself."""
    from openff.toolkit import ForceField, Molecule
    from openff.units import unit as openff_unit

    (ligand,) = _ligands(tmp_path, **{name: DIVERSE[name]})
    ours = _terms(_ours(ligand, _protocol()), _strained(ligand))
    offmol = Molecule.from_rdkit(ligand.mol, hydrogens_are_explicit=True)
    charges = np.array(_nagl_charges(offmol))
    offmol.partial_charges = openff_unit.Quantity(charges, openff_unit.elementary_charge)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # from torch, which the toolkit inspects
        sage = ForceField("openff-2.3.0.offxml")
        system = sage.create_openmm_system(offmol.to_topology(), charge_from_molecules=[offmol])
    theirs = _terms(system, _strained(ligand))
    assert sum(ours.values()) == pytest.approx(sum(theirs.values()), abs=1e-4)


@needs_ambertools
@pytest.mark.parametrize("name", list(DIVERSE))
def test_gaff_energies_are_those_of_tleap(tmp_path, cache, name):
    """tleap looks the terms up by itself, in gaff-2.2.20.dat and in what parmchk2 adds to it."""
    (ligand,) = _ligands(tmp_path, **{name: DIVERSE[name]})
    protocol = _protocol(small_molecule="gaff-2.2.20", charges="file")
    charges = np.random.default_rng(1).normal(0.0, 0.3, ligand.n_atoms).round(6)
    ligand.mol.SetProp("atom.dprop.PartialCharge", " ".join(map(str, charges)))
    ours = _terms(_ours(ligand, protocol), _strained(ligand))
    theirs = _terms(_by_tleap(ligand, charges, tmp_path), _strained(ligand))
    for term in ("HarmonicBondForce", "HarmonicAngleForce", "PeriodicTorsionForce", "NonbondedForce"):
        assert ours[term] == pytest.approx(theirs[term], abs=1e-3, rel=1e-6), term


def _by_tleap(ligand: Ligand, charges: np.ndarray, place: Path) -> mm.System:
    (place / "in.mdl").write_text(reference_block(ligand.mol, name="x"))
    (place / "charges").write_text("\n".join(map(str, charges)))
    data = parameter_file("gaff-2.2.20")
    words = [
        f"antechamber -i in.mdl -fi mdl -o in.mol2 -fo mol2 -at gaff2 -c rc -cf charges -s 0 -dr no "
        f"-nc {ligand.formal_charge}",
        f"parmchk2 -i in.mol2 -f mol2 -p {data} -o in.frcmod -s 2",
        "tleap -f leap.in",
    ]
    (place / "leap.in").write_text(
        f"loadamberparams {data}\nloadamberparams in.frcmod\nm = loadmol2 in.mol2\n"
        "saveamberparm m out.prmtop out.inpcrd\nquit\n"
    )
    for line in words:
        program, *rest = line.split()
        subprocess.run([str(find_program(program)), *rest], cwd=place, check=True, capture_output=True)
    prmtop = app.AmberPrmtopFile(str(place / "out.prmtop"))
    return prmtop.createSystem(nonbondedMethod=app.NoCutoff, constraints=app.HBonds, removeCMMotion=False)


@needs_openff
@needs_ambertools
@pytest.mark.slow
@pytest.mark.parametrize("name", list(DIVERSE))
def test_nagl_is_within_two_hundredths_of_am1bcc(tmp_path, name):
    (ligand,) = _ligands(tmp_path, **{name: DIVERSE[name]})
    nagl = np.array(_nagl_charges(_openff_molecule(molecule_of(ligand))))
    am1bcc = np.array(am1bcc_charges(reference_block(ligand.mol, name=name), charge=ligand.formal_charge, name=name))
    assert np.sum(am1bcc) == pytest.approx(ligand.formal_charge, abs=1e-9)
    distance = float(np.sqrt(np.mean((nagl - am1bcc) ** 2)))
    assert distance < (0.03 if name == "sulfonamide" else 0.02)  # its acidic N-H: 0.026, in every conformer tried


@needs_ambertools
@pytest.mark.parametrize("solvent", ["vacuum", "tip3p"])
def test_gaff_molecules_stand_beside_each_other_and_beside_water(tmp_path, cache, solvent):
    """Far apart and without charges, host and guest have the energies that each has alone."""
    host, guest = _ligands(tmp_path, host="CCO", guest="CO")
    for ligand in (host, guest):
        ligand.mol.SetProp("atom.dprop.PartialCharge", " ".join(["0.0"] * ligand.n_atoms))
    guest.mol.GetConformer().SetPositions(10 * guest.positions + 500.0)
    write_ligands([host], tmp_path / "host.sdf")
    protocol = _protocol(small_molecule="gaff-2.2.20", charges="file")
    protocol = protocol.model_copy(update={"solvent": protocol.solvent.model_copy(update={"model": solvent})})
    force_field, assembly = parametrise(read_receptor(tmp_path / "host.sdf"), guest, protocol)
    both = force_field.createSystem(assembly.topology, nonbondedMethod=app.NoCutoff, constraints=app.HBonds)
    alone = [
        _terms(_ours(ligand, _protocol(small_molecule="gaff-2.2.20", charges="file")), ligand.positions)
        for ligand in (host, guest)
    ]
    total = sum(_terms(both, assembly.positions).values())
    assert total == pytest.approx(sum(sum(terms.values()) for terms in alone), abs=1e-2)


# AM1-BCC


@needs_ambertools
def test_am1bcc_gives_the_published_charges_of_methanol(tmp_path):
    """Jakalian, Jack, Bayly, J. Comput. Chem. 23, 1623 (2002): O -0.60, its H 0.40, C 0.12, H 0.03."""
    (ligand,) = _ligands(tmp_path, methanol="CO")
    charges = am1bcc_charges(reference_block(ligand.mol, name="x"), charge=0, name="methanol")
    assert charges == pytest.approx([0.116, -0.599, 0.029, 0.029, 0.029, 0.396], abs=0.01)


@needs_ambertools
def test_charges_do_not_depend_on_the_pose(tmp_path, cache):
    (ligand,) = _ligands(tmp_path, x="OCCO")
    moved = Chem.Mol(ligand.mol)
    moved.GetConformer().SetPositions(10 * _strained(ligand) + 3.0)
    assert reference_block(moved, name="x") == reference_block(ligand.mol, name="x")


@needs_ambertools
def test_a_charge_that_am1_cannot_have_is_an_error(tmp_path):
    (ligand,) = _ligands(tmp_path, x="CO")
    with pytest.raises(InputError, match=r"x: antechamber failed"):
        am1bcc_charges(reference_block(ligand.mol, name="x"), charge=1, name="x")


def test_a_missing_program_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingDependency, match=r"pip install 'bindfe\[ambertools\]'"):
        find_program("antechamber")


def test_a_term_without_parameters_is_named():
    text = "remark\nMASS\n\nDIHE\nc3-si-c3-hc   1    0.000         0.000           2.000      ATTN, need revision\n"
    with pytest.raises(InputError, match=r"x: GAFF has no parameters for 'c3-si-c3-hc'"):
        read_frcmod(text, name="x")


# a series


@needs_ambertools
def test_a_series_is_parametrised_once_for_each_molecule(tmp_path, cache):
    ligands = _ligands(tmp_path, one="CO", again="CO", two="CCO")
    protocol = _protocol(small_molecule="gaff-2.2.20", charges="am1bcc")
    told = []
    first = parametrise_series(ligands, protocol, workers=2, report=told.append)
    assert [result.cached for result in first] == [False, True, False]
    assert first[0].key == first[1].key
    assert sorted(result.ligand for result in told) == ["again", "one", "two"]
    assert len(list(cache.glob("*.ffxml"))) == 2
    assert [result.cached for result in parametrise_series(ligands, protocol)] == [True, True, True]


@needs_ambertools
def test_a_molecule_without_parameters_does_not_stop_the_others(tmp_path, cache):
    (good,) = _ligands(tmp_path, good="CO")
    good.mol.SetProp("atom.dprop.PartialCharge", "0.1 -0.6 0 0 0 0.5")
    (bare,) = _ligands(tmp_path, bare="CCO")
    results = parametrise_series((bare, good), _protocol(small_molecule="gaff-2.2.20", charges="file"))
    assert "gives 0 partial charges" in results[0].error
    assert results[1].error == ""
