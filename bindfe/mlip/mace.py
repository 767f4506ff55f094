"""MACE models of a molecule: energies of all members, forces of their mean, in double precision.

mace-torch evaluates; neighbours are found here, in torch, among the atoms of one molecule that is whole, so a
step takes no detour over a neighbour list on the CPU. Members run one after the other: their operations are
compiled per model, and nothing is shared.

Source:
    Batatia, Kovacs, Simm, Ortner, Csanyi, NeurIPS 2022, doi:10.48550/arXiv.2206.07697.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import pickle
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from bindfe.errors import InputError, MissingDependency
from bindfe.mlip.catalogue import check_elements, symbol
from bindfe.mlip.weights import check_file

Floats = NDArray[np.float64]

_FRAMES_AT_ONCE = 16
_ANGSTROM_PER_NM = 10.0
_KJ_PER_EV = 96.48533212331  # e N_A, CODATA 2018 (exact)
_UNSAFE_LOADING = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


@dataclass(frozen=True, kw_only=True, slots=True)
class MaceFile:
    """A pickled MACE model, and the checksum that its user vouches for."""

    path: Path
    """Where it lies."""
    sha256: str
    """Its SHA-256, or the first 16 digits of it or more. Without it the file is not opened."""


class MaceCommittee:
    """One or more MACE models of one neutral molecule with a closed shell.

    Satisfies :class:`~bindfe.mlip.committee.Committee`, ``DividesCommittee`` and ``DescribesAtoms``. Pickles as a
    handle: the files are checked and opened again where it is opened.
    """

    def __init__(
        self,
        name: str,
        files: Sequence[MaceFile],
        *,
        numbers: Sequence[int],
        members: Sequence[int] | None = None,
        threads: int = 1,
    ) -> None:
        """Open the models.

        Args:
            name: What the committee is called.
            files: One model each.
            numbers: Atomic number of each atom of the molecule, (N,).
            members: Which files to keep; all by default.
            threads: Threads that torch uses in this process from now on.

        Raises:
            InputError: A file is not a MACE model, is not vouched for or does not know an element of the
                molecule; there is no such member.
            MissingDependency: mace-torch is absent, or a file is not the one that was meant.
        """
        self._members = tuple(range(len(files))) if members is None else tuple(int(member) for member in members)
        if not self._members or not set(self._members) <= set(range(len(files))):
            raise InputError(f"{name} has members 0 to {len(files) - 1}, not {self._members}")
        self.name = name
        self.numbers = tuple(int(number) for number in numbers)
        self._files = tuple(files)
        torch.set_num_threads(threads)
        self._models = []
        for member in self._members:
            file = self._files[member]
            check_file(file.path, known=(), strict=True, title=name, pin=file.sha256, pickled=True)
            model = _load(file.path, file.sha256)
            check_elements(self.numbers, [symbol(z) for z in model.atomic_numbers.tolist()], title=str(file.path.name))
            self._models.append(model)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the handle, not the weights."""
        return _reopen, (self.name, self._files, self.numbers, self._members)

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the members, (M,)."""
        return tuple(f"{self.name}-{member}" for member in self._members)

    def subset(self, members: Sequence[int]) -> MaceCommittee:
        """The same committee with these members, by number, in this order."""
        return _reopen(self.name, self._files, self.numbers, tuple(self._members[member] for member in members))

    def energies(self, positions_nm: ArrayLike) -> Floats:
        """Energies of all members [kJ/mol], (M, F), on frames (F, N, 3) [nm]; self energies included.

        Raises:
            InputError: The frames have another number of atoms.
        """
        frames = self._frames(positions_nm)
        energies = np.empty((len(self._models), len(frames)))
        for row, model in enumerate(self._models):
            for block, result in self._evaluate_blocks(model, frames):
                energies[row, block] = result["energy"].numpy() * _KJ_PER_EV
        return energies

    def mean_energy_and_forces(self, positions_nm: ArrayLike) -> tuple[float, Floats]:
        """Mean of the members' energies [kJ/mol] and minus its gradient [kJ/mol/nm], (N, 3), at (N, 3) [nm]."""
        frame = self._frames(np.asarray(positions_nm, dtype=float)[None])
        positions = torch.tensor(frame, requires_grad=True)
        with torch.enable_grad():
            results = [self._evaluate(model, positions)["energy"][0] for model in self._models]
            energy = torch.stack(results).mean()
            (gradient,) = torch.autograd.grad(energy, positions)
        return float(energy.detach()) * _KJ_PER_EV, gradient[0].numpy() * -_KJ_PER_EV

    def atomic_energies(self, positions_nm: ArrayLike) -> Floats:
        """Atoms' parts of the members' energies [kJ/mol], (M, F, N), on frames (F, N, 3) [nm]."""
        frames = self._frames(positions_nm)
        parts = np.empty((len(self._models), *frames.shape[:2]))
        for row, model in enumerate(self._models):
            for block, result in self._evaluate_blocks(model, frames):
                parts[row, block] = result["node_energy"].view(-1, len(self.numbers)).numpy() * _KJ_PER_EV
        return parts

    def features(self, positions_nm: ArrayLike) -> Floats:
        """Node features of the first member (F, N, D), no unit, on frames (F, N, 3) [nm]; invariant part only."""
        frames = self._frames(positions_nm)
        model = self._models[0]
        kept = _invariant(model)
        parts = [
            result["node_feats"][:, kept].view(-1, len(self.numbers), len(kept)).numpy()
            for _, result in self._evaluate_blocks(model, frames)
        ]
        return np.concatenate(parts) if parts else np.empty((0, len(self.numbers), len(kept)))

    def _frames(self, positions_nm: ArrayLike) -> Floats:
        frames = np.ascontiguousarray(positions_nm, dtype=float)
        if frames.ndim != 3 or frames.shape[1:] != (len(self.numbers), 3):
            raise InputError(f"frames of shape (any, {len(self.numbers)}, 3) are needed, found {frames.shape}")
        return frames

    def _evaluate_blocks(self, model: Any, frames: Floats) -> Iterator[tuple[slice, dict[str, torch.Tensor]]]:
        with torch.no_grad():
            for first in range(0, len(frames), _FRAMES_AT_ONCE):
                block = slice(first, first + _FRAMES_AT_ONCE)
                yield block, self._evaluate(model, torch.tensor(frames[block]))

    def _evaluate(self, model: Any, positions_nm: torch.Tensor) -> dict[str, torch.Tensor]:
        """What a model says of frames (F, N, 3) [nm], each a graph of its own."""
        n_frames, n_atoms = positions_nm.shape[:2]
        positions = (positions_nm * _ANGSTROM_PER_NM).flatten(0, 1)
        edges = _neighbours(positions.detach().view(n_frames, n_atoms, 3), float(model.r_max))
        nothing = positions.new_zeros(edges.shape[1], 3)
        data = {
            "positions": positions,
            "node_attrs": _one_hot(self.numbers, tuple(model.atomic_numbers.tolist())).repeat(n_frames, 1),
            "edge_index": edges,
            "shifts": nothing,
            "unit_shifts": nothing,
            "cell": positions.new_zeros(3 * n_frames, 3),
            "batch": torch.arange(n_frames).repeat_interleave(n_atoms),
            "ptr": torch.arange(n_frames + 1) * n_atoms,
            "head": torch.zeros(n_frames, dtype=torch.long),
            "total_charge": positions.new_zeros(n_frames),
            "total_spin": positions.new_ones(n_frames),
        }
        result: dict[str, torch.Tensor] = model(data, training=False, compute_force=False)
        return result


