"""Everything that one run's page shows, as plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bindfe.errors import BindfeError
from bindfe.results import Affinity, AtomReport, BindingEstimate, CommitteeReport, LegEstimate, PathResult, Prediction

DEFAULT_COVERAGES = (0.5, 0.68, 0.9, 0.95)
"""Coverages of the reported intervals where a protocol says nothing else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A ligand that has no number, and why."""

    ligand: str
    """Name of the ligand."""
    reason: str
    """Coded reason: the error's class in lower case with underscores, for example ``estimate_error``."""
    message: str
    """What was found, what was needed and what to do."""


def failure_of(ligand: str, error: BindfeError) -> Failure:
    """The coded reason of an error, for ``prediction.json`` and the page."""
    name = type(error).__name__
    code = "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")
    return Failure(ligand=ligand, reason=code, message=str(error))


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """What one part of a run cost."""

    stage: str
    """For example ``complex`` or ``committee``."""
    repeat: int | None = None
    """Which repeat, from 0; None if the part belongs to all."""
    ns_per_day: float | None = None
    """Speed of the dynamics, all replicas together [ns/day]; None without dynamics."""
    wall_seconds: float
    """Wall-clock time [s]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """One thing that was seen, chosen or changed before anything ran."""

    level: Literal["pass", "warn", "fail"]
    """``warn`` if somebody should look at it."""
    check: str
    """Which check, in kebab case."""
    text: str
    """What was found or done."""
    advice: str
    """What to do; empty if there is nothing to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Where a ligand comes from, and how it was made ready."""

    rows: Mapping[str, tuple[str, ...]]
    """Label to sentences, in reading order; empty if nothing is known."""
    remarks: tuple[Remark, ...] = ()
    """What was found on the way."""
    pose_svg: str = ""
    """The ligand in its pose, as SVG text; empty without a receptor."""
    placing_svg: str = ""
    """Binding modes and the crystal ligand that they were placed on, as SVG text; empty if the pose was given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LigandMaterial:
    """Everything of one ligand."""

    prediction: Prediction
    """The answer."""
    binding: BindingEstimate
    """The cycle that it comes from."""
    force_field: Prediction | None = None
    """The answer before the correction to a learned potential; None without one."""
    legs: tuple[LegEstimate, ...] = ()
    """Every leg of every repeat; each says which it is."""
    path: PathResult | None = None
    """The way out of the site, where the number comes from one; None for alchemy."""
    committee: tuple[CommitteeReport, ...] = ()
    """What a committee says, one record for each environment; empty without a committee."""
    atoms: AtomReport | None = None
    """What it says atom by atom, on the frames that it drove; None where it drove nothing."""
    depiction_svg: str = ""
    """The molecule drawn, as SVG text; empty if there is no molecule."""
    measured: Affinity | None = None
    """Measured value, if known."""
    exact_kcal_mol: float | None = None
    """Exact answer of an analytic model [kcal/mol]; None for molecules."""
    timings: tuple[Timing, ...] = ()
    """What each part cost."""
    origin: Origin | None = None
    """Where it comes from; None if nothing is known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportMaterial:
    """Everything of one run."""

    name: str
    """Name of the run."""
    protocol_yaml: str
    """The resolved protocol."""
    summary: Mapping[str, str]
    """The protocol in a few lines: label to text; see :func:`bindfe.report.summary.summarise`."""
    ligands: tuple[LigandMaterial, ...]
    """Ligands with a number, in the order of the run."""
    failures: tuple[Failure, ...] = ()
    """Ligands without one."""
    unconverged: tuple[PathResult, ...] = ()
    """What was seen of those among them whose path did not pass its gates."""
    hydration: bool = False
    """Whether the answers are free energies of hydration and not of binding."""
    coverages: tuple[float, ...] = DEFAULT_COVERAGES
    """Coverages of the intervals (0 to 1)."""
    minimum_overlap: float = 0.03
    """Overlap of neighbouring states below which a user is warned."""
    provenance: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Sections (versions, platform, seeds, files ...), each label to text."""
    warnings: tuple[str, ...] = ()
    """Warnings of the run as a whole, in plain words."""
    receptor: tuple[Remark, ...] = ()
    """What was done to a protein, each change and each choice; empty for a host."""
