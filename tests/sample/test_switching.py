"""Switching from both ends, against exact answers; no network is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openmm
import pytest
from scipy import integrate

from bindfe.errors import InputError, SamplingError
from bindfe.estimate.members import to_mean
from bindfe.estimate.work import estimate_switching
from bindfe.mlip.hybrid import LAMBDA_MLIP, add_potential
from bindfe.mlip.internal import InternalEnergy
from bindfe.protocol import (
    AnalyticSettings,
    CommitteeSettings,
    ComputeSettings,
    Protocol,
    SamplingSettings,
    SwitchingSettings,
)
from bindfe.results import SwitchingWork
from bindfe.sample.drive import BAROSTAT_STEPS, Driver, derived_seed
from bindfe.sample.dynamics import Replica
from bindfe.sample.rescore import Offsets, reference_offsets
from bindfe.sample.switching import EnvironmentCorrection, ForceFieldEnd, correct_environment
from bindfe.store import read_arrays
from bindfe.units import thermal_energy

TEMPERATURE = 298.15
KT = thermal_energy(TEMPERATURE)
REFERENCE = ComputeSettings(platform="Reference")
SAMPLING = SamplingSettings.model_validate({"temperature": "298.15 K", "friction": "20 1/ps"})


def oscillators(first: float, second: float, *, number: int) -> openmm.System:
    """Particles in wells whose springs [kJ/mol/nm^2] go from ``first`` to ``second``."""
    system = openmm.System()
    well = openmm.CustomExternalForce(f"({first}+({second}-{first})*{LAMBDA_MLIP})/2*(x^2+y^2+z^2)")
    well.addGlobalParameter(LAMBDA_MLIP, 0.0)
    well.setForceGroup(30)
    for particle in range(number):
        system.addParticle(12.0)
        well.addParticle(particle, [])
    system.addForce(well)
    return system


def replica(positions: np.ndarray) -> Replica:
    return Replica(positions=positions, velocities=np.zeros_like(positions))


def oscillator_work(seed: int, *, n_switches: int, steps: int) -> SwitchingWork:
    """Work on one three-dimensional oscillator, from exact samples of both ends."""
    springs = (1000.0, 4000.0)
    driver = Driver(
        system=oscillators(*springs, number=1),
        temperature=TEMPERATURE,
        friction=5.0,
        time_step=0.002,
        compute=REFERENCE,
    )
    rng = np.random.default_rng(seed)
    works = [
        [
            driver.switch(
                replica(rng.normal(scale=np.sqrt(KT / spring), size=(1, 3))),
                forward=forward,
                steps=steps,
                seed=derived_seed(seed, "toy", 0, str(forward), number),
            )
            for number in range(n_switches)
        ]
        for spring, forward in zip(springs, (True, False), strict=True)
    ]
    return SwitchingWork(forward=np.array(works[0]), reverse=np.array(works[1]))


def test_stiffening_a_spring_fourfold_gives_three_halves_log_four() -> None:
    exact = 1.5 * np.log(4.0)
    z = []
    for seed in range(30):
        found = estimate_switching(oscillator_work(seed, n_switches=16, steps=30), seed=seed)
        z.append((found.delta_f - exact) / found.standard_error)
    assert abs(np.mean(z)) < 3 / np.sqrt(len(z))
    assert 0.5 < np.var(z, ddof=1) < 2.0  # chi-square of 29 at 3 sigmas, with bootstrap errors of 16 switches


def test_an_instant_switch_is_the_energy_difference() -> None:
    driver = Driver(
        system=oscillators(1000.0, 4000.0, number=1),
        temperature=TEMPERATURE,
        friction=5.0,
        time_step=0.002,
        compute=REFERENCE,
    )
    position = np.array([[0.03, 0.0, 0.04]])
    up = driver.switch(replica(position), forward=True, steps=1, seed=1)
    down = driver.switch(replica(position), forward=False, steps=1, seed=1)
    assert up == pytest.approx(0.5 * 3000.0 * 0.05**2 / KT)
    assert down == pytest.approx(-up)


def test_a_slower_switch_dissipates_less() -> None:
    dissipated = [
        float(np.mean(work.forward) + np.mean(work.reverse))
        for work in (oscillator_work(3, n_switches=30, steps=steps) for steps in (2, 200))
    ]
    assert dissipated[1] < 0.5 * dissipated[0]


def test_a_switch_that_explodes_is_an_error_with_its_seed() -> None:
    driver = Driver(
        system=oscillators(1000.0, 1e9, number=1),
        temperature=TEMPERATURE,
        friction=5.0,
        time_step=0.01,
        compute=REFERENCE,
    )
    with pytest.raises(SamplingError, match=r"(seed 7|lambda_mlip)"):
        driver.switch(replica(np.array([[0.1, 0.0, 0.0]])), forward=True, steps=500, seed=7)


class Plug:
    """A committee whose energies come from OpenMM: the force field itself, or one with other constants."""

    name = "plug"

    def __init__(self, system: openmm.System, *, constant: float = 0.0) -> None:
        self.constant = constant
        atoms = range(system.getNumParticles())
        self.internal = InternalEnergy.of(system, atoms)
        alone = openmm.System()
        for atom in atoms:
            alone.addParticle(system.getParticleMass(atom))
        for force in self.internal.terms.forces():
            alone.addForce(force)
        platform = openmm.Platform.getPlatformByName("Reference")
        self.context = openmm.Context(alone, openmm.VerletIntegrator(0.001), platform)
        self.evaluations = 0

    @property
    def members(self) -> tuple[str, ...]:
        return ("plug-0",)

    def energies(self, positions_nm: Any) -> np.ndarray:
        return self.internal.energies(positions_nm)[None] + self.constant

    def mean_energy_and_forces(self, positions_nm: Any) -> tuple[float, np.ndarray]:
        self.evaluations += 1
        self.context.setPositions(positions_nm)
        state = self.context.getState(energy=True, forces=True)
        return state.getPotentialEnergy()._value + self.constant, state.getForces(asNumpy=True)._value

    def __deepcopy__(self, _: Any) -> Plug:
        return self


def diatomic(spring: float, *, length: float = 0.15) -> openmm.System:
    """Two atoms and a spring [kJ/mol/nm^2]."""
    system = openmm.System()
    bond = openmm.HarmonicBondForce()
    for _ in range(2):
        system.addParticle(12.0)
    bond.addBond(0, 1, length, spring)
    system.addForce(bond)
    return system


def sample_diatomic(spring: float, number: int, *, seed: int, length: float = 0.15) -> np.ndarray:
    """Exact samples: the bond length from its marginal r^2 exp(-u), any direction."""
    rng = np.random.default_rng(seed)
    grid = np.linspace(0.02, 0.4, 40001)
    weight = grid**2 * np.exp(-spring / 2 * (grid - length) ** 2 / KT)
    distance = np.interp(rng.random(number), np.cumsum(weight) / weight.sum(), grid)
    direction = rng.normal(size=(number, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    half = 0.5 * distance[:, None] * direction
    return np.stack([-half, half], axis=1)


def diatomic_free_energy(spring: float, *, length: float = 0.15) -> float:
    """-ln of the configuration integral over the bond, by quadrature [kT]."""

    def integrand(r: float) -> float:
        return float(r**2 * np.exp(-spring / 2 * (r - length) ** 2 / KT))

    value, _ = integrate.quad(integrand, 0.0, 0.6, points=[length], epsabs=1e-14, limit=200)
    return float(-np.log(value))


SETTINGS = SwitchingSettings.model_validate(
    {"number": 40, "length": "0.1 ps", "equilibration": "0.5 ps", "spacing": "0.15 ps", "time_step": "1 fs"}
)


def correct(
    system: openmm.System,
    frames: np.ndarray,
    plug: Plug,
    directory: Path,
    *,
    offset: float = 0.0,
    settings: SwitchingSettings = SETTINGS,
    environment: str = "free",
    seed: int = 11,
) -> EnvironmentCorrection:
    return correct_environment(
        ForceFieldEnd(
            system=system,
            ligand_atoms=tuple(range(system.getNumParticles())),
            frames=frames,
            environment=environment,
            repeat=0,
            seed=seed,
        ),
        Protocol(
            analytic=AnalyticSettings(),
            committee=CommitteeSettings(switching=settings),
            sampling=SAMPLING,
            compute=REFERENCE,
        ),
        committee=plug,
        offsets=Offsets(members_kj_mol=(offset,), mm_kj_mol=0.0),
        directory=directory,
    )


def test_another_potential_of_a_diatomic_gives_the_integral_by_quadrature(tmp_path: Path) -> None:
    soft, stiff = 20000.0, 60000.0
    system = diatomic(soft)
    found = correct(
        system, sample_diatomic(soft, 200, seed=5), Plug(diatomic(stiff), constant=-3e5), tmp_path, offset=-3e5
    )
    estimate = estimate_switching(found.work, seed=1)
    exact = diatomic_free_energy(stiff) - diatomic_free_energy(soft)
    assert abs(estimate.delta_f - exact) < 3 * estimate.standard_error
    assert estimate.standard_error < 0.2


def test_replacing_the_force_field_by_itself_costs_nothing(tmp_path: Path) -> None:
    system = diatomic(30000.0)
    short = SETTINGS.model_copy(update={"number": 10})
    plug = Plug(system, constant=-1e6)
    found = correct(system, sample_diatomic(30000.0, 50, seed=2), plug, tmp_path, offset=-1e6, settings=short)
    estimate = estimate_switching(found.work, seed=1)
    assert abs(estimate.delta_f) * KT / 4.184 < 0.02


def test_the_same_environment_twice_needs_no_correction(tmp_path: Path) -> None:
    system, plug = diatomic(20000.0), Plug(diatomic(60000.0))
    frames = sample_diatomic(20000.0, 100, seed=9)
    ends = [
        estimate_switching(correct(system, frames, plug, tmp_path / name, environment=name).work, seed=1)
        for name in ("bound", "free")
    ]
    error = np.hypot(ends[0].standard_error, ends[1].standard_error)
    assert ends[0].delta_f != ends[1].delta_f  # the two environments draw different numbers
    assert abs(ends[0].delta_f - ends[1].delta_f) < 3 * error


def test_a_constant_in_the_potential_cancels_when_it_is_the_offset(tmp_path: Path) -> None:
    system, frames = diatomic(20000.0), sample_diatomic(20000.0, 20, seed=1)
    short = SETTINGS.model_copy(update={"number": 4})
    plain = correct(system, frames, Plug(diatomic(60000.0)), tmp_path / "a", settings=short)
    shifted = correct(
        system, frames, Plug(diatomic(60000.0), constant=-1.4e6), tmp_path / "b", settings=short, offset=-1.4e6
    )
    np.testing.assert_allclose(shifted.work.forward, plain.work.forward, atol=1e-6)


def test_a_run_that_was_cut_continues_to_the_same_work(tmp_path: Path) -> None:
    system, frames = diatomic(20000.0), sample_diatomic(20000.0, 10, seed=1)
    short = SETTINGS.model_copy(update={"number": 6})
    whole = correct(system, frames, Plug(diatomic(40000.0)), tmp_path / "whole", settings=short)
    correct(system, frames, Plug(diatomic(40000.0)), tmp_path / "cut", settings=short)
    (tmp_path / "cut" / "batch-00001.npz").unlink()
    (tmp_path / "cut" / "batch-00002.npz").unlink()
    again = correct(system, frames, Plug(diatomic(40000.0)), tmp_path / "cut", settings=short)
    np.testing.assert_array_equal(again.work.forward, whole.work.forward)
    np.testing.assert_array_equal(again.work.reverse, whole.work.reverse)
    assert read_arrays(tmp_path / "cut" / "batch-00002.npz")["ligand"].shape == (2, 2, 3)


def test_more_switches_keep_those_that_are_stored(tmp_path: Path) -> None:
    system, frames = diatomic(20000.0), sample_diatomic(20000.0, 10, seed=1)
    plug = Plug(diatomic(40000.0))
    few = correct(system, frames, plug, tmp_path, settings=SETTINGS.model_copy(update={"number": 3}))
    spent = plug.evaluations
    more = correct(system, frames, plug, tmp_path, settings=SETTINGS.model_copy(update={"number": 4}))
    assert plug.evaluations == spent  # the fourth pair was stored with the third
    np.testing.assert_array_equal(more.work.forward[:3], few.work.forward)


def test_a_step_costs_one_evaluation_of_the_potential() -> None:
    plug = Plug(diatomic(40000.0))
    driver = Driver(
        system=add_potential(diatomic(20000.0), (0, 1), committee=plug, offset=0.0),
        temperature=TEMPERATURE,
        friction=5.0,
        time_step=0.001,
        compute=REFERENCE,
    )
    driver.switch(replica(sample_diatomic(20000.0, 1, seed=1)[0]), forward=True, steps=25, seed=1)
    assert plug.evaluations == 25


def test_frames_of_another_system_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\(1 or more, 2, 3\) are needed, found \(5, 3, 3\)"):
        correct(diatomic(20000.0), np.zeros((5, 3, 3)), Plug(diatomic(20000.0)), tmp_path)


def test_members_are_rescored_on_the_frames_of_the_potentials_end(tmp_path: Path) -> None:
    system, plug = diatomic(20000.0), Plug(diatomic(60000.0))
    frames = sample_diatomic(20000.0, 40, seed=3)
    offsets = reference_offsets(frames, committee=plug, internal=InternalEnergy.of(system, (0, 1)))
    found = correct(system, frames, plug, tmp_path, offset=offsets.members_kj_mol[0])
    assert found.committee.driver == "mean"
    mean_energy = float(found.committee.u_mn.mean()) + offsets.members_kj_mol[0] / KT
    assert mean_energy == pytest.approx(0.5, abs=0.35)  # one stiff degree of freedom: kT/2


def test_every_draw_has_a_seed_of_its_own() -> None:
    seeds = {
        derived_seed(2026, environment, repeat, what, number)
        for environment in ("bound", "free")
        for repeat in range(3)
        for what in ("forward", "reverse", "potential")
        for number in range(50)
    }
    assert len(seeds) == 2 * 3 * 3 * 50
    assert min(seeds) > 0


class Pair(Plug):
    """Two plugs, of which one may drive alone."""

    members = ("soft", "stiff")

    def __init__(self, springs: tuple[float, float]) -> None:
        super().__init__(diatomic(float(np.mean(springs))))
        self.plugs = tuple(Plug(diatomic(spring)) for spring in springs)

    def energies(self, positions_nm: Any) -> np.ndarray:
        return np.concatenate([plug.energies(positions_nm) for plug in self.plugs])

    def subset(self, members: Any) -> Plug:
        (member,) = members
        return self.plugs[member]


def test_a_member_that_drove_a_repeat_brings_it_to_the_mean_of_both(tmp_path: Path) -> None:
    """The free energy of the mean's spring by quadrature, from two runs that never saw the mean."""
    springs, mm = (45000.0, 55000.0), 30000.0
    exact = diatomic_free_energy(50000.0) - diatomic_free_energy(mm)
    for driver, name in enumerate(("soft", "stiff")):
        end = ForceFieldEnd(
            system=diatomic(mm),
            ligand_atoms=(0, 1),
            frames=sample_diatomic(mm, 200, seed=5),
            environment="free",
            repeat=driver,
            seed=11,
        )
        found = correct_environment(
            end,
            Protocol(
                analytic=AnalyticSettings(),
                committee=CommitteeSettings(switching=SETTINGS),
                sampling=SAMPLING,
                compute=REFERENCE,
            ),
            committee=Pair(springs),
            offsets=Offsets(members_kj_mol=(0.0, 0.0), mm_kj_mol=0.0),
            directory=tmp_path / name,
            driver=driver,
        )
        assert found.committee.driver == name
        estimate = estimate_switching(found.work, seed=1)
        step, error = to_mean(found.committee.u_mn, driver=driver)
        assert abs(estimate.delta_f + step - exact) < 3 * np.hypot(estimate.standard_error, error)


