"""openmm-ml's own ANI: forces ten times too small, total energies in single precision.

Measured in openmm-ml 1.8, read in the sources of 1.6 and 1.7: ``_computeANI`` differentiates by positions in
Angstrom, turns Hartree into kJ/mol, and returns the result as forces, which a PythonForce takes to be in
kJ/mol/nm. Energies are right. The report for its developers is docs/upstream-openmm-ml-ani.md. Should a test
here fail after an update of openmm-ml, it has been mended: then say so here and there. bindfe does not use
that path.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Any

import numpy as np
import openmm
import pytest

from bindfe.mlip.audit import audit_system
from bindfe.mlip.hybrid import MLIP_GROUP
from tests.mlip.conftest import NUMBERS, Methanol, build

pytestmark = [
    pytest.mark.mlip,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif("BINDFE_DATA" not in os.environ, reason="openmm-ml looks for weights in TORCHANI_DATA_DIR only"),
]

FAILS = ("1.6", "1.7", "1.8")
"""Versions of openmm-ml that have the fault."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A directory of weights that torchani may write locks into."""
    own = tmp_path_factory.mktemp("torchani")
    (own / "StateDicts").mkdir()
    (own / "StateDicts" / "ani2x_state_dict.pt").symlink_to(
        os.path.join(os.environ["BINDFE_DATA"], "models", "torchani", "StateDicts", "ani2x_state_dict.pt")
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCHANI_DATA_DIR", str(own))
        yield


@pytest.fixture(scope="module")
def theirs(weights: None) -> tuple[Methanol, openmm.System]:
    from openmmml.mlpotential import MLPotential

    methanol = build(method=openmm.NonbondedForce.NoCutoff, continuum=True, first=2)
    mixed = MLPotential("ani2x").createMixedSystem(
        methanol.topology,
        methanol.system,
        list(methanol.atoms),
        removeConstraints=False,
        forceGroup=MLIP_GROUP,
        modelIndex=0,
        device="cpu",
    )
    return methanol, mixed


def energy_and_forces(system: openmm.System, positions: np.ndarray) -> tuple[float, np.ndarray]:
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions)
    state = context.getState(energy=True, forces=True, groups={MLIP_GROUP})
    return state.getPotentialEnergy()._value, np.array(state.getForces(asNumpy=True)._value)


def test_its_forces_are_a_tenth_of_the_gradient_of_its_energy(theirs: tuple[Methanol, openmm.System]) -> None:
    methanol, mixed = theirs
    _, forces = energy_and_forces(mixed, methanol.positions)
    direction = forces / np.linalg.norm(forces)
    step = 1e-3  # nm along a unit vector: long enough for single precision
    ahead, behind = (energy_and_forces(mixed, methanol.positions + sign * step * direction)[0] for sign in (1, -1))
    ratio = float((forces * direction).sum()) / -((ahead - behind) / (2 * step))
    assert version("openmmml").startswith(FAILS)
    assert ratio == pytest.approx(0.1, abs=0.005)


def test_its_energy_moves_in_steps_of_single_precision(theirs: tuple[Methanol, openmm.System]) -> None:
    methanol, mixed = theirs
    where = methanol.positions.copy()
    found = set()
    for shift in np.linspace(0.0, 1e-3, 41):
        where[methanol.atoms[0], 0] = methanol.positions[methanol.atoms[0], 0] + shift
        found.add(energy_and_forces(mixed, where)[0])
    steps = np.diff(sorted(found))
    assert abs(max(found)) > 2.6e5  # with the atoms' self energies
    assert steps.min() == pytest.approx(abs(np.spacing(np.float32(max(found)))), rel=1e-3)  # 0.03 kJ/mol


def test_the_audit_refuses_it(theirs: tuple[Methanol, openmm.System]) -> None:
    from bindfe.mlip import open_committee

    methanol, mixed = theirs
    committee = open_committee("ani2x", numbers=NUMBERS, members=[0])
    report = audit_system(
        mixed,
        plain=methanol.system,
        region=methanol.atoms,
        positions_nm=methanol.positions,
        committee=committee,
        offset=0.0,
        numbers=NUMBERS,
    )
    failed = {check.name: check for check in report.failures}
    remark = failed["forces are minus the gradient of the energy"].remark
    assert float(remark.split()[2]) == pytest.approx(0.1, abs=0.005)
    assert "the energy is smooth" in failed
    assert "energy is conserved" in failed
