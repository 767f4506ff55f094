"""Force fields and Systems: small molecules from :mod:`bindfe.build.smallmolecule`, Amber for proteins, water, ions."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import openmm as mm
from openmm import app, unit

from bindfe.build.residues import load_templates, own_templates
from bindfe.build.smallmolecule import Molecule, molecule_of, molecule_parameters
from bindfe.errors import InputError
from bindfe.protocol import Protocol
from bindfe.results import Floats

if TYPE_CHECKING:
    from bindfe.build.bulk import Bulk
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.receptor import Receptor

_FAMILIES = {"ff14SB": "amber14", "ff19SB": "amber19"}
_LIPIDS = {"amber14": "lipid17", "amber19": "lipid21"}
_CHARGED_IONS = frozenset({"FE", "FE2", "CU"})  # one element with several templates: its name says which


@dataclass(frozen=True, kw_only=True, slots=True)
class Assembly:
    """Atoms in space, before or after they have a System: the receptor's first, the ligand's next, then water."""

    topology: app.Topology
    """Chains, residues, atoms and bonds; box vectors where periodic."""
    positions: Floats
    """Coordinates [nm], (N, 3)."""
    receptor_atoms: tuple[int, ...]
    """Atoms of the receptor."""
    ligand_atoms: tuple[int, ...]
    """Atoms of the ligand."""
    bulk: Bulk | None = None
    """What its System was replicated from, in a box of water."""


def parametrise(
    receptor: Receptor | None, ligand: Ligand | None, protocol: Protocol, *, second: Ligand | None = None
) -> tuple[app.ForceField, Assembly]:
    """Collect the molecules and the force field that has parameters for each of them.

    Args:
        receptor: The host, or a completed protein; None for the ligand alone.
        ligand: The ligand, placed in the receptor's frame.
        protocol: Its sections ``forcefield``, ``solvent`` and ``membrane`` name the parameters.
        second: The other ligand of an edge; its atoms come after the first's and are ligand atoms as well.

    Returns:
        The force field and the molecules without solvent; water of a protein's file comes last.

    Raises:
        InputError: A molecule has no parameters or no charges (the message names it), or a protein is not complete.
        MissingDependency: Parameters are not cached and OpenFF is not installed.
    """
    protein = receptor is not None and receptor.kind == "protein"
    if receptor is not None and not protein and protocol.membrane is not None:
        raise InputError(
            f"{receptor.source}: {receptor.name} is a host, and a bilayer is laid about a protein: leave out 'membrane'"
        )
    files = [protein_file(protocol)] if protein else []
    if protein and protocol.membrane is not None:
        files.append(lipid_file(protocol))
    if protein or protocol.solvent.explicit:
        files.append(water_file(protocol))
    force_field = app.ForceField(*files)
    ligands = [part for part in (ligand, second) if part is not None]
    own = [] if receptor is None else [*receptor.cofactors] if protein else [receptor]
    molecules = [molecule_of(part) for part in (*own, *ligands)]
    if receptor is not None and receptor.templates:
        load_templates(force_field, receptor.templates)
    for text in dict.fromkeys(molecule_parameters(molecule, protocol) for molecule in molecules):
        force_field.loadFile(io.StringIO(text))  # once, where both ligands of an edge are the same
    if receptor is not None and protein:
        return force_field, _assemble_protein(receptor, molecules, n_ligands=len(ligands), protocol=protocol)
    n_receptor = molecules[0].mol.GetNumAtoms() if receptor is not None else 0
    return force_field, _assemble(molecules, n_receptor=n_receptor)


def protein_file(protocol: Protocol) -> str:
    """OpenMM's file of the protein force field."""
    name = protocol.forcefield.protein
    return f"{_FAMILIES[name]}/protein.{name}.xml"


def lipid_file(protocol: Protocol) -> str:
    """OpenMM's file of the lipids that were fitted with the protein force field: Lipid17, or Lipid21."""
    family = _FAMILIES[protocol.forcefield.protein]
    return f"{family}/{_LIPIDS[family]}.xml"


def water_file(protocol: Protocol) -> str:
    """OpenMM's file of the water model and its ions; that of TIP3P, for the ions, where there is no water."""
    water = protocol.solvent.model if protocol.solvent.explicit else "tip3p"
    return f"{_FAMILIES[protocol.forcefield.protein]}/{water}.xml"


