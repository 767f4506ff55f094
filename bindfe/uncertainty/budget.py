"""The parts of a calculation's own error, and the prediction that they allow without a calibrator.

A component holds the standard deviation of its predictive t distribution, not the t scale: scale times
sqrt(nu / (nu - 2)). So the components' squares sum to the square of ``Prediction.standard_error_kcal_mol``.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from bindfe.results import BindingEstimate, Component, ComponentKind, Prediction, UncertaintyBudget
from bindfe.uncertainty.committee import excess_variance, predictive_factor
from bindfe.uncertainty.resample import VariancePrior, moderated_variance

UNMIXED_PRIOR = VariancePrior(inflation=7.0)
"""For replicas that never went from end to end and back. Over 1,183 public relative edges the 95 % interval of
MBAR errors held another repeat 54 % of the time: errors 1.96/0.74 = 2.6 times too small, variances 7 times."""

UNIDIRECTIONAL = (
    "none: the committee's members were reweighted from frames that they did not drive (unidirectional), and a mode "
    "that no frame visited would not show"
)
"""What an interval with a one-sided part promises."""

_FEWEST_DEGREES = 3.0
"""A t with two degrees or fewer has no standard deviation."""

_CONFLICT = 0.01
"""Chance of so wide a spread of repeats, under the prior, below which the bootstrap is refuted."""


def budget(binding: BindingEstimate, *, prior: VariancePrior | None = None) -> UncertaintyBudget:
    """All parts of the error that a calculation can see in itself: sampling, committee, analytic.

    Args:
        binding: The closed cycle.
        prior: What bootstrap errors are worth; None for the cautious default.

    Returns:
        The budget; no committee line without at least two members.
    """
    parts = (sampling_component(binding, prior=prior), committee_component(binding), analytic_component(binding))
    return UncertaintyBudget(components=tuple(part for part in parts if part is not None))


def sampling_component(binding: BindingEstimate, *, prior: VariancePrior | None = None) -> Component:
    """Error of the mean over repeats, from their spread and their bootstrap errors.

    With b^2 the mean bootstrap variance and s^2 the variance between R repeats::

        v       = max(b^2, moderated(s^2 with R - 1 degrees, prior inflation b^2 with d0 degrees))
        scale^2 = v / R,  nu = d0 + R - 1

    A single repeat has no spread: the bootstrap stands alone with d0 degrees, so by default its 95 % interval
    is +- 2.78 b and not 1.96 b. Repeats that disagree so much that the prior gives them a chance below 1 %
    (F test) refute the bootstrap: one of them is trapped where the others are not. Then the spread stands
    alone, with R - 1 degrees; shrinking it would make the interval 1.7 times too narrow. Where a leg's replicas
    made no journey from end to end and back, its bootstrap saw no slow motion: see ``UNMIXED_PRIOR``.

    Args:
        binding: The closed cycle.
        prior: What bootstrap errors are worth; None for the cautious default: 4 degrees, or ``UNMIXED_PRIOR``
            without round trips.

    Returns:
        The component; its standard error is the predictive one.
    """
    unmixed = binding.round_trips == 0
    prior = (UNMIXED_PRIOR if unmixed else VariancePrior()) if prior is None else prior
    repeats, n = binding.delta_g_repeats, len(binding.delta_g_repeats)
    bootstrap = float(np.mean(binding.bootstrap_errors**2))
    spread = float(np.var(repeats, ddof=1)) if n > 1 else 0.0
    words = f"{n} repeats with sd {np.sqrt(spread):.2f}" if n > 1 else "a single repeat"
    words = f"{words} and bootstrap errors of {np.sqrt(bootstrap):.2f} kcal/mol each"
    if n > 1 and _refutes(spread, n - 1, prior=prior, bootstrap=bootstrap):
        variance, degrees = spread, n - 1.0
        words = f"{words}: the repeats disagree beyond their errors, so only their spread counts"
    else:
        moderated = moderated_variance(repeats, prior.inflation * bootstrap, prior.degrees)
        variance, degrees = max(bootstrap, moderated), prior.degrees + n - 1
        if unmixed and prior is UNMIXED_PRIOR:
            factor = np.sqrt(prior.inflation)
            words = f"{words}, taken {factor:.1f} times larger because no replica went from end to end and back"
    return _component("sampling", scale=float(np.sqrt(variance / n)), degrees=degrees, explanation=words)


def _refutes(spread: float, degrees: int, *, prior: VariancePrior, bootstrap: float) -> bool:
    """Whether repeats with variance ``spread`` are too unlikely under the prior."""
    if bootstrap == 0:
        return spread > 0
    ratio = spread / (prior.inflation * bootstrap)
    known = np.isinf(prior.degrees)
    chance = stats.chi2.sf(ratio * degrees, degrees) if known else stats.f.sf(ratio, degrees, prior.degrees)
    return bool(chance < _CONFLICT)


def _component(kind: ComponentKind, *, scale: float, degrees: float, explanation: str) -> Component:
    """A component from the scale of a t; below 3 degrees it takes 3 and the 95 % half-width of ``degrees``."""
    kept = max(degrees, _FEWEST_DEGREES)
    widening = float(stats.t.ppf(0.975, degrees) / stats.t.ppf(0.975, kept)) if kept > degrees else 1.0
    return Component(
        kind=kind,
        standard_error_kcal_mol=scale * widening * _sd_of_t(kept),
        degrees_of_freedom=kept,
        explanation=explanation,
    )


def committee_component(binding: BindingEstimate) -> Component | None:
    """Disagreement of the committee about delta_g, less what sampling noise adds to it.

    ::

        s^2     = Var_m(delta_g_m; ddof 1) - M/(M - 1) mean_m(error_m^2)
        scale^2 = s^2 (1 + 1/(alpha^2 M)),  nu = M - 1

    The members were rescaled by alpha; the truth is one more draw beside them, whose mean is the value. Two or
    three members have no finite standard deviation: they get nu = 3 and the 95 % half-width of M - 1 degrees.

    Args:
        binding: The closed cycle.

    Returns:
        The component, or None with fewer than two members. Zero if sampling noise explains the spread.
    """
    n = len(binding.delta_g_members)
    if n < 2:
        return None
    excess = max(0.0, excess_variance(binding.delta_g_members, binding.member_errors))
    noise = float(np.sqrt(n / (n - 1) * np.mean(binding.member_errors**2)))
    route = binding.committee
    words = f"spread of {n} members, less the sampling noise of {noise:.2f} kcal/mol in it"
    if route is not None:
        words += f" ({route.route}{'' if route.trusted else ', which the gates do not trust'})"
    alpha = route.alpha if route else 1.0
    if alpha != 1.0:
        words += f", members rescaled by {alpha:.2f}"
    return _component(
        "committee",
        scale=float(np.sqrt(excess * predictive_factor(n, alpha=alpha))),
        degrees=n - 1.0,
        explanation=words,
    )


def analytic_component(binding: BindingEstimate) -> Component | None:
    """The terms that are integrals: no error, but a line that says so; None if there are none."""
    names = [term.name for term in binding.terms if term.standard_error_kcal_mol == 0]
    if not names:
        return None
    return Component(
        kind="analytic",
        standard_error_kcal_mol=0.0,
        degrees_of_freedom=float("inf"),
        explanation=f"{', '.join(names)}: known to quadrature precision",
    )


def predict(
    binding: BindingEstimate, parts: UncertaintyBudget, *, fingerprint: str = "", target: str = ""
) -> Prediction:
    """A prediction from a calculation alone, without a calibrator.

    The predictive distribution is a t about delta_g with the budget's degrees of freedom (Welch and
    Satterthwaite) and standard deviation.

    Args:
        binding: The closed cycle.
        parts: Its budget.
        fingerprint: Identity of the calculation.
        target: Receptor or series.

    Returns:
        A prediction with ``calibrated`` False and a guarantee that names what is left out.
    """
    degrees = parts.degrees_of_freedom
    first, _, last = binding.ligand.rpartition("~")  # no ligand's name holds a tilde
    paired = binding.quantity == "relative" and bool(first)
    return Prediction(
        ligand=last if paired else binding.ligand,
        reference=first if paired else None,
        target=target,
        quantity=binding.quantity,
        raw_kcal_mol=binding.delta_g_kcal_mol,
        location_kcal_mol=binding.delta_g_kcal_mol,
        scale_kcal_mol=parts.standard_error_kcal_mol / _sd_of_t(degrees),
        degrees_of_freedom=degrees,
        calibrated=False,
        unidirectional=is_unidirectional(binding),
        guarantee=UNIDIRECTIONAL if is_unidirectional(binding) else _guarantee(parts),
        budget=parts,
        fingerprint=fingerprint,
        warnings=(*binding.warnings, *_warnings(binding)),
    )


def is_unidirectional(binding: BindingEstimate) -> bool:
    """Whether a part of the value or of its error rests on frames of one end only."""
    return binding.committee is not None and binding.committee.unidirectional


def _sd_of_t(degrees: float) -> float:
    """Standard deviation of a t distribution of scale 1."""
    return 1.0 if np.isinf(degrees) else float(np.sqrt(degrees / (degrees - 2)))


def _guarantee(parts: UncertaintyBudget) -> str:
    seen = "sampling and committee" if parts.component("committee") else "sampling"
    missing = "model error and assay error" if parts.component("committee") else "committee, model and assay error"
    return f"{seen} only: no calibrator was given; {missing} are not included"


def _warnings(binding: BindingEstimate) -> list[str]:
    found = []
    if len(binding.delta_g_repeats) == 1:
        found.append("one repeat: what its bootstrap cannot see is only allowed for by a wider interval; run two more")
    if len(binding.delta_g_members) == 1:
        found.append("a committee of one member says nothing about the model's error")
    return found
