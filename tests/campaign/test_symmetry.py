"""A symmetric ligand between Boresch's springs: the pre-flight and the number say what may be missing."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from spoilt import CB7, b2, middle, shape, write

from bindfe.campaign.pipeline import open_run, prepare_run
from bindfe.campaign.posecounts import poses_asked
from bindfe.campaign.preflight import check_protocol
from bindfe.campaign.symmetry import equivalent_count, say_count, symmetry_warning
from bindfe.chem.findings_catalogue import CHECKS
from bindfe.errors import InputError, ProtocolError
from bindfe.estimate.cycle import close_cycle
from bindfe.protocol import dump_protocol, parse_protocol, protocol_difference
from bindfe.results import Convergence, LegEstimate, Mixing, PreparedLeg
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


def test_check_says_what_auto_adds_and_refuses_a_title_of_no_ligand(protocol):
    (found,) = [finding for finding in check_protocol(protocol("auto")).findings if finding.check == "equivalent-poses"]
    assert found.level == "pass"
    assert "fits in 12 ways or more" in found.message
    wrong = [f for f in check_protocol(protocol({"benzen": 12})).findings if f.check == "equivalent-poses"]
    assert [each.level for each in wrong] == ["fail", "warn"]
    assert "names benzen, and no ligand is called so" in wrong[0].message
    assert "there are benzene" in wrong[0].advice
    assert CHECKS["equivalent-poses"].matches(wrong[0].message)


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


def test_each_ligand_has_its_number_and_another_number_is_an_estimate_of_the_same_samples(protocol, tmp_path):
    """The legs of benzene between Boresch's springs, and each thing that may be said of its poses."""
    run = Run(root=tmp_path / "run")
    settings = open_run(run, protocol(1))
    prepare_run(run, settings)
    leg = read_record(run.prepared("benzene", LegKind.TRANSFER) / "leg.json", PreparedLeg)
    for asked, number in [
        (7, 7),
        ("auto", 12),
        ({"benzene": 3}, 3),
        ({"benzene": "auto"}, 12),
        ({}, 1),
    ]:
        run.protocol.write_text(dump_protocol(protocol(asked)))  # as somebody who estimates again changes it
        again = parse_protocol(run.protocol.read_text())
        assert equivalent_count(run, again, "benzene", leg) == number
        assert bool(symmetry_warning(run, again, leg)) == (number == 1)
    with pytest.raises(InputError, match="names benzen, and no ligand is called so; correct the title; there are benz"):
        equivalent_count(run, protocol({"benzen": 2}), "benzene", leg)
    with pytest.raises(InputError, match="names benzen"):
        prepare_run(Run(root=tmp_path / "other"), protocol({"benzen": 2}))


def test_another_number_is_another_calculation_as_before(protocol):
    before, after = protocol(1), protocol({"benzene": 12})
    assert before.fingerprint() != after.fingerprint()
    assert "ligands.equivalent_poses.benzene: not given -> 12" in protocol_difference(before, after)


def test_titles_and_the_names_that_are_made_of_them_are_one_ligand(protocol):
    counts = protocol({"ligand 1/a": 2, "x": 3, "x-mode2": 4, 17: "auto"})
    assert poses_asked(counts, "ligand_1_a") == 2
    assert poses_asked(counts, "17") == "auto"
    assert poses_asked(counts, "x-mode3") == 1  # another ligand's title, unless every mode is run
    modes = counts.model_copy(update={"ligands": counts.ligands.model_copy(update={"modes": "all"})})
    assert [poses_asked(modes, name) for name in ("x", "x-mode2", "x-mode3")] == [3, 4, 3]
    isomers = counts.model_copy(update={"ligands": counts.ligands.model_copy(update={"stereo": "enumerate"})})
    assert poses_asked(isomers, "x-RS") == 3


@pytest.mark.parametrize("wrong", [0, 1.5, True, "automatic", [2], {"benzene": 0}])
def test_a_number_of_poses_that_is_none_is_refused_in_words(protocol, wrong):
    with pytest.raises(ProtocolError, match="a whole number from 1 upwards or auto is needed"):
        protocol(wrong)


def test_the_term_says_who_counted(protocol):
    one = np.ones(1)
    leg = LegEstimate(
        kind=LegKind.TRANSFER,
        repeat=0,
        f_k=np.array([0.0, -10.0]),
        covariance=np.eye(2),
        bootstrap_error=0.3,
        overlap=np.full((2, 2), 0.5),
        n_effective=np.array([50.0, 50.0]),
        equilibrated_from=0,
        n_cycles=50,
        statistical_inefficiency=1.0,
        convergence=Convergence(fraction=one, forward=one, forward_error=one, reverse=one, reverse_error=one),
        mixing=Mixing(transitions=np.eye(2), second_eigenvalue=1.0, round_trips=0),
        warnings=(),
    )
    found = close_cycle([leg], ligand="benzene", temperature=300.0, method="transfer", restraint=None, n_equivalent=12)
    (given, counted) = (say_count(found, protocol(each)).terms[-1] for each in (12, {"benzene": "auto"}))
    assert (
        given.delta_g_kcal_mol == counted.delta_g_kcal_mol == pytest.approx(-0.0019872 * 300 * math.log(12), rel=1e-4)
    )
    assert given.explanation == "12 equivalent poses, of which the restraint allowed one"
    assert counted.explanation.startswith(given.explanation)
    assert "counted from the molecule and its anchors" in counted.explanation
