"""Which atoms of two ligands are the same atom: a common core in one frame, by graph, space and rules.

A map says what two ligands of an edge share. The alchemical transfer keeps both ligands whole, so nothing is
made of the map but the frame that aligns them and the score that networks are planned with; yet a core that
breaks a ring or inverts a centre is no core, whatever is made of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdFMCS
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from bindfe.chem.findings import Finding, failed, warned
from bindfe.chem.ligand import Ligand
from bindfe.chem.maprules import Pair, Violation, keep_connected, violations
from bindfe.errors import InputError

Floats = NDArray[np.float64]

FARTHEST_NM = 0.15
"""Atoms of two ligands in one site that are farther apart are not the same atom: about one bond."""

_DECAY = 0.1  # of the score with each heavy atom that is not in the core, as in LOMAP
_CHARGE_FACTOR = 0.1  # what the score of an edge that changes the charge is multiplied by
_FEWEST = 3  # atoms that fix a frame
_MOST_MATCHES = 4000
_PATIENCE_S = 10

_HEADS = {
    "ring-broken": "would break a ring",
    "ring-size": "would change the size of a ring",
    "linear-to-bent": "would bend a linear atom",
    "chirality": "would invert a centre",
    "hybridisation": "would change hybridisation",
    "element": "would change the element",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class AtomMap:
    """The atoms that two ligands share."""

    reference: str
    """First ligand of the edge."""
    ligand: str
    """Second ligand of the edge."""
    pairs: tuple[Pair, ...]
    """Atoms of the first and of the second ligand that are one, hydrogens among them, by the first's number."""
    core: tuple[Pair, ...]
    """Those that are no hydrogens: connected in both ligands, every ring whole."""
    rmsd_nm: float
    """Root mean square distance of the core's atoms, as the ligands lie in their frame [nm]; nan without a core."""
    score: float
    """How alike they are, 0 to 1: exp(-0.1 n) with n heavy atoms outside the core (a half for each
    element that changes in it), a tenth of that if the charge changes."""
    reasons: tuple[str, ...]
    """What was left out of the core and why, in words."""
    findings: tuple[Finding, ...]
    """The same for a pre-flight, about the edge ``reference~ligand``."""

    @property
    def edge(self) -> str:
        """Name of the edge: ``reference~ligand``."""
        return edge_name(self.reference, self.ligand)

    def inverse(self) -> AtomMap:
        """The same map from the second ligand to the first."""
        return AtomMap(
            reference=self.ligand,
            ligand=self.reference,
            pairs=tuple(sorted((j, i) for i, j in self.pairs)),
            core=tuple(sorted((j, i) for i, j in self.core)),
            rmsd_nm=self.rmsd_nm,
            score=self.score,
            reasons=self.reasons,
            findings=self.findings,
        )


def edge_name(reference: str, ligand: str) -> str:
    """Name of an edge; also of its folder."""
    return f"{reference}~{ligand}"


def map_atoms(
    a: Ligand,
    b: Ligand,
    *,
    element_changes: bool = True,
    hybridisation_changes: bool = False,
    farthest_nm: float = FARTHEST_NM,
) -> AtomMap:
    """Find the largest common core of two ligands as they lie in their site.

    Maximum common substructures of the heavy atoms (rings only on rings, whole rings only) are laid on each
    other in every way that their symmetry allows. In each, atoms that lie apart are parted and atoms that break
    a rule are left out until what remains is connected and keeps all rules; the largest core wins, the
    closer one of two that are equally large. Hydrogens of core atoms are paired by distance.

    Args:
        a: First ligand, in the receptor's frame.
        b: Second ligand, in the same frame.
        element_changes: Whether a core atom may change its element (C-H to N in a ring, say).
        hybridisation_changes: Whether it may change its hybridisation.
        farthest_nm: Farthest that two atoms of a pair may be apart [nm].

    Returns:
        The map. Without at least three core atoms its ``findings`` have a failure and its core is empty.
    """
    space = cdist(a.positions, b.positions)
    best: tuple[Pair, ...] = ()
    seen: tuple[Violation, ...] = ()
    rank = (0, -math.inf)
    candidates = list(_candidates(a.mol, b.mol, element_changes=element_changes, farthest_nm=farthest_nm))
    for candidate in candidates:
        core, broken = _obeying(
            a,
            b,
            [pair for pair in candidate if space[pair] <= farthest_nm],
            element_changes=element_changes,
            hybridisation_changes=hybridisation_changes,
        )
        here = (len(core), -_rmsd(space, core))
        if core and here > rank:
            best, seen, rank = core, broken, here
    if len(best) < _FEWEST:
        return _no_core(a, b, len(best))
    said = {violation.words for violation in seen if violation.rule == "chirality"}
    apart = [violation for violation in _inverted(a, b, best, candidates) if violation.words not in said]
    return _finish(a, b, best, (*seen, *apart), space)


