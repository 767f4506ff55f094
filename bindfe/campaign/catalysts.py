"""Metal complexes as files ready for dynamics: built, relaxed, solvated, minimised and shown to be stable.

Each stage of a species is stored when it is whole, so that a killed call goes on with the next one::

    RUN/NAME/catalyst/prepared/
        relaxed.npz                          coordinates of the complex [nm]
        system.xml  topology.cif  start.npz  complex and surroundings
        complex.sdf                          the relaxed complex (V3000, datives)
        catalyst.json                        what it is and what it took
        trial.npz  trial.json                the steps of dynamics: where they are, and what was seen
    RUN/prepared.csv                         the table that the command line prints
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bindfe.build.metal import check_buildable, relax_complex, solvate_complex
from bindfe.build.metalfiles import load_metal_system, write_metal_system
from bindfe.campaign.execute import Failure, Tick, run_jobs
from bindfe.campaign.pipeline import check_inputs, protocol_of
from bindfe.chem.findings import Finding, failed, passed
from bindfe.chem.intakefile import read_entries
from bindfe.chem.ligand import safe_name
from bindfe.chem.metal import PHOSPHINES, MetalComplex, build_complex, coordination, exchange_phosphines
from bindfe.errors import BindfeError, InputError, MissingDependency
from bindfe.mlip.gfn import check_methods
from bindfe.protocol import CatalystSettings, Protocol
from bindfe.sample.dynamics import choose_platform
from bindfe.sample.trial import Trial, minimised_energy, run_trial
from bindfe.store import Run, read_arrays, read_plain, read_record, write_arrays, write_record, write_text

_MINIMISE = 20
"""Steps of the minimisation that shows that the energy can be lowered; each is a call of the potential."""

_COLUMNS = (
    *("catalyst", "smiles", "charge", "complex_atoms", "atoms", "relaxed_by", "potential"),
    *("relax_seconds", "build_seconds", "minimised_kj_mol", "relaxed_bonds_angstrom"),
    *("steps", "time_step_fs", "steps_seconds", "temperature_k", "mean_bonds_angstrom"),
)
_KINDS = (".csv", ".tsv", ".smi", ".smiles")


@dataclass(frozen=True, kw_only=True, slots=True)
class Species:
    """One complex that a protocol asks for."""

    name: str
    """Name in results: SPECIES, or SPECIES-PHOSPHINE."""
    smiles: str
    """As the file has it."""
    phosphine: str = ""
    """What takes the place of its phosphines; none if empty."""

    def build(self, *, seed: int) -> MetalComplex:
        """Build it with an ideal start.

        Raises:
            InputError: It cannot be built, or has no phosphine that could be exchanged.
        """
        found = build_complex(self.smiles, name=self.name, seed=seed)
        if not self.phosphine:
            return found
        return replace(exchange_phosphines(found, self.phosphine, seed=seed), name=self.name)

    def content(self) -> bytes:
        """What the structure depends on."""
        return f"{self.smiles} {self.phosphine}".encode()


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedCatalyst:
    """What preparing one complex took and gave."""

    catalyst: str
    """Name."""
    smiles: str
    """Canonical SMILES with the arrangement."""
    charge: int
    """Total charge [e]."""
    complex_atoms: int
    """Atoms of the complex."""
    n_atoms: int
    """Atoms of the System."""
    relaxed_by: str
    """What relaxed it: ``gfn2``, or ``gfnff`` with metal and donors held."""
    potential: str
    """Internal energy in the System."""
    seconds_relaxed: float
    """Time of building and relaxing [s]."""
    seconds_built: float
    """Time of solvating and minimising [s]."""
    energy: float
    """Energy of the System after 20 steps of minimisation [kJ/mol]; the complex alone is near 0."""
    donors: tuple[str, ...]
    """Element of each donor, (D,)."""
    lengths: tuple[float, ...]
    """Metal to donor after relaxation [nm], (D,)."""
    trial: Trial | None = None
    """The steps of dynamics; None if none were asked for."""
    kept: bool = False
    """Whether an earlier call had done all of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """One complex."""

    ligand: str

    def __str__(self) -> str:
        return f"{self.ligand}, preparation"


def read_species(protocol: Protocol) -> tuple[Species, ...]:
    """The complexes that a protocol asks for, in the order of the file, each with each phosphine.

    Raises:
        InputError: The file cannot be read, two have one name, a name is not safe for files, is not there, or a
            phosphine is unknown.
    """
    settings, path = _settings(protocol), Path(_settings(protocol).file)
    unknown = [name for name in settings.phosphines if name not in PHOSPHINES]
    if unknown:
        raise InputError(
            f"catalysts.phosphines: '{unknown[0]}' is not known by name; known: {', '.join(PHOSPHINES)}; write "
            f"another one into the SMILES of {path.name}"
        )
    if path.suffix.lower() not in _KINDS:
        raise InputError(f"{path}: '{path.suffix}' is not read; give catalysts as SMILES in {' or '.join(_KINDS)}")
    species = tuple(
        each
        for entry in read_entries(path)
        for each in _with_phosphines(entry.title, entry.record.text.split()[0], settings.phosphines)
    )
    _check_names(species, path)
    missing = set(settings.names) - {each.name for each in species}
    if missing:
        raise InputError(
            f"catalysts.names: {path.name} gives no '{sorted(missing)[0]}'; it gives "
            f"{', '.join(each.name for each in species)}"
        )
    return tuple(each for each in species if not settings.names or each.name in settings.names)


