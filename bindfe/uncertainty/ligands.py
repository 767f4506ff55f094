"""Measured values onto calculations, and ligands out of edges."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from bindfe.errors import InputError
from bindfe.results import Affinity, Calculation
from bindfe.uncertainty.network import LARGEST_NETWORK, NetworkEstimate, solve_network
from bindfe.uncertainty.shrink import RepeatPrior, sampling_error

SERIES_MEAN = "series mean"


def measured_table(affinities: Sequence[Affinity]) -> dict[tuple[str, str], float]:
    """Measured delta_g by (target, ligand) [kcal/mol]; several values are averaged, censored ones left out."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in affinities:
        if one.relation == "=":
            found[one.target, one.ligand].append(one.delta_g_kcal_mol)
    return {key: float(np.mean(values)) for key, values in found.items()}


Bound = tuple[float, Literal["<", ">"]]
_FLIPPED: dict[Literal["<", ">"], Literal["<", ">"]] = {"<": ">", ">": "<"}


def bounds_table(affinities: Sequence[Affinity]) -> dict[tuple[str, str], Bound]:
    """Bounds on delta_g by (target, ligand) [kcal/mol], of ligands that have no measured value."""
    exact = measured_table(affinities)
    return {
        (one.target, one.ligand): (one.delta_g_kcal_mol, one.relation)
        for one in affinities
        if one.relation != "=" and (one.target, one.ligand) not in exact
    }


def look_up(table: Mapping[tuple[str, str], float], target: str, ligand: str) -> float:
    """Measured value of a ligand, by target or without; nan if unknown."""
    return table.get((target, ligand), table.get(("", ligand), math.nan))


def with_measured(calculations: Sequence[Calculation], affinities: Sequence[Affinity]) -> list[Calculation]:
    """Calculations with the measured values that belong to them; those in the file stand where there is none.

    Raises:
        InputError: No ligand of the affinities is in the calculations.
    """
    if not affinities:
        return list(calculations)
    table = measured_table(affinities)
    means = _series_means(calculations, table)
    bounds = bounds_table(affinities)
    filled = [_bounded(_measured(one, table, means), table, means, bounds) for one in calculations]
    named = {a.ligand for a in affinities}
    if not any(one.ligand in named or one.reference in named for one in calculations):
        names = ", ".join(sorted({a.ligand for a in affinities})[:3])
        raise InputError(f"no ligand of the affinities ({names} ...) is in the calculations; compare the names")
    return filled


def _series_means(calculations: Sequence[Calculation], table: Mapping[tuple[str, str], float]) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for one in calculations:
        value = look_up(table, one.target, one.ligand)
        if one.reference == SERIES_MEAN and math.isfinite(value):
            found[one.target].append(value)
    return {target: float(np.mean(values)) for target, values in found.items()}


def _measured(one: Calculation, table: Mapping[tuple[str, str], float], means: Mapping[str, float]) -> Calculation:
    value = look_up(table, one.target, one.ligand)
    if one.reference == SERIES_MEAN:
        value -= means.get(one.target, math.nan)
    elif one.reference is not None:
        value -= look_up(table, one.target, one.reference)
    return replace(one, measured_kcal_mol=value) if math.isfinite(value) else one


def _bounded(
    one: Calculation,
    table: Mapping[tuple[str, str], float],
    means: Mapping[str, float],
    bounds: Mapping[tuple[str, str], Bound],
) -> Calculation:
    """The calculation with a bound, where one of its ligands is known only so; two bounds say nothing."""
    if not bounds or math.isfinite(one.measured_kcal_mol):
        return one
    end = bounds.get((one.target, one.ligand)) or bounds.get(("", one.ligand))
    start = bounds.get((one.target, str(one.reference))) or bounds.get(("", str(one.reference)))
    if end is not None and start is None:
        other = means.get(one.target, math.nan) if one.reference == SERIES_MEAN else 0.0
        if one.reference not in (None, SERIES_MEAN):
            other = look_up(table, one.target, one.reference)
        value, relation = end[0] - other, end[1]
    elif start is not None and end is None:
        value, relation = look_up(table, one.target, one.ligand) - start[0], _FLIPPED[start[1]]
    else:
        return one
    return replace(one, measured_kcal_mol=value, measured_relation=relation) if math.isfinite(value) else one


def networks_of(
    calculations: Sequence[Calculation], prior: RepeatPrior, *, robust: bool = False
) -> dict[str, NetworkEstimate]:
    """The ligands of each target's network of edges.

    Args:
        calculations: Edges of any number of targets.
        prior: Of the variance between repeats.
        robust: Weigh edges that do not close down.
    """
    edges: dict[str, list[Calculation]] = defaultdict(list)
    for one in calculations:
        if one.reference not in (None, SERIES_MEAN):
            edges[one.target].append(one)
    return {target: _network(members, prior, robust) for target, members in edges.items() if _small_enough(members)}


def _small_enough(members: Sequence[Calculation]) -> bool:
    return len({name for one in members for name in (one.ligand, one.reference)}) <= LARGEST_NETWORK


def _network(members: Sequence[Calculation], prior: RepeatPrior, robust: bool) -> NetworkEstimate:
    return solve_network(
        [(str(one.reference), one.ligand) for one in members],
        np.array([one.value_kcal_mol for one in members]),
        sampling_error(members, prior).standard_error + 0.3,
        robust=robust,
    )


def ligands_of(calculations: Sequence[Calculation], prior: RepeatPrior, *, robust: bool = False) -> list[Calculation]:
    """Ligands of every target, as deviations from the mean of their connected network.

    Measured values, where the edges carry them, go the same way: a network of measured differences.

    Args:
        calculations: Edges.
        prior: Of the variance between repeats.
        robust: Weigh edges that do not close down.
    """
    found = []
    for target, network in networks_of(calculations, prior, robust=robust).items():
        members = [c for c in calculations if c.target == target and c.reference not in (None, SERIES_MEAN)]
        measured = _measured_network(members)
        for part in range(int(network.component.max()) + 1):
            places = [i for i in range(len(network.ligands)) if network.component[i] == part]
            known = [i for i in places if network.ligands[i] in measured]
            shift = float(np.mean(network.value[known])) if known else 0.0
            mean = float(np.mean([measured[network.ligands[i]] for i in known])) if known else 0.0
            for i in places:
                found.append(
                    Calculation(
                        ligand=network.ligands[i],
                        reference=SERIES_MEAN,
                        target=target,
                        protein=members[0].protein,
                        value_kcal_mol=float(network.value[i]) - shift,
                        standard_error_kcal_mol=float(np.sqrt(network.covariance[i, i])),
                        measured_kcal_mol=measured.get(network.ligands[i], math.nan) - mean,
                    )
                )
    return found


def _measured_network(members: Sequence[Calculation]) -> dict[str, float]:
    known = [c for c in members if math.isfinite(c.measured_kcal_mol) and c.measured_relation == "="]
    if not known:
        return {}
    network = solve_network(
        [(str(one.reference), one.ligand) for one in known],
        np.array([one.measured_kcal_mol for one in known]),
        np.ones(len(known)),
    )
    largest = np.bincount(network.component).argmax()
    return {
        name: float(v)
        for name, v, part in zip(network.ligands, network.value, network.component, strict=True)
        if part == largest
    }