def check_map(a: Ligand, b: Ligand, pairs: Iterable[Pair]) -> tuple[Finding, ...]:
    """What is wrong with a map that somebody gives; each rule that it breaks is a failure.

    Raises:
        InputError: A number is no atom, or an atom is in two pairs.
    """
    given = tuple(pairs)
    for side, ligand in enumerate((a, b)):
        numbers = [pair[side] for pair in given]
        outside = [number for number in numbers if not 0 <= number < ligand.n_atoms]
        if outside:
            raise InputError(f"{ligand.name}: no atom {outside[0]}; it has 0 to {ligand.n_atoms - 1}")
        if len(set(numbers)) != len(numbers):
            raise InputError(f"{ligand.name}: an atom is in two pairs of the map {edge_name(a.name, b.name)}")
    found = violations(a.mol, b.mol, given, positions=(a.positions, b.positions))
    return tuple(
        failed(
            f"map-{violation.rule}",
            f"the map {_HEADS[violation.rule]}: {violation.words}",
            advice="leave these atoms out of the map",
            ligand=edge_name(a.name, b.name),
        )
        for violation in found
        if violation.rule not in ("element", "hybridisation")
    )


def alignment_pairs(a: Ligand, b: Ligand, atom_map: AtomMap) -> tuple[Pair, Pair, Pair]:
    """Three pairs of atoms whose frames orient two ligands alike: wide apart, stiff, far from a line.

    Taken from the core, from its rings if it has any; from the nearest heavy atoms of both ligands where
    there is no core.

    Raises:
        InputError: No three pairs span a frame.
    """
    pairs = list(atom_map.core) or _nearest_pairs(a, b)
    stiff = [(i, j) for i, j in pairs if a.mol.GetAtomWithIdx(i).IsInRing() and b.mol.GetAtomWithIdx(j).IsInRing()]
    for pool in (stiff, pairs):
        chosen = _widest(a.positions, b.positions, pool)
        if chosen is not None:
            return chosen
    raise InputError(
        f"{edge_name(a.name, b.name)}: no three atoms that the ligands share lie off a line; "
        "they cannot be aligned, so choose another edge"
    )


def _candidates(a: Chem.Mol, b: Chem.Mol, *, element_changes: bool, farthest_nm: float) -> Iterator[tuple[Pair, ...]]:
    """Ways to lay the ligands' common substructures on each other, as pairs of the ligands' own numbers."""
    heavy = _heavy(a), _heavy(b)
    for near in (10 * farthest_nm, None):
        pattern = _common(heavy[0], heavy[1], element_changes=element_changes, near=near)
        if pattern is None:
            continue
        first = heavy[0].GetSubstructMatches(pattern, uniquify=True, maxMatches=_MOST_MATCHES)
        second = heavy[1].GetSubstructMatches(pattern, uniquify=False, maxMatches=_MOST_MATCHES)
        for left in first:
            for right in second:
                yield tuple((_own(heavy[0], i), _own(heavy[1], j)) for i, j in zip(left, right, strict=True))


def _heavy(mol: Chem.Mol) -> Chem.Mol:
    """Without hydrogens, each atom knowing its number in the ligand."""
    copy = Chem.Mol(mol)
    for atom in copy.GetAtoms():
        atom.SetIntProp("own", atom.GetIdx())
    return Chem.RemoveAllHs(copy)


