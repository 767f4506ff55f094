"""A symmetric ligand between Boresch's springs: the pre-flight and the number say what may be missing."""

from __future__ import annotations

import json
import math

import pytest
from spoilt import CB7, b2, middle, shape, write

from bindfe.campaign.pipeline import open_run, prepare_run
from bindfe.campaign.preflight import check_protocol
from bindfe.campaign.symmetry import symmetry_warning
from bindfe.chem.findings_catalogue import CHECKS
from bindfe.protocol import parse_protocol
from bindfe.results import PreparedLeg
from bindfe.states import LegKind
from bindfe.store import Run, read_record


@pytest.fixture
def protocol(tmp_path):
    """Benzene in CB7, and how many of its poses the protocol says are equivalent."""
    ligands = write(tmp_path / "ligands.sdf", [shape("c1ccccc1", "benzene", at=middle(b2()))])

    def make(number):
        settings = {
            "receptor": {"file": str(CB7)},
            "ligands": {"file": str(ligands), "equivalent_poses": number},
            "solvent": {"model": "obc2"},
            "alchemy": {"method": "transfer"},
            "restraint": {"kind": "boresch"},
        }
        return parse_protocol(json.dumps(settings))

    return make


def test_check_tells_a_ligand_that_no_choice_of_anchors_makes_unequal(protocol):
    (found,) = [finding for finding in check_protocol(protocol(1)).findings if finding.check == "equivalent-poses"]
    assert found.level == "warn"
    assert "fits in 12 ways" in found.message
    assert CHECKS["equivalent-poses"].matches(found.message)
    assert not [finding for finding in check_protocol(protocol(12)).findings if finding.check == "equivalent-poses"]


@pytest.mark.parametrize(("number", "told"), [(1, True), (12, False)])
def test_a_number_comes_with_what_its_anchors_shut_out(protocol, tmp_path, number, told):
    run = Run(root=tmp_path / "run")
    settings = open_run(run, protocol(number))
    assert prepare_run(run, settings) == (("benzene",), {})
    leg = read_record(run.prepared("benzene", LegKind.TRANSFER) / "leg.json", PreparedLeg)
    words = symmetry_warning(run, settings, leg)
    missing = 0.0019872 * settings.sampling.temperature * math.log(12)
    assert ("one of 12 poses" in words) == told
    assert (f"{missing:.2f} kcal/mol too weak" in words) == told
