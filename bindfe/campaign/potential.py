"""The committee's part of a calculation: energies on stored frames, and the correction to the potential.

Files, in ``RUN/LIGAND``: ``committee/offsets.json`` (zeros of the potentials, the same in both
environments), ``committee/bound.json`` and ``free.json`` (members' energies on the force field's frames; for
hydration ``water.json`` and ``gas.json``),
``committee/skipped.json`` (why there is nothing), ``switching/ENVIRONMENT/repeat-R/`` (batches of switches, and
``correction.json`` when they are complete), ``committee/atoms.json`` and ``departures.xyz`` (see ``domain``).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bindfe.campaign.committees import committee_directory, committee_of, offsets_of, thin
from bindfe.campaign.domain import stored_atoms, watch_domain
from bindfe.campaign.ends import environments, ligand_frames, plain_end
from bindfe.campaign.execute import Tick, run_jobs
from bindfe.campaign.switches import attempt_switching, stored_switching, switching_tasks
from bindfe.errors import BindfeError, EstimateError, MissingDependency
from bindfe.estimate.committee import describe
from bindfe.estimate.cycle import Correction
from bindfe.estimate.members import to_mean
from bindfe.estimate.shifts import MemberShifts, member_shifts
from bindfe.estimate.work import estimate_switching
from bindfe.protocol import Protocol
from bindfe.results import CommitteeEnergies, CommitteeReport
from bindfe.store import Run, read_plain, read_record, write_record
from bindfe.units import kt_to_kcal

if TYPE_CHECKING:
    from bindfe.sample.switching import EnvironmentCorrection

logger = logging.getLogger(__name__)


def apply_committee(
    run: Run, protocol: Protocol, names: tuple[str, ...], *, tick: Tick | None = None
) -> dict[str, BindfeError]:
    """Evaluate the committee on stored frames of every ligand, and correct to it if the protocol says so.

    A model that is not installed, or whose weights are absent, is no failure: what is missing is stored, and
    the prediction says it.

    Returns:
        Ligands that failed, and why.
    """
    failures: dict[str, BindfeError] = {}
    for name in names:
        try:
            _rescore_ligand(run, protocol, name)
        except MissingDependency as error:
            write_record(committee_directory(run, name) / "skipped.json", {"reason": str(error)})
        except BindfeError as error:
            failures[name] = error
    if protocol.committee.correction == "switching":
        able = tuple(name for name in names if name not in failures and not skipped(run, protocol, name))
        for failure in run_jobs(attempt_switching, run, switching_tasks(protocol, able), protocol.compute, tick=tick):
            failures.setdefault(failure.task.ligand, failure.error)
        for name in able:
            if name not in failures and stored_atoms(run, name) is None:
                _watch(run, protocol, name)
    return failures


def _watch(run: Run, protocol: Protocol, name: str) -> None:
    """Look for frames outside of the domain; a ligand keeps its number where that cannot be done."""
    plain = plain_end(run, protocol, name, environments(protocol)[1])
    try:
        watch_domain(run, protocol, name, committee_of(protocol, plain))
    except EstimateError as error:
        logger.warning("%s: whether its frames left the domain is not known: %s", name, error)


def skipped(run: Run, protocol: Protocol, name: str) -> str:
    """Why a ligand's committee was skipped; empty if it was not."""
    path = committee_directory(run, name) / "skipped.json"
    if not path.exists() or (committee_directory(run, name) / f"{environments(protocol)[0]}.json").exists():
        return ""
    return f"the committee was skipped: {read_plain(path)['reason']}"


def committee_reports(run: Run, protocol: Protocol, name: str) -> tuple[CommitteeReport, ...]:
    """What the committee says of each environment, from stored energies."""
    paths = [committee_directory(run, name) / f"{environment}.json" for environment in environments(protocol)]
    return tuple(describe(read_record(path, CommitteeEnergies)) for path in paths if path.exists())