def create_system(force_field: app.ForceField, topology: app.Topology, protocol: Protocol) -> mm.System:
    """Make the molecular-mechanics System: bonds to hydrogen constrained, water rigid, heavy hydrogens.

    Explicit solvent gets particle-mesh Ewald; anything else has no cutoff. There is no remover of the
    centre of mass's motion: the Langevin thermostat acts on it, and no energy depends on it.

    Raises:
        InputError: The force field lacks parameters of a residue.
    """
    periodic = protocol.solvent.explicit
    settings: dict[str, Any] = {"nonbondedMethod": app.PME if periodic else app.NoCutoff}
    if periodic:
        settings["nonbondedCutoff"] = protocol.solvent.cutoff * unit.nanometer
    try:
        system = force_field.createSystem(
            topology,
            constraints=app.HBonds,
            rigidWater=True,
            hydrogenMass=protocol.forcefield.hydrogen_mass * unit.amu,
            removeCMMotion=False,
            residueTemplates=chosen_templates(force_field, topology),
            **settings,
        )
    except ValueError as error:
        raise InputError(f"the force field has no parameters for a molecule of the input: {error}") from error
    nonbonded_force(system).setUseDispersionCorrection(periodic and protocol.solvent.dispersion_correction)
    return system


def chosen_templates(force_field: app.ForceField, topology: app.Topology) -> dict[Any, str]:
    """Residues whose name says which of several templates is theirs: ions of some metals, a user's own residues."""
    ions = {r: r.name for r in topology.residues() if r.name in _CHARGED_IONS}
    return ions | own_templates(force_field, topology)


def nonbonded_force(system: mm.System) -> mm.NonbondedForce:
    """The System's one NonbondedForce; it lives as long as the System does, so keep that."""
    return next(force for force in system.getForces() if isinstance(force, mm.NonbondedForce))


def _assemble(molecules: list[Molecule], *, n_receptor: int) -> Assembly:
    topology = app.Topology()
    for molecule in molecules:
        _add_molecule(topology, molecule)
    n_atoms = topology.getNumAtoms()
    return Assembly(
        topology=topology,
        positions=np.concatenate([molecule.positions for molecule in molecules]),
        receptor_atoms=tuple(range(n_receptor)),
        ligand_atoms=tuple(range(n_receptor, n_atoms)),
    )


def _assemble_protein(receptor: Receptor, molecules: list[Molecule], *, n_ligands: int, protocol: Protocol) -> Assembly:
    """Put a completed protein, its cofactors and the ligand together; water of the file last, if there is a box."""
    if not receptor.prepared:
        raise InputError(f"{receptor.source}: the protein is not complete; prepare_receptor completes it")
    structure = app.PDBxFile(io.StringIO(receptor.pdb))
    positions = np.asarray(structure.getPositions(asNumpy=True).value_in_unit(unit.nanometer), dtype=float)
    topology = app.Topology()
    protein = _add_residues(topology, structure.topology, water=False)
    for molecule in molecules:
        _add_molecule(topology, molecule)
    n_molecules = topology.getNumAtoms()
    n_ligand = sum(each.mol.GetNumAtoms() for each in molecules[len(molecules) - n_ligands :])
    water = _add_residues(topology, structure.topology, water=True) if protocol.solvent.explicit else []
    return Assembly(
        topology=topology,
        positions=np.concatenate([positions[protein], *(each.positions for each in molecules), positions[water]]),
        receptor_atoms=tuple(range(n_molecules - n_ligand)),
        ligand_atoms=tuple(range(n_molecules - n_ligand, n_molecules)),
    )


def _add_residues(topology: app.Topology, source: app.Topology, *, water: bool) -> list[int]:
    """Copy the residues that are (or are not) water, with their bonds; the numbers of their atoms in the source."""
    atoms: dict[Any, Any] = {}
    for chain in source.chains():
        residues = [residue for residue in chain.residues() if (residue.name == "HOH") is water]
        if not residues:
            continue
        copy = topology.addChain(chain.id)
        for residue in residues:
            target = topology.addResidue(residue.name, copy, residue.id, residue.insertionCode)
            for atom in residue.atoms():
                atoms[atom] = topology.addAtom(atom.name, atom.element, target, atom.id)
    for bond in source.bonds():
        if bond.atom1 in atoms and bond.atom2 in atoms:
            topology.addBond(atoms[bond.atom1], atoms[bond.atom2], bond.type, bond.order)
    return [atom.index for atom in atoms]


def _add_molecule(topology: app.Topology, molecule: Molecule) -> None:
    """Add one residue with the molecule's atoms in their order."""
    residue = topology.addResidue(molecule.residue, topology.addChain())
    counts: Counter[str] = Counter()
    atoms = []
    for atom in molecule.mol.GetAtoms():
        symbol = atom.GetSymbol()
        counts[symbol] += 1
        element = app.Element.getBySymbol(symbol)
        atoms.append(topology.addAtom(f"{symbol}{counts[symbol]}", element, residue))
    for bond in molecule.mol.GetBonds():
        topology.addBond(atoms[bond.GetBeginAtomIdx()], atoms[bond.GetEndAtomIdx()])