def _reopen(
    name: str, files: tuple[MaceFile, ...], numbers: tuple[int, ...], members: tuple[int, ...]
) -> MaceCommittee:
    return MaceCommittee(name, files, numbers=numbers, members=members, threads=torch.get_num_threads())


def _neighbours(positions: torch.Tensor, cutoff: float) -> torch.Tensor:
    """Directed pairs of atoms within a distance [Angstrom] in frames (F, N, 3), numbered through: (2, E)."""
    n_atoms = positions.shape[1]
    near = (positions[:, None] - positions[:, :, None]).square().sum(-1) < cutoff**2
    near &= ~torch.eye(n_atoms, dtype=torch.bool)
    frame, sender, receiver = torch.nonzero(near, as_tuple=True)
    return torch.stack([sender, receiver]) + frame * n_atoms


@functools.lru_cache(maxsize=8)
def _one_hot(numbers: tuple[int, ...], known: tuple[int, ...]) -> torch.Tensor:
    """Which element each atom is, (N, elements)."""
    return torch.nn.functional.one_hot(torch.tensor([known.index(z) for z in numbers]), len(known)).double()


def _invariant(model: Any) -> list[int]:
    """Columns of the node features that do not turn with the molecule."""
    kept: list[int] = []
    start = 0
    for product in model.products:
        for multiplicity, (degree, _) in product.linear.irreps_out:
            width = multiplicity * (2 * degree + 1)
            kept += range(start, start + width) if degree == 0 else []
            start += width
    return kept


@functools.lru_cache(maxsize=8)
def _load(path: Path, _sha256: str) -> Any:
    """The model in a file whose checksum was compared already, in double precision, its weights frozen."""
    _import_mace()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of source code that has changed since the model was written
            model = torch.load(path, map_location="cpu", weights_only=False)
    except (OSError, EOFError, RuntimeError, ValueError, AttributeError, ImportError, pickle.UnpicklingError) as error:
        raise InputError(f"{path} is not a MACE model ({str(error).splitlines()[0]})") from error
    if not isinstance(model, torch.nn.Module) or not all(hasattr(model, name) for name in ("r_max", "atomic_numbers")):
        raise InputError(f"{path} is not a MACE model: it holds a {type(model).__name__}")
    return model.double().requires_grad_(False)


@functools.cache
def _import_mace() -> None:
    """Import mace-torch quietly, and take back what it does to every later torch.load of the process."""
    before = os.environ.get(_UNSAFE_LOADING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            import mace.modules.models  # noqa: F401
    except ImportError as error:
        raise MissingDependency(f"MACE models need mace-torch: pip install 'bindfe[mace]' ({error})") from error
    finally:
        os.environ.pop(_UNSAFE_LOADING, None)
        if before is not None:
            os.environ[_UNSAFE_LOADING] = before
