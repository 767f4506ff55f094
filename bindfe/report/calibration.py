"""Scores of a calibration as one HTML page that opens anywhere: no network, no script, no other file."""

from __future__ import annotations

import base64
import math
from importlib import resources
from pathlib import Path

from bindfe.report.calibration_figures import (
    draw_pairs,
    draw_pit,
    draw_predicted_against_measured,
    draw_reliability,
    draw_sharpness,
    draw_targets,
    draw_trusted_old_bar,
)
from bindfe.report.style import png
from bindfe.store import write_text
from bindfe.uncertainty.score import Measure, Score, Scored

_ROWS = (
    ("coverage_50", "50 % interval holds", 100, "%"),
    ("coverage_68", "68 % interval holds", 100, "%"),
    ("coverage_90", "90 % interval holds", 100, "%"),
    ("coverage_95", "95 % interval holds", 100, "%"),
    ("half_width_90_kcal_mol", "half-width of the 90 % interval, mean", 1, "kcal/mol"),
    ("rmse_raw", "RMSE of the raw values", 1, "kcal/mol"),
    ("rmse_calibrated", "RMSE of the calibrated values", 1, "kcal/mol"),
    ("rmse_null", "RMSE of predicting no difference (null model)", 1, "kcal/mol"),
    ("crps_kcal_mol", "CRPS (error of the whole distribution)", 1, "kcal/mol"),
    ("crps_null_kcal_mol", "CRPS of the null model with its own best width", 1, "kcal/mol"),
    ("ece", "mean gap between said and seen quantiles (ECE)", 1, ""),
    ("ece_central", "the same for central intervals", 1, ""),
    ("winkler_90_kcal_mol", "Winkler score of the 90 % interval", 1, "kcal/mol"),
    ("nll", "negative log likelihood", 1, ""),
    ("z_variance", "variance of error / standard error", 1, ""),
    ("spearman_raw_measured", "rank correlation with measured, raw", 1, ""),
    ("spearman_calibrated_measured", "rank correlation with measured, calibrated", 1, ""),
    ("spearman_error_sigma", "rank correlation of error and its sigma, calibrated", 1, ""),
    ("spearman_error_abs_raw", "beside it: with |raw value| alone", 1, ""),
    ("spearman_error_sigma_if_exact", "beside it: expected if the model were exact", 1, ""),
    ("spearman_raw_error_sigma", "rank correlation of raw error and raw sigma", 1, ""),
    ("spearman_raw_error_abs_raw", "beside it: with |raw value| alone", 1, ""),
    ("spearman_raw_error_sigma_if_exact", "beside it: expected if the model were exact", 1, ""),
    ("worst_target_coverage_90", "90 % interval holds, worst protein with 10 or more", 100, "%"),
    ("worst_five_coverage_90", "90 % interval holds, worst five together", 100, "%"),
    ("coverage_90_best_tenth", "90 % interval holds among the best tenth by calibrated value", 100, "%"),
    ("coverage_90_best_three", "90 % interval holds among the best three of each target", 100, "%"),
)


def write_calibration_report(seen: Scored, result: Score, *, path: Path, title: str) -> None:
    """Write the page; the same scores give the same bytes.

    Args:
        seen: The predictions; those without a measured value are left out.
        result: Their scores.
        path: The page to write.
        title: What was scored.

    Raises:
        StoreError: The file cannot be written.
    """
    import jinja2
    import numpy as np

    kept = seen.take(np.flatnonzero(np.isfinite(seen.measured) & np.isfinite(seen.location) & (seen.scale > 0)))
    room = resources.files("bindfe.report")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(room.joinpath("calibration.html").read_text(encoding="utf-8"))
    page = template.render(
        title=title,
        result=result,
        headline=result.measures["coverage_90"].value,
        old=_old_90(kept),
        rows=[(name, *_cells(result.measures[key], factor), unit) for key, name, factor, unit in _ROWS],
        targets=result.targets[:60],
        figures={name: _embedded(picture) for name, picture in calibration_figures(kept, result).items()},
        css=room.joinpath("page.css").read_text(encoding="utf-8"),
    )
    write_text(path, page)


def calibration_figures(seen: Scored, result: Score) -> dict[str, bytes]:
    """Every figure of the page as PNG, by name."""
    return {
        "trusted": png(draw_trusted_old_bar(seen)),
        "measured": png(draw_predicted_against_measured(seen)),
        "reliability": png(draw_reliability(seen)),
        "pit": png(draw_pit(result)),
        "sharpness": png(draw_sharpness(seen)),
        "targets": png(draw_targets(result)),
        "pairs": png(draw_pairs(result)),
    }


def _old_90(seen: Scored) -> float | None:
    import numpy as np

    known = np.isfinite(seen.reported_error) & (seen.reported_error > 0)
    if known.mean() < 0.5:
        return None
    return float(np.mean(np.abs(seen.measured - seen.raw)[known] <= 1.6449 * seen.reported_error[known]))


def _cells(measure: Measure, factor: float) -> tuple[str, str]:
    digits = 1 if factor == 100 else 3
    if not math.isfinite(measure.value):
        return "—", ""
    span = (
        f"{factor * measure.lower:.{digits}f} to {factor * measure.upper:.{digits}f}"
        if math.isfinite(measure.lower)
        else ""
    )
    return f"{factor * measure.value:.{digits}f}", span


def _embedded(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode()
