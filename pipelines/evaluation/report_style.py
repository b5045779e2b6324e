"""How the report's plots look, and how they come into a page."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # matplotlib takes most of a second to import, and only reports need it
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#1f2328")
"""Told apart by people with any colour vision (Okabe and Ito, 2008)."""

DASHES = ("solid", "dashed", "dashdot", "dotted")
"""Lines differ in kind too, for print without colours."""

INK, FAINT, RULE = "#1f2328", "#59636e", "#d1d9e0"

_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "fspose",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": RULE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": FAINT,
}
_NAMELESS = {"Date": None, "Creator": None, "Format": None, "Type": None}


def colour(run: int) -> str:
    """The colour of the run-th folder of predictions."""
    return COLOURS[run % len(COLOURS)]


def dash(run: int) -> str:
    """The kind of line of the run-th folder of predictions."""
    return DASHES[run % len(DASHES)]


def letter(run: int) -> str:
    """What the run-th folder of predictions is called in tables and plots: A to Z, then A2."""
    return chr(ord("A") + run % 26) + (str(run // 26 + 1) if run >= 26 else "")


@contextmanager
def drawing() -> Iterator[type[Figure]]:
    """matplotlib's figures under its own defaults and ours, whatever stands in a matplotlibrc."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield Figure


def svg(figure: Figure, name: str) -> str:
    """The figure as an SVG element. `name` begins every id in it, so that a page has no two alike.

    Text stays text, in the page's font; nothing tells when or by what it was drawn.
    """
    text = io.StringIO()
    with drawing():
        figure.savefig(text, format="svg", transparent=True, metadata=_NAMELESS)
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    for part in ("metadata", "style"):
        drawn = re.sub(rf"<{part}.*?</{part}>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", drawn)
    drawn = re.sub(r"font-family: [^;\"]*", "font-family: inherit", drawn)
    return re.sub(r"\s*\n\s*", "\n", drawn).strip()
