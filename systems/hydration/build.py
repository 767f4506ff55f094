"""Builds the molecules whose hydration is calculated: ``python systems/hydration/build.py [DIRECTORY]``.

Each is embedded from its SMILES. The same version of RDKit gives the same files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bindfe.chem.inclusion import embed_guest, write_sdf

MOLECULES = {"ethylparaben": "CCOC(=O)c1ccc(O)cc1"}
"""Molecules by name, as SMILES."""


def main() -> None:
    """Write every molecule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=Path(__file__).parent)
    directory = parser.parse_args().directory
    for name, smiles in MOLECULES.items():
        write_sdf(embed_guest(name, smiles), directory / f"{name}.sdf")


if __name__ == "__main__":
    main()
