"""What the page says about one ligand: every number formatted, every verdict in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bindfe.report.draw_atoms import colour_atoms
from bindfe.report.draw_leg import least_mixed, least_overlapping, neighbour_overlap
from bindfe.report.gallery import Picture, as_data_uri, legs_of
from bindfe.report.material import LigandMaterial, ReportMaterial
from bindfe.report.path_section import path_facts
from bindfe.report.style import COMPONENT_COLOURS
from bindfe.report.words import (
    comparison,
    convention,
    dissociation_constant,
    duration,
    headline_coverage,
    interval,
    number,
    percent,
    promise,
    quantity,
    signed,
    with_error,
)
from bindfe.results import BindingEstimate, LegEstimate, PathResult, Prediction, UncertaintyBudget
from bindfe.units import kt_to_kcal

Row = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One ligand's part of the page, ready to be set."""

    anchor: str
    """Its place in the page, for links."""
    title: str
    """The ligand, or the pair."""
    facts: dict[str, Any]
    """Text for the template, by name."""
    pictures: dict[str, Picture]
    """Its figures, by role."""


def ligand_section(material: LigandMaterial, run: ReportMaterial, pictures: dict[str, Picture], order: int) -> Section:
    """Put one ligand's records into words."""
    prediction, binding = material.prediction, material.binding
    coverage = headline_coverage(run.coverages)
    value = prediction.location_kcal_mol
    moved = number(prediction.raw_kcal_mol) != number(value)
    drawing = material.depiction_svg.strip()
    return Section(
        anchor=f"ligand-{order}",
        title=f"{prediction.reference} → {prediction.ligand}" if prediction.reference else prediction.ligand,
        pictures=pictures,
        facts={
            "quantity": quantity(prediction).capitalize(),
            "convention": convention(prediction, temperature=binding.temperature),
            "force_field": _force_field(material),
            "value": number(value),
            "interval": interval(prediction.interval(coverage)),
            "coverage": percent(coverage),
            "raw": number(prediction.raw_kcal_mol) if moved else "",
            "standard_error": number(prediction.standard_error_kcal_mol),
            "calibrated": prediction.calibrated,
            "promise": promise(prediction),
            "depiction": as_data_uri(drawing.encode()) if drawing else "",
            "affinity": _affinity(material, coverage),
            "intervals": _intervals(material, run.coverages),
            "measured": _measured(material, coverage),
            "exact": _exact(material, coverage),
            "terms": _terms(binding),
            "sum": number(binding.delta_g_kcal_mol),
            "budget": _budget(prediction.budget),
            "widened": _widened(prediction),
            "repeats": _repeats(binding),
            "repeat_spread": _repeat_spread(binding),
            "legs": _legs(material, run.minimum_overlap),
            "path": None if material.path is None else path_facts(material.path),
            "committee": _committee(material),
            "members": _members(material),
            "atoms": _atoms(material),
            "timings": _timings(material),
            "origin": _origin(material),
            "warnings": ligand_warnings(material),
        },
    )


def unconverged_section(path: PathResult, pictures: dict[str, Picture], order: int) -> Section:
    """What was seen of a ligand whose path did not pass its gates, without a number."""
    return Section(
        anchor=f"unconverged-{order}", title=path.ligand, facts={"path": path_facts(path)}, pictures=pictures
    )


def ligand_warnings(material: LigandMaterial) -> tuple[str, ...]:
    """Warnings of the prediction, the cycle and the legs, each once; those of a leg say which."""
    found = [*material.prediction.warnings, *material.binding.warnings]
    for leg in material.legs:
        where = f"{leg.kind.value.capitalize()} leg, repeat {leg.repeat + 1}: "
        found += [where + text for text in leg.warnings if not any(text in earlier for earlier in found)]
    return tuple(dict.fromkeys(found))


def _affinity(material: LigandMaterial, coverage: float) -> str:
    """The same statement as a dissociation constant; empty for a difference or a model without molecules."""
    if material.prediction.quantity != "absolute" or material.exact_kcal_mol is not None:
        return ""
    temperature = material.binding.temperature
    low, high = (dissociation_constant(end, temperature=temperature) for end in material.prediction.interval(coverage))
    middle = dissociation_constant(material.prediction.location_kcal_mol, temperature=temperature)
    return f"{middle} ({low} to {high})"


