"""From legs and corrections to a binding free energy whose terms sum to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bindfe.errors import EstimateError
from bindfe.estimate.correction import standard_state_correction, symmetry_correction
from bindfe.results import BindingEstimate, CommitteeRoute, Floats, LegEstimate, Term
from bindfe.states import LegKind, Restraint
from bindfe.units import KJ_PER_KCAL, kt_to_kcal

Method = Literal["decouple", "transfer", "analytic", "hydration", "relative"]

_LEGS: dict[Method, dict[LegKind, tuple[float, str]]] = {
    "decouple": {
        LegKind.SOLVENT: (1.0, "the ligand is decoupled from bulk solvent"),
        LegKind.COMPLEX: (-1.0, "the decoupled, restrained ligand is coupled to the site and the restraint let go"),
    },
    "transfer": {LegKind.TRANSFER: (1.0, "the restrained ligand is carried from bulk solvent into the site")},
    "relative": {LegKind.RELATIVE: (1.0, "the first ligand leaves the site for bulk while the second takes its place")},
    "analytic": {LegKind.COMPLEX: (-1.0, "the restrained particle is coupled to its well and the restraint let go")},
    "hydration": {
        LegKind.VACUUM: (1.0, "in the gas, the ligand's charges are switched off"),
        LegKind.SOLVENT: (-1.0, "in water, the ligand without charges is coupled and its charges switched on"),
    },
}

_QUANTITIES: dict[Method, Literal["relative", "hydration"]] = {"hydration": "hydration", "relative": "relative"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Correction:
    """A further edge of the cycle, such as force field to learned potential, with its committee."""

    name: str
    """For example ``ML/MM``."""
    explanation: str
    """One sentence for the report."""
    delta_g_kcal_mol: tuple[float, ...]
    """What it adds to delta_g [kcal/mol]: one value for each repeat, or one for all, (R,) or (1,)."""
    standard_errors_kcal_mol: tuple[float, ...]
    """Statistical standard errors [kcal/mol], as long as the values."""
    members_kcal_mol: tuple[float, ...] = ()
    """The same under each committee member, pooled over repeats [kcal/mol], (M,)."""
    member_errors_kcal_mol: tuple[float, ...] = ()
    """Standard error of each member's difference from the mean of all [kcal/mol], (M,)."""
    committee: CommitteeRoute | None = None
    """How the members' values were found; None without them."""


