"""Whatever is in a file, reading it gives a clear error or a right result: no other exception, and no hang.

2,000 broken files in all behind the marker ``slow``; a share of them in every run.
"""

from __future__ import annotations

import math
import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from bindfe.chem.affinity import read_affinities
from bindfe.chem.intake import read_series
from bindfe.chem.ligand import read_ligands
from bindfe.chem.receptor import read_receptor
from bindfe.errors import BindfeError
from bindfe.protocol import dump_protocol, parse_protocol

ROOT = Path(__file__).resolve().parents[2]
SEEDS = st.integers(min_value=0, max_value=2**32)
LONGEST = 60.0  # s


def _structure(smiles: str, title: str) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert rdDistGeom.EmbedMolecule(mol, randomSeed=1) == 0
    mol.SetProp("_Name", title)
    mol.SetProp("SMILES", smiles)
    return mol


MOLS = [_structure("C[C@H](N)C(=O)[O-]", "alanine"), _structure("Clc1ccc2[nH]ccc2c1", "indole")]


def _sdf(mols: list[Chem.Mol], *, v3000: bool = False) -> str:
    block = Chem.MolToV3KMolBlock if v3000 else Chem.MolToMolBlock
    return "".join(f"{block(mol)}>  <SMILES>\n{mol.GetProp('SMILES')}\n\n$$$$\n" for mol in mols)


FLAT = "ethanol\n     RDKit          2D\n\n  3  2  0  0  0  0  0  0  0  0999 V2000\n" + "".join(
    f"{x:10.4f}{y:10.4f}    0.0000 {e}   0  0\n" for x, y, e in [(0, 0, "C"), (1.3, 0.75, "C"), (2.6, 0, "O")]
)
FLAT += "  1  2  1  0\n  2  3  1  0\nM  END\n$$$$\n"
SDF = [_sdf(MOLS), _sdf(MOLS, v3000=True), FLAT, (ROOT / "systems" / "cb7" / "b2.sdf").read_text()]
TABLES = [
    "name,smiles\na,CCO\nb,C[C@H](F)Cl\nc,CC(=O)[O-].[Na+]\n",
    "CCO ethanol\nc1ccccc1 benzene\nO=c1cccc[nH]1 pyridone\n",
]
AFFINITIES = "ligand,delta_g_kcal_mol,standard_error_kcal_mol,temperature_k,assay,source\na,-5.1,0.1,298.15,ITC,x\n"
PEPTIDE = "".join(
    f"ATOM  {k:5d} {name:^4s} {residue} A{number:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00          {name[0]:>2s}\n"
    for k, (name, residue, number, x, y, z) in enumerate(
        [
            ("N", "ALA", 1, 0.0, 0.0, 0.0),
            ("CA", "ALA", 1, 1.46, 0.0, 0.0),
            ("C", "ALA", 1, 2.0, 1.4, 0.0),
            ("O", "ALA", 1, 1.3, 2.4, 0.0),
            ("CB", "ALA", 1, 2.0, -0.7, 1.2),
            ("N", "GLY", 2, 3.3, 1.5, 0.0),
            ("CA", "GLY", 2, 4.0, 2.8, 0.0),
            ("C", "GLY", 2, 5.5, 2.6, 0.0),
            ("O", "GLY", 2, 6.0, 1.5, 0.0),
        ],
        start=1,
    )
)
PEPTIDE += "TER\nHETATM   10  O   HOH A   3      10.000   0.000   0.000  1.00  0.00           O\nEND\n"
PDB = [PEPTIDE, Chem.MolToPDBBlock(MOLS[0], flavor=2 | 8)]
YAML = [path.read_text() for path in sorted((ROOT / "protocols").glob("*.yaml"))]


# mistakes

ODD_NUMBERS = ("nan", "inf", "-inf", "1e999", "-1", "0", "999999999999999999999", "0x1F", "1.2.3", "--5", "1,5", "")
ODD_CHARACTERS = "\x00\x1b\t\r\n \"'#&*[]{}|>%@`~:;,.?!-+=_$\\/áß漢\u2028\ufeff\udcff0123456789CHNOXcn"
ODD_ELEMENTS = ("Xx", "D", "R#", "*", "Pd", "Cl", "B", "Og", "A", "LP", "h", "CL", "Na")


def mutate(text: str, seed: int) -> str:
    """Text with one to four mistakes; the same for the same seed."""
    rng = random.Random(seed)
    for _ in range(rng.choice((1, 1, 2, 4))):
        text = rng.choice(_WAYS)(text, rng)
    return text


def _character(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(ODD_CHARACTERS) + text[at + rng.randrange(2) :]


def _span(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + text[at + rng.randrange(1, 60) :]


def _end(text: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text) + 1)]


