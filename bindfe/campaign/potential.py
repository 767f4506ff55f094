"""The committee's part of a calculation: energies on stored frames, and the correction to the potential."""

from __future__ import annotations

from bindfe.errors import BindfeError
from bindfe.estimate.cycle import Correction
from bindfe.protocol import Protocol
from bindfe.results import CommitteeReport
from bindfe.store import Run


def apply_committee(run: Run, protocol: Protocol, names: tuple[str, ...]) -> dict[str, BindfeError]:
    """Evaluate the committee on stored frames; filled in with the mlip room."""
    raise NotImplementedError


def stored_corrections(run: Run, protocol: Protocol, name: str) -> tuple[Correction, ...]:
    """Corrections that a run has stored."""
    return ()


def committee_reports(run: Run, protocol: Protocol, name: str) -> tuple[CommitteeReport, ...]:
    """What the committee says of each environment."""
    return ()
