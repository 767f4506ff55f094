"""The bridge to PLUMED: hills once a step and never on a probe, right energies and forces, no trace left behind.

Each claim is compared with a count, a closed form, OpenMM's own forces or PLUMED's own virial.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import openmm
import pytest
from openmm import unit

from bindfe.errors import InputError, SamplingError
from bindfe.sample.plumed import PlumedBias, find_kernel
from bindfe.sample.plumed.kernel import Kernel
from bindfe.units import thermal_energy

pytestmark = pytest.mark.plumed

TEMPERATURE = 300.0
PACE = 5
HILLS = f"""\
d: DISTANCE ATOMS=1,3
METAD ARG=d PACE={PACE} HEIGHT=1.2 SIGMA=0.05 BIASFACTOR=8 GRID_MIN=0 GRID_MAX=4 FMT=%24.17g
PRINT ARG=d FILE=COLVAR STRIDE=2 FMT=%24.17g
"""
STATIC = "d: DISTANCE ATOMS=1,3\nRESTRAINT ARG=d AT=0.45 KAPPA=500\n"


def chain(*, box: np.ndarray | None = None) -> openmm.System:
    """Three atoms on two springs; with ``box`` it is periodic."""
    system = openmm.System()
    for mass in (12.0, 16.0, 14.0):
        system.addParticle(mass)
    springs = openmm.HarmonicBondForce()
    springs.addBond(0, 1, 0.3, 100.0)
    springs.addBond(1, 2, 0.3, 100.0)
    if box is not None:
        system.setDefaultPeriodicBoxVectors(*box)
        springs.setUsesPeriodicBoundaryConditions(True)
    system.addForce(springs)
    return system


CHAIN = np.array([[0.0, 0.0, 0.0], [0.3, 0.0, 0.0], [0.5, 0.2, 0.0]])


def context_of(
    system: openmm.System, positions: np.ndarray = CHAIN, *, seed: int = 1, integrator: openmm.Integrator | None = None
) -> openmm.Context:
    if integrator is None:
        integrator = openmm.LangevinMiddleIntegrator(TEMPERATURE, 1.0, 0.002)
        integrator.setRandomNumberSeed(seed)
    context = openmm.Context(system, integrator, openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions)
    context.setVelocitiesToTemperature(TEMPERATURE, seed)
    return context


def biased(
    script: str, directory: Path, *, system: openmm.System | None = None, restart: bool = False
) -> tuple[PlumedBias, openmm.Context]:
    system = chain() if system is None else system
    bias = PlumedBias(script, temperature=TEMPERATURE, directory=directory, restart=restart)
    bias.add_to(system)
    return bias, context_of(system)


def hill_times(directory: Path) -> np.ndarray:
    """Times of the hills [ps]."""
    return np.loadtxt(directory / "HILLS", ndmin=2)[:, 0]


def expected_times(steps: int) -> np.ndarray:
    return 0.002 * np.arange(PACE, steps + 1, PACE)


def energy_of(context: openmm.Context, **options: object) -> float:
    state = context.getState(energy=True, **options)
    return float(state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole))


@pytest.fixture(scope="module")
def one_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of one run of 100 steps."""
    directory = tmp_path_factory.mktemp("one_run")
    bias, context = biased(HILLS, directory)
    bias.step(context, 100)
    bias.close()
    return directory


# Once a step


def test_a_hill_is_deposited_at_every_pace_and_the_last_step_is_committed(one_run: Path) -> None:
    np.testing.assert_allclose(hill_times(one_run), expected_times(100), rtol=1e-12)


def test_a_run_cut_into_pieces_with_probes_between_writes_the_same_files(tmp_path: Path, one_run: Path) -> None:
    bias, context = biased(HILLS, tmp_path)
    energy_of(context)
    for piece in (1, 4, 0, 32, 13, 50):
        bias.step(context, piece)
        energy_of(context, forces=True)
    bias.close()
    for name in ("HILLS", "COLVAR"):
        assert (tmp_path / name).read_text() == (one_run / name).read_text()