def _line(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
    way = rng.randrange(4)
    if way == 0:
        del lines[at]
    elif way == 1:
        lines.insert(to, lines[at])
    elif way == 2:
        lines[at], lines[to] = lines[to], lines[at]
    else:
        lines[at] = " " * rng.randrange(4) + lines[at]
    return "\n".join(lines)


def _number(text: str, rng: random.Random) -> str:
    return _replace(text, rng, r"-?\d+\.?\d*", lambda word: rng.choice((*ODD_NUMBERS, word + "0", "-" + word)))


def _element(text: str, rng: random.Random) -> str:
    return _replace(text, rng, r"\b(?:Cl|Br|[CHNOFS])\b", lambda word: rng.choice(ODD_ELEMENTS))


def _word(text: str, rng: random.Random) -> str:
    words = re.findall(r"\S+", text) or [""]
    return _replace(text, rng, r"\S+", lambda word: rng.choice(words))


def _replace(text: str, rng: random.Random, pattern: str, change: Callable[[str], str]) -> str:
    found = list(re.finditer(pattern, text))
    if not found:
        return text
    match = rng.choice(found)
    return text[: match.start()] + change(match.group()) + text[match.end() :]


_WAYS = (_character, _span, _end, _line, _number, _number, _element, _word)


# what must hold


def _within_time(read: Callable[[], object]) -> object:
    """What a reader gives, or None where it refuses; anything else that it raises fails the test."""
    start, result, message = time.monotonic(), None, "read"
    try:
        result = read()
    except BindfeError as error:
        message = str(error)
    assert message.strip()
    assert time.monotonic() - start < LONGEST
    return result


def _check_series(path: Path, **choices: object) -> None:
    series = _within_time(lambda: read_series(path, **choices))
    if series is None:
        return
    names = [ligand.name.lower() for ligand in series.ligands]
    assert len(set(names)) == len(names)
    for ligand in series.ligands:
        assert np.all(np.isfinite(ligand.positions))
        assert ligand.positions.shape == (ligand.n_atoms, 3)
        assert not any(atom.GetTotalNumHs() for atom in ligand.mol.GetAtoms())
        assert len(Chem.GetMolFrags(ligand.mol)) == 1
        assert Chem.MolFromSmiles(ligand.smiles) is not None
    for finding in series.findings:
        assert finding.message.strip()
        assert "Traceback" not in finding.message


def _write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def read_sdf(directory: Path, seed: int) -> None:
    path = _write(directory / "x.sdf", mutate(SDF[seed % len(SDF)], seed))
    _check_series(path, stereo="enumerate" if seed % 2 else "refuse")
    _within_time(lambda: read_ligands(path))
    _within_time(lambda: read_receptor(path))


def read_table(directory: Path, seed: int) -> None:
    _check_series(_write(directory / ("x.csv", "x.smi")[seed % 2], mutate(TABLES[seed % 2], seed)))
    _within_time(lambda: read_affinities(_write(directory / "m.csv", mutate(AFFINITIES, seed))))


def read_pdb(directory: Path, seed: int) -> None:
    path = _write(directory / "x.pdb", mutate(PDB[seed % 2], seed))
    _check_series(path, templates={"UNL": "C[C@H](N)C(=O)[O-]"})
    _within_time(lambda: read_receptor(path))


def read_yaml(directory: Path, seed: int) -> None:
    text = mutate(YAML[seed % len(YAML)], seed)
    protocol = _within_time(lambda: parse_protocol(text))
    if protocol is not None:
        again = parse_protocol(dump_protocol(protocol))
        assert again.physics() == protocol.physics() or _has_nan(protocol.physics())


def _has_nan(tree: object) -> bool:
    if isinstance(tree, dict):
        return any(map(_has_nan, tree.values()))
    return isinstance(tree, float) and math.isnan(tree)


READERS = {"sdf": read_sdf, "table": read_table, "pdb": read_pdb, "yaml": read_yaml}
SHARE = {"sdf": 60, "table": 40, "pdb": 60, "yaml": 60}
ALL = {"sdf": 700, "table": 200, "pdb": 600, "yaml": 500}


def _fuzz(kind: str, directory: Path, *, number: int) -> None:
    @settings(max_examples=number, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(SEEDS)
    def read_one(seed: int) -> None:
        READERS[kind](directory, seed)

    read_one()


@pytest.mark.parametrize("kind", list(READERS))
def test_a_broken_file_gives_an_error_or_a_right_result(kind, tmp_path):
    _fuzz(kind, tmp_path, number=SHARE[kind])


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(READERS))
def test_two_thousand_broken_files_give_an_error_or_a_right_result(kind, tmp_path):
    _fuzz(kind, tmp_path, number=ALL[kind])
