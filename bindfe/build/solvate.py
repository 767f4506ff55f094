"""What surrounds the molecules: nothing, implicit solvent (OBC2, GBn2), water (TIP3P, TIP4P-Ew, OPC), a bilayer."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import openmm as mm
from openmm import app, unit
from openmm.app.internal.customgbforces import GBSAGBn2Force, GBSAOBC2Force

from bindfe.build.alchemy import use_openmm_coulomb_constant
from bindfe.build.bilayer import bilayer_about
from bindfe.build.bulk import Bulk, Species
from bindfe.build.forcefield import Assembly, chosen_templates, create_system, nonbonded_force
from bindfe.build.membrane import Occupied, fill_about_bilayer, with_lipids
from bindfe.build.water import Filling, add_solvent, box_vectors, fill, read_water_box
from bindfe.errors import InputError
from bindfe.protocol import Protocol
from bindfe.protocol.membrane import membrane_of
from bindfe.results import Floats
from bindfe.units import STANDARD_VOLUME_NM3

_BOXES = {"tip3p": "tip3p", "tip4pew": "tip4pew", "opc": "tip4pew"}
"""Equilibrated boxes of water that space is filled with: OPC has the four sites of TIP4P-Ew."""

_SHRINKS_BY = 1.05  # a box equilibrating from that density shrinks by up to 3 % a side, and 2 % are kept


_MOST_ATOMS = 1_000_000
"""Atoms of a box above which a mistake in the padding is the likeliest reason."""

_VOLUME = {"cube": 1.0, "dodecahedron": 0.5**0.5, "octahedron": 4 / 27**0.5}
"""Volume of a box by the cube of its width."""


def without_solvent(protocol: Protocol) -> Protocol:
    """The same protocol with nothing around the molecules, for the vacuum leg."""
    return protocol.model_copy(update={"solvent": protocol.solvent.model_copy(update={"model": "vacuum"})})


def solvate(
    force_field: app.ForceField, molecules: Assembly, protocol: Protocol, *, vectors: Floats | None = None
) -> tuple[mm.System, Assembly]:
    """Surround the molecules as the protocol says and make their System.

    Args:
        force_field: Parameters of the molecules and of the solvent.
        molecules: The molecules alone.
        protocol: Its sections ``solvent``, ``membrane``, ``sampling`` and ``forcefield``.
        vectors: Box vectors as rows [nm], (3, 3), of explicit solvent; by the padding if None.

    Returns:
        The physical System, without alchemy or restraint, and all atoms in space.

    Raises:
        InputError: The force field lacks parameters, or the box is too small for the cutoff.
    """
    if protocol.membrane is not None and molecules.receptor_atoms:
        return _in_bilayer(force_field, molecules, protocol)
    if protocol.solvent.explicit:
        return _explicit(force_field, molecules, protocol, vectors)
    system = create_system(force_field, molecules.topology, protocol)
    if protocol.solvent.model == "obc2":
        system.addForce(_obc2(system, molecules.topology, protocol))
    elif protocol.solvent.model == "gbn2":
        system.addForce(_gbn2(system, molecules.topology, protocol))
        use_openmm_coulomb_constant(system)
    return system, molecules


def _obc2(system: mm.System, topology: app.Topology, protocol: Protocol) -> mm.GBSAOBCForce:
    """Generalised Born model OBC2 with mbondi2 radii and OpenMM's surface-area term, without cutoff.

    Source:
        Onufriev, Bashford and Case, Proteins 55, 383 (2004), doi:10.1002/prot.20033, model II; the radii and
        scale factors are those of ``openmm.app`` for OBC2. The surface term is 2.25936 kJ/mol/nm^2.
    """
    force = mm.GBSAOBCForce()
    force.setNonbondedMethod(mm.GBSAOBCForce.NoCutoff)
    force.setSolventDielectric(protocol.solvent.solvent_dielectric)
    force.setSoluteDielectric(protocol.solvent.solute_dielectric)
    nonbonded = nonbonded_force(system)
    for atom, (radius, scale) in enumerate(GBSAOBC2Force.getStandardParameters(topology)):
        force.addParticle(nonbonded.getParticleParameters(atom)[0], radius, scale)
    return force


def _gbn2(system: mm.System, topology: app.Topology, protocol: Protocol) -> mm.CustomGBForce:
    """Generalised Born model GBn2 (igb 8) with mbondi3 radii and OpenMM's surface-area term, without cutoff.

    Source:
        Nguyen, Roe and Simmerling, J. Chem. Theory Comput. 9, 2020 (2013), doi:10.1021/ct3010485; radii, scale
        factors and expressions are those of ``openmm.app`` for GBn2.
    """
    force = GBSAGBn2Force(
        solventDielectric=protocol.solvent.solvent_dielectric,
        soluteDielectric=protocol.solvent.solute_dielectric,
        SA="ACE",
    )
    nonbonded = nonbonded_force(system)
    for atom, parameters in enumerate(GBSAGBn2Force.getStandardParameters(topology)):
        force.addParticle([nonbonded.getParticleParameters(atom)[0], *parameters])
    force.finalize()
    return force


def _explicit(
    force_field: app.ForceField, molecules: Assembly, protocol: Protocol, vectors: Floats | None
) -> tuple[mm.System, Assembly]:
    solutes, positions = _with_extra_sites(force_field, molecules)
    box = read_water_box(_BOXES[protocol.solvent.model])
    if vectors is None:
        check_padding(molecules.positions, protocol)
        vectors = box_vectors(positions, padding=protocol.solvent.padding, shape=protocol.solvent.box_shape)
    seed = _seed(force_field, solutes, box.names, vectors, protocol)
    charge, sigma = _charge_and_sigma(seed, len(positions))
    filling = fill(
        positions,
        sigma,
        vectors=vectors,
        box=box,
        charge=charge,
        concentration=protocol.solvent.ionic_strength * STANDARD_VOLUME_NM3,
    )
    return _filled(replace(molecules, topology=solutes, positions=positions), seed, filling, box.names, protocol)


def _in_bilayer(force_field: app.ForceField, molecules: Assembly, protocol: Protocol) -> tuple[mm.System, Assembly]:
    """The molecules in a bilayer; lipids come after them, and water and ions last."""
    bilayer = bilayer_about(force_field, molecules, protocol)
    lipid = membrane_of(protocol).lipid
    solutes, positions = with_lipids(molecules.topology, molecules.positions, bilayer, lipid)
    box = read_water_box(_BOXES[protocol.solvent.model])
    seed = _seed(force_field, solutes, box.names, bilayer.vectors, protocol, in_plane=True)
    charge, sigma = _charge_and_sigma(seed, len(positions))
    occupied = Occupied(
        positions=positions, sigma=sigma, receptor=molecules.receptor_atoms, ligand=molecules.ligand_atoms
    )
    concentration = protocol.solvent.ionic_strength * STANDARD_VOLUME_NM3
    filling = fill_about_bilayer(occupied, bilayer, lipid=lipid, box=box, charge=charge, concentration=concentration)
    return _filled(replace(molecules, topology=solutes, positions=positions), seed, filling, box.names, protocol)


def _filled(
    solutes: Assembly, seed: mm.System, filling: Filling, names: Sequence[str], protocol: Protocol
) -> tuple[mm.System, Assembly]:
    """The System and all atoms, of the solutes' seed and what fills the box."""
    topology = copy.deepcopy(solutes.topology)
    topology.setPeriodicBoxVectors(filling.vectors * unit.nanometer)
    counts = len(filling.water), len(filling.positive), len(filling.negative)
    add_solvent(topology, names, water=counts[0], positive=counts[1], negative=counts[2])
    _check_box(topology, protocol)
    bulk = Bulk(seed=seed, species=_species(len(solutes.positions), (len(names), 1, 1), counts))
    system = bulk.system()
    positions = np.concatenate([solutes.positions, filling.water.reshape(-1, 3), filling.positive, filling.negative])
    placed = replace(solutes, topology=topology, positions=_with_sites(system, positions), bulk=bulk)
    return system, placed


