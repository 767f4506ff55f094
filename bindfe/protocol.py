"""The protocol file: every setting of every stage, as frozen nested models.

Quantities are text with a unit (``2 fs``) in the file and floats in OpenMM's units here. A key that
is not known, a bare number where a unit is due or a wrong dimension is a :class:`ProtocolError` that
names the line, the full key path and the nearest valid key.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, model_validator
from pydantic.fields import FieldInfo

from bindfe.errors import InputError, ProtocolError
from bindfe.states import LambdaSchedule, LegKind
from bindfe.units import format_quantity, parse_quantity


class _Unit:
    """Marks a field's unit; found again by :func:`describe_keys`."""

    def __init__(self, unit: str) -> None:
        self.unit = unit


def _quantity(unit: str, *limits: object) -> tuple[object, ...]:
    def read(value: object) -> float:
        return parse_quantity(value, unit)

    def write(value: float) -> str:
        return format_quantity(value, unit)

    return (_Unit(unit), *limits, BeforeValidator(read), PlainSerializer(write, return_type=str))


_POSITIVE, _NOT_NEGATIVE = Field(gt=0), Field(ge=0)

_LENGTH, _TIME = _quantity("A", _NOT_NEGATIVE), _quantity("ps", _NOT_NEGATIVE)
_SHORT, _RATE = _quantity("fs", _POSITIVE), _quantity("1/ps", _POSITIVE)
_TEMPERATURE, _PRESSURE = _quantity("K", _POSITIVE), _quantity("bar", _POSITIVE)
_MASS, _CONCENTRATION = _quantity("amu", _POSITIVE), _quantity("M", _NOT_NEGATIVE)
_SPRING, _ANGLE_SPRING = _quantity("kcal/mol/A^2", _POSITIVE), _quantity("kcal/mol/rad^2", _POSITIVE)
_ENERGY = _quantity("kcal/mol")

Length = Annotated[float, *_LENGTH]
Time = Annotated[float, *_TIME]
ShortTime = Annotated[float, *_SHORT]
Rate = Annotated[float, *_RATE]
Temperature = Annotated[float, *_TEMPERATURE]
Pressure = Annotated[float, *_PRESSURE]
Mass = Annotated[float, *_MASS]
Concentration = Annotated[float, *_CONCENTRATION]
Spring = Annotated[float, *_SPRING]
AngleSpring = Annotated[float, *_ANGLE_SPRING]
Energy = Annotated[float, *_ENERGY]


def _of(default: str, unit: str, text: str, *, physics: bool = True, **limits: Any) -> Any:
    """A quantity field: default as text, its unit, and its one line of documentation."""
    return Field(parse_quantity(default, unit), description=text, json_schema_extra={"physics": physics}, **limits)


def _set(default: Any, text: str, *, physics: bool = True, **limits: Any) -> Any:
    """Any other field: default, one line of documentation, limits, and whether it changes the physics."""
    return Field(default, description=text, json_schema_extra={"physics": physics}, **limits)


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ReceptorSettings(_Section):
    """The molecule that binds."""

    file: str = _set("", "structure with hydrogens and 3D coordinates: SDF or MOL2 (host), PDB or mmCIF (protein)")
    name: str = _set("", "name in results; the file's stem if empty", physics=False)


class LigandSettings(_Section):
    """The molecules that are bound."""

    file: str = _set("", "SDF with hydrogens, placed in the receptor's frame; one record a ligand")
    names: tuple[str, ...] = _set((), "which records to run, by title; all if empty", physics=False)
    measured: str = _set("", "CSV of measured values, shown beside the results and never used", physics=False)
    equivalent_poses: int = _set(1, "symmetry-equivalent bound poses that the restraint excludes (a centroid: 1)", ge=1)


class ForceFieldSettings(_Section):
    """Parameters of the molecules."""

    small_molecule: Literal["openff-2.3.0", "openff-2.2.1", "openff-2.0.0"] = _set(
        "openff-2.3.0", "force field of ligands and hosts"
    )
    charges: Literal["nagl", "file"] = _set("nagl", "ligand charges: OpenFF NAGL (AM1-BCC) or those in the MOL2/SDF")
    protein: Literal["ff14SB", "ff19SB"] = _set("ff14SB", "force field of amino acids")
    hydrogen_mass: Mass = _of("4 amu", "amu", "hydrogens get this mass, taken from their heavy atom")


