"""Typed variables in three languages, runs that are cut and killed, and the exact answer of a Morse dimer."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import openmm as mm
import pytest

from bindfe.build.models import MorseDimer, model_delta_g, model_system
from bindfe.errors import InputError, ProtocolError, RestraintError, SamplingError
from bindfe.estimate.hills import bias_along, time_offset
from bindfe.estimate.regions import estimate_binding
from bindfe.estimate.volume import binding_regions
from bindfe.interop.plumed import read_hills, read_table
from bindfe.protocol import ComputeSettings
from bindfe.sample.biasedfiles import read_biased
from bindfe.sample.metadynamics import Walker, sample_biased
from bindfe.sample.openmmwords import hold_force, variable_force
from bindfe.sample.plumedwords import BiasSettings, plumed_script
from bindfe.variables import (
    Alignment,
    AxisPosition,
    BiasedVariable,
    Distance,
    Funnel,
    Sphere,
    Torsion,
    hold_energy,
    value_of,
)

T = 300.0
MODEL = MorseDimer()
R = Distance(name="r", first=(0,), second=(1,))
SETTINGS = BiasSettings(
    variables=(BiasedVariable(variable=R, low=0.0, high=1.0, width=0.03),),
    holds=(Sphere(distance=R, radius=0.9, spring=5000.0),),
    temperature=T,
    height=0.3,
    bias_factor=10.0,
    pace=100,
    sample_every=20,
)
ENGINES = [pytest.param("plumed", marks=pytest.mark.plumed), "openmm"]


def walker(seed: int = 1, number: int = 0) -> Walker:
    return Walker(
        system=model_system(MODEL),
        positions=np.array([[0.0, 0, 0], [0.3, 0, 0]]),
        box=None,
        time_step=0.01,
        friction=2.0,
        compute=ComputeSettings(platform="Reference"),
        seed=seed,
        relax=1.0,
        number=number,
    )


def run(
    directory: Path, *, length: float = 40.0, piece: float = 10.0, seed: int = 1, number: int = 0, **options: object
) -> None:
    settings = options.pop("settings", SETTINGS)
    assert isinstance(settings, BiasSettings)
    sample_biased(walker(seed, number), settings, directory=directory, length=length, piece=piece, **options)  # type: ignore[arg-type]


# Variables and restraints


RNG = np.random.default_rng(11)
BOX = np.array([[2.8, 0, 0], [0.5, 2.6, 0], [-0.6, 0.4, 2.4]])
ATOMS = RNG.uniform(0.2, 1.1, (14, 3))
ATOMS[7:12] += BOX[1] - BOX[2]  # in a box, another image of the same place
AXIS = AxisPosition(name="z", top=(0, 1, 2), bottom=(3, 4), ligand=(8, 9, 10))
VARIABLES = [Distance(name="d", first=(0, 1, 2), second=(5, 6)), Torsion(name="t", atoms=(1, 4, 7, 9)), AXIS]
FUNNEL = Funnel(
    position=AXIS, radius=0.05, cone_until=0.3, slope=0.4, low=-0.1, high=0.2, spring=900.0, both_sides=True
)
HOLDS = [
    Sphere(distance=VARIABLES[0], radius=0.2, spring=700.0),  # type: ignore[arg-type]
    FUNNEL,
    replace(FUNNEL, both_sides=False),
    Alignment(receptor_ends=((0, 1, 2), (3, 4)), ligand_ends=((8,), (10, 11)), spring=42.0),
]


def openmm_energy(force: mm.Force, box: np.ndarray | None) -> float:
    system = mm.System()
    for _ in ATOMS:
        system.addParticle(12.0)
    if box is not None:
        system.setDefaultPeriodicBoxVectors(*box)
    system.addForce(force)
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    context.setPositions(ATOMS)
    return float(context.getState(energy=True).getPotentialEnergy()._value)


@pytest.mark.parametrize("box", [None, BOX], ids=["open", "triclinic"])
@pytest.mark.parametrize("variable", VARIABLES, ids=lambda v: type(v).__name__)
def test_openmm_measures_what_numpy_measures(variable: object, box: np.ndarray | None) -> None:
    force = variable_force(variable, periodic=box is not None)  # type: ignore[arg-type]
    assert openmm_energy(force, box) == pytest.approx(value_of(variable, ATOMS, box=box), abs=1e-9)  # type: ignore[arg-type]


@pytest.mark.parametrize("box", [None, BOX], ids=["open", "triclinic"])
@pytest.mark.parametrize("hold", HOLDS, ids=lambda h: type(h).__name__)
def test_openmm_holds_as_numpy_does(hold: object, box: np.ndarray | None) -> None:
    wanted = hold_energy(hold, ATOMS, box=box)  # type: ignore[arg-type]
    assert wanted > 0.1
    assert openmm_energy(hold_force(hold, periodic=box is not None), box) == pytest.approx(wanted, rel=1e-9)  # type: ignore[arg-type]


@pytest.mark.plumed
@pytest.mark.parametrize("box", [None, BOX], ids=["open", "triclinic"])
def test_plumed_measures_and_holds_as_numpy_does(box: np.ndarray | None, tmp_path: Path) -> None:
    """Every variable and restraint in one plumed.dat; COLVAR's first line is the start."""
    from bindfe.sample.plumed import PlumedBias

    columns, settings = [], []
    for first, second in ((0, 1), (1, 2)):
        settings.append(
            BiasSettings(
                variables=tuple(
                    BiasedVariable(variable=VARIABLES[i], low=-4, high=4, width=0.5) for i in (first, second)
                ),
                holds=tuple(HOLDS),
                sample_every=1,
            )
        )
    for number, each in enumerate(settings):
        directory = tmp_path / str(number)
        directory.mkdir()
        system = mm.System()
        for _ in ATOMS:
            system.addParticle(12.0)
        if box is not None:
            system.setDefaultPeriodicBoxVectors(*box)
            force = mm.CustomNonbondedForce("0")
            force.setNonbondedMethod(mm.CustomNonbondedForce.CutoffPeriodic)
            force.setCutoffDistance(0.5)
            for _ in ATOMS:
                force.addParticle([])
            system.addForce(force)
        bias = PlumedBias(plumed_script(each), temperature=T, directory=directory)
        bias.add_to(system)
        context = mm.Context(system, mm.VerletIntegrator(1e-6), mm.Platform.getPlatformByName("Reference"))
        context.setPositions(ATOMS)
        bias.step(context, 1)
        bias.close()
        columns.append(read_table(directory / "COLVAR"))
    for table, each in zip(columns, settings, strict=True):
        for biased in each.variables:
            found = table.column(biased.variable.name)[0]
            assert found == pytest.approx(value_of(biased.variable, ATOMS, box=box), abs=1e-5)
        held = sum(hold_energy(hold, ATOMS, box=box) for hold in HOLDS)
        assert table.column("hold")[0] == pytest.approx(held, rel=1e-4)