def _with_extra_sites(force_field: app.ForceField, molecules: Assembly) -> tuple[app.Topology, Floats]:
    """The molecules, with fourth sites for the water that came with them, which is last."""
    modeller = app.Modeller(molecules.topology, molecules.positions * unit.nanometer)
    if any(residue.name == "HOH" for residue in molecules.topology.residues()):
        chosen = chosen_templates(force_field, modeller.topology)
        modeller.addExtraParticles(force_field, residueTemplates=chosen)
    return modeller.topology, np.asarray(modeller.positions.value_in_unit(unit.nanometer), dtype=float)


def _seed(
    force_field: app.ForceField,
    solutes: app.Topology,
    names: Sequence[str],
    vectors: Floats,
    protocol: Protocol,
    *,
    in_plane: bool = False,
) -> mm.System:
    """The System of the solutes with one water, one sodium and one chloride ion."""
    topology = copy.deepcopy(solutes)
    topology.setPeriodicBoxVectors(vectors * unit.nanometer)
    add_solvent(topology, names, water=1, positive=1, negative=1)
    system = create_system(force_field, topology, protocol)
    if protocol.sampling.pressure is not None:
        system.addForce(_bilayer_barostat(protocol) if in_plane else _barostat(protocol))
    return system


def _barostat(protocol: Protocol) -> mm.MonteCarloBarostat:
    settings = protocol.sampling
    return mm.MonteCarloBarostat(settings.pressure * unit.bar, settings.temperature * unit.kelvin)