class SolventSettings(_Section):
    """What surrounds the molecules."""

    model: Literal["obc2", "tip3p", "vacuum"] = _set("obc2", "OBC2 implicit, TIP3P explicit, or none")
    padding: Length = _of("20 A", "A", "gap between periodic images (explicit)", gt=0)
    box_shape: Literal["cube", "dodecahedron", "octahedron"] = _set("dodecahedron", "periodic box (explicit)")
    ionic_strength: Concentration = _of("0.15 M", "M", "NaCl beyond neutralising the box (explicit)")
    cutoff: Length = _of("10 A", "A", "direct-space cutoff (explicit)", gt=0)
    dispersion_correction: bool = _set(True, "analytic tail of the Lennard-Jones energy (explicit)")
    solvent_dielectric: float = _set(78.5, "dielectric constant of the solvent (implicit)", gt=0)
    solute_dielectric: float = _set(1.0, "dielectric constant inside the molecules (implicit)", gt=0)


class LegSchedule(_Section):
    """Lambda values of one leg's states; a row that is not given stays at 1."""

    restraints: tuple[float, ...] = _set((), "strength of the restraint in each state")
    electrostatics: tuple[float, ...] = _set((), "charge coupling in each state")
    sterics: tuple[float, ...] = _set((), "Lennard-Jones coupling in each state")
    transfer: tuple[float, ...] = _set((), "weight of the site against the bulk in each state")

    def schedule(self) -> LambdaSchedule:
        """The rows, filled up to equal length, as a :class:`LambdaSchedule`."""
        rows = {name: getattr(self, name) for name in ("restraints", "electrostatics", "sterics", "transfer")}
        longest = max(len(row) for row in rows.values())
        return LambdaSchedule(**{name: row or (1.0,) * longest for name, row in rows.items()})

    @model_validator(mode="after")
    def _check(self) -> LegSchedule:
        try:
            self.schedule()
        except InputError as error:
            raise ValueError(str(error)) from error
        return self


_TRANSFER = (0.0, 0.002, 0.005, 0.01, 0.018, 0.028, 0.04, 0.055, 0.08, 0.12, 0.2, 0.35, 0.6, 1.0)


class ScheduleSettings(_Section):
    """The alchemical states of each leg."""

    transfer: LegSchedule = _set(
        LegSchedule(transfer=(*_TRANSFER, 1.0), restraints=(1.0,) * len(_TRANSFER) + (0.0,)),
        "bulk (0) to site (1); the restraint is released last",
    )
    complex: LegSchedule = _set(
        LegSchedule(
            restraints=(0.0, 0.25, *(1.0,) * 17),
            electrostatics=(1.0, 1.0, 1.0, 0.75, 0.5, 0.25, *(0.0,) * 13),
            sterics=(*(1.0,) * 7, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.05, 0.0),
        ),
        "restraint on, then charges off, then Lennard-Jones off",
    )
    solvent: LegSchedule = _set(
        LegSchedule(
            electrostatics=(1.0, 0.75, 0.5, 0.25, *(0.0,) * 11),
            sterics=(*(1.0,) * 5, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0),
        ),
        "charges off, then Lennard-Jones off",
    )


class AlchemySettings(_Section):
    """How the ligand is taken out of its surroundings."""

    method: Literal["transfer", "decouple"] = _set(
        "decouple", "alchemical transfer in one leg (implicit solvent), or double decoupling in two legs"
    )
    displacement: Length = _of("100 A", "A", "distance from the site to the bulk (transfer)", gt=0)
    softcore_start: Energy = _of("50 kcal/mol", "kcal/mol", "transfer energies below are not softened")
    softcore_maximum: Energy = _of("150 kcal/mol", "kcal/mol", "transfer energies never exceed this")
    softcore_alpha: float = _set(0.5, "soft-core alpha of the Lennard-Jones terms (decouple)", ge=0)


