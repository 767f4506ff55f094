"""``bindfe doctor``: what works on this machine, and how to get the rest."""

from __future__ import annotations

import importlib.util

import typer

from bindfe.errors import MissingDependency

_PARTS = {
    "openmm": ("molecular dynamics", "pip install openmm"),
    "openmmtools": ("double decoupling", "pip install openmmtools"),
    "pymbar": ("estimates", "pip install pymbar"),
    "rdkit": ("molecules", "pip install rdkit"),
    "openff.toolkit": ("OpenFF parameters", "pip install 'bindfe[forcefields]'"),
    "openff.nagl": ("NAGL charges", "pip install 'bindfe[forcefields]'"),
    "dimorphite_dl": ("states of charge", "pip install 'bindfe[protonation]'"),
    "openmmml": ("mixed ML/MM Systems", "pip install 'bindfe[mlip]'"),
    "torchani": ("ANI committees", "pip install 'bindfe[mlip]'"),
    "vina": ("docking", "pip install 'bindfe[vina]'"),
}

_AMBERTOOLS = ("antechamber", "parmchk2", "sqm")
"""Programs that GAFF2 and AM1-BCC need."""


def doctor() -> None:
    """Say which platforms, packages, model weights and PLUMED kernels work here, and how to get the rest."""
    from bindfe.campaign.pipeline import versions

    typer.echo("versions: " + ", ".join(f"{name} {number}" for name, number in versions().items()))
    for module, (purpose, remedy) in _PARTS.items():
        there = _importable(module)
        typer.echo(f"{'ok     ' if there else 'missing'}  {module:16s} {purpose}" + ("" if there else f": {remedy}"))
    _ambertools()
    _platforms()
    _weights()
    _plumed()


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _ambertools() -> None:
    """AmberTools is programs, not a package: where they lie, or what is without them."""
    from bindfe.build.ambertools import find_program

    purpose = "GAFF2 parameters, AM1-BCC charges"
    try:
        where = {find_program(name).parent for name in _AMBERTOOLS}
        typer.echo(f"ok       AmberTools       {purpose}: {', '.join(sorted(map(str, where)))}")
    except MissingDependency as error:
        typer.echo(f"missing  AmberTools       {purpose} (Sage and NAGL do without): {error}")


def _platforms() -> None:
    if not _importable("openmm"):
        return
    from bindfe.sample.dynamics import platforms

    names, failures = platforms()
    typer.echo(f"ok       platforms        {', '.join(names)}; for a GPU: pip install openmm-cuda-13 (same version)")
    for reason in sorted({failure.rsplit(": ", 1)[-1] for failure in failures if "OpenCL.so.1" in failure}):
        typer.echo(f"missing  OpenCL           {reason}; only OpenCL devices need it")
    for failure in failures:
        if "OpenCL" not in failure:
            typer.echo(f"missing  plugin           {failure}")


def _weights() -> None:
    from bindfe.mlip.catalogue import MODELS, why_not
    from bindfe.mlip.weights import locate

    for model in MODELS.values():
        if model.kind in ("ani", "aimnet2"):
            missing = why_not(model)
            where = missing or str(locate(model.files[0]))
            typer.echo(f"{'missing' if missing else 'ok     '}  {model.name:16s} {where}")


def _plumed() -> None:
    if not _importable("openmm"):
        return
    from bindfe.sample.plumed import find_kernel
    from bindfe.sample.plumed.find import has_openmm_plumed

    try:
        typer.echo(f"ok       PLUMED kernel    {find_kernel()}")
    except MissingDependency as error:
        typer.echo(f"missing  PLUMED kernel    {error}")
    if has_openmm_plumed():
        typer.echo(
            "ok       openmm-plumed    there, and not used: its PlumedForce deposits whenever an energy is asked for"
        )
