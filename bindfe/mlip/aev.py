"""ANI's description of an atom's surroundings and its gradient, compiled, in double precision.

Atom i sees a radial part for each element b and an angular part for each pair of elements (b, c)::

    G_i[b, s]       = 1/4 sum_j       f(r_ij; R) exp(-eta (r_ij - r_s)^2)                              j in b
    G_i[b, c, a, z] = 2   sum_(j < k) f(r_ij; A) f(r_ik; A) exp(-eta' ((r_ij + r_ik)/2 - r_a)^2)
                          [(1 + cos(t_jik - t_z))/2]^zeta                                         j in b, k in c

    f(r; R) = (1 + cos(pi r/R))/2 for r < R, else 0;    cos t_jik = 0.95 cos(angle at i)

The 1/4 and the 0.95 are those of the published networks. cos(t - t_z) is taken from cos t and sin t, so no
inverse cosine is needed, and the gradient is that of the sums above, written by hand.

Only columns of elements that the molecule has are kept: 240 of ANI-2x's 1,008 for C, H and O.

Source:
    Smith, Isayev and Roitberg, Chem. Sci. 8, 3192 (2017), doi:10.1039/C6SC05720A, eqs. 1-4; the two
    factors are torchani's, with which tests compare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bindfe.mlip.compiled import compiled, exponential, logarithm

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Terms(NamedTuple):
    """Constants of the description, lengths in Angstrom."""

    radial_cutoff: float
    radial_eta: float
    """[1/Angstrom^2]."""
    radial_shifts: Floats
    """(R,)."""
    angular_cutoff: float
    angular_eta: float
    """[1/Angstrom^2]."""
    angular_shifts: Floats
    """(A,)."""
    zeta: float
    cosines: Floats
    """Of the angles t_z, (Z,)."""
    sines: Floats
    """Of the angles t_z, (Z,)."""


class Molecule(NamedTuple):
    """Which columns an atom's neighbours fill."""

    elements: Integers
    """Element of each atom, counted among those present, (N,)."""
    columns: Integers
    """First column of a pair of elements, (E, E)."""
    width: int
    """All columns: E R + E (E + 1)/2 A Z."""


class Workspace(NamedTuple):
    """What the description leaves behind for its gradient."""

    counts: Integers
    """Pairs, triples: (2,)."""
    pairs: Integers
    """Atoms of each pair within the radial cutoff, (P, 2)."""
    radial: Floats
    """exp(...) of each pair, (P, R)."""
    n_near: Integers
    """Neighbours within the angular cutoff, (N,)."""
    near: Integers
    """Which, (N, N)."""
    bonds: Floats
    """Unit vector towards each, distance [Angstrom], f and df/dr, (N, N, 6)."""
    triples: Floats
    """cos of the angle and mean distance [Angstrom], (T, 2)."""
    shells: Floats
    """exp(...) of each triple, (T, A)."""
    sections: Floats
    """2 [...]^zeta of each triple, (T, Z)."""
    slopes: Floats
    """Its derivative by the cosine of the angle, (T, Z)."""


def molecule(elements: Sequence[int], terms: Terms) -> Molecule:
    """Lay the columns out: radial by element, then angular by pair of elements.

    Args:
        elements: Element of each atom, counted among those present: 0 to E - 1.
        terms: Constants of the description.
    """
    n_elements = max(elements) + 1
    angular = len(terms.angular_shifts) * len(terms.cosines)
    columns = np.empty((n_elements, n_elements), dtype=np.int64)
    column = n_elements * len(terms.radial_shifts)
    for first in range(n_elements):
        for second in range(first, n_elements):
            columns[first, second] = columns[second, first] = column
            column += angular
    return Molecule(elements=np.array(elements, dtype=np.int64), columns=columns, width=column)


