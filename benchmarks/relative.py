"""Relative against absolute: CB7's neutral guests by exchange of places, both ways, and by two absolute legs.

``python benchmarks/relative.py --out DIRECTORY --length 200`` runs four checks of one Hamiltonian in OBC2 that share
no ladder: B2 -> adamantanol, adamantanol -> B2 (minus the former), B2 -> B2 (zero), and the difference of the two
absolute values (the former again). A directory that is there is continued.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import bindfe
from bindfe.protocol import parse_protocol

ROOT = Path(__file__).resolve().parent.parent
SYSTEM = ROOT / "systems" / "cb7"
COMMON = """
receptor: {{file: {system}/cb7.sdf, name: CB7}}
sampling: {{cycle_time: 0.5 ps, length: {length} ps, chunk_cycles: 4}}
equilibration: {{state_time: 1 ps}}
repeats: {{number: {repeats}}}
compute: {{platform: {platform}, workers: {workers}}}
output: {{report: false}}
"""
EDGES = """
name: relative
ligands: {{file: {guests}}}
edges: {{network: given, pairs: [[b2, adamantanol], [adamantanol, b2], [b2, b2-again]]}}
restraint: {{kind: flat-bottom, flat_radius: 4 A}}
"""
ABSOLUTE = """
name: absolute
ligands: {{file: {guests}, names: [b2, adamantanol]}}
alchemy: {{method: transfer}}
restraint: {{kind: axial}}
"""


def guests(directory: Path) -> Path:
    """B2, adamantanol and B2 under another name, in one file."""
    b2, other = ((SYSTEM / f"{name}.sdf").read_text(encoding="utf-8") for name in ("b2", "adamantanol"))
    path = directory / "guests.sdf"
    directory.mkdir(parents=True, exist_ok=True)
    path.write_text(b2 + other + "b2-again\n" + b2.split("\n", 1)[1], encoding="utf-8")
    return path


def main() -> None:
    """Run, and print each value with its standard error [kcal/mol]."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--length", type=float, default=200.0, help="ps of each state")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--platform", default="CPU")
    parser.add_argument("--workers", type=int, default=0)
    chosen = parser.parse_args()
    words = vars(chosen) | {"system": SYSTEM, "guests": guests(chosen.out)}
    found = {}
    for name, text in (("relative", EDGES), ("absolute", ABSOLUTE)):
        protocol = parse_protocol((COMMON + text).format(**words))
        for each in bindfe.run(protocol, directory=chosen.out / name, stage=print).predictions:
            found[each.name] = each
            print(f"{each.name:20s} {each.raw_kcal_mol:7.2f} +- {each.standard_error_kcal_mol:.2f} {each.warnings}")
    difference = found["adamantanol"].raw_kcal_mol - found["b2"].raw_kcal_mol
    print(f"{'absolute difference':20s} {difference:7.2f}")


if __name__ == "__main__":
    main()
