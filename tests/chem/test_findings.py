"""Findings: the worst decides, the worst is read first, and a failure stops what was to come."""

from __future__ import annotations

import pytest

from bindfe.chem.findings import above_pass, failed, findings_of, passed, require, sentence, warned, worst_level
from bindfe.errors import InputError

FINE = passed("clash", "nothing overlaps", ligand="benzene")
ODD = warned("strain", "bent by 9 kcal/mol", advice="relax the pose", ligand="benzene")
WRONG = failed("salt", "two molecules", advice="keep one", ligand="toluene")


def test_the_worst_of_several_decides():
    assert worst_level([]) == "pass"
    assert worst_level([FINE, ODD]) == "warn"
    assert worst_level([ODD, WRONG, FINE]) == "fail"


def test_the_worst_is_read_first_and_order_is_kept_otherwise():
    assert above_pass([FINE, ODD, WRONG]) == (WRONG, ODD)
    assert findings_of([FINE, ODD, WRONG], ligand="benzene") == (ODD, FINE)


def test_a_failure_stops_with_what_and_what_to_do():
    require([FINE, ODD])
    with pytest.raises(InputError, match="toluene: two molecules; keep one"):
        require([FINE, WRONG])


def test_one_line_says_everything():
    assert str(ODD) == "warn: benzene: bent by 9 kcal/mol; relax the pose [strain]"
    assert sentence(FINE) == "nothing overlaps"
