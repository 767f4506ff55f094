"""How ``bindfe prepare`` shows metal complexes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from bindfe.campaign.catalysts import PreparedCatalyst


def catalyst_table(catalysts: Sequence[PreparedCatalyst]) -> Table:
    """Atoms, seconds, energy after minimisation, bonds at the metal, and what the steps of dynamics did to them."""
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for title in ("catalyst", "atoms", "seconds", "minimised kJ/mol", "steps", "K", "bonds [A]"):
        left = title[0] in "cb"
        table.add_column(title, justify="left" if left else "right", overflow="fold", no_wrap=title[0] == "b")
    for each in catalysts:
        seconds = each.seconds_relaxed + each.seconds_built + (each.trial.seconds if each.trial else 0.0)
        table.add_row(
            each.catalyst,
            f"{each.complex_atoms} of {each.n_atoms}",
            f"{seconds:.0f} kept" if each.kept else f"{seconds:.0f}",
            f"{each.energy:.0f}",
            str(each.trial.steps) if each.trial else "",
            f"{each.trial.temperature:.0f}" if each.trial else "",
            _bonds(each),
        )
    return table


def _bonds(each: PreparedCatalyst) -> str:
    """Relaxed, and the mean over the second half of the steps, a line for each donor."""
    after = each.trial.mean_lengths if each.trial else ()
    words = [f"{symbol} {10 * length:.2f}" for symbol, length in zip(each.donors, each.lengths, strict=True)]
    ends = [f" to {10 * length:.2f}" for length in after] or [""] * len(words)
    return "\n".join(word + end for word, end in zip(words, ends, strict=True))
