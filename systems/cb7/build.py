"""Builds cucurbit[7]uril and guests inside it: ``python systems/cb7/build.py [DIRECTORY]``.

Nothing is copied from a database: the host is built by its symmetry, guests are embedded from SMILES,
put on the barrel's axis and turned about it to where they touch the host least. The same versions of
RDKit give the same files.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bindfe.chem.cucurbituril import build_cucurbituril
from bindfe.chem.inclusion import embed_guest, place_on_axis, write_sdf

GUESTS = {
    "b2": "OCC12CCC(CO)(CC1)CC2",  # 1,4-bis(hydroxymethyl)bicyclo[2.2.2]octane
    "adamantanol": "OC12CC3CC(C1)CC(C3)C2",  # 1-adamantanol
}
"""Guests by name, as SMILES; each is neutral, achiral and longest along the axis of its bicycle."""


def main() -> None:
    """Write the host and its guests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=Path(__file__).parent)
    directory = parser.parse_args().directory
    host = build_cucurbituril(7)
    write_sdf(host, directory / "cb7.sdf")
    for name, smiles in GUESTS.items():
        guest = embed_guest(name, smiles)
        place_on_axis(guest, host)
        write_sdf(guest, directory / f"{name}.sdf")


if __name__ == "__main__":
    main()
