"""Every number and figure of docs/calibration.md, from the public OpenFE results, in one command.

    BINDFE_DATA=/path/to/data python benchmarks/calibration.py [--out benchmarks/out] [--ship]

Leave-one-protein-out over 39 proteins: no parameter that scores a protein has seen it. Features, assay error and
layer are fixed in the package; docs/calibration.md says which of them were chosen having seen such scores. ``--ship`` also writes the default calibrator.
"""

# ruff: noqa: E501
from __future__ import annotations

import argparse
import csv
import json
import math
import os
import resource
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from bindfe.interop import read_calculations
from bindfe.report.calibration import calibration_figures, write_calibration_report
from bindfe.report.calibration_figures import draw_how_to_read
from bindfe.report.style import png
from bindfe.results import Calculation
from bindfe.store import to_plain, write_bytes, write_text
from bindfe.uncertainty.absolute import PRIOR_MODEL_ERROR
from bindfe.uncertainty.calibrate import Calibrator
from bindfe.uncertainty.features import FEATURES
from bindfe.uncertainty.fewshot import posterior
from bindfe.uncertainty.kinds import COVERAGES, log_likelihood_by_protein
from bindfe.uncertainty.ligands import ligands_of
from bindfe.uncertainty.score import Measure, Score, Scored, per_target, score
from bindfe.uncertainty.shrink import fit_repeat_prior, next_repeat_interval
from bindfe.uncertainty.student import t_crps

HERE = Path(__file__).resolve().parent
SPLIT = HERE / "calibration_split.json"
METHOD = "OpenFE 1.0 relative binding (OpenFF 2, 3 repeats)"
DOES_NOT_APPLY = (
    "absolute delta_g: a slope learned on differences says nothing about it",
    "scaffold hops, covalent binders, metals, membrane or nucleic acid targets: not in the set",
    "charge-changing edges are 44 of 1,181: their line is thin",
    "series much wider than the set's (standard deviation of measured differences 1.3 kcal/mol): the slope is a prior "
    "on the spread and would shrink too much",
    "other engines and force fields: predictions then say 'transferred'",
)


def public_edges() -> list[Calculation]:
    """Edges of the public set that have a measured value."""
    path = Path(os.environ["BINDFE_DATA"]) / "openfe_industry_2024" / "public_edges.csv"
    return [c for c in read_calculations(path).calculations if math.isfinite(c.measured_kcal_mol)]


def split(edges: list[Calculation]) -> dict[str, list[str]]:
    """Sets of each protein, from the fixed file; the file is written if it is absent."""
    if not SPLIT.is_file():
        found: dict[str, set[str]] = {}
        for c in edges:
            found.setdefault(c.protein, set()).add(c.target)
        plan = {"seed": 2024, "folds": {p: sorted(t) for p, t in sorted(found.items())}}
        SPLIT.write_text(json.dumps(plan, indent=1) + "\n")
    return dict(json.loads(SPLIT.read_text())["folds"])


