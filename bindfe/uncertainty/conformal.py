"""The finite-sample layer: quantiles of out-of-fold studentised residuals, proteins as folds.

What each route promises, for a new protein exchangeable with those fitted on:

* ``hierarchical`` (Lee, Barber, Willett, arXiv:2306.06342): each of K proteins has weight 1/(K + 1) and the
  unseen one sits at infinity: a random calculation of a new protein is covered with 1 - alpha (1 - 2 alpha at
  worst since the scores are out-of-fold, Barber et al., Ann. Stat. 49, 486 (2021)). Finite only with
  K >= 1/alpha - 1 proteins: 9 for 90 %, 19 for 95 %.
* ``pooled``: each calculation has the same weight. Covers calculations rather than proteins; no guarantee
  under dependence within a protein, but measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bindfe.results import Floats


def hierarchical_quantile(scores: Floats, groups: NDArray[np.str_], coverage: float) -> float:
    """Quantile of absolute scores with every group weighing the same and one group unseen.

    Args:
        scores: Absolute studentised residuals, out of fold, (N,).
        groups: Protein of each, (N,).
        coverage: Between 0 and 1.

    Returns:
        The multiple of the scale; infinite with too few groups.
    """
    names, place, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weight = 1.0 / (counts[place] * (len(names) + 1))
    order = np.argsort(scores, kind="stable")
    reached = np.searchsorted(np.cumsum(weight[order]), coverage - 1e-12)
    return float(scores[order[reached]]) if reached < len(scores) else math.inf


def pooled_quantile(scores: Floats, coverage: float) -> float:
    """The ceil((N + 1) coverage)-th smallest absolute score; infinite if N is too small."""
    rank = math.ceil((len(scores) + 1) * coverage - 1e-9)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else math.inf


def groups_needed(coverage: float) -> int:
    """Proteins from which the hierarchical interval at ``coverage`` is finite."""
    return math.ceil(coverage / (1 - coverage) - 1e-9)


def fold_of_groups(groups: Sequence[str], n_folds: int) -> NDArray[np.int64]:
    """Fold of each calculation: whole proteins, dealt largest first to the emptiest fold.

    The same groups give the same folds, in whatever order the rows come.
    """
    names, place, counts = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    filled = np.zeros(min(n_folds, len(names)), dtype=int)
    fold = np.zeros(len(names), dtype=int)
    for group in np.lexsort((names, -counts)):
        fold[group] = int(np.argmin(filled))
        filled[fold[group]] += counts[group]
    return fold[place]
