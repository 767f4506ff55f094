"""The safety mode: where the members disagree, the force field takes over, smoothly.

::

    V(x)  = V_MM + w (V_ML - c - V_MM)
    w(x)  = s_b^2 / (s_b^2 + s^2(x)),    s^2 = sum_k (h_k - h)^2 / (M - 1),    h_k = V_k - c_k

with c_k the mean of V_k - V_MM over reference frames, V_ML - c the mean of the h_k, and s_b the disagreement at
which both weigh the same. Forces contain the gradient of w::

    F = (1 - w) F_MM + w F_ML - (V_ML - c - V_MM) grad w,    grad w = -(w^2 / s_b^2) grad s^2

w is a part of the Hamiltonian: what it samples is neither the force field's ensemble nor the committee's, and a
free energy of it has to be carried to one of them like any other difference of potentials.
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bindfe.errors import InputError
from bindfe.mlip.committee import Committee, DividesCommittee, GivesMemberForces
from bindfe.mlip.internal import InternalEnergy, InternalTerms

Floats = NDArray[np.float64]


class SafePotential:
    """A committee that falls back to a force field; satisfies :class:`bindfe.mlip.committee.Committee`.

    Its one member is the potential above, on the force field's scale: offset 0 belongs to it.
    """

    has_bonds = True
    """The force field in it knows which atoms are bonded: not all atoms of an element are equal."""

    def __init__(
        self, committee: Committee, *, terms: InternalTerms, offsets_kj_mol: Sequence[float], spread_kj_mol: float
    ) -> None:
        """Put a committee on its guard.

        Args:
            committee: Two members or more, of which each gives forces.
            terms: The force field's internal terms; see :func:`bindfe.mlip.internal.internal_terms`.
            offsets_kj_mol: c_k of each member [kJ/mol], (M,): ``members_kj_mol`` less ``mm_kj_mol`` of the
                offsets that both environments share.
            spread_kj_mol: s_b [kJ/mol].

        Raises:
            InputError: One member, another number of offsets, a spread that is not positive, a region
                with caps, or members whose forces cannot be had.
        """
        if len(committee.members) < 2:
            raise InputError("the safety mode needs two members or more: one cannot disagree")
        if len(offsets_kj_mol) != len(committee.members):
            raise InputError(f"{len(committee.members)} members need as many offsets, not {len(offsets_kj_mol)}")
        if not spread_kj_mol > 0.0:
            raise InputError(f"the spread at which the force field takes over must be positive, not {spread_kj_mol:g}")
        if not isinstance(committee, GivesMemberForces | DividesCommittee):
            raise InputError(f"{committee.name} gives no forces of single members, which the weight's gradient needs")
        self.committee = committee
        self.terms = terms.renumbered()
        self.offsets = np.array(offsets_kj_mol, dtype=float)
        self.spread = float(spread_kj_mol)
        self.name = f"safe {committee.name}"
        self.members = (self.name,)
        self._internal = InternalEnergy.summing(self.terms)
        self._alone: list[Committee] = []

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the committee's handle and the terms, packed: pairs of 33 atoms take 50 kB otherwise."""
        packed = zlib.compress(json.dumps(dataclasses.asdict(self.terms)).encode(), 9)
        return _safe, (type(self), self.committee, packed, tuple(self.offsets.tolist()), self.spread)

    def energies(self, positions_nm: ArrayLike) -> Floats:
        """Energies [kJ/mol], (1, F), on frames (F, N, 3) [nm]."""
        frames = np.asarray(positions_nm, dtype=float)
        above = self.committee.energies(frames) - self.offsets[:, None]
        mm = self._internal.energies(frames)
        weight = self._weight(above.var(axis=0, ddof=1))
        return np.asarray((mm + weight * (above.mean(axis=0) - mm))[None], dtype=float)

    def weights(self, positions_nm: ArrayLike) -> Floats:
        """Weight w on frames (F, N, 3) [nm], (F,): 1 where the committee is trusted, 0 where the force field acts."""
        above = self.committee.energies(positions_nm) - self.offsets[:, None]
        return np.asarray(self._weight(above.var(axis=0, ddof=1)), dtype=float)

    def mean_energy_and_forces(self, positions_nm: ArrayLike) -> tuple[float, Floats]:
        """Energy [kJ/mol] and minus its gradient [kJ/mol/nm], (N, 3), at (N, 3) [nm]."""
        energies, forces = self._members(positions_nm)
        above = energies - self.offsets
        mm, mm_forces = self._internal.energy_and_forces(positions_nm)
        excess, mean_forces = above.mean() - mm, forces.mean(axis=0)
        weight = float(self._weight(above.var(ddof=1)))
        variance_gradient = -2.0 * np.tensordot(above - above.mean(), forces - mean_forces, 1) / (len(above) - 1)
        weight_gradient = -(weight**2) / self.spread**2 * variance_gradient
        return (
            float(mm + weight * excess),
            np.asarray((1 - weight) * mm_forces + weight * mean_forces - excess * weight_gradient, dtype=float),
        )

    def _weight(self, variance: Any) -> Any:
        return self.spread**2 / (self.spread**2 + variance)

    def _members(self, positions_nm: ArrayLike) -> tuple[Floats, Floats]:
        """Energies (M,) and forces (M, N, 3) of the members; one after the other where there is no other way."""
        if isinstance(self.committee, GivesMemberForces):
            return self.committee.energies_and_forces(positions_nm)
        if not self._alone and isinstance(self.committee, DividesCommittee):
            self._alone = [self.committee.subset([member]) for member in range(len(self.committee.members))]
        found = [member.mean_energy_and_forces(positions_nm) for member in self._alone]
        return np.array([energy for energy, _ in found]), np.array([forces for _, forces in found])


def _safe(
    kind: type[SafePotential], committee: Committee, packed: bytes, offsets: tuple[float, ...], spread: float
) -> SafePotential:
    content: dict[str, Any] = json.loads(zlib.decompress(packed))
    kinds = {
        kind: tuple((tuple(atoms), tuple(values)) for atoms, values in content[kind])
        for kind in ("bonds", "angles", "torsions", "pairs")
    }
    terms = InternalTerms(atoms=tuple(content["atoms"]), **kinds)
    return kind(committee, terms=terms, offsets_kj_mol=offsets, spread_kj_mol=spread)