def test_probes_inside_an_armed_block_deposit_nothing(tmp_path: Path, one_run: Path) -> None:
    bias, context = biased(HILLS, tmp_path)
    with bias.armed(context):
        for _ in range(100):
            context.getIntegrator().step(1)
            for _ in range(3):
                energy_of(context)
    bias.close()
    assert (tmp_path / "HILLS").read_text() == (one_run / "HILLS").read_text()
    assert (tmp_path / "COLVAR").read_text() == (one_run / "COLVAR").read_text()


def test_what_is_on_disk_after_a_piece_is_complete(tmp_path: Path, one_run: Path) -> None:
    bias, context = biased(HILLS, tmp_path)
    with bias.armed(context):
        context.getIntegrator().step(50)
        energy_of(context)  # the last step was seen before the block ends
    np.testing.assert_allclose(hill_times(tmp_path), expected_times(50), rtol=1e-12)
    bias.step(context, 50)
    assert (tmp_path / "HILLS").read_text() == (one_run / "HILLS").read_text()


def test_minimisation_and_unarmed_dynamics_deposit_nothing(tmp_path: Path) -> None:
    bias, context = biased(HILLS, tmp_path)
    openmm.LocalEnergyMinimizer.minimize(context)
    context.getIntegrator().step(40)
    assert not list(tmp_path.iterdir()), "nothing may be written before the first armed step"
    with bias.armed(context):
        openmm.LocalEnergyMinimizer.minimize(context)
        context.getIntegrator().step(20)
        openmm.LocalEnergyMinimizer.minimize(context)
    np.testing.assert_allclose(hill_times(tmp_path), 0.002 * np.array([45, 50, 55, 60]), rtol=1e-12)


def test_trial_boxes_of_a_barostat_deposit_nothing(tmp_path: Path) -> None:
    system = chain(box=3.0 * np.eye(3))
    system.addForce(openmm.MonteCarloBarostat(1000.0, TEMPERATURE, 1))
    system.getForce(1).setRandomNumberSeed(1)
    bias, context = biased(HILLS, tmp_path, system=system)
    bias.step(context, 60)
    bias.step(context, 40)
    np.testing.assert_allclose(hill_times(tmp_path), expected_times(100), rtol=1e-12)
    assert len(np.loadtxt(tmp_path / "COLVAR")) == 51
    volume = context.getState().getPeriodicBoxVolume().value_in_unit(unit.nanometer**3)
    assert abs(volume - 27.0) > 1e-3, "no volume move was accepted"


def test_the_bias_is_that_of_the_hills_in_the_file(one_run: Path, tmp_path: Path) -> None:
    (tmp_path / "HILLS").write_text((one_run / "HILLS").read_text())
    bias, context = biased(HILLS, tmp_path, restart=True)
    hills = np.loadtxt(one_run / "HILLS")
    for distance in (0.35, 0.4, 0.45, 0.5):
        context.setPositions([[0, 0, 0], [0.3, 0, 0], [distance, 0, 0]])
        # PLUMED stretches each Gaussian to be zero where it is cut off, at (s/sigma)^2/2 = 6.25
        exponent = 0.5 * ((distance - hills[:, 1]) / hills[:, 2]) ** 2
        stretch = 1.0 / (1.0 - np.exp(-6.25))
        gaussians = np.where(exponent < 6.25, stretch * (np.exp(-exponent) - np.exp(-6.25)), 0.0)
        # heights in HILLS of a well-tempered run are those of the free energy: times 1 - 1/biasfactor is the bias
        expected = (1 - 1 / 8) * np.sum(hills[:, 3] * gaussians)
        assert energy_of(context, groups={0}) - spring_energy(distance) == pytest.approx(expected, abs=2e-3)
    assert (tmp_path / "HILLS").read_text() == (one_run / "HILLS").read_text()
    bias.close()


def spring_energy(distance: float) -> float:
    return 50.0 * (abs(distance - 0.3) - 0.3) ** 2


# Going back, and going on


def test_a_step_count_that_went_back_is_refused_until_plumed_is_restarted(tmp_path: Path, one_run: Path) -> None:
    bias, context = biased(HILLS, tmp_path)
    bias.step(context, 50)
    checkpoint = context.createCheckpoint()
    bias.step(context, 33)
    context.loadCheckpoint(checkpoint)
    with pytest.raises(SamplingError, match=r"at step 50, but PLUMED has deposited up to step 83.*restart_at"):
        bias.step(context, 50)
    bias.restart_at(context)
    bias.step(context, 50)
    bias.close()
    same_series(tmp_path, one_run)