def test_a_member_that_is_not_there_or_cannot_be_taken_out_does_not_drive(tmp_path: Path) -> None:
    end = ForceFieldEnd(
        system=diatomic(2e4), ligand_atoms=(0, 1), frames=np.zeros((3, 2, 3)), environment="free", repeat=0, seed=1
    )
    for committee, driver, why in ((Pair((1e4, 2e4)), 2, "members 0 to 1"), (Plug(diatomic(2e4)), 0, "taken apart")):
        with pytest.raises(InputError, match=why):
            correct_environment(
                end,
                Protocol(analytic=AnalyticSettings(), sampling=SAMPLING, compute=REFERENCE),
                committee=committee,
                offsets=Offsets(members_kj_mol=(0.0, 0.0), mm_kj_mol=0.0),
                directory=tmp_path,
                driver=driver,
            )


def gas_in_a_box(spring: float, *, number: int = 40, width: float = 2.4) -> tuple[openmm.System, np.ndarray]:
    """A diatomic that meets nothing, in a box of argon at constant pressure; its positions come first."""
    system = diatomic(spring)
    box = np.eye(3) * width
    system.setDefaultPeriodicBoxVectors(*box)
    argon = openmm.NonbondedForce()
    argon.setNonbondedMethod(openmm.NonbondedForce.CutoffPeriodic)
    argon.setCutoffDistance(0.9)
    for _ in range(2):
        argon.addParticle(0.0, 0.1, 0.0)
    argon.addException(0, 1, 0.0, 0.1, 0.0)
    for _ in range(number):
        system.addParticle(40.0)
        argon.addParticle(0.0, 0.34, 1.0)
    system.addForce(argon)
    system.addForce(openmm.MonteCarloBarostat(80.0, TEMPERATURE))
    places = np.stack(np.meshgrid(*[np.arange(4)] * 3), -1).reshape(-1, 3)[1 : number + 1]
    return system, places * (width / 4) + 0.1


