"""Typed variables, restraints and bias settings as a plumed.dat that a person can read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bindfe.errors import ProtocolError
from bindfe.sample.openmmwords import funnel_words
from bindfe.variables import AxisPosition, BiasedVariable, Distance, Funnel, Hold, Sphere, Torsion, Variable

HOLD = "hold"
"""Column of the restraints' energy in COLVAR."""

METHODS = {"metad": "METAD", "opes_metad": "OPES_METAD", "opes_explore": "OPES_METAD_EXPLORE"}
"""PLUMED's action for each method."""

_MARGIN = 5.0  # widths that the grid reaches beyond the range
_CELLS = 5.0  # grid cells to a width


@dataclass(frozen=True, kw_only=True, slots=True)
class BiasSettings:
    """How a bias is built along typed variables."""

    variables: tuple[BiasedVariable, ...]
    """One to three variables, (D,)."""
    holds: tuple[Hold, ...] = ()
    """Restraints that act beside the bias."""
    method: Literal["metad", "opes_metad", "opes_explore"] = "metad"
    """Well-tempered metadynamics, or OPES in one of its two forms."""
    temperature: float = 298.15
    """Temperature [K]."""
    height: float = 1.0
    """Height of the first Gaussian (metad) [kJ/mol]."""
    bias_factor: float = 10.0
    """gamma: how much hotter the variables are."""
    barrier: float = 40.0
    """Highest barrier to be crossed (OPES) [kJ/mol]."""
    pace: int = 500
    """Steps between Gaussians."""
    sample_every: int = 100
    """Steps between lines of COLVAR."""
    walkers: int = 1
    """Walkers that share the bias (metad)."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.variables) <= 3:
            raise ProtocolError(f"{len(self.variables)} biased variables: 1 to 3 can be biased together")
        names = [each.variable.name for each in self.variables]
        if len(set(names)) != len(names) or HOLD in names:
            raise ProtocolError(f"variables {', '.join(names)}: names must differ, and '{HOLD}' is taken")
        if self.bias_factor <= 1.0 or self.pace < 1 or self.sample_every < 1 or self.walkers < 1:
            raise ProtocolError(
                f"bias_factor {self.bias_factor:g}, pace {self.pace}, sample_every {self.sample_every}, walkers "
                f"{self.walkers}: the factor must be above 1, the others at least 1"
            )
        if self.walkers > 1 and self.method != "metad":
            raise ProtocolError(f"{self.walkers} walkers share a bias through files with METAD only: use method metad")


def plumed_script(settings: BiasSettings, *, walker: int = 0, directory: str = ".") -> str:
    """The plumed.dat of one walker.

    Args:
        settings: Variables, restraints, bias.
        walker: Which walker writes it.
        directory: Where all walkers' HILLS lie, as PLUMED sees it.

    Returns:
        The text; PLUMED's units are its defaults, nm, ps and kJ/mol.
    """
    lines = ["# Written by bindfe from typed settings. Lengths in nm, time in ps, energies in kJ/mol.", ""]
    centres = _Centres()
    for each in settings.variables:
        lines += _variable(each.variable, centres)
    lines += _holds(settings.holds, centres)
    lines += ["", *_bias(settings, walker, directory)]
    columns = [each.variable.name for each in settings.variables]
    columns += [HOLD, "bias.bias"] if settings.holds else ["bias.bias"]
    lines.append(f"PRINT ARG={','.join(columns)} STRIDE={settings.sample_every} FILE=COLVAR FMT=%.9g")
    return "\n".join([*lines[:2], *centres.lines, *lines[2:]]) + "\n"


class _Centres:
    """Names for groups of atoms, each written once."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._names: dict[tuple[int, ...], str] = {}

    def name(self, atoms: tuple[int, ...]) -> str:
        if len(atoms) == 1:
            return str(atoms[0] + 1)
        if atoms not in self._names:
            self._names[atoms] = f"c{len(self._names) + 1}"
            listed = ",".join(str(atom + 1) for atom in atoms)
            self.lines.append(f"{self._names[atoms]}: CENTER ATOMS={listed}")
        return self._names[atoms]


def _variable(variable: Variable, centres: _Centres) -> list[str]:
    if isinstance(variable, Torsion):
        return [f"{variable.name}: TORSION ATOMS={','.join(str(atom + 1) for atom in variable.atoms)}"]
    if isinstance(variable, Distance):
        return [_distance(variable.name, variable.first, variable.second, centres)]
    return _axis(variable, centres)


def _distance(label: str, first: tuple[int, ...], second: tuple[int, ...], centres: _Centres) -> str:
    return f"{label}: DISTANCE ATOMS={centres.name(first)},{centres.name(second)}"