def prepare_catalysts(
    run: Run, protocol: Protocol, *, jobs: int = 0, tick: Tick | None = None
) -> tuple[tuple[PreparedCatalyst, ...], dict[str, BindfeError]]:
    """Build every complex that a protocol asks for; what is stored is kept, and one that fails stops no other.

    Args:
        run: The run directory, with the protocol in it.
        protocol: Its protocol, with the section ``catalysts``.
        jobs: Complexes at a time; 0: as ``compute`` says.
        tick: Called about twice a second meanwhile.

    Returns:
        What each took, in the order of the file, and why a complex is not there.

    Raises:
        InputError: The file of species cannot be used.
        MissingDependency: tblite or gfnff is absent.
    """
    species = read_species(protocol)
    check_methods()
    whole = frozenset(each.name for each in species if _is_whole(run, protocol, each))
    wanted = tuple(_Job(ligand=each.name) for each in species if each.name not in whole)
    compute = protocol.compute.model_copy(update={"workers": jobs or protocol.compute.workers})
    failed_jobs = run_jobs(_attempt, run, wanted, compute, tick=tick) if wanted else ()
    failures = {failure.task.ligand: failure.error for failure in failed_jobs}
    ready = tuple(
        replace(_stored(run, protocol, each.name), kept=each.name in whole)
        for each in species
        if each.name not in failures
    )
    write_text(run.root / "prepared.csv", catalyst_csv(ready))
    return ready, failures


