"""The path from the site into bulk: variable, restraints and regions from a protocol and a physical System."""

from __future__ import annotations

from dataclasses import dataclass

from openmm import app

from bindfe.build.axis import axis_ends
from bindfe.build.legfiles import PlainSystem
from bindfe.errors import RestraintError
from bindfe.estimate.volume import binding_regions
from bindfe.protocol import PathSettings, Protocol
from bindfe.results import BindingRegions
from bindfe.units import thermal_energy
from bindfe.variables import (
    Alignment,
    AxisPosition,
    BiasedVariable,
    Distance,
    Funnel,
    Hold,
    Sphere,
    Variable,
    check_contains,
    value_of,
)

VARIABLE = "path"
"""Name of the variable, and its column in COLVAR."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LigandPath:
    """All that leads a ligand out of its site."""

    variable: BiasedVariable
    """What is biased."""
    holds: tuple[Hold, ...]
    """What holds the ligand near the path."""
    regions: BindingRegions
    """The site, and bulk with its room."""


def ligand_path(plain: PlainSystem, protocol: Protocol, *, n_equivalent: int = 1) -> LigandPath:
    """The path that a protocol asks for, in the atoms of a physical System.

    Args:
        plain: The physical System.
        protocol: Its section ``path``.
        n_equivalent: Equivalent poses that no motion along the path shows.

    Raises:
        RestraintError: The receptor or the ligand has no axis where one is needed, an atom does not exist, the
            restraints do not contain the ligand, or bulk is not where they leave a plain volume.
    """
    settings, kt = protocol.path, thermal_energy(protocol.sampling.temperature)
    measured, holds = _along_axis(plain, settings) if settings.variable == "axis" else _by_distance(plain, settings)
    if settings.axis_spring > 0:
        holds = (*holds, _alignment(plain, settings))
    variable = BiasedVariable(
        variable=measured,
        low=0.0 if settings.variable == "distance" else settings.low,
        high=settings.high,
        width=protocol.metadynamics.width,
    )
    for hold in holds:
        check_contains(hold, plain.positions, box=plain.box, kt=kt)
    _check_bound(measured, plain, settings)
    regions = binding_regions(
        variable,
        holds,
        bound=settings.bound,
        unbound=settings.unbound,
        temperature=protocol.sampling.temperature,
        n_equivalent=n_equivalent,
    )
    return LigandPath(variable=variable, holds=holds, regions=regions)


def _along_axis(plain: PlainSystem, settings: PathSettings) -> tuple[AxisPosition, tuple[Hold, ...]]:
    receptor, ligand = _groups(plain, settings)
    top, bottom = axis_ends(plain.positions, receptor, of="receptor")
    position = AxisPosition(name=VARIABLE, top=top, bottom=bottom, ligand=ligand)
    both = min(low for low, _ in settings.unbound) < settings.bound[0]
    funnel = Funnel(
        position=position,
        radius=settings.radius,
        cone_until=settings.cone_until,
        slope=settings.slope,
        low=settings.low,
        high=settings.high,
        spring=settings.spring,
        both_sides=both,
    )
    return position, (funnel,)


def _by_distance(plain: PlainSystem, settings: PathSettings) -> tuple[Distance, tuple[Hold, ...]]:
    receptor, ligand = _groups(plain, settings)
    distance = Distance(name=VARIABLE, first=receptor, second=ligand)
    return distance, (Sphere(distance=distance, radius=settings.high, spring=settings.spring),)


def _alignment(plain: PlainSystem, settings: PathSettings) -> Alignment:
    receptor, ligand = _groups(plain, settings)
    return Alignment(
        receptor_ends=axis_ends(plain.positions, receptor, of="receptor"),
        ligand_ends=axis_ends(plain.positions, ligand, of="ligand"),
        spring=settings.axis_spring,
    )


def _groups(plain: PlainSystem, settings: PathSettings) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The receptor's and the ligand's atoms that count, as numbers in the System."""
    return (
        _chosen(plain, plain.receptor_atoms, settings.receptor_atoms, "receptor_atoms"),
        _chosen(plain, plain.ligand_atoms, settings.ligand_atoms, "ligand_atoms"),
    )


def _chosen(plain: PlainSystem, atoms: tuple[int, ...], given: tuple[int, ...], key: str) -> tuple[int, ...]:
    outside = [number for number in given if not 0 <= number < len(atoms)]
    if outside:
        raise RestraintError(f"path.{key}: no atom {outside[0]}; the molecule has 0 to {len(atoms) - 1}")
    if given:
        return tuple(atoms[number] for number in given)
    heavy = {atom.index for atom in plain.topology.atoms() if atom.element is not app.element.hydrogen}
    return tuple(atom for atom in atoms if atom in heavy)


def _check_bound(variable: Variable, plain: PlainSystem, settings: PathSettings) -> None:
    value, (low, high) = value_of(variable, plain.positions, box=plain.box), settings.bound
    if not low <= value < high:
        raise RestraintError(
            f"the ligand is given at {10 * value:.1f} A of the path, outside the site (path.bound: {10 * low:g} to "
            f"{10 * high:g} A): give it in its bound pose, or choose path.bound around it"
        )
