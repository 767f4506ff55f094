"""Ligands without a pose placed on a crystal ligand in their receptor, and what is kept of how it went."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bindfe.chem.findings import Finding, failed
from bindfe.errors import InputError
from bindfe.protocol import Protocol

if TYPE_CHECKING:
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.pose import PlacedLigand
    from bindfe.chem.pose_contact import Pocket
    from bindfe.chem.receptor import Receptor

Tell = Callable[[str], None]
"""Called with a few words when something begins or was done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PoseNote:
    """Where a ligand was put, and how well it sits there."""

    reference: str
    """Name of the crystal ligand that it was placed on."""
    core_atoms: int
    """Heavy atoms that it shares with the reference."""
    core_rmsd_angstrom: float
    """How far they lie from the reference's, root mean square [A]."""
    contact_kcal_mol: float
    """Vina's contact energy with the receptor; no binding free energy."""
    strain_kcal_mol: float
    """MMFF94 energy above the ligand's free minimum."""
    clashes: int
    """Pairs of heavy atoms in one place."""
    mode: int
    """Which binding mode, from 0, the best."""
    modes: int
    """Binding modes that fit about equally well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LigandNote:
    """One ligand as it is calculated, and what was done to it."""

    name: str
    """Its name in the run."""
    source: str
    """File and record that it is from."""
    placed: bool
    """Whether its coordinates are a pose."""
    smiles: str
    """Canonical isomeric SMILES."""
    charge: int
    """Formal charge [e]."""
    changes: tuple[str, ...]
    """What was done to it, in words."""
    pose: PoseNote | None
    """Where it was put; None where its coordinates are the file's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeriesRecord:
    """What ``ligands.json`` says of ``ligands.sdf``."""

    source: str
    """File that the ligands are from."""
    digest: str
    """SHA-256 of that file and of the reference."""
    names: tuple[str, ...]
    """Records that were asked for; all if empty."""
    checksums: Mapping[str, str]
    """SHA-256 of ``ligands.sdf``."""
    ligands: tuple[LigandNote, ...]
    """Those that are calculated, in the order of the file."""
    findings: tuple[Finding, ...]
    """Warnings, and a failure for each ligand that cannot be used."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MadeLigands:
    """A series on its way into a run directory."""

    ligands: tuple[Ligand, ...]
    notes: tuple[LigandNote, ...]
    findings: tuple[Finding, ...]
    poses: tuple[PlacedLigand, ...]
    """Every binding mode of every ligand that was placed."""
    reference: Ligand | None


def read_reference(path: Path) -> Ligand:
    """A crystal ligand, with or without hydrogens, that others are placed on.

    Raises:
        InputError: The file cannot be read, holds several molecules, or no 3D structure.
    """
    from bindfe.chem.checks import check_coordinates
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.moleculefile import parse_record, read_file_records

    records = read_file_records(path)
    if len(records) != 1:
        raise InputError(f"{path}: holds {len(records)} records; a reference is one crystal ligand")
    mol = parse_record(records[0])
    check_coordinates(mol, place=records[0].place)
    return Ligand(name=records[0].title or path.stem, mol=mol, source=str(path))


def place_all(
    protocol: Protocol,
    receptor: Receptor,
    wanted: Sequence[Ligand],
    changes: Mapping[str, tuple[str, ...]],
    findings: list[Finding],
    tell: Tell,
) -> MadeLigands:
    """Poses as given, or made on the reference; a ligand that has none and can have none is refused."""
    from bindfe.chem.pose_findings import no_pose
    from bindfe.chem.site import receptor_pocket

    reference = read_reference(Path(protocol.ligands.reference)) if protocol.ligands.reference else None
    guides = [ligand.positions for ligand in wanted if ligand.placed]
    pocket = receptor_pocket(receptor, [*guides, *([reference.positions] if reference else [])])
    taken = {ligand.name for ligand in wanted}
    kept: list[Ligand] = []
    notes: list[LigandNote] = []
    poses: list[PlacedLigand] = []
    for ligand in wanted:
        done = changes.get(ligand.name, ())
        if ligand.placed:
            kept.append(ligand)
            notes.append(note_of(ligand, done, None))
        elif reference is None:
            findings.append(no_pose(ligand))
        else:
            tell(f"placing {ligand.name} on {reference.name}")
            modes, found = place_in_pocket(ligand, reference, pocket)
            findings += [_with_choice(f, protocol.ligands.modes) for f in found if f.level != "pass"]
            poses += modes
            if any(finding.level == "fail" for finding in found):
                continue
            for mode in modes if protocol.ligands.modes == "all" else modes[:1]:
                own = replace(mode.ligand, name=_mode_name(ligand.name, mode.mode, taken))
                kept.append(own)
                notes.append(note_of(own, done, _pose_note(mode, reference, len(modes))))
    return MadeLigands(
        ligands=tuple(kept), notes=tuple(notes), findings=tuple(findings), poses=tuple(poses), reference=reference
    )


def _with_choice(finding: Finding, chosen: str) -> Finding:
    """What becomes of binding modes that cannot be told apart."""
    if finding.check != "binding-modes":
        return finding
    words = (
        "each is run" if chosen == "all" else "the first is run; all are in poses.sdf, and ligands.modes: all runs each"
    )
    return replace(finding, advice=f"{words}; {finding.advice}")


def place_in_pocket(
    ligand: Ligand, reference: Ligand, pocket: Pocket
) -> tuple[tuple[PlacedLigand, ...], tuple[Finding, ...]]:
    """A ligand's binding modes on a reference, the best first, and what is wrong with them; none if it has none."""
    from bindfe.chem.pose import place_ligand
    from bindfe.chem.pose_findings import frame_findings, place_findings

    try:
        modes = place_ligand(ligand, reference, pocket)
    except InputError as error:
        check = "no-common-core" if "heavy atoms with the reference" in str(error) else "pose"
        message, _, advice = str(error).removeprefix(f"{ligand.name}: ").partition("; ")
        return (), (failed(check, message, advice=advice, ligand=ligand.name),)
    return modes, (*frame_findings(modes[0].ligand, pocket), *place_findings(modes))


def _mode_name(name: str, mode: int, taken: set[str]) -> str:
    """The best mode has the ligand's name; the others say which they are."""
    new = f"{name}-mode{mode + 1}" if mode else name
    while mode and new in taken:
        new += "-pose"
    taken.add(new)
    return new


def note_of(ligand: Ligand, changes: tuple[str, ...], pose: PoseNote | None) -> LigandNote:
    """What is kept of a ligand."""
    placed = () if pose is None else (f"placed on {pose.reference} by {pose.core_atoms} atoms",)
    return LigandNote(
        name=ligand.name,
        source=ligand.source,
        placed=ligand.placed,
        smiles=ligand.smiles,
        charge=ligand.formal_charge,
        changes=(*changes, *placed),
        pose=pose,
    )


def _pose_note(pose: PlacedLigand, reference: Ligand, modes: int) -> PoseNote:
    return PoseNote(
        reference=reference.name,
        core_atoms=len(pose.core),
        core_rmsd_angstrom=10 * pose.core_rmsd,
        contact_kcal_mol=pose.contact,
        strain_kcal_mol=pose.strain,
        clashes=len(pose.clashes),
        mode=pose.mode,
        modes=modes,
    )
