"""T4 lysozyme L99A with benzene in a box of water: openmmtools' structure, our force fields."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from rdkit import Chem

from bindfe.build import load_leg, load_plain, prepare_leg
from bindfe.build.protein import prepare_receptor
from bindfe.chem.ligand import read_ligands
from bindfe.chem.receptor import read_receptor
from bindfe.states import LegKind

pytestmark = pytest.mark.slow

RING = ("C1", "C2", "C5", "C7", "C6", "C3")  # of p-xylene in openmmtools' ligand.pdb
SETTINGS = """
restraint: {kind: boresch, watch_time: 0 ps}
solvent: {model: tip3p, padding: 10 A, cutoff: 8 A, box_shape: cube, ionic_strength: 0 M, dispersion_correction: false}
"""


@pytest.fixture(scope="module")
def data():
    spec = find_spec("openmmtools")
    return Path(spec.submodule_search_locations[0]) / "data" / "T4-lysozyme-L99A-implicit"


@pytest.fixture(scope="module")
def benzene(data, tmp_path_factory):
    """Benzene on the ring of p-xylene."""
    rows = [row for row in (data / "ligand.pdb").read_text().splitlines() if row.startswith("ATOM")]
    xylene = {row[12:16].strip(): np.array([float(row[k : k + 8]) for k in (30, 38, 46)]) for row in rows}
    ring = np.array([xylene[name] for name in RING])
    out = ring - ring.mean(axis=0)
    hydrogens = ring + 1.09 * out / np.linalg.norm(out, axis=1, keepdims=True)
    mol = Chem.AddHs(Chem.MolFromSmiles("c1ccccc1"))
    conformer = Chem.Conformer(12)
    for index, point in enumerate(np.vstack([ring, hydrogens])):
        conformer.SetAtomPosition(index, point.tolist())
    mol.AddConformer(conformer)
    mol.SetProp("_Name", "benzene")
    path = tmp_path_factory.mktemp("benzene") / "benzene.sdf"
    with Chem.SDWriter(str(path)) as writer:
        writer.write(mol)
    return read_ligands(path)[0]


def test_the_alchemical_complex_is_the_plain_one_at_its_interacting_end(data, benzene, protocol, evaluate, tmp_path):
    settings = protocol(SETTINGS)
    receptor = prepare_receptor(read_receptor(data / "receptor.pdb"), settings).receptor
    record = prepare_leg(receptor, benzene, LegKind.COMPLEX, settings, tmp_path, fingerprint="f")
    leg, plain = load_leg(tmp_path), load_plain(tmp_path, "bound")
    assert len(record.receptor_atoms) == 2603
    names = {atom.index: atom.name for atom in leg.topology.atoms()}
    assert {names[i] for i in record.restraint.receptor_atoms} <= {"N", "CA", "C"}
    ours = evaluate(leg.system, leg.positions, record.parameters[record.start_state], box=leg.box)
    theirs = evaluate(plain.system, plain.positions, box=plain.box)
    assert ours.energy == pytest.approx(theirs.energy, abs=1e-4)
