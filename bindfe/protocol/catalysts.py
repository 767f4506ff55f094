"""Settings of metal complexes that are prepared alone: which ones, with which phosphines, by which potential."""

from __future__ import annotations

from typing import Literal

from bindfe.protocol.fields import Section, setting

LONGEST_STEP_PS = 0.001
"""Bonds to hydrogen are free in a complex: longer time steps heat them [ps]."""


class CatalystSettings(Section):
    """Complexes of palladium, platinum or nickel that ``bindfe prepare`` builds; no free energy is calculated."""

    file: str = setting("", "SMILES of the species, datives as arrows, each with a name: .csv or .smi")
    names: tuple[str, ...] = setting(
        (), "which to build: SPECIES, or SPECIES-PHOSPHINE with phosphines; all if empty", physics=False
    )
    phosphines: tuple[str, ...] = setting(
        (),
        "each species is built with each of these on all its phosphorus donors (PMe3, PPh3, PCy3, XPhos ...); "
        "as it is written if empty",
        physics=False,
    )
    relax: Literal["gfn2", "gfnff"] = setting(
        "gfn2", "what relaxes a complex: GFN2-xTB, or GFN-FF with metal and donors held where they start"
    )
    potential: Literal["gfn2", "gfnff"] = setting(
        "gfn2", "internal energy of the complex in the System; GFN-FF is refused for lines, which it bends"
    )
    steps: int = setting(
        500, "steps of dynamics that show that a complex is stable, each of sampling.time_step", ge=0, physics=False
    )