def _own(mol: Chem.Mol, index: int) -> int:
    return int(mol.GetAtomWithIdx(index).GetIntProp("own"))


def _common(a: Chem.Mol, b: Chem.Mol, *, element_changes: bool, near: float | None) -> Chem.Mol | None:
    """The largest common substructure as a query, pairs within ``near`` [A]; None if there is none."""
    settings: Any = rdFMCS.MCSParameters()  # RDKit's stubs type its members as numbers
    settings.AtomTyper = rdFMCS.AtomCompare.CompareAny if element_changes else rdFMCS.AtomCompare.CompareElements
    settings.BondTyper = rdFMCS.BondCompare.CompareOrder
    settings.AtomCompareParameters.RingMatchesRingOnly = True
    settings.BondCompareParameters.RingMatchesRingOnly = True
    settings.BondCompareParameters.CompleteRingsOnly = True
    if near is not None:
        settings.AtomCompareParameters.MaxDistance = near
    settings.Timeout = _PATIENCE_S
    found = rdFMCS.FindMCS([a, b], settings)
    return Chem.MolFromSmarts(found.smartsString) if found.numAtoms else None


def _obeying(
    a: Ligand, b: Ligand, pairs: list[Pair], *, element_changes: bool, hybridisation_changes: bool
) -> tuple[tuple[Pair, ...], tuple[Violation, ...]]:
    """The part of a map that keeps all rules, and what was broken on the way."""
    kept = keep_connected(a.mol, b.mol, pairs)
    broken: dict[str, Violation] = {}
    allowed = {
        rule for rule, there in (("element", element_changes), ("hybridisation", hybridisation_changes)) if there
    }
    while True:
        found = [
            violation
            for violation in violations(a.mol, b.mol, kept, positions=(a.positions, b.positions))
            if violation.rule not in allowed
        ]
        if not found:
            return tuple(sorted(kept)), tuple(broken.values())
        for violation in found:
            broken.setdefault(violation.words, violation)
        wrong = {pair for violation in found for pair in violation.pairs}
        kept = keep_connected(a.mol, b.mol, [pair for pair in kept if pair not in wrong])


def _inverted(
    a: Ligand, b: Ligand, core: tuple[Pair, ...], candidates: Iterable[tuple[Pair, ...]]
) -> tuple[Violation, ...]:
    """Stereocentres of the other hand whose atoms lie too far apart for the core, so that no rule was asked about them.

    Of the common parts that hold the core and more, the one that inverts the fewest counts.
    """
    fewest: tuple[Violation, ...] | None = None
    for wider in {tuple(sorted(each)) for each in candidates if len(each) > len(core) and set(core) <= set(each)}:
        here = violations(a.mol, b.mol, wider, positions=(a.positions, b.positions))
        found = tuple(each for each in here if each.centre and _is_stereocentre(a, b, each.centre))
        if fewest is None or len(found) < len(fewest):
            fewest = found
        if not fewest:
            break
    return fewest or ()


def _is_stereocentre(a: Ligand, b: Ligand, pair: Pair) -> bool:
    """Whether both atoms of a pair have a hand that the molecule's graph asks for, unlike the carbon of CHF2."""
    tags = a.mol.GetAtomWithIdx(pair[0]).GetChiralTag(), b.mol.GetAtomWithIdx(pair[1]).GetChiralTag()
    return Chem.ChiralType.CHI_UNSPECIFIED not in tags


def _rmsd(space: Floats, pairs: Iterable[Pair]) -> float:
    distances = [float(space[pair]) for pair in pairs]
    return float(np.sqrt(np.mean(np.square(distances)))) if distances else math.nan