class LeftOut:
    """Predictions of every protein by a calibrator that was fitted on the others."""

    def __init__(self, edges: list[Calculation], folds: dict[str, list[str]], **choices: object) -> None:
        everything = [*edges, *measured_ligands(edges)]
        self.calculations = everything
        self.calibrators: dict[str, Calibrator] = {}
        self.arrays = {name: np.zeros(len(everything)) for name in ("location", "scale", "degrees", "raw_error")}
        self.half = {
            layer: {c: np.zeros(len(everything)) for c in COVERAGES} for layer in ("model", "pooled", "hierarchical")
        }
        target = np.array([c.target for c in everything])
        self.edge = np.array([c.reference != "series mean" for c in everything])
        for protein, sets in folds.items():
            inside = np.isin(target, sets)
            calibrator = Calibrator(method=METHOD, **choices).fit(
                [c for c, i in zip(everything, inside, strict=True) if not i]
            )  # type: ignore[arg-type]
            self.calibrators[protein] = calibrator
            for kind in (self.edge, ~self.edge):
                self._predict(calibrator, np.flatnonzero(inside & kind))

    def _predict(self, calibrator: Calibrator, rows: np.ndarray) -> None:  # type: ignore[type-arg]
        if not len(rows):
            return
        blind = [replace(self.calculations[i], measured_kcal_mol=math.nan) for i in rows]
        for layer, half in self.half.items():
            calibrator.layer = layer  # type: ignore[assignment]
            found = calibrator.predict(blind)
            for coverage in COVERAGES:
                half[coverage][rows] = found.half_width(coverage)
        calibrator.layer = "auto"
        found = calibrator.predict(blind)
        self.arrays["location"][rows], self.arrays["scale"][rows] = found.location, found.scale
        self.arrays["degrees"][rows], self.arrays["raw_error"][rows] = (
            found.degrees_of_freedom,
            found.raw_standard_error,
        )

    def scored(self, *, edges: bool, layer: str = "pooled") -> Scored:
        """Edges or ligands beside what was measured."""
        rows = np.flatnonzero(self.edge == edges)
        kept = [self.calculations[i] for i in rows]
        return Scored(
            target=np.array([c.target for c in kept]),
            protein=np.array([c.protein for c in kept]),
            first=np.array([c.reference if edges else "" for c in kept]),
            second=np.array([c.ligand for c in kept]),
            measured=np.array([c.measured_kcal_mol for c in kept]),
            raw=np.array([c.value_kcal_mol for c in kept]),
            reported_error=np.array([c.standard_error_kcal_mol for c in kept]),
            half_widths={c: w[rows] for c, w in self.half[layer].items()},
            **{name: values[rows] for name, values in self.arrays.items()},
        )


def measured_ligands(edges: list[Calculation]) -> list[Calculation]:
    """Ligands of the networks with a measured value."""
    return [c for c in ligands_of(edges, fit_repeat_prior(edges)) if math.isfinite(c.measured_kcal_mol)]


def third_repeat(edges: list[Calculation]) -> dict[str, float]:
    """How often the 95 % interval of one or two repeats holds another one; the prior from other proteins."""
    hits: dict[str, list[bool]] = {"one": [], "two": [], "naive two": []}
    for protein in sorted({c.protein for c in edges}):
        prior = fit_repeat_prior([c for c in edges if c.protein != protein])
        for c in (c for c in edges if c.protein == protein and len(c.repeats) == 3):
            for k in range(3):
                rest = [r for j, r in enumerate(c.repeats) if j != k]
                for name, used in (("one", rest[:1]), ("two", rest)):
                    low, high = next_repeat_interval(used, own_error=c.repeat_error_kcal_mol, prior=prior)
                    hits[name].append(low <= c.repeats[k] <= high)
                naive = 1.96 * float(np.std(rest, ddof=1))
                hits["naive two"].append(abs(c.repeats[k] - np.mean(rest)) <= naive)
    return {name: float(np.mean(h)) for name, h in hits.items()}


