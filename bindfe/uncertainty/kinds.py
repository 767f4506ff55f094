"""One kind of calculation (edge, ligand of a network, absolute) as a fitted model and its finite-sample layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from bindfe.results import Calculation, Floats
from bindfe.uncertainty.conformal import fold_of_groups, hierarchical_quantile, pooled_quantile
from bindfe.uncertainty.features import feature_table
from bindfe.uncertainty.scale import Observations, ScaleModel, fit_scale_model
from bindfe.uncertainty.shrink import RepeatPrior, sampling_error
from bindfe.uncertainty.student import t_cdf, t_logpdf, t_quantile

Kind = Literal["edge", "ligand", "absolute"]
COVERAGES = (0.5, 0.68, 0.9, 0.95)
SERIES_MEAN = "series mean"
_SIDES = {"=": 0.0, "<": 1.0, ">": -1.0}
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(7)
_SLOPE_NODES, _SLOPE_WEIGHTS = np.polynomial.hermite_e.hermegauss(5)


def kind_of(calculation: Calculation) -> Kind:
    """Edge, ligand relative to its series, or absolute."""
    if calculation.quantity == "absolute":
        return "absolute"
    return "ligand" if calculation.reference in (SERIES_MEAN, None) else "edge"


@dataclass(frozen=True, kw_only=True, slots=True)
class BetweenProteins:
    """How proteins differ from the average one."""

    log_width_sd: float = 0.2
    """Standard deviation of the log of a protein's width, tau."""
    slope_sd: float = 0.2
    """Standard deviation of a protein's slope."""
    tail: float = 10.0
    """Degrees of freedom of the t within one protein."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FittedKind:
    """What was learned about one kind of calculation."""

    model: ScaleModel
    """Slope, width and tail for a protein not seen before."""
    between: BetweenProteins
    """How much a single protein may differ from that."""
    n_calculations: int
    """Calculations fitted on."""
    n_proteins: int
    """Proteins fitted on."""
    pooled: tuple[tuple[float, float], ...]
    """Pairs (coverage, out-of-fold multiple of the scale), each calculation weighing the same."""
    hierarchical: tuple[tuple[float, float], ...]
    """The same, each protein weighing the same and one unseen; infinite with too few proteins."""
    coverage_out_of_fold: tuple[tuple[float, float], ...]
    """Pairs (nominal, seen) of the t intervals on proteins that were not fitted on."""

    @property
    def log_width_error(self) -> float:
        """Standard error of the average log width: few proteins leave it open."""
        if self.n_proteins == 0:
            return 0.0
        tau = self.between.log_width_sd
        return math.sqrt(tau**2 / self.n_proteins + 0.5 / max(self.n_calculations, 1))


def observe(
    calculations: Sequence[Calculation], *, prior: RepeatPrior, assay_error: float, committee_scale: float = 1.0
) -> Observations:
    """Arrays of calculations of one kind.

    Args:
        calculations: N calculations.
        prior: Of the variance between repeats.
        assay_error: Standard error of one measured value within an assay [kcal/mol].
        committee_scale: alpha of the committee.
    """
    measured_values = np.array([2.0 if kind_of(c) == "edge" else 1.0 for c in calculations])
    committee = np.array([c.committee_kcal_mol for c in calculations])
    return Observations(
        value=np.array([c.value_kcal_mol for c in calculations]),
        measured=np.array([c.measured_kcal_mol for c in calculations]),
        variance=sampling_error(calculations, prior).standard_error ** 2 + (committee_scale * committee) ** 2,
        assay=measured_values * assay_error**2,
        features=feature_table(calculations, prior),
        side=np.array([_SIDES[c.measured_relation] for c in calculations]),
    )


def fit_kind(seen: Observations, proteins: NDArray[np.str_], *, n_folds: int = 5) -> FittedKind:
    """Fit the model, how proteins differ, and the quantiles of out-of-fold residuals.

    Args:
        seen: Observations with measured values.
        proteins: Protein of each, (N,).
        n_folds: Folds of whole proteins for the finite-sample layer.
    """
    model = fit_scale_model(seen)
    names = np.unique(proteins)
    exact = seen.side == 0  # a bound has no residual
    z, degrees = _out_of_fold(seen, proteins, model, n_folds) if len(names) > 1 else (np.zeros(0), np.zeros(0))
    z, degrees = (z[exact], degrees[exact]) if len(z) else (z, degrees)
    score = np.abs(z) / t_quantile(0.75, degrees) * t_quantile(0.75, np.full(len(z), model.tail)) if len(z) else z
    seen_coverage = (
        tuple((c, float(np.mean(np.abs(z) <= t_quantile(0.5 + c / 2, degrees)))) for c in COVERAGES) if len(z) else ()
    )
    return FittedKind(
        model=model,
        between=fit_between(seen, proteins, model),
        n_calculations=len(proteins),
        n_proteins=len(names),
        pooled=tuple((c, pooled_quantile(score, c)) for c in COVERAGES) if len(z) else (),
        hierarchical=tuple((c, hierarchical_quantile(score, proteins[exact], c)) for c in COVERAGES) if len(z) else (),
        coverage_out_of_fold=seen_coverage,
    )


def _out_of_fold(
    seen: Observations, proteins: NDArray[np.str_], model: ScaleModel, n_folds: int
) -> tuple[Floats, Floats]:
    """Studentised residuals of calculations whose protein was left out, and their degrees of freedom."""
    fold = fold_of_groups(proteins.tolist(), n_folds)
    z, degrees = np.zeros(len(proteins)), np.zeros(len(proteins))
    for out in np.unique(fold):
        inside = fold != out
        fitted = model if inside.sum() < 5 else fit_scale_model(seen.take(inside), start=model)
        held = seen.take(~inside)
        z[~inside] = (held.measured - fitted.slope * held.value) / fitted.scale(held)
        degrees[~inside] = fitted.tail
    return z, degrees


def log_likelihood_by_protein(
    seen: Observations, model: ScaleModel, between: BetweenProteins
) -> tuple[Floats, Floats, Floats, Floats]:
    """Log likelihood of each observation on a grid of (log width, slope) of its protein.

    Returns:
        Log likelihood (G, N); the grid's log widths, slopes and prior weights, (G,) each.
    """
    log_width, slope, weight = grid(model, between)
    variance = conditional_variance(seen, model, between)
    scale = np.exp(log_width)[:, None] * np.sqrt(variance * (between.tail - 2) / between.tail)[None, :]
    z = (seen.measured[None, :] - slope[:, None] * seen.value[None, :]) / scale
    exact = t_logpdf(z, np.array(between.tail)) - np.log(scale)
    bound = np.log(np.maximum(t_cdf(seen.side * z, np.array(between.tail)), 1e-300))
    return np.where(seen.side == 0, exact, bound), log_width, slope, weight


def grid(model: ScaleModel, between: BetweenProteins) -> tuple[Floats, Floats, Floats]:
    """Nodes of (log width, slope) of a protein and their prior weights, (35,) each."""
    tau = between.log_width_sd
    first, second = np.meshgrid(_NODES, _SLOPE_NODES, indexing="ij")
    weight = np.outer(_WEIGHTS, _SLOPE_WEIGHTS).ravel()
    log_width = tau * first.ravel() - tau**2  # so that the mean of the squared width is 1
    return log_width, model.slope + between.slope_sd * second.ravel(), weight / weight.sum()


def conditional_variance(seen: Observations, model: ScaleModel, between: BetweenProteins) -> Floats:
    """Variance within one protein: the total less what the slopes of proteins contribute, (N,)."""
    total = model.variance(seen)
    return np.maximum(total - (between.slope_sd * seen.value) ** 2, 0.25 * total)


def fit_between(seen: Observations, proteins: NDArray[np.str_], model: ScaleModel) -> BetweenProteins:
    """How proteins differ, by marginal likelihood over the grid, with weak priors (tau, slope sd about 0.2).

    With a single protein the priors stand.
    """
    names, place = np.unique(proteins, return_inverse=True)
    if len(names) < 2:
        return BetweenProteins()

    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(len(names)))

    def loss(theta: Floats) -> float:
        between = _between(theta)
        table, _, _, weight = log_likelihood_by_protein(seen, model, between)
        by_protein = np.add.reduceat(table[:, order], starts, axis=1)
        top = by_protein.max(axis=0)
        marginal = top + np.log(weight @ np.exp(by_protein - top))
        prior = np.array([(theta[0] - math.log(0.2)) / 0.7, (theta[1] - math.log(0.2)) / 0.7, (theta[2] - 2.0) / 1.0])
        return float(-marginal.sum() + 0.5 * prior @ prior)

    start = np.array([math.log(0.2), math.log(0.2), 2.0])
    found = optimize.minimize(loss, start, method="Nelder-Mead", options={"maxiter": 40, "xatol": 0.05, "fatol": 0.05})
    return _between(found.x)


def _between(theta: Floats) -> BetweenProteins:
    clipped = np.clip(theta, [-4.0, -4.0, -1.0], [0.3, 0.3, 4.5])
    return BetweenProteins(
        log_width_sd=math.exp(clipped[0]), slope_sd=math.exp(clipped[1]), tail=2.5 + math.exp(clipped[2])
    )


def widened_tail(tail: float, log_sd: float) -> tuple[float, float]:
    """A t whose 50 % and 95 % quantiles are those of a t times a log-normal factor of log sd ``log_sd``.

    Returns:
        Degrees of freedom and the factor for the scale.
    """
    if log_sd < 1e-3:
        return tail, 1.0
    nodes, weights = _NODES * log_sd, _WEIGHTS / _WEIGHTS.sum()

    def quantile(probability: float) -> float:
        def excess(x: float) -> float:
            return float(weights @ t_cdf(x / np.exp(nodes), np.full(len(nodes), tail)) - probability)

        return float(optimize.brentq(excess, 0.0, 200.0))

    inner, outer = quantile(0.75), quantile(0.975)

    def ratio(log_tail: float) -> float:
        nu = np.array(2.05 + math.exp(log_tail))
        return float(t_quantile(0.975, nu) / t_quantile(0.75, nu) - outer / inner)

    low, high = -6.0, math.log(max(tail - 2.05, 1e-2)) + 1.0
    log_tail = low if ratio(low) < 0 else optimize.brentq(ratio, low, high) if ratio(high) < 0 else high
    matched = 2.05 + math.exp(log_tail)
    return matched, inner / float(t_quantile(0.75, np.array(matched)))


def with_layer(fitted: FittedKind, **changes: object) -> FittedKind:
    """The same fit with other values, for tests and few-shot updates."""
    return replace(fitted, **changes)  # type: ignore[arg-type]
