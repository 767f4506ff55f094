"""What openmm-ml finds of bindfe. It imports this module when it is imported itself, so it is a light one.

The classes do not derive from openmm-ml's: those are not there yet at that moment, and it does not ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bindfe.mlip.plugin import CommitteePotential, SwitchedEmbedding


class CommitteeFactory:
    """What openmm-ml calls for ``MLPotential("bindfe-committee", ...)``."""

    def createImpl(self, name: str, **options: Any) -> CommitteePotential:
        """A potential of one model.

        Args:
            name: ``bindfe-committee``.
            options: ``model`` with what :func:`bindfe.mlip.open_committee` takes (``charge``,
                ``multiplicity``, ``members``, ``threads``), or ``committee``, one that is open.

        Raises:
            InputError: Neither a model nor a committee, or an option that is not known.
        """
        from bindfe.mlip.plugin import CommitteePotential

        return CommitteePotential(**options)


class SwitchedFactory:
    """What openmm-ml calls for ``embedding="bindfe-mechanical"``."""

    def createEmbedding(self, name: str) -> SwitchedEmbedding:
        """The embedding."""
        from bindfe.mlip.plugin import SwitchedEmbedding

        return SwitchedEmbedding()