def close_cycle(
    legs: Sequence[LegEstimate],
    *,
    ligand: str,
    temperature: float,
    method: Method,
    restraint: Restraint | None,
    n_equivalent: int = 1,
    corrections: Sequence[Correction] = (),
) -> BindingEstimate:
    """Close the cycle: delta_g = G(bound) - G(unbound at 1 mol/L); negative binds.

    ``decouple``; both legs run from coupled to decoupled, the restraint is on at the complex leg's end::

        receptor + ligand   --- solvent leg --->   receptor + decoupled ligand, 1 mol/L
              |                                        |  - release (imposing costs free energy)
              | delta_g                                v
              v                                    receptor with restrained, decoupled ligand
        bound complex       --- complex leg --->       |  (the same state)

        delta_g = solvent leg - release - complex leg - kT ln n

    ``transfer``; the leg runs from the restrained ligand in bulk to the bound one::

        delta_g = - release + transfer leg - kT ln n

    ``relative``; the leg runs from the first ligand bound and the second in bulk to the reverse, so that delta_g is
    the second's less the first's, and what holds them alike cancels between its ends::

        delta_delta_g = relative leg

    ``analytic``: a decoupled cycle whose ligand, a particle without surroundings, has no solvent leg.

    ``hydration``: delta_g = G(water) - G(gas), both at 1 mol/L, so that no standard-state term is due. Charges are
    annihilated in both legs, the ligand's own included; Lennard-Jones terms inside the ligand stay in both::

        gas        --- vacuum leg --->    gas, no charges
          |                                 |  0: nothing else acts on the decoupled ligand
          | delta_g                         v
          v                               in water, no charges, decoupled
        in water   --- solvent leg --->     (the same state)

        delta_g = vacuum leg - solvent leg

    In a transfer the bound state is what the restraint's well holds if it is still on in the last state. "Release" is
    ``standard_state_correction``, negative as a rule. Repeat r of one leg pairs with repeat r of the other.

    Args:
        legs: Each leg of the method once for each repeat, in any order.
        ligand: Name of the ligand.
        temperature: Temperature of the legs [K].
        method: Which cycle.
        restraint: What holds the non-interacting ligand; None if the legs start and end at 1 mol/L.
        n_equivalent: Equivalent poses that the restraint shut out, see ``symmetry_correction``.
        corrections: Further edges. One that is shared by all repeats has its error multiplied by the root of
            their number in ``bootstrap_errors``, so that the mean over repeats keeps it whole.

    Returns:
        The estimate; its terms sum to ``delta_g_kcal_mol``.

    Raises:
        EstimateError: A leg is missing, comes twice for one repeat, or does not belong to the method; a
            correction has a wrong number of values; two corrections have members.
        RestraintError: The restraint has no well-defined free energy.
    """
    edges = [*_leg_edges(legs, method, temperature), *_correction_edges(corrections, _n_repeats(legs))]
    terms = (*(edge.term() for edge in edges), *_analytic_terms(restraint, n_equivalent, temperature))
    fixed = sum(term.delta_g_kcal_mol for term in terms[len(edges) :])
    delta_g = sum(term.delta_g_kcal_mol for term in terms)
    members, member_errors = _members(corrections, delta_g)
    return BindingEstimate(
        ligand=ligand,
        temperature=temperature,
        delta_g_kcal_mol=delta_g,
        terms=terms,
        delta_g_repeats=np.sum([edge.values for edge in edges], axis=0) + fixed,
        bootstrap_errors=np.sqrt(np.sum([edge.errors**2 for edge in edges], axis=0)),
        delta_g_members=members,
        member_errors=member_errors,
        committee=next((each.committee for each in corrections if each.members_kcal_mol), None),
        quantity=_QUANTITIES.get(method, "absolute"),
        round_trips=_round_trips(legs),
        warnings=tuple(dict.fromkeys(warning for leg in legs for warning in leg.warnings)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Edge:
    """One sampled edge with the sign with which it enters delta_g [kcal/mol]; arrays are (R,)."""

    name: str
    explanation: str
    values: Floats
    errors: Floats

    def term(self) -> Term:
        """The edge averaged over repeats."""
        return Term(
            name=self.name,
            delta_g_kcal_mol=float(self.values.mean()),
            standard_error_kcal_mol=float(np.sqrt(np.sum(self.errors**2)) / len(self.errors)),
            explanation=self.explanation,
        )


def _round_trips(legs: Sequence[LegEstimate]) -> int | None:
    """Fewest journeys of any leg and repeat among those whose replicas were exchanged at all."""
    exchanged = [leg.mixing.round_trips for leg in legs if np.any(np.diag(leg.mixing.transitions) < 1.0)]
    return min(exchanged, default=None)


def _n_repeats(legs: Sequence[LegEstimate]) -> int:
    return len({leg.repeat for leg in legs})


def _leg_edges(legs: Sequence[LegEstimate], method: Method, temperature: float) -> list[_Edge]:
    wanted = sorted((kind, repeat) for kind in _LEGS[method] for repeat in {leg.repeat for leg in legs})
    found = sorted((leg.kind, leg.repeat) for leg in legs)
    if not legs or found != wanted:
        kinds = " and ".join(kind.value for kind in _LEGS[method])
        raise EstimateError(
            f"method '{method}' needs one {kinds} leg for each repeat, found "
            f"{', '.join(f'{kind.value} {repeat}' for kind, repeat in found) or 'none'}: run what is missing"
        )
    edges = []
    for kind, (sign, explanation) in _LEGS[method].items():
        chosen = sorted((leg for leg in legs if leg.kind == kind), key=lambda leg: leg.repeat)
        values = np.array([sign * kt_to_kcal(leg.delta_f, temperature) for leg in chosen])
        errors = np.array([kt_to_kcal(leg.bootstrap_error, temperature) for leg in chosen])
        edges.append(_Edge(name=kind.value, explanation=explanation, values=values, errors=errors))
    return edges


def _correction_edges(corrections: Sequence[Correction], n_repeats: int) -> list[_Edge]:
    edges = []
    for correction in corrections:
        count = len(correction.delta_g_kcal_mol)
        if count not in (1, n_repeats) or len(correction.standard_errors_kcal_mol) != count:
            raise EstimateError(
                f"correction '{correction.name}' has {count} values; 1 or {n_repeats}, with errors, needed"
            )
        shared = np.sqrt(n_repeats / count)
        edges.append(
            _Edge(
                name=correction.name,
                explanation=correction.explanation,
                values=np.broadcast_to(np.array(correction.delta_g_kcal_mol), (n_repeats,)),
                errors=np.broadcast_to(np.array(correction.standard_errors_kcal_mol) * shared, (n_repeats,)),
            )
        )
    return edges


def _analytic_terms(restraint: Restraint | None, n_equivalent: int, temperature: float) -> list[Term]:
    terms = []
    if restraint is not None:
        imposing = -standard_state_correction(restraint, temperature=temperature) / KJ_PER_KCAL
        terms.append(
            Term(
                name="standard state",
                delta_g_kcal_mol=imposing,
                standard_error_kcal_mol=0.0,
                explanation="the restraint is imposed on a non-interacting ligand at 1 mol/L",
            )
        )
    if n_equivalent != 1:
        terms.append(
            Term(
                name="symmetry",
                delta_g_kcal_mol=symmetry_correction(n_equivalent, temperature=temperature) / KJ_PER_KCAL,
                standard_error_kcal_mol=0.0,
                explanation=f"{n_equivalent} equivalent poses, of which the restraint allowed one",
            )
        )
    return terms


def _members(corrections: Sequence[Correction], delta_g: float) -> tuple[Floats, Floats]:
    """delta_g under each member, and the error of its difference from the mean [kcal/mol], both (M,)."""
    with_members = [correction for correction in corrections if correction.members_kcal_mol]
    if len(with_members) > 1:
        names = ", ".join(correction.name for correction in with_members)
        raise EstimateError(f"corrections {names} each have members; combine them member by member first")
    if not with_members:
        return np.zeros(0), np.zeros(0)
    (only,) = with_members
    rest = delta_g - float(np.mean(only.delta_g_kcal_mol))
    return rest + np.array(only.members_kcal_mol), np.array(only.member_errors_kcal_mol)
