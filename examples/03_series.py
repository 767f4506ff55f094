"""From a table of SMILES and one crystal ligand to prepared legs, ready for any node.

    python examples/03_series.py [DIRECTORY]

The receptor, T4 lysozyme L99A, and p-xylene in its cavity are data of openmmtools, which comes with bindfe.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import bindfe


def main(directory: str = "runs/series") -> None:
    """Read, place and prepare four ligands; what is there already is kept."""
    crystal = Path(find_spec("openmmtools").origin).parent / "data" / "T4-lysozyme-L99A-implicit"
    protocol = bindfe.Protocol(
        name="series",
        receptor={"file": str(crystal / "receptor.pdb"), "name": "T4L-L99A"},
        ligands={
            "file": str(Path(__file__).parents[1] / "systems" / "t4-lysozyme-l99a" / "affinities.csv"),
            "names": ["benzene", "toluene", "indole", "isobutylbenzene"],
            "reference": str(crystal / "ligand.tripos.mol2"),  # SMILES have no pose: they are placed on it
            "ph": 7.0,
        },
        solvent={"model": "obc2"},
        restraint={"kind": "boresch", "watch_time": "0 ps"},  # anchors from the pose alone
    )
    result = bindfe.prepare(protocol, directory=directory, stage=print)
    for leg in result.legs:
        print(f"{leg.ligand} {leg.kind.value}: {leg.n_atoms} atoms, {leg.energy:.0f} kJ/mol after some minimisation")
    for name, error in result.failures.items():
        print(f"{name} is left out: {error}")
    print(f"what was done: {directory}/ligands.json; now: bindfe run {directory}/protocol.yaml --out {directory}")


if __name__ == "__main__":  # workers are started from this file: they must not run it again
    main(*sys.argv[1:])
