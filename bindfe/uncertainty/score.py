"""Does the interval hold as often as it says, and what did calibration gain: every measure beside the null model.

Calculations of one protein are not independent, so each measure's own 95 % interval comes from resampling
whole proteins.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bindfe.errors import InputError
from bindfe.results import Floats
from bindfe.uncertainty.student import sd_factor, t_cdf, t_crps, t_logpdf, t_quantile

LEVELS = np.linspace(0.05, 0.95, 19)
"""Probabilities at which quantiles are compared for the ECE."""
COVERAGES = (0.5, 0.68, 0.9, 0.95)
_BOOTSTRAPS, _RANK_BOOTSTRAPS = 1000, 200
_MOST_RANKED = 1_000_000
"""Rows ranked in one bootstrap altogether: large files get fewer draws, and need fewer."""
FEWEST_FOR_WORST = 10
"""Calculations from which a protein's own coverage is judged."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scored:
    """N predictions beside what was measured."""

    target: NDArray[np.str_]
    """Series of each, (N,)."""
    protein: NDArray[np.str_]
    """Protein of each, (N,)."""
    first: NDArray[np.str_]
    """First ligand of an edge, or an empty text, (N,)."""
    second: NDArray[np.str_]
    """Ligand, (N,)."""
    measured: Floats
    """Measured value [kcal/mol], (N,)."""
    raw: Floats
    """Raw value [kcal/mol], (N,)."""
    location: Floats
    """Calibrated value [kcal/mol], (N,)."""
    scale: Floats
    """Scale of the predictive t [kcal/mol], (N,)."""
    degrees: Floats
    """Its degrees of freedom, (N,)."""
    raw_error: Floats
    """Standard error that the raw value was given [kcal/mol], (N,)."""
    reported_error: Floats
    """Standard error that the tool itself reported for the raw value [kcal/mol], (N,); nan if it did not."""
    half_widths: Mapping[float, Floats]
    """Half-width of the interval at each coverage [kcal/mol], (N,) each."""

    def take(self, rows: NDArray[np.int64]) -> Scored:
        """These rows only."""
        arrays = {name: getattr(self, name)[rows] for name in self.__slots__ if name != "half_widths"}
        return Scored(**arrays, half_widths={c: w[rows] for c, w in self.half_widths.items()})

    @property
    def half(self) -> dict[float, Floats]:
        """Half-widths at the four coverages: stated ones, or those of the t."""
        return {c: self.half_widths.get(c, self.scale * t_quantile(0.5 + c / 2, self.degrees)) for c in COVERAGES}

    @property
    def z(self) -> Floats:
        """Studentised residuals, (N,)."""
        return (self.measured - self.location) / self.scale

    @property
    def pit(self) -> Floats:
        """Probability integral transform: where in its own distribution the measured value fell, (N,)."""
        return t_cdf(self.z, self.degrees)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """A score with its 95 % interval."""

    value: float
    """The score, in the unit that its name has."""
    lower: float
    """Lower bound; nan with a single protein."""
    upper: float
    """Upper bound; nan with a single protein."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetScore:
    """One protein's row of the per-target table."""

    protein: str
    """Which protein."""
    n: int
    """Calculations."""
    coverage_90: float
    """Share of measured values inside the 90 % interval."""
    rmse_raw: float
    """Root mean square error of the raw values [kcal/mol]."""
    rmse_calibrated: float
    """Of the calibrated ones [kcal/mol]."""
    rmse_null: float
    """Of predicting no difference [kcal/mol]."""
    p_too_low: float
    """Chance of so low a coverage if 90 % were true, with shared ligands allowed for; not corrected for the number."""
    p_holm: float
    """The same after Holm's correction over proteins."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """All scores of a set of predictions."""

    n: int
    """Predictions with a measured value."""
    n_proteins: int
    """Proteins that they belong to."""
    measures: Mapping[str, Measure]
    """By name."""
    reliability: tuple[tuple[float, float], ...]
    """Pairs (nominal, seen) of one-sided probabilities."""
    pit_histogram: tuple[float, ...]
    """Share of PIT values in ten bins; 0.1 each if calibrated."""
    targets: tuple[TargetScore, ...]
    """Each protein, lowest coverage first."""
    pairs: tuple[tuple[float, float, int], ...]
    """Reliability of P(second binds better): mean predicted, seen, number, in bins."""
    notes: tuple[str, ...] = ()
    """What a user should know."""


def score(seen: Scored, *, seed: int = 2024) -> Score:
    """Score predictions.

    Args:
        seen: At least 2 predictions with measured values.
        seed: Of the bootstrap.

    Raises:
        InputError: Fewer than 2 predictions with a measured value.
    """
    usable = np.flatnonzero(np.isfinite(seen.measured) & np.isfinite(seen.location) & (seen.scale > 0))
    left_out = len(seen.measured) - len(usable)
    if len(usable) < 2:
        raise InputError(f"{len(usable)} predictions have a measured value; at least 2 are needed: give --affinities")
    seen = seen.take(usable)
    notes = [f"{left_out} predictions without a measured value were left out"] if left_out else []
    proteins = np.unique(seen.protein)
    if len(proteins) == 1:
        notes.append("one protein only: the scores have no intervals, and say nothing about other proteins")
    rng = np.random.default_rng(seed)
    targets = per_target(seen)
    measures = _means(seen, rng) | _ranks(seen, rng) | _worst(seen, targets) | _selected(seen)
    return Score(
        n=len(usable),
        n_proteins=len(proteins),
        measures=measures,
        reliability=tuple((float(p), float(np.mean(seen.pit <= p))) for p in LEVELS),
        pit_histogram=tuple((np.histogram(seen.pit, bins=10, range=(0, 1))[0] / len(usable)).tolist()),
        targets=targets,
        pairs=_pair_reliability(seen),
        notes=tuple(notes),
    )


def contributions(seen: Scored) -> dict[str, Floats]:
    """What each prediction adds to the measures that are means, (N,) or (N, levels) each."""
    error, half = seen.measured - seen.location, seen.half
    found = {f"coverage_{100 * c:g}": (np.abs(error) <= half[c]).astype(float) for c in COVERAGES}
    found |= {f"half_width_{100 * c:g}_kcal_mol": half[c] for c in COVERAGES}
    null = math.sqrt(float(np.mean(seen.measured**2)))
    normal = np.full(len(error), np.inf)
    found["below"] = (seen.pit[:, None] <= LEVELS[None, :]).astype(float)
    found["within"] = (np.abs(2 * seen.pit - 1)[:, None] <= LEVELS[None, :]).astype(float)
    found["crps_kcal_mol"] = seen.scale * t_crps(seen.z, seen.degrees)
    found["crps_null_kcal_mol"] = null * t_crps(seen.measured / null, normal) if null > 0 else np.abs(seen.measured)
    found["nll"] = np.log(seen.scale) - t_logpdf(seen.z, seen.degrees)
    found["winkler_90_kcal_mol"] = 2 * half[0.9] + 20 * np.maximum(np.abs(error) - half[0.9], 0.0)
    found["z_variance"] = error**2 / (seen.scale * sd_factor(seen.degrees)) ** 2
    found["square_raw"], found["square_calibrated"] = (seen.measured - seen.raw) ** 2, error**2
    found["square_null"] = seen.measured**2
    found["standard_error_kcal_mol"] = seen.scale * sd_factor(seen.degrees)
    return found


def _means(seen: Scored, rng: np.random.Generator) -> dict[str, Measure]:
    names, place, counts = np.unique(seen.protein, return_inverse=True, return_counts=True)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=_BOOTSTRAPS)
    total = drawn @ counts
    measures: dict[str, Measure] = {}
    for name, values in contributions(seen).items():
        table = values if values.ndim == 2 else values[:, None]
        sums = np.zeros((len(names), table.shape[1]))
        np.add.at(sums, place, table)
        resampled = (drawn @ sums) / total[:, None]
        final, finish = _finish(name)
        measures[final] = _measure(
            float(finish(table.mean(axis=0))), [float(finish(row)) for row in resampled], len(names)
        )
    return measures


def _finish(name: str) -> tuple[str, Callable[[Floats], float]]:
    """The measure's name, and how it follows from the mean."""
    if name in ("below", "within"):
        return "ece" if name == "below" else "ece_central", lambda row: float(np.mean(np.abs(row - LEVELS)))
    if name.startswith("square_"):
        return name.replace("square", "rmse"), lambda row: math.sqrt(float(row[0]))
    return name, lambda row: float(row[0])


