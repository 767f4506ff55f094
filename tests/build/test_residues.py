"""Modified residues with a user's own template: the energy is that of the residue that the template copies."""

from __future__ import annotations

import re
from importlib.resources import files

import numpy as np
import pytest

from bindfe.build.forcefield import nonbonded_force, parametrise
from bindfe.build.protein import prepare_receptor
from bindfe.build.solvate import solvate
from bindfe.chem.receptor import read_receptor
from bindfe.errors import InputError
from bindfe.protocol import load_protocol
from tests.build.peptides import peptide

SEQUENCE = "GASAG"


def amber(name: str) -> str:
    """A residue of ff14SB, as its file has it."""
    text = files("openmm.app").joinpath("data", "amber14", "protein.ff14SB.xml").read_text(encoding="utf-8")
    return re.search(rf'<Residue name="{name}".*?</Residue>', text, re.S).group(0)


def template(residue: str) -> str:
    return f"<ForceField><Residues>{residue}</Residues></ForceField>"


COPY = template(amber("SER").replace('name="SER"', 'name="XSR"'))


@pytest.fixture
def read(tmp_path):
    def read(text, *templates):
        (tmp_path / "p.pdb").write_text(text)
        for number, each in enumerate(templates):
            (tmp_path / f"{number}.xml").write_text(each)
        return read_receptor(tmp_path / "p.pdb", templates=[tmp_path / f"{k}.xml" for k in range(len(templates))])

    return read


def system_of(receptor, settings):
    prepared = prepare_receptor(receptor, settings)
    return prepared, *solvate(*parametrise(prepared.receptor, None, settings), settings)


def test_a_copy_of_serine_under_another_name_has_serines_energy(read, protocol, evaluate):
    settings = protocol("solvent: {model: obc2}\n")
    text = peptide(SEQUENCE)
    _, plain, assembly = system_of(read(text), settings)
    modified, ours, placed = system_of(read(text.replace("SER", "XSR"), COPY), settings)
    labels = {atom.label for atom in modified.receptor.structure.atoms}
    assert "A:XSR3" in labels
    assert ours.getNumParticles() == plain.getNumParticles()
    x = assembly.positions + np.random.default_rng(1).normal(scale=0.003, size=assembly.positions.shape)
    order = {(a.residue.id, a.name): a.index for a in assembly.topology.atoms()}
    y = np.array([x[order[a.residue.id, a.name]] for a in placed.topology.atoms()])
    assert evaluate(ours, y).energy == pytest.approx(evaluate(plain, x).energy, abs=1e-6)


def test_a_template_with_other_charges_is_chosen_by_name_and_is_not_taken_for_serine(read, protocol):
    """Both have one graph, so that OpenMM alone could not tell them apart."""
    settings = protocol("solvent: {model: vacuum}\n")
    charged = COPY.replace('charge="-0.6546"', 'charge="-0.5546"')
    assert charged != COPY
    text = peptide("GSASG")
    lines = [row.replace("SER", "XSR") if row[22:26] == "   2" else row for row in text.splitlines()]
    _, system, assembly = system_of(read("\n".join(lines), charged), settings)
    force = nonbonded_force(system)
    charges = [
        force.getParticleParameters(atom.index)[0]._value for atom in assembly.topology.atoms() if atom.name == "OG"
    ]
    assert charges == pytest.approx([-0.5546, -0.6546])


def test_hydrogens_of_the_file_or_made_anew_are_the_templates(read, protocol):
    settings = protocol("solvent: {model: vacuum}\n")
    made = prepare_receptor(read(peptide(SEQUENCE).replace("SER", "XSR"), COPY), settings).receptor
    names = {atom.name for atom in made.structure.atoms if atom.residue == "XSR"}
    assert names == set(re.findall(r'<Atom[^>]*name="(\w+)"', COPY))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<ForceField>", "file 1: is not XML"),
        ("<ForceField/>", "file 1: has no <Residues>"),
        (template(amber("SER")), "describes SER, which the protein force field has"),
        (COPY.replace("protein-OH", "protein-QQ"), "OpenMM cannot use it: KeyError 'protein-QQ'"),
    ],
)
def test_a_file_that_is_no_template_is_refused(read, protocol, text, message):
    with pytest.raises(InputError, match=re.escape(message)):
        prepare_receptor(read(peptide(SEQUENCE).replace("SER", "XSR"), text), protocol())


def test_a_residue_that_lacks_an_atom_of_its_template_is_refused_with_the_atom(read, protocol):
    lines = [row for row in peptide(SEQUENCE).splitlines() if row[12:16] != " OG "]
    with pytest.raises(InputError, match=r"A:XSR3 \(nearest is XSR: atoms HG OG are missing\)|A:XSR3 .*OG are missing"):
        prepare_receptor(read("\n".join(lines).replace("SER", "XSR"), COPY), protocol())


def test_a_protocol_names_the_files_and_their_content_is_the_calculations(tmp_path, read):
    (tmp_path / "x.xml").write_text(COPY)
    (tmp_path / "p.yaml").write_text("receptor: {file: p.pdb, templates: [x.xml]}\nligands: {file: l.sdf}\n")
    protocol = load_protocol(tmp_path / "p.yaml")
    assert protocol.receptor.templates == (str(tmp_path / "x.xml"),)
    text = peptide(SEQUENCE)
    contents = [read(text, *templates).content() for templates in ((), (COPY,), (COPY.replace("0.6546", "0.6"),))]
    assert len(set(contents)) == 3