def test_a_checkpoint_loaded_inside_an_armed_block_is_an_error(tmp_path: Path) -> None:
    bias, context = biased(HILLS, tmp_path)
    bias.step(context, 20)
    checkpoint = context.createCheckpoint()

    def load_inside() -> None:
        with bias.armed(context):
            context.getIntegrator().step(10)
            context.loadCheckpoint(checkpoint)
            context.getIntegrator().step(10)

    with pytest.raises(SamplingError, match="loaded into the Context while its bias was armed"):
        load_inside()


def test_an_error_inside_a_block_leaves_the_bias_usable(tmp_path: Path, one_run: Path) -> None:
    bias, context = biased(HILLS, tmp_path)
    with contextlib.suppress(KeyError), bias.armed(context):
        context.getIntegrator().step(42)
        raise KeyError
    bias.step(context, 58)
    bias.close()
    assert (tmp_path / "HILLS").read_text() == (one_run / "HILLS").read_text()
    assert Path.cwd() != tmp_path


def same_series(first: Path, second: Path) -> None:
    """HILLS and COLVAR have the same times, each once, and the same values up to the digits in HILLS."""
    for name in ("HILLS", "COLVAR"):
        np.testing.assert_allclose(np.loadtxt(first / name), np.loadtxt(second / name), rtol=1e-9)


KILLED = """
import os, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import test_plumed_bridge as t
directory = Path({directory!r})
bias, context = t.biased(t.HILLS, directory, restart={restart})
if {restart}:
    context.loadCheckpoint((directory / "checkpoint").read_bytes())
while context.getStepCount() < 100:
    bias.step(context, 10)
    if context.getStepCount() == 50:
        (directory / "checkpoint").write_bytes(context.createCheckpoint())
    if context.getStepCount() == 70 and not {restart}:
        with open(directory / "HILLS", "a") as file:
            file.write("   0.15 0.3")  # a line that the kill cut in half
        os.kill(os.getpid(), 9)
bias.close()
"""


def test_files_after_a_kill_and_a_restart_are_those_of_one_run(tmp_path: Path, one_run: Path) -> None:
    """openmm-plumed issue 86: a restart that deposits again, or forgets."""
    for restart, ends in ((False, -signal.SIGKILL), (True, 0)):
        code = KILLED.format(tests=str(Path(__file__).parent), directory=str(tmp_path), restart=restart)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == ends, done.stderr
    same_series(tmp_path, one_run)
    assert not list(tmp_path.glob("bck.*.HILLS"))
    assert not list(tmp_path.glob("bck.*.COLVAR"))


def at_rest(script: str, directory: Path, *, step: int = 100) -> None:
    """Restart where no force was evaluated before."""
    system = chain()
    bias = PlumedBias(script, temperature=TEMPERATURE, directory=directory, restart=True)
    bias.add_to(system)
    context = openmm.Context(system, openmm.VerletIntegrator(0.002))
    context.setStepCount(step)
    bias.step(context, 1)


def test_a_restart_without_hills_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 2.*HILLS"):
        at_rest(HILLS, tmp_path)


def test_a_restart_at_step_zero_does_not_throw_the_hills_away(tmp_path: Path, one_run: Path) -> None:
    (tmp_path / "HILLS").write_text((one_run / "HILLS").read_text())
    with pytest.raises(InputError, match=r"at step 0 and .*HILLS has 20 lines of later steps"):
        at_rest(HILLS, tmp_path, step=0)
    assert (tmp_path / "HILLS").read_text() == (one_run / "HILLS").read_text()


def test_hills_of_another_variable_are_refused(tmp_path: Path, one_run: Path) -> None:
    (tmp_path / "HILLS").write_text((one_run / "HILLS").read_text())
    with pytest.raises(InputError, match=r"line 2.*field r cannot be found"):
        at_rest(HILLS.replace("d:", "r:").replace("ARG=d", "ARG=r"), tmp_path)


# Energies and forces


