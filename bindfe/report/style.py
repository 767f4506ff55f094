"""One look for every figure: colours, type, and files that are the same bytes from the same input.

Colours are those of Okabe and Ito, told apart with any colour vision and in grey. Figures are drawn on
Figure objects, without pyplot, so nothing global changes and no display is needed.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec

from bindfe.results import ComponentKind

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")

BLUE, SKY, ORANGE, VERMILLION = "#0072B2", "#56B4E9", "#E69F00", "#D55E00"
GREEN, PURPLE, GREY, INK, FAINT = "#009E73", "#CC79A7", "#8A8F98", "#1F2933", "#E4E7EB"

COMPONENT_COLOURS: dict[ComponentKind, str] = {
    "sampling": BLUE,
    "committee": ORANGE,
    "model": GREEN,
    "assay": PURPLE,
    "analytic": GREY,
}
"""Colour of each line of the budget, in figures and on the page."""

INTERVAL_COLOURS = ("#08519C", "#4A90C8", "#8DBDE0", "#C6DDF0")
"""From the narrowest interval to the widest."""

RESOLUTION = 150
"""Dots per inch of the PNG files."""

_SETTINGS: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.unicode_minus": True,
    "figure.dpi": RESOLUTION,
    "figure.constrained_layout.use": True,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "savefig.dpi": RESOLUTION,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "bindfe",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
}


@contextmanager
def _style() -> Iterator[None]:
    """The look of bindfe on top of matplotlib's defaults, whatever a user's own matplotlibrc says."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw a figure in bindfe's style."""

    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with _style():
            return draw(*args, **kwargs)

    wrapper.__name__, wrapper.__doc__ = draw.__name__, draw.__doc__
    return wrapper


def blank(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty figure [inch] with one set of axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def png(figure: Figure) -> bytes:
    """The figure as a PNG file, without dates or versions."""
    return _saved(figure, "png", {"Software": None})


def svg(figure: Figure) -> bytes:
    """The figure as an SVG file, without dates or versions."""
    return _saved(figure, "svg", {"Date": None, "Creator": None})


def _saved(figure: Figure, kind: str, metadata: dict[str, None]) -> bytes:
    buffer = io.BytesIO()
    with _style():
        figure.savefig(buffer, format=kind, metadata=metadata)
    return buffer.getvalue()
