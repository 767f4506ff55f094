"""Where the molecules of a run come from and what was done to them, in words for its page."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from pathlib import Path

from bindfe.campaign.placing import LigandNote, PoseNote, SeriesRecord
from bindfe.campaign.receptor import CompletedReceptor
from bindfe.chem.findings import Finding
from bindfe.protocol import Protocol
from bindfe.report.material import Origin, Remark
from bindfe.results import PreparedLeg
from bindfe.states import AxialRestraint, BoreschRestraint, CentroidRestraint, LegKind, Restraint
from bindfe.store import Run, read_record

ROOM_FOR_DRAWINGS = 1_200_000
"""Size of all drawings of poses in a page [bytes]; the page says where those lie that are not in it."""


def receptor_remarks(run: Run) -> tuple[Remark, ...]:
    """Every change that was made to a protein and every choice; empty for a host and in older run directories."""
    path = run.root / "receptor.json"
    return tuple(map(_remark, read_record(path, CompletedReceptor).findings)) if path.exists() else ()


def series_record(run: Run) -> SeriesRecord | None:
    """What was done to the ligands; None for a model without molecules and in older run directories."""
    path = run.root / "ligands.json"
    return read_record(path, SeriesRecord) if path.exists() else None


def origin_of(run: Run, protocol: Protocol, name: str, series: SeriesRecord | None, *, room: int) -> Origin:
    """Everything that is known of how a ligand, or an edge, was made ready.

    Args:
        run: The run directory.
        protocol: Its protocol.
        name: The ligand, or the edge ``a~b``.
        series: What was done to all ligands.
        room: Size of the pose's drawings above which they are left to their files [bytes].
    """
    ends = name.split("~") if protocol.relative else [name]
    notes = [note for note in (series.ligands if series else ()) if note.name in ends]
    rows: dict[str, tuple[str, ...]] = {}
    for note in notes:
        rows |= _molecule(note, prefix=f"{note.name}: " if len(ends) > 1 else "")
    for kind in protocol.leg_kinds:
        rows |= _leg(run, name, kind)
    drawings, left = _drawings(run.ligand(name), room)
    if left:
        rows["drawn in"] = (", ".join(f"{name}/{file}" for file in left),)
    findings = [f for f in (series.findings if series else ()) if f.ligand in ends and f.level != "fail"]
    return Origin(
        rows=rows,
        remarks=tuple(map(_remark, findings)),
        pose_svg=drawings.get("pose.svg", ""),
        placing_svg=drawings.get("placing.svg", ""),
    )


def _remark(finding: Finding) -> Remark:
    return Remark(level=finding.level, check=finding.check, text=finding.message, advice=finding.advice)


def _drawings(directory: Path, room: int) -> tuple[dict[str, str], list[str]]:
    """Drawings that fit into so many bytes, and the names of those that do not."""
    fitting, left = {}, []
    for file in ("pose.svg", "placing.svg"):
        text = (directory / file).read_text(encoding="utf-8") if (directory / file).exists() else ""
        if len(text) > room:
            left.append(file)
        elif text:
            fitting[file] = text
            room -= len(text)
    return fitting, left


def _molecule(note: LigandNote, *, prefix: str) -> dict[str, tuple[str, ...]]:
    rows: dict[str, tuple[str, ...]] = {
        f"{prefix}read from": (note.source,),
        f"{prefix}molecule": (f"{note.smiles}, charge {note.charge:+d}" if note.charge else note.smiles,),
        f"{prefix}changes": note.changes or ("none: calculated as the file has it",),
    }
    if note.pose is not None:
        rows[f"{prefix}pose"] = (_placed(note.pose),)
    return rows


def _placed(pose: PoseNote) -> str:
    mode = f"; binding mode {pose.mode + 1} of {pose.modes} that fit about equally" if pose.modes > 1 else ""
    clashes = f"{pose.clashes} clashes" if pose.clashes else "no clash"
    return (
        f"placed on {pose.reference}: {pose.core_atoms} atoms within {pose.core_rmsd_angstrom:.2f} A, contacts "
        f"{pose.contact_kcal_mol:.1f} kcal/mol (Vina's terms), strain {pose.strain_kcal_mol:.1f} kcal/mol (MMFF94), "
        f"{clashes}{mode}"
    )


def _leg(run: Run, name: str, kind: LegKind) -> dict[str, tuple[str, ...]]:
    """What holds the ligand in a leg and why, and which ions are discharged with it."""
    directory = run.prepared(name, kind)
    if not (directory / "leg.json").exists():
        return {}
    record = read_record(directory / "leg.json", PreparedLeg)
    topology = next((path for path in directory.glob("topology.cif*")), None)
    rows: dict[str, tuple[str, ...]] = {}
    if record.restraint is not None and topology is not None:
        reason = (f"Why these: {record.restraint_reason}.",) if record.restraint_reason else ()
        rows["held by"] = (_held(record.restraint, topology), *reason)
    if record.counterions and topology is not None:
        ions = atom_labels(topology, record.counterions)
        text = f"{', '.join(ions)} lose their charge together with the ligand, so that the box stays neutral"
        rows[f"counter-ions, {kind.value} leg"] = (text,)
    return rows


def _held(restraint: Restraint, topology: Path) -> str:
    if isinstance(restraint, BoreschRestraint):
        receptor = ", ".join(atom_labels(topology, restraint.receptor_atoms))
        ligand = ", ".join(label.split()[-1] for label in atom_labels(topology, restraint.ligand_atoms))
        apart = f"the first of each are {10 * restraint.distance:.1f} A apart"
        return f"six springs between {receptor} and the ligand's {ligand}; {apart}"
    ends = f"{len(restraint.receptor_atoms)} atoms of the receptor and {len(restraint.ligand_atoms)} of the ligand"
    if isinstance(restraint, AxialRestraint):
        return f"a spring between the centroids of {ends}, and one that aligns their axes"
    return f"{_well(restraint)} between the centroids of {ends}"


def _well(restraint: CentroidRestraint) -> str:
    return f"a well, flat up to {10 * restraint.flat_radius:.1f} A," if restraint.flat_radius else "a spring"


def atom_labels(topology: Path, indices: Iterable[int]) -> tuple[str, ...]:
    """Names of atoms of a leg, ``A:LEU84 CA``, by their indices in its ``topology.cif`` or ``topology.cif.gz``."""
    with gzip.open(topology, "rt") if topology.suffix == ".gz" else topology.open(encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    columns = [line.removeprefix("_atom_site.") for line in lines if line.startswith("_atom_site.")]
    atoms = [line.split() for line in lines if line.startswith(("ATOM", "HETATM"))]
    return tuple(_label(dict(zip(columns, atoms[index], strict=False))) for index in indices)


def _label(atom: Mapping[str, str]) -> str:
    chain, residue, number, name = (
        atom.get(f"auth_{key}", "?").strip('"') for key in ("asym_id", "comp_id", "seq_id", "atom_id")
    )
    return f"{chain}:{residue}{number} {name}"