def _measure(value: float, resampled: list[float], groups: int) -> Measure:
    if groups < 2:
        return Measure(value=value, lower=math.nan, upper=math.nan)
    low, high = np.nanquantile(resampled, [0.025, 0.975]) if np.isfinite(resampled).any() else (math.nan, math.nan)
    return Measure(value=value, lower=float(low), upper=float(high))


def _spearman(a: Floats, b: Floats) -> float:
    if len(a) < 3:
        return math.nan
    first, second = stats.rankdata(a), stats.rankdata(b)
    spread = first.std() * second.std()
    return float(np.mean((first - first.mean()) * (second - second.mean())) / spread) if spread > 0 else math.nan


def _ranks(seen: Scored, rng: np.random.Generator) -> dict[str, Measure]:
    """Rank correlations of error and sigma, raw and calibrated, beside |raw value| and what an exact model gives."""
    draws_wanted = int(np.clip(_MOST_RANKED // len(seen.measured), 10, _RANK_BOOTSTRAPS))
    error, sigma = np.abs(seen.measured - seen.location), seen.scale * sd_factor(seen.degrees)
    raw = np.abs(seen.measured - seen.raw)
    pairs = {
        "spearman_error_sigma": (error, sigma),
        "spearman_error_abs_raw": (error, np.abs(seen.raw)),
        "spearman_raw_error_sigma": (raw, seen.raw_error),
        "spearman_raw_error_abs_raw": (raw, np.abs(seen.raw)),
        "spearman_raw_measured": (seen.raw, seen.measured),
        "spearman_calibrated_measured": (seen.location, seen.measured),
    }
    names, place = np.unique(seen.protein, return_inverse=True)
    rows = [np.flatnonzero(place == k) for k in range(len(names))]
    draws = [np.concatenate([rows[k] for k in rng.integers(0, len(names), len(names))]) for _ in range(draws_wanted)]
    found = {
        name: _measure(_spearman(a, b), [_spearman(a[d], b[d]) for d in draws], len(names))
        for name, (a, b) in pairs.items()
    }
    sigma_raw = seen.raw_error
    shift = seen.location - seen.raw
    raw_exact = [
        _spearman(np.abs(shift + seen.scale * rng.standard_t(np.minimum(seen.degrees, 1e6))), sigma_raw)
        for _ in range(draws_wanted)
    ]
    found["spearman_raw_error_sigma_if_exact"] = _measure(float(np.mean(raw_exact)), raw_exact, 2)
    exact = [
        _spearman(np.abs(seen.scale * rng.standard_t(np.minimum(seen.degrees, 1e6))), sigma)
        for _ in range(draws_wanted)
    ]
    found["spearman_error_sigma_if_exact"] = _measure(float(np.mean(exact)), exact, 2)
    return found


def _worst(seen: Scored, targets: tuple[TargetScore, ...]) -> dict[str, Measure]:
    judged = [t for t in targets if t.n >= FEWEST_FOR_WORST]
    if not judged:
        nothing = Measure(value=math.nan, lower=math.nan, upper=math.nan)
        return {"worst_target_coverage_90": nothing, "worst_five_coverage_90": nothing}
    inside = np.abs(seen.measured - seen.location) <= seen.half[0.9]
    worst, five = judged[0], [t.protein for t in judged[:5]]
    rows = np.isin(seen.protein, five)
    return {
        "worst_target_coverage_90": _binomial(round(worst.coverage_90 * worst.n), worst.n),
        "worst_five_coverage_90": _binomial(int(inside[rows].sum()), int(rows.sum())),
    }


def _binomial(hits: int, n: int) -> Measure:
    found = stats.binomtest(hits, n).proportion_ci(0.95)
    return Measure(value=hits / n, lower=float(found.low), upper=float(found.high))


def _selected(seen: Scored) -> dict[str, Measure]:
    """Coverage among what a chemist would act on: the best 10 %, and the best 3 of each target."""
    inside = np.abs(seen.measured - seen.location) <= seen.half[0.9]
    order = np.argsort(seen.location, kind="stable")
    top = order[: max(1, len(order) // 10)]
    best3 = [i for t in np.unique(seen.target) for i in order[seen.target[order] == t][:3]]
    return {
        "coverage_90_best_tenth": _binomial(int(inside[top].sum()), len(top)),
        "coverage_90_best_three": _binomial(int(inside[best3].sum()), len(best3)),
    }


def per_target(seen: Scored) -> tuple[TargetScore, ...]:
    """Each protein's coverage and errors, lowest coverage first, with a test of whether it is too low."""
    inside = np.abs(seen.measured - seen.location) <= seen.half[0.9]
    shared = _sharing(seen)
    correlation = _correlation_of_sharing(inside, shared)
    rows: list[tuple[str, NDArray[np.int64], float]] = []
    for protein in np.unique(seen.protein):
        members = np.flatnonzero(seen.protein == protein)
        rows.append((str(protein), members, _too_low(inside, members, shared, correlation)))
    judged = sorted((p, name) for name, members, p in rows if len(members) >= FEWEST_FOR_WORST)
    holm, running = {}, 0.0
    for place, (p, name) in enumerate(judged):
        running = max(running, min(1.0, p * (len(judged) - place)))
        holm[name] = running
    table = [
        TargetScore(
            protein=name,
            n=len(m),
            coverage_90=float(inside[m].mean()),
            rmse_raw=_rms(seen.measured[m] - seen.raw[m]),
            rmse_calibrated=_rms(seen.measured[m] - seen.location[m]),
            rmse_null=_rms(seen.measured[m]),
            p_too_low=p,
            p_holm=holm.get(name, math.nan),
        )
        for name, m, p in rows
    ]
    return tuple(sorted(table, key=lambda t: (t.coverage_90, -t.n)))


def _rms(x: Floats) -> float:
    return math.sqrt(float(np.mean(x**2)))


def _sharing(seen: Scored) -> dict[int, list[int]]:
    """Predictions of one target that share a ligand with each prediction; at most 50 for each ligand."""
    by_ligand: dict[tuple[str, str], list[int]] = {}
    for index in range(len(seen.target)):
        for name in (seen.first[index], seen.second[index]):
            if name:
                by_ligand.setdefault((seen.target[index], name), []).append(index)
    found: dict[int, list[int]] = {}
    for members in by_ligand.values():
        for i in members[:50]:
            found.setdefault(i, []).extend(j for j in members[:50] if j != i)
    return found


def _correlation_of_sharing(inside: NDArray[np.bool_], shared: dict[int, list[int]]) -> float:
    """Correlation of being covered between predictions that share a ligand; 0 to 1."""
    centred = inside - inside.mean()
    products = [float(centred[i] * centred[j]) for i, others in shared.items() for j in others]
    variance = float(np.var(inside))
    return min(max(float(np.mean(products)) / variance, 0.0), 1.0) if products and variance > 0 else 0.0


def _too_low(
    inside: NDArray[np.bool_], members: NDArray[np.int64], shared: dict[int, list[int]], correlation: float
) -> float:
    """Lower tail of a binomial with the effective number of independent predictions."""
    pairs = sum(len(shared.get(int(i), ())) for i in members)
    effective = len(members) / (1 + correlation * pairs / len(members))
    hits = float(inside[members].mean()) * effective
    # binomial tail for non-integer counts: P(X <= h) = I_{1 - p}(n - h, h + 1)
    return float(stats.beta.cdf(0.1, effective - hits, hits + 1)) if effective > hits else 1.0


def _pair_reliability(seen: Scored) -> tuple[tuple[float, float, int], ...]:
    """P(second binds better than first) against how often it did, in bins of five hundredths to a tenth."""
    edges = seen.first != ""
    probability = t_cdf(-seen.location / seen.scale, seen.degrees)[edges]
    truth = (seen.measured < 0)[edges]
    flip = probability < 0.5  # an edge may be read either way: count each once, in the direction that is predicted
    probability, truth = np.where(flip, 1 - probability, probability), np.where(flip, ~truth, truth)
    found = []
    for low in np.arange(0.5, 1.0, 0.1):
        chosen = (probability >= low) & (probability < low + 0.1 + (1e-9 if low > 0.85 else 0))
        if chosen.sum() >= 5:
            found.append((float(probability[chosen].mean()), float(truth[chosen].mean()), int(chosen.sum())))
    return tuple(found)
