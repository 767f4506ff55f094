"""Builds alpha-cyclodextrin and guests in it: ``python systems/alpha-cyclodextrin/build.py [DIRECTORY]``.

Nothing is copied from a database: the host is built by its symmetry, guests are embedded from SMILES and put on
its axis, either end first, at the height and turn where they touch the host least. The same versions of RDKit
give the same files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bindfe.chem.cyclodextrin import build_cyclodextrin
from bindfe.chem.inclusion import embed_guest, place_on_axis, write_sdf

GUESTS = {
    "cyclobutanol": "OC1CCC1",
    "cyclopentanol": "OC1CCCC1",
    "cycloheptanol": "OC1CCCCCC1",
}
"""Guests by name, as SMILES; all neutral and achiral."""

_HEIGHTS = (0.0, 0.5, 1.0, 1.5, 2.0)
"""Heights of the guest's centre that are tried [A]: from the middle to the wide rim."""


def main() -> None:
    """Write the host and its guests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=Path(__file__).parent)
    directory = parser.parse_args().directory
    host = build_cyclodextrin(6)
    write_sdf(host, directory / "alpha-cyclodextrin.sdf")
    for name, smiles in GUESTS.items():
        guest = embed_guest(name, smiles)
        place_on_axis(guest, host, heights=_HEIGHTS)
        write_sdf(guest, directory / f"{name}.sdf")


if __name__ == "__main__":
    main()
