"""The AIMNet2 committee: energies of all members, forces of their mean, on a CPU or GPU.

The members have one architecture and one radial basis, so they are evaluated as one: convolutions and layers
are batched matrix products over members. The equations are those of the paper; the weights are read as plain
tensors. Dispersion (D3 with Becke-Johnson damping) is the same for all members and comes from the library of
its authors, in closed form and double precision.

Source:
    Anstine, Zubatyuk, Isayev, Chem. Sci. 16, 10228 (2025), doi:10.1039/D4SC08572H; dispersion: Grimme,
    Ehrlich, Goerigk, J. Comput. Chem. 32, 1456 (2011), doi:10.1002/jcc.21759, with the parameters of wB97M.
"""

from __future__ import annotations

import functools
import math
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from bindfe.errors import InputError, MissingDependency
from bindfe.mlip.catalogue import check_covers, model_named
from bindfe.mlip.dispersion import Dispersion
from bindfe.mlip.weights import required_file

Floats = NDArray[np.float64]
Precision = Literal["mixed", "double"]

_FRAMES_AT_ONCE = 16
_ANGSTROM_PER_NM = 10.0
_KJ_PER_EV = 96.48533212331  # e N_A, CODATA 2018 (exact)
_COULOMB_EV_ANGSTROM = (
    14.3996448  # e^2 / (4 pi eps0), with the Hartree and the Bohr radius the models were trained with
)
_SPREAD = 1e-6  # keeps the division by the sum of the charge equilibration's weights finite


class AimnetCommittee:
    """An AIMNet2 committee for one molecule, charged or not; closed shells only.

    Satisfies :class:`~bindfe.mlip.committee.Committee`, ``DividesCommittee`` and ``DescribesAtoms``. Pickles as a
    handle (model, elements, charge, members): the weights are read again where it is opened.
    """

    def __init__(
        self,
        model: str = "aimnet2",
        *,
        numbers: Sequence[int],
        charge: int = 0,
        members: Sequence[int] | None = None,
        precision: Precision = "mixed",
        threads: int = 1,
    ) -> None:
        """Open a committee.

        Args:
            model: Its name in the catalogue.
            numbers: Atomic number of each atom of the molecule, (N,).
            charge: Charge of the molecule [e].
            members: Which members to keep; all by default.
            precision: ``mixed`` has the networks' layers in single precision, as they were trained, and
                geometry, charges, Coulomb energy, dispersion and sums in double: the energy is smooth to
                1e-3 kJ/mol, at about a third of the cost of ``double``.
            threads: Threads that torch uses in this process from now on.

        Raises:
            InputError: The molecule is outside the model, or there is no such member.
            MissingDependency: The weights or the dispersion library are absent, or the weights are not those that
                were published.
        """
        known = model_named(model)
        check_covers(model, numbers, charge=charge)
        self._members = tuple(range(known.n_members)) if members is None else tuple(int(member) for member in members)
        if not self._members or not set(self._members) <= set(range(known.n_members)):
            raise InputError(f"{known.title} has members 0 to {known.n_members - 1}, not {self._members}")
        self.name = model
        self.numbers = tuple(int(number) for number in numbers)
        self.charge = int(charge)
        self.precision: Precision = precision
        paths = tuple(required_file(known.files[member], title=known.title) for member in self._members)
        torch.set_num_threads(threads)
        layers = torch.float32 if precision == "mixed" else torch.float64
        self._weights = _load(paths, layers)
        self._dispersion = Dispersion(self.numbers, **self._weights.dispersion)
        elements = torch.tensor(self.numbers)
        self._start = self._weights.embedding[:, elements]
        self._shift = self._weights.shift[:, elements]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the handle, not the 35 MB of weights."""
        return _reopen, (self.name, self.numbers, self.charge, self._members, self.precision)

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the members, (M,)."""
        return tuple(f"{self.name}-{member}" for member in self._members)

    def subset(self, members: Sequence[int]) -> AimnetCommittee:
        """The same committee with these members, by number, in this order."""
        kept = tuple(self._members[member] for member in members)
        return _reopen(self.name, self.numbers, self.charge, kept, self.precision)

    def energies(self, positions_nm: ArrayLike) -> Floats:
        """Energies of all members [kJ/mol], (M, F), on frames (F, N, 3) [nm]; self energies included.

        Raises:
            InputError: The frames have another number of atoms.
        """
        frames = self._frames(positions_nm)
        energies = np.empty((len(self._members), len(frames)))
        for block, network in self._evaluate_blocks(frames):
            energies[:, block] = network.energies().numpy() * _KJ_PER_EV
        energies += np.array([self._dispersion.energy(frame) for frame in frames])
        return energies

    def mean_energy_and_forces(self, positions_nm: ArrayLike) -> tuple[float, Floats]:
        """Mean of the members' energies [kJ/mol] and minus its gradient [kJ/mol/nm], (N, 3), at (N, 3) [nm]."""
        frame = self._frames(np.asarray(positions_nm, dtype=float)[None])
        positions = torch.tensor(frame, requires_grad=True)
        with torch.enable_grad():
            energy = self._evaluate(positions).energies().mean()
            (gradient,) = torch.autograd.grad(energy, positions)
        dispersion, force = self._dispersion.energy_and_forces(frame[0])
        return float(energy.detach()) * _KJ_PER_EV + dispersion, gradient[0].numpy() * -_KJ_PER_EV + force

    def atomic_energies(self, positions_nm: ArrayLike) -> Floats:
        """Atoms' parts of the members' energies [kJ/mol], (M, F, N), on frames (F, N, 3) [nm].

        Half of each pair's Coulomb and dispersion energy goes to either atom. Self energies are left out.
        """
        frames = self._frames(positions_nm)
        parts = np.empty((len(self._members), *frames.shape[:2]))
        for block, network in self._evaluate_blocks(frames):
            parts[:, block] = network.atomic.numpy() * _KJ_PER_EV
        parts += np.array([self._dispersion.of_atoms(frame) for frame in frames]).reshape(frames.shape[:2])
        return parts

    def features(self, positions_nm: ArrayLike) -> Floats:
        """Atoms-in-molecules vectors of the first member (F, N, 256), no unit, on frames (F, N, 3) [nm]."""
        frames = self._frames(positions_nm)
        parts = [network.features[0].numpy() for _, network in self._evaluate_blocks(frames)]
        return np.asarray(np.concatenate(parts) if parts else np.empty((0, len(self.numbers), 256)), dtype=float)

    def charges(self, positions_nm: ArrayLike) -> Floats:
        """Atoms' partial charges of all members [e], (M, F, N), on frames (F, N, 3) [nm]."""
        frames = self._frames(positions_nm)
        charges = np.empty((len(self._members), *frames.shape[:2]))
        for block, network in self._evaluate_blocks(frames):
            charges[:, block] = network.charges.numpy()
        return charges

    def _frames(self, positions_nm: ArrayLike) -> Floats:
        frames = np.ascontiguousarray(positions_nm, dtype=float)
        if frames.ndim != 3 or frames.shape[1:] != (len(self.numbers), 3):
            raise InputError(f"frames of shape (any, {len(self.numbers)}, 3) are needed, found {frames.shape}")
        return frames

    def _evaluate_blocks(self, frames: Floats) -> Any:
        with torch.no_grad():
            for first in range(0, len(frames), _FRAMES_AT_ONCE):
                block = slice(first, first + _FRAMES_AT_ONCE)
                yield block, self._evaluate(torch.tensor(frames[block]))

    def _evaluate(self, positions_nm: torch.Tensor) -> _Evaluated:
        return _evaluate(
            positions_nm * _ANGSTROM_PER_NM,
            weights=self._weights,
            start=self._start,
            shift=self._shift,
            charge=float(self.charge),
        )


