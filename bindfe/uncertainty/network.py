"""From edges to ligands: generalised least squares on a network of differences.

With x the ligands' values and y_ij = x_j - x_i + e, Cov(e) = C::

    x = (A^T C^-1 A)^+ A^T C^-1 y,   Cov(x) = (A^T C^-1 A)^+

A has one row an edge, -1 for its first ligand and +1 for its second. Differences fix x up to a constant in
each connected component: its mean is 0. Cycle closure is what this minimises.

Source:
    Xu, J. Chem. Inf. Model. 59, 4720 (2019), doi:10.1021/acs.jcim.9b00528.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bindfe.errors import InputError
from bindfe.results import Floats

LARGEST_NETWORK = 3000
"""Ligands of one connected component beyond which the dense covariance is refused."""
_ROBUST_DEGREES = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkEstimate:
    """Ligands of one network, relative to the mean of their component."""

    ligands: tuple[str, ...]
    """Names, sorted, (L,)."""
    value: Floats
    """Value less the component's mean [kcal/mol], (L,)."""
    covariance: Floats
    """Covariance of the values [kcal^2/mol^2], (L, L)."""
    component: NDArray[np.int64]
    """Connected component of each ligand, (L,)."""
    residual: Floats
    """Edge less the difference of its ligands (what cycles fail to close by) [kcal/mol], (E,)."""
    notes: tuple[str, ...]
    """What a user should know: components by name, replaced errors."""

    def difference(self, first: str, second: str) -> tuple[float, float]:
        """Value and standard error of second less first [kcal/mol].

        Raises:
            InputError: A ligand that is not in the network, or two that no chain of edges connects.
        """
        try:
            i, j = self.ligands.index(first), self.ligands.index(second)
        except ValueError as error:
            raise InputError(f"{first} or {second} is not in the network") from error
        if self.component[i] != self.component[j]:
            raise InputError(f"no chain of edges connects {first} and {second}")
        variance = self.covariance[i, i] + self.covariance[j, j] - 2 * self.covariance[i, j]
        return float(self.value[j] - self.value[i]), float(np.sqrt(max(variance, 0.0)))


def solve_network(
    pairs: Sequence[tuple[str, str]],
    values: Floats,
    errors: Floats,
    *,
    covariance: Floats | None = None,
    robust: bool = False,
) -> NetworkEstimate:
    """Estimate ligands from differences between them.

    Args:
        pairs: First and second ligand of each edge, (E,); the same pair may come again: a repeat is data.
        values: Second less first [kcal/mol], (E,).
        errors: Standard errors [kcal/mol], (E,); zero, infinite or missing ones take the median of the others.
        covariance: Covariance shared by edges in addition, for example a committee's [kcal^2/mol^2], (E, E).
        robust: Weigh edges down by their residual as a t with 4 degrees does, so that one bad edge stays one.

    Returns:
        The ligands, their full covariance, and the components by name if there are several.

    Raises:
        InputError: No edge, an edge from a ligand to itself, or a network too large for a dense covariance.
    """
    if not len(pairs):
        raise InputError("a network without edges; at least one computed difference is needed")
    loops = [a for a, b in pairs if a == b]
    if loops:
        raise InputError(f"an edge from {loops[0]} to itself; an edge needs two ligands")
    names = sorted({name for pair in pairs for name in pair})
    place = {name: index for index, name in enumerate(names)}
    ends = np.array([(place[a], place[b]) for a, b in pairs])
    component = _components(ends, len(names))
    if np.bincount(component).max() > LARGEST_NETWORK:
        raise InputError(
            f"{len(names)} ligands in one network; at most {LARGEST_NETWORK} are solved with their covariance"
        )
    variance, notes = _usable(errors)
    weight: Floats = np.ones(len(pairs))
    value, spread = _solve(ends, component, values, variance, covariance, weight)
    for _ in range(20 if robust else 0):
        z2: Floats = (values - value[ends[:, 1]] + value[ends[:, 0]]) ** 2 / variance
        weight = (_ROBUST_DEGREES + 1) / (_ROBUST_DEGREES + z2)
        value, spread = _solve(ends, component, values, variance, covariance, weight)
    return NetworkEstimate(
        ligands=tuple(names),
        value=value,
        covariance=spread,
        component=component,
        residual=values - value[ends[:, 1]] + value[ends[:, 0]],
        notes=(*notes, *_name_components(names, component)),
    )


def _components(ends: NDArray[np.int64], n_ligands: int) -> NDArray[np.int64]:
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n_ligands, n_ligands))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _usable(errors: Floats) -> tuple[Floats, list[str]]:
    usable = np.isfinite(errors) & (errors > 0)
    typical = float(np.median(errors[usable])) if usable.any() else 1.0
    notes = []
    if not usable.all():
        notes.append(
            f"{int((~usable).sum())} of {len(errors)} edges have no usable error; {typical:.2f} kcal/mol was taken"
        )
    return np.where(usable, errors, typical) ** 2, notes


def _solve(
    ends: NDArray[np.int64],
    component: NDArray[np.int64],
    values: Floats,
    variance: Floats,
    shared: Floats | None,
    weight: Floats,
) -> tuple[Floats, Floats]:
    count = len(component)
    value, spread = np.zeros(count), np.zeros((count, count))
    for part in range(int(component.max()) + 1):
        ligands = np.flatnonzero(component == part)
        edges = np.flatnonzero(component[ends[:, 0]] == part)
        local = np.full(count, -1)
        local[ligands] = np.arange(len(ligands))
        design = np.zeros((len(edges), len(ligands)))
        design[np.arange(len(edges)), local[ends[edges, 0]]] = -1.0
        design[np.arange(len(edges)), local[ends[edges, 1]]] = 1.0
        if shared is None:
            weighted: Floats = design * (weight[edges] / variance[edges])[:, None]
        else:
            full = np.diag(variance[edges] / weight[edges]) + shared[np.ix_(edges, edges)]
            weighted = np.asarray(np.linalg.solve(full, design), dtype=float)
        # adding 1/L to every element turns the one null direction (a constant) into an eigenvalue of 1
        information = design.T @ weighted + 1.0 / len(ligands)
        inverse = np.linalg.inv(information) - 1.0 / len(ligands)
        value[ligands] = inverse @ (weighted.T @ values[edges])
        spread[np.ix_(ligands, ligands)] = inverse
    return value, spread


def _name_components(names: Sequence[str], component: NDArray[np.int64]) -> list[str]:
    count = int(component.max()) + 1
    if count == 1:
        return []
    parts = [[names[int(i)] for i in np.flatnonzero(component == part)] for part in range(count)]
    listed = "; ".join(", ".join(part[:4]) + (" ..." if len(part) > 4 else "") for part in parts[:5])
    more = " ..." if count > 5 else ""
    return [f"the network falls into {count} parts that no edge connects, each centred on its own mean: {listed}{more}"]