def stored_corrections(run: Run, protocol: Protocol, name: str) -> tuple[tuple[Correction, ...], tuple[str, ...]]:
    """The correction from the force field to the committee, from stored switches, and what to warn of.

    ::

        ML/MM = kT [ (f_ML - f_MM)(bound) - (f_ML - f_MM)(free) ]

    For hydration, water stands for bound and the gas for free.
    Only repeats that are complete in both environments count; none gives no correction.
    """
    first, second = (stored_switching(run, protocol, name, environment) for environment in environments(protocol))
    repeats = sorted(first.keys() & second.keys())
    if len(repeats) < protocol.repeats.number:
        return (), ()
    values, errors, warnings = [], [], []
    for repeat in repeats:
        bound, free = (_estimate(found[repeat], protocol) for found in (first, second))
        values.append(kt_to_kcal(bound[0] - free[0], protocol.sampling.temperature))
        errors.append(kt_to_kcal(float(np.hypot(bound[1], free[1])), protocol.sampling.temperature))
        warnings += [*bound[2], *free[2]]
    shifts = member_shifts(
        [first[repeat].committee for repeat in repeats],
        [second[repeat].committee for repeat in repeats],
        temperature=protocol.sampling.temperature,
        alpha=protocol.committee.alpha,
    )
    corrections = _with_members(
        Correction(
            name="ML/MM",
            explanation=f"the ligand's internal energy goes from the force field to {protocol.committee.model}",
            delta_g_kcal_mol=tuple(values),
            standard_errors_kcal_mol=tuple(errors),
        ),
        shifts,
    )
    return corrections, tuple(dict.fromkeys([*warnings, *shifts.warnings]))


def _with_members(mean: Correction, shifts: MemberShifts) -> tuple[Correction, ...]:
    """The correction to the mean potential, and from there to the mean of its members' free energies.

    The truth is taken as one more draw beside the members, and the free energy of a mean potential is not the
    mean of the free energies: it is higher by about half the variance of the members' energies, and what of that
    differs between the environments is a bias. One member, or members that the gates do not trust, stay
    spread about the mean potential.
    """
    errors = tuple(shifts.standard_errors_kcal_mol.tolist())
    if len(shifts.members) == 1 or not shifts.route.trusted:
        values = tuple((float(np.mean(mean.delta_g_kcal_mol)) + shifts.delta_g_kcal_mol).tolist())
        return (replace(mean, members_kcal_mol=values, member_errors_kcal_mol=errors, committee=shifts.route),)
    average = Correction(
        name="committee average",
        explanation="from the free energy of the committee's mean potential to the mean of its members' free energies",
        delta_g_kcal_mol=(shifts.average_kcal_mol,),
        standard_errors_kcal_mol=(shifts.average_error_kcal_mol,),
        members_kcal_mol=tuple(shifts.delta_g_kcal_mol.tolist()),
        member_errors_kcal_mol=errors,
        committee=shifts.route,
    )
    return mean, average


def _estimate(correction: EnvironmentCorrection, protocol: Protocol) -> tuple[float, float, list[str]]:
    """Free energy of the committee's mean less the force field's, its error [kT], and warnings.

    A repeat that a member drove is brought to the mean first, from its own frames alone.
    """
    where = f"ML/MM switching ({correction.environment}, repeat {correction.repeat})"
    result = estimate_switching(
        correction.work,
        n_bootstrap=protocol.estimator.bootstrap,
        seed=protocol.repeats.seed,
        minimum_overlap=protocol.estimator.minimum_overlap,
    )
    warnings = [f"{where}: {warning}" for warning in result.warnings]
    energies = correction.committee
    if energies.driver == "mean":
        return result.delta_f, result.standard_error, warnings
    try:
        step, error = to_mean(energies.u_mn, driver=energies.members.index(energies.driver))
    except EstimateError as problem:
        raise EstimateError(f"{where}: {problem}") from problem
    return result.delta_f + step, float(np.hypot(result.standard_error, error)), warnings


def _rescore_ligand(run: Run, protocol: Protocol, name: str) -> None:
    """Energies of all members on the force field's frames of both environments, unless they are there."""
    from bindfe.mlip.internal import InternalEnergy
    from bindfe.sample.rescore import rescore

    directory = committee_directory(run, name)
    if all((directory / f"{environment}.json").exists() for environment in environments(protocol)):
        return
    plain = plain_end(run, protocol, name, environments(protocol)[1])
    committee = committee_of(protocol, plain)
    offsets = offsets_of(run, protocol, name, committee)
    for environment in environments(protocol):
        frames = [ligand_frames(run, protocol, name, environment, r) for r in range(protocol.repeats.number)]
        energies = rescore(
            np.concatenate([thin(each, protocol.committee.frames) for each in frames]),
            committee=committee,
            internal=InternalEnergy.of(plain.system, plain.ligand_atoms),
            offsets=offsets,
            temperature=protocol.sampling.temperature,
            environment=environment,
        )
        write_record(directory / f"{environment}.json", energies)
