"""Settings of the molecules that are bound: their file, and what is decided before they are calculated."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator

from bindfe.protocol.fields import Section, setting

PoseCount = int | Literal["auto"]
"""Equivalent poses of a ligand; ``auto`` counts them from the molecule and its anchors."""


def _pose_counts(value: object) -> object:
    """One count for all ligands, or one for each title, which YAML may have read as a number."""
    if isinstance(value, dict):
        return {str(title): _pose_count(count) for title, count in value.items()}
    return _pose_count(value)


def _pose_count(value: object) -> object:
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError(
        f"a whole number from 1 upwards or auto is needed, for all ligands or as `title: number`; found {value!r}"
    )


class LigandSettings(Section):
    """The molecules that are bound."""

    file: str = setting(
        "",
        "SDF or MOL2, one record a ligand, placed in the receptor's frame if there is one; SMILES, CSV and drawings "
        "need a reference there",
    )
    names: tuple[str, ...] = setting((), "which records to run, by title; all if empty", physics=False)
    measured: str = setting("", "CSV of measured values, shown beside the results and never used", physics=False)
    equivalent_poses: Annotated[PoseCount | dict[str, PoseCount], BeforeValidator(_pose_counts)] = setting(
        1,
        "symmetry-equivalent bound poses that the restraint excludes (a centroid: 1), for all ligands or by title (1 "
        "for others); auto counts them from molecule and anchors, which is right for ligands that do not turn",
    )
    ph: float | None = setting(
        None, "pH whose state of charge each ligand gets, hydrogens with it; null: as the file has it", ge=0, le=14
    )
    stereo: Literal["refuse", "enumerate"] = setting(
        "refuse", "stereochemistry that a drawing or a SMILES leaves open: refuse the ligand, or run every isomer"
    )
    salts: Literal["strip", "refuse"] = setting(
        "strip", "counter-ions and solvents beside a ligand: leave them out and say so, or refuse the ligand"
    )
    templates: dict[str, str] = setting({}, "SMILES by title, which give that record bond orders, charges, hydrogens")
    reference: str = setting(
        "", "SDF or MOL2 of one crystal ligand in the receptor; ligands without a pose are placed on it", physics=False
    )
    modes: Literal["best", "all"] = setting(
        "best", "binding modes that fit the reference about equally: run the best, or each (NAME, NAME-mode2 ...)"
    )