def workspace(n_atoms: int, terms: Terms, *, n_triples: int) -> Workspace:
    """Make room for a molecule with at most so many triples."""
    n_pairs = n_atoms * (n_atoms - 1) // 2
    return Workspace(
        counts=np.zeros(2, dtype=np.int64),
        pairs=np.empty((n_pairs, 2), dtype=np.int64),
        radial=np.empty((n_pairs, len(terms.radial_shifts))),
        n_near=np.empty(n_atoms, dtype=np.int64),
        near=np.empty((n_atoms, n_atoms), dtype=np.int64),
        bonds=np.empty((n_atoms, n_atoms, 6)),
        triples=np.empty((n_triples, 2)),
        shells=np.empty((n_triples, len(terms.angular_shifts))),
        sections=np.empty((n_triples, len(terms.cosines))),
        slopes=np.empty((n_triples, len(terms.cosines))),
    )


@compiled
def count_triples(x: Floats, cutoff: float) -> int:
    """Pairs of neighbours within a cutoff, summed over atoms; x (N, 3)."""
    total = 0
    for i in range(len(x)):
        near = 0
        for j in range(len(x)):
            near += (x[j, 0] - x[i, 0]) ** 2 + (x[j, 1] - x[i, 1]) ** 2 + (x[j, 2] - x[i, 2]) ** 2 < cutoff * cutoff
        total += (near - 1) * (near - 2) // 2
    return total


@compiled
def describe(x: Floats, of: Molecule, terms: Terms, work: Workspace, out: Floats) -> None:
    """Describe each atom's surroundings.

    Args:
        x: Coordinates [Angstrom], (N, 3).
        of: The molecule.
        terms: Constants of the description.
        work: Room for :func:`count_triples` triples or more; filled.
        out: The description, (N, width); overwritten.
    """
    out[:] = 0.0
    _find_pairs(x, terms, work)
    _add_radial(x, of, terms, work, out)
    _measure_triples(terms, work)
    _add_angular(of, work, out)


@compiled
def _find_pairs(x: Floats, terms: Terms, work: Workspace) -> None:
    work.n_near[:] = 0
    n_pairs = 0
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            dx, dy, dz = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1], x[j, 2] - x[i, 2]
            squared = dx * dx + dy * dy + dz * dz
            if squared >= terms.radial_cutoff**2:
                continue
            r = math.sqrt(squared)
            work.pairs[n_pairs, 0], work.pairs[n_pairs, 1] = i, j
            for s in range(len(terms.radial_shifts)):
                work.radial[n_pairs, s] = -terms.radial_eta * (r - terms.radial_shifts[s]) ** 2
            n_pairs += 1
            if squared < terms.angular_cutoff**2:
                phase = math.pi / terms.angular_cutoff * r
                f, slope = 0.5 * math.cos(phase) + 0.5, -0.5 * math.pi / terms.angular_cutoff * math.sin(phase)
                bond = _new_bond(work, i, j)
                bond[0], bond[1], bond[2], bond[3], bond[4], bond[5] = dx / r, dy / r, dz / r, r, f, slope
                back = _new_bond(work, j, i)
                back[0], back[1], back[2], back[3], back[4], back[5] = -dx / r, -dy / r, -dz / r, r, f, slope
    work.counts[0] = n_pairs
    _exponentials(work.radial.ravel(), n_pairs * len(terms.radial_shifts))


@compiled
def _new_bond(work: Workspace, i: int, j: int) -> Floats:
    """Room for what an angle needs of a pair: the direction from i to j, its length, the cutoff's value and slope."""
    place = work.n_near[i]
    work.n_near[i] += 1
    work.near[i, place] = j
    bond: Floats = work.bonds[i, place]
    return bond


@compiled
def _exponentials(values: Floats, n: int) -> None:
    for index in range(n):
        values[index] = exponential(values[index])