def _axis(variable: AxisPosition, centres: _Centres) -> list[str]:
    """Height along the axis and distance from it, by the sides of a triangle: each is a nearest image."""
    name = variable.name
    sides = f"ARG={name}_ab,{name}_ac,{name}_bc VAR=ab,ac,bc"
    return [
        f"# {name}: height of the ligand's centroid along the axis, from the middle; {name}_rho: distance from it",
        _distance(f"{name}_ab", variable.top, variable.bottom, centres),
        _distance(f"{name}_ac", variable.top, variable.ligand, centres),
        _distance(f"{name}_bc", variable.bottom, variable.ligand, centres),
        f"{name}: CUSTOM {sides} FUNC=(bc^2-ac^2)/(2*ab) PERIODIC=NO",
        f"{name}_rho: CUSTOM {sides} FUNC=sqrt(max(0,(ac^2+bc^2)/2-ab^2/4-((bc^2-ac^2)/(2*ab))^2)) PERIODIC=NO",
    ]


def _holds(holds: Sequence[Hold], centres: _Centres) -> list[str]:
    if not holds:
        return []
    lines = ["", "# restraints"]
    for number, hold in enumerate(holds, start=1):
        lines += _hold(f"{HOLD}{number}", hold, centres)
    terms = [f"{HOLD}{number}" for number in range(1, len(holds) + 1)]
    coefficients = ",".join("1" for _ in terms)
    lines.append(f"{HOLD}: COMBINE ARG={','.join(terms)} COEFFICIENTS={coefficients} PERIODIC=NO")
    return [*lines, f"{HOLD}bias: BIASVALUE ARG={HOLD}"]


def _hold(label: str, hold: Hold, centres: _Centres) -> list[str]:
    if isinstance(hold, Sphere):
        distance = _distance(f"{label}_r", hold.distance.first, hold.distance.second, centres)
        words = f"{hold.spring / 2!r}*max(0,r-{hold.radius!r})^2"
        return [distance, f"{label}: CUSTOM ARG={label}_r VAR=r FUNC={words} PERIODIC=NO"]
    if isinstance(hold, Funnel):
        own = AxisPosition(
            name=f"{label}_z", top=hold.position.top, bottom=hold.position.bottom, ligand=hold.position.ligand
        )
        words = f"ARG={label}_z,{label}_z_rho VAR=z,rho FUNC={funnel_words(hold)} PERIODIC=NO"
        return [*_axis(own, centres), f"{label}: CUSTOM {words}"]
    ends = dict(zip("abcd", (*hold.receptor_ends, *hold.ligand_ends), strict=True))
    pairs = ("ab", "cd", "ac", "ad", "bc", "bd")
    lines = [_distance(f"{label}_{pair}", ends[pair[0]], ends[pair[1]], centres) for pair in pairs]
    arguments = ",".join(f"{label}_{pair}" for pair in pairs)
    words = f"{hold.spring!r}*(1-((ad^2+bc^2-ac^2-bd^2)/(2*ab*cd))^2)"
    return [*lines, f"{label}: CUSTOM ARG={arguments} VAR={','.join(pairs)} FUNC={words} PERIODIC=NO"]


def grid_of(each: BiasedVariable) -> tuple[float, float, int]:
    """First point, last point and number of cells of a variable's grid."""
    if each.period is not None:
        return -math.pi, math.pi, math.ceil(_CELLS * each.period / each.width)
    low, high = each.low - _MARGIN * each.width, each.high + _MARGIN * each.width
    return low, high, math.ceil(_CELLS * (high - low) / each.width)


def _bias(settings: BiasSettings, walker: int, directory: str) -> list[str]:
    names = ",".join(each.variable.name for each in settings.variables)
    widths = ",".join(f"{each.width:.9g}" for each in settings.variables)
    start = f"bias: {METHODS[settings.method]} ARG={names} PACE={settings.pace} SIGMA={widths}"
    heat = f"TEMP={settings.temperature:g} BIASFACTOR={settings.bias_factor:g}"
    if settings.method != "metad":
        return [
            "# weigh samples by exp(bias.bias/kT)",
            f"{start} BARRIER={settings.barrier:.9g} {heat} FILE=KERNELS",
        ]
    grids = [grid_of(each) for each in settings.variables]
    low, high = (
        ",".join("pi" if v == math.pi else "-pi" if v == -math.pi else f"{v:.9g}" for v in values)
        for values in ([g[0] for g in grids], [g[1] for g in grids])
    )
    grid = f"GRID_MIN={low} GRID_MAX={high} GRID_BIN={','.join(str(g[2]) for g in grids)}"
    shared = ""
    if settings.walkers > 1:
        shared = f" WALKERS_N={settings.walkers} WALKERS_ID={walker} WALKERS_DIR={directory}"
        shared += f" WALKERS_RSTRIDE={settings.pace}"
    return [
        "# a Gaussian every PACE steps; the grid keeps the cost of a step constant",
        f"{start} HEIGHT={settings.height:.9g} {heat} {grid} FILE=HILLS{shared}",
    ]
