"""One run as one HTML page that opens anywhere: no network, no script, no other file.

The page holds its figures as embedded images, up to :data:`LARGEST_PAGE`. Where a run of many ligands
has more, the page links to the PNG files for the rest.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from bindfe.report.gallery import Picture, draw_ligand, draw_path, embed_what_fits
from bindfe.report.material import Failure, LigandMaterial, ReportMaterial, Timing, failure_of
from bindfe.report.sections import Section, ligand_section, unconverged_section
from bindfe.report.words import duration, file_stems, headline_coverage, percent
from bindfe.store import write_bytes, write_text

__all__ = [
    "LARGEST_PAGE",
    "Failure",
    "LigandMaterial",
    "ReportMaterial",
    "Timing",
    "failure_of",
    "write_report",
]

LARGEST_PAGE = 2_900_000
"""Size that embedded figures never make the page exceed [bytes]."""


def write_report(material: ReportMaterial, *, path: Path, figures: Path) -> None:
    """Write the page and its figures; the same material gives the same bytes.

    Args:
        material: Everything of one run.
        path: The page to write, for example ``report.html``; its directory is made if need be.
        figures: Directory for the PNG files ``LIGAND-interval.png``, ``LIGAND-overlap-LEG.png`` ...

    Raises:
        InputError: A coverage outside 0 to 1.
        StoreError: The disk is full or a directory cannot be written.
    """
    headline_coverage(material.coverages)
    with_numbers = tuple(ligand.prediction.name for ligand in material.ligands)
    stems = file_stems((*with_numbers, *(path.ligand for path in material.unconverged)))
    stems, left = stems[: len(with_numbers)], stems[len(with_numbers) :]
    sections = [
        ligand_section(ligand, material, draw_ligand(ligand, material, stem=stem), order)
        for order, (ligand, stem) in enumerate(zip(material.ligands, stems, strict=True), start=1)
    ]
    unconverged = [
        unconverged_section(path, draw_path(path, stem=stem), order)
        for order, (path, stem) in enumerate(zip(material.unconverged, left, strict=True), start=1)
    ]
    figures.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = [picture for section in (*sections, *unconverged) for picture in section.pictures.values()]
    for picture in pictures:
        write_bytes(figures / picture.name, picture.png)
    addresses = {picture.name: _link(picture, figures, path.parent) for picture in pictures}
    bare = _render(material, sections, unconverged, addresses, {})
    embedded = embed_what_fits(pictures, room=LARGEST_PAGE - len(bare.encode()))
    write_text(path, _render(material, sections, unconverged, addresses, embedded))


def _link(picture: Picture, figures: Path, directory: Path) -> str:
    return quote(Path(os.path.relpath(figures / picture.name, directory)).as_posix())


def _render(
    material: ReportMaterial,
    sections: list[Section],
    unconverged: list[Section],
    addresses: Mapping[str, str],
    embedded: Mapping[str, str],
) -> str:
    import jinja2

    room = resources.files("bindfe.report")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(room.joinpath("page.html").read_text(encoding="utf-8"))
    return template.render(
        run=material,
        sections=sections,
        unconverged=unconverged,
        several=len(sections) + len(material.failures) != 1,
        coverage=percent(headline_coverage(material.coverages)),
        total_time=_total_time(material),
        addresses=addresses,
        embedded=embedded,
        css=room.joinpath("page.css").read_text(encoding="utf-8"),
    )


def _total_time(material: ReportMaterial) -> str:
    seconds = [timing.wall_seconds for ligand in material.ligands for timing in ligand.timings]
    return duration(sum(seconds)) if seconds else ""