def numerical_forces(context: openmm.Context, positions: np.ndarray, *, step: float = 1e-5) -> np.ndarray:
    """Minus the central differences of the potential energy [kJ/mol/nm], (n, 3)."""
    forces = np.zeros_like(positions)
    for index in np.ndindex(*positions.shape):
        energies = []
        for sign in (1, -1):
            moved = positions.copy()
            moved[index] += sign * step
            context.setPositions(moved)
            context.computeVirtualSites()
            energies.append(energy_of(context))
        forces[index] = (energies[1] - energies[0]) / (2 * step)
    context.setPositions(positions)
    context.computeVirtualSites()
    return forces


def forces_of(context: openmm.Context) -> np.ndarray:
    return np.array(context.getState(forces=True).getForces(asNumpy=True)._value)


@pytest.mark.parametrize(
    "script",
    [
        STATIC,
        "a: ANGLE ATOMS=1,2,3\nRESTRAINT ARG=a AT=1 KAPPA=200\n",
        "g: GYRATION ATOMS=1-3\nRESTRAINT ARG=g AT=0.2 KAPPA=900 SLOPE=3\n",
        "c: COM ATOMS=1,2\nd: DISTANCE ATOMS=c,3\nLOWER_WALLS ARG=d AT=0.9 KAPPA=100\n",
        HILLS,
    ],
)
def test_forces_are_minus_the_gradient_of_the_energy(script: str, tmp_path: Path) -> None:
    bias, context = biased(script, tmp_path)
    if script == HILLS:
        bias.step(context, 50)
    context.setPositions(CHAIN)
    np.testing.assert_allclose(forces_of(context), numerical_forces(context, CHAIN), atol=2e-5)
    assert set(bias.atoms) == ({0, 2} if "ATOMS=1,3" in script else {0, 1, 2})


def test_units_of_the_script_do_not_change_the_bias(tmp_path: Path) -> None:
    in_nm, one = biased(STATIC, tmp_path)
    other = f"UNITS LENGTH=A ENERGY=kcal/mol TIME=fs\nd: DISTANCE ATOMS=1,3\nRESTRAINT ARG=d AT=4.5 KAPPA={5 / 4.184}\n"
    in_angstrom, two = biased(other, tmp_path)
    assert energy_of(one) == pytest.approx(energy_of(two), rel=1e-9)
    np.testing.assert_allclose(forces_of(one), forces_of(two), rtol=1e-9, atol=1e-9)
    assert in_nm.atoms == in_angstrom.atoms


def test_a_virtual_site_passes_its_force_on(tmp_path: Path) -> None:
    system = chain()
    system.addParticle(0.0)
    system.setVirtualSite(3, openmm.TwoParticleAverageSite(0, 1, 0.4, 0.6))
    bias = PlumedBias(
        "d: DISTANCE ATOMS=3,4\nRESTRAINT ARG=d AT=0.1 KAPPA=700\n", temperature=300.0, directory=tmp_path
    )
    bias.add_to(system)
    context = context_of(system, np.vstack([CHAIN, np.zeros(3)]))
    context.computeVirtualSites()
    numerical = numerical_forces(context, np.array(context.getState(positions=True).getPositions(asNumpy=True)._value))
    assert bias.atoms == (2, 3)
    np.testing.assert_allclose(forces_of(context)[:3], numerical[:3], atol=2e-5)


TRICLINIC = np.array([[2.0, 0.0, 0.0], [0.7, 1.9, 0.0], [-0.6, 0.5, 1.8]])


def test_the_nearest_image_in_a_triclinic_box_is_found(tmp_path: Path) -> None:
    """Among all lattice vectors near enough, tried one by one."""
    _, context = biased(STATIC, tmp_path, system=without_springs(TRICLINIC))
    lattice = np.stack(np.meshgrid(*[np.arange(-9, 10)] * 3), axis=-1).reshape(-1, 3) @ TRICLINIC
    for seed in range(6):
        positions = np.random.default_rng(seed).normal(size=(3, 3)) * 3
        context.setPositions(positions)
        images = positions[2] - positions[0] + lattice
        nearest = images[np.argmin(np.linalg.norm(images, axis=1))]
        distance = float(np.linalg.norm(nearest))
        assert energy_of(context) == pytest.approx(250 * (distance - 0.45) ** 2, rel=1e-9)
        np.testing.assert_allclose(forces_of(context)[2], -500 * (distance - 0.45) * nearest / distance, rtol=1e-8)


