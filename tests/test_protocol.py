"""The protocol file: what is wrong is named with line, path and remedy; what is right survives being written."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bindfe.errors import ProtocolError
from bindfe.protocol import (
    CatalystSettings,
    MembraneSettings,
    Protocol,
    all_keys,
    describe_keys,
    dump_protocol,
    load_protocol,
    parse_protocol,
    protocol_difference,
)
from bindfe.states import LegKind
from bindfe.units import parse_quantity

MINIMAL = "receptor: {file: host.sdf}\nligands: {file: guests.sdf}\n"


def refusal(text: str) -> str:
    """The one message that a wrong protocol gives."""
    with pytest.raises(ProtocolError) as caught:
        parse_protocol(text, source="p.yaml")
    return str(caught.value)


# What a user gets wrong


def test_an_unknown_key_is_named_with_line_path_and_nearest_key() -> None:
    assert refusal(MINIMAL + "sampling:\n  length: 1 ns\n  timestep: 2 fs\n") == (
        "p.yaml: line 5: sampling.timestep: unknown key; the nearest valid key is 'sampling.time_step'"
    )


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("timestep: 2 fs", "sampling.time_step"),
        ("samplng: {}", "sampling"),
        ("Solvent: {}", "solvent"),
        ("sampling: {seed: 3}", "repeats.seed"),
        ("committee: {switching: {lenght: 2 ps}}", "committee.switching.length"),
        ("analytic: {deptth: 3 kcal/mol}", "analytic.depth"),
    ],
)
def test_the_nearest_key_is_found_in_whatever_section_it_lives(text: str, nearest: str) -> None:
    assert refusal(MINIMAL + text).endswith(f"the nearest valid key is '{nearest}'")


def test_every_wrong_key_is_reported_at_once() -> None:
    message = refusal(MINIMAL + "sampling:\n  temperature: 300\n  length: 2 A\nrepeats:\n  number: 0\n")
    assert [line.split(": ")[1:3] for line in message.splitlines()] == [
        ["line 4", "sampling.temperature"],
        ["line 5", "sampling.length"],
        ["line 7", "repeats.number"],
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sampling: {time_step: 2}", "sampling.time_step: a bare 2 has no unit; write a time, for example '2 fs'"),
        ("sampling: {pressure: 1}", "sampling.pressure: a bare 1 has no unit; write a pressure, for example '1 bar'"),
        ("sampling: {friction: 1 ps}", "has the wrong dimension; write a rate, for example '1 1/ps'"),
        ("restraint: {spring: 5 kcal/mol}", "'5 kcal/mol' has the wrong dimension; write a force constant"),
        ("restraint: {angle_spring: 20 kcal/mol}", "'20 kcal/mol' has the wrong dimension"),
        ("equilibration: {release_springs: [5 kcal/mol/A^2, 3]}", "equilibration.release_springs.1: a bare 3"),
        ("sampling: {length: 1e999 ps}", "sampling.length: Input should be a finite number"),
        ("sampling: {temperature: -3 K}", "sampling.temperature: Input should be greater than 0"),
        ("sampling: {cycle_time: 0 ps}", "sampling.cycle_time: Input should be greater than 0"),
        ("sampling: {cycle_time: 1 fs}", "sampling needs time_step <= cycle_time <= length"),
        ("estimator: {coverage: [95]}", "estimator.coverage.0: Input should be less than 1"),
        ("alchemy: {method: transferr}", "alchemy.method: Input should be 'transfer' or 'decouple'"),
        ("alchemy: {method: transfer}\nsolvent: {model: tip3p}", "use decouple"),
        ("alchemy: {softcore_start: 200 kcal/mol}", "softcore_start must be below alchemy.softcore_maximum"),
        ("committee: {correction: switching}", "committee.correction needs a committee.model"),
        ("schedule: {solvent: {sterics: [1, 2]}}", "schedule.solvent: lambda sterics = 2 is outside 0 to 1"),
        ("schedule: {solvent: {sterics: [1, 0], restraints: [1]}}", "needs equally many states (at least 2)"),
        ("schedule: {solvent: {}}", "needs equally many states (at least 2)"),
        ("solvent:", "solvent: keys of the section are needed here, found None"),
        ("name: a/b", "name: String should match pattern"),
    ],
)
def test_a_wrong_value_says_where_and_what_is_needed(text: str, says: str) -> None:
    assert says in refusal(MINIMAL + text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "found NoneType"),
        ("- a\n- b", "found list"),
        ("a: [1, 2", "line 1: not valid YAML"),
        ("sampling:\n\tlength: 1 ns", "line 2: not valid YAML"),
        ("name: \x00", "not valid YAML"),
        ("&a {sampling: *a}", "not valid YAML"),
        ("? [a]\n: 3", "not valid YAML"),
        ("1: 2", "Keys should be strings"),
        ("name: x", "ligands.file is needed, and receptor.file for binding"),
        ("analytic: {}\nname: a\nname: b", "line 3: 'name' stands twice"),
        ("analytic: {}\nsampling:\n  length: 1 ns\n  length: 2 ns", "line 4: 'sampling.length' stands twice"),
    ],
)
def test_what_is_no_protocol_at_all_is_said_in_one_message(text: str, says: str) -> None:
    assert says in refusal(text)


@given(text=st.text(alphabet=st.sampled_from("ab:-[]{}&*!#|>'\"\n\t ,?0.")))
def test_no_text_gives_a_traceback(text: str) -> None:
    with pytest.raises(ProtocolError, match=r"p\.yaml"):
        parse_protocol(text, source="p.yaml")


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError, match=r"no such protocol file; `bindfe protocol show`"):
        load_protocol(tmp_path / "absent.yaml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProtocolError, match="cannot be read as UTF-8"):
        load_protocol(tmp_path / "p.yaml")
    with pytest.raises(ProtocolError, match="cannot be read"):
        load_protocol(tmp_path)


# What is written reads back


def quantities(unit: str, low: float, high: float) -> st.SearchStrategy[str]:
    return st.floats(low, high, allow_nan=False).map(lambda number: f"{number!r} {unit}")


LAMBDAS = st.integers(2, 5).flatmap(lambda n: st.lists(st.floats(0, 1), min_size=n, max_size=n))
OVERRIDES = st.fixed_dictionaries(
    {
        "receptor": st.fixed_dictionaries({"file": st.text(min_size=1), "name": st.text()}),
        "ligands": st.fixed_dictionaries({"file": st.text(min_size=1), "names": st.lists(st.text())}),
        "sampling": st.fixed_dictionaries(
            {
                "temperature": quantities("K", 1.0, 1e3),
                "pressure": st.none() | quantities("atm", 0.1, 1e3),
                "time_step": quantities("ps", 1e-4, 4e-3),
                "friction": quantities("1/fs", 1e-6, 1.0),
            }
        ),
        "solvent": st.fixed_dictionaries({"cutoff": quantities("nm", 0.1, 9.0), "padding": quantities("A", 0.1, 9.0)}),
        "restraint": st.fixed_dictionaries({"angle_spring": quantities("kJ/mol/deg^2", 1e-3, 1e3)}),
        "equilibration": st.fixed_dictionaries(
            {"release_springs": st.lists(quantities("kJ/mol/nm^2", 1e-3, 1e6), max_size=3)}
        ),
        "schedule": st.fixed_dictionaries({"solvent": LAMBDAS.map(lambda row: {"sterics": row})}),
    }
)


@given(tree=OVERRIDES)
def test_a_written_protocol_reads_back_equal_to_the_last_bit(tree: dict[str, object]) -> None:
    protocol = parse_protocol(yaml.safe_dump(tree))
    again = parse_protocol(dump_protocol(protocol))
    assert again == protocol
    assert again.fingerprint() == protocol.fingerprint()


def test_the_written_protocol_has_every_key_with_its_comment() -> None:
    protocol = parse_protocol(MINIMAL + "analytic: {}\n").model_copy(
        update={"catalysts": CatalystSettings(), "membrane": MembraneSettings()}
    )
    lines = dump_protocol(protocol).splitlines()
    assert len(lines) == len(all_keys())
    for line, key in zip(lines, describe_keys(), strict=True):
        assert line.strip().startswith(key.path.rpartition(".")[2] + ":")
        assert line.endswith(f"  # {key.description}")


def test_every_key_has_one_line_of_documentation_and_a_default_that_can_be_written() -> None:
    for key in describe_keys():
        assert key.description, key.path
        assert "\n" not in key.description + key.default
        if key.kind.startswith("quantity") and key.default != "null":
            unit = key.kind[len("quantity [") :].partition("]")[0]
            assert parse_quantity(key.default, unit) >= 0 or key.path == "path.low"  # a height, which has a sign


def test_paths_are_relative_to_the_protocol_file_and_results_are_not(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(MINIMAL + "calibration: {file: default}\noutput: {directory: out}\n")
    protocol = load_protocol(tmp_path / "p.yaml")
    assert protocol.receptor.file == str(tmp_path / "host.sdf")
    assert protocol.ligands.file == str(tmp_path / "guests.sdf")
    assert protocol.calibration.file == "default"
    assert protocol.output.directory == "out"


def test_a_protocol_cannot_be_changed_after_it_was_read() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse_protocol(MINIMAL).name = "other"


def test_an_older_yaml_habit_keeps_its_meaning() -> None:
    protocol = parse_protocol(MINIMAL + "solvent: {solvent_dielectric: 1e2}\nrepeats: {number: 4}\n")
    assert protocol.solvent.solvent_dielectric == 100.0
    assert protocol.repeats.number == 4


# What makes two calculations the same


@pytest.mark.parametrize(
    "text",
    [
        "name: other",
        "sampling: {length: 7 ns}",
        "repeats: {number: 5}",
        "output: {directory: elsewhere}",
        "compute: {platform: Reference, threads: 2}",
        "calibration: {file: c.json}",
        "estimator: {bootstrap: 400, minimum_overlap: 0.1}",
        "committee: {frames: 7}",
        "receptor: {file: /moved/host.sdf}\nligands: {file: /moved/guests.sdf}",
    ],
)
def test_lengths_paths_platforms_and_reports_do_not_change_the_fingerprint(text: str) -> None:
    tree = {**yaml.safe_load(MINIMAL), **yaml.safe_load(text)}
    other = parse_protocol(yaml.safe_dump(tree))
    original = parse_protocol(MINIMAL)
    assert other.fingerprint(b"atoms") == original.fingerprint(b"atoms")
    assert protocol_difference(original, other) == ""


@pytest.mark.parametrize(
    ("text", "difference"),
    [
        ("sampling: {temperature: 300 K}", "  sampling.temperature: 298.15 -> 300.0"),
        ("sampling: {time_step: 2 fs}", "  sampling.time_step: 0.004 -> 0.002"),
        ("repeats: {seed: 7}", "  repeats.seed: 2026 -> 7"),
        ("solvent: {model: vacuum}", "  solvent.model: obc2 -> vacuum"),
        ("restraint: {kind: boresch}", "  restraint.kind: harmonic -> boresch"),
        ("ligands: {file: guests.sdf, equivalent_poses: 2}", "  ligands.equivalent_poses: 1 -> 2"),
    ],
)
def test_physics_changes_the_fingerprint_and_the_difference_is_named(text: str, difference: str) -> None:
    tree = {**yaml.safe_load(MINIMAL), **yaml.safe_load(text)}
    original, other = parse_protocol(MINIMAL), parse_protocol(yaml.safe_dump(tree))
    assert other.fingerprint() != original.fingerprint()
    assert protocol_difference(original, other) == difference


def test_the_content_of_inputs_is_part_of_the_fingerprint_and_their_order_counts() -> None:
    protocol = parse_protocol(MINIMAL)
    prints = {protocol.fingerprint(*inputs) for inputs in [(), (b"a",), (b"b",), (b"a", b"b"), (b"b", b"a"), (b"ab",)]}
    assert len(prints) == 6


def test_two_spellings_of_one_quantity_are_one_calculation() -> None:
    spelled = [parse_protocol(MINIMAL + f"sampling: {{time_step: {text}}}") for text in ("4 fs", "0.004 ps")]
    assert spelled[0].fingerprint() == spelled[1].fingerprint()


# What the flow asks of it


@pytest.mark.parametrize(
    ("text", "legs"),
    [
        ("", (LegKind.COMPLEX, LegKind.SOLVENT)),
        ("alchemy: {method: transfer}", (LegKind.TRANSFER,)),
        ("analytic: {}", (LegKind.COMPLEX,)),
    ],
)
def test_the_legs_follow_from_the_method(text: str, legs: tuple[LegKind, ...]) -> None:
    assert parse_protocol(MINIMAL + text).leg_kinds == legs


def test_a_row_that_is_not_given_stays_fully_on() -> None:
    schedule = parse_protocol(MINIMAL + "schedule: {solvent: {sterics: [1, 0.5, 0]}}").schedule_of(LegKind.SOLVENT)
    assert schedule.sterics == (1.0, 0.5, 0.0)
    assert schedule.electrostatics == schedule.restraints == schedule.transfer == (1.0, 1.0, 1.0)


def test_default_schedules_go_from_bound_to_free_without_charges_on_bare_atoms() -> None:
    protocol = Protocol.model_construct()
    for kind in (LegKind.COMPLEX, LegKind.SOLVENT):
        schedule = protocol.schedule_of(kind)
        assert schedule.sterics[0] == schedule.electrostatics[0] == 1.0
        assert schedule.sterics[-1] == schedule.electrostatics[-1] == 0.0
        for sterics, electrostatics in zip(schedule.sterics, schedule.electrostatics, strict=True):
            assert sterics == 1.0 or electrostatics == 0.0  # a charge without a core is a singularity
    complex_leg = protocol.schedule_of(LegKind.COMPLEX)
    assert complex_leg.restraints[0] == 0.0
    assert complex_leg.restraints[-1] == 1.0


LIGANDS_ONLY = "ligands: {file: l.sdf}\n"


def test_without_a_receptor_the_answer_is_a_hydration_free_energy() -> None:
    protocol = parse_protocol(LIGANDS_ONLY)
    assert protocol.hydration
    assert [kind.value for kind in protocol.leg_kinds] == ["solvent", "vacuum"]
    assert not parse_protocol("analytic: {}").hydration
    assert parse_protocol(dump_protocol(protocol)) == protocol


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("alchemy: {method: transfer}", "carries a ligand into a receptor; use decouple"),
        ("receptor: {name: CB7}", "give the file of receptor 'CB7', or no receptor.name"),
        ("restraint: {kind: axial}", "the section 'restraint' holds a ligand in a receptor"),
        ("schedule: {complex: {restraints: [0, 1], sterics: [1, 0]}}", "schedule.complex belongs to a receptor"),
        ("calibration: {file: absolute-prior}", "calibrators are fitted on binding free energies"),
    ],
)
def test_what_belongs_to_a_receptor_is_refused_without_one(text: str, says: str) -> None:
    message = refusal(LIGANDS_ONLY + text)
    assert "no receptor.file is given, which asks for a hydration free energy" in message
    assert says in message
