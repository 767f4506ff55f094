"""Student-t distributions over arrays: quantiles, probabilities, CRPS."""

from __future__ import annotations

import numpy as np
from scipy import special

from bindfe.results import Floats

_NORMAL = 1e4
"""Degrees of freedom from which a t is taken as normal."""


def t_cdf(z: Floats, degrees: Floats) -> Floats:
    """P(T <= z) of a standard t with ``degrees`` degrees of freedom."""
    finite = np.where(np.isfinite(degrees), degrees, _NORMAL)
    return np.where(finite >= _NORMAL, special.ndtr(z), special.stdtr(finite, z))


def t_quantile(probability: float, degrees: Floats) -> Floats:
    """Quantile of a standard t."""
    finite = np.where(np.isfinite(degrees), degrees, _NORMAL)
    return np.where(finite >= _NORMAL, special.ndtri(probability), special.stdtrit(finite, probability))


def t_logpdf(z: Floats, degrees: Floats) -> Floats:
    """Log density of a standard t."""
    nu = np.minimum(degrees, _NORMAL)
    return (
        special.gammaln((nu + 1) / 2)
        - special.gammaln(nu / 2)
        - 0.5 * np.log(np.pi * nu)
        - (nu + 1) / 2 * np.log1p(z**2 / nu)
    )


def t_crps(z: Floats, degrees: Floats) -> Floats:
    """Continuous ranked probability score of a standard t at z; times the scale, in its unit.

    Source:
        Jordan, Krueger, Lerch, J. Stat. Softw. 90(12) (2019), doi:10.18637/jss.v090.i12, appendix A.
    """
    nu = np.clip(degrees, 1.001, _NORMAL)
    constant = 2 * np.sqrt(nu) / (nu - 1) * special.beta(0.5, nu - 0.5) / special.beta(0.5, nu / 2) ** 2
    density = np.exp(t_logpdf(z, nu))
    return z * (2 * t_cdf(z, nu) - 1) + 2 * density * (nu + z**2) / (nu - 1) - constant


def sd_factor(degrees: Floats) -> Floats:
    """Standard deviation of a t of scale 1; infinite for two degrees or fewer."""
    finite = np.where(np.isfinite(degrees), degrees, _NORMAL)
    return np.where(finite > 2, np.sqrt(finite / np.where(finite > 2, finite - 2, 1.0)), np.inf)