def few_shot(
    left: LeftOut, worst: list[str], *, known: int = 5, draws: int = 200, seed: int = 2024
) -> dict[str, float]:
    """CRPS and coverage on the rest of a protein's edges before and after ``known`` of them are labelled."""
    rng = np.random.default_rng(seed)
    before, after, weight = [], [], []
    inside: dict[str, list[tuple[float, float, int]]] = {"before": [], "after": []}
    width: dict[str, list[float]] = {"before": [], "after": []}
    for protein, calibrator in left.calibrators.items():
        members = [c for c, e in zip(left.calculations, left.edge, strict=True) if e and c.protein == protein]
        if len(members) < 10:
            continue
        fitted = calibrator.kinds_["edge"]
        seen = calibrator.observe(members)
        table, *_ = log_likelihood_by_protein(seen, fitted.model, fitted.between)
        location, variance = fitted.model.slope * seen.value, fitted.model.variance(seen)
        nu = fitted.model.tail
        quantile = dict(fitted.pooled)[0.9]
        for _ in range(draws):
            order = rng.permutation(len(members))
            chosen, rest = order[:known], order[known:]
            update = posterior(table[:, chosen], fitted)
            new = update.apply(seen.value[rest], location[rest], variance[rest], fitted)
            for name, (centre, spread) in (("before", (location[rest], variance[rest])), ("after", new)):
                scale = np.sqrt(spread * (nu - 2) / nu)
                z = (seen.measured[rest] - centre) / scale
                crps = float(np.mean(scale * t_crps(z, np.full(len(z), nu))))
                (before if name == "before" else after).append(crps)
                width[name].append(float(np.mean(quantile * scale)))
                if protein in worst:
                    inside[name].append((float(np.sum(np.abs(z) <= quantile)), len(z), 0))
            weight.append(len(rest))
    pooled = {name: sum(h for h, _, _ in v) / sum(n for _, n, _ in v) for name, v in inside.items()}
    return {
        "crps_before": float(np.average(before, weights=weight)),
        "crps_after": float(np.average(after, weights=weight)),
        "worst_five_before": pooled["before"],
        "worst_five_after": pooled["after"],
        "half_width_90_before": float(np.average(width["before"], weights=weight)),
        "half_width_90_after": float(np.average(width["after"], weights=weight)),
    }


def small_sets(edges: list[Calculation], seed: int = 2024, repeats: int = 12) -> list[tuple[int, float, float]]:
    """Coverage of the 90 % interval on all other proteins when few are calibrated on: mean and sd over draws."""
    rng = np.random.default_rng(seed)
    proteins = np.array(sorted({c.protein for c in edges}))
    found = []
    for count in (3, 8, 15, 30):
        seen = []
        for _ in range(repeats):
            chosen = set(rng.choice(proteins, count, replace=False).tolist())
            inside = [c for c in edges if c.protein in chosen]
            calibrator = Calibrator().fit([*inside, *measured_ligands(inside)[:0]])
            others = [c for c in edges if c.protein not in chosen]
            interval = calibrator.predict(others).predict_interval(0.9)
            y = np.array([c.measured_kcal_mol for c in others])
            seen.append(float(np.mean((y >= interval[:, 0]) & (y <= interval[:, 1]))))
        found.append((count, float(np.mean(seen)), float(np.std(seen, ddof=1))))
    return found


def ship(edges: list[Calculation], result: Score) -> None:
    """Fit on everything and write the default calibrator with the scores that were measured."""
    data = HERE.parent / "bindfe" / "uncertainty" / "data"
    calibrator = Calibrator(method=METHOD).fit(edges)
    calibrator.fitted_on_ |= {
        "data": "OpenFE 2024 industry benchmark, public sets, commit ff41e5ad0fda, MIT licence",
        "features": list(FEATURES),
        "protocol": "leave-one-protein-out; table of sets and proteins in bindfe/interop/data/proteins.csv",
    }
    calibrator.scores_ = {name: to_plain(m) for name, m in result.measures.items()}
    calibrator.does_not_apply_to_ = DOES_NOT_APPLY
    calibrator.save(data / "openfe-2024.json")
    prior = Calibrator.absolute_prior()
    prior.does_not_apply_to_ = (f"nothing was fitted: a model error of {PRIOR_MODEL_ERROR:g} kcal/mol is assumed",)
    prior.save(data / "absolute-prior.json")


def show(m: Measure, factor: float = 1.0, digits: int = 3) -> str:
    """A measure with its interval."""
    return f"{factor * m.value:.{digits}f} [{factor * m.lower:.{digits}f}, {factor * m.upper:.{digits}f}]"