def boxed_end(frames: np.ndarray, *, spring: float, seed: int = 3) -> ForceFieldEnd:
    system, argon = gas_in_a_box(spring)
    whole_frames = np.array([np.concatenate([frame, argon]) for frame in frames])
    boxes = np.array([np.eye(3) * 2.4] * len(frames))
    return ForceFieldEnd(
        system=system,
        ligand_atoms=(0, 1),
        frames=whole_frames,
        boxes=boxes,
        environment="water",
        repeat=0,
        seed=seed,
    )


def test_a_membranes_barostat_rests_during_a_switch_and_works_between_them() -> None:
    system = openmm.System()
    kind = openmm.MonteCarloMembraneBarostat
    system.addForce(kind(1.0, 0.0, TEMPERATURE, kind.XYIsotropic, kind.ZFree))
    driver = Driver(system=system, temperature=TEMPERATURE, friction=1.0, time_step=0.002, compute=REFERENCE)
    driver._set_barostats(frequency=0, seed=7)
    assert (system.getForce(0).getFrequency(), system.getForce(0).getRandomNumberSeed()) == (0, 7)
    driver._set_barostats(frequency=BAROSTAT_STEPS, seed=8)
    assert system.getForce(0).getFrequency() == 25


def test_in_a_box_the_correction_of_a_ligand_that_meets_nothing_is_that_of_the_gas(tmp_path: Path) -> None:
    soft, stiff = 20000.0, 60000.0
    end = boxed_end(sample_diatomic(soft, 60, seed=5), spring=soft)

    def switch(number: int, directory: Path) -> EnvironmentCorrection:
        return correct_environment(
            end,
            Protocol(
                analytic=AnalyticSettings(),
                committee=CommitteeSettings(switching=SETTINGS.model_copy(update={"number": number})),
                sampling=SAMPLING,
                compute=REFERENCE,
            ),
            committee=Plug(diatomic(stiff)),
            offsets=Offsets(members_kj_mol=(0.0,), mm_kj_mol=0.0),
            directory=directory,
        )

    found, again = switch(20, tmp_path / "a"), switch(4, tmp_path / "b")
    estimate = estimate_switching(found.work, seed=1)
    exact = diatomic_free_energy(stiff) - diatomic_free_energy(soft)
    assert abs(estimate.delta_f - exact) < 3 * estimate.standard_error
    np.testing.assert_array_equal(found.work.reverse[:4], again.work.reverse)
    volumes = [np.linalg.det(read_arrays(path)["box"]) for path in sorted((tmp_path / "a").glob("batch-*.npz"))]
    assert np.std(volumes) > 0.01  # the pressure is kept at the potential's end


def test_a_switch_keeps_the_volume_that_it_begins_with() -> None:
    """Work against an energy of 3 kJ/mol/nm^3 times volume and parameter is that of one volume, exactly."""
    system, argon = gas_in_a_box(20000.0)
    tax = openmm.CustomVolumeForce(f"3*{LAMBDA_MLIP}*v")
    tax.addGlobalParameter(LAMBDA_MLIP, 0.0)
    tax.setForceGroup(30)
    system.addForce(tax)
    driver = Driver(system=system, temperature=TEMPERATURE, friction=5.0, time_step=0.001, compute=REFERENCE)
    start = Replica(
        positions=np.concatenate([sample_diatomic(20000.0, 1, seed=1)[0], argon]),
        velocities=np.zeros((42, 3)),
        box=np.eye(3) * 2.4,
    )
    after = driver.sample(start, value=0.0, steps=500, n_frames=1, seed=2, thermalise=True)[0]
    assert after.box is not None
    volume = np.linalg.det(after.box)
    assert abs(volume - 2.4**3) > 0.01
    assert driver.switch(after, forward=True, steps=200, seed=4) == pytest.approx(3 * volume / KT, rel=1e-9)
