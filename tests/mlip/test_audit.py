"""The audit's report, its limits in large and periodic Systems, and how much it costs."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import openmm
import pytest

from bindfe.errors import InputError
from bindfe.mlip.audit import AuditReport, audit_system
from bindfe.mlip.contract import Check
from bindfe.mlip.hybrid import add_potential
from tests.mlip.conftest import NUMBERS, Methanol
from tests.mlip.plugs import Morse


def audit(methanol: Methanol, **changed: Any) -> AuditReport:
    committee = Morse(NUMBERS)
    options: dict[str, Any] = {
        "plain": methanol.system,
        "region": methanol.atoms,
        "positions_nm": methanol.positions,
        "committee": committee,
        "offset": -3.0e5,
        "numbers": NUMBERS,
    }
    options |= changed
    return audit_system(
        add_potential(options["plain"], options["region"], committee=committee, offset=-3.0e5), **options
    )


def test_a_right_system_passes_in_a_continuum_and_in_a_box(in_continuum: Any, in_box: Any) -> None:
    for methanol in (in_continuum, in_box):
        report = audit(methanol)
        assert report.passed, str(report)
        assert str(report).startswith("audit of morse on 6 atoms: passed in")


def test_images_are_checked_where_there_are_some(in_continuum: Any, in_box: Any) -> None:
    def about_images(report: AuditReport) -> list[str]:
        return [check.name for check in report.checks if "image" in check.name]

    assert about_images(audit(in_continuum)) == []
    assert len(about_images(audit(in_box))) == 4


def test_a_triclinic_box_passes(in_box: Any) -> None:
    box = np.array([[2.6, 0.0, 0.0], [0.8, 2.5, 0.0], [-0.6, 0.9, 2.4]])
    assert audit(in_box, box_nm=box).passed


def test_a_barostat_does_not_disturb(in_box: Any) -> None:
    in_box.system.addForce(openmm.MonteCarloBarostat(1.0, 300.0, 1))
    assert audit(in_box).passed


def test_a_system_of_a_thousand_particles_passes(in_box: Any) -> None:
    """More than the Reference platform is asked for in whole: the CPU platform's sums are in single precision."""
    system, positions = in_box.system, [in_box.positions]
    grid = np.stack(np.meshgrid(*[np.arange(11) * 0.35] * 3), axis=-1).reshape(-1, 3)
    centre = in_box.positions.mean(axis=0)
    near = np.linalg.norm((grid - centre - 1.9 + 3.85) % 3.85 - 1.9, axis=1)
    argon = grid[near > 0.6][:1000]
    nonbonded = next(force for force in system.getForces() if isinstance(force, openmm.NonbondedForce))
    for _ in argon:
        system.addParticle(39.9)
        nonbonded.addParticle(0.0, 0.34, 1.0)
    system.setDefaultPeriodicBoxVectors((3.85, 0, 0), (0, 3.85, 0), (0, 0, 3.85))
    report = audit(in_box, positions_nm=np.concatenate([*positions, argon]))
    assert report.passed, str(report)


def test_a_failure_is_one_message_that_says_what_is_wrong(in_box: Any) -> None:
    with pytest.raises(InputError, match="the potential has the region's charge: 1") as raised:
        audit(in_box, charge=1).require()
    assert "nothing is simulated with it" in str(raised.value)


def test_numbers_that_are_not_finite_fail() -> None:
    report = AuditReport(
        model="m", n_atoms=1, checks=(Check(name="c", found=float("nan"), limits=(0, 1), unit=""),), seconds=0.0
    )
    assert not report.passed


def test_positions_of_another_system_are_refused(in_box: Any) -> None:
    with pytest.raises(InputError, match=r"positions of shape \(8, 3\) are needed"):
        audit(in_box, positions_nm=np.zeros((5, 3)))


@pytest.mark.mlip
def test_a_ligand_is_audited_in_a_second() -> None:
    """33 atoms, eight members, in a periodic box."""
    from rdkit import Chem
    from rdkit.Chem import AllChem

    from bindfe.build.alone import ligand_alone
    from bindfe.campaign.audit import audit_end
    from bindfe.chem.ligand import Ligand
    from bindfe.mlip import open_committee

    mol = Chem.AddHs(Chem.MolFromSmiles("CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O"))
    AllChem.EmbedMolecule(mol, randomSeed=7)
    AllChem.MMFFOptimizeMolecule(mol)
    plain = ligand_alone(Ligand(name="ibuprofen", mol=mol, source="test"))
    committee = open_committee("ani2x", numbers=[atom.GetAtomicNum() for atom in mol.GetAtoms()])
    offset = float(committee.energies(plain.positions[None]).mean())
    audit_end(plain, committee=committee, offset=offset).require()
    start = time.process_time()
    report = audit_end(plain, committee=committee, offset=offset)
    report.require()
    assert report.n_atoms == 33
    assert time.process_time() - start < 2.0  # measured: 0.6 s on a core that nothing else uses