def _finish(a: Ligand, b: Ligand, core: tuple[Pair, ...], broken: tuple[Violation, ...], space: Floats) -> AtomMap:
    pairs = tuple(sorted((*core, *_hydrogens(a.mol, b.mol, core, space))))
    edge, charge = edge_name(a.name, b.name), b.formal_charge - a.formal_charge
    reasons = [f"{_HEADS[each.rule]}: {each.words}" for each in broken]
    findings = [
        warned(
            f"map-{each.rule}",
            f"the largest common part {_HEADS[each.rule]}: {each.words}; these atoms are left out of the core",
            advice="look at the drawn map, or go through a ligand between the two",
            ligand=edge,
        )
        for each in broken
    ]
    if charge:
        reasons.append(f"the charge changes by {charge:+d}")
        findings.append(
            warned(
                "map-charge",
                f"the charge changes by {charge:+d} e along this edge",
                advice="expect larger errors; connect ligands of equal charge where the series allows it",
                ligand=edge,
            )
        )
    return AtomMap(
        reference=a.name,
        ligand=b.name,
        pairs=pairs,
        core=core,
        rmsd_nm=_rmsd(space, core),
        score=_score(a.mol, b.mol, core) * (_CHARGE_FACTOR if charge else 1.0),
        reasons=tuple(reasons),
        findings=tuple(findings),
    )


def _score(a: Chem.Mol, b: Chem.Mol, core: Iterable[Pair]) -> float:
    """A core atom that changes its element counts as half an atom outside."""
    same = [a.GetAtomWithIdx(i).GetAtomicNum() == b.GetAtomWithIdx(j).GetAtomicNum() for i, j in core]
    outside = a.GetNumHeavyAtoms() + b.GetNumHeavyAtoms() - 2 * len(same) + 0.5 * same.count(False)
    return math.exp(-_DECAY * outside)


def _no_core(a: Ligand, b: Ligand, count: int) -> AtomMap:
    message = f"{a.name} and {b.name} share {count or 'no'} heavy atoms in place; at least {_FEWEST} make a core"
    finding = failed(
        "no-common-core",
        message,
        advice="check that both poses are in one frame, or choose another edge",
        ligand=edge_name(a.name, b.name),
    )
    return AtomMap(
        reference=a.name,
        ligand=b.name,
        pairs=(),
        core=(),
        rmsd_nm=math.nan,
        score=0.0,
        reasons=(message,),
        findings=(finding,),
    )


def _hydrogens(a: Chem.Mol, b: Chem.Mol, core: Iterable[Pair], space: Floats) -> list[Pair]:
    """Hydrogens of core atoms, those of one heavy atom paired so that their distances are least."""
    found = []
    for i, j in core:
        left, right = _hydrogens_on(a, i), _hydrogens_on(b, j)
        if left and right:
            rows, columns = linear_sum_assignment(space[np.ix_(left, right)])
            found += [(left[row], right[column]) for row, column in zip(rows, columns, strict=True)]
    return found


def _hydrogens_on(mol: Chem.Mol, index: int) -> list[int]:
    return [n.GetIdx() for n in mol.GetAtomWithIdx(index).GetNeighbors() if n.GetAtomicNum() == 1]


def _nearest_pairs(a: Ligand, b: Ligand) -> list[Pair]:
    """Heavy atoms of both ligands paired so that the distances are least in all."""
    left, right = ([atom.GetIdx() for atom in ligand.mol.GetAtoms() if atom.GetAtomicNum() > 1] for ligand in (a, b))
    space = cdist(a.positions[left], b.positions[right])
    return [(left[i], right[j]) for i, j in zip(*linear_sum_assignment(space), strict=True)]


def _widest(x: Floats, y: Floats, pairs: list[Pair]) -> tuple[Pair, Pair, Pair] | None:
    """The three pairs that span the largest triangle in the ligand where it is smaller; None if they lie on a line."""
    best, area = None, 0.01  # nm^2: a right angle between two bonds has 0.011
    for n, first in enumerate(pairs):
        for m, second in enumerate(pairs[n + 1 :], n + 1):
            for third in pairs[m + 1 :]:
                here = min(
                    float(np.linalg.norm(np.cross(z[second[k]] - z[first[k]], z[third[k]] - z[first[k]]))) / 2
                    for k, z in ((0, x), (1, y))
                )
                if here > area:
                    best, area = (first, second, third), here
    return best


def scores_of(maps: Iterable[AtomMap]) -> Mapping[tuple[str, str], float]:
    """Scores of maps by pair of ligands, as :func:`bindfe.chem.network.plan_network` takes them."""
    return {(each.reference, each.ligand): each.score for each in maps}