def test_the_script_says_each_group_once_and_counts_atoms_from_one() -> None:
    text = plumed_script(
        BiasSettings(variables=(BiasedVariable(variable=AXIS, low=-1, high=1, width=0.1),), holds=(FUNNEL,))
    )
    assert text.count("CENTER") == 3
    assert "CENTER ATOMS=1,2,3\n" in text
    assert "GRID_MIN=-1.5 GRID_MAX=1.5 GRID_BIN=150" in text


# Runs


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_was_killed_goes_on_as_if_it_had_not_been(engine: str, tmp_path: Path) -> None:
    """Killed inside its third piece: PLUMED's files reach beyond the checkpoint, with a line half written.

    The line of the checkpoint itself is printed again, its bias with the hill of that step.
    """
    run(tmp_path / "whole", engine=engine)
    run(tmp_path / "killed", engine=engine, length=20.0)
    checkpoint = (tmp_path / "killed" / "restart.npz").read_bytes()
    run(tmp_path / "killed", engine=engine, length=30.0)
    (tmp_path / "killed" / "restart.npz").write_bytes(checkpoint)
    with (tmp_path / "killed" / "HILLS").open("a") as file:
        file.write("      31     0.3")
    run(tmp_path / "killed", engine=engine)
    for name in ("HILLS", "COLVAR"):
        whole, killed = (read_table(tmp_path / kind / name) for kind in ("whole", "killed"))
        assert killed.values.shape == whole.values.shape
        assert np.array_equal(killed.column("time"), whole.column("time"))
        bias = np.zeros(whole.values.shape, dtype=bool)
        bias[:, -1] = (name == "COLVAR") & np.isclose(whole.column("time"), 20.0)
        assert killed.values[~bias] == pytest.approx(whole.values[~bias], abs=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_bias_in_colvar_is_the_sum_of_the_hills_before_it(engine: str, tmp_path: Path) -> None:
    """Up to the error of a grid with five cells to a width."""
    run(tmp_path, engine=engine)
    table, hills = read_table(tmp_path / "COLVAR"), read_hills([tmp_path / "HILLS"])
    mine = bias_along(hills, table.column("r")[:, None], table.column("time"))
    assert np.abs(mine - table.column("bias.bias")).max() < 0.01
    assert mine.max() > 3.0
    assert len(hills.time) == 40


@pytest.mark.plumed
def test_the_offset_in_time_is_plumeds_own(tmp_path: Path) -> None:
    text = (
        plumed_script(SETTINGS)
        .replace("FILE=HILLS", "FILE=HILLS CALC_RCT")
        .replace("bias.bias STRIDE", "bias.bias,bias.rct STRIDE")
    )
    run(tmp_path, script=text)
    table, hills = read_table(tmp_path / "COLVAR"), read_hills([tmp_path / "HILLS"])
    grid = np.linspace(-0.15, 1.15, 218)  # PLUMED's: five widths beyond the range
    offset = time_offset(hills, [grid], temperature=T)
    added = np.searchsorted(hills.time, table.column("time"), side="right")  # PLUMED prints it after the hill
    assert offset[added][50:] == pytest.approx(table.column("bias.rct")[50:], abs=0.02)


@pytest.mark.plumed
@pytest.mark.parametrize("method", ["metad", "opes_metad", "opes_explore"])
def test_a_morse_dimer_binds_with_minus_4_322_kcal_per_mol(method: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS, method=method, barrier=35.0)
    exact = model_delta_g(MODEL, bound_radius=0.6, temperature=T)
    assert exact == pytest.approx(-4.322, abs=5e-4)
    run(tmp_path, settings=settings, length=1000.0, piece=500.0, seed=4)
    regions = binding_regions(
        settings.variables[0], settings.holds, bound=(0.0, 0.6), unbound=[(0.65, 0.9)], temperature=T
    )
    found = estimate_binding(read_biased([tmp_path], settings), regions, repeat=0, discard=0.4)
    assert found.round_trips >= 10
    assert found.bootstrap_error_kcal_mol < 0.35
    assert found.delta_g_kcal_mol == pytest.approx(exact, abs=3 * found.bootstrap_error_kcal_mol)


# Walkers


def walkers(root: Path, *, alone: bool = False) -> tuple[list[Path], BiasSettings]:
    settings = replace(SETTINGS, walkers=2)
    places = [root / (f"place-{n}" if alone else ".") / f"walker-{n}" for n in range(2)]
    for length in (20.0,) if alone else (5.0, 10.0, 15.0, 20.0):
        for number, place in enumerate(places):
            run(place, settings=settings, length=length, piece=5.0, seed=number + 1, number=number)
    if alone:
        for number in range(2):
            (root / "hills").mkdir(exist_ok=True)
            shutil.copy(root / f"place-{number}" / "hills" / f"HILLS.{number}", root / "hills")
            shutil.copytree(places[number], root / f"walker-{number}")
    return [root / f"walker-{n}" for n in range(2)], settings


@pytest.mark.plumed
def test_two_walkers_share_their_hills(tmp_path: Path) -> None:
    places, settings = walkers(tmp_path)
    samples = read_biased(places, settings)
    assert np.unique(samples.walker).tolist() == [0, 1]
    assert samples.simulated_ps == pytest.approx(40.0)


@pytest.mark.plumed
def test_walkers_that_cannot_see_one_another_are_found_out(tmp_path: Path) -> None:
    places, settings = walkers(tmp_path, alone=True)
    with pytest.raises(SamplingError, match="did not see the hills of the others"):
        read_biased(places, settings)


@pytest.mark.plumed
def test_a_walker_that_goes_on_without_the_others_hills_is_stopped(tmp_path: Path) -> None:
    settings = replace(SETTINGS, walkers=2)
    run(tmp_path / "walker-0", settings=settings, length=2.0, piece=2.0)
    with pytest.raises(InputError, match="walker 0 sees no hills of walker 1"):
        run(tmp_path / "walker-0", settings=settings, length=4.0, piece=2.0)


# Bad input


def test_a_directory_of_another_run_is_refused(tmp_path: Path) -> None:
    run(tmp_path, engine="openmm", length=2.0)
    with pytest.raises(InputError, match="of another run"):
        run(tmp_path, engine="openmm", length=2.0, settings=replace(SETTINGS, height=0.4))


def test_an_atom_that_does_not_exist_is_named(tmp_path: Path) -> None:
    wrong = replace(SETTINGS, variables=(BiasedVariable(variable=replace(R, second=(7,)), low=0, high=1, width=0.1),))
    with pytest.raises(InputError, match="variable r names atom 7, but the system has atoms 0 to 1"):
        run(tmp_path, settings=wrong)


def test_a_sphere_or_funnel_that_does_not_contain_the_ligand_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        RestraintError, match=r"it is 0\.300 nm from the site's centroid and the wall stands at 0\.1 nm"
    ):
        run(tmp_path, settings=replace(SETTINGS, holds=(Sphere(distance=R, radius=0.1, spring=5000.0),)))
    one = AxisPosition(name="z", top=(0,), bottom=(1,), ligand=(2,))
    three = Walker(
        system=mm.System(),
        positions=np.array([[0.0, 0, 0.1], [0, 0, -0.1], [0.6, 0, 0.2]]),
        box=None,
        time_step=0.01,
        friction=1.0,
        compute=ComputeSettings(platform="Reference"),
        seed=1,
    )
    for _ in range(3):
        three.system.addParticle(1.0)
    funnel = Funnel(position=one, radius=0.1, cone_until=0.3, slope=0.5, low=-0.5, high=1.0, spring=5000.0)
    settings = BiasSettings(variables=(BiasedVariable(variable=one, low=-0.5, high=1, width=0.05),), holds=(funnel,))
    with pytest.raises(
        RestraintError, match=r"z = 0\.200 nm and 0\.600 nm from the axis, where the funnel is 0\.150 nm"
    ):
        sample_biased(three, settings, directory=tmp_path, length=1.0, piece=1.0)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_bias_that_blows_up_stops_with_step_variable_and_last_good_state(engine: str, tmp_path: Path) -> None:
    hot = replace(SETTINGS, height=3000.0, pace=5)
    with pytest.raises(SamplingError, match=r"At step \d+: r \[nm\] = .* Last good state: step 0 in .*restart.npz"):
        run(tmp_path, settings=hot, engine=engine)


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(ProtocolError, match="walkers share a bias through files with METAD only"):
        replace(SETTINGS, method="opes_metad", walkers=2)
    with pytest.raises(ProtocolError, match="1 to 3 can be biased"):
        replace(SETTINGS, variables=())
    with pytest.raises(ProtocolError, match="names must differ"):
        replace(SETTINGS, variables=SETTINGS.variables * 2)