def catalyst_csv(catalysts: Sequence[PreparedCatalyst]) -> str:
    """One row a complex, units in the column names; what was not asked for is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for each in catalysts:
        trial = each.trial
        writer.writerow(
            (
                *(each.catalyst, each.smiles, each.charge, each.complex_atoms, each.n_atoms, each.relaxed_by),
                *(each.potential, f"{each.seconds_relaxed:.1f}", f"{each.seconds_built:.1f}", f"{each.energy:.1f}"),
                _in_angstrom(each.lengths, each.donors),
                *(("",) * 5 if trial is None else _of_trial(trial, each.donors)),
            )
        )
    return text.getvalue()


def _of_trial(trial: Trial, donors: Sequence[str]) -> tuple[str, ...]:
    return (
        *(str(trial.steps), f"{1e3 * trial.time_step:g}", f"{trial.seconds:.1f}", f"{trial.temperature:.1f}"),
        _in_angstrom(trial.mean_lengths, donors),
    )


def _in_angstrom(lengths_nm: Sequence[float], donors: Sequence[str]) -> str:
    """Bonds at the metal in words: ``P=2.26 P=2.26``."""
    return " ".join(f"{symbol}={10 * length:.3f}" for symbol, length in zip(donors, lengths_nm, strict=True))


def catalyst_findings(protocol: Protocol) -> tuple[Finding, ...]:
    """What would keep a complex from being built, found without a call of a quantum method."""
    try:
        species = read_species(protocol)
    except InputError as error:
        return (failed("catalyst-file", str(error), advice=""),)
    findings = [finding for each in species for finding in _look_at(protocol, each)]
    try:
        check_methods()
    except MissingDependency as error:
        findings.append(failed("catalyst-package", str(error), advice=""))
    return tuple(findings)


def _settings(protocol: Protocol) -> CatalystSettings:
    if protocol.catalysts is None:
        raise InputError(f"protocol '{protocol.name}' has no section 'catalysts'")
    return protocol.catalysts


def _with_phosphines(title: str, smiles: str, phosphines: Sequence[str]) -> Iterator[Species]:
    for phosphine in phosphines or ("",):
        yield Species(name="-".join(filter(None, (title, phosphine))), smiles=smiles, phosphine=phosphine)


def _check_names(species: Sequence[Species], path: Path) -> None:

    seen: set[str] = set()
    for each in species:
        if safe_name(each.name) != each.name:
            raise InputError(
                f"{path}: '{each.name}' cannot be a folder's name: use letters, digits and ._+-, "
                f"for example '{safe_name(each.name)}'"
            )
        if each.name.lower() in seen:
            raise InputError(f"{path}: two catalysts are called '{each.name}'; give each its own name")
        seen.add(each.name.lower())


def _look_at(protocol: Protocol, species: Species) -> Iterator[Finding]:

    settings = _settings(protocol)
    try:
        found = species.build(seed=protocol.repeats.seed)
        check_buildable(found, potential=settings.potential, in_water=protocol.solvent.explicit)
    except InputError as error:
        message = str(error).removeprefix(f"{species.name}: ")
        yield failed("catalyst-structure", message, advice="", ligand=species.name)
        return
    donors = " ".join(found.mol.GetAtomWithIdx(atom).GetSymbol() for atom in found.donors)
    shape = "a line" if len(found.donors) == 2 else "a square plane"
    yield passed(
        "catalyst-structure",
        f"{len(found.numbers)} atoms, {shape} of {donors}, charge {found.charge}",
        ligand=species.name,
    )


def _directory(run: Run, name: str) -> Path:
    return run.ligand(name) / "catalyst" / "prepared"


def _is_whole(run: Run, protocol: Protocol, species: Species) -> bool:
    """Whether nothing is left to do; another structure of the same name is left to its job, which refuses it."""
    directory, inputs = _directory(run, species.name), run.ligand(species.name) / "inputs.json"
    if not (directory / "catalyst.json").exists() or not _is_tried(directory, protocol):
        return False
    return bool(read_plain(inputs)["catalyst"] == hashlib.sha256(species.content()).hexdigest())


def _is_tried(directory: Path, protocol: Protocol) -> bool:
    """Whether the steps that are asked for were done."""
    steps = _settings(protocol).steps
    return not steps or (
        (directory / "trial.json").exists() and read_record(directory / "trial.json", Trial).steps >= steps
    )


def _stored(run: Run, protocol: Protocol, name: str) -> PreparedCatalyst:

    directory = _directory(run, name)
    record = read_record(directory / "catalyst.json", PreparedCatalyst)
    if not (directory / "trial.json").exists():
        return record
    return replace(record, trial=read_record(directory / "trial.json", Trial))


def _attempt(run: Run, job: _Job) -> Failure | None:
    """Prepare one complex; an error that a user can read comes back as a record."""
    protocol = protocol_of(run)
    os.environ.setdefault("OMP_NUM_THREADS", str(protocol.compute.threads))  # GFN2 would take every core
    choose_platform(protocol.compute)  # and so would the water's Context, which takes the platform's defaults
    try:
        (species,) = (each for each in read_species(protocol) if each.name == job.ligand)
        _prepare(run, protocol, species)
    except BindfeError as error:
        return Failure(task=job, error=error)
    return None


def _prepare(run: Run, protocol: Protocol, species: Species) -> None:
    """The stages of one complex, each kept if it is there."""
    directory = _directory(run, species.name)
    inputs = {"catalyst": species.content()}
    if (directory / "relaxed.npz").exists():
        check_inputs(run, species.name, inputs)
    found = species.build(seed=protocol.repeats.seed)
    if not (directory / "relaxed.npz").exists():
        _relax(found, protocol, directory)
        check_inputs(run, species.name, inputs)
    found = found.at(read_arrays(directory / "relaxed.npz")["positions"])
    if not (directory / "catalyst.json").exists():
        _build(found, protocol, directory)
    if not _is_tried(directory, protocol):
        _try(found, protocol, directory)


def _relax(found: MetalComplex, protocol: Protocol, directory: Path) -> None:

    begun = time.perf_counter()
    relaxed = relax_complex(found, method=_settings(protocol).relax)
    seconds = np.array(time.perf_counter() - begun)
    write_text(directory / "complex.sdf", relaxed.sdf)
    write_arrays(directory / "relaxed.npz", {"positions": relaxed.positions, "seconds": seconds})


def _build(found: MetalComplex, protocol: Protocol, directory: Path) -> None:

    begun, settings, solvent = time.perf_counter(), _settings(protocol), protocol.solvent
    built = solvate_complex(
        found,
        potential=settings.potential,
        padding=solvent.padding if solvent.explicit else None,
        cutoff=solvent.cutoff,
        seed=protocol.repeats.seed,
    )
    write_metal_system(built, directory)
    energy = minimised_energy(built.system, built.positions, what=found.name, compute=protocol.compute, steps=_MINIMISE)
    shell = coordination(found)
    record = PreparedCatalyst(
        catalyst=found.name,
        smiles=found.smiles,
        charge=found.charge,
        complex_atoms=len(found.numbers),
        n_atoms=len(built.positions),
        relaxed_by=settings.relax,
        potential=settings.potential,
        seconds_relaxed=float(read_arrays(directory / "relaxed.npz")["seconds"]),
        seconds_built=time.perf_counter() - begun,
        energy=energy,
        donors=shell.symbols,
        lengths=tuple(map(float, shell.lengths)),
    )
    write_record(directory / "catalyst.json", record)


def _try(found: MetalComplex, protocol: Protocol, directory: Path) -> None:

    system, _, positions = load_metal_system(directory)
    trial = run_trial(
        found,
        system,
        positions,
        steps=_settings(protocol).steps,
        sampling=protocol.sampling,
        compute=protocol.compute,
        seed=protocol.repeats.seed,
        store=directory / "trial.npz",
    )
    write_record(directory / "trial.json", trial)
