"""From stored samples to predictions: no simulation, the same numbers every time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bindfe.campaign.plan import task_seed
from bindfe.campaign.potential import skipped, stored_corrections
from bindfe.campaign.roads import estimate_path, path_binding, provisional_path
from bindfe.campaign.symmetry import equivalent_count, say_count, symmetry_warning
from bindfe.errors import BindfeError, ConvergenceError, EstimateError, InputError
from bindfe.estimate.cycle import Correction, Method, close_cycle
from bindfe.protocol import Protocol
from bindfe.report.answer import answer
from bindfe.report.material import failure_of
from bindfe.report.table import predictions_table
from bindfe.results import (
    Affinity,
    BindingEstimate,
    LegEstimate,
    NotConverged,
    Prediction,
    PreparedLeg,
    UncertaintyBudget,
)
from bindfe.sample.exchange import chunk_paths, read_potentials
from bindfe.states import LegKind
from bindfe.store import Run, read_record, read_records, write_record, write_records, write_text
from bindfe.uncertainty.budget import budget, predict

if TYPE_CHECKING:
    from bindfe.uncertainty.calibrate import Calibrator


def estimate_run(
    run: Run, protocol: Protocol, names: tuple[str, ...], failures: Mapping[str, BindfeError]
) -> tuple[tuple[Prediction, ...], dict[str, BindfeError]]:
    """Estimate every ligand from what is stored, and write the answers.

    Args:
        run: The run directory.
        protocol: Its protocol.
        names: Ligands to estimate.
        failures: Ligands without a number already, and why.

    Returns:
        A prediction for each ligand that has a number, and why each other ligand has none.
        ``prediction.json`` and ``predictions.csv`` hold the same.
    """
    predictions, bindings, force_field, reasons = [], {}, {}, dict(failures)
    for name in names:
        try:
            bindings[name] = estimate_ligand(run, protocol, name)
            predictions.append(predict_ligand(run, protocol, bindings[name]))
            force_field[name] = force_field_prediction(run, protocol, bindings[name])
        except BindfeError as error:
            reasons[name] = error
    content = answer(
        predictions,
        protocol=protocol.name,
        fingerprint=protocol.fingerprint(),
        estimates=bindings,
        force_field=force_field,
        failures=[failure_of(name, error) for name, error in sorted(reasons.items())],
        coverages=protocol.estimator.coverage,
    )
    write_record(run.prediction, content)
    write_text(run.table, predictions_table(predictions, protocol.estimator.coverage))
    return tuple(predictions), reasons


def estimate_ligand(run: Run, protocol: Protocol, name: str) -> BindingEstimate:
    """Estimate one ligand's legs and close its cycle; writes ``estimate.json`` and ``binding.json``.

    Raises:
        EstimateError: Too few samples, or states that do not overlap.
        StoreError: A stored file is damaged.
    """
    if protocol.road != "alchemy":
        return _estimate_along_path(run, protocol, name)
    legs = _estimate_legs(run, protocol, name)
    corrections, warnings = stored_corrections(run, protocol, name)
    binding = _close(run, protocol, name, legs, corrections)
    said = filter(None, (skipped(run, protocol, name), symmetry_warning(run, protocol, _prepared(run, protocol, name))))
    binding = replace(binding, warnings=(*binding.warnings, *warnings, *said))
    write_records(run.ligand(name) / "estimate.json", legs)
    write_record(run.ligand(name) / "binding.json", binding)
    return binding


def _estimate_along_path(run: Run, protocol: Protocol, name: str) -> BindingEstimate:
    """The number of a road along a path, if its gates let it pass; ``path.json`` is written in any case.

    Raises:
        ConvergenceError: They do not; the message says what was seen.
    """
    (run.ligand(name) / "binding.json").unlink(missing_ok=True)
    result = estimate_path(run, protocol, name)
    binding = path_binding(result, temperature=protocol.sampling.temperature)
    if not result.judgement.converged:
        text = NotConverged(ligand=name, judgement=result.judgement, seen=binding).text
        raise ConvergenceError(text.removeprefix(f"{name}: "))
    write_record(run.ligand(name) / "binding.json", binding)
    return binding


def _estimate_legs(run: Run, protocol: Protocol, name: str) -> tuple[LegEstimate, ...]:
    """Every leg of every repeat that has samples of all legs."""
    legs = tuple(
        estimate_repeat(run, protocol, name, kind, repeat)
        for kind in protocol.leg_kinds
        for repeat in complete_repeats(run, protocol, name)
    )
    if not legs:
        raise EstimateError(f"{name}: no repeat has samples of every leg yet")
    return legs


def _close(
    run: Run, protocol: Protocol, name: str, legs: tuple[LegEstimate, ...], corrections: tuple[Correction, ...] = ()
) -> BindingEstimate:
    leg = _prepared(run, protocol, name)
    binding = close_cycle(
        legs,
        ligand=name,
        temperature=protocol.sampling.temperature,
        method=method_of(protocol),
        restraint=leg.restraint,
        n_equivalent=equivalent_count(run, protocol, name, leg),
        corrections=corrections,
    )
    return say_count(binding, protocol)


def method_of(protocol: Protocol) -> Method:
    """The cycle that a protocol's legs belong to."""
    if protocol.hydration:
        return "hydration"
    if protocol.relative:
        return "relative"
    return "analytic" if protocol.analytic is not None else protocol.alchemy.method


