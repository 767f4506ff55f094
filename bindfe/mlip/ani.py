"""The ANI committees on a CPU or GPU in float64: energies of all members, forces of their mean.

Weights are read by torchani's own assembler; evaluation is ours, because torchani runs the members one
after the other and keeps features of elements that a molecule does not have. Stacked members and 240
instead of 1,008 features give the same energies (1e-10 kJ/mol) in half the time.

openmm-ml 1.8 has ANI too; its forces are ten times too small, so it is never used.
"""

from __future__ import annotations

import functools
import pickle
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from bindfe.errors import InputError, MissingDependency
from bindfe.mlip.catalogue import check_covers, find_weights, model_named, weight_paths
from bindfe.units import KJ_PER_HARTREE

Floats = NDArray[np.float64]

_FRAMES_AT_ONCE = 32
_CELU_ALPHA = 0.1  # the activation of all ANI networks ("TightCELU")
_ANGSTROM_PER_NM = 10.0
_SELF_ENERGIES = {"ani2x": "wb97x-631gd", "ani1x": "wb97x-631gd", "ani1ccx": "ccsd(t)star-cbs"}


class AniCommittee:
    """An ANI committee for one molecule; satisfies :class:`bindfe.mlip.committee.Committee`.

    Pickles as a handle (model, elements, members): the weights are found again where it is opened.
    """

    def __init__(
        self,
        model: str,
        *,
        numbers: Sequence[int],
        charge: int = 0,
        members: Sequence[int] | None = None,
        threads: int = 1,
    ) -> None:
        """Open a committee.

        Args:
            model: ``ani2x``, ``ani1x`` or ``ani1ccx``.
            numbers: Atomic number of each atom of the molecule, (N,).
            charge: Formal charge of the molecule [e].
            members: Which networks to keep; all by default.
            threads: Threads that torch uses in this process from now on. One molecule gains little from
                more than one, results depend on their number in the last bits, and torch's own choice,
                all cores, makes two workers on two cores fight for them.

        Raises:
            InputError: The molecule or a member is outside the model.
            MissingDependency: torchani or the weights are absent or unreadable.
        """
        known = model_named(model)
        check_covers(model, numbers, charge=charge)
        self._members = tuple(range(known.n_members)) if members is None else tuple(members)
        if not self._members or not set(self._members) <= set(range(known.n_members)):
            raise InputError(f"{known.title} has members 0 to {known.n_members - 1}, not {self._members}")
        self.name = model
        self.numbers = tuple(int(number) for number in numbers)
        torch.set_num_threads(threads)
        self._ani = _load(model, find_weights(model))
        self._networks = _networks(self._ani, self.numbers, self._members)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the handle, not the 55 MB of weights."""
        return _open_committee, (self.name, self.numbers, self._members)

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the members, (M,)."""
        return tuple(f"{self.name}-{member}" for member in self._members)

    def subset(self, members: Sequence[int]) -> AniCommittee:
        """The same committee with fewer members: one costs a third of eight."""
        return AniCommittee(self.name, numbers=self.numbers, members=[self._members[member] for member in members])

    def energies(self, positions_nm: ArrayLike) -> Floats:
        """Energies of all members [kJ/mol], (M, F), on frames (F, N, 3) [nm]; self energies included.

        Raises:
            InputError: The frames have another number of atoms.
        """
        frames = np.ascontiguousarray(positions_nm, dtype=float)  # torchani cannot read the strides of frames[:, atoms]
        if frames.ndim != 3 or frames.shape[1:] != (len(self.numbers), 3):
            raise InputError(f"frames of shape (any, {len(self.numbers)}, 3) are needed, found {frames.shape}")
        blocks = range(0, len(frames), _FRAMES_AT_ONCE)
        with torch.no_grad():
            parts = [self._evaluate(torch.tensor(frames[first : first + _FRAMES_AT_ONCE])) for first in blocks]
        if not parts:
            return np.empty((len(self._members), 0))
        return np.asarray(torch.cat(parts, dim=1).numpy() * KJ_PER_HARTREE, dtype=float)

    def mean_energy_and_forces(self, positions_nm: ArrayLike) -> tuple[float, Floats]:
        """Mean of the members' energies [kJ/mol] and minus its gradient [kJ/mol/nm], (N, 3), at (N, 3) [nm]."""
        positions = torch.tensor(np.ascontiguousarray(positions_nm, dtype=float)[None], requires_grad=True)
        with torch.enable_grad():
            energy = self._evaluate(positions).mean()
            (gradient,) = torch.autograd.grad(energy, positions)
        return float(energy.detach()) * KJ_PER_HARTREE, np.asarray(gradient[0].numpy() * -KJ_PER_HARTREE, dtype=float)

    def _evaluate(self, positions_nm: torch.Tensor) -> torch.Tensor:
        """Energies [Hartree], (M, F), of frames (F, N, 3) [nm]."""
        networks = self._networks
        elements = networks.elements.repeat(len(positions_nm), 1)
        features = self._ani.aev_computer(elements, positions_nm * _ANGSTROM_PER_NM)
        features = features.index_select(2, networks.features)
        parts = [network.energies(features) for network in networks.of_elements]
        return torch.stack(parts).sum(0) + networks.self_energy


