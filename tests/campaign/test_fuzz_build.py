"""Whatever is in a file that can be read, building from it gives a clear error or right legs, each within a minute.

The mistakes are those that readers let through: a moved, lost or exchanged atom, another bond, a residue renamed, a
setting of another size. 50 builds behind the marker ``slow``; what they once broke stands below them as quick tests.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import openmm as mm
import pytest
from rdkit import Chem

from bindfe.build import load_leg, load_plain
from bindfe.campaign.pipeline import open_run, prepare_run
from bindfe.chem.ligand import read_ligands
from bindfe.chem.receptor import read_receptor
from bindfe.errors import BindfeError, InputError
from bindfe.protocol import Protocol, load_protocol
from bindfe.states import LegKind
from bindfe.store import Run
from tests.build.peptides import outside, peptide, write_ligand
from tests.chem.test_fuzz import mutate

LONGEST = 60.0  # s
CB7 = Path(__file__).resolve().parents[2] / "systems" / "cb7"
ENDS = {LegKind.COMPLEX: "bound", LegKind.SOLVENT: "free", LegKind.VACUUM: "gas", LegKind.TRANSFER: "bound"}

HOST = """
name: fuzz
receptor: {file: host.sdf}
ligands: {file: ligand.sdf}
solvent: {model: obc2}
alchemy: {method: transfer}
restraint: {kind: harmonic, spring: 5 kcal/mol/A^2}
sampling: {time_step: 4 fs}
compute: {platform: CPU, workers: 1}
"""
HYDRATION = """
name: fuzz
ligands: {file: ligand.sdf}
solvent: {model: vacuum}
compute: {platform: CPU, workers: 1}
"""
PROTEIN = """
name: fuzz
receptor: {file: protein.pdb, gaps: cap, protonation: propka}
ligands: {file: ligand.sdf}
solvent: {model: obc2}
restraint: {kind: flat-bottom, flat_radius: 8 A, spring: 1 kcal/mol/A^2}
compute: {platform: CPU, workers: 1}
"""
BOX = """
name: fuzz
ligands: {file: ligand.sdf}
forcefield: {hydrogen_mass: 3 amu}
solvent: {model: tip3p, padding: 14 A, cutoff: 7 A, box_shape: cube, ionic_strength: 0.15 M}
sampling: {temperature: 300 K, pressure: 1 bar, time_step: 4 fs}
compute: {platform: CPU, workers: 1}
"""


# mistakes that can be read


def mutate_molecule(text: str, rng: random.Random) -> str:
    """An SDF record with one or two mistakes that RDKit may accept."""
    for _ in range(rng.choice((1, 1, 2))):
        mol = Chem.RWMol(Chem.MolFromMolBlock(text, removeHs=False, sanitize=False))
        rng.choice(_AT_A_MOLECULE)(mol, rng)
        text = Chem.MolToMolBlock(mol, kekulize=False)
    return text + "$$$$\n"


def _exchange(mol: Chem.RWMol, rng: random.Random) -> None:
    rng.choice(list(mol.GetAtoms())).SetAtomicNum(rng.choice((1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 35, 46, 53)))


def _charge(mol: Chem.RWMol, rng: random.Random) -> None:
    rng.choice(list(mol.GetAtoms())).SetFormalCharge(rng.choice((-2, -1, 1, 2)))


def _lose(mol: Chem.RWMol, rng: random.Random) -> None:
    mol.RemoveAtom(rng.randrange(mol.GetNumAtoms()))


def _bond(mol: Chem.RWMol, rng: random.Random) -> None:
    kinds = (Chem.BondType.SINGLE, Chem.BondType.DOUBLE, Chem.BondType.TRIPLE, Chem.BondType.AROMATIC)
    rng.choice(list(mol.GetBonds())).SetBondType(rng.choice(kinds))


def _cut(mol: Chem.RWMol, rng: random.Random) -> None:
    bond = rng.choice(list(mol.GetBonds()))
    mol.RemoveBond(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())


def _move(mol: Chem.RWMol, rng: random.Random) -> None:
    x = mol.GetConformer().GetPositions()
    x[rng.randrange(len(x))] += [rng.choice((0.0, 0.5, -3.0, 40.0)) for _ in range(3)]
    mol.GetConformer().SetPositions(x)


def _move_all(mol: Chem.RWMol, rng: random.Random) -> None:
    x = mol.GetConformer().GetPositions()
    way = rng.randrange(4)
    mol.GetConformer().SetPositions([x + rng.choice((1.0, 4.0, 30.0)), -x, 0.1 * x, x[::-1].copy()][way])


def _put_together(mol: Chem.RWMol, rng: random.Random) -> None:
    x = mol.GetConformer().GetPositions()
    a, b = rng.sample(range(len(x)), 2)
    x[a] = x[b]
    mol.GetConformer().SetPositions(x)


_AT_A_MOLECULE = (_exchange, _exchange, _charge, _lose, _lose, _bond, _cut, _move, _move_all, _put_together)


def mutate_protein(text: str, rng: random.Random) -> str:
    """A PDB file with one or two mistakes in its residues."""
    for _ in range(rng.choice((1, 1, 2))):
        text = rng.choice(_AT_A_PROTEIN)(text, rng)
    return text


def _rows(text: str) -> list[str]:
    return [row for row in text.splitlines() if row.startswith(("ATOM", "HETATM"))]


def _lose_rows(text: str, rng: random.Random) -> str:
    rows = _rows(text)
    at = rng.randrange(len(rows))
    del rows[at : at + rng.choice((1, 3, 12))]
    return "\n".join(rows) + "\n"


_NAMES = "GLY ALA SER CYS CYX HIP ASH LYN PRO TRP MSE SEP TPO NME ACE HOH UNK XYZ DAL"
RESIDUES = (*re.findall(r"\w+", _NAMES), "NA", "ZN")


def _rename(text: str, rng: random.Random) -> str:
    number = rng.choice(sorted({row[22:26] for row in _rows(text)}))
    name = f"{rng.choice(RESIDUES):>3s}"
    return "\n".join(row[:17] + name + row[20:] if row[22:26] == number else row for row in _rows(text)) + "\n"


def _renumber(text: str, rng: random.Random) -> str:
    rows, at = _rows(text), rng.randrange(len(_rows(text)))
    other = rng.choice((f"{rng.randrange(1, 8):4d} ", "  99 ", "   2A", "  -5 "))
    return "\n".join(row[:22] + other + row[27:] if k >= at else row for k, row in enumerate(rows)) + "\n"


def _rechain(text: str, rng: random.Random) -> str:
    rows, at = _rows(text), rng.randrange(len(_rows(text)))
    return "\n".join(row[:21] + rng.choice("AB ") + row[22:] if k >= at else row for k, row in enumerate(rows)) + "\n"


def _shift(text: str, rng: random.Random) -> str:
    rows, at = _rows(text), rng.randrange(len(_rows(text)))
    by, n = rng.choice((0.5, 3.0, 60.0)), rng.choice((1, 5, 500))
    moved = [f"{row[:30]}{float(row[30:38]) + by:8.3f}{row[38:]}" for row in rows[at : at + n]]
    return "\n".join([*rows[:at], *moved, *rows[at + n :]]) + "\n"


def _atom(text: str, rng: random.Random) -> str:
    rows, at = _rows(text), rng.randrange(len(_rows(text)))
    name = rng.choice((" CX ", " OXT", " SG ", " N  ", " H1 ", "ZN  "))
    rows[at] = rows[at][:12] + name + rows[at][16:76] + f"{name.strip()[0]:>2s}" + rows[at][78:]
    return "\n".join(rows) + "\n"


def _alternate(text: str, rng: random.Random) -> str:
    rows, at = _rows(text), rng.randrange(len(_rows(text)))
    first, second = (rows[at][:16] + letter + rows[at][17:] for letter in "AB")
    return "\n".join([*rows[:at], first, second, *rows[at + 1 :]]) + "\n"


def _beside(text: str, rng: random.Random) -> str:
    x, y, z = (float(_rows(text)[0][k : k + 8]) for k in (30, 38, 46))
    far = rng.choice((0.0, 2.5, 9.0))
    name, residue, element = rng.choice(
        ((" O  ", "HOH", "O"), ("ZN  ", " ZN", "ZN"), ("NA  ", " NA", "NA"), (" C1 ", "GOL", "C"), (" S  ", "SO4", "S"))
    )
    row = f"HETATM 9000 {name} {residue} A 900    {x - far:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {element:>2s}"
    return text.replace("END", "").rstrip() + f"\n{row}\nEND\n"


def _twice(text: str, rng: random.Random) -> str:
    return text.replace("END", "") + "TER\n" + _shift(text, rng)


_AT_A_PROTEIN = (
    _lose_rows,
    _lose_rows,
    _rename,
    _rename,
    _renumber,
    _rechain,
    _shift,
    _atom,
    _alternate,
    _beside,
    _twice,
)


def mutate_settings(text: str, rng: random.Random) -> str:
    """A protocol with one or two settings that are valid words or numbers, and wrong."""
    for _ in range(rng.choice((1, 2))):
        text = rng.choice((_number, _number, _choice, _choice))(text, rng)
    return text


def _number(text: str, rng: random.Random) -> str:
    found = list(re.finditer(r"(?<=: )-?\d+\.?\d*(?= )", text))
    match = rng.choice(found)
    factor = rng.choice((0.0, 0.01, 0.2, 2.0, 100.0, 1e6))
    return f"{text[: match.start()]}{float(match.group()) * factor:g}{text[match.end() :]}"


_CHOICES = {
    "model": ("obc2", "gbn2", "vacuum", "tip4pew, padding: 10 A, cutoff: 6 A", "opc, padding: 500 A"),
    "method": ("transfer", "decouple", "decouple, softcore_alpha: 0"),
    "kind": ("harmonic", "flat-bottom", "axial", "boresch, watch_time: 0 ps", "boresch, receptor_atoms: [0, 1, 2]"),
    "platform": ("Reference", "CPU", "CUDA"),
    "box_shape": ("cube", "octahedron"),
    "file": ("host.sdf", "ligand.sdf", "protein.pdb", "none.sdf"),
    "protonation": ("given", "auto"),
    "gaps": ("build", "refuse"),
}


def _choice(text: str, rng: random.Random) -> str:
    found = [match for match in re.finditer(r"(\w+): ([\w.-]+)(?=[,}])", text) if match.group(1) in _CHOICES]
    match = rng.choice(found)
    return text[: match.start(2)] + rng.choice(_CHOICES[match.group(1)]) + text[match.end(2) :]


# what must hold


@dataclass
class Tally:
    """What came of the inputs that could be read."""

    refused: dict[str, str] = field(default_factory=dict)
    built: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0


def build(directory: Path) -> tuple[tuple[str, ...], dict[str, BindfeError], Protocol]:
    """`bindfe prepare` in this process."""
    protocol = load_protocol(directory / "protocol.yaml")
    run = Run(root=directory / "run")
    protocol = open_run(run, protocol)
    names, failures = prepare_run(run, protocol)
    return names, failures, protocol


def check_leg(directory: Path, kind: LegKind, *, tail: bool) -> None:
    """Finite, as many atoms as the molecule has, its charge, and the alchemical end is the plain System."""
    leg, plain = load_leg(directory), load_plain(directory, ENDS[kind])
    assert np.all(np.isfinite(leg.positions))
    (ligand,) = (each for each in read_ligands(directory.parents[3] / "ligand.sdf") if each.name == leg.record.ligand)
    elements = [atom.element.symbol for atom in leg.topology.atoms()]
    assert tuple(elements[i] for i in leg.record.ligand_atoms) == ligand.elements
    assert plain.ligand_charge == ligand.formal_charge
    if tail:  # openmmtools leaves it out of the alchemical System
        return
    x = relaxed(plain.system, leg.positions, leg.box)  # a transfer's energy is softened where molecules overlap
    ours = energy(leg.system, x, leg.record.parameters[leg.record.start_state], leg.box)
    theirs = energy(plain.system, x, {}, plain.box)
    assert np.isfinite(ours)
    assert ours == pytest.approx(theirs, abs=1e-4, rel=1e-9)


def relaxed(system: mm.System, positions: np.ndarray, box: np.ndarray | None) -> np.ndarray:
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("CPU"))
    if box is not None:
        context.setPeriodicBoxVectors(*box)
    context.setPositions(positions)
    mm.LocalEnergyMinimizer.minimize(context, 10.0, 200)
    return np.asarray(context.getState(positions=True).getPositions(asNumpy=True)._value)


def energy(system: mm.System, positions: np.ndarray, parameters: dict[str, float], box: np.ndarray | None) -> float:
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    if box is not None:
        context.setPeriodicBoxVectors(*box)
    context.setPositions(positions)
    for name, value in parameters.items():
        context.setParameter(name, value)
    return float(context.getState(energy=True).getPotentialEnergy()._value)


def try_one(directory: Path, label: str, tally: Tally) -> None:
    start = time.monotonic()
    try:
        names, failures, protocol = build(directory)
    except BindfeError as error:
        names, failures, protocol = (), {"": error}, None
    tally.slowest = max(tally.slowest, time.monotonic() - start)
    assert time.monotonic() - start < LONGEST, label
    for error in failures.values():
        assert len(str(error)) > 15, label
        assert "Traceback" not in str(error)
        assert "\n\n" not in str(error).strip()
        tally.refused[label] = str(error)
    for name in names:
        for kind in protocol.leg_kinds:
            tail = protocol.solvent.explicit and protocol.solvent.dispersion_correction
            check_leg(directory / "run" / name / kind.value / "prepared", kind, tail=tail)
            tally.built[label] = tally.built.get(label, 0) + 1


# the inputs


@pytest.fixture(scope="module", autouse=True)
def cache(root: Path) -> None:
    os.environ.setdefault("BINDFE_CACHE", str(root / ".cache" / "bindfe"))


def molecule(path: Path, smiles: str) -> str:
    return write_ligand(path, smiles, at=np.zeros(3)).read_text().split("$$$$")[0]


def readable(read: Callable[[], object]) -> bool:
    try:
        read()
    except BindfeError:
        return False
    return True


def write_inputs(directory: Path, kind: str, seed: int) -> bool:
    """Files of one build with mistakes in one of them; whether all can be read."""
    rng = random.Random(f"{kind} {seed}")
    directory.mkdir(parents=True)
    text, ways = {"guest": HOST, "host": HOST, "hydration": HYDRATION}.get(kind, PROTEIN), kind
    if kind == "settings":
        text, ways = ((HOST, "guest"), (PROTEIN, "protein"), (BOX, "hydration"))[seed % 3]
    (directory / "host.sdf").write_text((CB7 / "cb7.sdf").read_text())
    chain = peptide(("GAHAG", "ACDKE", "GMSEY")[seed % 3])
    (directory / "protein.pdb").write_text(chain)
    if ways in ("guest", "host"):
        (directory / "ligand.sdf").write_text((CB7 / "b2.sdf").read_text())
    elif ways == "protein":
        write_ligand(directory / "ligand.sdf", "CCO", at=outside(chain))
    else:
        molecule(directory / "ligand.sdf", ("CCO", "CC(=O)Nc1ccccc1", "C[C@H](N)C(=O)[O-]", "CS(C)=O")[seed % 4])
    target, change = {
        "guest": ("ligand.sdf", mutate_molecule),
        "host": ("host.sdf", mutate_molecule),
        "hydration": ("ligand.sdf", mutate_molecule),
        "protein": ("protein.pdb", mutate_protein),
        "settings": ("protocol.yaml", mutate_settings),
    }[kind]
    (directory / "protocol.yaml").write_text(text)
    before = (directory / target).read_text()
    after = change(before, rng) if seed % 5 else mutate(before, seed)
    if after in (before, before.split("$$$$")[0] + "$$$$\n"):
        return False
    (directory / target).write_bytes(after.encode("utf-8", "surrogateescape"))
    return all(map(readable, _readers(directory, kind, ways)))


def _readers(directory: Path, kind: str, ways: str) -> Iterator[Callable[[], object]]:
    yield lambda: load_protocol(directory / "protocol.yaml")
    yield lambda: read_ligands(directory / "ligand.sdf")
    if ways != "hydration":
        yield lambda: read_receptor(directory / ("protein.pdb" if ways == "protein" else "host.sdf"))


NUMBERS = {"guest": 10, "host": 4, "hydration": 10, "protein": 16, "settings": 10}


def fuzz(directory: Path, kind: str, number: int) -> Tally:
    """Build from so many inputs that can be read."""
    tally, seed, tried = Tally(), 0, 0
    while tried < number:
        here = directory / f"{kind}-{seed}"
        if write_inputs(here, kind, seed):
            tried += 1
            try_one(here, here.name, tally)
        seed += 1
    return tally


@pytest.mark.heavy
@pytest.mark.parametrize("kind", list(NUMBERS))
def test_fifty_builds_from_broken_inputs_give_an_error_or_right_legs(kind, tmp_path):
    tally = fuzz(tmp_path, kind, NUMBERS[kind])
    assert len(tally.refused) + len(tally.built) >= NUMBERS[kind]


# what they once broke


def inputs(directory: Path, text: str, *, ligand: str = "CCO") -> Path:
    """A peptide, a ligand beside it, CB7 with its guest, and a protocol."""
    chain = peptide("GAHAG")
    (directory / "protein.pdb").write_text(chain)
    (directory / "host.sdf").write_text((CB7 / "cb7.sdf").read_text())
    write_ligand(directory / "ligand.sdf", ligand, at=outside(chain))
    (directory / "protocol.yaml").write_text(text)
    return directory


def test_several_atoms_under_the_name_of_an_ion_are_refused(tmp_path):
    text = inputs(tmp_path, PROTEIN).joinpath("protein.pdb").read_text()
    (tmp_path / "protein.pdb").write_text(text.replace("ALA A   2", " NA A   2"))
    with pytest.raises(InputError, match="A:NA2 has the name of an ion and 5 atoms"):
        build(tmp_path)


def test_a_residue_under_the_name_of_water_is_refused(tmp_path):
    """Each of its oxygens became a water."""
    text = inputs(tmp_path, PROTEIN).joinpath("protein.pdb").read_text()
    (tmp_path / "protein.pdb").write_text(text.replace("ALA A   2", "HOH A   2"))
    with pytest.raises(InputError, match="A:HOH2 has the name of water and atoms that water has not"):
        build(tmp_path)


def test_a_hydrogen_far_from_its_carbon_is_refused(tmp_path):
    """The solver of constraints gave NaN, and OpenMM's own exception came through."""
    lines = (CB7 / "b2.sdf").read_text().split("\n")
    place = next(k for k, line in enumerate(lines) if line[31:33] == "H ")
    lines[place] = f"{40.0:10.4f}" + lines[place][10:]
    (inputs(tmp_path, HOST) / "ligand.sdf").write_text("\n".join(lines))
    with pytest.raises(InputError, match=r"b2: O\d+ and H\d+ .* are bonded and 39\.48 A apart"):
        build(tmp_path)


