"""Where in a periodic box the other ligand of an edge stands: as far from the receptor and all images as it can."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from bindfe.build.water import box_vectors
from bindfe.errors import InputError
from bindfe.results import Floats

_GRID = 12
"""Places tried along each box vector."""

_REFINED = 3
"""Times that the grid is narrowed about the best place."""

_WIDER = 1.02
"""Factor by which a box grows that has no place for the ligand."""

_LARGEST_NM3 = 10_000.0
"""Volume of a box of a million atoms, above which a mistake in the clearance is the likeliest reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BulkPlace:
    """A box for receptor and two ligands, one of them in bulk."""

    displacement: tuple[float, float, float]
    """From the site to bulk [nm]."""
    vectors: Floats
    """Box vectors as rows [nm], (3, 3)."""
    gap: float
    """Least distance of a ligand in bulk from receptor, ligand in the site and their images [nm]."""


def find_bulk(solutes: Floats, ligands: Floats, *, padding: float, shape: str, clearance: float) -> BulkPlace:
    """Find the place for the ligand in bulk that needs the smallest box.

    Between the images of a complex there is more room than between two neighbours: the largest hole of a rhombic
    dodecahedron's lattice is 0.71 of the width from the middle of the complex, that of a cube 0.87. So the box that
    the complex alone would get is tried first, and one that is 2 % wider until a ligand in bulk is clear of everything.
    Both ligands are looked at, as either is in bulk at one end.

    Args:
        solutes: Receptor, both ligands in the site and water of the file [nm], (N, 3).
        ligands: Both ligands in the site [nm], (M, 3).
        padding: Least distance of the complex to its next image [nm].
        shape: ``cube``, ``dodecahedron`` or ``octahedron``.
        clearance: Least distance of a ligand in bulk from the complex and its images [nm].

    Raises:
        InputError: The box would have more than a million atoms.
    """
    vectors = box_vectors(solutes, padding=padding, shape=shape)
    while abs(float(np.linalg.det(vectors))) < _LARGEST_NM3:
        displacement, gap = _largest_hole(solutes, ligands, vectors)
        if gap >= clearance:
            x, y, z = (float(value) for value in displacement)
            return BulkPlace(displacement=(x, y, z), vectors=vectors, gap=gap)
        vectors = _WIDER * vectors
    raise InputError(
        f"edges.clearance: a ligand in bulk is to be {10 * clearance:g} A from the receptor and its images, and the "
        f"box for it would have more than {100 * _LARGEST_NM3:,.0f} atoms: 15 A are usual"
    )


def _largest_hole(solutes: Floats, ligands: Floats, vectors: Floats) -> tuple[Floats, float]:
    """The displacement of the ligands that is farthest from the complex, and the gap there [nm]."""
    shifts = np.array(list(np.ndindex(5, 5, 5))) - 2
    tree = cKDTree((solutes[None] + (shifts @ vectors)[:, None]).reshape(-1, 3))
    tried = np.array(list(np.ndindex(_GRID, _GRID, _GRID))) / _GRID
    step, fine = 1.0 / _GRID, (np.array(list(np.ndindex(5, 5, 5))) - 2) / 4.0
    for _ in range(_REFINED):
        gaps = _gaps(tree, ligands, _nearest(tried @ vectors, vectors))
        best = tried[int(np.argmax(gaps))]
        tried, step = best + step * fine, step / 4.0
    displacement = _nearest(best[None] @ vectors, vectors)[0]
    return displacement, float(gaps.max())


def _gaps(tree: cKDTree, ligands: Floats, displacements: Floats) -> Floats:
    """Least distance of the ligands from the complex at each displacement [nm], (D,)."""
    places = (ligands[None] + displacements[:, None]).reshape(-1, 3)
    distances = np.asarray(tree.query(places)[0])
    return np.asarray(distances.reshape(len(displacements), -1).min(axis=1))


def _nearest(offsets: Floats, vectors: Floats) -> Floats:
    """The shortest image of each vector in a reduced box, (D, 3)."""
    for axis in (2, 1, 0):
        offsets = offsets - np.round(offsets[:, axis : axis + 1] / vectors[axis, axis]) * vectors[axis]
    return offsets