def estimate_repeat(run: Run, protocol: Protocol, name: str, kind: LegKind, repeat: int) -> LegEstimate:
    """Estimate one leg from one repeat's stored samples."""
    from bindfe.estimate.mbar import estimate_leg

    seed = task_seed(protocol, name, kind, repeat)
    return estimate_leg(
        read_potentials(run.repeat(name, kind, repeat), seed=seed),
        kind=kind,
        repeat=repeat,
        n_bootstrap=protocol.estimator.bootstrap,
        seed=seed,
        minimum_overlap=protocol.estimator.minimum_overlap,
    )


def complete_repeats(run: Run, protocol: Protocol, name: str) -> tuple[int, ...]:
    """Repeats that have samples of every leg."""
    return tuple(
        repeat
        for repeat in range(protocol.repeats.number)
        if all(chunk_paths(run.repeat(name, kind, repeat)) for kind in protocol.leg_kinds)
    )


def _prepared(run: Run, protocol: Protocol, name: str) -> PreparedLeg:
    return read_record(run.prepared(name, protocol.leg_kinds[0]) / "leg.json", PreparedLeg)


def predict_ligand(run: Run, protocol: Protocol, binding: BindingEstimate) -> Prediction:
    """The prediction of a closed cycle, calibrated if the protocol names a calibrator."""
    parts: UncertaintyBudget = budget(binding)
    prediction = predict(
        binding,
        parts,
        fingerprint=_prepared(run, protocol, binding.ligand).fingerprint,
        target=protocol.receptor.name or Path(protocol.receptor.file).stem,
    )
    if protocol.calibration.file is None:
        return prediction
    from bindfe.uncertainty.absolute import calibrate_absolute

    return calibrate_absolute(prediction, absolute_calibrator(protocol.calibration.file))


def force_field_prediction(run: Run, protocol: Protocol, binding: BindingEstimate) -> Prediction | None:
    """The prediction before the correction to a learned potential; None where there was no correction.

    Raises:
        StoreError: The ligand's legs are not estimated yet, or a stored file is damaged.
    """
    if protocol.road != "alchemy":
        return None
    legs = read_records(run.ligand(binding.ligand) / "estimate.json", LegEstimate)
    uncorrected = _close(run, protocol, binding.ligand, legs)
    if len(uncorrected.terms) == len(binding.terms):
        return None
    return predict_ligand(run, protocol, uncorrected)


def measured_values(protocol: Protocol) -> dict[str, Affinity]:
    """Measured values of a protocol's ligands, by ligand; empty if it names none.

    Raises:
        InputError: The table cannot be read.
    """
    if not protocol.ligands.measured:
        return {}
    from bindfe.chem.affinity import read_affinities

    found = {affinity.ligand: affinity for affinity in read_affinities(protocol.ligands.measured)}
    return measured_differences(found) if protocol.relative else found


def measured_differences(measured: Mapping[str, Affinity]) -> dict[str, Affinity]:
    """Differences of measured values, by edge ``first~second``; values that are only bounds have none."""
    exact = {name: affinity for name, affinity in measured.items() if affinity.relation == "="}
    return {
        f"{a}~{b}": replace(
            second,
            ligand=f"{a}~{b}",
            delta_g_kcal_mol=second.delta_g_kcal_mol - first.delta_g_kcal_mol,
            standard_error_kcal_mol=math.hypot(first.standard_error_kcal_mol, second.standard_error_kcal_mol),
        )
        for a, first in exact.items()
        for b, second in exact.items()
        if a != b
    }


def absolute_calibrator(name: str) -> Calibrator:
    """The calibrator of a protocol, whose predictions are absolute.

    Raises:
        InputError: No such calibrator, or one of relative values.
    """
    from bindfe.uncertainty.calibrate import load_calibrator

    calibrator = load_calibrator(name)
    if calibrator.quantity_ != "absolute":
        raise InputError(
            f"calibration.file: '{name}' was fitted on {calibrator.quantity_} values, which say nothing about the "
            "absolute delta_g of this protocol; use 'absolute-prior', or fit one on absolute values"
        )
    return calibrator


def provisional_estimate(run: Run, protocol: Protocol, name: str) -> tuple[float, float]:
    """delta_g and its bootstrap standard error from what is stored so far [kcal/mol]; nothing is written.

    Raises:
        EstimateError: Too little is stored.
        StoreError: A stored file is damaged.
    """
    import numpy as np

    if protocol.road != "alchemy":
        return provisional_path(run, protocol, name)
    quick = protocol.model_copy(update={"estimator": protocol.estimator.model_copy(update={"bootstrap": 20})})
    binding = _close(run, protocol, name, _estimate_legs(run, quick, name))
    n_repeats = len(binding.bootstrap_errors)
    return binding.delta_g_kcal_mol, float(np.sqrt(np.mean(binding.bootstrap_errors**2) / n_repeats))
