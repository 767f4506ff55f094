"""What the pre-flight looks at in a protein: its file, what it is completed to, and its states of protonation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bindfe.chem.findings import Finding, failed, passed, worst_level
from bindfe.errors import InputError, MissingDependency
from bindfe.protocol import Protocol
from bindfe.results import Floats

if TYPE_CHECKING:
    from bindfe.build.protein import PreparedReceptor
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.receptor import Receptor


def look_at_site(
    protocol: Protocol, receptor: Receptor, ligands: Sequence[Ligand]
) -> tuple[Receptor | None, Sequence[Finding]]:
    """The receptor as it would be simulated, if it can be, and what is wrong with a protein where the ligands bind."""
    from bindfe.build.residues import template_names
    from bindfe.chem.findings_backbone import backbone_findings
    from bindfe.chem.findings_cofactor import cofactor_findings
    from bindfe.chem.findings_facing import facing_findings
    from bindfe.chem.findings_overlap import overlap_findings
    from bindfe.chem.findings_protein import protein_findings
    from bindfe.chem.findings_site import site_findings
    from bindfe.chem.findings_torn import torn_residues

    if receptor.mol is not None:
        return receptor, ()
    heavy = {ligand.name: _heavy([ligand]) for ligand in ligands}
    drop = protocol.receptor.drop
    dry = protocol.receptor.waters == "drop" if protocol.solvent.explicit else None
    torn = torn_residues(receptor.structure, drop=drop)
    found = protein_findings(
        receptor.structure,
        heavy,
        drop=drop,
        keep_water=dry is False,
        replace_modified=protocol.receptor.modified == "replace",
        cofactors=_heavy(receptor.cofactors),
        described=template_names(receptor.templates),
        torn=torn,
    )
    found = (
        *found,
        *overlap_findings(receptor.structure, drop=drop),
        *cofactor_findings(receptor.structure, receptor.cofactors, heavy, drop=drop),
        *backbone_findings(receptor.structure, drop=(*drop, *torn)),
        *site_findings(receptor, ligands, drop=drop, all_waters=dry),
    )
    if worst_level(found) == "fail":
        return None, found
    prepared, told = complete_receptor(protocol, receptor)
    if prepared is None:
        return None, (*found, *told)
    facing = facing_findings(prepared.receptor.structure, ligands)
    return prepared.receptor, (*found, *told, *facing, *_given_states(protocol, prepared, ligands))


def complete_receptor(protocol: Protocol, receptor: Receptor) -> tuple[PreparedReceptor | None, Sequence[Finding]]:
    """What becomes of a protein when it is completed, as a run would do it."""
    from bindfe.build.protein import prepare_receptor

    try:
        prepared = prepare_receptor(receptor, protocol)
    except (InputError, MissingDependency) as error:
        return None, (failed("receptor", str(error), advice=""),)
    known = ("protein-gap", "merged-chains")  # told with the distance
    told = tuple(each for each in prepared.findings if each.check not in known)
    return prepared, told


def _given_states(protocol: Protocol, prepared: PreparedReceptor, ligands: Sequence[Ligand]) -> Sequence[Finding]:
    """States that the file's hydrogens show and the pKa excludes; nothing where the states are propka's own."""
    from bindfe.build.proteinsaid import pkas_of
    from bindfe.chem.findings_given import given_state_findings

    if not prepared.given:
        return ()
    structure = prepared.receptor.structure
    try:
        pkas = pkas_of(prepared.receptor.pdb)
    except (InputError, MissingDependency) as error:
        return (passed("given-state", f"not looked at: {error}"),)
    return given_state_findings(structure, pkas, ligands, ph=protocol.receptor.ph, by_hand=prepared.by_hand)


def _heavy(ligands: Iterable[Ligand]) -> Floats:
    """Heavy atoms of ligands [nm], (N, 3)."""
    rows = [x for ligand in ligands for x, e in zip(ligand.positions, ligand.elements, strict=True) if e != "H"]
    return np.array(rows, dtype=float).reshape(-1, 3)
