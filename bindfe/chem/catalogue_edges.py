"""What the pre-flight says of maps and networks."""

from __future__ import annotations

from bindfe.chem.findings_check import Check, checks_of

_check = checks_of("Maps and networks")

EDGE_CHECKS: tuple[Check, ...] = (
    _check(
        "disconnected-network",
        "fail",
        "ligands that no edge connects",
        "the network falls into {number} parts that no edge connects: {parts}",
        "{reason}",
    ),
    _check(
        "network",
        "fail",
        "a network that cannot be planned: a ligand that is not there, fewer than two ligands",
        "{reason}",
    ),
    _check(
        "repeated-edge",
        "warn",
        "an edge that a given network holds twice, or in both directions",
        "edges.pairs has {number} of its edges twice or in both directions: {edges}",
    ),
    _check(
        "weak-edge",
        "warn",
        "an edge between ligands that share little",
        "the score is {score} ({usual} is usual): the ligands share little",
    ),
    *(
        _check(
            f"map-{rule}",
            "warn where the map leaves the atoms out; fail in a map that is given",
            looks_for,
            f"the largest common part {words}: {{atoms}}; these atoms are left out of the core",
            f"the map {words}: {{atoms}}",
        )
        for rule, looks_for, words in (
            ("ring-broken", "a ring that would be opened or closed", "would break a ring"),
            ("ring-size", "a ring that would change its size", "would change the size of a ring"),
            ("linear-to-bent", "a linear atom that would be bent", "would bend a linear atom"),
            ("chirality", "a centre that would be inverted", "would invert a centre"),
            ("hybridisation", "an atom that would change its hybridisation", "would change hybridisation"),
            ("element", "an atom that would change its element", "would change the element"),
        )
    ),
    _check(
        "two-modes",
        "warn",
        "atoms that both ligands of an edge share and that lie more than 2 A apart (3 A outside of rings), however "
        "equal atoms are exchanged: a ring that is turned over in one pose",
        "{atom} of {ligand} and {other} are the same atom and lie {distance} A apart: two binding modes",
        "{atom} of {ligand} and {other} are the same atom and lie {distance} A apart{more}: two binding modes",
    ),
    _check(
        "map-charge",
        "warn",
        "an edge that changes the charge",
        "the charge changes by {charge} e along this edge",
    ),
)
