"""A System from somebody else: bindfe's own potentials are opened, anything else is named and refused, unrun."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import openmm
import pytest

from bindfe.errors import InputError
from bindfe.mlip.handle import read_system
from bindfe.mlip.hybrid import PotentialForce, add_potential
from tests.mlip.conftest import NUMBERS
from tests.mlip.plugs import Springs


class Bomb:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)

    def __call__(self, state: Any) -> Any:
        return 0.0, None


def xml_of(call: Any) -> str:
    system = openmm.System()
    system.addParticle(1.0)
    system.addForce(openmm.PythonForce(call))
    return openmm.XmlSerializer.serialize(system)


def test_a_system_without_python_is_read(in_box: Any) -> None:
    assert read_system(openmm.XmlSerializer.serialize(in_box.system)).getNumParticles() == 8


@pytest.mark.mlip
def test_our_own_potential_is_read(in_box: Any) -> None:
    from bindfe.mlip import open_committee

    committee = open_committee("ani2x", numbers=NUMBERS)
    mixed = add_potential(in_box.system, in_box.atoms, committee=committee, offset=0.0)
    again = read_system(openmm.XmlSerializer.serialize(mixed))
    assert again.getNumForces() == mixed.getNumForces()


def test_a_command_is_refused_and_not_run(tmp_path: Path) -> None:
    text = xml_of(Bomb(f"touch {tmp_path / 'run'}"))
    with pytest.raises(InputError, match=r"would import .*system"):
        read_system(text)
    assert not (tmp_path / "run").exists()


def test_a_command_inside_our_own_force_is_refused(tmp_path: Path) -> None:
    text = xml_of(PotentialForce(Bomb(f"touch {tmp_path / 'run'}"), offset=0.0, periodic=False))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"would import .*system"):
        read_system(text)
    assert not (tmp_path / "run").exists()


def test_what_our_modules_import_is_not_ours() -> None:
    content = b"cbindfe.mlip.hybrid\nwarnings\n."
    text = xml_of(PotentialForce(Springs(), offset=0.0, periodic=False))
    start = text.index('function="') + len('function="')
    changed = text[:start] + content.hex() + text[text.index('"', start) :]
    with pytest.raises(InputError, match=r"bindfe\.mlip\.hybrid:warnings"):
        read_system(changed)


def test_a_potential_that_is_not_ours_is_refused() -> None:
    with pytest.raises(InputError, match=r"tests\.mlip\.plugs:Springs"):
        read_system(xml_of(PotentialForce(Springs(), offset=0.0, periodic=False)))


@pytest.mark.parametrize("content", ["zz", "8004", pickle.dumps(3)[:-1].hex()])
def test_a_damaged_force_is_refused(content: str) -> None:
    text = xml_of(PotentialForce(Springs(), offset=0.0, periodic=False))
    start = text.index('function="') + len('function="')
    with pytest.raises(InputError, match="cannot be read"):
        read_system(text[:start] + content + text[text.index('"', start) :])