def test_the_volume_derivative_through_the_context_is_plumeds_virial(tmp_path: Path) -> None:
    script = STATIC + "v: VOLUME\nRESTRAINT ARG=v AT=6 KAPPA=9\n"
    _, context = biased(script, tmp_path, system=without_springs(TRICLINIC))
    positions = np.random.default_rng(3).random((3, 3))

    def energy_at(log_volume: float) -> float:
        scale = np.exp(log_volume / 3)
        context.setPeriodicBoxVectors(*(scale * TRICLINIC))
        context.setPositions(scale * positions)
        return energy_of(context)

    numerical = (energy_at(1e-5) - energy_at(-1e-5)) / 2e-5
    kernel = Kernel(
        find_kernel(),
        masses=np.ones(3),
        charges=np.zeros(3),
        temperature=TEMPERATURE,
        time_step=0.002,
        restart=False,
        virial=True,
        log=tmp_path / "log",
    )
    kernel.read(script)
    kernel.positions[:], kernel.box[:] = positions, TRICLINIC
    kernel.calculate(0)
    assert numerical == pytest.approx(np.trace(kernel.virial) / 3, rel=1e-6)
    kernel.close()


def without_springs(box: np.ndarray) -> openmm.System:
    system = openmm.System()
    for _ in range(3):
        system.addParticle(12.0)
    system.setDefaultPeriodicBoxVectors(*box)
    native = openmm.CustomBondForce("0*r")  # makes the System periodic
    native.setUsesPeriodicBoundaryConditions(True)
    system.addForce(native)
    return system


def test_the_mean_volume_of_a_biased_ideal_gas_is_the_reweighted_one(tmp_path: Path) -> None:
    """p(V) of N free atoms is V^N e^(-PV/kT), times the weight of the static bias."""
    from scipy import integrate

    n_atoms, pressure, kt = 6, 50.0, thermal_energy(TEMPERATURE)
    system = openmm.System()
    for _ in range(n_atoms):
        system.addParticle(12.0)
    system.setDefaultPeriodicBoxVectors(*(1.6 * np.eye(3)))
    native = openmm.CustomBondForce("0*r")
    native.setUsesPeriodicBoundaryConditions(True)
    system.addForce(native)
    barostat = openmm.MonteCarloBarostat(pressure, TEMPERATURE, 1)
    barostat.setRandomNumberSeed(5)
    system.addForce(barostat)
    bias = PlumedBias("v: VOLUME\nRESTRAINT ARG=v AT=3 KAPPA=2\n", temperature=TEMPERATURE, directory=tmp_path)
    bias.add_to(system)
    context = context_of(system, np.random.default_rng(1).random((n_atoms, 3)) * 1.6)

    def weight(volume: float, power: int) -> float:
        energy = pressure * 0.0602214076 * volume + (volume - 3.0) ** 2
        return volume ** (n_atoms + power) * np.exp(-energy / kt)

    exact = integrate.quad(weight, 0, 40, args=(1,))[0] / integrate.quad(weight, 0, 40, args=(0,))[0]
    free = (n_atoms + 1) * kt / (pressure * 0.0602214076)
    bias.step(context, 500)
    volumes = []
    for _ in range(400):
        bias.step(context, 10)
        volumes.append(context.getState().getPeriodicBoxVolume().value_in_unit(unit.nanometer**3))
    blocks = np.mean(np.array(volumes).reshape(20, 20), axis=1)
    error = np.std(blocks, ddof=1) / np.sqrt(20)
    assert abs(free - exact) > 10 * error, "the bias must matter"
    assert np.mean(volumes) == pytest.approx(exact, abs=4 * error)


def test_a_static_bias_conserves_energy_as_well_as_a_native_one(tmp_path: Path) -> None:
    spreads = []
    for native in (False, True):
        system = chain()
        if native:
            spring = openmm.CustomBondForce("250*(r-0.45)^2")
            spring.addBond(0, 2)
            system.addForce(spring)
        else:
            bias = PlumedBias(STATIC, temperature=TEMPERATURE, directory=tmp_path)
            bias.add_to(system)
        context = context_of(system, integrator=openmm.VerletIntegrator(0.001))
        totals = []
        for _ in range(100):
            context.getIntegrator().step(10) if native else bias.step(context, 10)
            state = context.getState(energy=True)
            totals.append((state.getKineticEnergy() + state.getPotentialEnergy())._value)
        spreads.append(np.std(totals))
    assert spreads[0] == pytest.approx(spreads[1], rel=1e-3)
    assert spreads[0] < 0.02 * thermal_energy(TEMPERATURE)


