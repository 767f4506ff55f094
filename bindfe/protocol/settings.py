"""Every setting of every stage, as frozen nested models with a line of documentation each."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator
from pydantic.fields import FieldInfo

from bindfe.errors import InputError
from bindfe.protocol.catalysts import LONGEST_STEP_PS, CatalystSettings
from bindfe.protocol.edges import EdgeSettings
from bindfe.protocol.fields import (
    AngleSpring,
    Concentration,
    Energy,
    Length,
    Mass,
    Pressure,
    Rate,
    Section,
    ShortTime,
    Spring,
    Temperature,
    Time,
    quantity,
    setting,
)
from bindfe.protocol.ligands import LigandSettings
from bindfe.protocol.membrane import MembraneSettings, check_membrane
from bindfe.protocol.receptor import ReceptorSettings
from bindfe.protocol.roads import GateSettings, MetadynamicsSettings, PathSettings, WindowSettings
from bindfe.states import LambdaSchedule, LegKind
from bindfe.units import parse_quantity


class ForceFieldSettings(Section):
    """Parameters of the molecules."""

    small_molecule: Literal["openff-2.3.0", "openff-2.2.1", "openff-2.0.0", "gaff-2.2.20"] = setting(
        "openff-2.3.0", "force field of ligands and hosts; GAFF2 needs AmberTools"
    )
    charges: Literal["nagl", "am1bcc", "file"] = setting(
        "nagl", "charges of ligands and hosts: NAGL (a network of AM1-BCC), AM1-BCC (AmberTools), or those of the file"
    )
    protein: Literal["ff14SB", "ff19SB"] = setting("ff14SB", "force field of amino acids")
    hydrogen_mass: Mass = quantity("4 amu", "amu", "hydrogens get this mass, taken from their heavy atom")


class SolventSettings(Section):
    """What surrounds the molecules."""

    model: Literal["obc2", "gbn2", "tip3p", "tip4pew", "opc", "vacuum"] = setting(
        "obc2", "OBC2 or GBn2 implicit; TIP3P, TIP4P-Ew or OPC water explicit; or none"
    )
    padding: Length = quantity("20 A", "A", "gap between periodic images (explicit)", gt=0)
    box_shape: Literal["cube", "dodecahedron", "octahedron"] = setting("dodecahedron", "periodic box (explicit)")
    ionic_strength: Concentration = quantity("0.15 M", "M", "NaCl beyond neutralising the box (explicit)")
    cutoff: Length = quantity("10 A", "A", "direct-space cutoff (explicit)", gt=0)
    dispersion_correction: bool = setting(True, "analytic tail of the Lennard-Jones energy (explicit)")
    solvent_dielectric: float = setting(78.5, "dielectric constant of the solvent (implicit)", gt=0)
    solute_dielectric: float = setting(1.0, "dielectric constant inside the molecules (implicit)", gt=0)

    @property
    def explicit(self) -> bool:
        """Whether water molecules fill a periodic box."""
        return self.model in ("tip3p", "tip4pew", "opc")


class LegSchedule(Section):
    """Lambda values of one leg's states; a row that is not given stays at 1."""

    restraints: tuple[float, ...] = setting((), "strength of the restraint in each state")
    electrostatics: tuple[float, ...] = setting((), "charge coupling in each state")
    sterics: tuple[float, ...] = setting((), "Lennard-Jones coupling in each state")
    transfer: tuple[float, ...] = setting((), "weight of the site against the bulk in each state")

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

_HALF = (0.0, 0.004, 0.01, 0.02, 0.035, 0.06, 0.1, 0.17, 0.28, 0.4)
_RELATIVE = (*_HALF, 0.5, *(round(1.0 - value, 6) for value in reversed(_HALF)))


