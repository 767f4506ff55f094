"""One binding free energy with its interval, in about ten lines.

python examples/01_one_ligand.py [PROTOCOL] [DIRECTORY]
"""

import sys

import bindfe


def main(protocol: str = "protocols/quickstart.yaml", directory: str | None = None) -> None:
    """Run a protocol, or continue it, and print what it says."""
    result = bindfe.run(protocol, directory=directory)
    for prediction in result.predictions:
        low, high = prediction.interval(0.95)
        print(
            f"{prediction.ligand}: {prediction.location_kcal_mol:.2f} kcal/mol, 95 % interval {low:.2f} to {high:.2f}"
        )
        for part in prediction.budget.components:
            print(f"  {part.kind}: {part.standard_error_kcal_mol:.2f} kcal/mol ({part.explanation})")
    print(f"everything else: {result.directory / 'report.html'}")


if __name__ == "__main__":  # workers are started from this file: they must not run it again
    main(*sys.argv[1:])