def test_a_box_that_would_fill_the_memory_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"padding is 1400 A: a box of about .* atoms"):
        build(inputs(tmp_path, BOX.replace("14 A", "1400 A")))
    (tmp_path / "far").mkdir()
    far = inputs(tmp_path / "far", PROTEIN.replace("obc2", "tip3p"))
    lines = (far / "ligand.sdf").read_text().split("\n")
    moved = [
        f"{900 + float(row[:10]):10.4f}{row[10:]}" if row[30:31] == " " and "." in row[:10] else row for row in lines
    ]
    (far / "ligand.sdf").write_text("\n".join(moved))
    with pytest.raises(InputError, match=r"A wide and solvent\.padding is 20 A: a box of about"):
        build(far)


def test_pieces_of_a_protein_that_propka_cannot_measure_are_refused(tmp_path):
    lines = inputs(tmp_path, PROTEIN).joinpath("protein.pdb").read_text().splitlines()
    moved = [f"{row[:30]}{9000.0:8.1f}{row[38:]}" if " GLY A   5" in row else row for row in lines]
    (tmp_path / "protein.pdb").write_text("\n".join(moved))
    with pytest.raises(InputError, match="propka cannot tell the protein's protonation states: AssertionError"):
        build(tmp_path)


def test_what_the_toolkit_says_comes_in_one_line(tmp_path):
    with pytest.raises(InputError, match=r"cannot describe this molecule|has no charges for this molecule") as caught:
        build(inputs(tmp_path, HYDRATION, ligand="CC(=O)OCl"))
    assert "\n" not in str(caught.value)