class ScheduleSettings(Section):
    """The alchemical states of each leg."""

    transfer: LegSchedule = setting(
        LegSchedule(transfer=(*_TRANSFER, 1.0), restraints=(1.0,) * len(_TRANSFER) + (0.0,)),
        "bulk (0) to site (1); the restraint is released last",
    )
    complex: LegSchedule = setting(
        LegSchedule(
            restraints=(0.0, 0.25, *(1.0,) * 17),
            electrostatics=(1.0, 1.0, 1.0, 0.75, 0.5, 0.25, *(0.0,) * 13),
            sterics=(*(1.0,) * 7, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.05, 0.0),
        ),
        "restraint on, then charges off, then Lennard-Jones off",
    )
    solvent: LegSchedule = setting(
        LegSchedule(
            electrostatics=(1.0, 0.75, 0.5, 0.25, *(0.0,) * 11),
            sterics=(*(1.0,) * 5, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0),
        ),
        "charges off, then Lennard-Jones off",
    )
    vacuum: LegSchedule = setting(
        LegSchedule(electrostatics=(1.0, 0.75, 0.5, 0.25, 0.0)), "the ligand's own charges off, in the gas (hydration)"
    )
    relative: LegSchedule = setting(
        LegSchedule(transfer=_RELATIVE), "first ligand in the site (0) to second ligand in the site (1) (edges)"
    )


class AlchemySettings(Section):
    """How the ligand is taken out of its surroundings."""

    method: Literal["transfer", "decouple"] = setting(
        "decouple", "alchemical transfer in one leg (implicit solvent), or double decoupling in two legs"
    )
    displacement: Length = quantity(
        "100 A", "A", "distance from the site to the bulk (transfer, and edges without a box)", gt=0
    )
    softcore_start: Energy = quantity("50 kcal/mol", "kcal/mol", "transfer energies below are not softened")
    softcore_maximum: Energy = quantity("150 kcal/mol", "kcal/mol", "transfer energies never exceed this")
    softcore_alpha: float = setting(0.5, "soft-core alpha of the Lennard-Jones terms (decouple)", ge=0)


class RestraintSettings(Section):
    """What holds the ligand in the site while it is decoupled."""

    kind: Literal["harmonic", "flat-bottom", "axial", "boresch"] = setting(
        "harmonic",
        "spring or flat well between centroids, with the axes aligned (a long guest in a barrel), or Boresch's six",
    )
    spring: Spring = quantity("5 kcal/mol/A^2", "kcal/mol/A^2", "k of U = k/2 r^2, or of the well's wall")
    flat_radius: Length = quantity("3 A", "A", "no force inside (flat-bottom)")
    site_radius: Length = quantity(
        "0 A",
        "A",
        "edge of the site (harmonic, flat-bottom): a wall of the same spring that is never released, so that a weak "
        "binder which leaves is not counted as bound; 0: none",
        ge=0,
    )
    axis_spring: Energy = quantity("10 kcal/mol", "kcal/mol", "K of U = K sin^2(angle between the axes) (axial)", gt=0)
    distance_spring: Spring = quantity("10 kcal/mol/A^2", "kcal/mol/A^2", "distance (Boresch)")
    angle_spring: AngleSpring = quantity("20 kcal/mol/rad^2", "kcal/mol/rad^2", "two angles (Boresch)")
    dihedral_spring: AngleSpring = quantity("20 kcal/mol/rad^2", "kcal/mol/rad^2", "three dihedrals (Boresch)")
    receptor_atoms: tuple[int, ...] = setting(
        (), "anchor atoms, 0-based in the receptor; chosen automatically if empty"
    )
    ligand_atoms: tuple[int, ...] = setting((), "anchor atoms, 0-based in the ligand; chosen automatically if empty")
    watch_time: Time = quantity(
        "20 ps",
        "ps",
        "short run of the complex that anchors are chosen from (Boresch, protein); 0: from the pose alone",
    )


