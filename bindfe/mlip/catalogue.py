"""Which committees bindfe knows, what they cover, and where their weights lie. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bindfe.errors import InputError

_SYMBOLS = {1: "H", 3: "Li", 5: "B", 6: "C", 7: "N", 8: "O", 9: "F", 11: "Na", 12: "Mg", 14: "Si", 15: "P", 16: "S"}
_SYMBOLS |= {17: "Cl", 19: "K", 20: "Ca", 26: "Fe", 29: "Cu", 30: "Zn", 34: "Se", 35: "Br", 46: "Pd", 53: "I"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A published committee of neural networks."""

    name: str
    """Name in protocol files."""
    title: str
    """Name in sentences."""
    symbols: tuple[str, ...]
    """Elements that it was trained on."""
    n_members: int
    """Networks in the committee."""
    level: str
    """Electronic structure method that it reproduces."""
    weights: str
    """File name of its weights."""
    licence: str
    """Licence of the weights."""
    source: str
    """Publication."""


MODELS: dict[str, Model] = {
    "ani2x": Model(
        name="ani2x",
        title="ANI-2x",
        symbols=("H", "C", "N", "O", "S", "F", "Cl"),
        n_members=8,
        level="wB97X/6-31G(d)",
        weights="ani2x_state_dict.pt",
        licence="MIT",
        source="Devereux et al., J. Chem. Theory Comput. 16, 4192 (2020), doi:10.1021/acs.jctc.0c00121",
    ),
    "ani1x": Model(
        name="ani1x",
        title="ANI-1x",
        symbols=("H", "C", "N", "O"),
        n_members=8,
        level="wB97X/6-31G(d)",
        weights="ani1x_state_dict.pt",
        licence="MIT",
        source="Smith et al., J. Chem. Phys. 148, 241733 (2018), doi:10.1063/1.5023802",
    ),
    "ani1ccx": Model(
        name="ani1ccx",
        title="ANI-1ccx",
        symbols=("H", "C", "N", "O"),
        n_members=8,
        level="CCSD(T)*/CBS",
        weights="ani1ccx_state_dict.pt",
        licence="MIT",
        source="Smith et al., Nat. Commun. 10, 2903 (2019), doi:10.1038/s41467-019-10827-4",
    ),
}
"""The committees, by the name that a protocol uses."""


def model_named(name: str) -> Model:
    """Look a committee up.

    Raises:
        InputError: bindfe does not know the name.
    """
    if name not in MODELS:
        raise InputError(f"there is no committee '{name}'; known: {', '.join(MODELS)}")
    return MODELS[name]


def weight_paths(name: str) -> tuple[Path, ...]:
    """Where a committee's weights are looked for, in this order; none of them need exist.

    ``$BINDFE_DATA/models/torchani`` comes first, then torchani's own directory: ``$TORCHANI_DATA_DIR``
    or ``~/.local/share/Torchani``. They are only read.
    """
    places = [Path(os.environ["BINDFE_DATA"], "models", "torchani")] if os.environ.get("BINDFE_DATA") else []
    own = os.environ.get("TORCHANI_DATA_DIR")
    places.append(Path(own) if own else Path.home() / ".local" / "share" / "Torchani")
    return tuple(place / "StateDicts" / model_named(name).weights for place in places)


def find_weights(name: str) -> Path | None:
    """The weights of a committee on this machine, or None."""
    return next((path for path in weight_paths(name) if path.is_file()), None)


def check_covers(name: str, numbers: Sequence[int], *, charge: int = 0) -> None:
    """Refuse a molecule outside what a committee was trained on.

    Args:
        name: Name of the committee.
        numbers: Atomic number of each atom, (N,).
        charge: Formal charge of the molecule [e].

    Raises:
        InputError: Foreign elements (atoms named), a charge, or an odd number of electrons.
    """
    model = model_named(name)
    foreign = [(index, z) for index, z in enumerate(numbers) if _SYMBOLS.get(z) not in model.symbols]
    if foreign:
        atoms = ", ".join(f"{_symbol(z)} (atom {index})" for index, z in foreign[:8])
        more = f" and {len(foreign) - 8} more" if len(foreign) > 8 else ""
        raise InputError(
            f"{model.title} knows {', '.join(model.symbols)}; the molecule has {atoms}{more}: "
            "choose another committee.model, or 'none'"
        )
    if charge != 0:
        raise InputError(
            f"{model.title} knows neutral molecules; this one has charge {charge:+d}: set committee.model to 'none'"
        )
    if sum(numbers) % 2:
        raise InputError(
            f"{model.title} knows closed shells; this molecule has {sum(numbers)} electrons, an odd number: "
            "check its hydrogens"
        )


def _symbol(number: int) -> str:
    return _SYMBOLS.get(number, f"element {number}")
