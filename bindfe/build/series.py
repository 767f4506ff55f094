"""A series parametrised once for each molecule, in parallel, with progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

from bindfe.build.smallmolecule import Molecule, is_cached, molecule_key, molecule_of, molecule_parameters
from bindfe.errors import BindfeError, MissingDependency
from bindfe.protocol import Protocol

if TYPE_CHECKING:
    from bindfe.chem.ligand import Ligand


@dataclass(frozen=True, kw_only=True, slots=True)
class Parametrised:
    """What became of one ligand."""

    ligand: str
    """Its name."""
    key: str
    """Digest of what its parameters depend on: equal for equal molecules, whatever their names and poses."""
    cached: bool
    """Whether they were on disk, or are those of an earlier ligand of the series."""
    seconds: float
    """Time that it took [s]; 0 if they were there."""
    error: str
    """Why it has no parameters; empty if it has."""


def parametrise_series(
    ligands: Sequence[Ligand],
    protocol: Protocol,
    *,
    workers: int = 1,
    report: Callable[[Parametrised], None] | None = None,
) -> tuple[Parametrised, ...]:
    """Compute the parameters that are not on disk yet, each molecule once.

    Args:
        ligands: The series.
        protocol: Its section ``forcefield`` names force field and charges.
        workers: Processes; each loads OpenFF, which takes some ten seconds, so few molecules want one.
        report: Told of each ligand as it is done, in that order.

    Returns:
        One record a ligand, in the order of the series. A ligand without parameters does not stop the others.

    Raises:
        MissingDependency: A package that the force field needs is not installed.
    """
    molecules = [molecule_of(ligand) for ligand in ligands]
    keys: list[str | BindfeError] = [_key(molecule, protocol) for molecule in molecules]
    owners = {key: index for index, key in reversed(list(enumerate(keys))) if isinstance(key, str)}
    wanted = [index for key, index in owners.items() if not is_cached(key)]
    results: dict[int, Parametrised] = {}
    tell = report or (lambda result: None)
    for index, (ligand, key) in enumerate(zip(ligands, keys, strict=True)):
        if index not in wanted and (isinstance(key, BindfeError) or owners[key] not in wanted):
            results[index] = _at_once(ligand.name, key)
            tell(results[index])
    for index, seconds, error in _compute([(k, molecules[k]) for k in sorted(wanted)], protocol, workers=workers):
        for twin in (k for k, key in enumerate(keys) if key == keys[index]):
            results[twin] = Parametrised(
                ligand=ligands[twin].name,
                key=str(keys[index]),
                cached=twin != index,
                seconds=seconds if twin == index else 0.0,
                error=error,
            )
            tell(results[twin])
    return tuple(results[index] for index in range(len(ligands)))


def _key(molecule: Molecule, protocol: Protocol) -> str | BindfeError:
    """The molecule's key, or why it has none (charges that its file should have)."""
    try:
        return molecule_key(molecule, protocol)
    except BindfeError as error:
        return error


def _at_once(name: str, key: str | BindfeError) -> Parametrised:
    failed = isinstance(key, BindfeError)
    return Parametrised(
        ligand=name, key="" if failed else str(key), cached=not failed, seconds=0.0, error=str(key) if failed else ""
    )


def _compute(
    work: Sequence[tuple[int, Molecule]], protocol: Protocol, *, workers: int
) -> Iterator[tuple[int, float, str]]:
    """Index, time [s] and error of each molecule, as they are done."""
    if workers <= 1 or len(work) <= 1:
        yield from ((index, *_timed(molecule, protocol)) for index, molecule in work)
        return
    with ProcessPoolExecutor(min(workers, len(work)), mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(_timed, molecule, protocol): index for index, molecule in work}
        for future in as_completed(futures):
            yield futures[future], *future.result()


def _timed(molecule: Molecule, protocol: Protocol) -> tuple[float, str]:
    start = time.monotonic()
    try:
        molecule_parameters(molecule, protocol)
    except MissingDependency:
        raise
    except BindfeError as error:
        return time.monotonic() - start, str(error)
    return time.monotonic() - start, ""