def _reopen(
    model: str, numbers: tuple[int, ...], charge: int, members: tuple[int, ...], precision: Precision
) -> AimnetCommittee:
    threads = torch.get_num_threads()
    return AimnetCommittee(model, numbers=numbers, charge=charge, members=members, precision=precision, threads=threads)


# Evaluation. M members, F frames, N atoms, G = 16 radial functions, A = 16 channels of an atom, H = 12 combinations.


@dataclass(frozen=True, kw_only=True, slots=True)
class _Evaluated:
    """What the members say of frames, without dispersion."""

    atomic: torch.Tensor
    """Atoms' energies without self energies [eV], (M, F, N)."""
    self_energy: torch.Tensor
    """Sum of the atoms' self energies [eV], (M,)."""
    charges: torch.Tensor
    """Partial charges [e], (M, F, N)."""
    features: torch.Tensor
    """Atoms-in-molecules vectors, (M, F, N, D)."""

    def energies(self) -> torch.Tensor:
        """Energies [eV], (M, F)."""
        return self.atomic.sum(2) + self.self_energy[:, None]


_Layer = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Weights:
    """Weights of the members, side by side."""

    cutoff: float
    """Range of the radial functions [Angstrom]."""
    width: float
    """Exponent of the radial functions [1/Angstrom^2]."""
    centres: torch.Tensor
    """Centres of the radial functions [Angstrom], (G,)."""
    embedding: torch.Tensor
    """First vector of each element, (M, 64, A, G)."""
    combine: torch.Tensor
    """Combinations of vector features, of the atoms' channels and, last, of the charge: (M, A + 1, H, G)."""
    passes: tuple[tuple[_Layer, ...], ...]
    """Layers of each pass: weights (M, out, in), biases (M, 1, out)."""
    output: tuple[_Layer, ...]
    """Layers from a vector to an energy."""
    shift: torch.Tensor
    """Self energy of each element [eV], (M, 64)."""
    coulomb_cutoff: float
    """Up to here [Angstrom] the network stands for a part of the Coulomb energy."""
    dispersion: dict[str, float]
    """Parameters of D3(BJ): s6, s8, a1, a2 [Bohr]."""