class EquilibrationSettings(Section):
    """From the given coordinates to samples of each state."""

    minimise_iterations: int = setting(500, "at most so many iterations of energy minimisation", ge=0)
    heat_from: Temperature = quantity("50 K", "K", "velocities are drawn here and heated to the run's temperature")
    heat_time: Time = quantity("2 ps", "ps", "time of heating, in 10 equal steps")
    release_springs: tuple[Spring, ...] = setting(
        (parse_quantity("5 kcal/mol/A^2", "kcal/mol/A^2"), parse_quantity("0.5 kcal/mol/A^2", "kcal/mol/A^2")),
        "springs that hold heavy atoms in place, released one after the other",
    )
    release_time: Time = quantity("1 ps", "ps", "time at each spring")
    free_time: Time = quantity("2 ps", "ps", "then without springs, in the end state that the coordinates belong to")
    state_time: Time = quantity("1 ps", "ps", "at each lambda state on the way to the other end")


class SamplingSettings(Section):
    """Molecular dynamics and Hamiltonian replica exchange."""

    temperature: Temperature = quantity("298.15 K", "K", "temperature of the thermostat and of the answer")
    pressure: Pressure | None = setting(1.01325, "pressure of the barostat (explicit); null: constant volume")
    time_step: ShortTime = quantity("4 fs", "fs", "Langevin (middle) time step")
    friction: Rate = quantity("1 1/ps", "1/ps", "friction of the thermostat")
    cycle_time: Time = quantity("0.5 ps", "ps", "dynamics of each replica between exchanges", gt=0)
    length: Time = quantity("1000 ps", "ps", "dynamics of each replica in all", physics=False, gt=0)
    swap: Literal["all", "neighbours", "none"] = setting("all", "which pairs of states may exchange")
    chunk_cycles: int = setting(20, "cycles in each stored chunk; a killed run loses at most one", ge=1)
    frames_every: int = setting(4, "cycles between stored frames of the end states", ge=1)
    retries: int = setting(
        2, "times a chunk or the equilibration is run again with another seed after a NaN", ge=0, physics=False
    )


class RepeatSettings(Section):
    """Independent calculations that show the sampling error."""

    number: int = setting(3, "repeats, each with its own seed; at least 2", ge=1, le=64, physics=False)
    seed: int = setting(2026, "seed from which every other seed follows", ge=0)


class SwitchingSettings(Section):
    """The bidirectional correction from the force field to the potential."""

    number: int = setting(100, "switches in each direction, environment and repeat", ge=2, physics=False)
    length: Time = quantity("2 ps", "ps", "time of each switch", gt=0)
    frames_every: int = setting(
        8, "cycles between stored frames of all atoms, from which forward switches start (explicit solvent)", ge=1
    )
    equilibration: Time = quantity("4 ps", "ps", "at the potential's end before the first reverse switch")
    spacing: Time = quantity("0.5 ps", "ps", "between the starts of reverse switches at the potential's end", gt=0)
    time_step: ShortTime = quantity("2 fs", "fs", "time step of switches and of the potential's end")


class CommitteeSettings(Section):
    """A machine-learned potential of the ligand, by all members of a committee."""

    model: Literal["none", "ani2x", "ani1x", "ani1ccx", "aimnet2"] = setting(
        "none", "which committee evaluates the stored frames"
    )
    correction: Literal["none", "switching"] = setting("none", "correct delta_g from the force field to the potential")
    frames: int = setting(100, "frames evaluated in each environment and repeat, at most", ge=2, physics=False)
    driver: Literal["mean", "member-per-repeat", "one-member"] = setting(
        "mean",
        "what drives the potential's end: the committee's mean, or members, whose repeats are each brought to the mean",
    )
    member: int = setting(0, "the member that drives (one-member)", ge=0)
    alpha: float = setting(1.0, "rescaling of the members about their mean, from a hold-out", gt=0, physics=False)
    switching: SwitchingSettings = setting(SwitchingSettings(), "how the correction is made")


class EstimatorSettings(Section):
    """From energies to free energies."""

    bootstrap: int = setting(200, "block bootstrap resamples", ge=20, physics=False)
    minimum_overlap: float = setting(
        0.03, "overlap of neighbouring states below which a user is warned", physics=False, ge=0, le=1
    )
    coverage: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = setting(
        (0.5, 0.68, 0.9, 0.95), "coverages of the reported intervals", physics=False
    )


