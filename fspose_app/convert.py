"""A finished result file, written again in other formats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data.result import blank, result_of
from data.result_file import read_result
from fspose_app.config import Format
from fspose_app.sinks import Fan, file_of, make_sink


def convert(result: Path, formats: Sequence[Format], out_dir: Path) -> list[Path]:
    """Write a result in other formats; the files bear its name, and are returned in that order.

    Nothing is left under a final name when the result turns out to be broken half way. Raises
    ResultError for a result that is missing, broken or unfinished, OutputError for a file that
    cannot be written.
    """
    header, records = read_result(result)
    with Fan() as fan:
        for kind in formats:
            fan.add(make_sink(kind, out_dir, header, stem=result.stem))
        for record in records:
            fan.write(result_of(record, blank(record, header)))
    return [file_of(kind, out_dir, stem=result.stem) for kind in formats]