def table(
    edge: Score,
    ligand: Score,
    layers: dict[str, Score],
    repeats: dict[str, float],
    few: dict[str, float],
    small: list[tuple[int, float, float]],
) -> str:
    """The table of the documentation, as Markdown."""
    e, n = edge.measures, ligand.measures
    rows = [
        *((f"coverage of the {c} % interval (%)", show(e[f"coverage_{c}"], 100, 1), show(n[f"coverage_{c}"], 100, 1)) for c in (50, 68, 90, 95)),
        *((label, show(e[key]), show(n[key])) for label, key in (
            ("half-width of the 90 % interval (kcal/mol)", "half_width_90_kcal_mol"),
            ("half-width of the 95 % interval (kcal/mol)", "half_width_95_kcal_mol"),
            ("RMSE raw (kcal/mol)", "rmse_raw"), ("RMSE null (kcal/mol)", "rmse_null"), ("RMSE calibrated (kcal/mol)", "rmse_calibrated"),
            ("ECE", "ece"), ("ECE, central intervals", "ece_central"),
            ("CRPS (kcal/mol)", "crps_kcal_mol"), ("CRPS null (kcal/mol)", "crps_null_kcal_mol"), ("NLL", "nll"), ("Winkler 90 % (kcal/mol)", "winkler_90_kcal_mol"),
            ("variance of z", "z_variance"),
            ("rank correlation with measured, raw", "spearman_raw_measured"), ("rank correlation with measured, calibrated", "spearman_calibrated_measured"),
            ("Spearman(error, sigma), calibrated", "spearman_error_sigma"), ("... with abs(raw) as sigma", "spearman_error_abs_raw"), ("... if the model were exact", "spearman_error_sigma_if_exact"),
            ("Spearman(raw error, raw sigma)", "spearman_raw_error_sigma"), ("... with abs(raw) as sigma", "spearman_raw_error_abs_raw"), ("... if the model were exact", "spearman_raw_error_sigma_if_exact"),
        )),
        *((label, show(e[key], 100, 1), show(n[key], 100, 1)) for label, key in (
            ("90 % interval, worst protein with >= 10 (%)", "worst_target_coverage_90"), ("90 % interval, worst five pooled (%)", "worst_five_coverage_90"),
            ("90 % interval, best tenth by calibrated value (%)", "coverage_90_best_tenth"), ("90 % interval, best three of each set (%)", "coverage_90_best_three"),
        )),
    ]  # fmt: skip
    lines = [
        f"{edge.n} edges and {ligand.n} ligands of {edge.n_proteins} proteins; 95 % intervals by resampling proteins.",
        "",
        "| measure | edges | ligands |",
        "|---|---|---|",
    ]
    lines += [f"| {a} | {b} | {c} |" for a, b, c in rows]
    low = [t for t in edge.targets if t.n >= 10]
    lines += [
        "",
        f"Proteins with at least 10 edges: {len(low)}; smallest Holm-corrected p for too low a coverage: {min(t.p_holm for t in low):.2f} ({min(low, key=lambda t: t.p_holm).protein}).",
    ]
    lines += [
        "",
        "| what the interval stands on | coverage of 50 / 68 / 90 / 95 % (%) | half-width of 90 % (kcal/mol) | worst protein (%) |",
    ]
    lines += ["|---|---|---|---|", *(layer_row(name, s) for name, s in layers.items())]
    lines += [
        "",
        f"Another repeat inside the 95 % interval: of two repeats {100 * repeats['two']:.1f} % (1.96 times their own sd: {100 * repeats['naive two']:.1f} %), of one repeat {100 * repeats['one']:.1f} %.",
    ]
    lines += [
        "",
        f"Five labelled edges (200 draws, scored on the rest of each protein with at least 10): CRPS {few['crps_before']:.4f} -> {few['crps_after']:.4f} kcal/mol; pooled coverage of the worst five {100 * few['worst_five_before']:.1f} -> {100 * few['worst_five_after']:.1f} %; half-width of the 90 % interval {few['half_width_90_before']:.2f} -> {few['half_width_90_after']:.2f} kcal/mol.",
    ]
    lines += [
        "",
        "| proteins calibrated on | coverage of the 90 % interval on the others (%), mean +- sd over draws |",
        "|---|---|",
    ]
    lines += [f"| {k} | {100 * m:.1f} +- {100 * s:.1f} |" for k, m, s in small]
    return "\n".join(lines) + "\n"