def _evaluate(
    positions: torch.Tensor, *, weights: _Weights, start: torch.Tensor, shift: torch.Tensor, charge: float
) -> _Evaluated:
    """Members' atomic energies, charges and vectors of frames (F, N, 3) [Angstrom]."""
    n_frames, n_atoms = positions.shape[:2]
    vectors = positions[:, None] - positions[:, :, None]
    alone = _diagonal(n_atoms)
    distances = torch.where(alone, 1.0, vectors.square().sum(-1)).sqrt()
    basis = _basis(vectors, distances, alone, weights)
    atoms = start[:, None].expand(-1, n_frames, -1, -1, -1)
    charges = torch.zeros(len(start), n_frames, n_atoms, dtype=torch.float64)
    for index, layers in enumerate(weights.passes):
        rows = _surroundings(atoms, charges if index else None, basis, weights)
        last = index == len(weights.passes) - 1
        result = _through(layers, rows, linear_end=index == 0).view(len(start), n_frames, n_atoms, -1)
        if last:
            break
        raw, weight = result[..., 0].double(), result[..., 1].double().square()
        charges = _equilibrate(charges + raw, weight, charge)
        atoms = atoms + result[..., 2:].view_as(atoms)
    energies = _through(weights.output, result.flatten(1, 2), linear_end=True)
    atomic = energies.view(charges.shape).double() + _coulomb(charges, distances, alone, weights.coulomb_cutoff)
    return _Evaluated(atomic=atomic, self_energy=shift.sum(1), charges=charges, features=result)


@functools.lru_cache(maxsize=8)
def _diagonal(n_atoms: int) -> torch.Tensor:
    """Which pairs are an atom with itself, (N, N)."""
    return torch.eye(n_atoms, dtype=torch.bool)


def _basis(vectors: torch.Tensor, distances: torch.Tensor, alone: torch.Tensor, weights: _Weights) -> torch.Tensor:
    """Radial functions times 1 and the direction to a neighbour: (F, G, neighbour, 4 * atom)."""
    inside = (distances < weights.cutoff) & ~alone
    envelope = torch.where(inside, 0.5 * (torch.cos(distances * (math.pi / weights.cutoff)) + 1.0), 0.0)
    radial = torch.exp(-weights.width * (distances[..., None] - weights.centres).square()) * envelope[..., None]
    directions = torch.cat([torch.ones_like(distances)[..., None], vectors / distances[..., None]], dim=-1)
    basis = torch.einsum("fijg,fijd->fgjdi", radial, directions)
    return basis.flatten(3, 4).to(weights.embedding.dtype)


def _surroundings(
    atoms: torch.Tensor, charges: torch.Tensor | None, basis: torch.Tensor, weights: _Weights
) -> torch.Tensor:
    """What each atom sees of its neighbours' vectors and charges: rows (M, F * N, features)."""
    n_members, n_frames, n_atoms = atoms.shape[:3]
    seen = atoms
    combine = weights.combine[:, :-1]
    if charges is not None:
        own = charges.to(atoms.dtype)[..., None, None].expand(-1, -1, -1, 1, atoms.shape[-1])
        seen, combine = torch.cat([atoms, own], dim=3), weights.combine
    n_channels = seen.shape[3]
    left = seen.permute(1, 4, 0, 3, 2).flatten(2, 3)  # (F, G, M * A, N)
    sums = torch.matmul(left, basis).view(n_frames, -1, n_members, n_channels, 4, n_atoms)
    scalars = sums[..., 0, :].permute(2, 0, 4, 3, 1)  # (M, F, N, A, G)
    vectors = sums[..., 1:, :].permute(2, 3, 1, 4, 0, 5).flatten(3, 5).flatten(0, 1)  # (M * A, G, 3 * F * N)
    combined = torch.bmm(combine.flatten(0, 1), vectors).view(n_members, n_channels, -1, 3, n_frames * n_atoms)
    lengths = combined.square().sum(3).permute(0, 3, 1, 2)  # (M, F * N, A, H)
    scalars = scalars.flatten(1, 2)
    own_atoms = atoms.flatten(1, 2).flatten(2, 3)
    count = atoms.shape[3]
    parts = [own_atoms, scalars[:, :, :count].flatten(2, 3), lengths[:, :, :count].flatten(2, 3)]
    if charges is not None:
        parts += [charges.to(atoms.dtype).flatten(1, 2)[..., None], scalars[:, :, count], lengths[:, :, count]]
    return torch.cat(parts, dim=2)