class CalibrationSettings(Section):
    """From error bars to intervals that hold."""

    file: str | None = setting(
        None, "a calibration.json of absolute values, or 'absolute-prior'; null: not calibrated", physics=False
    )


class OutputSettings(Section):
    """Where results go."""

    directory: str = setting("", "run directory; runs/NAME under the current directory if empty", physics=False)
    report: bool = setting(True, "write report.html and the PNG figures", physics=False)


class ComputeSettings(Section):
    """What runs it."""

    platform: Literal["auto", "Reference", "CPU", "CUDA", "OpenCL", "HIP"] = setting(
        "auto", "OpenMM platform; auto takes the fastest", physics=False
    )
    workers: int = setting(0, "legs and repeats that run at once; 0: one for each core or device", ge=0, physics=False)
    threads: int = setting(1, "threads of each worker (CPU)", ge=1, physics=False)
    precision: Literal["mixed", "single", "double"] = setting("mixed", "precision (CUDA, OpenCL, HIP)", physics=False)
    deterministic: bool = setting(True, "forces that are equal bit for bit from run to run (CPU)", physics=False)


class AnalyticSettings(Section):
    """A model complex whose answer is known exactly: a particle in a well (no molecules)."""

    well: Literal["harmonic", "gaussian"] = setting(
        "harmonic", "U = -D + k/2 r^2 (road: alchemy), or U = -D exp(-k r^2/2D), which can be left (the other roads)"
    )
    depth: Energy = quantity("8 kcal/mol", "kcal/mol", "D, the well's depth")
    spring: Spring = quantity("2 kcal/mol/A^2", "kcal/mol/A^2", "k, the curvature at its bottom")
    mass: Mass = quantity("12 amu", "amu", "mass of the particle")


