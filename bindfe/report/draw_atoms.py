"""A ligand's drawing, its atoms coloured by a number."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bindfe.report.style import VERMILLION

_DISC = re.compile(r'<circle class="atom-disc atom-(\d+)"([^>]*?) fill="none"/>')


def colour_atoms(drawing: str, values: Sequence[float]) -> str:
    """Fill the discs behind the atoms of a drawing, the stronger the larger the value.

    Args:
        drawing: SVG with a disc behind each drawn atom, as ``bindfe.chem.depiction.depict`` makes it.
        values: A number that is not negative for each atom of the ligand; drawn atoms use their own.

    Returns:
        The drawing; unchanged where it has no discs or all values are 0.
    """
    largest = max(values, default=0.0)
    if largest <= 0:
        return drawing

    def filled(found: re.Match[str]) -> str:
        atom = int(found[1])
        share = values[atom] / largest if atom < len(values) else 0.0
        return (
            f'<circle class="atom-disc atom-{atom}"{found[2]} fill="{VERMILLION}" fill-opacity="{0.85 * share:.2f}"/>'
        )

    return _DISC.sub(filled, drawing)