def _through(layers: Sequence[_Layer], rows: torch.Tensor, *, linear_end: bool) -> torch.Tensor:
    """Rows (M, rows, in) through layers with a Gaussian error linear unit after each, or after all but the last."""
    for depth, (weight, bias) in enumerate(layers):
        rows = torch.baddbmm(bias, rows, weight.transpose(1, 2))
        if not (linear_end and depth == len(layers) - 1):
            rows = torch.nn.functional.gelu(rows)
    return rows


def _equilibrate(charges: torch.Tensor, weight: torch.Tensor, total: float) -> torch.Tensor:
    """Charges (M, F, N) [e] that add up to the total: what is missing goes where the weights are large."""
    missing = total - charges.sum(2, keepdim=True)
    return charges + weight / (weight.sum(2, keepdim=True) + _SPREAD) * missing


def _coulomb(charges: torch.Tensor, distances: torch.Tensor, alone: torch.Tensor, cutoff: float) -> torch.Tensor:
    """Atoms' halves of the Coulomb energy beyond what the network stands for [eV], (M, F, N).

    ::

        E = 1/2 sum_ij k q_i q_j / r_ij (1 - g(r_ij)),   g(r) = exp[ 1 - 1 / (1 - (r/c)^2) ], 0 beyond c
    """
    reduced = (distances / cutoff).clamp(max=1.0 - 1e-6).square()
    kernel = (1.0 - torch.exp(1.0 - 1.0 / (1.0 - reduced))) / distances
    kernel = torch.where(alone, 0.0, kernel)
    potential = torch.einsum("fij,mfj->mfi", kernel, charges)
    return 0.5 * _COULOMB_EV_ANGSTROM * charges * potential


# Reading


@functools.lru_cache(maxsize=8)
def _read(path: Path) -> dict[str, Any]:
    """A member's file: plain tensors and numbers, nothing that could run code."""
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise MissingDependency(
            f"{path} is not a file of AIMNet2 weights ({str(error).splitlines()[0]}); copy it again"
        ) from error
    needed = ("state_dict", "cutoff", "coulomb_sr_rc", "coulomb_sr_envelope", "coulomb_mode", "d3_params")
    missing = [key for key in needed if not isinstance(content, dict) or key not in content]
    if missing or content["coulomb_mode"] != "sr_embedded" or content["coulomb_sr_envelope"] != "exp":
        raise MissingDependency(
            f"{path} is not a file of AIMNet2 weights in the aimnet v2 format with short-range Coulomb energy "
            f"inside ({'no ' + ', '.join(missing) if missing else 'another Coulomb treatment'}); "
            "take the wB97M-D3 members"
        )
    return content


@functools.lru_cache(maxsize=4)
def _load(paths: tuple[Path, ...], layers: torch.dtype) -> _Weights:
    """Weights of the members at these files, the layers in the given precision."""
    files = [_read(path) for path in paths]
    states = [file["state_dict"] for file in files]
    shared = ("aev.rc_s", "aev.eta_s", "aev.shifts_s", "outputs.srcoulomb.rc")
    same = all(torch.equal(state[key], states[0][key]) for state in states for key in shared)
    if not same or any(file["d3_params"] != files[0]["d3_params"] for file in files):
        raise InputError(f"{', '.join(map(str, paths))} do not share radial functions and dispersion: no committee")

    def stack(key: str) -> torch.Tensor:
        return torch.stack([state[key] for state in states]).to(layers)

    def layer(prefix: str) -> tuple[_Layer, ...]:
        numbers = sorted(int(key.split(".")[-2]) for key in states[0] if key.startswith(prefix) and "weight" in key)
        return tuple((stack(f"{prefix}{n}.weight"), stack(f"{prefix}{n}.bias")[:, None]) for n in numbers)

    centres = states[0]["aev.shifts_s"].double()
    n_passes = len({key.split(".")[1] for key in states[0] if key.startswith("mlps.")})
    return _Weights(
        cutoff=float(states[0]["aev.rc_s"]),
        width=float(states[0]["aev.eta_s"]),
        centres=centres,
        embedding=stack("afv.weight").unflatten(2, (-1, len(centres))),
        combine=torch.cat([stack("conv_a.agh"), stack("conv_q.agh")], dim=1).transpose(2, 3).contiguous(),
        passes=tuple(layer(f"mlps.{index}.") for index in range(n_passes)),
        output=layer("outputs.energy_mlp.mlp."),
        shift=torch.stack([state["outputs.atomic_shift.shifts.weight"][:, 0] for state in states]).double(),
        coulomb_cutoff=float(states[0]["outputs.srcoulomb.rc"]),
        dispersion={key: float(files[0]["d3_params"][key]) for key in ("s6", "s8", "a1", "a2")},
    )
