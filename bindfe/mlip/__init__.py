"""Machine-learned potentials of a ligand: committees, and the mixed ML/MM System that they drive.

torch, torchani and openmm-ml are imported here and nowhere else, and only when a model is loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bindfe.mlip.audit import AuditReport, audit_system
    from bindfe.mlip.contract import ContractReport, check_potential
    from bindfe.mlip.hybrid import add_potential, embed_potential
    from bindfe.mlip.open import open_committee
    from bindfe.mlip.region import Region, cut_region
    from bindfe.mlip.safety import SafePotential

__all__ = [
    "AuditReport",
    "ContractReport",
    "Region",
    "SafePotential",
    "add_potential",
    "audit_system",
    "check_potential",
    "cut_region",
    "embed_potential",
    "open_committee",
]

_HOME_OF = {
    "AuditReport": "bindfe.mlip.audit",
    "ContractReport": "bindfe.mlip.contract",
    "Region": "bindfe.mlip.region",
    "SafePotential": "bindfe.mlip.safety",
    "add_potential": "bindfe.mlip.hybrid",
    "audit_system": "bindfe.mlip.audit",
    "check_potential": "bindfe.mlip.contract",
    "cut_region": "bindfe.mlip.region",
    "embed_potential": "bindfe.mlip.hybrid",
    "open_committee": "bindfe.mlip.open",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module when it is first used."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'bindfe.mlip' has no attribute '{name}'")
    return getattr(import_module(_HOME_OF[name]), name)
