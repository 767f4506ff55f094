"""Machine-learned potentials of a ligand: committees, and the mixed ML/MM System that they drive.

torch, torchani and openmm-ml are imported here and nowhere else, and only when a model is loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bindfe.mlip.contract import ContractReport, check_potential
    from bindfe.mlip.open import open_committee

__all__ = ["ContractReport", "check_potential", "open_committee"]

_HOME_OF = {
    "ContractReport": "bindfe.mlip.contract",
    "check_potential": "bindfe.mlip.contract",
    "open_committee": "bindfe.mlip.open",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module when it is first used."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'bindfe.mlip' has no attribute '{name}'")
    return getattr(import_module(_HOME_OF[name]), name)
