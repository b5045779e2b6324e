"""What benchmarks measured, put into the tables of the documentation.

    python benchmarks/pages.py FIGURES [--docs docs]

A table behind a line `<!-- FILE: PATH -->` gets its rows from FIGURES/FILE, a JSON file that
another benchmark or `fspose bench` wrote: PATH leads to rows by name, or to a list of rows. (What
`--grow people` leaves as `growth.json` is `growth-people.json` in FIGURES.) The table stays the
author's: it has the columns of its first line, and in each as many decimals as its first row had.
Tables without such a line, those whose file is not there, and all words stay as they are, so that
what is said of the figures is to be read again.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent.parent / "docs"
MARKED = re.compile(
    r"^<!-- (?P<file>[\w./-]+\.json): (?P<path>[\w/ -]+) -->\n\n(?P<table>(?:\|.*\n)+)",
    re.MULTILINE,
)
COLUMNS = {
    "GMACs nets": "gmacs_nets",
    "GMACs finding": "gmacs_finding",
    "GMACs": "gmacs",
    "ms nets": "ms_nets",
    "ms finding": "ms_finding",
    "ms all": "ms_all",
    "x GMACs": "hrnet_gmacs",
    "x ms nets": "hrnet_ms_nets",
    "x ms all": "hrnet_ms_all",
    "% of peak": "of_peak",
    "frames/s": "frames_per_second",
    "shown": "people",
    "p50": "latency_p50",
    "p95": "latency_p95",
    "p95 ms": "latency_p95",
    "MB": "memory_mb",
    "PCK@0.2": "pck",
    "OKS": "oks",
}
"""What columns are called in `bench.json` and `growth.json`, where that is not their heading."""
GROWN = ("people", "size", "minutes")  # what growth.json calls `grown`, at the head of a table
Row = Mapping[str, Any]


def cells(line: str) -> list[str]:
    """What stands in a line of a table."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def rows_at(content: Any, path: str) -> list[Row]:
    """The rows to which a path leads; of growth scheme by scheme. Rows by name have it as their
    `scheme`.

    ValueError for none: a table without a row would not know its decimals again.
    """
    for name in path.split("/"):
        content = content[name]
    if isinstance(content, Mapping):
        content = [{"scheme": name, **row} for name, row in content.items()]
    if not content:
        raise ValueError("there are no rows")
    schemes = list(dict.fromkeys(row["scheme"] for row in content if "grown" in row))
    return sorted(content, key=lambda row: schemes.index(row["scheme"]) if schemes else 0)


def value_of(row: Row, heading: str, *, first: bool) -> Any:
    """A row's value in a column. KeyError where it has none."""
    if first and "grown" in row and heading in GROWN:
        return row["grown"]
    if first and heading not in row:
        return row["scheme"]
    found = row[COLUMNS.get(heading, heading)] if heading not in row else row[heading]
    return 100 * found if heading == "% of peak" and found is not None else found


def written(value: Any, example: str) -> str:
    """A value as an example of its column is written."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return f"`{value}`" if example.startswith("`") else value
    _, _, decimals = example.partition(".")
    return f"{value:.{len(decimals)}f}"


def renewed(table: str, rows: Sequence[Row]) -> str:
    """The table with these rows."""
    head, rule, *old = table.splitlines()
    headings = cells(head)
    examples = cells(old[0])
    lines = []
    for row in rows:
        values = [value_of(row, name, first=not place) for place, name in enumerate(headings)]
        told = [written(value, one) for value, one in zip(values, examples, strict=True)]
        lines.append(f"| {' | '.join(told)} |")
    return "\n".join((head, rule, *lines, ""))


def page(text: str, content_of: Callable[[str], Any]) -> str:
    """A page with its tables renewed; `content_of` gives a file's content, or None.

    Ends the program with a line where a file has not what a table asks for.
    """

    def put(found: re.Match[str]) -> str:
        content = content_of(found["file"])
        if content is None:
            return found[0]
        try:
            table = renewed(found["table"], rows_at(content, found["path"]))
        except (KeyError, TypeError, ValueError) as error:
            wanted = f"{found['path']} and the table's columns"
            raise SystemExit(f"{found['file']} does not hold {wanted}: {error!r}") from error
        return found[0].replace(found["table"], table)

    return MARKED.sub(put, text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("figures", type=Path)
    parser.add_argument("--docs", type=Path, default=DOCS)
    options = parser.parse_args()

    for folder in (options.figures, options.docs):
        if not folder.is_dir():
            parser.error(f"there is no folder {folder}")

    def content_of(name: str) -> Any:
        file = options.figures / name
        if not file.exists():
            return None
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SystemExit(f"{file} cannot be read as JSON: {error}") from error

    texts = {path: path.read_text(encoding="utf-8") for path in sorted(options.docs.glob("*.md"))}
    # All are made before any is written: a faulty file leaves every page as it was.
    for path, new in [(path, page(text, content_of)) for path, text in texts.items()]:
        if new != texts[path]:
            path.write_text(new, encoding="utf-8")
            print(path)


if __name__ == "__main__":
    main()
