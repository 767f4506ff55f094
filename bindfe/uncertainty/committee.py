"""A committee's spread about delta_g: less its sampling noise, rescaled on a hold-out, shared between ligands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bindfe.errors import EstimateError, InputError
from bindfe.results import BindingEstimate

Floats = NDArray[np.float64]

_FEWEST_MEMBERS_OF_ALPHA = 4


def excess_variance(members: ArrayLike, errors: ArrayLike) -> float:
    """Variance between members less what sampling noise adds to it; may be negative.

    ::

        s^2 = Var_m(delta_g_m; ddof 1) - M/(M - 1) mean_m(error_m^2)

    Its mean over many ligands is right because it is not clipped; clip it where a single one is shown.

    Args:
        members: delta_g of each member [kcal/mol], (M,).
        errors: Standard error of each member's difference from the mean of all [kcal/mol], (M,).

    Returns:
        s^2 [kcal^2/mol^2].

    Raises:
        EstimateError: Fewer than two members.
    """
    values, noise = np.asarray(members, dtype=float), np.asarray(errors, dtype=float)
    n = len(values)
    if n < 2:
        raise EstimateError(f"{n} member: a spread needs at least two")
    return float(np.var(values, ddof=1) - n / (n - 1) * np.mean(noise**2))


def predictive_factor(n_members: int, *, alpha: float = 1.0) -> float:
    """Variance of the truth about the members' mean over the variance between rescaled members.

    With members of variance s^2 and a truth of variance (alpha s)^2 about one centre, the truth lies
    (alpha^2 + 1/M) s^2 from the members' mean, and rescaled members spread over (alpha s)^2::

        (alpha^2 + 1/M) / alpha^2 = 1 + 1/(alpha^2 M)
    """
    return 1.0 + 1.0 / (alpha**2 * n_members)


def committee_covariance(estimates: Sequence[BindingEstimate]) -> Floats:
    """Covariance of ligands' errors that a committee's members share.

    ::

        C_ij = (1 + 1/(alpha^2 M)) / (M - 1) sum_m (g_im - g_i)(g_jm - g_j),   less the noise on the diagonal

    Members that err alike on two ligands leave the difference right: Var(i - j) = C_ii + C_jj - 2 C_ij.

    Args:
        estimates: Ligands of one run, whose members are the same potentials.

    Returns:
        The covariance [kcal^2/mol^2], (L, L); the diagonal is not clipped.

    Raises:
        EstimateError: No members, or other numbers of them or another alpha.
    """
    sizes = {(len(each.delta_g_members), each.committee.alpha if each.committee else 1.0) for each in estimates}
    if len(sizes) != 1 or min(sizes)[0] < 2:
        raise EstimateError(f"ligands need one committee of at least two members, found (members, alpha) {sizes}")
    ((n, alpha),) = sizes
    values = np.array([each.delta_g_members for each in estimates])
    noise = np.array([np.sum(each.member_errors**2) / (n - 1) for each in estimates])
    return np.asarray((np.cov(values).reshape(len(values), -1) - np.diag(noise)) * predictive_factor(n, alpha=alpha))


@dataclass(frozen=True, kw_only=True, slots=True)
class Rescaling:
    """How much wider a committee must spread so that its spread is the size of its error."""

    alpha: float
    """Factor on V_m - Vm, > 0."""
    n_values: int
    """Values of the hold-out."""
    warnings: tuple[str, ...] = ()
    """What a user should know, in plain words."""


def fit_rescaling(members: ArrayLike, truth: ArrayLike) -> Rescaling:
    """Fit alpha on values that nothing was trained on: one for energy differences, another for forces.

    With the members' mean m and variance s^2 (ddof 1) for each value y::

        alpha^2 = -1/M + (M - 3)/(M - 1) < (y - m)^2 / s^2 >

    from E[1/s^2] = (M - 1)/(M - 3) / sigma^2 for normal members and E[(y - m)^2] = (alpha^2 + 1/M) sigma^2.

    Args:
        members: Predictions of the members, (M, n): energy differences (not total energies: a constant
            of a member is no error), or force components.
        truth: Reference values, (n,), in the same unit.

    Returns:
        The rescaling; alpha 1 with a warning where the estimate is not positive.

    Raises:
        InputError: Fewer than four members, no values, shapes that differ, or members that agree exactly.

    Source:
        Musil et al., J. Chem. Theory Comput. 15, 906 (2019), doi:10.1021/acs.jctc.8b00959; Imbalzano et al.,
        J. Chem. Phys. 154, 074102 (2021), doi:10.1063/5.0036522. The derivation above is our own.
    """
    values, reference = np.asarray(members, dtype=float), np.asarray(truth, dtype=float)
    if values.ndim != 2 or reference.shape != values.shape[1:] or not reference.size:
        raise InputError(
            f"members of shape {values.shape} and reference values of shape {reference.shape}: (M, n), (n,) needed"
        )
    n = len(values)
    if n < _FEWEST_MEMBERS_OF_ALPHA:
        raise InputError(f"{n} members: alpha needs at least {_FEWEST_MEMBERS_OF_ALPHA}; its mean is infinite below")
    variance = values.var(axis=0, ddof=1)
    if np.any(variance == 0):
        raise InputError("members that agree exactly on a value cannot be rescaled: leave that value out")
    square = -1 / n + (n - 3) / (n - 1) * float(np.mean((reference - values.mean(axis=0)) ** 2 / variance))
    if square <= 0:
        text = (
            f"the members' mean is nearer to {reference.size} reference values than their spread allows for "
            f"(alpha^2 = {square:.2f}): alpha 1 is used"
        )
        return Rescaling(alpha=1.0, n_values=reference.size, warnings=(text,))
    return Rescaling(alpha=float(np.sqrt(square)), n_values=reference.size)


def rescale(members: ArrayLike, *, alpha: float) -> Floats:
    """V'_m = Vm + alpha (V_m - Vm), over the first axis."""
    values = np.asarray(members, dtype=float)
    mean = values.mean(axis=0)
    return np.asarray(mean + alpha * (values - mean))
