"""Complexes from SMILES: the arrangement that the tag says, an ideal start, and other phosphines in the same places."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from rdkit import Chem

from bindfe.chem.metal import PHOSPHINES, build_complex, check_coordination, coordination, exchange_phosphines
from bindfe.errors import InputError

PLANE = "Br[Pd@{}](c1ccccc1)(<-P(C)(C)C)<-P(C)(C)C"
LINE = "CP(C)(C)->[Pd]<-P(C)(C)C"


def _across(found):
    """Elements of the donors that stand across from each other, by the coordinates."""
    measured = coordination(found)
    pairs = np.argwhere(np.triu(measured.angles > np.radians(150)))
    return sorted("".join(sorted((measured.symbols[i], measured.symbols[j]))) for i, j in pairs)


@pytest.mark.parametrize(("tag", "across"), [("SP1", ["BrP", "CP"]), ("SP2", ["BrC", "PP"]), ("SP3", ["BrP", "CP"])])
def test_a_square_plane_is_the_one_of_its_tag(tag, across):
    """OpenSMILES: SP1 is U (1 across from 3), SP2 is 4 (from 2), SP3 is Z (from 4)."""
    found = build_complex(PLANE.format(tag))
    assert _across(found) == across
    assert check_coordination(found).kept


def test_the_start_is_ideal_about_the_metal():
    plane, line = coordination(build_complex(PLANE.format("SP2"))), coordination(build_complex(LINE))
    assert np.degrees(plane.trans_angles) == pytest.approx([180, 180], abs=0.5)
    assert np.degrees(line.trans_angles) == pytest.approx([180], abs=0.5)
    assert plane.out_of_plane < 1e-3
    assert plane.lengths == pytest.approx([0.248, 0.201, 0.230, 0.230], abs=1e-3)
    neighbours = plane.angles[np.triu_indices(4, 1)]
    assert np.degrees(np.sort(neighbours)[:4]) == pytest.approx([90] * 4, abs=0.5)


@pytest.mark.parametrize("phosphine", ["PH3", "PMe3", "PPh3", "PCy3"])
@pytest.mark.parametrize("smiles", [PLANE.format("SP2"), PLANE.format("SP1"), LINE], ids=["trans", "cis", "line"])
def test_phosphines_are_exchanged_in_their_places(smiles, phosphine):
    before = build_complex(smiles)
    after = exchange_phosphines(before, phosphine)
    assert _across(after) == _across(before)
    assert Counter(coordination(after).symbols) == Counter(coordination(before).symbols)
    free = Chem.AddHs(Chem.MolFromSmiles(PHOSPHINES[phosphine])).GetNumAtoms()
    assert len(after.numbers) == len(before.numbers) + 2 * (free - 13)
    assert after.charge == 0
    x = after.positions
    apart = np.linalg.norm(x[:, None] - x[None], axis=-1) + np.eye(len(x))
    assert apart.min() > 0.07


def test_the_biaryl_phosphines_are_built_by_name_on_one_side():
    before = build_complex(LINE)
    for name in ("SPhos", "XPhos"):
        after = exchange_phosphines(before, name, donors=before.donors[:1])
        assert sorted(coordination(after).symbols) == ["P", "P"]
        assert len(after.numbers) == 27 - 13 + Chem.AddHs(Chem.MolFromSmiles(PHOSPHINES[name])).GetNumAtoms()


def test_a_lost_arrangement_is_said_with_its_angles():
    found = build_complex(LINE)
    x = found.positions
    x[found.donors[0]] += [0.0, 0.4, 0.0]
    with pytest.raises(InputError, match=r"arrangement about the metal was lost: P-P should be across .* P-P \d+"):
        check_coordination(found, x)


@pytest.mark.parametrize(
    ("smiles", "words"),
    [
        ("CCO", "one atom of Ni, Pd, Pt is needed, found none"),
        ("[Pd](", "is not a SMILES"),
        ("CP(C)(C)->[Pd](Br)(c1ccccc1)<-P(C)(C)C", r"four donors need an arrangement: write \[Pd@SP1\]"),
        ("CP(C)(C)->[Pd](Br)c1ccccc1", "the metal has 3 donors"),
    ],
)
def test_what_cannot_be_built_is_refused_with_what_to_write(smiles, words):
    with pytest.raises(InputError, match=words):
        build_complex(smiles)


def test_what_cannot_be_exchanged_is_refused():
    found = build_complex(LINE)
    with pytest.raises(InputError, match="'PXx3' is neither a phosphine nor a SMILES"):
        exchange_phosphines(found, "PXx3")
    with pytest.raises(InputError, match="one phosphorus is needed, found 2"):
        exchange_phosphines(found, "CP(C)CCP(C)C")
    with pytest.raises(InputError, match="are not phosphorus donors"):
        exchange_phosphines(found, "PH3", donors=[0])


def test_the_complex_of_the_how_to_is_the_trans_one(root):
    page = (root / "docs" / "how-to-catalysts.md").read_text(encoding="utf-8")
    assert 'build_complex(f"Br[Pd@SP3]{phosphine}{phosphine}c1ccccc1"' in page
    phosphine = "(<-P(C)(C)C)"
    assert _across(build_complex(f"Br[Pd@SP3]{phosphine}{phosphine}c1ccccc1")) == ["BrC", "PP"]
