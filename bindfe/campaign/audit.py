"""The audit where bindfe itself builds a mixed System: before a run's first switch, and by itself on a ligand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bindfe.build.legfiles import PlainSystem
    from bindfe.chem.ligand import Ligand
    from bindfe.mlip.audit import AuditReport
    from bindfe.mlip.committee import Committee


def audit_end(plain: PlainSystem, *, committee: Committee, offset: float) -> AuditReport:
    """Audit the mixed System of a physical end as it will be simulated.

    Args:
        plain: The end: System, topology, coordinates.
        committee: What will drive.
        offset: Constant that is subtracted from its energy [kJ/mol].

    Returns:
        Every check with what was found; ``report.require()`` raises if one failed.

    Raises:
        InputError: The System's terms cannot be told apart.
    """
    from bindfe.mlip.audit import audit_system
    from bindfe.mlip.hybrid import add_potential

    atoms = list(plain.topology.atoms())
    return audit_system(
        add_potential(plain.system, plain.ligand_atoms, committee=committee, offset=offset),
        plain=plain.system,
        region=plain.ligand_atoms,
        positions_nm=plain.positions,
        box_nm=plain.box,
        committee=committee,
        offset=offset,
        numbers=[atoms[index].element.atomic_number for index in plain.ligand_atoms],
        charge=plain.ligand_charge,
    )


def audit_ligand(ligand: Ligand, *, model: str, multiplicity: int = 1) -> AuditReport:
    """Audit a model on a ligand alone in a periodic box, with bindfe's default parameters for the rest.

    The box is empty but for the ligand, so that images count and nothing costs time.

    Args:
        ligand: The molecule with its 3D structure.
        model: What :func:`bindfe.mlip.open_committee` opens.
        multiplicity: 2S + 1.

    Raises:
        InputError: The model does not cover the ligand, or there are no parameters for it.
        MissingDependency: Packages, parameters or weights are absent.
    """
    from bindfe.build.alone import ligand_alone
    from bindfe.mlip import open_committee
    from bindfe.mlip.internal import InternalEnergy

    numbers = [atom.GetAtomicNum() for atom in ligand.mol.GetAtoms()]
    committee = open_committee(model, numbers=numbers, charge=ligand.formal_charge, multiplicity=multiplicity)
    plain = ligand_alone(ligand)
    frames = plain.positions[None]
    internal = InternalEnergy.of(plain.system, plain.ligand_atoms)
    offset = float(committee.energies(frames).mean() - internal.energies(frames)[0])
    return audit_end(plain, committee=committee, offset=offset)