@compiled
def _add_radial(x: Floats, of: Molecule, terms: Terms, work: Workspace, out: Floats) -> None:
    n_shifts = len(terms.radial_shifts)
    for pair in range(work.counts[0]):
        i, j = work.pairs[pair]
        r = math.sqrt((x[j, 0] - x[i, 0]) ** 2 + (x[j, 1] - x[i, 1]) ** 2 + (x[j, 2] - x[i, 2]) ** 2)
        f = 0.125 * math.cos(math.pi / terms.radial_cutoff * r) + 0.125
        first, second = of.elements[j] * n_shifts, of.elements[i] * n_shifts
        of_i, of_j = out[i, first : first + n_shifts], out[j, second : second + n_shifts]
        for s in range(n_shifts):
            of_i[s] += f * work.radial[pair, s]
            of_j[s] += f * work.radial[pair, s]


@compiled
def _measure_triples(terms: Terms, work: Workspace) -> None:
    """The factors of every triple; powers and exponentials last, in one loop each."""
    n_shells, n_sections, triple = len(terms.angular_shifts), len(terms.cosines), 0
    for i in range(len(work.n_near)):
        for j in range(work.n_near[i]):
            for k in range(j + 1, work.n_near[i]):
                u, v = work.bonds[i, j], work.bonds[i, k]
                cosine, mean = u[0] * v[0] + u[1] * v[1] + u[2] * v[2], 0.5 * (u[3] + v[3])
                work.triples[triple, 0], work.triples[triple, 1] = cosine, mean
                reduced = 0.95 * cosine
                sine = math.sqrt(1.0 - reduced * reduced)
                for a in range(n_shells):
                    work.shells[triple, a] = -terms.angular_eta * (mean - terms.angular_shifts[a]) ** 2
                for z in range(n_sections):
                    work.sections[triple, z] = 0.5 + 0.5 * (reduced * terms.cosines[z] + sine * terms.sines[z])
                    work.slopes[triple, z] = 0.475 * (terms.cosines[z] - reduced / sine * terms.sines[z])
                triple += 1
    work.counts[1] = triple
    _exponentials(work.shells.ravel(), triple * n_shells)
    _powers(work.sections.ravel(), work.slopes.ravel(), triple * n_sections, terms.zeta)


@compiled
def _powers(values: Floats, slopes: Floats, n: int, zeta: float) -> None:
    """From b and db/dc to 2 b^zeta and its derivative by c."""
    for index in range(n):
        power = exponential((zeta - 1.0) * logarithm(values[index]))
        slopes[index] *= 2.0 * zeta * power
        values[index] *= 2.0 * power


@compiled
def _add_angular(of: Molecule, work: Workspace, out: Floats) -> None:
    n_shells, n_sections, triple = work.shells.shape[1], work.sections.shape[1], 0
    for i in range(len(work.n_near)):
        for j in range(work.n_near[i]):
            for k in range(j + 1, work.n_near[i]):
                column = of.columns[of.elements[work.near[i, j]], of.elements[work.near[i, k]]]
                weight = work.bonds[i, j, 4] * work.bonds[i, k, 4]
                row = out[i, column : column + n_shells * n_sections]
                for a in range(n_shells):
                    shell = weight * work.shells[triple, a]
                    for z in range(n_sections):
                        row[a * n_sections + z] += shell * work.sections[triple, z]
                triple += 1


@compiled
def pull_back(x: Floats, of: Molecule, terms: Terms, work: Workspace, slopes: Floats, out: Floats) -> None:
    """Gradient of an energy by coordinates, from its gradient by the description.

    Args:
        x: Coordinates [Angstrom], (N, 3), with which :func:`describe` was called last.
        of: The molecule.
        terms: Constants of the description.
        work: What :func:`describe` left.
        slopes: dE/dG, (N, width).
        out: dE/dx [1/Angstrom], (N, 3); overwritten.
    """
    out[:] = 0.0
    _pull_radial(x, of, terms, work, slopes, out)
    _pull_angular(of, terms, work, slopes, out)


