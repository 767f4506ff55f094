"""The door to every committee: a name, files, or a calculator become something that gives energies and forces."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bindfe.errors import InputError
from bindfe.mlip.catalogue import Model, check_covers, check_electrons, model_named
from bindfe.mlip.committee import Committee
from bindfe.mlip.weights import required_file

logger = logging.getLogger(__name__)

_PIN = "#sha256="


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
        model: A name of the catalogue (``ani2x``, ``aimnet2``, ``gfn2-xtb``, ...), a MACE file
            (``mace:FILE#sha256=...``), an ASE calculator (``ase:MODULE:FUNCTION``), or several files or several
            calculators, each a member. A MACE file is a pickle, which can run code when it is opened: the
            checksum is the statement that the file is trusted.
        numbers: Atomic number of each atom of the molecule, (N,).
        charge: Formal charge of the molecule [e].
        multiplicity: 2S + 1; 1 is a closed shell.
        members: Which members to keep, by number; all by default.
        threads: Threads that torch uses in this process from now on.

    Returns:
        Energies of all members and forces of their mean, in kJ/mol and nm. It pickles as a handle: where it
        is opened, the weights are found again.

    Raises:
        InputError: The model does not cover the molecule (the message names the atoms), is not known, is not a
            model, is a pickle that nobody vouched for, or does not have such a member.
        MissingDependency: A package or the weights are absent, or the weights are not those of the model.
    """
    sources = _sources(model)
    kind = sources[0].kind
    if kind == "name":
        return _open_named(
            sources[0], numbers, charge=charge, multiplicity=multiplicity, members=members, threads=threads
        )
    title = sources[0].what if len(sources) == 1 else f"the committee of {sources[0].what} and others"
    _check_plain(numbers, charge=charge, multiplicity=multiplicity, title=title)
    kept = sources if kind == "mace" else _kept(sources, members, title=title)
    if kind == "ase":
        from bindfe.mlip.ase import AseCommittee, AseFactory

        return AseCommittee(title, [AseFactory(function=source.what) for source in kept], numbers=numbers)
    from bindfe.mlip.mace import MaceCommittee, MaceFile

    files = [MaceFile(path=Path(source.what).absolute(), sha256=source.pin) for source in kept]
    return MaceCommittee(Path(sources[0].what).stem, files, numbers=numbers, members=members, threads=threads)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """One member, or a committee of the catalogue, as the user wrote it."""

    kind: Literal["name", "mace", "ase"]
    what: str
    pin: str


def _sources(model: str | Sequence[str | Path]) -> tuple[_Source, ...]:
    texts = model.split(",") if isinstance(model, str) else model
    sources = tuple(_source(text) for text in texts)
    if not sources:
        raise InputError("no model was named; name one of the catalogue (bindfe models), or files")
    if len({source.kind for source in sources}) > 1 or (sources[0].kind == "name" and len(sources) > 1):
        raise InputError(
            f"'{', '.join(str(text) for text in texts)}' is not one committee: give one name of the catalogue, or "
            "several MACE files, or several calculators"
        )
    return sources


def _source(text: str | Path) -> _Source:
    if isinstance(text, Path):
        return _Source(kind="mace", what=str(text), pin="")
    what, _, pin = text.strip().partition(_PIN)
    if what.startswith("mace:"):
        return _Source(kind="mace", what=what.removeprefix("mace:"), pin=pin)
    if what.startswith("ase:"):
        return _Source(kind="ase", what=what.removeprefix("ase:"), pin=pin)
    if "/" in what or what.endswith((".model", ".pt", ".pth")):
        raise InputError(f"'{what}' names a file: a MACE model is written mace:{what}{_PIN}...")
    return _Source(kind="name", what=what, pin=pin)


def _open_named(
    source: _Source,
    numbers: Sequence[int],
    *,
    charge: int,
    multiplicity: int,
    members: Sequence[int] | None,
    threads: int,
) -> Committee:
    known = model_named(source.what)
    check_covers(known.name, numbers, charge=charge, multiplicity=multiplicity)
    _say_licence(known)
    if source.pin and known.kind != "mace":
        required_file(known.files[0], title=known.title, pin=source.pin)
    if known.kind == "ani":
        from bindfe.mlip.ani import AniCommittee

        return AniCommittee(known.name, numbers=numbers, charge=charge, members=members, threads=threads)
    if known.kind == "aimnet2":
        from bindfe.mlip.aimnet import AimnetCommittee

        return AimnetCommittee(known.name, numbers=numbers, charge=charge, members=members, threads=threads)
    if known.kind == "mace":
        from bindfe.mlip.mace import MaceCommittee, MaceFile

        path = required_file(known.files[0], title=known.title, pin=source.pin)
        files = [MaceFile(path=path, sha256=source.pin)]
        return MaceCommittee(known.name, files, numbers=numbers, members=members, threads=threads)
    _kept((source,), members, title=known.title)
    from bindfe.mlip.ase import AseCommittee, AseFactory

    arguments = {"charge": charge, "multiplicity": multiplicity}
    factory = AseFactory(function="bindfe.mlip.ase:gfn2_xtb", arguments=arguments)
    return AseCommittee(known.name, [factory], numbers=numbers)


def _kept(sources: Sequence[_Source], members: Sequence[int] | None, *, title: str) -> list[_Source]:
    chosen = range(len(sources)) if members is None else members
    if not len(chosen) or not set(chosen) <= set(range(len(sources))):
        raise InputError(f"{title} has members 0 to {len(sources) - 1}, not {tuple(chosen)}")
    return [sources[member] for member in chosen]


def _check_plain(numbers: Sequence[int], *, charge: int, multiplicity: int, title: str) -> None:
    """A file or calculator that says nothing of charges gets neutral molecules with closed shells."""
    if charge != 0 or multiplicity != 1:
        raise InputError(
            f"{title} is given neutral molecules with closed shells; this one has charge {charge:+d} and multiplicity "
            f"{multiplicity}: choose aimnet2 or gfn2-xtb, or make an AseCommittee whose factory is told both"
        )
    check_electrons(numbers, charge=0, multiplicity=1, open_shells=False, title=title)


@functools.cache
def _say_licence(model: Model) -> None:
    logger.info("%s: licence of the weights %s; cite %s", model.title, model.licence, model.source)
