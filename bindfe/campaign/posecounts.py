"""What ``ligands.equivalent_poses`` says of each ligand: one number for all, or some by title."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from bindfe.chem.findings import Finding, failed
from bindfe.protocol import Protocol
from bindfe.protocol.ligands import PoseCount


def poses_asked(protocol: Protocol, name: str) -> PoseCount:
    """What ``ligands.equivalent_poses`` says of a ligand, by its name or its title; 1 if nothing.

    A binding mode (``NAME-mode2``) and an isomer (``NAME-R``) have the number of their ligand, unless they are named.
    """
    counts = protocol.ligands.equivalent_poses
    if not isinstance(counts, dict):
        return counts
    base = re.sub(r"-mode\d+$", "", name) if protocol.ligands.modes == "all" else name
    parent = base.rpartition("-")[0] if protocol.ligands.stereo == "enumerate" else base
    for each in (name, base, parent):
        for title, count in counts.items():
            if _is_called(each, title):
                return count
    return 1


def given_counts(protocol: Protocol) -> tuple[int, ...]:
    """Numbers in ``ligands.equivalent_poses``; ``auto`` is none."""
    counts = protocol.ligands.equivalent_poses
    return tuple(n for n in (counts.values() if isinstance(counts, dict) else [counts]) if n != "auto")


def title_findings(protocol: Protocol, names: Collection[str]) -> tuple[Finding, ...]:
    """A failure if ``ligands.equivalent_poses`` names what neither the series nor its file has.

    Args:
        protocol: Its section ``ligands``.
        names: Ligands that were read, refused ones as well; those of the file that were not asked for may be named.
    """
    counts = protocol.ligands.equivalent_poses
    if not isinstance(counts, dict):
        return ()
    known = {*names, *_names_of(Path(protocol.ligands.file))}
    strange = [title for title in counts if not any(_is_called(name, title) for name in known)]
    if not strange:
        return ()
    words = f"ligands.equivalent_poses names {', '.join(strange)}, and no ligand is called so"
    listed = ", ".join(sorted(known)[:8]) + (" ..." if len(known) > 8 else "")
    return (failed("equivalent-poses", words, advice=f"correct the title; there are {listed}"),)


def _names_of(path: Path) -> tuple[str, ...]:
    """Names of all ligands of a file; none if it is no longer there."""
    from bindfe.chem.intake import names_in

    return names_in(path) if path.is_file() else ()


def _is_called(name: str, title: str) -> bool:
    """Whether a ligand's name is a title, or the file name that is made of it."""
    from bindfe.chem.ligand import possible_names

    return name in possible_names(title)
