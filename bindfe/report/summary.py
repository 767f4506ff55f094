"""The protocol in a few lines that a chemist reads."""

from __future__ import annotations

from bindfe.protocol import Protocol

_METHODS = {
    "transfer": "alchemical transfer from bulk solvent into the site",
    "decouple": "double decoupling, in the complex and in solvent",
}
_HYDRATION = "hydration: charges switched off in the gas, charges and Lennard-Jones in water"
_RELATIVE = "alchemical transfer of two ligands that change places, one in the site and one in bulk"
_SOLVENTS = {
    "obc2": "implicit (OBC2)",
    "gbn2": "implicit (GBn2)",
    "tip3p": "explicit water (TIP3P)",
    "tip4pew": "explicit water (TIP4P-Ew)",
    "opc": "explicit water (OPC)",
    "vacuum": "none (vacuum)",
}
_RESTRAINTS = {
    "harmonic": "a spring between centroids",
    "flat-bottom": "a flat-bottomed well between centroids",
    "axial": "a spring between centroids and aligned axes",
    "boresch": "six springs (Boresch)",
}
_BIASES = {
    "metad": "well-tempered metadynamics",
    "opes_metad": "OPES",
    "opes_explore": "OPES, exploring",
}
_PATHS = {"axis": "receptor's axis", "distance": "distance of the centroids"}
_COMMITTEES = {"ani2x": "ANI-2x", "ani1x": "ANI-1x", "ani1ccx": "ANI-1ccx", "aimnet2": "AIMNet2"}


def summarise(protocol: Protocol) -> dict[str, str]:
    """What was calculated, with what and for how long; label to text, in reading order."""
    settings = protocol.sampling
    rows = _model(protocol) if protocol.analytic is not None else _molecules(protocol)
    rows["Sampling"] = (
        f"{protocol.repeats.number} repeats of {settings.length / 1000:g} ns for each {_replicas(protocol)}"
    )
    rows["Temperature"] = f"{settings.temperature:g} K"
    committee = _committee(protocol)
    return {**rows, "Committee": committee} if committee else rows


def _replicas(protocol: Protocol) -> str:
    if protocol.road == "metadynamics":
        return f"walker; walkers that share a bias: {protocol.metadynamics.walkers}"
    if protocol.road == "umbrella":
        return "window; windows placed from a pull"
    states = ", ".join(f"{kind.value} {protocol.schedule_of(kind).n_states}" for kind in protocol.leg_kinds)
    return f"replica; states: {states}"


def _model(protocol: Protocol) -> dict[str, str]:
    well = "harmonic" if protocol.road == "alchemy" else "Gaussian"
    rows = {"Model": f"a particle in a {well} well, whose exact answer is known", "Restraint": _restraint(protocol)}
    return rows if protocol.road == "alchemy" else {"Method": _method(protocol), **rows}


_CHARGES = {
    "nagl": "NAGL (AM1-BCC) charges",
    "am1bcc": "AM1-BCC charges",
    "file": "charges from the input file",
}


def _molecules(protocol: Protocol) -> dict[str, str]:
    fields = protocol.forcefield
    charges = _CHARGES[fields.charges]
    rows = {
        "Method": _method(protocol),
        "Force field": f"{fields.small_molecule}, {charges}",
        "Solvent": _surroundings(protocol),
    }
    return rows if protocol.hydration else {**rows, "Restraint": _restraint(protocol)}


def _surroundings(protocol: Protocol) -> str:
    water = _SOLVENTS[protocol.solvent.model]
    return water if protocol.membrane is None else f"{water}; the complex in a bilayer of {protocol.membrane.lipid}"


def _method(protocol: Protocol) -> str:
    if protocol.hydration:
        return _HYDRATION
    if protocol.relative:
        return _RELATIVE
    if protocol.road == "alchemy":
        return _METHODS[protocol.alchemy.method]
    if protocol.road == "umbrella":
        return f"umbrella sampling along the {_PATHS[protocol.path.variable]}"
    settings = protocol.metadynamics
    by = "PLUMED" if settings.engine == "plumed" else "OpenMM"
    return f"{_BIASES[settings.method]} ({by}) along the {_PATHS[protocol.path.variable]}"


def _restraint(protocol: Protocol) -> str:
    if protocol.road != "alchemy":
        return _holds(protocol)
    return _RESTRAINTS[protocol.restraint.kind]


def _committee(protocol: Protocol) -> str:
    settings = protocol.committee
    if settings.model == "none":
        return ""
    uses = {"none": "its energies on stored frames, reported only", "switching": "correction by switching both ways"}
    return f"{_COMMITTEES[settings.model]}: {uses[settings.correction]}"


def _holds(protocol: Protocol) -> str:
    """What holds the ligand near its path."""
    path = protocol.path
    if path.variable == "distance":
        walls = f"a sphere of {10 * path.high:g} A"
    elif path.slope > 0 and path.cone_until > 0:
        walls = f"a funnel that ends in a cylinder of {10 * path.radius:g} A"
    else:
        walls = f"a cylinder of {10 * path.radius:g} A"
    return walls + (" and aligned axes" if path.axis_spring > 0 else "") + ", let go in the site"
