"""Settings of the molecule that binds: its file, and what is done to a protein before it has parameters."""

from __future__ import annotations

from typing import Literal

from bindfe.protocol.fields import Section, setting


class ReceptorSettings(Section):
    """The molecule that binds."""

    file: str = setting(
        "",
        "structure with hydrogens and 3D coordinates: SDF or MOL2 (host), PDB or mmCIF (protein); "
        "empty: no receptor, and the answer is the hydration free energy of each ligand",
    )
    name: str = setting("", "name in results; the file's stem if empty", physics=False)
    ph: float = setting(7.0, "pH of the protonation states (protein)", ge=0, le=14)
    protonation: Literal["auto", "propka", "given"] = setting(
        "auto", "hydrogens of a protein: those of the file, or by propka's pKa; auto: the file's if it has most of them"
    )
    states: tuple[str, ...] = setting(
        (), "protonation by hand, as A:HIS31=HIE: HID HIE HIP ASP ASH GLU GLH LYS LYN CYS CYX CYM (protein)"
    )
    gaps: Literal["cap", "build", "refuse"] = setting(
        "cap", "residues missing inside of a chain: cap both sides, build them (SEQRES is needed), or refuse (protein)"
    )
    modified: Literal["refuse", "replace"] = setting(
        "refuse", "modified residues: refuse, or replace by the standard residue they come from (protein)"
    )
    drop: tuple[str, ...] = setting(
        (),
        "residues to leave out, by name or as A:HOH301, or chains, as 'B:': crystal ligands, buffer, water (protein)",
    )
    waters: Literal["keep", "drop"] = setting("keep", "water of the file (protein); implicit solvent has none")
    templates: tuple[str, ...] = setting(
        (),
        "OpenMM force field XML files with a residue for each modified amino acid that the structure names (protein)",
        physics=False,
    )
    cofactors: tuple[str, ...] = setting(
        (), "SDF files of cofactors, with hydrogens, in the protein's frame; they belong to the receptor", physics=False
    )
