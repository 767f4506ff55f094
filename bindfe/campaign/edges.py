"""Edges of a series: which pairs are calculated, their maps, and the legs of each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from itertools import combinations
from typing import TYPE_CHECKING

from bindfe.campaign.pipeline import check_inputs
from bindfe.campaign.reuse import stamp_leg
from bindfe.errors import BindfeError, InputError
from bindfe.protocol import Protocol
from bindfe.states import LegKind
from bindfe.store import Run, write_record, write_text

if TYPE_CHECKING:
    from bindfe.campaign.ligands import RunLigands
    from bindfe.chem.ligand import Ligand
    from bindfe.chem.mapping import AtomMap
    from bindfe.chem.network import EdgeNetwork
    from bindfe.chem.receptor import Receptor

logger = logging.getLogger(__name__)


def prepare_edges(
    run: Run,
    protocol: Protocol,
    receptor: Receptor,
    series: RunLigands,
    *,
    built: Callable[[str, LegKind, float], None] | None = None,
) -> tuple[tuple[str, ...], dict[str, BindfeError]]:
    """Plan the network of a series and prepare the leg of each edge; legs that are there already are kept.

    Writes ``network.json`` and ``network.svg`` beside the edges' folders, and ``map.json`` with its drawing
    ``depiction.svg`` in each.

    Args:
        run: The run directory.
        protocol: A protocol with edges.
        receptor: A host or a completed protein.
        series: The ligands of the run.
        built: Called with each edge whose leg was built, and the seconds that it took.

    Returns:
        Names of the edges whose legs are ready, and why the others are not.

    Raises:
        InputError: The ligand file cannot be used, or there is no edge at all.
    """
    from bindfe.build.protein import prepare_receptor
    from bindfe.chem.draw_map import draw_network
    from bindfe.chem.pocket import cut_pocket

    ligands = {each.name: each for each in series.ligands}
    failures: dict[str, BindfeError] = dict(series.refused)
    asked = without_refused(protocol, failures)
    if failures and (len(ligands) < 2 or len(asked.edges.pairs) < min(1, len(protocol.edges.pairs))):
        raise next(iter(failures.values()))
    network, maps = plan_edges(series.ligands, asked)
    for finding in network.findings:
        logger.warning("%s", finding)
    write_record(run.root / "network.json", network)
    write_text(run.root / "network.svg", draw_network(network))
    if protocol.edges.pocket > 0 and receptor.kind == "protein":
        receptor = cut_pocket(receptor, ligands.values(), radius_nm=protocol.edges.pocket)
    complete = prepare_receptor(receptor, protocol).receptor
    ready: list[str] = []
    for first, second in network.edges:
        name = maps[first, second].edge
        try:
            seconds = _prepare_edge(run, protocol, complete, (ligands[first], ligands[second]), maps[first, second])
            if built is not None and seconds is not None:
                built(name, LegKind.RELATIVE, seconds)
        except BindfeError as error:
            failures[name] = error
        else:
            ready.append(name)
    if not ready:
        raise next(iter(failures.values()))
    return tuple(ready), failures


def without_refused(protocol: Protocol, refused: Collection[str]) -> Protocol:
    """The protocol without given edges of ligands that cannot be used, which are told on their own."""
    kept = tuple(pair for pair in protocol.edges.pairs if not set(pair) & set(refused))
    return protocol.model_copy(update={"edges": protocol.edges.model_copy(update={"pairs": kept})})


def plan_edges(ligands: tuple[Ligand, ...], protocol: Protocol) -> tuple[EdgeNetwork, dict[tuple[str, str], AtomMap]]:
    """The network that a protocol asks for, and the map of each of its edges.

    Raises:
        InputError: An edge names a ligand that is not there, or no pair of ligands shares a core.
    """
    from bindfe.chem.mapping import map_atoms, scores_of
    from bindfe.chem.network import plan_network

    settings, named = protocol.edges, {each.name: each for each in ligands}
    if settings.network == "none":
        raise InputError("edges.network is none: no pairs are asked for")
    given = settings.network == "given"
    missing = [name for pair in settings.pairs for name in pair if name not in named]
    if missing:
        raise InputError(f"edges.pairs: no ligand '{missing[0]}'; there are {', '.join(named)}")
    pairs = list(settings.pairs) if given else list(combinations(named, 2))
    maps = {(a, b): map_atoms(named[a], named[b]) for a, b in pairs}
    network = plan_network(
        tuple(named), scores_of(maps.values()), settings.network, centre=settings.centre or None, edges=settings.pairs
    )
    if not network.edges:
        raise InputError("no two ligands share a core; check that all poses are in the receptor's frame")
    return network, {edge: maps[edge] for edge in network.edges}


def _prepare_edge(
    run: Run, protocol: Protocol, receptor: Receptor, ligands: tuple[Ligand, Ligand], atom_map: AtomMap
) -> float | None:
    """Seconds that its leg took, or None where that was there."""
    from bindfe.build.relative import prepare_edge
    from bindfe.chem.draw_map import draw_map
    from bindfe.chem.mapping import alignment_pairs

    first, second = ligands
    inputs = {"receptor": receptor.content(), "first ligand": first.content(), "second ligand": second.content()}
    check_inputs(run, atom_map.edge, inputs)
    fingerprint = protocol.fingerprint(*inputs.values())
    directory = run.prepared(atom_map.edge, LegKind.RELATIVE)
    seconds = None
    if not (directory / "leg.json").exists():
        began = time.perf_counter()
        three = alignment_pairs(first, second, atom_map)
        prepare_edge(
            receptor,
            first,
            second,
            protocol,
            directory,
            alignment=([i for i, _ in three], [j for _, j in three]),
            fingerprint=fingerprint,
        )
        seconds = time.perf_counter() - began
        write_record(run.ligand(atom_map.edge) / "map.json", atom_map)
        write_text(
            run.ligand(atom_map.edge) / "depiction.svg",
            draw_map(first, second, atom_map, panel=(340, 230), stacked=True),
        )
    pose = run.ligand(atom_map.edge) / "pose.svg"
    if not pose.exists():
        from bindfe.chem.draw_site import draw_sites

        write_text(pose, draw_sites(ligands, receptor))
    stamp_leg(directory, fingerprint=fingerprint)
    return seconds
