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
        own = predictions if predictions.is_file() else predictions / truth.name
        if not own.exists():
            raise _missing([own])
        return [(truth, own)], []
    if predictions.is_file():
        raise AnnotationError(
            f"{predictions}: this is a file, but the truth is a folder. Give a folder of files "
            "named as the truth's."
        )
    wanted = sorted(truth.glob("*.json"))
    if not wanted:
        raise AnnotationError(f"{truth}: a folder without JSON files.")
    _check_names(wanted)
    pairs = [(path, predictions / path.name) for path in wanted]
    lost = [own for _, own in pairs if not own.exists()]
    if lost:
        raise _missing(lost)
    extra = sorted({path.name for path in predictions.glob("*.json")} - {p.name for p in wanted})
    return pairs, [Note(name, "left out, for no file of the truth has that name") for name in extra]


def _check_names(paths: list[Path]) -> None:
    """A sequence is called as its file up to the first dot; two of one name would be one."""
    seen: dict[str, Path] = {}
    for path in paths:
        name = path.name.split(".")[0]
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
