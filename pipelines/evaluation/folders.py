"""Which prediction file belongs to which file of the truth."""

from __future__ import annotations

from pathlib import Path

from data.errors import AnnotationError
from pipelines.evaluation.notes import Note

Pair = tuple[Path, Path]
"""A file of the truth, and its predictions."""


def file_pairs(truth: Path, predictions: Path) -> tuple[list[Pair], list[Note]]:
    """Pairs of equally named JSON files, in name order, and notes on files that are left out.

    Either may be one file instead of a folder: two files are a pair whatever their names. Raises
    AnnotationError where the truth is not there, or a prediction file is missing.
    """
    for path in (truth, predictions):
        if not path.exists():
            raise AnnotationError(f"{path}: no such file or folder.")
    if truth.is_file():
        _check_names([truth])
        own = predictions if predictions.is_file() else predictions / truth.name
        if not own.exists():
            raise _missing([own])
        return [(truth, own)], []
    if predictions.is_file():
        raise AnnotationError(
            f"{predictions}: this is a file, but the truth is a folder. Give a folder of files "
            "named as the truth's."
        )
    wanted = _json_files(truth)
    if not wanted:
        raise AnnotationError(f"{truth}: a folder without JSON files.")
    _check_names(wanted)
    pairs = [(path, predictions / path.name) for path in wanted]
    lost = [own for _, own in pairs if not own.exists()]
    if lost:
        raise _missing(lost)
    known = {path.name for path in wanted}
    extra = [path.name for path in _json_files(predictions) if path.name not in known]
    return pairs, [Note(name, "left out, for no file of the truth has that name") for name in extra]


def _json_files(folder: Path) -> list[Path]:
    """In name order; hidden ones, such as the `._x.json` of copied folders, are none."""
    return sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))


def _check_names(paths: list[Path]) -> None:
    """A sequence is called as its file up to the first dot; two of one name would be one.

    Names are shown in tables and reports.
    """
    seen: dict[str, Path] = {}
    for path in paths:
        name = path.name.split(".")[0]
        if not name.isprintable():
            raise AnnotationError(
                f"{path.parent}: the name of {path.name!r} cannot be shown. Rename the file."
            )
        if name in seen:
            raise AnnotationError(
                f"{path}: a sequence {name!r} like {seen[name].name}. Rename one of the files."
            )
        seen[name] = path


def _missing(lost: list[Path]) -> AnnotationError:
    more = f", and {len(lost) - 1} more" if len(lost) > 1 else ""
    return AnnotationError(
        f"{lost[0]}: the prediction file is missing{more}. Every sequence needs one, also where "
        "nobody was found."
    )
