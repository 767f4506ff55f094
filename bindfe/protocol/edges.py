"""Settings of relative calculations: which pairs of ligands, and what holds two ligands alike."""

from __future__ import annotations

from typing import Literal

from bindfe.protocol.fields import Energy, Length, Section, Spring, quantity, setting


class EdgeSettings(Section):
    """Pairs of ligands whose difference is calculated, instead of each ligand's own value."""

    network: Literal["none", "minimum-spanning", "redundant", "star", "given"] = setting(
        "none", "which pairs; none: each ligand's own delta_g", physics=False
    )
    pairs: tuple[tuple[str, str], ...] = setting(
        (), "edges of a given network as [first, second]: delta_g(second) - delta_g(first)", physics=False
    )
    centre: str = setting("", "ligand in the centre of a star; the one most alike all others if empty", physics=False)
    position_spring: Spring = quantity(
        "5 kcal/mol/A^2", "kcal/mol/A^2", "k of U = k/2 |d|^2 that keeps the two ligands one displacement apart"
    )
    direction_spring: Energy = quantity(
        "20 kcal/mol", "kcal/mol", "K of U = K (1 - cos) that keeps each of two directions alike", gt=0
    )
    clearance: Length = quantity(
        "15 A", "A", "least distance of the ligand in bulk from the receptor and all images (explicit)", gt=0
    )
    pocket: Length = quantity(
        "0 A", "A", "a protein is cut to residues so close to a ligand, and its CA atoms are held; 0: the whole protein"
    )
    pocket_spring: Spring = quantity("2 kcal/mol/A^2", "kcal/mol/A^2", "spring that holds each CA atom of a cut pocket")
