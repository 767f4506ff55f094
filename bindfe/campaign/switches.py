"""The switches between force field and potential: one environment and repeat of a ligand at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bindfe.campaign.audit import audit_end
from bindfe.campaign.committees import committee_of, offsets_of
from bindfe.campaign.ends import end_frames, environments, leg_of, plain_end
from bindfe.campaign.execute import Failure
from bindfe.campaign.plan import task_seed
from bindfe.errors import BindfeError
from bindfe.protocol import Protocol, parse_protocol
from bindfe.store import Run, read_record, write_record

if TYPE_CHECKING:
    from bindfe.build.legfiles import Environment
    from bindfe.sample.switching import EnvironmentCorrection


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchingTask:
    """The switches of one environment and repeat of one ligand: what a worker does at a time."""

    ligand: str
    """Name of the ligand."""
    environment: Environment
    """Where."""
    repeat: int
    """Which repeat, whose frames the switches start from."""
    seed: int
    """Seed from which every seed of the task follows."""

    def __str__(self) -> str:
        return f"{self.ligand}, ML/MM correction ({self.environment}), repeat {self.repeat}"


def _switching_directory(run: Run, name: str, environment: str, repeat: int) -> Path:
    return run.ligand(name) / "switching" / environment / f"repeat-{repeat}"


def stored_switching(
    run: Run, protocol: Protocol, name: str, environment: Environment
) -> dict[int, EnvironmentCorrection]:
    """What switching in an environment gave, by repeat; repeats that are not complete are not in it."""
    paths = {
        repeat: _switching_directory(run, name, environment, repeat) / "correction.json"
        for repeat in range(protocol.repeats.number)
    }
    there = {repeat: path for repeat, path in paths.items() if path.exists()}
    if not there:
        return {}
    from bindfe.sample.switching import EnvironmentCorrection

    return {repeat: read_record(path, EnvironmentCorrection) for repeat, path in there.items()}


def switching_tasks(protocol: Protocol, names: tuple[str, ...]) -> tuple[SwitchingTask, ...]:
    """The switches of every repeat, ligand and environment."""
    return tuple(
        SwitchingTask(
            ligand=name,
            environment=environment,
            repeat=repeat,
            seed=task_seed(protocol, name, leg_of(protocol, environment)[0], repeat),
        )
        for repeat in range(protocol.repeats.number)
        for name in names
        for environment in environments(protocol)
    )


def attempt_switching(run: Run, task: SwitchingTask) -> Failure | None:
    """Do a task in a worker; an error that a user can read comes back as a record."""
    try:
        _switch(run, task)
    except BindfeError as error:
        return Failure(task=task, error=error)
    return None


def _switch(run: Run, task: SwitchingTask) -> None:
    from bindfe.sample.switching import ForceFieldEnd, correct_environment

    protocol = parse_protocol(run.protocol.read_text(encoding="utf-8"), source=str(run.protocol))
    directory = _switching_directory(run, task.ligand, task.environment, task.repeat)
    done = stored_switching(run, protocol, task.ligand, task.environment).get(task.repeat)
    if done is not None and len(done.work.forward) >= protocol.committee.switching.number:
        return
    plain = plain_end(run, protocol, task.ligand, task.environment)
    frames, boxes = end_frames(run, protocol, task.ligand, task.environment, task.repeat)
    committee = committee_of(protocol, plain)
    end = ForceFieldEnd(
        system=plain.system,
        ligand_atoms=plain.ligand_atoms,
        frames=frames,
        boxes=boxes,
        environment=task.environment,
        repeat=task.repeat,
        seed=task.seed,
    )
    offsets = offsets_of(run, protocol, task.ligand, committee)
    audit_end(plain, committee=committee, offset=offsets.mean_gap_kj_mol).require()
    correction = correct_environment(
        end,
        protocol,
        committee=committee,
        offsets=offsets,
        directory=directory,
        driver=_driver(protocol, task.repeat, len(committee.members)),
    )
    write_record(directory / "correction.json", correction)


def _driver(protocol: Protocol, repeat: int, n_members: int) -> int | None:
    """The member that drives a repeat's potential end; None for the mean."""
    if protocol.committee.driver == "mean":
        return None
    return protocol.committee.member if protocol.committee.driver == "one-member" else repeat % n_members