class RestraintSettings(_Section):
    """What holds the ligand in the site while it is decoupled."""

    kind: Literal["harmonic", "flat-bottom", "axial", "boresch"] = _set(
        "harmonic",
        "spring or flat well between centroids, with the axes aligned (a long guest in a barrel), or Boresch's six",
    )
    spring: Spring = _of("5 kcal/mol/A^2", "kcal/mol/A^2", "k of U = k/2 r^2, or of the well's wall")
    flat_radius: Length = _of("3 A", "A", "no force inside (flat-bottom)")
    axis_spring: Energy = _of("10 kcal/mol", "kcal/mol", "K of U = K sin^2(angle between the axes) (axial)", gt=0)
    distance_spring: Spring = _of("10 kcal/mol/A^2", "kcal/mol/A^2", "distance (Boresch)")
    angle_spring: AngleSpring = _of("20 kcal/mol/rad^2", "kcal/mol/rad^2", "two angles (Boresch)")
    dihedral_spring: AngleSpring = _of("20 kcal/mol/rad^2", "kcal/mol/rad^2", "three dihedrals (Boresch)")
    receptor_atoms: tuple[int, ...] = _set((), "anchor atoms, 0-based in the receptor; chosen automatically if empty")
    ligand_atoms: tuple[int, ...] = _set((), "anchor atoms, 0-based in the ligand; chosen automatically if empty")


class EquilibrationSettings(_Section):
    """From the given coordinates to samples of each state."""

    minimise_iterations: int = _set(500, "at most so many iterations of energy minimisation", ge=0)
    heat_from: Temperature = _of("50 K", "K", "velocities are drawn here and heated to the run's temperature")
    heat_time: Time = _of("2 ps", "ps", "time of heating, in 10 equal steps")
    release_springs: tuple[Spring, ...] = _set(
        (parse_quantity("5 kcal/mol/A^2", "kcal/mol/A^2"), parse_quantity("0.5 kcal/mol/A^2", "kcal/mol/A^2")),
        "springs that hold heavy atoms in place, released one after the other",
    )
    release_time: Time = _of("1 ps", "ps", "time at each spring")
    free_time: Time = _of("2 ps", "ps", "then without springs, in the end state that the coordinates belong to")
    state_time: Time = _of("1 ps", "ps", "at each lambda state on the way to the other end")


class SamplingSettings(_Section):
    """Molecular dynamics and Hamiltonian replica exchange."""

    temperature: Temperature = _of("298.15 K", "K", "temperature of the thermostat and of the answer")
    pressure: Pressure | None = _set(1.01325, "pressure of the barostat (explicit); null: constant volume")
    time_step: ShortTime = _of("4 fs", "fs", "Langevin (middle) time step")
    friction: Rate = _of("1 1/ps", "1/ps", "friction of the thermostat")
    cycle_time: Time = _of("0.5 ps", "ps", "dynamics of each replica between exchanges", gt=0)
    length: Time = _of("1000 ps", "ps", "dynamics of each replica in all", physics=False, gt=0)
    swap: Literal["all", "neighbours", "none"] = _set("all", "which pairs of states may exchange")
    chunk_cycles: int = _set(20, "cycles in each stored chunk; a killed run loses at most one", ge=1)
    frames_every: int = _set(4, "cycles between stored frames of the end states", ge=1)
    retries: int = _set(2, "times a chunk is run again with another seed after it met a NaN", ge=0, physics=False)


class RepeatSettings(_Section):
    """Independent calculations that show the sampling error."""

    number: int = _set(3, "repeats, each with its own seed; at least 2", ge=1, le=64, physics=False)
    seed: int = _set(2026, "seed from which every other seed follows", ge=0)


class SwitchingSettings(_Section):
    """The bidirectional correction from the force field to the potential."""

    number: int = _set(100, "switches in each direction, environment and repeat", ge=2, physics=False)
    length: Time = _of("2 ps", "ps", "time of each switch", gt=0)
    equilibration: Time = _of("4 ps", "ps", "at the potential's end before the first reverse switch")
    spacing: Time = _of("0.5 ps", "ps", "between the starts of reverse switches at the potential's end", gt=0)
    time_step: ShortTime = _of("2 fs", "fs", "time step of switches and of the potential's end")


class CommitteeSettings(_Section):
    """A machine-learned potential of the ligand, by all members of a committee."""

    model: Literal["none", "ani2x", "ani1x", "ani1ccx"] = _set("none", "which committee evaluates the stored frames")
    correction: Literal["none", "switching"] = _set("none", "correct delta_g from the force field to the potential")
    frames: int = _set(100, "frames evaluated in each environment and repeat, at most", ge=2, physics=False)
    switching: SwitchingSettings = _set(SwitchingSettings(), "how the correction is made")