# Copies, processes, Contexts


def test_a_bias_pickles_as_its_specification_and_works_in_another_process(tmp_path: Path) -> None:
    bias, context = biased(STATIC, tmp_path)
    assert len(pickle.dumps(bias)) < 2000
    (tmp_path / "system.xml").write_text(openmm.XmlSerializer.serialize(context.getSystem()))
    (tmp_path / "bias.pickle").write_bytes(pickle.dumps(bias))
    code = textwrap.dedent(f"""
        import os, pickle, sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        import openmm, test_plumed_bridge as t
        system = openmm.XmlSerializer.deserialize(Path("system.xml").read_text())
        context = t.context_of(system)
        print(repr(t.energy_of(context)))
        pickle.loads(Path("bias.pickle").read_bytes()).step(context, 10)
        print(repr(t.energy_of(context)))
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    before = energy_of(context)
    bias.step(context, 10)
    assert [float(line) for line in done.stdout.split()] == [before, energy_of(context)]


def test_a_copy_of_the_system_is_driven_by_the_same_bias(tmp_path: Path, one_run: Path) -> None:
    system = chain()
    bias = PlumedBias(HILLS, temperature=TEMPERATURE, directory=tmp_path)
    bias.add_to(system)
    context = context_of(copy.deepcopy(system))
    bias.step(context, 100)
    bias.close()
    assert (tmp_path / "HILLS").read_text() == (one_run / "HILLS").read_text()


@pytest.fixture(scope="module")
def one_run_without_chance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """100 steps at constant energy: random numbers of OpenMM's Reference platform are shared by its Contexts."""
    directory = tmp_path_factory.mktemp("constant_energy")
    bias, context = biased_without_chance(directory)
    bias.step(context, 100)
    bias.close()
    return directory


def biased_without_chance(directory: Path) -> tuple[PlumedBias, openmm.Context]:
    system = chain()
    bias = PlumedBias(HILLS, temperature=TEMPERATURE, directory=directory)
    bias.add_to(system)
    return bias, context_of(system, integrator=openmm.VerletIntegrator(0.002))


def test_a_second_context_is_biased_and_deposits_nothing(tmp_path: Path, one_run_without_chance: Path) -> None:
    bias, context = biased_without_chance(tmp_path)
    moved = np.add(CHAIN, [[0, 0, 0], [0, 0, 0], [0.1, 0, 0]])
    second = context_of(context.getSystem(), moved, integrator=openmm.VerletIntegrator(0.002))
    with bias.armed(context):
        for _ in range(100):
            second.getIntegrator().step(1)
            context.getIntegrator().step(1)
            second.getIntegrator().step(1)
        with pytest.raises(SamplingError, match="armed already"):
            bias.step(second, 1)
    bias.close()
    assert (tmp_path / "HILLS").read_text() == (one_run_without_chance / "HILLS").read_text()


def test_two_biases_of_two_systems_do_not_mix(tmp_path: Path, one_run_without_chance: Path) -> None:
    pairs = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        pairs.append(biased_without_chance(tmp_path / name))
    for _ in range(10):
        for bias, context in pairs:
            bias.step(context, 10)
    for name in ("a", "b"):
        assert (tmp_path / name / "HILLS").read_text() == (one_run_without_chance / "HILLS").read_text()


def test_two_biases_in_one_system_add_up(tmp_path: Path) -> None:
    system = chain()
    for script in (STATIC, STATIC.replace("0.45", "0.2")):
        PlumedBias(script, temperature=TEMPERATURE, directory=tmp_path).add_to(system)
    both = energy_of(context_of(system))
    distance = float(np.linalg.norm(CHAIN[2]))
    expected = 250 * ((distance - 0.45) ** 2 + (distance - 0.2) ** 2)
    assert both - energy_of(context_of(chain())) == pytest.approx(expected, rel=1e-9)


def test_an_evaluation_elsewhere_leaves_the_files_of_a_run_alone(tmp_path: Path, one_run: Path) -> None:
    for name in ("HILLS", "COLVAR"):
        (tmp_path / name).write_text((one_run / name).read_text())
    for restart in (False, True):
        _, context = biased(HILLS, tmp_path, restart=restart)
        energy_of(context)
        context.getIntegrator().step(10)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["COLVAR", "HILLS"]
    assert (tmp_path / "HILLS").read_text() == (one_run / "HILLS").read_text()


def test_a_new_run_moves_the_files_of_an_old_one_aside(tmp_path: Path, one_run: Path) -> None:
    (tmp_path / "HILLS").write_text((one_run / "HILLS").read_text())
    bias, context = biased(HILLS, tmp_path)
    bias.step(context, 10)
    assert (tmp_path / "bck.0.HILLS").read_text() == (one_run / "HILLS").read_text()
    assert len(hill_times(tmp_path)) == 2


def test_only_the_atoms_that_are_needed_are_passed(tmp_path: Path) -> None:
    system = chain()
    for _ in range(500):
        system.addParticle(12.0)
    bias = PlumedBias(STATIC, temperature=TEMPERATURE, directory=tmp_path)
    index = bias.add_to(system)
    assert list(system.getForce(index).getParticles()) == [0, 2]
    assert list(bias.atoms) == [0, 2]
    rest = np.full((500, 3), np.nan)  # PLUMED must not see them
    context = context_of(system, np.vstack([CHAIN, np.zeros((500, 3))]))
    expected = energy_of(context)
    context.setPositions(np.vstack([CHAIN, rest]))
    assert energy_of(context) == expected


def resident_kilobytes() -> int:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory of a process is read from /proc")
def test_ten_thousand_steps_do_not_grow_memory(tmp_path: Path) -> None:
    bias, context = biased(HILLS.replace(f"PACE={PACE}", "PACE=100"), tmp_path)
    bias.step(context, 3000)
    gc.collect()
    before = resident_kilobytes()
    bias.step(context, 10_000)
    gc.collect()
    assert resident_kilobytes() - before < 512


def test_the_kernel_is_freed_with_the_last_system_that_has_it(tmp_path: Path) -> None:
    bias, context = biased(HILLS, tmp_path)
    bias.step(context, 10)
    kernel = bias._bridged().kernel
    assert kernel is not None
    finalizer = kernel.close
    assert finalizer.alive
    del bias, context, kernel
    gc.collect()
    assert not finalizer.alive
    assert len(hill_times(tmp_path)) == 2


# What is refused


def test_integrators_whose_steps_are_not_equal_are_refused(tmp_path: Path) -> None:
    bias, context = biased(HILLS, tmp_path)
    variable = context_of(context.getSystem(), integrator=openmm.VariableVerletIntegrator(1e-4))
    with pytest.raises(InputError, match="VariableVerletIntegrator"):
        bias.step(variable, 1)


def test_a_changed_time_step_is_refused(tmp_path: Path) -> None:
    bias, context = biased(HILLS, tmp_path)
    bias.step(context, 10)
    context.getIntegrator().setStepSize(0.004)
    with pytest.raises(SamplingError, match=r"0\.004 ps, but PLUMED counts"):
        bias.step(context, 10)


def test_a_variable_outside_of_its_grid_stops_with_the_step_and_plumeds_message(tmp_path: Path) -> None:
    bias, context = biased(HILLS.replace("GRID_MAX=4", "GRID_MAX=0.56"), tmp_path)
    with pytest.raises(SamplingError, match=r"step \d+: PLUMED says: .*outside the grid.*arg name: d"):
        bias.step(context, 500)
    assert len(hill_times(tmp_path)) > 0


def test_a_bias_belongs_to_one_system(tmp_path: Path) -> None:
    bias, _ = biased(HILLS, tmp_path)
    with pytest.raises(InputError, match="belongs to a System already"):
        bias.add_to(chain())
    with pytest.raises(InputError, match="call add_to"):
        PlumedBias(HILLS, temperature=300.0, directory=tmp_path).step(context_of(chain()), 1)