def _force_field(material: LigandMaterial) -> str:
    """The force field's own value with its standard error, where a correction leads on to a learned potential."""
    found = material.force_field
    return "" if found is None else with_error(found.location_kcal_mol, found.standard_error_kcal_mol)


def _intervals(material: LigandMaterial, coverages: tuple[float, ...]) -> list[Row]:
    prediction = material.prediction
    return [
        (percent(coverage), interval(prediction.interval(coverage)), "± " + number(prediction.half_width(coverage)))
        for coverage in sorted(coverages)
    ]


def _measured(material: LigandMaterial, coverage: float) -> dict[str, str]:
    affinity = material.measured
    if affinity is None:
        return {}
    return {
        "value": with_error(affinity.delta_g_kcal_mol, affinity.standard_error_kcal_mol),
        "verdict": comparison(material.prediction, affinity, coverage),
        "how": ", ".join(part for part in (affinity.assay, f"{affinity.temperature:g} K", affinity.source) if part),
    }


def _exact(material: LigandMaterial, coverage: float) -> str:
    exact = material.exact_kcal_mol
    if exact is None:
        return ""
    low, high = material.prediction.interval(coverage)
    where = "inside" if low <= exact <= high else "outside"
    difference = signed(material.prediction.location_kcal_mol - exact)
    return (
        f"The exact answer of this model is {number(exact)} kcal/mol, {where} the {percent(coverage)} interval; "
        f"the prediction differs from it by {difference} kcal/mol."
    )


def _terms(binding: BindingEstimate) -> list[Row]:
    def error(value: float) -> str:
        return number(value) if value > 0 else "exact"

    return [
        (term.name, signed(term.delta_g_kcal_mol), error(term.standard_error_kcal_mol), term.explanation)
        for term in binding.terms
    ]


def _budget(budget: UncertaintyBudget) -> list[Row]:
    total = budget.standard_error_kcal_mol**2
    rows: list[Row] = []
    for kind, colour in COMPONENT_COLOURS.items():
        part = budget.component(kind)
        if part is None:
            rows.append((colour, kind, "not estimated", "", "", "This calculation has no number for it."))
            continue
        share = percent(round(part.standard_error_kcal_mol**2 / total, 2)) if total > 0 else ""
        freedom = number(part.degrees_of_freedom, 1)
        rows.append((colour, kind, number(part.standard_error_kcal_mol), share, freedom, part.explanation))
    freedom = number(budget.degrees_of_freedom, 1)
    rows.append(("", "total", number(budget.standard_error_kcal_mol), "100 %" if total > 0 else "", freedom, ""))
    return rows


def _widened(prediction: Prediction) -> str:
    """Why the prediction's standard error is not the budget's, where the two differ."""
    total, predicted = number(prediction.budget.standard_error_kcal_mol), number(prediction.standard_error_kcal_mol)
    if total == predicted:
        return ""
    cause = "calibration and " if prediction.calibrated else ""
    return (
        f"The prediction's standard error is {predicted} kcal/mol and not {total}: {cause}"
        f"{number(prediction.degrees_of_freedom, 1)} degrees of freedom are behind it, and an error that is itself "
        "known from few repeats has wider tails than a normal distribution."
    )


def _repeats(binding: BindingEstimate) -> list[Row]:
    pairs = zip(binding.delta_g_repeats, binding.bootstrap_errors, strict=True)
    return [(str(index + 1), number(value), number(error)) for index, (value, error) in enumerate(pairs)]


def _repeat_spread(binding: BindingEstimate) -> str:
    values, errors = binding.delta_g_repeats, binding.bootstrap_errors
    if len(values) < 2:
        return "A single repeat cannot show how far another one would be from it: run at least two."
    spread, stated = float(np.std(values, ddof=1)), float(np.sqrt(np.mean(errors**2)))
    return (
        f"Standard deviation between repeats {number(spread)} kcal/mol; "
        f"each one's own (bootstrap) error says {number(stated)} kcal/mol."
    )