class EstimatorSettings(_Section):
    """From energies to free energies."""

    bootstrap: int = _set(200, "block bootstrap resamples", ge=20, physics=False)
    minimum_overlap: float = _set(
        0.03, "overlap of neighbouring states below which a user is warned", physics=False, ge=0, le=1
    )
    coverage: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = _set(
        (0.5, 0.68, 0.9, 0.95), "coverages of the reported intervals", physics=False
    )


class CalibrationSettings(_Section):
    """From error bars to intervals that hold."""

    file: str | None = _set(
        None, "calibration.json, or 'default'; null: the prediction says uncalibrated", physics=False
    )


class OutputSettings(_Section):
    """Where results go."""

    directory: str = _set("", "run directory; runs/NAME under the current directory if empty", physics=False)
    report: bool = _set(True, "write report.html and the PNG figures", physics=False)


class ComputeSettings(_Section):
    """What runs it."""

    platform: Literal["auto", "Reference", "CPU", "CUDA", "OpenCL", "HIP"] = _set(
        "auto", "OpenMM platform; auto takes the fastest", physics=False
    )
    workers: int = _set(0, "legs and repeats that run at once; 0: one for each core or device", ge=0, physics=False)
    threads: int = _set(1, "threads of each worker (CPU)", ge=1, physics=False)
    precision: Literal["mixed", "single", "double"] = _set("mixed", "precision (CUDA, OpenCL, HIP)", physics=False)
    deterministic: bool = _set(True, "forces that are equal bit for bit from run to run (CPU)", physics=False)


class AnalyticSettings(_Section):
    """A model complex whose answer is known exactly: a particle in a harmonic well (no molecules)."""

    depth: Energy = _of("8 kcal/mol", "kcal/mol", "D of U = -D + k/2 r^2")
    spring: Spring = _of("2 kcal/mol/A^2", "kcal/mol/A^2", "k of U = -D + k/2 r^2")
    mass: Mass = _of("12 amu", "amu", "mass of the particle")


class Protocol(_Section):
    """Every setting of a calculation."""

    name: str = _set("run", "name of the calculation", physics=False, min_length=1, pattern=r"^[A-Za-z0-9._-]+$")
    receptor: ReceptorSettings = _set(ReceptorSettings(), "the molecule that binds")
    ligands: LigandSettings = _set(LigandSettings(), "the molecules that are bound")
    analytic: AnalyticSettings | None = _set(None, "a model with a known answer instead of molecules")
    forcefield: ForceFieldSettings = _set(ForceFieldSettings(), "parameters of the molecules")
    solvent: SolventSettings = _set(SolventSettings(), "what surrounds them")
    alchemy: AlchemySettings = _set(AlchemySettings(), "how the ligand is taken out")
    restraint: RestraintSettings = _set(RestraintSettings(), "what holds it meanwhile")
    schedule: ScheduleSettings = _set(ScheduleSettings(), "the alchemical states")
    equilibration: EquilibrationSettings = _set(EquilibrationSettings(), "from coordinates to samples")
    sampling: SamplingSettings = _set(SamplingSettings(), "dynamics and replica exchange")
    repeats: RepeatSettings = _set(RepeatSettings(), "independent calculations")
    committee: CommitteeSettings = _set(CommitteeSettings(), "machine-learned potential of the ligand")
    estimator: EstimatorSettings = _set(EstimatorSettings(), "from energies to free energies")
    calibration: CalibrationSettings = _set(CalibrationSettings(), "from error bars to intervals")
    output: OutputSettings = _set(OutputSettings(), "where results go")
    compute: ComputeSettings = _set(ComputeSettings(), "what runs it")

    @model_validator(mode="after")
    def _check(self) -> Protocol:
        if self.analytic is None and not (self.receptor.file and self.ligands.file):
            raise ValueError("receptor.file and ligands.file are needed (or the section 'analytic')")
        if self.alchemy.method == "transfer" and self.solvent.model == "tip3p":
            raise ValueError("alchemy.method: transfer is offered with solvent.model obc2 or vacuum; use decouple")
        if self.alchemy.softcore_start >= self.alchemy.softcore_maximum:
            raise ValueError("alchemy.softcore_start must be below alchemy.softcore_maximum")
        if self.committee.correction != "none" and self.committee.model == "none":
            raise ValueError("committee.correction needs a committee.model")
        if not self.sampling.time_step <= self.sampling.cycle_time <= self.sampling.length:
            raise ValueError("sampling needs time_step <= cycle_time <= length")
        return self

    @property
    def leg_kinds(self) -> tuple[LegKind, ...]:
        """The legs of the cycle, in the order in which they run."""
        if self.analytic is not None:
            return (LegKind.COMPLEX,)
        if self.alchemy.method == "transfer":
            return (LegKind.TRANSFER,)
        return (LegKind.COMPLEX, LegKind.SOLVENT)

    def schedule_of(self, kind: LegKind) -> LambdaSchedule:
        """The lambda schedule of a leg."""
        settings: LegSchedule = getattr(self.schedule, kind.value)
        return settings.schedule()

    def physics(self) -> dict[str, Any]:
        """The settings that change the answer's distribution, without lengths, paths and platforms."""
        return _physics(self)

    def fingerprint(self, *inputs: bytes) -> str:
        """Identity of the calculation: a digest of its physics and of its input files' contents."""
        digest = hashlib.sha256(json.dumps(self.physics(), sort_keys=True).encode())
        for content in inputs:
            digest.update(hashlib.sha256(content).digest())
        return digest.hexdigest()[:16]