@compiled
def _pull_radial(x: Floats, of: Molecule, terms: Terms, work: Workspace, slopes: Floats, out: Floats) -> None:
    n_shifts = len(terms.radial_shifts)
    for pair in range(work.counts[0]):
        i, j = work.pairs[pair]
        dx, dy, dz = x[j, 0] - x[i, 0], x[j, 1] - x[i, 1], x[j, 2] - x[i, 2]
        r = math.sqrt(dx * dx + dy * dy + dz * dz)
        phase = math.pi / terms.radial_cutoff * r
        f, slope = 0.125 * math.cos(phase) + 0.125, -0.125 * math.pi / terms.radial_cutoff * math.sin(phase)
        first, second = of.elements[j] * n_shifts, of.elements[i] * n_shifts
        of_i, of_j = slopes[i, first : first + n_shifts], slopes[j, second : second + n_shifts]
        pull = 0.0
        for s in range(n_shifts):
            by_r = slope - 2.0 * terms.radial_eta * (r - terms.radial_shifts[s]) * f
            pull += (of_i[s] + of_j[s]) * work.radial[pair, s] * by_r
        pull /= r
        _add(out, i, -pull * dx, -pull * dy, -pull * dz)
        _add(out, j, pull * dx, pull * dy, pull * dz)


@compiled
def _add(out: Floats, atom: int, x: float, y: float, z: float) -> None:
    out[atom, 0] += x
    out[atom, 1] += y
    out[atom, 2] += z


@compiled
def _pull_angular(of: Molecule, terms: Terms, work: Workspace, slopes: Floats, out: Floats) -> None:
    triple, width = 0, work.shells.shape[1] * work.sections.shape[1]
    for i in range(len(work.n_near)):
        for j in range(work.n_near[i]):
            for k in range(j + 1, work.n_near[i]):
                column = of.columns[of.elements[work.near[i, j]], of.elements[work.near[i, k]]]
                value, by_mean, by_cosine = _contract(terms, work, triple, slopes[i, column : column + width])
                u, v, cosine = work.bonds[i, j], work.bonds[i, k], work.triples[triple, 0]
                along_u = u[4] * v[4] * 0.5 * by_mean + value * u[5] * v[4]
                along_v = u[4] * v[4] * 0.5 * by_mean + value * u[4] * v[5]
                turn_u, turn_v = u[4] * v[4] * by_cosine / u[3], u[4] * v[4] * by_cosine / v[3]
                jx = along_u * u[0] + turn_u * (v[0] - cosine * u[0])
                jy = along_u * u[1] + turn_u * (v[1] - cosine * u[1])
                jz = along_u * u[2] + turn_u * (v[2] - cosine * u[2])
                kx = along_v * v[0] + turn_v * (u[0] - cosine * v[0])
                ky = along_v * v[1] + turn_v * (u[1] - cosine * v[1])
                kz = along_v * v[2] + turn_v * (u[2] - cosine * v[2])
                _add(out, work.near[i, j], jx, jy, jz)
                _add(out, work.near[i, k], kx, ky, kz)
                _add(out, i, -jx - kx, -jy - ky, -jz - kz)
                triple += 1


@compiled
def _contract(terms: Terms, work: Workspace, triple: int, slopes: Floats) -> tuple[float, float, float]:
    """One triple's part of the energy without the cutoffs, and its slopes by mean distance and cosine."""
    value, by_mean, by_cosine, n_sections = 0.0, 0.0, 0.0, work.sections.shape[1]
    for a in range(work.shells.shape[1]):
        here, turned = 0.0, 0.0
        for z in range(n_sections):
            here += slopes[a * n_sections + z] * work.sections[triple, z]
            turned += slopes[a * n_sections + z] * work.slopes[triple, z]
        shell = work.shells[triple, a]
        value += shell * here
        by_cosine += shell * turned
        by_mean += shell * here * (work.triples[triple, 1] - terms.angular_shifts[a])
    return value, -2.0 * terms.angular_eta * by_mean, by_cosine
