"""The door to every committee: a name, files, or calculators become something that gives energies and forces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bindfe.mlip.catalogue import check_covers
from bindfe.mlip.committee import Committee


def open_committee(
    model: str | Sequence[str | Path],
    *,
    numbers: Sequence[int],
    charge: int = 0,
    multiplicity: int = 1,
    members: Sequence[int] | None = None,
    threads: int = 1,
) -> Committee:
    """Open a committee of potentials for one molecule; a molecule outside the model is refused first.

    Args:
        model: A name of the catalogue, for example ``ani2x``.
        numbers: Atomic number of each atom of the molecule, (N,).
        charge: Formal charge of the molecule [e].
        multiplicity: 2S + 1; 1 is a closed shell.
        members: Which members to keep, by number; all by default.
        threads: Threads that torch uses in this process from now on.

    Returns:
        Energies of all members and forces of their mean, in kJ/mol and nm. It pickles as a handle: where it
        is opened, the weights are found again.

    Raises:
        InputError: The model does not cover the molecule (the message names the atoms), is not known, or does
            not have such a member.
        MissingDependency: A package or the weights are absent, or the weights are not those of the model.
    """
    if not isinstance(model, str):
        model = ",".join(str(path) for path in model)
    check_covers(model, numbers, charge=charge)
    from bindfe.mlip.ani import AniCommittee

    return AniCommittee(model, numbers=numbers, charge=charge, members=members, threads=threads)