def _bilayer_barostat(protocol: Protocol) -> mm.MonteCarloMembraneBarostat:
    """Scales x and y by one factor and z by another, so that bilayer and water find area and height on their own."""
    barostat = mm.MonteCarloMembraneBarostat
    return barostat(
        protocol.sampling.pressure * unit.bar,
        membrane_of(protocol).surface_tension * unit.bar * unit.nanometer,
        protocol.sampling.temperature * unit.kelvin,
        barostat.XYIsotropic,
        barostat.ZFree,
    )


def _charge_and_sigma(system: mm.System, solutes: int) -> tuple[int, Floats]:
    """Net charge of the solutes [e], and sigma of each atom [nm], 0 where it has no Lennard-Jones term, (N,)."""
    force = nonbonded_force(system)
    parameters = [force.getParticleParameters(i) for i in range(solutes)]
    charge = sum(q.value_in_unit(unit.elementary_charge) for q, _, _ in parameters)
    none = 0.0 * unit.kilojoule_per_mole
    sigma = [s.value_in_unit(unit.nanometer) if depth != none else 0.0 for _, s, depth in parameters]
    return math.floor(charge + 0.5), np.array(sigma)


def _species(first: int, sites: Sequence[int], copies: Sequence[int]) -> tuple[Species, ...]:
    begins = np.cumsum([first, *sites])[:-1]
    return tuple(Species(first=int(b), sites=s, copies=c) for b, s, c in zip(begins, sites, copies, strict=True))


def _with_sites(system: mm.System, positions: Floats) -> Floats:
    """Coordinates with each virtual site where its model has it [nm], (N, 3)."""
    if not any(system.isVirtualSite(i) for i in range(system.getNumParticles())):
        return positions
    context = mm.Context(system, mm.VerletIntegrator(0.001), mm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions)
    context.computeVirtualSites()
    state = context.getState(positions=True)
    return np.asarray(state.getPositions(asNumpy=True).value_in_unit(unit.nanometer), dtype=float)


def check_padding(positions: Floats, protocol: Protocol) -> None:
    """Refuse a box that would fill the memory, by the width that Modeller gives it.

    Raises:
        InputError: It would have more than a million atoms.
    """
    radius = float(np.linalg.norm(positions - 0.5 * (positions.min(axis=0) + positions.max(axis=0)), axis=1).max())
    width = max(2 * radius + protocol.solvent.padding, 2 * protocol.solvent.padding)
    atoms = 100 * _VOLUME[protocol.solvent.box_shape] * width**3  # three in each of 33.4 waters in 1 nm^3
    if not atoms < _MOST_ATOMS:
        raise InputError(
            f"the molecules are {20 * radius:.0f} A wide and solvent.padding is {10 * protocol.solvent.padding:g} A: a "
            f"box of about {atoms:,.0f} atoms ({_MOST_ATOMS:,} at most). Lower the padding, or give all molecules in "
            "one frame"
        )


def _check_box(topology: app.Topology, protocol: Protocol) -> None:
    """Refuse a box in which an atom could meet two images of another within the cutoff."""
    vectors = topology.getPeriodicBoxVectors().value_in_unit(unit.nanometer)
    width, needed = min(vectors[i][i] for i in range(3)), 2 * _SHRINKS_BY * protocol.solvent.cutoff
    if width < needed:
        missing = math.ceil(15 * (needed - width))  # 10 A/nm, and a dodecahedron is 0.7 of its padding high
        raise InputError(
            f"the box is {10 * width:.1f} A wide and the cutoff of {10 * protocol.solvent.cutoff:g} A needs "
            f"{10 * needed:.1f} A: raise solvent.padding by {missing} A or lower solvent.cutoff"
        )