class Protocol(Section):
    """Every setting of a calculation."""

    name: str = setting("run", "name of the calculation", physics=False, min_length=1, pattern=r"^[A-Za-z0-9._-]+$")
    receptor: ReceptorSettings = setting(ReceptorSettings(), "the molecule that binds")
    ligands: LigandSettings = setting(LigandSettings(), "the molecules that are bound")
    edges: EdgeSettings = setting(EdgeSettings(), "pairs of ligands whose difference is calculated")
    analytic: AnalyticSettings | None = setting(None, "a model with a known answer instead of molecules")
    catalysts: CatalystSettings | None = setting(
        None, "metal complexes that `bindfe prepare` builds instead of legs; no free energy is calculated of them"
    )
    forcefield: ForceFieldSettings = setting(ForceFieldSettings(), "parameters of the molecules")
    solvent: SolventSettings = setting(SolventSettings(), "what surrounds them")
    membrane: MembraneSettings | None = setting(None, "a lipid bilayer about the receptor; null: none")
    road: Literal["alchemy", "metadynamics", "umbrella"] = setting(
        "alchemy", "how delta_g is found: without a path, or along one that leads the ligand out of the site"
    )
    alchemy: AlchemySettings = setting(AlchemySettings(), "how the ligand is taken out")
    restraint: RestraintSettings = setting(RestraintSettings(), "what holds it meanwhile")
    schedule: ScheduleSettings = setting(ScheduleSettings(), "the alchemical states")
    equilibration: EquilibrationSettings = setting(EquilibrationSettings(), "from coordinates to samples")
    sampling: SamplingSettings = setting(SamplingSettings(), "dynamics and replica exchange")
    repeats: RepeatSettings = setting(RepeatSettings(), "independent calculations")
    path: PathSettings = setting(PathSettings(), "the way from the site into bulk (every road but alchemy)")
    metadynamics: MetadynamicsSettings = setting(MetadynamicsSettings(), "the bias along the path")
    umbrella: WindowSettings = setting(WindowSettings(), "windows along the path")
    gates: GateSettings = setting(GateSettings(), "what a number along a path must show")
    committee: CommitteeSettings = setting(CommitteeSettings(), "machine-learned potential of the ligand")
    estimator: EstimatorSettings = setting(EstimatorSettings(), "from energies to free energies")
    calibration: CalibrationSettings = setting(CalibrationSettings(), "from error bars to intervals")
    output: OutputSettings = setting(OutputSettings(), "where results go")
    compute: ComputeSettings = setting(ComputeSettings(), "what runs it")

    @model_validator(mode="after")
    def _check(self) -> Protocol:
        if self.membrane is not None:
            check_membrane(self)
        if self.catalysts is not None:
            self._check_catalysts(self.catalysts)
            return self
        if self.analytic is None and not self.ligands.file:
            raise ValueError("ligands.file is needed, and receptor.file for binding (or the section 'analytic')")
        if self.road != "alchemy":
            self._check_road()
        elif self.analytic is not None and self.analytic.well != "harmonic":
            raise ValueError("road: alchemy needs analytic.well: harmonic, whose bound state has an exact volume")
        if self.ligands.modes == "all" and (self.relative or not self.ligands.reference):
            raise ValueError("ligands.modes: all needs ligands.reference, and each ligand's own delta_g (no edges)")
        if self.relative:
            self._check_edges()
        if self.hydration:
            self._check_hydration()
        if self.alchemy.method == "transfer" and self.solvent.model not in ("obc2", "vacuum"):
            raise ValueError("alchemy.method: transfer is offered with solvent.model obc2 or vacuum; use decouple")
        if self.restraint.site_radius and self.restraint.kind not in ("harmonic", "flat-bottom"):
            raise ValueError(f"restraint.site_radius is for kind harmonic or flat-bottom, not {self.restraint.kind}")
        if self.alchemy.softcore_start >= self.alchemy.softcore_maximum:
            raise ValueError("alchemy.softcore_start must be below alchemy.softcore_maximum")
        if self.committee.correction != "none" and self.committee.model == "none":
            raise ValueError("committee.correction needs a committee.model")
        if not self.sampling.time_step <= self.sampling.cycle_time <= self.sampling.length:
            raise ValueError("sampling needs time_step <= cycle_time <= length")
        return self

    def _check_catalysts(self, catalysts: CatalystSettings) -> None:
        """Refuse what a complex that is prepared alone has no use for, and steps that its hydrogens do not allow."""
        if not catalysts.file:
            raise ValueError("catalysts.file is needed: SMILES of complexes, each with a name")
        if self.receptor.file or self.ligands.file or self.analytic is not None or self.relative:
            raise ValueError("catalysts are prepared alone: leave out receptor, ligands, edges and analytic")
        if self.committee.model != "none":
            raise ValueError("catalysts.potential says what acts inside a complex; use committee.model: none")
        if self.solvent.model not in ("tip3p", "vacuum"):
            raise ValueError(f"catalysts: solvent.model is tip3p or vacuum, not {self.solvent.model}")
        if self.solvent.explicit and (self.solvent.box_shape != "cube" or self.solvent.ionic_strength > 0):
            raise ValueError(
                "catalysts stand in a cube with no ions but those that neutralise it: set solvent.box_shape: cube and "
                "solvent.ionic_strength: 0 M"
            )
        if self.sampling.time_step > LONGEST_STEP_PS * (1 + 1e-9):
            raise ValueError("catalysts: bonds to hydrogen are free; set sampling.time_step: 0.5 fs (1 fs at most)")

    def _check_road(self) -> None:
        """Refuse what only works without a path."""
        if self.analytic is not None and (self.analytic.well != "gaussian" or self.path.variable != "distance"):
            raise ValueError(f"road: {self.road} needs analytic.well: gaussian and path.variable: distance")
        if not self.receptor.file and self.analytic is None:
            raise ValueError(f"road: {self.road} leads a ligand out of a receptor: give receptor.file and ligands.file")
        if self.committee.model != "none":
            raise ValueError(
                f"road: {self.road} stores no frames that a committee could evaluate: use road: alchemy with "
                f"committee.model: {self.committee.model}, or committee.model: none"
            )
        if self.metadynamics.engine == "openmm" and (
            self.metadynamics.method != "metad" or self.metadynamics.walkers > 1 or self.metadynamics.script
        ):
            raise ValueError("metadynamics.engine: openmm does metad with one walker and no script; use plumed")
        if self.road == "umbrella" and len(self.path.unbound) > 1:
            raise ValueError("road: umbrella leads the ligand out on one side: give one range in path.unbound")
        if self.metadynamics.walkers > 1 and self.metadynamics.method != "metad":
            raise ValueError("metadynamics.walkers: only metad shares a bias between walkers; use 1, or method: metad")

    def _check_edges(self) -> None:
        """Refuse what a difference of two ligands cannot be calculated with."""
        if self.analytic is not None or not self.receptor.file or self.road != "alchemy":
            raise ValueError("edges.network needs receptor.file, ligands.file and road: alchemy")
        if self.solvent.model == "gbn2":
            raise ValueError("edges: two ligands change places in obc2, vacuum, tip3p, tip4pew or opc, not in gbn2")
        if self.solvent.explicit and self.edges.pocket > 0:
            raise ValueError(
                "edges.pocket: water would fill the place of the protein that is cut away: set it to 0 A, or use "
                "solvent.model: obc2"
            )
        if self.committee.model != "none":
            raise ValueError("edges: a committee corrects absolute values only; use committee.model: none")
        if self.restraint.kind != "flat-bottom" or self.restraint.ligand_atoms:
            raise ValueError("edges: the site is a well of all ligand atoms; set restraint.kind: flat-bottom")
        if (self.edges.network == "given") != bool(self.edges.pairs):
            raise ValueError("edges.pairs and edges.network: given belong together")
        if self.calibration.file is not None:
            raise ValueError("edges: calibration.file holds absolute values; leave it out")

    def _check_hydration(self) -> None:
        """Refuse what only makes sense with a receptor, which may have been forgotten."""
        without = "no receptor.file is given, which asks for a hydration free energy: "
        if self.alchemy.method == "transfer":
            raise ValueError(without + "alchemy.method: transfer carries a ligand into a receptor; use decouple")
        if self.receptor.name:
            raise ValueError(without + f"give the file of receptor '{self.receptor.name}', or no receptor.name")
        if self.ligands.reference:
            raise ValueError(without + "ligands.reference places ligands in a receptor; leave it out")
        if self.restraint != RestraintSettings():
            raise ValueError(without + "the section 'restraint' holds a ligand in a receptor; leave it out")
        if self.schedule.complex != ScheduleSettings().complex:
            raise ValueError(without + "schedule.complex belongs to a receptor; leave it out")
        if self.calibration.file is not None:
            raise ValueError(without + "calibrators are fitted on binding free energies; leave out calibration.file")

    @property
    def hydration(self) -> bool:
        """Whether the answer is a free energy of hydration: molecules, and no receptor among them."""
        return self.analytic is None and self.catalysts is None and not self.receptor.file

    @property
    def relative(self) -> bool:
        """Whether the answers are differences between ligands."""
        return self.edges.network != "none"

    @property
    def leg_kinds(self) -> tuple[LegKind, ...]:
        """The legs of the cycle, in the order in which they run; catalysts have none."""
        if self.catalysts is not None:
            return ()
        if self.road != "alchemy":
            return (LegKind.PATH,)
        if self.analytic is not None:
            return (LegKind.COMPLEX,)
        if self.relative:
            return (LegKind.RELATIVE,)
        if self.hydration:
            return (LegKind.SOLVENT, LegKind.VACUUM)
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
        elif is_physics(field) and name != "file":
            kept[name] = value
    return kept


def is_physics(field: FieldInfo) -> bool:
    """Whether another value of a field is another calculation."""
    extra = field.json_schema_extra
    return not (isinstance(extra, dict) and extra.get("physics") is False)
