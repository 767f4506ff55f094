"""Receptors: the molecule that binds, a host or a protein."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from bindfe.chem.checks import check_molecule
from bindfe.chem.ligand import Ligand, read_ligands, safe_name
from bindfe.chem.molecule import content_of, positions_nm, smiles_of
from bindfe.chem.moleculefile import parse_record, read_file_records, read_text
from bindfe.chem.proteinfile import CIF_SUFFIXES, PDB_SUFFIXES, ProteinStructure, parse_structure
from bindfe.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Receptor:
    """The molecule that binds, in the frame that the ligands are placed in."""

    name: str
    """Its name in results, safe for a file name."""
    kind: Literal["host", "protein"]
    """A host is one small molecule; a protein has residues."""
    mol: Chem.Mol | None
    """The host: every hydrogen an atom, one 3D conformer; not to be changed. None for a protein."""
    pdb: str
    """The protein as PDB or mmCIF text; empty for a host."""
    source: str
    """File that it was read from."""
    cofactors: tuple[Ligand, ...] = ()
    """Small molecules that belong to a protein, in its frame."""
    templates: tuple[str, ...] = ()
    """Force field files, as text, of a protein's modified residues."""
    prepared: bool = False
    """Whether ``pdb`` is complete: every atom and hydrogen, nothing that has no parameters."""
    read_as: str = ""
    """Text of the file, if ``pdb`` is what was made of it."""

    @property
    def host(self) -> Chem.Mol:
        """The host's molecule.

        Raises:
            InputError: The receptor is a protein.
        """
        if self.mol is None:
            raise InputError(f"{self.source}: {self.name} is a protein, not a host; give a host as SDF or MOL2")
        return self.mol

    @property
    def n_atoms(self) -> int:
        """Number of atoms of a host, with hydrogens."""
        return int(self.host.GetNumAtoms())

    @property
    def elements(self) -> tuple[str, ...]:
        """Element symbol of each atom of a host, (N,)."""
        return tuple(atom.GetSymbol() for atom in self.host.GetAtoms())

    @property
    def formal_charge(self) -> int:
        """Total charge of a host [e]."""
        return int(Chem.GetFormalCharge(self.host))

    @property
    def positions(self) -> NDArray[np.float64]:
        """Coordinates of a host [nm], (N, 3)."""
        return positions_nm(self.host)

    @property
    def smiles(self) -> str:
        """Canonical isomeric SMILES of a host, without hydrogens."""
        return smiles_of(self.host)

    @property
    def structure(self) -> ProteinStructure:
        """Atoms of a protein.

        Raises:
            InputError: The receptor is a host, or its text is damaged.
        """
        if self.mol is not None:
            raise InputError(f"{self.source}: {self.name} is a host, not a protein")
        return parse_structure(self.pdb, source=self.source, cif="_atom_site." in self.pdb)

    def content(self) -> bytes:
        """What the physics depends on, for fingerprints."""
        own = (self.read_as or self.pdb).encode() if self.mol is None else content_of(self.mol)
        return b"".join([own, *(c.content() for c in self.cofactors), *(text.encode() for text in self.templates)])


def read_receptor(
    path: Path | str, name: str = "", *, cofactors: Sequence[Path | str] = (), templates: Sequence[Path | str] = ()
) -> Receptor:
    """Read a host from an SDF or MOL2 file with one record, or a protein from a PDB or mmCIF file.

    A protein is read as it is; ``bindfe.build.protein.prepare_receptor`` completes it.

    Args:
        path: SDF or MOL2 file with hydrogens and a 3D structure, or PDB or mmCIF file.
        name: Name in results; the record's title, else the file's stem, if empty.
        cofactors: SDF files with small molecules that belong to a protein.
        templates: OpenMM force field files of a protein's modified residues.

    Raises:
        InputError: As for ligands; also more than one record, a file without atoms, or a host with cofactors.
    """
    path = Path(path)
    if path.suffix.lower() in PDB_SUFFIXES | CIF_SUFFIXES:
        return _read_protein(path, name, cofactors, templates)
    if path.suffix.lower() not in {".sdf", ".mol", ".mol2"}:
        raise InputError(
            f"{path}: '{path.suffix}' is not read; give a protein as .pdb or .cif and a host as .sdf or .mol2, "
            "uncompressed"
        )
    if templates:
        raise InputError(f"{path}: receptor.templates describe residues of a protein, and this is a host")
    if cofactors:
        raise InputError(f"{path}: receptor.cofactors belong to a protein, and this is a host: put them into one file")
    records = read_file_records(path)
    if len(records) > 1:
        raise InputError(f"{path}: holds {len(records)} records; a receptor is one: keep it alone in its file")
    mol = parse_record(records[0])
    check_molecule(mol, place=records[0].place)
    return Receptor(
        name=safe_name(name or records[0].title or path.stem), kind="host", mol=mol, pdb="", source=str(path)
    )


def _read_protein(path: Path, name: str, cofactors: Sequence[Path | str], templates: Sequence[Path | str]) -> Receptor:
    text = read_text(path)
    parse_structure(text, source=str(path), cif=path.suffix.lower() in CIF_SUFFIXES)
    return Receptor(
        name=safe_name(name or path.stem),
        kind="protein",
        mol=None,
        pdb=text,
        source=str(path),
        cofactors=tuple(molecule for file in cofactors for molecule in read_ligands(file)),
        templates=tuple(read_text(Path(file)) for file in templates),
    )
