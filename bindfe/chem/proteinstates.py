"""Protonation of a protein's residues at a pH: propka's pKa, or states given by hand."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bindfe.chem.findings import Finding, passed, warned
from bindfe.chem.proteinfile import Site
from bindfe.errors import InputError, MissingDependency

_STATES = {
    "HIS": ("HID", "HIE", "HIP"),
    "ASP": ("ASP", "ASH"),
    "GLU": ("GLU", "GLH"),
    "LYS": ("LYS", "LYN"),
    "CYS": ("CYS", "CYX", "CYM"),
}
"""States that the force fields have, by residue; CYM is the thiolate."""

_NAMED = {name: name for name in ("HID", "HIE", "HIP", "ASH", "GLH", "LYN", "CYM", "CYX")} | {
    **{"HSD": "HID", "HSE": "HIE", "HSP": "HIP"},
}
"""Names of residues that say a state, with Amber's name of it."""

_BY_HAND = re.compile(
    r"^(?P<chain>[^:]*):(?P<residue>[A-Z]{3})(?P<number>-?\d+)(?P<insertion>[A-Z]?)=(?P<state>[A-Z]{3})$"
)
_NEAR = 1.0
"""pKa this close to the pH: both states are populated by more than 9 %."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResiduePka:
    """What propka says of one residue."""

    site: Site
    """Chain, number and insertion code."""
    residue: str
    """``ASP``, ``GLU``, ``HIS``, ``CYS``, ``TYR``, ``LYS`` or ``ARG``."""
    pka: float
    """pKa in the protein."""

    @property
    def label(self) -> str:
        """``A:HIS31``."""
        return f"{self.site[0]}:{self.residue}{self.site[1]}{self.site[2]}"


def predict_pka(pdb: str) -> tuple[ResiduePka, ...]:
    """PKa of the titratable side chains of a protein without hydrogens, by propka 3.

    The ligand is not in it: a residue that the ligand's binding would protonate is given by hand.

    Raises:
        InputError: propka fails with this structure.
        MissingDependency: propka is not installed.

    Source:
        Olsson, Sondergaard, Rostkowski and Jensen, J. Chem. Theory Comput. 7, 525 (2011), doi:10.1021/ct100578z.
    """
    try:
        from propka.run import single
    except ImportError as error:
        raise MissingDependency(
            f"receptor.protonation needs propka ({error}): pip install 'bindfe[protein]', or give the protein with "
            "its hydrogens and receptor.protonation: given"
        ) from error
    previous = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        molecule = single("protein.pdb", optargs=["--quiet"], stream=io.StringIO(pdb), write_pka=False)
    except Exception as error:  # propka asserts, and raises classes of its parser, about what it does not expect
        raise InputError(
            f"propka cannot tell the protein's protonation states: {type(error).__name__} {error}. Look at the "
            "coordinates, or give the protein with its hydrogens and receptor.protonation: given"
        ) from error
    finally:
        logging.disable(previous)
    groups = molecule.conformations["AVR"].get_titratable_groups()
    return tuple(
        ResiduePka(
            site=(group.atom.chain_id.strip(), int(group.atom.res_num), str(group.atom.icode).strip()),
            residue=str(group.residue_type),
            pka=float(group.pka_value),
        )
        for group in groups
        if group.residue_type in (*_STATES, "TYR", "ARG")
    )


def states_at(pkas: Sequence[ResiduePka], *, ph: float) -> tuple[dict[Site, str], tuple[Finding, ...]]:
    """States that differ from those at pH 7 in water, by residue, and what a user should know.

    A neutral histidine is not in it: which nitrogen carries its hydrogen follows from its hydrogen bonds.
    """
    states, findings = {}, []
    for each in pkas:
        protonated = each.pka > ph
        state = {
            ("ASP", True): "ASH",
            ("GLU", True): "GLH",
            ("HIS", True): "HIP",
            ("LYS", False): "LYN",
        }.get((each.residue, protonated))
        if state is not None:
            states[each.site] = state
            findings.append(passed("protein-protonation", f"{each.label} is {state}: pKa {each.pka:.1f} at pH {ph:g}"))
        elif each.residue in ("CYS", "TYR", "ARG") and not protonated:
            findings.append(
                warned(
                    "protein-protonation",
                    f"{each.label} has pKa {each.pka:.1f}, below pH {ph:g}, and is kept {_kept(each.residue)}",
                    advice="look at its surroundings",
                )
            )
        if each.residue in ("ASP", "GLU", "HIS", "LYS") and abs(each.pka - ph) < _NEAR:
            findings.append(
                warned(
                    "protein-protonation",
                    f"{each.label} has pKa {each.pka:.1f} at pH {ph:g}: both of its states are populated",
                    advice=f"if it is at the site, compare both, with receptor.states: ['{each.label}=...']",
                )
            )
    return states, tuple(findings)


def unlike_names(
    names: Mapping[Site, tuple[str, str]], states: Mapping[Site, str], pkas: Mapping[Site, float]
) -> tuple[Finding, ...]:
    """Residues whose name in the file says another state than the one that was built.

    Args:
        names: Name in the file and label of each residue.
        states: What was built, where a residue has several states.
        pkas: PKa of residues whose state it decided.
    """

    def by(site: Site, name: str) -> str:
        tautomers = {_NAMED.get(name), states[site]} <= {"HID", "HIE"}
        return f" (pKa {pkas[site]:.1f})" if site in pkas and not tautomers else ""

    return tuple(
        warned(
            "protein-protonation",
            f"{label} is built as {states[site]}{by(site, name)}, whatever its name says",
            advice="if the name is meant, give the state in receptor.states, or the file with all of its hydrogens",
        )
        for site, (name, label) in names.items()
        if site in states and _NAMED.get(name, states[site]) != states[site]
    )


def _kept(residue: str) -> str:
    return "protonated" if residue == "ARG" else "neutral"


def states_by_hand(
    texts: Sequence[str], residues: Mapping[Site, str], *, letters: Mapping[str, str] | None = None
) -> dict[Site, str]:
    """Read ``A:HIS31=HIE`` and the like.

    Args:
        texts: ``receptor.states`` of the protocol.
        residues: Standard name of every residue of the protein.
        letters: Letters that chains have in ``residues``, by their names in the file; a text may have either.

    Raises:
        InputError: One cannot be read, names no residue of the protein, or a state that the residue has not.
    """
    found = {}
    for text in texts:
        match = _BY_HAND.match(text)
        if match is None:
            raise InputError(f"receptor.states: '{text}' cannot be read; write chain, residue and state as A:HIS31=HIE")
        chain = (letters or {}).get(match["chain"], match["chain"])
        site = (chain, int(match["number"]), match["insertion"])
        there, state = residues.get(site), match["state"]
        if there != match["residue"]:
            raise InputError(
                f"receptor.states: '{text}': the protein has {there or 'no residue'} at "
                f"{match['chain']}:{match['number']}{match['insertion']}"
            )
        if state not in _STATES.get(match["residue"], ()):
            known = ", ".join(_STATES.get(match["residue"], ())) or "none to choose from"
            raise InputError(f"receptor.states: '{text}': the states of {there} are {known}")
        found[site] = state
    return found
