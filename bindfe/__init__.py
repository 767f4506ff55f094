"""Calibrated binding free energies: a value, and an interval that holds as often as it says.

::

    import bindfe

    result = bindfe.run("protocols/quickstart.yaml")
    for prediction in result.predictions:
        low, high = prediction.interval(0.95)
        print(prediction.ligand, prediction.location_kcal_mol, low, high)

Names are imported when they are first used, so ``import bindfe`` takes milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bindfe.campaign.pipeline import RunResult, extend, reestimate, run
    from bindfe.campaign.prepare import PrepareResult, prepare
    from bindfe.chem.affinity import read_affinities
    from bindfe.chem.intake import Series, read_series
    from bindfe.chem.ligand import Ligand, read_ligands
    from bindfe.chem.receptor import Receptor, read_receptor
    from bindfe.errors import BindfeError
    from bindfe.interop import read_calculations
    from bindfe.protocol import Protocol, dump_protocol, load_protocol
    from bindfe.results import Affinity, BindingEstimate, LegEstimate, Prediction, UncertaintyBudget
    from bindfe.sample.plumed import PlumedBias
    from bindfe.uncertainty.calibrate import Calibrator, load_calibrator

__version__ = "0.1.0"

_HOMES = {
    "bindfe.campaign.pipeline": ("RunResult", "extend", "reestimate", "run"),
    "bindfe.campaign.prepare": ("PrepareResult", "prepare"),
    "bindfe.chem.affinity": ("read_affinities",),
    "bindfe.chem.intake": ("Series", "read_series"),
    "bindfe.chem.ligand": ("Ligand", "read_ligands"),
    "bindfe.chem.receptor": ("Receptor", "read_receptor"),
    "bindfe.errors": ("BindfeError",),
    "bindfe.interop": ("read_calculations",),
    "bindfe.protocol": ("Protocol", "dump_protocol", "load_protocol"),
    "bindfe.results": ("Affinity", "BindingEstimate", "LegEstimate", "Prediction", "UncertaintyBudget"),
    "bindfe.sample.plumed": ("PlumedBias",),
    "bindfe.uncertainty.calibrate": ("Calibrator", "load_calibrator"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Affinity",
    "BindfeError",
    "BindingEstimate",
    "Calibrator",
    "LegEstimate",
    "Ligand",
    "PlumedBias",
    "Prediction",
    "PrepareResult",
    "Protocol",
    "Receptor",
    "RunResult",
    "Series",
    "UncertaintyBudget",
    "dump_protocol",
    "extend",
    "load_calibrator",
    "load_protocol",
    "prepare",
    "read_affinities",
    "read_calculations",
    "read_ligands",
    "read_receptor",
    "read_series",
    "reestimate",
    "run",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its room when it is first used."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'bindfe' has no attribute '{name}'")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return [*__all__, "__version__"]