@dataclass(frozen=True, kw_only=True, slots=True)
class _ElementNetworks:
    """The members' networks of one element, their weights side by side."""

    atoms: torch.Tensor
    """Atoms of the element, (A,)."""
    first: tuple[torch.Tensor, torch.Tensor]
    """Weights (features, M * width) and biases (M * width,) of the first layer."""
    others: tuple[tuple[torch.Tensor, torch.Tensor], ...]
    """Weights (M, in, out) and biases (M, 1, out) of the other layers; the last has out = 1."""

    def energies(self, features: torch.Tensor) -> torch.Tensor:
        """Energy of the element's atoms [Hartree], (M, F), from features (F, N, features)."""
        weight, bias = self.first
        rows = features.index_select(1, self.atoms).flatten(0, 1)
        members = len(self.others[0][0])
        hidden = _celu(torch.addmm(bias, rows, weight)).view(len(rows), members, -1).transpose(0, 1)
        for weight, bias in self.others[:-1]:
            hidden = _celu(torch.baddbmm(bias, hidden, weight))
        weight, bias = self.others[-1]
        return torch.baddbmm(bias, hidden, weight).view(members, len(features), -1).sum(2)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Networks:
    """What a committee needs for one molecule."""

    elements: torch.Tensor
    """torchani's element index of each atom, (1, N)."""
    features: torch.Tensor
    """Columns of the atomic environment vector that the molecule's elements can fill."""
    of_elements: tuple[_ElementNetworks, ...]
    """One for each element in the molecule."""
    self_energy: torch.Tensor
    """Sum of the atoms' self energies [Hartree], ()."""


def _celu(values: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.celu(values, _CELU_ALPHA)


def _networks(ani: Any, numbers: Sequence[int], members: Sequence[int]) -> _Networks:
    elements = ani.species_converter(torch.tensor([numbers]))
    present = sorted(set(elements[0].tolist()))
    columns = _columns(ani.aev_computer, present)
    networks = [ani.neural_networks.members[member] for member in members]
    return _Networks(
        elements=elements,
        features=columns,
        of_elements=tuple(
            _stack(
                [network.atomics[ani.symbols[element]] for network in networks],
                atoms=torch.nonzero(elements[0] == element)[:, 0],
                columns=columns,
            )
            for element in present
        ),
        self_energy=ani.energy_shifter(elements)[0],
    )


def _columns(computer: Any, present: Sequence[int]) -> torch.Tensor:
    """Columns of the environment vector: radial by element, then angular by pair of elements."""
    radial, angular = computer.radial.num_feats, computer.angular.num_feats
    pairs = sorted({int(computer.triu_index[a, b]) for a in present for b in present})
    blocks = [torch.arange(radial) + radial * element for element in present]
    blocks += [torch.arange(angular) + computer.radial_len + angular * pair for pair in pairs]
    return torch.cat(blocks)


def _stack(networks: Sequence[Any], *, atoms: torch.Tensor, columns: torch.Tensor) -> _ElementNetworks:
    layers = [[*network.layers, network.final_layer] for network in networks]
    return _ElementNetworks(
        atoms=atoms,
        first=(
            torch.cat([of_member[0].weight[:, columns] for of_member in layers]).T.contiguous(),
            torch.cat([of_member[0].bias for of_member in layers]),
        ),
        others=tuple(
            (
                torch.stack([of_member[depth].weight.T for of_member in layers]).contiguous(),
                torch.stack([of_member[depth].bias for of_member in layers])[:, None],
            )
            for depth in range(1, len(layers[0]))
        ),
    )


def _open_committee(model: str, numbers: tuple[int, ...], members: tuple[int, ...]) -> AniCommittee:
    return AniCommittee(model, numbers=numbers, members=members)


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