def layer_row(name: str, result: Score) -> str:
    """One row of the table of layers."""
    m = result.measures
    held = " / ".join(f"{100 * m[f'coverage_{c}'].value:.1f}" for c in (50, 68, 90, 95))
    worst = 100 * m["worst_target_coverage_90"].value
    return f"| {name} | {held} | {m['half_width_90_kcal_mol'].value:.2f} | {worst:.0f} |"


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "out")
    parser.add_argument("--ship", action="store_true", help="write the default calibrator into the package")
    parser.add_argument("--docs", action="store_true", help="write the table and figures into docs/")
    arguments = parser.parse_args()
    start = time.perf_counter()
    edges = public_edges()
    left = LeftOut(edges, split(edges))
    seen = left.scored(edges=True)
    edge, ligand = score(seen), score(left.scored(edges=False))
    layers = {name: score(left.scored(edges=True, layer=name)) for name in ("model", "pooled", "hierarchical")}
    worst = [t.protein for t in per_target(seen) if t.n >= 10][:5]
    text = table(edge, ligand, layers, third_repeat(edges), few_shot(left, worst), small_sets(edges))
    print(text)
    figures = arguments.out if not arguments.docs else HERE.parent / "docs" / "figures"
    for name, picture in calibration_figures(seen, edge).items():
        write_bytes(figures / f"calibration-{name}.png", picture)
    write_calibration_report(
        seen, edge, path=arguments.out / "calibration.html", title="OpenFE 2024 public edges, leave-one-protein-out"
    )
    write_text(arguments.out / "calibration-table.md", text)
    with (arguments.out / "calibration-targets.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["protein", "n", "coverage_90", "rmse_raw", "rmse_calibrated", "rmse_null", "p_too_low", "p_holm"]
        )
        writer.writerows(
            [t.protein, t.n, t.coverage_90, t.rmse_raw, t.rmse_calibrated, t.rmse_null, t.p_too_low, t.p_holm]
            for t in edge.targets
        )
    write_bytes(figures / "how-to-read.png", how_to_read(seen))
    if arguments.docs:
        into_docs(text)
    if arguments.ship:
        ship(edges, edge)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{time.perf_counter() - start:.0f} s wall, {used.ru_utime:.0f} s of one core, {used.ru_maxrss / 1e6:.2f} GB")


def how_to_read(seen: Scored) -> bytes:
    """The picture of docs/how-to-read-the-interval.md: the first TYK2 edge whose old error bar misses."""
    half = seen.half
    missed = np.abs(seen.measured - seen.raw) > 1.96 * seen.reported_error
    held = np.abs(seen.measured - seen.location) < half[0.9]
    row = int(np.flatnonzero((seen.protein == "TYK2") & missed & held & (np.abs(seen.raw) > 1.5))[0])
    figure = draw_how_to_read(
        raw=float(seen.raw[row]),
        reported=float(seen.reported_error[row]),
        location=float(seen.location[row]),
        half_widths={c: float(half[c][row]) for c in COVERAGES},
        measured=float(seen.measured[row]),
        name=f"TYK2, {seen.first[row]} -> {seen.second[row]}",
    )
    return png(figure)


def into_docs(text: str) -> None:
    """Put the table between the markers of docs/calibration.md."""
    page = HERE.parent / "docs" / "calibration.md"
    before, _, rest = page.read_text(encoding="utf-8").partition("<!-- table -->\n")
    _, _, after = rest.partition("<!-- end of table -->\n")
    page.write_text(f"{before}<!-- table -->\n{text}<!-- end of table -->\n{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