def _physics(section: BaseModel) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            kept[name] = _physics(value)
        elif _is_physics(field) and name != "file":
            kept[name] = value
    return kept


def _is_physics(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return not (isinstance(extra, dict) and extra.get("physics") is False)


def load_protocol(path: str | Path) -> Protocol:
    """Read a protocol file.

    Args:
        path: YAML file; relative paths in it are relative to its directory.

    Returns:
        The protocol, defaults filled in, with absolute input paths.

    Raises:
        ProtocolError: Missing file, bad YAML, unknown key, missing unit or wrong value; the message has
            the file, the line, the full key path and the nearest valid key.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ProtocolError(f"{path}: no such protocol file; `bindfe protocol show` prints one to start from") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    protocol = parse_protocol(text, source=str(path))
    return _with_absolute_paths(protocol, path.resolve().parent)


def parse_protocol(text: str, *, source: str = "protocol") -> Protocol:
    """Read a protocol from YAML text; see :func:`load_protocol`."""
    try:
        tree = yaml.safe_load(text)
        lines = dict(_key_lines(yaml.compose(text, Loader=yaml.SafeLoader), (), source))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise ProtocolError(f"{source}: line {line}: not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ProtocolError(f"{source}: not valid YAML: {error}") from error
    if not isinstance(tree, dict):
        raise ProtocolError(f"{source}: a protocol is a list of `section:` keys, found {type(tree).__name__}")
    try:
        return Protocol.model_validate(tree)
    except ValidationError as error:
        raise ProtocolError(_explain(error, lines, source)) from None


def _key_lines(node: yaml.Node | None, path: tuple[str, ...], source: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """The line of every key, and an error for a key that stands twice (YAML would take the last)."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        name = str(key.value)
        line = key.start_mark.line + 1
        if name in seen:
            raise ProtocolError(f"{source}: line {line}: '{'.'.join((*path, name))}' stands twice")
        seen.add(name)
        yield (*path, name), line
        yield from _key_lines(value, (*path, name), source)


def _explain(error: ValidationError, lines: dict[tuple[str, ...], int], source: str) -> str:
    messages = []
    for problem in error.errors():
        path = tuple(str(part) for part in problem["loc"])
        line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
        where = f"line {line}: " if line else ""
        what = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            what = f"unknown key; the nearest valid key is '{_nearest_key('.'.join(path))}'"
        elif problem["type"] == "model_type":
            what = f"keys of the section are needed here, found {problem['input']!r}"
        messages.append(f"{source}: {where}{'.'.join(path) + ': ' if path else ''}{what}")
    return "\n".join(messages)


def _nearest_key(wrong: str) -> str:
    """The valid key that a wrong one most resembles; its last part counts most, as sections are often forgotten."""

    def resemblance(key: str) -> float:
        last = difflib.SequenceMatcher(None, wrong.rpartition(".")[2].lower(), key.rpartition(".")[2]).ratio()
        return 2 * last + difflib.SequenceMatcher(None, wrong.lower(), key).ratio()

    return max(all_keys(), key=resemblance)


def all_keys() -> list[str]:
    """The full path of every key of the protocol."""
    return [key.path for key in describe_keys()]


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """One key of the protocol file, as its documentation shows it."""

    path: str
    """Full path, for example ``sampling.time_step``."""
    kind: str
    """``section``, the unit of a quantity, the allowed words, or the type."""
    default: str
    """Default as it is written in a file; empty for a section."""
    description: str
    """One line."""
    physics: bool
    """True if another value is another calculation (part of the fingerprint)."""


def describe_keys(section: BaseModel | None = None, prefix: str = "") -> Iterator[Key]:
    """Every key of the protocol (or of a part of it) in the order of the file, each section before its keys."""
    section = Protocol.model_construct() if section is None else section
    plain = section.model_dump(mode="json")
    for name, field in type(section).model_fields.items():
        path, kind = prefix + name, _section_of(field)
        value = getattr(section, name)
        yield Key(
            path=path,
            kind=("optional section" if value is None else "section") if kind else _kind_of(field),
            default="" if kind else _one_line(plain[name]),
            description=field.description or "",
            physics=_is_physics(field) and name != "file",
        )
        if kind is not None:
            yield from describe_keys(kind() if value is None else value, f"{path}.")


def _kind_of(field: FieldInfo) -> str:
    """What may be written: a unit, words, or a type."""
    marks = [*field.metadata, *_nested(field.annotation)]
    unit = next((mark.unit for mark in marks if isinstance(mark, _Unit)), None)
    words = [word for kind in (field.annotation, *get_args(field.annotation)) for word in _words(kind)]
    names = {str: "text", int: "integer", float: "number", bool: "true or false"}
    kinds = [names[kind] for kind in (field.annotation, *_nested(field.annotation)) if kind in names]
    several = "list of " if get_origin(field.annotation) is tuple else ""
    null = " or null" if type(None) in get_args(field.annotation) else ""
    return several + (f"quantity [{unit}]" if unit else " | ".join(words) or kinds[0]) + null


def _nested(annotation: Any) -> Iterator[Any]:
    """All parts of a type, however deep: arguments of unions and tuples, and what annotates them."""
    for part in get_args(annotation):
        yield part
        yield from _nested(part)


def _words(kind: Any) -> tuple[str, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def _section_of(field: FieldInfo) -> type[BaseModel] | None:
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _with_absolute_paths(protocol: Protocol, directory: Path) -> Protocol:
    def absolute(text: str | None) -> str | None:
        return str((directory / text).resolve()) if text and text != "default" else text

    return protocol.model_copy(
        update={
            "receptor": protocol.receptor.model_copy(update={"file": absolute(protocol.receptor.file)}),
            "ligands": protocol.ligands.model_copy(
                update={"file": absolute(protocol.ligands.file), "measured": absolute(protocol.ligands.measured)}
            ),
            "calibration": protocol.calibration.model_copy(update={"file": absolute(protocol.calibration.file)}),
        }
    )


def dump_protocol(protocol: Protocol) -> str:
    """Write a protocol as YAML, every key with its comment; :func:`parse_protocol` reads it back equal."""
    return "\n".join(_lines(protocol, indent="")) + "\n"


def _lines(section: BaseModel, *, indent: str) -> Iterator[str]:
    dumped = section.model_dump(mode="json")
    for name, field in type(section).model_fields.items():
        value, comment = getattr(section, name), field.description or ""
        if isinstance(value, BaseModel):
            yield f"{indent}{name}:  # {comment}"
            yield from _lines(value, indent=indent + "  ")
        else:
            yield f"{indent}{name}: {_one_line(dumped[name])}  # {comment}"


def _one_line(value: object) -> str:
    """A value as YAML that needs one line, whatever a file's name has in it."""
    text = yaml.safe_dump(value, default_flow_style=True, width=math.inf)
    if text.removesuffix("\n...\n").strip("\n").count("\n"):
        text = yaml.safe_dump(value, default_flow_style=True, width=math.inf, default_style='"')
    return text.strip().removesuffix("\n...")


def protocol_difference(old: Protocol, new: Protocol) -> str:
    """The physics settings that differ, as ``key: old -> new`` lines; empty if none does."""
    before, after = dict(_flat(old.physics(), "")), dict(_flat(new.physics(), ""))
    keys = sorted(before.keys() | after.keys())
    return "\n".join(
        f"  {key}: {before.get(key)} -> {after.get(key)}" for key in keys if before.get(key) != after.get(key)
    )


def _flat(tree: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
