from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from bindfe.campaign.preflight_membrane import membrane_findings
from bindfe.chem.findings_catalogue import CHECKS
from bindfe.chem.orientation import best_slab, orientation_findings, residue_costs, slab_of
from bindfe.chem.proteinfile import parse_structure
from bindfe.chem.receptor import read_receptor
from bindfe.protocol import parse_protocol
from tests.build.peptides import helix

T4L = Path(str(find_spec("openmmtools").origin)).parent / "data" / "T4-lysozyme-L99A-implicit"
CHANNEL = "KEKELALALLALALLALALLALALEKEK"


def turned(text: str, shift: float = 0.0, axes: tuple[int, int, int] = (0, 1, 2)) -> str:
    """PDB text with its coordinates permuted and moved along z [A]."""
    lines = []
    for line in text.splitlines():
        if line.startswith("ATOM"):
            x = [float(line[k : k + 8]) for k in (30, 38, 46)]
            x = [x[k] for k in axes]
            line = f"{line[:30]}{x[0]:8.3f}{x[1]:8.3f}{x[2] + shift:8.3f}{line[54:]}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def structure(text: str):
    return parse_structure(text, source="helix.pdb", cif=False)


def test_a_helix_across_the_membrane_lies_well():
    (found,) = orientation_findings(structure(helix(CHANNEL)), centre=0.0)
    assert (found.level, found.check) == ("pass", "membrane-orientation")


@pytest.mark.parametrize("shift", [-14.0, 14.0])
def test_one_that_is_shifted_is_told_where_the_middle_should_be(shift):
    (found,) = orientation_findings(structure(turned(helix(CHANNEL), shift)), centre=0.0)
    assert found.level == "warn"
    assert CHECKS[found.check].matches(found.message)
    told = float(found.advice.split("slab is at ")[1].split(" A")[0])
    assert told == pytest.approx(shift, abs=3.0)
    (moved,) = orientation_findings(structure(turned(helix(CHANNEL), shift)), centre=told / 10)
    assert moved.level == "pass"


def test_one_that_lies_on_its_side_is_told_to_be_turned():
    (found,) = orientation_findings(structure(turned(helix(CHANNEL), axes=(2, 1, 0))), centre=0.0)
    assert found.level == "warn"
    assert "OPM" in found.advice
    assert "centre_z" not in found.advice


def test_one_outside_of_the_membrane_is_a_failure():
    (found,) = orientation_findings(structure(turned(helix(CHANNEL), 80.0)), centre=0.0)
    assert found.level == "fail"
    assert CHECKS[found.check].matches(found.message)


def test_a_soluble_protein_is_too_polar_wherever_it_lies():
    lysozyme = read_receptor(T4L / "receptor.pdb").structure
    places, costs = residue_costs(lysozyme)
    best = best_slab(places, costs)
    (found,) = orientation_findings(lysozyme, centre=float(places[:, 2].mean()))
    assert best.cost / best.residues > 0.1
    assert "too polar" in found.message
    assert CHECKS[found.check].matches(found.message)


def test_the_cost_of_a_slab_is_the_sum_over_its_residues():
    places = np.array([[0.0, 0.0, z] for z in (-2.0, -1.0, 0.0, 1.4, 1.6)])
    slab = slab_of(places, np.array([1.0, 2.0, 4.0, 8.0, 16.0]), axis=2, centre=0.0)
    assert (slab.residues, slab.cost) == (3, 14.0)


def protocol(file, text):
    return parse_protocol(f"receptor: {{file: {file}}}\nligands: {{file: a.sdf}}\nsolvent: {{model: tip3p}}\n{text}")


def bundle(tmp_path):
    """Six helices around an axis, as a channel has them."""
    lines = []
    for k in range(6):
        for line in helix(CHANNEL).splitlines():
            if line.startswith("ATOM"):
                x, y, z = (float(line[c : c + 8]) for c in (30, 38, 46))
                x, y = x + 12 * np.cos(k * np.pi / 3), y + 12 * np.sin(k * np.pi / 3)
                lines.append(f"{line[:21]}{'ABCDEF'[k]}{line[22:30]}{x:8.3f}{y:8.3f}{z:8.3f}{line[54:]}")
    file = tmp_path / "bundle.pdb"
    file.write_text("\n".join([*lines, "END", ""]))
    return file


def test_a_membrane_protein_without_a_membrane_is_told(tmp_path):
    file = bundle(tmp_path)
    (found,) = membrane_findings(protocol(file, ""), read_receptor(file))
    assert "no membrane is asked for" in found.message
    assert CHECKS[found.check].matches(found.message)


def test_a_soluble_protein_without_a_membrane_is_not():
    receptor = read_receptor(T4L / "receptor.pdb")
    assert membrane_findings(protocol(receptor.source, ""), receptor) == ()


def test_a_box_that_is_a_patch_too_wide_and_a_bilayer_without_time_are_told(tmp_path):
    file = bundle(tmp_path)
    text = "membrane: {lipid: POPC, padding: 20 A}\n"
    lies, wide, short = membrane_findings(protocol(file, text), read_receptor(file))
    assert (lies.level, wide.level, short.level) == ("pass", "warn", "warn")
    assert "127 x 134" in wide.message
    assert "a patch of lipids narrower" in wide.message
    assert "free_time is 2 ps" in short.message
    assert all(CHECKS[each.check].matches(each.message) for each in (wide, short))
    text = "membrane: {lipid: POPC, padding: 10 A}\nequilibration: {free_time: 5 ns}\n"
    lies, fits = membrane_findings(protocol(file, text), read_receptor(file))
    assert (lies.level, fits.level) == ("pass", "pass")
    assert "64 x 67" in fits.message


def test_a_host_in_a_bilayer_is_a_failure(root):
    receptor = read_receptor(root / "systems" / "cb7" / "cb7.sdf")
    (found,) = membrane_findings(protocol(receptor.source, "membrane: {lipid: POPC}\n"), receptor)
    assert found.level == "fail"
    assert CHECKS[found.check].matches(found.message)
