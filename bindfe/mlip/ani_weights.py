"""The weights of the ANI committees, read by torchani's own assembler."""

from __future__ import annotations

import functools
import pickle
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bindfe.errors import MissingDependency
from bindfe.mlip.catalogue import find_weights, model_named, weight_paths

_SELF_ENERGIES = {"ani2x": "wb97x-631gd", "ani1x": "wb97x-631gd", "ani1ccx": "ccsd(t)star-cbs"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ElementLayers:
    """The members' networks of one element, over the columns that the molecule fills."""

    atoms: tuple[int, ...]
    """Atoms of the element in the molecule."""
    weights: tuple[torch.Tensor, ...]
    """Of each layer, (M, in, out)."""
    biases: tuple[torch.Tensor, ...]
    """Of each layer, (M, out)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AniNetworks:
    """What an ANI committee is for one molecule, in double precision."""

    computer: Any
    """torchani's module of atomic environment vectors, with the constants of the description."""
    elements: torch.Tensor
    """torchani's element index of each atom, (N,)."""
    columns: torch.Tensor
    """Columns of torchani's vector that the molecule's elements fill, (D,)."""
    of_elements: tuple[ElementLayers, ...]
    """One for each element in the molecule, by torchani's index."""
    self_energy: float
    """Sum of the atoms' self energies [Hartree]."""


def ani_networks(model: str, numbers: Sequence[int], members: Sequence[int]) -> AniNetworks:
    """Read a committee's networks of a molecule.

    Args:
        model: ``ani2x``, ``ani1x`` or ``ani1ccx``.
        numbers: Atomic number of each atom, (N,).
        members: Which networks.

    Raises:
        MissingDependency: torchani or the weights are absent or unreadable.
    """
    ani = _load(model, find_weights(model))
    elements = ani.species_converter(torch.tensor([list(numbers)]))
    present = sorted(set(elements[0].tolist()))
    columns = _columns(ani.aev_computer, present)
    networks = [ani.neural_networks.members[member] for member in members]
    return AniNetworks(
        computer=ani.aev_computer,
        elements=elements[0],
        columns=columns,
        of_elements=tuple(
            _layers(
                [network.atomics[ani.symbols[element]] for network in networks],
                atoms=tuple(torch.nonzero(elements[0] == element)[:, 0].tolist()),
                columns=columns,
            )
            for element in present
        ),
        self_energy=float(ani.energy_shifter(elements)[0]),
    )


def _columns(computer: Any, present: Sequence[int]) -> torch.Tensor:
    """Columns of the environment vector: radial by element, then angular by pair of elements."""
    radial, angular = computer.radial.num_feats, computer.angular.num_feats
    pairs = sorted({int(computer.triu_index[a, b]) for a in present for b in present})
    blocks = [torch.arange(radial) + radial * element for element in present]
    blocks += [torch.arange(angular) + computer.radial_len + angular * pair for pair in pairs]
    return torch.cat(blocks)


def _layers(networks: Sequence[Any], *, atoms: tuple[int, ...], columns: torch.Tensor) -> ElementLayers:
    layers = [[*network.layers, network.final_layer] for network in networks]
    weights = [torch.stack([of_member[depth].weight.T for of_member in layers]) for depth in range(len(layers[0]))]
    return ElementLayers(
        atoms=atoms,
        weights=(weights[0][:, columns], *weights[1:]),
        biases=tuple(torch.stack([of_member[depth].bias for of_member in layers]) for depth in range(len(layers[0]))),
    )


@functools.lru_cache(maxsize=2)
def _load(model: str, path: Path | None) -> Any:
    """A torchani model with its weights, in float64, its weights' gradients frozen."""
    ani = _download(model) if path is None else _assemble(model, path)
    return ani.double().requires_grad_(False)


def _torchani() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns on every CPU that its CUDA extensions were not built
            import torchani.arch
            import torchani.models
    except ImportError as error:
        raise MissingDependency(f"committees need torchani: pip install torchani ({error})") from error
    return torchani


def _assemble(model: str, path: Path) -> Any:
    """Build a model and fill it from a local file.

    torchani's own factories open the file through huggingface_hub, which writes locks beside it: that
    fails where weights are shared read-only.
    """
    assembler = _torchani().arch.Assembler(periodic_table_index=True)
    known = model_named(model)
    kind = "ani2x" if model == "ani2x" else "ani1x"
    assembler.set_symbols(known.symbols)
    assembler.set_atomic_networks(ctor=kind)
    assembler.set_global_cutoff_fn("cosine")
    assembler.set_aev_computer(radial=kind, angular=kind, strategy="pyaev")
    assembler.set_neighborlist("all_pairs")
    assembler.set_gsaes_as_self_energies(_SELF_ENERGIES[model])
    ani = assembler.assemble(known.n_members)
    try:
        ani.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise MissingDependency(
            f"{path} does not hold the weights of {known.title} ({str(error).splitlines()[0]}); "
            "delete it, and bindfe fetches it again, or copy it again"
        ) from error
    return ani


def _download(model: str) -> Any:
    """Let torchani fetch the weights into its own directory."""
    known = model_named(model)
    factory = {"ani2x": "ANI2x", "ani1x": "ANI1x", "ani1ccx": "ANI1ccx"}[model]
    models = _torchani().models
    try:
        return getattr(models, factory)()
    except OSError as error:
        looked = " and ".join(str(path) for path in weight_paths(model))
        raise MissingDependency(
            f"the weights of {known.title} are not at {looked}, and they could not be downloaded ({error}); "
            f"put {known.weights} there, or set BINDFE_DATA to a directory that has models/torchani/StateDicts"
        ) from error
