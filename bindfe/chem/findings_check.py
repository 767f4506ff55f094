"""One check of the pre-flight: what it looks for and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One check."""

    name: str
    """As in a finding."""
    group: str
    """Chapter that it is in."""
    looks_for: str
    """What it looks for, as a noun."""
    level: str
    """``fail``, ``warn``, or both with the line between them."""
    says: tuple[str, ...]
    """Its messages; what stands in braces is filled in."""

    def matches(self, message: str) -> bool:
        """Whether a message is one of its messages."""
        return any(re.fullmatch(_pattern(form), message, flags=re.DOTALL) for form in self.says)


def _pattern(form: str) -> str:
    pieces = re.split(r"\{[^}]*\}", form)
    return ".+".join(re.escape(piece) for piece in pieces)


def checks_of(group: str) -> Callable[..., Check]:
    """Maker of one chapter's checks: called with a name, a level, what is looked for, and the messages."""

    def check(name: str, level: str, looks_for: str, *says: str) -> Check:
        return Check(name=name, group=group, looks_for=looks_for, level=level, says=says)

    return check
