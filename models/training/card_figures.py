"""The figures of a card, as tables, from what the benchmarks wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS = {
    "coco AP": "COCO keypoints AP",
    "coco, visible": "COCO PCK@0.2, visible keypoints",
    "coco, labelled": "COCO PCK@0.2, labelled keypoints",
    "lspet": "LSPET PCK@0.2",
    "bonn": "Bonn PCK@0.2",
}
FALSE_BOXES = (0.25, 0.5, 1.0)


def section(role: str, figures: Mapping[str, Any]) -> str:
    """Everything that is known of a role: its own figures, the scheme's, the tracker's."""
    own = finder_lines(figures) if role == "finder" else pose_lines(role, figures)
    parts = [own, scheme_lines(role, figures), tracking_lines(figures)]
    return "\n".join(line for part in parts for line in part).strip() or "None are recorded."


def pose_lines(role: str, figures: Mapping[str, Any]) -> list[str]:
    """On annotated boxes, with MoveNet's beside it where the benchmark printed them."""
    names = [name for name in (role, f"{role} flipped") if f"{name} lspet" in figures]
    if not names:
        return []
    rows = [
        (name, [_spanned(figures.get(f"{name} {column}")) for column in COLUMNS]) for name in names
    ]
    printed = str(figures.get("accuracy", {}).get("table", "")).split("\n")
    movenet = [line for line in printed if line.startswith("| MoveNet")]
    people = figures[f"{role} lspet"]["people"]
    return [
        "Annotated boxes, `python benchmarks/accuracy.py MEDIA_DIR`, in brackets 95 % of bootstrap",
        f"draws; AP is of {figures[f'{role} coco AP']['people']} people, LSPET of {people}:",
        "",
        *_table(["", *COLUMNS.values()], rows),
        *movenet,
        "",
    ]


def finder_lines(figures: Mapping[str, Any]) -> list[str]:
    """Recall at some numbers of false boxes, and what it costs."""
    found = figures.get("finder")
    if found is None:
        return []
    rows = [
        (f"{limit:g}", [_interval(found[f"recall_at_{limit}"], found[f"interval_at_{limit}"])])
        for limit in FALSE_BOXES
    ]
    return [
        f"{found['people']} people over 96 px tall on {found['pictures']} COCO pictures, found at",
        "an IoU of 0.5, `python benchmarks/accuracy.py MEDIA_DIR`:",
        "",
        *_table(["false boxes a picture, at most", "recall"], rows),
        "",
        f"On these pictures the network costs {found['gmacs']:.3f} GMACs on average, and the fast",
        f"net's look into {found['checked_boxes']:.1f} boxes a picture makes it "
        f"{found['gmacs_with_checks']:.3f}.",
        "",
    ]


def scheme_lines(role: str, figures: Mapping[str, Any]) -> list[str]:
    """What the fusions make of the three networks; the finder has no part in it."""
    scheme = figures.get("scheme")
    if scheme is None or role == "finder":
        return []
    return [
        f"The scheme, a keyframe every {scheme['interval']} frames, `python benchmarks/fusion.py`;",
        f"`{scheme['default']}` is the default:",
        "",
        str(scheme["table"]),
        "",
        *(f"- {line}" for line in scheme["verdicts"]),
        "",
    ]


def tracking_lines(figures: Mapping[str, Any]) -> list[str]:
    """The whole family from raw frames: each set's total."""
    found = figures.get("tracking")
    if found is None:
        return []
    names = ("mota", "hota", "idf1")
    counts = ("people", "switches", "misses", "false_positives", "fragmentations")
    totals = {name: found[name][-1] for name in ("drawn", "bonn") if found.get(name)}
    rows = [
        (
            f"{name}, {own['frames']} frames",
            [*(f"{own[key]:.1f}" for key in names), *(f"{own[key]}" for key in counts)],
        )
        for name, own in totals.items()
    ]
    heads = ["", "MOTA", "HOTA", "IDF1", *(name.replace("_", " ") for name in counts)]
    return [
        "All four networks end to end, from raw frames, `python benchmarks/tracking.py MEDIA_DIR`:",
        "",
        *_table(heads, rows),
        "",
        f"- {found['verdict']}",
        "",
    ]


def _table(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return lines + [f"| {' | '.join((name, *cells))} |" for name, cells in rows]


def _spanned(found: Mapping[str, Any] | None) -> str:
    return "-" if found is None else _interval(found["pck"], (found["low"], found["high"]))


def _interval(value: float, span: Sequence[float]) -> str:
    return f"{value:.3f} [{span[0]:.3f}, {span[1]:.3f}]"
