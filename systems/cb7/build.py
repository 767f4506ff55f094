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
    "1-adamantylammonium": "[NH3+]C12CC3CC(C1)CC(C3)C2",
    "2-adamantylammonium": "[NH3+]C1C2CC3CC(C2)CC1C3",
    "b5": "[NH3+]CC12CCC(C[NH3+])(CC1)CC2",  # 1,4-bis(aminomethyl)bicyclo[2.2.2]octane
    "cycloheptylammonium": "[NH3+]C1CCCCCC1",
    "cyclooctylammonium": "[NH3+]C1CCCCCCC1",
}
"""Guests by name, as SMILES; each is achiral, in the protonation state that was measured."""


def main() -> None:
    """Write the host and its guests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", nargs="?", type=Path, default=Path(__file__).parent)
    directory = parser.parse_args().directory
    host = build_cucurbituril(7)
    write_sdf(host, directory / "cb7.sdf")
    guests = {name: embed_guest(name, smiles) for name, smiles in GUESTS.items()}
    for guest in guests.values():
        place_on_axis(guest, host)
    for name in ("b2", "adamantanol"):
        write_sdf(guests[name], directory / f"{name}.sdf")
    write_sdf(list(guests.values()), directory / "guests.sdf")


if __name__ == "__main__":
    main()