def _legs(material: LigandMaterial, minimum: float) -> list[dict[str, Any]]:
    return [
        {
            "name": kind.value,
            "rows": [_leg_row(leg, material.binding.temperature, minimum) for leg in legs],
            "overlap_repeat": str(least_overlapping(legs).repeat + 1),
            "mixing_repeat": str(least_mixed(legs).repeat + 1),
            "minimum": percent(minimum),
            "states": str(len(legs[0].f_k)),
        }
        for kind, legs in legs_of(material).items()
    ]


def _leg_row(leg: LegEstimate, temperature: float, minimum: float) -> Row:
    neighbours = neighbour_overlap(leg)
    weakest = int(np.argmin(np.nan_to_num(neighbours)))
    enough = "" if neighbours[weakest] >= minimum else " (too low)"
    return (
        str(leg.repeat + 1),
        with_error(kt_to_kcal(leg.delta_f, temperature), kt_to_kcal(leg.bootstrap_error, temperature)),
        f"{percent(float(neighbours[weakest]))}{enough}, {weakest} and {weakest + 1}",
        number(float(leg.n_effective.min()), 0),
        f"{leg.equilibrated_from} of {leg.n_cycles}",
        number(leg.statistical_inefficiency, 1),
        str(leg.mixing.round_trips) + ("" if leg.mixing.round_trips else " (none)"),
        number(leg.mixing.second_eigenvalue, 3),
    )


def _committee(material: LigandMaterial) -> list[dict[str, Any]]:
    return [
        {
            "environment": report.environment,
            "frames": str(report.n_frames),
            "members": str(len(report.members)),
            "spread": number(float(np.mean(report.spread_kt))) if len(report.spread_kt) else number(None),
            "gap": number(report.gap_spread_kt),
            "n_effective": number(report.n_effective, 1),
            "notes": report.notes,
        }
        for report in material.committee
    ]


def _members(material: LigandMaterial) -> str:
    """How the members' free energies were found; empty without them."""
    route = material.binding.committee
    if route is None:
        return ""
    trust = "" if route.trusted else " The gates do not trust it."
    side = " It rests on frames of one end only: no guarantee is given." if route.unidirectional else ""
    scale = f" Members are rescaled by {number(route.alpha)}." if route.alpha != 1.0 else ""
    return f"The members' free energies come by {route.route} ({route.reason}).{trust}{side}{scale}"


def _atoms(material: LigandMaterial) -> dict[str, Any]:
    """The drawing coloured by disagreement, and what left the domain; empty without it."""
    report = material.atoms
    if report is None:
        return {}
    drawing = colour_atoms(material.depiction_svg.strip(), report.disagreement_kcal_mol.tolist())
    worst = int(np.argmax(report.disagreement_kcal_mol))
    return {
        "drawing": as_data_uri(drawing.encode()) if drawing else "",
        "worst": f"{number(float(report.disagreement_kcal_mol[worst]))} kcal/mol (atom {worst})",
        "frames": str(report.n_frames),
        "reference": str(report.n_reference),
        "departures": [
            (
                each.environment,
                str(each.repeat + 1),
                number(each.time_ps, 1),
                ", ".join(str(atom) for atom in each.atoms),
                number(each.distance),
                number(each.disagreement),
            )
            for each in sorted(report.departures, key=lambda one: -max(one.distance, one.disagreement))[:10]
        ],
        "n_departures": str(len(report.departures)),
    }


def _origin(material: LigandMaterial) -> dict[str, Any]:
    """How the ligand was made ready, with its pose drawn; empty if nothing is known."""
    origin = material.origin
    if origin is None or not (origin.rows or origin.remarks or origin.pose_svg):
        return {}
    return {
        "rows": origin.rows,
        "remarks": origin.remarks,
        "pose": as_data_uri(origin.pose_svg.encode()) if origin.pose_svg else "",
        "placing": as_data_uri(origin.placing_svg.encode()) if origin.placing_svg else "",
    }


def _timings(material: LigandMaterial) -> list[Row]:
    return [
        (
            timing.stage,
            number(None) if timing.repeat is None else str(timing.repeat + 1),
            number(timing.ns_per_day, 0 if (timing.ns_per_day or 0.0) > 20 else 1),
            duration(timing.wall_seconds),
        )
        for timing in material.timings
    ]
