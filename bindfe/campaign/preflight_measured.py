"""Measured values that will not stand beside a calculation: a table that cannot be read, or that speaks of others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bindfe.chem.findings import Finding, failed, passed, warned
from bindfe.errors import InputError
from bindfe.protocol import Protocol
from bindfe.results import Affinity

if TYPE_CHECKING:
    from bindfe.chem.ligand import Ligand

_KELVINS = 5.0
"""Difference of temperatures above which measured and calculated values differ by more than their errors: with an
entropy of 20 cal/mol/K, 0.1 kcal/mol."""

_SAME = 1.0
"""Difference of two measurements of one ligand that needs a reason [kcal/mol]: assays scatter by 0.3 to 0.6."""

_STRONGEST = {"protein": 1.75, "host": 2.2}
"""Binding free energy for each heavy atom that is hardly reached [kcal/mol]; 1-adamantylammonium has 1.8 in CB7."""


def measured_findings(protocol: Protocol, names: Sequence[str]) -> tuple[Finding, ...]:
    """What is wrong with the table of measured values, and with its names.

    Args:
        protocol: Its ``ligands.measured``.
        names: The ligands' names in results.
    """
    if not protocol.ligands.measured:
        return ()
    from bindfe.chem.affinity import read_affinities
    from bindfe.chem.findings_assays import assay_findings
    from bindfe.chem.findings_constants import constant_findings

    try:
        lines = read_affinities(protocol.ligands.measured)
    except InputError as error:
        message, _, advice = str(error).partition("; ")
        return (failed("measured", message, advice=advice),)
    table = {each.ligand: each for each in lines}
    own = {name: table[name] for name in names if name in table}
    found = [*_names(names, table), *_values(own, protocol), *_several(names, lines)]
    if not protocol.hydration:
        found += constant_findings(protocol.ligands.measured, names)
        found += assay_findings(protocol.ligands.measured, names)
    return tuple(found) or (passed("measured", f"{len(own)} of {len(names)} ligands have a measured value"),)


def strength_findings(protocol: Protocol, ligands: Sequence[Ligand], *, host: bool) -> tuple[Finding, ...]:
    """Measured values that are stronger than so few heavy atoms can bind.

    Args:
        protocol: Its ``ligands.measured``, a table that can be read.
        ligands: The ligands.
        host: Whether the receptor is a host: the strongest known guests of cucurbiturils pass what proteins reach.

    Source:
        Kuntz, Chen, Sharp and Kollman, Proc. Natl. Acad. Sci. USA 96, 9997 (1999), doi:10.1073/pnas.96.18.9997:
        1.5 kcal/mol for each heavy atom at most.
    """
    from bindfe.chem.affinity import read_affinities

    table = {each.ligand: each.delta_g_kcal_mol for each in read_affinities(protocol.ligands.measured)}
    most, found = _STRONGEST["host" if host else "protein"], []
    for ligand in ligands:
        value, heavy = table.get(ligand.name, 0.0), sum(1 for element in ligand.elements if element != "H")
        if -value > most * heavy:
            found.append(
                warned(
                    "measured",
                    f"a measured value of {value:g} kcal/mol is {-value / heavy:.1f} for each of its {heavy} heavy "
                    "atoms, and nothing binds so",
                    advice="is it in kJ/mol? Divide by 4.184",
                    ligand=ligand.name,
                )
            )
    return tuple(found)


def _names(names: Sequence[str], table: Mapping[str, Affinity]) -> list[Finding]:
    """Ligands without a measured value, where the table was meant for them."""
    missing = [name for name in names if name not in table]
    free = {_core(name): name for name in table if name not in names}
    found = [
        warned(
            "measured",
            f"has no measured value, and {free[_core(name)]} in the table is no ligand",
            advice="give both one name",
            ligand=name,
        )
        for name in missing
        if _core(name) in free
    ]
    if names and len(missing) == len(names) and not found:
        words = f"none of the {len(names)} ligands is in the table of measured values: it has {', '.join([*table][:5])}"
        return [warned("measured", words, advice="write the ligands' names, as in the file of ligands, into the table")]
    return found


def _several(names: Sequence[str], lines: Sequence[Affinity]) -> list[Finding]:
    """Ligands whose lines contradict each other."""
    values = {name: [each.delta_g_kcal_mol for each in lines if each.ligand == name] for name in names}
    return [
        warned(
            "measured",
            f"has {len(own)} lines in the table of measured values, from {min(own):g} to {max(own):g} kcal/mol",
            advice=f"keep the one that is meant: {own[-1]:g}, the last, is shown",
            ligand=name,
        )
        for name, own in values.items()
        if own and max(own) - min(own) > _SAME
    ]


def _core(name: str) -> str:
    """A name as somebody would take it for the same: without case, separators and a leading word for a ligand."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"^(ligand|lig|cmpd|compound|mol)[ _.-]+", "", name.lower()))


def _values(own: Mapping[str, Affinity], protocol: Protocol) -> list[Finding]:
    found = []
    unbound = [name for name, each in own.items() if each.delta_g_kcal_mol > 0]
    if unbound and not protocol.hydration:
        found.append(
            warned(
                "measured",
                f"the measured delta_g of {', '.join(unbound[:5])} is positive, as if it did not bind at 1 mol/L",
                advice="negative binds: RT ln of Ki in mol/L, not Ki, and not pKi",
            )
        )
    here = protocol.sampling.temperature
    apart = [(abs(each.temperature - here), name, each.temperature) for name, each in own.items()]
    if apart and max(apart)[0] > _KELVINS:
        _, name, there = max(apart)
        found.append(
            warned(
                "measured",
                f"{name} was measured at {there:g} K, and sampling.temperature is {here:g} K",
                advice="calculate at the temperature of the measurement",
            )
        )
    return found
