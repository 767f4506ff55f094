"""Every check of the pre-flight by name, chapter by chapter. ``docs/preflight.md`` is made of it."""

from __future__ import annotations

from bindfe.chem.catalogue_catalysts import CATALYST_CHECKS
from bindfe.chem.catalogue_edges import EDGE_CHECKS
from bindfe.chem.catalogue_ligands import LIGAND_CHECKS, POSE_CHECKS
from bindfe.chem.catalogue_receptor import RECEPTOR_CHECKS
from bindfe.chem.catalogue_settings import SETTINGS_CHECKS
from bindfe.chem.findings_check import Check

CHECKS: dict[str, Check] = {
    check.name: check
    for checks in (LIGAND_CHECKS, POSE_CHECKS, RECEPTOR_CHECKS, EDGE_CHECKS, SETTINGS_CHECKS, CATALYST_CHECKS)
    for check in checks
}
"""The checks, by name, chapter by chapter."""
